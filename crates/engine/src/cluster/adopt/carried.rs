//! Hashes that another Karpenter wrote: the numbers differ from ours, what they say must not.

use super::{Objects, put};
use crate::controllers::{Names, class_keys, pool_keys};
use objects::collections::VecMap;
use objects::{DocExt, Era, Kind, Object, Value};

/// Gives claims the hashes that say of their pool and node class what the ones that were read say, and those two our own.
pub fn translate(objects: &mut Objects, era: Era) {
    let names = Names::of(era);
    for (kind, keys) in [(names.pool, pool_keys(era)), (names.node_class, class_keys(era))] {
        let sources: VecMap<String, Object> =
            of(objects, kind).map(|doc| Object::from_doc(kind, doc.clone())).map(|o| (o.meta.name.clone(), o)).collect();
        let version = keys.version;
        for (key, doc) in objects.iter_mut().filter(|(key, _)| key.kind == names.claim) {
            let claim = Object::from_doc(key.kind, doc.clone());
            let source = match kind == names.pool {
                true => claim.meta.labels.get(names.pool_label),
                false => claim.claim().map(|c| &c.node_class),
            };
            let hash = source.and_then(|name| sources.get(name)).and_then(|source| keys.carried(source, &claim));
            let annotations = doc.slot("metadata.annotations");
            match (hash, version) {
                (Some(hash), Some((version, ours))) => {
                    put(annotations, keys.hash, hash);
                    put(annotations, version, ours);
                }
                (Some(hash), None) => put(annotations, keys.hash, hash),
                (None, _) => {
                    if let Value::Object(map) = annotations {
                        map.remove(keys.hash);
                    }
                }
            }
        }
        for (name, source) in &sources {
            if let Some(doc) = objects.get_mut(&objects::ObjectKey::cluster(kind, name)) {
                keys.annotations(source).into_iter().for_each(|(key, value)| put(doc.slot("metadata.annotations"), key, value));
            }
        }
    }
}

fn of(objects: &Objects, kind: Kind) -> impl Iterator<Item = &Value> {
    objects.iter().filter(move |(key, _)| key.kind == kind).map(|(_, doc)| doc)
}
