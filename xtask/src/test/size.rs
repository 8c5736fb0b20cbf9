//! The size of what the page loads, in kB of 1,000 bytes, compressed with gzip -9.
//!
//! The first load is everything that a visit takes until somebody does something: the pages' own files and the module that
//! shows and plays the start cluster. Modules that come later count for themselves.

use super::Shared;
use crate::page;
use anyhow::{Context, Result, bail};

/// Most of any one module, and of the first load.
const MODULE_KB: u64 = 550;
const FIRST_LOAD_KB: u64 = 700;

/// Loaded when they are first needed: the editor when its pane opens, prices of other regions, lessons, the modules behind the first and what they share.
const LATER: [&str; 5] = ["vendor/codemirror.js", "data/", "lessons/", "split_", "chunk_"];

pub fn run(shared: &mut Shared) -> Result<()> {
    let built = shared.page()?;
    let (mut first, mut modules, mut largest) = (0, 0, (0, String::new()));
    println!("{:>9} {:>8}", "bytes", "gzip");
    for path in page::files(&built.out)? {
        let name = path.strip_prefix(&built.out).unwrap_or(&path).to_string_lossy().into_owned();
        if name.ends_with(".gz") || name == "embed.html" || name.starts_with("docs/") {
            continue;
        }
        let bytes = std::fs::read(&path).with_context(|| format!("read {name}"))?;
        let packed = page::gzip(&bytes)?.len() as u64;
        let later = LATER.iter().any(|l| name.starts_with(l));
        if !later {
            first += packed;
        }
        if name.ends_with(".wasm") {
            modules += packed;
            largest = largest.max((packed, name.clone()));
        }
        println!("{:>9} {packed:>8} {name}{}", bytes.len(), if later { " (later)" } else { "" });
    }
    let (largest, name) = largest;
    println!("first load {} kB of {FIRST_LOAD_KB}; all modules {} kB", first / 1_000, modules / 1_000);
    if largest > MODULE_KB * 1_000 {
        bail!("{name} has {} kB compressed, the ceiling is {MODULE_KB} kB", largest / 1_000);
    }
    if first > FIRST_LOAD_KB * 1_000 {
        bail!("the first load has {} kB compressed, the ceiling is {FIRST_LOAD_KB} kB", first / 1_000);
    }
    Ok(())
}
