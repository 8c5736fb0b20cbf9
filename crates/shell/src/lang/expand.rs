//! Words to arguments: variables, substitutions, arithmetic, braces, field splitting and file name patterns.

use super::ast::{Part, Word};
use crate::run::State;

/// Expands a word where field splitting applies. `results` holds the outputs of command substitutions, in the order
/// in which they occur.
pub fn fields(word: &Word, state: &State, results: &mut std::vec::IntoIter<String>) -> Vec<String> {
    // (text, quoted) pieces of the field under construction.
    let mut fields: Vec<Vec<(String, bool)>> = Vec::new();
    let mut current: Option<Vec<(String, bool)>> = None;
    let start_tilde = matches!(word.0.first(), Some(Part::Text { text, quoted: false }) if text == "~" || text.starts_with("~/"));
    for (i, part) in word.0.iter().enumerate() {
        let (text, quoted, split) = match part {
            Part::Text { text, quoted } => {
                let text = if i == 0 && start_tilde { text.replacen('~', &state.env.home, 1) } else { text.clone() };
                (text, *quoted, false)
            }
            Part::Substitution { quoted, .. } => {
                let out = results.next().unwrap_or_default();
                (out.trim_end_matches('\n').to_owned(), *quoted, !quoted)
            }
            other => {
                let quoted = !matches!(other, Part::Variable { quoted: false, .. } | Part::Arithmetic { .. });
                (value(other, state), quoted, !quoted)
            }
        };
        if !split {
            current.get_or_insert_default().push((text, quoted));
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

/// Expands a word to one string (assignments, redirect targets, heredoc bodies).
pub fn single(word: &Word, state: &State, results: &mut std::vec::IntoIter<String>) -> String {
    word.0
        .iter()
        .map(|part| match part {
            Part::Text { text, .. } => text.clone(),
            Part::Substitution { .. } => results.next().unwrap_or_default().trim_end_matches('\n').to_owned(),
            other => value(other, state),
        })
        .collect()
}

fn value(part: &Part, state: &State) -> String {
    match part {
        Part::Variable { name, default, .. } => {
            let value = state.variable(name);
            match default {
                Some(default) if value.as_deref().unwrap_or_default().is_empty() => default.clone(),
                _ => value.unwrap_or_default(),
            }
        }
        Part::Arithmetic { text } => arithmetic(text, state).map_or_else(|| "0".to_owned(), |n| n.to_string()),
        Part::Text { text, .. } => text.clone(),
        Part::Substitution { .. } => String::new(),
    }
}

/// Braces and file name patterns of one field.
fn patterns(pieces: Vec<(String, bool)>, state: &State) -> Vec<String> {
    let text: String = pieces.iter().map(|(t, _)| t.as_str()).collect();
    if pieces.iter().all(|(_, quoted)| *quoted) {
        return vec![text];
    }
    if let [(only, false)] = pieces.as_slice() {
        let braces = braces(only);
        if braces.len() != 1 {
            return braces;
        }
        if only.contains(['*', '?']) && !only.contains(['=', '{', '[']) {
            let mut names: Vec<String> = state.files.list(&state.env.cwd).into_iter().filter(|n| glob(only, n)).collect();
            names.retain(|n| !n.starts_with('.'));
            if !names.is_empty() {
                return names;
            }
        }
    }
    vec![text]
}

/// `{1..5}` and `{a,b}` of an unquoted word; the word itself where it has none.
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
    items.iter().flat_map(|item| braces(after).into_iter().map(move |tail| format!("{before}{item}{tail}"))).collect()
}

/// `*` and `?` of a file name pattern.
pub fn glob(pattern: &str, name: &str) -> bool {
    let (p, n): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut i, mut j, mut star) = (0, 0, None);
    while j < n.len() {
        match p.get(i) {
            Some('*') => {
                star = Some((i, j));
                i += 1;
            }
            Some(c) if *c == '?' || Some(c) == n.get(j) => {
                i += 1;
                j += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    i = at + 1;
                    j = from + 1;
                }
                None => return false,
            },
        }
    }
    p.iter().skip(i).all(|c| *c == '*')
}

/// Integer arithmetic with `+ - * / %`, parentheses and variables; `None` for anything else.
fn arithmetic(text: &str, state: &State) -> Option<i64> {
    let chars: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    let mut at = 0;
    let value = sum(&chars, &mut at, state, 0)?;
    (at == chars.len()).then_some(value)
}

fn sum(c: &[char], at: &mut usize, state: &State, depth: usize) -> Option<i64> {
    let mut value = product(c, at, state, depth)?;
    while let Some(op @ ('+' | '-')) = c.get(*at) {
        *at += 1;
        let right = product(c, at, state, depth)?;
        value = if *op == '+' { value.checked_add(right)? } else { value.checked_sub(right)? };
    }
    Some(value)
}

fn product(c: &[char], at: &mut usize, state: &State, depth: usize) -> Option<i64> {
    let mut value = factor(c, at, state, depth)?;
    while let Some(op @ ('*' | '/' | '%')) = c.get(*at) {
        *at += 1;
        let right = factor(c, at, state, depth)?;
        value = match op {
            '*' => value.checked_mul(right)?,
            '/' => value.checked_div(right)?,
            _ => value.checked_rem(right)?,
        };
    }
    Some(value)
}

fn factor(c: &[char], at: &mut usize, state: &State, depth: usize) -> Option<i64> {
    if depth > 32 {
        return None;
    }
    match c.get(*at)? {
        '-' => {
            *at += 1;
            factor(c, at, state, depth + 1)?.checked_neg()
        }
        '(' => {
            *at += 1;
            let value = sum(c, at, state, depth + 1)?;
            (c.get(*at) == Some(&')')).then(|| *at += 1)?;
            Some(value)
        }
        _ => {
            let dollar = usize::from(c.get(*at) == Some(&'$'));
            let word: String = c.iter().skip(*at + dollar).take_while(|c| c.is_ascii_alphanumeric() || **c == '_').collect();
            *at += dollar + word.len();
            if word.starts_with(|c: char| c.is_ascii_digit()) && dollar == 0 {
                word.parse().ok()
            } else if word.is_empty() {
                None
            } else {
                Some(state.variable(&word).and_then(|v| v.trim().parse().ok()).unwrap_or(0))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_name_patterns() {
        for (pattern, name, want) in [
            ("*.yaml", "a.yaml", true),
            ("*.yaml", "a.yml", false),
            ("a?c", "abc", true),
            ("*a*b", "xaxb", true),
            ("", "x", false),
        ] {
            assert_eq!(glob(pattern, name), want, "{pattern} {name}");
        }
    }

    #[test]
    fn braces_multiply() {
        assert_eq!(braces("x{1..3}"), ["x1", "x2", "x3"]);
        assert_eq!(braces("{a,b}{1,2}"), ["a1", "a2", "b1", "b2"]);
        assert_eq!(braces("{.items}"), ["{.items}"]);
    }

    #[test]
    fn sums() {
        let mut state = State::new(crate::Options::script());
        state.env.variables.insert("N".to_owned(), "4".to_owned());
        for (text, want) in [("1 + 2*3", Some(7)), ("(N+1)*2", Some(10)), ("$N%3", Some(1)), ("1/0", None), ("1+", None)] {
            assert_eq!(arithmetic(text, &state), want, "{text}");
        }
    }
}
