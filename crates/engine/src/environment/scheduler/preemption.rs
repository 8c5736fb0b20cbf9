//! Making room for a pod by deleting pods of lower priority on one node.
//!
//! Source: kubernetes pkg/scheduler/framework/preemption/preemption.go and plugins/defaultpreemption, v1.28.

use super::cache::{Name, NodeInfo};
use super::messages::{Histogram, Preemption};
use super::shape::Shape;
use crate::View;
use crate::environment::budgets::covers;
use objects::collections::Order as _;
use objects::collections::VecMap;
use objects::typed::PodSpec;
use objects::{DocExt, Kind, Object};
use std::cmp::Reverse;
use std::sync::Arc;

/// At least this many candidates, or a tenth of the nodes, are compared.
const MIN_CANDIDATES: usize = 100;

pub(super) struct Plan {
    pub node: String,
    pub victims: Vec<Arc<Object>>,
}

/// A pod that found no node, and what is known of the nodes.
pub(super) struct Attempt<'a> {
    pub pod: &'a Object,
    pub spec: &'a PodSpec,
    pub shape: &'a Shape,
    pub nodes: &'a [&'a NodeInfo],
    /// By position: no preemption can help there.
    pub hopeless: &'a [bool],
    pub volumes: &'a super::volumes::Need,
}

/// The node to preempt on, or why there is none.
pub(super) fn plan(attempt: &Attempt<'_>, view: &View<'_>) -> Result<Plan, Preemption> {
    let pod = attempt.pod;
    if pod.doc.str_at("spec.preemptionPolicy") == Some("Never") {
        return Err(Preemption::Said("not eligible due to preemptionPolicy=Never.".to_owned()));
    }
    let priority = attempt.spec.priority;
    let existing = || attempt.nodes.iter().enumerate().filter_map(|(at, info)| Some((at, info.object.as_ref()?, *info)));
    let nominated = pod.pod().map(|p| p.nominated_node.as_str()).unwrap_or_default();
    if let Some((_, _, info)) = existing().find(|(_, node, _)| node.meta.name == nominated) {
        let leaving = |p: &&Arc<Object>| p.meta.is_deleting() && p.pod().is_some_and(|x| x.spec.priority < priority);
        if info.pods.values().any(|p| leaving(&p)) {
            return Err(Preemption::Said("not eligible due to a terminating pod on the nominated node.".to_owned()));
        }
    }
    let mut histogram: VecMap<&str, usize> = VecMap::new();
    let limit = MIN_CANDIDATES.max(attempt.nodes.len() / 10);
    let mut plans: Vec<(Plan, Rank)> = Vec::new();
    let mut failed = Histogram::new();
    for (at, node, info) in existing() {
        if attempt.hopeless.get(at).copied().unwrap_or(true) {
            *histogram.entry("Preemption is not helpful for scheduling").or_insert(0) += 1;
            continue;
        }
        let mut lower: Vec<Arc<Object>> =
            info.pods.values().filter(|p| p.pod().is_some_and(|p| p.spec.priority < priority)).cloned().collect();
        if lower.is_empty() {
            *histogram.entry("No preemption victims found for incoming pod").or_insert(0) += 1;
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
        match victims(attempt, at, node, info, lower, view) {
            Ok((victims, rank)) => plans.push((Plan { node: node.meta.name.clone(), victims }, rank)),
            Err(reasons) => reasons.into_iter().for_each(|r| *failed.entry(r).or_insert(0) += 1),
        }
    }
    failed.extend(histogram.iter().map(|(reason, n)| ((*reason).to_owned(), *n)));
    // The first of equals by node name; the real scheduler takes any.
    plans.into_iter().min_by(|a, b| a.1.cmp(&b.1)).map(|(plan, _)| plan).ok_or(Preemption::Nodes(failed))
}

/// Fewer broken budgets, less important victims, fewer of them, shorter lives.
type Rank = (usize, i32, i64, usize, Reverse<String>);

fn victims(
    attempt: &Attempt<'_>,
    at: usize,
    node: &Object,
    info: &NodeInfo,
    lower: Vec<Arc<Object>>,
    view: &View<'_>,
) -> Result<(Vec<Arc<Object>>, Rank), Vec<String>> {
    let fits = |info: &NodeInfo| {
        let local = attempt.shape.imagine(info, view, &mut Vec::new());
        let totals = attempt.shape.totals(Some((at, &local)));
        let verdict = attempt.shape.refuse(at, &local, &totals, attempt.volumes.refuse(node));
        verdict.map_or(Ok(()), |v| Err(v.reasons().into_iter().map(str::to_owned).collect::<Vec<_>>()))
    };
    let name = |p: &Object| (p.meta.namespace.clone(), p.meta.name.clone());
    let mut trial = info.clone();
    for pod in &lower {
        trial.remove(&name(pod));
    }
    fits(&trial)?;
    let mut left: VecMap<Name, i64> = VecMap::new();
    for budget in view.store.list(Kind::PodDisruptionBudget) {
        left.insert(name(budget), budget.pdb().map_or(0, |b| b.disruptions_allowed));
    }
    let breaks = |pod: &Object, left: &mut VecMap<Name, i64>| {
        let mut broken = false;
        for budget in view.store.list(Kind::PodDisruptionBudget).filter(|b| covers(b, pod)) {
            if let Some(n) = left.get_mut(&name(budget)) {
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
        trial.add(&pod);
        if fits(&trial).is_err() {
            trial.remove(&name(&pod));
            n_broken += usize::from(i < n_breaking);
            taken.push(pod);
        }
    }
    let priority = |p: &Arc<Object>| p.pod().map_or(0, |p| p.spec.priority);
    let highest = taken.iter().map(priority).max().unwrap_or(i32::MIN);
    // Shifted to be positive, so that more victims never sum up to less.
    let sum = taken.iter().map(|p| i64::from(priority(p)) + i64::from(i32::MAX) + 1).sum();
    let earliest = taken.iter().filter(|p| priority(p) == highest).filter_map(|p| p.doc.str_at("status.startTime")).min();
    let rank = (n_broken, highest, sum, taken.len(), Reverse(earliest.unwrap_or_default().to_owned()));
    Ok((taken, rank))
}
