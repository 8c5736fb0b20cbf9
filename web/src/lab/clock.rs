//! How wall time becomes simulated time.

use engine::SimTime;

/// What the clock is doing, beyond playing or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Pace {
    #[default]
    Steady,
    /// Going to the next visible event, at most to this time.
    Skipping { limit: SimTime },
    /// Going to this time, past whatever happens.
    Until { limit: SimTime },
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clock {
    pub playing: bool,
    /// Simulated per wall second.
    pub speed: u32,
    pub pace: Pace,
    /// The last frame could not keep up: the clock is slower than `speed` says.
    pub behind: bool,
    /// Simulated milliseconds not yet passed, below one.
    carry: f64,
}

/// Farthest that "next event" looks ahead.
pub const SKIP_LIMIT_MS: u64 = 15 * 60_000;

impl Clock {
    pub fn new(speed: u32) -> Clock {
        Clock { playing: true, speed, pace: Pace::Steady, behind: false, carry: 0.0 }
    }

    /// Whole simulated milliseconds that pass in a wall time; parts are kept for the next frame.
    pub fn pass(&mut self, wall_ms: f64) -> u64 {
        let due = wall_ms.max(0.0) * f64::from(self.speed) + self.carry;
        self.carry = due.fract();
        due as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_fractions() {
        let mut clock = Clock::new(1);
        let passed: u64 = (0..1000).map(|_| clock.pass(16.6)).sum();
        assert!((16_599..=16_600).contains(&passed), "{passed}");
        assert_eq!(Clock::new(60).pass(16.5), 990);
    }
}
