//! Recording Kubernetes events: equal ones are counted, as client-go's recorder does.
//! Source: kubernetes/client-go tools/record/{event,events_cache}.go, v0.28.

use super::Context;
use crate::actor::EventNote;
use crate::store::Store;
use objects::{DocExt, Object, json, time};
use std::sync::Arc;

/// How long a server keeps an event after it was last seen (`--event-ttl`).
pub const EVENT_TTL_MS: u64 = 3_600_000;
/// Most events kept; the oldest go first.
pub const MAX_EVENTS: usize = 4_000;

/// Records an event or counts it on an equal one. Returns `None` where it was dropped as a repetition.
pub fn event(store: &mut Store, ctx: &Context<'_>, note: &EventNote) -> Option<Arc<Object>> {
    let about = &note.about;
    let namespace = if about.namespace.is_empty() { "default" } else { about.namespace.as_str() };
    let now = ctx.timestamp();
    let mut involved = json!({"kind": about.kind.name(), "name": about.name, "apiVersion": about.kind.api_version()});
    if !about.namespace.is_empty() {
        involved.set("namespace", about.namespace.as_str());
    }
    if let Some(object) = store.get(about) {
        involved.set("uid", object.meta.uid.as_str());
        involved.set("resourceVersion", object.meta.resource_version.to_string());
    }
    // The name carries nanoseconds; the part below the simulated millisecond comes from the revision, which is unique.
    let nanos = ctx.unix_ms().saturating_mul(1_000_000).saturating_add_unsigned(store.revision() % 1_000_000);
    let doc = json!({
        "apiVersion": "v1", "kind": "Event",
        "metadata": {"name": format!("{}.{nanos:x}", about.name), "namespace": namespace},
        "involvedObject": involved,
        "reason": note.reason, "message": note.message,
        "source": {"component": note.component},
        "firstTimestamp": now, "lastTimestamp": now, "count": 1,
        "type": if note.warning { "Warning" } else { "Normal" },
        "eventTime": null, "reportingComponent": note.component, "reportingInstance": "",
    });
    let Some(old) = store.event_like(&doc).cloned() else {
        return super::create(store, ctx, doc).ok();
    };
    let last_ms = old.doc.str_at("lastTimestamp").and_then(time::parse_rfc3339).unwrap_or(0);
    let since_ms = u64::try_from(ctx.unix_ms().saturating_sub(last_ms)).unwrap_or(0);
    if since_ms < note.dedupe_ms {
        return None;
    }
    let mut counted = old.doc.clone();
    counted.set("count", old.doc.int_at("count").unwrap_or(1).saturating_add(1));
    counted.set("lastTimestamp", now);
    super::update::write(store, ctx, &old, counted).ok()
}
