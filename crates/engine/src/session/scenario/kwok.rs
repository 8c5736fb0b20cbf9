//! Clusters without machines: kwok plays the nodes that manifests name, and Karpenter is built with the kwok provider.
//!
//! Source of what an API server makes by itself: kubernetes/kubernetes pkg/controlplane/controller/systemnamespaces and
//! pkg/controller/serviceaccount, v1.35.

use super::{Scenario, base};
use crate::environment::kwok;
use crate::pricing::Market;
use crate::session::leader::HELD;
use crate::session::{PatchStyle, Request};
use objects::{ApiError, DocExt, Era, Kind, ObjectKey, Reason, Value, json, yaml};

const KUBELET_PORT: u16 = 10_250;
const KARPENTER: &str = "karpenter";
/// Two nodes of an EKS node group, its DaemonSets and CoreDNS, and Karpenter without a pool or a node class.
const MANIFESTS: &str = include_str!("kwok.yaml");

/// What the scenario's API server holds at the start, and what its provider sells.
pub(in crate::session) fn world(scenario: &Scenario) -> Result<(Vec<Value>, Market), ApiError> {
    let market = Market::kwok(scenario.prices.as_deref()).map_err(|why| ApiError::new(Reason::BadRequest, why))?;
    let docs = match scenario.docs.is_empty() {
        true => objects(&with_kubelets(manifests()), true, scenario.epoch_ms),
        false => scenario.docs.clone(),
    };
    Ok((docs, market))
}

/// The text is part of the program; a test reads it.
fn manifests() -> Vec<Value> {
    yaml::parse(MANIFESTS).documents.into_iter().map(|d| d.value).collect()
}

/// Their kubelets serve logs, which kwok cannot: Karpenter runs on nodes of a node group.
fn with_kubelets(mut docs: Vec<Value>) -> Vec<Value> {
    for node in docs.iter_mut().filter(|d| d.str_at("kind") == Some("Node")) {
        node.set("status.daemonEndpoints.kubeletEndpoint.Port", KUBELET_PORT);
    }
    docs
}

/// What the API server holds at the start.
pub(super) fn objects(manifests: &[Value], karpenter: bool, epoch_ms: i64) -> Vec<Value> {
    let mut docs: Vec<Value> = base::objects(Era::V1, super::LAB_REGION).into_iter().filter(is_the_servers_own).collect();
    for manifest in manifests {
        let mut doc = manifest.clone();
        if doc.str_at("kind") == Some("Node") {
            fill(&mut doc, epoch_ms);
        }
        if !karpenter && doc.str_at("kind") == Some("Namespace") && doc.str_at("metadata.name") == Some(KARPENTER) {
            doc.set("metadata.annotations", json!({HELD: "true"}));
        }
        docs.push(doc);
    }
    docs
}

/// Lets Karpenter's pods stand idle, or work.
pub(super) fn hold(held: bool) -> Request {
    let patch = json!({"metadata": {"annotations": {HELD: if held { json!("true") } else { Value::Null }}}});
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

/// What kwok would report, where the manifest leaves it out.
fn fill(node: &mut Value, epoch_ms: i64) {
    for (field, value) in kwok::report(epoch_ms).as_object().into_iter().flatten() {
        let path = format!("status.{field}");
        if field == "phase" || node.at(&path).is_null() {
            node.set(&path, value.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::session::{Scenario, Session};
    use objects::typed::Phase;
    use objects::{DocExt, Era, Kind, Value, yaml};

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

    fn session() -> Session {
        let docs: Vec<Value> = yaml::parse(MANIFESTS).documents.into_iter().map(|d| d.value).collect();
        Session::new(Scenario::kwok(&docs, None, 1, 1_790_000_000_000, 60_000)).unwrap()
    }

    #[test]
    fn the_start_cluster_is_the_recorded_one() {
        let recorded = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/kubectl/manifests/base.yaml");
        let recorded = yaml::parse(&std::fs::read_to_string(recorded).unwrap());
        let recorded: Vec<Value> = recorded.documents.into_iter().map(|d| d.value).collect();
        assert_eq!(super::manifests(), recorded);
        let session = Session::new(Scenario::named("kwok", Era::V1, 1, "us-east-1").unwrap()).unwrap();
        let store = session.snapshot().store.clone();
        assert!(store.list(Kind::Pod).count() == 8 && store.list(Kind::Pod).all(|p| p.pod().unwrap().phase == Phase::Running));
        assert_eq!((store.list(Kind::Instance).count(), session.market().types().iter().count()), (0, 144));
        assert!(Scenario::named("kwok", Era::V1alpha5, 1, "us-east-1").is_err());
    }

    #[test]
    fn manifests_are_the_cluster() {
        let mut session = session();
        session.request("karpenter", Scenario::release_karpenter()).unwrap();
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
        let mut session = session();
        let leads = |s: &Session| s.snapshot().store.list(Kind::Lease).count();
        assert_eq!(leads(&session), 0);
        session.request("karpenter", Scenario::release_karpenter()).unwrap();
        assert_eq!(leads(&session), 1);
    }
}
