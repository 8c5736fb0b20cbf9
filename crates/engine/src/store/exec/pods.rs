//! The pod subresources: binding and eviction.
//! Source: kubernetes/kubernetes pkg/registry/core/pod/storage/{storage,eviction}.go, v1.28.

use super::{Context, conflict, delete, found, update};
use crate::store::Store;
use objects::typed::Phase;
use objects::{ApiError, DocExt, Kind, Object, ObjectKey, Reason, Value, json};
use std::sync::Arc;

/// Pods that a budget may hold as evicted but not yet counted.
const MAX_DISRUPTED_PODS: usize = 2_000;

/// Binds a pod to a node. A pod that is bound or being deleted is refused.
pub fn bind(store: &mut Store, ctx: &Context<'_>, key: &ObjectKey, node: &str) -> Result<(), ApiError> {
    let old = found(store, key)?;
    let refuse = |why: &str| {
        let message = format!("Operation cannot be fulfilled on pods/binding \"{}\": {why}", key.name);
        Err(ApiError::new(Reason::Conflict, message))
    };
    if old.meta.is_deleting() {
        return refuse(&format!("pod {} is being deleted, cannot be assigned to a host", key.name));
    }
    if let Some(pod) = old.pod().filter(|p| p.is_bound()) {
        return refuse(&format!("pod {} is already assigned to node \"{}\"", key.name, pod.node_name));
    }
    let mut doc = old.doc.clone();
    doc.set("spec.nodeName", node);
    if ctx.profile.kubectl_minor >= 35 {
        copy_topology(store, &mut doc, node);
    }
    set_condition(
        &mut doc,
        json!({"type": "PodScheduled", "status": "True", "lastProbeTime": null, "lastTransitionTime": ctx.timestamp()}),
    );
    update::write(store, ctx, &old, doc).map(|_| ())
}

/// The admission plugin PodTopologyLabels gives a bound pod the zone and region of its node.
/// Source: kubernetes/kubernetes plugin/pkg/admission/podtopologylabels, v1.35.
fn copy_topology(store: &Store, doc: &mut Value, node: &str) {
    let Some(node) = store.cluster(Kind::Node, node) else { return };
    for key in ["topology.kubernetes.io/region", "topology.kubernetes.io/zone"] {
        if let Some(value) = node.meta.labels.get(key) {
            let labels = doc.slot("metadata.labels");
            if !labels.is_object() {
                *labels = json!({});
            }
            if let Some(labels) = labels.as_object_mut() {
                labels.insert(key.to_owned(), value.as_str().into());
            }
        }
    }
}

/// Evicts a pod where its budgets allow; the budget is charged before the pod is deleted.
pub fn evict(store: &mut Store, ctx: &Context<'_>, key: &ObjectKey, grace_s: Option<i64>) -> Result<(), ApiError> {
    let old = found(store, key)?;
    let ignores_budgets = old.meta.is_deleting() || old.pod().is_some_and(|p| p.is_terminal() || p.phase == Phase::Pending);
    if !ignores_budgets {
        let budgets: Vec<Arc<Object>> = store.list(Kind::PodDisruptionBudget).filter(|b| selects(b, &old)).cloned().collect();
        match budgets.as_slice() {
            [] => {}
            [budget] => charge(store, ctx, budget, &old)?,
            _ => {
                return Err(ApiError::new(
                    Reason::InternalError,
                    "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
                ));
            }
        }
    }
    if !old.meta.is_deleting() {
        let mut doc = old.doc.clone();
        set_condition(
            &mut doc,
            json!({
                "type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI",
                "message": "Eviction API: evicting", "lastProbeTime": null, "lastTransitionTime": ctx.timestamp(),
            }),
        );
        update::write(store, ctx, &old, doc)?;
    }
    delete(store, ctx, key, grace_s).map(|_| ())
}

fn selects(budget: &Object, pod: &Object) -> bool {
    budget.meta.namespace == pod.meta.namespace
        && budget.pdb().and_then(|b| b.selector.as_ref()).is_some_and(|s| s.matches(&pod.meta.labels))
}

fn charge(store: &mut Store, ctx: &Context<'_>, budget: &Object, pod: &Object) -> Result<(), ApiError> {
    let Some(pdb) = budget.pdb() else { return Ok(()) };
    let status = budget.doc.at("status");
    let count = |name: &str| status.int_at(name).unwrap_or(0);
    let (current, desired) = (count("currentHealthy"), count("desiredHealthy"));
    let ready = pod.pod().is_some_and(|p| p.ready);
    // An unhealthy pod may go where the budget is met without it.
    if !ready && (pdb.always_allow_unhealthy || (current >= desired && desired > 0)) {
        return Ok(());
    }
    let name = &budget.meta.name;
    let refuse = |cause: String| {
        let mut error =
            ApiError::new(Reason::TooManyRequests, "Cannot evict pod as it would violate the pod's disruption budget.");
        error.causes.push(("DisruptionBudget".to_owned(), cause));
        Err(error)
    };
    if count("observedGeneration") < budget.meta.generation {
        return refuse(format!("The disruption budget {name} is still being processed by the server."));
    }
    if pdb.disruptions_allowed < 0 {
        return Err(super::forbidden(&budget.key(), "pdb disruptions allowed is negative"));
    }
    if status.at("disruptedPods").as_object().is_some_and(|m| m.len() > MAX_DISRUPTED_PODS) {
        let why = "DisruptedPods map too big - too many evictions not confirmed by PDB controller";
        return Err(super::forbidden(&budget.key(), why));
    }
    if pdb.disruptions_allowed == 0 {
        return refuse(format!("The disruption budget {name} needs {desired} healthy pods and has {current} currently"));
    }
    let mut doc = budget.doc.clone();
    doc.set("status.disruptionsAllowed", pdb.disruptions_allowed - 1);
    let disrupted = doc.slot("status.disruptedPods");
    if !disrupted.is_object() {
        *disrupted = json!({});
    }
    if let Some(map) = disrupted.as_object_mut() {
        map.insert(pod.meta.name.clone(), ctx.timestamp().into());
    }
    let latest = found(store, &budget.key())?;
    if latest.meta.resource_version != budget.meta.resource_version {
        return Err(conflict(
            &budget.key(),
            "the object has been modified; please apply your changes to the latest version and try again",
        ));
    }
    update::write(store, ctx, budget, doc).map(|_| ())
}

/// Writes a condition in place of the one of the same type, or behind the others.
fn set_condition(doc: &mut Value, condition: Value) {
    let slot = doc.slot("status.conditions");
    if !slot.is_array() {
        *slot = json!([]);
    }
    let Some(list) = slot.as_array_mut() else { return };
    match list.iter_mut().find(|c| c.str_at("type") == condition.str_at("type")) {
        Some(old) => *old = condition,
        None => list.push(condition),
    }
}
