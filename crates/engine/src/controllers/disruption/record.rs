//! What the disruption controller says about nodes that stay, and which of it is news. Sources: kubernetes-sigs/karpenter
//! pkg/controllers/deprovisioning/events v0.29.2, pkg/controllers/disruption/events v1.14.1.

use super::super::context::{Cx, DEDUPE_MS, DEDUPE_UNCONSOLIDATABLE_MS};
use super::picture::Subject;
use crate::decisions::What;
use objects::collections::VecMap;
use objects::{Era, Object, ObjectKey};

/// The last words about each node by method, so that a decision is recorded when it changes and not at every poll.
#[derive(Clone, Debug, Default)]
pub struct Record {
    last: VecMap<(String, &'static str), String>,
}

impl Record {
    /// No method may take the node.
    pub fn blocked(&mut self, claim: &Object, node: Option<&Object>, words: &str, cx: &mut Cx<'_, '_>) {
        self.say_blocked("candidates", claim, node, words, cx);
    }

    /// The node's pods keep it.
    pub fn held_by_pods(&mut self, subject: &Subject, words: &str, cx: &mut Cx<'_, '_>) {
        self.say_blocked("pods", &subject.claim, Some(&subject.node), words, cx);
    }

    /// The node has expired or drifted, but its pods would have nowhere to go: `words` tell which.
    pub fn unplaced(&mut self, subject: &Subject, words: &str, cx: &mut Cx<'_, '_>) {
        // 1.14 publishes the pods' errors, 0.31 only that there are any.
        let said = if cx.era() == Era::V1 { words } else { "Scheduling simulation failed to schedule all pods" };
        if self.is_news(&subject.claim.meta.name, "unplaced", words) {
            self.tell(&subject.claim, Some(&subject.node), said, cx);
            cx.decide(subject.node.key(), What::Keep { method: "drift", message: words.to_owned() });
        }
    }

    fn say_blocked(&mut self, method: &'static str, claim: &Object, node: Option<&Object>, words: &str, cx: &mut Cx<'_, '_>) {
        if !self.is_news(&claim.meta.name, method, words) {
            return;
        }
        self.tell(claim, node, words, cx);
        let key = node.map_or_else(|| claim.key(), Object::key);
        cx.decide(key, What::Keep { method, message: words.to_owned() });
    }

    fn tell(&self, claim: &Object, node: Option<&Object>, words: &str, cx: &mut Cx<'_, '_>) {
        for (key, noun) in about(claim, node) {
            match cx.era() {
                Era::V1alpha5 => {
                    let message = format!("Cannot deprovision {noun} due to {words}");
                    cx.event_with(key, false, "DeprovisioningBlocked", message, DEDUPE_MS);
                }
                Era::V1 => cx.event_with(key, false, "DisruptionBlocked", words, DEDUPE_MS),
            }
        }
    }

    /// Consolidation looked at the node and leaves it.
    pub fn unconsolidatable(&mut self, subject: &Subject, method: &'static str, words: &str, cx: &mut Cx<'_, '_>) {
        if !self.is_news(&subject.claim.meta.name, method, words) {
            return;
        }
        for (key, _) in about(&subject.claim, Some(&subject.node)) {
            cx.event_with(key, false, "Unconsolidatable", words, DEDUPE_UNCONSOLIDATABLE_MS);
        }
        cx.decide(subject.node.key(), What::Keep { method, message: words.to_owned() });
    }

    /// The node is a subject again: whatever was said about it has to be said anew.
    pub fn clear(&mut self, claim: &str, method: &'static str) {
        self.last.remove(&(claim.to_owned(), method));
    }

    /// Drops what was said about claims that are gone.
    pub fn forget(&mut self, claim: &str) {
        self.last.retain(|(name, _), _| name != claim);
    }

    fn is_news(&mut self, claim: &str, method: &'static str, words: &str) -> bool {
        let slot = self.last.entry((claim.to_owned(), method)).or_default();
        if slot == words {
            return false;
        }
        words.clone_into(slot);
        true
    }
}

fn about(claim: &Object, node: Option<&Object>) -> Vec<(ObjectKey, &'static str)> {
    let noun = if claim.kind == objects::Kind::Machine { "machine" } else { "nodeclaim" };
    node.map(|n| (n.key(), "node")).into_iter().chain([(claim.key(), noun)]).collect()
}
