//! Offerings of a region, and the ledger.

mod ledger;
mod market;

pub use ledger::{CostPoint, Entry, Ledger};
pub use market::{Market, catalog_era};
