//! Sums that every pane and eks-node-viewer agree on: what nodes offer, what pods request, what it costs.
//!
//! Semantics of awslabs/eks-node-viewer (pkg/model/cluster.go, node.go): the ratio is pod requests over allocatable,
//! never usage; pods with a deletion timestamp and finished pods do not count.

use crate::Snapshot;
use objects::collections::Order as _;
use objects::typed::Phase;
use objects::{Kind, Object, Resources};
use std::sync::Arc;

/// One node with the sums over its pods.
#[derive(Clone, Debug)]
pub struct NodeTotals {
    pub node: Arc<Object>,
    pub allocatable: Resources,
    pub requested: Resources,
    /// Counted pods bound to it.
    pub pods: usize,
    /// Micro-dollars per hour; `None` where the ledger knows no price.
    pub price_micro: Option<i64>,
}

/// The cluster at one instant.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    /// Oldest first, then by name.
    pub nodes: Vec<NodeTotals>,
    pub allocatable: Resources,
    pub requested: Resources,
    pub pods: usize,
    pub pending: usize,
    pub running: usize,
    pub bound: usize,
    /// Micro-dollars per hour of all nodes.
    pub rate_micro: i64,
}

/// Whether a pod counts: neither finished nor on its way out.
pub fn counts(pod: &Object) -> bool {
    !pod.meta.is_deleting() && pod.pod().is_some_and(|p| !p.is_terminal())
}

/// Adds up a snapshot.
pub fn totals(snapshot: &Snapshot) -> Totals {
    let store = &snapshot.store;
    let mut all = Totals { rate_micro: snapshot.ledger.rate_micro(), ..Totals::default() };
    for node in store.list(Kind::Node) {
        let Some(typed) = node.node() else { continue };
        let mut requested = Resources::default();
        let mut pods = 0;
        for pod in store.pods_on(&node.meta.name).filter(|p| counts(p)) {
            if let Some(p) = pod.pod() {
                requested.add(&p.spec.requests);
                pods += 1;
            }
        }
        all.allocatable.add(&typed.allocatable);
        all.requested.add(&requested);
        let price_micro = snapshot.ledger.price_of(&node.meta.name);
        all.nodes.push(NodeTotals { node: node.clone(), allocatable: typed.allocatable.clone(), requested, pods, price_micro });
    }
    all.nodes.order_by(|a, b| {
        let key = |n: &NodeTotals| (n.node.meta.created_ms, n.node.meta.name.clone());
        key(a).cmp(&key(b))
    });
    for pod in store.list(Kind::Pod).filter(|p| counts(p)) {
        let Some(p) = pod.pod() else { continue };
        all.pods += 1;
        all.pending += usize::from(p.phase == Phase::Pending);
        all.running += usize::from(p.phase == Phase::Running);
        all.bound += usize::from(p.is_bound());
    }
    all
}

/// `spot`, `on-demand` or empty, from Karpenter's label or the managed node group's.
pub fn capacity_type(node: &Object) -> &str {
    let labels = &node.meta.labels;
    if let Some(v) = labels.get("karpenter.sh/capacity-type") {
        return v;
    }
    match labels.get("eks.amazonaws.com/capacityType").map(String::as_str) {
        Some("ON_DEMAND") => "on-demand",
        Some("SPOT") => "spot",
        _ => "",
    }
}

/// Whether eks-node-viewer calls the node cordoned: unschedulable, or tainted by Karpenter's disruption taint.
pub fn cordoned(node: &Object) -> bool {
    node.node().is_some_and(|n| {
        n.unschedulable
            || n.taints
                .iter()
                .any(|t| t.effect == "NoSchedule" && (t.key == "karpenter.sh/disruption" || t.key == "karpenter.sh/disrupted"))
    })
}
