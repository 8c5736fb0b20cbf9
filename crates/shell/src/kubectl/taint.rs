//! kubectl taint. Source: k8s.io/kubectl/pkg/cmd/taint/{taint,utils}.go, v0.28.

use super::apply::report;
use super::change::{each, merge};
use super::get::{Filter, find};
use super::output::Output;
use super::resolve::resolve;
use super::{Call, Fail, Next, api, snapshot};
use crate::run::{Ctx, Io};
use objects::typed::Taint;
use objects::{DocExt, Kind, Value, json};

const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

#[derive(Debug, Default)]
struct Changes {
    add: Vec<Taint>,
    /// Key and effect; an empty effect removes every one of the key.
    remove: Vec<(String, String)>,
}

fn read(specs: &[String]) -> Result<Changes, Fail> {
    let mut changes = Changes::default();
    for spec in specs {
        let removing = spec.ends_with('-');
        let body = spec.trim_end_matches('-');
        let (pair, effect) = body.split_once(':').map_or((body, ""), |(p, e)| (p, e));
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        if effect.is_empty() && !removing {
            return Err(Fail::usage("taint", format!("invalid taint spec: {spec}")));
        }
        if !effect.is_empty() && !EFFECTS.contains(&effect) {
            return Err(Fail::usage("taint", format!("invalid taint effect: {effect}, unsupported taint effect")));
        }
        if removing {
            changes.remove.push((key.to_owned(), effect.to_owned()));
        } else {
            changes.add.push(Taint::new(key, value, effect));
        }
    }
    let both: Vec<String> = changes
        .add
        .iter()
        .filter(|a| changes.remove.iter().any(|(k, e)| *k == a.key && (e.is_empty() || *e == a.effect)))
        .map(|a| a.key.clone())
        .collect();
    if !both.is_empty() {
        let list = both.join(", ");
        return Err(Fail::error(format!("can not both modify and remove the following taint(s) in the same command: {list}")));
    }
    Ok(changes)
}

pub fn run(call: &mut Call, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    let dry = call.dry_run()?;
    let output = Output::parse(call.flags.text("output"), false, super::client(ctx))?;
    let is_spec = |a: &String| a.contains('=') || a.contains(':') || a.ends_with('-');
    let at = call.args.iter().enumerate().find(|(i, a)| *i > 0 && is_spec(a)).map_or(call.args.len(), |(i, _)| i);
    let (resources, specs) = call.args.split_at_checked(at).unwrap_or((&call.args, &[]));
    if resources.is_empty() {
        return Err(Fail::error("one or more resources must be specified as <resource> <name>"));
    }
    if specs.is_empty() {
        return Err(Fail::error("at least one taint update is required"));
    }
    let changes = read(specs)?;
    let asked = resolve(resources, api(ctx))?;
    if asked.asks.iter().any(|a| a.kind != Kind::Node) {
        let other = resources.first().map(String::as_str).unwrap_or_default();
        return Err(Fail::error(format!("invalid resource type {other}, only node types are supported")));
    }
    if !asked.named() && !call.flags.on("all") && !call.flags.given("selector") {
        return Err(Fail::error("at least one resource name must be specified since 'all' parameter is not set"));
    }
    let found = find(&asked, &Filter::read(call, ctx)?, &snapshot(ctx));
    Ok(each(&found, io, ctx, &mut |node, io, ctx| {
        let old: Vec<Value> = node.doc.list_at("spec.taints").to_vec();
        let (taints, did) = change(&old, &changes, call.flags.on("overwrite"), &node.meta.name)?;
        let taints = if taints.is_empty() { Value::Null } else { Value::Array(taints) };
        let after = merge(node, json!({"spec": {"taints": taints}}), dry, io, ctx)?;
        report(&output, Kind::Node, &node.meta.name, did, dry, after, io);
        Ok(())
    }))
}

fn change(old: &[Value], changes: &Changes, overwrite: bool, node: &str) -> Result<(Vec<Value>, &'static str), Fail> {
    let is = |t: &Value, key: &str, effect: &str| {
        t.str_at("key") == Some(key) && (effect.is_empty() || t.str_at("effect") == Some(effect))
    };
    let clash: Vec<&str> =
        changes.add.iter().filter(|a| old.iter().any(|t| is(t, &a.key, &a.effect))).map(|a| a.key.as_str()).collect();
    if !clash.is_empty() && !overwrite {
        return Err(Fail::error(format!(
            "node {node} already has {} taint(s) with same effect(s) and --overwrite is false",
            clash.join(",")
        )));
    }
    for (key, effect) in &changes.remove {
        if !old.iter().any(|t| is(t, key, effect)) {
            let name = if effect.is_empty() { key.clone() } else { format!("{key}:{effect}") };
            return Err(Fail::error(format!("taint \"{name}\" not found")));
        }
    }
    let mut taints: Vec<Value> = changes
        .add
        .iter()
        .map(|t| {
            let mut doc = json!({"key": t.key, "effect": t.effect});
            if !t.value.is_empty() {
                doc.set("value", t.value.as_str());
            }
            doc
        })
        .collect();
    taints.extend(
        old.iter()
            .filter(|t| !changes.add.iter().any(|a| is(t, &a.key, &a.effect)) && !changes.remove.iter().any(|(k, e)| is(t, k, e)))
            .cloned(),
    );
    let did = match (changes.add.is_empty(), changes.remove.is_empty(), overwrite) {
        (true, false, _) => "untainted",
        (false, true, false) => "tainted",
        _ => "modified",
    };
    Ok((taints, did))
}
