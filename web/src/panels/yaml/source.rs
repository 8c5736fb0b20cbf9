//! Where the editor's text comes from: the start, the cluster, the examples.

use engine::Snapshot;
use objects::yaml::to_yaml;
use objects::{DocExt, Kind, ObjectKey, Value};

/// Objects that people edit, as `kind/name`.
pub fn editable(snapshot: &Snapshot) -> Vec<String> {
    let era = snapshot.profile.era;
    let mut out = Vec::new();
    for kind in [Kind::pool(era), Kind::node_class(era), Kind::Deployment, Kind::PodDisruptionBudget] {
        for o in snapshot.store.list(kind) {
            if !matches!(o.meta.namespace.as_str(), "kube-system" | "karpenter") {
                out.push(format!("{}/{}", kind.name().to_lowercase(), o.key()));
            }
        }
    }
    out
}

pub fn live(snapshot: &Snapshot, name: &str) -> Option<String> {
    let (kind, rest) = name.split_once('/')?;
    let kind = Kind::parse(kind, snapshot.profile.era)?;
    let (namespace, name) = rest.split_once('/').unwrap_or(("", rest));
    let object = snapshot.store.get(&ObjectKey::new(kind, namespace, name))?;
    Some(to_yaml(&clean(object.doc.clone())))
}

/// A document as a person would write it: without what the server adds.
fn clean(mut doc: Value) -> Value {
    for path in [
        "status",
        "metadata.uid",
        "metadata.resourceVersion",
        "metadata.generation",
        "metadata.creationTimestamp",
        "metadata.managedFields",
    ] {
        doc.remove_at(path);
    }
    if let Some(map) = doc.slot("metadata").as_object_mut() {
        if let Some(a) = map.get_mut("annotations").and_then(Value::as_object_mut) {
            a.retain(|k, _| k != "kubectl.kubernetes.io/last-applied-configuration" && k != "deployment.kubernetes.io/revision");
        }
        if map.get("annotations").and_then(Value::as_object).is_some_and(|a| a.is_empty()) {
            map.remove("annotations");
        }
    }
    doc
}

/// What the editor shows first: the pool that decides everything.
pub fn initial(snapshot: &Snapshot) -> String {
    let era = snapshot.profile.era;
    let first = snapshot.store.list(Kind::pool(era)).next().map(|p| to_yaml(&clean(p.doc.clone())));
    first
        .or_else(|| crate::scenario::examples(era).first().and_then(|(id, _)| crate::scenario::example(id)).map(str::to_owned))
        .unwrap_or_default()
}
