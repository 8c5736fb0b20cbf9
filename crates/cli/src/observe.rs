//! `nodewright observe`: a real cluster, drawn once.

use crate::Failure;
use engine::cluster::{ObserveError, Options, observe};

/// What eks-node-viewer would show of the cluster, and notes on what could not be read or priced. `unix_ms` is the time
/// from which ages are counted.
///
/// # Errors
/// Status 2 for a kubeconfig that cannot be used, 3 for a cluster that does not answer or refuses, 1 for anything else.
pub fn picture(options: &Options, unix_ms: i64) -> Result<(String, Vec<String>), Failure> {
    let observed = observe(options).map_err(failure)?;
    let (snapshot, unpriced) = observed.snapshot(unix_ms);
    let notes = observed.notes.iter().cloned().chain(unpriced).collect();
    Ok((shell::node_viewer(&snapshot), notes))
}

/// Status 2 for a kubeconfig that cannot be used, 3 for a cluster that does not answer or refuses, 1 for anything else.
pub fn failure(error: ObserveError) -> Failure {
    let exit = match error {
        ObserveError::Config(_) => 2,
        ObserveError::Unreachable(_) => 3,
        ObserveError::Runtime(_) => 1,
    };
    Failure { message: error.to_string(), exit }
}
