//! What this process writes beside Karpenter's own names, so that neither takes the other's word for its own.

use crate::cluster::Dump;
use crate::controllers::{Names, OBSERVED};
use crate::controllers::{class_keys, pool_keys};
use crate::scheduling::labels;
use objects::{DocExt, Era, Kind, Value, json};

/// On every node and claim that `act` has made: the process that made it.
pub const MADE_BY: &str = "nodewright.dev/act";
/// By this annotation kwok's controller knows the nodes that it is to play.
pub const PLAYED: (&str, &str) = ("kwok.x-k8s.io/node", "fake");

/// Prefix of the annotations that hold hashes.
const PREFIX: &str = "nodewright.dev/";
/// The pool of a claim and of its node, where the installed Karpenter is to take neither for its own.
pub const POOL: &str = "nodewright.dev/nodepool";
/// The limits of a pool whose own limits keep the installed Karpenter from launching anything.
pub const LIMITS: &str = "nodewright.dev/limits";

/// The taint of nodes that are about to go, where the installed Karpenter takes its own off every node that it has not tainted.
pub const DISRUPTED: &str = "nodewright.dev/disrupted";

/// What makes the machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FleetKind {
    /// Node objects alone, which kwok's controller plays.
    Kwok,
    /// Another Karpenter, which carries claims out.
    NodeClaim,
}

/// The annotations with hashes, which are numbers of our own: Karpenter's name and the one under which a server keeps ours.
fn pairs(era: Era) -> impl Iterator<Item = (&'static str, String)> {
    let keys = [pool_keys(era), class_keys(era)];
    let names = keys.into_iter().flat_map(|k| [Some(k.hash), k.version.map(|(name, _)| name)]).flatten();
    names.map(|name| (name, format!("{PREFIX}{}", name.rsplit('/').next().unwrap_or(name))))
}

/// A document as a server sends it, made one that our controllers read: hashes that another Karpenter wrote say nothing, ours
/// have their usual names. So do pools, where another Karpenter makes the machines.
pub fn read(doc: &mut Value, era: Era, fleet: FleetKind) {
    if fleet == FleetKind::NodeClaim {
        take_over(doc, era);
    }
    if !doc.at("metadata.annotations").is_object() {
        return;
    }
    let Value::Object(annotations) = doc.slot("metadata.annotations") else { return };
    for (theirs, ours) in pairs(era) {
        annotations.remove(theirs);
        if let Some(value) = annotations.remove(&ours) {
            annotations.insert(theirs.to_owned(), value);
        }
    }
}

/// A dump of a cluster with another Karpenter, as it is to us.
pub fn take_over_all(dump: &mut Dump) {
    let era = dump.era();
    dump.objects.values_mut().for_each(|doc| take_over(doc, era));
}

/// Pools get the limits that are meant for us, claims and nodes their pool, and classes the word of the one who looks after
/// them.
fn take_over(doc: &mut Value, era: Era) {
    let names = Names::of(era);
    let kind = Kind::of(doc.str_at("apiVersion").unwrap_or_default(), doc.str_at("kind").unwrap_or_default());
    match kind {
        Some(kind) if kind == names.pool => {
            let ours = doc.at("metadata.annotations").field(LIMITS).as_str().and_then(|text| serde_json::from_str(text).ok());
            doc.remove_at("spec.limits");
            if let Some(limits @ Value::Object(_)) = ours {
                doc.set("spec.limits", limits);
            }
        }
        Some(kind) if kind == names.claim || kind == Kind::Node => {
            retaint(doc, DISRUPTED, labels::DISRUPTED);
            if doc.at("metadata.labels").is_object()
                && let Value::Object(labels) = doc.slot("metadata.labels")
            {
                labels.remove(names.pool_label);
                if let Some(pool) = labels.remove(POOL) {
                    labels.insert(names.pool_label.to_owned(), pool);
                }
            }
        }
        Some(Kind::EC2NodeClass | Kind::KWOKNodeClass) if doc.at("status").is_object() => {
            let annotations = doc.slot("metadata.annotations");
            if !annotations.is_object() {
                *annotations = json!({});
            }
            if let Value::Object(annotations) = annotations {
                annotations.insert(OBSERVED.to_owned(), "true".into());
            }
        }
        _ => {}
    }
}

/// Gives the taint of one name the other.
fn retaint(doc: &mut Value, from: &str, to: &str) {
    if doc.at("spec.taints").is_array()
        && let Value::Array(taints) = doc.slot("spec.taints")
    {
        taints.iter_mut().filter(|t| t.str_at("key") == Some(from)).for_each(|t| t.set("key", to));
    }
}

/// The reverse of it for claims and nodes: nothing that the installed Karpenter would know them by.
fn hand_over(doc: &mut Value, era: Era) {
    retaint(doc, labels::DISRUPTED, DISRUPTED);
    let label = Names::of(era).pool_label;
    if doc.at("metadata.labels").is_object()
        && let Value::Object(labels) = doc.slot("metadata.labels")
        && let Some(pool) = labels.remove(label)
    {
        labels.insert(POOL.to_owned(), pool);
    }
    if doc.at("spec.requirements").is_array()
        && let Value::Array(requirements) = doc.slot("spec.requirements")
    {
        requirements.retain(|r| r.str_at("key") != Some(label));
    }
}

/// The reverse, for documents and patches on their way to a server.
pub fn write(doc: &mut Value, era: Era, fleet: FleetKind) {
    if fleet == FleetKind::NodeClaim {
        hand_over(doc, era);
    }
    if !doc.at("metadata.annotations").is_object() {
        return;
    }
    if let Value::Object(annotations) = doc.slot("metadata.annotations") {
        for (theirs, ours) in pairs(era) {
            if let Some(value) = annotations.remove(theirs) {
                annotations.insert(ours, value);
            }
        }
    }
}

/// Marks an object as made by this process.
pub fn sign(doc: &mut Value, identity: &str, played: bool) {
    let annotations = doc.slot("metadata.annotations");
    if !annotations.is_object() {
        *annotations = objects::json!({});
    }
    if let Value::Object(map) = annotations {
        map.insert(MADE_BY.to_owned(), identity.into());
        if played {
            map.insert(PLAYED.0.to_owned(), PLAYED.1.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use objects::json;

    #[test]
    fn hashes_of_two_writers_do_not_meet() {
        let mut doc = json!({"metadata": {"annotations": {
            "karpenter.sh/nodepool-hash": "111", "karpenter.sh/nodepool-hash-version": "v3", "a": "b",
            "nodewright.dev/nodepool-hash": "222", "nodewright.dev/nodepool-hash-version": "v3"}}});
        read(&mut doc, Era::V1, FleetKind::Kwok);
        let seen = json!({"karpenter.sh/nodepool-hash": "222", "karpenter.sh/nodepool-hash-version": "v3", "a": "b"});
        assert_eq!(doc.at("metadata.annotations"), &seen);
        write(&mut doc, Era::V1, FleetKind::Kwok);
        let sent = json!({"nodewright.dev/nodepool-hash": "222", "nodewright.dev/nodepool-hash-version": "v3", "a": "b"});
        assert_eq!(doc.at("metadata.annotations"), &sent);
    }

    /// Read, then written again.
    fn check(doc: Value, read_as: Value, written_as: Value) {
        let mut there = doc.clone();
        read(&mut there, Era::V1, FleetKind::NodeClaim);
        assert_eq!(there, read_as, "{doc}");
        write(&mut there, Era::V1, FleetKind::NodeClaim);
        assert_eq!(there, written_as, "{doc}");
    }

    #[test]
    fn the_installed_karpenter_does_not_know_our_claims_and_pools() {
        let claim = |label: &str, requirements: Value| {
            json!({"apiVersion": "karpenter.sh/v1", "kind": "NodeClaim", "metadata": {"labels": {(label): "p"}},
                "spec": {"requirements": requirements}})
        };
        let (label, zone) = ("karpenter.sh/nodepool", json!({"key": "zone", "operator": "Exists"}));
        check(claim(POOL, json!([zone])), claim(label, json!([zone])), claim(POOL, json!([zone])));
        let mut made = claim(label, json!([{"key": label, "operator": "In", "values": ["p"]}, zone]));
        write(&mut made, Era::V1, FleetKind::NodeClaim);
        assert_eq!(made, claim(POOL, json!([zone])));
        // A node of the installed one's own pool is no node of ours.
        let node = |labels: Value| json!({"apiVersion": "v1", "kind": "Node", "metadata": {"labels": labels}});
        check(node(json!({(label): "theirs"})), node(json!({})), node(json!({})));
        let tainted = |key: &str| json!({"apiVersion": "v1", "kind": "Node", "spec": {"taints": [{"key": "a"}, {"key": key, "effect": "NoSchedule"}]}});
        check(tainted(DISRUPTED), tainted("karpenter.sh/disrupted"), tainted(DISRUPTED));
        let pool = |annotations: Value, spec: Value| json!({"apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": {"annotations": annotations}, "spec": spec});
        let ours = json!({(LIMITS): "{\"cpu\": \"10\"}"});
        let limited = pool(ours.clone(), json!({"limits": {"cpu": "10"}}));
        check(pool(ours, json!({"limits": {"cpu": "0"}})), limited.clone(), limited);
        check(pool(json!({}), json!({"limits": {"cpu": "0"}})), pool(json!({}), json!({})), pool(json!({}), json!({})));
    }

    #[test]
    fn what_has_no_annotations_gets_none() {
        let mut doc = json!({"metadata": {"name": "x"}});
        read(&mut doc, Era::V1, FleetKind::Kwok);
        write(&mut doc, Era::V1, FleetKind::Kwok);
        assert_eq!(doc, json!({"metadata": {"name": "x"}}));
        sign(&mut doc, "me", true);
        assert_eq!(doc.at("metadata.annotations"), &json!({"nodewright.dev/act": "me", "kwok.x-k8s.io/node": "fake"}));
    }
}
