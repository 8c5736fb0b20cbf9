//! Slim typed forms: what controllers and views read of each kind. Everything else stays in the document.

use crate::collections::VecMap;
use crate::doc::DocExt;
use crate::kind::Kind;
use crate::resources::Resources;
use crate::selector::{Expression, LabelSelector};
use crate::time;
use serde_json::Value;
use std::sync::Arc;

#[derive(Clone, Debug, PartialEq)]
pub enum Typed {
    Pod(Box<Pod>),
    Node(Box<Node>),
    Workload(Box<Workload>),
    Pool(Box<Pool>),
    Claim(Box<Claim>),
    Pdb(Pdb),
    Other,
}

impl Typed {
    pub fn read(kind: Kind, doc: &Value) -> Typed {
        match kind {
            Kind::Pod => Typed::Pod(Box::new(Pod::read(doc))),
            Kind::Node => Typed::Node(Box::new(Node::read(doc))),
            Kind::Deployment | Kind::ReplicaSet | Kind::DaemonSet | Kind::StatefulSet | Kind::Job => {
                Typed::Workload(Box::new(Workload::read(doc)))
            }
            Kind::Provisioner => Typed::Pool(Box::new(Pool::read_provisioner(doc))),
            Kind::NodePool => Typed::Pool(Box::new(Pool::read_node_pool(doc))),
            Kind::Machine | Kind::NodeClaim => Typed::Claim(Box::new(Claim::read(doc))),
            Kind::PodDisruptionBudget => Typed::Pdb(Pdb::read(doc)),
            _ => Typed::Other,
        }
    }
}

macro_rules! accessors {
    ($($name:ident $variant:ident $ty:ty;)*) => {
        impl crate::Object {
            $(
                /// The typed form, where the object is of that kind.
                pub fn $name(&self) -> Option<&$ty> {
                    match &self.typed { Typed::$variant(t) => Some(t), _ => None }
                }
            )*
        }
    };
}

accessors! {
    pod Pod Pod;
    node Node Node;
    workload Workload Workload;
    pool Pool Pool;
    claim Claim Claim;
    pdb Pdb Pdb;
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Taint {
    pub key: String,
    pub value: String,
    pub effect: String,
}

impl Taint {
    pub fn new(key: &str, value: &str, effect: &str) -> Taint {
        Taint { key: key.to_owned(), value: value.to_owned(), effect: effect.to_owned() }
    }

    pub fn read_list(list: &[Value]) -> Vec<Taint> {
        list.iter()
            .map(|t| {
                Taint::new(
                    t.str_at("key").unwrap_or_default(),
                    t.str_at("value").unwrap_or_default(),
                    t.str_at("effect").unwrap_or_default(),
                )
            })
            .collect()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Toleration {
    /// Empty with operator Exists tolerates everything.
    pub key: String,
    pub exists: bool,
    pub value: String,
    /// Empty means every effect.
    pub effect: String,
    pub seconds: Option<i64>,
}

impl Toleration {
    pub fn read_list(list: &[Value]) -> Vec<Toleration> {
        list.iter()
            .map(|t| Toleration {
                key: t.str_at("key").unwrap_or_default().to_owned(),
                exists: t.str_at("operator") == Some("Exists"),
                value: t.str_at("value").unwrap_or_default().to_owned(),
                effect: t.str_at("effect").unwrap_or_default().to_owned(),
                seconds: t.int_at("tolerationSeconds"),
            })
            .collect()
    }

    pub fn tolerates(&self, taint: &Taint) -> bool {
        self.tolerates_as(&taint.key, &taint.value, &taint.effect)
    }

    /// Whether it tolerates a taint of that key, value and effect.
    pub fn tolerates_as(&self, key: &str, value: &str, effect: &str) -> bool {
        (self.effect.is_empty() || self.effect == effect)
            && (self.key == key || (self.key.is_empty() && self.exists))
            && (self.exists || self.value == value)
    }
}

/// The first of `taints` that none of `tolerations` tolerates, PreferNoSchedule counting only where asked.
pub fn untolerated<'a>(taints: &'a [Taint], tolerations: &[Toleration], prefer_counts: bool) -> Option<&'a Taint> {
    taints
        .iter()
        .filter(|t| prefer_counts || t.effect != "PreferNoSchedule")
        .find(|t| !tolerations.iter().any(|x| x.tolerates(t)))
}

#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeSelectorTerm {
    pub expressions: Vec<Expression>,
    pub has_match_fields: bool,
}

impl NodeSelectorTerm {
    fn read(v: &Value) -> NodeSelectorTerm {
        NodeSelectorTerm {
            expressions: Expression::read_list(v.list_at("matchExpressions")),
            has_match_fields: !v.list_at("matchFields").is_empty(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PodAffinityTerm {
    pub selector: Option<LabelSelector>,
    pub topology_key: String,
    /// Empty with no namespace selector means the pod's own namespace.
    pub namespaces: Vec<String>,
    pub namespace_selector: Option<LabelSelector>,
}

impl PodAffinityTerm {
    fn read(v: &Value) -> PodAffinityTerm {
        PodAffinityTerm {
            selector: LabelSelector::read(v.at("labelSelector")),
            topology_key: v.str_at("topologyKey").unwrap_or_default().to_owned(),
            namespaces: v.list_at("namespaces").iter().filter_map(|n| n.as_str().map(str::to_owned)).collect(),
            namespace_selector: LabelSelector::read(v.at("namespaceSelector")),
        }
    }
}

/// `spec.affinity`; preferred terms carry their weight.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Affinity {
    pub node_required: Vec<NodeSelectorTerm>,
    pub node_preferred: Vec<(i32, NodeSelectorTerm)>,
    pub pod_required: Vec<PodAffinityTerm>,
    pub pod_preferred: Vec<(i32, PodAffinityTerm)>,
    pub anti_required: Vec<PodAffinityTerm>,
    pub anti_preferred: Vec<(i32, PodAffinityTerm)>,
}

impl Affinity {
    fn read(a: &Value) -> Affinity {
        const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
        const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";
        let weight = |v: &Value| v.int_at("weight").and_then(|w| i32::try_from(w).ok()).unwrap_or(1);
        let required =
            |v: &Value| v.at(REQUIRED).as_array().cloned().unwrap_or_default().iter().map(PodAffinityTerm::read).collect();
        let preferred = |v: &Value| {
            v.list_at(PREFERRED).iter().map(|p| (weight(p), PodAffinityTerm::read(p.at("podAffinityTerm")))).collect()
        };
        Affinity {
            node_required: a
                .at("nodeAffinity")
                .at(REQUIRED)
                .list_at("nodeSelectorTerms")
                .iter()
                .map(NodeSelectorTerm::read)
                .collect(),
            node_preferred: a
                .at("nodeAffinity")
                .list_at(PREFERRED)
                .iter()
                .map(|p| (weight(p), NodeSelectorTerm::read(p.at("preference"))))
                .collect(),
            pod_required: required(a.at("podAffinity")),
            pod_preferred: preferred(a.at("podAffinity")),
            anti_required: required(a.at("podAntiAffinity")),
            anti_preferred: preferred(a.at("podAntiAffinity")),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SpreadConstraint {
    pub topology_key: String,
    pub max_skew: i32,
    pub do_not_schedule: bool,
    pub selector: Option<LabelSelector>,
    pub min_domains: Option<i32>,
    /// `nodeAffinityPolicy: Honor` (the default).
    pub honor_affinity: bool,
    /// `nodeTaintsPolicy: Honor` (the default is Ignore).
    pub honor_taints: bool,
    pub match_label_keys: Vec<String>,
}

impl SpreadConstraint {
    fn read(v: &Value) -> SpreadConstraint {
        let int = |p: &str| v.int_at(p).and_then(|n| i32::try_from(n).ok());
        SpreadConstraint {
            topology_key: v.str_at("topologyKey").unwrap_or_default().to_owned(),
            max_skew: int("maxSkew").unwrap_or(1),
            do_not_schedule: v.str_at("whenUnsatisfiable") != Some("ScheduleAnyway"),
            selector: LabelSelector::read(v.at("labelSelector")),
            min_domains: int("minDomains"),
            honor_affinity: v.str_at("nodeAffinityPolicy") != Some("Ignore"),
            honor_taints: v.str_at("nodeTaintsPolicy") == Some("Honor"),
            match_label_keys: v.list_at("matchLabelKeys").iter().filter_map(|k| k.as_str().map(str::to_owned)).collect(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HostPort {
    pub ip: String,
    pub port: i64,
    pub protocol: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Phase {
    #[default]
    Pending,
    Running,
    Succeeded,
    Failed,
    Unknown,
}

/// What scheduling reads of a pod spec; a workload's template has one too.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PodSpec {
    /// Effective requests, without the implicit `pods: 1`.
    pub requests: Resources,
    pub node_selector: VecMap<String, String>,
    pub affinity: Affinity,
    pub tolerations: Vec<Toleration>,
    pub spread: Vec<SpreadConstraint>,
    pub host_ports: Vec<HostPort>,
    pub host_network: bool,
    /// Names of the claims that volumes refer to.
    pub claims: Vec<String>,
    /// Names of generic ephemeral volumes, whose claims are named `POD-VOLUME`.
    pub ephemeral: Vec<String>,
    pub priority: i32,
    pub priority_class: String,
    pub grace_s: i64,
    pub images: Vec<String>,
    pub container_names: Vec<String>,
    pub scheduler_name: String,
}

impl PodSpec {
    /// The claims of all volumes of the pod `pod`.
    pub fn claims_of(&self, pod: &str) -> impl Iterator<Item = String> {
        self.claims.iter().cloned().chain(self.ephemeral.iter().map(move |v| format!("{pod}-{v}")))
    }

    pub fn read(spec: &Value) -> PodSpec {
        let containers = || spec.list_at("containers").iter();
        let host_network = spec.bool_at("hostNetwork").unwrap_or(false);
        PodSpec {
            requests: Resources::of_pod_spec(spec),
            node_selector: spec.strings_at("nodeSelector"),
            affinity: Affinity::read(spec.at("affinity")),
            tolerations: Toleration::read_list(spec.list_at("tolerations")),
            spread: spec.list_at("topologySpreadConstraints").iter().map(SpreadConstraint::read).collect(),
            host_ports: containers()
                .flat_map(|c| c.list_at("ports"))
                .filter_map(|p| {
                    let port = p.int_at("hostPort").or_else(|| p.int_at("containerPort").filter(|_| host_network))?;
                    Some(HostPort {
                        ip: p.str_at("hostIP").unwrap_or_default().to_owned(),
                        port,
                        protocol: p.str_at("protocol").unwrap_or("TCP").to_owned(),
                    })
                })
                .collect(),
            host_network,
            claims: spec
                .list_at("volumes")
                .iter()
                .filter_map(|v| v.str_at("persistentVolumeClaim.claimName").map(str::to_owned))
                .collect(),
            ephemeral: spec
                .list_at("volumes")
                .iter()
                .filter(|v| v.at("ephemeral").is_object())
                .filter_map(|v| v.str_at("name").map(str::to_owned))
                .collect(),
            priority: spec.int_at("priority").and_then(|p| i32::try_from(p).ok()).unwrap_or(0),
            priority_class: spec.str_at("priorityClassName").unwrap_or_default().to_owned(),
            grace_s: spec.int_at("terminationGracePeriodSeconds").unwrap_or(30),
            images: containers().filter_map(|c| c.str_at("image").map(str::to_owned)).collect(),
            container_names: containers().filter_map(|c| c.str_at("name").map(str::to_owned)).collect(),
            scheduler_name: spec.str_at("schedulerName").unwrap_or("default-scheduler").to_owned(),
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pod {
    pub spec: Arc<PodSpec>,
    /// Empty while the pod is not bound.
    pub node_name: String,
    pub nominated_node: String,
    pub phase: Phase,
    pub ready: bool,
    pub ready_since_ms: Option<i64>,
    /// The kube-scheduler has tried and failed (`PodScheduled=False`, reason `Unschedulable`).
    pub unschedulable: bool,
    pub owner_kind: String,
    pub restarts: i64,
}

impl Pod {
    fn read(doc: &Value) -> Pod {
        let conditions = doc.list_at("status.conditions");
        let condition = |kind: &str| conditions.iter().find(|c| c.str_at("type") == Some(kind));
        let ready = condition("Ready");
        let scheduled = condition("PodScheduled");
        Pod {
            spec: Arc::new(PodSpec::read(doc.at("spec"))),
            node_name: doc.str_at("spec.nodeName").unwrap_or_default().to_owned(),
            nominated_node: doc.str_at("status.nominatedNodeName").unwrap_or_default().to_owned(),
            phase: match doc.str_at("status.phase") {
                Some("Running") => Phase::Running,
                Some("Succeeded") => Phase::Succeeded,
                Some("Failed") => Phase::Failed,
                Some("Unknown") => Phase::Unknown,
                _ => Phase::Pending,
            },
            ready: ready.and_then(|c| c.str_at("status")) == Some("True"),
            ready_since_ms: ready.and_then(|c| c.str_at("lastTransitionTime")).and_then(time::parse_rfc3339),
            unschedulable: scheduled.and_then(|c| c.str_at("reason")) == Some("Unschedulable"),
            owner_kind: doc
                .list_at("metadata.ownerReferences")
                .iter()
                .find(|o| o.bool_at("controller") == Some(true))
                .and_then(|o| o.str_at("kind"))
                .unwrap_or_default()
                .to_owned(),
            restarts: doc.list_at("status.containerStatuses").iter().filter_map(|c| c.int_at("restartCount")).sum(),
        }
    }

    pub fn is_bound(&self) -> bool {
        !self.node_name.is_empty()
    }

    /// Succeeded or Failed.
    pub fn is_terminal(&self) -> bool {
        matches!(self.phase, Phase::Succeeded | Phase::Failed)
    }

    pub fn is_daemon(&self) -> bool {
        self.owner_kind == "DaemonSet"
    }

    /// Owned by its node: a static pod's mirror.
    pub fn is_static(&self) -> bool {
        self.owner_kind == "Node"
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Node {
    pub provider_id: String,
    pub unschedulable: bool,
    pub taints: Vec<Taint>,
    pub capacity: Resources,
    pub allocatable: Resources,
    pub ready: bool,
    pub ready_since_ms: Option<i64>,
    pub internal_ip: String,
}

impl Node {
    fn read(doc: &Value) -> Node {
        let ready = doc.list_at("status.conditions").iter().find(|c| c.str_at("type") == Some("Ready"));
        Node {
            provider_id: doc.str_at("spec.providerID").unwrap_or_default().to_owned(),
            unschedulable: doc.bool_at("spec.unschedulable").unwrap_or(false),
            taints: Taint::read_list(doc.list_at("spec.taints")),
            capacity: Resources::read(doc.at("status.capacity")),
            allocatable: Resources::read(doc.at("status.allocatable")),
            ready: ready.and_then(|c| c.str_at("status")) == Some("True"),
            ready_since_ms: ready.and_then(|c| c.str_at("lastTransitionTime")).and_then(time::parse_rfc3339),
            internal_ip: doc
                .list_at("status.addresses")
                .iter()
                .find(|a| a.str_at("type") == Some("InternalIP"))
                .and_then(|a| a.str_at("address"))
                .unwrap_or_default()
                .to_owned(),
        }
    }
}

/// Deployment, ReplicaSet, DaemonSet, StatefulSet and Job: a selector and a pod template.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Workload {
    /// `spec.replicas`, 1 when unset (Jobs: `spec.parallelism`).
    pub replicas: i64,
    pub selector: LabelSelector,
    pub template_labels: VecMap<String, String>,
    pub template: PodSpec,
    pub status_replicas: i64,
    pub ready: i64,
    pub available: i64,
    pub updated: i64,
}

impl Workload {
    fn read(doc: &Value) -> Workload {
        let int = |p: &str| doc.int_at(p);
        Workload {
            replicas: int("spec.replicas").or_else(|| int("spec.parallelism")).unwrap_or(1),
            selector: LabelSelector::read(doc.at("spec.selector")).unwrap_or_default(),
            template_labels: doc.strings_at("spec.template.metadata.labels"),
            template: PodSpec::read(doc.at("spec.template.spec")),
            status_replicas: int("status.replicas").or_else(|| int("status.currentNumberScheduled")).unwrap_or(0),
            ready: int("status.readyReplicas").or_else(|| int("status.numberReady")).unwrap_or(0),
            available: int("status.availableReplicas").or_else(|| int("status.numberAvailable")).unwrap_or(0),
            updated: int("status.updatedReplicas").or_else(|| int("status.updatedNumberScheduled")).unwrap_or(0),
        }
    }
}

/// `consolidationPolicy`, with the era A fields translated (`ttlSecondsAfterEmpty` is `WhenEmpty`,
/// `consolidation.enabled` is `WhenEmptyOrUnderutilized`, neither is `None`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ConsolidationPolicy {
    #[default]
    None,
    WhenEmpty,
    WhenEmptyOrUnderutilized,
    Balanced,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    /// `10%` or a plain number.
    pub nodes: String,
    /// Empty means every reason.
    pub reasons: Vec<String>,
    pub schedule: Option<String>,
    pub duration_ms: Option<i64>,
}

/// A Provisioner or a NodePool in one shape.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pool {
    pub labels: VecMap<String, String>,
    pub annotations: VecMap<String, String>,
    pub requirements: Vec<Expression>,
    pub taints: Vec<Taint>,
    pub startup_taints: Vec<Taint>,
    pub limits: Option<Resources>,
    pub weight: i32,
    pub node_class: String,
    pub policy: ConsolidationPolicy,
    /// `consolidateAfter` or `ttlSecondsAfterEmpty`; `None` means never.
    pub consolidate_after_ms: Option<i64>,
    /// `expireAfter` or `ttlSecondsUntilExpired`; `None` means never.
    pub expire_after_ms: Option<i64>,
    pub termination_grace_ms: Option<i64>,
    pub budgets: Vec<Budget>,
    /// Static pools (v1 alpha) ask for a number of nodes.
    pub replicas: Option<i64>,
}

impl Pool {
    fn read_provisioner(doc: &Value) -> Pool {
        let s = doc.at("spec");
        let ttl = |p: &str| s.int_at(p).map(|t| t.saturating_mul(1000));
        let empty = ttl("ttlSecondsAfterEmpty");
        let enabled = s.bool_at("consolidation.enabled").unwrap_or(false);
        Pool {
            labels: s.strings_at("labels"),
            annotations: s.strings_at("annotations"),
            requirements: Expression::read_list(s.list_at("requirements")),
            taints: Taint::read_list(s.list_at("taints")),
            startup_taints: Taint::read_list(s.list_at("startupTaints")),
            limits: s.at("limits.resources").as_object().map(|_| Resources::read(s.at("limits.resources"))),
            weight: s.int_at("weight").and_then(|w| i32::try_from(w).ok()).unwrap_or(0),
            node_class: s.str_at("providerRef.name").unwrap_or_default().to_owned(),
            policy: match (enabled, empty) {
                (true, _) => ConsolidationPolicy::WhenEmptyOrUnderutilized,
                (false, Some(_)) => ConsolidationPolicy::WhenEmpty,
                (false, None) => ConsolidationPolicy::None,
            },
            consolidate_after_ms: empty,
            expire_after_ms: ttl("ttlSecondsUntilExpired"),
            termination_grace_ms: None,
            budgets: Vec::new(),
            replicas: None,
        }
    }

    fn read_node_pool(doc: &Value) -> Pool {
        let t = doc.at("spec.template.spec");
        let d = doc.at("spec.disruption");
        let duration = |v: Option<&str>| v.and_then(crate::duration::parse_go_ms);
        let labels = doc.at("spec.template").strings_at("metadata.labels");
        Pool {
            labels,
            annotations: doc.strings_at("spec.template.metadata.annotations"),
            requirements: Expression::read_list(t.list_at("requirements")),
            taints: Taint::read_list(t.list_at("taints")),
            startup_taints: Taint::read_list(t.list_at("startupTaints")),
            limits: doc.at("spec.limits").as_object().map(|_| Resources::read(doc.at("spec.limits"))),
            weight: doc.int_at("spec.weight").and_then(|w| i32::try_from(w).ok()).unwrap_or(0),
            node_class: t.str_at("nodeClassRef.name").unwrap_or_default().to_owned(),
            policy: match d.str_at("consolidationPolicy") {
                Some("WhenEmpty") => ConsolidationPolicy::WhenEmpty,
                Some("Balanced") => ConsolidationPolicy::Balanced,
                _ => ConsolidationPolicy::WhenEmptyOrUnderutilized,
            },
            consolidate_after_ms: match d.str_at("consolidateAfter") {
                None => Some(0),
                after => duration(after),
            },
            expire_after_ms: match t.str_at("expireAfter") {
                None => Some(720 * 3_600_000),
                after => duration(after),
            },
            termination_grace_ms: duration(t.str_at("terminationGracePeriod")),
            budgets: d
                .list_at("budgets")
                .iter()
                .map(|b| Budget {
                    nodes: b.str_at("nodes").unwrap_or("10%").to_owned(),
                    reasons: b.list_at("reasons").iter().filter_map(|r| r.as_str().map(str::to_owned)).collect(),
                    schedule: b.str_at("schedule").map(str::to_owned),
                    duration_ms: duration(b.str_at("duration")),
                })
                .collect(),
            replicas: doc.int_at("spec.replicas"),
        }
    }
}

/// A Machine or a NodeClaim in one shape.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Claim {
    pub requirements: Vec<Expression>,
    pub requests: Resources,
    pub taints: Vec<Taint>,
    pub startup_taints: Vec<Taint>,
    pub node_class: String,
    pub provider_id: String,
    pub node_name: String,
    pub capacity: Resources,
    pub allocatable: Resources,
    pub launched: bool,
    pub registered: bool,
    pub initialized: bool,
}

impl Claim {
    fn read(doc: &Value) -> Claim {
        let is_true = |names: [&str; 2]| {
            doc.list_at("status.conditions")
                .iter()
                .any(|c| c.str_at("type").is_some_and(|t| names.contains(&t)) && c.str_at("status") == Some("True"))
        };
        Claim {
            requirements: Expression::read_list(doc.list_at("spec.requirements")),
            requests: Resources::read(doc.at("spec.resources.requests")),
            taints: Taint::read_list(doc.list_at("spec.taints")),
            startup_taints: Taint::read_list(doc.list_at("spec.startupTaints")),
            node_class: doc
                .str_at("spec.nodeClassRef.name")
                .or_else(|| doc.str_at("spec.machineTemplateRef.name"))
                .unwrap_or_default()
                .to_owned(),
            provider_id: doc.str_at("status.providerID").unwrap_or_default().to_owned(),
            node_name: doc.str_at("status.nodeName").unwrap_or_default().to_owned(),
            capacity: Resources::read(doc.at("status.capacity")),
            allocatable: Resources::read(doc.at("status.allocatable")),
            launched: is_true(["MachineLaunched", "Launched"]),
            registered: is_true(["MachineRegistered", "Registered"]),
            initialized: is_true(["MachineInitialized", "Initialized"]),
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pdb {
    pub selector: Option<LabelSelector>,
    /// `minAvailable` and `maxUnavailable` as written: a number or a percentage.
    pub min_available: Option<String>,
    pub max_unavailable: Option<String>,
    pub always_allow_unhealthy: bool,
    pub disruptions_allowed: i64,
}

impl Pdb {
    fn read(doc: &Value) -> Pdb {
        let int_or_string = |p: &str| match doc.at(p) {
            Value::String(s) => Some(s.clone()),
            Value::Number(n) => Some(n.to_string()),
            _ => None,
        };
        Pdb {
            selector: LabelSelector::read(doc.at("spec.selector")),
            min_available: int_or_string("spec.minAvailable"),
            max_unavailable: int_or_string("spec.maxUnavailable"),
            always_allow_unhealthy: doc.str_at("spec.unhealthyPodEvictionPolicy") == Some("AlwaysAllow"),
            disruptions_allowed: doc.int_at("status.disruptionsAllowed").unwrap_or(0),
        }
    }
}
