//! `namePrefix`, `nameSuffix`, the hashes of generated resources, and what refers to a name that changed.
//! Source: sigs.k8s.io/kustomize/api v0.20.1, internal/builtins/PrefixTransformer.go, filters/nameref/nameref.go,
//! internal/konfig/builtinpluginconsts/namereference.go.

use super::resource::{Gvk, Id, Resource, plain};
use super::spec::{Made, Spec, visit};
use super::{Build, Wrong};
use objects::{DocExt, Value};

/// Names of these are never changed by a prefix: kind and group.
const KEPT: [(&str, &str); 3] = [("CustomResourceDefinition", ""), ("APIService", "apiregistration.k8s.io"), ("Namespace", "")];

/// Puts a prefix or a suffix to all names.
pub fn affix(all: &mut [Resource], file: &Value, build: &mut Build<'_>) -> Result<(), Wrong> {
    for field in ["namePrefix", "nameSuffix"] {
        let Some(text) = file.str_at(field).filter(|t| !t.is_empty()) else { continue };
        for resource in all.iter_mut() {
            build.charge(2 * text.len() + 64)?;
            let first = resource.original().gvk;
            if KEPT.iter().any(|(kind, group)| first.is(group, "", kind)) {
                continue;
            }
            resource.remember();
            let name = resource.name();
            let new = if field == "namePrefix" {
                resource.prefixes.push(text.to_owned());
                format!("{text}{name}")
            } else {
                resource.suffixes.push(text.to_owned());
                format!("{name}{text}")
            };
            resource.doc.set("metadata.name", new);
        }
    }
    Ok(())
}

/// Puts the hash of their content behind the names of generated resources.
pub fn hashes(all: &mut [Resource]) {
    for resource in all.iter_mut().filter(|r| r.hashed) {
        let hash = super::generate::hash(resource);
        resource.remember();
        let name = format!("{}-{hash}", resource.name());
        resource.doc.set("metadata.name", name);
    }
}

/// A field that holds the name of another object: the other's group, version and kind, the own group and version, the
/// path, and the own kinds.
type Reference = (Target, (&'static str, &'static str), &'static str, &'static [&'static str]);
type Target = (&'static str, &'static str, &'static str);

/// Where pods of a kind are described.
const PODS: [(&str, &str); 9] = [
    ("Pod", "spec"),
    ("PodTemplate", "template/spec"),
    ("Deployment", "spec/template/spec"),
    ("ReplicaSet", "spec/template/spec"),
    ("DaemonSet", "spec/template/spec"),
    ("StatefulSet", "spec/template/spec"),
    ("Job", "spec/template/spec"),
    ("ReplicationController", "spec/template/spec"),
    ("CronJob", "spec/jobTemplate/spec/template/spec"),
];

const CONFIG_MAP: Target = ("", "v1", "ConfigMap");
const SECRET: Target = ("", "v1", "Secret");
const SERVICE: Target = ("", "v1", "Service");
const ACCOUNT: Target = ("", "v1", "ServiceAccount");
const CLAIM: Target = ("", "v1", "PersistentVolumeClaim");
const VOLUME: Target = ("", "v1", "PersistentVolume");
const STORAGE: Target = ("storage.k8s.io", "v1", "StorageClass");
const PRIORITY: Target = ("scheduling.k8s.io", "v1", "PriorityClass");
const RBAC: &str = "rbac.authorization.k8s.io";

/// Fields of pods: the target, the path below the pod's `spec`, and the kinds of [`PODS`] in which it is not looked for.
const IN_PODS: [(Target, &str, &[&str]); 16] = [
    (CONFIG_MAP, "volumes/configMap/name", &["ReplicationController"]),
    (CONFIG_MAP, "containers/env/valueFrom/configMapKeyRef/name", &["ReplicationController"]),
    (CONFIG_MAP, "initContainers/env/valueFrom/configMapKeyRef/name", &["ReplicationController"]),
    (CONFIG_MAP, "containers/envFrom/configMapRef/name", &["ReplicationController"]),
    (CONFIG_MAP, "initContainers/envFrom/configMapRef/name", &["ReplicationController"]),
    (CONFIG_MAP, "volumes/projected/sources/configMap/name", &["ReplicationController"]),
    (SECRET, "volumes/secret/secretName", &["ReplicationController"]),
    (SECRET, "containers/env/valueFrom/secretKeyRef/name", &["ReplicationController"]),
    (SECRET, "initContainers/env/valueFrom/secretKeyRef/name", &["ReplicationController"]),
    (SECRET, "containers/envFrom/secretRef/name", &["ReplicationController"]),
    (SECRET, "initContainers/envFrom/secretRef/name", &["ReplicationController"]),
    (SECRET, "imagePullSecrets/name", &["ReplicationController"]),
    (SECRET, "volumes/projected/sources/secret/name", &["ReplicationController"]),
    (ACCOUNT, "serviceAccountName", &["PodTemplate", "ReplicaSet"]),
    (CLAIM, "volumes/persistentVolumeClaim/claimName", &["PodTemplate", "ReplicaSet"]),
    (PRIORITY, "priorityClassName", &["PodTemplate", "ReplicaSet"]),
];

const ELSEWHERE: [Reference; 41] = [
    (("", "", "Deployment"), ("", ""), "spec/scaleTargetRef/name", &["HorizontalPodAutoscaler"]),
    (("", "", "ReplicationController"), ("", ""), "spec/scaleTargetRef/name", &["HorizontalPodAutoscaler"]),
    (("", "", "ReplicaSet"), ("", ""), "spec/scaleTargetRef/name", &["HorizontalPodAutoscaler"]),
    (("", "", "StatefulSet"), ("", ""), "spec/scaleTargetRef/name", &["HorizontalPodAutoscaler"]),
    (CONFIG_MAP, ("", ""), "spec/configSource/configMap", &["Node"]),
    (CONFIG_MAP, ("", ""), "rules/resourceNames", &["Role"]),
    (CONFIG_MAP, ("", ""), "rules/resourceNames", &["ClusterRole"]),
    (CONFIG_MAP, ("", ""), "metadata/annotations/nginx.ingress.kubernetes.io\\/fastcgi-params-configmap", &["Ingress"]),
    (SECRET, ("", ""), "spec/tls/secretName", &["Ingress"]),
    (SECRET, ("", ""), "metadata/annotations/ingress.kubernetes.io\\/auth-secret", &["Ingress"]),
    (SECRET, ("", ""), "metadata/annotations/nginx.ingress.kubernetes.io\\/auth-secret", &["Ingress"]),
    (SECRET, ("", ""), "metadata/annotations/nginx.ingress.kubernetes.io\\/auth-tls-secret", &["Ingress"]),
    (SECRET, ("", ""), "imagePullSecrets/name", &["ServiceAccount"]),
    (SECRET, ("", ""), "parameters/secretName", &["StorageClass"]),
    (SECRET, ("", ""), "parameters/adminSecretName", &["StorageClass"]),
    (SECRET, ("", ""), "parameters/userSecretName", &["StorageClass"]),
    (SECRET, ("", ""), "parameters/secretRef", &["StorageClass"]),
    (SECRET, ("", ""), "rules/resourceNames", &["Role"]),
    (SECRET, ("", ""), "rules/resourceNames", &["ClusterRole"]),
    (SECRET, ("serving.knative.dev", "v1"), "spec/template/spec/containers/env/valueFrom/secretKeyRef/name", &["Service"]),
    (SECRET, ("", ""), "spec/azureFile/secretName", &["PersistentVolume"]),
    (SERVICE, ("apps", ""), "spec/serviceName", &["StatefulSet"]),
    (SERVICE, ("", ""), "spec/rules/http/paths/backend/serviceName", &["Ingress"]),
    (SERVICE, ("", ""), "spec/backend/serviceName", &["Ingress"]),
    (SERVICE, ("", ""), "spec/rules/http/paths/backend/service/name", &["Ingress"]),
    (SERVICE, ("", ""), "spec/defaultBackend/service/name", &["Ingress"]),
    (SERVICE, ("apiregistration.k8s.io", ""), "spec/service/name", &["APIService"]),
    (SERVICE, ("admissionregistration.k8s.io", ""), "webhooks/clientConfig/service", &["ValidatingWebhookConfiguration"]),
    (SERVICE, ("admissionregistration.k8s.io", ""), "webhooks/clientConfig/service", &["MutatingWebhookConfiguration"]),
    ((RBAC, "", "Role"), (RBAC, ""), "roleRef/name", &["RoleBinding"]),
    ((RBAC, "", "ClusterRole"), (RBAC, ""), "roleRef/name", &["RoleBinding"]),
    ((RBAC, "", "ClusterRole"), (RBAC, ""), "roleRef/name", &["ClusterRoleBinding"]),
    (ACCOUNT, (RBAC, ""), "subjects", &["RoleBinding"]),
    (ACCOUNT, (RBAC, ""), "subjects", &["ClusterRoleBinding"]),
    (VOLUME, ("", ""), "spec/volumeName", &["PersistentVolumeClaim"]),
    (VOLUME, ("", ""), "rules/resourceNames", &["ClusterRole"]),
    (STORAGE, ("", ""), "spec/storageClassName", &["PersistentVolume"]),
    (STORAGE, ("", ""), "spec/storageClassName", &["PersistentVolumeClaim"]),
    (STORAGE, ("", ""), "spec/volumeClaimTemplates/spec/storageClassName", &["StatefulSet"]),
    // The group is what kustomize has there, so it fits none.
    (("networking.k8s.io/v1", "v1", "IngressClass"), ("", ""), "spec/ingressClassName", &["Ingress"]),
    (
        ("admissionregistration.k8s.io", "", "ValidatingAdmissionPolicy"),
        ("admissionregistration.k8s.io", ""),
        "spec/policyName",
        &["ValidatingAdmissionPolicyBinding"],
    ),
];

/// What is known of a resource whose name somebody may hold.
struct Named {
    id: Id,
    previous: Vec<Id>,
    prefixes: Vec<String>,
    suffixes: Vec<String>,
}

/// Writes the new names where the old ones stand.
pub fn references(all: &mut [Resource], build: &mut Build<'_>) -> Result<(), Wrong> {
    let named: Vec<Named> = all
        .iter()
        .map(|r| Named { id: r.id(), previous: r.previous(), prefixes: r.prefixes.clone(), suffixes: r.suffixes.clone() })
        .collect();
    // Names that never changed need no second look.
    if named.iter().all(|n| n.previous.is_empty()) {
        return Ok(());
    }
    let shown: Vec<Value> = all.iter().map(|r| r.doc.clone()).collect();
    for (at, resource) in all.iter_mut().enumerate() {
        let Some(own) = named.get(at) else { continue };
        let first = resource.original().gvk;
        let others = visible(resource, own, &named);
        for (target, (group, version), path) in fields(&first.kind) {
            if !first.is(group, version, "") {
                continue;
            }
            build.charge(others.len() * 4 + 16)?;
            let role = path.ends_with("roleRef/name").then(|| role(&resource.doc)).flatten();
            let search = Search { own, others: &others, target, role, shown: (&shown, &named, at) };
            let mut set = |node: &mut Value| search.rename(node);
            let gvk = resource.gvk();
            let spec = Spec { group: &gvk.group, version: &gvk.version, kind: &gvk.kind, path: &path, create: false };
            visit(resource, spec, Made::Nothing, &mut set)
                .map_err(|e| Wrong::Said(format!("updating name reference in '{path}' field of '{}': {e}", own.id.text())))?;
        }
    }
    Ok(())
}

/// The fields of a kind that hold names.
fn fields(kind: &str) -> Vec<(Target, (&'static str, &'static str), String)> {
    let mut out = Vec::new();
    for (owner, below) in PODS.iter().filter(|(owner, _)| *owner == kind) {
        for (target, path, without) in IN_PODS.iter().filter(|(_, _, without)| !without.contains(owner)) {
            // Claims, accounts and classes are looked for in pods of any version.
            let any = *owner != "Pod" || without.contains(&"PodTemplate");
            out.push((*target, ("", if any { "" } else { "v1" }), format!("{below}/{path}")));
        }
    }
    let more = ELSEWHERE.iter().filter(|(_, _, _, kinds)| kinds.contains(&kind));
    out.extend(more.map(|(target, of, path, _)| (*target, *of, (*path).to_owned())));
    out
}

/// The resources that one may refer to: those of its namespace, and those of none.
fn visible<'n>(resource: &Resource, own: &Named, named: &'n [Named]) -> Vec<&'n Named> {
    if own.id.cluster {
        return named.iter().collect();
    }
    let mut accounts = Vec::new();
    if own.id.gvk.kind == "RoleBinding" {
        let subjects = resource.doc.list_at("subjects").iter();
        accounts.extend(subjects.filter(|s| s.str_at("kind") == Some("ServiceAccount")).map(|s| plain(s.at("namespace"))));
    }
    let there = |other: &&Named| {
        other.id.cluster
            || other.id.effective() == own.id.effective()
            || (!other.id.namespace.is_empty() && accounts.contains(&other.id.namespace))
    };
    named.iter().filter(there).collect()
}

/// The kind that a binding names.
fn role(doc: &Value) -> Option<Gvk> {
    let field = |name: &str| doc.at("roleRef").get(name).filter(|v| !v.is_null()).map(plain);
    Some(Gvk { group: field("apiGroup")?, version: String::new(), kind: field("kind")? })
}

struct Search<'n> {
    own: &'n Named,
    others: &'n [&'n Named],
    target: Target,
    role: Option<Gvk>,
    /// All documents and their names, and which one refers, for messages.
    shown: (&'n [Value], &'n [Named], usize),
}

impl Search<'_> {
    /// Renames what stands at a path: a name, or an object with a name and perhaps a namespace, or a list of such.
    fn rename(&self, node: &mut Value) -> Result<(), String> {
        match node {
            Value::Null => Ok(()),
            Value::Array(items) => items.iter_mut().try_for_each(|item| match item {
                Value::Array(_) => Err("expected to be either a string or a map of string".to_owned()),
                item => self.rename(item),
            }),
            Value::Object(map) => {
                let Some(name) = map.get("name").map(plain) else {
                    return Err("path config error; no 'name' field in node".to_owned());
                };
                let all = self.of_namespace(map.get("namespace").map(plain).as_deref());
                let Some(found) = self.find(&name, all, true)? else { return Ok(()) };
                if found.name == name && found.namespace.is_empty() {
                    return Ok(());
                }
                map.insert("name".to_owned(), Value::String(found.name.clone()));
                if !found.namespace.is_empty() {
                    map.insert("namespace".to_owned(), Value::String(found.namespace.clone()));
                }
                Ok(())
            }
            scalar => {
                let name = plain(scalar);
                if let Some(found) = self.find(&name, self.others.to_vec(), false)?.filter(|f| f.name != name) {
                    *scalar = Value::String(found.name.clone());
                }
                Ok(())
            }
        }
    }

    /// Those that were in the namespace at first, or else are in it now.
    fn of_namespace(&self, namespace: Option<&str>) -> Vec<&Named> {
        let Some(namespace) = namespace else { return self.others.to_vec() };
        let first = |n: &Named| n.previous.first().unwrap_or(&n.id).effective().to_owned();
        let before: Vec<&Named> = self.others.iter().copied().filter(|n| first(n) == namespace).collect();
        if !before.is_empty() {
            return before;
        }
        self.others.iter().copied().filter(|n| !n.id.cluster && n.id.effective() == namespace).collect()
    }

    fn find<'a>(&self, name: &str, mut all: Vec<&'a Named>, with_namespace: bool) -> Result<Option<&'a Id>, String> {
        let (group, version, kind) = self.target;
        all.retain(|n| n.previous.iter().any(|p| p.name == name));
        all.retain(|n| n.previous.iter().any(|p| p.gvk.is(group, version, kind)));
        if let Some(role) = &self.role {
            all.retain(|n| n.previous.iter().any(|p| p.gvk.is(&role.group, &role.version, &role.kind)));
        }
        let own = &self.own.id;
        all.retain(|n| own.cluster || n.id.cluster || n.id.gvk.kind == "ServiceAccount" || n.id.effective() == own.effective());
        if all.len() != 1 {
            all.retain(|n| self.same_affixes(n, true));
            if all.len() > 1 {
                all.retain(|n| self.same_affixes(n, false));
            }
        }
        let Some((first, rest)) = all.split_first() else { return Ok(None) };
        let same = |n: &&Named| n.id.name == first.id.name && (!with_namespace || n.id.namespace == first.id.namespace);
        if rest.iter().all(same) {
            return Ok(Some(&first.id));
        }
        let ids: Vec<String> = all.iter().map(|n| n.id.text()).collect();
        let (docs, named, at) = self.shown;
        let text = |doc: Option<&Value>| doc.map(objects::yaml::to_yaml).unwrap_or_default();
        let mut why = format!("\n**** Too many possible referral targets to referrer:\n{}\n", text(docs.get(at)));
        for (i, one) in all.iter().enumerate() {
            let place = named.iter().position(|n| n.id == one.id);
            why.push_str(&format!("--- possible referral {i}:\n{}\n", text(place.and_then(|p| docs.get(p)))));
        }
        Err(format!("found multiple possible referrals: {}\n{why}", ids.join(", ")))
    }

    fn same_affixes(&self, other: &Named, empty_fits: bool) -> bool {
        let same = |a: &[String], b: &[String]| {
            if a.is_empty() || b.is_empty() {
                return empty_fits || a.len() == b.len();
            }
            a.iter().rev().zip(b.iter().rev()).all(|(x, y)| x == y)
        };
        same(&self.own.prefixes, &other.prefixes) && same(&self.own.suffixes, &other.suffixes)
    }
}
