//! stern: the logs of all pods whose name matches, with those that come later.
//! Source: stern/stern cmd/cmd.go and stern/{stern,target,tail,tail_utils}.go, v1.34.

use super::{Refusal, pattern};
use crate::kubectl::{Command, Flag, Takes, current_namespace, label_selector, parse_flags};
use crate::run::{Ctx, Io, Program, Step};
use engine::Snapshot;
use engine::logs::LogLine;
use objects::selector::{Expression, Operator};
use objects::{DocExt, Kind, Object, Value, json};
use regex_lite::Regex;
use std::sync::Arc;

const fn flag(name: &'static str, short: Option<char>, takes: Takes, default: &'static str, about: &'static str) -> Flag {
    let ty = match takes {
        Takes::Bool => "bool",
        Takes::Int => "int",
        Takes::Duration => "duration",
        Takes::List => "strings",
        Takes::Each => "stringArray",
        Takes::Text => "string",
    };
    Flag { name, short, takes, ty, bare: None, default, hidden: false, about }
}

/// Those of stern's flags that do here what they do there.
const FLAGS: &[Flag] = &[
    flag("all-namespaces", Some('A'), Takes::Bool, "false", "the pods of all namespaces"),
    flag("color", None, Takes::Text, "auto", "always, never, or auto"),
    flag("container", Some('c'), Takes::Text, ".*", "names of containers (regular expression)"),
    flag("container-state", None, Takes::List, "all", "running, waiting, terminated, or all"),
    flag("exclude", Some('e'), Takes::Each, "", "lines to leave out (regular expression)"),
    flag("exclude-container", Some('E'), Takes::Each, "", "containers to leave out (regular expression)"),
    flag("exclude-pod", None, Takes::Each, "", "pods to leave out (regular expression)"),
    flag("include", Some('i'), Takes::Each, "", "lines to print (regular expression)"),
    flag("init-containers", None, Takes::Bool, "true", "init containers too"),
    flag("max-log-requests", None, Takes::Int, "-1", "most logs at a time: 50, with --no-follow 5"),
    flag("namespace", Some('n'), Takes::List, "", "namespaces; that of the context if left out"),
    flag("no-follow", None, Takes::Bool, "false", "end when all logs have been shown"),
    flag("only-log-lines", None, Takes::Bool, "false", "say nothing of pods that come and go"),
    flag("output", Some('o'), Takes::Text, "default", "default, raw or json"),
    flag("selector", Some('l'), Takes::Text, "", "label selector"),
    flag("since", Some('s'), Takes::Duration, "48h0m0s", "lines newer than this"),
    flag("tail", None, Takes::Int, "-1", "lines of the past from each container; -1 for all"),
    flag("timestamps", Some('t'), Takes::Bool, "false", "when each line was written"),
    flag("version", Some('v'), Takes::Bool, "false", "the version"),
];

fn usage() -> String {
    let rows: Vec<(String, &str)> = FLAGS
        .iter()
        .map(|f| {
            let letter = f.short.map_or("    ".to_owned(), |c| format!("-{c}, "));
            let value = if f.takes == Takes::Bool { String::new() } else { format!(" {}", f.ty) };
            (format!("  {letter}--{}{value}", f.name), f.about)
        })
        .collect();
    let width = rows.iter().map(|(head, _)| head.len()).max().unwrap_or(0);
    let rows: String = rows.iter().map(|(head, about)| format!("{head:width$}   {about}\n")).collect();
    format!("Usage:\n  stern pod-query [flags]\n\nFlags:\n{rows}")
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Default,
    Raw,
    Json,
}

/// A container whose log is told.
#[derive(Debug)]
struct Target {
    pod: Arc<Object>,
    container: String,
}

#[derive(Debug)]
struct Stern {
    pod: Regex,
    without_pods: Vec<Regex>,
    container: Regex,
    without_containers: Vec<Regex>,
    states: Vec<String>,
    init: bool,
    labels: Vec<Expression>,
    /// `None` for all.
    namespaces: Option<Vec<String>>,
    include: Vec<Regex>,
    exclude: Vec<Regex>,
    form: Form,
    with_namespace: bool,
    timestamps: bool,
    quiet: bool,
    follow: bool,
    since_ms: i64,
    tail: Option<usize>,
    most: usize,
    begun: bool,
    targets: Vec<Target>,
    /// The newest line there was at the last look.
    last: Option<Arc<LogLine>>,
}

pub fn build(args: Vec<String>, ctx: &Ctx<'_>) -> Result<Box<dyn Program>, Refusal> {
    let command = Command { path: "stern", about: "", usage: None, aliases: Vec::new(), flags: FLAGS.to_vec() };
    let misused = |why: &str| Refusal::new(1, format!("Error: {why}\n{}", usage().trim_end()));
    let wrong = |why: String| Refusal::new(1, format!("Error: {why}"));
    let (operands, flags) = parse_flags(&args, &command).map_err(|why| misused(&why))?;
    if flags.on("help") {
        let text = format!("Tail multiple pods and containers from Kubernetes\n\n{}", usage());
        return Ok(Box::new(super::Say(vec![(crate::Stream::Stdout, text)], 0)));
    }
    if flags.on("version") {
        return Ok(Box::new(super::Say(vec![(crate::Stream::Stdout, "version: 1.34.0\n".to_owned())], 0)));
    }
    let selector = flags.text("selector").unwrap_or_default();
    let query = operands.first().map(String::as_str);
    let follow = !flags.on("no-follow");
    let tail = flags.int("tail").unwrap_or(-1);
    match query {
        None if selector.is_empty() => {
            return Err(misused("One of pod-query, --selector, --field-selector, --prompt or --stdin is required"));
        }
        Some(query) if query.contains('/') && !selector.is_empty() => {
            return Err(misused("--selector and the <resource>/<name> query cannot be set at the same time"));
        }
        _ if !follow && tail == 0 => return Err(misused("--no-follow cannot be used with --tail=0")),
        _ => {}
    }
    let regex = |text: &str, what: &str| {
        let compiled = pattern::compile(text, pattern::Syntax::Extended, false, false);
        compiled.map_err(|why| wrong(format!("failed to compile regular expression {what}: {why}: `{text}`")))
    };
    let many = |name: &str, what: &str| -> Result<Vec<Regex>, Refusal> {
        flags.list(name).iter().map(|text| regex(text, what)).collect()
    };
    let mut labels =
        label_selector(selector).map_err(|why| wrong(format!("failed to parse selector as label selector: {why}")))?;
    let namespaces = match flags.list("namespace") {
        _ if flags.on("all-namespaces") => None,
        [] => Some(vec![current_namespace(ctx.state)]),
        given => Some(given.to_vec()),
    };
    let mut pod = query.unwrap_or_default().to_owned();
    if let Some((kind, name)) = query.and_then(|q| q.split_once('/')) {
        let snapshot = ctx.session.snapshot();
        match Kind::parse(kind, snapshot.profile.api()) {
            Some(Kind::Pod) => pod = format!("^{name}$"),
            Some(kind) => {
                let of = of_resource(kind, name, namespaces.as_deref(), &snapshot).map_err(wrong)?;
                labels.extend(of);
                pod = String::new();
            }
            None => return Err(wrong(format!("resource type {kind} is not supported"))),
        }
    }
    let form = match flags.text("output").unwrap_or("default") {
        "default" => Form::Default,
        "raw" => Form::Raw,
        "json" => Form::Json,
        form @ ("extjson" | "ppextjson") => return Err(wrong(format!("--output {form} is not simulated: use json"))),
        _ => return Err(wrong("output should be one of 'default', 'raw', 'json', 'extjson', and 'ppextjson'".to_owned())),
    };
    let states = match flags.list("container-state") {
        [] => vec!["all".to_owned()],
        given => given.to_vec(),
    };
    if states.iter().any(|s| !matches!(s.as_str(), "running" | "waiting" | "terminated" | "all")) {
        return Err(wrong("containerState should be one of 'running', 'waiting', 'terminated', or 'all'".to_owned()));
    }
    if !matches!(flags.text("color").unwrap_or("auto"), "always" | "never" | "auto") {
        return Err(wrong("color should be one of 'always', 'never', or 'auto'".to_owned()));
    }
    let most = flags.int("max-log-requests").and_then(|n| usize::try_from(n).ok());
    Ok(Box::new(Stern {
        pod: regex(&pod, "from query")?,
        without_pods: many("exclude-pod", "for excluded pod query")?,
        container: regex(flags.text("container").unwrap_or(".*"), "for container query")?,
        without_containers: many("exclude-container", "for excluded container query")?,
        states,
        init: flags.on_by_default("init-containers"),
        labels,
        with_namespace: namespaces.as_ref().is_none_or(|n| n.len() > 1),
        namespaces,
        include: many("include", "for inclusion filter")?,
        exclude: many("exclude", "for exclusion filter")?,
        form,
        timestamps: flags.on("timestamps"),
        quiet: flags.on("only-log-lines"),
        follow,
        since_ms: flags.duration("since").unwrap_or(48 * 3_600_000),
        tail: usize::try_from(tail).ok(),
        most: most.unwrap_or(if follow { 50 } else { 5 }),
        begun: false,
        targets: Vec::new(),
        last: None,
    }))
}

/// The labels of a workload's pods.
fn of_resource(kind: Kind, name: &str, namespaces: Option<&[String]>, snapshot: &Snapshot) -> Result<Vec<Expression>, String> {
    let within = |o: &&Arc<Object>| namespaces.is_none_or(|n| n.contains(&o.meta.namespace));
    let found = snapshot.store.list(kind).filter(within).find(|o| o.meta.name == name);
    let found = found.ok_or_else(|| format!("{} \"{name}\" not found", kind.resource()))?;
    let path = if kind == Kind::Service { "spec.selector" } else { "spec.template.metadata.labels" };
    let labels = found.doc.strings_at(path);
    if labels.is_empty() {
        return Err(format!("resource {}/{name} has no labels to select", kind.name().to_lowercase()));
    }
    let is = |(key, value)| Expression { key, operator: Operator::In, values: vec![value], min_values: None };
    Ok(labels.into_iter().map(is).collect())
}

impl Stern {
    /// The containers that match and have a log.
    fn targets(&self, snapshot: &Snapshot) -> Vec<Target> {
        let mut out = Vec::new();
        for pod in snapshot.store.list(Kind::Pod) {
            let wanted = self.namespaces.as_ref().is_none_or(|n| n.contains(&pod.meta.namespace))
                && self.pod.is_match(&pod.meta.name)
                && !self.without_pods.iter().any(|r| r.is_match(&pod.meta.name))
                && self.labels.iter().all(|e| e.matches(&pod.meta.labels));
            if !wanted {
                continue;
            }
            let init = pod.doc.list_at("status.initContainerStatuses").iter().filter(|_| self.init);
            for status in init.chain(pod.doc.list_at("status.containerStatuses")) {
                let name = status.str_at("name").unwrap_or_default();
                let state = ["running", "terminated"].into_iter().find(|s| status.at("state").at(s).is_object());
                let Some(state) = state else { continue };
                if self.container.is_match(name)
                    && !self.without_containers.iter().any(|r| r.is_match(name))
                    && self.states.iter().any(|s| s == "all" || s == state)
                {
                    out.push(Target { pod: pod.clone(), container: name.to_owned() });
                }
            }
        }
        out
    }

    fn tell(&self, sign: char, target: &Target, io: &mut Io<'_>) {
        if self.quiet {
            return;
        }
        let meta = &target.pod.meta;
        let namespace = if self.with_namespace { format!("{} ", meta.namespace) } else { String::new() };
        io.err(&format!("{sign} {namespace}{} › {}\n", meta.name, target.container));
    }

    fn print(&self, line: &Arc<LogLine>, target: &Target, snapshot: &Snapshot, io: &mut Io<'_>, ctx: &mut Ctx<'_>) {
        let text = &line.text;
        if self.exclude.iter().any(|r| r.is_match(text))
            || !(self.include.is_empty() || self.include.iter().any(|r| r.is_match(text)))
        {
            return;
        }
        ctx.logs.insert(text.clone(), line.clone());
        let mut message = text.clone();
        if self.timestamps {
            let at = objects::time::rfc3339_ms(snapshot.epoch_ms.saturating_add_unsigned(line.at.0));
            message = format!("{}000000Z {message}", at.trim_end_matches('Z'));
        }
        let meta = &target.pod.meta;
        let namespace = if self.with_namespace { format!("{} ", meta.namespace) } else { String::new() };
        io.out(&match self.form {
            Form::Raw => format!("{message}\n"),
            Form::Default => format!("{namespace}{} {} {message}\n", meta.name, target.container),
            Form::Json => format!("{}\n", self.as_json(&message, target)),
        });
    }

    /// In the order of stern's own type.
    fn as_json(&self, message: &str, target: &Target) -> String {
        let pod = &target.pod;
        let map = |path: &str| pod.doc.at(path).clone();
        let fields = [
            ("message", json!(message)),
            ("nodeName", json!(pod.doc.str_at("spec.nodeName").unwrap_or_default())),
            ("namespace", json!(pod.meta.namespace)),
            ("podName", json!(pod.meta.name)),
            ("containerName", json!(target.container)),
            ("labels", map("metadata.labels")),
            ("annotations", map("metadata.annotations")),
        ];
        let fields = fields.iter().map(|(name, value): &(&str, Value)| format!("\"{name}\":{}", objects::json::as_go(value)));
        format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
    }
}

fn is_of(line: &LogLine, target: &Target) -> bool {
    let meta = &target.pod.meta;
    line.container == target.container && line.pod.split_once('/') == Some((meta.namespace.as_str(), meta.name.as_str()))
}

impl Program for Stern {
    fn step(&mut self, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Step {
        let snapshot = ctx.session.snapshot();
        let now = self.targets(&snapshot);
        let is_same = |a: &Target, b: &Target| a.pod.meta.uid == b.pod.meta.uid && a.container == b.container;
        let (stay, gone): (Vec<Target>, Vec<Target>) =
            std::mem::take(&mut self.targets).into_iter().partition(|t| now.iter().any(|n| is_same(n, t)));
        // New lines of those that were there already, the last ones of those that have gone among them.
        let seen = match &self.last {
            None => 0,
            Some(last) => match snapshot.logs.iter().rposition(|l| Arc::ptr_eq(l, last)) {
                Some(at) => at + 1,
                None => snapshot.logs.partition_point(|l| l.at <= last.at),
            },
        };
        for line in snapshot.logs.iter().skip(seen).filter(|_| self.begun) {
            if let Some(target) = stay.iter().chain(&gone).find(|t| is_of(line, t)) {
                self.print(line, target, &snapshot, io, ctx);
            }
        }
        for target in &gone {
            self.tell('-', target, io);
        }
        let since = snapshot.unix_ms() - self.since_ms;
        let mut told = stay.len();
        for target in now.iter().filter(|n| !stay.iter().any(|t| is_same(n, t))) {
            told += 1;
            if self.follow && told > self.most {
                io.err(&format!(
                    "Error: stern reached the maximum number of log requests ({}), use --max-log-requests to increase the \
                     limit\n",
                    self.most
                ));
                return Step::Done(1);
            }
            self.tell('+', target, io);
            let lines: Vec<&Arc<LogLine>> = snapshot
                .logs
                .iter()
                .filter(|l| is_of(l, target) && snapshot.epoch_ms.saturating_add_unsigned(l.at.0) >= since)
                .collect();
            let skip = self.tail.map_or(0, |n| lines.len().saturating_sub(n));
            for line in lines.into_iter().skip(skip) {
                self.print(line, target, &snapshot, io, ctx);
            }
            if !self.follow {
                self.tell('-', target, io);
            }
        }
        if !self.follow {
            return Step::Done(0);
        }
        self.begun = true;
        self.targets = now;
        self.last = snapshot.logs.last().cloned();
        *ctx.follows = true;
        Step::Wait(None)
    }
}
