//! Recording Kubernetes events: equal ones are counted, as client-go's recorder does.
//! Source: kubernetes/client-go tools/record/{event,events_cache}.go, v0.28; tools/events/{event_recorder,
//! event_broadcaster}.go for the scheduler's.

use super::Context;
use super::correlate::COMBINED;
use crate::actor::EventNote;
use crate::kernel::Stream;
use crate::store::Store;
use objects::{DocExt, Kind, Object, ObjectKey, Value, json, time};
use std::sync::Arc;

/// How long a server keeps an event after it was last seen (`--event-ttl`).
pub const EVENT_TTL_MS: u64 = 3_600_000;
/// Most events kept; the oldest go first.
pub const MAX_EVENTS: usize = 4_000;

const KWOK: &str = "kwok_controller";
const SCHEDULER: &str = "default-scheduler";
/// The machine that the scheduler runs on.
const HOST: &str = "vm";

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
    // The name carries nanoseconds; the part below the simulated millisecond comes from the revision, which is unique. What
    // would not be a name becomes a uid (client-go tools/record/util, v0.35.4).
    let nanos = ctx.unix_ms().saturating_mul(1_000_000).saturating_add_unsigned(store.revision() % 1_000_000);
    let mut name = format!("{}.{nanos:x}", about.name);
    if !objects::schema::is_dns_subdomain(&name) {
        name = Stream::fork(ctx.seed, "event", &name).uuid();
    }
    let mut doc = json!({
        "apiVersion": "v1", "kind": "Event",
        "metadata": {"name": name, "namespace": namespace},
        "involvedObject": involved,
        "reason": note.reason, "message": note.message,
        "source": {"component": note.component},
        "firstTimestamp": now, "lastTimestamp": now, "count": 1,
        "type": if note.warning { "Warning" } else { "Normal" },
        "eventTime": null, "reportingComponent": note.component, "reportingInstance": "",
    });
    if ctx.profile.as_recorded && note.dedupe_ms > 0 && was_said(store, ctx, note, &doc) {
        return None;
    }
    if ctx.profile.as_recorded && note.component == SCHEDULER {
        return of_the_scheduler(store, ctx, note, doc);
    }
    if note.component == KWOK {
        // It names kind and name alone.
        doc.remove_at("involvedObject.apiVersion");
        doc.remove_at("involvedObject.resourceVersion");
    }
    let mut old = store.event_like(&doc).cloned();
    let last_ms = old.as_ref().and_then(|o| o.doc.str_at("lastTimestamp")).and_then(time::parse_rfc3339);
    let since_ms = last_ms.map(|last| u64::try_from(ctx.unix_ms().saturating_sub(last)).unwrap_or(0));
    if since_ms.is_some_and(|since| since < note.dedupe_ms) {
        return None;
    }
    // The scheduler's recorder is another, which counts equal events and nothing else.
    if note.component != SCHEDULER {
        if let Some(name) = store.correlator().combine(&doc, ctx.unix_ms()) {
            doc.set("message", format!("{COMBINED}{}", note.message));
            doc.set("metadata.name", name.as_str());
            old = store.get(&ObjectKey::new(Kind::Event, namespace, &name)).cloned();
        }
        if store.correlator().is_spam(&doc, ctx.unix_ms()) {
            return None;
        }
    }
    let Some(old) = old else {
        return super::create(store, ctx, doc).ok();
    };
    let mut counted = old.doc.clone();
    counted.set("count", old.doc.int_at("count").unwrap_or(1).saturating_add(1));
    counted.set("lastTimestamp", now);
    counted.set("message", doc.at("message").clone());
    super::update::write(store, ctx, &old, counted).ok()
}

/// Karpenter's recorder tells equal events by reason and object, whatever they say; those about a pool by what they say too.
/// Source: karpenter pkg/events/recorder.go and the `DedupeValues` of its events, v1.14.1.
fn was_said(store: &Store, ctx: &Context<'_>, note: &EventNote, doc: &Value) -> bool {
    let since = ctx.unix_ms().saturating_sub_unsigned(note.dedupe_ms);
    let same = |e: &Object, path: &str| e.doc.at(path) == doc.at(path);
    store.events_about(&note.about.name).any(|e| {
        same(e, "reason")
            && same(e, "reportingComponent")
            && same(e, "involvedObject.uid")
            && (note.about.kind != Kind::NodePool || same(e, "message"))
            && e.doc.str_at("lastTimestamp").and_then(time::parse_rfc3339).is_some_and(|at| at > since)
    })
}

/// The scheduler writes events of the newer API: with an action, and a series in place of a count. Equal ones about the same
/// version of a pod are one series.
fn of_the_scheduler(store: &mut Store, ctx: &Context<'_>, note: &EventNote, mut doc: Value) -> Option<Arc<Object>> {
    let now = time::micro_time(ctx.unix_ms());
    let action = match note.reason.as_str() {
        "Scheduled" => "Binding",
        "Preempted" => "Preempting",
        _ => "Scheduling",
    };
    let version = |o: &Value| o.at("involvedObject.resourceVersion").clone();
    if let Some(old) = store.event_like(&doc).filter(|old| version(&old.doc) == version(&doc)).cloned() {
        let mut counted = old.doc.clone();
        let count = old.doc.int_at("series.count").unwrap_or(1).saturating_add(1);
        counted.set("series", json!({"count": count, "lastObservedTime": now}));
        return super::update::write(store, ctx, &old, counted).ok();
    }
    for (field, value) in [
        ("action", json!(action)),
        ("eventTime", json!(now)),
        ("firstTimestamp", Value::Null),
        ("lastTimestamp", Value::Null),
        ("reportingInstance", json!(format!("{SCHEDULER}-{HOST}"))),
        ("source", json!({})),
    ] {
        doc.set(field, value);
    }
    doc.remove_at("count");
    super::create(store, ctx, doc).ok()
}
