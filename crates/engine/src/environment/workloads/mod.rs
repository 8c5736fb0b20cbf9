//! Controllers of Deployments, ReplicaSets, StatefulSets, Jobs, CronJobs and DaemonSets.

mod cronjob;
mod daemonset;
mod deployment;
mod deployment_rollout;
mod deployment_status;
mod job;
mod pods;
mod ranking;
mod replicaset;
mod statefulset;

pub use cronjob::CronJobController;
pub use daemonset::DaemonSetController;
pub(super) use daemonset::target_node;
pub use deployment::DeploymentController;
pub use job::JobController;
pub use replicaset::ReplicaSetController;
pub use statefulset::StatefulSetController;
