//! AWSNodeTemplates: schema and validating webhook.
//! Source: aws/karpenter pkg/apis/v1alpha1/{awsnodetemplate,provider}_validation.go, v0.31.4.

use super::crd::check_schema;
use super::decode::go_error;
use super::field_errors::FieldErrors;
use super::names::{self, Strings};
use super::provisioner::DEFAULTING;
use super::webhook::{Denial, undecodable};
use crate::quantity::Quantity;
use crate::{ApiError, DocExt, Kind, Value};

const VALIDATION: &str = "validation.webhook.karpenter.k8s.aws";

pub(super) fn admit(doc: &mut Value) -> Result<(), ApiError> {
    if let Some((path, why)) = go_error(Kind::AWSNodeTemplate, doc) {
        return Err(undecodable(DEFAULTING, &path, why));
    }
    let mut errors = FieldErrors::new();
    names::metadata(Kind::AWSNodeTemplate, doc, None, &mut errors);
    check_schema(Kind::AWSNodeTemplate, doc, &mut errors);
    errors.into_result(Kind::AWSNodeTemplate, doc.str_at("metadata.name").unwrap_or_default())?;
    let mut denial = Denial::default();
    rules(doc.at("spec"), &mut denial);
    denial.into_result(VALIDATION)
}

fn rules(spec: &Value, denial: &mut Denial) {
    let set = |f: &str| !spec.at(f).is_null();
    if set("launchTemplate") {
        // The provider's own fields are reported below `provider`, as the webhook does.
        for field in ["securityGroupSelector", "metadataOptions", "amiFamily", "instanceProfile", "blockDeviceMappings"] {
            if set(field) {
                denial.both(&["spec.provider.launchTemplate", &format!("spec.provider.{field}")]);
            }
        }
        for field in ["userData", "amiSelector"] {
            if set(field) {
                denial.both(&[&format!("spec.{field}"), "spec.launchTemplate"]);
            }
        }
    }
    if !set("subnetSelector") {
        denial.missing("spec.provider.subnetSelector");
    }
    selector(spec, "subnetSelector", "spec.provider", ("subnet-", "subnet-id", "subnet-[0-9a-z]+"), denial);
    if !set("launchTemplate") {
        if !set("securityGroupSelector") {
            denial.missing("spec.provider.securityGroupSelector");
        }
        selector(spec, "securityGroupSelector", "spec.provider", ("sg-", "group-id", "sg-[0-9a-z]+"), denial);
    }
    selector(spec, "amiSelector", "spec", ("ami-", "ami-id", "ami-[0-9a-z]+"), denial);
    const FAMILIES: [&str; 6] = ["AL2", "Bottlerocket", "Ubuntu", "Windows2019", "Windows2022", "Custom"];
    one_of(spec.at("amiFamily"), "spec.provider.amiFamily", &FAMILIES, denial);
    if spec.str_at("amiFamily") == Some("Custom") && !set("amiSelector") {
        denial.missing("spec.amiSelector");
    }
    metadata_options(spec.at("metadataOptions"), denial);
    for (i, m) in spec.list_at("blockDeviceMappings").iter().enumerate() {
        block_device(m, &format!("spec.provider.blockDeviceMappings[{i}]"), denial);
    }
    for (key, value) in spec.at("tags").strings_at_top() {
        if key.is_empty() {
            let why = format!("the tag with key : '' and value : '{value}' is invalid because empty tag keys aren't supported");
            denial.value(&why, "spec.provider.tags", "");
        }
        let pattern = match key.as_str() {
            k if k.starts_with("kubernetes.io/cluster/") => "^kubernetes\\\\.io/cluster/.*$",
            "karpenter.sh/provisioner-name" => "^karpenter\\\\.sh/provisioner-name$",
            "karpenter.sh/managed-by" => "^karpenter\\\\.sh/managed-by$",
            _ => continue,
        };
        denial.key_name(&key, "spec.tags", &format!("tag contains a restricted tag matching \"{pattern}\""));
    }
}

fn selector(spec: &Value, field: &str, base: &str, (prefix, what, regex): (&str, &str, &str), denial: &mut Denial) {
    for (key, value) in spec.at(field).strings_at_top() {
        if key.is_empty() || value.is_empty() {
            denial.value("\"\"", &format!("{base}.{field}['{key}']"), "");
        }
        if key == "aws-ids" {
            for id in value.split(',').map(str::trim).filter(|id| !names_an_id(id, prefix)) {
                let path = format!("{base}.{field}['{key}'] must be a valid {what} (regex: {regex})");
                denial.value(&format!("\"{id}\""), &path, "");
            }
        }
    }
}

/// Whether `prefix` with at least one lower-case letter or digit behind it occurs anywhere in the text.
fn names_an_id(text: &str, prefix: &str) -> bool {
    text.match_indices(prefix).any(|(at, _)| {
        text.get(at + prefix.len()..).is_some_and(|t| t.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit()))
    })
}

fn one_of(v: &Value, path: &str, values: &[&str], denial: &mut Denial) {
    if let Some(text) = v.as_str().filter(|t| !values.contains(t)) {
        denial.value(&format!("{text} not in {}", values.join(", ")), path, "");
    }
}

fn metadata_options(m: &Value, denial: &mut Denial) {
    const BASE: &str = "spec.provider.metadataOptions";
    one_of(m.at("httpEndpoint"), &format!("{BASE}.httpEndpoint"), &["disabled", "enabled"], denial);
    one_of(m.at("httpProtocolIPv6"), &format!("{BASE}.httpProtocolIPv6"), &["disabled", "enabled"], denial);
    one_of(m.at("httpTokens"), &format!("{BASE}.httpTokens"), &["optional", "required"], denial);
    if let Some(n) = m.int_at("httpPutResponseHopLimit").filter(|n| !(1..=64).contains(n)) {
        denial.out_of_bounds(&n.to_string(), "1", "64", &format!("{BASE}.httpPutResponseHopLimit"));
    }
}

fn block_device(m: &Value, path: &str, denial: &mut Denial) {
    if m.at("deviceName").is_null() {
        denial.missing(&format!("{path}.deviceName"));
    }
    let ebs = m.at("ebs");
    if !ebs.is_object() {
        return;
    }
    const TYPES: [&str; 7] = ["standard", "io1", "io2", "gp2", "sc1", "st1", "gp3"];
    one_of(ebs.at("volumeType"), &format!("{path}.ebs.volumeType"), &TYPES, denial);
    match ebs.str_at("volumeSize") {
        None if ebs.at("snapshotID").is_null() => denial.missing(&format!("{path}.ebs.volumeSize")),
        None => {}
        Some(size) => {
            let bytes = Quantity::parse(size).map(|q| q.value()).unwrap_or(0);
            if !(1_000_000_000..=64_000_000_000_000).contains(&bytes) {
                denial.out_of_bounds(size, "1G", "64T", &format!("{path}.ebs.volumeSize"));
            }
        }
    }
}
