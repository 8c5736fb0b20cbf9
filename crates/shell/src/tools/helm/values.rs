//! Values as `--set` and `--values` give them.
//! Source: helm.sh/helm/v3 pkg/strvals/parser.go and pkg/cli/values/options.go, v3.14.

use objects::{Value, json};

/// Most items of a list that an index may make.
const MOST: usize = 65_536;

/// Writes the pairs of one `--set` (or, where `text` says so, `--set-string`) over `values`.
pub fn set(pairs: &str, text: bool, values: &mut Value) -> Result<(), String> {
    let mut rest = pairs.chars().peekable();
    while rest.peek().is_some() {
        pair(&mut rest, text, values)?;
    }
    Ok(())
}

type Rest<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// What stands before one of `stops`, and which of them; a backslash takes the meaning off the next character.
fn until(rest: &mut Rest<'_>, stops: &[char]) -> (String, Option<char>) {
    let mut word = String::new();
    while let Some(c) = rest.next() {
        match c {
            '\\' => word.extend(rest.next()),
            c if stops.contains(&c) => return (word, Some(c)),
            c => word.push(c),
        }
    }
    (word, None)
}

/// A step of a path.
enum Step {
    Key(String),
    Index(usize),
}

fn pair(rest: &mut Rest<'_>, text: bool, values: &mut Value) -> Result<(), String> {
    let mut path = Vec::new();
    loop {
        let (word, stop) = until(rest, &['=', '[', ',', '.']);
        // Behind an index a key may be missing: `a[0].b`, `a[0]=1`.
        let behind_index = word.is_empty() && matches!(path.last(), Some(Step::Index(_)));
        if !behind_index {
            path.push(Step::Key(word.clone()));
        }
        match stop {
            Some('=') => break,
            Some('.') => {}
            Some('[') => {
                let (index, _) = until(rest, &[']']);
                let at = index
                    .parse::<i64>()
                    .map_err(|_| format!("error parsing index: strconv.Atoi: parsing \"{index}\": invalid syntax"))?;
                let at = usize::try_from(at).map_err(|_| format!("error parsing index: negative {at} index not allowed"))?;
                if at > MOST {
                    return Err(format!("index of {at} is greater than maximum supported index of {MOST}"));
                }
                path.push(Step::Index(at));
            }
            Some(_) => return Err(format!("key \"{word}\" has no value (cannot end with ,)")),
            None => return Err(format!("key \"{word}\" has no value")),
        }
    }
    let value = if rest.next_if_eq(&'{').is_some() { list(rest, text)? } else { typed(&until(rest, &[',']).0, text) };
    write(values, &path, value);
    Ok(())
}

fn list(rest: &mut Rest<'_>, text: bool) -> Result<Value, String> {
    let mut items = Vec::new();
    loop {
        let (word, stop) = until(rest, &[',', '}']);
        if stop.is_none() {
            return Err("list must terminate with '}'".to_owned());
        }
        if !(word.is_empty() && items.is_empty() && stop == Some('}')) {
            items.push(typed(&word, text));
        }
        if stop == Some('}') {
            rest.next_if_eq(&',');
            return Ok(Value::Array(items));
        }
    }
}

fn typed(word: &str, text: bool) -> Value {
    match word {
        _ if text => word.into(),
        "true" => true.into(),
        "false" => false.into(),
        "null" => Value::Null,
        "0" => 0.into(),
        // Numbers with a leading zero are names, as of accounts.
        _ if word.starts_with('0') => word.into(),
        _ => word.parse::<i64>().map_or_else(|_| word.into(), Value::from),
    }
}

fn write(at: &mut Value, path: &[Step], value: Value) {
    let Some((step, rest)) = path.split_first() else {
        *at = value;
        return;
    };
    match step {
        Step::Key(key) => {
            if !at.is_object() {
                *at = json!({});
            }
            if let (Value::Object(map), false) = (&mut *at, key.is_empty()) {
                write(map.entry(key.clone()).or_insert(Value::Null), rest, value);
            }
        }
        Step::Index(index) => {
            if !at.is_array() {
                *at = json!([]);
            }
            if let Value::Array(items) = at {
                if items.len() <= *index {
                    items.resize(index + 1, Value::Null);
                }
                if let Some(item) = items.get_mut(*index) {
                    write(item, rest, value);
                }
            }
        }
    }
}

/// `over` written over `values`, map by map; a null takes a value away.
pub fn merge(values: &mut Value, over: &Value) {
    match (values, over) {
        (Value::Object(values), Value::Object(over)) => {
            for (key, new) in over {
                match values.get_mut(key) {
                    _ if new.is_null() => {
                        values.remove(key);
                    }
                    Some(old) if old.is_object() && new.is_object() => merge(old, new),
                    _ => {
                        values.insert(key.clone(), new.clone());
                    }
                }
            }
        }
        (values, over) => *values = over.clone(),
    }
}

/// The paths of all values that are no maps, `a.b.c`.
pub fn leaves(values: &Value) -> Vec<String> {
    let mut out = Vec::new();
    for (key, value) in values.as_object().into_iter().flatten() {
        match value {
            Value::Object(map) if !map.is_empty() => out.extend(leaves(value).into_iter().map(|l| format!("{key}.{l}"))),
            _ => out.push(key.clone()),
        }
    }
    out
}

/// A value as the templates print it.
pub fn printed(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What a template's `with` takes for nothing.
pub fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        other => other.as_f64() == Some(0.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of helm's own table of tests and of its documentation.
    #[test]
    fn sets() {
        for (pairs, want) in [
            ("a=b", json!({"a": "b"})),
            ("a=1,b=true,c=012,d=null", json!({"a": 1, "b": true, "c": "012", "d": null})),
            ("a.b.c=x,a.b.d=y", json!({"a": {"b": {"c": "x", "d": "y"}}})),
            ("a={x,2,}", json!({"a": ["x", 2, ""]})),
            ("a={},b=c", json!({"a": [], "b": "c"})),
            ("a[0]=x,a[2].b=y", json!({"a": ["x", null, {"b": "y"}]})),
            (r"a\.b=x\,y,c=d", json!({"a.b": "x,y", "c": "d"})),
            (
                r"s.annotations.eks\.amazonaws\.com/role-arn=arn:aws:iam::1:role/x",
                json!({"s": {"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/x"}}}),
            ),
            ("a=", json!({"a": ""})),
            ("a=0.5,b=3Gi,c=1e3", json!({"a": "0.5", "b": "3Gi", "c": "1e3"})),
        ] {
            let mut values = json!({});
            assert_eq!(set(pairs, false, &mut values), Ok(()), "{pairs}");
            assert_eq!(values, want, "{pairs}");
        }
        let mut values = json!({});
        set("a=1,b=true", true, &mut values).unwrap();
        assert_eq!(values, json!({"a": "1", "b": "true"}));
        for (pairs, error) in [
            ("a", "key \"a\" has no value"),
            ("a,b=c", "key \"a\" has no value (cannot end with ,)"),
            ("a={x", "list must terminate with '}'"),
            ("a[x]=1", "error parsing index: strconv.Atoi: parsing \"x\": invalid syntax"),
        ] {
            assert_eq!(set(pairs, false, &mut json!({})), Err(error.to_owned()), "{pairs}");
        }
    }

    #[test]
    fn merges() {
        let mut values = json!({"a": {"b": 1, "c": [1]}, "d": "x"});
        merge(&mut values, &json!({"a": {"c": [2], "e": {}}, "d": null}));
        assert_eq!(values, json!({"a": {"b": 1, "c": [2], "e": {}}}));
        assert_eq!(leaves(&values), ["a.b", "a.c", "a.e"]);
    }
}
