//! Running other programs, and where the project is.

use anyhow::{Context, Result, bail};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The project's top folder.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// `program` in the project's top folder, with these arguments.
pub fn command(program: &str, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args).current_dir(root()).stdin(Stdio::null());
    command
}

/// cargo as it was called, so that the toolchain stays the same.
#[expect(clippy::disallowed_methods, reason = "cargo tells its own path in the environment")]
pub fn cargo(args: &[&str]) -> Command {
    command(&std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()), args)
}

/// Runs to the end with output shown; an exit status other than 0 is an error.
pub fn run(mut command: Command) -> Result<()> {
    let shown = line(&command);
    let status = command.status().with_context(|| format!("cannot run `{shown}`"))?;
    if !status.success() {
        bail!("`{shown}` failed ({status})");
    }
    Ok(())
}

/// A program that runs beside others; what it prints is shown at its end.
pub struct Background {
    shown: String,
    child: Child,
    printed: PathBuf,
}

impl Background {
    /// Begins it, with its output in this file of the target folder.
    pub fn begin(mut command: Command, file: &str) -> Result<Background> {
        let (shown, printed) = (line(&command), root().join("target").join(file));
        let out = File::create(&printed).with_context(|| format!("cannot write {}", printed.display()))?;
        let child = command.stdout(out.try_clone()?).stderr(out).spawn().with_context(|| format!("cannot run `{shown}`"))?;
        Ok(Background { shown, child, printed })
    }

    /// Waits for its end; an exit status other than 0 is an error.
    pub fn finish(mut self) -> Result<()> {
        let status = self.child.wait()?;
        println!("{}", std::fs::read_to_string(&self.printed).unwrap_or_default());
        if !status.success() {
            bail!("`{}` failed ({status})", self.shown);
        }
        Ok(())
    }
}

/// Runs to the end and returns what it printed.
pub fn output(mut command: Command) -> Result<String> {
    let shown = line(&command);
    let out = command.stderr(Stdio::inherit()).output().with_context(|| format!("cannot run `{shown}`"))?;
    if !out.status.success() {
        bail!("`{shown}` failed ({})", out.status);
    }
    String::from_utf8(out.stdout).with_context(|| format!("`{shown}` printed no UTF-8"))
}

/// Installs packages of Debian where this process may.
pub fn install(packages: &[&str]) -> Result<()> {
    let is_root = output(command("id", &["-u"])).is_ok_and(|id| id.trim() == "0");
    if !is_root || !exists("apt-get") {
        return Ok(());
    }
    run(command("apt-get", &["update", "-qq"]))?;
    let mut install = command("apt-get", &["install", "-y", "-qq", "--no-install-recommends"]);
    install.args(packages).env("DEBIAN_FRONTEND", "noninteractive");
    run(install)
}

/// Is the program there, answering `--version`?
pub fn exists(program: &str) -> bool {
    let mut command = command(program, &["--version"]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
}

/// The full path of a program that is named as one types it; as it is where it has a path already, or is not found.
#[expect(clippy::disallowed_methods, reason = "tools are found by the PATH")]
pub fn path_of(program: &str) -> PathBuf {
    let given = Path::new(program);
    if given.components().count() > 1 {
        return root().join(given);
    }
    let path = std::env::var("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|folder| folder.join(given)).find(|p| p.is_file()).unwrap_or_else(|| given.to_path_buf())
}

fn line(command: &Command) -> String {
    let name = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = std::iter::once(name).chain(command.get_args());
    words.map(|w| w.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}
