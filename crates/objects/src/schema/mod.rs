//! The fields of every kind: names, types, allowed values and a sentence each. Used by strict decoding, by completion and
//! by `kubectl explain`.

use crate::Kind;

/// The type of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    String,
    Int32,
    Int64,
    Bool,
    Quantity,
    IntOrString,
    /// A Go duration in text (`30s`).
    Duration,
    /// An RFC 3339 time in text.
    Time,
    /// Anything at all.
    Any,
    Object(&'static str),
    List(Box<Type>),
    Map(Box<Type>),
}

/// One field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub name: &'static str,
    pub ty: Type,
    pub required: bool,
    /// Allowed values, where the field is an enumeration.
    pub values: Vec<&'static str>,
    /// One sentence.
    pub doc: &'static str,
}

/// The fields of the object at `path` (`spec.template.spec.containers[0]`; indices are optional). Empty where the path
/// leads to no object.
pub fn fields_at(_kind: Kind, _path: &str) -> Vec<Field> {
    Vec::new()
}

/// The field at `path`.
pub fn field(_kind: Kind, _path: &str) -> Option<Field> {
    None
}

/// The sentence that describes a kind.
pub fn describe(_kind: Kind) -> &'static str {
    ""
}
