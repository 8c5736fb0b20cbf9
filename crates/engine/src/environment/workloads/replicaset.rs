//! The ReplicaSet controller: as many pods as asked for, made in slow-start batches, given up by rank.
//!
//! Source: kubernetes pkg/controller/replicaset/{replica_set,replica_set_utils}.go, v1.28.

use super::super::support::{count, delete, event, generated_name, next_due, note_change, note_controller, patch};
use super::pods::{from_template, is_active, is_available, is_ready, owned_by};
use super::ranking::deletion_order;
use crate::actor::{Actor, Intent, View};
use crate::kernel::{SimTime, Timers};
use crate::store::{Change, Op};
use objects::collections::Order as _;
use objects::collections::VecMap;
use objects::json;
use objects::{DocExt, Era, Kind, Object, ObjectKey, Value};
use std::sync::Arc;

const COMPONENT: &str = "replicaset-controller";
/// From a change of the ReplicaSet or one of its pods to the reconcile.
const REACTION_MS: u64 = 15;
/// Each pod creation is a round trip to the API server; the pods of one batch are created side by side.
const BATCH_MS: u64 = 12;
/// Most pods created or deleted by one sync.
const BURST: usize = 500;

#[derive(Clone, Debug, Default)]
pub struct ReplicaSetController {
    due: Timers<ObjectKey>,
    /// Next batch of a creation under way, by UID.
    batch: VecMap<String, usize>,
    /// Names drawn so far, by UID.
    drawn: VecMap<String, u64>,
}

impl Actor for ReplicaSetController {
    fn name(&self) -> &'static str {
        "replicaset"
    }

    fn observe(&mut self, change: &Change, view: &View<'_>) {
        let at = view.now + REACTION_MS;
        match change.kind() {
            Kind::ReplicaSet => {
                note_change(&mut self.due, change, at);
                if change.op == Op::Deleted {
                    self.batch.remove(&change.object.meta.uid);
                    self.drawn.remove(&change.object.meta.uid);
                }
            }
            Kind::Pod => note_controller(&mut self.due, &change.object, Kind::ReplicaSet, at),
            _ => {}
        }
    }

    fn wake_at(&self) -> Option<SimTime> {
        self.due.next()
    }

    fn act(&mut self, view: &View<'_>) -> Vec<Intent> {
        let mut intents = Vec::new();
        while let Some(set) = next_due(&mut self.due, view) {
            self.sync(set, view, &mut intents);
        }
        intents
    }
}

impl ReplicaSetController {
    fn sync(&mut self, set: &Arc<Object>, view: &View<'_>, out: &mut Vec<Intent>) {
        let Some(spec) = set.workload() else {
            return;
        };
        let all = owned_by(view, set);
        let active: Vec<&Arc<Object>> = all.iter().copied().filter(|p| is_active(p)).collect();
        let want = usize::try_from(spec.replicas).unwrap_or(0);
        if !set.meta.is_deleting() {
            if active.len() < want {
                self.create(set, want - active.len(), view, out);
            } else {
                self.batch.remove(&set.meta.uid);
                let surplus = (active.len() - want).min(BURST);
                if surplus > 0 {
                    let related = related_pods(view, set);
                    for pod in deletion_order(active.clone(), &related, view.unix_ms()).into_iter().take(surplus) {
                        out.push(delete(pod.key(), None, "more pods than replicas"));
                        out.push(event(&set.key(), COMPONENT, "SuccessfulDelete", format!("Deleted pod: {}", pod.meta.name)));
                    }
                }
            }
        }
        self.status(set, &all, &active, view, out);
    }

    /// Batches of 1, 2, 4, ... so that a template that cannot be admitted fails once and not five hundred times.
    fn create(&mut self, set: &Arc<Object>, missing: usize, view: &View<'_>, out: &mut Vec<Intent>) {
        let size = self.batch.get(&set.meta.uid).copied().unwrap_or(1);
        let now = size.min(missing).min(BURST);
        let prefix = format!("{}-", set.meta.name);
        let drawn = self.drawn.entry(set.meta.uid.clone()).or_insert(0);
        let mut names: Vec<String> = Vec::with_capacity(now);
        while names.len() < now {
            let name = generated_name(view, "pod-name", &set.meta.uid, *drawn, &prefix);
            *drawn += 1;
            let taken = view.store.get(&ObjectKey::new(Kind::Pod, &set.meta.namespace, &name)).is_some();
            if !taken && !names.contains(&name) {
                names.push(name);
            }
        }
        for name in names {
            out.push(Intent::new(crate::Action::Create(from_template(set, &name, &prefix)), "fewer pods than replicas"));
            out.push(event(&set.key(), COMPONENT, "SuccessfulCreate", format!("Created pod: {name}")));
        }
        if now < missing {
            self.batch.insert(set.meta.uid.clone(), size.saturating_mul(2));
            self.due.sooner(set.key(), view.now + BATCH_MS);
        } else {
            self.batch.remove(&set.meta.uid);
        }
    }

    fn status(
        &mut self,
        set: &Arc<Object>,
        all: &[&Arc<Object>],
        active: &[&Arc<Object>],
        view: &View<'_>,
        out: &mut Vec<Intent>,
    ) {
        let min_ready_s = set.doc.int_at("spec.minReadySeconds").unwrap_or(0);
        let template = set.workload().map(|w| &w.template_labels);
        let n = |f: &dyn Fn(&Object) -> bool| active.iter().filter(|p| f(p)).count() as i64;
        let labelled = n(&|p| template.is_some_and(|labels| labels.iter().all(|(k, v)| p.meta.labels.get(k) == Some(v))));
        let (ready, available) = (n(&is_ready), n(&|p| is_available(p, min_ready_s, view.unix_ms())));
        let mut status = json!({
            "replicas": active.len(), "fullyLabeledReplicas": count(labelled), "readyReplicas": count(ready),
            "availableReplicas": count(available), "observedGeneration": set.meta.generation,
        });
        if view.era() == Era::V1 {
            let terminating = all.iter().filter(|p| p.meta.is_deleting() && p.pod().is_some_and(|p| !p.is_terminal())).count();
            status.set("terminatingReplicas", terminating);
        }
        if differs(set.doc.at("status"), &status) {
            out.push(patch(set.key(), json!({"status": status}), "status of the pods"));
        }
        if ready > available {
            // A pod that is ready becomes available by time alone.
            self.due.sooner(set.key(), view.now + 1000);
        }
    }
}

/// Whether a merge of `patch` would change `doc`: absent and null are the same.
pub(super) fn differs(doc: &Value, patch: &Value) -> bool {
    patch.as_object().is_some_and(|fields| fields.iter().any(|(k, v)| doc.field(k) != v))
}

/// The active pods of every ReplicaSet that has the same owner as `set` (of `set` itself where it has none).
fn related_pods<'a>(view: &View<'a>, set: &Object) -> Vec<&'a Arc<Object>> {
    let Some(owner) = set.meta.controller() else {
        return owned_by(view, set).into_iter().filter(|p| is_active(p)).collect();
    };
    let sets = view.store.controlled_by(Kind::ReplicaSet, &owner.uid);
    let pods = sets.flat_map(|s| view.store.controlled_by(Kind::Pod, &s.meta.uid)).filter(|p| is_active(p));
    let mut pods: Vec<&Arc<Object>> = pods.collect();
    pods.order_by(|a, b| (&a.meta.namespace, &a.meta.name).cmp(&(&b.meta.namespace, &b.meta.name)));
    pods
}
