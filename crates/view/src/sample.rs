//! A small cluster for tests: one base node, one spot node coming up, one claim without a node, one pending pod.

use engine::pricing::{CostPoint, Ledger};
use engine::profile::Profile;
use engine::{Era, SimTime, Snapshot, Store};
use objects::{Kind, Value, json};
use std::sync::Arc;

pub const EPOCH_MS: i64 = 1_693_540_800_000;

fn node(name: &str, zone: &str, ty: &str, capacity: (&str, &str), cpu: &str, ready: &str, unschedulable: bool) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": {"name": name, "creationTimestamp": if unschedulable { "2023-09-01T04:01:00Z" } else { "2023-09-01T04:00:00Z" },
            "labels": {"node.kubernetes.io/instance-type": ty, "topology.kubernetes.io/zone": zone, (capacity.0): capacity.1}},
        "spec": {"unschedulable": unschedulable},
        "status": {"capacity": {"cpu": cpu, "memory": "8Gi", "pods": "58"}, "allocatable": {"cpu": cpu, "memory": "7Gi", "pods": "58"},
            "conditions": [{"type": "Ready", "status": ready, "lastTransitionTime": "2023-09-01T04:01:00Z"}]},
    })
}

fn pod(name: &str, namespace: &str, node: &str, cpu: &str, phase: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "uid": name, "creationTimestamp": "2023-09-01T04:00:30Z",
            "labels": {"app": "inflate", "pod-template-hash": "abc"}},
        "spec": {"nodeName": node, "containers": [{"name": "c", "image": "pause", "resources": {"requests": {"cpu": cpu}}}]},
        "status": {"phase": phase, "conditions": [{"type": "Ready", "status": if phase == "Running" { "True" } else { "False" }}]},
    })
}

pub fn snapshot() -> Snapshot {
    let mut store = Store::default();
    let at = SimTime::ZERO;
    let (a, b) = ("ip-192-168-1-10.ap-northeast-2.compute.internal", "ip-192-168-3-91.ap-northeast-2.compute.internal");
    store.put(
        Kind::Node,
        node(a, "ap-northeast-2a", "m5.large", ("eks.amazonaws.com/capacityType", "ON_DEMAND"), "1930m", "True", false),
        at,
    );
    store.put(
        Kind::Node,
        node(b, "ap-northeast-2c", "r3.2xlarge", ("karpenter.sh/capacity-type", "spot"), "7910m", "False", true),
        at,
    );
    store.put(Kind::Pod, pod("coredns-1", "kube-system", a, "25m", "Running"), at);
    store.put(Kind::Pod, pod("karpenter-1", "karpenter", a, "1", "Running"), at);
    store.put(Kind::Pod, pod("inflate-1", "default", b, "1", "Pending"), at);
    store.put(Kind::Pod, pod("inflate-2", "default", "", "1", "Pending"), at);
    store.put(
        Kind::Machine,
        json!({"apiVersion": "karpenter.sh/v1alpha5", "kind": "Machine", "metadata": {"name": "default-x7k2p",
            "labels": {"node.kubernetes.io/instance-type": "m5.xlarge", "karpenter.sh/capacity-type": "spot"}},
            "spec": {}, "status": {"providerID": "aws:///ap-northeast-2a/i-1",
            "conditions": [{"type": "MachineLaunched", "status": "True"}]}}),
        at,
    );
    let mut ledger = Ledger::default();
    ledger.series = vec![
        CostPoint { at, nodes_on_demand: 2, on_demand_micro: 236_000, ..CostPoint::default() },
        CostPoint {
            at: SimTime::secs(60),
            nodes_on_demand: 2,
            nodes_spot: 1,
            on_demand_micro: 236_000,
            spot_micro: 239_000,
            spot_at_on_demand_micro: 798_000,
        },
    ];
    Snapshot {
        now: SimTime::secs(120),
        start: at,
        epoch_ms: EPOCH_MS,
        profile: Profile::of(Era::V1alpha5),
        region: "ap-northeast-2".to_owned(),
        seed: 1,
        store,
        ledger: Arc::new(ledger),
        logs: Arc::default(),
        decisions: Arc::default(),
        hash: 0,
    }
}
