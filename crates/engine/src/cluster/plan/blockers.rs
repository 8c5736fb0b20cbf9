//! What stands in the way of a disruption, by name.

use crate::View;
use crate::controllers::{Closed, DO_NOT_CONSOLIDATE, DO_NOT_EVICT};
use crate::scheduling::input::{is_protected, is_unready};
use objects::{Era, Kind, Object};

const DO_NOT_DISRUPT: &str = "karpenter.sh/do-not-disrupt";

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Blocker {
    /// A PodDisruptionBudget allows no eviction of the pod now.
    Pdb { pdb: String, pod: String },
    /// Two or more cover the pod, which the eviction API refuses.
    Pdbs { pdbs: Vec<String>, pod: String },
    /// An annotation on the node, or on a pod of it.
    Annotation { annotation: &'static str, pod: Option<String> },
    /// The pool's disruption budget.
    Budget { pool: String, reason: &'static str, closed: Closed },
}

/// What the node and its pods say against their disruption.
pub fn of_node(node: &Object, view: &View<'_>) -> Vec<Blocker> {
    let mut found = Vec::new();
    let says = |o: &Object, key: &str| o.meta.annotations.get(key).map(String::as_str) == Some("true");
    for annotation in [DO_NOT_DISRUPT, DO_NOT_CONSOLIDATE].into_iter().filter(|key| says(node, key)) {
        found.push(Blocker::Annotation { annotation, pod: None });
    }
    for pod in view.store.pods_on(&node.meta.name) {
        let Some(typed) = pod.pod().filter(|p| !p.is_static() && !p.is_terminal() && !pod.meta.is_deleting()) else { continue };
        let annotation = match view.era() {
            Era::V1 => is_protected(pod, view.unix_ms()).then_some(DO_NOT_DISRUPT),
            Era::V1alpha5 => [DO_NOT_EVICT, DO_NOT_DISRUPT].into_iter().find(|key| says(pod, key)),
        };
        if let Some(annotation) = annotation.filter(|_| view.era() == Era::V1 || !typed.is_daemon()) {
            found.push(Blocker::Annotation { annotation, pod: Some(pod.key().to_string()) });
        }
        if !typed.is_daemon() {
            found.extend(budget(pod, view));
        }
    }
    found
}

fn budget(pod: &Object, view: &View<'_>) -> Option<Blocker> {
    let covers = |b: &&std::sync::Arc<Object>| {
        let selector = b.pdb().and_then(|p| p.selector.as_ref());
        selector.is_some_and(|s| s.matches(&pod.meta.labels))
    };
    let all: Vec<_> = view.store.list_in(Kind::PodDisruptionBudget, &pod.meta.namespace).filter(covers).collect();
    let blocks =
        |b: &Object| b.pdb().is_some_and(|p| p.disruptions_allowed <= 0 && !(p.always_allow_unhealthy && is_unready(pod)));
    let pod = pod.key().to_string();
    match all.as_slice() {
        [] => None,
        [one] => blocks(one).then(|| Blocker::Pdb { pdb: one.key().to_string(), pod }),
        _ => Some(Blocker::Pdbs { pdbs: all.iter().map(|b| b.key().to_string()).collect(), pod }),
    }
}
