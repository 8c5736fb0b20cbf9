//! The fast solver against the reference, on random clusters.

use super::consolidation::decide;
use super::{random, solver};
use crate::scheduling::consolidation::{self, Candidate, Verdict};
use crate::scheduling::*;

/// Log lines about limits may be left out for equal pods that failed before.
fn shown(mut plan: Plan) -> Plan {
    plan.limited.sort();
    plan.limited.dedup();
    plan
}

fn same_plan(seed: u64, c: &Cluster, planner: &mut Planner<'_>, round: &Round) -> Plan {
    let (fast, slow) = (shown(planner.solve(round)), shown(solver::solve(c, round)));
    assert_eq!(fast, slow, "seed {seed}, {round:?}");
    fast
}

fn decision(c: &Cluster, verdict: &Verdict) -> String {
    match verdict {
        Verdict::Delete(_) => "delete".to_owned(),
        Verdict::Replace(plan, claim) => {
            let kind = claim.requirements.get(labels::CAPACITY_TYPE);
            let was = plan.claims[0].requirements.get(labels::CAPACITY_TYPE);
            let may = |r: Option<&std::sync::Arc<Requirement>>, kind: &str| r.is_none_or(|r| r.has(kind));
            let spot = may(kind, labels::SPOT) && !may(kind, labels::ON_DEMAND);
            let narrowed = may(was, labels::ON_DEMAND) != may(kind, labels::ON_DEMAND);
            let names: Vec<&str> = claim.types.iter().map(|t| &*c.types.get(*t).unwrap().name).collect();
            let kind = if spot && narrowed { "as spot" } else { "as it is" };
            format!("replace {kind} {}", names.join(" "))
        }
        Verdict::Keep(_) => "keep".to_owned(),
    }
}

/// Plans each cluster as it is, without each of its nodes, and without some of them.
fn check(seed: u64) {
    let c = random::cluster(seed);
    let mut dice = random::Dice::new(seed ^ 0xfeed);
    let mut planner = Planner::new(&c);
    same_plan(seed, &c, &mut planner, &Round::default());
    for n in 0..c.nodes.len() {
        let more = dice.roll(c.nodes.len());
        for without in [vec![n], vec![n, more]] {
            let without = without.into_iter().collect();
            same_plan(seed, &c, &mut planner, &Round { without, is_simulation: dice.one_in(2) });
        }
    }
    same_plan(seed, &c, &mut planner, &Round::default());
    let mut candidates: Vec<Candidate> = (0..c.nodes.len())
        .filter(|n| c.nodes[*n].claim.is_some() && !c.nodes[*n].deleting)
        .filter_map(|n| Candidate::new(&c, n, None))
        .collect();
    consolidation::sort(&c, &mut candidates);
    for n in 1..=candidates.len() {
        for some in [&candidates[..n], &candidates[n - 1..n]] {
            let (fast, slow) = (decision(&c, &consolidation::compute(&mut planner, some)), decide(&c, some));
            let slow = if slow.starts_with("keep") { "keep".to_owned() } else { slow };
            let spot_is_named = slow.replace("as spot", "as it is") == fast.replace("as spot", "as it is");
            assert!(fast == slow || (c.rules.spot_to_spot && spot_is_named), "seed {seed}: {fast} | {slow}");
        }
    }
}

#[test]
fn equals_the_reference_on_small_clusters() {
    (0..200).for_each(check);
}

/// The long suite: `cargo test -p nodewright-engine --release -- --ignored ten_thousand`.
#[test]
#[ignore = "takes a while"]
fn equals_the_reference_on_ten_thousand_small_clusters() {
    (1_000_000..1_010_000).for_each(check);
}
