//! A Deployment's status: counts and the conditions Available and Progressing.
//!
//! Source: kubernetes pkg/controller/deployment/{sync,progress}.go and util/deployment_util.go, v1.28.

use super::super::support::{count, patch};
use super::deployment::replicas;
use super::deployment_rollout::max_unavailable;
use super::replicaset::differs;
use crate::actor::{Intent, View};
use crate::kernel::SimTime;
use objects::json;
use objects::{DocExt, Era, Object, Value, time};
use std::sync::Arc;

const AVAILABLE: &str = "Available";
const PROGRESSING: &str = "Progressing";
const COMPLETE: &str = "NewReplicaSetAvailable";
const TIMED_OUT: &str = "ProgressDeadlineExceeded";

/// Writes the status where it changed; returns when the progress deadline has to be looked at.
pub(super) fn sync(
    d: &Arc<Object>,
    new: Option<&Arc<Object>>,
    sets: &[Arc<Object>],
    view: &View<'_>,
    out: &mut Vec<Intent>,
) -> Option<SimTime> {
    let mut status = counts(d, new, sets, view);
    let mut conditions: Vec<Value> = d.doc.list_at("status.conditions").to_vec();
    let now = view.timestamp();
    let want = d.workload().map_or(0, |w| w.replicas);
    let available = status.int_at("availableReplicas").unwrap_or(0);
    if available >= want - max_unavailable(d) {
        let text = "Deployment has minimum availability.";
        put(&mut conditions, AVAILABLE, "True", "MinimumReplicasAvailable", text, &now);
    } else {
        let text = "Deployment does not have minimum availability.";
        put(&mut conditions, AVAILABLE, "False", "MinimumReplicasUnavailable", text, &now);
    }
    let deadline_s = Some(d.doc.int_at("spec.progressDeadlineSeconds").unwrap_or(600)).filter(|s| *s < i64::from(i32::MAX));
    let paused = d.doc.bool_at("spec.paused").unwrap_or(false);
    let mut check_at = None;
    if let (Some(deadline_s), false) = (deadline_s, paused) {
        check_at = progress(d, new, &status, &mut conditions, deadline_s, view);
    }
    status.set("conditions", conditions);
    if differs(d.doc.at("status"), &status) {
        out.push(patch(d.key(), json!({"status": status}), "status of the replica sets"));
    }
    check_at
}

/// The status of a Deployment for which `set` has just been made.
pub(super) fn with_created(d: &Object, set: &str, view: &View<'_>) -> Value {
    let mut conditions: Vec<Value> = d.doc.list_at("status.conditions").to_vec();
    let text = format!("Created new replica set \"{set}\"");
    put(&mut conditions, PROGRESSING, "True", "NewReplicaSetCreated", &text, &view.timestamp());
    json!({"conditions": conditions})
}

/// Every wanted replica is of the newest template, available, and seen.
pub(super) fn is_complete(d: &Object, status: &Value) -> bool {
    let want = d.workload().map_or(0, |w| w.replicas);
    let n = |p: &str| status.int_at(p).unwrap_or(0);
    n("updatedReplicas") == want
        && n("replicas") == want
        && n("availableReplicas") == want
        && n("observedGeneration") >= d.meta.generation
}

fn counts(d: &Object, new: Option<&Arc<Object>>, sets: &[Arc<Object>], view: &View<'_>) -> Value {
    let sum = |f: &dyn Fn(&Object) -> i64| sets.iter().map(|s| f(s)).sum::<i64>();
    let of = |f: fn(&objects::typed::Workload) -> i64| move |s: &Object| s.workload().map_or(0, f);
    let available = sum(&of(|w| w.available));
    let mut status = json!({
        "observedGeneration": d.meta.generation,
        "replicas": count(sum(&of(|w| w.status_replicas))),
        "updatedReplicas": count(new.and_then(|s| s.workload()).map_or(0, |w| w.status_replicas)),
        "readyReplicas": count(sum(&of(|w| w.ready))),
        "availableReplicas": count(available),
        "unavailableReplicas": count((sum(&|s| replicas(s)) - available).max(0)),
    });
    if view.era() == Era::V1 {
        status.set("terminatingReplicas", sum(&|s| s.doc.int_at("status.terminatingReplicas").unwrap_or(0)));
    }
    status
}

fn progress(
    d: &Object,
    new: Option<&Arc<Object>>,
    status: &Value,
    conditions: &mut Vec<Value>,
    deadline_s: i64,
    view: &View<'_>,
) -> Option<SimTime> {
    let now = view.timestamp();
    let name = new.map_or(d.meta.name.as_str(), |s| s.meta.name.as_str());
    let what = if new.is_some() { "ReplicaSet" } else { "Deployment" };
    let found = conditions.iter().find(|c| c.str_at("type") == Some(PROGRESSING)).cloned();
    let reason = found.as_ref().and_then(|c| c.str_at("reason")).unwrap_or_default();
    let n = |v: &Value, p: &str| v.int_at(p).unwrap_or(0);
    if n(status, "replicas") == n(status, "updatedReplicas") && reason == COMPLETE {
        return None;
    }
    if is_complete(d, status) {
        let text = format!("{what} \"{name}\" has successfully progressed.");
        put(conditions, PROGRESSING, "True", COMPLETE, &text, &now);
        return None;
    }
    let before = d.doc.at("status");
    let stale = |v: &Value| n(v, "replicas") - n(v, "updatedReplicas");
    let moved = n(status, "updatedReplicas") > n(before, "updatedReplicas")
        || stale(status) < stale(before)
        || n(status, "readyReplicas") > n(before, "readyReplicas")
        || n(status, "availableReplicas") > n(before, "availableReplicas");
    if moved {
        // Progress counts from now on: the condition is written anew even where its words are the same.
        let since = found.as_ref().filter(|c| c.str_at("status") == Some("True")).and_then(|c| c.str_at("lastTransitionTime"));
        let since = since.unwrap_or(&now).to_owned();
        conditions.retain(|c| c.str_at("type") != Some(PROGRESSING));
        let text = format!("{what} \"{name}\" is progressing.");
        put(conditions, PROGRESSING, "True", "ReplicaSetUpdated", &text, &now);
        if let Some(c) = conditions.last_mut() {
            c.set("lastTransitionTime", since);
        }
    }
    let updated = conditions.iter().find(|c| c.str_at("type") == Some(PROGRESSING))?;
    if updated.str_at("reason") == Some(TIMED_OUT) {
        return None;
    }
    let from = updated.str_at("lastUpdateTime").and_then(time::parse_rfc3339)?;
    let due = from.saturating_add(deadline_s.saturating_mul(1000));
    if due > view.unix_ms() {
        return Some(view.sim_time(due));
    }
    let text = format!("{what} \"{name}\" has timed out progressing.");
    put(conditions, PROGRESSING, "False", TIMED_OUT, &text, &now);
    None
}

/// `SetDeploymentCondition`: the same status and reason change nothing; otherwise the condition moves to the end.
fn put(conditions: &mut Vec<Value>, kind: &str, status: &str, reason: &str, message: &str, now: &str) {
    let mut since = now.to_owned();
    if let Some(at) = conditions.iter().position(|c| c.str_at("type") == Some(kind)) {
        let old = conditions.get(at);
        let is = |name: &str, want: &str| old.and_then(|c| c.str_at(name)) == Some(want);
        if is("status", status) && is("reason", reason) {
            return;
        }
        if is("status", status)
            && let Some(t) = old.and_then(|c| c.str_at("lastTransitionTime"))
        {
            since = t.to_owned();
        }
        conditions.remove(at);
    }
    conditions.push(json!({
        "type": kind, "status": status, "reason": reason, "message": message,
        "lastTransitionTime": since, "lastUpdateTime": now,
    }));
}
