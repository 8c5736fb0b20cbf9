//! What users ask of the API server: admission in front of the writes of [`exec`], with the server's own refusals.

use super::cloud;
use super::world::Cluster;
use super::{Outcome, PatchStyle, Request, Verdict};
use crate::store::{Store, exec};
use objects::patch::LAST_APPLIED;
use objects::{ApiError, DocExt, Kind, Object, ObjectKey, Reason, Validation, Value, json};
use std::sync::Arc;

/// Most pods that workloads may ask for together.
pub const MAX_PODS: i64 = 3_000;
/// Largest document that is accepted.
pub const MAX_REQUEST_BYTES: usize = 256 * 1024;
/// Most objects that users and controllers may have created when a user creates another one.
const MAX_OBJECTS: usize = 20_000;
/// From the notice to the end of a spot instance.
pub const NOTICE_MS: u64 = 120_000;

impl Request {
    pub fn is_dry_run(&self) -> bool {
        match self {
            Request::Create { dry_run, .. }
            | Request::Apply { dry_run, .. }
            | Request::Replace { dry_run, .. }
            | Request::Patch { dry_run, .. }
            | Request::Scale { dry_run, .. }
            | Request::Delete { dry_run, .. }
            | Request::Evict { dry_run, .. } => *dry_run,
            Request::InterruptSpot { .. } | Request::Cloud(_) => false,
        }
    }

    /// The document that comes with the request.
    pub fn document(&self) -> Option<&Value> {
        match self {
            Request::Create { doc, .. } | Request::Apply { doc, .. } | Request::Replace { doc, .. } => Some(doc),
            _ => None,
        }
    }
}

/// Carries out a request on `cluster`. After a refusal the store may hold half of it: the caller goes back to a copy.
pub(super) fn carry_out(cluster: &mut Cluster, request: &Request) -> Result<Outcome, ApiError> {
    match request {
        Request::Create { doc, validation, .. } => create(cluster, doc.clone(), *validation),
        Request::Apply { doc, validation, .. } => apply(cluster, doc.clone(), *validation),
        Request::Replace { doc, validation, .. } => {
            let (kind, doc) = address(cluster, doc.clone())?;
            update(cluster, kind, doc, *validation)
        }
        Request::Patch { key, patch, style, .. } => self::patch(cluster, key, patch, *style),
        Request::Scale { key, replicas, .. } => scale(cluster, key, *replicas),
        Request::Delete { key, grace_s, .. } => delete(cluster, key, *grace_s),
        Request::Evict { pod, grace_s, .. } => {
            let (store, ctx) = cluster.writer();
            let object = store.get(pod).cloned();
            exec::evict(store, &ctx, pod, *grace_s)?;
            Ok(Outcome { verdict: Verdict::Done, object, warnings: Vec::new() })
        }
        Request::InterruptSpot { node } => interrupt(cluster, node),
        Request::Cloud(event) => cloud::carry_out(cluster, event),
    }
}

/// The kind of a document, and the document with its namespace filled in.
fn address(cluster: &Cluster, mut doc: Value) -> Result<(Kind, Value), ApiError> {
    let size = doc.to_string().len();
    if size > MAX_REQUEST_BYTES {
        let message = format!("the object is {size} bytes long: this simulation accepts at most {MAX_REQUEST_BYTES}");
        return Err(ApiError::new(Reason::BadRequest, message));
    }
    let (version, name) = (doc.str_at("apiVersion").unwrap_or_default(), doc.str_at("kind").unwrap_or_default());
    let kind = Kind::of(version, name)
        .filter(|k| k.served_in(cluster.profile.api()))
        .ok_or_else(|| ApiError::new(Reason::NotFound, "the server could not find the requested resource"))?;
    if kind.namespaced() && doc.str_at("metadata.namespace").is_none_or(str::is_empty) {
        doc.set("metadata.namespace", "default");
    }
    Ok((kind, doc))
}

fn create(cluster: &mut Cluster, doc: Value, validation: Validation) -> Result<Outcome, ApiError> {
    let (kind, mut doc) = address(cluster, doc)?;
    if has_status(kind) {
        doc.remove_at("status");
    }
    // Decoding comes before admission, validation behind it.
    let admitted = match objects::admit(kind, doc.clone(), None, cluster.profile.era, validation) {
        Err(error) if error.reason == Reason::BadRequest => return Err(error),
        other => other,
    };
    check_namespace(&cluster.store, kind, &doc)?;
    let (mut doc, warnings) = admitted?;
    check_limits(&cluster.store, kind, &doc, None)?;
    if kind == Kind::CronJob {
        // Its controller has nothing to say until the first run.
        doc.set("status", json!({}));
    }
    let (store, ctx) = cluster.writer();
    let object = exec::create(store, &ctx, doc)?;
    Ok(Outcome { verdict: Verdict::Created, object: Some(answered(object)), warnings })
}

/// Kinds whose status only the status subresource writes; what a user sends there is dropped.
fn has_status(kind: Kind) -> bool {
    !matches!(
        kind,
        Kind::Node
            | Kind::ConfigMap
            | Kind::ServiceAccount
            | Kind::Event
            | Kind::PriorityClass
            | Kind::StorageClass
            | Kind::Lease
    )
}

/// A new object as the server answers it, before any controller has seen it: with the fields of its status that Go always
/// writes. In the store the controllers' first word is the first. Source: k8s.io/api {apps,batch,policy,autoscaling}, v0.35.
fn answered(object: Arc<Object>) -> Arc<Object> {
    let status = match object.kind {
        Kind::Deployment | Kind::Job => json!({}),
        Kind::ReplicaSet => json!({"replicas": 0}),
        Kind::StatefulSet => json!({"availableReplicas": 0, "replicas": 0}),
        Kind::DaemonSet => {
            json!({"currentNumberScheduled": 0, "desiredNumberScheduled": 0, "numberMisscheduled": 0, "numberReady": 0})
        }
        Kind::PodDisruptionBudget => {
            json!({"currentHealthy": 0, "desiredHealthy": 0, "disruptionsAllowed": 0, "expectedPods": 0})
        }
        Kind::HorizontalPodAutoscaler => json!({"currentMetrics": null, "desiredReplicas": 0}),
        Kind::PersistentVolumeClaim => json!({"phase": "Pending"}),
        _ => return object,
    };
    let mut doc = object.doc.clone();
    doc.set("status", status);
    Arc::new(Object::from_doc(object.kind, doc))
}

/// Source: kubernetes/kubernetes plugin/pkg/admission/namespace/lifecycle, v1.28.
fn check_namespace(store: &Store, kind: Kind, doc: &Value) -> Result<(), ApiError> {
    if !kind.namespaced() {
        return Ok(());
    }
    let key = ObjectKey::of(kind, doc);
    let namespace = ObjectKey::cluster(Kind::Namespace, &key.namespace);
    let Some(found) = store.get(&namespace) else { return Err(exec::not_found(&namespace)) };
    if found.meta.is_deleting() {
        let why = format!("unable to create new content in namespace {} because it is being terminated", key.namespace);
        return Err(exec::forbidden(&key, &why));
    }
    Ok(())
}

/// The bounds of the simulation, which no real server has: refused with a number and a way on.
fn check_limits(store: &Store, kind: Kind, doc: &Value, old: Option<&Object>) -> Result<(), ApiError> {
    let key = ObjectKey::of(kind, doc);
    if old.is_none() && store.all().count() >= MAX_OBJECTS {
        let why = format!("this simulation holds at most {MAX_OBJECTS} objects, delete some first");
        return Err(exec::forbidden(&key, &why));
    }
    let asked = pods_asked(kind, doc);
    if asked == 0 || old.is_some_and(|o| pods_asked(kind, &o.doc) >= asked) {
        return Ok(());
    }
    let others: i64 = [Kind::Deployment, Kind::StatefulSet, Kind::Job, Kind::ReplicaSet, Kind::CronJob]
        .into_iter()
        .flat_map(|k| store.list(k))
        .filter(|o| o.meta.controller().is_none() && o.key() != key && !is_system(&o.meta.namespace))
        .map(|o| pods_asked(o.kind, &o.doc))
        .fold(0, i64::saturating_add);
    if others.saturating_add(asked) > MAX_PODS {
        let room = MAX_PODS.saturating_sub(others).max(0);
        let why = format!(
            "this simulation runs at most {MAX_PODS} pods of workloads: {asked} are asked for here and {others} elsewhere, \
             at most {room} are possible"
        );
        return Err(exec::forbidden(&key, &why));
    }
    Ok(())
}

/// What the cluster itself runs does not count against users.
fn is_system(namespace: &str) -> bool {
    matches!(namespace, "kube-system" | "karpenter")
}

fn pods_asked(kind: Kind, doc: &Value) -> i64 {
    match kind {
        Kind::Deployment | Kind::StatefulSet | Kind::ReplicaSet => doc.int_at("spec.replicas").unwrap_or(1).max(0),
        Kind::Job => doc.int_at("spec.parallelism").unwrap_or(1).max(0),
        Kind::CronJob => doc.int_at("spec.jobTemplate.spec.parallelism").unwrap_or(1).max(0),
        Kind::Pod => 1,
        _ => 0,
    }
}

/// Client-side apply: a GET, then a creation or a patch.
fn apply(cluster: &mut Cluster, doc: Value, validation: Validation) -> Result<Outcome, ApiError> {
    let (kind, doc) = address(cluster, doc)?;
    let key = ObjectKey::of(kind, &doc);
    let Some(live) = cluster.store.get(&key).cloned() else {
        return create(cluster, objects::patch::with_last_applied(&doc), validation);
    };
    let patch = objects::patch::apply_patch(kind, &live.doc, &doc)?;
    if patch.as_object().is_some_and(serde_json::Map::is_empty) {
        return Ok(Outcome { verdict: Verdict::Unchanged, object: Some(live), warnings: Vec::new() });
    }
    let merged = objects::patch::patched(kind, &live.doc, &patch)?;
    let merged_text = kind.is_crd().then(|| merged.to_string());
    let mut outcome = update(cluster, kind, merged, validation).map_err(|error| unpatchable(error, &patch, merged_text))?;
    // kubectl calls it configured once it has sent a patch, whatever the server made of it.
    outcome.verdict = Verdict::Configured;
    if !live.meta.annotations.contains_key(LAST_APPLIED) {
        outcome.warnings.insert(
            0,
            format!(
                "resource {}/{} is missing the {LAST_APPLIED} annotation which is required by kubectl apply. kubectl apply \
                 should only be used on resources created declaratively by either kubectl create --save-config or kubectl \
                 apply. The missing annotation will be patched automatically.",
                kind.info().plural,
                key.name
            ),
        );
    }
    Ok(outcome)
}

/// A patch whose result cannot be decoded is an invalid request, which shows the patch as Go prints a map, or the text of
/// the patched object. Source: k8s.io/apiserver/pkg/endpoints/handlers/patch.go, v0.35.
fn unpatchable(error: ApiError, patch: &Value, patched: Option<String>) -> ApiError {
    if error.reason != Reason::BadRequest {
        return error;
    }
    let Some((_, why)) = error.message.split_once(": ") else { return error };
    let shown = patched.unwrap_or_else(|| go_map(patch));
    let cause = format!("Invalid value: {shown:?}: {why}");
    let mut invalid = ApiError::new(Reason::Invalid, format!(" \"\" is invalid: patch: {cause}"));
    invalid.causes.push(("patch".to_owned(), cause));
    invalid
}

/// Go's `%+v` of decoded JSON.
fn go_map(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let fields: Vec<String> = map.iter().map(|(k, v)| format!("{k}:{}", go_map(v))).collect();
            format!("map[{}]", fields.join(" "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(go_map).collect::<Vec<_>>().join(" ")),
        Value::String(text) => text.clone(),
        Value::Null => "<nil>".to_owned(),
        other => other.to_string(),
    }
}

/// Admits `doc` over the stored object of the same name and stores it.
fn update(cluster: &mut Cluster, kind: Kind, mut doc: Value, validation: Validation) -> Result<Outcome, ApiError> {
    let key = ObjectKey::of(kind, &doc);
    let Some(old) = cluster.store.get(&key).cloned() else {
        // Decoding comes first.
        return Err(match objects::admit(kind, doc, None, cluster.profile.era, validation) {
            Err(error) if error.reason == Reason::BadRequest => error,
            _ => exec::not_found(&key),
        });
    };
    if has_status(kind) || kind == Kind::Node {
        match old.doc.get("status") {
            Some(status) => doc.set("status", status.clone()),
            None => doc.remove_at("status"),
        }
    }
    let (doc, warnings) = objects::admit(kind, doc, Some(&old.doc), cluster.profile.era, validation)?;
    check_limits(&cluster.store, kind, &doc, Some(&old))?;
    let (store, ctx) = cluster.writer();
    let object = exec::replace(store, &ctx, &key, doc)?;
    let unchanged = object.meta.resource_version == old.meta.resource_version;
    let verdict = if unchanged { Verdict::Unchanged } else { Verdict::Configured };
    Ok(Outcome { verdict, object: Some(object), warnings })
}

fn patch(cluster: &mut Cluster, key: &ObjectKey, patch: &Value, style: PatchStyle) -> Result<Outcome, ApiError> {
    let old = cluster.store.get(key).cloned().ok_or_else(|| exec::not_found(key))?;
    let mut doc = old.doc.clone();
    match style {
        PatchStyle::Merge => objects::patch::merge(&mut doc, patch),
        PatchStyle::Strategic => objects::patch::strategic(key.kind, &mut doc, patch)?,
        PatchStyle::Json => objects::patch::json_patch(&mut doc, patch)?,
    }
    let named = ObjectKey::of(key.kind, &doc);
    if named.name != key.name {
        let message = format!("the name of the object ({}) does not match the name on the URL ({})", named.name, key.name);
        return Err(ApiError::new(Reason::BadRequest, message));
    }
    if named.namespace != key.namespace {
        let message = format!(
            "the namespace of the object ({}) does not match the namespace on the URL ({})",
            named.namespace, key.namespace
        );
        return Err(ApiError::new(Reason::BadRequest, message));
    }
    // kubectl patch asks for no validation, and the server's own choice is to warn.
    let patched = (style != PatchStyle::Strategic).then(|| doc.to_string());
    update(cluster, key.kind, doc, Validation::Warn).map_err(|error| unpatchable(error, patch, patched))
}

/// The scale subresource, of the kinds that have one.
fn scale(cluster: &mut Cluster, key: &ObjectKey, replicas: i64) -> Result<Outcome, ApiError> {
    if !matches!(key.kind, Kind::Deployment | Kind::ReplicaSet | Kind::StatefulSet) {
        return Err(ApiError::new(Reason::NotFound, "the server could not find the requested resource"));
    }
    let old = cluster.store.get(key).cloned().ok_or_else(|| exec::not_found(key))?;
    if replicas < 0 {
        let cause = format!("Invalid value: {replicas}: must be greater than or equal to 0");
        let mut error =
            ApiError::new(Reason::Invalid, format!("Scale.autoscaling \"{}\" is invalid: spec.replicas: {cause}", key.name));
        error.causes.push(("spec.replicas".to_owned(), cause));
        return Err(error);
    }
    let mut doc = old.doc.clone();
    doc.set("spec.replicas", replicas);
    check_limits(&cluster.store, key.kind, &doc, Some(&old))?;
    let (store, ctx) = cluster.writer();
    let object = exec::patch(store, &ctx, key, &json!({"spec": {"replicas": replicas}}))?;
    Ok(Outcome { verdict: Verdict::Done, object: Some(object), warnings: Vec::new() })
}

fn delete(cluster: &mut Cluster, key: &ObjectKey, grace_s: Option<i64>) -> Result<Outcome, ApiError> {
    let (store, ctx) = cluster.writer();
    let old: Arc<Object> = store.get(key).cloned().ok_or_else(|| exec::not_found(key))?;
    match key.kind {
        Kind::Namespace if matches!(key.name.as_str(), "default" | "kube-system" | "kube-public") => {
            return Err(exec::forbidden(key, "this namespace may not be deleted"));
        }
        Kind::PriorityClass if key.name.starts_with("system-") => {
            return Err(exec::forbidden(key, "this is a system priority class and cannot be deleted"));
        }
        _ => {}
    }
    exec::delete(store, &ctx, key, grace_s)?;
    Ok(Outcome { verdict: Verdict::Deleted, object: Some(old), warnings: Vec::new() })
}

/// Writes the cloud's two-minute notice on the instance behind a node: `status.interruption` with the time of the
/// notice and of the end, in milliseconds of simulated time.
fn interrupt(cluster: &mut Cluster, node: &str) -> Result<Outcome, ApiError> {
    let (object, instance) = cloud::instance_of(cluster, node)?;
    let (store, ctx) = cluster.writer();
    let id = &instance.meta.name;
    let refuse = |why: String| Err(ApiError::new(Reason::BadRequest, why));
    let capacity_type = instance.doc.str_at("spec.capacityType").unwrap_or_default();
    if capacity_type != "spot" {
        return refuse(format!("instance {id} behind node {node} is {capacity_type}: only spot instances are interrupted"));
    }
    if instance.doc.at("status.interruption").is_object() {
        return refuse(format!("instance {id} behind node {node} has had its interruption notice"));
    }
    let (notice, end) = (ctx.now, ctx.now + NOTICE_MS);
    let patch = json!({"status": {"interruption": {"action": "terminate", "noticeMs": notice.ms(), "terminateMs": end.ms()}}});
    exec::patch(store, &ctx, &instance.key(), &patch)?;
    Ok(Outcome { verdict: Verdict::Done, object: Some(object), warnings: Vec::new() })
}
