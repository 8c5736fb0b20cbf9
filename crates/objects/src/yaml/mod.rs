//! YAML (and JSON) as kubectl reads and prints it, with positions for editors.

pub mod diagnose;
mod emit;
pub mod json;
mod node;
mod parse;
mod scalar;

pub use emit::to_yaml;
pub use node::{Content, Document, Node, Pos, Span};
pub use parse::{NO_TEXT, Stream, YamlError, parse, parse_v3, single};
pub use scalar::resolve_v3 as plain_v3;
