//! The two tables as text. `crates/objects/src/schema/table.rs` reads them.

use super::model::{Field, Model, Type};
use std::fmt::Write as _;

/// The lines above both tables.
fn head(what: &str, origins: &[String]) -> String {
    format!("# {what}\n# Made by `cargo xtask schemas` from {}; see NOTICE.\n", origins.join(", "))
}

/// Kinds first, then types, each in order of name.
fn sections<'a>(model: &'a Model, heads: [&str; 2]) -> impl Iterator<Item = (String, &'a Type)> {
    let [kind, ty] = heads.map(str::to_owned);
    let kinds = model.kinds.iter().map(move |(name, t)| (format!("{kind} {name}"), t));
    kinds.chain(model.types.iter().map(move |(name, t)| (format!("{ty} {name}"), t)))
}

pub fn table(model: &Model, origins: &[String]) -> String {
    let mut out =
        head("Kinds and their types, one field a line; crates/objects/src/schema/table.rs says how they read.", origins);
    for (name, ty) in sections(model, ["Kind", "Type"]) {
        let _ = write!(out, "\n{name}\n");
        for (name, field) in &ty.fields {
            let _ = writeln!(out, "{name} {}", line(field));
        }
    }
    out
}

fn line(f: &Field) -> String {
    let mut out = f.ty.clone();
    if !f.values.is_empty() {
        out = out.replacen("string", &format!("string({})", f.values.join("|")), 1);
    }
    if f.required {
        out.push('!');
    }
    match (f.min, f.max) {
        (Some(min), Some(max)) => out.push_str(&format!(" {min}..{max}")),
        (Some(min), None) => out.push_str(&format!(" {min}..")),
        (None, Some(max)) => out.push_str(&format!(" 0..{max}")),
        (None, None) => {}
    }
    if let Some(p) = f.pattern {
        out.push_str(&format!(" ~{p}"));
    }
    if let Some(key) = &f.merge_key {
        out.push_str(&format!(" ^{key}"));
    }
    if !f.map_keys.is_empty() {
        out.push_str(&format!(" &{}", f.map_keys.join(",")));
    }
    if f.retain_keys {
        out.push_str(" %");
    }
    if let Some(default) = &f.default {
        out.push_str(&format!(" ={default}"));
    }
    out
}

pub fn descriptions(model: &Model, origins: &[String]) -> String {
    let mut out = head("Descriptions of kinds, types and fields; line breaks are written as \\n.", origins);
    for (name, ty) in sections(model, ["Kind", "Type"]) {
        let _ = write!(out, "\n{name}\n{}\n", escaped(&ty.doc));
        for (name, field) in ty.fields.iter().filter(|(_, f)| !f.doc.is_empty()) {
            let _ = writeln!(out, "{name} {}", escaped(&field.doc));
        }
    }
    out
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n")
}
