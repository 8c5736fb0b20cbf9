//! Small tools on lines: cat, wc, tee, seq.

use super::Refusal;
use super::filter::{Filter, Lines, Options};
use crate::run::{Ctx, Io, Program, Step};

type Built = Result<Box<dyn Program>, Refusal>;

#[derive(Debug)]
struct Cat {
    numbers: bool,
    n: usize,
}

pub fn cat(args: Vec<String>, _ctx: &Ctx<'_>) -> Built {
    let o = Options::parse("cat", &args, "nuAv", "", &[("number", 'n')])?;
    Ok(Box::new(Filter::new("cat", o.operands.clone(), Cat { numbers: o.has('n'), n: 0 })))
}

impl Lines for Cat {
    fn line(&mut self, line: &str, _source: &str, io: &mut Io<'_>) -> bool {
        self.n += 1;
        if self.numbers {
            io.out(&format!("{:>6}\t{line}", self.n))
        } else {
            io.out(line)
        }
        true
    }

    fn end(&mut self, _io: &mut Io<'_>, _ctx: &mut Ctx<'_>) -> i32 {
        0
    }
}

#[derive(Debug, Default)]
struct Wc {
    show: Vec<char>,
    sources: Vec<(String, [usize; 3])>,
}

pub fn wc(args: Vec<String>, _ctx: &Ctx<'_>) -> Built {
    let o = Options::parse("wc", &args, "lwcm", "", &[("lines", 'l'), ("words", 'w'), ("bytes", 'c')])?;
    let show = ['l', 'w', 'c'].into_iter().filter(|f| o.flags.is_empty() || o.has(*f)).collect();
    Ok(Box::new(Filter::new("wc", o.operands, Wc { show, sources: Vec::new() })))
}

impl Lines for Wc {
    fn line(&mut self, line: &str, source: &str, _io: &mut Io<'_>) -> bool {
        if self.sources.last().is_none_or(|(s, _)| s != source) {
            self.sources.push((source.to_owned(), [0; 3]));
        }
        if let Some((_, [lines, words, bytes])) = self.sources.last_mut() {
            *lines += usize::from(line.ends_with('\n'));
            *words += line.split_whitespace().count();
            *bytes += line.len();
        }
        true
    }

    fn end(&mut self, io: &mut Io<'_>, _ctx: &mut Ctx<'_>) -> i32 {
        if self.sources.is_empty() {
            self.sources.push(("(standard input)".to_owned(), [0; 3]));
        }
        let stdin = self.sources.iter().all(|(s, _)| s == "(standard input)");
        let mut rows = self.sources.clone();
        if rows.len() > 1 {
            let sum = |k: usize| rows.iter().filter_map(|(_, c)| c.get(k)).sum();
            rows.push(("total".to_owned(), [sum(0), sum(1), sum(2)]));
        }
        let width = match (stdin, self.show.len()) {
            (true, 1) => 1,
            (true, _) => 7,
            (false, _) => rows.iter().flat_map(|(_, c)| c).map(|n| n.to_string().len()).max().unwrap_or(1),
        };
        for (source, [lines, words, bytes]) in rows {
            let cells: Vec<String> = self
                .show
                .iter()
                .map(|f| match f {
                    'l' => lines,
                    'w' => words,
                    _ => bytes,
                })
                .map(|n| format!("{n:>width$}"))
                .collect();
            let name = if stdin { String::new() } else { format!(" {source}") };
            io.out(&format!("{}{name}\n", cells.join(" ")));
        }
        0
    }
}

/// Copies input to files and on.
#[derive(Debug)]
struct Tee {
    paths: Vec<String>,
    append: bool,
    started: bool,
}

pub fn tee(args: Vec<String>, ctx: &Ctx<'_>) -> Built {
    let o = Options::parse("tee", &args, "a", "", &[("append", 'a')])?;
    let paths = o.operands.iter().map(|p| ctx.state.path(p)).collect();
    Ok(Box::new(Tee { paths, append: o.has('a'), started: false }))
}

impl Program for Tee {
    fn step(&mut self, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Step {
        let mut text = String::new();
        while let Some(line) = io.input.line() {
            text.push_str(&line);
        }
        for path in &self.paths {
            if let Err(why) = ctx.state.files.write(path, &text, self.append || self.started) {
                io.err(&format!("tee: {path}: {why}\n"));
            }
        }
        self.started = true;
        io.out(&text);
        if io.input.is_over() { Step::Done(0) } else { Step::Wait(None) }
    }
}

/// `seq [-w] [-s SEPARATOR] [FIRST [STEP]] LAST` on whole numbers.
pub fn seq(args: &[String], io: &mut Io<'_>, _ctx: &mut Ctx<'_>) -> i32 {
    let (mut separator, mut wide) = ("\n".to_owned(), false);
    let mut rest = args.iter();
    let mut numbers = Vec::new();
    while let Some(arg) = rest.next() {
        if arg == "-w" {
            wide = true;
        } else if let Some(text) = arg.strip_prefix("-s") {
            separator = if text.is_empty() { rest.next().cloned().unwrap_or_default() } else { text.to_owned() };
        } else if let Ok(n) = arg.parse::<i64>() {
            numbers.push(n);
        } else {
            io.err(&format!("seq: invalid floating point argument: ‘{arg}’\nTry 'seq --help' for more information.\n"));
            return 1;
        }
    }
    let (low, step, high) = match numbers.as_slice() {
        [high] => (1, 1, *high),
        [low, high] => (*low, 1, *high),
        [low, step, high] if *step != 0 => (*low, *step, *high),
        [_, _, _] => {
            io.err("seq: invalid Zero increment value: ‘0’\nTry 'seq --help' for more information.\n");
            return 1;
        }
        _ => {
            io.err("seq: missing operand\nTry 'seq --help' for more information.\n");
            return 1;
        }
    };
    if high.abs_diff(low) / step.unsigned_abs() > 100_000 {
        io.err("seq: more than 100000 numbers\n");
        return 1;
    }
    let mut shown = Vec::new();
    let mut n = low;
    while (step > 0 && n <= high) || (step < 0 && n >= high) {
        shown.push(n.to_string());
        let Some(next) = n.checked_add(step) else { break };
        n = next;
    }
    let width = if wide { shown.iter().map(String::len).max().unwrap_or(0) } else { 0 };
    let shown: Vec<String> = shown.iter().map(|n| format!("{n:0>width$}")).collect();
    if !shown.is_empty() {
        for (i, number) in shown.iter().enumerate() {
            io.out(if i > 0 { &separator } else { "" });
            io.out(number);
        }
        io.out("\n");
    }
    0
}
