//! What a dump need not show to go on as a simulation.

use super::Dump;
use objects::{DocExt, Kind, ObjectKey, Value};

/// Annotations that say something about placing and disrupting; others are the user's own.
const TELLING: [&str; 9] = [
    "karpenter.sh/",
    "karpenter.k8s.aws/",
    "nodewright.dev/",
    "deployment.kubernetes.io/",
    "deprecated.daemonset.template.generation",
    "controller.kubernetes.io/",
    "pv.kubernetes.io/",
    "volume.",
    "storageclass.kubernetes.io/",
];

impl Dump {
    /// Takes out whatever may hold a secret: environments, arguments, user data, annotations of the user's own (what kubectl
    /// applied last among them), and all kinds that say nothing about where pods go. Karpenter's own settings stay.
    pub fn drop_secrets(&mut self) {
        self.objects.retain(|key, _| is_kept(key));
        self.unread.clear();
        for (key, doc) in &mut self.objects {
            for path in ["metadata.annotations", "spec.template.metadata.annotations"] {
                if doc.at(path).is_object()
                    && let Value::Object(map) = doc.slot(path)
                {
                    map.retain(|name, _| TELLING.iter().any(|t| name.starts_with(t)));
                }
            }
            doc.remove_at("spec.userData");
            let settings = key.kind == Kind::Deployment && key.name == "karpenter";
            let spec = if key.kind == Kind::Pod { "spec" } else { "spec.template.spec" };
            if !doc.at(spec).is_object() {
                continue;
            }
            for list in ["containers", "initContainers", "ephemeralContainers"] {
                if let Value::Array(containers) = doc.slot(&format!("{spec}.{list}")) {
                    containers.iter_mut().for_each(|c| bare(c, settings));
                } else {
                    doc.remove_at(&format!("{spec}.{list}"));
                }
            }
        }
    }
}

fn is_kept(key: &ObjectKey) -> bool {
    match key.kind {
        Kind::Event | Kind::Lease | Kind::Service | Kind::ServiceAccount => false,
        Kind::ConfigMap => key.name == "karpenter-global-settings",
        _ => true,
    }
}

/// Leaves of a container what it asks of its node. Its first word stays: a bare shell takes no signal.
fn bare(container: &mut Value, settings: bool) {
    for field in ["args", "envFrom", "livenessProbe", "startupProbe", "lifecycle", "volumeMounts"] {
        container.remove_at(field);
    }
    if let Value::Array(words) = container.slot("command") {
        words.truncate(1);
    } else {
        container.remove_at("command");
    }
    if settings {
        // Only plain values are settings; the others point to where secrets are.
        let plain: Vec<Value> = container.list_at("env").iter().filter(|e| e.str_at("value").is_some()).cloned().collect();
        container.set("env", plain);
    } else {
        container.remove_at("env");
    }
    if !container.at("readinessProbe").is_null() {
        let delay = container.at("readinessProbe.initialDelaySeconds").clone();
        container.set("readinessProbe", objects::json!({"initialDelaySeconds": delay}));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use objects::json;

    #[test]
    fn nothing_secret_is_left() {
        let container = json!({
            "name": "c", "image": "i", "env": [{"name": "PASSWORD", "value": "hunter2"}], "args": ["--token=hunter2"],
            "command": ["sh", "-c", "echo hunter2"], "resources": {"requests": {"cpu": "1"}},
            "livenessProbe": {"exec": {"command": ["hunter2"]}},
        });
        let annotations = json!({
            "kubectl.kubernetes.io/last-applied-configuration": "hunter2", "acme.com/key": "hunter2",
            "karpenter.sh/do-not-disrupt": "true",
        });
        let meta = json!({"name": "x", "namespace": "default", "annotations": annotations});
        let spec = json!({"containers": [container]});
        let template = json!({"template": {"metadata": {"annotations": annotations}, "spec": spec}});
        let mut dump = Dump::default();
        for doc in [
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}),
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": template}),
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"a": "hunter2"}}),
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": {"a": "hunter2"}}),
            json!({"apiVersion": "karpenter.k8s.aws/v1", "kind": "EC2NodeClass", "metadata": {"name": "x"}, "spec": {"userData": "hunter2"}}),
            json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}, "spec": {"providerID": "aws:///a/i-1"}}),
        ] {
            dump.add("x", doc).unwrap();
        }
        dump.drop_secrets();
        let all: String = dump.objects.values().map(Value::to_string).collect();
        assert!(!all.contains("hunter2"), "{all}");
        let kinds: Vec<&str> = dump.objects.keys().map(|k| k.kind.name()).collect();
        assert_eq!(kinds, ["Node", "Pod", "Deployment", "EC2NodeClass"]);
        let pod = &dump.objects[&ObjectKey::new(Kind::Pod, "default", "x")];
        let kept = pod.list_at("spec.containers");
        assert_eq!(kept[0], json!({"name": "c", "image": "i", "command": ["sh"], "resources": {"requests": {"cpu": "1"}}}));
        assert_eq!(pod.at("metadata.annotations"), &json!({"karpenter.sh/do-not-disrupt": "true"}));
    }
}
