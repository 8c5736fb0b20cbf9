//! What an `expect` block says, and whether output is that.
//!
//! Line by line: a line `...` stands for any number of lines, `...` within a line for any text, `<word>` for one run of
//! characters without spaces, a run of spaces for any run of spaces. Everything else is literal, and so are kubectl's own
//! `<none>`, `<unknown>`, `<unset>`, `<pending>` and `<invalid>`.

use crate::Failure;

/// Words in angle brackets that kubectl prints itself.
const LITERAL: &[&str] = &["none", "unknown", "unset", "pending", "invalid", "nil", "empty"];

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expect {
    /// Status of the last command; `None` where every command has to succeed.
    pub exit: Option<i32>,
    lines: Vec<Line>,
    /// Number of the first line, from 1.
    pub line: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Line {
    /// `...` alone.
    Any,
    Text(Vec<Piece>, String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Literal(String),
    /// One or more characters that are no spaces.
    Word,
    /// Any text, none included.
    Any,
    /// One or more spaces.
    Space,
}

impl Expect {
    /// `info` is the block's info string (`expect exit=1`).
    pub fn parse(info: &str, body: &str, line: usize) -> Result<Expect, Failure> {
        let mut exit = None;
        for word in info.split_whitespace().skip(1) {
            let code = word.strip_prefix("exit=").and_then(|c| c.parse().ok());
            let wrong =
                || Failure::usage(format!("line {}: `{word}` is unknown here: `exit=N` is known", line.saturating_sub(1)));
            exit = Some(code.ok_or_else(wrong)?);
        }
        let lines = body
            .lines()
            .map(|l| if l.trim() == "..." { Line::Any } else { Line::Text(pieces(l.trim_end()), l.trim_end().to_owned()) })
            .collect();
        Ok(Expect { exit, lines, line })
    }

    /// Compares; the error shows the first line of the block that found no match and what was there instead.
    pub fn check(&self, output: &str) -> Result<(), String> {
        let output: Vec<&str> = output.lines().map(str::trim_end).collect();
        let mut furthest = (0, 0);
        if lines_match(&self.lines, &output, 0, 0, &mut furthest) {
            return Ok(());
        }
        let (at, found) = furthest;
        let wanted = match self.lines.get(at) {
            Some(Line::Text(_, text)) => format!("line {} expects\n    {text}", self.line + at),
            Some(Line::Any) => format!("line {} expects more lines", self.line + at),
            None => "nothing more is expected".to_owned(),
        };
        let there = output.get(found).map_or("the output ends".to_owned(), |l| format!("the output has\n    {l}"));
        Err(format!("{wanted}\n{there}"))
    }
}

/// Matches lines with one point to go back to, the last `...`: no more is ever needed.
fn lines_match(want: &[Line], have: &[&str], mut i: usize, mut j: usize, furthest: &mut (usize, usize)) -> bool {
    let mut back: Option<(usize, usize)> = None;
    loop {
        match want.get(i) {
            Some(Line::Any) => {
                back = Some((i + 1, j));
                i += 1;
                continue;
            }
            Some(Line::Text(pieces, _)) if have.get(j).is_some_and(|l| text_matches(pieces, l)) => {
                i += 1;
                j += 1;
                continue;
            }
            None if j >= have.len() => return true,
            _ => {}
        }
        if i >= furthest.0 {
            *furthest = (i, back.map_or(j, |(n, from)| if n == i { from } else { j }));
        }
        match back {
            Some((n, from)) if from < have.len() => {
                back = Some((n, from + 1));
                i = n;
                j = from + 1;
            }
            _ => return false,
        }
    }
}

fn pieces(line: &str) -> Vec<Piece> {
    let mut out = Vec::new();
    let mut literal = String::new();
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        let placeholder = rest.strip_prefix('<').and_then(|r| r.split_once('>')).filter(|(word, _)| {
            !word.is_empty() && !LITERAL.contains(word) && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        });
        let (piece, tail) = if let Some((_, tail)) = placeholder {
            (Piece::Word, tail)
        } else if let Some(tail) = rest.strip_prefix("...") {
            (Piece::Any, tail)
        } else if c == ' ' {
            (Piece::Space, rest.trim_start_matches(' '))
        } else {
            literal.push(c);
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
            continue;
        };
        if !literal.is_empty() {
            out.push(Piece::Literal(std::mem::take(&mut literal)));
        }
        out.push(piece);
        rest = tail;
    }
    if !literal.is_empty() {
        out.push(Piece::Literal(literal));
    }
    out
}

/// Matches a line by the set of places reachable so far, so that no line takes more than pieces times characters.
fn text_matches(pieces: &[Piece], line: &str) -> bool {
    let chars: Vec<char> = line.chars().collect();
    let mut at = vec![false; chars.len() + 1];
    if let Some(first) = at.first_mut() {
        *first = true;
    }
    for piece in pieces {
        let mut next = vec![false; chars.len() + 1];
        for (from, _) in at.iter().enumerate().filter(|(_, reachable)| **reachable) {
            let mut mark = |to: usize| {
                if let Some(slot) = next.get_mut(to) {
                    *slot = true;
                }
            };
            match piece {
                Piece::Literal(text) => {
                    let n = text.chars().count();
                    if chars.iter().skip(from).take(n).copied().eq(text.chars()) {
                        mark(from + n);
                    }
                }
                Piece::Any => (from..=chars.len()).for_each(mark),
                Piece::Word | Piece::Space => {
                    let space = *piece == Piece::Space;
                    for (i, c) in chars.iter().enumerate().skip(from) {
                        if (*c == ' ') != space {
                            break;
                        }
                        mark(i + 1);
                    }
                }
            }
        }
        at = next;
    }
    at.last().copied().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(want: &str, have: &str, ok: bool) {
        let expect = Expect::parse("expect", want, 1).unwrap();
        assert_eq!(expect.check(have).is_ok(), ok, "{want:?} against {have:?}: {:?}", expect.check(have));
    }

    #[test]
    fn wildcards() {
        check("a\n", "a\n", true);
        check("a\n", "a\nb\n", false);
        check("a\n...\n", "a\nb\nc\n", true);
        check("...\nc\n", "a\nb\nc\n", true);
        check("...\nb\n...\n", "a\nb\nc\n", true);
        check("...\nx\n...\n", "a\nb\n", false);
        check("NAME READY AGE\ninflate 0/0 <age>\n", "NAME      READY   AGE\ninflate   0/0     3s\n", true);
        check("x <none> <age>\n", "x  <none>  5s\n", true);
        check("x <none>\n", "x  hello\n", false);
        check("found ... pods\n", "found 3 new pods\n", true);
        check("<a>/<b>\n", "x/y\n", true);
        check("", "", true);
        check("", "x\n", false);
        check("...\na\n...\nb\n", "a\nb\na\nb\n", true);
    }

    #[test]
    fn names_the_line() {
        let expect = Expect::parse("expect exit=1", "a\nb\n", 10).unwrap();
        assert_eq!(expect.exit, Some(1));
        assert_eq!(expect.check("a\nc\n").unwrap_err(), "line 11 expects\n    b\nthe output has\n    c");
        assert_eq!(Expect::parse("expect foo", "", 3).unwrap_err().message, "line 2: `foo` is unknown here: `exit=N` is known");
    }
}
