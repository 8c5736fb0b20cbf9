//! watch: a command again and again. At a terminal it repaints; in a script it prints a picture when it has changed.

use super::Refusal;
use super::clock::{date_text, interval_ms};
use crate::run::{Ctx, Input, Io, Machine, Program, Step};
use engine::SimTime;

#[derive(Debug)]
struct Watch {
    command: String,
    every_ms: u64,
    title: bool,
    next: Option<SimTime>,
    running: Option<(Machine, String)>,
    last: Option<String>,
}

pub fn build(args: Vec<String>, _ctx: &Ctx<'_>) -> Result<Box<dyn Program>, Refusal> {
    let mut watch = Watch { command: String::new(), every_ms: 2_000, title: true, next: None, running: None, last: None };
    let mut args = args.into_iter().peekable();
    while let Some(arg) = args.next_if(|a| a.starts_with('-')) {
        let interval = match arg.as_str() {
            "-d" | "--differences" | "-c" | "--color" | "-x" | "--exec" | "-b" | "-e" | "-g" => continue,
            "-t" | "--no-title" => {
                watch.title = false;
                continue;
            }
            "-n" | "--interval" => args.next().unwrap_or_default(),
            a if a.starts_with("--interval=") => a.trim_start_matches("--interval=").to_owned(),
            a if a.starts_with("-n") => a.trim_start_matches("-n").to_owned(),
            a => return Err(Refusal::new(1, format!("watch: invalid option -- '{}'", a.trim_start_matches('-')))),
        };
        let ms = interval_ms(&interval);
        let ms = ms.ok_or_else(|| Refusal::new(1, format!("watch: failed to parse argument: '{interval}'")))?;
        watch.every_ms = ms.max(100);
    }
    watch.command = args.collect::<Vec<_>>().join(" ");
    if watch.command.is_empty() {
        return Err(Refusal::new(1, "Usage:\n watch [options] command"));
    }
    Ok(Box::new(watch))
}

impl Watch {
    fn show(&mut self, body: &str, io: &mut Io<'_>, ctx: &Ctx<'_>) {
        let options = &ctx.state.options;
        let date = date_text(ctx.session.snapshot().unix_ms(), options.utc_offset_min, &options.zone, "%a %b %e %T %Y");
        let secs = format!("{}.{}", self.every_ms / 1000, self.every_ms % 1000 / 100);
        let left = format!("Every {secs}s: {}", self.command);
        let space = options.columns.saturating_sub(left.chars().count() + date.chars().count()).max(1);
        let title = if self.title { format!("{left}{}{date}\n\n", " ".repeat(space)) } else { String::new() };
        if options.interactive && io.to_terminal {
            // Only what fits on the screen, as the real one does.
            let rows = options.rows.saturating_sub(if self.title { 2 } else { 0 });
            let body: String = body.split_inclusive('\n').take(rows).collect();
            io.screen(&format!("{title}{body}"));
        } else if self.last.as_deref() != Some(body) {
            io.out(&format!("{title}{body}"));
        }
        self.last = Some(body.to_owned());
    }
}

impl Program for Watch {
    fn step(&mut self, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Step {
        *ctx.follows = true;
        *ctx.full_screen = ctx.state.options.interactive && io.to_terminal;
        if *ctx.full_screen && ctx.keys.drain(..).any(|k| k == crate::Key::Char('q')) {
            return Step::Done(0);
        }
        if self.running.is_none() {
            if let Some(next) = self.next.filter(|next| *next > ctx.now()) {
                return Step::Wait(Some(next));
            }
            let Some(machine) = super::shell(&self.command, ctx) else {
                io.err("sh: syntax error: unexpected end of file\n");
                return Step::Done(2);
            };
            self.running = Some((machine, String::new()));
            self.next = Some(ctx.now() + self.every_ms);
        }
        let Some((machine, text)) = &mut self.running else {
            return Step::More;
        };
        let mut input = Input::empty();
        let mut inner = Io::new(&mut input, false);
        let step = machine.step(&mut inner, ctx);
        for chunk in inner.output {
            text.push_str(&chunk.text);
        }
        match step {
            Step::Done(_) => {
                let body = std::mem::take(text);
                self.running = None;
                self.show(&body, io, ctx);
                Step::Wait(self.next)
            }
            step => step,
        }
    }
}
