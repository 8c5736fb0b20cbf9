//! What Karpenter remembers beside the API server: nominations, nodes marked for deletion, offerings that were out of
//! capacity, and how often the cluster changed. Sources: kubernetes-sigs/karpenter pkg/controllers/state/{cluster,
//! statenode}.go v0.31.4; aws/karpenter-provider-aws pkg/cache/unavailableofferings.go v0.31.4.

use super::names::{FINALIZER, Names};
use crate::SimTime;
use crate::actor::View;
use crate::scheduling::OfferingKey;
use crate::scheduling::input::Before;
use crate::store::{Change, Op, Store};
use objects::collections::{VecMap, VecSet};
use objects::{DocExt, Kind, Object, Value};
use std::sync::Arc;

/// How long an offering stays out after the fleet could not give it.
pub const UNAVAILABLE_MS: u64 = 180_000;
/// Consolidation looks again after this even where nothing changed.
const RECHECK_MS: u64 = 300_000;

#[derive(Clone, Debug, Default)]
pub struct State {
    /// Claim name (node name for nodes without one) and when the nomination ends.
    nominated: VecMap<String, SimTime>,
    /// Claims that a disruption command removes.
    marked: VecSet<String>,
    unavailable: VecMap<OfferingKey, SimTime>,
    /// Counts changes that may open a way to consolidate.
    changes: u64,
    changed_at: SimTime,
    named: u64,
    /// Where pods that wait were meant to go: claim (node where there is none) by `namespace/name`.
    planned: VecMap<String, String>,
    /// Nodes that the kwok provider is about to create, and when.
    boots: VecMap<String, (SimTime, Value)>,
    /// How many it has named.
    nodes_named: u64,
    /// What was sold when somebody asked last.
    pub types: super::input::Types,
    /// The cluster as it was read last.
    pub seen: super::input::Kept<super::input::Seen>,
    /// Its pods, for the next reading.
    pub before: super::input::Kept<Before>,
    /// Every claim had its instance at least once since the process started.
    pub has_synced: bool,
}

/// What the state says at an instant beside its counters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flux {
    nominated: VecSet<String>,
    unavailable: VecSet<OfferingKey>,
    marked: VecSet<String>,
}

impl State {
    pub fn nominate(&mut self, name: &str, view: &View<'_>) {
        let window = (2 * super::settings::batch_ms(view).1).max(10_000);
        self.nominated.insert(name.to_owned(), view.now + window);
    }

    pub fn plan(&mut self, pod: String, target: &str) {
        self.planned.insert(pod, target.to_owned());
    }

    /// The number of the next node that the kwok provider names.
    pub fn next_node(&mut self) -> u64 {
        self.nodes_named += 1;
        self.nodes_named
    }

    /// The node is created at `at`; forgotten by a process that ends before.
    pub fn boot(&mut self, at: SimTime, node: Value) {
        let name = node.str_at("metadata.name").unwrap_or_default().to_owned();
        self.boots.insert(name, (at, node));
    }

    pub fn boots(&self) -> impl Iterator<Item = (&String, SimTime)> {
        self.boots.iter().map(|(name, (at, _))| (name, *at))
    }

    pub fn take_boot(&mut self, node: &str) -> Option<Value> {
        self.boots.remove(node).map(|(_, node)| node)
    }

    pub fn has_plan(&self, pod: &Object) -> bool {
        !self.planned.is_empty() && self.planned.contains_key(&pod.key().to_string())
    }

    pub fn take_plan(&mut self, pod: &str) -> Option<String> {
        self.planned.remove(pod)
    }

    pub fn is_nominated(&self, name: &str, now: SimTime) -> bool {
        self.nominated.get(name).is_some_and(|until| *until > now)
    }

    pub fn mark(&mut self, claims: impl IntoIterator<Item = String>, now: SimTime) {
        self.marked.extend(claims);
        self.touch(now);
    }

    pub fn unmark<'a>(&mut self, claims: impl IntoIterator<Item = &'a String>, now: SimTime) {
        for claim in claims {
            self.marked.remove(claim);
        }
        self.touch(now);
    }

    /// What of it ends by time alone, as far as it has not.
    pub fn flux(&self, now: SimTime) -> Flux {
        let nominated = self.nominated.iter().filter(|(_, until)| **until > now).map(|(name, _)| name.clone());
        Flux { nominated: nominated.collect(), unavailable: self.unavailable(now), marked: self.marked.clone() }
    }

    /// Marked by a command, or the claim or its node is being deleted.
    pub fn is_marked(&self, claim: &Object, node: Option<&Object>) -> bool {
        self.marked.contains(&claim.meta.name) || claim.meta.is_deleting() || node.is_some_and(|n| n.meta.is_deleting())
    }

    pub fn marked(&self) -> &VecSet<String> {
        &self.marked
    }

    /// The cloud had none of the offering.
    pub fn set_unavailable(&mut self, capacity_type: &str, instance_type: &str, zone: &str, now: SimTime) {
        let offering: OfferingKey = (capacity_type.to_owned(), instance_type.to_owned(), zone.to_owned());
        self.unavailable.insert(offering, now + UNAVAILABLE_MS);
        self.touch(now);
    }

    /// The offerings that are out of capacity as far as Karpenter knows.
    pub fn unavailable(&self, now: SimTime) -> VecSet<OfferingKey> {
        self.unavailable.iter().filter(|(_, until)| **until > now).map(|(o, _)| o.clone()).collect()
    }

    #[cfg(test)]
    fn is_unavailable(&self, offering: &OfferingKey, now: SimTime) -> bool {
        self.unavailable.get(offering).is_some_and(|until| *until > now)
    }

    /// Something changed that consolidation should look at again.
    pub fn touch(&mut self, now: SimTime) {
        self.changes += 1;
        self.changed_at = now;
    }

    /// The state a method compares with the one it found nothing to do in; moves on by itself every five minutes.
    pub fn consolidation_state(&mut self, now: SimTime) -> u64 {
        if now.since(self.changed_at) >= RECHECK_MS {
            self.touch(now);
        }
        self.changes
    }

    /// A number no generated name had before.
    pub fn next_name(&mut self) -> u64 {
        self.named += 1;
        self.named
    }

    /// Keeps the counters current. Source: state.Cluster's informers.
    pub fn observe(&mut self, change: &Change, names: &Names) {
        let object = &change.object;
        match object.kind {
            Kind::Pod => {
                if change.op == Op::Deleted && !self.planned.is_empty() {
                    self.planned.remove(&object.key().to_string());
                }
                let bound = |o: &Object| o.pod().is_some_and(|p| p.is_bound());
                let done = |o: &Object| o.meta.is_deleting() || o.pod().is_some_and(|p| p.is_terminal());
                let was = change.old.as_deref();
                let moved =
                    change.op == Op::Deleted || was.is_some_and(bound) != bound(object) || was.is_some_and(done) != done(object);
                if moved {
                    self.touch(change.at);
                }
            }
            Kind::Node => {
                let seen = |o: &Object| {
                    (
                        o.meta.is_deleting(),
                        o.meta.labels.contains_key(super::names::INITIALIZED),
                        o.node().map(|n| n.taints.clone()),
                    )
                };
                if change.op != Op::Modified || change.old.as_deref().map(seen) != Some(seen(object)) {
                    self.touch(change.at);
                }
            }
            kind if kind == names.claim => {
                let seen = |o: &Object| (o.meta.is_deleting(), o.claim().map(|c| (c.initialized, c.provider_id.clone())));
                if change.op != Op::Modified || change.old.as_deref().map(seen) != Some(seen(object)) {
                    self.touch(change.at);
                }
                if change.op == Op::Deleted {
                    self.marked.remove(&object.meta.name);
                    self.nominated.remove(&object.meta.name);
                }
            }
            kind if kind == names.pool => {
                let spec = |o: &Object| o.doc.field("spec").clone();
                if change.op != Op::Modified || change.old.as_deref().map(spec) != Some(spec(object)) {
                    self.touch(change.at);
                }
            }
            Kind::DaemonSet if change.op != Op::Modified => self.touch(change.at),
            _ => {}
        }
        self.nominated.retain(|_, until| *until > change.at);
        self.unavailable.retain(|_, until| *until > change.at);
    }
}

/// Every claim has its instance, so the picture is whole; until then no scheduling decision is taken.
pub fn synced(store: &Store, names: &Names) -> bool {
    store.list(names.claim).all(|c| c.claim().is_some_and(|c| !c.provider_id.is_empty()))
}

/// The node of a claim, by provider id.
pub fn node_of<'s>(store: &'s Store, claim: &Object) -> Option<&'s Arc<Object>> {
    let claim = claim.claim()?;
    if claim.provider_id.is_empty() {
        return None;
    }
    if let Some(node) = store.cluster(Kind::Node, &claim.node_name).filter(|n| provider_id(n) == Some(&claim.provider_id)) {
        return Some(node);
    }
    store.with_provider_id(Kind::Node, &claim.provider_id).next()
}

/// The claim of a node, by provider id.
pub fn claim_of<'s>(store: &'s Store, names: &Names, node: &Object) -> Option<&'s Arc<Object>> {
    let id = provider_id(node)?;
    // The owner reference answers at once after registration; before it only the provider id does.
    let owner = node.meta.owners.iter().find(|o| o.kind == names.claim.name());
    let by_owner = owner.and_then(|o| store.cluster(names.claim, &o.name));
    by_owner
        .filter(|c| c.claim().is_some_and(|c| c.provider_id == *id))
        .or_else(|| store.with_provider_id(names.claim, id).next())
}

fn provider_id(node: &Object) -> Option<&String> {
    node.node().map(|n| &n.provider_id).filter(|id| !id.is_empty())
}

/// The cloud's record of an instance that still exists (terminated ones are gone as far as callers care).
pub fn instance_of<'s>(store: &'s Store, provider_id: &str) -> Option<&'s Arc<Object>> {
    let name = provider_id.rsplit('/').next().filter(|n| !n.is_empty())?;
    store.cluster(Kind::Instance, name).filter(|i| i.doc.str_at("status.state") != Some("terminated"))
}

/// The pool of a claim or node, by label.
pub fn pool_name<'o>(object: &'o Object, names: &Names) -> &'o str {
    object.meta.labels.get(names.pool_label).map_or("", String::as_str)
}

/// The finalizer lists with Karpenter's added, or `None` where it is there already.
pub fn with_finalizer(object: &Object) -> Option<Vec<String>> {
    if object.meta.finalizers.iter().any(|f| f == FINALIZER) {
        return None;
    }
    let mut list = object.meta.finalizers.clone();
    list.push(FINALIZER.to_owned());
    Some(list)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pricing::Market;
    use crate::profile::Profile;
    use objects::Era;

    #[test]
    fn nominations_last_twenty_seconds_and_offerings_three_minutes() {
        let (store, market, profile) = (Store::default(), Market::default(), Profile::of(Era::V1alpha5));
        let view = View { store: &store, market: &market, profile: &profile, now: SimTime::secs(5), epoch_ms: 0, seed: 1 };
        let mut state = State::default();
        state.nominate("default-x", &view);
        for (s, want) in [(5, true), (24, true), (25, false)] {
            assert_eq!(state.is_nominated("default-x", SimTime::secs(s)), want, "{s}");
        }
        let offering = ("spot".to_owned(), "r3.2xlarge".to_owned(), "ap-northeast-2a".to_owned());
        state.set_unavailable("spot", "r3.2xlarge", "ap-northeast-2a", view.now);
        assert!(state.is_unavailable(&offering, SimTime::secs(184)));
        assert!(!state.is_unavailable(&offering, SimTime::secs(185)));
    }

    #[test]
    fn consolidation_is_looked_at_again_after_five_minutes() {
        let mut state = State::default();
        let first = state.consolidation_state(SimTime::secs(1));
        assert_eq!(state.consolidation_state(SimTime::secs(299)), first);
        assert_ne!(state.consolidation_state(SimTime::secs(300)), first);
    }
}
