//! Karpenter's v1alpha5 objects as v1 and back.

use crate::{Kind, Value};

/// A converted object and what could not be carried over, a sentence each.
#[derive(Clone, Debug, PartialEq)]
pub struct Converted {
    pub kind: Kind,
    pub doc: Value,
    pub notes: Vec<String>,
}

/// Provisioner <-> NodePool, AWSNodeTemplate <-> EC2NodeClass; `None` for other kinds.
pub fn convert(_kind: Kind, _doc: &Value) -> Option<Converted> {
    None
}
