//! The HorizontalPodAutoscaler controller, on scripted load (see [`super::load`]).
//!
//! Source: kubernetes pkg/controller/podautoscaler/horizontal.go, v1.35: a look every 15 s, ten percent of tolerance, five
//! minutes of stabilisation on the way down. Other metrics than pods' CPU and memory have no source here and fail as on a
//! cluster without their API.

mod limits;
mod replicas;

use super::load::{self, Usage};
use super::support::{event, next_due, patch, set_condition, warning};
use crate::actor::{Actor, Intent, View};
use crate::kernel::{SimTime, Timers};
use crate::store::{Change, Op};
use limits::{Ask, Memory};
use objects::collections::VecMap;
use objects::quantity::{Format, Quantity};
use objects::selector::LabelSelector;
use objects::typed::Phase;
use objects::{DocExt, Kind, Object, ObjectKey, Resources, Value, json};
use replicas::{Pod, Proposal, Target, Tolerance};
use std::sync::Arc;

const COMPONENT: &str = "horizontal-pod-autoscaler";
const SYNC_MS: u64 = 15_000;
const TOLERANCE_MILLI: i64 = 100;

#[derive(Clone, Debug, Default)]
pub struct Autoscaler {
    due: Timers<ObjectKey>,
    memory: VecMap<String, Memory>,
}

impl Actor for Autoscaler {
    fn name(&self) -> &'static str {
        "autoscaler"
    }

    fn observe(&mut self, change: &Change, view: &View<'_>) {
        if change.kind() != Kind::HorizontalPodAutoscaler {
            return;
        }
        if change.op == Op::Deleted {
            self.due.cancel(&change.key());
            self.memory.remove(&change.object.meta.uid);
        } else if self.due.when(&change.key()).is_none() {
            // The queue holds every autoscaler back for one period.
            self.due.set(change.key(), view.now + SYNC_MS);
        }
    }

    fn wake_at(&self) -> Option<SimTime> {
        self.due.next()
    }

    fn act(&mut self, view: &View<'_>) -> Vec<Intent> {
        let mut out = Vec::new();
        while let Some(hpa) = next_due(&mut self.due, view) {
            self.due.set(hpa.key(), view.now + SYNC_MS);
            if !hpa.meta.is_deleting() {
                self.sync(hpa, view, &mut out);
            }
        }
        out
    }
}

/// The status as it becomes.
struct Status {
    conditions: Vec<Value>,
    now: String,
}

impl Status {
    fn say(&mut self, kind: &str, status: &str, reason: &str, message: &str) {
        set_condition(&mut self.conditions, kind, status, reason, message, &self.now);
    }
}

impl Autoscaler {
    fn sync(&mut self, hpa: &Arc<Object>, view: &View<'_>, out: &mut Vec<Intent>) {
        let spec = hpa.doc.at("spec");
        let mut status = Status { conditions: hpa.doc.list_at("status.conditions").to_vec(), now: view.timestamp() };
        let target = match find_target(hpa, view) {
            Ok(target) => target,
            Err(why) => {
                out.push(warning(&hpa.key(), COMPONENT, "FailedGetScale", why.clone()));
                let text = format!("the HPA controller was unable to get the target's current scale: {why}");
                status.say("AbleToScale", "False", "FailedGetScale", &text);
                write(hpa, json!({"conditions": status.conditions}), out);
                return;
            }
        };
        status.say("AbleToScale", "True", "SucceededGetScale", "the HPA controller was able to get the target's current scale");
        let current = target.workload().map_or(1, |w| w.replicas);
        let memory = self.memory.entry(hpa.meta.uid.clone()).or_default();
        memory.begin(current, view.now);
        let (min, max) = (spec.int_at("minReplicas").unwrap_or(1), spec.int_at("maxReplicas").unwrap_or(1));
        let behavior = spec.at("behavior").clone();
        let mut metrics = Value::Null;
        let (desired, reason) = if current == 0 && min != 0 {
            let text = "scaling is disabled since the replica count of the target is zero";
            status.say("ScalingActive", "False", "ScalingDisabled", text);
            (current, String::new())
        } else if current > max {
            (max, "Current number of replicas above Spec.MaxReplicas".to_owned())
        } else if current < min {
            (min, "Current number of replicas below Spec.MinReplicas".to_owned())
        } else {
            let measured = measure(hpa, target, current, &behavior, view, &mut status, out);
            metrics = measured.statuses;
            let Some((proposed, metric)) = measured.proposal else {
                let before = hpa.doc.int_at("status.desiredReplicas").unwrap_or(0);
                write(hpa, whole(hpa, current, before, metrics, &status, None), out);
                return;
            };
            let reason =
                if proposed > current { format!("{metric} above target") } else { "All metrics below target".to_owned() };
            let settled = memory.settle(Ask { current, desired: proposed, min, max }, &behavior, view.now);
            for (kind, is, reason, message) in settled.conditions {
                status.say(kind, is, reason, message);
            }
            (settled.replicas, reason)
        };
        let rescaled = desired != current;
        if rescaled {
            out.push(patch(target.key(), json!({"spec": {"replicas": desired}}), "the autoscaler's new size"));
            let text = format!("the HPA controller was able to update the target scale to {desired}");
            status.say("AbleToScale", "True", "SucceededRescale", &text);
            out.push(event(&hpa.key(), COMPONENT, "SuccessfulRescale", format!("New size: {desired}; reason: {reason}")));
            memory.scaled(current, desired, &behavior, view.now);
        }
        write(hpa, whole(hpa, current, desired, metrics, &status, rescaled.then(|| view.timestamp())), out);
    }
}

fn whole(hpa: &Object, current: i64, desired: i64, metrics: Value, status: &Status, rescaled: Option<String>) -> Value {
    let last = rescaled.or_else(|| hpa.doc.str_at("status.lastScaleTime").map(str::to_owned));
    json!({
        "currentReplicas": if current == 0 { Value::Null } else { current.into() }, "desiredReplicas": desired,
        "currentMetrics": metrics, "conditions": status.conditions, "lastScaleTime": last,
    })
}

fn write(hpa: &Object, status: Value, out: &mut Vec<Intent>) {
    let mut after = hpa.doc.at("status").clone();
    objects::patch::merge(&mut after, &status);
    if after != *hpa.doc.at("status") {
        out.push(patch(hpa.key(), json!({ "status": status }), "what the autoscaler found"));
    }
}

fn find_target<'a>(hpa: &Object, view: &View<'a>) -> Result<&'a Arc<Object>, String> {
    let reference = hpa.doc.at("spec.scaleTargetRef");
    let (version, kind) = (reference.str_at("apiVersion").unwrap_or_default(), reference.str_at("kind").unwrap_or_default());
    let name = reference.str_at("name").unwrap_or_default();
    let group = version.split_once('/').map_or("", |(group, _)| group);
    let found = Kind::of(version, kind).filter(|k| matches!(k, Kind::Deployment | Kind::ReplicaSet | Kind::StatefulSet));
    let kind = found.ok_or_else(|| format!("no matches for kind \"{kind}\" in group \"{group}\""))?;
    let key = ObjectKey::new(kind, &hpa.meta.namespace, name);
    view.store.get(&key).ok_or_else(|| format!("{} \"{name}\" not found", kind.resource()))
}

struct Measured {
    /// The greatest number that a metric asks for, and that metric's name.
    proposal: Option<(i64, String)>,
    statuses: Value,
}

fn measure(
    hpa: &Arc<Object>,
    target: &Object,
    current: i64,
    behavior: &Value,
    view: &View<'_>,
    status: &mut Status,
    out: &mut Vec<Intent>,
) -> Measured {
    let selector = LabelSelector::read(target.doc.at("spec.selector")).unwrap_or_default();
    let pods: Vec<&Arc<Object>> =
        view.store.list_in(Kind::Pod, &hpa.meta.namespace).filter(|p| selector.matches(&p.meta.labels)).collect();
    let usage = load::is_measured(view.store).then(|| Usage::at(view.store, view.unix_ms()));
    let tolerance = |side: &str| {
        let text = behavior.at(side).str_at("tolerance").map(str::to_owned);
        text.and_then(|t| Quantity::parse(&t).ok()).map_or(TOLERANCE_MILLI, |q| q.milli())
    };
    let tolerance = Tolerance { down: tolerance("scaleDown"), up: tolerance("scaleUp") };
    let specs = hpa.doc.list_at("spec.metrics");
    let mut statuses = Vec::new();
    let mut best: Option<(i64, String)> = None;
    let mut failed: Vec<(&'static str, String, String)> = Vec::new();
    for spec in specs {
        match one(spec, &pods, current, tolerance, usage.as_ref(), view) {
            Ok((proposal, name, metric)) => {
                statuses.push(metric);
                if best.as_ref().is_none_or(|(n, _)| proposal > *n || *n == 0) {
                    best = Some((proposal, name));
                }
            }
            Err(fail) => {
                statuses.push(json!({"type": ""}));
                out.push(warning(&hpa.key(), COMPONENT, fail.0, fail.1.clone()));
                failed.push(fail);
            }
        }
    }
    let statuses = Value::Array(statuses);
    let all = failed.len() >= specs.len();
    if let Some((reason, why, outer)) = failed.first()
        && (all || best.as_ref().is_none_or(|(n, _)| *n < current))
    {
        let text = format!("the HPA was unable to compute the replica count: {why}");
        status.say("ScalingActive", "False", reason, &text);
        let text = format!("invalid metrics ({} invalid out of {}), first error is: {outer}", failed.len(), specs.len());
        out.push(warning(&hpa.key(), COMPONENT, "FailedComputeMetricsReplicas", text));
        return Measured { proposal: None, statuses };
    }
    if let Some((_, name)) = &best {
        let text = format!("the HPA was able to successfully calculate a replica count from {name}");
        status.say("ScalingActive", "True", "ValidMetricFound", &text);
    }
    Measured { proposal: best, statuses }
}

/// One metric: the replicas, its name and its status; or the reason, the error and the error as it is told on.
fn one(
    spec: &Value,
    pods: &[&Arc<Object>],
    current: i64,
    tolerance: Tolerance,
    usage: Option<&Usage>,
    view: &View<'_>,
) -> Result<(i64, String, Value), (&'static str, String, String)> {
    let kind = spec.str_at("type").unwrap_or("Resource");
    if kind != "Resource" {
        return Err(elsewhere(kind, spec));
    }
    let resource = spec.str_at("resource.name").unwrap_or_default();
    let fail = |what: &str, why: String| {
        let why = format!("failed to get {resource} {what}: {why}");
        let outer = format!("failed to get {resource} resource metric value: {why}");
        ("FailedGetResourceMetric", why, outer)
    };
    let average = spec.str_at("resource.target.averageValue").map(str::to_owned);
    let (target, what) = match (average, spec.int_at("resource.target.averageUtilization")) {
        (Some(text), _) => {
            let quantity = Quantity::parse(&text).map_err(|e| fail("usage", e.to_string()))?;
            (Target::Average(if resource == "memory" { quantity.value() } else { quantity.milli() }), "usage")
        }
        (None, Some(percent)) => (Target::Utilization(percent), "utilization"),
        (None, None) => {
            let why = "invalid resource metric source: neither an average utilization target nor an average value (usage) target was set";
            return Err((
                "FailedGetResourceMetric",
                why.to_owned(),
                format!("failed to get {resource} resource metric value: {why}"),
            ));
        }
    };
    let unable = |why: &str| fail(what, format!("unable to get metrics for resource {resource}: {why}"));
    let Some(usage) = usage else {
        return Err(unable(
            "unable to fetch metrics from resource metrics API: the server could not find the requested resource (get \
             pods.metrics.k8s.io)",
        ));
    };
    let mut samples = Vec::new();
    for pod in pods {
        samples
            .push(sample(pod, resource, usage, matches!(target, Target::Utilization(_)), view).map_err(|why| fail(what, why))?);
    }
    if !samples.is_empty()
        && !samples.iter().any(|s| matches!(s, Pod::Measured { .. }))
        && !pods.iter().any(|p| usage.cpu_milli(p).is_some())
    {
        return Err(unable("no metrics returned from resource metrics API"));
    }
    let Proposal { replicas, utilization, average } =
        replicas::propose(&samples, current, target, tolerance).map_err(|why| fail(what, why))?;
    let amount =
        if resource == "memory" { Quantity::from_value(average, Format::BinarySi) } else { Quantity::from_milli(average) };
    let mut now = json!({"averageValue": amount.to_string()});
    let name = match utilization {
        Some(percent) => {
            now.set("averageUtilization", percent);
            format!("{resource} resource utilization (percentage of request)")
        }
        None => format!("{resource} resource"),
    };
    Ok((replicas, name, json!({"type": "Resource", "resource": {"name": resource, "current": now}})))
}

/// Metrics that nothing here measures.
fn elsewhere(kind: &str, spec: &Value) -> (&'static str, String, String) {
    let named = |field: &str| spec.at(field).str_at("metric.name").unwrap_or_default().to_owned();
    let custom = "unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered";
    let external = "unable to fetch metrics from external metrics API: the server could not find the requested resource (get \
                    external.metrics.k8s.io)";
    match kind {
        "Pods" => {
            let why = format!("unable to get metric {}: {custom}", named("pods"));
            ("FailedGetPodsMetric", why.clone(), format!("failed to get pods metric value: {why}"))
        }
        "Object" => {
            let why = format!("unable to get metric {}: {custom}", named("object"));
            ("FailedGetObjectMetric", why.clone(), format!("failed to get object metric value: {why}"))
        }
        _ => {
            let name = named("external");
            let why = format!("failed to get external metric {name}: {external}");
            ("FailedGetExternalMetric", why.clone(), format!("failed to get {name} external metric value: {why}"))
        }
    }
}

fn sample(pod: &Object, resource: &str, usage: &Usage, by_request: bool, view: &View<'_>) -> Result<Pod, String> {
    let typed = pod.pod();
    let mut request = 0;
    if by_request {
        for c in pod.doc.list_at("spec.containers") {
            if c.at("resources.requests").get(resource).is_none_or(Value::is_null) {
                let name = c.str_at("name").unwrap_or_default();
                return Err(format!("missing request for {resource} in container {name} of Pod {}", pod.meta.name));
            }
            let requests = Resources::read(c.at("resources.requests"));
            request += if resource == "memory" { requests.memory() } else { requests.cpu() };
        }
    }
    let phase = typed.map(|p| p.phase);
    if pod.meta.is_deleting() || phase == Some(Phase::Failed) {
        return Ok(Pod::Ignored);
    }
    let Some(typed) = typed.filter(|p| p.phase != Phase::Pending) else { return Ok(Pod::Unready { request }) };
    // A measurement from before the pod was ready for a whole window says nothing.
    if resource == "cpu" && !(typed.ready && usage.covers(typed.ready_since_ms.unwrap_or(view.unix_ms()))) {
        return Ok(Pod::Unready { request });
    }
    let measured = if resource == "memory" { usage.memory(pod) } else { usage.cpu_milli(pod) };
    Ok(measured.map_or(Pod::Missing { request }, |usage| Pod::Measured { request, usage }))
}

#[cfg(test)]
mod tests;
