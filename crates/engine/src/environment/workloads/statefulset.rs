//! The StatefulSet controller: pods with fixed ordinal names, started and stopped in order.
//!
//! Source: kubernetes pkg/controller/statefulset/stateful_set_control.go, v1.28. Volume claim templates are made into
//! claims by name; binding them to volumes is not modelled.

use super::super::support::{count, create, delete, event, next_due, note_change, note_controller, patch, template_hash};
use super::pods::{from_template, is_ready, owned_by};
use super::replicaset::differs;
use crate::actor::{Action, Actor, Intent, View};
use crate::kernel::{SimTime, Timers};
use crate::store::Change;
use objects::collections::VecMap;
use objects::json;
use objects::{DocExt, Kind, Object, ObjectKey, Value};
use std::sync::Arc;

const COMPONENT: &str = "statefulset-controller";
const REACTION_MS: u64 = 25;
const HASH: &str = "controller-revision-hash";

#[derive(Clone, Debug, Default)]
pub struct StatefulSetController {
    due: Timers<ObjectKey>,
}

impl Actor for StatefulSetController {
    fn name(&self) -> &'static str {
        "statefulset"
    }

    fn observe(&mut self, change: &Change, view: &View<'_>) {
        let at = view.now + REACTION_MS;
        match change.kind() {
            Kind::StatefulSet => note_change(&mut self.due, change, at),
            Kind::Pod => note_controller(&mut self.due, &change.object, Kind::StatefulSet, at),
            _ => {}
        }
    }

    fn wake_at(&self) -> Option<SimTime> {
        self.due.next()
    }

    fn act(&mut self, view: &View<'_>) -> Vec<Intent> {
        let mut out = Vec::new();
        while let Some(set) = next_due(&mut self.due, view) {
            if !set.meta.is_deleting() {
                sync(set, view, &mut out);
            }
        }
        out
    }
}

fn sync(set: &Arc<Object>, view: &View<'_>, out: &mut Vec<Intent>) {
    let revision = format!("{}-{}", set.meta.name, template_hash(set.doc.at("spec.template")));
    let prefix = format!("{}-", set.meta.name);
    let ordinal = |p: &Object| p.meta.name.strip_prefix(&prefix).and_then(|n| n.parse::<i64>().ok());
    let pods: VecMap<i64, &Arc<Object>> = owned_by(view, set).into_iter().filter_map(|p| Some((ordinal(p)?, p))).collect();
    let want = set.workload().map_or(0, |w| w.replicas);
    let ordered = set.doc.str_at("spec.podManagementPolicy") != Some("Parallel");
    status(set, &pods, &revision, out);
    for n in 0..want {
        match pods.get(&n) {
            None => {
                make(set, n, &revision, view, out);
                if ordered {
                    return;
                }
            }
            Some(pod) if pod.pod().is_some_and(|p| p.is_terminal()) && !pod.meta.is_deleting() => {
                out.push(delete(pod.key(), None, "a replica that ended"));
                return;
            }
            Some(pod) if ordered && (pod.meta.is_deleting() || !is_ready(pod)) => return,
            Some(_) => {}
        }
    }
    for (n, pod) in pods.iter().rev().filter(|(n, _)| **n >= want) {
        if !pod.meta.is_deleting() {
            remove(set, pod, out);
        }
        if ordered && *n >= want {
            return;
        }
    }
    if set.doc.str_at("spec.updateStrategy.type") == Some("OnDelete") {
        return;
    }
    let partition = set.doc.int_at("spec.updateStrategy.rollingUpdate.partition").unwrap_or(0);
    for (_, pod) in pods.iter().rev().filter(|(n, _)| **n >= partition && **n < want) {
        if pod.meta.labels.get(HASH) != Some(&revision) {
            if !pod.meta.is_deleting() {
                remove(set, pod, out);
            }
            return;
        }
        if !is_ready(pod) {
            return;
        }
    }
}

fn make(set: &Arc<Object>, n: i64, revision: &str, view: &View<'_>, out: &mut Vec<Intent>) {
    let name = format!("{}-{n}", set.meta.name);
    let mut doc = from_template(set, &name, &format!("{}-", set.meta.name));
    if let Value::Object(labels) = doc.slot("metadata.labels") {
        labels.insert(HASH.to_owned(), revision.into());
        labels.insert("statefulset.kubernetes.io/pod-name".to_owned(), name.clone().into());
        labels.insert("apps.kubernetes.io/pod-index".to_owned(), n.to_string().into());
    }
    doc.set("spec.hostname", name.clone());
    let mut volumes = doc.list_at("spec.volumes").to_vec();
    for claim in set.doc.list_at("spec.volumeClaimTemplates") {
        let Some(volume) = claim.str_at("metadata.name") else {
            continue;
        };
        let claim_name = format!("{volume}-{name}");
        volumes.push(json!({"name": volume, "persistentVolumeClaim": {"claimName": claim_name}}));
        if view.store.get(&ObjectKey::new(Kind::PersistentVolumeClaim, &set.meta.namespace, &claim_name)).is_none() {
            let metadata = json!({
                "name": claim_name, "namespace": set.meta.namespace, "labels": set.doc.at("spec.selector.matchLabels").clone(),
            });
            out.push(create(
                json!({
                    "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata,
                    "spec": claim.at("spec").clone(), "status": {"phase": "Pending"},
                }),
                "a claim of the template",
            ));
        }
    }
    if !volumes.is_empty() {
        doc.set("spec.volumes", volumes);
    }
    out.push(Intent::new(Action::Create(doc), "the next ordinal"));
    let text = format!("create Pod {name} in StatefulSet {} successful", set.meta.name);
    out.push(event(&set.key(), COMPONENT, "SuccessfulCreate", text));
}

fn remove(set: &Arc<Object>, pod: &Object, out: &mut Vec<Intent>) {
    out.push(delete(pod.key(), None, "the highest ordinal first"));
    let text = format!("delete Pod {} in StatefulSet {} successful", pod.meta.name, set.meta.name);
    out.push(event(&set.key(), COMPONENT, "SuccessfulDelete", text));
}

fn status(set: &Object, pods: &VecMap<i64, &Arc<Object>>, revision: &str, out: &mut Vec<Intent>) {
    let n = |f: &dyn Fn(&Object) -> bool| pods.values().filter(|p| f(p)).count() as i64;
    let updated = n(&|p| p.meta.labels.get(HASH).is_some_and(|h| h == revision));
    let ready = n(&is_ready);
    let complete = updated == pods.len() as i64 && ready == updated;
    let current = match set.doc.str_at("status.currentRevision") {
        Some(current) if !complete => current,
        _ => revision,
    };
    let status = json!({
        "replicas": pods.len(), "readyReplicas": count(ready), "availableReplicas": ready, "collisionCount": 0,
        "currentReplicas": count(n(&|p| p.meta.labels.get(HASH).is_some_and(|h| h == current))),
        "updatedReplicas": count(updated), "currentRevision": current, "updateRevision": revision,
        "observedGeneration": set.meta.generation,
    });
    if differs(set.doc.at("status"), &status) {
        out.push(patch(set.key(), json!({"status": status}), "status of the replicas"));
    }
}
