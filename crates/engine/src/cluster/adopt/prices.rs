//! What can be bought where the cluster runs, and what it pays for what it has.

use super::{Choices, Objects};
use crate::controllers::Names;
use crate::pricing::{Market, catalog_era};
use crate::scheduling::{InstanceType, Offering, Requirement};
use crate::totals;
use catalog::{Catalog, Region};
use objects::collections::{VecMap, VecSet};
use objects::{Api, DocExt, Era, Kind, Object, Provider, Resources};

pub struct Found {
    pub market: Market,
    pub region: String,
}

const TYPE: &str = "node.kubernetes.io/instance-type";
const ZONE: &str = "topology.kubernetes.io/zone";
const REGION: &str = "topology.kubernetes.io/region";

/// The market of the nodes' region (or of `wanted`), in the zones that nodes or node classes use. What runs and is not sold
/// there is added, so that its nodes are understood; what has no price counts as free, and a note says so.
pub fn of(objects: &Objects, api: Api, choices: &Choices, notes: &mut Vec<String>) -> Found {
    let nodes: Vec<Object> = objects
        .iter()
        .filter(|(key, _)| key.kind == Kind::Node)
        .map(|(key, doc)| Object::from_doc(key.kind, doc.clone()))
        .collect();
    if api.provider == Provider::Kwok {
        return kwok(&nodes, choices.types.as_deref(), notes);
    }
    let era = api.era;
    let name = choices.region.clone().or_else(|| region_of(&nodes)).unwrap_or_default();
    let mut catalog = Catalog::embedded();
    if let Some((region, packed)) = &choices.prices
        && let Err(error) = catalog.add_region(region, packed)
    {
        notes.push(error.to_string());
    }
    let mut market = match catalog.region(&name, catalog_era(era)) {
        Ok(region) => within(region, &nodes, objects, era, notes),
        Err(error) => {
            let region =
                if name.is_empty() { "no node has a label topology.kubernetes.io/region".to_owned() } else { error.to_string() };
            notes.push(format!("no prices and no types to buy: {region}; name a region to use its own"));
            Market::default()
        }
    };
    also_runs(&mut market, &nodes, notes);
    let region = market.region().map(|r| r.name.clone()).unwrap_or_default();
    Found { market, region }
}

/// What the kwok provider sells: what it was told to, or what it is built with.
fn kwok(nodes: &[Object], types: Option<&str>, notes: &mut Vec<String>) -> Found {
    if types.is_none() {
        notes.push("the types that Karpenter's kwok provider is built with are assumed: name its file if it has one".to_owned());
    }
    let mut market = Market::kwok(types).unwrap_or_else(|error| {
        notes.push(format!("no types to buy: {error}"));
        Market::default()
    });
    let bought: Vec<Object> = nodes.iter().filter(|n| n.meta.labels.contains_key("karpenter.sh/nodepool")).cloned().collect();
    also_runs(&mut market, &bought, notes);
    Found { market, region: String::new() }
}

fn also_runs(market: &mut Market, nodes: &[Object], notes: &mut Vec<String>) {
    let mut unpriced: VecMap<String, usize> = VecMap::new();
    let seen: Vec<InstanceType> = nodes.iter().filter_map(|node| running(node, market, &mut unpriced)).collect();
    market.also_runs(seen);
    for (what, n) in &unpriced {
        notes.push(format!("no price for {n} node{} of {what}: counted as free", if *n == 1 { "" } else { "s" }));
    }
}

/// The region that most nodes are in.
fn region_of(nodes: &[Object]) -> Option<String> {
    let mut votes: VecMap<&str, usize> = VecMap::new();
    for region in nodes.iter().filter_map(|n| n.meta.labels.get(REGION)) {
        *votes.entry(region).or_default() += 1;
    }
    votes.iter().max_by_key(|(_, n)| **n).map(|(region, _)| (*region).to_owned())
}

fn within(region: Region, nodes: &[Object], objects: &Objects, era: Era, notes: &mut Vec<String>) -> Market {
    let class = Names::of(era).node_class;
    let mut zones: VecSet<String> = nodes.iter().filter_map(|n| n.meta.labels.get(ZONE)).cloned().collect();
    for (_, doc) in objects.iter().filter(|(key, _)| key.kind == class) {
        zones.extend(doc.list_at("status.subnets").iter().filter_map(|s| s.str_at("zone").map(str::to_owned)));
    }
    let known: Vec<String> = zones.iter().filter(|zone| region.zones.iter().any(|z| z.name == **zone)).cloned().collect();
    let strange: Vec<&str> = zones.iter().filter(|zone| !known.contains(zone)).map(String::as_str).collect();
    if !strange.is_empty() {
        notes.push(format!("zones {} are none of {}: nothing is bought there", strange.join(", "), region.name));
    }
    if known.is_empty() {
        let first: Vec<String> = region.zones.iter().take(3).map(|z| z.name.clone()).collect();
        return Market::within(region, era, &first);
    }
    Market::within(region, era, &known)
}

/// The node's type with the one offering that it is of, where the market does not have that already.
fn running(node: &Object, market: &Market, unpriced: &mut VecMap<String, usize>) -> Option<InstanceType> {
    let label = |key: &str| node.meta.labels.get(key).map(String::as_str).filter(|v| !v.is_empty());
    let Some(name) = label(TYPE) else {
        *unpriced.entry("unknown type".to_owned()).or_default() += 1;
        return None;
    };
    let zone = label(ZONE).unwrap_or_default();
    let spot = totals::capacity_type(node) == "spot";
    let capacity_type = if spot { "spot" } else { "on-demand" };
    if market.types().named(name).is_some_and(|(_, t)| t.price_micro(capacity_type, zone).is_some()) {
        return None;
    }
    let price = price(market, name, zone, spot).unwrap_or_else(|| {
        *unpriced.entry(format!("{name} ({capacity_type})")).or_default() += 1;
        0
    });
    let typed = node.node()?;
    let mut overhead = Resources::default();
    for (resource, capacity) in &typed.capacity.0 {
        overhead = overhead.with(resource, capacity.saturating_sub(typed.allocatable.get(resource)));
    }
    // Labels that say something of the machine, and not of this one.
    let of_type = |key: &str| {
        key.starts_with("karpenter.k8s.aws/instance-") || ["kubernetes.io/arch", "kubernetes.io/os", REGION].contains(&key)
    };
    let labels = node.meta.labels.iter().filter(|(key, _)| of_type(key)).map(|(key, value)| Requirement::is_in(key, [value]));
    let offering = Offering::new(zone, capacity_type, price);
    Some(InstanceType::new(name, labels, typed.capacity.clone(), overhead, vec![offering]))
}

/// What is known of it elsewhere: the list price, for spot the highest of the region's other zones.
fn price(market: &Market, name: &str, zone: &str, spot: bool) -> Option<i64> {
    if !spot {
        return market.on_demand_micro(name);
    }
    let zones = market.zones().chain([zone]);
    zones.filter_map(|zone| market.spot_micro(name, zone)).max().or_else(|| market.on_demand_micro(name))
}
