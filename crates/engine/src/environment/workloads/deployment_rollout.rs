//! How many replicas each ReplicaSet of a Deployment gets: surge, unavailability, proportional scaling.
//!
//! Source: kubernetes pkg/controller/deployment/{rolling,sync}.go and util/deployment_util.go, v1.28.

use super::super::support::scaled;
use super::deployment::{MAX, replicas};
use objects::collections::Order as _;
use objects::{DocExt, Object};
use std::cmp::Reverse;
use std::sync::Arc;

/// A ReplicaSet and the replicas that it is to have.
pub(super) struct Scale {
    pub set: Arc<Object>,
    pub to: i64,
}

impl Scale {
    pub fn new(set: &Arc<Object>, to: i64) -> Scale {
        Scale { set: set.clone(), to }
    }
}

fn is_rolling(d: &Object) -> bool {
    d.doc.str_at("spec.strategy.type") != Some("Recreate")
}

fn wanted(d: &Object) -> i64 {
    d.workload().map_or(0, |w| w.replicas)
}

fn available(set: &Object) -> i64 {
    set.workload().map_or(0, |w| w.available)
}

/// (surge, unavailable): percentages up and down; both zero would never move, so one may be missing then.
fn fence_posts(d: &Object) -> (i64, i64) {
    let quarter = objects::json!("25%");
    let rolling = d.doc.at("spec.strategy.rollingUpdate");
    let read = |name: &str, up: bool| {
        let v = rolling.field(name);
        scaled(if v.is_null() { &quarter } else { v }, wanted(d), up).unwrap_or(0)
    };
    match (read("maxSurge", true), read("maxUnavailable", false)) {
        (0, 0) => (0, 1),
        both => both,
    }
}

pub(super) fn max_surge(d: &Object) -> i64 {
    if is_rolling(d) { fence_posts(d).0 } else { 0 }
}

pub(super) fn max_unavailable(d: &Object) -> i64 {
    if !is_rolling(d) || wanted(d) == 0 { 0 } else { fence_posts(d).1.min(wanted(d)) }
}

/// What the new ReplicaSet may have now: up to the surge, never more than wanted.
pub(super) fn new_replicas(d: &Object, new: Option<&Arc<Object>>, sets: &[Arc<Object>]) -> i64 {
    let have = new.map_or(0, |s| replicas(s));
    let want = wanted(d);
    if have > want {
        return want;
    }
    let total: i64 = sets.iter().map(|s| replicas(s)).sum();
    let room = want + max_surge(d) - total;
    if room <= 0 { have } else { have + room.min(want - have) }
}

/// Scaling down old ReplicaSets during a rolling update: unhealthy replicas first, then healthy ones as far as
/// availability allows.
pub(super) fn old_steps(d: &Object, new: &Arc<Object>, old: &[Arc<Object>]) -> Vec<Scale> {
    let old_total: i64 = old.iter().map(|s| replicas(s)).sum();
    if old_total == 0 {
        return Vec::new();
    }
    let floor = wanted(d) - max_unavailable(d);
    let may_go = old_total + replicas(new) - floor - (replicas(new) - available(new));
    if may_go <= 0 {
        return Vec::new();
    }
    let mut left: Vec<(Arc<Object>, i64)> = old.iter().map(|s| (s.clone(), replicas(s))).collect();
    let mut gone = 0;
    for (set, n) in &mut left {
        let unhealthy = *n - available(set);
        if gone >= may_go || *n == 0 || unhealthy <= 0 {
            continue;
        }
        let step = unhealthy.min(may_go - gone);
        *n -= step;
        gone += step;
    }
    let mut spare = old.iter().map(|s| available(s)).sum::<i64>() + available(new) - floor;
    for (_, n) in &mut left {
        if spare <= 0 {
            break;
        }
        let step = spare.min(*n);
        *n -= step;
        spare -= step;
    }
    left.into_iter().filter(|(s, n)| *n != replicas(s)).map(|(set, to)| Scale { set, to }).collect()
}

/// Steps after a change of `spec.replicas`: one ReplicaSet takes all of it; in the middle of a rollout each takes its
/// proportion.
pub(super) fn scale(d: &Object, new: Option<&Arc<Object>>, old: &[Arc<Object>]) -> Vec<Scale> {
    let want = wanted(d);
    let mut active: Vec<&Arc<Object>> = old.iter().chain(new).filter(|s| replicas(s) > 0).collect();
    let only = match active.as_slice() {
        [] => new.or_else(|| old.last()),
        [one] => Some(*one),
        _ => None,
    };
    if let Some(one) = only {
        return vec![Scale::new(one, want)];
    }
    let saturated = new.is_some_and(|s| {
        let desired = s.meta.annotations.get(super::deployment::DESIRED).and_then(|n| n.parse::<i64>().ok());
        replicas(s) == want && desired == Some(want) && available(s) == want
    });
    if saturated {
        return old.iter().filter(|s| replicas(s) > 0).map(|s| Scale::new(s, 0)).collect();
    }
    if !is_rolling(d) {
        return Vec::new();
    }
    let total: i64 = active.iter().map(|s| replicas(s)).sum();
    let allowed = if want > 0 { want + max_surge(d) } else { 0 };
    let mut to_add = allowed - total;
    // Growing favours the newer of equals, shrinking the older.
    if to_add > 0 {
        active.order_by_key(|s| (Reverse(replicas(s)), Reverse(s.meta.created_ms)));
    } else {
        active.order_by_key(|s| (Reverse(replicas(s)), s.meta.created_ms));
    }
    let sum = to_add;
    let mut steps: Vec<Scale> = Vec::new();
    for set in &active {
        let share = if sum == 0 { 0 } else { proportion(d, set, to_add) };
        to_add -= share;
        steps.push(Scale::new(set, (replicas(set) + share).max(0)));
    }
    if let Some(first) = steps.first_mut() {
        first.to = (first.to + to_add).max(0);
    }
    steps
}

/// A set's share of the change, rounded to the nearest and bounded by what is left to hand out.
fn proportion(d: &Object, set: &Object, left: i64) -> i64 {
    let have = replicas(set);
    if have == 0 || left == 0 {
        return 0;
    }
    let size = wanted(d) + max_surge(d);
    let annotated = set.meta.annotations.get(MAX).and_then(|n| n.parse::<i64>().ok()).filter(|n| *n > 0);
    let base = annotated.unwrap_or_else(|| d.doc.int_at("status.replicas").unwrap_or(have).max(1));
    let rounded = (2 * have * size + base).div_euclid(2 * base);
    let share = rounded - have;
    if left > 0 { share.min(left) } else { share.max(left) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use objects::{Kind, json};

    fn deployment(n: i64, surge: &str, unavailable: &str) -> Object {
        let rolling = json!({"maxSurge": surge, "maxUnavailable": unavailable});
        Object::from_doc(Kind::Deployment, json!({"spec": {"replicas": n, "strategy": {"rollingUpdate": rolling}}}))
    }

    fn set(name: &str, n: i64, available: i64) -> Arc<Object> {
        Arc::new(Object::from_doc(
            Kind::ReplicaSet,
            json!({"metadata": {"name": name}, "spec": {"replicas": n}, "status": {"availableReplicas": available}}),
        ))
    }

    #[test]
    fn percentages_round_towards_progress() {
        for (n, surge, unavailable, want) in [
            (5, "25%", "25%", (2, 1)),
            (10, "25%", "25%", (3, 2)),
            (1, "25%", "25%", (1, 0)),
            (1, "0", "0%", (0, 1)),
            (4, "100%", "50%", (4, 2)),
        ] {
            let d = deployment(n, surge, unavailable);
            assert_eq!((max_surge(&d), max_unavailable(&d)), want, "{n} {surge} {unavailable}");
        }
    }

    #[test]
    fn rolling_update_steps() {
        let d = deployment(10, "25%", "25%");
        let old = [set("old", 10, 10)];
        assert_eq!(new_replicas(&d, None, &old), 3);
        let new = set("new", 3, 0);
        let steps = old_steps(&d, &new, &old);
        assert_eq!(steps.iter().map(|s| s.to).collect::<Vec<_>>(), [8]);
        let old = [set("old", 8, 8)];
        assert!(old_steps(&d, &new, &old).is_empty(), "nothing more may go until a new pod is available");
        assert_eq!(new_replicas(&d, Some(&new), &[old[0].clone(), new.clone()]), 5);
    }
}
