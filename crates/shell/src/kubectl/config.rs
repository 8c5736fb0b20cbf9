//! kubectl config. Words by k8s.io/kubectl pkg/cmd/config, v0.35.4, as the program itself prints them.

use super::kubeconfig::Config;
use super::output::Output;
use super::table::{Table, row};
use super::{Call, Fail, Next};
use crate::run::{Ctx, Io};
use objects::collections::Order as _;
use objects::{DocExt, Value, json};

pub const WORDS: &[&str] =
    &["current-context", "delete-context", "get-clusters", "get-contexts", "get-users", "set-context", "use-context", "view"];

pub fn run(call: &mut Call, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    let mut config = Config::load(&call.flags, ctx.state);
    let name = call.args.get(1).cloned();
    match call.args.first().map(String::as_str).unwrap_or_default() {
        "current-context" => match config.doc.str_at("current-context").filter(|c| !c.is_empty()) {
            Some(context) => io.out(&format!("{context}\n")),
            None => return Err(Fail::error("current-context is not set")),
        },
        "get-contexts" => return contexts(call, &config, io),
        "get-clusters" => list("clusters", &config, io),
        "get-users" => list("users", &config, io),
        "use-context" => {
            let Some(name) = name.filter(|_| call.args.len() == 2) else {
                io.out(&super::help::command(&call.command));
                return Err(Fail::error(format!("Unexpected args: [{}]", call.args.get(1..).unwrap_or_default().join(" "))));
            };
            if config.entry("contexts", &name).is_none() {
                return Err(Fail::error(format!("no context exists with the name: \"{name}\"")));
            }
            config.doc.set("current-context", name.as_str());
            config.write(ctx.state).map_err(Fail::error)?;
            io.out(&format!("Switched to context \"{name}\".\n"));
        }
        "set-context" => {
            let current = call.flags.on("current");
            let name = match (name, current) {
                (Some(_), true) => return Err(Fail::error("you cannot specify both a context name and --current")),
                (Some(name), false) => name,
                (None, true) => config.doc.str_at("current-context").unwrap_or_default().to_owned(),
                (None, false) => return Err(Fail::error("you must specify a non-empty context name or --current")),
            };
            if name.is_empty() {
                return Err(Fail::error("no current context is set"));
            }
            let created = set_context(call, &name, &mut config);
            config.write(ctx.state).map_err(Fail::error)?;
            io.out(&format!("Context \"{name}\" {}.\n", if created { "created" } else { "modified" }));
        }
        "delete-context" => {
            let Some(name) = name else {
                return Err(Fail::usage("config delete-context", "you must specify a context to delete"));
            };
            if config.entry("contexts", &name).is_none() {
                return Err(Fail::error(format!("cannot delete context {name}, not in {}", config.name)));
            }
            if config.doc.str_at("current-context") == Some(&name) {
                io.err(
                    "warning: this removed your active context, use \"kubectl config use-context\" to select a different one\n",
                );
            }
            if let Some(list) = config.doc.slot("contexts").as_array_mut() {
                list.retain(|c| c.str_at("name") != Some(&name));
            }
            config.write(ctx.state).map_err(Fail::error)?;
            io.out(&format!("deleted context {name} from {}\n", config.name));
        }
        _ => return view(call, &config, io, ctx),
    }
    Ok(Next::Done(0))
}

/// Writes the flags into a context; true where it is new.
fn set_context(call: &Call, name: &str, config: &mut Config) -> bool {
    let created = config.entry("contexts", name).is_none();
    let contexts = config.doc.slot("contexts");
    if !contexts.is_array() {
        *contexts = json!([]);
    }
    if created && let Some(list) = contexts.as_array_mut() {
        list.push(json!({"context": {}, "name": name}));
    }
    let entry = contexts.as_array_mut().and_then(|l| l.iter_mut().find(|c| c.str_at("name") == Some(name)));
    if let Some(entry) = entry {
        for field in ["cluster", "user", "namespace"] {
            if let Some(value) = call.flags.text(field) {
                entry.set(&format!("context.{field}"), value);
            }
        }
    }
    created
}

fn list(what: &str, config: &Config, io: &mut Io<'_>) {
    io.out("NAME\n");
    config.names(what).iter().for_each(|name| io.out(&format!("{name}\n")));
}

fn contexts(call: &Call, config: &Config, io: &mut Io<'_>) -> Result<Next, Fail> {
    let by_name = match call.flags.text("output") {
        None | Some("") => false,
        Some("name") => true,
        Some(other) => {
            return Err(Fail::error(format!(
                "--output {other} is not available in kubectl config get-contexts; resetting to default output format"
            )));
        }
    };
    let wanted = call.args.get(1..).unwrap_or_default();
    let names = if wanted.is_empty() { config.names("contexts") } else { wanted.to_vec() };
    let current = config.doc.str_at("current-context").unwrap_or_default();
    let (mut rows, mut missing) = (Vec::new(), Vec::new());
    if !by_name && !call.flags.on("no-headers") {
        rows.push(row(["CURRENT", "NAME", "CLUSTER", "AUTHINFO", "NAMESPACE"]));
    }
    for name in &names {
        match config.entry("contexts", name) {
            Some(_) if by_name => rows.push(vec![name.clone()]),
            Some(c) => {
                let cell = |field: &str| c.str_at(field).unwrap_or_default();
                let mark = if name == current { "*" } else { "" };
                rows.push(row([mark, name, cell("cluster"), cell("user"), cell("namespace")]));
            }
            None => missing.push(format!("context {name} not found")),
        }
    }
    io.out(&Table::default().print(&rows));
    match missing.as_slice() {
        [] => Ok(Next::Done(0)),
        [one] => Err(Fail::error(one)),
        many => Err(Fail::error(format!("[{}]", many.join(", ")))),
    }
}

/// The file with its secrets left out, or (`--minify`) what the context needs of it.
fn view(call: &Call, config: &Config, io: &mut Io<'_>, ctx: &Ctx<'_>) -> Result<Next, Fail> {
    let output = Output::of(call, false, super::client(ctx), ctx)?;
    let mut doc =
        json!({"apiVersion": "v1", "kind": "Config", "clusters": null, "contexts": null, "users": null, "current-context": ""});
    let context = config.context(&call.flags).to_owned();
    for list in ["clusters", "contexts", "users"] {
        let mut entries: Vec<Value> = config.doc.list_at(list).to_vec();
        entries.order_by_key(|e| e.str_at("name").unwrap_or_default().to_owned());
        if call.flags.on("minify") {
            let Some(found) = config.entry("contexts", &context) else {
                return Err(Fail::error(format!("cannot locate context {context}")));
            };
            let name = match list {
                "clusters" => found.str_at("cluster"),
                "users" => found.str_at("user"),
                _ => Some(context.as_str()),
            };
            entries.retain(|e| e.str_at("name") == name);
        }
        if !entries.is_empty() {
            doc.set(list, Value::Array(entries));
        }
    }
    let current =
        if call.flags.on("minify") { context } else { config.doc.str_at("current-context").unwrap_or_default().to_owned() };
    doc.set("current-context", current);
    if !call.flags.on("raw") {
        omit(&mut doc);
    }
    io.out(&match &output {
        Output::Table { .. } => objects::yaml::to_yaml(&doc),
        output => output.document(&doc),
    });
    Ok(Next::Done(0))
}

fn omit(value: &mut Value) {
    match value {
        Value::Object(map) => map.iter_mut().for_each(|(key, value)| {
            if key.ends_with("-data") {
                *value = "DATA+OMITTED".into();
            } else if matches!(key.as_str(), "token" | "password") {
                *value = "REDACTED".into();
            } else {
                omit(value);
            }
        }),
        Value::Array(list) => list.iter_mut().for_each(omit),
        _ => {}
    }
}
