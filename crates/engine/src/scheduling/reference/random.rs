//! Small random clusters in which everything that scheduling reads comes up.

use crate::scheduling::testing::is_in;
use crate::scheduling::*;
use objects::collections::VecMap;
use objects::resources::PODS;
use objects::selector::{Expression, Operator};
use objects::typed::{PodSpec, Taint};
use objects::{Era, Resources, Value, json};
use std::sync::Arc;

/// A small generator (xorshift), so that a seed is a cluster.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        for _ in 0..4 {
            dice.roll(2);
        }
        dice
    }

    /// Below `n`.
    pub fn roll(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % n.max(1)
    }

    /// One time in `n`.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.roll(n) == 0
    }

    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.roll(of.len())]
    }
}

const ZONES: [&str; 3] = ["a", "b", "c"];
const APPS: [&str; 3] = ["red", "green", "blue"];
const KEYS: [&str; 4] = [labels::ZONE, labels::HOSTNAME, labels::CAPACITY_TYPE, "rack"];

pub fn cluster(seed: u64) -> Cluster {
    let mut dice = Dice::new(seed);
    let d = &mut dice;
    let era = d.pick(&[Era::V1, Era::V1alpha5]);
    let mut c = Cluster::new(Rules::latest(era), types(d));
    let blocks = if d.one_in(3) { 1 + d.roll(2) } else { 0 };
    if blocks > 0 {
        let mut table = (*c.types).clone();
        for _ in 0..blocks {
            let (pods, kept) = (d.pick(&[2, 4, 29]), d.pick(&[0, 400, 3_000]));
            table.push_block(|t| {
                let mut t = t.clone();
                t.resize(t.capacity.clone().with(PODS, pods), t.overhead.clone().with("cpu", kept));
                t
            });
        }
        c.types = Arc::new(table);
    }
    if d.one_in(8) {
        c.rules.preferences = Preferences::Ignore;
    }
    if d.one_in(4) {
        c.rules.min_values = MinValues::BestEffort;
    }
    c.rules.spot_to_spot = d.one_in(2);
    c.rules.uses_unmanaged_nodes = era == Era::V1 || !d.one_in(4);
    for (name, team) in [("default", "x"), ("other", "y")] {
        c.namespaces.insert(name.to_owned(), VecMap::from([("team".to_owned(), team.to_owned())]));
    }
    for i in 0..1 + d.roll(3) {
        let mut p = pool(d, i, era);
        p.block = d.roll(1 + blocks);
        c.pools.push(p);
    }
    for i in 0..d.roll(3) {
        let mut spec = json!({"containers": [{"resources": {"requests": {"cpu": d.pick(&["25m", "300m"])}}}]});
        let tolerant = !d.one_in(3);
        if tolerant {
            objects::DocExt::set(&mut spec, "tolerations", json!([{"operator": "Exists"}]));
        }
        if d.one_in(3) {
            objects::DocExt::set(&mut spec, "nodeSelector", json!({"kubernetes.io/arch": d.pick(&["amd64", "arm64"])}));
        }
        if d.one_in(4) {
            objects::DocExt::set(&mut spec, "containers", json!([{"ports": [{"hostPort": 80, "containerPort": 80}]}]));
        }
        c.daemons.push(DaemonInput { id: format!("kube-system/d{i}"), spec: Arc::new(PodSpec::read(&spec)) });
    }
    for i in 0..d.roll(7) {
        node(d, &mut c, i);
    }
    let kinds: Vec<PodInput> = (0..1 + d.roll(6)).map(|_| kind(d)).collect();
    let most = d.pick(&[6, 20, 40, 40, 90]);
    for i in 0..d.roll(most) {
        let mut pod = kinds[d.roll(kinds.len())].clone();
        if d.one_in(4) {
            Arc::make_mut(&mut pod.spec).requests = requests(d);
        }
        (pod.name, pod.uid, pod.created_s) = (format!("p{i}"), format!("{:04}", d.roll(10_000)), d.roll(3) as i64);
        pod.pending = true;
        if !c.nodes.is_empty() && !d.one_in(3) {
            bind(d, &mut c, &mut pod);
        }
        c.pods.push(Arc::new(pod));
    }
    c
}

fn types(d: &mut Dice) -> Vec<InstanceType> {
    let mut all = Vec::new();
    for i in 0..2 + d.roll(6) {
        let cpu = d.pick(&[2, 4, 8]);
        let memory = cpu * d.pick(&[2048, 4096]);
        let amounts =
            |cpu, memory: i64, pods| Resources::default().with("cpu", cpu).with("memory", memory << 20).with(PODS, pods);
        let mut offerings = Vec::new();
        for (z, zone) in ZONES.iter().enumerate() {
            for kind in ["on-demand", "spot"] {
                if !d.one_in(4) {
                    let price = cpu * if kind == "spot" { 17_000 } else { 48_000 } + memory + z as i64 * d.roll(2) as i64 * 500;
                    offerings.push(Offering { available: !d.one_in(8), ..Offering::new(zone, kind, price) });
                }
            }
        }
        if d.one_in(8) {
            let reservation = Some((Arc::from("cr-1"), 1 + d.roll(2) as u32));
            offerings.push(Offering { reservation, ..Offering::new("a", "reserved", 1) });
        }
        let mut own = vec![
            Requirement::is_in(labels::ARCH, [d.pick(&["amd64", "amd64", "arm64"])]),
            Requirement::is_in(labels::OS, ["linux"]),
            Requirement::is_in("karpenter.k8s.aws/instance-cpu", [cpu.to_string()]),
        ];
        if d.one_in(2) {
            own.push(Requirement::absent("karpenter.k8s.aws/instance-gpu-name"));
        }
        let overhead = amounts(d.pick(&[70, 100]), 500, 0);
        let capacity = amounts(cpu * 1000, memory, d.pick(&[4, 8, 29]));
        all.push(InstanceType::new(&format!("t{i}"), own, capacity, overhead, offerings));
    }
    all
}

fn pool(d: &mut Dice, i: usize, era: Era) -> PoolInput {
    let mut p = PoolInput { name: format!("pool{i}"), weight: d.pick(&[0, 0, 10]), ..PoolInput::default() };
    if d.one_in(2) {
        p.requirements.push(is_in(labels::CAPACITY_TYPE, d.pick(&[&["on-demand"][..], &["spot"], &["spot", "on-demand"]])));
    }
    if d.one_in(4) {
        p.requirements.push(is_in(labels::ZONE, d.pick(&[&["a"][..], &["a", "b"], &["c"]])));
    }
    if d.one_in(4) {
        let min_values = (era == Era::V1 && d.one_in(2)).then(|| 1 + d.roll(4) as u32);
        let key = d.pick(&[labels::INSTANCE_TYPE, labels::ARCH]).to_owned();
        p.requirements.push(Expression { key, operator: Operator::Exists, values: Vec::new(), min_values });
    }
    if d.one_in(3) {
        p.labels.insert("rack".to_owned(), d.pick(&["r1", "r2"]).to_owned());
    }
    if d.one_in(4) {
        p.taints.push(Taint::new("dedicated", "web", d.pick(&["NoSchedule", "PreferNoSchedule"])));
    }
    if d.one_in(3) {
        let name = d.pick(&["cpu", "memory", "nodes"]);
        let amount = match name {
            "cpu" => 4000 * (1 + d.roll(6) as i64),
            "memory" => (8192 * (1 + d.roll(6) as i64)) << 20,
            _ => d.roll(4) as i64,
        };
        p.limits = Some(Resources::default().with(name, amount));
    }
    p.closed = d.one_in(12);
    p
}

fn node(d: &mut Dice, c: &mut Cluster, i: usize) {
    let t = c.types.get(d.roll(c.types.len())).unwrap().clone();
    let Some(offering) = (!t.offerings.is_empty()).then(|| t.offerings[d.roll(t.offerings.len())].clone()) else { return };
    let pool = &c.pools[d.roll(c.pools.len())];
    let name = format!("n{i}");
    let mut all: VecMap<String, String> =
        t.requirements.iter().filter_map(|r| Some((r.key.to_string(), r.single()?.to_string()))).collect();
    all.extend(pool.labels.clone());
    for (key, value) in [
        (labels::HOSTNAME, name.as_str()),
        (labels::ZONE, &offering.zone),
        (labels::CAPACITY_TYPE, &offering.capacity_type),
        (c.rules.pool_label(), &pool.name),
    ] {
        all.insert(key.to_owned(), value.to_owned());
    }
    if d.one_in(10) {
        all.remove(labels::HOSTNAME);
    }
    let taints = if d.one_in(2) { pool.taints.clone() } else { Vec::new() };
    c.nodes.push(NodeInput {
        claim: (!d.one_in(8)).then(|| name.clone()),
        has_node: !d.one_in(8),
        labels: all,
        node_taints: taints.clone(),
        taints,
        capacity: t.capacity.clone(),
        available: t.allocatable.clone(),
        initialized: !d.one_in(8),
        ready: !d.one_in(8),
        deleting: d.one_in(8),
        settling: d.one_in(6),
        volumes: if d.one_in(4) { VecMap::from([("ebs".to_owned(), (1, 3))]) } else { VecMap::new() },
        host_ports: Vec::new(),
        daemon_requests: Resources::default(),
        name,
    });
}

fn requests(d: &mut Dice) -> Resources {
    let r = Resources::default().with("cpu", d.pick(&[100, 250, 500, 1000, 1500, 3900]));
    if d.one_in(2) { r.with("memory", d.pick(&[256, 1024, 4096]) << 20) } else { r }
}

fn term(d: &mut Dice, app: &str) -> Value {
    let selected = if d.one_in(3) { d.pick(&APPS) } else { app };
    let mut t = json!({"topologyKey": d.pick(&KEYS), "labelSelector": {"matchLabels": {"app": selected}}});
    if d.one_in(4) {
        objects::DocExt::set(&mut t, "namespaces", json!([d.pick(&["default", "other"])]));
    } else if d.one_in(4) {
        objects::DocExt::set(&mut t, "namespaceSelector", json!({"matchLabels": {"team": d.pick(&["x", "y"])}}));
    }
    t
}

fn expression(d: &mut Dice) -> Value {
    match d.roll(5) {
        0 => json!({"key": labels::ZONE, "operator": d.pick(&["In", "NotIn"]), "values": [d.pick(&ZONES)]}),
        1 => json!({"key": labels::CAPACITY_TYPE, "operator": "In", "values": [d.pick(&["spot", "on-demand"])]}),
        2 => json!({"key": "rack", "operator": d.pick(&["Exists", "DoesNotExist"])}),
        3 => json!({"key": "karpenter.k8s.aws/instance-cpu", "operator": d.pick(&["Gt", "Lt"]), "values": ["4"]}),
        _ => json!({"key": labels::HOSTNAME, "operator": d.pick(&["In", "NotIn"]), "values": [d.pick(&["n0", "n1"])]}),
    }
}

fn kind(d: &mut Dice) -> PodInput {
    let app = d.pick(&APPS);
    let mut spec = json!({});
    let set = objects::DocExt::set;
    if d.one_in(4) {
        set(
            &mut spec,
            "nodeSelector",
            if d.one_in(3) { json!({"rack": "r1"}) } else { json!({"topology.kubernetes.io/zone": "a"}) },
        );
    }
    const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
    const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";
    if d.one_in(5) {
        let terms: Vec<Value> = (0..1 + d.roll(2)).map(|_| json!({"matchExpressions": [expression(d)]})).collect();
        set(&mut spec, &format!("affinity.nodeAffinity.{REQUIRED}.nodeSelectorTerms"), Value::from(terms));
    }
    if d.one_in(5) {
        let preferred = json!([{"weight": 1 + d.roll(9), "preference": {"matchExpressions": [expression(d)]}}]);
        set(&mut spec, &format!("affinity.nodeAffinity.{PREFERRED}"), preferred);
    }
    for kind in ["podAffinity", "podAntiAffinity"] {
        if d.one_in(4) {
            let t = term(d, app);
            set(&mut spec, &format!("affinity.{kind}.{REQUIRED}"), json!([t]));
        }
        if d.one_in(8) {
            let t = json!([{"weight": 1 + d.roll(9), "podAffinityTerm": term(d, app)}]);
            set(&mut spec, &format!("affinity.{kind}.{PREFERRED}"), t);
        }
    }
    if d.one_in(3) {
        let mut all = Vec::new();
        for _ in 0..1 + d.roll(2) {
            let mut s = json!({"maxSkew": 1 + d.roll(2), "topologyKey": d.pick(&KEYS),
                "whenUnsatisfiable": d.pick(&["DoNotSchedule", "DoNotSchedule", "ScheduleAnyway"]),
                "labelSelector": {"matchLabels": {"app": if d.one_in(4) { d.pick(&APPS) } else { app }}}});
            if d.one_in(6) {
                set(&mut s, "minDomains", json!(1 + d.roll(4)));
            }
            if d.one_in(6) {
                set(&mut s, "nodeTaintsPolicy", json!("Honor"));
            }
            if d.one_in(6) {
                set(&mut s, "nodeAffinityPolicy", json!("Ignore"));
            }
            if d.one_in(6) {
                set(&mut s, "matchLabelKeys", json!(["version"]));
            }
            all.push(s);
        }
        set(&mut spec, "topologySpreadConstraints", Value::from(all));
    }
    if d.one_in(3) {
        set(&mut spec, "tolerations", json!([{"key": "dedicated", "operator": "Exists", "effect": d.pick(&["", "NoSchedule"])}]));
    }
    if d.one_in(6) {
        set(&mut spec, "containers", json!([{"ports": [{"hostPort": d.pick(&[80, 81]), "containerPort": 80}]}]));
    }
    let requests = requests(d);
    let mut pod = PodInput {
        namespace: d.pick(&["default", "default", "other"]).to_owned(),
        labels: VecMap::from([("app".to_owned(), app.to_owned()), ("version".to_owned(), d.pick(&["1", "2"]).to_owned())]),
        spec: Arc::new(PodSpec { requests, ..PodSpec::read(&spec) }),
        ..PodInput::default()
    };
    if d.one_in(8) {
        pod.volume_terms = (0..1 + d.roll(2)).map(|_| vec![is_in(labels::ZONE, &[d.pick(&ZONES)])]).collect();
        pod.volumes = VecMap::from([("ebs".to_owned(), 1)]);
    }
    pod
}

/// Puts the pod on a node that has room for it, if the first look finds one.
fn bind(d: &mut Dice, c: &mut Cluster, pod: &mut PodInput) {
    let at = d.roll(c.nodes.len());
    let node = &mut c.nodes[at];
    let requests = pod.spec.requests.clone().with(PODS, 1);
    if !requests.fits(&node.available) {
        return;
    }
    node.available.sub(&requests);
    if !pod.spec.host_ports.is_empty() {
        node.host_ports.push((pod.id(), pod.spec.host_ports.clone()));
    }
    (pod.node, pod.pending) = (Some(at), false);
    pod.movable = !d.one_in(8);
    pod.counts = !d.one_in(10);
    pod.deletion_cost = d.pick(&[0, 0, 1 << 27]);
}
