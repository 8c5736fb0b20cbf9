//! Removing nodes and claims. A claim that is being deleted deletes its node; the node's finalizer cordons (0.29) or
//! taints (1.14), drains, terminates the instance and goes; then the claim's finalizer goes. Sources: pkg/controllers/
//! {termination,machine/termination} v0.29.2, {node/termination,nodeclaim/lifecycle} v1.14.1.

mod drain;
mod eviction;

pub use eviction::Evictions;

use super::context::Cx;
use super::messages::{ClaimRef, Say};
use super::names::{DISRUPTED, EXCLUDE_BALANCERS, TERMINATION_TIMESTAMP};
use super::state::{claim_of, instance_of, pool_name};
use crate::SimTime;
use objects::{DocExt, Era, Kind, Object, Value, json};
use std::sync::Arc;

/// What a call to TerminateInstances takes. Published logs of 0.29 show 0.3-0.4 s from cordon to `deleted node`, and as
/// long again to `deleted machine`.
pub const CLOUD_CALL_MS: u64 = 320;
const REQUEUE_MS: u64 = 1_000;
const INSTANCE_REQUEUE_MS: u64 = 5_000;

/// A claim with a deletionTimestamp. Returns when to look again; the end of its node is a watch event.
pub fn claim(claim: &Object, cx: &mut Cx<'_, '_>) -> Option<SimTime> {
    if !Cx::has_finalizer(claim) {
        return None;
    }
    let typed = claim.claim()?;
    if cx.era() == Era::V1 {
        annotate(claim, cx);
    }
    // 1.14 leaves nodes alone that never registered: their instance goes below.
    if cx.era() == Era::V1alpha5 || typed.registered {
        let nodes: Vec<&Arc<Object>> = nodes_of(claim, cx);
        for node in nodes.iter().filter(|n| !n.meta.is_deleting()) {
            cx.delete(node.key(), "its claim is being deleted");
        }
        if !nodes.is_empty() {
            return None;
        }
    }
    if let Some(instance) = instance_of(cx.view.store, &typed.provider_id) {
        terminate(instance, cx);
        if cx.view.profile.waits_for_instance {
            let mut conditions = cx.conditions(claim);
            conditions.set_true("InstanceTerminating");
            cx.patch_status(claim, json!({}), conditions, "the instance is terminating");
            return Some(cx.view.now + INSTANCE_REQUEUE_MS);
        }
    }
    cx.patch(claim.key(), Cx::without_finalizer(claim), "nothing of the claim is left");
    cx.log(Say::DeletedClaim {
        claim: ClaimRef {
            name: &claim.meta.name,
            pool: pool_name(claim, cx.names),
            provider_id: &typed.provider_id,
            node: &typed.node_name,
        },
    });
    if cx.era() == Era::V1 {
        cx.finalized(claim.key());
    }
    None
}

fn nodes_of<'s>(claim: &Object, cx: &Cx<'s, '_>) -> Vec<&'s Arc<Object>> {
    let id = claim.claim().map_or("", |c| c.provider_id.as_str());
    cx.view.store.with_provider_id(Kind::Node, id).collect()
}

/// 1.14 writes down when a terminationGracePeriod ends.
fn annotate(claim: &Object, cx: &mut Cx<'_, '_>) {
    let grace = claim.doc.str_at("spec.terminationGracePeriod").and_then(objects::duration::parse_go_ms);
    let (Some(grace), Some(deleted)) = (grace, claim.meta.deleted_ms) else {
        return;
    };
    if claim.meta.annotations.contains_key(TERMINATION_TIMESTAMP) {
        return;
    }
    let time = objects::time::rfc3339(deleted.saturating_add(grace));
    cx.patch(claim.key(), json!({"metadata": {"annotations": {TERMINATION_TIMESTAMP: time}}}), "termination grace period");
    let typed = claim.claim();
    cx.log(Say::Annotated {
        claim: ClaimRef {
            name: &claim.meta.name,
            pool: pool_name(claim, cx.names),
            provider_id: typed.map_or("", |c| &c.provider_id),
            node: typed.map_or("", |c| &c.node_name),
        },
        time: &time,
    });
}

/// TerminateInstances, once: an instance that is shutting down already is only waited for.
fn terminate(instance: &Object, cx: &mut Cx<'_, '_>) {
    if instance.doc.str_at("status.state") != Some("shutting-down") && !instance.meta.is_deleting() {
        cx.delete(instance.key(), "terminate the instance");
    }
}

/// A node with a deletionTimestamp.
pub fn node(name: &str, evictions: &mut Evictions, cx: &mut Cx<'_, '_>) -> Option<SimTime> {
    let node = cx.view.store.cluster(Kind::Node, name)?.clone();
    if !node.meta.is_deleting() || !Cx::has_finalizer(&node) {
        return None;
    }
    let claim = claim_of(cx.view.store, cx.names, &node).cloned();
    if let Some(claim) = claim.as_ref().filter(|c| !c.meta.is_deleting()) {
        cx.delete(claim.key(), "its node is being deleted");
    }
    match cx.era() {
        Era::V1alpha5 => node_v1alpha5(&node, evictions, cx),
        Era::V1 => node_v1(&node, claim.as_deref(), evictions, cx),
    }
}

fn node_v1alpha5(node: &Object, evictions: &mut Evictions, cx: &mut Cx<'_, '_>) -> Option<SimTime> {
    seclude(node, None, cx);
    let instance = instance_of(cx.view.store, &node.node()?.provider_id).cloned();
    let waiting = drain::ignoring_unschedulable(node, evictions, cx);
    if waiting > 0 {
        cx.warn(node.key(), "FailedDraining", format!("Failed to drain node, {waiting} pods are waiting to be evicted"));
        if instance.is_none() {
            remove_finalizer(node, None, cx);
            return None;
        }
        return Some(cx.view.now + REQUEUE_MS);
    }
    if let Some(instance) = instance.filter(|i| i.doc.str_at("status.state") != Some("shutting-down") && !i.meta.is_deleting()) {
        terminate(&instance, cx);
        return Some(cx.view.now + CLOUD_CALL_MS);
    }
    remove_finalizer(node, None, cx);
    None
}

fn node_v1(node: &Object, claim: Option<&Object>, evictions: &mut Evictions, cx: &mut Cx<'_, '_>) -> Option<SimTime> {
    let instance = instance_of(cx.view.store, &node.node()?.provider_id).cloned();
    if instance.is_none() && !node.node()?.ready {
        remove_finalizer(node, claim, cx);
        return None;
    }
    seclude(node, claim, cx);
    let now = cx.view.now;
    let mut conditions = claim.map(|c| cx.conditions(c));
    let again = 'await_all: {
        if let Some(c) = conditions.as_mut().filter(|c| !c.has("Drained")) {
            c.set("Drained", "Unknown", "Draining", "Draining");
        }
        let deadline = claim.and_then(|c| c.meta.annotations.get(TERMINATION_TIMESTAMP));
        let deadline_ms = deadline.and_then(|t| objects::time::parse_rfc3339(t));
        if let Some(deadline) = deadline {
            let message = format!("All pods will be deleted by {deadline}");
            cx.warn(node.key(), "TerminationGracePeriodExpiring", message);
        }
        let waiting = drain::by_group(node, deadline_ms, evictions, cx);
        if waiting > 0 {
            cx.warn(node.key(), "FailedDraining", format!("Failed to drain node, {waiting} pods are waiting to be evicted"));
            break 'await_all Some(now + REQUEUE_MS);
        }
        if let Some(c) = conditions.as_mut() {
            let since = c.since_ms("Drained").map_or(now, |ms| cx.view.sim_time(ms));
            if c.status("Drained") == Some("Unknown") && now.since(since) < cx.view.profile.min_drain_ms {
                break 'await_all Some(now + REQUEUE_MS);
            }
            c.set_true("Drained");
            c.set_true("VolumesDetached");
        }
        let Some(c) = conditions.as_mut() else {
            break 'await_all None;
        };
        if let Some(instance) = &instance {
            terminate(instance, cx);
        }
        c.set_true("InstanceTerminating");
        instance.is_some().then(|| now + INSTANCE_REQUEUE_MS)
    };
    if let (Some(claim), Some(conditions)) = (claim, conditions) {
        cx.patch_status(claim, json!({}), conditions, "progress of the termination");
    }
    if again.is_none() {
        remove_finalizer(node, claim, cx);
    }
    again
}

/// Keeps new pods and load balancers away: cordon in 0.29, the disrupted taint in 1.14. Logged when something changed.
fn seclude(node: &Object, claim: Option<&Object>, cx: &mut Cx<'_, '_>) {
    let mut patch = json!({});
    if cx.view.profile.cordons {
        if node.doc.bool_at("spec.unschedulable") != Some(true) {
            patch.set("spec.unschedulable", true);
        }
    } else if let Some(taints) = with_disrupted_taint(node) {
        patch.set("spec.taints", taints);
    }
    if node.meta.labels.get(EXCLUDE_BALANCERS).map(String::as_str) != Some("karpenter") {
        patch.set("metadata.labels", json!({EXCLUDE_BALANCERS: "karpenter"}));
    }
    if patch.as_object().is_some_and(|m| m.is_empty()) {
        return;
    }
    cx.patch(node.key(), patch, "no new pods on a node that goes");
    cx.log(Say::Cordoned { node: &node.meta.name, claim: claim.map_or("", |c| &c.meta.name) });
}

/// The node's taints with `karpenter.sh/disrupted:NoSchedule`; `None` where it has it.
pub fn with_disrupted_taint(node: &Object) -> Option<Vec<Value>> {
    let taints = node.doc.list_at("spec.taints");
    let is_key = |t: &Value| t.str_at("key") == Some(DISRUPTED);
    if taints.iter().any(|t| is_key(t) && t.str_at("effect") == Some("NoSchedule")) {
        return None;
    }
    let mut list: Vec<Value> = taints.iter().filter(|t| !is_key(t)).cloned().collect();
    list.push(json!({"key": DISRUPTED, "effect": "NoSchedule"}));
    Some(list)
}

fn remove_finalizer(node: &Object, claim: Option<&Object>, cx: &mut Cx<'_, '_>) {
    cx.patch(node.key(), Cx::without_finalizer(node), "the node is drained and its instance gone");
    cx.log(Say::DeletedNode { node: &node.meta.name, claim: claim.map_or("", |c| &c.meta.name) });
    if cx.era() == Era::V1 {
        cx.finalized(node.key());
    }
}

#[cfg(test)]
mod tests;
