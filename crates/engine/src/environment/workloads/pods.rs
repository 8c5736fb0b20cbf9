//! Pods that controllers make from a template, and which of them count.

use super::super::support::owner_reference;
use crate::View;
use objects::json;
use objects::{DocExt, Kind, Object, Value, typed::Phase};
use std::sync::Arc;

/// The pod of `owner`'s template under `name`. `generate` is the prefix that the name was generated from, empty where
/// the controller fixes names.
pub(super) fn from_template(owner: &Object, name: &str, generate: &str) -> Value {
    let template = owner.doc.at("spec.template");
    let mut meta = json!({
        "name": name, "namespace": owner.meta.namespace, "ownerReferences": [owner_reference(owner)],
    });
    if !generate.is_empty() {
        meta.set("generateName", generate);
    }
    for field in ["labels", "annotations", "finalizers"] {
        if let Some(v) = template.at("metadata").get(field).filter(|v| !v.is_null()) {
            meta.set(field, v.clone());
        }
    }
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": template.at("spec").clone(),
        "status": {"phase": "Pending"},
    })
}

/// The pods that `owner` controls, by name.
pub(super) fn owned_by<'a>(view: &View<'a>, owner: &Object) -> Vec<&'a Arc<Object>> {
    view.store.controlled_by(Kind::Pod, &owner.meta.uid).filter(|p| p.meta.namespace == owner.meta.namespace).collect()
}

/// Neither finished nor on the way out. Source: pkg/controller/controller_utils.go `IsPodActive`, v1.28.
pub(super) fn is_active(pod: &Object) -> bool {
    !pod.meta.is_deleting() && pod.pod().is_some_and(|p| !matches!(p.phase, Phase::Succeeded | Phase::Failed))
}

pub(super) fn is_ready(pod: &Object) -> bool {
    pod.pod().is_some_and(|p| p.ready)
}

/// Ready for `min_ready_s` seconds at `unix_ms`.
pub(super) fn is_available(pod: &Object, min_ready_s: i64, unix_ms: i64) -> bool {
    let since = pod.pod().filter(|p| p.ready).map(|p| p.ready_since_ms.unwrap_or(i64::MIN / 2));
    since.is_some_and(|t| min_ready_s <= 0 || t.saturating_add(min_ready_s * 1000) <= unix_ms)
}
