//! Which resources a patch is for.
//! Source: sigs.k8s.io/kustomize/api v0.20.1, types/selector.go, resmap/reswrangler.go (`Select`).

use super::resource::{Gvk, Id, Resource};
use super::{Build, Wrong};
use crate::kubectl::selector::Labels;
use objects::{DocExt, Value};
use regex_lite::Regex;

/// A target as kustomize shows it.
pub fn text(target: &Value) -> String {
    let field = |name: &str| target.str_at(name).unwrap_or_default().to_owned();
    let gvk = Gvk { group: field("group"), version: field("version"), kind: field("kind") };
    let id = Id { gvk, name: field("name"), namespace: field("namespace"), cluster: false };
    format!("{}:a={}:l={}", id.text(), field("annotationSelector"), field("labelSelector"))
}

/// The places of the resources that a target fits. Names, kinds and namespaces are regular expressions.
pub fn select(all: &[Resource], target: &Value, build: &mut Build<'_>) -> Result<Vec<usize>, Wrong> {
    let pattern = |field: &str| -> Result<Option<Regex>, Wrong> {
        let Some(text) = target.str_at(field).filter(|t| !t.is_empty()) else { return Ok(None) };
        let anchored = format!("^(?:{text})$");
        Regex::new(&anchored).map(Some).map_err(|e| Wrong::Said(format!("error parsing regexp: {e}: `{anchored}`")))
    };
    let (group, version, kind) = (pattern("group")?, pattern("version")?, pattern("kind")?);
    let (name, namespace) = (pattern("name")?, pattern("namespace")?);
    let fits = |pattern: &Option<Regex>, text: &str| pattern.as_ref().is_none_or(|p| p.is_match(text));
    let mut out = Vec::new();
    for (at, resource) in all.iter().enumerate() {
        build.charge(64)?;
        let (now, first) = (resource.id(), resource.original());
        let whole = (fits(&namespace, first.effective()) || fits(&namespace, now.effective()))
            && (fits(&name, &first.name) || fits(&name, &now.name))
            && fits(&group, &now.gvk.group)
            && fits(&version, &now.gvk.version)
            && fits(&kind, &now.gvk.kind);
        if !whole {
            continue;
        }
        let mut chosen = true;
        for (selector, field) in [("labelSelector", "metadata.labels"), ("annotationSelector", "metadata.annotations")] {
            let selector = Labels::parse(target.str_at(selector).unwrap_or_default());
            let selector = selector.map_err(|e| Wrong::Said(format!("unable to parse requirement: {e}")))?;
            let own = super::file::texts(resource.doc.at(field)).into_iter().collect();
            chosen = chosen && selector.matches(&own);
        }
        if chosen {
            out.push(at);
        }
    }
    Ok(out)
}
