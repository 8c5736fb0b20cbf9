//! Small tools on lines: cat, head, tail, wc, sort, uniq, cut, tr, tee, seq.

use super::Refusal;
use super::filter::{Filter, Lines, Options};
use crate::run::{Ctx, Io, Program, Step};
use objects::collections::Order as _;
use std::collections::VecDeque;

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

#[derive(Debug)]
struct Head {
    left: usize,
    bytes: Option<usize>,
}

/// `-5` is `-n 5`.
fn digits(args: Vec<String>) -> Vec<String> {
    args.into_iter()
        .map(|a| match a.strip_prefix('-') {
            Some(d) if !d.is_empty() && d.chars().all(|c| c.is_ascii_digit()) => format!("-n{d}"),
            _ => a,
        })
        .collect()
}

pub fn head(args: Vec<String>, _ctx: &Ctx<'_>) -> Built {
    let o = Options::parse("head", &digits(args), "q", "nc", &[("lines", 'n'), ("bytes", 'c')])?;
    let wrong = |v: &str| Refusal::new(1, format!("head: invalid number of lines: ‘{v}’"));
    let left = o.value('n').map_or(Ok(10), |v| v.parse().map_err(|_| wrong(v)))?;
    let bytes = o.value('c').map(|v| v.parse().map_err(|_| wrong(v))).transpose()?;
    Ok(Box::new(Filter::new("head", o.operands, Head { left, bytes })))
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
    lines: VecDeque<String>,
    n: usize,
}

pub fn tail(args: Vec<String>, ctx: &Ctx<'_>) -> Built {
    let o = Options::parse("tail", &digits(args), "fFq", "nc", &[("lines", 'n'), ("follow", 'f')])?;
    let text = o.value('n').unwrap_or("10").to_owned();
    let wrong = || Refusal::new(1, format!("tail: invalid number of lines: ‘{text}’"));
    let from = text.strip_prefix('+').map(|t| t.parse().map_err(|_| wrong())).transpose()?;
    let keep = if from.is_some() { 0 } else { text.trim_start_matches('-').parse().map_err(|_| wrong())? };
    if (o.has('f') || o.has('F'))
        && let [file] = o.operands.as_slice()
    {
        return Ok(Box::new(Follow { name: file.clone(), path: ctx.state.path(file), keep, at: None }));
    }
    Ok(Box::new(Filter::new("tail", o.operands, Tail { keep, from, lines: VecDeque::new(), n: 0 })))
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

    fn end(&mut self, io: &mut Io<'_>, _ctx: &mut Ctx<'_>) -> i32 {
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

#[derive(Debug)]
struct Sort {
    options: Options,
    lines: Vec<String>,
}

pub fn sort(args: Vec<String>, _ctx: &Ctx<'_>) -> Built {
    let long = [("numeric-sort", 'n'), ("reverse", 'r'), ("unique", 'u'), ("key", 'k'), ("human-numeric-sort", 'h')];
    let options = Options::parse("sort", &args, "nrufbhV", "kt", &long)?;
    Ok(Box::new(Filter::new("sort", options.operands.clone(), Sort { options, lines: Vec::new() })))
}

impl Lines for Sort {
    fn line(&mut self, line: &str, _source: &str, _io: &mut Io<'_>) -> bool {
        self.lines.push(line.trim_end_matches('\n').to_owned());
        true
    }

    fn end(&mut self, io: &mut Io<'_>, _ctx: &mut Ctx<'_>) -> i32 {
        let o = &self.options;
        let key = o.value('k').unwrap_or_default().to_owned();
        let spec: String = key.chars().take_while(char::is_ascii_digit).collect();
        let numeric = o.has('n') || o.has('h') || key.contains('n');
        let reverse = o.has('r') || key.contains('r');
        let column: Option<usize> = spec.parse().ok();
        let separator = o.value('t').and_then(|t| t.chars().next());
        let part = |line: &str| -> String {
            let Some(column) = column.filter(|c| *c > 0) else {
                return line.to_owned();
            };
            let pieces: Vec<&str> = match separator {
                Some(s) => line.split(s).collect(),
                None => line.split_whitespace().collect(),
            };
            let end = if key.contains(',') { column } else { pieces.len() };
            pieces.get(column - 1..end.max(column).min(pieces.len())).map(|p| p.join(" ")).unwrap_or_default()
        };
        // Numbers as thousandths, so that `1.5` sorts rightly without floats.
        let number = |text: &str| -> i128 {
            let text = text.trim_start();
            let end = text.char_indices().find(|(i, c)| !(c.is_ascii_digit() || *c == '.' || (*i == 0 && *c == '-')));
            let text = text.get(..end.map_or(text.len(), |(i, _)| i)).unwrap_or_default();
            let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
            let fraction: i128 = format!("{fraction:0<3}").chars().take(3).collect::<String>().parse().unwrap_or(0);
            let whole: i128 = whole.parse().unwrap_or(0);
            whole * 1000 + if text.starts_with('-') { -fraction } else { fraction }
        };
        self.lines.order_by(|a, b| {
            let (ka, kb) = (part(a), part(b));
            let fold = |s: &str| if o.has('f') { s.to_lowercase() } else { s.to_owned() };
            let order = if numeric { number(&ka).cmp(&number(&kb)) } else { fold(&ka).cmp(&fold(&kb)) };
            let order = order.then_with(|| if column.is_some() || numeric { a.cmp(b) } else { std::cmp::Ordering::Equal });
            if reverse { order.reverse() } else { order }
        });
        if o.has('u') {
            self.lines.dedup_by(|a, b| if column.is_some() { part(a) == part(b) } else { a == b });
        }
        for line in &self.lines {
            io.out(&format!("{line}\n"));
        }
        0
    }
}

#[derive(Debug)]
struct Uniq {
    options: Options,
    last: Option<(String, usize)>,
}

pub fn uniq(args: Vec<String>, _ctx: &Ctx<'_>) -> Built {
    let options = Options::parse("uniq", &args, "cdui", "", &[("count", 'c'), ("repeated", 'd'), ("unique", 'u')])?;
    Ok(Box::new(Filter::new("uniq", options.operands.clone(), Uniq { options, last: None })))
}

impl Uniq {
    fn print(&mut self, io: &mut Io<'_>) {
        if let Some((line, n)) = self.last.take() {
            let hidden = (self.options.has('d') && n < 2) || (self.options.has('u') && n > 1);
            if !hidden {
                let count = if self.options.has('c') { format!("{n:>7} ") } else { String::new() };
                io.out(&format!("{count}{line}\n"));
            }
        }
    }
}

impl Lines for Uniq {
    fn line(&mut self, line: &str, _source: &str, io: &mut Io<'_>) -> bool {
        let line = line.trim_end_matches('\n');
        match &mut self.last {
            Some((last, n)) if last == line => *n += 1,
            _ => {
                self.print(io);
                self.last = Some((line.to_owned(), 1));
            }
        }
        true
    }

    fn end(&mut self, io: &mut Io<'_>, _ctx: &mut Ctx<'_>) -> i32 {
        self.print(io);
        0
    }
}

#[derive(Debug)]
struct Cut {
    separator: char,
    ranges: Vec<(usize, usize)>,
    characters: bool,
    only_delimited: bool,
}

pub fn cut(args: Vec<String>, _ctx: &Ctx<'_>) -> Built {
    let o = Options::parse("cut", &args, "s", "dfcb", &[("delimiter", 'd'), ("fields", 'f'), ("characters", 'c')])?;
    let characters = o.value('c').or_else(|| o.value('b'));
    let Some(list) = o.value('f').or(characters) else {
        return Err(Refusal::new(1, "cut: you must specify a list of bytes, characters, or fields"));
    };
    let wrong = || Refusal::new(1, format!("cut: invalid field value ‘{list}’"));
    let mut ranges = Vec::new();
    for item in list.split(',') {
        let (low, high) = item.split_once('-').unwrap_or((item, item));
        let low = if low.is_empty() { 1 } else { low.parse().map_err(|_| wrong())? };
        let high = if high.is_empty() { usize::MAX } else { high.parse().map_err(|_| wrong())? };
        if low == 0 || low > high {
            return Err(wrong());
        }
        ranges.push((low, high));
    }
    let separator = o.value('d').and_then(|d| d.chars().next()).unwrap_or('\t');
    let cut = Cut { separator, ranges, characters: o.value('f').is_none(), only_delimited: o.has('s') };
    Ok(Box::new(Filter::new("cut", o.operands, cut)))
}

impl Lines for Cut {
    fn line(&mut self, line: &str, _source: &str, io: &mut Io<'_>) -> bool {
        let line = line.trim_end_matches('\n');
        let wanted = |i: usize| self.ranges.iter().any(|(low, high)| (*low..=*high).contains(&(i + 1)));
        if self.characters {
            let text: String = line.chars().enumerate().filter(|(i, _)| wanted(*i)).map(|(_, c)| c).collect();
            io.out(&format!("{text}\n"));
        } else if !line.contains(self.separator) {
            if !self.only_delimited {
                io.out(&format!("{line}\n"));
            }
        } else {
            let pieces: Vec<&str> = line.split(self.separator).enumerate().filter(|(i, _)| wanted(*i)).map(|(_, p)| p).collect();
            io.out(&format!("{}\n", pieces.join(&self.separator.to_string())));
        }
        true
    }

    fn end(&mut self, _io: &mut Io<'_>, _ctx: &mut Ctx<'_>) -> i32 {
        0
    }
}

#[derive(Debug)]
struct Tr {
    from: Vec<char>,
    to: Vec<char>,
    delete: bool,
    squeeze: bool,
    complement: bool,
    last: Option<char>,
}

pub fn tr(args: Vec<String>, _ctx: &Ctx<'_>) -> Built {
    let o = Options::parse("tr", &args, "dscC", "", &[("delete", 'd'), ("squeeze-repeats", 's')])?;
    let set = |n: usize| o.operands.get(n).map(|t| char_set(t)).unwrap_or_default();
    if o.operands.is_empty() {
        return Err(Refusal::new(1, "tr: missing operand\nTry 'tr --help' for more information."));
    }
    if o.operands.len() == 1 && !o.has('d') && !o.has('s') {
        return Err(Refusal::new(1, format!("tr: missing operand after ‘{}’", o.operands.join(""))));
    }
    let complement = o.has('c') || o.has('C');
    let tr = Tr { from: set(0), to: set(1), delete: o.has('d'), squeeze: o.has('s'), complement, last: None };
    Ok(Box::new(Filter::new("tr", Vec::new(), tr)))
}

/// `a-z`, `\n`, `[:upper:]`.
fn char_set(text: &str) -> Vec<char> {
    match text {
        "[:upper:]" => return ('A'..='Z').collect(),
        "[:lower:]" => return ('a'..='z').collect(),
        "[:digit:]" => return ('0'..='9').collect(),
        "[:space:]" => return " \t\n\r".chars().collect(),
        _ => {}
    }
    let mut chars = Vec::new();
    let mut it = text.chars().peekable();
    while let Some(c) = it.next() {
        let c = match c {
            '\\' => match it.next() {
                Some('n') => '\n',
                Some('t') => '\t',
                Some('r') => '\r',
                Some(c) => c,
                None => '\\',
            },
            c => c,
        };
        if it.peek() == Some(&'-') {
            let mut ahead = it.clone();
            ahead.next();
            if let Some(end) = ahead.next().filter(|end| *end >= c && (*end as u32 - c as u32) < 0x1_0000) {
                chars.extend(c..=end);
                it = ahead;
                continue;
            }
        }
        chars.push(c);
    }
    chars
}

impl Lines for Tr {
    fn line(&mut self, line: &str, _source: &str, io: &mut Io<'_>) -> bool {
        let mut out = String::new();
        for c in line.chars() {
            let place = self.from.iter().position(|f| *f == c);
            let hit = place.is_some() != self.complement;
            if hit && self.delete {
                continue;
            }
            let new = if hit && !self.to.is_empty() {
                let at = place.unwrap_or(usize::MAX).min(self.to.len() - 1);
                self.to.get(at).copied().unwrap_or(c)
            } else {
                c
            };
            let squeezed = if self.to.is_empty() { hit } else { self.to.contains(&new) };
            if self.squeeze && squeezed && self.last == Some(new) {
                continue;
            }
            self.last = Some(new);
            out.push(new);
        }
        io.out(&out);
        true
    }

    fn end(&mut self, _io: &mut Io<'_>, _ctx: &mut Ctx<'_>) -> i32 {
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

pub fn seq(args: &[String], io: &mut Io<'_>, _ctx: &mut Ctx<'_>) -> i32 {
    let numbers: Option<Vec<i64>> = args.iter().map(|a| a.parse().ok()).collect();
    let (low, step, high) = match numbers.as_deref() {
        Some([high]) => (1, 1, *high),
        Some([low, high]) => (*low, 1, *high),
        Some([low, step, high]) if *step != 0 => (*low, *step, *high),
        _ => {
            io.err("seq: expected one to three whole numbers\n");
            return 1;
        }
    };
    if (high - low) / step > 100_000 {
        io.err("seq: more than 100000 numbers\n");
        return 1;
    }
    let mut n = low;
    while (step > 0 && n <= high) || (step < 0 && n >= high) {
        io.out(&format!("{n}\n"));
        n += step;
    }
    0
}
