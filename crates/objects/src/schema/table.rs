//! Reads `kinds.txt`.

use super::{Field, Pattern, Type};

static TABLE: &str = include_str!("kinds.txt");

/// The lines behind the header `head` up to the next blank line.
fn section(head: &str, name: &str) -> impl Iterator<Item = &'static str> {
    let start = TABLE.match_indices(head).find_map(|(at, _)| {
        let rest = TABLE.get(at + head.len()..)?;
        let rest = rest.strip_prefix(name)?;
        (at == 0 || TABLE.get(..at)?.ends_with('\n')).then_some(())?;
        (rest.starts_with('\n') || rest.starts_with(" |")).then_some(rest)
    });
    start.unwrap_or_default().lines().skip(1).take_while(|l| !l.is_empty())
}

pub(super) fn kind_lines(name: &str) -> impl Iterator<Item = &'static str> {
    section("Kind ", name)
}

pub(super) fn type_lines(name: &str) -> impl Iterator<Item = &'static str> {
    section("Type ", name)
}

pub(super) fn kind_doc(name: &str) -> &'static str {
    TABLE.lines().filter_map(|l| l.strip_prefix("Kind ")?.split_once(" | ")).find(|(n, _)| *n == name).map_or("", |(_, doc)| doc)
}

#[cfg(test)]
pub(super) fn all_lines() -> impl Iterator<Item = &'static str> {
    TABLE.lines().filter(|l| !l.is_empty() && !l.starts_with(['#']) && !l.starts_with("Kind ") && !l.starts_with("Type "))
}

/// One line; `None` where it does not follow the form.
pub(super) fn parse_field(line: &'static str) -> Option<Field> {
    let (head, doc) = line.split_once(" | ")?;
    let mut words = head.split(' ');
    let name = words.next()?;
    let text = words.next()?;
    let (text, required) = text.strip_suffix('!').map_or((text, false), |t| (t, true));
    let (ty, values) = parse_type(text)?;
    let mut field = Field { name, ty, required, values, min: None, max: None, pattern: None, doc };
    for word in words {
        if let Some(name) = word.strip_prefix('~') {
            field.pattern = Some(Pattern::named(name)?);
        } else {
            let (min, max) = word.split_once("..")?;
            field.min = Some(min.parse().ok()?);
            field.max = if max.is_empty() { None } else { Some(max.parse().ok()?) };
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
        "v1.ResourceList" => Type::ResourceList,
        name if name.contains('.') => Type::Object(name),
        _ => return None,
    };
    Some((ty, Vec::new()))
}
