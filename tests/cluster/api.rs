//! The API server as tests use it: documents in, documents out, and waiting with a deadline.

use super::control_plane::Cluster;
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, GroupVersionKind, ListParams, Patch, PatchParams, PostParams};
use objects::{DocExt, Kind, Value, json};
use std::time::{Duration, Instant};

/// Whose fields a test's changes are.
const MANAGER: &str = "test";

/// What the server answered instead.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused {
    /// The HTTP status, 0 when there was no answer.
    pub code: u16,
    pub message: String,
}

impl From<kube::Error> for Refused {
    fn from(error: kube::Error) -> Refused {
        match error {
            kube::Error::Api(status) => Refused { code: status.code, message: status.message.clone() },
            other => Refused { code: 0, message: other.to_string() },
        }
    }
}

/// How the server names the resource of a kind.
pub fn resource(kind: Kind) -> ApiResource {
    let info = kind.info();
    ApiResource {
        group: info.group.to_owned(),
        version: info.version.to_owned(),
        api_version: kind.api_version(),
        kind: info.kind.to_owned(),
        plural: info.plural.to_owned(),
    }
}

fn value(object: DynamicObject) -> Value {
    serde_json::to_value(object).expect("an object is JSON")
}

impl Cluster {
    /// The resource that a document belongs to, in its namespace if it has one.
    fn api_of(&self, doc: &Value) -> Api<DynamicObject> {
        let version = doc.str_at("apiVersion").expect("a document has an apiVersion");
        let (group, version) = version.split_once('/').unwrap_or(("", version));
        let kind = doc.str_at("kind").expect("a document has a kind");
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        match doc.str_at("metadata.namespace") {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &resource),
            None => Api::all_with(self.client.clone(), &resource),
        }
    }

    fn api(&self, kind: Kind, namespace: &str) -> Api<DynamicObject> {
        match kind.namespaced() && !namespace.is_empty() {
            true => Api::namespaced_with(self.client.clone(), namespace, &resource(kind)),
            false => Api::all_with(self.client.clone(), &resource(kind)),
        }
    }

    pub fn create(&self, doc: &Value) -> Result<Value, Refused> {
        let object: DynamicObject = serde_json::from_value(doc.clone()).expect("a document is an object");
        Ok(value(self.block_on(self.api_of(doc).create(&PostParams::default(), &object))?))
    }

    /// What the server would make of the document, or say against it, when kubectl sends it.
    pub fn try_create(&self, doc: &Value) -> Result<Value, Refused> {
        let url = format!("{}?dryRun=All&fieldValidation=Strict", self.api_of(doc).resource_url());
        let request = http::Request::post(url).header("content-type", "application/json").body(doc.to_string().into_bytes());
        Ok(self.block_on(self.client.request(request.expect("a request")))?)
    }

    /// Creates the document or brings it to this state; it must be accepted.
    pub fn apply(&self, doc: &Value) -> Value {
        let name = doc.str_at("metadata.name").expect("a document has a name");
        let params = PatchParams::apply(MANAGER).force();
        let applied = self.block_on(self.api_of(doc).patch(name, &params, &Patch::Apply(doc)));
        value(applied.unwrap_or_else(|e| panic!("apply {} {name}: {e}", doc.str_at("kind").unwrap_or_default())))
    }

    pub fn patch(&self, kind: Kind, namespace: &str, name: &str, patch: &Value) -> Result<Value, Refused> {
        let api = self.api(kind, namespace);
        Ok(value(self.block_on(api.patch(name, &PatchParams::default(), &Patch::Merge(patch)))?))
    }

    pub fn replace(&self, doc: &Value) -> Result<Value, Refused> {
        let name = doc.str_at("metadata.name").expect("a document has a name");
        let object: DynamicObject = serde_json::from_value(doc.clone()).expect("a document is an object");
        Ok(value(self.block_on(self.api_of(doc).replace(name, &PostParams::default(), &object))?))
    }

    pub fn get(&self, kind: Kind, namespace: &str, name: &str) -> Option<Value> {
        let api = self.api(kind, namespace);
        self.block_on(api.get_opt(name)).unwrap_or_else(|e| panic!("get {} {name}: {e}", kind.name())).map(value)
    }

    /// What the server holds under the kind and name of the document.
    pub fn get_like(&self, doc: &Value) -> Option<Value> {
        let name = doc.str_at("metadata.name").expect("a document has a name");
        self.block_on(self.api_of(doc).get_opt(name)).unwrap_or_else(|e| panic!("get {name}: {e}")).map(value)
    }

    /// All of a kind, in all namespaces.
    pub fn list(&self, kind: Kind) -> Vec<Value> {
        let api = self.api(kind, "");
        let list = self.block_on(api.list(&ListParams::default()));
        let items = list.unwrap_or_else(|e| panic!("list {}: {e}", kind.name())).items.into_iter();
        let whole = |item| {
            let mut doc = value(item);
            // Lists leave out what every item has in common.
            doc.set("apiVersion", kind.api_version());
            doc.set("kind", kind.name());
            doc
        };
        items.map(whole).collect()
    }

    /// Whether the server lists a kind; for a moment after its start it does not know those that are defined.
    pub fn serves(&self, kind: Kind) -> bool {
        self.block_on(self.api(kind, "").list(&ListParams::default())).is_ok()
    }

    pub fn delete(&self, kind: Kind, namespace: &str, name: &str) -> Result<(), Refused> {
        let api = self.api(kind, namespace);
        self.block_on(api.delete(name, &DeleteParams::default()))?;
        Ok(())
    }

    /// Installs a CustomResourceDefinition, and waits until the server serves it.
    pub fn define(&self, definition: &Value) {
        self.apply(definition);
        let name = definition.str_at("metadata.name").expect("a document has a name");
        eventually(&format!("the definition {name} is served"), 30, || {
            let now = self.get_like(definition)?;
            now.list_at("status.conditions").iter().find(|c| c.str_at("type") == Some("Established"))?;
            Some(())
        });
    }

    /// Whether the server has a definition of this name.
    pub fn defines(&self, name: &str) -> bool {
        self.get_like(&definition(name)).is_some()
    }

    /// Takes a definition away with all of its objects.
    pub fn undefine(&self, name: &str) {
        let definition = definition(name);
        self.block_on(self.api_of(&definition).delete(name, &DeleteParams::default()))
            .unwrap_or_else(|e| panic!("delete {name}: {e}"));
        eventually(&format!("the definition {name} is gone"), 30, || self.get_like(&definition).is_none().then_some(()));
    }

    /// Takes a role or binding away, if it is there.
    pub fn delete_role(&self, kind: &str, namespace: &str, name: &str) {
        let mut doc = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": {"name": name}});
        if !namespace.is_empty() {
            doc.set("metadata.namespace", namespace);
        }
        let _ = self.block_on(self.api_of(&doc).delete(name, &DeleteParams::default()));
    }

    /// Asks the Eviction API to move a pod away.
    pub fn evict(&self, namespace: &str, name: &str) -> Result<(), Refused> {
        let api = self.api(Kind::Pod, namespace);
        let metadata = json!({"name": name, "namespace": namespace});
        let eviction = json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata});
        let answer: Result<Value, _> = self.block_on(api.create_subresource("eviction", name, &PostParams::default(), &eviction));
        answer?;
        Ok(())
    }
}

/// As much of a definition as names it.
fn definition(name: &str) -> Value {
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": name}})
}

/// Asks again and again until there is an answer, and fails after `seconds` with what is missing.
pub fn eventually<T>(what: &str, seconds: u64, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < Duration::from_secs(seconds), "not within {seconds} s: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}
