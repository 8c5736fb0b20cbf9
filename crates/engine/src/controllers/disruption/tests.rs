//! Commands that are blocked, overtaken or rolled back, with kubelet, scheduler and cloud played by the test.

use super::super::testing::*;
use crate::decisions::What;
use objects::{DocExt, Era, Kind, Value, json};

/// One initialized m5.xlarge with one pod.
fn running(spec: Value) -> Lab {
    Lab::one_node(Era::V1alpha5, &[], spec, json!({}))
}

fn consolidating() -> Value {
    json!({"consolidation": {"enabled": true}, "providerRef": {"name": "default"}, "requirements": [
        {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["on-demand"]},
        {"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["c5.large", "m5.xlarge"]}]})
}

#[test]
fn a_replacement_that_gets_no_capacity_is_rolled_back() {
    let mut lab = running(consolidating());
    lab.run(28_000);
    let command = "deprovisioning via consolidation replace, terminating 1 machines \
                   ip-192-168-3-77.ap-northeast-2.compute.internal/m5.xlarge/on-demand and replacing with on-demand machine from types c5.large";
    assert!(lab.log_text().contains(command), "{}", lab.log_text());
    let unschedulable = |lab: &Lab| lab.get(Kind::Node, NODE).unwrap().node().unwrap().unschedulable;
    assert!(unschedulable(&lab), "candidates are cordoned before their replacement is launched");
    let requests = lab.requested();
    assert_eq!(requests.len(), 1, "{}", lab.log_text());
    let error = json!({"code": "InsufficientInstanceCapacity", "message": "no c5.large", "instanceType": "c5.large", "zone": "ap-northeast-2a"});
    lab.patch(Kind::FleetRequest, &requests[0], json!({"status": {"errors": [error]}}));
    lab.run(12_000);
    assert!(lab.get(Kind::Machine, &requests[0]).is_none());
    assert!(!unschedulable(&lab));
    assert!(lab.get(Kind::Machine, "default-7xk4p").is_some());
    for want in [
        "creating instance, insufficient capacity, with fleet error(s), InsufficientInstanceCapacity: no c5.large",
        "removing offering from offerings",
        "timed out checking machine readiness, getting machine",
    ] {
        assert!(lab.log_text().contains(want), "{want}\n{}", lab.log_text());
    }
    assert!(lab.events.iter().any(|e| e.starts_with("Machine InsufficientCapacityError")));
    assert!(lab.decisions.iter().any(|d| matches!(d, What::Abandoned { .. })));
}

#[test]
fn pods_keep_their_node_with_reasons() {
    for (pod_extra, budget, want) in [
        (json!({}), true, "Cannot deprovision node due to pdb default/b prevents pod evictions"),
        (
            json!({"metadata.annotations": {"karpenter.sh/do-not-evict": "true"}}),
            false,
            "Cannot deprovision node due to pod default/held has do not evict annotation",
        ),
    ] {
        let mut lab = running(consolidating());
        lab.create(pod("held", NODE, pod_extra));
        if budget {
            lab.create(json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "b", "namespace": "default"},
                "spec": {"selector": {"matchLabels": {"app": "inflate"}}}, "status": {"disruptionsAllowed": 0}}));
        }
        lab.run(60_000);
        assert!(lab.events.iter().any(|e| e == &format!("Node DeprovisioningBlocked: {want}")), "{:?}", lab.events);
        assert!(lab.requested().is_empty() && lab.get(Kind::Machine, "default-7xk4p").is_some());
    }
}

#[test]
fn a_command_that_pods_overtake_is_abandoned() {
    let mut lab = running(consolidating());
    lab.delete(Kind::Pod, "app");
    lab.run(12_000);
    // The node is empty and waits for its validation: a pod comes.
    lab.create(pod("late", NODE, json!({})));
    lab.run(15_000);
    assert!(lab.log_text().contains("abandoning empty machine consolidation attempt due to pod churn"), "{}", lab.log_text());
    assert!(lab.get(Kind::Machine, "default-7xk4p").is_some_and(|m| !m.meta.is_deleting()));
}

#[test]
fn an_expired_empty_node_goes() {
    let mut lab = running(json!({"ttlSecondsUntilExpired": 120, "providerRef": {"name": "default"}}));
    lab.delete(Kind::Pod, "app");
    lab.run(100_000);
    assert!(lab.get(Kind::Machine, "default-7xk4p").is_some());
    lab.run(40_000);
    assert!(lab.get(Kind::Machine, "default-7xk4p").is_none(), "{}", lab.log_text());
    assert!(lab.log_text().contains("deprovisioning via expiration delete, terminating 1 machines"), "{}", lab.log_text());
}

/// The pool of era B that would rather have a c5.large.
fn underutilized() -> Lab {
    let types = json!([
        {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["on-demand"]},
        {"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["c5.large", "m5.xlarge"]}]);
    let class = json!({"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "default"});
    let spec = json!({
        "template": {"spec": {"requirements": types, "nodeClassRef": class}},
        "disruption": {"consolidationPolicy": "WhenEmptyOrUnderutilized", "consolidateAfter": "0s"},
    });
    Lab::one_node(Era::V1, &[], spec, json!({}))
}

/// Until the replacement is asked for; its name.
fn replacing() -> (Lab, Vec<String>) {
    let mut lab = underutilized();
    for _ in 0..60 {
        if lab.requested().is_empty() {
            lab.run(1_000);
        }
    }
    let requests = lab.requested();
    assert_eq!(requests.len(), 1, "{}", lab.log_text());
    (lab, requests)
}

/// Whether the node is tainted, and whether its claim tells the reason of its disruption.
fn marks(lab: &Lab) -> (bool, bool) {
    let node = lab.get(Kind::Node, NODE).unwrap();
    let tainted = node.node().unwrap().taints.iter().any(|t| t.key == "karpenter.sh/disrupted");
    (tainted, lab.claim().unwrap().condition_is_true("DisruptionReason"))
}

#[test]
fn the_queue_frees_a_node_whose_replacement_got_no_capacity() {
    let (mut lab, requests) = replacing();
    assert_eq!(marks(&lab), (true, true), "marked before its replacement is launched");
    let error = json!({"code": "InsufficientInstanceCapacity", "message": "no c5.large", "instanceType": "c5.large", "zone": "ap-northeast-2a"});
    lab.patch(Kind::FleetRequest, &requests[0], json!({"status": {"errors": [error]}}));
    lab.run(5_000);
    assert!(lab.get(Kind::NodeClaim, &requests[0]).is_none(), "{}", lab.log_text());
    assert_eq!(marks(&lab), (false, false), "{}", lab.log_text());
    assert!(!lab.claim().unwrap().meta.is_deleting());
    for want in
        ["failed launching nodeclaim", "failed terminating nodes while executing a disruption command", "replacement was deleted"]
    {
        assert!(lab.log_text().contains(want), "{want}\n{}", lab.log_text());
    }
    assert!(lab.events.iter().any(|e| e.starts_with("NodeClaim InsufficientCapacityError")));
    assert!(lab.decisions.iter().any(|d| matches!(d, What::Abandoned { .. })));
}

/// The fleet's answer to the request for a claim: a c5.large, whose node never joins.
fn launch(lab: &mut Lab, claim: &str) {
    let mut doc = instance();
    for (path, value) in [
        ("metadata.name", "i-0c5"),
        ("spec.instanceType", "c5.large"),
        ("spec.capacityType", "on-demand"),
        ("spec.claim", claim),
        ("spec.providerID", "aws:///ap-northeast-2a/i-0c5"),
        ("spec.nodeName", "ip-192-168-3-78.ap-northeast-2.compute.internal"),
    ] {
        doc.set(path, value);
    }
    lab.create(doc);
    let answer =
        json!({"status": {"instanceId": "i-0c5", "instanceType": "c5.large", "zone": "ap-northeast-2a", "priceMicro": 1}});
    lab.patch(Kind::FleetRequest, claim, answer);
}

#[test]
fn the_queue_waits_ten_minutes_for_a_replacement_that_never_initializes() {
    let (mut lab, requests) = replacing();
    launch(&mut lab, &requests[0]);
    lab.run(590_000);
    assert_eq!(marks(&lab), (true, true), "{}", lab.log_text());
    let waiting = "NodeClaim DisruptionWaitingReadiness: Waiting on readiness to continue disruption";
    assert!(lab.said(waiting), "{:?}", lab.events);
    lab.run(20_000);
    assert_eq!(marks(&lab), (false, false), "{}", lab.log_text());
    assert!(!lab.claim().unwrap().meta.is_deleting(), "the node stays");
    assert!(lab.get(Kind::NodeClaim, &requests[0]).is_some(), "the claim has 15 minutes to register");
    let error = "command reached timeout, waiting for replacement initialization, nodeclaim not initialized";
    assert!(lab.log_text().contains(error), "{}", lab.log_text());
    assert!(lab.decisions.iter().any(|d| matches!(d, What::Abandoned { .. })));
    lab.run(300_000);
    assert!(lab.get(Kind::NodeClaim, &requests[0]).is_none_or(|c| c.meta.is_deleting()), "{}", lab.log_text());
}

#[test]
fn the_blocking_loop_gives_a_replacement_that_never_initializes_up() {
    let mut lab = running(consolidating());
    lab.run(28_000);
    let requests = lab.requested();
    assert_eq!(requests.len(), 1, "{}", lab.log_text());
    launch(&mut lab, &requests[0]);
    lab.run(60_000);
    let unschedulable = |lab: &Lab| lab.get(Kind::Node, NODE).unwrap().node().unwrap().unschedulable;
    assert!(unschedulable(&lab));
    assert!(lab.events.iter().any(|e| e.starts_with("Machine DeprovisioningWaitingReadiness: ")), "{:?}", lab.events);
    let error = "timed out checking machine readiness, machine is not initialized";
    let waited = (1..=900).find(|_| {
        lab.run(1_000);
        lab.log_text().contains(error)
    });
    assert!(waited.is_some_and(|s| s > 480), "{waited:?} {}", lab.log_text());
    assert!(lab.claim().is_some_and(|m| !m.meta.is_deleting()), "{}", lab.log_text());
    assert!(!unschedulable(&lab), "{}", lab.log_text());
}

#[test]
fn a_candidate_that_is_blocked_while_its_command_waits_is_kept() {
    let guard = json!({"metadata.annotations": {"karpenter.sh/do-not-disrupt": "true"}});
    let budget = json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "b", "namespace": "default"},
        "spec": {"selector": {"matchLabels": {"app": "inflate"}}}, "status": {"disruptionsAllowed": 0}});
    for blocker in [pod("guarded", NODE, guard), budget] {
        let mut lab = underutilized();
        let announced = |lab: &Lab| lab.events.iter().any(|e| e.starts_with("Node ConsolidationCandidate: "));
        for _ in 0..60 {
            if !announced(&lab) {
                lab.run(1_000);
            }
        }
        assert!(announced(&lab), "{:?}", lab.events);
        lab.create(blocker);
        lab.run(60_000);
        assert!(lab.requested().is_empty(), "{}", lab.log_text());
        assert_eq!(marks(&lab), (false, false));
        let rejected = |e: &String| e.starts_with("Node ConsolidationRejected: ") && e.contains("reason: churn");
        assert!(lab.events.iter().any(rejected), "{:?}", lab.events);
        assert!(lab.events.iter().any(|e| e.starts_with("Node DisruptionBlocked: ")), "{:?}", lab.events);
    }
}
