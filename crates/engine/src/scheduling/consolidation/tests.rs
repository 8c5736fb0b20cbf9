use super::super::testing::*;
use super::*;
use crate::scheduling::{Place, Requirements};
use objects::selector::Operator;
use objects::{Era, Resources};

const LAB_TYPES: [&str; 3] = ["c5.large", "m5.large", "m5.xlarge"];

/// A lab cluster: m5.xlarge nodes with so many pods each.
fn lab(era: Era, split: &[usize]) -> Cluster {
    let mut c = cluster(era);
    c.pools.push(pool("default", &LAB_TYPES));
    lab_daemons(&mut c);
    for (i, n) in split.iter().enumerate() {
        node(&mut c, &format!("n{}", i + 1), "m5.xlarge", "default", *n);
    }
    c
}

fn candidates(c: &Cluster) -> Vec<Candidate> {
    let mut all: Vec<Candidate> = (0..c.nodes.len()).filter_map(|i| Candidate::new(c, i, None)).collect();
    sort(c, &mut all);
    all
}

/// The cluster after a command: pods where the plan put them, the replacement as its cheapest type.
fn after(c: &Cluster, command: &Command) -> Cluster {
    let gone: Vec<usize> = command.candidates.iter().map(|c| c.node).collect();
    let mut counts: Vec<(String, String, usize)> = Vec::new();
    for (i, n) in c.nodes.iter().enumerate().filter(|(i, _)| !gone.contains(i)) {
        let moved = command.plan.existing.iter().find(|(node, _)| *node == i).map_or(0, |(_, pods)| pods.len());
        counts.push((n.name.clone(), n.labels[labels::INSTANCE_TYPE].clone(), c.movable_on(i).count() + moved));
    }
    if let Some(r) = &command.replacement {
        let t = r.cheapest(&c.types, 1)[0].0.clone();
        counts.push((format!("r{}", c.nodes.len()), t, r.pods.len()));
    }
    let mut next = Cluster { nodes: Vec::new(), pods: Vec::new(), ..c.clone() };
    for (name, t, n) in counts {
        node(&mut next, &name, &t, "default", n);
    }
    next
}

/// Runs the methods until none acts: empty nodes, then several, then single ones.
fn settle(mut c: Cluster) -> (Vec<(String, usize)>, usize) {
    for steps in 0..10 {
        let all = candidates(&c);
        let empty: Vec<Candidate> = all.iter().filter(|c| c.pods == 0).cloned().collect();
        let command = if empty.is_empty() {
            first_n(&c, &all, &|_| true).or_else(|| all.iter().find_map(|x| single(&c, x).ok()))
        } else {
            Some(Command { candidates: empty, plan: Plan::default(), replacement: None })
        };
        let Some(command) = command else {
            let mut end: Vec<(String, usize)> =
                (0..c.nodes.len()).map(|i| (c.nodes[i].labels[labels::INSTANCE_TYPE].clone(), c.movable_on(i).count())).collect();
            end.sort();
            return (end, steps);
        };
        c = after(&c, &command);
    }
    panic!("still consolidating")
}

#[test]
fn every_split_of_seven_pods_ends_the_same() {
    let end = [("c5.large".to_owned(), 1), ("m5.xlarge".to_owned(), 3), ("m5.xlarge".to_owned(), 3)];
    for era in [Era::V1alpha5, Era::V1] {
        for split in [[3, 2, 1, 1], [2, 2, 2, 1], [3, 3, 1, 0], [3, 2, 2, 0]] {
            let (got, _) = settle(lab(era, &split));
            assert_eq!(got, end, "{era:?} {split:?}");
        }
    }
}

#[test]
fn the_first_step_of_a_split_is_the_recorded_one() {
    let c = lab(Era::V1alpha5, &[2, 2, 2, 1]);
    let command = first_n(&c, &candidates(&c), &|_| true).unwrap();
    let names: Vec<&str> = command.candidates.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["n4", "n1"]);
    let replacement = command.replacement.as_ref().unwrap();
    // m5.xlarge itself is not cheaper than the m5.xlarge nodes that go.
    assert_eq!(replacement.cheapest(&c.types, 9), [("c5.large".to_owned(), 85_000), ("m5.large".to_owned(), 96_000)]);
    assert_eq!((command.price_before_micro(), command.price_after_micro(&c)), (384_000, 85_000));
    assert!(still_holds(&c, &command.candidates, &command));
    assert!(matches!(command.plan.place_of(replacement.pods[0]), Some(Place::Claim(0))));
}

fn check_kept(change: impl Fn(&mut Cluster), split: &[usize], a1: &str, a2: &str, b: &str) {
    for (version, words) in [("a1", a1), ("a2", a2), ("b", b)] {
        let mut c = lab(if version == "b" { Era::V1 } else { Era::V1alpha5 }, split);
        if version == "a1" {
            (c.rules.pending_may_stay, c.rules.needs_ready, c.rules.uses_unmanaged_nodes) = (false, false, false);
        }
        change(&mut c);
        let candidate = Candidate::new(&c, 0, None).unwrap();
        assert_eq!(single(&c, &candidate).unwrap_err(), words, "{version}");
    }
}

#[test]
fn nodes_stay_with_the_words_of_the_version() {
    let spot = |c: &mut Cluster| {
        c.pools[0].requirements[0] = is_in(labels::CAPACITY_TYPE, &["spot"]);
        c.nodes[0].labels.insert(labels::CAPACITY_TYPE.to_owned(), "spot".to_owned());
        // Smaller pods, so that cheaper types would do.
        let spec = std::sync::Arc::new(objects::typed::PodSpec {
            requests: Resources::default().with("cpu", 500),
            ..Default::default()
        });
        c.pods.iter_mut().for_each(|p| std::sync::Arc::make_mut(p).spec = spec.clone());
    };
    check_kept(
        |_| {},
        &[3, 3],
        "can't replace with a cheaper node",
        "Can't replace with a cheaper node",
        "Can't replace with a cheaper node",
    );
    check_kept(
        spot,
        &[3, 3],
        "can't replace a spot node with a spot node",
        "Can't replace a spot node with a spot node",
        "SpotToSpotConsolidation is disabled, can't replace a spot node with a spot node",
    );
    check_kept(
        |c| c.pools[0].requirements[1] = is_in(labels::INSTANCE_TYPE, &["c5.large"]),
        &[2, 3],
        "can't remove without creating 2 candidates",
        "Can't remove without creating 2 candidates",
        "Can't remove without creating 2 candidates",
    );
    check_kept(
        |c| c.nodes[1].initialized = false,
        &[1, 0],
        "not all pods would schedule, default/n1-0 => would schedule against a non-initialized node n2 ",
        "not all pods would schedule, default/n1-0 => would schedule against a non-initialized node n2 ",
        "Not all pods would schedule, default/n1-0 => would schedule against uninitialized nodeclaim/n2, node/n2 ",
    );
}

#[test]
fn a_replacement_that_may_be_either_becomes_spot() {
    let mut c = lab(Era::V1alpha5, &[1]);
    c.pools[0].requirements[0] = is_in(labels::CAPACITY_TYPE, &["spot", "on-demand"]);
    let command = single(&c, &Candidate::new(&c, 0, None).unwrap()).unwrap();
    let r: Requirements = command.replacement.unwrap().requirements;
    let kind = r.get(labels::CAPACITY_TYPE).unwrap();
    assert_eq!((kind.operator(), kind.has("spot"), kind.has("on-demand")), (Operator::In, true, false));
}

#[test]
fn a_pending_pod_without_a_place_stops_only_the_first_version() {
    for (version, stops) in [("a1", true), ("a2", false)] {
        let mut c = lab(Era::V1alpha5, &[1, 2]);
        c.rules.pending_may_stay = version == "a2";
        pods(&mut c, "huge", 1, &cpu("100"));
        assert_eq!(single(&c, &Candidate::new(&c, 0, None).unwrap()).is_err(), stops, "{version}");
    }
}

#[test]
fn a_shorter_life_makes_a_node_cheaper_to_move() {
    let c = lab(Era::V1alpha5, &[2, 2]);
    let old = Candidate::new(&c, 0, Some((100, 1000))).unwrap();
    let young = Candidate::new(&c, 1, Some((900, 1000))).unwrap();
    let mut all = [young, old];
    sort(&c, &mut all);
    assert_eq!(all.map(|c| c.name), ["n1", "n2"]);
}
