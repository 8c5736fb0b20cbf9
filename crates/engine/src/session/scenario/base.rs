//! The objects of an EKS cluster with two managed nodes and Karpenter, as its add-ons and charts create them.
//! Sources: aws/amazon-vpc-cni-k8s config/master, v1.12 and v1.20; EKS add-on versions of Kubernetes 1.27 and 1.35;
//! aws/karpenter-provider-aws charts/karpenter, v0.29.2 and v1.14.1. The chart's default requests are replaced by the
//! 1 CPU and 1 GiB of the getting-started guide.

use crate::Era;
use crate::environment::cloud::node_dns_name;
use crate::kernel::Stream;
use crate::pricing::Market;
use crate::profile::Profile;
use catalog::Region;
use objects::{Value, json};

const BASE: &str = include_str!("base.json");
const KARPENTER_V1ALPHA5: &str = include_str!("karpenter-v1alpha5.json");
const KARPENTER_V1: &str = include_str!("karpenter-v1.json");

/// The instances of the managed node group: one in the first and one in the last zone that has a subnet.
pub fn instances(era: Era, seed: u64, market: &Market) -> Vec<Value> {
    let Some(Region { name: region, zones, .. }) = market.region() else { return Vec::new() };
    let last = zones.len().saturating_sub(1);
    let mut stream = Stream::fork(seed, "nodegroup", region);
    let template = format!("lt-0{}", stream.hex(16));
    let image = format!("ami-0{}", stream.hex(16));
    [0, last]
        .into_iter()
        .filter_map(|at| Some((at + 1, zones.get(at)?)))
        .map(|(subnet, zone)| {
            let ip = format!("192.168.{subnet}.{}", stream.between(10, 250));
            let id = format!("i-0{}", stream.hex(16));
            let catalog::Zone { name: zone, id: zone_id } = zone;
            let mut labels = json!({
                "alpha.eksctl.io/cluster-name": "myeks", "alpha.eksctl.io/nodegroup-name": "ng1",
                "eks.amazonaws.com/capacityType": "ON_DEMAND", "eks.amazonaws.com/nodegroup": "ng1",
                "eks.amazonaws.com/nodegroup-image": image, "eks.amazonaws.com/sourceLaunchTemplateId": template,
                "eks.amazonaws.com/sourceLaunchTemplateVersion": "1",
            });
            if era == Era::V1
                && let Some(map) = labels.as_object_mut()
            {
                // Node labels of the era's CCM; older clusters have none.
                map.insert("topology.k8s.aws/zone-id".to_owned(), zone_id.as_str().into());
            }
            json!({
                "apiVersion": "cloud.nodewright/v1", "kind": "Instance", "metadata": {"name": id},
                "spec": {
                    "instanceType": "m5.large", "zone": zone, "capacityType": "on-demand",
                    "claim": "", "nodegroup": "ng1",
                    "providerID": format!("aws:///{zone}/{id}"), "privateIP": ip,
                    "nodeName": node_dns_name(region, &ip),
                    "nodeLabels": labels, "taints": [], "startupTaints": [],
                },
                "status": {"state": "pending"},
            })
        })
        .collect()
}

/// Everything that the API server holds at the start, in the order of creation.
pub fn objects(era: Era, region: &str) -> Vec<Value> {
    let profile = Profile::of(era);
    let version = profile.karpenter_version.trim_start_matches('v');
    let labels = json!({
        "app.kubernetes.io/name": "karpenter", "app.kubernetes.io/instance": "karpenter",
        "app.kubernetes.io/version": version, "app.kubernetes.io/managed-by": "Helm",
        "helm.sh/chart": format!("karpenter-{}", if era == Era::V1 { version } else { profile.karpenter_version }),
    });
    let ecr = format!("602401143452.dkr.ecr.{region}.amazonaws.com");
    let (own, cni, proxy, coredns) = match era {
        Era::V1alpha5 => (KARPENTER_V1ALPHA5, "v1.12.6-eksbuild.2", "v1.27.1-minimal-eksbuild.1", "v1.10.1-eksbuild.1"),
        Era::V1 => (KARPENTER_V1, "v1.20.4-eksbuild.2", "v1.35.0-eksbuild.2", "v1.12.4-eksbuild.1"),
    };
    let requests = json!({"requests": {"cpu": "25m"}});
    let mut cni_containers = vec![json!({
        "name": "aws-node", "image": format!("{ecr}/amazon-k8s-cni:{cni}"), "resources": requests,
        "ports": [{"name": "metrics", "containerPort": 61678, "protocol": "TCP"}],
    })];
    if era == Era::V1 {
        cni_containers.push(json!({
            "name": "aws-eks-nodeagent", "image": format!("{ecr}/amazon/aws-network-policy-agent:v1.2.7-eksbuild.1"),
            "resources": requests,
        }));
    }
    let replacements = [
        ("@KARPENTER_LABELS@", labels.to_string()),
        ("@CNI_CONTAINERS@", Value::Array(cni_containers).to_string()),
        ("@KARPENTER_ENV@", karpenter_env(era, version).to_string()),
        ("@KARPENTER_DNS@", (if era == Era::V1 { "ClusterFirst" } else { "Default" }).to_owned()),
        ("@KARPENTER_SPREAD@", (if era == Era::V1 { "DoNotSchedule" } else { "ScheduleAnyway" }).to_owned()),
        ("@KARPENTER_TAG@", (if era == Era::V1 { version } else { profile.karpenter_version }).to_owned()),
        ("@METRICS_PORT@", (if era == Era::V1 { "8080" } else { "8000" }).to_owned()),
        ("@POOL_LABEL@", (if era == Era::V1 { "karpenter.sh/nodepool" } else { "karpenter.sh/provisioner-name" }).to_owned()),
        ("@ECR@", ecr),
        ("@CNI@", cni.to_owned()),
        ("@PROXY@", proxy.to_owned()),
        ("@COREDNS@", coredns.to_owned()),
        ("@REGION@", region.to_owned()),
    ];
    let mut docs = Vec::new();
    for text in [BASE, own] {
        let filled = replacements.iter().fold(text.to_owned(), |text, (mark, value)| text.replace(mark, value));
        // The texts are part of the program; a test reads them for every era and region.
        if let Ok(Value::Array(list)) = serde_json::from_str(&filled) {
            docs.extend(list);
        }
    }
    docs
}

fn karpenter_env(era: Era, version: &str) -> Value {
    match era {
        Era::V1alpha5 => json!([
            {"name": "KUBERNETES_MIN_VERSION", "value": "1.19.0-0"},
            {"name": "KARPENTER_SERVICE", "value": "karpenter"},
            {"name": "METRICS_PORT", "value": "8000"},
            {"name": "HEALTH_PROBE_PORT", "value": "8081"},
        ]),
        Era::V1 => json!([
            {"name": "KUBERNETES_MIN_VERSION", "value": "1.19.0-0"},
            {"name": "KARPENTER_SERVICE", "value": "karpenter"},
            {"name": "LOG_LEVEL", "value": "info"},
            {"name": "METRICS_PORT", "value": "8080"},
            {"name": "HEALTH_PROBE_PORT", "value": "8081"},
            {"name": "FEATURE_GATES", "value": "ReservedCapacity=true,SpotToSpotConsolidation=false,NodeRepair=false,NodeOverlay=false,StaticCapacity=false"},
            {"name": "BATCH_MAX_DURATION", "value": "10s"},
            {"name": "BATCH_IDLE_DURATION", "value": "1s"},
            {"name": "CLUSTER_NAME", "value": "myeks"},
            {"name": "INTERRUPTION_QUEUE", "value": "myeks"},
            {"name": "VM_MEMORY_OVERHEAD_PERCENT", "value": "0.075"},
            {"name": "RESERVED_ENIS", "value": "0"},
            {"name": "KARPENTER_VERSION", "value": version},
        ]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use objects::{DocExt, Kind};

    #[test]
    fn every_document_is_read_and_known() {
        for era in [Era::V1alpha5, Era::V1] {
            for region in ["ap-northeast-2", "us-east-1"] {
                let docs = objects(era, region);
                assert!(docs.len() > 25, "{}", docs.len());
                for doc in &docs {
                    let kind = Kind::of(doc.str_at("apiVersion").unwrap(), doc.str_at("kind").unwrap());
                    assert!(kind.is_some_and(|k| k.served_in(era)), "{doc}");
                    assert!(!doc.to_string().contains('@') || doc.to_string().contains("@latest"), "{doc}");
                }
            }
        }
    }

    #[test]
    fn instances_depend_on_seed_and_region_only() {
        let of = |region: &str, seed| instances(Era::V1, seed, &Market::build(region, Era::V1).unwrap());
        assert_eq!(of("us-east-1", 1), of("us-east-1", 1));
        assert_ne!(of("us-east-1", 1), of("us-east-1", 2));
        for (region, want) in [
            ("ap-northeast-2", ["ap-northeast-2a apne2-az1", "ap-northeast-2c apne2-az3"]),
            ("ap-northeast-1", ["ap-northeast-1a apne1-az4", "ap-northeast-1d apne1-az2"]),
            ("us-west-1", ["us-west-1a usw1-az1", "us-west-1b usw1-az3"]),
        ] {
            let label = |d: &Value| d.at("spec.nodeLabels").field("topology.k8s.aws/zone-id").as_str().unwrap().to_owned();
            let got: Vec<_> = of(region, 1).iter().map(|d| format!("{} {}", d.str_at("spec.zone").unwrap(), label(d))).collect();
            assert_eq!(got, want);
        }
    }
}
