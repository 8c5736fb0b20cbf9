//! The scheduling queue: active pods by priority and time, pods in backoff, pods that wait for an event.
//!
//! Source: kubernetes pkg/scheduler/internal/queue/scheduling_queue.go, v1.27 and v1.35.

use super::cache::Name;
use super::filters::Plugin;
use crate::SimTime;
use objects::collections::{VecMap, VecSet};
use std::cmp::Reverse;

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
}

type Order = (Reverse<i32>, SimTime, Name);

#[derive(Clone, Debug, Default)]
pub(super) struct Queue {
    entries: VecMap<Name, Entry>,
    active: VecSet<Order>,
    backoff: VecSet<(SimTime, Name)>,
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
        let entry = Entry { priority, since: now, attempts, rejected_by: VecSet::new(), place: Place::Active };
        self.active.insert((Reverse(priority), now, name.clone()));
        self.entries.insert(name.clone(), entry);
    }

    pub fn remove(&mut self, name: &Name) {
        if let Some(e) = self.entries.remove(name) {
            self.active.remove(&(Reverse(e.priority), e.since, name.clone()));
            if let Place::Backoff(until) = e.place {
                self.backoff.remove(&(until, name.clone()));
            }
        }
    }

    pub fn has(&self, name: &Name) -> bool {
        self.entries.contains_key(name)
    }

    /// Takes the next pod to try. It stays known until [`Queue::failed`] or [`Queue::remove`].
    pub fn pop(&mut self, now: SimTime) -> Option<Name> {
        self.flush(now);
        if let Some((_, _, name)) = self.active.pop_first() {
            self.tried(&name);
            return Some(name);
        }
        if self.eager {
            let (_, name) = self.backoff.pop_first()?;
            self.tried(&name);
            return Some(name);
        }
        None
    }

    fn tried(&mut self, name: &Name) {
        if let Some(e) = self.entries.get_mut(name) {
            e.attempts = e.attempts.saturating_add(1);
            e.place = Place::Waiting;
        }
    }

    /// No node took the pod: it waits for an event that may change that.
    pub fn failed(&mut self, name: &Name, rejected_by: VecSet<Plugin>, now: SimTime) {
        if let Some(e) = self.entries.get_mut(name) {
            e.since = now;
            e.rejected_by = rejected_by;
            e.place = Place::Waiting;
        }
    }

    /// Moves the waiting pods that `helps` picks, by name and refusing plugins, to the active queue or into backoff.
    pub fn moved(&mut self, now: SimTime, mut helps: impl FnMut(&Name, &VecSet<Plugin>) -> bool) {
        for (name, e) in self.entries.iter_mut().filter(|(_, e)| e.place == Place::Waiting) {
            if !helps(name, &e.rejected_by) {
                continue;
            }
            let until = e.since + backoff_ms(e.attempts);
            if until > now {
                e.place = Place::Backoff(until);
                self.backoff.insert((until, name.clone()));
            } else {
                e.place = Place::Active;
                self.active.insert((Reverse(e.priority), e.since, name.clone()));
            }
        }
    }

    /// When [`Queue::pop`] may next give a pod.
    pub fn next(&self, now: SimTime) -> Option<SimTime> {
        if !self.active.is_empty() || (self.eager && !self.backoff.is_empty()) {
            return Some(now);
        }
        let tick = |t: SimTime, ms: u64| SimTime(t.0.div_ceil(ms) * ms);
        let backoff = self.backoff.first().map(|(t, _)| tick(*t, TICK_MS));
        let waiting = self.entries.values().filter(|e| e.place == Place::Waiting).map(|e| e.since).min();
        // Strictly more than five minutes, at the next pass.
        let leftover = waiting.map(|t| tick(t + MAX_WAIT_MS + 1, LEFTOVER_TICK_MS));
        backoff.into_iter().chain(leftover).min()
    }

    fn flush(&mut self, now: SimTime) {
        let due: Vec<(SimTime, Name)> = self.backoff.iter().take_while(|(t, _)| *t <= now).cloned().collect();
        for slot in due {
            self.backoff.remove(&slot);
            if let Some(e) = self.entries.get_mut(&slot.1) {
                e.place = Place::Active;
                self.active.insert((Reverse(e.priority), e.since, slot.1));
            }
        }
        let old = |e: &Entry| e.place == Place::Waiting && now.since(e.since) > MAX_WAIT_MS;
        let left: Vec<Name> = self.entries.iter().filter(|(_, e)| old(e)).map(|(n, _)| n.clone()).collect();
        for name in left {
            if let Some(e) = self.entries.get_mut(&name) {
                e.place = Place::Active;
                self.active.insert((Reverse(e.priority), e.since, name));
            }
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
