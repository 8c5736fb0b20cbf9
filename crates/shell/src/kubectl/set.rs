//! kubectl set image, resources and env.

use super::apply::report;
use super::change::{each, merge};
use super::get::{Filter, find};
use super::output::Output;
use super::resolve::resolve;
use super::{Call, Fail, Next, era, snapshot};
use crate::run::{Ctx, Io};
use objects::{DocExt, Object, Value, json};

pub const WORDS: &[&str] = &["env", "image", "resources"];

pub fn run(call: &mut Call, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    if call.args.is_empty() {
        io.out(&super::help::command(&call.command));
        return Ok(Next::Done(0));
    }
    let word = call.args.remove(0);
    if !WORDS.contains(&word.as_str()) {
        return Err(Fail::error(format!("unknown command \"{word}\" for \"kubectl set\"")));
    }
    let dry = call.dry_run()?;
    let output = Output::parse(call.flags.text("output"), false, era(ctx))?;
    let at = call.args.iter().position(|a| a.contains('=') || (word == "env" && a.ends_with('-'))).unwrap_or(call.args.len());
    let changes = call.args.split_off(at);
    if call.args.is_empty() {
        return Err(Fail::error("one or more resources must be specified as <resource> <name> or <resource>/<name>"));
    }
    let asked = resolve(&call.args, era(ctx))?;
    let found = find(&asked, &Filter::read(call, ctx)?, &snapshot(ctx));
    Ok(each(&found, io, ctx, &mut |object, io, ctx| {
        let changed = match word.as_str() {
            "image" => image(object, &changes),
            "resources" => resources(call, object),
            _ => env(call, object, &changes),
        };
        // Where nothing changes kubectl says nothing.
        if let Some((containers, did)) = changed? {
            let patch = json!({"spec": {"template": {"spec": {"containers": containers}}}});
            let after = merge(object, patch, dry, io, ctx)?;
            report(&output, object.kind, &object.meta.name, did, dry, after, io);
        }
        Ok(())
    }))
}

type Changed = Result<Option<(Vec<Value>, &'static str)>, Fail>;

fn changed(object: &Object, new: Vec<Value>, did: &'static str) -> Changed {
    Ok((object.doc.list_at("spec.template.spec.containers") != new.as_slice()).then_some((new, did)))
}

fn image(object: &Object, changes: &[String]) -> Changed {
    if changes.is_empty() {
        return Err(Fail::error("at least one image update is required"));
    }
    let mut containers = object.doc.list_at("spec.template.spec.containers").to_vec();
    for change in changes {
        let (name, image) = change.split_once('=').unwrap_or((change, ""));
        let mut hit = false;
        for c in containers.iter_mut().filter(|c| name == "*" || c.str_at("name") == Some(name)) {
            c.set("image", image);
            hit = true;
        }
        if !hit {
            return Err(Fail::error(format!("unable to find container named \"{name}\"")));
        }
    }
    changed(object, containers, "image updated")
}

fn resources(call: &Call, object: &Object) -> Changed {
    if !call.flags.given("requests") && !call.flags.given("limits") {
        return Err(Fail::error("you must specify an update to requests or limits (in the form of --requests/--limits)"));
    }
    let wanted = call.flags.text("containers").unwrap_or("*");
    let mut containers = object.doc.list_at("spec.template.spec.containers").to_vec();
    for c in containers.iter_mut().filter(|c| wanted == "*" || c.str_at("name") == Some(wanted)) {
        for field in ["requests", "limits"] {
            for pair in call.flags.text(field).unwrap_or_default().split(',').filter(|p| !p.is_empty()) {
                let (name, amount) = pair
                    .split_once('=')
                    .ok_or_else(|| Fail::error(format!("invalid argument syntax {pair}, expected <resource>=<value>")))?;
                if objects::quantity::Quantity::parse(amount).is_err() {
                    return Err(Fail::error(
                        "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
                    ));
                }
                let slot = c.slot("resources");
                slot.set(&format!("{field}.{name}"), amount);
            }
        }
    }
    changed(object, containers, "resource requirements updated")
}

fn env(call: &Call, object: &Object, changes: &[String]) -> Changed {
    let mut pairs: Vec<String> = changes.to_vec();
    pairs.extend(call.flags.list("env").iter().cloned());
    let mut containers = object.doc.list_at("spec.template.spec.containers").to_vec();
    let wanted = call.flags.text("containers").unwrap_or("*");
    for c in containers.iter_mut().filter(|c| wanted == "*" || c.str_at("name") == Some(wanted)) {
        let mut list = c.list_at("env").to_vec();
        for pair in &pairs {
            let (name, value) = pair.split_once('=').map_or((pair.trim_end_matches('-'), None), |(n, v)| (n, Some(v)));
            list.retain(|e| e.str_at("name") != Some(name));
            if let Some(value) = value {
                list.push(json!({"name": name, "value": value}));
            }
        }
        if list.is_empty() { c.remove_at("env") } else { c.set("env", Value::Array(list)) }
    }
    changed(object, containers, "env updated")
}
