//! Replays scenarios on which the real Karpenter's decisions are recorded and compares them with the engine's.
//! `README.md` describes the data.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its data has failed")]

use conform::compare::Verdict;
use conform::folder::{Runner, scenarios};
use engine::Era;
use std::path::Path;

/// Runs every recorded case of the folder and the era: all agree, at least `exact` of `all` in every field, and in their
/// words.
fn check(folder: &str, era: Era, all: usize, exact: usize) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut runner = Runner::new(era);
    let (mut same, mut shape, mut wrong) = (0, 0, Vec::new());
    for file in scenarios(&folder).unwrap() {
        let outcome = runner.run(&file).unwrap();
        match outcome.verdict {
            None => continue,
            Some(Verdict::Exact) => same += 1,
            Some(Verdict::Shape) => shape += 1,
            Some(Verdict::Differs(words)) => wrong.push(format!("{}: {words}", outcome.name)),
        }
        wrong.extend(outcome.words.map(|words| format!("{}: {words}", outcome.name)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(same + shape, all);
    assert!(same >= exact, "{same} outcomes are equal in every field, {exact} were");
}

#[test]
fn decides_as_v0_31_4() {
    check("conformance", Era::V1alpha5, 115, 115);
}

#[test]
fn decides_as_v1_14_1() {
    check("conformance", Era::V1, 133, 133);
}

/// Scenarios made at random, a dozen for each area, and what Karpenter decided on them.
#[test]
fn decides_as_v1_14_1_at_random() {
    check("conformance/random", Era::V1, 192, 190);
}
