//! JSON patch (RFC 6902) with the answers of the API server.
//! Source: apiserver pkg/endpoints/handlers/patch.go and evanphx/json-patch v4.12.

use crate::{ApiError, Reason, Value};

/// Most operations of one patch, as on an API server.
const MAX_OPERATIONS: usize = 10_000;

/// Most bytes that `copy` operations of one patch may add: copies of copies would double a document each time.
/// Source: apiserver pkg/server/config.go `JSONPatchMaxCopyBytes`, v0.35.
const MAX_COPIED: usize = 3 * 1024 * 1024;

/// Carries out the operations of `patch`, all or none.
///
/// Errors: `BadRequest` where the patch is no list of operations, `Invalid` where one cannot be carried out; kubectl prints
/// that as `The request is invalid: the server rejected our request due to an error in our request`.
pub fn json_patch(target: &mut Value, patch: &Value) -> Result<(), ApiError> {
    let Value::Array(operations) = patch else {
        let what = if patch.is_object() { "object" } else { "value" };
        let text = format!("json: cannot unmarshal {what} into Go value of type jsonpatch.Patch");
        return Err(ApiError::new(Reason::BadRequest, text));
    };
    if operations.len() > MAX_OPERATIONS {
        let text = format!("The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {}", operations.len());
        return Err(ApiError::new(Reason::Invalid, text));
    }
    let mut work = target.clone();
    let mut copied = 0;
    for operation in operations {
        run(&mut work, operation, &mut copied).ok_or_else(rejected)?;
    }
    *target = work;
    Ok(())
}

fn rejected() -> ApiError {
    ApiError::new(Reason::Invalid, "the server rejected our request due to an error in our request")
}

fn run(doc: &mut Value, operation: &Value, copied: &mut usize) -> Option<()> {
    let path = operation.get("path")?.as_str()?;
    let from = operation.get("from").and_then(Value::as_str);
    let value = operation.get("value");
    match operation.get("op")?.as_str()? {
        "add" => add(doc, path, value?.clone()),
        "remove" => remove(doc, path).map(|_| ()),
        "replace" => {
            *doc.pointer_mut(path)? = value?.clone();
            Some(())
        }
        "move" => {
            let from = from?;
            // A value cannot move into itself.
            if path.strip_prefix(from).is_some_and(|rest| rest.starts_with('/')) {
                return None;
            }
            let moved = remove(doc, from)?;
            add(doc, path, moved)
        }
        "copy" => {
            let value = doc.pointer(from?)?;
            *copied += value.to_string().len();
            if *copied > MAX_COPIED {
                return None;
            }
            let value = value.clone();
            add(doc, path, value)
        }
        "test" => (doc.pointer(path).unwrap_or(&Value::Null) == value?).then_some(()),
        _ => None,
    }
}

fn split(path: &str) -> Option<(&str, String)> {
    let (parent, name) = path.rsplit_once('/')?;
    Some((parent, name.replace("~1", "/").replace("~0", "~")))
}

fn add(doc: &mut Value, path: &str, value: Value) -> Option<()> {
    if path.is_empty() {
        *doc = value;
        return Some(());
    }
    let (parent, name) = split(path)?;
    match doc.pointer_mut(parent)? {
        Value::Object(map) => {
            map.insert(name, value);
        }
        Value::Array(items) if name == "-" => items.push(value),
        Value::Array(items) => {
            let at = index(&name, items.len() + 1)?;
            items.insert(at, value);
        }
        _ => return None,
    }
    Some(())
}

fn remove(doc: &mut Value, path: &str) -> Option<Value> {
    let (parent, name) = split(path)?;
    match doc.pointer_mut(parent)? {
        Value::Object(map) => map.remove(&name),
        Value::Array(items) => {
            let at = index(&name, items.len())?;
            Some(items.remove(at))
        }
        _ => None,
    }
}

/// An index below `len`, without leading zeros.
fn index(text: &str, len: usize) -> Option<usize> {
    let canonical = text == "0" || !text.starts_with('0');
    text.parse().ok().filter(|i| canonical && *i < len)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    #[test]
    fn copies_of_copies_end() {
        let operations: Vec<Value> = (0..60).map(|_| json!({"op": "copy", "from": "/l", "path": "/l/-"})).collect();
        let doc = json!({"l": ["x"]});
        let mut got = doc.clone();
        assert!(json_patch(&mut got, &Value::Array(operations.clone())).is_err());
        assert_eq!(got, doc);
        assert!(json_patch(&mut got, &Value::Array(operations.into_iter().take(5).collect())).is_ok());
    }

    #[test]
    fn runs_operations() {
        let doc = json!({"spec": {"replicas": 4, "list": [1, 2]}, "a/b": 1});
        for (patch, want) in [
            (
                json!([{"op": "replace", "path": "/spec/replicas", "value": 5}]),
                Some(json!({"spec": {"replicas": 5, "list": [1, 2]}, "a/b": 1})),
            ),
            (
                json!([{"op": "add", "path": "/spec/list/1", "value": 9}]),
                Some(json!({"spec": {"replicas": 4, "list": [1, 9, 2]}, "a/b": 1})),
            ),
            (
                json!([{"op": "add", "path": "/spec/list/-", "value": 9}]),
                Some(json!({"spec": {"replicas": 4, "list": [1, 2, 9]}, "a/b": 1})),
            ),
            (
                json!([{"op": "remove", "path": "/a~1b"}, {"op": "remove", "path": "/spec/list"}]),
                Some(json!({"spec": {"replicas": 4}})),
            ),
            (
                json!([{"op": "move", "from": "/spec/replicas", "path": "/n"}]),
                Some(json!({"spec": {"list": [1, 2]}, "a/b": 1, "n": 4})),
            ),
            (json!([{"op": "test", "path": "/spec/replicas", "value": 4}]), Some(doc.clone())),
            (json!([{"op": "test", "path": "/spec/replicas", "value": 5}]), None),
            (json!([{"op": "remove", "path": "/spec/foo"}]), None),
            (json!([{"op": "replace", "path": "/spec/foo", "value": 1}]), None),
            (json!([{"op": "add", "path": "/spec/list/5", "value": 1}]), None),
            (json!([{"op": "move", "from": "/spec", "path": "/spec/x"}]), None),
            (json!([{"op": "nope", "path": "/spec"}]), None),
            (json!([{"op": "remove", "path": "/spec"}, {"op": "remove", "path": "/spec"}]), None),
            (json!({"spec": 1}), None),
        ] {
            let mut got = doc.clone();
            let result = json_patch(&mut got, &patch);
            assert_eq!(result.is_ok(), want.is_some(), "{patch}");
            assert_eq!(got, want.unwrap_or_else(|| doc.clone()), "{patch}");
        }
    }
}
