//! The slow, obvious reading of packing and consolidation, to which the fast one must be equal: every pod is asked of
//! every node and claim by name, nothing is remembered.
//!
//! Its own are the loops: the queue, nodes, claims, topology with its counts by name, limits, the choice of what to
//! consolidate. Shared with the fast one, and held by their own tests and by Karpenter's recorded decisions instead, are
//! requirements, topology groups, taints, host ports, the order in which preferences go, what DaemonSets take, reserved
//! capacity, Go's sort, the sets and the table of types, and the words.

mod consolidation;
mod existing;
mod new_claim;
mod pod_class;
mod random;
mod solver;
mod tests;
mod topology;

use super::{
    cluster, daemons, go_sort, host_ports, labels, plan, preferences, requirements, reservations, rules, taints, text, type_set,
    type_table,
};
