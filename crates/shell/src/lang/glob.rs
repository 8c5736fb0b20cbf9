//! Patterns of file names, `case` and `${name%pattern}`: `*`, `?`, `[a-z]`, `[!x]`, and `\` in front of what is meant itself.

use crate::run::{Files, State};

#[derive(Debug)]
enum Piece {
    Any,
    One,
    Char(char),
    Set(bool, Vec<(char, char)>),
}

/// A pattern on its way over a text.
#[derive(Debug)]
pub struct Pattern(Vec<Piece>);

impl Pattern {
    pub fn of(pattern: &str) -> Pattern {
        Pattern(pieces(pattern))
    }

    /// For texts read from their end.
    pub fn backward(mut self) -> Pattern {
        self.0.reverse();
        self
    }

    /// How many characters the pattern takes from the beginning of `chars`, as many or as few as it can; each place of the
    /// pattern that is tried on a character costs one of `fuel`, and what has none left fits nothing.
    pub fn reach(&self, chars: impl Iterator<Item = char>, longest: bool, fuel: &mut usize) -> Option<usize> {
        let end = self.0.len();
        let (mut places, mut next) = (Vec::new(), Vec::new());
        self.enter(0, &mut places);
        let mut found = places.contains(&end).then_some(0);
        for (n, c) in chars.enumerate() {
            if places.is_empty() || (found.is_some() && !longest) {
                break;
            }
            *fuel = fuel.checked_sub(places.len())?;
            next.clear();
            for place in &places {
                match self.0.get(*place) {
                    Some(Piece::Any) => self.enter(*place, &mut next),
                    Some(piece) if piece.takes(c) => self.enter(place + 1, &mut next),
                    _ => {}
                }
            }
            std::mem::swap(&mut places, &mut next);
            if places.last() == Some(&end) {
                found = Some(n + 1);
            }
        }
        found
    }

    /// Adds a place, and those behind stars that may take nothing; they stay in order.
    fn enter(&self, mut place: usize, places: &mut Vec<usize>) {
        loop {
            if places.last().is_none_or(|last| *last < place) {
                places.push(place);
            }
            if !matches!(self.0.get(place), Some(Piece::Any)) {
                return;
            }
            place += 1;
        }
    }
}

impl Piece {
    fn takes(&self, c: char) -> bool {
        match self {
            Piece::Any | Piece::One => true,
            Piece::Char(p) => *p == c,
            Piece::Set(negate, ranges) => ranges.iter().any(|(low, high)| *low <= c && c <= *high) != *negate,
        }
    }
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

/// Whether the whole of `text` is what `pattern` says; each comparison costs one of `fuel`.
pub fn glob(pattern: &str, text: &str, fuel: &mut usize) -> bool {
    let (pieces, chars) = (pieces(pattern), text.chars().collect::<Vec<char>>());
    let (mut i, mut j, mut back) = (0, 0, None);
    while let Some(c) = chars.get(j) {
        *fuel = fuel.saturating_sub(1);
        if *fuel == 0 {
            return false;
        }
        let fits = match pieces.get(i) {
            Some(Piece::Any) => {
                back = Some((i, j));
                i += 1;
                continue;
            }
            Some(piece) => piece.takes(*c),
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

/// The same for texts that are short, as names are.
pub fn fits(pattern: &str, text: &str) -> bool {
    glob(pattern, text, &mut (1 << 20))
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
            next.extend(names.filter(|n| (hidden || !n.starts_with('.')) && fits(part, n)).map(|n| format!("{head}{n}")));
        }
        found = next;
    }
    found.retain(|path| {
        let path: String = Files::absolute(&state.env.cwd, path);
        state.files.is_dir(&path) || state.files.is_file(&path)
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
            assert_eq!(fits(pattern, text), want, "{pattern} {text}");
            let mut fuel = 1_000;
            let all = text.chars().count();
            assert_eq!(Pattern::of(pattern).reach(text.chars(), true, &mut fuel) == Some(all), want, "{pattern} {text}");
            let backward = Pattern::of(pattern).backward();
            assert_eq!(backward.reach(text.chars().rev(), true, &mut fuel) == Some(all), want, "{pattern} {text}");
        }
    }
}
