//! Status conditions as both eras write them: knative's (0.29: sorted by type, the empty reason and message left out)
//! and operatorpkg's (1.14: Karpenter's order, `observedGeneration` always there), with the overall `Ready` computed
//! from the conditions a claim lives by. Sources: knative.dev/pkg/apis/condition_set.go; awslabs/operatorpkg/status.

use super::names::Names;
use objects::collections::Order as _;
use objects::{DocExt, Era, Object, Value, json};

/// The conditions of one object while a reconcile edits them.
#[derive(Clone, Debug)]
pub struct Conditions {
    era: Era,
    list: Vec<Value>,
    stored: Vec<Value>,
    now: String,
    generation: i64,
    dependents: &'static [&'static str],
    /// In order of their last transition, and those that come up as unknown since the object exists.
    by_time: Option<String>,
    deleting: bool,
}

/// A status that changed, for the events 1.14 writes about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    pub kind: String,
    pub from: String,
    pub to: String,
    pub reason: String,
    pub message: String,
}

impl Conditions {
    /// Of a claim; `now` is the API timestamp given to what changes.
    pub fn of_claim(object: &Object, names: &Names, now: String) -> Conditions {
        Conditions::of(object, names.era, names.lives_by, now)
    }

    /// Of any object whose `Ready` is the conjunction of `dependents`.
    pub fn of(object: &Object, era: Era, dependents: &'static [&'static str], now: String) -> Conditions {
        let list = object.doc.list_at("status.conditions").to_vec();
        Conditions {
            era,
            stored: list.clone(),
            list,
            now,
            generation: object.meta.generation.max(1),
            dependents,
            by_time: None,
            deleting: object.meta.is_deleting(),
        }
    }

    /// As the library that 1.14 uses keeps them.
    pub fn by_time(mut self, object: &Object) -> Conditions {
        self.by_time = Some(objects::time::rfc3339(object.meta.created_ms));
        self
    }

    fn get(&self, kind: &str) -> Option<&Value> {
        self.list.iter().find(|c| c.str_at("type") == Some(kind))
    }

    pub fn status(&self, kind: &str) -> Option<&str> {
        self.get(kind).and_then(|c| c.str_at("status"))
    }

    pub fn is_true(&self, kind: &str) -> bool {
        self.status(kind) == Some("True")
    }

    pub fn has(&self, kind: &str) -> bool {
        self.get(kind).is_some()
    }

    /// Unix milliseconds of the last transition of `kind`.
    pub fn since_ms(&self, kind: &str) -> Option<i64> {
        self.get(kind).and_then(|c| c.str_at("lastTransitionTime")).and_then(objects::time::parse_rfc3339)
    }

    pub fn set_true(&mut self, kind: &str) {
        let reason = if self.era == Era::V1 { kind } else { "" };
        self.set(kind, "True", reason, "");
    }

    /// Not (yet) so: `False` in 0.29, `Unknown` in 1.14, which keeps `False` for what has failed for good.
    pub fn set_waiting(&mut self, kind: &str, reason: &str, message: &str) {
        self.set(kind, if self.era == Era::V1 { "Unknown" } else { "False" }, reason, message);
    }

    pub fn set(&mut self, kind: &str, status: &str, reason: &str, message: &str) {
        let moved = self.get(kind).is_none_or(|c| c.str_at("status") != Some(status));
        let since = match self.get(kind).and_then(|c| c.str_at("lastTransitionTime")) {
            Some(time) if !moved => time.to_owned(),
            None if status == "Unknown" && self.dependents.contains(&kind) => self.by_time.clone().unwrap_or(self.now.clone()),
            _ => self.now.clone(),
        };
        let mut condition = json!({"type": kind, "status": status, "lastTransitionTime": since});
        match self.era {
            Era::V1alpha5 => {
                for (field, text) in [("reason", reason), ("message", message)] {
                    if !text.is_empty() {
                        condition.set(field, text);
                    }
                }
                // Only the conditions that Ready depends on are errors; the others warn.
                if !self.dependents.contains(&kind) && kind != "Ready" {
                    condition.set("severity", "Warning");
                }
            }
            Era::V1 => {
                condition.set("reason", reason);
                condition.set("message", message);
                condition.set("observedGeneration", self.generation);
            }
        }
        if self.by_time.is_some() {
            // What changed goes to the end, before the order of time.
            let same = |c: &Value| *c == condition;
            if !self.list.iter().any(same) {
                if self.deleting {
                    // An object that goes takes all its conditions along to its last generation.
                    let generation = self.generation;
                    self.list.iter_mut().for_each(|c| c.set("observedGeneration", generation));
                }
                self.list.retain(|c| c.str_at("type") != Some(kind));
                self.list.push(condition);
            }
            return;
        }
        match self.list.iter_mut().find(|c| c.str_at("type") == Some(kind)) {
            Some(slot) => *slot = condition,
            None => self.list.push(condition),
        }
    }

    pub fn clear(&mut self, kind: &str) {
        self.list.retain(|c| c.str_at("type") != Some(kind));
    }

    /// Recomputes `Ready` and gives the whole list where it differs from the stored one, with what changed.
    pub fn finish(mut self) -> Option<(Value, Vec<Transition>)> {
        self.settle_ready();
        match self.era {
            Era::V1alpha5 => self.list.order_by(|a, b| a.str_at("type").cmp(&b.str_at("type"))),
            Era::V1 if self.by_time.is_some() => self.list.order_by_key(|c| {
                let at = c.str_at("lastTransitionTime").unwrap_or_default().to_owned();
                (c.str_at("type") == Some("Ready"), at)
            }),
            // Ready is written last.
            Era::V1 => self.list.order_by_key(|c| c.str_at("type") == Some("Ready")),
        }
        if self.list == self.stored {
            return None;
        }
        let transitions = self.transitions();
        Some((Value::Array(self.list), transitions))
    }

    /// Whether the condition was last set for an earlier generation.
    pub fn is_stale(&self, kind: &str) -> bool {
        self.get(kind).is_some_and(|c| c.int_at("observedGeneration") != Some(self.generation))
    }

    /// The library's own words: those of the dependents that are not true for this generation, the latest first.
    fn settle_ready_by_time(&mut self) {
        let dependents = self.dependents;
        let text = |c: &Value, f: &str| c.str_at(f).unwrap_or_default().to_owned();
        let mut open: Vec<Value> = self.list.iter().filter(|c| dependents.contains(&text(c, "type").as_str())).cloned().collect();
        open.retain(|c| text(c, "status") != "True" || c.int_at("observedGeneration") != Some(self.generation));
        open.order_by(|a, b| text(b, "lastTransitionTime").cmp(&text(a, "lastTransitionTime")));
        let mut parts: Vec<String> = open.iter().map(|c| format!("{}={}", text(c, "type"), text(c, "status"))).collect();
        parts.extend(dependents.iter().filter(|d| !self.has(d)).map(|d| format!("{d}=Unknown")));
        if parts.is_empty() {
            return self.set_true("Ready");
        }
        let failed = |c: &Value| text(c, "status") == "False" && c.int_at("observedGeneration") == Some(self.generation);
        let (status, reason) = match open.iter().any(failed) {
            true => ("False", "UnhealthyDependents"),
            false => ("Unknown", "ReconcilingDependents"),
        };
        self.set("Ready", status, reason, &parts.join(", "));
    }

    fn settle_ready(&mut self) {
        if self.by_time.is_some() {
            return self.settle_ready_by_time();
        }
        let dependents = self.dependents;
        let worst = dependents.iter().find(|d| self.status(d) == Some("False"));
        let open: Vec<&&str> = dependents.iter().filter(|d| !self.is_true(d)).collect();
        match (self.era, worst, open.is_empty()) {
            (_, _, true) => self.set_true("Ready"),
            (Era::V1alpha5, Some(worst), _) => {
                let (reason, message) = self.words(worst);
                self.set("Ready", "False", &reason, &message);
            }
            (Era::V1alpha5, None, _) => self.set("Ready", "Unknown", "", ""),
            (Era::V1, worst, _) => {
                // The library lists the dependents by name.
                let mut parts: Vec<String> =
                    open.iter().map(|d| format!("{d}={}", self.status(d).unwrap_or("Unknown"))).collect();
                parts.order();
                let (status, reason) =
                    if worst.is_some() { ("False", "UnhealthyDependents") } else { ("Unknown", "ReconcilingDependents") };
                self.set("Ready", status, reason, &parts.join(", "));
            }
        }
    }

    pub fn words(&self, kind: &str) -> (String, String) {
        let word = |f: &str| self.get(kind).and_then(|c| c.str_at(f)).unwrap_or_default().to_owned();
        (word("reason"), word("message"))
    }

    fn transitions(&self) -> Vec<Transition> {
        let old = |kind: &str| self.stored.iter().find(|c| c.str_at("type") == Some(kind)).and_then(|c| c.str_at("status"));
        self.list
            .iter()
            .filter_map(|c| {
                let kind = c.str_at("type")?;
                let (from, to) = (old(kind).unwrap_or("Unknown"), c.str_at("status")?);
                let (reason, message) = self.words(kind);
                (from != to).then(|| Transition {
                    kind: kind.to_owned(),
                    from: from.to_owned(),
                    to: to.to_owned(),
                    reason,
                    message,
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(era: Era, edit: impl Fn(&mut Conditions), want: Value) {
        let names = Names::of(era);
        let object = Object::from_doc(names.claim, json!({"metadata": {"name": "default-x", "generation": 2}}));
        let mut conditions = Conditions::of_claim(&object, names, "2023-07-26T05:10:01Z".to_owned());
        edit(&mut conditions);
        assert_eq!(conditions.finish().map(|(list, _)| list), Some(want));
    }

    #[test]
    fn era_a_sorts_by_type_and_ready_takes_the_failed_words() {
        let t = "2023-07-26T05:10:01Z";
        check(
            Era::V1alpha5,
            |c| {
                c.set_true("MachineLaunched");
                c.set_waiting("MachineRegistered", "NodeNotFound", "Node not registered with cluster");
            },
            json!([
                {"type": "MachineLaunched", "status": "True", "lastTransitionTime": t},
                {"type": "MachineRegistered", "status": "False", "lastTransitionTime": t, "reason": "NodeNotFound", "message": "Node not registered with cluster"},
                {"type": "Ready", "status": "False", "lastTransitionTime": t, "reason": "NodeNotFound", "message": "Node not registered with cluster"},
            ]),
        );
    }

    /// The status recorded from 1.14.1 after a launch.
    #[test]
    fn era_b_lists_what_ready_waits_for() {
        let t = "2023-07-26T05:10:01Z";
        let c = |kind: &str, status: &str, reason: &str, message: &str| json!({"type": kind, "status": status, "lastTransitionTime": t, "reason": reason, "message": message, "observedGeneration": 2});
        check(
            Era::V1,
            |c| {
                c.set_true("Launched");
                c.set_waiting("Registered", "NodeNotFound", "Node not registered with cluster");
                c.set_waiting("Initialized", "AwaitingReconciliation", "object is awaiting reconciliation");
            },
            json!([
                c("Launched", "True", "Launched", ""),
                c("Registered", "Unknown", "NodeNotFound", "Node not registered with cluster"),
                c("Initialized", "Unknown", "AwaitingReconciliation", "object is awaiting reconciliation"),
                c("Ready", "Unknown", "ReconcilingDependents", "Initialized=Unknown, Registered=Unknown"),
            ]),
        );
    }
}
