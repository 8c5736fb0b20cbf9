//! kubectl: one table of verbs and flags drives the parser, the help and the completion.
//! Words and layouts by recorded outputs of kubectl 1.32 and 1.35; era A speaks as 1.27 does.

mod absent;
mod age;
mod apply;
mod auth;
mod autoscale;
mod change;
mod columns;
mod commands;
mod config;
mod connect;
mod create;
mod delete;
mod describe;
mod diff;
#[cfg(test)]
mod docs;
mod drain;
mod edit;
mod events;
mod explain;
mod flags;
mod generate;
mod get;
mod gotemplate;
mod help;
mod info;
mod jsonpath;
mod kubeconfig;
mod kustomize;
mod label;
mod local;
mod logs;
mod manifest;
mod output;
mod patch;
mod resolve;
mod resources;
mod rollout;
mod scale;
mod selector;
mod set;
mod table;
mod taint;
mod top;
mod verbs;
mod wait;
mod watch;

pub use age::human;
pub use commands::{Command, Flag, Takes, find as command, globals};
pub use flags::parse as parse_flags;
pub use kubeconfig::{Config, contexts, initial as initial_kubeconfig, namespace as current_namespace};
pub use verbs::{Operands, VERBS, Verb};

use crate::run::{Ctx, Io, Program, Step};
use engine::session::{Outcome, Request};
use engine::{Era, SimTime, Snapshot};
use flags::Flags;
use kubeconfig::Target;
use objects::{Api, ApiError, Kind, Reason};
use std::sync::Arc;

/// A parsed call.
#[derive(Debug)]
pub struct Call {
    pub verb: &'static Verb,
    /// The verb's own entry in the table of commands, or its subcommand's.
    pub command: Command,
    pub args: Vec<String>,
    pub flags: Flags,
    /// Standard input, for `-f -`.
    pub stdin: String,
    /// What `-k` made.
    pub built: Option<String>,
    /// Whom and what the call talks to.
    pub target: Target,
}

/// How a verb goes on.
#[derive(Debug)]
pub enum Next {
    Done(i32),
    /// A program that lives on in simulated time.
    Go(Box<dyn Program>),
}

/// What a verb refuses with: text for standard error (complete lines) and the status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fail {
    pub text: String,
    pub exit: i32,
}

impl Fail {
    /// `error: <text>`, status 1.
    pub fn error(text: impl std::fmt::Display) -> Fail {
        Fail { text: format!("error: {text}\n"), exit: 1 }
    }

    /// Objects have to be named, and none is.
    pub fn no_name() -> Fail {
        Fail::error("resource(s) were provided, but no name was specified")
    }

    /// A usage error: `error: <text>` and where to look.
    pub fn usage(verb: &str, text: impl std::fmt::Display) -> Fail {
        Fail { text: format!("error: {text}\nSee 'kubectl {verb} -h' for help and examples\n"), exit: 1 }
    }

    /// The server's refusal in kubectl's words.
    pub fn api(error: &ApiError) -> Fail {
        Fail { text: format!("{}\n", api_text(error, "")), exit: 1 }
    }
}

/// `Error from server (NotFound): ...`; an invalid object is named without that prefix. `doing` is put before the
/// message (`error when creating "STDIN": `).
pub fn api_text(error: &ApiError, doing: &str) -> String {
    if error.reason == Reason::Invalid {
        return match error.message.split_once(" is invalid: ") {
            Some((subject, causes)) => invalid_text(subject, causes),
            None if error.message.ends_with("is invalid") || error.message.starts_with("The ") => error.message.clone(),
            // A refusal that names neither kind nor object.
            None => format!("The request is invalid: {}", error.message),
        };
    }
    format!("Error from server ({}): {doing}{}", error.reason.as_str(), error.message)
}

/// kubectl's layout of the causes: one stays on the line, several become a list.
/// Source: k8s.io/kubectl/pkg/cmd/util/helpers.go `StandardErrorMessage`, v0.28.
fn invalid_text(subject: &str, causes: &str) -> String {
    let subject = match subject.split_once(' ') {
        Some((_, "\"\"")) => "The request".to_owned(),
        // The server says `Deployment.apps "x"`, kubectl `The Deployment "x"`.
        Some((kind, name)) if !subject.starts_with("The ") => {
            format!("The {} {name}", kind.split('.').next().unwrap_or(kind))
        }
        _ => subject.to_owned(),
    };
    match causes.strip_prefix('[').and_then(|c| c.strip_suffix(']')) {
        Some(list) => {
            let items: Vec<String> = split_causes(list).into_iter().map(|c| format!("* {c}")).collect();
            format!("{subject} is invalid: \n{}", items.join("\n"))
        }
        None => format!("{subject} is invalid: {causes}"),
    }
}

/// Causes are joined by `, `; each begins with a field path and a colon, or with `<nil>` where it is about no field.
fn split_causes(list: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for piece in list.split(", ") {
        let path = piece.split(':').next().unwrap_or_default();
        let begins = piece.contains(": ")
            && !path.is_empty()
            && (path == "<nil>"
                || path.starts_with(|c: char| c.is_ascii_lowercase())
                    && path.chars().all(|c| c.is_ascii_alphanumeric() || ".[]-/_".contains(c)));
        match out.last_mut() {
            Some(last) if !begins => {
                last.push_str(", ");
                last.push_str(piece);
            }
            _ => out.push(piece.to_owned()),
        }
    }
    out
}

impl Call {
    /// The namespace the call is about.
    pub fn namespace<'a>(&'a self, _ctx: &'a Ctx<'_>) -> &'a str {
        &self.target.namespace
    }

    pub fn all_namespaces(&self) -> bool {
        self.flags.on("all-namespaces")
    }

    /// `--dry-run`: what to print behind a result and whether the server is asked.
    pub fn dry_run(&self) -> Result<DryRun, Fail> {
        match self.flags.text("dry-run") {
            None | Some("none" | "false") => Ok(DryRun::None),
            Some("client" | "unchanged" | "true" | "") => Ok(DryRun::Client),
            Some("server") => Ok(DryRun::Server),
            Some(other) => {
                Err(Fail::error(format!("Invalid dry-run value ({other}). Must be \"none\", \"server\", or \"client\".")))
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DryRun {
    None,
    Client,
    Server,
}

impl DryRun {
    pub fn suffix(self) -> &'static str {
        match self {
            DryRun::None => "",
            DryRun::Client => " (dry run)",
            DryRun::Server => " (server dry run)",
        }
    }

    pub fn is_dry(self) -> bool {
        self != DryRun::None
    }
}

/// The names of the kinds that are served, for completion: plurals, and `all`.
pub fn resource_kinds(api: Api) -> Vec<String> {
    let served = Kind::ALL.iter().filter(|k| k.served_in(api)).map(|k| k.info().plural.to_owned());
    served.chain(["all".to_owned()]).collect()
}

/// Parses a label selector; the error is the server's words.
pub fn label_selector(text: &str) -> Result<Vec<objects::selector::Expression>, String> {
    selector::Labels::parse(text).map(|l| l.0)
}

/// Sends a request and prints the server's warnings.
pub fn send(request: Request, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<Outcome, ApiError> {
    let outcome = ctx.session.request(ctx.line, request)?;
    for warning in &outcome.warnings {
        io.err(&format!("Warning: {warning}\n"));
    }
    Ok(outcome)
}

pub fn snapshot(ctx: &Ctx<'_>) -> Arc<Snapshot> {
    ctx.session.snapshot()
}

pub fn era(ctx: &Ctx<'_>) -> Era {
    ctx.session.scenario().era
}

/// The minor version of the kubectl that speaks here: 1.27, 1.32 and 1.35 are known by recordings or by the program.
pub fn client(ctx: &Ctx<'_>) -> u32 {
    ctx.state.options.kubectl.unwrap_or_else(|| snapshot(ctx).profile.kubectl_minor)
}

/// What the server serves.
pub fn api(ctx: &Ctx<'_>) -> Api {
    ctx.session.scenario().api()
}

#[derive(Debug)]
enum Stage {
    Start(Vec<String>),
    /// Waits for the end of standard input.
    Reading(Box<Call>),
    Running(Box<dyn Program>),
    /// The call is over but takes its time.
    Ending(i32),
}

/// One call of kubectl.
#[derive(Debug)]
struct Kubectl {
    stage: Stage,
    since: Option<SimTime>,
}

pub fn program(args: Vec<String>) -> Box<dyn Program> {
    Box::new(Kubectl { stage: Stage::Start(args), since: None })
}

impl Kubectl {
    fn run(&mut self, mut call: Call, io: &mut Io<'_>, ctx: &mut Ctx<'_>) {
        let run = if call.command.usage.is_none() { absent::run } else { call.verb.run };
        let begun = connect::check(&call, ctx).and_then(|()| manifest::build(&mut call, io, ctx));
        self.stage = match begun.and_then(|()| run(&mut call, io, ctx)) {
            Ok(Next::Done(exit)) => Stage::Ending(exit),
            Ok(Next::Go(program)) => Stage::Running(program),
            Err(fail) => {
                io.err(&fail.text);
                Stage::Ending(fail.exit)
            }
        };
    }
}

impl Program for Kubectl {
    fn step(&mut self, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Step {
        let since = *self.since.get_or_insert(ctx.now());
        loop {
            match &mut self.stage {
                Stage::Start(args) => match verbs::parse(std::mem::take(args), ctx) {
                    Err(refusal) => {
                        for (stream, text) in refusal.chunks {
                            match stream {
                                crate::Stream::Stdout => io.out(&text),
                                crate::Stream::Stderr => io.err(&text),
                                crate::Stream::Hint => io.hint(&text),
                            }
                        }
                        self.stage = Stage::Ending(refusal.exit);
                    }
                    Ok(call) => {
                        if call.flags.list("filename").iter().any(|f| f == "-") {
                            self.stage = Stage::Reading(Box::new(call));
                        } else {
                            self.run(call, io, ctx);
                        }
                    }
                },
                Stage::Reading(call) => {
                    let Some(text) = io.input.all() else {
                        return Step::Wait(None);
                    };
                    let call = Call {
                        verb: call.verb,
                        command: call.command.clone(),
                        args: std::mem::take(&mut call.args),
                        flags: std::mem::take(&mut call.flags),
                        stdin: text,
                        built: None,
                        target: std::mem::take(&mut call.target),
                    };
                    self.run(call, io, ctx);
                }
                Stage::Running(program) => match program.step(io, ctx) {
                    Step::Done(exit) => self.stage = Stage::Ending(exit),
                    step => return step,
                },
                Stage::Ending(exit) => {
                    let until = since + ctx.state.options.kubectl_ms;
                    return if ctx.now() >= until { Step::Done(*exit) } else { Step::Wait(Some(until)) };
                }
            }
        }
    }
}
