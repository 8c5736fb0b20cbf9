//! kubectl autoscale. Source: k8s.io/kubectl/pkg/cmd/autoscale/autoscale.go, v0.35.

use super::create::{make, one};
use super::{Call, Fail, Next};
use crate::run::{Ctx, Io};
use objects::{DocExt, Kind, Value, json, quantity::Quantity};

pub fn run(call: &mut Call, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    if !call.flags.given("max") {
        return Err(Fail::error("required flag(s) \"max\" not set"));
    }
    if call.flags.given("cpu-percent") && super::client(ctx) >= 34 {
        io.err(
            "Flag --cpu-percent has been deprecated, Use --cpu with percentage or resource quantity format (e.g., '70%' for \
             utilization or '500m' for milliCPU).\n",
        );
    }
    let (max, min) = (call.flags.int("max").unwrap_or(-1), call.flags.int("min").unwrap_or(-1));
    if max < 1 {
        return Err(Fail::error(format!("--max=MAXPODS is required and must be at least 1, max: {max}")));
    }
    if max < min {
        return Err(Fail::error(format!("--max=MAXPODS must be larger or equal to --min=MINPODS, max: {max}, min: {min}")));
    }
    let percent = call.flags.int("cpu-percent").filter(|p| *p > 0);
    let cpu = call.flags.text("cpu").filter(|t| !t.is_empty());
    if percent.is_some() && cpu.is_some() {
        return Err(Fail::error("--cpu-percent and --cpu are mutually exclusive"));
    }
    let mut metrics = Vec::new();
    if let Some(percent) = percent {
        metrics.push(metric("cpu", json!({"averageUtilization": percent, "type": "Utilization"})));
    }
    for (name, text) in [("cpu", cpu), ("memory", call.flags.text("memory").filter(|t| !t.is_empty()))] {
        if let Some(text) = text {
            metrics.push(metric(name, target(name, text)?));
        }
    }
    let object = one(call, ctx)?;
    if !matches!(object.kind, Kind::Deployment | Kind::ReplicaSet | Kind::StatefulSet) {
        let (kind, info) = (object.kind.name(), object.kind.info());
        let group = if info.group.is_empty() { String::new() } else { format!("{}/", info.group) };
        return Err(Fail::error(format!(
            "cannot autoscale a {kind}: could not find scale subresource for {group}{}, Resource={} in discovery information",
            info.version, info.plural
        )));
    }
    let mut doc = json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": call.flags.text("name").unwrap_or(&object.meta.name)},
        "spec": {
            "maxReplicas": max,
            "scaleTargetRef": {"apiVersion": object.kind.api_version(), "kind": object.kind.name(), "name": object.meta.name},
        },
        "status": {"currentMetrics": null, "desiredReplicas": 0},
    });
    if min > 0 {
        doc.set("spec.minReplicas", min);
    }
    if !metrics.is_empty() {
        doc.set("spec.metrics", Value::Array(metrics));
    }
    make(call, doc, "autoscaled", "", io, ctx)
}

fn metric(name: &str, target: Value) -> Value {
    json!({"type": "Resource", "resource": {"name": name, "target": target}})
}

/// `70%` is a share of the requests, anything else an average over the pods; bare numbers are milli-cores and mebibytes.
fn target(name: &str, text: &str) -> Result<Value, Fail> {
    if let Some(digits) = text.strip_suffix('%') {
        let percent = digits.parse::<i64>().ok().filter(|p| *p > 0);
        let percent =
            percent.ok_or_else(|| Fail::error(format!("invalid percentage value: {text}, it must be a positive number")))?;
        return Ok(json!({"averageUtilization": percent, "type": "Utilization"}));
    }
    let unit = if text.chars().all(|c| c.is_ascii_digit()) { if name == "cpu" { "m" } else { "Mi" } } else { "" };
    let quantity = Quantity::parse(&format!("{text}{unit}"))
        .map_err(|why| Fail::error(format!("unable to parse quantity '{text}' for {name}: {why}")))?;
    Ok(json!({"averageValue": quantity.to_string(), "type": "AverageValue"}))
}
