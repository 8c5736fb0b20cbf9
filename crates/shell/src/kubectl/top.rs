//! kubectl top. Nothing runs here, so usage is made up: a share of what each container asks for, the same one at each
//! instant; where a workload's annotation tells its load, that. It is said so on standard error. The Metrics API is there
//! once a Deployment `metrics-server` is available in kube-system, as on a cluster, or a load is told. Source: k8s.io/kubectl pkg/{cmd/top,metricsutil}, v0.35.4.

use super::get::{Filter, not_found};
use super::table::{Table, row};
use super::{Call, Fail, Next, snapshot};
use crate::options::Lang;
use crate::run::{Ctx, Io};
use engine::Snapshot;
use engine::environment::load;
use objects::collections::Order as _;
use objects::quantity::Quantity;
use objects::{DocExt, Kind, Object, ObjectKey, Value};
use std::sync::Arc;

const MIB: i64 = 1 << 20;
/// What a container without a request is taken to use.
const BARE_CPU_MILLI: i64 = 2;
const BARE_MEMORY: i64 = 12 * MIB;
/// What the machinery of a node uses.
const NODE_CPU_MILLI: i64 = 35;
const NODE_MEMORY: i64 = 350 * MIB;

/// Thousandths of a core, and bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Usage {
    cpu: i64,
    memory: i64,
}

impl Usage {
    fn add(&mut self, other: Usage) {
        self.cpu += other.cpu;
        self.memory += other.memory;
    }

    fn cells(self) -> [String; 2] {
        [format!("{}m", self.cpu), format!("{}Mi", self.memory / MIB)]
    }
}

/// A number from 0 to 999 that belongs to the text (FNV-1a).
fn share(text: &str) -> i64 {
    let hash = text.bytes().fold(0x811c_9dc5_u32, |h, b| (h ^ u32::from(b)).wrapping_mul(0x0100_0193));
    i64::from(hash % 1000)
}

fn container(pod: &Object, c: &Value, told: &load::Usage) -> Usage {
    let name = format!("{}/{}/{}", pod.meta.namespace, pod.meta.name, c.str_at("name").unwrap_or_default());
    let asked = |r: &str| {
        let v = c.at("resources.requests").get(r)?;
        let text = v.as_str().map_or_else(|| v.to_string(), str::to_owned);
        Quantity::parse(&text).ok().map(|q| q.nano)
    };
    let nano = |n: i128, unit: i128| i64::try_from(n / unit).unwrap_or(i64::MAX / 4096);
    // From a fifth to three fifths of the cores asked for, from two to four fifths of the memory.
    let cpu = asked("cpu").map_or(BARE_CPU_MILLI, |n| nano(n, 1_000_000) * (200 + share(&name) * 2 / 5) / 1000);
    let memory = asked("memory").map_or(BARE_MEMORY, |n| nano(n, 1_000_000_000) / 1000 * (400 + share(&name) * 2 / 5));
    // A load that is told is the pod's; its containers share it.
    let of = i64::try_from(pod.doc.list_at("spec.containers").len().max(1)).unwrap_or(1);
    Usage { cpu: told.told_milli(pod).map_or(cpu.max(1), |milli| milli / of), memory }
}

fn pod(pod: &Object, told: &load::Usage) -> Usage {
    let mut sum = Usage::default();
    pod.doc.list_at("spec.containers").iter().for_each(|c| sum.add(container(pod, c, told)));
    sum
}

fn running(o: &Object) -> bool {
    o.doc.str_at("status.phase") == Some("Running")
}

fn served(snapshot: &Snapshot) -> bool {
    let server = snapshot.store.get(&ObjectKey::new(Kind::Deployment, "kube-system", "metrics-server"));
    server.is_some_and(|d| d.doc.int_at("status.availableReplicas").unwrap_or(0) > 0) || load::is_measured(&snapshot.store)
}

pub fn run(call: &mut Call, io: &mut Io<'_>, ctx: &mut Ctx<'_>) -> Result<Next, Fail> {
    let snapshot = snapshot(ctx);
    let nodes = call.args.first().is_some_and(|w| w == "node");
    let sort = call.flags.text("sort-by").unwrap_or_default().to_owned();
    if !["", "cpu", "memory"].contains(&sort.as_str()) {
        return Err(Fail::error("--sort-by accepts only cpu or memory"));
    }
    if !served(&snapshot) {
        io.err("error: Metrics API not available\n");
        io.hint(match ctx.state.options.lang {
            Lang::En => "it is served by metrics-server: kubectl create deployment metrics-server -n kube-system --image=registry.k8s.io/metrics-server/metrics-server:v0.8.0",
            Lang::Ko => "metrics-server가 있어야 합니다: kubectl create deployment metrics-server -n kube-system --image=registry.k8s.io/metrics-server/metrics-server:v0.8.0",
        });
        return Ok(Next::Done(1));
    }
    let names = call.args.get(1..).unwrap_or_default().to_vec();
    if !names.is_empty() && call.flags.given("selector") {
        return Err(Fail::error("only one of NAME or --selector can be provided"));
    }
    io.err("note: simulated usage, made up from requests\n");
    if nodes { top_nodes(call, &names, &sort, &snapshot, io, ctx) } else { top_pods(call, &names, &sort, &snapshot, io, ctx) }
}

/// By name, or by what `--sort-by` says, the most first.
fn arrange<T>(list: &mut [(String, Usage, T)], sort: &str) {
    match sort {
        "cpu" => list.order_by(|a, b| b.1.cpu.cmp(&a.1.cpu)),
        "memory" => list.order_by(|a, b| b.1.memory.cmp(&a.1.memory)),
        _ => list.order_by(|a, b| a.0.cmp(&b.0)),
    }
}

fn pick(kind: Kind, call: &Call, names: &[String], snapshot: &Snapshot, ctx: &Ctx<'_>) -> Result<Vec<Arc<Object>>, Fail> {
    let filter = Filter::read(call, ctx)?;
    let mut found: Vec<Arc<Object>> = snapshot.store.list(kind).filter(|o| filter.matches(o)).cloned().collect();
    if let Some(missing) = names.iter().find(|n| !found.iter().any(|o| o.meta.name == **n)) {
        return Err(Fail::api(&not_found(kind, missing)));
    }
    found.retain(|o| names.is_empty() || names.contains(&o.meta.name));
    Ok(found)
}

fn top_nodes(
    call: &Call,
    names: &[String],
    sort: &str,
    snapshot: &Snapshot,
    io: &mut Io<'_>,
    ctx: &Ctx<'_>,
) -> Result<Next, Fail> {
    let told = load::Usage::at(&snapshot.store, snapshot.unix_ms());
    let mut list = Vec::new();
    for node in pick(Kind::Node, call, names, snapshot, ctx)? {
        let mut usage = Usage { cpu: NODE_CPU_MILLI, memory: NODE_MEMORY };
        snapshot.store.pods_on(&node.meta.name).filter(|p| running(p)).for_each(|p| usage.add(pod(p, &told)));
        list.push((node.meta.name.clone(), usage, node.node().map(|n| n.allocatable.clone())));
    }
    arrange(&mut list, sort);
    let mut rows = Vec::new();
    if !call.flags.on("no-headers") && !list.is_empty() {
        rows.push(match super::client(ctx) {
            ..32 => row(["NAME", "CPU(cores)", "CPU%", "MEMORY(bytes)", "MEMORY%"]),
            _ => row(["NAME", "CPU(cores)", "CPU(%)", "MEMORY(bytes)", "MEMORY(%)"]),
        });
    }
    for (name, usage, allocatable) in list {
        let [cpu, memory] = usage.cells();
        let (all_cpu, all_memory) = allocatable.map_or((0, 0), |a| (a.cpu(), a.memory()));
        let percent =
            |part: i64, of: i64| if of <= 0 { "0%".to_owned() } else { format!("{}%", i128::from(part) * 100 / i128::from(of)) };
        rows.push(vec![name, cpu, percent(usage.cpu, all_cpu), memory, percent(usage.memory, all_memory)]);
    }
    print(&rows, io);
    Ok(Next::Done(0))
}

fn top_pods(
    call: &Call,
    names: &[String],
    sort: &str,
    snapshot: &Snapshot,
    io: &mut Io<'_>,
    ctx: &Ctx<'_>,
) -> Result<Next, Fail> {
    let mut found = pick(Kind::Pod, call, names, snapshot, ctx)?;
    found.retain(|p| running(p));
    let all = call.all_namespaces();
    if found.is_empty() {
        io.err(&if all {
            "No resources found\n".to_owned()
        } else {
            format!("No resources found in {} namespace.\n", call.namespace(ctx))
        });
        return Ok(Next::Done(0));
    }
    let told = load::Usage::at(&snapshot.store, snapshot.unix_ms());
    let containers = call.flags.on("containers");
    let mut list: Vec<(String, Usage, Arc<Object>)> =
        found.into_iter().map(|p| (format!("{}/{}", p.meta.namespace, p.meta.name), pod(&p, &told), p)).collect();
    arrange(&mut list, sort);
    let mut rows = Vec::new();
    if !call.flags.on("no-headers") {
        let mut headers = if all { row(["NAMESPACE"]) } else { Vec::new() };
        headers.extend(if containers { row(["POD"]) } else { Vec::new() });
        headers.extend(row(["NAME", "CPU(cores)", "MEMORY(bytes)"]));
        rows.push(headers);
    }
    for (_, usage, pod) in list {
        let head = if all { vec![pod.meta.namespace.clone()] } else { Vec::new() };
        if !containers {
            rows.push(head.into_iter().chain([pod.meta.name.clone()]).chain(usage.cells()).collect());
            continue;
        }
        for c in pod.doc.list_at("spec.containers") {
            let own = [pod.meta.name.clone(), c.str_at("name").unwrap_or_default().to_owned()];
            rows.push(head.iter().cloned().chain(own).chain(container(&pod, c, &told).cells()).collect());
        }
    }
    print(&rows, io);
    Ok(Next::Done(0))
}

/// Cells of this printer end with a tab each, so that the last is padded too.
fn print(rows: &[Vec<String>], io: &mut Io<'_>) {
    let padded: Vec<Vec<String>> = rows.iter().map(|r| r.iter().cloned().chain([String::new()]).collect()).collect();
    io.out(&Table::default().print(&padded));
}
