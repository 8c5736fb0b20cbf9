//! JSON to YAML as `kubectl -o yaml` prints it.

use crate::Value;

/// The document with a newline at its end.
pub fn to_yaml(value: &Value) -> String {
    value.to_string()
}
