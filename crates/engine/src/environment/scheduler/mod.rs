//! kube-scheduler: one pod per cycle, default plugins and weights, the era's messages.
//!
//! Source: kubernetes pkg/scheduler/{schedule_one,eventhandlers}.go, v1.27 and v1.35. From 100 nodes on a cycle stops at
//! the share of nodes that `percentageOfNodesToScore` left alone gives, and the next one begins behind it.

mod affinity;
mod cache;
mod filters;
mod messages;
mod preemption;
mod queue;
mod scores;
mod shape;
mod spread;
mod volumes;

use super::support::{delete, event, patch, set_condition, warning};
use super::volumes::SELECTED_NODE;
use crate::actor::{Action, Actor, Intent, View};
use crate::kernel::SimTime;
use crate::profile::Profile;
use crate::store::{Change, Op};
use cache::{Cache, Name, NodeInfo};
use filters::Plugin;
use messages::{Histogram, fit_error};
use objects::collections::Order as _;
use objects::collections::{VecMap, VecSet};
use objects::json;
use objects::typed::PodSpec;
use objects::{DocExt, Era, Kind, Object, ObjectKey, Value};
use queue::Queue;
use shape::{Shape, Shapes};
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
    shapes: Shapes,
    /// Pods that have a node and wait for their volumes to be bound, with the pod as it will be.
    reserved: VecMap<Name, Arc<Object>>,
    /// A claim changed since the reserved pods were looked at.
    claims_changed: bool,
    /// Where the next cycle begins among the nodes.
    first: usize,
}

/// Nodes up to which every cycle looks at all of them.
const ALWAYS_ALL: usize = 100;

/// How many nodes that fit end the search. Source: schedule_one.go `numFeasibleNodesToFind`.
fn enough(n_nodes: usize) -> usize {
    if n_nodes < ALWAYS_ALL {
        return n_nodes;
    }
    let percent = 50usize.saturating_sub(n_nodes / 125).max(5);
    (n_nodes * percent / 100).max(ALWAYS_ALL)
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
            // Default spreading follows services, affinity terms follow the labels of namespaces.
            Kind::Service | Kind::Namespace => {
                self.shapes.clear();
                return;
            }
            Kind::PersistentVolumeClaim | Kind::PersistentVolume | Kind::StorageClass if change.op != Op::Deleted => {
                self.queue.moved(view.now, |_, by| by.contains(&Plugin::Volumes));
                self.claims_changed = !self.reserved.is_empty();
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
        if std::mem::take(&mut self.claims_changed) {
            self.look_at_reserved(view, &mut out);
        }
        if let Some(name) = self.queue.pop(view.now) {
            match view.store.get(&ObjectKey::new(Kind::Pod, &name.0, &name.1)) {
                Some(pod) if is_candidate(pod) => self.cycle(pod, &name, view, &mut out),
                _ => self.queue.remove(&name),
            }
            // A pod that found no node is written down before the next one's turn; bindings are written beside.
            let failed = self.queue.has(&name);
            self.free_at = view.now + CYCLE_MS + if failed { view.call_ms() } else { 0 };
        }
        self.plan(view.now);
        out
    }
}

impl Scheduler {
    fn plan(&mut self, now: SimTime) {
        let next = self.queue.next(now).map(|t| t.max(self.free_at));
        let claims = self.claims_changed.then_some(now);
        self.wake = next.into_iter().chain(claims).min().map(|t| t.max(now + 1));
    }

    /// Binds the pods whose volumes are bound by now; those that lost their node are scheduled anew.
    fn look_at_reserved(&mut self, view: &View<'_>, out: &mut Vec<Intent>) {
        for (name, assumed) in self.reserved.clone() {
            let pod = view.store.get(&ObjectKey::new(Kind::Pod, &name.0, &name.1));
            let Some((pod, typed)) = pod.and_then(|p| Some((p, assumed.pod()?))) else { continue };
            let need = volumes::Need::of(pod, &typed.spec, view);
            let kept = |key: &ObjectKey| {
                view.store.get(key).is_some_and(|c| c.meta.annotations.get(SELECTED_NODE) == Some(&typed.node_name))
            };
            if need.blocked.is_none() && need.unbound.is_empty() {
                self.reserved.remove(&name);
                bind(pod, &typed.node_name, out);
            } else if need.blocked.is_some() || !need.unbound.iter().all(kept) {
                self.reserved.remove(&name);
                self.cache.forget(&assumed);
                self.queue.add(&name, typed.spec.priority, view.now);
            }
        }
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
        // Pods that wait side by side are mostly alike.
        let mut last: Option<(&PodSpec, VecSet<Plugin>, bool)> = None;
        queue.moved(view.now, |name, rejected_by| {
            let Some(pod) = view.store.get(&ObjectKey::new(Kind::Pod, &name.0, &name.1)) else {
                return false;
            };
            let Some(spec) = pod.pod().map(|p| &*p.spec) else {
                return false;
            };
            let alike = last.as_ref().filter(|(s, by, _)| *s == spec && by == rejected_by);
            if let Some((_, _, helps)) = alike.filter(|_| filters::pinned(pod, spec).is_none()) {
                return *helps;
            }
            let helps = match era {
                Era::V1alpha5 => filters::admits(pod, spec, node, info),
                Era::V1 => {
                    let may_help = |p: &Plugin| filters::may_help(*p, pod, spec, era, node, info);
                    rejected_by.is_empty() || rejected_by.iter().any(may_help)
                }
            };
            last = Some((spec, rejected_by.clone(), helps));
            helps
        });
        self.free_at = self.free_at.max(view.now + REACTION_MS);
    }

    fn pod_event(&mut self, change: &Change, view: &View<'_>) {
        let pod = &change.object;
        let name: Name = (pod.meta.namespace.clone(), pod.meta.name.clone());
        let bound = |o: &Object| o.pod().is_some_and(|p| p.is_bound());
        let ended = |o: &Object| o.pod().is_some_and(|p| p.is_terminal());
        let gone = change.op == Op::Deleted;
        if self.reserved.contains_key(&name) {
            if !gone && !bound(pod) && is_candidate(pod) {
                return;
            }
            if let Some(assumed) = self.reserved.remove(&name).filter(|_| !bound(pod)) {
                self.cache.forget(&assumed);
            }
        }
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
        let visits = self.cache.visits();
        if visits.is_empty() {
            self.queue.failed(name, VecSet::new(), view.now);
            report(pod, "no nodes available to schedule pods".to_owned(), None, view, out);
            return;
        }
        let nodes: Vec<&NodeInfo> = self.cache.nodes.values().collect();
        let Some(shape) = self.shapes.of(pod, spec, self.cache.epoch, &nodes, view) else {
            return;
        };
        let search = Search {
            shape,
            nodes: &nodes,
            volumes: volumes::Need::of(pod, spec, view),
            pinned: filters::pinned(pod, spec),
            promised: promised(&self.nominated, name, spec.priority, view),
        };
        let found = search.run(&visits, self.first, view);
        self.first = (self.first + found.visited) % visits.len();
        if let Some(node) = choose(pod, shape, &nodes, &found.feasible, view) {
            self.queue.remove(name);
            if search.volumes.unbound.is_empty() {
                bind(pod, &node, out);
                return;
            }
            for claim in &search.volumes.unbound {
                let chosen = json!({"metadata": {"annotations": {SELECTED_NODE: node}}});
                out.push(patch(claim.clone(), chosen, "the pod's node decides where the volume is"));
            }
            let mut doc = pod.doc.clone();
            doc.set("spec.nodeName", node);
            let assumed = Arc::new(Object::from_doc(Kind::Pod, doc));
            self.cache.learn(&assumed);
            self.reserved.insert(name.clone(), assumed);
            return;
        }
        let (histogram, n_nodes) = (found.histogram, visits.len());
        let blocked = search.volumes.blocked.as_deref();
        let plan = match blocked {
            Some(_) => {
                let all = Histogram::from([("Preemption is not helpful for scheduling".to_owned(), n_nodes)]);
                Err(messages::Preemption::Nodes(all))
            }
            None => {
                let Search { volumes, .. } = &search;
                let hopeless = &found.hopeless;
                preemption::plan(&preemption::Attempt { pod, spec, shape, nodes: &nodes, hopeless, volumes }, view)
            }
        };
        let rejected_by = if blocked.is_some() { VecSet::from([Plugin::Volumes]) } else { found.rejected_by };
        let (said, target) = match plan {
            Ok(plan) => {
                for victim in &plan.victims {
                    let text = match view.era() {
                        Era::V1alpha5 => format!("Preempted by a pod on node {}", plan.node),
                        Era::V1 => format!("Preempted by pod {} on node {}", pod.meta.uid, plan.node),
                    };
                    out.push(event(&victim.key(), COMPONENT, "Preempted", text));
                    if !victim.meta.is_deleting() {
                        let text = format!("{COMPONENT}: preempting to accommodate a higher priority pod");
                        let mut conditions: Vec<Value> = victim.doc.list_at("status.conditions").to_vec();
                        let now = view.timestamp();
                        set_condition(&mut conditions, "DisruptionTarget", "True", "PreemptionByScheduler", &text, &now);
                        out.push(patch(victim.key(), json!({"status": {"conditions": conditions}}), "preempted"));
                        out.push(delete(victim.key(), None, "room for a more important pod"));
                    }
                }
                // With a node nominated the preemption part of the sentence is empty of reasons.
                (messages::Preemption::Nodes(Histogram::new()), Some(plan.node))
            }
            // Where no victim would help the promise of an earlier attempt is taken back.
            Err(said) => {
                let promised = pod.pod().is_some_and(|p| !p.nominated_node.is_empty());
                if promised && matches!(said, messages::Preemption::Nodes(_)) {
                    self.nominated.remove(name);
                    out.push(patch(pod.key(), json!({"status": {"nominatedNodeName": null}}), "no victim would help"));
                }
                (said, None)
            }
        };
        let message = match &target {
            Some(_) => fit_without_preemption(n_nodes, &histogram),
            None => fit_error(view.era(), n_nodes, blocked, &histogram, &said),
        };
        self.queue.failed(name, rejected_by, view.now);
        if let Some(node) = &target {
            self.nominated.insert(name.clone(), node.clone());
        }
        report(pod, message, target, view, out);
    }
}

/// The pods, as important as this one or more, to which nodes were promised: (node, pod).
fn promised(nominated: &VecMap<Name, String>, name: &Name, priority: i32, view: &View<'_>) -> Vec<(String, Arc<Object>)> {
    let mut out = Vec::new();
    for (other, node) in nominated.iter().filter(|(n, _)| *n != name) {
        let pod = view.store.get(&ObjectKey::new(Kind::Pod, &other.0, &other.1));
        if let Some(p) = pod.filter(|p| p.pod().is_some_and(|p| p.spec.priority >= priority)) {
            out.push((node.clone(), p.clone()));
        }
    }
    out
}

/// One cycle's way over the nodes.
struct Search<'a> {
    shape: &'a Shape,
    nodes: &'a [&'a NodeInfo],
    volumes: volumes::Need,
    /// The one node to which the search is narrowed.
    pinned: Option<String>,
    promised: Vec<(String, Arc<Object>)>,
}

#[derive(Default)]
struct Found {
    /// Positions of the nodes that fit, ascending.
    feasible: Vec<usize>,
    visited: usize,
    histogram: Histogram,
    rejected_by: VecSet<Plugin>,
    /// By position: refused in a way that no preemption helps.
    hopeless: Vec<bool>,
}

impl Search<'_> {
    fn run(&self, visits: &[usize], first: usize, view: &View<'_>) -> Found {
        let mut found = Found { hopeless: vec![false; self.nodes.len()], ..Found::default() };
        let (mut fits, mut n_fit) = (vec![false; self.nodes.len()], 0);
        let totals = self.shape.totals(None);
        let (mut reasons, mut unvisited): (VecMap<&str, usize>, usize) = (VecMap::new(), 0);
        let mut refusals: Vec<shape::Verdict<'_>> = Vec::new();
        let limit = enough(visits.len());
        for at in visits.iter().cycle().skip(first).take(visits.len()).copied() {
            let Some((info, node)) = self.nodes.get(at).and_then(|i| Some((*i, i.object.as_ref()?))) else { continue };
            found.visited += 1;
            let refused = if self.pinned.as_ref().is_some_and(|n| *n != node.meta.name) {
                unvisited += 1;
                true
            } else {
                let verdict = self.ask(at, node, info, &totals, view);
                let hopeless = verdict.as_ref().is_some_and(shape::Verdict::is_hopeless);
                match verdict {
                    None if self.volumes.blocked.is_none() => {
                        n_fit += 1;
                        fits.get_mut(at).into_iter().for_each(|slot| *slot = true);
                    }
                    None => {}
                    Some(verdict) => refusals.push(verdict),
                }
                hopeless
            };
            if let Some(slot) = found.hopeless.get_mut(at) {
                *slot = refused;
            }
            if n_fit >= limit {
                break;
            }
        }
        if n_fit > 0 {
            found.feasible = fits.iter().enumerate().filter(|(_, fit)| **fit).map(|(at, _)| at).collect();
            return found;
        }
        for verdict in &refusals {
            found.rejected_by.insert(verdict.plugin());
            for reason in verdict.reasons() {
                *reasons.entry(reason).or_insert(0) += 1;
            }
        }
        found.histogram.extend(reasons.iter().map(|(reason, n)| ((*reason).to_owned(), *n)));
        if view.era() == Era::V1 && unvisited > 0 {
            found.histogram.insert("node(s) didn't satisfy plugin(s) [NodeAffinity]".to_owned(), unvisited);
        }
        found
    }

    /// The node's answer: with the pods that were promised it, then without them.
    fn ask(
        &self,
        at: usize,
        node: &Object,
        info: &NodeInfo,
        totals: &shape::Totals,
        view: &View<'_>,
    ) -> Option<shape::Verdict<'_>> {
        let local = self.shape.local(at)?;
        let volumes = self.volumes.refuse(node);
        if self.promised.iter().any(|(n, _)| *n == node.meta.name) {
            let mut reserved = info.clone();
            for (_, pod) in self.promised.iter().filter(|(n, _)| *n == node.meta.name) {
                reserved.add(pod);
            }
            let local = self.shape.imagine(&reserved, view, &mut Vec::new());
            let totals = self.shape.totals(Some((at, &local)));
            if let Some(verdict) = self.shape.refuse(at, &local, &totals, volumes) {
                return Some(verdict.into_owned());
            }
        }
        self.shape.refuse(at, local, totals, volumes)
    }
}

fn choose(pod: &Object, shape: &Shape, nodes: &[&NodeInfo], feasible: &[usize], view: &View<'_>) -> Option<String> {
    let name = |at: usize| nodes.get(at).and_then(|i| i.object.as_ref()).map(|o| o.meta.name.clone());
    if let [only] = feasible {
        return name(*only);
    }
    let nominated = pod.pod().map(|p| p.nominated_node.as_str()).filter(|n| !n.is_empty());
    if let Some(at) = feasible.iter().find(|at| nominated.is_some() && name(**at).as_deref() == nominated) {
        return name(*at);
    }
    let totals = scores::totals(shape, feasible);
    let best = totals.iter().max().copied()?;
    let ties: Vec<usize> = feasible.iter().zip(&totals).filter(|(_, t)| **t == best).map(|(at, _)| *at).collect();
    let pick = view.stream("scheduler-tie", &pod.meta.uid).below(ties.len() as u64);
    name(*ties.get(usize::try_from(pick).unwrap_or(0))?)
}

fn bind(pod: &Object, node: &str, out: &mut Vec<Intent>) {
    out.push(Intent::new(Action::Bind { pod: pod.key(), node: node.to_owned() }, "the best score"));
    let text = format!("Successfully assigned {}/{} to {node}", pod.meta.namespace, pod.meta.name);
    out.push(event(&pod.key(), COMPONENT, "Scheduled", text));
}

/// When a preemption succeeded there is nothing to say about it.
fn fit_without_preemption(n_nodes: usize, histogram: &Histogram) -> String {
    let mut parts: Vec<String> = histogram.iter().map(|(reason, n)| format!("{n} {reason}")).collect();
    parts.order();
    format!("0/{n_nodes} nodes are available: {}.", parts.join(", "))
}

/// Condition and event of a failed cycle. The real one tells first, of the pod as it was; see [`crate::Profile::as_recorded`].
fn report(pod: &Arc<Object>, message: String, nominated: Option<String>, view: &View<'_>, out: &mut Vec<Intent>) {
    let mut conditions: Vec<Value> = pod.doc.list_at("status.conditions").to_vec();
    let changed = set_condition(&mut conditions, "PodScheduled", "False", "Unschedulable", &message, &view.timestamp());
    let said = warning(&pod.key(), COMPONENT, "FailedScheduling", message);
    let later = if view.profile.as_recorded {
        out.push(said);
        None
    } else {
        Some(said)
    };
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
    out.extend(later);
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
