//! What is the recording's own is taken off both sides before they are compared; tests/kubectl/README.md lists it.
//!
//! Names that were drawn have other lengths here, and so the columns of tables other widths: within a line, runs of two
//! spaces and more become two. Rows of drawn names come in another order, so that neighbouring ones are put in order.

use regex_lite::Regex;
use std::sync::OnceLock;

/// Letters and digits of generated suffixes (apimachinery's `rand.SafeEncodeString`).
const DRAWN: &str = "[bcdfghjklmnpqrstvwxz2456789]";

/// Patterns and what they become, in order.
fn rules() -> &'static [(Regex, &'static str)] {
    static RULES: OnceLock<Vec<(Regex, &'static str)>> = OnceLock::new();
    RULES.get_or_init(|| {
        let table = [
            (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)".to_owned(), "TIME"),
            (r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), ?\d\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}".to_owned(), "TIME"),
            (r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun) \w{3} +\d+ \d\d:\d\d:\d\d (AM |PM )?UTC \d{4}".to_owned(), "TIME"),
            (r"([EIW])\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ ".to_owned(), "${1}TIME PID "),
            (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}".to_owned(), "UID"),
            (r#"([rR]esource ?[vV]ersion"?: *"?)\d+"#.to_owned(), "${1}VERSION"),
            (r#""duration":"[0-9.]+[a-zµ]+""#.to_owned(), r#""duration":"DURATION""#),
            (r"kwok-[a-z0-9-]+-[a-z]+-\d+-[a-z0-9]{10}-\d+".to_owned(), "NODE"),
            (format!(r"-{DRAWN}{{8,10}}-{DRAWN}{{5}}\b"), "-HASH-DRAWN"),
            (format!(r"-{DRAWN}{{8,10}}\b"), "-HASH"),
            (format!(r"pod-template-hash([=:] *){DRAWN}{{8,10}}\b"), "pod-template-hash${1}HASH"),
            (format!(r"-{DRAWN}{{5}}\b"), "-DRAWN"),
            (r"\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b".to_owned(), "ADDRESS"),
            (r"\b\d{16,20}\b".to_owned(), "NUMBER"),
            (r"\.[0-9a-f]{16}\b".to_owned(), ".SERIES"),
        ];
        table.into_iter().filter_map(|(pattern, to)| Some((Regex::new(&pattern).ok()?, to))).collect()
    })
}

/// The text as it is compared.
pub fn normal(text: &str) -> String {
    let aged = ages(text);
    let plain = rules().iter().fold(aged, |text, (pattern, to)| pattern.replace_all(&text, *to).into_owned());
    let lines: Vec<String> = plain.lines().map(squeeze).collect();
    in_order(lines).join("\n")
}

/// Whether a cell is an age: `5s`, `3m20s`, `4d`, `12s (x3 over 2m)`.
fn is_age(cell: &str) -> bool {
    let first = cell.split_once(" (x").map_or(cell, |(age, _)| age);
    let mut digits = false;
    let mut parts = 0;
    for c in first.chars() {
        match c {
            '0'..='9' => digits = true,
            'd' | 'h' | 'm' | 's' | 'y' if digits => {
                digits = false;
                parts += 1;
            }
            _ => return false,
        }
    }
    parts > 0 && !digits
}

/// Ages are what stands below `AGE`, `Age` or `LAST SEEN`; the column ends where the next title begins.
fn ages(text: &str) -> String {
    let mut columns: Vec<(usize, Option<usize>)> = Vec::new();
    let mut out = String::new();
    for line in text.split_inclusive('\n') {
        let body = line.trim_end_matches('\n');
        let titles = titles(body);
        if titles.iter().any(|(_, t)| matches!(*t, "AGE" | "Age" | "LAST SEEN" | "FIRST SEEN")) {
            columns.clear();
            for (at, (start, title)) in titles.iter().enumerate() {
                if matches!(*title, "AGE" | "Age" | "LAST SEEN" | "FIRST SEEN") {
                    columns.push((*start, titles.get(at + 1).map(|(next, _)| *next)));
                }
            }
        } else if body.trim().is_empty() {
            columns.clear();
        }
        let mut chars: Vec<char> = body.chars().collect();
        for (start, end) in columns.iter().rev() {
            let end = end.unwrap_or(chars.len()).min(chars.len());
            let cell: String = chars.get(*start..end).unwrap_or_default().iter().collect();
            if is_age(cell.trim()) {
                chars.splice(*start..end, "<age>  ".chars());
            }
        }
        out.extend(chars);
        if line.ends_with('\n') {
            out.push('\n');
        }
    }
    out
}

/// Column titles, which two spaces and more part, with where they begin.
fn titles(line: &str) -> Vec<(usize, &str)> {
    let mut out = Vec::new();
    let mut at = 0;
    for part in line.split("  ") {
        let word = part.trim();
        if !word.is_empty() {
            let lead = part.len() - part.trim_start().len();
            out.push((line.get(..at + lead).map_or(0, |before| before.chars().count()), word));
        }
        at += part.len() + 2;
    }
    out
}

fn squeeze(line: &str) -> String {
    let body = line.trim_start_matches(' ');
    let indent = line.len() - body.len();
    let mut out = " ".repeat(indent);
    let cells: Vec<&str> = body.split("  ").map(str::trim).filter(|c| !c.is_empty()).collect();
    // Rules below titles are as wide as their column.
    let cells = cells.into_iter().map(|c| if c.chars().all(|c| c == '-') && c.len() > 3 { "---" } else { c });
    out.push_str(&cells.collect::<Vec<_>>().join("  "));
    out.trim_end().to_owned()
}

/// Neighbouring table rows that carry drawn names, in order; rows of events once each, for how often an attempt was
/// repeated hangs on the pace of the machine.
fn in_order(lines: Vec<String>) -> Vec<String> {
    let is_drawn = |l: &String| {
        let row = l.contains("  ") && !l.starts_with(' ') && !l.starts_with('{');
        row && (l.contains("-DRAWN") || l.contains("NODE") || l.contains("-HASH"))
    };
    let is_events = lines.iter().any(|l| l.starts_with("LAST SEEN  ") || l.contains("  LAST SEEN  "));
    let mut out: Vec<String> = Vec::new();
    let mut run: Vec<String> = Vec::new();
    for line in lines {
        let row = is_drawn(&line) || is_events && line.contains("<age>");
        if row {
            run.push(line);
            continue;
        }
        run.sort();
        out.append(&mut run);
        out.push(line);
    }
    run.sort();
    out.append(&mut run);
    if is_events {
        out.dedup();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_off_what_was_drawn_and_nothing_else() {
        let check = |text: &str, want: &str| assert_eq!(normal(text), want, "{text}");
        check("NAME      AGE\nb-7chnx   12s\na         3m5s\n", "NAME  AGE\nb-DRAWN  <age>\na  <age>");
        check("NAME   AGE   VERSION\na      12s   v1.35.4\n", "NAME  AGE  VERSION\na  <age>  v1.35.4");
        check("  consolidateAfter: 30s\n", "  consolidateAfter: 30s");
        check("LAST SEEN         TYPE\n7s (x2 over 9s)   Normal\n7s                Normal\n", "LAST SEEN  TYPE\n<age>  Normal");
        check("uid: 04b0e902-e0ba-4e8c-aa02-f7b3e4b7306b", "uid: UID");
        check("inflate-5dc5cd9778-2zp6w on kwok-default-7chnx-legsriver-2-hpnen5tpli-466079817", "inflate-HASH-DRAWN on NODE");
        check("cpu: 1930m", "cpu: 1930m");
        check("deployment.apps/inflate created", "deployment.apps/inflate created");
        check("Resource Version:    2080", "Resource Version:  VERSION");
    }

    #[test]
    fn differences_stay() {
        assert_ne!(normal("READY\n1/1"), normal("READY\n0/1"));
        assert_ne!(normal("NAME   STATUS   AGE\na      Ready    1s"), normal("NAME   STATUS    AGE\na      Unknown   1s"));
    }
}
