//! Verbs about client and server: version, api-resources, cluster-info, config, top, auth; and those not simulated.

use super::output::pretty;
use super::table::{Table, row};
use super::{Call, Fail, Next, era, snapshot};
use crate::options::Lang;
use crate::run::{Ctx, Io};
use engine::Era;
use objects::collections::Order as _;
use objects::{Kind, json};

/// The name of context, cluster and user in the kubeconfig.
const CONTEXT: &str = "nodewright";
const SERVER: &str = "https://nodewright.playground:443";

fn client(era: Era) -> (&'static str, &'static str, &'static str) {
    match era {
        Era::V1alpha5 => ("v1.27.4", "v5.0.1", "27"),
        Era::V1 => ("v1.35.4", "v5.7.1", "35"),
    }
}

pub fn version(call: &mut Call, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    let (client, kustomize, minor) = client(era(ctx));
    let server = snapshot(ctx).profile.kubernetes_version;
    let only_client = call.flags.on("client");
    let info = |version: &str, minor: &str| json!({"major": "1", "minor": minor, "gitVersion": version, "gitTreeState": "clean", "compiler": "gc", "platform": "linux/amd64"});
    let mut doc = json!({"clientVersion": info(client, minor), "kustomizeVersion": kustomize});
    if !only_client && let Some(map) = doc.as_object_mut() {
        map.insert("serverVersion".to_owned(), info(server, &format!("{minor}+")));
    }
    match call.flags.text("output") {
        Some("json") => io.out(&pretty(&doc).replace("    ", "  ")),
        Some("yaml") => io.out(&format!("{}\n", objects::yaml::to_yaml(&doc))),
        Some(other) => return Err(Fail::error(format!("--output must be 'yaml' or 'json', not '{other}'"))),
        None => {
            if era(ctx) == Era::V1alpha5 && !call.flags.on("short") {
                io.err(
                    "WARNING: This version information is deprecated and will be replaced with the output from kubectl version \
                     --short.  Use --output=yaml|json to get the full version.\n",
                );
            }
            io.out(&format!("Client Version: {client}\nKustomize Version: {kustomize}\n"));
            if !only_client {
                io.out(&format!("Server Version: {server}\n"));
            }
        }
    }
    Ok(Next::Done(0))
}

pub fn api_resources(call: &mut Call, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    let era = era(ctx);
    let group = call.flags.text("api-group");
    let namespaced = call.flags.given("namespaced").then(|| call.flags.on("namespaced"));
    let mut kinds: Vec<Kind> = Kind::ALL
        .iter()
        .copied()
        .filter(|k| {
            k.served_in(era) && group.is_none_or(|g| k.info().group == g) && namespaced.is_none_or(|n| k.namespaced() == n)
        })
        .collect();
    kinds.order_by_key(|k| (k.info().group, k.info().plural));
    match call.flags.text("output") {
        None | Some("wide") => {}
        Some("name") => {
            for kind in kinds {
                io.out(&format!("{}\n", kind.resource()));
            }
            return Ok(Next::Done(0));
        }
        Some(other) => return Err(Fail::error(format!("--output {other} is not available"))),
    }
    let wide = call.flags.text("output") == Some("wide");
    let mut rows = Vec::new();
    if !call.flags.on("no-headers") {
        let mut headers = row(["NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND"]);
        if wide {
            headers.extend(row(["VERBS", "CATEGORIES"]));
        }
        rows.push(headers);
    }
    for kind in kinds {
        let info = kind.info();
        let mut cells = vec![
            info.plural.to_owned(),
            info.short.join(","),
            kind.api_version(),
            kind.namespaced().to_string(),
            info.kind.to_owned(),
        ];
        if wide {
            let all = super::resolve::ALL.contains(&kind);
            cells.push("create,delete,get,list,patch,update,watch".to_owned());
            cells.push(if all { "all" } else { "" }.to_owned());
        }
        rows.push(cells);
    }
    io.out(&Table::default().print(&rows));
    Ok(Next::Done(0))
}

pub fn api_versions(_call: &mut Call, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    let mut versions: Vec<String> = Kind::ALL.iter().filter(|k| k.served_in(era(ctx))).map(|k| k.api_version()).collect();
    versions.order();
    versions.dedup();
    io.out(&format!("{}\n", versions.join("\n")));
    Ok(Next::Done(0))
}

pub fn cluster_info(_call: &mut Call, io: &mut Io<'_>, _ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    io.out(&format!(
        "Kubernetes control plane is running at {SERVER}\n\nTo further debug and diagnose cluster problems, use 'kubectl \
         cluster-info dump'.\n"
    ));
    Ok(Next::Done(0))
}

pub const CONFIG_WORDS: &[&str] = &["current-context", "get-contexts", "set-context", "use-context", "view"];

pub fn config(call: &mut Call, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    let word = call.args.first().map(String::as_str).unwrap_or_default();
    let name = call.args.get(1).map(String::as_str);
    match word {
        "current-context" => io.out(&format!("{CONTEXT}\n")),
        "get-contexts" => {
            let namespace = if ctx.state.namespace == "default" { "" } else { &ctx.state.namespace };
            let rows =
                [row(["CURRENT", "NAME", "CLUSTER", "AUTHINFO", "NAMESPACE"]), row(["*", CONTEXT, CONTEXT, "admin", namespace])];
            let rows = if call.flags.on("no-headers") { rows.get(1..).unwrap_or_default() } else { &rows };
            io.out(&Table::default().print(rows));
        }
        "set-context" => {
            let current = call.flags.on("current") || name == Some(CONTEXT);
            if !current {
                return Err(Fail::error(format!("there is one context here, \"{CONTEXT}\": use --current")));
            }
            if let Some(namespace) = call.flags.text("namespace") {
                namespace.clone_into(&mut ctx.state.namespace);
            }
            io.out(&format!("Context \"{CONTEXT}\" modified.\n"));
        }
        "use-context" if name == Some(CONTEXT) => io.out(&format!("Switched to context \"{CONTEXT}\".\n")),
        "use-context" => {
            return Err(Fail::error(format!("no context exists with the name: \"{}\"", name.unwrap_or_default())));
        }
        "view" => {
            let mut context = json!({"cluster": CONTEXT, "user": "admin"});
            if ctx.state.namespace != "default"
                && let Some(map) = context.as_object_mut()
            {
                map.insert("namespace".to_owned(), ctx.state.namespace.clone().into());
            }
            let doc = json!({
                "apiVersion": "v1", "kind": "Config", "preferences": {}, "current-context": CONTEXT,
                "clusters": [{"cluster": {"server": SERVER}, "name": CONTEXT}],
                "contexts": [{"context": context, "name": CONTEXT}],
                "users": [{"name": "admin", "user": {}}],
            });
            io.out(&objects::yaml::to_yaml(&doc));
        }
        "" => io.out(&super::help::verb(call.verb)),
        other => {
            return Err(Fail::error(format!("config {other} is not simulated here: {} are", CONFIG_WORDS.join(", "))));
        }
    }
    Ok(Next::Done(0))
}

pub fn top(call: &mut Call, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    if call.args.is_empty() {
        io.out(&super::help::verb(call.verb));
        return Ok(Next::Done(0));
    }
    io.err("error: Metrics API not available\n");
    io.hint(match ctx.state.options.lang {
        Lang::En => "nothing measures usage here; eks-node-viewer shows requests",
        Lang::Ko => "여기에는 사용량을 재는 것이 없습니다. eks-node-viewer가 요청량을 보여 줍니다.",
    });
    Ok(Next::Done(1))
}

pub fn auth(call: &mut Call, io: &mut Io<'_>, _ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    match call.args.first().map(String::as_str) {
        Some("can-i") if call.flags.on("list") || call.args.len() >= 2 => io.out("yes\n"),
        Some("can-i") => {
            return Err(Fail::error(
                "you must specify two arguments: verb resource or verb resource/resourceName.\nSee 'kubectl auth can-i -h' for help \
                 and examples.",
            ));
        }
        Some("whoami") => {
            let rows = [
                row(["ATTRIBUTE", "VALUE"]),
                row(["Username", "kubernetes-admin"]),
                row(["Groups", "[system:masters system:authenticated]"]),
            ];
            io.out(&Table::default().print(&rows));
        }
        _ => io.out(&super::help::verb(call.verb)),
    }
    Ok(Next::Done(0))
}

pub fn completion(_call: &mut Call, _io: &mut Io<'_>, _ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    Err(Fail::error("completion is built into this terminal: press Tab"))
}

/// Verbs that need what the playground does not have. Never a success for something that was not done.
pub fn unsupported(call: &mut Call, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    let (why, en, ko) = match call.verb.name {
        "exec" | "attach" | "cp" | "debug" => (
            "no container runs here",
            "kubectl describe and kubectl logs show what there is to see of a pod",
            "파드에 대해 볼 수 있는 것은 kubectl describe와 kubectl logs가 보여 줍니다",
        ),
        "port-forward" | "proxy" => (
            "the playground has no network",
            "the objects themselves are in kubectl get",
            "오브젝트는 kubectl get으로 볼 수 있습니다",
        ),
        "diff" => (
            "there is no diff program here",
            "kubectl apply --dry-run=server -o yaml shows the result",
            "kubectl apply --dry-run=server -o yaml로 결과를 볼 수 있습니다",
        ),
        _ => (
            "the playground has no such thing",
            "kubectl --help lists what there is",
            "쓸 수 있는 명령은 kubectl --help로 볼 수 있습니다",
        ),
    };
    io.err(&format!("error: {} is not simulated: {why}\n", call.verb.name));
    io.hint(match ctx.state.options.lang {
        Lang::En => en,
        Lang::Ko => ko,
    });
    Ok(Next::Done(1))
}
