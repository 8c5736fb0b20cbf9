//! The shell language: text to syntax tree, and words to arguments.

pub mod ast;
pub mod expand;
mod parse;

pub use parse::{Parsed, parse};
