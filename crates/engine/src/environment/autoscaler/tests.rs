//! An autoscaler on a scripted load, from the first look to the way down.

use crate::Era;
use crate::environment::testing::Lab;
use objects::{DocExt, Kind, Value, json};

fn lab(load: Option<&str>) -> Lab {
    let mut lab = Lab::new(Era::V1, 3);
    lab.node("a", "z1", "64");
    let mut doc = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "default"},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "web", "image": "x", "resources": {"requests": {"cpu": "500m"}}}]},
        }},
    });
    if let Some(load) = load {
        doc.set("metadata.annotations", json!({"nodewright.dev/load": load}));
    }
    lab.create(doc);
    lab.create(json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "web", "namespace": "default"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}, "minReplicas": 1, "maxReplicas": 10,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}],
        },
    }));
    lab
}

fn replicas(lab: &Lab) -> i64 {
    lab.get(Kind::Deployment, "web").unwrap().doc.int_at("spec.replicas").unwrap()
}

fn condition(lab: &Lab, kind: &str) -> String {
    let hpa = lab.get(Kind::HorizontalPodAutoscaler, "web").unwrap();
    let c = hpa.condition(kind).cloned().unwrap_or(Value::Null);
    format!(
        "{} {}: {}",
        c.str_at("status").unwrap_or_default(),
        c.str_at("reason").unwrap_or_default(),
        c.str_at("message").unwrap_or_default()
    )
}

#[test]
fn follows_the_load_up_and_down() {
    let mut lab = lab(Some("100m 2m=1500m 10m=100m"));
    lab.run_s(100);
    assert_eq!(replicas(&lab), 1);
    let hpa = lab.get(Kind::HorizontalPodAutoscaler, "web").unwrap();
    assert_eq!(
        hpa.doc.at("status.currentMetrics"),
        &json!([
        {"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 20, "averageValue": "100m"}}}])
    );
    lab.run_s(300);
    // 1500 m over pods of 500 m at half: six.
    assert_eq!(replicas(&lab), 6);
    assert!(lab.get(Kind::HorizontalPodAutoscaler, "web").unwrap().doc.str_at("status.lastScaleTime").is_some());
    // Down only when no recommendation of the last five minutes was higher.
    lab.run_s(11 * 60 - 400);
    assert_eq!(replicas(&lab), 6);
    assert_eq!(condition(&lab, "AbleToScale").split(':').next(), Some("True ScaleDownStabilized"));
    lab.run_s(5 * 60);
    assert_eq!(replicas(&lab), 1);
}

#[test]
fn without_metrics_it_says_what_a_cluster_without_metrics_server_says() {
    let mut lab = lab(None);
    lab.run_s(60);
    assert_eq!(
        condition(&lab, "ScalingActive"),
        "False FailedGetResourceMetric: the HPA was unable to compute the replica count: failed to get cpu utilization: unable to \
         get metrics for resource cpu: unable to fetch metrics from resource metrics API: the server could not find the requested \
         resource (get pods.metrics.k8s.io)"
    );
    assert_eq!(replicas(&lab), 1);
}

#[test]
fn a_target_that_is_not_there_is_told() {
    let mut lab = lab(None);
    lab.delete(Kind::Deployment, "web");
    lab.run_s(60);
    assert_eq!(
        condition(&lab, "AbleToScale"),
        "False FailedGetScale: the HPA controller was unable to get the target's current scale: deployments.apps \"web\" not found"
    );
}
