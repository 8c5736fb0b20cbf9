//! The ends of a text: head and tail.

use super::Refusal;
use super::filter::{Filter, Lines, Options};
use crate::run::{Ctx, Io, Program, Step};
use std::collections::VecDeque;

type Built = Result<Box<dyn Program>, Refusal>;

#[derive(Debug)]
struct Head {
    left: usize,
    /// `-n -N`: all but the last N lines, which are held back.
    all_but: Option<usize>,
    held: VecDeque<String>,
    bytes: Option<usize>,
}

/// `-5` is `-n 5`, except as the value of another option.
fn digits(args: Vec<String>) -> Vec<String> {
    let mut value = false;
    args.into_iter()
        .map(|a| match a.strip_prefix('-') {
            Some(d) if !value && !d.is_empty() && d.chars().all(|c| c.is_ascii_digit()) => format!("-n{d}"),
            _ => {
                value = matches!(a.as_str(), "-n" | "-c");
                a
            }
        })
        .collect()
}

pub fn head(args: Vec<String>, _ctx: &Ctx<'_>) -> Built {
    let o = Options::parse("head", &digits(args), "q", "nc", &[("lines", 'n'), ("bytes", 'c')])?;
    let wrong = |v: &str| Refusal::new(1, format!("head: invalid number of lines: ‘{v}’"));
    let lines = o.value('n').unwrap_or("10");
    let all_but = lines.strip_prefix('-').map(|v| v.parse().map_err(|_| wrong(lines))).transpose()?;
    let left = if all_but.is_some() { 0 } else { lines.parse().map_err(|_| wrong(lines))? };
    let bytes = o.value('c').map(|v| v.parse().map_err(|_| wrong(v))).transpose()?;
    Ok(Box::new(Filter::new("head", o.operands, Head { left, all_but, held: VecDeque::new(), bytes })))
}

impl Lines for Head {
    fn line(&mut self, line: &str, _source: &str, io: &mut Io<'_>) -> bool {
        if let Some(bytes) = &mut self.bytes {
            let mut end = line.len().min(*bytes);
            while !line.is_char_boundary(end) {
                end -= 1;
            }
            io.out(line.get(..end).unwrap_or_default());
            *bytes -= end;
            return *bytes > 0 && end == line.len();
        }
        if let Some(keep) = self.all_but {
            self.held.push_back(line.to_owned());
            if self.held.len() > keep {
                io.out(&self.held.pop_front().unwrap_or_default());
            }
            return true;
        }
        if self.left > 0 {
            self.left -= 1;
            io.out(line);
        }
        self.left > 0
    }

    fn end(&mut self, _io: &mut Io<'_>, _ctx: &mut Ctx<'_>) -> i32 {
        0
    }
}

#[derive(Debug)]
struct Tail {
    keep: usize,
    /// `-n +N`: from line N on.
    from: Option<usize>,
    /// `-c N`: the last bytes.
    bytes: Option<usize>,
    lines: VecDeque<String>,
    n: usize,
}

pub fn tail(args: Vec<String>, ctx: &Ctx<'_>) -> Built {
    let o = Options::parse("tail", &digits(args), "fFq", "nc", &[("lines", 'n'), ("bytes", 'c'), ("follow", 'f')])?;
    let text = o.value('n').unwrap_or("10").to_owned();
    let wrong = || Refusal::new(1, format!("tail: invalid number of lines: ‘{text}’"));
    let from = text.strip_prefix('+').map(|t| t.parse().map_err(|_| wrong())).transpose()?;
    let bytes = o.value('c').map(|c| c.trim_start_matches('-').parse());
    let bytes = bytes.transpose().map_err(|_| Refusal::new(1, "tail: invalid number of bytes"))?;
    let keep = if bytes.is_some() {
        usize::MAX
    } else if from.is_some() {
        0
    } else {
        text.trim_start_matches('-').parse().map_err(|_| wrong())?
    };
    if (o.has('f') || o.has('F'))
        && let [file] = o.operands.as_slice()
    {
        return Ok(Box::new(Follow { name: file.clone(), path: ctx.state.path(file), keep, at: None }));
    }
    Ok(Box::new(Filter::new("tail", o.operands, Tail { keep, from, bytes, lines: VecDeque::new(), n: 0 })))
}

impl Lines for Tail {
    fn line(&mut self, line: &str, _source: &str, io: &mut Io<'_>) -> bool {
        self.n += 1;
        if let Some(from) = self.from {
            if self.n >= from {
                io.out(line);
            }
            return true;
        }
        self.lines.push_back(line.to_owned());
        if self.lines.len() > self.keep {
            self.lines.pop_front();
        }
        true
    }

    fn keeps(&self) -> bool {
        self.keep > 1_000
    }

    fn end(&mut self, io: &mut Io<'_>, _ctx: &mut Ctx<'_>) -> i32 {
        if let Some(bytes) = self.bytes {
            let all: String = self.lines.drain(..).collect();
            let mut start = all.len().saturating_sub(bytes);
            while !all.is_char_boundary(start) {
                start += 1;
            }
            io.out(all.get(start..).unwrap_or_default());
        }
        for line in &self.lines {
            io.out(line);
        }
        0
    }
}

/// `tail -f FILE` on a file of the virtual home.
#[derive(Debug)]
struct Follow {
    name: String,
    path: String,
    keep: usize,
    at: Option<usize>,
}

impl Program for Follow {
    fn step(&mut self, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Step {
        let Some(text) = ctx.state.files.read(&self.path) else {
            io.err(&format!("tail: cannot open '{}' for reading: No such file or directory\n", self.name));
            return Step::Done(1);
        };
        let at = self.at.unwrap_or_else(|| {
            let skip = text.lines().count().saturating_sub(self.keep);
            text.split_inclusive('\n').take(skip).map(str::len).sum()
        });
        io.out(text.get(at..).unwrap_or_default());
        self.at = Some(text.len());
        *ctx.follows = true;
        Step::Wait(None)
    }
}
