//! What is counted while it acts, under Karpenter's names: those of its metrics that this process knows and keeps.
//! Source: kubernetes-sigs/karpenter v1.14.1, pkg/metrics/metrics.go, pkg/controllers/{disruption,node/termination,
//! node/termination/terminator,nodeclaim/lifecycle,state}/metrics.go and pkg/controllers/metrics/nodepool/controller.go.
//!
//! The names are those of 1.14.1 for clusters of both eras.

mod count;
mod state;

pub use count::terminating;
pub use state::{PERIOD_MS, Series};

#[cfg(test)]
mod tests;

use prometheus::{CounterVec, Encoder, GaugeVec, HistogramOpts, HistogramVec, Opts, Registry, TextEncoder};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

/// Name, help and labels of a metric.
struct Family(&'static str, &'static str, &'static [&'static str]);

const CLAIMS_CREATED: Family = Family(
    "karpenter_nodeclaims_created_total",
    "Number of nodeclaims created in total by Karpenter. Labeled by reason the nodeclaim was created, the owning nodepool, and \
     if min values was relaxed for this nodeclaim.",
    &["reason", "nodepool", "min_values_relaxed"],
);
const CLAIMS_TERMINATED: Family = Family(
    "karpenter_nodeclaims_terminated_total",
    "Number of nodeclaims terminated in total by Karpenter. Labeled by the owning nodepool, capacity type, and zone.",
    &["nodepool", "capacity_type", "zone"],
);
const CLAIMS_DISRUPTED: Family = Family(
    "karpenter_nodeclaims_disrupted_total",
    "Number of nodeclaims disrupted in total by Karpenter. Labeled by reason the nodeclaim was disrupted and the owning nodepool.",
    &["reason", "nodepool", "capacity_type"],
);
const NODES_CREATED: Family = Family(
    "karpenter_nodes_created_total",
    "Number of nodes created in total by Karpenter. Labeled by owning nodepool and zone.",
    &["nodepool", "zone"],
);
const NODES_TERMINATED: Family = Family(
    "karpenter_nodes_terminated_total",
    "Number of nodes terminated in total by Karpenter. Labeled by owning nodepool and zone.",
    &["nodepool", "zone"],
);
const NODES_DRAINED: Family =
    Family("karpenter_nodes_drained_total", "The total number of nodes drained by Karpenter", &["nodepool"]);
const EVICTIONS: Family = Family(
    "karpenter_pods_eviction_requests_total",
    "The total number of pod eviction requests made by Karpenter, labeled by response code",
    &["code"],
);
const PODS_DRAINED: Family = Family(
    "karpenter_pods_drained_total",
    "The total number of pods drained during node termination by Karpenter, labeled by reason",
    &["reason"],
);
const DECISIONS: Family = Family(
    "karpenter_voluntary_disruption_decisions_total",
    "Number of disruption decisions performed. Labeled by disruption decision, reason, and consolidation type.",
    &["decision", "reason", "consolidation_type"],
);
const DECISIONS_BY_POOL: Family = Family(
    "karpenter_voluntary_disruption_decisions_by_nodepool_total",
    "Number of disruption decisions performed by nodepool. Labeled by nodepool name, disruption decision, reason, and \
     consolidation type.",
    &["nodepool", "decision", "reason", "consolidation_type"],
);
const COUNTERS: [Family; 10] = [
    CLAIMS_CREATED,
    CLAIMS_TERMINATED,
    CLAIMS_DISRUPTED,
    NODES_CREATED,
    NODES_TERMINATED,
    NODES_DRAINED,
    EVICTIONS,
    PODS_DRAINED,
    DECISIONS,
    DECISIONS_BY_POOL,
];

const LIMIT: Family = Family(
    "karpenter_nodepools_limit",
    "Limits specified on the nodepool that restrict the quantity of resources provisioned. Labeled by nodepool name and resource \
     type.",
    &["resource_type", "nodepool"],
);
const USAGE: Family = Family(
    "karpenter_nodepools_usage",
    "The amount of resources that have been provisioned for a nodepool. Labeled by nodepool name and resource type.",
    &["resource_type", "nodepool"],
);
const COST: Family = Family(
    "karpenter_nodepools_cost_total",
    "Total cost of the nodepool from Karpenter's perspective. Units are determined by the cloud provider. Not an authoritative \
     source for billing. Includes modifications due to NodeOverlays",
    &["nodepool"],
);
const NODE_COUNT: Family = Family("karpenter_cluster_state_node_count", "Current count of nodes in cluster state", &[]);
const SYNCED: Family = Family(
    "karpenter_cluster_state_synced",
    "Returns 1 if cluster state is synced and 0 otherwise. Synced checks that nodeclaims and nodes that are stored in the \
     APIServer have the same representation as Karpenter's cluster state",
    &[],
);
const GAUGES: [Family; 5] = [LIMIT, USAGE, COST, NODE_COUNT, SYNCED];

const CLAIM_TERMINATION: Family =
    Family("karpenter_nodeclaims_termination_duration_seconds", "Duration of NodeClaim termination in seconds.", &["nodepool"]);
const CLAIM_TERMINATION_BUCKETS: [f64; 12] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0];
const NODE_LIFETIME: Family =
    Family("karpenter_nodes_lifetime_duration_seconds", "The lifetime duration of the nodes since creation.", &["nodepool"]);
/// 15, 30 and 45 minutes, 1 to 20 hours, 1 to 30 days.
const NODE_LIFETIME_BUCKETS: [f64; 21] = [
    900.0,
    1_800.0,
    2_700.0,
    3_600.0,
    7_200.0,
    14_400.0,
    21_600.0,
    28_800.0,
    36_000.0,
    43_200.0,
    57_600.0,
    72_000.0,
    86_400.0,
    172_800.0,
    259_200.0,
    432_000.0,
    864_000.0,
    1_296_000.0,
    1_728_000.0,
    2_160_000.0,
    2_592_000.0,
];
const HISTOGRAMS: [(Family, &[f64]); 2] =
    [(CLAIM_TERMINATION, &CLAIM_TERMINATION_BUCKETS), (NODE_LIFETIME, &NODE_LIFETIME_BUCKETS)];

/// What is counted, and whether the process is ready. Whoever serves it reads it from a thread of its own.
pub struct Metrics {
    registry: Registry,
    counters: BTreeMap<&'static str, CounterVec>,
    gauges: BTreeMap<&'static str, GaugeVec>,
    histograms: BTreeMap<&'static str, HistogramVec>,
    ready: AtomicBool,
}

impl Metrics {
    /// # Errors
    /// Two metrics of one name, which the tests rule out.
    pub fn new() -> Result<Metrics, prometheus::Error> {
        let registry = Registry::new();
        let (mut counters, mut gauges, mut histograms) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for Family(name, help, labels) in COUNTERS {
            let counter = CounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(counter.clone()))?;
            counters.insert(name, counter);
        }
        for Family(name, help, labels) in GAUGES {
            let gauge = GaugeVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(gauge.clone()))?;
            gauges.insert(name, gauge);
        }
        for (Family(name, help, labels), buckets) in HISTOGRAMS {
            let histogram = HistogramVec::new(HistogramOpts::new(name, help).buckets(buckets.to_vec()), labels)?;
            registry.register(Box::new(histogram.clone()))?;
            histograms.insert(name, histogram);
        }
        Ok(Metrics { registry, counters, gauges, histograms, ready: AtomicBool::new(false) })
    }

    /// Everything in Prometheus's text format, whose type [`Metrics::content_type`] names.
    pub fn text(&self) -> Vec<u8> {
        let mut out = Vec::new();
        // Writing to memory does not fail.
        let _ = TextEncoder::new().encode(&self.registry.gather(), &mut out);
        out
    }

    pub fn content_type(&self) -> String {
        TextEncoder::new().format_type().to_owned()
    }

    /// Whether the cluster has been read once. As Karpenter's caches, that is before it leads.
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }

    pub(super) fn has_read(&self) {
        self.ready.store(true, Ordering::Relaxed);
    }

    fn inc(&self, family: &Family, labels: &[&str]) {
        if let Some(counter) = self.counters.get(family.0).and_then(|c| c.get_metric_with_label_values(labels).ok()) {
            counter.inc();
        }
    }

    fn observe_seconds(&self, family: &Family, labels: &[&str], ms: i64) {
        if let Some(histogram) = self.histograms.get(family.0).and_then(|h| h.get_metric_with_label_values(labels).ok()) {
            histogram.observe(ms as f64 / 1000.0);
        }
    }
}
