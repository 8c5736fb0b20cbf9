//! The eviction queue: each pod once, refused ones again after 100 ms doubling to 10 s. Sources: pkg/controllers/
//! termination/terminator/eviction.go v0.29.2, pkg/controllers/node/termination/terminator/eviction.go v1.14.1.

use super::super::context::Cx;
use super::super::messages::{By, Say};
use super::super::state::claim_of;
use crate::SimTime;
use crate::actor::Action;
use objects::collections::VecMap;
use objects::{ApiError, DocExt, Era, Kind, Object, ObjectKey, Reason};

const BASE_MS: u64 = 100;
const MAX_MS: u64 = 10_000;

type Name = (String, String);

#[derive(Clone, Debug)]
struct Waiting {
    uid: String,
    failures: u32,
    /// Why the pod goes, read before it has gone.
    reason: String,
    /// The answer to the request that is under way.
    refusal: Option<ApiError>,
}

/// Pods in the queue, by namespace and name.
#[derive(Clone, Debug, Default)]
pub struct Evictions {
    queue: VecMap<Name, Waiting>,
    new: Vec<Name>,
}

impl Evictions {
    /// Adds a pod unless it is queued.
    pub fn add(&mut self, pod: &Object) {
        let name = (pod.meta.namespace.clone(), pod.meta.name.clone());
        let known = self.queue.get(&name).is_some_and(|w| w.uid == pod.meta.uid);
        if !known {
            self.queue
                .insert(name.clone(), Waiting { uid: pod.meta.uid.clone(), failures: 0, reason: String::new(), refusal: None });
            self.new.push(name);
        }
    }

    /// Pods added since the last call.
    pub fn take_new(&mut self) -> Vec<Name> {
        std::mem::take(&mut self.new)
    }

    /// Asks for the eviction of a queued pod; [`Evictions::settle`] reads the answer. True where a request went out.
    pub fn evict(&mut self, namespace: &str, name: &str, cx: &mut Cx<'_, '_>) -> bool {
        let key = ObjectKey::new(Kind::Pod, namespace, name);
        let name = (namespace.to_owned(), name.to_owned());
        let Some(waiting) = self.queue.get_mut(&name) else {
            return false;
        };
        // Another pod of that name, or none: as good as a 404.
        if cx.view.store.get(&key).is_none_or(|p| p.meta.uid != waiting.uid) {
            self.queue.remove(&name);
            return false;
        }
        waiting.refusal = None;
        waiting.reason = reason(&key, cx);
        cx.push(Action::Evict { pod: key, grace_s: None }, "drain the node");
        true
    }

    pub fn refused(&mut self, pod: &ObjectKey, error: &ApiError) {
        if let Some(waiting) = self.queue.get_mut(&(pod.namespace.clone(), pod.name.clone())) {
            waiting.refusal = Some(error.clone());
        }
    }

    /// After the request: the event of a pod that went, or the time of the next attempt.
    pub fn settle(&mut self, namespace: &str, name: &str, cx: &mut Cx<'_, '_>) -> Option<SimTime> {
        let queued = (namespace.to_owned(), name.to_owned());
        let waiting = self.queue.get_mut(&queued)?;
        let key = ObjectKey::new(Kind::Pod, namespace, name);
        let Some(refusal) = waiting.refusal.take() else {
            let message = match cx.era() {
                Era::V1alpha5 => "Evicted pod".to_owned(),
                Era::V1 => format!("Evicted pod: {}", waiting.reason),
            };
            self.queue.remove(&queued);
            cx.event(key, "Evicted", message);
            return None;
        };
        let pod = cx.view.store.get(&key);
        let node = pod.and_then(|p| p.pod()).map(|p| p.node_name.clone()).unwrap_or_default();
        let several = refusal.message.contains("more than one PodDisruptionBudget");
        match refusal.reason {
            Reason::NotFound | Reason::Conflict => {
                self.queue.remove(&queued);
                return None;
            }
            Reason::TooManyRequests => {
                let message = match cx.era() {
                    Era::V1alpha5 => format!("Failed to drain node, evicting pod {namespace}/{name} violates a PDB"),
                    Era::V1 => format!("Failed to drain node, evicting pod violates a PDB (Pod={namespace}/{name})"),
                };
                cx.warn(ObjectKey::cluster(Kind::Node, &node), "FailedDraining", message);
            }
            _ if several && cx.era() == Era::V1 => {
                let message = format!("Failed to drain node, eviction does not support multiple PDBs (Pod={namespace}/{name})");
                cx.warn(ObjectKey::cluster(Kind::Node, &node), "FailedDraining", message);
            }
            _ => {
                cx.speak_as(By::Eviction);
                cx.log(Say::EvictionFailed { error: &refusal.message });
            }
        }
        waiting.failures = waiting.failures.saturating_add(1);
        let wait = BASE_MS.saturating_mul(1u64 << (waiting.failures - 1).min(16)).min(MAX_MS);
        Some(cx.view.now + wait)
    }
}

/// Why the pod's node goes: the reason of its claim's disruption, else by force.
fn reason(pod: &ObjectKey, cx: &Cx<'_, '_>) -> String {
    let store = cx.view.store;
    let node = store.get(pod).and_then(|p| p.pod()).map(|p| p.node_name.clone()).unwrap_or_default();
    let claim = store.cluster(Kind::Node, &node).and_then(|n| claim_of(store, cx.names, n));
    claim
        .and_then(|c| c.condition("DisruptionReason"))
        .filter(|c| c.str_at("status") == Some("True"))
        .and_then(|c| c.str_at("reason"))
        .unwrap_or("Forceful Termination")
        .to_owned()
}
