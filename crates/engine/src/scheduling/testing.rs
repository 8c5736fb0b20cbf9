//! Small clusters for tests: types with the lab's figures, pools, nodes and pods.

use super::*;
use objects::collections::VecMap;
use objects::selector::{Expression, Operator};
use objects::typed::PodSpec;
use objects::{Era, Resources, Value, json};
use std::sync::Arc;

pub const ZONES: [&str; 3] = ["a", "b", "c"];

/// (name, vCPU, allocatable milli-CPU, memory MiB, on-demand micro-dollars); spot costs 40 %.
const TYPES: [(&str, i64, i64, i64, i64); 5] = [
    ("c5.large", 2, 1930, 3114, 85_000),
    ("m5.large", 2, 1930, 6903, 96_000),
    ("c5.xlarge", 4, 3920, 6584, 170_000),
    ("m5.xlarge", 4, 3920, 14162, 192_000),
    ("c5.2xlarge", 8, 7910, 14162, 340_000),
];

pub fn types() -> Vec<InstanceType> {
    let make = |(name, cpu, allocatable, memory, price): (&str, i64, i64, i64, i64)| {
        let amounts = |cpu, memory, pods| Resources::default().with("cpu", cpu).with("memory", memory).with("pods", pods);
        let capacity = amounts(cpu * 1000, (memory + 700) << 20, 29);
        let overhead = amounts(cpu * 1000 - allocatable, 700 << 20, 0);
        let offers = ZONES.iter().flat_map(|z| [Offering::new(z, "on-demand", price), Offering::new(z, "spot", price * 2 / 5)]);
        let labels = [Requirement::is_in(labels::ARCH, ["amd64"]), Requirement::is_in(labels::OS, ["linux"])];
        InstanceType::new(name, labels, capacity, overhead, offers.collect())
    };
    TYPES.into_iter().map(make).collect()
}

pub fn cluster(era: Era) -> Cluster {
    Cluster::new(Rules::latest(era), types())
}

pub fn is_in(key: &str, values: &[&str]) -> Expression {
    Expression {
        key: key.to_owned(),
        operator: Operator::In,
        values: values.iter().map(|v| (*v).to_owned()).collect(),
        min_values: None,
    }
}

/// A pool on demand over some types.
pub fn pool(name: &str, types: &[&str]) -> PoolInput {
    let mut requirements = vec![is_in(labels::CAPACITY_TYPE, &["on-demand"])];
    if !types.is_empty() {
        requirements.push(is_in(labels::INSTANCE_TYPE, types));
    }
    PoolInput { name: name.to_owned(), requirements, ..PoolInput::default() }
}

/// Pods `app-0`... with the label `app`, of the spec.
pub fn pods(c: &mut Cluster, app: &str, n: usize, spec: &Value) {
    let spec = Arc::new(PodSpec::read(spec));
    for i in 0..n {
        c.pods.push(Arc::new(PodInput {
            namespace: "default".to_owned(),
            name: format!("{app}-{i}"),
            uid: format!("{:08}", c.pods.len()),
            labels: VecMap::from([("app".to_owned(), app.to_owned())]),
            spec: spec.clone(),
            pending: true,
            ..PodInput::default()
        }));
    }
}

pub fn cpu(request: &str) -> Value {
    json!({"containers": [{"resources": {"requests": {"cpu": request}}}]})
}

/// aws-node and kube-proxy of the lab: 25m and 100m.
pub fn lab_daemons(c: &mut Cluster) {
    for (name, request) in [("aws-node", "25m"), ("kube-proxy", "100m")] {
        let mut spec = cpu(request);
        objects::DocExt::set(&mut spec, "tolerations", json!([{"operator": "Exists"}]));
        c.daemons.push(DaemonInput { id: format!("kube-system/{name}"), spec: Arc::new(PodSpec::read(&spec)) });
    }
}

/// A node of a pool with its DaemonSet pods, and `n` bound pods of one CPU.
pub fn node(c: &mut Cluster, name: &str, instance_type: &str, pool: &str, n: usize) {
    let t = c.types.named(instance_type).unwrap().1.clone();
    let daemons = c.daemons.iter().fold(Resources::default(), |mut sum, d| {
        sum.add(&d.spec.requests.clone().with("pods", 1));
        sum
    });
    let mut available = t.allocatable.clone();
    available.sub(&daemons);
    available.sub(&Resources::default().with("cpu", 1000 * n as i64).with("pods", n as i64));
    let label = |k: &str, v: &str| (k.to_owned(), v.to_owned());
    let labels = VecMap::from([
        label(labels::HOSTNAME, name),
        label(labels::INSTANCE_TYPE, instance_type),
        label(labels::ZONE, "a"),
        label(labels::CAPACITY_TYPE, "on-demand"),
        label(labels::ARCH, "amd64"),
        label(labels::OS, "linux"),
        label(c.rules.pool_label(), pool),
    ]);
    let index = c.nodes.len();
    c.nodes.push(NodeInput {
        name: name.to_owned(),
        claim: Some(name.to_owned()),
        has_node: true,
        labels,
        capacity: t.capacity.clone(),
        available,
        daemon_requests: daemons,
        initialized: true,
        ready: true,
        ..NodeInput::default()
    });
    let first = c.pods.len();
    pods(c, name, n, &cpu("1"));
    for p in c.pods[first..].iter_mut().map(Arc::make_mut) {
        (p.node, p.pending, p.movable, p.counts) = (Some(index), false, true, true);
    }
}

/// Each claim as `pool: pods, requests, types by price`.
pub fn claims(c: &Cluster, plan: &Plan) -> Vec<String> {
    let one = |p: &PlannedClaim| {
        let names: Vec<&str> = p.types.iter().map(|t| &*c.types.get(*t).unwrap().name).collect();
        format!("{}: {} pods {} {}", p.pool, p.pods.len(), text::resources(&p.requests), names.join(" "))
    };
    plan.claims.iter().map(one).collect()
}
