//! A cluster of the kwok provider, compared with what a real one of Karpenter 1.14.1 had: tests/kubectl/recorded, b073 to b087
//! and d014 to d026.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]

use nodewright_engine::session::{Request, Scenario, Session, Validation};
use objects::{DocExt, Era, Kind, Object, Value, json};
use std::sync::Arc;

fn apply(session: &mut Session, doc: Value) {
    session.request("kubectl apply", Request::Apply { doc, dry_run: false, validation: Validation::Strict }).unwrap();
}

/// The scenario with a node class of this delay, a pool, and five pods of one CPU.
fn lab(delay: Option<&str>) -> Session {
    let mut session = Session::new(Scenario::named("kwok", Era::V1, 7, "ap-northeast-2").unwrap()).unwrap();
    let spec = delay.map_or(json!({}), |d| json!({"nodeRegistrationDelay": d}));
    let class = json!({"apiVersion": "karpenter.kwok.sh/v1alpha1", "kind": "KWOKNodeClass", "metadata": {"name": "default"}, "spec": spec});
    apply(&mut session, class);
    apply(
        &mut session,
        json!({"apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": {"name": "default"}, "spec": {
            "template": {"metadata": {"labels": {"type": "karpenter"}}, "spec": {
                "requirements": [{"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["spot"]}],
                "nodeClassRef": {"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": "default"}, "expireAfter": "720h"}},
            "disruption": {"consolidationPolicy": "WhenEmpty", "consolidateAfter": "30s"}}}),
    );
    apply(
        &mut session,
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "inflate", "namespace": "default"}, "spec": {
            "replicas": 5, "selector": {"matchLabels": {"app": "inflate"}}, "template": {
                "metadata": {"labels": {"app": "inflate"}}, "spec": {"terminationGracePeriodSeconds": 0, "containers": [
                    {"name": "inflate", "image": "pause", "resources": {"requests": {"cpu": "1"}}}]}}}}),
    );
    session
}

fn pass(session: &mut Session, seconds: u64) {
    session.advance_to(session.now() + seconds * 1_000);
}

fn all(session: &Session, kind: Kind) -> Vec<Arc<Object>> {
    session.snapshot().store.list(kind).cloned().collect()
}

#[test]
fn a_node_is_what_its_claim_asks_for() {
    let mut session = lab(None);
    pass(&mut session, 9);
    let claims = all(&session, Kind::NodeClaim);
    assert_eq!(claims.len(), 1);
    let claim = &claims[0];
    let typed = claim.claim().unwrap();
    let node = session.snapshot().store.cluster(Kind::Node, &typed.node_name).cloned().unwrap();
    assert_eq!(typed.provider_id, format!("kwok://{}", node.meta.name));
    assert!(node.meta.name.starts_with(&format!("kwok-{}-", claim.meta.name)), "{}", node.meta.name);
    // Five pods of one CPU and two DaemonSets: capacity is what is asked for, allocatable what the type has.
    let sizes = json!({"cpu": "5150m", "pods": "7"});
    assert_eq!((node.doc.at("status.capacity"), claim.doc.at("status.capacity")), (&sizes, &sizes));
    assert_eq!(
        node.doc.at("status.allocatable"),
        &json!({"cpu": "7900m", "ephemeral-storage": "20Gi", "memory": "16374Mi", "pods": "128"})
    );
    for (key, value) in [
        ("beta.kubernetes.io/arch", "amd64"),
        ("karpenter.kwok.sh/instance-cpu", "8"),
        ("karpenter.kwok.sh/instance-family", "c"),
        ("karpenter.kwok.sh/instance-memory", "16Gi"),
        ("karpenter.kwok.sh/kwoknodeclass", "default"),
        ("karpenter.sh/initialized", "true"),
        ("kubernetes.io/hostname", claim.meta.name.as_str()),
        ("kwok-partition", "a"),
        ("kwok.x-k8s.io/node", "fake"),
        ("node.kubernetes.io/instance-type", "c-8x-amd64-linux"),
        ("type", "karpenter"),
    ] {
        assert_eq!(node.meta.labels.get(key).map(String::as_str), Some(value), "{key}");
    }
    assert!(!node.meta.labels.contains_key("karpenter.k8s.aws/ec2nodeclass") && node.doc.at("spec.taints").is_null());
    let kinds: Vec<&str> = claim.doc.list_at("status.conditions").iter().filter_map(|c| c.str_at("type")).collect();
    assert_eq!(kinds, ["Launched", "ConsistentStateFound", "Registered", "Initialized", "Ready"]);
    let pods: Vec<_> = all(&session, Kind::Pod).into_iter().filter(|p| p.meta.namespace == "default").collect();
    assert!(pods.len() == 5 && pods.iter().all(|p| p.pod().unwrap().node_name == node.meta.name && p.pod().unwrap().ready));
    assert_eq!(session.snapshot().ledger.price_of(&node.meta.name), Some(node_price(&node)));
}

/// As the label for eks-node-viewer has it, micro-dollars.
fn node_price(node: &Object) -> i64 {
    node.meta.labels["eks-node-viewer/instance-price"].replace('.', "").parse().unwrap()
}

#[test]
fn events_of_the_scheduler_have_their_own_form() {
    let mut session = lab(None);
    pass(&mut session, 9);
    let of = |reason: &str| {
        let events = all(&session, Kind::Event);
        events.into_iter().find(|e| e.doc.str_at("reason") == Some(reason)).map(|e| e.doc.clone()).unwrap()
    };
    for (reason, action) in [("FailedScheduling", "Scheduling"), ("Scheduled", "Binding")] {
        let event = of(reason);
        assert_eq!(event.str_at("action"), Some(action));
        assert_eq!(event.str_at("reportingInstance"), Some("default-scheduler-vm"));
        assert_eq!(event.at("source"), &json!({}));
        assert!(event.at("lastTimestamp").is_null() && event.str_at("eventTime").is_some_and(|t| t.len() == 27), "{event}");
    }
    let started = of("Started");
    assert_eq!(
        (started.str_at("source.component"), started.str_at("message")),
        (Some("kwok_controller"), Some("Container started"))
    );
}

#[test]
fn the_class_delays_its_nodes() {
    let mut session = lab(Some("25s"));
    pass(&mut session, 20);
    let claim = all(&session, Kind::NodeClaim).into_iter().next().unwrap();
    assert!(claim.claim().unwrap().launched && all(&session, Kind::Node).len() == 2);
    pass(&mut session, 10);
    assert_eq!(all(&session, Kind::Node).len(), 3);
}

#[test]
fn empty_nodes_go_without_a_cloud() {
    let mut session = lab(None);
    pass(&mut session, 9);
    let key = objects::ObjectKey::new(Kind::Deployment, "default", "inflate");
    session.request("kubectl delete", Request::Delete { key, grace_s: None, dry_run: false }).unwrap();
    pass(&mut session, 70);
    assert_eq!((all(&session, Kind::NodeClaim).len(), all(&session, Kind::Node).len()), (0, 2));
}

#[test]
fn its_api_server_knows_its_own_class_alone() {
    let mut session = lab(None);
    let mut refused = |doc: Value| {
        session
            .request("kubectl apply", Request::Apply { doc, dry_run: false, validation: Validation::Strict })
            .unwrap_err()
            .message
    };
    let soon = json!({"apiVersion": "karpenter.kwok.sh/v1alpha1", "kind": "KWOKNodeClass", "metadata": {"name": "x"},
                      "spec": {"nodeRegistrationDelay": "soon"}});
    assert!(refused(soon).contains("spec.nodeRegistrationDelay in body should match '^([0-9]+(s|m|h))+$'"));
    let aws = json!({"apiVersion": "karpenter.k8s.aws/v1", "kind": "EC2NodeClass", "metadata": {"name": "x"}, "spec": {}});
    assert_eq!(refused(aws), "the server could not find the requested resource");
}
