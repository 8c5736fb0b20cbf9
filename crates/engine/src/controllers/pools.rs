//! A NodePool's conditions (1.14): its node class is there and ready, it validates, and its nodes do register.
//! A Provisioner of 0.29 has none of these. Sources: kubernetes-sigs/karpenter pkg/controllers/nodepool/{readiness,
//! validation,registrationhealth} and pkg/state/nodepoolhealth/tracker.go, v1.14.1.

use super::context::Cx;
use super::hashes;
use crate::SimTime;
use objects::collections::VecMap;
use objects::{DocExt, Era, json};
use std::collections::VecDeque;

const LIVES_BY: &[&str] = &["ValidationSucceeded", "NodeClassReady"];
const HEALTHY: &str = "NodeRegistrationHealthy";
/// How many results are remembered, and how many failures among them are too many.
const REMEMBERED: usize = 4;
const TOO_MANY: usize = 2;

/// Between the two.
const NEXT_MS: u64 = 5;

/// Recent launch and registration results by pool uid.
#[derive(Clone, Debug, Default)]
pub struct Pools {
    results: VecMap<String, VecDeque<bool>>,
}

impl Pools {
    /// A claim of the pool registered, or was given up for a (reason, message).
    pub fn registered(&mut self, pool: &str, failed: Option<(&str, &str)>, cx: &mut Cx<'_, '_>) {
        if cx.era() == Era::V1alpha5 {
            return;
        }
        let Some(pool) = cx.view.store.cluster(cx.names.pool, pool).cloned() else {
            return;
        };
        let results = self.results.entry(pool.meta.uid.clone()).or_default();
        results.push_back(failed.is_none());
        if results.len() > REMEMBERED {
            results.pop_front();
        }
        let failures = results.iter().filter(|ok| !**ok).count();
        let mut conditions = cx.conditions_of(&pool, LIVES_BY);
        match (failures >= TOO_MANY, failed) {
            (false, None) => conditions.set_true(HEALTHY),
            (true, Some((reason, message))) if conditions.status(HEALTHY) != Some("False") => {
                conditions.set(HEALTHY, "False", reason, message);
            }
            _ => return,
        }
        cx.patch_status(&pool, json!({}), conditions, "the pool's registrations");
    }

    pub fn reconcile(&mut self, name: &str, cx: &mut Cx<'_, '_>) -> Option<SimTime> {
        let pool = cx.view.store.cluster(cx.names.pool, name)?.clone();
        if pool.meta.is_deleting() {
            return None;
        }
        let mut patch = json!({});
        hashes::write(&pool, hashes::pool_keys(cx.era()), &mut patch, cx);
        if cx.era() == Era::V1alpha5 {
            if patch.as_object().is_some_and(|m| !m.is_empty()) {
                cx.patch(pool.key(), patch, "what its machines are compared with");
            }
            return None;
        }
        let mut conditions = cx.conditions_of(&pool, LIVES_BY);
        let class = pool.doc.str_at("spec.template.spec.nodeClassRef.name").unwrap_or_default();
        let class = cx.view.store.cluster(cx.names.node_class, class);
        // Two controllers look at a new pool, one after the other; the one that finds no class is the quicker.
        let recorded = cx.view.profile.as_recorded;
        let fresh = recorded && !conditions.has("ValidationSucceeded") && !conditions.has("NodeClassReady");
        // A changed pool starts its registrations anew; then its class is looked at, then what it says.
        let changed = recorded && class.is_some() && conditions.is_stale(HEALTHY);
        let next = recorded && !changed && conditions.is_stale("NodeClassReady");
        if changed {
            self.results.remove(&pool.meta.uid);
            conditions.set(HEALTHY, "Unknown", "AwaitingReconciliation", "object is awaiting reconciliation");
        }
        let again = (fresh || changed || next).then(|| cx.view.now + NEXT_MS);
        if !changed && !next && (!fresh || class.is_some()) {
            conditions.set_true("ValidationSucceeded");
        }
        match class {
            Some(class) if class.meta.is_deleting() => {
                conditions.set("NodeClassReady", "False", "NodeClassTerminating", "NodeClass is Terminating");
            }
            Some(_) if fresh || changed => {}
            None => conditions.set("NodeClassReady", "False", "NodeClassNotFound", "NodeClass not found on cluster"),
            Some(class) => {
                let ready = class.condition("Ready");
                match ready.and_then(|r| r.str_at("status")) {
                    Some("True") => conditions.set_true("NodeClassReady"),
                    Some("False") => {
                        let word = |f: &str| ready.and_then(|r| r.str_at(f)).unwrap_or_default();
                        conditions.set("NodeClassReady", "False", word("reason"), word("message"));
                    }
                    _ => conditions.set("NodeClassReady", "False", "NodeClassReadinessUnknown", "Node Class Readiness Unknown"),
                }
                if pool.doc.int_at("status.nodeClassObservedGeneration") != Some(class.meta.generation) {
                    patch.set("status.nodeClassObservedGeneration", class.meta.generation);
                }
            }
        }
        if !conditions.has(HEALTHY) && (class.is_some() || !recorded) {
            conditions.set(HEALTHY, "Unknown", "AwaitingReconciliation", "object is awaiting reconciliation");
        }
        cx.patch_status(&pool, patch, conditions, "the pool's readiness");
        again
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Lab;
    use objects::{DocExt, Era, Kind, json};

    /// Source: karpenter pkg/controllers/nodepool/readiness/controller.go v1.14.1.
    #[test]
    fn a_pool_is_as_ready_as_its_class() {
        let mut lab = Lab::new(Era::V1);
        let why = |lab: &Lab| {
            let pool = lab.get(Kind::NodePool, "default").unwrap();
            pool.condition("NodeClassReady").map(|c| {
                [c.str_at("status"), c.str_at("reason"), c.str_at("message")].map(|w| w.unwrap_or_default().to_owned()).join(", ")
            })
        };
        let check = |lab: &mut Lab, want: &str| {
            lab.run(100);
            assert_eq!(why(lab).as_deref(), Some(want));
        };
        lab.create(json!({
            "apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": {"name": "default"},
            "spec": {"template": {"spec": {
                "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "default"},
                "requirements": [{"key": "kubernetes.io/arch", "operator": "In", "values": ["amd64"]}],
            }}},
        }));
        check(&mut lab, "False, NodeClassNotFound, NodeClass not found on cluster");
        lab.create(json!({
            "apiVersion": "karpenter.k8s.aws/v1", "kind": "EC2NodeClass",
            "metadata": {"name": "default", "finalizers": ["acme.com/held"]}, "spec": {},
        }));
        lab.delete(Kind::EC2NodeClass, "default");
        check(&mut lab, "False, NodeClassTerminating, NodeClass is Terminating");
        lab.patch(Kind::EC2NodeClass, "default", json!({"metadata": {"finalizers": []}}));
        check(&mut lab, "False, NodeClassNotFound, NodeClass not found on cluster");
    }
}
