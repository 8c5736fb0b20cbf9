//! Comparing values: `== 5`, `< 3`, sets, presence; and selecting objects by labels and state.

use engine::Store;
use objects::collections::Order as _;
use objects::quantity::Quantity;
use objects::{DocExt, Object, Value};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

impl Op {
    /// Splits `>= 3` into the operator and the rest; without an operator it is equality.
    pub fn split(text: &str) -> (Op, &str) {
        for (sign, op) in [("==", Op::Eq), ("!=", Op::Ne), ("<=", Op::Le), (">=", Op::Ge), ("<", Op::Lt), (">", Op::Gt)] {
            if let Some(rest) = text.strip_prefix(sign) {
                return (op, rest.trim());
            }
        }
        (Op::Eq, text)
    }

    pub fn holds<T: PartialOrd>(self, a: T, b: T) -> bool {
        match self {
            Op::Eq => a == b,
            Op::Ne => a != b,
            Op::Lt => a < b,
            Op::Le => a <= b,
            Op::Gt => a > b,
            Op::Ge => a >= b,
        }
    }
}

/// What a value must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Is {
    Absent,
    Present,
    /// Compared as quantities where both sides are (`1000m` is `1`), else as text.
    Compare(Op, String),
    /// A list with exactly these members, in any order.
    Set(Vec<String>),
}

impl Is {
    pub fn read(v: &Value) -> Option<Is> {
        Some(match v {
            Value::String(s) if s == "absent" => Is::Absent,
            Value::String(s) if s == "present" => Is::Present,
            Value::String(s) => {
                let (op, rest) = Op::split(s);
                Is::Compare(op, rest.to_owned())
            }
            Value::Array(items) => Is::Set(items.iter().map(text_of).collect()),
            Value::Bool(_) | Value::Number(_) => Is::Compare(Op::Eq, text_of(v)),
            _ => return None,
        })
    }

    pub fn holds(&self, v: &Value) -> bool {
        match self {
            Is::Absent => v.is_null(),
            Is::Present => !v.is_null(),
            Is::Compare(op, want) => {
                let got = text_of(v);
                match (Quantity::parse(&got), Quantity::parse(want)) {
                    (Ok(a), Ok(b)) => op.holds(a.nano, b.nano),
                    _ => match op {
                        Op::Eq => !v.is_null() && got == *want,
                        Op::Ne => got != *want,
                        _ => false,
                    },
                }
            }
            Is::Set(want) => {
                let mut got: Vec<String> = v.as_array().map(|a| a.iter().map(text_of).collect()).unwrap_or_default();
                let mut want = want.clone();
                got.order();
                got.dedup();
                want.order();
                v.is_array() && got == want
            }
        }
    }
}

fn text_of(v: &Value) -> String {
    match v {
        Value::String(s) => s.clone(),
        Value::Null => String::new(),
        v => v.to_string(),
    }
}

/// The value at `path`; `list[key=value]` picks the item of a list whose field has that value, `list[0]` the first.
/// Keys with dots are written in brackets too: `metadata.labels[karpenter.sh/capacity-type]`.
pub fn at_path<'a>(doc: &'a Value, path: &str) -> &'a Value {
    let mut value = doc;
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(tail) = rest.strip_prefix('[') {
            let Some((inside, tail)) = tail.split_once(']') else { return &Value::Null };
            rest = tail.strip_prefix('.').unwrap_or(tail);
            let found = match (value, inside.split_once('=')) {
                (Value::Array(items), Some((key, want))) => items.iter().find(|i| i.str_at(key) == Some(want)),
                (Value::Array(items), None) => inside.parse::<usize>().ok().and_then(|i| items.get(i)),
                (other, _) => other.get(inside),
            };
            value = found.unwrap_or(&Value::Null);
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            let (name, tail) = rest.split_at_checked(end).unwrap_or((rest, ""));
            rest = tail.strip_prefix('.').unwrap_or(tail);
            value = value.field(name);
        }
    }
    value
}

/// `app=inflate,tier!=web,zone` over labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector(Vec<(String, Option<(bool, String)>)>);

impl Selector {
    pub fn read(text: &str) -> Selector {
        let part = |p: &str| {
            let p = p.trim();
            if let Some((k, v)) = p.split_once("!=") {
                (k.trim().to_owned(), Some((false, v.trim().to_owned())))
            } else if let Some((k, v)) = p.split_once('=') {
                (k.trim().to_owned(), Some((true, v.trim_start_matches('=').trim().to_owned())))
            } else {
                (p.to_owned(), None)
            }
        };
        Selector(text.split(',').filter(|p| !p.trim().is_empty()).map(part).collect())
    }

    pub fn matches(&self, o: &Object) -> bool {
        self.0.iter().all(|(key, want)| match (o.meta.labels.get(key), want) {
            (Some(v), Some((equal, want))) => (v == want) == *equal,
            (None, Some((equal, _))) => !equal,
            (found, None) => found.is_some(),
        })
    }
}

/// Which objects of a kind are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pub selector: Selector,
    /// Empty for every namespace.
    pub namespace: String,
    pub fields: Vec<(String, Is)>,
    /// Condition Ready is True.
    pub ready: Option<bool>,
    pub deleting: Option<bool>,
    /// The node a pod is on.
    pub node: Option<Selector>,
}

impl Filter {
    pub fn matches(&self, o: &Object, store: &Store) -> bool {
        (self.namespace.is_empty() || o.meta.namespace == self.namespace)
            && self.selector.matches(o)
            && self.fields.iter().all(|(path, is)| is.holds(at_path(&o.doc, path)))
            && self.ready.is_none_or(|want| o.condition_is_true("Ready") == want)
            && self.deleting.is_none_or(|want| o.meta.is_deleting() == want)
            && self.node.as_ref().is_none_or(|selector| {
                let node = o.pod().and_then(|p| store.cluster(objects::Kind::Node, &p.node_name));
                node.is_some_and(|n| selector.matches(n))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use objects::json;

    #[test]
    fn compares() {
        for (is, value, want) in [
            (json!("== 1000m"), json!(1), true),
            (json!("== 1000m"), json!("1"), true),
            (json!("absent"), json!(null), true),
            (json!(true), json!(true), true),
            (json!(true), json!(null), false),
            (json!("!= x"), json!(null), true),
            (json!(["a", "b"]), json!(["b", "a"]), true),
            (json!(["a", "b"]), json!(["b"]), false),
            (json!("<= 3"), json!(4), false),
        ] {
            assert_eq!(Is::read(&is).unwrap().holds(&value), want, "{is} {value}");
        }
    }

    #[test]
    fn follows_paths() {
        let doc = json!({"spec": {"r": [{"key": "a/b.c", "values": ["x"]}], "l": {"k.s/x": 1}}});
        assert_eq!(at_path(&doc, "spec.r[key=a/b.c].values[0]"), &json!("x"));
        assert_eq!(at_path(&doc, "spec.l[k.s/x]"), &json!(1));
        assert_eq!(at_path(&doc, "spec.r[key=z].values"), &Value::Null);
    }
}
