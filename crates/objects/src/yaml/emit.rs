//! JSON to YAML as `kubectl -o yaml` prints it: keys in natural order, lists not indented under their key, lines folded
//! at 80 columns, quotes only where needed. Source: sigs.k8s.io/yaml v1.4 (goyaml.v2/{sorter,encode,emitterc}.go).

use super::scalar::is_ambiguous;
use crate::Value;
use crate::collections::Order as _;
use std::cmp::Ordering;

/// Columns after which a space becomes a line break.
const WIDTH: usize = 80;
/// Bytes that a key may have in front of its colon.
const SIMPLE_KEY: usize = 128;

/// The document with a newline at its end.
pub fn to_yaml(value: &Value) -> String {
    let mut e = Emitter { out: String::new(), column: 0 };
    match value {
        Value::Object(map) if !map.is_empty() => e.map(map, 0),
        Value::Array(items) if !items.is_empty() => e.list(items, 0),
        scalar => {
            // Even at the top further lines are indented: one that began with `---` would end the document.
            e.scalar(scalar, 2);
            e.newline();
        }
    }
    e.out
}

struct Emitter {
    out: String,
    column: usize,
}

impl Emitter {
    fn put(&mut self, text: &str) {
        self.out.push_str(text);
        self.column += text.chars().count();
    }

    fn newline(&mut self) {
        self.out.push('\n');
        self.column = 0;
    }

    fn indent(&mut self, columns: usize) {
        for _ in 0..columns {
            self.out.push(' ');
        }
        self.column += columns;
    }

    /// Writes a map whose first key starts at the present column; later keys start at `indent`.
    fn map(&mut self, map: &serde_json::Map<String, Value>, indent: usize) {
        let mut entries: Vec<(&String, &Value)> = map.iter().collect();
        entries.order_by(|a, b| natural(a.0, b.0));
        for (i, (key, value)) in entries.into_iter().enumerate() {
            if i > 0 || self.column == 0 {
                self.indent(indent);
            }
            // A key that is too long to be told from text, or goes over lines, gets a mark of its own.
            if key.len() > SIMPLE_KEY || key.contains('\n') {
                self.put("? ");
                self.string(key, indent + 2, false);
                self.newline();
                self.indent(indent);
                self.put(": ");
                match value {
                    Value::Object(m) if !m.is_empty() => self.map(m, indent + 2),
                    Value::Array(items) if !items.is_empty() => self.list(items, indent + 2),
                    scalar => {
                        self.scalar(scalar, indent + 2);
                        self.newline();
                    }
                }
                continue;
            }
            self.string(key, indent, true);
            self.put(":");
            match value {
                Value::Object(m) if !m.is_empty() => {
                    self.newline();
                    self.map(m, indent + 2);
                }
                Value::Array(items) if !items.is_empty() => {
                    self.newline();
                    self.list(items, indent);
                }
                scalar => {
                    self.put(" ");
                    self.scalar(scalar, indent + 2);
                    self.newline();
                }
            }
        }
    }

    fn list(&mut self, items: &[Value], indent: usize) {
        for (i, item) in items.iter().enumerate() {
            if i > 0 || self.column == 0 {
                self.indent(indent);
            }
            self.put("- ");
            match item {
                Value::Object(m) if !m.is_empty() => self.map(m, indent + 2),
                Value::Array(inner) if !inner.is_empty() => self.list(inner, indent + 2),
                scalar => {
                    self.scalar(scalar, indent + 2);
                    self.newline();
                }
            }
        }
    }

    /// A value on the rest of the line; further lines start at `indent`.
    fn scalar(&mut self, value: &Value, indent: usize) {
        match value {
            Value::Null => self.put("null"),
            Value::Bool(b) => self.put(if *b { "true" } else { "false" }),
            Value::Number(n) => self.put(&n.to_string()),
            Value::String(s) => self.string(s, indent, false),
            Value::Array(_) => self.put("[]"),
            Value::Object(_) => self.put("{}"),
        }
    }

    fn string(&mut self, s: &str, indent: usize, is_key: bool) {
        let a = Analysis::of(s);
        if s.contains('\n') {
            return if is_key || !a.block { self.double_quoted(s, indent, is_key) } else { self.literal(s, indent) };
        }
        if is_ambiguous(s) {
            return self.double_quoted(s, indent, is_key);
        }
        if a.plain {
            self.folded(s, indent, is_key, "");
        } else if a.single {
            self.put("'");
            self.folded(s, indent, is_key, "'");
            self.put("'");
        } else {
            self.double_quoted(s, indent, is_key);
        }
    }

    /// Plain or single-quoted text: a lone space beyond the width becomes a line break.
    fn folded(&mut self, s: &str, indent: usize, is_key: bool, quote: &str) {
        let mut chars = s.chars().peekable();
        let mut was_space = false;
        let mut first = true;
        while let Some(c) = chars.next() {
            if c == ' ' {
                let inside = quote.is_empty() || (!first && chars.peek().is_some());
                if !is_key && !was_space && inside && self.column > WIDTH && chars.peek() != Some(&' ') {
                    self.newline();
                    self.indent(indent);
                } else {
                    self.put(" ");
                }
                was_space = true;
            } else {
                if c == '\'' && !quote.is_empty() {
                    self.put("''");
                } else {
                    self.put(c.encode_utf8(&mut [0; 4]));
                }
                was_space = false;
            }
            first = false;
        }
    }

    fn double_quoted(&mut self, s: &str, indent: usize, is_key: bool) {
        self.put("\"");
        let mut chars = s.chars().peekable();
        let mut was_space = false;
        let mut first = true;
        while let Some(c) = chars.next() {
            if c == ' ' && !is_key && !was_space && self.column > WIDTH && !first && chars.peek().is_some() {
                self.newline();
                self.indent(indent);
                if chars.peek() == Some(&' ') {
                    self.put("\\");
                }
                was_space = true;
                continue;
            }
            match c {
                '"' => self.put("\\\""),
                '\\' => self.put("\\\\"),
                '\n' => self.put("\\n"),
                '\t' => self.put("\\t"),
                '\r' => self.put("\\r"),
                '\0' => self.put("\\0"),
                '\u{1b}' => self.put("\\e"),
                '\u{feff}' => self.put("\\uFEFF"),
                '\u{85}' => self.put("\\N"),
                '\u{2028}' => self.put("\\L"),
                '\u{2029}' => self.put("\\P"),
                c if is_printable(c) => self.put(c.encode_utf8(&mut [0; 4])),
                c if u32::from(c) <= 0xff => self.put(&format!("\\x{:02X}", u32::from(c))),
                c if u32::from(c) <= 0xffff => self.put(&format!("\\u{:04X}", u32::from(c))),
                c => self.put(&format!("\\U{:08X}", u32::from(c))),
            }
            was_space = c == ' ';
            first = false;
        }
        self.put("\"");
    }

    fn literal(&mut self, s: &str, indent: usize) {
        self.put("|");
        if s.starts_with([' ', '\n']) {
            self.put("2");
        }
        let body = s.strip_suffix('\n');
        match body {
            None => self.put("-"),
            Some(rest) if rest.is_empty() || rest.ends_with('\n') => self.put("+"),
            Some(_) => {}
        }
        for line in body.unwrap_or(s).split('\n') {
            self.newline();
            if !line.is_empty() {
                self.indent(indent);
                self.put(line);
            }
        }
    }
}

/// Which styles a text allows.
struct Analysis {
    plain: bool,
    single: bool,
    block: bool,
}

impl Analysis {
    fn of(s: &str) -> Analysis {
        let mut indicators = s.starts_with("---") || s.starts_with("...");
        let mut special = false;
        let (mut space_break, mut break_space, mut line_breaks) = (false, false, false);
        let mut previous = None;
        let mut chars = s.chars().peekable();
        while let Some(c) = chars.next() {
            let before_blank = chars.peek().is_none_or(|n| matches!(n, ' ' | '\t' | '\n' | '\r'));
            let after_blank = previous.is_none_or(|p| matches!(p, ' ' | '\t' | '\n' | '\r'));
            if previous.is_none() {
                indicators |=
                    matches!(c, '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`')
                        || (matches!(c, '?' | ':' | '-') && before_blank);
            } else {
                indicators |= (c == ':' && before_blank) || (c == '#' && after_blank);
            }
            special |= !is_printable(c);
            line_breaks |= c == '\n';
            space_break |= c == '\n' && previous == Some(' ');
            break_space |= c == ' ' && previous == Some('\n');
            previous = Some(c);
        }
        let edges = s.starts_with([' ', '\n']) || s.ends_with([' ', '\n']);
        let broken = space_break || special;
        Analysis {
            plain: !(indicators || edges || broken || break_space || line_breaks),
            single: !(broken || break_space),
            block: !(broken || s.ends_with(' ')),
        }
    }
}

/// Printable as the emitter counts it: no tabs, no control characters, nothing beyond the basic plane.
fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}')
        && !matches!(c, '\u{2028}' | '\u{2029}')
}

/// Natural order of keys: runs of digits compare as numbers, letters come after everything else.
fn natural(a: &str, b: &str) -> Ordering {
    let (ar, br): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut digits = false;
    for (i, (x, y)) in ar.iter().zip(&br).enumerate() {
        if x == y {
            digits = x.is_ascii_digit();
            continue;
        }
        match (x.is_alphabetic(), y.is_alphabetic()) {
            (true, true) => return x.cmp(y),
            (x_is_letter, y_is_letter) if x_is_letter || y_is_letter => {
                let less = if digits { x_is_letter } else { y_is_letter };
                return if less { Ordering::Less } else { Ordering::Greater };
            }
            _ => {}
        }
        // The run of digits from here on, with a one before it where only zeros would follow other digits.
        let lead = if *x == '0' || *y == '0' {
            ar.iter().take(i).rev().take_while(|c| c.is_ascii_digit()).any(|c| *c != '0')
        } else {
            false
        };
        let run = |chars: &[char]| {
            let digits: Vec<u32> = chars.iter().skip(i).map_while(|c| c.to_digit(10)).collect();
            let value = digits.iter().fold(u64::from(lead), |n, d| n.saturating_mul(10).saturating_add(u64::from(*d)));
            (value, digits.len())
        };
        return run(&ar).cmp(&run(&br)).then(x.cmp(y));
    }
    ar.len().cmp(&br.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    #[test]
    fn quotes_only_where_needed() {
        for (text, want) in [
            ("yes", "\"yes\"\n"),
            ("1", "\"1\"\n"),
            ("", "\"\"\n"),
            ("10%", "10%\n"),
            ("a: b", "'a: b'\n"),
            ("it's", "it's\n"),
            ("'x", "'''x'\n"),
            ("a\nb\n", "|\n  a\n  b\n"),
            ("a\nb", "|-\n  a\n  b\n"),
            ("a\n\n", "|+\n  a\n\n"),
            ("a \nb", "\"a \\nb\"\n"),
            ("tab\there", "\"tab\\there\"\n"),
            ("한글 값", "한글 값\n"),
            ("@x", "'@x'\n"),
            ("- x", "'- x'\n"),
            ("-x", "-x\n"),
            ("<none>", "<none>\n"),
        ] {
            let got = to_yaml(&json!({ "k": text }));
            assert_eq!(got, format!("k: {want}"), "{text:?}");
        }
    }

    #[test]
    fn nests_as_kubectl_does() {
        let v = json!({"a": [{"b": [1, 2], "c": {}}, [[3], []]], "e": null});
        assert_eq!(to_yaml(&v), "a:\n- b:\n  - 1\n  - 2\n  c: {}\n- - - 3\n  - []\ne: null\n");
    }

    /// As sigs.k8s.io/yaml v1.6 writes them.
    #[test]
    fn long_keys_and_those_of_several_lines_are_marked() {
        let (fits, long) = ("a".repeat(128), "a".repeat(129));
        let check = |value: Value, want: &str| assert_eq!(to_yaml(&value), want);
        check(json!({"m": {(fits.as_str()): 1}}), &format!("m:\n  {fits}: 1\n"));
        let map = json!({"x": 1, "y": {"z": 2}});
        check(json!({"m": {(long.as_str()): map}, "z": 1}), &format!("m:\n  ? {long}\n  : x: 1\n    \"y\":\n      z: 2\nz: 1\n"));
        check(json!([{(long.as_str()): [1, {"x": 1}], "z": 1}]), &format!("- ? {long}\n  : - 1\n    - x: 1\n  z: 1\n"));
        check(json!({(long.as_str()): "a\nb\n", "z": {}}), &format!("? {long}\n: |\n  a\n  b\nz: {{}}\n"));
        check(json!({"a\nb": "v", "c\n": [1]}), "? |-\n  a\n  b\n: v\n? |\n  c\n: - 1\n");
        let accents = "é".repeat(65);
        check(json!({(accents.as_str()): []}), &format!("? {accents}\n: []\n"));
    }

    /// As sigs.k8s.io/yaml v1.6 writes it.
    #[test]
    fn text_at_the_top_is_indented_from_its_second_line_on() {
        let text = format!("{}--- b", "a ".repeat(41));
        assert_eq!(to_yaml(&json!(text)), format!("{}\n  --- b\n", "a ".repeat(41).trim_end()));
        assert_eq!(to_yaml(&json!("a\nb\n")), "|\n  a\n  b\n");
    }

    #[test]
    fn sorts_keys_naturally() {
        let mut keys = vec!["a10", "a2", "Z", "kubernetes.io/os", "kubernetes.io-a", "b", "a"];
        keys.order_by(|a, b| natural(a, b));
        assert_eq!(keys, ["Z", "a", "a2", "a10", "b", "kubernetes.io-a", "kubernetes.io/os"]);
    }
}
