//! kubectl label and annotate.
//! Source: k8s.io/kubectl/pkg/cmd/{label/label,annotate/annotate}.go, v0.28.

use super::apply::{report, report_apart};
use super::change::{each, merge, resource_version};
use super::get::{Filter, find};
use super::output::Output;
use super::resolve::resolve;
use super::{Call, DryRun, Fail, Next, api, snapshot};
use super::{local, manifest};
use crate::run::{Ctx, Io};
use objects::collections::VecMap;
use objects::{DocExt, Object, Value, json};
use std::sync::Arc;

struct Words {
    local: local::Words,
    field: &'static str,
    noun: &'static str,
    done: &'static str,
    undone: &'static str,
    not_done: &'static str,
}

const LABEL: Words =
    Words { local: local::LABEL, field: "labels", noun: "label", done: "labeled", undone: "unlabeled", not_done: "not labeled" };
const ANNOTATE: Words = Words {
    local: local::ANNOTATE,
    field: "annotations",
    noun: "annotation",
    done: "annotated",
    undone: "annotated",
    not_done: "annotated",
};

const MANY: &str = "--resource-version may only be used with a single resource";

pub fn label(call: &mut Call, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    run(call, io, ctx, &LABEL)
}

pub fn annotate(call: &mut Call, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    run(call, io, ctx, &ANNOTATE)
}

/// Operands up to the first `key=value` or `key-` name resources, the rest are changes.
fn split(args: &[String]) -> (Vec<String>, Vec<String>) {
    let is_change = |a: &String| a.contains('=') || (a.ends_with('-') && a.len() > 1);
    let at = args.iter().enumerate().find(|(i, a)| *i > 0 && is_change(a)).map_or(args.len(), |(i, _)| i);
    let (resources, changes) = args.split_at_checked(at).unwrap_or((args, &[]));
    (resources.to_vec(), changes.to_vec())
}

fn run(call: &mut Call, io: &mut Io<'_>, ctx: &mut Ctx<'_>, words: &Words) -> Result<Next, Fail> {
    let dry = call.dry_run()?;
    let output = Output::parse(call.flags.text("output"), false, super::client(ctx))?;
    let local = local::found(call, words.local, dry, ctx)?;
    let named = manifest::named(call, ctx)?;
    let (resources, changes) = if named.is_some() { (Vec::new(), call.args.clone()) } else { split(&call.args) };
    let asked = match named {
        Some(asked) => asked,
        None if resources.is_empty() => return Err(Fail::no_name()),
        None => resolve(&resources, api(ctx))?,
    };
    let list = call.flags.on("list");
    if changes.is_empty() && !list {
        return Err(Fail::error(format!("at least one {} update is required", words.noun)));
    }
    let by_list = call.flags.on("all") || call.flags.given("selector") || call.flags.given("field-selector");
    if !asked.named() && !by_list {
        return Err(Fail::no_name());
    }
    let mut set: VecMap<String, String> = VecMap::new();
    let mut removed: Vec<String> = Vec::new();
    for change in &changes {
        match change.split_once('=') {
            Some((_, value)) if words.field == "labels" && value.contains('=') => {
                return Err(Fail::error(format!("invalid label spec: {change}")));
            }
            None if !change.ends_with('-') => {
                return Err(Fail::error(match words.field {
                    "labels" => format!("unknown label spec: {change}"),
                    _ => format!("unexpected annotation spec: {change}"),
                }));
            }
            Some((key, value)) => {
                if set.insert(key.to_owned(), value.to_owned()).is_some() {
                    return Err(Fail::error(format!("can not both modify and remove a {} in the same command", words.noun)));
                }
            }
            None => removed.push(change.trim_end_matches('-').to_owned()),
        }
    }
    let both: Vec<&str> = removed.iter().filter(|k| set.contains_key(*k)).map(String::as_str).collect();
    if !both.is_empty() {
        return Err(Fail::error(match words.field {
            "labels" => "can not both modify and remove a label in the same command".to_owned(),
            _ => format!("can not both modify and remove the following annotation(s) in the same command: {}", both.join(", ")),
        }));
    }
    let is_local = local.is_some();
    let found = match local {
        Some(found) => found,
        None => find(&asked, &Filter::read(call, ctx)?, &snapshot(ctx)),
    };
    let version = resource_version(call, &found, MANY)?;
    if version.is_some() && by_list {
        return Err(Fail::error(MANY));
    }
    Ok(each(&found, io, ctx, &mut |object, io, ctx| {
        if list && changes.is_empty() {
            for (key, value) in current(object, words) {
                io.out(&format!("{key}={value}\n"));
            }
            return Ok(());
        }
        let change = (&set, removed.as_slice(), version.as_deref());
        let written = if is_local { DryRun::Client } else { dry };
        let (did, after) = change_one(call, object, change, words, written, io, ctx)?;
        // annotate has one printer for all, label one for each.
        let tell = if words.field == "labels" { report } else { report_apart };
        tell(&output, object.kind, &object.meta.name, did, dry, after, io);
        Ok(())
    }))
}

fn current<'a>(object: &'a Object, words: &Words) -> &'a VecMap<String, String> {
    if words.field == "labels" { &object.meta.labels } else { &object.meta.annotations }
}

fn change_one(
    call: &Call,
    object: &Arc<Object>,
    (set, removed, version): (&VecMap<String, String>, &[String], Option<&str>),
    words: &Words,
    dry: DryRun,
    io: &mut Io<'_>,
    ctx: &mut Ctx<'_>,
) -> Result<(&'static str, Option<Arc<Object>>), Fail> {
    let now = current(object, words);
    if !call.flags.on("overwrite") {
        // A change cause may always be overwritten.
        let clashes = set.iter().filter_map(|(key, value)| Some((key, now.get(key).filter(|old| *old != value)?)));
        let clashes = clashes.filter(|(key, _)| *key != "kubernetes.io/change-cause");
        let told: Vec<String> = clashes.map(|(key, old)| format!("'{key}' already has a value ({old})")).collect();
        if !told.is_empty() {
            return Err(Fail::error(match (words.field, told.as_slice()) {
                ("labels", [one]) => format!("{one}, and --overwrite is false"),
                ("labels", many) => format!("[{}, and --overwrite is false]", many.join(", and --overwrite is false, ")),
                _ => format!("--overwrite is false but found the following declared annotation(s): {}", told.join("; ")),
            }));
        }
    }
    let mut patch = serde_json::Map::new();
    for (key, value) in set {
        patch.insert(key.clone(), Value::String(value.clone()));
    }
    for key in removed {
        if words.field == "labels" && !now.contains_key(key) {
            io.out(&format!("label \"{key}\" not found.\n"));
        }
        patch.insert(key.clone(), Value::Null);
    }
    // kubectl compares the maps before and after: equal ones are `not labeled`, unless something was to be removed.
    let same = set.iter().all(|(k, v)| now.get(k) == Some(v)) && removed.is_empty();
    let shrinks = removed.iter().any(|k| now.contains_key(k)) && set.iter().all(|(k, v)| now.get(k) == Some(v));
    let mut after = Some(object.clone());
    if !same || version.is_some() {
        let mut change = json!({"metadata": {(words.field): patch}});
        if let Some(version) = version {
            change.set("metadata.resourceVersion", version);
        }
        after = merge(object, change, dry, io, ctx)?;
    }
    let did = if same {
        words.not_done
    } else if shrinks {
        words.undone
    } else {
        words.done
    };
    Ok((did, after))
}
