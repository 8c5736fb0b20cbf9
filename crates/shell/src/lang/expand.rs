//! Words to arguments: variables, substitutions, arithmetic, braces, field splitting and file name patterns.

use super::ast::{Part, Word};
use super::{arithmetic, glob, is_name, parameter};
use crate::run::State;

/// What is expanded with the outputs of command substitutions, in the order in which they occur.
type Outputs = std::vec::IntoIter<String>;

/// A piece of a field and whether it was quoted.
type Pieces = Vec<(String, bool)>;

fn is_home(text: &str) -> bool {
    text == "~" || text.starts_with("~/")
}

/// Expands a word where field splitting applies.
pub fn fields(word: &Word, state: &mut State, results: &mut Outputs) -> Vec<String> {
    let mut fields: Vec<Pieces> = Vec::new();
    let mut current: Option<Pieces> = None;
    for (i, part) in word.0.iter().enumerate() {
        let (text, split) = match part {
            Part::Text { text, quoted } => {
                // Behind `name=` as well, though nothing is assigned.
                let (_, from) = text.split_once('=').filter(|(n, _)| is_name(n)).unwrap_or(("", text));
                let tilde = i == 0 && !quoted && is_home(from);
                let text = if tilde { text.replacen('~', &state.env.home, 1) } else { text.clone() };
                current.get_or_insert_default().push((text, *quoted));
                continue;
            }
            Part::Variable { name, change: None, quoted: true } if name == "@" => {
                // Each argument is a field of its own.
                let arguments = state.env.arguments.clone();
                for (n, argument) in arguments.into_iter().enumerate() {
                    let argument = state.expanded(argument);
                    if n > 0 {
                        fields.extend(current.take());
                    }
                    current.get_or_insert_default().push((argument, true));
                }
                continue;
            }
            Part::Substitution { quoted, .. } | Part::Variable { quoted, .. } => (value(part, state, results), !quoted),
            Part::Arithmetic { .. } => (value(part, state, results), true),
        };
        if !split {
            current.get_or_insert_default().push((text, true));
            continue;
        }
        if text.starts_with(char::is_whitespace) {
            fields.extend(current.take());
        }
        let mut pieces = text.split_whitespace().peekable();
        while let Some(piece) = pieces.next() {
            current.get_or_insert_default().push((piece.to_owned(), false));
            if pieces.peek().is_some() || text.ends_with(char::is_whitespace) {
                fields.extend(current.take());
            }
        }
    }
    fields.extend(current);
    fields.into_iter().flat_map(|f| patterns(f, state)).collect()
}

/// Expands a word to one string where `~` is the home (assignments, redirect targets).
pub fn path(word: &Word, state: &mut State, results: &mut Outputs) -> String {
    let text = single(word, state, results);
    match word.0.first() {
        Some(Part::Text { text: first, quoted: false }) if is_home(first) => text.replacen('~', &state.env.home, 1),
        _ => text,
    }
}

/// Expands a word to one string as it is (heredoc bodies).
pub fn single(word: &Word, state: &mut State, results: &mut Outputs) -> String {
    word.0.iter().map(|part| value(part, state, results)).collect()
}

/// Expands a pattern: what was quoted in it stands for itself.
pub fn pattern(word: &Word, state: &mut State, results: &mut Outputs) -> String {
    let mut out = String::new();
    for part in &word.0 {
        let plain = matches!(
            part,
            Part::Text { quoted: true, .. } | Part::Variable { quoted: true, .. } | Part::Substitution { quoted: true, .. }
        );
        let text = value(part, state, results);
        out.push_str(&if plain { glob::literal(&text) } else { text });
    }
    out
}

/// Whether a text is what an expanded pattern says.
pub fn fits(pattern: &str, text: &str, state: &mut State) -> bool {
    state.with_fuel(|fuel| glob::glob(pattern, text, fuel))
}

fn value(part: &Part, state: &mut State, results: &mut Outputs) -> String {
    let text = match part {
        Part::Variable { name, change: None, .. } => state.variable(name).unwrap_or_default(),
        Part::Variable { name, change: Some(change), .. } => parameter::value(name, change, state, results),
        Part::Arithmetic { word } => {
            let text = single(word, state, results);
            match arithmetic::value(&text, state) {
                Ok(n) => n.to_string(),
                Err(why) => {
                    state.failure.get_or_insert(why);
                    String::new()
                }
            }
        }
        Part::Text { text, .. } => text.clone(),
        Part::Substitution { .. } => results.next().unwrap_or_default().trim_end_matches('\n').to_owned(),
    };
    state.expanded(text)
}

/// Braces and file name patterns of one field.
fn patterns(pieces: Pieces, state: &mut State) -> Vec<String> {
    let text: String = pieces.iter().map(|(t, _)| t.as_str()).collect();
    if let [(only, false)] = pieces.as_slice() {
        let words = braces(only);
        if words.len() > MOST_WORDS {
            state.failure.get_or_insert(format!("brace expansion: more than {MOST_WORDS} words"));
        } else if words.len() > 1 {
            return words.into_iter().flat_map(|word| patterns(vec![(state.expanded(word), false)], state)).collect();
        }
    }
    if pieces.iter().any(|(t, quoted)| !quoted && t.contains(['*', '?', '['])) && !text.contains(['=', '{']) {
        let pattern = pieces.iter().map(|(t, quoted)| if *quoted { glob::literal(t) } else { t.clone() });
        let names = glob::paths(&pattern.collect::<String>(), state);
        if !names.is_empty() {
            return names;
        }
    }
    vec![text]
}

/// Most words that braces may make of one.
const MOST_WORDS: usize = 100_000;

/// `{1..5}` and `{a,b}` of an unquoted word; the word itself where it has none. Those that would make too many stop there.
fn braces(text: &str) -> Vec<String> {
    let whole = || vec![text.to_owned()];
    let (Some(open), Some(close)) = (text.find('{'), text.find('}')) else {
        return whole();
    };
    let (Some(before), Some(inner), Some(after)) = (text.get(..open), text.get(open + 1..close), text.get(close + 1..)) else {
        return whole();
    };
    if before.ends_with('$') {
        return whole();
    }
    let items: Vec<String> = if let Some((low, high)) = inner.split_once("..") {
        let (Ok(low), Ok(high)) = (low.parse::<i64>(), high.parse::<i64>()) else {
            return whole();
        };
        if low.abs_diff(high) > 10_000 {
            return whole();
        }
        if low <= high {
            (low..=high).map(|n| n.to_string()).collect()
        } else {
            (high..=low).rev().map(|n| n.to_string()).collect()
        }
    } else if inner.contains(',') {
        inner.split(',').map(str::to_owned).collect()
    } else {
        return whole();
    };
    let tails = braces(after);
    let words = items.iter().flat_map(|item| tails.iter().map(move |tail| format!("{before}{item}{tail}")));
    words.take(MOST_WORDS + 1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_multiply() {
        assert_eq!(braces("x{1..3}"), ["x1", "x2", "x3"]);
        assert_eq!(braces("{a,b}{1,2}"), ["a1", "a2", "b1", "b2"]);
        assert_eq!(braces("{.items}"), ["{.items}"]);
        assert_eq!(braces("{1..9999}{1..9999}{1..9999}").len(), MOST_WORDS + 1);
    }

    #[test]
    fn sums() {
        let mut state = State::new(crate::Options::script());
        state.env.variables.insert("N".to_owned(), "4".to_owned());
        for (text, want) in [
            ("1 + 2*3", Ok(7)),
            ("(N+1)*2", Ok(10)),
            ("N%3", Ok(1)),
            ("N > 3 && 2 ** 3 == 8", Ok(1)),
            ("N < 3 ? 1 : 5", Ok(5)),
            ("x = 3, 1", Err("x = 3, 1: syntax error in expression (error token is \", 1\")")),
            ("-7 / 2", Ok(-3)),
            ("0x1f + 010", Ok(39)),
            ("1 << 4 | 1", Ok(17)),
            ("!0 + ~0", Ok(0)),
            ("1/0", Err("1/0: division by 0 (error token is \"0\")")),
            ("1+", Err("1+: syntax error: operand expected (error token is \"+\")")),
            ("0 && 1/0", Ok(0)),
            ("N++ + N", Ok(9)),
        ] {
            assert_eq!(arithmetic::value(text, &mut state), want.map_err(str::to_owned), "{text}");
        }
    }
}
