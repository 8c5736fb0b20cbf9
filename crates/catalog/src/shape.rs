//! What a node of a type has and what Kubernetes keeps back: Karpenter's arithmetic for AL2 and AL2023 nodes.
//!
//! Source: aws/karpenter-provider-aws pkg/providers/instancetype/types.go at v0.31.4 and v1.14. The formulas give the
//! printed value in all 2,063 rows of both releases' instance type documentation (test below).

use crate::{Era, TypeFacts};

/// What a node class and its kubelet settings change about a node. `default()` is Karpenter's default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeShape {
    /// `VM_MEMORY_OVERHEAD_PERCENT` in thousandths: 75 is 7.5 %.
    pub vm_memory_overhead_permille: u64,
    /// Size of the root volume.
    pub root_volume_gib: u64,
    /// kubelet `maxPods`; None leaves the count to the network interfaces.
    pub max_pods: Option<u32>,
    /// kubelet `podsPerCore`.
    pub pods_per_core: Option<u32>,
    /// `aws.enableENILimitedPodDensity` of v1alpha5: false means 110 pods on every type.
    pub eni_limited_density: bool,
    /// Network interfaces that no pod uses: `aws.reservedENIs`, `RESERVED_ENIS`.
    pub reserved_enis: u32,
    /// The kubelet's memory follows the pods that the interfaces allow (Amazon Linux); otherwise the node's own number
    /// of pods (Bottlerocket).
    pub eni_limited_memory: bool,
}

impl Default for NodeShape {
    fn default() -> NodeShape {
        NodeShape {
            vm_memory_overhead_permille: 75,
            root_volume_gib: 20,
            max_pods: None,
            pods_per_core: None,
            eni_limited_density: true,
            reserved_enis: 0,
            eni_limited_memory: true,
        }
    }
}

/// Amounts of the four resources that every node has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resources {
    pub cpu_milli: u64,
    pub memory_mib: u64,
    pub ephemeral_mib: u64,
    pub pods: u64,
}

impl Resources {
    fn less(self, other: Resources) -> Resources {
        Resources {
            cpu_milli: self.cpu_milli.saturating_sub(other.cpu_milli),
            memory_mib: self.memory_mib.saturating_sub(other.memory_mib),
            ephemeral_mib: self.ephemeral_mib.saturating_sub(other.ephemeral_mib),
            pods: self.pods.saturating_sub(other.pods),
        }
    }
}

/// Ranges of the CPU reservation: (milli-CPU from, to, hundredths of a percent reserved).
const CPU_RESERVED: [(u64, u64, u64); 4] = [(0, 1_000, 600), (1_000, 2_000, 100), (2_000, 4_000, 50), (4_000, u64::MAX, 25)];

const MIB_PER_GIB: u64 = 1_024;

impl TypeFacts {
    /// Capacity as Karpenter computes it before the node exists.
    pub fn capacity(&self, era: Era, shape: &NodeShape) -> Resources {
        let arm_reserve_mib = if self.arch == "arm64" { 64 } else { 0 };
        let mib = self.reported_memory_mib(era).saturating_sub(arm_reserve_mib);
        Resources {
            cpu_milli: u64::from(self.vcpu) * 1_000,
            memory_mib: mib.saturating_sub((mib * shape.vm_memory_overhead_permille).div_ceil(1_000)),
            ephemeral_mib: shape.root_volume_gib * MIB_PER_GIB,
            pods: u64::from(self.pods(era, shape)),
        }
    }

    /// What the kubelet keeps for itself. Memory follows the interfaces' pod count even where `maxPods` says less, and
    /// since 1.x even where interfaces are reserved.
    pub fn kube_reserved(&self, era: Era, shape: &NodeShape) -> Resources {
        let cpu_milli = u64::from(self.vcpu) * 1_000;
        let reserved = if era == Era::Era2023 { shape.reserved_enis } else { 0 };
        let pods = if shape.eni_limited_memory { self.pods_beside(era, reserved) } else { self.pods(era, shape) };
        let part = |(from, to, share): &(u64, u64, u64)| cpu_milli.min(*to).saturating_sub(*from) * share / 10_000;
        Resources {
            cpu_milli: CPU_RESERVED.iter().map(part).sum(),
            memory_mib: 11 * u64::from(pods) + 255,
            ephemeral_mib: MIB_PER_GIB,
            pods: 0,
        }
    }

    /// Default hard eviction thresholds: 100 MiB of memory, a tenth of the root volume (rounded up).
    pub fn eviction_threshold(&self, shape: &NodeShape) -> Resources {
        Resources { memory_mib: 100, ephemeral_mib: (shape.root_volume_gib * MIB_PER_GIB).div_ceil(10), ..Resources::default() }
    }

    /// What pods may request: capacity less [`Self::kube_reserved`] and [`Self::eviction_threshold`].
    pub fn allocatable(&self, era: Era, shape: &NodeShape) -> Resources {
        self.capacity(era, shape).less(self.kube_reserved(era, shape)).less(self.eviction_threshold(shape))
    }

    /// Extended resources of a node of this type, none of them zero, in the order of their names.
    pub fn extended_resources(&self, era: Era) -> Vec<(&'static str, u64)> {
        let mut found = Vec::new();
        let mut add = |name, count: u32| {
            if count > 0 {
                found.push((name, u64::from(count)));
            }
        };
        let gpu = |maker: &str| self.gpu.as_ref().filter(|g| g.manufacturer == maker).map_or(0, |g| g.count);
        let neuron = self.accelerator.as_ref().filter(|a| a.kind == "neuron");
        add("amd.com/gpu", gpu("amd"));
        add("aws.amazon.com/neuron", neuron.map_or(0, |a| a.count));
        if era == Era::Era2026 {
            add("aws.amazon.com/neuroncore", neuron.map_or(0, |a| a.neuron_cores));
        }
        add("habana.ai/gaudi", gpu("habana"));
        add("nvidia.com/gpu", gpu("nvidia"));
        if era == Era::Era2026 {
            add("vpc.amazonaws.com/efa", self.efa_max);
        }
        add("vpc.amazonaws.com/pod-eni", self.pod_enis(era));
        found
    }

    /// How many pods a node takes.
    pub fn pods(&self, era: Era, shape: &NodeShape) -> u32 {
        let by_density = if shape.eni_limited_density { self.pods_beside(era, shape.reserved_enis) } else { 110 };
        let pods = shape.max_pods.unwrap_or(by_density);
        match shape.pods_per_core {
            Some(per_core) if per_core > 0 => pods.min(per_core.saturating_mul(self.vcpu)),
            _ => pods,
        }
    }

    /// Pods that get an address where some interfaces are reserved.
    fn pods_beside(&self, era: Era, reserved_enis: u32) -> u32 {
        match self.max_enis(era).saturating_sub(reserved_enis) {
            0 => 0,
            interfaces => interfaces * self.ipv4_per_eni.saturating_sub(1) + 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Catalog;
    use std::collections::{BTreeMap, BTreeSet};

    fn table() -> Vec<BTreeMap<&'static str, &'static str>> {
        let mut lines = include_str!("../tests/data/allocatable-check.csv").lines();
        let head: Vec<_> = lines.next().unwrap_or_default().split(',').collect();
        lines.map(|l| head.iter().copied().zip(l.split(',')).collect()).collect()
    }

    fn number(cell: &str) -> u64 {
        let digits = cell.trim_end_matches(['m', 'M', 'G', 'i']);
        let n: u64 = if digits.is_empty() { 0 } else { digits.parse().expect(cell) };
        if cell.ends_with("Gi") { n * 1_024 } else { n }
    }

    #[test]
    fn every_documented_row_of_both_releases_is_met() {
        let catalog = Catalog::embedded();
        let rows = table();
        assert_eq!(rows.len(), 2_063);
        let mut pod_eni_differs = BTreeSet::new();
        for row in rows {
            let era = if row["docs"] == "v0.31.0" { Era::Era2023 } else { Era::Era2026 };
            let facts = catalog.get(row["name"]).expect(row["name"]);
            let at = format!("{} {}", row["docs"], row["name"]);
            assert!(facts.listed(era), "{at}");
            let shape = NodeShape::default();
            let (capacity, allocatable) = (facts.capacity(era, &shape), facts.allocatable(era, &shape));
            let cpu = number(row["cpu_allocatable"]) * if row["cpu_allocatable"].ends_with('m') { 1 } else { 1_000 };
            assert_eq!(capacity.cpu_milli, number(row["cpu_capacity_m"]), "{at} cpu");
            assert_eq!(capacity.memory_mib, number(row["memory_capacity_mib"]), "{at} memory");
            assert_eq!(allocatable.cpu_milli, cpu, "{at} allocatable cpu");
            assert_eq!(allocatable.memory_mib, number(row["memory_allocatable"]), "{at} allocatable memory");
            assert_eq!(allocatable.ephemeral_mib, number(row["ephemeral_allocatable"]), "{at} disk");
            assert_eq!(allocatable.pods, number(row["pods"]), "{at} pods");
            let extended: BTreeMap<_, _> = facts.extended_resources(era).into_iter().collect();
            for (column, name) in [
                ("nvidia_gpu", "nvidia.com/gpu"),
                ("amd_gpu", "amd.com/gpu"),
                ("neuron", "aws.amazon.com/neuron"),
                ("neuroncore", "aws.amazon.com/neuroncore"),
                ("gaudi", "habana.ai/gaudi"),
            ] {
                assert_eq!(extended.get(name).copied().unwrap_or(0), number(row[column]), "{at} {name}");
            }
            if era == Era::Era2026 {
                assert_eq!(extended.get("vpc.amazonaws.com/efa").copied().unwrap_or(0), number(row["efa"]), "{at} efa");
            }
            if extended.get("vpc.amazonaws.com/pod-eni").copied().unwrap_or(0) != number(row["pod_eni"]) {
                assert_eq!((era, number(row["pod_eni"])), (Era::Era2026, 0), "{at}");
                pod_eni_differs.insert(row["name"]);
            }
        }
        // The v1.14 page predates the limits table used here: it gives these types no branch interfaces yet.
        assert_eq!(pod_eni_differs.len(), 56);
    }

    #[test]
    fn kubelet_settings_change_pods_but_not_the_reserve() {
        let catalog = Catalog::embedded();
        let m5 = catalog.get("m5.xlarge").expect("m5.xlarge");
        for (shape, pods) in [
            (NodeShape::default(), 58),
            (NodeShape { max_pods: Some(20), ..NodeShape::default() }, 20),
            (NodeShape { pods_per_core: Some(2), ..NodeShape::default() }, 8),
            (NodeShape { eni_limited_density: false, ..NodeShape::default() }, 110),
            (NodeShape { max_pods: Some(5), pods_per_core: Some(2), ..NodeShape::default() }, 5),
        ] {
            assert_eq!(m5.capacity(Era::Era2023, &shape).pods, pods, "{shape:?}");
            assert_eq!(m5.allocatable(Era::Era2023, &shape).memory_mib, 14_162, "{shape:?}");
        }
        // Bottlerocket reckons with the pods that there will be.
        let bottlerocket = NodeShape { max_pods: Some(20), eni_limited_memory: false, ..NodeShape::default() };
        assert_eq!(m5.kube_reserved(Era::Era2026, &bottlerocket).memory_mib, 11 * 20 + 255);
    }

    #[test]
    fn reserved_interfaces_carry_no_pods() {
        let catalog = Catalog::embedded();
        let m5 = catalog.get("m5.xlarge").expect("m5.xlarge");
        for (reserved_enis, pods, memory_2023) in [(0, 58, 893), (1, 44, 739), (3, 16, 431), (4, 0, 255), (9, 0, 255)] {
            let shape = NodeShape { reserved_enis, ..NodeShape::default() };
            assert_eq!(m5.capacity(Era::Era2023, &shape).pods, pods);
            assert_eq!(m5.kube_reserved(Era::Era2023, &shape).memory_mib, memory_2023);
            assert_eq!((m5.pods(Era::Era2026, &shape), m5.kube_reserved(Era::Era2026, &shape).memory_mib), (pods as u32, 893));
        }
    }
}
