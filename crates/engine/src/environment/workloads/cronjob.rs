//! The CronJob controller: a Job at each time of a schedule, and no more finished Jobs than are to be kept.
//!
//! Source: kubernetes pkg/controller/cronjob/{cronjob_controllerv2,utils}.go, v1.28 and v1.35. Of the time zones only UTC
//! and those of Korea and Japan are known, which have no summer time.

use super::super::support::{create, delete, event, next_due, note_change, note_controller, owner_reference, patch, warning};
use super::replicaset::differs;
use crate::actor::{Actor, Intent, View};
use crate::controllers::Schedule;
use crate::kernel::{SimTime, Timers};
use crate::store::Change;
use objects::collections::Order as _;
use objects::{DocExt, Era, Kind, Object, ObjectKey, Value, json, time};
use std::sync::Arc;

const COMPONENT: &str = "cronjob-controller";
const REACTION_MS: u64 = 30;
/// The controller wakes a little after the minute.
const AFTER_MS: u64 = 100;
/// Missed times beyond which the controller complains.
const MANY_MISSED: usize = 100;
/// A bound of the simulation: pods that the jobs of one schedule may ask for at a time.
const MOST_PODS: i64 = 5_000;
const SCHEDULED_AT: &str = "batch.kubernetes.io/cronjob-scheduled-timestamp";

#[derive(Clone, Debug, Default)]
pub struct CronJobController {
    due: Timers<ObjectKey>,
}

impl Actor for CronJobController {
    fn name(&self) -> &'static str {
        "cronjob"
    }

    fn observe(&mut self, change: &Change, view: &View<'_>) {
        let at = view.now + REACTION_MS;
        match change.kind() {
            Kind::CronJob => note_change(&mut self.due, change, at),
            Kind::Job => note_controller(&mut self.due, &change.object, Kind::CronJob, at),
            _ => {}
        }
    }

    fn wake_at(&self) -> Option<SimTime> {
        self.due.next()
    }

    fn act(&mut self, view: &View<'_>) -> Vec<Intent> {
        let mut out = Vec::new();
        while let Some(cron) = next_due(&mut self.due, view) {
            if cron.meta.is_deleting() {
                continue;
            }
            if let Some(at) = sync(cron, view, &mut out) {
                self.due.sooner(cron.key(), at + AFTER_MS);
            }
        }
        out
    }
}

fn end_of(job: &Object) -> Option<&'static str> {
    ["Complete", "Failed"].into_iter().find(|c| job.condition_is_true(c))
}

/// Returns the next time of the schedule.
fn sync(cron: &Arc<Object>, view: &View<'_>, out: &mut Vec<Intent>) -> Option<SimTime> {
    let owned = view.store.controlled_by(Kind::Job, &cron.meta.uid);
    let mut jobs: Vec<&Arc<Object>> = owned.filter(|j| j.meta.namespace == cron.meta.namespace).collect();
    jobs.order_by_key(|j| (j.doc.str_at("status.startTime").map(str::to_owned), j.meta.name.clone()));
    let known = cron.doc.list_at("status.active");
    let mut last_success = cron.doc.at("status.lastSuccessfulTime").clone();
    for job in &jobs {
        let listed = known.iter().any(|a| a.str_at("uid") == Some(&job.meta.uid));
        if let Some(end) = end_of(job).filter(|_| listed) {
            let word = if view.era() == Era::V1 { "condition" } else { "status" };
            out.push(event(
                &cron.key(),
                COMPONENT,
                "SawCompletedJob",
                format!("Saw completed job: {}, {word}: {end}", job.meta.name),
            ));
            let at = job.doc.str_at("status.completionTime").unwrap_or_default();
            if end == "Complete" && at > last_success.as_str().unwrap_or_default() {
                last_success = at.into();
            }
        }
    }
    for (end, limit, default) in
        [("Complete", "spec.successfulJobsHistoryLimit", 3), ("Failed", "spec.failedJobsHistoryLimit", 1)]
    {
        let done: Vec<&&Arc<Object>> = jobs.iter().filter(|j| end_of(j) == Some(end)).collect();
        let keep = usize::try_from(cron.doc.int_at(limit).unwrap_or(default)).unwrap_or(0);
        let surplus = done.len().saturating_sub(keep);
        done.into_iter().take(surplus).for_each(|job| remove(cron, job, out));
    }
    let mut active: Vec<Value> =
        jobs.iter().filter(|j| end_of(j).is_none() && !j.meta.is_deleting()).map(|j| reference(j)).collect();
    let mut last = cron.doc.at("status.lastScheduleTime").clone();
    let next = schedule(cron, &jobs, &mut active, &mut last, view, out);
    let active = if active.is_empty() { Value::Null } else { active.into() };
    let status = json!({"active": active, "lastScheduleTime": last, "lastSuccessfulTime": last_success});
    if differs(cron.doc.at("status"), &status) {
        out.push(patch(cron.key(), json!({"status": status}), "status of the jobs"));
    }
    next
}

fn schedule(
    cron: &Arc<Object>,
    jobs: &[&Arc<Object>],
    active: &mut Vec<Value>,
    last: &mut Value,
    view: &View<'_>,
    out: &mut Vec<Intent>,
) -> Option<SimTime> {
    if cron.doc.bool_at("spec.suspend") == Some(true) {
        return None;
    }
    let text = cron.doc.str_at("spec.schedule").unwrap_or_default();
    let parsed = match Schedule::parse(text) {
        Ok(parsed) => parsed,
        Err(why) => {
            let text = format!("unparseable schedule: {text:?} : {why}");
            out.push(warning(&cron.key(), COMPONENT, "UnparseableSchedule", text));
            return None;
        }
    };
    let zone = cron.doc.str_at("spec.timeZone").unwrap_or("UTC");
    let offset_ms = match zone {
        "UTC" | "Etc/UTC" => 0,
        "Asia/Seoul" | "Asia/Tokyo" => 9 * 3_600_000,
        _ => {
            let text = format!("invalid timeZone: {zone:?}: unknown time zone {zone}");
            out.push(warning(&cron.key(), COMPONENT, "UnknownTimeZone", text));
            return None;
        }
    };
    let after = |unix_ms: i64| parsed.next(unix_ms + offset_ms).map(|t| t - offset_ms);
    let now = view.unix_ms();
    let next = after(now).map(|t| view.sim_time(t));
    let deadline_ms = cron.doc.int_at("spec.startingDeadlineSeconds").map(|s| s.saturating_mul(1000));
    let mut from = last.as_str().and_then(time::parse_rfc3339).unwrap_or(cron.meta.created_ms);
    from = from.max(deadline_ms.map_or(i64::MIN, |d| now.saturating_sub(d)));
    let (mut due, mut missed) = (None, 0);
    while let Some(at) = after(due.unwrap_or(from)).filter(|at| *at <= now) {
        due = Some(at);
        missed += 1;
        if missed > MANY_MISSED {
            // The schedule is caught up with from here.
            due = after(now - 60_000 * 60 * 24).filter(|at| *at <= now).or(due);
            let text = "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew";
            out.push(warning(&cron.key(), COMPONENT, "TooManyMissedTimes", text.to_owned()));
            break;
        }
    }
    let Some(at) = due else { return next };
    let name = format!("{}-{}", cron.meta.name, at / 60_000);
    let started = || jobs.iter().any(|j| j.meta.name == name);
    match cron.doc.str_at("spec.concurrencyPolicy") {
        _ if started() => return next,
        Some("Forbid") if !active.is_empty() => {
            let text = "Not starting job because prior execution is running and concurrency policy is Forbid";
            out.push(event(&cron.key(), COMPONENT, "JobAlreadyActive", text.to_owned()));
            return next;
        }
        Some("Replace") => {
            jobs.iter().filter(|j| end_of(j).is_none() && !j.meta.is_deleting()).for_each(|j| remove(cron, j, out));
            active.clear();
        }
        _ => {}
    }
    let template = cron.doc.at("spec.jobTemplate");
    let running = active.len() as i64 + 1;
    if running.saturating_mul(template.int_at("spec.parallelism").unwrap_or(1)) > MOST_PODS {
        let text = format!("Error creating job: this simulation runs at most {MOST_PODS} pods of one CronJob at a time");
        out.push(warning(&cron.key(), COMPONENT, "FailedCreate", text));
        return next;
    }
    let mut doc = json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"name": name, "namespace": cron.meta.namespace, "ownerReferences": [owner_reference(cron)]},
        "spec": template.at("spec").clone(),
    });
    for field in ["labels", "annotations"] {
        if let Some(v) = template.at("metadata").get(field).filter(|v| !v.is_null()) {
            doc.slot("metadata").set(field, v.clone());
        }
    }
    let mut note = doc.at("metadata.annotations").clone();
    if !note.is_object() {
        note = json!({});
    }
    if let Value::Object(map) = &mut note {
        map.insert(SCHEDULED_AT.to_owned(), time::rfc3339(at).into());
    }
    doc.slot("metadata").set("annotations", note);
    // What the API server fills in at a create.
    objects::admit::default_fields(Kind::Job, &mut doc);
    *last = time::rfc3339(at).into();
    out.push(create(doc, "a time of the schedule"));
    out.push(event(&cron.key(), COMPONENT, "SuccessfulCreate", format!("Created job {name}")));
    next
}

fn reference(job: &Object) -> Value {
    json!({
        "apiVersion": "batch/v1", "kind": "Job", "name": job.meta.name, "namespace": job.meta.namespace, "uid": job.meta.uid,
    })
}

fn remove(cron: &Arc<Object>, job: &Object, out: &mut Vec<Intent>) {
    out.push(delete(job.key(), None, "replaced, or more than are kept"));
    out.push(event(&cron.key(), COMPONENT, "SuccessfulDelete", format!("Deleted job {}", job.meta.name)));
}

#[cfg(test)]
mod tests;
