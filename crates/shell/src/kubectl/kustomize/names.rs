//! `namePrefix`, `nameSuffix`, and the hashes behind the names of generated resources.
//! Source: sigs.k8s.io/kustomize/api v0.20.1, internal/builtins/{PrefixTransformer,SuffixTransformer,HashTransformer}.go.

use super::resource::Resource;
use super::spec::wrong_kind;
use super::{Build, Wrong};
use objects::{DocExt, Value};

/// Names of these are never changed by a prefix: kind and group.
const KEPT: [(&str, &str); 3] = [("CustomResourceDefinition", ""), ("APIService", "apiregistration.k8s.io"), ("Namespace", "")];

/// Puts a prefix or a suffix to all names.
pub fn affix(all: &mut [Resource], file: &Value, build: &mut Build<'_>) -> Result<(), Wrong> {
    for field in ["namePrefix", "nameSuffix"] {
        let Some(text) = file.str_at(field).filter(|t| !t.is_empty()) else { continue };
        for resource in all.iter_mut() {
            build.charge(2 * text.len() + 64)?;
            let first = resource.original().gvk;
            if KEPT.iter().any(|(kind, group)| first.is(group, "", kind)) {
                continue;
            }
            if let wrong @ (Value::Object(_) | Value::Array(_)) = resource.doc.at("metadata.name") {
                let (wrong, id) = (wrong_kind("ScalarNode", wrong), resource.id().text());
                return Err(Wrong::Said(format!("considering field 'metadata/name' of object {id}: {wrong}")));
            }
            resource.remember();
            let name = resource.name();
            let new = if field == "namePrefix" {
                resource.prefixes.push(text.to_owned());
                format!("{text}{name}")
            } else {
                resource.suffixes.push(text.to_owned());
                format!("{name}{text}")
            };
            resource.doc.set("metadata.name", new);
        }
    }
    Ok(())
}

/// Puts the hash of their content behind the names of generated resources.
pub fn hashes(all: &mut [Resource]) {
    for resource in all.iter_mut().filter(|r| r.hashed) {
        let hash = super::generate::hash(resource);
        resource.remember();
        let name = format!("{}-{hash}", resource.name());
        resource.doc.set("metadata.name", name);
    }
}
