//! What nobody decides by is most of what a large cluster is to read, and every change of an object copies all of it.

use objects::{DocExt, Kind, ObjectKey, Value};

/// Of nodes, in their status.
pub const IMAGES: &str = "images";
/// Lists of a pod's spec.
pub const CONTAINERS: [&str; 2] = ["containers", "initContainers"];
/// Of containers. How one stops and becomes ready tells how long a node takes to drain.
pub const INSIDE: [&str; 7] =
    ["args", "env", "envFrom", "livenessProbe", "startupProbe", "volumeMounts", "terminationMessagePath"];

/// Of nodes the images, of controllers' pods what concerns nothing but the inside of their containers. What manifests are
/// written for stays as it is, so that they compare.
pub fn slim(key: &ObjectKey, doc: &mut Value) {
    match key.kind {
        Kind::Node => doc.remove_at(&format!("status.{IMAGES}")),
        Kind::Pod if !doc.list_at("metadata.ownerReferences").is_empty() => {
            for list in CONTAINERS {
                if let Some(Value::Array(containers)) = doc.get_mut("spec").and_then(|spec| spec.get_mut(list)) {
                    containers.iter_mut().for_each(|container| INSIDE.iter().for_each(|field| container.remove_at(field)));
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use objects::json;

    fn check(kind: Kind, doc: &Value, want: &Value) {
        let mut slimmed = doc.clone();
        slim(&ObjectKey::new(kind, "default", "x"), &mut slimmed);
        assert_eq!(slimmed, *want);
    }

    #[test]
    fn what_bears_on_places_and_times_stays() {
        let container = |more: Value| {
            let mut c = json!({"name": "c", "image": "i", "command": ["sh"], "resources": {"requests": {"cpu": "1"}},
                "readinessProbe": {"initialDelaySeconds": 5}, "lifecycle": {"preStop": {"sleep": {"seconds": 9}}}});
            objects::patch::merge(&mut c, &more);
            c
        };
        let inside = json!({"env": [{"name": "A", "value": "b"}], "args": ["-v"], "volumeMounts": [{"name": "v"}]});
        let pod = |container: Value, owners: Value| json!({"metadata": {"ownerReferences": owners}, "spec": {"containers": [container], "nodeName": "n"}});
        let owned = json!([{"kind": "ReplicaSet", "name": "r", "uid": "u", "controller": true}]);
        check(Kind::Pod, &pod(container(inside.clone()), owned.clone()), &pod(container(json!({})), owned.clone()));
        // Somebody may apply the manifest of a pod without an owner, or of what pods are made from.
        let bare = pod(container(inside.clone()), json!([]));
        check(Kind::Pod, &bare, &bare);
        let set = json!({"spec": {"template": {"spec": {"containers": [container(inside)]}}}});
        check(Kind::ReplicaSet, &set, &set);
        check(
            Kind::Node,
            &json!({"status": {"images": [{}], "capacity": {"cpu": "1"}}}),
            &json!({"status": {"capacity": {"cpu": "1"}}}),
        );
        let empty = json!({"spec": {}, "metadata": {"ownerReferences": owned}});
        check(Kind::Pod, &empty, &empty);
    }
}
