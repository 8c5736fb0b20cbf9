//! The cloud behind the objects: an instance for each node and each launched claim, and a node class for each that pools
//! name.

use super::{Objects, put};
use crate::controllers::{CLOUD_REASONS, Names, OBSERVED};
use crate::environment::cloud::HELD;
use crate::pricing::Market;
use crate::totals;
use objects::collections::{VecMap, VecSet};
use objects::{Api, DocExt, Kind, Object, ObjectKey, Provider, Value, json};
use std::collections::BTreeMap;

/// Marks the node classes that a real cloud has resolved, and makes one for each that is named but was not read.
pub fn give_classes(objects: &mut Objects, unread: &BTreeMap<(String, String), usize>, api: Api, notes: &mut Vec<String>) {
    let names = Names::of(api);
    let mut wanted: VecSet<String> = VecSet::new();
    for (key, doc) in objects.iter_mut() {
        if key.kind == names.node_class && doc.at("status").is_object() {
            put(doc.slot("metadata.annotations"), OBSERVED, "true");
        } else if key.kind == names.pool || key.kind == names.claim {
            let typed = Object::from_doc(key.kind, doc.clone());
            let class = typed.pool().map(|p| &p.node_class).or_else(|| typed.claim().map(|c| &c.node_class));
            wanted.extend(class.filter(|name| !name.is_empty()).cloned());
        }
    }
    let mut made = Vec::new();
    for name in wanted {
        let key = ObjectKey::cluster(names.node_class, &name);
        if objects.contains_key(&key) {
            continue;
        }
        objects.insert(key, stand_in_class(&name, api));
        made.push(name);
    }
    if !made.is_empty() {
        let others: Vec<&str> =
            unread.keys().filter(|(_, kind)| kind.ends_with("NodeClass")).map(|(_, kind)| kind.as_str()).collect();
        let why = if others.is_empty() { String::new() } else { format!(" ({} is not modelled)", others.join(", ")) };
        let list = made.join(", ");
        notes.push(format!("{} {list} not read{why}: taken as one with a subnet in every zone in use", names.node_class.name()));
    }
}

/// A node class that asks for nothing of its own.
pub fn stand_in_class(name: &str, api: Api) -> Value {
    let kind = Names::of(api).node_class;
    let spec = match kind {
        Kind::EC2NodeClass => json!({"amiSelectorTerms": [{"alias": "al2023@latest"}]}),
        _ => json!({}),
    };
    json!({
        "apiVersion": kind.api_version(), "kind": kind.name(),
        "metadata": {"name": name, "uid": format!("stand-in-{name}"), "generation": 1}, "spec": spec,
    })
}

/// The records of what runs. Claims that are launching have theirs too, on its way to become a node. The nodes of the kwok
/// provider are all there is of them.
pub fn instances(objects: &Objects, market: &Market, api: Api) -> Vec<Value> {
    if api.provider == Provider::Kwok {
        return Vec::new();
    }
    let names = Names::of(api);
    let typed = |kind: Kind| {
        objects.iter().filter(move |(key, _)| key.kind == kind).map(|(key, doc)| Object::from_doc(key.kind, doc.clone()))
    };
    let mut claims: VecMap<String, Object> = typed(names.claim)
        .filter_map(|claim| Some((claim.claim()?.provider_id.clone(), claim)))
        .filter(|(id, _)| !id.is_empty())
        .collect();
    let mut made = Vec::new();
    for node in typed(Kind::Node) {
        let Some(id) = node.node().map(|n| n.provider_id.clone()).filter(|id| !id.is_empty()) else { continue };
        let claim = claims.remove(&id);
        made.extend(instance(&id, Some(&node), claim.as_ref(), market));
    }
    for (id, claim) in claims.iter() {
        made.extend(instance(id, None, Some(claim), market));
    }
    made
}

fn instance(provider_id: &str, node: Option<&Object>, claim: Option<&Object>, market: &Market) -> Option<Value> {
    let name = provider_id.rsplit('/').next().filter(|n| !n.is_empty())?;
    let of = node.or(claim)?;
    let label = |key: &str| of.meta.labels.get(key).map_or("", String::as_str);
    let (instance_type, zone) = (label("node.kubernetes.io/instance-type"), label("topology.kubernetes.io/zone"));
    let spot = totals::capacity_type(of) == "spot";
    let capacity_type = if spot { "spot" } else { "on-demand" };
    // What the table knows includes types that are no longer sold.
    let listed = market.types().named(instance_type).and_then(|(_, t)| t.price_micro(capacity_type, zone));
    let price = listed.or_else(|| market.price_micro(instance_type, zone, capacity_type)).unwrap_or(0);
    let on_demand = market.on_demand_micro(instance_type).unwrap_or(price);
    let (ready, initialized) =
        (node.and_then(Object::node).is_some_and(|n| n.ready), claim.is_none_or(|c| c.claim().is_some_and(|c| c.initialized)));
    // A node that has been up and is not ready has a kubelet that does not work.
    let silent = node.is_some() && !ready && initialized;
    let mut spec = json!({
        "instanceType": instance_type, "zone": zone, "capacityType": capacity_type, "priceMicro": price,
        "onDemandMicro": on_demand, "claim": claim.map_or("", |c| c.meta.name.as_str()), "providerID": provider_id,
        "privateIP": node.and_then(Object::node).map_or("", |n| n.internal_ip.as_str()),
        "nodeName": node.map_or("", |n| n.meta.name.as_str()), "nodeLabels": {}, "taints": [], "startupTaints": [],
    });
    if let Some(claim) = claim {
        if let Some(reason) = drifted(claim) {
            spec.set("drift", reason);
        }
        if node.is_none() {
            launching(claim, name, &mut spec);
        }
    }
    Some(json!({
        "apiVersion": Kind::Instance.api_version(), "kind": Kind::Instance.name(),
        "metadata": {
            "name": name, "uid": name, "finalizers": [HELD],
            "creationTimestamp": of.doc.at("metadata.creationTimestamp").clone(),
        },
        "spec": spec,
        "status": {"state": if node.is_some() { "running" } else { "pending" }, "kubelet": if silent { "down" } else { "up" }},
    }))
}

/// What the cloud said of the claim's instance, which the objects alone do not tell.
fn drifted(claim: &Object) -> Option<&'static str> {
    let condition = claim.condition("Drifted").or_else(|| claim.condition("MachineDrifted"))?;
    let reason = condition.str_at("reason").filter(|_| condition.str_at("status") == Some("True"))?;
    CLOUD_REASONS.into_iter().find(|r| *r == reason)
}

/// What the node of an instance that boots will carry.
fn launching(claim: &Object, name: &str, spec: &mut Value) {
    let Some(typed) = claim.claim() else { return };
    let mut labels = json!({});
    for e in typed.requirements.iter().filter(|e| e.operator == objects::selector::Operator::In && e.values.len() == 1) {
        put(&mut labels, &e.key, e.values.first().cloned());
    }
    claim.meta.labels.iter().for_each(|(key, value)| put(&mut labels, key, value.as_str()));
    spec.set("nodeLabels", labels);
    spec.set("taints", claim.doc.at("spec.taints").clone());
    spec.set("startupTaints", claim.doc.at("spec.startupTaints").clone());
    spec.set("nodeName", if typed.node_name.is_empty() { name } else { &typed.node_name });
}
