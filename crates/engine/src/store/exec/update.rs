//! Changing objects: merge patches and replacements, generations, and the end of objects whose last finalizer goes.

use super::{Context, conflict, found, has_generation};
use crate::store::Store;
use objects::{ApiError, DocExt, Kind, Object, ObjectKey, Value};
use std::sync::Arc;

/// Applies a JSON merge patch (RFC 7386), `status` included. A patch that changes nothing writes nothing.
pub fn patch(store: &mut Store, ctx: &Context<'_>, key: &ObjectKey, patch: &Value) -> Result<Arc<Object>, ApiError> {
    let old = found(store, key)?;
    if let Some(version) = patch.str_at("metadata.resourceVersion")
        && version != old.meta.resource_version.to_string()
    {
        return Err(stale(key));
    }
    let mut doc = old.doc.clone();
    objects::patch::merge(&mut doc, patch);
    write(store, ctx, &old, doc)
}

/// Stores `doc` in place of the object of the same name. A `resourceVersion` in it must be the stored one.
pub fn replace(store: &mut Store, ctx: &Context<'_>, key: &ObjectKey, doc: Value) -> Result<Arc<Object>, ApiError> {
    let old = found(store, key)?;
    if let Some(version) = doc.str_at("metadata.resourceVersion").filter(|v| !v.is_empty())
        && version != old.meta.resource_version.to_string()
    {
        return Err(stale(key));
    }
    write(store, ctx, &old, doc)
}

fn stale(key: &ObjectKey) -> ApiError {
    conflict(key, "the object has been modified; please apply your changes to the latest version and try again")
}

/// Stores the new document unless it equals the old one, keeping what only the server writes.
pub(super) fn write(store: &mut Store, ctx: &Context<'_>, old: &Object, mut doc: Value) -> Result<Arc<Object>, ApiError> {
    let kind = old.kind;
    for fixed in ["name", "namespace", "uid", "creationTimestamp", "resourceVersion", "generation"] {
        let path = format!("metadata.{fixed}");
        match old.doc.at(&path) {
            Value::Null => doc.remove_at(&path),
            value => doc.set(&path, value.clone()),
        }
    }
    // A deletion is started by deleting and cannot be taken back.
    for fixed in ["deletionTimestamp", "deletionGracePeriodSeconds"] {
        let path = format!("metadata.{fixed}");
        match old.doc.at(&path) {
            Value::Null => doc.remove_at(&path),
            value => doc.set(&path, value.clone()),
        }
    }
    if kind == Kind::DaemonSet {
        super::count_template(Some(&old.doc), &mut doc);
    }
    drop_empty_maps(&mut doc);
    if doc == old.doc {
        return Ok(store.get(&old.key()).cloned().unwrap_or_else(|| Arc::new(old.clone())));
    }
    // A binding is no change of the specification.
    let unbound = kind == Kind::Pod && old.doc.at("spec.nodeName").is_null();
    let is_binding = ctx.profile.as_recorded && unbound && !doc.at("spec.nodeName").is_null();
    if has_generation(kind, ctx.profile) && !is_binding && wants_new_generation(kind, &old.doc, &doc) {
        doc.set("metadata.generation", old.meta.generation.saturating_add(1));
    }
    if old.meta.is_deleting() && doc.list_at("metadata.finalizers").is_empty() && !is_held(kind, &doc) {
        // The last finalizer is gone: the object is written once more and ends in the same moment.
        let object = store.put(kind, doc, ctx.now).object.clone();
        store.remove(&object.key(), ctx.now);
        return Ok(object);
    }
    Ok(store.put(kind, doc, ctx.now).object.clone())
}

/// Beside finalizers: a terminating pod with a grace period stays until the kubelet (or a forced deletion) removes it,
/// a namespace until the namespace controller takes its own finalizer away.
fn is_held(kind: Kind, doc: &Value) -> bool {
    match kind {
        Kind::Pod => doc.int_at("metadata.deletionGracePeriodSeconds").is_some_and(|g| g > 0),
        Kind::Namespace => !doc.list_at("spec.finalizers").is_empty(),
        _ => false,
    }
}

/// `metadata.labels: {}` and the like are not stored by a server.
fn drop_empty_maps(doc: &mut Value) {
    for field in ["labels", "annotations", "finalizers", "ownerReferences"] {
        let path = format!("metadata.{field}");
        let empty = match doc.at(&path) {
            Value::Object(map) => map.is_empty(),
            Value::Array(list) => list.is_empty(),
            _ => false,
        };
        if empty {
            doc.remove_at(&path);
        }
    }
}

/// Spec changes count; Deployments also count annotations, and kinds with everything beside `metadata` and `status`
/// (PriorityClass, custom resources) all of that.
/// Source: kubernetes/kubernetes pkg/registry/apps/deployment/strategy.go, apiextensions-apiserver
/// pkg/registry/customresource/strategy.go, v1.28.
fn wants_new_generation<'d>(kind: Kind, old: &'d Value, new: &'d Value) -> bool {
    // The controller writes the revision through the status subresource, which does not count.
    let annotations = |doc: &Value| {
        let mut all = doc.strings_at("metadata.annotations");
        all.remove("deployment.kubernetes.io/revision");
        all
    };
    if kind == Kind::Deployment && annotations(old) != annotations(new) {
        return true;
    }
    let rest = |doc: &'d Value| {
        let fields = doc.as_object().into_iter().flatten();
        fields.filter(|(name, _)| !["metadata", "status", "apiVersion", "kind"].contains(&name.as_str()))
    };
    !rest(old).eq(rest(new))
}
