//! Conformance: scenarios on which the real Karpenter's decisions are recorded, and what the engine decides on them.
//!
//! A case is `NAME.yaml` (a header and objects of a cluster, [`scenario`]) beside `NAME.karpenter-VERSION.json`, the
//! recorded decisions; a folder `catalog` beside or above has the instance types ([`catalogue`]). [`expand`] makes a store
//! of a scenario, [`decide`] asks the engine, [`compare`] judges, [`folder`] does all of it for files on disk.

pub mod catalogue;
pub mod category;
mod coerce;
pub mod compare;
pub mod decide;
mod era_a;
pub mod expand;
pub mod folder;
mod node;
pub mod scenario;

/// Something about a file that cannot be used: which file, where in it, what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Fault(pub String);

impl Fault {
    /// The same with what it is about in front.
    #[must_use]
    pub fn at(self, place: &str) -> Fault {
        Fault(format!("{place}: {}", self.0))
    }
}
