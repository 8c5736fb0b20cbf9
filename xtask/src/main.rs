//! The project's build driver: `cargo xtask <command>`. It needs nothing but the Rust toolchain of
//! `rust-toolchain.toml`; a test suite that needs more says so, and installs what it can.

mod args;
mod catalog_files;
mod dist;
mod html;
mod page;
mod schemas;
mod serve;
mod shell;
mod test;
mod wasm;

use anyhow::{Context, Result, bail};
use args::Args;
use std::path::PathBuf;

const USAGE: &str = "\
usage: cargo xtask <command>

  build [--profile page|page-dev] [--out dist]     build the page (default profile: page)
  serve [--port 8080] [--out dist] [--release] [--no-build] [--watch]
                                                   build the page (fast profile) and serve it on this machine
  modules [--out DIR]                              replace the wasm that Trunk made in DIR (its hook calls this)
  test [--all] [--list] [SUITE...]                 run the test suites, or the named ones
  dist [--target TRIPLE] [--out DIR]               build the native binary, one static file (default: target/dist)
  catalog                                          pack crates/catalog/data/*.csv into crates/catalog/packed/
  schemas SOURCE...                                reduce published schemas to crates/objects/src/schema/*.txt
";

fn main() -> Result<()> {
    let mut args = Args::from_env();
    let Some(command) = args.word() else {
        print!("{USAGE}");
        return Ok(());
    };
    match command.as_str() {
        "build" => {
            let profile = args.option("--profile")?.unwrap_or_else(|| "page".to_owned());
            let out = args.option("--out")?.unwrap_or_else(|| "dist".to_owned());
            args.finish()?;
            page::build(&profile, &shell::root().join(out)).map(|built| println!("{built}"))
        }
        "modules" => {
            let out = args.option("--out")?;
            args.finish()?;
            page::modules_of_trunk(&out.map_or_else(trunk_folder, |o| Ok(o.into()))?)
        }
        "serve" => serve::run(args),
        "test" => test::run(args),
        "dist" => dist::run(args),
        "catalog" => {
            args.finish()?;
            catalog_files::write()
        }
        "schemas" => {
            let mut sources = Vec::new();
            while let Some(source) = args.word() {
                sources.push(PathBuf::from(source));
            }
            args.finish()?;
            schemas::run(&sources)
        }
        "help" | "--help" | "-h" => {
            print!("{USAGE}");
            Ok(())
        }
        other => bail!("unknown command `{other}`\n\n{USAGE}"),
    }
}

/// Where Trunk puts what it builds, as it tells its hooks.
#[expect(clippy::disallowed_methods, reason = "Trunk tells its hooks by the environment")]
fn trunk_folder() -> Result<PathBuf> {
    std::env::var("TRUNK_STAGING_DIR").map(PathBuf::from).context("`modules` is called by Trunk, or with --out DIR")
}
