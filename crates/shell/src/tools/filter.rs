//! Programs that read lines, from files or from what the stage before writes, as they come.

use crate::run::{Ctx, Input, Io, LINE, MOST_TEXT, Program, Step};
use std::collections::VecDeque;

/// What a filter does with each line.
pub trait Lines {
    /// One line with its newline (the last may lack it). `false` stops reading.
    fn line(&mut self, line: &str, source: &str, io: &mut Io<'_>) -> bool;
    /// Bytes of text that were worked on since the last call, besides the lines themselves: what patterns look at, and what
    /// grows.
    fn work(&mut self) -> usize {
        0
    }
    /// Whether the lines are kept until the last has come.
    fn keeps(&self) -> bool {
        false
    }
    /// After the last line; the status.
    fn end(&mut self, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> i32;
    /// The status where a file could not be read.
    fn failed(&self, exit: i32) -> i32 {
        if exit == 0 { 1 } else { exit }
    }
}

#[derive(Debug)]
pub struct Filter<L> {
    /// The command's name, for messages.
    name: &'static str,
    sources: VecDeque<String>,
    current: Option<(String, Input)>,
    lines: L,
    kept: usize,
    failed: bool,
}

impl<L: Lines> Filter<L> {
    /// Reads the files in order; standard input where there are none, and for `-`.
    pub fn new(name: &'static str, mut sources: Vec<String>, lines: L) -> Filter<L> {
        if sources.is_empty() {
            sources.push("-".to_owned());
        }
        Filter { name, sources: sources.into(), current: None, lines, kept: 0, failed: false }
    }
}

impl<L: Lines> Filter<L> {
    /// One line; false where no more are to be read.
    fn line(&mut self, line: &str, source: &str, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> bool {
        let more = self.lines.line(line, source, io);
        ctx.state.budget.spend_bytes(self.lines.work());
        if self.lines.keeps() {
            self.kept += line.len() + LINE;
            if self.kept > MOST_TEXT {
                ctx.state.budget.spend_bytes(usize::MAX);
            }
        }
        more
    }
}

impl<L: Lines> Program for Filter<L> {
    fn step(&mut self, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Step {
        loop {
            // The line of the shell is stopped then: nothing is lost.
            if ctx.state.is_out() || io.is_full() {
                return Step::More;
            }
            if let Some((source, mut input)) = self.current.take() {
                while let Some(line) = input.line() {
                    if !self.line(&line, &source, io, ctx) {
                        self.sources.clear();
                        break;
                    }
                    if ctx.state.budget.stopped().is_some() || io.is_full() {
                        return Step::More;
                    }
                }
            }
            let Some(source) = self.sources.front() else {
                let exit = self.lines.end(io, ctx);
                ctx.state.budget.spend_bytes(self.lines.work());
                return Step::Done(if self.failed { self.lines.failed(exit) } else { exit });
            };
            if source == "-" {
                while let Some(line) = io.input.line() {
                    if !self.line(&line, "(standard input)", io, ctx) {
                        self.sources.clear();
                        break;
                    }
                    if ctx.state.budget.stopped().is_some() || io.is_full() {
                        return Step::More;
                    }
                }
                if self.sources.is_empty() {
                    continue;
                }
                if !io.input.is_over() {
                    return Step::Wait(None);
                }
                self.sources.pop_front();
                continue;
            }
            let path = ctx.state.path(source);
            if path == "/dev/null" {
                self.sources.pop_front();
                continue;
            }
            match ctx.state.files.open(&path) {
                Ok(text) => self.current = Some((source.clone(), Input::of(text.to_owned()))),
                Err(why) => {
                    io.err(&format!("{}: {source}: {why}\n", self.name));
                    self.failed = true;
                }
            }
            self.sources.pop_front();
        }
    }
}

/// Options and operands of a small tool: `flags` take no value, `valued` take one (`-n 3`, `-n3`).
#[derive(Debug, Default)]
pub struct Options {
    pub flags: Vec<char>,
    pub values: Vec<(char, String)>,
    pub operands: Vec<String>,
}

impl Options {
    pub fn has(&self, flag: char) -> bool {
        self.flags.contains(&flag)
    }

    pub fn value(&self, flag: char) -> Option<&str> {
        self.values.iter().rev().find(|(f, _)| *f == flag).map(|(_, v)| v.as_str())
    }

    /// Parses `args`. `long` maps long options to letters (`("ignore-case", 'i')`).
    pub fn parse(
        name: &str,
        args: &[String],
        flags: &str,
        valued: &str,
        long: &[(&str, char)],
    ) -> Result<Options, super::Refusal> {
        let mut options = Options::default();
        let mut args = args.iter();
        let wrong = |text: String| super::Refusal::new(2, text);
        while let Some(arg) = args.next() {
            if arg == "--" {
                options.operands.extend(args.by_ref().cloned());
            } else if let Some(body) = arg.strip_prefix("--") {
                let (word, value) = body.split_once('=').map_or((body, None), |(w, v)| (w, Some(v.to_owned())));
                let Some((_, letter)) = long.iter().find(|(w, _)| *w == word) else {
                    return Err(wrong(format!("{name}: unrecognized option '{arg}'")));
                };
                if valued.contains(*letter) {
                    let value = value.or_else(|| args.next().cloned());
                    let value = value.ok_or_else(|| wrong(format!("{name}: option '--{word}' requires an argument")))?;
                    options.values.push((*letter, value));
                } else {
                    options.flags.push(*letter);
                }
            } else if let Some(letters) = arg.strip_prefix('-').filter(|l| !l.is_empty()) {
                let mut rest = letters;
                while let Some(letter) = rest.chars().next() {
                    rest = rest.get(letter.len_utf8()..).unwrap_or_default();
                    if flags.contains(letter) {
                        options.flags.push(letter);
                    } else if valued.contains(letter) {
                        let value = if rest.is_empty() { args.next().cloned() } else { Some(rest.to_owned()) };
                        let value = value.ok_or_else(|| wrong(format!("{name}: option requires an argument -- '{letter}'")))?;
                        options.values.push((letter, value));
                        rest = "";
                    } else {
                        return Err(wrong(format!("{name}: invalid option -- '{letter}'")));
                    }
                }
            } else {
                options.operands.push(arg.clone());
            }
        }
        Ok(options)
    }
}
