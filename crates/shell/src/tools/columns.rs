//! Parts and characters of lines: cut and tr.

use super::Refusal;
use super::filter::{Filter, Lines, Options};
use crate::run::{Ctx, Io, Program};

type Built = Result<Box<dyn Program>, Refusal>;

#[derive(Debug)]
struct Cut {
    separator: char,
    ranges: Vec<(usize, usize)>,
    characters: bool,
    only_delimited: bool,
    work: usize,
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
    if ranges.len() > 1_000 {
        return Err(Refusal::new(1, "cut: more than 1000 ranges"));
    }
    let separator = o.value('d').and_then(|d| d.chars().next()).unwrap_or('\t');
    let cut = Cut { separator, ranges, characters: o.value('f').is_none(), only_delimited: o.has('s'), work: 0 };
    Ok(Box::new(Filter::new("cut", o.operands, cut)))
}

impl Lines for Cut {
    fn line(&mut self, line: &str, _source: &str, io: &mut Io<'_>) -> bool {
        let line = line.trim_end_matches('\n');
        self.work += line.len() * self.ranges.len() / 16;
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

    fn work(&mut self) -> usize {
        std::mem::take(&mut self.work)
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
    work: usize,
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
    let tr = Tr { from: set(0), to: set(1), delete: o.has('d'), squeeze: o.has('s'), complement, last: None, work: 0 };
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
        self.work += line.len() * (self.from.len() + self.to.len()) / 16;
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

    fn work(&mut self) -> usize {
        std::mem::take(&mut self.work)
    }

    fn end(&mut self, _io: &mut Io<'_>, _ctx: &mut Ctx<'_>) -> i32 {
        0
    }
}
