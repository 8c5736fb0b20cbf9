//! A running pipeline: programs side by side, each reading what the one before it wrote.

use super::io::{Ctx, Input, Io, Program, Step};
use crate::job::{Chunk, Stream};
use engine::SimTime;

/// Where a stage's stream goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The next stage, or the standard output around the pipeline.
    Out,
    /// The standard error around the pipeline.
    Err,
    File(String),
    Null,
}

#[derive(Debug)]
pub struct Stage {
    pub program: Box<dyn Program>,
    /// `None` reads what is around the pipeline.
    pub input: Option<Input>,
    pub out: Target,
    pub err: Target,
    /// `NAME=value` before the command: set while it runs.
    pub overrides: Vec<(String, String)>,
    pub exit: Option<i32>,
}

#[derive(Debug)]
pub struct Running {
    stages: Vec<Stage>,
}

/// Rounds over the stages in one step; then the owner gets a turn.
const ROUNDS: usize = 64;

impl Running {
    pub fn new(stages: Vec<Stage>) -> Running {
        Running { stages }
    }

    pub fn step(&mut self, around: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Step {
        for _ in 0..ROUNDS {
            // Pipelines stand in one another: rounds that cost nothing would multiply.
            ctx.state.budget.spend(1);
            let mut wake: Option<SimTime> = None;
            let mut again = false;
            for i in 0..self.stages.len() {
                match self.step_stage(i, around, ctx) {
                    Some(Step::Wait(at)) => wake = earlier(wake, at),
                    Some(Step::More | Step::Done(_)) => again = true,
                    None => {}
                }
            }
            // A shell waits for every stage; only the last one's status counts.
            if self.stages.iter().all(|s| s.exit.is_some()) {
                let exits = self.stages.iter().filter_map(|s| s.exit);
                let failed = exits.rev().find(|e| *e != 0 && ctx.state.env.settings.pipefail);
                return Step::Done(failed.or(self.stages.last().and_then(|s| s.exit)).unwrap_or(0));
            }
            if !again {
                return Step::Wait(wake);
            }
            if ctx.state.budget.step_is_over() {
                break;
            }
        }
        Step::More
    }

    fn step_stage(&mut self, i: usize, around: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Option<Step> {
        let last = i + 1 == self.stages.len();
        let stage = self.stages.get_mut(i).filter(|s| s.exit.is_none())?;
        let to_terminal = last && stage.out == Target::Out && around.to_terminal;
        let mut io = Io::new(stage.input.as_mut().unwrap_or(around.input), to_terminal);
        let mut saved = Vec::new();
        for (name, value) in &stage.overrides {
            let env = &mut ctx.state.env;
            saved.push((name.clone(), env.variables.insert(name.clone(), value.clone()), env.exported.insert(name.clone())));
        }
        let step = stage.program.step(&mut io, ctx);
        let output = std::mem::take(&mut io.output);
        let moved = io.input.read() + output.iter().map(|c| c.text.len()).sum::<usize>();
        let mut full = io.is_full();
        ctx.state.budget.spend_bytes(moved);
        for (name, value, new) in saved {
            if new {
                ctx.state.env.exported.remove(&name);
            }
            ctx.state.restore(name, value);
        }
        let (out, err) = (stage.out.clone(), stage.err.clone());
        let mut broken = false;
        for chunk in output {
            let target = match chunk.stream {
                Stream::Hint => {
                    around.output.push(chunk);
                    continue;
                }
                Stream::Stdout => &out,
                Stream::Stderr => &err,
            };
            match target {
                Target::Null => {}
                Target::File(path) => {
                    if let Err(why) = ctx.state.files.write(path, &chunk.text, true) {
                        around.err(&format!("bash: {path}: {why}\n"));
                        broken = true;
                    }
                }
                Target::Err => around.err(&chunk.text),
                Target::Out if last => push(around, chunk),
                Target::Out => match self.stages.get_mut(i + 1) {
                    Some(next) if next.exit.is_none() => {
                        full |= next.input.as_mut().is_some_and(|input| !input.push(&chunk.text));
                    }
                    // The reader has gone: the writer gets SIGPIPE.
                    _ => broken = true,
                },
            }
        }
        if full || around.is_full() {
            ctx.state.budget.spend_bytes(usize::MAX);
        }
        let exit = match step {
            Step::Done(exit) => Some(exit),
            _ if broken => Some(141),
            _ => None,
        };
        if let Some(exit) = exit {
            if let Some(stage) = self.stages.get_mut(i) {
                stage.exit = Some(exit);
            }
            if let Some(input) = self.stages.get_mut(i + 1).and_then(|s| s.input.as_mut()) {
                input.ended = true;
            }
            return Some(Step::Done(exit));
        }
        Some(step)
    }
}

fn push(around: &mut Io<'_>, chunk: Chunk) {
    if chunk.screen { around.output.push(chunk) } else { around.out(&chunk.text) }
}

/// The earlier of two wake times, where there are any.
pub fn earlier(a: Option<SimTime>, b: Option<SimTime>) -> Option<SimTime> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
