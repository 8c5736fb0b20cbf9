//! What a node class resolves to: subnets, security groups and images, found once and written to its status. The account
//! behind it is modelled as one private subnet per zone, one node security group and one image per architecture.
//! Sources: aws/karpenter-provider-aws pkg/controllers/nodetemplate v0.29.2, pkg/controllers/nodeclass v1.14.1.

use super::conditions::Conditions;
use super::context::Cx;
use super::hashes;
use crate::SimTime;
use objects::{DocExt, Era, Object, Provider, Value, json};

/// Annotation of a node class that a real cloud has resolved: what its status says stays.
pub const OBSERVED: &str = "nodewright.dev/observed";
const LIVES_BY: &[&str] = &["AMIsReady", "SubnetsReady", "SecurityGroupsReady", "InstanceProfileReady", "ValidationSucceeded"];
/// Reasons to drift that rest on more than the objects. Source: karpenter-provider-aws pkg/cloudprovider/drift.go v1.14.1.
pub const CLOUD_REASONS: [&str; 5] =
    ["AMIDrift", "SubnetDrift", "SecurityGroupDrift", "CapacityReservationDrift", "PlacementGroupDrift"];
const ARCHITECTURES: [&str; 2] = ["amd64", "arm64"];

pub fn reconcile(name: &str, cx: &mut Cx<'_, '_>) -> Option<SimTime> {
    let class = cx.view.store.cluster(cx.names.node_class, name)?.clone();
    // A KWOKNodeClass is ready as it is.
    if cx.view.profile.provider == Provider::Kwok {
        return None;
    }
    if class.meta.is_deleting() {
        return None;
    }
    let mut patch = json!({});
    if class.meta.annotations.contains_key(OBSERVED) {
        hashes::write(&class, hashes::class_keys(cx.era()), &mut patch, cx);
        if patch.as_object().is_some_and(|m| !m.is_empty()) {
            cx.patch(class.key(), patch, "what its claims are compared with");
        }
        return None;
    }
    let found = [("subnets", subnets(&class, cx)), ("securityGroups", security_groups(&class, cx)), ("amis", images(&class, cx))];
    for (field, found) in found {
        if class.doc.at("status").list_at(field) != found {
            patch.set(&format!("status.{field}"), found);
        }
    }
    hashes::write(&class, hashes::class_keys(cx.era()), &mut patch, cx);
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
    let mut conditions = Conditions::of(&class, cx.era(), LIVES_BY, cx.view.timestamp());
    for kind in LIVES_BY {
        conditions.set_true(kind);
    }
    cx.patch_status(&class, patch, conditions, "resolve the node class");
    None
}

/// The family of the images, as the class names it: `AL2`, `al2023`, `Bottlerocket`.
pub fn family(class: &Object) -> String {
    class.doc.str_at("spec.amiFamily").or_else(|| alias(class)?.split('@').next()).unwrap_or("AL2").to_owned()
}

fn alias(class: &Object) -> Option<&str> {
    class.doc.list_at("spec.amiSelectorTerms").iter().find_map(|t| t.str_at("alias"))
}

/// The ids that a selector names one by one: `id` terms in 1.14, `aws-ids` (`aws::ids`) lists in 0.29.
fn ids(class: &Object, terms: &str, map: &str) -> Vec<String> {
    let spec = class.doc.at("spec");
    let listed = ["aws-ids", "aws::ids"].into_iter().filter_map(|key| spec.at(map).field(key).as_str());
    let listed = listed.flat_map(|l| l.split(',')).map(|id| id.trim().to_owned());
    listed.chain(spec.list_at(terms).iter().filter_map(|t| t.str_at("id").map(str::to_owned))).collect()
}

fn subnets(class: &Object, cx: &Cx<'_, '_>) -> Vec<Value> {
    let zones = cx.view.market.region().map(|r| r.zones.as_slice()).unwrap_or_default();
    let chosen = ids(class, "subnetSelectorTerms", "subnetSelector");
    let subnet = |zone: &catalog::Zone| {
        let id = format!("subnet-{}", cx.view.stream("subnet", &zone.name).hex(17));
        if !chosen.is_empty() && !chosen.contains(&id) {
            return None;
        }
        let mut subnet = json!({"id": id, "zone": zone.name});
        if cx.era() == Era::V1 && !zone.id.is_empty() {
            subnet.set("zoneID", zone.id.as_str());
        }
        Some(subnet)
    };
    zones.iter().filter_map(subnet).collect()
}

fn security_groups(class: &Object, cx: &Cx<'_, '_>) -> Vec<Value> {
    let mut chosen = ids(class, "securityGroupSelectorTerms", "securityGroupSelector");
    if chosen.is_empty() {
        chosen.push(format!("sg-{}", cx.view.stream("security-group", "node").hex(17)));
    }
    let group = |id: &String| {
        let mut group = json!({"id": id});
        if cx.era() == Era::V1 {
            group.set("name", "eks-cluster-sg");
        }
        group
    };
    chosen.iter().map(group).collect()
}

fn images(class: &Object, cx: &Cx<'_, '_>) -> Vec<Value> {
    let family = family(class).to_lowercase();
    let chosen = ids(class, "amiSelectorTerms", "amiSelector");
    if !chosen.is_empty() {
        return chosen.iter().map(|id| json!({"id": id, "name": format!("{family}-{id}"), "requirements": []})).collect();
    }
    let image = |arch: &str| {
        json!({
            "id": image_id(class, arch, cx),
            "name": format!("amazon-eks-node-{family}-{arch}"),
            "requirements": [{"key": "kubernetes.io/arch", "operator": "In", "values": [arch]}],
        })
    };
    ARCHITECTURES.map(image).to_vec()
}

/// The image that an instance of `arch` boots: one per family, pinned version or selector, and architecture.
fn image_id(class: &Object, arch: &str, cx: &Cx<'_, '_>) -> String {
    if let Some(id) = ids(class, "amiSelectorTerms", "amiSelector").into_iter().next() {
        return id;
    }
    let mut image = family(class);
    let selector = class.doc.at("spec.amiSelector");
    match alias(class) {
        Some(alias) if !alias.ends_with("@latest") => image = alias.to_owned(),
        None if selector.is_object() => image.push_str(&selector.to_string()),
        None if !class.doc.list_at("spec.amiSelectorTerms").is_empty() => {
            image.push_str(&class.doc.at("spec.amiSelectorTerms").to_string());
        }
        _ => {}
    }
    format!("ami-{}", cx.view.stream("image", &format!("{image}/{arch}")).hex(17))
}

/// What an instance is launched with: images by architecture and security groups, as the class resolves now.
pub fn launch_template(class: &Object, cx: &Cx<'_, '_>) -> Value {
    let images = ARCHITECTURES.map(|arch| (arch.to_owned(), Value::from(image_id(class, arch, cx))));
    let groups: Vec<Value> = security_groups(class, cx).iter().map(|g| g.at("id").clone()).collect();
    json!({"images": Value::Object(objects::json::map(images)), "securityGroups": groups})
}

/// The class's reason for which the claim's instance has drifted: another image, security group or subnet than it would
/// get today. Source: aws/karpenter-provider-aws pkg/cloudprovider/drift.go v0.31.4 and v1.14.1.
pub fn drift(class: &Object, claim: &Object, instance: &Object, cx: &Cx<'_, '_>) -> Option<&'static str> {
    if let Some(reason) = hashes::class_keys(cx.era()).drift(class, claim) {
        return Some(reason);
    }
    let spec = instance.doc.at("spec");
    // What only the cloud can tell was found out by the process before.
    if let Some(reason) = CLOUD_REASONS.into_iter().find(|r| spec.str_at("drift") == Some(r)) {
        return Some(reason);
    }
    let arch = claim.meta.labels.get("kubernetes.io/arch").map_or("amd64", String::as_str);
    let now = launch_template(class, cx);
    let differs = |path: &str| !spec.at("template").at(path).is_null() && spec.at("template").at(path) != now.at(path);
    // Images and groups of a launch template of the user's own are none of Karpenter's business.
    if class.doc.str_at("spec.launchTemplate").is_none() {
        let allowed = ids(class, "amiSelectorTerms", "amiSelector");
        let image = spec.at("template").str_at(&format!("images.{arch}"));
        if differs(&format!("images.{arch}")) && !image.is_some_and(|i| allowed.iter().any(|id| id == i)) {
            return Some("AMIDrift");
        }
        if differs("securityGroups") {
            return Some("SecurityGroupDrift");
        }
    }
    let zone = spec.str_at("zone");
    let subnets = class.doc.list_at("status.subnets");
    (!subnets.is_empty() && !subnets.iter().any(|s| s.str_at("zone") == zone)).then_some("SubnetDrift")
}
