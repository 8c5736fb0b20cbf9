//! The shell and its tools against what bash 5.2, GNU coreutils 9.1, grep 3.8, sed 4.9, mawk 1.3.4 and jq 1.6 printed:
//! `tools/*.jsonl` has a command a line with its recorded standard output, standard error and status; `tools/record.sh`
//! records a file anew.
#![expect(clippy::panic, reason = "test support")]

mod common;

use common::Lab;
use engine::Era;
use objects::{DocExt, Value};

fn check(file: &str, recorded: &str) {
    let start = Lab::new(Era::V1alpha5, Vec::new());
    let mut wrong = Vec::new();
    let mut cases = 0;
    for line in recorded.lines() {
        let case: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{file}: {e}: {line}"));
        let text = |key: &str| case.str_at(key).unwrap_or_default().to_owned();
        let out = start.again().run(&text("command"));
        cases += 1;
        let want = (text("stdout"), text("stderr"), case.get("status").and_then(Value::as_i64).unwrap_or(-1));
        let got = (out.stdout, out.stderr, i64::from(out.exit));
        if want != got {
            wrong.push(format!("{}\n  real: {want:?}\n  here: {got:?}", text("command")));
        }
    }
    assert!(cases > 0 && wrong.is_empty(), "{file}: {} of {cases} differ\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn language() {
    check("language", include_str!("tools/language.jsonl"));
}

#[test]
fn scripts() {
    check("scripts", include_str!("tools/scripts.jsonl"));
}

#[test]
fn text() {
    check("text", include_str!("tools/text.jsonl"));
}

#[test]
fn timeout() {
    check("timeout", include_str!("tools/timeout.jsonl"));
}

#[test]
fn jq() {
    check("jq", include_str!("tools/jq.jsonl"));
}
