//! Sessions as a whole: they start, they are deterministic, and they go back.

use super::*;
use objects::{DocExt, json};

fn lab() -> Session {
    Session::new(Scenario::lab(crate::Era::V1alpha5, LAB_SEED)).unwrap()
}

fn inflate(replicas: i64) -> Request {
    let doc = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "inflate"},
        "spec": {
            "replicas": replicas, "selector": {"matchLabels": {"app": "inflate"}},
            "template": {
                "metadata": {"labels": {"app": "inflate"}},
                "spec": {
                    "terminationGracePeriodSeconds": 0,
                    "containers": [{
                        "name": "inflate", "image": "public.ecr.aws/eks-distro/kubernetes/pause:3.7",
                        "resources": {"requests": {"cpu": "1"}},
                    }],
                },
            },
        },
    });
    Request::Apply { doc, dry_run: false, validation: Validation::Strict }
}

fn scale(replicas: i64) -> Request {
    let key = ObjectKey::new(Kind::Deployment, "default", "inflate");
    Request::Scale { key, replicas, dry_run: false }
}

#[test]
fn starts_in_both_eras() {
    for era in [crate::Era::V1alpha5, crate::Era::V1] {
        let session = Session::new(Scenario::lab(era, 3)).unwrap();
        let snapshot = session.snapshot();
        assert_eq!(snapshot.elapsed_ms(), 0);
        assert_eq!(snapshot.store.count(Kind::pool(era)), 1);
        assert_eq!(snapshot.store.count(Kind::Deployment), 3);
        assert_eq!(check_invariants(session.world()), Vec::<String>::new());
    }
}

#[test]
fn small_steps_and_one_big_step_are_the_same() {
    let (mut small, mut big) = (lab(), lab());
    for session in [&mut small, &mut big] {
        session.request("apply", inflate(5)).unwrap();
    }
    let end = big.now() + 180_000;
    big.advance_to(end);
    let mut at = small.now();
    while at < end {
        at = (at + 733).min(end);
        while small.advance(at, 3) == Advance::Working {}
    }
    assert_eq!(small.snapshot().hash, big.snapshot().hash);
    assert_eq!(small.now(), big.now());
}

#[test]
fn refusals_change_nothing() {
    let mut session = lab();
    session.request("apply", inflate(1)).unwrap();
    let before = session.snapshot();
    let text = |r: Result<Outcome, ApiError>| r.unwrap_err().to_string();
    let missing = ObjectKey::new(Kind::Deployment, "default", "nope");
    let other = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": "nope"}});
    let create = |doc: Value| Request::Create { doc, dry_run: false, validation: Validation::Strict };
    for (request, want) in [
        (Request::Scale { key: missing.clone(), replicas: 1, dry_run: false }, "deployments.apps \"nope\" not found"),
        (Request::Delete { key: missing, grace_s: None, dry_run: false }, "deployments.apps \"nope\" not found"),
        (create(other), "namespaces \"nope\" not found"),
        (create(inflate(1).document().unwrap().clone()), "deployments.apps \"inflate\" already exists"),
        (
            scale(-1),
            "Scale.autoscaling \"inflate\" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0",
        ),
        (
            scale(4_000),
            "deployments.apps \"inflate\" is forbidden: this simulation runs at most 3000 pods of workloads: 4000 are \
             asked for here and 0 elsewhere, at most 3000 are possible",
        ),
        (Request::InterruptSpot { node: "x".to_owned() }, "nodes \"x\" not found"),
    ] {
        assert_eq!(text(session.request("try", request)), want);
    }
    assert_eq!(session.snapshot().hash, before.hash);
    assert_eq!(session.history().len(), 1);
}

#[test]
fn dry_runs_write_nothing() {
    let mut session = lab();
    let before = session.snapshot().hash;
    let mut request = inflate(5);
    if let Request::Apply { dry_run, .. } = &mut request {
        *dry_run = true;
    }
    assert_eq!(session.request("apply --dry-run", request).unwrap().verdict, Verdict::Created);
    assert_eq!((session.snapshot().hash, session.history().len()), (before, 0));
}

#[test]
fn undo_and_redo_restore_time_and_state() {
    let mut session = lab();
    session.request("apply", inflate(0)).unwrap();
    session.advance_to(session.now() + 60_000);
    let before = session.snapshot();
    session.request("scale", scale(5)).unwrap();
    session.advance_to(session.now() + 60_000);
    let after = session.snapshot();

    assert!(session.undo());
    assert_eq!((session.now(), session.snapshot().hash, session.history().len()), (before.now, before.hash, 1));
    assert!(session.redo());
    assert_eq!((session.now(), session.snapshot().hash, session.history().len()), (after.now, after.hash, 2));
    assert!(!session.redo());

    session.reset();
    assert_eq!((session.history().len(), session.snapshot().elapsed_ms()), (0, 0));
    assert!(session.undo());
    assert_eq!(session.snapshot().hash, after.hash);
    assert!(session.redo());
    assert_eq!(session.snapshot().elapsed_ms(), 0);
    assert!(session.undo() && session.undo() && session.undo());
    assert!(!session.undo());
    assert_eq!(session.history().len(), 0);
}

#[test]
fn the_past_is_seen_and_branched_from() {
    let mut session = lab();
    let start = session.now();
    session.request("apply", inflate(1)).unwrap();
    session.advance_to(start + 100_000);
    session.request("scale", scale(2)).unwrap();
    session.advance_to(start + 200_000);
    let present = session.snapshot();

    session.seek(start + 50_000);
    assert!(session.is_rewound());
    assert_eq!((session.applied(), session.now()), (1, start + 50_000));
    // Playing on comes back to the very same present.
    session.advance_to(start + 200_000);
    assert!(!session.is_rewound());
    assert_eq!(session.snapshot().hash, present.hash);

    session.seek(start + 50_000);
    session.request("scale", scale(3)).unwrap();
    assert!(!session.is_rewound());
    assert_eq!((session.history().len(), session.branches().count()), (2, 1));
    assert!(session.switch_to(0));
    assert_eq!(session.snapshot().hash, present.hash);
    assert_eq!(session.branches().count(), 1);
}

#[test]
fn a_share_record_gives_the_same_session() {
    let mut session = lab();
    session.advance_to(session.now() + 7_000);
    session.request("kubectl apply -f inflate.yaml", inflate(0)).unwrap();
    session.advance_to(session.now() + 4_321);
    session.request("kubectl scale deployment inflate --replicas 5", scale(5)).unwrap();
    session.request("kubectl scale deployment inflate --replicas 6", scale(6)).unwrap();
    session.advance_to(session.now() + 45_000);
    let record = session.share(Some("five pods")).unwrap();
    let replay = Session::from_share(&record).unwrap();
    assert_eq!(replay.refused.len(), 0);
    assert_eq!(replay.title.as_deref(), Some("five pods"));
    assert_eq!(replay.session.snapshot().hash, session.snapshot().hash);
    assert_eq!(replay.session.history(), session.history());
    assert_eq!(replay.session.share(Some("five pods")).unwrap(), record);
}

#[test]
fn namespaces_end_when_they_are_empty() {
    let mut session = lab();
    let create = |doc: Value| Request::Create { doc, dry_run: false, validation: Validation::Strict };
    let namespace = ObjectKey::cluster(Kind::Namespace, "team");
    session.request("create ns", create(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team"}}))).unwrap();
    let mut doc = inflate(2).document().cloned().unwrap();
    doc["metadata"]["namespace"] = "team".into();
    session.request("create deploy", create(doc.clone())).unwrap();
    session.advance_to(session.now() + 5_000);
    session.request("delete ns", Request::Delete { key: namespace.clone(), grace_s: None, dry_run: false }).unwrap();
    doc["metadata"]["name"] = "late".into();
    assert_eq!(
        session.request("create deploy", create(doc)).unwrap_err().message,
        "deployments.apps \"late\" is forbidden: unable to create new content in namespace team because it is being terminated"
    );
    session.advance_to(session.now() + 60_000);
    let store = &session.world().cluster.store;
    assert!(store.get(&namespace).is_none());
    assert!(store.all().all(|o| o.meta.namespace != "team"));
    let protected = Request::Delete { key: ObjectKey::cluster(Kind::Namespace, "default"), grace_s: None, dry_run: false };
    assert_eq!(
        session.request("delete ns", protected).unwrap_err().message,
        "namespaces \"default\" is forbidden: this namespace may not be deleted"
    );
}

#[test]
fn karpenter_rests_while_none_of_its_pods_runs() {
    let mut session = lab();
    let lease = |s: &Session| {
        let key = ObjectKey::new(Kind::Lease, "karpenter", "karpenter-leader-election");
        let store = &s.world().cluster.store;
        let doc = &store.get(&key).unwrap().doc;
        (doc.str_at("spec.holderIdentity").unwrap().to_owned(), doc.int_at("spec.leaseTransitions").unwrap())
    };
    let (first, transitions) = lease(&session);
    assert_eq!(transitions, 0);
    let leader = ObjectKey::new(Kind::Pod, "karpenter", first.split_once('_').unwrap().0);
    assert!(session.world().cluster.store.get(&leader).is_some(), "{first}");
    session.request("delete pod", Request::Delete { key: leader, grace_s: Some(0), dry_run: false }).unwrap();
    session.advance_to(session.now() + 5_000);
    let (second, transitions) = lease(&session);
    assert_ne!(first, second);
    assert_eq!(transitions, 1);
}

#[test]
fn the_lab_begins_with_the_numbers_that_every_pane_shows() {
    for (era, used_milli) in [(crate::Era::V1alpha5, 2_450), (crate::Era::V1, 2_500)] {
        let snapshot = Session::new(Scenario::lab(era, LAB_SEED)).unwrap().snapshot();
        let store = &snapshot.store;
        let pods: Vec<_> = store.list(Kind::Pod).filter_map(|p| p.pod()).collect();
        assert_eq!(pods.iter().filter(|p| p.ready && p.is_bound()).count(), 9);
        assert_eq!(pods.iter().map(|p| p.spec.requests.cpu()).sum::<i64>(), used_milli);
        let nodes: Vec<_> = store.list(Kind::Node).collect();
        assert_eq!(nodes.iter().filter_map(|n| n.node()).map(|n| n.allocatable.cpu()).sum::<i64>(), 3_860);
        for node in &nodes {
            assert!(node.node().is_some_and(|n| n.ready && n.taints.is_empty()));
            let free = 1_930 - store.pods_on(&node.meta.name).filter_map(|p| p.pod()).map(|p| p.spec.requests.cpu()).sum::<i64>();
            assert!(free < 1_000, "a pod of one CPU must not fit, {free}m are free");
            assert_eq!(node.meta.labels.get("eks.amazonaws.com/capacityType").map(String::as_str), Some("ON_DEMAND"));
        }
        assert_eq!(snapshot.ledger.rate_micro(), 2 * 118_000);
        assert_eq!(snapshot.ledger.total_micro(snapshot.now), 0, "costs count from the session's start");
        assert_eq!(store.count(Kind::Event), 0, "{:?}", store.list(Kind::Event).map(|e| e.doc.to_string()).collect::<Vec<_>>());
        let clock = objects::time::rfc3339(snapshot.unix_ms());
        assert!(clock.ends_with("T05:00:00Z"), "{clock} is not 14:00 in Seoul");
    }
}

#[test]
fn checkpoints_of_a_left_future_are_not_used() {
    let mut session = lab();
    let start = session.now();
    session.request("apply", inflate(1)).unwrap();
    session.advance_to(start + 200_000);
    session.seek(start + 50_000);
    session.request("scale", scale(3)).unwrap();
    session.advance_to(start + 200_000);
    session.seek(start + 120_000);

    let mut straight = lab();
    straight.request("apply", inflate(1)).unwrap();
    straight.advance_to(start + 50_000);
    straight.request("scale", scale(3)).unwrap();
    straight.advance_to(start + 120_000);
    assert_eq!(session.snapshot().hash, straight.snapshot().hash);
}

#[test]
fn a_pod_that_names_a_node_without_room_is_rejected_by_its_kubelet() {
    let mut session = lab();
    let node = session.world().cluster.store.list(Kind::Node).next().unwrap().meta.name.clone();
    let doc = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pinned"},
        "spec": {"nodeName": node, "containers": [{"name": "c", "image": "i", "resources": {"requests": {"cpu": "4"}}}]},
    });
    session.request("create", Request::Create { doc, dry_run: false, validation: Validation::Strict }).unwrap();
    session.advance_to(session.now() + 10_000);
    let pod = session.world().cluster.store.get(&ObjectKey::new(Kind::Pod, "default", "pinned")).unwrap().clone();
    assert_eq!(pod.doc.str_at("status.reason"), Some("OutOfcpu"));
}
