//! The seam between the shell and its programs: a program is stepped, reads what has arrived, writes what it has, and
//! says when it wants to go on.

use super::State;
use super::budget::MOST_TEXT;
use crate::ask::Errand;
use crate::job::{Chunk, Editor, Key, Repair, Stream};
use engine::logs::LogLine;
use engine::session::Seen;
use engine::{Session, SimTime};
use objects::collections::VecMap;
use std::sync::Arc;

/// How far a step came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Done(i32),
    /// Nothing to do before this time; `None` waits for input, a key or a change of the cluster.
    Wait(Option<SimTime>),
    /// There is more to do at once.
    More,
}

/// What a line counts for besides its bytes.
pub const LINE: usize = 16;

/// Text on its way to a program.
#[derive(Debug, Default)]
pub struct Input {
    text: String,
    at: usize,
    /// Bytes that were looked at since somebody asked.
    read: usize,
    /// The writer has ended.
    pub ended: bool,
}

impl Input {
    /// An input that is at its end.
    pub fn empty() -> Input {
        Input { ended: true, ..Input::default() }
    }

    pub fn of(text: String) -> Input {
        Input { text, at: 0, read: 0, ended: true }
    }

    /// Adds what was written; false where more is waiting than a pipe may hold.
    pub fn push(&mut self, text: &str) -> bool {
        if self.at > 1 << 16 {
            self.text.drain(..self.at);
            self.at = 0;
        }
        self.text.push_str(text);
        self.text.len() <= MOST_TEXT
    }

    /// Bytes that were looked at since the last call.
    pub fn read(&mut self) -> usize {
        std::mem::take(&mut self.read)
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// The next line with its newline; the last one may lack it. `None` while no whole line is there.
    pub fn line(&mut self) -> Option<String> {
        let rest = self.rest();
        let end = match rest.find('\n') {
            Some(end) => end + 1,
            None if self.ended && !rest.is_empty() => rest.len(),
            None => {
                self.read += rest.len();
                return None;
            }
        };
        let line = rest.get(..end).unwrap_or_default().to_owned();
        self.read += line.len() + LINE;
        self.at += end;
        Some(line)
    }

    /// Everything, once the writer has ended.
    pub fn all(&mut self) -> Option<String> {
        if !self.ended {
            return None;
        }
        let all = self.rest().to_owned();
        self.read += all.len();
        self.at = self.text.len();
        Some(all)
    }

    /// Whether nothing is left and nothing will come.
    pub fn is_over(&self) -> bool {
        self.ended && self.rest().is_empty()
    }
}

/// A program's three streams.
#[derive(Debug)]
pub struct Io<'a> {
    pub input: &'a mut Input,
    pub output: Vec<Chunk>,
    /// Whether standard output is the terminal itself (no pipe, no file).
    pub to_terminal: bool,
    written: usize,
    apart: bool,
}

impl<'a> Io<'a> {
    pub fn new(input: &'a mut Input, to_terminal: bool) -> Io<'a> {
        Io { input, output: Vec::new(), to_terminal, written: 0, apart: false }
    }

    /// Whether more was written than an output may hold; what was too much is lost, and whoever wrote it is to be stopped.
    pub fn is_full(&self) -> bool {
        self.written > MOST_TEXT
    }

    pub fn out(&mut self, text: &str) {
        self.write(Stream::Stdout, text);
    }

    pub fn err(&mut self, text: &str) {
        self.write(Stream::Stderr, text);
    }

    /// Writes what stands between two things: nothing the first time.
    pub fn apart(&mut self, between: &str) {
        if std::mem::replace(&mut self.apart, true) {
            self.out(between);
        }
    }

    /// A line of advice that no real program prints; it goes past pipes and redirects.
    pub fn hint(&mut self, text: &str) {
        self.write(Stream::Hint, &format!("{text}\n"));
    }

    /// A whole picture of a full-screen program.
    pub fn screen(&mut self, text: &str) {
        self.output.push(Chunk { stream: Stream::Stdout, text: text.to_owned(), screen: true });
    }

    fn write(&mut self, stream: Stream, text: &str) {
        self.written = self.written.saturating_add(text.len());
        if text.is_empty() || self.is_full() {
            return;
        }
        match self.output.last_mut() {
            Some(last) if last.stream == stream && !last.screen => last.text.push_str(text),
            _ => self.output.push(Chunk { stream, text: text.to_owned(), screen: false }),
        }
    }
}

/// What a program may touch besides its streams.
#[derive(Debug)]
pub struct Ctx<'a> {
    pub session: &'a mut Session,
    pub state: &'a mut State,
    /// What the person typed, for the session's log.
    pub line: &'a str,
    pub seen: &'a mut Vec<Seen>,
    pub keys: &'a mut Vec<Key>,
    pub editor: &'a mut Editor,
    pub errand: &'a mut Errand,
    /// Whether a program that ends only when left is running; set by each step.
    pub follows: &'a mut bool,
    pub full_screen: &'a mut bool,
    pub repair: &'a mut Option<Repair>,
    /// Log lines that `kubectl logs` has written in this job, by their text: what of them reaches the terminal is seen.
    pub logs: &'a mut VecMap<String, Arc<LogLine>>,
    /// The whole text of the job, for offers to mend it.
    pub text: &'a str,
}

impl Ctx<'_> {
    pub fn now(&self) -> SimTime {
        self.session.now()
    }
}

/// Not asked of each program: fifty copies of a derived text would be the page's to load.
impl std::fmt::Debug for dyn Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Program")
    }
}

/// Something that runs in a pipeline.
pub trait Program {
    /// Goes on as far as input and time allow.
    fn step(&mut self, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Step;
}
