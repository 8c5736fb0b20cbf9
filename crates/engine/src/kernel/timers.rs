//! Keyed timers in (time, sequence) order; setting a key again moves it.

use super::SimTime;
use objects::collections::VecMap;

/// What an actor waits for. Keys are unique: [`Timers::set`] replaces an earlier time, [`Timers::sooner`] only
/// ever brings it forward.
#[derive(Clone, Debug)]
pub struct Timers<K: Ord + Clone> {
    queue: VecMap<(SimTime, u64), K>,
    at: VecMap<K, (SimTime, u64)>,
    sequence: u64,
}

impl<K: Ord + Clone> Default for Timers<K> {
    fn default() -> Self {
        Timers { queue: VecMap::new(), at: VecMap::new(), sequence: 0 }
    }
}

impl<K: Ord + Clone> Timers<K> {
    pub fn set(&mut self, key: K, time: SimTime) {
        self.cancel(&key);
        self.sequence += 1;
        self.queue.insert((time, self.sequence), key.clone());
        self.at.insert(key, (time, self.sequence));
    }

    /// Sets the key unless it is already due at or before `time`.
    pub fn sooner(&mut self, key: K, time: SimTime) {
        if self.at.get(&key).is_none_or(|(t, _)| *t > time) {
            self.set(key, time);
        }
    }

    pub fn cancel(&mut self, key: &K) {
        if let Some(slot) = self.at.remove(key) {
            self.queue.remove(&slot);
        }
    }

    pub fn when(&self, key: &K) -> Option<SimTime> {
        self.at.get(key).map(|(t, _)| *t)
    }

    pub fn next(&self) -> Option<SimTime> {
        self.queue.keys().next().map(|(t, _)| *t)
    }

    /// The first key that is due at `now`.
    pub fn peek_due(&self, now: SimTime) -> Option<&K> {
        self.queue.iter().next().filter(|((t, _), _)| *t <= now).map(|(_, key)| key)
    }

    /// Removes and returns the first key that is due at `now`.
    pub fn pop_due(&mut self, now: SimTime) -> Option<K> {
        let slot = *self.queue.keys().next().filter(|(t, _)| *t <= now)?;
        let key = self.queue.remove(&slot)?;
        self.at.remove(&key);
        Some(key)
    }

    pub fn len(&self) -> usize {
        self.queue.len()
    }

    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pops_in_time_then_sequence_order() {
        let mut t = Timers::default();
        t.set("b", SimTime(5));
        t.set("a", SimTime(5));
        t.set("c", SimTime(1));
        t.sooner("c", SimTime(9));
        assert_eq!(t.pop_due(SimTime(5)), Some("c"));
        assert_eq!(t.pop_due(SimTime(5)), Some("b"));
        assert_eq!(t.next(), Some(SimTime(5)));
        assert_eq!(t.pop_due(SimTime(4)), None);
    }
}
