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

/// The DaemonSets' pods of one round. Era v1 relaxes them while it looks at pools and types and never takes that back,
/// so what was asked before decides what is answered later: pools come first, then existing nodes.
#[derive(Debug)]
pub struct Residents<'a> {
    /// With the requirements that follow from each shape as it is.
    all: Vec<(&'a DaemonInput, Shape, Requirements)>,
}

impl<'a> Residents<'a> {
    pub fn new(cluster: &'a Cluster) -> Residents<'a> {
        let read = |d: &'a DaemonInput| {
            let shape = Shape::of_spec(&d.spec);
            let asked = shape.requirements(cluster.rules.era == Era::V1alpha5);
            (d, shape, asked)
        };
        Residents { all: cluster.daemons.iter().map(read).collect() }
    }

    /// Which DaemonSets would run on a new node of the pool and type: the required terms of each are tried in turn, and
    /// those that fail are gone.
    fn on(&mut self, node_taints: &[Taint], pool: &Requirements, era: Era, t: &Requirements) -> Vec<usize> {
        let runs = |(_, shape, asked): &mut (&DaemonInput, Shape, Requirements)| {
            // A DaemonSet does not mind a preference not to run on a node.
            preferences::tolerate_prefer(shape);
            if !taints::tolerated(node_taints, &shape.tolerations) {
                return false;
            }
            while !(pool.compatible(asked, Some(era)) && t.intersects(asked)) {
                if preferences::required_node_term(shape).is_none() {
                    return false;
                }
                *asked = shape.requirements(false);
            }
            true
        };
        self.all.iter_mut().enumerate().filter_map(|(i, d)| runs(d).then_some(i)).collect()
    }

    /// What they will still take of an existing node: those that belong there less what already runs.
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

/// The groups of a pool's types, given the taints and requirements of its new nodes.
pub fn groups(
    cluster: &Cluster,
    node_taints: &[Taint],
    requirements: &Requirements,
    types: &TypeSet,
    residents: &mut Residents<'_>,
) -> Vec<DaemonGroup> {
    let era = cluster.rules.era;
    if era == Era::V1alpha5 {
        let runs = |d: &&DaemonInput| {
            let shape = Shape::of_spec(&d.spec);
            taints::tolerated(node_taints, &shape.tolerations) && requirements.compatible(&shape.requirements(true), Some(era))
        };
        let running: Vec<&DaemonInput> = cluster.daemons.iter().filter(runs).collect();
        return vec![DaemonGroup { types: types.clone(), overhead: sum(&running), ports: Vec::new() }];
    }
    let mut by_set: VecMap<Vec<usize>, TypeSet> = VecMap::new();
    for i in types.iter() {
        let Some(t) = cluster.types.get(i) else { continue };
        let set = residents.on(node_taints, requirements, era, &t.requirements);
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

fn sum(daemons: &[&DaemonInput]) -> Resources {
    let mut total = Resources::default().with(PODS, i64::try_from(daemons.len()).unwrap_or(i64::MAX));
    for d in daemons {
        total.add(&d.spec.requests);
    }
    total
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::super::{Cluster, DaemonInput, Round, solve};
    use objects::typed::PodSpec;
    use objects::{DocExt, Era, json};
    use std::sync::Arc;

    /// A DaemonSet of one CPU that runs on amd64 by its second required term.
    fn with_daemon(era: Era) -> Cluster {
        let mut c = cluster(era);
        c.pools.push(pool("default", &["c5.large"]));
        let term = |arch: &str| json!({"matchExpressions": [{"key": "kubernetes.io/arch", "operator": "In", "values": [arch]}]});
        let mut spec = cpu("1");
        let path = "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms";
        spec.set(path, json!([term("arm64"), term("amd64")]));
        c.daemons.push(DaemonInput { id: "kube-system/agent".to_owned(), spec: Arc::new(PodSpec::read(&spec)) });
        c
    }

    #[test]
    fn terms_given_up_for_a_pool_are_given_up_for_nodes() {
        for (era, on_node) in [(Era::V1alpha5, 1), (Era::V1, 0)] {
            let mut c = with_daemon(era);
            node(&mut c, "n", "c5.large", "default", 0);
            c.nodes[0].daemon_requests = Default::default();
            c.nodes[0].available = c.types.named("c5.large").unwrap().1.allocatable.clone();
            pods(&mut c, "web", 1, &cpu("1"));
            let plan = solve(&c, &Round::default());
            assert_eq!(plan.existing.len(), on_node, "{era:?}: {plan:?}");
        }
    }
}
