//! Which nodes can take a pod, and the first reason of those that cannot.
//!
//! Source: kubernetes pkg/scheduler/framework/plugins/{nodeunschedulable,nodename,tainttoleration,nodeaffinity,nodeports,
//! noderesources,volumebinding,podtopologyspread,interpodaffinity}, v1.27 and v1.35, in the default plugins' order.

use super::affinity::PodAffinityState;
use super::cache::{Cache, NodeInfo};
use super::spread::SpreadState;
use super::volumes;
use crate::View;
use crate::environment::workloads::target_node;
use objects::collections::Order as _;
use objects::collections::VecSet;
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
    fn new(plugin: Plugin, reason: impl Into<String>, unresolvable: bool) -> Option<Refusal> {
        Some(Refusal { plugin, reasons: vec![reason.into()], unresolvable })
    }
}

/// A pod and what has to be counted once per cycle for it.
pub(super) struct Candidate<'a> {
    pub pod: &'a Object,
    pub spec: &'a PodSpec,
    era: Era,
    /// The one node that a daemon pod may go to.
    pinned: Option<String>,
    spread: SpreadState,
    affinity: PodAffinityState,
    volumes: volumes::Need,
}

impl<'a> Candidate<'a> {
    pub fn prepare(pod: &'a Object, spec: &'a PodSpec, cache: &Cache, view: &View<'_>) -> Candidate<'a> {
        let pins = spec.affinity.node_required.iter().any(|t| t.has_match_fields);
        Candidate {
            pod,
            spec,
            era: view.era(),
            pinned: if pins { target_node(pod) } else { None },
            spread: SpreadState::hard(pod, spec, cache),
            affinity: PodAffinityState::required(pod, spec, cache, view),
            volumes: volumes::Need::of(pod, spec, view),
        }
    }

    /// The node that PreFilter narrows the search to, if it does.
    pub fn pinned(&self) -> Option<&str> {
        self.pinned.as_deref()
    }

    /// A refusal that holds for the pod as a whole, before any node is looked at.
    pub fn blocked(&self) -> Option<&str> {
        self.volumes.blocked.as_deref()
    }

    /// The first refusal of `node`, `None` where the pod fits.
    pub fn refuse(&self, node: &Object, info: &NodeInfo) -> Option<Refusal> {
        let facts = node.node()?;
        let taint = Taint::new("node.kubernetes.io/unschedulable", "", "NoSchedule");
        if facts.unschedulable && !self.spec.tolerations.iter().any(|t| t.tolerates(&taint)) {
            return Refusal::new(Plugin::Unschedulable, "node(s) were unschedulable", true);
        }
        if self.pinned.as_deref().is_some_and(|n| n != node.meta.name) {
            return Refusal::new(Plugin::NodeAffinity, "node(s) didn't match Pod's node affinity/selector", true);
        }
        if let Some(taint) = untolerated(&facts.taints, &self.spec.tolerations, false) {
            let text = match self.era {
                Era::V1alpha5 => format!("node(s) had untolerated taint {{{}: {}}}", taint.key, taint.value),
                Era::V1 => "node(s) had untolerated taint(s)".to_owned(),
            };
            return Refusal::new(Plugin::Taints, text, true);
        }
        if !matches_node(self.spec, node) {
            return Refusal::new(Plugin::NodeAffinity, "node(s) didn't match Pod's node affinity/selector", true);
        }
        if !self.spec.host_ports.is_empty() && ports_clash(self.spec, info) {
            return Refusal::new(Plugin::Ports, "node(s) didn't have free ports for the requested pod ports", false);
        }
        if let Some(refusal) = self.resources(node, info) {
            return Some(refusal);
        }
        if let Some(text) = self.volumes.refuse(node) {
            return Refusal::new(Plugin::Volumes, text, true);
        }
        if let Some((text, unresolvable)) = self.spread.refuse(node) {
            return Refusal::new(Plugin::Spread, text, unresolvable);
        }
        let (text, unresolvable) = self.affinity.refuse(node)?;
        Refusal::new(Plugin::PodAffinity, text, unresolvable)
    }

    /// All resources that fall short, not just the first.
    pub fn resources(&self, node: &Object, info: &NodeInfo) -> Option<Refusal> {
        let allocatable = &node.node()?.allocatable;
        let mut reasons = Vec::new();
        let mut unresolvable = false;
        if info.pods.len() as i64 + 1 > allocatable.get(PODS) {
            reasons.push("Too many pods".to_owned());
        }
        // cpu, memory and ephemeral storage first, extended resources after them.
        let mut names: Vec<&String> = self.spec.requests.0.keys().collect();
        names.order_by_key(|n| (["cpu", "memory", "ephemeral-storage"].iter().position(|m| m == n).unwrap_or(3), *n));
        for name in names {
            let want = self.spec.requests.get(name);
            if want > 0 && want > allocatable.get(name) - info.requested.get(name) {
                reasons.push(format!("Insufficient {name}"));
                // Since 1.31 a request beyond the whole node is known to be hopeless.
                unresolvable |= self.era == Era::V1 && want > allocatable.get(name);
            }
        }
        (!reasons.is_empty()).then_some(Refusal { plugin: Plugin::Resources, reasons, unresolvable })
    }
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
    let any = |ip: &str| ip.is_empty() || ip == "0.0.0.0";
    let used: VecSet<_> = info.pods.values().filter_map(|p| p.pod()).flat_map(|p| &p.spec.host_ports).collect();
    spec.host_ports.iter().any(|want| {
        used.iter()
            .any(|u| u.port == want.port && u.protocol == want.protocol && (u.ip == want.ip || any(&u.ip) || any(&want.ip)))
    })
}

/// Whether a label change, a new taint or the like could matter to the plugin that refused (used for requeueing).
pub(super) fn may_help(plugin: Plugin, candidate: &Candidate<'_>, node: &Object, info: &NodeInfo) -> bool {
    let Some(facts) = node.node() else {
        return false;
    };
    match plugin {
        Plugin::Resources => candidate.resources(node, info).is_none(),
        Plugin::Taints => untolerated(&facts.taints, &candidate.spec.tolerations, false).is_none(),
        Plugin::NodeAffinity => matches_node(candidate.spec, node) && candidate.pinned().is_none_or(|n| n == node.meta.name),
        Plugin::Unschedulable => !facts.unschedulable,
        Plugin::Ports | Plugin::Volumes | Plugin::Spread | Plugin::PodAffinity => true,
    }
}

/// The check that Kubernetes 1.27 makes before a node event moves a pod: would the node admit it at all?
pub(super) fn admits(candidate: &Candidate<'_>, node: &Object, info: &NodeInfo) -> bool {
    let Some(facts) = node.node() else {
        return false;
    };
    !facts.unschedulable
        && untolerated(&facts.taints, &candidate.spec.tolerations, false).is_none()
        && matches_node(candidate.spec, node)
        && candidate.pinned().is_none_or(|n| n == node.meta.name)
        && candidate.resources(node, info).is_none()
        && !ports_clash(candidate.spec, info)
}

/// Scheduling gates hold a pod back altogether.
pub(super) fn is_gated(pod: &Object) -> bool {
    !pod.doc.list_at("spec.schedulingGates").is_empty()
}
