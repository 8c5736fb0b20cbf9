//! The shell language: text to syntax tree, and words to arguments.

mod arithmetic;
pub mod ast;
pub mod expand;
pub mod glob;
mod parameter;
mod parse;

pub use parse::{Parsed, is_name, parse, script};
