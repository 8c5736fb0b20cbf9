//! Which pods a drain waits for, and in which order they are evicted. Sources: pkg/controllers/termination/terminator/
//! terminator.go v0.29.2; pkg/controllers/node/termination/terminator/terminator.go and pkg/utils/pod/scheduling.go v1.14.1.

use super::super::context::Cx;
use super::super::names::{DISRUPTED, DO_NOT_DISRUPT};
use super::eviction::Evictions;
use crate::actor::Action;
use objects::typed::Taint;
use objects::{DocExt, Object};
use std::sync::Arc;

/// A terminating pod counts as stuck this long after its deletionTimestamp.
const STUCK_MS: i64 = 60_000;

/// 0.29: evicts what does not tolerate being unschedulable, critical pods last. Returns how many pods are waited for.
pub fn ignoring_unschedulable(node: &Object, evictions: &mut Evictions, cx: &Cx<'_, '_>) -> usize {
    let unschedulable = Taint::new("node.kubernetes.io/unschedulable", "", "NoSchedule");
    let pods: Vec<&Arc<Object>> = waited_for(node, &unschedulable, cx).collect();
    let alive = || pods.iter().filter(|p| !p.meta.is_deleting());
    let critical_too = alive().all(|p| is_critical(p));
    for pod in alive().filter(|p| critical_too || !is_critical(p)) {
        evictions.add(pod);
    }
    pods.len()
}

/// 1.14: four groups, the next only when the one before is gone; pods that would outlive `deadline_ms` (Unix) are
/// deleted in time, whatever protects them.
pub fn by_group(node: &Object, deadline_ms: Option<i64>, evictions: &mut Evictions, cx: &mut Cx<'_, '_>) -> usize {
    let disrupted = Taint::new(DISRUPTED, "", "NoSchedule");
    let pods: Vec<Arc<Object>> = waited_for(node, &disrupted, cx).cloned().collect();
    if let Some(deadline) = deadline_ms {
        for pod in &pods {
            delete_expiring(pod, deadline, cx);
        }
    }
    let group = |p: &Object| {
        let daemon = p.pod().is_some_and(|p| p.is_daemon());
        (is_critical(p), daemon)
    };
    if let Some(first) = pods.iter().map(|p| group(p)).min() {
        for pod in pods.iter().filter(|p| group(p) == first && !p.meta.is_deleting() && !is_protected(p, cx)) {
            evictions.add(pod);
        }
    }
    pods.len()
}

fn waited_for<'s>(node: &Object, taint: &Taint, cx: &Cx<'s, '_>) -> impl Iterator<Item = &'s Arc<Object>> {
    let now = cx.view.unix_ms();
    let taint = taint.clone();
    cx.view.store.pods_on(&node.meta.name).filter(move |p| {
        let Some(pod) = p.pod() else {
            return false;
        };
        let stuck = p.meta.deleted_ms.is_some_and(|t| now > t.saturating_add(STUCK_MS));
        let tolerates = pod.spec.tolerations.iter().any(|t| t.tolerates(&taint));
        !pod.is_terminal() && !stuck && !pod.is_static() && !tolerates
    })
}

fn is_critical(pod: &Object) -> bool {
    let class = pod.pod().map_or("", |p| p.spec.priority_class.as_str());
    class == "system-cluster-critical" || class == "system-node-critical"
}

/// `karpenter.sh/do-not-disrupt`: `true`, or a duration counted from the pod's start.
fn is_protected(pod: &Object, cx: &Cx<'_, '_>) -> bool {
    match pod.meta.annotations.get(DO_NOT_DISRUPT).map(String::as_str) {
        None => false,
        Some("true") => true,
        Some(text) => objects::duration::parse_go_ms(text)
            .zip(pod.doc.str_at("status.startTime").and_then(objects::time::parse_rfc3339))
            .is_some_and(|(length, start)| cx.view.unix_ms() < start.saturating_add(length)),
    }
}

fn delete_expiring(pod: &Object, deadline_ms: i64, cx: &mut Cx<'_, '_>) {
    let Some(typed) = pod.pod() else {
        return;
    };
    let now = cx.view.unix_ms();
    // A pod that goes in time by itself is let go.
    if pod.meta.deleted_ms.is_some_and(|t| t <= deadline_ms) {
        return;
    }
    if now <= deadline_ms.saturating_sub(typed.spec.grace_s.saturating_mul(1000)) {
        return;
    }
    let grace_s = (deadline_ms.saturating_sub(now) / 1000).max(1);
    let message = format!(
        "Deleting the pod to accommodate the terminationTime {} of the node. The pod was granted {grace_s} seconds of grace-period \
         of its {} terminationGracePeriodSeconds. This bypasses the PDB of the pod and the do-not-disrupt annotation.",
        objects::time::rfc3339(deadline_ms),
        typed.spec.grace_s
    );
    cx.event(pod.key(), "Disrupted", message);
    cx.push(Action::Delete { key: pod.key(), grace_s: Some(grace_s) }, "the node's grace period ends");
}
