//! The rules of the smaller built-in kinds.
//! Source: kubernetes/kubernetes pkg/apis/{core,policy,scheduling,autoscaling,storage}/validation, v1.35.

use super::field_errors::{FieldErrors, IMMUTABLE, NEGATIVE};
use super::names::{label_value, qualified_name};
use crate::{DocExt, Kind, Value};

pub(super) fn check(kind: Kind, doc: &Value, old: Option<&Value>, errors: &mut FieldErrors) {
    match kind {
        Kind::Service => service(doc, errors),
        Kind::ConfigMap => config_map(doc, old, errors),
        Kind::Node => node(doc, old, errors),
        Kind::PodDisruptionBudget => budget(doc, errors),
        Kind::PriorityClass => priority_class(doc, old, errors),
        Kind::HorizontalPodAutoscaler => autoscaler(doc, errors),
        Kind::PersistentVolumeClaim => claim(doc, errors),
        Kind::StorageClass => storage_class(doc, old, errors),
        _ => {}
    }
}

fn service(doc: &Value, errors: &mut FieldErrors) {
    let spec = doc.at("spec");
    let ty = spec.str_at("type").unwrap_or("ClusterIP");
    if !matches!(ty, "ClusterIP" | "NodePort" | "LoadBalancer" | "ExternalName") {
        errors.unsupported("spec.type", ty, &["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"]);
    }
    let headless = spec.str_at("clusterIP") == Some("None");
    let ports = spec.list_at("ports");
    if ports.is_empty() && !headless && ty != "ExternalName" {
        errors.required("spec.ports", "");
    }
    if ty == "ExternalName" && spec.str_at("externalName").unwrap_or_default().is_empty() {
        errors.required("spec.externalName", "");
    }
    for (i, p) in ports.iter().enumerate() {
        let at = format!("spec.ports[{i}]");
        if ports.len() > 1 && p.str_at("name").unwrap_or_default().is_empty() {
            errors.required(format!("{at}.name"), "");
        }
        if let Some(n) = p.int_at("port").filter(|n| !(1..=65_535).contains(n)) {
            errors.invalid(format!("{at}.port"), &n.into(), "must be between 1 and 65535, inclusive");
        }
        if let Some(other) = p.str_at("protocol").filter(|x| !matches!(*x, "TCP" | "UDP" | "SCTP")) {
            errors.unsupported(format!("{at}.protocol"), other, &["SCTP", "TCP", "UDP"]);
        }
    }
}

fn config_map(doc: &Value, old: Option<&Value>, errors: &mut FieldErrors) {
    const KEY: &str = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
    let mut size = 0;
    for list in ["data", "binaryData"] {
        for (key, value) in doc.at(list).as_object().into_iter().flatten() {
            if key.is_empty() || !key.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c)) {
                errors.invalid_text(format!("{list}[{key}]"), key, KEY);
            }
            size += value.as_str().map_or(0, str::len);
        }
    }
    if size > 1024 * 1024 {
        errors.push("<nil>", "Too long: may not be more than 1048576 bytes".to_owned());
    }
    if let Some(old) = old.filter(|o| o.bool_at("immutable") == Some(true)) {
        if doc.bool_at("immutable") != Some(true) {
            errors.forbidden("immutable", "field is immutable when `immutable` is set");
        }
        if doc.at("data") != old.at("data") {
            errors.forbidden("data", "field is immutable when `immutable` is set");
        }
    }
}

fn node(doc: &Value, old: Option<&Value>, errors: &mut FieldErrors) {
    for (i, t) in doc.list_at("spec.taints").iter().enumerate() {
        let at = format!("spec.taints[{i}]");
        let key = t.str_at("key").unwrap_or_default();
        for why in qualified_name(key) {
            errors.invalid_text(format!("{at}.key"), key, &why);
        }
        let value = t.str_at("value").unwrap_or_default();
        for why in label_value(value) {
            errors.invalid_text(format!("{at}.value"), value, &why);
        }
        match t.str_at("effect").unwrap_or_default() {
            "NoSchedule" | "PreferNoSchedule" | "NoExecute" => {}
            "" => errors.required(format!("{at}.effect"), ""),
            other => errors.unsupported(format!("{at}.effect"), other, &["NoSchedule", "PreferNoSchedule", "NoExecute"]),
        }
    }
    let before = old.and_then(|o| o.str_at("spec.providerID")).unwrap_or_default();
    if !before.is_empty() && doc.str_at("spec.providerID") != Some(before) {
        errors.forbidden("spec.providerID", "node updates may not change providerID except from \"\" to valid");
    }
}

fn budget(doc: &Value, errors: &mut FieldErrors) {
    let spec = doc.at("spec");
    if !spec.at("minAvailable").is_null() && !spec.at("maxUnavailable").is_null() {
        // The server shows its internal type, whose fields have Go's names.
        let fields = [
            ("MinAvailable", "minAvailable"),
            ("Selector", "selector"),
            ("MaxUnavailable", "maxUnavailable"),
            ("UnhealthyPodEvictionPolicy", "unhealthyPodEvictionPolicy"),
        ];
        let fields: Vec<String> = fields.iter().map(|(go, name)| format!("\"{go}\":{}", spec.at(name))).collect();
        let shown = fields.join(",");
        errors.push("spec", format!("Invalid value: {{{shown}}}: minAvailable and maxUnavailable cannot be both set"));
    }
    for field in ["minAvailable", "maxUnavailable"] {
        let path = format!("spec.{field}");
        match spec.at(field) {
            Value::Number(n) if n.as_i64().is_some_and(|n| n < 0) => errors.invalid(path, spec.at(field), NEGATIVE),
            Value::String(s) => match s.strip_suffix('%').and_then(|p| p.parse::<u32>().ok()) {
                None => errors.invalid_text(
                    path,
                    s,
                    "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
                ),
                Some(p) if p > 100 => errors.invalid_text(path, s, "must not be greater than 100%"),
                Some(_) => {}
            },
            _ => {}
        }
    }
}

fn priority_class(doc: &Value, old: Option<&Value>, errors: &mut FieldErrors) {
    let name = doc.str_at("metadata.name").unwrap_or_default();
    if !name.starts_with("system-") && doc.int_at("value").is_some_and(|v| v > 1_000_000_000) {
        errors.forbidden("value", "maximum allowed value of a user defined priority is 1000000000");
    }
    if let Some(old) = old {
        for field in ["value", "preemptionPolicy"] {
            if doc.at(field) != old.at(field) {
                errors.forbidden(field, "may not be changed in an update.");
            }
        }
    }
}

fn autoscaler(doc: &Value, errors: &mut FieldErrors) {
    let max = doc.int_at("spec.maxReplicas").unwrap_or(0);
    if let Some(min) = doc.int_at("spec.minReplicas").filter(|m| *m < 1) {
        errors.invalid("spec.minReplicas", &min.into(), "must be greater than or equal to 1");
    }
    if max < 1 {
        errors.invalid("spec.maxReplicas", &max.into(), "must be greater than 0");
    }
    if doc.int_at("spec.minReplicas").is_some_and(|min| max < min) {
        errors.invalid("spec.maxReplicas", &max.into(), "must be greater than or equal to `minReplicas`");
    }
}

fn claim(doc: &Value, errors: &mut FieldErrors) {
    if doc.list_at("spec.accessModes").is_empty() {
        errors.required("spec.accessModes", "at least 1 access mode is required");
    }
    if doc.at("spec.resources.requests.storage").is_null() {
        errors.required("spec.resources[storage]", "");
    }
}

fn storage_class(doc: &Value, old: Option<&Value>, errors: &mut FieldErrors) {
    if doc.str_at("provisioner").unwrap_or_default().is_empty() {
        errors.required("provisioner", "");
    }
    if let Some(old) = old {
        for field in ["provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"] {
            if doc.at(field) != old.at(field) {
                errors.invalid(field, doc.at(field), IMMUTABLE);
            }
        }
    }
}
