//! The checklist: what the real Karpenter's own tests say that it does, tried on this engine in cases of our own.
//!
//! `ids.txt` lists the titles by number and subject, `cases/` has the cases (`case.rs` describes their form). What is
//! not modelled stands in `tests/conformance/NOT-MODELLED.md` with the reason.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot read its cases has failed")]

mod case;
mod expect;
mod shorthand;
mod world;

use case::Case;
use objects::collections::{VecMap, VecSet};

const IDS: &str = include_str!("ids.txt");
const NOT_MODELLED: &str = include_str!("../conformance/NOT-MODELLED.md");

fn folder() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("checklist/cases")
}

fn files() -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(folder()).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn cases_of(file: &str) -> Vec<Case> {
    case::read(&std::fs::read_to_string(folder().join(file)).unwrap())
}

/// Subjects by number, as `ids.txt` has them.
fn ids() -> VecMap<&'static str, &'static str> {
    IDS.lines().filter_map(|l| l.split_once(' ')).collect()
}

#[test]
fn everything_has_a_case_or_a_reason() {
    let known = ids();
    let mut tried: VecSet<String> = VecSet::new();
    for file in files() {
        for case in cases_of(&file) {
            assert!(case.steps.iter().any(|(_, s)| expect::is_expectation(s)), "{file}: {} expects nothing", case.title);
            for id in &case.ids {
                assert!(known.contains_key(id.as_str()), "{file}: {id} is not in ids.txt");
            }
            if !case.is_pending() {
                tried.extend(case.ids);
            }
        }
    }
    let reasons: VecSet<&str> = NOT_MODELLED.lines().filter_map(|l| l.strip_prefix("| ")?.split(' ').next()).collect();
    let without: Vec<&str> = known.keys().copied().filter(|id| !tried.contains(*id) && !reasons.contains(id)).collect();
    let both: Vec<&str> = known.keys().copied().filter(|id| tried.contains(*id) && reasons.contains(id)).collect();
    let percent = tried.len() * 100 / known.len();
    println!("{} of {} titles have cases ({percent} %)", tried.len(), known.len());
    assert!(without.is_empty(), "neither a case nor a line in NOT-MODELLED.md: {without:?}");
    assert!(both.is_empty(), "tried and said not to be modelled: {both:?}");
    assert!(percent >= 85, "{percent} %");
}

/// Runs the cases whose place in the list leaves `part` of four: a thread each. `CHECKLIST_ONLY` in the environment names
/// numbers or one file to run, `CHECKLIST_DUMP` shows what happened where a case fails.
fn check(part: usize) {
    let only = std::env::var_os("CHECKLIST_ONLY").map(|o| o.to_string_lossy().into_owned()).unwrap_or_default();
    let (mut wrong, mut ran) = (Vec::new(), 0);
    let all = files().into_iter().flat_map(|f| cases_of(&f).into_iter().map(move |c| (f.clone(), c)));
    for (i, (file, case)) in all.enumerate() {
        if i % 4 != part || !(only.is_empty() || case.ids.iter().any(|id| only.split(',').any(|o| o == id) || *only == *file)) {
            continue;
        }
        ran += 1;
        let name = format!("{file}: {} {}", case.ids.join(" "), case.title);
        match (world::run(&case), case.is_pending()) {
            (Ok(()), true) => eprintln!("{name}: pending, but passes"),
            (Err(why), false) => wrong.push(format!("{name}\n  {why}")),
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{} of {ran} fail\n\n{}", wrong.len(), wrong.join("\n\n"));
}

#[test]
fn first_part() {
    check(0);
}

#[test]
fn second_part() {
    check(1);
}

#[test]
fn third_part() {
    check(2);
}

#[test]
fn fourth_part() {
    check(3);
}

#[test]
fn the_readme_lists_the_same() {
    let is_row = |line: &&str| {
        let id = line.strip_prefix("| ").and_then(|l| l.split(' ').next()).unwrap_or_default();
        id.len() == 4 && id.starts_with(['A', 'B']) && id.chars().skip(1).all(|c| c.is_ascii_digit())
    };
    let listed: Vec<&str> = NOT_MODELLED.lines().filter(is_row).collect();
    let readme = include_str!("../../README.md");
    assert_eq!(readme.lines().filter(is_row).collect::<Vec<_>>(), listed);
    assert!(!listed.is_empty() && readme.contains(&format!("The other {} are not modelled", listed.len())));
}
