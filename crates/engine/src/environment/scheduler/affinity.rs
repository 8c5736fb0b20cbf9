//! Affinity and anti-affinity between pods: required terms as a filter, preferred ones as a score.
//!
//! Source: kubernetes pkg/scheduler/framework/plugins/interpodaffinity/{filtering,scoring}.go, v1.28.

use super::cache::Cache;
use crate::View;
use objects::collections::{VecMap, VecSet};
use objects::typed::{PodAffinityTerm, PodSpec};
use objects::{Kind, Object};

/// Required affinity of existing pods towards the incoming one counts this much in scores.
const HARD_WEIGHT: i64 = 1;

#[derive(Default)]
pub(super) struct PodAffinityState {
    /// (topology key, domain) pairs where all, or none, of the terms find a pod.
    wanted: Vec<(String, VecSet<String>)>,
    /// The pod matches its own affinity terms and no pod in the cluster does: it may be the first.
    may_be_first: bool,
    avoided: Vec<(String, VecSet<String>)>,
    repelled: VecSet<(String, String)>,
}

impl PodAffinityState {
    pub fn required(pod: &Object, spec: &PodSpec, cache: &Cache, view: &View<'_>) -> PodAffinityState {
        let mut state = PodAffinityState::default();
        for other in cache.repelling.values() {
            let terms = other.pod().map(|p| p.spec.affinity.anti_required.as_slice()).unwrap_or_default();
            let Some(labels) = cache.labels_of(other) else {
                continue;
            };
            for term in terms.iter().filter(|t| selects(t, other, pod, view)) {
                if let Some(domain) = labels.get(&term.topology_key) {
                    state.repelled.insert((term.topology_key.clone(), domain.clone()));
                }
            }
        }
        let a = &spec.affinity;
        if a.pod_required.is_empty() && a.anti_required.is_empty() {
            return state;
        }
        state.wanted = a.pod_required.iter().map(|t| (t.topology_key.clone(), VecSet::new())).collect();
        state.avoided = a.anti_required.iter().map(|t| (t.topology_key.clone(), VecSet::new())).collect();
        for (node, info) in cache.existing() {
            for other in info.pods.values() {
                // A pod counts towards affinity only where it satisfies all of the terms.
                if !a.pod_required.is_empty() && a.pod_required.iter().all(|t| selects(t, pod, other, view)) {
                    for (key, domains) in &mut state.wanted {
                        domains.extend(node.meta.labels.get(key).cloned());
                    }
                }
                for (term, (key, domains)) in a.anti_required.iter().zip(&mut state.avoided) {
                    if selects(term, pod, other, view) {
                        domains.extend(node.meta.labels.get(key).cloned());
                    }
                }
            }
        }
        let nowhere = state.wanted.iter().all(|(_, d)| d.is_empty());
        state.may_be_first = nowhere && a.pod_required.iter().all(|t| selects(t, pod, pod, view));
        state
    }

    /// (reason, unresolvable) where a term forbids `node`.
    pub fn refuse(&self, node: &Object) -> Option<(&'static str, bool)> {
        let labels = &node.meta.labels;
        let has_keys = self.wanted.iter().all(|(key, _)| labels.contains_key(key));
        let found = self.wanted.iter().all(|(key, domains)| labels.get(key).is_some_and(|d| domains.contains(d)));
        if !self.wanted.is_empty() && (!has_keys || !(found || self.may_be_first)) {
            return Some(("node(s) didn't match pod affinity rules", true));
        }
        if self.avoided.iter().any(|(key, domains)| labels.get(key).is_some_and(|d| domains.contains(d))) {
            return Some(("node(s) didn't match pod anti-affinity rules", false));
        }
        if self.repelled.iter().any(|(key, domain)| labels.get(key) == Some(domain)) {
            return Some(("node(s) didn't satisfy existing pods anti-affinity rules", false));
        }
        None
    }
}

/// Weight sums by (topology key, domain), for scores.
pub(super) fn preferences(pod: &Object, spec: &PodSpec, cache: &Cache, view: &View<'_>) -> VecMap<(String, String), i64> {
    let mut sums: VecMap<(String, String), i64> = VecMap::new();
    let mut add = |labels: &VecMap<String, String>, term: &PodAffinityTerm, weight: i64| {
        if let Some(domain) = labels.get(&term.topology_key) {
            *sums.entry((term.topology_key.clone(), domain.clone())).or_insert(0) += weight;
        }
    };
    let a = &spec.affinity;
    let mine = a.pod_preferred.iter().map(|(w, t)| (i64::from(*w), t));
    let mine: Vec<(i64, &PodAffinityTerm)> = mine.chain(a.anti_preferred.iter().map(|(w, t)| (-i64::from(*w), t))).collect();
    if !mine.is_empty() {
        for (node, info) in cache.existing() {
            for other in info.pods.values() {
                for (weight, term) in mine.iter().filter(|(_, t)| selects(t, pod, other, view)) {
                    add(&node.meta.labels, term, *weight);
                }
            }
        }
    }
    for other in cache.affine.values() {
        let (Some(p), Some(labels)) = (other.pod(), cache.labels_of(other)) else {
            continue;
        };
        let theirs = &p.spec.affinity;
        let terms = theirs.pod_required.iter().map(|t| (HARD_WEIGHT, t));
        let terms = terms.chain(theirs.pod_preferred.iter().map(|(w, t)| (i64::from(*w), t)));
        for (weight, term) in terms.chain(theirs.anti_preferred.iter().map(|(w, t)| (-i64::from(*w), t))) {
            if selects(term, other, pod, view) {
                add(labels, term, weight);
            }
        }
    }
    sums.retain(|_, w| *w != 0);
    sums
}

/// Whether the term of `holder` means `other`: namespaces, then labels.
fn selects(term: &PodAffinityTerm, holder: &Object, other: &Object, view: &View<'_>) -> bool {
    if !term.selector.as_ref().is_some_and(|s| s.matches(&other.meta.labels)) {
        return false;
    }
    let namespace = &other.meta.namespace;
    if term.namespaces.is_empty() && term.namespace_selector.is_none() {
        return namespace == &holder.meta.namespace;
    }
    let by_labels = || {
        let labels = view.store.cluster(Kind::Namespace, namespace).map(|n| &n.meta.labels);
        term.namespace_selector.as_ref().zip(labels).is_some_and(|(s, l)| s.matches(l))
    };
    term.namespaces.contains(namespace) || by_labels()
}
