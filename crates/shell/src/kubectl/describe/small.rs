//! `kubectl describe` of Namespaces, Services, PodDisruptionBudgets and ConfigMaps.

use super::super::columns::{labels_text, selector_text};
use super::{annotations, labels};
use objects::{DocExt, Object, Value};

pub fn namespace(o: &Object) -> String {
    let mut out = format!("Name:\t{}\n", o.meta.name);
    out.push_str(&labels("", &o.meta.labels));
    out.push_str(&annotations("", &o.meta.annotations));
    let phase = if o.meta.is_deleting() { "Terminating" } else { o.doc.str_at("status.phase").unwrap_or("Active") };
    out.push_str(&format!("Status:\t{phase}\n\nNo resource quota.\n\nNo LimitRange resource.\n"));
    out
}

pub fn service(o: &Object) -> String {
    let d = &o.doc;
    let field = |p: &str, other: &'static str| d.str_at(p).unwrap_or(other).to_owned();
    let mut out = format!("Name:\t{}\nNamespace:\t{}\n", o.meta.name, o.meta.namespace);
    out.push_str(&labels("", &o.meta.labels));
    out.push_str(&annotations("", &o.meta.annotations));
    out.push_str(&format!("Selector:\t{}\n", labels_text(&d.strings_at("spec.selector"))));
    out.push_str(&format!("Type:\t{}\n", field("spec.type", "ClusterIP")));
    out.push_str(&format!("IP Family Policy:\t{}\n", field("spec.ipFamilyPolicy", "SingleStack")));
    let families: Vec<&str> = d.list_at("spec.ipFamilies").iter().filter_map(Value::as_str).collect();
    out.push_str(&format!("IP Families:\t{}\n", if families.is_empty() { "IPv4".to_owned() } else { families.join(",") }));
    let ip = field("spec.clusterIP", "<none>");
    out.push_str(&format!("IP:\t{ip}\nIPs:\t{ip}\n"));
    for p in d.list_at("spec.ports") {
        let protocol = p.str_at("protocol").unwrap_or("TCP");
        let name = p.str_at("name").filter(|n| !n.is_empty()).unwrap_or("<unset>");
        out.push_str(&format!("Port:\t{name}\t{}/{protocol}\n", p.int_at("port").unwrap_or(0)));
        let target = match p.at("targetPort") {
            Value::String(s) => s.clone(),
            Value::Null => p.int_at("port").unwrap_or(0).to_string(),
            other => other.to_string(),
        };
        out.push_str(&format!("TargetPort:\t{target}/{protocol}\n"));
    }
    out.push_str(&format!(
        "Endpoints:\t<none>\nSession Affinity:\t{}\nInternal Traffic Policy:\t{}\n",
        field("spec.sessionAffinity", "None"),
        field("spec.internalTrafficPolicy", "Cluster")
    ));
    out
}

pub fn pdb(o: &Object) -> String {
    let d = &o.doc;
    let mut out = format!("Name:\t{}\nNamespace:\t{}\n", o.meta.name, o.meta.namespace);
    for (title, path) in [("Min available", "spec.minAvailable"), ("Max unavailable", "spec.maxUnavailable")] {
        match d.at(path) {
            Value::Null => {}
            Value::String(s) => out.push_str(&format!("{title}:\t{s}\n")),
            other => out.push_str(&format!("{title}:\t{other}\n")),
        }
    }
    out.push_str(&format!("Selector:\t{}\nStatus:\n", selector_text(d.at("spec.selector"))));
    for (title, field) in [
        ("Allowed disruptions", "disruptionsAllowed"),
        ("Current", "currentHealthy"),
        ("Desired", "desiredHealthy"),
        ("Total", "expectedPods"),
    ] {
        out.push_str(&format!("    {title}:\t{}\n", d.at("status").int_at(field).unwrap_or(0)));
    }
    out
}

pub fn config_map(o: &Object) -> String {
    let mut out = format!("Name:\t{}\nNamespace:\t{}\n", o.meta.name, o.meta.namespace);
    out.push_str(&labels("", &o.meta.labels));
    out.push_str(&annotations("", &o.meta.annotations));
    out.push_str("\nData\n====\n");
    for (key, value) in o.doc.strings_at("data") {
        out.push_str(&format!("{key}:\n----\n{value}\n\n"));
    }
    out.push_str("\nBinaryData\n====\n\n");
    out
}
