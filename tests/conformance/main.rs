//! Replays situations on which the real Karpenter's decisions are recorded and compares them with the engine's.
//! `README.md` describes the data.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot read its data has failed")]

mod compare;
mod consolidate;
mod expand;

use engine::Era;
use engine::scheduling::input::{Source, read};
use engine::scheduling::{Cluster, InstanceType, MinValues, Preferences, Rules, TypeTable};
use objects::collections::{VecMap, VecSet};
use objects::{DocExt, Value};
use std::sync::Arc;

const SCENARIOS: &str = include_str!("scenarios.jsonl");
const TYPES: &str = include_str!("types.json");
const V0_31: &str = include_str!("decisions-0.31.4.jsonl");
const V1_14: &str = include_str!("decisions-1.14.1.jsonl");

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

/// A scenario as a store and a cluster of the era.
fn cluster(scenario: &Value, catalogue: &[Value], era: Era) -> (Cluster, expand::Expanded) {
    let types = types_of(scenario, catalogue);
    let expanded = expand::expand(scenario, catalogue, era);
    let mut rules = Rules::latest(era);
    let option = |name: &str| scenario.at("options").field(name);
    if option("preferencePolicy") == "Ignore" {
        rules.preferences = Preferences::Ignore;
    }
    if option("minValuesPolicy") == "BestEffort" {
        rules.min_values = MinValues::BestEffort;
    }
    rules.spot_to_spot = option("spotToSpotConsolidation") == true;
    let marked: VecSet<String> = expanded.marked.iter().cloned().collect();
    let c = read(&Source { store: &expanded.store, rules, types: Arc::new(types), now_ms: expanded.now_ms, marked: &marked });
    (c, expanded)
}

fn catalogue() -> Vec<Value> {
    let all: Value = serde_json::from_str(TYPES).unwrap();
    all.list_at("instanceTypes").to_vec()
}

fn types_of(scenario: &Value, catalogue: &[Value]) -> TypeTable {
    let globs: Vec<&str> = scenario.list_at("instanceTypes").iter().filter_map(Value::as_str).collect();
    let zones = scenario.list_at("zones");
    let mut kept = Vec::new();
    for t in catalogue {
        let name = t.str_at("name").unwrap();
        if !globs.is_empty() && !globs.iter().any(|g| matches(g, name)) {
            continue;
        }
        let mut t = t.clone();
        let mut offerings = t.list_at("offerings").to_vec();
        offerings.retain(|o| zones.is_empty() || zones.contains(o.at("zone")));
        for patch in scenario.list_at("offerings") {
            if !matches(patch.str_at("instanceType").unwrap_or("*"), name) {
                continue;
            }
            if patch.bool_at("add") == Some(true) {
                let mut added = patch.clone();
                if added.at("available").is_null() {
                    added.set("available", true);
                }
                offerings.push(added);
                continue;
            }
            for o in &mut offerings {
                let same = |key: &str| patch.at(key).is_null() || patch.at(key) == o.at(key);
                if same("zone") && same("capacityType") {
                    for key in ["available", "price"] {
                        if !patch.at(key).is_null() {
                            o.set(key, patch.at(key).clone());
                        }
                    }
                }
            }
        }
        t.set("offerings", offerings);
        kept.push(InstanceType::read(&t).unwrap());
    }
    TypeTable::new(kept)
}

fn matches(glob: &str, name: &str) -> bool {
    match glob.split_once('*') {
        None => glob == name,
        Some((head, tail)) => {
            name.starts_with(head) && (tail.is_empty() || (name.len() >= head.len() + tail.len() && name.ends_with(tail)))
        }
    }
}

/// (scenario, decisions) of one version and mode.
fn cases(decisions: &str, mode: &str) -> Vec<(Value, Value)> {
    let scenarios: VecMap<String, Value> =
        lines(SCENARIOS).into_iter().map(|s| (s.str_at("name").unwrap().to_owned(), s)).collect();
    let of = |d: Value| scenarios.get(d.str_at("name").unwrap()).cloned().map(|s| (s, d));
    lines(decisions).into_iter().filter(|d| d.str_at("mode") == Some(mode)).filter_map(of).collect()
}

/// Compares every provisioning scenario; `differ` names those that are known to differ.
fn check_provisioning(decisions: &str, era: Era, exact: usize, differ: &[&str]) {
    let (mut same, mut wrong, mut wordy) = (0, Vec::new(), Vec::new());
    let (cases, catalogue) = (cases(decisions, "provision"), catalogue());
    for (scenario, decided) in &cases {
        let name = decided.str_at("name").unwrap();
        let (c, _) = cluster(scenario, &catalogue, era);
        let outcome = compare::provision(&c);
        let shape = compare::shape(&outcome);
        if !decided.list_at("shapes").contains(&shape) {
            wrong.push(name);
            eprintln!("{name}: {}\n  engine {shape}\n  real   {}", scenario.at("description"), decided.at("shapes"));
        }
        same += usize::from(decided.list_at("outcomes").contains(&compare::without_words(&outcome)));
        if let Some(text) = compare::words_differ(&outcome, decided) {
            eprintln!("{name}: {text}");
            wordy.push(name);
        }
    }
    eprintln!(
        "{}: {} of {} agree, {same} in every field; words differ in {wordy:?}",
        decisions.len(),
        cases.len() - wrong.len(),
        cases.len()
    );
    assert_eq!(wrong, differ);
    assert!(same >= exact, "{same} outcomes are equal in every field, {exact} were");
    assert!(wordy.is_empty(), "{wordy:?}");
}

/// Compares every consolidation scenario in what each method decides; `differ` names those that are known to differ.
fn check_consolidation(decisions: &str, era: Era, differ: &[&str]) {
    let (mut wrong, mut wordy) = (Vec::new(), Vec::new());
    let (cases, catalogue) = (cases(decisions, "consolidate"), catalogue());
    for (scenario, decided) in &cases {
        let name = decided.str_at("name").unwrap();
        let (c, e) = cluster(scenario, &catalogue, era);
        let (shape, words) = consolidate::decide(&consolidate::Case { cluster: &c, store: &e.store, now_ms: e.now_ms });
        if !decided.list_at("shapes").contains(&shape) {
            wrong.push(name);
            eprintln!("{name}: {}\n  engine {shape}\n  real   {}", scenario.at("description"), decided.at("shapes"));
        }
        for (node, recorded) in decided.at("single").as_object().into_iter().flatten() {
            let said: Vec<&str> = recorded.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let said: Vec<&str> = said.into_iter().filter_map(|w| w.strip_prefix("Unconsolidatable: ")).collect();
            if let Some(own) = words.get(node)
                && !said.contains(&own.as_str())
            {
                wordy.push(name);
                eprintln!("{name} {node}\n  engine {own}\n  real   {said:?}");
            }
        }
    }
    eprintln!("{} of {} agree; words differ in {wordy:?}", cases.len() - wrong.len(), cases.len());
    assert_eq!(wrong, differ);
    assert!(wordy.is_empty(), "{wordy:?}");
}

#[test]
fn provisioning_as_v0_31_4() {
    check_provisioning(V0_31, Era::V1alpha5, 82, &[]);
}

#[test]
fn provisioning_as_v1_14_1() {
    check_provisioning(V1_14, Era::V1, 87, &[]);
}

#[test]
fn consolidation_as_v0_31_4() {
    check_consolidation(V0_31, Era::V1alpha5, &[]);
}

#[test]
fn consolidation_as_v1_14_1() {
    check_consolidation(V1_14, Era::V1, &[]);
}
