//! What applying a text would change of the live objects, field by field: the three-way merge of `kubectl apply`, said in
//! paths and values.

use crate::Around;
use objects::collections::Order as _;
use objects::patch::{LAST_APPLIED, apply, with_last_applied};
use objects::{DocExt, Kind, ObjectKey, Validation, Value, admit, yaml};

/// What would happen to one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Created,
    Configured,
    Unchanged,
    /// The API server would refuse it.
    Refused,
}

/// One field that changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// `spec.template.spec.containers[name=inflate].image`
    pub path: String,
    /// `None` where the field is new.
    pub before: Option<Value>,
    /// `None` where the field goes.
    pub after: Option<Value>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct DocumentChanges {
    /// Which document of the text, from 0.
    pub document: usize,
    /// `deployment.apps/inflate`
    pub object: String,
    pub effect: Effect,
    pub changes: Vec<Change>,
    /// The refusal's text.
    pub refusal: Option<String>,
}

/// What applying each document of `text` would do. Documents of kinds that the era does not serve are left out.
pub fn changes(text: &str, around: &Around<'_>) -> Vec<DocumentChanges> {
    let stream = yaml::parse(text);
    let documents = stream.documents.iter().enumerate();
    documents.filter_map(|(index, document)| of(index, &document.value, around)).collect()
}

fn of(index: usize, doc: &Value, around: &Around<'_>) -> Option<DocumentChanges> {
    let text = |path: &str| doc.str_at(path).unwrap_or_default();
    let kind = Kind::of(text("apiVersion"), text("kind")).filter(|k| k.served_in(around.era))?;
    let name = text("metadata.name");
    let mut doc = doc.clone();
    let namespace = if kind.namespaced() {
        let named = doc.str_at("metadata.namespace").unwrap_or("default").to_owned();
        doc.set("metadata.namespace", named.as_str());
        named
    } else {
        String::new()
    };
    let live = around.store.and_then(|s| s.get(&ObjectKey::new(kind, &namespace, name)));
    let mut out = DocumentChanges {
        document: index,
        object: format!("{}/{name}", kind.singular_resource()),
        effect: Effect::Unchanged,
        changes: Vec::new(),
        refusal: None,
    };
    let old = live.map(|o| &o.doc);
    let merged = match old {
        Some(old) => apply(kind, old, &doc),
        None => Ok(with_last_applied(&doc)),
    };
    match merged.and_then(|new| admit(kind, new, old, around.era, Validation::Strict)) {
        Err(error) => {
            out.effect = Effect::Refused;
            out.refusal = Some(objects::admit::invalid_text(&error).unwrap_or(error.message));
        }
        Ok((new, _)) => match old {
            None => out.effect = Effect::Created,
            Some(old) => {
                compare(old, &new, String::new(), &mut out.changes);
                if !out.changes.is_empty() {
                    out.effect = Effect::Configured;
                }
            }
        },
    }
    Some(out)
}

/// What the server keeps for itself, and the note of the last apply.
fn is_own(path: &str) -> bool {
    matches!(path, "status" | "metadata.generation" | "metadata.resourceVersion" | "metadata.managedFields")
        || path.ends_with(LAST_APPLIED)
}

fn compare(before: &Value, after: &Value, path: String, out: &mut Vec<Change>) {
    if before == after || is_own(&path) {
        return;
    }
    match (before, after) {
        (Value::Object(a), Value::Object(b)) => {
            let mut names: Vec<&String> = a.keys().chain(b.keys()).collect();
            names.order();
            names.dedup();
            for name in names {
                let at = crate::cursor::join(&path, name);
                pair(a.get(name), b.get(name), at, out);
            }
        }
        (Value::Array(a), Value::Array(b)) => match (named(a), named(b)) {
            (Some(a), Some(b)) => {
                let mut names: Vec<&str> = a.iter().chain(&b).map(|(n, _)| *n).collect();
                names.order();
                names.dedup();
                let get = |list: &[(&str, &Value)], name: &str| list.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).clone());
                for name in names {
                    let (x, y) = (get(&a, name), get(&b, name));
                    pair(x.as_ref(), y.as_ref(), format!("{path}[name={name}]"), out);
                }
            }
            _ if a.len() == b.len() => {
                for (i, (x, y)) in a.iter().zip(b).enumerate() {
                    compare(x, y, format!("{path}[{i}]"), out);
                }
            }
            _ => out.push(Change { path, before: Some(before.clone()), after: Some(after.clone()) }),
        },
        _ => out.push(Change { path, before: Some(before.clone()), after: Some(after.clone()) }),
    }
}

fn pair(before: Option<&Value>, after: Option<&Value>, path: String, out: &mut Vec<Change>) {
    match (before, after) {
        (Some(x), Some(y)) => compare(x, y, path, out),
        _ if is_own(&path) => {}
        // An empty block says nothing.
        (None, Some(Value::Object(m))) | (Some(Value::Object(m)), None)
            if m.is_empty() || m.keys().all(|k| k == LAST_APPLIED) => {}
        (x, y) => out.push(Change { path, before: x.cloned(), after: y.cloned() }),
    }
}

/// Items by name, where every one has its own.
fn named(items: &[Value]) -> Option<Vec<(&str, &Value)>> {
    let list: Option<Vec<(&str, &Value)>> = items.iter().map(|i| Some((i.str_at("name")?, i))).collect();
    list.filter(|l| !l.is_empty())
}
