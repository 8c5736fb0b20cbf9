//! Functions of the shell: a body with its heredocs, run with arguments and variables of its own.

use super::io::{Ctx, Io, Program};
use super::machine::Machine;
use super::nested::{Kind, Nested};
use super::state::State;
use crate::lang::ast::{Command, Word};
use std::rc::Rc;

#[derive(Clone, Debug)]
pub struct Function {
    pub body: Rc<Command>,
    pub heredocs: Rc<Vec<Word>>,
}

/// The program of a call, if there is such a function.
pub fn call(name: &str, args: &[String], state: &State) -> Option<Box<dyn Program>> {
    let function = state.functions.get(name)?;
    let machine = Machine::of(&function.body, function.heredocs.clone(), state.tested);
    Some(Box::new(Nested::new(name, machine, Kind::Function(args.to_vec()))))
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
