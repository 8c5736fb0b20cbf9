//! The program against an HTTP server that answers as an API server does.
#![cfg(feature = "kube")]
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test")]

#[path = "../../engine/tests/api_server/mod.rs"]
mod api_server;

use api_server::{list, node, serve, status};
use objects::{DocExt, Value, json};
use std::process::Command;

/// Standard output, standard error and exit status of `nodewright observe`.
fn observe(args: &[&str]) -> (String, String, Option<i32>) {
    let out = Command::new(env!("CARGO_BIN_EXE_nodewright")).arg("observe").args(args).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (text(out.stdout), text(out.stderr), out.status.code())
}

fn labelled(name: &str, labels: Value) -> Value {
    let mut node = node(name);
    node.set("metadata.labels", labels);
    node
}

#[test]
fn draws_the_nodes_with_their_prices() {
    let kubeconfig = serve("viewer", |path| match path {
        p if p.starts_with("/api/v1/nodes") => {
            let seoul = |kind: &str| {
                json!({"topology.kubernetes.io/region": "ap-northeast-2", "topology.kubernetes.io/zone": "ap-northeast-2a",
                    "node.kubernetes.io/instance-type": kind, "eks.amazonaws.com/capacityType": "ON_DEMAND"})
            };
            let (a, b) = (labelled("a", seoul("m5.xlarge")), labelled("b", seoul("m5.nano")));
            list(&[a, b, labelled("c", json!({}))], "")
        }
        p if p.starts_with("/api/v1/pods") => {
            let pod = json!({"metadata": {"name": "p", "namespace": "default"}, "status": {"phase": "Running"},
                "spec": {"nodeName": "a", "containers": [{"name": "p", "resources": {"requests": {"cpu": "1960m"}}}]}});
            list(&[pod], "")
        }
        p if p.starts_with("/apis/karpenter.sh/v1/nodepools") => list(&[], ""),
        _ => status(404, "NotFound"),
    });
    let (out, notes, exit) = observe(&["--kubeconfig", &kubeconfig]);
    assert_eq!(exit, Some(0), "{notes}");
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines.first().is_some_and(|l| l.starts_with("3 nodes") && l.ends_with("$0.236/hour | $172.280/month")), "{out}");
    assert_eq!(lines.get(1), Some(&"1 pods (0 pending 1 running 1 bound)"), "{out}");
    let row = lines.iter().find(|l| l.starts_with("a ")).unwrap();
    assert!(row.contains(" 50% ") && row.contains("m5.xlarge/$0.2360 On-Demand - Ready"), "{out}");
    assert!(notes.contains("note: no on-demand price of m5.nano in ap-northeast-2a\n"), "{notes}");
    assert!(notes.contains("note: no price for node c: it has no label node.kubernetes.io/instance-type\n"), "{notes}");
}

#[test]
fn says_why_nothing_can_be_drawn() {
    let kubeconfig = serve("refused", |_| status(403, "Forbidden"));
    let (out, why, exit) = observe(&["--kubeconfig", &kubeconfig, "--context", "fake"]);
    assert_eq!((out.as_str(), why.as_str(), exit), ("", "nodewright: cannot read the cluster: Forbidden here\n", Some(3)));

    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let text = std::fs::read_to_string(&kubeconfig).unwrap();
    let (head, port) = text.split_once("127.0.0.1:").unwrap();
    let rest = port.trim_start_matches(|c: char| c.is_ascii_digit());
    let closed = format!("{kubeconfig}.closed");
    std::fs::write(&closed, format!("{head}127.0.0.1:{free}{rest}")).unwrap();
    let (_, why, exit) = observe(&["--kubeconfig", &closed]);
    assert_eq!(exit, Some(3), "{why}");
    assert!(why.starts_with("nodewright: cannot read the cluster: "), "{why}");

    let (_, why, exit) = observe(&["--kubeconfig", &kubeconfig, "--context", "other"]);
    assert_eq!(exit, Some(2), "{why}");
}
