//! Reads the inputs: pods as `idx,class,label,selector,cpu_m,mem_mi[,node]`, nodes as
//! `node,instance_type,zone,capacity_type`, each with a heading, and instance types as a JSON catalogue.

use crate::Board;
use engine::Era;
use engine::scheduling::{Cluster, InstanceType, NodeInput, PodInput, PoolInput, Requirements, Rules, labels};
use objects::collections::VecMap;
use objects::resources::{CPU, MEMORY, PODS};
use objects::selector::{Expression, Operator};
use objects::typed::PodSpec;
use objects::{DocExt, Resources, Value, json};
use std::sync::Arc;

const POOL: &str = "default";

/// Pending pods for an empty cluster with one pool that allows every type, within limits that are never reached.
pub fn pending(pods: &str, catalogue: &str) -> Result<Cluster, String> {
    let mut c = Cluster::new(Rules::latest(Era::V1), types(catalogue, &[])?);
    let limits = Resources::default().with(CPU, 10_000_000_000).with(MEMORY, 10_000_000 << 30);
    c.pools.push(PoolInput { name: POOL.to_owned(), limits: Some(limits), ..PoolInput::default() });
    for row in rows(pods, 6) {
        let pod = pod(&row?)?;
        c.pods.push(Arc::new(PodInput { pending: true, ..pod }));
    }
    Ok(c)
}

/// `n` equal pods of one CPU and 1536 MiB, in the form of a file of pods.
pub fn inflate(n: usize) -> String {
    let rows = (0..n).map(|i| format!("{i},generic,a,,1000,1536\n"));
    std::iter::once("idx,class,label,selector,cpu_m,mem_mi\n".to_owned()).chain(rows).collect()
}

/// A cluster of on-demand nodes to consolidate, one pool; `allowed` names the types that are sold (none: all).
pub fn cluster(nodes: &str, pods: &str, catalogue: &str, allowed: &[&str]) -> Result<Cluster, String> {
    let mut c = Cluster::new(Rules::latest(Era::V1), types(catalogue, allowed)?);
    let on_demand = Expression {
        key: labels::CAPACITY_TYPE.to_owned(),
        operator: Operator::In,
        values: vec![labels::ON_DEMAND.to_owned()],
        min_values: None,
    };
    c.pools.push(PoolInput { name: POOL.to_owned(), requirements: vec![on_demand], ..PoolInput::default() });
    add_nodes(&mut c, nodes)?;
    let index: VecMap<String, usize> = c.nodes.iter().enumerate().map(|(i, n)| (n.name.clone(), i)).collect();
    for row in rows(pods, 7) {
        let row = row?;
        let name = row.text(6);
        let at = *index.get(name).ok_or_else(|| row.wrong(&format!("there is no node {name:?}")))?;
        let pod = pod(&row)?;
        if let Some(node) = c.nodes.get_mut(at) {
            node.available.sub(&pod.spec.requests.clone().with(PODS, 1));
        }
        c.pods.push(Arc::new(PodInput { node: Some(at), movable: true, counts: true, ..pod }));
    }
    Ok(c)
}

/// Nodes for kube-scheduler, and pods that all wait, whatever node stands beside them.
pub fn board(nodes: &str, pods: &str, catalogue: &str) -> Result<Board, String> {
    let mut c = Cluster::new(Rules::latest(Era::V1), types(catalogue, &[])?);
    add_nodes(&mut c, nodes)?;
    let document = |row: Result<Row<'_>, String>| {
        let row = row?;
        let (index, cpu, memory) = (row.number(0)?, row.number(4)?, row.number(5)?);
        let (key, mut spec) = shape(&row)?;
        let requests = json!({"cpu": format!("{cpu}m"), "memory": format!("{memory}Mi")});
        spec.set("containers", json!([{"name": "c", "image": "pause", "resources": {"requests": requests}}]));
        let mut doc = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": format!("p-{index:05}"), "namespace": "default", "labels": {key: row.text(2)}},
            "status": {"phase": "Pending"},
        });
        doc.set("spec", spec);
        Ok(doc)
    };
    let pods = rows(pods, 6).map(document).collect::<Result<Vec<Value>, String>>()?;
    Ok(Board::new(&c, pods))
}

fn add_nodes(c: &mut Cluster, nodes: &str) -> Result<(), String> {
    for row in rows(nodes, 4) {
        let node = node(c, &row?)?;
        c.nodes.push(node);
    }
    Ok(())
}

fn types(catalogue: &str, allowed: &[&str]) -> Result<Vec<InstanceType>, String> {
    let v: Value = serde_json::from_str(catalogue).map_err(|e| format!("the catalogue is no JSON: {e}"))?;
    let all: Vec<InstanceType> = v
        .list_at("instanceTypes")
        .iter()
        .filter_map(InstanceType::read)
        .filter(|t| allowed.is_empty() || allowed.contains(&&*t.name))
        .collect();
    if all.is_empty() { Err("the catalogue has no such instance types under `instanceTypes`".to_owned()) } else { Ok(all) }
}

/// One line of a file.
struct Row<'a> {
    line: usize,
    fields: Vec<&'a str>,
}

fn rows(text: &str, columns: usize) -> impl Iterator<Item = Result<Row<'_>, String>> {
    text.lines().enumerate().skip(1).filter(|(_, l)| !l.is_empty()).map(move |(i, l)| {
        let row = Row { line: i + 1, fields: l.split(',').collect() };
        if row.fields.len() < columns { Err(row.wrong(&format!("{columns} columns are needed"))) } else { Ok(row) }
    })
}

impl Row<'_> {
    fn text(&self, column: usize) -> &str {
        self.fields.get(column).copied().unwrap_or_default()
    }

    fn number(&self, column: usize) -> Result<u64, String> {
        self.text(column).parse().map_err(|_| self.wrong(&format!("{:?} is no number", self.text(column))))
    }

    fn wrong(&self, why: &str) -> String {
        format!("line {}: {why}", self.line)
    }
}

/// The key of the pod's own label, and its rules.
fn shape(row: &Row<'_>) -> Result<(&'static str, Value), String> {
    let (class, selector) = (row.text(1), row.text(3));
    let spread = |key: &str| {
        json!({"topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": key, "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": {"matchLabels": {"my-label": selector}}}]})
    };
    let near = |kind: &str, label: &str, key: &str| {
        let term = json!([{"topologyKey": key, "labelSelector": {"matchLabels": {label: selector}}}]);
        let mut spec = json!({});
        spec.set(&format!("affinity.{kind}.requiredDuringSchedulingIgnoredDuringExecution"), term);
        spec
    };
    Ok(match class {
        "generic" => ("my-label", json!({})),
        "spread-zone" => ("my-label", spread(labels::ZONE)),
        "spread-host" => ("my-label", spread(labels::HOSTNAME)),
        "affinity-zone" => ("my-affininity", near("podAffinity", "my-affininity", labels::ZONE)),
        "anti-host" => ("app", near("podAntiAffinity", "app", labels::HOSTNAME)),
        _ => return Err(row.wrong(&format!("there is no class {class:?}"))),
    })
}

fn pod(row: &Row<'_>) -> Result<PodInput, String> {
    let (index, cpu, memory) = (row.number(0)?, row.number(4)?, row.number(5)?);
    let (own, spec) = shape(row)?;
    let amount = |n: u64| i64::try_from(n).map_err(|_| row.wrong("too large an amount"));
    let requests = Resources::default().with(CPU, amount(cpu)?).with(MEMORY, amount(memory)?.saturating_mul(1 << 20));
    Ok(PodInput {
        namespace: "default".to_owned(),
        name: format!("p-{index:05}"),
        uid: format!("00000000-0000-4000-8000-{index:012x}"),
        labels: VecMap::from([(own.to_owned(), row.text(2).to_owned())]),
        spec: Arc::new(PodSpec { requests, ..PodSpec::read(&spec) }),
        ..PodInput::default()
    })
}

fn node(c: &Cluster, row: &Row<'_>) -> Result<NodeInput, String> {
    let (name, kind) = (row.text(0), row.text(1));
    let (_, t) = c.types.named(kind).ok_or_else(|| row.wrong(&format!("there is no instance type {kind:?}")))?;
    let single = |r: &Requirements| -> VecMap<String, String> {
        r.iter().filter_map(|r| Some((r.key.to_string(), r.single()?.to_string()))).collect()
    };
    let mut all = single(&t.requirements);
    for (key, value) in [
        (labels::HOSTNAME, name),
        (labels::INSTANCE_TYPE, kind),
        (labels::ZONE, row.text(2)),
        (labels::CAPACITY_TYPE, row.text(3)),
        (labels::NODEPOOL, POOL),
    ] {
        all.insert(key.to_owned(), value.to_owned());
    }
    Ok(NodeInput {
        name: name.to_owned(),
        claim: Some(name.to_owned()),
        has_node: true,
        labels: all,
        capacity: t.capacity.clone(),
        available: t.allocatable.clone(),
        initialized: true,
        ready: true,
        ..NodeInput::default()
    })
}
