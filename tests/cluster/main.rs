//! What nodewright does on real clusters, tried on a real one: etcd, the Kubernetes control plane and Karpenter as they are
//! released, started on this machine. Only the kubelets are a stand-in.
//!
//! A check is a function that panics when something is not as it should be. All share one control plane, which takes
//! longer to start than most of them to run; each uses names of its own and clears away what others would notice.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "real programs need a clock, threads and sleep")]

mod api;
mod audit;
mod checks;
mod control_plane;
mod karpenter;
mod kubelet;
mod pki;
mod process;
mod programs;
mod proxy;

use anyhow::{Context, Result, bail};
use control_plane::{Cluster, Part};
use programs::Programs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What it is about, and the function.
type Check = (&'static str, fn(&mut Cluster));

/// In this order: the first ones want a server that has no Karpenter yet.
const CHECKS: &[Check] = &[
    ("programs: versions compare as Go numbers them", checks::programs::versions),
    ("programs: the server says its version", checks::programs::server_version),
    ("kubelets: pods run and end, nodes are ready", checks::kubelets::lives),
    ("observe: a server without Karpenter", checks::observe::without_karpenter),
    ("observe: nodes, pods and pools", checks::observe::everything),
    ("observe: a user who may not see all", checks::observe::in_part),
    ("observe: as it changes", checks::observe::follows),
    ("large: 500 nodes and 5,000 pods", checks::large::fits),
    ("rights: observe and plan with each and without", checks::rights::reading),
    ("web: the page attached to it, with its rights and without", checks::web::attached),
    ("server: the simulated API server answers as the real one", checks::server::answers),
    ("server: evictions and conflicts", checks::server::refusals),
    ("faults: the API server dies and comes back", checks::faults::server_dies),
    ("act: the lab, decision by decision as in the simulation", checks::act::lab),
    ("act: the lab of Karpenter 0.29 to 0.31", checks::v1alpha5::lab),
    ("act: killed, cut off and begun again", checks::act::faults),
    ("act: one leads, and none beside another autoscaler", checks::act::leaders),
    ("act: leaders that die, stand still or are thrown out", checks::leaders::lost),
    ("act: a saved plan and nothing else", checks::act::planned),
    ("act: metrics and health", checks::metrics::told),
    ("act: told to wait, refused and left without watches", checks::injected::answers),
    ("act: killed at each step of a replacement", checks::injected::killed),
    ("act: the control plane dies while a node is replaced", checks::away::alone),
    ("rights: act with each and without", checks::rights::acting),
    ("karpenter: scales out and back", checks::karpenter::out_and_back),
    ("karpenter: carries out what act decides", checks::nodeclaim::carried_out),
    ("karpenter: replaces what drifts", checks::drifting::replaced),
    ("karpenter: act killed at each step of a replacement", checks::drifting::killed),
    ("karpenter: the control plane dies while act replaces a node", checks::away::beside),
    ("karpenter: does what was planned", checks::beside::karpenter),
];

/// Checks that take minutes and run only when they are named.
const LONG: &str = "large";

fn main() -> Result<()> {
    // As a process of its own it can be killed.
    if let Some(arguments) = checks::act::arguments() {
        return checks::act::process(&arguments);
    }
    if let Some(kubeconfig) = checks::large::arguments() {
        return checks::large::process(&kubeconfig);
    }
    if let Some(arguments) = checks::web::arguments() {
        return checks::web::process(&arguments);
    }
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let is_named = |name: &str| wanted.iter().any(|w| name.contains(w.as_str()));
    let is_wanted = |name: &str| is_named(name) || wanted.is_empty() && !name.starts_with(LONG);
    let chosen: Vec<_> = CHECKS.iter().filter(|(name, _)| is_wanted(name)).collect();
    if std::env::args().any(|a| a == "--list") || chosen.is_empty() {
        CHECKS.iter().for_each(|(name, _)| println!("{name}"));
        return Ok(());
    }
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().context("the target folder")?.join("cluster");
    let programs = Programs::build(&target.join("bin"))?;
    forget_crashed_runs(&target);
    let folder = target.join(format!("run-{}", std::process::id()));
    let start = Instant::now();
    let result = run(programs, &folder, &chosen, start);
    if result.is_err() {
        let kept = target.join("failed");
        let _ = std::fs::remove_dir_all(&kept);
        std::fs::rename(&folder, &kept).with_context(|| format!("keep {}", folder.display()))?;
        println!("the programs' logs are in {}", kept.display());
    } else {
        std::fs::remove_dir_all(&folder).with_context(|| format!("remove {}", folder.display()))?;
    }
    result
}

fn run(programs: Programs, folder: &Path, chosen: &[&Check], start: Instant) -> Result<()> {
    let mut cluster = Cluster::start(programs, folder)?;
    println!("the control plane ({}) runs after {} s", cluster.programs.version, seconds(start));
    let mut failed = Vec::new();
    for (name, check) in chosen {
        let start = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| check(&mut cluster)));
        // A program that has crashed explains more than what a check saw of it.
        let crashed = cluster.check();
        let word = if outcome.is_ok() && crashed.is_ok() { "ok" } else { "FAILED" };
        println!("{name} ... {word} ({} s)", seconds(start));
        if word != "ok" {
            failed.push(*name);
            // What this Karpenter was started with is no business of the next check.
            cluster.stop(Part::Karpenter);
        }
        crashed?;
    }
    if !failed.is_empty() {
        bail!("{} of {} checks failed: {}", failed.len(), chosen.len(), failed.join("; "));
    }
    println!("{} checks passed in {} s", chosen.len(), seconds(start));
    Ok(())
}

fn seconds(start: Instant) -> String {
    let took = start.elapsed();
    format!("{}.{}", took.as_secs(), took.subsec_millis() / 100)
}

/// Removes the data of runs that were killed.
fn forget_crashed_runs(target: &Path) {
    let runs = std::fs::read_dir(target).into_iter().flatten().filter_map(|e| Some(e.ok()?.path()));
    let is_dead = |path: &PathBuf| {
        let pid = path.file_name().and_then(|n| n.to_str()?.strip_prefix("run-")).map(str::to_owned);
        pid.is_some_and(|pid| !std::process::Command::new("kill").args(["-0", &pid]).output().is_ok_and(|o| o.status.success()))
    };
    runs.filter(is_dead).for_each(|run| drop(std::fs::remove_dir_all(run)));
}
