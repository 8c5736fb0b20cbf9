//! What is kept of an object that is watched, so that a large cluster needs little memory.

use objects::{DocExt, Kind, Value, json};

const NAMED: [&str; 4] = ["metadata.name", "metadata.namespace", "metadata.creationTimestamp", "metadata.deletionTimestamp"];
const BOTH: [&str; 5] = ["apiVersion", "kind", "metadata.uid", "metadata.labels", "metadata.ownerReferences"];

/// Leaves of an object what eks-node-viewer's picture is drawn of.
pub fn drawn(kind: Kind, doc: &mut Value) {
    let out = only(doc, NAMED.iter().chain(picture(kind)));
    let out = if kind == Kind::Pod { with_containers(out, doc, &["resources", "restartPolicy"]) } else { out };
    *doc = out;
}

/// Leaves of an object what the page shows.
pub fn shown(kind: Kind, doc: &mut Value) {
    let mut out = only(doc, NAMED.iter().chain(&BOTH).chain(picture(kind)).chain(page(kind)));
    if let Some(all) = doc.at("metadata.annotations").as_object() {
        let ours = all.iter().filter(|(key, _)| key.starts_with("karpenter."));
        let ours: serde_json::Map<String, Value> = ours.map(|(k, v)| (k.clone(), v.clone())).collect();
        if !ours.is_empty() {
            out.set("metadata.annotations", Value::Object(ours));
        }
    }
    *doc = if kind == Kind::Pod { with_containers(out, doc, &["name", "resources", "restartPolicy"]) } else { out };
}

fn picture(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Pod => &["spec.nodeName", "spec.overhead", "spec.resources", "status.phase"],
        Kind::Node => &[
            "metadata.labels",
            "spec.providerID",
            "spec.taints",
            "spec.unschedulable",
            "status.allocatable",
            "status.conditions",
        ],
        Kind::NodeClaim | Kind::Machine => {
            &["metadata.labels", "spec.taints", "status.providerID", "status.nodeName", "status.allocatable", "status.conditions"]
        }
        _ => &[],
    }
}

fn page(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Pod => &["status.conditions", "status.nominatedNodeName"],
        Kind::Node => &["status.capacity"],
        Kind::NodeClaim | Kind::Machine => &["spec.requirements", "spec.resources", "status.capacity"],
        Kind::NodePool | Kind::Provisioner => &["spec"],
        Kind::Event => &[
            "type",
            "reason",
            "message",
            "count",
            "lastTimestamp",
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "source.component",
        ],
        _ => &[],
    }
}

fn only<'p>(doc: &Value, paths: impl Iterator<Item = &'p &'static str>) -> Value {
    let mut out = json!({});
    for path in paths {
        let value = doc.at(path);
        if !value.is_null() {
            out.set(path, value.clone());
        }
    }
    out
}

/// The pod's containers with these fields alone.
fn with_containers(mut out: Value, pod: &Value, fields: &[&str]) -> Value {
    for list in ["spec.containers", "spec.initContainers"] {
        let kept = |c: &Value| Value::Object(fields.iter().map(|f| ((*f).to_owned(), c.at(f).clone())).collect());
        let all: Vec<Value> = pod.list_at(list).iter().map(kept).collect();
        if !all.is_empty() {
            out.set(list, all);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(keep: fn(Kind, &mut Value), want: &Value) {
        let mut doc = json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "a", "namespace": "default", "managedFields": [{}], "labels": {"app": "web"},
                "annotations": {"secret": "b", "karpenter.sh/do-not-disrupt": "true"}},
            "spec": {"nodeName": "n", "volumes": [{}], "containers": [
                {"name": "c", "image": "i", "env": [{}], "resources": {"requests": {"cpu": "250m"}}}]},
            "status": {"phase": "Running", "containerStatuses": [{}]}});
        keep(Kind::Pod, &mut doc);
        assert_eq!(&doc, want);
    }

    #[test]
    fn of_a_pod_what_is_seen_is_kept() {
        let requests = json!({"requests": {"cpu": "250m"}});
        check(
            drawn,
            &json!({"metadata": {"name": "a", "namespace": "default"}, "status": {"phase": "Running"},
                "spec": {"nodeName": "n", "containers": [{"resources": requests, "restartPolicy": null}]}}),
        );
        check(
            shown,
            &json!({"apiVersion": "v1", "kind": "Pod", "status": {"phase": "Running"},
                "metadata": {"name": "a", "namespace": "default", "labels": {"app": "web"},
                    "annotations": {"karpenter.sh/do-not-disrupt": "true"}},
                "spec": {"nodeName": "n", "containers": [{"name": "c", "resources": requests, "restartPolicy": null}]}}),
        );
    }
}
