//! ConfigMaps and Secrets that a kustomization makes, and the hash behind their names.
//! Source: sigs.k8s.io/kustomize/api v0.20.1, kv/kv.go, internal/generators, hasher/hasher.go, resmap/reswrangler.go.

use super::file::texts;
use super::load::Place;
use super::resource::{Behavior, Resource, plain};
use super::{Build, Wrong};
use objects::json::as_go;
use objects::{DocExt, Map, Value, json};
use sha2::{Digest, Sha256};

/// A pair of keys and values.
type Pair = (String, String);

/// What one entry of `configMapGenerator` or `secretGenerator` makes.
pub fn make(args: &Value, global: &Value, secret: bool, place: &Place, build: &mut Build<'_>) -> Result<Resource, Wrong> {
    let said = |text: String| Wrong::Said(text);
    let name = args.str_at("name").unwrap_or_default();
    if name.is_empty() {
        return Err(said("a configmap must have a name".to_owned()));
    }
    let mut doc = json!({"apiVersion": "v1", "kind": if secret { "Secret" } else { "ConfigMap" }, "metadata": {"name": name}});
    if let Some(namespace) = args.str_at("namespace").filter(|n| !n.is_empty()) {
        doc.set("metadata.namespace", namespace);
    }
    if secret {
        doc.set("type", args.str_at("type").filter(|t| !t.is_empty()).unwrap_or("Opaque"));
    }
    let mut data = Map::new();
    for (key, value) in pairs(args, place, build).map_err(|e| e.within("loading KV pairs"))? {
        if data.contains_key(&key) {
            return Err(said(format!("configmap {name} illegally repeats the key `{key}`")));
        }
        let value = if secret { crate::tools::base64_of(value.as_bytes()) } else { value };
        data.insert(key, Value::String(value));
    }
    if secret || !data.is_empty() {
        doc.set("data", Value::Object(data));
    }
    let own = args.at("options");
    for field in ["labels", "annotations"] {
        // What the entry says itself wins.
        let mut all = global.at(field).as_object().cloned().unwrap_or_default();
        for (key, value) in texts(own.at(field)) {
            all.insert(key, Value::String(value));
        }
        if !all.is_empty() {
            doc.set(&format!("metadata.{field}"), Value::Object(all));
        }
    }
    let either = |field: &str| own.bool_at(field).unwrap_or(false) || global.bool_at(field).unwrap_or(false);
    if either("immutable") {
        doc.set("immutable", true);
    }
    let mut resource = Resource::new(doc);
    resource.hashed = !either("disableNameSuffixHash");
    resource.behavior = Some(match args.str_at("behavior") {
        Some("create") => Behavior::Create,
        Some("replace") => Behavior::Replace,
        Some("merge") => Behavior::Merge,
        _ => Behavior::Unspecified,
    });
    Ok(resource)
}

fn pairs(args: &Value, place: &Place, build: &mut Build<'_>) -> Result<Vec<Pair>, Wrong> {
    let list = |field: &str| -> Vec<String> { args.list_at(field).iter().map(plain).collect() };
    let mut envs = list("envs");
    envs.extend(args.str_at("env").filter(|e| !e.is_empty()).map(str::to_owned));
    let mut out = Vec::new();
    for path in &envs {
        let text = build.read(place, path).map_err(|e| e.within(&format!("env source files: [{}]", envs.join(" "))))?;
        out.extend(text.lines().enumerate().filter_map(|(n, line)| env_line(line, n)));
    }
    let literals = list("literals");
    for literal in &literals {
        let pair = literal.split_once('=').filter(|(key, _)| !key.is_empty());
        let (key, value) = pair.ok_or_else(|| {
            let why = format!("invalid literal source {literal}, expected key=value");
            Wrong::Said(format!("literal sources [{}]: {why}", literals.join(" ")))
        })?;
        out.push((key.to_owned(), unquoted(value).to_owned()));
    }
    let files = list("files");
    for source in &files {
        let within = |e: Wrong| e.within(&format!("file sources: [{}]", files.join(" ")));
        let (key, path) = file_source(source).map_err(|e| within(Wrong::Said(e)))?;
        let text = build.read(place, path).map_err(within)?;
        out.push((key.to_owned(), text.to_owned()));
    }
    Ok(out)
}

/// `KEY=VALUE` of an env file; blank lines and remarks are none.
fn env_line(line: &str, number: usize) -> Option<Pair> {
    let line = if number == 0 { line.trim_start_matches('\u{feff}') } else { line };
    let line = line.trim_start();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let (key, value) = line.split_once('=').unwrap_or((line, ""));
    (!key.is_empty()).then(|| (key.to_owned(), value.to_owned()))
}

fn unquoted(text: &str) -> &str {
    let inner = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    inner('"').or_else(|| inner('\'')).unwrap_or(text)
}

/// `[KEY=]PATH`.
fn file_source(source: &str) -> Result<(&str, &str), String> {
    match source.split_once('=') {
        None => Ok((source.trim_end_matches('/').rsplit('/').next().unwrap_or(source), source)),
        Some((_, path)) if path.contains('=') => Err(format!("source \"{source}\" key name or file path contains '='")),
        Some(("", path)) => Err(format!("missing key name for file path \"{path}\" in source \"{source}\"")),
        Some((key, "")) => Err(format!("missing file path for key name \"{key}\" in source \"{source}\"")),
        Some(found) => Ok(found),
    }
}

/// Puts a generated resource among the others.
pub fn absorb(all: &mut Vec<Resource>, mut new: Resource) -> Result<(), Wrong> {
    let id = new.id();
    let found: Vec<usize> = (0..).zip(all.iter()).filter(|(_, r)| r.has_been(&id)).map(|(at, _)| at).collect();
    let keeps = matches!(new.behavior, Some(Behavior::Merge | Behavior::Replace));
    let fail = |why: String| Err(Wrong::Said(format!("merging from generator &{{0xc000000000 <nil>}}: {why}")));
    let at = match found.as_slice() {
        [] if keeps => return fail(format!("id {} does not exist; cannot merge or replace", id.go())),
        [] => {
            all.push(new);
            return Ok(());
        }
        [at] if keeps => *at,
        [_] => return fail(format!("id {} exists; behavior must be merge or replace", id.go())),
        many => {
            let shown = many.iter().filter_map(|at| all.get(*at)).map(|r| as_go(&r.with_notes()));
            let shown: Vec<String> = shown.collect();
            return fail(format!("found multiple objects [{}] that could accept merge of {}", shown.join(" "), id.text()));
        }
    };
    let Some(slot) = all.get_mut(at) else { return Ok(()) };
    let mut fields = vec!["metadata.labels", "metadata.annotations"];
    if new.behavior == Some(Behavior::Merge) {
        fields.extend(["data", "binaryData"]);
    }
    for field in fields {
        let mut merged = slot.doc.at(field).as_object().cloned().unwrap_or_default();
        merged.extend(new.doc.at(field).as_object().cloned().unwrap_or_default());
        if merged.is_empty() {
            new.doc.remove_at(field);
        } else {
            let texts = merged.into_iter().map(|(k, v)| (k, Value::String(plain(&v))));
            new.doc.set(field, Value::Object(objects::json::map(texts)));
        }
    }
    for field in ["metadata.name", "metadata.namespace"] {
        match slot.doc.at(field) {
            Value::Null => new.doc.remove_at(field),
            value => new.doc.set(field, value.clone()),
        }
    }
    // Names that it had stay known; so does whether it is named by its content, if the new one is too.
    let mut kept = slot.clone();
    kept.hashed = new.hashed && slot.hashed;
    kept.doc = new.doc;
    *slot = kept;
    Ok(())
}

/// The hash that goes behind the name: of the content as Go writes it.
pub fn hash(resource: &Resource) -> String {
    let doc = &resource.doc;
    let or_text = |field: &str| match doc.at(field) {
        Value::Null => Value::String(String::new()),
        value => value.clone(),
    };
    // The name is looked for in a field `metadata/name`, which there never is.
    let mut content = json!({"kind": resource.kind(), "name": "", "data": or_text("data")});
    let more: &[&str] = if resource.kind() == "Secret" { &["stringData"] } else { &["binaryData"] };
    if resource.kind() == "Secret" {
        content.set("type", or_text("type"));
    }
    for field in more {
        if doc.at(field).is_object() {
            content.set(field, doc.at(field).clone());
        }
    }
    let digest = Sha256::digest(as_go(&content).as_bytes());
    let hex: String = digest.iter().map(|b| format!("{b:02x}")).collect();
    let letter = |c: char| match c {
        '0' => 'g',
        '1' => 'h',
        '3' => 'k',
        'a' => 'm',
        'e' => 't',
        c => c,
    };
    hex.chars().take(10).map(letter).collect()
}
