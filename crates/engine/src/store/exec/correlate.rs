//! What a recorder makes of many events about one object: the tenth message of a kind within ten minutes and those after
//! it become one event, and an object has 25 events of a type and one more every five minutes.
//! Source: kubernetes/client-go tools/record/events_cache.go, v0.28 and v0.35.

use crate::kernel::stable_hash;
use objects::collections::VecMap;
use objects::{DocExt, Value};

/// In front of the newest of the messages that became one event.
pub const COMBINED: &str = "(combined from similar events): ";

const MOST_MESSAGES: usize = 10;
const INTERVAL_MS: i64 = 600_000;
const BURST: i64 = 25;
const REFILL_MS: i64 = 300_000;
/// Groups and objects that are remembered.
const KEPT: usize = 4_096;

/// What the recorders remember of the events that they have seen.
#[derive(Clone, Debug, Default)]
pub struct Correlator {
    records: VecMap<u64, Record>,
}

/// Events about one object of one type: of one reason, where they are combined, and of all, where they are counted.
#[derive(Clone, Debug, Default)]
struct Record {
    last_ms: i64,
    messages: Vec<u64>,
    /// The name of the event that the messages have become.
    combined: Option<String>,
    /// Until when the object's budget is spent in advance.
    spent_until_ms: i64,
}

impl Correlator {
    /// Whether the event is one too many of its group; if so, the name of the event that stands for the group, which is the
    /// given one where there is none yet.
    pub fn combine(&mut self, event: &Value, now_ms: i64) -> Option<String> {
        let group = self.record(key(event, event.str_at("reason")), now_ms);
        if now_ms.saturating_sub(group.last_ms) > INTERVAL_MS {
            group.messages.clear();
        }
        group.last_ms = now_ms;
        let message = stable_hash(&[event.str_at("message").unwrap_or_default()]);
        if !group.messages.contains(&message) {
            group.messages.push(message);
        }
        if group.messages.len() < MOST_MESSAGES {
            return None;
        }
        group.messages.remove(0);
        Some(group.combined.get_or_insert_with(|| event.str_at("metadata.name").unwrap_or_default().to_owned()).clone())
    }

    /// Whether the object has had too many events of the type. What is not is counted.
    pub fn is_spam(&mut self, event: &Value, now_ms: i64) -> bool {
        let object = self.record(key(event, None), now_ms);
        object.last_ms = now_ms;
        let spent = object.spent_until_ms.max(now_ms);
        if spent.saturating_sub(now_ms) > (BURST - 1) * REFILL_MS {
            return true;
        }
        object.spent_until_ms = spent.saturating_add(REFILL_MS);
        false
    }

    /// The record of that key. Where there are too many, those that were silent for the interval go, or all.
    fn record(&mut self, key: u64, now_ms: i64) -> &mut Record {
        if self.records.len() >= KEPT {
            self.records.retain(|_, r| now_ms.saturating_sub(r.last_ms) <= INTERVAL_MS);
        }
        if self.records.len() >= KEPT {
            self.records = VecMap::new();
        }
        self.records.entry(key).or_default()
    }
}

/// Who speaks about which object and of which type, and why.
fn key(event: &Value, reason: Option<&str>) -> u64 {
    let about = event.at("involvedObject");
    let of = |field: &'static str| about.str_at(field).unwrap_or_default();
    let text = |field: &'static str| event.str_at(field).unwrap_or_default();
    let about =
        [of("kind"), of("namespace"), of("name"), of("uid"), text("source.component"), text("type"), reason.unwrap_or("*")];
    stable_hash(&about)
}

#[cfg(test)]
mod tests {
    use super::*;
    use objects::json;

    fn event(n: usize) -> Value {
        json!({
            "metadata": {"name": format!("inflate.{n}")}, "involvedObject": {"kind": "ReplicaSet", "name": "inflate"},
            "type": "Normal", "reason": "SuccessfulCreate", "message": format!("Created pod: {n}"), "source": {"component": "c"},
        })
    }

    #[test]
    fn the_tenth_message_stands_for_those_after_it() {
        let mut c = Correlator::default();
        let names: Vec<Option<String>> = (0..12).map(|n| c.combine(&event(n), 1_000)).collect();
        assert_eq!(names.iter().position(Option::is_some), Some(9));
        assert!(names.iter().skip(9).all(|n| n.as_deref() == Some("inflate.9")), "{names:?}");
        assert_eq!(c.combine(&event(20), 1_000 + INTERVAL_MS), Some("inflate.9".to_owned()));
        assert_eq!(c.combine(&event(21), 1_001 + 2 * INTERVAL_MS), None, "ten minutes of silence begin anew");
    }

    #[test]
    fn an_object_has_25_events_and_one_more_every_five_minutes() {
        let mut c = Correlator::default();
        let said = |c: &mut Correlator, at: i64| (0..40).filter(|n| !c.is_spam(&event(*n), at)).count();
        assert_eq!(said(&mut c, 0), 25);
        assert_eq!(said(&mut c, 299_999), 0);
        assert_eq!(said(&mut c, 600_000), 2);
    }

    #[test]
    fn what_is_silent_is_forgotten_where_there_is_too_much() {
        let mut c = Correlator::default();
        let about = |n: i64| {
            let mut event = event(0);
            event.set("involvedObject.name", n.to_string());
            event
        };
        for n in 0..KEPT as i64 {
            c.is_spam(&about(n), n * 1_000);
        }
        c.is_spam(&about(-1), KEPT as i64 * 1_000);
        assert_eq!(c.records.len(), 601);
        for n in 0..4_000 {
            c.is_spam(&about(n), KEPT as i64 * 1_000);
        }
        assert!(c.records.len() < KEPT, "{}", c.records.len());
    }
}
