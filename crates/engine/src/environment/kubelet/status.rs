//! The pod statuses that kubelets write, in the recorded form.

use crate::View;
use crate::kernel::stable_hash;
use objects::json;
use objects::{DocExt, Era, Object, Resources, Value};

const NO_START: &str = "ContainerCreating";

/// Admitted, nothing running yet.
pub(super) fn creating(pod: &Object, node: &Object, view: &View<'_>) -> Value {
    let host = node.node().map(|n| n.internal_ip.clone()).unwrap_or_default();
    let statuses: Vec<Value> = containers(pod)
        .map(|(name, image)| {
            json!({
                "image": image, "imageID": "", "lastState": {}, "name": name, "ready": false, "restartCount": 0,
                "started": false, "state": {"waiting": {"reason": NO_START}},
            })
        })
        .collect();
    let mut status = json!({
        "phase": "Pending", "startTime": view.timestamp(), "hostIP": host, "containerStatuses": statuses,
        "conditions": conditions(pod, view, false, false),
    });
    if view.era() == Era::V1 {
        status.set("hostIPs", json!([{"ip": host}]));
        status.set("observedGeneration", pod.meta.generation.max(1));
    }
    if pod.pod().is_some_and(|p| p.spec.host_network) {
        status.set("podIP", host.clone());
        status.set("podIPs", json!([{"ip": host}]));
    }
    status
}

/// Everything runs; `ready` says whether the readiness probes have passed.
pub(super) fn running(pod: &Object, view: &View<'_>, ready: bool) -> Value {
    let before = pod.doc.list_at("status.containerStatuses");
    let statuses: Vec<Value> = containers(pod)
        .map(|(name, image)| {
            let old = before.iter().find(|c| c.str_at("name") == Some(name));
            let since = old.and_then(|c| c.str_at("state.running.startedAt")).map_or_else(|| view.timestamp(), str::to_owned);
            json!({
                "containerID": format!("containerd://{}", container_id(pod, name, view)), "image": image,
                "imageID": image_id(image), "lastState": {}, "name": name, "ready": ready, "restartCount": 0,
                "started": true, "state": {"running": {"startedAt": since}},
            })
        })
        .collect();
    json!({
        "phase": "Running", "containerStatuses": statuses, "conditions": conditions(pod, view, true, ready),
        "qosClass": pod.doc.at("status.qosClass").clone(),
    })
}

/// All containers have ended well.
pub(super) fn ended(pod: &Object, view: &View<'_>) -> Value {
    let statuses: Vec<Value> = pod
        .doc
        .list_at("status.containerStatuses")
        .iter()
        .map(|c| {
            let mut c = c.clone();
            let started = c.at("state.running.startedAt").clone();
            let id = c.at("containerID").clone();
            c.set("ready", false);
            c.set("started", false);
            c.set(
                "state",
                json!({"terminated": {
                    "containerID": id, "exitCode": 0, "finishedAt": view.timestamp(), "reason": "Completed", "startedAt": started,
                }}),
            );
            c
        })
        .collect();
    let mut all = conditions(pod, view, true, false);
    for c in &mut all {
        if matches!(c.str_at("type"), Some("Ready" | "ContainersReady" | "Initialized")) {
            c.set("reason", "PodCompleted");
            c.remove_at("message");
        }
    }
    json!({"phase": "Succeeded", "containerStatuses": statuses, "conditions": all})
}

/// The answer of a kubelet to a pod that was bound past its scheduler's arithmetic.
pub(super) fn rejected(pod: &Object, node: &Object, view: &View<'_>) -> Option<Value> {
    let allocatable = &node.node()?.allocatable;
    let mut used = Resources::default();
    for other in view.store.pods_on(&node.meta.name).filter(|o| o.meta.uid != pod.meta.uid) {
        // Only what this kubelet has admitted takes room.
        let admitted = !other.doc.at("status.startTime").is_null();
        if let Some(p) = other.pod().filter(|p| !p.is_terminal() && admitted) {
            used.add(&p.spec.requests);
        }
    }
    let requests = &pod.pod()?.spec.requests;
    let (name, want) = requests.0.iter().find(|(n, want)| **want > 0 && **want > allocatable.get(n) - used.get(n))?;
    let (used, capacity) = (used.get(name), allocatable.get(name));
    Some(json!({
        "phase": "Failed", "reason": format!("OutOf{name}"), "startTime": view.timestamp(),
        "message": format!("Pod was rejected: Node didn't have enough resource: {name}, requested: {want}, used: {used}, capacity: {capacity}"),
    }))
}

/// The recorded order: sandbox (era v1 only), Initialized, Ready, ContainersReady, PodScheduled; others kept behind.
fn conditions(pod: &Object, view: &View<'_>, running: bool, ready: bool) -> Vec<Value> {
    let now = view.timestamp();
    let names: Vec<&str> = containers(pod).map(|(n, _)| n).collect();
    let unready = format!("containers with unready status: [{}]", names.join(" "));
    let old = pod.doc.list_at("status.conditions");
    let one = |kind: &str, yes: bool| {
        let status = if yes { "True" } else { "False" };
        let before = old.iter().find(|c| c.str_at("type") == Some(kind));
        let since = before.filter(|c| c.str_at("status") == Some(status)).and_then(|c| c.str_at("lastTransitionTime"));
        let mut c = json!({"type": kind, "status": status, "lastProbeTime": null, "lastTransitionTime": since.unwrap_or(&now)});
        if !yes && matches!(kind, "Ready" | "ContainersReady") {
            c.set("reason", "ContainersNotReady");
            c.set("message", unready.as_str());
        }
        if view.era() == Era::V1 {
            c.set("observedGeneration", pod.meta.generation.max(1));
        }
        c
    };
    let mut all = Vec::new();
    if view.era() == Era::V1 {
        all.push(one("PodReadyToStartContainers", running));
    }
    all.extend([one("Initialized", true), one("Ready", ready), one("ContainersReady", ready), one("PodScheduled", true)]);
    let known = ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"];
    all.extend(old.iter().filter(|c| c.str_at("type").is_none_or(|t| !known.contains(&t))).cloned());
    all
}

fn containers(pod: &Object) -> impl Iterator<Item = (&str, &str)> {
    let list = pod.doc.list_at("spec.containers").iter();
    list.map(|c| (c.str_at("name").unwrap_or_default(), c.str_at("image").unwrap_or_default()))
}

fn container_id(pod: &Object, name: &str, view: &View<'_>) -> String {
    view.stream("container-id", &format!("{}/{name}", pod.meta.uid)).hex(64)
}

/// Repository and a digest that depends on the reference alone.
fn image_id(image: &str) -> String {
    let repository = match image.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => repository,
        _ => image,
    };
    let part = |i: &str| format!("{:016x}", stable_hash(&["image-id", image, i]));
    format!("{repository}@sha256:{}{}{}{}", part("0"), part("1"), part("2"), part("3"))
}
