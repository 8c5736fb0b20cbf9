//! Printer columns of Karpenter's CRDs.
//! Source: kubernetes-sigs/karpenter pkg/apis/crds, aws/karpenter-provider-aws pkg/apis/crds, v0.29.2 and v1.14.1.

use super::{Column, Facts, age_of, col, text, wide};
use objects::{DocExt, Object};

fn label(o: &Object, key: &str) -> String {
    o.meta.labels.get(key).cloned().unwrap_or_default()
}

fn ready(o: &Object) -> String {
    o.condition("Ready").and_then(|c| c.str_at("status")).unwrap_or_default().to_owned()
}

pub const MACHINE: &[Column] = &[
    col("NAME"),
    col("TYPE"),
    col("ZONE"),
    col("NODE"),
    col("READY"),
    col("AGE"),
    wide("CAPACITY"),
    wide("PROVISIONER"),
    wide("TEMPLATE"),
];

pub fn machine(o: &Object, f: &Facts) -> Vec<String> {
    vec![
        o.meta.name.clone(),
        label(o, "node.kubernetes.io/instance-type"),
        label(o, "topology.kubernetes.io/zone"),
        text(o.doc.at("status.nodeName")),
        ready(o),
        age_of(o, f),
        label(o, "karpenter.sh/capacity-type"),
        label(o, "karpenter.sh/provisioner-name"),
        text(o.doc.at("spec.machineTemplateRef.name")),
    ]
}

pub const NODE_POOL: &[Column] =
    &[col("NAME"), col("NODECLASS"), col("NODES"), col("READY"), col("AGE"), wide("WEIGHT"), wide("CPU"), wide("MEMORY")];

pub fn node_pool(o: &Object, f: &Facts) -> Vec<String> {
    let d = &o.doc;
    let nodes = match d.at("status.nodes") {
        objects::Value::Null => d.at("status.resources.nodes"),
        other => other,
    };
    vec![
        o.meta.name.clone(),
        text(d.at("spec.template.spec.nodeClassRef.name")),
        text(nodes),
        ready(o),
        age_of(o, f),
        text(d.at("spec.weight")),
        text(d.at("status.resources.cpu")),
        text(d.at("status.resources.memory")),
    ]
}

pub const NODE_CLAIM: &[Column] = &[
    col("NAME"),
    col("TYPE"),
    col("CAPACITY"),
    col("ZONE"),
    col("NODE"),
    col("READY"),
    col("AGE"),
    wide("IMAGEID"),
    wide("ID"),
    wide("NODEPOOL"),
    wide("NODECLASS"),
    wide("DRIFTED"),
];

pub fn node_claim(o: &Object, f: &Facts) -> Vec<String> {
    let d = &o.doc;
    let drifted = o.condition("Drifted").and_then(|c| c.str_at("status")).unwrap_or_default().to_owned();
    vec![
        o.meta.name.clone(),
        label(o, "node.kubernetes.io/instance-type"),
        label(o, "karpenter.sh/capacity-type"),
        label(o, "topology.kubernetes.io/zone"),
        text(d.at("status.nodeName")),
        ready(o),
        age_of(o, f),
        text(d.at("status.imageID")),
        text(d.at("status.providerID")),
        label(o, "karpenter.sh/nodepool"),
        text(d.at("spec.nodeClassRef.name")),
        drifted,
    ]
}

pub const NODE_CLASS: &[Column] = &[col("NAME"), col("READY"), col("AGE"), wide("ROLE")];

pub fn node_class(o: &Object, f: &Facts) -> Vec<String> {
    vec![o.meta.name.clone(), ready(o), age_of(o, f), text(o.doc.at("spec.role"))]
}
