//! `nodewright export`: a cluster as a scenario file, which goes on as a simulation.

use crate::Failure;
use crate::plan::Choices;
use engine::cluster::Dump;
use engine::{Scenario, Session};
use objects::{Value, yaml};

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
    let failed = |what: String| Failure { message: format!("{name}: {what}"), exit: 1 };
    let file: Value = if text.trim_start().starts_with('{') {
        serde_json::from_str(text).map_err(|e| failed(format!("not JSON: {e}")))?
    } else {
        let mut stream = yaml::parse(text);
        if let Some(error) = stream.error {
            return Err(failed(error.to_string()));
        }
        stream.documents.pop().map(|d| d.value).unwrap_or_default()
    };
    let scenario = Scenario::from_file(&file).map_err(|e| failed(e.message))?;
    Session::of_cluster(scenario).map_err(|e| failed(e.message))
}
