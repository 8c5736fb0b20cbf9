//! Merging of lists whose items are known by keys: the patch's items in front, each with what the document had of it.
//! Source: sigs.k8s.io/kustomize/kyaml v0.20.1, yaml/walk/associative_sequence.go, yaml/fns.go (`ElementSetter`).

use super::merge::{Directive, Schema, directive, nothing, walk};
use super::resource::plain;
use super::{Build, Wrong};
use objects::{Map, Value};

/// The directive of a list is an item that holds nothing else.
fn list_directive(list: &mut Option<Value>) -> Result<Directive, Wrong> {
    let Some(Value::Array(items)) = list else { return Ok(Directive::Merge) };
    let found = items.iter().position(|i| i.get("$patch").is_some());
    let Some((at, item)) = found.and_then(|at| Some((at, items.get(at)?))) else { return Ok(Directive::Merge) };
    if item.as_object().is_none_or(|map| map.len() > 1) {
        return Ok(Directive::Merge);
    }
    let what = directive(&plain(item.get("$patch").unwrap_or(&Value::Null)))?;
    items.remove(at);
    Ok(what)
}

/// Merges `origin`, of the patch, into `dest`.
pub fn merge(
    dest: Option<Value>,
    mut origin: Option<Value>,
    schema: &Schema,
    keys: &[String],
    build: &mut Build<'_>,
) -> Result<Option<Value>, Wrong> {
    let dest = if nothing(dest.as_ref()) {
        origin.clone()
    } else if origin.as_ref().is_some_and(Value::is_null) {
        return Ok(None);
    } else {
        match list_directive(&mut origin)? {
            Directive::Delete => return Ok(None),
            Directive::Replace => origin.clone(),
            Directive::Merge => dest,
        }
    };
    let items = |list: Option<Value>| match list {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    };
    let (mut dest, origin) = (items(dest), items(origin));
    build.charge((dest.len() + origin.len()).saturating_mul(dest.len() + origin.len()))?;
    let values = |item: &Value| -> Vec<String> { keys.iter().map(|key| value_of(item, key)).collect() };
    let mut wanted: Vec<Vec<String>> = Vec::new();
    for found in origin.iter().chain(&dest).map(values) {
        if !wanted.contains(&found) {
            wanted.push(found);
        }
    }
    if keys.len() > 1 {
        unite(&mut wanted);
    }
    // Of several keys those count that some item has.
    let has = |at: usize| wanted.iter().any(|v| v.get(at).is_some_and(|v| !v.is_empty()));
    let mut used: Vec<usize> = (0..keys.len()).filter(|at| has(*at)).collect();
    if used.is_empty() {
        used = (0..keys.len()).collect();
    }
    let pick = |values: &[String]| -> Vec<(String, String)> {
        used.iter().filter_map(|at| Some((keys.get(*at)?.clone(), values.get(*at)?.clone()))).collect()
    };
    let below = schema.items();
    let mut out: Vec<Value> = Vec::new();
    for values in &wanted {
        let by = pick(values);
        let said: Vec<(String, String)> = by.iter().filter(|(_, value)| !value.is_empty()).cloned().collect();
        let said = if said.is_empty() { by.clone() } else { said };
        let at = dest.iter().position(|item| fits(item, &said));
        let theirs = origin.iter().find(|item| fits(item, &said)).cloned();
        let merged = walk(at.and_then(|at| dest.get(at).cloned()), theirs, &below, None, build)?;
        let Some(mut item) = merged.filter(|v| !v.is_null() && v.as_object().is_none_or(|m| !m.is_empty())) else {
            set(&mut dest, None, &by);
            continue;
        };
        if let Value::Object(map) = &mut item {
            for (key, value) in by.iter().filter(|(_, value)| !value.is_empty()) {
                map.entry(key.as_str()).or_insert_with(|| Value::String(value.clone()));
            }
        }
        if let Some(slot) = at.and_then(|at| dest.get_mut(at)) {
            *slot = item.clone();
        }
        set(&mut out, Some(&item), &by);
    }
    if wanted.is_empty() {
        return Ok(Some(Value::Array(dest)));
    }
    let used: Vec<&String> = used.iter().filter_map(|at| keys.get(*at)).collect();
    for item in dest {
        append(&mut out, item, &used);
    }
    Ok(Some(Value::Array(out)))
}

/// The text of an item's key; that of the item itself where there is no key.
fn value_of(item: &Value, key: &str) -> String {
    if key.is_empty() { plain(item) } else { item.get(key).map(plain).unwrap_or_default() }
}

fn fits(item: &Value, by: &[(String, String)]) -> bool {
    by.iter().all(|(key, value)| match key.as_str() {
        "" => plain(item) == *value,
        key => item.get(key).is_some_and(|found| plain(found) == *value),
    })
}

/// Values of several keys that differ only where one of them is missing are those of one item.
fn unite(all: &mut [Vec<String>]) {
    for i in 0..all.len() {
        for j in 0..all.len() {
            let (Some(a), Some(b)) = (all.get(i), all.get(j)) else { continue };
            let together: Option<Vec<String>> = a
                .iter()
                .zip(b)
                .map(|(x, y)| match (x.as_str(), y.as_str()) {
                    (x, y) if x == y || y.is_empty() => Some(x.to_owned()),
                    ("", y) => Some(y.to_owned()),
                    _ => None,
                })
                .collect();
            let common = a.iter().zip(b).any(|(x, y)| x == y);
            if let Some(together) = together.filter(|_| common) {
                for at in [i, j] {
                    if let Some(slot) = all.get_mut(at) {
                        slot.clone_from(&together);
                    }
                }
            }
        }
    }
}

/// Replaces the items that have these values, or removes them; a new one that replaces none goes to the end.
fn set(list: &mut Vec<Value>, new: Option<&Value>, by: &[(String, String)]) {
    let of_map = by.first().is_some_and(|(key, value)| !key.is_empty() && !value.is_empty());
    let mut replaced = false;
    let old = std::mem::take(list);
    for item in old {
        if item.is_null() || item.as_object().is_some_and(Map::is_empty) {
            continue;
        }
        let found = (item.is_object() || !of_map)
            && by.iter().all(|(key, value)| match key.as_str() {
                "" => plain(&item) == *value,
                key => item.get(key).is_some_and(|found| value.is_empty() || plain(found) == *value),
            });
        if !found {
            list.push(item);
            continue;
        }
        replaced = true;
        list.extend(new.cloned());
    }
    if !replaced {
        list.extend(new.cloned());
    }
}

/// Puts an item of the document behind those of the patch, or in the place of the one that stands for it. With several
/// keys an item always goes to the end, and an item that lacks one takes away all that have the others.
fn append(out: &mut Vec<Value>, item: Value, keys: &[&String]) {
    if keys.first().is_some_and(|k| k.is_empty()) {
        set(out, Some(&item), &[(String::new(), plain(&item))]);
        return;
    }
    let mut by = Vec::new();
    for key in keys {
        match item.get(key.as_str()) {
            Some(value) if !value.is_null() => by.push(((*key).clone(), plain(value))),
            _ => out.push(item.clone()),
        }
    }
    if by.is_empty() {
        // What no key can be looked for by stands alone.
        *out = vec![item];
        return;
    }
    if keys.len() > 1 {
        set(out, None, &by);
    }
    set(out, Some(&item), &by);
}
