//! When it does not begin: somebody else looks after the nodes.

use super::own::{self, FleetKind};
use crate::Era;
use crate::controllers::Names;
use objects::{DocExt, Kind, Value};

/// Names of the Leases of other autoscalers, in whatever namespace.
pub const LEASES: [&str; 2] = [KARPENTER.0, "cluster-autoscaler"];
/// The Lease of Karpenter, and the label of its Deployment.
const KARPENTER: (&str, &str) = ("karpenter-leader-election", "karpenter");

/// How fresh another autoscaler's Lease has to be to count as held.
const FRESH_MS: i64 = 60_000;

/// What stands against it, one sentence each; nothing where it may begin.
pub fn objections(docs: &[(Kind, Value)], leases: &[Value], era: Era, fleet: FleetKind, now_ms: i64) -> Vec<String> {
    match fleet {
        FleetKind::Kwok => alone(docs, leases, era, now_ms),
        FleetKind::NodeClaim => beside(docs, leases, now_ms),
    }
}

/// Karpenter has to be there to make the machines, and to make none by itself.
fn beside(docs: &[(Kind, Value)], leases: &[Value], now_ms: i64) -> Vec<String> {
    let (karpenter, others): (Vec<Other>, Vec<Other>) = others(docs, leases, now_ms).into_iter().partition(|o| o.is_karpenter);
    let mut out: Vec<String> = others.into_iter().map(|o| o.objection).collect();
    if karpenter.is_empty() {
        out.push(format!(
            "no Karpenter is at work that would carry claims out: no Lease {} is held, and no Deployment of it asks for replicas",
            KARPENTER.0
        ));
    }
    out.extend(docs.iter().filter_map(|(kind, doc)| launches_itself(*kind, doc)));
    out
}

/// What the installed Karpenter would launch or disrupt by itself, in a sentence.
pub fn launches_itself(kind: Kind, doc: &Value) -> Option<String> {
    let name = doc.str_at("metadata.name").unwrap_or_default();
    let is_zero = |limit: &str| {
        let amount = doc.at("spec.limits").field(limit);
        let text = amount.as_str().map_or_else(|| amount.to_string(), str::to_owned);
        objects::quantity::Quantity::parse(&text).is_ok_and(|q| q.milli() == 0)
    };
    let pool = Names::of(Era::V1).pool_label;
    match kind {
        Kind::NodePool if !is_zero("cpu") && doc.str_at("metadata.deletionTimestamp").is_none() => Some(format!(
            "the installed Karpenter would launch nodes of the NodePool {name} itself: set its spec.limits.cpu to 0, and the \
             limits that are meant in the annotation {}",
            own::LIMITS
        )),
        Kind::NodeClaim if !doc.at("metadata.labels").field(pool).is_null() => Some(format!(
            "the NodeClaim {name} is one that the installed Karpenter made and disrupts by itself (label {pool}): delete it first"
        )),
        _ => None,
    }
}

/// Nobody else may look after nodes.
fn alone(docs: &[(Kind, Value)], leases: &[Value], era: Era, now_ms: i64) -> Vec<String> {
    let mut out: Vec<String> = others(docs, leases, now_ms).into_iter().map(|o| o.objection).collect();
    out.extend(foreign(docs, era));
    out
}

/// Another autoscaler that is at work, and the sentence that says so.
struct Other {
    is_karpenter: bool,
    objection: String,
}

fn others(docs: &[(Kind, Value)], leases: &[Value], now_ms: i64) -> Vec<Other> {
    let mut out = Vec::new();
    for lease in leases {
        let name = lease.str_at("metadata.name").unwrap_or_default();
        let holder = lease.str_at("spec.holderIdentity").unwrap_or_default();
        let renewed = lease.str_at("spec.renewTime").and_then(objects::time::parse_rfc3339).unwrap_or(0);
        let is_autoscaler = LEASES.contains(&name);
        if is_autoscaler && !holder.is_empty() && now_ms - renewed < FRESH_MS {
            let namespace = lease.str_at("metadata.namespace").unwrap_or_default();
            let objection =
                format!("the Lease {namespace}/{name} is held by {holder}: another autoscaler is at work, scale it to 0 first");
            out.push(Other { is_karpenter: name == KARPENTER.0, objection });
        }
    }
    for (_, doc) in docs.iter().filter(|(kind, _)| *kind == Kind::Deployment) {
        let label = doc.at("metadata.labels").field("app.kubernetes.io/name").as_str().unwrap_or_default();
        let is_autoscaler = [KARPENTER.1, "cluster-autoscaler", "aws-cluster-autoscaler"].contains(&label);
        if is_autoscaler && doc.int_at("spec.replicas").unwrap_or(1) > 0 {
            let text = |path: &str| doc.str_at(path).unwrap_or_default();
            let objection = format!(
                "the Deployment {}/{} ({label}) asks for replicas: scale it to 0 first, two autoscalers would undo each other's work",
                text("metadata.namespace"),
                text("metadata.name")
            );
            out.push(Other { is_karpenter: label == KARPENTER.1, objection });
        }
    }
    out
}

/// Nodes that others have made.
fn foreign(docs: &[(Kind, Value)], era: Era) -> Option<String> {
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
    let first = nodes.first()?;
    Some(format!(
        "{} nodes belong to pools and were not made here ({first}{}): their machines would be forgotten, remove them with the \
         autoscaler that made them",
        nodes.len(),
        if nodes.len() > 1 { ", ..." } else { "" }
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use objects::json;

    fn check(kind: Kind, doc: Value, want: &str) {
        let found = objections(&[(kind, doc.clone())], &[], Era::V1, FleetKind::Kwok, 0);
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
    fn another_karpenter_carries_out_and_launches_nothing_itself() {
        let karpenter = json!({"metadata": {"name": "k", "labels": {"app.kubernetes.io/name": "karpenter"}}});
        let scaler = json!({"metadata": {"name": "c", "labels": {"app.kubernetes.io/name": "cluster-autoscaler"}}});
        let pool = |limits: Value| json!({"metadata": {"name": "p"}, "spec": {"limits": limits}});
        let claim = |label: &str| json!({"metadata": {"name": "c", "labels": {(label): "p"}}});
        for (docs, want) in [
            (vec![(Kind::Deployment, karpenter.clone())], ""),
            (vec![], "no Karpenter is at work"),
            (vec![(Kind::Deployment, karpenter.clone()), (Kind::Deployment, scaler)], "(cluster-autoscaler)"),
            (vec![(Kind::Deployment, karpenter.clone()), (Kind::NodePool, pool(json!({"cpu": 0})))], ""),
            (vec![(Kind::Deployment, karpenter.clone()), (Kind::NodePool, pool(json!({"cpu": "0"})))], ""),
            (vec![(Kind::Deployment, karpenter.clone()), (Kind::NodePool, pool(json!({"cpu": "1"})))], "NodePool p itself"),
            (
                vec![(Kind::Deployment, karpenter.clone()), (Kind::NodePool, json!({"metadata": {"name": "p"}}))],
                "NodePool p itself",
            ),
            (vec![(Kind::Deployment, karpenter.clone()), (Kind::NodeClaim, claim("karpenter.sh/nodepool"))], "NodeClaim c"),
            (vec![(Kind::Deployment, karpenter), (Kind::NodeClaim, claim(own::POOL))], ""),
        ] {
            let found = objections(&docs, &[], Era::V1, FleetKind::NodeClaim, 0);
            match want {
                "" => assert_eq!(found, Vec::<String>::new(), "{docs:?}"),
                want => assert!(found.len() == 1 && found.iter().all(|f| f.contains(want)), "{docs:?}: {found:?}"),
            }
        }
    }

    #[test]
    fn a_lease_counts_while_it_is_renewed() {
        let lease = json!({"metadata": {"name": "karpenter-leader-election", "namespace": "karpenter"},
            "spec": {"holderIdentity": "k-1", "renewTime": "2026-08-25T05:00:00.000000Z"}});
        let at = |text: &str| objects::time::parse_rfc3339(text).unwrap();
        let count = |now: &str| objections(&[], std::slice::from_ref(&lease), Era::V1, FleetKind::Kwok, at(now)).len();
        assert_eq!(count("2026-08-25T05:00:20Z"), 1);
        assert_eq!(count("2026-08-25T05:02:00Z"), 0);
    }
}
