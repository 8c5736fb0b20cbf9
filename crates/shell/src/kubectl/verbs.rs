//! The table of verbs, and the way from arguments to a call.

use super::commands::{self, Command};
use super::{Call, Fail, Next, flags};
use super::{
    absent, apply, auth, autoscale, config, create, delete, describe, diff, drain, edit, events, explain, get, help, info,
    kubeconfig, kustomize, label, logs, patch, resources, rollout, scale, set, taint, top, wait,
};
use crate::job::Stream;
use crate::options::Lang;
use crate::run::{Ctx, Io};
use crate::tools::near;
use objects::collections::Order as _;
use std::fmt;

type Run = fn(&mut Call, &mut Io<'_>, &mut Ctx<'_>) -> Result<Next, Fail>;

/// What completes a verb's operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operands {
    Nothing,
    /// A kind, then names of that kind.
    KindAndNames,
    /// Names of nodes.
    Nodes,
    /// Names of pods, or TYPE/NAME.
    Pods,
    /// One of the verb's own words, then kinds and names.
    Words(&'static [&'static str]),
    /// Paths of fields.
    Fields,
    /// Files and directories of the home.
    Files,
}

pub struct Verb {
    pub name: &'static str,
    /// Heading in `kubectl --help`.
    pub group: &'static str,
    /// Those of kubectl's flags that do here what they do there.
    pub flags: &'static [&'static str],
    pub operands: Operands,
    pub run: Run,
}

impl fmt::Debug for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

macro_rules! verbs {
    ($($group:literal: { $($name:literal $operands:expr, $flags:expr, $run:expr;)* })*) => {
        /// Every verb, in the order of kubectl's help.
        pub static VERBS: &[Verb] = &[$($(
            Verb { name: $name, group: $group, flags: &$flags, operands: $operands, run: $run },
        )*)*];
    };
}

use Operands::{Fields, Files, KindAndNames, Nodes, Nothing, Pods, Words};

verbs! {
    "Basic Commands (Beginner)": {
        "create" Words(create::WORDS),
            ["filename", "dry-run", "output", "validate", "image", "replicas", "port", "selector", "min-available",
             "max-unavailable", "save-config", "field-manager", "recursive", "kustomize", "record", "from-literal", "value",
             "tcp", "schedule", "from", "from-file", "from-env-file", "restart", "description", "global-default",
             "preemption-policy", "clusterip", "node-port", "external-name"], create::run;
        "expose"
            KindAndNames, ["port", "target-port", "name", "type", "dry-run", "output", "selector", "labels", "protocol", "cluster-ip",
             "load-balancer-ip", "external-ip", "session-affinity", "save-config"], create::expose;
        "run" Nothing,
            ["image", "port", "env", "labels", "dry-run", "output", "restart", "rm", "stdin", "tty", "overrides",
             "annotations", "command", "expose", "image-pull-policy", "override-type", "save-config"], create::run_pod;
        "set" Words(set::WORDS),
            ["dry-run", "output", "containers", "requests", "limits", "selector", "all", "filename", "env", "list",
             "overwrite", "local", "kustomize"], set::run;
    }
    "Basic Commands (Intermediate)": {
        "explain" Fields, ["recursive", "output"], explain::run;
        "get" KindAndNames,
            ["all-namespaces", "selector", "field-selector", "label-columns", "show-labels", "show-kind", "no-headers", "output",
             "watch", "watch-only", "output-watch-events", "sort-by", "ignore-not-found", "chunk-size", "filename", "raw",
             "template", "recursive", "kustomize"], get::run;
        "edit" KindAndNames,
            ["filename", "output", "field-manager", "output-patch", "recursive", "save-config", "subresource", "validate",
             "windows-line-endings", "kustomize"], edit::run;
        "delete" KindAndNames,
            ["filename", "selector", "all", "all-namespaces", "field-selector", "wait", "grace-period", "force", "now",
             "ignore-not-found", "cascade", "dry-run", "output", "timeout", "recursive", "kustomize"], delete::run;
    }
    "Deploy Commands": {
        "rollout" Words(rollout::WORDS),
            ["watch", "timeout", "revision", "to-revision", "selector", "filename", "output", "dry-run", "kustomize"],
            rollout::run;
        "scale" KindAndNames,
            ["replicas", "current-replicas", "filename", "selector", "all", "dry-run", "output", "timeout", "resource-version",
             "record", "recursive", "kustomize"], scale::run;
        "autoscale" KindAndNames,
            ["min", "max", "cpu-percent", "cpu", "memory", "name", "dry-run", "output", "save-config"], autoscale::run;
    }
    "Cluster Management Commands": {
        "certificate" Nothing, [], absent::run;
        "cluster-info" Nothing, [], info::cluster_info;
        "top" Words(&["node", "pod"]),
            ["containers", "selector", "field-selector", "all-namespaces", "sort-by", "no-headers"], top::run;
        "cordon" Nodes, ["selector", "dry-run"], drain::cordon;
        "uncordon" Nodes, ["selector", "dry-run"], drain::uncordon;
        "drain" Nodes,
            ["ignore-daemonsets", "delete-emptydir-data", "force", "grace-period", "timeout", "selector", "pod-selector",
             "disable-eviction", "dry-run", "skip-wait-for-delete-timeout", "chunk-size"], drain::drain;
        "taint" KindAndNames,
            ["overwrite", "selector", "all", "dry-run", "output", "validate"], taint::run;
    }
    "Troubleshooting and Debugging Commands": {
        "describe" KindAndNames,
            ["all-namespaces", "selector", "show-events", "filename", "chunk-size", "recursive", "kustomize"], describe::run;
        "logs" Pods,
            ["follow", "selector", "container", "all-containers", "tail", "since", "since-time", "prefix", "previous",
             "timestamps", "max-log-requests", "ignore-errors", "limit-bytes", "pod-running-timeout"], logs::run;
        "attach" Pods, [], absent::run;
        "exec" Pods, ["container", "stdin", "tty", "filename"], absent::exec;
        "port-forward" Pods, [], absent::run;
        "proxy" Nothing, [], absent::run;
        "cp" Nothing, [], absent::run;
        "auth" Words(&["can-i", "whoami"]), ["all-namespaces", "list", "no-headers", "output", "quiet", "subresource"], auth::run;
        "debug" Pods, [], absent::run;
        "events" Nothing,
            ["all-namespaces", "for", "types", "watch", "no-headers", "output", "chunk-size"], events::run;
    }
    "Advanced Commands": {
        "diff" Nothing, ["filename", "selector", "kustomize", "recursive"], diff::run;
        "apply" Nothing,
            ["filename", "dry-run", "output", "validate", "wait", "force", "server-side", "prune", "selector", "all", "overwrite",
             "record", "recursive", "kustomize", "field-manager", "grace-period", "cascade", "timeout", "force-conflicts"], apply::run;
        "patch" KindAndNames,
            ["patch", "patch-file", "type", "dry-run", "output", "filename", "record", "subresource", "local", "kustomize"], patch::run;
        "replace" Nothing,
            ["filename", "force", "dry-run", "output", "validate", "save-config", "grace-period", "cascade", "timeout", "wait",
             "recursive", "kustomize"], apply::replace;
        "wait" KindAndNames,
            ["for", "timeout", "selector", "all", "all-namespaces", "field-selector", "filename", "output"], wait::run;
        "kustomize" Files, ["output", "load-restrictor", "reorder"], kustomize::run;
    }
    "Settings Commands": {
        "label" KindAndNames,
            ["overwrite", "all", "all-namespaces", "selector", "field-selector", "list", "dry-run", "output", "filename",
             "resource-version", "record", "local", "kustomize"], label::label;
        "annotate" KindAndNames,
            ["overwrite", "all", "all-namespaces", "selector", "field-selector", "list", "dry-run", "output", "filename",
             "resource-version", "record", "local", "kustomize"], label::annotate;
        "completion" Nothing, [],
            absent::completion;
    }
    "Other Commands": {
        "alpha" Nothing, [], absent::run;
        "api-resources" Nothing,
            ["api-group", "categories", "namespaced", "no-headers", "output", "sort-by", "verbs"], resources::api_resources;
        "api-versions" Nothing, [],
            resources::api_versions;
        "config" Words(config::WORDS), ["current", "minify", "flatten", "raw", "merge", "output", "template", "no-headers"],
            config::run;
        "plugin" Words(&["list"]), [], absent::plugin;
        "version" Nothing, ["client", "output", "short"], info::version;
    }
}

pub fn find(name: &str) -> Option<&'static Verb> {
    VERBS.iter().find(|v| v.name == name)
}

/// Why no call came of the arguments (or that only help was wanted).
#[derive(Debug)]
pub struct Refusal {
    pub chunks: Vec<(Stream, String)>,
    pub exit: i32,
}

impl Refusal {
    fn help(text: String) -> Refusal {
        Refusal { chunks: vec![(Stream::Stdout, text)], exit: 0 }
    }

    fn error(text: String, hint: Option<String>) -> Refusal {
        let mut chunks = vec![(Stream::Stderr, text)];
        chunks.extend(hint.map(|h| (Stream::Hint, h)));
        Refusal { chunks, exit: 1 }
    }
}

/// Flags that every command takes and that do here what they do there.
pub const EVERYWHERE: &[&str] =
    &["namespace", "context", "cluster", "user", "kubeconfig", "server", "as", "as-group", "help", "request-timeout"];

/// Flags that change nothing that could be seen here: how a client fetches, caches, logs and writes itself down.
pub const WITHOUT_EFFECT: &[&str] = &[
    "allow-missing-template-keys",
    "cache-dir",
    "cached",
    "chunk-size",
    "disable-compression",
    "field-manager",
    "insecure-skip-tls-verify",
    "insecure-skip-tls-verify-backend",
    "kuberc",
    "log-flush-frequency",
    "match-server-version",
    "profile",
    "profile-output",
    "server-print",
    "show-managed-fields",
    "use-protocol-buffers",
    "v",
    "vmodule",
];

impl Verb {
    /// Whether the flag does here what it does in kubectl, or nothing that could be seen.
    pub fn has(&self, flag: &str) -> bool {
        [self.flags, EVERYWHERE, WITHOUT_EFFECT].iter().any(|list| list.contains(&flag))
    }
}

/// These read the kubeconfig for itself, not for whom it points to.
const LOCAL_FILE: [&str; 1] = ["config"];

/// The places of the words of `args` that are neither flags nor their values, by the flags of `command`.
fn operands(args: &[String], command: &Command) -> Vec<usize> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(arg) = args.get(at) {
        if arg == "--" {
            break;
        }
        let flag = match arg.strip_prefix("--") {
            Some(name) => command.flag(name.split('=').next().unwrap_or(name)),
            None if arg.len() == 2 => arg.strip_prefix('-').and_then(|l| command.flag_by_letter(l.chars().next()?)),
            None => None,
        };
        if !arg.starts_with('-') || arg == "-" {
            out.push(at);
        }
        at += if !arg.contains('=') && flag.is_some_and(|f| f.needs_value()) { 2 } else { 1 };
    }
    out
}

/// Finds the command behind its flags, and parses the rest by them.
pub fn parse(mut args: Vec<String>, ctx: &Ctx<'_>) -> Result<Call, Refusal> {
    let nothing = Command { path: "", about: "", usage: None, aliases: Vec::new(), flags: Vec::new() };
    let Some(at) = operands(&args, &nothing).first().copied() else {
        if let Err(error) = flags::parse(&args, &nothing) {
            return Err(Refusal::error(format!("error: {error}\nSee 'kubectl --help' for usage.\n"), None));
        }
        return Err(Refusal::help(help::overview()));
    };
    let name = args.remove(at);
    if name == "options" {
        return Err(Refusal::help(help::options(&ctx.state.home())));
    }
    if name == "help" {
        return Err(topic(&args));
    }
    let (Some(verb), Some(mut command)) = (find(&name), commands::find(&name)) else {
        return Err(unknown(&name, ctx));
    };
    let mut words: Vec<String> = Vec::new();
    while let Some(at) = operands(&args, &command).first().copied()
        && let Some(below) = args.get(at).and_then(|w| command.subcommand(w))
    {
        args.remove(at);
        words.push(below.name().to_owned());
        command = below;
    }
    if command.usage.is_none() {
        // What is not simulated says so, whatever its flags are.
        if args.iter().any(|a| a == "--help" || a == "-h") {
            return Err(Refusal::help(help::command(&command)));
        }
        return Ok(Call {
            verb,
            command,
            args,
            flags: Default::default(),
            stdin: String::new(),
            built: None,
            target: Default::default(),
        });
    }
    let (mut operands, flags) = flags::parse(&args, &command).map_err(|error| {
        let hint =
            error.strip_prefix("unknown flag: --").and_then(|flag| {
                let near =
                    command.flags.iter().chain(&commands::globals()).map(|f| f.name).find(|f| {
                        f.starts_with(flag) || crate::tools::distance(flag, f) <= if flag.len() <= 4 { 1 } else { 2 }
                    })?;
                Some(match ctx.state.options.lang {
                    Lang::En => format!("did you mean --{near}?"),
                    Lang::Ko => format!("혹시 --{near}인가요?"),
                })
            });
        Refusal::error(format!("error: {error}\nSee 'kubectl {} --help' for usage.\n", command.path), hint)
    })?;
    if flags.on("help") {
        return Err(Refusal::help(help::command(&command)));
    }
    if let Some(flag) = flags.names().find(|f| !verb.has(f) && *f != "short") {
        return Err(Refusal::error(format!("error: --{flag} of kubectl {} is not simulated\n", command.path), None));
    }
    let target = match LOCAL_FILE.contains(&verb.name) {
        true => Default::default(),
        false => kubeconfig::target(&flags, ctx.state).map_err(|error| Refusal::error(format!("{error}\n"), None))?,
    };
    // A command that only holds others prints its help; `create`, `apply` and `cluster-info` have forms of their own.
    if !matches!(command.path, "create" | "apply" | "cluster-info") && !command.subcommands().is_empty() {
        if operands.is_empty() {
            return Err(Refusal::help(help::command(&command)));
        }
        let unknown = operands.join(" ");
        let text = format!("error: unknown command \"{unknown}\"\nSee 'kubectl {} -h' for help and examples\n", command.path);
        return Err(Refusal::error(text, None));
    }
    words.append(&mut operands);
    Ok(Call { verb, command, args: words, flags, stdin: String::new(), built: None, target })
}

/// `kubectl help WORDS`.
fn topic(words: &[String]) -> Refusal {
    let Some((first, rest)) = words.split_first() else {
        return Refusal::help(help::overview());
    };
    match commands::find(first) {
        None => Refusal { chunks: vec![(Stream::Stderr, help::unknown_topic(words))], exit: 0 },
        Some(found) => {
            let below = rest.first().and_then(|w| found.subcommand(w));
            Refusal::help(help::command(&below.unwrap_or(found)))
        }
    }
}

/// Cobra's words for a verb that does not exist: suggestions by edit distance up to two, and by prefix.
fn unknown(name: &str, ctx: &Ctx<'_>) -> Refusal {
    let mut suggestions: Vec<&str> = VERBS
        .iter()
        .map(|v| v.name)
        .filter(|v| crate::tools::distance(name, v) <= 2 || v.to_lowercase().starts_with(&name.to_lowercase()))
        .collect();
    // Cobra lists commands in the order in which kubectl adds them: `set` comes before `get`.
    suggestions.order_by_key(|v| usize::from(*v != "set"));
    // The recorded build of 1.32 begins so, which picks the client of the server's version.
    let error = if super::client(ctx) == 32 { "Error" } else { "error" };
    let mut text = format!("{error}: unknown command \"{name}\" for \"kubectl\"\n");
    if !suggestions.is_empty() {
        text.push_str("\nDid you mean this?\n");
        for s in &suggestions {
            text.push_str(&format!("\t{s}\n"));
        }
    }
    let hint = if suggestions.is_empty() && objects::Kind::parse(name, super::api(ctx)).is_some() {
        Some(match ctx.state.options.lang {
            Lang::En => format!("name what to do first: kubectl get {name}"),
            Lang::Ko => format!("할 일을 먼저 적으세요: kubectl get {name}"),
        })
    } else {
        near(name, VERBS.iter().map(|v| v.name)).filter(|_| suggestions.is_empty()).map(|n| format!("kubectl {n}"))
    };
    Refusal::error(text, hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every command of kubectl has a row, and every flag of a row is a flag of the command or of one below it.
    #[test]
    fn the_two_tables_agree() {
        let others = ["options"];
        for command in commands::top() {
            assert!(find(command.name()).is_some() || others.contains(&command.name()), "{}", command.path);
        }
        for verb in VERBS {
            let mut all = vec![commands::find(verb.name).unwrap()];
            for depth in 0..3 {
                let below: Vec<Command> = all.iter().skip(depth).flat_map(Command::subcommands).collect();
                all.extend(below);
            }
            for flag in verb.flags {
                let known = all.iter().any(|c| c.flag(flag).is_some());
                assert!(known, "--{flag} of {}", verb.name);
            }
        }
    }
}
