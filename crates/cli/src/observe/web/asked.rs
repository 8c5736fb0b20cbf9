//! A plan that the page asks for: it reads the cluster anew.

use crate::plan::{self, Choices};
use engine::cluster::{self, Ahead, Options};
use objects::{Value, json};
use view::{Lang, Why};

/// The plan for the cluster as the page reads it, JSON: `atMs`, `notes`, and the rows of the pane in each language.
///
/// # Errors
/// A cluster that cannot be read.
pub fn plan(options: &Options, clock: fn() -> i64) -> Result<String, String> {
    let dump = plan::live(options).map_err(|f| f.message)?;
    let choices = Choices { at_ms: plan::time_of(&dump, clock()), seed: 1, region: None, types: None, ahead: Ahead::default() };
    let mut notes = dump.notes.clone();
    let adopted = cluster::adopt(dump, &choices.adoption());
    notes.extend(adopted.notes.iter().filter(|n| !notes.contains(n)).cloned().collect::<Vec<_>>());
    let plan = cluster::plan(&adopted, choices.ahead);
    let rows = |lang| Value::Array(view::plan::rows(&plan, lang).iter().map(row).collect());
    Ok(json!({"atMs": plan.at_ms, "notes": notes, "en": rows(Lang::En), "ko": rows(Lang::Ko)}).to_string())
}

fn row(why: &Why) -> Value {
    let facts: Vec<Value> = why.facts.iter().map(|(label, value)| json!([label, value])).collect();
    json!({"afterMs": why.at.ms(), "token": why.token, "sentence": why.sentence, "facts": facts, "raw": why.raw,
        "nodes": why.nodes})
}
