//! Problems of one document: its kind, its fields and values, and what the API server's admission says to it.

use crate::code::{
    Code, DUPLICATE_VALUE, EXCLUSIVE_FIELDS, INVALID_VALUE, MISSING_FIELD, OTHER_ERA, REJECTED, UNKNOWN_KIND, UNSUPPORTED_VALUE,
    WRONG_TYPE, WRONG_VERSION,
};
use crate::finding::{Edit, Finding, Fix, Lines, Range, Spot, width};
use crate::{Around, say, sentence, types};
use engine::Era;
use objects::admit::invalid_text;
use objects::convert::convert;
use objects::yaml::{Content, Document, Node, to_yaml};
use objects::{ApiError, DocExt, Kind, Object, Validation, Value, admit, schema};

/// A document with what was read of it.
pub(crate) struct Read<'a> {
    pub index: usize,
    pub document: &'a Document,
    pub text: &'a str,
    /// The kind, where the era serves it.
    pub kind: Option<Kind>,
    /// As the API server would store it; as written where it is refused.
    pub object: Option<Object>,
    pub refused: Option<ApiError>,
}

impl<'a> Read<'a> {
    pub fn of(index: usize, document: &'a Document, text: &'a str, era: Era) -> Read<'a> {
        let (version, name) = names(&document.value);
        let kind = Kind::of(version, name).filter(|k| k.served_in(era));
        let mut read = Read { index, document, text, kind, object: None, refused: None };
        let Some(kind) = kind else { return read };
        let doc = match admit(kind, document.value.clone(), None, era, Validation::Strict) {
            Ok((doc, _)) => doc,
            Err(error) => {
                read.refused = Some(error);
                let lenient = admit(kind, document.value.clone(), None, era, Validation::Ignore);
                lenient.map_or_else(|_| document.value.clone(), |(doc, _)| doc)
            }
        };
        if doc.is_object() {
            read.object = Some(Object::from_doc(kind, doc));
        }
        read
    }

    /// The value at `path`, or its nearest ancestor that the text has: its key where there is one.
    pub fn place(&self, path: &str) -> Range {
        let mut at = path;
        loop {
            let found = self.document.key_span(at).or_else(|| self.document.span(at)).filter(|_| !at.is_empty());
            if let Some(span) = found {
                return clip(span.into(), self.text);
            }
            match at.rfind(['.', '[']) {
                Some(cut) => at = at.get(..cut).unwrap_or_default(),
                None => break,
            }
        }
        let start: Spot = self.document.root.span.start.into();
        Range::new(start, start)
    }

    /// The scalar at `path`.
    pub fn scalar(&self, path: &str) -> Option<Range> {
        let value = self.document.span(path)?;
        let range: Range = value.into();
        (range.start.line == range.end.line && range.end.column > range.start.column).then_some(range)
    }

    /// Where a finding about the value at `path` is marked: at the value, where that is a word, else at its key.
    pub fn place_of_value(&self, path: &str) -> Range {
        self.scalar(path).unwrap_or_else(|| self.place(path))
    }

    pub fn finding(&self, code: &'static Code, path: &str, range: Range, message: String) -> Finding {
        Finding { document: Some(self.index), path: path.to_owned(), ..Finding::new(code, range, message) }
    }

    /// Takes the entry at `path` out, where it stands on lines of its own.
    pub fn removal(&self, path: &str) -> Option<Edit> {
        let key = self.document.key_span(path)?;
        let lines = Lines::of(self.text);
        let row = lines.get(key.start.line);
        let indent = width(row) - width(row.trim_start());
        if key.start.column != indent + 1 {
            return None;
        }
        let mut last = key.start.line;
        for line in key.start.line + 1..=lines.count() {
            let row = lines.get(line);
            let body = row.trim_start();
            let deeper = width(row) - width(body) > indent;
            let item = width(row) - width(body) == indent && (body == "-" || body.starts_with("- "));
            if body.is_empty() || body.starts_with('#') && !deeper {
                continue;
            }
            if !(deeper || item) {
                break;
            }
            last = line;
        }
        Some(Edit { range: lines.range(key.start.line, last + 1), text: String::new() })
    }
}

/// A range of several lines marked on its first line alone.
fn clip(range: Range, text: &str) -> Range {
    if range.end.line == range.start.line {
        return range;
    }
    let end = width(Lines::of(text).get(range.start.line)) + 1;
    Range::new(range.start, Spot::new(range.start.line, end))
}

fn names(value: &Value) -> (&str, &str) {
    (value.str_at("apiVersion").unwrap_or_default(), value.str_at("kind").unwrap_or_default())
}

pub(crate) fn check(read: &Read<'_>, around: &Around<'_>, out: &mut Vec<Finding>) {
    let Some(kind) = read.kind else {
        out.push(unknown_kind(read, around));
        return;
    };
    let first = out.len();
    types::check(read, kind, around.lang, out);
    let Some(error) = &read.refused else { return };
    told(read, kind, error, around, first, out);
    // Unknown fields hide everything else that the server would say.
    if error.causes.iter().any(|(_, why)| why == "unknown field")
        && let Err(next) = admit(kind, read.document.value.clone(), None, around.era, Validation::Ignore)
    {
        told(read, kind, &next, around, first, out);
    }
}

/// Puts what the server says beside what was found, or tells it.
fn told(read: &Read<'_>, kind: Kind, error: &ApiError, around: &Around<'_>, first: usize, out: &mut Vec<Finding>) {
    let server = invalid_text(error).unwrap_or_else(|| error.message.clone());
    if error.causes.is_empty() {
        let message = sentence::rejected(&error.message, around.lang);
        let range = read.place("kind");
        out.push(Finding { server: Some(server), ..read.finding(&REJECTED, "", range, message) });
        return;
    }
    for (path, why) in &error.causes {
        // The server's remark that further rules were not looked at.
        if path == "<nil>" {
            continue;
        }
        let known = out.iter_mut().skip(first).find(|f| f.path == *path && f.code.severity == crate::Severity::Error);
        match known {
            Some(f) => f.server = f.server.take().or_else(|| Some(server.clone())),
            None => out.push(cause(read, kind, path, why, &server, around)),
        }
    }
}

fn cause(read: &Read<'_>, kind: Kind, path: &str, why: &str, server: &str, around: &Around<'_>) -> Finding {
    let lang = around.lang;
    let code = if why.starts_with("Required value") || why.starts_with("missing field") {
        &MISSING_FIELD
    } else if why.starts_with("Unsupported value") {
        &UNSUPPORTED_VALUE
    } else if why.starts_with("Duplicate value") {
        &DUPLICATE_VALUE
    } else if why.contains("expected exactly one, got both") {
        &EXCLUSIVE_FIELDS
    } else if why.contains("must be of type") || why.starts_with("json: cannot unmarshal") {
        &WRONG_TYPE
    } else {
        &INVALID_VALUE
    };
    let range =
        if code.id == MISSING_FIELD.id || code.id == EXCLUSIVE_FIELDS.id { read.place(path) } else { read.place_of_value(path) };
    let mut finding = read.finding(code, path, range, sentence::cause(path, why, lang));
    finding.server = Some(server.to_owned());
    if code.id == UNSUPPORTED_VALUE.id {
        let wrong = why.split('"').nth(1).unwrap_or_default();
        let field = schema::field(kind, path);
        // The policy's name in v1beta1.
        let renamed = (wrong == "WhenUnderutilized").then_some("WhenEmptyOrUnderutilized");
        let meant = renamed.or_else(|| field.and_then(|f| schema::nearest(wrong, f.values.iter().copied())));
        if let (Some(meant), Some(range)) = (meant, read.scalar(path)) {
            let title = say!(lang, "`{meant}` 넣기", "Write `{meant}`");
            finding.fixes.push(Fix::replace(title, range, meant));
        }
    }
    if code.id == EXCLUSIVE_FIELDS.id {
        // Switching consolidation off is taking the whole of it out.
        let whole = path.strip_suffix(".enabled").unwrap_or(path);
        if let Some(edit) = read.removal(whole) {
            let name = whole.rsplit('.').next().unwrap_or(whole);
            let title = say!(lang, "`{name}` 지우기", "Remove `{name}`");
            finding.fixes.push(Fix { title, edits: vec![edit] });
        }
    }
    finding
}

fn unknown_kind(read: &Read<'_>, around: &Around<'_>) -> Finding {
    let lang = around.lang;
    let (version, name) = names(&read.document.value);
    let server = format!("no matches for kind \"{name}\" in version \"{version}\"");
    let range = |path: &str| if read.document.value.at(path).is_null() { read.place("") } else { read.place_of_value(path) };
    let here = Kind::ALL.iter().copied().find(|k| k.name() == name && k.served_in(around.era));
    let there = Kind::of(version, name).filter(|k| !k.is_internal());
    let mut finding = if let Some(kind) = here {
        let right = kind.api_version();
        let message =
            say!(lang, "{name}: 이 클러스터의 apiVersion은 `{right}`예요", "{name} is served as `{right}` by this cluster");
        let mut f = read.finding(&WRONG_VERSION, "apiVersion", range("apiVersion"), message);
        if let Some(value) = read.scalar("apiVersion") {
            f.fixes.push(Fix::replace(say!(lang, "`{right}`로 바꾸기", "Change it to `{right}`"), value, right));
        }
        f
    } else if let Some(kind) = there {
        let era = around.era.as_str();
        let message =
            say!(lang, "{name}: Karpenter {era} 클러스터에는 없는 종류예요", "{name} is not a kind of a Karpenter {era} cluster");
        let mut f = read.finding(&OTHER_ERA, "kind", range("kind"), message);
        f.fixes.extend(conversion(read, kind, around));
        f
    } else if name.is_empty() {
        let message = say!(lang, "`kind`가 없어서 무엇인지 알 수 없어요", "without `kind` nobody knows what this is");
        read.finding(&UNKNOWN_KIND, "", range(""), message)
    } else {
        let message = say!(lang, "{name} ({version}): 이 클러스터가 모르는 종류예요", "the cluster knows no {name} in {version}");
        let mut f = read.finding(&UNKNOWN_KIND, "kind", range("kind"), message);
        let kinds = Kind::ALL.iter().filter(|k| k.served_in(around.era)).map(|k| k.name());
        if let (Some(meant), Some(value)) = (schema::nearest(name, kinds), read.scalar("kind")) {
            f.fixes.push(Fix::replace(say!(lang, "`{meant}` 넣기", "Write `{meant}`"), value, meant));
        }
        f
    };
    finding.server = Some(server);
    finding
}

/// The document in the other era's kind.
fn conversion(read: &Read<'_>, kind: Kind, around: &Around<'_>) -> Option<Fix> {
    let lang = around.lang;
    let converted = convert(kind, &read.document.value).filter(|c| c.kind.served_in(around.era))?;
    let name = converted.kind.name();
    let notes: String = converted.notes.iter().map(|n| format!("# {n}\n")).collect();
    let lines = Lines::of(read.text);
    let from = read.document.root.span.start.line.max(1);
    let to = last_line(&read.document.root).min(lines.count());
    let text = format!("{notes}{}", to_yaml(&converted.doc));
    let title = say!(lang, "{name} 문서로 바꾸기", "Turn it into a {name}");
    Some(Fix { title, edits: vec![Edit { range: lines.range(from, to + 1), text }] })
}

/// The last line that a node's own text stands on; a mapping's span reaches further, to what follows it.
pub(crate) fn last_line(node: &Node) -> u32 {
    let start = node.span.start.line.max(1);
    match &node.content {
        Content::Scalar(_) => {
            if node.span.end.column <= 1 && node.span.end.line > start {
                node.span.end.line - 1
            } else {
                node.span.end.line.max(start)
            }
        }
        Content::List(items) => items.iter().map(last_line).fold(start, u32::max),
        Content::Map(entries) => entries.iter().map(|(_, k, n)| last_line(n).max(k.end.line)).fold(start, u32::max),
    }
}
