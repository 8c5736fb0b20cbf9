//! Inside the module of jq, which is as heavy as everything that an editor knows, and which few lines need.

#![allow(unsafe_code, reason = "the door between the modules is a function imported from one of them")]

use wasm_split_helpers::{SplitLoaderError, wasm_split};

#[wasm_split(jq, fallible)]
pub fn jq() -> Result<shell::Extras, SplitLoaderError> {
    Ok(shell::Extras::all())
}
