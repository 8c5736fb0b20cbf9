//! kubectl set image, resources, env, serviceaccount and selector.
//! Source: k8s.io/kubectl/pkg/cmd/set/set_*.go, v0.35.

use super::apply::report_apart;
use super::change::{each, merge};
use super::get::{Filter, find};
use super::output::Output;
use super::resolve::resolve;
use super::{Call, DryRun, Fail, Next, api, snapshot};
use super::{local, manifest};
use crate::run::{Ctx, Io};
use objects::{DocExt, Kind, Object, Value, json};

pub const WORDS: &[&str] = &["env", "image", "resources", "selector", "serviceaccount"];

/// What becomes of an object: the merge patch and how the result is told. `None` where nothing changes, of which kubectl
/// says nothing.
type Changed = Result<Option<(Value, &'static str)>, Fail>;

pub fn run(call: &mut Call, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    if call.args.is_empty() {
        io.out(&super::help::command(&call.command));
        return Ok(Next::Done(0));
    }
    let word = match call.args.remove(0).as_str() {
        "sa" => "serviceaccount".to_owned(),
        word => word.to_owned(),
    };
    if !WORDS.contains(&word.as_str()) {
        return Err(Fail::error(format!("unknown command \"{word}\" for \"kubectl set\"")));
    }
    let dry = call.dry_run()?;
    let output = Output::parse(call.flags.text("output"), false, super::client(ctx))?;
    let local = local::found(call, local::SET, dry, ctx)?;
    let named = manifest::named(call, ctx)?;
    let changes = changes(&word, call)?;
    if call.flags.on("all") && call.flags.given("selector") {
        return Err(Fail::error("cannot set --all and --selector at the same time"));
    }
    let list = word == "env" && call.flags.on("list");
    if call.args.is_empty() && named.is_none() {
        return Err(Fail::error("one or more resources must be specified as <resource> <name> or <resource>/<name>"));
    }
    match word.as_str() {
        "image" if changes.is_empty() => return Err(Fail::error("at least one image update is required")),
        "image" if changes.len() > 1 && changes.iter().any(|c| c.starts_with("*=")) => {
            return Err(Fail::error(
                "all containers are already specified by *, but saw more than one container_name=container_image pairs",
            ));
        }
        "resources" if !call.flags.given("requests") && !call.flags.given("limits") => {
            return Err(Fail::error("you must specify an update to requests or limits (in the form of --requests/--limits)"));
        }
        "env" if changes.is_empty() && call.flags.list("env").is_empty() && !list => {
            return Err(Fail::error("at least one environment variable must be provided"));
        }
        _ => {}
    }
    let asked = match named {
        Some(asked) => asked,
        None => resolve(&call.args, api(ctx))?,
    };
    let by_list = call.flags.on("all") || call.flags.given("selector");
    if !asked.named() && !by_list {
        return Err(Fail::no_name());
    }
    let is_local = local.is_some();
    let found = match local {
        Some(found) => found,
        None => find(&asked, &Filter::read(call, ctx)?, &snapshot(ctx)),
    };
    Ok(each(&found, io, ctx, &mut |object, io, ctx| {
        if is_local {
            local::check_known(object, call)?;
        }
        if list {
            list_env(object, io);
            return Ok(());
        }
        let changed = match word.as_str() {
            "image" => image(object, &changes),
            "resources" => resources(call, object),
            "env" => env(call, object, &changes),
            "serviceaccount" => service_account(object, &changes, is_local),
            _ => selector(object, &changes),
        };
        if let Some((patch, did)) = changed? {
            let written = if is_local { DryRun::Client } else { dry };
            let after = merge(object, patch, written, io, ctx)?;
            let after = if is_local { after.map(|o| local::as_typed(&o)) } else { after };
            report_apart(&output, object.kind, &object.meta.name, did, dry, after, io);
        }
        Ok(())
    }))
}

/// Splits off the operands that say what to set.
fn changes(word: &str, call: &mut Call) -> Result<Vec<String>, Fail> {
    let from_files = !call.flags.list("filename").is_empty() || call.built.is_some();
    match word {
        "serviceaccount" | "selector" => {
            if call.args.len() < 2 && !(from_files && call.args.len() == 1) {
                let one = if word == "selector" { "one selector" } else { word };
                return Err(Fail::error(format!("{one} is required")));
            }
            Ok(call.args.split_off(call.args.len() - 1))
        }
        _ => {
            let is = |a: &String| a.contains('=') || (word == "env" && a.ends_with('-') && a.len() > 1);
            let at = call.args.iter().position(is).unwrap_or(call.args.len());
            let changes = call.args.split_off(at);
            if let Some(late) = changes.iter().find(|c| !is(c)) {
                return Err(Fail::error(match word {
                    "env" => format!("all resources must be specified before environment changes: {late}"),
                    _ => format!("all resources must be specified before image changes: {late}"),
                }));
            }
            Ok(changes)
        }
    }
}

/// Where an object keeps its pods' spec.
fn pod_spec(object: &Object) -> Result<&'static str, Fail> {
    let (kind, info) = (object.kind, object.kind.info());
    // What no server gave a uid stands in a file only: kubectl has to guess what it is called.
    let resource = if object.meta.uid.is_empty() { kind.name().to_lowercase() } else { info.plural.to_owned() };
    let ty = if kind.is_crd() { "*unstructured.Unstructured".to_owned() } else { format!("*{}.{}", info.version, kind.name()) };
    match object.kind {
        Kind::Pod => Ok("spec"),
        Kind::CronJob => Ok("spec.jobTemplate.spec.template.spec"),
        Kind::Deployment | Kind::ReplicaSet | Kind::StatefulSet | Kind::DaemonSet | Kind::Job => Ok("spec.template.spec"),
        _ => Err(Fail::error(format!(
            "{resource}/{} the object is not a pod or does not have a pod template: {ty}",
            object.meta.name
        ))),
    }
}

/// A merge patch with `value` at `path`.
fn at(path: &str, value: Value) -> Value {
    let mut patch = json!({});
    patch.set(path, value);
    patch
}

fn containers(object: &Object, change: impl Fn(&mut Value) -> Result<bool, Fail>, did: &'static str) -> Changed {
    let spec = pod_spec(object)?;
    let old = object.doc.at(spec);
    let mut patch = json!({});
    for list in ["initContainers", "containers"] {
        let mut items = old.list_at(list).to_vec();
        let mut any = false;
        for item in &mut items {
            any |= change(item)?;
        }
        if any && items.as_slice() != old.list_at(list) {
            patch.set(&format!("{spec}.{list}"), Value::Array(items));
        }
    }
    Ok((patch != json!({})).then_some((patch, did)))
}

fn image(object: &Object, changes: &[String]) -> Changed {
    let spec = object.doc.at(pod_spec(object)?);
    let names: Vec<&str> =
        ["containers", "initContainers"].iter().flat_map(|l| spec.list_at(l)).filter_map(|c| c.str_at("name")).collect();
    for change in changes {
        let name = change.split('=').next().unwrap_or_default();
        if name != "*" && !names.contains(&name) {
            return Err(Fail::error(format!("unable to find container named \"{name}\"")));
        }
    }
    let set = |c: &mut Value| {
        let name = c.str_at("name").unwrap_or_default().to_owned();
        let mut any = false;
        for (of, image) in changes.iter().filter_map(|c| c.split_once('=')) {
            if of == "*" || of == name {
                c.set("image", image);
                any = true;
            }
        }
        Ok(any)
    };
    containers(object, set, "image updated")
}

/// Whether `--containers` (a name, `*`, or a pattern with `*`) means this container.
fn is_meant(call: &Call, c: &Value) -> bool {
    let wanted = call.flags.text("containers").unwrap_or("*");
    let name = c.str_at("name").unwrap_or_default();
    match wanted.split_once('*') {
        Some((head, tail)) => name.len() >= head.len() + tail.len() && name.starts_with(head) && name.ends_with(tail),
        None => name == wanted,
    }
}

fn resources(call: &Call, object: &Object) -> Changed {
    let spec = object.doc.at(pod_spec(object)?);
    if !spec.list_at("containers").iter().any(|c| is_meant(call, c)) {
        let wanted = call.flags.text("containers").unwrap_or("*");
        return Err(Fail::error(format!("unable to find container named {wanted}")));
    }
    let set = |c: &mut Value| {
        if !is_meant(call, c) {
            return Ok(false);
        }
        for field in ["requests", "limits"] {
            for pair in call.flags.text(field).unwrap_or_default().split(',').filter(|p| !p.is_empty()) {
                let (name, amount) = pair
                    .split_once('=')
                    .ok_or_else(|| Fail::error(format!("invalid argument syntax {pair}, expected <resource>=<value>")))?;
                let quantity = objects::quantity::Quantity::parse(amount).map_err(|why| Fail::error(why.to_string()))?;
                if !c.at("resources").at(field).is_object() {
                    c.set(&format!("resources.{field}"), json!({}));
                }
                if let Value::Object(map) = c.slot(&format!("resources.{field}")) {
                    map.insert(name.to_owned(), quantity.to_string().into());
                }
            }
        }
        Ok(true)
    };
    containers(object, set, "resource requirements updated")
}

fn env(call: &Call, object: &Object, changes: &[String]) -> Changed {
    let mut pairs: Vec<String> = changes.to_vec();
    pairs.extend(call.flags.list("env").iter().cloned());
    if let Some(bad) = pairs.iter().find(|p| !p.contains('=') && !p.ends_with('-')) {
        return Err(Fail::error(format!("unknown environment variable spec: {bad}")));
    }
    let set = |c: &mut Value| {
        if !is_meant(call, c) {
            return Ok(false);
        }
        let mut list = c.list_at("env").to_vec();
        for pair in &pairs {
            match pair.split_once('=') {
                Some((name, value)) => {
                    let new = json!({"name": name, "value": value});
                    match list.iter_mut().find(|e| e.str_at("name") == Some(name)) {
                        Some(slot) => *slot = new,
                        None => list.push(new),
                    }
                }
                None => list.retain(|e| e.str_at("name") != Some(pair.trim_end_matches('-'))),
            }
        }
        if list.is_empty() {
            c.remove_at("env")
        } else {
            c.set("env", Value::Array(list))
        }
        Ok(true)
    };
    containers(object, set, "env updated")
}

fn list_env(object: &Object, io: &mut Io<'_>) {
    let Ok(spec) = pod_spec(object) else { return };
    for c in object.doc.at(spec).list_at("containers") {
        let name = c.str_at("name").unwrap_or_default();
        io.out(&format!("# {} {}, container {name}\n", object.kind.name(), object.meta.name));
        for e in c.list_at("env") {
            let key = e.str_at("name").unwrap_or_default();
            match e.str_at("value") {
                None if e.at("valueFrom").is_object() => io.out(&format!("# {key} from a reference\n")),
                value => io.out(&format!("{key}={}\n", value.unwrap_or_default())),
            }
        }
    }
}

fn service_account(object: &Object, changes: &[String], is_local: bool) -> Changed {
    let name = changes.first().cloned().unwrap_or_default();
    let spec = pod_spec(object)?;
    if object.doc.at(spec).str_at("serviceAccountName") == Some(name.as_str()) {
        return Ok(None);
    }
    // The second field is the server's doing.
    let fields =
        if is_local { json!({"serviceAccountName": name}) } else { json!({"serviceAccountName": name, "serviceAccount": name}) };
    Ok(Some((at(spec, fields), "serviceaccount updated")))
}

fn selector(object: &Object, changes: &[String]) -> Changed {
    if object.kind != Kind::Service {
        return Err(Fail::error("setting a selector is only supported for Services"));
    }
    let wanted = super::generate::label_map(changes.first().map_or("", String::as_str))?;
    // Keys that are left out go.
    let mut patch = objects::json::map(object.doc.strings_at("spec.selector").into_iter().map(|(key, _)| (key, Value::Null)));
    if let Value::Object(wanted) = wanted {
        patch.extend(wanted);
    }
    Ok(Some((json!({"spec": {"selector": patch}}), "selector updated")))
}
