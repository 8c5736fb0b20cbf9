//! Deleting objects: finalizers and grace periods.
//! Source: kubernetes/kubernetes apiserver pkg/registry/rest/delete.go, pkg/registry/core/pod/strategy.go, v1.28.

use super::{Context, found, has_generation};
use crate::store::Store;
use objects::{ApiError, DocExt, Kind, Object, ObjectKey, time};
use std::sync::Arc;

/// Deletes as the API server does and returns the object as it was, or as it now waits for its end.
///
/// - No finalizers and no grace period: the object is gone.
/// - A pod that is bound and not finished waits `grace_s` (its own `terminationGracePeriodSeconds` where absent) for
///   the kubelet; 0 removes it at once. A second deletion may only shorten the wait.
/// - Finalizers: the object gets a deletionTimestamp and ends when the last finalizer is removed.
pub fn delete(store: &mut Store, ctx: &Context<'_>, key: &ObjectKey, grace_s: Option<i64>) -> Result<Arc<Object>, ApiError> {
    let old = found(store, key)?;
    let grace = grace_of(&old, grace_s);
    let finalizers =
        !old.meta.finalizers.is_empty() || (key.kind == Kind::Namespace && !old.doc.list_at("spec.finalizers").is_empty());
    if grace == 0 && !finalizers {
        store.remove(key, ctx.now);
        return Ok(old);
    }
    let mut doc = old.doc.clone();
    if let Some(deleted_ms) = old.meta.deleted_ms {
        let before = old.doc.int_at("metadata.deletionGracePeriodSeconds").unwrap_or(0);
        if grace >= before {
            return Ok(old);
        }
        let start = deleted_ms.saturating_sub(before.saturating_mul(1000));
        doc.set("metadata.deletionTimestamp", time::rfc3339(start.saturating_add(grace.saturating_mul(1000))));
    } else {
        let end = ctx.unix_ms().saturating_add(grace.saturating_mul(1000));
        doc.set("metadata.deletionTimestamp", time::rfc3339(end));
        if has_generation(key.kind, ctx.profile) {
            doc.set("metadata.generation", old.meta.generation.saturating_add(1));
        }
    }
    doc.set("metadata.deletionGracePeriodSeconds", grace);
    if key.kind == Kind::Namespace {
        doc.set("status.phase", "Terminating");
    }
    Ok(store.put(key.kind, doc, ctx.now).object.clone())
}

/// Seconds until the kubelet must have stopped the pod; 0 for everything else.
fn grace_of(object: &Object, asked: Option<i64>) -> i64 {
    let Some(pod) = object.pod() else { return 0 };
    if !pod.is_bound() || pod.is_terminal() {
        return 0;
    }
    match asked.unwrap_or(pod.spec.grace_s) {
        negative if negative < 0 => 1,
        grace => grace,
    }
}
