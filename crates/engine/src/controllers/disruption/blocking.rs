//! Era A's loop: one pass tries the methods in turn; the first that has a command carries it out to the end, replacements
//! and deletions awaited, before anything else is looked at. The waits of the real loop are the phases of this one.
//! Source: kubernetes-sigs/karpenter pkg/controllers/deprovisioning/{controller,expiration,drift,emptiness,*consolidation,
//! validation}.go v0.29.2 and v0.31.4.

use super::super::context::Cx;
use super::super::messages::Say;
use super::super::names::DO_NOT_CONSOLIDATE;
use super::super::provisioning;
use super::super::settings;
use super::super::state::{self, State};
use super::order::{Method, Order};
use super::picture::{Picture, Subject};
use super::{Disruption, Phase, marks, pods};
use crate::SimTime;
use crate::scheduling::Planner;
use crate::scheduling::consolidation;
use objects::collections::Order as _;
use objects::collections::VecSet;
use objects::typed::ConsolidationPolicy;
use objects::{DocExt, Kind, ObjectKey, json};

const METHODS: [Method; 6] =
    [Method::Expiration, Method::Drift, Method::Emptiness, Method::EmptyMachines, Method::Multi, Method::Single];
const RESYNC_MS: u64 = 1_000;
/// After an action the next pass starts at once.
const IMMEDIATELY_MS: u64 = 1;
/// Waiting for machines: two seconds doubling to ten, up to 100 ms of jitter, sixty times.
const WAIT_MS: u64 = 2_000;
const WAIT_MAX_MS: u64 = 10_000;
const JITTER_MS: u64 = 100;
const ATTEMPTS: u32 = 60;
/// A replacement that is not found this long after its creation was deleted (ICE, liveness).
const VANISHED_MS: u64 = 5_000;
/// A pass that failed is repeated after this, doubling.
const BACKOFF_MS: u64 = 5;
const BACKOFF_MAX_MS: u64 = 1_000_000;

impl Disruption {
    pub(super) fn tick_blocking(&mut self, state: &mut State, cx: &mut Cx<'_, '_>) -> SimTime {
        match std::mem::replace(&mut self.phase, Phase::Polling) {
            Phase::Polling => {
                if !state::synced(cx.view.store, cx.names) {
                    cx.log(Say::WaitingOnSync);
                    return cx.view.now + RESYNC_MS;
                }
                self.pass(0, state, cx)
            }
            Phase::Validating { order, position } => match self.validate(&order, state, cx) {
                Ok(()) => self.start(*order, state, cx),
                Err(why) => {
                    self.abandon(&order, why, cx);
                    self.pass(position + 1, state, cx)
                }
            },
            Phase::AwaitingReplacements { order, names, since, attempt } => {
                self.await_replacements(order, names, since, attempt, state, cx)
            }
            Phase::AwaitingDeletion { order, position, attempt } => self.await_deletion(order, position, attempt, cx),
        }
    }

    /// Tries the methods from the `from`th on.
    fn pass(&mut self, from: usize, state: &mut State, cx: &mut Cx<'_, '_>) -> SimTime {
        let picture = Picture::take(state, &VecSet::new(), &mut self.record, cx);
        let poll = cx.view.now + cx.view.profile.disruption_poll_ms;
        if picture.subjects.is_empty() || picture.cluster.pools.iter().all(|p| p.closed) {
            return poll;
        }
        for (position, method) in METHODS.into_iter().enumerate().skip(from) {
            let Some(order) = self.compute(method, &picture, state, cx) else {
                continue;
            };
            if matches!(method, Method::EmptyMachines | Method::Multi | Method::Single) {
                self.phase = Phase::Validating { order: Box::new(order), position };
                return cx.view.now + cx.view.profile.validation_ms;
            }
            return self.start(order, state, cx);
        }
        self.failures = 0;
        poll
    }

    pub(super) fn compute(&mut self, method: Method, picture: &Picture, state: &mut State, cx: &mut Cx<'_, '_>) -> Option<Order> {
        match method {
            Method::Expiration => self.marked(method, "MachineExpired", picture, cx),
            Method::Drift if settings::gate(cx.view, "driftEnabled") => self.marked(method, "MachineDrifted", picture, cx),
            Method::Drift | Method::StaticDrift => None,
            Method::Emptiness => {
                let due = self.willing(method, picture, cx);
                (!due.is_empty()).then(|| Order::delete(method, &due, cx))
            }
            Method::EmptyMachines | Method::Multi | Method::Single => self.consolidate(method, picture, state, cx),
        }
    }

    /// Empty nodes whose time has come, or the nodes that consolidation may touch.
    pub(super) fn willing(&mut self, method: Method, picture: &Picture, cx: &mut Cx<'_, '_>) -> Vec<Subject> {
        let now = cx.view.unix_ms();
        let mut may = |s: &&Subject| match method {
            Method::Emptiness => s.is_empty() && is_empty_long(s, now),
            _ => self.may_consolidate(s, true, cx),
        };
        picture.subjects.iter().filter(|s| may(s)).cloned().collect()
    }

    /// Expired or drifted nodes: the empty ones together, else the one that has been so longest.
    fn marked(&mut self, method: Method, condition: &str, picture: &Picture, cx: &mut Cx<'_, '_>) -> Option<Order> {
        let since = |s: &Subject| match method {
            Method::Expiration => expiry_ms(s),
            _ => s.claim.condition(condition).and_then(|c| c.str_at("lastTransitionTime")).and_then(objects::time::parse_rfc3339),
        };
        let chosen = |s: &&Subject| {
            let allowed = method != Method::Expiration || s.pool.pool().is_some_and(|p| p.expire_after_ms.is_some());
            allowed && s.claim.condition_is_true(condition)
        };
        let found: Vec<Subject> = picture.subjects.iter().filter(chosen).cloned().collect();
        let mut subjects = self.filter(found, cx);
        subjects.order_by_key(|s| (since(s), s.name().to_owned()));
        let empty: Vec<Subject> = subjects.iter().filter(|s| s.is_empty()).cloned().collect();
        if !empty.is_empty() {
            return Some(Order::delete(method, &empty, cx));
        }
        for subject in subjects {
            let candidates = Self::candidates(std::slice::from_ref(&subject));
            let plan = consolidation::simulate(&picture.cluster, &candidates);
            if let Some(words) = consolidation::unplaced(&picture.cluster, &plan.errors) {
                let what = if method == Method::Expiration { "expired" } else { "drifted" };
                cx.log(Say::CannotTerminate { claim: marks::reference(&subject.claim, cx.names), what, error: &words });
                self.record.unplaced(&subject, &words, cx);
                continue;
            }
            let order = Order::replace(method, &subject, &plan, picture, cx)?;
            if let (Method::Expiration, Some(ttl), Some(due)) =
                (method, subject.pool.pool().and_then(|p| p.expire_after_ms), expiry_ms(&subject))
            {
                let ms = |n: i64| u64::try_from(n).unwrap_or(0);
                cx.log(Say::TriggeringExpiration { ttl_ms: ms(ttl), delay_ms: ms(cx.view.unix_ms().saturating_sub(due)) });
            }
            return Some(order);
        }
        None
    }

    fn consolidate(&mut self, method: Method, picture: &Picture, state: &mut State, cx: &mut Cx<'_, '_>) -> Option<Order> {
        let willing = self.willing(method, picture, cx);
        if willing.is_empty() || self.is_consolidated(method, state, cx.view.now) {
            return None;
        }
        let subjects = self.filter(willing, cx);
        let subjects = Self::sorted(picture, subjects);
        let order = match method {
            Method::EmptyMachines => {
                let empty: Vec<Subject> = subjects.iter().filter(|s| s.is_empty()).cloned().collect();
                (!empty.is_empty()).then(|| Order::delete(method, &empty, cx))
            }
            Method::Multi => consolidation::first_n(&picture.cluster, &Self::candidates(&subjects), &|_| true)
                .and_then(|command| Order::of(method, command, picture, cx)),
            _ => self.first_single(&subjects, picture, cx),
        };
        if order.is_none() {
            self.mark_consolidated(method, state, cx.view.now);
        }
        order
    }

    fn first_single(&mut self, subjects: &[Subject], picture: &Picture, cx: &mut Cx<'_, '_>) -> Option<Order> {
        let mut planner = None;
        for subject in subjects {
            let Some(candidate) = &subject.candidate else {
                continue;
            };
            let planner = planner.get_or_insert_with(|| Planner::new(&picture.cluster));
            match consolidation::single_in(planner, candidate) {
                Ok(command) => return Order::of(Method::Single, command, picture, cx),
                Err(words) => self.record.unconsolidatable(subject, Method::Single.id(), &words, cx),
            }
        }
        None
    }

    /// Whether consolidation may touch the node at all.
    fn may_consolidate(&mut self, subject: &Subject, aloud: bool, cx: &mut Cx<'_, '_>) -> bool {
        let words = if subject.node.meta.annotations.get(DO_NOT_CONSOLIDATE).map(String::as_str) == Some("true") {
            format!("{DO_NOT_CONSOLIDATE} annotation exists")
        } else if subject.pool.pool().map(|p| p.policy) != Some(ConsolidationPolicy::WhenEmptyOrUnderutilized) {
            format!("provisioner {} has consolidation disabled", subject.pool.meta.name)
        } else {
            return true;
        };
        if aloud {
            self.record.unconsolidatable(subject, "consolidation", &words, cx);
        }
        false
    }

    /// Leaves out nodes whose pods or deletion forbid a disruption.
    fn filter(&mut self, subjects: Vec<Subject>, cx: &mut Cx<'_, '_>) -> Vec<Subject> {
        let mut kept = Vec::new();
        for subject in subjects {
            let words = if subject.node.meta.is_deleting() {
                Some("in the process of deletion".to_owned())
            } else {
                pods::blocked_v1alpha5(&subject.pods, cx)
            };
            match words {
                Some(words) => self.record.held_by_pods(&subject, &words, cx),
                None => {
                    self.record.clear(&subject.claim.meta.name, "pods");
                    kept.push(subject);
                }
            }
        }
        kept
    }

    /// After the wait: the nodes are still there to be had, nothing is nominated to them, and a new simulation agrees.
    fn validate(&mut self, order: &Order, state: &mut State, cx: &mut Cx<'_, '_>) -> Result<(), &'static str> {
        let picture = Picture::take(state, &VecSet::new(), &mut self.record, cx);
        let present = picture.named(&order.nodes());
        if order.targets.iter().any(|t| state.is_nominated(&t.claim, cx.view.now)) {
            return Err("a node was nominated for pods");
        }
        if present.len() != order.targets.len() || !present.iter().all(|s| self.may_consolidate(s, false, cx)) {
            return Err("a node is no candidate any more");
        }
        if order.method == Method::EmptyMachines {
            return if present.iter().all(Subject::is_empty) { Ok(()) } else { Err("a node is not empty any more") };
        }
        if self.filter(present.clone(), cx).len() != present.len() {
            return Err("pods hold a node now");
        }
        let Some(command) = &order.command else {
            return Ok(());
        };
        // The candidates in the order of the command.
        let now: Vec<Subject> =
            order.targets.iter().filter_map(|t| present.iter().find(|s| s.name() == t.node)).cloned().collect();
        if consolidation::still_holds(&picture.cluster, &Self::candidates(&now), command) {
            Ok(())
        } else {
            Err("the simulation has another result now")
        }
    }

    fn start(&mut self, order: Order, state: &mut State, cx: &mut Cx<'_, '_>) -> SimTime {
        order.announce(cx);
        if order.replacements.is_empty() {
            return self.delete(order, cx);
        }
        set_unschedulable(&order, true, cx);
        let mut names = Vec::new();
        for plan in &order.replacements {
            match provisioning::create(plan, false, state, cx) {
                Some(name) => names.push(name),
                None => {
                    set_unschedulable(&order, false, cx);
                    return self.fail(cx);
                }
            }
        }
        state.mark(order.targets.iter().map(|t| t.claim.clone()), cx.view.now);
        let first = wait(1, &names, cx);
        self.phase = Phase::AwaitingReplacements { order: Box::new(order), names, since: cx.view.now, attempt: 1 };
        first
    }

    fn await_replacements(
        &mut self,
        order: Box<Order>,
        names: Vec<String>,
        since: SimTime,
        attempt: u32,
        state: &mut State,
        cx: &mut Cx<'_, '_>,
    ) -> SimTime {
        let mut waiting = None;
        for name in &names {
            let claim = cx.view.store.cluster(cx.names.claim, name).cloned();
            match claim {
                None if cx.view.now.since(since) > VANISHED_MS => {
                    let kind = cx.names.claim.resource();
                    let error = format!("getting machine, {kind} {name:?} not found");
                    return self.roll_back(&order, &error, state, cx);
                }
                None => waiting = Some("getting machine"),
                Some(claim) => {
                    let text = order.text(cx.era());
                    cx.event(claim.key(), "DeprovisioningLaunching", format!("Launching machine for {text}"));
                    if !claim.claim().is_some_and(|c| c.initialized) {
                        let message = "Waiting on readiness to continue deprovisioning";
                        cx.event(claim.key(), "DeprovisioningWaitingReadiness", message);
                        waiting = Some("machine is not initialized");
                    }
                }
            }
        }
        match waiting {
            None => self.delete(*order, cx),
            Some(error) if attempt >= ATTEMPTS => self.roll_back(&order, error, state, cx),
            Some(_) => {
                let next = wait(attempt + 1, &names, cx);
                self.phase = Phase::AwaitingReplacements { order, names, since, attempt: attempt + 1 };
                next
            }
        }
    }

    /// The replacements did not come: everything stays as it was.
    fn roll_back(&mut self, order: &Order, error: &str, state: &mut State, cx: &mut Cx<'_, '_>) -> SimTime {
        let claims: Vec<String> = order.targets.iter().map(|t| t.claim.clone()).collect();
        state.unmark(&claims, cx.view.now);
        set_unschedulable(order, false, cx);
        let error = format!(
            "deprovisioning via {:?}, deprovisioning candidates, launching replacement machine, \
             timed out checking machine readiness, {error}",
            order.method.word()
        );
        cx.log(Say::DisruptionFailed { error: &error });
        for target in &order.targets {
            let what = crate::decisions::What::Abandoned { method: order.method.id(), message: error.clone() };
            cx.decide(ObjectKey::cluster(Kind::Node, &target.node), what);
        }
        self.fail(cx)
    }

    fn fail(&mut self, cx: &Cx<'_, '_>) -> SimTime {
        let wait = BACKOFF_MS.saturating_mul(1u64 << self.failures.min(20)).min(BACKOFF_MAX_MS);
        self.failures = self.failures.saturating_add(1);
        cx.view.now + wait
    }

    fn delete(&mut self, order: Order, cx: &mut Cx<'_, '_>) -> SimTime {
        let text = order.text(cx.era());
        for target in &order.targets {
            let node = ObjectKey::cluster(Kind::Node, &target.node);
            let claim = ObjectKey::cluster(cx.names.claim, &target.claim);
            cx.event(node, "DeprovisioningTerminating", format!("Deprovisioning node via {text}"));
            cx.event(claim.clone(), "DeprovisioningTerminating", format!("Deprovisioning machine via {text}"));
            if cx.view.store.get(&claim).is_some_and(|c| !c.meta.is_deleting()) {
                cx.delete(claim, format!("deprovisioning via {}", order.method.word()));
            }
        }
        let next = wait(1, &order.nodes(), cx);
        self.phase = Phase::AwaitingDeletion { order: Box::new(order), position: 0, attempt: 1 };
        next
    }

    fn await_deletion(&mut self, order: Box<Order>, mut position: usize, attempt: u32, cx: &mut Cx<'_, '_>) -> SimTime {
        let mut attempt = attempt;
        while let Some(target) = order.targets.get(position) {
            let key = ObjectKey::cluster(cx.names.claim, &target.claim);
            if cx.view.store.get(&key).is_some() {
                if attempt < ATTEMPTS {
                    cx.event(key, "DeprovisioningWaitingDeletion", "Waiting on deletion to continue deprovisioning");
                    let next = wait(attempt + 1, &order.nodes(), cx);
                    self.phase = Phase::AwaitingDeletion { order, position, attempt: attempt + 1 };
                    return next;
                }
                cx.log(Say::WaitingOnDeletion { error: "expected machine to be not found" });
            }
            position += 1;
            attempt = 0;
        }
        self.failures = 0;
        cx.view.now + IMMEDIATELY_MS
    }
}

/// The time of the attempt after the `attempt`th.
fn wait(attempt: u32, about: &[String], cx: &Cx<'_, '_>) -> SimTime {
    let pause = WAIT_MS.saturating_mul(1u64 << attempt.saturating_sub(1).min(8)).min(WAIT_MAX_MS);
    let id = format!("{}/{attempt}/{}", about.first().map_or("", String::as_str), cx.view.now);
    cx.view.now + pause + cx.view.stream("retry-jitter", &id).below(JITTER_MS)
}

fn set_unschedulable(order: &Order, on: bool, cx: &mut Cx<'_, '_>) {
    for target in &order.targets {
        let Some(node) = cx.view.store.cluster(Kind::Node, &target.node) else {
            continue;
        };
        let is_on = node.doc.bool_at("spec.unschedulable") == Some(true);
        if is_on != on && (on || !node.meta.is_deleting()) {
            let value = if on { json!(true) } else { json!(null) };
            cx.patch(node.key(), json!({"spec": {"unschedulable": value}}), "candidates take no new pods");
        }
    }
}

/// `MachineEmpty` for as long as the pool's `ttlSecondsAfterEmpty`.
fn is_empty_long(subject: &Subject, now_ms: i64) -> bool {
    let ttl = subject.pool.pool().and_then(|p| p.consolidate_after_ms);
    let condition = subject.claim.condition("MachineEmpty").filter(|c| c.str_at("status") == Some("True"));
    let since = condition.and_then(|c| c.str_at("lastTransitionTime")).and_then(objects::time::parse_rfc3339);
    ttl.zip(since).is_some_and(|(ttl, since)| now_ms >= since.saturating_add(ttl))
}

/// Unix milliseconds at which the node expires.
fn expiry_ms(subject: &Subject) -> Option<i64> {
    let ttl = subject.pool.pool()?.expire_after_ms?;
    Some(subject.claim.meta.created_ms.min(subject.node.meta.created_ms).saturating_add(ttl))
}
