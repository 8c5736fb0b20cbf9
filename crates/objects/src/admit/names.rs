//! Names, labels and the words for what is wrong with them.
//! Source: k8s.io/apimachinery/pkg/util/validation/validation.go and pkg/api/validation/objectmeta.go, v0.35.

use super::field_errors::{FieldErrors, IMMUTABLE};
use crate::schema::{dns_label, dns_subdomain, label_name};
use crate::{DocExt, Kind, Value};

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const LABEL_1035: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const NAME: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

/// What is wrong with a DNS subdomain.
pub(super) fn subdomain(text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if text.len() > 253 {
        wrong.push("must be no more than 253 characters".to_owned());
    }
    if !dns_subdomain(text) {
        wrong.push(SUBDOMAIN.to_owned());
    }
    wrong
}

/// What is wrong with a DNS label.
pub(super) fn label(text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if text.len() > 63 {
        wrong.push("must be no more than 63 characters".to_owned());
    }
    if !dns_label(text) {
        wrong.push(LABEL.to_owned());
    }
    wrong
}

fn label_1035(text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if text.len() > 63 {
        wrong.push("must be no more than 63 characters".to_owned());
    }
    if !dns_label(text) || !text.starts_with(|c: char| c.is_ascii_lowercase()) {
        wrong.push(LABEL_1035.to_owned());
    }
    wrong
}

/// What is wrong with a label key.
pub(super) fn qualified_name(key: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let parts: Vec<&str> = key.split('/').collect();
    let name = match parts.as_slice() {
        [name] => *name,
        [prefix, name] => {
            if prefix.is_empty() {
                wrong.push("prefix part must be non-empty".to_owned());
            } else {
                wrong.extend(subdomain(prefix).into_iter().map(|w| format!("prefix part {w}")));
            }
            *name
        }
        _ => {
            let suffix = "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
            return vec![format!("a valid label key {NAME} {suffix}")];
        }
    };
    if name.is_empty() {
        wrong.push("name part must be non-empty".to_owned());
    } else if name.len() > 63 {
        wrong.push("name part must be no more than 63 characters".to_owned());
    }
    if !label_name(name) {
        wrong.push(format!("name part {NAME}"));
    }
    wrong
}

/// What is wrong with a label value.
pub(super) fn label_value(value: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if value.len() > 63 {
        wrong.push("must be no more than 63 characters".to_owned());
    }
    if !value.is_empty() && !label_name(value) {
        wrong.push(VALUE.to_owned());
    }
    wrong
}

/// Labels of `doc` at `path` (`metadata.labels`).
pub(super) fn labels(labels: &Value, path: &str, errors: &mut FieldErrors) {
    for (key, value) in labels.strings_at_top() {
        for why in qualified_name(&key) {
            errors.invalid_text(path, &key, &why);
        }
        for why in label_value(&value) {
            errors.invalid_text(path, &value, &why);
        }
    }
}

/// Metadata of an object of `kind`: name, labels, annotations; on updates also what cannot change.
pub(super) fn metadata(kind: Kind, doc: &Value, old: Option<&Value>, errors: &mut FieldErrors) {
    let name = doc.str_at("metadata.name").unwrap_or_default();
    let prefix = doc.str_at("metadata.generateName").unwrap_or_default();
    let rule = match kind {
        Kind::Service => label_1035,
        Kind::Namespace => label,
        _ => subdomain,
    };
    if !prefix.is_empty() {
        for why in rule(prefix.trim_end_matches('-')) {
            errors.invalid_text("metadata.generateName", prefix, &why);
        }
    }
    if !name.is_empty() {
        for why in rule(name) {
            errors.invalid_text("metadata.name", name, &why);
        }
    } else if prefix.is_empty() {
        errors.required("metadata.name", "name or generateName is required");
    }
    labels(doc.at("metadata.labels"), "metadata.labels", errors);
    for key in doc.at("metadata.annotations").as_object().into_iter().flat_map(|m| m.keys()) {
        for why in qualified_name(&key.to_lowercase()) {
            errors.invalid_text("metadata.annotations", key, &why);
        }
    }
    let size: usize = doc.strings_at("metadata.annotations").iter().map(|(k, v)| k.len() + v.len()).sum();
    if size > 256 * 1024 {
        errors.push("metadata.annotations", "Too long: may not be more than 262144 bytes".to_owned());
    }
    if let Some(old) = old.and_then(|o| o.str_at("metadata.uid"))
        && doc.str_at("metadata.uid").is_some_and(|uid| uid != old)
    {
        errors.invalid("metadata.uid", doc.at("metadata.uid"), IMMUTABLE);
    }
}

/// The strings of a map value itself.
pub(super) trait Strings {
    fn strings_at_top(&self) -> Vec<(String, String)>;
}

impl Strings for Value {
    fn strings_at_top(&self) -> Vec<(String, String)> {
        let map = self.as_object().into_iter().flatten();
        map.filter_map(|(k, v)| v.as_str().map(|v| (k.clone(), v.to_owned()))).collect()
    }
}
