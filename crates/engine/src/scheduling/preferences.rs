//! Giving up what a pod only prefers, one step at a time, in Karpenter's order.
//! Source: kubernetes-sigs/karpenter pkg/controllers/provisioning/scheduling/preferences.go v0.31.4 and v1.14.1.

use super::pod_class::Shape;
use super::text;
use objects::collections::Order as _;
use objects::typed::Toleration;

/// The shape with one preference less and what was given up, in Karpenter's words; `None` where nothing is left.
pub fn relax(shape: &Shape, tolerate_prefer_no_schedule: bool) -> Option<(Shape, String)> {
    let mut s = shape.clone();
    let reason = required_node_term(&mut s)
        .or_else(|| preferred_pod_term(&mut s.affinity.pod_preferred, "podAffinity"))
        .or_else(|| preferred_pod_term(&mut s.affinity.anti_preferred, "podAntiAffinity"))
        .or_else(|| preferred_node_term(&mut s))
        .or_else(|| schedule_anyway(&mut s))
        .or_else(|| if tolerate_prefer_no_schedule { tolerate_prefer(&mut s) } else { None })?;
    Some((s, reason))
}

const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution[0]";

/// Terms are alternatives, so all but the last may go. Also used for DaemonSets, whose other preferences do not matter.
pub fn required_node_term(s: &mut Shape) -> Option<String> {
    if s.affinity.node_required.len() < 2 {
        return None;
    }
    let term = s.affinity.node_required.remove(0);
    let json = text::node_term(&term);
    Some(format!("removing: spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution[0]={json}"))
}

fn preferred_pod_term(terms: &mut Vec<(i32, objects::typed::PodAffinityTerm)>, kind: &str) -> Option<String> {
    terms.order_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    let (weight, term) = terms.first()?;
    let json = text::preferred_pod_term(*weight, term);
    terms.remove(0);
    Some(format!("removing: spec.affinity.{kind}.{PREFERRED}={json}"))
}

fn preferred_node_term(s: &mut Shape) -> Option<String> {
    let terms = &mut s.affinity.node_preferred;
    terms.order_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    let (weight, term) = terms.first()?;
    let json = text::preferred_node_term(*weight, term);
    terms.remove(0);
    Some(format!("removing: spec.affinity.nodeAffinity.{PREFERRED}={json}"))
}

fn schedule_anyway(s: &mut Shape) -> Option<String> {
    let i = s.spread.iter().position(|c| !c.do_not_schedule)?;
    // The last constraint takes the place of the one that goes.
    let gone = s.spread.swap_remove(i);
    Some(format!("removing: spec.topologySpreadConstraints = {}", text::spread(&gone)))
}

/// A toleration for every PreferNoSchedule taint.
pub fn tolerate_prefer(s: &mut Shape) -> Option<String> {
    let all = Toleration {
        key: String::new(),
        exists: true,
        value: String::new(),
        effect: "PreferNoSchedule".to_owned(),
        seconds: None,
    };
    let same = |t: &Toleration| t.key.is_empty() && t.exists && t.value.is_empty() && t.effect == all.effect;
    if s.tolerations.iter().any(same) {
        return None;
    }
    s.tolerations.push(all);
    Some("adding: toleration for PreferNoSchedule taints".to_owned())
}
