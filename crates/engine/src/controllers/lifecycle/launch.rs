//! Launch: the step before registration. Claims that already have their instance pass through.

use super::super::context::Cx;
use super::super::state::State;
use super::Pass;
use std::collections::BTreeMap;

/// How far a launch has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Launched,
    /// The fleet has not answered: nothing else happens to the claim.
    Waiting,
}

pub fn reconcile(pass: &mut Pass<'_>, _: &mut BTreeMap<String, u32>, _: &mut State, cx: &mut Cx<'_, '_>) -> Step {
    if pass.conditions.is_true(cx.names.launched) { Step::Launched } else { Step::Waiting }
}
