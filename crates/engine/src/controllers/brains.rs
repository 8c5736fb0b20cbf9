//! Two brains: Karpenter plans pods onto nodes and nominates, kube-scheduler binds them to whatever it likes best when it
//! looks. Where the two differ the record says so, and why as far as the cluster shows it.

use super::context::Cx;
use super::state::{State, claim_of, node_of};
use crate::decisions::{Divergence, What};
use objects::resources::PODS;
use objects::{Kind, Object, ObjectKey, Resources};

/// Looks at a pod that has just been bound.
pub fn compare(namespace: &str, name: &str, state: &mut State, cx: &mut Cx<'_, '_>) {
    let key = ObjectKey::new(Kind::Pod, namespace, name);
    let Some(planned) = state.take_plan(&key.to_string()) else { return };
    let store = cx.view.store;
    let Some(pod) = store.get(&key) else { return };
    let bound = pod.pod().map_or("", |p| p.node_name.as_str());
    let Some(node) = store.cluster(Kind::Node, bound) else { return };
    // Nodes with a claim go by its name, others by their own.
    let own = claim_of(store, cx.names, node).map_or(bound, |c| &c.meta.name);
    if own == planned {
        return;
    }
    let claim = store.cluster(cx.names.claim, &planned);
    let target = claim.map_or_else(|| store.cluster(Kind::Node, &planned), |c| node_of(store, c));
    let why = match target {
        _ if claim.is_some_and(|c| c.meta.is_deleting()) => Divergence::Gone,
        None if claim.is_none() => Divergence::Gone,
        None => Divergence::NotJoined,
        Some(n) if n.meta.is_deleting() => Divergence::Gone,
        Some(n) if !n.node().is_some_and(|n| n.ready) || !tolerates(pod, n) => Divergence::NotReady,
        Some(n) if !has_room(pod, n, cx) => Divergence::NoRoom,
        Some(_) => Divergence::Preferred,
    };
    let planned = target.map_or(planned, |n| n.meta.name.clone());
    cx.decide(key, What::Diverged { planned, node: bound.to_owned(), why });
}

fn tolerates(pod: &Object, node: &Object) -> bool {
    let taints = node.node().map(|n| n.taints.as_slice()).unwrap_or_default();
    let hard = taints.iter().filter(|t| t.effect != "PreferNoSchedule");
    pod.pod().is_some_and(|p| hard.into_iter().all(|t| p.spec.tolerations.iter().any(|x| x.tolerates(t))))
}

fn has_room(pod: &Object, node: &Object, cx: &Cx<'_, '_>) -> bool {
    let (Some(pod), Some(typed)) = (pod.pod(), node.node()) else { return false };
    let mut used: Resources = pod.spec.requests.clone().with(PODS, 1);
    for other in cx.view.store.pods_on(&node.meta.name).filter_map(|p| p.pod()).filter(|p| !p.is_terminal()) {
        used.add(&other.spec.requests.clone().with(PODS, 1));
    }
    used.fits(&typed.allocatable)
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use crate::decisions::{Divergence, What};
    use objects::{DocExt, Era, Kind, Value, json};

    const OTHER: &str = "ip-192-168-1-9.ap-northeast-2.compute.internal";

    /// A pod that Karpenter means for a new claim; `meanwhile` happens, then kube-scheduler takes another node.
    fn check(meanwhile: impl Fn(&mut Lab, &str), want: Option<Divergence>) {
        let pool = json!({"providerRef": {"name": "default"}});
        let mut lab = Lab::one_node(Era::V1alpha5, &[], pool, json!({}));
        let mut waiting = pod("late", "", json!({}));
        waiting.set("spec.containers", json!([{"name": "c", "resources": {"requests": {"cpu": "3"}}}]));
        waiting.set(
            "status",
            json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]}),
        );
        waiting.remove_at("spec.nodeName");
        lab.create(waiting);
        lab.run(2_000);
        let claim = lab.requested().first().cloned().expect("a claim is made for the pod");
        meanwhile(&mut lab, &claim);
        if lab.get(Kind::Node, OTHER).is_none() {
            let mut other = joined(Era::V1alpha5);
            other.set("metadata.name", OTHER);
            other.set("spec", json!({"providerID": "aws:///ap-northeast-2c/i-0other"}));
            lab.create(other);
        }
        lab.patch(Kind::Pod, "late", json!({"spec": {"nodeName": OTHER}}));
        lab.run(1_000);
        let found = lab.decisions.iter().find_map(|d| match d {
            What::Diverged { node, why, .. } => Some((node.clone(), *why)),
            _ => None,
        });
        assert_eq!(found, want.map(|w| (OTHER.to_owned(), w)), "{:?}", lab.decisions);
    }

    fn comes_up(lab: &mut Lab, claim: &str, id: &str, node: Value) {
        let answer =
            json!({"status": {"instanceId": id, "instanceType": "m5.xlarge", "zone": "ap-northeast-2c", "priceMicro": 1}});
        lab.patch(Kind::FleetRequest, claim, answer);
        lab.run(1_500);
        lab.create(node);
        lab.run(500);
    }

    fn node(name: &str, id: &str, ready: bool) -> Value {
        let mut node = joined(Era::V1alpha5);
        node.set("metadata.name", name);
        node.set("spec", json!({"providerID": format!("aws:///ap-northeast-2c/{id}")}));
        if ready {
            node.set("status.conditions", json!([{"type": "Ready", "status": "True"}]));
        }
        node
    }

    #[test]
    fn the_record_says_where_the_plan_was_left_and_why() {
        check(|_, _| {}, Some(Divergence::NotJoined));
        check(|lab, claim| lab.delete(Kind::Machine, claim), Some(Divergence::Gone));
        check(|lab, claim| comes_up(lab, claim, "i-0new", node("new", "i-0new", false)), Some(Divergence::NotReady));
        check(|lab, claim| comes_up(lab, claim, "i-0new", node("new", "i-0new", true)), Some(Divergence::Preferred));
        check(
            |lab, claim| {
                comes_up(lab, claim, "i-0new", node("new", "i-0new", true));
                lab.create(pod("first", "new", json!({})));
            },
            Some(Divergence::NoRoom),
        );
        // As planned: nothing to say.
        check(|lab, claim| comes_up(lab, claim, "i-0new", node(OTHER, "i-0new", true)), None);
    }
}
