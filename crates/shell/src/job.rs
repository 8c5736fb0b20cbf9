//! One line at work.

use crate::ask::{Ask, Errand};
use crate::extras::Want;
use crate::lang::Parsed;
use crate::run::{Budget, Ctx, Input, Io, Machine, Program, State, Step, earlier, step_jobs};
use crate::whole::Ran;
use engine::logs::LogLine;
use engine::session::Seen;
use engine::{Session, SimTime};
use objects::collections::VecMap;
use std::sync::Arc;

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

/// A text that a program wants edited (`kubectl edit`). The job waits until [`Job::edited`] gives the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What is edited, as kubectl names it: `deployment.apps/inflate`.
    pub title: String,
    /// YAML, with remarks (`#`) in front that say what is wrong with it, where it comes again.
    pub text: String,
}

/// The text on its way to the editor and back.
#[derive(Debug, Default)]
pub(crate) enum Editor {
    #[default]
    Closed,
    Open(Edit),
    /// `None`: left without saving.
    Left(Option<String>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    Char(char),
    Left,
    Right,
    Up,
    Down,
    Escape,
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
    machine: Option<Machine>,
    output: Vec<Chunk>,
    seen: Vec<Seen>,
    keys: Vec<Key>,
    editor: Editor,
    errand: Errand,
    repair: Option<Repair>,
    logs: VecMap<String, Arc<LogLine>>,
    /// The unfinished last line of standard output, for telling log lines in it.
    tail: String,
    follows: bool,
    full_screen: bool,
    interrupted: bool,
    refused: bool,
    wants: Option<Want>,
    exit: Option<i32>,
    budget: Budget,
}

/// Machine steps of one poll.
const STEPS_PER_POLL: usize = 64;

/// Lets the jobs in the background go on. They are on no screen, get no keys, and nobody follows them.
fn behind(output: &mut Vec<Chunk>, ctx: &mut Ctx<'_>) -> bool {
    let mut keys = Vec::new();
    let (mut editor, mut errand) = (Editor::Closed, Errand::Nobody);
    let (mut follows, mut full_screen, mut repair) = (false, false, None);
    let mut apart = Ctx {
        session: ctx.session,
        state: ctx.state,
        line: ctx.line,
        seen: ctx.seen,
        keys: &mut keys,
        editor: &mut editor,
        errand: &mut errand,
        follows: &mut follows,
        full_screen: &mut full_screen,
        repair: &mut repair,
        logs: ctx.logs,
        text: ctx.text,
    };
    step_jobs(output, &mut apart)
}

/// Lets the jobs in the background go on while no line is at work; what they print.
pub(crate) fn work(state: &mut State, session: &mut Session) -> Vec<Chunk> {
    let (mut output, mut seen, mut keys, mut logs) = (Vec::new(), Vec::new(), Vec::new(), VecMap::new());
    let (mut editor, mut errand) = (Editor::Closed, Errand::Nobody);
    let (mut follows, mut full_screen, mut repair) = (false, false, None);
    let mut ctx = Ctx {
        session,
        state,
        line: "",
        seen: &mut seen,
        keys: &mut keys,
        editor: &mut editor,
        errand: &mut errand,
        follows: &mut follows,
        full_screen: &mut full_screen,
        repair: &mut repair,
        logs: &mut logs,
        text: "",
    };
    for _ in 0..STEPS_PER_POLL {
        if !step_jobs(&mut output, &mut ctx) {
            break;
        }
    }
    output
}

impl Job {
    /// `asks`: whether the owner answers questions.
    pub(crate) fn new(text: &str, parsed: Parsed, echo: bool, asks: bool) -> Job {
        let mut job = Job {
            text: text.to_owned(),
            machine: Some(Machine::new(parsed)),
            output: Vec::new(),
            seen: Vec::new(),
            keys: Vec::new(),
            editor: Editor::Closed,
            errand: if asks { Errand::None } else { Errand::Nobody },
            repair: None,
            logs: VecMap::new(),
            tail: String::new(),
            follows: false,
            full_screen: false,
            interrupted: false,
            refused: false,
            wants: None,
            exit: None,
            budget: Budget::default(),
        };
        if echo {
            job.output.push(Chunk { stream: Stream::Stdout, text: format!("{}\n", text.trim_end()), screen: false });
        }
        job
    }

    /// A text that is not run at all.
    pub(crate) fn refused(text: &str, message: &str) -> Job {
        let parsed = Parsed { list: Default::default(), heredocs: Default::default(), error: None };
        let mut job = Job::new(text, parsed, false, false);
        job.output.push(Chunk { stream: Stream::Stderr, text: format!("{message}\n"), screen: false });
        job.exit = Some(1);
        job
    }

    pub(crate) fn poll(&mut self, state: &mut State, session: &mut Session) -> Poll {
        if let Some(exit) = self.exit {
            return Poll::Done { exit };
        }
        if self.interrupted {
            return self.finish(130, state);
        }
        if self.refused {
            return self.finish(1, state);
        }
        let now = session.now();
        let mut steps = 0;
        while steps < STEPS_PER_POLL {
            let Some(machine) = &mut self.machine else {
                return self.finish(0, state);
            };
            (self.follows, self.full_screen) = (false, false);
            let mut input = Input::empty();
            let mut io = Io::new(&mut input, true);
            let line = self.text.lines().next().unwrap_or_default();
            let mut ctx = Ctx {
                session,
                state,
                line,
                seen: &mut self.seen,
                keys: &mut self.keys,
                editor: &mut self.editor,
                errand: &mut self.errand,
                follows: &mut self.follows,
                full_screen: &mut self.full_screen,
                repair: &mut self.repair,
                logs: &mut self.logs,
                text: &self.text,
            };
            ctx.state.wants = None;
            ctx.state.budget = self.budget.begin(now);
            let mut step = machine.step(&mut io, &mut ctx);
            let stopped = if ctx.state.is_out() { ctx.state.budget.stopped() } else { None };
            if let Some(why) = stopped.filter(|_| !matches!(step, Step::Done(_))) {
                io.err(why);
                step = Step::Done(1);
            }
            self.budget = ctx.state.budget;
            steps += self.budget.end();
            self.wants = ctx.state.wants.take();
            let mut output = std::mem::take(&mut io.output);
            let moved = behind(&mut output, &mut ctx);
            self.wants = self.wants.or(ctx.state.wants.take());
            self.deliver(output);
            match step {
                Step::Done(exit) => return self.finish(exit, state),
                Step::Wait(wake) if !moved => return Poll::Running { wake: earlier(wake, state.jobs.wake()) },
                Step::Wait(_) | Step::More => {}
            }
        }
        Poll::Running { wake: Some(now) }
    }

    fn finish(&mut self, exit: i32, state: &mut State) -> Poll {
        if state.options.interactive {
            let text = state.jobs.report();
            self.output.extend((!text.is_empty()).then_some(Chunk { stream: Stream::Stderr, text, screen: false }));
        }
        state.env.status = exit;
        state.unwind = None;
        state.leave_functions();
        self.machine = None;
        self.editor = Editor::Closed;
        self.errand = Errand::Nobody;
        self.follows = false;
        self.full_screen = false;
        self.exit = Some(exit);
        Poll::Done { exit }
    }

    fn deliver(&mut self, output: Vec<Chunk>) {
        for chunk in output {
            if chunk.stream == Stream::Stdout && !chunk.screen && !self.logs.is_empty() {
                self.tail.push_str(&chunk.text);
                while let Some(end) = self.tail.find('\n') {
                    let line: String = self.tail.drain(..=end).collect();
                    let line = line.trim_end_matches('\n');
                    let bare = line.split_once("] ").filter(|_| line.starts_with('[')).map_or(line, |(_, rest)| rest);
                    if let Some(found) = self.logs.get(line).or_else(|| self.logs.get(bare)) {
                        self.seen.push(Seen::Log(found.clone()));
                    }
                }
            }
            self.output.push(chunk);
        }
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
        self.interrupted = true;
    }

    /// A key for a full-screen program (`q` leaves eks-node-viewer).
    pub fn key(&mut self, key: Key) {
        if self.keys.len() < 64 {
            self.keys.push(key);
        }
    }

    /// The text to edit, while the job waits for that ([`crate::Options::editor`] says whether it may).
    pub fn editing(&self) -> Option<&Edit> {
        match &self.editor {
            Editor::Open(edit) => Some(edit),
            _ => None,
        }
    }

    /// The editor was left with this text, or without saving. Poll again.
    pub fn edited(&mut self, text: Option<String>) {
        if self.editing().is_some() {
            self.editor = Editor::Left(text);
        }
    }

    /// What the job asks its owner, until [`Job::answer`] says it.
    pub fn asking(&self) -> Option<Ask> {
        match self.errand {
            Errand::Asked(ask) => Some(ask),
            _ => None,
        }
    }

    /// Answers what the job asks. Poll again.
    pub fn answer(&mut self, said: Ran) {
        if self.asking().is_some() {
            self.errand = Errand::Answered(said);
        }
    }

    /// What the job waits for: bring it to the shell, or refuse.
    pub fn wants(&self) -> Option<Want> {
        self.wants.filter(|_| self.exit.is_none())
    }

    /// Ends a job that waits for something which does not come, with status 1; `why` is told as advice.
    pub fn refuse(&mut self, why: &str) {
        if self.wants().is_some() {
            self.output.push(Chunk { stream: Stream::Hint, text: format!("{why}\n"), screen: false });
            self.refused = true;
        }
    }

    /// Whether the job follows something (`logs -f`, `get -w`, `watch`) and so ends only when it is left.
    pub fn follows(&self) -> bool {
        self.follows
    }

    /// Whether a full-screen program is on screen.
    pub fn full_screen(&self) -> bool {
        self.full_screen
    }

    /// Filled after a refusal that taking off `//` remarks would mend.
    pub fn repair(&self) -> Option<&Repair> {
        self.repair.as_ref()
    }

    pub fn exit(&self) -> Option<i32> {
        self.exit
    }
}
