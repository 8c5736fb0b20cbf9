//! awk, the part that people type at a prompt: patterns, `print`, `printf`, fields, sums, BEGIN and END.

use super::Refusal;
use super::filter::{Filter, Lines, Options};
use super::pattern::{Syntax, compile, weight};
use crate::run::{Ctx, Io, Program};
use objects::collections::VecMap;
use regex_lite::Regex;

#[derive(Clone, Debug)]
enum Expr {
    Number(f64),
    Text(String),
    /// A pattern, and what looking for it in one byte counts for.
    Match(Regex, usize),
    Variable(String),
    Field(Box<Expr>),
    Binary(&'static str, Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    Negate(Box<Expr>),
    Assign(String, &'static str, Box<Expr>),
    Call(String, Vec<Expr>),
}

#[derive(Debug)]
enum Action {
    Print(Vec<Expr>),
    Printf(Vec<Expr>),
    Eval(Expr),
    Next,
    Exit,
}

#[derive(Debug)]
enum When {
    Begin,
    End,
    Always,
    If(Expr),
}

#[derive(Debug)]
struct Rule {
    when: When,
    actions: Vec<Action>,
}

#[derive(Debug)]
struct Awk {
    rules: Vec<Rule>,
    variables: VecMap<String, String>,
    fields: Vec<String>,
    started: bool,
    exited: bool,
    /// Bytes that were worked on, and whether a text has become too long.
    work: usize,
    full: bool,
}

/// Most bytes of one text.
const MOST_TEXT: usize = 8 << 20;

pub fn build(args: Vec<String>, _ctx: &Ctx<'_>) -> Result<Box<dyn Program>, Refusal> {
    // The program text may begin with anything: only leading options are options.
    let at = {
        let mut i = 0;
        while let Some(arg) = args.get(i).filter(|a| a.starts_with('-') && a.len() > 1) {
            i += if arg == "-F" || arg == "-v" { 2 } else { 1 };
        }
        i
    };
    let (own, rest) = args.split_at_checked(at).unwrap_or((&args, &[]));
    let o = Options::parse("awk", own, "", "Fv", &[])?;
    let Some((program, files)) = rest.split_first() else {
        return Err(Refusal::new(2, "usage: awk [-F fs][-v var=value][prog | -f progfile][file ...]"));
    };
    let mut variables = VecMap::new();
    variables.insert("FS".to_owned(), o.value('F').unwrap_or(" ").replace("\\t", "\t"));
    variables.insert("OFS".to_owned(), " ".to_owned());
    for (_, value) in o.values.iter().filter(|(l, _)| *l == 'v') {
        if let Some((name, value)) = value.split_once('=') {
            variables.insert(name.to_owned(), value.to_owned());
        }
    }
    let rules = Parser { chars: program.chars().collect(), at: 0, depth: 0 }
        .program()
        .map_err(|why| Refusal::new(2, format!("awk: {why} at source line 1")))?;
    let awk = Awk { rules, variables, fields: vec![String::new()], started: false, exited: false, work: 0, full: false };
    Ok(Box::new(Filter::new("awk", files.to_vec(), awk)))
}

struct Parser {
    chars: Vec<char>,
    at: usize,
    depth: usize,
}

const OPERATORS: [&[&str]; 6] =
    [&["||"], &["&&"], &["!~", "~"], &["==", "!=", "<=", ">=", "<", ">"], &["+", "-"], &["*", "/", "%"]];

impl Parser {
    fn space(&mut self, newlines: bool) {
        while self.chars.get(self.at).is_some_and(|c| *c == ' ' || *c == '\t' || (newlines && (*c == '\n' || *c == ';'))) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn eat(&mut self, text: &str) -> bool {
        self.space(false);
        let found = text.chars().enumerate().all(|(i, c)| self.chars.get(self.at + i) == Some(&c));
        if found {
            self.at += text.chars().count();
        }
        found
    }

    fn word(&mut self) -> String {
        self.space(false);
        let word: String = self.chars.iter().skip(self.at).take_while(|c| c.is_ascii_alphanumeric() || **c == '_').collect();
        self.at += word.len();
        word
    }

    fn program(&mut self) -> Result<Vec<Rule>, String> {
        let mut rules = Vec::new();
        loop {
            self.space(true);
            if self.peek().is_none() {
                return Ok(rules);
            }
            let start = self.at;
            let when = match self.word().as_str() {
                "BEGIN" => When::Begin,
                "END" => When::End,
                _ => {
                    self.at = start;
                    if self.peek() == Some('{') { When::Always } else { When::If(self.expression()?) }
                }
            };
            let actions = if self.eat("{") { self.actions()? } else { vec![Action::Print(Vec::new())] };
            rules.push(Rule { when, actions });
        }
    }

    fn actions(&mut self) -> Result<Vec<Action>, String> {
        let mut actions = Vec::new();
        loop {
            self.space(true);
            if self.eat("}") {
                return Ok(actions);
            }
            if self.peek().is_none() {
                return Err("unexpected end of program".to_owned());
            }
            let start = self.at;
            let action = match self.word().as_str() {
                "print" => Action::Print(self.list()?),
                "printf" => Action::Printf(self.list()?),
                "next" => Action::Next,
                "exit" => Action::Exit,
                _ => {
                    self.at = start;
                    Action::Eval(self.expression()?)
                }
            };
            actions.push(action);
            self.space(false);
            if !matches!(self.peek(), Some(';' | '\n' | '}')) {
                return Err("syntax error".to_owned());
            }
        }
    }

    fn list(&mut self) -> Result<Vec<Expr>, String> {
        let mut items = Vec::new();
        self.space(false);
        if matches!(self.peek(), None | Some(';' | '}' | '\n')) {
            return Ok(items);
        }
        loop {
            items.push(self.expression()?);
            if !self.eat(",") {
                return Ok(items);
            }
        }
    }

    fn expression(&mut self) -> Result<Expr, String> {
        self.depth += 1;
        if self.depth > 60 {
            return Err("expression nested too deeply".to_owned());
        }
        let start = self.at;
        let name = self.word();
        if name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            if self.eat("++") {
                self.depth -= 1;
                return Ok(Expr::Assign(name, "+=", Box::new(Expr::Number(1.0))));
            }
            for op in ["+=", "-=", "*=", "="] {
                let at = self.at;
                if self.eat(op) && !(op == "=" && matches!(self.peek(), Some('=' | '~'))) {
                    let value = self.expression()?;
                    self.depth -= 1;
                    return Ok(Expr::Assign(name, op, Box::new(value)));
                }
                self.at = at;
            }
        }
        self.at = start;
        let value = self.binary(0);
        self.depth -= 1;
        value
    }

    fn binary(&mut self, level: usize) -> Result<Expr, String> {
        let Some(operators) = OPERATORS.get(level) else {
            return self.unary();
        };
        // Concatenation binds between comparison and addition.
        let mut left = if level == 3 { self.concatenation()? } else { self.binary(level + 1)? };
        while let Some(op) = operators.iter().find(|op| self.eat(op)) {
            let right = if level == 3 { self.concatenation()? } else { self.binary(level + 1)? };
            left = Expr::Binary(op, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn concatenation(&mut self) -> Result<Expr, String> {
        let mut left = self.binary(4)?;
        loop {
            self.space(false);
            match self.peek() {
                Some(c) if c == '"' || c == '$' || c == '(' || c.is_ascii_alphanumeric() || c == '_' => {
                    let right = self.binary(4)?;
                    left = Expr::Binary(" ", Box::new(left), Box::new(right));
                }
                _ => return Ok(left),
            }
        }
    }

    fn unary(&mut self) -> Result<Expr, String> {
        self.space(false);
        let c = self.peek().ok_or("unexpected end of program")?;
        match c {
            '!' => {
                self.at += 1;
                Ok(Expr::Not(Box::new(self.unary()?)))
            }
            '-' => {
                self.at += 1;
                Ok(Expr::Negate(Box::new(self.unary()?)))
            }
            '(' => {
                self.at += 1;
                let inner = self.expression()?;
                if self.eat(")") { Ok(inner) } else { Err("missing )".to_owned()) }
            }
            '$' => {
                self.at += 1;
                Ok(Expr::Field(Box::new(self.unary()?)))
            }
            '"' => Ok(Expr::Text(self.quoted('"')?)),
            '/' => {
                let pattern = self.quoted('/')?;
                let regex = compile(&pattern, Syntax::Extended, false, false)?;
                let weight = weight(&regex);
                Ok(Expr::Match(regex, weight))
            }
            c if c.is_ascii_digit() || c == '.' => {
                let text: String = self.chars.iter().skip(self.at).take_while(|c| c.is_ascii_digit() || **c == '.').collect();
                self.at += text.len();
                Ok(Expr::Number(text.parse().map_err(|_| "bad number")?))
            }
            c if c.is_ascii_alphabetic() || c == '_' => {
                let name = self.word();
                if self.peek() == Some('(') {
                    self.at += 1;
                    let mut args = Vec::new();
                    while !self.eat(")") {
                        args.push(self.expression()?);
                        if !self.eat(",") && self.peek() != Some(')') {
                            return Err("syntax error".to_owned());
                        }
                    }
                    if !["length", "toupper", "tolower", "substr", "int"].contains(&name.as_str()) {
                        return Err(format!("calling undefined function {name}"));
                    }
                    return Ok(Expr::Call(name, args));
                }
                Ok(Expr::Variable(name))
            }
            _ => Err("syntax error".to_owned()),
        }
    }

    fn quoted(&mut self, close: char) -> Result<String, String> {
        self.at += 1;
        let mut text = String::new();
        loop {
            let c = self.peek().ok_or("non-terminated string")?;
            self.at += 1;
            match c {
                c if c == close => return Ok(text),
                '\\' => {
                    let c = self.peek().ok_or("non-terminated string")?;
                    self.at += 1;
                    match c {
                        'n' if close == '"' => text.push('\n'),
                        't' if close == '"' => text.push('\t'),
                        c if close == '"' || c == '/' => text.push(c),
                        c => {
                            text.push('\\');
                            text.push(c);
                        }
                    }
                }
                c => text.push(c),
            }
        }
    }
}

/// The number at the start of a text.
fn number(text: &str) -> f64 {
    let text = text.trim_start();
    let end = text
        .char_indices()
        .find(|(i, c)| !(c.is_ascii_digit() || *c == '.' || (*i == 0 && (*c == '-' || *c == '+'))))
        .map_or(text.len(), |(i, _)| i);
    text.get(..end).and_then(|t| t.parse().ok()).unwrap_or(0.0)
}

fn looks_numeric(text: &str) -> bool {
    text.trim().parse::<f64>().is_ok()
}

fn show(n: f64) -> String {
    if n.fract() == 0.0 && n.abs() < 1e15 {
        return format!("{n:.0}");
    }
    // %.6g for the sizes that occur at a prompt.
    let digits = n.abs().to_string().split('.').next().map_or(1, str::len);
    let text = format!("{n:.*}", 6usize.saturating_sub(digits));
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

impl Awk {
    fn variable(&self, name: &str) -> String {
        match name {
            "NF" => self.fields.len().saturating_sub(1).to_string(),
            _ => self.variables.get(name).cloned().unwrap_or_default(),
        }
    }

    fn text(&mut self, e: &Expr) -> String {
        let text = self.value(e);
        self.work += text.len();
        text
    }

    /// Two texts in one, where there is room.
    fn joined(&mut self, mut a: String, b: &str) -> String {
        if a.len() + b.len() > MOST_TEXT {
            (self.full, self.exited) = (true, true);
            return String::new();
        }
        a.push_str(b);
        a
    }

    fn value(&mut self, e: &Expr) -> String {
        match e {
            Expr::Number(n) => show(*n),
            Expr::Text(t) => t.clone(),
            Expr::Variable(name) if name == "length" => self.fields.first().map_or(0, |f| f.chars().count()).to_string(),
            Expr::Variable(name) => self.variable(name),
            Expr::Field(n) => {
                let n = number(&self.text(n));
                self.fields.get(n.max(0.0) as usize).cloned().unwrap_or_default()
            }
            Expr::Match(r, weight) => {
                self.work += self.fields.first().map_or(0, String::len) * weight;
                u8::from(self.fields.first().is_some_and(|f| r.is_match(f))).to_string()
            }
            Expr::Not(e) => u8::from(!self.truth(e)).to_string(),
            Expr::Negate(e) => show(-number(&self.text(e))),
            Expr::Assign(name, op, value) => {
                let value = self.text(value);
                let old = number(&self.variable(name));
                let new = match *op {
                    "+=" => show(old + number(&value)),
                    "-=" => show(old - number(&value)),
                    "*=" => show(old * number(&value)),
                    _ => value,
                };
                self.variables.insert(name.clone(), new.clone());
                new
            }
            Expr::Call(name, args) => {
                let args: Vec<String> = args.iter().map(|a| self.text(a)).collect();
                let first = args.first().cloned().unwrap_or_else(|| self.fields.first().cloned().unwrap_or_default());
                let at = |n: usize| args.get(n).map(|t| number(t).max(0.0) as usize);
                match name.as_str() {
                    "length" => first.chars().count().to_string(),
                    "toupper" => first.to_uppercase(),
                    "tolower" => first.to_lowercase(),
                    "int" => show(number(&first).trunc()),
                    _ => {
                        let from = at(1).unwrap_or(1).max(1) - 1;
                        first.chars().skip(from).take(at(2).unwrap_or(usize::MAX)).collect()
                    }
                }
            }
            Expr::Binary(op, a, b) => self.binary(op, a, b),
        }
    }

    fn binary(&mut self, op: &str, a: &Expr, b: &Expr) -> String {
        let flag = |b: bool| u8::from(b).to_string();
        match op {
            "||" => return flag(self.truth(a) || self.truth(b)),
            "&&" => return flag(self.truth(a) && self.truth(b)),
            "~" | "!~" => {
                let text = self.text(a);
                self.work += 4 * text.len();
                let hit = match b {
                    Expr::Match(r, _) => r.is_match(&text),
                    other => {
                        let pattern = self.text(other);
                        compile(&pattern, Syntax::Extended, false, false).is_ok_and(|r| r.is_match(&text))
                    }
                };
                return flag(hit == (op == "~"));
            }
            _ => {}
        }
        let literal = matches!(a, Expr::Text(_)) || matches!(b, Expr::Text(_));
        let (x, y) = (self.text(a), self.text(b));
        let (m, n) = (number(&x), number(&y));
        let order = if !literal && looks_numeric(&x) && looks_numeric(&y) { m.partial_cmp(&n) } else { Some(x.cmp(&y)) };
        match op {
            " " => self.joined(x, &y),
            "+" => show(m + n),
            "-" => show(m - n),
            "*" => show(m * n),
            "/" if n != 0.0 => show(m / n),
            "%" if n != 0.0 => show(m % n),
            "==" => flag(order.is_some_and(|o| o.is_eq())),
            "!=" => flag(order.is_some_and(|o| o.is_ne())),
            "<" => flag(order.is_some_and(|o| o.is_lt())),
            "<=" => flag(order.is_some_and(|o| o.is_le())),
            ">" => flag(order.is_some_and(|o| o.is_gt())),
            ">=" => flag(order.is_some_and(|o| o.is_ge())),
            _ => "0".to_owned(),
        }
    }

    fn truth(&mut self, e: &Expr) -> bool {
        let text = self.text(e);
        if matches!(e, Expr::Text(_)) || !looks_numeric(&text) { !text.is_empty() } else { number(&text) != 0.0 }
    }

    fn load(&mut self, line: &str) {
        // What it takes to part a line, however short.
        self.work += 4 * line.len() + 64;
        let separator = self.variable("FS");
        let mut fields = vec![line.to_owned()];
        if separator == " " {
            fields.extend(line.split_whitespace().map(str::to_owned));
        } else if !line.is_empty() {
            match compile(&separator, if separator.len() == 1 { Syntax::Fixed } else { Syntax::Extended }, false, false) {
                Ok(r) => fields.extend(r.split(line).map(str::to_owned)),
                Err(_) => fields.push(line.to_owned()),
            }
        }
        self.fields = fields;
        let n = number(&self.variable("NR")) + 1.0;
        self.variables.insert("NR".to_owned(), show(n));
    }

    fn run(&mut self, phase: &When, io: &mut Io<'_>) {
        let rules = std::mem::take(&mut self.rules);
        'rules: for rule in &rules {
            let hit = match (&rule.when, phase) {
                (When::Begin, When::Begin) | (When::End, When::End) | (When::Always, When::Always) => true,
                (When::If(e), When::Always) => self.truth(e),
                _ => false,
            };
            if !hit {
                continue;
            }
            for action in &rule.actions {
                match action {
                    Action::Print(items) => {
                        let between = self.variable("OFS");
                        for (i, e) in items.iter().enumerate() {
                            io.out(if i > 0 { &between } else { "" });
                            io.out(&self.text(e));
                        }
                        io.out(if items.is_empty() { self.fields.first().map_or("", String::as_str) } else { "" });
                        io.out("\n");
                    }
                    Action::Printf(items) => {
                        let items: Vec<String> = items.iter().map(|e| self.text(e)).collect();
                        if items.iter().map(String::len).sum::<usize>() > MOST_TEXT {
                            (self.full, self.exited) = (true, true);
                            break 'rules;
                        }
                        io.out(&format_items(&items));
                    }
                    Action::Eval(e) => {
                        self.text(e);
                    }
                    Action::Next => break 'rules,
                    Action::Exit => {
                        self.exited = true;
                        break 'rules;
                    }
                }
            }
        }
        self.rules = rules;
    }
}

/// printf's `%s %d %.2f` with widths.
fn format_items(items: &[String]) -> String {
    let Some((format, args)) = items.split_first() else {
        return String::new();
    };
    let mut args = args.iter();
    let mut out = String::new();
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut spec = String::new();
        while let Some(c) = chars.next_if(|c| "-0.".contains(*c) || c.is_ascii_digit()) {
            spec.push(c);
        }
        let kind = chars.next().unwrap_or('%');
        if kind == '%' {
            out.push('%');
            continue;
        }
        let arg = args.next().cloned().unwrap_or_default();
        let body = spec.trim_start_matches('-');
        let (width, precision) = body.split_once('.').unwrap_or((body, ""));
        let (width, precision) = (width.parse::<usize>().unwrap_or(0).min(4096), precision.parse::<usize>().ok());
        let text = match kind {
            'd' | 'i' => show(number(&arg).trunc()),
            'f' => format!("{:.*}", precision.unwrap_or(6).min(20), number(&arg)),
            _ => arg,
        };
        if spec.starts_with('-') { out.push_str(&format!("{text:<width$}")) } else { out.push_str(&format!("{text:>width$}")) }
    }
    out
}

impl Lines for Awk {
    fn line(&mut self, line: &str, _source: &str, io: &mut Io<'_>) -> bool {
        if !self.started {
            self.started = true;
            self.run(&When::Begin, io);
        }
        if !self.exited {
            self.load(line.trim_end_matches('\n'));
            self.run(&When::Always, io);
        }
        !self.exited
    }

    fn work(&mut self) -> usize {
        std::mem::take(&mut self.work)
    }

    fn end(&mut self, io: &mut Io<'_>, _ctx: &mut Ctx<'_>) -> i32 {
        if !self.started {
            self.run(&When::Begin, io);
        }
        self.run(&When::End, io);
        if self.full {
            io.err("awk: a text has become longer than 8 MiB\n");
            return 2;
        }
        0
    }
}
