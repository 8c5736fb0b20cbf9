//! Replays a lab on a session: line after line, in virtual time.

use crate::Failure;
use crate::expect::Expect;
use crate::lab::Lab;
use engine::session::{KWOK, LAB};
use engine::{Era, Scenario, Session, SimTime};
use shell::{Chunk, Extras, Job, Options, Poll, Shell, Start, Stream};

/// What the command line adds to the lab's own settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choices {
    pub era: Option<Era>,
    pub seed: Option<u64>,
    pub region: Option<String>,
    pub scenario: Option<String>,
    /// The text of an instance types file of Karpenter's kwok provider, for the scenario of that provider.
    pub types: Option<String>,
    /// Milliseconds after the session's start up to which time runs on at the end.
    pub until_ms: Option<u64>,
    /// Go on behind a failure.
    pub keep_going: bool,
}

/// One line with all that it printed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Milliseconds after the session's start.
    pub t_ms: u64,
    pub cmd: String,
    pub exit: i32,
    pub stdout: String,
    pub stderr: String,
    /// Both streams in the order of printing.
    pub output: String,
    pub hints: String,
    /// It followed something until it was left.
    pub followed: bool,
}

/// Something that did not come out as it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Line of the lab.
    pub line: usize,
    pub message: String,
    pub exit: i32,
}

/// A finished replay.
#[derive(Debug)]
pub struct Replay {
    pub transcript: Vec<Entry>,
    pub faults: Vec<Fault>,
    pub session: Session,
}

impl Replay {
    /// The status of the first fault, or success.
    pub fn exit(&self) -> i32 {
        self.faults.first().map_or(0, |f| if f.exit == 0 { 1 } else { f.exit })
    }
}

/// Builds the session that a lab and the command line ask for; the command line wins.
pub fn session(lab: &Lab, choices: &Choices) -> Result<Session, Failure> {
    let s = &lab.settings;
    let era = choices.era.or(s.era).unwrap_or_default();
    let seed = choices.seed.or(s.seed).unwrap_or(engine::session::LAB_SEED);
    let region = choices.region.as_deref().or(s.region.as_deref()).unwrap_or(engine::session::LAB_REGION);
    let id = choices.scenario.as_deref().or(s.scenario.as_deref()).unwrap_or(LAB);
    let mut scenario = Scenario::named(id, era, seed, region).map_err(|error| Failure::usage(error.message))?;
    if let Some(types) = &choices.types {
        if id != KWOK {
            return Err(Failure::usage(format!(
                "--instance-types is for the scenario {KWOK}, this is {id}: EC2 sells its own types"
            )));
        }
        scenario.prices = Some(types.as_str().into());
    }
    Session::new(scenario).map_err(|error| Failure { message: error.message, exit: 1 })
}

pub fn replay(lab: &Lab, choices: &Choices) -> Result<Replay, Failure> {
    replay_telling(lab, choices, &mut |_| ())
}

/// The same, and hands each command to `tell` as soon as nothing more will be printed under it, in order.
pub fn replay_telling(lab: &Lab, choices: &Choices, tell: &mut dyn FnMut(&Entry)) -> Result<Replay, Failure> {
    let session = session(lab, choices)?;
    Ok(replay_on(session, lab, choices, tell))
}

/// Replays on a session that is there already.
pub fn replay_on(session: Session, lab: &Lab, choices: &Choices, tell: &mut dyn FnMut(&Entry)) -> Replay {
    let start = session.now();
    let mut shell = Shell::new(Options::script());
    shell.attach(Extras::all());
    let mut player = Player { session, shell, start, transcript: Vec::new(), background: None, told: 0, tell };
    let mut faults = Vec::new();
    // A block whose last line still follows something is judged when that ends.
    let mut open: Option<Judged> = None;
    'blocks: for block in &lab.blocks {
        let first = player.transcript.len();
        let mut text = String::new();
        let mut begin = block.line;
        for (line, row) in (block.line..).zip(block.commands.lines()) {
            if text.is_empty() {
                begin = line;
            }
            text.push_str(row);
            text.push('\n');
            if text.trim().is_empty() {
                text.clear();
                continue;
            }
            let ended_before = player.background.is_none();
            if !player.line(&text) {
                continue;
            }
            text.clear();
            if !ended_before && player.background.is_none() {
                judge(open.take(), &player.transcript, &mut faults);
            }
            let entry = player.transcript.last();
            let failed = entry.is_some_and(|e| e.exit != 0 && !e.followed);
            if failed && block.expect.is_none() {
                let (cmd, exit) = entry.map(|e| (first_line(&e.cmd), e.exit)).unwrap_or_default();
                faults.push(Fault { line: begin, message: format!("`{cmd}` ended with status {exit}"), exit });
            }
            if !faults.is_empty() && !choices.keep_going {
                break 'blocks;
            }
        }
        if !text.trim().is_empty() {
            faults.push(Fault { line: begin, message: format!("`{}` is not finished", first_line(&text)), exit: 2 });
            if !choices.keep_going {
                break;
            }
        }
        if let Some(expect) = &block.expect {
            let judged = Judged { expect: expect.clone(), line: block.line, first, last: player.transcript.len() };
            if player.background.as_ref().is_some_and(|b| b.entry >= first) {
                open = Some(judged);
            } else {
                judge(Some(judged), &player.transcript, &mut faults);
            }
        }
        if !faults.is_empty() && !choices.keep_going {
            break;
        }
    }
    if let Some(until) = choices.until_ms {
        player.run_to(start + until);
    }
    player.leave();
    player.tell_up_to(player.transcript.len());
    if faults.is_empty() || choices.keep_going {
        judge(open.take(), &player.transcript, &mut faults);
    }
    Replay { transcript: player.transcript, faults, session: player.session }
}

fn first_line(text: &str) -> String {
    text.trim().lines().next().unwrap_or_default().to_owned()
}

/// An expectation and the entries it is about.
struct Judged {
    expect: Expect,
    line: usize,
    first: usize,
    last: usize,
}

fn judge(judged: Option<Judged>, transcript: &[Entry], faults: &mut Vec<Fault>) {
    let Some(Judged { expect, line, first, last }) = judged else {
        return;
    };
    let entries = transcript.get(first..last).unwrap_or_default();
    let ended = |e: &Entry| if e.followed { 0 } else { e.exit };
    let wrong = match expect.exit {
        Some(exit) => entries.last().filter(|e| ended(e) != exit).map(|e| (e, format!("status {exit}"))),
        None => entries.iter().find(|e| ended(e) != 0).map(|e| (e, "success".to_owned())),
    };
    if let Some((entry, wanted)) = wrong {
        let message = format!(
            "`{}` ended with status {}, expected was {wanted}\n{}",
            first_line(&entry.cmd),
            entry.exit,
            entry.output.trim_end()
        );
        faults.push(Fault { line, message, exit: if entry.exit == 0 { 1 } else { entry.exit } });
        return;
    }
    let output: String = entries.iter().map(|e| e.output.as_str()).collect();
    if let Err(why) = expect.check(&output) {
        faults.push(Fault { line: expect.line, message: format!("{why}\nThe whole output:\n{}", output.trim_end()), exit: 1 });
    }
}

struct Background {
    job: Box<Job>,
    /// Its place in the transcript.
    entry: usize,
}

struct Player<'a> {
    session: Session,
    shell: Shell,
    start: SimTime,
    transcript: Vec<Entry>,
    background: Option<Background>,
    /// Entries that were handed on.
    told: usize,
    tell: &'a mut dyn FnMut(&Entry),
}

/// Lines that only let time pass, under which a followed command goes on.
fn only_sleeps(text: &str) -> bool {
    let mut any = false;
    for part in text.split(['\n', ';']).flat_map(|p| p.split("&&")) {
        let part = part.trim();
        if part.is_empty() || part.starts_with('#') {
            continue;
        }
        if part.split_whitespace().next() != Some("sleep") {
            return false;
        }
        any = true;
    }
    any
}

impl Player<'_> {
    /// Runs a text; false where it is unfinished and more of it has to come.
    fn line(&mut self, text: &str) -> bool {
        let mut job = match self.shell.start(text, &mut self.session) {
            Start::Job(job) => job,
            Start::NeedsMore => return false,
        };
        if text.lines().all(|l| l.trim().is_empty() || l.trim_start().starts_with('#')) {
            return true;
        }
        if !only_sleeps(text) {
            self.leave();
        }
        let at = self.transcript.len();
        // What is followed goes on printing, and what comes behind it waits for its turn.
        self.tell_up_to(self.background.as_ref().map_or(at, |b| b.entry));
        self.transcript.push(Entry {
            t_ms: self.session.now().since(self.start),
            cmd: text.trim_end().to_owned(),
            ..Entry::default()
        });
        loop {
            let poll = self.shell.poll(&mut job, &mut self.session);
            self.collect(at, &mut job);
            match poll {
                Poll::Done { exit } => {
                    if let Some(entry) = self.transcript.get_mut(at) {
                        entry.exit = exit;
                    }
                    return true;
                }
                Poll::Running { wake } => {
                    if job.follows() {
                        self.leave();
                        self.background = Some(Background { job, entry: at });
                        return true;
                    }
                    if !self.pass(wake, None) {
                        // Nothing will ever happen that it waits for.
                        job.interrupt();
                    }
                }
            }
        }
    }

    fn tell_up_to(&mut self, end: usize) {
        for entry in self.transcript.get(self.told..end).unwrap_or_default() {
            (self.tell)(entry);
        }
        self.told = self.told.max(end);
    }

    fn collect(&mut self, at: usize, job: &mut Job) {
        self.note(at, job.take_output());
    }

    fn note(&mut self, at: usize, output: Vec<Chunk>) {
        let Some(entry) = self.transcript.get_mut(at) else {
            return;
        };
        for chunk in output {
            match chunk.stream {
                Stream::Stdout => entry.stdout.push_str(&chunk.text),
                Stream::Stderr => entry.stderr.push_str(&chunk.text),
                Stream::Hint => {
                    entry.hints.push_str(&chunk.text);
                    continue;
                }
            }
            entry.output.push_str(&chunk.text);
        }
    }

    /// Goes on to the next instant at which something happens; false where nothing is left to happen.
    fn pass(&mut self, wake: Option<SimTime>, limit: Option<SimTime>) -> bool {
        let behind = [self.poll_background(), self.work()].into_iter().flatten().min();
        let now = self.session.now();
        let next = [wake, behind, self.session.next_wake(), limit].into_iter().flatten().min();
        let Some(next) = next else {
            return false;
        };
        self.session.advance_to(next.max(now));
        true
    }

    /// Lets a followed command print what has come; gives when it wants to go on.
    fn poll_background(&mut self) -> Option<SimTime> {
        let mut background = self.background.take()?;
        let poll = self.shell.poll(&mut background.job, &mut self.session);
        self.collect(background.entry, &mut background.job);
        match poll {
            Poll::Done { exit } => {
                if let Some(entry) = self.transcript.get_mut(background.entry) {
                    entry.exit = exit;
                }
                None
            }
            Poll::Running { wake } => {
                self.background = Some(background);
                wake
            }
        }
    }

    /// Lets what runs behind `&` go on; its output belongs to the last command. Gives when it wants to go on.
    fn work(&mut self) -> Option<SimTime> {
        if !self.shell.has_background() {
            return None;
        }
        let (output, wake) = self.shell.work(&mut self.session);
        if let Some(last) = self.transcript.len().checked_sub(1) {
            self.note(last, output);
        }
        wake
    }

    /// Leaves what is followed, as Ctrl+C does.
    fn leave(&mut self) {
        self.poll_background();
        let Some(mut background) = self.background.take() else {
            return;
        };
        background.job.interrupt();
        self.shell.poll(&mut background.job, &mut self.session);
        self.collect(background.entry, &mut background.job);
        if let Some(entry) = self.transcript.get_mut(background.entry) {
            entry.exit = 130;
            entry.followed = true;
        }
    }

    fn run_to(&mut self, target: SimTime) {
        while self.session.now() < target {
            if !self.pass(None, Some(target)) {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPES: &str = r#"[{"name": "tiny", "architecture": "amd64", "operatingSystems": ["linux"],
        "resources": {"cpu": "2", "memory": "4Gi", "pods": "20"}, "offerings": [{"Price": 0.01, "Available": true, "Requirements": [
            {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["on-demand"]},
            {"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["zone-a"]}]}]}]"#;

    #[test]
    fn a_file_of_types_is_what_the_kwok_provider_sells() {
        let lab = Lab::parse("x.sh", "kubectl get nodes").unwrap();
        let with = |scenario: &str, types: &str| Choices {
            era: Some(Era::V1),
            scenario: Some(scenario.to_owned()),
            types: Some(types.to_owned()),
            ..Choices::default()
        };
        let sold = session(&lab, &with(KWOK, TYPES)).unwrap();
        let names: Vec<String> = sold.market().types().iter().map(|t| t.name.to_string()).collect();
        assert_eq!(names, ["tiny"]);
        let check = |choices: &Choices, want: &str| assert_eq!(session(&lab, choices).err().unwrap().message, want);
        check(&with(LAB, TYPES), "--instance-types is for the scenario kwok, this is karpenter-basics: EC2 sells its own types");
        check(&with(KWOK, "{}"), "instance types: not a list");
    }
}
