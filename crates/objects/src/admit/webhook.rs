//! How Karpenter's v1alpha5 webhooks refuse: knative field errors inside an admission denial.
//! Sources: knative.dev/pkg apis/field_error.go and webhook/resourcesemantics/{defaulting,validation} @2023-06.

use crate::collections::{VecMap, VecSet};
use crate::json::go_quote;
use crate::{ApiError, Reason};

/// Broken rules of one object. Equal messages are merged, paths sorted, as knative prints them.
#[derive(Debug, Default)]
pub(super) struct Denial {
    errors: VecMap<(String, String), VecSet<String>>,
}

impl Denial {
    fn push(&mut self, message: String, details: &str, paths: &[&str]) {
        let slot = self.errors.entry((message, details.to_owned())).or_default();
        slot.extend(paths.iter().map(|p| (*p).to_owned()));
    }

    pub(super) fn missing(&mut self, path: &str) {
        self.push("missing field(s)".to_owned(), "", &[path]);
    }

    pub(super) fn neither(&mut self, paths: &[&str]) {
        self.push("expected exactly one, got neither".to_owned(), "", paths);
    }

    pub(super) fn both(&mut self, paths: &[&str]) {
        self.push("expected exactly one, got both".to_owned(), "", paths);
    }

    pub(super) fn value(&mut self, value: &str, path: &str, details: &str) {
        self.push(format!("invalid value: {value}"), details, &[path]);
    }

    pub(super) fn key_name(&mut self, key: &str, path: &str, details: &str) {
        self.push(format!("invalid key name {}", go_quote(key)), details, &[path]);
    }

    pub(super) fn out_of_bounds(&mut self, value: &str, low: &str, high: &str, path: &str) {
        self.push(format!("expected {low} <= {value} <= {high}"), "", &[path]);
    }

    pub(super) fn generic(&mut self, message: &str, path: &str) {
        self.push(message.to_owned(), "", &[path]);
    }

    /// The denial of the validating webhook `name`, or nothing.
    pub(super) fn into_result(self, name: &str) -> Result<(), ApiError> {
        if self.errors.is_empty() {
            return Ok(());
        }
        let line = |((message, details), paths): (&(String, String), &VecSet<String>)| {
            let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
            let details = if details.is_empty() { String::new() } else { format!("\n{details}") };
            format!("{message}: {}{details}", paths.join(", "))
        };
        let text: Vec<String> = self.errors.iter().map(line).collect();
        let mut error = denied(name, &format!("validation failed: {}", text.join("\n")));
        for ((message, _), paths) in &self.errors {
            error.causes.extend(paths.iter().map(|p| (p.clone(), message.clone())));
        }
        Err(error)
    }
}

pub(super) fn denied(name: &str, why: &str) -> ApiError {
    ApiError::new(Reason::BadRequest, format!("admission webhook \"{name}\" denied the request: {why}"))
}

/// The denial of a defaulting webhook that cannot read the object.
pub(super) fn undecodable(name: &str, path: &str, why: String) -> ApiError {
    let mut error = denied(name, &format!("mutation failed: cannot decode incoming new object: {why}"));
    error.causes.push((path.to_owned(), why));
    error
}
