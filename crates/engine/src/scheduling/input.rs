//! Reads a [`Cluster`] from a store, as Karpenter's cluster state sees it.
//! Source: kubernetes-sigs/karpenter pkg/controllers/state/{cluster,statenode}.go and
//! pkg/controllers/provisioning/provisioner.go v0.31.4 and v1.14.1.

mod pods;
mod volumes;

pub use pods::{Before, is_protected, is_unready};
pub use volumes::BIND_COMPLETED;

use super::cluster::{Cluster, NodeInput, PoolInput};
use super::labels;
use super::rules::Rules;
use super::taints;
use super::type_table::TypeTable;
use crate::store::Store;
use objects::collections::{VecMap, VecSet};
use objects::typed::{Claim, Node};
use objects::{DocExt, Kind, Object, Resources, time};
use std::sync::Arc;

/// What a cluster is read from.
pub struct Source<'a> {
    pub store: &'a Store,
    pub rules: Rules,
    /// Types with unavailable offerings marked: [`crate::pricing::Market::types_as`].
    pub types: Arc<TypeTable>,
    /// Blocks of the types by pool; the first where a pool is not named.
    pub blocks: VecMap<String, usize>,
    /// The present, Unix milliseconds.
    pub now_ms: i64,
    /// Claims (nodes where there is no claim) that a disruption command is about to remove.
    pub marked: &'a VecSet<String>,
}

pub fn read(source: &Source<'_>) -> Cluster {
    read_after(source, &mut Before::default())
}

/// The same, with the pods that were read before and have not changed since.
pub fn read_after(source: &Source<'_>, before: &mut Before) -> Cluster {
    let store = source.store;
    let mut c = Cluster {
        types: source.types.clone(),
        pools: store.list(Kind::pool(source.rules.era)).filter_map(|o| pool(o, source)).collect(),
        namespaces: store.list(Kind::Namespace).map(|o| (o.meta.name.clone(), o.meta.labels.clone())).collect(),
        ..Cluster::new(source.rules.clone(), Vec::new())
    };
    let mut node_of = VecMap::new();
    for (object, claim) in state_nodes(source) {
        if let Some(o) = object {
            node_of.insert(o.meta.name.clone(), c.nodes.len());
        }
        c.nodes.push(node(source, object, claim));
    }
    pods::read(source, &mut c, &node_of, before);
    c
}

fn pool(o: &Object, source: &Source<'_>) -> Option<PoolInput> {
    let p = o.pool()?;
    let not_ready = o.condition("Ready").is_some() && !o.condition_is_true("Ready");
    Some(PoolInput {
        name: o.meta.name.clone(),
        weight: p.weight,
        node_class: p.node_class.clone(),
        labels: p.labels.clone(),
        requirements: p.requirements.clone(),
        taints: p.taints.clone(),
        startup_taints: p.startup_taints.clone(),
        limits: p.limits.clone(),
        policy: p.policy,
        block: source.blocks.get(&o.meta.name).copied().unwrap_or(0),
        closed: o.meta.is_deleting() || p.replicas.is_some() || (not_ready && o.kind == Kind::NodePool),
    })
}

type Pair<'a> = (Option<&'a Object>, Option<&'a Object>);

/// Every node with its claim, and the claims whose instance has no node yet. A claim without an instance is not known
/// to the state at all.
fn state_nodes<'a>(source: &Source<'a>) -> Vec<Pair<'a>> {
    let store = source.store;
    let claims = || store.list(Kind::claim(source.rules.era)).filter(|o| provider_id(o).is_some());
    let mut by_id: VecMap<&str, &'a Object> = claims().filter_map(|o| Some((provider_id(o)?, &**o))).collect();
    let mut pairs: Vec<Pair<'a>> = Vec::new();
    for o in store.list(Kind::Node) {
        let id = o.node().map(|n| n.provider_id.as_str()).filter(|id| !id.is_empty());
        pairs.push((Some(o), id.and_then(|id| by_id.remove(id))));
    }
    pairs.extend(by_id.into_values().map(|claim| (None, Some(claim))));
    pairs
}

fn provider_id(o: &Object) -> Option<&str> {
    o.claim().map(|c| c.provider_id.as_str()).filter(|id| !id.is_empty())
}

fn node(source: &Source<'_>, object: Option<&Object>, claim_object: Option<&Object>) -> NodeInput {
    let typed: Option<&Node> = object.and_then(Object::node);
    let claim: Option<&Claim> = claim_object.and_then(Object::claim);
    let says = |key: &str| object.is_some_and(|o| o.meta.labels.get(key).is_some_and(|v| v == "true"));
    let initialized = claim.is_none() || says(labels::INITIALIZED);
    let registered = claim.is_none() || says(labels::REGISTERED) || (source.rules.is_v1() && initialized);
    // Until it is registered a node goes by its claim.
    let shown = if registered { object.or(claim_object) } else { claim_object };
    let raw_taints = match (registered, typed, claim) {
        (false, _, Some(c)) | (true, None, Some(c)) => &c.taints,
        (_, Some(n), _) => &n.taints,
        (_, None, None) => return NodeInput::default(),
    };
    let startup = claim.map_or(&[][..], |c| &c.startup_taints);
    let amounts = |of_node: Option<&Resources>, of_claim: Option<&Resources>| {
        let mut r = of_node.cloned().unwrap_or_default();
        if !initialized {
            for (name, amount) in of_claim.into_iter().flat_map(|c| &c.0) {
                if r.get(name) == 0 {
                    r.0.insert(name.clone(), *amount);
                }
            }
        }
        r
    };
    let name = shown.map(|o| o.meta.name.clone()).unwrap_or_default();
    let claim_name = claim_object.map(|o| o.meta.name.clone());
    let is_marked = source.marked.contains(claim_name.as_ref().unwrap_or(&name));
    let is_deleting = |o: Option<&Object>| o.is_some_and(|o| o.meta.is_deleting());
    NodeInput {
        has_node: object.is_some(),
        labels: shown.map(|o| o.meta.labels.clone()).unwrap_or_default(),
        taints: taints::counted(source.rules.era, raw_taints, startup, claim.is_some(), initialized),
        node_taints: typed.map(|n| n.taints.clone()).unwrap_or_default(),
        capacity: amounts(typed.map(|n| &n.capacity), claim.map(|c| &c.capacity)),
        available: amounts(typed.map(|n| &n.allocatable), claim.map(|c| &c.allocatable)),
        initialized,
        ready: typed.is_some_and(|n| n.ready),
        deleting: is_marked || is_deleting(claim_object) || is_deleting(object),
        settling: claim_object.is_some_and(|c| is_settling(source, c)),
        claim: claim_name,
        name,
        ..NodeInput::default()
    }
}

/// Era v1: the pool waits for a node to have been quiet, and this one has not been for long enough.
fn is_settling(source: &Source<'_>, claim: &Object) -> bool {
    let pool = claim.meta.labels.get(source.rules.pool_label()).and_then(|p| source.store.cluster(Kind::NodePool, p));
    let Some(after) = pool.and_then(|o| o.pool()?.consolidate_after_ms).filter(|ms| *ms > 0) else { return false };
    if !claim.condition_is_true("Initialized") {
        return false;
    }
    let event = claim.doc.str_at("status.lastPodEventTime");
    let since = event.or_else(|| claim.condition("Initialized")?.str_at("lastTransitionTime")).and_then(time::parse_rfc3339);
    since.is_some_and(|t| source.now_ms.saturating_sub(t) < after)
}
