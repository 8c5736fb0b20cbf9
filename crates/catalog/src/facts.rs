//! One instance type as EC2 describes it. The same in every region; what differs between the two eras is answered by
//! methods that take the era.

use crate::Era;

/// A GPU model; `memory_mib` is that of one GPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gpu {
    /// Lower case, blanks as `-`, as in Karpenter's labels: `t4`, `radeon-pro-v520`.
    pub name: String,
    pub manufacturer: String,
    pub count: u32,
    pub memory_mib: u32,
}

/// An accelerator that is no GPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accelerator {
    /// `neuron`, `inference`, `fpga` or `media`. Karpenter labels only the first two.
    pub kind: String,
    pub name: String,
    pub manufacturer: String,
    pub count: u32,
    pub neuron_cores: u32,
}

/// One EC2 instance type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeFacts {
    /// `m5.xlarge`
    pub name: String,
    /// `m5`
    pub family: String,
    /// `xlarge`
    pub size: String,
    /// Leading letters of the family, where the name has that form: `m`.
    pub category: Option<String>,
    /// The digits after the category: `5`.
    pub generation: Option<u32>,
    /// `amd64` or `arm64`.
    pub arch: String,
    /// `intel`, `amd` or `aws`.
    pub cpu_manufacturer: String,
    pub clock_mhz: Option<u32>,
    pub vcpu: u32,
    pub memory_mib: u64,
    /// `nitro`, `xen`, or empty on bare metal, as EC2 returns it.
    pub hypervisor: String,
    pub bare_metal: bool,
    pub burstable: bool,
    pub current_generation: bool,
    pub encryption_in_transit: bool,
    pub nitro_enclaves: bool,
    pub gpu: Option<Gpu>,
    pub accelerator: Option<Accelerator>,
    /// Total NVMe instance storage.
    pub local_nvme_gb: Option<u32>,
    /// Instance storage of any kind; r3 has some that is not NVMe.
    pub instance_storage_gb: Option<u32>,
    /// None where AWS only says `High` or `Moderate`.
    pub network_baseline_mbps: Option<u32>,
    pub network_peak_mbps: Option<u32>,
    /// Only where EBS-optimised is the default.
    pub ebs_bandwidth_mbps: Option<u32>,
    /// Network interfaces of the default network card, today. See [`TypeFacts::max_enis`].
    pub enis: u32,
    pub ipv4_per_eni: u32,
    /// Branch interfaces for pods (`vpc.amazonaws.com/pod-eni`).
    pub branch_enis: u32,
    pub efa_max: u32,
    pub on_demand: bool,
    pub spot: bool,
    /// Listed in the documentation of Karpenter v0.31 and v1.14.
    pub karpenter_v0_31: bool,
    pub karpenter_v1_14: bool,
}

/// Types whose limits table differed in 2023: (name, network interfaces, branch interfaces).
/// Source: aws/karpenter-provider-aws v0.31.0, docs page of instance types.
const LIMITS_2023: [(&str, u32, u32); 11] = [
    ("c6in.32xlarge", 7, 108),
    ("c6in.metal", 7, 108),
    ("m6idn.32xlarge", 7, 108),
    ("m6idn.metal", 7, 108),
    ("m6in.32xlarge", 7, 108),
    ("m6in.metal", 7, 108),
    ("r6idn.32xlarge", 7, 108),
    ("r6idn.metal", 7, 108),
    ("r6in.32xlarge", 7, 108),
    ("r6in.metal", 7, 108),
    ("h1.16xlarge", 15, 0),
];

/// Families and types without branch interfaces in the limits table of 2023 that have them today. Same source.
const NO_BRANCH_2023: [&str; 6] = ["hpc7g", "inf2", "m7a", "m7i", "m7i-flex", "i4i.large"];

/// Types that had branch interfaces in 2023 and have been retired since: (name, branch interfaces). Same source.
const BRANCH_2023: [(&str, u32); 3] = [("p3.2xlarge", 38), ("p3.8xlarge", 54), ("p3.16xlarge", 114)];

/// Memory that EC2 reported in 2023 and has corrected since: (name, MiB). Same source.
const MEMORY_2023: [(&str, u64); 2] = [("r7gd.8xlarge", 196_608), ("r7gd.12xlarge", 262_144)];

impl TypeFacts {
    /// Network interfaces of the default network card, as known in the era.
    pub fn max_enis(&self, era: Era) -> u32 {
        self.limits_2023(era).map_or(self.enis, |l| l.1)
    }

    /// Branch interfaces for pods, as known in the era.
    pub fn pod_enis(&self, era: Era) -> u32 {
        if let Some(limits) = self.limits_2023(era) {
            return limits.2;
        }
        if era == Era::Era2023 {
            if let Some((_, branches)) = BRANCH_2023.iter().find(|(name, _)| *name == self.name) {
                return *branches;
            }
            if NO_BRANCH_2023.iter().any(|n| *n == self.family || *n == self.name) {
                return 0;
            }
        }
        self.branch_enis
    }

    /// Memory of the type as EC2 reported it in the era, in MiB.
    pub fn reported_memory_mib(&self, era: Era) -> u64 {
        let old = MEMORY_2023.iter().find(|(name, _)| era == Era::Era2023 && *name == self.name);
        old.map_or(self.memory_mib, |(_, mib)| *mib)
    }

    /// Pods that the VPC CNI can give an address: interfaces x (addresses - 1) + 2.
    pub fn eni_limited_pods(&self, era: Era) -> u32 {
        self.max_enis(era) * self.ipv4_per_eni.saturating_sub(1) + 2
    }

    /// Does the era's Karpenter documentation list the type?
    pub fn listed(&self, era: Era) -> bool {
        match era {
            Era::Era2023 => self.karpenter_v0_31,
            Era::Era2026 => self.karpenter_v1_14,
        }
    }

    pub fn flex(&self) -> bool {
        self.family.contains("-flex")
    }

    fn limits_2023(&self, era: Era) -> Option<&'static (&'static str, u32, u32)> {
        LIMITS_2023.iter().find(|l| era == Era::Era2023 && l.0 == self.name)
    }
}

/// Category and generation by Karpenter's rule `^([a-z]+)(-[0-9]+tb)?([0-9]+).*\.` on the type's name.
pub(crate) fn category_generation(name: &str) -> Option<(&str, u32)> {
    let (family, _) = name.rsplit_once('.')?;
    let letters = family.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(family.len());
    let (category, mut rest) = family.split_at_checked(letters)?;
    if category.is_empty() {
        return None;
    }
    if let Some(sized) = rest.strip_prefix('-') {
        let digits = sized.find(|c: char| !c.is_ascii_digit())?;
        rest = sized.split_at_checked(digits)?.1.strip_prefix("tb")?;
        if digits == 0 {
            return None;
        }
    }
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    Some((category, rest.split_at_checked(digits)?.0.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_decompose_as_karpenter_does() {
        for (name, expect) in [
            ("m5.xlarge", Some(("m", 5))),
            ("c6gn.large", Some(("c", 6))),
            ("c7i-flex.large", Some(("c", 7))),
            ("inf2.xlarge", Some(("inf", 2))),
            ("u-6tb1.112xlarge", Some(("u", 1))),
            ("u7in-16tb.224xlarge", Some(("u", 7))),
            ("m.large", None),
            ("u-tb1.large", None),
            ("metal", None),
        ] {
            assert_eq!(category_generation(name), expect, "{name}");
        }
    }
}
