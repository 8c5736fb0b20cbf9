//! The words of the two APIs: kinds, labels, annotations, taints and condition types that differ between Karpenter
//! 0.29-0.31 and 1.14. Sources: kubernetes-sigs/karpenter pkg/apis/v1alpha5/{labels,machine_status}.go v0.29.2 and
//! pkg/apis/v1/{labels,taints,nodeclaim_status}.go v1.14.1.

use objects::{Api, Era, Kind, Provider};

/// Finalizer of claims and of their nodes, the same in both eras.
pub const FINALIZER: &str = "karpenter.sh/termination";
pub const REGISTERED: &str = "karpenter.sh/registered";
pub const INITIALIZED: &str = "karpenter.sh/initialized";
pub const CAPACITY_TYPE: &str = "karpenter.sh/capacity-type";
pub const INSTANCE_TYPE: &str = "node.kubernetes.io/instance-type";
pub const ZONE: &str = "topology.kubernetes.io/zone";
pub const EXCLUDE_BALANCERS: &str = "node.kubernetes.io/exclude-from-external-load-balancers";
pub const UNREGISTERED: &str = "karpenter.sh/unregistered";
use crate::scheduling::labels;
pub use crate::scheduling::labels::{DISRUPTED, DO_NOT_DISRUPT};
pub const DO_NOT_EVICT: &str = "karpenter.sh/do-not-evict";
pub const DO_NOT_CONSOLIDATE: &str = "karpenter.sh/do-not-consolidate";
pub const TERMINATION_TIMESTAMP: &str = "karpenter.sh/nodeclaim-termination-timestamp";
pub const SPOT: &str = "spot";
pub const ON_DEMAND: &str = "on-demand";
/// `source.component` of Karpenter's events.
pub const COMPONENT: &str = "karpenter";

/// What one era calls things.
#[derive(Debug)]
pub struct Names {
    pub era: Era,
    pub claim: Kind,
    pub pool: Kind,
    pub node_class: Kind,
    /// Label with the pool's name.
    pub pool_label: &'static str,
    /// Label with the node class's name, where claims carry one.
    pub class_label: &'static str,
    pub launched: &'static str,
    pub registered: &'static str,
    pub initialized: &'static str,
    /// What a claim's `Ready` is the conjunction of.
    pub lives_by: &'static [&'static str],
}

static V1ALPHA5: Names = Names {
    era: Era::V1alpha5,
    claim: Kind::Machine,
    pool: Kind::Provisioner,
    node_class: Kind::AWSNodeTemplate,
    pool_label: "karpenter.sh/provisioner-name",
    class_label: "",
    launched: "MachineLaunched",
    registered: "MachineRegistered",
    initialized: "MachineInitialized",
    lives_by: &["MachineLaunched", "MachineRegistered", "MachineInitialized"],
};

static V1: Names = Names {
    era: Era::V1,
    claim: Kind::NodeClaim,
    pool: Kind::NodePool,
    node_class: Kind::EC2NodeClass,
    pool_label: "karpenter.sh/nodepool",
    class_label: labels::EC2_NODE_CLASS,
    launched: "Launched",
    registered: "Registered",
    initialized: "Initialized",
    lives_by: &["Launched", "Registered", "Initialized"],
};

static V1_KWOK: Names = Names { node_class: Kind::KWOKNodeClass, class_label: labels::KWOK_NODE_CLASS, ..V1 };

impl Names {
    pub fn of(api: impl Into<Api>) -> &'static Names {
        match api.into() {
            Api { era: Era::V1alpha5, .. } => &V1ALPHA5,
            Api { provider: Provider::Kwok, .. } => &V1_KWOK,
            Api { era: Era::V1, .. } => &V1,
        }
    }
}
