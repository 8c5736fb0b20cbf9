//! The native binary, one file that runs on any Linux of its architecture: linked statically against musl, with the page in it.

use crate::{args::Args, page, shell};
use anyhow::{Context, Result, bail};
use std::path::PathBuf;

const PROGRAM: &str = "nodewright";

/// Builds it into `--out` (`target/dist`), for the architecture of this machine or that of `--target`.
pub fn run(mut args: Args) -> Result<()> {
    let target = args.option("--target")?.unwrap_or_else(|| format!("{}-unknown-linux-musl", std::env::consts::ARCH));
    let out = args.option("--out")?.map_or_else(|| Ok(page::target_dir()?.join("dist")), |out| anyhow::Ok(PathBuf::from(out)))?;
    args.finish()?;
    if !target.contains("-linux-musl") {
        bail!("--target {target} is no target of musl: x86_64-unknown-linux-musl or aarch64-unknown-linux-musl");
    }
    page::ensure_target(&target)?;
    ensure_compiler(&target)?;
    let page = page::target_dir()?.join("dist-page");
    println!("{}", page::build("page", &page)?);
    let mut build = shell::cargo(&["build", "--release", "--locked", "-p", PROGRAM, "--target", &target]);
    build.env("CARGO_PROFILE_RELEASE_STRIP", "symbols").env("NODEWRIGHT_PAGE", page);
    shell::run(build)?;
    let built = page::target_dir()?.join(&target).join("release").join(PROGRAM);
    let program = std::fs::read(&built).with_context(|| format!("read {}", built.display()))?;
    if wants_interpreter(&program).context("the binary is no ELF file of 64 bits")? {
        bail!("{} is not static: it wants a dynamic linker", built.display());
    }
    std::fs::create_dir_all(&out).with_context(|| format!("create {}", out.display()))?;
    let made = out.join(PROGRAM);
    std::fs::copy(&built, &made).with_context(|| format!("write {}", made.display()))?;
    println!("{}: {} kB, static, {target}", made.display(), program.len() / 1_000);
    Ok(())
}

/// The C compiler that the TLS library needs: what cc looks for by that name.
fn ensure_compiler(target: &str) -> Result<()> {
    let arch = target.split('-').next().unwrap_or_default();
    let found = || [format!("{arch}-linux-musl-gcc"), "musl-gcc".to_owned()].iter().any(|name| shell::exists(name));
    if !found() && arch == std::env::consts::ARCH {
        shell::install(&["musl-tools"])?;
    }
    if found() {
        return Ok(());
    }
    bail!(
        "no C compiler for musl: install musl-tools (Debian, Ubuntu) or musl-gcc, or name one in CC_{}",
        target.replace('-', "_")
    )
}

/// Whether an ELF file has a program header of the kind PT_INTERP; `None` for what is no ELF file of 64 bits.
fn wants_interpreter(file: &[u8]) -> Option<bool> {
    const INTERP: u32 = 3;
    let number = |at: usize, size: usize| -> Option<usize> {
        let bytes = file.get(at..at + size)?;
        bytes.iter().rev().try_fold(0_usize, |n, b| Some(n << 8 | usize::from(*b)))
    };
    if file.get(..5)? != b"\x7fELF\x02" {
        return None;
    }
    let (first, size, count) = (number(32, 8)?, number(54, 2)?, number(56, 2)?);
    let kinds: Option<Vec<usize>> = (0..count).map(|i| number(first + i * size, 4)).collect();
    Some(kinds?.contains(&(INTERP as usize)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of one program header.
    fn elf(kind: u8) -> Vec<u8> {
        let mut file = vec![0; 64 + 56];
        file[..5].copy_from_slice(b"\x7fELF\x02");
        (file[32], file[54], file[56], file[64]) = (64, 56, 1, kind);
        file
    }

    #[test]
    fn tells_static_programs_from_others() {
        assert_eq!(wants_interpreter(&elf(1)), Some(false));
        assert_eq!(wants_interpreter(&elf(3)), Some(true));
        assert_eq!(wants_interpreter(b"#!/bin/sh"), None);
    }
}
