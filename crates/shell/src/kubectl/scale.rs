//! kubectl scale.

use super::apply::report_apart;
use super::change::{each, resource_version, unless_client};
use super::get::{Filter, find};
use super::manifest;
use super::output::Output;
use super::resolve::resolve;
use super::{Call, Fail, Next, api, snapshot};
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
    if call.flags.int("current-replicas").is_some_and(|c| c < -1) {
        return Err(Fail::error("The --current-replicas must specify an integer of -1 or greater"));
    }
    let dry = call.dry_run()?;
    let output = Output::parse(call.flags.text("output"), false, super::client(ctx))?;
    let asked = match manifest::named(call, ctx)? {
        Some(asked) => asked,
        None => resolve(&call.args, api(ctx))?,
    };
    let by_list = call.flags.on("all") || call.flags.given("selector");
    if !asked.named() && !by_list {
        return Err(Fail::no_name());
    }
    let found = find(&asked, &Filter::read(call, ctx)?, &snapshot(ctx));
    let version = resource_version(call, &found, "cannot use --resource-version with multiple resources")?;
    Ok(each(&found, io, ctx, &mut |object, io, ctx| {
        if !matches!(object.kind, Kind::Deployment | Kind::ReplicaSet | Kind::StatefulSet) {
            let text = "Error from server (NotFound): the server could not find the requested resource\n";
            return Err(Fail { text: text.to_owned(), exit: 1 });
        }
        let now = object.doc.int_at("spec.replicas").unwrap_or(1);
        if let Some(expected) = call.flags.int("current-replicas").filter(|c| *c >= 0 && *c != now) {
            return Err(Fail::error(format!("Expected replicas to be {expected}, was {now}")));
        }
        let current = object.meta.resource_version.to_string();
        if let Some(expected) = version.as_ref().filter(|v| **v != current) {
            return Err(Fail::error(format!("Expected resource version to be {expected}, was {current}")));
        }
        let request = Request::Scale { key: object.key(), replicas, dry_run: dry.is_dry() };
        let after = unless_client(object, request, dry, io, ctx)?;
        report_apart(&output, object.kind, &object.meta.name, "scaled", dry, after, io);
        Ok(())
    }))
}
