//! Suites that cargo runs. They all name the whole workspace and pick targets of it: with one set of packages cargo
//! settles on one set of features, and nothing is built twice.

use super::Suite;
use crate::{page, shell};
use anyhow::{Context, Result};
use std::collections::BTreeSet;
use std::path::PathBuf;

const TESTS: &str = "nodewright-tests";
/// The test target that has a suite of its own.
const CLUSTER: &str = "cluster";

pub fn first() -> Vec<Suite> {
    vec![
        Suite::new("format", "cargo fmt", |_| shell::run(shell::cargo(&["fmt", "--all", "--check"]))),
        Suite::new("clippy", "lints, native", |_| {
            // All targets are those that `cargo test` runs by itself, and the cluster's is not.
            for targets in [["--all-targets"].as_slice(), &["--test", CLUSTER]] {
                let args = [&["clippy", "--quiet", "--workspace"], targets, &["--", "-D", "warnings"]].concat();
                shell::run(shell::cargo(&args))?;
            }
            Ok(())
        }),
        Suite::new("clippy-wasm", "lints of the page and the JavaScript facade for wasm", |_| {
            page::ensure_target(page::TARGET)?;
            let packages = ["-p", "nodewright-web", "-p", "nodewright-js", "--target", "wasm32-unknown-unknown"];
            let args = [&["clippy", "--quiet"], packages.as_slice(), &["--", "-D", "warnings"]].concat();
            shell::run(shell::cargo(&args))
        }),
        Suite::new("unit", "tests beside the code", |_| {
            // Targets are picked, since a package that is left out takes its features along.
            let mut args: Vec<String> = ["test", "--quiet", "--workspace", "--lib", "--bins"].map(str::to_owned).into();
            for target in test_targets(|package| package != TESTS)? {
                args.extend(["--test".to_owned(), target]);
            }
            shell::run(shell::cargo(&args.iter().map(String::as_str).collect::<Vec<_>>()))
        }),
    ]
}

/// The names of the test targets of these packages.
fn test_targets(of: impl Fn(&str) -> bool) -> Result<BTreeSet<String>> {
    let text = shell::output(shell::cargo(&["metadata", "--format-version", "1", "--no-deps"]))?;
    let metadata: serde_json::Value = serde_json::from_str(&text).context("read cargo metadata")?;
    let list = |value: &serde_json::Value, key: &str| value.get(key).and_then(|v| v.as_array()).cloned().unwrap_or_default();
    let name = |value: &serde_json::Value| value.get("name").and_then(|n| n.as_str()).unwrap_or_default().to_owned();
    let packages = list(&metadata, "packages").into_iter().filter(|package| of(&name(package)));
    let targets = packages.flat_map(|package| list(&package, "targets"));
    Ok(targets.filter(|target| list(target, "kind").iter().any(|k| k == "test")).map(|target| name(&target)).collect())
}

/// One suite for each test target of the tests package, the well-known ones first.
pub fn of_tests() -> Result<Vec<Suite>> {
    const ORDER: [&str; 3] = ["directions", "conformance", "labs"];
    let mut targets: Vec<String> = test_targets(|package| package == TESTS)?.into_iter().collect();
    targets.retain(|t| t != CLUSTER);
    targets.sort_by_key(|t| (ORDER.iter().position(|o| o == t).unwrap_or(ORDER.len()), t.clone()));
    let suite = |target: String| {
        let about = format!("the test target {target} of {TESTS}");
        let name = target.clone();
        Suite::new(&name, &about, move |_| shell::run(shell::cargo(&["test", "--quiet", "--workspace", "--test", &target])))
    };
    Ok(targets.into_iter().map(suite).collect())
}

/// Builds a program of the workspace as the tests have it: with a test beside it cargo settles on the features of those.
pub fn program(name: &str) -> Result<PathBuf> {
    shell::run(shell::cargo(&["build", "--quiet", "--workspace", "--bin", name, "--test", "directions"]))?;
    Ok(page::target_dir()?.join("debug").join(name))
}

const CLUSTER_TEST: [&str; 5] = ["test", "--quiet", "--workspace", "--test", CLUSTER];

/// The one suite that needs Go, and minutes the first time.
pub fn cluster() -> Suite {
    let about = "a real control plane with the real Karpenter, built from Go modules";
    Suite::new(CLUSTER, about, |shared| match shared.cluster.take() {
        Some(begun) => begun?.finish(),
        None => shell::run(shell::cargo(&CLUSTER_TEST)),
    })
}

/// Begins the suite of the cluster beside those before it: most of its time it waits.
pub fn begin_cluster() -> Result<shell::Background> {
    shell::run(shell::cargo(&[CLUSTER_TEST.as_slice(), &["--no-run"]].concat()))?;
    shell::Background::begin(shell::cargo(&CLUSTER_TEST), "cluster.txt")
}
