//! The Events section of describe.

use super::super::age;
use engine::Snapshot;
use objects::collections::Order as _;
use objects::{DocExt, Kind, Object, Value};
use std::sync::Arc;

/// The events about an object, oldest first.
pub fn of(object: &Object, snapshot: &Snapshot) -> Vec<Arc<Object>> {
    let mut list: Vec<Arc<Object>> = snapshot
        .store
        .list(Kind::Event)
        .filter(|e| {
            let about = e.doc.at("involvedObject");
            about.str_at("kind") == Some(object.kind.name())
                && about.str_at("name") == Some(&object.meta.name)
                && about.str_at("namespace").unwrap_or_default() == object.meta.namespace
                // Nodes are named by their name or uid; what happened to an earlier object of this name is not its own.
                && (object.kind == Kind::Node
                    || about.str_at("uid").is_none_or(|u| u.is_empty() || u == object.meta.uid))
        })
        .cloned()
        .collect();
    let stamp = |e: &Object| e.doc.str_at("lastTimestamp").or(e.doc.str_at("firstTimestamp")).unwrap_or_default().to_owned();
    list.order_by_key(|e| (stamp(e), e.meta.created_ms, e.meta.name.clone()));
    list
}

fn age_of(e: &Value, now_ms: i64) -> String {
    let first = e.str_at("firstTimestamp").or_else(|| e.str_at("eventTime"));
    let since = |at| age::since(at, now_ms);
    match (e.int_at("series.count"), e.int_at("count")) {
        (Some(count), _) => format!("{} (x{count} over {})", since(e.str_at("series.lastObservedTime")), since(first)),
        (None, Some(count)) if count > 1 => {
            format!("{} (x{count} over {})", since(e.str_at("lastTimestamp").or(first)), since(first))
        }
        _ => since(first),
    }
}

/// The section, with tabs.
pub fn text(list: &[Arc<Object>], now_ms: i64) -> String {
    if list.is_empty() {
        return "Events:\t<none>\n".to_owned();
    }
    let mut out = String::from("Events:\n  Type\tReason\tAge\tFrom\tMessage\n  ----\t------\t----\t----\t-------\n");
    for e in list {
        let field = |p: &str| e.doc.str_at(p).unwrap_or_default();
        // Since 1.19 an event may name its reporter instead of a source.
        let component = Some(field("source.component")).filter(|c| !c.is_empty()).unwrap_or(field("reportingComponent"));
        let from = match e.doc.str_at("source.host").filter(|h| !h.is_empty()) {
            Some(host) => format!("{component}, {host}"),
            None => component.to_owned(),
        };
        let message = field("message").trim().replace(['\t', '\n'], " ");
        out.push_str(&format!("  {}\t{}\t{}\t{from}\t{message}\n", field("type"), field("reason"), age_of(&e.doc, now_ms)));
    }
    out
}
