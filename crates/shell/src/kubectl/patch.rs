//! kubectl patch.

use super::apply::report;
use super::change::each;
use super::get::{Filter, find};
use super::output::Output;
use super::resolve::resolve;
use super::{Call, DryRun, Fail, Next, api, send, snapshot};
use super::{local, manifest};
use crate::run::{Ctx, Io};
use engine::session::{PatchStyle, Request, Verdict};
use objects::Value;
use objects::yaml;

pub fn run(call: &mut Call, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    let dry = call.dry_run()?;
    let output = Output::parse(call.flags.text("output"), false, super::client(ctx))?;
    let text = match (call.flags.text("patch"), call.flags.text("patch-file")) {
        (Some(_), Some(_)) => return Err(Fail::error("cannot specify --patch and --patch-file together")),
        (Some(text), None) if !text.is_empty() => text.to_owned(),
        (None, Some(file)) => {
            let path = ctx.state.path(file);
            let found = ctx.state.files.read(&path).map(str::to_owned);
            found.ok_or_else(|| Fail::error(format!("unable to read patch file: open {file}: no such file or directory")))?
        }
        _ => return Err(Fail::error("must specify --patch or --patch-file containing the contents of the patch")),
    };
    let style = match call.flags.text("type").map(str::to_lowercase).as_deref() {
        None | Some("" | "strategic") => PatchStyle::Strategic,
        Some("merge") => PatchStyle::Merge,
        Some("json") => PatchStyle::Json,
        Some(other) => {
            return Err(Fail::error(format!("--type must be one of [json merge strategic], not \"{other}\"")));
        }
    };
    let subresource = call.flags.text("subresource").unwrap_or_default();
    if !matches!(subresource, "" | "status" | "scale" | "resize") {
        return Err(Fail::error(format!("invalid subresource value: \"{subresource}\". Must be one of [status scale resize]")));
    }
    if matches!(subresource, "status" | "resize") {
        return Err(Fail::error(format!("patch --subresource={subresource} is not simulated here: controllers write it")));
    }
    if call.flags.on("local") && !call.args.is_empty() {
        return Err(Fail::error(local::PATCH.0));
    }
    if let Some(found) = local::found(call, local::PATCH, dry, ctx)? {
        let patch = read(&text, style)?;
        return Ok(each(&found, io, ctx, &mut |object, io, _| {
            let after = local::patched(object, &patch, style)?;
            let did = if after.doc == object.doc { "patched (no change)" } else { "patched" };
            report(&output, object.kind, &object.meta.name, did, dry, Some(after), io);
            Ok(())
        }));
    }
    let asked = match manifest::named(call, ctx)? {
        Some(asked) => asked,
        None => resolve(&call.args, api(ctx))?,
    };
    if !asked.named() {
        return Err(Fail::no_name());
    }
    let patch = read(&text, style)?;
    let found = find(&asked, &Filter::read(call, ctx)?, &snapshot(ctx));
    Ok(each(&found, io, ctx, &mut |object, io, ctx| {
        if style == PatchStyle::Strategic && object.kind.is_crd() {
            io.err(
                "Error from server (UnsupportedMediaType): the body of the request was in an unknown format - accepted media \
                 types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml\n",
            );
            io.hint(match ctx.state.options.lang {
                crate::Lang::En => "custom resources take --type=merge",
                crate::Lang::Ko => "사용자 정의 리소스에는 --type=merge를 붙이세요.",
            });
            return Err(Fail { text: String::new(), exit: 1 });
        }
        let request = Request::Patch { key: object.key(), patch: patch.clone(), style, dry_run: dry.is_dry() };
        let outcome = send(request, io, ctx).map_err(|error| Fail::api(&error))?;
        let same = outcome.verdict == Verdict::Unchanged
            || outcome.object.as_ref().is_some_and(|o| o.meta.resource_version == object.meta.resource_version);
        let did = if same && dry == DryRun::None { "patched (no change)" } else { "patched" };
        report(&output, object.kind, &object.meta.name, did, dry, outcome.object, io);
        Ok(())
    }))
}

/// The patch as JSON; YAML is read too. Text that is neither is the server's refusal.
fn read(text: &str, style: PatchStyle) -> Result<Value, Fail> {
    let bad = |why: String| Fail { text: format!("Error from server (BadRequest): {why}\n"), exit: 1 };
    let trimmed = text.trim_start();
    if trimmed.starts_with('{') || trimmed.starts_with('[') {
        return yaml::json::parse(text).map_err(bad);
    }
    let stream = yaml::parse(text);
    if let Some(error) = stream.error {
        return Err(Fail::error(format!("unable to parse \"{text}\": {error}")));
    }
    let value = stream.documents.into_iter().next().map(|d| d.value).unwrap_or(Value::Null);
    let fits = if style == PatchStyle::Json { value.is_array() } else { value.is_object() };
    if fits { Ok(value) } else { Err(Fail::error(format!("unable to parse \"{text}\": it is neither an object nor a list"))) }
}
