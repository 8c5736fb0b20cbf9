//! How much a line may do before simulated time has to pass, so that none holds up its owner or fills the memory. Everything
//! is counted in frames of the machine: what runs by what it costs, and every byte that is read, written or expanded.

use engine::SimTime;

/// Frames of one step of a line or a job, in all machines within it; then the owner gets a turn.
pub const FRAMES: usize = 512;
/// Frames within one simulated instant.
const MOST: usize = 4_000 * FRAMES;
/// Bytes that count for a frame; so much text may be moved within an instant as 250 MiB.
const BYTES: usize = 128;
/// Bytes of text that one pipe, one output or one expansion may hold.
pub const MOST_TEXT: usize = 64 << 20;

/// What is said of a script that runs in a circle.
const ROUND: &str = "bash: stopped: the script goes round without letting time pass (put a `sleep` in the loop)\n";
/// And of one whose texts have become too long or too many.
const BULK: &str = "bash: stopped: the script moves more text at once than a playground can hold\n";

#[derive(Clone, Copy, Debug)]
pub struct Budget {
    at: SimTime,
    /// Spent within the instant, and how much of it on bytes.
    frames: usize,
    bytes: usize,
    /// Spent in the present step.
    step: usize,
}

impl Default for Budget {
    fn default() -> Budget {
        Budget { at: SimTime::ZERO, frames: 0, bytes: 0, step: 0 }
    }
}

impl Budget {
    /// Begins a step; another instant begins anew.
    pub fn begin(self, now: SimTime) -> Budget {
        if self.at == now { Budget { step: 0, ..self } } else { Budget { at: now, ..Budget::default() } }
    }

    /// Ends a step, which counts as a whole one however little was done in it; in how many steps' worth it was.
    pub fn end(&mut self) -> usize {
        self.frames = self.frames.saturating_add(FRAMES.saturating_sub(self.step));
        (self.step / FRAMES).max(1)
    }

    pub fn spend(&mut self, frames: usize) {
        self.frames = self.frames.saturating_add(frames);
        self.step = self.step.saturating_add(frames);
    }

    pub fn spend_bytes(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes / BYTES);
        self.spend(bytes / BYTES);
    }

    /// Whether the owner is to get a turn: also where nothing is left, for whoever is asked to go on then cannot.
    pub fn step_is_over(&self) -> bool {
        self.step >= FRAMES || self.stopped().is_some()
    }

    /// Bytes that may yet be worked on.
    pub fn bytes_left(&self) -> usize {
        MOST.saturating_sub(self.frames).saturating_mul(BYTES)
    }

    /// Why the line cannot go on, once everything is spent.
    pub fn stopped(&self) -> Option<&'static str> {
        (self.frames >= MOST).then_some(if self.bytes > MOST / 2 { BULK } else { ROUND })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_for_those_who_are_asked_again() {
        let now = SimTime::ZERO;
        let mut budget = Budget::default().begin(now);
        budget.spend(MOST - 1);
        assert_eq!((budget.end(), budget.stopped()), (3_999, None));
        let mut budget = budget.begin(now);
        assert!(!budget.step_is_over());
        budget.spend(1);
        assert_eq!(budget.stopped(), Some(ROUND));
        assert!(budget.step_is_over(), "a pipeline would ask again, and each around it");
        assert!(budget.begin(now + 1).stopped().is_none());
        let mut budget = Budget::default();
        budget.spend_bytes(MOST * BYTES);
        assert_eq!((budget.stopped(), budget.bytes_left()), (Some(BULK), 0));
    }
}
