//! Functions of the shell: a body with its heredocs, run with arguments and variables of its own.

use super::io::{Ctx, Io, Program, Step};
use super::machine::{Machine, Unwind};
use super::state::{DEPTH, State};
use crate::lang::ast::{Command, Word};
use std::rc::Rc;

#[derive(Clone, Debug)]
pub struct Function {
    pub body: Rc<Command>,
    pub heredocs: Rc<Vec<Word>>,
}

/// One call.
#[derive(Debug)]
struct Call {
    name: String,
    machine: Machine,
    /// The arguments of whoever is not at work: the caller's while the body runs.
    arguments: Vec<String>,
    begun: bool,
}

/// The program of a call, if there is such a function.
pub fn call(name: &str, args: &[String], state: &State) -> Option<Box<dyn Program>> {
    let function = state.functions.get(name)?;
    let machine = Machine::of(&function.body, function.heredocs.clone(), state.tested);
    Some(Box::new(Call { name: name.to_owned(), machine, arguments: args.to_vec(), begun: false }))
}

impl Program for Call {
    fn step(&mut self, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Step {
        if !self.begun {
            if ctx.state.depth >= DEPTH {
                io.err(&format!("bash: {}: maximum function nesting level exceeded ({DEPTH})\n", self.name));
                return Step::Done(1);
            }
            self.begun = true;
            ctx.state.locals.push(Vec::new());
        }
        ctx.state.depth += 1;
        std::mem::swap(&mut ctx.state.env.arguments, &mut self.arguments);
        let step = self.machine.step(io, ctx);
        std::mem::swap(&mut ctx.state.env.arguments, &mut self.arguments);
        ctx.state.depth -= 1;
        if matches!(step, Step::Done(_)) {
            for (name, value) in ctx.state.locals.pop().unwrap_or_default().into_iter().rev() {
                ctx.state.restore(name, value);
            }
            if let Some(Unwind::Exit(exit)) = self.machine.left() {
                ctx.state.unwind = Some(Unwind::Exit(exit));
            }
        }
        step
    }
}

/// `local NAME[=VALUE]...`
pub fn local(args: &[String], io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> i32 {
    let Some(hidden) = ctx.state.locals.last_mut() else {
        io.err("bash: local: can only be used in a function\n");
        return 1;
    };
    for arg in args {
        let (name, value) = arg.split_once('=').unwrap_or((arg, ""));
        hidden.push((name.to_owned(), ctx.state.env.variables.insert(name.to_owned(), value.to_owned())));
    }
    0
}
