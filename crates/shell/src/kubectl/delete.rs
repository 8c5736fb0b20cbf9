//! kubectl delete: prints what it deletes at once, then waits until it is gone, as finalizers and grace periods have it.
//! Source: k8s.io/kubectl/pkg/cmd/delete/delete.go, v0.27 and v0.35.

use super::get::{Filter, check_selectors, find};
use super::manifest::load;
use super::output::{Output, name_of};
use super::resolve::{Asked, resolve};
use super::{Call, DryRun, Fail, Next, api, api_text, send, snapshot};
use crate::run::{Ctx, Io, Program, Step};
use engine::SimTime;
use engine::session::Request;
use objects::{ApiError, Kind, Object, ObjectKey, Reason};
use std::sync::Arc;

pub fn run(call: &mut Call, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    let dry = call.dry_run()?;
    let output = match call.flags.text("output") {
        None | Some("" | "name") => Output::parse(call.flags.text("output"), false, super::client(ctx))?,
        Some(other) => return Err(Fail::error(format!("unexpected -o output mode: {other}. We only support '-o name'"))),
    };
    if let Some(cascade) =
        call.flags.text("cascade").filter(|c| !matches!(*c, "background" | "foreground" | "orphan" | "true" | "false"))
    {
        return Err(Fail::error(format!(
            "invalid cascade value ({cascade}). Must be \"background\", \"foreground\", or \"orphan\""
        )));
    }
    if call.flags.text("cascade").is_some_and(|c| matches!(c, "orphan" | "false")) {
        return Err(Fail::error("delete --cascade=orphan is not simulated here: what an object owns goes with it"));
    }
    let from_files = !call.flags.list("filename").is_empty() || call.flags.given("kustomize");
    if call.args.is_empty() && !from_files {
        return Err(Fail {
            text: "error: You must provide one or more resources by argument or filename.\nExample resource specifications \
                   include:\n   '-f rsrc.yaml'\n   '--filename=rsrc.json'\n   '<resource> <name>'\n   '<resource>'\n"
                .to_owned(),
            exit: 1,
        });
    }
    if call.flags.on("all") && call.flags.given("selector") {
        return Err(Fail::error("cannot set --all and --selector at the same time"));
    }
    if call.flags.on("all") && call.flags.given("field-selector") {
        return Err(Fail::error("cannot set --all and --field-selector at the same time"));
    }
    let mut grace_s = call.flags.int("grace-period").filter(|g| *g >= 0);
    let force = call.flags.on("force");
    if call.flags.on("now") {
        if grace_s.is_some() {
            return Err(Fail::error("--now and --grace-period cannot be specified together"));
        }
        grace_s = Some(1);
    }
    if grace_s == Some(0) && !force {
        // Without --force kubectl waits for a short but real shutdown.
        grace_s = Some(1);
    }
    if force && grace_s.is_none() {
        grace_s = Some(0);
    }
    if force && grace_s.is_some_and(|g| g > 0) {
        return Err(Fail::error("--force and --grace-period greater than 0 cannot be specified together"));
    }
    if force {
        io.err(
            "Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. The \
             resource may continue to run on the cluster indefinitely.\n",
        );
    }
    let (targets, mut errors, listed) = targets(call, from_files, ctx)?;
    if call.flags.on("ignore-not-found") || (call.flags.on("all") && !call.flags.given("ignore-not-found")) {
        errors.clear();
    }
    let mut waiting = Vec::new();
    let mut exit = 0;
    let count = targets.len();
    for (object, source) in targets {
        let key = object.key();
        if dry != DryRun::Client {
            let request = Request::Delete { key: key.clone(), grace_s, dry_run: dry.is_dry() };
            if let Err(error) = send(request, io, ctx) {
                if error.reason == Reason::NotFound && call.flags.on("ignore-not-found") {
                    continue;
                }
                errors.push((error, source));
                continue;
            }
        }
        said(&object, force && grace_s == Some(0), dry, &output, ctx, io);
        waiting.push((key, object.meta.uid.clone()));
    }
    for (error, source) in &errors {
        let doing = source.as_ref().map(|s| format!("error when deleting \"{s}\": ")).unwrap_or_default();
        io.err(&format!("{}\n", api_text(error, &doing)));
        exit = 1;
    }
    if count == 0 && errors.is_empty() && listed {
        io.out("No resources found\n");
    }
    let waits = call.flags.on_by_default("wait") && !dry.is_dry() && !(force && grace_s == Some(0));
    if !waits || waiting.is_empty() {
        return Ok(Next::Done(exit));
    }
    let timeout = call.flags.duration("timeout").filter(|t| *t > 0);
    let until = timeout.map(|t| ctx.now() + u64::try_from(t).unwrap_or(0));
    Ok(Next::Go(Box::new(Gone { waiting, exit, until })))
}

type Target = (Arc<Object>, Option<String>);
type Errors = Vec<(ApiError, Option<String>)>;

/// The objects to delete with the file they were named in, what was not found, and whether a list was asked for.
fn targets(call: &Call, from_files: bool, ctx: &mut Ctx<'_>) -> Result<(Vec<Target>, Errors, bool), Fail> {
    let snapshot = snapshot(ctx);
    let mut errors: Errors = Vec::new();
    if from_files {
        let mut targets = Vec::new();
        for loaded in load(call, ctx)? {
            let m = loaded?;
            use objects::DocExt;
            let field = |p: &str| m.doc.str_at(p).unwrap_or_default();
            let (namespace, name) = (field("metadata.namespace"), field("metadata.name"));
            match snapshot.store.get(&ObjectKey::new(m.kind, namespace, name)) {
                Some(object) => targets.push((object.clone(), Some(m.source.clone()))),
                None => errors.push((super::get::not_found(m.kind, name), Some(m.source.clone()))),
            }
        }
        return Ok((targets, errors, false));
    }
    let asked: Asked = resolve(&call.args, api(ctx))?;
    let named = asked.named();
    let by_list = call.flags.on("all") || call.flags.given("selector") || call.flags.given("field-selector");
    if named && by_list {
        return Err(Fail::error(if call.flags.on("all") {
            "name cannot be provided when --all is specified"
        } else {
            "name cannot be provided when a selector is specified"
        }));
    }
    if !named && !by_list {
        return Err(Fail::no_name());
    }
    for ask in &asked.asks {
        check_selectors(call, ask.kind)?;
    }
    let found = find(&asked, &Filter::read(call, ctx)?, &snapshot);
    errors.extend(found.missing.into_iter().map(|e| (e, None)));
    let targets = found.objects.into_iter().flat_map(|(_, o)| o).map(|o| (o, None)).collect();
    Ok((targets, errors, by_list))
}

fn said(object: &Object, forced: bool, dry: DryRun, output: &Output, ctx: &Ctx<'_>, io: &mut Io<'_>) {
    if *output == Output::Name {
        io.out(&format!("{}\n", name_of(object.kind, &object.meta.name)));
        return;
    }
    let deleted = if forced { "force deleted" } else { "deleted" };
    // kubectl names the namespace since 1.34.
    let place = if super::client(ctx) >= 34 && object.kind.namespaced() && object.kind != Kind::Namespace {
        format!(" from {} namespace", object.meta.namespace)
    } else {
        String::new()
    };
    let kind = object.kind.singular_resource();
    io.out(&format!("{kind} \"{}\" {deleted}{place}{}\n", object.meta.name, dry.suffix()));
}

/// Waits until none of the objects is there any more.
#[derive(Debug)]
struct Gone {
    waiting: Vec<(ObjectKey, String)>,
    exit: i32,
    until: Option<SimTime>,
}

impl Program for Gone {
    fn step(&mut self, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Step {
        let snapshot = ctx.session.snapshot();
        self.waiting.retain(|(key, uid)| snapshot.store.get(key).is_some_and(|o| o.meta.uid == *uid));
        let Some((key, _)) = self.waiting.first() else {
            return Step::Done(self.exit);
        };
        if self.until.is_some_and(|t| ctx.now() >= t) {
            io.err(&format!("error: timed out waiting for the condition on {}/{}\n", key.kind.info().plural, key.name));
            return Step::Done(1);
        }
        Step::Wait(self.until)
    }
}
