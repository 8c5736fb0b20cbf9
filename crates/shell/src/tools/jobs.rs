//! Jobs in the background as bash's builtins see them: `jobs`, `wait`, `fg`, `bg`, `kill`, `disown`.

use super::Refusal;
use crate::run::{Ctx, Io, Machine, Program, SIGNALS, Step, Unwind, signal};

pub fn jobs(args: &[String], io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> i32 {
    let (mut long, mut pids, mut running) = (false, false, false);
    let mut specs = Vec::new();
    for arg in args {
        match arg.strip_prefix('-').filter(|l| !l.is_empty()) {
            None => specs.push(arg),
            Some(letters) => {
                for letter in letters.chars() {
                    match letter {
                        'l' => long = true,
                        'p' => pids = true,
                        'r' => running = true,
                        'n' | 's' => {}
                        _ => {
                            io.err(&format!(
                                "bash: jobs: -{letter}: invalid option\njobs: usage: jobs [-lnprs] [jobspec ...] or jobs -x \
                                 command [args]\n"
                            ));
                            return 2;
                        }
                    }
                }
            }
        }
    }
    if !ctx.state.options.interactive {
        // A script forgets what has ended without a word.
        ctx.state.jobs.report();
    }
    let jobs = &mut ctx.state.jobs;
    let mut exit = 0;
    let mut wanted = Vec::new();
    for spec in &specs {
        match jobs.resolve(spec) {
            Ok(pid) => wanted.push(pid),
            Err(why) => {
                io.err(&format!("bash: jobs: {why}\n"));
                exit = 1;
            }
        }
    }
    if specs.is_empty() {
        wanted = jobs.list().iter().filter(|j| !running || j.ended.is_none()).map(|j| j.pid).collect();
    }
    for pid in &wanted {
        io.out(&if pids { format!("{pid}\n") } else { jobs.line(*pid, long) });
    }
    let told: Vec<u32> = jobs.list().iter().filter(|j| j.ended.is_some() && wanted.contains(&j.pid)).map(|j| j.pid).collect();
    told.into_iter().for_each(|pid| jobs.forget(pid));
    exit
}

/// Waits for jobs, or for the next one.
#[derive(Debug)]
struct Wait {
    /// What is left to wait for: processes, and what was typed for them.
    targets: std::vec::IntoIter<String>,
    current: Option<u32>,
    all: bool,
    next: bool,
    status: i32,
}

pub fn wait(args: Vec<String>, _ctx: &Ctx<'_>) -> Result<Box<dyn Program>, Refusal> {
    let next = args.iter().any(|a| a == "-n");
    if let Some(wrong) = args.iter().find(|a| a.starts_with('-') && !matches!(a.as_str(), "-n" | "-f")) {
        return Err(Refusal::new(2, format!("bash: wait: {wrong}: invalid option\nwait: usage: wait [-fn] [-p var] [id ...]")));
    }
    let targets: Vec<String> = args.into_iter().filter(|a| !a.starts_with('-')).collect();
    let all = targets.is_empty();
    Ok(Box::new(Wait { targets: targets.into_iter(), current: None, all, next, status: 0 }))
}

impl Program for Wait {
    fn step(&mut self, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Step {
        let jobs = &ctx.state.jobs;
        if self.next {
            let Some(ended) = jobs.list().iter().find_map(|j| j.ended) else {
                return if jobs.any_running() { Step::Wait(None) } else { Step::Done(127) };
            };
            return Step::Done(ended.status());
        }
        if self.all {
            return if jobs.any_running() { Step::Wait(None) } else { Step::Done(0) };
        }
        loop {
            if let Some(pid) = self.current {
                match jobs.find(pid) {
                    Some(job) => match job.ended {
                        Some(ended) => self.status = ended.status(),
                        None => return Step::Wait(None),
                    },
                    None => self.status = jobs.past(pid).unwrap_or(127),
                }
            }
            let Some(target) = self.targets.next() else { return Step::Done(self.status) };
            self.current = match (target.starts_with('%'), target.parse::<u32>()) {
                (true, _) => match jobs.resolve(&target) {
                    Ok(pid) => Some(pid),
                    Err(why) => {
                        io.err(&format!("bash: wait: {why}\n"));
                        None
                    }
                },
                (_, Ok(pid)) if jobs.find(pid).is_some() || jobs.past(pid).is_some() => Some(pid),
                (_, Ok(pid)) => {
                    io.err(&format!("bash: wait: pid {pid} is not a child of this shell\n"));
                    None
                }
                _ => {
                    io.err(&format!("bash: wait: `{target}': not a pid or valid job spec\n"));
                    self.status = 1;
                    continue;
                }
            };
            if self.current.is_none() {
                self.status = 127;
            }
        }
    }
}

/// `fg`: the job is its own from then on, so that Ctrl+C ends it.
#[derive(Debug)]
struct Fg {
    spec: String,
    job: Option<Machine>,
}

pub fn fg(args: Vec<String>, ctx: &Ctx<'_>) -> Result<Box<dyn Program>, Refusal> {
    if !ctx.state.options.interactive {
        return Err(Refusal::new(1, "bash: fg: no job control"));
    }
    Ok(Box::new(Fg { spec: args.into_iter().next().unwrap_or_default(), job: None }))
}

impl Program for Fg {
    fn step(&mut self, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Step {
        if let Some(job) = &mut self.job {
            return job.step(io, ctx);
        }
        let pid = match ctx.state.jobs.resolve(&self.spec) {
            Ok(pid) => pid,
            Err(why) => {
                io.err(&format!("bash: fg: {why}\n"));
                return Step::Done(1);
            }
        };
        match ctx.state.jobs.take(pid) {
            Some((text, machine)) => {
                io.out(&format!("{text}\n"));
                self.job = Some(machine);
                Step::More
            }
            None => {
                io.err("bash: fg: job has terminated\n");
                Step::Done(1)
            }
        }
    }
}

pub fn bg(args: &[String], io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> i32 {
    if !ctx.state.options.interactive {
        io.err("bash: bg: no job control\n");
        return 1;
    }
    let spec = args.first().map(String::as_str).unwrap_or_default();
    match ctx.state.jobs.resolve(spec) {
        Err(why) => {
            io.err(&format!("bash: bg: {why}\n"));
            1
        }
        // Nothing is ever stopped here.
        Ok(pid) => {
            let number = ctx.state.jobs.find(pid).map_or(0, |j| j.number);
            io.err(&format!("bash: bg: job {number} already in background\n"));
            0
        }
    }
}

pub fn disown(args: &[String], io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> i32 {
    let specs: Vec<String> = if args.is_empty() { vec![String::new()] } else { args.to_vec() };
    let mut exit = 0;
    for spec in specs.iter().filter(|s| !s.starts_with('-')) {
        match ctx.state.jobs.resolve(spec) {
            Ok(pid) => ctx.state.jobs.disown(pid),
            Err(why) => {
                io.err(&format!("bash: disown: {why}\n"));
                exit = 1;
            }
        }
    }
    exit
}

/// The shell's own process, `$$`.
const SHELL: u32 = 1;
const KILL_USAGE: &str = "kill: usage: kill [-s sigspec | -n signum | -sigspec] pid | jobspec ... or kill -l [sigspec]\n";

pub fn kill(args: &[String], io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> i32 {
    let mut number = 15;
    let mut targets = args;
    if let Some((first, rest)) = args.split_first()
        && let Some(option) = first.strip_prefix('-')
    {
        targets = rest;
        let name = match option {
            "l" | "L" => return list_signals(rest, io),
            "s" | "n" => {
                let Some((name, rest)) = rest.split_first() else {
                    io.err(&format!("bash: kill: -{option}: option requires an argument\n"));
                    return 1;
                };
                targets = rest;
                name.as_str()
            }
            "-" => "TERM",
            name => name,
        };
        let Some(found) = signal(name) else {
            io.err(&format!("bash: kill: {name}: invalid signal specification\n"));
            return 1;
        };
        number = found;
    }
    if targets.is_empty() {
        io.err(KILL_USAGE);
        return 2;
    }
    let mut exit = 0;
    for target in targets {
        let found = match (target.starts_with('%'), target.parse::<u32>()) {
            (true, _) => ctx.state.jobs.resolve(target),
            (_, Ok(pid)) => Ok(pid),
            _ => Err(format!("{target}: arguments must be process or job IDs")),
        };
        if found == Ok(SHELL) {
            // A shell that somebody types into ignores what only asks it to end.
            let ends = number == 9 || (number != 0 && !ctx.state.options.interactive);
            ctx.state.unwind = ends.then_some(Unwind::Exit(128 + number));
            continue;
        }
        let done = found.and_then(|pid| match ctx.state.jobs.kill(pid, number) {
            true => Ok(()),
            false => Err(format!("({pid}) - No such process")),
        });
        if let Err(why) = done {
            io.err(&format!("bash: kill: {why}\n"));
            exit = 1;
        }
    }
    exit
}

/// `kill -l`: those that end a job here, or the one that was asked for.
fn list_signals(args: &[String], io: &mut Io<'_>) -> i32 {
    let mut exit = 0;
    for arg in args {
        // A status says which signal ended a program.
        let number = arg.parse::<i32>().ok().map(|n| if n > 128 { n - 128 } else { n });
        let found = signal(&number.map_or_else(|| arg.clone(), |n| n.to_string()));
        match SIGNALS.iter().find(|(_, n, _)| Some(*n) == found) {
            Some((name, ..)) if number.is_some() => io.out(&format!("{name}\n")),
            Some((_, n, _)) => io.out(&format!("{n}\n")),
            None => {
                io.err(&format!("bash: kill: {arg}: invalid signal specification\n"));
                exit = 1;
            }
        }
    }
    if args.is_empty() {
        SIGNALS.iter().for_each(|(name, n, _)| io.out(&format!("{n:>2}) SIG{name}\n")));
    }
    exit
}
