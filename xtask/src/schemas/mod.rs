//! `cargo xtask schemas SOURCE...`: reduces the published schemas of the kinds that are simulated to the tables of
//! `crates/objects/src/schema`: `kinds.txt` (fields, types, values, bounds, defaults, merge keys) and `descriptions.txt`.
//!
//! A SOURCE is an unpacked release: one of Kubernetes (`api/openapi-spec/v3` and `pkg/generated/openapi`), or one with
//! CRDs (`pkg/apis/crds`, or `kwok/apis/crds` of Karpenter itself). Where two have the same kind and version, the first counts.

mod crd;
mod generated;
mod go_names;
mod model;
mod openapi;
mod write;

use anyhow::{Context, Result, ensure};
use model::Model;
use objects::Kind;
use std::path::{Path, PathBuf};

pub fn run(sources: &[PathBuf]) -> Result<()> {
    ensure!(!sources.is_empty(), "`schemas` needs folders with unpacked releases; CONTRIBUTING.md names them");
    let mut model = Model::default();
    let mut origins = Vec::new();
    for source in sources {
        let before = model.kinds.len();
        if source.join("api/openapi-spec/v3").is_dir() {
            openapi::read(source, &mut model)?;
        } else {
            crd::read(source, &mut model)?;
        }
        ensure!(model.kinds.len() > before, "{} has no kind that is still missing", source.display());
        origins.push(origin(source));
    }
    let missing: Vec<&str> = served().map(Kind::name).filter(|k| !model.kinds.contains_key(*k)).collect();
    ensure!(missing.is_empty(), "no source has {}", missing.join(", "));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/objects/src/schema");
    for (name, text) in
        [("kinds.txt", write::table(&model, &origins)), ("descriptions.txt", write::descriptions(&model, &origins))]
    {
        std::fs::write(folder.join(name), &text).with_context(|| format!("write {name}"))?;
        println!("{name}: {} bytes, {} compressed", text.len(), compressed(&text)?);
    }
    Ok(())
}

/// Kinds that an API server of some era serves.
fn served() -> impl Iterator<Item = Kind> {
    Kind::ALL.iter().copied().filter(|k| !k.is_internal())
}

/// The release by the name of its folder: `kubernetes@v1.35.4`.
fn origin(source: &Path) -> String {
    source.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned())
}

fn compressed(text: &str) -> Result<usize> {
    use std::io::Write as _;
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    out.write_all(text.as_bytes())?;
    Ok(out.finish()?.len())
}
