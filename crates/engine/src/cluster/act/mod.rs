//! The engine's controllers as an autoscaler of a real cluster.
//!
//! - [`deputy`]: the controllers, a copy of the cluster and the machines; talks to nobody.
//! - `cluster::watch` fills the copy, [`wire`] carries the intents out, [`lease`] says whether this process may, [`guard`] whether it
//!   should.
//! - [`warrant`]: a saved plan, beside which nothing is done.
//! - [`metrics`]: what is counted meanwhile; [`serve`] tells it, and the process's health.
//! - [`own`], [`rebase`]: what keeps its writes apart from those of others.
//!
//! Everything happens in one task, one write at a time: while a server does not answer, nothing else is decided.

mod deputy;
mod events;
mod guard;
mod lease;
mod metrics;
mod own;
mod rebase;
mod record;
mod run;
mod serve;
mod warrant;
mod wire;

#[cfg(test)]
mod tests;

pub use metrics::Metrics;
pub use own::{FleetKind, take_over_all};
pub use record::what as decision;
pub use run::{ActError, Ended, Settings, act};
pub use serve::serve;
pub use warrant::{Expected, Step};
