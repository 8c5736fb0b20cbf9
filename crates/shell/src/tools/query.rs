//! `--query` of the AWS CLI: the part of JMESPath that people type to get at ids, types and states.

use objects::{Map, Value};

/// A step of an expression; a projection applies what follows to each of its values.
#[derive(Clone, Debug, PartialEq)]
enum Step {
    Field(String),
    Index(i64),
    /// `[*]`
    All,
    /// `[]`: lists within the list are opened.
    Flatten,
    /// `[?path==`value`]`
    Filter {
        path: Query,
        equal: bool,
        value: Value,
    },
    /// `[a, b]`
    List(Vec<Query>),
    /// `{a: b}`
    Object(Vec<(String, Query)>),
    /// `|`: ends the projections before it.
    Pipe,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query(Vec<Step>);

impl Query {
    pub fn parse(text: &str) -> Result<Query, String> {
        let mut parser = Parser { rest: text.trim() };
        let query = parser.query();
        match query {
            Some(query) if parser.rest.is_empty() => Ok(query),
            _ => Err(format!(
                "aws: --query {text:?} is not simulated from {:?} on: paths, [*], [], [n], [?a=='b'], [a,b], {{A:a}} and | are",
                parser.rest
            )),
        }
    }

    pub fn run(&self, value: &Value) -> Value {
        steps(&self.0, value)
    }
}

fn steps(all: &[Step], value: &Value) -> Value {
    let Some((step, rest)) = all.split_first() else { return value.clone() };
    let project = |items: Vec<Value>| -> Value {
        // What stands behind a pipe sees the whole list.
        let cut = rest.iter().position(|s| *s == Step::Pipe || *s == Step::Flatten).unwrap_or(rest.len());
        let (inside, behind) = (rest.get(..cut).unwrap_or_default(), rest.get(cut..).unwrap_or_default());
        let kept = items.iter().map(|i| steps(inside, i)).filter(|v| !v.is_null()).collect();
        steps(behind, &Value::Array(kept))
    };
    match step {
        Step::Field(name) => steps(rest, value.get(name).unwrap_or(&Value::Null)),
        Step::Pipe => steps(rest, value),
        Step::Index(n) => {
            let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
            let at = if *n < 0 { i64::try_from(list.len()).unwrap_or(0) + n } else { *n };
            steps(rest, usize::try_from(at).ok().and_then(|at| list.get(at)).unwrap_or(&Value::Null))
        }
        Step::All => value.as_array().map_or(Value::Null, |list| project(list.clone())),
        Step::Flatten => value.as_array().map_or(Value::Null, |list| {
            let open = |v: &Value| v.as_array().cloned().unwrap_or_else(|| vec![v.clone()]);
            project(list.iter().flat_map(open).collect())
        }),
        Step::Filter { path, equal, value: wanted } => value
            .as_array()
            .map_or(Value::Null, |list| project(list.iter().filter(|i| (path.run(i) == *wanted) == *equal).cloned().collect())),
        Step::List(parts) if !value.is_null() => steps(rest, &Value::Array(parts.iter().map(|p| p.run(value)).collect())),
        Step::Object(parts) if !value.is_null() => {
            let fields: Map<String, Value> = parts.iter().map(|(name, p)| (name.clone(), p.run(value))).collect();
            steps(rest, &Value::Object(fields))
        }
        Step::List(_) | Step::Object(_) => Value::Null,
    }
}

struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn eat(&mut self, text: &str) -> bool {
        let trimmed = self.rest.trim_start();
        match trimmed.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest.trim_start();
                true
            }
            None => false,
        }
    }

    fn name(&mut self) -> Option<String> {
        if let Some(body) = self.rest.strip_prefix('"') {
            let (name, rest) = body.split_once('"')?;
            self.rest = rest.trim_start();
            return Some(name.to_owned());
        }
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest.trim_start();
        (!name.is_empty()).then(|| name.to_owned())
    }

    fn query(&mut self) -> Option<Query> {
        let mut out = Vec::new();
        loop {
            if self.eat("|") {
                out.push(Step::Pipe);
            } else if self.eat("[") {
                out.push(self.bracket(out.is_empty() || out.last() == Some(&Step::Pipe))?);
            } else if self.eat("{") {
                out.push(self.object()?);
            } else if self.eat(".") {
                let step = if self.eat("[") {
                    self.list()?
                } else if self.eat("{") {
                    self.object()?
                } else {
                    Step::Field(self.name()?)
                };
                out.push(step);
            } else if out.is_empty() || out.last() == Some(&Step::Pipe) {
                out.push(Step::Field(self.name()?));
            } else {
                return Some(Query(out));
            }
        }
    }

    /// Behind `[`. At the beginning of an expression it may be a list of expressions.
    fn bracket(&mut self, begins: bool) -> Option<Step> {
        if self.eat("*") {
            return self.eat("]").then_some(Step::All);
        }
        if self.eat("]") {
            return Some(Step::Flatten);
        }
        if self.eat("?") {
            let path = self.query()?;
            let equal = self.eat("==");
            if !equal && !self.eat("!=") {
                return None;
            }
            let value = self.literal()?;
            return self.eat("]").then_some(Step::Filter { path, equal, value });
        }
        let end = self.rest.find(']')?;
        if let Some(n) = self.rest.get(..end).and_then(|n| n.trim().parse().ok()) {
            self.rest = self.rest.get(end + 1..)?.trim_start();
            return Some(Step::Index(n));
        }
        if begins { self.list() } else { None }
    }

    fn literal(&mut self) -> Option<Value> {
        let quote = if self.eat("'") {
            '\''
        } else if self.eat("`") {
            '`'
        } else {
            return None;
        };
        let (text, rest) = self.rest.split_once(quote)?;
        self.rest = rest.trim_start();
        let json = serde_json::from_str(text).ok().filter(|_| quote == '`');
        Some(json.unwrap_or_else(|| Value::String(text.to_owned())))
    }

    fn list(&mut self) -> Option<Step> {
        let mut parts = Vec::new();
        loop {
            parts.push(self.query()?);
            if self.eat("]") {
                return Some(Step::List(parts));
            }
            if !self.eat(",") {
                return None;
            }
        }
    }

    fn object(&mut self) -> Option<Step> {
        let mut parts = Vec::new();
        loop {
            let name = self.name()?;
            if !self.eat(":") {
                return None;
            }
            parts.push((name, self.query()?));
            if self.eat("}") {
                return Some(Step::Object(parts));
            }
            if !self.eat(",") {
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use objects::json;

    /// Values are those of jmespath.py 1.1.0.
    #[test]
    fn answers_as_jmespath_does() {
        let data = json!({"R": [
            {"I": [{"id": "a", "t": "m5", "s": {"n": "on"}, "tags": [{"K": "x", "V": "1"}]}]},
            {"I": [{"id": "b", "t": "c5", "s": {"n": "off"}}, {"id": "c", "t": "m5", "s": {"n": "on"}}]},
        ]});
        for (text, want) in [
            ("R[*].I[*].id", json!([["a"], ["b", "c"]])),
            ("R[].I[].id", json!(["a", "b", "c"])),
            ("R[*].I[0].id", json!(["a", "b"])),
            ("R[*].I[] | [0].id", json!("a")),
            ("R[].I[].[id,t]", json!([["a", "m5"], ["b", "c5"], ["c", "m5"]])),
            ("R[].I[].{Id:id,Type:t}", json!([{"Id": "a", "Type": "m5"}, {"Id": "b", "Type": "c5"}, {"Id": "c", "Type": "m5"}])),
            ("R[].I[?s.n=='on'][].id", json!(["a", "c"])),
            ("R[*].I[?t!='m5'].id", json!([[], ["b"]])),
            ("R[].I[].tags[?K=='x'].V", json!([["1"]])),
            ("R[-1].I[-1].id", json!("c")),
            ("R[*].I[].id", json!(["a", "b", "c"])),
            ("R[*].I[*].[id,t]", json!([[["a", "m5"]], [["b", "c5"], ["c", "m5"]]])),
            ("R[*].I[*].[id,t][]", json!([["a", "m5"], ["b", "c5"], ["c", "m5"]])),
            ("R[*].I[*].nope", json!([[], []])),
            ("R[].I[].tags[?K=='x'].V | [0]", json!(["1"])),
            ("nope[*].x", Value::Null),
        ] {
            assert_eq!(Query::parse(text).unwrap().run(&data), want, "{text}");
        }
        for text in ["R[", "sort_by(R, &x)", "R[].I[].{id}", ""] {
            assert!(Query::parse(text).is_err(), "{text}");
        }
    }
}
