//! A YAML tree that remembers where everything stood.

use crate::Value;
use crate::json;

/// A place in the text: line and column from 1, offset in characters from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pos {
    pub line: u32,
    pub column: u32,
    pub offset: u32,
}

/// From the first character to just behind the last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    pub start: Pos,
    pub end: Pos,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub span: Span,
    pub content: Content,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    Scalar(Value),
    List(Vec<Node>),
    /// Keys with their own spans, in the order of the text; of duplicate keys all are kept, the last one counts.
    Map(Vec<(String, Span, Node)>),
}

/// One document of a stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    pub root: Node,
    pub value: Value,
}

impl Document {
    /// The span of the value at `path` (`spec.requirements[0].operator`).
    pub fn span(&self, path: &str) -> Option<Span> {
        self.find(path).map(|(_, node)| node.span)
    }

    /// The span of the key at `path`, where its value belongs to a map.
    pub fn key_span(&self, path: &str) -> Option<Span> {
        self.find(path).and_then(|(key, _)| key)
    }

    fn find(&self, path: &str) -> Option<(Option<Span>, &Node)> {
        let mut at = (None, &self.root);
        let mut rest = path;
        while !rest.is_empty() {
            if let Some(tail) = rest.strip_prefix('[') {
                let (index, tail) = tail.split_once(']')?;
                rest = tail.strip_prefix('.').unwrap_or(tail);
                at = match &at.1.content {
                    Content::List(items) => (None, items.get(index.parse::<usize>().ok()?)?),
                    // A map key in brackets, as in `requests[cpu]`.
                    Content::Map(_) => at.1.entry(index)?,
                    Content::Scalar(_) => return None,
                };
                continue;
            }
            // Keys may hold dots (labels), so the longest key that fits is taken.
            let Content::Map(entries) = &at.1.content else { return None };
            let fits = |key: &str| {
                rest.strip_prefix(key).is_some_and(|tail| tail.is_empty() || tail.starts_with('.') || tail.starts_with('['))
            };
            let (key, _, _) = entries.iter().filter(|(k, _, _)| !k.is_empty() && fits(k)).max_by_key(|(k, _, _)| k.len())?;
            let tail = rest.get(key.len()..)?;
            rest = tail.strip_prefix('.').unwrap_or(tail);
            at = at.1.entry(key)?;
        }
        Some(at)
    }

    /// The path of the innermost node that covers `line` and `column` (from 1).
    pub fn path_at(&self, line: u32, column: u32) -> String {
        let mut path = String::new();
        let mut node = &self.root;
        let covers =
            |start: Pos, end: Pos| (start.line, start.column) <= (line, column) && (line, column) <= (end.line, end.column);
        loop {
            let next = match &node.content {
                Content::Map(entries) => entries.iter().find(|(_, k, n)| covers(k.start, n.span.end)).map(|(k, _, n)| {
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.push_str(k);
                    n
                }),
                Content::List(items) => items.iter().enumerate().find(|(_, n)| covers(n.span.start, n.span.end)).map(|(i, n)| {
                    path.push_str(&format!("[{i}]"));
                    n
                }),
                Content::Scalar(_) => None,
            };
            match next {
                Some(n) => node = n,
                None => return path,
            }
        }
    }
}

impl Node {
    /// The last entry with this key: its key's span and its value.
    pub fn entry(&self, key: &str) -> Option<(Option<Span>, &Node)> {
        match &self.content {
            Content::Map(entries) => entries.iter().rev().find(|(k, _, _)| k == key).map(|(_, s, n)| (Some(*s), n)),
            _ => None,
        }
    }

    /// The JSON value; of duplicate keys the last one counts.
    pub fn to_value(&self) -> Value {
        match &self.content {
            Content::Scalar(v) => v.clone(),
            Content::List(items) => Value::Array(items.iter().map(Node::to_value).collect()),
            Content::Map(entries) => Value::Object(json::map(entries.iter().map(|(k, _, n)| (k.clone(), n.to_value())))),
        }
    }
}
