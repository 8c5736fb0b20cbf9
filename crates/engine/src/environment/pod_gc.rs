//! Pod garbage collection: pods bound to nodes that are gone, and unbound pods under deletion.
//!
//! Source: kubernetes pkg/controller/podgc/gc_controller.go, v1.28: a pass every 20 s; a node must be missing for 40 s
//! before its pods are taken to be orphans.

use super::support::{delete, patch};
use crate::actor::{Actor, Intent, View};
use crate::kernel::{SimTime, Timers};
use crate::store::{Change, Op};
use objects::json;
use objects::{DocExt, Kind, Value};

const PASS_MS: u64 = 20_000;
const QUARANTINE_MS: u64 = 40_000;

#[derive(Clone, Debug, Default)]
pub struct PodGc {
    gone: Timers<String>,
}

impl Actor for PodGc {
    fn name(&self) -> &'static str {
        "pod-garbage-collector"
    }

    fn observe(&mut self, change: &Change, view: &View<'_>) {
        match (change.kind(), change.op) {
            (Kind::Node, Op::Deleted) => {
                let earliest = view.now + QUARANTINE_MS;
                let pass = SimTime(earliest.0.div_ceil(PASS_MS) * PASS_MS);
                self.gone.set(change.object.meta.name.clone(), pass);
            }
            (Kind::Node, _) => self.gone.cancel(&change.object.meta.name),
            // A pod bound to a node that never was, or left behind by one long gone.
            (Kind::Pod, Op::Added | Op::Modified) => {
                let node = change.object.pod().map(|p| p.node_name.as_str()).unwrap_or_default();
                if !node.is_empty() && view.store.cluster(Kind::Node, node).is_none() {
                    let pass = SimTime((view.now + QUARANTINE_MS).0.div_ceil(PASS_MS) * PASS_MS);
                    self.gone.sooner(node.to_owned(), pass);
                }
            }
            _ => {}
        }
    }

    fn wake_at(&self) -> Option<SimTime> {
        self.gone.next()
    }

    fn act(&mut self, view: &View<'_>) -> Vec<Intent> {
        let mut out = Vec::new();
        while let Some(node) = self.gone.pop_due(view.now) {
            if view.store.cluster(Kind::Node, &node).is_some() {
                continue;
            }
            for pod in view.store.pods_on(&node) {
                if pod.pod().is_some_and(|p| !p.is_terminal()) {
                    let mut conditions: Vec<Value> = pod.doc.list_at("status.conditions").to_vec();
                    let text = "PodGC: node no longer exists";
                    super::support::set_condition(
                        &mut conditions,
                        "DisruptionTarget",
                        "True",
                        "DeletionByPodGC",
                        text,
                        &view.timestamp(),
                    );
                    let status = json!({"phase": "Failed", "conditions": conditions});
                    out.push(patch(pod.key(), json!({"status": status}), "its node is gone"));
                }
                out.push(delete(pod.key(), Some(0), "its node is gone"));
            }
        }
        out
    }
}
