//! grep, by GNU grep 3's output rules: context lines, `--` between separated groups, counts, statuses.

use super::Refusal;
use super::filter::{Filter, Lines, Options};
use super::pattern::{Syntax, compile, weight};
use crate::run::{Ctx, Io, Program};
use regex_lite::Regex;
use std::collections::VecDeque;

#[derive(Debug)]
struct Grep {
    regexes: Vec<Regex>,
    invert: bool,
    count: bool,
    numbers: bool,
    only: bool,
    quiet: bool,
    names_only: bool,
    names_without: bool,
    with_name: bool,
    max: Option<usize>,
    before: usize,
    after: usize,
    context: bool,
    // Where in the current source we are.
    source: String,
    number: usize,
    found: usize,
    total: usize,
    /// Lines kept for `-B`.
    kept: VecDeque<(usize, String)>,
    /// Lines still to print for `-A`.
    owed: usize,
    /// Number of the last line printed, 0 where none was.
    printed: usize,
    /// What looking for the patterns in one byte counts for, and what has been looked at.
    weight: usize,
    work: usize,
}

const LONG: &[(&str, char)] = &[
    ("ignore-case", 'i'),
    ("invert-match", 'v'),
    ("extended-regexp", 'E'),
    ("fixed-strings", 'F'),
    ("count", 'c'),
    ("line-number", 'n'),
    ("only-matching", 'o'),
    ("word-regexp", 'w'),
    ("quiet", 'q'),
    ("silent", 'q'),
    ("no-filename", 'h'),
    ("with-filename", 'H'),
    ("files-with-matches", 'l'),
    ("files-without-match", 'L'),
    ("after-context", 'A'),
    ("before-context", 'B'),
    ("context", 'C'),
    ("regexp", 'e'),
    ("max-count", 'm'),
    ("line-buffered", 'u'),
];

pub fn build(args: Vec<String>, ctx: &Ctx<'_>) -> Result<Box<dyn Program>, Refusal> {
    make(args, false, ctx)
}

pub fn build_extended(args: Vec<String>, ctx: &Ctx<'_>) -> Result<Box<dyn Program>, Refusal> {
    make(args, true, ctx)
}

fn make(args: Vec<String>, extended: bool, _ctx: &Ctx<'_>) -> Result<Box<dyn Program>, Refusal> {
    // Colour only ever goes to a screen that shows it; `-3` is context.
    let args: Vec<String> = args
        .into_iter()
        .filter(|a| a != "--color" && a != "--colour" && !a.starts_with("--color=") && !a.starts_with("--colour="))
        .map(|a| match a.strip_prefix('-') {
            Some(digits) if !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit()) => format!("-C{digits}"),
            _ => a,
        })
        .collect();
    let mut o = Options::parse("grep", &args, "ivEFGcnowqhHlLus", "ABCem", LONG)?;
    let number = |letter: char| -> Result<Option<usize>, Refusal> {
        o.value(letter)
            .map(|v| v.parse().map_err(|_| Refusal::new(2, format!("grep: {v}: invalid context length argument"))))
            .transpose()
    };
    let around = number('C')?;
    let (before, after) = (number('B')?.or(around), number('A')?.or(around));
    let max = number('m')?;
    let mut patterns: Vec<String> = o.values.iter().filter(|(l, _)| *l == 'e').map(|(_, v)| v.clone()).collect();
    if patterns.is_empty() {
        if o.operands.is_empty() {
            return Err(Refusal::new(2, "Usage: grep [OPTION]... PATTERNS [FILE]...\nTry 'grep --help' for more information."));
        }
        patterns.push(o.operands.remove(0));
    }
    let syntax = if o.has('F') {
        Syntax::Fixed
    } else if o.has('E') || extended {
        Syntax::Extended
    } else {
        Syntax::Basic
    };
    let regexes = patterns
        .iter()
        .flat_map(|p| p.split('\n'))
        .map(|p| compile(p, syntax, o.has('i'), o.has('w')))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|why| Refusal::new(2, format!("grep: {why}")))?;
    let regexes_weight = regexes.iter().map(weight).sum();
    let grep = Grep {
        regexes,
        invert: o.has('v'),
        count: o.has('c'),
        numbers: o.has('n'),
        only: o.has('o'),
        quiet: o.has('q'),
        names_only: o.has('l'),
        names_without: o.has('L'),
        with_name: (o.operands.len() > 1 || o.has('H')) && !o.has('h'),
        max,
        before: before.unwrap_or(0),
        after: after.unwrap_or(0),
        context: before.is_some() || after.is_some(),
        source: String::new(),
        number: 0,
        found: 0,
        total: 0,
        kept: VecDeque::new(),
        owed: 0,
        printed: 0,
        weight: regexes_weight,
        work: 0,
    };
    Ok(Box::new(Filter::new("grep", o.operands, grep)))
}

impl Grep {
    fn finish_source(&mut self, io: &mut Io<'_>) {
        if self.source.is_empty() {
            return;
        }
        if self.names_without && self.found == 0 {
            io.out(&format!("{}\n", self.source));
        }
        if self.count {
            let name = if self.with_name { format!("{}:", self.source) } else { String::new() };
            io.out(&format!("{name}{}\n", self.found));
        }
        self.number = 0;
        self.found = 0;
        self.kept.clear();
        self.owed = 0;
        self.printed = 0;
    }

    fn print(&mut self, number: usize, line: &str, mark: char, io: &mut Io<'_>) {
        if self.context && self.printed > 0 && number > self.printed + 1 {
            io.out("--\n");
        }
        self.printed = number;
        let mut out = String::new();
        if self.with_name {
            out.push_str(&self.source);
            out.push(mark);
        }
        if self.numbers {
            out.push_str(&number.to_string());
            out.push(mark);
        }
        out.push_str(line.trim_end_matches('\n'));
        out.push('\n');
        io.out(&out);
    }
}

impl Lines for Grep {
    fn line(&mut self, line: &str, source: &str, io: &mut Io<'_>) -> bool {
        if self.source != source {
            self.finish_source(io);
            self.source = source.to_owned();
        }
        self.number += 1;
        self.work += line.len() * self.weight;
        let text = line.strip_suffix('\n').unwrap_or(line);
        let matched = self.regexes.iter().any(|r| r.is_match(text)) != self.invert;
        let number = self.number;
        if matched && self.max.is_none_or(|m| self.found < m) {
            self.found += 1;
            self.total += 1;
            if self.quiet {
                return false;
            }
            if self.names_only {
                if self.found == 1 {
                    io.out(&format!("{source}\n"));
                }
                return true;
            }
            if self.count || self.names_without {
                return true;
            }
            if self.only && !self.invert {
                let pieces: Vec<String> = self
                    .regexes
                    .first()
                    .map(|r| r.find_iter(text).map(|m| m.as_str().to_owned()).filter(|m| !m.is_empty()).collect())
                    .unwrap_or_default();
                for piece in pieces {
                    self.printed = 0;
                    self.print(number, &piece, ':', io);
                }
                return true;
            }
            for (n, kept) in std::mem::take(&mut self.kept) {
                self.print(n, &kept, '-', io);
            }
            self.print(number, text, ':', io);
            self.owed = self.after;
        } else if self.owed > 0 && !self.count && !self.quiet {
            self.owed -= 1;
            self.print(number, text, '-', io);
        } else if self.before > 0 {
            self.kept.push_back((number, text.to_owned()));
            if self.kept.len() > self.before {
                self.kept.pop_front();
            }
        }
        self.max.is_none_or(|m| self.found < m || self.owed > 0)
    }

    fn work(&mut self) -> usize {
        std::mem::take(&mut self.work)
    }

    fn failed(&self, exit: i32) -> i32 {
        if self.quiet && exit == 0 { 0 } else { 2 }
    }

    fn end(&mut self, io: &mut Io<'_>, _ctx: &mut Ctx<'_>) -> i32 {
        if self.source.is_empty() {
            "(standard input)".clone_into(&mut self.source);
        }
        self.finish_source(io);
        i32::from(self.total == 0)
    }
}
