//! JSON patches in the words of the library that kustomize applies them with.
//! Source: gopkg.in/evanphx/json-patch.v4 v4.12.0, patch.go.

use super::resource::plain;
use objects::Value;

const MISSING: &str = "missing value";
/// Most bytes that the copies of one patch may make.
const COPIED: usize = 3 << 20;

/// Applies the operations in order.
pub fn apply(doc: &mut Value, operations: &[Value]) -> Result<(), String> {
    let mut copied = 0;
    for operation in operations {
        run(doc, operation, &mut copied)?;
    }
    Ok(())
}

fn run(doc: &mut Value, operation: &Value, copied: &mut usize) -> Result<(), String> {
    let text = |field: &str| operation.get(field).and_then(Value::as_str);
    let value = || operation.get("value").cloned().unwrap_or(Value::Null);
    let op = text("op").unwrap_or("unknown");
    let no_path = |op: &str| match op {
        "add" | "remove" | "copy" => format!("{op} operation failed to decode path: {MISSING}"),
        _ => format!("{op} operation failed to decode path: operation missing path field: {MISSING}"),
    };
    let no_from = |op: &str| format!("{op} operation failed to decode from: operation, missing from field: {MISSING}");
    match op {
        "add" => {
            let path = text("path").ok_or_else(|| no_path(op))?;
            let (holder, key) = find(doc, path)
                .ok_or_else(|| format!("add operation does not apply: doc is missing path: \"{path}\": {MISSING}"))?;
            add(holder, &key, value()).map_err(|e| format!("error in add for path: '{path}': {e}"))
        }
        "remove" => {
            let path = text("path").ok_or_else(|| no_path(op))?;
            let (holder, key) = find(doc, path)
                .ok_or_else(|| format!("remove operation does not apply: doc is missing path: \"{path}\": {MISSING}"))?;
            remove(holder, &key).map_err(|e| format!("error in remove for path: '{path}': {e}"))
        }
        "replace" => {
            let path = text("path").ok_or_else(|| no_path(op))?;
            if path.is_empty() {
                *doc = value();
                return Ok(());
            }
            let (holder, key) = find(doc, path)
                .ok_or_else(|| format!("replace operation does not apply: doc is missing path: {path}: {MISSING}"))?;
            let missing = || format!("replace operation does not apply: doc is missing key: {path}: {MISSING}");
            match holder {
                // A key of a map need not be there.
                Value::Object(map) => {
                    map.insert(key, value());
                }
                Value::Array(items) => {
                    let at = index(&key, items.len()).map_err(|_| missing())?;
                    *items.get_mut(at).ok_or_else(missing)? = value();
                }
                _ => return Err(missing()),
            }
            Ok(())
        }
        "move" => {
            let from = text("from").ok_or_else(|| no_from(op))?;
            let (holder, key) = find(doc, from)
                .ok_or_else(|| format!("move operation does not apply: doc is missing from path: {from}: {MISSING}"))?;
            let moved = get(holder, &key).map_err(|e| format!("error in move for path: '{key}': {e}"))?;
            remove(holder, &key).map_err(|e| format!("error in move for path: '{key}': {e}"))?;
            let path = text("path").ok_or_else(|| no_path(op))?;
            let (holder, key) = find(doc, path)
                .ok_or_else(|| format!("move operation does not apply: doc is missing destination path: {path}: {MISSING}"))?;
            add(holder, &key, moved).map_err(|e| format!("error in move for path: '{path}': {e}"))
        }
        "copy" => {
            let from = text("from").ok_or_else(|| no_from(op))?;
            let (holder, key) = find(doc, from)
                .ok_or_else(|| format!("copy operation does not apply: doc is missing from path: {from}: {MISSING}"))?;
            let value = get(holder, &key).map_err(|e| format!("error in copy for from: '{from}': {e}"))?;
            let path = text("path").ok_or_else(|| no_path(op))?;
            *copied += value.to_string().len();
            if *copied > COPIED {
                return Err(format!("the copies of a patch may have {COPIED} bytes here"));
            }
            let (holder, key) = find(doc, path)
                .ok_or_else(|| format!("copy operation does not apply: doc is missing destination path: {path}: {MISSING}"))?;
            add(holder, &key, value).map_err(|e| format!("error while adding value during copy: {e}"))
        }
        "test" => {
            let path = text("path").ok_or_else(|| no_path(op))?;
            let failed = || format!("testing value {path} failed: test failed");
            if path.is_empty() {
                return if *doc == value() { Ok(()) } else { Err(failed()) };
            }
            let (holder, key) =
                find(doc, path).ok_or_else(|| format!("test operation does not apply: is missing path: {path}: {MISSING}"))?;
            let found = get(holder, &key).map_err(|e| format!("error in test for path: '{path}': {e}"))?;
            if found == value() { Ok(()) } else { Err(failed()) }
        }
        other => Err(format!("Unexpected kind: {other}")),
    }
}

/// What holds the last part of a path, and that part. Nothing where the way there is missing.
fn find<'d>(doc: &'d mut Value, path: &str) -> Option<(&'d mut Value, String)> {
    let (_, parts) = path.split_once('/')?;
    let decoded = |part: &str| part.replace("~1", "/").replace("~0", "~");
    let (way, last) = parts.rsplit_once('/').map_or((None, parts), |(way, last)| (Some(way), last));
    let mut at = doc;
    for part in way.into_iter().flat_map(|w| w.split('/')) {
        let part = decoded(part);
        at = match at {
            Value::Object(map) => map.get_mut(&part)?,
            Value::Array(items) => {
                let at = index(&part, items.len()).ok()?;
                items.get_mut(at)?
            }
            _ => return None,
        };
    }
    (at.is_object() || at.is_array()).then(|| (at, decoded(last)))
}

/// An index below `len`; negative ones count from the end.
fn index(text: &str, len: usize) -> Result<usize, String> {
    let invalid = || format!("strconv.Atoi: parsing {text:?}: invalid syntax");
    let number: i64 = text.parse().map_err(|_| invalid())?;
    let outside = || format!("Unable to access invalid index: {number}: invalid index referenced");
    let size = i64::try_from(len).unwrap_or(i64::MAX);
    let at = if number < 0 { number + size } else { number };
    usize::try_from(at).ok().filter(|at| *at < len).ok_or_else(outside)
}

fn get(holder: &Value, key: &str) -> Result<Value, String> {
    match holder {
        Value::Array(items) => Ok(items.get(index(key, items.len())?).cloned().unwrap_or(Value::Null)),
        Value::Object(map) => Ok(map.get(key).cloned().unwrap_or(Value::Null)),
        other => Err(plain(other)),
    }
}

fn add(holder: &mut Value, key: &str, value: Value) -> Result<(), String> {
    match holder {
        Value::Object(map) => {
            map.insert(key.to_owned(), value);
        }
        Value::Array(items) if key == "-" => items.push(value),
        Value::Array(items) => {
            let at = index(key, items.len() + 1).map_err(|e| match e.starts_with("strconv") {
                true => format!("value was not a proper array index: '{key}': {e}"),
                false => e,
            })?;
            items.insert(at, value);
        }
        _ => {}
    }
    Ok(())
}

fn remove(holder: &mut Value, key: &str) -> Result<(), String> {
    match holder {
        Value::Object(map) if map.contains_key(key) => {
            map.remove(key);
        }
        Value::Array(items) => {
            let at = index(key, items.len())?;
            items.remove(at);
        }
        _ => return Err(format!("Unable to remove nonexistent key: {key}: {MISSING}")),
    }
    Ok(())
}
