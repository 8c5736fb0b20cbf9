//! The pool's `status.resources`: what its nodes and claims add up to. Sources: kubernetes-sigs/karpenter
//! pkg/controllers/counter/controller.go v0.29.2, pkg/controllers/nodepool/counter/controller.go v1.14.1.

use super::context::Cx;
use super::messages::quantities;
use super::state::{State, node_of, pool_name, synced};
use crate::SimTime;
use objects::collections::VecMap;
use objects::{DocExt, Era, Object, Resources, Value, json};

const RETRY_MS: u64 = 1_000;
const PERIOD_MS: u64 = 5_000;

/// When each pool is counted: in 0.29 with the watch event of a change, in 1.14 when the pool comes and every five seconds
/// from then on.
#[derive(Clone, Debug, Default)]
pub struct Counter {
    first: VecMap<String, SimTime>,
}

impl Counter {
    /// When the pool is counted that came at this time.
    pub fn begin(&mut self, pool: &str, at: SimTime) -> SimTime {
        let first = at + super::WATCH_MS;
        self.first.insert(pool.to_owned(), first);
        first
    }

    /// When the pool is counted after a change at this time.
    pub fn next(&self, pool: &str, era: Era, at: SimTime) -> SimTime {
        match (era, self.first.get(pool)) {
            (Era::V1, Some(first)) if at >= *first => SimTime(first.ms() + ((at.ms() - first.ms()) / PERIOD_MS + 1) * PERIOD_MS),
            (Era::V1, Some(first)) => *first,
            _ => at + super::WATCH_MS,
        }
    }

    pub fn reconcile(&mut self, name: &str, state: &State, cx: &mut Cx<'_, '_>) -> Option<SimTime> {
        let Some(pool) = cx.view.store.cluster(cx.names.pool, name).cloned() else {
            self.first.remove(name);
            return None;
        };
        if !synced(cx.view.store, cx.names) {
            let again = cx.view.now + RETRY_MS;
            self.first.insert(name.to_owned(), again);
            return Some(again);
        }
        count(&pool, state, cx);
        None
    }
}

fn count(pool: &Object, state: &State, cx: &mut Cx<'_, '_>) {
    let name = &pool.meta.name;
    let mut sum = Resources::default();
    let mut nodes: i64 = 0;
    for claim in cx.view.store.list(cx.names.claim).filter(|c| pool_name(c, cx.names) == *name) {
        let node = node_of(cx.view.store, claim);
        // What is about to go no longer counts.
        if state.is_marked(claim, node.map(|n| &**n)) {
            continue;
        }
        nodes += 1;
        sum.add(&capacity(claim, node.map(|n| &**n)));
    }
    let path = "status.resources";
    let want = match cx.era() {
        Era::V1alpha5 => {
            sum.0.retain(|_, amount| *amount != 0);
            quantities(&sum)
        }
        Era::V1 => {
            for base in ["cpu", "memory", "pods", "ephemeral-storage"] {
                sum.0.entry(base.to_owned()).or_insert(0);
            }
            sum.0.insert("nodes".to_owned(), nodes);
            quantities(&sum)
        }
    };
    let have = pool.doc.at(path);
    let nothing = have.as_object().is_none_or(|m| m.is_empty());
    let empty = want.as_object().is_none_or(|m| m.is_empty());
    let counted = cx.era() == Era::V1alpha5 || pool.doc.int_at("status.nodes") == Some(nodes);
    if (*have == want || (nothing && empty)) && counted {
        return;
    }
    let mut patch = json!({});
    // A merge patch keeps what it does not name, so vanished resources are named as null.
    let mut resources = want;
    for gone in have.as_object().into_iter().flat_map(|m| m.keys()) {
        if resources.get(gone).is_none()
            && let Value::Object(map) = &mut resources
        {
            map.insert(gone.clone(), Value::Null);
        }
    }
    // The old counter is gone altogether where nothing is left.
    patch.set(path, if empty { Value::Null } else { resources });
    if cx.era() == Era::V1 {
        patch.set("status.nodes", nodes);
    }
    cx.patch(pool.key(), patch, "count the pool's resources");
}

/// The node's capacity; until it is initialized what the claim says fills the gaps.
fn capacity(claim: &Object, node: Option<&Object>) -> Resources {
    let Some(typed) = claim.claim() else {
        return Resources::default();
    };
    let mut capacity = node.and_then(|n| n.node()).map(|n| n.capacity.clone()).unwrap_or_default();
    if !typed.initialized {
        for (name, amount) in &typed.capacity.0 {
            let slot = capacity.0.entry(name.clone()).or_insert(0);
            if *slot == 0 {
                *slot = *amount;
            }
        }
    }
    capacity
}
