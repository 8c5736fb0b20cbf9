//! Era B's loop: each pass clears what earlier commands left behind, asks the methods within the pools' budgets, and hands
//! a validated command to the queue. Source: kubernetes-sigs/karpenter pkg/controllers/disruption/{controller,emptiness,
//! multinodeconsolidation,singlenodeconsolidation,validation}.go v1.14.1.

use super::super::context::{Cx, DEDUPE_MS};
use super::super::input::is_guarded_for_a_time;
use super::super::messages::Say;
use super::super::names::{CAPACITY_TYPE, DISRUPTED, INSTANCE_TYPE, ZONE};
use super::super::state::{self, State};
use super::order::{Method, Order};
use super::picture::{Picture, Subject};
use super::{Disruption, Phase, Rest, budgets};
use crate::SimTime;
use crate::scheduling::Planner;
use crate::scheduling::consolidation::{self, balanced};
use objects::collections::VecMap;
use objects::typed::ConsolidationPolicy;
use objects::{DocExt, Kind, Object, Value, json};
use std::sync::Arc;

const METHODS: [Method; 5] = [Method::Emptiness, Method::StaticDrift, Method::Drift, Method::Multi, Method::Single];
const RESYNC_MS: u64 = 1_000;
const IMMEDIATELY_MS: u64 = 1;

impl Disruption {
    pub(super) fn tick_flowing(&mut self, state: &mut State, cx: &mut Cx<'_, '_>) -> SimTime {
        match std::mem::replace(&mut self.phase, Phase::Polling) {
            Phase::Validating { order, position } => {
                let picture = Picture::take(state, &self.queue.claims(), &mut self.record, cx);
                match self.revalidate(&picture, *order, state, cx) {
                    Ok(order) => {
                        self.hand_over(order, state, cx);
                        cx.view.now + IMMEDIATELY_MS
                    }
                    Err((order, why)) => {
                        self.reject(&order, why, cx);
                        self.flow(position + 1, state, cx)
                    }
                }
            }
            _ => {
                let errors = budgets::errors(cx);
                if !errors.is_empty() {
                    cx.log(Say::BudgetErrors { error: &errors });
                }
                if !state::synced(cx.view.store, cx.names) {
                    return cx.view.now + RESYNC_MS;
                }
                if errors.is_empty() && self.is_at_rest(state, cx) {
                    return cx.view.now + cx.view.profile.disruption_poll_ms;
                }
                self.clear_leftovers(state, cx);
                self.flow(0, state, cx)
            }
        }
    }

    fn is_at_rest(&self, state: &mut State, cx: &Cx<'_, '_>) -> bool {
        let now = cx.view.now;
        let Some(rest) = &self.rest else { return false };
        rest.revision == cx.view.store.revision_of_matters()
            && rest.state.is_none_or(|then| then == state.consolidation_state(now))
            && rest.flux == state.flux(now)
            && rest.busy == self.queue.claims()
    }

    /// Remembers what a whole pass found nothing to do in, unless that changes with time: pods may be guarded, and budgets
    /// open, at certain times only. Which candidates a budget lets a method look at does not: in this era their order goes by
    /// prices and pods.
    fn note_rest(&mut self, picture: &Picture, asked: bool, state: &mut State, cx: &Cx<'_, '_>) {
        let drifted = || picture.subjects.iter().any(|s| s.claim.condition_is_true("Drifted"));
        let scheduled = |p: &Arc<Object>| {
            let budgets = p.doc.list_at("spec.disruption.budgets");
            budgets.iter().any(|b| b.str_at("schedule").is_some())
        };
        let now = cx.view.now;
        let changes = drifted()
            || cx.view.store.list(cx.names.pool).any(scheduled)
            || cx.view.store.list(Kind::Pod).any(|p| is_guarded_for_a_time(p));
        self.rest = (!changes).then(|| Rest {
            revision: cx.view.store.revision_of_matters(),
            state: asked.then(|| state.consolidation_state(now)),
            flux: state.flux(now),
            busy: self.queue.claims(),
        });
    }

    fn flow(&mut self, from: usize, state: &mut State, cx: &mut Cx<'_, '_>) -> SimTime {
        self.rest = None;
        let (mut asked, said) = (false, cx.out.len());
        let picture = Picture::take(state, &self.queue.claims(), &mut self.record, cx);
        let poll = cx.view.now + cx.view.profile.disruption_poll_ms;
        let mut planner = None;
        for (position, method) in METHODS.into_iter().enumerate().skip(from) {
            if matches!(method, Method::StaticDrift | Method::Drift) {
                let orders = self.drift(method, &picture, state, cx);
                if !orders.is_empty() {
                    orders.into_iter().for_each(|order| self.hand_over(order, state, cx));
                    return cx.view.now + IMMEDIATELY_MS;
                }
                continue;
            }
            let eligible = self.eligible(method, &picture, cx);
            if eligible.is_empty() {
                continue;
            }
            let mut allowed = budgets::mapping(method.reason(), state, cx);
            asked = true;
            if let Some(order) = self.choose(method, eligible, &mut allowed, &picture, &mut planner, state, cx) {
                self.phase = Phase::Validating { order: Box::new(order), position };
                return cx.view.now + cx.view.profile.validation_ms;
            }
        }
        // What was said now is written first.
        if from == 0 && cx.out.len() == said {
            self.note_rest(&picture, asked, state, cx);
        }
        poll
    }

    /// Nodes that a command left tainted, but no command works on, are freed.
    fn clear_leftovers(&mut self, state: &State, cx: &mut Cx<'_, '_>) {
        let busy = self.queue.claims();
        let claims: Vec<_> = cx.view.store.list(cx.names.claim).cloned().collect();
        for claim in claims.iter().filter(|c| !busy.contains(&c.meta.name)) {
            let node = state::node_of(cx.view.store, claim).cloned();
            let Some(node) = node.filter(|n| !state.is_marked(claim, Some(n))) else {
                continue;
            };
            free(&claim.clone(), &node, cx);
        }
    }

    pub(super) fn eligible(&mut self, method: Method, picture: &Picture, cx: &mut Cx<'_, '_>) -> Vec<Subject> {
        picture.subjects.iter().filter(|s| self.should_disrupt(method, s, true, cx)).cloned().collect()
    }

    fn should_disrupt(&mut self, method: Method, subject: &Subject, aloud: bool, cx: &mut Cx<'_, '_>) -> bool {
        let Some(pool) = subject.pool.pool().filter(|p| p.replicas.is_none() && !subject.held) else {
            return false;
        };
        let name = &subject.pool.meta.name;
        let disabled = format!("NodePool {name:?} has consolidation disabled");
        let words = if method == Method::Emptiness {
            pool.consolidate_after_ms.is_none().then_some(disabled)
        } else if subject.candidate.is_none() {
            let missing = [CAPACITY_TYPE, ZONE].into_iter().find(|l| subject.label(l).is_empty());
            Some(missing.map_or_else(
                || format!("Instance Type {:?} not found", subject.label(INSTANCE_TYPE)),
                |l| format!("Node does not have label {l:?}"),
            ))
        } else if pool.consolidate_after_ms.is_none() {
            Some(disabled)
        } else if subject.is_empty() {
            return false;
        } else if pool.policy == ConsolidationPolicy::WhenEmpty {
            Some(format!("NodePool {name:?} has consolidation policy WhenEmpty, but node is not empty"))
        } else {
            None
        };
        if let Some(words) = words {
            if aloud {
                self.record.unconsolidatable(subject, "consolidation", &words, cx);
            }
            return false;
        }
        (method != Method::Emptiness || subject.is_empty()) && subject.claim.condition_is_true("Consolidatable")
    }

    /// `planner` is that of the pass, made by the first method that needs it.
    #[expect(clippy::too_many_arguments, reason = "a method's view of a pass")]
    pub(super) fn choose<'p>(
        &mut self,
        method: Method,
        eligible: Vec<Subject>,
        allowed: &mut VecMap<String, i64>,
        picture: &'p Picture,
        planner: &mut Option<Planner<'p>>,
        state: &mut State,
        cx: &mut Cx<'_, '_>,
    ) -> Option<Order> {
        if self.is_consolidated(method, state, cx.view.now) {
            return None;
        }
        let sorted = Self::sorted(picture, eligible);
        let mut constrained = false;
        let mut within = Vec::new();
        for subject in if method == Method::Single { interleave(sorted) } else { sorted } {
            let left = allowed.entry(subject.pool.meta.name.clone()).or_insert(0);
            if *left == 0 {
                constrained = true;
                continue;
            }
            // Single-node consolidation takes one node only, so it does not use the budget up while looking.
            if method != Method::Single {
                *left -= 1;
            }
            within.push(subject);
        }
        let order = match method {
            Method::Emptiness => (!within.is_empty()).then(|| Order::delete(method, &within, cx)),
            Method::Multi => self.largest(&within, picture, planner, cx),
            _ => self.one(&within, picture, planner, cx),
        };
        if order.is_none() && !constrained {
            self.mark_consolidated(method, state, cx.view.now);
        }
        order
    }

    fn largest<'p>(
        &mut self,
        within: &[Subject],
        picture: &'p Picture,
        planner: &mut Option<Planner<'p>>,
        cx: &mut Cx<'_, '_>,
    ) -> Option<Order> {
        let totals = picture.totals();
        let approve = |c: &consolidation::Command| balanced::approves(&picture.cluster, &totals, c);
        let command = consolidation::first_n_in(&picture.cluster, planner, &Self::candidates(within), &approve)?;
        for score in balanced::scores(&picture.cluster, &totals, &command) {
            let pool = objects::ObjectKey::cluster(cx.names.pool, &score.pool);
            cx.event_with(pool, false, "ConsolidationApproved", score.text(), DEDUPE_MS);
        }
        let order = Order::of(Method::Multi, command, picture, cx)?;
        tell_candidates(&order, cx);
        Some(order)
    }

    fn one<'p>(
        &mut self,
        within: &[Subject],
        picture: &'p Picture,
        planner: &mut Option<Planner<'p>>,
        cx: &mut Cx<'_, '_>,
    ) -> Option<Order> {
        let totals = picture.totals();
        for subject in within {
            let Some(candidate) = &subject.candidate else {
                continue;
            };
            if !balanced::could_pass(&picture.cluster, &totals, candidate) {
                continue;
            }
            let planner = planner.get_or_insert_with(|| Planner::new(&picture.cluster));
            match consolidation::single_in(planner, candidate) {
                Ok(command) if !balanced::approves(&picture.cluster, &totals, &command) => {}
                Ok(command) => {
                    for score in balanced::scores(&picture.cluster, &totals, &command) {
                        both(subject.name(), &subject.claim.meta.name, "ConsolidationApproved", &score.text(), cx);
                    }
                    let order = Order::of(Method::Single, command, picture, cx)?;
                    tell_candidates(&order, cx);
                    return Some(order);
                }
                Err(words) => self.record.unconsolidatable(subject, Method::Single.id(), &words, cx),
            }
        }
        None
    }

    /// After the wait; emptiness keeps what is still valid, consolidation is all or nothing.
    pub(super) fn revalidate(
        &mut self,
        picture: &Picture,
        order: Order,
        state: &mut State,
        cx: &mut Cx<'_, '_>,
    ) -> Result<Order, (Box<Order>, &'static str)> {
        let present: Vec<Subject> =
            picture.named(&order.nodes()).into_iter().filter(|s| self.should_disrupt(order.method, s, false, cx)).collect();
        if present.is_empty() {
            return Err((Box::new(order), "churn"));
        }
        let mut allowed = budgets::mapping(order.method.reason(), state, cx);
        let mut within = |s: &Subject| {
            let left = allowed.entry(s.pool.meta.name.clone()).or_insert(0);
            let ok = *left > 0;
            *left = (*left - 1).max(0);
            ok
        };
        // In the order of the command.
        let now: Vec<Subject> =
            order.targets.iter().filter_map(|t| present.iter().find(|s| s.name() == t.node)).cloned().collect();
        if order.method == Method::Emptiness {
            let valid: Vec<Subject> = now.into_iter().filter(|s| within(s)).collect();
            return if valid.is_empty() { Err((Box::new(order), "budget")) } else { Ok(Order::delete(order.method, &valid, cx)) };
        }
        if now.len() != order.targets.len() {
            return Err((Box::new(order), "churn"));
        }
        if !now.iter().all(&mut within) {
            return Err((Box::new(order), "budget"));
        }
        let holds =
            order.command.as_ref().is_none_or(|c| consolidation::still_holds(&picture.cluster, &Self::candidates(&now), c));
        if holds { Ok(order) } else { Err((Box::new(order), "scheduling")) }
    }

    fn reject(&mut self, order: &Order, why: &'static str, cx: &mut Cx<'_, '_>) {
        self.abandon(order, why, cx);
        if order.method == Method::Emptiness {
            return;
        }
        for target in &order.targets {
            let text = order.text_for_node(&target.node);
            let message = format!("Consolidation rejected: {text}, reason: {why} (savings: {})", order.savings());
            both(&target.node, &target.claim, "ConsolidationRejected", &message, cx);
        }
    }

    /// Announces the command, taints its nodes, makes the replacements and leaves the rest to the queue.
    fn hand_over(&mut self, order: Order, state: &mut State, cx: &mut Cx<'_, '_>) {
        order.announce(cx);
        self.queue.start(order, state, cx);
    }
}

/// Round robin over the pools, in order of name, each pool's nodes in their order.
fn interleave(sorted: Vec<Subject>) -> Vec<Subject> {
    let mut by_pool: VecMap<String, std::collections::VecDeque<Subject>> = VecMap::new();
    let total = sorted.len();
    for subject in sorted {
        by_pool.entry(subject.pool.meta.name.clone()).or_default().push_back(subject);
    }
    let mut result = Vec::with_capacity(total);
    while result.len() < total {
        result.extend(by_pool.values_mut().filter_map(std::collections::VecDeque::pop_front));
    }
    result
}

/// Takes the disrupted taint and the reason off a node that stays.
pub fn free(claim: &objects::Object, node: &objects::Object, cx: &mut Cx<'_, '_>) {
    let taints = node.doc.list_at("spec.taints");
    let left: Vec<Value> = taints.iter().filter(|t| t.str_at("key") != Some(DISRUPTED)).cloned().collect();
    if left.len() != taints.len() {
        cx.patch(node.key(), json!({"spec": {"taints": left}}), "no command disrupts this node");
    }
    if claim.condition("DisruptionReason").is_some() {
        let mut conditions = cx.conditions(claim);
        conditions.clear("DisruptionReason");
        cx.patch_status(claim, json!({}), conditions, "no command disrupts this node");
    }
}

fn tell_candidates(order: &Order, cx: &mut Cx<'_, '_>) {
    // Only replacements are announced ahead of their validation.
    if order.replacements.is_empty() {
        return;
    }
    for target in &order.targets {
        let text = order.text_for_node(&target.node);
        let message = format!("Consolidation candidate: {text} (savings: {})", order.savings());
        both(&target.node, &target.claim, "ConsolidationCandidate", &message, cx);
    }
}

fn both(node: &str, claim: &str, reason: &str, message: &str, cx: &mut Cx<'_, '_>) {
    for key in [objects::ObjectKey::cluster(Kind::Node, node), objects::ObjectKey::cluster(cx.names.claim, claim)] {
        cx.event_with(key, false, reason, message, DEDUPE_MS);
    }
}
