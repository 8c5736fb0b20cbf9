//! Pods with the same scheduling shape are one class: they are judged once and share what was learnt.

use super::cluster::PodInput;
use super::requirements::{Requirement, Requirements};
use super::rules::{Preferences, Rules};
use objects::Resources;
use objects::collections::VecMap;
use objects::resources::PODS;
use objects::selector::Expression;
use objects::typed::{Affinity, HostPort, PodSpec, SpreadConstraint, Toleration};

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

/// A shape with what follows from it and what placing it has taught so far.
#[derive(Debug)]
pub struct Class {
    pub shape: Shape,
    pub requirements: Requirements,
    /// Without preferences: only these restrict which domains count.
    pub strict: Requirements,
    pub volume_alternatives: Vec<Requirements>,
    /// Requests over the round's resource names.
    pub amounts: Vec<i64>,
    /// Topology groups that rule this class.
    pub groups: Vec<usize>,
    /// Inverse groups that it owns: others keep away from it.
    pub inverse: Vec<usize>,
    /// Inverse groups of others that keep it away, as far as they were known when there were `inverse_known` of them.
    pub kept_away: Vec<usize>,
    pub inverse_known: usize,
    /// Nodes (by position in scheduling order) that can never take it in this round.
    pub dead_nodes: Vec<bool>,
    /// New claims that can never take it.
    pub dead_claims: Vec<bool>,
    /// The class after giving up one preference: not asked yet, or none left, or that class and the words.
    pub relaxed: Option<Option<(usize, String)>>,
    /// Why no new claim could be opened, and how many claims had been opened then.
    pub hopeless: Option<(usize, String)>,
}

impl Class {
    pub fn new(shape: Shape, rules: &Rules, amounts: Vec<i64>) -> Class {
        let volume_alternatives = shape.volume_terms.iter().map(|term| Requirements::of_expressions(term)).collect();
        Class {
            requirements: shape.requirements_under(rules),
            strict: shape.requirements(false),
            volume_alternatives,
            amounts,
            groups: Vec::new(),
            inverse: Vec::new(),
            kept_away: Vec::new(),
            inverse_known: 0,
            dead_nodes: Vec::new(),
            dead_claims: Vec::new(),
            relaxed: None,
            hopeless: None,
            shape,
        }
    }
}

/// The resource names that pods of the round ask for, so that amounts can be rows of numbers.
#[derive(Clone, Debug, Default)]
pub struct Names(Vec<String>);

impl Names {
    pub fn of<'a>(lists: impl Iterator<Item = &'a Resources>) -> Names {
        let all: objects::collections::VecSet<String> = lists.flat_map(|r| r.0.keys().cloned()).collect();
        Names(all.into_iter().collect())
    }

    pub fn row(&self, r: &Resources) -> Vec<i64> {
        self.0.iter().map(|n| r.get(n)).collect()
    }
}

/// Whether every asked amount is there.
pub fn covers(available: &[i64], asked: &[i64]) -> bool {
    available.iter().zip(asked).all(|(have, want)| want <= have)
}

pub fn plus(a: &[i64], b: &[i64]) -> Vec<i64> {
    a.iter().zip(b).map(|(x, y)| x.saturating_add(*y)).collect()
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
