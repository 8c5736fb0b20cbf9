//! The order and the form of what comes out.
//! Source: sigs.k8s.io/kustomize/api v0.20.1, internal/builtins/SortOrderTransformer.go, resmap/reswrangler.go (`AsYaml`).

use super::Wrong;
use super::resource::{Gvk, Resource};
use objects::collections::Order as _;
use objects::json::go_quote;
use objects::yaml::{NO_TEXT, to_yaml};
use objects::{DocExt, Map, Value};

pub const FIRST: [&str; 22] = [
    "Namespace",
    "ResourceQuota",
    "StorageClass",
    "CustomResourceDefinition",
    "ServiceAccount",
    "PodSecurityPolicy",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "ConfigMap",
    "Secret",
    "Endpoints",
    "Service",
    "LimitRange",
    "PriorityClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];
const LAST: [&str; 2] = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

/// Sorts as the kustomization says; kubectl asks for the legacy order where it says nothing.
pub fn order(all: &mut [Resource], options: Option<&Value>, legacy: bool) -> Result<(), Wrong> {
    let said = |text: String| Err(Wrong::Said(text));
    let (mut first, mut last): (Vec<String>, Vec<String>) = (FIRST.map(str::to_owned).into(), LAST.map(str::to_owned).into());
    if let Some(options) = options {
        let own = options.get("legacySortOptions");
        match options.str_at("order").unwrap_or_default() {
            "fifo" if own.is_some() => {
                return said(
                    "the field 'sortOptions.legacySortOptions' is set but the selected sort order is 'fifo', not 'legacy'"
                        .to_owned(),
                );
            }
            "fifo" => return Ok(()),
            "legacy" => {}
            _ => return said("the field 'sortOptions.order' must be one of [fifo, legacy]".to_owned()),
        }
        if let Some(own) = own {
            let list = |field: &str| own.list_at(field).iter().filter_map(Value::as_str).map(str::to_owned).collect();
            (first, last) = (list("orderFirst"), list("orderLast"));
        }
    } else if !legacy {
        return Ok(());
    }
    let rank = |kind: &str| -> isize {
        let place = |list: &[String]| list.iter().rposition(|k| k == kind).and_then(|at| isize::try_from(at).ok());
        match (place(&last), place(&first)) {
            (Some(at), _) => at + 1,
            (None, Some(at)) => at - isize::try_from(first.len()).unwrap_or(0),
            (None, None) => 0,
        }
    };
    let or = |text: &str, none: &str| if text.is_empty() { none.to_owned() } else { text.to_owned() };
    let text = |gvk: &Gvk| format!("{}_{}_{}", or(&gvk.group, "~G"), or(&gvk.version, "~V"), or(&gvk.kind, "~K"));
    let keys: Vec<_> = all
        .iter()
        .map(|r| {
            let id = r.id();
            let name = format!("{}|{}|{}", id.gvk.text(), or(&id.namespace, "~X"), or(&id.name, "~N"));
            (rank(&id.gvk.kind), text(&id.gvk), name)
        })
        .collect();
    let mut places: Vec<usize> = (0..all.len()).collect();
    places.order_by(|a, b| keys.get(*a).cmp(&keys.get(*b)));
    let sorted: Vec<Resource> = places.iter().filter_map(|at| all.get(*at).cloned()).collect();
    for (slot, resource) in all.iter_mut().zip(sorted) {
        *slot = resource;
    }
    Ok(())
}

/// The documents, `---` between them.
pub fn print(all: &mut [Resource]) -> Result<String, Wrong> {
    let mut out = String::new();
    for (at, resource) in all.iter_mut().enumerate() {
        resource.tidy_annotations();
        if let Some(error) = &resource.twice {
            return Err(Wrong::Said(format!("map[string]interface {{}}(nil): {error}")));
        }
        let doc = top(&resource.doc);
        if marked(&doc) {
            return Err(Wrong::Said(format!("{}: json: unsupported type: map[interface {{}}]interface {{}}", go(&doc))));
        }
        if at > 0 {
            out.push_str("---\n");
        }
        out.push_str(&to_yaml(&doc));
    }
    Ok(out)
}

/// At the top a key may be anything: it becomes a text.
fn top(doc: &Value) -> Value {
    let map = doc.as_object().into_iter().flatten();
    Value::Object(objects::json::map(map.map(|(k, v)| (k.trim_start_matches(NO_TEXT).to_owned(), v.clone()))))
}

/// Whether some key is no text.
fn marked(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(marked),
        Value::Object(map) => map.iter().any(|(key, value)| key.starts_with(NO_TEXT) || marked(value)),
        _ => false,
    }
}

/// A document as Go's `%#v` shows it.
fn go(value: &Value) -> String {
    match value {
        Value::Null => "interface {}(nil)".to_owned(),
        Value::Bool(b) => b.to_string(),
        Value::Number(n) if n.is_u64() && !n.is_i64() => format!("{:#x}", n.as_u64().unwrap_or(0)),
        Value::Number(n) => n.to_string(),
        Value::String(text) => go_quote(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(go).collect();
            format!("[]interface {{}}{{{}}}", items.join(", "))
        }
        Value::Object(map) => {
            let odd = map.keys().any(|k| k.starts_with(NO_TEXT));
            let key = if odd { "interface {}" } else { "string" };
            format!("map[{key}]interface {{}}{{{}}}", entries(map).join(", "))
        }
    }
}

/// Keys in order, those that are no texts behind the others.
fn entries(map: &Map<String, Value>) -> Vec<String> {
    let (odd, texts): (Vec<_>, Vec<_>) = map.iter().partition(|(k, _)| k.starts_with(NO_TEXT));
    let texts = texts.into_iter().map(|(k, v)| format!("{}:{}", go_quote(k), go(v)));
    let odd = odd.into_iter().map(|(k, v)| format!("{}:{}", k.trim_start_matches(NO_TEXT), go(v)));
    texts.chain(odd).collect()
}
