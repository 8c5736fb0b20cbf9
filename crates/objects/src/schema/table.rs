//! Reads `kinds.txt`.
//!
//! `Kind name` or `Type package.Name` opens a section, a blank line ends it. A line of it is a field:
//! `name type[!] [min..max] [~pattern] [^merge-key] [&map-keys] [%] [=default]`. Types are `string`, `string(A|B)`, `int32`,
//! `int64`, `bool`, `quantity`, `intorstring`, `time`, `any`, the name of a section, `[T]` and `{T}`; `!` says that the
//! field is required, `%` that a patch names the keys that stay.

use super::{Field, Pattern, Type};

static TABLE: &str = include_str!("kinds.txt");

/// The lines behind the header `head` up to the next blank line.
pub(super) fn section<'a>(table: &'a str, head: &str) -> impl Iterator<Item = &'a str> + use<'a> {
    let start = table.find(&format!("\n{head}\n")).and_then(|at| table.get(at + 1..)).unwrap_or_default();
    start.lines().skip(1).take_while(|l| !l.is_empty())
}

pub(super) fn kind_lines(name: &str) -> impl Iterator<Item = &'static str> + use<> {
    section(TABLE, &format!("Kind {name}"))
}

pub(super) fn type_lines(name: &str) -> impl Iterator<Item = &'static str> + use<> {
    section(TABLE, &format!("Type {name}"))
}

#[cfg(test)]
pub(super) fn all_lines() -> impl Iterator<Item = &'static str> {
    TABLE.lines().filter(|l| !l.is_empty() && !l.starts_with(['#']) && !l.starts_with("Kind ") && !l.starts_with("Type "))
}

/// One line; `None` where it does not follow the form.
pub(super) fn parse_field(line: &'static str) -> Option<Field> {
    let mut words = line.split(' ');
    let name = words.next()?;
    let text = words.next()?;
    let (text, required) = text.strip_suffix('!').map_or((text, false), |t| (t, true));
    let (ty, values) = parse_type(text)?;
    let mut field = Field {
        name,
        ty,
        required,
        values,
        min: None,
        max: None,
        pattern: None,
        default: None,
        merge_key: None,
        map_keys: "",
        retain_keys: false,
    };
    for word in words {
        let rest = word.get(1..).unwrap_or_default();
        match word.chars().next()? {
            '~' => field.pattern = Some(Pattern::named(rest)?),
            '^' => field.merge_key = Some(rest),
            '&' => field.map_keys = rest,
            '%' => field.retain_keys = true,
            '=' => field.default = Some(rest),
            _ => {
                let (min, max) = word.split_once("..")?;
                field.min = Some(min.parse().ok()?);
                field.max = if max.is_empty() { None } else { Some(max.parse().ok()?) };
            }
        }
    }
    Some(field)
}

fn parse_type(text: &'static str) -> Option<(Type, Vec<&'static str>)> {
    if let Some(of) = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')) {
        let (of, values) = parse_type(of)?;
        return Some((Type::List(Box::new(of)), values));
    }
    if let Some(of) = text.strip_prefix('{').and_then(|t| t.strip_suffix('}')) {
        let (of, values) = parse_type(of)?;
        return Some((if of == Type::Quantity { Type::ResourceList } else { Type::Map(Box::new(of)) }, values));
    }
    if let Some(values) = text.strip_prefix("string(").and_then(|t| t.strip_suffix(')')) {
        return Some((Type::String, values.split('|').collect()));
    }
    let ty = match text {
        "string" => Type::String,
        "int32" => Type::Int32,
        "int64" => Type::Int64,
        "bool" => Type::Bool,
        "quantity" => Type::Quantity,
        "intorstring" => Type::IntOrString,
        "time" => Type::Time,
        "any" => Type::Any,
        name if name.contains('.') => Type::Object(name),
        _ => return None,
    };
    Some((ty, Vec::new()))
}
