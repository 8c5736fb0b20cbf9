//! kubectl version and cluster-info. Source: k8s.io/kubectl pkg/cmd/{version,clusterinfo}, v0.35.4.

use super::{Call, Fail, Next, client, snapshot};
use crate::run::{Ctx, Io};

/// The client of a minor version and the kustomize in it. That of 1.32 is the build which was recorded.
fn versions(client: u32) -> (&'static str, &'static str) {
    match client {
        ..32 => ("v1.27.4", "v5.0.1"),
        32..34 => ("v1.32.4-dispatcher", "v5.5.0"),
        _ => ("v1.35.4", "v5.7.1"),
    }
}

/// The fields of a version in the order of the Go structure; servers since 1.34 name what they emulate.
fn fields(version: &str, server: bool) -> Vec<(&'static str, String)> {
    let minor: i64 = version.split('.').nth(1).and_then(|m| m.parse().ok()).unwrap_or(0);
    let mut out = vec![("major", "1".to_owned()), ("minor", minor.to_string())];
    if server && minor >= 34 {
        out.extend([
            ("emulationMajor", "1".to_owned()),
            ("emulationMinor", minor.to_string()),
            ("minCompatibilityMajor", "1".to_owned()),
            ("minCompatibilityMinor", (minor - 1).to_string()),
        ]);
    }
    let go = if minor >= 34 { "go1.26.8" } else { "go1.20.5" };
    out.extend(
        [
            ("gitVersion", version),
            ("gitCommit", "unknown"),
            ("gitTreeState", "clean"),
            ("buildDate", "1970-01-01T00:00:00Z"),
            ("goVersion", go),
            ("compiler", "gc"),
            ("platform", "linux/amd64"),
        ]
        .map(|(k, v)| (k, v.to_owned())),
    );
    out
}

fn json(parts: &[(&str, Vec<(&'static str, String)>)], kustomize: &str) -> String {
    let mut entries: Vec<String> = parts
        .iter()
        .map(|(name, fields)| {
            let lines: Vec<String> = fields.iter().map(|(k, v)| format!("    \"{k}\": \"{v}\"")).collect();
            format!("  \"{name}\": {{\n{}\n  }}", lines.join(",\n"))
        })
        .collect();
    entries.insert(1.min(entries.len()), format!("  \"kustomizeVersion\": \"{kustomize}\""));
    format!("{{\n{}\n}}\n", entries.join(",\n"))
}

/// What the server answers at `/version`.
pub fn server_version(version: &str) -> String {
    let lines: Vec<String> = fields(version, true).iter().map(|(k, v)| format!("  \"{k}\": \"{v}\"")).collect();
    format!("{{\n{}\n}}", lines.join(",\n"))
}

/// What is said of a client and a server that are more than one minor version apart.
fn skew(client: &str, server: &str) -> Option<String> {
    let minor = |version: &str| version.split('.').nth(1)?.parse::<u32>().ok();
    let (client, server) = (minor(client)?, minor(server)?);
    let word = if client < 34 { "WARNING" } else { "Warning" };
    (client.abs_diff(server) > 1).then(|| {
        format!(
            "{word}: version difference between client (1.{client}) and server (1.{server}) exceeds the supported minor version \
             skew of +/-1\n"
        )
    })
}

pub fn version(call: &mut Call, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    let (client, kustomize) = versions(client(ctx));
    let server = snapshot(ctx).profile.kubernetes_version;
    if !call.args.is_empty() {
        return Err(Fail::error(format!("extra arguments: [{}]", call.args.join(" "))));
    }
    let mut parts = vec![("clientVersion", fields(client, false))];
    let asked = !call.flags.on("client");
    if asked && call.target.answers {
        parts.push(("serverVersion", fields(server, true)));
    }
    match call.flags.text("output").unwrap_or_default() {
        "json" => io.out(&json(&parts, kustomize)),
        // The document and one more newline.
        "yaml" => {
            let doc = serde_json::from_str(&json(&parts, kustomize)).unwrap_or_default();
            io.out(&format!("{}\n", objects::yaml::to_yaml(&doc)));
        }
        "" => {
            if super::client(ctx) < 28 && !call.flags.on("short") {
                io.err(
                    "WARNING: This version information is deprecated and will be replaced with the output from kubectl version \
                     --short.  Use --output=yaml|json to get the full version.\n",
                );
            }
            io.out(&format!("Client Version: {client}\nKustomize Version: {kustomize}\n"));
            if parts.len() > 1 {
                io.out(&format!("Server Version: {server}\n"));
            }
        }
        _ => return Err(Fail::error("--output must be 'yaml' or 'json'")),
    }
    if asked && call.target.answers {
        io.err(&skew(client, server).unwrap_or_default());
    }
    if asked && !call.target.answers {
        return Err(super::connect::refused(&call.target, 0, ctx));
    }
    Ok(Next::Done(0))
}

pub fn cluster_info(call: &mut Call, io: &mut Io<'_>, _ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    io.out(&format!(
        "Kubernetes control plane is running at {}\n\nTo further debug and diagnose cluster problems, use 'kubectl \
         cluster-info dump'.\n",
        call.target.server
    ));
    Ok(Next::Done(0))
}
