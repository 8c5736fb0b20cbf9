//! What was asked and what can be taken back: accepted requests, checkpoints, undone states and branches.

use super::world::World;
use super::{LogEntry, Request};
use crate::SimTime;
use objects::{ApiError, Reason};
use std::collections::VecDeque;
use std::rc::Rc;

/// Most requests of one session; further ones are refused.
pub const MAX_ENTRIES: usize = 5_000;
/// Futures that are kept when somebody goes on from the past.
pub const MAX_BRANCHES: usize = 5;
/// Undo states kept for redo, and sessions kept for undoing a reset.
const MAX_UNDONE: usize = 50;
const MAX_RESETS: usize = 5;
/// Checkpoints kept; at the limit every second one goes and the distance between new ones doubles.
const MAX_CHECKPOINTS: usize = 48;
/// Simulated time and changes between checkpoints at first: coming back costs at most the work of one such piece.
const CHECKPOINT_MS: u64 = 30_000;
const CHECKPOINT_CHANGES: u64 = 600;

/// A future that was left when somebody went on from an earlier time.
#[derive(Clone, Debug)]
pub struct Branch {
    /// Where it left the present line, and how far it went.
    pub from: SimTime,
    pub until: SimTime,
    pub entries: Vec<LogEntry>,
    pub(super) moment: Moment,
}

/// A world with the log that led to it: enough to come back.
#[derive(Clone, Debug)]
pub(super) struct Moment {
    pub world: Rc<World>,
    pub entries: Vec<LogEntry>,
    checkpoints: Vec<Checkpoint>,
    /// The moment belongs to a session that a reset had begun.
    pub was_reset: bool,
}

impl Moment {
    /// The beginning of the user's session.
    pub fn start(world: Rc<World>) -> Moment {
        let checkpoints = vec![Checkpoint { world: world.clone(), applied: 0 }];
        Moment { world, entries: Vec::new(), checkpoints, was_reset: false }
    }
}

#[derive(Clone, Debug)]
struct Checkpoint {
    world: Rc<World>,
    applied: usize,
}

#[derive(Clone, Debug)]
pub(super) struct History {
    entries: Vec<LogEntry>,
    /// How many entries the shown world contains; fewer than all while rewound.
    applied: usize,
    checkpoints: Vec<Checkpoint>,
    /// By how much the distances above have grown.
    spacing: u64,
    undone: Vec<Moment>,
    resets: VecDeque<Moment>,
    branches: VecDeque<Branch>,
    group: u32,
    new_line: bool,
}

impl History {
    pub fn new(start: Rc<World>) -> History {
        History {
            entries: Vec::new(),
            applied: 0,
            checkpoints: vec![Checkpoint { world: start, applied: 0 }],
            spacing: 1,
            undone: Vec::new(),
            resets: VecDeque::new(),
            branches: VecDeque::new(),
            group: 0,
            new_line: true,
        }
    }

    pub fn entries(&self) -> &[LogEntry] {
        &self.entries
    }

    pub fn applied(&self) -> usize {
        self.applied
    }

    pub fn branches(&self) -> impl Iterator<Item = &Branch> {
        self.branches.iter()
    }

    pub fn begin_line(&mut self) {
        self.new_line = true;
    }

    pub fn check_room(&self) -> Result<(), ApiError> {
        if self.applied < MAX_ENTRIES {
            return Ok(());
        }
        let message = format!("this session has {MAX_ENTRIES} changes, the most it can keep: reset it to go on");
        Err(ApiError::new(Reason::Forbidden, message))
    }

    /// Logs an accepted request. `before` is the world it met, which undo comes back to.
    pub fn record(&mut self, before: World, line: &str, request: Request) {
        let at = before.now();
        let continues = !self.new_line && self.entries.last().is_some_and(|e| e.line == line && e.at == at);
        if !continues {
            self.group += 1;
            self.add_checkpoint(Rc::new(before));
        }
        self.new_line = false;
        self.undone.clear();
        self.entries.push(LogEntry { at, line: line.to_owned(), request, group: self.group });
        self.applied = self.entries.len();
    }

    /// Keeps a checkpoint where the last one is long enough ago.
    pub fn checkpoint(&mut self, world: &World) {
        let Some(last) = self.checkpoints.last() else { return };
        let changes = world.cluster.store.revision() - last.world.cluster.store.revision();
        if world.now().since(last.world.now()) >= CHECKPOINT_MS.saturating_mul(self.spacing)
            || changes >= CHECKPOINT_CHANGES.saturating_mul(self.spacing)
        {
            self.add_checkpoint(Rc::new(world.clone()));
        }
    }

    fn add_checkpoint(&mut self, world: Rc<World>) {
        self.checkpoints.push(Checkpoint { world, applied: self.applied });
        if self.checkpoints.len() > MAX_CHECKPOINTS {
            let mut index = 0;
            self.checkpoints.retain(|_| {
                index += 1;
                index % 2 == 1
            });
            self.spacing = self.spacing.saturating_mul(2);
        }
    }

    /// The last checkpoint at or before `time` that contains at most `applied` entries.
    pub fn nearest(&self, time: SimTime, applied: usize) -> Option<(Rc<World>, usize)> {
        let fits = |c: &&Checkpoint| c.world.now() <= time && c.applied <= applied;
        self.checkpoints.iter().rev().find(fits).map(|c| (c.world.clone(), c.applied))
    }

    pub fn set_applied(&mut self, applied: usize) {
        self.applied = applied;
    }

    /// The next entry that the shown world does not contain yet.
    pub fn pending(&self) -> Option<&LogEntry> {
        self.entries.get(self.applied)
    }

    /// Index of the first entry of the last line.
    pub fn last_line(&self) -> Option<usize> {
        let group = self.entries.last()?.group;
        self.entries.iter().position(|e| e.group == group)
    }

    /// Cuts the log behind what the shown world contains and keeps the rest as a branch.
    pub fn branch(&mut self, head: &Rc<World>) {
        let from = self.entries.get(self.applied).map_or(head.now(), |e| e.at);
        let moment = self.moment(head.clone());
        let rest = self.entries.split_off(self.applied.min(self.entries.len()));
        if !rest.is_empty() {
            self.branches.push_back(Branch { from, until: head.now(), entries: rest, moment });
            if self.branches.len() > MAX_BRANCHES {
                self.branches.pop_front();
            }
        }
        self.new_line = true;
    }

    /// Forgets checkpoints of a future that no longer is one.
    pub fn cut_checkpoints(&mut self, world: &World) {
        let applied = self.applied;
        self.checkpoints.retain(|c| c.applied <= applied && c.world.now() <= world.now());
    }

    pub fn cut_entries(&mut self, to: usize) {
        self.entries.truncate(to);
        self.applied = self.entries.len();
        self.new_line = true;
    }

    pub fn push_undone(&mut self, moment: Moment) {
        self.undone.push(moment);
        if self.undone.len() > MAX_UNDONE {
            self.undone.remove(0);
        }
    }

    pub fn pop_undone(&mut self) -> Option<Moment> {
        self.undone.pop()
    }

    pub fn push_reset(&mut self, moment: Moment) {
        self.resets.push_back(moment);
        if self.resets.len() > MAX_RESETS {
            self.resets.pop_front();
        }
    }

    pub fn pop_reset(&mut self) -> Option<Moment> {
        self.resets.pop_back()
    }

    pub fn can_undo(&self) -> bool {
        !self.entries.is_empty() || !self.resets.is_empty()
    }

    pub fn can_redo(&self) -> bool {
        !self.undone.is_empty()
    }

    pub fn take_branch(&mut self, index: usize) -> Option<Branch> {
        self.branches.remove(index)
    }

    pub fn clear_undone(&mut self) {
        self.undone.clear();
    }

    /// Everything that is needed to come back to `world`, which contains all entries.
    pub fn moment(&self, world: Rc<World>) -> Moment {
        Moment { world, entries: self.entries.clone(), checkpoints: self.checkpoints.clone(), was_reset: false }
    }

    /// Takes another log as the present one.
    pub fn adopt(&mut self, moment: &Moment) {
        self.entries = moment.entries.clone();
        self.applied = self.entries.len();
        self.checkpoints = moment.checkpoints.clone();
        self.group = self.group.max(self.entries.last().map_or(0, |e| e.group));
        self.new_line = true;
    }
}
