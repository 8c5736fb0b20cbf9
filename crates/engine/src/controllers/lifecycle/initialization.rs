//! Initialization: the node is Ready, the taints of starting up are gone and every requested resource is there.
//! Sources: machine/lifecycle/initialization.go v0.29.2, nodeclaim/lifecycle/initialization.go and
//! pkg/scheduling/taints.go v1.14.1.

use super::super::context::Cx;
use super::super::messages::Say;
use super::super::names::{INITIALIZED, UNREGISTERED};
use super::{Pass, initialize};
use objects::typed::Taint;
use objects::{Era, Kind, Object, json};

pub fn reconcile(pass: &mut Pass<'_>, cx: &mut Cx<'_, '_>) {
    let kind = cx.names.initialized;
    if pass.conditions.is_true(kind) {
        return;
    }
    initialize(&mut pass.conditions, cx.era(), kind);
    let waits_for = if cx.era() == Era::V1 { cx.names.registered } else { cx.names.launched };
    if !pass.conditions.is_true(waits_for) {
        if cx.era() == Era::V1alpha5 {
            pass.conditions.set_waiting(kind, "MachineNotLaunched", "Machine is not launched");
        }
        return;
    }
    let Some(node) = cx.view.store.with_provider_id(Kind::Node, &pass.provider_id).next() else {
        return pass.conditions.set_waiting(kind, "NodeNotFound", "Node not registered with cluster");
    };
    // The recorded one reads the node as registration has just left it.
    let joined = cx.view.profile.as_recorded && pass.conditions.is_true(cx.names.registered);
    if let Some((reason, message)) = obstacle(node, pass.claim, cx.era(), joined) {
        return pass.conditions.set_waiting(kind, reason, &message);
    }
    pass.node_name = node.meta.name.clone();
    if node.meta.labels.get(INITIALIZED).map(String::as_str) != Some("true") {
        cx.patch(node.key(), json!({"metadata": {"labels": {INITIALIZED: "true"}}}), "the node is initialized");
    }
    let allocatable = node.node().map(|n| n.allocatable.clone()).unwrap_or_default();
    let mut reference = pass.reference(cx);
    if cx.view.profile.as_recorded {
        // The line names the node that the claim had when the worker took it up.
        reference.node = pass.claim.claim().map_or("", |c| c.node_name.as_str());
    }
    cx.log(Say::Initialized { claim: reference, allocatable: &allocatable });
    pass.conditions.set_true(kind);
}

/// Why the node is not initialized yet, as (reason, message).
fn obstacle(node: &Object, claim: &Object, era: Era, joined: bool) -> Option<(&'static str, String)> {
    let (n, c) = (node.node()?, claim.claim()?);
    if !n.ready {
        return Some(("NodeNotReady", "Node status is NotReady".to_owned()));
    }
    let same = |a: &Taint, b: &Taint| a.key == b.key && a.effect == b.effect;
    if let Some(t) = n.taints.iter().find(|t| c.startup_taints.iter().any(|s| same(s, t))) {
        return Some(("StartupTaintsExist", format!("StartupTaint {:?} still exists", text(t))));
    }
    if let Some(t) = n.taints.iter().find(|t| is_ephemeral(t, era) && !(joined && t.key == UNREGISTERED)) {
        return Some(("KnownEphemeralTaintsExist", format!("KnownEphemeralTaint {:?} still exists", text(t))));
    }
    let missing = c.requests.0.iter().find(|(name, amount)| **amount != 0 && n.allocatable.get(name) == 0);
    missing.map(|(name, _)| ("ResourceNotRegistered", format!("Resource {name:?} was requested but not registered")))
}

/// Taints that a node carries while it comes up.
fn is_ephemeral(taint: &Taint, era: Era) -> bool {
    match (taint.key.as_str(), taint.effect.as_str()) {
        ("node.kubernetes.io/not-ready" | "node.kubernetes.io/unreachable", "NoSchedule") => true,
        ("node.cloudprovider.kubernetes.io/uninitialized", "NoSchedule") => taint.value == "true",
        ("node.kubernetes.io/not-ready" | UNREGISTERED, "NoExecute") => era == Era::V1,
        (key, _) => era == Era::V1 && key.starts_with("readiness.k8s.io/"),
    }
}

fn text(taint: &Taint) -> String {
    if taint.value.is_empty() {
        format!("{}:{}", taint.key, taint.effect)
    } else {
        format!("{}={}:{}", taint.key, taint.value, taint.effect)
    }
}
