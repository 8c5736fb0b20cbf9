//! What the scheduler knows of nodes: sums of requests kept current with every change, never recounted.
//!
//! Source: kubernetes pkg/scheduler/framework/types.go `NodeInfo` and internal/cache/node_tree.go, v1.28.

use crate::store::{Change, Op};
use objects::collections::{Order as _, VecMap};
use objects::resources::{CPU, MEMORY};
use objects::{DocExt, Kind, Object, Resources};
use std::sync::Arc;

pub(super) type Name = (String, String);

/// What a container without requests counts for in scores: 100m and 200Mi.
const DEFAULT_MILLI_CPU: i64 = 100;
const DEFAULT_MEMORY: i64 = 200 * 1024 * 1024;
const ZONE: &str = "topology.kubernetes.io/zone";

#[derive(Clone, Debug, Default)]
pub(super) struct NodeInfo {
    /// Absent where pods are bound to a node that does not exist (yet).
    pub object: Option<Arc<Object>>,
    pub pods: VecMap<Name, Arc<Object>>,
    pub requested: Resources,
    pub scored_cpu: i64,
    pub scored_memory: i64,
    /// Rises with every change, so that what was derived from it knows when it is stale. No two changes share one.
    pub generation: u64,
}

impl NodeInfo {
    pub fn add(&mut self, pod: &Arc<Object>) {
        let name = (pod.meta.namespace.clone(), pod.meta.name.clone());
        if let Some(old) = self.pods.insert(name, pod.clone()) {
            self.account(&old, -1);
        }
        self.account(pod, 1);
    }

    pub fn remove(&mut self, name: &Name) {
        if let Some(old) = self.pods.remove(name) {
            self.account(&old, -1);
        }
    }

    fn account(&mut self, pod: &Object, sign: i64) {
        if let Some(p) = pod.pod() {
            if sign > 0 { self.requested.add(&p.spec.requests) } else { self.requested.sub(&p.spec.requests) }
        }
        let (cpu, memory) = scored_requests(pod);
        self.scored_cpu += sign * cpu;
        self.scored_memory += sign * memory;
    }
}

/// (milli-CPU, bytes) with the defaults for containers that ask for nothing.
pub(super) fn scored_requests(pod: &Object) -> (i64, i64) {
    let (mut cpu, mut memory) = (0, 0);
    for c in pod.doc.list_at("spec.containers") {
        let mut r = Resources::read(c.at("resources.limits"));
        r.0.extend(Resources::read(c.at("resources.requests")).0);
        cpu += r.0.get(CPU).copied().unwrap_or(DEFAULT_MILLI_CPU);
        memory += r.0.get(MEMORY).copied().unwrap_or(DEFAULT_MEMORY);
    }
    (cpu, memory)
}

#[derive(Clone, Debug, Default)]
pub(super) struct Cache {
    pub nodes: VecMap<String, NodeInfo>,
    /// Rises when nodes come, go or change their labels: positions in `nodes` and domains hold until then.
    pub epoch: u64,
    clock: u64,
    /// Positions in `nodes` of the nodes that exist, in the order in which they are visited.
    order: Arc<[usize]>,
    order_epoch: u64,
}

impl Cache {
    pub fn observe(&mut self, change: &Change) {
        match change.kind() {
            Kind::Node => {
                let node = &change.object;
                if change.op != Op::Modified || change.old.as_ref().is_none_or(|o| o.meta.labels != node.meta.labels) {
                    self.epoch += 1;
                }
                let info = self.touch(&node.meta.name);
                info.object = (change.op != Op::Deleted).then(|| node.clone());
                self.tidy(&node.meta.name);
            }
            Kind::Pod => {
                if let Some(old) = change.old.as_ref().filter(|p| counts(p)) {
                    self.forget(old);
                }
                if change.op != Op::Deleted && counts(&change.object) {
                    self.learn(&change.object);
                }
            }
            _ => {}
        }
    }

    pub fn learn(&mut self, pod: &Arc<Object>) {
        if let Some(p) = pod.pod() {
            self.touch(&p.node_name).add(pod);
        }
    }

    pub fn forget(&mut self, pod: &Object) {
        let node = pod.pod().map(|p| p.node_name.as_str()).unwrap_or_default();
        self.touch(node).remove(&(pod.meta.namespace.clone(), pod.meta.name.clone()));
        self.tidy(node);
    }

    fn touch(&mut self, node: &str) -> &mut NodeInfo {
        self.clock += 1;
        if self.nodes.get(node).is_none() {
            self.epoch += 1;
        }
        let info = self.nodes.entry(node.to_owned()).or_default();
        info.generation = self.clock;
        info
    }

    fn tidy(&mut self, node: &str) {
        if self.nodes.get(node).is_some_and(|info| info.object.is_none() && info.pods.is_empty()) {
            self.nodes.remove(node);
            self.epoch += 1;
        }
    }

    /// The nodes in the order in which they are visited: a node of each zone in turn, older ones first.
    pub fn visits(&mut self) -> Arc<[usize]> {
        if self.order_epoch != self.epoch {
            self.order_epoch = self.epoch;
            let mut nodes: Vec<(i64, usize, &str)> = Vec::new();
            for (at, info) in self.nodes.values().enumerate() {
                if let Some(o) = &info.object {
                    nodes.push((o.meta.created_ms, at, o.meta.labels.get(ZONE).map_or("", String::as_str)));
                }
            }
            nodes.order_by_key(|n| (n.0, n.1));
            let mut zones: Vec<(&str, usize)> = Vec::new();
            let mut turns: Vec<(usize, usize, usize)> = Vec::new();
            for (_, at, zone) in nodes {
                let z = zones.iter().position(|(name, _)| *name == zone).unwrap_or_else(|| {
                    zones.push((zone, 0));
                    zones.len() - 1
                });
                if let Some((_, n)) = zones.get_mut(z) {
                    turns.push((*n, z, at));
                    *n += 1;
                }
            }
            turns.order_by_key(|t| (t.0, t.1));
            self.order = turns.into_iter().map(|t| t.2).collect();
        }
        self.order.clone()
    }
}

/// Bound and not finished: what takes room on a node. Pods under deletion still do.
fn counts(pod: &Object) -> bool {
    pod.pod().is_some_and(|p| p.is_bound() && !p.is_terminal())
}
