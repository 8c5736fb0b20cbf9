//! Draining and removing nodes, with the cloud played by the test.

use super::super::testing::*;
use objects::{DocExt, Era, Kind, json};

/// A cluster with one initialized node.
fn running(era: Era) -> Lab {
    let mut lab = Lab::new(era);
    lab.create(instance());
    lab.create(launched(era));
    lab.run(1_500);
    lab.create(joined(era));
    lab.run(1_500);
    lab.patch(Kind::Node, NODE, ready());
    lab.run(3_000);
    lab.logs.clear();
    lab.events.clear();
    lab
}

#[test]
fn a_deleted_machine_takes_its_empty_node_along() {
    let mut lab = running(Era::V1alpha5);
    let began = lab.now;
    lab.delete(Kind::Machine, "default-7xk4p");
    lab.run(3_000);
    assert!(lab.get(Kind::Node, NODE).is_none() && lab.get(Kind::Machine, "default-7xk4p").is_none());
    let c = r#"{"commit": "34d50bf-dirty""#;
    let want = format!(
        "INFO controller.termination cordoned node {c}, \"node\": \"{NODE}\"}}\n\
         INFO controller.termination deleted node {c}, \"node\": \"{NODE}\"}}\n\
         INFO controller.machine.termination deleted machine {c}, \"machine\": \"default-7xk4p\", \"node\": \"{NODE}\", \
         \"provisioner\": \"default\", \"provider-id\": \"{PROVIDER_ID}\"}}"
    );
    assert_eq!(lab.log_text(), want);
    assert!(lab.logs.iter().all(|(t, _)| *t < began.ms() + 1_000), "{:?}", lab.logs);
}

#[test]
fn a_drain_evicts_critical_pods_last_and_leaves_daemons() {
    let mut lab = running(Era::V1alpha5);
    lab.create(json!({"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "value": 2_000_000_000,
                      "metadata": {"name": "system-cluster-critical"}}));
    lab.create(pod("app", NODE, json!({})));
    lab.create(pod("dns", NODE, json!({"spec.priorityClassName": "system-cluster-critical"})));
    lab.create(pod("daemon", NODE, json!({"spec.tolerations": [{"operator": "Exists"}]})));
    lab.delete(Kind::Node, NODE);
    lab.run(200);
    let names = |lab: &Lab| lab.store.pods_on(NODE).map(|p| p.meta.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&lab), ["daemon", "dns"]);
    lab.run(1_000);
    assert_eq!(names(&lab), ["daemon"]);
    lab.run(1_500);
    assert!(lab.get(Kind::Node, NODE).is_none() && lab.get(Kind::Machine, "default-7xk4p").is_none());
    let drains: Vec<&String> = lab.events.iter().filter(|e| e.contains("FailedDraining") || e.contains("Evicted")).collect();
    assert_eq!(
        drains,
        [
            "Node FailedDraining: Failed to drain node, 2 pods are waiting to be evicted",
            "Pod Evicted: Evicted pod",
            "Node FailedDraining: Failed to drain node, 1 pods are waiting to be evicted",
            "Pod Evicted: Evicted pod",
        ]
    );
}

#[test]
fn a_budget_holds_the_drain_until_it_allows() {
    let mut lab = running(Era::V1alpha5);
    let budget = json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "b", "namespace": "default"},
                        "spec": {"selector": {"matchLabels": {"app": "inflate"}}, "minAvailable": 1},
                        "status": {"disruptionsAllowed": 0, "observedGeneration": 1}});
    lab.create(budget);
    lab.create(pod("app", NODE, json!({})));
    lab.delete(Kind::Machine, "default-7xk4p");
    lab.run(20_000);
    assert!(lab.get(Kind::Pod, "app").is_some());
    assert!(
        lab.events.iter().any(|e| e == "Node FailedDraining: Failed to drain node, evicting pod default/app violates a PDB"),
        "{:?}",
        lab.events
    );
    lab.patch(Kind::PodDisruptionBudget, "b", json!({"status": {"disruptionsAllowed": 1}}));
    lab.run(13_000);
    assert!(lab.get(Kind::Pod, "app").is_none() && lab.get(Kind::Node, NODE).is_none());
}

#[test]
fn era_b_taints_drains_five_seconds_and_waits_for_the_instance() {
    let mut lab = running(Era::V1);
    let began = lab.now.ms();
    lab.delete(Kind::NodeClaim, "default-7xk4p");
    lab.run(4_000);
    let node = lab.get(Kind::Node, NODE).unwrap();
    assert!(node.node().unwrap().taints.iter().any(|t| t.key == "karpenter.sh/disrupted"));
    assert_eq!(node.doc.bool_at("spec.unschedulable"), None);
    lab.run(15_000);
    assert!(lab.get(Kind::Node, NODE).is_none() && lab.get(Kind::NodeClaim, "default-7xk4p").is_none());
    let at = |message: &str| lab.logs.iter().find(|(_, l)| l.contains(message)).map(|(t, _)| *t - began);
    assert!(at("tainted node").is_some_and(|t| t < 1_000), "{:?}", lab.logs);
    assert!(at("deleted node").is_some_and(|t| (5_000..12_000).contains(&t)), "{:?}", lab.logs);
    assert!(at("deleted nodeclaim").is_some());
}
