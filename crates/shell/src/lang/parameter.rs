//! `${name...}`: defaults, lengths, prefixes and suffixes cut off, replacements, slices, case.

use super::ast::{Change, Word};
use super::{arithmetic, expand, glob};
use crate::run::State;

/// The value of a variable as its `${...}` asks for it.
pub fn value(name: &str, change: &Change, state: &mut State, results: &mut std::vec::IntoIter<String>) -> String {
    let old = state.variable(name);
    let text = old.clone().unwrap_or_default();
    // Every operand is expanded, so that outputs of substitutions stay in step.
    match change {
        Change::Length => match name {
            "@" | "*" => state.env.arguments.len().to_string(),
            _ => text.chars().count().to_string(),
        },
        Change::Default { op, empty_too, word } => {
            let other = expand::single(word, state, results);
            let missing = old.is_none() || (*empty_too && text.is_empty());
            match (op, missing) {
                ('-', true) => other,
                ('=', true) => {
                    state.env.variables.insert(name.to_owned(), other.clone());
                    other
                }
                ('?', true) => {
                    let why = if other.is_empty() { "parameter null or not set".to_owned() } else { other };
                    state.failure.get_or_insert(format!("{name}: {why}"));
                    String::new()
                }
                ('+', true) => String::new(),
                ('+', false) => other,
                _ => text,
            }
        }
        Change::Cut { end, longest, pattern } => {
            let pattern = expand::pattern(pattern, state, results);
            cut(&text, &pattern, *end, *longest)
        }
        Change::Replace { all, anchor, pattern, with } => {
            let pattern = expand::pattern(pattern, state, results);
            let with = expand::single(with, state, results);
            replace(&text, &pattern, &with, *all, *anchor)
        }
        Change::Slice { from, length } => {
            let from = number(from, state, results);
            let length = length.as_ref().map(|l| number(l, state, results));
            let chars: Vec<char> = text.chars().collect();
            let size = i64::try_from(chars.len()).unwrap_or(i64::MAX);
            let start = if from < 0 { size.saturating_add(from) } else { from };
            if start < 0 || start > size {
                return String::new();
            }
            let end = match length {
                None => size,
                Some(n) if n < 0 => size.saturating_add(n),
                Some(n) => start.saturating_add(n).min(size),
            };
            let (start, end) = (usize::try_from(start).unwrap_or(0), usize::try_from(end).unwrap_or(0));
            chars.get(start..end.max(start)).unwrap_or_default().iter().collect()
        }
        Change::Case { upper, all } => {
            let turn = |c: char| if *upper { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
            text.chars().enumerate().map(|(i, c)| if *all || i == 0 { turn(c) } else { c }).collect()
        }
    }
}

fn number(word: &Word, state: &mut State, results: &mut std::vec::IntoIter<String>) -> i64 {
    let text = expand::single(word, state, results);
    match arithmetic::value(&text, state) {
        Ok(n) => n,
        Err(why) => {
            state.failure.get_or_insert(why);
            0
        }
    }
}

/// Most characters on which patterns are tried at every place.
const LONG: usize = 20_000;

fn cut(text: &str, pattern: &str, end: bool, longest: bool) -> String {
    let mut places: Vec<usize> = text.char_indices().map(|(i, _)| i).take(LONG).chain([text.len()]).collect();
    // The shortest cut at the end begins at the last place; at the start it ends at the first.
    if end != longest {
        places.reverse();
    }
    for at in places {
        let (head, tail) = text.split_at_checked(at).unwrap_or((text, ""));
        let (gone, kept) = if end { (tail, head) } else { (head, tail) };
        if glob::glob(pattern, gone) {
            return kept.to_owned();
        }
    }
    text.to_owned()
}

fn replace(text: &str, pattern: &str, with: &str, all: bool, anchor: Option<char>) -> String {
    if pattern.is_empty() {
        return text.to_owned();
    }
    let plain = !pattern.contains(['*', '?', '[', '\\']);
    if plain && anchor.is_none() {
        return if all { text.replace(pattern, with) } else { text.replacen(pattern, with, 1) };
    }
    if text.len() > 2_000 {
        return text.to_owned();
    }
    let places: Vec<usize> = text.char_indices().map(|(i, _)| i).chain([text.len()]).collect();
    let mut out = String::new();
    let mut at = 0;
    while at < places.len() {
        let from = places.get(at).copied().unwrap_or(text.len());
        let fits = |to: &usize| {
            *to >= from && (*to > from || anchor == Some('%')) && text.get(from..*to).is_some_and(|t| glob::glob(pattern, t))
        };
        let allowed = match anchor {
            Some('#') => at == 0,
            _ => true,
        };
        let found = match anchor {
            Some('%') => places.last().filter(|to| fits(to)),
            _ => places.iter().rev().find(|to| fits(to)),
        };
        match found.filter(|_| allowed) {
            Some(to) => {
                out.push_str(with);
                at = places.iter().position(|p| p == to).unwrap_or(places.len()).max(at + usize::from(*to == from));
                if !all || anchor.is_some() || *to >= text.len() {
                    out.push_str(text.get(*to..).unwrap_or_default());
                    return out;
                }
            }
            None => {
                let next = places.get(at + 1).copied().unwrap_or(text.len());
                out.push_str(text.get(from..next).unwrap_or_default());
                at += 1;
            }
        }
    }
    out
}
