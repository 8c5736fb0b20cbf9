//! `${name...}`: defaults, lengths, prefixes and suffixes cut off, replacements, slices, case.

use super::ast::{Change, Word};
use super::glob::Pattern;
use super::{arithmetic, expand};
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
            state.with_fuel(|fuel| cut(&text, &pattern, *end, *longest, fuel))
        }
        Change::Replace { all, anchor, pattern, with } => {
            let pattern = expand::pattern(pattern, state, results);
            let with = expand::single(with, state, results);
            state.with_fuel(|fuel| replace(&text, &pattern, &with, *all, *anchor, fuel))
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

/// `${name#pattern}` and `${name%pattern}`.
fn cut(text: &str, pattern: &str, end: bool, longest: bool, fuel: &mut usize) -> String {
    let pattern = Pattern::of(pattern);
    if end {
        let gone = pattern.backward().reach(text.chars().rev(), longest, fuel).unwrap_or(0);
        let at = gone.checked_sub(1).and_then(|n| text.char_indices().rev().nth(n)).map_or(text.len(), |(at, _)| at);
        return text.get(..at).unwrap_or_default().to_owned();
    }
    let gone = pattern.reach(text.chars(), longest, fuel).unwrap_or(0);
    text.chars().skip(gone).collect()
}

/// `${name/pattern/with}`: the longest match at the first place where there is one, or at each (`//`), at the start (`/#`) or
/// at the end (`/%`).
fn replace(text: &str, pattern: &str, with: &str, all: bool, anchor: Option<char>, fuel: &mut usize) -> String {
    if pattern.is_empty() {
        return text.to_owned();
    }
    let pattern = Pattern::of(pattern);
    if anchor == Some('%') {
        let Some(gone) = pattern.backward().reach(text.chars().rev(), true, fuel) else { return text.to_owned() };
        let kept = text.chars().count() - gone;
        return text.chars().take(kept).chain(with.chars()).collect();
    }
    let mut out = String::new();
    let mut rest = text.chars();
    while !rest.as_str().is_empty() {
        match pattern.reach(rest.clone(), true, fuel).filter(|n| *n > 0) {
            Some(gone) => {
                out.push_str(with);
                *fuel = fuel.saturating_sub(with.len());
                rest.by_ref().take(gone).for_each(drop);
                if !all || anchor.is_some() || *fuel == 0 {
                    break;
                }
            }
            None if anchor.is_some() => break,
            None => out.extend(rest.next()),
        }
    }
    out + rest.as_str()
}
