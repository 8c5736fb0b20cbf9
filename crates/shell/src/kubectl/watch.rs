//! `kubectl get -w`: the list, then a row for every change, as it happens.

use super::columns::Facts;
use super::get::{Filter, Rows};
use super::output::{Output, visible};
use super::resolve::Ask;
use super::table::Table;
use crate::run::{Ctx, Io, Program, Step};
use engine::session::Seen;
use engine::{SimTime, Snapshot};
use objects::{Object, json};
use std::sync::Arc;

#[derive(Debug)]
pub struct Watch {
    ask: Ask,
    filter: Filter,
    rows: Rows,
    output: Output,
    table: Table,
    /// The list to begin with, until it is printed.
    first: Option<Vec<Arc<Object>>>,
    headers: bool,
    revision: u64,
    /// `--output-watch-events`: rows and documents say what happened.
    told: bool,
    /// `--request-timeout`: when the server's answer is cut off.
    until: Option<SimTime>,
}

/// The word for a change, as wide as the widest.
fn word(kind: &str) -> String {
    format!("{kind:<8}")
}

impl Watch {
    pub fn new(ask: Ask, filter: Filter, rows: Rows, output: Output, list: bool, headers: bool, snapshot: &Snapshot) -> Watch {
        let mut watch = Watch {
            ask,
            filter,
            rows,
            output,
            table: Table::default(),
            first: None,
            headers,
            revision: snapshot.store.revision(),
            told: false,
            until: None,
        };
        let listed = snapshot.store.list(watch.ask.kind).filter(|o| watch.wants(o)).cloned().collect();
        watch.first = list.then_some(listed);
        watch
    }

    pub fn telling(mut self, told: bool, until: Option<SimTime>) -> Watch {
        (self.told, self.until) = (told, until);
        self
    }

    fn wants(&self, object: &Object) -> bool {
        self.filter.matches(object) && (self.ask.names.is_empty() || self.ask.names.contains(&object.meta.name))
    }

    fn show(&mut self, what: &str, objects: &[Arc<Object>], now_ms: i64, io: &mut Io<'_>, ctx: &mut Ctx<'_>) {
        if objects.is_empty() {
            return;
        }
        ctx.seen.push(Seen::Listed {
            kind: self.ask.kind,
            names: objects.iter().map(|o| o.meta.name.clone()).collect(),
            selector: String::new(),
            labels: self.rows.label_columns.clone(),
        });
        if !matches!(self.output, Output::Table { .. }) {
            for object in objects {
                if self.told && matches!(self.output, Output::Yaml | Output::Json) {
                    let event = json!({"type": what, "object": visible(&object.doc)});
                    let text = self.output.document(&event);
                    io.out(&if self.output == Output::Yaml { format!("---\n{text}") } else { text });
                    continue;
                }
                let text = self.output.print(std::slice::from_ref(object), false, !std::mem::take(&mut self.headers));
                io.out(&if self.output == Output::Yaml { format!("---\n{text}") } else { text });
            }
            return;
        }
        let facts = Facts { now_ms, era: super::era(ctx) };
        let mut cells = Vec::new();
        if std::mem::take(&mut self.headers) {
            cells.push(self.rows.headers(self.ask.kind, &facts));
        }
        cells.extend(objects.iter().map(|o| self.rows.cells(o, &facts)));
        if self.told {
            let headers = cells.len() - objects.len();
            for (i, row) in cells.iter_mut().enumerate() {
                row.insert(0, if i < headers { "EVENT".to_owned() } else { word(what) });
            }
        }
        io.out(&self.table.print(&cells));
    }
}

impl Program for Watch {
    fn step(&mut self, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Step {
        *ctx.follows = true;
        let snapshot = ctx.session.snapshot();
        if let Some(first) = self.first.take() {
            self.show("ADDED", &first, snapshot.unix_ms(), io, ctx);
        }
        // After undo or reset the revisions start over; so does the watch.
        if snapshot.store.revision() < self.revision {
            self.revision = snapshot.store.revision();
        }
        if let Some(changes) = snapshot.store.changes_since(self.revision) {
            let changes: Vec<_> = changes.filter(|c| c.kind() == self.ask.kind).cloned().collect();
            for change in changes {
                let before = change.old.as_ref().is_some_and(|o| self.wants(o));
                if self.wants(&change.object) || before {
                    let at_ms = snapshot.epoch_ms.saturating_add_unsigned(change.at.0);
                    // What comes to match is added, what no longer does is deleted, whatever became of the object.
                    let what = match (before, self.wants(&change.object) && change.op != engine::Op::Deleted) {
                        (false, _) => "ADDED",
                        (true, true) => "MODIFIED",
                        (true, false) => "DELETED",
                    };
                    self.show(what, std::slice::from_ref(&change.object), at_ms, io, ctx);
                }
            }
        }
        self.revision = snapshot.store.revision();
        match self.until {
            Some(until) if ctx.now() >= until => Step::Done(0),
            until => Step::Wait(until),
        }
    }
}
