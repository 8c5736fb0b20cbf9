//! The documents of a text and what they hold, for a list beside the editor.

use crate::document::last_line;
use crate::finding::{Range, Spot};
use objects::DocExt;
use objects::yaml::{self, Content, Node};

/// A document, or a field with fields of its own below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// `NodePool default`, `spec`, `requirements (3)`.
    pub label: String,
    pub range: Range,
    pub children: Vec<Entry>,
}

/// How deep fields are listed.
const DEPTH: usize = 3;

/// The outline of a text; documents behind the first that cannot be read are left out.
pub fn outline(text: &str) -> Vec<Entry> {
    let entry = |document: &yaml::Document| {
        let words = ["kind", "metadata.namespace", "metadata.name"].map(|p| document.value.str_at(p).unwrap_or_default());
        let [kind, namespace, name] = words;
        let slash = if namespace.is_empty() { "" } else { "/" };
        let label = format!("{kind} {namespace}{slash}{name}").trim().to_owned();
        let label = if label.is_empty() { "?".to_owned() } else { label };
        Entry { label, range: range(document.root.span.start.into(), &document.root), children: fields(&document.root, DEPTH) }
    };
    yaml::parse(text).documents.iter().map(entry).collect()
}

fn range(start: Spot, node: &Node) -> Range {
    Range::new(start, Spot::new(last_line(node), u32::MAX))
}

fn fields(node: &Node, depth: usize) -> Vec<Entry> {
    let Content::Map(entries) = &node.content else { return Vec::new() };
    let inner = entries.iter().filter(|(name, _, _)| depth == DEPTH || !name.is_empty());
    inner
        .filter_map(|(name, key, value)| {
            let label = match &value.content {
                Content::Scalar(_) => return None,
                Content::Map(_) => name.clone(),
                Content::List(items) => format!("{name} ({})", items.len()),
            };
            let children = if depth > 1 { fields(value, depth - 1) } else { Vec::new() };
            Some(Entry { label, range: range(key.start.into(), value), children })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_documents_and_their_blocks() {
        let text = "kind: A\nmetadata:\n  name: x\nspec:\n  list:\n  - a\n  - b\n  n: 1\n---\nkind: B\n";
        let found = outline(text);
        let labels: Vec<&str> = found.iter().map(|e| e.label.as_str()).collect();
        assert_eq!(labels, ["A x", "B"]);
        let first = found.first().unwrap();
        let below: Vec<&str> = first.children.iter().map(|e| e.label.as_str()).collect();
        assert_eq!(below, ["metadata", "spec"]);
        assert_eq!(first.children[1].children[0].label, "list (2)");
        assert_eq!((first.range.start.line, first.range.end.line), (1, 8));
    }
}
