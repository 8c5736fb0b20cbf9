//! Static pools (1.14, gate `StaticCapacity`): a pool with `replicas` has that many nodes, whatever pods ask for. One
//! controller makes what is missing, one removes what is too much: claims without an instance first, then empty nodes,
//! then those that cost least to drain. Sources: kubernetes-sigs/karpenter pkg/controllers/static/{provisioning,
//! deprovisioning}/controller.go and pkg/controllers/state/statenodepool.go v1.14.1.

use super::context::Cx;
use super::disruption::pods;
use super::messages::{By, Say};
use super::provisioning::{self, ClaimPlan};
use super::state::{self, State, node_of, pool_name};
use super::{input, settings};
use crate::SimTime;
use crate::scheduling::consolidation::Weights;
use objects::collections::{Order as _, VecSet};
use objects::{Object, Resources};
use std::sync::Arc;

const RESYNC_MS: u64 = 1_000;
const PERIOD_MS: u64 = 60_000;
/// A pool at its limit is looked at sooner.
const LIMITED_MS: u64 = 30_000;

/// Claims of a pool by what becomes of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub active: i64,
    /// A command replaces them.
    pub disrupting: i64,
    pub deleting: i64,
}

impl Counts {
    /// How many more claims `limits.nodes` has room for.
    pub fn room(self, pool: &Object) -> i64 {
        let limit = pool.pool().and_then(|p| p.limits.as_ref()).and_then(|l: &Resources| l.0.get("nodes")).copied();
        limit.map_or(i64::MAX, |l| l - self.active - self.disrupting - self.deleting)
    }
}

/// `busy` are claims that a disruption command works on.
pub fn count(pool: &str, state: &State, busy: &VecSet<String>, cx: &Cx<'_, '_>) -> Counts {
    let mut counts = Counts::default();
    for claim in cx.view.store.list(cx.names.claim).filter(|c| pool_name(c, cx.names) == pool) {
        let slot = if claim.meta.is_deleting() {
            &mut counts.deleting
        } else if busy.contains(&claim.meta.name) {
            &mut counts.disrupting
        } else if state.is_marked(claim, node_of(cx.view.store, claim).map(|n| &**n)) {
            &mut counts.deleting
        } else {
            &mut counts.active
        };
        *slot += 1;
    }
    counts
}

/// Both controllers in turn; returns when to look again.
pub fn reconcile(name: &str, state: &mut State, busy: &VecSet<String>, cx: &mut Cx<'_, '_>) -> Option<SimTime> {
    let pool = cx.view.store.cluster(cx.names.pool, name)?.clone();
    let replicas = pool.pool()?.replicas?;
    if pool.meta.is_deleting() || !settings::gate(cx.view, "StaticCapacity") {
        return None;
    }
    let counts = count(name, state, busy, cx);
    let period = cx.view.now + PERIOD_MS;
    if counts.active > replicas {
        cx.speak_as(By::StaticDeprovisioning);
        deprovision(&pool, counts.active - replicas, counts.active, replicas, state, cx);
        return Some(period);
    }
    if !pool.condition_is_true("Ready") || counts.active + counts.disrupting >= replicas {
        return None;
    }
    // A process that has just started might count too few claims.
    state.has_synced |= state::synced(cx.view.store, cx.names);
    if !state.has_synced {
        return Some(cx.view.now + RESYNC_MS);
    }
    cx.speak_as(By::StaticProvisioning);
    let wanted = (replicas - counts.active).min(counts.room(&pool));
    if wanted <= 0 {
        cx.log(Say::NodeLimitReached { pool: name });
        return Some(cx.view.now + LIMITED_MS);
    }
    cx.log(Say::StaticProvisioning { pool: name, current: counts.active, desired: replicas, count: wanted });
    for _ in 0..wanted {
        provisioning::create(&ClaimPlan::of_pool(&pool, cx.names), false, state, cx)?;
    }
    Some(period)
}

fn deprovision(pool: &Object, many: i64, current: i64, desired: i64, state: &mut State, cx: &mut Cx<'_, '_>) {
    let name = &pool.meta.name;
    cx.log(Say::StaticDeprovisioning { pool: name, current, desired, count: many });
    let claims: Vec<Arc<Object>> = cx
        .view
        .store
        .list(cx.names.claim)
        .filter(|c| pool_name(c, cx.names) == *name && !c.meta.is_deleting())
        .cloned()
        .collect();
    let cluster = input::cluster(cx.view, state);
    let mut ranked: Vec<(u8, i128, String)> = Vec::new();
    let weights = Weights::of(&cluster);
    for claim in &claims {
        let launched = claim.claim().is_some_and(|c| !c.provider_id.is_empty());
        let node = node_of(cx.view.store, claim).cloned();
        if launched && state.is_marked(claim, node.as_deref()) {
            continue;
        }
        let Some(node) = node.filter(|_| launched) else {
            ranked.push((u8::from(launched), 0, claim.meta.name.clone()));
            continue;
        };
        let guarded = pods::has_protected(&node, cx);
        let daemons_only = cx.view.store.pods_on(&node.meta.name).all(|p| p.pod().is_some_and(|p| p.is_daemon()));
        let cost = weights.node(&node.meta.name).and_then(|i| weights.candidate(i, None)).map_or(0, |c| c.cost);
        let class = if daemons_only && !guarded { 1 } else { 2 + u8::from(guarded) };
        ranked.push((class, if class == 1 { 0 } else { cost }, claim.meta.name.clone()));
    }
    ranked.order();
    for (.., claim) in ranked.into_iter().take(usize::try_from(many).unwrap_or(0)) {
        cx.delete(objects::ObjectKey::cluster(cx.names.claim, &claim), "the static pool has more nodes than replicas");
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use crate::pricing::Market;
    use objects::{DocExt, Era, Kind, Value, json};

    const GATE: [(&str, &str); 1] = [("FEATURE_GATES", "StaticCapacity=true")];

    fn static_pool(replicas: i64, limit: Option<i64>) -> Value {
        let mut spec = json!({"replicas": replicas, "template": {"spec": {
            "requirements": [{"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["m5.large"]}],
            "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "default"}}}});
        if let Some(nodes) = limit {
            spec.set("limits", json!({"nodes": nodes}));
        }
        json!({"apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": {"name": "static"}, "spec": spec})
    }

    fn lab(gate: &[(&str, &str)], pool: Value) -> Lab {
        let mut lab = Lab::new(Era::V1);
        lab.market = Market::build("ap-northeast-2", Era::V1).unwrap();
        lab.settings(gate);
        lab.create(json!({"apiVersion": "karpenter.k8s.aws/v1", "kind": "EC2NodeClass", "metadata": {"name": "default"},
                          "spec": {"amiSelectorTerms": [{"alias": "al2023@latest"}], "role": "r"}}));
        lab.create(pool);
        lab.run(5_000);
        lab
    }

    fn claims(lab: &Lab) -> Vec<String> {
        lab.store.list(Kind::NodeClaim).filter(|c| !c.meta.is_deleting()).map(|c| c.meta.name.clone()).collect()
    }

    #[test]
    fn replicas_are_made_whatever_pods_ask_for() {
        for (gate, replicas, limit, want) in
            [(&GATE[..], 3, None, 3), (&[], 3, None, 0), (&GATE, 0, None, 0), (&GATE, 3, Some(2), 2), (&GATE, 3, Some(0), 0)]
        {
            let lab = lab(gate, static_pool(replicas, limit));
            assert_eq!(claims(&lab).len(), want, "{gate:?} {replicas} {limit:?}: {}", lab.log_text());
            let text = lab.log_text();
            let line = "\"message\":\"provisioning nodeclaims to satisfy replica count\"";
            assert_eq!(text.contains(line), want > 0, "{text}");
            assert_eq!(text.contains("nodepool node limit reached"), limit.is_some(), "{text}");
        }
        let lab = lab(&GATE, static_pool(1, None));
        let claim = lab.store.list(Kind::NodeClaim).next().unwrap().clone();
        assert!(claim.meta.name.starts_with("static-"));
        assert!(claim.doc.at("spec.resources").is_null(), "no pods are counted for it");
        assert!(claim.meta.annotations.contains_key("karpenter.sh/nodepool-hash"));
        assert!(lab.log_text().contains("\"current\":0,\"desired\":1,\"provision-count\":1}"), "{}", lab.log_text());
    }

    #[test]
    fn fewer_replicas_remove_unlaunched_claims_first() {
        let mut lab = lab(&GATE, static_pool(3, None));
        let kept = claims(&lab)[1].clone();
        let answer = json!({"status": {"instanceId": "i-0a1b2c3d4e5f60718", "instanceType": "m5.large", "zone": "ap-northeast-2a", "priceMicro": 1}});
        lab.patch(Kind::FleetRequest, &kept, answer);
        lab.run(2_000);
        lab.patch(Kind::NodePool, "static", json!({"spec": {"replicas": 1}}));
        lab.run(2_000);
        assert_eq!(claims(&lab), [kept]);
        assert!(lab.log_text().contains("\"current\":3,\"desired\":1,\"deprovision-count\":2}"), "{}", lab.log_text());
        // And one that goes is made again.
        let gone = claims(&lab)[0].clone();
        lab.delete(Kind::NodeClaim, &gone);
        lab.run(5_000);
        assert_eq!(claims(&lab).len(), 1);
        assert_ne!(claims(&lab)[0], gone);
    }

    #[test]
    fn fewer_replicas_spare_nodes_with_guarded_pods_longest() {
        let pool = |n: i64| {
            let mut spec = static_pool(n, None).at("spec").clone();
            spec.set("template.spec.requirements", json!([]));
            spec
        };
        let mut lab = Lab::one_node(Era::V1, &GATE, pool(1), json!({}));
        lab.create(pod("guard", NODE, json!({"metadata.annotations": {"karpenter.sh/do-not-disrupt": "true"}})));
        let mut other = launched(Era::V1);
        other.set("metadata.name", "default-other");
        other.set("status.providerID", "aws:///ap-northeast-2a/i-0b");
        lab.create(other);
        lab.run(2_000);
        assert_eq!(claims(&lab), ["default-7xk4p"], "the guarded node stays");
    }

    #[test]
    fn a_drifted_static_node_is_replaced_one_for_one() {
        let mut spec = static_pool(1, None).at("spec").clone();
        spec.set("template.spec.requirements", json!([]));
        spec.set("disruption", json!({"consolidateAfter": "0s", "budgets": [{"nodes": "100%"}]}));
        let mut lab = Lab::one_node(Era::V1, &GATE, spec, json!({}));
        assert!(!lab.claim().unwrap().condition_is_true("Consolidatable"), "static nodes are never consolidated");
        lab.patch(Kind::NodePool, "default", json!({"spec": {"template": {"metadata": {"labels": {"team": "b"}}}}}));
        lab.run(15_000);
        assert!(lab.log_text().contains("\"command\":\"Drifted/"), "{}", lab.log_text());
        assert_eq!(claims(&lab).len(), 2, "the old node waits for the new one: {}", lab.log_text());
    }
}
