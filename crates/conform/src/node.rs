//! Nodes of a scenario with what their pool, their type and their claim add to them.

use crate::Fault;
use crate::expand::{AGE, DELETING, Expansion, INITIALIZED, POD_EVENT, annotation, name_of, without_own};
use engine::Era;
use engine::scheduling::{InstanceType, text};
use objects::collections::VecMap;
use objects::{DocExt, Kind, Resources, Value, duration, json, time};

/// Between a node's creation and its initialization.
const UP_MS: i64 = 60_000;
const HOSTNAME: &str = "kubernetes.io/hostname";
const REGISTERED: &str = "karpenter.sh/registered";
const IS_INITIALIZED: &str = "karpenter.sh/initialized";

pub(crate) fn expand(e: &mut Expansion<'_>, o: &Value) -> Result<(), Fault> {
    let name = name_of(o);
    let label_of_pool = if e.era == Era::V1 { "karpenter.sh/nodepool" } else { "karpenter.sh/provisioner-name" };
    let mut labels = o.strings_at("metadata.labels");
    default(&mut labels, HOSTNAME, name);
    let owner = labels.get(label_of_pool).filter(|p| !p.is_empty()).cloned();
    let pool = owner.as_deref().and_then(|p| e.pools.iter().copied().find(|x| name_of(x) == p));
    let mut taints = o.list_at("spec.taints").to_vec();
    if owner.is_some() {
        default(&mut labels, REGISTERED, "true");
        if annotation(o, INITIALIZED) != Some("false") {
            default(&mut labels, IS_INITIALIZED, "true");
        }
    }
    if let Some(pool) = pool {
        for (k, v) in pool.strings_at("spec.template.metadata.labels") {
            default(&mut labels, &k, &v);
        }
        if e.era == Era::V1 {
            let class = pool.at("spec.template.spec.nodeClassRef");
            let part = |key: &str, otherwise: &str| class.str_at(key).unwrap_or(otherwise).to_owned();
            let key = format!("{}/{}", part("group", "karpenter.k8s.aws"), part("kind", "EC2NodeClass").to_lowercase());
            default(&mut labels, &key, &part("name", "default"));
        }
        pool.list_at("spec.template.spec.taints").iter().for_each(|t| add_taint(&mut taints, t));
    }
    let (mut capacity, mut allocatable) = (o.at("status.capacity").clone(), o.at("status.allocatable").clone());
    let entry = labels.get("node.kubernetes.io/instance-type").and_then(|t| e.catalogue.entry(t));
    if let Some(entry) = entry {
        for (k, v) in entry.strings_at("labels") {
            default(&mut labels, &k, &v);
        }
        let t = InstanceType::read(entry).unwrap_or_default();
        for (slot, of_type) in [(&mut capacity, &t.capacity), (&mut allocatable, &t.allocatable)] {
            if is_empty(slot) {
                *slot = list(of_type);
            }
        }
    }
    if is_empty(&allocatable) {
        allocatable = capacity.clone();
    }
    if is_empty(&capacity) {
        capacity = allocatable.clone();
    }
    if o.bool_at("spec.unschedulable") == Some(true) {
        add_taint(&mut taints, &json!({"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}));
    }
    let zone = labels.get("topology.kubernetes.io/zone").map_or("", String::as_str);
    let provider = o.str_at("spec.providerID").filter(|id| !id.is_empty());
    let provider = provider.map_or_else(|| format!("fake:///{zone}/{name}"), str::to_owned);
    let created = e.born(annotation(o, AGE), 60)?;
    let mut node = o.clone();
    node.set("spec.providerID", provider);
    node.set("spec.taints", taints);
    node.set("metadata.labels", json!(labels));
    node.set("metadata.creationTimestamp", created);
    node.set("metadata.uid", format!("node-{name}"));
    node.set("status.capacity", capacity);
    node.set("status.allocatable", allocatable);
    if o.list_at("status.conditions").is_empty() {
        node.set("status.conditions", json!([{"type": "Ready", "status": "True"}]));
    }
    if owner.is_some() && !e.given.contains(name) {
        claim(e, &node, pool)?;
    }
    if annotation(o, DELETING) == Some("true") {
        e.out.marked.insert(name.to_owned());
    }
    without_own(&mut node);
    e.put(Kind::Node, node);
    Ok(())
}

/// The claim of the same name that Karpenter made the node from.
fn claim(e: &mut Expansion<'_>, node: &Value, pool: Option<&Value>) -> Result<(), Fault> {
    let name = name_of(node).to_owned();
    let created = node.str_at("metadata.creationTimestamp").unwrap_or_default().to_owned();
    let up_ms = time::parse_rfc3339(&created).unwrap_or(0).saturating_add(UP_MS);
    let event = annotation(node, POD_EVENT).map(str::to_owned);
    let since = match event.as_deref() {
        None => up_ms,
        Some(text) => time::parse_rfc3339(text).ok_or_else(|| Fault(format!("annotation {POD_EVENT} {text:?} is no time")))?,
    };
    let v1 = e.era == Era::V1;
    let condition = |kind: &str, at: &str| {
        let kind = if v1 { kind.to_owned() } else { format!("Machine{kind}") };
        json!({"type": kind, "status": "True", "reason": kind, "lastTransitionTime": at})
    };
    let up = time::rfc3339(up_ms);
    let mut conditions = vec![condition("Launched", &created), condition("Registered", &up)];
    let mut labels = node.strings_at("metadata.labels");
    if labels.get(IS_INITIALIZED).is_some_and(|v| v == "true") {
        conditions.push(condition("Initialized", &up));
        let after = pool.map(|p| p.str_at("spec.disruption.consolidateAfter").unwrap_or("0s"));
        let quiet = after.and_then(duration::parse_go_ms).is_some_and(|ms| e.now_ms.saturating_sub(since) >= ms);
        if v1 && quiet {
            conditions.push(condition("Consolidatable", &time::rfc3339(e.now_ms)));
        }
    }
    labels.retain(|k, _| ![HOSTNAME, REGISTERED, IS_INITIALIZED].contains(&k.as_str()));
    let template = pool.map_or(&Value::Null, |p| p.at("spec.template.spec"));
    let expire = match pool {
        Some(_) => template.str_at("expireAfter").unwrap_or("720h").into(),
        None => Value::Null,
    };
    let mut claim = json!({
        "metadata": {
            "name": name, "labels": labels, "annotations": node.at("metadata.annotations"), "creationTimestamp": created,
        },
        "spec": {"taints": template.at("taints"), "startupTaints": template.at("startupTaints")},
        "status": {
            "providerID": node.at("spec.providerID"), "nodeName": name, "conditions": conditions,
            "capacity": node.at("status.capacity"), "allocatable": node.at("status.allocatable"), "lastPodEventTime": event,
        },
    });
    if v1 {
        claim.set("spec.expireAfter", expire);
    }
    without_own(&mut claim);
    e.put(Kind::claim(e.era), claim);
    Ok(())
}

fn default(labels: &mut VecMap<String, String>, key: &str, value: &str) {
    labels.entry(key.to_owned()).or_insert_with(|| value.to_owned());
}

/// Adds a taint that is not there yet.
fn add_taint(taints: &mut Vec<Value>, taint: &Value) {
    let same = |t: &Value, key: &str| t.str_at(key).unwrap_or_default() == taint.str_at(key).unwrap_or_default();
    if !taints.iter().any(|t| ["key", "value", "effect"].iter().all(|k| same(t, k))) {
        taints.push(taint.clone());
    }
}

fn is_empty(list: &Value) -> bool {
    list.as_object().is_none_or(objects::Map::is_empty)
}

fn list(r: &Resources) -> Value {
    let one = |(k, v): (&String, &i64)| (k.clone(), Value::from(text::quantity(k, *v)));
    Value::Object(r.0.iter().filter(|(_, v)| **v != 0).map(one).collect())
}
