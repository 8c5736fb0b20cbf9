//! The table of verbs, and the way from arguments to a call.

use super::{Call, Fail, Next, flags};
use super::{
    apply, create, delete, describe, drain, edit, events, explain, get, help, info, label, logs, patch, rollout, scale, set,
    taint, wait,
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
}

pub struct Verb {
    pub name: &'static str,
    pub about: &'static str,
    /// Heading in `kubectl --help`.
    pub group: &'static str,
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
    ($($group:literal: { $($name:literal $about:literal $operands:expr, $flags:expr, $run:expr;)* })*) => {
        /// Every verb, in the order of kubectl's help.
        pub static VERBS: &[Verb] = &[$($(
            Verb { name: $name, about: $about, group: $group, flags: &$flags, operands: $operands, run: $run },
        )*)*];
    };
}

use Operands::{Fields, KindAndNames, Nodes, Nothing, Pods, Words};

verbs! {
    "Basic Commands (Beginner)": {
        "create" "Create a resource from a file or from stdin" Words(create::WORDS),
            ["filename", "dry-run", "output", "validate", "image", "replicas", "port", "selector", "min-available",
             "max-unavailable", "save-config", "field-manager", "recursive", "kustomize", "record", "from-literal", "value",
             "tcp", "class"], create::run;
        "expose" "Take a replication controller, service, deployment or pod and expose it as a new Kubernetes service"
            KindAndNames, ["port", "target-port", "name", "type", "dry-run", "output", "selector"], create::expose;
        "run" "Run a particular image on the cluster" Nothing,
            ["image", "port", "env", "labels", "dry-run", "output", "restart", "rm", "stdin", "tty", "overrides", "requests",
             "limits"], create::run_pod;
        "set" "Set specific features on objects" Words(set::WORDS),
            ["dry-run", "output", "containers", "requests", "limits", "selector", "all", "filename", "env"], set::run;
    }
    "Basic Commands (Intermediate)": {
        "explain" "Get documentation for a resource" Fields, ["recursive", "output"], explain::run;
        "get" "Display one or many resources" KindAndNames,
            ["all-namespaces", "selector", "field-selector", "label-columns", "show-labels", "show-kind", "no-headers", "output",
             "watch", "watch-only", "output-watch-events", "sort-by", "ignore-not-found", "chunk-size", "filename", "raw",
             "show-managed-fields", "server-print", "template", "recursive", "kustomize", "subresource"], get::run;
        "edit" "Edit a resource on the server" KindAndNames,
            ["filename", "output", "field-manager", "output-patch", "recursive", "save-config", "subresource", "validate",
             "windows-line-endings"], edit::run;
        "delete" "Delete resources by file names, stdin, resources and names, or by resources and label selector" KindAndNames,
            ["filename", "selector", "all", "all-namespaces", "field-selector", "wait", "grace-period", "force", "now",
             "ignore-not-found", "cascade", "dry-run", "output", "timeout", "recursive", "kustomize"], delete::run;
    }
    "Deploy Commands": {
        "rollout" "Manage the rollout of a resource" Words(rollout::WORDS),
            ["watch", "timeout", "revision", "to-revision", "selector", "filename", "output", "dry-run"], rollout::run;
        "scale" "Set a new size for a deployment, replica set, or replication controller" KindAndNames,
            ["replicas", "current-replicas", "filename", "selector", "all", "dry-run", "output", "timeout", "resource-version",
             "record", "recursive"], scale::run;
        "autoscale" "Auto-scale a deployment, replica set, stateful set, or replication controller" KindAndNames,
            ["min", "max", "cpu-percent", "name", "dry-run", "output"], create::autoscale;
    }
    "Cluster Management Commands": {
        "certificate" "Modify certificate resources" Nothing, [], info::unsupported;
        "cluster-info" "Display cluster information" Nothing, [], info::cluster_info;
        "top" "Display resource (CPU/memory) usage" Words(&["node", "pod"]),
            ["containers", "selector", "all-namespaces", "sort-by", "no-headers"], info::top;
        "cordon" "Mark node as unschedulable" Nodes, ["selector", "dry-run"], drain::cordon;
        "uncordon" "Mark node as schedulable" Nodes, ["selector", "dry-run"], drain::uncordon;
        "drain" "Drain node in preparation for maintenance" Nodes,
            ["ignore-daemonsets", "delete-emptydir-data", "force", "grace-period", "timeout", "selector", "pod-selector",
             "disable-eviction", "dry-run", "skip-wait-for-delete-timeout", "ignore-errors", "chunk-size"], drain::drain;
        "taint" "Update the taints on one or more nodes" KindAndNames,
            ["overwrite", "selector", "all", "dry-run", "output", "validate"], taint::run;
    }
    "Troubleshooting and Debugging Commands": {
        "describe" "Show details of a specific resource or group of resources" KindAndNames,
            ["all-namespaces", "selector", "show-events", "filename", "chunk-size", "recursive"], describe::run;
        "logs" "Print the logs for a container in a pod" Pods,
            ["follow", "selector", "container", "all-containers", "tail", "since", "since-time", "prefix", "previous",
             "timestamps", "max-log-requests", "ignore-errors", "limit-bytes", "pod-running-timeout"], logs::run;
        "attach" "Attach to a running container" Pods, ["container", "stdin", "tty"], info::unsupported;
        "exec" "Execute a command in a container" Pods, ["container", "stdin", "tty", "filename"], info::unsupported;
        "port-forward" "Forward one or more local ports to a pod" Pods, [], info::unsupported;
        "proxy" "Run a proxy to the Kubernetes API server" Nothing, ["port"], info::unsupported;
        "cp" "Copy files and directories to and from containers" Nothing, ["container"], info::unsupported;
        "auth" "Inspect authorization" Words(&["can-i", "whoami"]), ["all-namespaces", "list", "output"], info::auth;
        "debug" "Create debugging sessions for troubleshooting workloads and nodes" Pods,
            ["image", "stdin", "tty", "container"], info::unsupported;
        "events" "List events" Nothing,
            ["all-namespaces", "for", "types", "watch", "no-headers", "output", "chunk-size"], events::run;
    }
    "Advanced Commands": {
        "diff" "Diff the live version against a would-be applied version" Nothing, ["filename", "selector"], info::unsupported;
        "apply" "Apply a configuration to a resource by file name or stdin" Nothing,
            ["filename", "dry-run", "output", "validate", "wait", "force", "server-side", "prune", "selector", "all", "overwrite",
             "record", "recursive", "kustomize", "field-manager", "grace-period", "cascade", "timeout"], apply::run;
        "patch" "Update fields of a resource" KindAndNames,
            ["patch", "patch-file", "type", "dry-run", "output", "filename", "record", "subresource"], patch::run;
        "replace" "Replace a resource by file name or stdin" Nothing,
            ["filename", "force", "dry-run", "output", "validate", "save-config", "grace-period", "cascade", "timeout", "wait",
             "recursive"], apply::replace;
        "wait" "Wait for a specific condition on one or many resources" KindAndNames,
            ["for", "timeout", "selector", "all", "all-namespaces", "field-selector", "filename", "output"], wait::run;
        "kustomize" "Build a kustomization target from a directory or URL" Nothing, [], info::unsupported;
    }
    "Settings Commands": {
        "label" "Update the labels on a resource" KindAndNames,
            ["overwrite", "all", "all-namespaces", "selector", "field-selector", "list", "dry-run", "output", "filename",
             "resource-version", "record"], label::label;
        "annotate" "Update the annotations on a resource" KindAndNames,
            ["overwrite", "all", "all-namespaces", "selector", "field-selector", "list", "dry-run", "output", "filename",
             "resource-version", "record"], label::annotate;
        "completion" "Output shell completion code for the specified shell (bash, zsh, fish, or powershell)" Nothing, [],
            info::completion;
    }
    "Other Commands": {
        "api-resources" "Print the supported API resources on the server" Nothing,
            ["api-group", "namespaced", "no-headers", "output", "sort-by", "verbs"], info::api_resources;
        "api-versions" "Print the supported API versions on the server, in the form of \"group/version\"" Nothing, [],
            info::api_versions;
        "config" "Modify kubeconfig files" Words(info::CONFIG_WORDS), ["current", "minify", "flatten", "output", "no-headers"],
            info::config;
        "plugin" "Provides utilities for interacting with plugins" Nothing, [], info::unsupported;
        "version" "Print the client and server version information" Nothing, ["client", "output", "short"], info::version;
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

/// Finds the verb behind global flags, and parses the rest by its flags.
pub fn parse(args: Vec<String>, ctx: &Ctx<'_>) -> Result<Call, Refusal> {
    let mut at = 0;
    while let Some(arg) = args.get(at).filter(|a| a.starts_with('-')) {
        let takes_value = !arg.contains('=')
            && match arg.strip_prefix("--") {
                Some(name) => flags::GLOBAL.contains(&name) && name != "help",
                None => arg == "-n",
            };
        at += if takes_value { 2 } else { 1 };
    }
    let Some(name) = args.get(at) else {
        if let Err(error) = flags::parse(&args, &[]) {
            return Err(Refusal::error(format!("error: {error}\nSee 'kubectl --help' for usage.\n"), None));
        }
        return Err(Refusal::help(help::overview()));
    };
    if matches!(name.as_str(), "help" | "options") {
        let about = args.get(at + 1).and_then(|n| find(n));
        return Err(Refusal::help(about.map_or_else(help::overview, help::verb)));
    }
    let Some(verb) = find(name) else {
        return Err(unknown(name, ctx));
    };
    let mut rest: Vec<String> = args;
    rest.remove(at);
    let (operands, flags) = flags::parse(&rest, verb.flags).map_err(|error| {
        let hint =
            error.strip_prefix("unknown flag: --").and_then(|flag| {
                let near =
                    verb.flags.iter().chain(flags::GLOBAL).copied().find(|f| {
                        f.starts_with(flag) || crate::tools::distance(flag, f) <= if flag.len() <= 4 { 1 } else { 2 }
                    })?;
                Some(match ctx.state.options.lang {
                    Lang::En => format!("did you mean --{near}?"),
                    Lang::Ko => format!("혹시 --{near}인가요?"),
                })
            });
        Refusal::error(format!("error: {error}\nSee 'kubectl {} --help' for usage.\n", verb.name), hint)
    })?;
    if flags.on("help") {
        return Err(Refusal::help(help::verb(verb)));
    }
    Ok(Call { verb, args: operands, flags, stdin: String::new() })
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
    let mut text = format!("error: unknown command \"{name}\" for \"kubectl\"\n");
    if !suggestions.is_empty() {
        text.push_str("\nDid you mean this?\n");
        for s in &suggestions {
            text.push_str(&format!("\t{s}\n"));
        }
    }
    let hint = if suggestions.is_empty() && objects::Kind::parse(name, super::era(ctx)).is_some() {
        Some(match ctx.state.options.lang {
            Lang::En => format!("name what to do first: kubectl get {name}"),
            Lang::Ko => format!("할 일을 먼저 적으세요: kubectl get {name}"),
        })
    } else {
        near(name, VERBS.iter().map(|v| v.name)).filter(|_| suggestions.is_empty()).map(|n| format!("kubectl {n}"))
    };
    Refusal::error(text, hint)
}
