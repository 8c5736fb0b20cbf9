//! The order in which planned claims are tried: fewest pods first, equal ones as Go's sort leaves them.
//!
//! Karpenter sorts all claims anew for every pod. Since the last sort at most one claim has gained a pod or was added,
//! and on such a list Go's sort nearly always ends in moving that one claim: behind all claims with fewer pods than it
//! has now, before those with as many (a new claim: behind those with one pod). Only where its look at a few places
//! happens to meet the disorder does it begin to partition; then, and on short lists, the sort itself is run.

use super::go_sort::{sort_slice, takes_for_sorted};
use super::type_set::TypeSet;

/// Lists up to this length are sorted by insertion alone.
const INSERTION: usize = 12;
/// From this length on a nearly sorted list is repaired in place.
const REPAIRED: usize = 50;

#[derive(Debug, Default)]
pub struct ByLoad {
    /// Claims in order.
    order: Vec<u32>,
    /// Pods per claim.
    load: Vec<u32>,
    /// What tells claims of equal load apart: ascending in the order.
    tie: Vec<i64>,
    /// Falls with every claim that goes before its equals, so that its negative rises for those behind.
    next_tie: i64,
    /// The place in the order of the claim that changed since the last sort.
    changed: Option<usize>,
}

impl ByLoad {
    /// Adds a claim with one pod; its number is the next one.
    pub fn push(&mut self) {
        self.settle();
        self.changed = Some(self.order.len());
        self.order.push(u32::try_from(self.load.len()).unwrap_or(u32::MAX));
        self.load.push(1);
        self.next_tie -= 1;
        self.tie.push(-self.next_tie);
    }

    /// One more pod for a claim.
    pub fn bump(&mut self, claim: usize) {
        self.settle();
        let key = self.key(claim);
        self.changed = Some(self.order.partition_point(|c| self.key(*c as usize) < key));
        self.next_tie -= 1;
        if let (Some(load), Some(tie)) = (self.load.get_mut(claim), self.tie.get_mut(claim)) {
            *load += 1;
            *tie = self.next_tie;
        }
    }

    fn key(&self, claim: usize) -> (u32, i64) {
        (self.load_of(claim), self.tie.get(claim).copied().unwrap_or(0))
    }

    fn load_of(&self, claim: usize) -> u32 {
        self.load.get(claim).copied().unwrap_or(0)
    }

    /// The claims in the order of trying.
    pub fn sorted(&mut self) -> &[u32] {
        self.settle();
        &self.order
    }

    /// The first of some claims in that order.
    pub fn first_of(&mut self, claims: &TypeSet) -> Option<usize> {
        self.settle();
        claims.iter().min_by_key(|c| self.key(*c))
    }

    /// Sorts what changed since the last time.
    fn settle(&mut self) {
        let Some(at) = self.changed.take() else { return };
        let n = self.order.len();
        let load_at = |i: usize| self.order.get(i).map_or(0, |c| self.load_of(*c as usize));
        let own = load_at(at);
        let rises = at > 0 && load_at(at - 1) > own;
        let sinks = at + 1 < n && load_at(at + 1) < own;
        if !rises && !sinks {
            return;
        }
        let load = &self.load;
        let less = |a: &u32, b: &u32| load.get(*a as usize) < load.get(*b as usize);
        if n <= INSERTION || (n >= REPAIRED && takes_for_sorted(&mut self.order, less)) {
            if rises {
                let before = self.order.get(..at).unwrap_or_default();
                let to = before.partition_point(|c| load.get(*c as usize).is_some_and(|l| *l <= own));
                if let Some(part) = self.order.get_mut(to..=at) {
                    part.rotate_right(1);
                }
            } else if let Some(rest) = self.order.get(at + 1..) {
                let passed = rest.partition_point(|c| load.get(*c as usize).is_some_and(|l| *l < own));
                if let Some(part) = self.order.get_mut(at..=at + passed) {
                    part.rotate_left(1);
                }
            }
            return;
        }
        sort_slice(&mut self.order, less);
        let len = i64::try_from(n).unwrap_or(i64::MAX);
        for (place, claim) in (0..).zip(&self.order) {
            let claim = *claim as usize;
            let alone = self.load.get(claim) == Some(&1);
            if let Some(tie) = self.tie.get_mut(claim) {
                *tie = if alone { place - len } else { place };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Claims are added and gain pods; `picks` say where in the order, in thousandths.
    fn check(picks: &[(bool, usize)]) {
        let mut fast = ByLoad::default();
        let (mut order, mut load): (Vec<u32>, Vec<u32>) = (Vec::new(), Vec::new());
        for (new, place) in picks {
            if *new || order.is_empty() {
                order.push(load.len() as u32);
                load.push(1);
                fast.push();
            } else {
                let claim = order[place * order.len() / 1000] as usize;
                load[claim] += 1;
                fast.bump(claim);
            }
            sort_slice(&mut order, |a, b| load[*a as usize] < load[*b as usize]);
            assert_eq!(fast.sorted(), order);
            let some = TypeSet::of(load.len(), (0..load.len()).filter(|c| c % 3 != place % 3));
            assert_eq!(fast.first_of(&some), order.iter().map(|c| *c as usize).find(|c| some.contains(*c)));
        }
    }

    proptest! {
        #[test]
        fn the_order_is_that_of_sorting_every_time(picks in prop::collection::vec((prop::bool::weighted(0.3), 0..1000usize), 0..600)) {
            check(&picks);
        }

        #[test]
        fn the_order_holds_near_the_front(picks in prop::collection::vec((prop::bool::weighted(0.3), 0..30usize), 0..600)) {
            check(&picks);
        }
    }
}
