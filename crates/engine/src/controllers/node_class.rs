//! What a node class resolves to: subnets, security groups and images, found once and written to its status. The account
//! behind it is modelled as one private subnet per zone, one node security group and one image per architecture.
//! Sources: aws/karpenter-provider-aws pkg/controllers/nodetemplate v0.29.2, pkg/controllers/nodeclass v1.14.1.

use super::conditions::Conditions;
use super::context::Cx;
use crate::SimTime;
use objects::{DocExt, Era, Object, Value, json};

const LIVES_BY: &[&str] = &["AMIsReady", "SubnetsReady", "SecurityGroupsReady", "InstanceProfileReady", "ValidationSucceeded"];
const HASH: &str = "karpenter.k8s.aws/ec2nodeclass-hash";
const HASH_VERSION: &str = "karpenter.k8s.aws/ec2nodeclass-hash-version";

pub fn reconcile(name: &str, cx: &mut Cx<'_, '_>) -> Option<SimTime> {
    let class = cx.view.store.cluster(cx.names.node_class, name)?.clone();
    if class.meta.is_deleting() {
        return None;
    }
    let mut patch = json!({});
    let family = family(&class);
    for (field, found) in [("subnets", subnets(cx)), ("securityGroups", vec![security_group(cx)]), ("amis", images(&family, cx))]
    {
        if class.doc.at("status").list_at(field) != found {
            patch.set(&format!("status.{field}"), found);
        }
    }
    if cx.era() == Era::V1alpha5 {
        if patch.as_object().is_some_and(|m| !m.is_empty()) {
            cx.patch(class.key(), patch, "resolve the node template");
        }
        return None;
    }
    let profile = class.doc.str_at("spec.instanceProfile").map_or_else(
        || {
            let cluster = class.doc.str_at("spec.role").unwrap_or_default();
            format!("{cluster}_{}", cx.view.stream("instance-profile", name).below(10_000_000_000))
        },
        str::to_owned,
    );
    if class.doc.str_at("status.instanceProfile") != Some(&profile) {
        patch.set("status.instanceProfile", profile);
    }
    let hash = crate::kernel::stable_hash(&[&class.doc.at("spec").to_string()]).to_string();
    if class.meta.annotations.get(HASH) != Some(&hash) {
        patch.set("metadata.annotations", json!({HASH: hash, HASH_VERSION: "v4"}));
    }
    let mut conditions = Conditions::of(&class, cx.era(), LIVES_BY, cx.view.timestamp());
    for kind in LIVES_BY {
        conditions.set_true(kind);
    }
    cx.patch_status(&class, patch, conditions, "resolve the node class");
    None
}

fn family(class: &Object) -> String {
    let alias = class.doc.list_at("spec.amiSelectorTerms").iter().find_map(|t| t.str_at("alias"));
    let alias = alias.and_then(|a| a.split('@').next());
    class.doc.str_at("spec.amiFamily").or(alias).unwrap_or("AL2").to_owned()
}

fn subnets(cx: &Cx<'_, '_>) -> Vec<Value> {
    let zones = cx.view.market.region().map(|r| r.zones.as_slice()).unwrap_or_default();
    let subnet = |zone: &catalog::Zone| {
        let mut subnet = json!({"id": format!("subnet-{}", cx.view.stream("subnet", &zone.name).hex(17)), "zone": zone.name});
        if cx.era() == Era::V1 && !zone.id.is_empty() {
            subnet.set("zoneID", zone.id.as_str());
        }
        subnet
    };
    zones.iter().map(subnet).collect()
}

fn security_group(cx: &Cx<'_, '_>) -> Value {
    let mut group = json!({"id": format!("sg-{}", cx.view.stream("security-group", "node").hex(17))});
    if cx.era() == Era::V1 {
        group.set("name", "eks-cluster-sg");
    }
    group
}

fn images(family: &str, cx: &Cx<'_, '_>) -> Vec<Value> {
    let image = |arch: &str| {
        json!({
            "id": format!("ami-{}", cx.view.stream("image", &format!("{family}/{arch}")).hex(17)),
            "name": format!("amazon-eks-node-{}-{arch}", family.to_lowercase()),
            "requirements": [{"key": "kubernetes.io/arch", "operator": "In", "values": [arch]}],
        })
    };
    ["amd64", "arm64"].map(image).to_vec()
}
