//! Strict decoding: unknown fields, and values of the wrong type in the words of Go's JSON decoder.
//! Sources: sigs.k8s.io/json (strict errors), encoding/json (type errors), apiserver handlers/create.go (the frame).

use super::Validation;
use crate::quantity::Quantity;
use crate::schema::{Field, Type, fields_of, fields_of_type};
use crate::{ApiError, Kind, Reason, Value};

/// Checks `doc` against the fields of `kind`, drops unknown fields and nulls, and brings quantities into their canonical
/// form where the kind's Go type does that. Gives the texts of warnings.
///
/// Errors: `BadRequest`, `Deployment in version "v1" cannot be handled as a Deployment: ...`.
pub fn decode(kind: Kind, doc: &mut Value, validation: Validation) -> Result<Vec<String>, ApiError> {
    if kind.is_internal() {
        return Ok(Vec::new());
    }
    let info = kind.info();
    let fail = |why: &str| {
        let name = info.kind;
        let text = format!("{name} in version \"{}\" cannot be handled as a {name}: {why}", info.version);
        ApiError::new(Reason::BadRequest, text)
    };
    // Kinds of CRDs keep their values as written; wrong types are found by their schema or their webhook.
    let mut walk = Walk { typed: !kind.is_crd(), unknown: Vec::new(), first: None, abort: None };
    walk.object(&fields_of(kind), doc, "", "", info.kind);
    if let Some((path, text)) = walk.abort.or(walk.first) {
        let mut error = fail(&text);
        error.causes.push((path, text));
        return Err(error);
    }
    let fields: Vec<String> = walk.unknown.iter().map(|p| format!("unknown field \"{p}\"")).collect();
    match validation {
        Validation::Strict if !fields.is_empty() => {
            let mut error = fail(&format!("strict decoding error: {}", fields.join(", ")));
            error.causes = walk.unknown.into_iter().map(|p| (p, "unknown field".to_owned())).collect();
            Err(error)
        }
        Validation::Warn => Ok(fields),
        _ => Ok(Vec::new()),
    }
}

/// The first error of decoding `doc` into the Go type of a CRD kind, as Karpenter's webhooks meet it. Quantities are
/// brought into canonical form. Gives the field's path and the error.
pub(super) fn go_error(kind: Kind, doc: &mut Value) -> Option<(String, String)> {
    let mut walk = Walk { typed: true, unknown: Vec::new(), first: None, abort: None };
    walk.object(&fields_of(kind), doc, "", "", kind.name());
    walk.abort.or(walk.first)
}

struct Walk {
    /// Whether values are checked and changed at all, beyond names of fields.
    typed: bool,
    unknown: Vec<String>,
    /// The first value of a wrong type; decoding goes on behind it.
    first: Option<(String, String)>,
    /// An error of a type that decodes itself, at which decoding stops.
    abort: Option<(String, String)>,
}

impl Walk {
    /// `path` has indices (for unknown fields), `go_path` has none (for type errors); `owner` is the Go struct's name.
    fn object(&mut self, fields: &[Field], value: &mut Value, path: &str, go_path: &str, owner: &str) {
        let Value::Object(map) = value else { return };
        if self.typed {
            map.retain(|_, v| !v.is_null());
        }
        let mut unknown = Vec::new();
        for (name, v) in map.iter_mut() {
            let Some(field) = fields.iter().find(|f| f.name == name) else {
                unknown.push(name.clone());
                continue;
            };
            let at = Place { path: join(path, name), go_path: join(go_path, name), owner };
            self.value(&field.ty, v, &at);
            if self.abort.is_some() {
                return;
            }
        }
        for name in unknown {
            map.remove(&name);
            self.unknown.push(join(path, &name));
        }
    }

    fn value(&mut self, ty: &Type, v: &mut Value, at: &Place<'_>) {
        match ty {
            Type::Any => {}
            Type::Object(name) => {
                if v.is_object() {
                    let owner = name.rsplit('.').next().unwrap_or(name);
                    self.object(&fields_of_type(name), v, &at.path, &at.go_path, owner);
                } else {
                    self.mismatch(v, at, name);
                }
            }
            Type::List(of) => match v {
                Value::Array(items) => {
                    for (i, item) in items.iter_mut().enumerate() {
                        let inner = Place { path: format!("{}[{i}]", at.path), go_path: at.go_path.clone(), owner: at.owner };
                        self.value(of, item, &inner);
                        if self.abort.is_some() {
                            return;
                        }
                    }
                }
                other => self.mismatch(other, at, &go_type(ty)),
            },
            Type::Map(of) => match v {
                Value::Object(map) => {
                    for (key, item) in map.iter_mut() {
                        let inner = Place { path: join(&at.path, key), go_path: at.go_path.clone(), owner: at.owner };
                        self.value(of, item, &inner);
                    }
                }
                other => self.mismatch(other, at, &go_type(ty)),
            },
            Type::ResourceList => match v {
                Value::Object(map) => map.iter_mut().for_each(|(k, q)| self.quantity(q, &join(&at.path, k))),
                other => self.mismatch(other, at, "v1.ResourceList"),
            },
            Type::Quantity => self.quantity(v, &at.path),
            Type::IntOrString => {
                if self.typed && !v.is_string() && v.as_i64().and_then(|n| i32::try_from(n).ok()).is_none() {
                    self.stop(&at.path, format!("json: cannot unmarshal {} into Go value of type int32", go_value(v)));
                }
            }
            Type::Time => {
                if let Some(text) = v.as_str().filter(|t| crate::time::parse_rfc3339(t).is_none()) {
                    let text =
                        format!("parsing time \"{text}\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"{text}\" as \"2006\"");
                    self.stop(&at.path, text);
                } else if !v.is_string() {
                    self.mismatch(v, at, "string");
                }
            }
            Type::String => {
                if !v.is_string() {
                    self.mismatch(v, at, "string");
                }
            }
            Type::Bool => {
                if !v.is_boolean() {
                    self.mismatch(v, at, "bool");
                }
            }
            Type::Int32 => {
                if v.as_i64().and_then(|n| i32::try_from(n).ok()).is_none() {
                    self.mismatch(v, at, "int32");
                }
            }
            Type::Int64 => {
                if v.as_i64().is_none() {
                    self.mismatch(v, at, "int64");
                }
            }
        }
    }

    fn quantity(&mut self, v: &mut Value, path: &str) {
        if !self.typed {
            return;
        }
        let text = match &*v {
            Value::String(s) => s.trim().to_owned(),
            Value::Null => return,
            other => other.to_string(),
        };
        match Quantity::parse(&text) {
            Ok(q) => *v = Value::String(q.to_string()),
            Err(e) => self.stop(path, e.to_string()),
        }
    }

    fn stop(&mut self, path: &str, text: String) {
        if self.typed && self.abort.is_none() {
            self.abort = Some((path.to_owned(), text));
        }
    }

    fn mismatch(&mut self, v: &Value, at: &Place<'_>, want: &str) {
        if !self.typed || v.is_null() || self.first.is_some() {
            return;
        }
        let value = match (v, want) {
            (Value::Number(n), "int32" | "int64") => format!("number {n}"),
            _ => go_value(v).to_owned(),
        };
        let text = if at.go_path.is_empty() {
            format!("json: cannot unmarshal {value} into Go value of type {want}")
        } else {
            format!("json: cannot unmarshal {value} into Go struct field {}.{} of type {want}", at.owner, at.go_path)
        };
        self.first = Some((at.path.clone(), text));
    }
}

struct Place<'a> {
    path: String,
    go_path: String,
    owner: &'a str,
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn go_type(ty: &Type) -> String {
    match ty {
        Type::List(of) => format!("[]{}", go_type(of)),
        Type::Map(of) => format!("map[string]{}", go_type(of)),
        Type::Object(name) => (*name).to_owned(),
        Type::Int32 => "int32".to_owned(),
        Type::Int64 => "int64".to_owned(),
        Type::Bool => "bool".to_owned(),
        Type::ResourceList => "v1.ResourceList".to_owned(),
        Type::Quantity => "resource.Quantity".to_owned(),
        Type::IntOrString => "intstr.IntOrString".to_owned(),
        Type::String | Type::Time => "string".to_owned(),
        Type::Any => "interface {}".to_owned(),
    }
}

fn go_value(v: &Value) -> &'static str {
    match v {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
