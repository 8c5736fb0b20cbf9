//! As many nodes and pods as the larger of real clusters have: `observe` stays small, and `plan` reads them all. How long the
//! latter takes is printed, not judged.

use super::namespace;
use crate::api::{eventually, resource};
use crate::control_plane::{Cluster, Part};
use anyhow::{Result, bail};
use engine::cluster::{Ahead, Detail, Live, Options};
use futures::{StreamExt, stream};
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use nodewright_cli::plan;
use objects::{DocExt, Kind, Value, json};
use std::io::{BufRead, BufReader};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const NODES: usize = 500;
/// On each node, two of them of DaemonSets.
const PODS: usize = 10;
const DAEMONS: usize = 2;
const DEPLOYMENTS: usize = 20;
/// What `observe` may have used at most.
const MEMORY_KIB: u64 = 150 * 1024;
/// Requests side by side.
const AT_ONCE: usize = 64;

const NAME: &str = "large";
/// The first argument of a process that observes; then the kubeconfig.
const OBSERVE: &str = "observe-large";
/// A program to take the figures of `plan` with. This one is built for tests, checks invariants after every instant and is
/// told to look no further than the first pods that move.
const PROGRAM: &str = "NODEWRIGHT_PROGRAM";
const SHORT: Ahead = Ahead { horizon_ms: 25_000, moves: 1 };

fn options(kubeconfig: &str) -> Options {
    Options { kubeconfig: Some(kubeconfig.to_owned()), ..Options::default() }
}

fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

pub fn fits(cluster: &mut Cluster) {
    cluster.install_karpenter_crds().unwrap();
    cluster.apply(&namespace(NAME));
    eventually("pods may be made", 30, || cluster.get(Kind::ServiceAccount, NAME, "default"));
    // Controllers would answer to thousands of objects, 20 requests a second.
    cluster.stop(Part::ControllerManager);
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let start = Instant::now();
        fill(cluster);
        println!("  {NODES} nodes and {} pods after {:.1} s", NODES * PODS, start.elapsed().as_secs_f64());
        observed(cluster);
        planned(cluster);
    }));
    clear(cluster);
    cluster.run(Part::ControllerManager).unwrap();
    outcome.unwrap_or_else(|panic| resume_unwind(panic));
}

/// Makes the nodes as Karpenter does, with claims and a pool that consolidates, and their pods, half of what would fit.
fn fill(cluster: &Cluster) {
    let class = json!({"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": NAME});
    cluster.apply(&json!({"apiVersion": "karpenter.kwok.sh/v1alpha1", "kind": "KWOKNodeClass", "metadata": {"name": NAME}}));
    cluster.apply(&json!({
        "apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": {"name": NAME},
        "spec": {"disruption": {"consolidationPolicy": "WhenEmptyOrUnderutilized", "consolidateAfter": "30s"},
            "template": {"spec": {"nodeClassRef": class, "requirements": [
                {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["on-demand"]}]}}}
    }));
    let daemons: Vec<Value> = (0..DAEMONS).map(|i| owner("DaemonSet", &format!("daemon-{i}"), 0)).collect();
    let deployments: Vec<Value> =
        (0..DEPLOYMENTS).map(|i| owner("Deployment", &format!("web-{i}"), NODES * (PODS - DAEMONS) / DEPLOYMENTS)).collect();
    let daemons = create(cluster, &daemons);
    let deployments = create(cluster, &deployments);
    let sets: Vec<Value> = deployments.iter().map(set_of).collect();
    let sets = create(cluster, &sets);

    let claims: Vec<Value> = (0..NODES).map(claim).collect();
    let claims = create(cluster, &claims);
    cluster.block_on(async {
        let api: Api<DynamicObject> = Api::all_with(cluster.client.clone(), &resource(Kind::NodeClaim));
        let params = PatchParams::default();
        let up = |n: usize| {
            let api = api.clone();
            let params = params.clone();
            async move { api.patch_status(&name(n), &params, &Patch::Merge(&up(n))).await }
        };
        each((0..NODES).map(up)).await;
    });
    let nodes: Vec<Value> = claims.iter().enumerate().map(|(n, claim)| node(n, claim)).collect();
    create(cluster, &nodes);
    // Who makes a node gets a taint with it, which the controllers would take off.
    cluster.block_on(async {
        let api: Api<DynamicObject> = Api::all_with(cluster.client.clone(), &resource(Kind::Node));
        let untaint = |n: usize| {
            let api = api.clone();
            async move { api.patch(&name(n), &PatchParams::default(), &Patch::Merge(&json!({"spec": {"taints": null}}))).await }
        };
        each((0..NODES).map(untaint)).await;
    });
    let pods: Vec<Value> = (0..NODES * PODS)
        .map(|i| {
            let (n, k) = (i / PODS, i % PODS);
            let owner = if k < DAEMONS { &daemons[k] } else { &sets[(n * (PODS - DAEMONS) + k - DAEMONS) % DEPLOYMENTS] };
            pod(i, &name(n), owner)
        })
        .collect();
    create(cluster, &pods);
    eventually("all pods run", 120, || {
        let pending = ListParams::default().fields("status.phase=Pending").limit(1);
        let api: Api<DynamicObject> = Api::namespaced_with(cluster.client.clone(), NAME, &resource(Kind::Pod));
        let left = cluster.block_on(api.list(&pending)).expect("pods are listed").items.len();
        (left == 0).then_some(())
    });
}

fn name(n: usize) -> String {
    format!("{NAME}-{n:03}")
}

fn template(app: &str) -> Value {
    // What every pod carries and nobody decides by.
    let env: Vec<Value> =
        (0..6).map(|i| json!({"name": format!("SETTING_{i}"), "value": format!("https://{i}.example.com")})).collect();
    json!({
        "metadata": {"labels": {"app": app}},
        "spec": {"terminationGracePeriodSeconds": 0, "containers": [
            {"name": "app", "image": "pause:3.7", "env": env, "resources": {"requests": {"cpu": "200m", "memory": "256Mi"}}}]},
    })
}

fn owner(kind: &str, app: &str, replicas: usize) -> Value {
    let mut doc = json!({
        "apiVersion": "apps/v1", "kind": kind, "metadata": {"name": app, "namespace": NAME},
        "spec": {"selector": {"matchLabels": {"app": app}}, "template": template(app)},
    });
    match kind {
        "Deployment" => doc.set("spec.replicas", replicas),
        _ => doc.set("spec.template.spec.tolerations", json!([{"operator": "Exists"}])),
    }
    doc
}

/// The ReplicaSet that the controllers would make of a Deployment.
fn set_of(deployment: &Value) -> Value {
    let app = deployment.str_at("metadata.name").unwrap();
    let hash = json!({"app": app, "pod-template-hash": "1"});
    let mut doc = json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": format!("{app}-1"), "namespace": NAME, "ownerReferences": [reference(deployment, true)]},
        "spec": {"replicas": deployment.at("spec.replicas"), "selector": {"matchLabels": hash}, "template": template(app)},
    });
    doc.set("spec.template.metadata.labels", hash);
    doc
}

fn reference(owner: &Value, controller: bool) -> Value {
    let text = |path: &str| owner.str_at(path).unwrap();
    json!({"apiVersion": text("apiVersion"), "kind": text("kind"), "name": text("metadata.name"), "uid": text("metadata.uid"),
        "controller": controller})
}

fn labels(n: usize) -> Value {
    json!({
        "karpenter.sh/nodepool": NAME, "karpenter.sh/capacity-type": "on-demand", "kubernetes.io/arch": "amd64",
        "kubernetes.io/os": "linux", "node.kubernetes.io/instance-type": "m-4x-amd64-linux",
        "topology.kubernetes.io/zone": format!("test-zone-{}", ["a", "b", "c"][n % 3]),
    })
}

fn resources() -> Value {
    json!({"cpu": "4", "memory": "16Gi", "pods": "58"})
}

fn claim(n: usize) -> Value {
    json!({
        "apiVersion": "karpenter.sh/v1", "kind": "NodeClaim", "metadata": {"name": name(n), "labels": labels(n)},
        "spec": {"nodeClassRef": {"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": NAME}, "requirements": [
            {"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["m-4x-amd64-linux"]}]},
    })
}

/// The status of the claim of a node that has been up for long.
fn up(n: usize) -> Value {
    let condition = |kind: &str| {
        json!({"type": kind, "status": "True", "reason": kind, "message": "",
        "lastTransitionTime": "2026-01-01T00:00:00Z"})
    };
    let conditions: Vec<Value> =
        ["Launched", "Registered", "Initialized", "Ready", "Consolidatable"].into_iter().map(condition).collect();
    json!({"status": {"providerID": format!("kwok://{}", name(n)), "nodeName": name(n), "capacity": resources(),
        "allocatable": resources(), "conditions": conditions}})
}

fn node(n: usize, claim: &Value) -> Value {
    let mut labels = labels(n);
    for (key, value) in [
        ("kubernetes.io/hostname", name(n)),
        ("karpenter.sh/registered", "true".into()),
        ("karpenter.sh/initialized", "true".into()),
    ] {
        labels[key] = value.into();
    }
    let condition = |kind: &str, status: &str| json!({"type": kind, "status": status, "reason": "Kubelet", "message": ""});
    json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": {"name": name(n), "labels": labels, "finalizers": ["karpenter.sh/termination"],
            "ownerReferences": [reference(claim, false)]},
        "spec": {"providerID": format!("kwok://{}", name(n))},
        "status": {"capacity": resources(), "allocatable": resources(), "conditions": [
            condition("Ready", "True"), condition("MemoryPressure", "False"), condition("DiskPressure", "False")]},
    })
}

fn pod(i: usize, node: &str, owner: &Value) -> Value {
    let (kind, set) = (owner.str_at("kind").unwrap(), owner.str_at("metadata.name").unwrap());
    let template = owner.at("spec.template");
    let mut spec = template.at("spec").clone();
    spec.set("nodeName", node);
    let mut labels = template.at("metadata.labels").clone();
    if kind == "DaemonSet" {
        labels["pod-template-generation"] = "1".into();
    }
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": format!("{set}-{i:04}"), "namespace": NAME, "labels": labels,
            "ownerReferences": [reference(owner, true)]},
        "spec": spec,
    })
}

/// Creates documents of one kind side by side, and gives them as the server has them.
fn create(cluster: &Cluster, docs: &[Value]) -> Vec<Value> {
    let kind = Kind::of(docs[0].str_at("apiVersion").unwrap(), docs[0].str_at("kind").unwrap()).unwrap();
    let api: Api<DynamicObject> = match kind.namespaced() {
        true => Api::namespaced_with(cluster.client.clone(), NAME, &resource(kind)),
        false => Api::all_with(cluster.client.clone(), &resource(kind)),
    };
    let one = |doc: &Value| {
        let (api, object) = (api.clone(), serde_json::from_value(doc.clone()).expect("a document is an object"));
        async move { api.create(&PostParams::default(), &object).await }
    };
    let made = cluster.block_on(each(docs.iter().map(one)));
    let mut made: Vec<Value> = made.into_iter().map(|o| serde_json::to_value(o).expect("an object is JSON")).collect();
    made.iter_mut().for_each(|doc| {
        doc.set("apiVersion", kind.api_version());
        doc.set("kind", kind.name());
    });
    made
}

/// The answers to requests, in their order; all must be accepted.
async fn each<T>(requests: impl Iterator<Item = impl Future<Output = kube::Result<T>>>) -> Vec<T> {
    stream::iter(requests).buffered(AT_ONCE).map(|answer| answer.unwrap_or_else(|e| panic!("{e}"))).collect().await
}

/// A process that draws the cluster as `nodewright observe` does, but for the terminal.
struct Observing {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Observing {
    fn start(kubeconfig: &str) -> Observing {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        let mut child =
            command.args([OBSERVE, kubeconfig]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        Observing { child, lines }
    }

    /// Waits for a picture that begins so.
    fn until(&mut self, nodes: usize, pods: usize) {
        let wanted = format!("{nodes} nodes {pods} pods");
        let start = Instant::now();
        for line in self.lines.by_ref() {
            let line = line.expect("it writes text");
            if line == wanted {
                return;
            }
            assert!(start.elapsed() < Duration::from_secs(60), "not within 60 s: {wanted}; but {line}");
        }
        panic!("it has ended");
    }

    /// The most memory that it has had, resident.
    fn peak_kib(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
        let peak = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).expect("the kernel tells it");
        peak.trim().trim_end_matches("kB").trim().parse().expect("a number")
    }
}

impl Drop for Observing {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn arguments() -> Option<String> {
    let all: Vec<String> = std::env::args().skip(1).collect();
    (all.first().is_some_and(|first| first == OBSERVE)).then(|| all.get(1).cloned().unwrap_or_default())
}

/// Draws ten times a second, and tells how many nodes and pods the picture has. Ends with the process that started it.
pub fn process(kubeconfig: &str) -> Result<()> {
    std::thread::spawn(|| {
        let _ = std::io::stdin().lines().next();
        std::process::exit(0);
    });
    let mut live = match Live::begin(&options(kubeconfig), Detail::Picture) {
        Ok(live) => live,
        Err(error) => bail!("{error}"),
    };
    loop {
        live.wait(Duration::from_millis(100), now_ms);
        let (snapshot, _) = live.snapshot(now_ms());
        let picture = shell::node_viewer(&snapshot);
        // Thousands are written with a comma.
        let count =
            |i: usize| picture.lines().nth(i).and_then(|l| l.split_whitespace().next()).unwrap_or_default().replace(',', "");
        println!("{} nodes {} pods", count(0), count(1));
    }
}

/// It sees all of them, and what changes.
fn observed(cluster: &Cluster) {
    let others = cluster.list(Kind::Node).len() - NODES;
    let pods = cluster.list(Kind::Pod).len();
    let mut observing = Observing::start(&cluster.kubeconfig);
    observing.until(NODES + others, pods);
    let first = observing.peak_kib();
    // A tenth of the pods goes, each with several changes, and comes back.
    let some: Vec<usize> = (0..NODES * PODS).filter(|i| i % PODS == DAEMONS).collect();
    let api: Api<DynamicObject> = Api::namespaced_with(cluster.client.clone(), NAME, &resource(Kind::Pod));
    let all = cluster.block_on(api.list(&ListParams::default())).expect("pods are listed").items;
    let gone: Vec<DynamicObject> = all
        .into_iter()
        .filter(|p| some.iter().any(|i| p.metadata.name.as_ref().is_some_and(|n| n.ends_with(&format!("-{i:04}")))))
        .collect();
    assert_eq!(gone.len(), some.len());
    let delete = |pod: &DynamicObject| {
        let (api, name) = (api.clone(), pod.metadata.name.clone().expect("a pod has a name"));
        async move { api.delete(&name, &DeleteParams::default()).await }
    };
    cluster.block_on(each(gone.iter().map(delete)));
    observing.until(NODES + others, pods - gone.len());
    let again: Vec<Value> = gone
        .into_iter()
        .map(|pod| {
            let mut doc = serde_json::to_value(pod).expect("an object is JSON");
            ["metadata.uid", "metadata.resourceVersion", "metadata.managedFields", "status"]
                .iter()
                .for_each(|f| doc.remove_at(f));
            doc.set("apiVersion", "v1");
            doc.set("kind", "Pod");
            doc
        })
        .collect();
    create(cluster, &again);
    observing.until(NODES + others, pods);
    let peak = observing.peak_kib();
    println!("  observe: at most {} MiB resident, {} MiB after the first picture", peak / 1024, first / 1024);
    assert!(peak < MEMORY_KIB, "observe has used {peak} KiB, more than {MEMORY_KIB}");
}

/// It reads all nodes and finds something to do, each time.
fn planned(cluster: &Cluster) {
    if let Ok(program) = std::env::var(PROGRAM) {
        return (1..=2).for_each(|n| planned_by(&program, n, cluster));
    }
    for n in 1..=2 {
        let start = Instant::now();
        let dump = plan::live(&options(&cluster.kubeconfig)).unwrap_or_else(|f| panic!("{}", f.message));
        let read = start.elapsed();
        let choices = plan::Choices { at_ms: now_ms(), seed: 1, region: None, types: None, ahead: SHORT };
        let report = plan::run(dump, &[], &choices).unwrap_or_else(|f| panic!("{}", f.message));
        let took = start.elapsed();
        println!(
            "  plan {n}: {:.1} s to read, {:.1} s in all (a test build, up to the first move)",
            read.as_secs_f64(),
            took.as_secs_f64()
        );
        check(report.exit(), &report.json());
    }
}

fn planned_by(program: &str, n: usize, cluster: &Cluster) {
    let start = Instant::now();
    let args = ["plan", "--kubeconfig", &cluster.kubeconfig, "--context", "admin", "-o", "json"];
    let out = Command::new(program).args(args).output().unwrap_or_else(|e| panic!("{program}: {e}"));
    println!("  plan {n}: {:.1} s in all ({program})", start.elapsed().as_secs_f64());
    let exit = out.status.code().and_then(|c| u8::try_from(c).ok()).expect("it ends by itself");
    assert!([plan::IDLE, plan::BUSY].contains(&exit), "{exit}: {}", String::from_utf8_lossy(&out.stderr));
    check(exit, &serde_json::from_slice(&out.stdout).expect("the plan is JSON"));
}

fn check(exit: u8, plan: &Value) {
    assert_eq!(exit, plan::BUSY, "half of the nodes' room is free");
    let nodes = plan.int_at("before.nodes").unwrap_or_default();
    let pods = plan.int_at("before.pods").unwrap_or_default();
    assert!(nodes >= NODES as i64 && pods >= (NODES * PODS) as i64, "{nodes} nodes and {pods} pods read");
    let moved: usize = plan.list_at("actions").iter().map(|a| a.list_at("evictions").len()).sum();
    assert!(moved > 0, "{:#?}", plan.at("actions"));
    println!("    {} actions, {moved} pods move", plan.list_at("actions").len());
}

/// Takes everything away again.
fn clear(cluster: &Cluster) {
    let all = |kind: Kind| -> Api<DynamicObject> {
        match kind.namespaced() {
            true => Api::namespaced_with(cluster.client.clone(), NAME, &resource(kind)),
            false => Api::all_with(cluster.client.clone(), &resource(kind)),
        }
    };
    let named = |api: &Api<DynamicObject>, labels: Option<&str>| -> Vec<String> {
        let params = labels.map_or_else(ListParams::default, |l| ListParams::default().labels(l));
        let list = cluster.block_on(api.list_metadata(&params)).map(|l| l.items).unwrap_or_default();
        list.into_iter().filter_map(|o| o.metadata.name).collect()
    };
    let delete = |api: &Api<DynamicObject>, names: Vec<String>, with_finalizers: bool| {
        let one = |name: String| {
            let api = api.clone();
            async move {
                // No Karpenter runs that would take its finalizer off; what has gone by itself is gone.
                let free = Patch::Merge(json!({"metadata": {"finalizers": null}}));
                if with_finalizers {
                    drop(api.patch(&name, &PatchParams::default(), &free).await);
                }
                drop(api.delete(&name, &DeleteParams::default().grace_period(0)).await);
            }
        };
        cluster.block_on(stream::iter(names.into_iter().map(one)).buffer_unordered(AT_ONCE).collect::<Vec<()>>());
    };
    let pool = format!("karpenter.sh/nodepool={NAME}");
    for kind in [Kind::Deployment, Kind::ReplicaSet, Kind::DaemonSet, Kind::Pod] {
        let api = all(kind);
        delete(&api, named(&api, None), false);
    }
    for kind in [Kind::Node, Kind::NodeClaim] {
        let api = all(kind);
        delete(&api, named(&api, Some(&pool)), kind == Kind::Node);
    }
    let leases: Api<DynamicObject> = Api::namespaced_with(cluster.client.clone(), "kube-node-lease", &resource(Kind::Lease));
    delete(&leases, (0..NODES).map(name).collect(), false);
    for kind in [Kind::NodePool, Kind::KWOKNodeClass] {
        delete(&all(kind), vec![NAME.to_owned()], false);
    }
}
