//! Strategic merge patch: like a merge patch, but lists with a merge key are merged item by item.
//! Which keys those are, and which fields name the keys that stay, says the table of fields.
//! Sources: k8s.io/apimachinery/pkg/util/strategicpatch, v1.28.

use crate::collections::Order as _;
use crate::schema::{Field, Holder};
use crate::{ApiError, Kind, Reason, Value, json};
use serde_json::Map;

/// Carries out a strategic merge patch.
///
/// Errors: `BadRequest` for kinds of CRDs, which have none, and for directives that make no sense.
pub fn strategic(kind: Kind, target: &mut Value, patch: &Value) -> Result<(), ApiError> {
    if kind.is_crd() {
        let text = "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml";
        return Err(ApiError::new(Reason::BadRequest, text));
    }
    let Value::Object(patch) = patch else {
        return Err(ApiError::new(Reason::BadRequest, "invalid patch: must be an object"));
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    match target {
        Value::Object(target) => merge_map(target, patch, Holder::Kind(kind)),
        _ => Ok(()),
    }
}

/// What the field `name` of an object holds.
pub(super) fn below(holder: Holder, name: &str) -> Holder {
    holder.field(name).map_or(Holder::Unknown, |f| f.holder())
}

fn bad(text: String) -> ApiError {
    ApiError::new(Reason::BadRequest, text)
}

fn merge_map(target: &mut Map<String, Value>, patch: &Map<String, Value>, holder: Holder) -> Result<(), ApiError> {
    match patch.get("$patch").and_then(Value::as_str) {
        Some("replace") => {
            *target = json::map(patch.iter().filter(|(k, _)| *k != "$patch").map(|(k, v)| (k.clone(), v.clone())));
            return Ok(());
        }
        Some("delete") => {
            target.clear();
            return Ok(());
        }
        Some("merge") | None => {}
        Some(other) => return Err(bad(format!("Unknown patch type found: {other}"))),
    }
    if let Some(Value::Array(keep)) = patch.get("$retainKeys") {
        target.retain(|k, _| keep.iter().any(|x| x.as_str() == Some(k)));
    }
    for (name, change) in patch {
        if name == "$patch" || name == "$retainKeys" {
            continue;
        }
        if let Some(list) = name.strip_prefix("$deleteFromPrimitiveList/") {
            if let (Some(Value::Array(items)), Value::Array(gone)) = (target.get_mut(list), change) {
                items.retain(|i| !gone.contains(i));
            }
            continue;
        }
        if let Some(list) = name.strip_prefix("$setElementOrder/") {
            // The order is settled after the list itself has been merged.
            let _ = list;
            continue;
        }
        match change {
            Value::Null => {
                target.remove(name);
            }
            Value::Object(change) => {
                let slot = target.entry(name.as_str()).or_insert(Value::Null);
                if !slot.is_object() {
                    *slot = Value::Object(Map::new());
                }
                if let Value::Object(slot) = slot {
                    merge_map(slot, change, below(holder, name))?;
                }
            }
            Value::Array(changes) => {
                let slot = target.entry(name.as_str()).or_insert(Value::Null);
                merge_list(slot, changes, holder.field(name).as_ref())?;
            }
            value => {
                target.insert(name.clone(), value.clone());
            }
        }
    }
    for (name, order) in patch {
        if let (Some(list), Value::Array(order)) = (name.strip_prefix("$setElementOrder/"), order)
            && let Some(Value::Array(items)) = target.get_mut(list)
        {
            reorder(items, order, holder.field(list).and_then(|f| f.merge_key).filter(|key| !key.is_empty()));
        }
    }
    Ok(())
}

fn merge_list(slot: &mut Value, changes: &[Value], field: Option<&Field>) -> Result<(), ApiError> {
    let replaces = changes
        .iter()
        .any(|c| c.get("$patch").and_then(Value::as_str) == Some("replace") && c.as_object().is_some_and(|m| m.len() == 1));
    let Value::Array(items) = slot else {
        // Directives make no sense in a list that is not there.
        *slot = Value::Array(changes.iter().filter(|c| c.get("$patch").is_none()).cloned().collect());
        return Ok(());
    };
    if replaces {
        *items = changes.iter().filter(|c| c.get("$patch").is_none()).cloned().collect();
        return Ok(());
    }
    let key = match field.and_then(|f| f.merge_key) {
        Some("") => {
            for c in changes {
                if !items.contains(c) {
                    items.push(c.clone());
                }
            }
            return Ok(());
        }
        Some(key) => key,
        None => {
            *items = changes.to_vec();
            return Ok(());
        }
    };
    let inside = field.map_or(Holder::Unknown, Field::holder);
    for change in changes {
        let Value::Object(change) = change else {
            return Err(bad(format!("map: {change} does not contain declared merge key: {key}")));
        };
        let id = change
            .get(key)
            .ok_or_else(|| bad(format!("map: {} does not contain declared merge key: {key}", Value::Object(change.clone()))))?;
        let at = items.iter().position(|i| i.get(key) == Some(id));
        let deletes = change.get("$patch").and_then(Value::as_str) == Some("delete");
        match (at, deletes) {
            (Some(at), true) => {
                items.remove(at);
            }
            (None, true) => {}
            (Some(at), false) => {
                if let Some(Value::Object(item)) = items.get_mut(at) {
                    merge_map(item, change, inside)?;
                }
            }
            (None, false) => items.push(Value::Object(json::map(
                change.iter().filter(|(k, _)| !k.starts_with('$')).map(|(k, v)| (k.clone(), v.clone())),
            ))),
        }
    }
    Ok(())
}

/// Puts the items that `order` names in its order; the others keep their place relative to the one before them.
fn reorder(items: &mut Vec<Value>, order: &[Value], key: Option<&str>) {
    let rank = |item: &Value| match key {
        Some(key) => order.iter().position(|o| o.get(key).is_some() && o.get(key) == item.get(key)),
        None => order.iter().position(|o| o == item),
    };
    let mut last = 0;
    let mut ranked: Vec<(usize, Value)> = Vec::with_capacity(items.len());
    for item in items.drain(..) {
        if let Some(r) = rank(&item) {
            last = r;
        }
        let r = rank(&item).unwrap_or(last);
        ranked.push((r, item));
    }
    ranked.order_by_key(|(r, _)| *r);
    items.extend(ranked.into_iter().map(|(_, item)| item));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    fn check(target: Value, patch: Value, want: Value) {
        let kind = if patch["spec"]["strategy"].is_null() { Kind::Pod } else { Kind::Deployment };
        let mut got = target.clone();
        strategic(kind, &mut got, &patch).unwrap();
        assert_eq!(got, want, "{target} {patch}");
    }

    #[test]
    fn merges_lists_by_key() {
        let pod =
            json!({"spec": {"containers": [{"name": "a", "image": "x", "env": [{"name": "E", "value": "1"}]}, {"name": "b"}]}});
        check(
            pod.clone(),
            json!({"spec": {"containers": [{"name": "a", "image": "y", "env": [{"name": "F", "value": "2"}]}]}}),
            json!({"spec": {"containers": [
                {"name": "a", "image": "y", "env": [{"name": "E", "value": "1"}, {"name": "F", "value": "2"}]}, {"name": "b"}]}}),
        );
        check(
            pod.clone(),
            json!({"spec": {"containers": [{"name": "a", "$patch": "delete"}]}}),
            json!({"spec": {"containers": [{"name": "b"}]}}),
        );
        check(
            pod.clone(),
            json!({"spec": {"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}], "containers": [{"name": "b", "image": "z"}]}}),
            json!({"spec": {"containers": [
                {"name": "b", "image": "z"}, {"name": "a", "image": "x", "env": [{"name": "E", "value": "1"}]}]}}),
        );
        check(
            pod,
            json!({"spec": {"containers": [{"$patch": "replace"}, {"name": "c"}]}}),
            json!({"spec": {"containers": [{"name": "c"}]}}),
        );
    }

    #[test]
    fn replaces_other_lists() {
        check(
            json!({"spec": {"tolerations": [{"key": "a"}], "command": ["x"]}}),
            json!({"spec": {"tolerations": [{"key": "b"}], "command": ["y", "z"]}}),
            json!({"spec": {"tolerations": [{"key": "b"}], "command": ["y", "z"]}}),
        );
        check(
            json!({"metadata": {"finalizers": ["a"]}}),
            json!({"metadata": {"finalizers": ["b"]}}),
            json!({"metadata": {"finalizers": ["a", "b"]}}),
        );
        check(
            json!({"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {}}}}),
            json!({"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}),
            json!({"spec": {"strategy": {"type": "Recreate"}}}),
        );
    }

    /// One name, another meaning: a service's ports are told apart by `port`, a container's by `containerPort`.
    #[test]
    fn keys_belong_to_the_type() {
        let merged = |kind, target: Value, patch: Value| {
            let mut got = target;
            strategic(kind, &mut got, &patch).unwrap();
            got
        };
        let service = json!({"spec": {"ports": [{"port": 80, "name": "a"}]}});
        let patch = json!({"spec": {"ports": [{"port": 80, "protocol": "TCP"}, {"port": 81}]}});
        let want = json!({"spec": {"ports": [{"port": 80, "name": "a", "protocol": "TCP"}, {"port": 81}]}});
        assert_eq!(merged(Kind::Service, service.clone(), patch.clone()), want);
        // An Endpoints-like list that no type knows is replaced.
        assert_eq!(merged(Kind::ConfigMap, service, patch.clone()), patch);
    }

    #[test]
    fn refuses_what_makes_no_sense() {
        let mut pool = json!({});
        assert!(strategic(Kind::NodePool, &mut pool, &json!({"spec": {}})).is_err());
        let mut pod = json!({"spec": {"containers": [{"name": "a"}]}});
        assert!(strategic(Kind::Pod, &mut pod, &json!({"spec": {"containers": [{"image": "x"}]}})).is_err());
    }
}
