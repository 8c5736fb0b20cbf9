//! The Deployment controller: finds or makes the ReplicaSet of the present template, rolls from old to new, keeps
//! revisions and cleans up history.
//!
//! Source: kubernetes pkg/controller/deployment/{deployment_controller,sync,rolling,recreate}.go, v1.27 and v1.35 (only
//! the wording of events differs). Each sync takes one step; the change that it makes brings the next one.

use super::super::support::{
    create, delete, event, next_due, note_change, note_controller, owner_reference, patch, template_hash,
};
use super::super::workloads_owner::controller_key;
use super::deployment_rollout::{self as rollout, Scale};
use super::deployment_status as status;
use crate::actor::{Actor, Intent, View};
use crate::kernel::{SimTime, Timers};
use crate::store::{Change, Op};
use objects::collections::Order as _;
use objects::json;
use objects::{DocExt, Era, Kind, Object, ObjectKey, Value};
use std::sync::Arc;

const COMPONENT: &str = "deployment-controller";
/// From a person's change of the Deployment to the sync (recorded: 0.1 s).
const REACTION_MS: u64 = 100;
/// From a change of a ReplicaSet to the sync.
const FOLLOW_MS: u64 = 20;

pub(super) const REVISION: &str = "deployment.kubernetes.io/revision";
pub(super) const REVISION_HISTORY: &str = "deployment.kubernetes.io/revision-history";
pub(super) const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
pub(super) const MAX: &str = "deployment.kubernetes.io/max-replicas";
const HASH: &str = "pod-template-hash";
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

#[derive(Clone, Debug, Default)]
pub struct DeploymentController {
    due: Timers<ObjectKey>,
}

impl Actor for DeploymentController {
    fn name(&self) -> &'static str {
        "deployment"
    }

    fn observe(&mut self, change: &Change, view: &View<'_>) {
        match (change.kind(), change.op) {
            (Kind::Deployment, op) => {
                // Writes of this controller's own status come back at once; a person's change takes the longer way.
                let spec_changed =
                    op == Op::Added || change.old.as_ref().is_none_or(|o| o.meta.generation != change.object.meta.generation);
                note_change(&mut self.due, change, view.now + if spec_changed { REACTION_MS } else { FOLLOW_MS });
            }
            (Kind::ReplicaSet, _) => note_controller(&mut self.due, &change.object, Kind::Deployment, view.now + FOLLOW_MS),
            // Recreate waits for the last old pod to be gone.
            (Kind::Pod, Op::Deleted) => {
                let set = controller_key(&change.object, Kind::ReplicaSet).and_then(|key| view.store.get(&key));
                if let Some(set) = set {
                    note_controller(&mut self.due, set, Kind::Deployment, view.now + FOLLOW_MS);
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
        while let Some(deployment) = next_due(&mut self.due, view) {
            self.sync(deployment, view, &mut out);
        }
        out
    }
}

impl DeploymentController {
    fn sync(&mut self, d: &Arc<Object>, view: &View<'_>, out: &mut Vec<Intent>) {
        let mut sets: Vec<Arc<Object>> = view
            .store
            .controlled_by(Kind::ReplicaSet, &d.meta.uid)
            .filter(|s| s.meta.namespace == d.meta.namespace)
            .cloned()
            .collect();
        sets.order_by(|a, b| (a.meta.created_ms, &a.meta.name).cmp(&(b.meta.created_ms, &b.meta.name)));
        let new = sets.iter().find(|s| same_template(d, s)).cloned();
        let old: Vec<Arc<Object>> =
            sets.iter().filter(|s| new.as_ref().is_none_or(|n| n.meta.uid != s.meta.uid)).cloned().collect();
        if d.meta.is_deleting() {
            status::sync(d, new.as_ref(), &sets, view, out);
            return;
        }
        let paused = d.doc.bool_at("spec.paused").unwrap_or(false);
        if paused || is_scaling_event(d, &sets) {
            let steps = rollout::scale(d, new.as_ref(), &old);
            self.apply(d, &steps, view, out);
            status::sync(d, new.as_ref(), &sets, view, out);
            return;
        }
        let recreate = d.doc.str_at("spec.strategy.type") == Some("Recreate");
        if recreate && old.iter().any(|s| replicas(s) > 0) {
            let steps: Vec<Scale> = old.iter().filter(|s| replicas(s) > 0).map(|s| Scale::new(s, 0)).collect();
            self.apply(d, &steps, view, out);
            status::sync(d, new.as_ref(), &sets, view, out);
            return;
        }
        if recreate && old_pods_run(view, &old) {
            status::sync(d, new.as_ref(), &sets, view, out);
            return;
        }
        let Some(new) = new else {
            self.make_new(d, &sets, recreate, view, out);
            return;
        };
        if self.adopt_revision(d, &new, &old, out) {
            return;
        }
        let target = if recreate { d.workload().map_or(0, |w| w.replicas) } else { rollout::new_replicas(d, Some(&new), &sets) };
        let mut steps: Vec<Scale> = Vec::new();
        if target != replicas(&new) {
            steps.push(Scale::new(&new, target));
        } else if !recreate {
            steps = rollout::old_steps(d, &new, &old);
        }
        self.apply(d, &steps, view, out);
        if steps.is_empty() && status::is_complete(d, d.doc.at("status")) {
            clean_up(d, &old, out);
        }
        if let Some(at) = status::sync(d, Some(&new), &sets, view, out) {
            self.due.sooner(d.key(), at);
        }
    }

    fn make_new(&mut self, d: &Arc<Object>, sets: &[Arc<Object>], recreate: bool, view: &View<'_>, out: &mut Vec<Intent>) {
        let template = d.doc.at("spec.template");
        let hash = template_hash(template);
        let name = format!("{}-{hash}", d.meta.name);
        let want = d.workload().map_or(0, |w| w.replicas);
        let n = if recreate { want } else { rollout::new_replicas(d, None, sets) };
        let revision = sets.iter().map(|s| revision_of(s)).max().unwrap_or(0) + 1;
        let mut labels = template.at("metadata.labels").clone();
        put(&mut labels, HASH, hash.clone().into());
        let mut template = template.clone();
        put(template.slot("metadata.labels"), HASH, hash.clone().into());
        let mut selector = d.doc.at("spec.selector").clone();
        put(selector.slot("matchLabels"), HASH, hash.into());
        let mut annotations = kept_annotations(d);
        put(&mut annotations, REVISION, revision.to_string().into());
        put(&mut annotations, DESIRED, want.to_string().into());
        put(&mut annotations, MAX, (want + rollout::max_surge(d)).to_string().into());
        let mut spec = json!({"replicas": n, "selector": selector, "template": template});
        if let Some(s) = d.doc.int_at("spec.minReadySeconds").filter(|s| *s > 0) {
            spec.set("minReadySeconds", s);
        }
        out.push(create(
            json!({
                "apiVersion": "apps/v1", "kind": "ReplicaSet",
                "metadata": {
                    "name": name, "namespace": d.meta.namespace, "labels": labels, "annotations": annotations,
                    "ownerReferences": [owner_reference(d)],
                },
                "spec": spec, "status": {"replicas": 0},
            }),
            "no ReplicaSet has this template",
        ));
        if n > 0 {
            let message = match view.era() {
                Era::V1alpha5 => format!("Scaled up replica set {name} to {n}"),
                Era::V1 => format!("Scaled up replica set {name} from 0 to {n}"),
            };
            out.push(event(&d.key(), COMPONENT, "ScalingReplicaSet", message));
        }
        let status = status::with_created(d, &name, view);
        out.push(patch(
            d.key(),
            json!({"metadata": {"annotations": {REVISION: revision.to_string()}}, "status": status}),
            "new revision",
        ));
    }

    /// Gives a ReplicaSet that is current again (a rollback) the next revision. True when it had to be written.
    fn adopt_revision(&self, d: &Object, new: &Object, old: &[Arc<Object>], out: &mut Vec<Intent>) -> bool {
        let highest = old.iter().map(|s| revision_of(s)).max().unwrap_or(0);
        let mut changed = false;
        let mut revision = revision_of(new);
        if revision <= highest && !old.is_empty() {
            let mut annotations = json!({REVISION: (highest + 1).to_string()});
            if revision > 0 {
                let history = new.meta.annotations.get(REVISION_HISTORY);
                let history = history.map_or(revision.to_string(), |h| format!("{h},{revision}"));
                put(&mut annotations, REVISION_HISTORY, history.into());
            }
            revision = highest + 1;
            out.push(patch(new.key(), json!({"metadata": {"annotations": annotations}}), "current again"));
            changed = true;
        }
        if d.meta.annotations.get(REVISION) != Some(&revision.to_string()) {
            out.push(patch(d.key(), json!({"metadata": {"annotations": {REVISION: revision.to_string()}}}), "revision"));
            changed = true;
        }
        let min_ready = d.doc.int_at("spec.minReadySeconds").unwrap_or(0);
        if new.doc.int_at("spec.minReadySeconds").unwrap_or(0) != min_ready {
            out.push(patch(new.key(), json!({"spec": {"minReadySeconds": min_ready}}), "minReadySeconds"));
            changed = true;
        }
        changed
    }

    fn apply(&mut self, d: &Arc<Object>, steps: &[Scale], view: &View<'_>, out: &mut Vec<Intent>) {
        let want = d.workload().map_or(0, |w| w.replicas);
        let (desired, max) = (want.to_string(), (want + rollout::max_surge(d)).to_string());
        for step in steps {
            let stale =
                step.set.meta.annotations.get(DESIRED) != Some(&desired) || step.set.meta.annotations.get(MAX) != Some(&max);
            let from = replicas(&step.set);
            if !stale && from == step.to {
                continue;
            }
            out.push(patch(
                step.set.key(),
                json!({"metadata": {"annotations": {DESIRED: desired, MAX: max}}, "spec": {"replicas": step.to}}),
                "the deployment's share",
            ));
            if from == step.to {
                continue;
            }
            let direction = if step.to > from { "up" } else { "down" };
            let (name, to) = (&step.set.meta.name, step.to);
            let message = match view.era() {
                Era::V1alpha5 => format!("Scaled {direction} replica set {name} to {to} from {from}"),
                Era::V1 => format!("Scaled {direction} replica set {name} from {from} to {to}"),
            };
            out.push(event(&d.key(), COMPONENT, "ScalingReplicaSet", message));
        }
    }
}

pub(super) fn replicas(set: &Object) -> i64 {
    set.workload().map_or(0, |w| w.replicas)
}

fn revision_of(set: &Object) -> i64 {
    set.meta.annotations.get(REVISION).and_then(|r| r.parse().ok()).unwrap_or(0)
}

/// Writes a field whose name may contain dots.
fn put(map: &mut Value, name: &str, value: Value) {
    if !map.is_object() {
        *map = json!({});
    }
    if let Value::Object(fields) = map {
        fields.insert(name.to_owned(), value);
    }
}

/// The Deployment's annotations that its ReplicaSets carry too.
fn kept_annotations(d: &Object) -> Value {
    let skip = [LAST_APPLIED, REVISION, REVISION_HISTORY, DESIRED, MAX, "deprecated.deployment.rollback.to"];
    let kept = d.meta.annotations.iter().filter(|(k, _)| !skip.contains(&k.as_str()));
    Value::Object(objects::json::map(kept.map(|(k, v)| (k.clone(), v.clone().into()))))
}

/// Equal but for the hash label that the controller itself adds.
fn same_template(d: &Object, set: &Object) -> bool {
    let mut template = set.doc.at("spec.template").clone();
    if let Value::Object(labels) = template.slot("metadata.labels") {
        labels.remove(HASH);
    }
    // Restored empty maps must compare equal to absent ones.
    let want = d.doc.at("spec.template");
    template.at("spec") == want.at("spec")
        && template.at("metadata").strings_at("labels") == want.at("metadata").strings_at("labels")
        && template.at("metadata").strings_at("annotations") == want.at("metadata").strings_at("annotations")
}

/// An active ReplicaSet was last scaled for another replica count.
fn is_scaling_event(d: &Object, sets: &[Arc<Object>]) -> bool {
    let want = d.workload().map_or(0, |w| w.replicas);
    sets.iter()
        .filter(|s| replicas(s) > 0)
        .any(|s| s.meta.annotations.get(DESIRED).and_then(|n| n.parse::<i64>().ok()).is_some_and(|n| n != want))
}

fn old_pods_run(view: &View<'_>, old: &[Arc<Object>]) -> bool {
    let runs = |p: &Arc<Object>| p.pod().is_some_and(|p| !p.is_terminal());
    old.iter().any(|s| view.store.controlled_by(Kind::Pod, &s.meta.uid).any(runs))
}

/// Old, empty ReplicaSets beyond `revisionHistoryLimit`, oldest revision first.
fn clean_up(d: &Object, old: &[Arc<Object>], out: &mut Vec<Intent>) {
    let limit = usize::try_from(d.doc.int_at("spec.revisionHistoryLimit").unwrap_or(10)).unwrap_or(10);
    let mut idle: Vec<&Arc<Object>> = old.iter().filter(|s| !s.meta.is_deleting()).collect();
    let surplus = idle.len().saturating_sub(limit);
    idle.order_by_key(|s| revision_of(s));
    for set in idle.into_iter().take(surplus) {
        let unused = replicas(set) == 0 && set.workload().is_some_and(|w| w.status_replicas == 0);
        if unused && set.meta.generation <= set.doc.int_at("status.observedGeneration").unwrap_or(0) {
            out.push(delete(set.key(), None, "beyond revisionHistoryLimit"));
        }
    }
}
