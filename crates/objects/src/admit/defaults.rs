//! The defaults of built-in kinds.
//! Source: kubernetes/kubernetes pkg/apis/{core,apps,batch,policy,storage,scheduling}/v1/defaults.go, v1.28.

use crate::{DocExt, Kind, Value, json};

/// Fills in what `doc` leaves open.
pub(super) fn apply(kind: Kind, doc: &mut Value) {
    match kind {
        Kind::Pod => pod(doc),
        Kind::Deployment => deployment(doc),
        Kind::ReplicaSet => {
            set_default(doc, "spec.replicas", 1);
            template(doc);
        }
        Kind::DaemonSet => daemon_set(doc),
        Kind::StatefulSet => stateful_set(doc),
        Kind::Job => job(doc),
        Kind::CronJob => {
            set_default(doc, "spec.concurrencyPolicy", "Allow");
            set_default(doc, "spec.suspend", false);
            set_default(doc, "spec.successfulJobsHistoryLimit", 3);
            set_default(doc, "spec.failedJobsHistoryLimit", 1);
            // Neither the job's nor the pod's metadata may be left out of what Go writes.
            for template in ["spec.jobTemplate", "spec.jobTemplate.spec.template"] {
                if doc.at(template).is_object() {
                    set_default(doc, &format!("{template}.metadata"), json!({}));
                }
            }
            if doc.at("spec.jobTemplate.spec.template.spec").is_object() {
                pod_spec(doc.slot("spec.jobTemplate.spec.template.spec"));
            }
        }
        Kind::Service => service(doc),
        Kind::Namespace => namespace(doc),
        Kind::HorizontalPodAutoscaler => autoscaler(doc),
        Kind::PriorityClass => set_default(doc, "preemptionPolicy", "PreemptLowerPriority"),
        Kind::PersistentVolumeClaim => set_default(doc, "spec.volumeMode", "Filesystem"),
        Kind::PersistentVolume => {
            set_default(doc, "spec.persistentVolumeReclaimPolicy", "Retain");
            set_default(doc, "spec.volumeMode", "Filesystem");
        }
        Kind::StorageClass => {
            set_default(doc, "reclaimPolicy", "Delete");
            set_default(doc, "volumeBindingMode", "Immediate");
        }
        _ => {}
    }
}

fn set_default(v: &mut Value, path: &str, value: impl Into<Value>) {
    if v.at(path).is_null() {
        v.set(path, value);
    }
}

fn each(v: &mut Value, path: &str, f: impl Fn(&mut Value)) {
    if v.at(path).is_array()
        && let Value::Array(items) = v.slot(path)
    {
        items.iter_mut().for_each(f);
    }
}

fn deployment(doc: &mut Value) {
    set_default(doc, "spec.replicas", 1);
    set_default(doc, "spec.strategy.type", "RollingUpdate");
    if doc.str_at("spec.strategy.type") == Some("RollingUpdate") {
        set_default(doc, "spec.strategy.rollingUpdate.maxSurge", "25%");
        set_default(doc, "spec.strategy.rollingUpdate.maxUnavailable", "25%");
    }
    set_default(doc, "spec.revisionHistoryLimit", 10);
    set_default(doc, "spec.progressDeadlineSeconds", 600);
    template(doc);
}

fn daemon_set(doc: &mut Value) {
    set_default(doc, "spec.updateStrategy.type", "RollingUpdate");
    if doc.str_at("spec.updateStrategy.type") == Some("RollingUpdate") {
        set_default(doc, "spec.updateStrategy.rollingUpdate.maxSurge", 0);
        set_default(doc, "spec.updateStrategy.rollingUpdate.maxUnavailable", 1);
    }
    set_default(doc, "spec.revisionHistoryLimit", 10);
    template(doc);
}

fn stateful_set(doc: &mut Value) {
    set_default(doc, "spec.replicas", 1);
    set_default(doc, "spec.podManagementPolicy", "OrderedReady");
    set_default(doc, "spec.updateStrategy.type", "RollingUpdate");
    if doc.str_at("spec.updateStrategy.type") == Some("RollingUpdate") {
        set_default(doc, "spec.updateStrategy.rollingUpdate.partition", 0);
    }
    set_default(doc, "spec.persistentVolumeClaimRetentionPolicy.whenDeleted", "Retain");
    set_default(doc, "spec.persistentVolumeClaimRetentionPolicy.whenScaled", "Retain");
    set_default(doc, "spec.revisionHistoryLimit", 10);
    template(doc);
}

fn job(doc: &mut Value) {
    if doc.at("spec.completions").is_null() && doc.at("spec.parallelism").is_null() {
        doc.set("spec.completions", 1);
    }
    set_default(doc, "spec.parallelism", 1);
    set_default(doc, "spec.backoffLimit", 6);
    set_default(doc, "spec.completionMode", "NonIndexed");
    set_default(doc, "spec.suspend", false);
    template(doc);
}

fn template(doc: &mut Value) {
    if doc.at("spec.template.spec").is_object() {
        pod_spec(doc.slot("spec.template.spec"));
    }
}

fn pod(doc: &mut Value) {
    // Only pods, not templates: requests follow limits, and service links are on.
    for list in ["spec.containers", "spec.initContainers"] {
        each(doc, list, |c| {
            let limits = c.at("resources.limits").as_object().cloned().unwrap_or_default();
            for (name, amount) in limits {
                if let Value::Object(requests) = c.slot("resources.requests") {
                    requests.entry(name).or_insert(amount);
                } else {
                    c.set("resources.requests", json!({ name: amount }));
                }
            }
        });
    }
    if doc.at("spec").is_object() {
        set_default(doc, "spec.enableServiceLinks", true);
        pod_spec(doc.slot("spec"));
    }
}

fn pod_spec(spec: &mut Value) {
    set_default(spec, "dnsPolicy", "ClusterFirst");
    set_default(spec, "restartPolicy", "Always");
    set_default(spec, "schedulerName", "default-scheduler");
    set_default(spec, "securityContext", json!({}));
    set_default(spec, "terminationGracePeriodSeconds", 30);
    // The two names of one field are kept equal.
    for (from, to) in [("serviceAccountName", "serviceAccount"), ("serviceAccount", "serviceAccountName")] {
        if let Some(name) = spec.str_at(from).map(str::to_owned) {
            set_default(spec, to, name);
        }
    }
    let host_network = spec.bool_at("hostNetwork") == Some(true);
    for list in ["containers", "initContainers"] {
        each(spec, list, |c| container(c, host_network));
    }
    each(spec, "volumes", volume);
}

fn container(c: &mut Value, host_network: bool) {
    if !c.is_object() {
        return;
    }
    let image = c.str_at("image").unwrap_or_default();
    let policy = if is_latest(image) { "Always" } else { "IfNotPresent" };
    set_default(c, "imagePullPolicy", policy);
    set_default(c, "resources", json!({}));
    set_default(c, "terminationMessagePath", "/dev/termination-log");
    set_default(c, "terminationMessagePolicy", "File");
    each(c, "ports", |p| {
        set_default(p, "protocol", "TCP");
        if host_network && let Some(port) = p.int_at("containerPort") {
            set_default(p, "hostPort", port);
        }
    });
    each(c, "env", |e| {
        if e.at("valueFrom.fieldRef").is_object() {
            set_default(e, "valueFrom.fieldRef.apiVersion", "v1");
        }
    });
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if c.at(probe).is_object() {
            let p = c.slot(probe);
            set_default(p, "failureThreshold", 3);
            set_default(p, "periodSeconds", 10);
            set_default(p, "successThreshold", 1);
            set_default(p, "timeoutSeconds", 1);
            if p.at("httpGet").is_object() {
                set_default(p, "httpGet.path", "/");
                set_default(p, "httpGet.scheme", "HTTP");
            }
        }
    }
}

/// Whether an image is named by the tag `latest`, openly or by leaving the tag out.
fn is_latest(image: &str) -> bool {
    if image.contains('@') {
        return false;
    }
    let name = image.rsplit('/').next().unwrap_or(image);
    name.split_once(':').is_none_or(|(_, tag)| tag == "latest")
}

fn volume(v: &mut Value) {
    for source in ["configMap", "secret", "projected", "downwardAPI"] {
        if v.at(source).is_object() {
            set_default(v.slot(source), "defaultMode", 420);
        }
    }
    if v.at("hostPath").is_object() {
        set_default(v, "hostPath.type", "");
    }
    if v.as_object().is_some_and(|m| m.len() == 1) {
        v.set("emptyDir", json!({}));
    }
}

fn service(doc: &mut Value) {
    if doc.at("spec").is_null() {
        return;
    }
    set_default(doc, "spec.sessionAffinity", "None");
    set_default(doc, "spec.type", "ClusterIP");
    let ty = doc.str_at("spec.type").unwrap_or_default().to_owned();
    if ty != "ExternalName" {
        set_default(doc, "spec.internalTrafficPolicy", "Cluster");
    }
    if matches!(ty.as_str(), "NodePort" | "LoadBalancer") {
        set_default(doc, "spec.externalTrafficPolicy", "Cluster");
    }
    if ty == "LoadBalancer" {
        set_default(doc, "spec.allocateLoadBalancerNodePorts", true);
    }
    each(doc, "spec.ports", |p| {
        set_default(p, "protocol", "TCP");
        if let Some(port) = p.int_at("port") {
            set_default(p, "targetPort", port);
        }
    });
}

fn namespace(doc: &mut Value) {
    set_default(doc, "spec.finalizers", json!(["kubernetes"]));
    if let Some(name) = doc.str_at("metadata.name").map(str::to_owned) {
        if let Value::Object(labels) = doc.slot("metadata.labels") {
            labels.insert("kubernetes.io/metadata.name".to_owned(), name.into());
        } else {
            doc.set("metadata.labels", json!({ "kubernetes.io/metadata.name": name }));
        }
    }
}

/// Source: kubernetes pkg/apis/autoscaling/v2/defaults.go, v1.35.
fn autoscaler(doc: &mut Value) {
    set_default(doc, "spec.minReplicas", 1);
    if doc.list_at("spec.metrics").is_empty() {
        let target = json!({"type": "Utilization", "averageUtilization": 80});
        doc.set("spec.metrics", json!([{"type": "Resource", "resource": {"name": "cpu", "target": target}}]));
    }
    if !doc.at("spec.behavior").is_object() {
        return;
    }
    let all = json!({"type": "Percent", "value": 100, "periodSeconds": 15});
    set_default(doc, "spec.behavior.scaleUp.stabilizationWindowSeconds", 0);
    for (side, policies) in
        [("scaleUp", json!([{"type": "Pods", "value": 4, "periodSeconds": 15}, all.clone()])), ("scaleDown", json!([all]))]
    {
        set_default(doc, &format!("spec.behavior.{side}.selectPolicy"), "Max");
        set_default(doc, &format!("spec.behavior.{side}.policies"), policies);
    }
}
