//! What a scheduling round or a consolidation simulation starts from: the cluster at one moment, as plain data.
//! It is built once and serves any number of simulations.

use super::instance_type::InstanceType;
use super::rules::Rules;
use super::type_table::TypeTable;
use objects::Resources;
use objects::collections::{VecMap, VecSet};
use objects::selector::Expression;
use objects::typed::{ConsolidationPolicy, HostPort, PodSpec, Taint};
use std::sync::Arc;

/// A Provisioner or NodePool that may open claims.
#[derive(Clone, Debug, Default)]
pub struct PoolInput {
    pub name: String,
    pub weight: i32,
    pub node_class: String,
    pub labels: VecMap<String, String>,
    pub requirements: Vec<Expression>,
    pub taints: Vec<Taint>,
    pub startup_taints: Vec<Taint>,
    /// `spec.limits` as written (`None`: unlimited). What nodes use is subtracted by the solver.
    pub limits: Option<Resources>,
    pub policy: ConsolidationPolicy,
    /// The block of [`Cluster::types`] whose kubelet settings are the pool's.
    pub block: usize,
    /// A pool that only serves its existing nodes: static, deleting or not ready.
    pub closed: bool,
}

/// A node, or a claim whose node has not appeared.
#[derive(Clone, Debug, Default)]
pub struct NodeInput {
    /// Name of the node, or of the claim while there is no node.
    pub name: String,
    /// The claim, for nodes of Karpenter.
    pub claim: Option<String>,
    /// Whether a Node object exists.
    pub has_node: bool,
    pub labels: VecMap<String, String>,
    /// Taints that count for scheduling: without those known to go away while the node comes up.
    pub taints: Vec<Taint>,
    /// All taints of the Node object, for spread constraints that honour taints.
    pub node_taints: Vec<Taint>,
    pub capacity: Resources,
    /// Allocatable less the requests of all pods bound here.
    pub available: Resources,
    /// Requests of the DaemonSet pods bound here, with their number under `pods`.
    pub daemon_requests: Resources,
    /// Ports in use on the node: the pod's `namespace/name` and its ports.
    pub host_ports: Vec<(String, Vec<HostPort>)>,
    pub initialized: bool,
    pub ready: bool,
    /// Deleting or marked for deletion: it takes no pods, and its pods are placed elsewhere.
    pub deleting: bool,
    /// Still inside its pool's consolidateAfter window: moved pods may not come here (era v1).
    pub settling: bool,
    /// Volume attachments: driver to (in use, limit).
    pub volumes: VecMap<String, (u32, u32)>,
}

/// A pod, bound or pending.
#[derive(Clone, Debug, Default)]
pub struct PodInput {
    pub namespace: String,
    pub name: String,
    pub uid: String,
    /// Unix seconds.
    pub created_s: i64,
    pub labels: VecMap<String, String>,
    pub spec: Arc<PodSpec>,
    /// Index of its node in [`Cluster::nodes`].
    pub node: Option<usize>,
    /// Waits for a node and Karpenter may give it one.
    pub pending: bool,
    /// Would be recreated elsewhere if its node went: no DaemonSet pod, static, terminal or terminating one.
    pub movable: bool,
    /// Is no burden while it is where it is: it may not be evicted now, or nobody knows where its volumes are.
    pub stays: bool,
    /// Bound, neither terminal nor terminating: topology counts it.
    pub counts: bool,
    /// `controller.kubernetes.io/pod-deletion-cost`.
    pub deletion_cost: i64,
    /// Where its volumes can be: alternatives, each a list of expressions.
    pub volume_terms: Vec<Vec<Expression>>,
    /// Drivers of the volumes that it would attach, with their number.
    pub volumes: VecMap<String, u32>,
}

impl PodInput {
    /// `namespace/name`.
    pub fn id(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }
}

/// A DaemonSet's pod as it would appear on a new node.
#[derive(Clone, Debug, Default)]
pub struct DaemonInput {
    /// `namespace/name` of the DaemonSet.
    pub id: String,
    pub spec: Arc<PodSpec>,
}

#[derive(Clone, Debug)]
pub struct Cluster {
    pub rules: Rules,
    /// Everything that the cloud sells here, offerings that are unavailable marked.
    pub types: Arc<TypeTable>,
    pub pools: Vec<PoolInput>,
    pub nodes: Vec<NodeInput>,
    pub pods: Vec<Arc<PodInput>>,
    pub daemons: Vec<DaemonInput>,
    /// Labels of every namespace, for namespace selectors.
    pub namespaces: VecMap<String, VecMap<String, String>>,
    /// Pods that would be pending but that Karpenter does not look at, by index, with its reason.
    pub ignored: VecMap<usize, String>,
}

impl Cluster {
    /// A cluster without pools, nodes and pods.
    pub fn new(rules: Rules, types: Vec<InstanceType>) -> Cluster {
        let types = Arc::new(TypeTable::new(types));
        Cluster {
            rules,
            types,
            pools: Vec::new(),
            nodes: Vec::new(),
            pods: Vec::new(),
            daemons: Vec::new(),
            namespaces: VecMap::new(),
            ignored: VecMap::new(),
        }
    }

    pub fn node_index(&self, name: &str) -> Option<usize> {
        self.nodes.iter().position(|n| n.name == name)
    }

    pub fn pool(&self, name: &str) -> Option<&PoolInput> {
        self.pools.iter().find(|p| p.name == name)
    }

    /// The pods to place: pending ones, those of deleting nodes and those of `without`, in this order of groups.
    pub fn pods_to_place(&self, without: &VecSet<usize>) -> Vec<usize> {
        let on = |p: &PodInput, wanted: &dyn Fn(usize) -> bool| p.movable && !p.stays && p.node.is_some_and(wanted);
        let deleting = |n: usize| self.nodes.get(n).is_some_and(|n| n.deleting);
        let chosen = |p: &PodInput| p.pending || on(p, &deleting) || on(p, &|n| without.contains(&n));
        (0..self.pods.len()).filter(|i| self.pods.get(*i).is_some_and(|p| chosen(p))).collect()
    }

    /// The pods that would move if the node went.
    pub fn movable_on(&self, node: usize) -> impl Iterator<Item = &PodInput> {
        self.pods.iter().map(|p| &**p).filter(move |p| p.movable && p.node == Some(node))
    }
}
