//! Kubernetes events, newest last.

use engine::Snapshot;
use objects::collections::Order as _;
use objects::{DocExt, Kind, time};

#[derive(Clone, Debug, PartialEq)]
pub struct EventRow {
    pub uid: String,
    /// Unix milliseconds of the last occurrence.
    pub last_ms: i64,
    pub warning: bool,
    pub reason: String,
    /// `pod/inflate-abc`.
    pub object: String,
    pub message: String,
    pub count: i64,
    pub component: String,
}

/// The newest events a pane shows.
pub const SHOWN: usize = 200;

/// Events of the cluster, oldest first; `filter` must occur in reason, object or message.
pub fn rows(snapshot: &Snapshot, filter: &str) -> Vec<EventRow> {
    let filter = filter.trim().to_ascii_lowercase();
    let mut out: Vec<EventRow> = snapshot
        .store
        .list(Kind::Event)
        .map(|e| {
            let about = e.doc.at("involvedObject");
            EventRow {
                uid: e.meta.name.clone(),
                last_ms: e.doc.str_at("lastTimestamp").and_then(time::parse_rfc3339).unwrap_or(e.meta.created_ms),
                warning: e.doc.str_at("type") == Some("Warning"),
                reason: e.doc.str_at("reason").unwrap_or_default().to_owned(),
                object: format!(
                    "{}/{}",
                    about.str_at("kind").unwrap_or_default().to_ascii_lowercase(),
                    about.str_at("name").unwrap_or_default()
                ),
                message: e.doc.str_at("message").unwrap_or_default().to_owned(),
                count: e.doc.int_at("count").unwrap_or(1),
                component: e.doc.str_at("source.component").unwrap_or_default().to_owned(),
            }
        })
        .filter(|e| {
            filter.is_empty() || [&e.reason, &e.object, &e.message].iter().any(|t| t.to_ascii_lowercase().contains(&filter))
        })
        .collect();
    out.order_by(|a, b| (a.last_ms, &a.uid).cmp(&(b.last_ms, &b.uid)));
    let extra = out.len().saturating_sub(SHOWN);
    out.drain(..extra);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;
    use engine::SimTime;
    use objects::json;

    #[test]
    fn reads_sorts_and_filters() {
        let mut snapshot = sample::snapshot();
        for (name, at, kind, reason) in
            [("b", "2023-09-01T04:00:02Z", "Warning", "FailedScheduling"), ("a", "2023-09-01T04:00:01Z", "Normal", "Scheduled")]
        {
            let doc = json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": name, "namespace": "default"},
                "type": kind, "reason": reason, "message": "0/2 nodes are available", "count": 2, "lastTimestamp": at,
                "involvedObject": {"kind": "Pod", "name": "inflate-1"}, "source": {"component": "default-scheduler"}});
            snapshot.store.put(Kind::Event, doc, SimTime::ZERO);
        }
        let all = rows(&snapshot, "");
        assert_eq!(all.iter().map(|e| e.reason.as_str()).collect::<Vec<_>>(), ["Scheduled", "FailedScheduling"]);
        assert!(all.get(1).is_some_and(|e| e.warning && e.object == "pod/inflate-1" && e.count == 2));
        assert_eq!(rows(&snapshot, "failed").len(), 1);
    }
}
