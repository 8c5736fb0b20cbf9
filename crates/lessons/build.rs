//! Lessons are written in YAML and built in as JSON, so that a program with lessons needs no YAML reader.

use std::error::Error;
use std::fs;
use std::path::Path;

#[expect(clippy::disallowed_methods, reason = "cargo tells build scripts by the environment where to write")]
fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=data");
    let out = std::env::var("OUT_DIR")?;
    for entry in fs::read_dir("data")? {
        let path = entry?.path();
        let place = path.display();
        let document = objects::yaml::single(&fs::read_to_string(&path)?).map_err(|why| format!("{place}: {why}"))?;
        let name = path.file_stem().ok_or_else(|| format!("{place} has no name"))?;
        fs::write(Path::new(&out).join(name).with_extension("json"), document.to_string())?;
    }
    Ok(())
}
