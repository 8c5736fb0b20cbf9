//! helm: Karpenter is the one release. It is listed and upgraded; what is known of it stands in its Deployment.
//! Layout of `helm list`: helm.sh/helm/v3 pkg/cli/output and cmd/helm/list.go, v3.14.

mod chart;
mod upgrade;
mod values;

use crate::run::{Ctx, Io};
use objects::{Kind, ObjectKey, json};

/// A release.
struct Release {
    name: String,
    namespace: String,
    revision: usize,
    /// Unix milliseconds.
    updated_ms: i64,
    updated: String,
    chart: String,
    version: String,
}

pub fn helm(args: &[String], io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> i32 {
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["list" | "ls", rest @ ..] => list(rest, io, ctx),
        ["version", ..] => {
            io.out("v3.14.4\n");
            Ok(())
        }
        ["upgrade", rest @ ..] => upgrade::run(rest, io, ctx),
        ["get", "values", rest @ ..] => upgrade::get_values(rest, io, ctx),
        ["status", rest @ ..] => {
            let name = rest.iter().find(|a| !a.starts_with('-')).copied().unwrap_or_default();
            if upgrade::status(name, io, ctx) { Ok(()) } else { Err("Error: release: not found".to_owned()) }
        }
        // Charts come with the playground; nothing is fetched, and nobody has to sign in.
        ["repo", "add" | "update", ..] | ["registry", "login" | "logout", ..] => Ok(()),
        [] => Err("helm: here are helm list, upgrade, status and get values".to_owned()),
        ["install", ..] => Err("helm: installing is not simulated: Karpenter is there already; use helm upgrade".to_owned()),
        [verb, ..] => Err(format!("helm: `helm {verb}` is not simulated: helm list, upgrade, status and get values are")),
    };
    match done {
        Ok(()) => 0,
        Err(why) => {
            io.err(&format!("{why}\n"));
            1
        }
    }
}

fn list(args: &[&str], io: &mut Io<'_>, ctx: &Ctx<'_>) -> Result<(), String> {
    let (mut namespace, mut all, mut short, mut output) = ("default".to_owned(), false, false, "table".to_owned());
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        let (name, value) = arg.split_once('=').map_or((*arg, None), |(n, v)| (n, Some(v)));
        let mut text = || value.or_else(|| rest.next().copied()).ok_or_else(|| format!("Error: flag needs an argument: {name}"));
        match name {
            "-n" | "--namespace" => namespace = text()?.to_owned(),
            "-o" | "--output" => output = text()?.to_owned(),
            "-A" | "--all-namespaces" => all = true,
            "-q" | "--short" => short = true,
            "-a" | "--all" | "--deployed" => {}
            _ if name.starts_with("--") => return Err(format!("Error: unknown flag: {name}")),
            _ if name.starts_with('-') => return Err(format!("helm: {name} is not simulated")),
            _ => return Err("Error: \"helm list\" accepts no arguments\n\nUsage:  helm list [flags]".to_owned()),
        }
    }
    let found = release(ctx).filter(|r| all || r.namespace == namespace);
    match output.as_str() {
        _ if short => found.iter().for_each(|r| io.out(&format!("{}\n", r.name))),
        "json" => {
            let one = |r: &Release| {
                json!({
                    "name": r.name, "namespace": r.namespace, "revision": r.revision.to_string(), "updated": r.updated, "status": "deployed",
                    "chart": r.chart, "app_version": r.version,
                })
            };
            io.out(&format!("{}\n", json!(found.iter().map(one).collect::<Vec<_>>())));
        }
        "table" => {
            let head = ["NAME", "NAMESPACE", "REVISION", "UPDATED", "STATUS", "CHART", "APP VERSION"].map(str::to_owned);
            let row =
                |r: Release| [r.name, r.namespace, r.revision.to_string(), r.updated, "deployed".to_owned(), r.chart, r.version];
            io.out(&table(&[Some(head), found.map(row)].into_iter().flatten().collect::<Vec<_>>()));
        }
        other => return Err(format!("helm: -o {other} is not simulated: use table or json")),
    }
    Ok(())
}

fn release(ctx: &Ctx<'_>) -> Option<Release> {
    let snapshot = ctx.session.snapshot();
    let namespace = snapshot.profile.karpenter_namespace;
    let deployment = snapshot.store.get(&ObjectKey::new(Kind::Deployment, namespace, "karpenter"))?;
    let labels = &deployment.meta.labels;
    let (upgrades, last) = upgrade::upgrades(ctx);
    let updated_ms = last.unwrap_or(deployment.meta.created_ms);
    let updated = objects::time::rfc3339(updated_ms).replace('T', " ").replace('Z', ".000000000 +0000 UTC");
    Some(Release {
        name: labels.get("app.kubernetes.io/instance").cloned().unwrap_or_else(|| "karpenter".to_owned()),
        namespace: namespace.to_owned(),
        revision: 1 + upgrades,
        updated_ms,
        updated,
        chart: labels.get("helm.sh/chart").cloned().unwrap_or_default(),
        version: labels.get("app.kubernetes.io/version").cloned().unwrap_or_default(),
    })
}

/// Columns padded to their widest cell, tabs between.
fn table(rows: &[[String; 7]]) -> String {
    let width = |column: usize| rows.iter().filter_map(|r| r.get(column)).map(|c| c.chars().count()).max().unwrap_or(0);
    let line = |row: &[String; 7]| {
        let cells: Vec<String> = row.iter().enumerate().map(|(i, c)| format!("{c:<w$}", w = width(i))).collect();
        format!("{}\n", cells.join("\t"))
    };
    rows.iter().map(line).collect()
}
