//! Built-ins on variables, aliases and history, and echo, printf, test and read.

use crate::run::{Ctx, Io, Program, Step, Unwind};

pub fn echo(args: &[String], io: &mut Io<'_>, _ctx: &mut Ctx<'_>) -> i32 {
    let (mut newline, mut escapes) = (true, false);
    let mut rest = args;
    while let Some((flag, tail)) = rest.split_first() {
        match flag.as_str() {
            "-n" => newline = false,
            "-e" => escapes = true,
            "-ne" | "-en" => (newline, escapes) = (false, true),
            "-E" => escapes = false,
            _ => break,
        }
        rest = tail;
    }
    let text = rest.join(" ");
    let text = if escapes { unescape(&text) } else { text };
    io.out(&format!("{text}{}", if newline { "\n" } else { "" }));
    0
}

fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('\\') => out.push('\\'),
            Some('"') => out.push('"'),
            Some('e') => out.push('\u{1b}'),
            // Up to three octal digits: `\033` is what `\e` is.
            Some(first @ '0'..='7') => {
                let mut code = first.to_digit(8).unwrap_or(0);
                for _ in 0..2 {
                    let Some(digit) = chars.peek().and_then(|c| c.to_digit(8)) else { break };
                    code = code * 8 + digit;
                    chars.next();
                }
                out.extend(char::from_u32(code));
            }
            Some(c) => {
                out.push('\\');
                out.push(c);
            }
            None => out.push('\\'),
        }
    }
    out
}

/// `%s %d %c %%` with flags and widths; the format is used again while arguments are left.
pub fn printf(args: &[String], io: &mut Io<'_>, _ctx: &mut Ctx<'_>) -> i32 {
    let Some((format, mut rest)) = args.split_first() else {
        io.err("printf: usage: printf [-v var] format [arguments]\n");
        return 2;
    };
    let format = unescape(format);
    let mut exit = 0;
    loop {
        let mut used = 0;
        let mut chars = format.chars().peekable();
        let mut out = String::new();
        while let Some(c) = chars.next() {
            if c != '%' {
                out.push(c);
                continue;
            }
            io.out(&std::mem::take(&mut out));
            let mut spec = String::new();
            while let Some(c) = chars.next_if(|c| "-0+ .".contains(*c) || c.is_ascii_digit()) {
                spec.push(c);
            }
            let kind = chars.next();
            if kind == Some('%') {
                out.push('%');
                continue;
            }
            let arg = rest.get(used).cloned().unwrap_or_default();
            used += 1;
            let width_text = spec.trim_start_matches(['-', '0', '+', ' ']);
            let (width, precision) = width_text.split_once('.').map_or((width_text, None), |(w, p)| (w, Some(p)));
            let width = width.parse::<usize>().unwrap_or(0).min(4096);
            let text = match kind {
                _ if io.is_full() => return 1,
                Some('s') => match precision.and_then(|p| p.parse::<usize>().ok()) {
                    Some(n) => arg.chars().take(n).collect(),
                    None => arg,
                },
                Some('b') => unescape(&arg),
                Some('d' | 'i' | 'u') => match arg.trim().parse::<i64>() {
                    Ok(n) => n.to_string(),
                    Err(_) if arg.is_empty() => "0".to_owned(),
                    Err(_) => {
                        io.err(&format!("bash: printf: {arg}: invalid number\n"));
                        exit = 1;
                        "0".to_owned()
                    }
                },
                Some('c') => arg.chars().take(1).collect(),
                Some('x') => arg.trim().parse::<i64>().map_or_else(|_| "0".to_owned(), |n| format!("{n:x}")),
                Some(other) => {
                    io.err(&format!("bash: printf: `{other}': invalid format character\n"));
                    return 1;
                }
                None => {
                    io.err("bash: printf: `%': missing format character\n");
                    return 1;
                }
            };
            let space = width.saturating_sub(text.chars().count());
            let zero = spec.starts_with('0') && matches!(kind, Some('d' | 'i' | 'u' | 'x'));
            let fill = if zero { "0" } else { " " }.repeat(space);
            if spec.starts_with('-') {
                out.push_str(&text);
                out.push_str(&fill);
            } else {
                out.push_str(&fill);
                out.push_str(&text);
            }
        }
        io.out(&out);
        rest = rest.get(used..).unwrap_or_default();
        if rest.is_empty() || used == 0 {
            return exit;
        }
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

pub fn export(args: &[String], io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> i32 {
    let names: Vec<&String> = args.iter().filter(|a| *a != "-p").collect();
    let env = &mut ctx.state.env;
    if names.is_empty() {
        for name in &env.exported {
            if let Some(value) = env.variables.get(name) {
                io.out(&format!("declare -x {name}=\"{value}\"\n"));
            }
        }
    }
    let mut exit = 0;
    for arg in names {
        let (name, value) = arg.split_once('=').map_or((arg.as_str(), None), |(n, v)| (n, Some(v)));
        if !is_name(name) {
            io.err(&format!("bash: export: `{arg}': not a valid identifier\n"));
            exit = 1;
            continue;
        }
        if let Some(value) = value {
            env.variables.insert(name.to_owned(), value.to_owned());
        }
        env.exported.insert(name.to_owned());
    }
    exit
}

pub fn unset(args: &[String], _io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> i32 {
    for name in args {
        ctx.state.env.variables.remove(name);
        ctx.state.env.exported.remove(name);
    }
    0
}

pub fn env(args: &[String], io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> i32 {
    let env = &ctx.state.env;
    if let Some(name) = args.first() {
        return match env.variables.get(name) {
            Some(value) => {
                io.out(&format!("{value}\n"));
                0
            }
            None => 1,
        };
    }
    for name in &env.exported {
        if let Some(value) = env.variables.get(name) {
            io.out(&format!("{name}={value}\n"));
        }
    }
    0
}

pub fn alias(args: &[String], io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> i32 {
    let show = |name: &str, value: &str| format!("alias {name}='{}'\n", value.replace('\'', "'\\''"));
    if args.is_empty() {
        for (name, value) in &ctx.state.aliases {
            io.out(&show(name, value));
        }
    }
    let mut exit = 0;
    for arg in args {
        match arg.split_once('=') {
            Some((name, value)) if !name.is_empty() => {
                ctx.state.aliases.insert(name.to_owned(), value.to_owned());
            }
            _ => match ctx.state.aliases.get(arg) {
                Some(value) => io.out(&show(arg, value)),
                None => {
                    io.err(&format!("bash: alias: {arg}: not found\n"));
                    exit = 1;
                }
            },
        }
    }
    exit
}

pub fn unalias(args: &[String], io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> i32 {
    let mut exit = 0;
    for name in args {
        if name == "-a" {
            ctx.state.aliases.clear();
        } else if ctx.state.aliases.remove(name).is_none() {
            io.err(&format!("bash: unalias: {name}: not found\n"));
            exit = 1;
        }
    }
    exit
}

pub fn history(args: &[String], io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> i32 {
    if args.first().is_some_and(|a| a == "-c") {
        ctx.state.history.clear();
        return 0;
    }
    let most = args.first().and_then(|a| a.parse::<usize>().ok()).unwrap_or(usize::MAX);
    let skip = ctx.state.history.len().saturating_sub(most);
    for (i, line) in ctx.state.history.iter().enumerate().skip(skip) {
        io.out(&format!("{:>5}  {line}\n", i + 1));
    }
    0
}

pub fn exit(args: &[String], io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> i32 {
    let status = match args.first() {
        None => ctx.state.env.status,
        Some(text) => text.parse::<i32>().map_or_else(
            |_| {
                io.err(&format!("bash: exit: {text}: numeric argument required\n"));
                2
            },
            |n| n & 0xff,
        ),
    };
    ctx.state.unwind = Some(Unwind::Exit(status));
    status
}

pub fn leave_function(args: &[String], io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> i32 {
    if ctx.state.locals.is_empty() && ctx.state.sourcing == 0 {
        io.err("bash: return: can only `return' from a function or sourced script\n");
        return 2;
    }
    let status = args.first().map_or(Some(ctx.state.env.status), |a| a.parse::<i32>().ok());
    let status = status.map_or_else(
        || {
            io.err(&format!("bash: return: {}: numeric argument required\n", args.join(" ")));
            2
        },
        |n| n & 0xff,
    );
    ctx.state.unwind = Some(Unwind::Return(status));
    status
}

pub fn shift(args: &[String], _io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> i32 {
    let n = args.first().and_then(|a| a.parse::<usize>().ok()).unwrap_or(1);
    if n > ctx.state.env.arguments.len() {
        return 1;
    }
    ctx.state.env.arguments.drain(..n);
    0
}

/// `set -e`, `set -euo pipefail`, `set +e`, `set -- words`. `-u` and `-x` are taken and do nothing here, which is said.
pub fn set(args: &[String], io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> i32 {
    if args.is_empty() {
        for (name, value) in &ctx.state.env.variables {
            io.out(&format!("{name}={value}\n"));
        }
        return 0;
    }
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        let Some(letters) = arg.strip_prefix(['-', '+']) else {
            let first = [arg.clone()];
            ctx.state.env.arguments = first.into_iter().chain(rest.cloned()).collect();
            return 0;
        };
        let on = arg.starts_with('-');
        if letters == "-" {
            ctx.state.env.arguments = rest.cloned().collect();
            return 0;
        }
        let settings = &mut ctx.state.env.settings;
        for letter in letters.chars() {
            match letter {
                'o' => {
                    let name = rest.next().map_or("", String::as_str);
                    match settings.named(name, on) {
                        Some(true) => {}
                        Some(false) => io.hint(&format!("set -o {name} is not simulated")),
                        None => {
                            io.err(&format!("bash: set: {name}: invalid option name\n"));
                            return 2;
                        }
                    }
                }
                letter => match settings.letter(letter, on) {
                    Some(true) => {}
                    Some(false) => io.hint(&format!("set {arg}: -{letter} is not simulated")),
                    None => {
                        io.err(&format!("bash: set: -{letter}: invalid option\nset: usage: set [-abefhkmnptuvxBCEHPT] [-o option-name] [--] [-] [arg ...]\n"));
                        return 2;
                    }
                },
            }
        }
    }
    0
}

pub fn leave_loop(_args: &[String], _io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> i32 {
    ctx.state.unwind = Some(Unwind::Break);
    0
}

pub fn next_round(_args: &[String], _io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> i32 {
    ctx.state.unwind = Some(Unwind::Continue);
    0
}

/// `test` and `[`: unary and binary comparisons, `!`, `-a`, `-o`.
pub fn test(args: &[String], io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> i32 {
    let args =
        if args.last().is_some_and(|a| a == "]" || a == "]]") { args.get(..args.len() - 1).unwrap_or_default() } else { args };
    match holds(args, ctx, 0) {
        Ok(true) => 0,
        Ok(false) => 1,
        Err(why) => {
            io.err(&format!("bash: test: {why}\n"));
            2
        }
    }
}

fn holds(args: &[String], ctx: &Ctx<'_>, depth: usize) -> Result<bool, String> {
    if depth > 16 {
        return Err("too many arguments".to_owned());
    }
    for (word, or) in [("-o", true), ("-a", false)] {
        if let Some(at) = args.iter().position(|a| a == word).filter(|at| *at > 0 && args.len() > 3) {
            let left = holds(args.get(..at).unwrap_or_default(), ctx, depth + 1)?;
            let right = holds(args.get(at + 1..).unwrap_or_default(), ctx, depth + 1)?;
            return Ok(if or { left || right } else { left && right });
        }
    }
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let number = |t: &str| t.trim().parse::<i64>().map_err(|_| format!("{t}: integer expression expected"));
    match words.as_slice() {
        [] => Ok(false),
        ["!", rest @ ..] if !rest.is_empty() => Ok(!holds(args.get(1..).unwrap_or_default(), ctx, depth + 1)?),
        [text] => Ok(!text.is_empty()),
        ["-z", text] => Ok(text.is_empty()),
        ["-n", text] => Ok(!text.is_empty()),
        ["-f", path] => Ok(ctx.state.files.is_file(&ctx.state.path(path))),
        ["-x", path] => {
            let path = ctx.state.path(path);
            Ok(ctx.state.files.is_program(&path) || ctx.state.files.is_dir(&path))
        }
        ["-s", path] => Ok(ctx.state.files.size(&ctx.state.path(path)).is_some_and(|size| size > 0)),
        ["-d", path] => Ok(ctx.state.files.is_dir(&ctx.state.path(path))),
        ["-e", path] => {
            let path = ctx.state.path(path);
            Ok(ctx.state.files.is_dir(&path) || ctx.state.files.is_file(&path))
        }
        [a, "=" | "==", b] => Ok(a == b),
        [a, "!=", b] => Ok(a != b),
        [a, "-eq", b] => Ok(number(a)? == number(b)?),
        [a, "-ne", b] => Ok(number(a)? != number(b)?),
        [a, "-lt", b] => Ok(number(a)? < number(b)?),
        [a, "-le", b] => Ok(number(a)? <= number(b)?),
        [a, "-gt", b] => Ok(number(a)? > number(b)?),
        [a, "-ge", b] => Ok(number(a)? >= number(b)?),
        [op, _] => Err(format!("{op}: unary operator expected")),
        [_, op, _] => Err(format!("{op}: binary operator expected")),
        _ => Err("too many arguments".to_owned()),
    }
}

/// `read [-r] NAME...`
#[derive(Debug)]
pub struct Read(pub Vec<String>);

impl Program for Read {
    fn step(&mut self, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Step {
        let Some(line) = io.input.line() else {
            return if io.input.is_over() { Step::Done(1) } else { Step::Wait(None) };
        };
        let names: Vec<&String> = self.0.iter().filter(|a| !a.starts_with('-')).collect();
        let line = line.trim_end_matches('\n');
        let mut rest = line.trim();
        let reply = "REPLY".to_owned();
        let names = if names.is_empty() { vec![&reply] } else { names };
        for (i, name) in names.iter().enumerate() {
            let value = if i + 1 == names.len() {
                rest
            } else {
                let (word, tail) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
                rest = tail.trim_start();
                word
            };
            ctx.state.env.variables.insert((*name).clone(), value.to_owned());
        }
        Step::Done(0)
    }
}
