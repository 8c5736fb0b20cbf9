//! kubectl diff: the live objects against what apply would make of them. Status 1 says that there are differences.
//! Source: k8s.io/kubectl/pkg/cmd/diff/diff.go, v0.35, and GNU diff's unified form.

use super::manifest::{Manifest, load, only_files};
use super::output::visible;
use super::{Call, Fail, Next, api_text, send, snapshot};
use crate::differences::{CONTEXT, script, unified};
use crate::run::{Ctx, Io};
use engine::session::{PatchStyle, Request, Validation};
use objects::collections::VecMap;
use objects::yaml::to_yaml;
use objects::{DocExt, Object, ObjectKey, Value, patch};

pub fn run(call: &mut Call, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    only_files(call, "diff")?;
    // By file name, as a directory is compared.
    let mut files: VecMap<String, (String, String)> = VecMap::new();
    for loaded in load(call, ctx)? {
        let m = loaded.map_err(trouble)?;
        let (live, merged) = versions(&m, io, ctx).map_err(trouble)?;
        let text = |doc: &Option<Value>| doc.as_ref().map(to_yaml).unwrap_or_default();
        files.insert(file_name(&m), (text(&live), text(&merged)));
    }
    let now = snapshot(ctx);
    let stamp = objects::time::rfc3339(now.unix_ms()).replace('T', " ").replace('Z', ".000000000 +0000");
    let number = 1_000_000_000 + ctx.now().ms() % 1_000_000_000;
    let mut differs = false;
    for (name, (live, merged)) in &files {
        let hunks = unified(&script(live, merged, str::to_owned), CONTEXT);
        if hunks.is_empty() {
            continue;
        }
        differs = true;
        let (old, new) = (format!("/tmp/LIVE-{number}/{name}"), format!("/tmp/MERGED-{}/{name}", number + 1));
        io.out(&format!("diff -u -N {old} {new}\n--- {old}\t{stamp}\n+++ {new}\t{stamp}\n{hunks}"));
    }
    Ok(Next::Done(i32::from(differs)))
}

/// Status 1 is kept for differences.
fn trouble(fail: Fail) -> Fail {
    Fail { exit: fail.exit + 1, ..fail }
}

/// `apps.v1.Deployment.default.inflate`
fn file_name(m: &Manifest) -> String {
    let info = m.kind.info();
    let group = if info.group.is_empty() { String::new() } else { format!("{}.", info.group) };
    let field = |p: &str| m.doc.str_at(p).unwrap_or_default();
    format!("{group}{}.{}.{}.{}", info.version, info.kind, field("metadata.namespace"), field("metadata.name"))
}

/// The live object and the one that apply would leave, where there are such.
fn versions(m: &Manifest, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<(Option<Value>, Option<Value>), Fail> {
    let field = |p: &str| m.doc.str_at(p).unwrap_or_default().to_owned();
    let key = ObjectKey::new(m.kind, &field("metadata.namespace"), &field("metadata.name"));
    let live = snapshot(ctx).store.get(&key).cloned();
    let request = match &live {
        // diff asks for no validation, and the server's own choice is to warn.
        None => Request::Create { doc: m.doc.clone(), dry_run: true, validation: Validation::Warn },
        Some(live) => {
            let change = patch::diff_patch(m.kind, &live.doc, &m.doc).map_err(|e| Fail::api(&e))?;
            if change.as_object().is_some_and(objects::Map::is_empty) {
                return Ok((Some(shown(live)), Some(shown(live))));
            }
            Request::Patch { key, patch: change, style: PatchStyle::of_apply(m.kind), dry_run: true }
        }
    };
    let outcome = send(request, io, ctx).map_err(|error| Fail { text: format!("{}\n", api_text(&error, "")), exit: 1 })?;
    Ok((live.map(|o| shown(&o)), outcome.object.map(|o| shown(&o))))
}

fn shown(object: &Object) -> Value {
    visible(&object.doc)
}
