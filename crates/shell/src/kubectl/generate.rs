//! The documents that `kubectl create KIND NAME` makes of flags.
//! Source: k8s.io/kubectl/pkg/cmd/create/create_*.go, v0.35.

use super::{Call, Fail, api, snapshot};
use crate::run::Ctx;
use objects::{DocExt, Kind, ObjectKey, Value, json};

/// What a generator makes, and how its refusals by the server begin (`failed to create deployment`).
pub struct Made {
    pub doc: Value,
    pub failing: &'static str,
}

struct Generator {
    names: &'static [&'static str],
    failing: &'static str,
    make: fn(&Call, &str, &Ctx<'_>) -> Result<Value, Fail>,
}

/// By their full names, in the order of kubectl's help.
pub const WORDS: &[&str] = &[
    "configmap",
    "cronjob",
    "deployment",
    "job",
    "namespace",
    "poddisruptionbudget",
    "priorityclass",
    "service",
    "serviceaccount",
];

const GENERATORS: &[Generator] = &[
    Generator { names: &["configmap", "cm"], failing: "failed to create configmap", make: config_map },
    Generator { names: &["cronjob", "cj"], failing: "failed to create cronjob", make: cron_job },
    Generator { names: &["deployment", "deploy"], failing: "failed to create deployment", make: deployment },
    Generator { names: &["job"], failing: "failed to create job", make: job },
    Generator { names: &["namespace", "ns"], failing: "", make: namespace },
    Generator { names: &["poddisruptionbudget", "pdb"], failing: "failed to create poddisruptionbudgets", make: budget },
    Generator { names: &["priorityclass", "pc"], failing: "failed to create priorityclass", make: priority_class },
    Generator { names: &["serviceaccount", "sa"], failing: "failed to create serviceaccount", make: service_account },
];

const SERVICES: &[(&str, &str)] =
    &[("clusterip", "ClusterIP"), ("externalname", "ExternalName"), ("loadbalancer", "LoadBalancer"), ("nodeport", "NodePort")];

/// The document that `create WORD ...` is about.
pub fn generate(call: &Call, ctx: &Ctx<'_>) -> Result<Made, Fail> {
    let (word, rest) = call.args.split_first().map(|(w, r)| (w.as_str(), r)).unwrap_or_default();
    if matches!(word, "service" | "svc") {
        return service(call, rest);
    }
    let Some(generator) = GENERATORS.iter().find(|g| g.names.contains(&word)) else {
        return Err(Fail::error(format!(
            "create {word} is not simulated here: write the object as YAML and use create -f (generators here: {})",
            WORDS.join(", ")
        )));
    };
    let full = generator.names.first().copied().unwrap_or(word);
    let name = one_name(rest, call, full)?;
    let doc = (generator.make)(call, name, ctx)?;
    Ok(Made { doc, failing: generator.failing })
}

/// The one operand in front of `--`.
fn one_name<'a>(operands: &'a [String], call: &Call, full: &str) -> Result<&'a str, Fail> {
    let named = operands.len() - command(call).len().min(operands.len());
    match operands.first() {
        Some(name) if named == 1 => Ok(name),
        _ => Err(Fail::usage(&format!("create {full}"), format!("exactly one NAME is required, got {named}"))),
    }
}

/// The words behind `--`.
pub fn command(call: &Call) -> &[String] {
    let behind = call.flags.dash().unwrap_or(0);
    call.args.get(call.args.len().saturating_sub(behind)..).unwrap_or_default()
}

fn required<'a>(call: &'a Call, flags: &[&str]) -> Result<Vec<&'a str>, Fail> {
    let missing: Vec<String> = flags.iter().filter(|f| !call.flags.given(f)).map(|f| format!("\"{f}\"")).collect();
    if !missing.is_empty() {
        return Err(Fail::error(format!("required flag(s) {} not set", missing.join(", "))));
    }
    Ok(flags.iter().filter_map(|f| call.flags.text(f)).collect())
}

fn object(api_version: &str, kind: &str, name: &str) -> Value {
    json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name}})
}

fn with_command(mut container: Value, call: &Call) -> Value {
    if !command(call).is_empty() {
        container.set("command", json!(command(call)));
    }
    container
}

fn namespace(_call: &Call, name: &str, _ctx: &Ctx<'_>) -> Result<Value, Fail> {
    let mut doc = object("v1", "Namespace", name);
    doc.set("spec", json!({}));
    doc.set("status", json!({}));
    Ok(doc)
}

fn service_account(_call: &Call, name: &str, _ctx: &Ctx<'_>) -> Result<Value, Fail> {
    Ok(object("v1", "ServiceAccount", name))
}

fn priority_class(call: &Call, name: &str, _ctx: &Ctx<'_>) -> Result<Value, Fail> {
    let mut doc = object("scheduling.k8s.io/v1", "PriorityClass", name);
    doc.set("value", call.flags.int("value").unwrap_or(0));
    doc.set("preemptionPolicy", call.flags.text("preemption-policy").unwrap_or("PreemptLowerPriority"));
    if call.flags.on("global-default") {
        doc.set("globalDefault", true);
    }
    if let Some(text) = call.flags.text("description").filter(|t| !t.is_empty()) {
        doc.set("description", text);
    }
    Ok(doc)
}

fn deployment(call: &Call, name: &str, _ctx: &Ctx<'_>) -> Result<Value, Fail> {
    required(call, &["image"])?;
    let images: Vec<&str> = call.flags.list("image").iter().flat_map(|i| i.split(',')).collect();
    if images.len() > 1 && !command(call).is_empty() {
        return Err(Fail::error("cannot specify multiple --image options and command"));
    }
    let mut containers: Vec<Value> = Vec::new();
    for image in images {
        let container = json!({"image": image, "name": container_name(image), "resources": {}});
        containers.push(with_command(container, call));
    }
    if let (Some(port), Some(first)) = (call.flags.int("port").filter(|p| *p >= 0), containers.first_mut()) {
        first.set("ports", json!([{ "containerPort": port }]));
    }
    let mut doc = object("apps/v1", "Deployment", name);
    doc.set("metadata.labels", json!({"app": name}));
    doc.set(
        "spec",
        json!({
            "replicas": call.flags.int("replicas").unwrap_or(1), "selector": {"matchLabels": {"app": name}}, "strategy": {},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": containers}},
        }),
    );
    doc.set("status", json!({}));
    Ok(doc)
}

/// The container's name that an image gives: its last path part without tag.
fn container_name(image: &str) -> String {
    let base = image.rsplit('/').next().unwrap_or(image);
    let base = base.split([':', '@']).next().unwrap_or(base);
    base.chars().map(|c| if matches!(c, '_' | '.') { '-' } else { c }).collect()
}

fn job(call: &Call, name: &str, ctx: &Ctx<'_>) -> Result<Value, Fail> {
    let from = call.flags.text("from").filter(|f| !f.is_empty());
    let image = call.flags.text("image").filter(|i| !i.is_empty());
    let mut doc = object("batch/v1", "Job", name);
    match (image, from) {
        (Some(_), Some(_)) | (None, None) => return Err(Fail::error("either --image or --from must be specified")),
        (None, Some(_)) if !command(call).is_empty() => return Err(Fail::error("cannot specify --from and command")),
        (Some(image), None) => {
            let container = with_command(json!({"image": image, "name": name, "resources": {}}), call);
            let spec = json!({"containers": [container], "restartPolicy": "Never"});
            doc.set("spec", json!({"template": {"metadata": {}, "spec": spec}}));
        }
        (None, Some(from)) => {
            let (kind, of) = from.split_once('/').unwrap_or(("", from));
            if Kind::parse(kind, api(ctx)) != Some(Kind::CronJob) {
                return Err(Fail::error("from must be an existing cronjob"));
            }
            let key = ObjectKey::new(Kind::CronJob, call.namespace(ctx), of);
            let snapshot = snapshot(ctx);
            let found = snapshot.store.get(&key).ok_or_else(|| Fail::api(&super::get::not_found(Kind::CronJob, of)))?;
            let template = found.doc.at("spec.jobTemplate");
            let mut annotations = template.at("metadata.annotations").clone();
            objects::patch::merge(&mut annotations, &json!({"cronjob.kubernetes.io/instantiate": "manual"}));
            doc.set("metadata.annotations", annotations);
            if template.at("metadata.labels").is_object() {
                doc.set("metadata.labels", template.at("metadata.labels").clone());
            }
            doc.set(
                "metadata.ownerReferences",
                json!([{"apiVersion": "batch/v1", "kind": "CronJob", "name": of, "uid": found.meta.uid, "controller": true}]),
            );
            doc.set("spec", template.at("spec").clone());
        }
    }
    doc.set("status", json!({}));
    Ok(doc)
}

fn cron_job(call: &Call, name: &str, _ctx: &Ctx<'_>) -> Result<Value, Fail> {
    let flags = required(call, &["image", "schedule"])?;
    let (image, schedule) = (flags.first().copied().unwrap_or_default(), flags.get(1).copied().unwrap_or_default());
    let container = with_command(json!({"image": image, "name": name, "resources": {}}), call);
    let spec = json!({"containers": [container], "restartPolicy": call.flags.text("restart").unwrap_or("OnFailure")});
    let mut doc = object("batch/v1", "CronJob", name);
    doc.set(
        "spec",
        json!({
            "jobTemplate": {"metadata": {"name": name}, "spec": {"template": {"metadata": {}, "spec": spec}}},
            "schedule": schedule,
        }),
    );
    doc.set("status", json!({}));
    Ok(doc)
}

pub fn label_map(text: &str) -> Result<Value, Fail> {
    let mut map = objects::Map::new();
    for pair in text.split(',').filter(|p| !p.is_empty()) {
        let (key, value) = pair.split_once('=').ok_or_else(|| Fail::error(format!("unexpected label spec: {pair}")))?;
        map.insert(key.to_owned(), value.into());
    }
    Ok(Value::Object(map))
}

fn budget(call: &Call, name: &str, _ctx: &Ctx<'_>) -> Result<Value, Fail> {
    let selector = call.flags.text("selector").filter(|s| !s.is_empty());
    let selector = selector.ok_or_else(|| Fail::error("a selector must be specified"))?;
    let amount = |flag: &str| -> Result<Option<Value>, Fail> {
        let Some(text) = call.flags.text(flag).filter(|t| !t.is_empty()) else { return Ok(None) };
        let digits = text.strip_suffix('%').unwrap_or(text);
        if digits.is_empty() || !digits.chars().all(|c| c.is_ascii_digit()) {
            return Err(Fail::error(format!("invalid format specified for {flag}")));
        }
        Ok(Some(text.parse::<i64>().map_or_else(|_| text.into(), Value::from)))
    };
    let mut doc = object("policy/v1", "PodDisruptionBudget", name);
    doc.set("spec", json!({"selector": {"matchLabels": label_map(selector)?}}));
    match (amount("min-available")?, amount("max-unavailable")?) {
        (Some(n), None) => doc.set("spec.minAvailable", n),
        (None, Some(n)) => doc.set("spec.maxUnavailable", n),
        (None, None) => return Err(Fail::error("one of min-available or max-unavailable must be specified")),
        _ => return Err(Fail::error("min-available and max-unavailable cannot be both specified")),
    }
    doc.set("status", json!({"currentHealthy": 0, "desiredHealthy": 0, "disruptionsAllowed": 0, "expectedPods": 0}));
    Ok(doc)
}

fn config_map(call: &Call, name: &str, ctx: &Ctx<'_>) -> Result<Value, Fail> {
    let (files, env_files) = (call.flags.list("from-file"), call.flags.list("from-env-file"));
    let literals = call.flags.list("from-literal");
    let others = files.len() + literals.len();
    if !env_files.is_empty() && others > 0 {
        return Err(Fail::error("from-env-file cannot be combined with from-file or from-literal"));
    }
    let mut pairs: Vec<(String, String)> = Vec::new();
    for source in files {
        let (key, path) = source.split_once('=').map_or((None, source.as_str()), |(k, p)| (Some(k), p));
        let absolute = ctx.state.path(path);
        if ctx.state.files.is_dir(&absolute) {
            if key.is_some() {
                return Err(Fail::error("cannot give a key name for a directory path"));
            }
            for file in ctx.state.files.list(&absolute) {
                let full = crate::run::Files::absolute(&absolute, &file);
                if let Some(text) = ctx.state.files.read(&full) {
                    pairs.push((file, text.to_owned()));
                }
            }
            continue;
        }
        pairs.push((key.unwrap_or(path.rsplit('/').next().unwrap_or(path)).to_owned(), read(path, ctx)?));
    }
    for pair in literals {
        let (key, value) =
            pair.split_once('=').ok_or_else(|| Fail::error(format!("invalid literal source {pair}, expected key=value")))?;
        pairs.push((key.to_owned(), value.trim_matches(['"', '\'']).to_owned()));
    }
    for path in env_files {
        let text = read(path, ctx)?;
        for line in text.lines().map(str::trim_start).filter(|l| !l.is_empty() && !l.starts_with('#')) {
            let (key, value) = line.split_once('=').unwrap_or((line, ""));
            pairs.push((key.to_owned(), value.to_owned()));
        }
    }
    let mut doc = object("v1", "ConfigMap", name);
    let mut data = objects::Map::new();
    for (key, value) in pairs {
        if data.insert(key.clone(), value.into()).is_some() {
            return Err(Fail::error(format!(
                "cannot add key \"{key}\", another key by that name already exists in Data for ConfigMap \"{name}\""
            )));
        }
    }
    if !data.is_empty() {
        doc.set("data", Value::Object(data));
    }
    Ok(doc)
}

fn read(path: &str, ctx: &Ctx<'_>) -> Result<String, Fail> {
    let text = ctx.state.files.read(&ctx.state.path(path)).map(str::to_owned);
    text.ok_or_else(|| Fail::error(format!("error reading {path}: no such file or directory")))
}

fn service(call: &Call, operands: &[String]) -> Result<Made, Fail> {
    let (word, rest) = operands.split_first().map(|(w, r)| (w.as_str(), r)).unwrap_or_default();
    let Some((_, kind)) = SERVICES.iter().find(|(name, _)| *name == word) else {
        let kinds: Vec<&str> = SERVICES.iter().map(|(name, _)| *name).collect();
        return Err(Fail::usage(
            "create service",
            format!("unknown command \"{word}\" for \"kubectl create service\" ({} are there)", kinds.join(", ")),
        ));
    };
    let name = one_name(rest, call, &format!("service {word}"))?;
    let tcp: Vec<&str> = call.flags.list("tcp").iter().flat_map(|t| t.split(',')).collect();
    let headless = call.flags.text("clusterip") == Some("None");
    let mut doc = object("v1", "Service", name);
    doc.set("metadata.labels", json!({"app": name}));
    doc.set("spec", json!({"selector": {"app": name}, "type": kind}));
    if *kind == "ExternalName" {
        let target = required(call, &["external-name"])?.first().copied().unwrap_or_default();
        if !objects::schema::is_dns_subdomain(target) {
            return Err(Fail::error(format!("invalid service external name {target}")));
        }
        doc.set("spec.externalName", target);
    } else if tcp.is_empty() && !headless {
        return Err(Fail::error("at least one tcp port specifier must be provided"));
    }
    if let Some(ip) = call.flags.text("clusterip").filter(|ip| !ip.is_empty() && *kind == "ClusterIP") {
        doc.set("spec.clusterIP", ip);
    }
    let mut ports = Vec::new();
    for pair in tcp {
        let (port, target) = pair.split_once(':').unwrap_or((pair, pair));
        let number = port.parse::<i64>().ok().filter(|p| (1..=65_535).contains(p));
        let number = number.ok_or_else(|| Fail::error("must be between 1 and 65535, inclusive"))?;
        let target = target.parse::<i64>().map_or_else(|_| target.into(), Value::from);
        let mut entry = json!({"name": pair.replace(':', "-"), "port": number, "protocol": "TCP", "targetPort": target});
        if let Some(node) = call.flags.int("node-port").filter(|n| *n > 0 && *kind == "NodePort") {
            entry.set("nodePort", node);
        }
        ports.push(entry);
    }
    if !ports.is_empty() {
        doc.set("spec.ports", Value::Array(ports));
    }
    doc.set("status", json!({"loadBalancer": {}}));
    let failing = match *kind {
        "ClusterIP" => "failed to create ClusterIP service",
        "ExternalName" => "failed to create ExternalName service",
        "LoadBalancer" => "failed to create LoadBalancer service",
        _ => "failed to create NodePort service",
    };
    Ok(Made { doc, failing })
}
