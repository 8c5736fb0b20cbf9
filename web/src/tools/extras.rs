//! Inside the module that few visits need. What an editor of manifests knows comes when the editor's pane opens,
//! the pen of the charts with the pane of the cost.

#![allow(unsafe_code, reason = "the door between the modules is a function imported from one of them")]

use super::{Change, Checked, Extras, Planned, Watched};
use engine::cluster::Mirror;
use engine::{Session, SimTime, Snapshot};
use lint::{Around, Finding, Range, Spot};
use serde_json::{Value, json};
use view::{Lang, Why};
use wasm_split_helpers::{SplitLoaderError, wasm_split};

#[wasm_split(extras, fallible)]
pub fn extras() -> Result<Extras, SplitLoaderError> {
    Ok(Extras {
        check,
        complete,
        hover,
        changes,
        mend,
        simulated: view::simulated::tables,
        chart: crate::chart::cost,
        why: view::why::rows,
        watched: || Box::new(Mirror::default()),
        read_plan,
        import: shell::import::script,
    })
}

/// Answers with what the session knows at this moment.
fn around<T>(session: &Session, lang: Lang, answer: impl FnOnce(&Around<'_>) -> T) -> T {
    let snapshot = session.snapshot();
    let docs = super::docs_here().unwrap_or_default();
    answer(&Around::session(session, &snapshot, lang).with_docs(&docs))
}

fn spot(s: Spot) -> Value {
    json!({ "line": s.line, "column": s.column })
}

fn range(r: Range) -> Value {
    json!({ "start": spot(r.start), "end": spot(r.end) })
}

fn mark(f: &Finding) -> Value {
    let message = if f.path.is_empty() { f.message.clone() } else { format!("{}: {}", f.path, f.message) };
    let edits = |fix: &lint::Fix| {
        let all = fix.edits.iter().map(|e| json!({ "range": range(e.range), "text": e.text }));
        json!({ "title": fix.title, "edits": all.collect::<Vec<_>>() })
    };
    json!({
        "range": range(f.range),
        "severity": f.severity.token(),
        "message": message,
        "fixes": f.fixes.iter().map(edits).collect::<Vec<_>>(),
    })
}

fn check(text: &str, session: &Session, lang: Lang) -> Checked {
    let findings = around(session, lang, |a| lint::check(text, a));
    let marks = Value::Array(findings.iter().map(mark).collect()).to_string();
    Checked { findings, marks }
}

fn complete(text: &str, line: u32, column: u32, session: &Session, lang: Lang) -> Option<String> {
    let found = around(session, lang, |a| lint::complete(text, Spot::new(line, column), a))?;
    let item = |i: &lint::Item| {
        let kind = match i.kind {
            lint::ItemKind::Field => "field",
            lint::ItemKind::Value => "value",
            lint::ItemKind::Label => "label",
            lint::ItemKind::Name => "name",
        };
        json!({ "label": i.label, "kind": kind, "detail": i.detail, "insert": i.insert })
    };
    let items: Vec<Value> = found.items.iter().map(item).collect();
    Some(json!({ "range": range(found.range), "items": items }).to_string())
}

fn hover(text: &str, line: u32, column: u32, session: &Session, lang: Lang) -> Option<String> {
    let found = around(session, lang, |a| lint::hover(text, Spot::new(line, column), a))?;
    Some(json!({ "range": range(found.range), "title": found.title, "body": found.body }).to_string())
}

fn changes(text: &str, session: &Session, lang: Lang) -> Vec<Change> {
    let one = |d: lint::DocumentChanges| {
        let field = |c: &lint::Change| {
            let side = |sign: &str, value: &Option<Value>| value.as_ref().map(|v| format!("{sign} {}: {v}", c.path));
            [side("-", &c.before), side("+", &c.after)]
        };
        Change {
            effect: d.effect,
            lines: d.changes.iter().flat_map(field).flatten().collect(),
            object: d.object,
            refusal: d.refusal,
        }
    };
    around(session, lang, |a| lint::changes(text, a)).into_iter().map(one).collect()
}

fn mend(text: &str, finding: &Finding, way: usize) -> Option<String> {
    finding.fixes.get(way).map(|fix| lint::apply(text, &fix.edits))
}

impl Watched for Mirror {
    fn hear(&mut self, text: &str) -> Result<(), String> {
        Mirror::hear(self, text)
    }

    fn picture(&self) -> Snapshot {
        self.snapshot()
    }

    fn notes(&self) -> &[String] {
        Mirror::notes(self)
    }
}

/// Reads what `nodewright observe --web` says of a plan.
fn read_plan(text: &str, epoch_ms: i64) -> Option<Planned> {
    let plan: Value = serde_json::from_str(text).ok()?;
    // The plan may be older than the page.
    let at = SimTime(u64::try_from(plan.get("atMs")?.as_i64()?.saturating_sub(epoch_ms)).unwrap_or(0));
    let words = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let list = |v: Option<&Value>| v.and_then(Value::as_array).cloned().unwrap_or_default();
    let row = |v: &Value| {
        let text = |name: &str| v.get(name).map(words).unwrap_or_default();
        let fact = |f: &Value| Some((words(f.get(0)?), words(f.get(1)?)));
        Some(Why {
            at: at + v.get("afterMs")?.as_u64()?,
            token: TOKENS.into_iter().find(|t| *t == text("token"))?,
            sentence: text("sentence"),
            facts: list(v.get("facts")).iter().filter_map(fact).collect(),
            raw: text("raw"),
            nodes: list(v.get("nodes")).iter().map(words).collect(),
        })
    };
    let rows = |lang: Lang| list(plan.get(lang.code())).iter().filter_map(row).collect();
    let notes = list(plan.get("notes")).iter().map(words).collect();
    Some(Planned { ko: rows(Lang::Ko), en: rows(Lang::En), notes })
}

/// Classes of rows of a plan.
const TOKENS: [&str; 5] = ["plan", "launch", "disrupt", "keep", "pending"];
