//! jq, by the jaq interpreter with limits ([`super::guard`]), with jq's own options, messages and statuses.

use super::guard::{self, HasLimits, Limits, VALUE_DEPTH};
use jaq_core::load::{Arena, File, Lexer, Loader, Parser, parse::Def, parse::Term};
use jaq_core::native::{Filter, run as native, v};
use jaq_core::{Compiler, Ctx, DataT, Error, Exn, Lut, RunPtr, Vars, data::HasLut};
use jaq_json::{Val, read, write};
use jaq_std::input::{self, HasInputs, Inputs, RcIter};

/// What one call of jq is to do.
#[derive(Clone, Debug, Default)]
pub struct Query {
    pub filter: String,
    /// JSON values one after another.
    pub input: String,
    pub null_input: bool,
    pub raw_input: bool,
    pub slurp: bool,
    /// Strings without their quotes; `join` without newlines too.
    pub raw: bool,
    pub join: bool,
    pub compact: bool,
    pub sort_keys: bool,
    /// Spaces of one level; `None` for a tab.
    pub indent: Option<usize>,
    /// `-e`: the status tells of the last output.
    pub exit_status: bool,
    /// `--arg`, `--argjson`: names and JSON texts.
    pub named: Vec<(String, String)>,
    /// Exported variables.
    pub env: Vec<(String, String)>,
    pub now_ms: i64,
}

/// What it printed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    pub stdout: String,
    pub stderr: String,
    pub exit: i32,
    /// What it cost, as so many bytes.
    pub work: usize,
}

/// Most bytes that one call prints.
const OUTPUT: usize = 8 << 20;
/// What a part of a value counts for, in bytes.
const PART: usize = 10;

struct Kind;

struct Data<'a> {
    lut: &'a Lut<Kind>,
    inputs: Inputs<'a, Val>,
    limits: &'a Limits,
    env: &'a Val,
    now: f64,
}

impl DataT for Kind {
    type V<'a> = Val;
    type Data<'a> = &'a Data<'a>;
}

impl<'a> HasLut<'a, Kind> for &'a Data<'a> {
    fn lut(&self) -> &'a Lut<Kind> {
        self.lut
    }
}

impl<'a> HasInputs<'a, Val> for &'a Data<'a> {
    fn inputs(&self) -> Inputs<'a, Val> {
        self.inputs
    }
}

impl<'a> HasLimits<'a> for &'a Data<'a> {
    fn limits(&self) -> &'a Limits {
        self.limits
    }
}

/// What jq defines and jaq leaves to its owner.
const DEFINITIONS: &str = r#"
def @csv: [.[] | if . == null then "" elif isboolean or isnumber then tostring
  else "\"" + gsub("\""; "\"\"") + "\"" end] | join(",");
def @tsv: [.[] | if . == null then "" elif isboolean or isnumber then tostring
  else gsub("\\\\"; "\\\\") | gsub("\t"; "\\t") | gsub("\n"; "\\n") | gsub("\r"; "\\r") end] | join("\t");
def last(f): reduce f as $x (null; $x);
def IN(s): any(s == .; .);
def IN(src; s): any(src == s; .);
def INDEX(stream; f): reduce stream as $row ({}; .[$row | f | tostring] |= $row);
def INDEX(f): INDEX(.[]; f);
def ascii: [.] | implode;
"#;

/// The clock and the environment are the shell's own.
fn own() -> [Filter<RunPtr<Kind>>; 2] {
    [
        ("env", v(0), |cv| Box::new(std::iter::once(Ok(cv.0.data().env.clone())))),
        ("now", v(0), |cv| Box::new(std::iter::once(Ok(Val::from(cv.0.data().now))))),
    ]
}

pub fn run(query: &Query) -> Answer {
    let mut answer = Answer::default();
    let limits = Limits::default();
    let failed = match prepare(query) {
        Ok((filter, inputs)) => execute(query, &filter, inputs, &limits, &mut answer),
        Err((message, exit)) => Some((message, exit)),
    };
    if let Some((message, exit)) = failed {
        answer.stderr.push_str(&message);
        answer.exit = exit;
    }
    answer.work = PART * limits.spent();
    answer
}

type Failed = (String, i32);
type Read = Result<Val, String>;

/// The compiled filter and the inputs.
fn prepare(query: &Query) -> Result<(jaq_core::Filter<Kind>, Vec<Read>), Failed> {
    let code = query.filter.as_str();
    let compile = |why: String| (format!("jq: error: {why}\n{code}\njq: 1 compile error\n"), 3);
    if !guard::parsable(code) {
        return Err(compile("the filter is longer than the playground takes at <top-level>, line 1:".to_owned()));
    }
    let syntax = |token: &str| {
        let (message, exit) =
            compile(format!("syntax error, unexpected {token} (Unix shell quoting issues?) at <top-level>, line 1:"));
        // jq shows where the last token begins by as many spaces behind the text.
        let pad = if token == "$end" { last_token(code) } else { 0 };
        (message.replacen(&format!("\n{code}\n"), &format!("\n{code}{}\n", " ".repeat(pad)), 1), exit)
    };
    let tokens = Lexer::new(code).lex().map_err(|errors| {
        let end = errors.first().is_none_or(|(_, rest)| rest.is_empty() || rest.starts_with(['(', '[', '{', '"']));
        syntax(if end { "$end" } else { "INVALID_CHARACTER" })
    })?;
    let blank = tokens.is_empty();
    let term: Term<&str> = match blank {
        true => Term::Id,
        false => Parser::new(&tokens).parse(|p| p.term()).map_err(|errors| match errors.first() {
            Some((_, Some(token))) => syntax(&format!("'{}'", token.0.chars().next().unwrap_or(' '))),
            _ => syntax("$end"),
        })?,
    };
    let main = Def { name: "nodewright__main", args: Vec::new(), body: guard::guarded(term) };
    let own_defs = jaq_core::load::parse(DEFINITIONS, |p| p.defs()).unwrap_or_default();
    let library = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs()).chain(own_defs).map(guard::library);
    let variables: Vec<String> = query.named.iter().map(|(n, _)| format!("${n}")).collect();
    let mut defs: Vec<Def<&str>> = library.collect();
    defs.push(main);
    let arena = Arena::default();
    let modules = Loader::new(defs).load(&arena, File { code: "nodewright__main", path: () });
    let modules = modules.map_err(|_| compile("the filter cannot be loaded at <top-level>, line 1:".to_owned()))?;
    let known = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs());
    let known = known.filter(|(name, ..)| !matches!(*name, "env" | "now"));
    let given = input::funs::<Kind>().into_vec().into_iter().map(native::<Kind>);
    let given = given.chain(own().into_iter().map(native::<Kind>));
    let names = variables.iter().map(String::as_str).chain(["$ENV", "$__prog_args"]);
    let filter =
        Compiler::default().with_funs(known.chain(given).chain(guard::funs())).with_global_vars(names).compile(modules).map_err(
            |errors| {
                let found = errors.iter().flat_map(|(_, e)| e).next();
                compile(match found {
                    Some((name, jaq_core::compile::Undefined::Filter(n))) => {
                        format!("{name}/{n} is not defined at <top-level>, line 1:")
                    }
                    Some((name, _)) => format!("{name} is not defined at <top-level>, line 1:"),
                    None => "the filter cannot be compiled at <top-level>, line 1:".to_owned(),
                })
            },
        )?;
    Ok((filter, inputs(query)?))
}

/// Where the last token of a filter begins: a word or one sign.
fn last_token(code: &str) -> usize {
    let text = code.trim_end();
    let word = text.trim_end_matches(|c: char| c.is_alphanumeric() || c == '_').len();
    if word < text.len() { word } else { text.len().saturating_sub(1) }
}

/// Whether brackets in a JSON text nest no deeper than values may.
fn shallow(text: &str) -> bool {
    let (mut depth, mut quoted, mut escaped) = (0usize, false, false);
    for b in text.bytes() {
        match b {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => depth += 1,
            b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > VALUE_DEPTH {
            return false;
        }
    }
    true
}

fn inputs(query: &Query) -> Result<Vec<Read>, Failed> {
    if query.raw_input {
        let text = |t: &str| Ok(Val::from(t.to_owned()));
        return Ok(if query.slurp { vec![text(&query.input)] } else { query.input.lines().map(text).collect() });
    }
    if !shallow(&query.input) {
        return Err(("jq: error (at <stdin>:0): Exceeds depth limit for parsing\n".to_owned(), 2));
    }
    let mut values = Vec::new();
    for value in read::parse_many(query.input.as_bytes()) {
        match value {
            Ok(value) => values.push(Ok(value)),
            Err(error) => {
                values.push(Err(error.to_string()));
                break;
            }
        }
    }
    if query.slurp && values.iter().all(Result::is_ok) {
        return Ok(vec![Ok(values.into_iter().flatten().collect::<Val>())]);
    }
    Ok(values)
}

fn execute(
    query: &Query,
    filter: &jaq_core::Filter<Kind>,
    inputs: Vec<Read>,
    limits: &Limits,
    answer: &mut Answer,
) -> Option<Failed> {
    let env = Val::obj(query.env.iter().map(|(k, v)| (Val::from(k.clone()), Val::from(v.clone()))).collect());
    let mut variables = Vec::new();
    for (name, text) in &query.named {
        match read::parse_single(text.as_bytes()).ok().filter(|_| shallow(text)) {
            Some(value) => variables.push(value),
            None => {
                return Some((
                    format!(
                        "jq: Invalid JSON text passed to --argjson\nUse jq --help for help with command-line options ({name})\n"
                    ),
                    2,
                ));
            }
        }
    }
    variables.extend([env.clone(), Val::Null]);
    let pending: Box<dyn Iterator<Item = Read>> = Box::new(inputs.into_iter());
    let inputs = RcIter::new(pending);
    #[expect(clippy::cast_precision_loss, reason = "jq's clock is a float of seconds")]
    let data = Data { lut: &filter.lut, inputs: &inputs, limits, env: &env, now: query.now_ms as f64 / 1000.0 };
    let printer = write::Pp {
        indent: (!query.compact).then(|| query.indent.map_or_else(|| "\t".to_owned(), |n| " ".repeat(n))),
        sort_keys: query.sort_keys,
        sep_space: !query.compact,
        ..write::Pp::default()
    };
    let mut last: Option<bool> = None;
    let mut failed = None;
    let mut source = &inputs;
    let mut once = query.null_input;
    loop {
        let value = match std::mem::take(&mut once) {
            true => Some(Ok(Val::Null)),
            false if query.null_input => None,
            false => source.next(),
        };
        let value = match value {
            None => break,
            Some(Ok(value)) => value,
            Some(Err(why)) => {
                return Some((format!("jq: error (at <stdin>:0): {why}\n"), 2));
            }
        };
        let ctx = Ctx::<Kind>::new(&data, Vars::new(variables.iter().cloned()));
        for out in filter.id.run((ctx, value)) {
            match out {
                Ok(out) => {
                    last = Some(!matches!(out, Val::Null | Val::Bool(false)));
                    print(&out, query, &printer, &mut answer.stdout);
                    if answer.stdout.len() > OUTPUT {
                        return Some(("jq: stopped: more than 8 MiB of output\n".to_owned(), 5));
                    }
                }
                Err(exception) => match exception.get_halt() {
                    Ok(exit) => return Some((String::new(), exit)),
                    Err(exception) => {
                        failed = Some(5);
                        answer.stderr.push_str(&format!("jq: error (at <stdin>:{}): {}\n", lines(query), words(exception)));
                        break;
                    }
                },
            }
        }
    }
    let told = match last {
        Some(true) => 0,
        Some(false) => 1,
        None => 4,
    };
    failed.or(query.exit_status.then_some(told)).map(|exit| (String::new(), exit))
}

/// jq names the line it has read up to. Values mostly come one a text.
fn lines(query: &Query) -> usize {
    if query.null_input { 0 } else { query.input.matches('\n').count() }
}

fn print(value: &Val, query: &Query, printer: &write::Pp, out: &mut String) {
    let mut bytes = Vec::new();
    match value {
        Val::TStr(text) | Val::BStr(text) if query.raw || query.join => bytes.extend_from_slice(text),
        value => {
            // Writing into memory does not fail.
            let _written = write::write(&mut bytes, printer, 0, value);
        }
    }
    out.push_str(&String::from_utf8_lossy(&bytes));
    if !query.join {
        out.push('\n');
    }
}

/// jq's word for a value's type.
fn type_of(value: &Val) -> &'static str {
    match value {
        Val::Null => "null",
        Val::Bool(_) => "boolean",
        Val::Num(_) => "number",
        Val::TStr(_) | Val::BStr(_) => "string",
        Val::Arr(_) => "array",
        Val::Obj(_) => "object",
    }
}

/// A value in a message: eleven characters at most, the last three dots where there was more.
fn short(text: &str) -> String {
    if text.len() <= 11 {
        return text.to_owned();
    }
    let mut end = 7;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}...", text.get(..end + 1).unwrap_or_default())
}

/// An error in jq's words.
fn words(exception: Exn<'_, Val>) -> String {
    match exception.get_err() {
        Ok(error) => message(&error),
        Err(_) => "break".to_owned(),
    }
}

fn message(error: &Error<Val>) -> String {
    let text = error.to_string();
    let value = |t: &str| read::parse_single(t.as_bytes()).ok();
    if let Some(rest) = text.strip_prefix("cannot index ") {
        for (at, _) in rest.match_indices(" with ") {
            let (left, right) = (rest.get(..at).unwrap_or_default(), rest.get(at + 6..).unwrap_or_default());
            if let (Some(l), Some(r)) = (value(left), value(right)) {
                return match r {
                    Val::TStr(_) => format!("Cannot index {} with string {right}", type_of(&l)),
                    r => format!("Cannot index {} with {}", type_of(&l), type_of(&r)),
                };
            }
        }
    }
    if let Some(left) = text.strip_prefix("cannot use ").and_then(|t| t.strip_suffix(" as iterable (array or object)"))
        && let Some(v) = value(left)
    {
        return format!("Cannot iterate over {} ({})", type_of(&v), short(left));
    }
    if let Some(rest) = text.strip_prefix("cannot calculate ") {
        for (op, verb) in [(" + ", "added"), (" - ", "subtracted"), (" * ", "multiplied"), (" / ", "divided"), (" % ", "divided")]
        {
            for (at, _) in rest.match_indices(op) {
                let (left, right) = (rest.get(..at).unwrap_or_default(), rest.get(at + 3..).unwrap_or_default());
                if let (Some(l), Some(r)) = (value(left), value(right)) {
                    let (a, b) = (short(left), short(right));
                    return format!("{} ({a}) and {} ({b}) cannot be {verb}", type_of(&l), type_of(&r));
                }
            }
        }
    }
    // What a filter raised itself is told as it is.
    match value(&text) {
        Some(Val::TStr(own)) => String::from_utf8_lossy(&own).into_owned(),
        Some(_) => format!("{text} (not a string)"),
        None => text,
    }
}
