//! Text to documents: splits a stream as kubectl does and builds spanned trees from parser events.
//! Sources: k8s.io/apimachinery/pkg/util/yaml/decoder.go (splitting), sigs.k8s.io/yaml v1.4 (conversion, error words).

use super::json;
use super::node::{Content, Document, Node, Pos, Span};
use super::scalar::{resolve, resolve_v3};
use crate::Value;
use crate::collections::VecMap;
use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, StrInput};

/// What is wrong, where. `Display` gives kubectl's words behind `error parsing STDIN: ` (`error converting YAML to JSON:
/// yaml: line 3: ...`).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct YamlError {
    /// Line and column from 1 in the whole text; 0 where there is no place.
    pub line: u32,
    pub column: u32,
    /// kubectl's complete wording; its line counts from the start of the document.
    pub text: String,
}

/// The documents up to the first error, and that error.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Stream {
    pub documents: Vec<Document>,
    pub error: Option<YamlError>,
}

/// Most bytes read: the API server takes no larger request body.
pub const MAX_BYTES: usize = 3 * 1024 * 1024;
/// Deepest nesting read.
const MAX_DEPTH: usize = 100;
/// Most nodes of a stream, aliases expanded.
const MAX_NODES: usize = 200_000;

/// Stands in front of a key that is no text (`8080:`) in what [`parse_v3`] reads: yaml.v3 makes another kind of map of them,
/// which JSON cannot hold.
pub const NO_TEXT: char = '\u{fdd0}';

/// What differs between readers of YAML.
#[derive(Clone, Copy)]
struct Rules {
    resolve: fn(&str) -> Value,
    /// Whether a text that begins with a brace is JSON values, one behind the other.
    json: bool,
    /// Whether keys that are no text get a mark.
    marks: bool,
}

const KUBECTL: Rules = Rules { resolve, json: true, marks: false };

/// The document of a file that has one, or what is wrong with it; of several the first.
///
/// # Errors
/// The line and the problem, or that there is no document.
pub fn single(text: &str) -> Result<Value, String> {
    let stream = parse(text);
    match stream.error {
        Some(e) => Err(format!("line {}: {e}", e.line)),
        None => stream.documents.into_iter().next().map(|d| d.value).ok_or_else(|| "the file is empty".to_owned()),
    }
}

/// Reads a stream of YAML documents or of JSON values. Empty documents are left out.
pub fn parse(text: &str) -> Stream {
    parse_by(text, KUBECTL)
}

/// The same as kustomize reads it, with yaml.v3: `yes` and `off` are texts, and keys that are none carry [`NO_TEXT`].
pub fn parse_v3(text: &str) -> Stream {
    parse_by(text, Rules { resolve: resolve_v3, json: false, marks: true })
}

fn parse_by(text: &str, rules: Rules) -> Stream {
    let mut stream = Stream::default();
    if text.len() > MAX_BYTES {
        let text = format!(
            "error converting YAML to JSON: the text has {} bytes, at most {MAX_BYTES} are read: split it into several files",
            text.len()
        );
        stream.error = Some(YamlError { line: 0, column: 0, text });
        return stream;
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if rules.json && text.trim_start().starts_with('{') {
        parse_json(text, &mut stream);
        return stream;
    }
    let mut budget = MAX_NODES;
    for (chunk, base, rest_of_line) in split(text) {
        let rest = rest_of_line.trim();
        if !rest.is_empty() && !rest.starts_with('#') {
            let text = format!("invalid Yaml document separator: {rest}");
            stream.error = Some(YamlError { line: base.line.saturating_sub(1), column: 4, text });
            return stream;
        }
        match parse_chunk(chunk, base, &mut budget, rules) {
            Ok(Some(document)) => stream.documents.push(document),
            Ok(None) => {}
            Err(e) => {
                stream.error = Some(e);
                return stream;
            }
        }
    }
    stream
}

/// JSON values one after another, to the end of the text or the first error.
fn parse_json(text: &str, stream: &mut Stream) {
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|t| !t.trim_start().is_empty()) {
        let blanks = rest.len() - rest.trim_start().len();
        let base = position(text, at + blanks);
        let end = match json::first_value(rest) {
            Ok(end) => end,
            Err(e) => {
                let place = position(text, (at + e.offset).saturating_sub(1).min(text.len()));
                let text = match e.text.as_str() {
                    "unexpected end of JSON input" => "unexpected EOF".to_owned(),
                    text => format!("json: offset {}: {text}", at + e.offset),
                };
                stream.error = Some(YamlError { line: place.line, column: place.column, text });
                return;
            }
        };
        let piece = rest.get(blanks..end).unwrap_or_default();
        match json::decoded(piece) {
            Ok(value) => {
                // JSON is YAML too, so the YAML reader finds the positions.
                let placed = parse_chunk(piece, base, &mut MAX_NODES.clone(), KUBECTL).ok().flatten();
                let root = placed.map_or_else(|| unplaced(&value), |d| d.root);
                stream.documents.push(Document { root, value });
            }
            Err(why) => {
                let text = format!("json: offset {}: {why}", at + blanks);
                stream.error = Some(YamlError { line: base.line, column: base.column, text });
                return;
            }
        }
        at += end;
    }
}

/// Line, column and character offset of a byte offset.
fn position(text: &str, byte: usize) -> Pos {
    let before = text.get(..byte).unwrap_or(text);
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Pos {
        line: count(before.matches('\n').count() + 1),
        column: count(before.chars().rev().take_while(|c| *c != '\n').count() + 1),
        offset: count(before.chars().count()),
    }
}

fn unplaced(value: &Value) -> Node {
    let content = match value {
        Value::Array(items) => Content::List(items.iter().map(unplaced).collect()),
        Value::Object(map) => Content::Map(map.iter().map(|(k, v)| (k.clone(), Span::default(), unplaced(v))).collect()),
        scalar => Content::Scalar(scalar.clone()),
    };
    Node { span: Span::default(), content }
}

/// Cuts at lines that begin with `---`, and gives each piece with the place it starts at and with what stood behind the
/// dashes before it.
fn split(text: &str) -> Vec<(&str, Pos, &str)> {
    let mut pieces = Vec::new();
    let (mut start, mut base, mut behind) = (0, Pos { line: 1, column: 1, offset: 0 }, "");
    let (mut at, mut line, mut offset) = (0, 1, 0);
    for row in text.split_inclusive('\n') {
        let next = at + row.len();
        let next_offset = offset + u32::try_from(row.chars().count()).unwrap_or(u32::MAX);
        // The first line's dashes are the YAML reader's own.
        if let Some(rest) = row.strip_prefix("---").filter(|_| at > 0) {
            pieces.push((text.get(start..at).unwrap_or_default(), base, behind));
            (start, base, behind) = (next, Pos { line: line + 1, column: 1, offset: next_offset }, rest);
        }
        (at, line, offset) = (next, line + 1, next_offset);
    }
    pieces.push((text.get(start..).unwrap_or_default(), base, behind));
    pieces
}

enum Frame {
    List { start: Pos, anchor: usize, items: Vec<Node> },
    Map { start: Pos, anchor: usize, entries: Vec<(String, Span, Node)>, key: Option<(String, Span)> },
}

fn parse_chunk(text: &str, base: Pos, budget: &mut usize, rules: Rules) -> Result<Option<Document>, YamlError> {
    let place = |m: Marker| Pos {
        line: base.line + u32::try_from(m.line()).unwrap_or(u32::MAX).saturating_sub(1),
        column: u32::try_from(m.col()).unwrap_or(u32::MAX).saturating_add(1),
        offset: base.offset.saturating_add(u32::try_from(m.index()).unwrap_or(u32::MAX)),
    };
    let fail = |at: Pos, what: &str| YamlError {
        line: at.line,
        column: at.column,
        text: format!("error converting YAML to JSON: yaml: {what}"),
    };
    let mut parser: Parser<'_, StrInput<'_>> = Parser::new_from_str(text);
    let mut stack: Vec<Frame> = Vec::new();
    let mut anchors: VecMap<usize, (Node, usize)> = VecMap::new();
    let mut root: Option<Node> = None;
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|e| scan_error(&e, text, base))?;
        let span = Span { start: place(span.start), end: place(span.end) };
        *budget = budget.checked_sub(1).ok_or_else(|| fail(span.start, "document contains excessive aliasing"))?;
        let (node, anchor) = match event {
            Event::MappingStart(..) | Event::SequenceStart(..) if stack.len() >= MAX_DEPTH => {
                return Err(fail(span.start, "exceeded max depth of 100"));
            }
            Event::MappingStart(anchor, _) => {
                stack.push(Frame::Map { start: span.start, anchor, entries: Vec::new(), key: None });
                continue;
            }
            Event::SequenceStart(anchor, _) => {
                stack.push(Frame::List { start: span.start, anchor, items: Vec::new() });
                continue;
            }
            Event::MappingEnd | Event::SequenceEnd => match stack.pop() {
                Some(Frame::List { start, anchor, items }) => {
                    let end = items.last().map_or(span.end, |n| n.span.end.max(start));
                    (Node { span: Span { start, end }, content: Content::List(items) }, anchor)
                }
                Some(Frame::Map { start, anchor, entries, .. }) => {
                    let end = entries.last().map_or(span.end, |(_, _, n)| n.span.end.max(start));
                    let entries =
                        merged(entries).map_err(|at| fail(at, "map merge requires map or sequence of maps as the value"))?;
                    (Node { span: Span { start, end }, content: Content::Map(entries) }, anchor)
                }
                None => continue,
            },
            Event::Scalar(value, style, anchor, tag) => {
                let text_tag = tag.as_ref().is_some_and(|t| t.suffix == "str");
                let plain = style == ScalarStyle::Plain && !text_tag;
                let value = if plain { (rules.resolve)(&value) } else { Value::String(value.into_owned()) };
                (Node { span, content: Content::Scalar(value) }, anchor)
            }
            Event::Alias(id) => {
                let (node, size) = anchors.get(&id).cloned().ok_or_else(|| fail(span.start, "unknown anchor"))?;
                *budget = budget.checked_sub(size).ok_or_else(|| fail(span.start, "document contains excessive aliasing"))?;
                (Node { span, content: node.content }, 0)
            }
            Event::DocumentEnd => break,
            _ => continue,
        };
        if anchor > 0 {
            let size = size_of(&node);
            anchors.insert(anchor, (node.clone(), size));
        }
        match stack.last_mut() {
            None => root = Some(node),
            Some(Frame::List { items, .. }) => items.push(node),
            Some(Frame::Map { entries, key, .. }) => match key.take() {
                Some((name, at)) => entries.push((name, at, node)),
                None => {
                    let name = key_text(&node.content).ok_or_else(|| fail(node.span.start, "invalid map key"))?;
                    let marked = rules.marks && !matches!(node.content, Content::Scalar(Value::String(_)));
                    *key = Some((if marked { format!("{NO_TEXT}{name}") } else { name }, node.span));
                }
            },
        }
    }
    Ok(root.filter(|n| n.content != Content::Scalar(Value::Null)).map(|root| Document { value: root.to_value(), root }))
}

fn size_of(node: &Node) -> usize {
    1 + match &node.content {
        Content::Scalar(_) => 0,
        Content::List(items) => items.iter().map(size_of).sum(),
        Content::Map(entries) => entries.iter().map(|(_, _, n)| size_of(n) + 1).sum(),
    }
}

/// Keys are text in JSON: `on` becomes `true`, `1` becomes `1`.
fn key_text(content: &Content) -> Option<String> {
    match content {
        Content::Scalar(Value::String(s)) => Some(s.clone()),
        Content::Scalar(Value::Null) => Some("null".to_owned()),
        Content::Scalar(v) => Some(v.to_string()),
        _ => None,
    }
}

type Entries = Vec<(String, Span, Node)>;

/// Entries with `<<` carried out: own keys win over merged ones, earlier maps over later ones.
fn merged(entries: Entries) -> Result<Entries, Pos> {
    if !entries.iter().any(|(k, _, _)| k == "<<") {
        return Ok(entries);
    }
    let (merges, own): (Entries, Entries) = entries.into_iter().partition(|(k, _, _)| k == "<<");
    let mut out: Entries = Vec::new();
    for (_, at, node) in merges {
        let maps = match node.content {
            Content::List(items) => items,
            _ => vec![node],
        };
        for map in maps {
            let Content::Map(more) = map.content else { return Err(at.start) };
            for entry in more {
                if !out.iter().any(|(k, _, _)| *k == entry.0) {
                    out.push(entry);
                }
            }
        }
    }
    out.retain(|(k, _, _)| !own.iter().any(|(o, _, _)| o == k));
    out.extend(own);
    Ok(out)
}

/// The parser's error in the words of kubectl's reader: it counts lines from the start of the document, the scanner's from
/// one, the parser's from zero, and leaves out a line that would be the first of either.
fn scan_error(error: &ScanError, text: &str, base: Pos) -> YamlError {
    let row = u32::try_from(error.marker().line()).unwrap_or(1);
    let column = u32::try_from(error.marker().col()).unwrap_or(0);
    let source = text.lines().nth(row.saturating_sub(1) as usize).unwrap_or_default();
    let rest: String = source.chars().skip(column as usize).collect();
    let lines = u32::try_from(text.lines().count()).unwrap_or(u32::MAX);
    let scanner = |what: &str| (row, what.to_owned());
    let parser = |what: &str| (row, format!("\0{what}"));
    let (row, what) = match error.info() {
        i if i.contains("tabs disallowed") || i.contains("unexpected character") => {
            scanner("found character that cannot start any token")
        }
        i if i.contains("found a tab") => {
            let after = text.lines().enumerate().skip(row as usize).find(|(_, l)| l.starts_with('\t'));
            (
                after.map_or(row, |(n, _)| u32::try_from(n + 1).unwrap_or(row)),
                "found a tab character that violates indentation".to_owned(),
            )
        }
        i if i.contains("cannot start with a tab") => {
            (row + 1, "found a tab character where an indentation space is expected".to_owned())
        }
        i if i.contains("mapping values") => scanner("mapping values are not allowed in this context"),
        i if i.contains("mapping keys") => scanner("mapping keys are not allowed in this context"),
        i if i.contains("block sequence entries") => scanner("block sequence entries are not allowed in this context"),
        i if i.contains("expect ':'") => scanner("could not find expected ':'"),
        i if i.contains("quoted scalar") => (lines + 1, "found unexpected end of stream".to_owned()),
        i if i.contains("unknown anchor") => {
            let name: String = rest
                .chars()
                .skip_while(|c| *c != '*')
                .skip(1)
                .take_while(|c| !c.is_whitespace() && !",]}".contains(*c))
                .collect();
            (1, format!("unknown anchor '{name}' referenced"))
        }
        i if i.contains("illegal placement of ':'") => parser("did not find expected ',' or ']'"),
        i => match i.split_once(", did not find ") {
            Some((_, what)) => parser(&format!("did not find {what}")),
            None => scanner(i),
        },
    };
    // Parser errors are told apart by a mark, as their lines count from zero.
    let (line, what) = match what.strip_prefix('\0') {
        Some(what) => (row.saturating_sub(1), what.to_owned()),
        None => (if row == 1 { 0 } else { row }, what),
    };
    let place = if line == 0 { String::new() } else { format!("line {line}: ") };
    YamlError {
        line: base.line + row.saturating_sub(1).min(lines.saturating_sub(1)),
        column: column.saturating_add(1),
        text: format!("error converting YAML to JSON: yaml: {place}{what}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    fn values(text: &str) -> Vec<Value> {
        let s = parse(text);
        assert_eq!(s.error, None, "{text}");
        s.documents.into_iter().map(|d| d.value).collect()
    }

    #[test]
    fn reads_streams() {
        for (text, want) in [
            ("a: 1 \n--- # x\nb: 2", json!([{"a": 1}, {"b": 2}])),
            ("# only\n---\n", json!([])),
            ("---\na: yes\n", json!([{"a": true}])),
            ("a: 1\n...\nb: 2\n", json!([{"a": 1}])),
            ("{\"a\":1}{\"a\":2}", json!([{"a": 1}, {"a": 2}])),
            ("a: 1\na: 2\n", json!([{"a": 2}])),
            ("n: y\n1: x\n1.5: z", json!([{"false": true, "1": "x", "1.5": "z"}])),
            ("a: &x {b: 1, c: 2}\nd:\n  <<: *x\n  c: 3\n", json!([{"a": {"b": 1, "c": 2}, "d": {"b": 1, "c": 3}}])),
            ("a: |\n  x\n   y\nb: >-\n  p\n  q\n", json!([{"a": "x\n y\n", "b": "p q"}])),
            ("replicas: 0    // #@ none\n", json!([{"replicas": "0    //"}])),
            ("a: !!str 1\n", json!([{"a": "1"}])),
        ] {
            assert_eq!(Value::Array(values(text)), want, "{text}");
        }
    }

    #[test]
    fn reads_as_yaml_v3_does() {
        let text = "a: yes\nb: [n, true, On, 2001-12-14, \"2001-12-14\", 010]\non: 1\n\"9\": 2\n9: 3\n";
        let mut want = json!({"a": "yes", "b": ["n", true, "On", "2001-12-14T00:00:00Z", "2001-12-14", 8], "on": 1, "9": 2});
        want[format!("{NO_TEXT}9")] = json!(3);
        assert_eq!(parse_v3(text).documents[0].value, want);
    }

    /// The right-hand sides were printed by kubectl 1.32.
    #[test]
    fn fails_in_kubectls_words() {
        const Y: &str = "error converting YAML to JSON: yaml: ";
        for (text, want) in [
            ("apiVersion: v1\nkind: Pod\n metadata:\n  name: x\n", "line 3: mapping values are not allowed in this context"),
            ("apiVersion: v1\nkind: Pod\nmetadata:\n\tname: x\n", "line 4: found character that cannot start any token"),
            ("a: b\n c\nd\ne: f", "line 4: could not find expected ':'"),
            ("a: [1, 2\nb: c", "line 1: did not find expected ',' or ']'"),
            ("a: {x: 1\nb", "line 2: did not find expected ',' or '}'"),
            ("a: 'x\nb: c", "line 3: found unexpected end of stream"),
            ("a: \"x", "line 2: found unexpected end of stream"),
            ("- a\nb: c", "line 1: did not find expected '-' indicator"),
            ("a:\n  b: 1\n c: 2\n", "line 2: did not find expected key"),
            ("x: *foo", "unknown anchor 'foo' referenced"),
            ("a: @b", "found character that cannot start any token"),
            ("a: b: c", "mapping values are not allowed in this context"),
            ("a: |\n\tx", "line 2: found a tab character where an indentation space is expected"),
            ("a: b\n\n\tc: d", "line 3: found a tab character that violates indentation"),
            ("x: 1\nq: 2\na: @b", "line 3: found character that cannot start any token"),
            ("x: 1\nb\nc: 1\n", "line 3: could not find expected ':'"),
            ("<<: 3\na: 1", "map merge requires map or sequence of maps as the value"),
            ("a: 1\n---\nx: 1\n b: 2", "line 2: mapping values are not allowed in this context"),
            ("x: 1\nkey: - a\n", "line 2: block sequence entries are not allowed in this context"),
        ] {
            assert_eq!(parse(text).error.map(|e| e.text), Some(format!("{Y}{want}")), "{text:?}");
        }
        for (text, want) in [
            ("{apiVersion: v1}", "json: offset 2: invalid character 'a' looking for beginning of object key string"),
            ("{\"a\": 1", "unexpected EOF"),
            ("{\"a\":1}\nb: 1\n", "json: offset 9: invalid character 'b' looking for beginning of value"),
            ("a: 1\n---b: 2", "invalid Yaml document separator: b: 2"),
        ] {
            assert_eq!(parse(text).error.map(|e| e.text), Some(want.to_owned()), "{text:?}");
        }
    }

    #[test]
    fn places_errors_in_the_whole_text() {
        let e = parse("a: 1\n---\nx: 1\n b: 2").error.unwrap();
        assert_eq!((e.line, e.column), (4, 3));
    }

    #[test]
    fn finds_spans_by_path() {
        let text = "spec:\n  requirements:\n    - key: a/b.c\n      operator: In\n  labels: {x.y/z: w}\n";
        let d = parse(text).documents.remove(0);
        let at = |p: &str| d.span(p).map(|s| (s.start.line, s.start.column, s.end.column));
        assert_eq!(at("spec.requirements[0].operator"), Some((4, 17, 19)));
        assert_eq!(at("spec.labels.x.y/z"), Some((5, 19, 20)));
        assert_eq!(at("spec.nope"), None);
        assert_eq!(d.path_at(4, 17), "spec.requirements[0].operator");
    }

    #[test]
    fn work_is_bounded() {
        let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n".to_owned()
            + &('b'..='k')
                .zip('a'..='j')
                .map(|(k, v)| format!("{k}: &{k} [*{v},*{v},*{v},*{v},*{v},*{v},*{v},*{v},*{v}]\n"))
                .collect::<String>();
        assert!(parse(&bomb).error.unwrap().text.ends_with("document contains excessive aliasing"));
        assert!(parse(&"[".repeat(50_000)).error.is_some());
        assert!(parse(&"- ".repeat(50_000)).error.is_some());
        assert!(parse(&"a: b\n".repeat(1_000_000)).error.unwrap().text.contains("at most"));
        let long = format!("a: {}\n", "x".repeat(2_000_000));
        assert_eq!(parse(&long).error, None);
    }
}
