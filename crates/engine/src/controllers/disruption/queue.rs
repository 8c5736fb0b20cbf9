//! Era B's queue: commands under way, each looked at every second until its replacements are initialized; then its nodes
//! are deleted. Source: kubernetes-sigs/karpenter pkg/controllers/disruption/queue.go v1.14.1.

use super::super::context::Cx;
use super::super::messages::{By, Say};
use super::super::provisioning;
use super::super::state::{State, node_of};
use super::super::termination::with_disrupted_taint;
use super::flowing::free;
use super::order::Order;
use crate::SimTime;
use objects::collections::{VecMap, VecSet};
use objects::{Kind, ObjectKey, json};

/// From the command to the queue's first look at it.
pub const START_MS: u64 = 50;
const POLL_MS: u64 = 1_000;
const TIMEOUT_SCALE_MS: u64 = 80;
const TIMEOUT_MIN_MS: u64 = 600_000;
const TIMEOUT_MAX_MS: u64 = 3_600_000;

#[derive(Clone, Debug)]
struct Running {
    order: Order,
    /// Replacements that are not initialized yet.
    waiting: Vec<String>,
    since: SimTime,
}

#[derive(Clone, Debug, Default)]
pub struct Queue {
    running: VecMap<String, Running>,
    new: Vec<String>,
}

impl Queue {
    /// Claims that commands work on.
    pub fn claims(&self) -> VecSet<String> {
        self.running.values().flat_map(|r| r.order.targets.iter().map(|t| t.claim.clone())).collect()
    }

    /// Commands started since the last call.
    pub fn take_new(&mut self) -> Vec<String> {
        std::mem::take(&mut self.new)
    }

    pub fn start(&mut self, order: Order, state: &mut State, cx: &mut Cx<'_, '_>) {
        for target in &order.targets {
            if let Some(node) = cx.view.store.cluster(Kind::Node, &target.node).cloned()
                && let Some(taints) = with_disrupted_taint(&node)
            {
                cx.patch(node.key(), json!({"spec": {"taints": taints}}), "the node is about to be disrupted");
            }
            if let Some(claim) = cx.view.store.cluster(cx.names.claim, &target.claim).cloned() {
                let mut conditions = cx.conditions(&claim);
                let reason = order.method.reason();
                conditions.set("DisruptionReason", "True", reason, reason);
                cx.patch_status(&claim, json!({}), conditions, "the node is about to be disrupted");
            }
        }
        let mut waiting = Vec::new();
        for plan in &order.replacements {
            match provisioning::create(plan, false, state, cx) {
                Some(name) => waiting.push(name),
                // The next pass finds the nodes tainted without a command and frees them.
                None => return cx.log(Say::DisruptionFailed { error: "disrupting candidates, launching replacement nodeclaim" }),
            }
        }
        state.mark(order.targets.iter().map(|t| t.claim.clone()), cx.view.now);
        for name in &order.nominated {
            state.nominate(name, cx.view);
        }
        self.new.push(order.id.clone());
        self.running.insert(order.id.clone(), Running { order, waiting, since: cx.view.now });
    }

    /// Looks at a command; returns when to look again.
    pub fn tick(&mut self, id: &str, state: &mut State, cx: &mut Cx<'_, '_>) -> Option<SimTime> {
        cx.speak_as(By::Queue);
        let commands = u64::try_from(self.running.len()).unwrap_or(u64::MAX);
        let running = self.running.get_mut(id)?;
        let reason = running.order.method.reason();
        let mut vanished = None;
        running.waiting.retain(|name| match cx.view.store.cluster(cx.names.claim, name) {
            None => {
                vanished = Some(name.clone());
                true
            }
            Some(claim) => {
                cx.event(claim.key(), "DisruptionLaunching", format!("Launching NodeClaim: {reason}"));
                let up = claim.claim().is_some_and(|c| c.initialized);
                if !up {
                    let message = "Waiting on readiness to continue disruption";
                    cx.event(claim.key(), "DisruptionWaitingReadiness", message);
                }
                !up
            }
        });
        if let Some(name) = vanished {
            let error = format!("replacement was deleted, {} {name:?} not found", cx.names.claim.resource());
            return self.fail(id, &error, state, cx);
        }
        if !running.waiting.is_empty() {
            let timeout = TIMEOUT_SCALE_MS.saturating_mul(commands).clamp(TIMEOUT_MIN_MS, TIMEOUT_MAX_MS);
            if cx.view.now.since(running.since) > timeout {
                let error = "command reached timeout, waiting for replacement initialization, nodeclaim not initialized";
                return self.fail(id, error, state, cx);
            }
            return Some(cx.view.now + POLL_MS);
        }
        let running = self.running.remove(id)?;
        for target in &running.order.targets {
            let claim = ObjectKey::cluster(cx.names.claim, &target.claim);
            if cx.view.store.get(&claim).is_some_and(|c| !c.meta.is_deleting()) {
                cx.delete(claim.clone(), "disruption command");
            }
            cx.event(ObjectKey::cluster(Kind::Node, &target.node), "DisruptionTerminating", format!("Disrupting Node: {reason}"));
            cx.event(claim, "DisruptionTerminating", format!("Disrupting NodeClaim: {reason}"));
        }
        None
    }

    fn fail(&mut self, id: &str, error: &str, state: &mut State, cx: &mut Cx<'_, '_>) -> Option<SimTime> {
        let running = self.running.remove(id)?;
        let claims: Vec<String> = running.order.targets.iter().map(|t| t.claim.clone()).collect();
        state.unmark(&claims, cx.view.now);
        for name in &claims {
            let claim = cx.view.store.cluster(cx.names.claim, name).cloned();
            if let Some((claim, node)) = claim.and_then(|c| node_of(cx.view.store, &c).cloned().map(|n| (c, n))) {
                free(&claim, &node, cx);
            }
        }
        cx.log(Say::QueueFailed { error });
        for target in &running.order.targets {
            let what = crate::decisions::What::Abandoned { method: running.order.method.id(), message: error.to_owned() };
            cx.decide(ObjectKey::cluster(Kind::Node, &target.node), what);
        }
        None
    }
}
