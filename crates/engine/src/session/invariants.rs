//! What must hold after every instant, whatever users and controllers do.

use super::world::World;
use objects::collections::Order as _;
use objects::collections::VecMap;
use objects::typed::Phase;
use objects::{Kind, Resources};

/// The sentences that do not hold; empty in a sound world.
///
/// - A pod is bound to a node at most once and the requests of the pods on a node stay within its allocatable.
/// - A pod runs only where it is bound, and an instance is at most one node.
/// - Resource versions never exceed the store's, and grow with the log.
/// - The ledger knows exactly the nodes that exist, and its rate is the sum of their prices.
pub fn check_invariants(world: &World) -> Vec<String> {
    let mut broken = Vec::new();
    nodes_hold_their_pods(world, &mut broken);
    places_are_real(world, &mut broken);
    versions_rise(world, &mut broken);
    ledger_matches(world, &mut broken);
    broken
}

fn nodes_hold_their_pods(world: &World, broken: &mut Vec<String>) {
    let store = &world.cluster.store;
    let mut indexed = 0;
    for node in store.list(Kind::Node) {
        let name = node.meta.name.as_str();
        let Some(typed) = node.node() else { continue };
        let mut used = Resources::default();
        let mut pods = 0;
        for pod in store.pods_on(name) {
            indexed += 1;
            let Some(typed) = pod.pod() else { continue };
            if typed.node_name != name {
                broken.push(format!("pod {} is listed on {name} but bound to {}", pod.key(), typed.node_name));
            }
            // Who names a node himself is checked by its kubelet a moment later.
            if !typed.is_terminal() && pod.condition_is_true("PodScheduled") {
                used.add(&typed.spec.requests);
                pods += 1;
            }
        }
        if typed.allocatable.0.is_empty() {
            continue;
        }
        for (resource, amount) in &used.0 {
            let allocatable = typed.allocatable.get(resource);
            if *amount > allocatable {
                broken.push(format!("pods on {name} request {amount} {resource}, allocatable is {allocatable}"));
            }
        }
        let max_pods = typed.allocatable.get(objects::resources::PODS);
        if max_pods > 0 && pods > max_pods {
            broken.push(format!("{pods} pods on {name}, which allows {max_pods}"));
        }
    }
    let bound = store.list(Kind::Pod).filter(|p| p.pod().is_some_and(|p| p.is_bound())).count();
    let orphaned = store
        .list(Kind::Pod)
        .filter(|p| p.pod().is_some_and(|p| p.is_bound() && store.cluster(Kind::Node, &p.node_name).is_none()))
        .count();
    if indexed + orphaned != bound {
        broken.push(format!("{indexed} pods are listed on nodes and {orphaned} on none, but {bound} are bound"));
    }
}

fn places_are_real(world: &World, broken: &mut Vec<String>) {
    let store = &world.cluster.store;
    for pod in store.list(Kind::Pod) {
        if pod.pod().is_some_and(|p| p.phase == Phase::Running && !p.is_bound()) {
            broken.push(format!("pod {} runs without a node", pod.key()));
        }
    }
    let mut nodes = VecMap::new();
    for node in store.list(Kind::Node) {
        let id = node.node().map_or("", |n| n.provider_id.as_str());
        if let Some(other) = nodes.insert(id, &node.meta.name).filter(|_| !id.is_empty()) {
            broken.push(format!("nodes {other} and {} are the same instance {id}", node.meta.name));
        }
    }
}

fn versions_rise(world: &World, broken: &mut Vec<String>) {
    let store = &world.cluster.store;
    let mut seen = VecMap::new();
    for object in store.all() {
        let version = object.meta.resource_version;
        if version > store.revision() {
            broken.push(format!("{} {} has version {version}, newer than the store", object.kind.name(), object.key()));
        }
        if let Some(other) = seen.insert(version, object) {
            let other = other.key();
            broken.push(format!("{other} and {} share version {version}", object.key()));
        }
    }
}

fn ledger_matches(world: &World, broken: &mut Vec<String>) {
    let nodes: Vec<&str> = world.cluster.store.list(Kind::Node).map(|n| n.meta.name.as_str()).collect();
    let mut priced: Vec<&str> = world.ledger.live().map(|e| e.node.as_str()).collect();
    priced.order();
    if nodes != priced {
        broken.push(format!("nodes are {nodes:?}, the ledger counts {priced:?}"));
    }
    let rate: i64 = world.ledger.live().map(|e| e.price_micro).sum();
    let last = world.ledger.series.last().map_or(0, |p| p.on_demand_micro + p.spot_micro);
    if rate != last {
        broken.push(format!("the rate is {rate} micro-dollars per hour, the series ends at {last}"));
    }
}
