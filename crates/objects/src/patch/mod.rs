//! The patch formats of the API server and the three-way merge of `kubectl apply`.

use crate::{ApiError, Kind, Value};

/// RFC 7386: objects are merged, `null` removes, everything else replaces.
pub fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let Value::Object(map) = target else { return };
    for (name, change) in changes {
        if change.is_null() {
            map.remove(name);
        } else {
            merge(map.entry(name.as_str()).or_insert(Value::Null), change);
        }
    }
}

/// RFC 6902.
pub fn json_patch(_target: &mut Value, _patch: &Value) -> Result<(), ApiError> {
    Ok(())
}

/// Strategic merge patch: like [`merge`], but lists with a merge key are merged item by item.
/// Kinds that come from CRDs have no strategic merge.
pub fn strategic(_kind: Kind, target: &mut Value, patch: &Value) -> Result<(), ApiError> {
    merge(target, patch);
    Ok(())
}

/// `kubectl apply`: the object that results when `doc` is applied over `live`, whose last-applied annotation tells
/// what the previous apply set. The result carries the new annotation.
pub fn apply(_kind: Kind, _live: &Value, doc: &Value) -> Result<Value, ApiError> {
    Ok(doc.clone())
}

/// `doc` with its `kubectl.kubernetes.io/last-applied-configuration` annotation, as a first apply creates it.
pub fn with_last_applied(doc: &Value) -> Value {
    doc.clone()
}
