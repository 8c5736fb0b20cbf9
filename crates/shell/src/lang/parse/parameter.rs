//! `${...}`.

use super::{DEPTH, Parser, Res, Stop, is_name};
use crate::lang::ast::{Change, Part, Word};
use std::rc::Rc;

impl Parser<'_> {
    /// Behind `${`, up to its brace.
    pub fn parameter(&mut self, quoted: bool) -> Res<Part> {
        let inner = self.braced()?;
        let bad = || Stop::Wrong(format!("${{{inner}}}: bad substitution"));
        let is_digits = |n: &str| !n.is_empty() && n.chars().all(|c| c.is_ascii_digit());
        let has_length = |n: &&str| is_name(n) || is_digits(n) || matches!(*n, "@" | "*" | "?" | "#" | "$" | "!");
        if let Some(name) = inner.strip_prefix('#').filter(has_length) {
            return Ok(Part::Variable { name: name.to_owned(), change: Some(Rc::new(Change::Length)), quoted });
        }
        let end = inner.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(inner.len());
        let end = if end == 0 { inner.chars().next().map_or(0, char::len_utf8) } else { end };
        let (name, rest) = inner.split_at_checked(end).ok_or_else(bad)?;
        if !is_name(name) && !is_digits(name) && !matches!(name, "?" | "#" | "@" | "*" | "$" | "!") {
            return Err(bad());
        }
        let change = if rest.is_empty() { None } else { Some(Rc::new(self.change(rest, quoted)?.ok_or_else(bad)?)) };
        Ok(Part::Variable { name: name.to_owned(), change, quoted })
    }

    /// The text up to the brace that ends it; quotes and nested braces are passed over.
    fn braced(&mut self) -> Res<String> {
        let mut inner = String::new();
        let mut open = 1usize;
        let mut double = false;
        loop {
            let c = self.next().ok_or(Stop::More)?;
            match c {
                '\\' => {
                    inner.push(c);
                    inner.push(self.next().ok_or(Stop::More)?);
                    continue;
                }
                '"' => double = !double,
                '\'' if !double => {
                    inner.push(c);
                    loop {
                        let c = self.next().ok_or(Stop::More)?;
                        inner.push(c);
                        if c == '\'' {
                            break;
                        }
                    }
                    continue;
                }
                '{' => open += 1,
                '}' => open -= 1,
                _ => {}
            }
            if open == 0 {
                return Ok(inner);
            }
            inner.push(c);
        }
    }

    fn change(&mut self, rest: &str, quoted: bool) -> Res<Option<Change>> {
        let (empty_too, behind) = rest.strip_prefix(':').map_or((false, rest), |r| (true, r));
        if let Some(op @ ('-' | '=' | '?' | '+')) = behind.chars().next() {
            let word = self.operand(behind.get(1..).unwrap_or_default(), quoted)?;
            return Ok(Some(Change::Default { op, empty_too, word }));
        }
        if empty_too {
            let (from, length) = behind.split_once(':').map_or((behind, None), |(f, l)| (f, Some(l)));
            let length = length.map(|l| self.operand(l, true)).transpose()?;
            return Ok(Some(Change::Slice { from: self.operand(from, true)?, length }));
        }
        for (mark, end, longest) in [("##", false, true), ("#", false, false), ("%%", true, true), ("%", true, false)] {
            if let Some(pattern) = rest.strip_prefix(mark) {
                return Ok(Some(Change::Cut { end, longest, pattern: self.operand(pattern, false)? }));
            }
        }
        if let Some(body) = rest.strip_prefix('/') {
            let all = body.starts_with('/');
            let anchor = body.chars().next().filter(|c| "#%".contains(*c));
            let body = if all || anchor.is_some() { body.get(1..).unwrap_or_default() } else { body };
            let (pattern, with) = split_slash(body);
            let (pattern, with) = (self.operand(&pattern, false)?, self.operand(&with, quoted)?);
            return Ok(Some(Change::Replace { all, anchor, pattern, with }));
        }
        Ok(match rest {
            "^" | "^^" => Some(Change::Case { upper: true, all: rest == "^^" }),
            "," | ",," => Some(Change::Case { upper: false, all: rest == ",," }),
            _ => None,
        })
    }

    /// The word of an operand: all of its text, blanks included.
    pub fn operand(&mut self, text: &str, quoted: bool) -> Res<Word> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(Stop::Wrong("the text is nested too deeply".to_owned()));
        }
        let outer = std::mem::replace(&mut self.chars, text.chars().collect());
        let at = std::mem::replace(&mut self.at, 0);
        let word = if quoted {
            let mut parts = Vec::new();
            self.quoted_parts(&mut parts, None).map(|()| Word(parts))
        } else {
            self.word_up_to(|_| false).map(Option::unwrap_or_default)
        };
        self.chars = outer;
        self.at = at;
        self.depth -= 1;
        word.map_err(|stop| match stop {
            Stop::More => Stop::Wrong(format!("unexpected EOF while looking for matching `}}' in {text}")),
            wrong => wrong,
        })
    }
}

/// The first `/` that is not escaped parts a pattern from what replaces it.
fn split_slash(body: &str) -> (String, String) {
    let mut escaped = false;
    for (i, c) in body.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '/' => return (body.get(..i).unwrap_or_default().to_owned(), body.get(i + 1..).unwrap_or_default().to_owned()),
            _ => {}
        }
    }
    (body.to_owned(), String::new())
}
