//! The patch that `kubectl apply` computes of three documents: the last applied, the new one and the live object.
//! Sources: k8s.io/apimachinery/pkg/util/strategicpatch/patch.go `CreateThreeWayMergePatch` and
//! pkg/util/jsonmergepatch/patch.go, v0.35.

use super::strategic::below;
use crate::collections::Order as _;
use crate::schema::{Field, Holder};
use crate::{Kind, Value, json};
use serde_json::Map;

/// Fields of `new` that `live` has otherwise, and `null` for those that only `last` had. Lists that have a merge key in a
/// built-in kind are compared item by item; every other list that differs is replaced whole.
pub fn three_way(kind: Kind, last: &Value, new: &Value, live: &Value) -> Value {
    let empty = Map::new();
    let by_key = !kind.is_crd();
    let holder = if by_key { Holder::Kind(kind) } else { Holder::Unknown };
    match new {
        Value::Object(new) => {
            Value::Object(maps(last.as_object(), new, live.as_object().unwrap_or(&empty), by_key, holder, false))
        }
        other => other.clone(),
    }
}

/// `holder` is what the objects are.
fn maps(
    last: Option<&Map<String, Value>>,
    new: &Map<String, Value>,
    live: &Map<String, Value>,
    by_key: bool,
    holder: Holder,
    retain: bool,
) -> Map<String, Value> {
    let mut patch = Map::new();
    for (key, value) in new {
        let before = last.and_then(|l| l.get(key));
        match (live.get(key), value) {
            (None, Value::Null) if !by_key => {}
            (None, value) => {
                patch.insert(key.clone(), value.clone());
            }
            // The one field that is sent whatever it is: a budget's selector.
            (Some(Value::Object(_)), Value::Object(_)) if holder == BUDGET && key == "selector" => {
                patch.insert(key.clone(), value.clone());
            }
            (Some(Value::Object(now)), Value::Object(wanted)) => {
                let retain = holder.field(key).is_some_and(|f| f.retain_keys);
                let inner = maps(before.and_then(Value::as_object), wanted, now, by_key, below(holder, key), retain);
                if !inner.is_empty() {
                    patch.insert(key.clone(), Value::Object(inner));
                }
            }
            (Some(Value::Array(now)), Value::Array(wanted)) => {
                let before = before.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
                lists(before, wanted, now, holder.field(key).as_ref(), key, &mut patch);
            }
            (Some(now), wanted) => {
                if now != wanted {
                    patch.insert(key.clone(), wanted.clone());
                }
            }
        }
    }
    for key in last.into_iter().flat_map(Map::keys).filter(|key| !new.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    let grown = live.keys().any(|key| !new.contains_key(key));
    if retain && (!patch.is_empty() || grown) {
        let mut keys: Vec<&String> = new.iter().filter(|(_, v)| !v.is_null()).map(|(k, _)| k).collect();
        keys.order();
        if !keys.is_empty() {
            patch.insert("$retainKeys".to_owned(), json!(keys));
        }
    }
    patch
}

/// The spec of a disruption budget.
const BUDGET: Holder = Holder::Type("v1.PodDisruptionBudgetSpec");

/// `field` is what the table says of the list, where it knows it.
fn lists(last: &[Value], new: &[Value], live: &[Value], field: Option<&Field>, name: &str, patch: &mut Map<String, Value>) {
    let declared = field.and_then(|f| f.merge_key);
    if declared == Some("") {
        let added: Vec<Value> = new.iter().filter(|v| !live.contains(v)).cloned().collect();
        let gone: Vec<Value> = last.iter().filter(|v| !new.contains(v)).cloned().collect();
        if live != new || !gone.is_empty() {
            patch.insert(format!("$setElementOrder/{name}"), json!(new));
        }
        if !added.is_empty() {
            patch.insert(name.to_owned(), json!(added));
        }
        if !gone.is_empty() {
            patch.insert(format!("$deleteFromPrimitiveList/{name}"), json!(gone));
        }
        return;
    }
    let Some(key) = declared.filter(|key| [last, new, live].iter().all(|l| l.iter().all(|i| i.get(key).is_some()))) else {
        if live != new {
            patch.insert(name.to_owned(), json!(new));
        }
        return;
    };
    if live.is_empty() {
        if !new.is_empty() {
            patch.insert(name.to_owned(), json!(new));
        }
        return;
    }
    fn same<'a>(list: &'a [Value], item: &Value, key: &str) -> Option<&'a Map<String, Value>> {
        list.iter().find(|i| i.get(key) == item.get(key)).and_then(Value::as_object)
    }
    let mut items: Vec<Value> = Vec::new();
    for item in new {
        let (Some(wanted), now) = (item.as_object(), same(live, item, key)) else { continue };
        let Some(now) = now else {
            items.push(item.clone());
            continue;
        };
        let (inside, retain) = field.map_or((Holder::Unknown, false), |f| (f.holder(), f.retain_keys));
        let mut inner = maps(same(last, item, key), wanted, now, true, inside, retain);
        if !inner.is_empty() {
            inner.insert(key.to_owned(), item.get(key).cloned().unwrap_or_default());
            items.push(Value::Object(inner));
        }
    }
    for item in last.iter().filter(|item| same(new, item, key).is_none()) {
        let mut gone = Map::new();
        gone.insert("$patch".to_owned(), "delete".into());
        gone.insert(key.to_owned(), item.get(key).cloned().unwrap_or_default());
        items.push(Value::Object(gone));
    }
    let same_order = live.len() == new.len() && live.iter().zip(new).all(|(a, b)| a.get(key) == b.get(key));
    if !items.is_empty() || !same_order {
        let order: Vec<Value> =
            new.iter().map(|i| Value::Object(json::map([(key.to_owned(), i.get(key).cloned().unwrap_or_default())]))).collect();
        patch.insert(format!("$setElementOrder/{name}"), json!(order));
    }
    if !items.is_empty() {
        patch.insert(name.to_owned(), json!(items));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: Kind, last: Value, new: Value, live: Value, want: Value) {
        assert_eq!(three_way(kind, &last, &new, &live), want, "{last} {new} {live}");
    }

    #[test]
    fn sends_what_differs_and_removes_what_was_left_out() {
        let pod = Kind::Pod;
        check(pod, json!({"a": 1, "b": 2}), json!({"a": 1}), json!({"a": 1, "b": 2, "c": 3}), json!({"b": null}));
        check(pod, json!({}), json!({"a": {"x": "1"}}), json!({"a": {"x": 1}}), json!({"a": {"x": "1"}}));
        check(Kind::NodePool, json!({"l": [1]}), json!({"l": [2]}), json!({"l": [1]}), json!({"l": [2]}));
        check(pod, json!({"a": 1}), json!({"a": 1}), json!({"a": 1, "z": 1}), json!({}));
    }

    #[test]
    fn names_the_order_of_keyed_lists() {
        let containers = |v: Value| json!({"spec": {"containers": v}});
        check(
            Kind::Pod,
            containers(json!([{"name": "a", "image": "x"}, {"name": "b"}])),
            containers(json!([{"name": "a", "image": "y"}])),
            containers(json!([{"name": "a", "image": "x", "imagePullPolicy": "Always"}, {"name": "b"}])),
            json!({"spec": {
                "$setElementOrder/containers": [{"name": "a"}],
                "containers": [{"name": "a", "image": "y"}, {"$patch": "delete", "name": "b"}],
            }}),
        );
    }

    #[test]
    fn names_the_fields_that_a_strategy_keeps() {
        check(
            Kind::Deployment,
            json!({"spec": {"strategy": {"type": "RollingUpdate"}}}),
            json!({"spec": {"strategy": {"type": "Recreate"}}}),
            json!({"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {}}}}),
            json!({"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}),
        );
    }

    /// kubectl sends a budget's selector each time, so that an unchanged budget is `configured`.
    #[test]
    fn always_sends_a_budgets_selector() {
        let spec = json!({"spec": {"minAvailable": 1, "selector": {"matchLabels": {"a": "b"}}}});
        check(
            Kind::PodDisruptionBudget,
            spec.clone(),
            spec.clone(),
            spec,
            json!({"spec": {"selector": {"matchLabels": {"a": "b"}}}}),
        );
    }
}
