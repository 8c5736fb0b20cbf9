//! Which of the nodes that fit is best, with the default weights, in integers.
//!
//! Source: kubernetes pkg/scheduler/framework/plugins/{noderesources,tainttoleration,nodeaffinity,podtopologyspread,
//! interpodaffinity}, v1.28. ImageLocality is left out: images below 23 MB score nothing, and nodes report no sizes here.

use super::affinity::preferences;
use super::cache::{Cache, NodeInfo, scored_requests};
use super::spread::soft;
use crate::View;
use objects::Object;
use objects::typed::PodSpec;

const MAX: i64 = 100;
/// Fixed-point one of fractions.
const ONE: i64 = 1 << 30;

/// The score of each of `nodes`, in their order.
pub(super) fn totals(pod: &Object, spec: &PodSpec, nodes: &[(&Object, &NodeInfo)], cache: &Cache, view: &View<'_>) -> Vec<i64> {
    let mut totals: Vec<i64> = vec![0; nodes.len()];
    let mut add = |weight: i64, scores: Vec<i64>| {
        for (total, score) in totals.iter_mut().zip(scores) {
            *total += weight * score;
        }
    };
    let (cpu, memory) = scored_requests(pod);
    add(1, nodes.iter().map(|(n, i)| least_allocated(n, i.scored_cpu + cpu, i.scored_memory + memory)).collect());
    add(
        1,
        nodes
            .iter()
            .map(|(n, i)| balanced(n, i.requested.cpu() + spec.requests.cpu(), i.requested.memory() + spec.requests.memory()))
            .collect(),
    );
    add(3, inverse(nodes.iter().map(|(n, _)| disliked_taints(n, spec)).collect()));
    add(2, proportional(nodes.iter().map(|(n, _)| preferred_terms(n, spec)).collect()));
    add(2, spread(pod, spec, nodes, cache, view));
    let sums = preferences(pod, spec, cache, view);
    if !sums.is_empty() {
        let raw = nodes
            .iter()
            .map(|(n, _)| sums.iter().filter(|((k, d), _)| n.meta.labels.get(k) == Some(d)).map(|(_, w)| w).sum::<i64>());
        add(2, between(raw.collect()));
    }
    totals
}

fn least_allocated(node: &Object, cpu: i64, memory: i64) -> i64 {
    let Some(allocatable) = node.node().map(|n| &n.allocatable) else {
        return 0;
    };
    let score = |used: i64, all: i64| if all == 0 || used > all { 0 } else { (all - used).saturating_mul(MAX) / all };
    (score(cpu, allocatable.cpu()) + score(memory, allocatable.memory())) / 2
}

/// A hundred less the deviation of the used fractions: for two resources half of their distance.
fn balanced(node: &Object, cpu: i64, memory: i64) -> i64 {
    let Some(allocatable) = node.node().map(|n| &n.allocatable) else {
        return 0;
    };
    let fraction = |used: i64, all: i64| {
        let f = if all == 0 { i128::from(ONE) } else { i128::from(used) * i128::from(ONE) / i128::from(all) };
        i64::try_from(f).unwrap_or(ONE).min(ONE)
    };
    let deviation = (fraction(cpu, allocatable.cpu()) - fraction(memory, allocatable.memory())).abs() / 2;
    (ONE - deviation) * MAX / ONE
}

fn disliked_taints(node: &Object, spec: &PodSpec) -> i64 {
    let taints = node.node().map(|n| n.taints.as_slice()).unwrap_or_default();
    let prefer = |t: &&objects::typed::Taint| t.effect == "PreferNoSchedule";
    taints.iter().filter(prefer).filter(|t| !spec.tolerations.iter().any(|x| x.tolerates(t))).count() as i64
}

fn preferred_terms(node: &Object, spec: &PodSpec) -> i64 {
    let hit = |t: &objects::typed::NodeSelectorTerm| t.expressions.iter().all(|e| e.matches(&node.meta.labels));
    spec.affinity.node_preferred.iter().filter(|(_, t)| hit(t)).map(|(w, _)| i64::from(*w)).sum()
}

fn spread(pod: &Object, spec: &PodSpec, nodes: &[(&Object, &NodeInfo)], cache: &Cache, view: &View<'_>) -> Vec<i64> {
    let feasible: Vec<&Object> = nodes.iter().map(|(n, _)| *n).collect();
    let (constraints, need_all) = soft(pod, spec, cache, &feasible, view);
    if constraints.is_empty() {
        return vec![0; nodes.len()];
    }
    let scored = |n: &Object| !need_all || constraints.iter().all(|c| n.meta.labels.contains_key(&c.constraint.topology_key));
    let n_scored = feasible.iter().filter(|n| scored(n)).count();
    let raw: Vec<Option<i64>> = nodes
        .iter()
        .map(|(node, _)| {
            if !scored(node) {
                return None;
            }
            let mut sum = 0;
            for c in &constraints {
                if let Some(n) = c.on(node) {
                    let domains = if c.is_hostname() { n_scored } else { c.counts.len() };
                    sum += n * ln_fixed(domains as u64 + 2) + (i64::from(c.constraint.max_skew) - 1) * ONE;
                }
            }
            Some((sum + ONE / 2) / ONE)
        })
        .collect();
    let (min, max) = (raw.iter().flatten().min().copied().unwrap_or(0), raw.iter().flatten().max().copied().unwrap_or(0));
    raw.into_iter()
        .map(|score| match score {
            None => 0,
            Some(_) if max == 0 => MAX,
            Some(s) => MAX * (max + min - s) / max,
        })
        .collect()
}

fn inverse(raw: Vec<i64>) -> Vec<i64> {
    let max = raw.iter().max().copied().unwrap_or(0);
    raw.into_iter().map(|s| if max == 0 { MAX } else { MAX - MAX * s / max }).collect()
}

fn proportional(raw: Vec<i64>) -> Vec<i64> {
    let max = raw.iter().max().copied().unwrap_or(0);
    raw.into_iter().map(|s| if max == 0 { 0 } else { MAX * s / max }).collect()
}

fn between(raw: Vec<i64>) -> Vec<i64> {
    let (min, max) = (raw.iter().min().copied().unwrap_or(0), raw.iter().max().copied().unwrap_or(0));
    raw.into_iter().map(|s| if max == min { 0 } else { MAX * (s - min) / (max - min) }).collect()
}

/// Natural logarithm of `n` in units of 2^-30, by squaring: the same on every platform.
fn ln_fixed(n: u64) -> i64 {
    const LN_2: i64 = 744_261_118;
    let n = n.max(1);
    let whole = i64::from(n.ilog2());
    // The mantissa in [1, 2) at 2^-30; each squaring yields one bit of the binary logarithm.
    let mut x = (u128::from(n) << 30) >> n.ilog2();
    let mut log2 = whole << 30;
    for bit in (0..30).rev() {
        x = (x * x) >> 30;
        if x >= 2 << 30 {
            x >>= 1;
            log2 += 1 << bit;
        }
    }
    i64::try_from((i128::from(log2) * i128::from(LN_2)) >> 30).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use objects::{Kind, json};

    #[test]
    fn logarithm() {
        for (n, micro) in [(1, 0), (3, 1_098_612), (4, 1_386_294), (7, 1_945_910), (102, 4_624_973)] {
            let got = ln_fixed(n) * 1_000_000 / ONE;
            assert!((got - micro).abs() <= 1, "ln {n} = {got}");
        }
    }

    #[test]
    fn resource_scores() {
        let node = Object::from_doc(Kind::Node, json!({"status": {"allocatable": {"cpu": "4", "memory": "8Gi"}}}));
        let gib = 1 << 30;
        for (cpu, memory, want) in
            [(2000, 4 * gib, (50, 100)), (1000, 0, (87, 87)), (4000, 0, (50, 50)), (5000, 8 * gib, (0, 100))]
        {
            assert_eq!((least_allocated(&node, cpu, memory), balanced(&node, cpu, memory)), want, "{cpu} {memory}");
        }
    }
}
