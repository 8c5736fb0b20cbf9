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
    /// A kind of Kubernetes that is not simulated: what all have is known of it, and whether it has a template of pods.
    Other(bool),
    Kind(Kind),
    Type(Type),
}

impl Schema {
    /// Of the object: kinds of Kubernetes 1.21 have a schema in kustomize, later ones and those of CRDs have none.
    pub fn of(doc: &Value) -> Schema {
        let text = |field: &str| plain(doc.get(field).unwrap_or(&Value::Null));
        let (version, kind) = (text("apiVersion"), text("kind"));
        let group = version.split_once('/').map_or("", |(group, _)| group);
        if (group.contains('.') && !group.ends_with(".k8s.io")) || version == "autoscaling/v2" {
            return Schema::None;
        }
        let pods = kind == "ReplicationController" || kind == "PodTemplate";
        Kind::of(&version, &kind).map_or(Schema::Other(pods), Schema::Kind)
    }

    /// What is known of a field, and how its list is merged: by keys of the items, as a set (no keys), or not (`None`).
    fn field(&self, name: &str) -> (Schema, Option<Vec<String>>) {
        let fields = match self {
            Schema::Kind(kind) => fields_of(*kind),
            Schema::Type(Type::Object(ty)) => fields_of_type(ty),
            Schema::Other(_) if name == "webhooks" => return (Schema::None, Some(vec!["name".to_owned()])),
            Schema::Other(_) if name == "metadata" => fields_of(Kind::ConfigMap),
            Schema::Other(true) if name == "template" => fields_of_type("v1.DeploymentSpec"),
            // That of a ReplicationController holds a template.
            Schema::Other(true) if name == "spec" => return (Schema::Other(true), None),
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

    pub fn items(&self) -> Schema {
        match self {
            Schema::Type(Type::List(of)) => Schema::Type((**of).clone()),
            _ => Schema::None,
        }
    }
}

/// What a patch says to do with a value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Directive {
    Merge,
    Replace,
    Delete,
}

pub fn directive(text: &str) -> Result<Directive, Wrong> {
    match text {
        "merge" => Ok(Directive::Merge),
        "replace" => Ok(Directive::Replace),
        "delete" => Ok(Directive::Delete),
        other => Err(Wrong::Said(format!("unknown patch strategy '{other}'"))),
    }
}

pub fn nothing(value: Option<&Value>) -> bool {
    value.is_none_or(Value::is_null)
}

/// Stands, during a merge, where the document has nothing behind a colon.
const EMPTY: &str = "\u{fdd1}";

/// The patch merged into the document, of which the fields at `empty` have nothing behind the colon; `None` where it
/// deletes it.
pub fn merge(mut doc: Value, patch: Value, empty: &[String], build: &mut Build<'_>) -> Result<Option<Value>, Wrong> {
    let schema = Schema::of(&doc);
    for slot in empty {
        if let Some(slot) = doc.pointer_mut(slot).filter(|v| v.is_null()) {
            *slot = Value::String(EMPTY.to_owned());
        }
    }
    let mut merged = walk(Some(doc), Some(patch), &schema, None, build)?;
    if let Some(doc) = merged.as_mut().filter(|_| !empty.is_empty()) {
        restore(doc);
    }
    Ok(merged)
}

/// Lists that no merge walked have their empty fields yet.
fn restore(value: &mut Value) {
    match value {
        Value::String(text) if text == EMPTY => *value = Value::Null,
        Value::Array(items) => items.iter_mut().for_each(restore),
        Value::Object(map) => map.values_mut().for_each(restore),
        _ => {}
    }
}

/// Merges `origin`, of the patch, into `dest`.
pub fn walk(
    dest: Option<Value>,
    origin: Option<Value>,
    schema: &Schema,
    keys: Option<&[String]>,
    build: &mut Build<'_>,
) -> Result<Option<Value>, Wrong> {
    build.charge(16)?;
    let dest = match dest {
        Some(Value::String(text)) if text == EMPTY && origin.is_none() => return Ok(None),
        Some(Value::String(text)) if text == EMPTY => Some(Value::Null),
        dest => dest,
    };
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
                Some(keys) => super::lists::merge(dest, origin, schema, keys, build),
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
