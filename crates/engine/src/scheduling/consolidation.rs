//! What removing nodes would mean, and whether it pays: the decisions of consolidation as functions of a cluster.
//! Source: kubernetes-sigs/karpenter pkg/controllers/deprovisioning v0.29.2, v0.31.4 and pkg/controllers/disruption
//! v1.14.1.

pub mod balanced;
pub mod candidate;

use super::cluster::Cluster;
use super::labels;
use super::plan::{Plan, PlannedClaim};
use super::planner::{Planner, Round};
use super::requirements::Requirement;
use super::rules::Rules;
pub use candidate::{Candidate, Weights, in_turn, sort};
use objects::Era;
use objects::collections::{VecMap, VecSet};

/// Spot nodes replace a spot node only where at least so many types are cheaper, and keep the cheapest so many.
pub const MIN_SPOT_TYPES: usize = 15;

/// What consolidation would do with some candidates.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Their pods fit on other nodes.
    Delete(Plan),
    /// One cheaper node takes what does not fit elsewhere. The claim's types are those that are cheaper.
    Replace(Plan, Box<PlannedClaim>),
    /// Nothing, in Karpenter's words (which it publishes for single candidates only).
    Keep(String),
}

/// A verdict to act on.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    pub candidates: Vec<Candidate>,
    pub plan: Plan,
    pub replacement: Option<PlannedClaim>,
}

impl Command {
    /// Micro-dollars per hour of the candidates.
    pub fn price_before_micro(&self) -> i64 {
        self.candidates.iter().map(|c| c.price_micro).sum()
    }

    /// Cheapest price of the replacement; 0 where nodes are only deleted.
    pub fn price_after_micro(&self, cluster: &Cluster) -> i64 {
        let first = |c: &PlannedClaim| c.cheapest(&cluster.types, 1).first().map_or(0, |(_, price)| *price);
        self.replacement.as_ref().map_or(0, first)
    }
}

/// The plan without the candidates, with the errors of pods that would rely on a node that is not up.
pub fn simulate(cluster: &Cluster, candidates: &[Candidate]) -> Plan {
    simulate_as(cluster, candidates, true)
}

/// The same; drift does not consolidate, so it may move pods onto nodes that have not settled.
pub fn simulate_as(cluster: &Cluster, candidates: &[Candidate], consolidates: bool) -> Plan {
    simulate_in(&mut Planner::new(cluster), candidates, consolidates)
}

fn simulate_in(planner: &mut Planner<'_>, candidates: &[Candidate], consolidates: bool) -> Plan {
    let cluster = planner.cluster;
    let rules = &cluster.rules;
    let without = candidates.iter().map(|c| c.node).collect();
    let mut plan = planner.solve(&Round { without, is_simulation: consolidates });
    if rules.is_v1() {
        for claim in &mut plan.claims {
            claim.types.truncate(rules.max_instance_types);
        }
    }
    for (n, pods) in &plan.existing {
        let Some(node) = cluster.nodes.get(*n) else { continue };
        if node.initialized && (node.ready || !rules.needs_ready) {
            continue;
        }
        let leaves_anyway =
            |p: usize| cluster.pods.get(p).and_then(|p| p.node).and_then(|n| cluster.nodes.get(n)).is_some_and(|n| n.deleting);
        for pod in pods.iter().filter(|p| !rules.is_v1() || !leaves_anyway(**p)) {
            let words = match rules.era {
                Era::V1alpha5 => format!("would schedule against a non-initialized node {}", node.name),
                Era::V1 => {
                    let claim = node.claim.as_ref().map(|c| format!("nodeclaim/{c}"));
                    let own = node.has_node.then(|| format!("node/{}", node.name));
                    let both: Vec<String> = claim.into_iter().chain(own).collect();
                    format!("would schedule against uninitialized {}", both.join(", "))
                }
            };
            plan.errors.insert(*pod, words);
        }
    }
    plan
}

/// Whether the candidates can go, and what would replace them.
pub fn compute(planner: &mut Planner<'_>, candidates: &[Candidate]) -> Verdict {
    let cluster = planner.cluster;
    let rules = &cluster.rules;
    let mut plan = simulate_in(planner, candidates, true);
    if let Some(words) = unplaced(cluster, &plan.errors) {
        return Verdict::Keep(words);
    }
    let mut claim = match plan.claims.len() {
        0 => return Verdict::Delete(plan),
        1 => plan.claims.remove(0),
        n => return Verdict::Keep(sentence(rules, &format!("can't remove without creating {n} candidates"))),
    };
    plan.claims.push(claim.clone());
    let price: i64 = candidates.iter().map(|c| c.price_micro).sum();
    let only_spot = candidates.iter().all(|c| c.capacity_type == labels::SPOT);
    let may_be_spot = claim.requirements.allows(labels::CAPACITY_TYPE, labels::SPOT);
    if rules.is_v1() && only_spot && may_be_spot {
        return spot_to_spot(cluster, candidates.len(), plan, claim, price);
    }
    if let Err(words) = keep_cheaper(cluster, &mut claim, price) {
        return Verdict::Keep(words);
    }
    if only_spot && may_be_spot {
        return Verdict::Keep(sentence(rules, "can't replace a spot node with a spot node"));
    }
    if may_be_spot && claim.requirements.allows(labels::CAPACITY_TYPE, labels::ON_DEMAND) {
        // The price was judged as if spot would launch; on-demand in its place could be dearer.
        claim.requirements.add(Requirement::is_in(labels::CAPACITY_TYPE, [labels::SPOT]));
    }
    Verdict::Replace(plan, Box::new(claim))
}

/// Era v1's rule for spot nodes, which ends in churn unless there is much to choose from.
fn spot_to_spot(cluster: &Cluster, candidates: usize, plan: Plan, mut claim: PlannedClaim, price: i64) -> Verdict {
    let rules = &cluster.rules;
    if !rules.spot_to_spot {
        return Verdict::Keep("SpotToSpotConsolidation is disabled, can't replace a spot node with a spot node".to_owned());
    }
    claim.requirements.add(Requirement::is_in(labels::CAPACITY_TYPE, [labels::SPOT]));
    let requirements = claim.requirements.clone();
    let sold_as_spot = |i: &usize| cluster.types.get(*i).is_some_and(|t| t.compatible(&requirements).next().is_some());
    claim.types.retain(sold_as_spot);
    if let Err(words) = keep_cheaper(cluster, &mut claim, price) {
        return Verdict::Keep(words);
    }
    if candidates > 1 {
        return Verdict::Replace(plan, Box::new(claim));
    }
    if claim.types.len() < MIN_SPOT_TYPES {
        return Verdict::Keep(format!(
            "SpotToSpotConsolidation requires {MIN_SPOT_TYPES} cheaper instance type options than the current candidate to \
             consolidate, got {}",
            claim.types.len()
        ));
    }
    let needed = cluster.types.satisfies_min_values(&claim.types, &claim.requirements).unwrap_or(claim.types.len());
    claim.types.truncate(needed.max(MIN_SPOT_TYPES));
    Verdict::Replace(plan, Box::new(claim))
}

/// Keeps the types whose worst launch costs less than `price`.
fn keep_cheaper(cluster: &Cluster, claim: &mut PlannedClaim, price: i64) -> Result<(), String> {
    let rules = &cluster.rules;
    let requirements = &claim.requirements;
    claim.types.retain(|i| cluster.types.get(*i).is_some_and(|t| t.worst_launch_micro(requirements) < price));
    if rules.is_v1()
        && let Err(keys) = cluster.types.satisfies_min_values(&claim.types, requirements)
    {
        return Err(format!("Filtering by price: {}", super::type_table::min_values_text(&keys)));
    }
    if claim.types.is_empty() { Err(sentence(rules, "can't replace with a cheaper node")) } else { Ok(()) }
}

/// Versions before 0.30 begin these messages in lower case.
fn sentence(rules: &Rules, words: &str) -> String {
    if rules.pending_may_stay { words.replacen("can't", "Can't", 1) } else { words.to_owned() }
}

/// Why pods that have a place now would lose it; at most five are named.
pub fn unplaced(cluster: &Cluster, errors: &VecMap<usize, String>) -> Option<String> {
    let rules = &cluster.rules;
    let matters = |p: usize| cluster.pods.get(p).is_some_and(|p| !(rules.pending_may_stay && p.pending));
    let blocking: Vec<(String, &String)> =
        errors.iter().filter(|(p, _)| matters(**p)).filter_map(|(p, words)| Some((cluster.pods.get(*p)?.id(), words))).collect();
    if blocking.is_empty() {
        return None;
    }
    let first = if rules.is_v1() { "Not" } else { "not" };
    let mut message = format!("{first} all pods would schedule, ");
    for (id, words) in blocking.iter().take(5) {
        message.push_str(&format!("{id} => {words} "));
    }
    if blocking.len() >= 5 {
        message.push_str(&format!(" and {} other(s)", blocking.len() - 5));
    }
    Some(message)
}

/// The largest command over the first candidates that a binary search finds: at least two candidates, in their order.
/// `approves` is asked about each valid command (era v1's Balanced pools score them).
pub fn first_n(cluster: &Cluster, candidates: &[Candidate], approves: &dyn Fn(&Command) -> bool) -> Option<Command> {
    first_n_in(cluster, &mut None, candidates, approves)
}

/// As [`first_n`], with a planner of the same cluster, which is made where it is not there yet.
pub fn first_n_in<'a>(
    cluster: &'a Cluster,
    planner: &mut Option<Planner<'a>>,
    candidates: &[Candidate],
    approves: &dyn Fn(&Command) -> bool,
) -> Option<Command> {
    if candidates.len() < 2 {
        return None;
    }
    let planner = planner.get_or_insert_with(|| Planner::new(cluster));
    let (mut low, mut high) = (1, candidates.len() - 1);
    if candidates.len() > cluster.rules.max_candidates {
        high = cluster.rules.max_candidates;
    }
    let mut best = None;
    while low <= high {
        let mid = usize::midpoint(low, high);
        let chosen = candidates.get(..=mid).unwrap_or_default();
        let command = match compute(planner, chosen) {
            Verdict::Delete(plan) => Some(Command { candidates: chosen.to_vec(), plan, replacement: None }),
            Verdict::Replace(plan, mut claim) => {
                let left = drop_same_type(cluster, &mut claim, chosen);
                left.then(|| Command { candidates: chosen.to_vec(), plan, replacement: Some(*claim) })
            }
            Verdict::Keep(_) => None,
        };
        if let Some(command) = command.filter(approves) {
            best = Some(command);
            low = mid + 1;
        } else {
            high = mid - 1;
        }
    }
    best
}

/// The command for one candidate, or why it stays.
pub fn single(cluster: &Cluster, candidate: &Candidate) -> Result<Command, String> {
    single_in(&mut Planner::new(cluster), candidate)
}

/// As [`single`], for one candidate after the other of the same cluster.
pub fn single_in(planner: &mut Planner<'_>, candidate: &Candidate) -> Result<Command, String> {
    let candidates = vec![candidate.clone()];
    match compute(planner, &candidates) {
        Verdict::Delete(plan) => Ok(Command { candidates, plan, replacement: None }),
        Verdict::Replace(plan, claim) => Ok(Command { candidates, plan, replacement: Some(*claim) }),
        Verdict::Keep(words) => Err(words),
    }
}

/// Where one of the removed nodes is of a type that could come back, that node could simply have been kept: only what
/// is cheaper than the cheapest such node stays. Whether anything does.
pub fn drop_same_type(cluster: &Cluster, claim: &mut PlannedClaim, removed: &[Candidate]) -> bool {
    let mut cheapest: VecMap<usize, i64> = VecMap::new();
    for c in removed {
        let price = cheapest.entry(c.instance_type).or_insert(i64::MAX);
        *price = (*price).min(c.price_micro);
    }
    let most = claim.types.iter().filter_map(|i| cheapest.get(&cluster.types.plain(*i))).min().copied().unwrap_or(i64::MAX);
    keep_cheaper(cluster, claim, most).is_ok()
}

/// Whether a command still holds after its wait: the same number of new nodes, and for a replacement only types that
/// would be chosen again. `candidates` are the command's, read from the present cluster.
pub fn still_holds(cluster: &Cluster, candidates: &[Candidate], command: &Command) -> bool {
    let plan = simulate(cluster, candidates);
    if unplaced(cluster, &plan.errors).is_some() {
        return false;
    }
    match (plan.claims.as_slice(), &command.replacement) {
        ([], None) => true,
        ([now], Some(then)) => {
            let again: VecSet<usize> = now.types.iter().map(|t| cluster.types.plain(*t)).collect();
            then.types.iter().all(|t| again.contains(&cluster.types.plain(*t)))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
