//! Plans that the page asks for: each reads the cluster anew.

use crate::plan::{self, Choices};
use engine::cluster::{self, Ahead, Options};
use objects::{Value, json};
use std::sync::Arc;
use tokio::sync::Mutex;
use view::{Lang, Why};

/// Makes one plan at a time.
pub struct Planner {
    options: Options,
    clock: fn() -> i64,
    turn: Arc<Mutex<()>>,
}

impl Planner {
    pub fn new(options: Options, clock: fn() -> i64) -> Planner {
        Planner { options, clock, turn: Arc::default() }
    }

    /// The plan as the page reads it, JSON: `atMs`, `notes`, and the rows of the pane in each language.
    ///
    /// # Errors
    /// A cluster that cannot be read.
    pub async fn plan(&self) -> Result<String, String> {
        // Whoever goes away meanwhile leaves a plan that is made for nobody; the next one waits for its end.
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let (options, clock) = (self.options.clone(), self.clock);
        let made = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            make(&options, clock)
        });
        made.await.unwrap_or_else(|e| Err(format!("the plan came to no end: {e}")))
    }
}

fn make(options: &Options, clock: fn() -> i64) -> Result<String, String> {
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
