//! What this process writes beside Karpenter's own names, so that neither takes the other's word for its own.

use crate::controllers::{class_keys, pool_keys};
use objects::{DocExt, Era, Value};

/// On every node and claim that `act` has made: the process that made it.
pub const MADE_BY: &str = "nodewright.dev/act";
/// By this annotation kwok's controller knows the nodes that it is to play.
pub const PLAYED: (&str, &str) = ("kwok.x-k8s.io/node", "fake");

/// Prefix of the annotations that hold hashes.
const PREFIX: &str = "nodewright.dev/";

/// The annotations with hashes, which are numbers of our own: Karpenter's name and the one under which a server keeps ours.
fn pairs(era: Era) -> impl Iterator<Item = (&'static str, String)> {
    let keys = [pool_keys(era), class_keys(era)];
    let names = keys.into_iter().flat_map(|k| [Some(k.hash), k.version.map(|(name, _)| name)]).flatten();
    names.map(|name| (name, format!("{PREFIX}{}", name.rsplit('/').next().unwrap_or(name))))
}

/// A document as a server sends it, made one that our controllers read: hashes that another Karpenter wrote say nothing, ours
/// have their usual names.
pub fn read(doc: &mut Value, era: Era) {
    if !doc.at("metadata.annotations").is_object() {
        return;
    }
    let Value::Object(annotations) = doc.slot("metadata.annotations") else { return };
    for (theirs, ours) in pairs(era) {
        annotations.remove(theirs);
        if let Some(value) = annotations.remove(&ours) {
            annotations.insert(theirs.to_owned(), value);
        }
    }
}

/// The reverse, for documents and patches on their way to a server.
pub fn write(doc: &mut Value, era: Era) {
    if !doc.at("metadata.annotations").is_object() {
        return;
    }
    if let Value::Object(annotations) = doc.slot("metadata.annotations") {
        for (theirs, ours) in pairs(era) {
            if let Some(value) = annotations.remove(theirs) {
                annotations.insert(ours, value);
            }
        }
    }
}

/// Marks an object as made by this process.
pub fn sign(doc: &mut Value, identity: &str, played: bool) {
    let annotations = doc.slot("metadata.annotations");
    if !annotations.is_object() {
        *annotations = objects::json!({});
    }
    if let Value::Object(map) = annotations {
        map.insert(MADE_BY.to_owned(), identity.into());
        if played {
            map.insert(PLAYED.0.to_owned(), PLAYED.1.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use objects::json;

    #[test]
    fn hashes_of_two_writers_do_not_meet() {
        let mut doc = json!({"metadata": {"annotations": {
            "karpenter.sh/nodepool-hash": "111", "karpenter.sh/nodepool-hash-version": "v3", "a": "b",
            "nodewright.dev/nodepool-hash": "222", "nodewright.dev/nodepool-hash-version": "v3"}}});
        read(&mut doc, Era::V1);
        let seen = json!({"karpenter.sh/nodepool-hash": "222", "karpenter.sh/nodepool-hash-version": "v3", "a": "b"});
        assert_eq!(doc.at("metadata.annotations"), &seen);
        write(&mut doc, Era::V1);
        let sent = json!({"nodewright.dev/nodepool-hash": "222", "nodewright.dev/nodepool-hash-version": "v3", "a": "b"});
        assert_eq!(doc.at("metadata.annotations"), &sent);
    }

    #[test]
    fn what_has_no_annotations_gets_none() {
        let mut doc = json!({"metadata": {"name": "x"}});
        read(&mut doc, Era::V1);
        write(&mut doc, Era::V1);
        assert_eq!(doc, json!({"metadata": {"name": "x"}}));
        sign(&mut doc, "me", true);
        assert_eq!(doc.at("metadata.annotations"), &json!({"nodewright.dev/act": "me", "kwok.x-k8s.io/node": "fake"}));
    }
}
