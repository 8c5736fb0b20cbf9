//! The controller log as rows, filtered by words.

use engine::Snapshot;
use engine::logs::{Level, LogLine};
use std::sync::Arc;

#[derive(Clone, Debug)]
pub struct LogRows {
    /// The newest [`SHOWN`] matching lines, oldest first, with their number in the whole log.
    pub rows: Vec<(usize, Arc<LogLine>)>,
    pub matching: usize,
    pub total: usize,
}

impl PartialEq for LogRows {
    /// Lines are immutable, so numbers say it all.
    fn eq(&self, other: &Self) -> bool {
        let ids = |r: &LogRows| r.rows.iter().map(|(i, l)| (*i, Arc::as_ptr(l) as usize)).collect::<Vec<_>>();
        self.total == other.total && self.matching == other.matching && ids(self) == ids(other)
    }
}

/// What a pane keeps on screen; the rest is reached by filtering or by `kubectl logs`.
pub const SHOWN: usize = 500;

impl LogRows {
    /// A line matches when it contains every word of `filter` (ASCII case does not matter); `-word` excludes.
    pub fn of(snapshot: &Snapshot, filter: &str, least: Level) -> LogRows {
        let words: Vec<(bool, String)> = filter
            .split_whitespace()
            .map(|w| match w.strip_prefix('-') {
                Some(rest) if !rest.is_empty() => (false, rest.to_ascii_lowercase()),
                _ => (true, w.to_ascii_lowercase()),
            })
            .collect();
        let matches = |l: &LogLine| {
            l.level >= least && {
                let text = l.text.to_ascii_lowercase();
                words.iter().all(|(wanted, w)| text.contains(w.as_str()) == *wanted)
            }
        };
        let mut matching = 0;
        let mut rows = Vec::new();
        for (i, line) in snapshot.logs.iter().enumerate().rev() {
            if matches(line) {
                matching += 1;
                if rows.len() < SHOWN {
                    rows.push((i, line.clone()));
                }
            }
        }
        rows.reverse();
        LogRows { rows, matching, total: snapshot.logs.len() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use engine::SimTime;

    #[test]
    fn filters_by_words_and_level() {
        let mut snapshot = sample::snapshot();
        let line = |level: Level, text: &str| {
            Arc::new(LogLine {
                at: SimTime::ZERO,
                pod: "karpenter/karpenter-1".to_owned(),
                container: "controller".to_owned(),
                level,
                logger: "controller.provisioner".to_owned(),
                message: text.to_owned(),
                fields: Vec::new(),
                text: text.to_owned(),
            })
        };
        snapshot.logs = Arc::new(vec![
            line(Level::Info, "found provisionable pod(s)"),
            line(Level::Debug, "registered machine"),
            line(Level::Info, "deprovisioning via consolidation delete"),
        ]);
        for (filter, least, want) in [
            ("", Level::Debug, vec![0, 1, 2]),
            ("", Level::Info, vec![0, 2]),
            ("PROVISION", Level::Debug, vec![0, 2]),
            ("provision -consolidation", Level::Debug, vec![0]),
            ("nothing", Level::Debug, vec![]),
        ] {
            let got = LogRows::of(&snapshot, filter, least);
            assert_eq!(got.rows.iter().map(|(i, _)| *i).collect::<Vec<_>>(), want, "{filter}");
            assert_eq!(got.total, 3);
        }
    }
}
