//! What the values of Karpenter's chart make of what is installed: the controller's environment (1.14) or the ConfigMap of its
//! settings (0.29), replicas, resources, node selector and annotations.
//! Source: aws/karpenter-provider-aws charts/karpenter (values.yaml, templates/deployment.yaml, configmap.yaml,
//! serviceaccount.yaml), v1.14.1 and v0.29.2.

use super::values::{is_empty, leaves, merge, printed};
use objects::{DocExt, Era, Map, Value, json};

/// The variables that come from values, in the chart's order; the others stay where they are, in front of them.
const ENVIRONMENT: &[(&str, &str)] = &[
    ("FEATURE_GATES", ""),
    ("BATCH_MAX_DURATION", "settings.batchMaxDuration"),
    ("BATCH_IDLE_DURATION", "settings.batchIdleDuration"),
    ("PREFERENCE_POLICY", "settings.preferencePolicy"),
    ("MIN_VALUES_POLICY", "settings.minValuesPolicy"),
    ("CLUSTER_CA_BUNDLE", "settings.clusterCABundle"),
    ("CLUSTER_NAME", "settings.clusterName"),
    ("CLUSTER_ENDPOINT", "settings.clusterEndpoint"),
    ("ISOLATED_VPC", "settings.isolatedVPC"),
    ("EKS_CONTROL_PLANE", "settings.eksControlPlane"),
    ("VM_MEMORY_OVERHEAD_PERCENT", "settings.vmMemoryOverheadPercent"),
    ("INTERRUPTION_QUEUE", "settings.interruptionQueue"),
    ("ENABLE_ZONAL_SHIFT", "settings.enableZonalShift"),
    ("RESERVED_ENIS", "settings.reservedENIs"),
    ("IGNORE_DRA_REQUESTS", "settings.ignoreDRARequests"),
    ("DISABLE_CLUSTER_STATE_OBSERVABILITY", "settings.disableClusterStateObservability"),
    ("DISABLE_DRY_RUN", "settings.disableDryRun"),
    ("AMI_REFRESH_INTERVAL", "settings.amiRefreshInterval"),
    ("SUBNET_REFRESH_INTERVAL", "settings.subnetRefreshInterval"),
];
/// The gates in the order of `FEATURE_GATES`, and their names among the values.
const GATES: &[(&str, &str)] = &[
    ("ReservedCapacity", "reservedCapacity"),
    ("SpotToSpotConsolidation", "spotToSpotConsolidation"),
    ("NodeRepair", "nodeRepair"),
    ("NodeOverlay", "nodeOverlay"),
    ("StaticCapacity", "staticCapacity"),
    ("CapacityBuffer", "capacityBuffer"),
];
/// What the chart takes where no value is given, of what is simulated.
pub fn defaults(era: Era) -> Value {
    let mut values = json!({
        "replicas": 2, "controller": {"resources": {}}, "nodeSelector": {"kubernetes.io/os": "linux"},
        "podLabels": {}, "podAnnotations": {}, "serviceAccount": {"annotations": {}},
    });
    let settings = match era {
        Era::V1 => json!({
            "batchMaxDuration": "10s", "batchIdleDuration": "1s", "preferencePolicy": "Respect", "minValuesPolicy": "Strict",
            "clusterCABundle": "", "clusterName": "", "clusterEndpoint": "", "isolatedVPC": false, "eksControlPlane": false,
            "vmMemoryOverheadPercent": 0.075, "interruptionQueue": "", "enableZonalShift": false, "reservedENIs": "0",
            "ignoreDRARequests": true, "disableClusterStateObservability": false, "disableDryRun": false,
            "amiRefreshInterval": "1m", "subnetRefreshInterval": "1m",
            "featureGates": {"nodeRepair": false, "nodeOverlay": false, "reservedCapacity": true,
                "spotToSpotConsolidation": false, "staticCapacity": false, "capacityBuffer": false},
        }),
        Era::V1alpha5 => json!({
            "batchMaxDuration": "10s", "batchIdleDuration": "1s", "featureGates": {"driftEnabled": false},
            "aws": {"clusterName": "", "clusterEndpoint": "", "defaultInstanceProfile": "", "enablePodENI": false,
                "enableENILimitedPodDensity": true, "isolatedVPC": false, "vmMemoryOverheadPercent": 0.075,
                "interruptionQueueName": ""},
        }),
    };
    values.set("settings", settings);
    if era == Era::V1 {
        values.set("logLevel", "info");
    }
    values
}

/// The values that make what is installed, where they are not the chart's own.
pub fn in_use(era: Era, deployment: &Value, settings: &Value) -> Value {
    let default = defaults(era);
    let mut values = json!({});
    let mut note = |path: &str, now: Value| {
        if printed(default.at(path)) != printed(&now) {
            values.set(path, now);
        }
    };
    let container = deployment.list_at("spec.template.spec.containers").first().cloned().unwrap_or_default();
    match era {
        Era::V1 => {
            for variable in container.list_at("env") {
                let (name, value) = (variable.str_at("name").unwrap_or_default(), variable.str_at("value").unwrap_or_default());
                match ENVIRONMENT.iter().find(|(n, _)| *n == name) {
                    Some((_, "")) => {
                        for (gate, on) in value.split(',').filter_map(|pair| pair.split_once('=')) {
                            if let Some((_, key)) = GATES.iter().find(|(g, _)| *g == gate) {
                                note(&format!("settings.featureGates.{key}"), (on == "true").into());
                            }
                        }
                    }
                    Some((_, path)) => note(path, value.into()),
                    None if name == "LOG_LEVEL" => note("logLevel", value.into()),
                    None => {}
                }
            }
        }
        Era::V1alpha5 => {
            for (key, value) in settings.at("data").as_object().into_iter().flatten() {
                note(&format!("settings.{key}"), value.clone());
            }
        }
    }
    note("replicas", deployment.at("spec.replicas").clone());
    if !container.at("resources").is_null() {
        note("controller.resources", container.at("resources").clone());
    }
    values
}

/// What is written: merge patches of the Deployment, the ConfigMap and the ServiceAccount.
#[derive(Debug, Default)]
pub struct Rendered {
    pub deployment: Value,
    pub settings: Option<Value>,
    pub service_account: Option<Value>,
    /// Given values of which nothing is made here.
    pub unused: Vec<String>,
}

/// The chart with `given` over its defaults, on what is installed. Fails in the words of the chart.
pub fn render(era: Era, given: &Value, deployment: &Value, settings: &Value) -> Result<Rendered, String> {
    let mut values = defaults(era);
    merge(&mut values, given);
    if era == Era::V1 && is_empty(values.at("settings.clusterName")) {
        return Err("Chart cannot be installed without a valid settings.clusterName!".to_owned());
    }
    let mut container = deployment.list_at("spec.template.spec.containers").first().cloned().unwrap_or_default();
    if era == Era::V1 {
        container.set("env", environment(&values, container.list_at("env")));
    }
    container.set("resources", values.at("controller.resources").clone());
    let mut selector = Map::new();
    for key in deployment.at("spec.template.spec.nodeSelector").as_object().into_iter().flat_map(Map::keys) {
        selector.insert(key.clone(), Value::Null);
    }
    selector.extend(values.at("nodeSelector").as_object().cloned().unwrap_or_default());
    let rendered = Rendered {
        deployment: json!({"spec": {"replicas": values.at("replicas"), "template": {
            "metadata": {"labels": values.at("podLabels"), "annotations": values.at("podAnnotations")},
            "spec": {"nodeSelector": Value::Object(selector), "containers": [container]}}}}),
        settings: (era == Era::V1alpha5).then(|| {
            let gone = settings.at("data").as_object().into_iter().flat_map(Map::keys).map(|k| (k.clone(), Value::Null));
            let mut data: Map<String, Value> = gone.collect();
            flatten(values.at("settings"), "", &mut data);
            json!({"data": Value::Object(data)})
        }),
        service_account: Some(values.at("serviceAccount.annotations"))
            .filter(|a| !is_empty(a))
            .map(|annotations| json!({"metadata": {"annotations": annotations}})),
        unused: leaves(given).into_iter().filter(|leaf| !is_known(era, leaf)).collect(),
    };
    Ok(rendered)
}

/// `aws.clusterName: myeks`; tags are one JSON object.
fn flatten(values: &Value, head: &str, data: &mut Map<String, Value>) {
    for (key, value) in values.as_object().into_iter().flatten().filter(|(_, v)| !v.is_null()) {
        let path = if head.is_empty() { key.clone() } else { format!("{head}.{key}") };
        if value.is_object() && key != "tags" {
            flatten(value, &path, data);
        } else {
            data.insert(path, printed(value).into());
        }
    }
}

/// Whether something is made of a given value here: it is one of the chart's, or stands in one of its open maps.
fn is_known(era: Era, leaf: &str) -> bool {
    let values = defaults(era);
    let below = |known: &str| leaf.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    match leaf.strip_prefix("settings.") {
        // The settings of 0.29 are a map that is written down whole.
        Some(_) => era == Era::V1alpha5 || !values.at(leaf).is_null(),
        None => below("nodeSelector") || leaves(&values).iter().any(|known| below(known)),
    }
}

fn environment(values: &Value, now: &[Value]) -> Value {
    let made = |name: &str| ENVIRONMENT.iter().any(|(n, _)| *n == name);
    let mut list: Vec<Value> = now.iter().filter(|v| !v.str_at("name").is_some_and(made)).cloned().collect();
    for variable in &mut list {
        if variable.str_at("name") == Some("LOG_LEVEL") {
            variable.set("value", printed(values.at("logLevel")));
        }
    }
    for (name, path) in ENVIRONMENT {
        let value = match *path {
            "" => {
                let gate = |(gate, key): &(&str, &str)| format!("{gate}={}", printed(values.at("settings.featureGates").at(key)));
                GATES.iter().map(gate).collect::<Vec<_>>().join(",")
            }
            path if is_empty(values.at(path)) => continue,
            path => printed(values.at(path)),
        };
        list.push(json!({"name": name, "value": value}));
    }
    Value::Array(list)
}
