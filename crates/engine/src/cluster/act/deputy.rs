//! Karpenter's controllers at work on a cluster that is somewhere else. What they read is a copy that watches and answers
//! keep current; what they want done at the cluster comes out as intents, one run of one controller at a time, and the
//! answers go back in before the next one runs, so that each sees what the one before it did. The machines themselves are
//! this process's own: requests to the fleet and instances are kept here and never leave it.
//!
//! Nothing here talks to anybody or knows the time; whoever owns it says what it is.

use super::own::{self, FleetKind};
use crate::actor::{Action, Actor, Intent};
use crate::cluster::adopt::{self, instances, prices, stand_in_class};
use crate::controllers::{Busy, Karpenter, Names};
use crate::decisions::Decision;
use crate::environment::cloud::{Fleet, Instances};
use crate::kernel::Timers;
use crate::logs::LogLine;
use crate::profile::Profile;
use crate::scheduling::labels::DISRUPTED;
use crate::session::Cluster;
use crate::store::{Change, Store, exec};
use crate::{Era, SimTime};
use objects::collections::VecSet;
use objects::{Api, ApiError, DocExt, Kind, Object, ObjectKey, Provider, Reason, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How long before the start its time begins, so that what happened before has a time of its own.
const HINDSIGHT_MS: u64 = 3_600_000;
/// What a controller whose write was refused waits before it looks again; twice as long each further time.
const RETRY_MS: u64 = 1_000;
const RETRY_MAX_MS: u64 = 60_000;

/// What is chosen before it begins.
#[derive(Clone, Debug)]
pub struct Choices {
    /// The present, Unix milliseconds.
    pub at_ms: i64,
    pub seed: u64,
    pub region: Option<String>,
    pub fleet: FleetKind,
    /// The instance types file of the installed Karpenter's kwok provider; what it is built with where it is left out.
    pub types: Option<String>,
    /// Machines join so long after their launch, and end so long after they are told to; as EC2's do where it is left out.
    pub boot_ms: Option<u64>,
    /// Signs what is made.
    pub identity: String,
    /// The kinds that the server has.
    pub served: VecSet<Kind>,
}

/// What a controller said beside what it wants done.
#[derive(Clone, Debug)]
pub enum Said {
    Log(LogLine),
    Decision(Decision),
}

/// What became of an intent at the server.
#[derive(Clone, Debug)]
pub enum Answer {
    /// The object as it is now.
    Object(Value),
    /// There is no such object any more.
    Gone,
    /// It was done, and the server shows nothing of it.
    Done,
}

/// A run of one controller: what it wants done at the cluster, in order.
#[derive(Debug)]
pub struct Turn {
    actor: usize,
    pub intents: Vec<Intent>,
    /// Answers of the fleet that are forgotten when the claims that they are about show them.
    settled: Vec<ObjectKey>,
}

/// The version of an object that was seen last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    pub uid: String,
    pub resource: String,
}

#[derive(Clone)]
pub struct Deputy {
    cluster: Cluster,
    karpenter: Karpenter,
    fleet: Fleet,
    instances: Instances,
    versions: BTreeMap<ObjectKey, Version>,
    served: VecSet<Kind>,
    identity: String,
    kind: FleetKind,
    said: Vec<Said>,
    refusals: u32,
    /// Objects whose deletion was refused, by uid: those who wanted it have gone on.
    owed: Timers<(ObjectKey, String)>,
}

impl Deputy {
    /// Begins with everything that the server has. `docs` are documents as a server sends them. Also gives what could not be
    /// priced or understood, one sentence each.
    pub fn new(docs: impl IntoIterator<Item = (Kind, Value)>, era: Era, choices: &Choices) -> (Deputy, Vec<String>) {
        let mut objects: BTreeMap<ObjectKey, Value> = BTreeMap::new();
        let mut versions = BTreeMap::new();
        for (kind, mut doc) in docs {
            let (key, version) = identify(kind, &doc);
            own::read(&mut doc, era, choices.fleet);
            doc.remove_at("metadata.managedFields");
            versions.insert(key.clone(), version);
            objects.insert(key, doc);
        }
        let mut notes = Vec::new();
        // The fleet kwok gives what EC2 has, whatever the kind of the node classes; another Karpenter what its provider has.
        let api = match choices.fleet {
            FleetKind::Kwok => Api::from(era),
            FleetKind::NodeClaim => Api { era, provider: adopt::provider_of(objects.values()) },
        };
        let profile = if api.provider == Provider::Kwok { Profile::kwok() } else { Profile::of(era) };
        let (region, types) = (choices.region.clone(), choices.types.clone());
        let bought = adopt::Choices { at_ms: choices.at_ms, seed: choices.seed, region, types, prices: None };
        let found = prices::of(&objects, api, &bought, &mut notes);
        let machines = match choices.fleet {
            FleetKind::Kwok => instances(&objects, &found.market, api),
            FleetKind::NodeClaim => Vec::new(),
        };
        let mut deputy = Deputy {
            cluster: Cluster {
                store: Store::default(),
                market: Arc::new(found.market),
                profile: profile.clone(),
                now: SimTime(HINDSIGHT_MS),
                epoch_ms: choices.at_ms.saturating_sub_unsigned(HINDSIGHT_MS),
                seed: choices.seed,
            },
            karpenter: Karpenter::new(&profile),
            fleet: Fleet::default(),
            instances: Instances::joining_after(choices.boot_ms),
            versions,
            served: choices.served.clone(),
            identity: choices.identity.clone(),
            kind: choices.fleet,
            said: Vec::new(),
            refusals: 0,
            owed: Timers::default(),
        };
        for (kind, doc) in
            machines.into_iter().map(|doc| (Kind::Instance, doc)).chain(objects.into_iter().map(|(k, d)| (k.kind, d)))
        {
            deputy.put(kind, doc);
        }
        // It knows all of this from its caches, as a process that has just begun to lead.
        deputy.karpenter = Karpenter::new(&deputy.cluster.profile);
        deputy.karpenter.equip(match choices.fleet {
            FleetKind::Kwok => Busy::whole(),
            FleetKind::NodeClaim => Busy::deciding(),
        });
        deputy.karpenter.list(&deputy.cluster.view());
        (deputy, notes)
    }

    pub fn store(&self) -> &Store {
        &self.cluster.store
    }

    pub fn unix_ms(&self, at: SimTime) -> i64 {
        self.cluster.view().unix_ms_of(at)
    }

    /// What the offering costs an hour.
    pub fn price_micro(&self, instance_type: &str, zone: &str, capacity_type: &str) -> Option<i64> {
        self.cluster.market.price_micro(instance_type, zone, capacity_type)
    }

    pub fn era(&self) -> Era {
        self.cluster.profile.era
    }

    pub fn names(&self) -> &'static Names {
        Names::of(self.cluster.profile.api())
    }

    /// The version of an object that its controllers know.
    pub fn version(&self, key: &ObjectKey) -> Option<&Version> {
        self.versions.get(key)
    }

    fn wakes(&self) -> [Option<SimTime>; 4] {
        [self.fleet.wake_at(), self.instances.wake_at(), self.karpenter.wake_at(), self.owed.next()]
    }

    /// When the next controller is due, Unix milliseconds.
    pub fn wake_at_ms(&self) -> Option<i64> {
        self.wakes().into_iter().flatten().min().map(|t| self.cluster.view().unix_ms_of(t))
    }

    /// What controllers have said since the last call.
    pub fn take_said(&mut self) -> Vec<Said> {
        std::mem::take(&mut self.said)
    }

    /// What controllers have said that nobody has taken yet.
    pub fn said(&self) -> &[Said] {
        &self.said
    }

    /// Brings to its end what was begun, and decides nothing more.
    pub fn finish(&mut self) {
        self.karpenter.equip(match self.kind {
            FleetKind::Kwok => Busy::finishing(),
            FleetKind::NodeClaim => Busy::finishing_commands(),
        });
    }

    /// Whether claims or nodes come up or go.
    pub fn is_under_way(&self) -> bool {
        let (store, claim) = (self.store(), self.names().claim);
        let is_going =
            |node: &Object| node.meta.is_deleting() || node.node().is_some_and(|n| n.taints.iter().any(|t| t.key == DISRUPTED));
        store.list(claim).any(|c| c.meta.is_deleting() || !c.claim().is_some_and(|c| c.initialized))
            || store.list(Kind::Node).any(|n| is_going(n))
    }

    /// An object as the server has it now. Older news than what is known are none.
    pub fn see(&mut self, kind: Kind, mut doc: Value) {
        let (key, version) = identify(kind, &doc);
        if self.versions.get(&key).is_some_and(|known| known.uid == version.uid && !is_newer(&version, known)) {
            return;
        }
        own::read(&mut doc, self.era(), self.kind);
        doc.remove_at("metadata.managedFields");
        self.versions.insert(key, version);
        self.put(kind, doc);
    }

    /// The object is gone. One of the same name that came after it stays.
    pub fn lose(&mut self, key: &ObjectKey, uid: &str) {
        if self.versions.get(key).is_some_and(|known| uid.is_empty() || known.uid == uid) {
            self.versions.remove(key);
            let before = self.cluster.store.revision();
            self.cluster.store.remove(key, self.cluster.now);
            self.deliver(before);
        }
    }

    /// All that there is of a kind, after a time in which changes were missed: what is not among it is gone.
    pub fn only(&mut self, kind: Kind, names: &VecSet<ObjectKey>) {
        let gone: Vec<ObjectKey> = self.versions.keys().filter(|k| k.kind == kind && !names.contains(*k)).cloned().collect();
        for key in gone {
            self.lose(&key, "");
        }
    }

    /// Lets the next controller run that is due; `None` where none is.
    pub fn turn(&mut self, now_ms: i64) -> Option<Turn> {
        let now = self.cluster.view().sim_time(now_ms);
        // A clock that was put back stands still until it has caught up.
        self.cluster.now = self.cluster.now.max(now);
        let now = self.cluster.now;
        let actor = self.wakes().iter().position(|t| t.is_some_and(|t| t <= now))?;
        let view = self.cluster.view();
        let intents = match actor {
            0 => self.fleet.act(&view),
            1 => self.instances.act(&view),
            2 => self.karpenter.act(&view),
            _ => self.owed.pop_due(now).and_then(|(key, uid)| owed(&self.cluster.store, key, &uid)).into_iter().collect(),
        };
        let before = self.cluster.store.revision();
        let mut turn = Turn { actor, intents: Vec::new(), settled: Vec::new() };
        for intent in intents {
            match &intent.action {
                Action::Log(line) => self.said.push(Said::Log(line.clone())),
                Action::Decide(decision) => self.said.push(Said::Decision(decision.clone())),
                // What kubelets say is for kubelets to say.
                Action::Event(note) if note.component != crate::controllers::COMPONENT => {}
                action if self.is_others(action) => {}
                Action::Delete { key, .. } if key.kind == Kind::FleetRequest => turn.settled.push(key.clone()),
                action if self.is_local(action) => self.execute(action),
                _ => turn.intents.push(self.signed(intent)),
            }
        }
        // A launch whose record the server refuses would be done again if the fleet's answer were lost.
        let (kept, settled) = std::mem::take(&mut turn.settled).into_iter().partition(|k| self.is_of_claim(k, &turn.intents));
        turn.settled = kept;
        self.forget(settled);
        self.deliver(before);
        Some(turn)
    }

    /// What the server said to an intent of the turn.
    pub fn answered(&mut self, turn: &Turn, intent: &Intent, answer: Result<Answer, ApiError>) {
        let key = key_of(&intent.action);
        match (answer, key) {
            (Ok(answer), Some(key)) => {
                match answer {
                    Answer::Object(doc) => self.see(key.kind, doc),
                    Answer::Gone => self.lose(&key, ""),
                    Answer::Done => {}
                }
                let before = self.cluster.store.revision();
                self.forget(
                    turn.settled.iter().filter(|k| k.name == key.name && key.kind == self.names().claim).cloned().collect(),
                );
                self.deliver(before);
            }
            (Ok(_), None) => {}
            (Err(error), _) => {
                let view = self.cluster.view();
                match turn.actor {
                    0 => self.fleet.refused(intent, &error, &view),
                    1 => self.instances.refused(intent, &error, &view),
                    _ => self.karpenter.refused(intent, &error, &view),
                }
                let wait = RETRY_MS.saturating_mul(1 << self.refusals.min(6)).min(RETRY_MAX_MS);
                let again = self.cluster.now + wait;
                match &intent.action {
                    Action::Delete { key, .. } if error.reason != Reason::NotFound => {
                        if let Some(object) = self.cluster.store.get(key) {
                            self.owed.set((key.clone(), object.meta.uid.clone()), again);
                        }
                    }
                    // Evictions have a queue of their own, which has been told.
                    Action::Evict { .. } | Action::Event(_) => return,
                    _ => self.karpenter.retry(again),
                }
                self.refusals = self.refusals.saturating_add(1);
                return;
            }
        }
        self.refusals = 0;
    }

    /// Whether one of the intents is about the claim of a request to the fleet, which has its name.
    fn is_of_claim(&self, request: &ObjectKey, intents: &[Intent]) -> bool {
        let claim = self.names().claim;
        intents.iter().filter_map(|i| key_of(&i.action)).any(|key| key.kind == claim && key.name == request.name)
    }

    fn forget(&mut self, requests: Vec<ObjectKey>) {
        requests.into_iter().for_each(|key| self.execute(&Action::Delete { key, grace_s: None }));
    }

    /// Does what is this process's own affair.
    fn execute(&mut self, action: &Action) {
        let (store, ctx) = self.cluster.writer();
        // A record that is gone needs no more writing.
        let _ = exec::execute(store, &ctx, action);
    }

    fn signed(&self, mut intent: Intent) -> Intent {
        if let Action::Create(doc) = &mut intent.action {
            let is_played = doc.str_at("kind") == Some(Kind::Node.name());
            own::sign(doc, &self.identity, is_played);
        }
        intent
    }

    /// Whether the object is this process's own affair: the cloud, node classes of a kind that the server has not, and what is
    /// said of pools that the installed Karpenter speaks of too.
    fn is_local(&self, action: &Action) -> bool {
        let is = |kind: Kind| kind.is_internal() || self.is_stand_in(kind) || self.delegates() && kind == self.names().pool;
        key_of(action).is_some_and(|key| is(key.kind))
    }

    /// Whether it is for the installed Karpenter to do.
    fn is_others(&self, action: &Action) -> bool {
        self.delegates() && key_of(action).is_some_and(|key| key.kind == self.names().node_class)
    }

    fn delegates(&self) -> bool {
        self.kind == FleetKind::NodeClaim
    }

    fn is_stand_in(&self, kind: Kind) -> bool {
        kind == self.names().node_class && !self.served.contains(&kind)
    }

    fn put(&mut self, kind: Kind, doc: Value) {
        let before = self.cluster.store.revision();
        self.cluster.store.put(kind, doc, self.cluster.now);
        self.stand_in(kind);
        self.deliver(before);
    }

    /// Where the server has no node classes of this kind, each that a pool names is there all the same.
    fn stand_in(&mut self, changed: Kind) {
        let names = self.names();
        if changed != names.pool || !self.is_stand_in(names.node_class) {
            return;
        }
        let wanted = self.cluster.store.list(names.pool).filter_map(|p| Some(p.pool()?.node_class.clone()));
        let missing: VecSet<String> =
            wanted.filter(|name| !name.is_empty() && self.cluster.store.cluster(names.node_class, name).is_none()).collect();
        for name in &missing {
            self.cluster.store.put(names.node_class, stand_in_class(name, names.era.into()), self.cluster.now);
        }
    }

    /// Shows every change after `revision` to all controllers.
    fn deliver(&mut self, revision: u64) {
        let changes: Vec<Arc<Change>> =
            self.cluster.store.changes_since(revision).map(|c| c.cloned().collect()).unwrap_or_default();
        let view = self.cluster.view();
        for change in &changes {
            self.fleet.observe(change, &view);
            self.instances.observe(change, &view);
            self.karpenter.observe(change, &view);
        }
    }
}

/// The deletion that is still to be done.
fn owed(store: &Store, key: ObjectKey, uid: &str) -> Option<Intent> {
    store.get(&key).filter(|o| o.meta.uid == uid && !o.meta.is_deleting())?;
    Some(Intent::new(Action::Delete { key, grace_s: None }, "its deletion was refused"))
}

/// Name and version of a document.
pub fn identify(kind: Kind, doc: &Value) -> (ObjectKey, Version) {
    let text = |path: &str| doc.str_at(path).unwrap_or_default().to_owned();
    (ObjectKey::of(kind, doc), Version { uid: text("metadata.uid"), resource: text("metadata.resourceVersion") })
}

/// Resource versions are numbers that grow, which servers promise since 1.35 and have kept since etcd 3; what is no number
/// is taken as newer.
fn is_newer(version: &Version, known: &Version) -> bool {
    match (version.resource.parse::<u64>(), known.resource.parse::<u64>()) {
        (Ok(new), Ok(old)) => new > old,
        _ => true,
    }
}

/// The object that an action is about; `None` for one that no executor is asked for.
pub fn key_of(action: &Action) -> Option<ObjectKey> {
    match action {
        Action::Create(doc) => {
            let kind = Kind::of(doc.str_at("apiVersion")?, doc.str_at("kind")?)?;
            Some(identify(kind, doc).0)
        }
        Action::Patch { key, .. } | Action::Delete { key, .. } => Some(key.clone()),
        Action::Evict { pod, .. } | Action::Bind { pod, .. } => Some(pod.clone()),
        Action::Event(_) | Action::Log(_) | Action::Decide(_) => None,
    }
}
