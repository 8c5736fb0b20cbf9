//! `--local`: the objects are those of the files, and no server is asked.
//! Source: k8s.io/kubectl pkg/cmd/set/*.go, label/label.go, annotate/annotate.go, patch/patch.go and
//! k8s.io/cli-runtime pkg/resource/builder.go (`Local`), v0.35.

use super::get::Found;
use super::{Call, DryRun, Fail, manifest};
use crate::run::Ctx;
use engine::session::PatchStyle;
use objects::patch::{json_patch, merge, strategic};
use objects::{DocExt, Kind, Object, Value, json};
use std::sync::Arc;

/// What `--local` says where no file is named.
#[derive(Clone, Copy, Debug)]
pub struct Words(pub &'static str);

pub const SET: Words = Words(
    "you must specify resources by --filename when --local is set.\nExample resource specifications include:\n   '-f rsrc.yaml'\n   \
     '--filename=rsrc.json'",
);
pub const LABEL: Words = Words("can only use local files by -f pod.yaml or --filename=pod.json when --local=true is set");
pub const ANNOTATE: Words = Words("can only use local files by -f rsrc.yaml or --filename=rsrc.json when --local=true is set");
pub const PATCH: Words = Words("cannot specify --local and server resources");

/// The objects of the files, as they stand there; `None` without `--local`.
pub fn found(call: &Call, words: Words, dry: DryRun, ctx: &Ctx<'_>) -> Result<Option<Found>, Fail> {
    if !call.flags.on("local") {
        return Ok(None);
    }
    if dry == DryRun::Server {
        return Err(Fail::error("cannot specify --local and --dry-run=server - did you mean --dry-run=client?"));
    }
    if call.flags.list("filename").is_empty() && !call.flags.given("kustomize") {
        return Err(Fail::error(words.0));
    }
    let mut found = Found::default();
    for loaded in manifest::load(call, ctx)? {
        let manifest = loaded?;
        found.objects.push((manifest.kind, vec![Arc::new(Object::from_doc(manifest.kind, manifest.doc))]));
    }
    Ok(Some(found))
}

/// An object after a patch that no server has seen.
pub fn patched(object: &Object, patch: &Value, style: PatchStyle) -> Result<Arc<Object>, Fail> {
    let mut doc = object.doc.clone();
    match style {
        PatchStyle::Strategic if object.kind.is_crd() => {
            let version = doc.str_at("apiVersion").unwrap_or_default();
            let kind = object.kind.name();
            return Err(Fail::error(format!(
                "strategic merge patch is not supported for {version}, Kind={kind} locally, try --type merge"
            )));
        }
        PatchStyle::Strategic => strategic(object.kind, &mut doc, patch).map_err(|e| Fail::error(e.message))?,
        PatchStyle::Merge => merge(&mut doc, patch),
        PatchStyle::Json => match patch.as_array() {
            // One by one, to name the one that cannot be carried out.
            Some(operations) => operations.iter().try_for_each(|operation| {
                json_patch(&mut doc, &json!([operation])).map_err(|_| Fail::error(why_not(operation)))
            })?,
            None => json_patch(&mut doc, patch).map_err(|e| Fail::error(e.message))?,
        },
    }
    Ok(Arc::new(Object::from_doc(object.kind, doc)))
}

/// Source: gopkg.in/evanphx/json-patch.v4 patch.go, v4.13.
fn why_not(operation: &Value) -> String {
    let text = |field: &str| operation.str_at(field).unwrap_or_default();
    let (op, path) = (text("op"), text("path"));
    let key = path.rsplit('/').next().unwrap_or_default();
    match op {
        "remove" => format!("error in remove for path: '{path}': Unable to remove nonexistent key: {key}: missing value"),
        "test" => format!("testing value {path} failed: test failed"),
        "replace" => format!("replace operation does not apply: doc is missing key: {path}: missing value"),
        "add" => format!("add operation does not apply: doc is missing path: \"{path}\": missing value"),
        "copy" | "move" => format!("{op} operation does not apply: doc is missing from path: {}: missing value", text("from")),
        _ => format!("Unexpected kind: {op}"),
    }
}

/// Kinds that kubectl was not built with cannot be set.
pub fn check_known(object: &Object, call: &Call) -> Result<(), Fail> {
    if !object.kind.is_crd() {
        return Ok(());
    }
    let source = call.flags.list("filename").first().map_or("STDIN", |f| if f == "-" { "STDIN" } else { f });
    let version = object.doc.str_at("apiVersion").unwrap_or_default();
    let kind = object.kind.name();
    Err(Fail::error(format!(
        "unable to decode \"{source}\": no kind \"{kind}\" is registered for version \"{version}\" in scheme \
         \"pkg/runtime/scheme.go:111\""
    )))
}

/// An object as Go writes its type: with the fields that are written even where they are empty.
/// Source: the json tags of k8s.io/api v0.35; recorded with kubectl 1.35.
pub fn as_typed(object: &Object) -> Arc<Object> {
    let mut doc = object.doc.clone();
    let empty = |doc: &mut Value, path: &str, value: Value| {
        if doc.at(path).is_null() {
            doc.set(path, value);
        }
    };
    let template = match object.kind {
        Kind::CronJob => "spec.jobTemplate.spec.template",
        _ => "spec.template",
    };
    match object.kind {
        Kind::Pod => pod_spec(&mut doc, "spec"),
        Kind::Service => {
            empty(&mut doc, "status.loadBalancer", json!({}));
            items(doc.slot("spec"), "ports", |port| empty(port, "targetPort", json!(0)));
        }
        Kind::Deployment | Kind::ReplicaSet | Kind::StatefulSet | Kind::DaemonSet | Kind::Job | Kind::CronJob => {
            empty(&mut doc, &format!("{template}.metadata"), json!({}));
            pod_spec(&mut doc, &format!("{template}.spec"));
        }
        _ => {}
    }
    match object.kind {
        Kind::Deployment => empty(&mut doc, "spec.strategy", json!({})),
        Kind::StatefulSet => {
            empty(&mut doc, "spec.serviceName", json!(""));
            empty(&mut doc, "spec.updateStrategy", json!({}));
            items(doc.slot("spec"), "volumeClaimTemplates", |claim| {
                empty(claim, "spec.resources", json!({}));
                empty(claim, "status", json!({}));
            });
        }
        Kind::DaemonSet => empty(&mut doc, "spec.updateStrategy", json!({})),
        Kind::CronJob => {
            empty(&mut doc, "spec.jobTemplate.metadata", json!({}));
            empty(&mut doc, "spec.schedule", json!(""));
        }
        _ => {}
    }
    if matches!(object.kind, Kind::Deployment | Kind::ReplicaSet | Kind::StatefulSet | Kind::DaemonSet)
        && doc.at("spec.selector").is_null()
        && let Value::Object(spec) = doc.slot("spec")
    {
        spec.insert("selector".to_owned(), Value::Null);
    }
    let counts: &[&str] = match object.kind {
        Kind::ReplicaSet => &["replicas"],
        Kind::StatefulSet => &["availableReplicas", "replicas"],
        Kind::DaemonSet => &["currentNumberScheduled", "desiredNumberScheduled", "numberMisscheduled", "numberReady"],
        _ => &[],
    };
    if matches!(object.kind, Kind::Pod | Kind::Deployment | Kind::Job | Kind::CronJob) {
        empty(&mut doc, "status", json!({}));
    }
    for count in counts {
        empty(&mut doc, &format!("status.{count}"), json!(0));
    }
    Arc::new(Object::from_doc(object.kind, doc))
}

fn pod_spec(doc: &mut Value, path: &str) {
    let spec = doc.slot(path);
    if !spec.is_object() {
        *spec = json!({});
    }
    for list in ["containers", "initContainers"] {
        items(spec, list, |container| {
            if container.at("resources").is_null() {
                container.set("resources", json!({}));
            }
            items(container, "env", |variable| {
                if variable.at("valueFrom.resourceFieldRef").is_object()
                    && variable.at("valueFrom.resourceFieldRef.divisor").is_null()
                {
                    variable.set("valueFrom.resourceFieldRef.divisor", json!("0"));
                }
            });
        });
    }
    if let Value::Object(map) = spec
        && !map.contains_key("containers")
    {
        map.insert("containers".to_owned(), Value::Null);
    }
}

fn items(doc: &mut Value, list: &str, change: impl Fn(&mut Value)) {
    if let Some(Value::Array(items)) = doc.get_mut(list) {
        items.iter_mut().filter(|item| item.is_object()).for_each(change);
    }
}
