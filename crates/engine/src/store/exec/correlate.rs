//! What a recorder makes of many events about one object: the tenth message of a kind within ten minutes and those after
//! it become one event, and an object has 25 events of a type and one more every five minutes.
//! Source: kubernetes/client-go tools/record/events_cache.go, v0.28 and v0.35.

use crate::kernel::stable_hash;
use objects::{DocExt, Value};
use std::collections::BTreeMap;

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
    groups: BTreeMap<u64, Group>,
    /// Until when the budget of an object is spent in advance.
    spent_until_ms: BTreeMap<u64, i64>,
}

/// Events that differ in their messages alone.
#[derive(Clone, Debug, Default)]
struct Group {
    messages: Vec<u64>,
    last_ms: i64,
    /// The name of the event that they have become.
    combined: Option<String>,
}

impl Correlator {
    /// Whether the event is one too many of its group; if so, the name of the event that stands for the group, which is the
    /// given one where there is none yet.
    pub fn combine(&mut self, event: &Value, now_ms: i64) -> Option<String> {
        if self.groups.len() >= KEPT {
            forget_half(&mut self.groups, |g| g.last_ms);
        }
        let group = self.groups.entry(key(event, &["type", "reason"])).or_default();
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
        if self.spent_until_ms.len() >= KEPT {
            forget_half(&mut self.spent_until_ms, |until| *until);
        }
        let until = self.spent_until_ms.entry(key(event, &["type"])).or_insert(now_ms);
        let spent = (*until).max(now_ms);
        if spent.saturating_sub(now_ms) > (BURST - 1) * REFILL_MS {
            return true;
        }
        *until = spent.saturating_add(REFILL_MS);
        false
    }
}

/// Who speaks about which object, and what of it in these fields.
fn key(event: &Value, fields: &[&'static str]) -> u64 {
    let about = event.at("involvedObject");
    let of = |field: &'static str| about.str_at(field).unwrap_or_default();
    let mut parts =
        vec![of("kind"), of("namespace"), of("name"), of("uid"), event.str_at("source.component").unwrap_or_default()];
    parts.extend(fields.iter().map(|field| event.str_at(field).unwrap_or_default()));
    stable_hash(&parts)
}

fn forget_half<T>(of: &mut BTreeMap<u64, T>, age: impl Fn(&T) -> i64) {
    let mut ages: Vec<i64> = of.values().map(&age).collect();
    ages.sort_unstable();
    let middle = ages.get(ages.len() / 2).copied().unwrap_or(0);
    of.retain(|_, v| age(v) > middle);
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
    fn what_is_long_ago_is_forgotten_first() {
        let mut of: BTreeMap<u64, i64> = (0..10).map(|n| (n, n as i64)).collect();
        forget_half(&mut of, |at| *at);
        assert_eq!(of.into_keys().collect::<Vec<_>>(), [6, 7, 8, 9]);
    }
}
