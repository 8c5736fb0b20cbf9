//! A session: a scenario and a log of timed requests; everything else is computed from them.

mod cloud;
mod history;
mod housekeeping;
mod invariants;
mod leader;
mod mirror;
#[cfg(test)]
mod misfortunes;
#[cfg(test)]
mod pace;
mod parts;
#[cfg(test)]
mod properties;
mod request;
mod scenario;
mod share;
#[cfg(test)]
mod tests;
mod travel;
#[cfg(test)]
mod witness;
mod world;

pub use crate::logs::LOG_LINES;
pub use cloud::{CloudEvent, CloudWhat};
pub use history::{Branch, MAX_BRANCHES};
pub use invariants::check_invariants;
pub use parts::Parts;
pub use request::{MAX_PODS, MAX_REQUEST_BYTES};
pub use scenario::{KWOK, LAB, LAB_REGION, LAB_SEED, OBSERVED, SCENARIOS, SETTLE_MS, Scenario};
pub use share::{MAX_SHARED_DOCS, MAX_SHARED_ENTRIES, Replay, SHARE_VERSION};
pub use travel::NextEvent;
pub use world::{Cluster, RUNS_PER_INSTANT, World};

use crate::SimTime;
use crate::decisions::Decision;
use crate::logs::LogLine;
use crate::pricing::{Ledger, Market};
use crate::profile::Profile;
use crate::store::Store;
use history::History;
use objects::{ApiError, Kind, Object, ObjectKey, Value};
use std::cell::OnceCell;
use std::rc::Rc;
use std::sync::Arc;

/// What a user asks of the API server (or of the cloud). Session requests are the only input after the scenario.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    Create {
        doc: Value,
        dry_run: bool,
        validation: Validation,
    },
    /// kubectl's client-side apply: create, or three-way merge against `last-applied-configuration`.
    Apply {
        doc: Value,
        dry_run: bool,
        validation: Validation,
    },
    Replace {
        doc: Value,
        dry_run: bool,
        validation: Validation,
    },
    Patch {
        key: ObjectKey,
        patch: Value,
        style: PatchStyle,
        dry_run: bool,
    },
    Scale {
        key: ObjectKey,
        replicas: i64,
        dry_run: bool,
    },
    Delete {
        key: ObjectKey,
        grace_s: Option<i64>,
        dry_run: bool,
    },
    Evict {
        pod: ObjectKey,
        grace_s: Option<i64>,
        dry_run: bool,
    },
    /// The cloud's two-minute notice for the instance behind a node.
    InterruptSpot {
        node: String,
    },
    /// Other misfortunes of the cloud.
    Cloud(CloudEvent),
}

pub use objects::Validation;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatchStyle {
    Merge,
    Strategic,
    Json,
}

impl PatchStyle {
    /// The style in which `kubectl apply` patches a kind: those of CRDs have no strategic one.
    pub fn of_apply(kind: Kind) -> PatchStyle {
        if kind.is_crd() { PatchStyle::Merge } else { PatchStyle::Strategic }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Created,
    Configured,
    Unchanged,
    Deleted,
    Done,
}

/// What an accepted request did.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub verdict: Verdict,
    /// The object as stored (for deletions: as it was).
    pub object: Option<Arc<Object>>,
    /// `Warning:` lines for standard error.
    pub warnings: Vec<String>,
}

/// One accepted request with its time and the line a person typed for it.
#[derive(Clone, Debug, PartialEq)]
pub struct LogEntry {
    pub at: SimTime,
    pub line: String,
    pub request: Request,
    /// Entries of one group were typed as one line and are undone together.
    pub group: u32,
}

/// What the panes read: an immutable picture of one instant. Cloning parts is cheap.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub now: SimTime,
    /// When the user's session began: the start cluster was settled in simulated time before it.
    pub start: SimTime,
    pub epoch_ms: i64,
    pub profile: Profile,
    pub region: String,
    pub seed: u64,
    pub store: Store,
    pub ledger: Arc<Ledger>,
    /// Karpenter's controller log, oldest first (bounded; see `LOG_LINES`).
    pub logs: Arc<Vec<Arc<LogLine>>>,
    pub decisions: Arc<Vec<Arc<Decision>>>,
    /// Hash of everything that happened; equal inputs give equal hashes.
    pub hash: u64,
}

impl Snapshot {
    /// Milliseconds since the user's session began.
    pub fn elapsed_ms(&self) -> u64 {
        self.now.since(self.start)
    }

    pub fn unix_ms(&self) -> i64 {
        self.epoch_ms.saturating_add_unsigned(self.now.0)
    }
}

/// What a person has seen of the cluster by a command that succeeded; lessons check these, never command text.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    /// Objects were listed or printed: which, by which selector, and which label keys were visible.
    Listed {
        kind: Kind,
        names: Vec<String>,
        selector: String,
        labels: Vec<String>,
    },
    Described {
        kind: Kind,
        name: String,
    },
    /// A line of the controller log reached the terminal (after `grep` and the like).
    Log(Arc<LogLine>),
    /// eks-node-viewer was on screen.
    NodeViewer,
}

/// How far an [`Session::advance`] came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advance {
    /// The target time; nothing before it is left to do.
    Reached,
    /// The work budget ran out; call again.
    Working,
    /// The world stands still until its [`Parts`] are attached.
    Waiting,
}

/// Actor runs that one call may take where the caller sets no budget of its own.
const UNBOUNDED: usize = usize::MAX;

/// A running session. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Session {
    scenario: Scenario,
    /// The world when the user's session began.
    start: Rc<World>,
    /// The world that is shown: the present, or the past while rewound.
    world: World,
    /// The present while the session is rewound.
    head: Option<Rc<World>>,
    history: History,
    picture: OnceCell<Arc<Snapshot>>,
    /// What is shown in place of the world.
    mirror: Option<Arc<Snapshot>>,
}

impl Session {
    /// Creates the scenario's objects and lets the cluster settle in simulated time, so that ages, logs and pods are
    /// real when the user's session begins.
    pub fn new(scenario: Scenario) -> Result<Session, ApiError> {
        Session::begin(scenario, Some(Parts::all()))
    }

    /// The same without its [`Parts`]: until they are attached requests are refused, and a world that needs them waits.
    pub fn at_rest(scenario: Scenario) -> Result<Session, ApiError> {
        Session::begin(scenario, None)
    }

    fn begin(scenario: Scenario, parts: Option<Parts>) -> Result<Session, ApiError> {
        let world = scenario.build(parts)?;
        Ok(Session::of(scenario, world))
    }

    /// A session that begins with this world.
    fn of(scenario: Scenario, world: World) -> Session {
        let start = Rc::new(world.clone());
        Session {
            history: History::new(start.clone()),
            scenario,
            start,
            world,
            head: None,
            picture: OnceCell::new(),
            mirror: None,
        }
    }

    /// Attaches the parts of a session that began at rest.
    pub fn attach(&mut self, parts: Parts) {
        self.touch();
        self.world.attach(parts);
    }

    /// Whether the session stands still because a part is missing.
    pub fn waits_for_parts(&self) -> bool {
        self.world.waits_for_parts()
    }

    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// What the cloud sells in the session's region.
    pub fn market(&self) -> &Market {
        self.world.market()
    }

    /// The time that is shown.
    pub fn now(&self) -> SimTime {
        self.mirror.as_ref().map_or(self.world.now(), |m| m.now)
    }

    /// When the user's session began.
    pub fn start(&self) -> SimTime {
        self.mirror.as_ref().map_or(self.start.now(), |m| m.start)
    }

    /// The world that is shown, for checks and tools.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Says that the next requests belong to a new line, even where its text equals the last one's.
    pub fn begin_line(&mut self) {
        self.history.begin_line();
    }

    /// Carries out a request at the present time, after everything that is due at this instant. `line` is what the
    /// person typed, for history and undo; requests of one line are undone together. A refused request changes nothing
    /// and is not logged. An accepted one while rewound goes on from the past; what came after becomes a branch.
    pub fn request(&mut self, line: &str, request: Request) -> Result<Outcome, ApiError> {
        self.check_own()?;
        self.touch();
        self.finish_instant();
        if request.is_dry_run() {
            return self.world.try_request(&request);
        }
        self.history.check_room()?;
        let before = self.world.clone();
        let outcome = self.world.request(&request)?;
        if let Some(head) = self.head.take() {
            self.history.branch(&head);
            self.history.cut_checkpoints(&before);
        }
        self.history.record(before, line, request);
        Ok(outcome)
    }

    /// Runs everything due up to and including `target`, at most `max_steps` actor runs. While rewound, the recorded
    /// requests happen again at their times until the present is reached.
    pub fn advance(&mut self, target: SimTime, max_steps: usize) -> Advance {
        if self.is_mirror() {
            return Advance::Reached;
        }
        self.touch();
        let mut steps = 0;
        loop {
            let due = self.due_in_replay(target);
            while self.world.step(due.unwrap_or(target)) {
                steps += 1;
                if steps >= max_steps {
                    return Advance::Working;
                }
                if self.head.is_none() {
                    self.history.checkpoint(&self.world);
                }
            }
            if self.world.waits_for_parts() {
                return Advance::Waiting;
            }
            if due.is_none() {
                return Advance::Reached;
            }
            self.replay_next();
        }
    }

    /// Runs everything due up to and including `target`.
    pub fn advance_to(&mut self, target: SimTime) {
        self.advance(target, UNBOUNDED);
    }

    /// When something happens next, if anything is due at all.
    pub fn next_wake(&self) -> Option<SimTime> {
        self.world.next_wake()
    }

    /// Runs what is left to do at the present instant.
    fn finish_instant(&mut self) {
        let now = self.world.now();
        while self.world.step(now) {}
    }

    /// The present instant, built once between changes.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        if let Some(mirror) = &self.mirror {
            return mirror.clone();
        }
        self.picture.get_or_init(|| Arc::new(self.build_snapshot())).clone()
    }

    fn build_snapshot(&self) -> Snapshot {
        let cluster = &self.world.cluster;
        Snapshot {
            now: cluster.now,
            start: self.start.now(),
            epoch_ms: cluster.epoch_ms,
            profile: cluster.profile.clone(),
            region: self.scenario.region.clone(),
            seed: cluster.seed,
            store: cluster.store.clone(),
            ledger: self.world.ledger.clone(),
            logs: self.world.logs.share(),
            decisions: self.world.decisions.share(),
            hash: self.world.hash(),
        }
    }

    /// Accepted requests so far, oldest first; while rewound those of the future too (see [`Session::applied`]).
    pub fn history(&self) -> &[LogEntry] {
        self.history.entries()
    }

    fn touch(&mut self) {
        self.picture.take();
    }
}
