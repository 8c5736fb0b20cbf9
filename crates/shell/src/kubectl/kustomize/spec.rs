//! Places in documents that a field of a kustomization changes, by kind.
//! Source: sigs.k8s.io/kustomize/api v0.20.1, filters/fieldspec/fieldspec.go.

use super::resource::Resource;
use objects::{Map, Value, yaml};

/// A path for a group, version and kind; what is empty fits all.
#[derive(Clone, Copy, Debug)]
pub struct Spec<'a> {
    pub group: &'a str,
    pub version: &'a str,
    pub kind: &'a str,
    pub path: &'a str,
    /// Whether the path is made where it is missing.
    pub create: bool,
}

/// What stands at the end of a path that is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    Map,
    Text,
    Nothing,
}

/// Changes what stands at a place, which is named as a JSON pointer.
type Set<'s> = &'s mut dyn FnMut(&mut Value, &str) -> Result<(), String>;

/// Calls `set` on all that stands at the path, if the resource is of the kind.
pub fn visit(resource: &mut Resource, spec: Spec<'_>, made: Made, set: Set<'_>) -> Result<(), String> {
    if !resource.gvk().is(spec.group, spec.version, spec.kind) {
        return Ok(());
    }
    let parts = parts(spec.path);
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let made = if spec.create { made } else { Made::Nothing };
    let done = walk(&mut resource.doc, &parts, made, &mut String::new(), set);
    done.map_err(|e| format!("considering field '{}' of object {}: {e}", spec.path, resource.id().text()))
}

/// The parts of a path; a slash behind a backslash is part of a name.
fn parts(path: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for part in path.strip_prefix('/').unwrap_or(path).split('/') {
        match out.last_mut() {
            Some(last) if last.ends_with('\\') => {
                last.pop();
                last.push('/');
                last.push_str(part);
            }
            _ => out.push(part.to_owned()),
        }
    }
    out
}

fn walk(node: &mut Value, parts: &[&str], made: Made, at: &mut String, set: Set<'_>) -> Result<(), String> {
    let Some((part, rest)) = parts.split_first() else {
        return set(node, at);
    };
    match node {
        Value::Null => Ok(()),
        Value::Array(items) => {
            for (n, item) in items.iter_mut().enumerate() {
                let length = at.len();
                at.push_str(&format!("/{n}"));
                walk(item, parts, made, at, set).map_err(|e| format!("visit traversal on path: [{}]: {e}", parts.join(" ")))?;
                at.truncate(length);
            }
            Ok(())
        }
        Value::Object(map) => {
            let name = part.trim_end_matches("[]");
            if name.is_empty() {
                return Err("cannot set or create an empty field name".to_owned());
            }
            let creates = made != Made::Nothing && name == *part;
            let fresh = || match made {
                Made::Text if rest.is_empty() => Value::String(String::new()),
                _ => Value::Object(Map::new()),
            };
            if creates && map.get(name).is_none_or(Value::is_null) {
                map.insert(name.to_owned(), fresh());
            }
            let Some(next) = map.get_mut(name) else { return Ok(()) };
            let length = at.len();
            at.push_str(&pointer(name));
            walk(next, rest, made, at, set)?;
            at.truncate(length);
            Ok(())
        }
        _ => Err("expected sequence or mapping node".to_owned()),
    }
}

/// A key as a part of a JSON pointer.
pub fn pointer(key: &str) -> String {
    format!("/{}", key.replace('~', "~0").replace('/', "~1"))
}

/// Kustomize's words for a value of another shape than wanted.
pub fn wrong_kind(wanted: &str, found: &Value) -> String {
    let (kind, text) = match found {
        Value::Object(_) => ("MappingNode", yaml::to_yaml(found)),
        Value::Array(_) => ("SequenceNode", yaml::to_yaml(found)),
        _ => ("ScalarNode", format!("{}\n", super::resource::plain(found))),
    };
    format!("wrong node kind: expected {wanted} but got {kind}: node contents:\n{text}")
}
