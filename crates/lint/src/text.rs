//! Problems of the bare text: what web pages leave in copied YAML, and YAML that cannot be read.

use crate::code::{HIDDEN_CHARACTER, REMARK, SYNTAX, TAB};
use crate::finding::{Edit, Finding, Fix, Lines, Range, Spot, width};
use crate::say;
use objects::yaml::YamlError;
use objects::yaml::diagnose::{self, Hidden};
use view::Lang;

pub(crate) fn check(text: &str, lang: Lang) -> Vec<Finding> {
    let mut out = hidden(text, lang);
    remarks(text, lang, &mut out);
    tabs(text, lang, &mut out);
    out
}

fn hidden(text: &str, lang: Lang) -> Vec<Finding> {
    let found = diagnose::hidden_characters(text);
    let edit = |h: &Hidden| Edit { range: Range::within(h.line, h.column, h.column + 1), text: h.instead.to_owned() };
    let all: Vec<Edit> = found.iter().map(edit).collect();
    found
        .iter()
        .map(|h| {
            let (code, name) = (u32::from(h.found), h.name);
            let message = say!(
                lang,
                "보통 글자처럼 보이지만 다른 글자예요 (U+{code:04X}, {name})",
                "looks like an ordinary character and is not (U+{code:04X}, {name})"
            );
            let one = Fix { title: say!(lang, "이 글자 바꾸기", "Replace this character"), edits: vec![edit(h)] };
            let every = Fix { title: say!(lang, "숨은 글자 모두 바꾸기", "Replace all of them"), edits: all.clone() };
            let fixes = if found.len() > 1 { vec![one, every] } else { vec![one] };
            Finding { fixes, ..Finding::new(&HIDDEN_CHARACTER, Range::within(h.line, h.column, h.column + 1), message) }
        })
        .collect()
}

fn remarks(text: &str, lang: Lang, out: &mut Vec<Finding>) {
    let Some((stripped, lines)) = diagnose::strip_remarks(text) else { return };
    let index = Lines::of(text);
    // What was cut off each line: the lines that are left, in order, are beginnings of those that were there.
    let mut left = stripped.lines();
    let mut cuts: Vec<(u32, u32)> = Vec::new();
    for line in 1..=index.count() {
        let row = index.get(line);
        if !lines.contains(&line) {
            let _ = left.next();
            continue;
        }
        let kept = if row.trim_start().starts_with("//") { "" } else { left.next().unwrap_or_default() };
        let rest: String = row.chars().skip(width(kept) as usize).collect();
        cuts.push((line, width(row) - width(rest.trim_start()) + 1));
    }
    // Commented out rather than cut, so that nothing is lost.
    let edit = |line: u32, column: u32| Edit { range: Range::within(line, column, column + 2), text: "#".to_owned() };
    let all: Vec<Edit> = cuts.iter().map(|(line, column)| edit(*line, *column)).collect();
    for (line, column) in &cuts {
        let title = say!(lang, "`#` 주석으로 바꾸기", "Make it a `#` comment");
        let one = Fix { title, edits: vec![edit(*line, *column)] };
        let every = Fix { title: say!(lang, "`//` 주석 모두 바꾸기", "Make all of them comments"), edits: all.clone() };
        let fixes = if cuts.len() > 1 { vec![one, every] } else { vec![one] };
        let message = say!(
            lang,
            "YAML 주석은 `#`입니다. `//` 뒤의 글은 값의 일부가 돼요.",
            "YAML comments begin with `#`; what follows `//` becomes part of the value"
        );
        let range = Range::within(*line, *column, width(index.get(*line)) + 1);
        out.push(Finding { fixes, ..Finding::new(&REMARK, range, message) });
    }
}

/// Tabs where YAML wants spaces: in front of a line's first word.
fn tabs(text: &str, lang: Lang, out: &mut Vec<Finding>) {
    if text.trim_start().starts_with('{') {
        return;
    }
    let mut found: Vec<(Range, Edit)> = Vec::new();
    for (line, row) in (1u32..).zip(text.lines()) {
        let indent = row.get(..row.len() - row.trim_start().len()).unwrap_or_default();
        if let Some(at) = indent.find('\t').filter(|_| !row.trim().is_empty()) {
            let column = width(indent.get(..at).unwrap_or_default()) + 1;
            let edit = Edit { range: Range::within(line, 1, width(indent) + 1), text: indent.replace('\t', "  ") };
            found.push((Range::within(line, column, column + 1), edit));
        }
    }
    let all: Vec<Edit> = found.iter().map(|(_, e)| e.clone()).collect();
    for (range, _) in &found {
        let message = say!(lang, "YAML 들여쓰기에는 탭을 쓸 수 없어요", "YAML is indented by spaces; tabs are not allowed");
        let fix =
            Fix { title: say!(lang, "탭을 빈칸 두 개로 바꾸기", "Turn tabs into two spaces"), edits: all.clone() };
        out.push(Finding { fixes: vec![fix], ..Finding::new(&TAB, *range, message) });
    }
}

/// What keeps the text from being read.
pub(crate) fn syntax(text: &str, error: &YamlError, lang: Lang) -> Finding {
    let index = Lines::of(text);
    let line = error.line.clamp(1, index.count());
    let end = width(index.get(line)) + 1;
    let start = Spot::new(line, error.column.clamp(1, end));
    let why = error.text.rsplit(": ").next().unwrap_or(&error.text);
    let message = say!(lang, "여기부터는 YAML로 읽을 수 없어요: {why}", "this cannot be read as YAML: {why}");
    Finding { server: Some(error.text.clone()), ..Finding::new(&SYNTAX, Range::new(start, Spot::new(line, end)), message) }
}
