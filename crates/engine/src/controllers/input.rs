//! The cluster as the scheduler reads it, with what Karpenter remembers about it. Both eras decide by the rules of their
//! last release (0.31.4 and 1.14.1).

use super::state::State;
use crate::actor::View;
use crate::scheduling::input::{Source, read};
use crate::scheduling::{Cluster, TypeTable};
use std::sync::Arc;

/// What the cloud sells, offerings that were out of capacity lately marked.
pub fn types(view: &View<'_>, state: &State) -> Arc<TypeTable> {
    view.market.types_without(&state.unavailable(view.now))
}

/// The cluster at this instant.
pub fn cluster(view: &View<'_>, state: &State) -> Cluster {
    read(&Source {
        store: view.store,
        rules: super::settings::rules(view),
        types: types(view, state),
        now_ms: view.unix_ms(),
        marked: state.marked(),
    })
}
