//! Whether the server is there and lets the caller in: kubectl's words where it is not or does not.

use super::kubeconfig::Target;
use super::{Call, Fail, api};
use crate::run::Ctx;
use objects::Kind;

/// Commands that talk to no server.
const LOCAL: [&str; 5] = ["config", "completion", "kustomize", "plugin", "version"];

/// What stops a call before its verb begins.
pub fn check(call: &Call, ctx: &Ctx<'_>) -> Result<(), Fail> {
    if LOCAL.contains(&call.verb.name) || call.command.usage.is_none() {
        return Ok(());
    }
    if !call.target.answers {
        return Err(refused(&call.target, 5, ctx));
    }
    match &call.target.stranger {
        Some(user) if call.verb.name != "auth" => forbidden(user, call, ctx).map_or(Ok(()), Err),
        _ => Ok(()),
    }
}

/// Nobody listens at the address. `tries` is how often the client's discovery asks before it gives up.
/// Source: client-go discovery/cached/memory, kubectl pkg/cmd/util/helpers.go, v0.35.4.
pub fn refused(target: &Target, tries: usize, ctx: &Ctx<'_>) -> Fail {
    let server = target.server.as_str();
    let bare = server.split_once("://").map_or(server, |(_, rest)| rest).trim_end_matches('/');
    let address = bare.replace("localhost:", "127.0.0.1:");
    let now = ctx.session.snapshot().unix_ms();
    let mut text = String::new();
    for _ in 0..tries {
        let at = crate::tools::date_text(now, 0, "UTC", "%m%d %H:%M:%S");
        text.push_str(&format!(
            "E{at}.000000       1 memcache.go:265] \"Unhandled Error\" err=\"couldn't get current server API group list: Get \
             \\\"{server}/api?timeout=32s\\\": dial tcp {address}: connect: connection refused\"\n"
        ));
    }
    text.push_str(&format!("The connection to the server {bare} was refused - did you specify the right host or port?\n"));
    Fail { text, exit: 1 }
}

/// A user without any role: the authorizer's refusal of the first thing that the verb asks for.
fn forbidden(user: &str, call: &Call, ctx: &Ctx<'_>) -> Option<Fail> {
    let nodes = matches!(call.verb.name, "drain" | "cordon" | "uncordon" | "taint");
    let first = call.args.iter().find(|a| !matches!(call.verb.name, "rollout" | "set") || !is_word(a))?;
    let (typed, slashed) = first.split_once('/').map_or((first.as_str(), None), |(k, n)| (k, Some(n)));
    let typed = typed.split(',').next().unwrap_or(typed);
    let api = api(ctx);
    let (kind, name) = match (Kind::parse(typed, api), call.verb.name) {
        _ if nodes => {
            (Kind::Node, Some(first.as_str()).filter(|f| Kind::parse(f, api).is_none()).or(call.args.get(1).map(String::as_str)))
        }
        (_, "logs" | "exec") if slashed.is_none() => (Kind::Pod, Some(typed)),
        (Some(kind), _) => (kind, slashed.or(call.args.get(1).map(String::as_str))),
        (None, _) => return None,
    };
    let verb = match (call.verb.name, name) {
        ("delete", Some(_)) => "delete",
        (_, Some(_)) => "get",
        (_, None) => "list",
    };
    let info = kind.info();
    let place = if kind.namespaced() && !call.all_namespaces() {
        format!("in the namespace \"{}\"", call.target.namespace)
    } else {
        "at the cluster scope".to_owned()
    };
    let subject = name.map(|n| format!(" \"{n}\"")).unwrap_or_default();
    Some(Fail {
        text: format!(
            "Error from server (Forbidden): {}{subject} is forbidden: User \"{user}\" cannot {verb} resource \"{}\" in API group \
             \"{}\" {place}\n",
            kind.resource(),
            info.plural,
            info.group
        ),
        exit: 1,
    })
}

fn is_word(text: &str) -> bool {
    super::rollout::WORDS.contains(&text) || super::set::WORDS.contains(&text)
}
