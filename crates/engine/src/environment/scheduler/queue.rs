//! The scheduling queue: active pods by priority and time, pods in backoff, pods that wait for an event.
//!
//! Source: kubernetes pkg/scheduler/internal/queue/scheduling_queue.go, v1.27 and v1.35.

use super::cache::Name;
use super::filters::Plugin;
use crate::SimTime;
use objects::collections::VecSet;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

const BACKOFF_MS: u64 = 1_000;
const MAX_BACKOFF_MS: u64 = 10_000;
/// Pods in backoff are looked at once a second.
const TICK_MS: u64 = 1_000;
/// A pod does not wait longer than this for an event that may have been missed.
const MAX_WAIT_MS: u64 = 300_000;
const LEFTOVER_TICK_MS: u64 = 30_000;

#[derive(Clone, Debug)]
struct Entry {
    priority: i32,
    /// When it was queued, or failed last.
    since: SimTime,
    attempts: u32,
    rejected_by: VecSet<Plugin>,
    place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Active,
    Backoff(SimTime),
    Waiting,
    /// Being tried.
    Out,
}

/// Less important, then later, comes later. What an entry left is still in the heap, and is passed over.
type Heap = BinaryHeap<Reverse<(i64, SimTime, Name)>>;

#[derive(Clone, Debug, Default)]
pub(super) struct Queue {
    entries: BTreeMap<Name, Box<Entry>>,
    active: Heap,
    backoff: Heap,
    waiting: Heap,
    n_waiting: usize,
    /// Since 1.33 a pod leaves backoff as soon as nothing else is to be done.
    eager: bool,
}

impl Queue {
    pub fn new(eager: bool) -> Queue {
        Queue { eager, ..Queue::default() }
    }

    /// A new pod, or one whose spec changed while it waited.
    pub fn add(&mut self, name: &Name, priority: i32, now: SimTime) {
        let attempts = self.entries.get(name).map_or(0, |e| e.attempts);
        self.remove(name);
        let entry = Entry { priority, since: now, attempts, rejected_by: VecSet::new(), place: Place::Out };
        self.entries.insert(name.clone(), Box::new(entry));
        self.put(name, Place::Active);
    }

    pub fn remove(&mut self, name: &Name) {
        self.put(name, Place::Out);
        self.entries.remove(name);
    }

    pub fn has(&self, name: &Name) -> bool {
        self.entries.contains_key(name)
    }

    /// Takes the next pod to try. It stays known until [`Queue::failed`] or [`Queue::remove`].
    pub fn pop(&mut self, now: SimTime) -> Option<Name> {
        self.flush(now);
        let heap = if self.first(Place::Active).is_some() {
            &mut self.active
        } else if self.eager && self.first(Place::Backoff(now)).is_some() {
            &mut self.backoff
        } else {
            return None;
        };
        let Reverse((_, _, name)) = heap.pop()?;
        self.put(&name, Place::Out);
        if let Some(e) = self.entries.get_mut(&name) {
            e.attempts = e.attempts.saturating_add(1);
        }
        Some(name)
    }

    /// No node took the pod: it waits for an event that may change that.
    pub fn failed(&mut self, name: &Name, rejected_by: VecSet<Plugin>, now: SimTime) {
        if let Some(e) = self.entries.get_mut(name) {
            e.since = now;
            e.rejected_by = rejected_by;
            self.put(name, Place::Waiting);
        }
    }

    /// Moves the waiting pods that `helps` picks, by name and refusing plugins, to the active queue or into backoff.
    pub fn moved(&mut self, now: SimTime, mut helps: impl FnMut(&Name, &VecSet<Plugin>) -> bool) {
        if self.n_waiting == 0 {
            return;
        }
        let waiting = self.entries.iter().filter(|(_, e)| e.place == Place::Waiting);
        let picked: Vec<(Name, SimTime)> = waiting
            .filter(|(name, e)| helps(name, &e.rejected_by))
            .map(|(name, e)| (name.clone(), e.since + backoff_ms(e.attempts)))
            .collect();
        for (name, until) in picked {
            self.put(&name, if until > now { Place::Backoff(until) } else { Place::Active });
        }
    }

    /// When [`Queue::pop`] may next give a pod.
    pub fn next(&mut self, now: SimTime) -> Option<SimTime> {
        let backoff = self.first(Place::Backoff(now));
        if self.first(Place::Active).is_some() || (self.eager && backoff.is_some()) {
            return Some(now);
        }
        let tick = |t: SimTime, ms: u64| SimTime(t.0.div_ceil(ms) * ms);
        // Strictly more than five minutes, at the next pass.
        let leftover = self.first(Place::Waiting).map(|t| tick(t + MAX_WAIT_MS + 1, LEFTOVER_TICK_MS));
        backoff.map(|t| tick(t, TICK_MS)).into_iter().chain(leftover).min()
    }

    fn flush(&mut self, now: SimTime) {
        while self.first(Place::Backoff(now)).is_some_and(|until| until <= now) {
            self.pass_on(Place::Backoff(now));
        }
        while self.first(Place::Waiting).is_some_and(|since| now.since(since) > MAX_WAIT_MS) {
            self.pass_on(Place::Waiting);
        }
    }

    fn pass_on(&mut self, from: Place) {
        if let Some(Reverse((_, _, name))) = self.heap(from).and_then(BinaryHeap::pop) {
            self.put(&name, Place::Active);
        }
    }

    fn heap(&mut self, place: Place) -> Option<&mut Heap> {
        match place {
            Place::Active => Some(&mut self.active),
            Place::Backoff(_) => Some(&mut self.backoff),
            Place::Waiting => Some(&mut self.waiting),
            Place::Out => None,
        }
    }

    /// The time of the first pod in that place; what is in the heap but no longer there is taken out.
    fn first(&mut self, place: Place) -> Option<SimTime> {
        loop {
            let Reverse((_, at, name)) = self.heap(place)?.peek()?.clone();
            if self.entries.get(&name).is_some_and(|e| match (place, e.place) {
                (Place::Backoff(_), Place::Backoff(until)) => until == at,
                _ => e.place == place && e.since == at,
            }) {
                return Some(at);
            }
            self.heap(place)?.pop();
        }
    }

    fn put(&mut self, name: &Name, place: Place) {
        let Some(e) = self.entries.get_mut(name) else { return };
        let old = std::mem::replace(&mut e.place, place);
        let (rank, at) = match place {
            Place::Backoff(until) => (0, until),
            Place::Active => (-i64::from(e.priority), e.since),
            _ => (0, e.since),
        };
        self.n_waiting += usize::from(place == Place::Waiting);
        self.n_waiting -= usize::from(old == Place::Waiting);
        if let Some(heap) = self.heap(place) {
            heap.push(Reverse((rank, at, name.clone())));
        }
    }
}

/// 1 s, 2 s, 4 s, 8 s, 10 s, ...
fn backoff_ms(attempts: u32) -> u64 {
    let doublings = attempts.saturating_sub(1).min(10);
    (BACKOFF_MS << doublings).min(MAX_BACKOFF_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(n: &str) -> Name {
        ("default".to_owned(), n.to_owned())
    }

    #[test]
    fn priority_then_time() {
        let mut q = Queue::default();
        q.add(&name("late"), 0, SimTime(2));
        q.add(&name("early"), 0, SimTime(1));
        q.add(&name("important"), 9, SimTime(3));
        let order: Vec<String> = std::iter::from_fn(|| q.pop(SimTime(3))).map(|n| n.1).collect();
        assert_eq!(order, ["important", "early", "late"]);
    }

    #[test]
    fn backoff_doubles_to_ten_seconds() {
        let waits: Vec<u64> = (1..=6).map(backoff_ms).collect();
        assert_eq!(waits, [1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
        let mut q = Queue::default();
        q.add(&name("a"), 0, SimTime(0));
        q.pop(SimTime(10));
        q.failed(&name("a"), VecSet::from([Plugin::Resources]), SimTime(10));
        q.moved(SimTime(20), |_, by| by.contains(&Plugin::Resources));
        assert_eq!(q.next(SimTime(20)), Some(SimTime(2_000)), "the flush of the second in which the backoff ends");
        assert_eq!(q.pop(SimTime(999)), None);
        assert_eq!(q.pop(SimTime(2_000)), Some(name("a")));
    }
}
