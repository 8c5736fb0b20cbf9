//! The table of commands, and what bash says about those that are not in it.

mod absent;
mod awk;
mod aws;
mod clock;
mod columns;
mod contexts;
mod diff;
#[cfg(test)]
mod docs;
mod encode;
mod ends;
mod files;
mod filter;
mod grep;
mod helm;
mod help;
mod jobs;
mod jq;
mod order;
mod own;
mod pattern;
mod query;
mod sed;
mod spot;
mod stern;
mod text;
mod timeout;
mod variables;
mod watch;
mod xargs;

use crate::job::Stream;
use crate::options::Lang;
use crate::run::{self, Ctx, Io, Program, Step};
use std::fmt;

pub use clock::date_text;
pub use encode::base64_of;
pub use own::COMMANDS as OWN_COMMANDS;

/// Builds the program of a command from its arguments; a usage error comes back as a message.
type Build = fn(Vec<String>, &Ctx<'_>) -> Result<Box<dyn Program>, Refusal>;

/// A command of the shell.
pub struct Tool {
    pub name: &'static str,
    /// One line for `help`.
    pub about: &'static str,
    build: Build,
}

impl fmt::Debug for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// A command line that a tool does not take: its message for standard error and its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub message: String,
    pub exit: i32,
}

impl Refusal {
    pub fn new(exit: i32, message: impl Into<String>) -> Refusal {
        Refusal { message: message.into(), exit }
    }
}

macro_rules! tools {
    ($($name:literal $about:literal $build:expr;)*) => {
        /// Every command, in the order of `help`.
        pub static TOOLS: &[Tool] = &[$(Tool { name: $name, about: $about, build: $build }),*];
    };
}

tools! {
    "kubectl" "talk to the cluster (kubectl --help)" kubectl;
    "eks-node-viewer" "nodes, their requests and their price; q leaves" |args, ctx| crate::viewer::build(args, ctx);
    "kubens" "list namespaces, or change to one" |args, _| call(contexts::kubens, args);
    "kubectx" "list contexts, or change to one" |args, _| call(contexts::kubectx, args);
    "ec2-spot-interrupter" "the two-minute notice for spot instances (--instance-ids)" spot::build;
    "aws" "instances as EC2 describes them (ec2 describe-instances)" |args, _| call(aws::aws, args);
    "helm" "Karpenter as a release (helm list -A, helm upgrade karpenter ... --set)" |args, _| call(helm::helm, args);
    "stern" "logs of all pods whose name matches (stern QUERY -n NAMESPACE)" stern::build;
    "nodewright" "the playground's own commands" own::build;
    "watch" "run a command again and again" watch::build;
    "sleep" "let simulated time pass" clock::sleep;
    "timeout" "run a command for a time at most" timeout::build;
    "date" "the simulated date and time" |args, _| call(clock::date, args);
    "grep" "lines that match a pattern" grep::build;
    "egrep" "grep -E" grep::build_extended;
    "cat" "print files or input" text::cat;
    "head" "the first lines" ends::head;
    "tail" "the last lines" ends::tail;
    "wc" "count lines, words, bytes" text::wc;
    "sort" "sort lines" order::sort;
    "uniq" "drop repeated lines" order::uniq;
    "cut" "columns of lines" columns::cut;
    "tr" "translate characters" columns::tr;
    "tee" "copy input to files" text::tee;
    "sed" "edit lines (s///, p, d)" sed::build;
    "awk" "columns of lines, with patterns" awk::build;
    "jq" "pick from JSON and change it" jq::jq;
    "yq" "pick from YAML and change it" jq::yq;
    "xargs" "make arguments of input" xargs::build;
    "base64" "encode or decode" encode::base64;
    "envsubst" "put variables into a text" encode::envsubst;
    "column" "lines as a table (-t)" encode::column;
    "comm" "what two sorted files share" |args, _| call(encode::comm, args);
    "tac" "lines from the last to the first" encode::tac;
    "rev" "lines from right to left" encode::rev;
    "basename" "the last part of a path" |args, _| call(encode::basename, args);
    "dirname" "a path without its last part" |args, _| call(encode::dirname, args);
    "less" "print files or input" text::cat;
    "more" "print files or input" text::cat;
    "seq" "numbers in a row" |args, _| call(text::seq, args);
    "echo" "print arguments" |args, _| call(variables::echo, args);
    "printf" "print by a format" |args, _| call(variables::printf, args);
    "export" "set variables" |args, _| call(variables::export, args);
    "unset" "forget variables" |args, _| call(variables::unset, args);
    "env" "list variables" |args, _| call(variables::env, args);
    "printenv" "list variables" |args, _| call(variables::env, args);
    "alias" "list or set aliases" |args, _| call(variables::alias, args);
    "unalias" "forget aliases" |args, _| call(variables::unalias, args);
    "history" "lines typed so far" |args, _| call(variables::history, args);
    "test" "compare strings, numbers, files" |args, _| call(variables::test, args);
    "[" "compare strings, numbers, files" |args, _| call(variables::test, args);
    "[[" "compare strings, numbers, files" |args, _| call(variables::test, args);
    "read" "read a line into variables" |args, _| Ok(Box::new(variables::Read(args)));
    "true" "succeed" |args, _| call(|_, _, _| 0, args);
    ":" "succeed" |args, _| call(|_, _, _| 0, args);
    "false" "fail" |args, _| call(|_, _, _| 1, args);
    "bash" "run a script, or lines (-c), in a shell of its own" run::bash;
    "sh" "bash" run::bash;
    "source" "run a file's lines in this shell" |args, ctx| run::source("source", &args, ctx);
    "." "run a file's lines in this shell" |args, ctx| run::source(".", &args, ctx);
    "eval" "run words as a line" run::eval;
    "exit" "leave the script" |args, _| call(variables::exit, args);
    "return" "leave a function" |args, _| call(variables::leave_function, args);
    "local" "variables of a function" |args, _| call(crate::run::local, args);
    "set" "options of the shell (-e, -o pipefail)" |args, _| call(variables::set, args);
    "shift" "drop the first argument" |args, _| call(variables::shift, args);
    "break" "leave a loop" |args, _| call(variables::leave_loop, args);
    "continue" "next round of a loop" |args, _| call(variables::next_round, args);
    "jobs" "what runs in the background (behind `&`)" |args, _| call(jobs::jobs, args);
    "wait" "wait for what runs in the background" jobs::wait;
    "fg" "take a job to the foreground" jobs::fg;
    "bg" "leave a job in the background" |args, _| call(jobs::bg, args);
    "kill" "end a job (%1) or process" |args, _| call(jobs::kill, args);
    "disown" "let a job run on without the shell" |args, _| call(jobs::disown, args);
    "time" "how long a pipeline takes, in simulated time" clock::time;
    "diff" "compare two files (-u)" diff::build;
    "cd" "change directory" |args, _| call(files::cd, args);
    "pwd" "the current directory" |args, _| call(files::pwd, args);
    "ls" "list files" |args, _| call(files::ls, args);
    "mkdir" "make directories" |args, _| call(files::mkdir, args);
    "rm" "remove files" |args, _| call(files::rm, args);
    "chmod" "make a file a program (+x), or none (-x)" |args, _| call(files::chmod, args);
    "touch" "make empty files" |args, _| call(files::touch, args);
    "cp" "copy a file" |args, _| call(files::cp, args);
    "mv" "rename a file" |args, _| call(files::mv, args);
    "clear" "empty the screen" |args, _| call(help::clear, args);
    "which" "where a command is" |args, _| call(help::which, args);
    "type" "what a command is" |args, _| call(help::type_of, args);
    "help" "this list" |args, _| call(help::help, args);
    "man" "a line about a command" |args, _| call(help::man, args);
}

/// kubectl, and what others have made subcommands of it.
fn kubectl(args: Vec<String>, _ctx: &Ctx<'_>) -> Result<Box<dyn Program>, Refusal> {
    match args.split_first() {
        Some((first, rest)) if first == "ns" => call(contexts::kubens, rest.to_vec()),
        Some((first, rest)) if first == "ctx" => call(contexts::kubectx, rest.to_vec()),
        _ => Ok(crate::kubectl::program(args)),
    }
}

pub fn find(name: &str) -> Option<&'static Tool> {
    TOOLS.iter().find(|t| t.name == name)
}

/// What starting a command counts for, in frames: those that look through the whole cluster cost more than others.
pub fn cost(name: &str) -> usize {
    const CLUSTER: [&str; 8] =
        ["kubectl", "kubens", "kubectx", "eks-node-viewer", "aws", "helm", "ec2-spot-interrupter", "stern"];
    if CLUSTER.contains(&base(name)) { 512 } else { 16 }
}

/// A command's name without the folder in which it is.
fn base(name: &str) -> &str {
    ["/usr/local/bin/", "/usr/bin/", "/bin/"].iter().find_map(|p| name.strip_prefix(p)).unwrap_or(name)
}

/// Builtins of the shell, which are no programs that could be run.
const BUILTINS: [&str; 21] = [
    ".", ":", "[[", "alias", "break", "cd", "continue", "eval", "exit", "export", "help", "history", "local", "read", "return",
    "set", "shift", "source", "type", "unalias", "unset",
];

/// Whether the shell does it itself, and no program.
pub fn is_builtin(name: &str) -> bool {
    BUILTINS.contains(&name)
}

/// The program for a command's name, or one that says what bash says.
pub fn launch(name: &str, args: Vec<String>, ctx: &Ctx<'_>) -> Box<dyn Program> {
    let built = match find(base(name)) {
        Some(tool) => Some((tool.build)(args, ctx)),
        None => run::program(name, &args, ctx.state),
    };
    match built.unwrap_or_else(|| Ok(Box::new(unknown(name, ctx)))) {
        Ok(program) => program,
        Err(refusal) => Box::new(Say(vec![(Stream::Stderr, format!("{}\n", refusal.message))], refusal.exit)),
    }
}

/// Runs a shell text as a program of its own (`watch`, `xargs`).
pub fn shell(text: &str, ctx: &Ctx<'_>) -> Option<crate::run::Machine> {
    crate::lang::parse(text, &ctx.state.aliases).map(crate::run::Machine::new)
}

fn unknown(name: &str, ctx: &Ctx<'_>) -> Say {
    let lang = ctx.state.options.lang;
    if name.contains('/') {
        let path = ctx.state.path(name);
        let (why, exit) = if ctx.state.files.is_dir(&path) {
            ("Is a directory", 126)
        } else if ctx.state.files.is_file(&path) {
            ("Permission denied", 126)
        } else {
            ("No such file or directory", 127)
        };
        let mut lines = vec![(Stream::Stderr, format!("bash: {name}: {why}\n"))];
        if name.starts_with("//") {
            let hint = match lang {
                Lang::En => "`//` begins no remark in a shell (`#` does): you can skip such lines",
                Lang::Ko => "설명 줄이라 건너뛰어도 됩니다 (셸의 주석은 `//`가 아니라 `#`입니다)",
            };
            lines.push((Stream::Hint, format!("{hint}\n")));
        }
        return Say(lines, exit);
    }
    // Real programs that are not simulated say so; they are no slip of a finger.
    if let Some((en, ko)) = absent::reason(name) {
        let mut lines = vec![(Stream::Stderr, format!("{name}: not simulated: {en}\n"))];
        lines.extend((lang == Lang::Ko).then(|| (Stream::Hint, format!("{ko}\n"))));
        return Say(lines, 1);
    }
    let mut lines = vec![(Stream::Stderr, format!("bash: {name}: command not found\n"))];
    let near = near(name, TOOLS.iter().map(|t| t.name));
    let hint = match (near, lang) {
        (Some(near), Lang::En) => Some(format!("did you mean `{near}`?")),
        (Some(near), Lang::Ko) => Some(format!("혹시 `{near}`인가요?")),
        (None, Lang::En) => Some("`help` lists the commands that are here".to_owned()),
        (None, Lang::Ko) => Some("쓸 수 있는 명령은 `help`로 볼 수 있습니다".to_owned()),
    };
    lines.extend(hint.map(|h| (Stream::Hint, format!("{h}\n"))));
    Say(lines, 127)
}

/// The nearest of `names` at an edit distance that a slip of the finger explains.
pub fn near<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let most = if word.chars().count() <= 4 { 1 } else { 2 };
    names.map(|n| (distance(word, n), n)).filter(|(d, n)| *d <= most && n.len() > 1).min().map(|(_, n)| n)
}

/// Edits (insert, delete, replace) between two words.
pub fn distance(a: &str, b: &str) -> usize {
    if a.len().abs_diff(b.len()) > 8 || a.len() > 64 {
        return usize::MAX;
    }
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut next = vec![i + 1];
        for (j, cb) in b.iter().enumerate() {
            let at = |row: &[usize], k: usize| row.get(k).copied().unwrap_or(usize::MAX);
            let replace = at(&row, j) + usize::from(ca != *cb);
            next.push(replace.min(at(&row, j + 1) + 1).min(at(&next, j) + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or(usize::MAX)
}

/// A program that is over at once.
struct Call {
    run: fn(&[String], &mut Io<'_>, &mut Ctx<'_>) -> i32,
    args: Vec<String>,
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Call({:?})", self.args)
    }
}

impl Program for Call {
    fn step(&mut self, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Step {
        Step::Done((self.run)(&self.args, io, ctx))
    }
}

fn call(run: fn(&[String], &mut Io<'_>, &mut Ctx<'_>) -> i32, args: Vec<String>) -> Result<Box<dyn Program>, Refusal> {
    Ok(Box::new(Call { run, args }))
}

/// Fixed lines and a status.
#[derive(Debug)]
pub struct Say(pub Vec<(Stream, String)>, pub i32);

impl Program for Say {
    fn step(&mut self, io: &mut Io<'_>, _ctx: &mut Ctx<'_>) -> Step {
        for (stream, text) in &self.0 {
            match stream {
                Stream::Stdout => io.out(text),
                Stream::Stderr => io.err(text),
                Stream::Hint => io.hint(text.trim_end()),
            }
        }
        Step::Done(self.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guesses_slips_of_the_finger() {
        for (word, want) in [("kubctl", Some("kubectl")), ("grpe", None), ("gerp", None), ("slep", Some("sleep")), ("zzz", None)]
        {
            assert_eq!(near(word, TOOLS.iter().map(|t| t.name)), want, "{word}");
        }
    }
}
