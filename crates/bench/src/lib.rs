//! The speed comparison with Karpenter: what is measured, without a clock, so that native and wasm run the same.
//!
//! [`input`] reads the files, [`made`] makes them; [`run`] packs pending pods or scans a cluster
//! for consolidation and says what came out; [`schedule`] gives kube-scheduler pods to place.

pub mod input;
pub mod made;
pub mod run;
pub mod schedule;

pub use input::{board, cluster, pending};
pub use run::{Method, Outcome, consolidate, pack};
pub use schedule::Board;
