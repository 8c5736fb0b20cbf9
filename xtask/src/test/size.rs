//! The size of the first load, in kB of 1,000 bytes, compressed with gzip -9.
//!
//! The page must come to 550 for the module and 700 for all of it, and aims at 400 and 480. IT DOES NOT YET: until it
//! does, the run fails at the size it had last, so that every change may only make it smaller. Lower these two numbers
//! with each reduction; never raise them.

use super::Shared;
use crate::page;
use anyhow::{Context, Result, bail};

const WASM_KB: u64 = 980;
const FIRST_LOAD_KB: u64 = 1_005;
/// What both must come to.
const WASM_GOAL_KB: u64 = 550;
const FIRST_LOAD_GOAL_KB: u64 = 700;

/// Loaded when their pane opens or their region is asked for, not at first.
const LAZY: [&str; 2] = ["vendor/codemirror.js", "data/"];

pub fn run(shared: &mut Shared) -> Result<()> {
    let built = shared.page()?;
    let mut total = 0;
    let mut rows = Vec::new();
    for path in page::files(&built.out)? {
        let name = path.strip_prefix(&built.out).unwrap_or(&path).to_string_lossy().into_owned();
        if name.ends_with(".gz") || name == "embed.html" {
            continue;
        }
        let bytes = std::fs::read(&path).with_context(|| format!("read {name}"))?;
        let packed = page::gzip(&bytes)?.len() as u64;
        let lazy = LAZY.iter().any(|l| name.starts_with(l));
        if !lazy {
            total += packed;
        }
        rows.push(format!("{:>9} {:>8} {name}{}", bytes.len(), packed, if lazy { " (later)" } else { "" }));
    }
    println!("{:>9} {:>8}\n{}", "bytes", "gzip", rows.join("\n"));
    let (module, first) = (built.wasm_gz_bytes / 1_000, total / 1_000);
    println!("module {module} kB of {WASM_KB}, first load {first} kB of {FIRST_LOAD_KB}");
    if module > WASM_GOAL_KB || first > FIRST_LOAD_GOAL_KB {
        println!(
            "TOO LARGE STILL: the goals are {WASM_GOAL_KB} kB for the module and {FIRST_LOAD_GOAL_KB} kB for the first load"
        );
    }
    if built.wasm_gz_bytes > WASM_KB * 1_000 {
        bail!("the wasm module has {} kB compressed, the ceiling is {WASM_KB} kB", built.wasm_gz_bytes / 1_000);
    }
    if total > FIRST_LOAD_KB * 1_000 {
        bail!("the first load has {} kB compressed, the ceiling is {FIRST_LOAD_KB} kB", total / 1_000);
    }
    Ok(())
}
