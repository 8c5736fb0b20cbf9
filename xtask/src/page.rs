//! Builds the page: cargo for wasm, the split into modules and wasm-bindgen as libraries, and the files beside it.
//!
//! Output (relative URLs, so that any folder of any server will do): `index.html`, `embed.html`, the wasm module and its
//! JavaScript, what index.html asks to copy, and a `.gz` beside every file that shrinks by it.

use crate::html::{self, Asset};
use crate::{shell, wasm};
use anyhow::{Context, Result, anyhow, bail};
use flate2::{Compression, write::GzEncoder};
use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use wasm_bindgen_cli_support::Bindgen;

/// The script that loads the later parts.
const LINKER: &str = "./later.js";

pub const TARGET: &str = "wasm32-unknown-unknown";

/// A built page: the wasm module's size as it is and compressed, in bytes, and where all of it is.
pub struct Built {
    pub out: PathBuf,
    pub wasm_bytes: u64,
    pub wasm_gz_bytes: u64,
}

impl fmt::Display for Built {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (raw, gz) = (self.wasm_bytes / 1_000, self.wasm_gz_bytes / 1_000);
        write!(f, "{}: wasm {raw} kB, compressed {gz} kB", self.out.display())
    }
}

/// Builds into `out`, which is replaced once everything has been made.
pub fn build(profile: &str, out: &Path) -> Result<Built> {
    if !["page", "page-dev"].contains(&profile) {
        bail!("unknown profile `{profile}`: use page (small) or page-dev (fast to build)");
    }
    let root = shell::root();
    let source = std::fs::read_to_string(root.join("index.html")).context("read index.html")?;
    let (index, assets) = html::read(&source)?;
    let staging = out.with_extension("staging");
    if staging.exists() {
        std::fs::remove_dir_all(&staging).with_context(|| format!("clear {}", staging.display()))?;
    }
    std::fs::create_dir_all(&staging).with_context(|| format!("create {}", staging.display()))?;

    let mut wasm = None;
    for asset in &assets {
        match asset {
            Asset::Rust { manifest, bin } => wasm = Some(modules(&cargo_build(profile, manifest, bin)?, bin, &staging)?),
            Asset::File { path, target } => copy_file(&root.join(path), &staging.join(target))?,
            Asset::Folder { path } => {
                let from = root.join(path);
                let name = from.file_name().with_context(|| format!("index.html: `{path}` has no name"))?;
                copy_folder(&from, &staging.join(name))?;
            }
        }
    }
    write_lessons(&staging)?;
    let wasm = wasm.context("index.html has no rel=\"rust\" line")?;
    let wasm_bytes = std::fs::metadata(&wasm).context("read the wasm module")?.len();
    write_pages(&index, wasm_bytes, &staging)?;
    compress(&staging)?;
    let gz = wasm.with_extension("wasm.gz");
    let wasm_gz_bytes = std::fs::metadata(&gz).context("read the compressed module")?.len();

    if out.exists() {
        std::fs::remove_dir_all(out).with_context(|| format!("clear {}", out.display()))?;
    }
    std::fs::rename(&staging, out).with_context(|| format!("move into {}", out.display()))?;
    Ok(Built { out: out.to_path_buf(), wasm_bytes, wasm_gz_bytes })
}

/// cargo for wasm; the path of the module it made.
pub fn cargo_build(profile: &str, manifest: &str, bin: &str) -> Result<PathBuf> {
    ensure_target(TARGET)?;
    let args = ["build", "--manifest-path", manifest, "--bin", bin, "--target", TARGET, "--profile", profile];
    shell::run(shell::cargo(&args))?;
    Ok(target_dir()?.join(TARGET).join(profile).join(format!("{bin}.wasm")))
}

/// Installs a target of the toolchain where it is missing and rustup is there.
pub fn ensure_target(target: &str) -> Result<()> {
    let sysroot = shell::output(shell::command("rustc", &["--print", "sysroot"]))?;
    if Path::new(sysroot.trim()).join("lib/rustlib").join(target).exists() {
        return Ok(());
    }
    shell::run(shell::command("rustup", &["target", "add", target]))
        .with_context(|| format!("the Rust target {target} is missing; install it with `rustup target add {target}`"))
}

/// Where cargo puts what it builds.
pub fn target_dir() -> Result<PathBuf> {
    let text = shell::output(shell::cargo(&["metadata", "--format-version", "1", "--no-deps"]))?;
    let metadata: serde_json::Value = serde_json::from_str(&text).context("read cargo metadata")?;
    let folder = metadata.get("target_directory").and_then(|d| d.as_str());
    Ok(PathBuf::from(folder.context("cargo metadata names no target directory")?))
}

/// The modules of a page whose other files Trunk has made: its own is whole, and cannot be loaded in parts.
pub fn modules_of_trunk(out: &Path) -> Result<()> {
    let source = std::fs::read_to_string(shell::root().join("index.html")).context("read index.html")?;
    let (_, assets) = html::read(&source)?;
    for asset in assets {
        if let Asset::Rust { bin, .. } = asset {
            let module = target_dir()?.join(TARGET).join("page").join(format!("{bin}.wasm"));
            modules(&module, &bin, out)?;
        }
    }
    write_lessons(out)
}

/// The lessons as JSON, so that the page needs no YAML reader to begin one.
fn write_lessons(out: &Path) -> Result<()> {
    let folder = out.join("lessons");
    std::fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
    for path in files(&shell::root().join("crates/lessons/data"))? {
        let text = std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        let document = objects::yaml::single(&text).map_err(|why| anyhow!("{}: {why}", path.display()))?;
        let name = path.file_stem().with_context(|| format!("{} has no name", path.display()))?;
        let file = folder.join(name).with_extension("json");
        std::fs::write(&file, document.to_string()).with_context(|| format!("write {}", file.display()))?;
    }
    Ok(())
}

/// Makes of a linked module what a browser loads; the path of the module that it loads first.
fn modules(module: &Path, name: &str, out: &Path) -> Result<PathBuf> {
    bindgen(&split(module, name, out)?, name, out)
}

/// Cuts the parts that are loaded later off a linked module and writes them into `out`; the path of what is left. The cuts
/// are where the program says `wasm_split`.
fn split(module: &Path, name: &str, out: &Path) -> Result<PathBuf> {
    let main = module.with_extension("main.wasm");
    let bytes = std::fs::read(module).with_context(|| format!("read {}", module.display()))?;
    let script = format!("./{name}.js");
    let mut options = wasm_split_cli_support::Options::new(&bytes);
    options.output_dir = out;
    options.main_out_path = &main;
    options.main_module = &script;
    options.link_name = LINKER;
    let split = wasm_split_cli_support::transform(options).map_err(|e| anyhow!("split {}: {e:#}", module.display()))?;
    for part in split.split_modules {
        let bytes = std::fs::read(&part).with_context(|| format!("read {}", part.display()))?;
        let bytes = wasm::without_custom_sections(&bytes).with_context(|| format!("{} is no module", part.display()))?;
        std::fs::write(&part, bytes).with_context(|| format!("write {}", part.display()))?;
    }
    Ok(main)
}

fn bindgen(module: &Path, name: &str, out: &Path) -> Result<PathBuf> {
    Bindgen::new()
        .input_path(module)
        .out_name(name)
        .web(true)?
        .typescript(false)
        .remove_name_section(true)
        // The second module takes the table of functions from the first.
        .keep_lld_exports(true)
        // As the command line program does, so that the JavaScript is the same whoever builds it.
        .omit_default_module_path(false)
        .generate(out)
        .with_context(|| format!("wasm-bindgen on {}", module.display()))?;
    Ok(out.join(format!("{name}_bg.wasm")))
}

/// Writes the pages, with the module's size for the progress bar: a compressed response tells no total.
fn write_pages(index: &str, wasm_bytes: u64, out: &Path) -> Result<()> {
    let sized = |page: &str| page.replacen("<html ", &format!("<html data-wasm-bytes=\"{wasm_bytes}\" "), 1);
    std::fs::write(out.join("index.html"), sized(index)).context("write index.html")?;
    let embed = out.join("embed.html");
    let page = std::fs::read_to_string(&embed).context("read embed.html")?;
    std::fs::write(&embed, sized(&page)).context("write embed.html")
}

fn copy_file(from: &Path, folder: &Path) -> Result<()> {
    let name = from.file_name().with_context(|| format!("`{}` has no name", from.display()))?;
    std::fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
    std::fs::copy(from, folder.join(name)).with_context(|| format!("copy {}", from.display()))?;
    Ok(())
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    for path in files(from)? {
        let within = path.strip_prefix(from).unwrap_or(&path);
        copy_file(&path, to.join(within).parent().unwrap_or(to))?;
    }
    Ok(())
}

/// Every file below `folder`, sorted.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let entries = std::fs::read_dir(folder).with_context(|| format!("list {}", folder.display()))?;
    for entry in entries {
        let path = entry.with_context(|| format!("list {}", folder.display()))?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn compress(out: &Path) -> Result<()> {
    for path in files(out)? {
        let bytes = std::fs::read(&path).with_context(|| format!("read {}", path.display()))?;
        let packed = gzip(&bytes)?;
        if packed.len() + 64 < bytes.len() {
            let mut name = path.into_os_string();
            name.push(".gz");
            std::fs::write(&name, packed).context("write a compressed file")?;
        }
    }
    Ok(())
}

/// gzip at its highest level.
pub fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).context("compress")?;
    encoder.finish().context("compress")
}
