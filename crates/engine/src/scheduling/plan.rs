//! What a round decided: new claims, pods for existing nodes, and why the rest found no place.

use super::labels;
use super::requirements::{Requirement, Requirements};
use super::rules::Rules;
use super::type_table::TypeTable;
use objects::Resources;
use objects::collections::VecMap;
use objects::selector::Expression;

/// A claim to create.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedClaim {
    pub pool: String,
    /// Indices into [`super::Cluster::pods`], in the order they were placed.
    pub pods: Vec<usize>,
    /// Pods and DaemonSets together.
    pub requests: Resources,
    /// The DaemonSets' share of it.
    pub daemon_requests: Resources,
    /// Without the host name; the instance type key only as pods and pool ask for it.
    pub requirements: Requirements,
    /// Indices into [`super::Cluster::types`], by cheapest allowed offering, then name. Not yet truncated.
    pub types: Vec<usize>,
    /// How the pool's types narrowed: (stage, types left).
    pub funnel: Vec<(&'static str, usize)>,
    /// Fewer distinct values than `minValues` asked (policy BestEffort).
    pub min_values_relaxed: bool,
}

/// The outcome of one round.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// In the order in which they were opened.
    pub claims: Vec<PlannedClaim>,
    /// Node index to pod indices, in scheduling order of the nodes; nodes that got nothing are left out.
    pub existing: Vec<(usize, Vec<usize>)>,
    /// Pod index to the reason in Karpenter's words.
    pub errors: VecMap<usize, String>,
    /// (pod, what was given up), in order: Karpenter logs these at debug level.
    pub relaxations: Vec<(usize, String)>,
    /// (pool, types excluded by limits, all types), in order.
    pub limited: Vec<(String, usize, usize)>,
}

impl PlannedClaim {
    /// The types that the claim carries: the cheapest as far as the era keeps them. `Err` where that breaks `minValues`.
    pub fn kept_types(&self, types: &TypeTable, rules: &Rules) -> Result<Vec<usize>, String> {
        let kept: Vec<usize> = self.types.iter().copied().take(rules.max_instance_types).collect();
        if kept.len() < self.types.len()
            && rules.min_values == super::rules::MinValues::Strict
            && let Err(keys) = types.satisfies_min_values(&kept, &self.requirements)
        {
            return Err(format!("validating minValues, {}", super::type_table::min_values_text(&keys)));
        }
        Ok(kept)
    }

    /// `spec.requirements` of the claim to create, in order of key.
    pub fn expressions(&self, types: &TypeTable, rules: &Rules) -> Vec<Expression> {
        let kept = self.kept_types(types, rules).unwrap_or_default();
        let mut all = self.requirements.clone();
        let min_values = all.get(labels::INSTANCE_TYPE).and_then(|r| r.min_values);
        let names = kept.iter().filter_map(|i| types.get(*i)).map(|t| &t.name);
        all.replace(Requirement::is_in(labels::INSTANCE_TYPE, names).with_min_values(min_values));
        if rules.is_v1() {
            let kinds: Vec<_> = kept
                .iter()
                .filter_map(|i| types.get(*i))
                .flat_map(|t| t.compatible(&self.requirements).map(|o| o.capacity_type.clone()))
                .collect();
            if !kinds.is_empty() {
                all.add(Requirement::is_in(labels::CAPACITY_TYPE, kinds));
            }
            all.remove(labels::REGISTERED);
            all.remove(labels::INITIALIZED);
        }
        all.expressions(rules.era)
    }

    /// Up to `n` of the cheapest (type name, micro-dollars per hour).
    pub fn cheapest(&self, types: &TypeTable, n: usize) -> Vec<(String, i64)> {
        let price = |i: &usize| types.get(*i).map(|t| (t.name.to_string(), t.cheapest_micro(&self.requirements)));
        self.types.iter().filter_map(price).take(n).collect()
    }
}

impl Plan {
    /// The planned claim or existing node of a pod.
    pub fn place_of(&self, pod: usize) -> Option<Place> {
        let claim = self.claims.iter().position(|c| c.pods.contains(&pod)).map(Place::Claim);
        claim.or_else(|| self.existing.iter().find(|(_, pods)| pods.contains(&pod)).map(|(n, _)| Place::Node(*n)))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Index into [`Plan::claims`].
    Claim(usize),
    /// Index into [`super::Cluster::nodes`].
    Node(usize),
}
