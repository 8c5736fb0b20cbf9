//! `kubectl describe pod`.

use super::super::age;
use super::template::{containers, selectors, spread, tolerations, volumes};
use super::{annotations, controlled_by, labels};
use engine::Snapshot;
use objects::{DocExt, Object, Value};

pub fn text(o: &Object, snapshot: &Snapshot, client: u32) -> String {
    let d = &o.doc;
    let field = |p: &str| d.str_at(p).filter(|t| !t.is_empty());
    let mut out = format!("Name:\t{}\nNamespace:\t{}\n", o.meta.name, o.meta.namespace);
    out.push_str(&format!("Priority:\t{}\n", d.int_at("spec.priority").unwrap_or(0)));
    if let Some(class) = field("spec.priorityClassName") {
        out.push_str(&format!("Priority Class Name:\t{class}\n"));
    }
    out.push_str(&format!("Service Account:\t{}\n", field("spec.serviceAccountName").unwrap_or("default")));
    match field("spec.nodeName") {
        None => out.push_str("Node:\t<none>\n"),
        Some(node) => {
            let ip = field("status.hostIP").map(str::to_owned).or_else(|| {
                let node = snapshot.store.cluster(objects::Kind::Node, node)?;
                node.node().map(|n| n.internal_ip.clone())
            });
            out.push_str(&format!("Node:\t{node}/{}\n", ip.unwrap_or_default()));
        }
    }
    if let Some(start) = field("status.startTime") {
        out.push_str(&format!("Start Time:\t{}\n", age::rfc1123z(Some(start))));
    }
    out.push_str(&labels("", &o.meta.labels));
    out.push_str(&annotations("", &o.meta.annotations));
    if let Some(deleted) = field("metadata.deletionTimestamp") {
        out.push_str(&format!("Status:\tTerminating (lasts {})\n", age::since(Some(deleted), snapshot.unix_ms())));
        let grace = d.int_at("metadata.deletionGracePeriodSeconds").unwrap_or(0);
        out.push_str(&format!("Termination Grace Period:\t{grace}s\n"));
    } else {
        out.push_str(&format!("Status:\t{}\n", field("status.phase").unwrap_or("Pending")));
    }
    for (title, path) in [("Reason", "status.reason"), ("Message", "status.message")] {
        if let Some(text) = field(path) {
            out.push_str(&format!("{title}:\t{text}\n"));
        }
    }
    out.push_str(&format!("IP:\t{}\n", field("status.podIP").unwrap_or_default()));
    let mut ips: Vec<&str> = d.list_at("status.podIPs").iter().filter_map(|p| p.str_at("ip")).collect();
    if ips.is_empty() {
        ips.extend(field("status.podIP"));
    }
    if ips.is_empty() {
        out.push_str("IPs:\t<none>\n");
    } else {
        out.push_str("IPs:\n");
        for ip in ips {
            out.push_str(&format!("  IP:\t{ip}\n"));
        }
    }
    out.push_str(&controlled_by(o));
    if let Some(node) = field("status.nominatedNodeName") {
        out.push_str(&format!("NominatedNodeName:\t{node}\n"));
    }
    let init = d.list_at("spec.initContainers");
    if !init.is_empty() {
        containers("Init Containers", init, d.list_at("status.initContainerStatuses"), "", 0, Some(d), &mut out);
    }
    containers("Containers", d.list_at("spec.containers"), d.list_at("status.containerStatuses"), "", 0, Some(d), &mut out);
    let conditions = d.list_at("status.conditions");
    if !conditions.is_empty() {
        out.push_str("Conditions:\n  Type\tStatus\n");
        for c in conditions {
            let cell = |p: &str| c.str_at(p).unwrap_or_default();
            out.push_str(&format!("  {} \t{} \n", cell("type"), cell("status")));
        }
    }
    volumes(d.list_at("spec.volumes"), "", client, &mut out);
    out.push_str(&format!("QoS Class:\t{}\n", qos(d)));
    out.push_str(&selectors(&d.strings_at("spec.nodeSelector"), ""));
    out.push_str(&tolerations(d.list_at("spec.tolerations"), ""));
    spread(d.at("spec"), "", &mut out);
    out
}

/// The class that status says, or else what requests and limits make of it.
fn qos(d: &Value) -> String {
    if let Some(class) = d.str_at("status.qosClass") {
        return class.to_owned();
    }
    let list = d.list_at("spec.containers");
    let any = |c: &Value| c.at("resources.requests").is_object() || c.at("resources.limits").is_object();
    let full = |c: &Value| {
        let (requests, limits) = (c.at("resources.requests"), c.at("resources.limits"));
        ["cpu", "memory"].iter().all(|r| {
            let limit = limits.get(r);
            limit.is_some() && (requests.get(r).is_none() || requests.get(r) == limit)
        })
    };
    if list.iter().all(full) {
        "Guaranteed"
    } else if list.iter().any(any) {
        "Burstable"
    } else {
        "BestEffort"
    }
    .to_owned()
}
