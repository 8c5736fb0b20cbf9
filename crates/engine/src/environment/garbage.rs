//! The garbage collector: what belonged to an owner that is gone goes too (background and foreground cascade), or is
//! set free (orphan).
//!
//! Source: kubernetes pkg/controller/garbagecollector/{garbagecollector,graph_builder}.go, v1.28. Recorded: the pods of
//! a deleted Deployment are gone 0.1-0.3 s later.

use super::support::{delete, next_due, patch};
use crate::actor::{Actor, Intent, View};
use crate::kernel::{SimTime, Timers};
use crate::store::{Change, Op};
use objects::collections::{VecMap, VecSet};
use objects::json;
use objects::{Kind, Object, ObjectKey};

const REACTION_MS: u64 = 50;
/// A dependent whose owner never was: the collector asks the API server before it deletes.
const ABSENT_MS: u64 = 1000;
const FOREGROUND: &str = "foregroundDeletion";
const ORPHAN: &str = "orphan";

#[derive(Clone, Debug, Default)]
pub struct GarbageCollector {
    /// Dependents by the owner's UID.
    dependents: VecMap<String, VecSet<ObjectKey>>,
    alive: VecSet<String>,
    due: Timers<ObjectKey>,
}

impl Actor for GarbageCollector {
    fn name(&self) -> &'static str {
        "garbage-collector"
    }

    fn observe(&mut self, change: &Change, view: &View<'_>) {
        let object = &change.object;
        if object.kind == Kind::Event {
            return;
        }
        let key = change.key();
        for owner in change.old.iter().flat_map(|o| &o.meta.owners) {
            if let Some(set) = self.dependents.get_mut(&owner.uid) {
                set.remove(&key);
            }
        }
        if change.op == Op::Deleted {
            self.alive.remove(&object.meta.uid);
            self.due.cancel(&key);
            for dependent in self.dependents.remove(&object.meta.uid).into_iter().flatten() {
                self.due.sooner(dependent, view.now + REACTION_MS);
            }
            // A foreground deletion waits for this one.
            for owner in &object.meta.owners {
                if let Some(owner) = owner_key(object, &owner.kind, &owner.api_version, &owner.name)
                    && view.store.get(&owner).is_some_and(|o| o.meta.is_deleting())
                {
                    self.due.sooner(owner, view.now + REACTION_MS);
                }
            }
            return;
        }
        self.alive.insert(object.meta.uid.clone());
        for owner in &object.meta.owners {
            self.dependents.entry(owner.uid.clone()).or_default().insert(key.clone());
            if !self.alive.contains(&owner.uid) {
                self.due.sooner(key.clone(), view.now + ABSENT_MS);
            }
        }
        let finalizers = &object.meta.finalizers;
        if object.meta.is_deleting() && finalizers.iter().any(|f| f == FOREGROUND || f == ORPHAN) {
            self.due.sooner(key, view.now + REACTION_MS);
        }
    }

    fn wake_at(&self) -> Option<SimTime> {
        self.due.next()
    }

    fn act(&mut self, view: &View<'_>) -> Vec<Intent> {
        let mut out = Vec::new();
        while let Some(object) = next_due(&mut self.due, view) {
            self.sync(object, view, &mut out);
        }
        out
    }
}

impl GarbageCollector {
    fn sync(&self, object: &Object, view: &View<'_>, out: &mut Vec<Intent>) {
        let held = |name: &str| object.meta.is_deleting() && object.meta.finalizers.iter().any(|f| f == name);
        let dependents = || self.dependents.get(&object.meta.uid).into_iter().flatten();
        if held(ORPHAN) {
            for key in dependents() {
                if let Some(d) = view.store.get(key) {
                    let kept: Vec<_> = raw_owners(d).into_iter().filter(|o| o.0 != object.meta.uid).map(|o| o.1).collect();
                    out.push(patch(key.clone(), json!({"metadata": {"ownerReferences": kept}}), "orphaned"));
                }
            }
            out.push(self.release(object, ORPHAN));
            return;
        }
        if held(FOREGROUND) {
            let blocking: Vec<&ObjectKey> = dependents().filter(|k| view.store.get(k).is_some()).collect();
            if blocking.is_empty() {
                out.push(self.release(object, FOREGROUND));
            }
            for key in blocking {
                if view.store.get(key).is_some_and(|d| !d.meta.is_deleting()) {
                    out.push(delete(key.clone(), None, "the owner is being deleted"));
                }
            }
            return;
        }
        let owners = &object.meta.owners;
        if !owners.is_empty() && !object.meta.is_deleting() && owners.iter().all(|o| !self.alive.contains(&o.uid)) {
            out.push(delete(object.key(), None, "the owner is gone"));
        }
    }

    fn release(&self, object: &Object, finalizer: &str) -> Intent {
        let kept: Vec<&String> = object.meta.finalizers.iter().filter(|f| *f != finalizer).collect();
        patch(object.key(), json!({"metadata": {"finalizers": kept}}), "dependents are settled")
    }
}

/// (UID, reference as written) of each owner.
fn raw_owners(object: &Object) -> Vec<(String, objects::Value)> {
    use objects::DocExt;
    let list = object.doc.list_at("metadata.ownerReferences");
    list.iter().map(|o| (o.str_at("uid").unwrap_or_default().to_owned(), o.clone())).collect()
}

fn owner_key(dependent: &Object, kind: &str, api_version: &str, name: &str) -> Option<ObjectKey> {
    Some(ObjectKey::new(Kind::of(api_version, kind)?, &dependent.meta.namespace, name))
}
