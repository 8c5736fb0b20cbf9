//! Claims of generic ephemeral volumes: each such volume of a pod gets one, named after both.
//!
//! Source: kubernetes pkg/controller/volume/ephemeral/controller.go, v1.28.

use super::support::{create, next_due, owner_reference};
use crate::actor::{Actor, Intent, View};
use crate::kernel::{SimTime, Timers};
use crate::store::{Change, Op};
use objects::{DocExt, Kind, Object, ObjectKey, json};

const REACTION_MS: u64 = 50;

#[derive(Clone, Debug, Default)]
pub struct Claims {
    due: Timers<ObjectKey>,
}

impl Actor for Claims {
    fn name(&self) -> &'static str {
        "ephemeral-volumes"
    }

    fn observe(&mut self, change: &Change, view: &View<'_>) {
        if change.op != Op::Deleted && change.object.pod().is_some_and(|p| !p.spec.ephemeral.is_empty()) {
            self.due.sooner(change.key(), view.now + REACTION_MS);
        }
    }

    fn wake_at(&self) -> Option<SimTime> {
        self.due.next()
    }

    fn act(&mut self, view: &View<'_>) -> Vec<Intent> {
        let mut out = Vec::new();
        while let Some(pod) = next_due(&mut self.due, view) {
            claim_volumes(pod, view, &mut out);
        }
        out
    }
}

fn claim_volumes(pod: &Object, view: &View<'_>, out: &mut Vec<Intent>) {
    for volume in pod.doc.list_at("spec.volumes").iter().filter(|v| v.at("ephemeral").is_object()) {
        let name = format!("{}-{}", pod.meta.name, volume.str_at("name").unwrap_or_default());
        if view.store.get(&ObjectKey::new(Kind::PersistentVolumeClaim, &pod.meta.namespace, &name)).is_some() {
            continue;
        }
        let metadata = json!({"name": name, "namespace": pod.meta.namespace, "ownerReferences": [owner_reference(pod)]});
        let claim = json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata,
            "spec": volume.at("ephemeral.volumeClaimTemplate.spec"), "status": {"phase": "Pending"},
        });
        out.push(create(claim, "the claim of an ephemeral volume"));
    }
}
