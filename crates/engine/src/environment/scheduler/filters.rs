//! What one node says to a pod before other nodes matter, and whether a change of a node can help a pod that waits.
//!
//! Source: kubernetes pkg/scheduler/framework/plugins/{nodeunschedulable,nodename,tainttoleration,nodeaffinity,nodeports,
//! noderesources}, v1.27 and v1.35, in the default plugins' order.

use super::cache::NodeInfo;
use crate::environment::workloads::target_node;
use objects::collections::{Order as _, VecSet};
use objects::resources::PODS;
use objects::typed::{NodeSelectorTerm, PodSpec, Taint, untolerated};
use objects::{DocExt, Era, Object};

/// The plugin that refused; requeueing depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Plugin {
    Unschedulable,
    Taints,
    NodeAffinity,
    Ports,
    Resources,
    Volumes,
    Spread,
    PodAffinity,
}

/// Why a node was refused. `unresolvable`: no preemption can help.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Refusal {
    pub plugin: Plugin,
    pub reasons: Vec<String>,
    pub unresolvable: bool,
}

impl Refusal {
    pub fn new(plugin: Plugin, reason: impl Into<String>, unresolvable: bool) -> Refusal {
        Refusal { plugin, reasons: vec![reason.into()], unresolvable }
    }
}

/// The first refusal of the filters that look at this node alone, `None` where the pod passes them.
pub(super) fn alone(spec: &PodSpec, era: Era, node: &Object, info: &NodeInfo) -> Option<Refusal> {
    let facts = node.node()?;
    let taint = Taint::new("node.kubernetes.io/unschedulable", "", "NoSchedule");
    if facts.unschedulable && !spec.tolerations.iter().any(|t| t.tolerates(&taint)) {
        return Some(Refusal::new(Plugin::Unschedulable, "node(s) were unschedulable", true));
    }
    if let Some(taint) = untolerated(&facts.taints, &spec.tolerations, false) {
        let text = match era {
            Era::V1alpha5 => format!("node(s) had untolerated taint {{{}: {}}}", taint.key, taint.value),
            Era::V1 => "node(s) had untolerated taint(s)".to_owned(),
        };
        return Some(Refusal::new(Plugin::Taints, text, true));
    }
    if !matches_node(spec, node) {
        return Some(Refusal::new(Plugin::NodeAffinity, "node(s) didn't match Pod's node affinity/selector", true));
    }
    if ports_clash(spec, info) {
        return Some(Refusal::new(Plugin::Ports, "node(s) didn't have free ports for the requested pod ports", false));
    }
    resources(spec, era, node, info)
}

/// All resources that fall short, not just the first.
fn resources(spec: &PodSpec, era: Era, node: &Object, info: &NodeInfo) -> Option<Refusal> {
    let allocatable = &node.node()?.allocatable;
    let mut reasons = Vec::new();
    let mut unresolvable = false;
    if info.pods.len() as i64 + 1 > allocatable.get(PODS) {
        reasons.push("Too many pods".to_owned());
    }
    let short = |name: &str| {
        let want = spec.requests.get(name);
        want > 0 && want > allocatable.get(name) - info.requested.get(name)
    };
    let mut names: Vec<&String> = spec.requests.0.keys().filter(|n| short(n)).collect();
    // cpu, memory and ephemeral storage first, extended resources after them.
    names.order_by_key(|n| (["cpu", "memory", "ephemeral-storage"].iter().position(|m| m == n).unwrap_or(3), *n));
    for name in names {
        reasons.push(format!("Insufficient {name}"));
        // Since 1.31 a request beyond the whole node is known to be hopeless.
        unresolvable |= era == Era::V1 && spec.requests.get(name) > allocatable.get(name);
    }
    (!reasons.is_empty()).then_some(Refusal { plugin: Plugin::Resources, reasons, unresolvable })
}

/// Node selector and required node affinity.
pub(super) fn matches_node(spec: &PodSpec, node: &Object) -> bool {
    let labels = &node.meta.labels;
    let term = |t: &NodeSelectorTerm| {
        (!t.expressions.is_empty() || t.has_match_fields) && t.expressions.iter().all(|e| e.matches(labels))
    };
    let required = &spec.affinity.node_required;
    spec.node_selector.iter().all(|(k, v)| labels.get(k) == Some(v)) && (required.is_empty() || required.iter().any(term))
}

/// Host ports on the same protocol clash where their addresses are equal or one is a wildcard.
fn ports_clash(spec: &PodSpec, info: &NodeInfo) -> bool {
    if spec.host_ports.is_empty() {
        return false;
    }
    let any = |ip: &str| ip.is_empty() || ip == "0.0.0.0";
    let used: VecSet<_> = info.pods.values().filter_map(|p| p.pod()).flat_map(|p| &p.spec.host_ports).collect();
    spec.host_ports.iter().any(|want| {
        used.iter()
            .any(|u| u.port == want.port && u.protocol == want.protocol && (u.ip == want.ip || any(&u.ip) || any(&want.ip)))
    })
}

/// The one node that a daemon pod may go to.
pub(super) fn pinned(pod: &Object, spec: &PodSpec) -> Option<String> {
    if spec.affinity.node_required.iter().any(|t| t.has_match_fields) { target_node(pod) } else { None }
}

/// Whether a label change, a new taint or the like could matter to the plugin that refused (used for requeueing).
pub(super) fn may_help(plugin: Plugin, pod: &Object, spec: &PodSpec, era: Era, node: &Object, info: &NodeInfo) -> bool {
    let Some(facts) = node.node() else {
        return false;
    };
    match plugin {
        Plugin::Resources => resources(spec, era, node, info).is_none(),
        Plugin::Taints => untolerated(&facts.taints, &spec.tolerations, false).is_none(),
        Plugin::NodeAffinity => matches_node(spec, node) && pinned(pod, spec).is_none_or(|n| n == node.meta.name),
        Plugin::Unschedulable => !facts.unschedulable,
        Plugin::Ports | Plugin::Volumes | Plugin::Spread | Plugin::PodAffinity => true,
    }
}

/// The check that Kubernetes 1.27 makes before a node event moves a pod: would the node admit it at all?
pub(super) fn admits(pod: &Object, spec: &PodSpec, node: &Object, info: &NodeInfo) -> bool {
    let open = node.node().is_some_and(|n| !n.unschedulable);
    open && alone(spec, Era::V1alpha5, node, info).is_none() && pinned(pod, spec).is_none_or(|n| n == node.meta.name)
}

/// Scheduling gates hold a pod back altogether.
pub(super) fn is_gated(pod: &Object) -> bool {
    !pod.doc.list_at("spec.schedulingGates").is_empty()
}
