//! Drift, the condition: a claim is not what its pool or node class would make today. 0.31 looks when the gate
//! `driftEnabled` is on, 1.14 always. Sources: kubernetes-sigs/karpenter pkg/controllers/nodeclaim/disruption/drift.go
//! v0.31.4 and v1.14.1 (rules), pkg/controllers/machine/disruption/drift.go v0.29.2 (words).

use super::super::conditions::Conditions;
use super::super::context::Cx;
use super::super::messages::Say;
use super::super::state::{instance_of, node_of};
use super::super::{hashes, node_class, settings};
use super::marks::reference;
use crate::SimTime;
use crate::scheduling::Requirements;
use objects::{Era, Object};

/// What the cloud says is kept for five minutes, and looked at again after them.
const RECHECK_MS: u64 = 300_000;
/// 1.14 asks only this long after a claim's creation whether its type is still sold.
const TYPE_CHECK_MS: i64 = 3_600_000;

pub fn condition(era: Era) -> &'static str {
    if era == Era::V1 { "Drifted" } else { "MachineDrifted" }
}

/// Sets or clears the condition; returns when to look again.
pub fn reconcile(claim: &Object, pool: &Object, conditions: &mut Conditions, cx: &mut Cx<'_, '_>) -> Option<SimTime> {
    let era = cx.era();
    let kind = condition(era);
    let had = conditions.has(kind);
    let off = era == Era::V1alpha5 && !settings::gate(cx.view, "driftEnabled");
    let why_not = if off {
        Some("drift status condition from machine as drift has been disabled")
    } else if !conditions.is_true(cx.names.launched) {
        Some("drift status condition from machine as machine isn't launched")
    } else {
        None
    };
    let found = if why_not.is_some() { None } else { reason(claim, pool, cx) };
    match found {
        Some(reason) => {
            conditions.set(kind, "True", reason, if era == Era::V1 { reason } else { "" });
            if !had {
                cx.log(Say::MarkingDrifted { claim: reference(claim, cx.names) });
            }
        }
        None => {
            conditions.clear(kind);
            if had {
                let why = why_not.unwrap_or("drifted status condition from machine");
                cx.log(Say::NotDrifted { claim: reference(claim, cx.names), why });
            }
        }
    }
    // 1.14 watches node classes; 0.31 sees their change when it looks again.
    match (why_not, era) {
        (None, Era::V1alpha5) => Some(cx.view.now + RECHECK_MS),
        (None, Era::V1) => {
            let due = cx.view.sim_time(claim.meta.created_ms.saturating_add(TYPE_CHECK_MS));
            (due > cx.view.now).then_some(due)
        }
        _ => None,
    }
}

/// The first reason that holds: what is written on the pool, what it requires, what the cloud sells, what the node class is.
fn reason(claim: &Object, pool: &Object, cx: &Cx<'_, '_>) -> Option<&'static str> {
    let era = cx.era();
    let written = hashes::pool_keys(era).drift(pool, claim);
    written.or_else(|| requirements(claim, pool)).or_else(|| type_is_gone(claim, cx)).or_else(|| {
        let typed = claim.claim()?;
        let class = cx.view.store.cluster(cx.names.node_class, pool.pool()?.node_class.as_str())?;
        let instance = instance_of(cx.view.store, &typed.provider_id)?;
        node_class::drift(class, claim, instance, cx)
    })
}

/// Every requirement of the pool has to allow the claim's labels.
fn requirements(claim: &Object, pool: &Object) -> Option<&'static str> {
    let asked = Requirements::of_expressions(&pool.pool()?.requirements);
    (!Requirements::of_labels(&claim.meta.labels).compatible(&asked, None)).then_some("RequirementsDrifted")
}

fn type_is_gone(claim: &Object, cx: &Cx<'_, '_>) -> Option<&'static str> {
    let age = cx.view.unix_ms().saturating_sub(claim.meta.created_ms);
    // The label comes with the node; a claim that waits for it is not judged.
    if cx.era() == Era::V1alpha5 || age <= TYPE_CHECK_MS || node_of(cx.view.store, claim).is_none() {
        return None;
    }
    let labels = Requirements::of_labels(&claim.meta.labels);
    let types = cx.view.market.types();
    let sold = claim.meta.labels.get(super::super::names::INSTANCE_TYPE).and_then(|name| types.named(name));
    let offered = sold.is_some_and(|(_, t)| t.offerings.iter().any(|o| o.allowed_by(&labels)));
    (!offered).then_some("InstanceTypeNotFound")
}
