//! The engine built for wasm imports nothing, and the same scenario gives the same hashes there and natively.

use super::{Shared, rust};
use crate::{page, shell};
use anyhow::{Context, Result, bail};

const TARGET: &str = "wasm32-unknown-unknown";
const NATIVE: &str = "nodewright-wasm-probe";
const NO_UTF8: &str = "the target directory's path is no UTF-8";

pub fn run(_: &mut Shared) -> Result<()> {
    if !shell::exists("node") {
        bail!("node is missing: the wasm engine runs under Node 20 or newer; install it from your distribution or nodejs.org");
    }
    page::ensure_target(page::TARGET)?;
    shell::run(shell::cargo(&["build", "--quiet", "-p", NATIVE, "--lib", "--target", TARGET, "--profile", "page-dev"]))?;
    let module = page::target_dir()?.join(TARGET).join("page-dev/nodewright_wasm_probe.wasm");
    let module = module.to_str().context(NO_UTF8)?;
    let wasm = shell::output(shell::command("node", &["tests/wasm-probe/run.mjs", module]))?;
    let native = rust::program(NATIVE)?;
    let native = shell::output(shell::command(native.to_str().context(NO_UTF8)?, &[]))?;
    print!("{wasm}");
    if wasm.lines().count() < 2 || wasm != native {
        bail!("the hashes differ\nwasm:\n{wasm}native:\n{native}");
    }
    Ok(())
}
