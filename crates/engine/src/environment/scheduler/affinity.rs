//! Affinity and anti-affinity between pods: whom a term means.
//!
//! Source: kubernetes pkg/scheduler/framework/plugins/interpodaffinity/{filtering,scoring}.go, v1.28.

use crate::View;
use objects::typed::PodAffinityTerm;
use objects::{Kind, Object};

/// Required affinity of existing pods towards the incoming one counts this much in scores.
pub(super) const HARD_WEIGHT: i64 = 1;

/// Whether the term of `holder` means `other`: namespaces, then labels.
pub(super) fn selects(term: &PodAffinityTerm, holder: &Object, other: &Object, view: &View<'_>) -> bool {
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
