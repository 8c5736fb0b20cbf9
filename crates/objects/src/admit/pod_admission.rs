//! What admission plugins add to new pods: account and token, tolerations, priority.
//! Source: kubernetes/kubernetes plugin/pkg/admission/{serviceaccount,defaulttolerationseconds,priority}, v1.28.

use crate::{DocExt, Value, json};

/// What the token's volume is made of. As text it is a fraction of the code that would build it.
const TOKEN: &str = r#"{"defaultMode":420,"sources":[
    {"serviceAccountToken":{"expirationSeconds":3607,"path":"token"}},
    {"configMap":{"items":[{"key":"ca.crt","path":"ca.crt"}],"name":"kube-root-ca.crt"}},
    {"downwardAPI":{"items":[{"fieldRef":{"apiVersion":"v1","fieldPath":"metadata.namespace"},"path":"namespace"}]}}]}"#;

/// Completes a new pod. `priority` is the value and preemption policy of its priority class, where it names one (or the
/// global default); without it the pod gets priority 0.
pub fn admit_pod(pod: &mut Value, priority: Option<(i64, &str)>) {
    mount_token(pod);
    tolerations(pod);
    let (value, policy) = priority.unwrap_or((0, "PreemptLowerPriority"));
    if priority.is_some() || pod.at("spec.priority").is_null() {
        pod.set("spec.priority", value);
    }
    if pod.at("spec.preemptionPolicy").is_null() {
        pod.set("spec.preemptionPolicy", policy);
    }
}

/// Gives a pod its service account, and its containers the account's token, unless it has one or wants none.
pub fn mount_token(pod: &mut Value) {
    if pod.str_at("spec.serviceAccountName").is_none_or(str::is_empty) {
        pod.set("spec.serviceAccountName", "default");
        pod.set("spec.serviceAccount", "default");
    }
    let is_token = |v: &Value| v.str_at("name").is_some_and(|n| n.starts_with("kube-api-access-"));
    let has_token = pod.list_at("spec.volumes").iter().any(is_token);
    if has_token || pod.bool_at("spec.automountServiceAccountToken") == Some(false) || !pod.at("spec").is_object() {
        return;
    }
    let id =
        format!("{}/{}", pod.str_at("metadata.namespace").unwrap_or_default(), pod.str_at("metadata.name").unwrap_or_default());
    let volume = format!("kube-api-access-{}", suffix(&id));
    push(
        pod.slot("spec.volumes"),
        json!({"name": volume, "projected": serde_json::from_str(TOKEN).unwrap_or_else(|_| json!({}))}),
    );
    const PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
    for list in ["spec.containers", "spec.initContainers"] {
        if pod.list_at(list).is_empty() {
            continue;
        }
        if let Value::Array(containers) = pod.slot(list) {
            for c in containers {
                if c.list_at("volumeMounts").iter().all(|m| m.str_at("mountPath") != Some(PATH)) {
                    push(c.slot("volumeMounts"), json!({"mountPath": PATH, "name": volume, "readOnly": true}));
                }
            }
        }
    }
}

/// Five characters that look random and depend on `id` alone (FNV-1a over Kubernetes' name alphabet).
fn suffix(id: &str) -> String {
    const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for b in id.bytes().chain(*b"/token") {
        hash = (hash ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3);
    }
    let letter = |n: u64| ALPHABET.get(usize::try_from(n % 27).unwrap_or(0)).copied().unwrap_or(b'b');
    (0..5).map(|i| char::from(letter((hash >> 8) / 27u64.pow(i)))).collect()
}

fn tolerations(pod: &mut Value) {
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        let tolerated = pod.list_at("spec.tolerations").iter().any(|t| {
            (t.str_at("key") == Some(key) || t.str_at("key").is_none_or(str::is_empty))
                && matches!(t.str_at("effect"), None | Some("" | "NoExecute"))
        });
        if !tolerated && pod.at("spec").is_object() {
            let t = json!({"effect": "NoExecute", "key": key, "operator": "Exists", "tolerationSeconds": 300});
            push(pod.slot("spec.tolerations"), t);
        }
    }
}

fn push(slot: &mut Value, item: Value) {
    match slot {
        Value::Array(items) => items.push(item),
        slot => *slot = Value::Array(vec![item]),
    }
}
