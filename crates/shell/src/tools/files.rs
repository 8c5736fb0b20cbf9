//! Commands on the virtual home.

use super::filter::Options;
use crate::run::{Ctx, Files, Io};

fn parse(name: &str, args: &[String], flags: &str, io: &mut Io<'_>) -> Option<Options> {
    Options::parse(name, args, flags, "", &[("parents", 'p'), ("recursive", 'r'), ("force", 'f'), ("all", 'a')])
        .map_err(|refusal| io.err(&format!("{}\n", refusal.message)))
        .ok()
}

pub fn cd(args: &[String], io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> i32 {
    let old = ctx.state.env.cwd.clone();
    let to = match args.first().map(String::as_str) {
        None | Some("--") => ctx.state.env.home.clone(),
        Some("-") => ctx.state.variable("OLDPWD").unwrap_or_else(|| old.clone()),
        Some(path) => path.to_owned(),
    };
    let path = ctx.state.path(&to);
    if !ctx.state.files.is_dir(&path) {
        let why = if ctx.state.files.is_file(&path) { "Not a directory" } else { "No such file or directory" };
        io.err(&format!("bash: cd: {to}: {why}\n"));
        return 1;
    }
    if args.first().is_some_and(|a| a == "-") {
        io.out(&format!("{path}\n"));
    }
    ctx.state.env.variables.insert("OLDPWD".to_owned(), old);
    ctx.state.env.variables.insert("PWD".to_owned(), path.clone());
    ctx.state.env.cwd = path;
    0
}

pub fn pwd(_args: &[String], io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> i32 {
    io.out(&format!("{}\n", ctx.state.env.cwd));
    0
}

pub fn ls(args: &[String], io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> i32 {
    let Some(mut o) = parse("ls", args, "laAh1tr", io) else {
        return 2;
    };
    if o.operands.is_empty() {
        o.operands.push(ctx.state.env.cwd.clone());
    }
    let mut exit = 0;
    for operand in &o.operands {
        let path = ctx.state.path(operand);
        let files = &ctx.state.files;
        let names: Vec<(String, String)> = if files.is_dir(&path) {
            files.list(&path).into_iter().map(|n| (n.clone(), Files::absolute(&path, &n))).collect()
        } else if files.is_file(&path) {
            vec![(operand.clone(), path)]
        } else {
            io.err(&format!("ls: cannot access '{operand}': No such file or directory\n"));
            exit = 2;
            continue;
        };
        let names: Vec<_> = names.into_iter().filter(|(n, _)| o.has('a') || o.has('A') || !n.starts_with('.')).collect();
        if o.has('l') {
            io.out(&format!("total {}\n", names.len() * 4));
            for (name, path) in names {
                let (mode, size) = match files.size(&path) {
                    Some(size) if files.is_program(&path) => ("-rwxr-xr-x", size),
                    Some(size) => ("-rw-r--r--", size),
                    None => ("drwxr-xr-x", 4096),
                };
                io.out(&format!("{mode} 1 learner learner {size:>6} {name}\n"));
            }
        } else if !names.is_empty() {
            let names: Vec<String> = names.into_iter().map(|(n, _)| n).collect();
            let separator = if io.to_terminal && !o.has('1') { "  " } else { "\n" };
            io.out(&format!("{}\n", names.join(separator)));
        }
    }
    exit
}

pub fn mkdir(args: &[String], io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> i32 {
    let Some(o) = parse("mkdir", args, "pv", io) else {
        return 1;
    };
    if o.operands.is_empty() {
        io.err("mkdir: missing operand\nTry 'mkdir --help' for more information.\n");
        return 1;
    }
    let mut exit = 0;
    for operand in &o.operands {
        let path = ctx.state.path(operand);
        if let Err(why) = ctx.state.files.make_dir(&path, o.has('p')) {
            io.err(&format!("mkdir: cannot create directory ‘{operand}’: {why}\n"));
            exit = 1;
        }
    }
    exit
}

pub fn rm(args: &[String], io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> i32 {
    let Some(o) = parse("rm", args, "rRfvi", io) else {
        return 1;
    };
    if o.operands.is_empty() && !o.has('f') {
        io.err("rm: missing operand\nTry 'rm --help' for more information.\n");
        return 1;
    }
    let mut exit = 0;
    for operand in &o.operands {
        let path = ctx.state.path(operand);
        match ctx.state.files.remove(&path, o.has('r') || o.has('R')) {
            Err("No such file or directory") if o.has('f') => {}
            Err(why) => {
                io.err(&format!("rm: cannot remove '{operand}': {why}\n"));
                exit = 1;
            }
            Ok(()) => {}
        }
    }
    exit
}

pub fn touch(args: &[String], io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> i32 {
    let mut exit = 0;
    for operand in args.iter().filter(|a| !a.starts_with('-')) {
        let path = ctx.state.path(operand);
        if let Err(why) =
            ctx.state.files.write(&path, "", true).or_else(|why| if why == "Is a directory" { Ok(()) } else { Err(why) })
        {
            io.err(&format!("touch: cannot touch '{operand}': {why}\n"));
            exit = 1;
        }
    }
    exit
}

/// `chmod +x FILE...`, `chmod 755 FILE...`: of a file's mode only whether its owner may run it is kept.
pub fn chmod(args: &[String], io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> i32 {
    let Some((mode, files)) = args.split_first().filter(|(_, files)| !files.is_empty()) else {
        let what = args.first().map_or("missing operand".to_owned(), |mode| format!("missing operand after ‘{mode}’"));
        io.err(&format!("chmod: {what}\nTry 'chmod --help' for more information.\n"));
        return 1;
    };
    let Some(change) = run_right(mode) else {
        io.err(&format!("chmod: invalid mode: ‘{mode}’\nTry 'chmod --help' for more information.\n"));
        return 1;
    };
    let mut exit = 0;
    for name in files {
        let path = ctx.state.path(name);
        if let Some(may) = change.filter(|_| ctx.state.files.is_file(&path)) {
            ctx.state.files.set_program(&path, may);
        } else if !ctx.state.files.is_file(&path) && !ctx.state.files.is_dir(&path) {
            io.err(&format!("chmod: cannot access '{name}': No such file or directory\n"));
            exit = 1;
        }
    }
    exit
}

/// What a mode says about the owner's right to run a file, if anything; `None` where it is no mode.
fn run_right(mode: &str) -> Option<Option<bool>> {
    if mode.chars().all(|c| c.is_digit(8)) && (1..=4).contains(&mode.len()) {
        return Some(Some(u32::from_str_radix(mode, 8).ok()? & 0o100 != 0));
    }
    let mut may = None;
    for clause in mode.split(',') {
        let (who, change) = clause.split_at(clause.find(['+', '-', '='])?);
        let (does, rights) = change.split_at(1);
        if !who.chars().all(|c| "ugoa".contains(c)) || !rights.chars().all(|c| "rwxX".contains(c)) {
            return None;
        }
        let owner = who.is_empty() || who.contains(['u', 'a']);
        match (does, rights.contains('x')) {
            ("+", true) if owner => may = Some(true),
            ("-", true) if owner => may = Some(false),
            ("=", x) if owner => may = Some(x),
            _ => {}
        }
    }
    Some(may)
}

fn copy(name: &str, args: &[String], keep: bool, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> i32 {
    let operands: Vec<&String> = args.iter().filter(|a| !a.starts_with('-')).collect();
    let [from, to] = operands.as_slice() else {
        io.err(&format!("{name}: missing file operand\nTry '{name} --help' for more information.\n"));
        return 1;
    };
    let source = ctx.state.path(from);
    let Some(text) = ctx.state.files.read(&source).map(str::to_owned) else {
        io.err(&format!("{name}: cannot stat '{from}': No such file or directory\n"));
        return 1;
    };
    let mut target = ctx.state.path(to);
    if ctx.state.files.is_dir(&target) {
        let base = source.rsplit('/').next().unwrap_or_default();
        target = Files::absolute(&target, base);
    }
    if target == source {
        io.err(&format!("{name}: '{from}' and '{to}' are the same file\n"));
        return 1;
    }
    if let Err(why) = ctx.state.files.write(&target, &text, false) {
        io.err(&format!("{name}: cannot create regular file '{to}': {why}\n"));
        return 1;
    }
    let may = ctx.state.files.is_program(&source);
    ctx.state.files.set_program(&target, may);
    if !keep {
        let _removed = ctx.state.files.remove(&source, false);
    }
    0
}

pub fn cp(args: &[String], io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> i32 {
    copy("cp", args, true, io, ctx)
}

pub fn mv(args: &[String], io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> i32 {
    copy("mv", args, false, io, ctx)
}
