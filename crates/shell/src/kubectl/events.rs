//! kubectl events: like `get events`, in the order of time. Source: k8s.io/kubectl/pkg/cmd/events, v0.35.4.

use super::output::Output;
use super::table::Table;
use super::{Call, Fail, Next, age, api, resolve, snapshot};
use crate::run::{Ctx, Io, Program, Step};
use objects::collections::Order as _;
use objects::{DocExt, Kind, Object, Value};
use std::sync::Arc;

#[derive(Clone, Debug)]
struct Wanted {
    namespace: Option<String>,
    about: Option<(Kind, String)>,
    types: Vec<String>,
}

impl Wanted {
    fn matches(&self, e: &Object) -> bool {
        self.namespace.as_ref().is_none_or(|n| *n == e.meta.namespace)
            && self.about.as_ref().is_none_or(|(kind, name)| {
                e.doc.str_at("involvedObject.kind") == Some(kind.name())
                    && e.doc.str_at("involvedObject.apiVersion").is_some_and(|v| v == kind.api_version())
                    && e.doc.str_at("involvedObject.name") == Some(name.as_str())
            })
            && (self.types.is_empty()
                || self.types.iter().any(|t| e.doc.str_at("type").is_some_and(|k| k.eq_ignore_ascii_case(t))))
    }
}

/// `7m` or, counted, `7m (x2 over 8m)`.
pub fn last_seen(e: &Value, now_ms: i64) -> String {
    let since = |at| age::since(at, now_ms);
    let first = since(e.str_at("eventTime").or_else(|| e.str_at("firstTimestamp")));
    match (e.int_at("series.count"), e.int_at("count")) {
        (Some(count), _) => format!("{} (x{count} over {first})", since(e.str_at("series.lastObservedTime"))),
        (None, Some(count)) if count > 1 => format!("{} (x{count} over {first})", since(e.str_at("lastTimestamp"))),
        _ => first,
    }
}

fn row(e: &Object, now_ms: i64, with_namespace: bool) -> Vec<String> {
    let field = |p: &str| e.doc.str_at(p).unwrap_or_default().to_owned();
    let mut cells = if with_namespace { vec![e.meta.namespace.clone()] } else { Vec::new() };
    cells.extend([
        last_seen(&e.doc, now_ms),
        field("type"),
        field("reason"),
        format!("{}/{}", field("involvedObject.kind"), field("involvedObject.name")),
        field("message").trim().to_owned(),
    ]);
    cells
}

pub fn run(call: &mut Call, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    let output = Output::of(call, false, super::client(ctx), ctx)?;
    let about = match call.flags.text("for") {
        None => None,
        Some(text) => {
            let (kind, name) = text.split_once('/').ok_or_else(|| Fail::error("--for must be in resource/name form"))?;
            Some((resolve::kind(kind, api(ctx))?, name.to_owned()))
        }
    };
    for t in call.flags.list("types") {
        if !t.eq_ignore_ascii_case("normal") && !t.eq_ignore_ascii_case("warning") {
            return Err(Fail::error("valid --types are Normal or Warning"));
        }
    }
    let all = call.all_namespaces();
    let wanted =
        Wanted { namespace: (!all).then(|| call.namespace(ctx).to_owned()), about, types: call.flags.list("types").to_vec() };
    let snapshot = snapshot(ctx);
    let now_ms = snapshot.unix_ms();
    let mut events: Vec<Arc<Object>> = snapshot.store.list(Kind::Event).filter(|e| wanted.matches(e)).cloned().collect();
    let stamp = |e: &Object| {
        let at = |p| e.doc.str_at(p);
        at("series.lastObservedTime").or(at("lastTimestamp")).or(at("eventTime")).and_then(objects::time::parse_rfc3339)
    };
    events.order_by_key(|e| (stamp(e), e.meta.resource_version));
    if !matches!(output, Output::Table { .. }) {
        io.out(&output.print(&events, true, false));
        return Ok(Next::Done(0));
    }
    let watch = call.flags.on("watch");
    let mut table = Table::default();
    if events.is_empty() && !watch {
        io.err(&match &wanted.namespace {
            Some(namespace) => format!("No events found in {namespace} namespace.\n"),
            None => "No events found.\n".to_owned(),
        });
        return Ok(Next::Done(0));
    }
    let mut rows = Vec::new();
    if !call.flags.on("no-headers") {
        let mut headers = if all { vec!["NAMESPACE".to_owned()] } else { Vec::new() };
        headers.extend(super::table::row(["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]));
        rows.push(headers);
    }
    rows.extend(events.iter().map(|e| row(e, now_ms, all)));
    io.out(&table.print(&rows));
    if !watch {
        return Ok(Next::Done(0));
    }
    Ok(Next::Go(Box::new(Watch { wanted, table, all, revision: snapshot.store.revision() })))
}

#[derive(Debug)]
struct Watch {
    wanted: Wanted,
    table: Table,
    all: bool,
    revision: u64,
}

impl Program for Watch {
    fn step(&mut self, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Step {
        *ctx.follows = true;
        let snapshot = ctx.session.snapshot();
        self.revision = self.revision.min(snapshot.store.revision());
        if let Some(changes) = snapshot.store.changes_since(self.revision) {
            for change in changes.filter(|c| c.kind() == Kind::Event && c.op != engine::Op::Deleted) {
                if self.wanted.matches(&change.object) {
                    let now_ms = snapshot.epoch_ms.saturating_add_unsigned(change.at.0);
                    io.out(&self.table.print(&[row(&change.object, now_ms, self.all)]));
                }
            }
        }
        self.revision = snapshot.store.revision();
        Step::Wait(None)
    }
}
