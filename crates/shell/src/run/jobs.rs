//! Jobs in the background: machines that outlive their line, in simulated time. They read nothing, and what they print goes
//! to the terminal. Words by recordings of bash 5.2.

use super::budget::Budget;
use super::io::{Ctx, Input, Io, Program, Step};
use super::machine::Machine;
use super::pipeline::earlier;
use crate::job::Chunk;
use engine::SimTime;

/// Jobs at a time.
const MOST: usize = 64;
/// Statuses remembered for `wait PID`, and jobs listed that have ended.
const REMEMBERED: usize = 64;

/// Signals that end a job: name, number, and how a list of jobs calls what they have done.
pub const SIGNALS: &[(&str, i32, &str)] = &[
    ("HUP", 1, "Hangup"),
    ("INT", 2, "Interrupt"),
    ("QUIT", 3, "Quit"),
    ("ABRT", 6, "Aborted"),
    ("KILL", 9, "Killed"),
    ("USR1", 10, "User defined signal 1"),
    ("USR2", 12, "User defined signal 2"),
    ("PIPE", 13, "Broken pipe"),
    ("ALRM", 14, "Alarm clock"),
    ("TERM", 15, "Terminated"),
];

/// The number of a signal by its name (`TERM`, `SIGTERM`) or number; 0 only asks whether somebody is there.
pub fn signal(text: &str) -> Option<i32> {
    let name = text.to_ascii_uppercase();
    let name = name.strip_prefix("SIG").unwrap_or(&name);
    if name == "0" {
        return Some(0);
    }
    SIGNALS.iter().find(|(n, number, _)| *n == name || number.to_string() == name).map(|(_, number, _)| *number)
}

/// How a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Exit(i32),
    Signal(i32),
}

impl Ended {
    pub fn status(self) -> i32 {
        match self {
            Ended::Exit(exit) => exit,
            Ended::Signal(number) => 128 + number,
        }
    }

    fn text(self) -> String {
        match self {
            Ended::Exit(0) => "Done".to_owned(),
            Ended::Exit(exit) => format!("Exit {exit}"),
            Ended::Signal(number) => SIGNALS.iter().find(|(_, n, _)| *n == number).map_or("Killed", |(.., text)| text).to_owned(),
        }
    }
}

#[derive(Debug)]
pub struct Background {
    pub number: usize,
    pub pid: u32,
    pub text: String,
    pub ended: Option<Ended>,
    machine: Machine,
    wake: Option<SimTime>,
    locals: Vec<Vec<(String, Option<String>)>>,
}

#[derive(Debug, Default)]
pub struct Jobs {
    list: Vec<Background>,
    /// Those that run on, but that the shell has given up.
    disowned: Vec<Background>,
    /// `(pid, status)` of jobs that are no longer listed.
    past: Vec<(u32, i32)>,
    started: u32,
    /// Those of the present line.
    begun: u32,
    /// What all of them together may do within an instant: each could start others.
    budget: Budget,
}

/// Most that a line may take to the background over all the time that it lasts: a function that starts itself twice never ends.
const MOST_BEGUN: u32 = 2_000;

/// Number of the first job's process, less one.
const FIRST_PID: u32 = 100;

impl Jobs {
    /// Takes a machine to the background; `told` prints its number.
    pub fn start(&mut self, machine: Machine, text: String, told: bool, io: &mut Io<'_>) -> Result<(), &'static str> {
        let running = self.list.iter().filter(|j| j.ended.is_none()).count();
        if running >= MOST || self.begun >= MOST_BEGUN || self.budget.stopped().is_some() {
            return Err("fork: retry: Resource temporarily unavailable");
        }
        self.begun += 1;
        // A script that never asks for them must not gather them.
        let mut ended = self.list.iter().filter(|j| j.ended.is_some());
        if let Some(oldest) = ended.next().map(|j| j.pid).filter(|_| ended.count() >= REMEMBERED) {
            self.forget(oldest);
        }
        self.started += 1;
        let number = self.list.iter().map(|j| j.number).max().unwrap_or(0) + 1;
        let pid = FIRST_PID + self.started;
        if told {
            io.err(&format!("[{number}] {pid}\n"));
        }
        let wake = Some(SimTime::ZERO);
        self.list.push(Background { number, pid, text, ended: None, machine, wake, locals: Vec::new() });
        Ok(())
    }

    /// Gives them a new start at the same instant, as another line is typed.
    pub fn renew(&mut self) {
        self.begun = 0;
        self.budget = Budget::default();
    }

    /// `$!`
    pub fn last_pid(&self) -> Option<u32> {
        (self.started > 0).then_some(FIRST_PID + self.started)
    }

    pub fn list(&self) -> &[Background] {
        &self.list
    }

    /// Whether one is still running.
    pub fn any_running(&self) -> bool {
        self.list.iter().any(|j| j.ended.is_none())
    }

    /// Whether anything in the background has yet to end.
    pub fn any_at_work(&self) -> bool {
        self.any_running() || !self.disowned.is_empty()
    }

    /// When the first of them has something to do whatever the cluster does.
    pub fn wake(&self) -> Option<SimTime> {
        let running = self.list.iter().chain(&self.disowned).filter(|j| j.ended.is_none());
        running.fold(None, |w, j| earlier(w, j.wake))
    }

    pub fn find(&self, pid: u32) -> Option<&Background> {
        self.list.iter().find(|j| j.pid == pid)
    }

    /// The status with which a process ended that is not listed any more.
    pub fn past(&self, pid: u32) -> Option<i32> {
        self.past.iter().rev().find(|(p, _)| *p == pid).map(|(_, status)| *status)
    }

    /// The job that `%1`, `%%`, `%-`, `%text` or `%?text` means, by its process; the error is the end of bash's message.
    pub fn resolve(&self, spec: &str) -> Result<u32, String> {
        let name = spec.strip_prefix('%').unwrap_or(spec);
        let from_end = |n: usize| self.list.iter().rev().nth(n).map(|j| j.pid);
        let none = || match name {
            "" | "%" | "+" | "-" => "current: no such job".to_owned(),
            _ => format!("{spec}: no such job"),
        };
        let found: Vec<u32> = match name {
            "" | "%" | "+" => return from_end(0).ok_or_else(none),
            "-" => return from_end(1).or(from_end(0)).ok_or_else(none),
            _ => match (name.parse::<usize>(), name.strip_prefix('?')) {
                (Ok(number), _) => self.list.iter().filter(|j| j.number == number).map(|j| j.pid).collect(),
                (_, Some(part)) => self.list.iter().filter(|j| j.text.contains(part)).map(|j| j.pid).collect(),
                _ => self.list.iter().filter(|j| j.text.starts_with(name)).map(|j| j.pid).collect(),
            },
        };
        match found.as_slice() {
            [] => Err(none()),
            [pid] => Ok(*pid),
            _ => Err(format!("{name}: ambiguous job spec")),
        }
    }

    /// Ends a job by a signal.
    pub fn kill(&mut self, pid: u32, number: i32) -> bool {
        let job = self.list.iter_mut().find(|j| j.pid == pid && j.ended.is_none());
        job.is_some_and(|job| {
            if number != 0 {
                job.ended = Some(Ended::Signal(number));
            }
            true
        })
    }

    /// Takes a job off the list.
    pub fn forget(&mut self, pid: u32) {
        if let Some(at) = self.list.iter().position(|j| j.pid == pid) {
            let job = self.list.remove(at);
            if let Some(ended) = job.ended {
                self.past.push((pid, ended.status()));
                if self.past.len() > REMEMBERED {
                    self.past.remove(0);
                }
            }
        }
    }

    /// Takes a job to the foreground: its text and its machine.
    pub fn take(&mut self, pid: u32) -> Option<(String, Machine)> {
        let at = self.list.iter().position(|j| j.pid == pid && j.ended.is_none())?;
        let job = self.list.remove(at);
        Some((job.text, job.machine))
    }

    /// Lets a job run on without the shell.
    pub fn disown(&mut self, pid: u32) {
        if let Some(at) = self.list.iter().position(|j| j.pid == pid) {
            let job = self.list.remove(at);
            self.disowned.push(job);
        }
    }

    /// `[1]+  Running                 sleep 60 &`
    pub fn line(&self, pid: u32, with_pid: bool) -> String {
        let Some(at) = self.list.iter().position(|j| j.pid == pid) else { return String::new() };
        let Some(job) = self.list.get(at) else { return String::new() };
        let mark = match self.list.len() - at {
            1 => '+',
            2 => '-',
            _ => ' ',
        };
        let state = job.ended.map_or_else(|| "Running".to_owned(), Ended::text);
        let end = if job.ended.is_none() { " &" } else { "" };
        let process = if with_pid { format!("{pid} ") } else { " ".to_owned() };
        format!("[{}]{mark} {process}{state:<24}{}{end}\n", job.number, job.text)
    }

    /// Lines about the jobs that have ended, which are forgotten then.
    pub fn report(&mut self) -> String {
        let ended: Vec<u32> = self.list.iter().filter(|j| j.ended.is_some()).map(|j| j.pid).collect();
        let lines = ended.iter().map(|pid| self.line(*pid, false)).collect();
        ended.into_iter().for_each(|pid| self.forget(pid));
        lines
    }
}

/// Lets every job in the background go on as far as the present allows; true where one of them got on.
pub fn step(output: &mut Vec<Chunk>, ctx: &mut Ctx<'_>) -> bool {
    let mut list = std::mem::take(&mut ctx.state.jobs.list);
    let mut disowned = std::mem::take(&mut ctx.state.jobs.disowned);
    let mut moved = false;
    let now = ctx.now();
    ctx.state.jobs.budget = ctx.state.jobs.budget.begin(now);
    for job in list.iter_mut().chain(&mut disowned).filter(|j| j.ended.is_none()) {
        let (status, unwind) = (ctx.state.env.status, ctx.state.unwind.take());
        std::mem::swap(&mut ctx.state.locals, &mut job.locals);
        moved |= job.step(output, ctx);
        std::mem::swap(&mut ctx.state.locals, &mut job.locals);
        (ctx.state.env.status, ctx.state.unwind) = (status, unwind);
    }
    // What they have started themselves stands behind them.
    list.append(&mut ctx.state.jobs.list);
    ctx.state.jobs.list = list;
    disowned.retain(|j| j.ended.is_none());
    ctx.state.jobs.disowned = disowned;
    moved
}

impl Background {
    fn step(&mut self, output: &mut Vec<Chunk>, ctx: &mut Ctx<'_>) -> bool {
        let now = ctx.now();
        let mut input = Input::empty();
        let mut io = Io::new(&mut input, false);
        ctx.state.budget = ctx.state.jobs.budget.begin(now);
        let mut step = self.machine.step(&mut io, ctx);
        // One that has found its input or its time waiting costs next to nothing.
        if matches!(step, Step::More) {
            ctx.state.budget.end();
        }
        ctx.state.jobs.budget = ctx.state.budget;
        if step == Step::More
            && ctx.state.is_out()
            && let Some(why) = ctx.state.budget.stopped()
        {
            io.err(why);
            step = Step::Done(1);
        }
        let printed = !io.output.is_empty();
        output.append(&mut io.output);
        match step {
            Step::Done(exit) => {
                self.ended = Some(Ended::Exit(exit));
                true
            }
            Step::More => {
                self.wake = Some(now);
                true
            }
            Step::Wait(wake) => {
                self.wake = wake;
                printed
            }
        }
    }
}
