//! Topology spread: the pod's own constraints, or the cluster's defaults where it has none.
//!
//! Source: kubernetes pkg/scheduler/framework/plugins/podtopologyspread/{common,plugin}.go, v1.28.

use crate::View;
use crate::environment::workloads_owner::controller_of;
use objects::selector::{Expression, LabelSelector, Operator};
use objects::typed::{PodSpec, SpreadConstraint};
use objects::{DocExt, Kind, Object};

pub(super) const HOSTNAME: &str = "kubernetes.io/hostname";
const ZONE: &str = "topology.kubernetes.io/zone";

/// A constraint as it holds for pods of one shape.
#[derive(Clone, Debug)]
pub(super) struct Constraint {
    /// Position of the topology key among the shape's keys.
    pub key: usize,
    pub is_hostname: bool,
    pub max_skew: i64,
    pub min_domains: Option<i64>,
    pub hard: bool,
    pub honor_affinity: bool,
    pub honor_taints: bool,
    pub selector: LabelSelector,
    /// The pod itself counts once it is placed.
    pub self_match: i64,
}

/// The constraints of `pod`, and whether a node needs the keys of all soft ones to be scored: `key` numbers topology
/// keys.
pub(super) fn constraints(
    pod: &Object,
    spec: &PodSpec,
    view: &View<'_>,
    key: &mut dyn FnMut(&str) -> usize,
) -> (Vec<Constraint>, bool) {
    let own = !spec.spread.is_empty();
    let defaults = if own { Vec::new() } else { defaults(pod, view) };
    let list = if own { &spec.spread } else { &defaults };
    let mut out = Vec::new();
    for c in list {
        let selector = selector(c, pod);
        out.push(Constraint {
            key: key(&c.topology_key),
            is_hostname: c.topology_key == HOSTNAME,
            max_skew: i64::from(c.max_skew),
            min_domains: c.min_domains.map(i64::from),
            hard: c.do_not_schedule,
            honor_affinity: c.honor_affinity,
            honor_taints: c.honor_taints,
            self_match: i64::from(selector.matches(&pod.meta.labels)),
            selector,
        });
    }
    (out, own)
}

fn selector(constraint: &SpreadConstraint, pod: &Object) -> LabelSelector {
    let Some(mut selector) = constraint.selector.clone() else {
        // An absent selector selects nothing.
        let none = Expression { key: String::new(), operator: Operator::Exists, values: Vec::new(), min_values: None };
        return LabelSelector { expressions: vec![none], ..LabelSelector::default() };
    };
    for key in &constraint.match_label_keys {
        if let Some(value) = pod.meta.labels.get(key) {
            let values = vec![value.clone()];
            selector.expressions.push(Expression { key: key.clone(), operator: Operator::In, values, min_values: None });
        }
    }
    selector
}

/// Hostname within 3 and zone within 5, both soft, over the pods of the same services and controller.
fn defaults(pod: &Object, view: &View<'_>) -> Vec<SpreadConstraint> {
    let mut selector = LabelSelector::default();
    for service in view.store.list_in(Kind::Service, &pod.meta.namespace) {
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
    let constraint = |(key, max_skew): (&str, i32)| SpreadConstraint {
        topology_key: key.to_owned(),
        max_skew,
        do_not_schedule: false,
        selector: Some(selector.clone()),
        min_domains: None,
        honor_affinity: true,
        honor_taints: false,
        match_label_keys: Vec::new(),
    };
    vec![constraint((HOSTNAME, 3)), constraint((ZONE, 5))]
}
