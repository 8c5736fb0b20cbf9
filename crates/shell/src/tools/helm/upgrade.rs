//! `helm upgrade` of the one release, and what is known of it.
//! Source: helm.sh/helm/v3 cmd/helm/{upgrade,status,get_values}.go, v3.14.

use super::{Release, chart, release, values};
use crate::options::Lang;
use crate::run::{Ctx, Io};
use crate::tools::date_text;
use engine::session::{PatchStyle, Request};
use objects::{DocExt, Kind, ObjectKey, Value, json, yaml};

/// What an upgrade was asked for.
#[derive(Debug, Default)]
struct Asked {
    words: Vec<String>,
    install: bool,
    namespace: Option<String>,
    version: Option<String>,
    given: Option<Value>,
    /// `--reuse-values`, and `--reset-values`.
    reuse: bool,
    reset: bool,
}

/// Flags that change nothing of what is simulated: their names, and whether a value stands behind them.
const PASSED: &[(&str, bool)] = &[
    ("--wait", false),
    ("--wait-for-jobs", false),
    ("--atomic", false),
    ("--cleanup-on-fail", false),
    ("--create-namespace", false),
    ("--force", false),
    ("--no-hooks", false),
    ("--skip-crds", false),
    ("--debug", false),
    ("--timeout", true),
    ("--history-max", true),
    ("--description", true),
    ("--kube-context", true),
    ("--kubeconfig", true),
    ("--username", true),
    ("--password", true),
    ("--repo", true),
];

pub fn run(args: &[&str], io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<(), String> {
    let asked = read(args, ctx)?;
    let [name, chart] = asked.words.as_slice() else {
        return Err("Error: \"helm upgrade\" requires 2 arguments\n\nUsage:  helm upgrade [RELEASE] [CHART] [flags]".to_owned());
    };
    let known = release(ctx).ok_or_else(|| "helm: there is no Karpenter here to upgrade".to_owned())?;
    let place = asked.namespace.clone().unwrap_or_else(|| "default".to_owned());
    if *name != known.name || place != known.namespace {
        return Err(if asked.install {
            format!(
                "helm: installing {name:?} in namespace {place} is not simulated: Karpenter is the release {:?} in namespace {}",
                known.name, known.namespace
            )
        } else {
            format!("Error: UPGRADE FAILED: \"{name}\" has no deployed releases")
        });
    }
    if chart.trim_end_matches('/').rsplit('/').next() != Some("karpenter") {
        return Err(format!("helm: the chart {chart} is not simulated: oci://public.ecr.aws/karpenter/karpenter is"));
    }
    if let Some(version) = asked.version.as_deref().filter(|v| v.trim_start_matches('v') != known.version) {
        return Err(format!(
            "helm: Karpenter {version} is not simulated in this cluster, which runs {}; leave --version out, or give that",
            known.version
        ));
    }
    let era = ctx.session.scenario().era;
    let (deployment, settings) = installed(&known, ctx);
    // Without values of its own an upgrade keeps those of the release.
    let mut given =
        if asked.reuse || asked.given.is_none() && !asked.reset { chart::in_use(era, &deployment, &settings) } else { json!({}) };
    values::merge(&mut given, asked.given.as_ref().unwrap_or(&json!({})));
    let rendered = chart::render(era, &given, &deployment, &settings).map_err(|why| {
        format!("Error: UPGRADE FAILED: execution error at (karpenter/templates/deployment.yaml:151:25): {why}")
    })?;
    let mut patch = |kind: Kind, name: &str, patch: Value| {
        let key = ObjectKey::new(kind, &known.namespace, name);
        let request = Request::Patch { key, patch, style: PatchStyle::Merge, dry_run: false };
        ctx.session.request(ctx.line, request).map_err(|e| format!("Error: UPGRADE FAILED: {}", e.message))
    };
    if let Some(settings) = rendered.settings {
        patch(Kind::ConfigMap, SETTINGS, settings)?;
    }
    if let Some(account) = rendered.service_account {
        patch(Kind::ServiceAccount, "karpenter", account)?;
    }
    patch(Kind::Deployment, "karpenter", rendered.deployment)?;
    io.out(&format!("Release \"{}\" has been upgraded. Happy Helming!\n", known.name));
    status(&known.name, io, ctx);
    if !rendered.unused.is_empty() {
        let list = rendered.unused.join(", ");
        io.hint(&match ctx.state.options.lang {
            Lang::En => format!("no part of this simulation depends on {list}"),
            Lang::Ko => format!("이 시뮬레이션에서 {list} 값에 달린 것은 없습니다"),
        });
    }
    Ok(())
}

const SETTINGS: &str = "karpenter-global-settings";

/// The Deployment and the ConfigMap of its settings (null where the era has none).
fn installed(known: &Release, ctx: &Ctx<'_>) -> (Value, Value) {
    let snapshot = ctx.session.snapshot();
    let doc = |kind: Kind, name: &str| {
        snapshot.store.get(&ObjectKey::new(kind, &known.namespace, name)).map_or(Value::Null, |o| o.doc.clone())
    };
    (doc(Kind::Deployment, "karpenter"), doc(Kind::ConfigMap, SETTINGS))
}

/// How many upgrades there were, and when the last one was.
pub fn upgrades(ctx: &Ctx<'_>) -> (usize, Option<i64>) {
    let snapshot = ctx.session.snapshot();
    // Nothing else writes all of these at once.
    const PARTS: [&str; 3] = ["spec.replicas", "spec.template.metadata.annotations", "spec.template.spec.nodeSelector"];
    let is_one = |request: &Request| match request {
        Request::Patch { key, patch, .. } => key.kind == Kind::Deployment && PARTS.iter().all(|part| !patch.at(part).is_null()),
        _ => false,
    };
    let mut done = ctx.session.history().iter().take(ctx.session.applied()).filter(|e| is_one(&e.request));
    let at =
        |e: &engine::session::LogEntry| snapshot.unix_ms().saturating_sub_unsigned(snapshot.now.ms().saturating_sub(e.at.ms()));
    (done.clone().count(), done.next_back().map(at))
}

/// `helm status`, and the end of an upgrade.
pub fn status(name: &str, io: &mut Io<'_>, ctx: &Ctx<'_>) -> bool {
    let Some(known) = release(ctx).filter(|r| r.name == name) else { return false };
    let options = &ctx.state.options;
    let at = date_text(known.updated_ms, options.utc_offset_min, &options.zone, "%a %b %e %T %Y");
    io.out(&format!(
        "NAME: {name}\nLAST DEPLOYED: {at}\nNAMESPACE: {}\nSTATUS: deployed\nREVISION: {}\nTEST SUITE: None\n",
        known.namespace, known.revision
    ));
    true
}

/// `helm get values`: those that are not the chart's own, or all that are simulated.
pub fn get_values(args: &[&str], io: &mut Io<'_>, ctx: &Ctx<'_>) -> Result<(), String> {
    let (mut all, mut json, mut words) = (false, false, Vec::new());
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        match *arg {
            "-a" | "--all" => all = true,
            "-n" | "--namespace" => drop(rest.next()),
            "-o" | "--output" => json = rest.next() == Some(&"json"),
            "-ojson" | "--output=json" => json = true,
            "-oyaml" | "--output=yaml" => json = false,
            flag if flag.starts_with("--namespace=") => {}
            flag if flag.starts_with('-') => return Err(format!("Error: unknown flag: {flag}")),
            word => words.push(word),
        }
    }
    let known = release(ctx).filter(|r| words == [r.name.as_str()]).ok_or("Error: release: not found")?;
    let era = ctx.session.scenario().era;
    let (deployment, settings) = installed(&known, ctx);
    let mut values = if all { chart::defaults(era) } else { json!({}) };
    values::merge(&mut values, &chart::in_use(era, &deployment, &settings));
    if json {
        io.out(&format!("{values}\n"));
    } else {
        let head = if all { "COMPUTED VALUES:" } else { "USER-SUPPLIED VALUES:" };
        io.out(&format!("{head}\n{}", yaml::to_yaml(&values)));
    }
    Ok(())
}

fn read(args: &[&str], ctx: &Ctx<'_>) -> Result<Asked, String> {
    let mut asked = Asked::default();
    let mut rest = args.iter();
    let (mut files, mut sets) = (Vec::new(), Vec::new());
    while let Some(arg) = rest.next() {
        if !arg.starts_with('-') {
            asked.words.push((*arg).to_owned());
            continue;
        }
        let (name, value) = arg.split_once('=').filter(|(n, _)| n.starts_with("--")).map_or((*arg, None), |(n, v)| (n, Some(v)));
        let mut text = || value.or_else(|| rest.next().copied()).ok_or_else(|| format!("Error: flag needs an argument: {name}"));
        match name {
            "-i" | "--install" => asked.install = true,
            "--reuse-values" | "--reset-then-reuse-values" => asked.reuse = true,
            "--reset-values" => asked.reset = true,
            "--dry-run" => {
                return Err("helm: upgrade --dry-run is not simulated: helm get values -a shows what is in use".to_owned());
            }
            "-n" | "--namespace" => asked.namespace = Some(text()?.to_owned()),
            "--version" => asked.version = Some(text()?.to_owned()),
            "-f" | "--values" => files.push(text()?),
            "--set" => sets.push((text()?, false)),
            "--set-string" => sets.push((text()?, true)),
            "--set-json" | "--set-file" | "--set-literal" => {
                return Err(format!("helm: {name} is not simulated: use --set or -f"));
            }
            _ => match PASSED.iter().find(|(known, _)| *known == name) {
                Some((_, true)) => drop(text()?),
                Some((_, false)) => {}
                None => return Err(format!("Error: unknown flag: {name}")),
            },
        }
    }
    let mut given = json!({});
    for file in &files {
        let content = ctx
            .state
            .files
            .read(&ctx.state.path(file))
            .ok_or_else(|| format!("Error: open {file}: no such file or directory"))?;
        let stream = yaml::parse(content);
        if let Some(error) = stream.error {
            return Err(format!("Error: failed to parse {file}: {error}"));
        }
        for document in stream.documents.iter().filter(|d| !d.value.is_null()) {
            values::merge(&mut given, &document.value);
        }
    }
    for (pairs, text) in &sets {
        let flag = if *text { "--set-string" } else { "--set" };
        values::set(pairs, *text, &mut given).map_err(|why| format!("Error: failed parsing {flag} data: {why}"))?;
    }
    asked.given = (!files.is_empty() || !sets.is_empty()).then_some(given);
    Ok(asked)
}
