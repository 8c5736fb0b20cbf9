//! The speed comparison with Karpenter: what is measured, without a clock, so that native and wasm run the same.
//!
//! [`input`] reads the files, [`made`] makes them; [`run`] packs pending pods or scans a cluster for consolidation and says what came out.

pub mod input;
pub mod made;
pub mod run;

pub use input::{cluster, pending};
pub use run::{Method, Outcome, consolidate, pack};
