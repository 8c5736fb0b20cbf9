//! A claim and its node say the same of each other. Source: kubernetes-sigs/karpenter pkg/controllers/nodeclaim/consistency,
//! v1.14.1: looked at once a claim has its instance, and every ten minutes from then on. Nodes of the kwok provider, the
//! only ones it is asked about here, have what their claims say.

use super::context::Cx;
use super::state::node_of;
use crate::SimTime;
use objects::{Object, json};

/// From the claim's instance to the first look.
pub const FIRST_MS: u64 = 60;
const PERIOD_MS: u64 = 600_000;
const CONDITION: &str = "ConsistentStateFound";

/// Whether a change of a claim brings its instance.
pub fn concerns(old: Option<&Object>, claim: &Object) -> bool {
    let has = |o: &Object| o.claim().is_some_and(|c| !c.provider_id.is_empty());
    has(claim) && !old.is_some_and(has)
}

pub fn reconcile(name: &str, cx: &mut Cx<'_, '_>) -> Option<SimTime> {
    let claim = cx.view.store.cluster(cx.names.claim, name)?.clone();
    if claim.meta.is_deleting() {
        return None;
    }
    if node_of(cx.view.store, &claim).is_some() {
        let mut conditions = cx.conditions(&claim);
        conditions.set_true(CONDITION);
        cx.patch_status(&claim, json!({}), conditions, "claim and node agree");
    }
    Some(cx.view.now + PERIOD_MS)
}
