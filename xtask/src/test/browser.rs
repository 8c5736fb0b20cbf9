//! The suite of a real browser: `tests/browser/*.test.mjs`, run by Node's test runner with playwright-core (pinned by
//! tests/browser/package-lock.json) and a Chromium of this machine.
//!
//! The tests get four variables: `DIST`, the built page's folder, `NODEWRIGHT_URL`, the address at which `cargo xtask
//! serve` would serve it, `CHROMIUM`, the browser's program, and `NODEWRIGHT_PROGRAM`, the command line.

use super::{Shared, Suite, rust};
use crate::shell;
use anyhow::{Context, Result, bail};

const FOLDER: &str = "tests/browser";
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

pub fn suite() -> Suite {
    Suite::new("browser", "the page and its embeds in a real browser", run)
}

fn tests() -> Result<Vec<String>> {
    let entries = std::fs::read_dir(shell::root().join(FOLDER)).with_context(|| format!("list {FOLDER}"))?;
    let names = entries.filter_map(|e| e.ok()?.file_name().into_string().ok());
    let mut tests: Vec<String> = names.filter(|n| n.ends_with(".test.mjs")).map(|n| format!("{FOLDER}/{n}")).collect();
    if tests.is_empty() {
        bail!("{FOLDER} has no *.test.mjs");
    }
    tests.sort();
    Ok(tests)
}

fn run(shared: &mut Shared) -> Result<()> {
    if !shell::exists("node") || !shell::exists("npm") {
        bail!(
            "node and npm are missing: the browser tests need Node 20 or newer; install it from your distribution or nodejs.org"
        );
    }
    // Playwright starts a program by its path.
    let browser = shell::path_of(&chromium()?);
    install_packages()?;
    let dist = shared.page()?.out.clone();
    let url = format!("http://127.0.0.1:{}", shared.site()?);
    let program = rust::program("nodewright")?;
    let tests = tests()?;
    let mut args = vec!["--test", "--test-concurrency=1", "--test-reporter=spec"];
    args.extend(tests.iter().map(String::as_str));
    let mut command = shell::command("node", &args);
    command.env("DIST", dist).env("NODEWRIGHT_URL", url).env("CHROMIUM", browser).env("NODEWRIGHT_PROGRAM", program);
    shell::run(command)
}

/// `CHROMIUM`, else a browser of the PATH, else the distribution's where this process may install it.
#[expect(clippy::disallowed_methods, reason = "the person running the tests may name a browser")]
fn chromium() -> Result<String> {
    if let Some(named) = std::env::var("CHROMIUM").ok().filter(|c| !c.is_empty()) {
        if shell::exists(&named) {
            return Ok(named);
        }
        bail!("CHROMIUM is `{named}`, which does not run");
    }
    let found = || BROWSERS.into_iter().find(|b| shell::exists(b)).map(str::to_owned);
    if let Some(browser) = found() {
        return Ok(browser);
    }
    shell::install(&["chromium", "fonts-noto-cjk"])?;
    found().context("no browser: install Chromium or Chrome (apt-get install chromium), or name its program in CHROMIUM")
}

fn install_packages() -> Result<()> {
    let folder = shell::root().join(FOLDER);
    let installed = folder.join("node_modules/.package-lock.json");
    let stamp = |path: &std::path::Path| path.metadata().and_then(|m| m.modified()).ok();
    if stamp(&installed) >= stamp(&folder.join("package-lock.json")) && installed.exists() {
        return Ok(());
    }
    let mut npm = shell::command("npm", &["ci", "--no-audit", "--no-fund"]);
    npm.current_dir(&folder);
    shell::run(npm).context("npm ci in tests/browser")
}
