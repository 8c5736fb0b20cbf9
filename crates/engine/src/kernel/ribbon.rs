//! An append-only record in shared pieces: cloning one with many thousand entries copies a few dozen pointers.

use std::sync::Arc;

const PIECE: usize = 256;

/// Entries in order; the oldest piece goes when there are more than the limit.
#[derive(Clone, Debug)]
pub struct Ribbon<T> {
    full: Vec<Arc<Vec<T>>>,
    tail: Arc<Vec<T>>,
    limit: usize,
}

impl<T: Clone> Ribbon<T> {
    /// Keeps at least `limit` entries and at most one piece more.
    pub fn new(limit: usize) -> Ribbon<T> {
        Ribbon { full: Vec::new(), tail: Arc::default(), limit }
    }

    /// Appends; true where older entries were dropped for it.
    pub fn push(&mut self, entry: T) -> bool {
        let tail = Arc::make_mut(&mut self.tail);
        tail.push(entry);
        if tail.len() < PIECE {
            return false;
        }
        self.full.push(std::mem::take(&mut self.tail));
        let crowded = self.full.len() > self.limit.div_ceil(PIECE);
        if crowded {
            self.full.remove(0);
        }
        crowded
    }

    /// Drops the oldest pieces whose entries are all `done`, which must be true for a prefix only; true where there were any.
    pub fn drop_while(&mut self, done: impl Fn(&T) -> bool) -> bool {
        let count = self.full.partition_point(|piece| piece.last().is_some_and(&done));
        self.full.drain(..count);
        count > 0
    }

    pub fn first(&self) -> Option<&T> {
        self.full.first().and_then(|piece| piece.first()).or_else(|| self.tail.first())
    }

    /// Entries from the first one for which `before` no longer holds; `before` must be true for a prefix only.
    pub fn from(&self, before: impl Fn(&T) -> bool) -> impl Iterator<Item = &T> {
        let skip = self.full.partition_point(|piece| piece.last().is_some_and(&before));
        let mut pieces = self.full.iter().skip(skip).chain(std::iter::once(&self.tail));
        let head = pieces.next().map_or(&[][..], |piece| {
            let start = piece.partition_point(&before);
            piece.get(start..).unwrap_or_default()
        });
        head.iter().chain(pieces.flat_map(|piece| piece.iter()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_order_and_forgets_the_oldest() {
        let mut ribbon = Ribbon::new(1_000);
        for i in 0..5_000u64 {
            ribbon.push(i);
        }
        let copy = ribbon.clone();
        ribbon.push(5_000);
        assert!(ribbon.first().is_some_and(|i| *i > 3_000 && *i <= 4_000));
        for start in [0, 4_000, 4_095, 4_096, 4_999, 5_000, 9_999] {
            let from: Vec<u64> = ribbon.from(|i| *i < start).copied().collect();
            let first = start.max(*ribbon.first().unwrap());
            assert_eq!(from, (first..5_001).collect::<Vec<_>>(), "{start}");
        }
        assert_eq!(copy.from(|i| *i < 4_999).count(), 1);
        let oldest = *ribbon.first().unwrap();
        assert!(!ribbon.drop_while(|i| *i < oldest) && ribbon.drop_while(|i| *i < 4_700));
        assert!(ribbon.first().is_some_and(|i| *i > 4_400 && *i <= 4_700));
        assert_eq!(ribbon.from(|i| *i < 4_700).copied().collect::<Vec<_>>(), (4_700..5_001).collect::<Vec<_>>());
    }
}
