//! Claims and volumes: binds claims to volumes that fit, makes new ones in the right zone as the EBS driver does, and
//! takes them back.
//!
//! Source: kubernetes pkg/controller/volume/persistentvolume/pv_controller.go, v1.28; kubernetes-csi/external-provisioner
//! pkg/controller/controller.go, v3.6. A volume's zone is written under `topology.kubernetes.io/zone`, which every node
//! has. Attaching, file systems and the limit of volumes per node are not modelled.

use super::support::{create, delete, event, next_due, note_change, patch, warning};
use crate::actor::{Actor, Intent, View};
use crate::kernel::{SimTime, Timers};
use crate::store::{Change, Op};
use objects::collections::{Order as _, VecMap, VecSet};
use objects::quantity::Quantity;
use objects::selector::{Expression, LabelSelector, Operator};
use objects::{DocExt, Era, Kind, Object, ObjectKey, Value, json};
use std::sync::Arc;

pub(super) const SELECTED_NODE: &str = "volume.kubernetes.io/selected-node";
const DEFAULT_CLASS: &str = "storageclass.kubernetes.io/is-default-class";
const ZONE: &str = "topology.kubernetes.io/zone";
const CONTROLLER: &str = "persistentvolume-controller";
const DRIVER: &str = "ebs.csi.aws.com";
const NO_PROVISIONER: &str = "kubernetes.io/no-provisioner";
const REACTION_MS: u64 = 40;
/// Making an EBS volume.
const MAKING_MS: (u64, u64) = (1_800, 3_200);

#[derive(Clone, Debug, Default)]
pub struct Volumes {
    due: Timers<ObjectKey>,
    /// When the volume of a claim is there.
    making: VecMap<ObjectKey, SimTime>,
}

impl Actor for Volumes {
    fn name(&self) -> &'static str {
        "persistentvolume-controller"
    }

    fn observe(&mut self, change: &Change, view: &View<'_>) {
        let at = view.now + REACTION_MS;
        match change.kind() {
            Kind::PersistentVolumeClaim => {
                if change.op == Op::Deleted {
                    self.making.remove(&change.key());
                    let volume = change.object.doc.str_at("spec.volumeName").unwrap_or_default();
                    self.due.sooner(ObjectKey::cluster(Kind::PersistentVolume, volume), at);
                }
                note_change(&mut self.due, change, at);
            }
            Kind::PersistentVolume | Kind::StorageClass => {
                if change.kind() == Kind::PersistentVolume {
                    note_change(&mut self.due, change, at);
                }
                // Whoever waits may find something now; whoever was bound to it may have lost it.
                for claim in view.store.list(Kind::PersistentVolumeClaim) {
                    self.due.sooner(claim.key(), at);
                }
            }
            Kind::Pod if change.op == Op::Added => {
                for claim in change.object.pod().into_iter().flat_map(|p| &p.spec.claims) {
                    self.due.sooner(ObjectKey::new(Kind::PersistentVolumeClaim, &change.object.meta.namespace, claim), at);
                }
            }
            _ => {}
        }
    }

    fn wake_at(&self) -> Option<SimTime> {
        self.due.next()
    }

    fn act(&mut self, view: &View<'_>) -> Vec<Intent> {
        let mut out = Vec::new();
        while let Some(object) = next_due(&mut self.due, view) {
            match object.kind {
                Kind::PersistentVolumeClaim => self.claim(object, view, &mut out),
                _ => volume(object, view, &mut out),
            }
        }
        out
    }
}

impl Volumes {
    fn claim(&mut self, claim: &Arc<Object>, view: &View<'_>, out: &mut Vec<Intent>) {
        let (key, phase) = (claim.key(), claim.doc.str_at("status.phase").unwrap_or("Pending"));
        if let Some(name) = claim.doc.str_at("spec.volumeName").filter(|n| !n.is_empty()) {
            match view.store.cluster(Kind::PersistentVolume, name) {
                Some(volume) if phase != "Bound" => bind(claim, volume, out),
                None if phase == "Bound" => {
                    let text = "Bound claim has lost its PersistentVolume. Data on the volume is lost!";
                    out.push(warning(&key, CONTROLLER, "ClaimLost", text.to_owned()));
                    out.push(patch(key, json!({"status": {"phase": "Lost"}}), "the volume is gone"));
                }
                _ => {}
            }
            return;
        }
        if claim.meta.is_deleting() {
            return;
        }
        if claim.doc.str_at("status.phase").is_none() {
            out.push(patch(key.clone(), json!({"status": {"phase": "Pending"}}), "a new claim"));
        }
        let class = class_of(claim, view);
        if claim.doc.str_at("spec.storageClassName").is_none()
            && let Some(class) = class
        {
            out.push(patch(key.clone(), json!({"spec": {"storageClassName": class.meta.name}}), "the default class"));
        }
        let node = claim.meta.annotations.get(SELECTED_NODE);
        let late = class.is_some_and(binds_late);
        if late && node.is_none() {
            let users = users(claim, view);
            let (reason, text) = match users.len() {
                0 => ("WaitForFirstConsumer", "waiting for first consumer to be created before binding".to_owned()),
                1 => ("WaitForPodScheduled", format!("waiting for pod {} to be scheduled", users.join(","))),
                _ => ("WaitForPodScheduled", format!("waiting for pods {} to be scheduled", users.join(","))),
            };
            out.push(event(&key, CONTROLLER, reason, text));
            return;
        }
        let node = node.and_then(|n| view.store.cluster(Kind::Node, n));
        if late && node.is_none() {
            // The node went before the volume was made: the pod is scheduled anew.
            out.push(patch(key, json!({"metadata": {"annotations": {SELECTED_NODE: null}}}), "the node is gone"));
            return;
        }
        let reached = |v: &&Arc<Object>| node.is_none_or(|n| reaches(v, n));
        if let Some(volume) = candidates(claim, view).into_iter().find(reached) {
            bind(claim, volume, out);
            return;
        }
        match class {
            Some(class) if makes_volumes(class) => self.make(claim, class, node, view, out),
            Some(_) => {}
            None => {
                let text = match claim.doc.str_at("spec.storageClassName").filter(|c| !c.is_empty()) {
                    Some(class) => format!("storageclass.storage.k8s.io \"{class}\" not found"),
                    None => "no persistent volumes available for this claim and no storage class is set".to_owned(),
                };
                let named = text.ends_with("found");
                out.push(if named {
                    warning(&key, CONTROLLER, "ProvisioningFailed", text)
                } else {
                    event(&key, CONTROLLER, "FailedBinding", text)
                });
            }
        }
    }

    fn make(&mut self, claim: &Arc<Object>, class: &Object, node: Option<&Arc<Object>>, view: &View<'_>, out: &mut Vec<Intent>) {
        let key = claim.key();
        let mut stream = view.stream("volume", &claim.meta.uid);
        let Some(ready) = self.making.get(&key).copied() else {
            let ready = view.now + stream.between(MAKING_MS.0, MAKING_MS.1);
            self.making.insert(key.clone(), ready);
            self.due.sooner(key.clone(), ready);
            let name = format!("{}/{}", claim.meta.namespace, claim.meta.name);
            let text = format!("External provisioner is provisioning volume for claim \"{name}\"");
            out.push(event(&key, DRIVER, "Provisioning", text));
            let provisioner = class.doc.str_at("provisioner").unwrap_or_default();
            let text = match view.era() {
                Era::V1alpha5 => format!(
                    "waiting for a volume to be created, either by external provisioner \"{provisioner}\" or manually created by \
                     system administrator"
                ),
                Era::V1 => format!(
                    "Waiting for a volume to be created either by the external provisioner '{provisioner}' or manually by the \
                     system administrator. If volume creation is delayed, please verify that the provisioner is running and \
                     correctly registered."
                ),
            };
            out.push(event(&key, CONTROLLER, "ExternalProvisioning", text));
            return;
        };
        if ready > view.now {
            self.due.sooner(key, ready);
            return;
        }
        self.making.remove(&key);
        // Without a node any zone that the class and the nodes allow.
        let zone_of = |n: &Arc<Object>| n.meta.labels.get(ZONE).cloned();
        let allowed = topologies(class);
        let may = |n: &&Arc<Object>| allowed.is_empty() || allowed.iter().any(|t| t.iter().all(|e| e.matches(&n.meta.labels)));
        let zones: VecSet<String> = match node {
            Some(node) => zone_of(node).into_iter().collect(),
            None => view.store.list(Kind::Node).filter(may).filter_map(zone_of).collect(),
        };
        let pick = usize::try_from(stream.below(zones.len() as u64)).unwrap_or(0);
        let Some(zone) = zones.iter().nth(pick) else {
            self.due.sooner(key, view.now + MAKING_MS.1);
            return;
        };
        let name = format!("pvc-{}", claim.meta.uid);
        let policy = class.doc.str_at("reclaimPolicy").unwrap_or("Delete");
        let volume = json!({
            "apiVersion": "v1", "kind": "PersistentVolume",
            "metadata": {"name": name, "annotations": {"pv.kubernetes.io/provisioned-by": class.doc.at("provisioner").clone()}},
            "spec": {
                "capacity": {"storage": claim.doc.at("spec.resources.requests.storage").clone()},
                "accessModes": claim.doc.at("spec.accessModes").clone(),
                "volumeMode": claim.doc.str_at("spec.volumeMode").unwrap_or("Filesystem"),
                "persistentVolumeReclaimPolicy": policy, "storageClassName": class.meta.name,
                "claimRef": claim_ref(claim),
                "csi": {"driver": class.doc.at("provisioner").clone(), "volumeHandle": format!("vol-0{}", stream.hex(16)), "fsType": "ext4"},
                "nodeAffinity": {"required": {"nodeSelectorTerms": [
                    {"matchExpressions": [{"key": ZONE, "operator": "In", "values": [zone]}]},
                ]}},
            },
            "status": {"phase": "Bound"},
        });
        out.push(event(&key, DRIVER, "ProvisioningSucceeded", format!("Successfully provisioned volume {name}")));
        let made = Object::from_doc(Kind::PersistentVolume, volume.clone());
        out.push(create(volume, "a claim waits"));
        bind(claim, &made, out);
    }
}

/// A volume whose claim is gone is deleted or kept, as its policy says; one without a claim is available.
fn volume(volume: &Arc<Object>, view: &View<'_>, out: &mut Vec<Intent>) {
    let owner = volume.doc.at("spec.claimRef");
    let phase = volume.doc.str_at("status.phase").unwrap_or("Pending");
    let name = |f: &'static str| owner.str_at(f).unwrap_or_default();
    let claim = view.store.get(&ObjectKey::new(Kind::PersistentVolumeClaim, name("namespace"), name("name")));
    let wanted = match owner.str_at("uid") {
        // Kept for a claim that may come.
        None => "Available",
        Some(uid) if claim.is_some_and(|c| c.meta.uid == uid) => return,
        Some(_) if volume.doc.str_at("spec.persistentVolumeReclaimPolicy") == Some("Delete") => {
            out.push(delete(volume.key(), None, "its claim is gone"));
            return;
        }
        Some(_) => "Released",
    };
    if phase != wanted {
        out.push(patch(volume.key(), json!({"status": {"phase": wanted}}), "no claim holds it"));
    }
}

/// Names of the pods that have no node yet and use the claim.
fn users<'a>(claim: &Object, view: &View<'a>) -> Vec<&'a str> {
    let waits =
        |p: &&Arc<Object>| p.pod().is_some_and(|p| !p.is_bound() && !p.is_terminal() && p.spec.claims.contains(&claim.meta.name));
    view.store.list_in(Kind::Pod, &claim.meta.namespace).filter(waits).map(|p| p.meta.name.as_str()).collect()
}

fn claim_ref(claim: &Object) -> Value {
    json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": claim.meta.namespace, "name": claim.meta.name,
        "uid": claim.meta.uid,
    })
}

fn bind(claim: &Object, volume: &Object, out: &mut Vec<Intent>) {
    let key = ObjectKey::cluster(Kind::PersistentVolume, &volume.meta.name);
    out.push(patch(key, json!({"spec": {"claimRef": claim_ref(claim)}, "status": {"phase": "Bound"}}), "bound"));
    let done = json!({"pv.kubernetes.io/bind-completed": "yes", "pv.kubernetes.io/bound-by-controller": "yes"});
    let spec = &volume.doc;
    let status = json!({
        "phase": "Bound", "accessModes": spec.at("spec.accessModes").clone(), "capacity": spec.at("spec.capacity").clone(),
    });
    let bound = json!({"metadata": {"annotations": done}, "spec": {"volumeName": volume.meta.name}, "status": status});
    out.push(patch(claim.key(), bound, "bound"));
}

/// The class of a claim; a claim that names none has the default one, the newest where there are several.
pub(super) fn class_of<'a>(claim: &Object, view: &View<'a>) -> Option<&'a Arc<Object>> {
    match claim.doc.str_at("spec.storageClassName") {
        Some("") => None,
        Some(name) => view.store.cluster(Kind::StorageClass, name),
        None => {
            let is_default = |c: &&Arc<Object>| c.meta.annotations.get(DEFAULT_CLASS).is_some_and(|v| v == "true");
            view.store
                .list(Kind::StorageClass)
                .filter(is_default)
                .max_by_key(|c| (c.meta.created_ms, std::cmp::Reverse(&c.meta.name)))
        }
    }
}

pub(super) fn binds_late(class: &Arc<Object>) -> bool {
    class.doc.str_at("volumeBindingMode") == Some("WaitForFirstConsumer")
}

pub(super) fn makes_volumes(class: &Object) -> bool {
    class.doc.str_at("provisioner").is_some_and(|p| p != NO_PROVISIONER)
}

/// Where a class makes volumes: anywhere if empty. The driver's own name of the zone is read as the common one.
pub(super) fn topologies(class: &Object) -> Vec<Vec<Expression>> {
    let one = |e: &Value| {
        let key = e.str_at("key").filter(|k| *k != "topology.ebs.csi.aws.com/zone").unwrap_or(ZONE).to_owned();
        let values = e.list_at("values").iter().filter_map(|v| v.as_str().map(str::to_owned)).collect();
        Expression { key, operator: Operator::In, values, min_values: None }
    };
    let term = |t: &Value| t.list_at("matchLabelExpressions").iter().map(one).collect();
    class.doc.list_at("allowedTopologies").iter().map(term).collect()
}

/// Volumes that a claim may have: kept for it, or free, of its class, its modes and large enough; the smallest first.
pub(super) fn candidates<'a>(claim: &Object, view: &View<'a>) -> Vec<&'a Arc<Object>> {
    let class =
        class_of(claim, view).map_or_else(|| claim.doc.str_at("spec.storageClassName").unwrap_or_default(), |c| &c.meta.name);
    let bytes = |v: &Value| v.as_str().and_then(|t| Quantity::parse(t).ok()).map_or(0, |q| q.value());
    let size = |v: &Arc<Object>| bytes(v.doc.at("spec.capacity.storage"));
    let want = bytes(claim.doc.at("spec.resources.requests.storage"));
    let selector = LabelSelector::read(claim.doc.at("spec.selector"));
    let fits = |v: &&Arc<Object>| {
        let kept = v.doc.at("spec.claimRef");
        let modes = v.doc.list_at("spec.accessModes");
        let mine = kept.str_at("name") == Some(&claim.meta.name) && kept.str_at("namespace") == Some(&claim.meta.namespace);
        !v.meta.is_deleting()
            && (kept.is_null() || mine && kept.str_at("uid").is_none_or(|u| u == claim.meta.uid))
            && v.doc.str_at("spec.storageClassName").unwrap_or_default() == class
            && claim.doc.list_at("spec.accessModes").iter().all(|m| modes.contains(m))
            && selector.as_ref().is_none_or(|s| s.matches(&v.meta.labels))
            && size(v) >= want
    };
    let mut found: Vec<&Arc<Object>> = view.store.list(Kind::PersistentVolume).filter(fits).collect();
    found.order_by_key(|v| (v.doc.at("spec.claimRef").is_null(), size(v)));
    found
}

fn reaches(volume: &Object, node: &Object) -> bool {
    let terms = volume.doc.at("spec.nodeAffinity.required").list_at("nodeSelectorTerms");
    let term = |t: &Value| Expression::read_list(t.list_at("matchExpressions")).iter().all(|e| e.matches(&node.meta.labels));
    terms.is_empty() || terms.iter().any(term)
}

#[cfg(test)]
mod tests;
