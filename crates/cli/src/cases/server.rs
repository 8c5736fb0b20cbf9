//! What the recorded control plane had beside the manifests: an API server started by hand, and the files by which
//! kubectl finds it.

use engine::Scenario;
use objects::{DocExt, Value, json};

/// The recorded user's home, with room for what kubectl reads.
pub const HOME: [&str; 2] = ["mkdir -p run/home/.kube run/pki", "export HOME=run/home"];

const CLUSTER: &str = "eks-lab";

/// The administrator's file, and that of a user whom no role allows anything.
pub fn kubeconfigs() -> [(&'static str, String); 2] {
    [("run/home/.kube/config", kubeconfig("admin")), ("run/pki/viewer.kubeconfig", kubeconfig("viewer"))]
}

fn kubeconfig(user: &str) -> String {
    objects::yaml::to_yaml(&json!({
        "apiVersion": "v1", "kind": "Config", "current-context": CLUSTER,
        "clusters": [
            {"cluster": {"certificate-authority-data": "Q0E=", "server": "https://127.0.0.1:6443"}, "name": CLUSTER},
        ],
        "contexts": [{"context": {"cluster": CLUSTER, "user": user}, "name": CLUSTER}],
        "users": [{"name": user, "user": {"client-certificate-data": "Q0VSVA==", "client-key-data": "S0VZ"}}],
    }))
}

/// Where kubelets listen. In the second half of the recording something listened there that serves logs as a kubelet does;
/// before, kwok answered, at a port of its own.
const KUBELET_PORT: u16 = 10_250;

/// The server's address and port, and what it and kwok, which plays the kubelets, write down for themselves.
pub fn complete(scenario: &mut Scenario, set: char) {
    for doc in &mut scenario.docs {
        if doc.str_at("kind") == Some("Node") && set >= 'c' {
            doc.set("status.daemonEndpoints.kubeletEndpoint.Port", KUBELET_PORT);
        }
        let is = |kind: &str, name: &str| doc.str_at("kind") == Some(kind) && doc.str_at("metadata.name") == Some(name);
        if is("Service", "kubernetes") {
            doc.set("spec.clusterIP", "10.96.0.1");
            doc.set("spec.clusterIPs", json!(["10.96.0.1"]));
            if let Some(port) = doc.slot("spec.ports").as_array_mut().and_then(|ports| ports.first_mut()) {
                port.set("targetPort", 16_443);
            }
        }
    }
    let fakes = scenario.docs.iter().filter(|d| !d.at("metadata.annotations").field("kwok.x-k8s.io/node").is_null());
    let mut own: Vec<Value> = fakes.filter_map(|node| Some(node_lease(node.str_at("metadata.name")?))).collect();
    let host = "apiserver-wlv32tlttr4jl3gtroqexyxapa";
    let mut lease = lease("kube-system", host, &format!("{host}_7091b3f5-2d06-4105-a53c-4cbd4835fe74"));
    lease.set("metadata.labels", json!({"apiserver.kubernetes.io/identity": "kube-apiserver", "kubernetes.io/hostname": "vm"}));
    own.push(lease);
    own.push(config_map("extension-apiserver-authentication", json!({"client-ca-file": "CA"})));
    own.push(config_map("kube-apiserver-legacy-service-account-token-tracking", json!({"since": "2026-11-23"})));
    scenario.docs.append(&mut own);
}

fn node_lease(node: &str) -> Value {
    lease("kube-node-lease", node, "vm_0d7e8b6c-5c0e-4a8e-9d0a-1f5d3c2b1a09")
}

fn lease(namespace: &str, name: &str, holder: &str) -> Value {
    json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": name, "namespace": namespace},
        "spec": {"holderIdentity": holder, "leaseDurationSeconds": 40, "renewTime": "2026-11-23T20:57:10.000000Z"},
    })
}

fn config_map(name: &str, data: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "kube-system"}, "data": data})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_says_what_was_recorded() {
        let mut scenario = Scenario::kwok(&[], None, 1, 1_790_000_000_000, 60_000);
        complete(&mut scenario, 'a');
        let count = |kind: &str| scenario.docs.iter().filter(|d| d.str_at("kind") == Some(kind)).count();
        assert_eq!((count("Lease"), count("ConfigMap") > 1), (1, true));
        let service = scenario.docs.iter().find(|d| d.str_at("kind") == Some("Service")).map(objects::yaml::to_yaml);
        assert!(service.is_some_and(|s| s.contains("targetPort: 16443")));
    }
}
