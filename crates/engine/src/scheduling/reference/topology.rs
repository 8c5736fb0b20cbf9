//! The reference's topology, counted in maps by name: spread constraints, pod affinity and anti-affinity: groups of pods counted by domain, and what they allow next.
//! Source: kubernetes-sigs/karpenter pkg/controllers/provisioning/scheduling/topology*.go v0.31.4 and v1.14.1.
//!
//! Where Karpenter takes any of several equal domains, the alphabetically first is taken here.

use super::cluster::Cluster;
use super::labels;
use super::pod_class::{Class, Shape};
use super::requirements::{Requirement, Requirements};
use super::rules::Preferences;
use crate::scheduling::topology::counting::{Domains, universe};
use crate::scheduling::topology::group::{Group, GroupKey, GroupKind, NodeFilter};
use objects::Era;
use objects::collections::{VecMap, VecSet};
use objects::selector::{Expression, Operator};
use objects::typed::{PodAffinityTerm, Taint};
use std::sync::Arc;

pub struct Topology<'a> {
    cluster: &'a Cluster,
    era: Era,
    /// Pods that are being placed: they do not count where they are now.
    moving: Vec<bool>,
    /// Nodes that take part.
    active: Vec<bool>,
    node_requirements: Vec<Requirements>,
    universe: VecMap<String, Domains>,
    groups: Vec<Group>,
    by_key: VecMap<GroupKey, usize>,
    inverse: Vec<Group>,
    inverse_by_key: VecMap<GroupKey, usize>,
}

impl<'a> Topology<'a> {
    pub fn new(cluster: &'a Cluster, moving: &[usize], active: Vec<bool>) -> Topology<'a> {
        let mut is_moving = vec![false; cluster.pods.len()];
        for i in moving {
            if let Some(slot) = is_moving.get_mut(*i) {
                *slot = true;
            }
        }
        let mut t = Topology {
            cluster,
            era: cluster.rules.era,
            moving: is_moving,
            active,
            node_requirements: cluster.nodes.iter().map(|n| Requirements::of_labels(&n.labels)).collect(),
            universe: VecMap::new(),
            groups: Vec::new(),
            by_key: VecMap::new(),
            inverse: Vec::new(),
            inverse_by_key: VecMap::new(),
        };
        t.count_inverse();
        t
    }

    /// Pods that stay where they are keep others away with their required anti-affinity.
    fn count_inverse(&mut self) {
        let cluster = self.cluster;
        for (i, pod) in cluster.pods.iter().enumerate() {
            let stays = pod.counts && !self.moving.get(i).copied().unwrap_or(false);
            let Some(node) = pod.node.and_then(|n| cluster.nodes.get(n)).filter(|_| stays) else { continue };
            for term in &pod.spec.affinity.anti_required {
                let group = self.inverse_group(&pod.namespace, term);
                if let Some(g) = self.inverse.get_mut(group)
                    && let Some(domain) = node.labels.get(&*g.key.key)
                {
                    g.record(&Arc::from(domain.as_str()));
                }
            }
        }
    }

    /// The groups that rule the shape and the inverse groups that it owns; both are made where they are new.
    pub fn groups_of(&mut self, shape: &Shape) -> (Vec<usize>, Vec<usize>) {
        let respect = self.cluster.rules.preferences == Preferences::Respect;
        let inverse = shape.affinity.anti_required.iter().map(|t| self.inverse_group(&shape.namespace, t)).collect();
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
        let mut groups: Vec<usize> = Vec::new();
        for (key, min_domains) in keys {
            let i = self.group(key, min_domains, shape);
            if !groups.contains(&i) {
                groups.push(i);
            }
        }
        (groups, inverse)
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

    fn group(&mut self, key: GroupKey, min_domains: Option<i64>, shape: &Shape) -> usize {
        if let Some(i) = self.by_key.get(&key) {
            return *i;
        }
        let domains = self.domains_for(&key, shape);
        let mut group = Group { min_domains, domains, ..Group::new(Arc::new(key.clone()), self.groups.len()) };
        self.count(&mut group);
        self.groups.push(group);
        self.by_key.insert(key, self.groups.len() - 1);
        self.groups.len() - 1
    }

    fn inverse_group(&mut self, namespace: &str, term: &PodAffinityTerm) -> usize {
        let key = self.affinity_key(GroupKind::AntiAffinity, namespace, term);
        if let Some(i) = self.inverse_by_key.get(&key) {
            return *i;
        }
        let domains = self.domains_for(&key, &Shape::default());
        self.inverse.push(Group { domains, ..Group::new(Arc::new(key.clone()), self.inverse.len()) });
        self.inverse_by_key.insert(key, self.inverse.len() - 1);
        self.inverse.len() - 1
    }

    fn domains_for(&mut self, key: &GroupKey, shape: &Shape) -> VecMap<Arc<str>, i64> {
        let cluster = self.cluster;
        let all = self.universe.entry(key.key.to_string()).or_insert_with(|| universe(cluster, &key.key));
        let reachable = |taints: &Vec<Vec<Taint>>| {
            !key.filter.honor_taints || taints.iter().any(|t| super::taints::tolerated(t, &shape.tolerations))
        };
        all.iter().filter(|(_, taints)| reachable(taints)).map(|(domain, _)| (domain.clone(), 0)).collect()
    }

    /// Counts the pods that stay.
    fn count(&self, group: &mut Group) {
        let cluster = self.cluster;
        let selector = group.key.selector.clone();
        if self.era == Era::V1 {
            let nodes = cluster.nodes.iter().zip(&self.node_requirements).zip(&self.active);
            for ((node, requirements), _) in nodes.filter(|((n, _), active)| **active && n.has_node) {
                if group.key.filter.matches(&node.node_taints, requirements, None)
                    && let Some(domain) = node.labels.get(&*group.key.key)
                {
                    group.domains.entry(Arc::from(domain.as_str())).or_insert(0);
                }
            }
        }
        for (i, pod) in cluster.pods.iter().enumerate() {
            let stays = pod.counts && !self.moving.get(i).copied().unwrap_or(false);
            // A missing selector selects nobody, but the listing that counts takes it for everybody.
            let counted = stays
                && group.key.namespaces.contains(&pod.namespace)
                && selector.as_ref().is_none_or(|s| s.matches(&pod.labels));
            let Some(n) = pod.node.filter(|_| counted) else { continue };
            let (Some(node), Some(requirements)) = (cluster.nodes.get(n), self.node_requirements.get(n)) else { continue };
            let fallback = || (&*group.key.key == labels::HOSTNAME).then_some(&node.name);
            let Some(domain) = node.labels.get(&*group.key.key).or_else(fallback).filter(|_| node.has_node) else { continue };
            if group.key.filter.matches(&node.node_taints, requirements, None) {
                group.record(&Arc::from(domain.as_str()));
            }
        }
    }

    /// Makes a host name known to the groups that exist.
    pub fn register(&mut self, key: &str, domain: &Arc<str>) {
        for group in self.groups.iter_mut().chain(&mut self.inverse).filter(|g| &*g.key.key == key) {
            group.domains.entry(domain.clone()).or_insert(0);
        }
    }

    /// Whether any group has a say about the class.
    pub fn concerns(&self, class: &Class) -> bool {
        self.ruling(class).next().is_some()
    }

    fn ruling<'t>(&'t self, class: &'t Class) -> impl Iterator<Item = &'t Group> {
        let owned = class.groups.iter().filter_map(|i| self.groups.get(*i));
        owned.chain(self.inverse.iter().filter(|g| g.selects(&class.shape)))
    }

    /// The node's requirements narrowed to the domains that every group allows, or the words for the group that allows
    /// none.
    pub fn narrow(&self, class: &Class, node: &Requirements) -> Result<Requirements, String> {
        let mut narrowed = node.clone();
        for group in self.ruling(class) {
            let key = &group.key.key;
            let any = || Arc::new(Requirement::exists(key));
            let pod_domains = class.strict.get(key).cloned().unwrap_or_else(any);
            let node_domains = node.get(key).cloned().unwrap_or_else(any);
            let allowed = group.next(self.era, &class.shape, &pod_domains, &node_domains);
            if allowed.is_empty() {
                return Err(group.refusal(self.era, &pod_domains, &node_domains));
            }
            narrowed.add(allowed);
        }
        Ok(narrowed)
    }

    /// Counts a pod of the class as placed.
    pub fn record(&mut self, class: &Class, taints: &[Taint], requirements: &Requirements, is_new: bool) {
        // Era v1 forgets to let well-known labels of a new claim stay open here.
        let allow = (is_new && self.era == Era::V1alpha5).then_some(self.era);
        for group in &mut self.groups {
            if !group.selects(&class.shape) || !group.key.filter.matches(taints, requirements, allow) {
                continue;
            }
            let Some(domains) = requirements.get(&group.key.key) else { continue };
            if group.key.kind == GroupKind::AntiAffinity {
                // Every domain where the pod may end up is taken.
                domains.values().for_each(|d| group.record(d));
            } else if let Some(domain) = domains.single() {
                group.record(domain);
            }
        }
        for i in &class.inverse {
            if let Some(group) = self.inverse.get_mut(*i)
                && let Some(domains) = requirements.get(&group.key.key)
            {
                domains.values().for_each(|d| group.record(d));
            }
        }
    }
}
