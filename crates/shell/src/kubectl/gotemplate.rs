//! The part of Go's text/template that people put behind `-o go-template=`: fields, `range`, `if`, `with`, variables,
//! pipes and the functions `eq ne not and or len index printf print println`.
//! Source: text/template of Go and k8s.io/cli-runtime pkg/printers/template.go, v0.35.4.

use super::jsonpath::go_text;
use objects::Value;

#[derive(Clone, Debug, PartialEq)]
enum Node {
    Text(String),
    Print(Pipe),
    Set(String, Pipe),
    If(Pipe, Vec<Node>, Vec<Node>),
    With(Pipe, Vec<Node>, Vec<Node>),
    Range { names: Vec<String>, of: Pipe, body: Vec<Node>, other: Vec<Node> },
}

/// Commands, each of words; the result of one is the last word of the next.
type Pipe = Vec<Vec<Word>>;

#[derive(Clone, Debug, PartialEq)]
enum Word {
    /// `.a.b`; empty for the dot itself.
    Field(Vec<String>),
    Variable(String, Vec<String>),
    Literal(Value),
    Function(String),
    Group(Pipe, Vec<String>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Template(Vec<Node>);

/// Deepest nesting of blocks and groups, and most bytes that a template prints.
const DEPTH: usize = 24;
const MOST: usize = 4 << 20;

impl Template {
    pub fn parse(text: &str) -> Result<Template, String> {
        let mut parts = split(text)?.into_iter().peekable();
        let (nodes, end) = block(&mut parts, 0)?;
        match end {
            None => Ok(Template(nodes)),
            Some(word) => Err(format!("unexpected {{{{{word}}}}}")),
        }
    }

    /// What the template prints of a document; the error is Go's, as far as it goes.
    pub fn print(&self, document: &Value) -> Result<String, String> {
        let mut out = String::new();
        let mut names = vec![("$".to_owned(), document.clone())];
        run(&self.0, document, &mut names, &mut out)?;
        Ok(out)
    }
}

enum Part {
    Text(String),
    Action(String),
}

/// Texts and actions in turn; `{{-` and `-}}` trim the texts beside them.
fn split(text: &str) -> Result<Vec<Part>, String> {
    let mut out = Vec::new();
    let mut rest = text;
    let mut trim = false;
    while let Some((before, tail)) = rest.split_once("{{") {
        let (trim_before, tail) = match tail.strip_prefix("- ") {
            Some(tail) => (true, tail),
            None => (false, tail),
        };
        let end = closing(tail).ok_or("unclosed action")?;
        let inner = tail.get(..end).unwrap_or_default();
        let before = if trim { before.trim_start() } else { before };
        out.push(Part::Text(if trim_before { before.trim_end() } else { before }.to_owned()));
        trim = inner.ends_with(" -");
        out.push(Part::Action(inner.strip_suffix(" -").unwrap_or(inner).trim().to_owned()));
        rest = tail.get(end + 2..).unwrap_or_default();
    }
    out.push(Part::Text(if trim { rest.trim_start() } else { rest }.to_owned()));
    Ok(out)
}

/// Where the `}}` is that lies in no quotes.
fn closing(text: &str) -> Option<usize> {
    let mut quote = None;
    let mut escaped = false;
    for (i, c) in text.char_indices() {
        match (quote, c) {
            (None, '"' | '`') => quote = Some(c),
            (Some('"'), '\\') if !escaped => {
                escaped = true;
                continue;
            }
            (Some(q), c) if c == q && !escaped => quote = None,
            (None, '}') if text.get(i..)?.starts_with("}}") => return Some(i),
            _ => {}
        }
        escaped = false;
    }
    None
}

type Parts = std::iter::Peekable<std::vec::IntoIter<Part>>;

/// Nodes up to `end` or `else`, which comes back.
fn block(parts: &mut Parts, depth: usize) -> Result<(Vec<Node>, Option<String>), String> {
    if depth > DEPTH {
        return Err("nested too deeply".to_owned());
    }
    let mut out = Vec::new();
    while let Some(part) = parts.next() {
        let action = match part {
            Part::Text(text) => {
                out.push(Node::Text(text));
                continue;
            }
            Part::Action(action) => action,
        };
        let (word, rest) = action.split_once(char::is_whitespace).unwrap_or((&action, ""));
        match word {
            "end" | "else" => return Ok((out, Some(action))),
            "if" | "with" | "range" => out.push(nested(word, rest, parts, depth)?),
            _ if action.starts_with("/*") => {}
            _ => match declaration(&action) {
                Some((names, tail)) => {
                    let name = names.into_iter().next().unwrap_or_default();
                    out.push(Node::Set(name, pipe(tail, depth)?));
                }
                None => out.push(Node::Print(pipe(&action, depth)?)),
            },
        }
    }
    Ok((out, None))
}

fn nested(word: &str, rest: &str, parts: &mut Parts, depth: usize) -> Result<Node, String> {
    let (names, tail) = declaration(rest).unwrap_or((Vec::new(), rest));
    let of = pipe(tail, depth)?;
    let (body, end) = block(parts, depth + 1)?;
    let other = match end.as_deref() {
        Some("end") => Vec::new(),
        Some("else") => match block(parts, depth + 1)? {
            (other, Some(end)) if end == "end" => other,
            _ => return Err("unexpected EOF".to_owned()),
        },
        Some(end) => match end.strip_prefix("else if ") {
            Some(tail) => vec![nested("if", tail, parts, depth + 1)?],
            None => return Err(format!("unexpected {{{{{end}}}}}")),
        },
        None => return Err("unexpected EOF".to_owned()),
    };
    Ok(match word {
        "if" => Node::If(of, body, other),
        "with" => Node::With(of, body, other),
        _ => Node::Range { names, of, body, other },
    })
}

/// `$i, $x := pipe`.
fn declaration(text: &str) -> Option<(Vec<String>, &str)> {
    let (names, tail) = text.split_once(":=").or_else(|| text.split_once(" = "))?;
    let names: Vec<String> = names.split(',').map(|n| n.trim().to_owned()).collect();
    names.iter().all(|n| n.starts_with('$') && !n.contains(' ')).then_some((names, tail.trim()))
}

fn pipe(text: &str, depth: usize) -> Result<Pipe, String> {
    if depth > DEPTH {
        return Err("nested too deeply".to_owned());
    }
    let mut commands: Pipe = vec![Vec::new()];
    let mut rest = text.trim_start();
    while let Some(c) = rest.chars().next() {
        let mut end = rest.find(|c: char| c.is_whitespace() || "|()".contains(c)).unwrap_or(rest.len());
        let word = match c {
            '|' => {
                commands.push(Vec::new());
                rest = rest.get(1..).unwrap_or_default().trim_start();
                continue;
            }
            '(' => {
                let close = matching(rest).ok_or("unclosed left paren")?;
                let tail = rest.get(close..).unwrap_or_default();
                let fields = tail.find(|c: char| c.is_whitespace() || "|()".contains(c)).unwrap_or(tail.len());
                end = close + fields;
                let path = tail.get(..fields).unwrap_or_default().split('.').filter(|p| !p.is_empty());
                let inner = pipe(rest.get(1..close - 1).unwrap_or_default(), depth + 1)?;
                Word::Group(inner, path.map(str::to_owned).collect())
            }
            '"' | '`' => {
                end = quoted_end(rest).ok_or("unterminated quoted string")?;
                let body = rest.get(1..end - 1).unwrap_or_default();
                Word::Literal(Value::String(if c == '"' { unescape(body) } else { body.to_owned() }))
            }
            _ => bare(rest.get(..end).unwrap_or_default())?,
        };
        if end == 0 {
            return Err(format!("unexpected \"{c}\" in operand"));
        }
        if let Some(last) = commands.last_mut() {
            last.push(word);
        }
        rest = rest.get(end..).unwrap_or_default().trim_start();
    }
    if commands.iter().any(Vec::is_empty) {
        return Err("missing value for command".to_owned());
    }
    Ok(commands)
}

fn matching(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (i, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        if depth == 0 {
            return Some(i + 1);
        }
    }
    None
}

fn quoted_end(text: &str) -> Option<usize> {
    let quote = text.chars().next()?;
    let mut escaped = false;
    for (i, c) in text.char_indices().skip(1) {
        if c == quote && !escaped {
            return Some(i + 1);
        }
        escaped = c == '\\' && !escaped && quote == '"';
    }
    None
}

fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        out.push(match c {
            '\\' => match chars.next() {
                Some('n') => '\n',
                Some('t') => '\t',
                Some('r') => '\r',
                Some(other) => other,
                None => '\\',
            },
            c => c,
        });
    }
    out
}

const FUNCTIONS: [&str; 11] = ["eq", "ne", "not", "and", "or", "len", "index", "printf", "print", "println", "exists"];

fn bare(text: &str) -> Result<Word, String> {
    let path = |text: &str| text.split('.').filter(|p| !p.is_empty()).map(str::to_owned).collect();
    if text.starts_with('.') {
        return Ok(Word::Field(path(text)));
    }
    if text.starts_with('$') {
        let (name, fields) = text.split_once('.').unwrap_or((text, ""));
        return Ok(Word::Variable(name.to_owned(), path(fields)));
    }
    match text {
        "true" => return Ok(Word::Literal(true.into())),
        "false" => return Ok(Word::Literal(false.into())),
        "nil" => return Ok(Word::Literal(Value::Null)),
        _ => {}
    }
    if let Ok(n) = text.parse::<i64>() {
        return Ok(Word::Literal(n.into()));
    }
    if FUNCTIONS.contains(&text) {
        return Ok(Word::Function(text.to_owned()));
    }
    Err(format!("function \"{text}\" not defined"))
}

type Names = Vec<(String, Value)>;

fn run(nodes: &[Node], dot: &Value, names: &mut Names, out: &mut String) -> Result<(), String> {
    let scope = names.len();
    for node in nodes {
        if out.len() > MOST {
            return Err("the template prints more than 4 MiB".to_owned());
        }
        match node {
            Node::Text(text) => out.push_str(text),
            Node::Print(pipe) => out.push_str(&shown(evaluate(pipe, dot, names)?)),
            Node::Set(name, pipe) => {
                let value = evaluate(pipe, dot, names)?.unwrap_or_default();
                names.push((name.clone(), value));
            }
            Node::If(pipe, body, other) => {
                let holds = truth(evaluate(pipe, dot, names)?.as_ref());
                run(if holds { body } else { other }, dot, names, out)?;
            }
            Node::With(pipe, body, other) => match evaluate(pipe, dot, names)?.filter(|v| truth(Some(v))) {
                Some(value) => run(body, &value, names, out)?,
                None => run(other, dot, names, out)?,
            },
            Node::Range { names: own, of, body, other } => {
                let items: Vec<(Value, Value)> = match evaluate(of, dot, names)? {
                    Some(Value::Array(list)) => list.into_iter().enumerate().map(|(i, v)| (i.into(), v)).collect(),
                    Some(Value::Object(map)) => map.into_iter().map(|(k, v)| (k.into(), v)).collect(),
                    Some(Value::Null) | None => Vec::new(),
                    Some(other) => return Err(format!("range can't iterate over {}", go_text(&other))),
                };
                if items.is_empty() {
                    run(other, dot, names, out)?;
                }
                for (key, value) in items {
                    match own.as_slice() {
                        [one] => names.push((one.clone(), value.clone())),
                        [first, second] => names.extend([(first.clone(), key), (second.clone(), value.clone())]),
                        _ => {}
                    }
                    run(body, &value, names, out)?;
                    names.truncate(scope.max(names.len().saturating_sub(own.len())));
                }
            }
        }
    }
    names.truncate(scope);
    Ok(())
}

/// A value as Go prints it; what is not there is `<no value>`.
fn shown(value: Option<Value>) -> String {
    match value {
        None | Some(Value::Null) => "<no value>".to_owned(),
        Some(value) => go_text(&value),
    }
}

fn truth(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => false,
        Some(Value::Bool(b)) => *b,
        Some(Value::Number(n)) => n.as_f64() != Some(0.0),
        Some(Value::String(s)) => !s.is_empty(),
        Some(Value::Array(list)) => !list.is_empty(),
        Some(Value::Object(map)) => !map.is_empty(),
    }
}

fn evaluate(pipe: &Pipe, dot: &Value, names: &Names) -> Result<Option<Value>, String> {
    let mut carried: Option<Option<Value>> = None;
    for command in pipe {
        let Some((first, rest)) = command.split_first() else {
            continue;
        };
        let mut args = Vec::new();
        for word in rest {
            args.push(value_of(word, dot, names)?);
        }
        args.extend(carried.take());
        carried = Some(match first {
            Word::Function(name) => call(name, &args)?,
            word if args.is_empty() => value_of(word, dot, names)?,
            _ => return Err("can't give argument to non-function".to_owned()),
        });
    }
    Ok(carried.flatten())
}

fn value_of(word: &Word, dot: &Value, names: &Names) -> Result<Option<Value>, String> {
    let walk = |from: &Value, path: &[String]| {
        let mut at = Some(from);
        for part in path {
            at = match at {
                Some(Value::Object(map)) => map.get(part),
                Some(Value::Null) | None => None,
                Some(other) => return Err(format!("can't evaluate field {part} in type {}", go_text(other))),
            };
        }
        Ok(at.cloned())
    };
    match word {
        Word::Field(path) => walk(dot, path),
        Word::Variable(name, path) => match names.iter().rev().find(|(n, _)| n == name) {
            Some((_, value)) => walk(value, path),
            None => Err(format!("undefined variable \"{name}\"")),
        },
        Word::Literal(value) => Ok(Some(value.clone())),
        Word::Function(name) => call(name, &[]),
        Word::Group(pipe, path) => walk(&evaluate(pipe, dot, names)?.unwrap_or_default(), path),
    }
}

fn call(name: &str, args: &[Option<Value>]) -> Result<Option<Value>, String> {
    let arg = |n: usize| args.get(n).and_then(Option::as_ref);
    let texts = |from: usize| args.iter().skip(from).map(|a| shown(a.clone())).collect::<Vec<_>>();
    Ok(Some(match name {
        "eq" => (1..args.len()).any(|n| arg(0) == arg(n)).into(),
        "ne" => (arg(0) != arg(1)).into(),
        "not" => (!truth(arg(0))).into(),
        "and" => return Ok(args.iter().find(|a| !truth(a.as_ref())).or(args.last()).cloned().flatten()),
        "or" => return Ok(args.iter().find(|a| truth(a.as_ref())).or(args.last()).cloned().flatten()),
        "len" => match arg(0) {
            Some(Value::Array(list)) => list.len().into(),
            Some(Value::Object(map)) => map.len().into(),
            Some(Value::String(s)) => s.len().into(),
            _ => return Err("error calling len: len of nil pointer".to_owned()),
        },
        "index" | "exists" => {
            let mut at = arg(0);
            for key in 1..args.len() {
                at = match (at, arg(key)) {
                    (Some(Value::Object(map)), Some(Value::String(k))) => map.get(k),
                    (Some(Value::Array(list)), Some(n)) => {
                        list.get(usize::try_from(n.as_i64().unwrap_or(-1)).unwrap_or(usize::MAX))
                    }
                    _ => None,
                };
            }
            if name == "exists" { at.is_some().into() } else { return Ok(at.cloned()) }
        }
        "print" => texts(0).join(" ").into(),
        "println" => (texts(0).join(" ") + "\n").into(),
        _ => formatted(&texts(0)).into(),
    }))
}

/// `printf` with `%s`, `%v`, `%d` and `%q`, and a width.
fn formatted(texts: &[String]) -> String {
    let mut args = texts.iter().skip(1);
    let mut out = String::new();
    let mut chars = texts.first().map_or("", String::as_str).chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let left = chars.next_if_eq(&'-').is_some();
        let mut width = 0_usize;
        while let Some(d) = chars.peek().and_then(|c| c.to_digit(10)) {
            width = width.saturating_mul(10).saturating_add(d as usize).min(200);
            chars.next();
        }
        match chars.next() {
            Some('%') => out.push('%'),
            Some('q') => out.push_str(&format!("{:?}", args.next().map_or("", String::as_str))),
            Some(verb) => {
                let text = args.next().cloned().unwrap_or_else(|| format!("%!{verb}(MISSING)"));
                out.push_str(&if left { format!("{text:<width$}") } else { format!("{text:>width$}") });
            }
            None => out.push_str("%!(NOVERB)"),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use objects::json;

    fn check(template: &str, want: Result<&str, &str>) {
        let doc = json!({"kind": "List", "items": [
            {"metadata": {"name": "a", "labels": {"x": "1", "y": "2"}}, "spec": {"n": 0, "taints": ["t", "u"]}},
            {"metadata": {"name": "b"}, "spec": {"n": 3}},
        ]});
        let got = Template::parse(template).and_then(|t| t.print(&doc));
        assert_eq!(got.as_deref().map_err(String::as_str), want, "{template}");
    }

    #[test]
    fn templates() {
        check("{{range .items}}{{.metadata.name}}{{\"\\n\"}}{{end}}", Ok("a\nb\n"));
        check("{{range $i, $x := .items}}{{$i}}={{$x.metadata.name}} {{end}}", Ok("0=a 1=b "));
        check("{{range .items}}{{if .spec.n}}{{.spec.n}}{{else}}none{{end}} {{end}}", Ok("none 3 "));
        check("{{range .items}}{{.foo}};{{end}}", Ok("<no value>;<no value>;"));
        check("{{with (index .items 0)}}{{index .metadata.labels \"y\"}}{{end}}", Ok("2"));
        check("{{range $k, $v := (index .items 0).metadata.labels}}{{$k}}{{end}}", Ok("xy"));
        check("{{len .items}} {{ .kind | printf \"%-6s|\" }}", Ok("2 List  |"));
        check("a {{- \" b \" -}} c", Ok("a b c"));
        check("{{range .items}}{{if eq .metadata.name \"b\"}}{{.metadata.name}}{{end}}{{end}}", Ok("b"));
        check("{{(index .items 0).spec.taints}}", Ok("[t u]"));
        check("{{range .items}}", Err("unexpected EOF"));
        check("{{foo}}", Err("function \"foo\" not defined"));
        check("{{.kind.x}}", Err("can't evaluate field x in type List"));
    }
}
