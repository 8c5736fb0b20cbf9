//! Which of the nodes that fit is best, with the default weights, in integers.
//!
//! Source: kubernetes pkg/scheduler/framework/plugins/{noderesources,tainttoleration,nodeaffinity,podtopologyspread,
//! interpodaffinity}, v1.28. ImageLocality is left out: images below 23 MB score nothing, and nodes report no sizes here.

use super::cache::NodeInfo;
use super::shape::Shape;
use objects::Object;
use objects::typed::PodSpec;

const MAX: i64 = 100;
/// Fixed-point one of fractions.
const ONE: i64 = 1 << 30;

/// The scores that compare a node with no other: least allocated and balanced, weight 1 each. `scored` is the pod's
/// milli-CPU and bytes with defaults.
pub(super) fn base(node: &Object, info: &NodeInfo, spec: &PodSpec, scored: (i64, i64)) -> i64 {
    let (cpu, memory) = (info.requested.cpu() + spec.requests.cpu(), info.requested.memory() + spec.requests.memory());
    least_allocated(node, info.scored_cpu + scored.0, info.scored_memory + scored.1) + balanced(node, cpu, memory)
}

/// The score of each of the nodes at `feasible`, in their order.
pub(super) fn totals(shape: &Shape, feasible: &[usize]) -> Vec<i64> {
    let raw = |f: &dyn Fn(usize) -> i64| feasible.iter().map(|at| f(*at)).collect::<Vec<i64>>();
    let of = |at: usize, f: fn(&super::shape::Local) -> i64| shape.local(at).map_or(0, f);
    let mut totals = raw(&|at| of(at, |l| l.base));
    let mut add = |weight: i64, scores: Vec<i64>| {
        for (total, score) in totals.iter_mut().zip(scores) {
            *total += weight * score;
        }
    };
    add(3, inverse(raw(&|at| of(at, |l| l.disliked))));
    add(2, proportional(raw(&|at| of(at, |l| l.preferred))));
    add(2, spread(shape, feasible));
    let mut weights: Vec<Vec<i64>> = (0..shape.n_keys()).map(|key| vec![0; shape.n_domains(key)]).collect();
    let mut weighed = false;
    for (at, local) in shape.nodes() {
        for (key, weight) in &local.weights {
            if let Some(slot) = shape.domain(*key, at).and_then(|d| weights.get_mut(*key)?.get_mut(d)) {
                *slot += weight;
                weighed = true;
            }
        }
    }
    if weighed {
        let sum = |at: usize| {
            let of = |(key, sums): (usize, &Vec<i64>)| shape.domain(key, at).and_then(|d| sums.get(d)).copied();
            weights.iter().enumerate().filter_map(of).sum()
        };
        add(2, between(raw(&sum)));
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

pub(super) fn disliked_taints(node: &Object, spec: &PodSpec) -> i64 {
    let taints = node.node().map(|n| n.taints.as_slice()).unwrap_or_default();
    let prefer = |t: &&objects::typed::Taint| t.effect == "PreferNoSchedule";
    taints.iter().filter(prefer).filter(|t| !spec.tolerations.iter().any(|x| x.tolerates(t))).count() as i64
}

pub(super) fn preferred_terms(node: &Object, spec: &PodSpec) -> i64 {
    let hit = |t: &objects::typed::NodeSelectorTerm| t.expressions.iter().all(|e| e.matches(&node.meta.labels));
    spec.affinity.node_preferred.iter().filter(|(_, t)| hit(t)).map(|(w, _)| i64::from(*w)).sum()
}

fn spread(shape: &Shape, feasible: &[usize]) -> Vec<i64> {
    let scored = |at: usize| !shape.need_all || shape.has_keys(false, at);
    let n_scored = feasible.iter().filter(|at| scored(**at)).count();
    let mut raw: Vec<Option<i64>> = feasible.iter().map(|at| scored(*at).then_some(0)).collect();
    let mut any = false;
    for (i, c) in shape.constraints.iter().enumerate().filter(|(_, c)| !c.hard) {
        any = true;
        // Pods by domain, over the domains that feasible nodes are in; a hostname's domains are the nodes themselves.
        let mut sums: Vec<Option<i64>> = vec![None; shape.n_domains(c.key)];
        let mut domains = n_scored;
        if !c.is_hostname {
            domains = 0;
            for at in feasible {
                if let Some(slot) = shape.domain(c.key, *at).and_then(|d| sums.get_mut(d))
                    && slot.is_none()
                {
                    *slot = Some(0);
                    domains += 1;
                }
            }
            for (at, local) in shape.nodes().filter(|(at, l)| scored(*at) && shape.honours(c, l)) {
                if let Some(Some(sum)) = shape.domain(c.key, at).and_then(|d| sums.get_mut(d)) {
                    *sum += local.matching.get(i).copied().unwrap_or(0);
                }
            }
        }
        let weight = ln_fixed(domains as u64 + 2);
        for (slot, at) in raw.iter_mut().zip(feasible) {
            let Some((score, domain)) = slot.as_mut().zip(shape.domain(c.key, *at)) else { continue };
            let n = match c.is_hostname {
                true => shape.local(*at).and_then(|l| l.matching.get(i)).copied(),
                false => sums.get(domain).copied().flatten(),
            };
            *score += n.unwrap_or(0) * weight + (c.max_skew - 1) * ONE;
        }
    }
    if !any {
        return vec![0; feasible.len()];
    }
    for score in raw.iter_mut().flatten() {
        *score = (*score + ONE / 2) / ONE;
    }
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
