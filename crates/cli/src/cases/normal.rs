//! What is the recording's own is taken off both sides before they are compared; tests/kubectl/README.md lists it.
//!
//! Names that were drawn have other lengths here, so that a column of a table which holds one has another width: that
//! column, and no other, is laid out anew. Rows of drawn names come in another order, and are put in order.

use super::order;
use super::table::Table;
use regex_lite::Regex;
use std::sync::OnceLock;

/// Letters and digits of generated suffixes (apimachinery's `rand.SafeEncodeString`).
const DRAWN: &str = "[bcdfghjklmnpqrstvwxz2456789]";

/// Titles of columns that hold ages.
const AGES: [&str; 4] = ["AGE", "Age", "LAST SEEN", "FIRST SEEN"];

/// Patterns and what they become, in order.
fn rules() -> &'static [(Regex, &'static str)] {
    static RULES: OnceLock<Vec<(Regex, &'static str)>> = OnceLock::new();
    RULES.get_or_init(|| {
        let table = [
            (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)".to_owned(), "TIME"),
            (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ [+-]\d{4}".to_owned(), "TIME"),
            (r"(/tmp|TMPDIR)(/(LIVE|MERGED)-\d+)?".to_owned(), "TMPDIR"),
            (r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), ?\d\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}".to_owned(), "TIME"),
            (r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun) \w{3} +\d+ \d\d:\d\d:\d\d (AM |PM )?UTC \d{4}".to_owned(), "TIME"),
            (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}".to_owned(), "UID"),
            (r#"([rR]esource ?[vV]ersion"?: *"?)\d+"#.to_owned(), "${1}VERSION"),
            (r#""duration":"[0-9.]+[a-zµ]+""#.to_owned(), r#""duration":"DURATION""#),
            (r"kwok-[a-z0-9-]+-[a-z]+-\d+-[a-z0-9]{10}-\d+".to_owned(), "NODE"),
            (r"\bvm_UID".to_owned(), "HOLDER"),
            (r"\bapiserver-[a-z2-7]{26}\b".to_owned(), "apiserver-HOST"),
            (r"X509SHA256=[0-9a-f]{64}".to_owned(), "X509SHA256=SUM"),
            (format!(r"-{DRAWN}{{8,10}}-{DRAWN}{{5}}\b"), "-HASH-DRAWN"),
            (format!(r"-{DRAWN}{{8,10}}\b"), "-HASH"),
            (format!(r"pod-template-hash([=:] *){DRAWN}{{8,10}}\b"), "pod-template-hash${1}HASH"),
            (format!(r"-{DRAWN}{{5}}\b"), "-DRAWN"),
            (r"\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b".to_owned(), "ADDRESS"),
            // The recording itself hides a part of it.
            (r"\bvm_holder-id\b".to_owned(), "vm_UID"),
            (r"\b[0-9a-f]{64}\b".to_owned(), "DIGEST"),
            // The provider takes any of the offerings at one price.
            (r"\bap-northeast-2[abc]\b".to_owned(), "ZONE"),
            (r"\b\d{16,20}\b".to_owned(), "NUMBER"),
            (r"\.[0-9a-f]{16}\b".to_owned(), ".SERIES"),
        ];
        table.into_iter().filter_map(|(pattern, to)| Some((Regex::new(&pattern).ok()?, to))).collect()
    })
}

/// What reaches over the blanks between columns: how a client begins a line of its own log (severity, date, time and
/// process), the version in a description, and who holds a lease.
fn of_lines() -> &'static [(Regex, &'static str)] {
    static RULES: OnceLock<Vec<(Regex, &'static str)>> = OnceLock::new();
    RULES.get_or_init(|| {
        let table = [
            (r"^([EIW])\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ ", "${1}TIME PID "),
            (r"^( *Resource Version: +)\d+$", "${1}VERSION"),
            // The recordings have this for the uid of kwok, with the blanks behind it as they were.
            ("vm_holder-id", "vm_00000000-0000-0000-0000-000000000000"),
        ];
        table.into_iter().filter_map(|(pattern, to)| Some((Regex::new(pattern).ok()?, to))).collect()
    })
}

fn plain(text: &str) -> String {
    rules().iter().fold(text.to_owned(), |text, (pattern, to)| pattern.replace_all(&text, *to).into_owned())
}

/// The text as it is compared.
pub fn normal(text: &str) -> String {
    let mut out: Vec<String> = Vec::new();
    let mut table = Table::default();
    let mut titles: Vec<String> = Vec::new();
    for line in text.split('\n') {
        let line = of_lines().iter().fold(line.to_owned(), |line, (pattern, to)| pattern.replace(&line, *to).into_owned());
        if table.take(&line) {
            continue;
        }
        out.append(&mut lay(std::mem::take(&mut table), &mut titles));
        if !table.take(&line) {
            titles.clear();
            out.push(plain(&line));
        }
    }
    out.append(&mut lay(table, &mut titles));
    order::of_requirements(order::of_rows(out)).join("\n")
}

/// Lines that follow a table in other columns have its titles: a watch prints them so.
fn lay(table: Table, titles: &mut Vec<String>) -> Vec<String> {
    if table.is_empty() {
        return Vec::new();
    }
    let own = table.titles();
    if own.len() != titles.len() || own.iter().any(|t| AGES.contains(&t.as_str())) {
        *titles = own;
    }
    table.with(|column, cell| match titles.get(column) {
        Some(title) if AGES.contains(&title.as_str()) && is_age(cell) => "<age>".to_owned(),
        _ => plain(cell),
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_off_what_was_drawn_and_nothing_else() {
        let check = |text: &str, want: &str| assert_eq!(normal(text), want, "{text}");
        check("NAME      AGE\nb-7chnx   12s\na         3m5s\n", "NAME      AGE\nb-DRAWN   <age>\na         <age>\n");
        check("NAME   AGE   VERSION\na      12s   v1.35.4\n", "NAME   AGE     VERSION\na      <age>   v1.35.4\n");
        check("  consolidateAfter: 30s\n", "  consolidateAfter: 30s\n");
        check(
            "LAST SEEN         TYPE\n7s (x2 over 9s)   Normal\n7s                Normal\n",
            "LAST SEEN   TYPE\n<age>       Normal\n",
        );
        check("uid: 04b0e902-e0ba-4e8c-aa02-f7b3e4b7306b", "uid: UID");
        check("inflate-5dc5cd9778-2zp6w on kwok-default-7chnx-legsriver-2-hpnen5tpli-466079817", "inflate-HASH-DRAWN on NODE");
        check("cpu: 1930m", "cpu: 1930m");
        check("deployment.apps/inflate created", "deployment.apps/inflate created");
        check("Resource Version:    2080", "Resource Version:    VERSION");
        check("E1123 20:58:13.120000   18374 memcache.go:265] x  y", "ETIME PID memcache.go:265] x  y");
        check(
            "evicting pod b\nevicting pod a\npod/b evicted\npod/a evicted\n",
            "evicting pod a\nevicting pod b\npod/a evicted\npod/b evicted\n",
        );
        check("NAME   AGE\na      5s\na-long-name   6s\n", "NAME   AGE\na      <age>\na-long-name   <age>\n");
    }

    #[test]
    fn differences_stay() {
        let differ = |a: &str, b: &str| assert_ne!(normal(a), normal(b), "{a}");
        differ("READY\n1/1", "READY\n0/1");
        differ("NAME   STATUS   AGE\na      Ready    1s", "NAME   STATUS    AGE\na      Unknown   1s");
        // One blank more between columns, at the end of a line, at the end of the text.
        differ("NAME      AGE\nb-7chnx   12s\n", "NAME       AGE\nb-7chnx    12s\n");
        differ("NAME   READY\nb      1/1\n", "NAME    READY\nb       1/1\n");
        differ("a   b\n", "a   b \n");
        differ("a\n", "a");
        differ("a  b   c\n", "a   b   c\n");
    }
}
