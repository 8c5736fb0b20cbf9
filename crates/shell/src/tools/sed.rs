//! sed, the part that people type: `s///` with flags, `p`, `d`, `q`, addresses by number, `$` and pattern.

use super::Refusal;
use super::filter::{Filter, Lines, Options};
use super::pattern::{Syntax, compile};
use crate::run::{Ctx, Io, Program};
use regex_lite::{Captures, Regex};

#[derive(Debug)]
enum Address {
    Line(usize),
    Last,
    Match(Regex),
}

#[derive(Debug)]
enum What {
    Substitute { regex: Regex, with: String, global: bool, print: bool },
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

#[derive(Debug)]
struct Sed {
    rules: Vec<Rule>,
    quiet: bool,
    number: usize,
    /// One line is held back, to know which is the last.
    held: Option<String>,
    over: bool,
}

pub fn build(args: Vec<String>, _ctx: &Ctx<'_>) -> Result<Box<dyn Program>, Refusal> {
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
    let sed = Sed { rules, quiet: o.has('n'), number: 0, held: None, over: false };
    Ok(Box::new(Filter::new("sed", o.operands, sed)))
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
            Some('s') => {
                let mark = *chars.get(at + 1).ok_or("unterminated `s' command")?;
                at += 2;
                let pattern = delimited(&chars, &mut at, mark)?;
                let with = delimited(&chars, &mut at, mark)?;
                let mut flags = String::new();
                while let Some(c @ ('g' | 'p' | 'i' | 'I')) = chars.get(at) {
                    flags.push(*c);
                    at += 1;
                }
                at -= 1;
                let regex = compile(&pattern, syntax, flags.contains(['i', 'I']), false)?;
                What::Substitute { regex, with, global: flags.contains('g'), print: flags.contains('p') }
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
fn replacement(with: &str, captures: &Captures<'_>) -> String {
    let group = |n: usize| captures.get(n).map_or("", |m| m.as_str());
    let mut out = String::new();
    let mut chars = with.chars();
    while let Some(c) = chars.next() {
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
        let mut text = line.trim_end_matches('\n').to_owned();
        let number = self.number;
        let mut deleted = false;
        for rule in &mut self.rules {
            if !applies(rule, number, last, &text) {
                continue;
            }
            match &rule.what {
                What::Print => io.out(&format!("{text}\n")),
                What::Delete => {
                    deleted = true;
                    break;
                }
                What::Quit => {
                    self.over = true;
                    break;
                }
                What::Substitute { regex, with, global, print } => {
                    if regex.is_match(&text) {
                        let limit = if *global { 0 } else { 1 };
                        text = regex.replacen(&text, limit, |c: &Captures<'_>| replacement(with, c)).into_owned();
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
        0
    }
}
