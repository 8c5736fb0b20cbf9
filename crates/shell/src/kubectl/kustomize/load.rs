//! Where files and bases are: paths from the root of a kustomization, in the words of kustomize's loader.
//! Source: sigs.k8s.io/kustomize/api v0.20.1, internal/loader/*.go, internal/git/repospec.go; kyaml v0.20.1, filesys.

use super::resource::{Resource, plain};
use super::{Build, Wrong};
use crate::run::Files;
use objects::yaml::{Content, Node, parse_v3};
use objects::{DocExt, Value};

/// A directory that is built, and those that led to it.
#[derive(Clone, Debug)]
pub struct Place {
    pub root: String,
    above: Vec<String>,
}

/// Whether a path names something that would have to be fetched: a URL, or a repository as git names it.
pub fn is_remote(path: &str) -> bool {
    let path = path.to_lowercase();
    let path = path.strip_prefix("git::").unwrap_or(&path);
    let scheme = ["http://", "https://", "ssh://", "file://"].iter().any(|s| path.starts_with(s));
    let host = path.starts_with("github.com/") || path.starts_with("github.com:");
    let user = path.split_once('@').is_some_and(|(user, rest)| {
        user.starts_with(|c: char| c.is_ascii_alphabetic())
            && user.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && rest.contains([':', '/'])
    });
    scheme || host || user
}

fn below(path: &str, root: &str) -> bool {
    root == "/" || path == root || path.strip_prefix(root).is_some_and(|rest| rest.starts_with('/'))
}

fn exists(files: &Files, path: &str) -> bool {
    files.is_dir(path) || files.is_file(path)
}

/// That all of `path` exists; `shown` is how the message names it.
fn confirm(files: &Files, path: &str, shown: &str) -> Result<(), String> {
    let mut at = String::new();
    for part in path.split('/').filter(|p| !p.is_empty()) {
        if files.is_file(&at) {
            return Err(format!("evalsymlink failure on '{shown}' : not a directory"));
        }
        at = format!("{at}/{part}");
        if !exists(files, &at) {
            return Err(format!("evalsymlink failure on '{shown}' : lstat {at}: no such file or directory"));
        }
    }
    Ok(())
}

impl Place {
    /// The directory that the command names.
    pub fn top(path: &str, build: &Build<'_>) -> Result<Place, Wrong> {
        if is_remote(path) {
            return Err(not_fetched(path));
        }
        let full = Files::absolute(build.cwd, path);
        let root = directory(build.files, &full, path)?;
        Ok(Place { root, above: Vec::new() })
    }

    /// The base or component of that name.
    pub fn base(&self, path: &str, build: &Build<'_>) -> Result<Place, Wrong> {
        if path.is_empty() {
            return Err(Wrong::Said("new root cannot be empty".to_owned()));
        }
        if is_remote(path) {
            return Err(not_fetched(path));
        }
        if path.starts_with('/') {
            return Err(Wrong::Said(format!("new root '{path}' cannot be absolute")));
        }
        let full = Files::absolute(&self.root, path);
        let root = directory(build.files, &full, &full)?;
        let mut above = self.above.clone();
        above.push(self.root.clone());
        if let Some(seen) = above.iter().rev().find(|seen| below(seen, &root)) {
            return Err(Wrong::Said(format!("cycle detected: candidate root '{root}' contains visited root '{seen}'")));
        }
        Ok(Place { root, above })
    }

    pub fn depth(&self) -> usize {
        self.above.len()
    }
}

fn directory(files: &Files, full: &str, shown: &str) -> Result<String, Wrong> {
    confirm(files, full, shown).map_err(|e| Wrong::Said(format!("must build at directory: not a valid directory: {e}")))?;
    if files.is_dir(full) {
        return Ok(full.to_owned());
    }
    Err(Wrong::Said(format!("must build at directory: '{shown}': file is not directory")))
}

fn not_fetched(path: &str) -> Wrong {
    Wrong::Here(format!(
        "\"{path}\" is not fetched here: the playground has no network; make its files in a directory, and name that"
    ))
}

impl<'a> Build<'a> {
    /// The text of a file that a kustomization names.
    pub fn read(&mut self, place: &Place, path: &str) -> Result<&'a str, Wrong> {
        if is_remote(path) {
            return Err(not_fetched(path));
        }
        let full = Files::absolute(&place.root, path);
        let files = self.files;
        if !self.anywhere {
            confirm(files, &full, &full).map_err(Wrong::Said)?;
            if files.is_dir(&full) {
                return Err(Wrong::Said(format!("'{full}' must resolve to a file")));
            }
            if !below(full.rsplit_once('/').map_or("", |(parent, _)| parent), &place.root) {
                return Err(Wrong::Said(format!("security; file '{full}' is not in or below '{}'", place.root)));
            }
        }
        match files.read(&full) {
            Some(text) => {
                self.charge(text.len())?;
                Ok(text)
            }
            None if files.is_dir(&full) => Err(Wrong::Said(format!("read {full}: is a directory"))),
            None => Err(Wrong::Said(format!("open {full}: no such file or directory"))),
        }
    }

    /// The one kustomization file of a directory.
    pub fn kustomization(&mut self, place: &Place) -> Result<Value, Wrong> {
        let root = &place.root;
        let found: Vec<&str> =
            super::file::NAMES.iter().filter_map(|name| self.files.read(&Files::absolute(root, name))).collect();
        match found.as_slice() {
            [text] => {
                self.charge(text.len())?;
                super::file::read(text, root, &mut self.warnings)
            }
            [] => Err(Wrong::Said(format!(
                "unable to find one of 'kustomization.yaml', 'kustomization.yml' or 'Kustomization' in directory '{root}'"
            ))),
            _ => Err(Wrong::Said(format!("Found multiple kustomization files under: {root}\n"))),
        }
    }
}

/// The resources of a text, lists taken apart. The error is that of kustomize's reader, without the file's name.
/// Source: kyaml v0.20.1, kio/byteio_reader.go; api v0.20.1, resource/factory.go.
pub fn resources(text: &str) -> Result<Vec<Resource>, String> {
    let text = text.replace("\r\n", "\n");
    // Documents are told apart before any of them is read.
    let mut behind = text.lines().skip(1).filter_map(|line| line.strip_prefix("---")).map(str::trim);
    if let Some(rest) = behind.find(|rest| !rest.is_empty() && !rest.starts_with('#')) {
        return Err(format!("invalid document separator: ---{rest}"));
    }
    let stream = parse_v3(&text);
    if let Some(error) = stream.error {
        let said = error.to_string();
        return Err(said.replacen("error converting YAML to JSON", "MalformedYAMLError", 1));
    }
    let mut left: std::collections::VecDeque<Resource> = stream
        .documents
        .into_iter()
        .map(|document| {
            let start = document.root.span.start.line;
            let mut resource = Resource::new(document.value);
            resource.twice = twice(&document.root, start);
            empty(&document.root, &mut String::new(), &mut resource.empty);
            resource
        })
        .collect();
    let mut out = Vec::new();
    for resource in &left {
        check(&resource.doc)?;
    }
    while let Some(resource) = left.pop_front() {
        let kind = resource.kind();
        match resource.doc.get("items") {
            Some(Value::Array(items)) if kind.ends_with("List") => {
                for item in items.iter().filter(|i| !i.is_null()) {
                    check(item)?;
                    left.push_back(Resource::new(item.clone()));
                }
            }
            Some(Value::Null) if kind.ends_with("List") => {}
            Some(other) if kind.ends_with("List") => {
                let go = match other {
                    Value::String(_) => "string",
                    Value::Bool(_) => "bool",
                    Value::Object(_) => "map[string]interface {}",
                    Value::Number(n) if n.is_f64() => "float64",
                    _ => "int",
                };
                return Err(format!("expected array in {kind}/items, but found {go}"));
            }
            _ => out.push(resource),
        }
    }
    Ok(out)
}

/// That a document has a kind and a name.
pub fn check(doc: &Value) -> Result<(), String> {
    let text = |path: &str| plain(doc.at(path));
    let map = |path: &str| {
        let list = super::file::texts(doc.at(path));
        let shown: Vec<String> = list.iter().map(|(k, v)| format!("{k}:{v}")).collect();
        format!("map[{}]", shown.join(" "))
    };
    let said = |path: &str| !matches!(doc.at(path), Value::Null) && *doc.at(path) != Value::String(String::new());
    let known = ["apiVersion", "kind", "metadata.name", "metadata.namespace", "metadata.labels", "metadata.annotations"];
    if !known.iter().any(|path| said(path)) {
        return Err("missing Resource metadata".to_owned());
    }
    let meta = || {
        format!(
            "{{{{{} {}}} {{{{{} {}}} {} {}}}}}",
            text("apiVersion"),
            text("kind"),
            text("metadata.name"),
            text("metadata.namespace"),
            map("metadata.labels"),
            map("metadata.annotations")
        )
    };
    match text("kind").as_str() {
        "" => Err(format!("missing kind in object {}", meta())),
        kind if kind.ends_with("List") => Ok(()),
        _ if text("metadata.name").is_empty() => Err(format!("missing metadata.name in object {}", meta())),
        _ => Ok(()),
    }
}

/// The places of fields with nothing behind the colon.
fn empty(node: &Node, at: &mut String, found: &mut Vec<String>) {
    let length = at.len();
    match &node.content {
        Content::Scalar(_) => {}
        Content::List(items) => {
            for (n, item) in items.iter().enumerate() {
                at.push_str(&format!("/{n}"));
                empty(item, at, found);
                at.truncate(length);
            }
        }
        Content::Map(entries) => {
            for (key, _, value) in entries {
                at.push_str(&super::spec::pointer(key));
                if value.content == Content::Scalar(Value::Null) && value.span.start == value.span.end {
                    found.push(at.clone());
                }
                empty(value, at, found);
                at.truncate(length);
            }
        }
    }
}

/// What yaml.v3 says of keys that stand twice in a map; lines count from the document's first.
fn twice(node: &Node, first: u32) -> Option<String> {
    let mut found = Vec::new();
    visit(node, first, &mut found);
    (!found.is_empty()).then(|| format!("yaml: unmarshal errors:\n{}", found.join("\n")))
}

fn visit(node: &Node, first: u32, found: &mut Vec<String>) {
    match &node.content {
        Content::Scalar(_) => {}
        Content::List(items) => items.iter().for_each(|item| visit(item, first, found)),
        Content::Map(entries) => {
            let mut seen: objects::collections::VecMap<&str, u32> = Default::default();
            let line = |line: u32| line.saturating_sub(first) + 1;
            for (key, span, value) in entries {
                match seen.get(key.as_str()) {
                    Some(before) => found.push(format!(
                        "  line {}: mapping key \"{key}\" already defined at line {}",
                        line(span.start.line),
                        line(*before)
                    )),
                    None => {
                        seen.insert(key, span.start.line);
                    }
                }
                visit(value, first, found);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_what_would_be_fetched() {
        for path in [
            "https://github.com/a/b//c?ref=v1",
            "github.com/a/b",
            "GitHub.com/a/b",
            "git::https://x.org/a.git",
            "git@github.com:a/b",
            "ssh://git@x/y",
            "file:///a/b",
            "http://x/y.yaml",
        ] {
            assert!(is_remote(path), "{path}");
        }
        for path in ["../base", "base@1", "a.yaml", "github", "./github.com", "", "/github.com/a"] {
            assert!(!is_remote(path), "{path}");
        }
    }
}
