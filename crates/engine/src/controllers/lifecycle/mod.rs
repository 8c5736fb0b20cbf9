//! A claim's way from object to initialized node: finalizer, launch, registration, initialization, liveness, in this
//! order at every reconcile, the status patched once; after a patch the worker rests one second.
//! Sources: kubernetes-sigs/karpenter pkg/controllers/machine/lifecycle v0.29.2, pkg/controllers/nodeclaim/lifecycle v1.14.1.

mod initialization;
mod kwok;
mod launch;
mod liveness;
mod registration;

use super::conditions::Conditions;
use super::context::Cx;
use super::messages::ClaimRef;
use super::pools::Pools;
use super::state::{self, State};
use crate::SimTime;
use objects::collections::VecMap;
use objects::{DocExt, Era, Kind, Object, ObjectKey, Provider, Value, json};

/// The worker sleeps after it patched, so as to read its own writes.
const REST_MS: u64 = 1_000;

/// What the lifecycle controller keeps between reconciles.
#[derive(Clone, Debug, Default)]
pub struct Lifecycle {
    /// Claims whose worker rests, and until when.
    resting: VecMap<String, SimTime>,
    /// Launches that failed in a row, by claim.
    failures: VecMap<String, u32>,
}

/// One reconcile: the claim, its conditions while they change, and what else is patched with them.
struct Pass<'o> {
    claim: &'o Object,
    conditions: Conditions,
    patch: Value,
    /// `status.providerID` as it is after this reconcile.
    provider_id: String,
    node_name: String,
    /// The earliest time that one of the steps wants to see the claim again.
    again: Option<SimTime>,
    /// The claim is being deleted by this reconcile: nothing is patched any more.
    gone: bool,
    /// How long its calls kept the worker from patching.
    late_ms: u64,
}

impl<'o> Pass<'o> {
    fn reference<'r>(&'r self, cx: &Cx<'_, '_>) -> ClaimRef<'r>
    where
        'o: 'r,
    {
        ClaimRef {
            name: &self.claim.meta.name,
            pool: state::pool_name(self.claim, cx.names),
            provider_id: &self.provider_id,
            node: &self.node_name,
        }
    }

    fn wake(&mut self, at: SimTime) {
        self.again = Some(self.again.map_or(at, |t| t.min(at)));
    }
}

impl Lifecycle {
    /// Returns when the claim should be seen again.
    pub fn reconcile(&mut self, claim: &Object, state: &mut State, pools: &mut Pools, cx: &mut Cx<'_, '_>) -> Option<SimTime> {
        let now = cx.view.now;
        if let Some(until) = self.resting.get(&claim.meta.name).copied() {
            if until > now {
                return Some(until);
            }
            self.resting.remove(&claim.meta.name);
        }
        let typed = claim.claim()?;
        let mut pass = Pass {
            claim,
            conditions: cx.conditions(claim),
            patch: json!({}),
            provider_id: typed.provider_id.clone(),
            node_name: typed.node_name.clone(),
            again: None,
            gone: false,
            late_ms: 0,
        };
        // Without the finalizer nothing is launched: an instance could leak.
        if let Some(finalizers) = state::with_finalizer(claim) {
            pass.patch.set("metadata.finalizers", finalizers);
        }
        let step = match cx.view.profile.provider {
            Provider::Aws => launch::reconcile(&mut pass, &mut self.failures, state, cx),
            Provider::Kwok => kwok::launch(&mut pass, &mut self.failures, state, cx),
        };
        if step == launch::Step::Waiting && !pass.gone && pass.again.is_none() {
            // The worker is inside the call: only the finalizer is written before it.
            if pass.patch.as_object().is_some_and(|m| !m.is_empty()) {
                cx.patch(claim.key(), pass.patch, "claim finalizer");
            }
            return None;
        }
        if !pass.gone {
            registration::reconcile(&mut pass, pools, cx);
            initialization::reconcile(&mut pass, cx);
            liveness::reconcile(&mut pass, pools, cx);
        }
        if pass.gone {
            return None;
        }
        let Pass { conditions, patch, again, late_ms, .. } = pass;
        if cx.patch_status(claim, patch, conditions, "claim lifecycle") {
            let rested = now + late_ms + REST_MS;
            self.resting.insert(claim.meta.name.clone(), rested);
            // What happened to the claim or its node meanwhile is read after the rest.
            return Some(again.map_or(rested, |t| t.min(rested)));
        }
        again
    }

    /// The claim is gone: an answer of the fleet that nobody waits for any more is thrown away. The instance, if there
    /// is one, is left to garbage collection, as it is when the real controller's create call returns too late.
    pub fn forget(&mut self, name: &str, cx: &mut Cx<'_, '_>) -> Option<SimTime> {
        self.resting.remove(name);
        self.failures.remove(name);
        let request = cx.view.store.cluster(Kind::FleetRequest, name)?;
        if !request.doc.at("status").is_null() {
            cx.delete(ObjectKey::cluster(Kind::FleetRequest, name), "the claim of this request is gone");
        }
        None
    }
}

/// Conditions start out unknown in 1.14, before any step has looked.
fn initialize(conditions: &mut Conditions, era: Era, kind: &str) {
    if era == Era::V1 && !conditions.has(kind) {
        conditions.set(kind, "Unknown", "AwaitingReconciliation", "object is awaiting reconciliation");
    }
}

#[cfg(test)]
mod tests;
