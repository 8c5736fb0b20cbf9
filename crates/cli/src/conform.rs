//! `nodewright conform`: the engine's decisions beside the recorded ones of the real Karpenter.

use crate::Failure;
use ::conform::compare::Verdict;
use ::conform::folder::{Outcome, Runner, emit, scenarios};
use engine::Era;
use std::path::{Path, PathBuf};

/// What to run.
#[derive(Debug)]
pub struct Choices {
    pub paths: Vec<PathBuf>,
    pub era: Era,
    /// A folder that takes the engine's decision on each case.
    pub emit: Option<PathBuf>,
}

/// Runs the cases; the report has one line a case and the sum. The status is 1 where a case differs, 2 where a file of one
/// cannot be used, which counts as failed.
///
/// Errors: a path without scenarios, or a folder that cannot be written.
pub fn run(choices: &Choices) -> Result<(String, u8), Failure> {
    let fail = |f: ::conform::Fault| Failure { message: f.0, exit: 2 };
    let mut runner = Runner::new(choices.era);
    runner.run_all = choices.emit.is_some();
    let mut text = String::new();
    let (mut passed, mut failed, mut left_out, mut unusable) = (0, 0, 0, 0);
    for path in &choices.paths {
        for file in scenarios(path).map_err(fail)? {
            let outcome = match runner.run(&file) {
                Ok(outcome) => outcome,
                Err(fault) => {
                    unusable += 1;
                    text.push_str(&format!("{fault}\n"));
                    continue;
                }
            };
            if let (Some(folder), Some(decision)) = (&choices.emit, &outcome.decision) {
                emit(Path::new(folder), &outcome.name, decision).map_err(fail)?;
            }
            match outcome.verdict {
                None => left_out += 1,
                Some(Verdict::Differs(_)) => failed += 1,
                Some(_) => passed += 1,
            }
            text.push_str(&line(&outcome));
        }
    }
    if left_out > 0 {
        text.push_str(&format!("{left_out} not compared\n"));
    }
    text.push_str(&format!("{passed} passed, {} failed\n", failed + unusable));
    let exit = if unusable > 0 { 2 } else { u8::from(failed > 0) };
    Ok((text, exit))
}

fn line(o: &Outcome) -> String {
    match &o.verdict {
        Some(Verdict::Exact) => format!("{}: agrees (exact)\n", o.name),
        Some(Verdict::Shape) => format!("{}: agrees (shape)\n", o.name),
        Some(Verdict::Differs(words)) => format!("{}: differs: {words}\n", o.name),
        None => format!("{}: not compared: {}\n", o.name, o.note),
    }
}
