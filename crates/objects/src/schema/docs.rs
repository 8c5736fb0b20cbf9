//! What kinds, types and fields mean, in the words of their projects. See NOTICE.

use super::table::section;
use super::{Field, Type, find, innermost};
use crate::Kind;
use std::borrow::Cow;

/// The text of `descriptions.txt`: about 0.1 MB compressed, so that pages load it when somebody asks.
#[derive(Clone, Debug, Default)]
pub struct Docs {
    text: Cow<'static, str>,
}

impl Docs {
    /// The descriptions that a program has from the start: all of them natively, none on a page, which fetches them.
    pub fn built_in() -> Docs {
        #[cfg(not(target_family = "wasm"))]
        let text = include_str!("descriptions.txt");
        #[cfg(target_family = "wasm")]
        let text = "";
        Docs { text: Cow::Borrowed(text) }
    }

    /// Descriptions that were fetched; a text of another form has none.
    pub fn read(text: String) -> Docs {
        Docs { text: Cow::Owned(text) }
    }

    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Of a kind.
    pub fn kind(&self, kind: Kind) -> Option<String> {
        section(&self.text, &format!("Kind {}", kind.name())).next().map(plain).filter(|d| !d.is_empty())
    }

    /// Of a type by its name in [`Type::Object`]; a block of a CRD has its field's.
    pub fn ty(&self, name: &str) -> Option<String> {
        section(&self.text, &format!("Type {name}")).next().map(plain).filter(|d| !d.is_empty())
    }

    /// Of the field at `path` of a kind.
    pub fn field(&self, kind: Kind, path: &str) -> Option<String> {
        let (owner, field) = find(kind, path)?;
        match owner {
            Some(ty) => self.field_of(&format!("Type {ty}"), field.name),
            None => self.field_of(&format!("Kind {}", kind.name()), field.name),
        }
    }

    /// Of the type that the field's values have, where that is a block of fields.
    pub fn type_of(&self, field: &Field) -> Option<String> {
        match innermost(&field.ty) {
            Type::Object(name) => self.ty(name),
            _ => None,
        }
    }

    fn field_of(&self, head: &str, name: &str) -> Option<String> {
        let mut lines = section(&self.text, head).skip(1);
        lines.find_map(|l| l.split_once(' ').filter(|(n, _)| *n == name)).map(|(_, d)| plain(d))
    }
}

/// Escapes undone.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(c) = letters.next() {
        match c {
            '\\' => out.push(if letters.next() == Some('n') { '\n' } else { '\\' }),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::field;

    /// As `kubectl explain` of a 1.35 server prints them, before it wraps them.
    #[test]
    fn finds_descriptions_by_path() {
        let docs = Docs::built_in();
        let replicas = docs.field(Kind::Deployment, "spec.replicas").unwrap();
        assert_eq!(
            replicas,
            "Number of desired pods. This is a pointer to distinguish between explicit zero and not specified. Defaults to 1."
        );
        assert_eq!(docs.kind(Kind::NodePool).unwrap(), "NodePool is the Schema for the NodePools API");
        let path = "spec.containers[0].resources";
        assert!(
            docs.field(Kind::Pod, path).unwrap().starts_with("Compute Resources required by this container. Cannot be updated.")
        );
        let resources = field(Kind::Pod, path).unwrap();
        assert_eq!(docs.type_of(&resources).unwrap(), "ResourceRequirements describes the compute resource requirements.");
        let metadata = docs.field(Kind::NodePool, "metadata").unwrap();
        assert!(metadata.starts_with("Standard object's metadata. More info: https://git.k8s.io/"));
        let budgets = docs.field(Kind::NodePool, "spec.disruption.budgets").unwrap();
        assert_eq!(budgets.lines().next(), Some("Budgets is a list of Budgets."));
        assert_eq!(docs.field(Kind::Pod, "spec.nope"), None);
        assert!(Docs::default().kind(Kind::Pod).is_none());
    }

    /// Every kind, and every field that an API server documents.
    #[test]
    fn everything_is_described() {
        let docs = Docs::built_in();
        for kind in Kind::ALL.iter().copied().filter(|k| !k.is_internal()) {
            assert!(docs.kind(kind).is_some(), "{kind:?}");
            assert!(docs.field(kind, "metadata").is_some(), "{kind:?}");
        }
    }
}
