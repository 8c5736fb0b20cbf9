//! The disruption controller: how many pods of each PodDisruptionBudget may be evicted now.
//!
//! Source: kubernetes pkg/controller/disruption/disruption.go, v1.28.

use super::support::{next_due, note_change, patch, scaled, set_condition};
use super::workloads_owner::scale_of;
use crate::actor::{Actor, Intent, View};
use crate::kernel::{SimTime, Timers};
use crate::store::{Change, Op};
use objects::collections::{VecMap, VecSet};
use objects::json;
use objects::{DocExt, Kind, Object, ObjectKey, Value};
use std::sync::Arc;

const REACTION_MS: u64 = 20;

#[derive(Clone, Debug, Default)]
pub struct DisruptionBudgets {
    due: Timers<ObjectKey>,
    /// The pods under each budget that was looked at, by its `namespace/name`.
    under: VecMap<String, VecSet<(String, String)>>,
}

impl Actor for DisruptionBudgets {
    fn name(&self) -> &'static str {
        "disruption"
    }

    fn observe(&mut self, change: &Change, view: &View<'_>) {
        let at = view.now + REACTION_MS;
        match (change.kind(), change.op) {
            (Kind::PodDisruptionBudget, _) => {
                let selector = |o: &Object| o.pdb().and_then(|b| b.selector.clone());
                if change.op == Op::Deleted || change.old.as_deref().map(selector) != Some(selector(&change.object)) {
                    self.under.remove(&change.key().to_string());
                }
                note_change(&mut self.due, change, at);
            }
            (Kind::Pod, op) => {
                let pod = &change.object;
                for budget in view.store.list_in(Kind::PodDisruptionBudget, &pod.meta.namespace) {
                    let (is, was) =
                        (op != Op::Deleted && covers(budget, pod), change.old.as_ref().is_some_and(|p| covers(budget, p)));
                    if !is && !was {
                        continue;
                    }
                    if is != was
                        && let Some(pods) = self.under.get_mut(&budget.key().to_string())
                    {
                        let name = (pod.meta.namespace.clone(), pod.meta.name.clone());
                        if is {
                            pods.insert(name)
                        } else {
                            pods.remove(&name)
                        };
                    }
                    self.due.sooner(budget.key(), at);
                }
            }
            // The wanted scale is part of the sum.
            (Kind::Deployment | Kind::ReplicaSet | Kind::StatefulSet, Op::Modified) => {
                for budget in view.store.list_in(Kind::PodDisruptionBudget, &change.object.meta.namespace) {
                    self.due.sooner(budget.key(), at);
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
        while let Some(budget) = next_due(&mut self.due, view) {
            let pods = self.pods(budget, view);
            out.extend(sync(budget, &pods, view));
        }
        out
    }
}

impl DisruptionBudgets {
    /// The pods under a budget, by name.
    fn pods<'a>(&mut self, budget: &Object, view: &View<'a>) -> Vec<&'a Arc<Object>> {
        let names = self.under.entry(budget.key().to_string()).or_insert_with(|| {
            let all = view.store.list_in(Kind::Pod, &budget.meta.namespace).filter(|p| covers(budget, p));
            all.map(|p| (p.meta.namespace.clone(), p.meta.name.clone())).collect()
        });
        names.iter().filter_map(|(namespace, name)| view.store.get(&ObjectKey::new(Kind::Pod, namespace, name))).collect()
    }
}

pub(super) fn covers(budget: &Object, pod: &Object) -> bool {
    budget.meta.namespace == pod.meta.namespace
        && budget.pdb().and_then(|b| b.selector.as_ref()).is_some_and(|s| s.matches(&pod.meta.labels))
}

fn sync(budget: &Arc<Object>, pods: &[&Arc<Object>], view: &View<'_>) -> Option<Intent> {
    let (expected, desired) = expectations(budget, pods, view);
    let healthy = pods.iter().filter(|p| !p.meta.is_deleting() && p.pod().is_some_and(|p| p.ready)).count() as i64;
    let allowed = if expected <= 0 { 0 } else { (healthy - desired).max(0) };
    let mut conditions: Vec<Value> = budget.doc.list_at("status.conditions").to_vec();
    let (status, reason) = if allowed > 0 { ("True", "SufficientPods") } else { ("False", "InsufficientPods") };
    set_condition(&mut conditions, "DisruptionAllowed", status, reason, "", &view.timestamp());
    for c in &mut conditions {
        // The API has these two on every condition, empty message included.
        c.set("observedGeneration", budget.meta.generation);
        if c.get("message").is_none() {
            c.set("message", "");
        }
    }
    let status = json!({
        "currentHealthy": healthy, "desiredHealthy": desired, "disruptionsAllowed": allowed, "expectedPods": expected,
        "observedGeneration": budget.meta.generation, "conditions": conditions,
        // Evictions that the API server charged in advance: the deletions are seen by now.
        "disruptedPods": Value::Null,
    });
    let before = budget.doc.at("status");
    let changed = status.as_object().is_some_and(|s| s.iter().any(|(k, v)| before.field(k) != v));
    changed.then(|| patch(budget.key(), json!({"status": status}), "pods under the budget changed"))
}

/// (expected pods, healthy pods that must stay). Percentages and `maxUnavailable` count against the wanted scale of
/// the pods' controllers; a number for `minAvailable` counts against the pods there are.
fn expectations(budget: &Object, pods: &[&Arc<Object>], view: &View<'_>) -> (i64, i64) {
    let min = budget.doc.at("spec.minAvailable");
    let max = budget.doc.at("spec.maxUnavailable");
    if max.is_null() && min.is_i64() {
        return (pods.len() as i64, min.as_i64().unwrap_or(0));
    }
    let mut scales: VecMap<String, i64> = VecMap::new();
    let mut bare = 0;
    for pod in pods {
        match scale_of(pod, view) {
            Some((uid, n)) => {
                scales.insert(uid, n);
            }
            None => bare += 1,
        }
    }
    let expected = scales.values().sum::<i64>() + bare;
    if max.is_null() {
        return (expected, scaled(min, expected, true).unwrap_or(0));
    }
    (expected, (expected - scaled(max, expected, true).unwrap_or(0)).max(0))
}
