//! The strip at the bottom: what the person did and what the cluster did, along simulated time.

use crate::format;
use engine::decisions::What;
use engine::session::LogEntry;
use engine::{SimTime, Snapshot};
use objects::collections::Order as _;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    Command,
    NodeAdded,
    NodeRemoved,
    Disruption,
}

impl Mark {
    pub fn token(self) -> &'static str {
        match self {
            Mark::Command => "command",
            Mark::NodeAdded => "added",
            Mark::NodeRemoved => "removed",
            Mark::Disruption => "disruption",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    pub at: SimTime,
    pub mark: Mark,
    /// What a tooltip says: the command, the node with its type, the method.
    pub text: String,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timeline {
    pub ticks: Vec<Tick>,
    pub from: SimTime,
    pub now: SimTime,
}

/// More ticks than this cannot be told apart; the newest stay.
pub const MAX_TICKS: usize = 400;

impl Timeline {
    pub fn of(snapshot: &Snapshot, history: &[LogEntry]) -> Timeline {
        let from = snapshot.start;
        let mut ticks: Vec<Tick> = Vec::new();
        for entry in history {
            let first = entry.line.lines().next().unwrap_or_default();
            if !ticks.last().is_some_and(|t| t.at == entry.at && t.text == first) {
                ticks.push(Tick { at: entry.at, mark: Mark::Command, text: first.to_owned() });
            }
        }
        for e in &snapshot.ledger.entries {
            let text = format!("{} {}", format::short_node(&e.node), e.instance_type);
            if e.from > from {
                ticks.push(Tick { at: e.from, mark: Mark::NodeAdded, text: text.clone() });
            }
            if let Some(until) = e.until {
                ticks.push(Tick { at: until, mark: Mark::NodeRemoved, text });
            }
        }
        for d in snapshot.decisions.iter() {
            if let What::Disrupt { method, nodes, .. } = &d.what {
                let names: Vec<&str> = nodes.iter().map(|n| format::short_node(n)).collect();
                ticks.push(Tick { at: d.at, mark: Mark::Disruption, text: format!("{method}: {}", names.join(", ")) });
            }
        }
        ticks.retain(|t| t.at >= from);
        ticks.order_by_key(|t| (t.at, t.mark));
        let extra = ticks.len().saturating_sub(MAX_TICKS);
        ticks.drain(..extra);
        Timeline { ticks, from, now: snapshot.now }
    }

    /// Where a moment lies between the start and `until`, parts per ten thousand.
    pub fn position(&self, at: SimTime, until: SimTime) -> u64 {
        let whole = until.since(self.from).max(1);
        (at.since(self.from).min(whole)) * 10_000 / whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use engine::decisions::Decision;
    use objects::{Kind, ObjectKey};
    use std::sync::Arc;

    #[test]
    fn orders_commands_and_disruptions() {
        let mut snapshot = sample::snapshot();
        snapshot.decisions = Arc::new(vec![Arc::new(Decision {
            at: SimTime::secs(50),
            about: ObjectKey::cluster(Kind::Node, "n"),
            what: What::Disrupt {
                method: "emptiness",
                action: "delete",
                nodes: vec!["ip-192-168-3-91.x".to_owned()],
                replacement_types: vec![],
                price_before_micro: 0,
                price_after_micro: 0,
            },
        })]);
        let t = Timeline::of(&snapshot, &[]);
        assert_eq!(t.ticks, vec![Tick { at: SimTime::secs(50), mark: Mark::Disruption, text: "emptiness: 3-91".to_owned() }]);
        assert_eq!(t.position(SimTime::secs(50), SimTime::secs(100)), 5_000);
    }
}
