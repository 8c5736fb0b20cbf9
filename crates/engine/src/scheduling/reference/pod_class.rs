//! A pod as the reference sees it: its shape with what follows from it.

use super::requirements::Requirements;
use super::rules::Rules;
pub use crate::scheduling::pod_class::{Names, Shape, covers};

#[derive(Clone, Debug)]
pub struct Class {
    pub shape: Shape,
    pub requirements: Requirements,
    /// Without preferences: only these restrict which domains count.
    pub strict: Requirements,
    pub volume_alternatives: Vec<Requirements>,
    /// Requests over the round's resource names.
    pub amounts: Vec<i64>,
    /// Topology groups that rule it.
    pub groups: Vec<usize>,
    /// Inverse groups that it owns: others keep away from it.
    pub inverse: Vec<usize>,
}

impl Class {
    pub fn new(shape: Shape, rules: &Rules, amounts: Vec<i64>) -> Class {
        Class {
            requirements: shape.requirements_under(rules),
            strict: shape.requirements(false),
            volume_alternatives: shape.volume_terms.iter().map(|term| Requirements::of_expressions(term)).collect(),
            amounts,
            groups: Vec::new(),
            inverse: Vec::new(),
            shape,
        }
    }
}

pub fn plus(a: &[i64], b: &[i64]) -> Vec<i64> {
    a.iter().zip(b).map(|(x, y)| x.saturating_add(*y)).collect()
}
