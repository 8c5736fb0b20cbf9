//! What `-f` names: documents of files and standard input, with kubectl's words for what cannot be used.
//! Source: k8s.io/cli-runtime/pkg/resource/{builder,visitor,mapper}.go, v0.28.

use super::resolve::{Ask, Asked};
use super::{Call, Fail, api};
use crate::job::Repair;
use crate::options::Lang;
use crate::run::{Ctx, Io};
use objects::yaml::{diagnose, parse};
use objects::{DocExt, Kind, ObjectKey, Value};

/// One document to act on.
#[derive(Clone, Debug)]
pub struct Manifest {
    pub kind: Kind,
    pub doc: Value,
    /// `STDIN` or the file's name, for messages.
    pub source: String,
}

/// Documents in order; those that cannot be used are messages in their place.
pub type Loaded = Vec<Result<Manifest, Fail>>;

/// The texts that `-f` names: (name for messages, text).
pub fn texts(call: &Call, ctx: &Ctx<'_>) -> Result<Vec<(String, String)>, Fail> {
    let mut out = Vec::new();
    if let Some(text) = &call.built {
        out.push((call.flags.text("kustomize").unwrap_or_default().to_owned(), text.clone()));
    }
    for name in call.flags.list("filename") {
        if name == "-" {
            out.push(("STDIN".to_owned(), call.stdin.clone()));
            continue;
        }
        if name.starts_with("http://") || name.starts_with("https://") {
            return Err(Fail::error(format!("unable to read URL \"{name}\": the playground has no network")));
        }
        let path = ctx.state.path(name);
        if ctx.state.files.is_dir(&path) {
            let files = ctx.state.files.list(&path);
            for file in files.iter().filter(|f| f.ends_with(".yaml") || f.ends_with(".yml") || f.ends_with(".json")) {
                let full = crate::run::Files::absolute(&path, file);
                if let Some(text) = ctx.state.files.read(&full) {
                    out.push((format!("{}/{file}", name.trim_end_matches('/')), text.to_owned()));
                }
            }
            continue;
        }
        match ctx.state.files.read(&path) {
            Some(text) => out.push((name.clone(), text.to_owned())),
            None => return Err(Fail::error(format!("the path \"{name}\" does not exist"))),
        }
    }
    Ok(out)
}

/// Carries out `-k`, before the verb begins.
pub fn build(call: &mut Call, io: &mut Io<'_>, ctx: &Ctx<'_>) -> Result<(), Fail> {
    let Some(directory) = call.flags.text("kustomize").filter(|d| !d.is_empty()) else { return Ok(()) };
    if !call.flags.list("filename").is_empty() {
        return Err(Fail::error("only one of -f or -k can be specified"));
    }
    if call.flags.on("recursive") {
        return Err(Fail::error("the -k flag can't be used with -f or -R"));
    }
    call.built = Some(super::kustomize::built(directory, io, ctx)?);
    Ok(())
}

/// Verbs that work on files alone: `-f` or `-k` must be there, and no operands.
pub fn only_files(call: &Call, verb: &str) -> Result<(), Fail> {
    if call.flags.list("filename").is_empty() && !call.flags.given("kustomize") {
        return Err(Fail::error("must specify one of -f and -k"));
    }
    if !call.args.is_empty() {
        return Err(Fail::usage(verb, format!("Unexpected args: [{}]", call.args.join(" "))));
    }
    Ok(())
}

/// Reads all documents. `validate` refuses what lacks kind or apiVersion in the words of validation.
pub fn load(call: &Call, ctx: &Ctx<'_>) -> Result<Loaded, Fail> {
    let mut out = Vec::new();
    for (source, text) in texts(call, ctx)? {
        let stream = parse(&text);
        let mut refused = false;
        for document in stream.documents.into_iter().filter(|d| !d.value.is_null()) {
            if document.value.str_at("scenario").is_some() && document.value.get("v").is_some() {
                return Err(Fail::error(format!(
                    "\"{source}\" is a cluster that nodewright export has written down, and no manifest: nodewright open FILE goes on with \
                     it"
                )));
            }
            // What is no object at all ends the stream; one of an unknown kind does not.
            if let Err(fail) = check(&document.value, &source, call) {
                out.push(Err(fail));
                refused = true;
                break;
            }
            flatten(document.value, &source, call, ctx, &mut out);
        }
        if let Some(error) = stream.error.filter(|_| !refused) {
            out.push(Err(Fail::error(format!("error parsing {source}: {error}"))));
        }
    }
    Ok(out)
}

fn flatten(doc: Value, source: &str, call: &Call, ctx: &Ctx<'_>, out: &mut Loaded) {
    if doc.str_at("kind") == Some("List") && doc.str_at("apiVersion") == Some("v1") {
        for item in doc.list_at("items") {
            flatten(item.clone(), source, call, ctx, out);
        }
        return;
    }
    out.push(one(doc, source, call, ctx));
}

/// Whether a document has a kind and an API version, in the words of validation or, without it, of decoding.
/// Source: k8s.io/kubectl/pkg/validation/validation.go `getObjectKind`, v0.35.
fn check(doc: &Value, source: &str, call: &Call) -> Result<(), Fail> {
    let validates = call.verb.flags.contains(&"validate") && !matches!(call.flags.text("validate"), Some("false" | "ignore"));
    let mut wrong = Vec::new();
    if doc.is_object() {
        for field in ["apiVersion", "kind"] {
            match doc.get(field) {
                None | Some(Value::Null) => wrong.push(format!("{field} not set")),
                Some(Value::String(text)) if text.is_empty() && !validates => wrong.push(String::new()),
                Some(Value::String(_)) => {}
                Some(_) => wrong.push(format!("{field} isn't string type")),
            }
        }
    } else {
        wrong.push("invalid object to validate".to_owned());
    }
    let why = match wrong.as_slice() {
        [] => return Ok(()),
        [one] => one.clone(),
        many => format!("[{}]", many.join(", ")),
    };
    if validates {
        return Err(Fail::error(format!(
            "error validating \"{source}\": error validating data: {why}; if you choose to ignore these errors, turn validation off \
             with --validate=false"
        )));
    }
    let missing = if doc.get("kind").is_none_or(|k| k.as_str().is_none_or(str::is_empty)) { "Kind" } else { "apiVersion" };
    Err(Fail::error(format!("unable to decode \"{source}\": Object '{missing}' is missing in '{doc}'")))
}

fn one(mut doc: Value, source: &str, call: &Call, ctx: &Ctx<'_>) -> Result<Manifest, Fail> {
    let kind_name = doc.str_at("kind").unwrap_or_default().to_owned();
    let version = doc.str_at("apiVersion").unwrap_or_default().to_owned();
    let name = doc.str_at("metadata.name").unwrap_or_default().to_owned();
    let Some(kind) = Kind::of(&version, &kind_name).filter(|k| k.served_in(api(ctx))) else {
        let namespace = doc.str_at("metadata.namespace").unwrap_or_default();
        return Err(Fail::error(format!(
            "resource mapping not found for name: \"{name}\" namespace: \"{namespace}\" from \"{source}\": no matches for kind \
             \"{kind_name}\" in version \"{version}\"\nensure CRDs are installed first"
        )));
    };
    if kind.namespaced() {
        let wanted = call.flags.text("namespace");
        match (doc.str_at("metadata.namespace"), wanted) {
            (Some(own), Some(wanted)) if own != wanted => {
                return Err(Fail::error(format!(
                    "the namespace from the provided object \"{own}\" does not match the namespace \"{wanted}\". You must pass \
                     '--namespace={own}' to perform this operation."
                )));
            }
            (Some(_), _) => {}
            // What stays here is in no namespace yet.
            (None, _) if call.flags.on("local") => {}
            (None, _) => doc.set("metadata.namespace", call.namespace(ctx)),
        }
    }
    Ok(Manifest { kind, doc, source: source.to_owned() })
}

/// The objects that `-f` names, for verbs that only need their names; `None` without `-f`.
pub fn named(call: &Call, ctx: &Ctx<'_>) -> Result<Option<Asked>, Fail> {
    if call.flags.list("filename").is_empty() && !call.flags.given("kustomize") {
        return Ok(None);
    }
    let mut asks: Vec<Ask> = Vec::new();
    for loaded in load(call, ctx)? {
        let manifest = loaded?;
        let key = ObjectKey::of(manifest.kind, &manifest.doc);
        let namespace = manifest.kind.namespaced().then_some(key.namespace);
        match asks.iter_mut().find(|a| a.kind == manifest.kind && a.namespace == namespace) {
            Some(ask) => ask.names.push(key.name),
            None => asks.push(Ask { kind: manifest.kind, namespace, names: vec![key.name] }),
        }
    }
    let mixed = asks.iter().any(|a| asks.first().is_some_and(|first| first.kind != a.kind));
    Ok(Some(Asked { asks, mixed, slashed: true }))
}

/// After a refusal: if the text carries `//` remarks or characters that only look right, says so and offers to mend it.
pub fn offer_repair(call: &Call, io: &mut Io<'_>, ctx: &mut Ctx<'_>) {
    let Ok(texts) = texts(call, ctx) else {
        return;
    };
    let lang = ctx.state.options.lang;
    for (source, text) in texts {
        let (fixed_text, lines, en, ko) = if let Some((fixed, lines)) = diagnose::strip_remarks(&text) {
            (fixed, lines, "`//` begins no remark in YAML (`#` does)", "YAML 주석은 `//`가 아니라 `#`입니다")
        } else {
            let hidden = diagnose::hidden_characters(&text);
            let mut lines: Vec<u32> = hidden.iter().map(|h| h.line).collect();
            lines.dedup();
            if lines.is_empty() {
                continue;
            }
            (
                diagnose::normalise(&text),
                lines,
                "characters that only look like spaces or quotes",
                "눈에 보이지 않거나 비슷하게 생긴 문자가 있습니다",
            )
        };
        // A heredoc's lines are told as lines of what was typed, a file's as the file's own.
        let start = ctx.text.find(&text).filter(|_| source == "STDIN");
        let before = start.and_then(|at| ctx.text.get(..at)).map_or(0, |t| t.matches('\n').count());
        let lines: Vec<usize> = lines.iter().map(|l| *l as usize + before).collect();
        let fixed_script = match start {
            Some(_) => ctx.text.replacen(&text, &fixed_text, 1),
            None if source == "STDIN" => continue,
            None => format!("cat <<'NODEWRIGHT' > {source}\n{}\nNODEWRIGHT\n{}", fixed_text.trim_end_matches('\n'), ctx.text),
        };
        let numbers = lines.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
        io.hint(&match lang {
            Lang::En => {
                let noun = if lines.len() == 1 { "line" } else { "lines" };
                format!("{en}: {noun} {numbers}. The same text without them can be applied again.")
            }
            Lang::Ko => format!("{ko}: {numbers}번째 줄, 모두 {}줄. 이것만 고쳐서 다시 적용할 수 있어요.", lines.len()),
        });
        *ctx.repair = Some(Repair { lines, fixed_script });
    }
}
