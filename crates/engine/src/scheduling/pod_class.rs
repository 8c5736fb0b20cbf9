//! Pods that differ in nothing but their requests are of one kind, and those with equal requests of one class: they are
//! judged once and share what was learnt.

use super::cluster::PodInput;
use super::labels;
use super::requirements::{Requirement, Requirements};
use super::rules::{Preferences, Rules};
use super::states::States;
use super::type_set::TypeSet;
use objects::Resources;
use objects::collections::VecMap;
use objects::resources::PODS;
use objects::selector::Expression;
use objects::typed::{Affinity, HostPort, PodSpec, SpreadConstraint, Toleration};
use std::sync::Arc;

/// All that scheduling reads of a pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shape {
    pub namespace: String,
    pub labels: VecMap<String, String>,
    /// With the pod itself under `pods`.
    pub requests: Resources,
    pub node_selector: VecMap<String, String>,
    pub affinity: Affinity,
    pub tolerations: Vec<Toleration>,
    pub spread: Vec<SpreadConstraint>,
    pub host_ports: Vec<HostPort>,
    pub volume_terms: Vec<Vec<Expression>>,
    pub volumes: VecMap<String, u32>,
}

impl Shape {
    /// Without requests, which tell classes of a kind apart.
    pub fn kind_of(pod: &PodInput) -> Shape {
        Shape { requests: Resources::default(), ..Shape::of(pod) }
    }

    pub fn of(pod: &PodInput) -> Shape {
        Shape {
            namespace: pod.namespace.clone(),
            labels: pod.labels.clone(),
            volume_terms: pod.volume_terms.clone(),
            volumes: pod.volumes.clone(),
            ..Shape::of_spec(&pod.spec)
        }
    }

    pub fn of_spec(spec: &PodSpec) -> Shape {
        Shape {
            requests: spec.requests.clone().with(PODS, 1),
            node_selector: spec.node_selector.clone(),
            affinity: spec.affinity.clone(),
            tolerations: spec.tolerations.clone(),
            spread: spec.spread.clone(),
            host_ports: spec.host_ports.clone(),
            ..Shape::default()
        }
    }

    /// Node selector and the first required term, with the heaviest preference where `with_preference`.
    pub fn requirements(&self, with_preference: bool) -> Requirements {
        let mut all = Requirements::of_labels(&self.node_selector);
        let add = |all: &mut Requirements, list: &[Expression]| {
            for e in list {
                all.add(Requirement::of_expression(e));
            }
        };
        if with_preference {
            let mut heaviest = None;
            for (weight, term) in &self.affinity.node_preferred {
                if heaviest.is_none_or(|(w, _)| *weight > w) {
                    heaviest = Some((*weight, term));
                }
            }
            if let Some((_, term)) = heaviest {
                add(&mut all, &term.expressions);
            }
        }
        if let Some(term) = self.affinity.node_required.first() {
            add(&mut all, &term.expressions);
        }
        all
    }

    pub fn requirements_under(&self, rules: &Rules) -> Requirements {
        self.requirements(rules.preferences == Preferences::Respect)
    }
}

/// A shape, apart from its requests, with what follows from it and what placing it has taught so far.
#[derive(Debug)]
pub struct Kind {
    /// Without requests.
    pub shape: Shape,
    /// Without the host name.
    pub requirements: Requirements,
    /// Without preferences: only these restrict which domains count.
    pub strict: Requirements,
    /// What is asked of the host name.
    pub host: Option<Arc<Requirement>>,
    /// Where its volumes can be; one alternative that asks for nothing where it has none.
    pub alternatives: Vec<Requirements>,
    /// Per alternative the state that each state becomes with the kind's requirements, as far as asked.
    merged: Vec<Vec<Known>>,
    /// Topology groups that rule it and inverse groups that it owns: others keep away from it.
    pub groups: Vec<(usize, Option<i64>)>,
    pub inverse: Vec<usize>,
    /// The class after giving up one preference: not asked yet, or none left, or that kind and the words.
    pub relaxed: Option<Option<(usize, String)>>,
    /// Classes by requests.
    pub classes: VecMap<Resources, usize>,
    pub round: InRound,
}

/// What holds in one round only.
#[derive(Debug, Default)]
pub struct InRound {
    /// The round that it is about.
    pub number: u64,
    /// The groups of the round that rule the kind, in the order in which they are asked.
    pub ruling: Vec<Ruling>,
    /// How many inverse groups there were when it was last looked which keep the kind away.
    pub inverse_known: usize,
    /// Inverse groups of the round that it owns.
    pub inverse: Vec<usize>,
    /// Groups that count its pods, as far as they were known when there were `groups_known`.
    pub counted_by: Vec<usize>,
    pub groups_known: usize,
    /// New claims that can never take it.
    pub dead_claims: TypeSet,
    /// Per alternative the state that each state becomes with topology applied, while `stamp` is that of the groups.
    pub narrowed: Vec<Vec<Known>>,
    pub stamp: u64,
}

/// A group that rules a kind.
#[derive(Clone, Copy, Debug)]
pub struct Ruling {
    pub group: usize,
    pub is_inverse: bool,
    /// Its key is the host name.
    pub is_host: bool,
    /// The group selects the kind itself.
    pub own: bool,
}

/// An answer that is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Known {
    #[default]
    Unasked,
    Never,
    State(u32),
}

impl Known {
    pub fn of(state: Option<u32>) -> Known {
        state.map_or(Known::Never, Known::State)
    }

    /// The answer; `None` where it has not been asked for.
    pub fn answer(self) -> Option<Option<u32>> {
        match self {
            Known::Unasked => None,
            Known::Never => Some(None),
            Known::State(n) => Some(Some(n)),
        }
    }
}

impl Kind {
    pub fn new(shape: Shape, rules: &Rules) -> Kind {
        let mut alternatives: Vec<Requirements> =
            shape.volume_terms.iter().map(|term| Requirements::of_expressions(term)).collect();
        if alternatives.is_empty() {
            alternatives.push(Requirements::default());
        }
        let mut requirements = shape.requirements_under(rules);
        let host = requirements.get(labels::HOSTNAME).cloned();
        requirements.remove(labels::HOSTNAME);
        Kind {
            requirements,
            host,
            strict: shape.requirements(false),
            merged: vec![Vec::new(); alternatives.len()],
            alternatives,
            groups: Vec::new(),
            inverse: Vec::new(),
            relaxed: None,
            classes: VecMap::new(),
            round: InRound::default(),
            shape,
        }
    }

    /// Whether the host may have that name under an alternative.
    pub fn allows_host(&self, alternative: usize, host: &str) -> bool {
        let of_volumes = self.alternatives.get(alternative).and_then(|a| a.get(labels::HOSTNAME));
        self.host.as_ref().is_none_or(|r| r.has(host)) && of_volumes.is_none_or(|r| r.has(host))
    }

    /// The state with the kind's requirements and those of an alternative, topology left out.
    pub fn merged(&mut self, alternative: usize, state: u32, states: &mut States<'_>) -> Option<u32> {
        let known = self.merged.get_mut(alternative)?;
        if let Some(answer) = known.get(state as usize).and_then(|k| k.answer()) {
            return answer;
        }
        let answer = states.narrowed(state, &[&self.requirements, self.alternatives.get(alternative)?]);
        note(known, state, answer);
        answer
    }
}

/// Keeps an answer about a state.
pub fn note(known: &mut Vec<Known>, state: u32, answer: Option<u32>) {
    let at = state as usize;
    if known.len() <= at {
        known.resize(at + 1, Known::Unasked);
    }
    if let Some(slot) = known.get_mut(at) {
        *slot = Known::of(answer);
    }
}

/// A kind with requests.
#[derive(Debug)]
pub struct Class {
    pub kind: usize,
    /// With the pod itself under `pods`.
    pub requests: Resources,
    /// Requests over the planner's resource names.
    pub amounts: Vec<i64>,
    /// Nodes (by position in scheduling order) that can never take it, whatever a round does.
    pub never: TypeSet,
    /// The round that the rest is about.
    pub round: u64,
    /// Nodes that can never take it in this round.
    pub dead_nodes: TypeSet,
    /// New claims that can never take it.
    pub dead_claims: TypeSet,
    /// Why no new claim could be opened, how many claims had been opened then, and how many hosts were named to find out.
    pub hopeless: Option<(usize, usize, String)>,
}

/// All that tells kinds apart, by reference.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub struct Look<'a> {
    labels: &'a VecMap<String, String>,
    namespace: &'a str,
    node_selector: &'a VecMap<String, String>,
    spread: &'a [SpreadConstraint],
    affinity: &'a Affinity,
    tolerations: &'a [Toleration],
    host_ports: &'a [HostPort],
    volume_terms: &'a [Vec<Expression>],
    volumes: &'a VecMap<String, u32>,
}

impl<'a> Look<'a> {
    pub fn of(pod: &'a PodInput) -> Look<'a> {
        Look {
            labels: &pod.labels,
            namespace: &pod.namespace,
            node_selector: &pod.spec.node_selector,
            spread: &pod.spec.spread,
            affinity: &pod.spec.affinity,
            tolerations: &pod.spec.tolerations,
            host_ports: &pod.spec.host_ports,
            volume_terms: &pod.volume_terms,
            volumes: &pod.volumes,
        }
    }

    pub fn of_shape(s: &'a Shape) -> Look<'a> {
        Look {
            labels: &s.labels,
            namespace: &s.namespace,
            node_selector: &s.node_selector,
            spread: &s.spread,
            affinity: &s.affinity,
            tolerations: &s.tolerations,
            host_ports: &s.host_ports,
            volume_terms: &s.volume_terms,
            volumes: &s.volumes,
        }
    }
}

/// The resource names that pods of the round ask for, so that amounts can be rows of numbers.
#[derive(Clone, Debug, Default)]
pub struct Names(pub Vec<String>);

impl Names {
    pub fn of<'a>(lists: impl Iterator<Item = &'a Resources>) -> Names {
        let mut all: Vec<String> = Vec::new();
        for name in lists.flat_map(|r| r.0.keys()) {
            if !all.contains(name) {
                all.push(name.clone());
            }
        }
        Names(all)
    }

    pub fn row(&self, r: &Resources) -> Vec<i64> {
        self.0.iter().map(|n| r.get(n)).collect()
    }
}

/// Whether every asked amount is there.
pub fn covers(available: &[i64], asked: &[i64]) -> bool {
    available.iter().zip(asked).all(|(have, want)| want <= have)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheduling::preferences::relax;
    use objects::{Era, json};

    fn shape(spec: &objects::Value) -> Shape {
        Shape::of_spec(&PodSpec::read(spec))
    }

    #[test]
    fn preferences_go_in_order() {
        let term = |k: &str| json!({"matchExpressions": [{"key": k, "operator": "In", "values": ["1"]}]});
        let near = |weight: i32| json!({"weight": weight, "podAffinityTerm": {"topologyKey": "z"}});
        let mut s = shape(&json!({
            "affinity": {
                "nodeAffinity": {
                    "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term("a"), term("b")]},
                    "preferredDuringSchedulingIgnoredDuringExecution": [
                        {"weight": 1, "preference": term("c")}, {"weight": 9, "preference": term("d")}]},
                "podAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [near(1), near(5)]},
                "podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [near(2)]}},
            "topologySpreadConstraints": [
                {"maxSkew": 1, "topologyKey": "z", "whenUnsatisfiable": "ScheduleAnyway"},
                {"maxSkew": 1, "topologyKey": "h", "whenUnsatisfiable": "DoNotSchedule"}]}));
        assert_eq!(s.requirements(true).text(Era::V1), "a In [1], d In [1]");
        assert_eq!(s.requirements(false).text(Era::V1), "a In [1]");
        let mut steps = Vec::new();
        while let Some((next, reason)) = relax(&s, true) {
            steps.push(reason);
            s = next;
        }
        const RULE: &str = "DuringSchedulingIgnoredDuringExecution[0]=";
        assert_eq!(
            steps,
            [
                format!(r#"removing: spec.affinity.nodeAffinity.required{RULE}{{"matchExpressions":[{{"key":"a","operator":"In","values":["1"]}}]}}"#),
                format!(r#"removing: spec.affinity.podAffinity.preferred{RULE}{{"weight":5,"podAffinityTerm":{{"topologyKey":"z"}}}}"#),
                format!(r#"removing: spec.affinity.podAffinity.preferred{RULE}{{"weight":1,"podAffinityTerm":{{"topologyKey":"z"}}}}"#),
                format!(r#"removing: spec.affinity.podAntiAffinity.preferred{RULE}{{"weight":2,"podAffinityTerm":{{"topologyKey":"z"}}}}"#),
                format!(r#"removing: spec.affinity.nodeAffinity.preferred{RULE}{{"weight":9,"preference":{{"matchExpressions":[{{"key":"d","operator":"In","values":["1"]}}]}}}}"#),
                format!(r#"removing: spec.affinity.nodeAffinity.preferred{RULE}{{"weight":1,"preference":{{"matchExpressions":[{{"key":"c","operator":"In","values":["1"]}}]}}}}"#),
                r#"removing: spec.topologySpreadConstraints = {"maxSkew":1,"topologyKey":"z","whenUnsatisfiable":"ScheduleAnyway"}"#.to_owned(),
                "adding: toleration for PreferNoSchedule taints".to_owned(),
            ]
        );
        assert_eq!(s.requirements(true).text(Era::V1), "b In [1]");
    }
}
