//! Lines that run within others as one program: a function's body, a file that the shell reads, `eval`, and a script in a
//! shell of its own.

use super::function::Function;
use super::io::{Ctx, Io, Program, Step};
use super::machine::{Machine, Unwind};
use super::state::State;
use objects::collections::VecMap;
use std::mem::swap;

/// Deepest such lines within one another.
const DEPTH: usize = 50;

/// What a shell has besides its environment.
#[derive(Debug, Default)]
pub struct Known {
    functions: VecMap<String, Function>,
    aliases: VecMap<String, String>,
    locals: Vec<Vec<(String, Option<String>)>>,
    sourcing: usize,
}

#[derive(Debug)]
pub enum Kind {
    Eval,
    /// With its arguments; while it runs they are the caller's.
    Function(Vec<String>),
    /// The same, where it has any.
    Source(Option<Vec<String>>),
    /// A shell of its own; while it runs this is what the shell around it knows.
    Shell(Known),
}

#[derive(Debug)]
pub struct Nested {
    name: String,
    machine: Machine,
    kind: Kind,
    begun: bool,
}

impl Nested {
    pub fn new(name: &str, machine: Machine, kind: Kind) -> Nested {
        Nested { name: name.to_owned(), machine, kind, begun: false }
    }

    fn change_places(&mut self, state: &mut State) {
        match &mut self.kind {
            Kind::Eval | Kind::Source(None) => {}
            Kind::Function(arguments) | Kind::Source(Some(arguments)) => swap(&mut state.env.arguments, arguments),
            Kind::Shell(known) => {
                swap(&mut state.functions, &mut known.functions);
                swap(&mut state.aliases, &mut known.aliases);
                swap(&mut state.locals, &mut known.locals);
                swap(&mut state.sourcing, &mut known.sourcing);
            }
        }
    }

    /// Whether whoever is around it is left too.
    fn passed_on(&self) -> Option<Unwind> {
        match (&self.kind, self.machine.left()) {
            (Kind::Eval, left) => left,
            (Kind::Function(_) | Kind::Source(_), exit @ Some(Unwind::Exit(_))) => exit,
            _ => None,
        }
    }
}

impl Program for Nested {
    fn step(&mut self, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Step {
        let is_function = matches!(self.kind, Kind::Function(_));
        if !self.begun {
            if ctx.state.depth >= DEPTH {
                let what = if is_function { "function nesting" } else { "nesting" };
                io.err(&format!("bash: {}: maximum {what} level exceeded ({DEPTH})\n", self.name));
                return Step::Done(1);
            }
            self.begun = true;
            if is_function {
                ctx.state.locals.push(Vec::new());
            }
        }
        let sourced = usize::from(matches!(self.kind, Kind::Source(_)));
        ctx.state.depth += 1;
        self.change_places(ctx.state);
        ctx.state.sourcing += sourced;
        let step = self.machine.step(io, ctx);
        ctx.state.sourcing -= sourced;
        self.change_places(ctx.state);
        ctx.state.depth -= 1;
        if matches!(step, Step::Done(_)) {
            if is_function {
                for (name, value) in ctx.state.locals.pop().unwrap_or_default().into_iter().rev() {
                    ctx.state.restore(name, value);
                }
            }
            if let Some(unwind) = self.passed_on() {
                ctx.state.unwind = Some(unwind);
            }
        }
        step
    }
}
