//! kubectl's words against recordings of the real one.

mod common;

use common::Lab;
use engine::{Era, Scenario};

#[derive(Debug, Default)]
struct Case {
    command: String,
    before: String,
    exit: i32,
    stdout: String,
    stderr: String,
}

fn cases(text: &str) -> Vec<Case> {
    let mut out: Vec<Case> = Vec::new();
    for line in text.lines().filter(|l| !l.starts_with('#') && !l.is_empty()) {
        if let Some(command) = line.strip_prefix("$ ") {
            out.push(Case { command: command.to_owned(), ..Case::default() });
            continue;
        }
        let Some(case) = out.last_mut() else { continue };
        let (mark, rest) = line.split_at(1);
        let rest = rest.strip_prefix(' ').unwrap_or(rest);
        match mark {
            "." => case.command.push_str(&format!("\n{rest}")),
            ">" => case.stdout.push_str(&format!("{rest}\n")),
            "!" => case.stderr.push_str(&format!("{rest}\n")),
            _ => {
                if let Some(before) = line.strip_prefix("before: ") {
                    before.clone_into(&mut case.before);
                } else if let Some(exit) = line.strip_prefix("exit ") {
                    case.exit = exit.parse().unwrap_or(-1);
                }
            }
        }
    }
    out
}

#[test]
fn answers_as_recorded() {
    let start = Lab::of(Scenario::lab(Era::V1, 1));
    let mut cases = cases(include_str!("recorded/kubectl-1.35.txt"));
    cases.extend(self::cases(include_str!("recorded/reading-1.35.txt")));
    cases.extend(self::cases(include_str!("recorded/local-1.35.txt")));
    assert!(cases.len() > 90, "{}", cases.len());
    let mut wrong = Vec::new();
    for case in cases {
        let mut lab = start.again();
        lab.shell.write_file("inflate.yaml", include_str!("recorded/inflate.yaml")).unwrap();
        lab.shell.write_file("inflate-literal.yaml", include_str!("recorded/inflate-literal.yaml")).unwrap();
        lab.shell.write_file("web.yaml", include_str!("recorded/local/web.yaml")).unwrap();
        lab.shell.write_file("pod.yaml", include_str!("recorded/local/pod.yaml")).unwrap();
        lab.shell.write_file("pool.yaml", include_str!("recorded/local/pool.yaml")).unwrap();
        lab.shell.write_file("sets.yaml", include_str!("recorded/local/sets.yaml")).unwrap();
        if !case.before.is_empty() {
            let out = lab.run(&case.before);
            assert_eq!(out.exit, 0, "{}: {}", case.before, out.stderr);
        }
        let out = lab.run(&case.command);
        let trim = |t: &str| t.trim_end_matches('\n').to_owned();
        if (out.exit, trim(&out.stdout), trim(&out.stderr)) != (case.exit, trim(&case.stdout), trim(&case.stderr)) {
            wrong.push(format!(
                "$ {}\nexit {} wanted {}\n--- out\n{}--- wanted\n{}--- err\n{}--- wanted\n{}",
                case.command, out.exit, case.exit, out.stdout, case.stdout, out.stderr, case.stderr
            ));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n\n"));
}
