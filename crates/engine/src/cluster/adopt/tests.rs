//! What dumps lack, and what they have that nobody knows.

use super::*;
use objects::json;

const AT_MS: i64 = 1_787_000_000_000;

fn node(name: &str, labels: &[(&str, &str)]) -> Value {
    let mut doc = json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": {"name": name, "uid": format!("uid-{name}"), "creationTimestamp": "2026-08-01T00:00:00Z", "labels": {}},
        "spec": {"providerID": format!("aws:///us-east-1d/i-{name}")},
        "status": {
            "capacity": {"cpu": "4", "memory": "16Gi", "pods": "58"}, "allocatable": {"cpu": "3920m", "memory": "14Gi", "pods": "58"},
            "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-08-01T00:01:00Z"}],
        },
    });
    for (key, value) in labels {
        put(doc.slot("metadata.labels"), key, *value);
    }
    doc
}

fn adopted(docs: Vec<Value>) -> Adopted {
    let mut dump = Dump::default();
    dump.add("x", json!({"apiVersion": "v1", "kind": "List", "items": docs})).unwrap();
    adopt(dump, &Choices { at_ms: AT_MS, seed: 1, region: None, types: None, prices: None })
}

#[test]
fn zones_are_those_in_use() {
    let zone = |zone| {
        [
            ("topology.kubernetes.io/region", "us-east-1"),
            ("topology.kubernetes.io/zone", zone),
            ("node.kubernetes.io/instance-type", "m5.xlarge"),
        ]
    };
    let all: Vec<Value> =
        ["us-east-1a", "us-east-1b", "us-east-1c", "us-east-1d", "us-east-1f"].iter().map(|z| node(z, &zone(z))).collect();
    let adopted = adopted(all);
    let zones: Vec<&str> = adopted.world.market().zones().collect();
    assert_eq!(zones, ["us-east-1a", "us-east-1b", "us-east-1c", "us-east-1d", "us-east-1f"]);
    assert_eq!(adopted.world.ledger.price_of("us-east-1f"), Some(192_000));
}

#[test]
fn unknown_types_and_regions_are_noted() {
    let labels = [
        ("topology.kubernetes.io/region", "us-east-1"),
        ("topology.kubernetes.io/zone", "us-east-1a"),
        ("node.kubernetes.io/instance-type", "m99.huge"),
    ];
    let found = adopted(vec![node("a", &labels)]);
    assert!(
        found.notes.contains(&"no price for 1 node of m99.huge (on-demand): counted as free".to_owned()),
        "{:?}",
        found.notes
    );
    assert_eq!(found.world.ledger.price_of("a"), Some(0));
    let (_, t) = found.world.market().types().named("m99.huge").unwrap();
    assert_eq!((t.allocatable.cpu(), t.offerings.iter().any(|o| o.available)), (3920, false), "it runs, and cannot be bought");

    let found = adopted(vec![node("a", &[("topology.kubernetes.io/region", "kwok-region")])]);
    assert!(found.notes.iter().any(|n| n.starts_with("no prices and no types to buy: ")), "{:?}", found.notes);
    assert!(found.notes.contains(&"no price for 1 node of unknown type: counted as free".to_owned()), "{:?}", found.notes);
    let found = adopted(vec![node("a", &[])]);
    assert!(found.notes.iter().any(|n| n.contains("no node has a label topology.kubernetes.io/region")), "{:?}", found.notes);
}

#[test]
fn a_cluster_without_karpenter_is_left_alone() {
    let mut found = adopted(vec![node("a", &[("topology.kubernetes.io/region", "us-east-1")])]);
    assert!(found.notes.iter().any(|n| n.ends_with("no node is Karpenter's, and nothing is planned")), "{:?}", found.notes);
    let end = found.world.now() + 3_600_000;
    found.world.run_to(end);
    assert_eq!(found.world.cluster.store.count(Kind::Node), 1);
    assert_eq!(found.world.decisions.total(), 0);
}

#[test]
fn other_node_classes_and_versions_are_noted() {
    let pool = json!({
        "apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": {"name": "default", "uid": "p"},
        "spec": {"template": {"spec": {
            "nodeClassRef": {"group": "karpenter.acme.com", "kind": "AcmeNodeClass", "name": "acme"}, "requirements": []}}},
    });
    let class = json!({"apiVersion": "karpenter.acme.com/v1", "kind": "AcmeNodeClass", "metadata": {"name": "acme"}});
    let old = json!({"apiVersion": "karpenter.sh/v1beta1", "kind": "NodePool", "metadata": {"name": "old"}});
    let mut found = adopted(vec![node("a", &[("topology.kubernetes.io/region", "us-east-1")]), pool, class, old]);
    let said = |text: &str| found.notes.iter().any(|n| n.contains(text));
    assert!(said("acme not read (AcmeNodeClass is not modelled)"), "{:?}", found.notes);
    assert!(said("1 NodePool of karpenter.sh/v1beta1 not used"), "{:?}", found.notes);
    let end = found.world.now() + 10_000;
    found.world.run_to(end);
    assert!(found.world.cluster.store.cluster(Kind::NodePool, "default").unwrap().condition_is_true("Ready"));
}

/// Pods whose owners nobody could read stay, and come back from what stands in for them.
#[test]
fn pods_without_known_owners_stay() {
    let pod = |name: &str, kind: &str| {
        json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {
                "name": name, "namespace": "default", "uid": format!("uid-{name}"), "labels": {"app": kind},
                "creationTimestamp": "2026-08-01T00:05:00Z",
                "ownerReferences": [{"apiVersion": "acme.com/v1", "kind": kind, "name": kind.to_lowercase(), "uid": format!("o-{kind}"), "controller": true}],
            },
            "spec": {"nodeName": "a", "containers": [{"name": "c", "image": "i"}]},
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
        })
    };
    let docs = vec![
        node("a", &[]),
        pod("web-1", "Rollout"),
        pod("web-2", "Rollout"),
        pod("db-0", "StatefulSet"),
        pod("log-x", "DaemonSet"),
    ];
    let mut found = adopted(docs);
    assert!(
        found.notes.contains(
            &"controllers that were not read are taken from their pods: 1 DaemonSet, 1 Rollout, 1 StatefulSet".to_owned()
        ),
        "{:?}",
        found.notes
    );
    let end = found.world.now() + 600_000;
    found.world.run_to(end);
    let pods = |w: &World| w.cluster.store.list(Kind::Pod).map(|p| p.meta.name.clone()).collect::<Vec<_>>();
    assert_eq!(pods(&found.world), ["db-0", "log-x", "web-1", "web-2"]);
    let delete =
        crate::session::Request::Delete { key: ObjectKey::new(Kind::Pod, "default", "web-1"), grace_s: Some(0), dry_run: false };
    found.world.request(&delete).unwrap();
    let end = found.world.now() + 60_000;
    found.world.run_to(end);
    assert_eq!(pods(&found.world).len(), 4, "{:?}", pods(&found.world));
}
