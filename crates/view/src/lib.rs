//! View models: what a panel shows, as plain structs in the screen's words. No DOM, no colours, no layout.
//!
//! Every model is a pure function of a [`Snapshot`] (and a few arguments); [`Memo`] keeps one until what it reads
//! has changed. Floats occur only where something is drawn.

pub mod clock;
pub mod cost;
pub mod events;
pub mod fleet;
pub mod format;
pub mod logs;
pub mod memo;
pub mod overview;
pub mod plan;
pub mod rows;
pub mod simulated;
pub mod timeline;
pub mod waiting;
pub mod why;

pub use clock::{Clock, Zone};
pub use cost::CostSeries;
pub use events::EventRow;
pub use fleet::{Capacity, FleetMap, NodeBox, PodSquare, PodState};
pub use logs::LogRows;
pub use memo::Memo;
pub use overview::Overview;
pub use rows::NodeRows;
pub use timeline::Timeline;
pub use waiting::Waiting;
pub use why::Why;

use engine::Snapshot;

/// Language of sentences; names, kinds and the output of programs stay English in both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lang {
    #[default]
    En,
    Ko,
}

impl Lang {
    pub fn code(self) -> &'static str {
        match self {
            Lang::En => "en",
            Lang::Ko => "ko",
        }
    }

    /// One of two texts.
    pub fn pick<'a>(self, ko: &'a str, en: &'a str) -> &'a str {
        match self {
            Lang::Ko => ko,
            Lang::En => en,
        }
    }
}

/// Milliseconds since an API timestamp, 0 for what lies ahead.
pub(crate) fn age_ms(snapshot: &Snapshot, unix_ms: i64) -> u64 {
    u64::try_from(snapshot.unix_ms().saturating_sub(unix_ms)).unwrap_or(0)
}

#[cfg(test)]
pub(crate) mod sample;
