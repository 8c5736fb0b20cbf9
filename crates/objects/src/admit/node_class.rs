//! Defaults and CEL rules of EC2NodeClasses.
//! Source: aws/karpenter-provider-aws pkg/apis/v1/ec2nodeclass.go, v1.14.

use super::field_errors::FieldErrors;
use crate::{DocExt, Value, json};

pub(super) fn default_fields(doc: &mut Value) {
    if !doc.at("spec").is_object() {
        return;
    }
    let defaults = json!({
        "httpEndpoint": "enabled", "httpProtocolIPv6": "disabled", "httpPutResponseHopLimit": 1, "httpTokens": "required",
    });
    if doc.at("spec.metadataOptions").is_null() {
        doc.set("spec.metadataOptions", defaults);
    } else if doc.at("spec.metadataOptions").is_object() {
        for (name, value) in defaults.as_object().into_iter().flatten() {
            let path = format!("spec.metadataOptions.{name}");
            if doc.at(&path).is_null() {
                doc.set(&path, value.clone());
            }
        }
    }
}

pub(super) fn rules(doc: &Value, errors: &mut FieldErrors) {
    let spec = doc.at("spec");
    fn rule(errors: &mut FieldErrors, path: &str, holds: bool, why: &str) {
        if !holds {
            errors.push(path, format!("Invalid value: {why}"));
        }
    }
    let set = |v: &Value, f: &str| !v.at(f).is_null();
    rule(
        errors,
        "spec",
        set(spec, "role") != set(spec, "instanceProfile"),
        "must specify exactly one of ['role', 'instanceProfile']",
    );
    if spec.str_at("role") == Some("") {
        errors.invalid_text("spec.role", "", "role cannot be empty");
    }
    if spec.str_at("instanceProfile") == Some("") {
        errors.invalid_text("spec.instanceProfile", "", "instanceProfile cannot be empty");
    }
    for (list, fields) in
        [("subnetSelectorTerms", &["tags", "id"][..]), ("securityGroupSelectorTerms", &["tags", "id", "name"][..])]
    {
        let path = format!("spec.{list}");
        let terms = spec.list_at(list);
        let names: Vec<String> = fields.iter().map(|f| format!("'{f}'")).collect();
        let one_of = format!("expected at least one, got none, [{}]", names.join(", "));
        rule(errors, &path, terms.iter().all(|t| fields.iter().any(|f| set(t, f))), &one_of);
        let alone = terms.iter().all(|t| !set(t, "id") || !(set(t, "tags") || set(t, "name")));
        rule(errors, &path, alone, "'id' is mutually exclusive, cannot be set with a combination of other fields in a term");
        if fields.contains(&"name") {
            let alone = terms.iter().all(|t| !set(t, "name") || !(set(t, "tags") || set(t, "id")));
            rule(
                errors,
                &path,
                alone,
                "'name' is mutually exclusive, cannot be set with a combination of other fields in a term",
            );
        }
    }
    let amis = spec.list_at("amiSelectorTerms");
    let fields = ["tags", "id", "name", "alias", "ssmParameter"];
    let path = "spec.amiSelectorTerms";
    let some = amis.iter().all(|t| fields.iter().any(|f| set(t, f)));
    rule(errors, path, some, "expected at least one, got none, ['tags', 'id', 'name', 'alias', 'ssmParameter']");
    let only = |t: &Value, f: &str| !set(t, f) || !fields.iter().chain(&["owner"]).any(|o| *o != f && set(t, o));
    rule(
        errors,
        path,
        amis.iter().all(|t| only(t, "id")),
        "'id' is mutually exclusive, cannot be set with a combination of other fields in amiSelectorTerms",
    );
    rule(
        errors,
        path,
        amis.iter().all(|t| only(t, "alias")),
        "'alias' is mutually exclusive, cannot be set with a combination of other fields in amiSelectorTerms",
    );
    let aliases: Vec<&str> = amis.iter().filter_map(|t| t.str_at("alias")).collect();
    let single = aliases.is_empty() || amis.len() == 1;
    rule(errors, path, single, "'alias' is mutually exclusive, cannot be set with a combination of other amiSelectorTerms");
    for (i, alias) in aliases.iter().enumerate() {
        alias_rules(alias, &format!("{path}[{i}].alias"), errors);
    }
    let family = spec.str_at("amiFamily");
    rule(
        errors,
        "spec",
        !aliases.is_empty() || family.is_some(),
        "must specify amiFamily if amiSelectorTerms does not contain an alias",
    );
    let alias_family = aliases.first().and_then(|a| a.split_once('@')).and_then(|(of, _)| family_of(of));
    if let Some(of) = alias_family.filter(|of| family.is_some_and(|f| f != "Custom" && f != *of)) {
        let why = format!("if set, amiFamily must be '{of}' or 'Custom' when using an {of} alias");
        errors.push("spec", format!("Invalid value: {why}"));
    }
    let maps = spec.list_at("blockDeviceMappings");
    let roots = maps.iter().filter(|m| m.bool_at("rootVolume") == Some(true)).count();
    rule(errors, "spec.blockDeviceMappings", roots <= 1, "must have only one blockDeviceMappings with rootVolume");
    for (i, m) in maps.iter().enumerate() {
        let sized = m.at("ebs").is_null() || set(m.at("ebs"), "snapshotID") || set(m.at("ebs"), "volumeSize");
        let at = format!("spec.blockDeviceMappings[{i}].ebs");
        rule(errors, &at, sized, "snapshotID or volumeSize must be defined");
    }
    tags(spec.at("tags"), errors);
}

/// The AMI family that an alias names.
fn family_of(alias: &str) -> Option<&'static str> {
    const FAMILIES: [&str; 6] = ["AL2", "AL2023", "Bottlerocket", "Windows2019", "Windows2022", "Windows2025"];
    FAMILIES.into_iter().find(|f| f.to_lowercase() == alias)
}

fn alias_rules(alias: &str, path: &str, errors: &mut FieldErrors) {
    let Some((family, version)) = alias.split_once('@').filter(|(f, v)| !f.is_empty() && !v.is_empty()) else {
        errors.invalid_text(path, alias, "'alias' is improperly formatted, must match the format 'family@version'");
        return;
    };
    if !matches!(family, "al2" | "al2023" | "bottlerocket" | "windows2019" | "windows2022" | "windows2025") {
        let why = "family is not supported, must be one of the following: 'al2', 'al2023', 'bottlerocket', 'windows2019', 'windows2022', 'windows2025'";
        errors.invalid_text(path, alias, why);
    }
    if family.starts_with("windows") && version != "latest" {
        errors.invalid_text(path, alias, "windows families may only specify version 'latest'");
    }
}

fn tags(tags: &Value, errors: &mut FieldErrors) {
    for key in tags.as_object().into_iter().flat_map(|m| m.keys()) {
        let why = match key.as_str() {
            "" => "empty tag keys aren't supported".to_owned(),
            k if k == "eks:eks-cluster-name" || k.starts_with("kubernetes.io/cluster") => {
                let pattern = if k.starts_with("eks:") { "eks:eks-cluster-name" } else { "kubernetes.io/cluster/" };
                format!("tag contains a restricted tag matching {pattern}")
            }
            k @ ("karpenter.sh/nodepool" | "karpenter.sh/nodeclaim" | "karpenter.k8s.aws/ec2nodeclass") => {
                format!("tag contains a restricted tag matching {k}")
            }
            _ => continue,
        };
        errors.push("spec.tags", format!("Invalid value: {why}"));
    }
}
