//! What an API server does with a document before it stores it: decode strictly, default, validate.
//!
//! Pure functions of the document and the object it replaces. What depends on other objects (does the namespace, the
//! priority class exist) is the store's to check.

use crate::{ApiError, Era, Kind, Value};

/// What happens to unknown fields (`--validate`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Validation {
    #[default]
    Strict,
    Warn,
    Ignore,
}

/// Decodes, defaults and validates `doc`, which is written over `old` where that is given (an update).
/// Gives the document as it is to be stored and the texts of `Warning:` lines.
pub fn admit(
    _kind: Kind,
    doc: Value,
    _old: Option<&Value>,
    _era: Era,
    _validation: Validation,
) -> Result<(Value, Vec<String>), ApiError> {
    Ok((doc, Vec::new()))
}
