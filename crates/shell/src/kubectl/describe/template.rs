//! Containers, volumes, selectors and tolerations, shared by pods and pod templates.

use super::super::age;
use super::{align, annotations, labels, lines};
use objects::collections::Order as _;
use objects::collections::VecMap;
use objects::quantity::Quantity;
use objects::{DocExt, Object, Value};

/// The pod template of a workload, aligned, indented by `indent`.
pub fn template(o: &Object, indent: usize, client: u32) -> String {
    let mut out = String::new();
    raw(o.doc.at("spec.template"), &" ".repeat(indent), client, &mut out);
    align(&out)
}

/// The template with tabs.
pub fn raw(template: &Value, indent: &str, client: u32, out: &mut String) {
    let spec = template.at("spec");
    out.push_str(&labels(indent, &template.strings_at("metadata.labels")));
    let notes = template.strings_at("metadata.annotations");
    if !notes.is_empty() {
        out.push_str(&annotations(indent, &notes));
    }
    if let Some(account) = spec.str_at("serviceAccountName").filter(|a| !a.is_empty()) {
        out.push_str(&format!("{indent}Service Account:\t{account}\n"));
    }
    if !spec.list_at("initContainers").is_empty() {
        containers("Init Containers", spec.list_at("initContainers"), &[], indent, 0, None, out);
    }
    containers("Containers", spec.list_at("containers"), &[], indent, 0, None, out);
    volumes(spec.list_at("volumes"), indent, client, out);
    spread(spec, indent, out);
    if let Some(class) = spec.str_at("priorityClassName").filter(|c| !c.is_empty()) {
        out.push_str(&format!("{indent}Priority Class Name:\t{class}\n"));
    }
    // Since kubectl 1.31.
    if client >= 31 {
        out.push_str(&selectors(&spec.strings_at("nodeSelector"), indent));
        out.push_str(&tolerations(spec.list_at("tolerations"), indent));
    }
}

pub fn selectors(map: &VecMap<String, String>, indent: &str) -> String {
    lines(indent, "Node-Selectors", map.iter().map(|(k, v)| format!("{k}={v}")).collect())
}

pub fn tolerations(list: &[Value], indent: &str) -> String {
    let mut sorted: Vec<&Value> = list.iter().collect();
    sorted.order_by_key(|t| t.str_at("key").unwrap_or_default().to_owned());
    let text = |t: &&Value| {
        let field = |p: &str| t.str_at(p).unwrap_or_default();
        let mut out = field("key").to_owned();
        if !field("value").is_empty() {
            out.push_str(&format!("={}", field("value")));
        }
        if !field("effect").is_empty() {
            out.push_str(&format!(":{}", field("effect")));
        }
        if field("operator") == "Exists" && field("value").is_empty() {
            out.push_str(if out.is_empty() { "op=Exists" } else { " op=Exists" });
        }
        if let Some(s) = t.int_at("tolerationSeconds") {
            out.push_str(&format!(" for {s}s"));
        }
        out
    };
    lines(indent, "Tolerations", sorted.iter().map(text).collect())
}

pub fn spread(spec: &Value, indent: &str, out: &mut String) {
    let list = spec.list_at("topologySpreadConstraints");
    if list.is_empty() {
        return;
    }
    let values = list
        .iter()
        .map(|c| {
            let selector = super::super::columns::selector_text(c.at("labelSelector"));
            format!(
                "{}:{} when max skew {} is exceeded for selector {selector}",
                c.str_at("topologyKey").unwrap_or_default(),
                c.str_at("whenUnsatisfiable").unwrap_or_default(),
                c.int_at("maxSkew").unwrap_or(1)
            )
        })
        .collect();
    out.push_str(&lines(indent, "Topology Spread Constraints", values));
}

/// `deep` is the extra indent of a container's body below its name; templates have no `pod`.
pub fn containers(
    title: &str,
    list: &[Value],
    statuses: &[Value],
    indent: &str,
    deep: usize,
    pod: Option<&Value>,
    out: &mut String,
) {
    if list.is_empty() {
        out.push_str(&format!("{indent}{title}: <none>\n"));
        return;
    }
    out.push_str(&format!("{indent}{title}:\n"));
    let name_indent = if pod.is_some() { "  ".to_owned() } else { format!("{indent} ") };
    let body = "    ".to_owned() + &" ".repeat(deep);
    for c in list {
        let name = c.str_at("name").unwrap_or_default();
        let status = statuses.iter().find(|s| s.str_at("name") == Some(name));
        out.push_str(&format!("{name_indent}{name}:\n"));
        if let Some(id) = status.and_then(|s| s.str_at("containerID")) {
            out.push_str(&format!("{body}Container ID:\t{id}\n"));
        }
        out.push_str(&format!("{body}Image:\t{}\n", c.str_at("image").unwrap_or_default()));
        if let Some(id) = status.and_then(|s| s.str_at("imageID")) {
            out.push_str(&format!("{body}Image ID:\t{id}\n"));
        }
        ports(c, &body, out);
        for (title, field) in [("Command", "command"), ("Args", "args")] {
            let words = c.list_at(field);
            if !words.is_empty() {
                out.push_str(&format!("{body}{title}:\n"));
                for word in words {
                    out.push_str(&format!("{body}  {}\n", word.as_str().unwrap_or_default()));
                }
            }
        }
        if let Some(status) = status {
            state("State", status.at("state"), &body, out);
            if status.at("lastState.terminated").is_object() {
                state("Last State", status.at("lastState"), &body, out);
            }
            let ready = if status.bool_at("ready") == Some(true) { "True" } else { "False" };
            out.push_str(&format!(
                "{body}Ready:\t{ready}\n{body}Restart Count:\t{}\n",
                status.int_at("restartCount").unwrap_or(0)
            ));
        }
        for (title, field) in [("Limits", "resources.limits"), ("Requests", "resources.requests")] {
            if let Some(map) = c.at(field).as_object().filter(|m| !m.is_empty()) {
                out.push_str(&format!("{body}{title}:\n"));
                for (name, amount) in map {
                    let amount = amount.as_str().map_or_else(|| amount.to_string(), str::to_owned);
                    out.push_str(&format!("{body}  {name}:\t{amount}\n"));
                }
            }
        }
        probes(c, &body, out);
        environment(c, pod, &body, out);
        mounts(c, &body, out);
    }
}

fn ports(c: &Value, body: &str, out: &mut String) {
    let list = c.list_at("ports");
    let text = |field: &str| {
        let items: Vec<String> =
            list.iter().map(|p| format!("{}/{}", p.int_at(field).unwrap_or(0), p.str_at("protocol").unwrap_or("TCP"))).collect();
        if items.is_empty() { "<none>".to_owned() } else { items.join(", ") }
    };
    let plural = if list.len() > 1 { "s" } else { "" };
    out.push_str(&format!("{body}Port{plural}:\t{}\n", text("containerPort")));
    out.push_str(&format!("{body}Host Port{plural}:\t{}\n", text("hostPort")));
}

fn state(title: &str, state: &Value, body: &str, out: &mut String) {
    if state.at("running").is_object() {
        let started = age::rfc1123z(state.str_at("running.startedAt"));
        out.push_str(&format!("{body}{title}:\tRunning\n{body}  Started:\t{started}\n"));
    } else if state.at("terminated").is_object() {
        out.push_str(&format!("{body}{title}:\tTerminated\n"));
        if let Some(reason) = state.str_at("terminated.reason") {
            out.push_str(&format!("{body}  Reason:\t{reason}\n"));
        }
        out.push_str(&format!("{body}  Exit Code:\t{}\n", state.int_at("terminated.exitCode").unwrap_or(0)));
        for (title, field) in [("Started", "startedAt"), ("Finished", "finishedAt")] {
            let at = age::rfc1123z(state.at("terminated").str_at(field));
            out.push_str(&format!("{body}  {title}:\t{at}\n"));
        }
    } else {
        out.push_str(&format!("{body}{title}:\tWaiting\n"));
        if let Some(reason) = state.str_at("waiting.reason") {
            out.push_str(&format!("{body}  Reason:\t{reason}\n"));
        }
    }
}

fn probes(c: &Value, body: &str, out: &mut String) {
    for (title, field) in [("Liveness", "livenessProbe"), ("Readiness", "readinessProbe"), ("Startup", "startupProbe")] {
        let probe = c.at(field);
        if !probe.is_object() {
            continue;
        }
        let text = |p: &str| match probe.at(p) {
            Value::Null => String::new(),
            Value::String(s) => s.clone(),
            other => other.to_string(),
        };
        let what = if probe.at("httpGet").is_object() {
            let scheme = probe.str_at("httpGet.scheme").unwrap_or("HTTP").to_lowercase();
            let path = text("httpGet.path");
            let slash = if path.is_empty() || path.starts_with('/') { "" } else { "/" };
            format!("http-get {scheme}://{}:{}{slash}{path}", text("httpGet.host"), text("httpGet.port"))
        } else if probe.at("tcpSocket").is_object() {
            format!("tcp-socket {}:{}", text("tcpSocket.host"), text("tcpSocket.port"))
        } else if probe.at("grpc").is_object() {
            format!("grpc <pod>:{} {}", text("grpc.port"), text("grpc.service"))
        } else if probe.at("exec").is_object() {
            let words: Vec<&str> = probe.list_at("exec.command").iter().filter_map(Value::as_str).collect();
            format!("exec [{}]", words.join(" "))
        } else {
            "unknown".to_owned()
        };
        let number = |p: &str, other: i64| probe.int_at(p).unwrap_or(other);
        out.push_str(&format!(
            "{body}{title}:\t{what} delay={}s timeout={}s period={}s #success={} #failure={}\n",
            number("initialDelaySeconds", 0),
            number("timeoutSeconds", 1),
            number("periodSeconds", 10),
            number("successThreshold", 1),
            number("failureThreshold", 3)
        ));
    }
}

fn environment(c: &Value, pod: Option<&Value>, body: &str, out: &mut String) {
    let list = c.list_at("env");
    if list.is_empty() {
        out.push_str(&format!("{body}Environment:\t<none>\n"));
        return;
    }
    out.push_str(&format!("{body}Environment:\n"));
    for e in list {
        let name = e.str_at("name").unwrap_or_default();
        let resource = e.str_at("valueFrom.resourceFieldRef.resource");
        let value = match (e.at("valueFrom"), resource) {
            (Value::Object(from), _) if from.contains_key("fieldRef") => {
                let path = e.str_at("valueFrom.fieldRef.fieldPath").unwrap_or_default();
                let known = pod.filter(|_| path.starts_with("metadata.")).and_then(|p| p.str_at(path)).unwrap_or_default();
                format!("{known} ({}:{path})", e.str_at("valueFrom.fieldRef.apiVersion").unwrap_or("v1"))
            }
            (_, Some(resource)) => format!("{} ({resource})", resource_value(c, resource, e)),
            _ => e.str_at("value").unwrap_or_default().to_owned(),
        };
        out.push_str(&format!("{body}  {name}:\t{value}\n"));
    }
}

/// The container's own request or limit in units of the divisor, rounded up. An absent limit is the node's.
fn resource_value(c: &Value, resource: &str, e: &Value) -> String {
    let amount = |v: &Value| v.as_str().and_then(|t| Quantity::parse(t).ok()).map_or(0, |q| q.milli());
    let asked = amount(c.at(&format!("resources.{resource}")));
    let divisor = amount(e.at("valueFrom.resourceFieldRef.divisor"));
    let divisor = if divisor == 0 { 1000 } else { divisor };
    match (asked + divisor - 1) / divisor {
        0 if resource.starts_with("limits.") => "node allocatable".to_owned(),
        n => n.to_string(),
    }
}

fn mounts(c: &Value, body: &str, out: &mut String) {
    let list = c.list_at("volumeMounts");
    if list.is_empty() {
        out.push_str(&format!("{body}Mounts:\t<none>\n"));
        return;
    }
    out.push_str(&format!("{body}Mounts:\n"));
    for m in list {
        let mode = if m.bool_at("readOnly") == Some(true) { "ro" } else { "rw" };
        let field = |p: &str| m.str_at(p).unwrap_or_default();
        out.push_str(&format!("{body}  {} from {} ({mode})\n", field("mountPath"), field("name")));
    }
}

pub fn volumes(list: &[Value], indent: &str, client: u32, out: &mut String) {
    if list.is_empty() {
        out.push_str(&format!("{indent}Volumes:\t<none>\n"));
        return;
    }
    out.push_str(&format!("{indent}Volumes:\n"));
    let name_indent = format!("{indent}{}", if indent.is_empty() { "  " } else { " " });
    let body = format!("{indent}{}", if indent.is_empty() { "    " } else { "  " });
    for v in list {
        out.push_str(&format!("{name_indent}{}:\n", v.str_at("name").unwrap_or_default()));
        let mut line = |title: &str, value: &str| out.push_str(&format!("{body}{title}:\t{value}\n"));
        if v.at("projected").is_object() {
            line("Type", "Projected (a volume that contains injected data from multiple sources)");
            for source in v.list_at("projected.sources") {
                if let Some(s) = source.int_at("serviceAccountToken.expirationSeconds") {
                    line("TokenExpirationSeconds", &s.to_string());
                } else if let Some(name) = source.str_at("configMap.name") {
                    line("ConfigMapName", name);
                    match client {
                        ..33 => line("ConfigMapOptional", "<nil>"),
                        _ => line("Optional", "false"),
                    }
                } else if source.at("downwardAPI").is_object() {
                    line("DownwardAPI", "true");
                }
            }
        } else if v.at("hostPath").is_object() {
            line("Type", "HostPath (bare host directory volume)");
            line("Path", v.str_at("hostPath.path").unwrap_or_default());
            line("HostPathType", v.str_at("hostPath.type").unwrap_or_default());
        } else if v.at("emptyDir").is_object() {
            line("Type", "EmptyDir (a temporary directory that shares a pod's lifetime)");
            line("Medium", v.str_at("emptyDir.medium").unwrap_or_default());
            line("SizeLimit", v.str_at("emptyDir.sizeLimit").unwrap_or("<unset>"));
        } else if v.at("configMap").is_object() {
            line("Type", "ConfigMap (a volume populated by a ConfigMap)");
            line("Name", v.str_at("configMap.name").unwrap_or_default());
            line("Optional", "false");
        } else if v.at("persistentVolumeClaim").is_object() {
            line("Type", "PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)");
            line("ClaimName", v.str_at("persistentVolumeClaim.claimName").unwrap_or_default());
            line("ReadOnly", "false");
        } else {
            line("Type", "<unknown>");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use objects::json;

    /// Source: k8s.io/kubectl/pkg/describe/describe.go `describeContainerEnvVars`, v0.28.
    #[test]
    fn values_from_elsewhere() {
        let c = json!({"name": "controller", "resources": {"requests": {"cpu": "1"}, "limits": {"memory": "1Gi"}}});
        let resource = |name: &str, divisor: &str| json!({"resourceFieldRef": {"resource": name, "divisor": divisor}});
        let pod = json!({"metadata": {"namespace": "karpenter"}, "spec": {"nodeName": "a"}});
        for (from, pod, want) in [
            (resource("limits.memory", "0"), None, "1073741824 (limits.memory)"),
            (resource("requests.cpu", "1m"), None, "1000 (requests.cpu)"),
            (resource("limits.cpu", "0"), None, "node allocatable (limits.cpu)"),
            (resource("requests.memory", "1Mi"), None, "0 (requests.memory)"),
            (json!({"fieldRef": {"fieldPath": "metadata.namespace"}}), None, " (v1:metadata.namespace)"),
            (json!({"fieldRef": {"fieldPath": "metadata.namespace"}}), Some(&pod), "karpenter (v1:metadata.namespace)"),
            (json!({"fieldRef": {"fieldPath": "spec.nodeName"}}), Some(&pod), " (v1:spec.nodeName)"),
        ] {
            let mut c = c.clone();
            c.set("env", json!([{"name": "X", "valueFrom": from}]));
            let mut out = String::new();
            environment(&c, pod, "", &mut out);
            assert_eq!(out, format!("Environment:\n  X:\t{want}\n"));
        }
    }
}
