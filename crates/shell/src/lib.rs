//! The command language: a small POSIX shell, kubectl's grammar and printers, and eks-node-viewer.
//!
//! [`Shell`] keeps what outlives a line (variables, aliases, files, history); a line becomes a [`Job`], which runs in
//! simulated time: the owner calls [`Shell::poll`] whenever the session moved and draws [`Job::take_output`].

mod ask;
mod complete;
mod differences;
mod extras;
pub mod import;
mod job;
mod kubectl;
mod lang;
mod options;
mod run;
mod tools;
mod viewer;
mod whole;

pub use ask::Ask;
pub use complete::Completion;
pub use extras::{Answer, Extras, Query, Want};
pub use job::{Chunk, Edit, Job, Key, Poll, Repair, Start, Stream};
pub use options::{Lang, Options};
pub use viewer::{page as node_viewer_page, picture as node_viewer};
pub use whole::Ran;

use engine::{Session, SimTime, Snapshot};
use objects::schema::Docs;
use run::State;
use std::rc::Rc;

/// What outlives a line of input.
#[derive(Debug)]
pub struct Shell {
    state: State,
}

/// Most bytes of one text; more is refused before it is parsed.
pub const MAX_TEXT: usize = 4 << 20;

impl Shell {
    pub fn new(options: Options) -> Shell {
        Shell { state: State::new(options) }
    }

    pub fn options(&self) -> &Options {
        &self.state.options
    }

    pub fn set_lang(&mut self, lang: Lang) {
        self.state.options.lang = lang;
    }

    /// Speaks as another kubectl (see [`Options::kubectl`]), whose calls take that long.
    pub fn set_kubectl(&mut self, minor: Option<u32>, call_ms: u64) {
        self.state.options.kubectl = minor;
        self.state.options.kubectl_ms = call_ms;
    }

    /// Descriptions of fields that were fetched, for `kubectl explain`.
    /// Empty ones are none: then it explains without.
    pub fn set_docs(&mut self, docs: Rc<Docs>) {
        self.state.docs = Some(docs);
    }

    /// Gives the shell its rarely needed parts. A job that waits for them ([`Job::wants`]) goes on at its next poll.
    pub fn attach(&mut self, extras: Extras) {
        self.state.extras = Some(extras);
    }

    /// Starts a line (or several lines). [`Start::NeedsMore`] when a quote, heredoc, pipe or `\` is unfinished: show
    /// `> `, and call again with the whole text once more lines are there. Nothing runs before the first `poll`.
    pub fn start(&mut self, text: &str, session: &mut Session) -> Start {
        if text.len() > MAX_TEXT {
            return Start::Job(Box::new(Job::refused(text, "bash: the text is longer than 4 MiB; nothing was run")));
        }
        let (text, echo) = match self.recall(text) {
            Ok(recalled) => recalled,
            Err(event) => {
                return Start::Job(Box::new(Job::refused(text, &format!("bash: {event}: event not found"))));
            }
        };
        let Some(parsed) = lang::parse(&text, &self.state.aliases) else {
            return Start::NeedsMore;
        };
        self.state.remember(&text);
        self.state.jobs.renew();
        session.begin_line();
        Start::Job(Box::new(Job::new(&text, parsed, echo, self.state.options.asks)))
    }

    /// Runs the job as far as the present simulated time allows.
    pub fn poll(&mut self, job: &mut Job, session: &mut Session) -> Poll {
        job.poll(&mut self.state, session)
    }

    /// Whether something runs in the background: call [`Shell::work`] whenever the session moved, also while no line is
    /// at work.
    pub fn has_background(&self) -> bool {
        self.state.jobs.any_at_work()
    }

    /// Lets what runs in the background go on as far as the present allows: what it printed, and when it has something to
    /// do whatever the cluster does.
    pub fn work(&mut self, session: &mut Session) -> (Vec<Chunk>, Option<SimTime>) {
        let output = job::work(&mut self.state, session);
        (output, self.state.jobs.wake())
    }

    /// Lines typed so far, oldest first.
    pub fn history(&self) -> &[String] {
        &self.state.history
    }

    /// Takes over lines of an earlier session, oldest first, as a shell reads its history file.
    pub fn recall_history(&mut self, lines: &[String]) {
        lines.iter().for_each(|line| self.state.remember(line));
    }

    /// Writes a file of the virtual home, for examples that a lesson puts there.
    pub fn write_file(&mut self, path: &str, text: &str) -> Result<(), &'static str> {
        let path = self.state.path(path);
        self.state.files.write(&path, text, false)
    }

    /// Tab completion at the byte offset `cursor` of `line`.
    pub fn complete(&self, line: &str, cursor: usize, snapshot: &Snapshot) -> Completion {
        complete::complete(line, cursor, &self.state, snapshot)
    }

    /// `!!`, `!n` and `!prefix` outside single quotes, at a terminal; the second value says that the line changed, so
    /// that it is shown as bash shows it.
    fn recall(&self, text: &str) -> Result<(String, bool), String> {
        if !self.state.options.interactive || !text.contains('!') {
            return Ok((text.to_owned(), false));
        }
        let mut out = String::new();
        let mut changed = false;
        let mut single = false;
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let tail = rest.get(c.len_utf8()..).unwrap_or_default();
            if c == '\'' {
                single = !single;
            }
            if c == '\\' {
                let n = tail.chars().next().map_or(0, char::len_utf8);
                out.push(c);
                out.push_str(tail.get(..n).unwrap_or_default());
                rest = tail.get(n..).unwrap_or_default();
                continue;
            }
            let event = tail.chars().next();
            let process = out.ends_with('$');
            if c != '!' || single || process || !event.is_some_and(|e| e == '!' || e.is_ascii_alphanumeric()) {
                out.push(c);
                rest = tail;
                continue;
            }
            let history = &self.state.history;
            let (word, line) = if event == Some('!') {
                ("!".to_owned(), history.last())
            } else {
                let word: String = tail.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
                let line = match word.parse::<usize>() {
                    Ok(n) => history.get(n.wrapping_sub(1)),
                    Err(_) => history.iter().rev().find(|l| l.starts_with(&word)),
                };
                (word, line)
            };
            out.push_str(line.ok_or_else(|| format!("!{word}"))?);
            rest = tail.get(word.len()..).unwrap_or_default();
            changed = true;
        }
        Ok((out, changed))
    }
}
