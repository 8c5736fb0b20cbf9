//! Creating objects.

use super::{Context, already_exists, has_generation};
use crate::store::Store;
use objects::{ApiError, DocExt, Kind, Object, ObjectKey, Reason, Value, json};
use std::sync::Arc;

/// How often a generated name may collide before the server gives up.
const NAME_ATTEMPTS: u32 = 8;

/// Creates the object of `doc`, giving it a name from `generateName`, a uid, a creation time and a generation.
/// Fields of `metadata` that only the server writes are overwritten.
pub fn create(store: &mut Store, ctx: &Context<'_>, doc: Value) -> Result<Arc<Object>, ApiError> {
    let (kind, doc) = prepare(store, ctx, doc)?;
    Ok(store.put(kind, doc, ctx.now).object.clone())
}

/// The object that [`create`] would store, without storing it.
pub fn prepare(store: &Store, ctx: &Context<'_>, mut doc: Value) -> Result<(Kind, Value), ApiError> {
    let (version, name) = (doc.str_at("apiVersion").unwrap_or_default(), doc.str_at("kind").unwrap_or_default());
    let kind = Kind::of(version, name)
        .ok_or_else(|| ApiError::new(Reason::NotFound, "the server could not find the requested resource"))?;
    if kind.namespaced() {
        if doc.str_at("metadata.namespace").is_none_or(str::is_empty) {
            doc.set("metadata.namespace", "default");
        }
    } else {
        doc.remove_at("metadata.namespace");
    }
    let key = name_of(store, ctx, kind, &mut doc)?;
    if store.get(&key).is_some() {
        return Err(already_exists(&key));
    }
    doc.set("metadata.name", key.name.as_str());
    doc.set("metadata.uid", ctx.stream("uid", store, &key).uuid());
    doc.set("metadata.creationTimestamp", ctx.timestamp());
    for server_side in ["resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "managedFields"] {
        doc.remove_at(&format!("metadata.{server_side}"));
    }
    if has_generation(kind, ctx.profile) {
        doc.set("metadata.generation", 1);
    } else {
        doc.remove_at("metadata.generation");
    }
    match kind {
        Kind::Pod => admit_pod(store, &mut doc)?,
        Kind::Namespace => admit_namespace(&mut doc, &key.name),
        Kind::Service => give_address(store, ctx, &key, &mut doc),
        Kind::DaemonSet => super::count_template(None, &mut doc),
        _ => {}
    }
    Ok((kind, doc))
}

fn name_of(store: &Store, ctx: &Context<'_>, kind: Kind, doc: &mut Value) -> Result<ObjectKey, ApiError> {
    let namespace = doc.str_at("metadata.namespace").unwrap_or_default().to_owned();
    if let Some(name) = doc.str_at("metadata.name").filter(|n| !n.is_empty()) {
        return Ok(ObjectKey::new(kind, &namespace, name));
    }
    let prefix = doc.str_at("metadata.generateName").unwrap_or_default().to_owned();
    if prefix.is_empty() {
        return Err(ApiError::new(
            Reason::Invalid,
            format!(
                "{}{} \"\" is invalid: metadata.name: Required value: name or generateName is required",
                kind.name(),
                if kind.info().group.is_empty() { String::new() } else { format!(".{}", kind.info().group) },
            ),
        ));
    }
    let mut stream = ctx.stream("generate-name", store, &ObjectKey::new(kind, &namespace, &prefix));
    let mut key = ObjectKey::new(kind, &namespace, "");
    for _ in 0..NAME_ATTEMPTS {
        key.name = format!("{prefix}{}", stream.suffix());
        if store.get(&key).is_none() {
            break;
        }
    }
    Ok(key)
}

/// The service's address, drawn from the upper part of the range in which the API server has its own.
/// Source: kubernetes/kubernetes pkg/registry/core/service/{storage/alloc,ipallocator/ipallocator}.go, v1.35.
fn give_address(store: &Store, ctx: &Context<'_>, key: &ObjectKey, doc: &mut Value) {
    doc.set("status.loadBalancer", json!({}));
    if doc.str_at("spec.type") == Some("ExternalName") || !doc.at("spec").is_object() {
        return;
    }
    let given = doc.str_at("spec.clusterIP").unwrap_or_default().to_owned();
    let address = if given.is_empty() {
        let own = store.get(&ObjectKey::new(Kind::Service, "default", "kubernetes"));
        let own = own.and_then(|s| s.doc.str_at("spec.clusterIP").map(str::to_owned)).unwrap_or_default();
        let range: String = own.splitn(3, '.').take(2).map(|part| format!("{part}.")).collect();
        if range.is_empty() {
            return;
        }
        let mut stream = ctx.stream("cluster-ip", store, key);
        let taken = |ip: &str| store.list(Kind::Service).any(|s| s.doc.str_at("spec.clusterIP") == Some(ip));
        let mut draw = || format!("{range}{}.{}", stream.between(1, 255), stream.between(0, 255));
        (0..NAME_ATTEMPTS).map(|_| draw()).find(|ip| !taken(ip)).unwrap_or_default()
    } else {
        given
    };
    doc.set("spec.clusterIP", address.as_str());
    doc.set("spec.clusterIPs", json!([address]));
    for (path, value) in [("spec.ipFamilies", json!(["IPv4"])), ("spec.ipFamilyPolicy", json!("SingleStack"))] {
        if doc.at(path).is_null() {
            doc.set(path, value);
        }
    }
}

/// What the admission plugins ServiceAccount, Priority and DefaultTolerationSeconds and the pod strategy write into every new pod.
/// Source: kubernetes/kubernetes plugin/pkg/admission/{serviceaccount,priority,defaulttolerationseconds}, pkg/registry/core/pod, v1.28.
fn admit_pod(store: &Store, doc: &mut Value) -> Result<(), ApiError> {
    let class_name = doc.str_at("spec.priorityClassName").unwrap_or_default().to_owned();
    let class = if class_name.is_empty() {
        store.list(Kind::PriorityClass).find(|c| c.doc.bool_at("globalDefault") == Some(true)).cloned()
    } else {
        let class = store.cluster(Kind::PriorityClass, &class_name).cloned();
        if class.is_none() {
            let name = doc.str_at("metadata.name").unwrap_or_default();
            return Err(ApiError::new(
                Reason::Forbidden,
                format!("pods \"{name}\" is forbidden: no PriorityClass with name {class_name} was found"),
            ));
        }
        class
    };
    let value = class.as_ref().and_then(|c| c.doc.int_at("value")).unwrap_or(0);
    if let Some(class) = class.filter(|_| class_name.is_empty()) {
        doc.set("spec.priorityClassName", class.meta.name.as_str());
    }
    doc.set("spec.priority", value);
    doc.set("spec.preemptionPolicy", "PreemptLowerPriority");
    if doc.at("spec.enableServiceLinks").is_null() {
        // A default of pods that templates do not have; without it an update of a controller's pod would change its spec.
        doc.set("spec.enableServiceLinks", true);
    }
    for taint in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        let tolerated = doc.list_at("spec.tolerations").iter().any(|t| {
            let (key, effect) = (t.str_at("key").unwrap_or_default(), t.str_at("effect").unwrap_or_default());
            (key == taint || key.is_empty()) && (effect == "NoExecute" || effect.is_empty())
        });
        if !tolerated {
            let slot = doc.slot("spec.tolerations");
            if !slot.is_array() {
                *slot = json!([]);
            }
            if let Some(list) = slot.as_array_mut() {
                list.push(json!({"key": taint, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}));
            }
        }
    }
    objects::mount_token(doc);
    if doc.str_at("status.phase").is_none() {
        doc.set("status.phase", "Pending");
    }
    if doc.str_at("status.qosClass").is_none() {
        doc.set("status.qosClass", qos_class(doc.at("spec")));
    }
    Ok(())
}

/// Guaranteed where every container limits CPU and memory to what it requests, BestEffort where none asks for any.
fn qos_class(spec: &Value) -> &'static str {
    let mut any = false;
    let mut guaranteed = true;
    let containers = spec.list_at("containers").iter().chain(spec.list_at("initContainers"));
    for c in containers {
        for name in ["cpu", "memory"] {
            let request = c.at("resources.requests").str_at(name);
            let limit = c.at("resources.limits").str_at(name);
            any |= request.is_some() || limit.is_some();
            guaranteed &= limit.is_some() && (request.is_none() || request == limit);
        }
    }
    match (any, guaranteed) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}

fn admit_namespace(doc: &mut Value, name: &str) {
    doc.set("status.phase", "Active");
    doc.set("spec.finalizers", json!(["kubernetes"]));
    let labels = doc.slot("metadata.labels");
    if !labels.is_object() {
        *labels = json!({});
    }
    if let Some(labels) = labels.as_object_mut() {
        labels.insert("kubernetes.io/metadata.name".to_owned(), name.into());
    }
}
