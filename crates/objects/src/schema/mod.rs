//! The fields of every kind: names, types, allowed values, bounds, defaults and how patches merge them. One table for
//! strict decoding, strategic merge patches, `kubectl explain`, completion and documentation while typing.
//!
//! The table is `kinds.txt`, made by `cargo xtask schemas` from the published schemas of one Kubernetes release and of
//! Karpenter's CRDs; a type's few lines are read when someone asks for them, so nothing is kept in memory and nothing needs
//! to be built first. Types are named like the Go types, because error messages name them. What the fields mean is a
//! second, larger text, [`Docs`], which hosts load when somebody asks.
//!
//! - [`fields_of`], [`fields_at`], [`field`]: by kind and path (`spec.template.spec.containers[0].image`; indices may be
//!   left out). [`fields_of_type`]: by the name in [`Type::Object`].
//! - [`Docs::kind`], [`Docs::ty`], [`Docs::field`]: descriptions, by the same names.
//! - [`nearest`]: what was probably meant by a name.

mod docs;
mod pattern;
mod table;

pub use docs::Docs;
pub use pattern::Pattern;
pub(crate) use pattern::{dns_label, dns_subdomain, label_name};
use table::{kind_lines, parse_field, type_lines};

use crate::Kind;

/// The type of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    String,
    Int32,
    Int64,
    Bool,
    Quantity,
    IntOrString,
    /// An RFC 3339 time in text.
    Time,
    /// Anything at all.
    Any,
    /// `v1.PodSpec`: the package's short name and the type's.
    Object(&'static str),
    List(Box<Type>),
    Map(Box<Type>),
    /// A map of quantities by resource name.
    ResourceList,
}

impl Type {
    /// As `kubectl explain` writes it: `<[]Container>`, `<map[string]string>`, `<integer>`.
    pub fn explain(&self) -> String {
        match self {
            Type::String | Type::Time => "string".to_owned(),
            Type::Int32 | Type::Int64 => "integer".to_owned(),
            Type::Bool => "boolean".to_owned(),
            Type::Quantity => "Quantity".to_owned(),
            Type::IntOrString => "IntOrString".to_owned(),
            Type::Any => "Object".to_owned(),
            Type::Object(name) => name.rsplit('.').next().unwrap_or(name).to_owned(),
            Type::List(of) => format!("[]{}", of.explain()),
            Type::Map(of) => format!("map[string]{}", of.explain()),
            Type::ResourceList => "map[string]Quantity".to_owned(),
        }
    }
}

/// One field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub name: &'static str,
    pub ty: Type,
    pub required: bool,
    /// Allowed values, where the field (or each item of it) is an enumeration.
    pub values: Vec<&'static str>,
    /// Smallest and largest number, or length of a list or map.
    pub min: Option<i64>,
    pub max: Option<i64>,
    /// What the text (or each item, each map value) must look like.
    pub pattern: Option<Pattern>,
    /// What the server puts in where the field is absent, as JSON.
    pub default: Option<&'static str>,
    /// A strategic merge patch merges the list: by this key of its items, or as a set of values where it is empty.
    pub merge_key: Option<&'static str>,
    /// The keys by which server-side apply tells items of the list apart, joined by commas; empty for other fields.
    pub map_keys: &'static str,
    /// A strategic merge patch names the keys that stay (`$retainKeys`).
    pub retain_keys: bool,
}

/// The fields at the top of a kind, `apiVersion`, `kind` and `metadata` included.
pub fn fields_of(kind: Kind) -> Vec<Field> {
    kind_lines(kind.name()).filter_map(parse_field).collect()
}

/// The fields of a type of the table (`v1.PodSpec`).
pub fn fields_of_type(name: &str) -> Vec<Field> {
    type_lines(name).filter_map(parse_field).collect()
}

/// The fields of the object at `path` (`spec.template.spec.containers[0]`; indices are optional). Empty where the path
/// leads to no object.
pub fn fields_at(kind: Kind, path: &str) -> Vec<Field> {
    if path.is_empty() {
        return fields_of(kind);
    }
    match field(kind, path).map(|f| innermost(&f.ty).clone()) {
        Some(Type::Object(name)) => fields_of_type(name),
        _ => Vec::new(),
    }
}

/// The field at `path`.
pub fn field(kind: Kind, path: &str) -> Option<Field> {
    find(kind, path).map(|(_, f)| f)
}

/// The field at `path`, and the type that holds it (`None` for the kind itself).
pub fn find(kind: Kind, path: &str) -> Option<(Option<&'static str>, Field)> {
    let mut owner = None;
    let mut found: Option<(Option<&'static str>, Field)> = None;
    for part in path.split('.') {
        let name = part.split('[').next().unwrap_or(part);
        if let Some(Type::Map(_) | Type::ResourceList) = found.as_ref().map(|(_, f)| &f.ty) {
            // Below a map every key is a value of it.
            continue;
        }
        let next = match (&found, owner) {
            (None, _) => one(kind_lines(kind.name()), name),
            (Some(_), Some(ty)) => one(type_lines(ty), name),
            (Some(_), None) => None,
        }?;
        let holder = if found.is_some() { owner } else { None };
        owner = match innermost(&next.ty) {
            Type::Object(name) => Some(*name),
            _ => None,
        };
        found = Some((holder, next));
    }
    found
}

/// The one field of a section with this name.
fn one(lines: impl Iterator<Item = &'static str>, name: &str) -> Option<Field> {
    let mut lines = lines;
    lines.find(|l| l.split(' ').next() == Some(name)).and_then(parse_field)
}

/// The field that was probably meant by the unknown one at `path`.
pub fn suggest(kind: Kind, path: &str) -> Option<&'static str> {
    let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
    nearest(name, fields_at(kind, parent).iter().map(|f| f.name))
}

/// The candidate that was probably meant by `name`: at most two letters away, and not half of it.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near = candidates.into_iter().map(|c| (distance(c, name), c)).filter(|(d, c)| *d <= 2 && *d < c.len() / 2);
    near.min().map(|(_, c)| c)
}

/// Levenshtein distance, letters' case ignored.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.to_lowercase().chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (y, up) in b.iter().zip(row.iter().skip(1)) {
            left = (diagonal + usize::from(x != *y)).min(left + 1).min(up + 1);
            diagonal = *up;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

/// An object as the table knows it: a kind, a value of a type, or one of which it says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    Kind(Kind),
    Type(&'static str),
    Unknown,
}

impl Holder {
    pub(crate) fn field(self, name: &str) -> Option<Field> {
        match self {
            Holder::Kind(kind) => one(kind_lines(kind.name()), name),
            Holder::Type(ty) => one(type_lines(ty), name),
            Holder::Unknown => None,
        }
    }
}

impl Field {
    /// What the field holds, or each item of it.
    pub(crate) fn holder(&self) -> Holder {
        match &self.ty {
            Type::Object(name) => Holder::Type(name),
            Type::List(of) => match of.as_ref() {
                Type::Object(name) => Holder::Type(name),
                _ => Holder::Unknown,
            },
            _ => Holder::Unknown,
        }
    }
}

/// Whether a text is a DNS subdomain as objects' names are.
pub fn is_dns_subdomain(text: &str) -> bool {
    text.len() <= 253 && dns_subdomain(text)
}

fn innermost(ty: &Type) -> &Type {
    match ty {
        Type::List(of) | Type::Map(of) => innermost(of),
        ty => ty,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_fields_by_path() {
        let names = |kind, path| fields_at(kind, path).into_iter().map(|f| f.name).collect::<Vec<_>>();
        assert!(names(Kind::Deployment, "spec.template.spec.containers[0]").contains(&"image"));
        assert!(names(Kind::Provisioner, "spec").contains(&"ttlSecondsAfterEmpty"));
        assert_eq!(names(Kind::Deployment, "spec.replicas"), Vec::<&str>::new());
        assert_eq!(field(Kind::NodePool, "spec.disruption.consolidationPolicy").map(|f| f.values.len()), Some(3));
        assert_eq!(
            field(Kind::Pod, "spec.containers.resources.limits").map(|f| f.ty.explain()),
            Some("map[string]Quantity".to_owned())
        );
        assert_eq!(field(Kind::Pod, "spec.nope"), None);
    }

    #[test]
    fn suggests_what_was_meant() {
        assert_eq!(suggest(Kind::Provisioner, "spec.consolidaton"), Some("consolidation"));
        assert_eq!(suggest(Kind::Deployment, "spec.replicaz"), Some("replicas"));
        assert_eq!(suggest(Kind::Deployment, "spec.template.spec.containers[0].Image"), Some("image"));
        assert_eq!(suggest(Kind::Deployment, "spec.zzzz"), None);
    }

    /// Every line of the table reads, every type it names exists, and every kind a server serves has a section.
    #[test]
    fn the_table_is_whole() {
        fn visit(fields: Vec<Field>, depth: usize, seen: &mut Vec<&'static str>) {
            assert!(!fields.is_empty() && depth < 30);
            for f in fields {
                if let Type::Object(name) = innermost(&f.ty)
                    && !seen.contains(name)
                {
                    seen.push(name);
                    visit(fields_of_type(name), depth + 1, seen);
                }
            }
        }
        let mut seen = Vec::new();
        for kind in Kind::ALL.iter().copied().filter(|k| !k.is_internal()) {
            assert!(kind_lines(kind.name()).next().is_some(), "{kind:?}");
            visit(fields_of(kind), 0, &mut seen);
        }
        assert!(seen.len() > 200, "{}", seen.len());
        table::all_lines().for_each(|l| assert!(parse_field(l).is_some(), "{l}"));
    }
}
