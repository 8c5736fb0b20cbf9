//! `-o`: which printer, and the printers that show documents rather than tables.
//! Source: k8s.io/cli-runtime/pkg/{genericclioptions,printers}, v0.28.

use super::gotemplate;
use super::jsonpath::{Template, go_text};
use super::table::Table;
use super::{Call, Fail};
use crate::run::Ctx;
use objects::json::as_go;
use objects::{DocExt, Kind, Object, Value, json};
use std::sync::Arc;

#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    Table { wide: bool },
    Yaml,
    Json,
    Name,
    JsonPath { template: Template, text: String, as_json: bool },
    GoTemplate { template: gotemplate::Template, text: String },
    Columns { columns: Vec<(String, Template)>, text: String },
}

impl Output {
    /// What `-o` and `--template` of a call say; templates may be in files.
    pub fn of(call: &Call, tables: bool, client: u32, ctx: &Ctx<'_>) -> Result<Output, Fail> {
        let text = call.flags.text("output");
        let (name, body) =
            text.unwrap_or_default().split_once('=').map_or((text.unwrap_or_default(), None), |(n, b)| (n, Some(b)));
        let body = body.or(call.flags.text("template").filter(|t| !t.is_empty()));
        let bare = match name {
            "" if body.is_some() => "go-template",
            "templatefile" => "go-template",
            name => name.strip_suffix("-file").unwrap_or(name),
        };
        let in_file = name.ends_with("file");
        let takes = matches!(bare, "jsonpath" | "jsonpath-as-json" | "go-template" | "template" | "custom-columns");
        let Some(body) = body.filter(|_| takes) else {
            return Output::parse(text, tables, client);
        };
        if !in_file {
            return Output::parse(Some(&format!("{bare}={body}")), tables, client);
        }
        let Some(read) = ctx.state.files.read(&ctx.state.path(body)) else {
            return Err(Fail::error(match bare {
                "custom-columns" => format!("open {body}: no such file or directory"),
                _ => format!("error reading --template {body}, open {body}: no such file or directory"),
            }));
        };
        if bare == "custom-columns" {
            // A line of headers over a line of paths.
            let mut lines = read.lines().filter(|l| !l.trim().is_empty());
            let (headers, paths) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
            let pairs = headers.split_whitespace().zip(paths.split_whitespace()).map(|(h, p)| format!("{h}:{p}"));
            return Output::parse(Some(&format!("{bare}={}", pairs.collect::<Vec<_>>().join(","))), tables, client);
        }
        Output::parse(Some(&format!("{bare}={read}")), tables, client)
    }

    /// Reads the value of `-o`. `tables` says whether the verb has a table of its own (`wide`, custom columns).
    pub fn parse(text: Option<&str>, tables: bool, client: u32) -> Result<Output, Fail> {
        let Some(text) = text else {
            return Ok(Output::Table { wide: false });
        };
        let (name, body) = text.split_once('=').map_or((text, None), |(n, b)| (n, Some(b)));
        match (name, body) {
            ("", None) => Ok(Output::Table { wide: false }),
            ("wide", None) if tables => Ok(Output::Table { wide: true }),
            ("yaml", None) => Ok(Output::Yaml),
            ("json", None) => Ok(Output::Json),
            ("name", None) => Ok(Output::Name),
            ("jsonpath" | "jsonpath-as-json", Some(body)) if !body.is_empty() => {
                let template =
                    Template::parse(body).map_err(|why| Fail::error(format!("error parsing jsonpath {body}, {why}")))?;
                Ok(Output::JsonPath { template, text: body.to_owned(), as_json: name == "jsonpath-as-json" })
            }
            ("go-template" | "template", Some(body)) if !body.is_empty() => {
                let template = gotemplate::Template::parse(body)
                    .map_err(|why| Fail::error(format!("error parsing template {body}, template: output:1: {why}")))?;
                Ok(Output::GoTemplate { template, text: body.to_owned() })
            }
            (
                "jsonpath" | "jsonpath-as-json" | "jsonpath-file" | "go-template" | "template" | "go-template-file"
                | "templatefile",
                _,
            ) => Err(Fail::error("template format specified but no template given")),
            ("custom-columns", body) if tables => {
                let body = body.unwrap_or_default();
                if body.is_empty() {
                    return Err(Fail::error("custom-columns format specified but no custom columns given"));
                }
                let mut columns = Vec::new();
                for column in body.split(',') {
                    let Some((header, path)) = column.split_once(':') else {
                        return Err(Fail::error(format!(
                            "unexpected custom-columns spec: {column}, expected <header>:<json-path-expr>"
                        )));
                    };
                    let template = Template::relaxed(path).map_err(Fail::error)?;
                    columns.push((header.to_owned(), template));
                }
                Ok(Output::Columns { columns, text: body.to_owned() })
            }
            ("custom-columns-file", _) if tables => {
                Err(Fail::error("custom-columns-file format specified but no custom columns file given"))
            }
            ("kyaml", None) if client >= 34 => Err(Fail::error("-o kyaml is not simulated here: use -o yaml")),
            _ => {
                let kyaml = if client >= 34 { "kyaml," } else { "" };
                let (custom, wide) = if tables { ("custom-columns,custom-columns-file,", "wide,") } else { ("", "") };
                Err(Fail::error(format!(
                    "unable to match a printer suitable for the output format \"{text}\", allowed formats are: \
                     {custom}go-template,go-template-file,json,jsonpath,jsonpath-as-json,jsonpath-file,{kyaml}name,\
                     template,templatefile,{wide}yaml"
                )))
            }
        }
    }

    /// Prints objects as documents, names or by template. `list` puts them into a `List`.
    pub fn print(&self, objects: &[Arc<Object>], list: bool, no_headers: bool) -> String {
        let docs = || objects.iter().map(|o| visible(&o.doc));
        let whole = || match (list, objects) {
            (false, [one]) => visible(&one.doc),
            _ => json!({
                "apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": ""},
                "items": docs().collect::<Vec<Value>>(),
            }),
        };
        match self {
            Output::Table { .. } => String::new(),
            Output::Yaml => objects::yaml::to_yaml(&whole()),
            Output::Json => pretty(&whole()),
            Output::Name => objects.iter().map(|o| format!("{}\n", name_of(o.kind, &o.meta.name))).collect(),
            Output::JsonPath { .. } | Output::GoTemplate { .. } => self.document(&whole()),
            Output::Columns { columns, .. } => {
                let mut rows: Vec<Vec<String>> = Vec::new();
                if !no_headers {
                    rows.push(columns.iter().map(|(h, _)| h.clone()).collect());
                }
                for doc in docs() {
                    rows.push(
                        columns
                            .iter()
                            .map(|(_, t)| {
                                let values: Vec<String> = t.values(&doc).into_iter().map(go_text).collect();
                                if values.is_empty() { "<none>".to_owned() } else { values.join(",") }
                            })
                            .collect(),
                    );
                }
                Table::default().print(&rows)
            }
        }
    }

    /// Prints objects that came one by one, as `kubectl apply` does: several in a list of kubectl's own, whose first fields
    /// are in the order of its Go type where JSON is asked for.
    pub fn print_typed(&self, objects: &[Arc<Object>]) -> String {
        let items: Vec<Value> = match objects {
            [_] => return self.print(objects, false, false),
            many => many.iter().map(|o| visible(&o.doc)).collect(),
        };
        let list = json!({"apiVersion": "v1", "kind": "List", "metadata": {}, "items": items});
        match self {
            Output::Json => {
                let mut text = String::from(
                    "{\n    \"kind\": \"List\",\n    \"apiVersion\": \"v1\",\n    \"metadata\": {},\n    \"items\": ",
                );
                write(list.at("items"), 1, &mut text);
                text.push_str("\n}\n");
                text
            }
            _ => self.document(&list),
        }
    }

    /// Prints one document that is no object of the store, or a whole list.
    pub fn document(&self, doc: &Value) -> String {
        match self {
            Output::Json => pretty(doc),
            Output::JsonPath { template, as_json: true, .. } => {
                pretty(&Value::Array(template.values(doc).into_iter().cloned().collect()))
            }
            Output::JsonPath { template, .. } => template.print(doc),
            Output::GoTemplate { template, text } => template.print(doc).unwrap_or_else(|why| {
                format!("error executing template {text:?}: template: output:1: executing \"output\": {why}\n")
            }),
            _ => objects::yaml::to_yaml(doc),
        }
    }

    /// The text that may name label keys.
    pub fn template_text(&self) -> &str {
        match self {
            Output::JsonPath { text, .. } | Output::GoTemplate { text, .. } | Output::Columns { text, .. } => text,
            _ => "",
        }
    }
}

/// What is printed of a document: managed fields are left out.
pub fn visible(doc: &Value) -> Value {
    let mut doc = doc.clone();
    doc.remove_at("metadata.managedFields");
    doc
}

/// `deployment.apps/inflate`, `node/x`.
pub fn name_of(kind: Kind, name: &str) -> String {
    format!("{}/{name}", kind.singular_resource())
}

/// JSON as Go's encoder indents it: four spaces, `<`, `>` and `&` escaped.
pub fn pretty(value: &Value) -> String {
    let mut out = String::new();
    write(value, 0, &mut out);
    out.push('\n');
    out
}

fn write(value: &Value, depth: usize, out: &mut String) {
    let pad = |n: usize, out: &mut String| out.extend(std::iter::repeat_n("    ", n));
    match value {
        Value::Array(list) if !list.is_empty() => {
            out.push_str("[\n");
            for (i, item) in list.iter().enumerate() {
                pad(depth + 1, out);
                write(item, depth + 1, out);
                out.push_str(if i + 1 < list.len() { ",\n" } else { "\n" });
            }
            pad(depth, out);
            out.push(']');
        }
        Value::Object(map) if !map.is_empty() => {
            out.push_str("{\n");
            for (i, (key, item)) in map.iter().enumerate() {
                pad(depth + 1, out);
                out.push_str(&as_go(&Value::String(key.clone())));
                out.push_str(": ");
                write(item, depth + 1, out);
                out.push_str(if i + 1 < map.len() { ",\n" } else { "\n" });
            }
            pad(depth, out);
            out.push('}');
        }
        other => out.push_str(&as_go(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats() {
        let check = |text: &str, want: &str| {
            let got = Output::parse(Some(text), true, 35).map(|_| String::new()).unwrap_or_else(|f| f.text);
            assert_eq!(got, want, "{text}");
        };
        check("wide", "");
        check("jsonpath={.a}", "");
        check("jsonpath={.items[*", "error: error parsing jsonpath {.items[*, unterminated array\n");
        check("custom-columns=NAME", "error: unexpected custom-columns spec: NAME, expected <header>:<json-path-expr>\n");
        check(
            "foo",
            "error: unable to match a printer suitable for the output format \"foo\", allowed formats are: \
             custom-columns,custom-columns-file,go-template,go-template-file,json,jsonpath,jsonpath-as-json,jsonpath-file,\
             kyaml,name,template,templatefile,wide,yaml\n",
        );
    }

    #[test]
    fn json_as_go_writes_it() {
        assert_eq!(
            pretty(&json!({"a": [1, "x<y"], "b": {}})),
            "{\n    \"a\": [\n        1,\n        \"x\\u003cy\"\n    ],\n    \"b\": {}\n}\n"
        );
    }
}
