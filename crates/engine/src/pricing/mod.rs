//! Offerings of a region, and the ledger.

mod ledger;

pub use ledger::{CostPoint, Entry, Ledger};

/// The instance types and offerings of one region at one time.
#[derive(Clone, Debug, Default)]
pub struct Market {}
