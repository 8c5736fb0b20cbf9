//! What the verbs share that change the objects their arguments name: one object after another, each with its own result.

use super::get::Found;
use super::{Call, DryRun, Fail, Next, send, snapshot};
use crate::run::{Ctx, Io};
use engine::session::{PatchStyle, Request};
use objects::{Object, Value};
use std::sync::Arc;

/// What is done to one object; the refusal is printed by [`each`].
pub type Act<'a> = dyn FnMut(&Arc<Object>, &mut Io<'_>, &mut Ctx<'_>) -> Result<(), Fail> + 'a;

/// Runs `act` on every object found. A refusal does not end it: all are printed behind what was done, as are the names that
/// were not found. The status is that of the last refusal.
pub fn each(found: &Found, io: &mut Io<'_>, ctx: &mut Ctx<'_>, act: &mut Act<'_>) -> Next {
    let mut exit = 0;
    let mut refusals = String::new();
    for object in found.objects.iter().flat_map(|(_, o)| o) {
        if let Err(fail) = act(object, io, ctx) {
            refusals.push_str(&fail.text);
            exit = fail.exit;
        }
    }
    io.err(&refusals);
    Next::Done(if found.say_missing(io) { 1 } else { exit })
}

/// Sends `request`, unless a dry run leaves the server alone, and gives the object as it is then, or would be.
pub fn unless_client(
    object: &Object,
    request: Request,
    dry: DryRun,
    io: &mut Io<'_>,
    ctx: &mut Ctx<'_>,
) -> Result<Option<Arc<Object>>, Fail> {
    if dry != DryRun::Client {
        let outcome = send(request, io, ctx).map_err(|error| Fail::api(&error))?;
        if dry.is_dry() {
            return Ok(outcome.object);
        }
    }
    Ok(snapshot(ctx).store.get(&object.key()).cloned())
}

/// [`unless_client`] for a merge patch, which a dry run of the client applies to what it has read.
pub fn merge(
    object: &Object,
    patch: Value,
    dry: DryRun,
    io: &mut Io<'_>,
    ctx: &mut Ctx<'_>,
) -> Result<Option<Arc<Object>>, Fail> {
    if dry == DryRun::Client {
        let mut doc = object.doc.clone();
        objects::patch::merge(&mut doc, &patch);
        return Ok(Some(Arc::new(Object::from_doc(object.kind, doc))));
    }
    let request = Request::Patch { key: object.key(), patch, style: PatchStyle::Merge, dry_run: dry.is_dry() };
    unless_client(object, request, dry, io, ctx)
}

/// The resource version that `--resource-version` asks for, which is one of a single object.
pub fn resource_version(call: &Call, found: &Found, many: &str) -> Result<Option<String>, Fail> {
    let asked = call.flags.text("resource-version").filter(|v| !v.is_empty()).map(str::to_owned);
    let count = found.objects.iter().map(|(_, o)| o.len()).sum::<usize>();
    if asked.is_some() && count > 1 { Err(Fail::error(many)) } else { Ok(asked) }
}
