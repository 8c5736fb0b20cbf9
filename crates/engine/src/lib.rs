//! nodewright's engine: Karpenter, kube-scheduler and an EC2 fleet, simulated deterministically.
//!
//! A session is its inputs: a [`session::Scenario`] and a log of timed requests. Everything else is computed from
//! them, identically on every platform. The crate has no clock, no I/O, no async, no threads and no global state;
//! built for wasm it imports nothing from its host.
//!
//! - [`store`]: what an API server is. - [`kernel`]: where time and chance live.
//! - [`controllers`] decide and run in the simulation as on a real cluster; [`environment`] pretends to be what a
//!   real cluster already has. `controllers` never imports `environment`.

pub mod actor;
pub mod cluster;
pub mod controllers;
pub mod decisions;
pub mod environment;
pub mod kernel;
pub mod logs;
pub mod pricing;
pub mod profile;
pub mod scheduling;
pub mod session;
pub mod store;
pub mod totals;

pub use actor::{Action, Actor, Intent, View};
pub use environment::kwok::PORT as KWOK_PORT;
pub use kernel::SimTime;
pub use objects::Era;
pub use session::{Scenario, Session, Snapshot};
pub use store::{Change, Op, Store};
