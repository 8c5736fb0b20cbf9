//! Texts turned into other texts: base64, envsubst, column, comm, tac, rev, paths.

use super::Refusal;
use super::filter::{Filter, Lines, Options};
use crate::run::{Ctx, Io, MOST_TEXT, Program};
use objects::collections::VecMap;

type Built = Result<Box<dyn Program>, Refusal>;

/// A tool that reads everything before it writes.
#[derive(Debug)]
struct Whole<T> {
    text: String,
    turn: T,
}

impl<T: FnMut(&str, &mut Io<'_>) -> i32> Lines for Whole<T> {
    fn line(&mut self, line: &str, _source: &str, _io: &mut Io<'_>) -> bool {
        self.text.push_str(line);
        true
    }

    fn keeps(&self) -> bool {
        true
    }

    fn end(&mut self, io: &mut Io<'_>, _ctx: &mut Ctx<'_>) -> i32 {
        let text = std::mem::take(&mut self.text);
        (self.turn)(&text, io)
    }
}

fn whole(name: &'static str, files: Vec<String>, turn: impl FnMut(&str, &mut Io<'_>) -> i32 + 'static) -> Built {
    Ok(Box::new(Filter::new(name, files, Whole { text: String::new(), turn })))
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

pub fn base64(args: Vec<String>, _ctx: &Ctx<'_>) -> Built {
    let o = Options::parse("base64", &args, "dDi", "w", &[("decode", 'd'), ("wrap", 'w'), ("ignore-garbage", 'i')])?;
    let wrap = o.value('w').unwrap_or("76");
    let wrap: usize = wrap.parse().map_err(|_| Refusal::new(1, format!("base64: invalid wrap size: ‘{wrap}’")))?;
    let decode = o.has('d') || o.has('D');
    whole("base64", o.operands, move |text, io| {
        if !decode {
            io.out(&encoded(text.as_bytes(), wrap));
            return 0;
        }
        let (bytes, clean) = decoded(text);
        io.out(&String::from_utf8_lossy(&bytes));
        if !clean {
            io.err("base64: invalid input\n");
        }
        i32::from(!clean)
    })
}

/// Without line breaks.
pub fn base64_of(bytes: &[u8]) -> String {
    encoded(bytes, 0)
}

fn encoded(bytes: &[u8], wrap: usize) -> String {
    let mut out = String::new();
    for (i, chunk) in bytes.chunks(3).enumerate() {
        let n = chunk.iter().fold(0u32, |n, b| (n << 8) | u32::from(*b)) << (8 * (3 - chunk.len()));
        for k in 0..4 {
            let letter = ALPHABET.get(((n >> (18 - 6 * k)) & 63) as usize).copied().unwrap_or(b'A');
            out.push(if k > chunk.len() { '=' } else { char::from(letter) });
            if wrap > 0 && (4 * i + k + 1).is_multiple_of(wrap) {
                out.push('\n');
            }
        }
    }
    if wrap > 0 && !out.is_empty() && !out.ends_with('\n') {
        out.push('\n');
    }
    out
}

/// The bytes up to the first mistake, and whether there was none.
fn decoded(text: &str) -> (Vec<u8>, bool) {
    let (mut out, mut n, mut bits) = (Vec::new(), 0u32, 0);
    for b in text.bytes().filter(|b| *b != b'\n' && *b != b'=') {
        let Some(value) = ALPHABET.iter().position(|a| *a == b) else { return (out, false) };
        n = (n << 6 | u32::try_from(value).unwrap_or(0)) & 0xff_ffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push(u8::try_from(n >> bits & 0xff).unwrap_or(0));
        }
    }
    (out, bits != 6)
}

/// `envsubst ['$A $B']`: `$NAME` and `${NAME}` of exported variables; with an argument only those that it names.
pub fn envsubst(args: Vec<String>, ctx: &Ctx<'_>) -> Built {
    let env = &ctx.state.env;
    let known = env.exported.iter().filter_map(|n| Some((n.clone(), env.variables.get(n)?.clone())));
    let mut variables: VecMap<String, String> = known.collect();
    if ctx.state.env.variables.is_empty() {
        variables.clear();
    }
    let only: Option<Vec<String>> = args.iter().find(|a| !a.starts_with('-')).map(|format| {
        let mut names = Vec::new();
        substitute(format, &mut |name| {
            names.push(name.to_owned());
            None
        });
        names
    });
    whole("envsubst", Vec::new(), move |text, io| {
        io.out(&substitute(text, &mut |name| {
            if only.as_ref().is_some_and(|o| !o.iter().any(|n| n == name)) {
                return None;
            }
            Some(variables.get(name).cloned().unwrap_or_default())
        }));
        0
    })
}

fn substitute(text: &str, value: &mut dyn FnMut(&str) -> Option<String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$').filter(|_| out.len() <= MOST_TEXT) {
        let (head, tail) = rest.split_at_checked(at).unwrap_or((rest, ""));
        out.push_str(head);
        let braced = tail.starts_with("${");
        let body = tail.get(1 + usize::from(braced)..).unwrap_or_default();
        let end = body.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(body.len());
        let name = body.get(..end).unwrap_or_default();
        let closed = !braced || body.get(end..).is_some_and(|b| b.starts_with('}'));
        let good = closed && !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit());
        let length = 1 + end + 2 * usize::from(braced);
        match good.then(|| value(name)).flatten() {
            Some(value) => {
                out.push_str(&value);
                rest = tail.get(length..).unwrap_or_default();
            }
            None => {
                out.push('$');
                rest = tail.get(1..).unwrap_or_default();
            }
        }
    }
    out + rest
}

/// `column -t [-s SEPARATORS]`
pub fn column(args: Vec<String>, _ctx: &Ctx<'_>) -> Built {
    let o = Options::parse("column", &args, "t", "so", &[("table", 't'), ("separator", 's'), ("output-separator", 'o')])?;
    if !o.has('t') {
        return Err(Refusal::new(1, "column: only tables (-t) are made here"));
    }
    let separators = o.value('s').map(str::to_owned);
    let between = o.value('o').unwrap_or("  ").to_owned();
    whole("column", o.operands, move |text, io| {
        let rows: Vec<Vec<&str>> = text
            .lines()
            .filter(|l| !l.trim().is_empty())
            .map(|l| match &separators {
                Some(s) => l.split(|c| s.contains(c)).collect(),
                None => l.split_whitespace().collect(),
            })
            .collect();
        let mut widths: Vec<usize> = Vec::new();
        for row in &rows {
            for (i, cell) in row.iter().enumerate() {
                let width = cell.chars().count();
                match widths.get_mut(i) {
                    Some(w) => *w = (*w).max(width),
                    None => widths.push(width),
                }
            }
        }
        for row in &rows {
            let cells = row.iter().zip(&widths).enumerate().map(|(i, (cell, width))| {
                let pad = if i + 1 == row.len() { 0 } else { width - cell.chars().count() };
                format!("{cell}{}", " ".repeat(pad))
            });
            io.out(&format!("{}\n", cells.collect::<Vec<_>>().join(&between)));
            if io.is_full() {
                break;
            }
        }
        0
    })
}

pub fn tac(args: Vec<String>, _ctx: &Ctx<'_>) -> Built {
    whole("tac", args, |text, io| {
        for line in text.lines().rev() {
            io.out(&format!("{line}\n"));
        }
        0
    })
}

pub fn rev(args: Vec<String>, _ctx: &Ctx<'_>) -> Built {
    whole("rev", args, |text, io| {
        for line in text.lines() {
            io.out(&format!("{}\n", line.chars().rev().collect::<String>()));
        }
        0
    })
}

/// `comm [-123] FILE FILE` on sorted files.
pub fn comm(args: &[String], io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> i32 {
    let flags: String = args.iter().filter(|a| a.len() > 1 && a.starts_with('-')).flat_map(|a| a.chars().skip(1)).collect();
    let files: Vec<&String> = args.iter().filter(|a| !a.starts_with('-')).collect();
    let [first, second] = files.as_slice() else {
        io.err("comm: missing operand\nTry 'comm --help' for more information.\n");
        return 1;
    };
    let mut texts = Vec::new();
    for file in [first, second] {
        match ctx.state.files.read(&ctx.state.path(file)) {
            Some(text) => texts.push(text.lines().collect::<Vec<_>>()),
            None => {
                io.err(&format!("comm: {file}: No such file or directory\n"));
                return 1;
            }
        }
    }
    let (mut a, mut b) = (texts.first().into_iter().flatten().peekable(), texts.get(1).into_iter().flatten().peekable());
    loop {
        let (column, line) = match (a.peek(), b.peek()) {
            (None, None) => return 0,
            (Some(x), Some(y)) if x == y => {
                b.next();
                (3, a.next())
            }
            (Some(x), y) if y.is_none_or(|y| x < y) => (1, a.next()),
            _ => (2, b.next()),
        };
        if flags.contains(&column.to_string()) {
            continue;
        }
        let before = ["1", "2"].iter().take(column - 1).filter(|c| !flags.contains(**c)).count();
        io.out(&format!("{}{}\n", "\t".repeat(before), line.copied().unwrap_or_default()));
    }
}

pub fn basename(args: &[String], io: &mut Io<'_>, _ctx: &mut Ctx<'_>) -> i32 {
    let Some(path) = args.first() else {
        io.err("basename: missing operand\nTry 'basename --help' for more information.\n");
        return 1;
    };
    let trimmed = path.trim_end_matches('/');
    let base = trimmed.rsplit('/').next().filter(|b| !b.is_empty()).unwrap_or("/");
    let base = args.get(1).and_then(|s| base.strip_suffix(s.as_str())).filter(|b| !b.is_empty()).unwrap_or(base);
    io.out(&format!("{base}\n"));
    0
}

pub fn dirname(args: &[String], io: &mut Io<'_>, _ctx: &mut Ctx<'_>) -> i32 {
    let Some(path) = args.first() else {
        io.err("dirname: missing operand\nTry 'dirname --help' for more information.\n");
        return 1;
    };
    let trimmed = path.trim_end_matches('/');
    let parent = trimmed.rsplit_once('/').map_or(".", |(p, _)| p.trim_end_matches('/'));
    io.out(&format!("{}\n", if parent.is_empty() { "/" } else { parent }));
    0
}
