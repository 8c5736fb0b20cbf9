//! Disruption: which nodes go, when, and what comes in their place. Era A ([`blocking`]) does one thing at a time and waits
//! inside its loop; era B ([`flowing`]) decides in a loop and carries out beside it ([`queue`]).
//! Sources: kubernetes-sigs/karpenter pkg/controllers/deprovisioning v0.29.2 and v0.31.4, pkg/controllers/disruption v1.14.1.

mod blocking;
pub(crate) mod budgets;
pub(crate) mod cron;
mod drift;
mod drifting;
mod flowing;
pub mod marks;
mod order;
mod picture;
pub mod pods;
mod queue;
mod record;
mod survey;

use super::context::Cx;
use super::state::{Flux, State};
use crate::SimTime;
use crate::actor::View;
use crate::scheduling::consolidation::{self, Candidate};
use objects::Era;
use objects::collections::{VecMap, VecSet};
use order::{Method, Order};
use picture::{Picture, Subject};
use queue::Queue;
pub use queue::START_MS as QUEUE_START_MS;
use record::Record;
pub use survey::{Finding, Listed, survey};

/// Where a loop stands.
#[derive(Clone, Debug)]
enum Phase {
    /// The next pass begins with the first method.
    Polling,
    /// A command waits for its validation; `position` is its method's place in the pass.
    Validating { order: Box<Order>, position: usize },
    /// Era A: the replacements come up.
    AwaitingReplacements { order: Box<Order>, names: Vec<String>, since: SimTime, attempt: u32 },
    /// Era A: the removed claims go; `position` is the one that is waited for.
    AwaitingDeletion { order: Box<Order>, position: usize, attempt: u32 },
}

/// The cluster as it was when a pass found nothing to do, for reasons that time alone does not change: a pass over the same
/// would find and say the same.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rest {
    revision: u64,
    /// The state for consolidation, where a method asked for it.
    state: Option<u64>,
    flux: Flux,
    /// Claims that commands work on.
    busy: VecSet<String>,
}

/// The disruption controller.
#[derive(Clone, Debug)]
pub struct Disruption {
    phase: Phase,
    /// State of the cluster in which a method found nothing to do.
    memo: VecMap<Method, u64>,
    record: Record,
    /// Passes that failed in a row.
    failures: u32,
    /// Era B: what the last pass found nothing to do in.
    rest: Option<Rest>,
    pub queue: Queue,
    last_pass: SimTime,
    /// When the process began that polls, where that is known.
    began: Option<SimTime>,
}

/// A process that has begun finds its caches unsynced once, and polls a second later.
const FIRST_POLL_MS: u64 = 1_200;

impl Disruption {
    pub fn new() -> Disruption {
        Disruption {
            phase: Phase::Polling,
            memo: VecMap::new(),
            record: Record::default(),
            failures: 0,
            rest: None,
            queue: Queue::default(),
            last_pass: SimTime::ZERO,
            began: None,
        }
    }

    /// The process begins now.
    pub fn begin(&mut self, now: SimTime) {
        self.began = Some(now);
    }

    /// Runs what is due; returns when to run again, `None` while there is nothing that could be disrupted.
    pub fn tick(&mut self, state: &mut State, cx: &mut Cx<'_, '_>) -> Option<SimTime> {
        cx.speak_as(super::messages::By::Disruption);
        self.last_pass = cx.view.now;
        let again = match cx.era() {
            Era::V1alpha5 => self.tick_blocking(state, cx),
            Era::V1 => self.tick_flowing(state, cx),
        };
        let idle = matches!(self.phase, Phase::Polling) && cx.view.store.count(cx.names.claim) == 0;
        (!idle).then_some(again)
    }

    /// The poll that a loop which had nothing to do is due for after `now`, in step with its earlier ones. When a process
    /// began that has always been there is drawn from the seed.
    pub fn next_poll(&self, now: SimTime, view: &View<'_>) -> SimTime {
        let period = view.profile.disruption_poll_ms.max(1);
        let last = match (self.last_pass, self.began) {
            (SimTime::ZERO, Some(began)) if now < began + FIRST_POLL_MS => return began + FIRST_POLL_MS,
            (SimTime::ZERO, Some(began)) => began + FIRST_POLL_MS,
            (SimTime::ZERO, None) => SimTime(view.stream("disruption-poll", "phase").below(period)),
            (last, _) => last,
        };
        last + (now.since(last) / period + 1) * period
    }

    /// Whether era A's loop waits for what a command of it has begun.
    #[cfg(all(feature = "kube", not(target_arch = "wasm32")))]
    pub fn is_carrying_out(&self) -> bool {
        matches!(self.phase, Phase::AwaitingReplacements { .. } | Phase::AwaitingDeletion { .. })
    }

    pub fn forget(&mut self, claim: &str) {
        self.record.forget(claim);
    }

    fn is_consolidated(&self, method: Method, state: &mut State, now: SimTime) -> bool {
        let present = state.consolidation_state(now);
        self.memo.get(&method) == Some(&present)
    }

    fn mark_consolidated(&mut self, method: Method, state: &mut State, now: SimTime) {
        let present = state.consolidation_state(now);
        self.memo.insert(method, present);
    }

    /// The subjects in the order in which consolidation tries them.
    fn sorted(picture: &Picture, subjects: Vec<Subject>) -> Vec<Subject> {
        let mut candidates: Vec<Candidate> = subjects.iter().filter_map(|s| s.candidate.clone()).collect();
        consolidation::sort(&picture.cluster, &mut candidates);
        let mut by_name: VecMap<String, Subject> = subjects.into_iter().map(|s| (s.name().to_owned(), s)).collect();
        candidates.iter().filter_map(|c| by_name.remove(&c.name)).collect()
    }

    fn candidates(subjects: &[Subject]) -> Vec<Candidate> {
        subjects.iter().filter_map(|s| s.candidate.clone()).collect()
    }

    /// A command that its wait has overtaken.
    fn abandon(&mut self, order: &Order, why: &str, cx: &mut Cx<'_, '_>) {
        let (machine, empty) = match cx.era() {
            Era::V1alpha5 => ("machine", "empty machine"),
            Era::V1 => ("node", "empty node"),
        };
        let text = match order.method {
            Method::Multi => format!("multi {machine}"),
            Method::Single => format!("single {machine}"),
            _ => empty.to_owned(),
        };
        let command = order.text(cx.era());
        cx.log(super::messages::Say::Abandoned { text: &text, command: &command });
        for target in &order.targets {
            let what = crate::decisions::What::Abandoned {
                method: order.method.id(),
                message: format!("command is no longer valid, {why}: {command}"),
            };
            cx.decide(objects::ObjectKey::cluster(objects::Kind::Node, &target.node), what);
        }
    }
}

#[cfg(test)]
mod drift_tests;
#[cfg(test)]
mod tests;
