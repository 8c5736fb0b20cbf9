//! What one reconcile works with: the view it reads and the intents it collects.

use super::conditions::{Conditions, Transition};
use super::messages::{self, By, Say};
use super::names::{COMPONENT, Names};
use crate::actor::{Action, EventNote, Intent, View};
use crate::decisions::{Decision, What};
use objects::{DocExt, Era, Object, ObjectKey, Value, json};
use std::borrow::Cow;

/// Karpenter drops equal events within two minutes unless the event says otherwise.
/// Source: karpenter pkg/events/recorder.go, v0.29.2.
pub const DEDUPE_MS: u64 = 120_000;
/// `Unconsolidatable` repeats every quarter of an hour at most.
pub const DEDUPE_UNCONSOLIDATABLE_MS: u64 = 900_000;
pub const DEDUPE_UNSCHEDULABLE_MS: u64 = 300_000;
pub const DEDUPE_BUDGET_MS: u64 = 60_000;

pub struct Cx<'a, 'v> {
    pub view: &'a View<'v>,
    pub names: &'static Names,
    pub out: Vec<Intent>,
    /// Lines of this reconcile so far; part of the identity of its reconcileID.
    controller: By,
}

impl<'a, 'v> Cx<'a, 'v> {
    pub fn new(view: &'a View<'v>) -> Cx<'a, 'v> {
        Cx { view, names: Names::of(view.api()), out: Vec::new(), controller: By::Provisioner }
    }

    pub fn era(&self) -> Era {
        self.view.era()
    }

    /// Lines that follow name this controller where the line itself does not decide it.
    pub fn speak_as(&mut self, controller: By) {
        self.controller = controller;
    }

    pub fn log(&mut self, say: Say<'_>) {
        if let Some(line) = messages::line(self.view, self.controller, &say) {
            self.out.push(Intent::new(Action::Log(line), "controller log"));
        }
    }

    pub fn push(&mut self, action: Action, why: impl Into<Cow<'static, str>>) {
        self.out.push(Intent::new(action, why));
    }

    pub fn patch(&mut self, key: ObjectKey, patch: Value, why: impl Into<Cow<'static, str>>) {
        self.push(Action::Patch { key, patch }, why);
    }

    pub fn delete(&mut self, key: ObjectKey, why: impl Into<Cow<'static, str>>) {
        self.push(Action::Delete { key, grace_s: None }, why);
    }

    pub fn decide(&mut self, about: ObjectKey, what: What) {
        let decision = Decision { at: self.view.now, about, what };
        self.push(Action::Decide(decision), "decision record");
    }

    pub fn event(&mut self, about: ObjectKey, reason: &str, message: impl Into<String>) {
        self.event_with(about, false, reason, message, DEDUPE_MS);
    }

    pub fn warn(&mut self, about: ObjectKey, reason: &str, message: impl Into<String>) {
        self.event_with(about, true, reason, message, DEDUPE_MS);
    }

    pub fn event_with(&mut self, about: ObjectKey, warning: bool, reason: &str, message: impl Into<String>, dedupe_ms: u64) {
        let note = EventNote {
            about,
            warning,
            reason: reason.to_owned(),
            message: message.into(),
            component: COMPONENT.to_owned(),
            dedupe_ms,
        };
        self.push(Action::Event(note), "Karpenter event");
    }

    /// The conditions of a claim, to be edited and handed back to [`Cx::patch_status`].
    pub fn conditions(&self, claim: &Object) -> Conditions {
        self.timed(Conditions::of_claim(claim, self.names, self.view.timestamp()), claim)
    }

    /// The conditions of an object whose `Ready` is the conjunction of `dependents`.
    pub fn conditions_of(&self, object: &Object, dependents: &'static [&'static str]) -> Conditions {
        self.timed(Conditions::of(object, self.era(), dependents, self.view.timestamp()), object)
    }

    fn timed(&self, conditions: Conditions, object: &Object) -> Conditions {
        if self.view.profile.as_recorded { conditions.by_time(object) } else { conditions }
    }

    /// What remains of an object whose finalizer has gone: the recorded controller tells of it without its name.
    pub fn finalized(&mut self, key: ObjectKey) {
        let name = if self.view.profile.as_recorded { String::new() } else { key.name };
        let key = ObjectKey { name, ..key };
        self.event_with(key, false, "Finalized", "Finalized karpenter.sh/termination", 0);
    }

    /// Patches `metadata` and `status` of an object together with its edited conditions. `patch` may be `{}`; nothing
    /// happens where nothing changed. True if a patch went out.
    pub fn patch_status(&mut self, object: &Object, mut patch: Value, conditions: Conditions, why: &'static str) -> bool {
        let transitions = match conditions.finish() {
            Some((list, transitions)) => {
                patch.set("status.conditions", list);
                transitions
            }
            None => Vec::new(),
        };
        if patch.as_object().is_none_or(|m| m.is_empty()) {
            return false;
        }
        self.patch(object.key(), patch, why);
        self.transition_events(&object.key(), &transitions);
        true
    }

    /// 1.14 writes an event for every condition that changed between known and unknown states.
    fn transition_events(&mut self, about: &ObjectKey, transitions: &[Transition]) {
        if self.era() != Era::V1 {
            return;
        }
        for t in transitions.iter().filter(|t| EVENTED.contains(&t.kind.as_str())) {
            let mut message =
                format!("Status condition transitioned, Type: {}, Status: {} -> {}, Reason: {}", t.kind, t.from, t.to, t.reason);
            if !t.message.is_empty() {
                message.push_str(", Message: ");
                message.push_str(&t.message);
            }
            self.event_with(about.clone(), false, &t.kind, message, 0);
        }
    }

    /// A document patch that replaces the finalizer list by one without Karpenter's.
    pub fn without_finalizer(object: &Object) -> Value {
        let rest: Vec<&String> = object.meta.finalizers.iter().filter(|f| *f != super::names::FINALIZER).collect();
        json!({"metadata": {"finalizers": rest}})
    }

    pub fn has_finalizer(object: &Object) -> bool {
        object.meta.finalizers.iter().any(|f| f == super::names::FINALIZER)
    }
}

/// Condition types whose transitions were seen as events of a real 1.14.1.
const EVENTED: [&str; 9] = [
    "Launched",
    "Registered",
    "Initialized",
    "Ready",
    "Drained",
    "NodeClassReady",
    "ValidationSucceeded",
    "NodeRegistrationHealthy",
    "Drifted",
];
