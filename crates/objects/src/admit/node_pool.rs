//! Defaults and CEL rules of NodePools and NodeClaims.
//! Source: kubernetes-sigs/karpenter pkg/apis/crds/karpenter.sh_{nodepools,nodeclaims}.yaml and the AWS provider's copies,
//! v1.14.

use super::field_errors::FieldErrors;
use crate::{DocExt, Value, json};

pub(super) fn default_fields(doc: &mut Value) {
    if !doc.at("spec").is_object() {
        return;
    }
    if doc.at("spec.disruption").is_null() {
        doc.set("spec.disruption", json!({"consolidateAfter": "0s"}));
    }
    if let Some(d) = doc.get_mut("spec").and_then(|s| s.get_mut("disruption")).filter(|d| d.is_object()) {
        if d.at("consolidationPolicy").is_null() {
            d.set("consolidationPolicy", "WhenEmptyOrUnderutilized");
        }
        if d.at("budgets").is_null() {
            d.set("budgets", json!([{"nodes": "10%"}]));
        }
        if let Some(Value::Array(budgets)) = d.get_mut("budgets") {
            for b in budgets.iter_mut().filter(|b| b.is_object() && b.at("nodes").is_null()) {
                b.set("nodes", "10%");
            }
        }
    }
    if doc.at("spec.template.spec").is_object() && doc.at("spec.template.spec.expireAfter").is_null() {
        doc.set("spec.template.spec.expireAfter", "720h");
    }
}

pub(super) fn default_claim(doc: &mut Value) {
    if doc.at("spec").is_object() && doc.at("spec.expireAfter").is_null() {
        doc.set("spec.expireAfter", "720h");
    }
}

pub(super) fn rules(doc: &Value, old: Option<&Value>, errors: &mut FieldErrors) {
    let spec = doc.at("spec");
    if spec.list_at("disruption.budgets").iter().any(|b| b.at("schedule").is_null() != b.at("duration").is_null()) {
        errors.push("spec.disruption.budgets", "Invalid value: 'schedule' must be set with 'duration'".to_owned());
    }
    for key in spec.at("template.metadata.labels").as_object().into_iter().flat_map(|m| m.keys()) {
        if let Some(why) = restricted(key) {
            errors.push("spec.template.metadata.labels", format!("Invalid value: {why}"));
        }
    }
    template(spec.at("template.spec"), "spec.template.spec", errors);
    let old_ref = old.map(|o| o.at("spec.template.spec.nodeClassRef"));
    for field in ["group", "kind"] {
        let path = "spec.template.spec.nodeClassRef";
        if old_ref.is_some_and(|o| o.at(field) != spec.at("template.spec.nodeClassRef").at(field)) {
            errors.push(path, format!("Invalid value: nodeClassRef.{field} is immutable"));
        }
    }
    let is_static = !spec.at("replicas").is_null();
    if old.is_some_and(|o| o.at("spec.replicas").is_null() == is_static) {
        let why = "Cannot transition NodePool between static (replicas set) and dynamic (replicas unset) provisioning modes";
        errors.push("spec", format!("Invalid value: {why}"));
    }
    if is_static && spec.at("limits").as_object().is_some_and(|l| l.keys().any(|k| k != "nodes")) {
        errors.push("spec", "Invalid value: only 'limits.nodes' is supported on static NodePools".to_owned());
    }
    if is_static && !spec.at("weight").is_null() {
        errors.push("spec", "Invalid value: 'weight' is not supported on static NodePools".to_owned());
    }
}

pub(super) fn claim_rules(doc: &Value, old: Option<&Value>, errors: &mut FieldErrors) {
    template(doc.at("spec"), "spec", errors);
    if old.is_some_and(|o| o.at("spec") != doc.at("spec")) {
        errors.push("spec", "Invalid value: spec is immutable".to_owned());
    }
}

fn template(t: &Value, path: &str, errors: &mut FieldErrors) {
    let at = format!("{path}.requirements");
    for (i, r) in t.list_at("requirements").iter().enumerate() {
        let key = r.str_at("key").unwrap_or_default();
        if let Some(why) = restricted(key) {
            errors.invalid_text(format!("{at}[{i}].key"), key, &why);
        }
    }
    requirements(t.list_at("requirements"), &at, errors);
    for field in ["group", "kind", "name"] {
        if t.at("nodeClassRef").str_at(field) == Some("") {
            errors.invalid_text(format!("{path}.nodeClassRef.{field}"), "", &format!("{field} may not be empty"));
        }
    }
}

/// The three rules over the whole list; each is reported once.
fn requirements(list: &[Value], path: &str, errors: &mut FieldErrors) {
    const IN: &str = "requirements with operator 'In' must have a value defined";
    const NUMBER: &str = "requirements operator 'Gt', 'Lt', 'Gte', or 'Lte' must have a single positive integer value";
    const MIN: &str = "requirements with 'minValues' must have at least that many values specified in the 'values' field";
    let operator = |r: &&Value, ops: &[&str]| r.str_at("operator").is_some_and(|o| ops.contains(&o));
    let evaluate = |rule: &str, on: Vec<&Value>, holds: &dyn Fn(&Value) -> Result<bool, &'static str>| {
        let results: Vec<_> = on.into_iter().map(holds).collect();
        if results.contains(&Ok(false)) {
            // One item that fails decides, whatever happened with the others.
            Some(format!("Invalid value: {rule}"))
        } else {
            let failed = results.into_iter().find_map(Result::err);
            failed.map(|e| format!("Invalid value: \"array\": {e} evaluating rule: {rule}"))
        }
    };
    let values = |r: &Value| r.at("values").as_array().map(Vec::len).ok_or("no such key: values");
    let with_in: Vec<&Value> = list.iter().filter(|r| operator(r, &["In"])).collect();
    let with_number: Vec<&Value> = list.iter().filter(|r| operator(r, &["Gt", "Lt", "Gte", "Lte"])).collect();
    let with_min: Vec<&Value> = with_in.iter().copied().filter(|r| !r.at("minValues").is_null()).collect();
    let found = [
        evaluate(IN, with_in, &|r| Ok(values(r)? != 0)),
        evaluate(NUMBER, with_number, &|r| {
            if values(r)? != 1 {
                return Ok(false);
            }
            let number = r.list_at("values").first().and_then(Value::as_str).and_then(|s| s.parse::<i64>().ok());
            number.map(|n| n >= 0).ok_or("type conversion error from 'string' to 'int'")
        }),
        evaluate(MIN, with_min, &|r| Ok(i64::try_from(values(r)?).unwrap_or(i64::MAX) >= r.int_at("minValues").unwrap_or(0))),
    ];
    for body in found.into_iter().flatten() {
        errors.push(path, body);
    }
}

/// Why a label key may not be set or required, if it may not.
pub(crate) fn restricted(key: &str) -> Option<String> {
    const KARPENTER: [&str; 2] = ["karpenter.sh/capacity-type", "karpenter.sh/nodepool"];
    const AWS: [&str; 29] = [
        "capacity-reservation-id",
        "capacity-reservation-interruptible",
        "capacity-reservation-type",
        "ec2nodeclass",
        "instance-accelerator-count",
        "instance-accelerator-manufacturer",
        "instance-accelerator-name",
        "instance-capability-flex",
        "instance-category",
        "instance-cpu",
        "instance-cpu-manufacturer",
        "instance-cpu-sustained-clock-speed-mhz",
        "instance-ebs-bandwidth",
        "instance-encryption-in-transit-supported",
        "instance-family",
        "instance-generation",
        "instance-gpu-count",
        "instance-gpu-manufacturer",
        "instance-gpu-memory",
        "instance-gpu-name",
        "instance-hypervisor",
        "instance-local-nvme",
        "instance-memory",
        "instance-network-bandwidth",
        "instance-size",
        "instance-tenancy",
        "placement-group-id",
        "placement-group-partition",
        "nodeclass",
    ];
    let domain = key.split_once('/').map_or(key, |(d, _)| d);
    if matches!(key, "karpenter.sh/nodepool" | "kubernetes.io/hostname") {
        return Some(format!("label \"{key}\" is restricted"));
    }
    if domain.ends_with("karpenter.sh") && !KARPENTER.contains(&key) {
        return Some("label domain \"karpenter.sh\" is restricted".to_owned());
    }
    let known = key.strip_prefix("karpenter.k8s.aws/").is_some_and(|name| AWS.contains(&name));
    if domain.ends_with("karpenter.k8s.aws") && !known {
        return Some("label domain \"karpenter.k8s.aws\" is restricted".to_owned());
    }
    None
}
