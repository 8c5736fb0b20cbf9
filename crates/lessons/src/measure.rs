//! Time between two changes of the cluster, read from the store's log of changes.

use crate::predicate::Selector;
use engine::{Op, SimTime, Snapshot};
use objects::Kind;

/// A change to look for: objects of a kind that appeared or went.
#[derive(Clone, Debug, PartialEq)]
pub struct Moment {
    pub kind: Kind,
    /// Empty for any name.
    pub name: String,
    pub selector: Selector,
    pub removed: bool,
}

/// From the first change of one kind to the last one of another.
#[derive(Clone, Debug, PartialEq)]
pub struct Measure {
    /// The placeholder it fills.
    pub name: String,
    pub from: Moment,
    pub to: Moment,
}

impl Measure {
    /// Whole seconds, rounded, over the changes after `revision`; `None` until both have happened.
    pub fn seconds(&self, snapshot: &Snapshot, revision: u64) -> Option<u64> {
        let (mut first, mut last): (Option<SimTime>, Option<SimTime>) = (None, None);
        for change in snapshot.store.changes_since(revision)? {
            let is = |m: &Moment| {
                change.kind() == m.kind
                    && (change.op == Op::Deleted) == m.removed
                    && (m.removed || change.op == Op::Added)
                    && (m.name.is_empty() || change.object.meta.name == m.name)
                    && m.selector.matches(&change.object)
            };
            if first.is_none() && is(&self.from) {
                first = Some(change.at);
            }
            if first.is_some() && is(&self.to) {
                last = Some(change.at);
            }
        }
        Some((last?.since(first?) + 500) / 1000)
    }
}
