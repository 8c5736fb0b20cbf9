//! Era B's drift methods: one drifted node per command, the empty ones first, then those that have been so longest, with
//! what their pods need made before; nodes of static pools one for one and without a simulation. No wait, no validation.
//! Source: kubernetes-sigs/karpenter pkg/controllers/disruption/{drift,staticdrift}.go v1.14.1.

use super::super::context::Cx;
use super::super::provisioning::ClaimPlan;
use super::super::{state::State, static_pools};
use super::order::{Method, Order};
use super::picture::{Picture, Subject};
use super::{Disruption, budgets};
use crate::scheduling::consolidation;
use objects::DocExt;
use objects::collections::{Order as _, VecMap};

impl Disruption {
    /// The commands of a pass: at most one of [`Method::Drift`], any number of [`Method::StaticDrift`].
    pub(super) fn drift(&mut self, method: Method, picture: &Picture, state: &State, cx: &mut Cx<'_, '_>) -> Vec<Order> {
        let is_static = |s: &Subject| s.pool.pool().is_some_and(|p| p.replicas.is_some());
        let chosen = |s: &&Subject| is_static(s) == (method == Method::StaticDrift) && s.claim.condition_is_true("Drifted");
        let mut drifted: Vec<Subject> = picture.subjects.iter().filter(chosen).cloned().collect();
        if drifted.is_empty() {
            return Vec::new();
        }
        let allowed = budgets::mapping(method.reason(), state, cx);
        if method == Method::StaticDrift {
            return self.one_for_one(drifted, &allowed, state, cx);
        }
        let since = |s: &Subject| {
            let condition = s.claim.condition("Drifted");
            condition.and_then(|c| c.str_at("lastTransitionTime")).and_then(objects::time::parse_rfc3339)
        };
        drifted.order_by_key(|s| (!s.pods.is_empty(), since(s), s.name().to_owned()));
        for subject in drifted {
            if allowed.get(&subject.pool.meta.name).copied().unwrap_or(0) == 0 {
                continue;
            }
            let plan = consolidation::simulate_as(&picture.cluster, &picture.candidates(std::slice::from_ref(&subject)), false);
            if let Some(words) = consolidation::unplaced(&picture.cluster, &plan.errors) {
                self.record.unplaced(&subject, &words, cx);
                continue;
            }
            return Order::replace(method, &subject, &plan, picture, cx).into_iter().collect();
        }
        Vec::new()
    }

    /// Static pools: as many as the budget and the room under `limits.nodes` allow, once a scale-down is over.
    fn one_for_one(&self, drifted: Vec<Subject>, allowed: &VecMap<String, i64>, state: &State, cx: &Cx<'_, '_>) -> Vec<Order> {
        let mut by_pool: VecMap<String, Vec<Subject>> = VecMap::new();
        for subject in drifted {
            by_pool.entry(subject.pool.meta.name.clone()).or_default().push(subject);
        }
        let mut orders = Vec::new();
        for (name, subjects) in by_pool {
            let Some(pool) = subjects.first().map(|s| s.pool.clone()) else { continue };
            let counts = static_pools::count(&name, state, &self.queue.claims(), cx);
            let replicas = pool.pool().and_then(|p| p.replicas).unwrap_or(0);
            if counts.active + counts.disrupting > replicas {
                continue;
            }
            let most = allowed.get(&name).copied().unwrap_or(0).min(counts.room(&pool)).max(0);
            for subject in subjects.iter().take(usize::try_from(most).unwrap_or(0)) {
                let mut order = Order::delete(Method::StaticDrift, std::slice::from_ref(subject), cx);
                order.replacements.push(ClaimPlan::of_pool(&pool, cx.names));
                orders.push(order);
            }
        }
        orders
    }
}
