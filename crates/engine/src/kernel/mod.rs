//! Simulated time, timers, named random streams and bounded records.

mod book;
mod ribbon;
mod rng;
mod time;
mod timers;

pub use book::Book;
pub use ribbon::Ribbon;
pub use rng::{Stream, stable_hash};
pub use time::SimTime;
pub use timers::Timers;
