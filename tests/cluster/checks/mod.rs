//! The checks, by what they are about.

pub mod act;
pub mod away;
pub mod beside;
pub mod drifting;
pub mod faults;
pub mod injected;
pub mod karpenter;
pub mod kubelets;
pub mod large;
pub mod leaders;
pub mod metrics;
pub mod nodeclaim;
pub mod observe;
pub mod programs;
pub mod rights;
pub mod server;
pub mod v1alpha5;
pub mod web;

use super::api::eventually;
use super::control_plane::Cluster;
use objects::{DocExt, Kind, Value, json};

/// A machine that somebody else made: `name` with the labels of an m5.xlarge in Seoul, and its allocatable.
fn node(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": {"name": name, "labels": {
            "kubernetes.io/hostname": name, "kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux",
            "node.kubernetes.io/instance-type": "m5.xlarge", "karpenter.sh/capacity-type": "on-demand",
            "topology.kubernetes.io/region": "ap-northeast-2", "topology.kubernetes.io/zone": "ap-northeast-2a"}},
        "status": {
            "capacity": {"cpu": "4", "memory": "16Gi", "pods": "58"},
            "allocatable": {"cpu": "3920m", "memory": "15Gi", "pods": "58"}}
    })
}

/// `replicas` pods that ask for one CPU each and do nothing, in the namespace of the same name.
fn inflate(name: &str, replicas: i64) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": name},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": {
            "metadata": {"labels": {"app": name}},
            "spec": {"terminationGracePeriodSeconds": 0, "containers": [
                {"name": "inflate", "image": "public.ecr.aws/eks-distro/kubernetes/pause:3.7",
                 "resources": {"requests": {"cpu": "1"}}}]}}}
    })
}

fn namespace(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
}

/// Pods of a namespace that run and are not about to end.
fn running(cluster: &Cluster, namespace: &str) -> Vec<Value> {
    let mut pods = cluster.list(Kind::Pod);
    pods.retain(|p| {
        p.str_at("metadata.namespace") == Some(namespace)
            && p.str_at("status.phase") == Some("Running")
            && p.str_at("metadata.deletionTimestamp").is_none()
    });
    pods
}

/// Waits until exactly `n` pods of a namespace run.
fn until_running(cluster: &Cluster, namespace: &str, n: usize) -> Vec<Value> {
    eventually(&format!("{n} pods of {namespace} run"), 60, || {
        let pods = running(cluster, namespace);
        (pods.len() == n).then_some(pods)
    })
}

fn is_ready(node: &Value) -> bool {
    node.list_at("status.conditions").iter().any(|c| c.str_at("type") == Some("Ready") && c.str_at("status") == Some("True"))
}

/// Waits until the node is ready and the controllers have taken the taint off that nodes without kubelet carry.
fn until_usable(cluster: &Cluster, node: &str) {
    eventually(&format!("node {node} is ready"), 60, || {
        let node = cluster.get(Kind::Node, "", node)?;
        (is_ready(&node) && node.list_at("spec.taints").is_empty()).then_some(())
    });
}

/// Takes away a namespace's workload, and then nodes.
fn clear(cluster: &Cluster, namespace: &str, nodes: &[&str]) {
    let _ = cluster.delete(Kind::Deployment, namespace, namespace);
    eventually(&format!("the pods of {namespace} are gone"), 60, || {
        cluster.list(Kind::Pod).iter().all(|p| p.str_at("metadata.namespace") != Some(namespace)).then_some(())
    });
    for node in nodes {
        let _ = cluster.delete(Kind::Node, "", node);
    }
}
