//! kubectl create, run and expose.
//! Source: k8s.io/kubectl/pkg/cmd/{create,run,expose}, v0.35.

use super::apply::{create_files, report};
use super::generate::{generate, label_map};
use super::output::Output;
use super::{Call, DryRun, Fail, Next, api, api_text, resolve, send, snapshot};
use crate::run::{Ctx, Io};
use engine::session::{Request, Validation};
use objects::{DocExt, Kind, Object, ObjectKey, Value, json};
use std::sync::Arc;

pub use super::generate::WORDS;

pub fn run(call: &mut Call, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    if !call.flags.list("filename").is_empty() || call.flags.given("kustomize") {
        if !call.args.is_empty() {
            return Err(Fail::usage("create", format!("Unexpected args: [{}]", call.args.join(" "))));
        }
        return create_files(call, io, ctx);
    }
    if call.args.is_empty() {
        return Err(Fail::error("must specify one of -f and -k"));
    }
    let made = generate(call, ctx)?;
    make(call, made.doc, "created", made.failing, io, ctx)
}

/// Creates `doc`, or only prints it where `--dry-run=client` asks for that.
pub(super) fn make(
    call: &Call,
    mut doc: Value,
    did: &str,
    failing: &str,
    io: &mut Io<'_>,
    ctx: &mut Ctx<'_>,
) -> Result<Next, Fail> {
    let dry = call.dry_run()?;
    let output = Output::parse(call.flags.text("output"), false, super::client(ctx))?;
    let kind = Kind::of(doc.str_at("apiVersion").unwrap_or_default(), doc.str_at("kind").unwrap_or_default())
        .ok_or_else(|| Fail::error("the object has no known kind"))?;
    let name = doc.str_at("metadata.name").unwrap_or_default().to_owned();
    // What a client prints has a namespace only where one was asked for.
    if kind.namespaced() && (dry != DryRun::Client || call.flags.given("namespace")) {
        doc.set("metadata.namespace", call.namespace(ctx));
    }
    if call.flags.on("save-config") {
        let mut plain = doc.clone();
        plain.remove_at("status");
        doc.set("metadata.annotations", objects::patch::with_last_applied(&plain).at("metadata.annotations").clone());
    }
    if dry == DryRun::Client {
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
            // Generators wrap the refusals of the server, which are errors of kubectl then.
            let text = if failing.is_empty() { api_text(&error, "") } else { format!("error: {failing}: {}", error.message) };
            Err(Fail { text: format!("{text}\n"), exit: 1 })
        }
    }
}

pub fn run_pod(call: &mut Call, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    let command = call.flags.dash().map(|behind| call.args.split_off(call.args.len().saturating_sub(behind)));
    let Some(name) = call.args.first().cloned() else {
        return Err(Fail::usage("run", "NAME is required for run"));
    };
    let Some(image) = call.flags.text("image") else {
        return Err(Fail::error("required flag(s) \"image\" not set"));
    };
    if image.is_empty() {
        return Err(Fail::error("--image is required"));
    }
    if image.contains(char::is_whitespace) || image.chars().any(|c| c.is_ascii_uppercase()) && !image.contains(':') {
        return Err(Fail::error(format!("Invalid image name \"{image}\": invalid reference format")));
    }
    if call.flags.on("tty") && !call.flags.on("stdin") {
        return Err(Fail::usage("run", "-i/--stdin is required for containers with -t/--tty=true"));
    }
    if call.flags.on("rm") && !call.flags.on("stdin") {
        return Err(Fail::usage("run", "--rm should only be used for attached containers"));
    }
    if call.flags.on("stdin") {
        return Err(Fail::error("run -i, -t and --rm are not simulated: no container runs here that one could talk to"));
    }
    if call.flags.on("expose") && !call.flags.given("port") {
        return Err(Fail::usage("run", "--port must be set when exposing a service"));
    }
    let restart = call.flags.text("restart").unwrap_or("Always");
    if !matches!(restart, "Always" | "OnFailure" | "Never") {
        return Err(Fail::usage("run", format!("invalid restart policy: {restart}")));
    }
    let labels = match call.flags.text("labels") {
        Some(text) => label_map(text)?,
        None => json!({"run": name}),
    };
    let mut container = json!({"image": image, "name": name, "resources": {}});
    if let Some(policy) = call.flags.text("image-pull-policy") {
        if !matches!(policy, "Always" | "IfNotPresent" | "Never") {
            return Err(Fail::usage("run", format!("invalid image pull policy: {policy}")));
        }
        container.set("imagePullPolicy", policy);
    }
    if let Some(port) = call.flags.int("port") {
        container.set("ports", json!([{ "containerPort": port }]));
    }
    let mut env = Vec::new();
    for pair in call.flags.list("env") {
        let (name, value) = pair.split_once('=').ok_or_else(|| Fail::error(format!("invalid env: {pair}")))?;
        env.push(json!({"name": name, "value": value}));
    }
    if !env.is_empty() {
        container.set("env", Value::Array(env));
    }
    let mut words: Vec<String> = call.args.iter().skip(1).cloned().collect();
    words.extend(command.unwrap_or_default());
    if !words.is_empty() {
        container.set(if call.flags.on("command") { "command" } else { "args" }, json!(words));
    }
    let mut doc = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"labels": labels, "name": name},
        "spec": {"containers": [container], "dnsPolicy": "ClusterFirst", "restartPolicy": restart}, "status": {},
    });
    let annotations = call.flags.list("annotations");
    if !annotations.is_empty() {
        doc.set("metadata.annotations", label_map(&annotations.join(","))?);
    }
    if let Some(text) = call.flags.text("overrides") {
        let change = objects::yaml::json::parse(text).map_err(|why| Fail::error(format!("Invalid JSON Patch: {why}")))?;
        // The overrides are a merge patch unless --override-type says otherwise.
        match call.flags.text("override-type") {
            Some("strategic") => objects::patch::strategic(Kind::Pod, &mut doc, &change).map_err(|e| Fail::api(&e))?,
            _ => objects::patch::merge(&mut doc, &change),
        }
    }
    let service = call.flags.on("expose").then(|| {
        let port = call.flags.int("port").unwrap_or(0);
        json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
            "spec": {"ports": [{"port": port, "protocol": "TCP", "targetPort": port}], "selector": labels_of(&doc)},
            "status": {"loadBalancer": {}},
        })
    });
    let done = make(call, doc, "created", "", io, ctx)?;
    match service {
        Some(service) => make(call, service, "created", "", io, ctx),
        None => Ok(done),
    }
}

fn labels_of(doc: &Value) -> Value {
    doc.at("metadata.labels").clone()
}

/// The one object a generator is about.
pub(super) fn one(call: &Call, ctx: &Ctx<'_>) -> Result<Arc<Object>, Fail> {
    let asked = resolve::resolve(&call.args, api(ctx))?;
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
    if !matches!(object.kind, Kind::Pod | Kind::Service | Kind::Deployment | Kind::ReplicaSet) {
        let group = object.kind.info().group;
        let dot = if group.is_empty() { "" } else { "." };
        return Err(Fail::error(format!("cannot expose a {}{dot}{group}", object.kind.name())));
    }
    let pod = if object.kind == Kind::Pod { object.doc.at("spec") } else { object.doc.at("spec.template.spec") };
    let mut ports: Vec<i64> = match object.kind {
        Kind::Service => object.doc.list_at("spec.ports").iter().filter_map(|p| p.int_at("port")).collect(),
        _ => {
            pod.list_at("containers").iter().flat_map(|c| c.list_at("ports")).filter_map(|p| p.int_at("containerPort")).collect()
        }
    };
    if let Some(text) = call.flags.text("port") {
        let asked: Result<Vec<i64>, _> = text.split(',').map(str::parse).collect();
        ports = asked.map_err(|_| Fail::error(format!("strconv.Atoi: parsing \"{text}\": invalid syntax")))?;
    }
    if ports.is_empty() {
        return Err(Fail::error("couldn't find port via --port flag or introspection"));
    }
    let selector = match (call.flags.text("selector"), object.kind) {
        (Some(text), _) => label_map(text)?,
        (None, Kind::Pod) if object.meta.labels.is_empty() => {
            return Err(Fail::error(
                "couldn't retrieve selectors via --selector flag or introspection: the pod has no labels and cannot be exposed",
            ));
        }
        (None, Kind::Pod) => object.doc.at("metadata.labels").clone(),
        (None, Kind::Service) => object.doc.at("spec.selector").clone(),
        (None, _) => object.doc.at("spec.selector.matchLabels").clone(),
    };
    let protocol = call.flags.text("protocol").unwrap_or("TCP");
    let target = call.flags.text("target-port").map(|t| t.parse::<i64>().map_or_else(|_| t.into(), Value::from));
    let several = ports.len() > 1;
    let entries: Vec<Value> = ports
        .iter()
        .enumerate()
        .map(|(i, port)| {
            let to = target.clone().unwrap_or_else(|| (*port).into());
            let mut entry = json!({"port": port, "protocol": protocol, "targetPort": to});
            if several {
                entry.set("name", format!("port-{}", i + 1));
            }
            entry
        })
        .collect();
    let name: String = call.flags.text("name").unwrap_or(&object.meta.name).chars().take(63).collect();
    let mut doc = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
        "spec": {"ports": entries, "selector": selector}, "status": {"loadBalancer": {}},
    });
    if let Some(labels) = call.flags.text("labels") {
        doc.set("metadata.labels", label_map(labels)?);
    } else if !object.meta.labels.is_empty() {
        doc.set("metadata.labels", object.doc.at("metadata.labels").clone());
    }
    for (flag, path) in [("type", "spec.type"), ("cluster-ip", "spec.clusterIP"), ("load-balancer-ip", "spec.loadBalancerIP")] {
        if let Some(text) = call.flags.text(flag).filter(|t| !t.is_empty()) {
            doc.set(path, text);
        }
    }
    if let Some(ip) = call.flags.text("external-ip") {
        doc.set("spec.externalIPs", json!([ip]));
    }
    match call.flags.text("session-affinity") {
        None | Some("") => {}
        Some(affinity @ ("None" | "ClientIP")) => doc.set("spec.sessionAffinity", affinity),
        Some(other) => return Err(Fail::error(format!("unknown session affinity: {other}"))),
    }
    make(call, doc, "exposed", "", io, ctx)
}
