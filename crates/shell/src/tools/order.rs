//! Lines in order, and repeated ones: sort and uniq.

use super::Refusal;
use super::filter::{Filter, Lines, Options};
use crate::run::{Ctx, Io, LINE, Program};
use objects::collections::Order as _;
use std::cmp::Ordering;

type Built = Result<Box<dyn Program>, Refusal>;

#[derive(Debug)]
struct Sort {
    keys: Vec<Key>,
    how: How,
    separator: Option<char>,
    unique: bool,
    lines: Vec<String>,
}

/// How keys compare.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct How {
    numeric: bool,
    human: bool,
    version: bool,
    reverse: bool,
    fold: bool,
    blanks: bool,
}

/// `-k 2,3n`: fields from one to another, counted from 1.
#[derive(Debug)]
struct Key {
    from: usize,
    to: Option<usize>,
    how: Option<How>,
}

pub fn sort(args: Vec<String>, _ctx: &Ctx<'_>) -> Built {
    let long = [
        ("numeric-sort", 'n'),
        ("reverse", 'r'),
        ("unique", 'u'),
        ("key", 'k'),
        ("human-numeric-sort", 'h'),
        ("version-sort", 'V'),
        ("field-separator", 't'),
        ("ignore-case", 'f'),
        ("stable", 's'),
    ];
    let o = Options::parse("sort", &args, "nrufbhVs", "kt", &long)?;
    let letters: String = o.flags.iter().collect();
    let keys = o.values.iter().filter(|(l, _)| *l == 'k').map(|(_, v)| key(v)).collect::<Result<_, _>>()?;
    let sort = Sort {
        keys,
        how: how(&letters).unwrap_or_default(),
        separator: o.value('t').and_then(|t| t.chars().next()),
        unique: o.has('u'),
        lines: Vec::new(),
    };
    Ok(Box::new(Filter::new("sort", o.operands, sort)))
}

fn how(letters: &str) -> Option<How> {
    let has = |l: char| letters.contains(l);
    let how = How { numeric: has('n'), human: has('h'), version: has('V'), reverse: has('r'), fold: has('f'), blanks: has('b') };
    (how != How::default()).then_some(how)
}

fn key(text: &str) -> Result<Key, Refusal> {
    let (from, to) = text.split_once(',').map_or((text, None), |(f, t)| (f, Some(t)));
    let letters: String = text.chars().filter(char::is_ascii_alphabetic).collect();
    let number = |t: &str| t.chars().take_while(char::is_ascii_digit).collect::<String>().parse::<usize>().ok();
    let first = number(from)
        .ok_or_else(|| Refusal::new(2, format!("sort: invalid number at field start: invalid count at start of ‘{text}’")))?;
    if first == 0 {
        return Err(Refusal::new(2, format!("sort: field number is zero: invalid field specification ‘{text}’")));
    }
    Ok(Key { from: first, to: to.and_then(number), how: how(&letters) })
}

impl Key {
    /// The key's part of a line. Without a separator a field begins with the blanks in front of it.
    fn part<'l>(&self, line: &'l str, separator: Option<char>) -> &'l str {
        let mut starts = vec![0];
        let mut blank = true;
        for (i, c) in line.char_indices() {
            match separator {
                Some(s) if c == s => starts.push(i + s.len_utf8()),
                Some(_) => {}
                None => {
                    let is_blank = c == ' ' || c == '\t';
                    if is_blank && !blank {
                        starts.push(i);
                    }
                    blank = is_blank;
                }
            }
        }
        let start = starts.get(self.from - 1).copied().unwrap_or(line.len());
        let end = self.to.and_then(|to| starts.get(to)).copied().unwrap_or(line.len());
        let part = line.get(start..end.max(start)).unwrap_or_default();
        match separator {
            Some(s) if end < line.len() => part.strip_suffix(s).unwrap_or(part),
            _ => part,
        }
    }
}

impl How {
    fn compare(self, a: &str, b: &str) -> Ordering {
        let trim = |t: &'_ str| if self.blanks { t.trim_start().to_owned() } else { t.to_owned() };
        let order = if self.human {
            human(a).cmp(&human(b))
        } else if self.numeric {
            number(a).cmp(&number(b))
        } else if self.version {
            version(a, b)
        } else if self.fold {
            trim(a).to_uppercase().cmp(&trim(b).to_uppercase())
        } else {
            trim(a).cmp(&trim(b))
        };
        if self.reverse { order.reverse() } else { order }
    }
}

/// Numbers as thousandths, so that `1.5` sorts rightly without floats.
fn number(text: &str) -> i128 {
    let text = text.trim_start();
    let end = text.char_indices().find(|(i, c)| !(c.is_ascii_digit() || *c == '.' || (*i == 0 && *c == '-')));
    let text = text.get(..end.map_or(text.len(), |(i, _)| i)).unwrap_or_default();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction: i128 = format!("{fraction:0<3}").chars().take(3).collect::<String>().parse().unwrap_or(0);
    let whole: i128 = whole.parse::<i64>().map_or(0, i128::from);
    whole * 1000 + if text.starts_with('-') { -fraction } else { fraction }
}

/// By suffix first, as GNU sort does: every `K` is less than any `M`.
fn human(text: &str) -> (i128, i128) {
    let n = number(text);
    let suffix = text.trim_start().trim_start_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-').chars().next();
    let power = suffix.and_then(|s| "KMGTPEZY".find(s.to_ascii_uppercase())).map_or(0, |p| i128::try_from(p).unwrap_or(0) + 1);
    (power * n.signum(), n)
}

/// Runs of digits compare as numbers.
fn version(a: &str, b: &str) -> Ordering {
    let pieces = |t: &str| -> Vec<(String, u64)> {
        let mut out: Vec<(String, u64)> = vec![(String::new(), 0)];
        let mut digits = false;
        for c in t.chars() {
            if !c.is_ascii_digit() && digits {
                out.push((String::new(), 0));
            }
            digits = c.is_ascii_digit();
            if let Some((text, n)) = out.last_mut() {
                match c.to_digit(10) {
                    Some(d) => *n = n.saturating_mul(10).saturating_add(u64::from(d)),
                    None => text.push(c),
                }
            }
        }
        out
    };
    pieces(a).cmp(&pieces(b))
}

impl Sort {
    fn compare(&self, a: &str, b: &str) -> Ordering {
        if self.keys.is_empty() {
            return self.how.compare(a, b);
        }
        let by = |key: &Key| {
            let how = key.how.unwrap_or(self.how);
            how.compare(key.part(a, self.separator), key.part(b, self.separator))
        };
        self.keys.iter().map(by).find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
    }
}

impl Lines for Sort {
    fn line(&mut self, line: &str, _source: &str, _io: &mut Io<'_>) -> bool {
        self.lines.push(line.trim_end_matches('\n').to_owned());
        true
    }

    fn keeps(&self) -> bool {
        true
    }

    fn end(&mut self, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> i32 {
        let mut lines = std::mem::take(&mut self.lines);
        // Each line is looked at as often as it takes to find its place by halves.
        let bytes: usize = lines.iter().map(|l| l.len() + LINE).sum();
        ctx.state.budget.spend_bytes(bytes * (lines.len() + 1).ilog2() as usize);
        if ctx.state.is_out() {
            return 2;
        }
        if self.unique {
            lines.order_by(|a, b| self.compare(a, b));
            lines.dedup_by(|a, b| self.compare(a, b).is_eq());
        } else {
            // Lines with equal keys come by all their bytes.
            let last = |a: &String, b: &String| if self.how.reverse { b.cmp(a) } else { a.cmp(b) };
            lines.order_by(|a, b| self.compare(a, b).then_with(|| last(a, b)));
        }
        for line in &lines {
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
