//! `kubectl apply` and `replace`, and what create shares with them: one document after another, each with its own result.

use super::manifest::{Loaded, Manifest, load, offer_repair, only_files};
use super::output::{Output, name_of};
use super::{Call, DryRun, Fail, Next, api_text, send};
use crate::run::{Ctx, Io};
use engine::session::{PatchStyle, Request, Validation, Verdict};
use objects::{ApiError, DocExt, Kind, Object, ObjectKey, Reason, Value};
use std::sync::Arc;

/// `--validate`.
pub fn validation(call: &Call) -> Result<Validation, Fail> {
    match call.flags.text("validate") {
        None | Some("true" | "strict") => Ok(Validation::Strict),
        Some("warn") => Ok(Validation::Warn),
        Some("false" | "ignore") => Ok(Validation::Ignore),
        Some(other) => Err(Fail::error(format!(
            "invalid - validate option must be one of: strict (or true), warn, ignore (or false), not \"{other}\""
        ))),
    }
}

/// Prints one result: the sentence, or the object where `-o` asks for it.
pub fn report(output: &Output, kind: Kind, name: &str, did: &str, dry: DryRun, object: Option<Arc<Object>>, io: &mut Io<'_>) {
    match (output, object) {
        (Output::Table { .. }, _) => io.out(&format!("{} {did}{}\n", name_of(kind, name), dry.suffix())),
        (Output::Name, _) => io.out(&format!("{}\n", name_of(kind, name))),
        (output, Some(object)) => io.out(&output.print(&[object], false, false)),
        _ => {}
    }
}

/// [`report`] by a printer that serves all objects of a call, which sets documents of YAML apart.
pub fn report_apart(
    output: &Output,
    kind: Kind,
    name: &str,
    did: &str,
    dry: DryRun,
    object: Option<Arc<Object>>,
    io: &mut Io<'_>,
) {
    if *output == Output::Yaml && object.is_some() {
        io.apart("---\n");
    }
    report(output, kind, name, did, dry, object, io);
}

fn none_passed(loaded: &Loaded, verb: &str) -> Result<(), Fail> {
    if loaded.is_empty() { Err(Fail::error(format!("no objects passed to {verb}"))) } else { Ok(()) }
}

/// Runs `act` on every document; a refusal does not end it, and all are printed behind what was done.
fn each(
    call: &Call,
    loaded: Loaded,
    io: &mut Io<'_>,
    ctx: &mut Ctx<'_>,
    mut act: impl FnMut(&Manifest, &mut Io<'_>, &mut Ctx<'_>) -> Result<(), Fail>,
) -> Next {
    let mut exit = 0;
    let mut refusals = String::new();
    for item in loaded {
        let result = item.and_then(|manifest| act(&manifest, io, ctx));
        if let Err(fail) = result {
            refusals.push_str(&fail.text);
            exit = fail.exit;
        }
    }
    io.err(&refusals);
    if exit != 0 {
        offer_repair(call, io, ctx);
    }
    Next::Done(exit)
}

/// Combinations of flags that make no sense. Source: k8s.io/kubectl/pkg/cmd/apply/apply.go `Validate`, v0.35.
fn check_flags(call: &Call, dry: DryRun) -> Result<(), Fail> {
    let on = |flag: &str| call.flags.on(flag);
    let selected = call.flags.text("selector").is_some_and(|s| !s.is_empty());
    let wrong = if on("force-conflicts") && !on("server-side") {
        "--force-conflicts only works with --server-side"
    } else if dry == DryRun::Client && on("server-side") {
        "--dry-run=client doesn't work with --server-side (did you mean --dry-run=server instead?)"
    } else if on("server-side") && on("force") {
        "--force cannot be used with --server-side"
    } else if dry == DryRun::Server && on("force") {
        "--dry-run=server cannot be used with --force"
    } else if on("all") && selected {
        "cannot set --all and --selector at the same time"
    } else if on("prune") && on("force") {
        "--force cannot be used with --prune"
    } else if on("prune") && !on("all") && !selected {
        "all resources selected for prune without explicitly passing --all. To prune all resources, pass the --all flag. If you \
         did not mean to prune all resources, specify a label selector"
    } else if on("prune") && on("server-side") {
        "--prune is in alpha and doesn't currently work on objects created by server-side apply"
    } else if on("prune") {
        "apply --prune is not simulated here: delete what is no longer in the files by name or label"
    } else {
        return Ok(());
    };
    Err(Fail::error(wrong))
}

pub fn run(call: &mut Call, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    only_files(call, "apply")?;
    let (dry, validation) = (call.dry_run()?, validation(call)?);
    check_flags(call, dry)?;
    let output = Output::parse(call.flags.text("output"), false, super::client(ctx))?;
    let loaded = load(call, ctx)?;
    none_passed(&loaded, "apply")?;
    // Documents and templates come out together at the end, if everything went well: as one list where they are several.
    let whole = !matches!(output, Output::Table { .. } | Output::Name);
    let mut applied = Vec::new();
    let force = call.flags.on("force-conflicts");
    let server_side = call.flags.on("server-side");
    let next = each(call, loaded, io, ctx, |m, io, ctx| {
        let (object, did) = match server_side {
            true => apply_there(m, force, dry, io, ctx)?,
            false => apply_here(m, dry, validation, io, ctx)?,
        };
        match object {
            Some(object) if whole => applied.push(object),
            object => report(&output, m.kind, m.doc.str_at("metadata.name").unwrap_or_default(), did, dry, object, io),
        }
        Ok(())
    });
    if whole && matches!(next, Next::Done(0)) {
        io.out(&output.print_typed(&applied));
    }
    Ok(next)
}

/// What applying a document led to, and the word for it.
type Applied = Result<(Option<Arc<Object>>, &'static str), Fail>;

/// Client-side apply of one document.
fn apply_here(m: &Manifest, dry: DryRun, validation: Validation, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Applied {
    let field = |p: &str| m.doc.str_at(p).unwrap_or_default().to_owned();
    let (name, namespace) = (field("metadata.name"), field("metadata.namespace"));
    if name.is_empty() {
        return Err(no_name(m, &namespace));
    }
    let live = super::snapshot(ctx).store.get(&ObjectKey::new(m.kind, &namespace, &name)).cloned();
    if dry == DryRun::Client {
        // The server is only asked whether the object is there, and kubectl never says `unchanged`.
        return Ok(match live {
            Some(live) => (Some(live), "configured"),
            None => {
                let mut doc = objects::patch::with_last_applied(&m.doc);
                without_nulls(&mut doc);
                (Some(Arc::new(Object::from_doc(m.kind, doc))), "created")
            }
        });
    }
    let request = Request::Apply { doc: m.doc.clone(), dry_run: dry.is_dry(), validation };
    let outcome = send(request, io, ctx)
        .map_err(|error| Fail { text: format!("{}\n", apply_error(&error, m, live.as_deref())), exit: 1 })?;
    let did = match outcome.verdict {
        Verdict::Created => "created",
        Verdict::Unchanged => "unchanged",
        _ => "configured",
    };
    Ok((outcome.object, did))
}

fn without_nulls(value: &mut Value) {
    if let Value::Object(map) = value {
        map.retain(|_, v| !v.is_null());
        map.values_mut().for_each(without_nulls);
    }
}

/// Server-side apply. Nobody keeps field managers here, so what a client-side apply had set last stands for the fields
/// that another manager owns, and nothing is removed that a document leaves out.
fn apply_there(m: &Manifest, force: bool, dry: DryRun, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Applied {
    let field = |p: &str| m.doc.str_at(p).unwrap_or_default().to_owned();
    let (name, namespace) = (field("metadata.name"), field("metadata.namespace"));
    let key = ObjectKey::new(m.kind, &namespace, &name);
    let live = super::snapshot(ctx).store.get(&key).cloned();
    let version = m.kind.api_version();
    fits_schema(m, &format!("{namespace}/{name}; {version}, Kind={}", m.kind.name()))?;
    if let Some(live) = live.as_ref().filter(|_| !force) {
        let mut conflicts = Vec::new();
        let last = live.meta.annotations.get(objects::patch::LAST_APPLIED);
        if let Some(last) = last.and_then(|text| serde_json::from_str::<Value>(text).ok()) {
            conflicting(&last, &m.doc, &live.doc, "", &mut conflicts);
        }
        if !conflicts.is_empty() {
            return Err(Fail::error(conflict_text(&version, &conflicts)));
        }
    }
    let request = match &live {
        None => Request::Create { doc: m.doc.clone(), dry_run: dry.is_dry(), validation: Validation::Strict },
        Some(_) => Request::Patch { key, patch: m.doc.clone(), style: PatchStyle::of_apply(m.kind), dry_run: dry.is_dry() },
    };
    let outcome = send(request, io, ctx).map_err(|error| Fail::api(&error))?;
    Ok((outcome.object, "serverside-applied"))
}

/// Whether the document has the types of its kind, in the words of server-side apply.
/// Source: k8s.io/apimachinery/pkg/util/managedfields/internal/structuredmerge.go, v0.35.
fn fits_schema(m: &Manifest, what: &str) -> Result<(), Fail> {
    let fail = |text: String| Err(Fail { text: format!("Error from server: {text}\n"), exit: 1 });
    match objects::admit::typed_errors(m.kind, &m.doc).as_slice() {
        [] => {}
        [one] => return fail(format!("failed to create typed patch object ({what}): {one}")),
        many => {
            let list = many.join("\n  ");
            return fail(format!("failed to create typed patch object ({what}): errors:\n  {list}"));
        }
    }
    match objects::admit::decode(m.kind, &mut m.doc.clone(), Validation::Ignore) {
        Err(error) if error.message.contains("quantities must match") => {
            let why = error.causes.into_iter().map(|(_, why)| why).collect::<String>();
            let kind = format!("{}, Kind={}", m.kind.api_version(), m.kind.name());
            fail(format!(
                "failed to convert new object ({what}) to proper version: unable to convert unstructured object to {kind}: {why}"
            ))
        }
        _ => Ok(()),
    }
}

/// Fields that `last` set and `live` still has so, and that `new` says otherwise.
fn conflicting(last: &Value, new: &Value, live: &Value, path: &str, out: &mut Vec<String>) {
    match (last, new, live) {
        (Value::Object(last), Value::Object(new), Value::Object(live)) => {
            for (key, value) in new {
                if let (Some(before), Some(now)) = (last.get(key), live.get(key)) {
                    conflicting(before, value, now, &format!("{path}.{key}"), out);
                }
            }
        }
        (Value::Object(_) | Value::Array(_), ..) => {}
        (before, new, now) if before == now && new != now => out.push(path.to_owned()),
        _ => {}
    }
}

fn conflict_text(version: &str, fields: &[String]) -> String {
    let manager = format!("\"kubectl-client-side-apply\" using {version}");
    let head = match fields {
        [one] => format!("Apply failed with 1 conflict: conflict with {manager}: {one}"),
        many => {
            let list: String = many.iter().map(|f| format!("\n- {f}")).collect();
            format!("Apply failed with {} conflicts: conflicts with {manager}:{list}", many.len())
        }
    };
    format!(
        "{head}\nPlease review the fields above--they currently have other managers. Here\nare the ways you can resolve this \
         warning:\n* If you intend to manage all of these fields, please re-run the apply\n  command with the `--force-conflicts` \
         flag.\n* If you do not intend to manage all of the fields, please edit your\n  manifest to remove references to the fields \
         that should keep their\n  current managers.\n* You may co-own fields by updating your manifest to match the existing\n  \
         value; in this case, you'll become the manager if the other manager(s)\n  stop managing the field (remove it from their \
         configuration).\nSee https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts"
    )
}

fn resource(kind: Kind) -> String {
    let info = kind.info();
    let group = if info.group.is_empty() { String::new() } else { info.group.to_owned() };
    format!(
        "Resource: \"{group}/{v}, Resource={}\", GroupVersionKind: \"{group}/{v}, Kind={}\"",
        info.plural,
        info.kind,
        v = info.version
    )
}

fn no_name(m: &Manifest, namespace: &str) -> Fail {
    Fail::error(format!(
        "error when retrieving current configuration of:\n{}\nName: \"\", Namespace: \"{namespace}\"\nfrom server for: \"{}\": \
         resource name may not be empty",
        resource(m.kind),
        m.source
    ))
}

/// A refusal while applying, in kubectl's wording for a new or an existing object.
fn apply_error(error: &ApiError, m: &Manifest, live: Option<&Object>) -> String {
    let source = &m.source;
    let Some(live) = live else {
        return api_text(error, &format!("error when creating \"{source}\": "));
    };
    if error.reason == Reason::Invalid {
        return api_text(error, "");
    }
    let patch = objects::patch::apply_patch(m.kind, &live.doc, &m.doc).unwrap_or_default();
    api_text(
        error,
        &format!(
            "error when applying patch:\n{patch}\nto:\n{}\nName: \"{}\", Namespace: \"{}\"\nfor: \"{source}\": error when patching \
             \"{source}\": ",
            resource(m.kind),
            live.meta.name,
            live.meta.namespace
        ),
    )
}

/// `kubectl create -f`.
pub fn create_files(call: &mut Call, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    let (dry, validation) = (call.dry_run()?, validation(call)?);
    let output = Output::parse(call.flags.text("output"), false, super::client(ctx))?;
    let loaded = load(call, ctx)?;
    none_passed(&loaded, "create")?;
    let keep = call.flags.on("save-config");
    Ok(each(call, loaded, io, ctx, |m, io, ctx| {
        let doc = if keep { objects::patch::with_last_applied(&m.doc) } else { m.doc.clone() };
        if dry == DryRun::Client {
            report_as_sent(&output, m.kind, doc, "created", io);
            return Ok(());
        }
        let request = Request::Create { doc, dry_run: dry.is_dry(), validation };
        let outcome = send(request, io, ctx).map_err(|error| Fail {
            text: format!("{}\n", api_text(&error, &format!("error when creating \"{}\": ", m.source))),
            exit: 1,
        })?;
        let name = outcome.object.as_ref().map(|o| o.meta.name.clone()).unwrap_or_default();
        report_apart(&output, m.kind, &name, "created", dry, outcome.object, io);
        Ok(())
    }))
}

/// A client's dry run: the document as it would be sent, which no server has seen.
fn report_as_sent(output: &Output, kind: Kind, doc: Value, did: &str, io: &mut Io<'_>) {
    let name = doc.str_at("metadata.name").unwrap_or_default().to_owned();
    report_apart(output, kind, &name, did, DryRun::Client, Some(Arc::new(Object::from_doc(kind, doc))), io);
}

/// `kubectl replace`.
pub fn replace(call: &mut Call, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    let force = call.flags.on("force");
    if call.flags.int("grace-period").is_some_and(|g| g >= 0) && !force {
        return Err(Fail::error("--grace-period must have --force specified"));
    }
    if call.flags.duration("timeout").is_some_and(|t| t != 0) && !force {
        return Err(Fail::error("--timeout must have --force specified"));
    }
    if force && call.dry_run()?.is_dry() {
        return Err(Fail::error("--dry-run can not be used when --force is set"));
    }
    if call.flags.list("filename").is_empty() && call.built.is_none() {
        return Err(Fail::error("must specify one of -f and -k"));
    }
    if force {
        return Err(Fail::error("replace --force is not simulated here: delete the object and create it again"));
    }
    let (dry, validation) = (call.dry_run()?, validation(call)?);
    let output = Output::parse(call.flags.text("output"), false, super::client(ctx))?;
    let loaded = load(call, ctx)?;
    none_passed(&loaded, "replace")?;
    let keep = call.flags.on("save-config");
    Ok(each(call, loaded, io, ctx, |m, io, ctx| {
        let doc = if keep { objects::patch::with_last_applied(&m.doc) } else { m.doc.clone() };
        if dry == DryRun::Client {
            report_as_sent(&output, m.kind, doc, "replaced", io);
            return Ok(());
        }
        let request = Request::Replace { doc, dry_run: dry.is_dry(), validation };
        let outcome = send(request, io, ctx).map_err(|error| Fail {
            text: format!("{}\n", api_text(&error, &format!("error when replacing \"{}\": ", m.source))),
            exit: 1,
        })?;
        let name = m.doc.str_at("metadata.name").unwrap_or_default();
        report_apart(&output, m.kind, name, "replaced", dry, outcome.object, io);
        Ok(())
    }))
}
