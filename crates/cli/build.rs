//! Puts the page into the program where `NODEWRIGHT_PAGE` names the folder of a built one: `page.rs` lists its files, whether
//! each is compressed (gzip), and its bytes. Without it the list is empty.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// What a page that is attached to a cluster never asks for.
const LEFT_OUT: [&str; 4] = ["embed", "docs/", "vendor/", "data/"];
const KEPT: &str = "data/descriptions.txt";

#[expect(clippy::disallowed_methods, reason = "cargo, and who builds the program, tell build scripts by the environment")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-env-changed=NODEWRIGHT_PAGE");
    let mut list =
        String::from("/// Name, whether it is compressed, and the bytes.\nstatic FILES: &[(&str, bool, &[u8])] = &[\n");
    if let Some(folder) = std::env::var_os("NODEWRIGHT_PAGE").filter(|f| !f.is_empty()) {
        let folder = PathBuf::from(folder).canonicalize()?;
        println!("cargo::rerun-if-changed={}", folder.display());
        let mut files = Vec::new();
        collect(&folder, &mut files)?;
        for path in files {
            let name = path.strip_prefix(&folder)?.to_string_lossy().replace('\\', "/");
            if name.ends_with(".gz") || (LEFT_OUT.iter().any(|l| name.starts_with(l)) && name != KEPT) {
                continue;
            }
            let packed = PathBuf::from(format!("{}.gz", path.display()));
            // The page itself is changed before it is sent.
            let gzip = packed.exists() && name != "index.html";
            let bytes = if gzip { packed } else { path };
            writeln!(list, "    ({name:?}, {gzip}, include_bytes!({:?})),", bytes.display().to_string())?;
        }
    }
    list.push_str("];\n");
    let out = PathBuf::from(std::env::var("OUT_DIR")?).join("page.rs");
    std::fs::write(out, list)?;
    Ok(())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    files.sort();
    Ok(())
}
