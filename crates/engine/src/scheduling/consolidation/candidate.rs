//! A node that might go: what it costs, and what moving its pods costs.
//! Source: kubernetes-sigs/karpenter pkg/controllers/deprovisioning/{types,helpers}.go v0.31.4,
//! pkg/utils/disruption/disruption.go and pkg/controllers/disruption/consolidation.go v1.14.1.

use crate::scheduling::cluster::{Cluster, PodInput};
use crate::scheduling::go_sort::sort_slice;
use crate::scheduling::labels;
use objects::collections::Order as _;
use objects::collections::{VecMap, VecSet};

/// The cost of moving one ordinary pod. Costs are whole numbers of 2^-27 of it, the unit of the deletion cost annotation.
pub const ONE_POD: i64 = 1 << 27;

/// Scale of [`Candidate::cost`] above the units of pod costs, so that lifetimes divide finely.
const LIFETIME: i128 = 1 << 30;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Index into the cluster's nodes.
    pub node: usize,
    pub name: String,
    pub pool: String,
    /// Index into the cluster's types.
    pub instance_type: usize,
    pub capacity_type: String,
    pub zone: String,
    /// Micro-dollars per hour of its current offering.
    pub price_micro: i64,
    /// Pods that would move.
    pub pods: usize,
    /// Sum of pod costs times the share of its lifetime that is left, in units that only compare with each other.
    pub cost: i128,
    /// The node itself and the pods that cost something to move, in units of 1/[`ONE_POD`].
    pub reschedule_cost: i64,
}

impl Candidate {
    /// One candidate alone; see [`Weights::candidate`].
    pub fn new(cluster: &Cluster, node: usize, lifetime: Option<(i64, i64)>) -> Option<Candidate> {
        Weights::of(cluster).candidate(node, lifetime)
    }
}

/// A cluster with what moving the pods of each node means, which is added up for all nodes at once.
pub struct Weights<'c> {
    cluster: &'c Cluster,
    by_name: VecMap<&'c str, usize>,
    moves: Vec<Moves>,
}

/// What moving the pods of one node means.
#[derive(Clone, Copy, Debug)]
pub struct Moves {
    pub pods: usize,
    /// Sum of the pods' costs.
    pub cost: i64,
    /// The node itself and the pods that cost something to move.
    pub reschedule_cost: i64,
}

impl<'c> Weights<'c> {
    pub fn of(cluster: &'c Cluster) -> Weights<'c> {
        let mut by_name = VecMap::new();
        for (i, node) in cluster.nodes.iter().enumerate() {
            by_name.entry(node.name.as_str()).or_insert(i);
        }
        Weights { cluster, by_name, moves: Moves::by_node(cluster) }
    }

    pub fn node(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// `None` where type, zone, capacity type, pool or price of the node are unknown. `lifetime` is (milliseconds left,
    /// milliseconds in all) for pools whose nodes expire.
    pub fn candidate(&self, node: usize, lifetime: Option<(i64, i64)>) -> Option<Candidate> {
        let Weights { cluster, moves, .. } = self;
        let (input, moves) = (cluster.nodes.get(node)?, moves.get(node)?);
        let label = |key: &str| input.labels.get(key).filter(|v| !v.is_empty());
        let (capacity_type, zone) = (label(labels::CAPACITY_TYPE)?, label(labels::ZONE)?);
        let (instance_type, t) = cluster.types.named(label(labels::INSTANCE_TYPE)?)?;
        let share = match lifetime {
            Some((left, all)) if all > 0 => LIFETIME * i128::from(left.clamp(0, all)) / i128::from(all),
            _ => LIFETIME,
        };
        Some(Candidate {
            node,
            name: input.name.clone(),
            pool: label(cluster.rules.pool_label())?.clone(),
            instance_type,
            capacity_type: capacity_type.clone(),
            zone: zone.clone(),
            price_micro: t.price_micro(capacity_type, zone)?,
            pods: moves.pods,
            cost: i128::from(moves.cost) * share,
            reschedule_cost: moves.reschedule_cost,
        })
    }
}

impl Moves {
    /// By index of the node.
    pub fn by_node(cluster: &Cluster) -> Vec<Moves> {
        let mut all = vec![Moves { pods: 0, cost: 0, reschedule_cost: ONE_POD }; cluster.nodes.len()];
        for pod in cluster.pods.iter().filter(|p| p.movable) {
            let Some(moves) = pod.node.and_then(|n| all.get_mut(n)) else { continue };
            let cost = pod_cost(pod);
            moves.pods += 1;
            moves.cost = moves.cost.saturating_add(cost);
            moves.reschedule_cost = moves.reschedule_cost.saturating_add(cost.max(0));
        }
        all
    }
}

/// What moving a pod costs: one, shifted by its deletion cost and priority, between -10 and 10.
pub fn pod_cost(pod: &PodInput) -> i64 {
    let shifted = ONE_POD.saturating_add(pod.deletion_cost).saturating_add(i64::from(pod.spec.priority).saturating_mul(4));
    shifted.clamp(-10 * ONE_POD, 10 * ONE_POD)
}

/// The order in which candidates are tried: era v1alpha5 the cheapest to move first, v1 those that save most per cost
/// of moving. Candidates are given in order of node name; equal ones fall as Go's sort lets them.
pub fn sort(cluster: &Cluster, candidates: &mut [Candidate]) {
    if cluster.rules.is_v1() {
        let more = |a: &Candidate, b: &Candidate| {
            let side = |price: i64, other: i64| i128::from(price) * i128::from(other);
            side(a.price_micro, b.reschedule_cost) > side(b.price_micro, a.reschedule_cost)
        };
        sort_slice(candidates, more);
    } else {
        sort_slice(candidates, |a, b| a.cost < b.cost);
    }
}

/// Sorted candidates with the pools taking turns (single-node consolidation of era v1). Pools in `first` come before
/// the others, which go by name.
pub fn in_turn(candidates: Vec<Candidate>, first: &VecSet<String>) -> Vec<Candidate> {
    let mut rows: Vec<(usize, bool, String, usize)> = Vec::new();
    let mut seen: VecMap<String, usize> = VecMap::new();
    for (i, c) in candidates.iter().enumerate() {
        let turn = seen.entry(c.pool.clone()).or_insert(0);
        rows.push((*turn, !first.contains(&c.pool), c.pool.clone(), i));
        *turn += 1;
    }
    rows.order();
    rows.into_iter().filter_map(|(.., i)| candidates.get(i).cloned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use objects::typed::PodSpec;
    use std::sync::Arc;

    #[test]
    fn pod_costs() {
        let check = |deletion_cost, priority, cost| {
            let spec = Arc::new(PodSpec { priority, ..PodSpec::default() });
            assert_eq!(pod_cost(&PodInput { deletion_cost, spec, ..PodInput::default() }), cost);
        };
        check(0, 0, ONE_POD);
        check(ONE_POD, 0, 2 * ONE_POD);
        check(0, 1 << 25, 2 * ONE_POD);
        check(-2_147_483_647, 0, -10 * ONE_POD);
        check(0, 1_000_000_000, 10 * ONE_POD);
    }
}
