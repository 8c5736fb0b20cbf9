//! What documents mean together with the market and the live cluster, in numbers.

mod budgets;
mod evictions;
mod overlap;
mod pods;
mod pool;
mod surroundings;

use crate::Around;
use crate::document::Read;
use crate::finding::Finding;
use surroundings::Surroundings;

pub(crate) fn check(documents: &[Read<'_>], around: &Around<'_>, out: &mut Vec<Finding>) {
    let all = Surroundings::of(documents, around);
    for pool in all.pools.iter().filter(|p| p.read.is_some()) {
        pool::check(pool, around, out);
        budgets::check(pool, around, out);
    }
    overlap::check(&all, around, out);
    for workload in all.workloads.iter().filter(|w| w.read.is_some()) {
        pods::check(workload, &all, around, out);
    }
    evictions::check(&all, around, out);
}
