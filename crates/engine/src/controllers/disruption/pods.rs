//! What pods say about disrupting their node: which would move, and which keep it. Sources: kubernetes-sigs/karpenter
//! pkg/controllers/deprovisioning/{helpers,pdblimits}.go v0.31.4; pkg/utils/{pdb,pod} v1.14.1.

use super::super::context::Cx;
use super::super::names::{DISRUPTED, DO_NOT_DISRUPT, DO_NOT_EVICT};
use crate::actor::View;
use crate::scheduling::input::{is_protected, is_unready};
use objects::typed::Toleration;
use objects::{Era, Kind, Object};
use std::sync::Arc;

/// Pods of the node that would be recreated elsewhere.
pub fn movable<'s>(node: &Object, cx: &Cx<'s, '_>) -> impl Iterator<Item = &'s Arc<Object>> {
    let era = cx.era();
    cx.view.store.pods_on(&node.meta.name).filter(move |p| is_movable(p, era))
}

fn is_movable(pod: &Object, era: Era) -> bool {
    let Some(typed) = pod.pod() else {
        return false;
    };
    // 1.14: a StatefulSet's pod comes back under its name, so it counts until it is gone.
    let leaving = pod.meta.is_deleting() && !(era == Era::V1 && typed.owner_kind == "StatefulSet");
    !typed.is_daemon() && !typed.is_static() && !typed.is_terminal() && !leaving
}

/// 0.29: why pods keep the node, in the words of its events.
pub fn blocked_v1alpha5(pods: &[Arc<Object>], cx: &Cx<'_, '_>) -> Option<String> {
    for pod in pods {
        let covering = budgets(pod, cx.view).into_iter().find(|b| blocks(b, pod));
        if let Some(budget) = covering {
            return Some(format!("pdb {} prevents pod evictions", budget.key()));
        }
    }
    let protected = |p: &&Arc<Object>| {
        let says = |key: &str| p.meta.annotations.get(key).map(String::as_str) == Some("true");
        says(DO_NOT_EVICT) || says(DO_NOT_DISRUPT)
    };
    let pod = pods.iter().find(protected)?;
    Some(format!("pod {} has do not evict annotation", pod.key()))
}

/// 1.14: all pods have a say, those of DaemonSets too.
pub fn blocked_v1(node: &Object, cx: &mut Cx<'_, '_>) -> Option<String> {
    let now = cx.view.unix_ms();
    let pods: Vec<&Arc<Object>> = cx.view.store.pods_on(&node.meta.name).collect();
    let live = |p: &&&Arc<Object>| !p.meta.is_deleting() && !p.pod().is_some_and(|p| p.is_terminal());
    if let Some(pod) = pods.iter().filter(live).find(|p| is_protected(p, now)) {
        return Some(format!("Pod has {DO_NOT_DISRUPT:?} annotation (Pod={})", pod.key()));
    }
    let stands = |t: &Toleration| t.tolerates_as(DISRUPTED, "", "NoSchedule");
    let evictable = |p: &&&Arc<Object>| p.pod().is_some_and(|p| !p.is_static() && !p.spec.tolerations.iter().any(stands));
    for pod in pods.iter().filter(live).filter(evictable) {
        let budgets = budgets(pod, cx.view);
        let keys: Vec<String> = budgets.iter().map(|b| b.key().to_string()).collect();
        if keys.len() > 1 {
            return Some(format!("Eviction does not support multiple PDBs (PodDisruptionBudget(s)=[{}])", keys.join(" ")));
        }
        if budgets.iter().any(|b| blocks(b, pod)) {
            return Some(format!("Pdb prevents pod evictions (PodDisruptionBudget=[{}])", keys.join(" ")));
        }
    }
    None
}

/// 1.14: whether any pod of the node, daemons included, is guarded by the annotation now.
pub fn has_protected(node: &Object, cx: &Cx<'_, '_>) -> bool {
    cx.view.store.pods_on(&node.meta.name).any(|p| is_protected(p, cx.view.unix_ms()))
}

fn budgets<'s>(pod: &Object, view: &View<'s>) -> Vec<&'s Arc<Object>> {
    let covers = |b: &&Arc<Object>| {
        let selector = b.pdb().and_then(|p| p.selector.as_ref());
        selector.is_some_and(|s| s.matches(&pod.meta.labels))
    };
    view.store.list_in(Kind::PodDisruptionBudget, &pod.meta.namespace).filter(covers).collect()
}

/// An unhealthy pod may go whatever the budget has left where the budget says so.
fn blocks(budget: &Object, pod: &Object) -> bool {
    budget.pdb().is_some_and(|b| {
        let exempt = b.always_allow_unhealthy && is_unready(pod);
        b.disruptions_allowed <= 0 && !exempt
    })
}
