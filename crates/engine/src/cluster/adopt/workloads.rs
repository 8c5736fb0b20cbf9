//! The controllers of the pods: those that were read, made to agree with ours on which pods are current, and stand-ins for
//! those that were not, so that a pod that is evicted comes back as it does in the real cluster.

use super::{Objects, put};
use crate::environment::template_hash;
use objects::collections::{VecMap, VecSet};
use objects::{DocExt, Kind, ObjectKey, Value, json};

const TEMPLATE_HASH: &str = "pod-template-hash";
const REVISION_HASH: &str = "controller-revision-hash";
const REVISION: &str = "deployment.kubernetes.io/revision";

pub fn complete(objects: &mut Objects, notes: &mut Vec<String>) {
    drop_unknown_owners(objects);
    drop_unknown_volumes(objects, notes);
    current_replica_sets(objects);
    stand_ins(objects, notes);
    current_pods(objects);
    priority_classes(objects);
}

/// A pod cannot be made without the class that it names; what those that run have is its value.
fn priority_classes(objects: &mut Objects) {
    let mut values: VecMap<String, i64> = VecMap::new();
    for (key, doc) in objects.iter() {
        let spec = doc.at(if key.kind == Kind::Pod { "spec" } else { "spec.template.spec" });
        let Some(name) = spec.str_at("priorityClassName").filter(|n| !n.is_empty()) else { continue };
        let of_system = match name {
            "system-node-critical" => 2_000_001_000,
            "system-cluster-critical" => 2_000_000_000,
            _ => 0,
        };
        let value = values.entry(name.to_owned()).or_insert(of_system);
        *value = spec.int_at("priority").unwrap_or(*value);
    }
    for (name, value) in values.iter() {
        let doc = json!({
            "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass",
            "metadata": {"name": name, "uid": format!("stand-in-{name}")}, "value": value,
        });
        objects.entry(ObjectKey::cluster(Kind::PriorityClass, name)).or_insert(doc);
    }
}

fn uid(doc: &Value) -> &str {
    doc.str_at("metadata.uid").unwrap_or_default()
}

/// The reference of an object to what controls it.
fn controller(doc: &Value) -> Option<&Value> {
    doc.list_at("metadata.ownerReferences").iter().find(|o| o.bool_at("controller") == Some(true))
}

/// Owners that were not read are not gone: what they own is left without them. Pods are looked after by [`stand_ins`].
fn drop_unknown_owners(objects: &mut Objects) {
    let known: VecSet<String> = objects.values().map(|doc| uid(doc).to_owned()).collect();
    for (key, doc) in objects.iter_mut() {
        let owners = doc.list_at("metadata.ownerReferences");
        let is_known = |o: &Value| {
            known.contains(o.str_at("uid").unwrap_or_default()) || key.kind == Kind::Pod && o.bool_at("controller") == Some(true)
        };
        if owners.iter().all(is_known) {
            continue;
        }
        let kept: Vec<Value> = owners.iter().filter(|o| is_known(o)).cloned().collect();
        doc.set("metadata.ownerReferences", kept);
    }
}

/// Without any claim read, those that pods name say nothing about where pods may go.
fn drop_unknown_volumes(objects: &mut Objects, notes: &mut Vec<String>) {
    if objects.keys().any(|k| k.kind == Kind::PersistentVolumeClaim) {
        return;
    }
    let is_claim = |v: &Value| !v.at("persistentVolumeClaim").is_null() || !v.at("ephemeral").is_null();
    let mut pods = 0;
    for (key, doc) in objects.iter_mut() {
        let path = if key.kind == Kind::Pod { "spec.volumes" } else { "spec.template.spec.volumes" };
        if doc.list_at(path).iter().any(is_claim) {
            pods += usize::from(key.kind == Kind::Pod);
            let kept: Vec<Value> = doc.list_at(path).iter().filter(|v| !is_claim(v)).cloned().collect();
            doc.set(path, kept);
        }
    }
    if pods > 0 {
        notes.push(format!("no PersistentVolumeClaim was read: the volumes of {pods} pods count as reachable from every zone"));
    }
}

/// A Deployment that has seen its last change has a ReplicaSet of its present template, whichever fields a server has filled
/// in since.
fn current_replica_sets(objects: &mut Objects) {
    let current = |doc: &Value| {
        let seen = doc.int_at("status.observedGeneration") == doc.int_at("metadata.generation");
        let revision = doc.at("metadata.annotations").field(REVISION).as_str().filter(|_| seen)?;
        Some(((uid(doc).to_owned(), revision.to_owned()), doc.at("spec.template").clone()))
    };
    let templates: VecMap<(String, String), Value> =
        objects.iter().filter(|(key, _)| key.kind == Kind::Deployment).filter_map(|(_, doc)| current(doc)).collect();
    for (_, set) in objects.iter_mut().filter(|(key, _)| key.kind == Kind::ReplicaSet) {
        let owner = controller(set).and_then(|o| o.str_at("uid")).unwrap_or_default().to_owned();
        let revision = set.at("metadata.annotations").field(REVISION).as_str().unwrap_or_default().to_owned();
        let Some(template) = templates.get(&(owner, revision)) else { continue };
        let mut template = template.clone();
        let hash = set.at("spec.template.metadata.labels").field(TEMPLATE_HASH).clone();
        if !hash.is_null() {
            put(template.slot("metadata.labels"), TEMPLATE_HASH, hash);
        }
        set.set("spec.template", template);
    }
}

/// A controller for the pods whose own was not read. Other kinds than those three count as ReplicaSets, which make up for a
/// pod that goes as most do.
fn stand_ins(objects: &mut Objects, notes: &mut Vec<String>) {
    let known: VecSet<String> = objects.values().map(|doc| uid(doc).to_owned()).collect();
    let mut orphans: VecMap<(String, String, String, String), Vec<ObjectKey>> = VecMap::new();
    for (key, doc) in objects.iter().filter(|(key, _)| key.kind == Kind::Pod) {
        let Some(owner) = controller(doc).filter(|o| o.str_at("kind") != Some("Node")) else { continue };
        let text = |field: &str| owner.str_at(field).unwrap_or_default().to_owned();
        if !known.contains(&text("uid")) {
            orphans.entry((key.namespace.clone(), text("kind"), text("name"), text("uid"))).or_default().push(key.clone());
        }
    }
    let mut made: VecMap<String, usize> = VecMap::new();
    for ((namespace, kind, name, uid), keys) in orphans.iter() {
        let stands_for = match kind.as_str() {
            "DaemonSet" => Kind::DaemonSet,
            "StatefulSet" => Kind::StatefulSet,
            _ => Kind::ReplicaSet,
        };
        let pods: Vec<&Value> = keys.iter().filter_map(|key| objects.get(key)).collect();
        let Some(mut doc) = stand_in(stands_for, name, &pods) else { continue };
        let mut key = ObjectKey::new(stands_for, namespace, name);
        while objects.contains_key(&key) {
            key.name.push_str("-also");
        }
        doc.set("metadata", json!({"name": key.name, "namespace": namespace, "uid": uid, "generation": 1}));
        let reference = json!({
            "apiVersion": stands_for.api_version(), "kind": stands_for.name(), "name": key.name, "uid": uid,
            "controller": true, "blockOwnerDeletion": true,
        });
        for pod in keys {
            if let Some(doc) = objects.get_mut(pod) {
                doc.set("metadata.ownerReferences", json!([reference]));
            }
        }
        objects.insert(key, doc);
        *made.entry(kind.clone()).or_default() += 1;
    }
    if !made.is_empty() {
        let list: Vec<String> = made.iter().map(|(kind, n)| format!("{n} {kind}{}", if *n == 1 { "" } else { "s" })).collect();
        notes.push(format!("controllers that were not read are taken from their pods: {}", list.join(", ")));
    }
}

/// What makes pods like the newest of `pods`, as many as there are.
fn stand_in(kind: Kind, name: &str, pods: &[&Value]) -> Option<Value> {
    let ended = |p: &Value| matches!(p.str_at("status.phase"), Some("Succeeded" | "Failed"));
    let active: Vec<&Value> =
        pods.iter().copied().filter(|p| p.at("metadata.deletionTimestamp").is_null() && !ended(p)).collect();
    let newest = pods.iter().copied().max_by_key(|p| p.str_at("metadata.creationTimestamp").unwrap_or_default())?;
    let labels: VecMap<String, String> = newest
        .strings_at("metadata.labels")
        .into_iter()
        .filter(|(key, value)| pods.iter().all(|p| p.at("metadata.labels").field(key).as_str() == Some(value)))
        .filter(|(key, _)| key != REVISION_HASH)
        .collect();
    let mut spec = newest.at("spec").clone();
    for field in ["nodeName", "hostname", "subdomain", "priority", "preemptionPolicy"] {
        spec.remove_at(field);
    }
    let mut doc = json!({
        "apiVersion": kind.api_version(), "kind": kind.name(),
        "spec": {"selector": {"matchLabels": json!(labels)}, "template": {"metadata": {"labels": json!(labels)}}},
    });
    match kind {
        Kind::DaemonSet => {
            unpin(&mut spec);
            doc.set("spec.updateStrategy.type", "OnDelete");
        }
        Kind::StatefulSet => {
            let ordinal = |p: &Value| p.str_at("metadata.name")?.strip_prefix(name)?.strip_prefix('-')?.parse::<i64>().ok();
            doc.set("spec.replicas", active.iter().filter_map(|p| ordinal(p)).max().map_or(0, |n| n + 1));
            doc.set("spec.updateStrategy.type", "OnDelete");
            doc.set("spec.podManagementPolicy", "Parallel");
            let templates = claim_templates(&mut spec, newest.str_at("metadata.name").unwrap_or_default());
            doc.set("spec.volumeClaimTemplates", templates);
        }
        _ => doc.set("spec.replicas", active.len()),
    }
    doc.set("spec.template.spec", spec);
    Some(doc)
}

/// Takes the pin to one node off that a DaemonSet gives each of its pods.
fn unpin(spec: &mut Value) {
    const TERMS: &str = "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution";
    let path = format!("{TERMS}.nodeSelectorTerms");
    let mut terms: Vec<Value> = spec.list_at(&path).to_vec();
    terms.iter_mut().for_each(|t| t.remove_at("matchFields"));
    terms.retain(|t| t.as_object().is_some_and(|t| !t.is_empty()));
    match terms.is_empty() {
        true => spec.remove_at(TERMS),
        false => spec.set(&path, terms),
    }
}

/// The volumes whose claims are named after the pod become templates of claims; the claims are there.
fn claim_templates(spec: &mut Value, pod: &str) -> Vec<Value> {
    let of_pod = |v: &Value| {
        let claim = v.str_at("persistentVolumeClaim.claimName")?;
        let name = v.str_at("name")?;
        (claim.strip_suffix(pod)?.strip_suffix('-')? == name).then(|| json!({"metadata": {"name": name}, "spec": {}}))
    };
    let volumes = spec.list_at("volumes").to_vec();
    spec.set("volumes", volumes.iter().filter(|v| of_pod(v).is_none()).cloned().collect::<Vec<_>>());
    volumes.iter().filter_map(of_pod).collect()
}

/// Revisions are hashes of another kind in a real cluster: pods of the present one get ours.
fn current_pods(objects: &mut Objects) {
    let mut revisions: VecMap<String, (String, Option<String>)> = VecMap::new();
    for (key, doc) in objects.iter() {
        let hash = || template_hash(doc.at("spec.template"));
        let text = |v: &Value| v.as_str().map(str::to_owned);
        match key.kind {
            Kind::DaemonSet => {
                let generation = doc.at("metadata.annotations").field("deprecated.daemonset.template.generation");
                revisions.insert(uid(doc).to_owned(), (hash(), text(generation)));
            }
            Kind::StatefulSet => {
                let revision = format!("{}-{}", key.name, hash());
                revisions.insert(uid(doc).to_owned(), (revision, text(doc.at("status.updateRevision"))));
            }
            _ => {}
        }
    }
    for (_, pod) in objects.iter_mut().filter(|(key, _)| key.kind == Kind::Pod) {
        let owner = controller(pod);
        let said = owner.map(|o| (o.str_at("kind") == Some("DaemonSet"), o.str_at("uid").unwrap_or_default()));
        let Some((daemon, (ours, current))) = said.and_then(|(daemon, uid)| Some((daemon, revisions.get(uid)?))) else {
            continue;
        };
        let label = if daemon { "pod-template-generation" } else { REVISION_HASH };
        let of_pod = pod.at("metadata.labels").field(label).as_str();
        let fresh = of_pod.zip(current.as_deref()).is_none_or(|(a, b)| a == b);
        if fresh {
            put(pod.slot("metadata.labels"), REVISION_HASH, ours.as_str());
        }
    }
}
