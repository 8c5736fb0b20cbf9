//! Why nodes stay and pods wait, at the end of a plan.

use super::blockers::{Blocker, of_node};
use super::{Pending, Stay, claim_of, machine, waits};
use crate::actor::View;
use crate::controllers::{Names, closed};
use crate::decisions::What;
use crate::session::World;
use crate::{Era, SimTime};
use objects::collections::VecMap;
use objects::typed::ConsolidationPolicy;
use objects::{DocExt, Kind, Object, time};
use std::sync::Arc;

/// The nodes that were there at `start` and are not going.
pub fn stays(world: &World, start: SimTime) -> Vec<Stay> {
    let view = world.cluster.view();
    let born_before = view.unix_ms_of(start);
    let words = words(world);
    let pools = Pools::count(&view);
    let old = |n: &&Arc<Object>| n.meta.created_ms <= born_before && !n.meta.is_deleting();
    view.store.list(Kind::Node).filter(old).map(|node| stay(world, node, &words, &pools)).collect()
}

fn stay(world: &World, node: &Object, words: &VecMap<String, Vec<String>>, pools: &Pools) -> Stay {
    let view = world.cluster.view();
    let machine = machine(world, node);
    let mut stay = Stay { machine, why: Vec::new(), blockers: Vec::new() };
    let Some(claim) = claim_of(view.store, view.era(), node) else {
        let group = ["eks.amazonaws.com/nodegroup", "cloud.google.com/gke-nodepool", "kubernetes.azure.com/agentpool"]
            .into_iter()
            .find_map(|key| node.meta.labels.get(key));
        stay.why.push(match group {
            Some(group) => format!("not Karpenter's: node group {group}"),
            None => "not Karpenter's".to_owned(),
        });
        return stay;
    };
    stay.blockers = of_node(node, &view);
    stay.why.extend(words.get(&node.meta.name).into_iter().flatten().cloned());
    let Some(pool) = view.store.cluster(Kind::pool(view.era()), &stay.machine.pool) else {
        stay.why.push(format!("its {} {:?} is not there", Kind::pool(view.era()).name(), stay.machine.pool));
        return stay;
    };
    if view.era() == Era::V1 {
        stay.blockers.extend(pools.closed(claim, node, pool, &view));
        stay.why.extend(settles(claim, pool, &view));
    }
    if stay.why.is_empty() && stay.blockers.is_empty() {
        stay.why.push(match pool.pool().map(|p| p.policy) {
            Some(ConsolidationPolicy::None) => "its pool removes no nodes".to_owned(),
            Some(ConsolidationPolicy::WhenEmpty) => "it is not empty, and its pool removes empty nodes only".to_owned(),
            _ => "nothing cheaper was found for its pods".to_owned(),
        });
    }
    stay
}

/// The last words of each consolidation method about a node. Those about candidates may hold no longer; what blocks a
/// candidate is looked up anew.
fn words(world: &World) -> VecMap<String, Vec<String>> {
    let mut last: VecMap<(String, &'static str), String> = VecMap::new();
    for decision in world.decisions.share().iter() {
        if let What::Keep { method, message } = &decision.what
            && decision.about.kind == Kind::Node
            && !["candidates", "pods"].contains(method)
        {
            last.insert((decision.about.name.clone(), method), message.clone());
        }
    }
    let mut all: VecMap<String, Vec<String>> = VecMap::new();
    for ((node, _), message) in last.iter() {
        let list = all.entry(node.clone()).or_default();
        if !list.contains(message) {
            list.push(message.clone());
        }
    }
    all
}

/// Era v1: the pool waits for the node to have been quiet for longer than it has.
fn settles(claim: &Object, pool: &Object, view: &View<'_>) -> Option<String> {
    let after = pool.pool()?.consolidate_after_ms.filter(|_| !claim.condition_is_true("Consolidatable"))?;
    let event = claim.doc.str_at("status.lastPodEventTime");
    let since = event.or_else(|| claim.condition("Initialized")?.str_at("lastTransitionTime")).and_then(time::parse_rfc3339)?;
    let due = since.saturating_add(after);
    (due > view.unix_ms()).then(|| {
        format!("pods came or went at {}; consolidateAfter lets it go from {} on", time::rfc3339(since), time::rfc3339(due))
    })
}

/// Nodes by pool that count for budgets.
struct Pools {
    nodes: VecMap<String, i64>,
    disrupting: VecMap<String, i64>,
}

impl Pools {
    fn count(view: &View<'_>) -> Pools {
        let mut pools = Pools { nodes: VecMap::new(), disrupting: VecMap::new() };
        let key = Names::of(view.era()).pool_label;
        for node in view.store.list(Kind::Node) {
            let Some(pool) = node.meta.labels.get(key) else { continue };
            if !node.meta.labels.contains_key("karpenter.sh/initialized") {
                continue;
            }
            *pools.nodes.entry(pool.clone()).or_default() += 1;
            if node.meta.is_deleting() || !node.node().is_some_and(|n| n.ready) {
                *pools.disrupting.entry(pool.clone()).or_default() += 1;
            }
        }
        pools
    }

    /// The budget that forbids what the node is due for.
    fn closed(&self, claim: &Object, node: &Object, pool: &Object, view: &View<'_>) -> Option<Blocker> {
        let moves = |p: &Arc<Object>| p.pod().is_some_and(|p| !p.is_daemon() && !p.is_static() && !p.is_terminal());
        let reason = if claim.condition_is_true("Drifted") {
            "Drifted"
        } else if !claim.condition_is_true("Consolidatable") {
            return None;
        } else if !view.store.pods_on(&node.meta.name).any(moves) {
            "Empty"
        } else if pool.pool()?.policy == ConsolidationPolicy::WhenEmpty {
            return None;
        } else {
            "Underutilized"
        };
        let name = &pool.meta.name;
        let of = |map: &VecMap<String, i64>| map.get(name).copied().unwrap_or(0);
        let closed = closed(pool, of(&self.nodes), of(&self.disrupting), reason, view.unix_ms())?;
        Some(Blocker::Budget { pool: name.clone(), reason, closed })
    }
}

/// The pods that have no node, each with the last words about it.
pub fn pending(world: &World) -> Vec<Pending> {
    let mut words: VecMap<String, String> = VecMap::new();
    for decision in world.decisions.share().iter() {
        if let What::Unschedulable { message } = &decision.what {
            words.insert(decision.about.to_string(), message.clone());
        }
    }
    let condition = |pod: &Object| pod.condition("PodScheduled").and_then(|c| c.str_at("message")).map(str::to_owned);
    let one = |pod: &Arc<Object>| {
        let key = pod.key().to_string();
        let why = words.get(&key).cloned().or_else(|| condition(pod)).unwrap_or_else(|| "not tried yet".to_owned());
        Pending { pod: key, why }
    };
    world.cluster.store.list(Kind::Pod).filter(|p| waits(p)).map(one).collect()
}
