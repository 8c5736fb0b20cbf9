//! The rules of Deployments, ReplicaSets, DaemonSets, StatefulSets and Jobs.
//! Source: kubernetes/kubernetes pkg/apis/{apps,batch}/validation/validation.go, v1.35 (era A prints values as v1.27 does).

use super::field_errors::{FieldErrors, IMMUTABLE, NEGATIVE};
use super::names;
use super::pod_rules;
use crate::selector::LabelSelector;
use crate::{DocExt, Era, Kind, Value, json};

pub(super) fn workload(kind: Kind, doc: &Value, old: Option<&Value>, era: Era, errors: &mut FieldErrors) {
    for path in [
        "spec.replicas",
        "spec.minReadySeconds",
        "spec.revisionHistoryLimit",
        "spec.parallelism",
        "spec.completions",
        "spec.backoffLimit",
        "spec.ttlSecondsAfterFinished",
    ] {
        if let Some(n) = doc.int_at(path).filter(|n| *n < 0) {
            errors.invalid(path, &n.into(), NEGATIVE);
        }
    }
    if kind != Kind::Job {
        selector(kind, doc, era, errors);
    }
    let template = doc.at("spec.template");
    names::labels(template.at("metadata.labels"), "spec.template.metadata.labels", errors);
    pod_rules::spec(template.at("spec"), "spec.template.spec", errors);
    let policy = template.str_at("spec.restartPolicy").unwrap_or("Always");
    if kind == Kind::Job {
        if policy == "Always" {
            errors.required("spec.template.spec.restartPolicy", "valid values: \"OnFailure\", \"Never\"");
        }
    } else if policy != "Always" && matches!(policy, "OnFailure" | "Never") {
        errors.unsupported("spec.template.spec.restartPolicy", policy, &["Always"]);
    }
    if kind == Kind::Deployment {
        strategy(doc, errors);
    }
    if let Some(old) = old {
        update(kind, doc, old, era, errors);
    }
}

/// Source: pkg/apis/batch/validation/validation.go `validateCronJobSpec`. What the schedule says is read by its controller.
pub(super) fn cron_job(doc: &Value, errors: &mut FieldErrors) {
    if doc.str_at("spec.schedule").is_none_or(str::is_empty) {
        errors.required("spec.schedule", "");
    }
    for field in ["startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"] {
        let path = format!("spec.{field}");
        if let Some(n) = doc.int_at(&path).filter(|n| *n < 0) {
            errors.invalid(&path, &n.into(), NEGATIVE);
        }
    }
    let at = "spec.jobTemplate.spec.template.spec";
    pod_rules::spec(doc.at(at), at, errors);
    if !matches!(doc.at(at).str_at("restartPolicy"), Some("OnFailure" | "Never")) {
        errors.required(format!("{at}.restartPolicy"), "valid values: \"OnFailure\", \"Never\"");
    }
}

fn selector(kind: Kind, doc: &Value, era: Era, errors: &mut FieldErrors) {
    let selector = doc.at("spec.selector");
    let labels = doc.at("spec.template").strings_at("metadata.labels");
    let read = LabelSelector::read(selector);
    match &read {
        None => errors.required("spec.selector", ""),
        Some(s) if s.match_labels.is_empty() && s.expressions.is_empty() => {
            let what = match kind {
                Kind::DaemonSet => "daemonset",
                Kind::StatefulSet => "statefulset",
                Kind::ReplicaSet => "replicaset",
                _ => "deployment",
            };
            errors.invalid("spec.selector", selector, &format!("empty selector is invalid for {what}"));
            return;
        }
        Some(_) => {}
    }
    // Without a selector nothing matches, so the template's labels do not either.
    if !read.is_some_and(|s| s.matches(&labels)) {
        let text = match era {
            Era::V1 => json!(labels).to_string(),
            Era::V1alpha5 if labels.is_empty() => "map[string]string(nil)".to_owned(),
            Era::V1alpha5 => go_map(&labels.into_iter().collect::<Vec<_>>()),
        };
        let why = format!("Invalid value: {text}: `selector` does not match template `labels`");
        errors.push("spec.template.metadata.labels", why);
    }
}

/// `map[string]string{"a":"b"}`
fn go_map(entries: &[(String, String)]) -> String {
    let inside: Vec<String> = entries.iter().map(|(k, v)| format!("\"{k}\":\"{v}\"")).collect();
    format!("map[string]string{{{}}}", inside.join(", "))
}

fn strategy(doc: &Value, errors: &mut FieldErrors) {
    let s = doc.at("spec.strategy");
    match s.str_at("type") {
        Some("Recreate") if s.at("rollingUpdate").is_object() => {
            errors.forbidden("spec.strategy.rollingUpdate", "may not be specified when strategy `type` is 'Recreate'");
        }
        Some("RollingUpdate") => {
            let zero = |v: &Value| v.as_i64() == Some(0) || v.as_str() == Some("0%");
            if zero(s.at("rollingUpdate.maxSurge")) && zero(s.at("rollingUpdate.maxUnavailable")) {
                let why = "may not be 0 when `maxSurge` is 0";
                errors.invalid("spec.strategy.rollingUpdate.maxUnavailable", s.at("rollingUpdate.maxUnavailable"), why);
            }
        }
        Some("Recreate") | None => {}
        Some(other) => errors.unsupported("spec.strategy.type", other, &["Recreate", "RollingUpdate"]),
    }
    let deadline = doc.int_at("spec.progressDeadlineSeconds");
    if let Some(d) = deadline.filter(|d| *d <= doc.int_at("spec.minReadySeconds").unwrap_or(0)) {
        errors.invalid("spec.progressDeadlineSeconds", &d.into(), "must be greater than minReadySeconds");
    }
}

fn update(kind: Kind, doc: &Value, old: &Value, era: Era, errors: &mut FieldErrors) {
    match kind {
        Kind::Deployment | Kind::ReplicaSet | Kind::DaemonSet => {
            let new = doc.at("spec.selector");
            if new != old.at("spec.selector") {
                let text = match era {
                    Era::V1 => new.to_string(),
                    Era::V1alpha5 => go_selector(new),
                };
                errors.push("spec.selector", format!("Invalid value: {text}: {IMMUTABLE}"));
            }
        }
        Kind::StatefulSet => {
            let frozen = |v: &Value| {
                let mut spec = v.at("spec").clone();
                for path in [
                    "replicas",
                    "ordinals",
                    "template",
                    "updateStrategy",
                    "revisionHistoryLimit",
                    "persistentVolumeClaimRetentionPolicy",
                    "minReadySeconds",
                ] {
                    spec.remove_at(path);
                }
                spec
            };
            if frozen(doc) != frozen(old) {
                errors.forbidden(
                    "spec",
                    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', \
                     'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
                );
            }
        }
        _ => {
            for path in ["spec.template", "spec.completions", "spec.selector"] {
                if doc.at(path) != old.at(path) {
                    errors.invalid(path, doc.at(path), IMMUTABLE);
                }
            }
        }
    }
}

/// A selector as Go prints a struct with `%#v`.
fn go_selector(selector: &Value) -> String {
    let labels: Vec<(String, String)> = selector.strings_at("matchLabels").into_iter().collect();
    let labels = if labels.is_empty() { "map[string]string(nil)".to_owned() } else { go_map(&labels) };
    let expressions: Vec<String> = selector
        .list_at("matchExpressions")
        .iter()
        .map(|e| {
            let values: Vec<String> = e.list_at("values").iter().map(Value::to_string).collect();
            let values =
                if values.is_empty() { "[]string(nil)".to_owned() } else { format!("[]string{{{}}}", values.join(", ")) };
            let text = |p: &str| e.str_at(p).unwrap_or_default().to_owned();
            format!("v1.LabelSelectorRequirement{{Key:\"{}\", Operator:\"{}\", Values:{values}}}", text("key"), text("operator"))
        })
        .collect();
    let expressions = if expressions.is_empty() {
        "[]v1.LabelSelectorRequirement(nil)".to_owned()
    } else {
        format!("[]v1.LabelSelectorRequirement{{{}}}", expressions.join(", "))
    };
    format!("v1.LabelSelector{{MatchLabels:{labels}, MatchExpressions:{expressions}}}")
}
