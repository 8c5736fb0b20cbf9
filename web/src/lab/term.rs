//! One terminal: a shell, at most one job in the foreground, and what is on screen.

use crate::tools::{Given, Polled, Runner, Tools};
use engine::session::Seen;
use engine::{Session, SimTime};
use shell::{Ask, Chunk, Completion, Edit, Key, Poll, Ran, Repair, Stream, Want};
use std::collections::VecDeque;
use std::rc::Rc;
use view::Lang;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineKind {
    /// What was typed, with the prompt before it.
    Input(Prompt),
    Out,
    Err,
    /// Advice in the reader's language; no program printed it.
    Hint,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prompt {
    First,
    More,
}

impl Prompt {
    pub fn text(self) -> &'static str {
        match self {
            Prompt::First => "$ ",
            Prompt::More => "> ",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub id: u64,
    pub kind: LineKind,
    pub text: String,
}

/// What a lesson hears of a terminal.
#[derive(Clone, Debug)]
pub enum Told {
    Seen(Seen),
    /// A job ended, with its status and what it wrote to standard error.
    Ended {
        exit: i32,
        stderr: String,
    },
}

/// Lines kept on screen.
pub const RING: usize = 2_000;
/// Pasted lines that may wait for the job in front of them.
const QUEUE: usize = 1_000;

pub struct Term {
    /// The shell, once it is loaded; lines wait for it.
    runner: Option<Box<dyn Runner>>,
    wake: Option<SimTime>,
    /// What the job waits for, and whether that was asked for.
    wants: Option<(Want, bool)>,
    lines: VecDeque<Rc<Line>>,
    next_id: u64,
    /// The last line has no newline yet.
    open: bool,
    screen: Option<Rc<str>>,
    /// Unfinished text: a heredoc, a quote.
    buffer: String,
    queue: VecDeque<String>,
    repair: Option<Rc<Repair>>,
    dropped: u64,
    revision: u64,
    /// Lines that went to the shell and were not asked for yet.
    typed: Vec<String>,
    /// What the running job wrote to standard error, for lessons.
    stderr: String,
    /// The running job is about the lesson or the page, and so no attempt at the step.
    aside: bool,
}

/// Bytes of standard error that a lesson hears of.
const STDERR: usize = 8_000;

impl Term {
    pub fn new() -> Term {
        Term {
            runner: None,
            wake: None,
            wants: None,
            lines: VecDeque::new(),
            next_id: 0,
            open: false,
            screen: None,
            buffer: String::new(),
            queue: VecDeque::new(),
            repair: None,
            dropped: 0,
            revision: 0,
            typed: Vec::new(),
            stderr: String::new(),
            aside: false,
        }
    }

    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Gives the terminal its shell and runs what waits for it.
    pub fn equip(&mut self, tools: Tools, lang: Lang, typed: &[String], session: &mut Session) {
        if self.runner.is_none() {
            let mut runner = (tools.programs.runner)(lang);
            runner.recall(typed);
            self.runner = Some(runner);
            self.next_line(session);
        }
    }

    /// Says that the shell could not be loaded; what was typed is given up.
    pub fn refuse(&mut self, message: &str) {
        if self.runner.is_none() && !self.queue.is_empty() {
            self.queue.clear();
            self.push(LineKind::Hint, message);
        }
    }

    /// Lines were typed that no shell has taken yet.
    pub fn lacks_shell(&self) -> bool {
        self.runner.is_none() && !self.queue.is_empty()
    }

    pub fn wake(&self) -> Option<SimTime> {
        self.wake
    }

    pub fn busy(&self) -> bool {
        self.runner.as_ref().is_some_and(|r| r.busy())
    }

    pub fn lines(&self) -> &VecDeque<Rc<Line>> {
        &self.lines
    }

    /// Lines that left the screen at its limit.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    pub fn screen(&self) -> Option<Rc<str>> {
        self.screen.clone()
    }

    pub fn repair(&self) -> Option<Rc<Repair>> {
        self.repair.clone()
    }

    pub fn waiting_lines(&self) -> usize {
        self.queue.len()
    }

    pub fn prompt(&self) -> Prompt {
        if self.buffer.is_empty() { Prompt::First } else { Prompt::More }
    }

    pub fn history(&self) -> &[String] {
        self.runner.as_ref().map_or(&[], |r| r.history())
    }

    pub fn take_typed(&mut self) -> Vec<String> {
        std::mem::take(&mut self.typed)
    }

    pub fn set_lang(&mut self, lang: Lang) {
        if let Some(runner) = &mut self.runner {
            runner.set_lang(lang);
        }
    }

    pub fn complete(&self, line: &str, cursor: usize, session: &Session) -> Option<Completion> {
        Some(self.runner.as_ref()?.complete(line, cursor, &session.snapshot()))
    }

    /// Takes one typed line, or several pasted ones; they run one after the other.
    pub fn submit(&mut self, text: &str, session: &mut Session) {
        self.revision += 1;
        for line in text.replace("\r\n", "\n").split('\n') {
            if self.queue.len() < QUEUE {
                self.queue.push_back(line.to_owned());
            }
        }
        self.next_line(session);
    }

    /// Starts the next waiting line, while nothing runs.
    fn next_line(&mut self, session: &mut Session) {
        while self.runner.is_some() && !self.busy() {
            let Some(line) = self.queue.pop_front() else { return };
            let line = if self.buffer.is_empty() { strip_prompt(&line) } else { &line };
            self.finish_open();
            self.push(LineKind::Input(self.prompt()), line);
            self.repair = None;
            let text = if self.buffer.is_empty() { line.to_owned() } else { format!("{}\n{line}", self.buffer) };
            if text.trim().is_empty() {
                self.buffer.clear();
                continue;
            }
            session.begin_line();
            if self.runner.as_mut().is_some_and(|r| r.start(&text, session)) {
                self.buffer.clear();
                self.wake = None;
                self.aside = text.trim_start().starts_with("nodewright ");
                self.typed.extend(self.history().last().cloned());
                return;
            }
            self.buffer = text;
        }
    }

    /// Runs the job, and the lines waiting behind it, as far as the present allows. Returns what there is to tell.
    pub fn poll(&mut self, session: &mut Session) -> Vec<Told> {
        let mut told = Vec::new();
        // Bounded: each round either ends a job or stops.
        for _ in 0..=QUEUE {
            let polled = self.runner.as_mut().and_then(|r| r.poll(session));
            let Some(Polled { poll, output, seen, full_screen, repair, wants }) = polled else {
                self.wake = None;
                break;
            };
            self.wants = wants.map(|w| self.wants.filter(|(before, _)| *before == w).unwrap_or((w, false)));
            told.extend(seen.into_iter().map(Told::Seen));
            if !output.is_empty() {
                self.revision += 1;
            }
            for chunk in output {
                if chunk.stream == Stream::Stderr && self.stderr.len() < STDERR {
                    self.stderr.push_str(&chunk.text);
                }
                self.take(chunk);
            }
            match poll {
                Poll::Running { wake } => {
                    self.wake = wake;
                    if !full_screen && self.screen.take().is_some() {
                        self.revision += 1;
                    }
                    break;
                }
                Poll::Done { exit } => {
                    self.revision += 1;
                    self.wake = None;
                    let stderr = std::mem::take(&mut self.stderr);
                    told.extend((!self.aside).then_some(Told::Ended { exit, stderr }));
                    self.screen = None;
                    self.repair = repair.map(Rc::new);
                    self.finish_open();
                    self.next_line(session);
                }
            }
        }
        told
    }

    fn take(&mut self, chunk: Chunk) {
        if chunk.screen {
            self.screen = Some(chunk.text.into());
            return;
        }
        let kind = match chunk.stream {
            Stream::Stdout => LineKind::Out,
            Stream::Stderr => LineKind::Err,
            Stream::Hint => LineKind::Hint,
        };
        let mut rest = chunk.text.as_str();
        while !rest.is_empty() {
            let (text, newline) = match rest.split_once('\n') {
                Some((text, tail)) => {
                    rest = tail;
                    (text, true)
                }
                None => (std::mem::take(&mut rest), false),
            };
            let joined = match self.lines.back_mut() {
                Some(last) if self.open && last.kind == kind => {
                    Rc::make_mut(last).text.push_str(text);
                    true
                }
                _ => false,
            };
            if !joined {
                self.push(kind, text);
            }
            self.open = !newline;
        }
    }

    fn finish_open(&mut self) {
        self.open = false;
    }

    fn push(&mut self, kind: LineKind, text: &str) {
        let id = self.next_id;
        self.next_id += 1;
        self.revision += 1;
        self.lines.push_back(Rc::new(Line { id, kind, text: text.to_owned() }));
        if self.lines.len() > RING {
            self.lines.pop_front();
            self.dropped += 1;
        }
    }

    /// Ctrl+C: ends the job at the next poll, or throws an unfinished text away. `typed` is what stood at the prompt.
    pub fn interrupt(&mut self, typed: &str) {
        self.queue.clear();
        match self.runner.as_mut().filter(|r| r.busy()) {
            Some(runner) => {
                runner.interrupt();
                self.finish_open();
                self.push(LineKind::Out, "^C");
            }
            None => {
                let prompt = self.prompt();
                self.push(LineKind::Input(prompt), &format!("{typed}^C"));
                self.buffer.clear();
            }
        }
    }

    pub fn key(&mut self, key: Key) {
        if let Some(runner) = &mut self.runner {
            runner.key(key);
        }
    }

    /// What the job waits for, the first time.
    pub fn take_want(&mut self) -> Option<Want> {
        let (want, asked) = self.wants.as_mut()?;
        (!std::mem::replace(asked, true)).then_some(*want)
    }

    pub fn give(&mut self, given: Result<Given, &str>) {
        if let Some(runner) = &mut self.runner {
            runner.give(given);
        }
    }

    /// What the job asks the page.
    pub fn asking(&self) -> Option<Ask> {
        self.runner.as_ref().and_then(|r| r.asking())
    }

    pub fn answer(&mut self, said: Ran) {
        if let Some(runner) = &mut self.runner {
            runner.answer(said);
        }
    }

    /// The text that the job wants edited.
    pub fn editing(&self) -> Option<&Edit> {
        self.runner.as_ref().and_then(|r| r.editing())
    }

    pub fn edited(&mut self, text: Option<String>) {
        if let Some(runner) = &mut self.runner {
            runner.edited(text);
        }
    }

    /// Writes a file into the terminal's home; or says why not.
    pub fn keep_file(&mut self, name: &str, text: &str) -> Result<(), &'static str> {
        self.runner.as_mut().map_or(Err(""), |r| r.keep(name, text))
    }

    pub fn full_screen(&self) -> bool {
        self.screen.is_some()
    }

    /// Shows what could complete a line, as a second Tab does; the line stays at the prompt.
    pub fn list(&mut self, typed: &str, candidates: &str) {
        self.finish_open();
        self.push(LineKind::Input(self.prompt()), typed);
        self.push(LineKind::Out, candidates);
    }

    pub fn clear(&mut self) {
        self.lines.clear();
        self.dropped = 0;
        self.revision += 1;
    }

    /// Runs the mended text of the last refusal.
    pub fn accept_repair(&mut self, session: &mut Session) {
        if let Some(repair) = self.repair.take() {
            self.submit(&repair.fixed_script, session);
        }
    }

    pub fn dismiss_repair(&mut self) {
        self.repair = None;
        self.revision += 1;
    }
}

/// Documentation shows commands behind a `$ `, or a `# ` where root types; nobody means it as part of the command. A `# `
/// before other words is a remark.
fn strip_prompt(line: &str) -> &str {
    const PROGRAMS: [&str; 12] =
        ["kubectl", "k", "eks-node-viewer", "watch", "cat", "export", "echo", "kubectx", "aws", "helm", "alias", "for"];
    let known = |rest: &&str| rest.split_whitespace().next().is_some_and(|word| PROGRAMS.contains(&word));
    line.strip_prefix("$ ").or_else(|| line.strip_prefix("# ").filter(known)).unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_chunks_into_lines_and_drops_the_oldest() {
        let mut term = Term::new();
        let out = |text: &str| Chunk { stream: Stream::Stdout, text: text.to_owned(), screen: false };
        term.take(out("a\nb"));
        term.take(out("c\n"));
        term.take(out("\nd"));
        let text = |t: &Term| t.lines().iter().map(|l| l.text.clone()).collect::<Vec<_>>();
        assert_eq!(text(&term), ["a", "bc", "", "d"]);
        for _ in 0..RING {
            term.take(out("x\n"));
        }
        assert_eq!((term.lines().len(), term.dropped()), (RING, 3));
    }

    #[test]
    fn strips_the_prompt_of_documentation() {
        assert_eq!(strip_prompt("$ kubectl get po"), "kubectl get po");
        assert_eq!(strip_prompt("# kubectl get po"), "kubectl get po");
        assert_eq!(strip_prompt("# a remark"), "# a remark");
        assert_eq!(strip_prompt("#kubectl"), "#kubectl");
    }
}
