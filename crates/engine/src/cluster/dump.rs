//! A cluster as what `kubectl get -o json` prints of it: lists or single objects, from one command or several.

use objects::{DocExt, Era, Kind, ObjectKey, Value};
use std::collections::BTreeMap;

/// The command that takes a whole dump; kinds that a server does not have are left out of the list of kinds.
pub const RECIPE: &str = "kubectl get -A -o json nodes,pods,deployments,replicasets,statefulsets,daemonsets,\
                          poddisruptionbudgets,priorityclasses,namespaces,persistentvolumeclaims,persistentvolumes,\
                          storageclasses,nodepools,nodeclaims,ec2nodeclasses";

/// Objects by kind and name, as they were served, without `managedFields`.
#[derive(Clone, Debug, Default)]
pub struct Dump {
    pub objects: BTreeMap<ObjectKey, Value>,
    /// What was there and is not understood: how many by apiVersion and kind.
    pub unread: BTreeMap<(String, String), usize>,
    /// What could not be read, one sentence each.
    pub notes: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DumpError {
    #[error("{place}: not a Kubernetes object, {what} is missing: a dump is what `{RECIPE}` prints")]
    NoObject { place: String, what: &'static str },
    #[error("{place}: a table as kubectl prints it for people holds no objects: add `-o json`")]
    Table { place: String },
    #[error("no Node among the {objects} objects that were read: take the dump with `{RECIPE}`")]
    NoNodes { objects: usize },
}

impl Dump {
    /// Adds a document: one object, or a list of them. `place` names it to the user. What comes later replaces what has the
    /// same name.
    ///
    /// # Errors
    /// A document that is no object, or has an item that is none.
    pub fn add(&mut self, place: &str, mut doc: Value) -> Result<(), DumpError> {
        let kind = doc.str_at("kind").unwrap_or_default().to_owned();
        if kind == "Table" {
            return Err(DumpError::Table { place: place.to_owned() });
        }
        let Some(of) = kind.strip_suffix("List").filter(|_| doc.at("items").is_array()) else {
            return self.add_one(place, doc);
        };
        let version = doc.str_at("apiVersion").unwrap_or_default().to_owned();
        let Value::Array(items) = doc.slot("items").take() else { return Ok(()) };
        for (n, mut item) in items.into_iter().enumerate() {
            // A typed list leaves out what all of its items have in common.
            if !of.is_empty() && item.is_object() && item.str_at("kind").is_none() {
                item.set("kind", of);
                item.set("apiVersion", version.as_str());
            }
            self.add_one(&format!("{place}, items[{n}]"), item)?;
        }
        Ok(())
    }

    fn add_one(&mut self, place: &str, mut doc: Value) -> Result<(), DumpError> {
        let text = |path: &str| doc.str_at(path).filter(|t| !t.is_empty());
        for what in ["apiVersion", "kind", "metadata.name"] {
            if text(what).is_none() {
                return Err(DumpError::NoObject { place: place.to_owned(), what });
            }
        }
        let (version, kind) = (text("apiVersion").unwrap_or_default(), text("kind").unwrap_or_default());
        match Kind::of(version, kind).filter(|k| !k.is_internal()) {
            Some(kind) => {
                let name = text("metadata.name").unwrap_or_default();
                let key = ObjectKey::new(kind, text("metadata.namespace").unwrap_or_default(), name);
                doc.remove_at("metadata.managedFields");
                self.objects.insert(key, doc);
            }
            None => *self.unread.entry((version.to_owned(), kind.to_owned())).or_default() += 1,
        }
        Ok(())
    }

    /// That there is something to look at.
    ///
    /// # Errors
    /// There is no node.
    pub fn check(&self) -> Result<(), DumpError> {
        match self.has(Kind::Node) {
            true => Ok(()),
            false => Err(DumpError::NoNodes { objects: self.objects.len() + self.unread.values().sum::<usize>() }),
        }
    }

    pub fn has(&self, kind: Kind) -> bool {
        self.of(kind).next().is_some()
    }

    /// The objects of a kind, by namespace and name.
    pub fn of(&self, kind: Kind) -> impl Iterator<Item = (&ObjectKey, &Value)> {
        // No name is before the empty one.
        let first = ObjectKey { kind, namespace: String::new(), name: String::new() };
        self.objects.range(first..).take_while(move |(key, _)| key.kind == kind)
    }

    /// The era whose API the objects are of; `V1` where there is nothing of Karpenter's.
    pub fn era(&self) -> Era {
        let has = |era: Era| [Kind::pool(era), Kind::claim(era), Kind::node_class(era)].into_iter().any(|k| self.has(k));
        if has(Era::V1alpha5) && !has(Era::V1) { Era::V1alpha5 } else { Era::V1 }
    }

    /// The newest time in it: the cluster was read then or later. Unix milliseconds.
    pub fn newest_ms(&self) -> Option<i64> {
        self.objects.values().filter_map(newest).max()
    }
}

/// The newest timestamp anywhere in a document that is not ahead of its time by what it means.
fn newest(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => objects::time::parse_rfc3339(text),
        Value::Array(list) => list.iter().filter_map(newest).max(),
        // A deletion is stamped with the time by which it is to be over.
        Value::Object(map) => map.iter().filter(|(k, _)| *k != "deletionTimestamp").filter_map(|(_, v)| newest(v)).max(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use objects::json;

    fn named(kind: &str, name: &str) -> Value {
        json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "managedFields": [{}]}})
    }

    #[test]
    fn lists_and_single_objects_come_together() {
        let mut dump = Dump::default();
        dump.add("a.json", json!({"apiVersion": "v1", "kind": "List", "items": [named("Node", "a"), named("Secret", "s")]}))
            .unwrap();
        let bare = json!({"metadata": {"name": "p", "namespace": "default", "creationTimestamp": "2026-08-25T05:00:00Z"}});
        dump.add("b.json", json!({"apiVersion": "v1", "kind": "PodList", "items": [bare]})).unwrap();
        dump.add("c.yaml", named("Node", "a")).unwrap();
        let keys: Vec<String> = dump.objects.keys().map(|k| format!("{} {k}", k.kind.name())).collect();
        assert_eq!(keys, ["Node a", "Pod default/p"]);
        assert!(dump.objects.values().all(|d| d.at("metadata.managedFields").is_null()));
        assert_eq!(dump.unread.iter().collect::<Vec<_>>(), [(&("v1".to_owned(), "Secret".to_owned()), &1)]);
        assert_eq!((dump.era(), dump.check()), (Era::V1, Ok(())));
        assert_eq!(dump.newest_ms().map(objects::time::rfc3339).as_deref(), Some("2026-08-25T05:00:00Z"));
    }

    #[test]
    fn what_is_no_dump_says_so() {
        let check = |doc: Value, want: &str| {
            let error = Dump::default().add("x.json", doc).unwrap_err().to_string();
            assert!(error.starts_with(want), "{error}");
        };
        check(json!({"items": []}), "x.json: not a Kubernetes object, apiVersion is missing");
        check(json!("text"), "x.json: not a Kubernetes object, apiVersion is missing");
        check(json!({"apiVersion": "meta.k8s.io/v1", "kind": "Table"}), "x.json: a table as kubectl prints it for people");
        let nameless = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {}});
        let list = json!({"apiVersion": "v1", "kind": "List", "items": [named("Node", "a"), nameless]});
        check(list, "x.json, items[1]: not a Kubernetes object, metadata.name is missing");
        let mut dump = Dump::default();
        dump.add("x.json", named("Secret", "s")).unwrap();
        assert_eq!(dump.check(), Err(DumpError::NoNodes { objects: 1 }));
    }

    #[test]
    fn the_era_is_that_of_the_kinds() {
        let of = |docs: &[(&str, &str)]| {
            let mut dump = Dump::default();
            for (version, kind) in docs {
                dump.add("x", json!({"apiVersion": version, "kind": kind, "metadata": {"name": "default"}})).unwrap();
            }
            dump.era()
        };
        assert_eq!(of(&[("v1", "Node")]), Era::V1);
        assert_eq!(of(&[("karpenter.sh/v1alpha5", "Provisioner")]), Era::V1alpha5);
        assert_eq!(of(&[("karpenter.sh/v1alpha5", "Provisioner"), ("karpenter.sh/v1", "NodePool")]), Era::V1);
    }
}
