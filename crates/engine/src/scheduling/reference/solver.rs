//! The reference's round: pods in Karpenter's order onto existing nodes, onto claims opened in this round, or onto a new one.
//! Source: kubernetes-sigs/karpenter pkg/controllers/provisioning/scheduling/{scheduler,queue}.go v0.31.4 and v1.14.1.

use super::cluster::{Cluster, NodeInput};
use super::daemons::Residents;
use super::existing::Existing;
use super::go_sort::sort_slice;
use super::labels;
use super::new_claim::{Context, NewClaim, Template, Types};
use super::plan::{Plan, PlannedClaim};
use super::pod_class::{Class, Names, Shape};
use super::preferences;
use super::requirements::Requirement;
use super::reservations::Reservations;
use super::text;
use super::topology::Topology;
use super::type_set::TypeSet;
use objects::Resources;
use objects::collections::Order as _;
use objects::collections::{VecMap, VecSet};
use std::collections::VecDeque;

/// The node count as era v1's pools limit it.
const NODES: &str = "nodes";

pub use crate::scheduling::planner::Round;

/// Plans the pending pods, those of deleting nodes and those of `round.without`.
pub fn solve(cluster: &Cluster, round: &Round) -> Plan {
    if cluster.pools.iter().all(|p| p.closed) {
        // Without an open pool Karpenter does not start a round at all.
        return Plan::default();
    }
    Solver::new(cluster, round).run()
}

struct Solver<'a> {
    cluster: &'a Cluster,
    is_simulation: bool,
    names: Names,
    types: Types<'a>,
    topology: Topology<'a>,
    reservations: Reservations,
    templates: Vec<Template>,
    /// Per pool what its limits leave; `None` without limits.
    remaining: Vec<Option<Resources>>,
    existing: Vec<Existing>,
    claims: Vec<NewClaim>,
    /// Claims in the order in which they are tried.
    order: Vec<usize>,
    classes: Vec<Class>,
    /// Pods to place with their classes as given.
    pods: Vec<(usize, usize)>,
    tolerate_prefer: bool,
    hostnames: usize,
    plan: Plan,
}

impl<'a> Solver<'a> {
    fn new(cluster: &'a Cluster, round: &Round) -> Solver<'a> {
        let pods = cluster.pods_to_place(&round.without);
        let shapes: Vec<Shape> = pods.iter().filter_map(|i| cluster.pods.get(*i)).map(|p| Shape::of(p)).collect();
        let names = Names::of(shapes.iter().map(|s| &s.requests).chain(cluster.daemons.iter().map(|d| &d.spec.requests)));
        let takes_part = |(i, n): (usize, &NodeInput)| {
            !n.deleting && !round.without.contains(&i) && (cluster.rules.uses_unmanaged_nodes || n.claim.is_some())
        };
        let active: Vec<bool> = cluster.nodes.iter().enumerate().map(takes_part).collect();
        let mut types = Types::new(&cluster.types, &names);
        let mut templates = Vec::new();
        let mut residents = Residents::new(cluster);
        for pool in pools_in_order(cluster) {
            let input = cluster.pools.get(pool);
            templates.extend(input.and_then(|input| Template::new(cluster, pool, input, &names, &mut types, &mut residents)));
        }
        let has_prefer = |t: &objects::typed::Taint| t.effect == "PreferNoSchedule";
        let mut s = Solver {
            cluster,
            is_simulation: round.is_simulation,
            types,
            topology: Topology::new(cluster, &pods, active.clone()),
            reservations: Reservations::new(&cluster.types, !round.is_simulation),
            templates,
            remaining: cluster.pools.iter().map(|p| p.limits.clone()).collect(),
            existing: Vec::new(),
            claims: Vec::new(),
            order: Vec::new(),
            classes: Vec::new(),
            pods: Vec::new(),
            tolerate_prefer: cluster.pools.iter().filter(|p| !p.closed).any(|p| p.taints.iter().any(has_prefer)),
            hostnames: 0,
            plan: Plan::default(),
            names,
        };
        // Groups exist before nodes, so that nodes' host names are registered with them.
        for (pod, shape) in pods.into_iter().zip(shapes) {
            let class = s.class_of(shape);
            s.pods.push((pod, class));
        }
        s.take_nodes(&active, &residents);
        s
    }

    fn take_nodes(&mut self, active: &[bool], residents: &Residents<'_>) {
        let mut nodes: Vec<(usize, &'a NodeInput)> =
            self.cluster.nodes.iter().enumerate().filter(|(i, _)| active.get(*i).copied().unwrap_or(false)).collect();
        for (i, node) in &nodes {
            // In the order of the cluster, as the host names are registered; limits count every node that takes part.
            let place = Existing::new(self.cluster, *i, node, &self.names, &mut self.topology, residents);
            self.existing.push(place);
            let pool = node.labels.get(self.cluster.rules.pool_label());
            let pool = pool.and_then(|name| self.cluster.pools.iter().position(|p| p.name == *name));
            if let Some(Some(left)) = pool.and_then(|p| self.remaining.get_mut(p)) {
                for (name, amount) in &mut left.0 {
                    let used = if name == NODES { 1 } else { node.capacity.get(name) };
                    *amount = amount.saturating_sub(used);
                }
            }
        }
        nodes.order_by(|(_, a), (_, b)| b.initialized.cmp(&a.initialized).then_with(|| a.name.cmp(&b.name)));
        let rank: VecMap<usize, usize> = nodes.iter().enumerate().map(|(rank, (i, _))| (*i, rank)).collect();
        self.existing.order_by_key(|e| rank.get(&e.node).copied());
    }

    fn class_of(&mut self, shape: Shape) -> usize {
        let mut class = Class::new(shape.clone(), &self.cluster.rules, self.names.row(&shape.requests));
        (class.groups, class.inverse) = self.topology.groups_of(&shape);
        self.classes.push(class);
        self.classes.len() - 1
    }

    fn run(mut self) -> Plan {
        let mut queue = self.queue();
        let mut errors: VecMap<usize, String> = VecMap::new();
        // Length of the queue when a pod was last put back: seeing it again means that a whole turn changed nothing.
        let mut last_length: VecMap<usize, usize> = VecMap::new();
        while let Some((pod, class)) = queue.pop_front() {
            if last_length.get(&pod) == Some(&(queue.len() + 1)) {
                break;
            }
            let outcome = if self.cluster.rules.is_v1() { self.try_fully(pod, class) } else { self.add(pod, class) };
            let Err(refused) = outcome else {
                errors.remove(&pod);
                continue;
            };
            errors.insert(pod, refused.words);
            let next = if self.cluster.rules.is_v1() { None } else { self.relax(pod, class) };
            queue.push_back((pod, next.unwrap_or(class)));
            if next.is_some() {
                last_length.clear();
            } else {
                last_length.insert(pod, queue.len());
            }
        }
        self.plan.errors = errors;
        self.finish()
    }

    /// Larger requests first, then older pods.
    fn queue(&self) -> VecDeque<(usize, usize)> {
        let mut all: Vec<_> = self
            .pods
            .iter()
            .filter_map(|(pod, class)| {
                let requests = &self.classes.get(*class)?.shape.requests;
                let input = self.cluster.pods.get(*pod)?;
                let size = std::cmp::Reverse((requests.cpu(), requests.memory()));
                Some(((size, input.created_s, &input.uid), (*pod, *class)))
            })
            .collect();
        all.order();
        all.into_iter().map(|(_, pod)| pod).collect()
    }

    /// Era v1: gives up every preference within one attempt; the next attempt starts with all of them again.
    fn try_fully(&mut self, pod: usize, mut class: usize) -> Result<(), Refused> {
        loop {
            let refused = match self.add(pod, class) {
                Ok(()) => return Ok(()),
                Err(refused) => refused,
            };
            // A pod that waits for reserved capacity gives nothing up.
            let next = if refused.reserved { None } else { self.relax(pod, class) };
            let Some(next) = next else { return Err(refused) };
            class = next;
        }
    }

    fn relax(&mut self, pod: usize, class: usize) -> Option<usize> {
        let relaxed = preferences::relax(&self.classes.get(class)?.shape, self.tolerate_prefer);
        let (next, reason) = relaxed.map(|(shape, reason)| (self.class_of(shape), reason))?;
        self.plan.relaxations.push((pod, reason));
        Some(next)
    }

    fn add(&mut self, pod: usize, class: usize) -> Result<(), Refused> {
        if self.add_to_existing(pod, class) {
            return Ok(());
        }
        let claims = &self.claims;
        let load = |i: &usize| claims.get(*i).map_or(0, |c| c.pods.len());
        sort_slice(&mut self.order, |a, b| load(a) < load(b));
        if self.add_to_claim(pod, class) {
            return Ok(());
        }
        self.open_claim(pod, class)
    }

    fn add_to_existing(&mut self, pod: usize, class_id: usize) -> bool {
        let Some(class) = self.classes.get(class_id) else { return false };
        let settled_only = self.is_simulation && self.cluster.pods.get(pod).is_some_and(|p| self.moves_from_candidate(p));
        for place in &mut self.existing {
            let Some(node) = self.cluster.nodes.get(place.node) else { continue };
            if settled_only && node.settling {
                continue;
            }
            if let Some(requirements) = place.check(node, class, &self.topology) {
                place.add(pod, class, requirements, node, &mut self.topology);
                return true;
            }
        }
        false
    }

    /// Pods that were pending anyway, or whose node is going anyway, may go anywhere.
    fn moves_from_candidate(&self, pod: &super::cluster::PodInput) -> bool {
        !pod.pending && pod.node.and_then(|n| self.cluster.nodes.get(n)).is_some_and(|n| !n.deleting)
    }

    fn add_to_claim(&mut self, pod: usize, class_id: usize) -> bool {
        let Some(class) = self.classes.get(class_id) else { return false };
        for i in &self.order {
            let Some(claim) = self.claims.get_mut(*i) else { continue };
            let Some(template) = self.templates.get(claim.template) else { continue };
            let Some(pool) = self.cluster.pools.get(template.pool) else { continue };
            let checked = claim.check(
                class,
                &mut Context {
                    cluster: self.cluster,
                    template,
                    pool,
                    types: &mut self.types,
                    topology: &self.topology,
                    reservations: &self.reservations,
                    is_new: false,
                },
            );
            if let Ok(fit) = checked {
                let held = claim.reserved.clone();
                claim.add(pod, class, fit, &pool.taints, &mut self.topology);
                self.reservations.change(&held, &claim.reserved);
                return true;
            }
        }
        false
    }

    fn open_claim(&mut self, pod: usize, class_id: usize) -> Result<(), Refused> {
        if self.templates.is_empty() {
            return Err(Refused::of("nodepool requirements filtered out all available instance types"));
        }
        let mut errors = Vec::new();
        for t in 0..self.templates.len() {
            match self.open_from(t, pod, class_id) {
                Ok(()) => return Ok(()),
                Err(refused) if refused.reserved => {
                    errors.push(refused.words);
                    return Err(Refused { reserved: true, words: errors.join("; ") });
                }
                Err(refused) => errors.push(refused.words),
            }
        }
        Err(Refused { reserved: false, words: errors.join("; ") })
    }

    fn open_from(&mut self, t: usize, pod: usize, class_id: usize) -> Result<(), Refused> {
        let rules = &self.cluster.rules;
        let found = self.templates.get(t).and_then(|t| Some((t, self.cluster.pools.get(t.pool)?)));
        let (Some((template, pool)), Some(class)) = (found, self.classes.get(class_id)) else {
            return Err(Refused::of(""));
        };
        let mut types = template.types.clone();
        if let Some(Some(left)) = self.remaining.get(template.pool) {
            if rules.is_v1() && left.0.get(NODES) == Some(&0) {
                return Err(Refused::of(&format!("node limits have been exhausted for nodepool (NodePool={})", pool.name)));
            }
            let over = |i: &usize| {
                self.types.table.get(*i).is_none_or(|ty| left.0.iter().any(|(name, most)| ty.capacity.get(name) > *most))
            };
            let excluded: Vec<usize> = types.iter().filter(over).collect();
            let all = types.len();
            excluded.iter().for_each(|i| types.remove(*i));
            if types.is_empty() {
                return Err(Refused::of(&if rules.is_v1() {
                    format!("all available instance types exceed limits for nodepool (NodePool={})", pool.name)
                } else {
                    format!("all available instance types exceed limits for provisioner: {:?}", pool.name)
                }));
            }
            if !excluded.is_empty() {
                self.plan.limited.push((pool.name.clone(), excluded.len(), all));
            }
        }
        self.hostnames += 1;
        let mut claim = NewClaim::new(t, template, types, self.hostnames);
        if !rules.is_v1() {
            self.topology.register(labels::HOSTNAME, claim.hostname());
        }
        let checked = claim.check(
            class,
            &mut Context {
                cluster: self.cluster,
                template,
                pool,
                types: &mut self.types,
                topology: &self.topology,
                reservations: &self.reservations,
                is_new: true,
            },
        );
        let fit = match checked {
            Ok(fit) => fit,
            Err(refused) if rules.is_v1() => return Err(Refused { reserved: refused.reserved, words: refused.words }),
            Err(refused) => {
                let overhead = template.groups.first().map_or_else(|| "{}".to_owned(), |g| text::resources(&g.overhead));
                return Err(Refused::of(&format!(
                    "incompatible with provisioner {:?}, daemonset overhead={overhead}, {}",
                    pool.name, refused.words
                )));
            }
        };
        claim.add(pod, class, fit, &pool.taints, &mut self.topology);
        self.reservations.change(&VecSet::new(), &claim.reserved);
        if let Some(Some(left)) = self.remaining.get_mut(template.pool) {
            // Any of its types may come, so the largest of each resource is charged.
            let most = self.types.table.largest(&claim.types);
            for (name, amount) in &mut left.0 {
                *amount = amount.saturating_sub(most.get(name));
            }
        }
        self.order.push(self.claims.len());
        self.claims.push(claim);
        Ok(())
    }

    fn finish(mut self) -> Plan {
        let mut plan = std::mem::take(&mut self.plan);
        let claims = std::mem::take(&mut self.claims);
        plan.claims = claims.into_iter().filter_map(|c| self.planned(c)).collect();
        plan.existing = self.existing.into_iter().filter(|e| !e.pods.is_empty()).map(|e| (e.node, e.pods)).collect();
        plan
    }

    fn planned(&mut self, mut claim: NewClaim) -> Option<PlannedClaim> {
        let template = self.templates.get(claim.template)?;
        let table = self.types.table;
        let daemon_requests = claim.daemon_requests(template);
        let mut requests = Resources::default();
        for pod in claim.pods.iter().filter_map(|p| self.cluster.pods.get(*p)) {
            requests.add(&pod.spec.requests);
        }
        requests.add(&Resources::default().with(objects::resources::PODS, i64::try_from(claim.pods.len()).unwrap_or(i64::MAX)));
        requests.add(&daemon_requests);
        let mut left = table.members(self.cluster.pools.get(template.pool)?.block);
        let mut funnel = vec![("all", left.len())];
        let mut narrow = |stage: &'static str, set: &TypeSet| {
            left.keep(set);
            funnel.push((stage, left.len()));
        };
        narrow("requirements", &self.types.filter.compatible(table, &claim.requirements));
        let fits = |i: &usize| table.get(*i).is_some_and(|t| requests.fits(&t.allocatable));
        narrow("resources", &TypeSet::of(table.len(), (0..table.len()).filter(fits)));
        narrow("offerings", &self.types.filter.offered(table, &claim.requirements));
        narrow("limits", &claim.types);
        claim.requirements.remove(labels::HOSTNAME);
        if !claim.reserved.is_empty() {
            claim.requirements.replace(Requirement::is_in(labels::CAPACITY_TYPE, [labels::RESERVED]));
            claim.requirements.add(Requirement::is_in(labels::RESERVATION_ID, &claim.reserved));
        }
        Some(PlannedClaim {
            pool: self.cluster.pools.get(template.pool)?.name.clone(),
            types: table.by_price(&claim.types, &claim.requirements),
            pods: claim.pods,
            requests,
            daemon_requests,
            requirements: claim.requirements,
            funnel,
            min_values_relaxed: claim.min_values_relaxed,
        })
    }
}

struct Refused {
    reserved: bool,
    words: String,
}

impl Refused {
    fn of(words: &str) -> Refused {
        Refused { reserved: false, words: words.to_owned() }
    }
}

/// Open pools by weight, heaviest first. Equal weights: era v1 takes the later name first, v1alpha5 keeps the order of
/// the listing.
fn pools_in_order(cluster: &Cluster) -> Vec<usize> {
    let mut open: Vec<(usize, &super::cluster::PoolInput)> =
        cluster.pools.iter().enumerate().filter(|(_, p)| !p.closed).collect();
    if cluster.rules.is_v1() {
        open.order_by(|(_, a), (_, b)| b.weight.cmp(&a.weight).then_with(|| b.name.cmp(&a.name)));
    } else {
        open.order_by_key(|(_, p)| std::cmp::Reverse(p.weight));
    }
    open.into_iter().map(|(i, _)| i).collect()
}
