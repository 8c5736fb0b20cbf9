//! Pools, workloads and disruption budgets of the documents, and those of the live cluster that no document replaces.

use crate::Around;
use crate::document::Read;
use engine::scheduling::{InstanceType, Requirements};
use objects::collections::VecMap;
use objects::typed::{Pdb, PodSpec, Pool};
use objects::{DocExt, Kind, Object, ObjectKey, Resources};
use std::sync::Arc;

pub(crate) struct Surroundings<'a> {
    pub pools: Vec<PoolAt<'a>>,
    pub workloads: Vec<WorkloadAt<'a>>,
    pub budgets: Vec<BudgetAt<'a>>,
    /// What the DaemonSets ask for on every node.
    pub daemons: Resources,
}

/// A pool, and the document it comes from.
pub(crate) struct PoolAt<'a> {
    pub read: Option<&'a Read<'a>>,
    pub name: String,
    pub pool: &'a Pool,
    /// Labels and requirements together.
    pub requirements: Requirements,
    /// Types that satisfy them with an offering.
    pub types: Vec<&'a InstanceType>,
}

/// Something that makes pods.
pub(crate) struct WorkloadAt<'a> {
    pub read: Option<&'a Read<'a>>,
    pub kind: Kind,
    pub namespace: String,
    pub name: String,
    /// Path of the pod's spec in the document.
    pub path: &'static str,
    pub labels: VecMap<String, String>,
    pub annotations: VecMap<String, String>,
    pub spec: PodSpec,
    pub replicas: i64,
}

/// A PodDisruptionBudget.
pub(crate) struct BudgetAt<'a> {
    pub read: Option<&'a Read<'a>>,
    pub namespace: String,
    pub name: String,
    pub pdb: &'a Pdb,
}

impl<'a> Surroundings<'a> {
    pub fn of(documents: &'a [Read<'a>], around: &Around<'a>) -> Surroundings<'a> {
        let mut out =
            Surroundings { pools: Vec::new(), workloads: Vec::new(), budgets: Vec::new(), daemons: Resources::default() };
        let mut written: Vec<ObjectKey> = Vec::new();
        for read in documents {
            let Some(object) = &read.object else { continue };
            written.push(key(object));
            out.add(object, Some(read), around);
        }
        for object in around.store.into_iter().flat_map(|s| s.all()) {
            if !written.contains(&key(object)) {
                out.add(object, None, around);
            }
        }
        out
    }

    fn add(&mut self, object: &'a Object, read: Option<&'a Read<'a>>, around: &Around<'a>) {
        if let Some(pool) = object.pool() {
            let mut requirements = Requirements::of_labels(&pool.labels);
            requirements.add_all(&Requirements::of_expressions(&pool.requirements));
            let types = allowed(around, &requirements);
            self.pools.push(PoolAt { read, name: object.meta.name.clone(), pool, requirements, types });
        } else if let Some(pdb) = object.pdb() {
            let namespace = namespace_of(object);
            self.budgets.push(BudgetAt { read, namespace, name: object.meta.name.clone(), pdb });
        } else if let Some(workload) = workload(object, read) {
            if workload.kind == Kind::DaemonSet {
                self.daemons.add(&workload.spec.requests);
                self.daemons.add(&Resources::default().with("pods", 1));
            }
            // Pods and ReplicaSets of the live cluster belong to what is looked at already.
            let own = read.is_some() || object.meta.controller().is_none();
            if own {
                self.workloads.push(workload);
            }
        }
    }
}

/// Types that satisfy the requirements with an offering.
pub(crate) fn allowed<'a>(around: &Around<'a>, requirements: &Requirements) -> Vec<&'a InstanceType> {
    let all: &'a Arc<_> = around.market.types();
    all.iter().filter(|t| serves(t, requirements)).collect()
}

/// Whether the type satisfies the requirements with an offering.
pub(crate) fn serves(t: &InstanceType, requirements: &Requirements) -> bool {
    t.requirements.intersects(requirements) && t.compatible(requirements).next().is_some()
}

fn key(object: &Object) -> ObjectKey {
    let namespace = if object.kind.namespaced() { namespace_of(object) } else { String::new() };
    ObjectKey::new(object.kind, &namespace, &object.meta.name)
}

fn namespace_of(object: &Object) -> String {
    if object.meta.namespace.is_empty() { "default".to_owned() } else { object.meta.namespace.clone() }
}

fn workload<'a>(object: &Object, read: Option<&'a Read<'a>>) -> Option<WorkloadAt<'a>> {
    let (path, meta) = match object.kind {
        Kind::Pod => ("spec", "metadata"),
        Kind::Deployment | Kind::ReplicaSet | Kind::StatefulSet | Kind::DaemonSet | Kind::Job => {
            ("spec.template.spec", "spec.template.metadata")
        }
        Kind::CronJob => ("spec.jobTemplate.spec.template.spec", "spec.jobTemplate.spec.template.metadata"),
        _ => return None,
    };
    let doc = &object.doc;
    let replicas = match object.kind {
        Kind::Deployment | Kind::ReplicaSet | Kind::StatefulSet => doc.int_at("spec.replicas").unwrap_or(1),
        Kind::Job => doc.int_at("spec.parallelism").unwrap_or(1),
        _ => 1,
    };
    Some(WorkloadAt {
        read,
        kind: object.kind,
        namespace: namespace_of(object),
        name: object.meta.name.clone(),
        path,
        labels: doc.at(meta).strings_at("labels"),
        annotations: doc.at(meta).strings_at("annotations"),
        spec: PodSpec::read(doc.at(path)),
        replicas,
    })
}
