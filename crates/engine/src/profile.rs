//! The two eras as named policy values. Controllers read these; they never branch on the era otherwise, except to
//! choose a message table.

use objects::{Api, Era, Provider};

/// What differs between Karpenter 0.29-0.31 and 1.14, and the Kubernetes beside them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    pub era: Era,
    pub provider: Provider,
    pub karpenter_version: &'static str,
    pub karpenter_commit: &'static str,
    pub kubernetes_version: &'static str,
    pub kubectl_minor: u32,
    /// Namespace that Karpenter is installed in.
    pub karpenter_namespace: &'static str,
    pub batch_idle_ms: u64,
    pub batch_max_ms: u64,
    pub disruption_poll_ms: u64,
    /// Wait between a consolidation decision and its validation.
    pub validation_ms: u64,
    /// Types kept in a launched claim.
    pub max_instance_types: usize,
    /// Era A's loop blocks on replacements and deletions; era B's queue runs beside it.
    pub blocking_loop: bool,
    /// Era A cordons, era B taints.
    pub cordons: bool,
    pub min_drain_ms: u64,
    /// How long the cloud keeps an instance in shutting-down before the finalizer may go (era B waits for it).
    pub waits_for_instance: bool,
    /// Details of the recorded control plane that the profiles of AWS have not taken over, whose sessions have to stay what
    /// they are: the scheduler's events in their own form, conditions in order of time, `ConsistentStateFound`, the time that
    /// calls take.
    pub as_recorded: bool,
    /// CPU of the aws-node DaemonSet, in milli-CPU.
    pub aws_node_milli: i64,
}

impl Profile {
    /// Era v1 on a cluster whose machines are kwok's: a plain Kubernetes, and a Karpenter built from a checkout, which does
    /// not know its commit.
    pub fn kwok() -> Profile {
        Profile {
            provider: Provider::Kwok,
            karpenter_commit: "",
            kubernetes_version: "v1.35.4",
            waits_for_instance: false,
            as_recorded: true,
            ..Profile::of(Era::V1)
        }
    }

    /// What its API server serves.
    pub fn api(&self) -> Api {
        Api { era: self.era, provider: self.provider }
    }

    pub fn of(era: Era) -> Profile {
        match era {
            Era::V1alpha5 => Profile {
                era,
                provider: Provider::Aws,
                karpenter_version: "v0.29.2",
                karpenter_commit: "34d50bf-dirty",
                kubernetes_version: "v1.27.3-eks-a5565ad",
                kubectl_minor: 27,
                karpenter_namespace: "karpenter",
                batch_idle_ms: 1_000,
                batch_max_ms: 10_000,
                disruption_poll_ms: 10_000,
                validation_ms: 15_000,
                max_instance_types: 100,
                blocking_loop: true,
                cordons: true,
                min_drain_ms: 0,
                waits_for_instance: false,
                as_recorded: false,
                aws_node_milli: 25,
            },
            Era::V1 => Profile {
                era,
                provider: Provider::Aws,
                karpenter_version: "v1.14.1",
                karpenter_commit: "6e7eab7",
                kubernetes_version: "v1.35.4-eks-0000000",
                kubectl_minor: 35,
                karpenter_namespace: "karpenter",
                batch_idle_ms: 1_000,
                batch_max_ms: 10_000,
                disruption_poll_ms: 10_000,
                validation_ms: 15_000,
                max_instance_types: 600,
                blocking_loop: false,
                cordons: false,
                min_drain_ms: 5_000,
                waits_for_instance: true,
                as_recorded: false,
                aws_node_milli: 50,
            },
        }
    }
}
