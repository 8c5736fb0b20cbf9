//! How Karpenter prints resources, taints and the parts of a pod that it gives up, in logs and errors.
//! Source: kubernetes-sigs/karpenter pkg/utils/{resources,pretty} v0.31.4 and v1.14.1.

use objects::Resources;
use objects::collections::VecMap;
use objects::quantity::{Format, Quantity};
use objects::resources::{CPU, PODS};
use objects::selector::{Expression, LabelSelector};
use objects::typed::{NodeSelectorTerm, PodAffinityTerm, SpreadConstraint, Taint};
use serde_json::Value;

/// Compact JSON in order of name: `{"cpu":"1125m","pods":"3"}`.
pub fn resources(r: &Resources) -> String {
    let parts: Vec<String> =
        r.0.iter().map(|(name, amount)| format!("{}:\"{}\"", quoted(name), quantity(name, *amount))).collect();
    format!("{{{}}}", parts.join(","))
}

/// One amount: milli-CPU for `cpu`, bytes with binary suffixes for memory and storage.
pub fn quantity(name: &str, amount: i64) -> String {
    let format = match name {
        CPU => return Quantity::from_milli(amount).to_string(),
        PODS => Format::DecimalExponent,
        "memory" | "ephemeral-storage" => Format::BinarySi,
        n if n.starts_with("hugepages-") => Format::BinarySi,
        _ => Format::DecimalSi,
    };
    Quantity::from_value(amount, format).to_string()
}

/// `key=value:Effect`, without `=` where there is no value.
pub fn taint(t: &Taint) -> String {
    if t.value.is_empty() { format!("{}:{}", t.key, t.effect) } else { format!("{}={}:{}", t.key, t.value, t.effect) }
}

pub fn node_term(term: &NodeSelectorTerm) -> String {
    if term.expressions.is_empty() {
        return "{}".to_owned();
    }
    format!("{{\"matchExpressions\":{}}}", expressions(&term.expressions))
}

pub fn preferred_node_term(weight: i32, term: &NodeSelectorTerm) -> String {
    format!("{{\"weight\":{weight},\"preference\":{}}}", node_term(term))
}

pub fn preferred_pod_term(weight: i32, term: &PodAffinityTerm) -> String {
    let mut parts = Vec::new();
    if let Some(s) = &term.selector {
        parts.push(format!("\"labelSelector\":{}", selector(s)));
    }
    if !term.namespaces.is_empty() {
        parts.push(format!("\"namespaces\":{}", strings(&term.namespaces)));
    }
    parts.push(format!("\"topologyKey\":{}", quoted(&term.topology_key)));
    if let Some(s) = &term.namespace_selector {
        parts.push(format!("\"namespaceSelector\":{}", selector(s)));
    }
    format!("{{\"weight\":{weight},\"podAffinityTerm\":{{{}}}}}", parts.join(","))
}

pub fn spread(c: &SpreadConstraint) -> String {
    let when = if c.do_not_schedule { "DoNotSchedule" } else { "ScheduleAnyway" };
    let mut parts = vec![
        format!("\"maxSkew\":{}", c.max_skew),
        format!("\"topologyKey\":{}", quoted(&c.topology_key)),
        format!("\"whenUnsatisfiable\":\"{when}\""),
    ];
    if let Some(s) = &c.selector {
        parts.push(format!("\"labelSelector\":{}", selector(s)));
    }
    if let Some(n) = c.min_domains {
        parts.push(format!("\"minDomains\":{n}"));
    }
    if !c.honor_affinity {
        parts.push("\"nodeAffinityPolicy\":\"Ignore\"".to_owned());
    }
    if c.honor_taints {
        parts.push("\"nodeTaintsPolicy\":\"Honor\"".to_owned());
    }
    if !c.match_label_keys.is_empty() {
        parts.push(format!("\"matchLabelKeys\":{}", strings(&c.match_label_keys)));
    }
    format!("{{{}}}", parts.join(","))
}

fn selector(s: &LabelSelector) -> String {
    let mut parts = Vec::new();
    if !s.match_labels.is_empty() {
        parts.push(format!("\"matchLabels\":{}", map(&s.match_labels)));
    }
    if !s.expressions.is_empty() {
        parts.push(format!("\"matchExpressions\":{}", expressions(&s.expressions)));
    }
    format!("{{{}}}", parts.join(","))
}

fn expressions(list: &[Expression]) -> String {
    let one = |e: &Expression| {
        let values = if e.values.is_empty() { String::new() } else { format!(",\"values\":{}", strings(&e.values)) };
        format!("{{\"key\":{},\"operator\":\"{}\"{values}}}", quoted(&e.key), e.operator.as_str())
    };
    format!("[{}]", list.iter().map(one).collect::<Vec<_>>().join(","))
}

fn map(m: &VecMap<String, String>) -> String {
    let parts: Vec<String> = m.iter().map(|(k, v)| format!("{}:{}", quoted(k), quoted(v))).collect();
    format!("{{{}}}", parts.join(","))
}

fn strings(list: &[String]) -> String {
    format!("[{}]", list.iter().map(|s| quoted(s)).collect::<Vec<_>>().join(","))
}

fn quoted(s: &str) -> String {
    Value::from(s).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resource_lists() {
        let check = |list: &[(&str, i64)], text: &str| {
            let r = Resources(list.iter().map(|(k, v)| ((*k).to_owned(), *v)).collect());
            assert_eq!(resources(&r), text);
        };
        check(&[], "{}");
        check(&[("pods", 0)], r#"{"pods":"0"}"#);
        check(&[("cpu", 5125), ("pods", 7)], r#"{"cpu":"5125m","pods":"7"}"#);
        check(&[("cpu", 10_000), ("memory", 1 << 30), ("pods", 1)], r#"{"cpu":"10","memory":"1Gi","pods":"1"}"#);
        check(&[("nvidia.com/gpu", 1)], r#"{"nvidia.com/gpu":"1"}"#);
    }
}
