//! Karpenter's v1alpha5 objects as v1 and back.
//!
//! There is no direct way between the two in Karpenter itself: v1alpha5 was rewritten to v1beta1 by `karpenter-convert`,
//! v1beta1 is turned into v1 by conversion webhooks. This follows both steps.
//! Sources: aws/karpenter-provider-aws website upgrade guides of v0.32 and v1.0, tools/karpenter-convert v0.32.

use crate::{DocExt, Kind, Value, json};

/// A converted object and what could not be carried over, a sentence each.
#[derive(Clone, Debug, PartialEq)]
pub struct Converted {
    pub kind: Kind,
    pub doc: Value,
    pub notes: Vec<String>,
}

/// Provisioner <-> NodePool, AWSNodeTemplate <-> EC2NodeClass; `None` for other kinds.
pub fn convert(kind: Kind, doc: &Value) -> Option<Converted> {
    let (to, body): (Kind, fn(&Value, &mut Notes) -> Value) = match kind {
        Kind::Provisioner => (Kind::NodePool, to_node_pool),
        Kind::NodePool => (Kind::Provisioner, to_provisioner),
        Kind::AWSNodeTemplate => (Kind::EC2NodeClass, to_node_class),
        Kind::EC2NodeClass => (Kind::AWSNodeTemplate, to_node_template),
        _ => return None,
    };
    let mut notes = Notes(Vec::new());
    let spec = body(doc.at("spec"), &mut notes);
    let mut out =
        json!({"apiVersion": to.api_version(), "kind": to.name(), "metadata": {"name": doc.at("metadata.name")}, "spec": spec});
    for field in ["labels", "annotations"] {
        let mut map = doc.at("metadata").at(field).as_object().cloned().unwrap_or_default();
        map.remove(crate::patch::LAST_APPLIED);
        if !map.is_empty() {
            out.set(&format!("metadata.{field}"), Value::Object(map));
        }
    }
    Some(Converted { kind: to, doc: out, notes: notes.0 })
}

struct Notes(Vec<String>);

impl Notes {
    fn add(&mut self, text: &str) {
        self.0.push(text.to_owned());
    }

    /// Notes each of `fields` that `from` has.
    fn lost(&mut self, from: &Value, fields: &[&str], why: &str) {
        for field in fields.iter().filter(|f| !from.at(f).is_null()) {
            self.0.push(format!("{field}: {why}"));
        }
    }
}

fn copy(from: &Value, from_path: &str, to: &mut Value, to_path: &str) {
    let value = from.at(from_path);
    if !value.is_null() {
        to.set(to_path, value.clone());
    }
}

fn seconds(s: i64) -> String {
    match s {
        s if s > 0 && s % 3600 == 0 => format!("{}h", s / 3600),
        s if s > 0 && s % 60 == 0 => format!("{}m", s / 60),
        s => format!("{s}s"),
    }
}

/// Label keys that were renamed between the two.
const KEYS: [(&str, &str); 1] = [("karpenter.sh/provisioner-name", "karpenter.sh/nodepool")];

fn renamed(mut requirements: Value, forward: bool) -> Value {
    if let Value::Array(items) = &mut requirements {
        for item in items {
            for (old, new) in KEYS {
                let (from, to) = if forward { (old, new) } else { (new, old) };
                if item.str_at("key") == Some(from) {
                    item.set("key", to);
                }
            }
        }
    }
    requirements
}

fn to_node_pool(spec: &Value, notes: &mut Notes) -> Value {
    let mut out = json!({"template": {"spec": {"requirements": []}}});
    copy(spec, "labels", &mut out, "template.metadata.labels");
    copy(spec, "annotations", &mut out, "template.metadata.annotations");
    let mut requirements = renamed(spec.at("requirements").clone(), true);
    if requirements.is_null() {
        requirements = json!([]);
    }
    // The v1alpha5 webhook filled these in; v1 has no such webhook, so they are written out.
    let mut filled = json!({"spec": {"requirements": requirements}});
    let before = filled.list_at("spec.requirements").len();
    crate::admit::default_fields(Kind::Provisioner, &mut filled);
    if filled.list_at("spec.requirements").len() > before {
        notes.add("requirements: written out what the v1alpha5 webhook used to add");
    }
    copy(&filled, "spec.requirements", &mut out, "template.spec.requirements");
    copy(spec, "taints", &mut out, "template.spec.taints");
    copy(spec, "startupTaints", &mut out, "template.spec.startupTaints");
    let class = spec.str_at("providerRef.name").unwrap_or("default");
    out.set("template.spec.nodeClassRef", json!({"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": class}));
    let expire = spec.int_at("ttlSecondsUntilExpired").map_or_else(|| "Never".to_owned(), seconds);
    out.set("template.spec.expireAfter", expire);
    let disruption = match (spec.bool_at("consolidation.enabled"), spec.int_at("ttlSecondsAfterEmpty")) {
        (Some(true), _) => json!({"consolidationPolicy": "WhenEmptyOrUnderutilized", "consolidateAfter": "0s"}),
        (_, Some(ttl)) => json!({"consolidationPolicy": "WhenEmpty", "consolidateAfter": seconds(ttl)}),
        _ => json!({"consolidationPolicy": "WhenEmpty", "consolidateAfter": "Never"}),
    };
    out.set("disruption", disruption);
    copy(spec, "limits.resources", &mut out, "limits");
    copy(spec, "weight", &mut out, "weight");
    notes.lost(spec, &["kubeletConfiguration"], "belongs to the EC2NodeClass in v1 (spec.kubelet)");
    notes.lost(spec, &["provider"], "has no counterpart in v1, write an EC2NodeClass");
    out
}

fn to_provisioner(spec: &Value, notes: &mut Notes) -> Value {
    let t = spec.at("template.spec");
    let mut out = json!({"providerRef": {"name": t.str_at("nodeClassRef.name").unwrap_or("default")}});
    copy(spec, "template.metadata.labels", &mut out, "labels");
    copy(spec, "template.metadata.annotations", &mut out, "annotations");
    let mut requirements = renamed(t.at("requirements").clone(), false);
    if let Value::Array(items) = &mut requirements {
        for item in items.iter_mut().filter(|i| !i.at("minValues").is_null()) {
            item.remove_at("minValues");
            notes.add("requirements: minValues does not exist in v1alpha5");
        }
        for item in items.iter_mut() {
            // Gte and Lte came later; on whole numbers Gt and Lt say the same.
            let shifted = |by: i64| {
                let n: i64 = item.list_at("values").first()?.as_str()?.parse().ok()?;
                n.checked_add(by).map(|n| json!([n.to_string()]))
            };
            let (operator, values) = match item.str_at("operator") {
                Some("Gte") => ("Gt", shifted(-1)),
                Some("Lte") => ("Lt", shifted(1)),
                _ => continue,
            };
            if let Some(values) = values {
                item.set("operator", operator);
                item.set("values", values);
            }
        }
    }
    if !requirements.is_null() {
        out.set("requirements", requirements);
    }
    copy(t, "taints", &mut out, "taints");
    copy(t, "startupTaints", &mut out, "startupTaints");
    match t.str_at("expireAfter") {
        Some("Never") => {}
        after => {
            let ms = crate::duration::parse_go_ms(after.unwrap_or("720h")).unwrap_or(720 * 3_600_000);
            out.set("ttlSecondsUntilExpired", ms / 1000);
        }
    }
    let d = spec.at("disruption");
    let after = d.str_at("consolidateAfter").unwrap_or("0s");
    let after_ms = crate::duration::parse_go_ms(after);
    match (d.str_at("consolidationPolicy"), after_ms) {
        (_, None) => {}
        (Some("WhenEmpty"), Some(ms)) => out.set("ttlSecondsAfterEmpty", ms / 1000),
        (_, Some(ms)) => {
            out.set("consolidation.enabled", true);
            if ms > 0 {
                notes.add("disruption.consolidateAfter: v1alpha5 consolidates without waiting");
            }
        }
    }
    let is_default = |b: &[Value]| matches!(b, [] | [_]) && b.iter().all(|b| *b == json!({"nodes": "10%"}));
    if !is_default(d.list_at("budgets")) {
        notes.add("disruption.budgets: do not exist in v1alpha5");
    }
    copy(spec, "limits", &mut out, "limits.resources");
    copy(spec, "weight", &mut out, "weight");
    notes.lost(spec, &["replicas"], "does not exist in v1alpha5");
    notes.lost(t, &["terminationGracePeriod"], "does not exist in v1alpha5");
    out
}

/// `aws-ids` become one term each, other keys one term of tags.
fn terms(selector: &Value) -> Value {
    let map = selector.strings_at_self();
    let mut out = Vec::new();
    let mut tags = serde_json::Map::new();
    let mut named = Vec::new();
    let mut owner = None;
    for (key, value) in map {
        match key.as_str() {
            "aws-ids" | "aws::ids" => out.extend(value.split(',').map(|id| json!({"id": id.trim()}))),
            "aws::name" => named.push(value),
            "aws::owners" => owner = Some(value),
            _ => {
                tags.insert(key, value.into());
            }
        }
    }
    for name in named {
        let mut term = json!({ "name": name });
        if let Some(owner) = &owner {
            term.set("owner", owner.as_str());
        }
        out.push(term);
    }
    if !tags.is_empty() {
        out.push(json!({ "tags": tags }));
    }
    Value::Array(out)
}

fn to_node_class(spec: &Value, notes: &mut Notes) -> Value {
    let mut out = json!({});
    for (from, to) in [("subnetSelector", "subnetSelectorTerms"), ("securityGroupSelector", "securityGroupSelectorTerms")] {
        out.set(to, terms(spec.at(from)));
    }
    let family = spec.str_at("amiFamily").unwrap_or("AL2");
    if spec.at("amiSelector").is_object() {
        out.set("amiSelectorTerms", terms(spec.at("amiSelector")));
        out.set("amiFamily", family);
    } else {
        let alias = match family {
            "Bottlerocket" => "bottlerocket@latest",
            "Windows2019" => "windows2019@latest",
            "Windows2022" => "windows2022@latest",
            "Ubuntu" => {
                notes.add("amiFamily: Ubuntu was dropped in v1, al2@latest is used");
                "al2@latest"
            }
            _ => "al2@latest",
        };
        out.set("amiSelectorTerms", json!([{ "alias": alias }]));
    }
    for field in
        ["instanceProfile", "userData", "context", "detailedMonitoring", "tags", "metadataOptions", "blockDeviceMappings"]
    {
        copy(spec, field, &mut out, field);
    }
    if out.at("instanceProfile").is_null() {
        out.set("role", "KarpenterNodeRole-${CLUSTER_NAME}");
        notes.add("role: v1 needs a role or an instance profile, put the name of your node role here");
    }
    // The hop limit's default went from 2 to 1, so the old one is written out.
    if out.at("metadataOptions").is_null() {
        out.set(
            "metadataOptions",
            json!({"httpEndpoint": "enabled", "httpProtocolIPv6": "disabled", "httpPutResponseHopLimit": 2, "httpTokens": "required"}),
        );
    }
    notes.lost(spec, &["launchTemplate"], "own launch templates do not exist in v1");
    out
}

fn to_node_template(spec: &Value, notes: &mut Notes) -> Value {
    let mut out = json!({});
    for (from, to) in [
        ("subnetSelectorTerms", "subnetSelector"),
        ("securityGroupSelectorTerms", "securityGroupSelector"),
        ("amiSelectorTerms", "amiSelector"),
    ] {
        let mut selector = serde_json::Map::new();
        let mut ids = Vec::new();
        let mut tag_terms = 0;
        for term in spec.list_at(from) {
            if let Some(alias) = term.str_at("alias") {
                let family = match alias.split('@').next() {
                    Some("bottlerocket") => "Bottlerocket",
                    Some("windows2019") => "Windows2019",
                    Some("windows2022") => "Windows2022",
                    Some("al2") => "AL2",
                    _ => {
                        notes.add("amiSelectorTerms: v1alpha5 does not know this family, AL2 is used");
                        "AL2"
                    }
                };
                out.set("amiFamily", family);
            }
            if let Some(id) = term.str_at("id") {
                ids.push(id.to_owned());
            }
            if let Some(name) = term.str_at("name") {
                selector.insert(if to == "amiSelector" { "aws::name" } else { "Name" }.to_owned(), name.into());
            }
            if let Some(tags) = term.at("tags").as_object() {
                tag_terms += 1;
                if tag_terms == 1 {
                    selector.extend(tags.clone());
                }
            }
        }
        if tag_terms > 1 {
            notes.add(&format!("{from}: v1alpha5 has one set of tags, only the first is kept"));
        }
        if !ids.is_empty() {
            selector.insert("aws-ids".to_owned(), ids.join(",").into());
        }
        if !selector.is_empty() || to != "amiSelector" {
            out.set(to, Value::Object(selector));
        }
    }
    for field in [
        "amiFamily",
        "instanceProfile",
        "userData",
        "context",
        "detailedMonitoring",
        "tags",
        "metadataOptions",
        "blockDeviceMappings",
    ] {
        copy(spec, field, &mut out, field);
    }
    notes.lost(spec, &["role"], "v1alpha5 takes an instance profile, or the default one of its settings");
    notes.lost(spec, &["kubelet"], "belongs to the Provisioner in v1alpha5 (spec.kubeletConfiguration)");
    let newer = ["instanceStorePolicy", "capacityReservationSelectorTerms", "networkInterfaces", "placementGroupSelector"];
    notes.lost(spec, &newer, "does not exist in v1alpha5");
    out
}

trait OwnStrings {
    fn strings_at_self(&self) -> Vec<(String, String)>;
}

impl OwnStrings for Value {
    fn strings_at_self(&self) -> Vec<(String, String)> {
        let map = self.as_object().into_iter().flatten();
        map.filter_map(|(k, v)| v.as_str().map(|v| (k.clone(), v.to_owned()))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Era, Validation, admit};

    fn provisioner(extra: Value) -> Value {
        let mut doc = json!({
            "apiVersion": "karpenter.sh/v1alpha5", "kind": "Provisioner", "metadata": {"name": "default"},
            "spec": {
                "labels": {"type": "karpenter"}, "limits": {"resources": {"cpu": 1000, "memory": "1000Gi"}},
                "providerRef": {"name": "default"},
                "requirements": [{"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["spot"]}],
            },
        });
        crate::patch::merge(&mut doc, &json!({ "spec": extra }));
        doc
    }

    #[test]
    fn carries_the_migration_map() {
        for (extra, policy, after, expire) in [
            (json!({"ttlSecondsAfterEmpty": 30}), "WhenEmpty", "30s", "Never"),
            (json!({"consolidation": {"enabled": true}}), "WhenEmptyOrUnderutilized", "0s", "Never"),
            (json!({"ttlSecondsUntilExpired": 604_800}), "WhenEmpty", "Never", "168h"),
        ] {
            let c = convert(Kind::Provisioner, &provisioner(extra)).unwrap();
            assert_eq!(c.doc.str_at("spec.disruption.consolidationPolicy"), Some(policy));
            assert_eq!(c.doc.str_at("spec.disruption.consolidateAfter"), Some(after));
            assert_eq!(c.doc.str_at("spec.template.spec.expireAfter"), Some(expire));
            assert_eq!(c.doc.at("spec.limits"), &json!({"cpu": 1000, "memory": "1000Gi"}));
            assert_eq!(c.doc.at("spec.template.metadata.labels"), &json!({"type": "karpenter"}));
            admit(c.kind, c.doc, None, Era::V1, Validation::Strict).unwrap();
        }
    }

    #[test]
    fn there_and_back_is_the_same() {
        for extra in [
            json!({"ttlSecondsAfterEmpty": 30}),
            json!({"consolidation": {"enabled": true}, "weight": 10, "ttlSecondsUntilExpired": 3600}),
        ] {
            let mut doc = provisioner(extra);
            crate::admit::default_fields(Kind::Provisioner, &mut doc);
            let v1 = convert(Kind::Provisioner, &doc).unwrap();
            assert_eq!(v1.notes, Vec::<String>::new());
            let back = convert(Kind::NodePool, &v1.doc).unwrap();
            assert_eq!(back.doc, doc);
        }
    }

    #[test]
    fn node_classes_pass_their_rules() {
        let template = json!({
            "apiVersion": "karpenter.k8s.aws/v1alpha1", "kind": "AWSNodeTemplate", "metadata": {"name": "default"},
            "spec": {
                "subnetSelector": {"karpenter.sh/discovery": "myeks"},
                "securityGroupSelector": {"aws-ids": "sg-1,sg-2"},
            },
        });
        let class = convert(Kind::AWSNodeTemplate, &template).unwrap();
        assert_eq!(class.doc.at("spec.securityGroupSelectorTerms"), &json!([{"id": "sg-1"}, {"id": "sg-2"}]));
        assert_eq!(class.notes.len(), 1);
        admit(class.kind, class.doc.clone(), None, Era::V1, Validation::Strict).unwrap();
        let back = convert(Kind::EC2NodeClass, &class.doc).unwrap();
        assert_eq!(back.doc.at("spec.subnetSelector"), template.at("spec.subnetSelector"));
        assert_eq!(back.doc.at("spec.securityGroupSelector"), template.at("spec.securityGroupSelector"));
        admit(back.kind, back.doc, None, Era::V1alpha5, Validation::Strict).unwrap();
        assert_eq!(convert(Kind::Pod, &json!({})), None);
    }
}
