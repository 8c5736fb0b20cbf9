//! The rules of pods and pod templates.
//! Source: kubernetes/kubernetes pkg/apis/core/validation/validation.go, v1.35.

use super::field_errors::{FieldErrors, NEGATIVE};
use super::names::{Strings, label, label_value, qualified_name, subdomain};
use crate::collections::VecSet;
use crate::quantity::Quantity;
use crate::{DocExt, Value};

pub(super) fn pod(doc: &Value, old: Option<&Value>, errors: &mut FieldErrors) {
    spec(doc.at("spec"), "spec", errors);
    if let Some(old) = old {
        pod_update(doc, old, errors);
    }
}

/// Only a few fields of a pod may change.
fn pod_update(doc: &Value, old: &Value, errors: &mut FieldErrors) {
    let frozen = |v: &Value| {
        let mut spec = v.at("spec").clone();
        for path in ["activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds", "nodeName", "schedulingGates"] {
            spec.remove_at(path);
        }
        for list in ["containers", "initContainers"] {
            if let Some(Value::Array(items)) = spec.get_mut(list) {
                items.iter_mut().for_each(|c| c.remove_at("image"));
            }
        }
        spec
    };
    let dropped = old.list_at("spec.tolerations").iter().any(|t| !doc.list_at("spec.tolerations").contains(t));
    if frozen(doc) != frozen(old) || dropped {
        errors.forbidden(
            "spec",
            "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,\
             `spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),\
             `spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
        );
    }
}

/// The pod spec at `path`.
pub(super) fn spec(spec: &Value, path: &str, errors: &mut FieldErrors) {
    let mut names = VecSet::new();
    let volumes: VecSet<&str> = spec.list_at("volumes").iter().filter_map(|v| v.str_at("name")).collect();
    for (i, v) in spec.list_at("volumes").iter().enumerate() {
        let name = v.str_at("name").unwrap_or_default();
        if name.is_empty() {
            errors.required(format!("{path}.volumes[{i}].name"), "");
        } else {
            for why in label(name) {
                errors.invalid_text(format!("{path}.volumes[{i}].name"), name, &why);
            }
        }
    }
    if spec.list_at("containers").is_empty() {
        errors.required(format!("{path}.containers"), "");
    }
    for list in ["containers", "initContainers"] {
        for (i, c) in spec.list_at(list).iter().enumerate() {
            container(c, &format!("{path}.{list}[{i}]"), &mut names, &volumes, errors);
        }
    }
    one_of(spec, "restartPolicy", path, &["Always", "OnFailure", "Never"], errors);
    one_of(spec, "dnsPolicy", path, &["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"], errors);
    for (key, value) in spec.at("nodeSelector").strings_at_top() {
        for why in qualified_name(&key) {
            errors.invalid_text(format!("{path}.nodeSelector"), &key, &why);
        }
        for why in label_value(&value) {
            errors.invalid_text(format!("{path}.nodeSelector"), &value, &why);
        }
    }
    if let Some(s) = spec.int_at("activeDeadlineSeconds").filter(|s| *s < 1) {
        errors.invalid(format!("{path}.activeDeadlineSeconds"), &s.into(), "must be between 1 and 2147483647, inclusive");
    }
    if let Some(s) = spec.int_at("terminationGracePeriodSeconds").filter(|s| *s < 0) {
        errors.invalid(format!("{path}.terminationGracePeriodSeconds"), &s.into(), NEGATIVE);
    }
    for field in ["serviceAccountName", "nodeName", "priorityClassName"] {
        if let Some(name) = spec.str_at(field).filter(|n| !n.is_empty()) {
            for why in subdomain(name) {
                errors.invalid_text(format!("{path}.{field}"), name, &why);
            }
        }
    }
    tolerations(spec.list_at("tolerations"), &format!("{path}.tolerations"), errors);
    affinity(spec.at("affinity"), &format!("{path}.affinity"), errors);
    spread(spec.list_at("topologySpreadConstraints"), &format!("{path}.topologySpreadConstraints"), errors);
}

fn one_of(v: &Value, field: &str, path: &str, supported: &[&str], errors: &mut FieldErrors) {
    if let Some(value) = v.str_at(field).filter(|x| !supported.contains(x)) {
        errors.unsupported(format!("{path}.{field}"), value, supported);
    }
}

fn container<'a>(c: &'a Value, path: &str, names: &mut VecSet<&'a str>, volumes: &VecSet<&str>, errors: &mut FieldErrors) {
    let name = c.str_at("name").unwrap_or_default();
    if name.is_empty() {
        errors.required(format!("{path}.name"), "");
    } else {
        for why in label(name) {
            errors.invalid_text(format!("{path}.name"), name, &why);
        }
        if !names.insert(name) {
            errors.duplicate(format!("{path}.name"), name);
        }
    }
    let image = c.str_at("image").unwrap_or_default();
    if image.is_empty() {
        errors.required(format!("{path}.image"), "");
    } else if image.trim() != image {
        errors.invalid_text(format!("{path}.image"), image, "must not have leading or trailing whitespace");
    }
    for (i, p) in c.list_at("ports").iter().enumerate() {
        let at = format!("{path}.ports[{i}]");
        let range = "must be between 1 and 65535, inclusive";
        match p.int_at("containerPort") {
            None | Some(0) => errors.required(format!("{at}.containerPort"), ""),
            Some(n) if !(1..=65_535).contains(&n) => errors.invalid(format!("{at}.containerPort"), &n.into(), range),
            Some(_) => {}
        }
        if let Some(n) = p.int_at("hostPort").filter(|n| *n != 0 && !(1..=65_535).contains(n)) {
            errors.invalid(format!("{at}.hostPort"), &n.into(), range);
        }
        one_of(p, "protocol", &at, &["SCTP", "TCP", "UDP"], errors);
    }
    for (i, e) in c.list_at("env").iter().enumerate() {
        let at = format!("{path}.env[{i}]");
        if e.str_at("name").unwrap_or_default().is_empty() {
            errors.required(format!("{at}.name"), "");
        }
        if !e.str_at("value").unwrap_or_default().is_empty() && e.at("valueFrom").is_object() {
            errors.invalid_text(format!("{at}.valueFrom"), "", "may not be specified when `value` is not empty");
        }
    }
    for (i, m) in c.list_at("volumeMounts").iter().enumerate() {
        let at = format!("{path}.volumeMounts[{i}]");
        match m.str_at("name").unwrap_or_default() {
            "" => errors.required(format!("{at}.name"), ""),
            name if !volumes.contains(name) => errors.push(format!("{at}.name"), format!("Not found: \"{name}\"")),
            _ => {}
        }
        if m.str_at("mountPath").unwrap_or_default().is_empty() {
            errors.required(format!("{at}.mountPath"), "");
        }
    }
    one_of(c, "imagePullPolicy", path, &["Always", "IfNotPresent", "Never"], errors);
    one_of(c, "terminationMessagePolicy", path, &["FallbackToLogsOnError", "File"], errors);
    resources(c.at("resources"), &format!("{path}.resources"), errors);
}

/// Limits and requests: known names, no negative amounts, requests within limits.
fn resources(r: &Value, path: &str, errors: &mut FieldErrors) {
    let parse = |v: &Value| v.as_str().and_then(|s| Quantity::parse(s).ok());
    for list in ["limits", "requests"] {
        for (name, amount) in r.at(list).as_object().into_iter().flatten() {
            let at = format!("{path}.{list}");
            resource_name(name, &format!("{at}[{name}]"), errors);
            let Some(q) = parse(amount) else { continue };
            if q.nano < 0 {
                errors.invalid_text(format!("{at}[{name}]"), &q.to_string(), NEGATIVE);
            }
            let is_extended = name.contains('/') && !name.starts_with("kubernetes.io/");
            if is_extended && q.nano % 1_000_000_000 != 0 {
                errors.invalid_text(format!("{at}[{name}]"), &q.to_string(), "must be an integer");
            }
            if list != "requests" {
                continue;
            }
            let limit = r.at("limits").field(name);
            match parse(limit) {
                Some(l) if is_extended && l.nano != q.nano => {
                    errors.invalid_text(&at, &q.to_string(), &format!("must be equal to {name} limit of {l}"));
                }
                Some(l) if q.nano > l.nano => {
                    errors.invalid_text(&at, &q.to_string(), &format!("must be less than or equal to {name} limit of {l}"));
                }
                None if is_extended => {
                    errors.required(format!("{path}.limits"), "Limit must be set for non overcommitable resources")
                }
                _ => {}
            }
        }
    }
}

fn resource_name(name: &str, path: &str, errors: &mut FieldErrors) {
    for why in qualified_name(name) {
        errors.invalid_text(path, name, &why);
    }
    let standard = matches!(name, "cpu" | "memory" | "ephemeral-storage") || name.starts_with("hugepages-");
    if !name.contains('/') && !standard {
        errors.invalid_text(path, name, "must be a standard resource for containers");
    }
}

fn tolerations(list: &[Value], path: &str, errors: &mut FieldErrors) {
    for (i, t) in list.iter().enumerate() {
        let at = format!("{path}[{i}]");
        let key = t.str_at("key").unwrap_or_default();
        let operator = t.str_at("operator").unwrap_or_default();
        if !key.is_empty() {
            for why in qualified_name(key) {
                errors.invalid_text(format!("{at}.key"), key, &why);
            }
        } else if operator != "Exists" {
            errors.invalid_text(
                format!("{at}.operator"),
                operator,
                "operator must be Exists when `key` is empty, which means \"match all values and all keys\"",
            );
        }
        if t.int_at("tolerationSeconds").is_some() && t.str_at("effect") != Some("NoExecute") {
            errors.invalid_text(
                format!("{at}.effect"),
                t.str_at("effect").unwrap_or_default(),
                "effect must be 'NoExecute' when `tolerationSeconds` is set",
            );
        }
        match operator {
            "" | "Equal" => {
                for why in label_value(t.str_at("value").unwrap_or_default()) {
                    errors.invalid_text(format!("{at}.operator"), t.str_at("value").unwrap_or_default(), &why);
                }
            }
            "Exists" => {
                if t.str_at("value").is_some_and(|v| !v.is_empty()) {
                    let why = "value must be empty when `operator` is 'Exists'";
                    errors.invalid(format!("{at}.operator"), t, why);
                }
            }
            other => errors.unsupported(format!("{at}.operator"), other, &["Equal", "Exists"]),
        }
        one_of_unless_empty(t, "effect", &at, &["NoSchedule", "PreferNoSchedule", "NoExecute"], errors);
    }
}

fn one_of_unless_empty(v: &Value, field: &str, path: &str, supported: &[&str], errors: &mut FieldErrors) {
    if v.str_at(field).is_some_and(|x| !x.is_empty()) {
        one_of(v, field, path, supported, errors);
    }
}

fn affinity(a: &Value, path: &str, errors: &mut FieldErrors) {
    const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
    const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";
    let required = a.at("nodeAffinity").at(REQUIRED);
    let at = format!("{path}.nodeAffinity.{REQUIRED}.nodeSelectorTerms");
    if required.is_object() && required.list_at("nodeSelectorTerms").is_empty() {
        errors.required(&at, "must have at least one node selector term");
    }
    for (i, term) in required.list_at("nodeSelectorTerms").iter().enumerate() {
        expressions(term.list_at("matchExpressions"), &format!("{at}[{i}].matchExpressions"), errors);
    }
    for (i, p) in a.at("nodeAffinity").list_at(PREFERRED).iter().enumerate() {
        let at = format!("{path}.nodeAffinity.{PREFERRED}[{i}]");
        weight(p, &at, errors);
        expressions(p.list_at("preference.matchExpressions"), &format!("{at}.preference.matchExpressions"), errors);
    }
    for side in ["podAffinity", "podAntiAffinity"] {
        for (i, t) in a.at(side).list_at(REQUIRED).iter().enumerate() {
            topology_key(t, &format!("{path}.{side}.{REQUIRED}[{i}]"), errors);
        }
        for (i, p) in a.at(side).list_at(PREFERRED).iter().enumerate() {
            let at = format!("{path}.{side}.{PREFERRED}[{i}]");
            weight(p, &at, errors);
            topology_key(p.at("podAffinityTerm"), &format!("{at}.podAffinityTerm"), errors);
        }
    }
}

fn weight(p: &Value, path: &str, errors: &mut FieldErrors) {
    if let Some(w) = p.int_at("weight").filter(|w| !(1..=100).contains(w)) {
        errors.invalid(format!("{path}.weight"), &w.into(), "must be in the range 1-100");
    }
}

fn topology_key(term: &Value, path: &str, errors: &mut FieldErrors) {
    if term.str_at("topologyKey").unwrap_or_default().is_empty() {
        errors.required(format!("{path}.topologyKey"), "can not be empty");
    }
}

/// Node selector expressions.
fn expressions(list: &[Value], path: &str, errors: &mut FieldErrors) {
    for (i, e) in list.iter().enumerate() {
        let at = format!("{path}[{i}]");
        let values = e.list_at("values");
        match e.str_at("operator").unwrap_or_default() {
            "In" | "NotIn" if values.is_empty() => {
                errors.required(format!("{at}.values"), "must be specified when `operator` is 'In' or 'NotIn'");
            }
            "Exists" | "DoesNotExist" if !values.is_empty() => {
                errors.forbidden(format!("{at}.values"), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
            }
            "Gt" | "Lt" if values.len() != 1 => {
                errors.required(format!("{at}.values"), "must be specified single value when `operator` is 'Lt' or 'Gt'");
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt" => {}
            other => errors.invalid_text(format!("{at}.operator"), other, "not a valid selector operator"),
        }
        let key = e.str_at("key").unwrap_or_default();
        for why in qualified_name(key) {
            errors.invalid_text(format!("{at}.key"), key, &why);
        }
    }
}

fn spread(list: &[Value], path: &str, errors: &mut FieldErrors) {
    for (i, c) in list.iter().enumerate() {
        let at = format!("{path}[{i}]");
        if let Some(skew) = c.int_at("maxSkew").filter(|s| *s <= 0) {
            errors.invalid(format!("{at}.maxSkew"), &skew.into(), "must be greater than zero");
        }
        topology_key(c, &at, errors);
        one_of(c, "whenUnsatisfiable", &at, &["DoNotSchedule", "ScheduleAnyway"], errors);
        if let Some(n) = c.int_at("minDomains").filter(|n| *n <= 0) {
            errors.invalid(format!("{at}.minDomains"), &n.into(), "must be greater than zero");
        }
    }
}
