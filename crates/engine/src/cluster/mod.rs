//! The engine on a real cluster (feature `kube`, native only): the only module that talks to an API server.
//!
//! [`observe`] fills the same [`crate::Store`] that the simulation writes, so everything that reads a
//! [`crate::View`] works on it unchanged; [`Observed::snapshot`] adds prices for what draws the cluster. Objects arrive as dynamic JSON and pass through `objects`; kinds that the
//! server does not have, or that the user may not read, are reported and not fatal.

mod observe;
mod picture;

pub use observe::{ObserveError, Observed, Options, observe};
