//! sed, the part that people type: `s///` with flags, `p`, `d`, `q`, addresses by number, `$` and pattern.

use super::Refusal;
use super::filter::{Filter, Lines, Options};
use super::pattern::{Syntax, compile, weight};
use crate::run::{Ctx, Io, Program, Step};
use regex_lite::{Captures, Regex};

#[derive(Debug)]
enum Address {
    Line(usize),
    Last,
    Match(Regex),
}

#[derive(Debug)]
enum What {
    Substitute { regex: Regex, with: String, global: bool, print: bool, nth: usize },
    Transliterate(Vec<char>, Vec<char>),
    Insert(String),
    Append(String),
    Change(String),
    Number,
    Print,
    Delete,
    Quit,
}

#[derive(Debug)]
struct Rule {
    from: Option<Address>,
    to: Option<Address>,
    negate: bool,
    what: What,
    inside: bool,
}

impl Rule {
    fn weight(&self) -> usize {
        let addresses = [&self.from, &self.to].into_iter().flatten();
        let addresses: usize = addresses.map(|a| if let Address::Match(regex) = a { weight(regex) } else { 0 }).sum();
        addresses
            + match &self.what {
                What::Substitute { regex, .. } => 2 * weight(regex),
                What::Transliterate(from, _) => 1 + from.len() / 16,
                _ => 1,
            }
    }
}

#[derive(Debug)]
struct Sed {
    rules: Vec<Rule>,
    quiet: bool,
    number: usize,
    /// One line is held back, to know which is the last.
    held: Option<String>,
    over: bool,
    /// What one byte counts for under all rules, and what has been worked on.
    weight: usize,
    work: usize,
    failed: bool,
}

/// Most bytes that one line may become.
const MOST_LINE: usize = 8 << 20;

pub fn build(mut args: Vec<String>, ctx: &Ctx<'_>) -> Result<Box<dyn Program>, Refusal> {
    // `-i` and `-i.bak` edit files in place; the suffix belongs to the option.
    let place = args.iter().position(|a| a.starts_with("-i") || a.starts_with("--in-place"));
    let in_place = place.map(|at| args.remove(at));
    let mut o = Options::parse("sed", &args, "nErsu", "e", &[("quiet", 'n'), ("regexp-extended", 'E'), ("expression", 'e')])?;
    let mut scripts: Vec<String> = o.values.iter().map(|(_, v)| v.clone()).collect();
    if scripts.is_empty() {
        if o.operands.is_empty() {
            return Err(Refusal::new(1, "Usage: sed [OPTION]... {script-only-if-no-other-script} [input-file]..."));
        }
        scripts.push(o.operands.remove(0));
    }
    let syntax = if o.has('E') || o.has('r') { Syntax::Extended } else { Syntax::Basic };
    let mut rules = Vec::new();
    for script in &scripts {
        parse(script, syntax, &mut rules)
            .map_err(|why| Refusal::new(1, format!("sed: -e expression #1, char {}: {why}", script.chars().count())))?;
    }
    let weight = rules.iter().map(Rule::weight).sum();
    let sed = Sed { rules, quiet: o.has('n'), number: 0, held: None, over: false, weight, work: 0, failed: false };
    let Some(option) = in_place else { return Ok(Box::new(Filter::new("sed", o.operands, sed))) };
    let suffix = option.trim_start_matches("--in-place").trim_start_matches(['=']).trim_start_matches("-i").to_owned();
    if let Some(file) = o.operands.iter().find(|f| !ctx.state.files.is_file(&ctx.state.path(f))) {
        return Err(Refusal::new(2, format!("sed: can't read {file}: No such file or directory")));
    }
    if o.operands.is_empty() {
        return Err(Refusal::new(4, "sed: no input files"));
    }
    Ok(Box::new(InPlace { sed, files: o.operands, suffix }))
}

/// The script on each file, whose text it replaces.
#[derive(Debug)]
struct InPlace {
    sed: Sed,
    files: Vec<String>,
    suffix: String,
}

impl Program for InPlace {
    fn step(&mut self, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Step {
        for file in &self.files {
            let path = ctx.state.path(file);
            let old = ctx.state.files.read(&path).unwrap_or_default().to_owned();
            let mut none = crate::run::Input::empty();
            let mut inner = Io::new(&mut none, false);
            (self.sed.number, self.sed.over) = (0, false);
            for line in old.split_inclusive('\n') {
                if !self.sed.line(line, file, &mut inner) {
                    break;
                }
                ctx.state.budget.spend_bytes(self.sed.work());
                if ctx.state.is_out() {
                    return Step::More;
                }
            }
            if self.sed.end(&mut inner, ctx) != 0 {
                io.output.append(&mut inner.output);
                return Step::Done(4);
            }
            let new: String = inner.output.into_iter().map(|c| c.text).collect();
            let kept = if self.suffix.is_empty() {
                Ok(())
            } else {
                ctx.state.files.write(&format!("{path}{}", self.suffix), &old, false)
            };
            if let Err(why) = kept.and_then(|()| ctx.state.files.write(&path, &new, false)) {
                io.err(&format!("sed: couldn't open file {file}: {why}\n"));
                return Step::Done(4);
            }
        }
        Step::Done(0)
    }
}

fn parse(script: &str, syntax: Syntax, rules: &mut Vec<Rule>) -> Result<(), String> {
    let chars: Vec<char> = script.chars().collect();
    let mut at = 0;
    loop {
        while chars.get(at).is_some_and(|c| c.is_whitespace() || *c == ';') {
            at += 1;
        }
        if at >= chars.len() {
            return Ok(());
        }
        let from = address(&chars, &mut at, syntax)?;
        let mut to = None;
        if chars.get(at) == Some(&',') {
            at += 1;
            to = address(&chars, &mut at, syntax)?;
            if to.is_none() {
                return Err("unexpected `,'".to_owned());
            }
        }
        while chars.get(at) == Some(&' ') {
            at += 1;
        }
        let negate = chars.get(at) == Some(&'!');
        at += usize::from(negate);
        let what = match chars.get(at) {
            Some('p') => What::Print,
            Some('d') => What::Delete,
            Some('q') => What::Quit,
            Some('=') => What::Number,
            Some('y') => {
                let mark = *chars.get(at + 1).ok_or("unterminated `y' command")?;
                at += 2;
                let from: Vec<char> = delimited(&chars, &mut at, mark)?.chars().collect();
                let to: Vec<char> = delimited(&chars, &mut at, mark)?.chars().collect();
                at -= 1;
                if from.len() != to.len() {
                    return Err("strings for `y' command are different lengths".to_owned());
                }
                What::Transliterate(from, to)
            }
            Some(c @ ('i' | 'a' | 'c')) => {
                // The text is the rest of the line, GNU's short form; a `\\` in front of it keeps its blanks.
                let rest: String = chars.iter().skip(at + 1).take_while(|c| **c != '\n').collect();
                at += rest.chars().count();
                let text = rest.trim_start();
                let text = text.strip_prefix('\\').map_or(text, |t| t.trim_start_matches('\n')).to_owned();
                if text.is_empty() {
                    return Err("expected \\ after `a', `c' or `i'".to_owned());
                }
                match c {
                    'i' => What::Insert(text),
                    'a' => What::Append(text),
                    _ => What::Change(text),
                }
            }
            Some('s') => {
                let mark = *chars.get(at + 1).ok_or("unterminated `s' command")?;
                at += 2;
                let pattern = delimited(&chars, &mut at, mark)?;
                let with = delimited(&chars, &mut at, mark)?;
                let mut flags = String::new();
                let mut nth = 0usize;
                while let Some(c) = chars.get(at).filter(|c| "gpiI".contains(**c) || c.is_ascii_digit()) {
                    match c.to_digit(10) {
                        Some(d) => nth = nth.saturating_mul(10).saturating_add(d as usize),
                        None => flags.push(*c),
                    }
                    at += 1;
                }
                at -= 1;
                let regex = compile(&pattern, syntax, flags.contains(['i', 'I']), false)?;
                What::Substitute { regex, with, global: flags.contains('g'), print: flags.contains('p'), nth: nth.max(1) }
            }
            Some(c) => return Err(format!("unknown command: `{c}'")),
            None => return Err("missing command".to_owned()),
        };
        at += 1;
        rules.push(Rule { from, to, negate, what, inside: false });
        while chars.get(at) == Some(&' ') {
            at += 1;
        }
        if chars.get(at).is_some_and(|c| !matches!(c, ';' | '\n' | '}')) {
            return Err("unknown option to `s'".to_owned());
        }
    }
}

fn address(chars: &[char], at: &mut usize, syntax: Syntax) -> Result<Option<Address>, String> {
    match chars.get(*at) {
        Some('$') => {
            *at += 1;
            Ok(Some(Address::Last))
        }
        Some('/') => {
            *at += 1;
            let pattern = delimited(chars, at, '/')?;
            Ok(Some(Address::Match(compile(&pattern, syntax, false, false)?)))
        }
        Some(c) if c.is_ascii_digit() => {
            let digits: String = chars.iter().skip(*at).take_while(|c| c.is_ascii_digit()).collect();
            *at += digits.len();
            Ok(Some(Address::Line(digits.parse().map_err(|_| "invalid usage of line address")?)))
        }
        _ => Ok(None),
    }
}

fn delimited(chars: &[char], at: &mut usize, mark: char) -> Result<String, String> {
    let mut text = String::new();
    while let Some(c) = chars.get(*at) {
        *at += 1;
        if *c == mark {
            return Ok(text);
        }
        if *c == '\\' {
            match chars.get(*at) {
                Some(c) if *c == mark => text.push(*c),
                Some(c) => {
                    text.push('\\');
                    text.push(*c);
                }
                None => break,
            }
            *at += 1;
        } else {
            text.push(*c);
        }
    }
    Err("unterminated `s' command".to_owned())
}

/// `&`, `\1`..`\9`, `\n` and `\t` of a replacement.
fn replacement(with: &str, captures: &Captures<'_>, most: usize) -> String {
    let group = |n: usize| captures.get(n).map_or("", |m| m.as_str());
    let mut out = String::new();
    let mut chars = with.chars();
    while let Some(c) = chars.next().filter(|_| out.len() < most) {
        match c {
            '&' => out.push_str(group(0)),
            '\\' => match chars.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some(d) if d.is_ascii_digit() => out.push_str(group(d.to_digit(10).unwrap_or(0) as usize)),
                Some(c) => out.push(c),
                None => out.push('\\'),
            },
            c => out.push(c),
        }
    }
    out
}

impl Sed {
    fn run(&mut self, line: &str, last: bool, io: &mut Io<'_>) {
        self.number += 1;
        self.work += line.len() * self.weight;
        let mut text = line.trim_end_matches('\n').to_owned();
        let number = self.number;
        let mut deleted = false;
        let mut appended = String::new();
        for rule in &mut self.rules {
            if !applies(rule, number, last, &text) {
                continue;
            }
            match &rule.what {
                What::Number => io.out(&format!("{number}\n")),
                What::Insert(line) => io.out(&format!("{line}\n")),
                What::Append(line) => appended.push_str(&format!("{line}\n")),
                What::Change(line) => {
                    io.out(&format!("{line}\n"));
                    deleted = true;
                    break;
                }
                What::Transliterate(from, to) => {
                    let turn = |c: char| from.iter().position(|f| *f == c).and_then(|i| to.get(i)).copied().unwrap_or(c);
                    text = text.chars().map(turn).collect();
                }
                What::Print => io.out(&format!("{text}\n")),
                What::Delete => {
                    deleted = true;
                    break;
                }
                What::Quit => {
                    self.over = true;
                    break;
                }
                What::Substitute { regex, with, global, print, nth } => {
                    if regex.find_iter(&text).count() >= *nth {
                        let mut seen = 0;
                        let mut room = MOST_LINE;
                        let new = regex.replace_all(&text, |c: &Captures<'_>| {
                            seen += 1;
                            if room == 0 {
                                return String::new();
                            }
                            let whole = c.get(0).map_or("", |m| m.as_str());
                            let hit = seen == *nth || (*global && seen > *nth);
                            let new = if hit { replacement(with, c, room) } else { whole.to_owned() };
                            room = room.saturating_sub(new.len());
                            new
                        });
                        text = new.into_owned();
                        self.work += text.len() * self.weight;
                        if room == 0 {
                            io.err("sed: couldn't allocate memory\n");
                            (self.over, self.failed) = (true, true);
                            return;
                        }
                        if *print {
                            io.out(&format!("{text}\n"));
                        }
                    }
                }
            }
        }
        if !deleted && !self.quiet {
            io.out(&format!("{text}\n"));
        }
        io.out(&appended);
    }
}

fn applies(rule: &mut Rule, number: usize, last: bool, text: &str) -> bool {
    let hit = |a: &Address| match a {
        Address::Line(n) => *n == number,
        Address::Last => last,
        Address::Match(r) => r.is_match(text),
    };
    let applies = match (&rule.from, &rule.to) {
        (None, _) => true,
        (Some(from), None) => hit(from),
        (Some(from), Some(to)) => {
            if rule.inside {
                rule.inside = !(hit(to) || matches!(to, Address::Line(n) if *n <= number));
                true
            } else if hit(from) {
                rule.inside = !matches!(to, Address::Line(n) if *n <= number);
                true
            } else {
                false
            }
        }
    };
    applies != rule.negate
}

impl Lines for Sed {
    fn line(&mut self, line: &str, _source: &str, io: &mut Io<'_>) -> bool {
        let needs_last = self.rules.iter().any(|r| matches!(r.from, Some(Address::Last)) || matches!(r.to, Some(Address::Last)));
        if !needs_last {
            self.run(line, false, io);
        } else if let Some(held) = self.held.replace(line.to_owned()) {
            self.run(&held, false, io);
        }
        !self.over
    }

    fn end(&mut self, io: &mut Io<'_>, _ctx: &mut Ctx<'_>) -> i32 {
        if let Some(held) = self.held.take().filter(|_| !self.over) {
            self.run(&held, true, io);
        }
        if self.failed { 4 } else { 0 }
    }

    fn work(&mut self) -> usize {
        std::mem::take(&mut self.work)
    }
}
