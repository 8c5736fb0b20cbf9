//! kubectl cordon, uncordon and drain.
//! Source: k8s.io/kubectl/pkg/drain/{drain,filters,cordon}.go and pkg/cmd/drain/drain.go, v0.28.

use super::change::merge;
use super::get::not_found;
use super::selector::Labels;
use super::{Call, DryRun, Fail, Next, send, snapshot};
use crate::run::{Ctx, Io, Program, Step};
use engine::SimTime;
use engine::session::Request;
use objects::collections::Order as _;
use objects::{DocExt, Kind, Object, ObjectKey, Reason, Value, json};
use std::sync::Arc;

/// A refused eviction is tried again after this time.
const RETRY_MS: u64 = 5_000;

fn nodes(call: &Call, ctx: &Ctx<'_>) -> Result<Vec<Arc<Object>>, Fail> {
    let snapshot = snapshot(ctx);
    let verb = call.verb.name;
    if call.args.is_empty() && !call.flags.given("selector") {
        return Err(Fail {
            text: format!("error: USAGE: {verb} NODE [flags]\nSee 'kubectl {verb} -h' for help and examples\n"),
            exit: 1,
        });
    }
    if !call.args.is_empty() && call.flags.given("selector") {
        return Err(Fail::error("error: cannot specify both a node name and a --selector option"));
    }
    if let Some(selector) = call.flags.text("selector") {
        let labels = Labels::parse(selector).map_err(Fail::error)?;
        return Ok(snapshot.store.list(Kind::Node).filter(|n| labels.matches(&n.meta.labels)).cloned().collect());
    }
    call.args
        .iter()
        .map(|arg| {
            let name = arg.strip_prefix("node/").or_else(|| arg.strip_prefix("nodes/")).unwrap_or(arg);
            snapshot.store.cluster(Kind::Node, name).cloned().ok_or_else(|| Fail::api(&not_found(Kind::Node, name)))
        })
        .collect()
}

/// Makes the node (un)schedulable and says so.
fn set(node: &Object, cordon: bool, dry: DryRun, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<(), Fail> {
    let word = if cordon { "cordoned" } else { "uncordoned" };
    let is = node.doc.bool_at("spec.unschedulable") == Some(true);
    let name = &node.meta.name;
    if is == cordon {
        io.out(&format!("node/{name} already {word}{}\n", dry.suffix()));
        return Ok(());
    }
    let value = if cordon { Value::Bool(true) } else { Value::Null };
    merge(node, json!({"spec": {"unschedulable": value}}), dry, io, ctx)?;
    io.out(&format!("node/{name} {word}{}\n", dry.suffix()));
    Ok(())
}

pub fn cordon(call: &mut Call, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    let dry = call.dry_run()?;
    for node in nodes(call, ctx)? {
        set(&node, true, dry, io, ctx)?;
    }
    Ok(Next::Done(0))
}

pub fn uncordon(call: &mut Call, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    let dry = call.dry_run()?;
    for node in nodes(call, ctx)? {
        set(&node, false, dry, io, ctx)?;
    }
    Ok(Next::Done(0))
}

pub fn drain(call: &mut Call, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    let dry = call.dry_run()?;
    let nodes = nodes(call, ctx)?;
    for node in &nodes {
        set(node, true, dry, io, ctx)?;
    }
    let options = Options {
        ignore_daemons: call.flags.on("ignore-daemonsets"),
        local_data: call.flags.on("delete-emptydir-data"),
        force: call.flags.on("force"),
        disable_eviction: call.flags.on("disable-eviction"),
        grace_s: call.flags.int("grace-period").filter(|g| *g >= 0),
        selector: Labels::parse(call.flags.text("pod-selector").unwrap_or_default()).map_err(Fail::error)?,
    };
    let timeout = call.flags.duration("timeout").filter(|t| *t > 0).and_then(|t| u64::try_from(t).ok());
    let names: Vec<String> = nodes.iter().map(|n| n.meta.name.clone()).collect();
    if dry.is_dry() {
        for name in &names {
            let plan = plan(name, &options, ctx);
            refuse(name, &plan, &names)?;
            warn(&plan, io);
            for pod in &plan.evict {
                io.out(&format!("evicting pod {}{}\n", pod.key(), dry.suffix()));
            }
            io.out(&format!("node/{name} drained{}\n", dry.suffix()));
        }
        return Ok(Next::Done(0));
    }
    let until = timeout.map(|t| ctx.now() + t);
    Ok(Next::Go(Box::new(Drain { nodes: names, at: 0, options, until, pods: None })))
}

#[derive(Debug)]
struct Options {
    ignore_daemons: bool,
    local_data: bool,
    force: bool,
    disable_eviction: bool,
    grace_s: Option<i64>,
    selector: Labels,
}

/// What is to happen to the pods of a node.
#[derive(Debug, Default)]
struct Plan {
    evict: Vec<Arc<Object>>,
    warnings: Vec<(&'static str, Vec<String>)>,
    errors: Vec<(&'static str, Vec<String>)>,
}

fn plan(node: &str, options: &Options, ctx: &Ctx<'_>) -> Plan {
    let snapshot = snapshot(ctx);
    let mut plan = Plan::default();
    // Since 1.30 kubectl says it twice.
    let unmanaged = match super::client(ctx) {
        ..30 => "cannot delete Pods declare no controller (use --force to override)",
        _ => "cannot delete cannot delete Pods that declare no controller (use --force to override)",
    };
    let mut add = |list: bool, text: &'static str, pod: &Object| {
        let lists = if list { &mut plan.errors } else { &mut plan.warnings };
        match lists.iter_mut().find(|(t, _)| *t == text) {
            Some((_, pods)) => pods.push(pod.key().to_string()),
            None => lists.push((text, vec![pod.key().to_string()])),
        }
    };
    let mut evict = Vec::new();
    for pod in snapshot.store.pods_on(node) {
        if !options.selector.matches(&pod.meta.labels) || pod.meta.annotations.contains_key("kubernetes.io/config.mirror") {
            continue;
        }
        let finished = pod.pod().is_some_and(|p| p.is_terminal());
        let owner = pod.meta.controller();
        if owner.is_some_and(|o| o.kind == "DaemonSet") && !finished {
            if options.ignore_daemons {
                add(false, "ignoring DaemonSet-managed Pods", pod);
            } else {
                add(true, "cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore)", pod);
            }
            continue;
        }
        let local = pod.doc.list_at("spec.volumes").iter().any(|v| v.get("emptyDir").is_some());
        if local && !finished {
            if options.local_data {
                add(false, "deleting Pods with local storage", pod);
            } else {
                add(true, "cannot delete Pods with local storage (use --delete-emptydir-data to override)", pod);
                continue;
            }
        }
        if owner.is_none() && !finished {
            if options.force {
                add(false, "deleting Pods that declare no controller", pod);
            } else {
                add(true, unmanaged, pod);
                continue;
            }
        }
        evict.push(pod.clone());
    }
    plan.evict = evict;
    plan
}

fn join(lists: &[(&'static str, Vec<String>)], separator: &str) -> String {
    let parts: Vec<String> = lists.iter().map(|(text, pods)| format!("{text}: {}", pods.join(", "))).collect();
    parts.join(separator)
}

fn warn(plan: &Plan, io: &mut Io<'_>) {
    let mut lists = plan.warnings.clone();
    lists.order();
    if !lists.is_empty() {
        io.err(&format!("Warning: {}\n", join(&lists, "; ")));
    }
}

fn refuse(node: &str, plan: &Plan, pending: &[String]) -> Result<(), Fail> {
    if plan.errors.is_empty() {
        return Ok(());
    }
    let why = join(&plan.errors, ", ");
    let nodes: String = pending.iter().map(|n| format!(" {n}\n")).collect();
    Err(Fail {
        text: format!(
            "error: unable to drain node \"{node}\" due to error: {why}, continuing command...\nThere are pending nodes to be \
             drained:\n{nodes}{why}\n"
        ),
        exit: 1,
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// To be evicted at this time.
    Due(SimTime),
    /// Evicted, not yet gone.
    Leaving,
}

/// Node after node: evict, retry what a budget refuses, wait until the pods are gone.
#[derive(Debug)]
struct Drain {
    nodes: Vec<String>,
    at: usize,
    options: Options,
    until: Option<SimTime>,
    /// The pods of the present node with their uids.
    pods: Option<Vec<(ObjectKey, String, State)>>,
}

impl Program for Drain {
    fn step(&mut self, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Step {
        let Some(node) = self.nodes.get(self.at).cloned() else {
            return Step::Done(0);
        };
        let now = ctx.now();
        if self.pods.is_none() {
            let plan = plan(&node, &self.options, ctx);
            let pending = self.nodes.get(self.at..).unwrap_or_default();
            if let Err(fail) = refuse(&node, &plan, pending) {
                io.err(&fail.text);
                return Step::Done(fail.exit);
            }
            warn(&plan, io);
            self.pods = Some(plan.evict.iter().map(|p| (p.key(), p.meta.uid.clone(), State::Due(now))).collect());
        }
        let mut pods = self.pods.take().unwrap_or_default();
        for (key, _, state) in pods.iter_mut().filter(|(_, _, s)| matches!(s, State::Due(t) if *t <= now)) {
            io.out(&format!("{} pod {key}\n", if self.options.disable_eviction { "deleting" } else { "evicting" }));
            let (key_, grace_s) = (key.clone(), self.options.grace_s);
            let request = if self.options.disable_eviction {
                Request::Delete { key: key_, grace_s, dry_run: false }
            } else {
                Request::Evict { pod: key_, grace_s, dry_run: false }
            };
            *state = match send(request, io, ctx) {
                Ok(_) => State::Leaving,
                Err(error) if error.reason == Reason::NotFound => State::Leaving,
                Err(error) if error.reason == Reason::TooManyRequests => {
                    io.err(&format!(
                        "error when evicting pods/\"{}\" -n \"{}\" (will retry after 5s): {}\n",
                        key.name, key.namespace, error.message
                    ));
                    State::Due(now + RETRY_MS)
                }
                Err(error) => {
                    io.err(&format!("{}\n", super::api_text(&error, "")));
                    return Step::Done(1);
                }
            };
        }
        let snapshot = ctx.session.snapshot();
        let evicted = if self.options.disable_eviction { "deleted" } else { "evicted" };
        pods.retain(|(key, uid, state)| {
            let there = snapshot.store.get(key).is_some_and(|o| o.meta.uid == *uid);
            if !there && *state == State::Leaving {
                io.out(&format!("pod/{} {evicted}\n", key.name));
            }
            there
        });
        if pods.is_empty() {
            io.out(&format!("node/{node} drained\n"));
            self.at += 1;
            return Step::More;
        }
        if self.until.is_some_and(|t| now >= t) {
            io.err(&format!(
                "error: unable to drain node \"{node}\" due to error: error when waiting for pods to terminate: global timeout \
                 reached, continuing command...\nThere are pending nodes to be drained:\n {node}\n"
            ));
            return Step::Done(1);
        }
        let due = pods.iter().filter_map(|(_, _, s)| if let State::Due(t) = s { Some(*t) } else { None }).min();
        self.pods = Some(pods);
        Step::Wait(crate::run::earlier(due, self.until))
    }
}
