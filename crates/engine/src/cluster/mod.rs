//! The engine on real clusters: what an API server holds is read, from a dump or live, and becomes a [`crate::session::World`]
//! that goes on as the cluster would.
//!
//! - [`Dump`]: objects as `kubectl get -o json` prints them, whatever is among them and whatever is missing.
//! - [`adopt()`]: a world of them, with Karpenter's controllers working from outside and stand-ins for what cannot be read.
//! - [`plan()`]: what the controllers do to that world until it comes to rest, and why the rest stays.
//! - `observe` (once), `live` (as it changes), `act` (feature `kube`, native only): with `watch` the only modules that talk to an
//!   API server; `rights` says what they may.
//!
//! Whatever cannot be read, priced or understood becomes a note; nothing of it is fatal.

#[cfg(all(feature = "kube", not(target_arch = "wasm32")))]
mod act;
mod adopt;
mod anonymise;
mod dump;
#[cfg(all(feature = "kube", not(target_arch = "wasm32")))]
mod http;
#[cfg(all(feature = "kube", not(target_arch = "wasm32")))]
mod keep;
mod lean;
#[cfg(all(feature = "kube", not(target_arch = "wasm32")))]
mod live;
mod mirror;
#[cfg(all(feature = "kube", not(target_arch = "wasm32")))]
mod observe;
#[cfg(all(feature = "kube", not(target_arch = "wasm32")))]
mod picture;
mod plan;
#[cfg(all(feature = "kube", not(target_arch = "wasm32")))]
mod rights;
mod secrets;
#[cfg(all(feature = "kube", not(target_arch = "wasm32")))]
mod tell;
#[cfg(all(feature = "kube", not(target_arch = "wasm32")))]
mod watch;
#[cfg(all(feature = "kube", not(target_arch = "wasm32")))]
mod web;

#[cfg(all(feature = "kube", not(target_arch = "wasm32")))]
pub use act::{ActError, Ended, Expected, FleetKind, Metrics, Settings, Step, act, decision, serve, take_over_all};
pub use adopt::{Adopted, Choices, adopt};
pub use dump::{Dump, DumpError, RECIPE};
pub use lean::documents;
#[cfg(all(feature = "kube", not(target_arch = "wasm32")))]
pub use live::{Detail, Live};
pub use mirror::Mirror;
#[cfg(all(feature = "kube", not(target_arch = "wasm32")))]
pub use observe::{ObserveError, Observed, Options, context, observe, read};
pub use plan::{Action, Ahead, Blocker, Done, Eviction, Launch, Machine, Pending, Plan, Reason, Rest, Stay, Sum, plan, run};
#[cfg(all(feature = "kube", not(target_arch = "wasm32")))]
pub use rights::{NAMESPACE, Right, Verb};
#[cfg(all(feature = "kube", not(target_arch = "wasm32")))]
pub use tell::Teller;
#[cfg(all(feature = "kube", not(target_arch = "wasm32")))]
pub use web::{AttachError, File, Page, attach};
