//! `kubectl describe` of Namespaces, Services, PodDisruptionBudgets, ConfigMaps, ServiceAccounts and PriorityClasses.
//! Source: k8s.io/kubectl pkg/describe/describe.go, v0.35.4.

use super::super::columns::{labels_text, selector_text};
use super::{annotations, labels};
use engine::Snapshot;
use objects::{DocExt, Kind, Object, Value};

pub fn namespace(o: &Object) -> String {
    let mut out = format!("Name:\t{}\n", o.meta.name);
    out.push_str(&labels("", &o.meta.labels));
    out.push_str(&annotations("", &o.meta.annotations));
    let phase = if o.meta.is_deleting() { "Terminating" } else { o.doc.str_at("status.phase").unwrap_or("Active") };
    out.push_str(&format!("Status:\t{phase}\n\nNo resource quota.\n\nNo LimitRange resource.\n"));
    out
}

pub fn service(o: &Object, snapshot: &Snapshot) -> String {
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
    if let Some(external) = d.str_at("spec.externalName").filter(|n| !n.is_empty()) {
        out.push_str(&format!("External Name:\t{external}\n"));
    }
    let ready = addresses(o, snapshot);
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
        if let Some(node_port) = p.int_at("nodePort").filter(|n| *n > 0) {
            out.push_str(&format!("NodePort:\t{name}\t{node_port}/{protocol}\n"));
        }
        let mut list: Vec<String> = ready.iter().take(3).map(|ip| format!("{ip}:{target}")).collect();
        if list.is_empty() {
            list.push("<none>".to_owned());
        }
        let more = if ready.len() > 3 { format!(" + {} more...", ready.len() - 3) } else { String::new() };
        out.push_str(&format!("Endpoints:\t{}{more}\n", list.join(",")));
    }
    out.push_str(&format!(
        "Session Affinity:\t{}\n{}Internal Traffic Policy:\t{}\n",
        field("spec.sessionAffinity", "None"),
        d.str_at("spec.externalTrafficPolicy").map(|p| format!("External Traffic Policy:\t{p}\n")).unwrap_or_default(),
        field("spec.internalTrafficPolicy", "Cluster")
    ));
    out
}

/// The addresses of the ready pods that a service selects.
fn addresses(o: &Object, snapshot: &Snapshot) -> Vec<String> {
    let selector = o.doc.strings_at("spec.selector");
    if selector.is_empty() {
        return Vec::new();
    }
    let chosen = snapshot.store.list(Kind::Pod).filter(|p| {
        p.meta.namespace == o.meta.namespace
            && p.condition_is_true("Ready")
            && selector.iter().all(|(k, v)| p.meta.labels.get(k) == Some(v))
    });
    chosen.filter_map(|p| p.doc.str_at("status.podIP").map(str::to_owned)).collect()
}

pub fn service_account(o: &Object) -> String {
    let mut out = format!("Name:\t{}\nNamespace:\t{}\n", o.meta.name, o.meta.namespace);
    out.push_str(&labels("", &o.meta.labels));
    out.push_str(&annotations("", &o.meta.annotations));
    let secrets: Vec<&str> = o.doc.list_at("imagePullSecrets").iter().filter_map(|s| s.str_at("name")).collect();
    if secrets.is_empty() {
        out.push_str("Image pull secrets:\t<none>\n");
    }
    for (i, name) in secrets.iter().enumerate() {
        out.push_str(&format!("{:19}\t{name}\n", if i == 0 { "Image pull secrets:" } else { "" }));
    }
    out
}

pub fn priority_class(o: &Object) -> String {
    let d = &o.doc;
    format!(
        "Name:\t{}\nValue:\t{}\nGlobalDefault:\t{}\nPreemptionPolicy:\t{}\nDescription:\t{}\nAnnotations:\t{}\n",
        o.meta.name,
        d.int_at("value").unwrap_or(0),
        d.bool_at("globalDefault").unwrap_or(false),
        d.str_at("preemptionPolicy").unwrap_or("PreemptLowerPriority"),
        d.str_at("description").unwrap_or_default(),
        labels_text(&o.meta.annotations)
    )
}

pub fn pdb(o: &Object) -> String {
    let d = &o.doc;
    let mut out = format!("Name:\t{}\nNamespace:\t{}\n", o.meta.name, o.meta.namespace);
    for (title, path) in [("Min available", "spec.minAvailable"), ("Max unavailable", "spec.maxUnavailable")] {
        match d.at(path) {
            Value::Null => continue,
            Value::String(s) => out.push_str(&format!("{title}:\t{s}\n")),
            other => out.push_str(&format!("{title}:\t{other}\n")),
        }
        break;
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
