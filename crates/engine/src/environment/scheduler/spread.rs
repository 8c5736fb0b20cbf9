//! Topology spread: the hard constraints as a filter, the soft ones and the cluster's defaults as counts for scores.
//!
//! Source: kubernetes pkg/scheduler/framework/plugins/podtopologyspread/{filtering,scoring,common,plugin}.go, v1.28.

use super::cache::{Cache, NodeInfo};
use super::filters::matches_node;
use crate::View;
use crate::environment::workloads_owner::controller_of;
use objects::collections::{VecMap, VecSet};
use objects::selector::{Expression, LabelSelector};
use objects::typed::{PodSpec, SpreadConstraint, untolerated};
use objects::{DocExt, Kind, Object};

const HOSTNAME: &str = "kubernetes.io/hostname";
const ZONE: &str = "topology.kubernetes.io/zone";

/// One constraint with the matching pods of each domain.
pub(super) struct Counted {
    pub constraint: SpreadConstraint,
    selector: LabelSelector,
    pub counts: VecMap<String, i64>,
    /// Matching pods of each node, for constraints whose domains are nodes.
    by_node: VecMap<String, i64>,
    /// The pod itself counts once it is placed.
    self_match: i64,
}

#[derive(Default)]
pub(super) struct SpreadState {
    hard: Vec<Counted>,
}

impl SpreadState {
    pub fn hard(pod: &Object, spec: &PodSpec, cache: &Cache) -> SpreadState {
        let constraints: Vec<Counted> = spec.spread.iter().filter(|c| c.do_not_schedule).map(|c| counted(c, pod)).collect();
        SpreadState { hard: count(constraints, pod, spec, cache, true) }
    }

    /// (reason, unresolvable) where a constraint forbids `node`.
    pub fn refuse(&self, node: &Object) -> Option<(&'static str, bool)> {
        for c in &self.hard {
            let Some(domain) = node.meta.labels.get(&c.constraint.topology_key) else {
                return Some(("node(s) didn't match pod topology spread constraints (missing required label)", true));
            };
            let enough = c.constraint.min_domains.is_none_or(|n| c.counts.len() as i64 >= i64::from(n));
            let least = if enough { c.counts.values().min().copied().unwrap_or(0) } else { 0 };
            let here = c.counts.get(domain).copied().unwrap_or(0);
            if here + c.self_match - least > i64::from(c.constraint.max_skew) {
                return Some(("node(s) didn't match pod topology spread constraints", false));
            }
        }
        None
    }
}

/// The soft constraints of the pod, or the cluster's defaults where it has no constraint at all, counted over the
/// domains that `feasible` nodes are in. The flag says whether a node needs all labels to be scored.
pub(super) fn soft(pod: &Object, spec: &PodSpec, cache: &Cache, feasible: &[&Object], view: &View<'_>) -> (Vec<Counted>, bool) {
    let own = !spec.spread.is_empty();
    let constraints: Vec<Counted> = if own {
        spec.spread.iter().filter(|c| !c.do_not_schedule).map(|c| counted(c, pod)).collect()
    } else {
        defaults(pod, view)
    };
    if constraints.is_empty() {
        return (constraints, own);
    }
    let mut counted = count(constraints, pod, spec, cache, own);
    for c in &mut counted {
        let domains: VecSet<&String> = feasible.iter().filter_map(|n| n.meta.labels.get(&c.constraint.topology_key)).collect();
        c.counts.retain(|d, _| domains.contains(d));
        for domain in domains {
            c.counts.entry(domain.clone()).or_insert(0);
        }
    }
    (counted, own)
}

impl Counted {
    /// Matching pods in the domain of `node`; per node for the hostname, whose domains are nodes.
    pub fn on(&self, node: &Object) -> Option<i64> {
        let domain = node.meta.labels.get(&self.constraint.topology_key)?;
        if self.constraint.topology_key == HOSTNAME {
            return Some(self.by_node.get(&node.meta.name).copied().unwrap_or(0));
        }
        Some(self.counts.get(domain).copied().unwrap_or(0))
    }

    pub fn is_hostname(&self) -> bool {
        self.constraint.topology_key == HOSTNAME
    }
}

fn counted(constraint: &SpreadConstraint, pod: &Object) -> Counted {
    let mut selector = constraint.selector.clone();
    if let Some(s) = &mut selector {
        for key in &constraint.match_label_keys {
            if let Some(value) = pod.meta.labels.get(key) {
                s.expressions.push(Expression {
                    key: key.clone(),
                    operator: objects::selector::Operator::In,
                    values: vec![value.clone()],
                    min_values: None,
                });
            }
        }
    }
    // An absent selector selects nothing.
    let none =
        Expression { key: String::new(), operator: objects::selector::Operator::Exists, values: Vec::new(), min_values: None };
    let selector = selector.unwrap_or(LabelSelector { expressions: vec![none], ..LabelSelector::default() });
    let self_match = i64::from(selector.matches(&pod.meta.labels));
    Counted { constraint: constraint.clone(), selector, counts: VecMap::new(), by_node: VecMap::new(), self_match }
}

/// Fills in the counts over the nodes that the constraint takes into account.
fn count(mut constraints: Vec<Counted>, pod: &Object, spec: &PodSpec, cache: &Cache, need_all: bool) -> Vec<Counted> {
    if constraints.is_empty() {
        return constraints;
    }
    for (node, info) in cache.existing() {
        if need_all && !constraints.iter().all(|c| node.meta.labels.contains_key(&c.constraint.topology_key)) {
            continue;
        }
        let affine = matches_node(spec, node);
        let tolerated = node.node().is_some_and(|n| untolerated(&n.taints, &spec.tolerations, false).is_none());
        // The defaults share one selector: its pods are counted once.
        let mut counted: Option<(LabelSelector, i64)> = None;
        for c in &mut constraints {
            let honoured = (affine || !c.constraint.honor_affinity) && (tolerated || !c.constraint.honor_taints);
            let Some(domain) = node.meta.labels.get(&c.constraint.topology_key) else {
                continue;
            };
            if !honoured && !c.is_hostname() {
                continue;
            }
            let n = match &counted {
                Some((selector, n)) if *selector == c.selector => *n,
                _ => {
                    let n = matching(info, &c.selector, &pod.meta.namespace);
                    counted = Some((c.selector.clone(), n));
                    n
                }
            };
            if honoured {
                *c.counts.entry(domain.clone()).or_insert(0) += n;
            }
            if c.is_hostname() {
                c.by_node.insert(node.meta.name.clone(), n);
            }
        }
    }
    constraints
}

fn matching(info: &NodeInfo, selector: &LabelSelector, namespace: &str) -> i64 {
    let hit = |p: &Object| p.meta.namespace == namespace && !p.meta.is_deleting() && selector.matches(&p.meta.labels);
    info.pods.values().filter(|p| hit(p)).count() as i64
}

/// Hostname within 3 and zone within 5, both soft, over the pods of the same services and controller.
fn defaults(pod: &Object, view: &View<'_>) -> Vec<Counted> {
    let mut selector = LabelSelector::default();
    for service in view.store.list(Kind::Service).filter(|s| s.meta.namespace == pod.meta.namespace) {
        let wanted = service.doc.strings_at("spec.selector");
        if !wanted.is_empty() && wanted.iter().all(|(k, v)| pod.meta.labels.get(k) == Some(v)) {
            selector.match_labels.extend(wanted);
        }
    }
    if let Some(owner) = controller_of(pod, view).filter(|o| matches!(o.kind, Kind::ReplicaSet | Kind::StatefulSet))
        && let Some(w) = owner.workload()
    {
        selector.match_labels.extend(w.selector.match_labels.clone());
        selector.expressions.extend(w.selector.expressions.clone());
    }
    if selector == LabelSelector::default() {
        return Vec::new();
    }
    let constraint = |key: &str, skew: i32| SpreadConstraint {
        topology_key: key.to_owned(),
        max_skew: skew,
        do_not_schedule: false,
        selector: Some(selector.clone()),
        min_domains: None,
        honor_affinity: true,
        honor_taints: false,
        match_label_keys: Vec::new(),
    };
    [constraint(HOSTNAME, 3), constraint(ZONE, 5)].iter().map(|c| counted(c, pod)).collect()
}
