//! The slow, obvious reading of packing and consolidation, to which the fast one must be equal: every pod is asked of
//! every node and claim by name, nothing is remembered.

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
