//! Which pods a ReplicaSet gives up first.
//!
//! Source: kubernetes pkg/controller/controller_utils.go `ActivePodsWithRanks`, v1.28. The order ends with the UID, which
//! the seed gives: the split of a scale-down over equal nodes is chance, as on a real cluster.

use objects::collections::Order as _;
use objects::collections::VecMap;
use objects::{Object, typed::Phase};
use std::cmp::{Ordering, Reverse};
use std::sync::Arc;

const DELETION_COST: &str = "controller.kubernetes.io/pod-deletion-cost";

/// `pods` in the order of their deletion. `related` are the active pods of all ReplicaSets of the same owner: a pod
/// on a node with more of them goes earlier.
pub(super) fn deletion_order<'a>(
    mut pods: Vec<&'a Arc<Object>>,
    related: &[&Arc<Object>],
    now_unix_ms: i64,
) -> Vec<&'a Arc<Object>> {
    let mut on_node: VecMap<&str, i64> = VecMap::new();
    for pod in related.iter().filter_map(|o| o.pod()) {
        *on_node.entry(pod.node_name.as_str()).or_insert(0) += 1;
    }
    let rank = |o: &Object| o.pod().and_then(|p| on_node.get(p.node_name.as_str())).copied().unwrap_or(0);
    pods.order_by(|a, b| {
        let (Some(x), Some(y)) = (a.pod(), b.pod()) else {
            return Ordering::Equal;
        };
        x.is_bound()
            .cmp(&y.is_bound())
            .then_with(|| phase(x.phase).cmp(&phase(y.phase)))
            .then_with(|| x.ready.cmp(&y.ready))
            .then_with(|| cost(a).cmp(&cost(b)))
            .then_with(|| Reverse(rank(a)).cmp(&Reverse(rank(b))))
            .then_with(|| match (x.ready_since_ms, y.ready_since_ms) {
                (Some(t), Some(u)) if x.ready && y.ready => age_order(a, b, t, u, now_unix_ms),
                _ => Ordering::Equal,
            })
            .then_with(|| Reverse(x.restarts).cmp(&Reverse(y.restarts)))
            .then_with(|| age_order(a, b, a.meta.created_ms, b.meta.created_ms, now_unix_ms))
            .then_with(|| a.meta.uid.cmp(&b.meta.uid))
    });
    pods
}

fn phase(phase: Phase) -> u8 {
    match phase {
        Phase::Pending => 0,
        Phase::Unknown => 1,
        _ => 2,
    }
}

fn cost(pod: &Object) -> i64 {
    pod.meta.annotations.get(DELETION_COST).and_then(|c| c.parse().ok()).unwrap_or(0)
}

/// Younger first, where ages differ by a power of two; inside one bucket by UID.
fn age_order(a: &Object, b: &Object, t: i64, u: i64, now: i64) -> Ordering {
    if t == u {
        return Ordering::Equal;
    }
    // log2 of the age in nanoseconds, -1 for the future, as Go computes it.
    let bucket = |t: i64| {
        let ns = i128::from(now.saturating_sub(t)).saturating_mul(1_000_000);
        if ns <= 0 { -1 } else { i64::from(ns.ilog2()) }
    };
    bucket(t).cmp(&bucket(u)).then_with(|| a.meta.uid.cmp(&b.meta.uid))
}

#[cfg(test)]
mod tests {
    use super::*;
    use objects::Kind;
    use objects::json;

    fn pod(name: &str, node: &str, phase: &str, ready: Option<&str>, cost: &str) -> Arc<Object> {
        let conditions = ready.map_or(json!([]), |t| json!([{"type": "Ready", "status": "True", "lastTransitionTime": t}]));
        Arc::new(Object::from_doc(
            Kind::Pod,
            json!({
                "metadata": {"name": name, "uid": name, "annotations": {DELETION_COST: cost}, "creationTimestamp": "2023-07-26T05:00:00Z"},
                "spec": {"nodeName": node}, "status": {"phase": phase, "conditions": conditions},
            }),
        ))
    }

    fn check(pods: &[Arc<Object>], want: &[&str]) {
        let refs: Vec<&Arc<Object>> = pods.iter().collect();
        let now = objects::time::parse_rfc3339("2023-07-26T06:00:00Z").unwrap();
        let got: Vec<String> = deletion_order(refs.clone(), &refs, now).iter().map(|p| p.meta.name.clone()).collect();
        assert_eq!(got, want);
    }

    #[test]
    fn ranks_as_replicaset_controllers_do() {
        let t = Some("2023-07-26T05:00:00Z");
        check(&[pod("bound", "n", "Pending", None, "0"), pod("free", "", "Pending", None, "0")], &["free", "bound"]);
        check(&[pod("run", "n", "Running", t, "0"), pod("pend", "n", "Pending", None, "0")], &["pend", "run"]);
        check(&[pod("a", "n", "Running", t, "5"), pod("b", "n", "Running", t, "-5")], &["b", "a"]);
        check(
            &[pod("a", "x", "Running", t, "0"), pod("b", "y", "Running", t, "0"), pod("c", "y", "Running", t, "0")],
            &["b", "c", "a"],
        );
        // Ready one minute ago against one hour: the younger goes first, whatever the UIDs say.
        check(&[pod("a", "x", "Running", t, "0"), pod("b", "y", "Running", Some("2023-07-26T05:59:00Z"), "0")], &["b", "a"]);
        // 59 and 60 minutes are one bucket: UID order.
        check(&[pod("a", "x", "Running", t, "0"), pod("b", "y", "Running", Some("2023-07-26T05:01:00Z"), "0")], &["a", "b"]);
    }
}
