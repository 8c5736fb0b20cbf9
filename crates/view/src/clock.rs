//! Times of day, as the screen writes them.

use engine::SimTime;
use objects::time;

/// Whose time a screen shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// Scenarios play in Korea.
    Korea,
    /// Real clusters have no place; what they and their schedules say is in UTC.
    Utc,
}

impl Zone {
    pub fn name(self) -> &'static str {
        match self {
            Zone::Korea => "KST",
            Zone::Utc => "UTC",
        }
    }

    fn ahead_ms(self) -> i64 {
        match self {
            Zone::Korea => 9 * 3_600_000,
            Zone::Utc => 0,
        }
    }
}

/// Tells the times of one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// What the session's time counts from, in Unix milliseconds.
    pub epoch_ms: i64,
    pub zone: Zone,
}

impl Clock {
    /// `14:03:22` for a moment of the session.
    pub fn at(self, at: SimTime) -> String {
        self.time(self.epoch_ms.saturating_add_unsigned(at.ms()))
    }

    /// `14:03:22`.
    pub fn time(self, unix_ms: i64) -> String {
        let (_, _, _, h, m, s, _) = time::parts(unix_ms.saturating_add(self.zone.ahead_ms()));
        format!("{h:02}:{m:02}:{s:02}")
    }

    /// `2023-09-01`.
    pub fn date(self, unix_ms: i64) -> String {
        let (y, m, d, ..) = time::parts(unix_ms.saturating_add(self.zone.ahead_ms()));
        format!("{y:04}-{m:02}-{d:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_begin_where_the_reader_is() {
        // 2023-08-31T15:00:05Z
        let unix_ms = 1_693_494_005_000;
        for (zone, date, time) in [(Zone::Korea, "2023-09-01", "00:00:05"), (Zone::Utc, "2023-08-31", "15:00:05")] {
            let clock = Clock { epoch_ms: unix_ms - 5000, zone };
            assert_eq!((clock.date(unix_ms).as_str(), clock.time(unix_ms).as_str()), (date, time), "{}", zone.name());
            assert_eq!(clock.at(SimTime::secs(5)), time);
        }
    }
}
