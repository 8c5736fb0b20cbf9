//! The Job controller: pods until enough have succeeded or too many have failed.
//!
//! Source: kubernetes pkg/controller/job/job_controller.go, v1.28. Containers that end by themselves are known to the
//! kubelet only by the annotation `nodewright.dev/run-seconds` of the pod template.

use super::super::support::{
    count, delete, event, generated_name, next_due, note_change, note_controller, patch, set_condition, warning,
};
use super::pods::{from_template, is_active, is_ready, owned_by};
use super::replicaset::differs;
use crate::actor::{Action, Actor, Intent, View};
use crate::kernel::{SimTime, Timers};
use crate::store::{Change, Op};
use objects::collections::VecMap;
use objects::json;
use objects::typed::Phase;
use objects::{DocExt, Kind, Object, ObjectKey, Value};
use std::sync::Arc;

const COMPONENT: &str = "job-controller";
/// The controller batches pod updates for a second.
const REACTION_MS: u64 = 1000;
const START_MS: u64 = 30;
const BURST: usize = 500;

#[derive(Clone, Debug, Default)]
pub struct JobController {
    due: Timers<ObjectKey>,
    drawn: VecMap<String, u64>,
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
            return;
        }
        let pods = owned_by(view, job);
        let ended = |phase: Phase| pods.iter().filter(|p| p.pod().is_some_and(|p| p.phase == phase)).count() as i64;
        let (succeeded, failed) = (ended(Phase::Succeeded), ended(Phase::Failed));
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
        let mut finished_at = Value::Null;
        if failed > limit {
            let text = "Job has reached the specified backoff limit";
            set_condition(&mut conditions, "Failed", "True", "BackoffLimitExceeded", text, &now);
            out.push(warning(&job.key(), COMPONENT, "BackoffLimitExceeded", text.to_owned()));
            remove_all(job, &active, out);
        } else if complete {
            set_condition(&mut conditions, "Complete", "True", "", "", &now);
            out.push(event(&job.key(), COMPONENT, "Completed", "Job completed".to_owned()));
            finished_at = now.clone().into();
        } else if suspended {
            set_condition(&mut conditions, "Suspended", "True", "JobSuspended", "Job suspended", &now);
            remove_all(job, &active, out);
        } else {
            let parallelism = job.workload().map_or(1, |w| w.replicas);
            let left = completions.map_or(i64::MAX, |n| n - succeeded);
            let stop_growing = completions.is_none() && succeeded > 0;
            let want = if stop_growing { active.len() as i64 } else { parallelism.min(left) };
            let missing = usize::try_from(want - active.len() as i64).unwrap_or(0).min(BURST);
            self.create(job, missing, view, out);
        }
        let started = job.doc.at("status.startTime").as_str().map_or(now, str::to_owned);
        let status = json!({
            "active": count(active.len() as i64), "ready": active.iter().filter(|p| is_ready(p)).count(),
            "succeeded": count(succeeded), "failed": count(failed), "startTime": started,
            "completionTime": finished_at, "conditions": if conditions.is_empty() { Value::Null } else { conditions.into() },
        });
        if differs(job.doc.at("status"), &status) {
            out.push(patch(job.key(), json!({"status": status}), "status of the pods"));
        }
    }

    fn create(&mut self, job: &Arc<Object>, missing: usize, view: &View<'_>, out: &mut Vec<Intent>) {
        let prefix = format!("{}-", job.meta.name);
        for _ in 0..missing {
            let drawn = self.drawn.entry(job.meta.uid.clone()).or_insert(0);
            let name = generated_name(view, "pod-name", &job.meta.uid, *drawn, &prefix);
            *drawn += 1;
            let mut doc = from_template(job, &name, &prefix);
            if let Value::Object(labels) = doc.slot("metadata.labels") {
                for (key, value) in [("controller-uid", &job.meta.uid), ("job-name", &job.meta.name)] {
                    labels.insert(key.to_owned(), value.clone().into());
                    labels.insert(format!("batch.kubernetes.io/{key}"), value.clone().into());
                }
            }
            out.push(Intent::new(Action::Create(doc), "fewer pods than wanted"));
            out.push(event(&job.key(), COMPONENT, "SuccessfulCreate", format!("Created pod: {name}")));
        }
    }
}

fn remove_all(job: &Arc<Object>, active: &[&Arc<Object>], out: &mut Vec<Intent>) {
    for pod in active {
        out.push(delete(pod.key(), None, "the job stops"));
        out.push(event(&job.key(), COMPONENT, "SuccessfulDelete", format!("Deleted pod: {}", pod.meta.name)));
    }
}
