//! One round: pods in Karpenter's order onto existing nodes, onto claims opened in this round, or onto a new one.
//! Source: kubernetes-sigs/karpenter pkg/controllers/provisioning/scheduling/{scheduler,queue}.go v0.31.4 and v1.14.1.
//!
//! Where a pod cannot go is remembered by kind and by class as sets of nodes and claims, so that the next pod of its
//! sort asks only the others.

use super::by_load::ByLoad;
use super::labels;
use super::new_claim::{Context, Fit, NewClaim, NoType};
use super::plan::{Plan, PlannedClaim};
use super::planner::{NODES, Planner, Round};
use super::pod_class::{Kind, note};
use super::requirements::Requirement;
use super::reservations::Reservations;
use super::states::States;
use super::text;
use super::topology::{OnHost, Topology};
use super::type_set::TypeSet;
use objects::Resources;
use objects::collections::Order as _;
use objects::collections::VecMap;
use std::collections::VecDeque;

/// Claims' hosts go by this and a number.
const PLACEHOLDER: &str = "hostname-placeholder-";

/// Up to so many states of claims are ruled out as a whole before claims are looked at one by one.
const FEW_STATES: usize = 16;

pub struct Solver<'p, 'a> {
    p: &'p mut Planner<'a>,
    is_simulation: bool,
    /// Pods to place with their classes as given.
    pods: Vec<(usize, usize)>,
    /// Places of nodes that are taken as gone.
    absent: TypeSet,
    reservations: Reservations,
    /// Per pool what its limits leave; `None` without limits.
    remaining: Vec<Option<Resources>>,
    /// Nodes that got pods, as they were before.
    before: Vec<(usize, super::existing::Existing)>,
    claims: Vec<NewClaim>,
    order: ByLoad,
    /// Claims by state.
    in_state: VecMap<u32, TypeSet>,
    hostnames: usize,
    plan: Plan,
}

impl<'p, 'a> Solver<'p, 'a> {
    pub fn new(
        p: &'p mut Planner<'a>,
        round: &Round,
        pods: Vec<(usize, usize)>,
        absent: TypeSet,
        remaining: Vec<Option<Resources>>,
    ) -> Solver<'p, 'a> {
        Solver {
            is_simulation: round.is_simulation,
            pods,
            absent,
            reservations: p.reservations.again(!round.is_simulation),
            remaining,
            before: Vec::new(),
            claims: Vec::new(),
            order: ByLoad::default(),
            in_state: VecMap::new(),
            hostnames: 0,
            plan: Plan::default(),
            p,
        }
    }

    pub fn run(mut self) -> Plan {
        let is_v1 = self.p.cluster.rules.is_v1();
        let mut queue = self.queue();
        let mut errors: VecMap<usize, String> = VecMap::new();
        // Length of the queue when a pod was last put back: seeing it again means that a whole turn changed nothing.
        let mut last_length: VecMap<usize, usize> = VecMap::new();
        while let Some((pod, class)) = queue.pop_front() {
            if last_length.get(&pod) == Some(&(queue.len() + 1)) {
                break;
            }
            let outcome = if is_v1 { self.try_fully(pod, class) } else { self.add(pod, class) };
            let Err(refused) = outcome else {
                errors.remove(&pod);
                continue;
            };
            errors.insert(pod, refused.words);
            let next = if is_v1 { None } else { self.relax(pod, class) };
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
                let requests = &self.p.classes.get(*class)?.requests;
                let input = self.p.cluster.pods.get(*pod)?;
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
        let (next, reason) = self.p.relaxed(class)?;
        self.plan.relaxations.push((pod, reason));
        Some(next)
    }

    fn add(&mut self, pod: usize, class_id: usize) -> Result<(), Refused> {
        let round = self.p.round;
        let nothing = || Refused::of("");
        let class = self.p.classes.get_mut(class_id).ok_or_else(nothing)?;
        if class.round != round {
            class.round = round;
            class.dead_nodes = TypeSet::empty(self.p.places.len());
            class.dead_claims = TypeSet::default();
            class.hopeless = None;
        }
        let kind_id = class.kind;
        self.p.topology.refresh(self.p.kinds.get_mut(kind_id).ok_or_else(nothing)?);
        if self.add_to_existing(pod, class_id, kind_id) || self.add_to_claim(pod, class_id, kind_id) {
            return Ok(());
        }
        self.open_claim(pod, class_id, kind_id)
    }

    fn add_to_existing(&mut self, pod: usize, class_id: usize, kind_id: usize) -> bool {
        let p = &mut *self.p;
        let (Some(class), Some(kind)) = (p.classes.get_mut(class_id), p.kinds.get_mut(kind_id)) else { return false };
        let mut open = TypeSet::full(p.places.len());
        open.drop_all(&class.never);
        open.drop_all(&class.dead_nodes);
        open.drop_all(&self.absent);
        if open.is_empty() {
            return false;
        }
        let nodes = &p.cluster.nodes;
        // Pods that were pending anyway, or whose node is going anyway, may go anywhere.
        let moves = |p: &super::cluster::PodInput| !p.pending && p.node.and_then(|n| nodes.get(n)).is_some_and(|n| !n.deleting);
        if self.is_simulation && p.cluster.pods.get(pod).is_some_and(|p| moves(p)) {
            open.drop_all(&p.settling);
        }
        for i in open.iter() {
            let Some(place) = p.places.get_mut(i) else { continue };
            let Some(node) = nodes.get(place.node) else { continue };
            let holds = place.holds(node, kind, class);
            let found = match holds {
                true => state_for(kind, place.state, place.host, &mut p.states, &p.topology),
                false => Err(true),
            };
            match found {
                Ok(state) => {
                    if place.pods.is_empty() {
                        self.before.push((i, place.clone()));
                    }
                    place.add(pod, kind, class, state);
                    if let Some(state) = p.states.get(state) {
                        p.topology.record(kind, &node.taints, &state.requirements, place.host, false);
                    }
                    return true;
                }
                // A node that nothing was put on refuses in every round.
                Err(true) if place.pods.is_empty() && !(holds && is_ruled(kind)) => class.never.insert(i),
                Err(true) => class.dead_nodes.insert(i),
                Err(false) => {}
            }
        }
        false
    }

    fn add_to_claim(&mut self, pod: usize, class_id: usize, kind_id: usize) -> bool {
        let n = self.claims.len();
        if n == 0 {
            return false;
        }
        let mut open = TypeSet::full(n);
        if let (Some(class), Some(kind)) = (self.p.classes.get_mut(class_id), self.p.kinds.get_mut(kind_id)) {
            class.dead_claims.grow(n);
            kind.round.dead_claims.grow(n);
            open.drop_all(&class.dead_claims);
            open.drop_all(&kind.round.dead_claims);
            if self.in_state.len() <= FEW_STATES {
                for (state, claims) in &self.in_state {
                    let mut alternatives = 0..kind.alternatives.len();
                    if alternatives.all(|i| narrowed(kind, i, *state, &mut self.p.states, &self.p.topology).is_none()) {
                        open.drop_all(claims);
                    }
                }
            }
        }
        let mut left = open.len();
        // Few claims are found faster among themselves than by going through all in order.
        while left > 0 && left * 8 < n {
            let Some(claim) = self.order.first_of(&open) else { return false };
            if self.try_claim(pod, class_id, kind_id, claim) {
                return true;
            }
            open.remove(claim);
            left -= 1;
        }
        let mut at = 0;
        while left > 0 {
            let Some(claim) = self.order.sorted().get(at).map(|c| *c as usize) else { return false };
            at += 1;
            if !open.contains(claim) {
                continue;
            }
            left -= 1;
            if self.try_claim(pod, class_id, kind_id, claim) {
                return true;
            }
        }
        false
    }

    fn try_claim(&mut self, pod: usize, class_id: usize, kind_id: usize, claim: usize) -> bool {
        match self.check(class_id, kind_id, claim) {
            Ok(fit) => {
                self.place(pod, class_id, kind_id, claim, fit);
                self.order.bump(claim);
                true
            }
            Err(verdict) => {
                match verdict {
                    Verdict::NeverKind => {
                        if let Some(kind) = self.p.kinds.get_mut(kind_id) {
                            kind.round.dead_claims.insert(claim);
                        }
                    }
                    Verdict::NeverClass => {
                        if let Some(class) = self.p.classes.get_mut(class_id) {
                            class.dead_claims.insert(claim);
                        }
                    }
                    Verdict::NotNow => {}
                }
                false
            }
        }
    }

    /// Whether a planned claim can take a pod of the class.
    fn check(&mut self, class_id: usize, kind_id: usize, claim: usize) -> Result<Fit, Verdict> {
        let p = &mut *self.p;
        let (Some(class), Some(kind), Some(claim)) = (p.classes.get(class_id), p.kinds.get_mut(kind_id), self.claims.get(claim))
        else {
            return Err(Verdict::NotNow);
        };
        let Some(template) = p.templates.get(claim.template) else { return Err(Verdict::NotNow) };
        let is_v1 = p.cluster.rules.is_v1();
        if !claim.has_room(class) {
            return Err(Verdict::NeverClass);
        }
        let taints = p.cluster.pools.get(template.pool).map_or(&[][..], |pool| &pool.taints);
        if !super::taints::tolerated(taints, &kind.shape.tolerations) || !(is_v1 || claim.ports_are_free(kind)) {
            return Err(Verdict::NeverKind);
        }
        let on_host = p.topology.on_host(kind, claim.host);
        if on_host != OnHost::Allowed {
            return Err(if on_host == OnHost::Never { Verdict::NeverKind } else { Verdict::NotNow });
        }
        let mut cx = Context {
            cluster: p.cluster,
            template,
            states: &mut p.states,
            columns: &p.columns,
            reservations: &self.reservations,
            is_new: false,
        };
        let mut never = true;
        for i in 0..kind.alternatives.len() {
            let Some(merged) = merged(kind, i, claim.state, claim.host, cx.states, &p.topology) else { continue };
            let Some(state) = narrowed(kind, i, claim.state, cx.states, &p.topology) else {
                never = false;
                continue;
            };
            match claim.fit(state, kind, class, &mut cx) {
                Ok(fit) => return Ok(fit),
                // With other domains there could be a type, unless there is none whatever topology allows.
                Err(NoType::None) => never &= state == merged || claim.fit(merged, kind, class, &mut cx).is_err(),
                Err(NoType::Reserved(_)) => never = false,
            }
        }
        Err(if never { Verdict::NeverClass } else { Verdict::NotNow })
    }

    /// Puts the pod on the claim.
    fn place(&mut self, pod: usize, class_id: usize, kind_id: usize, at: usize, fit: Fit) {
        let p = &mut *self.p;
        let (Some(class), Some(kind), Some(claim)) = (p.classes.get(class_id), p.kinds.get_mut(kind_id), self.claims.get_mut(at))
        else {
            return;
        };
        let Some(template) = p.templates.get(claim.template) else { return };
        let held = std::mem::take(&mut claim.reserved);
        let state = fit.state;
        if claim.pods.is_empty() || claim.state != state {
            if let Some(claims) = self.in_state.get_mut(&claim.state) {
                claims.remove(at);
            }
            let claims = self.in_state.entry(state).or_default();
            claims.grow(at + 1);
            claims.insert(at);
        }
        claim.add(pod, kind, class, fit, template, &p.columns);
        p.topology.register_hosts(&[claim.host]);
        let taints = p.cluster.pools.get(template.pool).map_or(&[][..], |pool| &pool.taints);
        if let Some(state) = p.states.get(state) {
            p.topology.record(kind, taints, &state.requirements, claim.host, true);
        }
        if !(held.is_empty() && claim.reserved.is_empty()) {
            self.reservations.change(&held, &claim.reserved);
        }
    }

    fn open_claim(&mut self, pod: usize, class_id: usize, kind_id: usize) -> Result<(), Refused> {
        if self.p.templates.is_empty() {
            return Err(Refused::of("nodepool requirements filtered out all available instance types"));
        }
        // Limits change only when a claim is opened; without topology nothing else can turn a refusal.
        let opened = self.claims.len();
        let known = self.p.classes.get(class_id).and_then(|c| c.hopeless.clone());
        if let Some((_, tries, words)) = known.filter(|(n, ..)| *n == opened) {
            // Host names are numbered as if it had been tried again.
            for _ in 0..tries {
                self.next_host();
            }
            return Err(Refused { reserved: false, words });
        }
        let named = self.hostnames;
        let mut errors = Vec::new();
        for t in 0..self.p.templates.len() {
            match self.open_from(t, pod, class_id, kind_id) {
                Ok(()) => return Ok(()),
                Err(refused) if refused.reserved => {
                    errors.push(refused.words);
                    return Err(Refused { reserved: true, words: errors.join("; ") });
                }
                Err(refused) => errors.push(refused.words),
            }
        }
        let words = errors.join("; ");
        let is_ruled = self.p.kinds.get(kind_id).is_some_and(is_ruled);
        if let Some(class) = self.p.classes.get_mut(class_id)
            && !is_ruled
            && !words.contains(PLACEHOLDER)
        {
            class.hopeless = Some((opened, self.hostnames - named, words.clone()));
        }
        Err(Refused { reserved: false, words })
    }

    fn open_from(&mut self, t: usize, pod: usize, class_id: usize, kind_id: usize) -> Result<(), Refused> {
        let nothing = || Refused::of("");
        let p = &mut *self.p;
        let rules = &p.cluster.rules;
        let template = p.templates.get(t).ok_or_else(nothing)?;
        let pool = p.cluster.pools.get(template.pool).ok_or_else(nothing)?;
        let mut types = template.types.clone();
        if let Some(Some(left)) = self.remaining.get(template.pool) {
            if rules.is_v1() && left.0.get(NODES) == Some(&0) {
                return Err(Refused::of(&format!("node limits have been exhausted for nodepool (NodePool={})", pool.name)));
            }
            let all = types.len();
            for (i, name) in p.limited.0.iter().enumerate() {
                if let Some(over) = left.0.get(name).and_then(|most| p.capacities.above(i, *most)) {
                    types.drop_all(over);
                }
            }
            let excluded = all - types.len();
            if types.is_empty() {
                return Err(Refused::of(&if rules.is_v1() {
                    format!("all available instance types exceed limits for nodepool (NodePool={})", pool.name)
                } else {
                    format!("all available instance types exceed limits for provisioner: {:?}", pool.name)
                }));
            }
            if excluded > 0 {
                self.plan.limited.push((pool.name.clone(), excluded, all));
            }
        }
        let host = self.next_host();
        let claim = NewClaim::new(t, self.p.templates.get(t).ok_or_else(nothing)?, types, host);
        let fit = self.fit_first(&claim, class_id, kind_id);
        let fit = match fit {
            Ok(fit) => fit,
            Err(Refused { reserved, words }) => {
                let p = &*self.p;
                let template = p.templates.get(t).ok_or_else(nothing)?;
                if rules.is_v1() {
                    return Err(Refused { reserved, words });
                }
                let overhead = template.groups.first().map_or_else(|| "{}".to_owned(), |g| text::resources(&g.overhead));
                return Err(Refused::of(&format!(
                    "incompatible with provisioner {:?}, daemonset overhead={overhead}, {words}",
                    pool.name
                )));
            }
        };
        let at = self.claims.len();
        self.claims.push(claim);
        self.order.push();
        self.place(pod, class_id, kind_id, at, fit);
        self.charge(at);
        Ok(())
    }

    /// The host of a claim that may be opened.
    fn next_host(&mut self) -> u32 {
        self.hostnames += 1;
        let topology = &mut self.p.topology;
        let host = topology.hosts.number(&format!("{PLACEHOLDER}{:04}", self.hostnames));
        if !self.p.cluster.rules.is_v1() {
            topology.register_hosts(&[host]);
        }
        host
    }

    /// How a claim without pods would be with one of the class, or the words for why it cannot be.
    fn fit_first(&mut self, claim: &NewClaim, class_id: usize, kind_id: usize) -> Result<Fit, Refused> {
        let nothing = || Refused::of("");
        let p = &mut *self.p;
        let class = p.classes.get(class_id).ok_or_else(nothing)?;
        let kind = p.kinds.get_mut(kind_id).ok_or_else(nothing)?;
        let template = p.templates.get(claim.template).ok_or_else(nothing)?;
        let pool = p.cluster.pools.get(template.pool).ok_or_else(nothing)?;
        let mut cx = Context {
            cluster: p.cluster,
            template,
            states: &mut p.states,
            columns: &p.columns,
            reservations: &self.reservations,
            is_new: true,
        };
        let mut reserved = None;
        let possible = super::taints::tolerated(&pool.taints, &kind.shape.tolerations)
            && p.topology.on_host(kind, claim.host) == OnHost::Allowed;
        for i in (0..kind.alternatives.len()).filter(|_| possible) {
            reserved = None;
            if merged(kind, i, claim.state, claim.host, cx.states, &p.topology).is_none() {
                continue;
            }
            let Some(state) = narrowed(kind, i, claim.state, cx.states, &p.topology) else { continue };
            match claim.fit(state, kind, class, &mut cx) {
                Ok(fit) => return Ok(fit),
                Err(NoType::Reserved(words)) => reserved = Some(words),
                Err(NoType::None) => {}
            }
        }
        if let Some(words) = reserved {
            return Err(Refused { reserved: true, words: words.to_owned() });
        }
        Err(Refused { reserved: false, words: claim.refusal(kind, class, pool, &p.topology, &mut cx) })
    }

    /// Any of the claim's types may come, so the largest of each resource is charged.
    fn charge(&mut self, claim: usize) {
        let Some(claim) = self.claims.get(claim) else { return };
        let Some(template) = self.p.templates.get(claim.template) else { return };
        let Some(Some(left)) = self.remaining.get_mut(template.pool) else { return };
        for (i, name) in self.p.limited.0.iter().enumerate() {
            if let Some(amount) = left.0.get_mut(name) {
                let most = self.p.capacities.most(i, &claim.types).unwrap_or(0).max(0);
                *amount = amount.saturating_sub(most);
            }
        }
    }

    fn finish(mut self) -> Plan {
        let mut plan = std::mem::take(&mut self.plan);
        let claims = std::mem::take(&mut self.claims);
        plan.claims = claims.into_iter().filter_map(|c| self.planned(c)).collect();
        self.before.order_by_key(|(i, _)| *i);
        for (i, before) in std::mem::take(&mut self.before) {
            if let Some(place) = self.p.places.get_mut(i) {
                let filled = std::mem::replace(place, before);
                plan.existing.push((filled.node, filled.pods));
            }
        }
        plan
    }

    fn planned(&mut self, claim: NewClaim) -> Option<PlannedClaim> {
        let p = &mut *self.p;
        let template = p.templates.get(claim.template)?;
        let daemon_requests = claim.daemon_requests(template);
        let mut requests = Resources::default();
        for pod in claim.pods.iter().filter_map(|pod| p.cluster.pods.get(*pod)) {
            requests.add(&pod.spec.requests);
        }
        requests.add(&Resources::default().with(objects::resources::PODS, i64::try_from(claim.pods.len()).unwrap_or(i64::MAX)));
        requests.add(&daemon_requests);
        let row = p.row(&requests);
        let (states, table) = (&mut p.states, &p.cluster.types);
        let mut requirements = states.get(claim.state)?.requirements.clone();
        let mut left = table.members(p.cluster.pools.get(template.pool)?.block);
        let mut funnel = vec![("all", left.len())];
        let mut narrow = |stage: &'static str, set: &TypeSet| {
            left.keep(set);
            funnel.push((stage, left.len()));
        };
        narrow("requirements", &states.filter.compatible(table, &requirements));
        let mut large = TypeSet::full(table.len());
        p.columns.keep_positive(&mut large, &row);
        narrow("resources", &large);
        narrow("offerings", &states.filter.offered(table, &requirements));
        narrow("limits", &claim.types);
        let types = if claim.reserved.is_empty() {
            states.by_price(claim.state, &claim.types)
        } else {
            requirements.replace(Requirement::is_in(labels::CAPACITY_TYPE, [labels::RESERVED]));
            requirements.add(Requirement::is_in(labels::RESERVATION_ID, &claim.reserved));
            table.by_price(&claim.types, &requirements)
        };
        Some(PlannedClaim {
            pool: p.cluster.pools.get(template.pool)?.name.clone(),
            types,
            pods: claim.pods,
            requests,
            daemon_requests,
            requirements,
            funnel,
            min_values_relaxed: claim.min_values_relaxed,
        })
    }
}

/// Why a claim does not take a pod.
enum Verdict {
    NotNow,
    /// In this round no pod of the kind can join.
    NeverKind,
    /// In this round no pod of the class can join.
    NeverClass,
}

fn is_ruled(kind: &Kind) -> bool {
    !kind.round.ruling.is_empty()
}

/// The state with what the kind asks for under an alternative, on that host; topology left out.
fn merged(kind: &mut Kind, i: usize, state: u32, host: u32, states: &mut States<'_>, topology: &Topology<'_>) -> Option<u32> {
    let host = topology.hosts.names.get(host as usize)?;
    if !kind.allows_host(i, host) {
        return None;
    }
    kind.merged(i, state, states)
}

/// The state with what the kind asks for under an alternative and what its groups allow, hosts left out.
fn narrowed(kind: &mut Kind, i: usize, state: u32, states: &mut States<'_>, topology: &Topology<'_>) -> Option<u32> {
    let merged = kind.merged(i, state, states)?;
    if kind.round.ruling.iter().all(|r| r.is_host) {
        return Some(merged);
    }
    let stamp = topology.stamp(kind);
    if kind.round.stamp != stamp {
        kind.round.stamp = stamp;
        kind.round.narrowed.iter_mut().for_each(Vec::clear);
    }
    if let Some(answer) = kind.round.narrowed.get(i)?.get(state as usize).and_then(|k| k.answer()) {
        return answer;
    }
    let allowed = states.allowance(merged);
    let wanted = &states.get(merged)?.requirements;
    let answer = topology.narrowed(kind, wanted, allowed).map(|r| states.number(r, allowed.is_none()));
    if let Some(known) = kind.round.narrowed.get_mut(i) {
        note(known, state, answer);
    }
    answer
}

/// The state of a node with a pod of the kind, or whether the refusal is for good.
fn state_for(kind: &mut Kind, state: u32, host: u32, states: &mut States<'_>, topology: &Topology<'_>) -> Result<u32, bool> {
    match topology.on_host(kind, host) {
        OnHost::Allowed => {}
        OnHost::Refused => return Err(false),
        OnHost::Never => return Err(true),
    }
    let mut never = true;
    for i in 0..kind.alternatives.len() {
        if merged(kind, i, state, host, states, topology).is_none() {
            continue;
        }
        match narrowed(kind, i, state, states, topology) {
            Some(state) => return Ok(state),
            None => never = false,
        }
    }
    Err(never)
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

#[cfg(test)]
mod tests;
