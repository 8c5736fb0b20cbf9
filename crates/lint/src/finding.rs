//! A problem, where it is, and how to mend it.

use crate::code::{Code, Severity};
use objects::collections::Order as _;
use objects::yaml::{Pos, Span};

/// A place: line and column from 1, columns in characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot {
    pub line: u32,
    pub column: u32,
}

impl Spot {
    pub fn new(line: u32, column: u32) -> Spot {
        Spot { line, column }
    }
}

impl From<Pos> for Spot {
    fn from(p: Pos) -> Spot {
        Spot { line: p.line.max(1), column: p.column.max(1) }
    }
}

/// From the first character to just behind the last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Range {
    pub start: Spot,
    pub end: Spot,
}

impl Range {
    pub fn new(start: Spot, end: Spot) -> Range {
        Range { start, end: end.max(start) }
    }

    /// A piece of one line.
    pub fn within(line: u32, from: u32, to: u32) -> Range {
        Range::new(Spot::new(line, from), Spot::new(line, to))
    }
}

impl From<Span> for Range {
    fn from(s: Span) -> Range {
        Range::new(s.start.into(), s.end.into())
    }
}

/// A replacement of one range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    pub range: Range,
    pub text: String,
}

/// One way to mend a problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What it does, for a button.
    pub title: String,
    /// Ranges that do not overlap.
    pub edits: Vec<Edit>,
}

impl Fix {
    pub fn replace(title: String, range: Range, text: impl Into<String>) -> Fix {
        Fix { title, edits: vec![Edit { range, text: text.into() }] }
    }
}

/// A problem of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    pub code: &'static Code,
    pub severity: Severity,
    pub range: Range,
    /// Which document of the text, from 0; `None` where it belongs to none.
    pub document: Option<usize>,
    /// Path such as `spec.requirements[0].operator`; empty where there is none.
    pub path: String,
    /// A sentence for people.
    pub message: String,
    /// What the API server says to the same, word by word, where it says something.
    pub server: Option<String>,
    pub fixes: Vec<Fix>,
}

impl Finding {
    pub fn new(code: &'static Code, range: Range, message: String) -> Finding {
        Finding {
            code,
            severity: code.severity,
            range,
            document: None,
            path: String::new(),
            message,
            server: None,
            fixes: Vec::new(),
        }
    }
}

/// The text after `edits`; places outside it mean its end.
pub fn apply(text: &str, edits: &[Edit]) -> String {
    let lines = Lines::of(text);
    let mut sorted: Vec<(usize, usize, &str)> = edits
        .iter()
        .map(|e| {
            let (start, end) = (lines.byte(e.range.start), lines.byte(e.range.end));
            (start, end.max(start), e.text.as_str())
        })
        .collect();
    sorted.order_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)));
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for (start, end, new) in sorted {
        if start < at {
            continue;
        }
        out.push_str(text.get(at..start).unwrap_or_default());
        out.push_str(new);
        at = end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

/// Where the lines of a text begin.
pub(crate) struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub fn of(text: &'a str) -> Lines<'a> {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Lines { text, starts }
    }

    pub fn count(&self) -> u32 {
        u32::try_from(self.starts.len()).unwrap_or(u32::MAX)
    }

    /// A line without its end; empty beyond the last one.
    pub fn get(&self, line: u32) -> &'a str {
        let index = line.saturating_sub(1) as usize;
        let Some(start) = self.starts.get(index) else { return "" };
        let end = self.starts.get(index + 1).copied().unwrap_or(self.text.len());
        self.text.get(*start..end).unwrap_or_default().trim_end_matches(['\n', '\r'])
    }

    /// The byte at a place, at most the end of its line.
    pub fn byte(&self, spot: Spot) -> usize {
        let index = spot.line.saturating_sub(1) as usize;
        let Some(start) = self.starts.get(index).copied() else { return self.text.len() };
        let line = self.get(spot.line);
        // A place behind a line's last character may mean the start of the next line only when asked by line.
        let within = line.char_indices().nth(spot.column.saturating_sub(1) as usize).map_or(line.len(), |(at, _)| at);
        start + within
    }

    /// Whole lines, `to` not included.
    pub fn range(&self, from: u32, to: u32) -> Range {
        if to <= self.count() {
            Range::new(Spot::new(from, 1), Spot::new(to, 1))
        } else {
            let last = self.count();
            Range::new(Spot::new(from, 1), Spot::new(last, width(self.get(last)) + 1))
        }
    }
}

/// Characters of a text.
pub(crate) fn width(text: &str) -> u32 {
    u32::try_from(text.chars().count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_replace_their_ranges() {
        let text = "가나: 1\nb: 2\n";
        let edit = |r, t: &str| Edit { range: r, text: t.to_owned() };
        assert_eq!(apply(text, &[edit(Range::within(2, 4, 5), "3"), edit(Range::within(1, 1, 3), "a")]), "a: 1\nb: 3\n");
        assert_eq!(apply(text, &[edit(Lines::of(text).range(1, 2), "")]), "b: 2\n");
        assert_eq!(apply(text, &[edit(Range::within(9, 9, 10), "x")]), "가나: 1\nb: 2\nx");
    }
}
