//! What a real cluster already has, simulated: workload controllers, kube-scheduler, kubelets, the cloud.
//!
//! One file per actor. Nothing here decides for Karpenter, and [`crate::controllers`] never imports this module.
//! Latencies between actors are small constants near those of a recorded control plane: a Deployment is acted on 0.1 s
//! after it changed, its pods exist 30-60 ms later and are tried by the scheduler within 10 ms.

mod autoscaler;
pub mod budgets;
pub mod claims;
pub mod cloud;
pub mod garbage;
pub mod kubelet;
pub mod kwok;
mod later;
pub mod load;
pub mod namespaces;
pub mod node_lifecycle;
pub mod pod_gc;
pub mod scheduler;
mod support;
mod volumes;
mod workloads_owner;

pub mod workloads;

pub use later::Acts;
pub(crate) use support::template_hash;

use crate::actor::Actor;
use crate::profile::Profile;
use later::Later;

/// All stand-ins of one cluster. Cloning copies their whole state, so that a checkpoint can go on from it.
#[derive(Clone, Debug)]
pub struct Environment {
    deployments: workloads::DeploymentController,
    replica_sets: workloads::ReplicaSetController,
    stateful_sets: Later<workloads::StatefulSetController>,
    cron_jobs: Later<workloads::CronJobController>,
    jobs: Later<workloads::JobController>,
    daemon_sets: workloads::DaemonSetController,
    autoscaler: Later<autoscaler::Autoscaler>,
    scheduler: scheduler::Scheduler,
    kubelets: kubelet::Kubelets,
    kwok: Later<kwok::Kwok>,
    fleet: Later<cloud::Fleet>,
    instances: cloud::Instances,
    node_lifecycle: node_lifecycle::NodeLifecycle,
    pod_gc: pod_gc::PodGc,
    budgets: budgets::DisruptionBudgets,
    volumes: Later<volumes::Volumes>,
    claims: claims::Claims,
    garbage: garbage::GarbageCollector,
    namespaces: namespaces::Namespaces,
}

impl Environment {
    pub fn new(profile: &Profile) -> Environment {
        Environment {
            deployments: Default::default(),
            replica_sets: Default::default(),
            stateful_sets: Default::default(),
            cron_jobs: Default::default(),
            jobs: Default::default(),
            daemon_sets: Default::default(),
            autoscaler: Default::default(),
            scheduler: scheduler::Scheduler::new(profile),
            kubelets: Default::default(),
            kwok: Default::default(),
            fleet: Default::default(),
            instances: Default::default(),
            node_lifecycle: Default::default(),
            pod_gc: Default::default(),
            budgets: Default::default(),
            volumes: Default::default(),
            claims: Default::default(),
            garbage: Default::default(),
            namespaces: Default::default(),
        }
    }

    /// The actors in the order in which they run within one instant: the cloud and its nodes first, then what reacts to
    /// nodes, then workloads from owner to owned, then placement, then what runs pods, then the collectors.
    pub fn actors_mut(&mut self) -> Vec<&mut dyn Actor> {
        vec![
            &mut self.fleet,
            &mut self.instances,
            &mut self.node_lifecycle,
            &mut self.autoscaler,
            &mut self.deployments,
            &mut self.replica_sets,
            &mut self.stateful_sets,
            &mut self.cron_jobs,
            &mut self.jobs,
            &mut self.daemon_sets,
            &mut self.budgets,
            &mut self.volumes,
            &mut self.claims,
            &mut self.scheduler,
            &mut self.kubelets,
            &mut self.kwok,
            &mut self.pod_gc,
            &mut self.garbage,
            &mut self.namespaces,
        ]
    }
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
