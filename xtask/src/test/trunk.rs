//! Trunk builds the same page as this driver: the same files with the same content, apart from four known things: Trunk
//! keeps the module's custom sections (names, producers), writes no size into the pages, leaves its own `rust` line in
//! index.html, and packs nothing.

use super::Shared;
use crate::{page, shell, wasm};
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const TRUNK: &str = "0.21.14";
const BINDGEN: &str = "0.2.130";

pub fn run(shared: &mut Shared) -> Result<()> {
    let tools = tools()?;
    let out = page::target_dir()?.join("trunk-dist");
    let ours = shared.page()?.out.clone();
    let mut trunk = shell::command("trunk", &["build", "--dist"]);
    trunk.arg(&out);
    with_path(&mut trunk, &tools);
    trunk.env_remove("NO_COLOR");
    shell::run(trunk)?;
    let (ours, theirs) = (contents(&ours)?, contents(&out)?);
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    if names(&ours) != names(&theirs) {
        bail!("the files differ\nxtask: {:?}\ntrunk: {:?}", names(&ours), names(&theirs));
    }
    let differing: Vec<_> =
        ours.iter().filter(|(name, bytes)| theirs.get(*name) != Some(bytes)).map(|(n, _)| n.as_str()).collect();
    if !differing.is_empty() {
        bail!("these files differ: {}", differing.join(", "));
    }
    println!("{} files, all the same", ours.len());
    Ok(())
}

/// The folder with both tools, which is the PATH's where they are there in the right version.
fn tools() -> Result<PathBuf> {
    let bin = page::target_dir()?.join("tools");
    let mut missing = Vec::new();
    for (program, package, version) in [("trunk", "trunk", TRUNK), ("wasm-bindgen", "wasm-bindgen-cli", BINDGEN)] {
        let mut ask = shell::command(program, &["--version"]);
        with_path(&mut ask, &bin.join("bin"));
        let answer = ask.output().map(|o| String::from_utf8_lossy(&o.stdout).into_owned()).unwrap_or_default();
        if !answer.split_whitespace().any(|w| w == version) {
            missing.push((package, version));
        }
    }
    for (package, version) in missing {
        let root = bin.to_str().context("the target directory's path is no UTF-8")?;
        let mut args = vec!["install", package, "--version", version, "--root", root];
        // The lock file that wasm-bindgen-cli was published with names a crate version that cannot be had everywhere.
        if package == "trunk" {
            args.push("--locked");
        }
        shell::run(shell::cargo(&args))
            .with_context(|| format!("{package} {version} is missing and could not be installed; `cargo install {package} --version {version}` needs the crate registry"))?;
    }
    Ok(bin.join("bin"))
}

#[expect(clippy::disallowed_methods, reason = "tools are found by the PATH")]
fn with_path(command: &mut std::process::Command, first: &Path) {
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{}:{path}", first.display()));
}

/// Files by name, made comparable.
fn contents(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut found = BTreeMap::new();
    for path in page::files(folder)? {
        let name = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().into_owned();
        let bytes = std::fs::read(&path).with_context(|| format!("read {name}"))?;
        let bytes = match name.rsplit_once('.').map(|(_, ending)| ending) {
            Some("gz") => continue,
            Some("wasm") => wasm::without_custom_sections(&bytes).with_context(|| format!("{name} is no wasm module"))?,
            Some("html") => normal_html(&String::from_utf8_lossy(&bytes)).into_bytes(),
            _ => bytes,
        };
        found.insert(name, bytes);
    }
    Ok(found)
}

/// A page without what the two write differently: the size, comments, Trunk's own line that it leaves in, and how tags are closed and spaced.
fn normal_html(page: &str) -> String {
    let mut rest = page.to_owned();
    while let Some((before, after)) = rest.split_once("<!--") {
        let tail = after.split_once("-->").map_or("", |(_, tail)| tail);
        rest = format!("{before}{tail}");
    }
    while let Some((before, after)) = rest.split_once("<link data-trunk ") {
        let tail = after.split_once('>').map_or("", |(_, tail)| tail);
        rest = format!("{before}{tail}");
    }
    if let Some((before, after)) = rest.split_once(" data-wasm-bytes=\"") {
        rest = format!("{before}{}", after.split_once('"').map_or("", |(_, tail)| tail));
    }
    let closed = rest.replace("/>", ">").replace("=\"\"", "");
    closed.split_whitespace().collect::<Vec<_>>().join(" ").replace("> <", "><")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_compared_by_what_they_say() {
        let ours = "<html data-wasm-bytes=\"12\" lang=\"en\">\n<!-- x -->\n<p hidden>\n</p><br></html>";
        assert_eq!(normal_html(ours), normal_html("<html lang=\"en\"><p hidden=\"\"></p><br/></html>\n"));
        assert_ne!(normal_html(ours), normal_html("<html lang=\"en\"><p></p><br/></html>\n"));
    }
}
