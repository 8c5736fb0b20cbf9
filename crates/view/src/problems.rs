//! What an editor marks: problems of a text of manifests, each with its place.

use crate::Lang;
use engine::Era;
use objects::collections::Order as _;
use objects::yaml::{self, Document, Span, diagnose};
use objects::{DocExt, Kind, Validation, admit, schema};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    Error,
    Warning,
}

impl Severity {
    pub fn token(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }
}

/// A mending that one click does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fix {
    StripRemarks,
    Normalise,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// From 1; columns in characters.
    pub line: u32,
    pub column: u32,
    /// End on the same line; 0 means the end of the line.
    pub end_column: u32,
    pub severity: Severity,
    /// Path such as `spec.requirements[0].operator`; empty where there is none.
    pub path: String,
    pub message: String,
    pub fix: Option<Fix>,
}

/// Most problems listed.
pub const SHOWN: usize = 50;

/// Problems in reading order.
pub fn of(text: &str, era: Era, lang: Lang) -> Vec<Problem> {
    let mut out = Vec::new();
    for hidden in diagnose::hidden_characters(text) {
        out.push(Problem {
            line: hidden.line,
            column: hidden.column,
            end_column: hidden.column + 1,
            severity: Severity::Error,
            path: String::new(),
            message: format!(
                "{} (U+{:04X}, {})",
                lang.pick("보통 글자처럼 보이지만 다른 글자예요", "looks like an ordinary character and is not"),
                u32::from(hidden.found),
                hidden.name
            ),
            fix: Some(Fix::Normalise),
        });
    }
    if let Some((_, lines)) = diagnose::strip_remarks(text) {
        for line in lines {
            let row = text.lines().nth(line.saturating_sub(1) as usize).unwrap_or_default();
            let column = row.find("//").map_or(1, |at| row.get(..at).map_or(1, |s| s.chars().count() as u32 + 1));
            out.push(Problem {
                line,
                column,
                end_column: 0,
                severity: Severity::Error,
                path: String::new(),
                message: lang
                    .pick(
                        "YAML 주석은 `#`입니다. `//` 뒤의 글은 값의 일부가 돼요.",
                        "YAML comments begin with `#`; what follows `//` becomes part of the value",
                    )
                    .to_owned(),
                fix: Some(Fix::StripRemarks),
            });
        }
    }
    let stream = yaml::parse(text);
    for document in &stream.documents {
        check(document, era, &mut out);
    }
    if let Some(e) = stream.error {
        out.push(Problem {
            line: e.line.max(1),
            column: e.column.max(1),
            end_column: 0,
            severity: Severity::Error,
            path: String::new(),
            message: e.text,
            fix: None,
        });
    }
    out.order_by_key(|p| (p.line, p.column));
    out.truncate(SHOWN);
    out
}

fn check(document: &Document, era: Era, out: &mut Vec<Problem>) {
    let value = &document.value;
    let (version, name) = (value.str_at("apiVersion").unwrap_or_default(), value.str_at("kind").unwrap_or_default());
    let Some(kind) = Kind::of(version, name).filter(|k| k.served_in(era)) else {
        let message = format!("no matches for kind \"{name}\" in version \"{version}\"");
        let path = if value.str_at("kind").is_some() { "kind" } else { "" };
        out.push(place(document, path, message));
        return;
    };
    if let Err(error) = admit(kind, value.clone(), None, era, Validation::Strict) {
        if error.causes.is_empty() {
            out.push(place(document, "", error.message));
        } else {
            // `<nil>` is the server's remark that further rules were not looked at.
            let causes = error.causes.into_iter().filter(|(path, _)| path != "<nil>");
            out.extend(causes.map(|(path, message)| {
                let meant = (message == "unknown field").then(|| schema::suggest(kind, &path)).flatten();
                let message = match meant {
                    Some(name) => format!("{message}, did you mean \"{name}\"?"),
                    None => message,
                };
                place(document, &path, message)
            }));
        }
    }
}

/// Marks the value at `path`, or its nearest ancestor that the text has.
fn place(document: &Document, path: &str, message: String) -> Problem {
    let mut at = path;
    let span = loop {
        let found = document.key_span(at).or_else(|| document.span(at)).filter(|_| !at.is_empty());
        match (found, at.rfind(['.', '['])) {
            (Some(span), _) => break Some(span),
            (None, Some(cut)) => at = at.get(..cut).unwrap_or_default(),
            (None, None) => break None,
        }
    };
    let Span { start, end } = span.unwrap_or(Span { start: document.root.span.start, end: document.root.span.start });
    Problem {
        line: start.line.max(1),
        column: start.column.max(1),
        end_column: if end.line == start.line { end.column } else { 0 },
        severity: Severity::Error,
        path: path.to_owned(),
        message,
        fix: None,
    }
}

/// The text after a mending.
pub fn mend(text: &str, fix: Fix) -> String {
    match fix {
        Fix::StripRemarks => diagnose::strip_remarks(text).map_or_else(|| text.to_owned(), |(fixed, _)| fixed),
        Fix::Normalise => diagnose::normalise(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: inflate\nspec:\n  replicas: 0\n  selector:\n    matchLabels: {app: inflate}\n  template:\n    metadata:\n      labels: {app: inflate}\n    spec:\n      containers: [{name: a, image: b}]\n";

    #[test]
    fn a_good_text_has_none() {
        assert_eq!(of(GOOD, Era::V1alpha5, Lang::En), vec![]);
    }

    #[test]
    fn a_misspelt_field_names_the_one_that_was_meant() {
        let found = of(&GOOD.replace("replicas: 0", "replicaz: 0"), Era::V1alpha5, Lang::En);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].message, "unknown field, did you mean \"replicas\"?");
        assert_eq!((found[0].line, found[0].column), (6, 3));
    }

    #[test]
    fn remarks_are_found_and_mended() {
        let bad = GOOD.replace("replicas: 0", "replicas: 0    // no pods");
        let found = of(&bad, Era::V1alpha5, Lang::Ko);
        let remark = found.iter().find(|p| p.fix == Some(Fix::StripRemarks)).unwrap();
        assert_eq!((remark.line, remark.column), (6, 18));
        assert_eq!(of(&mend(&bad, Fix::StripRemarks), Era::V1alpha5, Lang::Ko), vec![]);
    }

    #[test]
    fn kinds_of_another_era_and_bad_yaml_have_places() {
        let other = of("apiVersion: karpenter.sh/v1\nkind: NodePool\n", Era::V1alpha5, Lang::En);
        assert_eq!(other.first().map(|p| p.line), Some(2));
        let bad = of("a: [1\nb: 2\n", Era::V1alpha5, Lang::En);
        assert!(bad.iter().any(|p| p.severity == Severity::Error && p.line >= 1));
    }
}
