//! The project's build driver: `cargo xtask <command>`.

mod catalog_files;

use anyhow::{Result, bail};

const USAGE: &str = "\
usage: cargo xtask <command>

  catalog    pack crates/catalog/data/*.csv into crates/catalog/packed/
";

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.first().map(String::as_str) {
        Some("catalog") => catalog_files::write(),
        Some("help" | "--help" | "-h") | None => {
            print!("{USAGE}");
            Ok(())
        }
        Some(other) => bail!("unknown command `{other}`\n\n{USAGE}"),
    }
}
