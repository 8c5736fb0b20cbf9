//! The store as the scheduler reads it: pools, nodes, pods and DaemonSets of this instant, with what Karpenter remembers
//! about them. Sources: kubernetes-sigs/karpenter pkg/controllers/state/{cluster,statenode}.go,
//! pkg/controllers/provisioning/provisioner.go v0.31.4 and v1.14.1.

use super::disruption::pods as voices;
use super::names::Names;
use super::provisioning::is_provisionable;
use super::state::{State, claim_of, node_of};
use super::volumes;
use crate::actor::View;
use crate::scheduling::cluster::{Cluster, DaemonInput, NodeInput, PodInput, PoolInput};
use crate::scheduling::{Rules, TypeTable, taints};
use objects::resources::PODS;
use objects::{Era, Kind, Object, Resources};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the cloud sells, offerings that were out of capacity lately marked.
pub fn types(view: &View<'_>, state: &State) -> Arc<TypeTable> {
    view.market.types_without(&state.unavailable(view.now))
}

/// The cluster at this instant. Pods that Karpenter leaves alone come back with its reason, as (`namespace/name`, words).
pub fn cluster(view: &View<'_>, state: &State) -> (Cluster, Vec<(String, String)>) {
    let names = Names::of(view.era());
    let mut cluster = Cluster::new(Rules::latest(view.era()), Vec::new());
    cluster.types = types(view, state);
    cluster.pools = view.store.list(names.pool).map(|p| pool(p)).collect();
    cluster.nodes = nodes(view, state, names);
    let index: BTreeMap<String, usize> = cluster.nodes.iter().enumerate().map(|(i, n)| (n.name.clone(), i)).collect();
    let mut ignored = Vec::new();
    for object in view.store.list(Kind::Pod) {
        let deleting = |i: usize| cluster.nodes.get(i).is_some_and(|n| n.deleting);
        match pod(object, &index, &deleting, view, names) {
            Ok(Some(pod)) => cluster.pods.push(pod),
            Ok(None) => {}
            Err(words) => ignored.push((object.key().to_string(), words)),
        }
    }
    cluster.daemons = view.store.list(Kind::DaemonSet).filter_map(|d| daemon(d)).collect();
    cluster.namespaces = view.store.list(Kind::Namespace).map(|n| (n.meta.name.clone(), n.meta.labels.clone())).collect();
    (cluster, ignored)
}

fn pool(object: &Object) -> PoolInput {
    let p = object.pool().cloned().unwrap_or_default();
    let ready = object.kind == Kind::Provisioner || object.condition_is_true("Ready");
    PoolInput {
        name: object.meta.name.clone(),
        weight: p.weight,
        node_class: p.node_class,
        labels: p.labels,
        requirements: p.requirements,
        taints: p.taints,
        startup_taints: p.startup_taints,
        limits: p.limits,
        policy: p.policy,
        closed: object.meta.is_deleting() || p.replicas.is_some() || !ready,
    }
}

/// Nodes and claims without one, in order of name.
fn nodes(view: &View<'_>, state: &State, names: &Names) -> Vec<NodeInput> {
    let mut list: Vec<NodeInput> = view
        .store
        .list(Kind::Node)
        .map(|node| input(view, state, names, claim_of(view.store, names, node).map(|c| &**c), Some(node)))
        .collect();
    let alone = view.store.list(names.claim).filter(|c| node_of(view.store, c).is_none());
    list.extend(alone.map(|claim| input(view, state, names, Some(claim), None)));
    list.sort_by(|a, b| a.name.cmp(&b.name));
    list
}

fn input(view: &View<'_>, state: &State, names: &Names, claim: Option<&Object>, node: Option<&Object>) -> NodeInput {
    let c = claim.and_then(Object::claim);
    let n = node.and_then(Object::node);
    let managed = claim.is_some();
    let registered = c.is_none_or(|c| c.registered);
    let initialized = c.map_or_else(|| n.is_some_and(|n| n.ready), |c| c.initialized);
    let own_taints = n.map(|n| n.taints.clone()).unwrap_or_default();
    // Before registration the claim knows better what the node will be.
    let (labels, all_taints) = match (claim, node) {
        (Some(claim), Some(_)) if !registered => (&claim.meta.labels, c.map(|c| c.taints.clone()).unwrap_or_default()),
        (_, Some(node)) => (&node.meta.labels, own_taints.clone()),
        (Some(claim), None) => (&claim.meta.labels, c.map(|c| c.taints.clone()).unwrap_or_default()),
        (None, None) => return NodeInput::default(),
    };
    let fill = |of_node: Option<&Resources>, of_claim: Option<&Resources>| {
        let mut r = of_node.cloned().unwrap_or_default();
        if managed && !initialized {
            for (name, amount) in of_claim.iter().flat_map(|r| &r.0) {
                let slot = r.0.entry(name.clone()).or_insert(0);
                if *slot == 0 {
                    *slot = *amount;
                }
            }
        }
        r
    };
    let mut available = fill(n.map(|n| &n.allocatable), c.map(|c| &c.allocatable));
    let mut daemon_requests = Resources::default();
    let mut host_ports = Vec::new();
    for pod in node.iter().flat_map(|node| view.store.pods_on(&node.meta.name)) {
        let Some(typed) = pod.pod().filter(|p| !p.is_terminal()) else {
            continue;
        };
        let requests = typed.spec.requests.clone().with(PODS, 1);
        available.sub(&requests);
        if typed.is_daemon() {
            daemon_requests.add(&requests);
        }
        if !typed.spec.host_ports.is_empty() {
            host_ports.push((pod.key().to_string(), typed.spec.host_ports.clone()));
        }
    }
    let startup = c.map(|c| c.startup_taints.as_slice()).unwrap_or_default();
    NodeInput {
        name: node.or(claim).map(|o| o.meta.name.clone()).unwrap_or_default(),
        claim: claim.map(|c| c.meta.name.clone()),
        has_node: node.is_some(),
        labels: labels.clone(),
        taints: taints::counted(names.era, &all_taints, startup, managed, initialized),
        node_taints: own_taints,
        capacity: fill(n.map(|n| &n.capacity), c.map(|c| &c.capacity)),
        available,
        daemon_requests,
        host_ports,
        initialized,
        ready: n.is_some_and(|n| n.ready),
        deleting: match claim {
            Some(claim) => state.is_marked(claim, node),
            None => node.is_some_and(|n| n.meta.is_deleting()),
        },
        settling: claim.is_some_and(|claim| is_settling(view, claim)),
        volumes: BTreeMap::new(),
    }
}

/// 1.14: the node's last pod came or went less than its pool's `consolidateAfter` ago.
fn is_settling(view: &View<'_>, claim: &Object) -> bool {
    let names = Names::of(view.era());
    if names.era == Era::V1alpha5 {
        return false;
    }
    let pool = view.store.cluster(names.pool, super::state::pool_name(claim, names));
    let after = pool.and_then(|p| p.pool()).and_then(|p| p.consolidate_after_ms);
    after.is_some_and(|after| super::disruption::marks::quiet_since(claim, names).is_some_and(|t| view.unix_ms() < t + after))
}

fn pod(
    object: &Arc<Object>,
    nodes: &BTreeMap<String, usize>,
    deleting: &dyn Fn(usize) -> bool,
    view: &View<'_>,
    names: &Names,
) -> Result<Option<PodInput>, String> {
    let Some(typed) = object.pod() else {
        return Ok(None);
    };
    let pending = is_provisionable(object);
    if !pending && !typed.is_bound() {
        return Ok(None);
    }
    if pending {
        volumes::validate(object, typed, view)?;
        opted_out(typed, names)?;
    }
    let node = nodes.get(&typed.node_name).copied();
    let mut movable = typed.is_bound() && voices::is_movable(object, names.era);
    if movable && names.era == Era::V1 && node.is_some_and(deleting) {
        // What cannot be evicted for now does not ask for room elsewhere.
        movable = !voices::is_stuck(object, view);
    }
    let cost = object.meta.annotations.get("controller.kubernetes.io/pod-deletion-cost");
    Ok(Some(PodInput {
        namespace: object.meta.namespace.clone(),
        name: object.meta.name.clone(),
        uid: object.meta.uid.clone(),
        created_s: object.meta.created_ms / 1000,
        labels: object.meta.labels.clone(),
        spec: Arc::new(typed.spec.clone()),
        node,
        pending,
        movable,
        counts: typed.is_bound() && !typed.is_terminal() && !object.meta.is_deleting(),
        deletion_cost: cost.and_then(|c| c.parse().ok()).unwrap_or(0),
        volume_terms: volumes::terms(object, typed, view),
        volumes: BTreeMap::new(),
    }))
}

/// Pods that say they want no node of Karpenter's (its own replicas do), or that ask by field.
fn opted_out(pod: &objects::typed::Pod, names: &Names) -> Result<(), String> {
    use objects::selector::Operator;
    let affinity = &pod.spec.affinity;
    let terms = || affinity.node_required.iter().chain(affinity.node_preferred.iter().map(|(_, t)| t));
    let excludes = |t: &objects::typed::NodeSelectorTerm| {
        t.expressions.iter().any(|e| e.key == names.pool_label && e.operator == Operator::DoesNotExist)
    };
    if affinity.node_required.first().is_some_and(excludes) {
        let what = if names.era == Era::V1alpha5 { "provisioner" } else { "nodepool" };
        return Err(match names.era {
            Era::V1alpha5 => {
                format!("configured to not run on a Karpenter provisioned node via {} DoesNotExist requirement", names.pool_label)
            }
            Era::V1 => format!("configured to not run on a Karpenter provisioned node via the {what} label requirement"),
        });
    }
    if terms().any(|t| t.has_match_fields) {
        return Err("node selector term with matchFields is not supported".to_owned());
    }
    Ok(())
}

fn daemon(object: &Object) -> Option<DaemonInput> {
    let spec = object.workload()?.template.clone();
    Some(DaemonInput { id: object.key().to_string(), spec: Arc::new(spec) })
}
