//! A session: a scenario and a log of timed requests; everything else is computed from them.

use crate::decisions::Decision;
use crate::logs::LogLine;
use crate::pricing::Ledger;
use crate::profile::Profile;
use crate::store::Store;
use crate::{Era, SimTime};
use objects::{ApiError, Kind, Object, ObjectKey, Value};
use std::sync::Arc;

/// Where a session starts.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// `karpenter-basics`, or whatever a share record named.
    pub id: String,
    pub seed: u64,
    pub era: Era,
    pub region: String,
    /// Unix milliseconds of `SimTime::ZERO`; fixed by the scenario, never the wall clock.
    pub epoch_ms: i64,
    /// Objects that exist at the start, in the order they are created.
    pub docs: Vec<Value>,
}

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
}

pub use objects::Validation;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatchStyle {
    Merge,
    Strategic,
    Json,
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
}

/// Most lines of controller log kept; the oldest go first.
pub const LOG_LINES: usize = 20_000;

#[derive(Clone, Debug)]
pub struct Session {
    scenario: Scenario,
}

#[allow(unused_variables)]
impl Session {
    pub fn new(scenario: Scenario) -> Result<Session, ApiError> {
        Ok(Session { scenario })
    }

    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    pub fn now(&self) -> SimTime {
        SimTime::ZERO
    }

    /// Carries out a request at the present time. `line` is what the person typed, for history and undo; requests of
    /// one line are undone together. A refused request changes nothing and is not logged.
    pub fn request(&mut self, line: &str, request: Request) -> Result<Outcome, ApiError> {
        Ok(Outcome { verdict: Verdict::Done, object: None, warnings: Vec::new() })
    }

    /// Runs everything due up to and including `target`, at most `max_steps` actor runs.
    pub fn advance(&mut self, target: SimTime, max_steps: usize) -> Advance {
        Advance::Reached
    }

    /// Runs everything due up to and including `target`.
    pub fn advance_to(&mut self, target: SimTime) {}

    /// When something happens next, if anything is due at all.
    pub fn next_wake(&self) -> Option<SimTime> {
        None
    }

    /// The present instant, built once per revision.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::new(Snapshot {
            now: self.now(),
            start: SimTime::ZERO,
            epoch_ms: self.scenario.epoch_ms,
            profile: Profile::of(self.scenario.era),
            region: self.scenario.region.clone(),
            seed: self.scenario.seed,
            store: Store::default(),
            ledger: Arc::default(),
            logs: Arc::default(),
            decisions: Arc::default(),
            hash: 0,
        })
    }

    /// Accepted requests so far, oldest first.
    pub fn history(&self) -> &[LogEntry] {
        &[]
    }

    /// Back to just before the last line; false where there is none.
    pub fn undo(&mut self) -> bool {
        false
    }

    pub fn redo(&mut self) -> bool {
        false
    }

    /// Back to the start of the scenario; undoable.
    pub fn reset(&mut self) {}
}
