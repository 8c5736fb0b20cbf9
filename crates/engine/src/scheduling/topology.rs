//! Spread constraints, pod affinity and anti-affinity: groups of pods counted by domain, and what they allow next.
//! Source: kubernetes-sigs/karpenter pkg/controllers/provisioning/scheduling/topology*.go v0.31.4 and v1.14.1.
//!
//! Where Karpenter takes any of several equal domains, the alphabetically first is taken here.

pub(super) mod counting;
pub(super) mod group;

use super::cluster::Cluster;
use super::labels;
use super::pod_class::{Kind, Ruling};
use super::requirements::{Requirement, Requirements};
use super::rules::Preferences;
use counting::Counted;
use group::{Group, GroupKey, GroupKind, NodeFilter};
use objects::Era;
use objects::collections::{VecMap, VecSet};
use objects::selector::{Expression, LabelSelector, Operator};
use objects::typed::{PodAffinityTerm, Taint};
use std::sync::Arc;

/// Hosts by number: those of nodes, then those that a round gives to its claims.
#[derive(Debug, Default)]
pub struct Hosts {
    pub names: Vec<Arc<str>>,
    numbers: VecMap<Arc<str>, u32>,
    lasting: usize,
}

impl Hosts {
    pub fn number(&mut self, name: &str) -> u32 {
        if let Some(n) = self.numbers.get(name) {
            return *n;
        }
        let n = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        let name: Arc<str> = Arc::from(name);
        self.numbers.insert(name.clone(), n);
        self.names.push(name);
        n
    }

    /// The number of one that stays known.
    pub fn lasting(&self, name: &str) -> Option<u32> {
        self.numbers.get(name).copied().filter(|n| (*n as usize) < self.lasting)
    }

    /// The hosts known by now stay known.
    pub fn keep(&mut self) {
        self.lasting = self.names.len();
    }

    fn forget(&mut self) {
        if self.names.len() > self.lasting {
            self.names.truncate(self.lasting);
            self.numbers.retain(|_, n| (*n as usize) < self.lasting);
        }
    }
}

/// The groups of a cluster, and their counts in the present round.
pub struct Topology<'a> {
    cluster: &'a Cluster,
    era: Era,
    counted: Counted<'a>,
    pub hosts: Hosts,
    numbers: VecMap<Arc<GroupKey>, usize>,
    inverse_numbers: VecMap<Arc<GroupKey>, usize>,
    keys: Vec<Arc<GroupKey>>,
    inverse_keys: Vec<Arc<GroupKey>>,
    /// Required anti-affinity of pods that have a node: pod, node, and the inverse groups of its terms.
    keeping_away: Vec<(usize, usize, Vec<usize>)>,
    groups: Vec<Group>,
    inverse: Vec<Group>,
    /// Per number of a group its place among those of the round.
    here: Vec<Option<usize>>,
    inverse_here: Vec<Option<usize>>,
}

/// What a host's name means for a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnHost {
    Allowed,
    Refused,
    /// Refused whatever the round still does.
    Never,
}

impl<'a> Topology<'a> {
    pub fn new(cluster: &'a Cluster) -> Topology<'a> {
        let mut t = Topology {
            cluster,
            era: cluster.rules.era,
            counted: Counted::new(cluster),
            hosts: Hosts::default(),
            numbers: VecMap::new(),
            inverse_numbers: VecMap::new(),
            keys: Vec::new(),
            inverse_keys: Vec::new(),
            keeping_away: Vec::new(),
            groups: Vec::new(),
            inverse: Vec::new(),
            here: Vec::new(),
            inverse_here: Vec::new(),
        };
        for (i, pod) in cluster.pods.iter().enumerate().filter(|(_, p)| p.counts) {
            let terms = &pod.spec.affinity.anti_required;
            let Some(node) = pod.node.filter(|n| !terms.is_empty() && cluster.nodes.get(*n).is_some()) else { continue };
            let numbers = terms.iter().map(|term| t.inverse_number(&pod.namespace, term)).collect();
            t.keeping_away.push((i, node, numbers));
        }
        t
    }

    /// Starts a round. `moving` are pods that do not count where they are, `active` the nodes that take part.
    pub fn begin(&mut self, moving: &[usize], active: Vec<bool>) {
        self.hosts.forget();
        self.groups.clear();
        self.inverse.clear();
        self.here.fill(None);
        self.inverse_here.fill(None);
        self.counted.begin(moving, active);
        // Pods that stay where they are keep others away with their required anti-affinity.
        for (pod, node, numbers) in std::mem::take(&mut self.keeping_away) {
            if !self.counted.is_moving(pod) {
                for number in &numbers {
                    self.record_on_node(*number, node);
                }
            }
            self.keeping_away.push((pod, node, numbers));
        }
    }

    fn record_on_node(&mut self, number: usize, node: usize) {
        let place = self.inverse_place(number);
        let Some(key) = self.inverse_keys.get(number) else { return };
        let Some(domain) = self.cluster.nodes.get(node).and_then(|n| n.labels.get(&*key.key)) else { return };
        if key.is_host() {
            let host = self.hosts.number(domain);
            if let Some(group) = self.inverse.get_mut(place) {
                group.record_host(host);
            }
        } else if let Some(group) = self.inverse.get_mut(place) {
            group.record(&Arc::from(domain.as_str()));
        }
    }

    /// Finds the groups that rule the kind, with the `minDomains` of its constraint, and the inverse groups that it owns.
    pub fn introduce(&mut self, kind: &mut Kind) {
        let shape = &kind.shape;
        let respect = self.cluster.rules.preferences == Preferences::Respect;
        kind.inverse = shape.affinity.anti_required.iter().map(|t| self.inverse_number(&shape.namespace, t)).collect();
        let mut keys: Vec<(GroupKey, Option<i64>)> = Vec::new();
        for c in shape.spread.iter().filter(|c| respect || c.do_not_schedule) {
            let mut selector = c.selector.clone();
            if self.era == Era::V1
                && let Some(s) = &mut selector
            {
                let fixed = c.match_label_keys.iter().filter_map(|key| {
                    let values = vec![shape.labels.get(key)?.clone()];
                    Some(Expression { key: key.clone(), operator: Operator::In, values, min_values: None })
                });
                s.expressions.extend(fixed);
            }
            let key = GroupKey {
                kind: GroupKind::Spread,
                key: Arc::from(c.topology_key.as_str()),
                namespaces: VecSet::from([shape.namespace.clone()]),
                selector,
                max_skew: i64::from(c.max_skew),
                filter: NodeFilter::of(self.era, shape, c),
            };
            keys.push((key, c.min_domains.map(i64::from)));
        }
        let a = &shape.affinity;
        let soft = |list: &'_ [(i32, PodAffinityTerm)]| -> Vec<PodAffinityTerm> {
            if respect { list.iter().map(|(_, t)| t.clone()).collect() } else { Vec::new() }
        };
        for (kind, hard, soft) in [
            (GroupKind::Affinity, &a.pod_required, soft(&a.pod_preferred)),
            (GroupKind::AntiAffinity, &a.anti_required, soft(&a.anti_preferred)),
        ] {
            for term in hard.iter().chain(&soft) {
                keys.push((self.affinity_key(kind, &shape.namespace, term), None));
            }
        }
        for (key, min_domains) in keys {
            let number = match self.numbers.get(&key) {
                Some(n) => *n,
                None => {
                    let key = Arc::new(key);
                    self.numbers.insert(key.clone(), self.keys.len());
                    self.keys.push(key.clone());
                    self.here.push(None);
                    self.counted.prepare(&key, &shape.tolerations, &self.hosts);
                    self.keys.len() - 1
                }
            };
            if kind.groups.iter().all(|(n, _)| *n != number) {
                kind.groups.push((number, min_domains));
            }
        }
    }

    fn affinity_key(&self, kind: GroupKind, namespace: &str, term: &PodAffinityTerm) -> GroupKey {
        let mut namespaces: VecSet<String> = term.namespaces.iter().cloned().collect();
        match &term.namespace_selector {
            Some(s) => {
                let selected = self.cluster.namespaces.iter().filter(|(_, labels)| s.matches(labels));
                namespaces.extend(selected.map(|(name, _)| name.clone()));
            }
            None if namespaces.is_empty() => {
                namespaces.insert(namespace.to_owned());
            }
            None => {}
        }
        GroupKey {
            kind,
            key: Arc::from(term.topology_key.as_str()),
            namespaces,
            selector: term.selector.clone(),
            max_skew: i64::from(i32::MAX),
            filter: NodeFilter::default(),
        }
    }

    fn inverse_number(&mut self, namespace: &str, term: &PodAffinityTerm) -> usize {
        let key = self.affinity_key(GroupKind::AntiAffinity, namespace, term);
        if let Some(n) = self.inverse_numbers.get(&key) {
            return *n;
        }
        let key = Arc::new(key);
        self.inverse_numbers.insert(key.clone(), self.inverse_keys.len());
        self.inverse_keys.push(key);
        self.inverse_here.push(None);
        self.inverse_keys.len() - 1
    }

    /// Makes the kind's groups part of the round, where they are not yet.
    pub fn enter(&mut self, kind: &mut Kind) {
        for number in &kind.inverse {
            let place = self.inverse_place(*number);
            kind.round.inverse.push(place);
        }
        for (number, min_domains) in &kind.groups {
            let place = self.place(*number, *min_domains);
            let Some(group) = self.groups.get(place) else { continue };
            let own = group.selects(&kind.shape);
            kind.round.ruling.push(Ruling { group: place, is_inverse: false, is_host: group.key.is_host(), own });
        }
    }

    fn place(&mut self, number: usize, min_domains: Option<i64>) -> usize {
        if let Some(place) = self.here.get(number).copied().flatten() {
            return place;
        }
        let place = self.groups.len();
        if let Some(key) = self.keys.get(number).cloned() {
            let mut group = Group::new(key, number);
            group.min_domains = min_domains;
            self.counted.count(&mut group, &mut self.hosts);
            self.groups.push(group);
        }
        if let Some(here) = self.here.get_mut(number) {
            *here = Some(place);
        }
        place
    }

    fn inverse_place(&mut self, number: usize) -> usize {
        if let Some(place) = self.inverse_here.get(number).copied().flatten() {
            return place;
        }
        let place = self.inverse.len();
        if let Some(key) = self.inverse_keys.get(number).cloned() {
            let mut group = Group::new(key, number);
            self.counted.offer(&mut group, &mut self.hosts);
            self.inverse.push(group);
        }
        if let Some(here) = self.inverse_here.get_mut(number) {
            *here = Some(place);
        }
        place
    }

    /// Makes host names known to the groups that exist.
    pub fn register_hosts(&mut self, hosts: &[u32]) {
        for group in self.groups.iter_mut().chain(&mut self.inverse).filter(|g| g.key.is_host()) {
            hosts.iter().for_each(|host| group.register_host(*host));
        }
    }

    /// Lets the kind know groups that came up since it was last looked at.
    pub fn refresh(&self, kind: &mut Kind) {
        let round = &mut kind.round;
        if round.inverse_known == self.inverse.len() && round.groups_known == self.groups.len() {
            return;
        }
        for (i, group) in self.inverse.iter().enumerate().skip(round.inverse_known) {
            if group.selects(&kind.shape) {
                round.ruling.push(Ruling { group: i, is_inverse: true, is_host: group.key.is_host(), own: true });
            }
        }
        for (i, group) in self.groups.iter().enumerate().skip(round.groups_known) {
            if group.selects(&kind.shape) {
                round.counted_by.push(i);
            }
        }
        (round.inverse_known, round.groups_known) = (self.inverse.len(), self.groups.len());
    }

    fn ruling(&self, r: &Ruling) -> Option<&Group> {
        if r.is_inverse { self.inverse.get(r.group) } else { self.groups.get(r.group) }
    }

    /// Differs whenever an answer about the kind and domains other than hosts may.
    pub fn stamp(&self, kind: &Kind) -> u64 {
        let asked = kind.round.ruling.iter().filter(|r| !r.is_host);
        let versions = asked.filter_map(|r| self.ruling(r)).map(|g| g.version + (1 << 40));
        versions.sum::<u64>() + 1
    }

    pub fn on_host(&self, kind: &Kind, host: u32) -> OnHost {
        let pod = kind.strict.get(labels::HOSTNAME).map(|r| &**r);
        for r in kind.round.ruling.iter().filter(|r| r.is_host) {
            let Some(group) = self.ruling(r) else { continue };
            let (allowed, for_good) = group.host_allows(self.era, host, &self.hosts.names, r.own, pod);
            if !allowed {
                return if for_good { OnHost::Never } else { OnHost::Refused };
            }
        }
        OnHost::Allowed
    }

    /// The requirements narrowed to the domains that every group allows, hosts left out; `None` where one allows none.
    pub fn narrowed(&self, kind: &Kind, wanted: &Requirements, allowed: Option<Era>) -> Option<Requirements> {
        let mut groups = kind.round.ruling.iter().filter(|r| !r.is_host).filter_map(|r| self.ruling(r));
        let narrowed = self.narrow(kind, wanted, &mut groups, &mut |_, _, _| {})?;
        wanted.compatible(&narrowed, allowed).then(|| {
            let mut all = wanted.clone();
            all.add_all(&narrowed);
            all
        })
    }

    /// The words for the first group that refuses a node with these requirements, the host name among them.
    pub fn refusal(&self, kind: &Kind, wanted: &Requirements, era: Era) -> Option<String> {
        let spelled: Vec<Group> = kind
            .round
            .ruling
            .iter()
            .filter_map(|r| self.ruling(r))
            .map(|g| if g.key.is_host() { g.spelled(&self.hosts.names) } else { g.clone() })
            .collect();
        let mut words = None;
        let mut say = |group: &Group, pod: &Requirement, node: &Requirement| words = Some(group.refusal(era, pod, node));
        let narrowed = self.narrow(kind, wanted, &mut spelled.iter(), &mut say);
        words.or_else(|| {
            let narrowed = narrowed.filter(|n| !wanted.compatible(n, Some(era)))?;
            Some(wanted.incompatibility(&narrowed, true, era))
        })
    }

    fn narrow<'g>(
        &self,
        kind: &Kind,
        node: &Requirements,
        groups: &mut dyn Iterator<Item = &'g Group>,
        refused: &mut dyn FnMut(&Group, &Requirement, &Requirement),
    ) -> Option<Requirements> {
        let mut narrowed = node.clone();
        for group in groups {
            let key = &group.key.key;
            let any = || Arc::new(Requirement::exists(key));
            let pod_domains = kind.strict.get(key).cloned().unwrap_or_else(any);
            let node_domains = node.get(key).cloned().unwrap_or_else(any);
            let allowed = group.next(self.era, &kind.shape, &pod_domains, &node_domains);
            if allowed.is_empty() {
                refused(group, &pod_domains, &node_domains);
                return None;
            }
            narrowed.add(allowed);
        }
        Some(narrowed)
    }

    /// Counts a pod of the kind as placed on a host with these requirements.
    pub fn record(&mut self, kind: &mut Kind, taints: &[Taint], requirements: &Requirements, host: u32, is_new: bool) {
        self.refresh(kind);
        // Era v1 forgets to let well-known labels of a new claim stay open here.
        let allow = (is_new && self.era == Era::V1alpha5).then_some(self.era);
        let name = self.hosts.names.get(host as usize);
        let with_host = || {
            let mut all = requirements.clone();
            all.add(Requirement::is_in(labels::HOSTNAME, name));
            all
        };
        for i in &kind.round.counted_by {
            let Some(group) = self.groups.get_mut(*i) else { continue };
            if group.key.filter.is_open() || group.key.filter.matches(taints, &with_host(), allow) {
                record_in(group, requirements, host, group.key.kind == GroupKind::AntiAffinity);
            }
        }
        for i in &kind.round.inverse {
            if let Some(group) = self.inverse.get_mut(*i) {
                record_in(group, requirements, host, true);
            }
        }
    }
}

/// Counts in the only domain that is left, or (`in_all`) in every one where the pod may end up.
fn record_in(group: &mut Group, requirements: &Requirements, host: u32, in_all: bool) {
    if group.key.is_host() {
        return group.record_host(host);
    }
    let Some(domains) = requirements.get(&group.key.key) else { return };
    if in_all {
        domains.values().for_each(|d| group.record(d));
    } else if let Some(domain) = domains.single() {
        group.record(domain);
    }
}

/// Whether a selector selects labels; a missing one selects nothing.
fn selects(selector: Option<&LabelSelector>, labels: &VecMap<String, String>) -> bool {
    selector.is_some_and(|s| s.matches(labels))
}
