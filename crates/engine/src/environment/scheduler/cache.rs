//! What the scheduler knows of nodes: sums of requests kept current with every change, never recounted.
//!
//! Source: kubernetes pkg/scheduler/framework/types.go `NodeInfo`, v1.28.

use crate::store::{Change, Op};
use objects::collections::VecMap;
use objects::resources::{CPU, MEMORY};
use objects::{DocExt, Kind, Object, Resources};
use std::sync::Arc;

pub(super) type Name = (String, String);

/// What a container without requests counts for in scores: 100m and 200Mi.
const DEFAULT_MILLI_CPU: i64 = 100;
const DEFAULT_MEMORY: i64 = 200 * 1024 * 1024;

#[derive(Clone, Debug, Default)]
pub(super) struct NodeInfo {
    /// Absent where pods are bound to a node that does not exist (yet).
    pub object: Option<Arc<Object>>,
    pub pods: VecMap<Name, Arc<Object>>,
    pub requested: Resources,
    pub scored_cpu: i64,
    pub scored_memory: i64,
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
    /// Bound pods with required anti-affinity, which restrict others.
    pub repelling: VecMap<Name, Arc<Object>>,
    /// Bound pods with any affinity term, which score for others.
    pub affine: VecMap<Name, Arc<Object>>,
}

impl Cache {
    pub fn observe(&mut self, change: &Change) {
        match change.kind() {
            Kind::Node => {
                let name = &change.object.meta.name;
                let info = self.nodes.entry(name.clone()).or_default();
                info.object = (change.op != Op::Deleted).then(|| change.object.clone());
                if info.object.is_none() && info.pods.is_empty() {
                    self.nodes.remove(name);
                }
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
        let Some(p) = pod.pod() else {
            return;
        };
        self.nodes.entry(p.node_name.clone()).or_default().add(pod);
        let name = (pod.meta.namespace.clone(), pod.meta.name.clone());
        let a = &p.spec.affinity;
        if !a.anti_required.is_empty() {
            self.repelling.insert(name.clone(), pod.clone());
        }
        if !(a.pod_required.is_empty() && a.pod_preferred.is_empty() && a.anti_preferred.is_empty()) {
            self.affine.insert(name, pod.clone());
        }
    }

    pub fn forget(&mut self, pod: &Object) {
        let name = (pod.meta.namespace.clone(), pod.meta.name.clone());
        let node = pod.pod().map(|p| p.node_name.as_str()).unwrap_or_default();
        if let Some(info) = self.nodes.get_mut(node) {
            info.remove(&name);
            if info.object.is_none() && info.pods.is_empty() {
                self.nodes.remove(node);
            }
        }
        self.repelling.remove(&name);
        self.affine.remove(&name);
    }

    /// The nodes that exist, by name.
    pub fn existing(&self) -> impl Iterator<Item = (&Arc<Object>, &NodeInfo)> {
        self.nodes.values().filter_map(|info| info.object.as_ref().map(|o| (o, info)))
    }

    pub fn labels_of(&self, pod: &Object) -> Option<&VecMap<String, String>> {
        let node = pod.pod().map(|p| p.node_name.as_str())?;
        self.nodes.get(node)?.object.as_ref().map(|o| &o.meta.labels)
    }
}

/// Bound and not finished: what takes room on a node. Pods under deletion still do.
fn counts(pod: &Object) -> bool {
    pod.pod().is_some_and(|p| p.is_bound() && !p.is_terminal())
}
