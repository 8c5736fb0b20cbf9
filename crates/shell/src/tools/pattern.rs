//! Patterns of grep, sed and awk on `regex-lite`: basic syntax is turned into extended, fixed strings are escaped.

use regex_lite::{Regex, RegexBuilder};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    Basic,
    Extended,
    Fixed,
}

/// Bytes that a compiled pattern may take; those of people take a few hundred.
const SIZE: usize = 256 << 10;

/// What looking for a pattern in one byte counts for, in bytes: long ones take long.
pub fn weight(regex: &Regex) -> usize {
    const PLAIN: usize = 4 << 10;
    let fits = |size: &usize| RegexBuilder::new(regex.as_str()).size_limit(*size).build().is_ok();
    let sizes = std::iter::successors(Some(PLAIN), |size| Some(size * 2));
    4 * sizes.take_while(|size| *size < SIZE).find(fits).unwrap_or(SIZE) / PLAIN
}

/// Compiles a pattern; the error is grep's own sentence where it has one.
pub fn compile(pattern: &str, syntax: Syntax, ignore_case: bool, word: bool) -> Result<Regex, String> {
    let body = match syntax {
        Syntax::Fixed => regex_lite::escape(pattern),
        Syntax::Extended => pattern.to_owned(),
        Syntax::Basic => basic(pattern),
    };
    let body = if word { format!(r"\b(?:{body})\b") } else { body };
    let body = if ignore_case { format!("(?i){body}") } else { body };
    RegexBuilder::new(&body).size_limit(SIZE).build().map_err(|e| match pattern {
        _ if e.to_string().contains("size limit") => "Regular expression too big".to_owned(),
        p if p.matches('[').count() > p.matches(']').count() => "Unmatched [, [^, [:, [., or [=".to_owned(),
        p if p.contains('(') || p.contains(')') => "Unmatched ( or \\(".to_owned(),
        _ => "Invalid regular expression".to_owned(),
    })
}

/// POSIX basic syntax: `\( \) \{ \} \| \+ \?` are operators, the bare characters stand for themselves.
fn basic(pattern: &str) -> String {
    let mut out = String::new();
    let mut chars = pattern.chars().peekable();
    let mut start = true;
    while let Some(c) = chars.next() {
        let was_start = std::mem::replace(&mut start, false);
        match c {
            '\\' => match chars.next() {
                Some(c @ ('(' | ')' | '{' | '}' | '|' | '+' | '?')) => {
                    start = c == '(' || c == '|';
                    out.push(c);
                }
                Some('<' | '>') => out.push_str(r"\b"),
                Some(c) => {
                    out.push('\\');
                    out.push(c);
                }
                None => out.push_str(r"\\"),
            },
            '(' | ')' | '{' | '}' | '|' | '+' | '?' => {
                out.push('\\');
                out.push(c);
            }
            '*' if was_start => out.push_str(r"\*"),
            '[' => {
                out.push('[');
                // A bracket expression is copied as it is; `]` first in it is a member.
                for (i, c) in chars.by_ref().enumerate() {
                    if c == ']' && i > 0 {
                        out.push(']');
                        break;
                    }
                    if c == '\\' || (c == '[' && i > 0) {
                        out.push('\\');
                    }
                    out.push(c);
                }
            }
            c => {
                start = c == '^' && was_start;
                out.push(c);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_and_extended_differ() {
        for (pattern, syntax, text, want) in [
            ("a+", Syntax::Basic, "a+", true),
            ("a+", Syntax::Basic, "aa", false),
            ("a+", Syntax::Extended, "aa", true),
            (r"a\|b", Syntax::Basic, "xb", true),
            ("a|b", Syntax::Basic, "xb", false),
            ("x.y", Syntax::Fixed, "xzy", false),
            ("^prov", Syntax::Basic, "provisioner", true),
            ("[0-9][0-9]*s", Syntax::Basic, "12s", true),
        ] {
            assert_eq!(compile(pattern, syntax, false, false).unwrap().is_match(text), want, "{pattern} {text}");
        }
        assert!(compile("a[", Syntax::Basic, false, false).is_err());
        let big = "(x{1,100}){1,100}";
        assert_eq!(compile(big, Syntax::Extended, false, false).unwrap_err(), "Regular expression too big");
        let weighed = |pattern: &str| weight(&compile(pattern, Syntax::Extended, false, false).unwrap());
        assert_eq!(weighed("^[a-z]+ (x|y)*$"), 4);
        assert!(weighed("x{1,500}") > 16, "{}", weighed("x{1,500}"));
    }
}
