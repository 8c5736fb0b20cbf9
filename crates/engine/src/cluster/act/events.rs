//! Karpenter's events at a real server: equal ones are counted on the first, as its recorder does, and dropped while they are
//! said to be repetitions.

use super::wire::{Hands, MANAGER};
use crate::actor::EventNote;
use kube::api::{DynamicObject, Patch, PatchParams, PostParams};
use objects::{DocExt, Kind, ObjectKey, Value, json};
use std::collections::BTreeMap;

/// Series that are remembered; the oldest are forgotten.
const KEPT: usize = 2_000;

type Series = (ObjectKey, String, String);

#[derive(Default)]
pub struct Events {
    seen: BTreeMap<Series, (i64, String, i64)>,
}

impl Events {
    /// Posts the event or counts it. What cannot be posted is lost: events are hints, and nothing waits for them.
    pub async fn post(&mut self, note: &EventNote, uid: &str, hands: &Hands, now_ms: i64) {
        let series = (note.about.clone(), note.reason.clone(), note.message.clone());
        let now = objects::time::rfc3339(now_ms);
        let namespace = if note.about.namespace.is_empty() { "default" } else { &note.about.namespace };
        let api = hands.api(Kind::Event, namespace);
        if let Some((last_ms, name, count)) = self.seen.get_mut(&series) {
            if now_ms.saturating_sub(*last_ms).unsigned_abs() < note.dedupe_ms {
                return;
            }
            (*last_ms, *count) = (now_ms, *count + 1);
            let patch = json!({"count": *count, "lastTimestamp": now});
            if api.patch(name, &PatchParams::default(), &Patch::Merge(&patch)).await.is_ok() {
                return;
            }
        }
        let name = format!("{}.{:x}", note.about.name, now_ms.saturating_mul(1_000_000).saturating_add(self.seen.len() as i64));
        if self.seen.len() >= KEPT {
            let oldest = self.seen.iter().min_by_key(|(_, (at, ..))| *at).map(|(series, _)| series.clone());
            oldest.map(|series| self.seen.remove(&series));
        }
        let doc = document(note, uid, namespace, &name, &now);
        self.seen.insert(series, (now_ms, name, 1));
        if let Ok(event) = serde_json::from_value::<DynamicObject>(doc) {
            let _ = api.create(&PostParams::default(), &event).await;
        }
    }
}

fn document(note: &EventNote, uid: &str, namespace: &str, name: &str, now: &str) -> Value {
    let about = &note.about;
    let mut involved = json!({
        "kind": about.kind.name(), "name": about.name, "apiVersion": about.kind.api_version(), "uid": uid,
    });
    if !about.namespace.is_empty() {
        involved.set("namespace", about.namespace.as_str());
    }
    json!({
        "apiVersion": "v1", "kind": "Event", "metadata": {"name": name, "namespace": namespace},
        "involvedObject": involved, "reason": note.reason, "message": note.message,
        "source": {"component": MANAGER}, "reportingComponent": MANAGER, "reportingInstance": "",
        "firstTimestamp": now, "lastTimestamp": now, "count": 1, "type": if note.warning { "Warning" } else { "Normal" },
    })
}
