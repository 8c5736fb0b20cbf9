//! The list of broken rules of one object, in the words of `field.Error`.
//! Source: k8s.io/apimachinery/pkg/util/validation/field/errors.go and pkg/api/errors/errors.go, v0.35.

use crate::json::go_quote;
use crate::{ApiError, Kind, Reason, Value};

/// Field paths and error bodies (`spec.replicas`, `Invalid value: -1: must be greater than or equal to 0`).
#[derive(Debug, Default)]
pub struct FieldErrors {
    list: Vec<(String, String)>,
}

pub(super) const NEGATIVE: &str = "must be greater than or equal to 0";
pub(super) const IMMUTABLE: &str = "field is immutable";

impl FieldErrors {
    pub fn new() -> FieldErrors {
        FieldErrors::default()
    }

    pub fn push(&mut self, path: impl Into<String>, body: String) {
        self.list.push((path.into(), body));
    }

    /// `value` is printed as JSON.
    pub fn invalid(&mut self, path: impl Into<String>, value: &Value, why: &str) {
        self.push(path, format!("Invalid value: {value}: {why}"));
    }

    pub fn invalid_text(&mut self, path: impl Into<String>, value: &str, why: &str) {
        self.push(path, format!("Invalid value: {}: {why}", go_quote(value)));
    }

    pub fn required(&mut self, path: impl Into<String>, why: &str) {
        self.push(path, if why.is_empty() { "Required value".to_owned() } else { format!("Required value: {why}") });
    }

    pub fn duplicate(&mut self, path: impl Into<String>, value: &str) {
        self.push(path, format!("Duplicate value: {}", go_quote(value)));
    }

    pub fn forbidden(&mut self, path: impl Into<String>, why: &str) {
        self.push(path, format!("Forbidden: {why}"));
    }

    pub fn unsupported(&mut self, path: impl Into<String>, value: &str, supported: &[&str]) {
        let supported: Vec<String> = supported.iter().map(|s| go_quote(s)).collect();
        self.push(path, format!("Unsupported value: {}: supported values: {}", go_quote(value), supported.join(", ")));
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// An `Invalid` error that names the object and every broken rule, or nothing.
    pub fn into_result(self, kind: Kind, name: &str) -> Result<(), ApiError> {
        if self.list.is_empty() {
            return Ok(());
        }
        let texts: Vec<String> = self.list.iter().map(|(path, body)| format!("{path}: {body}")).collect();
        let all = match texts.as_slice() {
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        let group = kind.info().group;
        let dot = if group.is_empty() { "" } else { "." };
        let mut error =
            ApiError::new(Reason::Invalid, format!("{}{dot}{group} {} is invalid: {all}", kind.name(), go_quote(name)));
        error.causes = self.list;
        Err(error)
    }
}

/// The text kubectl prints for an `Invalid` error: `The Deployment "x" is invalid: ...`, several causes as a list.
/// `None` for other errors. Source: k8s.io/kubectl/pkg/cmd/util/helpers.go, v1.27.
pub fn invalid_text(error: &ApiError) -> Option<String> {
    if error.reason != Reason::Invalid {
        return None;
    }
    if error.causes.is_empty() {
        return Some(format!("The request is invalid: {}", error.message));
    }
    let (resource, rest) = error.message.split_once(' ')?;
    let (name, _) = rest.split_once(" is invalid: ")?;
    let kind = resource.split('.').next().unwrap_or(resource);
    let causes = match error.causes.as_slice() {
        [(path, body)] => format!("{path}: {body}"),
        many => many.iter().map(|(path, body)| format!("\n* {path}: {body}")).collect(),
    };
    Some(format!("The {kind} {name} is invalid: {causes}"))
}
