//! xargs: input words become arguments, all at once, by `-n`, or line by line with `-I`.

use super::Refusal;
use super::filter::Options;
use crate::run::{Ctx, Input, Io, Machine, Program, Step};
use std::collections::VecDeque;

#[derive(Debug)]
struct Xargs {
    command: Vec<String>,
    replace: Option<String>,
    most: Option<usize>,
    no_run_if_empty: bool,
    queue: Option<VecDeque<String>>,
    running: Option<Machine>,
    exit: i32,
}

pub fn build(args: Vec<String>, _ctx: &Ctx<'_>) -> Result<Box<dyn Program>, Refusal> {
    // Options end at the first operand: what follows belongs to the command.
    let mut own = Vec::new();
    let mut rest = args.into_iter().peekable();
    while let Some(arg) = rest.next_if(|a| a.starts_with('-')) {
        let takes = matches!(arg.as_str(), "-n" | "-I" | "-P" | "-L");
        own.push(arg);
        if takes {
            own.extend(rest.next());
        }
    }
    let o = Options::parse("xargs", &own, "rt0", "nIPL", &[("no-run-if-empty", 'r')])?;
    let number = |v: &str| v.parse().map_err(|_| Refusal::new(1, format!("xargs: invalid number \"{v}\" for -n option")));
    let command: Vec<String> = rest.collect();
    Ok(Box::new(Xargs {
        command: if command.is_empty() { vec!["echo".to_owned()] } else { command },
        replace: o.value('I').map(str::to_owned),
        most: o.value('n').or_else(|| o.value('L')).map(number).transpose()?,
        no_run_if_empty: o.has('r'),
        queue: None,
        running: None,
        exit: 0,
    }))
}

fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

impl Xargs {
    fn plan(&self, text: &str) -> VecDeque<String> {
        let head: Vec<String> = self.command.iter().map(|w| quote(w)).collect();
        if let Some(mark) = &self.replace {
            return text
                .lines()
                .filter(|l| !l.trim().is_empty())
                .map(|l| {
                    self.command.iter().map(|w| quote(&w.replace(mark.as_str(), l.trim_start()))).collect::<Vec<_>>().join(" ")
                })
                .collect();
        }
        let words: Vec<String> = text.split_whitespace().map(quote).collect();
        if words.is_empty() {
            return if self.no_run_if_empty { VecDeque::new() } else { VecDeque::from([head.join(" ")]) };
        }
        words.chunks(self.most.unwrap_or(1_000).max(1)).map(|c| format!("{} {}", head.join(" "), c.join(" "))).collect()
    }
}

impl Program for Xargs {
    fn step(&mut self, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Step {
        if self.queue.is_none() {
            let Some(text) = io.input.all() else {
                return Step::Wait(None);
            };
            let lines = self.command.iter().map(String::len).sum::<usize>().saturating_mul(text.lines().count());
            if lines > 64 << 20 {
                io.err("xargs: argument list too long\n");
                return Step::Done(1);
            }
            self.queue = Some(self.plan(&text));
        }
        if self.running.is_none() {
            let Some(line) = self.queue.as_mut().and_then(VecDeque::pop_front) else {
                return Step::Done(self.exit);
            };
            self.running = super::shell(&line, ctx);
        }
        let Some(machine) = &mut self.running else {
            return Step::More;
        };
        let mut input = Input::empty();
        let mut inner = Io::new(&mut input, false);
        let step = machine.step(&mut inner, ctx);
        io.output.append(&mut inner.output);
        match step {
            Step::Done(exit) => {
                self.running = None;
                if exit != 0 {
                    self.exit = 123;
                }
                Step::More
            }
            step => step,
        }
    }
}
