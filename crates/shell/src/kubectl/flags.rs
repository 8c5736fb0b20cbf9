//! The table of flags, and parsing by the rules of spf13/pflag: flags anywhere, `--` ends them, `-n5` and `-n=5`,
//! short booleans in one cluster. Error texts are pflag's.

use objects::collections::VecMap;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    Bool,
    Text,
    Int,
    /// A Go duration.
    Duration,
    /// Comma-separated, and may be repeated.
    List,
    /// May be repeated, commas are part of the value.
    Each,
    /// A value that may be left out (`--dry-run`, `--validate`); the text is what it then is.
    Optional(&'static str),
}

#[derive(Debug)]
pub struct Flag {
    pub name: &'static str,
    pub short: Option<char>,
    pub takes: Takes,
    /// A sentence for help and completion.
    pub about: &'static str,
}

impl Flag {
    /// Whether a value has to follow.
    pub fn needs_value(&self) -> bool {
        !matches!(self.takes, Takes::Bool | Takes::Optional(_))
    }
}

macro_rules! flags {
    ($($name:literal $short:tt $takes:expr, $about:literal;)*) => {
        /// Every flag of every verb, by name.
        pub static FLAGS: &[Flag] = &[$(Flag { name: $name, short: flags!(@ $short), takes: $takes, about: $about }),*];
    };
    (@ -) => { None };
    (@ $c:literal) => { Some($c) };
}

use Takes::{Bool, Duration, Each, Int, List, Optional, Text};

flags! {
    "all" - Bool, "Select all resources in the namespace of the specified resource types.";
    "all-containers" - Bool, "Get all containers' logs in the pod(s).";
    "all-namespaces" 'A' Bool, "List the requested object(s) across all namespaces.";
    "api-group" - Text, "Limit to resources in the specified API group.";
    "cascade" - Optional("background"), "Must be \"background\", \"orphan\", or \"foreground\".";
    "chunk-size" - Int, "Return large lists in chunks rather than all at once.";
    "client" - Bool, "If true, shows client version only (no server required).";
    "container" 'c' Text, "Print the logs of this container.";
    "containers" 'c' Text, "The names of containers in the selected pod templates to change.";
    "context" - Text, "The name of the kubeconfig context to use.";
    "current" - Bool, "Modify the current context.";
    "current-replicas" - Int, "Precondition for current size.";
    "delete-emptydir-data" - Bool, "Continue even if there are pods using emptyDir.";
    "disable-eviction" - Bool, "Force drain to use delete, even if eviction is supported.";
    "dry-run" - Optional("unchanged"), "Must be \"none\", \"server\", or \"client\".";
    "env" - Each, "Environment variables to set in the container.";
    "field-manager" - Text, "Name of the manager used to track field ownership.";
    "field-selector" - Text, "Selector (field query) to filter on, supports '=', '==', and '!='.";
    "filename" 'f' List, "Filename, directory, or URL to files.";
    "follow" 'f' Bool, "Specify if the logs should be streamed.";
    "for" - Each, "The condition to wait on, or the object whose events to show.";
    "force" - Bool, "Continue even if there are pods that do not declare a controller; or delete immediately.";
    "grace-period" - Int, "Period of time in seconds given to the resource to terminate gracefully.";
    "help" 'h' Bool, "Help for the command.";
    "ignore-daemonsets" - Bool, "Ignore DaemonSet-managed pods.";
    "ignore-errors" - Bool, "If watching / following pod logs, allow for any errors that occur to be non-fatal.";
    "ignore-not-found" - Bool, "Treat \"resource not found\" as a successful delete or get.";
    "image" - Each, "The image for the container to run.";
    "kubeconfig" - Text, "Path to the kubeconfig file to use for CLI requests.";
    "kustomize" 'k' Text, "Process the kustomization directory.";
    "label-columns" 'L' List, "Accepts a comma separated list of labels that are going to be presented as columns.";
    "labels" 'l' Text, "Comma separated labels to apply to the pod.";
    "limit-bytes" - Int, "Maximum bytes of logs to return.";
    "limits" - Text, "The resource requirement limits for this container.";
    "list" - Bool, "If true, display the labels for a given resource.";
    "max-log-requests" - Int, "Maximum number of concurrent logs to follow when using by a selector.";
    "max-unavailable" - Text, "The maximum number or percentage of unavailable pods this budget requires.";
    "min-available" - Text, "The minimum number or percentage of available pods this budget requires.";
    "name" - Text, "The name for the newly created object.";
    "namespace" 'n' Text, "If present, the namespace scope for this CLI request.";
    "namespaced" - Bool, "If false, non-namespaced resources will be returned.";
    "no-headers" - Bool, "When using the default or custom-column output format, don't print headers.";
    "now" - Bool, "If true, resources are signaled for immediate shutdown.";
    "output" 'o' Text, "Output format.";
    "output-patch" - Bool, "Output the patch if the resource is edited.";
    "output-watch-events" - Bool, "Output watch event objects when --watch is used.";
    "overwrite" - Bool, "If true, allow labels, annotations or taints to be overwritten.";
    "overrides" - Text, "An inline JSON override for the generated object.";
    "patch" 'p' Text, "The patch to be applied to the resource JSON file.";
    "patch-file" - Text, "A file containing a patch to be applied to the resource.";
    "pod-running-timeout" - Duration, "The length of time to wait until at least one pod is running.";
    "pod-selector" - Text, "Label selector to filter pods on the node.";
    "port" - Text, "The port that this container exposes.";
    "prefix" - Bool, "Prefix each log line with the log source.";
    "previous" 'p' Bool, "Print the logs for the previous instance of the container.";
    "prune" - Bool, "Automatically delete resource objects that do not appear in the configs.";
    "raw" - Text, "Raw URI to request from the server.";
    "record" - Optional("true"), "Record current kubectl command in the resource annotation.";
    "recursive" 'R' Bool, "Process the directory used in -f recursively; or print all fields of fields.";
    "replicas" - Int, "The new desired number of replicas.";
    "requests" - Text, "The resource requirement requests for this container.";
    "resource-version" - Text, "Precondition for resource version.";
    "restart" - Text, "The restart policy for this Pod.";
    "revision" - Int, "See the details, including podTemplate, of the revision specified.";
    "rm" - Bool, "Delete the pod after it exits.";
    "save-config" - Bool, "Save the configuration in the annotation.";
    "selector" 'l' Text, "Selector (label query) to filter on, supports '=', '==', '!=', 'in' and 'notin'.";
    "server-print" - Bool, "If true, have the server return the appropriate table output.";
    "server-side" - Bool, "If true, apply runs in the server instead of the client.";
    "short" - Bool, "Print just the version number.";
    "show-events" - Bool, "If true, display events related to the described object.";
    "show-kind" - Bool, "If present, list the resource type for the requested object(s).";
    "show-labels" - Bool, "When printing, show all labels as the last column.";
    "show-managed-fields" - Bool, "If true, keep the managedFields when printing objects.";
    "since" - Duration, "Only return logs newer than a relative duration like 5s, 2m, or 3h.";
    "since-time" - Text, "Only return logs after a specific date (RFC3339).";
    "skip-wait-for-delete-timeout" - Int, "If pod DeletionTimestamp older than N seconds, skip waiting for the pod.";
    "sort-by" - Text, "If non-empty, sort list types using this field specification.";
    "subresource" - Text, "If specified, command will operate on the subresource of the requested object.";
    "tail" - Int, "Lines of recent log file to display.";
    "target-port" - Text, "Name or number for the port on the container that the service should direct traffic to.";
    "tcp" - Each, "Port pairs can be specified as '<port>:<targetPort>'.";
    "template" - Text, "Template string or path to template file.";
    "timeout" - Duration, "The length of time to wait before giving up.";
    "timestamps" - Bool, "Include timestamps on each line in the log output.";
    "to-revision" - Int, "The revision to rollback to.";
    "type" - Text, "The type of patch being provided; one of [json merge strategic].";
    "types" - List, "Output only events of given types.";
    "validate" - Optional("strict"), "Must be one of: strict (or true), warn, ignore (or false).";
    "verbs" - List, "Limit to resources that support the specified verbs.";
    "wait" - Bool, "If true, wait for resources to be gone before returning.";
    "watch" 'w' Bool, "After listing/getting the requested object, watch for changes.";
    "watch-only" - Bool, "Watch for changes to the requested object(s), without listing/getting first.";
    "windows-line-endings" - Bool, "Defaults to the line ending native to your platform.";
    "cpu-percent" - Int, "The target average CPU utilization.";
    "min" - Int, "The lower limit for the number of pods.";
    "max" - Int, "The upper limit for the number of pods.";
    "stdin" 'i' Bool, "Pass stdin to the container.";
    "tty" 't' Bool, "Stdin is a TTY.";
    "class" - Text, "Class of the object.";
    "from-literal" - Each, "Specify a key and literal value to insert.";
    "value" - Int, "The value of this priority class.";
    "flatten" - Bool, "Flatten the resulting kubeconfig file.";
    "minify" - Bool, "Remove all information not used by current-context from the output.";
    "cluster" - Text, "cluster for the context entry in kubeconfig.";
    "user" - Text, "user for the context entry in kubeconfig.";
    "serviceaccount" - Text, "Service account to use.";
}

/// Flags that every verb takes.
pub const GLOBAL: &[&str] = &["namespace", "context", "kubeconfig", "help", "cluster", "user"];

pub fn find(name: &str) -> Option<&'static Flag> {
    FLAGS.iter().find(|f| f.name == name)
}

/// The values given, by flag name.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    values: VecMap<&'static str, Vec<String>>,
}

impl Flags {
    /// Whether a boolean flag is set.
    pub fn on(&self, name: &str) -> bool {
        self.values.get(name).and_then(|v| v.last()).is_some_and(|v| v == "true")
    }

    /// Whether a boolean flag that is on unless told otherwise is on.
    pub fn on_by_default(&self, name: &str) -> bool {
        self.values.get(name).and_then(|v| v.last()).is_none_or(|v| v == "true")
    }

    pub fn given(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name).and_then(|v| v.last()).map(String::as_str)
    }

    pub fn int(&self, name: &str) -> Option<i64> {
        self.text(name).and_then(|v| v.parse().ok())
    }

    /// Milliseconds.
    pub fn duration(&self, name: &str) -> Option<i64> {
        self.text(name).and_then(objects::duration::parse_go_ms)
    }

    pub fn list(&self, name: &str) -> &[String] {
        self.values.get(name).map_or(&[], Vec::as_slice)
    }

    fn set(&mut self, flag: &'static Flag, value: &str) {
        let values = self.values.entry(flag.name).or_default();
        if flag.takes == Takes::List {
            values.extend(value.split(',').filter(|v| !v.is_empty()).map(str::to_owned));
        } else {
            values.push(value.to_owned());
        }
    }
}

/// Splits arguments into operands and flags among `allowed`; the error is pflag's text.
pub fn parse(args: &[String], allowed: &[&str]) -> Result<(Vec<String>, Flags), String> {
    let known = |f: &&'static Flag| allowed.contains(&f.name) || GLOBAL.contains(&f.name);
    let by_name = |name: &str| FLAGS.iter().filter(known).find(|f| f.name == name);
    let by_short = |c: char| FLAGS.iter().filter(known).find(|f| f.short == Some(c));
    let mut operands = Vec::new();
    let mut flags = Flags::default();
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        if arg == "--" {
            operands.extend(rest.by_ref().cloned());
            break;
        }
        if let Some(body) = arg.strip_prefix("--") {
            let (name, value) = body.split_once('=').map_or((body, None), |(n, v)| (n, Some(v)));
            let flag = by_name(name).ok_or_else(|| format!("unknown flag: --{name}"))?;
            let value = match (flag.takes, value) {
                (_, Some(value)) => value.to_owned(),
                (Takes::Bool, None) => "true".to_owned(),
                (Takes::Optional(value), None) => value.to_owned(),
                (_, None) => rest.next().cloned().ok_or_else(|| format!("flag needs an argument: --{name}"))?,
            };
            check(flag, &value)?;
            flags.set(flag, &value);
            continue;
        }
        let Some(letters) = arg.strip_prefix('-').filter(|l| !l.is_empty()) else {
            operands.push(arg.clone());
            continue;
        };
        let mut letters = letters;
        while let Some(letter) = letters.chars().next() {
            let tail = letters.get(letter.len_utf8()..).unwrap_or_default();
            let flag = by_short(letter).ok_or_else(|| format!("unknown shorthand flag: '{letter}' in -{letters}"))?;
            if flag.takes == Takes::Bool {
                if let Some(value) = tail.strip_prefix('=') {
                    check(flag, value)?;
                    flags.set(flag, value);
                    break;
                }
                flags.set(flag, "true");
                letters = tail;
                continue;
            }
            let value = match tail.strip_prefix('=').unwrap_or(tail) {
                "" if !tail.starts_with('=') => {
                    rest.next().cloned().ok_or_else(|| format!("flag needs an argument: '{letter}' in -{letters}"))?
                }
                value => value.to_owned(),
            };
            check(flag, &value)?;
            flags.set(flag, &value);
            break;
        }
    }
    Ok((operands, flags))
}

fn check(flag: &Flag, value: &str) -> Result<(), String> {
    let shown = flag.short.map_or_else(|| format!("--{}", flag.name), |c| format!("-{c}, --{}", flag.name));
    let wrong = |why: String| Err(format!("invalid argument \"{value}\" for \"{shown}\" flag: {why}"));
    match flag.takes {
        Takes::Bool if !matches!(value, "true" | "false") => {
            wrong(format!("strconv.ParseBool: parsing \"{value}\": invalid syntax"))
        }
        Takes::Int if value.parse::<i64>().is_err() => {
            let digits = value.trim_start_matches(['-', '+']);
            let why = if !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit()) {
                "value out of range"
            } else {
                "invalid syntax"
            };
            wrong(format!("strconv.ParseInt: parsing \"{value}\": {why}"))
        }
        Takes::Duration if objects::duration::parse_go_ms(value.trim_start_matches('-')).is_none() => {
            wrong(duration_error(value))
        }
        _ => Ok(()),
    }
}

/// Go's words for a duration that does not parse.
fn duration_error(value: &str) -> String {
    let digits = value.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let unit: String = digits.chars().take_while(|c| !c.is_ascii_digit() && *c != '.').collect();
    if digits.len() == value.len() || value.is_empty() {
        format!("time: invalid duration \"{value}\"")
    } else if unit.is_empty() {
        format!("time: missing unit in duration \"{value}\"")
    } else {
        format!("time: unknown unit \"{unit}\" in duration \"{value}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Operands, and flags with their values.
    type Parsed<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)]);

    fn check(line: &str, allowed: &[&str], want: Result<Parsed<'_>, &str>) {
        let args: Vec<String> = line.split(' ').map(str::to_owned).collect();
        match (parse(&args, allowed), want) {
            (Ok((operands, flags)), Ok((want, values))) => {
                assert_eq!(operands, want, "{line}");
                for (name, value) in values {
                    assert_eq!(flags.list(name).join(","), *value, "{line}");
                }
            }
            (Err(error), Err(want)) => assert_eq!(error, want, "{line}"),
            (got, want) => panic!("{line}: {got:?}, not {want:?}"),
        }
    }

    #[test]
    fn parses_as_pflag_does() {
        let get = &["selector", "output", "watch", "label-columns", "all-namespaces"];
        check("pods -n x -l a=b", get, Ok((&["pods"], &[("namespace", "x"), ("selector", "a=b")])));
        check("-oyaml pods x", get, Ok((&["pods", "x"], &[("output", "yaml")])));
        check("po -Aw -o=wide", get, Ok((&["po"], &[("all-namespaces", "true"), ("watch", "true"), ("output", "wide")])));
        check("no -L a,b -L c", get, Ok((&["no"], &[("label-columns", "a,b,c")])));
        check("a -- -b", get, Ok((&["a", "-b"], &[])));
        check("pods -z", get, Err("unknown shorthand flag: 'z' in -z"));
        check("pods -l", get, Err("flag needs an argument: 'l' in -l"));
        check("pods --replica 5", get, Err("unknown flag: --replica"));
        let scale = &["replicas", "since"];
        check(
            "x --replicas abc",
            scale,
            Err("invalid argument \"abc\" for \"--replicas\" flag: strconv.ParseInt: parsing \"abc\": invalid syntax"),
        );
        check(
            "x --since=5x",
            scale,
            Err("invalid argument \"5x\" for \"--since\" flag: time: unknown unit \"x\" in duration \"5x\""),
        );
    }
}
