//! Strategic merge as kustomize does it: items of a patch go in front, what has no schema is replaced whole.
//! Source: sigs.k8s.io/kustomize/kyaml v0.20.1, yaml/merge2, yaml/walk, yaml/fns.go (`ElementSetter`).

use super::resource::plain;
use super::spec::wrong_kind;
use super::{Build, Wrong};
use objects::schema::{Field, Type, fields_of, fields_of_type};
use objects::yaml::plain_v3;
use objects::{Kind, Map, Value};

/// What is known of a value: the fields of a kind, or a type.
#[derive(Clone, Debug)]
pub enum Schema {
    None,
    Kind(Kind),
    Type(Type),
}

impl Schema {
    /// Of the object: kinds of Kubernetes have a schema in kustomize, those of CRDs have none.
    pub fn of(doc: &Value) -> Schema {
        let text = |field: &str| plain(doc.get(field).unwrap_or(&Value::Null));
        let kind = Kind::of(&text("apiVersion"), &text("kind"));
        match kind
            .filter(|k| !k.info().group.starts_with("karpenter.") && (k.info().group, k.info().version) != ("autoscaling", "v2"))
        {
            Some(kind) => Schema::Kind(kind),
            None => Schema::None,
        }
    }

    /// What is known of a field, and how its list is merged: by keys of the items, as a set (no keys), or not (`None`).
    fn field(&self, name: &str) -> (Schema, Option<Vec<String>>) {
        let fields = match self {
            Schema::Kind(kind) => fields_of(*kind),
            Schema::Type(Type::Object(ty)) => fields_of_type(ty),
            Schema::Type(Type::Map(of)) => return (Schema::Type((**of).clone()), None),
            _ => return (Schema::None, None),
        };
        let Some(Field { ty, merge_key, map_keys, .. }) = fields.into_iter().find(|f| f.name == name) else {
            return (Schema::None, None);
        };
        let keys = merge_key.map(|key| match map_keys {
            "" if key.is_empty() => vec![String::new()],
            "" => vec![key.to_owned()],
            keys => keys.split(',').map(str::to_owned).collect(),
        });
        (Schema::Type(ty), keys)
    }

    fn items(&self) -> Schema {
        match self {
            Schema::Type(Type::List(of)) => Schema::Type((**of).clone()),
            _ => Schema::None,
        }
    }
}

/// What a patch says to do with a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Directive {
    Merge,
    Replace,
    Delete,
}

fn directive(text: &str) -> Result<Directive, Wrong> {
    match text {
        "merge" => Ok(Directive::Merge),
        "replace" => Ok(Directive::Replace),
        "delete" => Ok(Directive::Delete),
        other => Err(Wrong::Said(format!("unknown patch strategy '{other}'"))),
    }
}

fn nothing(value: Option<&Value>) -> bool {
    value.is_none_or(Value::is_null)
}

/// The patch merged into the document; `None` where it deletes it.
pub fn merge(doc: Value, patch: Value, build: &mut Build<'_>) -> Result<Option<Value>, Wrong> {
    let schema = Schema::of(&doc);
    walk(Some(doc), Some(patch), &schema, None, build)
}

/// Merges `origin`, of the patch, into `dest`.
fn walk(
    dest: Option<Value>,
    origin: Option<Value>,
    schema: &Schema,
    keys: Option<&[String]>,
    build: &mut Build<'_>,
) -> Result<Option<Value>, Wrong> {
    build.charge(16)?;
    let shape = [dest.as_ref(), origin.as_ref()].into_iter().flatten().find(|v| !v.is_null());
    let check = |wanted: &str, fits: fn(&Value) -> bool| {
        let all = [dest.as_ref(), origin.as_ref()].into_iter().flatten().filter(|v| !v.is_null());
        match all.into_iter().find(|v| !fits(v)) {
            Some(other) => Err(Wrong::Said(wrong_kind(wanted, other))),
            None => Ok(()),
        }
    };
    match shape {
        // A `null` of the patch removes; one of the document stays.
        None => Ok(dest.filter(|_| origin.is_none())),
        Some(Value::Object(_)) => {
            check("MappingNode", Value::is_object)?;
            maps(dest, origin, schema, build)
        }
        Some(Value::Array(_)) => {
            check("SequenceNode", Value::is_array)?;
            match keys {
                Some(keys) => lists(dest, origin, schema, keys, build),
                None => Ok(origin.map_or(dest, |o| Some(o).filter(|o| !o.is_null()))),
            }
        }
        Some(_) => {
            check("ScalarNode", |v| !v.is_object() && !v.is_array())?;
            // Quotes of the document stay: a number becomes a text where one was that needs quotes.
            let quoted = matches!(&dest, Some(Value::String(text)) if !plain_v3(text).is_string());
            let new = |o: Value| if quoted && !o.is_null() { Value::String(plain(&o)) } else { o };
            Ok(origin.map_or(dest, |o| Some(new(o)).filter(|o| !o.is_null())))
        }
    }
}

fn maps(dest: Option<Value>, mut origin: Option<Value>, schema: &Schema, build: &mut Build<'_>) -> Result<Option<Value>, Wrong> {
    let said = match &mut origin {
        Some(Value::Object(map)) => map.get("$patch").map(plain),
        _ => None,
    };
    let elide = |origin: &mut Option<Value>| {
        if let Some(Value::Object(map)) = origin {
            map.remove("$patch");
        }
    };
    let dest = if nothing(dest.as_ref()) {
        match said.as_deref().map(directive) {
            Some(Ok(Directive::Delete)) => return Ok(None),
            Some(Ok(_)) => elide(&mut origin),
            Some(Err(_)) | None => {}
        }
        origin.clone()
    } else if origin.as_ref().is_some_and(Value::is_null) {
        return Ok(None);
    } else {
        let what = said.as_deref().map_or(Ok(Directive::Merge), directive)?;
        elide(&mut origin);
        match what {
            Directive::Delete => return Ok(None),
            Directive::Replace => origin.clone(),
            Directive::Merge => dest,
        }
    };
    let Some(Value::Object(mut dest)) = dest else { return Ok(dest) };
    let mut origin = match origin {
        Some(Value::Object(map)) => map,
        _ => Map::new(),
    };
    let mut names: Vec<String> = dest.keys().chain(origin.keys().filter(|k| !dest.contains_key(*k))).cloned().collect();
    objects::collections::Order::order(names.as_mut_slice());
    for name in names {
        let (below, keys) = schema.field(&name);
        let merged = walk(dest.remove(&name), origin.remove(&name), &below, keys.as_deref(), build)?;
        if let Some(value) = merged {
            dest.insert(name, value);
        }
    }
    Ok(Some(Value::Object(dest)))
}

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

fn lists(
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
