//! Fields that hold the name of another object.
//! Source: sigs.k8s.io/kustomize/api v0.20.1, internal/konfig/builtinpluginconsts/namereference.go.

use objects::collections::Order as _;

/// A field that holds the name of another object: the other's group, version and kind, the own group and version, the
/// path, and the own kinds.
type Reference = (Target, (&'static str, &'static str), &'static str, &'static [&'static str]);
pub type Target = (&'static str, &'static str, &'static str);

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

/// The fields of a kind that hold names.
pub fn fields(kind: &str) -> Vec<(Target, (&'static str, &'static str), String)> {
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
    // Kustomize has its table in the order in which it sorts kinds.
    let rank = |kind: &str| super::print::FIRST.iter().position(|k| *k == kind).unwrap_or(usize::MAX);
    out.order_by_key(|((group, _, kind), _, _)| (rank(kind), group.is_empty(), *kind));
    out
}
