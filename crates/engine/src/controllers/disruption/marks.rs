//! The conditions on claims that disruption goes by: empty and expired in 0.29, consolidatable in 1.14.
//! Sources: kubernetes-sigs/karpenter pkg/controllers/machine/disruption/{controller,emptiness,expiration}.go v0.29.2;
//! pkg/controllers/nodeclaim/{disruption,podevents} v1.14.1.

use super::super::context::Cx;
use super::super::messages::{ClaimRef, Say};
use super::super::names::Names;
use super::super::state::{State, node_of, pool_name};
use super::{drift, pods};
use crate::SimTime;
use crate::actor::View;
use crate::store::{Change, Op};
use objects::{DocExt, Era, Kind, Object, json};

const EMPTY: &str = "MachineEmpty";
const EXPIRED: &str = "MachineExpired";
const CONSOLIDATABLE: &str = "Consolidatable";
/// A nominated node is looked at again after this.
const NOMINATED_MS: u64 = 30_000;
/// Pod events within this time of the last one are not written down.
const DEDUPE_MS: i64 = 10_000;

/// Looks at a claim after something about it, its node or its pods changed; returns when to look again.
pub fn reconcile(claim: &Object, state: &State, cx: &mut Cx<'_, '_>) -> Option<SimTime> {
    if claim.meta.is_deleting() {
        return None;
    }
    let pool = cx.view.store.cluster(cx.names.pool, pool_name(claim, cx.names))?.clone();
    match cx.era() {
        Era::V1alpha5 => v1alpha5(claim, &pool, state, cx),
        Era::V1 => v1(claim, &pool, cx),
    }
}

pub(super) fn reference<'o>(claim: &'o Object, names: &Names) -> ClaimRef<'o> {
    let typed = claim.claim();
    ClaimRef {
        name: &claim.meta.name,
        pool: pool_name(claim, names),
        provider_id: typed.map_or("", |c| &c.provider_id),
        node: typed.map_or("", |c| &c.node_name),
    }
}

fn v1alpha5(claim: &Object, pool: &Object, state: &State, cx: &mut Cx<'_, '_>) -> Option<SimTime> {
    let mut conditions = cx.conditions(claim);
    let mut again: Option<SimTime> = None;
    let node = node_of(cx.view.store, claim).cloned();
    let settings = pool.pool()?;
    // Expired: the earlier of claim and node counts.
    match settings.expire_after_ms {
        Some(ttl) => {
            let born = node.iter().map(|n| n.meta.created_ms).fold(claim.meta.created_ms, i64::min);
            let due = cx.view.sim_time(born.saturating_add(ttl));
            if due <= cx.view.now {
                if !conditions.has(EXPIRED) {
                    cx.log(Say::MarkingExpired { claim: reference(claim, cx.names) });
                }
                conditions.set_true(EXPIRED);
            } else {
                conditions.clear(EXPIRED);
                again = Some(due);
            }
        }
        None => conditions.clear(EXPIRED),
    }
    if let Some(look) = drift::reconcile(claim, pool, &mut conditions, cx) {
        again = Some(again.map_or(look, |t| t.min(look)));
    }
    let nominated = state.is_nominated(&claim.meta.name, cx.view.now);
    let occupied = node.as_ref().is_some_and(|n| pods::movable(n, cx).next().is_some());
    let initialized = claim.claim().is_some_and(|c| c.initialized);
    let why = match &node {
        _ if settings.consolidate_after_ms.is_none() => Some("machine since emptiness is disabled"),
        _ if !initialized => Some("machine since machine isn't initialized"),
        None => Some("machine since machine doesn't have a single node mapping"),
        Some(_) if nominated => {
            let look = cx.view.now + NOMINATED_MS;
            again = Some(again.map_or(look, |t| t.min(look)));
            Some("machine since machine is nominated for pods")
        }
        Some(_) if occupied => Some("node"),
        Some(_) => None,
    };
    match why {
        Some(why) => {
            if conditions.has(EMPTY) {
                cx.log(Say::NotEmpty { claim: reference(claim, cx.names), why });
            }
            conditions.clear(EMPTY);
        }
        None => {
            if !conditions.has(EMPTY) {
                cx.log(Say::MarkingEmpty { claim: reference(claim, cx.names) });
            }
            conditions.set_true(EMPTY);
        }
    }
    cx.patch_status(claim, json!({}), conditions, "conditions for deprovisioning");
    again
}

fn v1(claim: &Object, pool: &Object, cx: &mut Cx<'_, '_>) -> Option<SimTime> {
    let mut conditions = cx.conditions(claim);
    let mut again = drift::reconcile(claim, pool, &mut conditions, cx);
    let settings = pool.pool()?;
    if settings.replicas.is_some() {
        // A static pool keeps its number: its nodes are never consolidated.
        cx.patch_status(claim, json!({}), conditions, "conditions for disruption");
        return again;
    }
    let after = settings.consolidate_after_ms;
    let initialized = claim.claim().is_some_and(|c| c.initialized);
    let due = after.zip(quiet_since(claim, cx.names)).map(|(after, since)| cx.view.sim_time(since.saturating_add(after)));
    let why = match due {
        None if after.is_none() => Some("consolidation is disabled"),
        _ if !initialized => Some("nodeclaim isn't initialized"),
        Some(due) if due > cx.view.now => {
            again = Some(again.map_or(due, |t| t.min(due)));
            Some("consolidateAfter window not yet elapsed")
        }
        _ => None,
    };
    match why {
        Some(why) => {
            if conditions.has(CONSOLIDATABLE) {
                cx.log(Say::NotConsolidatable { claim: reference(claim, cx.names), why });
            }
            conditions.clear(CONSOLIDATABLE);
        }
        None => {
            if !conditions.has(CONSOLIDATABLE) {
                cx.log(Say::MarkingConsolidatable { claim: reference(claim, cx.names) });
            }
            conditions.set_true(CONSOLIDATABLE);
        }
    }
    cx.patch_status(claim, json!({}), conditions, "conditions for disruption");
    again
}

/// Unix milliseconds since when no pod came or went: the last pod event, else the initialization.
pub fn quiet_since(claim: &Object, names: &Names) -> Option<i64> {
    let event = claim.doc.str_at("status.lastPodEventTime");
    let initialized = claim.condition(names.initialized).and_then(|c| c.str_at("lastTransitionTime"));
    event.or(initialized).and_then(objects::time::parse_rfc3339)
}

/// 1.14: the node that a pod was bound to, or left by finishing or being deleted.
pub fn pod_event(change: &Change, era: Era) -> Option<&str> {
    let pod = change.object.pod().filter(|p| era == Era::V1 && p.is_bound() && !p.is_daemon())?;
    let was = change.old.as_deref();
    let moved = match was {
        // Pods that are there when Karpenter starts are events too.
        None => true,
        Some(old) => {
            let old_pod = old.pod();
            let bound = old_pod.is_some_and(|p| !p.is_bound());
            let finished = pod.is_terminal() && !old_pod.is_some_and(|p| p.is_terminal());
            let leaving = change.object.meta.is_deleting() && !old.meta.is_deleting();
            bound || finished || leaving || change.op == Op::Deleted
        }
    };
    moved.then_some(pod.node_name.as_str())
}

/// Writes down that something happened on the node of `name`.
pub fn record_pod_event(name: &str, cx: &mut Cx<'_, '_>) {
    let Some(claim) = cx.view.store.cluster(cx.names.claim, name) else {
        return;
    };
    let last = claim.doc.str_at("status.lastPodEventTime").and_then(objects::time::parse_rfc3339);
    if last.is_some_and(|last| cx.view.unix_ms().saturating_sub(last) < DEDUPE_MS) {
        return;
    }
    let patch = json!({"status": {"lastPodEventTime": cx.view.timestamp()}});
    cx.patch(claim.key(), patch, "a pod came or went");
}

/// The claim whose conditions a change of a pod bears on.
pub fn claim_of_pod<'v>(change: &Change, view: &View<'v>, names: &Names) -> Option<&'v Object> {
    let node_name = |o: &Object| o.pod().map(|p| p.node_name.clone()).filter(|n| !n.is_empty());
    let name = node_name(&change.object).or_else(|| change.old.as_deref().and_then(node_name))?;
    let node = view.store.cluster(Kind::Node, &name)?;
    super::super::state::claim_of(view.store, names, node).map(|c| &**c)
}
