//! Karpenter's well-known labels of an instance type.
//!
//! Sources: aws/karpenter-provider-aws pkg/providers/instancetype/types.go (`computeRequirements`) and the release's
//! documentation of instance types, v0.31 and v1.14. Region, zone, zone id and capacity type come from the offerings.

use crate::{Era, TypeFacts};

/// Every label that a type may carry in the era. Those missing from [`TypeFacts::labels`] do not exist on the type.
pub fn label_keys(era: Era) -> &'static [&'static str] {
    match era {
        Era::Era2023 => KEYS_2023,
        Era::Era2026 => KEYS_2026,
    }
}

const KEYS_2023: &[&str] = &[
    "karpenter.k8s.aws/instance-accelerator-count",
    "karpenter.k8s.aws/instance-accelerator-manufacturer",
    "karpenter.k8s.aws/instance-accelerator-name",
    "karpenter.k8s.aws/instance-category",
    "karpenter.k8s.aws/instance-cpu",
    "karpenter.k8s.aws/instance-encryption-in-transit-supported",
    "karpenter.k8s.aws/instance-family",
    "karpenter.k8s.aws/instance-generation",
    "karpenter.k8s.aws/instance-gpu-count",
    "karpenter.k8s.aws/instance-gpu-manufacturer",
    "karpenter.k8s.aws/instance-gpu-memory",
    "karpenter.k8s.aws/instance-gpu-name",
    "karpenter.k8s.aws/instance-hypervisor",
    "karpenter.k8s.aws/instance-local-nvme",
    "karpenter.k8s.aws/instance-memory",
    "karpenter.k8s.aws/instance-network-bandwidth",
    "karpenter.k8s.aws/instance-pods",
    "karpenter.k8s.aws/instance-size",
    "kubernetes.io/arch",
    "kubernetes.io/os",
    "node.kubernetes.io/instance-type",
    "node.kubernetes.io/windows-build",
];

const KEYS_2026: &[&str] = &[
    "karpenter.k8s.aws/instance-accelerator-count",
    "karpenter.k8s.aws/instance-accelerator-manufacturer",
    "karpenter.k8s.aws/instance-accelerator-name",
    "karpenter.k8s.aws/instance-capability-flex",
    "karpenter.k8s.aws/instance-category",
    "karpenter.k8s.aws/instance-cpu",
    "karpenter.k8s.aws/instance-cpu-manufacturer",
    "karpenter.k8s.aws/instance-cpu-sustained-clock-speed-mhz",
    "karpenter.k8s.aws/instance-ebs-bandwidth",
    "karpenter.k8s.aws/instance-encryption-in-transit-supported",
    "karpenter.k8s.aws/instance-family",
    "karpenter.k8s.aws/instance-generation",
    "karpenter.k8s.aws/instance-gpu-count",
    "karpenter.k8s.aws/instance-gpu-manufacturer",
    "karpenter.k8s.aws/instance-gpu-memory",
    "karpenter.k8s.aws/instance-gpu-name",
    "karpenter.k8s.aws/instance-hypervisor",
    "karpenter.k8s.aws/instance-local-nvme",
    "karpenter.k8s.aws/instance-memory",
    "karpenter.k8s.aws/instance-network-bandwidth",
    "karpenter.k8s.aws/instance-size",
    "kubernetes.io/arch",
    "kubernetes.io/os",
    "node.kubernetes.io/instance-type",
    "node.kubernetes.io/windows-build",
];

impl TypeFacts {
    /// The type's labels with one value each, sorted by key, for Linux nodes. `instance-tenancy` (default, dedicated)
    /// of era 2026 is left out: a type allows both and a node gets the one that was asked for.
    pub fn labels(&self, era: Era) -> Vec<(&'static str, String)> {
        label_keys(era).iter().filter_map(|key| Some((*key, self.label(key, era)?))).collect()
    }

    fn label(&self, key: &str, era: Era) -> Option<String> {
        let number = |n: Option<u32>| n.map(|n| n.to_string());
        match key {
            "kubernetes.io/arch" => return Some(self.arch.clone()),
            "kubernetes.io/os" => return Some("linux".to_owned()),
            "node.kubernetes.io/instance-type" => return Some(self.name.clone()),
            _ => {}
        }
        let accelerator = self.accelerator.as_ref().filter(|a| a.kind == "neuron" || a.kind == "inference");
        match key.strip_prefix("karpenter.k8s.aws/instance-")? {
            "accelerator-count" => accelerator.map(|a| a.count.to_string()),
            "accelerator-manufacturer" => accelerator.map(|a| a.manufacturer.clone()),
            // v0.31 writes `inferentia` for every Neuron device.
            "accelerator-name" => accelerator.map(|a| match era {
                Era::Era2023 if a.kind == "neuron" => "inferentia".to_owned(),
                _ => a.name.clone(),
            }),
            "capability-flex" => Some(self.flex().to_string()),
            "category" => self.category.clone(),
            "cpu" => Some(self.vcpu.to_string()),
            "cpu-manufacturer" => Some(self.cpu_manufacturer.clone()),
            // EC2 gives no clock for the oldest types; Karpenter prints 0.
            "cpu-sustained-clock-speed-mhz" => Some(self.clock_mhz.unwrap_or(0).to_string()),
            "ebs-bandwidth" => number(self.ebs_bandwidth_mbps),
            "encryption-in-transit-supported" => Some(self.encryption_in_transit.to_string()),
            "family" => Some(self.family.clone()),
            "generation" => number(self.generation),
            "gpu-count" => self.gpu.as_ref().map(|g| g.count.to_string()),
            "gpu-manufacturer" => self.gpu.as_ref().map(|g| g.manufacturer.clone()),
            // The A10G was reported with its nominal 24 GiB in 2023.
            "gpu-memory" => self.gpu.as_ref().map(|g| match era {
                Era::Era2023 if g.name == "a10g" => "24576".to_owned(),
                _ => g.memory_mib.to_string(),
            }),
            "gpu-name" => self.gpu.as_ref().map(|g| g.name.clone()),
            // Bare metal has the label with an empty value.
            "hypervisor" => Some(self.hypervisor.clone()),
            "local-nvme" => number(self.local_nvme_gb),
            "memory" => Some(self.reported_memory_mib(era).to_string()),
            "network-bandwidth" => number(self.network_baseline_mbps),
            "pods" => Some(self.eni_limited_pods(era).to_string()),
            "size" => Some(self.size.clone()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Catalog;

    /// `documented` is the label table of the release's documentation with the keys shortened:
    /// `i/` stands for `karpenter.k8s.aws/instance-`.
    fn check(era: Era, name: &str, documented: &str) {
        let catalog = Catalog::embedded();
        let facts = catalog.get(name).expect(name);
        let labels: Vec<_> = facts.labels(era).iter().map(|(k, v)| format!("{k}={v}")).collect();
        let expect: Vec<_> = documented.split_whitespace().map(|l| l.replacen("i/", "karpenter.k8s.aws/instance-", 1)).collect();
        let tail = [
            format!("kubernetes.io/arch={}", facts.arch),
            "kubernetes.io/os=linux".to_owned(),
            format!("node.kubernetes.io/instance-type={name}"),
        ];
        assert_eq!(labels, expect.into_iter().chain(tail).collect::<Vec<_>>(), "{name}");
    }

    #[test]
    fn labels_of_v0_31_are_those_documented() {
        check(
            Era::Era2023,
            "c5.large",
            "i/category=c i/cpu=2 i/encryption-in-transit-supported=false i/family=c5 i/generation=5 i/hypervisor=nitro
             i/memory=4096 i/network-bandwidth=750 i/pods=29 i/size=large",
        );
        check(
            Era::Era2023,
            "c4.2xlarge",
            "i/category=c i/cpu=8 i/encryption-in-transit-supported=false i/family=c4 i/generation=4 i/hypervisor=xen
             i/memory=15360 i/pods=58 i/size=2xlarge",
        );
        check(
            Era::Era2023,
            "a1.metal",
            "i/category=a i/cpu=16 i/encryption-in-transit-supported=false i/family=a1 i/generation=1 i/hypervisor=
             i/memory=32768 i/network-bandwidth=5000 i/pods=234 i/size=metal",
        );
        check(
            Era::Era2023,
            "is4gen.medium",
            "i/category=is i/cpu=1 i/encryption-in-transit-supported=true i/family=is4gen i/generation=4
             i/hypervisor=nitro i/local-nvme=937 i/memory=6144 i/network-bandwidth=1562 i/pods=8 i/size=medium",
        );
    }

    /// The documentation page is of a release before the flex and clock labels, which the source of v1.14 adds.
    #[test]
    fn labels_of_v1_are_those_documented() {
        check(
            Era::Era2026,
            "c5.large",
            "i/capability-flex=false i/category=c i/cpu=2 i/cpu-manufacturer=intel
             i/cpu-sustained-clock-speed-mhz=3400 i/ebs-bandwidth=4750 i/encryption-in-transit-supported=false
             i/family=c5 i/generation=5 i/hypervisor=nitro i/memory=4096 i/network-bandwidth=750 i/size=large",
        );
        check(
            Era::Era2026,
            "c1.xlarge",
            "i/capability-flex=false i/category=c i/cpu=8 i/cpu-manufacturer=intel i/cpu-sustained-clock-speed-mhz=0
             i/encryption-in-transit-supported=false i/family=c1 i/generation=1 i/hypervisor=xen i/memory=7168
             i/size=xlarge",
        );
        let catalog = Catalog::embedded();
        let flex = catalog.get("c7i-flex.large").expect("c7i-flex.large").labels(Era::Era2026);
        assert!(flex.contains(&("karpenter.k8s.aws/instance-capability-flex", "true".to_owned())));
    }

    #[test]
    fn neuron_devices_and_gpus_are_named_as_in_the_era() {
        let catalog = Catalog::embedded();
        for (era, name, key, value) in [
            (Era::Era2023, "trn1.32xlarge", "accelerator-name", "inferentia"),
            (Era::Era2026, "trn1.32xlarge", "accelerator-name", "trainium"),
            (Era::Era2023, "g5.xlarge", "gpu-memory", "24576"),
            (Era::Era2026, "g5.xlarge", "gpu-memory", "22888"),
            (Era::Era2026, "g4dn.xlarge", "gpu-name", "t4"),
        ] {
            let labels = catalog.get(name).expect(name).labels(era);
            let key = format!("karpenter.k8s.aws/instance-{key}");
            let found = labels.iter().find(|(k, _)| *k == key).map(|(_, v)| v.as_str());
            assert_eq!(found, Some(value), "{name} {key}");
        }
    }
}
