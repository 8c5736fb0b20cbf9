//! A plan that was saved as JSON or YAML (`nodewright plan -o json`), as the steps that `act --plan` may do.

use super::read::{self, Source};
use crate::Failure;
use engine::cluster::{Expected, Step};
use objects::{DocExt, Value};

/// Reads a saved plan.
///
/// # Errors
/// A file that is no plan, or one of a cluster with changed manifests: what, and where in it.
pub fn steps(source: &Source) -> Result<Vec<Step>, Failure> {
    let wrong = |why: &str| Failure { message: format!("{}: {why}", source.name), exit: 1 };
    let documents = read::documents(source)?;
    let [(_, plan)] = documents.as_slice() else {
        return Err(wrong("one plan is expected, as nodewright plan -o json prints it"));
    };
    if plan.get("applied").is_some() {
        return Err(wrong("the plan is of a cluster with changed manifests: apply them, and plan again without -f"));
    }
    let Some(actions) = plan.at("actions").as_array() else {
        return Err(wrong("it is no plan: there is no list `actions`, as nodewright plan -o json prints it"));
    };
    actions.iter().enumerate().map(|(i, action)| step(action).map_err(|why| wrong(&format!("actions[{i}].{why}")))).collect()
}

fn step(action: &Value) -> Result<Step, String> {
    let text = |field: &str| action.str_at(field).map(str::to_owned).ok_or(format!("{field}: a text is expected"));
    let list = |field: &str| action.at(field).as_array().ok_or(format!("{field}: a list is expected"));
    let reason = match text("kind")?.as_str() {
        "provision" => None,
        "remove" | "replace" => Some(text("reason")?),
        kind => return Err(format!("kind: {kind:?} is none of provision, remove and replace")),
    };
    let nodes: Vec<String> = list("nodes")?.iter().filter_map(|n| n.str_at("node").map(str::to_owned)).collect();
    let launches = list("launches")?.iter().enumerate().map(|(i, l)| launch(l).map_err(|why| format!("launches[{i}].{why}")));
    let launches = launches.collect::<Result<Vec<_>, _>>()?;
    match (&reason, nodes.is_empty(), launches.is_empty()) {
        (Some(_), true, _) => return Err("nodes: there is none to remove".to_owned()),
        (None, _, true) => return Err("launches: there is none to make".to_owned()),
        _ => {}
    }
    Ok(Step { title: text("title")?, reason, nodes, launches, optional: action.get("abandoned").is_some() })
}

fn launch(launch: &Value) -> Result<Expected, String> {
    let pool = launch.str_at("nodePool").ok_or("nodePool: a text is expected")?.to_owned();
    let pods = launch.at("pods").as_array().ok_or("pods: a list is expected")?;
    let pods = pods.iter().filter_map(|p| p.as_str().map(str::to_owned)).collect();
    Ok(Expected { pool, pods, node: launch.str_at("given.node").unwrap_or_default().to_owned() })
}
