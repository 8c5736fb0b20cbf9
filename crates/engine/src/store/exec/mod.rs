//! Executing intents on the store: what the API server does with a write once it is admitted.
//!
//! Every function either writes and says what it wrote, or refuses with the server's own words and writes nothing.

mod correlate;
mod create;
mod delete;
mod event;
mod pods;
#[cfg(test)]
mod tests;
mod update;

pub use correlate::Correlator;
pub use create::{create, prepare};
pub use delete::delete;
pub use event::{EVENT_TTL_MS, MAX_EVENTS, event};
pub use pods::{bind, evict};
pub use update::{patch, replace};

use crate::actor::View;
use crate::kernel::Stream;
use crate::profile::Profile;
use crate::store::Store;
use crate::{Action, SimTime};
use objects::{ApiError, DocExt, Kind, Object, ObjectKey, Reason, Value};
use std::sync::Arc;

/// When and where a write happens.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    pub now: SimTime,
    pub epoch_ms: i64,
    pub seed: u64,
    pub profile: &'a Profile,
}

impl<'a> Context<'a> {
    pub fn of(view: &View<'a>) -> Context<'a> {
        Context { now: view.now, epoch_ms: view.epoch_ms, seed: view.seed, profile: view.profile }
    }

    pub fn unix_ms(&self) -> i64 {
        self.epoch_ms.saturating_add_unsigned(self.now.0)
    }

    pub fn timestamp(&self) -> String {
        objects::time::rfc3339(self.unix_ms())
    }

    /// The stream of one write. The revision makes it another one each time the same name is used again.
    fn stream(&self, purpose: &str, store: &Store, key: &ObjectKey) -> Stream {
        Stream::fork(self.seed, purpose, &format!("{}/{key}@{}", key.kind.name(), store.revision()))
    }
}

/// Carries out one action. Logs and decisions are no business of the store and do nothing here.
pub fn execute(store: &mut Store, ctx: &Context<'_>, action: &Action) -> Result<(), ApiError> {
    match action {
        Action::Create(doc) => create(store, ctx, doc.clone()).map(|_| ()),
        Action::Patch { key, patch } => self::patch(store, ctx, key, patch).map(|_| ()),
        Action::Delete { key, grace_s } => delete(store, ctx, key, *grace_s).map(|_| ()),
        Action::Evict { pod, grace_s } => evict(store, ctx, pod, *grace_s),
        Action::Bind { pod, node } => bind(store, ctx, pod, node),
        Action::Event(note) => {
            event(store, ctx, note);
            Ok(())
        }
        Action::Log(_) | Action::Decide(_) => Ok(()),
    }
}

/// `deployments.apps "x" not found`.
pub fn not_found(key: &ObjectKey) -> ApiError {
    ApiError::new(Reason::NotFound, format!("{} \"{}\" not found", key.kind.resource(), key.name))
}

/// `deployments.apps "x" already exists`.
pub fn already_exists(key: &ObjectKey) -> ApiError {
    ApiError::new(Reason::AlreadyExists, format!("{} \"{}\" already exists", key.kind.resource(), key.name))
}

/// `Operation cannot be fulfilled on pods "x": ...`.
pub fn conflict(key: &ObjectKey, why: &str) -> ApiError {
    let message = format!("Operation cannot be fulfilled on {} \"{}\": {why}", key.kind.resource(), key.name);
    ApiError::new(Reason::Conflict, message)
}

/// `pods "x" is forbidden: ...`.
pub fn forbidden(key: &ObjectKey, why: &str) -> ApiError {
    ApiError::new(Reason::Forbidden, format!("{} \"{}\" is forbidden: {why}", key.kind.resource(), key.name))
}

/// How often a DaemonSet's template was written, which the server tells as an annotation.
/// Source: kubernetes/kubernetes pkg/apis/apps/v1/conversion.go, pkg/registry/apps/daemonset/strategy.go, v1.35.
fn count_template(old: Option<&Value>, doc: &mut Value) {
    const KEY: &str = "deprecated.daemonset.template.generation";
    let before = old.and_then(|old| old.at("metadata.annotations").field(KEY).as_str()?.parse::<i64>().ok()).unwrap_or(0);
    let same = old.is_some_and(|old| old.at("spec.template") == doc.at("spec.template"));
    let annotations = doc.slot("metadata.annotations");
    if !annotations.is_object() {
        *annotations = Value::Object(Default::default());
    }
    if let Some(annotations) = annotations.as_object_mut() {
        annotations.insert(KEY.to_owned(), before.saturating_add(i64::from(!same)).to_string().into());
    }
}

fn found(store: &Store, key: &ObjectKey) -> Result<Arc<Object>, ApiError> {
    store.get(key).cloned().ok_or_else(|| not_found(key))
}

/// Whether the API server counts `metadata.generation` for this kind.
fn has_generation(kind: Kind, profile: &Profile) -> bool {
    match kind {
        Kind::Pod => profile.kubectl_minor >= 33,
        Kind::Namespace
        | Kind::Node
        | Kind::Service
        | Kind::ServiceAccount
        | Kind::ConfigMap
        | Kind::Event
        | Kind::PersistentVolumeClaim
        | Kind::PersistentVolume
        | Kind::HorizontalPodAutoscaler
        | Kind::StorageClass
        | Kind::Lease => false,
        kind => !kind.is_internal(),
    }
}
