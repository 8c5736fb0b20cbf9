//! What is kept of a schema.

use std::collections::BTreeMap;

#[derive(Debug, Default)]
pub struct Model {
    pub kinds: BTreeMap<String, Type>,
    /// By the package's short name and the type's: `v1.PodSpec`.
    pub types: BTreeMap<String, Type>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Type {
    pub doc: String,
    /// By name.
    pub fields: BTreeMap<String, Field>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Field {
    /// In the table's notation: `[v1.Container]`.
    pub ty: String,
    pub required: bool,
    pub values: Vec<String>,
    pub min: Option<i64>,
    pub max: Option<i64>,
    pub pattern: Option<&'static str>,
    /// As compact JSON, without white space.
    pub default: Option<String>,
    /// `x-kubernetes-patch-merge-key`; empty for a list that is merged as a set.
    pub merge_key: Option<String>,
    pub map_keys: Vec<String>,
    pub retain_keys: bool,
    pub doc: String,
}
