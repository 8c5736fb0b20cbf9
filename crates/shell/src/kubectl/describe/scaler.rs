//! `kubectl describe` of HorizontalPodAutoscalers.
//! Source: k8s.io/kubectl pkg/describe/describe.go `describeHorizontalPodAutoscalerV2`, v0.35.4.

use super::super::age;
use super::{annotations, labels};
use objects::{DocExt, Object, Value};

fn text(v: &Value) -> Option<String> {
    match v {
        Value::Null => None,
        Value::String(s) => Some(s.clone()),
        other => Some(other.to_string()),
    }
}

/// Current and target of a resource metric.
fn resource(metric: &Value, current: &Value) -> String {
    let unknown = || "<unknown>".to_owned();
    let name = metric.str_at("name").unwrap_or_default();
    if let Some(target) = text(metric.at("target.averageValue")) {
        let now = text(current.at("current.averageValue")).unwrap_or_else(unknown);
        return format!("  resource {name} on pods:\t{now} / {target}\n");
    }
    let now = match (current.int_at("current.averageUtilization"), text(current.at("current.averageValue"))) {
        (Some(percent), value) => format!("{percent}% ({})", value.unwrap_or_default()),
        (None, _) => unknown(),
    };
    let target = metric.int_at("target.averageUtilization").map_or("<auto>".to_owned(), |p| format!("{p}%"));
    format!("  resource {name} on pods  (as a percentage of request):\t{now} / {target}\n")
}

fn behaviour(title: &str, rules: &Value, out: &mut String) {
    if !rules.is_object() {
        return;
    }
    out.push_str(&format!("  {title}:\n"));
    if let Some(seconds) = rules.int_at("stabilizationWindowSeconds") {
        out.push_str(&format!("    Stabilization Window: {seconds} seconds\n"));
    }
    let policies = rules.list_at("policies");
    if policies.is_empty() {
        return;
    }
    out.push_str(&format!("    Select Policy: {}\n    Policies:\n", rules.str_at("selectPolicy").unwrap_or("Max")));
    for p in policies {
        out.push_str(&format!(
            "      - Type: {}\tValue: {}\tPeriod: {} seconds\n",
            p.str_at("type").unwrap_or_default(),
            p.int_at("value").unwrap_or(0),
            p.int_at("periodSeconds").unwrap_or(0)
        ));
    }
}

pub fn scaler(o: &Object) -> String {
    let d = &o.doc;
    let target = d.str_at("spec.scaleTargetRef.kind").unwrap_or_default();
    let mut out = format!("Name:\t{}\nNamespace:\t{}\n", o.meta.name, o.meta.namespace);
    out.push_str(&labels("", &o.meta.labels));
    out.push_str(&annotations("", &o.meta.annotations));
    out.push_str(&format!(
        "CreationTimestamp:\t{}\nReference:\t{target}/{}\nMetrics:\t( current / target )\n",
        age::rfc1123z(d.str_at("metadata.creationTimestamp")),
        d.str_at("spec.scaleTargetRef.name").unwrap_or_default()
    ));
    let current = d.list_at("status.currentMetrics");
    for (i, metric) in d.list_at("spec.metrics").iter().enumerate() {
        match metric.str_at("type") {
            Some("Resource") => {
                out.push_str(&resource(metric.at("resource"), current.get(i).map_or(&Value::Null, |c| c.at("resource"))));
            }
            other => out.push_str(&format!("  <unknown metric type {:?}>\n", other.unwrap_or_default())),
        }
    }
    let least = d.int_at("spec.minReplicas").map_or("<unset>".to_owned(), |n| n.to_string());
    out.push_str(&format!("Min replicas:\t{least}\nMax replicas:\t{}\n", d.int_at("spec.maxReplicas").unwrap_or(0)));
    if d.at("spec.behavior").is_object() {
        out.push_str("Behavior:\n");
        behaviour("Scale Up", d.at("spec.behavior.scaleUp"), &mut out);
        behaviour("Scale Down", d.at("spec.behavior.scaleDown"), &mut out);
    }
    out.push_str(&format!(
        "{target} pods:\t{} current / {} desired\n",
        d.int_at("status.currentReplicas").unwrap_or(0),
        d.int_at("status.desiredReplicas").unwrap_or(0)
    ));
    let conditions = d.list_at("status.conditions");
    if !conditions.is_empty() {
        out.push_str("Conditions:\n  Type\tStatus\tReason\tMessage\n  ----\t------\t------\t-------\n");
        for c in conditions {
            let field = |p: &str| c.str_at(p).unwrap_or_default();
            out.push_str(&format!("  {}\t{}\t{}\t{}\n", field("type"), field("status"), field("reason"), field("message")));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use objects::{Kind, json};

    /// The layout of the source named above.
    #[test]
    fn a_scaler() {
        let doc = json!({
            "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "web", "namespace": "default", "creationTimestamp": "2026-11-23T20:57:31Z"},
            "spec": {
                "scaleTargetRef": {"kind": "Deployment", "name": "web"}, "minReplicas": 1, "maxReplicas": 3,
                "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}],
            },
            "status": {
                "currentReplicas": 2, "desiredReplicas": 3,
                "currentMetrics": [{"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 80, "averageValue": "80m"}}}],
            },
        });
        assert_eq!(
            super::super::align(&scaler(&Object::from_doc(Kind::HorizontalPodAutoscaler, doc))),
            "Name:                                                  web\n\
             Namespace:                                             default\n\
             Labels:                                                <none>\n\
             Annotations:                                           <none>\n\
             CreationTimestamp:                                     Mon, 23 Nov 2026 20:57:31 +0000\n\
             Reference:                                             Deployment/web\n\
             Metrics:                                               ( current / target )\n  \
             resource cpu on pods  (as a percentage of request):  80% (80m) / 50%\n\
             Min replicas:                                          1\n\
             Max replicas:                                          3\n\
             Deployment pods:                                       2 current / 3 desired\n"
        );
    }
}
