//! Everything an editor can say about a manifest before it is applied: places and messages.

use crate::schema::suggest;
use crate::yaml::diagnose::{hidden_characters, strip_remarks};
use crate::yaml::{Document, Pos, Span, parse};
use crate::{DocExt, Era, Kind, Validation, admit};

/// What a problem is about, for words in the reader's language and for a repair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// The text is no YAML.
    Syntax,
    /// A `// remark` that YAML takes for a part of the value; repaired by [`strip_remarks`].
    Remark,
    /// A character that only looks ordinary; repaired by [`crate::yaml::diagnose::normalise`].
    Hidden,
    /// The era's server does not serve this kind; `convertible` where the other era's kind can be converted.
    UnknownKind { convertible: bool },
    /// A field that does not exist, and the one that was probably meant.
    UnknownField { suggestion: Option<&'static str> },
    /// A value the server refuses.
    Refused,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub kind: ProblemKind,
    pub span: Span,
    /// Field path, where the problem has one.
    pub path: String,
    /// The server's (or kubectl's) words.
    pub message: String,
}

/// All problems of `text` in order of their places. Nothing is applied; rules that need the cluster are not checked.
pub fn lint(text: &str, era: Era) -> Vec<Problem> {
    let mut problems = Vec::new();
    let at = |line: u32, column: u32, length: u32| {
        let start = Pos { line, column, offset: 0 };
        Span { start, end: Pos { column: column.saturating_add(length), ..start } }
    };
    for line in strip_remarks(text).map(|(_, lines)| lines).unwrap_or_default() {
        let row = text.lines().nth(line.saturating_sub(1) as usize).unwrap_or_default();
        let column = row.find("//").and_then(|b| row.get(..b)).map_or(0, |before| before.chars().count());
        let length = row.chars().count().saturating_sub(column);
        let span = at(line, u32::try_from(column).unwrap_or(0) + 1, u32::try_from(length).unwrap_or(0));
        let message = "YAML comments start with #".to_owned();
        problems.push(Problem { kind: ProblemKind::Remark, span, path: String::new(), message });
    }
    for h in hidden_characters(text) {
        let message = format!("{} (U+{:04X})", h.name, u32::from(h.found));
        problems.push(Problem { kind: ProblemKind::Hidden, span: at(h.line, h.column, 1), path: String::new(), message });
    }
    let stream = parse(text);
    for document in &stream.documents {
        check(document, era, &mut problems);
    }
    if let Some(e) = stream.error {
        let span = at(e.line.max(1), e.column.max(1), 1);
        problems.push(Problem { kind: ProblemKind::Syntax, span, path: String::new(), message: e.text });
    }
    problems.sort_by_key(|p| (p.span.start.line, p.span.start.column));
    problems
}

fn check(document: &Document, era: Era, problems: &mut Vec<Problem>) {
    let doc = &document.value;
    let (version, name) = (doc.str_at("apiVersion").unwrap_or_default(), doc.str_at("kind").unwrap_or_default());
    let span_of = |path: &str| document.key_span(path).or_else(|| document.span(path));
    let Some(kind) = Kind::of(version, name).filter(|k| k.served_in(era)) else {
        let convertible = Kind::of(version, name).is_some_and(|k| crate::convert::convert(k, doc).is_some());
        let message = format!("no matches for kind \"{name}\" in version \"{version}\"");
        let span = span_of("kind").unwrap_or(document.root.span);
        problems.push(Problem { kind: ProblemKind::UnknownKind { convertible }, span, path: "kind".to_owned(), message });
        return;
    };
    let Err(error) = admit(kind, doc.clone(), None, era, Validation::Strict) else { return };
    if error.causes.is_empty() {
        let message = error.message;
        problems.push(Problem { kind: ProblemKind::Refused, span: document.root.span, path: String::new(), message });
        return;
    }
    for (path, body) in error.causes.iter().filter(|(path, _)| path != "<nil>") {
        // A missing field has no place of its own: its parent is marked.
        let mut place = path.as_str();
        let span = loop {
            if let Some(span) = span_of(place) {
                break span;
            }
            match place.rfind(['.', '[']) {
                Some(cut) => place = place.get(..cut).unwrap_or_default(),
                None => break document.root.span,
            }
        };
        let kind = if body == "unknown field" {
            ProblemKind::UnknownField { suggestion: suggest(kind, path) }
        } else {
            ProblemKind::Refused
        };
        let message = if body == "unknown field" { format!("unknown field \"{path}\"") } else { format!("{path}: {body}") };
        problems.push(Problem { kind, span, path: path.clone(), message });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, want: &[(u32, u32, ProblemKind)]) {
        let got: Vec<_> =
            lint(text, Era::V1alpha5).into_iter().map(|p| (p.span.start.line, p.span.start.column, p.kind)).collect();
        assert_eq!(got, want, "{text}");
    }

    #[test]
    fn points_at_problems() {
        let head = "apiVersion: karpenter.sh/v1alpha5\nkind: Provisioner\nmetadata: {name: x}\n";
        let ok = format!("{head}spec:\n  providerRef: {{name: d}}\n");
        check(&ok, &[]);
        check(&format!("{ok}  consolidaton: {{}}\n"), &[(6, 3, ProblemKind::UnknownField { suggestion: Some("consolidation") })]);
        check(
            &format!("{ok}  ttlSecondsAfterEmpty: 30\n  consolidation:\n    enabled: true\n"),
            &[(6, 3, ProblemKind::Refused), (8, 5, ProblemKind::Refused)],
        );
        check(&format!("{ok}  weight: 1   // x\n"), &[(6, 3, ProblemKind::Refused), (6, 15, ProblemKind::Remark)]);
        check("a: b\n c: d\n", &[(1, 1, ProblemKind::UnknownKind { convertible: false }), (2, 3, ProblemKind::Syntax)][1..]);
        check(
            "apiVersion: karpenter.sh/v1\nkind: NodePool\nmetadata: {name: x}\n",
            &[(2, 1, ProblemKind::UnknownKind { convertible: true })],
        );
        check("apiVersion:\u{a0}v1\n", &[(1, 1, ProblemKind::UnknownKind { convertible: false }), (1, 12, ProblemKind::Hidden)]);
    }
}
