//! Hashes over the fields whose change makes nodes drift: written on pools and node classes, copied to their claims, and
//! compared. Lists are sets and zero values are absent, as the real hash takes them; the number itself is another one,
//! since the real one is of Go structs. Sources: kubernetes-sigs/karpenter pkg/apis/v1alpha5/provisioner.go v0.31.4,
//! pkg/apis/v1/nodepool.go and pkg/controllers/nodepool/hash v1.14.1; aws/karpenter-provider-aws pkg/apis/v1alpha1/
//! awsnodetemplate.go v0.31.4, pkg/apis/v1/ec2nodeclass.go v1.14.1.

use super::context::Cx;
use super::settings;
use crate::actor::View;
use crate::kernel::stable_hash;
use objects::collections::Order as _;
use objects::{DocExt, Era, Kind, Object, Value, json};

/// The annotations of one kind of object, the same on it and on its claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keys {
    pub hash: &'static str,
    /// 1.14 compares hashes of one version only.
    pub version: Option<(&'static str, &'static str)>,
    /// The claim's reason where the hashes differ.
    pub reason: &'static str,
}

pub fn pool_keys(era: Era) -> Keys {
    match era {
        Era::V1alpha5 => Keys { hash: "karpenter.sh/provisioner-hash", version: None, reason: "ProvisionerDrifted" },
        Era::V1 => Keys {
            hash: "karpenter.sh/nodepool-hash",
            version: Some(("karpenter.sh/nodepool-hash-version", "v3")),
            reason: "NodePoolDrifted",
        },
    }
}

pub fn class_keys(era: Era) -> Keys {
    match era {
        Era::V1alpha5 => Keys { hash: "karpenter.k8s.aws/nodetemplate-hash", version: None, reason: "NodeTemplateDrift" },
        Era::V1 => Keys {
            hash: "karpenter.k8s.aws/ec2nodeclass-hash",
            version: Some(("karpenter.k8s.aws/ec2nodeclass-hash-version", "v5")),
            reason: "NodeClassDrift",
        },
    }
}

impl Keys {
    /// The annotations with the hash of `object`.
    pub fn annotations(&self, object: &Object) -> Vec<(&'static str, String)> {
        let version = self.version.map(|(key, version)| (key, version.to_owned()));
        [(self.hash, of(object))].into_iter().chain(version).collect()
    }

    /// The reason for which `claim` has drifted from `source`, by what is written on both.
    pub fn drift(&self, source: &Object, claim: &Object) -> Option<&'static str> {
        let same = |key: &str| Some(source.meta.annotations.get(key)? == claim.meta.annotations.get(key)?);
        let comparable = self.version.is_none_or(|(key, _)| same(key) == Some(true));
        (comparable && same(self.hash) == Some(false)).then_some(self.reason)
    }
}

impl Keys {
    /// The hash that `claim` has where both objects were written by another process, whose numbers are not ours: ours where
    /// the two agreed, the claim's own where they did not, none where they cannot be compared.
    pub fn carried(&self, source: &Object, claim: &Object) -> Option<String> {
        let of_claim = claim.meta.annotations.get(self.hash)?;
        let of_source = source.meta.annotations.get(self.hash)?;
        if let Some((version, _)) = self.version
            && source.meta.annotations.get(version) != claim.meta.annotations.get(version)
        {
            return None;
        }
        Some(if of_claim == of_source { of(source) } else { of_claim.clone() })
    }
}

/// Writes the hash of a pool or a node class where it is another than the stored one. 0.31's hashes came when its drift
/// could be turned on, so they are written where it is, and the machines of the time before take over the first one.
pub fn write(object: &Object, keys: Keys, patch: &mut Value, cx: &mut Cx<'_, '_>) {
    if cx.era() == Era::V1alpha5 && !settings::gate(cx.view, "driftEnabled") {
        return;
    }
    let annotations = keys.annotations(object);
    if annotations.iter().all(|(key, value)| object.meta.annotations.get(*key) == Some(value)) {
        return;
    }
    let fresh = !object.meta.annotations.contains_key(keys.hash);
    let annotations = annotated(annotations);
    if fresh && cx.era() == Era::V1alpha5 {
        let claims: Vec<_> = cx.view.store.list(cx.names.claim).filter(|c| is_of(c, object, cx)).map(|c| c.key()).collect();
        for claim in claims {
            cx.patch(claim, json!({"metadata": {"annotations": annotations}}), "what drift compares");
        }
    }
    patch.set("metadata.annotations", annotations);
}

/// The annotations that a new claim takes over from its pool or node class.
pub fn inherited(object: &Object, keys: Keys, view: &View<'_>) -> Vec<(&'static str, String)> {
    let off = view.era() == Era::V1alpha5 && !settings::gate(view, "driftEnabled");
    if off { Vec::new() } else { keys.annotations(object) }
}

pub fn annotated(list: Vec<(&'static str, String)>) -> Value {
    Value::Object(objects::json::map(list.into_iter().map(|(k, v)| (k.to_owned(), Value::from(v)))))
}

fn is_of(claim: &Object, object: &Object, cx: &Cx<'_, '_>) -> bool {
    match object.kind == cx.names.pool {
        true => super::state::pool_name(claim, cx.names) == object.meta.name,
        false => claim.claim().is_some_and(|c| c.node_class == object.meta.name),
    }
}

/// What of a specification does not make nodes drift.
fn ignored(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Provisioner => &[
            "requirements",
            "provider",
            "providerRef",
            "ttlSecondsAfterEmpty",
            "ttlSecondsUntilExpired",
            "limits",
            "weight",
            "consolidation",
        ],
        Kind::AWSNodeTemplate => &["subnetSelector", "securityGroupSelector", "launchTemplate", "amiSelector"],
        Kind::NodePool => &["spec.requirements"],
        _ => &[
            "subnetSelectorTerms",
            "securityGroupSelectorTerms",
            "capacityReservationSelectorTerms",
            "ipPrefixCount",
            "amiSelectorTerms",
            "amiFamily",
        ],
    }
}

fn of(object: &Object) -> String {
    let mut spec = object.doc.at(if object.kind == Kind::NodePool { "spec.template" } else { "spec" }).clone();
    for field in ignored(object.kind) {
        spec.remove_at(field);
    }
    let family = if object.kind == Kind::EC2NodeClass { super::node_class::family(object).to_lowercase() } else { String::new() };
    stable_hash(&[&canonical(&spec), &family]).to_string()
}

/// The value as text, fields and list entries sorted, zero values as nothing.
fn canonical(value: &Value) -> String {
    let joined = |mut parts: Vec<String>, open: char, close: char| {
        parts.retain(|p| !p.is_empty());
        parts.order();
        if parts.is_empty() { String::new() } else { format!("{open}{}{close}", parts.join(",")) }
    };
    match value {
        Value::Array(list) => joined(list.iter().map(canonical).collect(), '[', ']'),
        Value::Object(map) => {
            let field = |(name, value): (&String, &Value)| {
                let text = canonical(value);
                if text.is_empty() { text } else { format!("{name}:{text}") }
            };
            joined(map.iter().map(field).collect(), '{', '}')
        }
        Value::Null | Value::Bool(false) => String::new(),
        other => match other.to_string() {
            zero if zero == "0" || zero == "\"\"" => String::new(),
            text => text,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use objects::json;

    fn check(kind: Kind, before: Value, after: Value, differ: bool) {
        let object = |spec: Value| {
            let spec = if kind == Kind::NodePool { json!({"template": spec}) } else { spec };
            Object::from_doc(kind, json!({"metadata": {"name": "default"}, "spec": spec}))
        };
        let (a, b) = (of(&object(before.clone())), of(&object(after.clone())));
        assert_eq!(a != b, differ, "{kind:?} {before} {after}");
    }

    /// Upstream titles: static drift "on <field>", and no drift on requirements, limits, weight, budgets.
    #[test]
    fn what_drifts_and_what_does_not() {
        use Kind::*;
        for (kind, before, after, differ) in [
            (Provisioner, json!({}), json!({"labels": {"a": "b"}}), true),
            (Provisioner, json!({}), json!({"annotations": {"a": "b"}}), true),
            (Provisioner, json!({}), json!({"taints": [{"key": "a", "effect": "NoSchedule"}]}), true),
            (Provisioner, json!({}), json!({"startupTaints": [{"key": "a", "effect": "NoSchedule"}]}), true),
            (Provisioner, json!({}), json!({"kubeletConfiguration": {"maxPods": 5}}), true),
            (
                Provisioner,
                json!({}),
                json!({"weight": 3, "limits": {"resources": {"cpu": "1"}}, "ttlSecondsAfterEmpty": 30}),
                false,
            ),
            (Provisioner, json!({}), json!({"requirements": [{"key": "a", "operator": "Exists"}]}), false),
            (NodePool, json!({"metadata": {"labels": {"a": "b"}}}), json!({"metadata": {"labels": {"a": "c"}}}), true),
            (NodePool, json!({"spec": {"expireAfter": "720h"}}), json!({"spec": {"expireAfter": "24h"}}), true),
            (NodePool, json!({"spec": {}}), json!({"spec": {"terminationGracePeriod": "30s"}}), true),
            (NodePool, json!({"spec": {}}), json!({"spec": {"taints": []}}), false),
            (NodePool, json!({"spec": {}}), json!({"spec": {"requirements": [{"key": "a", "operator": "Exists"}]}}), false),
            (
                NodePool,
                json!({"spec": {"taints": [{"key": "a"}, {"key": "b"}]}}),
                json!({"spec": {"taints": [{"key": "b"}, {"key": "a"}]}}),
                false,
            ),
            (AWSNodeTemplate, json!({}), json!({"userData": "x"}), true),
            (AWSNodeTemplate, json!({}), json!({"tags": {"a": "b"}}), true),
            (AWSNodeTemplate, json!({"subnetSelector": {"a": "b"}}), json!({"subnetSelector": {"a": "c"}}), false),
            (EC2NodeClass, json!({}), json!({"detailedMonitoring": true}), true),
            (EC2NodeClass, json!({}), json!({"detailedMonitoring": false}), false),
            (
                EC2NodeClass,
                json!({"amiSelectorTerms": [{"alias": "al2023@latest"}]}),
                json!({"amiSelectorTerms": [{"alias": "al2023@v20240807"}], "amiFamily": "AL2023"}),
                false,
            ),
            (
                EC2NodeClass,
                json!({"amiSelectorTerms": [{"alias": "al2023@latest"}]}),
                json!({"amiSelectorTerms": [{"alias": "bottlerocket@latest"}]}),
                true,
            ),
        ] {
            check(kind, before, after, differ);
        }
    }

    #[test]
    fn hashes_compare_where_both_are_there_and_of_one_version() {
        let object = |annotations: Value| {
            Object::from_doc(Kind::NodeClaim, json!({"metadata": {"name": "x", "annotations": annotations}}))
        };
        let keys = pool_keys(Era::V1);
        let (hash, version) = ("karpenter.sh/nodepool-hash", "karpenter.sh/nodepool-hash-version");
        for (pool, claim, want) in [
            (json!({hash: "1", version: "v3"}), json!({hash: "2", version: "v3"}), Some("NodePoolDrifted")),
            (json!({hash: "1", version: "v3"}), json!({hash: "1", version: "v3"}), None),
            (json!({hash: "1", version: "v3"}), json!({hash: "2", version: "v2"}), None),
            (json!({hash: "1", version: "v3"}), json!({version: "v3"}), None),
            (json!({}), json!({hash: "2", version: "v3"}), None),
        ] {
            assert_eq!(keys.drift(&object(pool.clone()), &object(claim.clone())), want, "{pool} {claim}");
        }
    }
}
