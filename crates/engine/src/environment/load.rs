//! Scripted load: what pods use of CPU, for the autoscaler and for `kubectl top`.
//!
//! No container runs here, so usage is told by the annotation `nodewright.dev/load` of a Deployment, StatefulSet or
//! ReplicaSet: the milli-cores that all its pods use together, by the time since the object was created, such as
//! `200m 5m=2500m 20m=400m` (a value without a time counts from the start). Its ready pods share it evenly, each up to its
//! CPU limit. A cluster without such an annotation has no metrics at all, as one without a metrics server.

use crate::store::Store;
use objects::collections::VecMap;
use objects::{DocExt, Kind, Object, Resources, duration, quantity::Quantity};
use std::sync::Arc;

pub const ANNOTATION: &str = "nodewright.dev/load";
/// A metrics server asks the kubelets this often; a pod is measured over one such time.
pub const WINDOW_MS: i64 = 15_000;
/// What a pod uses of which no load is told, in milli-cores.
const IDLE_MILLI: i64 = 1;

const TARGETS: [Kind; 3] = [Kind::Deployment, Kind::StatefulSet, Kind::ReplicaSet];

/// Milli-cores at `age_ms` of a script; `None` where the text is none.
pub fn at(script: &str, age_ms: i64) -> Option<i64> {
    let mut now = 0;
    let mut any = false;
    for step in script.split([' ', ',']).filter(|s| !s.is_empty()) {
        let (from, amount) = match step.split_once('=') {
            Some((from, amount)) => (duration::parse_go_ms(from)?, amount),
            None => (0, step),
        };
        let milli = i64::try_from(Quantity::parse(amount).ok()?.nano / 1_000_000).ok().filter(|m| *m >= 0)?;
        any = true;
        if from <= age_ms {
            now = milli;
        }
    }
    any.then_some(now)
}

/// Whether the cluster measures anything.
pub fn is_measured(store: &Store) -> bool {
    TARGETS.into_iter().any(|kind| store.list(kind).any(|o| o.meta.annotations.contains_key(ANNOTATION)))
}

/// What all pods use at one instant.
#[derive(Debug)]
pub struct Usage {
    measured_ms: i64,
    /// Milli-cores of each sharing pod, by the UIDs of the objects that control the pods.
    shares: VecMap<String, Option<i64>>,
}

impl Usage {
    pub fn at(store: &Store, unix_ms: i64) -> Usage {
        let measured_ms = unix_ms - unix_ms.rem_euclid(WINDOW_MS);
        let all = || TARGETS.into_iter().flat_map(|kind| store.list(kind));
        let mut shares = VecMap::new();
        for scripted in all() {
            let Some(script) = scripted.meta.annotations.get(ANNOTATION) else { continue };
            let below = all().filter(|o| o.meta.controller().is_some_and(|c| c.uid == scripted.meta.uid));
            let uids: Vec<&String> = below.map(|o| &o.meta.uid).chain([&scripted.meta.uid]).collect();
            let shares_it = |p: &&Arc<Object>| {
                p.meta.controller().is_some_and(|c| uids.contains(&&c.uid))
                    && !p.meta.is_deleting()
                    && p.pod().is_some_and(|p| p.ready)
            };
            let pods = store.list(Kind::Pod).filter(shares_it).count().max(1);
            let total = at(script, measured_ms - scripted.meta.created_ms);
            let share = total.map(|t| t / i64::try_from(pods).unwrap_or(i64::MAX));
            for uid in uids {
                shares.insert(uid.clone(), share);
            }
        }
        Usage { measured_ms, shares }
    }

    /// The instant of the measurement, and whether a pod that is ready since `ready_ms` was in it for a whole window.
    pub fn covers(&self, ready_ms: i64) -> bool {
        ready_ms <= self.measured_ms - WINDOW_MS
    }

    /// What `pod` was measured to use in the last full window, in milli-cores; `None` while it has not been measured.
    pub fn cpu_milli(&self, pod: &Object) -> Option<i64> {
        let typed = pod.pod().filter(|p| p.ready)?;
        if !self.covers(typed.ready_since_ms.unwrap_or(0)) {
            return None;
        }
        let Some(share) = pod.meta.controller().and_then(|c| self.shares.get(&c.uid)) else { return Some(IDLE_MILLI) };
        let limit: i64 = pod.doc.list_at("spec.containers").iter().map(|c| Resources::read(c.at("resources.limits")).cpu()).sum();
        share.map(|s| if limit > 0 { s.min(limit) } else { s })
    }

    /// [`Usage::cpu_milli`] of a pod whose load is told; `None` for all others.
    pub fn told_milli(&self, pod: &Object) -> Option<i64> {
        pod.meta.controller().filter(|c| self.shares.contains_key(&c.uid))?;
        Some(self.cpu_milli(pod).unwrap_or(0))
    }

    /// What `pod` uses of memory, in bytes: what it asks for.
    pub fn memory(&self, pod: &Object) -> Option<i64> {
        self.cpu_milli(pod)?;
        Some(Resources::of_pod_spec(pod.doc.at("spec")).memory())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_are_steps() {
        let check = |script: &str, minutes: i64, want: Option<i64>| assert_eq!(at(script, minutes * 60_000), want, "{script}");
        check("200m", 0, Some(200));
        check("200m 5m=2500m 20m=0.4", 4, Some(200));
        check("200m 5m=2500m 20m=0.4", 5, Some(2500));
        check("200m 5m=2500m 20m=0.4", 60, Some(400));
        check("5m=2", 1, Some(0));
        check("", 1, None);
        check("5x=2", 1, None);
        check("much", 1, None);
    }
}
