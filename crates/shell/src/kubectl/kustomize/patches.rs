//! `patches`, `patchesStrategicMerge` and `patchesJson6902`: what they say, and which resources they are for.
//! Source: sigs.k8s.io/kustomize/api v0.20.1, internal/builtins/Patch*.go, types/selector.go, resmap/reswrangler.go.

use super::load::{Place, resources};
use super::merge::merge;
use super::resource::{Resource, plain};
use super::{Build, Wrong, json6902, target};
use objects::json::go_quote;
use objects::yaml::{parse, to_yaml};
use objects::{DocExt, Map, Value, json};

/// A patch that was read.
pub struct Patch {
    what: What,
    /// Where it comes from, for messages.
    source: String,
    target: Option<Value>,
    rename: bool,
    change_kind: bool,
    /// Of `patchesJson6902`, which leave the names that a resource had alone.
    plain: bool,
    size: usize,
}

enum What {
    Merge(Vec<Resource>),
    Json(Vec<Value>),
}

/// The patches of a kustomization in the order in which they are carried out: the first before, the second after what
/// changes names and labels.
pub fn read(file: &Value, place: &Place, build: &mut Build<'_>) -> Result<(Vec<Patch>, Vec<Patch>), Wrong> {
    let (mut early, mut late) = (Vec::new(), Vec::new());
    early.extend(merges(file.list_at("patchesStrategicMerge"), place, build)?);
    for entry in file.list_at("patches") {
        let within = |e: Wrong| configuring("PatchTransformer", &shown(entry, true), e);
        early.push(one(entry, place, build).map_err(within)?);
    }
    for entry in file.list_at("patchesJson6902") {
        let within = |e: Wrong| configuring("PatchJson6902Transformer", &shown(entry, false), e);
        late.push(json(entry, place, build).map_err(within)?);
    }
    Ok((early, late))
}

fn configuring(what: &str, config: &str, error: Wrong) -> Wrong {
    error.within(&format!("trouble configuring builtin {what} with config: `\n{config}`"))
}

/// An entry as kustomize hands it on.
fn shown(entry: &Value, merges: bool) -> String {
    let mut out = Map::new();
    for (name, key) in [("path", "path"), ("patch", if merges { "patch" } else { "jsonOp" })] {
        if let Some(text) = entry.str_at(name).filter(|t| !t.is_empty()) {
            out.insert(key.to_owned(), Value::String(text.to_owned()));
        }
    }
    if let Some(target) = entry.get("target") {
        let said = target.as_object().into_iter().flatten().filter(|(_, v)| v.as_str().is_some_and(|t| !t.is_empty()));
        out.insert("target".to_owned(), Value::Object(objects::json::map(said.map(|(k, v)| (k.clone(), v.clone())))));
    }
    if let Some(options) = entry.get("options").filter(|o| merges && o.as_object().is_some_and(|m| !m.is_empty())) {
        out.insert("options".to_owned(), options.clone());
    }
    to_yaml(&Value::Object(out))
}

fn merges(entries: &[Value], place: &Place, build: &mut Build<'_>) -> Result<Option<Patch>, Wrong> {
    if entries.is_empty() {
        return Ok(None);
    }
    let paths: Vec<String> = entries.iter().map(plain).collect();
    let config = to_yaml(&json!({"paths": paths}));
    let within = |e: Wrong| configuring("PatchStrategicMergeTransformer", &config, e);
    let mut all = Vec::new();
    let mut size = 0;
    for path in &paths {
        // What is no patch itself is the name of a file.
        let found = match resources(path) {
            Ok(found) => found,
            Err(_) => {
                let text = build.read(place, path).map_err(within)?;
                size += text.len();
                resources(text).map_err(|e| within(Wrong::Said(in_file(e, path))))?
            }
        };
        size += path.len();
        all.extend(found);
    }
    if all.is_empty() {
        let why = format!("patch appears to be empty; files=[{}], Patch=", paths.join(" "));
        return Err(within(Wrong::Said(why)));
    }
    let what = What::Merge(all);
    Ok(Some(Patch { what, source: String::new(), target: None, rename: false, change_kind: false, plain: true, size }))
}

/// An error of kustomize's reader with the name of the file.
pub fn in_file(error: String, path: &str) -> String {
    if error.contains("MalformedYAMLError") { format!("{error} in File: {path}") } else { error }
}

fn one(entry: &Value, place: &Place, build: &mut Build<'_>) -> Result<Patch, Wrong> {
    let text = |field: &str| entry.str_at(field).unwrap_or_default();
    let inline = text("patch").trim();
    let with_config = |why: &str| {
        let mut config = entry.clone();
        if let Value::Object(map) = &mut config {
            map.insert("patch".to_owned(), Value::String(text("patch").to_owned()));
        }
        Wrong::Said(format!("{why}\n{}", shown(&config, true)))
    };
    let (content, source) = match (inline, text("path")) {
        ("", "") => return Err(with_config("must specify one of patch and path in")),
        ("", path) => {
            let read = build.read(place, path);
            (
                read.map_err(|e| e.within(&format!("failed to get the patch file from path({path})")))?,
                format!("[path: {}]", go_quote(path)),
            )
        }
        (inline, "") => (inline, format!("[patch: {}]", go_quote(inline))),
        _ => return Err(with_config("patch and path can't be set at the same time")),
    };
    let option = |name: &str| entry.at("options").bool_at(name).unwrap_or(false);
    let what = match (resources(content), operations(content)) {
        (Ok(found), _) if !found.is_empty() => What::Merge(found),
        (Ok(_), Ok(operations)) => What::Json(operations),
        (Err(_), Ok(operations)) => What::Json(operations),
        _ => return Err(Wrong::Said(format!("unable to parse SM or JSON patch from {source}"))),
    };
    Ok(Patch {
        what,
        source,
        target: entry.get("target").cloned(),
        rename: option("allowNameChange"),
        change_kind: option("allowKindChange"),
        plain: false,
        size: content.len(),
    })
}

fn json(entry: &Value, place: &Place, build: &mut Build<'_>) -> Result<Patch, Wrong> {
    let said = |why: &str| Err(Wrong::Said(why.to_owned()));
    let text = |field: &str| entry.str_at(field).unwrap_or_default();
    if entry.at("target").str_at("name").unwrap_or_default().is_empty() {
        return said("must specify the target name");
    }
    let content = match (text("path"), text("patch")) {
        ("", "") => return said("empty file path and empty jsonOp"),
        ("", inline) => inline,
        (path, "") => match build.read(place, path)? {
            "" => return said(&format!("patch file '{path}' empty seems to be empty")),
            content => content,
        },
        _ => return said("must specify a file path or jsonOp, not both"),
    };
    let operations = operations(content).map_err(|e| Wrong::Said(format!("decoding {content}: {e}")))?;
    if operations.is_empty() {
        return said(&format!("patch appears to be empty; file={}, JsonOp={content}", text("path")));
    }
    let target = entry.get("target").cloned();
    let what = What::Json(operations);
    Ok(Patch { what, source: String::new(), target, rename: false, change_kind: false, plain: true, size: content.len() })
}

/// The operations of a JSON patch, which may be written in YAML (that of kubectl, in which `yes` is true).
fn operations(text: &str) -> Result<Vec<Value>, String> {
    let doc = if text.starts_with('[') {
        objects::yaml::json::parse(text)?
    } else {
        let stream = parse(text);
        match (stream.documents.into_iter().next(), stream.error) {
            (Some(document), _) => document.value,
            (None, Some(error)) => return Err(error.to_string()),
            (None, None) => Value::Null,
        }
    };
    let wrong = |what: &Value, ty: &str| {
        let what = match what {
            Value::Object(_) => "object",
            Value::Array(_) => "array",
            Value::String(_) => "string",
            Value::Bool(_) => "bool",
            _ => "number",
        };
        Err(format!("json: cannot unmarshal {what} into Go value of type jsonpatch.{ty}"))
    };
    match doc {
        Value::Null => Ok(Vec::new()),
        Value::Array(items) => match items.iter().find(|i| !i.is_object() && !i.is_null()) {
            Some(other) => wrong(other, "Operation"),
            None => Ok(items),
        },
        other => wrong(&other, "Patch"),
    }
}

impl Patch {
    pub fn apply(&self, all: &mut Vec<Resource>, build: &mut Build<'_>) -> Result<(), Wrong> {
        match &self.what {
            What::Merge(patches) => self.merge_into(patches, all, build),
            What::Json(operations) => self.run(operations, all, build),
        }
    }

    fn merge_into(&self, patches: &[Resource], all: &mut Vec<Resource>, build: &mut Build<'_>) -> Result<(), Wrong> {
        if let Some(target) = &self.target {
            let [patch] = patches else {
                return Err(Wrong::Said(format!(
                    "Multiple Strategic-Merge Patches in one `patches` entry is not allowed to set `patches.target` field: {}",
                    self.source
                )));
            };
            let found = target::select(all, target, build).map_err(|e| {
                e.within(&format!("unable to find patch target {} in `resources`", go_quote(&target::text(target))))
            })?;
            for at in found {
                let Some(resource) = all.get_mut(at) else { continue };
                let mut doc = patch.doc.clone();
                doc.set("apiVersion", resource.doc.at("apiVersion").clone());
                self.merge_one(resource, doc, build)?;
            }
            let old = std::mem::take(all);
            return super::append(all, old.into_iter().filter(|r| !r.doc.is_null()).collect());
        }
        for patch in patches {
            let id = patch.id();
            let found: Vec<usize> = (0..).zip(all.iter()).filter(|(_, r)| r.has_been(&id)).map(|(at, _)| at).collect();
            let text = id.text();
            let [at] = found.as_slice() else {
                let matches = if found.is_empty() { "no" } else { "multiple" };
                let why = format!("{matches} matches for Id {text}; failed to find unique target for patch {text}");
                let outer = format!("no resource matches strategic merge patch {}: ", go_quote(&text));
                return Err(Wrong::Said(if self.plain { why } else { outer + &why }));
            };
            if let Some(resource) = all.get_mut(*at) {
                self.merge_one(resource, patch.doc.clone(), build)?;
            }
            all.retain(|r| !r.doc.is_null());
        }
        Ok(())
    }

    fn merge_one(&self, resource: &mut Resource, patch: Value, build: &mut Build<'_>) -> Result<(), Wrong> {
        build.charge(self.size + 256)?;
        let old = resource.doc.clone();
        if self.rename || self.change_kind {
            resource.remember();
        }
        for what in [self.rename.then_some("Name"), self.change_kind.then_some("Kind")].into_iter().flatten() {
            if !resource.allowed.contains(&what) {
                resource.allowed.push(what);
            }
        }
        let empty = std::mem::take(&mut resource.empty);
        resource.doc = merge(std::mem::take(&mut resource.doc), patch, &empty, build)?.unwrap_or_default();
        if resource.doc.is_null() {
            return Ok(());
        }
        let mut keep = vec!["metadata.namespace"];
        keep.extend((!self.rename).then_some("metadata.name"));
        keep.extend((!self.change_kind).then_some("kind"));
        for field in keep {
            match old.at(field) {
                Value::Null => resource.doc.remove_at(field),
                value => resource.doc.set(field, value.clone()),
            }
        }
        resource.share_changes(&old);
        Ok(())
    }

    fn run(&self, operations: &[Value], all: &mut [Resource], build: &mut Build<'_>) -> Result<(), Wrong> {
        let Some(target) = &self.target else {
            return Err(Wrong::Said(format!("must specify a target for JSON patch {}", self.source)));
        };
        for at in target::select(all, target, build)? {
            let Some(resource) = all.get_mut(at) else { continue };
            build.charge(self.size + 256)?;
            if !self.plain {
                resource.remember();
            }
            if resource.has_notes() && !resource.doc.at("metadata.annotations").is_object() {
                // Kustomize's notes are there, whatever the file has.
                resource.doc.set("metadata.annotations", json!({}));
            }
            json6902::apply(&mut resource.doc, operations).map_err(Wrong::Said)?;
            resource.tidy_annotations();
            resource.shared.clear();
            resource.empty.clear();
        }
        Ok(())
    }
}
