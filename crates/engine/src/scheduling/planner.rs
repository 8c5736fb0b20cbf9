//! A cluster made ready for rounds: what all its rounds share is worked out once, and what one round learns about nodes
//! that it did not touch holds for the next.

use super::cluster::{Cluster, NodeInput, PoolInput};
use super::columns::Columns;
use super::daemons::Residents;
use super::existing::Existing;
use super::new_claim::Template;
use super::plan::Plan;
use super::pod_class::{Class, InRound, Kind, Look, Names, Shape};
use super::preferences;
use super::reservations::Reservations;
use super::solver::Solver;
use super::states::States;
use super::topology::Topology;
use super::type_set::TypeSet;
use objects::Resources;
use objects::collections::Order as _;
use objects::collections::{VecMap, VecSet};
use objects::resources::PODS;

/// The node count as era v1's pools limit it.
pub const NODES: &str = "nodes";

/// What a round is for.
#[derive(Clone, Debug, Default)]
pub struct Round {
    /// Indices of nodes that are taken as gone; their pods are placed too.
    pub without: VecSet<usize>,
    /// A simulation for consolidation: moved pods may not settle on nodes inside their consolidateAfter window, and
    /// reserved capacity may be left for other capacity.
    pub is_simulation: bool,
}

/// Plans the pending pods, those of deleting nodes and those of `round.without`.
pub fn solve(cluster: &Cluster, round: &Round) -> Plan {
    Planner::new(cluster).solve(round)
}

/// Plans any number of rounds on one cluster.
pub struct Planner<'a> {
    pub cluster: &'a Cluster,
    names: Names,
    pub states: States<'a>,
    /// Allocatable amounts of types over the names.
    pub columns: Columns,
    pub topology: Topology<'a>,
    pub templates: Vec<Template>,
    /// Before a round has claimed any.
    pub reservations: Reservations,
    /// Resources that pools limit, and capacities of types over them.
    pub limited: Names,
    pub capacities: Columns,
    /// Per pool with limits what its nodes use.
    used: Vec<Option<Resources>>,
    tolerate_prefer: bool,
    /// Nodes that may take pods, in the order in which they are tried.
    pub places: Vec<Existing>,
    /// The places of nodes by their index.
    place_of: Vec<Option<usize>>,
    /// Places still inside their pool's consolidateAfter window.
    pub settling: TypeSet,
    /// Pods to place in every round, and those that move if their node goes, by node.
    waiting: Vec<usize>,
    movable: VecMap<usize, Vec<usize>>,
    pub kinds: Vec<Kind>,
    /// Kinds in the order of their looks.
    by_look: Vec<usize>,
    pub classes: Vec<Class>,
    class_of_pod: Vec<Option<usize>>,
    /// The number of the present round.
    pub round: u64,
}

impl<'a> Planner<'a> {
    pub fn new(cluster: &'a Cluster) -> Planner<'a> {
        let asking = cluster.pods.iter().filter(|p| p.pending || p.movable).map(|p| &p.spec.requests);
        let mut names = Names::of(asking.chain(cluster.daemons.iter().map(|d| &d.spec.requests)));
        if !names.0.iter().any(|n| n == PODS) {
            names.0.push(PODS.to_owned());
        }
        let limited = Names::of(cluster.pools.iter().filter_map(|p| p.limits.as_ref()));
        let table = &*cluster.types;
        let has_prefer = |t: &objects::typed::Taint| t.effect == "PreferNoSchedule";
        let mut p = Planner {
            cluster,
            states: States::new(cluster.rules.era, table),
            columns: Columns::new(table, &names.0, |i| table.get(i).map(|t| &t.allocatable)),
            topology: Topology::new(cluster),
            templates: Vec::new(),
            reservations: Reservations::new(table, false),
            capacities: Columns::new(table, &limited.0, |i| table.get(i).map(|t| &t.capacity)),
            limited,
            used: Vec::new(),
            tolerate_prefer: cluster.pools.iter().filter(|p| !p.closed).any(|p| p.taints.iter().any(has_prefer)),
            places: Vec::new(),
            place_of: vec![None; cluster.nodes.len()],
            settling: TypeSet::default(),
            waiting: cluster.pods_to_place(&VecSet::new()),
            movable: VecMap::new(),
            kinds: Vec::new(),
            by_look: Vec::new(),
            classes: Vec::new(),
            class_of_pod: vec![None; cluster.pods.len()],
            round: 0,
            names,
        };
        let mut residents = Residents::new(cluster);
        for pool in pools_in_order(cluster) {
            let input = cluster.pools.get(pool);
            let template = input.and_then(|input| Template::new(cluster, pool, input, &p.names, &mut p.states, &mut residents));
            p.templates.extend(template);
        }
        p.take_nodes(&residents);
        p
    }

    fn take_nodes(&mut self, residents: &Residents<'_>) {
        let cluster = self.cluster;
        let takes_part = |(_, n): &(usize, &NodeInput)| !n.deleting && (cluster.rules.uses_unmanaged_nodes || n.claim.is_some());
        let mut nodes: Vec<(usize, &NodeInput)> = cluster.nodes.iter().enumerate().filter(takes_part).collect();
        self.used = cluster.pools.iter().map(|p| p.limits.as_ref().map(|_| Resources::default())).collect();
        for (_, node) in &nodes {
            if let Some((pool, used)) = self.pool_of(node).and_then(|pool| Some((pool, self.used.get(pool)?.clone()?))) {
                let used = Some(self.with_node(pool, used, node, 1));
                if let Some(slot) = self.used.get_mut(pool) {
                    *slot = used;
                }
            }
        }
        nodes.order_by(|(_, a), (_, b)| b.initialized.cmp(&a.initialized).then_with(|| a.name.cmp(&b.name)));
        self.settling.grow(nodes.len());
        for (index, node) in nodes {
            let (states, hosts) = (&mut self.states, &mut self.topology.hosts);
            let place = Existing::new(cluster, index, node, &self.names, residents, states, hosts);
            if node.settling {
                self.settling.insert(self.places.len());
            }
            if let Some(slot) = self.place_of.get_mut(index) {
                *slot = Some(self.places.len());
            }
            self.places.push(place);
        }
        self.topology.hosts.keep();
        let moves = |p: &super::cluster::PodInput| {
            p.node.filter(|n| p.movable && !p.stays && !p.pending && self.place_of.get(*n).is_some())
        };
        for (i, pod) in cluster.pods.iter().enumerate() {
            if let Some(node) = moves(pod)
                && cluster.nodes.get(node).is_some_and(|n| !n.deleting)
            {
                self.movable.entry(node).or_default().push(i);
            }
        }
    }

    fn pool_of(&self, node: &NodeInput) -> Option<usize> {
        let name = node.labels.get(self.cluster.rules.pool_label())?;
        self.cluster.pools.iter().position(|p| p.name == *name)
    }

    /// What the pool's nodes use of what it limits with `times` such a node more.
    fn with_node(&self, pool: usize, mut used: Resources, node: &NodeInput, times: i64) -> Resources {
        for name in self.cluster.pools.get(pool).and_then(|p| p.limits.as_ref()).into_iter().flat_map(|l| l.0.keys()) {
            let amount = if name == NODES { 1 } else { node.capacity.get(name) };
            let slot = used.0.entry(name.clone()).or_insert(0);
            *slot = slot.saturating_add(amount.saturating_mul(times));
        }
        used
    }

    /// Per pool what its limits leave without some nodes; `None` without limits.
    fn remaining(&self, without: &VecSet<usize>) -> Vec<Option<Resources>> {
        let mut used = self.used.clone();
        for node in without.iter().filter(|n| self.place_of.get(**n).copied().flatten().is_some()) {
            let Some(node) = self.cluster.nodes.get(*node) else { continue };
            let Some(pool) = self.pool_of(node) else { continue };
            if let Some(slot) = used.get_mut(pool)
                && let Some(all) = slot.take()
            {
                *slot = Some(self.with_node(pool, all, node, -1));
            }
        }
        let left = |(pool, used): (&PoolInput, Option<Resources>)| {
            let mut left = pool.limits.clone()?;
            left.sub(&used?);
            Some(left)
        };
        self.cluster.pools.iter().zip(used).map(left).collect()
    }

    /// Plans the pending pods, those of deleting nodes and those of `round.without`.
    pub fn solve(&mut self, round: &Round) -> Plan {
        if self.cluster.pools.iter().all(|p| p.closed) {
            // Without an open pool Karpenter does not start a round at all.
            return Plan::default();
        }
        self.round += 1;
        let mut pods = self.waiting.clone();
        for node in &round.without {
            pods.extend(self.movable.get(node).into_iter().flatten());
        }
        pods.order();
        let active = |n: usize| self.place_of.get(n).copied().flatten().is_some() && !round.without.contains(&n);
        let active: Vec<bool> = (0..self.cluster.nodes.len()).map(active).collect();
        let mut absent = TypeSet::empty(self.places.len());
        for place in round.without.iter().filter_map(|n| self.place_of.get(*n).copied().flatten()) {
            absent.insert(place);
        }
        let hosts: Vec<u32> =
            (self.places.iter().enumerate()).filter(|(i, _)| !absent.contains(*i)).map(|(_, p)| p.host).collect();
        self.topology.begin(&pods, active);
        let remaining = self.remaining(&round.without);
        let pods: Vec<(usize, usize)> = pods.into_iter().map(|pod| (pod, self.class_of(pod))).collect();
        // Groups exist before nodes, so that nodes' host names are registered with them.
        self.topology.register_hosts(&hosts);
        Solver::new(self, round, pods, absent, remaining).run()
    }

    /// The class of a pod, made part of the round.
    fn class_of(&mut self, pod: usize) -> usize {
        let known = self.class_of_pod.get(pod).copied().flatten();
        let class = known.unwrap_or_else(|| {
            let Some(input) = self.cluster.pods.get(pod) else { return 0 };
            let kind = match self.search(&Look::of(input)) {
                Ok(kind) => kind,
                Err(at) => self.add_kind(Shape::kind_of(input), at),
            };
            let class = self.class_in(kind, &input.spec.requests);
            if let Some(slot) = self.class_of_pod.get_mut(pod) {
                *slot = Some(class);
            }
            class
        });
        if let Some(kind) = self.classes.get(class).map(|c| c.kind) {
            self.enter(kind);
        }
        class
    }

    /// Where the kind of that look is in `by_look`, or would be.
    fn search(&self, look: &Look<'_>) -> Result<usize, usize> {
        let of = |kind: &usize| self.kinds.get(*kind).map(|k| Look::of_shape(&k.shape));
        let at = self.by_look.partition_point(|kind| of(kind).is_some_and(|l| l < *look));
        match self.by_look.get(at) {
            Some(kind) if of(kind).is_some_and(|l| l == *look) => Ok(*kind),
            _ => Err(at),
        }
    }

    fn add_kind(&mut self, shape: Shape, at: usize) -> usize {
        let mut kind = Kind::new(shape, &self.cluster.rules);
        self.topology.introduce(&mut kind);
        self.kinds.push(kind);
        self.by_look.insert(at, self.kinds.len() - 1);
        self.kinds.len() - 1
    }

    /// The class of a kind with these requests.
    fn class_in(&mut self, kind: usize, requests: &Resources) -> usize {
        let next = self.classes.len();
        let Some(k) = self.kinds.get_mut(kind) else { return 0 };
        if let Some(class) = k.classes.get(requests) {
            return *class;
        }
        k.classes.insert(requests.clone(), next);
        let all = requests.clone().with(PODS, 1);
        self.classes.push(Class {
            kind,
            amounts: self.names.row(&all),
            requests: all,
            never: TypeSet::empty(self.places.len()),
            round: 0,
            dead_nodes: TypeSet::default(),
            dead_claims: TypeSet::default(),
            hopeless: None,
        });
        next
    }

    /// Makes the kind part of the round.
    fn enter(&mut self, kind: usize) {
        let round = self.round;
        if let Some(kind) = self.kinds.get_mut(kind).filter(|k| k.round.number != round) {
            kind.round = InRound { number: round, narrowed: vec![Vec::new(); kind.alternatives.len()], ..InRound::default() };
            self.topology.enter(kind);
        }
    }

    /// The class after giving up one preference, and the words for it.
    pub fn relaxed(&mut self, class: usize) -> Option<(usize, String)> {
        let (kind, requests) = self.classes.get(class).map(|c| (c.kind, c.requests.clone()))?;
        let known = self.kinds.get(kind)?.relaxed.clone();
        let step = known.unwrap_or_else(|| {
            let relaxed = preferences::relax(&self.kinds.get(kind)?.shape, self.tolerate_prefer);
            let step = relaxed.map(|(shape, reason)| {
                let found = self.search(&Look::of_shape(&shape));
                (found.unwrap_or_else(|at| self.add_kind(shape, at)), reason)
            });
            self.kinds.get_mut(kind)?.relaxed = Some(step.clone());
            step
        });
        let (next, reason) = step?;
        let mut without = requests;
        without.0.remove(PODS);
        let class = self.class_in(next, &without);
        self.enter(next);
        Some((class, reason))
    }

    /// Amounts over the planner's resource names.
    pub fn row(&self, r: &Resources) -> Vec<i64> {
        self.names.row(r)
    }
}

/// Open pools by weight, heaviest first. Equal weights: era v1 takes the later name first, v1alpha5 keeps the order of
/// the listing.
fn pools_in_order(cluster: &Cluster) -> Vec<usize> {
    let mut open: Vec<(usize, &PoolInput)> = cluster.pools.iter().enumerate().filter(|(_, p)| !p.closed).collect();
    if cluster.rules.is_v1() {
        open.order_by(|(_, a), (_, b)| b.weight.cmp(&a.weight).then_with(|| b.name.cmp(&a.name)));
    } else {
        open.order_by_key(|(_, p)| std::cmp::Reverse(p.weight));
    }
    open.into_iter().map(|(i, _)| i).collect()
}
