//! kwok: it plays the machine and the kubelet of every node that carries its annotation. A node reports itself ready at once,
//! a pod runs as soon as it is bound, and goes as soon as it is deleted; no image is pulled and no process runs.
//!
//! Source: recordings of kwok v0.7.0 with stages that say what a kubelet on EKS would. Beside it the labels and the
//! annotation that kube-controller-manager gives every node: kubernetes pkg/controller/{nodelifecycle,ttl}, v1.35.

use super::support::{create, delete, event, patch};
use crate::actor::{Actor, Intent, View};
use crate::kernel::{SimTime, Timers};
use crate::store::{Change, Op};
use objects::collections::VecMap;
use objects::typed::Phase;
use objects::{DocExt, Kind, Object, ObjectKey, Provider, Value, json};
use std::sync::Arc;

const COMPONENT: &str = "kwok_controller";
const PLAYED: (&str, &str) = ("kwok.x-k8s.io/node", "fake");
/// The address of every node, and where their kubelets listen: all of them are the one process.
const HOST: &str = "127.0.0.1";
pub const PORT: u16 = 20_247;
const LEASES: &str = "kube-node-lease";
/// kube-controller-manager's labels and annotation follow a node's status.
const LABEL_MS: u64 = 20;
const ANNOTATE_MS: u64 = 110;

/// Whether kwok plays the node.
pub fn plays(node: &Object, view: &View<'_>) -> bool {
    view.profile.provider == Provider::Kwok && node.meta.annotations.get(PLAYED.0).is_some_and(|v| v == PLAYED.1)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    /// A node reports itself; its labels and its annotation follow.
    Report,
    Label,
    Annotate,
    /// A pod runs, or is gone.
    Play,
    Remove,
}

#[derive(Clone, Debug, Default)]
pub struct Kwok {
    due: Timers<(ObjectKey, Step)>,
    /// Addresses of pods, by uid.
    addresses: VecMap<String, u32>,
    next: u32,
}

impl Actor for Kwok {
    fn name(&self) -> &'static str {
        "kwok"
    }

    fn observe(&mut self, change: &Change, view: &View<'_>) {
        if view.profile.provider != Provider::Kwok {
            return;
        }
        let object = &change.object;
        match (change.kind(), change.op) {
            (Kind::Node, Op::Added) if plays(object, view) => {
                let stream = |purpose| view.stream(purpose, &object.meta.uid);
                let at = view.now + stream("kwok-report").between(300, 600);
                if object.condition("Ready").is_none() {
                    self.due.set((object.key(), Step::Report), at);
                }
                self.due.set((object.key(), Step::Label), at + LABEL_MS);
                self.due.set((object.key(), Step::Annotate), at + ANNOTATE_MS);
                for pod in view.store.pods_on(&object.meta.name) {
                    self.look_at(pod, view);
                }
            }
            (Kind::Pod, Op::Deleted) => {
                self.addresses.remove(&object.meta.uid);
            }
            (Kind::Pod, _) => self.look_at(object, view),
            _ => {}
        }
    }

    fn wake_at(&self) -> Option<SimTime> {
        self.due.next()
    }

    fn act(&mut self, view: &View<'_>) -> Vec<Intent> {
        let mut out = Vec::new();
        while let Some((key, step)) = self.due.pop_due(view.now) {
            if let Some(object) = view.store.get(&key) {
                self.step(object, step, view, &mut out);
            }
        }
        out
    }
}

impl Kwok {
    fn look_at(&mut self, pod: &Arc<Object>, view: &View<'_>) {
        let Some(typed) = pod.pod().filter(|p| p.is_bound()) else { return };
        if !view.store.cluster(Kind::Node, &typed.node_name).is_some_and(|n| plays(n, view)) {
            return;
        }
        let mut stream = view.stream("kwok-pod", &pod.meta.uid);
        if pod.meta.is_deleting() {
            self.due.sooner((pod.key(), Step::Remove), view.now + stream.between(10, 40));
        } else if typed.phase == Phase::Pending {
            self.due.sooner((pod.key(), Step::Play), view.now + stream.between(30, 80));
        }
    }

    fn step(&mut self, object: &Arc<Object>, step: Step, view: &View<'_>, out: &mut Vec<Intent>) {
        match step {
            Step::Report => out.push(patch(object.key(), json!({"status": report(view.unix_ms())}), "kwok plays its kubelet")),
            Step::Label => {
                let labels = &object.meta.labels;
                let missing: Vec<(String, Value)> =
                    [("beta.kubernetes.io/arch", "kubernetes.io/arch"), ("beta.kubernetes.io/os", "kubernetes.io/os")]
                        .into_iter()
                        .filter(|(old, _)| !labels.contains_key(*old))
                        .filter_map(|(old, new)| Some((old.to_owned(), Value::from(labels.get(new)?.as_str()))))
                        .collect();
                if !missing.is_empty() {
                    let labels = Value::Object(objects::json::map(missing));
                    out.push(patch(object.key(), json!({"metadata": {"labels": labels}}), "labels of before 1.14"));
                }
            }
            Step::Annotate => {
                self.lease(object, view, out);
                const TTL: &str = "node.alpha.kubernetes.io/ttl";
                if !object.meta.annotations.contains_key(TTL) {
                    out.push(patch(object.key(), json!({"metadata": {"annotations": {TTL: "0"}}}), "a small cluster"));
                }
            }
            Step::Play if object.pod().is_some_and(|p| p.phase == Phase::Pending) => {
                let address = self.address(object);
                out.push(patch(object.key(), json!({"status": running(object, &address, view)}), "kwok plays its containers"));
                out.push(event(&object.key(), COMPONENT, "Started", "Container started".to_owned()));
            }
            Step::Play => {}
            Step::Remove => out.push(delete(object.key(), Some(0), "nothing has to stop")),
        }
    }

    /// One process holds the leases of all nodes. Renewals are left out.
    fn lease(&self, node: &Object, view: &View<'_>, out: &mut Vec<Intent>) {
        let key = ObjectKey::new(Kind::Lease, LEASES, &node.meta.name);
        let namespace = ObjectKey::cluster(Kind::Namespace, LEASES);
        if view.store.get(&namespace).is_none() || view.store.get(&key).is_some() {
            return;
        }
        let holder = format!("vm_{}", view.stream("kwok", "holder").uuid());
        let now = objects::time::micro_time(view.unix_ms());
        let owner = json!({"apiVersion": "v1", "kind": "Node", "name": node.meta.name, "uid": node.meta.uid});
        let lease = json!({
            "apiVersion": Kind::Lease.api_version(), "kind": Kind::Lease.name(),
            "metadata": {"name": node.meta.name, "namespace": LEASES, "ownerReferences": [owner]},
            "spec": {"holderIdentity": holder, "leaseDurationSeconds": 40, "renewTime": now},
        });
        out.push(create(lease, "kwok holds the node's lease"));
    }

    /// Of 10.0.0.0/16, one after the other.
    fn address(&mut self, pod: &Object) -> String {
        if pod.pod().is_some_and(|p| p.spec.host_network) {
            return HOST.to_owned();
        }
        let at = loop {
            self.next = if self.next < 65_534 { self.next + 1 } else { 1 };
            if self.addresses.len() >= 65_534 || !self.addresses.values().any(|a| *a == self.next) {
                break self.next;
            }
        };
        self.addresses.insert(pod.meta.uid.clone(), at);
        format!("10.0.{}.{}", at / 256, at % 256)
    }
}

/// What a node reports.
pub fn report(unix_ms: i64) -> Value {
    let now = objects::time::rfc3339(unix_ms);
    let condition = |kind: &str, status: &str, reason: &str, message: &str| {
        json!({
            "type": kind, "status": status, "reason": reason, "message": message, "lastHeartbeatTime": now,
            "lastTransitionTime": now,
        })
    };
    json!({
        "phase": "Running",
        "addresses": [{"address": HOST, "type": "InternalIP"}, {"address": "", "type": "Hostname"}],
        "conditions": [
            condition("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
            condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
            condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
            condition("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
        ],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": PORT}},
        "nodeInfo": {
            "architecture": "amd64", "bootID": "5a1b7e0e-0000-4000-8000-000000000001",
            "containerRuntimeVersion": "containerd://2.1.5", "kernelVersion": "6.12.55-74.119.amzn2023.x86_64",
            "kubeProxyVersion": "", "kubeletVersion": "v1.35.4-eks-0000000", "machineID": "ec2000000000000000000000000000aa",
            "operatingSystem": "linux", "osImage": "Amazon Linux 2023.9.20251117",
            "systemUUID": "ec200000-0000-0000-0000-0000000000aa",
        },
    })
}

/// The status of a pod that runs, without the generations that a kubelet would note.
fn running(pod: &Object, address: &str, view: &View<'_>) -> Value {
    let now = view.timestamp();
    let condition = |kind: &&str| json!({"type": kind, "status": "True", "lastProbeTime": null, "lastTransitionTime": now});
    let kinds = ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"];
    let container = |c: &Value| {
        let (name, image) = (c.str_at("name").unwrap_or_default(), c.str_at("image").unwrap_or_default());
        json!({
            "containerID": format!("containerd://{}", view.stream("container-id", &format!("{}/{name}", pod.meta.uid)).hex(64)),
            "image": image, "imageID": format!("{image}@sha256:{}", view.stream("image-id", image).hex(64)), "lastState": {},
            "name": name, "ready": true, "restartCount": 0, "started": true, "state": {"running": {"startedAt": now}},
        })
    };
    let containers: Vec<Value> = pod.doc.list_at("spec.containers").iter().map(container).collect();
    json!({
        "phase": "Running", "startTime": now, "hostIP": HOST, "podIP": address, "podIPs": [{"ip": address}],
        "conditions": kinds.iter().map(condition).collect::<Vec<_>>(), "containerStatuses": containers,
    })
}
