//! The functions under other names, beside those of this machine, in a program in C: nothing else may call them.

#![cfg(unix)]

use std::path::Path;
use std::process::Command;

#[test]
fn they_do_what_loops_over_bytes_do() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let compiler = cc::Build::new()
        .target(env!("HOST"))
        .host(env!("HOST"))
        .opt_level(2)
        .warnings_into_errors(true)
        .extra_warnings(true)
        .flag("-ffreestanding")
        .flag("-fno-builtin")
        .get_compiler();
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bytes");
    let mut compile = Command::new(compiler.path());
    compile.args(compiler.args());
    for name in ["memcpy", "memmove", "memcmp", "bcmp"] {
        compile.arg(format!("-D{name}=our_{name}"));
    }
    let done = compile.arg(here.join("src/mem.c")).arg(here.join("tests/check.c")).arg("-o").arg(&program).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let ran = Command::new(&program).output().unwrap();
    if !ran.status.success() {
        panic!("{}", String::from_utf8_lossy(&ran.stdout));
    }
}
