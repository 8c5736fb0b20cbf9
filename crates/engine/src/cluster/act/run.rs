//! The loop: news in, one controller's turn, its writes, their answers; until it is told to stop or is no longer the leader.

use super::deputy::{Answer, Choices, Deputy, Said, Turn, identify, key_of};
use super::events::Events;
use super::lease::{self, Attempt, Lease};
use super::metrics::{self, Metrics, Series};
use super::own::FleetKind;
use super::warrant::{Step, Warrant};
use super::wire::{Failure, Hands, Known};
use super::{guard, record};
use crate::Era;
use crate::actor::{Action, Intent};
use crate::cluster::observe::{self, ObserveError, Options, PLANNED, READ};
use crate::cluster::rights::{self, Right, Verb};
use crate::cluster::watch::{News, watch};
use kube::Client;
use kube::api::ListParams;
use objects::collections::{VecMap, VecSet};
use objects::{ApiError, Kind, ObjectKey, Value};
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use tokio::sync::{mpsc, watch as flag};

/// What is chosen before it begins.
#[derive(Clone, Debug)]
pub struct Settings {
    pub cluster: Options,
    /// Region of prices and types; that of the nodes where it is left out.
    pub region: Option<String>,
    pub fleet: FleetKind,
    /// The instance types file of the installed Karpenter's kwok provider; what it is built with where it is left out.
    pub types: Option<String>,
    /// Machines join so long after their launch; as EC2's do where it is left out.
    pub boot_ms: Option<u64>,
    /// Claims that are made or deleted within a minute at most.
    pub budget: usize,
    /// Where the Lease is kept.
    pub namespace: String,
    /// Names this process, and no other.
    pub identity: String,
    pub seed: u64,
    /// A saved plan, which is carried out and nothing else.
    pub plan: Option<Vec<Step>>,
    /// The present, Unix milliseconds.
    pub clock: fn() -> i64,
}

/// Why it ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was asked to.
    Stopped,
    /// Another process leads.
    LeaseLost,
    /// The saved plan was carried out.
    Done,
}

#[derive(Debug, thiserror::Error)]
pub enum ActError {
    #[error(transparent)]
    Cluster(#[from] ObserveError),
    #[error("cannot act on this cluster: {0}")]
    Missing(String),
    #[error("will not act on this cluster: {0}")]
    Objections(String),
    #[error("{0}")]
    OffPlan(String),
}

const MINUTE_MS: i64 = 60_000;
/// Waits between attempts at a server that does not answer.
const PAUSE: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(15);
/// The longest sleep: the stop flag and the lease are looked at in between.
const NAP: Duration = Duration::from_millis(1_000);

/// Looks after the cluster until the process is told to stop (SIGINT, SIGTERM). `sink` is given every decision, log line and
/// write, `metrics` counts them.
///
/// # Errors
/// A cluster that cannot be read, has no Karpenter API, or is looked after by somebody else.
pub fn act(settings: &Settings, metrics: &Metrics, sink: &mut dyn FnMut(Value)) -> Result<Ended, ActError> {
    observe::runtime()?.block_on(lead(settings, metrics, sink))
}

async fn lead(settings: &Settings, metrics: &Metrics, sink: &mut dyn FnMut(Value)) -> Result<Ended, ActError> {
    let client = observe::connect(&settings.cluster).await?;
    let missing = rights::missing(&client, verb(settings.fleet).rights(&settings.namespace)).await?;
    let (docs, absent) = survey(&client, &missing).await?;
    permit(missing, &absent, settings)?;
    let era = era(&absent)?;
    if settings.fleet == FleetKind::NodeClaim && era != Era::V1 {
        return Err(ActError::Missing("--fleet nodeclaim needs NodePools and NodeClaims of karpenter.sh/v1".to_owned()));
    }
    let client = observe::plain(&settings.cluster).await?;
    let hands = Hands { client, era, fleet: settings.fleet, identity: settings.identity.clone(), evicting: RefCell::default() };
    let (stop, stopped) = flag::channel(false);
    tokio::spawn(async move {
        observe::told_to_stop().await;
        let _ = stop.send(true);
    });
    refuse(&docs, &hands, settings).await?;
    metrics.has_read();
    let mut lease = Lease::new(&settings.namespace, settings.clock);
    let mut told = String::new();
    loop {
        let standby = match lease.attempt(&hands).await {
            Attempt::Held => break,
            Attempt::Others(holder) => format!("waits for the Lease, which {holder} holds"),
            Attempt::Unknown(message) => format!("cannot get the Lease: {message}"),
        };
        if standby != told {
            sink(record::note((settings.clock)(), &standby));
            told = standby;
        }
        if nap(&stopped, lease::RETRY).await {
            return Ok(Ended::Stopped);
        }
    }
    let watches = observe::watching(&settings.cluster).await?;
    let kinds: Vec<Kind> = kinds().filter(|k| !absent.contains(k)).collect();
    let (inbox, news) = mpsc::unbounded_channel();
    for kind in &kinds {
        tokio::spawn(watch(watches.clone(), *kind, whole, inbox.clone()));
    }
    let served: VecSet<Kind> = kinds.iter().copied().collect();
    let mut autoscaler = Autoscaler {
        settings,
        metrics,
        shown: VecSet::new(),
        hands,
        lease,
        news,
        stopped,
        sink,
        listed: VecMap::new(),
        events: Events::default(),
        spent: VecDeque::new(),
        objection: None,
    };
    let ended = autoscaler.work(era, served).await;
    let hands = &autoscaler.hands;
    autoscaler.lease.release(hands).await;
    ended
}

fn verb(fleet: FleetKind) -> Verb {
    match fleet {
        FleetKind::Kwok => Verb::Act,
        FleetKind::NodeClaim => Verb::ActNodeClaim,
    }
}

/// All of an object is kept.
fn whole(_: Kind, _: &mut Value) {}

fn kinds() -> impl Iterator<Item = Kind> {
    READ.into_iter().chain(PLANNED)
}

/// What there is, and which kinds there are not. Those that may not be listed are left out.
async fn survey(client: &Client, missing: &[Right]) -> Result<(Vec<(Kind, Value)>, VecSet<Kind>), ActError> {
    let (mut docs, mut absent) = (Vec::new(), VecSet::new());
    for kind in kinds().filter(|k| !missing.iter().any(|r| r.verb == "list" && is_about(r, *k))) {
        match observe::read_kind(client, kind, &mut |kind, doc| docs.push((kind, doc))).await {
            Ok(()) => {}
            Err(observe::Refusal::Absent) => {
                absent.insert(kind);
            }
            Err(observe::Refusal::Forbidden(message) | observe::Refusal::Failed(message)) => {
                return Err(ObserveError::Unreachable(message).into());
            }
        }
    }
    Ok((docs, absent))
}

fn is_about(right: &Right, kind: Kind) -> bool {
    (right.resource.as_str(), right.group.as_str()) == (kind.info().plural, kind.info().group)
}

/// Nothing is begun that could not be brought to its end. Of kinds that the server has not, no more is needed than to see that.
fn permit(mut missing: Vec<Right>, absent: &VecSet<Kind>, settings: &Settings) -> Result<(), ActError> {
    missing.retain(|right| !absent.iter().any(|kind| is_about(right, *kind)));
    if missing.is_empty() {
        return Ok(());
    }
    let fleet = if settings.fleet == FleetKind::NodeClaim { " --fleet nodeclaim" } else { "" };
    Err(ActError::Missing(format!(
        "no permission to {} (`nodewright rbac act{fleet} --namespace {}` prints all that it needs, for kubectl apply)",
        rights::words(&missing),
        settings.namespace
    )))
}

fn era(absent: &VecSet<Kind>) -> Result<Era, ActError> {
    let has = |kinds: [Kind; 2]| kinds.iter().all(|k| !absent.contains(k));
    if has([Kind::NodePool, Kind::NodeClaim]) {
        return Ok(Era::V1);
    }
    if has([Kind::Provisioner, Kind::Machine]) {
        return Ok(Era::V1alpha5);
    }
    Err(ActError::Missing(
        "the server has no NodePools and NodeClaims: install Karpenter's CRDs (docs/act.md says how)".to_owned(),
    ))
}

async fn refuse(docs: &[(Kind, Value)], hands: &Hands, settings: &Settings) -> Result<(), ActError> {
    let mut leases = Vec::new();
    for name in guard::LEASES {
        let named = ListParams::default().fields(&format!("metadata.name={name}"));
        let list = hands.api(Kind::Lease, "").list(&named).await;
        let list = list.map_err(|error| {
            ObserveError::Unreachable(format!("whether another autoscaler is at work cannot be seen: {}", observe::chain(&error)))
        })?;
        leases.extend(list.items.into_iter().map(super::wire::value));
    }
    let objections = guard::objections(docs, &leases, hands.era, settings.fleet, (settings.clock)());
    if objections.is_empty() { Ok(()) } else { Err(ActError::Objections(objections.join("; "))) }
}

/// Sleeps; true where the process is to stop.
async fn nap(stopped: &flag::Receiver<bool>, time: Duration) -> bool {
    let mut stopped = stopped.clone();
    if *stopped.borrow() {
        return true;
    }
    // A sender that is gone tells as little as one that says nothing.
    let told = tokio::time::timeout(time, stopped.changed()).await.is_ok();
    told && *stopped.borrow_and_update()
}

struct Autoscaler<'a> {
    settings: &'a Settings,
    metrics: &'a Metrics,
    /// What the gauges showed last.
    shown: VecSet<Series>,
    hands: Hands,
    lease: Lease,
    news: mpsc::UnboundedReceiver<News>,
    stopped: flag::Receiver<bool>,
    sink: &'a mut dyn FnMut(Value),
    /// Kinds whose list is under way, and the names in it so far.
    listed: VecMap<Kind, VecSet<ObjectKey>>,
    events: Events,
    /// When claims were made or deleted within the last minute.
    spent: VecDeque<i64>,
    /// Why it may not go on.
    objection: Option<String>,
}

impl Autoscaler<'_> {
    fn now(&self) -> i64 {
        (self.settings.clock)()
    }

    fn note(&mut self, text: &str) {
        let line = record::note(self.now(), text);
        (self.sink)(line);
    }

    async fn work(&mut self, era: Era, served: VecSet<Kind>) -> Result<Ended, ActError> {
        let Some(docs) = self.first_lists(&served).await else { return Ok(Ended::Stopped) };
        let choices = Choices {
            at_ms: self.now(),
            seed: self.settings.seed,
            region: self.settings.region.clone(),
            fleet: self.settings.fleet,
            types: self.settings.types.clone(),
            boot_ms: self.settings.boot_ms,
            identity: self.settings.identity.clone(),
            served,
        };
        let (mut deputy, notes) = Deputy::new(docs, era, &choices);
        notes.iter().for_each(|n| self.note(n));
        let mut warrant = self.settings.plan.clone().map(Warrant::new);
        if let Some(objection) = warrant.as_ref().and_then(|w| w.objection(deputy.store())) {
            return Err(ActError::OffPlan(objection));
        }
        self.note("leads");
        let mut renewed = self.now();
        let mut looked = 0;
        loop {
            while let Ok(news) = self.news.try_recv() {
                self.hear(news, &mut deputy);
            }
            if let Some(objection) = self.objection.take() {
                return Err(ActError::Objections(objection));
            }
            if *self.stopped.borrow() {
                self.note("stops");
                return Ok(Ended::Stopped);
            }
            if self.now() - renewed >= i64::try_from(lease::RETRY.as_millis()).unwrap_or(i64::MAX) {
                renewed = self.now();
                if !self.renew().await {
                    return Ok(Ended::LeaseLost);
                }
            }
            if self.now() - looked >= metrics::PERIOD_MS {
                looked = self.now();
                self.metrics.show(&deputy, self.listed.is_empty(), &mut self.shown);
            }
            let now = self.now();
            match warrant.as_mut().and_then(|w| w.ended(&deputy, now)) {
                Some(Ok(())) => return Ok(Ended::Done),
                Some(Err(objection)) => return Err(ActError::OffPlan(objection)),
                None => {}
            }
            let turn = match &mut warrant {
                Some(warrant) => warrant.turn(&mut deputy, now),
                None => deputy.turn(now),
            };
            if let Some(news) = warrant.as_mut().and_then(Warrant::take_news) {
                self.note(&news);
            }
            if let Some(turn) = turn {
                let reason = self.tell(&mut deputy);
                for intent in &turn.intents {
                    if let Some(ended) = self.carry_out(&turn, intent, reason, &mut deputy).await {
                        return Ok(ended);
                    }
                }
                continue;
            }
            let until = deputy.wake_at_ms().map_or(i64::MAX, |at| at.saturating_sub(self.now()).max(1));
            let nap = NAP.min(Duration::from_millis(u64::try_from(until).unwrap_or(1)));
            if let Ok(Some(news)) = tokio::time::timeout(nap, self.news.recv()).await {
                self.hear(news, &mut deputy);
            }
        }
    }

    /// Everything that there is, when all kinds have been listed; `None` where the process is to stop before.
    async fn first_lists(&mut self, served: &VecSet<Kind>) -> Option<Vec<(Kind, Value)>> {
        let mut objects: BTreeMap<ObjectKey, Value> = BTreeMap::new();
        let mut left = served.clone();
        while !left.is_empty() {
            if *self.stopped.borrow() {
                return None;
            }
            let Ok(Some(news)) = tokio::time::timeout(NAP, self.news.recv()).await else { continue };
            match news {
                News::Begins(kind) => objects.retain(|key, _| key.kind != kind),
                News::Object(kind, doc) => {
                    objects.insert(identify(kind, &doc).0, doc);
                }
                News::Gone(kind, doc) => {
                    objects.remove(&identify(kind, &doc).0);
                }
                News::Complete(kind) => {
                    left.remove(&kind);
                }
                News::Trouble(kind, message) => self.note(&format!("cannot watch {}: {message}", kind.resource())),
            }
        }
        Some(objects.into_iter().map(|(key, doc)| (key.kind, doc)).collect())
    }

    fn hear(&mut self, news: News, deputy: &mut Deputy) {
        match news {
            News::Begins(kind) => {
                self.listed.insert(kind, VecSet::new());
            }
            News::Object(kind, doc) => {
                if self.settings.fleet == FleetKind::NodeClaim {
                    self.objection = guard::launches_itself(kind, &doc).or(self.objection.take());
                }
                if let Some(names) = self.listed.get_mut(&kind) {
                    names.insert(identify(kind, &doc).0);
                }
                deputy.see(kind, doc);
            }
            News::Complete(kind) => {
                if let Some(names) = self.listed.remove(&kind) {
                    deputy.only(kind, &names);
                }
            }
            News::Gone(kind, doc) => {
                deputy.lose(&identify(kind, &doc).0, objects::DocExt::str_at(&doc, "metadata.uid").unwrap_or_default())
            }
            News::Trouble(kind, message) => self.note(&format!("cannot watch {}: {message}", kind.resource())),
        }
    }

    /// Writes down what controllers have said. Gives the reason of a disruption that is among it.
    fn tell(&mut self, deputy: &mut Deputy) -> Option<&'static str> {
        let mut reason = None;
        for one in &deputy.take_said() {
            (self.sink)(record::said(one, |at| deputy.unix_ms(at)));
            if let Said::Decision(decision) = one {
                reason = self.metrics.decided(decision, deputy.store(), deputy.names()).or(reason);
            }
        }
        reason
    }

    /// False where another process leads, or nobody can tell.
    async fn renew(&mut self) -> bool {
        match self.lease.attempt(&self.hands).await {
            Attempt::Held => true,
            Attempt::Others(holder) => {
                self.note(&format!("lost the Lease to {holder}"));
                false
            }
            Attempt::Unknown(message) => {
                let held = self.lease.is_held();
                if !held {
                    self.note(&format!("cannot renew the Lease: {message}"));
                }
                held
            }
        }
    }

    /// Carries an intent out, waiting for a server that does not answer. Gives a reason to end, if there is one.
    async fn carry_out(&mut self, turn: &Turn, intent: &Intent, reason: Option<&str>, deputy: &mut Deputy) -> Option<Ended> {
        if let Action::Event(note) = &intent.action {
            if note.reason == "Evicted" {
                self.metrics.evicted(&note.message);
            }
            let uid = deputy.store().get(&note.about).map(|o| o.meta.uid.clone()).unwrap_or_default();
            let now = self.now();
            self.events.post(note, &uid, &self.hands, now).await;
            return None;
        }
        let key = key_of(&intent.action)?;
        if let Some(ended) = self.within_budget(&intent.action, key.kind).await {
            return Some(ended);
        }
        let mut pause = PAUSE;
        let mut told = false;
        loop {
            // Before every write: whoever has lost the Lease writes no more.
            if !self.lease.is_held() && !self.renew().await {
                return Some(Ended::LeaseLost);
            }
            let known = known(&key, deputy);
            let line = record::write(self.now(), intent, known.as_ref(), None);
            (self.sink)(line);
            let done = self.hands.carry_out(&intent.action, known.as_ref()).await;
            let now = self.now();
            if let (Action::Evict { .. }, Some(code)) = (&intent.action, code(&done)) {
                self.metrics.asked_to_evict(code);
            }
            match done {
                Ok(answer) => {
                    let reason = match &intent.action {
                        Action::Delete { .. } => metrics::terminating(&turn.intents),
                        _ => reason,
                    };
                    self.metrics.written(intent, known.as_ref(), deputy.names(), reason, now);
                    (self.sink)(record::write(now, intent, known.as_ref(), Some(Ok(()))));
                    deputy.answered(turn, intent, Ok(answer));
                    return None;
                }
                Err(Failure::Refused(error)) => {
                    (self.sink)(record::write(now, intent, known.as_ref(), Some(Err(&error))));
                    self.refused(turn, intent, error, deputy);
                    return None;
                }
                Err(Failure::Unanswered { message, wait, .. }) => {
                    if !told {
                        self.note(&format!("no answer: {message}; tries again"));
                        told = true;
                    }
                    let wait = wait.unwrap_or(pause).min(PAUSE_MAX);
                    pause = (pause * 2).min(PAUSE_MAX);
                    let until = self.now().saturating_add_unsigned(u64::try_from(wait.as_millis()).unwrap_or(0));
                    while self.now() < until {
                        if nap(&self.stopped, NAP.min(wait)).await {
                            return Some(Ended::Stopped);
                        }
                        if !self.renew().await {
                            return Some(Ended::LeaseLost);
                        }
                    }
                }
            }
        }
    }

    fn refused(&mut self, turn: &Turn, intent: &Intent, error: ApiError, deputy: &mut Deputy) {
        let gone = error.reason == objects::Reason::NotFound && !matches!(intent.action, Action::Create(_));
        deputy.answered(turn, intent, Err(error));
        if gone {
            // The watch will say so too.
            deputy.answered(turn, intent, Ok(Answer::Gone));
        }
    }

    /// Waits until a claim may be made or deleted.
    async fn within_budget(&mut self, action: &Action, kind: Kind) -> Option<Ended> {
        if !is_claim(kind) || !matches!(action, Action::Create(_) | Action::Delete { .. }) {
            return None;
        }
        let mut told = false;
        loop {
            let now = self.now();
            while self.spent.front().is_some_and(|at| now - at >= MINUTE_MS) {
                self.spent.pop_front();
            }
            if self.spent.len() < self.settings.budget.max(1) {
                self.spent.push_back(now);
                return None;
            }
            if !told {
                self.note(&format!("waits: {} claims were made or deleted within a minute", self.spent.len()));
                told = true;
            }
            if nap(&self.stopped, NAP).await {
                return Some(Ended::Stopped);
            }
            if !self.renew().await {
                return Some(Ended::LeaseLost);
            }
        }
    }
}

/// The code of an answer, where there was one; 200 of any that was no refusal.
fn code(done: &Result<Answer, Failure>) -> Option<u16> {
    match done {
        Ok(_) => Some(200),
        Err(Failure::Refused(error)) => Some(error.reason.code()),
        Err(Failure::Unanswered { code, .. }) => *code,
    }
}

fn is_claim(kind: Kind) -> bool {
    matches!(kind, Kind::NodeClaim | Kind::Machine)
}

fn known(key: &ObjectKey, deputy: &Deputy) -> Option<Known> {
    let version = deputy.version(key)?.clone();
    Some(Known { version, doc: deputy.store().get(key)?.doc.clone() })
}
