//! Kinds without a describer of their own: the whole document in words.
//! Source: k8s.io/kubectl/pkg/describe/describe.go `genericDescriber`, v0.28.

use super::{annotations, labels};
use objects::{Object, Value};

const SKIP: [&str; 5] =
    [".metadata.managedFields", ".metadata.name", ".metadata.namespace", ".metadata.labels", ".metadata.annotations"];

pub fn text(o: &Object, client: u32) -> String {
    let mut out = format!("Name:\t{}\nNamespace:\t{}\n", o.meta.name, o.meta.namespace);
    out.push_str(&labels("", &o.meta.labels));
    out.push_str(&annotations("", &o.meta.annotations));
    content(&o.doc, 0, "", client, &mut out);
    out
}

fn content(value: &Value, level: usize, path: &str, client: u32, out: &mut String) {
    let Value::Object(map) = value else {
        return;
    };
    let indent = "  ".repeat(level);
    for (field, value) in map {
        let path = format!("{path}.{field}");
        if SKIP.contains(&path.as_str()) {
            continue;
        }
        let title = words(field, client);
        match value {
            Value::Object(_) => {
                out.push_str(&format!("{indent}{title}:\n"));
                content(value, level + 1, &path, client, out);
            }
            Value::Array(list) => {
                out.push_str(&format!("{indent}{title}:\n"));
                for item in list {
                    if item.is_object() {
                        content(item, level + 1, &path, client, out);
                    } else {
                        out.push_str(&format!("{indent}  {}\n", plain(item)));
                    }
                }
            }
            other => out.push_str(&format!("{indent}{title}:\t{}\n", plain(other))),
        }
    }
}

fn plain(v: &Value) -> String {
    match v {
        Value::Null => "<nil>".to_owned(),
        Value::String(s) => s.replace(['\t', '\n'], " "),
        other => other.to_string(),
    }
}

/// `nodeClassRef` to `Node Class Ref`. kubectl 1.35 writes `Provider Id` where older ones write `Provider ID`.
fn words(field: &str, client: u32) -> String {
    if field.chars().any(|c| !c.is_alphabetic() && c != '-') {
        return field.to_owned();
    }
    let mut parts: Vec<String> = Vec::new();
    let class = |c: char| {
        if c.is_lowercase() {
            1
        } else if c.is_uppercase() {
            2
        } else {
            3
        }
    };
    let mut last = 0;
    for c in field.chars() {
        match parts.last_mut() {
            Some(part) if class(c) == last => part.push(c),
            _ => parts.push(c.to_string()),
        }
        last = class(c);
    }
    // The last capital of a run belongs to the word that follows it.
    for i in 0..parts.len().saturating_sub(1) {
        let (upper, lower) = (parts.get(i).cloned().unwrap_or_default(), parts.get(i + 1).cloned().unwrap_or_default());
        if upper.starts_with(char::is_uppercase) && lower.starts_with(char::is_lowercase) {
            let mut head = upper;
            let moved = head.pop();
            if let Some(part) = parts.get_mut(i) {
                *part = head;
            }
            if let (Some(moved), Some(part)) = (moved, parts.get_mut(i + 1)) {
                part.insert(0, moved);
            }
        }
    }
    let title = |part: &String| {
        let upper = part.to_uppercase();
        if ["API", "URL", "UID", "OSB", "GUID"].contains(&upper.as_str()) {
            return upper;
        }
        let mut chars = part.chars();
        let first: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
        let rest = chars.as_str();
        first + &if client >= 33 { rest.to_lowercase() } else { rest.to_owned() }
    };
    parts.iter().filter(|p| !p.is_empty()).map(title).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_in_words() {
        for (field, want) in [
            ("apiVersion", "API Version"),
            ("nodeClassRef", "Node Class Ref"),
            ("uid", "UID"),
            ("ephemeral-storage", "Ephemeral - Storage"),
            ("providerID", "Provider ID"),
            ("karpenter.sh/x", "karpenter.sh/x"),
            ("ttlSecondsAfterEmpty", "Ttl Seconds After Empty"),
        ] {
            assert_eq!(words(field, 32), want);
        }
        assert_eq!(words("providerID", 35), "Provider Id");
    }
}
