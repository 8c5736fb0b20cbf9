//! Compiles `mem.c` where musl is the C library.

#[expect(clippy::disallowed_methods, reason = "cargo tells a build script about the target in the environment")]
fn main() {
    println!("cargo::rerun-if-changed=src/mem.c");
    // For the test, which compiles it for the machine that it runs on.
    println!("cargo::rustc-env=HOST={}", std::env::var("HOST").unwrap_or_default());
    if std::env::var("CARGO_CFG_TARGET_ENV").is_ok_and(|env| env == "musl") {
        // A loop that copies must not become a call of what it is in.
        let flags = ["-ffreestanding", "-fno-builtin"];
        let mut build = cc::Build::new();
        flags.iter().for_each(|flag| {
            build.flag(flag);
        });
        build.flag_if_supported("-fno-tree-loop-distribute-patterns").opt_level(2).file("src/mem.c").compile("nodewright_mem");
    }
}
