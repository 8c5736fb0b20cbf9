//! The program against an HTTP server that answers as an API server does.
#![cfg(feature = "kube")]
#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::panic, reason = "a test")]

#[path = "../../engine/tests/api_server/mod.rs"]
mod api_server;
mod terminal;

use api_server::{list, node, serve, status};
use objects::{DocExt, Value, json};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use terminal::Terminal;

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

#[test]
fn keeps_the_terminal_current_and_puts_it_back() {
    let nodes = Arc::new(AtomicUsize::new(1));
    let shared = Arc::clone(&nodes);
    let kubeconfig = serve("live", move |path| match path {
        p if p.contains("watch=") => status(403, "Forbidden"),
        p if p.starts_with("/api/v1/nodes") => {
            let all: Vec<Value> = (0..shared.load(Ordering::SeqCst)).map(|i| node(&format!("node-{i:02}"))).collect();
            list(&all, "")
        }
        p if p.starts_with("/api/v1/pods") => list(&[], ""),
        _ => status(404, "NotFound"),
    });
    let mut terminal = Terminal::run(&["observe", "--kubeconfig", &kubeconfig], 100, 20);
    let screen = terminal.until("a node", |t| t.starts_with("1 nodes ") && t.contains("\nnode-00 cpu "));
    assert!(screen.contains("note: no permission to watch nodes: Forbidden here"), "{screen}");
    assert!(terminal.is_raw());

    // Eight fit beside the notes, the newest or last first.
    nodes.store(30, Ordering::SeqCst);
    terminal.until("the nodes that came", |t| t.starts_with("30 nodes ") && t.contains("\n••••\n") && !t.contains("node-21 "));
    terminal.write("l");
    terminal.until("the second page", |t| t.contains("\nnode-21 ") && !t.contains("node-22 "));
    terminal.resize(20, 60);
    terminal.until("all on one page", |t| t.contains("\n•\n") && t.lines().filter(|l| l.starts_with("node-")).count() == 30);
    assert!(terminal.text().lines().all(|l| l.chars().count() <= 20), "{}", terminal.text());

    terminal.write("q");
    assert_eq!(terminal.end(), Some(0));
    assert!(!terminal.is_raw() && terminal.is_put_back());
}

#[test]
fn a_terminal_is_put_back_when_the_program_is_told_to_stop() {
    let kubeconfig = serve("stopped", |path| match path {
        p if p.contains("watch=") => status(403, "Forbidden"),
        p if p.starts_with("/api/v1/nodes") => list(&[node("a")], ""),
        _ => status(404, "NotFound"),
    });
    for stop in ["\u{3}", "TERM"] {
        let mut terminal = Terminal::run(&["observe", "--kubeconfig", &kubeconfig], 80, 24);
        terminal.until("a node", |t| t.contains("\na cpu "));
        if stop == "TERM" {
            terminal.signal(stop)
        } else {
            terminal.write(stop)
        }
        assert_eq!(terminal.end(), Some(0), "{stop}");
        assert!(!terminal.is_raw() && terminal.is_put_back(), "{stop}");
    }
    // Of a cluster that cannot be read nothing is drawn.
    let refused = serve("refused-live", |_| status(403, "Forbidden"));
    let mut terminal = Terminal::run(&["observe", "--kubeconfig", &refused], 80, 24);
    assert_eq!(terminal.end(), Some(3));
    assert!(!terminal.is_raw() && terminal.is_put_back());
    assert!(terminal.text().contains("cannot read the cluster: Forbidden here"), "{}", terminal.text());
}

#[test]
fn once_is_once_on_a_terminal_too() {
    let kubeconfig = serve("once", |path| match path {
        p if p.starts_with("/api/v1/nodes") => list(&[node("a")], ""),
        _ => status(404, "NotFound"),
    });
    let mut terminal = Terminal::run(&["observe", "--once", "--kubeconfig", &kubeconfig], 80, 24);
    assert_eq!(terminal.end(), Some(0));
    let screen = terminal.text();
    assert!(screen.contains("1 nodes ") && screen.contains("note: the server has no Karpenter API"), "{screen}");
}
