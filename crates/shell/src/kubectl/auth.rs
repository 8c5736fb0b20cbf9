//! kubectl auth. The administrator may do everything, a stranger nothing.
//! Source: k8s.io/kubectl pkg/cmd/auth, v0.35.4.

use super::table::{Table, row};
use super::{Call, Fail, Next, api, era, resources};
use crate::run::{Ctx, Io};
use engine::Era;
use objects::Kind;

const VERBS: [&str; 17] = [
    "get",
    "list",
    "watch",
    "create",
    "update",
    "patch",
    "delete",
    "deletecollection",
    "use",
    "bind",
    "impersonate",
    "escalate",
    "*",
    "approve",
    "sign",
    "attest",
    "proxy",
];

pub fn run(call: &mut Call, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    if call.args.first().is_some_and(|w| w == "whoami") {
        return whoami(call, era(ctx), io);
    }
    can_i(call, io, ctx)
}

fn whoami(call: &Call, era: Era, io: &mut Io<'_>) -> Result<Next, Fail> {
    let user = call.target.stranger.as_deref().unwrap_or("kubernetes-admin");
    let groups = if call.target.stranger.is_none() { "[system:masters system:authenticated]" } else { "[system:authenticated]" };
    if call.flags.text("output").is_some_and(|o| !o.is_empty()) {
        return Err(Fail::error("-o of kubectl auth whoami is not simulated"));
    }
    let mut rows = vec![row(["ATTRIBUTE", "VALUE"]), row(["Username", user]), row(["Groups", groups])];
    // Servers since 1.32 name the certificate that the user came with; who is impersonated came with none.
    if era == Era::V1 && call.target.stranger.is_none() {
        let id = format!("[X509SHA256={}]", fingerprint(user));
        rows.push(row(["Extra: authentication.kubernetes.io/credential-id", &id]));
    }
    io.out(&Table::default().print(&rows));
    Ok(Next::Done(0))
}

/// 64 digits that stand for the sum of a certificate that nobody issued: always the same for a user.
fn fingerprint(user: &str) -> String {
    let hash = |seed: u64| user.bytes().fold(seed, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    (1..=4_u64).map(|part| format!("{:016x}", hash(0xcbf2_9ce4_8422_2325 ^ part))).collect()
}

fn can_i(call: &Call, io: &mut Io<'_>, ctx: &Ctx<'_>) -> Result<Next, Fail> {
    if call.flags.on("list") {
        return Err(Fail::error("--list of kubectl auth can-i is not simulated"));
    }
    let [verb, what] = call.args.get(1..).unwrap_or_default() else {
        return Err(Fail::error(
            "you must specify two arguments: verb resource or verb resource/resourceName.\nSee 'kubectl auth can-i -h' for help \
             and examples.",
        ));
    };
    if !what.starts_with('/') {
        let typed = what.split('/').next().unwrap_or(what);
        let api = api(ctx);
        let held = Kind::parse(typed, api).map(|k| (k.info().plural.to_owned(), k.info().group, k.namespaced()));
        let found = held.or_else(|| resources::other(typed, api).map(|r| (r.plural, r.group, r.namespaced)));
        match found {
            None if typed != "*" => match typed.split_once('.') {
                Some((name, group)) => {
                    io.err(&format!("Warning: the server doesn't have a resource type '{name}' in group '{group}'\n\n"));
                }
                None => io.err(&format!("Warning: the server doesn't have a resource type '{typed}'\n\n")),
            },
            Some((plural, group, false)) if !call.all_namespaces() => {
                let group = if group.is_empty() { String::new() } else { format!(" in group '{group}'") };
                io.err(&format!("Warning: resource '{plural}' is not namespace scoped{group}\n\n"));
            }
            _ => {}
        }
        if !call.all_namespaces() && !VERBS.contains(&verb.as_str()) {
            io.err(&format!("Warning: verb '{verb}' is not a known verb\n\n"));
        }
    }
    let allowed = call.target.stranger.is_none();
    if !call.flags.on("quiet") {
        io.out(if allowed { "yes\n" } else { "no\n" });
    }
    Ok(Next::Done(i32::from(!allowed)))
}
