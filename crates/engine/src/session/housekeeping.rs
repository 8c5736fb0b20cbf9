//! What the API server does by itself: events expire.

use crate::actor::{Actor, Intent, View};
use crate::kernel::Timers;
use crate::store::exec::{EVENT_TTL_MS, MAX_EVENTS};
use crate::store::{Change, Op};
use crate::{Action, SimTime};
use objects::{Kind, ObjectKey};
use std::collections::VecDeque;

/// Runs before all other actors.
#[derive(Clone, Debug, Default)]
pub struct Housekeeping {
    expiry: Timers<ObjectKey>,
    /// Events by age, with gaps where one has expired.
    oldest: VecDeque<ObjectKey>,
    /// Set while there are too many.
    crowded: Option<SimTime>,
}

impl Actor for Housekeeping {
    fn name(&self) -> &'static str {
        "apiserver"
    }

    fn observe(&mut self, change: &Change, view: &View<'_>) {
        match (change.kind(), change.op) {
            (Kind::Event, Op::Deleted) => self.expiry.cancel(&change.key()),
            (Kind::Event, op) => {
                self.expiry.set(change.key(), view.now + EVENT_TTL_MS);
                if op == Op::Added {
                    self.oldest.push_back(change.key());
                    if self.expiry.len() > MAX_EVENTS {
                        self.crowded = Some(view.now);
                    }
                }
            }
            _ => {}
        }
    }

    fn wake_at(&self) -> Option<SimTime> {
        self.crowded.into_iter().chain(self.expiry.next()).min()
    }

    fn act(&mut self, view: &View<'_>) -> Vec<Intent> {
        self.crowded = None;
        let mut intents = Vec::new();
        while let Some(key) = self.expiry.pop_due(view.now) {
            intents.push(Intent::new(Action::Delete { key, grace_s: None }, "the event is older than its time to live"));
        }
        while self.expiry.len() > MAX_EVENTS {
            let Some(key) = self.oldest.pop_front() else { break };
            if self.expiry.when(&key).is_some() {
                self.expiry.cancel(&key);
                intents.push(Intent::new(Action::Delete { key, grace_s: None }, "too many events are kept"));
            }
        }
        while self.oldest.front().is_some_and(|k| self.expiry.when(k).is_none()) {
            self.oldest.pop_front();
        }
        intents
    }
}
