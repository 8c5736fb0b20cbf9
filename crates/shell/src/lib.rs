//! The command language: a small POSIX shell, kubectl's grammar and printers, and eks-node-viewer.
//!
//! [`Shell`] keeps what outlives a line (variables, aliases, files, history); a line becomes a [`Job`], which runs in
//! simulated time: the owner calls [`Shell::poll`] whenever the session moved and draws [`Job::take_output`].

mod job;
mod options;

pub use job::{Chunk, Job, Key, Poll, Repair, Start, Stream};
pub use options::{Lang, Options};

use engine::{Session, Snapshot};

/// What outlives a line of input.
#[derive(Debug)]
pub struct Shell {
    options: Options,
    history: Vec<String>,
}

/// What Tab offers: replace `start..cursor` of the line by one of `candidates`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completion {
    /// Byte offset in the line where the completed word begins.
    pub start: usize,
    /// Full words, in order; a trailing space means that the word is complete.
    pub candidates: Vec<String>,
}

impl Shell {
    pub fn new(options: Options) -> Shell {
        Shell { options, history: Vec::new() }
    }

    pub fn options(&self) -> &Options {
        &self.options
    }

    pub fn set_lang(&mut self, lang: Lang) {
        self.options.lang = lang;
    }

    /// Starts a line (or several lines). [`Start::NeedsMore`] when a quote, heredoc, pipe or `\` is unfinished: show
    /// `> `, and call again with the whole text once more lines are there. Nothing runs before the first `poll`.
    pub fn start(&mut self, text: &str, _session: &mut Session) -> Start {
        self.history.push(text.to_owned());
        Start::Job(Box::new(Job::new(text)))
    }

    /// Runs the job as far as the present simulated time allows.
    pub fn poll(&mut self, job: &mut Job, _session: &mut Session) -> Poll {
        job.finish(0);
        Poll::Done { exit: 0 }
    }

    /// Lines typed so far, oldest first.
    pub fn history(&self) -> &[String] {
        &self.history
    }

    /// Tab completion at the byte offset `cursor` of `line`.
    pub fn complete(&self, _line: &str, cursor: usize, _snapshot: &Snapshot) -> Completion {
        Completion { start: cursor, candidates: Vec::new() }
    }
}
