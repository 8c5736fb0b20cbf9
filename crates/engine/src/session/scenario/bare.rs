//! Clusters of manifests alone: nodes that are ready because their manifests say so, with a running machine where a
//! provider ID names one.
//!
//! Source of what an API server makes by itself: kubernetes/kubernetes pkg/controlplane/controller/systemnamespaces and
//! pkg/controller/serviceaccount, v1.35; of what a node reports: recordings of kwok v0.7.0's node stages.

use super::base;
use crate::session::leader::HELD;
use crate::session::{PatchStyle, Request};
use objects::{DocExt, Era, Kind, ObjectKey, Value, json};

const KARPENTER: &str = "karpenter";

/// What the API server holds at the start.
pub(super) fn objects(manifests: &[Value], karpenter: bool, epoch_ms: i64) -> Vec<Value> {
    let mut docs: Vec<Value> = base::objects(Era::V1, super::LAB_REGION).into_iter().filter(is_the_servers_own).collect();
    for manifest in manifests {
        let mut doc = manifest.clone();
        if doc.str_at("kind") == Some("Node") {
            report(&mut doc, epoch_ms);
            docs.extend(machine(&doc));
        }
        if !karpenter && doc.str_at("kind") == Some("Namespace") && doc.str_at("metadata.name") == Some(KARPENTER) {
            doc.set("metadata.annotations", json!({HELD: "true"}));
        }
        docs.push(doc);
    }
    docs
}

pub(super) fn release() -> Request {
    let patch = json!({"metadata": {"annotations": {HELD: null}}});
    let key = ObjectKey::cluster(Kind::Namespace, KARPENTER);
    Request::Patch { key, patch, style: PatchStyle::Merge, dry_run: false }
}

fn is_the_servers_own(doc: &Value) -> bool {
    let named = |name: &str| doc.str_at("metadata.name") == Some(name);
    let elsewhere = doc.str_at("metadata.namespace") == Some(KARPENTER);
    match doc.str_at("kind") {
        Some("Namespace") => !named(KARPENTER),
        Some("PriorityClass") => true,
        Some("ServiceAccount") => named("default") && !elsewhere,
        Some("Service") => named("kubernetes"),
        Some("ConfigMap") => named("kube-root-ca.crt") && !elsewhere,
        _ => false,
    }
}

/// The running machine that a node's provider ID names.
fn machine(node: &Value) -> Option<Value> {
    let provider_id = node.str_at("spec.providerID")?;
    let (_, id) = provider_id.rsplit_once('/').filter(|(_, id)| id.starts_with("i-"))?;
    let label = |key: &str| node.at("metadata.labels").field(key).clone();
    Some(json!({
        "apiVersion": Kind::Instance.api_version(), "kind": Kind::Instance.name(), "metadata": {"name": id},
        "spec": {
            "instanceType": label("node.kubernetes.io/instance-type"), "zone": label("topology.kubernetes.io/zone"),
            "capacityType": "on-demand", "claim": "", "providerID": provider_id,
            "nodeName": node.at("metadata.name").clone(), "nodeLabels": {}, "taints": [], "startupTaints": [],
        },
        "status": {"state": "running"},
    }))
}

/// What a kubelet would report, where the manifest leaves it out.
fn report(node: &mut Value, epoch_ms: i64) {
    let now = objects::time::rfc3339_ms(epoch_ms);
    let now = format!("{}Z", now.split('.').next().unwrap_or(&now).trim_end_matches('Z'));
    let condition = |kind: &str, status: &str, reason: &str, message: &str| {
        json!({
            "type": kind, "status": status, "reason": reason, "message": message, "lastHeartbeatTime": now,
            "lastTransitionTime": now,
        })
    };
    let fields = [
        ("status.phase", json!("Running")),
        ("status.addresses", json!([{"address": "127.0.0.1", "type": "InternalIP"}, {"address": "", "type": "Hostname"}])),
        (
            "status.conditions",
            json!([
                condition("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
                condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
                condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
                condition("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
            ]),
        ),
        ("status.daemonEndpoints", json!({"kubeletEndpoint": {"Port": 10250}})),
        (
            "status.nodeInfo",
            json!({
                "architecture": "amd64", "bootID": "5a1b7e0e-0000-4000-8000-000000000001",
                "containerRuntimeVersion": "containerd://2.1.5", "kernelVersion": "6.12.55-74.119.amzn2023.x86_64",
                "kubeProxyVersion": "", "kubeletVersion": "v1.35.4-eks-0000000",
                "machineID": "ec2000000000000000000000000000aa", "operatingSystem": "linux",
                "osImage": "Amazon Linux 2023.9.20251117", "systemUUID": "ec200000-0000-0000-0000-0000000000aa",
            }),
        ),
    ];
    for (path, value) in fields {
        if path == "status.phase" || node.at(path).is_null() {
            node.set(path, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::session::{Scenario, Session};
    use objects::typed::Phase;
    use objects::{DocExt, Kind, Value, yaml};

    const MANIFESTS: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: karpenter}
---
apiVersion: v1
kind: Node
metadata: {name: a, labels: {kubernetes.io/hostname: a, node.kubernetes.io/instance-type: t3.medium}}
spec: {providerID: 'aws:///ap-northeast-2a/i-0aaaaaaaaaaaaaaa1'}
status: {allocatable: {cpu: '2', memory: 4Gi, pods: '10'}, capacity: {cpu: '2', memory: 4Gi, pods: '10'}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: karpenter, namespace: karpenter}
spec:
  selector: {matchLabels: {app.kubernetes.io/name: karpenter}}
  template:
    metadata: {labels: {app.kubernetes.io/name: karpenter}}
    spec: {containers: [{name: controller, image: karpenter, resources: {requests: {cpu: '1'}}}]}
";

    fn session(karpenter: bool) -> Session {
        let docs: Vec<Value> = yaml::parse(MANIFESTS).documents.into_iter().map(|d| d.value).collect();
        Session::new(Scenario::bare(&docs, karpenter, 1, 1_790_000_000_000, 60_000)).unwrap()
    }

    #[test]
    fn manifests_are_the_cluster() {
        let mut session = session(true);
        let store = session.snapshot().store.clone();
        let nodes: Vec<_> = store.list(Kind::Node).map(|n| (n.meta.name.as_str(), n.node().is_some_and(|n| n.ready))).collect();
        assert_eq!(nodes, [("a", true)]);
        let pods: Vec<_> = store.list(Kind::Pod).filter_map(|p| Some(p.pod()?.phase)).collect();
        assert_eq!(pods, [Phase::Running]);
        assert_eq!(store.list(Kind::Lease).count(), 1, "Karpenter leads");
        assert_eq!(session.snapshot().unix_ms(), 1_790_000_000_000);
        session.advance_to(session.now() + 3_600_000);
        assert!(session.snapshot().store.list(Kind::Node).all(|n| n.doc.list_at("spec.taints").is_empty()));
    }

    #[test]
    fn karpenter_waits_until_it_is_released() {
        let mut session = session(false);
        let leads = |s: &Session| s.snapshot().store.list(Kind::Lease).count();
        assert_eq!(leads(&session), 0);
        session.request("karpenter", Scenario::release_karpenter()).unwrap();
        assert_eq!(leads(&session), 1);
    }
}
