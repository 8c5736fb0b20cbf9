//! `labels`, `commonLabels`, `commonAnnotations` and `namespace`.
//! Source: sigs.k8s.io/kustomize/api v0.20.1, internal/konfig/builtinpluginconsts, filters/{labels,annotations,namespace}.

use super::file::texts;
use super::resource::{Resource, plain};
use super::spec::{Made, Spec, pointer, visit, wrong_kind};
use super::{Build, Wrong};
use objects::json::as_go;
use objects::{DocExt, Value};

const fn spec(path: &'static str, create: bool, group: &'static str, version: &'static str, kind: &'static str) -> Spec<'static> {
    Spec { group, version, kind, path, create }
}

const OWN_LABELS: Spec<'static> = spec("metadata/labels", true, "", "", "");

/// Labels of the objects and of the pods that they make.
const TEMPLATES: [Spec<'static>; 10] = [
    OWN_LABELS,
    spec("spec/template/metadata/labels", true, "", "v1", "ReplicationController"),
    spec("spec/template/metadata/labels", true, "", "", "Deployment"),
    spec("spec/template/metadata/labels", true, "", "", "ReplicaSet"),
    spec("spec/template/metadata/labels", true, "", "", "DaemonSet"),
    spec("spec/template/metadata/labels", true, "apps", "", "StatefulSet"),
    spec("spec/volumeClaimTemplates[]/metadata/labels", true, "apps", "", "StatefulSet"),
    spec("spec/template/metadata/labels", true, "batch", "", "Job"),
    spec("spec/jobTemplate/metadata/labels", true, "batch", "", "CronJob"),
    spec("spec/jobTemplate/spec/template/metadata/labels", true, "batch", "", "CronJob"),
];

/// Where objects select by labels.
const SELECTORS: [Spec<'static>; 12] = [
    spec("spec/selector", true, "", "v1", "Service"),
    spec("spec/selector", true, "", "v1", "ReplicationController"),
    spec("spec/selector/matchLabels", true, "", "", "Deployment"),
    spec("spec/selector/matchLabels", true, "", "", "ReplicaSet"),
    spec("spec/selector/matchLabels", true, "", "", "DaemonSet"),
    spec("spec/selector/matchLabels", true, "apps", "", "StatefulSet"),
    spec("spec/selector/matchLabels", false, "batch", "", "Job"),
    spec("spec/jobTemplate/spec/selector/matchLabels", false, "batch", "", "CronJob"),
    spec("spec/selector/matchLabels", false, "policy", "", "PodDisruptionBudget"),
    spec("spec/podSelector/matchLabels", false, "networking.k8s.io", "", "NetworkPolicy"),
    spec("spec/ingress/from/podSelector/matchLabels", false, "networking.k8s.io", "", "NetworkPolicy"),
    spec("spec/egress/to/podSelector/matchLabels", false, "networking.k8s.io", "", "NetworkPolicy"),
];

/// Where the pods of Deployments and StatefulSets select each other.
const BETWEEN_PODS: [&str; 5] = [
    "spec/template/spec/affinity/podAffinity/preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm/labelSelector/matchLabels",
    "spec/template/spec/affinity/podAffinity/requiredDuringSchedulingIgnoredDuringExecution/labelSelector/matchLabels",
    "spec/template/spec/affinity/podAntiAffinity/preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm/labelSelector/matchLabels",
    "spec/template/spec/affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution/labelSelector/matchLabels",
    "spec/template/spec/topologySpreadConstraints/labelSelector/matchLabels",
];

const ANNOTATIONS: [Spec<'static>; 9] = [
    spec("metadata/annotations", true, "", "", ""),
    spec("spec/template/metadata/annotations", true, "", "v1", "ReplicationController"),
    spec("spec/template/metadata/annotations", true, "", "", "Deployment"),
    spec("spec/template/metadata/annotations", true, "", "", "ReplicaSet"),
    spec("spec/template/metadata/annotations", true, "", "", "DaemonSet"),
    spec("spec/template/metadata/annotations", true, "", "", "StatefulSet"),
    spec("spec/template/metadata/annotations", true, "batch", "", "Job"),
    spec("spec/jobTemplate/metadata/annotations", true, "batch", "", "CronJob"),
    spec("spec/jobTemplate/spec/template/metadata/annotations", true, "batch", "", "CronJob"),
];

fn with_selectors() -> Vec<Spec<'static>> {
    let pods = ["Deployment", "StatefulSet"].into_iter();
    let pods = pods.flat_map(|kind| BETWEEN_PODS.iter().map(move |path| spec(path, false, "apps", "", kind)));
    SELECTORS.into_iter().chain(pods).chain(TEMPLATES).collect()
}

/// Writes the pairs into the maps at the places.
fn put(all: &mut [Resource], pairs: &Value, specs: &[Spec<'_>], build: &mut Build<'_>) -> Result<(), Wrong> {
    let pairs = texts(pairs);
    let size: usize = pairs.iter().map(|(k, v)| k.len() + v.len() + 32).sum();
    for resource in all {
        build.charge(size)?;
        for (key, value) in &pairs {
            let (mut new, mut old) = (Vec::new(), Vec::new());
            for spec in specs {
                let mut set = |node: &mut Value, at: &str| match node {
                    Value::Object(map) => {
                        let place = format!("{at}{}", pointer(key));
                        if map.insert(key.clone(), Value::String(value.clone())).is_none() {
                            new.push(place);
                        } else if !new.contains(&place) {
                            old.push(place);
                        }
                        Ok(())
                    }
                    other => Err(wrong_kind("MappingNode", other)),
                };
                visit(resource, *spec, Made::Map, &mut set).map_err(Wrong::Said)?;
            }
            for place in old {
                resource.share(&place);
            }
            if new.len() > 1 {
                resource.shared.push(new);
            }
        }
    }
    Ok(())
}

/// `labels`, then `commonLabels`.
pub fn labels(all: &mut [Resource], file: &Value, build: &mut Build<'_>) -> Result<(), Wrong> {
    for label in file.list_at("labels") {
        let own = label.list_at("fields").iter().map(|f| Spec {
            group: f.str_at("group").unwrap_or_default(),
            version: f.str_at("version").unwrap_or_default(),
            kind: f.str_at("kind").unwrap_or_default(),
            path: f.str_at("path").unwrap_or_default(),
            create: f.bool_at("create").unwrap_or(false),
        });
        let mut specs: Vec<Spec<'_>> = own.collect();
        match (label.bool_at("includeSelectors"), label.bool_at("includeTemplates")) {
            (Some(true), _) => specs.extend(with_selectors()),
            (_, Some(true)) => specs.extend(TEMPLATES),
            _ => specs.push(OWN_LABELS),
        }
        put(all, label.at("pairs"), &specs, build)?;
    }
    put(all, file.at("commonLabels"), &with_selectors(), build)
}

pub fn annotations(all: &mut [Resource], file: &Value, build: &mut Build<'_>) -> Result<(), Wrong> {
    put(all, file.at("commonAnnotations"), &ANNOTATIONS, build)
}

/// Puts all objects of which it is not known that they have no namespace into one, and what names it.
pub fn namespace(all: &mut [Resource], file: &Value, build: &mut Build<'_>) -> Result<(), Wrong> {
    let Some(name) = file.str_at("namespace").filter(|n| !n.is_empty()) else { return Ok(()) };
    for at in 0..all.len() {
        build.charge(name.len() + 64)?;
        let Some(resource) = all.get_mut(at) else { break };
        resource.remember();
        move_to(resource, name).map_err(Wrong::Said)?;
        let id = resource.id();
        let same: Vec<&Resource> = all.iter().filter(|r| r.name() == id.name && r.id().equals(&id)).collect();
        if same.len() != 1 {
            let shown: Vec<String> = same.iter().map(|r| as_go(&r.with_notes())).collect();
            return Err(Wrong::Said(format!("namespace transformation produces ID conflict: [{}]", shown.join(" "))));
        }
    }
    Ok(())
}

fn move_to(resource: &mut Resource, name: &str) -> Result<(), String> {
    let mut set = |node: &mut Value, _: &str| {
        if node.is_object() || node.is_array() {
            return Err(wrong_kind("ScalarNode", node));
        }
        *node = Value::String(name.to_owned());
        Ok(())
    };
    if !resource.id().cluster {
        visit(resource, spec("metadata/namespace", true, "", "", ""), Made::Text, &mut set)?;
    }
    if ["RoleBinding", "ClusterRoleBinding"].contains(&resource.kind().as_str())
        && let Some(Value::Array(subjects)) = resource.doc.get_mut("subjects")
    {
        for subject in subjects.iter_mut().filter(|s| plain(s.at("name")) == "default") {
            subject.set("namespace", name);
        }
    }
    let mut specs = vec![
        spec("spec/service/namespace", true, "apiregistration.k8s.io", "", "APIService"),
        spec(
            "spec/conversion/webhook/clientConfig/service/namespace",
            false,
            "apiextensions.k8s.io",
            "",
            "CustomResourceDefinition",
        ),
    ];
    if plain(resource.doc.at("apiVersion")) == "v1" {
        specs.push(spec("metadata/name", true, "", "", "Namespace"));
    }
    for spec in specs {
        visit(resource, spec, Made::Text, &mut set).map_err(|e| {
            let inner = if e.contains("wrong node kind") {
                "namespace field specs must target scalar nodes"
            } else {
                "namespace transformation failed"
            };
            format!("{inner}: {e}")
        })?;
    }
    Ok(())
}
