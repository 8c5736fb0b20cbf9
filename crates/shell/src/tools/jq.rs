//! jq and yq: options and inputs; the filter itself is run by the attached part ([`crate::Extras`]).

use super::Refusal;
use crate::extras::{Query, Want};
use crate::run::{Ctx, Io, Program, Step};

#[derive(Debug)]
struct Jq {
    query: Query,
    files: Vec<String>,
    /// yq: YAML in, and YAML out unless JSON was asked for.
    yaml: bool,
    json_out: bool,
    in_place: bool,
}

const USAGE: &str = "jq - commandline JSON processor [version 1.6]\n\nUsage:\tjq [options] <jq filter> [file...]\n\tjq [options] --args <jq filter> [strings...]\n\tjq [options] --jsonargs <jq filter> [JSON_TEXTS...]";

pub fn jq(args: Vec<String>, ctx: &Ctx<'_>) -> Result<Box<dyn Program>, Refusal> {
    let wrong = |text: String| {
        Refusal::new(
            2,
            format!(
                "jq: {text}\nUse jq --help for help with command-line options,\nor see the jq manpage, or online docs  at https://stedolan.github.io/jq"
            ),
        )
    };
    let mut query = new_query(ctx);
    let mut filter = None;
    let mut files = Vec::new();
    let mut args = args.into_iter();
    let mut options = true;
    while let Some(arg) = args.next() {
        if !options || !arg.starts_with('-') || arg == "-" {
            match filter {
                None => filter = Some(arg),
                Some(_) => files.push(arg),
            }
            continue;
        }
        let mut value = |n: usize| -> Result<Vec<String>, Refusal> {
            let given: Vec<String> = args.by_ref().take(n).collect();
            if given.len() == n { Ok(given) } else { Err(wrong(format!("{arg} takes {n} parameters"))) }
        };
        match arg.as_str() {
            "--" => options = false,
            "--arg" | "--argjson" => {
                let given = value(2)?;
                if let [name, text] = given.as_slice() {
                    let text = if arg == "--arg" { objects::json!(text).to_string() } else { text.clone() };
                    query.named.push((name.clone(), text));
                }
            }
            "--indent" => {
                let given = value(1)?;
                let n = given.first().and_then(|n| n.parse::<usize>().ok()).filter(|n| *n <= 7);
                query.indent = Some(n.ok_or_else(|| wrong("Cannot indent more than 7 characters".to_owned()))?);
                query.compact = query.indent == Some(0);
            }
            "--tab" => query.indent = None,
            "--raw-output" => query.raw = true,
            "--join-output" => query.join = true,
            "--compact-output" => query.compact = true,
            "--null-input" => query.null_input = true,
            "--raw-input" => query.raw_input = true,
            "--slurp" => query.slurp = true,
            "--sort-keys" => query.sort_keys = true,
            "--exit-status" => query.exit_status = true,
            "--monochrome-output" | "--color-output" | "--unbuffered" => {}
            "--version" => return Ok(Box::new(super::Say(vec![(crate::Stream::Stdout, "jq-1.6\n".to_owned())], 0))),
            "--help" | "-h" => return Ok(Box::new(super::Say(vec![(crate::Stream::Stdout, format!("{USAGE}\n"))], 0))),
            long if long.starts_with("--") => return Err(wrong(format!("Unknown arguments\n{long}"))),
            short => {
                for letter in short.chars().skip(1) {
                    match letter {
                        'r' => query.raw = true,
                        'j' => query.join = true,
                        'c' => query.compact = true,
                        'n' => query.null_input = true,
                        'R' => query.raw_input = true,
                        's' => query.slurp = true,
                        'S' => query.sort_keys = true,
                        'e' => query.exit_status = true,
                        'M' | 'C' => {}
                        _ => return Err(Refusal::new(2, format!("Unknown arguments\n{USAGE}"))),
                    }
                }
            }
        }
    }
    let Some(filter) = filter else { return Err(Refusal::new(2, USAGE)) };
    query.filter = filter;
    Ok(Box::new(Jq { query, files, yaml: false, json_out: true, in_place: false }))
}

/// yq as mikefarah's version 4 is called: `yq [eval] [-i] [-o json] EXPRESSION [FILE]`. Expressions are jq's, which its
/// own are for paths, `select`, `map` and assignments.
pub fn yq(args: Vec<String>, ctx: &Ctx<'_>) -> Result<Box<dyn Program>, Refusal> {
    let mut query = new_query(ctx);
    let (mut json_out, mut in_place) = (false, false);
    let mut operands = Vec::new();
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "-i" | "--inplace" => in_place = true,
            "-n" | "--null-input" => query.null_input = true,
            "-r" | "--unwrapScalar" | "-P" | "--prettyPrint" | "-M" | "-C" | "-y" => {}
            "-j" | "-o=json" | "-ojson" | "--output-format=json" | "-oj" => json_out = true,
            "-o=yaml" | "-oyaml" | "--output-format=yaml" | "-oy" => json_out = false,
            "-o" | "--output-format" => json_out = matches!(args.next().as_deref(), Some("json" | "j")),
            "-e" | "--exit-status" => query.exit_status = true,
            "eval" | "e" if operands.is_empty() => {}
            "eval-all" | "ea" if operands.is_empty() => {}
            a if a.starts_with('-') && a.len() > 1 => {
                return Err(Refusal::new(1, format!("Error: unknown flag: {a}\nUsage:\n  yq [flags]")));
            }
            _ => operands.push(arg),
        }
    }
    let expression = match operands.first() {
        // A lone file is printed as it is.
        Some(first) if ctx.state.files.is_file(&ctx.state.path(first)) => ".".to_owned(),
        Some(_) => operands.remove(0),
        None => ".".to_owned(),
    };
    query.filter = expression;
    Ok(Box::new(Jq { query, files: operands, yaml: true, json_out, in_place }))
}

fn new_query(ctx: &Ctx<'_>) -> Query {
    let env = &ctx.state.env;
    let exported = env.exported.iter().filter_map(|n| Some((n.clone(), env.variables.get(n)?.clone())));
    Query { indent: Some(2), env: exported.collect(), now_ms: ctx.session.snapshot().unix_ms(), ..Query::default() }
}

impl Program for Jq {
    fn step(&mut self, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Step {
        let name = if self.yaml { "yq" } else { "jq" };
        let mut text = String::new();
        if self.query.null_input && self.files.is_empty() {
            // Nothing is read.
        } else if self.files.is_empty() {
            if !io.input.ended {
                return Step::Wait(None);
            }
        } else {
            for file in &self.files {
                match ctx.state.files.read(&ctx.state.path(file)) {
                    Some(content) => text.push_str(content),
                    None => {
                        io.err(&match self.yaml {
                            true => format!("Error: open {file}: no such file or directory\n"),
                            false => format!("jq: error: Could not open file {file}: No such file or directory\n"),
                        });
                        return Step::Done(if self.yaml { 1 } else { 2 });
                    }
                }
            }
        }
        let Some(extras) = ctx.state.extras else {
            ctx.state.wants = Some(Want::Extras);
            return Step::Wait(None);
        };
        if self.files.is_empty() && !self.query.null_input {
            text = io.input.all().unwrap_or_default();
        }
        self.query.input = if self.yaml {
            let stream = objects::yaml::parse(&text);
            if let Some(error) = stream.error {
                let file = self.files.first().map_or("-", String::as_str);
                io.err(&format!("Error: bad file '{file}': {}\n", error.text));
                return Step::Done(1);
            }
            let values: Vec<String> = stream.documents.iter().map(|d| d.value.to_string()).collect();
            values.join("\n")
        } else {
            text
        };
        let mut query = std::mem::take(&mut self.query);
        if self.yaml && !self.json_out {
            query.compact = true;
        }
        let answer = (extras.jq)(&query);
        ctx.state.budget.spend_bytes(answer.work);
        let out = if self.yaml && !self.json_out { as_yaml(&answer.stdout) } else { answer.stdout };
        let failed = !answer.stderr.is_empty();
        if self.in_place && !failed {
            if let Some(file) = self.files.first() {
                let path = ctx.state.path(file);
                if let Err(why) = ctx.state.files.write(&path, &out, false) {
                    io.err(&format!("Error: {name}: {file}: {why}\n"));
                    return Step::Done(1);
                }
            }
        } else {
            io.out(&out);
        }
        io.err(&if self.yaml { answer.stderr.replace("jq: error", "Error") } else { answer.stderr });
        Step::Done(if self.yaml && failed { 1 } else { answer.exit })
    }
}

/// JSON values, one a line, as YAML documents; scalars stand bare.
fn as_yaml(lines: &str) -> String {
    let mut out = String::new();
    for (i, line) in lines.lines().enumerate() {
        let value: objects::Value = serde_json::from_str(line).unwrap_or_default();
        match &value {
            objects::Value::Object(_) | objects::Value::Array(_) => {
                if i > 0 {
                    out.push_str("---\n");
                }
                out.push_str(&objects::yaml::to_yaml(&value));
            }
            _ => out.push_str(&format!("{}\n", value.as_str().map_or_else(|| line.to_owned(), str::to_owned))),
        }
    }
    out
}
