//! The batching window: it opens with the first trigger, closes a second after the last, ten seconds after the first at
//! the latest. Source: kubernetes-sigs/karpenter pkg/controllers/provisioning/batcher.go v0.29.2 and v1.14.1.

use crate::SimTime;
use objects::Era;
use objects::collections::VecSet;

#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// First and last trigger of the open window.
    window: Option<(SimTime, SimTime)>,
    /// Who triggered in this window; 1.14 lets nobody extend it twice.
    seen: VecSet<String>,
}

impl Batch {
    /// Opens or extends the window on behalf of `uid`; returns when it closes: `idle_ms` after the last trigger, `most_ms`
    /// after the first.
    pub fn trigger(&mut self, uid: &str, now: SimTime, era: Era, (idle_ms, most_ms): (u64, u64)) -> SimTime {
        let is_new = self.seen.insert(uid.to_owned());
        let (first, last) = match self.window {
            None => (now, now),
            Some((first, last)) if is_new || era == Era::V1alpha5 => (first, last.max(now)),
            Some(window) => window,
        };
        self.window = Some((first, last));
        (last + idle_ms).min(first + most_ms)
    }

    /// Ends the window; false where none was open.
    pub fn close(&mut self) -> bool {
        self.seen.clear();
        self.window.take().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(era: Era, triggers: &[(u64, &str)], want: u64) {
        let mut batch = Batch::default();
        let mut closes = SimTime::ZERO;
        for (ms, uid) in triggers {
            closes = batch.trigger(uid, SimTime(*ms), era, (1_000, 10_000));
        }
        assert_eq!(closes, SimTime(want), "{era:?} {triggers:?}");
    }

    #[test]
    fn a_window_closes_after_idle_or_at_most_ten_seconds() {
        check(Era::V1alpha5, &[(0, "a")], 1_000);
        check(Era::V1alpha5, &[(0, "a"), (900, "b"), (1_800, "c")], 2_800);
        let steady: Vec<(u64, &str)> = (0..11).map(|i| (i * 950, "a")).collect();
        check(Era::V1alpha5, &steady, 10_000);
        // The same pod again extends the window in 0.29 only.
        check(Era::V1alpha5, &[(0, "a"), (900, "a")], 1_900);
        check(Era::V1, &[(0, "a"), (900, "a")], 1_000);
        check(Era::V1, &[(0, "a"), (900, "b")], 1_900);
    }
}
