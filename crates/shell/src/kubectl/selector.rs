//! Label and field selectors as people type them. Source: k8s.io/apimachinery/pkg/labels/selector.go, v0.28.

use objects::collections::VecMap;
use objects::selector::{Expression, Operator};
use objects::{DocExt, Kind, Object};

#[derive(Clone, Debug, Default)]
pub struct Labels(pub Vec<Expression>);

impl Labels {
    /// Parses `a=b,c!=d,e in (f,g),h,!i`; the error is the server's words.
    pub fn parse(text: &str) -> Result<Labels, String> {
        let mut out = Vec::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            let (expression, tail) = requirement(rest)?;
            out.push(expression);
            rest = tail.trim_start();
            match rest.strip_prefix(',') {
                Some(tail) if tail.trim().is_empty() => {
                    return Err("found '', expected: identifier after ','".to_owned());
                }
                Some(tail) => rest = tail.trim_start(),
                None if rest.is_empty() => {}
                None => {
                    let found: String = match rest.chars().next() {
                        Some(c) if "=!()<>".contains(c) => c.to_string(),
                        _ => rest.chars().take_while(|c| !c.is_whitespace() && !"=!(),<>".contains(*c)).collect(),
                    };
                    return Err(format!("found '{found}', expected: ',' or 'end of string'"));
                }
            }
        }
        Ok(Labels(out))
    }

    pub fn matches(&self, labels: &VecMap<String, String>) -> bool {
        self.0.iter().all(|e| e.matches(labels))
    }
}

fn word(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| c.is_whitespace() || "=!(),<>".contains(c)).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

fn requirement(text: &str) -> Result<(Expression, &str), String> {
    let make = |key: &str, operator, values: Vec<String>| Expression { key: key.to_owned(), operator, values, min_values: None };
    if let Some(rest) = text.strip_prefix('!') {
        let (key, tail) = word(rest.trim_start());
        if key.is_empty() {
            return Err(format!("found '{}', expected: identifier", first(rest)));
        }
        return Ok((make(key, Operator::DoesNotExist, Vec::new()), tail));
    }
    let (key, rest) = word(text);
    if key.is_empty() {
        return Err(format!("found '{}', expected: !, identifier, or 'end of string'", first(text)));
    }
    let rest = rest.trim_start();
    for (token, operator) in [("==", Operator::In), ("!=", Operator::NotIn), ("=", Operator::In)] {
        if let Some(tail) = rest.strip_prefix(token) {
            let (value, tail) = word(tail.trim_start());
            return Ok((make(key, operator, vec![value.to_owned()]), tail));
        }
    }
    let (name, tail) = word(rest);
    let operator = match name {
        "in" => Operator::In,
        "notin" => Operator::NotIn,
        _ => return Ok((make(key, Operator::Exists, Vec::new()), rest)),
    };
    let tail = tail.trim_start();
    let Some(inner) = tail.strip_prefix('(') else {
        return Err(format!("found '{}' expected: '('", first(tail)));
    };
    let Some((values, tail)) = inner.split_once(')') else {
        return Err("found '', expected: ',' or ')'".to_owned());
    };
    Ok((make(key, operator, values.split(',').map(|v| v.trim().to_owned()).collect()), tail))
}

fn first(text: &str) -> String {
    text.trim_start().chars().take(1).collect()
}

/// A field selector: terms of path, equality and value.
#[derive(Clone, Debug, Default)]
pub struct Fields(pub Vec<(String, bool, String)>);

impl Fields {
    pub fn parse(text: &str) -> Result<Fields, String> {
        let mut out = Vec::new();
        for term in text.split(',').map(str::trim).filter(|t| !t.is_empty()) {
            let split = term.split_once("!=").map(|(k, v)| (k, false, v));
            let split = split.or_else(|| term.split_once("==").map(|(k, v)| (k, true, v)));
            let split = split.or_else(|| term.split_once('=').map(|(k, v)| (k, true, v)));
            let (key, equal, value) = split.ok_or_else(|| format!("invalid selector: '{term}'; can't understand '{term}'"))?;
            out.push((key.to_owned(), equal, value.to_owned()));
        }
        Ok(Fields(out))
    }

    /// The first term whose field the server does not index for this kind.
    pub fn unsupported(&self, kind: Kind) -> Option<&str> {
        let extra: &[&str] = match kind {
            Kind::Pod => &[
                "spec.nodeName",
                "spec.restartPolicy",
                "spec.schedulerName",
                "spec.serviceAccountName",
                "spec.hostNetwork",
                "status.phase",
                "status.podIP",
                "status.nominatedNodeName",
            ],
            Kind::Event => &[
                "involvedObject.kind",
                "involvedObject.namespace",
                "involvedObject.name",
                "involvedObject.uid",
                "involvedObject.apiVersion",
                "involvedObject.resourceVersion",
                "involvedObject.fieldPath",
                "reason",
                "reportingComponent",
                "source",
                "type",
            ],
            Kind::Node => &["spec.unschedulable"],
            Kind::Namespace => &["status.phase"],
            Kind::ReplicaSet => &["status.replicas"],
            Kind::Job => &["status.successful"],
            _ => &[],
        };
        self.0
            .iter()
            .map(|(key, ..)| key.as_str())
            .find(|key| *key != "metadata.name" && *key != "metadata.namespace" && !extra.contains(key))
    }

    pub fn matches(&self, object: &Object) -> bool {
        self.0.iter().all(|(key, equal, value)| {
            let path = if key == "source" { "source.component" } else { key };
            let found = object.doc.at(path);
            let text = match found {
                objects::Value::Null if key == "spec.unschedulable" => "false".to_owned(),
                objects::Value::Null => String::new(),
                objects::Value::String(s) => s.clone(),
                other => other.to_string(),
            };
            (text == *value) == *equal
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, labels: &[(&str, &str)], want: Result<bool, &str>) {
        let labels = labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        assert_eq!(Labels::parse(text).map(|s| s.matches(&labels)).as_ref(), want.map_err(str::to_owned).as_ref(), "{text}");
    }

    #[test]
    fn label_selectors() {
        let app = &[("app", "inflate"), ("t", "1")];
        check("app=inflate", app, Ok(true));
        check("app==inflate,t!=2", app, Ok(true));
        check("app in (a, inflate), !x", app, Ok(true));
        check("app notin (inflate)", app, Ok(false));
        check("app", app, Ok(true));
        check("x", app, Ok(false));
        check("a=b=c", app, Err("found '=', expected: ',' or 'end of string'"));
        check("", app, Ok(true));
    }
}
