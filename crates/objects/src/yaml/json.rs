//! JSON with the error words of Go's decoder.

use crate::Value;

/// Parses one JSON value; the error is Go's text (`invalid character 's' looking for beginning of object key string`).
pub fn parse(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|e| e.to_string())
}
