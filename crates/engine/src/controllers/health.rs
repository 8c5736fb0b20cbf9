//! Node repair (1.14, gate `NodeRepair`): a node that has been unhealthy for as long as the cloud's policy bears with is
//! removed by force, unless more than a fifth of its pool is unhealthy too. Sources: kubernetes-sigs/karpenter
//! pkg/controllers/node/health/controller.go v1.14.1; aws/karpenter-provider-aws pkg/cloudprovider/cloudprovider.go.

use super::context::Cx;
use super::messages::{By, Say};
use super::names::TERMINATION_TIMESTAMP;
use super::settings;
use super::state::{claim_of, pool_name};
use crate::SimTime;
use objects::{DocExt, Kind, Object, json};

const MINUTE_MS: i64 = 60_000;
/// Condition, the status that is unhealthy, and for how long it is borne.
const POLICIES: [(&str, &str, i64); 7] = [
    ("Ready", "False", 30 * MINUTE_MS),
    ("Ready", "Unknown", 30 * MINUTE_MS),
    ("AcceleratedHardwareReady", "False", 10 * MINUTE_MS),
    ("StorageReady", "False", 30 * MINUTE_MS),
    ("NetworkingReady", "False", 30 * MINUTE_MS),
    ("KernelReady", "False", 30 * MINUTE_MS),
    ("ContainerRuntimeReady", "False", 30 * MINUTE_MS),
];
/// A pool that is too unhealthy is looked at again after this.
const RECHECK_MS: u64 = 300_000;
const DEDUPE_MS: u64 = 900_000;

/// Unix milliseconds at which the first of the node's unhealthy conditions is borne no longer.
fn due_ms(node: &Object) -> Option<i64> {
    let unhealthy = POLICIES.iter().filter_map(|(kind, status, bears)| {
        let condition = node.condition(kind).filter(|c| c.str_at("status") == Some(status))?;
        let since = condition.str_at("lastTransitionTime").and_then(objects::time::parse_rfc3339)?;
        Some(since.saturating_add(*bears))
    });
    unhealthy.min()
}

/// Looks at a node after a condition of it changed; returns when to look again.
pub fn reconcile(name: &str, cx: &mut Cx<'_, '_>) -> Option<SimTime> {
    let node = cx.view.store.cluster(Kind::Node, name)?.clone();
    if !settings::gate(cx.view, "NodeRepair") {
        return None;
    }
    let claim = claim_of(cx.view.store, cx.names, &node)?.clone();
    let due = cx.view.sim_time(due_ms(&node)?);
    if due > cx.view.now {
        return Some(due);
    }
    cx.speak_as(By::Health);
    let pool = pool_name(&claim, cx.names);
    let of_pool = || cx.view.store.list(Kind::Node).filter(|n| pool_name(n, cx.names) == pool);
    let (all, unhealthy) = (of_pool().count(), of_pool().filter(|n| due_ms(n).is_some()).count());
    // A fifth, rounded up.
    if unhealthy > all.div_ceil(5) {
        let message = "more than 20% nodes are unhealthy in the nodepool";
        cx.event_with(node.key(), true, "NodeRepairBlocked", message, DEDUPE_MS);
        return Some(cx.view.now + RECHECK_MS);
    }
    let set = claim.meta.annotations.get(TERMINATION_TIMESTAMP).and_then(|t| objects::time::parse_rfc3339(t));
    if set.is_none_or(|t| t >= cx.view.unix_ms()) {
        let time = cx.view.timestamp();
        cx.patch(
            claim.key(),
            json!({"metadata": {"annotations": {TERMINATION_TIMESTAMP: time}}}),
            "an unhealthy node goes by force",
        );
        cx.log(Say::AnnotatedUnhealthy { node: name, claim: &claim.meta.name, time: &time });
    }
    if !claim.meta.is_deleting() {
        cx.delete(claim.key(), "the node is unhealthy");
        cx.log(Say::DeletingUnhealthy { node: name, claim: &claim.meta.name });
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use objects::{Era, Kind, Value, json};

    const GATE: [(&str, &str); 1] = [("FEATURE_GATES", "NodeRepair=true")];

    fn pool() -> Value {
        json!({"disruption": {"consolidateAfter": "Never"}, "template": {"spec": {
            "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "default"}}}})
    }

    /// Whether the node is on its way out `minutes` after a condition of it turned.
    fn check(gate: &[(&str, &str)], kind: &str, status: &str, minutes: u64, gone: bool) {
        let mut lab = Lab::one_node(Era::V1, gate, pool(), json!({}));
        let since = objects::time::rfc3339(lab.view().unix_ms());
        let conditions = json!([{"type": kind, "status": status, "lastTransitionTime": since}]);
        lab.patch(Kind::Node, NODE, json!({"status": {"conditions": conditions}}));
        lab.run(minutes * 60_000 + 2_000);
        let going = lab.claim().is_none_or(|c| c.meta.is_deleting());
        assert_eq!(going, gone, "{kind}={status} after {minutes} min");
        assert_eq!(lab.log_text().contains("\"message\":\"deleting unhealthy node\""), gone, "{}", lab.log_text());
    }

    #[test]
    fn unhealthy_nodes_are_borne_for_a_time() {
        check(&GATE, "Ready", "False", 29, false);
        check(&GATE, "Ready", "False", 30, true);
        check(&GATE, "Ready", "Unknown", 30, true);
        check(&GATE, "AcceleratedHardwareReady", "False", 9, false);
        check(&GATE, "AcceleratedHardwareReady", "False", 10, true);
        check(&GATE, "KernelReady", "True", 60, false);
        check(&GATE, "MemoryPressure", "True", 60, false);
        check(&[], "Ready", "False", 60, false);
    }

    #[test]
    fn a_pool_that_is_ill_as_a_whole_is_left_alone() {
        let mut lab = Lab::one_node(Era::V1, &GATE, pool(), json!({}));
        let since = objects::time::rfc3339(lab.view().unix_ms());
        let ill = json!([{"type": "Ready", "status": "False", "lastTransitionTime": since}]);
        lab.create(json!({"apiVersion": "v1", "kind": "Node", "spec": {"providerID": "aws:///z/i-2"},
            "metadata": {"name": "other", "labels": {"karpenter.sh/nodepool": "default"}}, "status": {"conditions": ill}}));
        lab.patch(Kind::Node, NODE, json!({"status": {"conditions": ill}}));
        lab.run(31 * 60_000);
        assert!(lab.claim().is_some_and(|c| !c.meta.is_deleting()));
        assert!(lab.said("Node NodeRepairBlocked: more than 20% nodes are unhealthy in the nodepool"), "{:?}", lab.events);
        // Two of two are too many; one of two is not.
        lab.delete(Kind::Node, "other");
        lab.run(6 * 60_000);
        assert!(lab.claim().is_none_or(|c| c.meta.is_deleting()));
    }
}
