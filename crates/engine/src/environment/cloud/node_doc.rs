//! The Node object as a kubelet on EC2 registers it.

use super::machine::{node_dns_name, region_of};
use crate::View;
use crate::kernel::stable_hash;
use catalog::TypeFacts;
use objects::json;
use objects::{DocExt, Era, Object, Value};

/// `ip-192-168-1-101.ap-northeast-2.compute.internal`, from the instance's record or its private address.
pub(super) fn node_name(instance: &Object) -> String {
    if let Some(name) = instance.doc.str_at("spec.nodeName").filter(|n| !n.is_empty()) {
        return name.to_owned();
    }
    let ip = instance.doc.str_at("spec.privateIP").unwrap_or("192.168.0.10");
    node_dns_name(region_of(instance.doc.str_at("spec.zone").unwrap_or("us-east-1a")), ip)
}

/// The node at registration: labelled, tainted, with its sizes, not ready.
pub(super) fn new_node(instance: &Object, facts: &TypeFacts, sizes: (Value, Value), view: &View<'_>) -> Value {
    let spec = instance.doc.at("spec");
    let name = node_name(instance);
    let (zone, ip) = (spec.str_at("zone").unwrap_or_default(), spec.str_at("privateIP").unwrap_or_default());
    let region = region_of(zone);
    let mut labels = json!({});
    if let Value::Object(map) = &mut labels {
        for (key, value) in [
            ("beta.kubernetes.io/arch", facts.arch.as_str()),
            ("beta.kubernetes.io/instance-type", facts.name.as_str()),
            ("beta.kubernetes.io/os", "linux"),
            ("failure-domain.beta.kubernetes.io/region", region),
            ("failure-domain.beta.kubernetes.io/zone", zone),
            ("kubernetes.io/arch", facts.arch.as_str()),
            ("kubernetes.io/hostname", name.as_str()),
            ("kubernetes.io/os", "linux"),
            ("node.kubernetes.io/instance-type", facts.name.as_str()),
            ("topology.kubernetes.io/region", region),
            ("topology.kubernetes.io/zone", zone),
        ] {
            map.insert(key.to_owned(), value.into());
        }
        for (key, value) in spec.strings_at("nodeLabels") {
            map.insert(key, value.into());
        }
    }
    let mut taints: Vec<Value> = Vec::new();
    for list in ["taints", "startupTaints"] {
        for taint in spec.list_at(list).iter().filter(|t| !taints.contains(t)).cloned().collect::<Vec<_>>() {
            taints.push(taint);
        }
    }
    // What Karpenter's user data registers in this era; nodes of managed groups have no claim.
    let unregistered = json!({"key": "karpenter.sh/unregistered", "effect": "NoExecute"});
    let claimed = spec.str_at("claim").is_some_and(|c| !c.is_empty());
    let has = |taints: &[Value], key: &str| taints.iter().any(|t| t.str_at("key") == Some(key));
    if view.era() == Era::V1 && claimed && !has(&taints, "karpenter.sh/unregistered") {
        taints.push(unregistered);
    }
    if !has(&taints, "node.kubernetes.io/not-ready") {
        taints.push(json!({"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}));
    }
    let (capacity, allocatable) = sizes;
    json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": {
            "name": name, "labels": labels,
            "annotations": {
                "alpha.kubernetes.io/provided-node-ip": ip, "node.alpha.kubernetes.io/ttl": "0",
                "volumes.kubernetes.io/controller-managed-attach-detach": "true",
            },
        },
        "spec": {"providerID": spec.at("providerID").clone(), "taints": taints},
        "status": {
            "addresses": [
                {"address": ip, "type": "InternalIP"}, {"address": name, "type": "InternalDNS"},
                {"address": name, "type": "Hostname"},
            ],
            "capacity": capacity, "allocatable": allocatable, "conditions": conditions(false, view, &[]),
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
            "nodeInfo": node_info(&instance.meta.name, facts, spec.str_at("imageFamily").unwrap_or_default(), view),
        },
    })
}

/// The four conditions that a kubelet reports, in its order. Heartbeats are written at transitions only.
pub(super) fn conditions(ready: bool, view: &View<'_>, before: &[Value]) -> Vec<Value> {
    let now = view.timestamp();
    let not_ready = "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady \
                     message:Network plugin returns error: cni plugin not initialized";
    let (status, reason, message) = match (ready, view.era()) {
        (true, _) => ("True", "KubeletReady", "kubelet is posting ready status"),
        (false, _) => ("False", "KubeletNotReady", not_ready),
    };
    [
        ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        ("Ready", status, reason, message),
    ]
    .into_iter()
    .map(|(kind, status, reason, message)| {
        let old = before.iter().find(|c| c.str_at("type") == Some(kind) && c.str_at("status") == Some(status));
        json!({
            "type": kind, "status": status, "reason": reason, "message": message, "lastHeartbeatTime": now,
            "lastTransitionTime": old.and_then(|c| c.str_at("lastTransitionTime")).unwrap_or(&now),
        })
    })
    .collect()
}

/// (reason, message) of the kubelet's start.
pub(super) fn start_events(node: &str) -> Vec<(&'static str, String)> {
    let is = |reason: &'static str| (reason, format!("Node {node} status is now: {reason}"));
    vec![
        ("Starting", "Starting kubelet.".to_owned()),
        is("NodeHasSufficientMemory"),
        is("NodeHasNoDiskPressure"),
        is("NodeHasSufficientPID"),
        ("NodeAllocatableEnforced", "Updated Node Allocatable limit across pods".to_owned()),
    ]
}

fn node_info(id: &str, facts: &TypeFacts, image_family: &str, view: &View<'_>) -> Value {
    let arm = facts.arch == "arm64";
    let machine = if arm { "aarch64" } else { "x86_64" };
    let (kernel, image, runtime) = match (image_family.eq_ignore_ascii_case("Bottlerocket"), view.era()) {
        (true, Era::V1alpha5) => {
            ("5.15.117".to_owned(), "Bottlerocket OS 1.14.2 (aws-k8s-1.27)".to_owned(), "1.6.20+bottlerocket")
        }
        (true, Era::V1) => ("6.12.53".to_owned(), "Bottlerocket OS 1.51.0 (aws-k8s-1.35)".to_owned(), "2.1.5+bottlerocket"),
        (false, Era::V1alpha5) => (format!("5.10.184-175.731.amzn2.{machine}"), "Amazon Linux 2".to_owned(), "1.6.19"),
        (false, Era::V1) => (format!("6.12.55-74.119.amzn2023.{machine}"), "Amazon Linux 2023.9.20251117".to_owned(), "2.1.5"),
    };
    let hex = |purpose: &str| format!("{:016x}{:016x}", stable_hash(&[purpose, id]), stable_hash(&[purpose, id, "low"]));
    let machine_id = format!("ec2{}", hex("machine").get(3..).unwrap_or_default());
    let kubelet = view.profile.kubernetes_version;
    json!({
        "architecture": facts.arch, "bootID": dashed(&hex("boot")), "containerRuntimeVersion": format!("containerd://{runtime}"),
        "kernelVersion": kernel, "kubeProxyVersion": if view.era() == Era::V1 { "" } else { kubelet },
        "kubeletVersion": kubelet, "machineID": machine_id, "operatingSystem": "linux", "osImage": image,
        "systemUUID": dashed(&machine_id),
    })
}

/// 32 hex digits as a UUID.
fn dashed(hex: &str) -> String {
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}
