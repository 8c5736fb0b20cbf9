//! Texts that run as lines of a shell: files that the shell at work reads (`source`), `eval`, and scripts in a shell of
//! their own.

use super::function::Function;
use super::io::{Ctx, Io, Program, Step};
use super::machine::{Machine, Unwind};
use super::state::{DEPTH, Env, State};
use crate::lang;
use crate::tools::Refusal;
use objects::collections::VecMap;
use std::mem::{swap, take};

/// What a shell has besides its environment.
#[derive(Debug, Default)]
struct Known {
    functions: VecMap<String, Function>,
    aliases: VecMap<String, String>,
    locals: Vec<Vec<(String, Option<String>)>>,
    sourcing: usize,
}

#[derive(Debug)]
enum Kind {
    Eval,
    /// With arguments of its own, where there are any; while it runs they are those of the shell around it.
    Source(Option<Vec<String>>),
    /// A shell of its own; while it runs this is what the shell around it knows.
    Shell(Known),
}

#[derive(Debug)]
struct Script {
    name: String,
    machine: Machine,
    kind: Kind,
    begun: bool,
}

impl Program for Script {
    fn step(&mut self, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Step {
        if !self.begun && ctx.state.depth >= DEPTH {
            io.err(&format!("bash: {}: maximum nesting level exceeded ({DEPTH})\n", self.name));
            return Step::Done(1);
        }
        self.begun = true;
        ctx.state.depth += 1;
        self.change_places(ctx.state);
        let sourced = usize::from(matches!(self.kind, Kind::Source(_)));
        ctx.state.sourcing += sourced;
        let step = self.machine.step(io, ctx);
        ctx.state.sourcing -= sourced;
        self.change_places(ctx.state);
        ctx.state.depth -= 1;
        if matches!(step, Step::Done(_)) {
            ctx.state.unwind = match (&self.kind, self.machine.left()) {
                (Kind::Eval, left) => left,
                (Kind::Source(_), Some(Unwind::Exit(exit))) => Some(Unwind::Exit(exit)),
                _ => None,
            };
        }
        step
    }
}

impl Script {
    fn change_places(&mut self, state: &mut State) {
        match &mut self.kind {
            Kind::Eval | Kind::Source(None) => {}
            Kind::Source(Some(arguments)) => swap(&mut state.env.arguments, arguments),
            Kind::Shell(known) => {
                swap(&mut state.functions, &mut known.functions);
                swap(&mut state.aliases, &mut known.aliases);
                swap(&mut state.locals, &mut known.locals);
                swap(&mut state.sourcing, &mut known.sourcing);
            }
        }
    }
}

/// A shell of its own, before it has begun.
#[derive(Debug)]
struct Shell {
    /// `$0`
    name: String,
    /// What it runs; the whole of its input where there is nothing.
    text: Option<String>,
    arguments: Vec<String>,
    options: Options,
    script: Option<Script>,
}

/// A program that runs a text, or its input, in a shell of its own.
fn shell(name: &str, text: Option<String>, arguments: &[String], options: Options) -> Box<dyn Program> {
    Box::new(Shell { name: name.to_owned(), text, arguments: arguments.to_vec(), options, script: None })
}

impl Shell {
    /// It inherits what is exported when it begins: by then that holds what stands before the command too.
    fn begin(&mut self, text: &str, state: &State) -> Script {
        let outer = &state.env;
        let inherited = outer.exported.iter().filter_map(|name| Some((name.clone(), outer.variables.get(name)?.clone())));
        let env = Env {
            name: self.name.clone(),
            variables: inherited.collect(),
            arguments: take(&mut self.arguments),
            status: 0,
            errexit: self.options.errexit,
            pipefail: self.options.pipefail,
            ..outer.clone()
        };
        let machine = Machine::shell(lang::script(text, &VecMap::new()), env);
        Script { name: self.name.clone(), machine, kind: Kind::Shell(Known::default()), begun: false }
    }
}

impl Program for Shell {
    fn step(&mut self, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Step {
        if let Some(script) = &mut self.script {
            return script.step(io, ctx);
        }
        let Some(text) = self.text.take().or_else(|| io.input.all()) else { return Step::Wait(None) };
        ctx.state.budget.spend_bytes(text.len());
        let script = self.begin(&text, ctx.state);
        self.script.insert(script).step(io, ctx)
    }
}

/// The text of a file; the end of bash's message and its status where there is none.
fn text_of(name: &str, state: &State) -> Result<String, (&'static str, i32)> {
    let path = state.path(name);
    match state.files.read(&path) {
        Some(text) => Ok(text.to_owned()),
        None if state.files.is_dir(&path) => Err(("Is a directory", 126)),
        None => Err(("No such file or directory", 127)),
    }
}

/// The program of a file that is named by its path, once somebody has made it one (`chmod +x`).
pub fn program(name: &str, arguments: &[String], state: &State) -> Option<Result<Box<dyn Program>, Refusal>> {
    let path = state.path(name);
    if !name.contains('/') || !state.files.is_program(&path) {
        return None;
    }
    let text = state.files.read(&path)?;
    let by = text.strip_prefix("#!").and_then(|rest| rest.lines().next()).map(str::trim);
    let shells = ["bash", "sh", "dash", "zsh", "ksh"];
    if by.is_some_and(|by| !by.split_whitespace().any(|word| shells.iter().any(|s| word.rsplit('/').next() == Some(s)))) {
        return Some(Err(Refusal::new(127, format!("bash: {name}: cannot execute: required file not found"))));
    }
    Some(Ok(shell(name, Some(text.to_owned()), arguments, Options::default())))
}

/// `eval WORD...`
pub fn eval(args: Vec<String>, ctx: &Ctx<'_>) -> Result<Box<dyn Program>, Refusal> {
    let words = args.strip_prefix(["--".to_owned()].as_slice()).unwrap_or(&args);
    let machine = Machine::inner(lang::script(&words.join(" "), &ctx.state.aliases), ctx.state.tested);
    Ok(Box::new(Script { name: "eval".to_owned(), machine, kind: Kind::Eval, begun: false }))
}

/// `source FILE [ARGUMENT...]`, by either of its names.
pub fn source(called: &str, args: &[String], ctx: &Ctx<'_>) -> Result<Box<dyn Program>, Refusal> {
    let Some((name, arguments)) = args.split_first() else {
        let usage = format!("bash: {called}: filename argument required\n{called}: usage: {called} filename [arguments]");
        return Err(Refusal::new(2, usage));
    };
    let text = text_of(name, ctx.state).map_err(|(why, _)| {
        let message = match why {
            "Is a directory" => format!("bash: {called}: {name}: is a directory"),
            why => format!("bash: {name}: {why}"),
        };
        Refusal::new(1, message)
    })?;
    let machine = Machine::inner(lang::script(&text, &ctx.state.aliases), ctx.state.tested);
    let arguments = (!arguments.is_empty()).then(|| arguments.to_vec());
    Ok(Box::new(Script { name: name.clone(), machine, kind: Kind::Source(arguments), begun: false }))
}

/// What a shell is started with.
#[derive(Debug, Default)]
struct Options {
    errexit: bool,
    pipefail: bool,
    /// The text is an argument.
    command: bool,
    /// The text is the input, whatever the arguments are.
    input: bool,
}

/// `bash [-e] [-o pipefail] FILE [ARGUMENT...]`, `bash -c TEXT [NAME [ARGUMENT...]]`, or a text on standard input.
pub fn bash(args: Vec<String>, ctx: &Ctx<'_>) -> Result<Box<dyn Program>, Refusal> {
    let mut options = Options::default();
    let mut rest = args.as_slice();
    while let Some((first, others)) = rest.split_first().filter(|(first, _)| first.len() > 1 && first.starts_with(['-', '+'])) {
        rest = others;
        let on = first.starts_with('-');
        match first.as_str() {
            "--" => break,
            "--login" | "--norc" | "--noprofile" | "--posix" => continue,
            _ => {}
        }
        for letter in first.chars().skip(1) {
            match letter {
                'c' => options.command = on,
                's' => options.input = on,
                'e' => options.errexit = on,
                // A login shell's profile and an editor's line are not here; the others are as `set` has them.
                'l' | 'i' | 'u' | 'x' | 'v' => {}
                'o' => {
                    let name = rest.split_first().map(|(name, others)| {
                        rest = others;
                        name.as_str()
                    });
                    match name {
                        Some("pipefail") => options.pipefail = on,
                        Some("errexit") => options.errexit = on,
                        Some("nounset" | "xtrace") => {}
                        other => {
                            let name = other.unwrap_or_default();
                            return Err(Refusal::new(2, format!("bash: line 0: bash: {name}: invalid option name")));
                        }
                    }
                }
                _ => return Err(Refusal::new(2, format!("bash: {first}: invalid option"))),
            }
        }
    }
    if options.command {
        let Some((text, rest)) = rest.split_first() else {
            return Err(Refusal::new(2, "bash: -c: option requires an argument"));
        };
        let (name, arguments) = rest.split_first().map_or(("bash", rest), |(name, rest)| (name, rest));
        return Ok(shell(name, Some(text.clone()), arguments, options));
    }
    match rest.split_first().filter(|_| !options.input) {
        Some((name, arguments)) => {
            let text = text_of(name, ctx.state).map_err(|(why, exit)| {
                // Of a folder it speaks as the script that it is not.
                let by = if exit == 126 { name.as_str() } else { "bash" };
                Refusal::new(exit, format!("{by}: {name}: {why}"))
            })?;
            Ok(shell(name, Some(text), arguments, options))
        }
        None => Ok(shell("bash", None, rest, options)),
    }
}
