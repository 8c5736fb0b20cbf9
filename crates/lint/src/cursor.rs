//! Where in a document a place is, by indentation alone: while somebody types, a text is rarely YAML.

use crate::finding::{Lines, Range, Spot, width};
use objects::Kind;

/// What would be written at the place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// A key of the object at the path, or an item of the list that the path ends in.
    Word,
    /// The value of this key of the object at the path.
    Value(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub kind: Option<Kind>,
    /// Path of the object or list item around the place, with indices.
    pub path: String,
    pub role: Role,
    /// What stands between the word's start and the place, without quotes.
    pub prefix: String,
    /// The whole word, without quotes.
    pub word: String,
    /// The word's range.
    pub range: Range,
    /// Keys with their one-line values beside the place.
    pub siblings: Vec<(String, String)>,
    /// Of an item of a list: keys with their values beside the list.
    pub beside_list: Vec<(String, String)>,
    /// Column of the word in characters, from 0: where a key's own block is indented from.
    pub indent: usize,
    /// Within `{}` or `[]`.
    pub flow: bool,
}

/// A line taken apart: columns in characters from 0.
#[derive(Clone, Debug, Default)]
struct Row<'a> {
    /// Columns of the list dashes.
    dashes: Vec<usize>,
    /// Column of what stands behind them.
    content: usize,
    key: Option<&'a str>,
    /// What stands behind the key, or the whole content.
    rest: &'a str,
    blank: bool,
}

impl Row<'_> {
    fn start(&self) -> usize {
        self.dashes.first().copied().unwrap_or(self.content)
    }
}

fn row(line: &str) -> Row<'_> {
    let mut body = line.trim_start();
    let mut column = line.chars().count() - body.chars().count();
    let mut row = Row { blank: body.is_empty() || body.starts_with('#'), ..Row::default() };
    while let Some(rest) = body.strip_prefix('-').filter(|r| r.is_empty() || r.starts_with(' ')) {
        row.dashes.push(column);
        let next = rest.trim_start();
        column += 1 + rest.chars().count() - next.chars().count();
        body = next;
    }
    row.content = column;
    row.rest = body;
    if let Some((key, rest)) = split_key(body) {
        row.key = Some(key);
        row.rest = rest;
    }
    row
}

/// A key and what stands behind its colon.
fn split_key(body: &str) -> Option<(&str, &str)> {
    if body.starts_with(['{', '[', '#']) {
        return None;
    }
    for (at, _) in body.match_indices(':') {
        let rest = body.get(at + 1..)?;
        if rest.is_empty() || rest.starts_with(' ') {
            let key = body.get(..at)?.trim().trim_matches(['"', '\'']);
            return Some((key, rest));
        }
    }
    None
}

/// The first and the last line of the document around a line.
fn document(lines: &Lines<'_>, line: u32) -> Option<(u32, u32)> {
    let separates = |l: u32| lines.get(l).starts_with("---");
    if separates(line) {
        return None;
    }
    let first = (1..line).rev().find(|l| separates(*l)).map_or(1, |l| l + 1);
    let last = (line + 1..=lines.count()).find(|l| separates(*l)).map_or(lines.count(), |l| l - 1);
    Some((first, last))
}

/// The kind that the document's top lines name.
fn kind_of(lines: &Lines<'_>, first: u32, last: u32) -> Option<Kind> {
    let top = |name: &str| {
        (first..=last).find_map(|l| {
            let row = row(lines.get(l));
            (row.content == 0 && row.dashes.is_empty() && row.key == Some(name)).then(|| plain(row.rest).to_owned())
        })
    };
    Kind::of(&top("apiVersion")?, &top("kind")?)
}

/// A scalar of one line without quotes and comment.
fn plain(rest: &str) -> &str {
    let rest = rest.trim();
    let rest = rest.find(" #").map_or(rest, |at| rest.get(..at).unwrap_or(rest)).trim_end();
    rest.trim_matches(['"', '\''])
}

enum Step {
    Key(String),
    Item(usize),
}

/// What lies between the document's root and the content of `line`, innermost first. `None` inside a block of text.
fn steps(lines: &Lines<'_>, first: u32, line: u32, start: &Row<'_>) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    let (mut level, mut dashes, mut at) = (start.content, start.dashes.clone(), line);
    // Each round goes at least one dash or one line up.
    for _ in 0..10_000 {
        if let Some(dash) = dashes.pop() {
            let mut index = 0;
            let mut parent = None;
            if dashes.is_empty() {
                for l in (first..at).rev() {
                    let r = row(lines.get(l));
                    if r.blank {
                        continue;
                    }
                    if r.start() == dash && !r.dashes.is_empty() {
                        index += 1;
                    } else if r.start() <= dash {
                        parent = Some((l, r));
                        break;
                    }
                }
            }
            steps.push(Step::Item(index));
            match parent {
                Some((l, r)) => {
                    steps.push(Step::Key(r.key?.to_owned()));
                    (level, dashes, at) = (r.content, r.dashes, l);
                }
                None if dashes.is_empty() => return Some(steps),
                None => level = dash,
            }
            continue;
        }
        let mut found = None;
        for l in (first..at).rev() {
            let r = row(lines.get(l));
            if r.blank {
                continue;
            }
            if r.content == level && !r.dashes.is_empty() || r.content < level {
                found = Some((l, r));
                break;
            }
        }
        let Some((l, r)) = found else { return Some(steps) };
        if r.content < level {
            if matches!(r.rest.trim_start().chars().next(), Some('|' | '>')) {
                return None;
            }
            steps.push(Step::Key(r.key?.to_owned()));
        }
        (level, dashes, at) = (r.content, r.dashes, l);
    }
    None
}

fn path_of(steps: Vec<Step>) -> String {
    let mut path = String::new();
    for step in steps.into_iter().rev() {
        match step {
            Step::Key(name) => {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(&name);
            }
            Step::Item(index) => path.push_str(&format!("[{index}]")),
        }
    }
    path
}

/// The line whose key holds the list that `line` is an item of.
fn list_of<'a>(lines: &Lines<'a>, first: u32, line: u32, start: &Row<'_>) -> Option<(u32, Row<'a>)> {
    let dash = *start.dashes.first()?;
    let above = (first..line).rev().map(|l| (l, row(lines.get(l)))).filter(|(_, r)| !r.blank);
    above.into_iter().find(|(_, r)| r.start() < dash || r.start() == dash && r.dashes.is_empty())
}

/// Keys of the same block as the content of `line`.
fn siblings(lines: &Lines<'_>, first: u32, last: u32, line: u32, start: &Row<'_>) -> Vec<(String, String)> {
    let mut out = Vec::new();
    let mut take = |r: &Row<'_>| {
        if let Some(key) = r.key {
            out.push((key.to_owned(), plain(r.rest).to_owned()));
        }
    };
    if start.dashes.is_empty() {
        for l in (first..line).rev() {
            let r = row(lines.get(l));
            if r.blank || r.content > start.content {
                continue;
            }
            if r.content < start.content {
                break;
            }
            take(&r);
            if !r.dashes.is_empty() {
                break;
            }
        }
    }
    for l in line + 1..=last {
        let r = row(lines.get(l));
        if r.blank {
            continue;
        }
        if r.start() < start.content {
            break;
        }
        if r.content == start.content && r.dashes.is_empty() {
            take(&r);
        }
    }
    out
}

/// One level of `{}` or `[]`.
enum Flow {
    Map { key: Option<String>, seen: Vec<(String, String)> },
    List { index: usize },
}

/// Reads what stands in front of the place within braces: the levels that are open, and the word begun.
fn flow(text: &str) -> (Vec<Flow>, String) {
    let mut stack: Vec<Flow> = Vec::new();
    let mut token = String::new();
    let mut quote = None;
    for c in text.chars() {
        if let Some(q) = quote {
            if c == q {
                quote = None
            } else {
                token.push(c)
            }
            continue;
        }
        match c {
            '"' | '\'' => quote = Some(c),
            '{' => {
                stack.push(Flow::Map { key: None, seen: Vec::new() });
                token.clear();
            }
            '[' => {
                stack.push(Flow::List { index: 0 });
                token.clear();
            }
            '}' | ']' => {
                stack.pop();
                token.clear();
            }
            ',' => {
                match stack.last_mut() {
                    Some(Flow::Map { key, seen }) => {
                        if let Some(key) = key.take() {
                            seen.push((key, token.trim().to_owned()));
                        }
                    }
                    Some(Flow::List { index }) => *index += 1,
                    None => {}
                }
                token.clear();
            }
            ':' if matches!(stack.last(), Some(Flow::Map { key: None, .. })) => {
                if let Some(Flow::Map { key, .. }) = stack.last_mut() {
                    *key = Some(token.trim().to_owned());
                }
                token.clear();
            }
            c => token.push(c),
        }
    }
    (stack, token.trim_start().to_owned())
}

/// Reads the surroundings of a place; `None` where nothing can be said (comments, separators, blocks of text).
pub(crate) fn locate(text: &str, spot: Spot) -> Option<Cursor> {
    let lines = Lines::of(text);
    if spot.line == 0 || spot.line > lines.count() {
        return None;
    }
    let line = lines.get(spot.line);
    let before: String = line.chars().take(spot.column.saturating_sub(1) as usize).collect();
    let after: String = line.chars().skip(width(&before) as usize).collect();
    if before.trim_start().starts_with('#') || before.contains(" #") {
        return None;
    }
    let (first, last) = document(&lines, spot.line)?;
    let mut here = row(&before);
    if here.rest.is_empty() && here.key.is_none() && here.dashes.is_empty() {
        here.content = before.chars().count();
    }
    let mut path = path_of(steps(&lines, first, spot.line, &here)?);
    let mut beside = siblings(&lines, first, last, spot.line, &here);
    let beside_list =
        list_of(&lines, first, spot.line, &here).map_or_else(Vec::new, |(line, row)| siblings(&lines, first, last, line, &row));
    let mut indent = here.content;
    let (mut role, mut prefix) = match here.key {
        Some(key) => (Role::Value(key.to_owned()), here.rest.trim_start().to_owned()),
        None => (Role::Word, here.rest.to_owned()),
    };
    let mut inside = false;
    if prefix.starts_with(['{', '[']) {
        let (stack, token) = flow(&prefix);
        if !stack.is_empty() {
            inside = true;
            if let Role::Value(key) = &role {
                path = join(&path, key);
            }
            role = Role::Word;
            let depth = stack.len();
            for (i, level) in stack.into_iter().enumerate() {
                let innermost = i + 1 == depth;
                match level {
                    Flow::Map { key, seen } if innermost => {
                        role = key.map_or(Role::Word, Role::Value);
                        beside = seen;
                    }
                    Flow::Map { key, seen } => {
                        path = join(&path, &key.unwrap_or_default());
                        beside = seen;
                    }
                    Flow::List { index } => path.push_str(&format!("[{index}]")),
                }
            }
            prefix = token;
            indent = before.chars().count() - prefix.chars().count();
        }
    }
    let bare = prefix.trim_start_matches(['"', '\'']).to_owned();
    let is_word = |c: &char| c.is_alphanumeric() || "-_./@%*".contains(*c);
    let rest: String = if after.starts_with([' ', ',']) { String::new() } else { after.chars().take_while(is_word).collect() };
    let from = width(&before) - width(&bare) + 1;
    let range = Range::within(spot.line, from, width(&before) + width(&rest) + 1);
    Some(Cursor {
        kind: kind_of(&lines, first, last),
        path,
        role,
        word: format!("{bare}{rest}"),
        prefix: bare,
        range,
        siblings: beside,
        beside_list,
        indent,
        flow: inside,
    })
}

/// The end of the word that a place stands in or in front of.
pub(crate) fn word_end(text: &str, spot: Spot) -> Spot {
    let line = Lines::of(text);
    let rest = line.get(spot.line).chars().skip(spot.column.saturating_sub(1) as usize);
    let more = rest.take_while(|c| c.is_alphanumeric() || "-_./@%*".contains(*c)).count();
    Spot::new(spot.line, spot.column.saturating_add(u32::try_from(more).unwrap_or(0)))
}

pub(crate) fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `|` marks the place.
    fn at(text: &str) -> Option<(String, Role, String)> {
        let mark = text.find('|').unwrap();
        let before = &text[..mark];
        let line = u32::try_from(before.matches('\n').count()).unwrap() + 1;
        let column = width(before.rsplit('\n').next().unwrap()) + 1;
        locate(&text.replacen('|', "", 1), Spot::new(line, column)).map(|c| (c.path, c.role, c.prefix))
    }

    #[test]
    fn finds_the_place_by_indentation() {
        let word = |path: &str, prefix: &str| Some((path.to_owned(), Role::Word, prefix.to_owned()));
        let value = |path: &str, key: &str, prefix: &str| Some((path.to_owned(), Role::Value(key.into()), prefix.to_owned()));
        for (text, want) in [
            ("ki|", word("", "ki")),
            ("a: 1\nspec:\n  re|\n", word("spec", "re")),
            ("spec:\n  replicas: |", value("spec", "replicas", "")),
            ("spec:\n  list:\n  - a: 1\n  - b: x|\n", value("spec.list[1]", "b", "x")),
            ("spec:\n  list:\n    - a: 1\n      c|\n", word("spec.list[0]", "c")),
            ("spec:\n  list:\n    - a\n    - \"b|\"\n", word("spec.list[1]", "b")),
            ("- |", word("[0]", "")),
            ("a:\n  b:\n    c: 1\n  |", word("a", "")),
            ("r:\n  - {key: zone, operator: |", value("r[0]", "operator", "")),
            ("r:\n  - {key: zone, values: [a, b|", word("r[0].values[1]", "b")),
            ("r:\n  - key: zone\n    values: [\"x|\"]", word("r[0].values[0]", "x")),
            ("a: 1\n---\nspec:\n  x|", word("spec", "x")),
            ("x: |-\n", value("", "x", "")),
        ] {
            assert_eq!(at(text), want, "{text}");
        }
        assert_eq!(at("a: 1 # x|"), None);
        assert_eq!(locate("d: |\n  text\n", Spot::new(2, 4)), None);
    }

    #[test]
    fn knows_what_stands_beside() {
        let text = "spec:\n  requirements:\n    - key: zone\n      operator: In\n      values: []\n    - key: b\n";
        let cursor = locate(text, Spot::new(5, 16)).unwrap();
        let beside: Vec<&str> = cursor.siblings.iter().map(|(k, _)| k.as_str()).collect();
        assert_eq!(beside, ["operator", "key"]);
    }
}
