//! What an API server checks of custom resources: types, required fields, enumerations, ranges and patterns of the schema,
//! then the CEL rules where nothing of that blocks them.
//! Sources: k8s.io/apiextensions-apiserver/pkg/apiserver/validation, v0.35; Karpenter's CRDs, v1.14.

use super::field_errors::FieldErrors;
use super::{kwok, names, node_class, node_pool};
use crate::schema::{Field, Type, fields_of, fields_of_type};
use crate::{ApiError, DocExt, Era, Kind, Value};

/// Defaults and validates an object of a CRD.
pub(super) fn admit(kind: Kind, doc: &mut Value, old: Option<&Value>) -> Result<(), ApiError> {
    default_fields(kind, doc);
    let mut errors = FieldErrors::new();
    names::metadata(kind, doc, old, &mut errors);
    let blocked = check_schema(kind, doc, &mut errors);
    let has_rules = !matches!(kind, Kind::Machine | Kind::KWOKNodeClass);
    if blocked && has_rules {
        let why = "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation";
        errors.push("<nil>", format!("Invalid value: null: {why}"));
    } else if has_rules {
        match kind {
            Kind::NodePool => node_pool::rules(doc, old, &mut errors),
            Kind::NodeClaim => node_pool::claim_rules(doc, old, &mut errors),
            Kind::EC2NodeClass => node_class::rules(doc, &mut errors),
            _ => {}
        }
    }
    errors.into_result(kind, doc.str_at("metadata.name").unwrap_or_default())
}

pub(super) fn default_fields(kind: Kind, doc: &mut Value) {
    match kind {
        Kind::NodePool => node_pool::default_fields(doc),
        Kind::NodeClaim => node_pool::default_claim(doc),
        Kind::EC2NodeClass => node_class::default_fields(doc),
        Kind::KWOKNodeClass => kwok::default_fields(doc),
        _ => {}
    }
}

/// Checks the document against the table; true where something was found that keeps CEL rules from running.
pub(super) fn check_schema(kind: Kind, doc: &Value, errors: &mut FieldErrors) -> bool {
    // The CRDs of v1alpha5 list no values; their webhooks know them.
    let mut walk = Walk { errors, blocked: false, values: kind.served_in(Era::V1) || kind == Kind::KWOKNodeClass };
    for field in fields_of(kind).iter().filter(|f| f.name == "spec") {
        if let Some(v) = doc.get(field.name) {
            walk.value(&field.ty, field, v, field.name);
        }
    }
    walk.blocked
}

struct Walk<'a> {
    errors: &'a mut FieldErrors,
    blocked: bool,
    /// Whether the schema lists allowed values.
    values: bool,
}

impl Walk<'_> {
    fn object(&mut self, fields: &[Field], v: &Value, path: &str) {
        for field in fields {
            let at = format!("{path}.{}", field.name);
            match v.get(field.name) {
                Some(value) => self.value(&field.ty, field, value, &at),
                None if field.required => {
                    self.blocked = true;
                    self.errors.required(at, "");
                }
                None => {}
            }
        }
    }

    fn value(&mut self, ty: &Type, field: &Field, v: &Value, path: &str) {
        let is = schema_type(v);
        let want = match ty {
            Type::Any | Type::IntOrString | Type::Quantity => return self.quantity(ty, v, path),
            Type::String | Type::Time => "string",
            Type::Bool => "boolean",
            Type::Int32 | Type::Int64 => "integer",
            Type::List(_) => "array",
            Type::Object(_) | Type::Map(_) | Type::ResourceList => "object",
        };
        if is != want {
            self.blocked = true;
            let why = format!("{path} in body must be of type {want}: \"{is}\"");
            self.errors.invalid_text(path, is, &why);
            return;
        }
        match (ty, v) {
            (Type::Object(name), v) => self.object(&fields_of_type(name), v, path),
            (Type::List(of), Value::Array(items)) => {
                self.count(field, items.len(), path);
                for (i, item) in items.iter().enumerate() {
                    self.value(of, field, item, &format!("{path}[{i}]"));
                }
            }
            (Type::Map(of), Value::Object(map)) => {
                self.count(field, map.len(), path);
                for (key, item) in map {
                    self.value(of, field, item, &format!("{path}.{key}"));
                }
            }
            (Type::ResourceList, Value::Object(map)) => {
                for (key, item) in map {
                    self.quantity(&Type::Quantity, item, &format!("{path}.{key}"));
                }
            }
            (_, Value::String(s)) => self.text(field, s, path),
            (_, Value::Number(n)) => self.number(field, n.as_i64().unwrap_or(0), path),
            _ => {}
        }
    }

    fn text(&mut self, field: &Field, s: &str, path: &str) {
        if self.values && !field.values.is_empty() && !field.values.contains(&s) {
            self.blocked = true;
            self.errors.unsupported(path, s, &field.values);
        }
        if let Some(pattern) = field.pattern.filter(|p| !p.matches(s)) {
            let why = format!("{path} in body should match '{}'", pattern.text());
            self.errors.invalid_text(path, s, &why);
        }
    }

    fn number(&mut self, field: &Field, n: i64, path: &str) {
        if let Some(min) = field.min.filter(|min| n < *min) {
            self.errors.invalid(path, &n.into(), &format!("{path} in body should be greater than or equal to {min}"));
        }
        if let Some(max) = field.max.filter(|max| n > *max) {
            self.errors.invalid(path, &n.into(), &format!("{path} in body should be less than or equal to {max}"));
        }
    }

    /// Bounds of lists and maps.
    fn count(&mut self, field: &Field, n: usize, path: &str) {
        let n = i64::try_from(n).unwrap_or(i64::MAX);
        if let Some(max) = field.max.filter(|max| n > *max) {
            self.blocked = true;
            self.errors.push(path, format!("Too many: {n}: must have at most {max} items"));
        }
        if let Some(min) = field.min.filter(|min| n < *min) {
            self.errors.invalid(path, &n.into(), &format!("{path} in body should have at least {min} items"));
        }
    }

    /// An integer, or text in the form of a quantity.
    fn quantity(&mut self, ty: &Type, v: &Value, path: &str) {
        const FORM: &str =
            r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$";
        if *ty != Type::Quantity {
            return;
        }
        match v {
            Value::Number(n) if n.is_i64() || n.is_u64() => {}
            Value::String(s) if crate::quantity::Quantity::parse(s).is_ok() => {}
            Value::String(s) => self.errors.invalid_text(path, s, &format!("{path} in body should match '{FORM}'")),
            other => {
                self.blocked = true;
                let is = schema_type(other);
                self.errors.invalid_text(path, is, &format!("{path} in body must be of type integer or string: \"{is}\""));
            }
        }
    }
}

/// The type of a value in the words of OpenAPI.
fn schema_type(v: &Value) -> &'static str {
    match v {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(n) if n.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
