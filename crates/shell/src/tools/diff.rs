//! diff: two files line by line, in the normal and the unified form of GNU diff 3.8. Files have no times here, so the
//! header of the unified form has the present one.

use super::Refusal;
use super::clock::date_text;
use crate::differences::{CONTEXT, normal, script, unified};
use crate::run::{Ctx, Io, Program, Step};

#[derive(Debug, Default)]
struct Diff {
    files: Vec<String>,
    labels: Vec<String>,
    /// Lines around a change, in the unified form.
    unified: Option<usize>,
    brief: bool,
    report_same: bool,
    new_file: bool,
    ignore_case: bool,
    /// `-b`: amounts of blanks; `-w`: all of them.
    ignore_amount: bool,
    ignore_blanks: bool,
}

const TRY: &str = "diff: Try 'diff --help' for more information.";

pub fn build(args: Vec<String>, _ctx: &Ctx<'_>) -> Result<Box<dyn Program>, Refusal> {
    let wrong = |text: String| Refusal::new(2, format!("diff: {text}\n{TRY}"));
    let mut diff = Diff::default();
    let mut args = args.into_iter();
    let mut options = true;
    while let Some(arg) = args.next() {
        if !options || !arg.starts_with('-') || arg == "-" {
            diff.files.push(arg);
            continue;
        }
        let lines = |text: &str| -> Result<usize, Refusal> {
            text.parse().map_err(|_| wrong(format!("invalid context length '{text}'")))
        };
        match arg.split_once('=').map_or((arg.as_str(), None), |(n, v)| (n, Some(v))) {
            ("--", _) => options = false,
            ("--label", value) => {
                let value = value.map(str::to_owned).or_else(|| args.next());
                diff.labels.push(value.ok_or_else(|| wrong("option '--label' requires an argument".to_owned()))?);
            }
            ("--unified", value) => diff.unified = Some(value.map_or(Ok(CONTEXT), lines)?),
            ("--brief", _) => diff.brief = true,
            ("--report-identical-files", _) => diff.report_same = true,
            ("--new-file", _) => diff.new_file = true,
            ("--ignore-case", _) => diff.ignore_case = true,
            ("--ignore-space-change", _) => diff.ignore_amount = true,
            ("--ignore-all-space", _) => diff.ignore_blanks = true,
            ("--normal" | "--text" | "--minimal" | "--color", _) => {}
            (long, _) if long.starts_with("--") => return Err(wrong(format!("unrecognized option '{arg}'"))),
            _ => {
                let mut letters = arg.chars().skip(1);
                while let Some(letter) = letters.next() {
                    match letter {
                        'u' => diff.unified = Some(diff.unified.unwrap_or(CONTEXT)),
                        'U' => {
                            let rest: String = letters.by_ref().collect();
                            let value = if rest.is_empty() { args.next().unwrap_or_default() } else { rest };
                            diff.unified = Some(lines(&value)?);
                        }
                        'q' => diff.brief = true,
                        's' => diff.report_same = true,
                        'N' => diff.new_file = true,
                        'i' => diff.ignore_case = true,
                        'b' => diff.ignore_amount = true,
                        'w' => diff.ignore_blanks = true,
                        'a' | 'd' => {}
                        'c' | 'C' | 'y' | 'e' | 'n' | 'r' | 'B' => {
                            return Err(Refusal::new(1, format!("diff: -{letter} is not simulated: use -u")));
                        }
                        _ => return Err(wrong(format!("invalid option -- '{letter}'"))),
                    }
                }
            }
        }
    }
    match diff.files.as_slice() {
        [_, _] => Ok(Box::new(diff)),
        [.., last] if diff.files.len() < 2 => Err(wrong(format!("missing operand after '{last}'"))),
        [] => Err(wrong("missing operand after 'diff'".to_owned())),
        [_, _, extra, ..] | [.., extra] => Err(wrong(format!("extra operand '{extra}'"))),
    }
}

impl Diff {
    fn key(&self, line: &str) -> String {
        let mut key = line.to_owned();
        if self.ignore_blanks {
            key.retain(|c| !c.is_whitespace());
        } else if self.ignore_amount {
            let begins = if line.starts_with([' ', '\t']) { " " } else { "" };
            key = format!("{begins}{}", line.split_whitespace().collect::<Vec<_>>().join(" "));
        }
        if self.ignore_case { key.to_lowercase() } else { key }
    }

    /// The file that an operand means: in a directory it has the other's name.
    fn path(&self, name: &str, other: &str, ctx: &Ctx<'_>) -> String {
        if name != "-" && ctx.state.files.is_dir(&ctx.state.path(name)) {
            return format!("{}/{}", name.trim_end_matches('/'), other.rsplit('/').next().unwrap_or(other));
        }
        name.to_owned()
    }
}

impl Program for Diff {
    fn step(&mut self, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Step {
        let [a, b] = self.files.as_slice() else { return Step::Done(2) };
        let is_dir = |n: &str| n != "-" && ctx.state.files.is_dir(&ctx.state.path(n));
        if is_dir(a) && is_dir(b) {
            io.err("diff: directories are not compared here: name two files\n");
            return Step::Done(1);
        }
        if (a == "-" || b == "-") && !io.input.ended {
            return Step::Wait(None);
        }
        let input = io.input.all().unwrap_or_default();
        let names = [self.path(a, b, ctx), self.path(b, a, ctx)];
        let mut texts = Vec::new();
        let mut missing = 0;
        for name in &names {
            match ctx.state.files.read(&ctx.state.path(name)) {
                _ if name == "-" => texts.push(input.clone()),
                _ if name == "/dev/null" => texts.push(String::new()),
                Some(text) => texts.push(text.to_owned()),
                None if self.new_file => texts.push(String::new()),
                None => {
                    io.err(&format!("diff: {name}: No such file or directory\n"));
                    missing += 1;
                }
            }
        }
        let ([old, new], [left, right], 0) = (texts.as_slice(), &names, missing) else { return Step::Done(2) };
        let script = script(old, new, |line| self.key(line));
        let changes = match self.unified {
            Some(lines) => unified(&script, lines),
            None => normal(&script),
        };
        if changes.is_empty() {
            if self.report_same {
                io.out(&format!("Files {left} and {right} are identical\n"));
            }
            return Step::Done(0);
        }
        if self.brief {
            io.out(&format!("Files {left} and {right} differ\n"));
            return Step::Done(1);
        }
        if self.unified.is_some() {
            let options = &ctx.state.options;
            let now = ctx.session.snapshot().unix_ms();
            let stamp = date_text(now, options.utc_offset_min, &options.zone, "%F %T.%N %z");
            let mut labels = self.labels.iter();
            for (mark, name) in [("---", left), ("+++", right)] {
                let head = labels.next().cloned().unwrap_or_else(|| format!("{name}\t{stamp}"));
                io.out(&format!("{mark} {head}\n"));
            }
        }
        io.out(&changes);
        Step::Done(1)
    }
}
