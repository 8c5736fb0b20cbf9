//! Tab completion.

use crate::run::State;
use engine::Snapshot;

/// What Tab offers: replace `start..cursor` of the line by one of `candidates`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completion {
    /// Byte offset in the line where the completed word begins.
    pub start: usize,
    /// Full words, in order; a trailing space means that the word is complete.
    pub candidates: Vec<String>,
}

pub fn complete(_line: &str, cursor: usize, _state: &State, _snapshot: &Snapshot) -> Completion {
    Completion { start: cursor, candidates: Vec::new() }
}
