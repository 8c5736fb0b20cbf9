//! The fleet map in kube-ops-view's geometry: one box per node, one square per pod, what is pending outside.
//!
//! Source of the geometry: hjacobs/kube-ops-view app/src (node.js, pod.js, cluster.js): kube-system pods fill from the
//! bottom, all others from the top; at least six pods a row, growing with the square root of the largest node.

use crate::format;
use engine::Snapshot;
use engine::totals::{self, Totals};
use objects::collections::Order as _;
use objects::collections::VecMap;
use objects::typed::Phase;
use objects::{DocExt, Kind, Object};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Capacity {
    OnDemand,
    Spot,
    Reserved,
    Unknown,
}

impl Capacity {
    pub fn of(text: &str) -> Capacity {
        match text {
            "on-demand" => Capacity::OnDemand,
            "spot" => Capacity::Spot,
            "reserved" => Capacity::Reserved,
            _ => Capacity::Unknown,
        }
    }

    /// The short mark on the title bar.
    pub fn mark(self) -> &'static str {
        match self {
            Capacity::OnDemand => "OD",
            Capacity::Spot => "S",
            Capacity::Reserved => "R",
            Capacity::Unknown => "-",
        }
    }

    /// The word eks-node-viewer prints.
    pub fn word(self) -> &'static str {
        match self {
            Capacity::OnDemand => "On-Demand",
            Capacity::Spot => "Spot",
            Capacity::Reserved => "Reserved",
            Capacity::Unknown => "-",
        }
    }

    /// For class names.
    pub fn token(self) -> &'static str {
        match self {
            Capacity::OnDemand => "od",
            Capacity::Spot => "spot",
            Capacity::Reserved => "reserved",
            Capacity::Unknown => "none",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PodState {
    Running,
    NotReady,
    Pending,
    Completed,
    Failed,
    Terminating,
}

impl PodState {
    pub const ALL: [PodState; 6] =
        [PodState::Running, PodState::NotReady, PodState::Pending, PodState::Completed, PodState::Failed, PodState::Terminating];

    pub fn of(pod: &Object) -> PodState {
        let Some(p) = pod.pod() else { return PodState::Failed };
        if pod.meta.is_deleting() {
            return PodState::Terminating;
        }
        match p.phase {
            Phase::Running if p.ready => PodState::Running,
            Phase::Running => PodState::NotReady,
            Phase::Pending => PodState::Pending,
            Phase::Succeeded => PodState::Completed,
            Phase::Failed | Phase::Unknown => PodState::Failed,
        }
    }

    pub fn token(self) -> &'static str {
        match self {
            PodState::Running => "running",
            PodState::NotReady => "notready",
            PodState::Pending => "pending",
            PodState::Completed => "completed",
            PodState::Failed => "failed",
            PodState::Terminating => "terminating",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct PodSquare {
    pub uid: String,
    pub name: String,
    pub namespace: String,
    pub state: PodState,
    pub restarts: i64,
    pub cpu_milli: i64,
    pub memory_bytes: i64,
    /// Unix milliseconds.
    pub created_ms: i64,
    /// Labels without `pod-template-hash`, `key=value`.
    pub labels: Vec<String>,
    pub images: Vec<String>,
    /// The scheduler's words, where it failed.
    pub message: String,
}

/// One bar at the left edge of a box.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gauge {
    pub capacity: i64,
    /// Capacity less allocatable.
    pub reserved: i64,
    pub requested: i64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct NodeBox {
    pub name: String,
    /// `3-121`.
    pub short: String,
    pub instance_type: String,
    pub zone: String,
    pub capacity: Capacity,
    pub ready: bool,
    pub cordoned: bool,
    pub deleting: bool,
    pub cpu: Gauge,
    pub memory: Gauge,
    /// Requested over allocatable, parts per thousand.
    pub cpu_permille: i64,
    pub price_micro: Option<i64>,
    pub max_pods: i64,
    pub created_ms: i64,
    /// The pool that made it; empty for the managed node group.
    pub pool: String,
    pub labels: Vec<String>,
    /// Everything but kube-system, from the top.
    pub upper: Vec<PodSquare>,
    /// kube-system, from the bottom.
    pub lower: Vec<PodSquare>,
}

impl NodeBox {
    pub fn pods(&self) -> usize {
        self.upper.len() + self.lower.len()
    }
}

/// An instance that was bought and is not a node yet. kube-ops-view shows nothing here; a learner should see it.
#[derive(Clone, Debug, PartialEq)]
pub struct Launching {
    pub claim: String,
    /// Empty until the cloud has answered.
    pub instance_type: String,
    pub zone: String,
    pub capacity: Capacity,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct FleetMap {
    /// By name, as kube-ops-view sorts.
    pub nodes: Vec<NodeBox>,
    pub launching: Vec<Launching>,
    /// Pods on no node.
    pub pending: Vec<PodSquare>,
    /// Squares in one row of a box.
    pub per_row: usize,
}

impl FleetMap {
    pub fn of(snapshot: &Snapshot, totals: &Totals) -> FleetMap {
        let store = &snapshot.store;
        let mut nodes: Vec<NodeBox> = totals.nodes.iter().filter_map(|t| node_box(snapshot, t)).collect();
        nodes.order_by(|a, b| a.name.cmp(&b.name));
        let mut pending: Vec<PodSquare> = store
            .list(Kind::Pod)
            .filter(|p| p.pod().is_some_and(|t| !t.is_bound() && !t.is_terminal()))
            .map(|p| square(p))
            .collect();
        pending.order_by(|a, b| (a.created_ms, &a.name).cmp(&(b.created_ms, &b.name)));
        let most = nodes.iter().map(NodeBox::pods).max().unwrap_or(0);
        FleetMap { launching: launching(snapshot, &nodes), nodes, pending, per_row: per_row(most) }
    }

    pub fn node(&self, name: &str) -> Option<&NodeBox> {
        self.nodes.iter().find(|n| n.name == name)
    }
}

/// Squares in one row: six, or the square root of the fullest node.
pub fn per_row(most_pods: usize) -> usize {
    let mut side = 6;
    while side * side < most_pods {
        side += 1;
    }
    side
}

fn node_box(snapshot: &Snapshot, t: &totals::NodeTotals) -> Option<NodeBox> {
    let typed = t.node.node()?;
    let label = |key: &str| t.node.meta.labels.get(key).cloned().unwrap_or_default();
    let (mut upper, mut lower) = (Vec::new(), Vec::new());
    for pod in snapshot.store.pods_on(&t.node.meta.name) {
        let side = if pod.meta.namespace == "kube-system" { &mut lower } else { &mut upper };
        side.push(square(pod));
    }
    let gauge = |name: &str| Gauge {
        capacity: typed.capacity.get(name),
        reserved: typed.capacity.get(name).saturating_sub(typed.allocatable.get(name)).max(0),
        requested: t.requested.get(name),
    };
    let pool = ["karpenter.sh/provisioner-name", "karpenter.sh/nodepool"].iter().map(|k| label(k)).find(|v| !v.is_empty());
    Some(NodeBox {
        name: t.node.meta.name.clone(),
        short: format::short_node(&t.node.meta.name).to_owned(),
        instance_type: label("node.kubernetes.io/instance-type"),
        zone: label("topology.kubernetes.io/zone"),
        capacity: Capacity::of(totals::capacity_type(&t.node)),
        ready: typed.ready,
        cordoned: totals::cordoned(&t.node),
        deleting: t.node.meta.is_deleting(),
        cpu: gauge("cpu"),
        memory: gauge("memory"),
        cpu_permille: format::permille(t.requested.cpu(), t.allocatable.cpu()),
        price_micro: t.price_micro,
        max_pods: t.allocatable.get("pods"),
        created_ms: t.node.meta.created_ms,
        pool: pool.unwrap_or_default(),
        labels: pairs(&t.node.meta.labels),
        upper,
        lower,
    })
}

fn pairs(labels: &VecMap<String, String>) -> Vec<String> {
    labels.iter().filter(|(k, _)| *k != "pod-template-hash").map(|(k, v)| format!("{k}={v}")).collect()
}

fn square(pod: &Object) -> PodSquare {
    let typed = pod.pod();
    PodSquare {
        uid: pod.meta.uid.clone(),
        name: pod.meta.name.clone(),
        namespace: pod.meta.namespace.clone(),
        state: PodState::of(pod),
        restarts: typed.map_or(0, |p| p.restarts),
        cpu_milli: typed.map_or(0, |p| p.spec.requests.cpu()),
        memory_bytes: typed.map_or(0, |p| p.spec.requests.memory()),
        created_ms: pod.meta.created_ms,
        labels: pairs(&pod.meta.labels),
        images: typed.map(|p| p.spec.images.clone()).unwrap_or_default(),
        message: pod.condition("PodScheduled").and_then(|c| c.str_at("message")).unwrap_or_default().to_owned(),
    }
}

fn launching(snapshot: &Snapshot, nodes: &[NodeBox]) -> Vec<Launching> {
    let claims = snapshot.store.list(Kind::claim(snapshot.profile.era));
    claims
        .filter(|c| !c.meta.is_deleting())
        .filter(|c| {
            c.claim().is_some_and(|t| t.node_name.is_empty() || !nodes.iter().any(|n| n.name == t.node_name))
                && c.claim().is_some_and(|t| !t.registered)
        })
        .filter(|c| !nodes.iter().any(|n| provider_id(snapshot, &n.name) == c.claim().map(|t| t.provider_id.as_str())))
        .map(|c| {
            let label = |key: &str| c.meta.labels.get(key).cloned().unwrap_or_default();
            Launching {
                claim: c.meta.name.clone(),
                instance_type: label("node.kubernetes.io/instance-type"),
                zone: label("topology.kubernetes.io/zone"),
                capacity: Capacity::of(&label("karpenter.sh/capacity-type")),
            }
        })
        .collect()
}

fn provider_id<'a>(snapshot: &'a Snapshot, node: &str) -> Option<&'a str> {
    let id = snapshot.store.cluster(Kind::Node, node)?.node()?.provider_id.as_str();
    (!id.is_empty()).then_some(id)
}

/// kube-ops-view's filter grammar: `k=v` is a label, `namespace=x` a namespace, anything else part of a name.
pub fn matches(filter: &str, name: &str, namespace: &str, labels: &[String]) -> bool {
    let filter = filter.trim();
    if filter.is_empty() {
        return true;
    }
    match filter.split_once('=') {
        Some(("namespace", value)) => namespace == value,
        Some(_) => labels.iter().any(|l| l == filter),
        None => name.contains(filter),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn rows_grow_with_the_fullest_node() {
        for (most, want) in [(0, 6), (36, 6), (37, 7), (110, 11)] {
            assert_eq!(per_row(most), want);
        }
    }

    #[test]
    fn boxes_pods_and_pending() {
        let snapshot = sample::snapshot();
        let map = FleetMap::of(&snapshot, &totals::totals(&snapshot));
        let mut text = String::new();
        for n in &map.nodes {
            text += &format!(
                "{} {} {} {} ready={} cordoned={} {}% up={} low={}\n",
                n.short,
                n.instance_type,
                n.zone,
                n.capacity.mark(),
                n.ready,
                n.cordoned,
                format::percent1(n.cpu_permille),
                n.upper.len(),
                n.lower.len()
            );
        }
        for l in &map.launching {
            text += &format!("launching {} {}\n", l.claim, l.instance_type);
        }
        text += &format!("pending {} per_row {}", map.pending.len(), map.per_row);
        assert_eq!(
            text,
            "1-10 m5.large ap-northeast-2a OD ready=true cordoned=false 53.1% up=1 low=1\n\
             3-91 r3.2xlarge ap-northeast-2c S ready=false cordoned=true 12.6% up=1 low=0\n\
             launching default-x7k2p m5.xlarge\n\
             pending 1 per_row 6"
        );
    }

    #[test]
    fn filters() {
        let labels = ["app=inflate".to_owned()];
        for (filter, want) in
            [("", true), ("infl", true), ("app=inflate", true), ("app=x", false), ("namespace=default", true), ("zzz", false)]
        {
            assert_eq!(matches(filter, "inflate-1", "default", &labels), want, "{filter}");
        }
    }
}
