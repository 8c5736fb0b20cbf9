//! Karpenter's controllers as pure deciders: they read a [`View`], remember little, and return intents.
//!
//! One [`Karpenter`] is the leader of both eras. Work waits in one queue of timers keyed by what is to be reconciled, and
//! one `act` takes items until one has something to say, so that every reconcile sees the store as the previous one
//! left it, as the real ones see their caches.
//!
//! Which release a rule follows where 0.29-0.31 differ among themselves: decisions follow 0.31.4 (candidate rules,
//! per-method memo of what was consolidated, pods pending already do not block consolidation, the cap of 100 candidates),
//! words follow 0.29.2 (logs, events). In the one case where 0.29.2 returns an error for an empty-node command that
//! pods have overtaken, the quieter 0.31.4 line is written. Era B is 1.14.1 throughout.

mod brains;
mod conditions;
mod consistency;
mod context;
mod counter;
mod disruption;
mod expiration;
mod garbage;
mod hashes;
mod health;
mod input;
mod interruption;
mod lifecycle;
mod messages;
mod names;
mod node_class;
mod offers;
mod pools;
mod provisioning;
mod settings;
mod startup;
mod startup_kwok;
mod state;
mod static_pools;
mod termination;
#[cfg(test)]
mod testing;

use crate::actor::{Actor, Intent, View};
use crate::kernel::Timers;
use crate::profile::Profile;
use crate::store::{Change, Op};
use crate::{Action, SimTime};
use context::Cx;
use objects::{ApiError, DocExt, Kind, Object, ObjectKey, Provider};
use state::State;

pub use disruption::budgets::{Closed, closed};
pub use disruption::cron::{Schedule, is_open};
pub use disruption::{Finding, Listed, survey};
pub(crate) use hashes::{class_keys, pool_keys};
#[cfg(all(feature = "kube", not(target_arch = "wasm32")))]
pub(crate) use names::{CAPACITY_TYPE, COMPONENT, FINALIZER, INSTANCE_TYPE, ZONE};
pub(crate) use names::{DO_NOT_CONSOLIDATE, DO_NOT_EVICT, Names};
pub(crate) use node_class::{CLOUD_REASONS, OBSERVED};

/// Between a change and the reconcile it wakes: a watch event through the informer into a worker.
const WATCH_MS: u64 = 15;

/// What waits to be reconciled. The order breaks ties within one instant after time and sequence.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Item {
    /// The first thing that a new leader does.
    Start,
    /// A process of Karpenter beside the leader.
    Replica(String, String),
    /// A pod that may want a node, and the end of the batching window.
    Pod(String, String),
    Batch,
    /// A pod that kube-scheduler has just bound.
    Bound(String, String),
    /// A claim: launch, registration, initialization, liveness, or its finalizer.
    Claim(String),
    /// A node that the kwok provider creates.
    Boot(String),
    /// Something happened to a pod on the claim's node (1.14).
    PodEvent(String),
    /// A claim's conditions for disruption.
    ClaimDisruption(String),
    /// Whether a claim and its node agree.
    Consistency(String),
    /// The disruption loop, and a command of era B's queue.
    Disruption,
    Command(String),
    /// A node that is being deleted.
    Node(String),
    /// A pod in the eviction queue, and the event after it went.
    Evict(String, String),
    Evicted(String, String),
    /// A node whose conditions changed.
    Health(String),
    /// A pool's status.
    Pool(String),
    Counter(String),
    /// A pool with a number of nodes of its own.
    Static(String),
    NodeClass(String),
    Expire(String),
    /// A notice about an instance.
    Interrupted(String, interruption::Notice),
    Garbage,
}

/// The controllers together. Source of the list: kubernetes-sigs/karpenter pkg/controllers/controllers.go, v0.29.2 and v1.14.1.
#[derive(Clone, Debug)]
pub struct Karpenter {
    names: &'static Names,
    work: Timers<Item>,
    state: State,
    lifecycle: lifecycle::Lifecycle,
    evictions: termination::Evictions,
    pools: pools::Pools,
    counter: counter::Counter,
    batch: provisioning::Batch,
    provisioning: provisioning::Provisioning,
    disruption: disruption::Disruption,
    busy: Option<Busy>,
    /// What was reconciled last.
    last: Option<Item>,
}

/// The controllers of a cluster in which something happens: of pods that wait, claims, and nodes that go.
#[derive(Clone, Copy, Debug)]
pub struct Busy(fn(&mut Karpenter, &Item, &mut Cx<'_, '_>) -> Option<SimTime>);

impl Busy {
    pub fn whole() -> Busy {
        Busy(Karpenter::busy)
    }

    /// Those alone that decide: another Karpenter launches, registers, drains and removes.
    #[cfg(all(feature = "kube", not(target_arch = "wasm32")))]
    pub fn deciding() -> Busy {
        Busy(Karpenter::decide)
    }

    /// Those that bring to its end what was decided, and decide nothing.
    #[cfg(all(feature = "kube", not(target_arch = "wasm32")))]
    pub fn finishing() -> Busy {
        Busy(Karpenter::finish)
    }

    /// The same where another Karpenter does what is decided.
    #[cfg(all(feature = "kube", not(target_arch = "wasm32")))]
    pub fn finishing_commands() -> Busy {
        Busy(Karpenter::finish_commands)
    }
}

impl Item {
    /// Whether the item comes up in a cluster at rest.
    fn is_at_rest(&self, names: &Names) -> bool {
        // Only AWS has clusters at rest.
        let aws = names.node_class != Kind::KWOKNodeClass;
        aws && matches!(self, Item::Start | Item::Pool(_) | Item::Counter(_) | Item::NodeClass(_) | Item::Garbage)
    }
}

impl Karpenter {
    pub fn new(profile: &Profile) -> Karpenter {
        let mut work = Timers::default();
        work.set(Item::Start, SimTime::ZERO);
        Karpenter {
            names: Names::of(profile.api()),
            work,
            state: State::default(),
            lifecycle: lifecycle::Lifecycle::default(),
            evictions: termination::Evictions::default(),
            pools: pools::Pools::default(),
            counter: counter::Counter::default(),
            batch: provisioning::Batch::default(),
            provisioning: provisioning::Provisioning::default(),
            disruption: disruption::Disruption::new(),
            busy: None,
            last: None,
        }
    }

    /// Gives it the controllers of a busy cluster.
    pub fn equip(&mut self, busy: Busy) {
        self.busy = Some(busy);
    }

    /// Reads what its caches list, as a process that has just begun to lead.
    pub fn list(&mut self, view: &View<'_>) {
        if view.now > SimTime::ZERO {
            self.disruption.begin(view.now);
        }
        for object in view.store.all() {
            let (revision, at, op) = (object.meta.resource_version, view.now, Op::Added);
            self.observe(&Change { revision, at, op, object: object.clone(), old: None }, view);
        }
    }

    /// The same for a process that has led all along: what is there is no news, so that no pod came just now and nothing is
    /// announced.
    pub fn inherit(&mut self, view: &View<'_>) {
        self.list(view);
        self.work.cancel(&Item::Start);
        for claim in view.store.list(self.names.claim) {
            self.work.cancel(&Item::PodEvent(claim.meta.name.clone()));
        }
    }

    /// Reconciles once more what was reconciled last: something of what came of it was refused.
    pub fn retry(&mut self, at: SimTime) {
        if let Some(item) = self.last.clone() {
            self.work.sooner(item, at);
        }
    }

    fn reconcile(&mut self, item: Item, cx: &mut Cx<'_, '_>) {
        let again = match &item {
            Item::Start if cx.view.profile.provider == Provider::Aws => {
                startup::announce(cx);
                None
            }
            Item::Pool(name) => self.pools.reconcile(name, cx),
            Item::Counter(name) => self.counter.reconcile(name, &self.state, cx),
            Item::NodeClass(name) => node_class::reconcile(name, cx),
            Item::Garbage => garbage::reconcile(cx),
            _ => self.busy.and_then(|busy| busy.0(self, &item, cx)),
        };
        if let Some(at) = again {
            let item = if let Item::Evicted(namespace, name) = item { Item::Evict(namespace, name) } else { item };
            self.work.sooner(item, at);
        }
        for id in self.disruption.queue.take_new() {
            self.work.sooner(Item::Command(id), cx.view.now + disruption::QUEUE_START_MS);
        }
        for (name, at) in self.state.boots() {
            self.work.sooner(Item::Boot(name.clone()), at);
        }
        for (namespace, name) in self.evictions.take_new() {
            self.work.sooner(Item::Evict(namespace, name), cx.view.now);
        }
    }

    /// The same of what is decided, and nothing of what brings it about.
    #[cfg(all(feature = "kube", not(target_arch = "wasm32")))]
    fn decide(&mut self, item: &Item, cx: &mut Cx<'_, '_>) -> Option<SimTime> {
        match item {
            Item::Pod(..) | Item::Batch | Item::Bound(..) | Item::ClaimDisruption(_) => self.busy(item, cx),
            Item::Disruption | Item::Command(_) | Item::Static(_) => self.busy(item, cx),
            _ => None,
        }
    }

    #[cfg(all(feature = "kube", not(target_arch = "wasm32")))]
    fn finish(&mut self, item: &Item, cx: &mut Cx<'_, '_>) -> Option<SimTime> {
        match item {
            Item::Pod(..) | Item::Batch | Item::Bound(..) | Item::ClaimDisruption(_) | Item::Static(_) => None,
            Item::Health(_) | Item::Expire(_) | Item::Interrupted(..) => None,
            Item::Disruption => self.finish_commands(item, cx),
            _ => self.busy(item, cx),
        }
    }

    #[cfg(all(feature = "kube", not(target_arch = "wasm32")))]
    fn finish_commands(&mut self, item: &Item, cx: &mut Cx<'_, '_>) -> Option<SimTime> {
        match item {
            Item::Command(_) => self.busy(item, cx),
            // Era A's loop sees its command through.
            Item::Disruption if self.disruption.is_carrying_out() => self.busy(item, cx),
            _ => None,
        }
    }

    /// Reconciles what a cluster at rest has not; when to do so again.
    fn busy(&mut self, item: &Item, cx: &mut Cx<'_, '_>) -> Option<SimTime> {
        match item {
            Item::Claim(name) => match cx.view.store.cluster(self.names.claim, name).cloned() {
                Some(claim) if claim.meta.is_deleting() => termination::claim(&claim, cx),
                Some(claim) => self.lifecycle.reconcile(&claim, &mut self.state, &mut self.pools, cx),
                None => self.lifecycle.forget(name, cx),
            },
            Item::ClaimDisruption(name) => {
                let claim = cx.view.store.cluster(self.names.claim, name).cloned();
                claim.and_then(|c| disruption::marks::reconcile(&c, &self.state, cx))
            }
            Item::Replica(namespace, name) => {
                startup_kwok::replica(namespace, name, cx);
                None
            }
            Item::Boot(name) => {
                if let Some(node) = self.state.take_boot(name) {
                    cx.push(Action::Create(node), "the provider creates the node");
                }
                None
            }
            Item::Consistency(name) => consistency::reconcile(name, cx),
            Item::PodEvent(name) => {
                disruption::marks::record_pod_event(name, cx);
                None
            }
            Item::Pod(namespace, name) => self.pod(namespace, name, cx),
            Item::Bound(namespace, name) => {
                brains::compare(namespace, name, &mut self.state, cx);
                None
            }
            Item::Batch => {
                if self.batch.close() {
                    self.provisioning.round(&mut self.state, cx);
                }
                None
            }
            Item::Disruption => self.disruption.tick(&mut self.state, cx),
            Item::Command(id) => self.disruption.queue.tick(id, &mut self.state, cx),
            Item::Node(name) => termination::node(name, &mut self.evictions, cx),
            Item::Evict(namespace, name) => {
                self.evictions.evict(namespace, name, cx);
                self.work.set(Item::Evicted(namespace.clone(), name.clone()), cx.view.now);
                None
            }
            Item::Evicted(namespace, name) => self.evictions.settle(namespace, name, cx),
            Item::Health(name) => health::reconcile(name, cx),
            Item::Static(name) => {
                let busy = self.disruption.queue.claims();
                static_pools::reconcile(name, &mut self.state, &busy, cx)
            }
            Item::Expire(name) => expiration::reconcile(name, cx),
            Item::Interrupted(instance, notice) => interruption::reconcile(instance, *notice, &mut self.state, cx),
            Item::Start => {
                startup_kwok::announce(cx);
                None
            }
            Item::Pool(_) | Item::Counter(_) | Item::NodeClass(_) | Item::Garbage => None,
        }
    }

    /// A pod that waits for a node triggers a batch, and again every ten seconds for as long as it waits.
    fn pod(&mut self, namespace: &str, name: &str, cx: &Cx<'_, '_>) -> Option<SimTime> {
        let pod = cx.view.store.get(&ObjectKey::new(Kind::Pod, namespace, name))?;
        if !provisioning::is_provisionable(pod) {
            return None;
        }
        self.trigger(&pod.meta.uid, cx.view);
        Some(cx.view.now + provisioning::RETRIGGER_MS)
    }

    fn trigger(&mut self, uid: &str, view: &View<'_>) {
        let closes = self.batch.trigger(uid, view.now, view.era(), settings::batch_ms(view));
        self.work.set(Item::Batch, closes);
    }

    fn observe_pod(&mut self, change: &Change, view: &View<'_>) {
        let pod = &change.object;
        let item = Item::Pod(pod.meta.namespace.clone(), pod.meta.name.clone());
        if change.op != Op::Deleted && provisioning::is_provisionable(pod) {
            self.work.sooner(item, change.at);
        } else {
            self.work.cancel(&item);
        }
        let soon = change.at + WATCH_MS;
        if view.profile.as_recorded && change.op != Op::Deleted && startup_kwok::starts(change.old.as_deref(), pod) {
            self.work.set(Item::Replica(pod.meta.namespace.clone(), pod.meta.name.clone()), change.at);
        }
        let bound = |o: &Object| o.pod().is_some_and(|p| p.is_bound());
        if change.op == Op::Modified && bound(pod) && !change.old.as_deref().is_some_and(bound) && self.state.has_plan(pod) {
            self.work.set(Item::Bound(pod.meta.namespace.clone(), pod.meta.name.clone()), change.at);
        }
        if let Some(claim) = disruption::marks::claim_of_pod(change, view, self.names) {
            if disruption::marks::pod_event(change, self.names.era).is_some() {
                self.work.sooner(Item::PodEvent(claim.meta.name.clone()), soon);
            }
            self.work.sooner(Item::ClaimDisruption(claim.meta.name.clone()), soon);
        }
    }

    fn observe_node(&mut self, change: &Change, view: &View<'_>) {
        let node = &change.object;
        let soon = change.at + WATCH_MS;
        if node.meta.is_deleting() && change.op != Op::Deleted && change.old.as_ref().is_none_or(|o| !o.meta.is_deleting()) {
            self.work.sooner(Item::Node(node.meta.name.clone()), soon);
        }
        if provisioning::node_triggers(change, self.names.era) {
            self.trigger(&node.meta.uid, view);
        }
        if let Some(claim) = state::claim_of(view.store, self.names, node) {
            let conditions = |o: &Object| o.doc.at("status.conditions").clone();
            if self.names.era == objects::Era::V1
                && change.op != Op::Deleted
                && change.old.as_deref().map(conditions) != Some(conditions(node))
            {
                self.work.sooner(Item::Health(node.meta.name.clone()), soon);
            }
            let name = claim.meta.name.clone();
            // The claim's own finalizer asks the cloud once more before it goes.
            let call = if change.op == Op::Deleted { termination::CLOUD_CALL_MS } else { 0 };
            self.work.sooner(Item::Claim(name.clone()), soon + call);
            self.work.sooner(Item::ClaimDisruption(name), soon);
            self.count(claim, change.at);
        }
    }

    fn observe_claim(&mut self, change: &Change, view: &View<'_>) {
        let claim = &change.object;
        let name = claim.meta.name.clone();
        let soon = change.at + WATCH_MS;
        let began_deleting = claim.meta.is_deleting() && change.old.as_ref().is_none_or(|o| !o.meta.is_deleting());
        if change.op == Op::Added || began_deleting {
            self.work.sooner(Item::Claim(name.clone()), soon);
        }
        if change.op == Op::Added {
            self.work.sooner(Item::Disruption, self.disruption.next_poll(change.at, view));
        }
        if view.profile.as_recorded && consistency::concerns(change.old.as_deref(), claim) {
            self.work.set(Item::Consistency(name.clone()), change.at + consistency::FIRST_MS);
        }
        if change.op == Op::Deleted {
            self.work.cancel(&Item::Consistency(name.clone()));
            self.disruption.forget(&name);
            self.work.cancel(&Item::ClaimDisruption(name.clone()));
            self.work.cancel(&Item::Expire(name));
        } else {
            self.work.sooner(Item::ClaimDisruption(name.clone()), soon);
            if self.names.era == objects::Era::V1 {
                self.work.sooner(Item::Expire(name), soon);
            }
        }
        self.count(claim, change.at);
        let pool = view.store.cluster(self.names.pool, state::pool_name(claim, self.names));
        if pool.is_some_and(|p| p.pool().is_some_and(|p| p.replicas.is_some())) && (change.op != Op::Modified || began_deleting) {
            self.work.sooner(Item::Static(state::pool_name(claim, self.names).to_owned()), soon);
        }
    }

    fn count(&mut self, claim: &Object, at: SimTime) {
        let pool = state::pool_name(claim, self.names);
        if !pool.is_empty() {
            self.work.sooner(Item::Counter(pool.to_owned()), self.counter.next(pool, self.names.era, at));
        }
    }
}

impl Actor for Karpenter {
    fn name(&self) -> &'static str {
        "karpenter"
    }

    fn observe(&mut self, change: &Change, view: &View<'_>) {
        self.state.observe(change, self.names);
        let object = &change.object;
        let name = || object.meta.name.clone();
        let soon = change.at + WATCH_MS;
        match object.kind {
            Kind::Node => self.observe_node(change, view),
            Kind::Pod => self.observe_pod(change, view),
            Kind::FleetRequest if change.op == Op::Modified => self.work.sooner(Item::Claim(name()), change.at),
            Kind::Instance => {
                for (notice, at) in interruption::noticed(change, view) {
                    self.work.sooner(Item::Interrupted(name(), notice), at);
                }
                if garbage::concerns(change) {
                    self.work.sooner(Item::Garbage, garbage::next(change.at));
                }
            }
            kind if kind == self.names.claim => self.observe_claim(change, view),
            kind if kind == self.names.pool && change.op != Op::Deleted => {
                self.work.sooner(Item::Pool(name()), soon);
                let count = match change.op {
                    Op::Added => self.counter.begin(&object.meta.name, change.at),
                    _ => self.counter.next(&object.meta.name, self.names.era, change.at),
                };
                self.work.sooner(Item::Counter(name()), count);
                if object.pool().is_some_and(|p| p.replicas.is_some()) {
                    self.work.sooner(Item::Static(name()), soon);
                }
                for claim in view.store.list(self.names.claim).filter(|c| state::pool_name(c, self.names) == object.meta.name) {
                    self.work.sooner(Item::ClaimDisruption(claim.meta.name.clone()), soon);
                }
            }
            kind if kind == self.names.node_class => {
                if change.op != Op::Deleted {
                    self.work.sooner(Item::NodeClass(name()), soon);
                }
                for pool in view.store.list(self.names.pool) {
                    self.work.sooner(Item::Pool(pool.meta.name.clone()), soon);
                }
                if self.names.era == objects::Era::V1 {
                    for claim in view.store.list(self.names.claim) {
                        self.work.sooner(Item::ClaimDisruption(claim.meta.name.clone()), soon);
                    }
                }
            }
            _ => {}
        }
    }

    fn wake_at(&self) -> Option<SimTime> {
        self.work.next()
    }

    fn act(&mut self, view: &View<'_>) -> Vec<Intent> {
        while !self.waits_for_parts(view.now)
            && let Some(item) = self.work.pop_due(view.now)
        {
            let mut cx = Cx::new(view);
            self.last = Some(item.clone());
            self.reconcile(item, &mut cx);
            if !cx.out.is_empty() {
                return cx.out;
            }
        }
        Vec::new()
    }

    /// Whether the next item due at `now` needs controllers that are not there.
    fn waits_for_parts(&self, now: SimTime) -> bool {
        self.busy.is_none() && self.work.peek_due(now).is_some_and(|item| !item.is_at_rest(self.names))
    }

    fn refused(&mut self, intent: &Intent, error: &ApiError, _view: &View<'_>) {
        if let Action::Evict { pod, .. } = &intent.action {
            self.evictions.refused(pod, error);
        }
    }
}
