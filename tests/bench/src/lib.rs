//! The cases of the speed comparison for a host that has a clock: [`prepare`] one, then time [`run`].

use bench::{Method, made};
use engine::scheduling::Cluster;
use std::cell::RefCell;

thread_local! {
    static PREPARED: RefCell<Option<(Cluster, bool)>> = const { RefCell::new(None) };
}

const DIVERSE: [&str; 4] = [
    include_str!("../data/diverse-1000.txt"),
    include_str!("../data/diverse-5000.txt"),
    include_str!("../data/diverse-10000.txt"),
    include_str!("../data/diverse-20000.txt"),
];
const TIGHT_TYPES: &str = include_str!("../data/tight-types.json");

fn input(case: usize) -> Result<(Cluster, bool), String> {
    if let Some(pods) = DIVERSE.get(case) {
        return Ok((bench::pending(&made::diverse(pods), &made::fake_types(400))?, false));
    }
    let (nodes, pods) = made::tight(if case == DIVERSE.len() { 100 } else { 1000 });
    Ok((bench::cluster(&nodes, &pods, TIGHT_TYPES, &[])?, true))
}

/// Cases 0 to 3 pack 1,000, 5,000, 10,000 and 20,000 diverse pods, 4 and 5 scan 100 and 1,000 tight nodes. The number of
/// pods; 0 where the input cannot be read.
#[unsafe(no_mangle)]
pub extern "C" fn prepare(case: u32) -> u32 {
    let Ok((cluster, scans)) = input(case as usize) else { return 0 };
    let pods = u32::try_from(cluster.pods.len()).unwrap_or(u32::MAX);
    PREPARED.with(|p| p.replace(Some((cluster, scans))));
    pods
}

/// Runs the prepared case: nodes in the upper half; below it pods without a place, of a scan the candidates tried.
#[unsafe(no_mangle)]
pub extern "C" fn run() -> u64 {
    PREPARED.with(|p| {
        let prepared = p.borrow();
        let Some((cluster, scans)) = prepared.as_ref() else { return 0 };
        let outcome = if *scans { bench::consolidate(cluster, Method::Single) } else { bench::pack(cluster) };
        let low = outcome.scan.map_or(outcome.errors, |(tried, _)| tried);
        ((outcome.nodes as u64) << 32) | low as u64
    })
}
