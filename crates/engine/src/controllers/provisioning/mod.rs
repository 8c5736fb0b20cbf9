//! Provisioning: pods that the scheduler could not place trigger a batch; when its window closes, one round plans where
//! they go, and claims are created for what is missing. Sources: kubernetes-sigs/karpenter pkg/controllers/provisioning/
//! {controller,provisioner}.go and scheduling/{scheduler,events}.go v0.29.2, v1.14.1.

mod batch;
mod claim;

pub use batch::Batch;
pub use claim::{ClaimPlan, limit_exceeded};

use super::context::{Cx, DEDUPE_UNSCHEDULABLE_MS};
use super::input::{self, Kept};
use super::messages::{By, Say};
use super::names::DISRUPTED;
use super::state::{self, State};
use crate::actor::Action;
use crate::decisions::What;
use crate::scheduling::{self, Cluster, Plan, Round};
use crate::store::Change;
use objects::collections::VecSet;
use objects::{Era, Kind, Object, ObjectKey};
use std::sync::Arc;

/// A pod that stays pending triggers again after this.
pub const RETRIGGER_MS: u64 = 10_000;

/// What provisioning remembers beside the batch.
#[derive(Clone, Debug, Default)]
pub struct Provisioning {
    /// Pods (uid, matter) that a line about consolidation was written for.
    warned: VecSet<(String, &'static str)>,
    /// The last plan, and of which cluster. Pods that cannot be placed are tried again and again.
    last: Kept<(Arc<Cluster>, Arc<Plan>)>,
}

/// Whether Karpenter may make a node for the pod: the scheduler tried and failed, and no one else will place it.
pub fn is_provisionable(pod: &Object) -> bool {
    pod.pod().is_some_and(|p| !p.is_bound() && p.nominated_node.is_empty() && p.unschedulable && !p.is_daemon() && !p.is_static())
        && !pod.meta.is_deleting()
}

/// 1.14: nodes about to be disrupted trigger too, so that their pods find room.
pub fn node_triggers(change: &Change, era: Era) -> bool {
    let tainted = |o: &Object| o.node().is_some_and(|n| n.taints.iter().any(|t| t.key == DISRUPTED));
    era == Era::V1 && tainted(&change.object) && !change.old.as_deref().is_some_and(tainted)
}

impl Provisioning {
    /// The round at the end of a window.
    pub fn round(&mut self, state: &mut State, cx: &mut Cx<'_, '_>) {
        cx.speak_as(By::Provisioner);
        if !state::synced(cx.view.store, cx.names) {
            return cx.log(Say::WaitingOnSync);
        }
        let cluster = input::cluster(cx.view, state);
        for (pod, error) in &cluster.ignored {
            let id = cluster.pods.get(*pod).map(|p| p.id()).unwrap_or_default();
            cx.log(Say::IgnoringPod { pod: &id, error });
        }
        let pods = cluster.pods_to_place(&VecSet::new());
        if pods.is_empty() {
            return;
        }
        self.warn(&cluster, &pods, cx);
        for pool in unready(cx) {
            cx.log(Say::PoolNotReady { pool: &pool });
        }
        if cluster.pools.iter().all(|p| p.closed) {
            return cx.log(Say::NoPools);
        }
        let plan = self.plan(&cluster);
        record(&cluster, &pods, &plan, state, cx);
        for planned in &plan.claims {
            match ClaimPlan::of(planned, &cluster) {
                Ok(plan) => {
                    create(&plan, true, state, cx);
                }
                Err(error) => cx.log(Say::CannotCreate { error: &error }),
            }
        }
    }

    fn plan(&mut self, cluster: &Arc<Cluster>) -> Arc<Plan> {
        if let Some((_, plan)) = self.last.0.as_ref().filter(|(of, _)| Arc::ptr_eq(of, cluster)) {
            return plan.clone();
        }
        let plan = Arc::new(scheduling::solve(cluster, &Round::default()));
        self.last = Kept(Some((cluster.clone(), plan.clone())));
        plan
    }

    /// Preferences that tend to keep consolidation from working are remarked on, once per pod.
    fn warn(&mut self, cluster: &Cluster, pods: &[usize], cx: &mut Cx<'_, '_>) {
        let mut affected = |matter: &'static str, applies: &dyn Fn(&objects::typed::PodSpec) -> bool| -> Vec<String> {
            let pending = pods.iter().filter_map(|p| cluster.pods.get(*p)).filter(|p| p.pending && applies(&p.spec));
            pending.filter(|p| self.warned.insert((p.uid.clone(), matter))).map(|p| p.id()).collect()
        };
        let anti = affected("anti-affinity", &|s| !s.affinity.anti_preferred.is_empty());
        let spread = affected("spread", &|s| s.spread.iter().any(|c| !c.do_not_schedule));
        // 0.29 writes a line per pod, 1.14 one for all.
        let chunk = if cx.era() == Era::V1alpha5 { 1 } else { usize::MAX };
        for pods in anti.chunks(chunk) {
            cx.log(Say::PreferredAntiAffinity { pods });
        }
        for pods in spread.chunks(chunk) {
            cx.log(Say::PreferredSpread { pods });
        }
    }
}

/// 1.14: pools that are there but cannot be used.
fn unready(cx: &Cx<'_, '_>) -> Vec<String> {
    let unready =
        |p: &&std::sync::Arc<Object>| p.kind == Kind::NodePool && !p.meta.is_deleting() && !p.condition_is_true("Ready");
    cx.view.store.list(cx.names.pool).filter(unready).map(|p| p.meta.name.clone()).collect()
}

/// Logs, events, nominations and decisions about a round.
fn record(cluster: &Cluster, pods: &[usize], plan: &Plan, state: &mut State, cx: &mut Cx<'_, '_>) {
    let id = |p: usize| cluster.pods.get(p).map(|p| p.id()).unwrap_or_default();
    for (pool, excluded, of) in &plan.limited {
        cx.log(Say::LimitsExclude { pool, excluded: *excluded, of: *of });
    }
    for (pod, text) in &plan.relaxations {
        cx.log(Say::Relaxed { pod: &id(*pod), text });
    }
    for (pod, error) in &plan.errors {
        cx.log(Say::CannotSchedule { pod: &id(*pod), error });
        if let Some(key) = pod_key(cluster, *pod) {
            let message = format!("Failed to schedule pod, {error}");
            cx.event_with(key.clone(), true, "FailedScheduling", message, DEDUPE_UNSCHEDULABLE_MS);
            cx.decide(key, What::Unschedulable { message: error.clone() });
        }
    }
    nominate(cluster, plan, state, cx);
    let placed: usize = plan.claims.iter().map(|c| c.pods.len()).sum();
    if placed == 0 {
        return;
    }
    let found: Vec<String> = pods.iter().map(|p| id(*p)).collect();
    let duration_us = cx.view.stream("round", &cx.view.now.to_string()).between(1_200, 9_800);
    cx.log(Say::FoundPods { pods: &found, duration_us });
    cx.log(Say::ComputedNew { claims: plan.claims.len(), pods: placed });
    let unready: usize = plan.existing.iter().map(|(_, pods)| pods.len()).sum();
    if unready > 0 {
        cx.log(Say::ComputedUnready { nodes: plan.existing.len(), pods: unready });
    }
}

/// Marks the existing nodes that pods were planned onto, and tells the pods.
pub fn nominate(cluster: &Cluster, plan: &Plan, state: &mut State, cx: &mut Cx<'_, '_>) {
    for (node, pods) in &plan.existing {
        let Some(node) = cluster.nodes.get(*node) else {
            continue;
        };
        state.nominate(node.claim.as_ref().unwrap_or(&node.name), cx.view);
        let claim = node.claim.as_ref().map(|c| format!("{}/{c}", cx.names.claim.name().to_lowercase()));
        let own = node.has_node.then(|| format!("node/{}", node.name));
        let target = claim.into_iter().chain(own).collect::<Vec<_>>().join(", ");
        for key in pods.iter().filter_map(|p| pod_key(cluster, *p)) {
            state.plan(key.to_string(), node.claim.as_ref().unwrap_or(&node.name));
            cx.event(key, "Nominated", format!("Pod should schedule on: {target}"));
        }
    }
}

fn pod_key(cluster: &Cluster, pod: usize) -> Option<ObjectKey> {
    cluster.pods.get(pod).map(|p| ObjectKey::new(Kind::Pod, &p.namespace, &p.name))
}

/// Creates the claim; `None` where the pool is gone or at its limit. Pods are told where they are `nominated`.
pub fn create(plan: &ClaimPlan, nominated: bool, state: &mut State, cx: &mut Cx<'_, '_>) -> Option<String> {
    let pool = cx.view.store.cluster(cx.names.pool, &plan.pool).cloned();
    let Some(pool) = pool else {
        let kind = cx.names.pool.resource();
        cx.log(Say::CannotCreate { error: &format!("getting current resource usage, {kind} {:?} not found", plan.pool) });
        return None;
    };
    if let Some(error) = limit_exceeded(&pool) {
        cx.log(Say::CannotCreate { error: &error });
        return None;
    }
    let (name, doc) = plan.document(&pool, state, cx);
    let key = ObjectKey::cluster(cx.names.claim, &name);
    cx.push(Action::Create(doc), "pods need room");
    cx.log(Say::CreatedClaim { pool: &plan.pool, claim: &name, requests: &plan.requests, types: &plan.sorted_types() });
    // Only what has a provider id can be nominated, so that a claim is not at the moment it is made: 0.29 asks for it in vain
    // (pkg/controllers/provisioning/provisioner.go and state/cluster.go NominateNodeForPod), 1.14 does not ask.
    if nominated {
        let kind = cx.names.claim.name().to_lowercase();
        for pod in &plan.pods {
            state.plan(pod.clone(), &name);
            let (namespace, pod) = pod.split_once('/').unwrap_or(("", pod));
            let message = format!("Pod should schedule on: {kind}/{name}");
            cx.event(ObjectKey::new(Kind::Pod, namespace, pod), "Nominated", message);
        }
    }
    cx.decide(
        key,
        What::Launch {
            pool: plan.pool.clone(),
            pods: plan.pods.clone(),
            funnel: plan.funnel.clone(),
            cheapest: plan.cheapest.clone(),
            cpu_milli: plan.requests.cpu(),
            daemon_cpu_milli: plan.daemon_requests.cpu(),
        },
    );
    Some(name)
}
