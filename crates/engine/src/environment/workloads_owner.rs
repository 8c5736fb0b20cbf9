//! From a pod up to the controller that decides how many of its kind there are.

use crate::View;
use objects::{Kind, Object, ObjectKey};
use std::sync::Arc;

/// The object that controls `object`, if it exists under the UID that the reference names.
pub(super) fn controller_of<'a>(object: &Object, view: &View<'a>) -> Option<&'a Arc<Object>> {
    let owner = object.meta.controller()?;
    let kind = Kind::of(&owner.api_version, &owner.kind)?;
    view.store.get(&ObjectKey::new(kind, &object.meta.namespace, &owner.name)).filter(|o| o.meta.uid == owner.uid)
}

/// The key of the controller that `object` names, if it is one of `kind`; whether it exists is another matter.
pub(super) fn controller_key(object: &Object, kind: Kind) -> Option<ObjectKey> {
    let owner = object.meta.controller().filter(|o| o.kind == kind.name())?;
    Some(ObjectKey::new(kind, &object.meta.namespace, &owner.name))
}

/// (UID, wanted replicas) of the topmost scalable controller of a pod.
pub(super) fn scale_of(pod: &Object, view: &View<'_>) -> Option<(String, i64)> {
    let mut owner = controller_of(pod, view)?;
    while let Some(next) = controller_of(owner, view) {
        owner = next;
    }
    let scalable = matches!(owner.kind, Kind::Deployment | Kind::ReplicaSet | Kind::StatefulSet);
    scalable.then(|| owner.workload().map(|w| (owner.meta.uid.clone(), w.replicas)))?
}
