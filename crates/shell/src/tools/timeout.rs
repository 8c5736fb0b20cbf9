//! timeout: a command with an end. Source: GNU coreutils 9.1 src/timeout.c, and what it printed (tests/tools/timeout.jsonl).

use super::Refusal;
use crate::run::{Ctx, Io, Program, Step, earlier};
use engine::SimTime;

#[derive(Debug)]
struct Timeout {
    name: String,
    command: Option<Vec<String>>,
    program: Option<Box<dyn Program>>,
    ms: u64,
    kill_ms: u64,
    signal: Signal,
    verbose: bool,
    preserve: bool,
    /// When the next signal is sent.
    deadline: Option<SimTime>,
    timed_out: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Signal {
    number: i32,
    name: &'static str,
}

const TERM: Signal = Signal { number: 15, name: "TERM" };
const KILL: Signal = Signal { number: 9, name: "KILL" };

/// Signals 1 to 31 of Linux, in order; 0 asks only whether there is a process.
const SIGNALS: [&str; 32] = [
    "EXIT", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM",
    "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "POLL", "PWR",
    "SYS",
];

impl Signal {
    fn parse(text: &str) -> Option<Signal> {
        let at = match text.parse::<usize>() {
            Ok(number) => number,
            Err(_) => {
                let upper = text.to_uppercase();
                SIGNALS.iter().position(|name| *name == upper.strip_prefix("SIG").unwrap_or(&upper))?
            }
        };
        Some(Signal { number: i32::try_from(at).ok()?, name: SIGNALS.get(at)? })
    }

    /// Whether a program that has made no arrangements ends by it. Those that stop a process are followed by CONT.
    fn ends(self) -> bool {
        !["EXIT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "WINCH"].contains(&self.name)
    }
}

fn usage(message: impl Into<String>) -> Refusal {
    let message = message.into();
    let line = if message.is_empty() { String::new() } else { format!("timeout: {message}\n") };
    Refusal::new(125, format!("{line}Try 'timeout --help' for more information."))
}

pub fn build(args: Vec<String>, ctx: &Ctx<'_>) -> Result<Box<dyn Program>, Refusal> {
    let mut timeout = Timeout {
        name: String::new(),
        command: None,
        program: None,
        ms: 0,
        kill_ms: 0,
        signal: TERM,
        verbose: false,
        preserve: false,
        deadline: None,
        timed_out: false,
    };
    let mut args = args.into_iter().peekable();
    while let Some(arg) = args.next_if(|a| a.starts_with('-') && a.len() > 1) {
        if arg == "--" {
            break;
        }
        match arg.strip_prefix("--") {
            Some(long) => timeout.long(long, &mut args)?,
            None => timeout.short(arg.get(1..).unwrap_or_default(), &mut args)?,
        }
    }
    let rest: Vec<String> = args.collect();
    let [duration, name, ..] = rest.as_slice() else { return Err(usage("")) };
    timeout.ms = interval(duration)?;
    timeout.name.clone_from(name);
    let is_dir = name.contains('/') && ctx.state.files.is_dir(&ctx.state.path(name));
    if is_dir {
        return Err(Refusal::new(126, format!("timeout: failed to run command ‘{name}’: Permission denied")));
    }
    let base = name.rsplit('/').next().unwrap_or(name);
    if super::find(base).is_none() || super::is_builtin(base) {
        return Err(Refusal::new(127, format!("timeout: failed to run command ‘{name}’: No such file or directory")));
    }
    timeout.command = Some(rest.get(1..).unwrap_or_default().to_vec());
    Ok(Box::new(timeout))
}

type Rest = std::iter::Peekable<std::vec::IntoIter<String>>;

impl Timeout {
    fn long(&mut self, option: &str, rest: &mut Rest) -> Result<(), Refusal> {
        const NAMES: [&str; 5] = ["preserve-status", "foreground", "kill-after", "signal", "verbose"];
        let (given, value) = option.split_once('=').map_or((option, None), |(name, value)| (name, Some(value.to_owned())));
        let Some(name) = NAMES.iter().find(|n| n.starts_with(given)) else {
            return Err(usage(format!("unrecognized option '--{option}'")));
        };
        let takes = matches!(*name, "kill-after" | "signal");
        match (takes, value) {
            (false, Some(_)) => Err(usage(format!("option '--{name}' doesn't allow an argument"))),
            (true, value) => {
                let value = value.or_else(|| rest.next());
                let value = value.ok_or_else(|| usage(format!("option '--{name}' requires an argument")))?;
                self.set(name, &value)
            }
            (false, None) => self.set(name, ""),
        }
    }

    fn short(&mut self, letters: &str, rest: &mut Rest) -> Result<(), Refusal> {
        let mut letters = letters.chars();
        while let Some(letter) = letters.next() {
            match letter {
                'v' => self.set("verbose", "")?,
                'k' | 's' => {
                    let own = letters.as_str().to_owned();
                    let value = if own.is_empty() { rest.next() } else { Some(own) };
                    let value = value.ok_or_else(|| usage(format!("option requires an argument -- '{letter}'")))?;
                    return self.set(if letter == 'k' { "kill-after" } else { "signal" }, &value);
                }
                other => return Err(usage(format!("invalid option -- '{other}'"))),
            }
        }
        Ok(())
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), Refusal> {
        match name {
            "verbose" => self.verbose = true,
            "preserve-status" => self.preserve = true,
            "kill-after" => self.kill_ms = interval(value)?,
            "signal" => self.signal = Signal::parse(value).ok_or_else(|| usage(format!("‘{value}’: invalid signal")))?,
            _ => {}
        }
        Ok(())
    }

    /// Sends a signal; the status where the command ends by it.
    fn send(&mut self, signal: Signal, io: &mut Io<'_>, ctx: &Ctx<'_>) -> Option<i32> {
        self.timed_out = true;
        if self.verbose {
            io.err(&format!("timeout: sending signal {} to command ‘{}’\n", signal.name, self.name));
        }
        if !signal.ends() {
            self.deadline = (self.kill_ms > 0 && signal != KILL).then(|| ctx.now() + self.kill_ms);
            return None;
        }
        if signal == KILL && ctx.state.options.interactive {
            // timeout ends by the same signal as its command, and the shell says so.
            io.err("Killed\n");
        }
        Some(if self.preserve || signal == KILL { 128 + signal.number } else { 124 })
    }
}

impl Program for Timeout {
    fn step(&mut self, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Step {
        if let Some(command) = self.command.take() {
            let mut words = command.into_iter();
            let name = words.next().unwrap_or_default();
            self.program = Some(super::launch(&name, words.collect(), ctx));
            self.deadline = (self.ms > 0).then(|| ctx.now() + self.ms);
        }
        if self.deadline.is_some_and(|at| at <= ctx.now()) {
            let signal = if self.timed_out { KILL } else { self.signal };
            self.deadline = None;
            if let Some(exit) = self.send(signal, io, ctx) {
                return Step::Done(exit);
            }
        }
        let Some(program) = &mut self.program else { return Step::Done(0) };
        match program.step(io, ctx) {
            Step::Wait(at) => Step::Wait(earlier(at, self.deadline)),
            Step::Done(_) if self.timed_out && !self.preserve => Step::Done(124),
            step => step,
        }
    }
}

fn interval(text: &str) -> Result<u64, Refusal> {
    let forever = matches!(text.to_lowercase().as_str(), "inf" | "infinity");
    let scientific = || {
        let (number, exponent) = text.split_once(['e', 'E'])?;
        let exponent: i32 = exponent.parse().ok().filter(|e: &i32| e.abs() < 12)?;
        let ms = super::clock::interval_ms(number)?;
        let factor = 10u64.checked_pow(exponent.unsigned_abs())?;
        if exponent < 0 { Some(ms / factor) } else { ms.checked_mul(factor) }
    };
    let read = if forever { Some(0) } else { super::clock::interval_ms(text).or_else(scientific) };
    read.ok_or_else(|| usage(format!("invalid time interval ‘{text}’")))
}
