//! `kubectl apply` and `replace`, and what create shares with them: one document after another, each with its own result.

use super::manifest::{Loaded, Manifest, load, offer_repair};
use super::output::{Output, name_of};
use super::{Call, DryRun, Fail, Next, api_text, era, send};
use crate::run::{Ctx, Io};
use engine::session::{Request, Validation, Verdict};
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

fn none_passed(loaded: &Loaded, verb: &str) -> Result<(), Fail> {
    if loaded.is_empty() { Err(Fail::error(format!("no objects passed to {verb}"))) } else { Ok(()) }
}

/// Runs `act` on every document; refusals are printed in their place and the rest goes on.
fn each(
    call: &Call,
    loaded: Loaded,
    io: &mut Io<'_>,
    ctx: &mut Ctx<'_>,
    mut act: impl FnMut(&Manifest, &mut Io<'_>, &mut Ctx<'_>) -> Result<(), Fail>,
) -> Next {
    let mut exit = 0;
    for item in loaded {
        let result = item.and_then(|manifest| act(&manifest, io, ctx));
        if let Err(fail) = result {
            io.err(&fail.text);
            exit = fail.exit;
        }
    }
    if exit != 0 {
        offer_repair(call, io, ctx);
    }
    Next::Done(exit)
}

pub fn run(call: &mut Call, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    if call.flags.given("kustomize") {
        return Err(Fail::error("-k is not simulated here: use -f with the files"));
    }
    if call.flags.list("filename").is_empty() {
        return Err(Fail::error("must specify one of -f and -k"));
    }
    if !call.args.is_empty() {
        return Err(Fail::usage("apply", format!("Unexpected args: [{}]", call.args.join(" "))));
    }
    let (dry, validation) = (call.dry_run()?, validation(call)?);
    let output = Output::parse(call.flags.text("output"), false, era(ctx))?;
    let loaded = load(call, ctx)?;
    none_passed(&loaded, "apply")?;
    Ok(each(call, loaded, io, ctx, |m, io, ctx| {
        let name = m.doc.str_at("metadata.name").unwrap_or_default().to_owned();
        let namespace = m.doc.str_at("metadata.namespace").unwrap_or_default().to_owned();
        if name.is_empty() {
            return Err(no_name(m, &namespace));
        }
        let key = ObjectKey::new(m.kind, &namespace, &name);
        let live = super::snapshot(ctx).store.get(&key).cloned();
        let request = Request::Apply { doc: m.doc.clone(), dry_run: dry.is_dry(), validation };
        let outcome = send(request, io, ctx)
            .map_err(|error| Fail { text: format!("{}\n", apply_error(&error, m, live.as_deref())), exit: 1 })?;
        // Without asking the server kubectl never says `unchanged`; and a field that the server stores in another form
        // (`cpu: 1` as "1") makes a patch each time.
        let restated = live.as_ref().is_some_and(|l| differs(&l.doc, &m.doc));
        let did = match outcome.verdict {
            Verdict::Created => "created",
            Verdict::Unchanged if dry != DryRun::Client && !restated => "unchanged",
            _ => "configured",
        };
        report(&output, m.kind, &name, did, dry, outcome.object, io);
        Ok(())
    }))
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
    let patch = difference(&live.doc, &objects::patch::with_last_applied(&m.doc));
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

/// Whether something that `new` says is stored otherwise in `old`.
fn differs(old: &Value, new: &Value) -> bool {
    match (old, new) {
        (_, Value::Null) => false,
        (Value::Object(a), Value::Object(b)) => {
            b.iter().any(|(k, v)| !is_empty(v) && a.get(k).is_none_or(|before| differs(before, v)))
        }
        (Value::Array(a), Value::Array(b)) => a.len() != b.len() || a.iter().zip(b).any(|(x, y)| differs(x, y)),
        (a, b) => a != b,
    }
}

fn is_empty(v: &Value) -> bool {
    v.is_null() || v.as_object().is_some_and(serde_json::Map::is_empty) || v.as_array().is_some_and(Vec::is_empty)
}

/// The fields of `new` that differ from `old`, as the patch that apply sends.
fn difference(old: &Value, new: &Value) -> Value {
    let Value::Object(fields) = new else {
        return new.clone();
    };
    let mut out = serde_json::Map::new();
    for (name, value) in fields {
        match old.get(name) {
            Some(before) if before == value => {}
            Some(before) if before.is_object() && value.is_object() => {
                let inner = difference(before, value);
                if inner.as_object().is_some_and(|m| !m.is_empty()) {
                    out.insert(name.clone(), inner);
                }
            }
            _ => {
                out.insert(name.clone(), value.clone());
            }
        }
    }
    Value::Object(out)
}

/// `kubectl create -f`.
pub fn create_files(call: &mut Call, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    let (dry, validation) = (call.dry_run()?, validation(call)?);
    let output = Output::parse(call.flags.text("output"), false, era(ctx))?;
    let loaded = load(call, ctx)?;
    none_passed(&loaded, "create")?;
    Ok(each(call, loaded, io, ctx, |m, io, ctx| {
        let request = Request::Create { doc: m.doc.clone(), dry_run: dry.is_dry(), validation };
        let outcome = send(request, io, ctx).map_err(|error| Fail {
            text: format!("{}\n", api_text(&error, &format!("error when creating \"{}\": ", m.source))),
            exit: 1,
        })?;
        let name = outcome.object.as_ref().map(|o| o.meta.name.clone()).unwrap_or_default();
        report(&output, m.kind, &name, "created", dry, outcome.object, io);
        Ok(())
    }))
}

/// `kubectl replace`.
pub fn replace(call: &mut Call, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    if call.flags.list("filename").is_empty() {
        return Err(Fail::error("must specify --filename to replace"));
    }
    if call.flags.on("force") {
        return Err(Fail::error("replace --force is not simulated here: delete the object and create it again"));
    }
    let (dry, validation) = (call.dry_run()?, validation(call)?);
    let output = Output::parse(call.flags.text("output"), false, era(ctx))?;
    let loaded = load(call, ctx)?;
    none_passed(&loaded, "replace")?;
    Ok(each(call, loaded, io, ctx, |m, io, ctx| {
        let request = Request::Replace { doc: m.doc.clone(), dry_run: dry.is_dry(), validation };
        let outcome = send(request, io, ctx).map_err(|error| Fail {
            text: format!("{}\n", api_text(&error, &format!("error when replacing \"{}\": ", m.source))),
            exit: 1,
        })?;
        let name = m.doc.str_at("metadata.name").unwrap_or_default();
        report(&output, m.kind, name, "replaced", dry, outcome.object, io);
        Ok(())
    }))
}
