//! A stable sort whose work is done once, on positions, for all types.

use std::cmp::Ordering;

/// Sorting in place, stable, with the results of the standard `sort` family; O(n log n) comparisons.
pub trait Order<T> {
    /// As `slice::sort`.
    fn order(&mut self)
    where
        T: Ord;

    /// As `slice::sort_by`.
    fn order_by(&mut self, compare: impl FnMut(&T, &T) -> Ordering);

    /// As `slice::sort_by_key`.
    fn order_by_key<K: Ord>(&mut self, key: impl FnMut(&T) -> K);
}

impl<T> Order<T> for [T] {
    fn order(&mut self)
    where
        T: Ord,
    {
        self.order_by(T::cmp);
    }

    fn order_by(&mut self, mut compare: impl FnMut(&T, &T) -> Ordering) {
        let swaps = swaps(self.len(), &mut |a, b| match (self.get(a), self.get(b)) {
            (Some(a), Some(b)) => compare(a, b),
            _ => Ordering::Equal,
        });
        for (a, b) in swaps {
            self.swap(a, b);
        }
    }

    fn order_by_key<K: Ord>(&mut self, mut key: impl FnMut(&T) -> K) {
        self.order_by(|a, b| key(a).cmp(&key(b)));
    }
}

/// Runs no longer than this are sorted by insertion.
const RUN: usize = 8;

/// The exchanges that sort `len` elements of which the positions can be compared.
fn swaps(len: usize, compare: &mut dyn FnMut(usize, usize) -> Ordering) -> Vec<(usize, usize)> {
    let mut order = sorted(len, compare);
    let mut swaps = Vec::new();
    // Each cycle of the permutation, from its first position on; a position that is done points at itself.
    for start in 0..len {
        let mut at = start;
        while let Some(from) = order.get_mut(at) {
            let next = std::mem::replace(from, at);
            if next == start || next == at {
                break;
            }
            swaps.push((at, next));
            at = next;
        }
    }
    swaps
}

/// The positions in sorted order.
fn sorted(len: usize, compare: &mut dyn FnMut(usize, usize) -> Ordering) -> Vec<usize> {
    let mut order: Vec<usize> = (0..len).collect();
    for run in order.chunks_mut(RUN) {
        for end in 1..run.len() {
            let mut at = end;
            while let Some([a, b]) = at.checked_sub(1).and_then(|from| run.get_mut(from..=at)) {
                if compare(*a, *b) != Ordering::Greater {
                    break;
                }
                std::mem::swap(a, b);
                at -= 1;
            }
        }
    }
    let mut width = RUN;
    while width < len {
        let mut merged = Vec::with_capacity(len);
        for pair in order.chunks(2 * width) {
            let (left, right) = pair.split_at(width.min(pair.len()));
            let (mut left, mut right) = (left.iter().peekable(), right.iter().peekable());
            while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
                let side = if compare(**a, **b) == Ordering::Greater { &mut right } else { &mut left };
                merged.extend(side.next());
            }
            merged.extend(left);
            merged.extend(right);
        }
        order = merged;
        width *= 2;
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn agrees_with_the_standard_sort(keys in prop::collection::vec(0..20u8, 0..200)) {
            let mut ours: Vec<(u8, usize)> = keys.into_iter().enumerate().map(|(i, k)| (k, i)).collect();
            let mut theirs = ours.clone();
            ours.order_by_key(|(k, _)| *k);
            theirs.sort_by_key(|(k, _)| *k);
            prop_assert_eq!(&ours, &theirs);
            ours.order_by(|a, b| b.cmp(a));
            theirs.sort_by(|a, b| b.cmp(a));
            prop_assert_eq!(&ours, &theirs);
            ours.order();
            theirs.sort();
            prop_assert_eq!(ours, theirs);
        }
    }
}
