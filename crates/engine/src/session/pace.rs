//! The pace of a recorded machine: what the scheduler says while nodes join, and when they are looked at.

use super::{Request, Scenario, Session, Validation};
use objects::{DocExt, Kind, Value, json, yaml};
use std::collections::BTreeSet;

fn recorded(path: &str) -> String {
    std::fs::read_to_string(format!("{}/../../tests/kubectl/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn documents(path: &str) -> Vec<Value> {
    yaml::parse(&recorded(&format!("manifests/{path}"))).documents.into_iter().map(|d| d.value).collect()
}

/// Twelve pods for four nodes on the recorded cluster, where calls take so long; half a minute later.
fn twelve_pods(call_time: Option<&str>) -> Session {
    let types = recorded("manifests/instance-types.json");
    let scenario = Scenario::kwok(&documents("base.yaml"), Some(types.into()), 1, 1_790_000_000_000, 60_000);
    let mut session = Session::new(scenario).unwrap();
    session.request("karpenter", Scenario::release_karpenter()).unwrap();
    let mut docs = documents("nodeclass.yaml");
    docs.extend(documents("nodepool-od.yaml"));
    if let Some(time) = call_time {
        let annotations = json!({"nodewright.dev/call-time": time});
        let metadata = json!({"name": "kube-system", "annotations": annotations});
        docs.push(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}));
    }
    let mut inflate = documents("inflate.yaml").remove(0);
    inflate.set("spec.replicas", 12);
    for doc in docs.into_iter().chain([inflate]) {
        session.request("apply", Request::Apply { doc, dry_run: false, validation: Validation::Strict }).unwrap();
        session.advance_to(session.now() + 1_000);
    }
    session.advance_to(session.now() + 30_000);
    session
}

/// What was said of a reason.
fn said(session: &Session, reason: &str) -> BTreeSet<String> {
    let store = &session.snapshot().store;
    let of = store.list(Kind::Event).filter(|e| e.doc.str_at("reason") == Some(reason));
    of.filter_map(|e| e.doc.str_at("message")).map(|m| m.split(" no new claims").next().unwrap().to_owned()).collect()
}

#[test]
fn on_a_busy_machine_the_scheduler_sees_nodes_join_and_open_one_after_the_other() {
    // The recorded run had single nodes too, which say nothing that these four do not.
    let table = recorded("recorded/a156-get-events-fieldsel.txt");
    let of = |line: &str| Some(line[line.find("0/")?..].split(" no new claims").next()?.to_owned());
    let want: BTreeSet<String> = table.lines().filter(|l| l.contains("FailedScheduling  ")).filter_map(of).collect();
    assert_eq!(want.len(), 8, "{want:?}");
    assert_eq!(said(&twelve_pods(Some("100ms")), "FailedScheduling"), want);
    let idle = said(&twelve_pods(None), "FailedScheduling");
    assert!(idle.contains("0/6 nodes are available: 2 Insufficient cpu, 4 node(s) had untolerated taint(s)."), "{idle:?}");
    assert!(!idle.iter().any(|said| said.starts_with("0/4")), "{idle:?}");
}

/// Recorded: the nodes were candidates 13 s after the scale, for only nodes that were there are nominated.
#[test]
fn new_nodes_are_candidates_at_the_first_poll_after_they_are_initialized() {
    let session = twelve_pods(Some("100ms"));
    let store = &session.snapshot().store;
    let mut looked: Vec<i64> = Vec::new();
    for event in store.list(Kind::Event).filter(|e| e.doc.str_at("reason") == Some("Unconsolidatable")) {
        assert_eq!(event.doc.str_at("message"), Some("Can't replace with a cheaper node"));
        let at = objects::time::parse_rfc3339(event.doc.str_at("firstTimestamp").unwrap()).unwrap();
        looked.push(at - store.get(&objects::ObjectKey::new(Kind::Deployment, "default", "inflate")).unwrap().meta.created_ms);
    }
    assert_eq!(looked.len(), 8, "four nodes and their claims");
    assert!(looked.iter().all(|ms| *ms < 15_000), "{looked:?}");
    assert!(!said(&session, "DisruptionBlocked").contains("Node is nominated for a pending pod"));
}
