//! What the machines that the cloud hands out are called and how large they are.

use crate::pricing::{Kubelet, catalog_era};
use catalog::TypeFacts;
use objects::json;
use objects::resources::{EPHEMERAL, MEMORY, PODS};
use objects::{Era, Resources, Value};

/// `ap-northeast-2a` lies in `ap-northeast-2`.
pub(super) fn region_of(zone: &str) -> &str {
    zone.trim_end_matches(|c: char| c.is_ascii_lowercase() && !zone.is_empty())
}

/// The private DNS name that EC2 gives the address, which is also the node's name.
/// Source: Amazon VPC user guide, "DNS attributes for your VPC": `ec2.internal` in us-east-1 only.
pub fn node_dns_name(region: &str, ip: &str) -> String {
    let ip = ip.replace('.', "-");
    if region == "us-east-1" { format!("ip-{ip}.ec2.internal") } else { format!("ip-{ip}.{region}.compute.internal") }
}

/// (capacity, allocatable) as a kubelet with these settings reports them. The catalogue's figures are Karpenter's
/// estimate of both; a real machine reports somewhat more memory, the same CPU and the same number of pods.
pub(super) fn resources(facts: &TypeFacts, kubelet: Kubelet, era: Era) -> (Value, Value) {
    let (capacity, overhead) = kubelet.on_node().sizes(facts, era);
    let mut allocatable = capacity.clone();
    allocatable.sub(&overhead);
    let list = |r: &Resources, cpu: Value| {
        let kib = |name: &str| format!("{}Ki", r.get(name).max(0) / 1024);
        let mut list = json!({
            "cpu": cpu, "ephemeral-storage": kib(EPHEMERAL), "hugepages-1Gi": "0",
            "hugepages-2Mi": "0", "memory": kib(MEMORY), "pods": r.get(PODS).to_string(),
        });
        if let Value::Object(map) = &mut list {
            for (name, n) in facts.extended_resources(catalog_era(era)) {
                // These two appear only where their device plugin or the CNI's pod interfaces are switched on.
                if !name.starts_with("vpc.amazonaws.com/") {
                    map.insert(name.to_owned(), n.to_string().into());
                }
            }
        }
        list
    };
    let whole = (capacity.cpu() / 1000).to_string();
    (list(&capacity, whole.into()), list(&allocatable, format!("{}m", allocatable.cpu().max(0)).into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use objects::DocExt;

    #[test]
    fn names_follow_the_region() {
        for (region, name) in [
            ("us-east-1", "ip-192-168-1-101.ec2.internal"),
            ("ap-northeast-2", "ip-192-168-1-101.ap-northeast-2.compute.internal"),
        ] {
            assert_eq!(node_dns_name(region, "192.168.1.101"), name);
        }
    }

    #[test]
    fn sizes_are_the_documented_ones() {
        let catalog = catalog::Catalog::embedded();
        for (name, cpu, mib, pods) in [
            ("m5.large", 1930, 6903, 29),
            ("m5.xlarge", 3920, 14162, 58),
            ("r3.2xlarge", 7910, 56786, 58),
            ("c5.large", 1930, 3114, 29),
        ] {
            let (_, allocatable) = resources(catalog.get(name).unwrap(), Kubelet::default(), Era::V1alpha5);
            let r = Resources::read(&allocatable);
            assert_eq!((r.cpu(), r.memory() / (1024 * 1024), r.get("pods")), (cpu, mib, pods), "{name}");
            assert!(allocatable.str_at("memory").unwrap().ends_with("Ki"));
        }
        assert_eq!(region_of("ap-northeast-2a"), "ap-northeast-2");
    }
}
