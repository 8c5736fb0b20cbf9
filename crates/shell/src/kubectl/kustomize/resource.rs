//! A resource on its way through a build: its document, and the names it had.
//! Source: sigs.k8s.io/kustomize/api v0.20.1, resource/resource.go; kyaml v0.20.1, resid/*.go.

use objects::{DocExt, Map, Value, json};

/// Stands for the namespace of what has none.
const NOWHERE: &str = "_non_namespaceable_";

/// Kinds of Kubernetes that belong to no namespace, as the schema in kustomize (1.21) knows them: `apiVersion kind`.
const CLUSTER_SCOPED: &str = include_str!("../data/kustomize-cluster-scoped.txt");

/// Group, version, kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gvk {
    pub group: String,
    pub version: String,
    pub kind: String,
}

impl Gvk {
    pub fn of(api_version: &str, kind: &str) -> Gvk {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        Gvk { group: group.to_owned(), version: version.to_owned(), kind: kind.to_owned() }
    }

    /// Whether group, version and kind are those asked for; what is empty there is not asked for.
    pub fn is(&self, group: &str, version: &str, kind: &str) -> bool {
        let fits = |asked: &str, own: &str| asked.is_empty() || asked == own;
        fits(group, &self.group) && fits(version, &self.version) && fits(kind, &self.kind)
    }

    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    fn cluster_scoped(&self) -> bool {
        let name = format!("{} {}", self.api_version(), self.kind);
        CLUSTER_SCOPED.lines().any(|l| l == name)
    }

    /// `Deployment.v1.apps`, for messages.
    pub fn text(&self) -> String {
        let or = |text: &str, none: &str| if text.is_empty() { none.to_owned() } else { text.to_owned() };
        format!("{}.{}.{}", or(&self.kind, "[noKind]"), or(&self.version, "[noVer]"), or(&self.group, "[noGrp]"))
    }
}

/// What a resource is known by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Id {
    pub gvk: Gvk,
    pub name: String,
    pub namespace: String,
    pub cluster: bool,
}

impl Id {
    /// The namespace to compare by.
    pub fn effective(&self) -> &str {
        match self.namespace.as_str() {
            _ if self.cluster => NOWHERE,
            "" => "default",
            name => name,
        }
    }

    pub fn equals(&self, other: &Id) -> bool {
        self.name == other.name && self.gvk == other.gvk && self.effective() == other.effective()
    }

    /// `Deployment.v1.apps/inflate.[noNs]`.
    pub fn text(&self) -> String {
        let or = |text: &str, none: &str| if text.is_empty() { none.to_owned() } else { text.to_owned() };
        format!("{}/{}.{}", self.gvk.text(), or(&self.name, "[noName]"), or(&self.namespace, "[noNs]"))
    }

    /// As Go's `%#v` shows it.
    pub fn go(&self) -> String {
        let Gvk { group, version, kind } = &self.gvk;
        format!(
            "resid.ResId{{Gvk:resid.Gvk{{Group:{group:?}, Version:{version:?}, Kind:{kind:?}, isClusterScoped:{}}}, Name:{:?}, \
             Namespace:{:?}}}",
            self.cluster, self.name, self.namespace
        )
    }
}

/// A name that a resource had.
#[derive(Clone, Debug)]
struct Previous {
    namespace: String,
    name: String,
    kind: String,
}

/// What a generated resource does where one of its name is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behavior {
    Unspecified,
    Create,
    Replace,
    Merge,
}

#[derive(Clone, Debug)]
pub struct Resource {
    /// `Null` once it is deleted.
    pub doc: Value,
    previous: Vec<Previous>,
    pub prefixes: Vec<String>,
    pub suffixes: Vec<String>,
    pub behavior: Option<Behavior>,
    /// Whether a hash of the content becomes part of the name.
    pub hashed: bool,
    /// What patches were allowed to change: `Name`, `Kind`.
    pub allowed: Vec<&'static str>,
    /// Places (JSON pointers) that one label was written to at once. In kustomize they hold one node: what changes it at
    /// one of them, changes it at all, until the document is read anew.
    pub shared: Vec<Vec<String>>,
    /// Places (JSON pointers) of fields with nothing behind the colon, which a merge takes for missing; a `null` stays.
    pub empty: Vec<String>,
    /// The error of a key that stands twice; it shows when the document is printed.
    pub twice: Option<String>,
}

/// A scalar as it is written.
pub fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        _ => String::new(),
    }
}

impl Resource {
    pub fn new(doc: Value) -> Resource {
        Resource {
            doc,
            previous: Vec::new(),
            prefixes: Vec::new(),
            suffixes: Vec::new(),
            behavior: None,
            hashed: false,
            allowed: Vec::new(),
            shared: Vec::new(),
            empty: Vec::new(),
            twice: None,
        }
    }

    pub fn name(&self) -> String {
        plain(self.doc.at("metadata.name"))
    }

    pub fn namespace(&self) -> String {
        plain(self.doc.at("metadata.namespace"))
    }

    pub fn kind(&self) -> String {
        plain(self.doc.at("kind"))
    }

    pub fn gvk(&self) -> Gvk {
        Gvk::of(&plain(self.doc.at("apiVersion")), &self.kind())
    }

    pub fn id(&self) -> Id {
        let gvk = self.gvk();
        Id { name: self.name(), namespace: self.namespace(), cluster: gvk.cluster_scoped(), gvk }
    }

    /// The names it had, the oldest first.
    pub fn previous(&self) -> Vec<Id> {
        let now = self.gvk();
        let of = |p: &Previous| Id {
            gvk: Gvk { kind: p.kind.clone(), ..now.clone() },
            name: p.name.clone(),
            namespace: p.namespace.clone(),
            cluster: false,
        };
        self.previous.iter().map(of).collect()
    }

    /// The name it began with.
    pub fn original(&self) -> Id {
        self.previous().into_iter().next().unwrap_or_else(|| self.id())
    }

    pub fn has_been(&self, id: &Id) -> bool {
        self.id().equals(id) || self.previous().iter().any(|p| p.equals(id))
    }

    /// Remembers its present name.
    pub fn remember(&mut self) {
        let id = self.id();
        self.previous.push(Previous { namespace: id.effective().to_owned(), name: id.name, kind: id.gvk.kind });
    }

    /// Writes what stands at a place to all that share it.
    pub fn share(&mut self, place: &str) {
        let Some(value) = self.doc.pointer(place).cloned() else { return };
        for other in self.shared.iter().filter(|group| group.iter().any(|p| p == place)).flatten() {
            if let Some(slot) = self.doc.pointer_mut(other) {
                *slot = value.clone();
            }
        }
    }

    /// After a merge: what it changed at one place it changed at all that share it; what it took away is shared no more.
    pub fn share_changes(&mut self, before: &Value) {
        let mut groups = std::mem::take(&mut self.shared);
        for group in &mut groups {
            group.retain(|place| self.doc.pointer(place).is_some());
        }
        self.shared = groups;
        let mut places: Vec<String> = self.shared.iter().flatten().cloned().collect();
        objects::collections::Order::order(places.as_mut_slice());
        let changed: Vec<String> = places.into_iter().filter(|p| self.doc.pointer(p) != before.pointer(p)).collect();
        for place in changed {
            self.share(&place);
        }
    }

    /// Whether kustomize keeps notes of its own among the annotations.
    pub fn has_notes(&self) -> bool {
        self.hashed || self.behavior.is_some() || !self.previous.is_empty()
    }

    /// The document with the notes that kustomize keeps in annotations, for messages that show them.
    pub fn with_notes(&self) -> Value {
        let mut doc = self.doc.clone();
        let join = |of: fn(&Previous) -> &String| self.previous.iter().map(of).cloned().collect::<Vec<_>>().join(",");
        let mut notes = vec![
            ("previousKinds", join(|p| &p.kind)),
            ("previousNames", join(|p| &p.name)),
            ("previousNamespaces", join(|p| &p.namespace)),
            ("prefixes", self.prefixes.join(",")),
            ("suffixes", self.suffixes.join(",")),
        ];
        if let Some(behavior) = self.behavior {
            notes.push(("generatorBehavior", format!("{behavior:?}").to_lowercase()));
        }
        if self.hashed {
            notes.push(("needsHashSuffix", "enabled".to_owned()));
        }
        let allowed = self.allowed.iter().map(|what| (format!("allow{what}Change"), "enabled".to_owned()));
        let notes = notes.into_iter().map(|(name, value)| (name.to_owned(), value)).chain(allowed);
        for (name, value) in notes.filter(|(_, value)| !value.is_empty()) {
            let slot = doc.slot("metadata.annotations");
            if !slot.is_object() {
                *slot = json!({});
            }
            if let Value::Object(map) = slot {
                map.insert(format!("internal.config.kubernetes.io/{name}"), Value::String(value));
            }
        }
        doc
    }

    /// Writes annotations as kustomize does whenever it touches them: values are texts, and none is no field.
    pub fn tidy_annotations(&mut self) {
        let Some(Value::Object(metadata)) = self.doc.get_mut("metadata") else { return };
        let Some(found) = metadata.remove("annotations") else { return };
        let mut map = Map::new();
        for (key, value) in found.as_object().into_iter().flatten() {
            map.insert(key.trim_start_matches(objects::yaml::NO_TEXT).to_owned(), Value::String(plain(value)));
        }
        if !map.is_empty() {
            metadata.insert("annotations".to_owned(), Value::Object(map));
        }
    }
}
