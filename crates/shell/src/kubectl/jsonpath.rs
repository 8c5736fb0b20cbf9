//! kubectl's JSONPath templates and its custom columns.
//! Source: k8s.io/client-go/util/jsonpath, v0.28: fields, indices and slices, `*`, `..`, filters, unions, range.

use objects::Value;

#[derive(Clone, Debug, PartialEq)]
enum Step {
    Field(String),
    All,
    Index(i64),
    Slice(Option<i64>, Option<i64>, i64),
    Names(Vec<String>),
    Descend,
    Filter { left: Vec<Step>, op: String, right: Right },
}

#[derive(Clone, Debug, PartialEq)]
enum Right {
    None,
    Value(Value),
    Path(Vec<Step>),
}

#[derive(Clone, Debug, PartialEq)]
enum Node {
    Text(String),
    Path(Vec<Step>),
    Range(Vec<Step>, Vec<Node>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Template(Vec<Node>);

/// Deepest nesting of ranges and filters.
const DEPTH: usize = 12;

impl Template {
    /// Parses a template; the error is kubectl's words behind `error parsing jsonpath <text>, `.
    pub fn parse(text: &str) -> Result<Template, String> {
        let chars: Vec<char> = text.chars().collect();
        let mut at = 0;
        let nodes = nodes(&chars, &mut at, 0)?;
        Ok(Template(nodes))
    }

    /// A relaxed path: `.a.b`, `a.b` or `{.a.b}`, as `--sort-by` and custom columns take it.
    pub fn relaxed(text: &str) -> Result<Template, String> {
        let inner = text.strip_prefix('{').and_then(|t| t.strip_suffix('}')).unwrap_or(text);
        let inner = if inner.starts_with(['.', '[', '@']) { inner.to_owned() } else { format!(".{inner}") };
        Template::parse(&format!("{{{inner}}}"))
    }

    pub fn print(&self, value: &Value) -> String {
        let mut out = String::new();
        print(&self.0, value, &mut out);
        out
    }

    /// The values of the first path.
    pub fn values<'a>(&self, value: &'a Value) -> Vec<&'a Value> {
        match self.0.first() {
            Some(Node::Path(steps)) => walk(steps, value),
            _ => Vec::new(),
        }
    }
}

fn print(nodes: &[Node], here: &Value, out: &mut String) {
    for node in nodes {
        match node {
            Node::Text(text) => out.push_str(text),
            Node::Path(steps) => {
                let found = walk(steps, here);
                let texts: Vec<String> = found.into_iter().map(plain).collect();
                out.push_str(&texts.join(" "));
            }
            Node::Range(steps, body) => {
                for item in walk(steps, here) {
                    print(body, item, out);
                }
            }
        }
    }
}

/// A value in a template's output: text as it is, everything else as JSON.
fn plain(v: &Value) -> String {
    match v {
        Value::String(s) => s.clone(),
        // Go's encoder escapes what HTML would mistake.
        other => objects::json::as_go(other),
    }
}

/// A value in a custom column: Go's `%v`.
pub fn go_text(v: &Value) -> String {
    match v {
        Value::Null => "<none>".to_owned(),
        Value::String(s) => s.clone(),
        Value::Array(list) => format!("[{}]", list.iter().map(go_text).collect::<Vec<_>>().join(" ")),
        Value::Object(map) => {
            format!("map[{}]", map.iter().map(|(k, v)| format!("{k}:{}", go_text(v))).collect::<Vec<_>>().join(" "))
        }
        other => other.to_string(),
    }
}

fn walk<'a>(steps: &[Step], value: &'a Value) -> Vec<&'a Value> {
    let mut now = vec![value];
    for step in steps {
        let mut next = Vec::new();
        for v in now {
            apply(step, v, &mut next);
        }
        now = next;
    }
    now
}

fn apply<'a>(step: &Step, v: &'a Value, out: &mut Vec<&'a Value>) {
    match step {
        Step::Field(name) => out.extend(v.get(name.as_str())),
        Step::All => match v {
            Value::Array(list) => out.extend(list),
            Value::Object(map) => out.extend(map.values()),
            _ => {}
        },
        Step::Index(n) => out.extend(v.as_array().and_then(|l| l.get(place(*n, l.len())))),
        Step::Slice(from, to, by) => {
            if let Some(list) = v.as_array() {
                let from = from.map_or(0, |n| place(n, list.len()));
                let to = to.map_or(list.len(), |n| place(n, list.len())).min(list.len());
                let by = usize::try_from(*by).unwrap_or(1).max(1);
                out.extend(list.get(from.min(to)..to).unwrap_or_default().iter().step_by(by));
            }
        }
        Step::Names(names) => out.extend(names.iter().filter_map(|n| v.get(n.as_str()))),
        Step::Descend => descend(v, out),
        Step::Filter { left, op, right } => {
            if let Some(list) = v.as_array() {
                out.extend(list.iter().filter(|item| holds(item, left, op, right)));
            }
        }
    }
}

fn place(n: i64, len: usize) -> usize {
    let len = i64::try_from(len).unwrap_or(i64::MAX);
    usize::try_from(if n < 0 { n.saturating_add(len) } else { n }).unwrap_or(usize::MAX)
}

fn descend<'a>(v: &'a Value, out: &mut Vec<&'a Value>) {
    out.push(v);
    match v {
        Value::Array(list) => list.iter().for_each(|v| descend(v, out)),
        Value::Object(map) => map.values().for_each(|v| descend(v, out)),
        _ => {}
    }
}

fn holds(item: &Value, left: &[Step], op: &str, right: &Right) -> bool {
    let found = walk(left, item);
    let Some(a) = found.first() else {
        return false;
    };
    let other;
    let b = match right {
        Right::None => return true,
        Right::Value(v) => v,
        Right::Path(steps) => {
            other = walk(steps, item);
            match other.first() {
                Some(v) => v,
                None => return false,
            }
        }
    };
    let order = match (a, b) {
        (Value::Number(x), Value::Number(y)) => x.as_f64().partial_cmp(&y.as_f64()),
        (x, y) => Some(plain(x).cmp(&plain(y))),
    };
    order.is_some_and(|o| match op {
        "==" => o.is_eq(),
        "!=" => o.is_ne(),
        "<" => o.is_lt(),
        "<=" => o.is_le(),
        ">" => o.is_gt(),
        ">=" => o.is_ge(),
        _ => false,
    })
}

fn nodes(c: &[char], at: &mut usize, depth: usize) -> Result<Vec<Node>, String> {
    if depth > DEPTH {
        return Err("nested too deeply".to_owned());
    }
    let mut out = Vec::new();
    let mut text = String::new();
    while let Some(ch) = c.get(*at) {
        *at += 1;
        if *ch != '{' {
            text.push(*ch);
            continue;
        }
        if !text.is_empty() {
            out.push(Node::Text(std::mem::take(&mut text)));
        }
        space(c, at);
        let word: String = c.iter().skip(*at).take_while(|c| c.is_ascii_alphabetic()).collect();
        match word.as_str() {
            "range" => {
                *at += 5;
                space(c, at);
                let path = path(c, at, depth)?;
                close(c, at)?;
                out.push(Node::Range(path, nodes(c, at, depth + 1)?));
                continue;
            }
            "end" => {
                *at += 3;
                close(c, at)?;
                return if depth == 0 { Err("not in range, nothing to end".to_owned()) } else { Ok(out) };
            }
            _ => {}
        }
        loop {
            space(c, at);
            match c.get(*at) {
                None => return Err("unclosed action".to_owned()),
                Some('}') => {
                    *at += 1;
                    break;
                }
                Some('"' | '\'') => out.push(Node::Text(quoted(c, at)?)),
                Some(_) => out.push(Node::Path(path(c, at, depth)?)),
            }
        }
    }
    if depth > 0 {
        return Err("unclosed range".to_owned());
    }
    if !text.is_empty() {
        out.push(Node::Text(text));
    }
    Ok(out)
}

fn space(c: &[char], at: &mut usize) {
    while c.get(*at).is_some_and(|c| c.is_whitespace()) {
        *at += 1;
    }
}

fn close(c: &[char], at: &mut usize) -> Result<(), String> {
    space(c, at);
    if c.get(*at) == Some(&'}') {
        *at += 1;
        return Ok(());
    }
    Err("unclosed action".to_owned())
}

fn quoted(c: &[char], at: &mut usize) -> Result<String, String> {
    let mark = c.get(*at).copied();
    *at += 1;
    let mut text = String::new();
    loop {
        let ch = c.get(*at).copied().ok_or("unterminated quoted string")?;
        *at += 1;
        if Some(ch) == mark {
            return Ok(text);
        }
        if ch == '\\' {
            let escaped = c.get(*at).copied().ok_or("unterminated quoted string")?;
            *at += 1;
            text.push(match escaped {
                'n' => '\n',
                't' => '\t',
                other => other,
            });
        } else {
            text.push(ch);
        }
    }
}

fn path(c: &[char], at: &mut usize, depth: usize) -> Result<Vec<Step>, String> {
    if depth > DEPTH {
        return Err("nested too deeply".to_owned());
    }
    let mut steps = Vec::new();
    let start = *at;
    loop {
        match c.get(*at) {
            Some('@' | '$') if *at == start => *at += 1,
            Some('.') => {
                *at += 1;
                if c.get(*at) == Some(&'.') {
                    *at += 1;
                    steps.push(Step::Descend);
                }
                let name = field(c, at);
                match name.as_str() {
                    "" => {}
                    "*" => steps.push(Step::All),
                    _ => steps.push(Step::Field(name)),
                }
            }
            Some('[') => {
                *at += 1;
                steps.push(bracket(c, at, depth)?);
            }
            _ if *at == start => {
                let found: String = c.iter().skip(*at).take_while(|c| !c.is_whitespace() && **c != '}').collect();
                return Err(format!("unrecognized character in action: {}", go_rune(&found)));
            }
            _ => return Ok(steps),
        }
    }
}

/// The first character as Go prints a rune: `U+0066 'f'`.
fn go_rune(text: &str) -> String {
    text.chars().next().map(|c| format!("U+{:04X} '{c}'", c as u32)).unwrap_or_default()
}

fn field(c: &[char], at: &mut usize) -> String {
    let mut name = String::new();
    while let Some(ch) = c.get(*at) {
        match ch {
            '\\' => {
                *at += 1;
                name.extend(c.get(*at));
            }
            c if c.is_whitespace() || ".[]{}()=!<>,".contains(*c) => break,
            c => name.push(*c),
        }
        *at += 1;
    }
    name
}

fn bracket(c: &[char], at: &mut usize, depth: usize) -> Result<Step, String> {
    let unterminated = || "unterminated array".to_owned();
    if c.get(*at) == Some(&'?') {
        *at += 1;
        if c.get(*at) == Some(&'(') {
            *at += 1;
        }
        return filter(c, at, depth);
    }
    let mut inner = String::new();
    let mut names = Vec::new();
    loop {
        match c.get(*at).ok_or_else(unterminated)? {
            ']' => {
                *at += 1;
                break;
            }
            '}' => return Err(unterminated()),
            '"' | '\'' => names.push(quoted(c, at).map_err(|_| unterminated())?),
            ch => {
                inner.push(*ch);
                *at += 1;
            }
        }
    }
    if !names.is_empty() {
        return Ok(Step::Names(names));
    }
    let inner = inner.trim();
    if inner == "*" {
        return Ok(Step::All);
    }
    let number = |t: &str| t.trim().parse::<i64>().map_err(|_| format!("invalid array index {inner}"));
    if inner.contains(':') {
        let parts: Vec<&str> = inner.split(':').collect();
        let part = |n: usize| parts.get(n).filter(|p| !p.trim().is_empty()).map(|p| number(p)).transpose();
        return Ok(Step::Slice(part(0)?, part(1)?, part(2)?.unwrap_or(1)));
    }
    Ok(Step::Index(number(inner)?))
}

fn filter(c: &[char], at: &mut usize, depth: usize) -> Result<Step, String> {
    space(c, at);
    let left = path(c, at, depth + 1)?;
    space(c, at);
    let op: String = c.iter().skip(*at).take_while(|c| "=!<>".contains(**c)).collect();
    *at += op.len();
    space(c, at);
    let right = if op.is_empty() {
        Right::None
    } else {
        match c.get(*at) {
            Some('"' | '\'') => Right::Value(Value::String(quoted(c, at)?)),
            Some('@' | '$' | '.') => Right::Path(path(c, at, depth + 1)?),
            _ => {
                let word: String = c.iter().skip(*at).take_while(|c| !c.is_whitespace() && !")]}".contains(**c)).collect();
                *at += word.chars().count();
                Right::Value(serde_json::from_str(&word).unwrap_or(Value::String(word)))
            }
        }
    };
    space(c, at);
    for want in [')', ']'] {
        if c.get(*at) != Some(&want) {
            return Err("unterminated filter".to_owned());
        }
        *at += 1;
    }
    Ok(Step::Filter { left, op, right })
}

#[cfg(test)]
mod tests {
    use super::*;
    use objects::json;

    fn check(template: &str, want: Result<&str, &str>) {
        let doc = json!({"items": [
            {"metadata": {"name": "a", "labels": {"karpenter.sh/capacity-type": "spot"}}, "status": {"n": 3, "ok": true}},
            {"metadata": {"name": "b"}, "status": {"n": 5, "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}]}},
        ]});
        let got = Template::parse(template).map(|t| t.print(&doc));
        assert_eq!(got.as_deref().map_err(String::as_str), want, "{template}");
    }

    #[test]
    fn templates() {
        check("{.items[*].metadata.name}", Ok("a b"));
        check("{range .items[*]}{.metadata.name}{\"\\t\"}{.status.n}{\"\\n\"}{end}", Ok("a\t3\nb\t5\n"));
        check("{.items[0].metadata.labels.karpenter\\.sh/capacity-type}", Ok("spot"));
        check("{.items[-1:].metadata.name}", Ok("b"));
        check("{.items[?(@.status.n>4)].metadata.name}", Ok("b"));
        check("{.items[1].status.addresses[?(@.type==\"InternalIP\")].address}", Ok("10.0.0.1"));
        check("{.items[0].foo}", Ok(""));
        check("{..address}", Ok("10.0.0.1"));
        check("{.items[0].metadata['name','labels']}", Ok("a {\"karpenter.sh/capacity-type\":\"spot\"}"));
        check("x={.items[0].status.ok}!", Ok("x=true!"));
        check("{.items[*", Err("unterminated array"));
    }
}
