//! `kubectl get -w`: the list, then a row for every change, as it happens.

use super::columns::Facts;
use super::get::{Filter, Rows};
use super::output::Output;
use super::resolve::Ask;
use super::table::Table;
use crate::run::{Ctx, Io, Program, Step};
use engine::Snapshot;
use engine::session::Seen;
use objects::Object;
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
        };
        let listed = snapshot.store.list(watch.ask.kind).filter(|o| watch.wants(o)).cloned().collect();
        watch.first = list.then_some(listed);
        watch
    }

    fn wants(&self, object: &Object) -> bool {
        self.filter.matches(object) && (self.ask.names.is_empty() || self.ask.names.contains(&object.meta.name))
    }

    fn show(&mut self, objects: &[Arc<Object>], now_ms: i64, io: &mut Io<'_>, ctx: &mut Ctx<'_>) {
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
        io.out(&self.table.print(&cells));
    }
}

impl Program for Watch {
    fn step(&mut self, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Step {
        *ctx.follows = true;
        let snapshot = ctx.session.snapshot();
        if let Some(first) = self.first.take() {
            self.show(&first, snapshot.unix_ms(), io, ctx);
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
                    self.show(std::slice::from_ref(&change.object), at_ms, io, ctx);
                }
            }
        }
        self.revision = snapshot.store.revision();
        Step::Wait(None)
    }
}
