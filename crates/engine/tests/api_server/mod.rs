//! An HTTP server that answers as an API server does.

use objects::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

/// Serves `answer(path)` as (status, body) until the test ends, and returns the path of the kubeconfig
/// (context `fake`) that points to it.
pub fn serve(name: &str, answer: impl Fn(&str) -> (u16, Value) + Send + 'static) -> String {
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
    path.to_string_lossy().into_owned()
}

pub fn node(name: &str) -> Value {
    json!({"metadata": {"name": name, "creationTimestamp": "2026-01-01T00:00:00Z"},
        "status": {"allocatable": {"cpu": "3920m", "pods": "58"}, "conditions": [{"type": "Ready", "status": "True"}]}})
}

pub fn status(code: u16, reason: &str) -> (u16, Value) {
    (code, json!({"kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": format!("{reason} here")}))
}

pub fn list(items: &[Value], token: &str) -> (u16, Value) {
    (200, json!({"kind": "List", "apiVersion": "v1", "metadata": {"continue": token, "resourceVersion": "1"}, "items": items}))
}
