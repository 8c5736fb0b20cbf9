//! Writes decisions and their consequences down as they happen.

use super::blockers::of_node;
use super::{Action, Done, Eviction, Launch, Machine, Reason, machine};
use crate::controllers::Names;
use crate::decisions::{Decision, What};
use crate::session::World;
use crate::store::{Change, Op};
use crate::{Era, SimTime};
use objects::collections::VecMap;
use objects::{DocExt, Kind};
use std::sync::Arc;

pub struct Watch {
    start: SimTime,
    last: SimTime,
    names: &'static Names,
    revision: u64,
    decisions: usize,
    under_way: Vec<String>,
    actions: Vec<Action>,
    /// Actions by the node that goes, and by the claim that comes.
    going: VecMap<String, usize>,
    coming: VecMap<String, usize>,
    moves: usize,
    /// The disruption that launches of this very instant replace something for.
    replacing: Option<(SimTime, usize)>,
}

impl Watch {
    pub fn new(world: &World) -> Watch {
        let (era, store) = (world.cluster.profile.era, &world.cluster.store);
        let names = Names::of(era);
        let mut under_way = Vec::new();
        for node in store.list(Kind::Node) {
            let name = &node.meta.name;
            let tainted = node.node().is_some_and(|n| n.taints.iter().any(|t| t.key == crate::scheduling::labels::DISRUPTED));
            let claim = super::claim_of(store, era, node);
            if node.meta.is_deleting() || claim.is_some_and(|c| c.meta.is_deleting()) {
                under_way.push(format!("node {name} is being deleted"));
            } else if tainted {
                under_way.push(format!("node {name} is being disrupted"));
            }
        }
        for claim in store.list(names.claim).filter(|c| !c.meta.is_deleting() && !c.claim().is_some_and(|c| c.initialized)) {
            under_way.push(format!("{} {} is coming up", names.claim.name(), claim.meta.name));
        }
        Watch {
            start: world.now(),
            last: world.now(),
            names,
            revision: store.revision(),
            decisions: world.decisions.total(),
            under_way,
            actions: Vec::new(),
            going: VecMap::new(),
            coming: VecMap::new(),
            moves: 0,
            replacing: None,
        }
    }

    /// When something was decided last, after the start.
    pub fn last_ms(&self) -> u64 {
        self.last.since(self.start)
    }

    /// Pods that have left nodes which go.
    pub fn moves(&self) -> usize {
        self.moves
    }

    /// Takes in what happened since it looked last; true where something was decided.
    pub fn see(&mut self, world: &World) -> bool {
        let before = self.actions.len();
        let new = world.decisions.total().saturating_sub(self.decisions);
        if new > 0 {
            let all = world.decisions.share();
            for decision in all.iter().skip(all.len().saturating_sub(new)) {
                self.decided(decision, world);
            }
            self.decisions += new;
        }
        let revision = world.cluster.store.revision();
        if revision != self.revision {
            let changes: Vec<Arc<Change>> =
                world.cluster.store.changes_since(self.revision).map(|c| c.cloned().collect()).unwrap_or_default();
            self.revision = revision;
            for change in &changes {
                self.changed(change, world);
            }
        }
        let more = self.actions.len() > before;
        if more {
            self.last = world.now();
        }
        more
    }

    fn after(&self, at: SimTime) -> u64 {
        at.since(self.start)
    }

    /// Adds an action by which `nodes` go, and gives its place.
    fn add(&mut self, at: SimTime, reason: Reason, nodes: Vec<Machine>) -> usize {
        let index = self.actions.len();
        for machine in &nodes {
            self.going.insert(machine.node.clone(), index);
        }
        self.actions.push(Action {
            after_ms: self.after(at),
            reason,
            saves_micro: nodes.iter().map(|m| m.price_micro).sum(),
            nodes,
            launches: Vec::new(),
            evictions: Vec::new(),
            blockers: Vec::new(),
            done: Done::NotYet,
        });
        index
    }

    fn decided(&mut self, decision: &Decision, world: &World) {
        match &decision.what {
            What::Launch { pool, pods, funnel, cheapest, .. } => {
                let launch = Launch {
                    claim: decision.about.name.clone(),
                    pool: pool.clone(),
                    pods: pods.clone(),
                    funnel: funnel.clone(),
                    cheapest: cheapest.clone(),
                    given: None,
                };
                let index = match self.replacing.filter(|(at, _)| *at == decision.at) {
                    Some((_, index)) => index,
                    None => self.add(decision.at, Reason::Provisioning, Vec::new()),
                };
                self.coming.insert(launch.claim.clone(), index);
                if let Some(action) = self.actions.get_mut(index) {
                    action.launches.push(launch);
                }
            }
            What::Fleet { instance_type, zone, capacity_type, price_micro, .. } => {
                let claim = &decision.about.name;
                let Some(action) = self.coming.get(claim).and_then(|i| self.actions.get_mut(*i)) else { return };
                let Some(launch) = action.launches.iter_mut().find(|l| l.claim == *claim) else { return };
                launch.given = Some(Machine {
                    node: String::new(),
                    pool: launch.pool.clone(),
                    instance_type: instance_type.clone(),
                    zone: zone.clone(),
                    capacity_type: capacity_type.clone(),
                    price_micro: *price_micro,
                });
                action.saves_micro = action.saves_micro.saturating_sub(*price_micro);
            }
            What::Disrupt { method, nodes, replacement_types, .. } => {
                let store = &world.cluster.store;
                let of = |name: &String| store.cluster(Kind::Node, name).map(|node| machine(world, node));
                let machines: Vec<Machine> = nodes
                    .iter()
                    .map(|name| of(name).unwrap_or_else(|| Machine { node: name.clone(), ..Machine::default() }))
                    .collect();
                let index = self.add(decision.at, Reason::Disruption(method), machines);
                self.replacing = (!replacement_types.is_empty()).then_some((decision.at, index));
            }
            What::Abandoned { message, .. } => {
                if let Some(action) = self.going.get(&decision.about.name).and_then(|i| self.actions.get_mut(*i)) {
                    action.done = Done::Abandoned(message.clone());
                }
            }
            What::Unschedulable { .. } | What::Keep { .. } | What::Diverged { .. } => {}
        }
    }

    fn changed(&mut self, change: &Change, world: &World) {
        let object = &change.object;
        let began = object.meta.is_deleting() && change.old.as_ref().is_some_and(|o| !o.meta.is_deleting());
        match object.kind {
            Kind::Node if change.op == Op::Added => {
                let Some(claim) = super::claim_of(&world.cluster.store, self.names.era, object) else { return };
                let Some(action) = self.coming.get(&claim.meta.name).and_then(|i| self.actions.get_mut(*i)) else { return };
                let launch = action.launches.iter_mut().find(|l| l.claim == claim.meta.name);
                let Some(launch) = launch else { return };
                match &mut launch.given {
                    Some(given) => given.node.clone_from(&object.meta.name),
                    // The kwok provider asks no cloud: the node is its answer.
                    none => {
                        let node = machine(world, object);
                        action.saves_micro = action.saves_micro.saturating_sub(node.price_micro);
                        *none = Some(node);
                    }
                }
            }
            // A pod without a time of grace goes at once.
            Kind::Pod if began || change.op == Op::Deleted && !object.meta.is_deleting() => {
                let Some(pod) = object.pod().filter(|p| p.is_bound() && !p.is_terminal()) else { return };
                let leaves = world.cluster.store.cluster(Kind::Node, &pod.node_name).is_some_and(|n| n.meta.is_deleting());
                let eviction =
                    Eviction { after_ms: self.after(change.at), pod: object.key().to_string(), node: pod.node_name.clone() };
                let action = self.going.get(&pod.node_name).filter(|_| leaves);
                if let Some(action) = action.and_then(|i| self.actions.get_mut(*i)) {
                    action.evictions.push(eviction);
                    self.moves += 1;
                }
            }
            kind if kind == self.names.claim && began => {
                let node = object.claim().map(|c| c.node_name.clone()).unwrap_or_default();
                if self.going.contains_key(&node) || self.coming.contains_key(&object.meta.name) && node.is_empty() {
                    return;
                }
                let machine = world.cluster.store.cluster(Kind::Node, &node).map(|n| machine(world, n));
                let machine = machine.unwrap_or_else(|| Machine { node: node.clone(), ..Machine::default() });
                let why = removal(change, world);
                self.add(change.at, Reason::Removal(why), vec![machine]);
            }
            _ => {}
        }
    }

    /// The sentences about what was under way, and the actions with how far they came.
    pub fn finish(mut self, world: &World) -> (Vec<String>, Vec<Action>) {
        let store = &world.cluster.store;
        for action in &mut self.actions {
            if matches!(action.done, Done::Abandoned(_)) {
                continue;
            }
            let left = || action.nodes.iter().filter_map(|m| store.cluster(Kind::Node, &m.node));
            let up =
                |l: &Launch| store.cluster(self.names.claim, &l.claim).is_none_or(|c| c.claim().is_some_and(|c| c.initialized));
            let done = left().next().is_none() && action.launches.iter().all(up);
            action.done = if done { Done::Yes } else { Done::NotYet };
            action.blockers = left().flat_map(|node| of_node(node, &world.cluster.view())).collect();
        }
        (self.under_way, self.actions)
    }
}

/// Why a claim goes that no command removes.
fn removal(change: &Change, world: &World) -> &'static str {
    let claim = &change.object;
    let view = world.cluster.view();
    let age_ms = view.unix_ms().saturating_sub(claim.meta.created_ms);
    let expires = claim.doc.str_at("spec.expireAfter").and_then(objects::duration::parse_go_ms);
    if view.era() == Era::V1 && expires.is_some_and(|after| after <= age_ms) {
        return "expired";
    }
    match claim.claim() {
        Some(c) if !c.initialized => "it did not come up in time",
        _ => "its machine or its pool is gone",
    }
}
