//! How the v1 objects of a scenario are read as objects of Karpenter 0.31.4, and which cannot be.

use crate::scenario::Scenario;
use engine::SimTime;
use engine::store::Store;
use objects::{DocExt, Kind, Value, duration, json, time};

/// Why the era cannot decide on the scenario.
pub fn untranslatable(scenario: &Scenario) -> Option<String> {
    if scenario.spec.bool_at("options.spotToSpotConsolidation") == Some(true) {
        return Some("spot-to-spot consolidation came later".to_owned());
    }
    for (kind, o) in &scenario.objects {
        let text = o.to_string();
        let has = |field: &str| text.contains(&format!("\"{field}\":"));
        if has("matchLabelKeys") || has("minValues") {
            return Some("matchLabelKeys and minValues came later".to_owned());
        }
        if *kind != Kind::NodePool {
            continue;
        }
        let d = o.at("spec.disruption");
        if d.list_at("budgets").iter().any(|b| b.str_at("nodes") != Some("100%")) {
            return Some("the era has no budgets".to_owned());
        }
        let after = d.str_at("consolidateAfter").unwrap_or("0s");
        let timed = duration::parse_go_ms(after).is_some_and(|ms| ms != 0);
        if d.str_at("consolidationPolicy") != Some("WhenEmpty") && timed {
            return Some("the era has no consolidateAfter beside consolidation".to_owned());
        }
    }
    None
}

/// The object with the era's labels and annotations.
pub fn relabelled(kind: Kind, o: &Value) -> Value {
    let keep = if kind == Kind::Node { "karpenter.sh/do-not-consolidate" } else { "karpenter.sh/do-not-evict" };
    match o {
        Value::String(s) => Value::String(renamed(s, keep)),
        Value::Array(list) => Value::Array(list.iter().map(|v| relabelled(kind, v)).collect()),
        Value::Object(map) => Value::Object(map.iter().map(|(k, v)| (renamed(k, keep), relabelled(kind, v))).collect()),
        other => other.clone(),
    }
}

fn renamed(text: &str, keep: &str) -> String {
    match text {
        "karpenter.sh/nodepool" => "karpenter.sh/provisioner-name".to_owned(),
        "karpenter.sh/do-not-disrupt" => keep.to_owned(),
        other => other.to_owned(),
    }
}

pub fn provisioner(pool: &Value) -> Value {
    let (t, d) = (pool.at("spec.template.spec"), pool.at("spec.disruption"));
    let mut spec = json!({
        "labels": pool.at("spec.template.metadata.labels"), "annotations": pool.at("spec.template.metadata.annotations"),
        "taints": t.at("taints"), "startupTaints": t.at("startupTaints"), "requirements": t.at("requirements"),
        "limits": {"resources": pool.at("spec.limits")}, "weight": pool.at("spec.weight"), "providerRef": {"name": "default"},
    });
    let after = duration::parse_go_ms(d.str_at("consolidateAfter").unwrap_or("0s"));
    if d.str_at("consolidationPolicy") == Some("WhenEmpty") {
        if let Some(ms) = after {
            spec.set("ttlSecondsAfterEmpty", ms / 1000);
        }
    } else if after == Some(0) {
        spec.set("consolidation.enabled", true);
    }
    json!({"metadata": {"name": pool.at("metadata.name")}, "spec": spec})
}

pub fn machine(claim: &Value) -> Value {
    let mut machine = claim.clone();
    machine.set("kind", "Machine");
    machine.set("apiVersion", "karpenter.sh/v1alpha5");
    let renamed = |c: &Value| {
        let mut c = c.clone();
        c.set("type", format!("Machine{}", c.str_at("type").unwrap_or_default()));
        c
    };
    machine.set("status.conditions", claim.list_at("status.conditions").iter().map(renamed).collect::<Vec<_>>());
    machine
}

/// `MachineEmpty` as the era's emptiness controller would have set it: on nodes without pods of a pool that removes empty
/// nodes after a time, since the last pod event or the initialization.
pub fn mark_empty(store: &mut Store, now_ms: i64) {
    let machines: Vec<_> = store.list(Kind::Machine).cloned().collect();
    for m in machines {
        let pool = m.meta.labels.get("karpenter.sh/provisioner-name").and_then(|p| store.cluster(Kind::Provisioner, p));
        let timed = pool.and_then(|p| p.doc.int_at("spec.ttlSecondsAfterEmpty")).is_some();
        let node = m.doc.str_at("status.nodeName").unwrap_or(&m.meta.name);
        let busy = store
            .pods_on(node)
            .any(|p| p.pod().is_some_and(|t| !t.is_daemon() && !t.is_static() && !t.is_terminal()) && !p.meta.is_deleting());
        if !timed || busy || !m.condition_is_true("MachineInitialized") {
            continue;
        }
        let initialized = m.condition("MachineInitialized").and_then(|c| c.str_at("lastTransitionTime"));
        let since = m.doc.str_at("status.lastPodEventTime").or(initialized).map_or_else(|| time::rfc3339(now_ms), str::to_owned);
        let mut doc = m.doc.clone();
        let mut conditions = doc.list_at("status.conditions").to_vec();
        conditions.push(json!({"type": "MachineEmpty", "status": "True", "lastTransitionTime": since}));
        doc.set("status.conditions", conditions);
        store.put(Kind::Machine, doc, SimTime::ZERO);
    }
}
