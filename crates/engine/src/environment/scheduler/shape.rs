//! Pods that are alike have one shape: what the scheduler needs to know of every node for them, kept from cycle to cycle
//! and renewed only for nodes that changed since.
//!
//! Source of what is kept: kubernetes pkg/scheduler/framework/plugins/{podtopologyspread,interpodaffinity}/{filtering,
//! scoring}.go, v1.28; how it is kept is this program's own.

use super::affinity::{HARD_WEIGHT, selects};
use super::cache::{NodeInfo, scored_requests};
use super::filters::{Plugin, Refusal, alone, matches_node};
use super::scores;
use super::spread::{Constraint, constraints};
use crate::View;
use objects::collections::VecMap;
use objects::typed::{PodSpec, untolerated};
use objects::{Era, Object};
use std::sync::Arc;

/// Shapes kept; the one used longest ago makes room. With fewer than there are sorts of pods in the queue every cycle
/// would look at every node anew: at 1,000 nodes that is a millisecond instead of less than a tenth. A command that empties
/// fifty nodes puts pods of some hundred sorts into the queue.
const KEPT: usize = 256;
/// A node without the topology key.
const NOWHERE: u32 = u32::MAX;

/// The shapes in use, last used first. A copy of the scheduler starts without any: they are derived.
#[derive(Debug, Default)]
pub(super) struct Shapes(Vec<Shape>);

impl Clone for Shapes {
    fn clone(&self) -> Shapes {
        Shapes::default()
    }
}

impl Shapes {
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The shape of `pod`, current for `nodes`.
    pub fn of(&mut self, pod: &Arc<Object>, spec: &PodSpec, epoch: u64, nodes: &[&NodeInfo], view: &View<'_>) -> Option<&Shape> {
        let known = self.0.iter().position(|s| s.is_of(pod, spec));
        let mut shape = match known {
            Some(at) => self.0.remove(at),
            None => Shape::new(pod, spec, view),
        };
        shape.renew(epoch, nodes, view);
        self.0.truncate(KEPT - 1);
        self.0.insert(0, shape);
        self.0.first()
    }
}

/// A topology key and the domain of each node, as small numbers.
#[derive(Debug)]
struct Key {
    name: String,
    domain: Vec<u32>,
    n: usize,
}

#[derive(Debug)]
pub(super) struct Shape {
    pod: Arc<Object>,
    era: Era,
    scored: (i64, i64),
    keys: Vec<Key>,
    pub constraints: Vec<Constraint>,
    pub need_all: bool,
    /// Topology keys of the required affinity and anti-affinity terms.
    wanted: Vec<usize>,
    avoided: Vec<usize>,
    matches_itself: bool,
    epoch: u64,
    locals: Vec<Local>,
}

/// One node as pods of a shape see it.
#[derive(Clone, Debug, Default)]
pub(super) struct Local {
    generation: u64,
    exists: bool,
    /// Of the filters that look at this node alone.
    refusal: Option<Refusal>,
    affine: bool,
    tolerated: bool,
    /// Weighted scores that compare with no other node.
    pub base: i64,
    pub disliked: i64,
    pub preferred: i64,
    /// Pods that each constraint selects.
    pub matching: Vec<i64>,
    /// Pods that satisfy all required affinity terms, and those that each anti-affinity term means.
    wanted: i64,
    avoided: Vec<i64>,
    /// Topology keys by which pods here keep the pod away.
    repels: Vec<usize>,
    /// Topology keys with the weight that pods here give their domain.
    pub weights: Vec<(usize, i64)>,
}

/// Sums over all nodes by domain.
pub(super) struct Totals {
    /// By constraint; `None` for domains without a node that counts.
    spread: Vec<Vec<Option<i64>>>,
    wanted: Vec<Vec<i64>>,
    avoided: Vec<Vec<i64>>,
    /// By key.
    repelled: Vec<Vec<i64>>,
    may_be_first: bool,
}

/// A node's answer.
pub(super) enum Verdict<'a> {
    Kept(&'a Refusal),
    Own(Refusal),
    Said(Plugin, &'static str, bool),
}

impl Verdict<'_> {
    /// The same, free of the node as it was imagined.
    pub fn into_owned<'b>(self) -> Verdict<'b> {
        match self {
            Verdict::Kept(r) => Verdict::Own(r.clone()),
            Verdict::Own(r) => Verdict::Own(r),
            Verdict::Said(plugin, text, unresolvable) => Verdict::Said(plugin, text, unresolvable),
        }
    }

    pub fn plugin(&self) -> Plugin {
        match self {
            Verdict::Kept(r) => r.plugin,
            Verdict::Own(r) => r.plugin,
            Verdict::Said(plugin, ..) => *plugin,
        }
    }

    pub fn is_hopeless(&self) -> bool {
        match self {
            Verdict::Kept(r) => r.unresolvable,
            Verdict::Own(r) => r.unresolvable,
            Verdict::Said(_, _, unresolvable) => *unresolvable,
        }
    }

    pub fn reasons(&self) -> Vec<&str> {
        match self {
            Verdict::Kept(r) => r.reasons.iter().map(String::as_str).collect(),
            Verdict::Own(r) => r.reasons.iter().map(String::as_str).collect(),
            Verdict::Said(_, text, _) => vec![text],
        }
    }
}

impl Shape {
    fn new(pod: &Arc<Object>, spec: &PodSpec, view: &View<'_>) -> Shape {
        let mut keys: Vec<Key> = Vec::new();
        let mut key = |name: &str| number(&mut keys, name, &[]);
        let (constraints, need_all) = constraints(pod, spec, view, &mut key);
        let a = &spec.affinity;
        let wanted = a.pod_required.iter().map(|t| key(&t.topology_key)).collect();
        let avoided = a.anti_required.iter().map(|t| key(&t.topology_key)).collect();
        Shape {
            scored: scored_requests(pod),
            era: view.era(),
            matches_itself: a.pod_required.iter().all(|t| selects(t, pod, pod, view)),
            pod: pod.clone(),
            keys,
            constraints,
            need_all,
            wanted,
            avoided,
            // No node has been looked at.
            epoch: u64::MAX,
            locals: Vec::new(),
        }
    }

    fn is_of(&self, pod: &Object, spec: &PodSpec) -> bool {
        let (mine, other) = (&self.pod.meta, &pod.meta);
        mine.namespace == other.namespace
            && mine.labels == other.labels
            && mine.controller().map(|o| &o.uid) == other.controller().map(|o| &o.uid)
            && self.spec() == Some(spec)
            && self.scored == scored_requests(pod)
    }

    fn spec(&self) -> Option<&PodSpec> {
        self.pod.pod().map(|p| &*p.spec)
    }

    fn renew(&mut self, epoch: u64, nodes: &[&NodeInfo], view: &View<'_>) {
        if self.epoch != epoch {
            self.epoch = epoch;
            self.locals.clear();
            self.locals.resize_with(nodes.len(), Local::default);
            for key in &mut self.keys {
                key.place(nodes);
            }
        }
        for (at, info) in nodes.iter().enumerate() {
            if self.locals.get(at).is_some_and(|l| l.generation != info.generation) {
                let fresh = self.look_at(info, nodes, view);
                if let Some(slot) = self.locals.get_mut(at) {
                    *slot = fresh;
                }
            }
        }
    }

    /// One node anew, or as it would be with other pods on it.
    fn look_at(&mut self, info: &NodeInfo, nodes: &[&NodeInfo], view: &View<'_>) -> Local {
        let mut new_keys = Vec::new();
        let local = self.imagine(info, view, &mut new_keys);
        if new_keys.is_empty() {
            return local;
        }
        for name in new_keys {
            number(&mut self.keys, &name, nodes);
        }
        self.imagine(info, view, &mut Vec::new())
    }

    /// The node with what `info` says is on it. Topology keys of pods there that the shape does not know are put into
    /// `unknown` and left out.
    pub fn imagine(&self, info: &NodeInfo, view: &View<'_>, unknown: &mut Vec<String>) -> Local {
        let mut local = Local { generation: info.generation, ..Local::default() };
        let (Some(node), Some(spec)) = (&info.object, self.spec()) else { return local };
        let pod = &self.pod;
        local.exists = true;
        local.refusal = alone(spec, self.era, node, info);
        local.affine = matches_node(spec, node);
        local.tolerated = node.node().is_some_and(|n| untolerated(&n.taints, &spec.tolerations, false).is_none());
        local.base = scores::base(node, info, spec, self.scored);
        local.disliked = scores::disliked_taints(node, spec);
        local.preferred = scores::preferred_terms(node, spec);
        let a = &spec.affinity;
        local.matching = vec![0; self.constraints.len()];
        local.avoided = vec![0; a.anti_required.len()];
        let mut previous: Option<(&Constraint, i64)> = None;
        for (slot, c) in local.matching.iter_mut().zip(&self.constraints) {
            // The defaults share one selector: its pods are counted once.
            *slot = match previous {
                Some((p, n)) if p.selector == c.selector => n,
                _ => {
                    let here = |p: &Object| p.meta.namespace == pod.meta.namespace && !p.meta.is_deleting();
                    info.pods.values().filter(|p| here(p) && c.selector.matches(&p.meta.labels)).count() as i64
                }
            };
            previous = Some((c, *slot));
        }
        let mut weigh =
            |weights: &mut Vec<(usize, i64)>, name: &str, weight: i64| match self.keys.iter().position(|k| k.name == name) {
                Some(key) => weights.push((key, weight)),
                None => unknown.push(name.to_owned()),
            };
        let own = !(a.pod_required.is_empty()
            && a.anti_required.is_empty()
            && a.pod_preferred.is_empty()
            && a.anti_preferred.is_empty());
        for other in info.pods.values() {
            if own {
                // A pod counts towards affinity only where it satisfies all of the terms.
                local.wanted += i64::from(a.pod_required.iter().all(|t| selects(t, pod, other, view)));
                for (slot, term) in local.avoided.iter_mut().zip(&a.anti_required) {
                    *slot += i64::from(selects(term, pod, other, view));
                }
                let liked = a.pod_preferred.iter().map(|(w, t)| (i64::from(*w), t));
                for (weight, term) in liked.chain(a.anti_preferred.iter().map(|(w, t)| (-i64::from(*w), t))) {
                    if selects(term, pod, other, view) {
                        weigh(&mut local.weights, &term.topology_key, weight);
                    }
                }
            }
            let Some(theirs) = other.pod().map(|p| &p.spec.affinity) else { continue };
            for term in &theirs.anti_required {
                if selects(term, other, pod, view) {
                    let mut keys = Vec::new();
                    weigh(&mut keys, &term.topology_key, 0);
                    local.repels.extend(keys.iter().map(|(key, _)| *key));
                }
            }
            let required = theirs.pod_required.iter().map(|t| (HARD_WEIGHT, t));
            let liked = required.chain(theirs.pod_preferred.iter().map(|(w, t)| (i64::from(*w), t)));
            for (weight, term) in liked.chain(theirs.anti_preferred.iter().map(|(w, t)| (-i64::from(*w), t))) {
                if selects(term, other, pod, view) {
                    weigh(&mut local.weights, &term.topology_key, weight);
                }
            }
        }
        local
    }

    pub fn local(&self, at: usize) -> Option<&Local> {
        self.locals.get(at)
    }

    /// The domain of a node under a key.
    pub fn domain(&self, key: usize, at: usize) -> Option<usize> {
        let domain = self.keys.get(key)?.domain.get(at).copied()?;
        (domain != NOWHERE).then_some(domain as usize)
    }

    pub fn n_keys(&self) -> usize {
        self.keys.len()
    }

    pub fn n_domains(&self, key: usize) -> usize {
        self.keys.get(key).map_or(0, |k| k.n)
    }

    /// Whether the node has the keys of all constraints that are hard, or soft.
    pub fn has_keys(&self, hard: bool, at: usize) -> bool {
        self.constraints.iter().filter(|c| c.hard == hard).all(|c| self.domain(c.key, at).is_some())
    }

    /// Whether the constraint takes the node's pods into account.
    pub fn honours(&self, c: &Constraint, local: &Local) -> bool {
        (local.affine || !c.honor_affinity) && (local.tolerated || !c.honor_taints)
    }

    /// The existing nodes by position, the node at `changed` as given.
    fn all<'a>(&'a self, changed: Option<(usize, &'a Local)>) -> impl Iterator<Item = (usize, &'a Local)> {
        let pick = move |(at, local)| match changed {
            Some((other, instead)) if other == at => (at, instead),
            _ => (at, local),
        };
        self.locals.iter().enumerate().map(pick).filter(|(_, l)| l.exists)
    }

    /// The sums that the filters need; `changed` stands in for the node at that position.
    pub fn totals(&self, changed: Option<(usize, &Local)>) -> Totals {
        let empty = |keys: &[usize]| keys.iter().map(|k| vec![0; self.n_domains(*k)]).collect::<Vec<Vec<i64>>>();
        let mut totals = Totals {
            spread: Vec::new(),
            wanted: empty(&self.wanted),
            avoided: empty(&self.avoided),
            repelled: Vec::new(),
            may_be_first: false,
        };
        for (i, c) in self.constraints.iter().enumerate() {
            let mut sums: Vec<Option<i64>> = Vec::new();
            if c.hard {
                sums.resize(self.n_domains(c.key), None);
                for (at, local) in self.all(changed).filter(|(at, l)| self.honours(c, l) && self.has_keys(true, *at)) {
                    if let Some(slot) = self.domain(c.key, at).and_then(|d| sums.get_mut(d)) {
                        *slot = Some(slot.unwrap_or(0) + local.matching.get(i).copied().unwrap_or(0));
                    }
                }
            }
            totals.spread.push(sums);
        }
        let bump = |sums: Option<&mut Vec<i64>>, domain: Option<usize>, n: i64| {
            if let Some(slot) = sums.zip(domain).and_then(|(s, d)| s.get_mut(d)) {
                *slot += n;
            }
        };
        for (at, local) in self.all(changed) {
            if local.wanted > 0 {
                for (sums, key) in totals.wanted.iter_mut().zip(&self.wanted) {
                    bump(Some(sums), self.domain(*key, at), local.wanted);
                }
            }
            for ((sums, key), n) in totals.avoided.iter_mut().zip(&self.avoided).zip(&local.avoided) {
                bump(Some(sums), self.domain(*key, at), *n);
            }
            for key in &local.repels {
                if totals.repelled.is_empty() {
                    totals.repelled = empty(&(0..self.n_keys()).collect::<Vec<_>>());
                }
                bump(totals.repelled.get_mut(*key), self.domain(*key, at), 1);
            }
        }
        let nowhere = totals.wanted.iter().flatten().all(|n| *n == 0);
        totals.may_be_first = nowhere && self.matches_itself;
        totals
    }

    /// The first refusal of the node at `at`, `None` where a pod of this shape fits. Volumes are asked between the
    /// filters of the node alone and those that look at others.
    pub fn refuse<'a>(&self, at: usize, local: &'a Local, totals: &Totals, volumes: Option<&'static str>) -> Option<Verdict<'a>> {
        if let Some(refusal) = &local.refusal {
            return Some(Verdict::Kept(refusal));
        }
        if let Some(text) = volumes {
            return Some(Verdict::Said(Plugin::Volumes, text, true));
        }
        if let Some((text, unresolvable)) = self.spread(at, totals) {
            return Some(Verdict::Said(Plugin::Spread, text, unresolvable));
        }
        let (text, unresolvable) = self.affinity(at, totals)?;
        Some(Verdict::Said(Plugin::PodAffinity, text, unresolvable))
    }

    fn spread(&self, at: usize, totals: &Totals) -> Option<(&'static str, bool)> {
        for (c, sums) in self.constraints.iter().zip(&totals.spread).filter(|(c, _)| c.hard) {
            let Some(domain) = self.domain(c.key, at) else {
                return Some(("node(s) didn't match pod topology spread constraints (missing required label)", true));
            };
            let enough = c.min_domains.is_none_or(|n| sums.iter().flatten().count() as i64 >= n);
            let least = if enough { sums.iter().flatten().min().copied().unwrap_or(0) } else { 0 };
            let here = sums.get(domain).copied().flatten().unwrap_or(0);
            if here + c.self_match - least > c.max_skew {
                return Some(("node(s) didn't match pod topology spread constraints", false));
            }
        }
        None
    }

    fn affinity(&self, at: usize, totals: &Totals) -> Option<(&'static str, bool)> {
        let count = |key: usize, sums: &Vec<i64>| self.domain(key, at).and_then(|d| sums.get(d)).copied();
        let wanted = || self.wanted.iter().zip(&totals.wanted).map(|(key, sums)| count(*key, sums));
        if wanted().any(|n| n.is_none()) || !(totals.may_be_first || wanted().all(|n| n.is_some_and(|n| n > 0))) {
            return Some(("node(s) didn't match pod affinity rules", true));
        }
        if self.avoided.iter().zip(&totals.avoided).any(|(key, sums)| count(*key, sums).is_some_and(|n| n > 0)) {
            return Some(("node(s) didn't match pod anti-affinity rules", false));
        }
        if totals.repelled.iter().enumerate().any(|(key, sums)| count(key, sums).is_some_and(|n| n > 0)) {
            return Some(("node(s) didn't satisfy existing pods anti-affinity rules", false));
        }
        None
    }

    /// All existing nodes by position.
    pub fn nodes(&self) -> impl Iterator<Item = (usize, &Local)> {
        self.all(None)
    }
}

/// The number of a topology key, a new one where it has none.
fn number(keys: &mut Vec<Key>, name: &str, nodes: &[&NodeInfo]) -> usize {
    if let Some(at) = keys.iter().position(|k| k.name == name) {
        return at;
    }
    let mut key = Key { name: name.to_owned(), domain: Vec::new(), n: 0 };
    key.place(nodes);
    keys.push(key);
    keys.len() - 1
}

impl Key {
    fn place(&mut self, nodes: &[&NodeInfo]) {
        let mut numbers: VecMap<&str, u32> = VecMap::new();
        self.domain.clear();
        for info in nodes {
            let value = info.object.as_ref().and_then(|o| o.meta.labels.get(&self.name));
            let next = numbers.len() as u32;
            self.domain.push(value.map_or(NOWHERE, |v| *numbers.entry(v.as_str()).or_insert(next)));
        }
        self.n = numbers.len();
    }
}
