//! What every actor of the environment does in the same way: a queue of objects to look at, and events,
//! patches, owner references, conditions.

use super::workloads_owner::controller_key;
use crate::View;
use crate::actor::{Action, EventNote, Intent};
use crate::kernel::{SimTime, Timers};
use crate::store::{Change, Op};
use objects::json;
use objects::{DocExt, Kind, Object, ObjectKey, Value};
use std::sync::Arc;

/// A change of an object that the controller looks after: due by `at`, or no more when it is gone.
pub(super) fn note_change(due: &mut Timers<ObjectKey>, change: &Change, at: SimTime) {
    match change.op {
        Op::Deleted => due.cancel(&change.key()),
        _ => due.sooner(change.key(), at),
    }
}

/// A change of something that an object of `kind` may control: that one is due by `at`.
pub(super) fn note_controller(due: &mut Timers<ObjectKey>, object: &Object, kind: Kind, at: SimTime) {
    if let Some(key) = controller_key(object, kind) {
        due.sooner(key, at);
    }
}

/// The next object that is due and still there.
pub(super) fn next_due<'a>(due: &mut Timers<ObjectKey>, view: &View<'a>) -> Option<&'a Arc<Object>> {
    while let Some(key) = due.pop_due(view.now) {
        if let Some(object) = view.store.get(&key) {
            return Some(object);
        }
    }
    None
}

/// An event of type Normal about `about`.
pub(super) fn event(about: &ObjectKey, component: &str, reason: &str, message: String) -> Intent {
    note(about, component, reason, message, false)
}

/// An event of type Warning about `about`.
pub(super) fn warning(about: &ObjectKey, component: &str, reason: &str, message: String) -> Intent {
    note(about, component, reason, message, true)
}

fn note(about: &ObjectKey, component: &str, reason: &str, message: String, warning: bool) -> Intent {
    let note = EventNote {
        about: about.clone(),
        warning,
        reason: reason.to_owned(),
        message,
        component: component.to_owned(),
        dedupe_ms: 0,
    };
    Intent::new(Action::Event(note), "")
}

pub(super) fn patch(key: ObjectKey, patch: Value, why: &'static str) -> Intent {
    Intent::new(Action::Patch { key, patch }, why)
}

pub(super) fn create(doc: Value, why: &'static str) -> Intent {
    Intent::new(Action::Create(doc), why)
}

pub(super) fn delete(key: ObjectKey, grace_s: Option<i64>, why: &'static str) -> Intent {
    Intent::new(Action::Delete { key, grace_s }, why)
}

/// The reference by which `owner` controls what it creates.
pub(super) fn owner_reference(owner: &Object) -> Value {
    json!({
        "apiVersion": owner.kind.api_version(), "kind": owner.kind.name(), "name": owner.meta.name, "uid": owner.meta.uid,
        "controller": true, "blockOwnerDeletion": true,
    })
}

/// `spec.x` counts and `status.x` counts are left out where they are zero (`omitempty`): null removes them in a merge.
pub(super) fn count(n: i64) -> Value {
    if n == 0 { Value::Null } else { n.into() }
}

/// Writes condition `kind` into `conditions`: unchanged where status, reason and message are the same; the transition
/// time moves with the status only. True when something changed.
pub(super) fn set_condition(
    conditions: &mut Vec<Value>,
    kind: &str,
    status: &str,
    reason: &str,
    message: &str,
    now: &str,
) -> bool {
    let mut fresh = json!({"type": kind, "status": status, "lastTransitionTime": now});
    if !reason.is_empty() {
        fresh.set("reason", reason);
    }
    if !message.is_empty() {
        fresh.set("message", message);
    }
    let Some(slot) = conditions.iter_mut().find(|c| c.str_at("type") == Some(kind)) else {
        conditions.push(fresh);
        return true;
    };
    let same = |name: &str, want: &str| slot.str_at(name).unwrap_or_default() == want;
    if same("status", status) && same("reason", reason) && same("message", message) {
        return false;
    }
    if slot.str_at("status") == Some(status)
        && let Some(since) = slot.str_at("lastTransitionTime")
    {
        fresh.set("lastTransitionTime", since);
    }
    // Kubelets and schedulers keep a probe time that they never fill in.
    for kept in ["lastProbeTime", "lastHeartbeatTime", "lastUpdateTime"] {
        if slot.get(kept).is_some() {
            fresh.set(kept, if kept == "lastProbeTime" { Value::Null } else { now.into() });
        }
    }
    *slot = fresh;
    true
}

/// A number or a percentage of `total`; percentages are rounded up or down as asked. `None` where it is neither.
/// Source: k8s.io/apimachinery/pkg/util/intstr, `GetScaledValueFromIntOrPercent`, v0.28.
pub(super) fn scaled(value: &Value, total: i64, round_up: bool) -> Option<i64> {
    if let Some(n) = value.as_i64() {
        return Some(n);
    }
    let text = value.as_str()?;
    let Some(percent) = text.strip_suffix('%') else {
        return text.parse().ok();
    };
    let product = percent.parse::<i64>().ok()?.checked_mul(total)?;
    Some(if round_up { product.div_euclid(100) + i64::from(product.rem_euclid(100) != 0) } else { product.div_euclid(100) })
}

/// FNV-1a, 32 bits, of a template's canonical JSON, spelled as Kubernetes spells hashes (`rand.SafeEncodeString` of the
/// decimal). The value differs from a real cluster's, which hashes Go's dump of the struct; form and length are the same.
pub(crate) fn template_hash(template: &Value) -> String {
    const LETTERS: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
    let mut hash: u32 = 0x811c_9dc5;
    for b in template.to_string().bytes() {
        hash = (hash ^ u32::from(b)).wrapping_mul(0x0100_0193);
    }
    hash.to_string().bytes().filter_map(|b| LETTERS.get(usize::from(b) % LETTERS.len())).map(|b| char::from(*b)).collect()
}

/// A name for a new object: `prefix` and five drawn characters, `taken` tried for collisions. `n` counts the names that
/// this owner has drawn, so that each has its own stream.
pub(super) fn generated_name(view: &View<'_>, purpose: &str, owner: &str, n: u64, prefix: &str) -> String {
    let mut stream = view.stream(purpose, &format!("{owner}/{n}"));
    format!("{prefix}{}", stream.suffix())
}
