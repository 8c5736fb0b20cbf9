//! Moving through a session's time: undo and redo, the past, branches, and the next thing worth seeing.

use super::Session;
use super::history::{Branch, Moment};
use crate::SimTime;
use objects::Kind;
use std::rc::Rc;

/// What [`Session::advance_to_next_event`] came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextEvent {
    /// Something visible happened at the present instant.
    Found,
    /// Nothing visible until the limit, which is the present now.
    Nothing,
    /// The work budget ran out; call again.
    Working,
}

impl Session {
    /// Back to just before the last line, or before the last reset; false where there is nothing to undo.
    pub fn undo(&mut self) -> bool {
        self.present();
        let Some(first) = self.history.last_line() else {
            let Some(before) = self.history.pop_reset() else { return false };
            let mut now = self.moment();
            now.was_reset = true;
            self.history.push_undone(now);
            self.adopt(&before);
            return true;
        };
        let Some(at) = self.history.entries().get(first).map(|e| e.at) else { return false };
        let undone = self.moment();
        self.rewind(at, first);
        self.history.cut_entries(first);
        self.history.cut_checkpoints(&self.world);
        self.history.push_undone(undone);
        true
    }

    /// Restores what the last undo took away, time included; false where nothing was undone since the last request.
    pub fn redo(&mut self) -> bool {
        self.present();
        let Some(moment) = self.history.pop_undone() else { return false };
        if moment.was_reset {
            let before = self.moment();
            self.history.push_reset(before);
        }
        self.adopt(&moment);
        true
    }

    pub fn can_undo(&self) -> bool {
        self.history.can_undo()
    }

    pub fn can_redo(&self) -> bool {
        self.history.can_redo()
    }

    /// Back to the start of the scenario; undoable.
    pub fn reset(&mut self) {
        if self.is_mirror() {
            return;
        }
        self.present();
        let before = self.moment();
        self.history.push_reset(before);
        self.history.clear_undone();
        let start = Moment::start(self.start.clone());
        self.adopt(&start);
    }

    /// Shows the cluster as it was at `time` (between the start and the present). Nothing is lost: [`Session::present`]
    /// comes back, [`Session::advance`] plays what happened again, and the next accepted request branches off.
    pub fn seek(&mut self, time: SimTime) {
        if self.is_mirror() {
            return;
        }
        let present = self.present_time();
        let time = time.clamp(self.start.now(), present);
        if time == present {
            self.present();
            return;
        }
        if self.head.is_none() {
            self.head = Some(Rc::new(self.world.clone()));
        }
        let applied = self.history.entries().iter().filter(|e| e.at <= time).count();
        self.rewind(time, applied);
    }

    /// Whether the past is shown.
    pub fn is_rewound(&self) -> bool {
        self.head.is_some()
    }

    /// The time of the present, also while the past is shown.
    pub fn present_time(&self) -> SimTime {
        self.head.as_ref().map_or(self.now(), |h| h.now())
    }

    /// Makes the past that is shown the present; what came after it is kept as a branch.
    pub fn continue_here(&mut self) {
        if let Some(head) = self.head.take() {
            self.history.branch(&head);
            self.history.cut_checkpoints(&self.world);
            self.touch();
        }
    }

    /// Futures that were left, oldest first.
    pub fn branches(&self) -> impl Iterator<Item = &Branch> {
        self.history.branches()
    }

    /// Goes over to a branch; the present line becomes a branch in turn. False where there is no such branch.
    pub fn switch_to(&mut self, index: usize) -> bool {
        self.present();
        let Some(branch) = self.history.take_branch(index) else { return false };
        let shared = self.history.entries().iter().zip(&branch.moment.entries).take_while(|(a, b)| a == b).count();
        let here = Rc::new(self.world.clone());
        self.history.set_applied(shared);
        self.history.branch(&here);
        self.adopt(&branch.moment);
        true
    }

    /// Entries of [`Session::history`] that the shown world contains.
    pub fn applied(&self) -> usize {
        self.history.applied()
    }

    /// Advances to the next change of a node, a pod or a claim, or the next controller log line, at most to `limit`.
    pub fn advance_to_next_event(&mut self, limit: SimTime, max_steps: usize) -> NextEvent {
        if self.is_mirror() {
            return NextEvent::Nothing;
        }
        self.finish_instant();
        let before = self.visible();
        for _ in 0..max_steps {
            let Some(wake) = self.next_wake().into_iter().chain(self.history.pending().map(|e| e.at)).min() else { break };
            if wake > limit {
                break;
            }
            self.advance(wake, usize::MAX);
            if self.visible() != before {
                return NextEvent::Found;
            }
        }
        match self.next_wake() {
            Some(wake) if wake <= limit => NextEvent::Working,
            _ => {
                self.advance_to(limit);
                NextEvent::Nothing
            }
        }
    }

    /// When the next visible event happens, at most `limit`, found on a copy; `None` where nothing does, or where more
    /// than `max_steps` actor runs lie between.
    pub fn next_event(&self, limit: SimTime, max_steps: usize) -> Option<SimTime> {
        let mut copy = self.clone();
        (copy.advance_to_next_event(limit, max_steps) == NextEvent::Found).then(|| copy.now())
    }

    /// Changes whenever a node, a pod or a claim does, and with each line of a controller's log.
    pub fn visible(&self) -> (u64, usize) {
        let store = &self.world.cluster.store;
        let claims = Kind::claim(self.scenario.era);
        let revision = [Kind::Node, Kind::Pod, claims].into_iter().map(|k| store.kind_revision(k)).max().unwrap_or(0);
        (revision, self.world.logs.total())
    }

    /// Shows the world at `time` with the first `applied` entries in it.
    fn rewind(&mut self, time: SimTime, applied: usize) {
        self.touch();
        let (world, mut done) = self.history.nearest(time, applied).unwrap_or((self.start.clone(), 0));
        let mut world = (*world).clone();
        while done < applied {
            let Some(entry) = self.history.entries().get(done) else { break };
            world.run_to(entry.at);
            let _ = world.request(&entry.request);
            done += 1;
        }
        world.run_to(time);
        self.world = world;
        self.history.set_applied(done);
    }

    pub(super) fn due_in_replay(&self, target: SimTime) -> Option<SimTime> {
        self.head.as_ref()?;
        let at = self.history.pending().map(|e| e.at).filter(|at| *at <= target);
        at.or_else(|| Some(self.present_time()).filter(|at| *at <= target))
    }

    /// Carries out the next recorded request, or finds that the present is reached.
    pub(super) fn replay_next(&mut self) {
        let now = self.world.now();
        match self.history.pending().filter(|e| e.at <= now) {
            Some(entry) => {
                // It was accepted in this very world before.
                let _ = self.world.request(&entry.request);
                self.history.set_applied(self.history.applied() + 1);
            }
            None => self.head = None,
        }
    }

    /// Back from the past to the present.
    pub fn present(&mut self) {
        self.touch();
        if let Some(head) = self.head.take() {
            self.world = Rc::unwrap_or_clone(head);
            let all = self.history.entries().len();
            self.history.set_applied(all);
        }
    }

    fn moment(&self) -> Moment {
        self.history.moment(Rc::new(self.world.clone()))
    }

    fn adopt(&mut self, moment: &Moment) {
        self.touch();
        self.head = None;
        self.world = (*moment.world).clone();
        self.history.adopt(moment);
    }
}
