//! What DaemonSets will take of a node before any other pod runs there.
//! Source: kubernetes-sigs/karpenter pkg/controllers/provisioning/scheduling/scheduler.go v0.31.4 and v1.14.1.
//!
//! Era v1alpha5 knows one figure per pool; v1 one per set of types that the same DaemonSets would run on.

use super::cluster::{Cluster, DaemonInput, NodeInput};
use super::pod_class::Shape;
use super::preferences;
use super::requirements::Requirements;
use super::taints;
use super::type_set::TypeSet;
use objects::collections::VecMap;
use objects::resources::PODS;
use objects::typed::{HostPort, Taint};
use objects::{Era, Resources};

/// Types that carry the same DaemonSets.
#[derive(Clone, Debug, PartialEq)]
pub struct DaemonGroup {
    pub types: TypeSet,
    /// Sum of requests, with the number of pods under `pods`; empty (v1) where no DaemonSet runs.
    pub overhead: Resources,
    /// Ports of the node that the DaemonSets occupy (v1 only).
    pub ports: Vec<HostPort>,
}

/// The groups of a pool's types, given the taints and requirements of its new nodes.
pub fn groups(cluster: &Cluster, node_taints: &[Taint], requirements: &Requirements, types: &TypeSet) -> Vec<DaemonGroup> {
    let era = cluster.rules.era;
    if era == Era::V1alpha5 {
        let runs = |d: &&DaemonInput| {
            let shape = Shape::of_spec(&d.spec);
            taints::tolerated(node_taints, &shape.tolerations) && requirements.compatible(&shape.requirements(true), Some(era))
        };
        let running: Vec<&DaemonInput> = cluster.daemons.iter().filter(runs).collect();
        return vec![DaemonGroup { types: types.clone(), overhead: sum(&running), ports: Vec::new() }];
    }
    // Each DaemonSet with the alternatives that it accepts of a node of this pool.
    let candidates: Vec<(usize, Vec<Requirements>)> =
        cluster.daemons.iter().enumerate().filter_map(|(i, d)| Some((i, accepted(d, node_taints, requirements, era)?))).collect();
    let mut by_set: VecMap<Vec<usize>, TypeSet> = VecMap::new();
    for i in types.iter() {
        let Some(t) = cluster.types.get(i) else { continue };
        let runs = |terms: &[Requirements]| terms.iter().any(|r| t.requirements.intersects(r));
        let set: Vec<usize> = candidates.iter().filter(|(_, terms)| runs(terms)).map(|(d, _)| *d).collect();
        by_set.entry(set).or_insert_with(|| TypeSet::empty(cluster.types.len())).insert(i);
    }
    let group = |(set, types): (Vec<usize>, TypeSet)| {
        let running: Vec<&DaemonInput> = set.iter().filter_map(|d| cluster.daemons.get(*d)).collect();
        let overhead = if running.is_empty() { Resources::default() } else { sum(&running) };
        let ports = running.iter().flat_map(|d| d.spec.host_ports.iter().cloned()).collect();
        DaemonGroup { types, overhead, ports }
    };
    by_set.into_iter().map(group).collect()
}

/// The node affinity alternatives under which the DaemonSet would run on nodes of the pool; `None` where it never does.
fn accepted(d: &DaemonInput, node_taints: &[Taint], requirements: &Requirements, era: Era) -> Option<Vec<Requirements>> {
    let mut shape = Shape::of_spec(&d.spec);
    // A DaemonSet does not mind a preference not to run on a node.
    preferences::tolerate_prefer(&mut shape);
    if !taints::tolerated(node_taints, &shape.tolerations) {
        return None;
    }
    let mut terms = vec![shape.requirements(false)];
    while preferences::required_node_term(&mut shape).is_some() {
        terms.push(shape.requirements(false));
    }
    terms.retain(|t| requirements.compatible(t, Some(era)));
    (!terms.is_empty()).then_some(terms)
}

/// The DaemonSets as existing nodes see them.
pub struct Residents<'a> {
    all: Vec<(&'a DaemonInput, Shape, Requirements)>,
}

impl<'a> Residents<'a> {
    pub fn new(cluster: &'a Cluster) -> Residents<'a> {
        let era = cluster.rules.era;
        let read = |d: &'a DaemonInput| {
            let mut shape = Shape::of_spec(&d.spec);
            if era == Era::V1 {
                preferences::tolerate_prefer(&mut shape);
            }
            let requirements = shape.requirements(era == Era::V1alpha5);
            (d, shape, requirements)
        };
        Residents { all: cluster.daemons.iter().map(read).collect() }
    }

    /// What they will still take of a node: those that belong there less what already runs.
    pub fn remaining_on(&self, node: &NodeInput, requirements: &Requirements) -> Resources {
        let belongs = |(_, shape, asked): &&(&DaemonInput, Shape, Requirements)| {
            taints::tolerated(&node.taints, &shape.tolerations) && requirements.compatible(asked, None)
        };
        let mut left = sum(&self.all.iter().filter(belongs).map(|(d, ..)| *d).collect::<Vec<_>>());
        for (name, amount) in &mut left.0 {
            *amount = amount.saturating_sub(node.daemon_requests.get(name)).max(0);
        }
        left
    }
}

fn sum(daemons: &[&DaemonInput]) -> Resources {
    let mut total = Resources::default().with(PODS, i64::try_from(daemons.len()).unwrap_or(i64::MAX));
    for d in daemons {
        total.add(&d.spec.requests);
    }
    total
}
