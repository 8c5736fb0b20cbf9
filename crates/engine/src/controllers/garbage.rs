//! Garbage collection, every two minutes: claims whose instance is gone from the cloud, and instances that no claim
//! knows. Sources: kubernetes-sigs/karpenter pkg/controllers/machine/garbagecollection v0.31.4 (a node that is still
//! Ready is left alone), nodeclaim/garbagecollection v1.14.1; aws/karpenter-provider-aws pkg/controllers/nodeclaim/
//! garbagecollection/controller.go.

use super::context::Cx;
use super::messages::{ClaimRef, Say};
use super::state::{instance_of, node_of, pool_name};
use crate::SimTime;
use crate::store::{Change, Op};
use objects::{DocExt, Kind, Object};

const PERIOD_MS: u64 = 120_000;
/// How long after the launch a claim, and after its start an instance, is left alone.
const CLAIM_AGE_MS: i64 = 10_000;
const INSTANCE_AGE_MS: i64 = 30_000;

/// Whether the change of an instance may leave garbage.
pub fn concerns(change: &Change) -> bool {
    let state = |o: &Object| o.doc.str_at("status.state").map(str::to_owned);
    change.op != Op::Modified || change.old.as_deref().map(state) != Some(state(&change.object))
}

/// The next round after `at`. Rounds without garbage change nothing, so only those after a change are run.
pub fn next(at: SimTime) -> SimTime {
    SimTime((at.ms() / PERIOD_MS + 1) * PERIOD_MS)
}

/// Returns the next round where something is still too young to judge.
pub fn reconcile(cx: &mut Cx<'_, '_>) -> Option<SimTime> {
    let store = cx.view.store;
    let now = cx.view.unix_ms();
    let mut young = false;
    for claim in store.list(cx.names.claim) {
        let Some(typed) = claim.claim().filter(|c| c.launched && !claim.meta.is_deleting()) else {
            continue;
        };
        if instance_of(store, &typed.provider_id)
            .is_some_and(|i| i.doc.str_at("status.state") != Some("shutting-down") && !i.meta.is_deleting())
        {
            continue;
        }
        let launched = claim.condition(cx.names.launched).and_then(|c| c.str_at("lastTransitionTime"));
        let launched_ms = launched.and_then(objects::time::parse_rfc3339).unwrap_or(claim.meta.created_ms);
        let ready = node_of(store, claim).and_then(|n| n.node()).is_some_and(|n| n.ready);
        if now.saturating_sub(launched_ms) <= CLAIM_AGE_MS || ready {
            young = true;
            continue;
        }
        cx.delete(claim.key(), "its instance no longer exists");
        let reference = ClaimRef {
            name: &claim.meta.name,
            pool: pool_name(claim, cx.names),
            provider_id: &typed.provider_id,
            node: &typed.node_name,
        };
        cx.log(Say::Garbage { claim: reference });
    }
    for instance in store.list(Kind::Instance) {
        let running = matches!(instance.doc.str_at("status.state"), Some("pending" | "running"));
        let claim = instance.doc.str_at("spec.claim").filter(|c| !c.is_empty());
        let (true, Some(claim)) = (running && !instance.meta.is_deleting(), claim) else {
            continue;
        };
        let id = instance.doc.str_at("spec.providerID").unwrap_or_default();
        let known = store.cluster(cx.names.claim, claim).and_then(|c| c.claim());
        // A claim without its answer yet is still launching.
        if known.is_some_and(|c| c.provider_id == id || c.provider_id.is_empty()) {
            continue;
        }
        if now.saturating_sub(instance.meta.created_ms) <= INSTANCE_AGE_MS {
            young = true;
            continue;
        }
        cx.delete(instance.key(), "no claim knows this instance");
        cx.log(Say::GarbageInstance { provider_id: id });
        let node = store.with_provider_id(Kind::Node, id).next();
        if let Some(node) = node.filter(|n| !n.meta.is_deleting()) {
            cx.delete(node.key(), "no claim knows its instance");
        }
    }
    young.then(|| next(cx.view.now))
}
