//! The playground without a page, for embedders and for tests of documentation: bindings only.
//!
//! ```js
//! const lab = new Playground({ era: "v1alpha5", seed: 7 });
//! lab.exec("kubectl scale deployment inflate --replicas 5"); // { exitCode, stdout, stderr, simMs }
//! lab.advance(60_000);
//! lab.view("nodes");
//! ```
//!
//! Nothing here decides anything: commands go to the shell, time to the session, and `view` gives the view models as
//! plain objects. Every method answers wrong input with an `Error` whose message says what to do.

mod models;

use engine::session::{LAB_SEED, Scenario};
use engine::{Era, Session, SimTime};
use objects::{DocExt, Value, json};
use serde::Serialize;
use shell::{Extras, Options, Poll, Shell, Start, Stream};
use std::rc::Rc;
use wasm_bindgen::prelude::*;

/// Longest simulated time of one call: a day.
const MAX_ADVANCE_MS: f64 = 86_400_000.0;
/// Longest simulated time that a command may take before it is interrupted (a `logs -f` never ends by itself).
const MAX_COMMAND_MS: u64 = 600_000;

/// One simulated cluster and a shell at it.
#[wasm_bindgen]
pub struct Playground {
    session: Session,
    shell: Shell,
}

#[wasm_bindgen]
impl Playground {
    /// `options`: `{ era?: "v1alpha5" | "v1", seed?: number }`. Unknown keys are ignored.
    #[wasm_bindgen(constructor)]
    pub fn new(options: JsValue) -> Result<Playground, JsError> {
        let options: Value = if options.is_undefined() || options.is_null() {
            Value::Null
        } else {
            serde_wasm_bindgen::from_value(options).map_err(|e| JsError::new(&format!("options: {e}")))?
        };
        let era = match options.str_at("era") {
            None => Era::default(),
            Some(text) => Era::parse(text).ok_or_else(|| JsError::new("era: use \"v1alpha5\" or \"v1\""))?,
        };
        let seed = match options.at("seed") {
            Value::Null => LAB_SEED,
            value => whole(value).ok_or_else(|| JsError::new("seed: a whole number from 0"))?,
        };
        let session = Session::new(Scenario::lab(era, seed)).map_err(|e| JsError::new(&e.message))?;
        let mut shell = Shell::new(Options::script());
        shell.attach(Extras::all());
        // Descriptions are half a megabyte, which this package does not bring.
        shell.set_docs(Rc::default());
        Ok(Playground { session, shell })
    }

    /// Runs a line, or several, to the end in simulated time: `{ exitCode, stdout, stderr, simMs }`.
    pub fn exec(&mut self, line: &str) -> Result<JsValue, JsError> {
        let before = self.session.now();
        self.session.begin_line();
        let mut job = match self.shell.start(line, &mut self.session) {
            Start::Job(job) => job,
            Start::NeedsMore => return Err(JsError::new("the command is unfinished: a quote, heredoc or pipe is open")),
        };
        let limit = before + MAX_COMMAND_MS;
        let exit = loop {
            match self.shell.poll(&mut job, &mut self.session) {
                Poll::Done { exit } => break exit,
                Poll::Running { .. } if self.session.now() >= limit => job.interrupt(),
                Poll::Running { wake } => {
                    let next = [wake, self.session.next_wake()].into_iter().flatten().filter(|t| *t > self.session.now()).min();
                    self.session.advance_to(next.unwrap_or(limit).min(limit));
                }
            }
        };
        let (mut stdout, mut stderr) = (String::new(), String::new());
        for chunk in job.take_output() {
            match chunk.stream {
                Stream::Stdout => stdout.push_str(&chunk.text),
                Stream::Stderr => stderr.push_str(&chunk.text),
                Stream::Hint => {}
            }
        }
        let took = self.session.now().since(before);
        give(&json!({ "exitCode": exit, "stdout": stdout, "stderr": stderr, "simMs": took }))
    }

    /// Applies manifests as `kubectl apply -f -` does; the answer is that of `exec`.
    pub fn apply(&mut self, yaml: &str) -> Result<JsValue, JsError> {
        let mut end = "EOF".to_owned();
        while yaml.lines().any(|l| l == end) {
            end.push('_');
        }
        self.exec(&format!("kubectl apply -f - <<'{end}'\n{}\n{end}", yaml.trim_end()))
    }

    /// Lets simulated time pass; gives the milliseconds since the session began.
    pub fn advance(&mut self, ms: f64) -> Result<f64, JsError> {
        if !(0.0..=MAX_ADVANCE_MS).contains(&ms) {
            return Err(JsError::new("advance: milliseconds from 0 to 86400000"));
        }
        self.session.advance_to(self.session.now() + ms as u64);
        Ok(self.elapsed())
    }

    /// A view model as a plain object: `nodes`, `map`, `cost`, `logs`, `events`, `why`, `overview`.
    pub fn view(&self, name: &str) -> Result<JsValue, JsError> {
        match models::of(&self.session.snapshot(), name) {
            Some(model) => give(&model),
            None => Err(JsError::new(&format!("view: unknown name \"{name}\"; use one of {}", models::NAMES.join(", ")))),
        }
    }

    /// The session as a record that replays to the same state.
    pub fn share(&self) -> Result<JsValue, JsError> {
        let record = self.session.share(None).map_err(|e| JsError::new(&e.message))?;
        give(&record)
    }

    /// Milliseconds since the session began.
    pub fn elapsed(&self) -> f64 {
        let SimTime(ms) = SimTime(self.session.now().since(self.session.start()));
        ms as f64
    }
}

/// JavaScript has one kind of number; a whole one may arrive as a float.
fn whole(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_f64().filter(|f| f.fract() == 0.0 && (0.0..9e15).contains(f)).map(|f| f as u64))
}

/// Maps as objects, absent as null: what JSON would give.
fn give(value: &Value) -> Result<JsValue, JsError> {
    let serializer = serde_wasm_bindgen::Serializer::json_compatible();
    value.serialize(&serializer).map_err(|e| JsError::new(&e.to_string()))
}
