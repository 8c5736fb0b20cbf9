//! A node that exists, or is coming up, as a place for pods.
//! Source: kubernetes-sigs/karpenter pkg/controllers/provisioning/scheduling/existingnode.go v0.31.4 and v1.14.1.

use super::cluster::{Cluster, NodeInput};
use super::daemons::Residents;
use super::host_ports;
use super::labels;
use super::pod_class::{Class, Kind, Names, covers};
use super::requirements::Requirements;
use super::states::States;
use super::taints;
use super::topology::Hosts;
use objects::Era;
use objects::collections::VecMap;
use objects::typed::HostPort;

#[derive(Clone, Debug)]
pub struct Existing {
    /// Index into the cluster's nodes.
    pub node: usize,
    pub pods: Vec<usize>,
    /// What is left over the planner's resource names.
    remaining: Vec<i64>,
    /// Something is used beyond what there is: no pod fits, whatever it asks.
    overdrawn: bool,
    pub state: u32,
    pub host: u32,
    ports: Vec<HostPort>,
    volumes: VecMap<String, u32>,
}

impl Existing {
    pub fn new(
        cluster: &Cluster,
        index: usize,
        node: &NodeInput,
        names: &Names,
        residents: &Residents<'_>,
        states: &mut States<'_>,
        hosts: &mut Hosts,
    ) -> Existing {
        let requirements = Requirements::of_labels(&node.labels);
        let daemons = residents.remaining_on(node, &requirements);
        let hostname = node.labels.get(labels::HOSTNAME).filter(|h| !h.is_empty()).unwrap_or(&node.name);
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
            state: states.number(requirements, true),
            host: hosts.number(hostname),
            ports: node.host_ports.iter().flat_map(|(_, ports)| ports.iter().cloned()).collect(),
            volumes: VecMap::new(),
        }
    }

    /// Whether the pod could go there as far as neither labels nor topology matter. What is refused here stays refused.
    pub fn holds(&self, node: &NodeInput, kind: &Kind, class: &Class) -> bool {
        let shape = &kind.shape;
        !self.overdrawn
            && covers(&self.remaining, &class.amounts)
            && taints::tolerated(&node.taints, &shape.tolerations)
            && self.attaches(node, kind)
            && host_ports::conflict(&shape.host_ports, self.ports.iter()).is_none()
    }

    fn attaches(&self, node: &NodeInput, kind: &Kind) -> bool {
        kind.shape.volumes.iter().all(|(driver, n)| {
            let taken = self.volumes.get(driver).copied().unwrap_or(0);
            node.volumes.get(driver).is_none_or(|(used, limit)| used.saturating_add(taken).saturating_add(*n) <= *limit)
        })
    }

    pub fn add(&mut self, pod: usize, kind: &Kind, class: &Class, state: u32) {
        self.pods.push(pod);
        for (left, asked) in self.remaining.iter_mut().zip(&class.amounts) {
            *left = left.saturating_sub(*asked);
        }
        self.state = state;
        self.ports.extend(kind.shape.host_ports.iter().cloned());
        for (driver, n) in &kind.shape.volumes {
            *self.volumes.entry(driver.clone()).or_insert(0) += n;
        }
    }
}
