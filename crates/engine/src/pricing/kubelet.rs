//! What a pool's kubelet settings make of an instance type: how many pods a node takes, and what is kept back from them.
//! Source: aws/karpenter-provider-aws pkg/providers/instancetype/types.go v0.31.4 and v1.14.1.

use super::catalog_era;
use crate::scheduling::InstanceType;
use catalog::{NodeShape, TypeFacts};
use objects::collections::VecMap;
use objects::quantity::Quantity;
use objects::resources::{CPU, EPHEMERAL, MEMORY, PODS};
use objects::{DocExt, Era, Resources, Value};

const MIB: u64 = 1 << 20;

/// The settings that change sizes. Those that change nothing are equal to the default, whatever else is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kubelet {
    max_pods: Option<u32>,
    pods_per_core: Option<u32>,
    kube_reserved: Resources,
    system_reserved: Resources,
    /// Hard eviction thresholds by resource.
    hard: VecMap<&'static str, Threshold>,
    /// Soft ones, where the release counts them.
    soft: VecMap<&'static str, Threshold>,
    is_bottlerocket: bool,
    /// Karpenter's own settings.
    reserved_enis: u32,
    any_density: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Threshold {
    Amount(i64),
    /// Thousandths of a percent of the capacity.
    Share(i64),
}

impl Kubelet {
    /// `doc` is `kubeletConfiguration`, or `kubelet` of a node class; `family` the class's image family.
    pub fn read(doc: &Value, family: &str, era: Era) -> Kubelet {
        let small = |key: &str| doc.int_at(key).and_then(|n| u32::try_from(n).ok());
        let is_bottlerocket = family.eq_ignore_ascii_case("Bottlerocket");
        let counts_soft = era == Era::V1alpha5 && !is_bottlerocket;
        let mut read = Kubelet {
            max_pods: small("maxPods"),
            // Bottlerocket has no such setting.
            pods_per_core: small("podsPerCore").filter(|n| *n > 0 && !is_bottlerocket),
            kube_reserved: Resources::read(doc.at("kubeReserved")),
            system_reserved: Resources::read(doc.at("systemReserved")),
            hard: thresholds(doc.at("evictionHard")),
            soft: if counts_soft { thresholds(doc.at("evictionSoft")) } else { VecMap::new() },
            ..Kubelet::default()
        };
        read.is_bottlerocket = is_bottlerocket && read.max_pods.is_some();
        read
    }

    /// With Karpenter's own settings of network interfaces: how many of them carry no pods, and whether they bound the
    /// number of pods at all.
    pub fn with_interfaces(mut self, reserved: u32, bound_pods: bool) -> Kubelet {
        (self.reserved_enis, self.any_density) = (reserved, !bound_pods);
        self
    }

    /// As the node itself reckons: soft thresholds warn, they keep nothing back.
    pub fn on_node(mut self) -> Kubelet {
        self.soft.clear();
        self
    }

    pub fn is_plain(&self) -> bool {
        *self == Kubelet::default()
    }

    fn shape(&self) -> NodeShape {
        NodeShape {
            max_pods: self.max_pods,
            pods_per_core: self.pods_per_core,
            eni_limited_density: !self.any_density,
            reserved_enis: self.reserved_enis,
            eni_limited_memory: !self.is_bottlerocket,
            ..NodeShape::default()
        }
    }

    /// Capacity and overhead of a type.
    pub fn sizes(&self, facts: &TypeFacts, era: Era) -> (Resources, Resources) {
        let (at, shape) = (catalog_era(era), self.shape());
        let mut capacity = amounts(facts.capacity(at, &shape));
        for (name, count) in facts.extended_resources(at) {
            capacity = capacity.with(name, i64::try_from(count).unwrap_or(i64::MAX));
        }
        let mut overhead = amounts(facts.kube_reserved(at, &shape));
        overhead.0.extend(self.kube_reserved.0.clone());
        overhead.add(&self.system_reserved);
        let mut eviction = amounts(facts.eviction_threshold(&shape));
        for resource in [MEMORY, EPHEMERAL] {
            let set = [&self.hard, &self.soft].into_iter().filter_map(|list| list.get(resource));
            if let Some(most) = set.map(|t| t.of(capacity.get(resource))).max() {
                eviction = eviction.with(resource, most);
            }
        }
        overhead.add(&eviction);
        // What a type does not have is not kept back from it: `pid`.
        overhead.0.retain(|name, _| capacity.0.contains_key(name));
        (capacity, overhead)
    }

    /// The type as nodes with these settings are.
    pub fn shaped(&self, plain: &InstanceType, facts: &TypeFacts, era: Era) -> InstanceType {
        let (capacity, overhead) = self.sizes(facts, era);
        let pods = capacity.get(PODS);
        let mut t = plain.clone();
        t.resize(capacity, overhead);
        if era == Era::V1alpha5 {
            t.requirements.replace(crate::scheduling::Requirement::is_in(INSTANCE_PODS, [pods.to_string()]));
        }
        t
    }
}

/// The label of the older era that says how many pods a node takes.
const INSTANCE_PODS: &str = "karpenter.k8s.aws/instance-pods";

fn amounts(r: catalog::Resources) -> Resources {
    let amount = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    Resources::default()
        .with(CPU, amount(r.cpu_milli))
        .with(MEMORY, amount(r.memory_mib.saturating_mul(MIB)))
        .with(EPHEMERAL, amount(r.ephemeral_mib.saturating_mul(MIB)))
        .with(PODS, amount(r.pods))
}

/// Those of the signals that keep something back.
fn thresholds(signals: &Value) -> VecMap<&'static str, Threshold> {
    let one = |(signal, resource): (&str, &'static str)| {
        let text = signals.field(signal).as_str()?;
        let number = |text: &str| Quantity::parse(text).ok();
        let threshold = match text.strip_suffix('%') {
            // A threshold of everything is none at all.
            Some(share) => Threshold::Share(number(share)?.milli() % 100_000),
            None => Threshold::Amount(number(text)?.value()),
        };
        Some((resource, threshold))
    };
    [("memory.available", MEMORY), ("nodefs.available", EPHEMERAL)].into_iter().filter_map(one).collect()
}

impl Threshold {
    fn of(self, capacity: i64) -> i64 {
        match self {
            Threshold::Amount(amount) => amount,
            Threshold::Share(share) => {
                let parts = i128::from(capacity) * i128::from(share);
                i64::try_from((parts + 99_999).div_euclid(100_000)).unwrap_or(i64::MAX)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use objects::json;

    /// Pods, and allocatable CPU (milli) and memory (MiB) of an m5.xlarge.
    fn check(era: Era, family: &str, doc: &Value, want: (i64, i64, i64)) {
        let catalog = catalog::Catalog::embedded();
        let (mut left, overhead) = Kubelet::read(doc, family, era).sizes(catalog.get("m5.xlarge").unwrap(), era);
        left.sub(&overhead);
        assert_eq!((left.get(PODS), left.cpu(), left.memory() >> 20), want, "{era:?} {family} {doc}");
        assert!(!left.0.contains_key("pid"));
    }

    #[test]
    fn settings_change_what_pods_get() {
        for era in [Era::V1alpha5, Era::V1] {
            let al2 = |doc: Value, want| check(era, "AL2", &doc, want);
            al2(json!(null), (58, 3_920, 14_162));
            al2(json!({"maxPods": 20}), (20, 3_920, 14_162));
            al2(json!({"podsPerCore": 2}), (8, 3_920, 14_162));
            // Per resource in place of the default.
            al2(json!({"kubeReserved": {"cpu": "1", "pid": "100"}}), (58, 3_000, 14_162));
            al2(json!({"kubeReserved": {"memory": "1Gi"}}), (58, 3_920, 14_162 + 893 - 1_024));
            al2(json!({"systemReserved": {"cpu": "100m", "memory": "100Mi"}}), (58, 3_820, 14_062));
            al2(json!({"evictionHard": {"memory.available": "500Mi"}}), (58, 3_920, 13_762));
            // 5 % of 15,155 MiB, rounded up to whole bytes.
            al2(json!({"evictionHard": {"memory.available": "5%"}}), (58, 3_920, 13_504));
            al2(json!({"evictionHard": {"memory.available": "100%"}}), (58, 3_920, 14_262));
            // The smaller of both numbers of pods.
            al2(json!({"maxPods": 5, "podsPerCore": 2}), (5, 3_920, 14_162));
            let bottlerocket = |doc: Value, want| check(era, "Bottlerocket", &doc, want);
            bottlerocket(json!({"podsPerCore": 2}), (58, 3_920, 14_162));
            bottlerocket(json!({"maxPods": 20}), (20, 3_920, 14_162 + 11 * 38));
            let soft = json!({"evictionHard": {"memory.available": "200Mi"}, "evictionSoft": {"memory.available": "300Mi"}});
            // Since 1.x a soft threshold is only a warning.
            al2(soft.clone(), (58, 3_920, if era == Era::V1 { 14_062 } else { 13_962 }));
            bottlerocket(soft, (58, 3_920, 14_062));
        }
    }

    #[test]
    fn settings_that_change_no_size_are_plain() {
        let plain = |doc: Value, family: &str| Kubelet::read(&doc, family, Era::V1).is_plain();
        assert!(plain(json!(null), "Bottlerocket"));
        assert!(plain(
            json!({"clusterDNS": ["10.0.0.10"], "podsPerCore": 0, "evictionSoft": {"memory.available": "1Gi"}}),
            "AL2"
        ));
        assert!(!plain(json!({"maxPods": 0}), "AL2"));
        let soft = Kubelet::read(&json!({"evictionSoft": {"memory.available": "1Gi"}}), "AL2", Era::V1alpha5);
        assert!(!soft.is_plain() && soft.on_node().is_plain());
    }
}
