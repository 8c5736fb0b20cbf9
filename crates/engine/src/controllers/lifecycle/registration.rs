//! Registration: the node with the claim's provider id joins; it gets finalizer, owner, labels, annotations and taints.
//! Sources: machine/lifecycle/registration.go v0.29.2, nodeclaim/lifecycle/registration.go v1.14.1.

use super::super::context::Cx;
use super::super::messages::Say;
use super::super::names::{REGISTERED, UNREGISTERED};
use super::super::pools::Pools;
use super::super::state::{pool_name, with_finalizer};
use super::{Pass, initialize};
use objects::collections::VecMap;
use objects::{DocExt, Era, Kind, Object, Value, json};
use std::sync::Arc;

pub fn reconcile(pass: &mut Pass<'_>, pools: &mut Pools, cx: &mut Cx<'_, '_>) {
    let kind = cx.names.registered;
    if pass.conditions.is_true(kind) {
        return;
    }
    initialize(&mut pass.conditions, cx.era(), kind);
    if !pass.conditions.is_true(cx.names.launched) {
        if cx.era() == Era::V1alpha5 {
            pass.conditions.set_waiting(kind, "MachineNotLaunched", "Machine is not launched");
        }
        return;
    }
    let nodes: Vec<&Arc<Object>> = cx.view.store.with_provider_id(Kind::Node, &pass.provider_id).collect();
    let node = match nodes.as_slice() {
        [] => return pass.conditions.set_waiting(kind, "NodeNotFound", "Node not registered with cluster"),
        [node] => Arc::clone(node),
        _ => {
            let message = match cx.era() {
                Era::V1alpha5 => "Invariant violated, machine matched multiple nodes",
                Era::V1 => "Invariant violated, matched multiple nodes",
            };
            return pass.conditions.set(kind, "False", "MultipleNodesFound", message);
        }
    };
    pass.node_name = node.meta.name.clone();
    warn_of_missing_taint(pass, &node, cx);
    cx.patch(node.key(), node_patch(pass, &node, cx), "register the node with its claim");
    cx.log(Say::Registered { claim: pass.reference(cx) });
    pass.conditions.set_true(kind);
    pass.patch.set("status.nodeName", node.meta.name.as_str());
    pools.registered(pool_name(pass.claim, cx.names), None, cx);
}

/// 1.14 warns where the node came without the taint that keeps pods away until now.
fn warn_of_missing_taint(pass: &Pass<'_>, node: &Object, cx: &mut Cx<'_, '_>) {
    let tainted = node.node().is_some_and(|n| n.taints.iter().any(|t| t.key == UNREGISTERED));
    if cx.era() == Era::V1 && !tainted && !node.meta.labels.contains_key(REGISTERED) {
        let message = "Missing karpenter.sh/unregistered taint which prevents registration related race conditions on \
                       Karpenter-managed nodes";
        cx.warn(pass.claim.key(), "UnregisteredTaintMissing", message);
    }
}

fn node_patch(pass: &Pass<'_>, node: &Object, cx: &Cx<'_, '_>) -> Value {
    let claim = pass.claim;
    let mut patch = json!({});
    if let Some(finalizers) = with_finalizer(node) {
        patch.set("metadata.finalizers", finalizers);
    }
    let mut owners: Vec<Value> = node
        .doc
        .list_at("metadata.ownerReferences")
        .iter()
        .filter(|o| o.str_at("kind") != Some("Provisioner") && o.str_at("uid") != Some(&claim.meta.uid))
        .cloned()
        .collect();
    owners.push(json!({
        "apiVersion": cx.names.claim.api_version(), "kind": cx.names.claim.name(), "name": claim.meta.name,
        "uid": claim.meta.uid, "blockOwnerDeletion": true,
    }));
    patch.set("metadata.ownerReferences", owners);
    // The labels that the launch gave the claim may be part of this very reconcile.
    let mut labels: VecMap<String, String> = claim.meta.labels.clone();
    labels.extend(pass.patch.strings_at("metadata.labels"));
    labels.insert(REGISTERED.to_owned(), "true".to_owned());
    patch.set("metadata.labels", json!(labels));
    if !claim.meta.annotations.is_empty() {
        patch.set("metadata.annotations", json!(claim.meta.annotations));
    }
    let mut taints: Vec<Value> = node.doc.list_at("spec.taints").to_vec();
    for list in ["spec.taints", "spec.startupTaints"] {
        for taint in claim.doc.list_at(list) {
            let same = |t: &Value| t.str_at("key") == taint.str_at("key") && t.str_at("effect") == taint.str_at("effect");
            match taints.iter_mut().find(|t| same(t)) {
                Some(slot) => *slot = taint.clone(),
                None => taints.push(taint.clone()),
            }
        }
    }
    taints.retain(|t| t.str_at("key") != Some(UNREGISTERED));
    if taints != node.doc.list_at("spec.taints") {
        let none = cx.view.profile.as_recorded && taints.is_empty();
        patch.set("spec.taints", if none { Value::Null } else { taints.into() });
    }
    patch
}
