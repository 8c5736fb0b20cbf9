//! `cargo xtask test`: every suite in order, each with its time, and a count at the end.
//!
//! A suite fails with one sentence when a tool is missing; what can be installed is installed. Suites of `tests/` are
//! found, not listed: a test target of the package, a `*.test.mjs` in tests/browser.

mod browser;
mod probe;
mod rust;
mod size;
mod trunk;

use crate::args::Args;
use crate::{page, shell};
use anyhow::{Result, bail};
use std::time::Duration;

/// From this suite on that of the cluster runs beside the others.
const BESIDE: &str = "conformance";

type Work = Box<dyn Fn(&mut Shared) -> Result<()>>;

/// One named part of the test run.
struct Suite {
    name: String,
    about: String,
    run: Work,
}

impl Suite {
    fn new(name: &str, about: &str, run: impl Fn(&mut Shared) -> Result<()> + 'static) -> Suite {
        Suite { name: name.to_owned(), about: about.to_owned(), run: Box::new(run) }
    }
}

/// What several suites need and only the first makes.
#[derive(Default)]
struct Shared {
    built: Option<page::Built>,
    site: Option<u16>,
    /// The suite of the cluster where it was begun before its turn.
    cluster: Option<Result<shell::Background>>,
}

impl Shared {
    /// The page in its small profile, built once.
    fn page(&mut self) -> Result<&page::Built> {
        let built = match self.built.take() {
            Some(built) => built,
            None => page::build("page", &shell::root().join("dist"))?,
        };
        Ok(self.built.insert(built))
    }

    /// The port on which the built page is served until the run ends.
    fn site(&mut self) -> Result<u16> {
        if let Some(port) = self.site {
            return Ok(port);
        }
        let out = self.page()?.out.clone();
        let site = crate::serve::Site::bind(0, out)?;
        let port = site.port;
        site.spawn();
        self.site = Some(port);
        Ok(port)
    }
}

fn suites(all: bool) -> Result<Vec<Suite>> {
    let mut suites = rust::first();
    suites.extend(rust::of_tests()?);
    suites.push(Suite::new("wasm", "the engine for wasm imports nothing and agrees with the native one", probe::run));
    suites.push(Suite::new("size", "the page stays within its size", size::run));
    suites.push(browser::suite());
    suites.push(rust::cluster());
    if all {
        suites.push(Suite::new("trunk", "Trunk builds the same page", trunk::run));
    }
    Ok(suites)
}

pub fn run(mut args: Args) -> Result<()> {
    let (all, list) = (args.flag("--all"), args.flag("--list"));
    let mut names = Vec::new();
    while let Some(name) = args.word() {
        names.push(name);
    }
    args.finish()?;
    let mut suites = suites(all || names.iter().any(|n| n == "trunk"))?;
    if let Some(unknown) = names.iter().find(|n| !suites.iter().any(|s| s.name == **n)) {
        let known: Vec<_> = suites.iter().map(|s| s.name.as_str()).collect();
        bail!("no suite `{unknown}`; there are {}", known.join(", "));
    }
    if !names.is_empty() {
        suites.retain(|s| names.contains(&s.name));
    }
    if list {
        for suite in &suites {
            println!("{:<12} {}", suite.name, suite.about);
        }
        return Ok(());
    }

    let (mut shared, mut lines, mut failed) = (Shared::default(), Vec::new(), 0usize);
    let n = suites.len();
    for (i, suite) in suites.iter().enumerate() {
        println!("\n=== {}/{n} {}: {}", i + 1, suite.name, suite.about);
        if suite.name == BESIDE && suites.iter().any(|s| s.name == "cluster") {
            shared.cluster = Some(rust::begin_cluster());
        }
        let (result, took) = timed(|| (suite.run)(&mut shared));
        let word = match &result {
            Ok(()) => "passed",
            Err(error) => {
                failed += 1;
                println!("{}: {error:#}", suite.name);
                "FAILED"
            }
        };
        let line = format!("{:<12} {word} in {}.{} s", suite.name, took.as_secs(), took.subsec_millis() / 100);
        println!("--- {line}");
        lines.push(line);
    }
    println!("\n{}\n", lines.join("\n"));
    println!("{} passed, {failed} failed", n - failed);
    if failed > 0 {
        std::process::exit(1);
    }
    Ok(())
}

#[expect(clippy::disallowed_types, reason = "how long a suite took on this machine")]
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = std::time::Instant::now();
    let value = work();
    (value, start.elapsed())
}
