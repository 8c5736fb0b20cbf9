//! When it does not begin: somebody else looks after the nodes.

use super::own;
use crate::Era;
use crate::controllers::Names;
use objects::{DocExt, Kind, Value};

/// Names of the Leases of other autoscalers, in whatever namespace.
pub const LEASES: [&str; 2] = ["karpenter-leader-election", "cluster-autoscaler"];

/// How fresh another autoscaler's Lease has to be to count as held.
const FRESH_MS: i64 = 60_000;

/// What stands against it, one sentence each; nothing where it may begin.
pub fn objections(docs: &[(Kind, Value)], leases: &[Value], era: Era, now_ms: i64) -> Vec<String> {
    let mut out = Vec::new();
    for lease in leases {
        let name = lease.str_at("metadata.name").unwrap_or_default();
        let holder = lease.str_at("spec.holderIdentity").unwrap_or_default();
        let renewed = lease.str_at("spec.renewTime").and_then(objects::time::parse_rfc3339).unwrap_or(0);
        let is_autoscaler = LEASES.contains(&name);
        if is_autoscaler && !holder.is_empty() && now_ms - renewed < FRESH_MS {
            let namespace = lease.str_at("metadata.namespace").unwrap_or_default();
            out.push(format!(
                "the Lease {namespace}/{name} is held by {holder}: another autoscaler is at work, scale it to 0 first"
            ));
        }
    }
    for (_, doc) in docs.iter().filter(|(kind, _)| *kind == Kind::Deployment) {
        let label = doc.at("metadata.labels").field("app.kubernetes.io/name").as_str().unwrap_or_default();
        let is_autoscaler = ["karpenter", "cluster-autoscaler", "aws-cluster-autoscaler"].contains(&label);
        if is_autoscaler && doc.int_at("spec.replicas").unwrap_or(1) > 0 {
            let text = |path: &str| doc.str_at(path).unwrap_or_default();
            out.push(format!(
                "the Deployment {}/{} ({label}) asks for replicas: scale it to 0 first, two autoscalers would undo each other's work",
                text("metadata.namespace"),
                text("metadata.name")
            ));
        }
    }
    let names = Names::of(era);
    let foreign = |doc: &Value| {
        let has = |path: &str, field: &str| !doc.at(path).field(field).is_null();
        has("metadata.labels", names.pool_label) && !has("metadata.annotations", own::MADE_BY)
    };
    let nodes: Vec<&str> = docs
        .iter()
        .filter(|(kind, doc)| *kind == Kind::Node && foreign(doc))
        .filter_map(|(_, doc)| doc.str_at("metadata.name"))
        .collect();
    if let Some(first) = nodes.first() {
        out.push(format!(
            "{} nodes belong to pools and were not made here ({first}{}): their machines would be forgotten, remove them with the \
             autoscaler that made them",
            nodes.len(),
            if nodes.len() > 1 { ", ..." } else { "" }
        ));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use objects::json;

    fn check(kind: Kind, doc: Value, want: &str) {
        let found = objections(&[(kind, doc.clone())], &[], Era::V1, 0);
        match want {
            "" => assert_eq!(found, Vec::<String>::new(), "{doc}"),
            want => assert!(found.len() == 1 && found.iter().all(|f| f.contains(want)), "{doc}: {found:?}"),
        }
    }

    #[test]
    fn other_autoscalers_and_their_nodes_are_left_alone() {
        let deployment = |name: &str, replicas: i64| {
            json!({"metadata": {"name": "x", "namespace": "kube-system", "labels": {"app.kubernetes.io/name": name}},
                "spec": {"replicas": replicas}})
        };
        check(Kind::Deployment, deployment("karpenter", 2), "kube-system/x (karpenter) asks for replicas");
        check(Kind::Deployment, deployment("karpenter", 0), "");
        check(Kind::Deployment, deployment("aws-cluster-autoscaler", 1), "(aws-cluster-autoscaler)");
        check(Kind::Deployment, deployment("web", 3), "");
        let node = |annotations: Value| json!({"metadata": {"name": "n", "labels": {"karpenter.sh/nodepool": "default"}, "annotations": annotations}});
        check(Kind::Node, node(json!({})), "1 nodes belong to pools");
        check(Kind::Node, node(json!({"nodewright.dev/act": "me"})), "");
        check(Kind::Node, json!({"metadata": {"name": "n"}}), "");
    }

    #[test]
    fn a_lease_counts_while_it_is_renewed() {
        let lease = json!({"metadata": {"name": "karpenter-leader-election", "namespace": "karpenter"},
            "spec": {"holderIdentity": "k-1", "renewTime": "2026-08-25T05:00:00.000000Z"}});
        let at = |text: &str| objects::time::parse_rfc3339(text).unwrap();
        let count = |now: &str| objections(&[], std::slice::from_ref(&lease), Era::V1, at(now)).len();
        assert_eq!(count("2026-08-25T05:00:20Z"), 1);
        assert_eq!(count("2026-08-25T05:02:00Z"), 0);
    }
}
