//! Parts of the shell that are heavy and rarely needed. A program that meets its first need of them stands still
//! ([`crate::Job::wants`]) until the owner has attached them; native owners attach them at the start, the page fetches
//! them then. Functions, not objects: what only they reach can be loaded apart.

mod guard;
pub mod jq;

pub use jq::{Answer, Query};

/// What a job waits for until its owner brings it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// These parts ([`crate::Shell::attach`]).
    Extras,
    /// Descriptions of fields ([`crate::Shell::set_docs`]).
    Docs,
}

/// The parts.
#[derive(Clone, Copy, Debug)]
pub struct Extras {
    /// Runs a jq filter over texts of JSON values.
    pub jq: fn(&Query) -> Answer,
}

impl Extras {
    /// All of them. What calls this has them in its program.
    pub fn all() -> Extras {
        Extras { jq: jq::run }
    }
}
