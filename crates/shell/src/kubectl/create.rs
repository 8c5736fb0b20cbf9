//! kubectl create (files and the generators people use), run, expose and autoscale.

use super::apply::{create_files, report};
use super::output::Output;
use super::{Call, DryRun, Fail, Next, api_text, era, resolve, send, snapshot};
use crate::run::{Ctx, Io};
use engine::session::{Request, Validation};
use objects::{DocExt, Kind, Object, ObjectKey, Value, json};
use std::sync::Arc;

pub const WORDS: &[&str] = &["configmap", "deployment", "namespace", "poddisruptionbudget", "priorityclass", "serviceaccount"];

pub fn run(call: &mut Call, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    if !call.flags.list("filename").is_empty() {
        if !call.args.is_empty() {
            return Err(Fail::usage("create", format!("Unexpected args: [{}]", call.args.join(" "))));
        }
        return create_files(call, io, ctx);
    }
    if call.args.is_empty() {
        return Err(Fail::error("must specify one of -f and -k"));
    }
    let word = call.args.remove(0);
    let missing = |usage: &str| {
        Fail::usage(&format!("create {word}"), format!("exactly one NAME is required, got {}\n{usage}", call.args.len()))
    };
    let [name] = call.args.as_slice() else {
        if WORDS.contains(&word.as_str()) || matches!(word.as_str(), "deploy" | "ns" | "pdb" | "sa" | "cm" | "pc") {
            return Err(missing("NAME"));
        }
        return Err(unknown(&word));
    };
    let namespace = call.namespace(ctx).to_owned();
    let doc = match word.as_str() {
        "ns" | "namespace" => json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}),
        "sa" | "serviceaccount" => {
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": namespace}})
        }
        "cm" | "configmap" => {
            let mut data = serde_json::Map::new();
            for pair in call.flags.list("from-literal") {
                let (key, value) = pair
                    .split_once('=')
                    .ok_or_else(|| Fail::error(format!("invalid literal source {pair}, expected key=value")))?;
                data.insert(key.to_owned(), Value::String(value.to_owned()));
            }
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}, "data": data})
        }
        "pc" | "priorityclass" => json!({
            "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name},
            "value": call.flags.int("value").unwrap_or(0),
        }),
        "pdb" | "poddisruptionbudget" => pdb(call, name, &namespace)?,
        "deploy" | "deployment" => deployment(call, name, &namespace)?,
        _ => return Err(unknown(&word)),
    };
    make(call, doc, "created", io, ctx)
}

fn unknown(word: &str) -> Fail {
    Fail::error(format!(
        "create {word} is not simulated here: write the object as YAML and use create -f (generators here: {})",
        WORDS.join(", ")
    ))
}

fn label_map(text: &str) -> Result<Value, Fail> {
    let mut map = serde_json::Map::new();
    for pair in text.split(',').filter(|p| !p.is_empty()) {
        let (key, value) = pair.split_once('=').ok_or_else(|| Fail::error(format!("unexpected label spec: {pair}")))?;
        map.insert(key.to_owned(), Value::String(value.to_owned()));
    }
    Ok(Value::Object(map))
}

fn pdb(call: &Call, name: &str, namespace: &str) -> Result<Value, Fail> {
    let selector = call.flags.text("selector").ok_or_else(|| Fail::error("a selector must be specified"))?;
    let number = |text: &str| text.parse::<i64>().map_or_else(|_| Value::String(text.to_owned()), Value::from);
    let mut spec = json!({"selector": {"matchLabels": label_map(selector)?}});
    match (call.flags.text("min-available"), call.flags.text("max-unavailable")) {
        (Some(n), None) => spec.set("minAvailable", number(n)),
        (None, Some(n)) => spec.set("maxUnavailable", number(n)),
        (None, None) => return Err(Fail::error("one of min-available or max-unavailable must be specified")),
        _ => return Err(Fail::error("min-available and max-unavailable cannot be both specified")),
    }
    Ok(json!({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
        "metadata": {"name": name, "namespace": namespace}, "spec": spec,
    }))
}

/// The container's name that an image gives: its last path part without tag.
fn container_name(image: &str) -> String {
    let base = image.rsplit('/').next().unwrap_or(image);
    base.split([':', '@']).next().unwrap_or(base).chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
}

fn deployment(call: &Call, name: &str, namespace: &str) -> Result<Value, Fail> {
    let images = call.flags.list("image");
    if images.is_empty() {
        return Err(Fail::error("required flag(s) \"image\" not set"));
    }
    let containers: Vec<Value> = images
        .iter()
        .map(|image| {
            let mut c = json!({"image": image, "name": container_name(image), "resources": {}});
            if let Some(port) = call.flags.int("port") {
                c.set("ports", json!([{"containerPort": port}]));
            }
            c
        })
        .collect();
    Ok(json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"labels": {"app": name}, "name": name, "namespace": namespace},
        "spec": {
            "replicas": call.flags.int("replicas").unwrap_or(1), "selector": {"matchLabels": {"app": name}}, "strategy": {},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": containers}},
        },
        "status": {},
    }))
}

/// Creates `doc`, or only prints it where `--dry-run=client` asks for that.
fn make(call: &Call, mut doc: Value, did: &str, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    let dry = call.dry_run()?;
    let output = Output::parse(call.flags.text("output"), false, era(ctx))?;
    let kind = Kind::of(doc.str_at("apiVersion").unwrap_or_default(), doc.str_at("kind").unwrap_or_default())
        .ok_or_else(|| Fail::error("the object has no known kind"))?;
    let name = doc.str_at("metadata.name").unwrap_or_default().to_owned();
    if dry == DryRun::Client {
        // What a client prints has a namespace only where one was asked for.
        if !call.flags.given("namespace") {
            doc.remove_at("metadata.namespace");
        }
        let object = Arc::new(Object::from_doc(kind, doc));
        report(&output, kind, &name, did, dry, Some(object), io);
        return Ok(Next::Done(0));
    }
    let request = Request::Create { doc, dry_run: dry.is_dry(), validation: Validation::Strict };
    match send(request, io, ctx) {
        Ok(outcome) => {
            report(&output, kind, &name, did, dry, outcome.object, io);
            Ok(Next::Done(0))
        }
        Err(error) => {
            // Generators wrap some refusals of the server, files do not.
            let doing = if did == "created" && kind == Kind::Deployment { "failed to create deployment: " } else { "" };
            let text = if doing.is_empty() { api_text(&error, "") } else { format!("error: {doing}{}", error.message) };
            Err(Fail { text: format!("{text}\n"), exit: 1 })
        }
    }
}

pub fn run_pod(call: &mut Call, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    let Some(name) = call.args.first().cloned() else {
        return Err(Fail::usage("run", "NAME is required for run"));
    };
    let Some(image) = call.flags.text("image") else {
        return Err(Fail::error("required flag(s) \"image\" not set"));
    };
    if call.flags.on("stdin") || call.flags.on("tty") || call.flags.on("rm") {
        return Err(Fail::error("run -i, -t and --rm are not simulated: no container runs here that one could talk to"));
    }
    let labels = match call.flags.text("labels") {
        Some(text) => label_map(text)?,
        None => json!({"run": name}),
    };
    let mut container = json!({"image": image, "name": name, "resources": {}});
    for field in ["requests", "limits"] {
        if let Some(text) = call.flags.text(field) {
            container.set(&format!("resources.{field}"), label_map(text)?);
        }
    }
    if let Some(port) = call.flags.int("port") {
        container.set("ports", json!([{"containerPort": port}]));
    }
    let env: Vec<Value> = call
        .flags
        .list("env")
        .iter()
        .filter_map(|e| e.split_once('='))
        .map(|(name, value)| json!({"name": name, "value": value}))
        .collect();
    if !env.is_empty() {
        container.set("env", Value::Array(env));
    }
    let command: Vec<Value> = call.args.iter().skip(1).cloned().map(Value::String).collect();
    if !command.is_empty() {
        container.set("args", Value::Array(command));
    }
    let doc = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"labels": labels, "name": name, "namespace": call.namespace(ctx)},
        "spec": {
            "containers": [container], "dnsPolicy": "ClusterFirst",
            "restartPolicy": call.flags.text("restart").unwrap_or("Always"),
        },
        "status": {},
    });
    make(call, doc, "created", io, ctx)
}

/// The one object a generator is about.
fn one(call: &Call, ctx: &Ctx<'_>) -> Result<Arc<Object>, Fail> {
    let asked = resolve::resolve(&call.args, era(ctx))?;
    let ask = asked.asks.first().filter(|a| a.names.len() == 1);
    let (Some(ask), 1) = (ask, asked.asks.len()) else {
        return Err(Fail::no_name());
    };
    let name = ask.names.first().cloned().unwrap_or_default();
    let key = ObjectKey::new(ask.kind, call.namespace(ctx), &name);
    let found = snapshot(ctx).store.get(&key).cloned();
    found.ok_or_else(|| Fail::api(&super::get::not_found(ask.kind, &name)))
}

pub fn expose(call: &mut Call, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    let object = one(call, ctx)?;
    let Some(port) = call.flags.int("port") else {
        return Err(Fail::error("couldn't find port via --port flag or introspection"));
    };
    let selector = match object.kind {
        Kind::Pod => object.doc.at("metadata.labels").clone(),
        _ => object.doc.at("spec.selector.matchLabels").clone(),
    };
    let target = call
        .flags
        .text("target-port")
        .map_or_else(|| Value::from(port), |t| t.parse::<i64>().map_or_else(|_| Value::String(t.to_owned()), Value::from));
    let mut doc = json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": call.flags.text("name").unwrap_or(&object.meta.name), "namespace": object.meta.namespace},
        "spec": {"ports": [{"port": port, "protocol": "TCP", "targetPort": target}], "selector": selector},
    });
    if !object.meta.labels.is_empty() {
        doc.set("metadata.labels", object.doc.at("metadata.labels").clone());
    }
    if let Some(kind) = call.flags.text("type") {
        doc.set("spec.type", kind);
    }
    make(call, doc, "exposed", io, ctx)
}

pub fn autoscale(call: &mut Call, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    let object = one(call, ctx)?;
    let max = call.flags.int("max").filter(|m| *m >= 1);
    let max = max.ok_or_else(|| Fail::error("--max=MAXPODS is required and must be at least 1, max: -1"))?;
    let mut doc = json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": call.flags.text("name").unwrap_or(&object.meta.name), "namespace": object.meta.namespace},
        "spec": {
            "maxReplicas": max,
            "scaleTargetRef": {"apiVersion": object.kind.api_version(), "kind": object.kind.name(), "name": object.meta.name},
        },
    });
    if let Some(min) = call.flags.int("min") {
        doc.set("spec.minReplicas", min);
    }
    if let Some(percent) = call.flags.int("cpu-percent") {
        doc.set(
            "spec.metrics",
            json!([{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": percent}}}]),
        );
    }
    make(call, doc, "autoscaled", io, ctx)
}
