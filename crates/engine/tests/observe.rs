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

mod api_server;

use api_server::{list, node, serve, status};
use nodewright_engine::Era;
use nodewright_engine::cluster::{ObserveError, Options, observe};
use objects::{Kind, json};

fn fake(kubeconfig: &str) -> Options {
    Options { context: Some("fake".into()), kubeconfig: Some(kubeconfig.into()) }
}

#[test]
fn reads_pages_and_tells_the_era() {
    let kubeconfig = serve("pages", |path| match path {
        p if p.starts_with("/api/v1/nodes") && p.contains("continue=more") => list(&[node("b")], ""),
        p if p.starts_with("/api/v1/nodes") => list(&[node("a")], "more"),
        p if p.starts_with("/api/v1/pods") => {
            list(&[json!({"metadata": {"name": "p", "namespace": "default"}, "spec": {"nodeName": "b"}})], "")
        }
        p if p.starts_with("/apis/karpenter.sh/v1alpha5/provisioners") => list(&[json!({"metadata": {"name": "default"}})], ""),
        _ => status(404, "NotFound"),
    });
    let observed = observe(&fake(&kubeconfig)).unwrap();
    assert_eq!(observed.store.list(Kind::Node).map(|n| n.meta.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(observed.store.pods_on("b").count(), 1);
    assert_eq!(observed.store.list(Kind::Node).next().unwrap().node().unwrap().allocatable.cpu(), 3920);
    assert_eq!((observed.era, observed.notes.len()), (Era::V1alpha5, 0));
}

#[test]
fn missing_permissions_are_reported_and_not_fatal() {
    let kubeconfig = serve("forbidden", |path| match path {
        p if p.starts_with("/api/v1/nodes") => list(&[node("a")], ""),
        p if p.starts_with("/api/v1/pods") => status(403, "Forbidden"),
        _ => status(404, "NotFound"),
    });
    let observed = observe(&fake(&kubeconfig)).unwrap();
    assert_eq!(observed.store.count(Kind::Node), 1);
    assert_eq!(observed.notes.len(), 2);
    assert!(observed.notes[0].starts_with("no permission to list pods: Forbidden here"), "{:?}", observed.notes);
}

#[test]
fn a_cluster_that_cannot_be_read_says_why() {
    let kubeconfig = serve("nodes", |_| status(403, "Forbidden"));
    assert!(matches!(observe(&fake(&kubeconfig)), Err(ObserveError::Unreachable(m)) if m == "Forbidden here"));
    let gone = Options { context: Some("other".into()), ..fake(&kubeconfig) };
    assert!(matches!(observe(&gone), Err(ObserveError::Config(_))));
    let nowhere = Options { kubeconfig: Some("/nonexistent".into()), context: None };
    assert!(matches!(observe(&nowhere), Err(ObserveError::Config(m)) if m.contains("nonexistent")));
}
