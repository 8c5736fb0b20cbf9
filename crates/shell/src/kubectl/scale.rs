//! kubectl scale.

use super::apply::report;
use super::get::{Filter, find};
use super::manifest;
use super::output::Output;
use super::resolve::resolve;
use super::{Call, DryRun, Fail, Next, api_text, era, send, snapshot};
use crate::run::{Ctx, Io};
use engine::session::Request;
use objects::{DocExt, Kind};

pub fn run(call: &mut Call, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    if !call.flags.given("replicas") {
        return Err(Fail::error("required flag(s) \"replicas\" not set"));
    }
    let replicas = call.flags.int("replicas").unwrap_or(-1);
    if replicas < 0 {
        return Err(Fail::error("The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0"));
    }
    let dry = call.dry_run()?;
    let output = Output::parse(call.flags.text("output"), false, era(ctx))?;
    let asked = match manifest::named(call, ctx)? {
        Some(asked) => asked,
        None => resolve(&call.args, era(ctx))?,
    };
    let by_list = call.flags.on("all") || call.flags.given("selector");
    if asked.asks.iter().all(|a| a.names.is_empty()) && !by_list {
        return Err(Fail::error("resource(s) were provided, but no name was specified"));
    }
    let found = find(&asked, &Filter::read(call, ctx)?, &snapshot(ctx));
    let mut exit = 0;
    for object in found.objects.iter().flat_map(|(_, o)| o) {
        if !matches!(object.kind, Kind::Deployment | Kind::ReplicaSet | Kind::StatefulSet) {
            io.err("Error from server (NotFound): the server could not find the requested resource\n");
            exit = 1;
            continue;
        }
        let now = object.doc.int_at("spec.replicas").unwrap_or(1);
        if let Some(expected) = call.flags.int("current-replicas").filter(|c| *c >= 0 && *c != now) {
            io.err(&format!("error: Expected replicas to be {expected}, was {now}\n"));
            exit = 1;
            continue;
        }
        if dry != DryRun::Client {
            let request = Request::Scale { key: object.key(), replicas, dry_run: dry.is_dry() };
            if let Err(error) = send(request, io, ctx) {
                io.err(&format!("{}\n", api_text(&error, "")));
                exit = 1;
                continue;
            }
        }
        let after = snapshot(ctx).store.get(&object.key()).cloned();
        report(&output, object.kind, &object.meta.name, "scaled", dry, after, io);
    }
    for error in &found.missing {
        io.err(&format!("{}\n", api_text(error, "")));
        exit = 1;
    }
    Ok(Next::Done(exit))
}
