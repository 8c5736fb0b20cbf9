//! `kubectl describe node`.

use super::super::age;
use super::super::columns::Facts;
use super::{annotations, labels, lines};
use engine::Snapshot;
use objects::format::quantity;
use objects::resources::{CPU, EPHEMERAL, MEMORY};
use objects::{DocExt, Kind, Object, ObjectKey, Resources, Value};

/// A kubelet renews its Lease every ten seconds.
const RENEW_MS: i64 = 10_000;

pub fn text(o: &Object, snapshot: &Snapshot) -> String {
    let d = &o.doc;
    let facts = Facts { now_ms: snapshot.unix_ms(), era: snapshot.profile.era };
    let cells = super::super::columns::layout(Kind::Node, facts.era).cells(o, &facts, false);
    let roles = cells.get(2).cloned().unwrap_or_default();
    let mut out = format!("Name:\t{}\nRoles:\t{roles}\n", o.meta.name);
    out.push_str(&labels("", &o.meta.labels));
    out.push_str(&annotations("", &o.meta.annotations));
    out.push_str(&format!("CreationTimestamp:\t{}\n", age::rfc1123z(d.str_at("metadata.creationTimestamp"))));
    let taints = d.list_at("spec.taints").iter().map(taint).collect();
    out.push_str(&lines("", "Taints", taints));
    out.push_str(&format!("Unschedulable:\t{}\n", d.bool_at("spec.unschedulable").unwrap_or(false)));
    out.push_str(&lease(o, snapshot));
    conditions(d, &mut out);
    out.push_str("Addresses:\n");
    for a in d.list_at("status.addresses") {
        let field = |p: &str| a.str_at(p).unwrap_or_default();
        out.push_str(&format!("  {}:\t{}\n", field("type"), field("address")));
    }
    for (title, path) in [("Capacity", "status.capacity"), ("Allocatable", "status.allocatable")] {
        if let Some(map) = d.at(path).as_object() {
            out.push_str(&format!("{title}:\n"));
            for (name, amount) in map {
                let amount = amount.as_str().map_or_else(|| amount.to_string(), str::to_owned);
                out.push_str(&format!("  {name}:\t{amount}\n"));
            }
        }
    }
    system(d, &mut out);
    pods(o, snapshot, &mut out);
    out
}

pub fn taint(t: &Value) -> String {
    let field = |p: &str| t.str_at(p).unwrap_or_default();
    match field("value") {
        "" => format!("{}:{}", field("key"), field("effect")),
        value => format!("{}={value}:{}", field("key"), field("effect")),
    }
}

fn lease(o: &Object, snapshot: &Snapshot) -> String {
    let key = ObjectKey::new(Kind::Lease, "kube-node-lease", &o.meta.name);
    let (holder, renewed) = match snapshot.store.get(&key) {
        Some(lease) => (
            lease.doc.str_at("spec.holderIdentity").unwrap_or_default().to_owned(),
            lease.doc.str_at("spec.renewTime").map(str::to_owned),
        ),
        None => {
            let now = snapshot.unix_ms();
            let renewed = now - (now - o.meta.created_ms).rem_euclid(RENEW_MS);
            (o.meta.name.clone(), Some(objects::time::rfc3339(renewed)))
        }
    };
    let renewed = age::rfc1123z(renewed.as_deref());
    format!("Lease:\n  HolderIdentity:\t{holder}\n  AcquireTime:\t<unset>\n  RenewTime:\t{renewed}\n")
}

fn conditions(d: &Value, out: &mut String) {
    let list = d.list_at("status.conditions");
    if list.is_empty() {
        return;
    }
    out.push_str("Conditions:\n  Type\tStatus\tLastHeartbeatTime\tLastTransitionTime\tReason\tMessage\n");
    out.push_str("  ----\t------\t-----------------\t------------------\t------\t-------\n");
    for c in list {
        let field = |p: &str| c.str_at(p).unwrap_or_default();
        let beat = c.str_at("lastHeartbeatTime").or(c.str_at("lastTransitionTime"));
        out.push_str(&format!(
            "  {} \t{} \t{} \t{} \t{} \t{}\n",
            field("type"),
            field("status"),
            age::rfc1123z(beat),
            age::rfc1123z(c.str_at("lastTransitionTime")),
            field("reason"),
            field("message")
        ));
    }
}

fn system(d: &Value, out: &mut String) {
    let info = |p: &str| d.at("status.nodeInfo").str_at(p).unwrap_or_default();
    out.push_str("System Info:\n");
    for (title, field) in [
        ("Machine ID", "machineID"),
        ("System UUID", "systemUUID"),
        ("Boot ID", "bootID"),
        ("Kernel Version", "kernelVersion"),
        ("OS Image", "osImage"),
        ("Operating System", "operatingSystem"),
        ("Architecture", "architecture"),
        ("Container Runtime Version", "containerRuntimeVersion"),
        ("Kubelet Version", "kubeletVersion"),
        ("Kube-Proxy Version", "kubeProxyVersion"),
    ] {
        out.push_str(&format!("  {title}:\t{}\n", info(field)));
    }
    if let Some(id) = d.str_at("spec.providerID") {
        out.push_str(&format!("ProviderID:\t{id}\n"));
    }
}

/// `1 (25%)`: an amount and its part of what the node can give.
fn share(name: &str, amount: i64, of: i64) -> String {
    let percent = if of == 0 { 0 } else { i128::from(amount) * 100 / i128::from(of) };
    format!("{} ({percent}%)", quantity(name, amount))
}

fn limits_of(spec: &Value) -> Resources {
    let mut sum = Resources::default();
    for c in spec.list_at("containers") {
        sum.add(&Resources::read(c.at("resources.limits")));
    }
    sum
}

fn pods(o: &Object, snapshot: &Snapshot, out: &mut String) {
    let Some(node) = o.node() else {
        return;
    };
    let list: Vec<_> = snapshot.store.pods_on(&o.meta.name).filter(|p| p.pod().is_some_and(|t| !t.is_terminal())).collect();
    out.push_str(&format!("Non-terminated Pods:\t({} in total)\n", list.len()));
    out.push_str("  Namespace\tName\t\tCPU Requests\tCPU Limits\tMemory Requests\tMemory Limits\tAge\n");
    out.push_str("  ---------\t----\t\t------------\t----------\t---------------\t-------------\t---\n");
    let (mut requests, mut limits) = (Resources::default(), Resources::default());
    for pod in list {
        let Some(typed) = pod.pod() else { continue };
        let (r, l) = (&typed.spec.requests, limits_of(pod.doc.at("spec")));
        let a = &node.allocatable;
        out.push_str(&format!(
            "  {}\t{}\t\t{}\t{}\t{}\t{}\t{}\n",
            pod.meta.namespace,
            pod.meta.name,
            share(CPU, r.cpu(), a.cpu()),
            share(CPU, l.cpu(), a.cpu()),
            share(MEMORY, r.memory(), a.memory()),
            share(MEMORY, l.memory(), a.memory()),
            age::since(pod.doc.str_at("metadata.creationTimestamp"), snapshot.unix_ms())
        ));
        requests.add(r);
        limits.add(&l);
    }
    out.push_str("Allocated resources:\n  (Total limits may be over 100 percent, i.e., overcommitted.)\n");
    out.push_str("  Resource\tRequests\tLimits\n  --------\t--------\t------\n");
    let others = node.allocatable.0.keys().map(String::as_str).filter(|n| !["cpu", "memory", "pods", EPHEMERAL].contains(n));
    for name in [CPU, MEMORY, EPHEMERAL].into_iter().chain(others) {
        let of = node.allocatable.get(name);
        let (r, l) = (requests.get(name), limits.get(name));
        let plain = !matches!(name, CPU | MEMORY | EPHEMERAL) && !name.starts_with("hugepages-");
        let text = |n: i64| if plain { quantity(name, n).to_string() } else { share(name, n, of) };
        out.push_str(&format!("  {name}\t{}\t{}\n", text(r), text(l)));
    }
}
