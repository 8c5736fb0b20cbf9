//! `cluster::observe` against an HTTP server that answers as an API server does: pages, missing kinds, refusals.
#![cfg(feature = "kube")]
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test"
)]

use nodewright_engine::Era;
use nodewright_engine::cluster::{ObserveError, Options, observe};
use objects::{Kind, Value, json};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

/// Serves `answer(path)` as (status, body) until the test ends, and returns the kubeconfig that points to it.
fn serve(name: &str, answer: impl Fn(&str) -> (u16, Value) + Send + 'static) -> Options {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut request = String::new();
            reader.read_line(&mut request).unwrap();
            let mut header = String::new();
            while reader.read_line(&mut header).is_ok_and(|n| n > 2) {
                header.clear();
            }
            let (status, body) = answer(request.split(' ').nth(1).unwrap_or_default());
            let body = body.to_string();
            let head = format!(
                "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
        }
    });
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "fake",
        "clusters": [{"name": "fake", "cluster": {"server": format!("http://127.0.0.1:{port}")}}],
        "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "me"}}],
        "users": [{"name": "me", "user": {}}],
    });
    let path = std::env::temp_dir().join(format!("nodewright-observe-{name}-{port}.yaml"));
    std::fs::write(&path, config.to_string()).unwrap();
    Options { context: Some("fake".into()), kubeconfig: Some(path.to_string_lossy().into_owned()) }
}

fn node(name: &str) -> Value {
    json!({"metadata": {"name": name, "creationTimestamp": "2026-01-01T00:00:00Z"},
        "status": {"allocatable": {"cpu": "3920m", "pods": "58"}, "conditions": [{"type": "Ready", "status": "True"}]}})
}

fn status(code: u16, reason: &str) -> (u16, Value) {
    (code, json!({"kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": format!("{reason} here")}))
}

fn list(items: &[Value], token: &str) -> (u16, Value) {
    (200, json!({"kind": "List", "apiVersion": "v1", "metadata": {"continue": token}, "items": items}))
}

#[test]
fn reads_pages_and_tells_the_era() {
    let options = serve("pages", |path| match path {
        p if p.starts_with("/api/v1/nodes") && p.contains("continue=more") => list(&[node("b")], ""),
        p if p.starts_with("/api/v1/nodes") => list(&[node("a")], "more"),
        p if p.starts_with("/api/v1/pods") => {
            list(&[json!({"metadata": {"name": "p", "namespace": "default"}, "spec": {"nodeName": "b"}})], "")
        }
        p if p.starts_with("/apis/karpenter.sh/v1alpha5/provisioners") => list(&[json!({"metadata": {"name": "default"}})], ""),
        _ => status(404, "NotFound"),
    });
    let observed = observe(&options).unwrap();
    assert_eq!(observed.store.list(Kind::Node).map(|n| n.meta.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(observed.store.pods_on("b").count(), 1);
    assert_eq!(observed.store.list(Kind::Node).next().unwrap().node().unwrap().allocatable.cpu(), 3920);
    assert_eq!((observed.era, observed.notes.len()), (Era::V1alpha5, 0));
}

#[test]
fn missing_permissions_are_reported_and_not_fatal() {
    let options = serve("forbidden", |path| match path {
        p if p.starts_with("/api/v1/nodes") => list(&[node("a")], ""),
        p if p.starts_with("/api/v1/pods") => status(403, "Forbidden"),
        _ => status(404, "NotFound"),
    });
    let observed = observe(&options).unwrap();
    assert_eq!(observed.store.count(Kind::Node), 1);
    assert_eq!(observed.notes.len(), 2);
    assert!(observed.notes[0].starts_with("no permission to list pods: Forbidden here"), "{:?}", observed.notes);
}

#[test]
fn a_cluster_that_cannot_be_read_says_why() {
    let options = serve("nodes", |_| status(403, "Forbidden"));
    assert!(matches!(observe(&options), Err(ObserveError::Unreachable(m)) if m == "Forbidden here"));
    let gone = Options { context: Some("other".into()), ..options };
    assert!(matches!(observe(&gone), Err(ObserveError::Config(_))));
    let nowhere = Options { kubeconfig: Some("/nonexistent".into()), context: None };
    assert!(matches!(observe(&nowhere), Err(ObserveError::Config(m)) if m.contains("nonexistent")));
}
