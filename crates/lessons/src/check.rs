//! Checks: what must be true of the cluster, of decisions and of what a person has seen.

use crate::measure::Measure;
use crate::predicate::{Filter, Is, Op, at_path};
use engine::session::Seen;
use engine::{SimTime, Snapshot, decisions};
use objects::{Kind, ObjectKey};

#[derive(Clone, Debug, PartialEq)]
pub enum Check {
    All(Vec<Check>),
    Any(Vec<Check>),
    Not(Box<Check>),
    /// Number of objects that match.
    Count {
        kind: Kind,
        filter: Filter,
        op: Op,
        n: i64,
    },
    /// A field of one object; false where the object is absent.
    Field {
        key: ObjectKey,
        path: String,
        is: Is,
    },
    /// The object exists, or does not.
    Exists {
        key: ObjectKey,
        is: bool,
    },
    /// An event of that reason was recorded.
    Event {
        reason: String,
        kind: Option<Kind>,
        since: Since,
    },
    /// Objects were listed: by name (where given), by this selector (empty for any), with this label visible (empty for
    /// any), at least so many rows.
    Listed {
        kind: Kind,
        name: String,
        selector: String,
        label: String,
        rows: usize,
        since: Since,
    },
    /// A line of the controller log with this text reached the terminal.
    Log {
        contains: String,
        since: Since,
    },
    /// eks-node-viewer was on screen.
    Viewer {
        since: Since,
    },
    /// A disruption was decided by a method of that name.
    Decided {
        method: String,
        since: Since,
    },
    /// Time between two changes, in seconds.
    Elapsed {
        measure: Measure,
        min_s: u64,
        max_s: u64,
    },
    /// Price of an hour against that at the start of the step.
    RateBelowStart,
    /// The quiz of the step was answered rightly.
    Answered,
    /// The last command failed with this text.
    Failed {
        contains: String,
    },
}

/// From when on something counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Since {
    #[default]
    Step,
    /// The step before, too: commands of two steps are often typed together.
    Previous,
    Lesson,
}

/// What a check looks at beside the snapshot.
#[derive(Clone, Debug)]
pub struct Evidence<'a> {
    /// Everything seen so far, with the step it was seen in.
    pub seen: &'a [(usize, Seen)],
    pub step: usize,
    /// The starts of all steps so far; the last one is the present step's.
    pub starts: &'a [(SimTime, u64)],
    /// Micro-dollars an hour when the step began.
    pub start_rate_micro: i64,
    pub answered: bool,
    /// Error output of the last command, empty where it went well.
    pub failure: &'a str,
}

impl Evidence<'_> {
    fn first_step(&self, since: Since) -> usize {
        match since {
            Since::Step => self.step,
            Since::Previous => self.step.saturating_sub(1),
            Since::Lesson => 0,
        }
    }

    /// When the time that counts began.
    pub fn from(&self, since: Since) -> SimTime {
        self.starts.get(self.first_step(since)).map_or(SimTime::ZERO, |(at, _)| *at)
    }

    /// The store's revision at that time.
    pub fn revision(&self, since: Since) -> u64 {
        self.starts.get(self.first_step(since)).map_or(0, |(_, revision)| *revision)
    }

    fn seen(&self, since: Since) -> impl Iterator<Item = &Seen> {
        let first = self.first_step(since);
        self.seen.iter().filter(move |(step, _)| *step >= first).map(|(_, seen)| seen)
    }
}

impl Check {
    pub fn holds(&self, snapshot: &Snapshot, evidence: &Evidence<'_>) -> bool {
        match self {
            Check::All(of) => of.iter().all(|c| c.holds(snapshot, evidence)),
            Check::Any(of) => of.iter().any(|c| c.holds(snapshot, evidence)),
            Check::Not(of) => !of.holds(snapshot, evidence),
            Check::Count { op, n, .. } => self.counted(snapshot).is_some_and(|(have, _)| op.holds(have, *n)),
            Check::Field { key, path, is } => snapshot.store.get(key).is_some_and(|o| is.holds(at_path(&o.doc, path))),
            Check::Exists { key, is } => snapshot.store.get(key).is_some() == *is,
            Check::Event { reason, kind, since } => {
                // Whole seconds on the wire: an event of the very second of the start counts.
                let from = snapshot.epoch_ms.saturating_add_unsigned(evidence.from(*since).0) / 1000;
                snapshot.store.list(Kind::Event).any(|e| {
                    let text = |p: &str| objects::DocExt::str_at(&e.doc, p).unwrap_or_default().to_owned();
                    let last = [text("lastTimestamp"), text("eventTime"), text("metadata.creationTimestamp")];
                    let at = last.iter().find_map(|t| objects::time::parse_rfc3339(t)).unwrap_or(0);
                    text("reason") == *reason && kind.is_none_or(|k| text("involvedObject.kind") == k.name()) && at / 1000 >= from
                })
            }
            Check::Listed { kind, name, selector, label, rows, since } => evidence.seen(*since).any(|seen| match seen {
                Seen::Listed { kind: k, names, selector: s, labels } => {
                    k == kind
                        && (name.is_empty() || names.contains(name))
                        && (selector.is_empty() || s.replace("==", "=").split(',').any(|part| part.trim() == selector))
                        && (label.is_empty() || labels.contains(label))
                        && names.len() >= *rows
                }
                Seen::Described { kind: k, name: n } => {
                    // A description shows every label of one object.
                    k == kind && (name.is_empty() || n == name) && selector.is_empty() && *rows <= 1
                }
                _ => false,
            }),
            Check::Log { contains, since } => {
                evidence.seen(*since).any(|s| matches!(s, Seen::Log(line) if line.text.contains(contains)))
            }
            Check::Viewer { since } => evidence.seen(*since).any(|s| matches!(s, Seen::NodeViewer)),
            Check::Decided { method, since } => {
                let from = evidence.from(*since);
                snapshot.decisions.iter().any(|d| {
                    d.at >= from && matches!(&d.what, decisions::What::Disrupt { method: m, .. } if m.contains(method.as_str()))
                })
            }
            Check::Elapsed { measure, min_s, max_s } => {
                measure.seconds(snapshot, evidence.revision(Since::Step)).is_some_and(|s| (*min_s..=*max_s).contains(&s))
            }
            Check::RateBelowStart => snapshot.ledger.rate_micro() < evidence.start_rate_micro,
            Check::Answered => evidence.answered,
            Check::Failed { contains } => !evidence.failure.is_empty() && evidence.failure.contains(contains),
        }
    }

    /// For a count: how many there are and how many are wanted.
    pub fn counted(&self, snapshot: &Snapshot) -> Option<(i64, i64)> {
        let Check::Count { kind, filter, n, .. } = self else { return None };
        let have = snapshot.store.list(*kind).filter(|o| filter.matches(o, &snapshot.store)).count();
        Some((i64::try_from(have).unwrap_or(i64::MAX), *n))
    }
}
