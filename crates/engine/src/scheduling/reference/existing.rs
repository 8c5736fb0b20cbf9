//! The reference's view of a node that exists, or is coming up, as a place for pods.
//! Source: kubernetes-sigs/karpenter pkg/controllers/provisioning/scheduling/existingnode.go v0.31.4 and v1.14.1.

use super::cluster::{Cluster, NodeInput};
use super::daemons::Residents;
use super::host_ports;
use super::labels;
use super::pod_class::{Class, Names, covers};
use super::requirements::{Requirement, Requirements};
use super::taints;
use super::topology::Topology;
use objects::Era;
use objects::collections::VecMap;
use objects::typed::HostPort;
use std::sync::Arc;

#[derive(Debug)]
pub struct Existing {
    /// Index into the cluster's nodes.
    pub node: usize,
    pub pods: Vec<usize>,
    /// What is left over the round's resource names.
    remaining: Vec<i64>,
    /// Something is used beyond what there is: no pod fits, whatever it asks.
    overdrawn: bool,
    requirements: Requirements,
    ports: Vec<HostPort>,
    volumes: VecMap<String, u32>,
}

impl Existing {
    pub fn new(
        cluster: &Cluster,
        index: usize,
        node: &NodeInput,
        names: &Names,
        topology: &mut Topology<'_>,
        residents: &Residents<'_>,
    ) -> Existing {
        let mut requirements = Requirements::of_labels(&node.labels);
        let daemons = residents.remaining_on(node, &requirements);
        let hostname = node.labels.get(labels::HOSTNAME).filter(|h| !h.is_empty()).unwrap_or(&node.name);
        requirements.add(Requirement::is_in(labels::HOSTNAME, [hostname]));
        topology.register(labels::HOSTNAME, &Arc::from(hostname.as_str()));
        let mut left = node.available.clone();
        for (name, amount) in &daemons.0 {
            if let Some(slot) = left.0.get_mut(name) {
                *slot = slot.saturating_sub(*amount);
            }
        }
        let lacks_for_daemons =
            || cluster.rules.era == Era::V1alpha5 && daemons.0.iter().any(|(n, a)| *a > node.available.get(n));
        Existing {
            node: index,
            pods: Vec::new(),
            remaining: names.row(&left),
            overdrawn: left.0.values().any(|v| *v < 0) || lacks_for_daemons(),
            requirements,
            ports: node.host_ports.iter().flat_map(|(_, ports)| ports.iter().cloned()).collect(),
            volumes: VecMap::new(),
        }
    }

    /// The node's requirements with the pod on it.
    pub fn check(&self, node: &NodeInput, class: &Class, topology: &Topology<'_>) -> Option<Requirements> {
        let shape = &class.shape;
        let fits = !self.overdrawn
            && covers(&self.remaining, &class.amounts)
            && taints::tolerated(&node.taints, &shape.tolerations)
            && self.attaches(node, class)
            && host_ports::conflict(&shape.host_ports, self.ports.iter()).is_none()
            && self.requirements.compatible(&class.requirements, None);
        if !fits {
            return None;
        }
        let mut base = self.requirements.clone();
        base.add_all(&class.requirements);
        let try_with = |volumes: Option<&Requirements>| {
            let mut wanted = base.clone();
            if let Some(v) = volumes {
                if !wanted.compatible(v, None) {
                    return None;
                }
                wanted.add_all(v);
            }
            let narrowed = topology.narrow(class, &wanted).ok()?;
            wanted.compatible(&narrowed, None).then(|| {
                wanted.add_all(&narrowed);
                wanted
            })
        };
        if class.volume_alternatives.is_empty() {
            return try_with(None);
        }
        class.volume_alternatives.iter().find_map(|v| try_with(Some(v)))
    }

    fn attaches(&self, node: &NodeInput, class: &Class) -> bool {
        class.shape.volumes.iter().all(|(driver, n)| {
            let taken = self.volumes.get(driver).copied().unwrap_or(0);
            node.volumes.get(driver).is_none_or(|(used, limit)| used.saturating_add(taken).saturating_add(*n) <= *limit)
        })
    }

    pub fn add(&mut self, pod: usize, class: &Class, requirements: Requirements, node: &NodeInput, topology: &mut Topology<'_>) {
        self.pods.push(pod);
        for (left, asked) in self.remaining.iter_mut().zip(&class.amounts) {
            *left = left.saturating_sub(*asked);
        }
        topology.record(class, &node.taints, &requirements, false);
        self.requirements = requirements;
        self.ports.extend(class.shape.host_ports.iter().cloned());
        for (driver, n) in &class.shape.volumes {
            *self.volumes.entry(driver.clone()).or_insert(0) += n;
        }
    }
}
