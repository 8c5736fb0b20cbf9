//! Expiration in 1.14: a claim older than its `expireAfter` is deleted, whatever budgets say.
//! Source: kubernetes-sigs/karpenter pkg/controllers/nodeclaim/expiration/controller.go v1.14.1.

use super::context::Cx;
use super::messages::{ClaimRef, Say};
use super::state::pool_name;
use crate::SimTime;
use objects::DocExt;

/// Returns when the claim expires, where it does.
pub fn reconcile(name: &str, cx: &mut Cx<'_, '_>) -> Option<SimTime> {
    let claim = cx.view.store.cluster(cx.names.claim, name)?;
    if claim.meta.is_deleting() {
        return None;
    }
    let after = objects::duration::parse_go_ms(claim.doc.str_at("spec.expireAfter")?)?;
    let due = cx.view.sim_time(claim.meta.created_ms.saturating_add(after));
    if due > cx.view.now {
        return Some(due);
    }
    cx.delete(claim.key(), "the claim has expired");
    let typed = claim.claim()?;
    cx.log(Say::Expiring {
        claim: ClaimRef { name, pool: pool_name(claim, cx.names), provider_id: &typed.provider_id, node: &typed.node_name },
    });
    None
}
