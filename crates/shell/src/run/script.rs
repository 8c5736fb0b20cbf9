//! Texts that run as lines of a shell: files that the shell at work reads (`source`), `eval`, and scripts in a shell of
//! their own.

use super::files::IS_DIRECTORY;
use super::io::{Ctx, Io, Program, Step};
use super::machine::Machine;
use super::nested::{Kind, Known, Nested};
use super::state::{Env, Settings, State};
use crate::lang;
use crate::tools::Refusal;
use objects::collections::VecMap;
use std::mem::take;

/// A shell of its own, before it has begun.
#[derive(Debug)]
struct Shell {
    /// `$0`
    name: String,
    /// What it runs; the whole of its input where there is nothing.
    text: Option<String>,
    arguments: Vec<String>,
    options: Options,
    script: Option<Nested>,
}

/// A program that runs a text, or its input, in a shell of its own.
fn shell(name: &str, text: Option<String>, arguments: &[String], options: Options) -> Box<dyn Program> {
    Box::new(Shell { name: name.to_owned(), text, arguments: arguments.to_vec(), options, script: None })
}

impl Shell {
    /// It inherits what is exported when it begins: by then that holds what stands before the command too.
    fn begin(&mut self, text: &str, state: &State) -> Nested {
        let outer = &state.env;
        let inherited = outer.exported.iter().filter_map(|name| Some((name.clone(), outer.variables.get(name)?.clone())));
        let env = Env {
            name: self.name.clone(),
            variables: inherited.collect(),
            arguments: take(&mut self.arguments),
            status: 0,
            settings: self.options.settings,
            ..outer.clone()
        };
        let machine = Machine::shell(lang::script(text, &VecMap::new()), env);
        Nested::new(&self.name, machine, Kind::Shell(Known::default()))
    }
}

impl Program for Shell {
    fn step(&mut self, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Step {
        if let Some(script) = &mut self.script {
            return script.step(io, ctx);
        }
        let Some(text) = self.text.take().or_else(|| io.input.all()) else { return Step::Wait(None) };
        for option in take(&mut self.options.missing) {
            io.hint(&format!("bash {option} is not simulated"));
        }
        ctx.state.budget.spend_bytes(text.len());
        let script = self.begin(&text, ctx.state);
        self.script.insert(script).step(io, ctx)
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
    Ok(Box::new(Nested::new("eval", machine, Kind::Eval)))
}

/// `source FILE [ARGUMENT...]`, by either of its names.
pub fn source(called: &str, args: &[String], ctx: &Ctx<'_>) -> Result<Box<dyn Program>, Refusal> {
    let Some((name, arguments)) = args.split_first() else {
        let usage = format!("bash: {called}: filename argument required\n{called}: usage: {called} filename [arguments]");
        return Err(Refusal::new(2, usage));
    };
    let text = ctx.state.files.open(&ctx.state.path(name)).map_err(|why| {
        let message = match why {
            IS_DIRECTORY => format!("bash: {called}: {name}: is a directory"),
            why => format!("bash: {name}: {why}"),
        };
        Refusal::new(1, message)
    })?;
    let machine = Machine::inner(lang::script(text, &ctx.state.aliases), ctx.state.tested);
    let arguments = (!arguments.is_empty()).then(|| arguments.to_vec());
    Ok(Box::new(Nested::new(name, machine, Kind::Source(arguments))))
}

/// What a shell is started with.
#[derive(Debug, Default)]
struct Options {
    settings: Settings,
    /// What bash would do and is not simulated.
    missing: Vec<String>,
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
                // A login shell's profile and an editor's line are not here.
                'l' | 'i' => {}
                'o' => {
                    let name = rest.first().map_or("", String::as_str);
                    rest = rest.get(1..).unwrap_or_default();
                    match options.settings.named(name, on) {
                        Some(true) => {}
                        Some(false) => options.missing.push(format!("-o {name}")),
                        None => return Err(Refusal::new(2, format!("bash: line 0: bash: {name}: invalid option name"))),
                    }
                }
                letter => match options.settings.letter(letter, on) {
                    Some(true) => {}
                    Some(false) => options.missing.push(format!("-{letter}")),
                    None => return Err(Refusal::new(2, format!("bash: {first}: invalid option"))),
                },
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
            let text = ctx.state.files.open(&ctx.state.path(name)).map_err(|why| match why {
                // Of a folder it speaks as the script that it is not.
                IS_DIRECTORY => Refusal::new(126, format!("{name}: {name}: {why}")),
                _ => Refusal::new(127, format!("bash: {name}: {why}")),
            })?;
            Ok(shell(name, Some(text.to_owned()), arguments, options))
        }
        None => Ok(shell("bash", None, rest, options)),
    }
}
