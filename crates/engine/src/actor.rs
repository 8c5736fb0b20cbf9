//! The seam between deciding and doing: actors read a [`View`] and return [`Intent`]s; an executor carries them out.

use crate::decisions::Decision;
use crate::kernel::Stream;
use crate::logs::LogLine;
use crate::pricing::Market;
use crate::profile::Profile;
use crate::store::{Change, Store};
use crate::{Era, SimTime};
use objects::{Api, ApiError, ObjectKey, Value};
use std::borrow::Cow;

/// On the namespace kube-system of a cluster that kwok plays: how long a call of the API server takes (`120ms`), as on a
/// machine that has more to do than it can. Without it calls take no longer than their callers count for them.
const CALL_TIME: &str = "nodewright.dev/call-time";
const MAX_CALL_MS: u64 = 1_000;

/// A consistent read of the cluster. In the simulation `store` is the API server itself; on a real cluster it is the
/// cache that watches fill.
#[derive(Clone, Copy)]
pub struct View<'a> {
    pub store: &'a Store,
    pub market: &'a Market,
    pub profile: &'a Profile,
    pub now: SimTime,
    /// Unix milliseconds of `SimTime::ZERO`.
    pub epoch_ms: i64,
    pub seed: u64,
}

impl View<'_> {
    pub fn era(&self) -> Era {
        self.profile.era
    }

    pub fn api(&self) -> Api {
        self.profile.api()
    }

    pub fn unix_ms(&self) -> i64 {
        self.unix_ms_of(self.now)
    }

    pub fn unix_ms_of(&self, t: SimTime) -> i64 {
        self.epoch_ms.saturating_add_unsigned(t.0)
    }

    /// The `SimTime` of Unix milliseconds, zero for what lies before the start.
    pub fn sim_time(&self, unix_ms: i64) -> SimTime {
        SimTime(u64::try_from(unix_ms.saturating_sub(self.epoch_ms)).unwrap_or(0))
    }

    /// The present as an API timestamp (whole seconds).
    pub fn timestamp(&self) -> String {
        objects::time::rfc3339(self.unix_ms())
    }

    /// What a call of the API server takes longer than usual, see [`CALL_TIME`].
    pub fn call_ms(&self) -> u64 {
        if !self.profile.as_recorded {
            return 0;
        }
        let system = self.store.cluster(objects::Kind::Namespace, "kube-system");
        let time = system.and_then(|n| n.meta.annotations.get(CALL_TIME)).and_then(|t| objects::duration::parse_go_ms(t));
        time.and_then(|ms| u64::try_from(ms).ok()).unwrap_or(0).min(MAX_CALL_MS)
    }

    /// The random stream of `purpose` for the object `id`. Two calls give the same stream: fork per object, or keep it.
    pub fn stream(&self, purpose: &str, id: &str) -> Stream {
        Stream::fork(self.seed, purpose, id)
    }
}

/// Everything an actor can ask for.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Creates the object of the document (`apiVersion`, `kind`, `metadata.name` set; the store adds uid and times).
    /// `Instance` and `FleetRequest` documents are requests to the cloud.
    Create(Value),
    /// JSON merge patch (RFC 7386) of the object; lists are replaced whole. Writes `status` too.
    Patch {
        key: ObjectKey,
        patch: Value,
    },
    /// Deletes as the API server does: finalizers keep the object with a deletionTimestamp. For pods `grace_s`
    /// overrides the grace period; 0 removes at once.
    Delete {
        key: ObjectKey,
        grace_s: Option<i64>,
    },
    /// The eviction subresource: refused with 429 where a PodDisruptionBudget forbids.
    Evict {
        pod: ObjectKey,
        grace_s: Option<i64>,
    },
    /// The binding subresource (kube-scheduler only).
    Bind {
        pod: ObjectKey,
        node: String,
    },
    /// A Kubernetes event; equal ones are counted, not repeated.
    Event(EventNote),
    Log(LogLine),
    Decide(Decision),
}

/// What an event says.
#[derive(Clone, Debug, PartialEq)]
pub struct EventNote {
    pub about: ObjectKey,
    pub warning: bool,
    pub reason: String,
    pub message: String,
    /// `source.component`: `karpenter`, `default-scheduler`, `kubelet`.
    pub component: String,
    /// Identical events within this time are dropped (Karpenter's recorder does that); 0 counts every one.
    pub dedupe_ms: u64,
}

/// An action and why it is taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Intent {
    pub action: Action,
    pub why: Cow<'static, str>,
}

impl Intent {
    pub fn new(action: Action, why: impl Into<Cow<'static, str>>) -> Intent {
        Intent { action, why: why.into() }
    }
}

/// Something that watches the cluster and acts at times of its own choosing. Within one instant actors run in a fixed
/// order until none is due; every run sees the store as the previous one left it.
pub trait Actor {
    fn name(&self) -> &'static str;

    /// Called for every change of the store, in order, before anyone acts on it.
    fn observe(&mut self, change: &Change, view: &View<'_>);

    /// When the actor wants to run next; a time in the past means now.
    fn wake_at(&self) -> Option<SimTime>;

    /// Runs at its wake time. It must leave `wake_at` later than `view.now` unless it has more to do at once.
    fn act(&mut self, view: &View<'_>) -> Vec<Intent>;

    /// Whether its run at `now` needs a part that is not attached (see [`crate::session::Parts`]).
    fn waits_for_parts(&self, _now: SimTime) -> bool {
        false
    }

    /// Called when an intent of this actor was refused.
    fn refused(&mut self, _intent: &Intent, _error: &ApiError, _view: &View<'_>) {}
}
