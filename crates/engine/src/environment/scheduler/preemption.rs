//! Making room for a pod by deleting pods of lower priority on one node.
//!
//! Source: kubernetes pkg/scheduler/framework/preemption/preemption.go and plugins/defaultpreemption, v1.28.

use super::cache::{Cache, Name};
use super::filters::{Candidate, Refusal};
use super::messages::{Histogram, Preemption};
use crate::View;
use crate::environment::budgets::covers;
use objects::collections::Order as _;
use objects::collections::VecMap;
use objects::{DocExt, Kind, Object};
use std::cmp::Reverse;
use std::sync::Arc;

/// At least this many candidates, or a tenth of the nodes, are compared.
const MIN_CANDIDATES: usize = 100;

pub(super) struct Plan {
    pub node: String,
    pub victims: Vec<Arc<Object>>,
}

/// The node to preempt on, or why there is none. `refusals` are the filters' answers by node.
pub(super) fn plan(
    candidate: &Candidate<'_>,
    cache: &Cache,
    refusals: &VecMap<String, Refusal>,
    view: &View<'_>,
) -> Result<Plan, Preemption> {
    let pod = candidate.pod;
    if pod.doc.str_at("spec.preemptionPolicy") == Some("Never") {
        return Err(Preemption::Said("not eligible due to preemptionPolicy=Never.".to_owned()));
    }
    let priority = candidate.spec.priority;
    let nominated = pod.pod().map(|p| p.nominated_node.as_str()).unwrap_or_default();
    if let Some(info) = cache.nodes.get(nominated) {
        let leaving = |p: &&Arc<Object>| p.meta.is_deleting() && p.pod().is_some_and(|x| x.spec.priority < priority);
        if info.pods.values().any(|p| leaving(&p)) {
            return Err(Preemption::Said("not eligible due to a terminating pod on the nominated node.".to_owned()));
        }
    }
    let mut histogram = Histogram::new();
    let mut say = |reason: &str| *histogram.entry(reason.to_owned()).or_insert(0) += 1;
    let limit = MIN_CANDIDATES.max(cache.nodes.len() / 10);
    let mut plans: Vec<(Plan, Rank)> = Vec::new();
    let mut trial: Option<Cache> = None;
    for (node, info) in cache.existing() {
        let refusal = refusals.get(&node.meta.name);
        if refusal.is_some_and(|r| r.unresolvable) || candidate.pinned().is_some_and(|n| n != node.meta.name) {
            say("Preemption is not helpful for scheduling");
            continue;
        }
        let mut lower: Vec<Arc<Object>> =
            info.pods.values().filter(|p| p.pod().is_some_and(|p| p.spec.priority < priority)).cloned().collect();
        if lower.is_empty() {
            say("No preemption victims found for incoming pod");
            continue;
        }
        if plans.len() >= limit {
            continue;
        }
        // More important first, then those that run longest: they are spared first.
        lower.order_by_key(|p| {
            (
                Reverse(p.pod().map_or(0, |p| p.spec.priority)),
                p.doc.str_at("status.startTime").map(str::to_owned),
                p.meta.name.clone(),
            )
        });
        let trial = trial.get_or_insert_with(|| cache.clone());
        match victims(candidate, trial, node, lower, view) {
            Ok((victims, rank)) => plans.push((Plan { node: node.meta.name.clone(), victims }, rank)),
            Err(reasons) => reasons.iter().for_each(|r| say(r)),
        }
    }
    // The first of equals by node name; the real scheduler takes any.
    plans.into_iter().min_by(|a, b| a.1.cmp(&b.1)).map(|(plan, _)| plan).ok_or(Preemption::Nodes(histogram))
}

/// Fewer broken budgets, less important victims, fewer of them, shorter lives.
type Rank = (usize, i32, i64, usize, Reverse<String>);

fn victims(
    candidate: &Candidate<'_>,
    trial: &mut Cache,
    node: &Arc<Object>,
    lower: Vec<Arc<Object>>,
    view: &View<'_>,
) -> Result<(Vec<Arc<Object>>, Rank), Vec<String>> {
    for pod in &lower {
        trial.forget(pod);
    }
    let refusal = fits(candidate, trial, node, view);
    if let Some(refusal) = refusal {
        for pod in &lower {
            trial.learn(pod);
        }
        return Err(refusal.reasons);
    }
    let mut left: VecMap<Name, i64> = VecMap::new();
    for budget in view.store.list(Kind::PodDisruptionBudget) {
        let allowed = budget.pdb().map_or(0, |b| b.disruptions_allowed);
        left.insert((budget.meta.namespace.clone(), budget.meta.name.clone()), allowed);
    }
    let breaks = |pod: &Object, left: &mut VecMap<Name, i64>| {
        let mut broken = false;
        for budget in view.store.list(Kind::PodDisruptionBudget).filter(|b| covers(b, pod)) {
            if let Some(n) = left.get_mut(&(budget.meta.namespace.clone(), budget.meta.name.clone())) {
                *n -= 1;
                broken |= *n < 0;
            }
        }
        broken
    };
    let (breaking, harmless): (Vec<_>, Vec<_>) = lower.iter().cloned().partition(|p| breaks(p, &mut left));
    let n_breaking = breaking.len();
    let mut taken: Vec<Arc<Object>> = Vec::new();
    let mut n_broken = 0;
    for (i, pod) in breaking.into_iter().chain(harmless).enumerate() {
        trial.learn(&pod);
        if fits(candidate, trial, node, view).is_some() {
            trial.forget(&pod);
            n_broken += usize::from(i < n_breaking);
            taken.push(pod);
        }
    }
    for pod in &taken {
        trial.learn(pod);
    }
    let priority = |p: &Arc<Object>| p.pod().map_or(0, |p| p.spec.priority);
    let highest = taken.iter().map(priority).max().unwrap_or(i32::MIN);
    // Shifted to be positive, so that more victims never sum up to less.
    let sum = taken.iter().map(|p| i64::from(priority(p)) + i64::from(i32::MAX) + 1).sum();
    let earliest = taken.iter().filter(|p| priority(p) == highest).filter_map(|p| p.doc.str_at("status.startTime")).min();
    let rank = (n_broken, highest, sum, taken.len(), Reverse(earliest.unwrap_or_default().to_owned()));
    Ok((taken, rank))
}

fn fits(candidate: &Candidate<'_>, trial: &Cache, node: &Arc<Object>, view: &View<'_>) -> Option<Refusal> {
    let again = Candidate::prepare(candidate.pod, candidate.spec, trial, view);
    let empty = super::cache::NodeInfo::default();
    again.refuse(node, trial.nodes.get(&node.meta.name).unwrap_or(&empty))
}
