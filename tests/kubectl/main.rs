//! Every command of a run of kubectl on a real cluster prints here what it printed there, but for the cases that
//! DIFFERENCES.md names; one of those that does is to be taken off the list.

use nodewright_cli::cases::{Choices, play};
use std::path::Path;

/// Cases and reasons: the rows of the tables, `| CASE | reason |`.
fn known() -> Vec<(&'static str, &'static str)> {
    let rows = include_str!("DIFFERENCES.md").lines().filter_map(|line| {
        let mut cells = line.strip_prefix('|')?.trim_end_matches('|').split('|').map(str::trim);
        let name = cells.next()?.trim_matches('`');
        let numbered = name.get(1..4).is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()));
        Some((name, cells.next()?)).filter(|_| numbered)
    });
    rows.collect()
}

#[test]
fn every_command_prints_what_it_printed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("kubectl");
    let choices = Choices {
        sequence: folder.join("sequence.tsv"),
        cases: folder.join("recorded"),
        manifests: Some(folder.join("manifests")),
        only: None,
        full: false,
    };
    let cases = play(&choices).unwrap();
    assert!(cases.len() > 400, "{} cases", cases.len());
    let known = known();
    let mut wrong: Vec<String> = Vec::new();
    for case in &cases {
        let listed = known.iter().any(|(name, _)| *name == case.name);
        match case.difference() {
            Some(difference) if !listed => wrong.push(format!("{}: {difference}", case.name)),
            None if listed => wrong.push(format!("{}: passes, but DIFFERENCES.md lists it", case.name)),
            _ => {}
        }
    }
    for (name, reason) in &known {
        if !cases.iter().any(|case| case.name == *name) {
            wrong.push(format!("{name}: DIFFERENCES.md lists it, but there is no such case"));
        }
        if reason.is_empty() {
            wrong.push(format!("{name}: DIFFERENCES.md gives no reason"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}
