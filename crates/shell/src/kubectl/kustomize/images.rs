//! `images` and `replicas`.
//! Source: sigs.k8s.io/kustomize/api v0.20.1, filters/imagetag, internal/image/image.go, filters/replicacount.

use super::resource::{Resource, plain};
use super::spec::{Made, Spec, visit, wrong_kind};
use super::{Build, Wrong};
use objects::{DocExt, Value};
use regex_lite::Regex;

const IMAGES: [&str; 6] = [
    "spec/containers[]/image",
    "spec/initContainers[]/image",
    "spec/volumes[]/image/reference",
    "spec/template/spec/containers[]/image",
    "spec/template/spec/initContainers[]/image",
    "spec/template/spec/volumes[]/image/reference",
];

/// In the order in which they are looked for, and named.
const SCALED: [&str; 4] = ["Deployment", "StatefulSet", "ReplicaSet", "ReplicationController"];

pub fn images(all: &mut [Resource], image: &Value, build: &mut Build<'_>) -> Result<(), Wrong> {
    let name = image.str_at("name").unwrap_or_default();
    let pattern = format!("^{name}(:[a-zA-Z0-9_.{{}}-]*)?(@sha256:[a-zA-Z0-9_.{{}}-]*)?$");
    let Ok(pattern) = Regex::new(&pattern) else {
        return Err(Wrong::Here(format!("the image's name \"{name}\" is no regular expression, as which kustomize reads it")));
    };
    for resource in all.iter_mut().filter(|r| r.kind() != "CustomResourceDefinition") {
        build.charge(size_of(&resource.doc))?;
        everywhere(&mut resource.doc, &pattern, image)?;
        for path in IMAGES {
            build.charge(name.len() + 64)?;
            let mut set = |node: &mut Value, _: &str| rename(node, &pattern, image);
            let spec = Spec { group: "", version: "", kind: "", path, create: true };
            visit(resource, spec, Made::Nothing, &mut set).map_err(Wrong::Said)?;
        }
    }
    Ok(())
}

fn rename(node: &mut Value, pattern: &Regex, image: &Value) -> Result<(), String> {
    if node.is_null() {
        return Ok(());
    }
    if node.is_object() || node.is_array() {
        return Err(wrong_kind("ScalarNode", node));
    }
    let text = plain(node);
    if pattern.is_match(&text) {
        *node = Value::String(renamed(&text, image));
    }
    Ok(())
}

/// Before the known places come all lists of containers, wherever they are. (So a suffix is put to most tags twice.)
fn everywhere(node: &mut Value, pattern: &Regex, image: &Value) -> Result<(), Wrong> {
    match node {
        Value::Array(items) => items.iter_mut().try_for_each(|item| everywhere(item, pattern, image)),
        Value::Object(map) => map.iter_mut().try_for_each(|(key, value)| {
            everywhere(value, pattern, image)?;
            let list = value.as_array_mut().filter(|_| key == "containers" || key == "initContainers");
            let mut images = list.into_iter().flatten().filter_map(|item| item.get_mut("image"));
            images.try_for_each(|node| rename(node, pattern, image)).map_err(Wrong::Said)
        }),
        _ => Ok(()),
    }
}

/// How many values a document has, roughly.
fn size_of(node: &Value) -> usize {
    match node {
        Value::Array(items) => items.iter().map(size_of).sum::<usize>() + 1,
        Value::Object(map) => map.values().map(size_of).sum::<usize>() + 1,
        _ => 1,
    }
}

fn renamed(text: &str, image: &Value) -> String {
    let (old, mut tag, mut digest) = split(text);
    let field = |name: &str| image.str_at(name).filter(|t| !t.is_empty());
    let name = field("newName").unwrap_or(old);
    let suffixed;
    match (field("newTag"), field("digest"), field("tagSuffix")) {
        (Some(new), new_digest, _) => (tag, digest) = (new, new_digest.unwrap_or_default()),
        (None, Some(new), _) => (tag, digest) = ("", new),
        (None, None, Some(suffix)) => {
            suffixed = format!("{tag}{suffix}");
            (tag, digest) = (suffixed.as_str(), "");
        }
        _ => {}
    }
    let mut out = name.to_owned();
    if !tag.is_empty() {
        out.push_str(&format!(":{tag}"));
    }
    if !digest.is_empty() {
        out.push_str(&format!("@{digest}"));
    }
    out
}

/// Name, tag and digest. A colon in front of the first slash belongs to the host.
fn split(image: &str) -> (&str, &str, &str) {
    let (name, digest) = image.split_once('@').unwrap_or((image, ""));
    let host = name.find('/').filter(|at| *at > 0).unwrap_or(0);
    match name.get(host..).and_then(|rest| rest.find(':')) {
        Some(at) => (name.get(..host + at).unwrap_or(name), name.get(host + at + 1..).unwrap_or_default(), digest),
        None => (name, "", digest),
    }
}

pub fn replicas(all: &mut [Resource], replica: &Value, build: &mut Build<'_>) -> Result<(), Wrong> {
    let name = replica.str_at("name").unwrap_or_default();
    let count = replica.int_at("count").unwrap_or(0);
    let mut found = false;
    for kind in SCALED {
        for resource in all.iter_mut() {
            build.charge(32)?;
            let mut ids = resource.previous();
            ids.push(resource.id());
            if !ids.iter().any(|id| id.name == name && id.gvk.kind == kind) {
                continue;
            }
            found = true;
            let mut set = |node: &mut Value, _: &str| {
                if node.is_object() || node.is_array() {
                    return Err(wrong_kind("ScalarNode", node));
                }
                *node = Value::from(count);
                Ok(())
            };
            let spec = Spec { group: "", version: "", kind, path: "spec/replicas", create: true };
            visit(resource, spec, Made::Text, &mut set).map_err(Wrong::Said)?;
        }
    }
    if found {
        return Ok(());
    }
    let kinds: Vec<String> = SCALED.iter().map(|k| format!("{k}.[noVer].[noGrp]")).collect();
    Err(Wrong::Said(format!("resource with name {name} does not match a config with the following GVK [{}]", kinds.join(" "))))
}
