//! The one table of kinds: names, short names, groups and versions, scope, and the eras that serve them.

/// The two profiles of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Era {
    /// Karpenter 0.29-0.31: `Provisioner`, `Machine`, `AWSNodeTemplate`; Kubernetes 1.27 messages.
    #[default]
    V1alpha5,
    /// Karpenter 1.14: `NodePool`, `NodeClaim`, `EC2NodeClass`; Kubernetes 1.35 messages.
    V1,
}

impl Era {
    pub fn parse(text: &str) -> Option<Era> {
        match text {
            "v1alpha5" => Some(Era::V1alpha5),
            "v1" => Some(Era::V1),
            _ => None,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Era::V1alpha5 => "v1alpha5",
            Era::V1 => "v1",
        }
    }
}

/// Whose machines Karpenter buys: the cloud provider it was built with, and whose node class the API server knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Provider {
    #[default]
    Aws,
    /// Nodes without machines, which kwok plays (era v1 only).
    Kwok,
}

/// What one API server serves: the kinds of an era, and among them those of one provider. An era alone stands for AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Api {
    pub era: Era,
    pub provider: Provider,
}

impl From<Era> for Api {
    fn from(era: Era) -> Api {
        Api { era, provider: Provider::Aws }
    }
}

macro_rules! kinds {
    ($($kind:ident $plural:literal $short:tt $group:literal $version:literal $scope:ident $eras:ident;)*) => {
        /// Every kind the store can hold.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind { $($kind),* }

        impl Kind {
            /// All kinds, in the table's order.
            pub const ALL: &'static [Kind] = &[$(Kind::$kind),*];

            /// The facts of this kind.
            pub const fn info(self) -> &'static KindInfo {
                match self {
                    $(Kind::$kind => {
                        const INFO: KindInfo = KindInfo {
                            kind: stringify!($kind), plural: $plural, short: &$short, group: $group, version: $version,
                            scope: Scope::$scope, eras: Eras::$eras,
                        };
                        &INFO
                    })*
                }
            }
        }
    };
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Namespaced,
    Cluster,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Eras {
    Both,
    V1alpha5,
    V1,
    /// Era v1 with one provider.
    V1Aws,
    V1Kwok,
    /// The cloud's own records, which no API server serves.
    Internal,
}

#[derive(Debug)]
pub struct KindInfo {
    pub kind: &'static str,
    /// Lower-case plural, as in URLs and messages.
    pub plural: &'static str,
    pub short: &'static [&'static str],
    pub group: &'static str,
    pub version: &'static str,
    pub scope: Scope,
    pub eras: Eras,
}

kinds! {
    Namespace "namespaces" ["ns"] "" "v1" Cluster Both;
    Node "nodes" ["no"] "" "v1" Cluster Both;
    Pod "pods" ["po"] "" "v1" Namespaced Both;
    Service "services" ["svc"] "" "v1" Namespaced Both;
    ServiceAccount "serviceaccounts" ["sa"] "" "v1" Namespaced Both;
    ConfigMap "configmaps" ["cm"] "" "v1" Namespaced Both;
    Event "events" ["ev"] "" "v1" Namespaced Both;
    PersistentVolumeClaim "persistentvolumeclaims" ["pvc"] "" "v1" Namespaced Both;
    PersistentVolume "persistentvolumes" ["pv"] "" "v1" Cluster Both;
    Deployment "deployments" ["deploy"] "apps" "v1" Namespaced Both;
    ReplicaSet "replicasets" ["rs"] "apps" "v1" Namespaced Both;
    DaemonSet "daemonsets" ["ds"] "apps" "v1" Namespaced Both;
    StatefulSet "statefulsets" ["sts"] "apps" "v1" Namespaced Both;
    Job "jobs" [] "batch" "v1" Namespaced Both;
    CronJob "cronjobs" ["cj"] "batch" "v1" Namespaced Both;
    PodDisruptionBudget "poddisruptionbudgets" ["pdb"] "policy" "v1" Namespaced Both;
    HorizontalPodAutoscaler "horizontalpodautoscalers" ["hpa"] "autoscaling" "v2" Namespaced Both;
    PriorityClass "priorityclasses" ["pc"] "scheduling.k8s.io" "v1" Cluster Both;
    StorageClass "storageclasses" ["sc"] "storage.k8s.io" "v1" Cluster Both;
    Lease "leases" [] "coordination.k8s.io" "v1" Namespaced Both;
    Provisioner "provisioners" [] "karpenter.sh" "v1alpha5" Cluster V1alpha5;
    Machine "machines" [] "karpenter.sh" "v1alpha5" Cluster V1alpha5;
    AWSNodeTemplate "awsnodetemplates" [] "karpenter.k8s.aws" "v1alpha1" Cluster V1alpha5;
    NodePool "nodepools" [] "karpenter.sh" "v1" Cluster V1;
    NodeClaim "nodeclaims" [] "karpenter.sh" "v1" Cluster V1;
    EC2NodeClass "ec2nodeclasses" ["ec2nc", "ec2ncs"] "karpenter.k8s.aws" "v1" Cluster V1Aws;
    KWOKNodeClass "kwoknodeclasses" ["kwoknc", "kwokncs"] "karpenter.kwok.sh" "v1alpha1" Cluster V1Kwok;
    FleetRequest "fleetrequests" [] "cloud.nodewright" "v1" Cluster Internal;
    Instance "instances" [] "cloud.nodewright" "v1" Cluster Internal;
    CloudFault "cloudfaults" [] "cloud.nodewright" "v1" Cluster Internal;
}

impl Kind {
    pub fn name(self) -> &'static str {
        self.info().kind
    }

    /// `v1`, `apps/v1`, `karpenter.sh/v1alpha5`.
    pub fn api_version(self) -> String {
        let info = self.info();
        if info.group.is_empty() { info.version.to_owned() } else { format!("{}/{}", info.group, info.version) }
    }

    /// Plural with the group behind it, as messages name it: `deployments.apps`, `pods`.
    pub fn resource(self) -> String {
        let info = self.info();
        if info.group.is_empty() { info.plural.to_owned() } else { format!("{}.{}", info.plural, info.group) }
    }

    /// Lower-case singular with the group behind it, as kubectl names objects: `deployment.apps`, `pod`.
    pub fn singular_resource(self) -> String {
        let info = self.info();
        let one = info.kind.to_lowercase();
        if info.group.is_empty() { one } else { format!("{one}.{}", info.group) }
    }

    pub fn namespaced(self) -> bool {
        self.info().scope == Scope::Namespaced
    }

    pub fn is_internal(self) -> bool {
        self.info().eras == Eras::Internal
    }

    /// Whether a CRD of Karpenter defines it.
    pub fn is_crd(self) -> bool {
        self.info().group.starts_with("karpenter")
    }

    /// Whether this API server serves this kind.
    pub fn served_in(self, api: impl Into<Api>) -> bool {
        let Api { era, provider } = api.into();
        match self.info().eras {
            Eras::Both => true,
            Eras::V1alpha5 => era == Era::V1alpha5,
            Eras::V1 => era == Era::V1,
            Eras::V1Aws => era == Era::V1 && provider == Provider::Aws,
            Eras::V1Kwok => era == Era::V1 && provider == Provider::Kwok,
            Eras::Internal => false,
        }
    }

    /// The kind that `apiVersion` and `kind` of a document name.
    pub fn of(api_version: &str, kind: &str) -> Option<Kind> {
        Kind::ALL.iter().copied().find(|k| k.name() == kind && k.api_version() == api_version)
    }

    /// The kind that a kubectl argument names: plural, singular or short name, with or without the group
    /// (`deploy`, `deployment`, `Deployment`, `deployments.apps`, `deployments.v1.apps`), among those that are served.
    pub fn parse(text: &str, api: impl Into<Api>) -> Option<Kind> {
        let api = api.into();
        let text = text.to_lowercase();
        let (name, rest) = text.split_once('.').unwrap_or((&text, ""));
        Kind::ALL.iter().copied().find(|k| {
            let info = k.info();
            let named = info.plural == name || info.kind.to_lowercase() == name || info.short.contains(&name);
            let grouped = rest.is_empty() || rest == info.group || rest == format!("{}.{}", info.version, info.group);
            named && grouped && k.served_in(api)
        })
    }

    /// The kinds that play one part in the two eras: who holds the pools, the claims and the node class.
    pub fn pool(era: Era) -> Kind {
        if era == Era::V1 { Kind::NodePool } else { Kind::Provisioner }
    }

    pub fn claim(era: Era) -> Kind {
        if era == Era::V1 { Kind::NodeClaim } else { Kind::Machine }
    }

    pub fn node_class(api: impl Into<Api>) -> Kind {
        match api.into() {
            Api { provider: Provider::Kwok, .. } => Kind::KWOKNodeClass,
            Api { era: Era::V1, .. } => Kind::EC2NodeClass,
            Api { era: Era::V1alpha5, .. } => Kind::AWSNodeTemplate,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_what_people_type() {
        for (text, want) in [
            ("po", Kind::Pod),
            ("Deployment", Kind::Deployment),
            ("deployments.apps", Kind::Deployment),
            ("provisioners", Kind::Provisioner),
            ("deployments.v1.apps", Kind::Deployment),
        ] {
            assert_eq!(Kind::parse(text, Era::V1alpha5), Some(want), "{text}");
        }
        assert_eq!(Kind::parse("provisioners", Era::V1), None);
        assert_eq!(Kind::parse("instances", Era::V1), None);
        let kwok = Api { era: Era::V1, provider: Provider::Kwok };
        assert_eq!(Kind::parse("kwoknc", kwok), Some(Kind::KWOKNodeClass));
        assert_eq!((Kind::parse("kwoknc", Era::V1), Kind::parse("ec2nc", kwok)), (None, None));
        assert_eq!(Kind::of("apps/v1", "Deployment"), Some(Kind::Deployment));
    }
}
