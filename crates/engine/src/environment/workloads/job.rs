//! The Job controller: pods until enough have succeeded or too many have failed.
//!
//! Source: kubernetes pkg/controller/job/job_controller.go, v1.28. Containers that end by themselves are known to the
//! kubelet only by the annotation `nodewright.dev/run-seconds` of the pod template.

use super::super::support::{
    count, delete, event, generated_name, next_due, note_change, note_controller, patch, set_condition, warning,
};
use super::pods::{from_template, is_active, is_ready, owned_by};
use super::ranking::deletion_order;
use super::replicaset::differs;
use crate::actor::{Action, Actor, Intent, View};
use crate::kernel::{SimTime, Timers};
use crate::store::{Change, Op};
use objects::collections::{VecMap, VecSet};
use objects::json;
use objects::typed::Phase;
use objects::{DocExt, Era, Kind, Object, ObjectKey, Value, time};
use std::sync::Arc;

const COMPONENT: &str = "job-controller";
/// The controller batches pod updates for a second.
const REACTION_MS: u64 = 1000;
const START_MS: u64 = 30;
const BURST: usize = 500;
const FIRST_BACKOFF_MS: u64 = 10_000;
const MAX_BACKOFF_MS: u64 = 360_000;
const INDEX: &str = "batch.kubernetes.io/job-completion-index";

#[derive(Clone, Debug, Default)]
pub struct JobController {
    due: Timers<ObjectKey>,
    drawn: VecMap<String, u64>,
    /// Failures seen and when the last was, by UID.
    failures: VecMap<String, (i64, SimTime)>,
}

impl Actor for JobController {
    fn name(&self) -> &'static str {
        "job"
    }

    fn observe(&mut self, change: &Change, view: &View<'_>) {
        match change.kind() {
            Kind::Job => {
                note_change(&mut self.due, change, view.now + START_MS);
                if change.op == Op::Deleted {
                    self.drawn.remove(&change.object.meta.uid);
                    self.failures.remove(&change.object.meta.uid);
                }
            }
            Kind::Pod => note_controller(&mut self.due, &change.object, Kind::Job, view.now + REACTION_MS),
            _ => {}
        }
    }

    fn wake_at(&self) -> Option<SimTime> {
        self.due.next()
    }

    fn act(&mut self, view: &View<'_>) -> Vec<Intent> {
        let mut out = Vec::new();
        while let Some(job) = next_due(&mut self.due, view) {
            if !job.meta.is_deleting() {
                self.sync(job, view, &mut out);
            }
        }
        out
    }
}

impl JobController {
    fn sync(&mut self, job: &Arc<Object>, view: &View<'_>, out: &mut Vec<Intent>) {
        if job.condition_is_true("Complete") || job.condition_is_true("Failed") {
            self.expire(job, view, out);
            return;
        }
        let pods = owned_by(view, job);
        let phase = |p: &Object, phase: Phase| p.pod().is_some_and(|p| p.phase == phase);
        let failed = pods.iter().filter(|p| phase(p, Phase::Failed)).count() as i64;
        let indexed = job.doc.str_at("spec.completionMode") == Some("Indexed");
        let done: VecSet<i64> = pods.iter().filter(|p| phase(p, Phase::Succeeded)).filter_map(|p| index_of(p)).collect();
        let succeeded =
            if indexed { done.len() as i64 } else { pods.iter().filter(|p| phase(p, Phase::Succeeded)).count() as i64 };
        let active: Vec<&Arc<Object>> = pods.iter().copied().filter(|p| is_active(p)).collect();
        let now = view.timestamp();
        let mut conditions: Vec<Value> = job.doc.list_at("status.conditions").to_vec();
        let completions = job.doc.int_at("spec.completions");
        let suspended = job.doc.bool_at("spec.suspend").unwrap_or(false);
        let limit = job.doc.int_at("spec.backoffLimit").unwrap_or(6);
        let complete = match completions {
            Some(n) => succeeded >= n,
            None => succeeded > 0 && active.is_empty(),
        };
        let started = job.doc.str_at("status.startTime").filter(|_| !suspended).map_or(now.clone(), str::to_owned);
        let deadline = job.doc.int_at("spec.activeDeadlineSeconds").filter(|_| !suspended);
        let deadline = deadline.zip(time::parse_rfc3339(&started)).map(|(s, t)| t.saturating_add(s.saturating_mul(1000)));
        let mut finished_at = Value::Null;
        let fail = if failed > limit {
            Some(("BackoffLimitExceeded", "Job has reached the specified backoff limit"))
        } else if deadline.is_some_and(|t| view.unix_ms() >= t) {
            Some(("DeadlineExceeded", "Job was active longer than specified deadline"))
        } else {
            None
        };
        if let Some((reason, text)) = fail {
            set_condition(&mut conditions, "Failed", "True", reason, text, &now);
            out.push(warning(&job.key(), COMPONENT, reason, text.to_owned()));
            remove_all(job, &active, out);
        } else if complete {
            set_condition(&mut conditions, "Complete", "True", "", "", &now);
            out.push(event(&job.key(), COMPONENT, "Completed", "Job completed".to_owned()));
            finished_at = now.clone().into();
            // With enough of them done the others are no longer needed.
            remove_all(job, &active, out);
        } else if suspended {
            if set_condition(&mut conditions, "Suspended", "True", "JobSuspended", "Job suspended", &now) {
                out.push(event(&job.key(), COMPONENT, "Suspended", "Job suspended".to_owned()));
            }
            remove_all(job, &active, out);
        } else {
            if conditions.iter().any(|c| c.str_at("type") == Some("Suspended") && c.str_at("status") == Some("True")) {
                set_condition(&mut conditions, "Suspended", "False", "JobResumed", "Job resumed", &now);
                out.push(event(&job.key(), COMPONENT, "Resumed", "Job resumed".to_owned()));
            }
            let parallelism = job.workload().map_or(1, |w| w.replicas);
            let left = completions.map_or(i64::MAX, |n| n - succeeded);
            let stop_growing = completions.is_none() && succeeded > 0;
            let want = if stop_growing { active.len() as i64 } else { parallelism.min(left) };
            let surplus = usize::try_from(active.len() as i64 - want).unwrap_or(0);
            if surplus > 0 {
                let order = deletion_order(active.clone(), &active, view.unix_ms());
                remove_all(job, order.get(..surplus).unwrap_or_default(), out);
            }
            let missing = usize::try_from(want - active.len() as i64).unwrap_or(0).min(BURST);
            match self.held_back_until(job, failed, view).filter(|_| missing > 0) {
                Some(at) => self.due.sooner(job.key(), at),
                None if indexed => {
                    let running: VecSet<i64> = active.iter().filter_map(|p| index_of(p)).collect();
                    let free = (0..completions.unwrap_or(0)).filter(|n| !done.contains(n) && !running.contains(n));
                    self.create(job, free.take(missing).map(Some).collect(), view, out);
                }
                None => self.create(job, vec![None; missing], view, out),
            }
            if let Some(t) = deadline {
                self.due.sooner(job.key(), view.sim_time(t));
            }
        }
        let mut status = json!({
            "active": count(active.len() as i64), "ready": active.iter().filter(|p| is_ready(p)).count(),
            "succeeded": count(succeeded), "failed": count(failed),
            "startTime": if suspended { Value::Null } else { started.into() },
            "completionTime": finished_at, "conditions": if conditions.is_empty() { Value::Null } else { conditions.into() },
        });
        if indexed {
            status.set("completedIndexes", ranges(&done));
        }
        if differs(job.doc.at("status"), &status) {
            out.push(patch(job.key(), json!({"status": status}), "status of the pods"));
        }
    }

    /// A finished job goes when its time to live is over.
    fn expire(&mut self, job: &Arc<Object>, view: &View<'_>, out: &mut Vec<Intent>) {
        let Some(ttl_s) = job.doc.int_at("spec.ttlSecondsAfterFinished") else { return };
        let ended = |c: &&Value| matches!(c.str_at("type"), Some("Complete" | "Failed")) && c.str_at("status") == Some("True");
        let at = job.doc.list_at("status.conditions").iter().find(ended);
        let at = at.and_then(|c| c.str_at("lastTransitionTime")).and_then(time::parse_rfc3339).unwrap_or(view.unix_ms());
        let until = at.saturating_add(ttl_s.saturating_mul(1000));
        if until > view.unix_ms() {
            self.due.sooner(job.key(), view.sim_time(until));
        } else {
            out.push(delete(job.key(), None, "ttlSecondsAfterFinished is over"));
        }
    }

    /// After a failure the next pod waits: 10 s, doubling to six minutes.
    fn held_back_until(&mut self, job: &Object, failed: i64, view: &View<'_>) -> Option<SimTime> {
        let seen = self.failures.entry(job.meta.uid.clone()).or_insert((0, view.now));
        if seen.0 != failed {
            *seen = (failed, view.now);
        }
        let doublings = u32::try_from(failed.checked_sub(1).filter(|n| *n >= 0)?).unwrap_or(6).min(6);
        let until = seen.1 + (FIRST_BACKOFF_MS << doublings).min(MAX_BACKOFF_MS);
        (until > view.now).then_some(until)
    }

    /// A pod for each of `indexes`, `None` where they are not numbered.
    fn create(&mut self, job: &Arc<Object>, indexes: Vec<Option<i64>>, view: &View<'_>, out: &mut Vec<Intent>) {
        for index in indexes {
            let prefix = index.map_or_else(|| format!("{}-", job.meta.name), |i| format!("{}-{i}-", job.meta.name));
            let drawn = self.drawn.entry(job.meta.uid.clone()).or_insert(0);
            let name = generated_name(view, "pod-name", &job.meta.uid, *drawn, &prefix);
            *drawn += 1;
            let mut doc = from_template(job, &name, &prefix);
            let mut put = |place: &str, key: String, value: &str| {
                if doc.at(place).is_null() {
                    doc.set(place, json!({}));
                }
                if let Value::Object(map) = doc.slot(place) {
                    map.insert(key, value.into());
                }
            };
            for (key, value) in [("controller-uid", &job.meta.uid), ("job-name", &job.meta.name)] {
                put("metadata.labels", key.to_owned(), value);
                put("metadata.labels", format!("batch.kubernetes.io/{key}"), value);
            }
            if let Some(index) = index {
                put("metadata.annotations", INDEX.to_owned(), &index.to_string());
                if view.era() == Era::V1 {
                    put("metadata.labels", INDEX.to_owned(), &index.to_string());
                }
                doc.set("spec.hostname", format!("{}-{index}", job.meta.name));
            }
            out.push(Intent::new(Action::Create(doc), "fewer pods than wanted"));
            out.push(event(&job.key(), COMPONENT, "SuccessfulCreate", format!("Created pod: {name}")));
        }
    }
}

fn index_of(pod: &Object) -> Option<i64> {
    pod.meta.annotations.get(INDEX)?.parse().ok()
}

/// `0-2,5`
fn ranges(indexes: &VecSet<i64>) -> String {
    let mut parts: Vec<(i64, i64)> = Vec::new();
    for i in indexes {
        match parts.last_mut() {
            Some((_, last)) if *last + 1 == *i => *last = *i,
            _ => parts.push((*i, *i)),
        }
    }
    let text = |(a, b): &(i64, i64)| match b - a {
        0 => a.to_string(),
        1 => format!("{a},{b}"),
        _ => format!("{a}-{b}"),
    };
    parts.iter().map(text).collect::<Vec<_>>().join(",")
}

fn remove_all(job: &Arc<Object>, active: &[&Arc<Object>], out: &mut Vec<Intent>) {
    for pod in active {
        out.push(delete(pod.key(), None, "the job stops"));
        out.push(event(&job.key(), COMPONENT, "SuccessfulDelete", format!("Deleted pod: {}", pod.meta.name)));
    }
}

#[cfg(test)]
mod tests;
