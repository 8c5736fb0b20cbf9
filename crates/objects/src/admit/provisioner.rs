//! Provisioners: the defaulting webhook of the AWS provider, the schema, and Karpenter's validating webhook.
//! Sources: aws/karpenter-core pkg/apis/v1alpha5/{provisioner_validation,labels}.go and aws/karpenter
//! pkg/apis/v1alpha5/provisioner.go, v0.31.4.

use super::crd::check_schema;
use super::decode::go_error;
use super::field_errors::FieldErrors;
use super::names::{self, Strings, label_value, qualified_name};
use super::webhook::{Denial, undecodable};
use crate::collections::VecSet;
use crate::quantity::Quantity;
use crate::{ApiError, DocExt, Kind, Value, json};

pub(super) const DEFAULTING: &str = "defaulting.webhook.karpenter.k8s.aws";
const VALIDATION: &str = "validation.webhook.karpenter.sh";
const OWN_NAME: &str = "karpenter.sh/provisioner-name";

/// Mutating webhook, schema, validating webhook: the order of an API server.
pub(super) fn admit(doc: &mut Value) -> Result<(), ApiError> {
    if let Some((path, why)) = go_error(Kind::Provisioner, doc) {
        return Err(undecodable(DEFAULTING, &path, why));
    }
    default_fields(doc);
    let mut errors = FieldErrors::new();
    names::metadata(Kind::Provisioner, doc, None, &mut errors);
    check_schema(Kind::Provisioner, doc, &mut errors);
    errors.into_result(Kind::Provisioner, doc.str_at("metadata.name").unwrap_or_default())?;
    let mut denial = Denial::default();
    rules(doc.at("spec"), &mut denial);
    denial.into_result(VALIDATION)
}

/// Requirements that the AWS provider adds where their key is absent, and quantities as its webhook writes them back.
pub(super) fn default_fields(doc: &mut Value) {
    let limits = "spec.limits.resources";
    let limits = doc.at(limits).is_object().then(|| doc.slot(limits)).and_then(Value::as_object_mut);
    for (_, limit) in limits.into_iter().flatten() {
        let text = limit.as_str().map_or_else(|| limit.to_string(), str::to_owned);
        if let Ok(quantity) = Quantity::parse(&text) {
            *limit = Value::from(quantity.to_string());
        }
    }
    let requirements = doc.list_at("spec.requirements");
    let has = |keys: &[&str]| requirements.iter().any(|r| r.str_at("key").is_some_and(|k| keys.contains(&k)));
    let mut add = Vec::new();
    for (key, value) in
        [("kubernetes.io/os", "linux"), ("kubernetes.io/arch", "amd64"), ("karpenter.sh/capacity-type", "on-demand")]
    {
        if !has(&[key]) {
            add.push(json!({"key": key, "operator": "In", "values": [value]}));
        }
    }
    let types = [
        "node.kubernetes.io/instance-type",
        "karpenter.k8s.aws/instance-family",
        "karpenter.k8s.aws/instance-category",
        "karpenter.k8s.aws/instance-generation",
    ];
    if !has(&types) {
        add.push(json!({"key": "karpenter.k8s.aws/instance-category", "operator": "In", "values": ["c", "m", "r"]}));
        add.push(json!({"key": "karpenter.k8s.aws/instance-generation", "operator": "Gt", "values": ["2"]}));
    }
    if add.is_empty() {
        return;
    }
    match doc.slot("spec.requirements") {
        Value::Array(items) => items.extend(add),
        slot => *slot = Value::Array(add),
    }
}

fn rules(spec: &Value, denial: &mut Denial) {
    for ttl in ["ttlSecondsUntilExpired", "ttlSecondsAfterEmpty"] {
        if spec.int_at(ttl).is_some_and(|s| s < 0) {
            denial.value("cannot be negative", &format!("spec.{ttl}"), "");
        }
    }
    let empty = spec.int_at("ttlSecondsAfterEmpty");
    if spec.bool_at("consolidation.enabled") == Some(true) && empty.is_some_and(|s| s >= 0) {
        denial.both(&["spec.ttlSecondsAfterEmpty", "spec.consolidation.enabled"]);
    }
    match (spec.at("provider").is_null(), spec.at("providerRef").is_null()) {
        (false, false) => denial.both(&["spec.provider", "spec.providerRef"]),
        (true, true) => denial.neither(&["spec.provider", "spec.providerRef"]),
        _ => {}
    }
    for (key, value) in spec.at("labels").strings_at_top() {
        if key == OWN_NAME {
            denial.key_name(&key, "spec.labels", "restricted");
        }
        for why in qualified_name(&key) {
            denial.key_name(&key, "spec.labels", &why);
        }
        for why in label_value(&value) {
            denial.value(&format!("{value}, {why}"), &format!("spec.labels[{key}]"), "");
        }
        if let Some(why) = restricted(&key) {
            denial.key_name(&key, "spec.labels", &why);
        }
    }
    taints(spec, denial);
    for (i, r) in spec.list_at("requirements").iter().enumerate() {
        let path = format!("spec.requirements[{i}]");
        if r.str_at("key") == Some(OWN_NAME) {
            denial.value(&format!("{OWN_NAME} is restricted"), &path, "");
        }
        let wrong = requirement(r);
        if !wrong.is_empty() {
            denial.value(&wrong.join("; "), &path, "");
        }
    }
    if spec.at("kubeletConfiguration").is_object() {
        kubelet(spec.at("kubeletConfiguration"), denial);
    }
}

fn taints(spec: &Value, denial: &mut Denial) {
    let mut seen = VecSet::new();
    for list in ["taints", "startupTaints"] {
        for (i, t) in spec.list_at(list).iter().enumerate() {
            let path = format!("spec.{list}[{i}]");
            let text = |f: &str| t.str_at(f).unwrap_or_default();
            for why in qualified_name(text("key")) {
                denial.value(&why, &path, "");
            }
            if !text("value").is_empty() {
                for why in qualified_name(text("value")) {
                    denial.value(&why, &path, "");
                }
            }
            if !matches!(text("effect"), "NoSchedule" | "PreferNoSchedule" | "NoExecute" | "") {
                denial.value(text("effect"), &format!("spec.effect[{i}]"), "");
            }
            if !seen.insert((text("key"), text("effect"))) {
                let why = format!("duplicate taint Key/Effect pair {}={}", text("key"), text("effect"));
                denial.generic(&why, &format!("spec.taints[{i}]"));
            }
        }
    }
}

/// What is wrong with a requirement.
fn requirement(r: &Value) -> Vec<String> {
    let operator = r.str_at("operator").unwrap_or_default();
    let key = normalised(r.str_at("key").unwrap_or_default());
    let values: Vec<&str> = r.list_at("values").iter().filter_map(Value::as_str).collect();
    let mut wrong = Vec::new();
    if !matches!(operator, "In" | "NotIn" | "Gt" | "Lt" | "Exists" | "DoesNotExist") {
        wrong.push(format!("key {key} has an unsupported operator {operator} not in [DoesNotExist Exists Gt In Lt NotIn]"));
    }
    wrong.extend(restricted(key));
    wrong.extend(qualified_name(key).into_iter().map(|why| format!("key {key} is not a qualified name, {why}")));
    for value in &values {
        wrong.extend(label_value(value).into_iter().map(|why| format!("invalid value {value} for key {key}, {why}")));
    }
    if operator == "In" && values.is_empty() {
        wrong.push(format!("key {key} with operator {operator} must have a value defined"));
    }
    let is_number = matches!(values.as_slice(), [one] if one.parse::<i64>().is_ok_and(|n| n >= 0));
    if matches!(operator, "Gt" | "Lt") && !is_number {
        wrong.push(format!("key {key} with operator {operator} must have a single positive integer value"));
    }
    wrong
}

/// Old names of well-known labels.
fn normalised(key: &str) -> &str {
    match key {
        "failure-domain.beta.kubernetes.io/zone" | "topology.ebs.csi.aws.com/zone" => "topology.kubernetes.io/zone",
        "failure-domain.beta.kubernetes.io/region" => "topology.kubernetes.io/region",
        "beta.kubernetes.io/arch" => "kubernetes.io/arch",
        "beta.kubernetes.io/os" => "kubernetes.io/os",
        "beta.kubernetes.io/instance-type" => "node.kubernetes.io/instance-type",
        key => key,
    }
}

const WELL_KNOWN: [&str; 26] = [
    "karpenter.k8s.aws/instance-accelerator-count",
    "karpenter.k8s.aws/instance-accelerator-manufacturer",
    "karpenter.k8s.aws/instance-accelerator-name",
    "karpenter.k8s.aws/instance-category",
    "karpenter.k8s.aws/instance-cpu",
    "karpenter.k8s.aws/instance-encryption-in-transit-supported",
    "karpenter.k8s.aws/instance-family",
    "karpenter.k8s.aws/instance-generation",
    "karpenter.k8s.aws/instance-gpu-count",
    "karpenter.k8s.aws/instance-gpu-manufacturer",
    "karpenter.k8s.aws/instance-gpu-memory",
    "karpenter.k8s.aws/instance-gpu-name",
    "karpenter.k8s.aws/instance-hypervisor",
    "karpenter.k8s.aws/instance-local-nvme",
    "karpenter.k8s.aws/instance-memory",
    "karpenter.k8s.aws/instance-network-bandwidth",
    "karpenter.k8s.aws/instance-pods",
    "karpenter.k8s.aws/instance-size",
    "karpenter.sh/capacity-type",
    "karpenter.sh/provisioner-name",
    "kubernetes.io/arch",
    "kubernetes.io/os",
    "node.kubernetes.io/instance-type",
    "node.kubernetes.io/windows-build",
    "topology.kubernetes.io/region",
    "topology.kubernetes.io/zone",
];
const DOMAINS: [&str; 4] = ["k8s.io", "karpenter.k8s.aws", "karpenter.sh", "kubernetes.io"];

/// Why a label key may not be used, if it may not.
fn restricted(key: &str) -> Option<String> {
    if WELL_KNOWN.contains(&key) {
        return None;
    }
    let domain = key.split_once('/').map_or("", |(d, _)| d);
    let excepted = matches!(domain, "kops.k8s.io" | "node.kubernetes.io" | "node-restriction.kubernetes.io");
    let reserved = DOMAINS.iter().any(|d| domain.ends_with(d));
    let named = matches!(key, "karpenter.sh/emptiness-timestamp" | "kubernetes.io/hostname");
    if excepted || !(reserved || named) {
        return None;
    }
    Some(format!(
        "label {key} is restricted; specify a well known label: [{}], or a custom label that does not use a restricted domain: [{}]",
        WELL_KNOWN.join(" "),
        DOMAINS.join(" ")
    ))
}

fn kubelet(k: &Value, denial: &mut Denial) {
    const SIGNALS: [&str; 6] =
        ["imagefs.available", "imagefs.inodesFree", "memory.available", "nodefs.available", "nodefs.inodesFree", "pid.available"];
    const BASE: &str = "spec.kubeletConfiguration";
    for list in ["evictionHard", "evictionSoft"] {
        for (signal, value) in k.at(list).strings_at_top() {
            if !SIGNALS.contains(&signal.as_str()) {
                denial.key_name(&signal, &format!("{BASE}.{list}"), "");
            }
            let path = format!("{BASE}.{list}[\"{signal}\"]");
            match value.strip_suffix('%') {
                Some(percent) => match percent_milli(percent) {
                    Some(p) if p < 0 => denial.value(&value, &path, "Percentage values cannot be negative"),
                    Some(p) if p > 100_000 => denial.value(&value, &path, "Percentage values cannot be greater than 100"),
                    Some(_) => {}
                    None => {
                        let why = format!("strconv.ParseFloat: parsing \"{percent}\": invalid syntax");
                        denial.value(&value, &path, &format!("Value could not be parsed as a percentage value, {why}"));
                    }
                },
                None => {
                    if let Err(e) = Quantity::parse(&value) {
                        let path = format!("{BASE}.{list}[{signal}]");
                        denial.value(&value, &path, &format!("Value could not be parsed as a resource quantity, {e}"));
                    }
                }
            }
        }
    }
    for list in ["kubeReserved", "systemReserved"] {
        for (name, value) in k.at(list).strings_at_top() {
            if !matches!(name.as_str(), "cpu" | "memory" | "ephemeral-storage" | "pid") {
                denial.key_name(&name, &format!("{BASE}.{list}"), "");
            }
            if Quantity::parse(&value).is_ok_and(|q| q.nano < 0) {
                denial.value(&value, &format!("{BASE}.{list}[\"{name}\"]"), "Value cannot be a negative resource quantity");
            }
        }
    }
    let (high, low) = (k.int_at("imageGCHighThresholdPercent"), k.int_at("imageGCLowThresholdPercent").unwrap_or(0));
    if high.is_some_and(|h| h < low) {
        denial.value("must be greater than imageGCLowThresholdPercent", &format!("{BASE}.imageGCHighThresholdPercent"), "");
        denial.value("must be less than imageGCHighThresholdPercent", &format!("{BASE}.imageGCLowThresholdPercent"), "");
    }
    let (soft, grace) = (k.strings_at("evictionSoft"), k.strings_at("evictionSoftGracePeriod"));
    for signal in grace.keys() {
        let path = format!("{BASE}.evictionSoftGracePeriod");
        if !SIGNALS.contains(&signal.as_str()) {
            denial.key_name(signal, &path, "");
        }
        if !soft.contains_key(signal) {
            denial.key_name(signal, &path, "Key does not have a matching evictionSoft threshold value");
        }
    }
    for signal in soft.keys().filter(|s| !grace.contains_key(*s)) {
        denial.key_name(signal, &format!("{BASE}.evictionSoft"), "Key does not have a matching evictionSoftGracePeriod");
    }
}

/// A decimal number in thousandths.
fn percent_milli(text: &str) -> Option<i64> {
    Quantity::parse(text).ok().filter(|_| text.chars().all(|c| c.is_ascii_digit() || "+-.".contains(c))).map(|q| q.milli())
}
