//! The simulated cluster at one instant, and the loop that moves it through time.
//!
//! The loop knows nothing of Kubernetes: it advances to the earliest wake time and runs the first due actor, again and
//! again. The order of actors is fixed: the API server's own housekeeping, then the environment in the order it gives
//! (workload controllers, scheduler, kubelets, cloud), Karpenter last. Every run sees the store as the previous run
//! left it, and the changes of a run are shown to every actor, in order, before the next one runs.
//!
//! The choice of the next actor depends on nothing but the world itself, so a world can be stopped and cloned between
//! any two runs and goes on identically.

use super::housekeeping::Housekeeping;
use super::leader::Leader;
use super::parts::{self, Parts};
use super::{Outcome, Request};
use crate::actor::{Actor, View};
use crate::controllers::Karpenter;
use crate::decisions::{DECISIONS, Decision};
use crate::environment::Environment;
use crate::kernel::{Book, stable_hash};
use crate::logs::{LOG_LINES, LogLine};
use crate::pricing::{Ledger, Market};
use crate::profile::Profile;
use crate::store::{Change, Store, exec};
use crate::{Action, Intent, SimTime};
use objects::{ApiError, DocExt, Kind, Object, Value};
use std::sync::Arc;

/// Most runs of one actor within one instant. One that wants more is broken; it waits, so that time goes on.
pub const RUNS_PER_INSTANT: u32 = 10_000;

/// Changes after which observers are told in the middle of a long list of intents.
const CHANGES_PER_DELIVERY: u64 = 1_000;

/// What every actor sees of the world.
#[derive(Clone, Debug)]
pub struct Cluster {
    pub store: Store,
    pub market: Arc<Market>,
    pub profile: Profile,
    pub now: SimTime,
    pub epoch_ms: i64,
    pub seed: u64,
}

impl Cluster {
    pub fn view(&self) -> View<'_> {
        View {
            store: &self.store,
            market: &self.market,
            profile: &self.profile,
            now: self.now,
            epoch_ms: self.epoch_ms,
            seed: self.seed,
        }
    }
}

impl Cluster {
    /// The store and the circumstances of a write to it.
    pub fn writer(&mut self) -> (&mut Store, exec::Context<'_>) {
        let ctx = exec::Context { now: self.now, epoch_ms: self.epoch_ms, seed: self.seed, profile: &self.profile };
        (&mut self.store, ctx)
    }
}

/// The whole simulation. A clone is a checkpoint.
#[derive(Clone, Debug)]
pub struct World {
    pub cluster: Cluster,
    pub ledger: Arc<Ledger>,
    pub logs: Book<LogLine>,
    pub decisions: Book<Decision>,
    housekeeping: Housekeeping,
    environment: Environment,
    karpenter: Karpenter,
    leader: Leader,
    parts: Arc<parts::Slot>,
    /// The turn of an actor has come that needs a part.
    waits: bool,
    /// Wake times by actor; kept current so that looking for the next one costs nothing.
    wakes: Vec<SimTime>,
    /// Runs of each actor at the present instant.
    runs: Vec<u32>,
    /// Earliest next run of actors that ran too often, and how long they had to wait last.
    held: Vec<(SimTime, u64)>,
    hash: u64,
    /// Nobody asks for the hash.
    is_brief: bool,
    /// The store's revision at which the invariants were checked last.
    #[cfg(debug_assertions)]
    checked: u64,
    /// It was adopted from a cluster in which the invariants did not hold.
    #[cfg(debug_assertions)]
    found_unsound: bool,
}

impl World {
    pub fn new(profile: Profile, market: Arc<Market>, epoch_ms: i64, seed: u64) -> World {
        let mut world = World {
            environment: Environment::new(&profile),
            karpenter: Karpenter::new(&profile),
            leader: Leader::default(),
            parts: Arc::default(),
            waits: false,
            housekeeping: Housekeeping::default(),
            cluster: Cluster { store: Store::default(), market, profile, now: SimTime::ZERO, epoch_ms, seed },
            ledger: Arc::default(),
            logs: Book::new(LOG_LINES),
            decisions: Book::new(DECISIONS),
            wakes: Vec::new(),
            runs: Vec::new(),
            held: Vec::new(),
            hash: 0,
            is_brief: false,
            #[cfg(debug_assertions)]
            checked: 0,
            #[cfg(debug_assertions)]
            found_unsound: false,
        };
        let n_actors = 2 + world.environment.actors_mut().len();
        world.runs = vec![0; n_actors];
        world.held = vec![(SimTime::ZERO, 0); n_actors];
        world.refresh_wakes();
        world
    }

    pub fn now(&self) -> SimTime {
        self.cluster.now
    }

    pub fn market(&self) -> &Market {
        &self.cluster.market
    }

    /// When the next actor runs; `None` where nothing is due at all.
    pub fn next_wake(&self) -> Option<SimTime> {
        self.wakes.iter().min().copied().filter(|t| *t < SimTime::MAX).map(|t| t.max(self.cluster.now))
    }

    /// Hash of all changes, log lines and decisions so far.
    pub fn hash(&self) -> u64 {
        stable_hash(&[&self.cluster.store.hash().to_string(), &self.hash.to_string()])
    }

    /// From now on the hash stays as it is: the world is run once, and only its result is looked at.
    pub fn be_brief(&mut self) {
        self.is_brief = true;
        self.cluster.store.stop_hashing();
    }

    /// Runs the next actor that is due up to and including `target`; false (and `now` at `target`) where none is.
    pub fn step(&mut self, target: SimTime) -> bool {
        match self.next_wake() {
            Some(wake) if wake <= target => {
                self.move_to(wake);
                self.run_due()
            }
            _ => {
                self.move_to(target);
                false
            }
        }
    }

    fn move_to(&mut self, time: SimTime) {
        if time > self.cluster.now {
            self.cluster.now = time;
            self.runs.fill(0);
        }
    }

    /// False where the actor whose turn it is needs a part that is not attached.
    fn run_due(&mut self) -> bool {
        let now = self.cluster.now;
        let Some(due) = self.wakes.iter().position(|t| *t <= now) else { return true };
        let waits = |actor: Option<&mut dyn Actor>| actor.is_some_and(|actor| actor.waits_for_parts(now));
        if waits(actor(&mut self.housekeeping, &mut self.environment, &mut self.karpenter, due)) {
            match self.parts.get() {
                Some(parts) => {
                    self.karpenter.equip(parts.busy);
                    self.environment.equip(parts.acts);
                }
                None => {
                    self.waits = true;
                    return false;
                }
            }
        }
        self.waits = false;
        if self.overrun(due) {
            self.refresh_wakes();
            return true;
        }
        let view = self.cluster.view();
        let intents = match actor(&mut self.housekeeping, &mut self.environment, &mut self.karpenter, due) {
            Some(actor) => actor.act(&view),
            None => Vec::new(),
        };
        let mut delivered = self.cluster.store.revision();
        for intent in intents {
            self.carry_out(due, intent);
            if self.cluster.store.revision() - delivered >= CHANGES_PER_DELIVERY {
                delivered = self.deliver(delivered);
            }
        }
        self.deliver(delivered);
        #[cfg(debug_assertions)]
        self.assert_invariants();
        true
    }

    /// Counts a run, and holds an actor back that has run too often: one millisecond at first, twice as long each time
    /// it happens again.
    fn overrun(&mut self, index: usize) -> bool {
        let now = self.cluster.now;
        let (Some(runs), Some((until, wait_ms))) = (self.runs.get_mut(index), self.held.get_mut(index)) else {
            return false;
        };
        *runs += 1;
        if *runs <= RUNS_PER_INSTANT {
            return false;
        }
        *wait_ms = (*wait_ms * 2).clamp(1, 60_000);
        *until = now + *wait_ms;
        let wait_ms = *wait_ms;
        let name = actor(&mut self.housekeeping, &mut self.environment, &mut self.karpenter, index).map_or("", |a| a.name());
        let message = format!("{name} ran {RUNS_PER_INSTANT} times at {now} and waits {wait_ms} ms");
        self.decide(Decision::stuck(now, name, message));
        true
    }

    fn carry_out(&mut self, from: usize, intent: Intent) {
        match &intent.action {
            Action::Log(line) => {
                let line = line.clone();
                self.log(line);
            }
            Action::Decide(decision) => {
                let decision = decision.clone();
                self.decide(decision);
            }
            action => {
                let cluster = &mut self.cluster;
                let (store, ctx) = cluster.writer();
                if let Err(error) = exec::execute(store, &ctx, action) {
                    let view = self.cluster.view();
                    if let Some(actor) = actor(&mut self.housekeeping, &mut self.environment, &mut self.karpenter, from) {
                        actor.refused(&intent, &error, &view);
                    }
                }
            }
        }
    }

    fn log(&mut self, mut line: LogLine) {
        if line.pod.is_empty() {
            line.pod = self.leader.pod().to_owned();
        }
        if !self.is_brief {
            self.hash = stable_hash(&[&self.hash.to_string(), &line.at.0.to_string(), &line.pod, &line.text]);
        }
        self.logs.push(line);
    }

    fn decide(&mut self, decision: Decision) {
        if !self.is_brief {
            self.hash = stable_hash(&[&self.hash.to_string(), &format!("{decision:?}")]);
        }
        self.decisions.push(decision);
    }

    /// Carries out what a user asks and shows its changes to everyone. A refusal changes nothing.
    pub fn request(&mut self, request: &Request) -> Result<Outcome, ApiError> {
        let before = self.cluster.store.clone();
        match parts::request(&self.parts, &mut self.cluster, request) {
            Ok(outcome) => {
                self.deliver(before.revision());
                Ok(outcome)
            }
            Err(error) => {
                self.cluster.store = before;
                Err(error)
            }
        }
    }

    /// What the request would come to; nothing changes.
    pub fn try_request(&self, request: &Request) -> Result<Outcome, ApiError> {
        let mut outcome = parts::request(&self.parts, &mut self.cluster.clone(), request)?;
        // A dry run leaves the version as it is: a new object has none yet.
        outcome.object = outcome.object.map(|object| {
            let live = self.cluster.store.get(&object.key());
            let mut doc = object.doc.clone();
            match live {
                Some(live) => doc.set("metadata.resourceVersion", live.meta.resource_version.to_string()),
                None => doc.remove_at("metadata.resourceVersion"),
            }
            Arc::new(Object::from_doc(object.kind, doc))
        });
        Ok(outcome)
    }

    /// Attaches the parts to this world and to every clone of it.
    pub fn attach(&mut self, parts: Parts) {
        // A second time changes nothing: there is one set of parts.
        let _ = self.parts.set(parts);
    }

    /// Whether it stands still because a part is missing.
    pub fn waits_for_parts(&self) -> bool {
        self.waits
    }

    /// Writes what no request can and shows the changes to everyone.
    pub fn internal(
        &mut self,
        write: impl FnOnce(&mut Store, &exec::Context<'_>) -> Result<(), ApiError>,
    ) -> Result<(), ApiError> {
        let before = self.cluster.store.revision();
        let (store, ctx) = self.cluster.writer();
        let result = write(store, &ctx);
        self.deliver(before);
        result
    }

    /// Runs everything due up to and including `time`.
    pub fn run_to(&mut self, time: SimTime) {
        while self.step(time) {}
    }

    /// Says that the user's session begins now: costs count from here.
    pub fn begin(&mut self) {
        Arc::make_mut(&mut self.ledger).start = self.cluster.now;
    }

    /// Shows every change after `revision` to the ledger and to all actors; gives the revision they now know.
    fn deliver(&mut self, revision: u64) -> u64 {
        let changes: Vec<Arc<Change>> =
            self.cluster.store.changes_since(revision).map(|c| c.cloned().collect()).unwrap_or_default();
        for change in &changes {
            if Ledger::concerns(change) {
                Arc::make_mut(&mut self.ledger).observe(change, &self.cluster.store);
            }
        }
        let restarted = self.leader.elect(&self.cluster.store, &self.cluster.profile, self.cluster.now);
        let view = self.cluster.view();
        for change in &changes {
            self.housekeeping.observe(change, &view);
            for actor in self.environment.actors_mut() {
                actor.observe(change, &view);
            }
        }
        if restarted {
            self.take_over();
        } else if self.leader.is_running() {
            for change in &changes {
                self.karpenter.observe(change, &view);
            }
        }
        self.refresh_wakes();
        self.cluster.store.revision()
    }

    /// Another Karpenter process leads: it knows nothing but what its caches list, and its name stands in the Lease.
    fn take_over(&mut self) {
        let before = self.cluster.store.revision();
        let (store, ctx) = self.cluster.writer();
        self.leader.sign(store, &ctx);
        self.deliver(before);
        self.karpenter = Karpenter::new(&self.cluster.profile);
        self.karpenter.list(&self.cluster.view());
    }

    /// Fills an empty world with what a running cluster holds, as it is and without admission. Karpenter leads from outside,
    /// and as if it had done so all along. Costs count from here.
    pub fn adopt(&mut self, objects: impl IntoIterator<Item = (Kind, Value)>) {
        self.leader.go_outside();
        let mut delivered = self.cluster.store.revision();
        for (kind, doc) in objects {
            self.cluster.store.put(kind, doc, self.cluster.now);
            if self.cluster.store.revision() - delivered >= CHANGES_PER_DELIVERY {
                delivered = self.deliver(delivered);
            }
        }
        self.deliver(delivered);
        self.karpenter = Karpenter::new(&self.cluster.profile);
        self.karpenter.inherit(&self.cluster.view());
        self.refresh_wakes();
        self.begin();
        #[cfg(debug_assertions)]
        {
            self.found_unsound = !super::invariants::check_invariants(self).is_empty();
        }
    }

    fn refresh_wakes(&mut self) {
        self.wakes.clear();
        self.wakes.push(self.housekeeping.wake_at().unwrap_or(SimTime::MAX));
        for actor in self.environment.actors_mut() {
            self.wakes.push(actor.wake_at().unwrap_or(SimTime::MAX));
        }
        self.wakes.push(match self.leader.is_running() {
            true => self.karpenter.wake_at().map_or(SimTime::MAX, |t| t.max(self.leader.since())),
            false => SimTime::MAX,
        });
        for (wake, (until, _)) in self.wakes.iter_mut().zip(&self.held) {
            *wake = (*wake).max(*until);
        }
    }

    /// Checks the invariants at the end of an instant that has written something: all of them are about the store and
    /// the ledger, which follows it.
    #[cfg(debug_assertions)]
    fn assert_invariants(&mut self) {
        let at_end_of_instant = self.next_wake().is_none_or(|t| t > self.cluster.now);
        // Large clusters are sampled, or tests with thousands of pods would do little else.
        let revision = self.cluster.store.revision();
        let sampled = self.cluster.store.count(Kind::Pod) < 500 || revision.is_multiple_of(50);
        if at_end_of_instant && sampled && !self.found_unsound && revision != self.checked {
            self.checked = revision;
            let broken = super::invariants::check_invariants(self);
            debug_assert!(broken.is_empty(), "at {}: {broken:?}", self.cluster.now);
        }
    }
}

/// The actor of an index: housekeeping, environment, Karpenter.
fn actor<'a>(
    housekeeping: &'a mut Housekeeping,
    environment: &'a mut Environment,
    karpenter: &'a mut Karpenter,
    index: usize,
) -> Option<&'a mut dyn Actor> {
    if index == 0 {
        return Some(housekeeping);
    }
    let mut actors = environment.actors_mut();
    if index > actors.len() {
        return Some(karpenter);
    }
    Some(actors.swap_remove(index - 1))
}
