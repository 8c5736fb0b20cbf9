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
        let stream = objects::yaml::parse(&fs::read_to_string(&path)?);
        let place = path.display();
        if let Some(error) = stream.error {
            return Err(format!("{place}:{}: {error}", error.line).into());
        }
        let document = stream.documents.first().ok_or_else(|| format!("{place} is empty"))?;
        let name = path.file_stem().ok_or_else(|| format!("{place} has no name"))?;
        fs::write(Path::new(&out).join(name).with_extension("json"), document.value.to_string())?;
    }
    Ok(())
}
