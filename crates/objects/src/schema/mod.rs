//! The fields of every kind: names, types, allowed values and a sentence each. Used by strict decoding, by completion and
//! by `kubectl explain`.
//!
//! The table is `kinds.txt`; a type's few lines are read when someone asks for them, so nothing is kept in memory and
//! nothing needs to be built first. Type names are those of the Go sources, because error messages name them.

mod pattern;
mod table;

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
    /// One sentence.
    pub doc: &'static str,
}

/// The fields at the top of a kind, `apiVersion`, `kind` and `metadata` included.
pub fn fields_of(kind: Kind) -> Vec<Field> {
    const COMMON: [&str; 3] = [
        "apiVersion string! | Group and version of the kind.",
        "kind string! | What the object is.",
        "metadata v1.ObjectMeta | Name, labels and what the server keeps about the object.",
    ];
    COMMON.into_iter().chain(kind_lines(kind.name())).filter_map(parse_field).collect()
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
    let mut fields = fields_of(kind);
    let mut found: Option<Field> = None;
    for part in path.split('.') {
        let name = part.split('[').next().unwrap_or(part);
        if let Some(Type::Map(_) | Type::ResourceList) = found.as_ref().map(|f| &f.ty) {
            // Below a map every key is a value of it.
            continue;
        }
        let next = fields.iter().find(|f| f.name == name)?.clone();
        fields = match innermost(&next.ty) {
            Type::Object(name) => fields_of_type(name),
            _ => Vec::new(),
        };
        found = Some(next);
    }
    found
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

/// The sentence that describes a kind.
pub fn describe(kind: Kind) -> &'static str {
    table::kind_doc(kind.name())
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
        fn visit(fields: Vec<Field>, depth: usize) {
            assert!(!fields.is_empty() && depth < 30);
            for f in fields {
                assert!(!f.doc.is_empty(), "{}", f.name);
                if let Type::Object(name) = innermost(&f.ty) {
                    assert!(type_lines(name).next().is_some(), "{name}");
                    visit(fields_of_type(name), depth + 1);
                }
            }
        }
        for kind in Kind::ALL.iter().copied().filter(|k| !k.is_internal()) {
            assert!(kind_lines(kind.name()).next().is_some(), "{kind:?}");
            assert!(!describe(kind).is_empty(), "{kind:?}");
            visit(fields_of(kind), 0);
        }
        table::all_lines().for_each(|l| assert!(parse_field(l).is_some(), "{l}"));
    }
}
