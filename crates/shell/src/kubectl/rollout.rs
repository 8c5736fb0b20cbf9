//! kubectl rollout. Source: k8s.io/kubectl/pkg/polymorphichelpers/{rollout_status,history}.go, v0.28.

use super::change::each;
use super::get::{Filter, find, not_found};
use super::output::name_of;
use super::resolve::resolve;
use super::{Call, Fail, Next, api, api_text, send, snapshot};
use crate::run::{Ctx, Io, Program, Step};
use engine::session::{PatchStyle, Request};
use engine::{SimTime, Snapshot};
use objects::collections::Order as _;
use objects::{DocExt, Kind, Object, ObjectKey, Value, json};
use std::sync::Arc;

pub const WORDS: &[&str] = &["history", "pause", "restart", "resume", "status", "undo"];

const REVISION: &str = "deployment.kubernetes.io/revision";

pub fn run(call: &mut Call, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    if call.args.is_empty() {
        io.out(&super::help::command(&call.command));
        return Ok(Next::Done(0));
    }
    let word = call.args.remove(0);
    if !WORDS.contains(&word.as_str()) {
        return Err(Fail::error(format!("unknown command \"{word}\" for \"kubectl rollout\"")));
    }
    let asked = match super::manifest::named(call, ctx)? {
        Some(asked) => asked,
        None if call.args.is_empty() => return Err(Fail::error("required resource not specified")),
        None => resolve(&call.args, api(ctx))?,
    };
    if !asked.named() && !call.flags.given("selector") {
        return Err(Fail::no_name());
    }
    let found = find(&asked, &Filter::read(call, ctx)?, &snapshot(ctx));
    if let ("status", Some(object)) = (word.as_str(), found.objects.iter().flat_map(|(_, o)| o).next()) {
        return status(call, object, ctx);
    }
    Ok(each(&found, io, ctx, &mut |object, io, ctx| match word.as_str() {
        "history" => history(call, object, io, ctx),
        "undo" => undo(call, object, io, ctx),
        "restart" => restart(object, io, ctx),
        _ => pause(&word, object, io, ctx),
    }))
}

fn patch(object: &Object, patch: Value, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<(), Fail> {
    let request = Request::Patch { key: object.key(), patch, style: PatchStyle::Strategic, dry_run: false };
    send(request, io, ctx).map(|_| ()).map_err(|error| Fail::api(&error))
}

fn done(object: &Object, did: &str, io: &mut Io<'_>) -> Result<(), Fail> {
    io.out(&format!("{} {did}\n", name_of(object.kind, &object.meta.name)));
    Ok(())
}

fn restart(object: &Object, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<(), Fail> {
    if !matches!(object.kind, Kind::Deployment | Kind::DaemonSet | Kind::StatefulSet) {
        return Err(Fail::error(format!("{} restarting is not supported", object.kind.info().plural)));
    }
    if object.doc.bool_at("spec.paused") == Some(true) {
        return Err(Fail::error(format!(
            "{} \"{}\" can't restart paused deployment (run rollout resume first)",
            object.kind.resource(),
            object.meta.name
        )));
    }
    let at = objects::time::rfc3339(snapshot(ctx).unix_ms());
    let annotations = json!({"kubectl.kubernetes.io/restartedAt": at});
    patch(object, json!({"spec": {"template": {"metadata": {"annotations": annotations}}}}), io, ctx)?;
    done(object, "restarted", io)
}

fn pause(word: &str, object: &Object, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<(), Fail> {
    let paused = object.doc.bool_at("spec.paused") == Some(true);
    if object.kind != Kind::Deployment {
        return Err(Fail::error(format!("{} \"{}\" {word} is not supported", object.kind.info().plural, object.meta.name)));
    }
    if (word == "pause") == paused {
        let state = if paused { "already paused" } else { "not paused" };
        return Err(Fail::error(format!("{} \"{}\" is {state}", object.kind.resource(), object.meta.name)));
    }
    let value = if paused { Value::Null } else { Value::Bool(true) };
    patch(object, json!({"spec": {"paused": value}}), io, ctx)?;
    done(object, if paused { "resumed" } else { "paused" }, io)
}

/// The ReplicaSets of a Deployment by revision.
fn revisions(object: &Object, snapshot: &Snapshot) -> Vec<(i64, Arc<Object>)> {
    let mut out: Vec<(i64, Arc<Object>)> = snapshot
        .store
        .list(Kind::ReplicaSet)
        .filter(|r| r.meta.controller().is_some_and(|o| o.uid == object.meta.uid))
        .filter_map(|r| Some((r.meta.annotations.get(REVISION)?.parse().ok()?, r.clone())))
        .collect();
    out.order_by_key(|(n, _)| *n);
    out
}

fn only_deployments(object: &Object, what: &str) -> Result<(), Fail> {
    if object.kind == Kind::Deployment {
        return Ok(());
    }
    Err(Fail::error(format!("rollout {what} of {} is not simulated here: deployments only", object.kind.info().plural)))
}

fn history(call: &Call, object: &Object, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<(), Fail> {
    only_deployments(object, "history")?;
    let list = revisions(object, &snapshot(ctx));
    let name = name_of(object.kind, &object.meta.name);
    if let Some(wanted) = call.flags.int("revision").filter(|r| *r > 0) {
        let (_, rs) =
            list.iter().find(|(n, _)| *n == wanted).ok_or_else(|| Fail::error("unable to find the specified revision"))?;
        let template = super::describe::template(rs, 2, super::client(ctx));
        io.out(&format!("{name} with revision #{wanted}\nPod Template:\n{template}\n"));
        return Ok(());
    }
    let mut rows = vec![super::table::row(["REVISION", "CHANGE-CAUSE"])];
    for (n, rs) in list {
        let cause = rs.meta.annotations.get("kubernetes.io/change-cause").cloned();
        rows.push(vec![n.to_string(), cause.unwrap_or_else(|| "<none>".to_owned())]);
    }
    // This printer's columns are two apart.
    let mut text = String::new();
    for row in rows {
        let [revision, cause] = row.as_slice() else { continue };
        text.push_str(&format!("{revision:<10}{cause}\n"));
    }
    io.out(&format!("{name} \n{text}\n"));
    Ok(())
}

fn undo(call: &Call, object: &Object, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<(), Fail> {
    only_deployments(object, "undo")?;
    if object.doc.bool_at("spec.paused") == Some(true) {
        return Err(Fail::error(
            "you cannot rollback a paused deployment; resume it first with 'kubectl rollout resume' and try again",
        ));
    }
    let list = revisions(object, &snapshot(ctx));
    let to = call.flags.int("to-revision").unwrap_or(0);
    let target = if to > 0 {
        list.iter()
            .find(|(n, _)| *n == to)
            .ok_or_else(|| Fail::error(format!("unable to find specified revision {to} in history")))?
    } else {
        let at = list.len().checked_sub(2).and_then(|i| list.get(i));
        at.ok_or_else(|| Fail::error(format!("no rollout history found for deployment \"{}\"", object.meta.name)))?
    };
    let mut template = target.1.doc.at("spec.template").clone();
    if let Some(labels) = template.slot("metadata.labels").as_object_mut() {
        labels.remove("pod-template-hash");
    }
    if template == *object.doc.at("spec.template") {
        let n = target.0;
        io.out(&format!(
            "{} skipped rollback (current template already matches revision {n})\n",
            name_of(object.kind, &object.meta.name)
        ));
        return Ok(());
    }
    let request = Request::Patch {
        key: object.key(),
        patch: json!([{"op": "replace", "path": "/spec/template", "value": template}]),
        style: PatchStyle::Json,
        dry_run: false,
    };
    send(request, io, ctx).map_err(|error| Fail::api(&error))?;
    done(object, "rolled back", io)
}

fn status(call: &Call, object: &Object, ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    if !matches!(object.kind, Kind::Deployment | Kind::DaemonSet | Kind::StatefulSet) {
        return Err(Fail::error(format!("no status viewer has been implemented for {}", object.kind.name())));
    }
    let timeout = call.flags.duration("timeout").filter(|t| *t > 0).and_then(|t| u64::try_from(t).ok());
    let until = timeout.map(|t| ctx.now() + t);
    let once = !call.flags.on_by_default("watch");
    Ok(Next::Go(Box::new(Status { key: object.key(), until, once, last: String::new() })))
}

#[derive(Debug)]
struct Status {
    key: ObjectKey,
    until: Option<SimTime>,
    once: bool,
    last: String,
}

/// The sentence of the present state, and whether the rollout is over.
fn progress(object: &Object) -> Result<(String, bool), String> {
    let d = &object.doc;
    let name = &object.meta.name;
    let int = |p: &str| d.int_at(p).unwrap_or(0);
    let observed = d.int_at("status.observedGeneration").unwrap_or(0);
    match object.kind {
        Kind::Deployment => {
            if object.meta.generation > observed {
                return Ok(("Waiting for deployment spec update to be observed...\n".to_owned(), false));
            }
            if object.condition("Progressing").and_then(|c| c.str_at("reason")) == Some("ProgressDeadlineExceeded") {
                return Err(format!("error: deployment \"{name}\" exceeded its progress deadline\n"));
            }
            let wanted = d.int_at("spec.replicas").unwrap_or(1);
            let (updated, total, available) =
                (int("status.updatedReplicas"), int("status.replicas"), int("status.availableReplicas"));
            let wait = |what: String| Ok((format!("Waiting for deployment \"{name}\" rollout to finish: {what}...\n"), false));
            if updated < wanted {
                return wait(format!("{updated} out of {wanted} new replicas have been updated"));
            }
            if total > updated {
                return wait(format!("{} old replicas are pending termination", total - updated));
            }
            if available < updated {
                return wait(format!("{available} of {updated} updated replicas are available"));
            }
            Ok((format!("deployment \"{name}\" successfully rolled out\n"), true))
        }
        Kind::DaemonSet => {
            if object.meta.generation > observed {
                return Ok(("Waiting for daemon set spec update to be observed...\n".to_owned(), false));
            }
            let wanted = int("status.desiredNumberScheduled");
            let (updated, available) = (int("status.updatedNumberScheduled"), int("status.numberAvailable"));
            if updated < wanted {
                let what = format!("{updated} out of {wanted} new pods have been updated");
                return Ok((format!("Waiting for daemon set \"{name}\" rollout to finish: {what}...\n"), false));
            }
            if available < wanted {
                let what = format!("{available} of {wanted} updated pods are available");
                return Ok((format!("Waiting for daemon set \"{name}\" rollout to finish: {what}...\n"), false));
            }
            Ok((format!("daemon set \"{name}\" successfully rolled out\n"), true))
        }
        _ => {
            let wanted = d.int_at("spec.replicas").unwrap_or(1);
            let ready = int("status.readyReplicas");
            if ready < wanted {
                return Ok((format!("Waiting for {} pods to be ready...\n", wanted - ready), false));
            }
            Ok((format!("statefulset rolling update complete {ready} pods at revision ...\n"), true))
        }
    }
}

impl Program for Status {
    fn step(&mut self, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Step {
        let snapshot = ctx.session.snapshot();
        let Some(object) = snapshot.store.get(&self.key) else {
            io.err(&format!("{}\n", api_text(&not_found(self.key.kind, &self.key.name), "")));
            return Step::Done(1);
        };
        match progress(object) {
            Err(text) => {
                io.err(&text);
                return Step::Done(1);
            }
            Ok((text, over)) => {
                if text != self.last {
                    io.out(&text);
                }
                self.last = text;
                if over || self.once {
                    return Step::Done(0);
                }
            }
        }
        if self.until.is_some_and(|t| ctx.now() >= t) {
            io.err("error: timed out waiting for the condition\n");
            return Step::Done(1);
        }
        Step::Wait(self.until)
    }
}
