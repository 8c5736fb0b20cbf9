//! `nodewright export`: a cluster as a scenario file, which goes on as a simulation.

use crate::Failure;
use crate::plan::Choices;
use engine::cluster::Dump;
use engine::{Scenario, Session};
use objects::yaml;

/// Texts longer than this are written as JSON, which is YAML too and is read at any size.
const YAML_BYTES: usize = 1 << 20;

/// The file of a cluster, without what is secret; with `anonymise` without the user's names too.
pub fn run(mut dump: Dump, choices: &Choices, anonymise: bool) -> Result<String, Failure> {
    dump.drop_secrets();
    if anonymise {
        dump.anonymise();
    }
    let file = Scenario::observed(dump, &choices.adoption()).to_file().map_err(|e| Failure { message: e.message, exit: 1 })?;
    let text = yaml::to_yaml(&file);
    Ok(if text.len() > YAML_BYTES { format!("{file}\n") } else { text })
}

/// The session of such a file. Notes are for standard error.
pub fn session(name: &str, text: &str) -> Result<(Session, Vec<String>), Failure> {
    Session::open(text, None).map_err(|e| Failure { message: format!("{name}: {}", e.message), exit: 1 })
}
