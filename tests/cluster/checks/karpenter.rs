use super::{inflate, namespace, running, until_running};
use crate::api::eventually;
use crate::control_plane::{Cluster, Part};
use objects::{DocExt, Kind, Value, json};

/// Types of one family in one zone, as Karpenter's kwok provider reads them; prices in dollars an hour.
fn instance_types() -> Value {
    let offering = |price: f64, capacity: &str| {
        let only = |key: &str, value: &str| json!({"key": key, "operator": "In", "values": [value]});
        json!({"Price": Value::from(price), "Available": true, "Requirements": [
            only("karpenter.sh/capacity-type", capacity), only("topology.kubernetes.io/zone", "test-zone-a")]})
    };
    let of = |name: &str, cpu: &str, memory: &str, price: f64| {
        json!({"name": name, "architecture": "amd64", "operatingSystems": ["linux"],
            "resources": {"cpu": cpu, "memory": memory, "pods": "58"},
            "offerings": [offering(price, "on-demand"), offering(price * 0.4, "spot")]})
    };
    json!([of("m5.large", "2", "8Gi", 0.118), of("m5.xlarge", "4", "16Gi", 0.236), of("m5.2xlarge", "8", "32Gi", 0.472)])
}

/// Karpenter sees pods that fit nowhere, makes nodes for them, and takes them away when they are empty.
pub fn out_and_back(cluster: &mut Cluster) {
    cluster.install_karpenter_crds().unwrap();
    cluster.run_karpenter(Some(&instance_types())).unwrap();
    cluster.apply(&namespace("out"));
    cluster.apply(&json!({"apiVersion": "karpenter.kwok.sh/v1alpha1", "kind": "KWOKNodeClass", "metadata": {"name": "default"}}));
    let pool = json!({
        "apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": {"name": "out"},
        "spec": {
            "disruption": {"consolidationPolicy": "WhenEmpty", "consolidateAfter": "0s", "budgets": [{"nodes": "100%"}]},
            "template": {"spec": {
                "nodeClassRef": {"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": "default"},
                "requirements": [{"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["on-demand"]}]}}}
    });
    cluster.create(&pool).unwrap();
    cluster.create(&inflate("out", 5)).unwrap();
    until_running(cluster, "out", 5);
    let made = |cluster: &Cluster| {
        let mut nodes = cluster.list(Kind::Node);
        nodes.retain(|n| n.at("metadata.labels").field("karpenter.sh/nodepool").as_str() == Some("out"));
        nodes
    };
    let nodes = made(cluster);
    assert_eq!(nodes.len(), 1, "{nodes:?}");
    // 7.9 cores of the largest hold five pods; 3.9 of the next do not.
    let of_node = nodes[0].at("metadata.labels").field("node.kubernetes.io/instance-type").as_str();
    assert_eq!(of_node, Some("m5.2xlarge"));
    // Karpenter takes the taint off the node first, so that pods may run before the claim's status tells of it.
    let claim = eventually("the claim tells its node", 30, || {
        let claims = cluster.list(Kind::NodeClaim);
        assert_eq!(claims.len(), 1, "{claims:?}");
        claims.into_iter().find(|c| c.str_at("status.nodeName").is_some())
    });
    assert_eq!(claim.str_at("status.nodeName"), nodes[0].str_at("metadata.name"));

    cluster.patch(Kind::Deployment, "out", "out", &json!({"spec": {"replicas": 0}})).unwrap();
    eventually("the empty node goes", 90, || {
        (made(cluster).is_empty() && cluster.list(Kind::NodeClaim).is_empty()).then_some(())
    });
    assert!(running(cluster, "out").is_empty());
    cluster.delete(Kind::NodePool, "", "out").unwrap();
    cluster.stop(Part::Karpenter);
}
