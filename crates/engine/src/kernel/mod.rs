//! Simulated time, timers and named random streams.

mod rng;
mod time;
mod timers;

pub use rng::{Stream, stable_hash};
pub use time::SimTime;
pub use timers::Timers;
