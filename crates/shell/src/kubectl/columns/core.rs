//! Columns of the core, scheduling, storage and coordination groups.

use super::super::age;
use super::{Column, Facts, age_of, col, labels_text, or_none, text, wide};
use objects::collections::Order as _;
use objects::{DocExt, Object, Value};

pub const NODE: &[Column] = &[
    col("NAME"),
    col("STATUS"),
    col("ROLES"),
    col("AGE"),
    col("VERSION"),
    wide("INTERNAL-IP"),
    wide("EXTERNAL-IP"),
    wide("OS-IMAGE"),
    wide("KERNEL-VERSION"),
    wide("CONTAINER-RUNTIME"),
];

/// `Ready`, `NotReady` or `Unknown`, with what `cordon` adds.
pub fn node_status(o: &Object) -> String {
    let ready = match o.condition("Ready").and_then(|c| c.str_at("status")) {
        Some("True") => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    };
    let disabled = if o.doc.bool_at("spec.unschedulable") == Some(true) { ",SchedulingDisabled" } else { "" };
    format!("{ready}{disabled}")
}

/// Roles by label, sorted.
pub fn node_roles(o: &Object) -> String {
    let mut roles: Vec<&str> = o
        .meta
        .labels
        .iter()
        .filter_map(|(k, v)| {
            k.strip_prefix("node-role.kubernetes.io/").or_else(|| (k == "kubernetes.io/role").then_some(v.as_str()))
        })
        .filter(|r| !r.is_empty())
        .collect();
    roles.order();
    if roles.is_empty() { "<none>".to_owned() } else { roles.join(",") }
}

pub fn node(o: &Object, f: &Facts) -> Vec<String> {
    let address = |kind: &str| {
        let found = o.doc.list_at("status.addresses").iter().find(|a| a.str_at("type") == Some(kind));
        or_none(found.and_then(|a| a.str_at("address")))
    };
    let info = |name: &str| o.doc.at("status.nodeInfo").str_at(name).unwrap_or_default().to_owned();
    let unknown = |t: String| if t.is_empty() { "<unknown>".to_owned() } else { t };
    vec![
        o.meta.name.clone(),
        node_status(o),
        node_roles(o),
        age_of(o, f),
        info("kubeletVersion"),
        address("InternalIP"),
        address("ExternalIP"),
        unknown(info("osImage")),
        unknown(info("kernelVersion")),
        unknown(info("containerRuntimeVersion")),
    ]
}

pub const POD: &[Column] = &[
    col("NAME"),
    col("READY"),
    col("STATUS"),
    col("RESTARTS"),
    col("AGE"),
    wide("IP"),
    wide("NODE"),
    wide("NOMINATED NODE"),
    wide("READINESS GATES"),
];

/// The STATUS cell: phase or reason, what containers wait for, `Terminating`.
pub fn pod_status(o: &Object) -> String {
    let d = &o.doc;
    let mut reason = d.str_at("status.phase").unwrap_or("Pending").to_owned();
    if let Some(r) = d.str_at("status.reason").filter(|r| !r.is_empty()) {
        r.clone_into(&mut reason);
    }
    let scheduled = o.condition("PodScheduled");
    if scheduled.and_then(|c| c.str_at("reason")) == Some("SchedulingGated") {
        "SchedulingGated".clone_into(&mut reason);
    }
    let mut running = false;
    for c in d.list_at("status.containerStatuses") {
        if let Some(r) = c.str_at("state.waiting.reason").filter(|r| !r.is_empty()) {
            r.clone_into(&mut reason);
        } else if let Some(r) = c.str_at("state.terminated.reason").filter(|r| !r.is_empty()) {
            r.clone_into(&mut reason);
        } else if c.at("state.terminated").is_object() {
            reason = format!("ExitCode:{}", c.int_at("state.terminated.exitCode").unwrap_or(0));
        } else if c.bool_at("ready") == Some(true) && c.at("state.running").is_object() {
            running = true;
        }
    }
    if reason == "Completed" && running {
        reason = if o.condition_is_true("Ready") { "Running" } else { "NotReady" }.to_owned();
    }
    if o.meta.is_deleting() {
        let lost = d.str_at("status.reason") == Some("NodeLost");
        if lost {
            return "Unknown".to_owned();
        }
        if !matches!(d.str_at("status.phase"), Some("Succeeded" | "Failed")) {
            return "Terminating".to_owned();
        }
    }
    reason
}

pub fn pod(o: &Object, f: &Facts) -> Vec<String> {
    let d = &o.doc;
    let statuses = d.list_at("status.containerStatuses");
    let ready = statuses.iter().filter(|c| c.bool_at("ready") == Some(true) && c.at("state.running").is_object()).count();
    let restarts: i64 = statuses.iter().filter_map(|c| c.int_at("restartCount")).sum();
    let last = statuses.iter().filter_map(|c| c.str_at("lastState.terminated.finishedAt")).max();
    let restarts = match last {
        Some(at) if restarts > 0 => format!("{restarts} ({} ago)", age::since(Some(at), f.now_ms)),
        _ => restarts.to_string(),
    };
    let gates = d.list_at("spec.readinessGates");
    let gates = if gates.is_empty() {
        "<none>".to_owned()
    } else {
        let met = gates.iter().filter(|g| o.condition_is_true(g.str_at("conditionType").unwrap_or_default())).count();
        format!("{met}/{}", gates.len())
    };
    vec![
        o.meta.name.clone(),
        format!("{ready}/{}", d.list_at("spec.containers").len()),
        pod_status(o),
        restarts,
        age_of(o, f),
        or_none(d.str_at("status.podIP")),
        or_none(d.str_at("spec.nodeName")),
        or_none(d.str_at("status.nominatedNodeName")),
        gates,
    ]
}

pub const NAMESPACE: &[Column] = &[col("NAME"), col("STATUS"), col("AGE")];

pub fn namespace(o: &Object, f: &Facts) -> Vec<String> {
    let phase = if o.meta.is_deleting() { "Terminating" } else { o.doc.str_at("status.phase").unwrap_or("Active") };
    vec![o.meta.name.clone(), phase.to_owned(), age_of(o, f)]
}

pub const SERVICE: &[Column] =
    &[col("NAME"), col("TYPE"), col("CLUSTER-IP"), col("EXTERNAL-IP"), col("PORT(S)"), col("AGE"), wide("SELECTOR")];

pub fn service(o: &Object, f: &Facts) -> Vec<String> {
    let d = &o.doc;
    let kind = d.str_at("spec.type").unwrap_or("ClusterIP");
    let ingress: Vec<&str> =
        d.list_at("status.loadBalancer.ingress").iter().filter_map(|i| i.str_at("hostname").or_else(|| i.str_at("ip"))).collect();
    let external = match kind {
        "LoadBalancer" if ingress.is_empty() => "<pending>".to_owned(),
        "LoadBalancer" => ingress.join(","),
        "ExternalName" => d.str_at("spec.externalName").unwrap_or_default().to_owned(),
        _ => "<none>".to_owned(),
    };
    let ports: Vec<String> = d
        .list_at("spec.ports")
        .iter()
        .map(|p| {
            let protocol = p.str_at("protocol").unwrap_or("TCP");
            let port = p.int_at("port").unwrap_or(0);
            match p.int_at("nodePort").filter(|n| *n > 0) {
                Some(node) => format!("{port}:{node}/{protocol}"),
                None => format!("{port}/{protocol}"),
            }
        })
        .collect();
    vec![
        o.meta.name.clone(),
        kind.to_owned(),
        or_none(d.str_at("spec.clusterIP")),
        external,
        if ports.is_empty() { "<none>".to_owned() } else { ports.join(",") },
        age_of(o, f),
        labels_text(&d.strings_at("spec.selector")),
    ]
}

pub const SERVICE_ACCOUNT: &[Column] = &[col("NAME"), col("SECRETS"), col("AGE")];

pub fn service_account(o: &Object, f: &Facts) -> Vec<String> {
    vec![o.meta.name.clone(), o.doc.list_at("secrets").len().to_string(), age_of(o, f)]
}

pub const CONFIG_MAP: &[Column] = &[col("NAME"), col("DATA"), col("AGE")];

pub fn config_map(o: &Object, f: &Facts) -> Vec<String> {
    let count = |p: &str| o.doc.at(p).as_object().map_or(0, serde_json::Map::len);
    vec![o.meta.name.clone(), (count("data") + count("binaryData")).to_string(), age_of(o, f)]
}

pub const EVENT: &[Column] = &[
    col("LAST SEEN"),
    col("TYPE"),
    col("REASON"),
    col("OBJECT"),
    wide("SUBOBJECT"),
    wide("SOURCE"),
    col("MESSAGE"),
    wide("FIRST SEEN"),
    wide("COUNT"),
    wide("NAME"),
];

pub fn event(o: &Object, f: &Facts) -> Vec<String> {
    let d = &o.doc;
    let first = d.str_at("firstTimestamp").or_else(|| d.str_at("eventTime"));
    let last = d.str_at("series.lastObservedTime").or_else(|| d.str_at("lastTimestamp")).or(first);
    let count = d.int_at("series.count").or_else(|| d.int_at("count")).filter(|n| *n > 0).unwrap_or(1);
    let kind = d.str_at("involvedObject.kind").unwrap_or_default().to_lowercase();
    let name = d.str_at("involvedObject.name").unwrap_or_default();
    let field = |p: &str| d.str_at(p).unwrap_or_default().to_owned();
    // Events of the new API name their reporter instead of a source.
    let filled = |p: &str, other: &str| Some(field(p)).filter(|t| !t.is_empty()).unwrap_or_else(|| field(other));
    let component = filled("source.component", "reportingComponent");
    let source = match filled("source.host", "reportingInstance") {
        host if host.is_empty() => component,
        host => format!("{component}, {host}"),
    };
    vec![
        age::since(last, f.now_ms),
        field("type"),
        field("reason"),
        if name.is_empty() { kind } else { format!("{kind}/{name}") },
        field("involvedObject.fieldPath"),
        source,
        field("message").trim().to_owned(),
        age::since(first, f.now_ms),
        count.to_string(),
        o.meta.name.clone(),
    ]
}

pub const PVC: &[Column] = &[
    col("NAME"),
    col("STATUS"),
    col("VOLUME"),
    col("CAPACITY"),
    col("ACCESS MODES"),
    col("STORAGECLASS"),
    col("AGE"),
    wide("VOLUMEMODE"),
];

pub fn modes(v: &Value) -> String {
    let short = |m: &Value| match m.as_str() {
        Some("ReadWriteOnce") => "RWO",
        Some("ReadOnlyMany") => "ROX",
        Some("ReadWriteMany") => "RWX",
        Some("ReadWriteOncePod") => "RWOP",
        _ => "",
    };
    v.as_array().map(|l| l.iter().map(short).collect::<Vec<_>>().join(",")).unwrap_or_default()
}

pub fn pvc(o: &Object, f: &Facts) -> Vec<String> {
    let d = &o.doc;
    vec![
        o.meta.name.clone(),
        d.str_at("status.phase").unwrap_or("Pending").to_owned(),
        text(d.at("spec.volumeName")),
        text(d.at("status.capacity.storage")),
        modes(d.at("status.accessModes")),
        text(d.at("spec.storageClassName")),
        age_of(o, f),
        d.str_at("spec.volumeMode").unwrap_or("Filesystem").to_owned(),
    ]
}

pub const PV: &[Column] = &[
    col("NAME"),
    col("CAPACITY"),
    col("ACCESS MODES"),
    col("RECLAIM POLICY"),
    col("STATUS"),
    col("CLAIM"),
    col("STORAGECLASS"),
    col("REASON"),
    col("AGE"),
];

pub fn pv(o: &Object, f: &Facts) -> Vec<String> {
    let d = &o.doc;
    let claim = match (d.str_at("spec.claimRef.namespace"), d.str_at("spec.claimRef.name")) {
        (Some(ns), Some(name)) => format!("{ns}/{name}"),
        _ => String::new(),
    };
    vec![
        o.meta.name.clone(),
        text(d.at("spec.capacity.storage")),
        modes(d.at("spec.accessModes")),
        text(d.at("spec.persistentVolumeReclaimPolicy")),
        text(d.at("status.phase")),
        claim,
        text(d.at("spec.storageClassName")),
        text(d.at("status.reason")),
        age_of(o, f),
    ]
}

pub const LEASE: &[Column] = &[col("NAME"), col("HOLDER"), col("AGE")];

pub fn lease(o: &Object, f: &Facts) -> Vec<String> {
    vec![o.meta.name.clone(), text(o.doc.at("spec.holderIdentity")), age_of(o, f)]
}

pub const PRIORITY_CLASS: &[Column] = &[col("NAME"), col("VALUE"), col("GLOBAL-DEFAULT"), col("AGE"), col("PREEMPTIONPOLICY")];
pub const PRIORITY_CLASS_OLD: &[Column] = &[col("NAME"), col("VALUE"), col("GLOBAL-DEFAULT"), col("AGE")];

pub fn priority_class_old(o: &Object, f: &Facts) -> Vec<String> {
    let d = &o.doc;
    vec![
        o.meta.name.clone(),
        d.int_at("value").unwrap_or(0).to_string(),
        d.bool_at("globalDefault").unwrap_or(false).to_string(),
        age_of(o, f),
    ]
}

pub fn priority_class(o: &Object, f: &Facts) -> Vec<String> {
    let mut cells = priority_class_old(o, f);
    cells.push(o.doc.str_at("preemptionPolicy").unwrap_or("PreemptLowerPriority").to_owned());
    cells
}

pub const STORAGE_CLASS: &[Column] =
    &[col("NAME"), col("PROVISIONER"), col("RECLAIMPOLICY"), col("VOLUMEBINDINGMODE"), col("ALLOWVOLUMEEXPANSION"), col("AGE")];

pub fn storage_class(o: &Object, f: &Facts) -> Vec<String> {
    let d = &o.doc;
    let default = o.meta.annotations.get("storageclass.kubernetes.io/is-default-class").is_some_and(|v| v == "true");
    vec![
        format!("{}{}", o.meta.name, if default { " (default)" } else { "" }),
        text(d.at("provisioner")),
        d.str_at("reclaimPolicy").unwrap_or("Delete").to_owned(),
        d.str_at("volumeBindingMode").unwrap_or("Immediate").to_owned(),
        d.bool_at("allowVolumeExpansion").unwrap_or(false).to_string(),
        age_of(o, f),
    ]
}
