//! What a real cluster already has: workload controllers, kube-scheduler, kubelets and the cloud.

use crate::actor::Actor;
use crate::profile::Profile;

/// All stand-ins of the environment.
#[derive(Clone, Debug, Default)]
pub struct Environment {}

impl Environment {
    pub fn new(_profile: &Profile) -> Environment {
        Environment {}
    }

    /// In the order in which they run within one instant.
    pub fn actors_mut(&mut self) -> Vec<&mut dyn Actor> {
        Vec::new()
    }
}
