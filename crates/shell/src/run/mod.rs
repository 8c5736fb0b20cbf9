//! Running: the state that outlives a line, programs as streaming stages, and the machine that runs a syntax tree.

mod budget;
mod files;
mod function;
mod io;
mod jobs;
mod machine;
mod nested;
mod pipeline;
mod script;
mod state;

pub use budget::{Budget, MOST_TEXT};
pub use files::Files;
pub use function::local;
pub use io::{Ctx, Input, Io, LINE, Program, Step};
pub use jobs::{SIGNALS, signal, step as step_jobs};
pub use machine::{Machine, Unwind};
pub use pipeline::earlier;
pub use script::{bash, eval, program, source};
pub use state::State;
