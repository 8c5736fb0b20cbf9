//! kube-scheduler: one pod per cycle, default plugins and weights, the era's messages.
//!
//! Source: kubernetes pkg/scheduler/{schedule_one,eventhandlers}.go, v1.27 and v1.35. All nodes are scored below 100, as
//! the default `percentageOfNodesToScore` does; beyond that all are scored too, which only makes choices better.

mod affinity;
mod cache;
mod filters;
mod messages;
mod preemption;
mod queue;
mod scores;
mod spread;
mod volumes;

use super::support::{delete, event, patch, set_condition, warning};
use crate::actor::{Action, Actor, Intent, View};
use crate::kernel::SimTime;
use crate::profile::Profile;
use crate::store::{Change, Op};
use cache::{Cache, Name, NodeInfo};
use filters::{Candidate, Plugin, Refusal};
use messages::{Histogram, fit_error};
use objects::collections::Order as _;
use objects::collections::{VecMap, VecSet};
use objects::json;
use objects::{DocExt, Era, Kind, Object, ObjectKey, Value};
use queue::Queue;
use std::sync::Arc;

const COMPONENT: &str = "default-scheduler";
/// From the watch event of a new pod to its cycle.
const REACTION_MS: u64 = 6;
/// One cycle with its binding call.
const CYCLE_MS: u64 = 4;

#[derive(Clone, Debug, Default)]
pub struct Scheduler {
    cache: Cache,
    queue: Queue,
    /// Not before this: the previous cycle is still running, or the event is still on its way.
    free_at: SimTime,
    wake: Option<SimTime>,
    /// Room kept for pods that preempted others.
    nominated: VecMap<Name, String>,
}

impl Scheduler {
    pub fn new(profile: &Profile) -> Scheduler {
        Scheduler { queue: Queue::new(profile.era == Era::V1), ..Scheduler::default() }
    }
}

impl Actor for Scheduler {
    fn name(&self) -> &'static str {
        "kube-scheduler"
    }

    fn observe(&mut self, change: &Change, view: &View<'_>) {
        match change.kind() {
            Kind::Node => {
                self.cache.observe(change);
                self.node_event(change, view);
            }
            Kind::Pod => {
                self.cache.observe(change);
                self.pod_event(change, view);
            }
            Kind::PersistentVolumeClaim | Kind::PersistentVolume if change.op != Op::Deleted => {
                self.queue.moved(view.now, |_, by| by.contains(&Plugin::Volumes));
            }
            _ => return,
        }
        self.plan(view.now);
    }

    fn wake_at(&self) -> Option<SimTime> {
        self.wake
    }

    fn act(&mut self, view: &View<'_>) -> Vec<Intent> {
        let mut out = Vec::new();
        if let Some(name) = self.queue.pop(view.now) {
            match view.store.get(&ObjectKey::new(Kind::Pod, &name.0, &name.1)) {
                Some(pod) if is_candidate(pod) => self.cycle(pod, &name, view, &mut out),
                _ => self.queue.remove(&name),
            }
            self.free_at = view.now + CYCLE_MS;
        }
        self.plan(view.now);
        out
    }
}

impl Scheduler {
    fn plan(&mut self, now: SimTime) {
        self.wake = self.queue.next(now).map(|t| t.max(self.free_at).max(now + 1));
    }

    fn node_event(&mut self, change: &Change, view: &View<'_>) {
        let node = &change.object;
        if change.op == Op::Deleted || !relevant(change.old.as_deref(), node) {
            return;
        }
        let Scheduler { cache, queue, .. } = self;
        let empty = NodeInfo::default();
        let info = cache.nodes.get(&node.meta.name).unwrap_or(&empty);
        let era = view.era();
        queue.moved(view.now, |name, rejected_by| {
            let Some(pod) = view.store.get(&ObjectKey::new(Kind::Pod, &name.0, &name.1)) else {
                return false;
            };
            let Some(typed) = pod.pod() else {
                return false;
            };
            let candidate = Candidate::prepare(pod, &typed.spec, &Cache::default(), view);
            match era {
                Era::V1alpha5 => filters::admits(&candidate, node, info),
                Era::V1 => rejected_by.is_empty() || rejected_by.iter().any(|p| filters::may_help(*p, &candidate, node, info)),
            }
        });
        self.free_at = self.free_at.max(view.now + REACTION_MS);
    }

    fn pod_event(&mut self, change: &Change, view: &View<'_>) {
        let pod = &change.object;
        let name: Name = (pod.meta.namespace.clone(), pod.meta.name.clone());
        let bound = |o: &Object| o.pod().is_some_and(|p| p.is_bound());
        let ended = |o: &Object| o.pod().is_some_and(|p| p.is_terminal());
        let gone = change.op == Op::Deleted;
        if gone || bound(pod) || !is_candidate(pod) {
            self.queue.remove(&name);
            self.nominated.remove(&name);
        } else if !self.queue.has(&name) || change.old.as_ref().is_some_and(|o| was_updated(o, pod)) {
            if self.queue.next(view.now).is_none_or(|t| t > view.now) {
                self.free_at = self.free_at.max(view.now + REACTION_MS);
            }
            self.queue.add(&name, pod.pod().map_or(0, |p| p.spec.priority), view.now);
        }
        let was_running = change.old.as_ref().is_some_and(|o| bound(o) && !ended(o));
        if was_running && (gone || ended(pod)) {
            // Room, ports or a domain came free.
            let freed = [Plugin::Resources, Plugin::Ports, Plugin::Spread, Plugin::PodAffinity];
            self.queue.moved(view.now, |_, by| by.iter().any(|p| freed.contains(p)));
            self.free_at = self.free_at.max(view.now + REACTION_MS);
        } else if !gone && bound(pod) && change.old.as_ref().is_none_or(|o| !bound(o)) {
            self.queue.moved(view.now, |_, by| by.contains(&Plugin::PodAffinity) || by.contains(&Plugin::Spread));
        }
    }

    fn cycle(&mut self, pod: &Arc<Object>, name: &Name, view: &View<'_>, out: &mut Vec<Intent>) {
        let Some(spec) = pod.pod().map(|p| &p.spec) else {
            return;
        };
        let candidate = Candidate::prepare(pod, spec, &self.cache, view);
        let nodes: Vec<(&Arc<Object>, &NodeInfo)> = self.cache.existing().collect();
        if nodes.is_empty() {
            self.queue.failed(name, VecSet::new(), view.now);
            report(pod, "no nodes available to schedule pods".to_owned(), None, view, out);
            return;
        }
        let mut refusals: VecMap<String, Refusal> = VecMap::new();
        let mut feasible: Vec<(&Object, &NodeInfo)> = Vec::new();
        let mut unvisited = 0;
        for (node, info) in &nodes {
            if candidate.pinned().is_some_and(|n| n != node.meta.name) {
                unvisited += 1;
                continue;
            }
            let reserved = self.with_nominated(node, info, name, spec.priority, view);
            match candidate.refuse(node, reserved.as_ref().unwrap_or(info)) {
                None if candidate.blocked().is_none() => feasible.push((node, info)),
                None => {}
                Some(refusal) => {
                    refusals.insert(node.meta.name.clone(), refusal);
                }
            }
        }
        if let Some(node) = self.choose(pod, &feasible, view) {
            self.queue.remove(name);
            out.push(Intent::new(Action::Bind { pod: pod.key(), node: node.clone() }, "the best score"));
            let text = format!("Successfully assigned {}/{} to {node}", name.0, name.1);
            out.push(event(&pod.key(), COMPONENT, "Scheduled", text));
            return;
        }
        let mut histogram = Histogram::new();
        for reason in refusals.values().flat_map(|r| &r.reasons) {
            *histogram.entry(reason.clone()).or_insert(0) += 1;
        }
        if view.era() == Era::V1 && unvisited > 0 {
            histogram.insert("node(s) didn't satisfy plugin(s) [NodeAffinity]".to_owned(), unvisited);
        }
        let mut rejected_by: VecSet<Plugin> = refusals.values().map(|r| r.plugin).collect();
        if candidate.blocked().is_some() {
            rejected_by = VecSet::from([Plugin::Volumes]);
        }
        let plan = match candidate.blocked() {
            Some(_) => {
                let all = Histogram::from([("Preemption is not helpful for scheduling".to_owned(), nodes.len())]);
                Err(messages::Preemption::Nodes(all))
            }
            None => preemption::plan(&candidate, &self.cache, &refusals, view),
        };
        let n_nodes = nodes.len();
        let (said, target) = match plan {
            Ok(plan) => {
                for victim in &plan.victims {
                    let text = match view.era() {
                        Era::V1alpha5 => format!("Preempted by a pod on node {}", plan.node),
                        Era::V1 => format!("Preempted by pod {} on node {}", pod.meta.uid, plan.node),
                    };
                    out.push(event(&victim.key(), COMPONENT, "Preempted", text));
                    if !victim.meta.is_deleting() {
                        out.push(delete(victim.key(), None, "room for a more important pod"));
                    }
                }
                // With a node nominated the preemption part of the sentence is empty of reasons.
                (messages::Preemption::Nodes(Histogram::new()), Some(plan.node))
            }
            Err(said) => (said, None),
        };
        let message = match &target {
            Some(_) => fit_without_preemption(n_nodes, &histogram),
            None => fit_error(view.era(), n_nodes, candidate.blocked(), &histogram, &said),
        };
        self.queue.failed(name, rejected_by, view.now);
        if let Some(node) = &target {
            self.nominated.insert(name.clone(), node.clone());
        }
        report(pod, message, target, view, out);
    }

    /// The node with the pods added that were promised it and are as important as this one.
    fn with_nominated(&self, node: &Object, info: &NodeInfo, name: &Name, priority: i32, view: &View<'_>) -> Option<NodeInfo> {
        let mut reserved: Option<NodeInfo> = None;
        for (other, _) in self.nominated.iter().filter(|(n, on)| *on == &node.meta.name && *n != name) {
            let promised = view.store.get(&ObjectKey::new(Kind::Pod, &other.0, &other.1));
            if let Some(p) = promised.filter(|p| p.pod().is_some_and(|p| p.spec.priority >= priority)) {
                reserved.get_or_insert_with(|| info.clone()).add(p);
            }
        }
        reserved
    }

    fn choose(&self, pod: &Object, feasible: &[(&Object, &NodeInfo)], view: &View<'_>) -> Option<String> {
        if let [(only, _)] = feasible {
            return Some(only.meta.name.clone());
        }
        let nominated = pod.pod().map(|p| p.nominated_node.as_str()).unwrap_or_default();
        if let Some((node, _)) = feasible.iter().find(|(n, _)| n.meta.name == nominated) {
            return Some(node.meta.name.clone());
        }
        let spec = pod.pod().map(|p| &p.spec)?;
        let totals = scores::totals(pod, spec, feasible, &self.cache, view);
        let best = totals.iter().max().copied()?;
        let ties: Vec<&Object> = feasible.iter().zip(&totals).filter(|(_, t)| **t == best).map(|((n, _), _)| *n).collect();
        let pick = view.stream("scheduler-tie", &pod.meta.uid).below(ties.len() as u64);
        ties.get(usize::try_from(pick).unwrap_or(0)).map(|n| n.meta.name.clone())
    }
}

/// When a preemption succeeded there is nothing to say about it.
fn fit_without_preemption(n_nodes: usize, histogram: &Histogram) -> String {
    let mut parts: Vec<String> = histogram.iter().map(|(reason, n)| format!("{n} {reason}")).collect();
    parts.order();
    format!("0/{n_nodes} nodes are available: {}.", parts.join(", "))
}

/// Condition and event of a failed cycle.
fn report(pod: &Arc<Object>, message: String, nominated: Option<String>, view: &View<'_>, out: &mut Vec<Intent>) {
    let mut conditions: Vec<Value> = pod.doc.list_at("status.conditions").to_vec();
    let changed = set_condition(&mut conditions, "PodScheduled", "False", "Unschedulable", &message, &view.timestamp());
    let promised = nominated.is_some() && pod.doc.str_at("status.nominatedNodeName") != nominated.as_deref();
    if changed || promised {
        if let Some(c) = conditions.iter_mut().find(|c| c.str_at("type") == Some("PodScheduled")) {
            c.set("lastProbeTime", Value::Null);
            if view.era() == Era::V1 {
                c.set("observedGeneration", pod.meta.generation.max(1));
            }
        }
        let mut status = json!({"conditions": conditions});
        if let Some(node) = nominated {
            status.set("nominatedNodeName", node);
        }
        out.push(patch(pod.key(), json!({"status": status}), "no node takes it"));
    }
    out.push(warning(&pod.key(), COMPONENT, "FailedScheduling", message));
}

fn is_candidate(pod: &Object) -> bool {
    let ours = |p: &objects::typed::Pod| !p.is_bound() && !p.is_terminal() && p.spec.scheduler_name == COMPONENT;
    pod.pod().is_some_and(ours) && !pod.meta.is_deleting() && !filters::is_gated(pod)
}

/// Changes other than of the status.
fn was_updated(old: &Object, new: &Object) -> bool {
    old.doc.at("spec") != new.doc.at("spec") || old.meta.labels != new.meta.labels || old.meta.annotations != new.meta.annotations
}

/// Whether a node's change can make pods schedulable: a new node, more room, other labels or taints, no longer
/// cordoned, other conditions.
fn relevant(old: Option<&Object>, new: &Object) -> bool {
    let Some(old) = old else {
        return true;
    };
    let (Some(a), Some(b)) = (old.node(), new.node()) else {
        return false;
    };
    let states = |o: &Object| -> VecMap<String, String> {
        let of = |c: &Value| Some((c.str_at("type")?.to_owned(), c.str_at("status")?.to_owned()));
        o.doc.list_at("status.conditions").iter().filter_map(of).collect()
    };
    a.allocatable != b.allocatable
        || a.taints != b.taints
        || old.meta.labels != new.meta.labels
        || (a.unschedulable && !b.unschedulable)
        || states(old) != states(new)
}

#[cfg(test)]
mod tests;
