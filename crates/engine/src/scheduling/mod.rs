//! Where pods go: requirements, the packing of pods onto existing and new nodes, and what consolidation would do.
//!
//! A pure library. [`Cluster`] is the situation as plain data ([`input`] reads it from a store); [`solve`] plans a
//! provisioning round or a simulation on it; [`consolidation`] decides about removing nodes. Both eras run the same
//! code; [`Rules`] holds what differs.

mod by_load;
pub mod cluster;
mod columns;
pub mod consolidation;
pub mod daemons;
mod existing;
mod go_sort;
mod host_ports;
pub mod input;
pub mod instance_type;
pub mod labels;
mod new_claim;
pub mod plan;
mod planner;
mod pod_class;
mod preferences;
#[cfg(test)]
mod reference;
pub mod requirements;
mod reservations;
pub mod rules;
mod solver;
mod states;
pub mod taints;
#[cfg(test)]
mod testing;
pub mod text;
mod topology;
pub mod type_set;
pub mod type_table;

pub use cluster::{Cluster, DaemonInput, NodeInput, PodInput, PoolInput};
pub use instance_type::{InstanceType, Offering, OfferingKey};
pub use plan::{Place, Plan, PlannedClaim};
pub use planner::{Planner, Round, solve};
pub use requirements::{Requirement, Requirements};
pub use rules::{MinValues, Preferences, Rules};
pub use type_set::TypeSet;
pub use type_table::TypeTable;
