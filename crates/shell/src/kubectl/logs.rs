//! kubectl logs.
//! Source: k8s.io/kubectl/pkg/cmd/logs/logs.go and pkg/polymorphichelpers/{logsforobject,helpers}.go, v0.28.

use super::get::{Filter, check_selectors, not_found};
use super::resolve;
use super::{Call, Fail, Next, api, era, snapshot};
use crate::run::{Ctx, Io, Program, Step};
use engine::Snapshot;
use engine::logs::LogLine;
use objects::collections::Order as _;
use objects::collections::VecMap;
use objects::{DocExt, Kind, Object, ObjectKey};
use std::sync::Arc;

/// One container whose log is wanted.
#[derive(Clone, Debug)]
struct Source {
    pod: ObjectKey,
    uid: String,
    container: String,
}

#[derive(Clone, Debug)]
struct Style {
    prefix: bool,
    timestamps: bool,
    limit_bytes: Option<usize>,
}

pub fn run(call: &mut Call, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    let selector = call.flags.text("selector");
    if call.args.is_empty() && selector.is_none() {
        return Err(Fail::usage(
            "logs",
            "expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\nPOD or TYPE/NAME is a required argument for the logs \
             command",
        ));
    }
    if !call.args.is_empty() && selector.is_some() {
        return Err(Fail::usage("logs", "only a selector (-l) or a POD name is allowed"));
    }
    if call.flags.on("all-containers") && call.flags.given("container") {
        return Err(Fail::error("--all-containers=true should not be specified with container name"));
    }
    let follow = call.flags.on("follow");
    let snapshot = snapshot(ctx);
    let pods = pods(call, &snapshot, io, ctx)?;
    if pods.is_empty() {
        let namespace = call.namespace(ctx);
        io.err(&format!("No resources found in {namespace} namespace.\n"));
        return Ok(Next::Done(0));
    }
    let mut sources = Vec::new();
    for pod in &pods {
        for container in containers(call, pod, io)? {
            sources.push(Source { pod: pod.key(), uid: pod.meta.uid.clone(), container });
        }
    }
    let most = call.flags.int("max-log-requests").unwrap_or(5);
    if follow && sources.len() > 1 && i64::try_from(sources.len()).unwrap_or(i64::MAX) > most {
        return Err(Fail::error(format!(
            "you are attempting to follow {} log streams, but maximum allowed concurrency is {most}, use --max-log-requests to \
             increase the limit",
            sources.len()
        )));
    }
    if call.flags.on("previous")
        && let Some(s) = sources.first()
    {
        return Err(Fail {
            text: format!(
                "Error from server (BadRequest): previous terminated container \"{}\" in pod \"{}\" not found\n",
                s.container, s.pod.name
            ),
            exit: 1,
        });
    }
    for pod in &pods {
        let waiting = pod.pod().is_some_and(|p| p.is_bound() && !p.is_terminal())
            && pod.doc.list_at("status.containerStatuses").iter().all(|c| !c.at("state.running").is_object());
        if waiting && let Some(s) = sources.iter().find(|s| s.pod == pod.key()) {
            return Err(Fail {
                text: format!(
                    "Error from server (BadRequest): container \"{}\" in pod \"{}\" is waiting to start: ContainerCreating\n",
                    s.container, s.pod.name
                ),
                exit: 1,
            });
        }
    }
    let tail = match call.flags.int("tail") {
        Some(n) if n >= 0 => usize::try_from(n).ok(),
        Some(_) => None,
        // With a selector only the last ten lines of each pod are shown unless asked otherwise.
        None => selector.map(|_| 10),
    };
    let mut since_ms = call.flags.duration("since").map(|d| snapshot.unix_ms() - d);
    if let Some(at) = call.flags.text("since-time") {
        let parsed = objects::time::parse_rfc3339(at);
        let wrong =
            || Fail::error(format!("parsing time \"{at}\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"{at}\" as \"2006\""));
        since_ms = Some(parsed.ok_or_else(wrong)?);
    }
    let style = Style {
        prefix: call.flags.on("prefix"),
        timestamps: call.flags.on("timestamps"),
        limit_bytes: call.flags.int("limit-bytes").and_then(|n| usize::try_from(n).ok()),
    };
    let last = snapshot.logs.last().cloned();
    for source in &sources {
        if let Some(refusal) = of_kwok(source, tail, &snapshot) {
            return Err(Fail { text: format!("Error from server (BadRequest): {refusal}\n"), exit: 1 });
        }
        let lines: Vec<&Arc<LogLine>> = snapshot
            .logs
            .iter()
            .filter(|l| is_of(l, source))
            .filter(|l| since_ms.is_none_or(|s| snapshot.epoch_ms.saturating_add_unsigned(l.at.0) >= s))
            .collect();
        let skip = tail.map_or(0, |n| lines.len().saturating_sub(n));
        let mut printed = 0;
        for line in lines.into_iter().skip(skip) {
            if style.limit_bytes.is_some_and(|m| printed >= m) {
                break;
            }
            printed += line.text.len() + 1;
            print(line, source, &style, snapshot.epoch_ms, io, ctx);
        }
    }
    if !follow {
        return Ok(Next::Done(0));
    }
    Ok(Next::Go(Box::new(Follow { sources, style, last })))
}

/// What kwok answers for the pods that it plays. It was told where Karpenter writes, one file for all its pods, and of no
/// other log; it takes lines that begin with a brace for those of Docker, which name their stream.
/// Source: kwok pkg/kwok/server/debugging_logs.go v0.7.0, k8s.io/cri-client pkg/logs/logs.go v0.35.4.
fn of_kwok(source: &Source, tail: Option<usize>, snapshot: &Snapshot) -> Option<String> {
    let pod = snapshot.store.get(&source.pod)?;
    let node = snapshot.store.cluster(Kind::Node, &pod.pod()?.node_name)?;
    let port = node.doc.at("status.daemonEndpoints.kubeletEndpoint.Port");
    if port.as_u64() != Some(u64::from(engine::KWOK_PORT)) {
        return None;
    }
    if pod.meta.namespace != snapshot.profile.karpenter_namespace {
        return Some(format!("no logs found for container {:?} in pod {:?}", source.container, source.pod.to_string()));
    }
    let is_json = snapshot.logs.first().is_some_and(|l| l.text.starts_with('{'));
    (tail != Some(0) && is_json).then(|| "unexpected stream type \"\"".to_owned())
}

fn is_of(line: &LogLine, source: &Source) -> bool {
    line.container == source.container
        && line.pod.split_once('/') == Some((source.pod.namespace.as_str(), source.pod.name.as_str()))
}

fn print(line: &Arc<LogLine>, source: &Source, style: &Style, epoch_ms: i64, io: &mut Io<'_>, ctx: &mut Ctx<'_>) {
    ctx.logs.insert(line.text.clone(), line.clone());
    let mut out = String::new();
    if style.prefix {
        out.push_str(&format!("[pod/{}/{}] ", source.pod.name, source.container));
    }
    if style.timestamps {
        let at = objects::time::rfc3339_ms(epoch_ms.saturating_add_unsigned(line.at.0));
        out.push_str(&format!("{}000000Z ", at.trim_end_matches('Z')));
    }
    out.push_str(&line.text);
    out.push('\n');
    io.out(&out);
}

/// The pods that the arguments name.
fn pods(call: &Call, snapshot: &Snapshot, io: &mut Io<'_>, ctx: &Ctx<'_>) -> Result<Vec<Arc<Object>>, Fail> {
    let namespace = call.namespace(ctx);
    if call.flags.given("selector") {
        check_selectors(call, Kind::Pod)?;
        let filter = Filter::read(call, ctx)?;
        return Ok(snapshot.store.list(Kind::Pod).filter(|p| filter.matches(p)).cloned().collect());
    }
    let (first, rest) = call.args.split_first().ok_or_else(|| Fail::error("no pod was named"))?;
    let (kind, name) = match (first.split_once('/'), rest) {
        (Some((kind, name)), _) => (resolve::kind(kind, api(ctx))?, name.to_owned()),
        // Older kubectl takes the container as a second operand.
        (None, _) => (Kind::Pod, first.clone()),
    };
    let key = ObjectKey::new(kind, namespace, &name);
    let missing = || {
        let error = not_found(kind, &name);
        // kubectl 1.31 and later word it themselves.
        if era(ctx) == engine::Era::V1 && kind == Kind::Pod {
            Fail::error(format!("error from server (NotFound): {} in namespace \"{namespace}\"", error.message))
        } else {
            Fail::api(&error)
        }
    };
    let object = snapshot.store.get(&key).ok_or_else(missing)?;
    if kind == Kind::Pod {
        return Ok(vec![object.clone()]);
    }
    let Some(workload) = object.workload() else {
        return Err(Fail::error(format!(
            "cannot get the logs from *v1.{}: selector for {} not implemented",
            kind.name(),
            kind.name()
        )));
    };
    let mut pods: Vec<Arc<Object>> = snapshot
        .store
        .list(Kind::Pod)
        .filter(|p| p.meta.namespace == object.meta.namespace && workload.selector.matches(&p.meta.labels))
        .cloned()
        .collect();
    // podutils.ByLogging: bound before unbound, ready before not, ready for longer, older.
    pods.order_by_key(|p| {
        let t = p.pod();
        (
            !t.is_some_and(|t| t.is_bound()),
            !t.is_some_and(|t| t.ready),
            t.and_then(|t| t.ready_since_ms),
            p.meta.created_ms,
            p.meta.name.clone(),
        )
    });
    if pods.is_empty() {
        return Err(Fail::error("timed out waiting for the condition"));
    }
    if pods.len() > 1
        && let Some(pod) = pods.first()
    {
        io.err(&format!("Found {} pods, using pod/{}\n", pods.len(), pod.meta.name));
    }
    pods.truncate(1);
    Ok(pods)
}

fn containers(call: &Call, pod: &Object, io: &mut Io<'_>) -> Result<Vec<String>, Fail> {
    let names = |path: &str| -> Vec<String> {
        pod.doc.list_at(path).iter().filter_map(|c| c.str_at("name").map(str::to_owned)).collect()
    };
    let all = names("spec.containers");
    let init = names("spec.initContainers");
    let second = call.args.get(1).filter(|_| !call.args.first().is_some_and(|a| a.contains('/'))).map(String::as_str);
    if let Some(wanted) = call.flags.text("container").or(second) {
        if all.iter().chain(&init).any(|n| n == wanted) {
            return Ok(vec![wanted.to_owned()]);
        }
        return Err(Fail::error(format!("container {wanted} is not valid for pod {}", pod.meta.name)));
    }
    if call.flags.on("all-containers") {
        return Ok(init.into_iter().chain(all).collect());
    }
    let default = pod.meta.annotations.get("kubectl.kubernetes.io/default-container").filter(|d| all.contains(d));
    let chosen = default.or(all.first()).cloned().unwrap_or_default();
    if all.len() + init.len() > 1 && default.is_none() {
        let mut listed = all;
        listed.extend(init.iter().map(|n| format!("{n} (init)")));
        io.err(&format!("Defaulted container \"{chosen}\" out of: {}\n", listed.join(", ")));
    }
    Ok(vec![chosen])
}

/// New lines of the sources, as they are written.
#[derive(Debug)]
struct Follow {
    sources: Vec<Source>,
    style: Style,
    last: Option<Arc<LogLine>>,
}

impl Program for Follow {
    fn step(&mut self, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Step {
        *ctx.follows = true;
        let snapshot = ctx.session.snapshot();
        let seen = match &self.last {
            None => 0,
            Some(last) => match snapshot.logs.iter().rposition(|l| Arc::ptr_eq(l, last)) {
                Some(at) => at + 1,
                // The line has been dropped, or time was turned back: go on behind its time.
                None => snapshot.logs.partition_point(|l| l.at <= last.at),
            },
        };
        let by_name: VecMap<(&str, &str, &str), &Source> =
            self.sources.iter().map(|s| ((s.pod.namespace.as_str(), s.pod.name.as_str(), s.container.as_str()), s)).collect();
        for line in snapshot.logs.iter().skip(seen) {
            let (namespace, name) = line.pod.split_once('/').unwrap_or(("", &line.pod));
            if let Some(source) = by_name.get(&(namespace, name, line.container.as_str())) {
                print(line, source, &self.style, snapshot.epoch_ms, io, ctx);
            }
        }
        if let Some(last) = snapshot.logs.last() {
            self.last = Some(last.clone());
        }
        let alive = self.sources.iter().any(|s| snapshot.store.get(&s.pod).is_some_and(|p| p.meta.uid == s.uid));
        if alive { Step::Wait(None) } else { Step::Done(0) }
    }
}
