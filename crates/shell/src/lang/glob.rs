//! Patterns of file names, `case` and `${name%pattern}`: `*`, `?`, `[a-z]`, `[!x]`, and `\` in front of what is meant itself.

use crate::run::{Files, State};

#[derive(Debug)]
enum Piece {
    Any,
    One,
    Char(char),
    Set(bool, Vec<(char, char)>),
}

fn pieces(pattern: &str) -> Vec<Piece> {
    let chars: Vec<char> = pattern.chars().collect();
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(c) = chars.get(at).copied() {
        at += 1;
        out.push(match c {
            '*' => Piece::Any,
            '?' => Piece::One,
            '\\' => {
                at += 1;
                Piece::Char(chars.get(at - 1).copied().unwrap_or('\\'))
            }
            '[' => match set(&chars, at) {
                Some((piece, end)) => {
                    at = end;
                    piece
                }
                None => Piece::Char('['),
            },
            c => Piece::Char(c),
        });
    }
    out
}

/// A bracket expression that begins behind its `[`, and where it ends.
fn set(chars: &[char], mut at: usize) -> Option<(Piece, usize)> {
    let negate = matches!(chars.get(at), Some('!' | '^'));
    at += usize::from(negate);
    let start = at;
    let mut ranges = Vec::new();
    loop {
        let c = *chars.get(at)?;
        if c == ']' && at > start {
            return Some((Piece::Set(negate, ranges), at + 1));
        }
        at += 1;
        if chars.get(at) == Some(&'-') && chars.get(at + 1).is_some_and(|c| *c != ']') {
            ranges.push((c, *chars.get(at + 1)?));
            at += 2;
        } else {
            ranges.push((c, c));
        }
    }
}

/// Whether the whole of `text` is what `pattern` says.
pub fn glob(pattern: &str, text: &str) -> bool {
    let (pieces, chars) = (pieces(pattern), text.chars().collect::<Vec<char>>());
    let (mut i, mut j, mut back) = (0, 0, None);
    while let Some(c) = chars.get(j) {
        let fits = match pieces.get(i) {
            Some(Piece::Any) => {
                back = Some((i, j));
                i += 1;
                continue;
            }
            Some(Piece::One) => true,
            Some(Piece::Char(p)) => p == c,
            Some(Piece::Set(negate, ranges)) => ranges.iter().any(|(low, high)| low <= c && c <= high) != *negate,
            None => false,
        };
        match (fits, back) {
            (true, _) => (i, j) = (i + 1, j + 1),
            (false, Some((at, from))) => {
                back = Some((at, from + 1));
                (i, j) = (at + 1, from + 1);
            }
            (false, None) => return false,
        }
    }
    pieces.iter().skip(i).all(|p| matches!(p, Piece::Any))
}

/// `text` with what `glob` takes as special made plain.
pub fn literal(text: &str) -> String {
    text.chars().flat_map(|c| "*?[\\".contains(c).then_some('\\').into_iter().chain([c])).collect()
}

/// The paths that a pattern names, in order; none where nothing fits.
pub fn paths(pattern: &str, state: &State) -> Vec<String> {
    let mut found = vec![String::new()];
    for (n, part) in pattern.split('/').enumerate() {
        let mut next = Vec::new();
        for head in &found {
            let head = if n == 0 { String::new() } else { format!("{head}/") };
            if !part.contains(['*', '?', '[']) {
                next.push(head + &part.replace('\\', ""));
                continue;
            }
            let directory = if head.is_empty() { state.env.cwd.clone() } else { state.path(&head) };
            let names = state.files.list(&directory).into_iter();
            let hidden = part.starts_with('.');
            next.extend(names.filter(|n| (hidden || !n.starts_with('.')) && glob(part, n)).map(|n| format!("{head}{n}")));
        }
        found = next;
    }
    found.retain(|path| {
        let path: String = Files::absolute(&state.env.cwd, path);
        state.files.is_dir(&path) || state.files.read(&path).is_some()
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_whole_texts() {
        for (pattern, text, want) in [
            ("*.yaml", "a.yaml", true),
            ("*.yaml", "a.yml", false),
            ("a?c", "abc", true),
            ("*a*b", "xaxb", true),
            ("", "x", false),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[]]", "]", true),
            (r"\*", "x", false),
            (r"\*", "*", true),
            ("[", "[", true),
        ] {
            assert_eq!(glob(pattern, text), want, "{pattern} {text}");
        }
    }
}
