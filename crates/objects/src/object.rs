//! One stored object: its document, its metadata and its slim typed form.

use crate::collections::VecMap;
use crate::doc::DocExt;
use crate::kind::Kind;
use crate::time;
use crate::typed::Typed;
use serde_json::Value;

/// Kind, namespace (empty for cluster-scoped kinds) and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    pub kind: Kind,
    pub namespace: String,
    pub name: String,
}

impl ObjectKey {
    pub fn new(kind: Kind, namespace: &str, name: &str) -> Self {
        let namespace = if kind.namespaced() { namespace } else { "" };
        ObjectKey { kind, namespace: namespace.to_owned(), name: name.to_owned() }
    }

    /// The key of a document of this kind.
    pub fn of(kind: Kind, doc: &Value) -> Self {
        let text = |path: &str| doc.str_at(path).unwrap_or_default();
        ObjectKey::new(kind, text("metadata.namespace"), text("metadata.name"))
    }

    pub fn cluster(kind: Kind, name: &str) -> Self {
        ObjectKey::new(kind, "", name)
    }
}

impl std::fmt::Display for ObjectKey {
    /// `namespace/name`, or the bare name of a cluster-scoped object.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.namespace.is_empty() { f.write_str(&self.name) } else { write!(f, "{}/{}", self.namespace, self.name) }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnerRef {
    pub api_version: String,
    pub kind: String,
    pub name: String,
    pub uid: String,
    pub controller: bool,
}

/// `metadata`, read once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Meta {
    pub name: String,
    pub namespace: String,
    pub uid: String,
    pub labels: VecMap<String, String>,
    pub annotations: VecMap<String, String>,
    pub finalizers: Vec<String>,
    pub owners: Vec<OwnerRef>,
    /// Unix milliseconds; whole seconds, as on the wire.
    pub created_ms: i64,
    pub deleted_ms: Option<i64>,
    pub resource_version: u64,
    pub generation: i64,
}

impl Meta {
    pub fn read(doc: &Value) -> Meta {
        let m = doc.at("metadata");
        Meta {
            name: m.str_at("name").unwrap_or_default().to_owned(),
            namespace: m.str_at("namespace").unwrap_or_default().to_owned(),
            uid: m.str_at("uid").unwrap_or_default().to_owned(),
            labels: m.strings_at("labels"),
            annotations: m.strings_at("annotations"),
            finalizers: m.list_at("finalizers").iter().filter_map(|f| f.as_str().map(str::to_owned)).collect(),
            owners: m
                .list_at("ownerReferences")
                .iter()
                .map(|o| OwnerRef {
                    api_version: o.str_at("apiVersion").unwrap_or_default().to_owned(),
                    kind: o.str_at("kind").unwrap_or_default().to_owned(),
                    name: o.str_at("name").unwrap_or_default().to_owned(),
                    uid: o.str_at("uid").unwrap_or_default().to_owned(),
                    controller: o.bool_at("controller").unwrap_or(false),
                })
                .collect(),
            created_ms: m.str_at("creationTimestamp").and_then(time::parse_rfc3339).unwrap_or(0),
            deleted_ms: m.str_at("deletionTimestamp").and_then(time::parse_rfc3339),
            resource_version: m.str_at("resourceVersion").and_then(|v| v.parse().ok()).unwrap_or(0),
            generation: m.int_at("generation").unwrap_or(0),
        }
    }

    /// The owner that manages this object (`controller: true`), if any.
    pub fn controller(&self) -> Option<&OwnerRef> {
        self.owners.iter().find(|o| o.controller)
    }

    pub fn is_deleting(&self) -> bool {
        self.deleted_ms.is_some()
    }
}

/// A stored object. Build it with [`Object::from_doc`]; to change one, change a clone of its document and build anew.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    pub kind: Kind,
    pub doc: Value,
    pub meta: Meta,
    pub typed: Typed,
}

impl Object {
    /// Reads metadata and the slim typed form from `doc`. Reading is lenient: what has the wrong type counts as
    /// absent, because validation (which names it to the user) happens before an object is stored.
    pub fn from_doc(kind: Kind, doc: Value) -> Object {
        let meta = Meta::read(&doc);
        let typed = Typed::read(kind, &doc);
        Object { kind, doc, meta, typed }
    }

    pub fn key(&self) -> ObjectKey {
        ObjectKey::new(self.kind, &self.meta.namespace, &self.meta.name)
    }

    /// The value of a status condition (`True`, `False`, `Unknown`), if the object has it.
    pub fn condition(&self, kind: &str) -> Option<&Value> {
        self.doc.list_at("status.conditions").iter().find(|c| c.str_at("type") == Some(kind))
    }

    pub fn condition_is_true(&self, kind: &str) -> bool {
        self.condition(kind).and_then(|c| c.str_at("status")) == Some("True")
    }
}
