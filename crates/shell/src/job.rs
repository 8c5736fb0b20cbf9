//! One line at work.

use engine::SimTime;
use engine::session::Seen;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    Stdout,
    Stderr,
    /// A line of advice in the user's language; no real program printed it. Show it dim.
    Hint,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    pub stream: Stream,
    /// Text with its newlines; may end within a line.
    pub text: String,
    /// A whole picture of a full-screen program (`watch`, `eks-node-viewer`): it replaces the one before.
    pub screen: bool,
}

/// The offer to mend a script whose YAML carries `//` remarks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repair {
    /// One-based numbers, within the text given to `start`, of the lines that carry `//` remarks.
    pub lines: Vec<usize>,
    /// The text with the remarks taken off, ready to be run.
    pub fixed_script: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    Char(char),
    Left,
    Right,
    Up,
    Down,
}

#[derive(Debug)]
pub enum Start {
    Job(Box<Job>),
    /// The text is unfinished: show `> ` and come again with more of it.
    NeedsMore,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Poll {
    /// `wake` is when the job has something to do whatever the cluster does (at or before now: call again soon);
    /// `None` means that only changes of the cluster, keys or an interrupt will move it.
    Running {
        wake: Option<SimTime>,
    },
    Done {
        exit: i32,
    },
}

/// One line at work. Drive it with [`crate::Shell::poll`].
#[derive(Debug)]
pub struct Job {
    text: String,
    output: Vec<Chunk>,
    seen: Vec<Seen>,
    repair: Option<Repair>,
    exit: Option<i32>,
}

impl Job {
    pub(crate) fn new(text: &str) -> Job {
        Job { text: text.to_owned(), output: Vec::new(), seen: Vec::new(), repair: None, exit: None }
    }

    pub(crate) fn finish(&mut self, exit: i32) {
        self.exit = Some(exit);
    }

    /// The text that was started.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What was printed since the last call.
    pub fn take_output(&mut self) -> Vec<Chunk> {
        std::mem::take(&mut self.output)
    }

    /// What the person has seen of the cluster since the last call.
    pub fn take_seen(&mut self) -> Vec<Seen> {
        std::mem::take(&mut self.seen)
    }

    /// Ctrl+C: the job ends with status 130 at the next poll.
    pub fn interrupt(&mut self) {
        self.exit = Some(130);
    }

    /// A key for a full-screen program (`q` leaves eks-node-viewer).
    pub fn key(&mut self, _key: Key) {}

    /// Whether the job follows something (`logs -f`, `get -w`, `watch`) and so ends only when it is left.
    pub fn follows(&self) -> bool {
        false
    }

    /// Whether a full-screen program is on screen.
    pub fn full_screen(&self) -> bool {
        false
    }

    /// Filled after a refusal that taking off `//` remarks would mend.
    pub fn repair(&self) -> Option<&Repair> {
        self.repair.as_ref()
    }

    pub fn exit(&self) -> Option<i32> {
        self.exit
    }
}
