//! Values: enumerations of the schema, labels of the market, names of the cluster.

use super::{Item, ItemKind};
use crate::Around;
use crate::cursor::{Cursor, join};
use crate::hover::type_line;
use engine::scheduling::labels;
use objects::Kind;
use objects::collections::{Order as _, VecSet};
use objects::schema::{self, Field, Pattern, Type};

fn value(text: impl Into<String>) -> Item {
    let label: String = text.into();
    Item { insert: label.clone(), label, kind: ItemKind::Value, detail: String::new() }
}

/// Values for the key `key` at the cursor.
pub(super) fn of_field(cursor: &Cursor, key: &str, around: &Around<'_>) -> Vec<Item> {
    if cursor.path.is_empty() && matches!(key, "apiVersion" | "kind") {
        return header(cursor, key, around);
    }
    let path = join(&cursor.path, key);
    let field = cursor.kind.and_then(|kind| schema::field(kind, &path));
    if let Some(parent) = map_of_labels(cursor) {
        return label_values(key, parent, around);
    }
    let found = by_name(cursor, key, around);
    let found = if found.is_empty() { field.map_or_else(Vec::new, |f| of_schema(&f)) } else { found };
    // Selectors of labels have these, though no schema says so.
    if found.is_empty() && key == "operator" {
        ["In", "NotIn", "Exists", "DoesNotExist"].into_iter().map(value).collect()
    } else {
        found
    }
}

/// Items of the list at `list`.
pub(super) fn of_item(cursor: &Cursor, list: &str, around: &Around<'_>) -> Vec<Item> {
    let Some(kind) = cursor.kind else { return Vec::new() };
    if list.ends_with(".values") {
        let key = cursor.siblings.iter().chain(&cursor.beside_list).find(|(k, _)| k == "key").map_or("", |(_, v)| v.as_str());
        return label_values(key, "", around);
    }
    schema::field(kind, list).map_or_else(Vec::new, |f| of_schema(&f))
}

fn of_schema(field: &Field) -> Vec<Item> {
    if !field.values.is_empty() {
        return field.values.iter().map(|v| value(*v)).collect();
    }
    if field.ty == Type::Bool {
        return vec![value("true"), value("false")];
    }
    if let Some(default) = field.default.filter(|d| field.pattern.is_none() && !d.starts_with(['{', '['])) {
        return vec![value(default.trim_matches('"'))];
    }
    let texts: &[&str] = match field.pattern {
        Some(Pattern::DurationOrNever) => &["Never", "0s", "30s", "1m", "5m", "1h", "24h", "720h"],
        Some(Pattern::Duration) => &["30s", "5m", "1h", "24h", "48h"],
        Some(Pattern::BudgetNodes) => &["\"10%\"", "\"20%\"", "\"100%\"", "\"0\"", "\"1\""],
        Some(Pattern::BudgetDuration) => &["30m", "1h", "8h", "24h"],
        Some(Pattern::Cron) => &["@daily", "@hourly", "@weekly", "\"0 9 * * mon-fri\"", "\"0 0 * * 6\""],
        _ => &[],
    };
    texts.iter().map(|t| value(*t)).collect()
}

/// `apiVersion` and `kind`, each by the other where that is there.
fn header(cursor: &Cursor, key: &str, around: &Around<'_>) -> Vec<Item> {
    let other = |name: &str| cursor.siblings.iter().find(|(k, _)| k == name).map(|(_, v)| v.as_str()).filter(|v| !v.is_empty());
    let kinds = Kind::ALL.iter().copied().filter(|k| k.served_in(around.era));
    if key == "kind" {
        let version = other("apiVersion");
        let fits = kinds.filter(|k| version.is_none_or(|v| k.api_version() == v));
        return fits.map(|k| Item { detail: k.api_version(), ..value(k.name()) }).collect();
    }
    let named = other("kind");
    let versions: VecSet<String> = kinds.filter(|k| named.is_none_or(|n| k.name() == n)).map(|k| k.api_version()).collect();
    versions.into_iter().map(value).collect()
}

/// The map of labels that the cursor is in: its last name.
fn map_of_labels(cursor: &Cursor) -> Option<&str> {
    let last = cursor.path.rsplit('.').next()?;
    matches!(last, "labels" | "matchLabels" | "nodeSelector").then_some(last)
}

/// Values that depend on the name of the key.
fn by_name(cursor: &Cursor, key: &str, around: &Around<'_>) -> Vec<Item> {
    let parent = cursor.path.rsplit('.').next().unwrap_or_default().split('[').next().unwrap_or_default();
    let names = |kind: Kind| names(kind, around);
    match (parent, key) {
        ("requirements" | "matchExpressions", "key") => label_keys(cursor, around),
        (_, "topologyKey") => [labels::ZONE, labels::HOSTNAME, labels::CAPACITY_TYPE].into_iter().map(value).collect(),
        ("nodeClassRef", "name") | ("providerRef", "name") => names(Kind::node_class(around.era)),
        ("nodeClassRef", "kind") => vec![value(Kind::node_class(around.era).name())],
        ("nodeClassRef", "group") => vec![value(Kind::node_class(around.era).info().group)],
        ("metadata", "namespace") => names(Kind::Namespace),
        (_, "priorityClassName") => names(Kind::PriorityClass),
        (_, "storageClassName") => names(Kind::StorageClass),
        (_, "serviceAccountName") => names(Kind::ServiceAccount),
        (_, "claimName") => names(Kind::PersistentVolumeClaim),
        (_, "nodeName") => names(Kind::Node),
        ("scaleTargetRef", "name") => names(Kind::Deployment),
        ("scaleTargetRef", "kind") => vec![value("Deployment"), value("StatefulSet")],
        ("scaleTargetRef", "apiVersion") => vec![value("apps/v1")],
        _ => Vec::new(),
    }
}

fn names(kind: Kind, around: &Around<'_>) -> Vec<Item> {
    let Some(store) = around.store else { return Vec::new() };
    let all: VecSet<String> = store.list(kind).map(|o| o.meta.name.clone()).collect();
    all.into_iter().map(|n| Item { kind: ItemKind::Name, detail: kind.name().to_owned(), ..value(n) }).collect()
}

/// Keys of labels: those that the market knows for nodes, those that pods have for selectors of pods.
pub(super) fn label_keys(cursor: &Cursor, around: &Around<'_>) -> Vec<Item> {
    let there: VecSet<&str> = cursor.siblings.iter().map(|(k, _)| k.as_str()).collect();
    let of_pods = cursor.path.contains("elector") && !cursor.path.contains("nodeSelector");
    let colon = if map_of_labels(cursor).is_some() { ": " } else { "" };
    let mut keys: VecSet<String> = VecSet::new();
    if of_pods || cursor.path.ends_with("metadata.labels") {
        for pod in around.store.into_iter().flat_map(|s| s.list(Kind::Pod)) {
            keys.extend(pod.meta.labels.keys().cloned());
        }
        keys.insert("app".to_owned());
    } else {
        for t in around.market.types().iter().take(1) {
            keys.extend(t.requirements.keys().map(str::to_owned));
        }
        keys.extend([labels::ZONE, labels::CAPACITY_TYPE, labels::INSTANCE_TYPE].map(str::to_owned));
    }
    let keys = keys.into_iter().filter(|k| !there.contains(k.as_str()));
    keys.map(|k| Item { insert: format!("{k}{colon}"), kind: ItemKind::Label, ..value(k) }).collect()
}

/// Values of a label: from the market where it has the label, else from the cluster's pods.
fn label_values(key: &str, parent: &str, around: &Around<'_>) -> Vec<Item> {
    let key = labels::normalized(key);
    if key == labels::INSTANCE_TYPE {
        let item = |t: &engine::scheduling::InstanceType| Item { detail: type_line(t, around), ..value(&*t.name) };
        return around.market.types().iter().map(item).collect();
    }
    let mut found: VecSet<String> = around.label_values(key).into_iter().map(str::to_owned).collect();
    if found.is_empty() && parent != "nodeSelector" {
        for pod in around.store.into_iter().flat_map(|s| s.list(Kind::Pod)) {
            found.extend(pod.meta.labels.get(key).cloned());
        }
    }
    let mut all: Vec<String> = found.into_iter().collect();
    if all.iter().all(|v| v.parse::<i64>().is_ok()) {
        all.order_by_key(|v| v.parse::<i64>().unwrap_or(0));
        // Label values are text: a bare number would be read as one.
        return all.into_iter().map(|v| Item { insert: format!("\"{v}\""), ..value(v) }).collect();
    }
    all.into_iter().map(value).collect()
}

/// Names of resources.
pub(super) fn resources(cursor: &Cursor) -> Vec<Item> {
    const NAMES: [&str; 4] = ["cpu", "memory", "ephemeral-storage", "nvidia.com/gpu"];
    let more = if cursor.path.ends_with("limits") && cursor.kind == Some(Kind::NodePool) { Some("nodes") } else { None };
    let there = |n: &&str| cursor.siblings.iter().any(|(k, _)| k == n);
    let names = NAMES.into_iter().chain(more).filter(|n| !there(n));
    names.map(|n| Item { insert: format!("{n}: "), kind: ItemKind::Field, ..value(n) }).collect()
}
