//! What was decided and what was written, as JSON objects: one each, for a file of lines.

use super::deputy::{Said, key_of};
use super::wire::Known;
use crate::actor::{Action, Intent};
use crate::decisions::{Decision, What};
use objects::time::rfc3339_ms;
use objects::{ApiError, DocExt, Value, json};

/// Something that the process itself has to say.
pub fn note(at_ms: i64, text: &str) -> Value {
    json!({"time": rfc3339_ms(at_ms), "record": "note", "text": text})
}

pub fn said(said: &Said, unix_ms: impl Fn(crate::SimTime) -> i64) -> Value {
    match said {
        Said::Log(line) => json!({"time": rfc3339_ms(unix_ms(line.at)), "record": "log", "line": line.text}),
        Said::Decision(decision) => {
            let mut out = json!({
                "time": rfc3339_ms(unix_ms(decision.at)), "record": "decision",
                "kind": decision.about.kind.name(), "name": decision.about.to_string(),
            });
            out.set("decision", what(decision));
            out
        }
    }
}

/// What was decided, in the engine's terms.
pub fn what(decision: &Decision) -> Value {
    match &decision.what {
        What::Launch { pool, pods, funnel, cheapest, cpu_milli, daemon_cpu_milli } => json!({
            "what": "launch", "pool": pool, "pods": pods, "cpuMilli": cpu_milli, "daemonCpuMilli": daemon_cpu_milli,
            "funnel": funnel.iter().map(|(stage, n)| json!([stage, n])).collect::<Vec<_>>(),
            "cheapest": cheapest.iter().map(|(name, micro)| json!([name, micro])).collect::<Vec<_>>(),
        }),
        What::Fleet { instance_type, zone, capacity_type, price_micro, candidates, strategy } => json!({
            "what": "fleet", "instanceType": instance_type, "zone": zone, "capacityType": capacity_type,
            "priceMicro": price_micro, "candidates": candidates, "strategy": strategy,
        }),
        What::Unschedulable { message } => json!({"what": "unschedulable", "message": message}),
        What::Disrupt { method, action, nodes, replacement_types, price_before_micro, price_after_micro } => json!({
            "what": "disrupt", "method": method, "action": action, "nodes": nodes, "replacementTypes": replacement_types,
            "priceBeforeMicro": price_before_micro, "priceAfterMicro": price_after_micro,
        }),
        What::Keep { method, message } => json!({"what": "keep", "method": method, "message": message}),
        What::Abandoned { method, message } => json!({"what": "abandoned", "method": method, "message": message}),
        What::Diverged { planned, node, why } => {
            json!({"what": "diverged", "planned": planned, "node": node, "why": format!("{why:?}")})
        }
    }
}

/// A write, before it is sent (`outcome` none) and when it is answered.
pub fn write(at_ms: i64, intent: &Intent, known: Option<&Known>, outcome: Option<Result<(), &ApiError>>) -> Value {
    let (verb, body) = match &intent.action {
        Action::Create(doc) => ("create", doc.clone()),
        Action::Patch { patch, .. } => ("patch", patch.clone()),
        Action::Delete { .. } => ("delete", Value::Null),
        Action::Evict { .. } => ("evict", Value::Null),
        Action::Event(_) => ("event", Value::Null),
        Action::Bind { .. } | Action::Log(_) | Action::Decide(_) => ("none", Value::Null),
    };
    let mut out = json!({"time": rfc3339_ms(at_ms), "record": "write", "verb": verb, "why": &*intent.why});
    if let Some(key) = key_of(&intent.action) {
        out.set("kind", key.kind.name());
        out.set("name", key.to_string());
    }
    if let Some(known) = known {
        out.set("uid", known.version.uid.as_str());
        out.set("resourceVersion", known.version.resource.as_str());
    }
    match outcome {
        None => {
            out.set("state", "sent");
            if !body.is_null() {
                out.set("body", body);
            }
        }
        Some(Ok(())) => out.set("state", "done"),
        Some(Err(error)) => {
            out.set("state", "refused");
            out.set("code", error.reason.code());
            out.set("message", error.message.as_str());
        }
    }
    out
}
