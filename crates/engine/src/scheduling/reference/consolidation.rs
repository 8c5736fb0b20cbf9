//! The reference's consolidation: every question is answered by planning anew without the candidates.

use super::solver::solve;
use crate::scheduling::consolidation::Candidate;
use crate::scheduling::planner::Round;
use crate::scheduling::*;
use objects::Era;

/// What is done with the candidates: `delete`, `replace` with the names of the types that may come, or `keep` with the
/// reason as far as it is not a pod's.
pub fn decide(c: &Cluster, gone: &[Candidate]) -> String {
    let without = gone.iter().map(|g| g.node).collect();
    let mut plan = solve(c, &Round { without, is_simulation: true });
    let is_up = |n: &NodeInput| n.initialized && (n.ready || c.rules.era == Era::V1);
    let stranded = |p: &usize| c.pods[*p].node.is_some_and(|n| c.nodes[n].deleting) && c.rules.era == Era::V1;
    // Pods that wait anyway may go on waiting.
    let may_wait = |p: &usize| c.pods[*p].pending || stranded(p);
    let relies = plan.existing.iter().any(|(n, pods)| !is_up(&c.nodes[*n]) && !pods.iter().all(may_wait));
    if relies || plan.errors.keys().any(|p| !c.pods[*p].pending) {
        return "keep: pods".to_owned();
    }
    if plan.claims.len() > 1 {
        return format!("keep: {} claims", plan.claims.len());
    }
    let Some(mut claim) = plan.claims.pop() else { return "delete".to_owned() };
    let may_be = |kind: &str| claim.requirements.allows(labels::CAPACITY_TYPE, kind);
    let (spot, on_demand) = (may_be(labels::SPOT), may_be(labels::ON_DEMAND));
    let only_spot = gone.iter().all(|g| g.capacity_type == labels::SPOT);
    let to_spot = c.rules.era == Era::V1 && only_spot && spot;
    if to_spot {
        if !c.rules.spot_to_spot {
            return "keep: spot".to_owned();
        }
        claim.requirements.add(Requirement::is_in(labels::CAPACITY_TYPE, [labels::SPOT]));
    }
    let price: i64 = gone.iter().map(|g| g.price_micro).sum();
    let before = claim.types.len();
    claim.types.truncate(c.rules.max_instance_types);
    assert_eq!(claim.types.len(), before);
    claim.types.retain(|t| c.types.get(*t).unwrap().worst_launch_micro(&claim.requirements) < price);
    let lacks = c.rules.era == Era::V1 && c.types.satisfies_min_values(&claim.types, &claim.requirements).is_err();
    if claim.types.is_empty() || lacks {
        return "keep: price".to_owned();
    }
    if to_spot && gone.len() == 1 && claim.types.len() < 15 {
        return "keep: few".to_owned();
    }
    if only_spot && spot && !to_spot {
        return "keep: spot".to_owned();
    }
    let names: Vec<&str> = claim.types.iter().map(|t| &*c.types.get(*t).unwrap().name).collect();
    let kind = if spot && (on_demand || to_spot) { "as spot" } else { "as it is" };
    format!("replace {kind} {}", names.join(" "))
}
