//! The nodes that may be disrupted at one instant, and why the others may not. Sources: kubernetes-sigs/karpenter
//! pkg/controllers/deprovisioning/{types,helpers}.go v0.29.2 (words) and v0.31.4 (rules), pkg/controllers/disruption/
//! types.go and pkg/controllers/state/statenode.go v1.14.1.

use super::super::context::Cx;
use super::super::input;
use super::super::names::{CAPACITY_TYPE, DO_NOT_DISRUPT, INSTANCE_TYPE, ZONE};
use super::super::state::{State, node_of, pool_name};
use super::pods;
use super::record::Record;
use crate::scheduling::Cluster;
use crate::scheduling::consolidation::{Candidate, Weights, balanced};
use objects::collections::Order as _;
use objects::collections::VecSet;
use objects::{DocExt, Era, Object};
use std::sync::Arc;

/// A node that a method may remove.
#[derive(Clone, Debug)]
pub struct Subject {
    pub claim: Arc<Object>,
    pub node: Arc<Object>,
    pub pool: Arc<Object>,
    /// Costs and price; `None` (era B only) where the type or the price is unknown.
    pub candidate: Option<Candidate>,
    /// Pods that would move.
    pub pods: Vec<Arc<Object>>,
    /// Era B: pods keep the node from every graceful disruption; drift takes it, since its grace period ends sometime.
    pub held: bool,
}

impl Subject {
    pub fn name(&self) -> &str {
        &self.node.meta.name
    }

    pub fn label(&self, key: &str) -> &str {
        self.node.meta.labels.get(key).map_or("", String::as_str)
    }

    pub fn is_empty(&self) -> bool {
        match &self.candidate {
            // 1.14 calls a node empty whose pods cost nothing to move.
            Some(c) if self.node_is_v1() => c.reschedule_cost <= crate::scheduling::consolidation::candidate::ONE_POD,
            _ => self.pods.is_empty(),
        }
    }

    fn node_is_v1(&self) -> bool {
        self.claim.kind == objects::Kind::NodeClaim
    }
}

/// The cluster as the scheduler sees it, and the subjects in order of node name.
#[derive(Debug)]
pub struct Picture {
    pub cluster: Arc<Cluster>,
    pub subjects: Vec<Subject>,
    /// Balanced pools are weighed by the prices of the subjects alone, as long as nothing adds up the cluster's cost.
    pub is_alone: bool,
}

impl Picture {
    /// Reads the present. `busy` are claims that the queue of era B already works on.
    pub fn take(state: &mut State, busy: &VecSet<String>, record: &mut Record, cx: &mut Cx<'_, '_>) -> Picture {
        let cluster = input::cluster(cx.view, state);
        Picture::of(cluster, state, busy, record, cx)
    }

    /// The same with the cluster read already.
    pub fn of(cluster: Arc<Cluster>, state: &State, busy: &VecSet<String>, record: &mut Record, cx: &mut Cx<'_, '_>) -> Picture {
        let mut subjects = Vec::new();
        let weights = Weights::of(&cluster);
        let claims: Vec<Arc<Object>> = cx.view.store.list(cx.names.claim).cloned().collect();
        for claim in claims.into_iter().filter(|c| !busy.contains(&c.meta.name)) {
            let node = node_of(cx.view.store, &claim).cloned();
            let found = match cx.era() {
                Era::V1alpha5 => v1alpha5(&cluster, &weights, &claim, node.as_ref(), state, cx).map(|s| (s, None)),
                Era::V1 => v1(&weights, &claim, node.as_ref(), state, cx),
            };
            match found {
                Ok((subject, held)) => {
                    match held {
                        Some(words) => record.blocked(&claim, node.as_deref(), &words, cx),
                        None => record.clear(&claim.meta.name, "candidates"),
                    }
                    subjects.push(subject);
                }
                Err(Some(words)) => record.blocked(&claim, node.as_deref(), &words, cx),
                Err(None) => {}
            }
        }
        subjects.order_by(|a, b| a.name().cmp(b.name()));
        Picture { cluster, subjects, is_alone: false }
    }

    /// The subjects as the solver weighs them. Drift weighs nothing, so one without a type or a price counts too.
    pub fn candidates(&self, subjects: &[Subject]) -> Vec<Candidate> {
        let of = |s: &Subject| {
            let bare = || {
                Some(Candidate {
                    node: self.cluster.node_index(s.name())?,
                    name: s.name().to_owned(),
                    pool: s.pool.meta.name.clone(),
                    instance_type: usize::MAX,
                    capacity_type: String::new(),
                    zone: String::new(),
                    price_micro: 0,
                    pods: s.pods.len(),
                    cost: 0,
                    reschedule_cost: 0,
                })
            };
            s.candidate.clone().or_else(bare)
        };
        subjects.iter().filter_map(of).collect()
    }

    pub fn totals(&self) -> balanced::Totals {
        let priced: Vec<usize> = self.subjects.iter().filter_map(|s| s.candidate.as_ref()).map(|c| c.node).collect();
        balanced::totals(&self.cluster, self.is_alone.then_some(&priced))
    }

    pub fn named(&self, names: &[String]) -> Vec<Subject> {
        self.subjects.iter().filter(|s| names.iter().any(|n| n == s.name())).cloned().collect()
    }
}

/// The subject, or why not (`None`: not worth a word).
type Found = Result<Subject, Option<String>>;

fn v1alpha5(
    cluster: &Cluster,
    weights: &Weights<'_>,
    claim: &Arc<Object>,
    node: Option<&Arc<Object>>,
    state: &State,
    cx: &Cx<'_, '_>,
) -> Found {
    let node = node.ok_or(None)?;
    let label = |key: &str| node.meta.labels.get(key).filter(|v| !v.is_empty());
    for key in [CAPACITY_TYPE, ZONE] {
        if label(key).is_none() {
            return Err(Some(format!("required label {key:?} doesn't exist")));
        }
    }
    let pool_name = label(cx.names.pool_label).ok_or(None)?;
    let pool = cx.view.store.cluster(cx.names.pool, pool_name);
    let pool = pool.ok_or_else(|| Some(format!("owning provisioner {pool_name:?} not found")))?;
    let instance_type = label(INSTANCE_TYPE).map_or("", String::as_str);
    if cluster.types.named(instance_type).is_none() {
        return Err(Some(format!("instance type {instance_type:?} not found")));
    }
    if state.is_marked(claim, Some(node)) {
        return Err(Some("machine is marked for deletion".to_owned()));
    }
    if !claim.claim().is_some_and(|c| c.initialized) {
        return Err(Some("machine is not initialized".to_owned()));
    }
    if state.is_nominated(&claim.meta.name, cx.view.now) {
        return Err(Some("machine is nominated".to_owned()));
    }
    if node.meta.annotations.get(DO_NOT_DISRUPT).map(String::as_str) == Some("true") {
        return Err(Some(format!("disruption is blocked with the {DO_NOT_DISRUPT:?} annotation")));
    }
    let ttl = pool.pool().and_then(|p| p.expire_after_ms);
    let lifetime = ttl.map(|all| (all.saturating_sub(cx.view.unix_ms().saturating_sub(node.meta.created_ms)), all));
    subject(weights, claim, node, pool, lifetime, cx).ok_or(None).and_then(|s| {
        // A node without a price cannot be weighed; 0.29 fails on it.
        if s.candidate.is_none() { Err(None) } else { Ok(s) }
    })
}

fn v1(
    weights: &Weights<'_>,
    claim: &Arc<Object>,
    node: Option<&Arc<Object>>,
    state: &State,
    cx: &mut Cx<'_, '_>,
) -> Result<(Subject, Option<String>), Option<String>> {
    let said = |words: &str| Err(Some(words.to_owned()));
    let Some(node) = node else {
        return said("Nodeclaim does not have an associated node");
    };
    if !claim.claim().is_some_and(|c| c.initialized) {
        return said("Node isn't initialized");
    }
    if state.is_marked(claim, Some(node)) {
        return said("Node is deleting or marked for deletion");
    }
    if state.is_nominated(&claim.meta.name, cx.view.now) {
        return said("Node is nominated for a pending pod");
    }
    if node.meta.annotations.get(DO_NOT_DISRUPT).map(String::as_str) == Some("true") {
        return Err(Some(format!("Disruption is blocked through the {DO_NOT_DISRUPT:?} annotation")));
    }
    let name = pool_name(claim, cx.names);
    let Some(pool) = cx.view.store.cluster(cx.names.pool, name) else {
        return Err(Some(format!("NodePool not found (NodePool={name})")));
    };
    let held = pods::blocked_v1(node, cx);
    if held.is_some() && claim.doc.str_at("spec.terminationGracePeriod").is_none() {
        return Err(held);
    }
    let all = claim.doc.str_at("spec.expireAfter").and_then(objects::duration::parse_go_ms);
    let lifetime = all.map(|all| (all.saturating_sub(cx.view.unix_ms().saturating_sub(claim.meta.created_ms)), all));
    let mut subject = subject(weights, claim, node, pool, lifetime, cx).ok_or(None)?;
    subject.held = held.is_some();
    Ok((subject, held))
}

fn subject(
    weights: &Weights<'_>,
    claim: &Arc<Object>,
    node: &Arc<Object>,
    pool: &Arc<Object>,
    lifetime: Option<(i64, i64)>,
    cx: &Cx<'_, '_>,
) -> Option<Subject> {
    let index = weights.node(&node.meta.name)?;
    Some(Subject {
        claim: claim.clone(),
        node: node.clone(),
        pool: pool.clone(),
        candidate: weights.candidate(index, lifetime),
        pods: pods::movable(node, cx).cloned().collect(),
        held: false,
    })
}
