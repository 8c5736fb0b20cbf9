//! The objects of an EKS cluster with two managed nodes and Karpenter, as its add-ons and charts create them.
//!
//! Sources: aws/karpenter-provider-aws charts/karpenter (deployment, service, poddisruptionbudget, configmap, values),
//! v0.29.2 and v1.14.1, with the values that the getting-started guide of the same version sets (cluster name, queue,
//! 1 CPU and 1 GiB; no zonal shift), in namespace `karpenter` in both eras; aws/amazon-vpc-cni-k8s
//! config/master/aws-k8s-cni.yaml, v1.12.6 and v1.20.4. What nothing in the simulation reads is left out: probes,
//! security contexts, volumes, roles, image digests, and aws-node's environment. CoreDNS, kube-proxy and the tags of
//! images follow the EKS add-ons of Kubernetes 1.27 and 1.35, which have no public manifest to compare with.

use crate::Era;
use crate::environment::cloud::node_dns_name;
use crate::kernel::Stream;
use crate::pricing::Market;
use crate::profile::Profile;
use catalog::Region;
use objects::{DocExt, Value, json};

const BASE: &str = include_str!("base.json");
const KARPENTER_V1ALPHA5: &str = include_str!("karpenter-v1alpha5.json");
const KARPENTER_V1: &str = include_str!("karpenter-v1.json");
const INFLATE: &str = include_str!("inflate.json");

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

/// The lab's test Deployment.
pub fn inflate() -> Option<Value> {
    serde_json::from_str(INFLATE).ok()
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
    let mut cni_init = json!({"name": "aws-vpc-cni-init", "image": format!("{ecr}/amazon-k8s-cni-init:{cni}")});
    let mut cni_containers = vec![json!({
        "name": "aws-node", "image": format!("{ecr}/amazon-k8s-cni:{cni}"), "resources": requests,
        "ports": [{"name": "metrics", "containerPort": 61678, "protocol": "TCP"}],
    })];
    if era == Era::V1 {
        cni_init.set("resources", requests.clone());
        cni_containers.push(json!({
            "name": "aws-eks-nodeagent", "image": format!("{ecr}/amazon/aws-network-policy-agent:v1.2.7-eksbuild.1"),
            "resources": requests,
        }));
    }
    let replacements = [
        ("@KARPENTER_LABELS@", labels.to_string()),
        ("@CNI_INIT@", cni_init.to_string()),
        ("@CNI_COMPUTE@", json!(if era == Era::V1 { &["fargate", "hybrid", "auto"][..] } else { &["fargate"] }).to_string()),
        ("@CNI_VERSION@", cni.split('-').next().unwrap_or(cni).to_owned()),
        ("@CNI_CONTAINERS@", Value::Array(cni_containers).to_string()),
        ("@KARPENTER_ENV@", karpenter_env(era).to_string()),
        ("@KARPENTER_DNS@", (if era == Era::V1 { "ClusterFirst" } else { "Default" }).to_owned()),
        ("@KARPENTER_SPREAD@", (if era == Era::V1 { "DoNotSchedule" } else { "ScheduleAnyway" }).to_owned()),
        ("@KARPENTER_TAG@", (if era == Era::V1 { version } else { profile.karpenter_version }).to_owned()),
        ("@KARPENTER_PORTS@", Value::from(karpenter_ports(era)).to_string()),
        ("@KARPENTER_SERVICE@", karpenter_service(era).to_string()),
        ("@POOL_LABEL@", (if era == Era::V1 { "karpenter.sh/nodepool" } else { "karpenter.sh/provisioner-name" }).to_owned()),
        ("@ECR@", ecr),
        ("@CNI@", cni.to_owned()),
        ("@PROXY@", proxy.to_owned()),
        ("@COREDNS@", coredns.to_owned()),
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

fn karpenter_ports(era: Era) -> Vec<Value> {
    let port = |name: &str, port: u16| json!({"name": name, "containerPort": port, "protocol": "TCP"});
    match era {
        Era::V1alpha5 => vec![port("http-metrics", 8000), port("http", 8081), port("https-webhook", 8443)],
        Era::V1 => vec![port("http-metrics", 8080), port("http", 8081)],
    }
}

/// The service's ports are the container's, without that of the probes.
fn karpenter_service(era: Era) -> Value {
    let ports = karpenter_ports(era).into_iter().filter(|p| p.str_at("name") != Some("http"));
    let port = |p: Value| {
        let name = p.at("name").clone();
        json!({"name": name, "port": p.at("containerPort").clone(), "protocol": "TCP", "targetPort": name})
    };
    ports.map(port).collect()
}

/// The controller's environment in the chart's order: `NAME=value`, `NAME@a.field` of the pod or `NAME#a.resource/divisor`.
fn karpenter_env(era: Era) -> Value {
    const BOTH: &str = "KUBERNETES_MIN_VERSION=1.19.0-0 KARPENTER_SERVICE=karpenter";
    let own = match era {
        Era::V1alpha5 => {
            "WEBHOOK_PORT=8443 METRICS_PORT=8000 HEALTH_PROBE_PORT=8081 SYSTEM_NAMESPACE@metadata.namespace \
             MEMORY_LIMIT#limits.memory/0"
        }
        Era::V1 => {
            "LOG_LEVEL=info LOG_OUTPUT_PATHS=stdout LOG_ERROR_OUTPUT_PATHS=stderr METRICS_PORT=8080 HEALTH_PROBE_PORT=8081 \
             SYSTEM_NAMESPACE@metadata.namespace CPU_REQUESTS#requests.cpu/1m MEMORY_LIMIT#limits.memory/0 \
             FEATURE_GATES=ReservedCapacity=true,SpotToSpotConsolidation=false,NodeRepair=false,NodeOverlay=false,\
             StaticCapacity=false,CapacityBuffer=false BATCH_MAX_DURATION=10s BATCH_IDLE_DURATION=1s \
             PREFERENCE_POLICY=Respect MIN_VALUES_POLICY=Strict CLUSTER_NAME=myeks VM_MEMORY_OVERHEAD_PERCENT=0.075 \
             INTERRUPTION_QUEUE=myeks RESERVED_ENIS=0 IGNORE_DRA_REQUESTS=true AMI_REFRESH_INTERVAL=1m \
             SUBNET_REFRESH_INTERVAL=1m"
        }
    };
    let read = |word: &str| {
        let at = word.find(['=', '@', '#'])?;
        let (name, rest) = word.split_at_checked(at)?;
        let value = rest.get(1..)?;
        Some(match (rest.as_bytes().first()?, value.split_once('/')) {
            (b'#', Some((resource, divisor))) => json!({"name": name, "valueFrom": {"resourceFieldRef": {
                "containerName": "controller", "divisor": divisor, "resource": resource,
            }}}),
            (b'@', _) => json!({"name": name, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": value}}}),
            _ => json!({"name": name, "value": value}),
        })
    };
    BOTH.split(' ').chain(own.split(' ')).filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use objects::Kind;

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

    /// Read off the two charts, rendered with the guide's values.
    #[test]
    fn the_environment_is_the_chart_s() {
        for (era, count, some) in [
            (Era::V1alpha5, 7, &[("WEBHOOK_PORT", "8443"), ("METRICS_PORT", "8000")][..]),
            (
                Era::V1,
                22,
                &[
                    ("LOG_ERROR_OUTPUT_PATHS", "stderr"),
                    (
                        "FEATURE_GATES",
                        "ReservedCapacity=true,SpotToSpotConsolidation=false,NodeRepair=false,NodeOverlay=false,\
                     StaticCapacity=false,CapacityBuffer=false",
                    ),
                    ("SUBNET_REFRESH_INTERVAL", "1m"),
                ],
            ),
        ] {
            let env = karpenter_env(era);
            let list = env.as_array().unwrap();
            assert_eq!(list.len(), count, "{env}");
            let of = |name: &str| list.iter().find(|e| e.str_at("name") == Some(name)).unwrap();
            for (name, value) in some {
                assert_eq!(of(name).str_at("value"), Some(*value), "{name}");
            }
            assert_eq!(of("SYSTEM_NAMESPACE").str_at("valueFrom.fieldRef.fieldPath"), Some("metadata.namespace"));
            let memory = of("MEMORY_LIMIT").at("valueFrom.resourceFieldRef");
            assert_eq!((memory.str_at("divisor"), memory.str_at("resource")), (Some("0"), Some("limits.memory")));
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
