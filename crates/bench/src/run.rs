//! The runs that are measured.

use engine::scheduling::consolidation::{self, Candidate, Weights};
use engine::scheduling::{Cluster, Planner, Round, solve};
use objects::collections::VecSet;
use objects::{Value, json};

/// How consolidation looks for a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Every candidate by itself, until one can go.
    Single,
    /// The largest number of candidates at once that a binary search finds.
    Multi,
}

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub pods: usize,
    /// Nodes planned, or nodes of the cluster that was scanned.
    pub nodes: usize,
    /// Pods without a place.
    pub errors: usize,
    /// Consolidation only: candidates tried and the command found.
    pub scan: Option<(usize, String)>,
}

impl Outcome {
    pub fn json(&self) -> Value {
        let mut v = json!({"pods": self.pods, "nodes": self.nodes, "errors": self.errors});
        if let (Some((tried, command)), Some(map)) = (&self.scan, v.as_object_mut()) {
            map.insert("tried".to_owned(), json!(tried));
            map.insert("command".to_owned(), json!(command));
        }
        v
    }
}

/// Packs the pending pods.
pub fn pack(c: &Cluster) -> Outcome {
    let plan = solve(c, &Round::default());
    Outcome { pods: c.pods.len(), nodes: plan.claims.len(), errors: plan.errors.len(), scan: None }
}

/// Looks for nodes that can go, all of them being candidates.
pub fn consolidate(c: &Cluster, method: Method) -> Outcome {
    let weights = Weights::of(c);
    let mut candidates: Vec<Candidate> =
        (0..c.nodes.len()).filter_map(|i| weights.candidate(i, None)).filter(|c| c.pods > 0).collect();
    consolidation::sort(c, &mut candidates);
    let mut tried = 0;
    let found = match method {
        Method::Multi => {
            tried = candidates.len();
            consolidation::first_n(c, &candidates, &|_| true)
        }
        Method::Single => {
            let mut planner = Planner::new(c);
            consolidation::in_turn(candidates, &VecSet::new()).iter().find_map(|one| {
                tried += 1;
                consolidation::single_in(&mut planner, one).ok()
            })
        }
    };
    let words = |command: &consolidation::Command| match &command.replacement {
        None => format!("delete {} nodes", command.candidates.len()),
        Some(_) => format!("replace {} nodes by 1", command.candidates.len()),
    };
    let command = found.as_ref().map_or_else(|| "no-op".to_owned(), words);
    Outcome { pods: c.pods.len(), nodes: c.nodes.len(), errors: 0, scan: Some((tried, command)) }
}
