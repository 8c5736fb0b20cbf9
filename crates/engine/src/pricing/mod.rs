//! Offerings of a region, and the ledger.

mod kubelet;
mod kwok;
mod ledger;
mod market;

pub use kubelet::Kubelet;
pub use ledger::{CostPoint, Entry, Ledger};
pub use market::{Market, catalog_era};
