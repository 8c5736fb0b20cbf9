//! The sentences of the architecture about who may know whom, as tests: the graph of crates, what lies below each of
//! them, and which names may occur in which folder.

#![expect(clippy::expect_used, reason = "a test that cannot read the project has to fail")]

use objects::collections::{VecMap, VecSet};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What each crate of the workspace may name in its manifest (of the workspace). `*` allows all but the hosts.
const MAY_USE: [(&str, &[&str]); 17] = [
    ("nodewright-objects", &[]),
    ("nodewright-catalog", &[]),
    ("nodewright-mem", &[]),
    ("nodewright-engine", &["nodewright-objects", "nodewright-catalog"]),
    ("nodewright-shell", &["nodewright-objects", "nodewright-catalog", "nodewright-engine", "nodewright-view"]),
    ("nodewright-view", &["nodewright-objects", "nodewright-catalog", "nodewright-engine"]),
    ("nodewright-lint", &["nodewright-objects", "nodewright-engine", "nodewright-view"]),
    ("nodewright-lessons", &["nodewright-objects", "nodewright-catalog", "nodewright-engine"]),
    ("nodewright-conform", &["nodewright-objects", "nodewright-engine"]),
    ("nodewright-bench", &["nodewright-objects", "nodewright-engine"]),
    ("nodewright-bench-wasm", &["nodewright-bench", "nodewright-engine"]),
    ("nodewright-js", &["*"]),
    ("nodewright", &["*"]),
    ("nodewright-web", &["*"]),
    ("nodewright-tests", &["*"]),
    ("nodewright-wasm-probe", &["nodewright-objects", "nodewright-engine"]),
    // The build driver packs the catalogue and the schemas; it must not need the rest, so that building it stays quick.
    ("xtask", &["nodewright-catalog", "nodewright-objects"]),
];

/// Nothing depends on these.
const HOSTS: [&str; 5] = ["nodewright-js", "nodewright", "nodewright-web", "nodewright-tests", "xtask"];

/// Crates that only the page and the JavaScript facade may bring in.
const BROWSER: [&str; 4] = ["yew", "web-sys", "js-sys", "wasm-bindgen"];
/// Crates that only the feature `kube` of the engine may bring in.
const CLUSTER: [&str; 5] = ["kube", "kube-client", "k8s-openapi", "tokio", "hyper"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests' folder has a parent").to_path_buf()
}

fn cargo(args: &[&str]) -> String {
    let out = Command::new(env!("CARGO")).args(args).current_dir(root()).output().expect("cargo runs");
    assert!(out.status.success(), "cargo {args:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).expect("cargo prints UTF-8")
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// The workspace's packages with the workspace's packages that each names, tests left out.
fn workspace() -> VecMap<String, VecSet<String>> {
    let metadata: Value =
        serde_json::from_str(&cargo(&["metadata", "--format-version", "1", "--no-deps"])).expect("metadata is JSON");
    let names: VecSet<&str> = list(&metadata, "packages").map(|p| text(p, "name")).collect();
    let used = |package: &Value| -> VecSet<String> {
        let normal = list(package, "dependencies").filter(|d| d.get("kind").is_none_or(Value::is_null));
        normal.map(|d| text(d, "name")).filter(|n| names.contains(n)).map(str::to_owned).collect()
    };
    list(&metadata, "packages").map(|p| (text(p, "name").to_owned(), used(p))).collect()
}

#[test]
fn crates_point_one_way() {
    let packages = workspace();
    let known: VecSet<&str> = MAY_USE.iter().map(|(name, _)| *name).collect();
    for (name, used) in &packages {
        assert!(known.contains(name.as_str()), "`{name}` has no row here: say what it may depend on");
        let allowed = MAY_USE.iter().find(|(n, _)| n == name).map(|(_, allowed)| *allowed).unwrap_or_default();
        for dependency in used {
            let by_name = allowed.contains(&dependency.as_str());
            let by_star = allowed.contains(&"*") && !HOSTS.contains(&dependency.as_str());
            assert!(by_name || by_star, "`{name}` must not depend on `{dependency}`");
        }
    }
}

/// Everything that a package's default features bring in for wasm, build scripts and tests left out.
fn below(package: &str) -> VecSet<String> {
    let tree =
        cargo(&["tree", "-p", package, "-e", "normal", "--target", "wasm32-unknown-unknown", "--prefix", "none", "-f", "{p}"]);
    tree.lines().filter_map(|l| l.split_whitespace().next()).map(str::to_owned).collect()
}

#[test]
fn the_engine_and_what_reads_it_know_no_host() {
    for package in ["objects", "catalog", "engine", "shell", "view", "lint", "lessons"] {
        let package = format!("nodewright-{package}");
        let found = below(&package);
        assert!(found.contains(&package), "{found:?}");
        for banned in BROWSER.iter().chain(&CLUSTER) {
            assert!(!found.contains(*banned), "`{package}` brings in `{banned}`");
        }
    }
    let page = below("nodewright-web");
    for banned in CLUSTER {
        assert!(!page.contains(banned), "the page brings in `{banned}`");
    }
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() && !["target", "node_modules", "dist"].iter().any(|skip| name == *skip) {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Fails for each line of code (comments left out) that holds one of `names` outside the `allowed` folders.
fn check(within: &str, names: &[&str], allowed: &[&str]) {
    let root = root();
    let files = sources(&root.join(within));
    assert!(!files.is_empty(), "no sources in `{within}`");
    let mut found = Vec::new();
    for file in files {
        let place = file.strip_prefix(&root).unwrap_or(&file).to_string_lossy().into_owned();
        if allowed.iter().any(|a| place.starts_with(a)) {
            continue;
        }
        let code = std::fs::read_to_string(&file).expect("a source file reads");
        for (i, line) in code.lines().enumerate().filter(|(_, l)| !l.trim_start().starts_with("//")) {
            for name in names.iter().filter(|name| holds(line, name)) {
                found.push(format!("{place}:{}: `{name}`", i + 1));
            }
        }
    }
    assert!(found.is_empty(), "not allowed here:\n{}", found.join("\n"));
}

/// Does the line hold `name` as a path's beginning (or after `crate::`), not as a part of a longer word?
fn holds(line: &str, name: &str) -> bool {
    line.match_indices(name).any(|(at, _)| {
        let before = line.get(..at).and_then(|b| b.chars().next_back());
        before.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != '"')
    })
}

#[test]
fn controllers_know_nothing_of_the_environment() {
    check("crates/engine/src/controllers", &["environment::"], &[]);
}

#[test]
fn kube_is_known_in_one_folder() {
    let names = ["kube::", "k8s_openapi::", "tokio::"];
    check("crates", &names, &["crates/engine/src/cluster"]);
    check("web", &names, &[]);
}

#[test]
fn the_browser_is_known_to_the_page_and_the_facade() {
    check("crates", &["yew::", "web_sys::", "js_sys::", "wasm_bindgen::"], &["crates/js"]);
}

#[test]
fn names_are_found_where_they_begin() {
    for (line, name, found) in [
        ("use kube::Client;", "kube::", true),
        ("    let x = crate::environment::f();", "environment::", true),
        ("use my_kube::Client;", "kube::", false),
        ("let s = \"kube::\";", "kube::", false),
    ] {
        assert_eq!(holds(line, name), found, "{line}");
    }
}
