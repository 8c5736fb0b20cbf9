//! An explicit stack machine over the syntax tree: it can stop anywhere, for time to pass, and go on later.

use super::budget::MOST_TEXT;
use super::function::{self, Function};
use super::io::{Ctx, Input, Io, Program, Step};
use super::pipeline::{Running, Stage, Target};
use super::state::{Env, State};
use crate::job::Stream;
use crate::lang::ast::{AndOr, Command, List, Pipeline, Redirect, Simple, Timed, Word, word_substitutions};
use crate::lang::{Parsed, expand};
use crate::tools;
use engine::SimTime;
use std::rc::Rc;

#[derive(Debug)]
enum Frame {
    List {
        list: List,
        next: usize,
    },
    Chain {
        chain: Rc<AndOr>,
        next: usize,
    },
    Negate,
    /// `time`, since when.
    Timed(Timed, SimTime),
    /// Command substitutions of a command, run one after another before it starts.
    Substitute {
        command: Rc<Command>,
        lists: Vec<List>,
        results: Vec<String>,
        child: Option<Box<Machine>>,
        text: String,
    },
    Run(Running),
    For {
        variable: String,
        values: std::vec::IntoIter<String>,
        body: List,
    },
    While {
        command: Rc<Command>,
        tested: bool,
    },
    If {
        command: Rc<Command>,
        arm: usize,
    },
}

/// `break`, `continue` and `exit` on their way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unwind {
    Break,
    Continue,
    Exit(i32),
    /// Out of a function.
    Return(i32),
}

#[derive(Debug)]
pub struct Machine {
    frames: Vec<Frame>,
    heredocs: Rc<Vec<Word>>,
    /// bash's message for what could not be parsed after the lines that could.
    error: Option<String>,
    /// A subshell's own variables.
    env: Option<Env>,
    /// Part of a condition, so that a failure does not end the shell under `set -e`.
    tested: bool,
    /// How it was left before its end.
    left: Option<Unwind>,
}

/// What starting a job in the background or a part of a pipeline counts for, in frames.
const JOB: usize = 64;

impl Machine {
    pub fn new(parsed: Parsed) -> Machine {
        Machine {
            frames: vec![Frame::List { list: parsed.list, next: 0 }],
            heredocs: parsed.heredocs,
            error: parsed.error,
            env: None,
            tested: false,
            left: None,
        }
    }

    /// A machine for a text within another that shares the variables around it; `tested` where that is a condition.
    pub fn inner(parsed: Parsed, tested: bool) -> Machine {
        Machine { tested, ..Machine::new(parsed) }
    }

    /// A machine with variables of its own.
    pub fn shell(parsed: Parsed, env: Env) -> Machine {
        Machine { env: Some(env), ..Machine::new(parsed) }
    }

    /// The same for one command.
    pub fn of(command: &Rc<Command>, heredocs: Rc<Vec<Word>>, tested: bool) -> Machine {
        Machine::inner(Parsed { list: alone(command), heredocs, error: None }, tested)
    }

    /// Whether `exit` or `return` has ended it.
    pub fn left(&self) -> Option<Unwind> {
        self.left
    }

    fn subshell(&self, frame: Frame, state: &mut State) -> Machine {
        state.budget.spend_bytes(state.env.bytes());
        let tested = self.is_condition();
        Machine {
            frames: vec![frame],
            heredocs: self.heredocs.clone(),
            error: None,
            env: Some(state.env.clone()),
            tested,
            left: None,
        }
    }

    fn run(&mut self, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Step {
        while !ctx.state.budget.step_is_over() {
            if let Some(unwind) = ctx.state.unwind.take()
                && let Some(exit) = self.unwind(unwind, ctx)
            {
                return Step::Done(exit);
            }
            let Some(frame) = self.frames.pop() else {
                if let Some(error) = self.error.take() {
                    io.err(&format!("bash: {error}\n"));
                    ctx.state.env.status = 2;
                }
                return Step::Done(ctx.state.env.status);
            };
            if let Some(step) = self.work(frame, io, ctx) {
                return step;
            }
            ctx.state.budget.spend(1);
        }
        Step::More
    }

    fn unwind(&mut self, unwind: Unwind, ctx: &mut Ctx<'_>) -> Option<i32> {
        if let Unwind::Exit(exit) | Unwind::Return(exit) = unwind {
            self.frames.clear();
            self.error = None;
            self.left = Some(unwind);
            ctx.state.env.status = exit;
            return Some(exit);
        }
        if !self.frames.iter().any(|f| matches!(f, Frame::For { .. } | Frame::While { .. })) {
            return None;
        }
        while let Some(frame) = self.frames.last_mut() {
            match frame {
                Frame::For { values, .. } => {
                    if unwind == Unwind::Break {
                        *values = Vec::new().into_iter();
                    }
                    return None;
                }
                Frame::While { tested, .. } => {
                    *tested = false;
                    if unwind == Unwind::Break {
                        self.frames.pop();
                    }
                    return None;
                }
                _ => {
                    self.frames.pop();
                }
            }
        }
        None
    }

    /// Works on the top frame, which has been popped; `Some` when the machine has to stop here.
    fn work(&mut self, frame: Frame, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Option<Step> {
        match frame {
            Frame::List { list, next } => {
                if let Some(chain) = list.get(next).cloned() {
                    self.frames.push(Frame::List { list, next: next + 1 });
                    match &chain.background {
                        None => self.frames.push(Frame::Chain { chain, next: 0 }),
                        Some(text) => {
                            let text = text.clone();
                            let machine = self.subshell(Frame::Chain { chain, next: 0 }, ctx.state);
                            // Only the shell that somebody types into tells of its jobs.
                            let told = self.env.is_none() && ctx.state.options.interactive;
                            if let Err(why) = ctx.state.jobs.start(machine, text, told, io) {
                                io.err(&format!("bash: {why}\n"));
                            }
                            ctx.state.env.status = 0;
                            ctx.state.budget.spend(JOB);
                        }
                    }
                }
            }
            Frame::Chain { chain, next } => {
                let pipeline =
                    if next == 0 { Some(chain.first.clone()) } else { chain.rest.get(next - 1).map(|(_, p)| p.clone()) };
                if let Some(pipeline) = pipeline {
                    let ok = ctx.state.env.status == 0;
                    let runs = next == 0 || chain.rest.get(next - 1).is_none_or(|(and, _)| *and == ok);
                    self.frames.push(Frame::Chain { chain, next: next + 1 });
                    if runs {
                        self.pipeline(&pipeline, io, ctx);
                    }
                } else if ctx.state.env.settings.errexit && ctx.state.env.status != 0 && self.leaves(&chain) {
                    ctx.state.unwind = Some(Unwind::Exit(ctx.state.env.status));
                }
            }
            Frame::Timed(form, since) => io.err(&took(form, ctx.now().since(since))),
            Frame::Negate => ctx.state.env.status = i32::from(ctx.state.env.status == 0),
            Frame::Substitute { command, lists, mut results, child, mut text } => {
                let Some(list) = lists.get(results.len()) else {
                    self.start(&command, results, io, ctx);
                    return None;
                };
                let mut machine = match child {
                    Some(child) => child,
                    None => Box::new(self.subshell(Frame::List { list: list.clone(), next: 0 }, ctx.state)),
                };
                let mut inner = Io::new(io.input, false);
                let step = machine.step(&mut inner, ctx);
                for chunk in std::mem::take(&mut inner.output) {
                    match chunk.stream {
                        Stream::Stdout => text.push_str(&chunk.text),
                        _ => io.output.push(chunk),
                    }
                }
                if text.len() > MOST_TEXT {
                    ctx.state.budget.spend_bytes(usize::MAX);
                }
                if let Step::Done(exit) = step {
                    ctx.state.env.status = exit;
                    results.push(std::mem::take(&mut text));
                    self.frames.push(Frame::Substitute { command, lists, results, child: None, text });
                } else {
                    self.frames.push(Frame::Substitute { command, lists, results, child: Some(machine), text });
                    return Some(step);
                }
            }
            Frame::Run(mut running) => match running.step(io, ctx) {
                Step::Done(exit) => ctx.state.env.status = exit,
                step => {
                    self.frames.push(Frame::Run(running));
                    return Some(step);
                }
            },
            Frame::For { variable, mut values, body } => {
                if let Some(value) = values.next() {
                    ctx.state.env.variables.insert(variable.clone(), value);
                    self.frames.push(Frame::For { variable, values, body: body.clone() });
                    self.frames.push(Frame::List { list: body, next: 0 });
                }
            }
            Frame::While { command, tested } => self.work_while(command, tested, ctx),
            Frame::If { command, arm } => {
                let Command::If { arms, otherwise, .. } = command.as_ref() else {
                    return None;
                };
                if ctx.state.env.status == 0 {
                    if let Some((_, body)) = arms.get(arm) {
                        self.frames.push(Frame::List { list: body.clone(), next: 0 });
                    }
                } else if let Some((condition, _)) = arms.get(arm + 1) {
                    let condition = condition.clone();
                    self.frames.push(Frame::If { command, arm: arm + 1 });
                    self.frames.push(Frame::List { list: condition, next: 0 });
                } else {
                    ctx.state.env.status = 0;
                    if let Some(list) = otherwise {
                        self.frames.push(Frame::List { list: list.clone(), next: 0 });
                    }
                }
            }
        }
        None
    }

    /// Whether a failure of this chain ends the shell under `set -e`: not where it is a condition.
    fn leaves(&self, chain: &AndOr) -> bool {
        chain.rest.is_empty() && !chain.first.negate && !self.is_condition()
    }

    /// Whether what runs now is one: of `if` or `while`, before `&&` or `||`, or behind `!`.
    fn is_condition(&self) -> bool {
        self.tested
            || self.frames.iter().any(|f| match f {
                Frame::If { .. } | Frame::While { tested: true, .. } => true,
                Frame::Chain { chain, next } => *next <= chain.rest.len() || chain.first.negate,
                _ => false,
            })
    }

    fn work_while(&mut self, command: Rc<Command>, tested: bool, ctx: &mut Ctx<'_>) {
        let Command::While { until, condition, body, .. } = command.as_ref() else {
            return;
        };
        let (condition, body, until) = (condition.clone(), body.clone(), *until);
        if !tested {
            self.frames.push(Frame::While { command, tested: true });
            self.frames.push(Frame::List { list: condition, next: 0 });
        } else if (ctx.state.env.status == 0) != until {
            self.frames.push(Frame::While { command, tested: false });
            self.frames.push(Frame::List { list: body, next: 0 });
        } else {
            ctx.state.env.status = 0;
        }
    }

    fn pipeline(&mut self, pipeline: &Pipeline, io: &mut Io<'_>, ctx: &mut Ctx<'_>) {
        if let Some(form) = pipeline.timed {
            self.frames.push(Frame::Timed(form, ctx.now()));
        }
        if pipeline.negate {
            self.frames.push(Frame::Negate);
        }
        if let [only] = pipeline.commands.as_slice() {
            let lists = match only.as_ref() {
                Command::Simple(simple) => simple.substitutions(&self.heredocs),
                Command::For { words, .. } => word_substitutions(words),
                Command::Case { word, .. } => word_substitutions(std::slice::from_ref(word)),
                _ => Vec::new(),
            };
            self.frames.push(Frame::Substitute {
                command: only.clone(),
                lists,
                results: Vec::new(),
                child: None,
                text: String::new(),
            });
            return;
        }
        if pipeline.commands.is_empty() {
            ctx.state.env.status = 0;
            return;
        }
        let mut stages = Vec::new();
        for (i, command) in pipeline.commands.iter().enumerate() {
            ctx.state.budget.spend(JOB);
            if ctx.state.is_out() {
                break;
            }
            let stage = match command.as_ref() {
                Command::Simple(simple)
                    if simple.substitutions(&self.heredocs).is_empty() && !changes_shell(simple, ctx.state) =>
                {
                    self.stage(simple, Vec::new(), io, ctx)
                }
                _ => Some(plain_stage(Box::new(self.whole(command, ctx.state)))),
            };
            let Some(mut stage) = stage else {
                stages.push(plain_stage(Box::new(Failed)));
                continue;
            };
            if i > 0 && stage.input.is_none() {
                stage.input = Some(Input::default());
            }
            if pipeline.merged.contains(&i) && stage.err == Target::Err {
                stage.err = Target::Out;
            }
            stages.push(stage);
        }
        self.frames.push(Frame::Run(Running::new(stages)));
    }

    /// A command as a program of its own, with its own variables.
    fn whole(&self, command: &Rc<Command>, state: &mut State) -> Machine {
        self.subshell(Frame::List { list: alone(command), next: 0 }, state)
    }

    /// Starts a single command whose substitutions have been run.
    fn start(&mut self, command: &Rc<Command>, results: Vec<String>, io: &mut Io<'_>, ctx: &mut Ctx<'_>) {
        let (body, redirects) = match command.as_ref() {
            Command::Simple(simple) => {
                match self.stage(simple, results, io, ctx) {
                    Some(stage) => self.frames.push(Frame::Run(Running::new(vec![stage]))),
                    None => ctx.state.env.status = 1,
                }
                return;
            }
            Command::Subshell(list, redirects) => {
                let machine = self.subshell(Frame::List { list: list.clone(), next: 0 }, ctx.state);
                let mut stage = plain_stage(Box::new(machine));
                match self.redirect(redirects, &mut stage, &mut Vec::new().into_iter(), io, ctx) {
                    true => self.frames.push(Frame::Run(Running::new(vec![stage]))),
                    false => ctx.state.env.status = 1,
                }
                return;
            }
            Command::Function { name, body } => {
                let function = Function { body: body.clone(), heredocs: self.heredocs.clone() };
                ctx.state.functions.insert(name.clone(), function);
                ctx.state.env.status = 0;
                return;
            }
            Command::Case { word, arms, redirects } => {
                let text = expand::single(word, ctx.state, &mut results.into_iter());
                let mut none = Vec::new().into_iter();
                let arm = arms.iter().find(|(patterns, _)| {
                    patterns.iter().any(|p| {
                        let pattern = expand::pattern(p, ctx.state, &mut none);
                        expand::fits(&pattern, &text, ctx.state)
                    })
                });
                ctx.state.env.status = 0;
                let Some((_, list)) = arm else { return };
                (Frame::List { list: list.clone(), next: 0 }, redirects)
            }
            Command::Group(list, redirects) => (Frame::List { list: list.clone(), next: 0 }, redirects),
            Command::For { variable, words, body, redirects } => {
                let mut results = results.into_iter();
                let values: Vec<String> = words.iter().flat_map(|w| expand::fields(w, ctx.state, &mut results)).collect();
                ctx.state.env.status = 0;
                (Frame::For { variable: variable.clone(), values: values.into_iter(), body: body.clone() }, redirects)
            }
            Command::While { redirects, .. } => {
                ctx.state.env.status = 0;
                (Frame::While { command: command.clone(), tested: false }, redirects)
            }
            Command::If { arms, redirects, .. } => {
                let Some((condition, _)) = arms.first() else {
                    return;
                };
                if redirects.is_empty() {
                    self.frames.push(Frame::If { command: command.clone(), arm: 0 });
                    self.frames.push(Frame::List { list: condition.clone(), next: 0 });
                    return;
                }
                let mut machine = self.subshell(Frame::If { command: command.clone(), arm: 0 }, ctx.state);
                machine.frames.push(Frame::List { list: condition.clone(), next: 0 });
                let mut stage = plain_stage(Box::new(machine));
                match self.redirect(redirects, &mut stage, &mut Vec::new().into_iter(), io, ctx) {
                    true => self.frames.push(Frame::Run(Running::new(vec![stage]))),
                    false => ctx.state.env.status = 1,
                }
                return;
            }
        };
        if redirects.is_empty() {
            self.frames.push(body);
            return;
        }
        let mut stage = plain_stage(Box::new(self.subshell(body, ctx.state)));
        match self.redirect(redirects, &mut stage, &mut Vec::new().into_iter(), io, ctx) {
            true => self.frames.push(Frame::Run(Running::new(vec![stage]))),
            false => ctx.state.env.status = 1,
        }
    }

    /// Expands a simple command and builds its program; `None` where a redirect failed (which has been reported).
    fn stage(&self, simple: &Simple, results: Vec<String>, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Option<Stage> {
        let had_substitution = !results.is_empty();
        let mut results = results.into_iter();
        let assignments: Vec<(String, String)> =
            simple.assignments.iter().map(|(n, w)| (n.clone(), expand::path(w, ctx.state, &mut results))).collect();
        let words: Vec<String> = simple.words.iter().flat_map(|w| expand::fields(w, ctx.state, &mut results)).collect();
        if let Some(why) = ctx.state.failure.take() {
            io.err(&format!("bash: {why}\n"));
            return None;
        }
        let mut stage = plain_stage(Box::new(Failed));
        if !self.redirect(&simple.redirects, &mut stage, &mut results, io, ctx) {
            return None;
        }
        let Some((name, args)) = words.split_first() else {
            for (name, value) in assignments {
                ctx.state.env.variables.insert(name, value);
            }
            stage.program = Box::new(Status(if had_substitution { ctx.state.env.status } else { 0 }));
            return Some(stage);
        };
        stage.overrides = assignments;
        ctx.state.budget.spend(tools::cost(name));
        ctx.state.tested = self.is_condition();
        stage.program = function::call(name, args, ctx.state).unwrap_or_else(|| tools::launch(name, args.to_vec(), ctx));
        Some(stage)
    }

    fn redirect(
        &self,
        redirects: &[Redirect],
        stage: &mut Stage,
        results: &mut std::vec::IntoIter<String>,
        io: &mut Io<'_>,
        ctx: &mut Ctx<'_>,
    ) -> bool {
        for redirect in redirects {
            match redirect {
                Redirect::Out { fd, append, both, target } => {
                    let name = expand::path(target, ctx.state, results);
                    let path = ctx.state.path(&name);
                    let target = if path == "/dev/null" {
                        Target::Null
                    } else if path == "/dev/stdout" {
                        Target::Out
                    } else if path == "/dev/stderr" {
                        Target::Err
                    } else if let Err(why) = ctx.state.files.write(&path, "", *append) {
                        io.err(&format!("bash: {name}: {why}\n"));
                        return false;
                    } else {
                        Target::File(path)
                    };
                    if *both || *fd == 2 {
                        stage.err = target.clone();
                    }
                    if *both || *fd != 2 {
                        stage.out = target;
                    }
                }
                Redirect::Dup { from: 2, to: 1 } => stage.err = stage.out.clone(),
                Redirect::Dup { from: 1, to: 2 } => stage.out = stage.err.clone(),
                Redirect::Dup { .. } => {}
                Redirect::In(word) => {
                    let name = expand::path(word, ctx.state, results);
                    let path = ctx.state.path(&name);
                    match ctx.state.files.open(&path) {
                        Ok(text) => stage.input = Some(Input::of(text.to_owned())),
                        Err(_) if path == "/dev/null" => stage.input = Some(Input::empty()),
                        Err(why) => {
                            io.err(&format!("bash: {name}: {why}\n"));
                            return false;
                        }
                    }
                }
                Redirect::Here(number) => {
                    let body = self.heredocs.get(*number).map(|w| expand::single(w, ctx.state, results));
                    stage.input = Some(Input::of(body.unwrap_or_default()));
                }
                Redirect::HereString(word) => {
                    let text = expand::single(word, ctx.state, results);
                    stage.input = Some(Input::of(format!("{text}\n")));
                }
            }
        }
        true
    }
}

impl Program for Machine {
    fn step(&mut self, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Step {
        let Some(own) = self.env.take() else {
            return self.run(io, ctx);
        };
        let outer = std::mem::replace(&mut ctx.state.env, own);
        let step = self.run(io, ctx);
        self.env = Some(std::mem::replace(&mut ctx.state.env, outer));
        step
    }
}

/// Whether a command does something to the shell that runs it; in a pipeline that is one of its own.
fn changes_shell(simple: &Simple, state: &State) -> bool {
    let name = simple.words.first().and_then(Word::plain);
    name.is_none_or(|name| state.functions.contains_key(name) || tools::is_builtin(name))
}

/// A list of one command.
fn alone(command: &Rc<Command>) -> List {
    let pipeline = Pipeline { commands: vec![command.clone()], ..Pipeline::default() };
    Rc::new(vec![Rc::new(AndOr::from(pipeline))])
}

/// What `time` prints. Programs take no processor here.
fn took(form: Timed, ms: u64) -> String {
    match form {
        Timed::Bash => {
            format!("\nreal\t{}m{}.{:03}s\nuser\t0m0.000s\nsys\t0m0.000s\n", ms / 60_000, ms / 1000 % 60, ms % 1000)
        }
        Timed::Posix => format!("real {}.{:02}\nuser 0.00\nsys 0.00\n", ms / 1000, ms % 1000 / 10),
    }
}

fn plain_stage(program: Box<dyn Program>) -> Stage {
    Stage { program, input: None, out: Target::Out, err: Target::Err, overrides: Vec::new(), exit: None }
}

/// A command that could not start.
#[derive(Debug)]
struct Failed;

impl Program for Failed {
    fn step(&mut self, _io: &mut Io<'_>, _ctx: &mut Ctx<'_>) -> Step {
        Step::Done(1)
    }
}

/// A line of assignments.
#[derive(Debug)]
struct Status(i32);

impl Program for Status {
    fn step(&mut self, _io: &mut Io<'_>, _ctx: &mut Ctx<'_>) -> Step {
        Step::Done(self.0)
    }
}
