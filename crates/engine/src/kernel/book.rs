//! A bounded record that snapshots share: the oldest entries go first.

use std::sync::Arc;

/// Appended to, never changed. Holding a [`Book::share`] keeps that picture; the next append copies what is shared.
#[derive(Clone, Debug)]
pub struct Book<T> {
    entries: Arc<Vec<Arc<T>>>,
    limit: usize,
    dropped: usize,
}

impl<T> Book<T> {
    /// At `limit` entries the oldest tenth is dropped in one go, so that appending stays cheap.
    pub fn new(limit: usize) -> Book<T> {
        Book { entries: Arc::default(), limit: limit.max(10), dropped: 0 }
    }

    pub fn push(&mut self, entry: T) {
        let entries = Arc::make_mut(&mut self.entries);
        if entries.len() >= self.limit {
            let old = self.limit / 10;
            entries.drain(..old.min(entries.len()));
            self.dropped += old;
        }
        entries.push(Arc::new(entry));
    }

    pub fn share(&self) -> Arc<Vec<Arc<T>>> {
        self.entries.clone()
    }

    /// How many entries were ever appended.
    pub fn total(&self) -> usize {
        self.dropped + self.entries.len()
    }

    pub fn last(&self) -> Option<&Arc<T>> {
        self.entries.last()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_the_oldest_and_leaves_shared_pictures_alone() {
        let mut book = Book::new(10);
        for i in 0..10 {
            book.push(i);
        }
        let picture = book.share();
        book.push(10);
        assert_eq!((picture.len(), book.share().len(), book.total()), (10, 10, 11));
        assert_eq!(**book.share().first().unwrap(), 1);
    }
}
