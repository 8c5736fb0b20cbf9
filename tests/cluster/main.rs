//! What nodewright does on real clusters, tried on a real one: etcd, the Kubernetes control plane and Karpenter as they are
//! released, started on this machine. Only the kubelets are a stand-in.
//!
//! A check is a function that panics when something is not as it should be. Those of a list share one control plane, which
//! takes longer to start than many of them to run; each uses names of its own and clears away what others would notice.

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
use std::sync::Mutex;
use std::time::Instant;

/// What it is about, and the function.
type Check = (&'static str, fn(&mut Cluster));

/// Lists that run side by side, each on a control plane of its own: most of the time they wait, and they take about as long.
const LISTS: [&[Check]; 2] = [ALONE, BESIDE];

/// On a server that has no Karpenter.
const ALONE: &[Check] = &[
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
    ("act: told to wait, refused and left without watches", checks::injected::answers),
    ("act: killed at each step of a replacement", checks::injected::killed),
    ("act: the control plane dies while a node is replaced", checks::away::alone),
];

/// Karpenter comes with the first check that is about it.
const BESIDE: &[Check] = &[
    ("act: metrics and health", checks::metrics::told),
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
    let lists = LISTS.map(|list| list.iter().filter(|(name, _)| is_wanted(name)).collect::<Vec<_>>());
    let chosen = lists.iter().map(Vec::len).sum::<usize>();
    if std::env::args().any(|a| a == "--list") || chosen == 0 {
        LISTS.iter().flat_map(|list| list.iter()).for_each(|(name, _)| println!("{name}"));
        return Ok(());
    }
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().context("the target folder")?.join("cluster");
    let programs = Programs::build(&target.join("bin"))?;
    forget_crashed_runs(&target);
    let folder = target.join(format!("run-{}", std::process::id()));
    let start = Instant::now();
    let failed = side_by_side(&lists, &|i: usize, list: &[&Check]| run(programs.clone(), &folder.join(i.to_string()), list));
    if !failed.is_empty() {
        let kept = target.join("failed");
        let _ = std::fs::remove_dir_all(&kept);
        std::fs::rename(&folder, &kept).with_context(|| format!("keep {}", folder.display()))?;
        println!("the programs' logs are in {}", kept.display());
        bail!("of {chosen} checks failed: {}", failed.join("; "));
    }
    std::fs::remove_dir_all(&folder).with_context(|| format!("remove {}", folder.display()))?;
    println!("{chosen} checks passed in {} s", seconds(start));
    Ok(())
}

/// Runs each list that has checks, and returns what failed.
fn side_by_side(lists: &[Vec<&Check>], run: &(impl Fn(usize, &[&Check]) -> Vec<String> + Sync)) -> Vec<String> {
    std::thread::scope(|scope| {
        let lists = lists.iter().enumerate().filter(|(_, list)| !list.is_empty());
        let threads: Vec<_> = lists.map(|(i, list)| scope.spawn(move || run(i, list))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap_or_else(|_| vec!["a list of checks".to_owned()])).collect()
    })
}

/// Runs the checks one after the other on a control plane with its data in `folder`; the names of those that failed.
fn run(programs: Programs, folder: &Path, checks: &[&Check]) -> Vec<String> {
    // One after the other, so that none takes a port that another has found free.
    static STARTING: Mutex<()> = Mutex::new(());
    let started = {
        let _alone = STARTING.lock();
        let start = Instant::now();
        let cluster = Cluster::start(programs, folder);
        if let Ok(cluster) = &cluster {
            println!("a control plane ({}) runs after {} s", cluster.programs.version, seconds(start));
        }
        cluster
    };
    let mut cluster = match started {
        Ok(cluster) => cluster,
        Err(error) => return vec![format!("the start of a control plane ({error:#})")],
    };
    let mut failed = Vec::new();
    for (name, check) in checks {
        let start = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| check(&mut cluster)));
        // A program that has crashed explains more than what a check saw of it.
        let crashed = cluster.check();
        let word = if outcome.is_ok() && crashed.is_ok() { "ok" } else { "FAILED" };
        println!("{name} ... {word} ({} s)", seconds(start));
        if word != "ok" {
            failed.push((*name).to_owned());
            // What this Karpenter was started with is no business of the next check.
            cluster.stop(Part::Karpenter);
        }
        if let Err(error) = crashed {
            failed.push(format!("all after it ({error:#})"));
            break;
        }
    }
    failed
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
