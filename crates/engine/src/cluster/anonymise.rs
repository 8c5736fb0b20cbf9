//! A dump without the user's names: objects, namespaces, labels, images and addresses get numbers instead, the same for the
//! same name everywhere, so that selectors, owners and plans stay what they were.

use super::Dump;
use objects::{DocExt, Kind, ObjectKey, Value, json};
use std::collections::BTreeMap;

/// Names that mean something to Kubernetes or Karpenter.
const RESERVED: [&str; 9] = [
    "default",
    "kube-system",
    "kube-public",
    "kube-node-lease",
    "karpenter",
    "karpenter-global-settings",
    "aws-node",
    "kube-proxy",
    "coredns",
];
/// Fields that name an object.
const NAMES: [&str; 11] = [
    "name",
    "namespace",
    "nodeName",
    "nominatedNodeName",
    "claimName",
    "volumeName",
    "serviceName",
    "storageClassName",
    "priorityClassName",
    "hostname",
    "kubernetes.io/hostname",
];
/// Maps of labels.
const LABELS: [&str; 3] = ["labels", "matchLabels", "nodeSelector"];
/// What says nothing about where pods go.
const DROPPED: [&str; 22] = [
    "message",
    "generateName",
    "subdomain",
    "images",
    "machineID",
    "systemUUID",
    "bootID",
    "podIP",
    "podIPs",
    "hostIP",
    "hostIPs",
    "serviceAccount",
    "serviceAccountName",
    "imagePullSecrets",
    "hostAliases",
    "tags",
    "role",
    "instanceProfile",
    "subnetSelectorTerms",
    "securityGroupSelectorTerms",
    "containerStatuses",
    "initContainerStatuses",
];

impl Dump {
    /// Replaces names; call [`Dump::drop_secrets`] first, which takes out what may hold anything.
    pub fn anonymise(&mut self) {
        let mut names = Names::default();
        // Owners before what they own, which is named after them.
        for key in self.objects.keys().filter(|k| ![Kind::Pod, Kind::ReplicaSet, Kind::PersistentVolumeClaim].contains(&k.kind)) {
            names.name(key.kind.info().plural.trim_end_matches('s'), &key.name);
        }
        for kind in [Kind::ReplicaSet, Kind::Pod] {
            for (key, doc) in self.objects.iter().filter(|(key, _)| key.kind == kind) {
                let owners = doc.list_at("metadata.ownerReferences");
                let owner = owners.iter().find(|o| o.bool_at("controller") == Some(true)).and_then(|o| o.str_at("name"));
                names.dependent(key.kind.info().plural.trim_end_matches('s'), owner, &key.name);
            }
        }
        let pods: Vec<String> = self.objects.keys().filter(|k| k.kind == Kind::Pod).map(|k| k.name.clone()).collect();
        for key in self.objects.keys().filter(|k| k.kind == Kind::PersistentVolumeClaim) {
            // A StatefulSet's claims are named after its pods.
            let of_pod = pods.iter().find_map(|pod| Some((key.name.strip_suffix(pod.as_str())?.strip_suffix('-')?, pod)));
            match of_pod {
                Some((volume, pod)) => {
                    let new = format!("{volume}-{}", names.of.get(pod).unwrap_or(pod));
                    names.of.insert(key.name.clone(), new);
                }
                None => names.name("claim", &key.name),
            }
        }
        let objects = std::mem::take(&mut self.objects);
        for (key, mut doc) in objects {
            names.walk(&mut doc);
            if key.kind == Kind::Node {
                addresses(&mut doc, &mut names);
            }
            let text = |path: &str| doc.str_at(path).unwrap_or_default();
            let key = ObjectKey::new(key.kind, text("metadata.namespace"), text("metadata.name"));
            self.objects.insert(key, doc);
        }
        self.notes.clear();
    }
}

#[derive(Default)]
struct Names {
    /// New names by old ones.
    of: BTreeMap<String, String>,
    /// The same for texts that are no names of objects, by what they are.
    texts: BTreeMap<(&'static str, String), String>,
    counts: BTreeMap<String, usize>,
}

impl Names {
    fn next(&mut self, what: &str) -> usize {
        let n = self.counts.entry(what.to_owned()).or_default();
        *n += 1;
        *n
    }

    fn name(&mut self, what: &str, old: &str) {
        if RESERVED.contains(&old) || old.starts_with("system-") || self.of.contains_key(old) {
            return;
        }
        let n = self.next(what);
        self.of.insert(old.to_owned(), format!("{what}-{n}"));
    }

    /// What is named after its owner is so still: the suffix says which it is.
    fn dependent(&mut self, what: &str, owner: Option<&str>, old: &str) {
        let after = owner.and_then(|owner| Some((self.of.get(owner)?.clone(), old.strip_prefix(owner)?)));
        match after.map(|(owner, suffix)| format!("{owner}{suffix}")) {
            Some(new) => {
                self.of.insert(old.to_owned(), new);
            }
            None => self.name(what, old),
        }
    }

    fn text(&mut self, what: &'static str, old: &str) -> String {
        if let Some(new) = self.texts.get(&(what, old.to_owned())) {
            return new.clone();
        }
        let n = self.next(what);
        let new = match what {
            // Machines keep the form by which the cloud knows them.
            "i" => format!("i-{n:017x}"),
            _ => format!("{what}-{n}"),
        };
        self.texts.insert((what, old.to_owned()), new.clone());
        new
    }

    fn walk(&mut self, value: &mut Value) {
        match value {
            Value::Array(list) => list.iter_mut().for_each(|v| self.walk(v)),
            Value::Object(map) => {
                map.retain(|field, _| !DROPPED.contains(&field.as_str()));
                // Selectors, requirements, taints and tolerations.
                let says = map.contains_key("operator") || map.contains_key("effect");
                let is_expression = says && map.contains_key("key");
                for (field, v) in map.iter_mut() {
                    self.field(field, v, is_expression);
                }
                if is_expression && let Some(key) = map.get("key").and_then(Value::as_str).map(str::to_owned) {
                    self.expression(map, &key);
                }
            }
            _ => {}
        }
    }

    fn field(&mut self, field: &str, value: &mut Value, in_expression: bool) {
        match (field, &mut *value) {
            ("key" | "values" | "value", _) if in_expression => {}
            (field, Value::Object(map)) if LABELS.contains(&field) => {
                let old = std::mem::take(map);
                for (key, v) in old {
                    let v = v.as_str().map(|text| self.label_value(&key, text)).map_or(v.clone(), Value::from);
                    map.insert(self.label_key(&key), v);
                }
            }
            ("volumes", Value::Array(list)) => {
                list.retain(|v| !v.at("persistentVolumeClaim").is_null() || !v.at("ephemeral").is_null());
                list.iter_mut().for_each(|v| self.walk(v));
            }
            ("containers" | "initContainers" | "ephemeralContainers", Value::Array(list)) => {
                for container in list.iter_mut() {
                    let name = container.str_at("name").unwrap_or_default().to_owned();
                    self.walk(container);
                    container.set("name", self.text("container", &name));
                }
            }
            ("topologyKey", Value::String(text)) => *text = self.label_key(text),
            ("image", Value::String(text)) => *text = self.text("image", text),
            ("providerID" | "volumeHandle", Value::String(text)) => {
                if let Some((head, id)) = text.rsplit_once('/') {
                    *text =
                        format!("{head}/{}", if id.starts_with("i-") { self.text("i", id) } else { self.text("machine", id) });
                }
            }
            (field, Value::String(text)) if NAMES.contains(&field) => {
                if let Some(new) = self.of.get(text.as_str()) {
                    text.clone_from(new);
                }
            }
            ("id" | "imageID", Value::String(text)) => {
                for what in ["subnet", "sg", "ami"] {
                    if text.starts_with(&format!("{what}-")) {
                        *text = self.text(what, text);
                    }
                }
            }
            _ => self.walk(value),
        }
    }

    fn expression(&mut self, map: &mut serde_json::Map<String, Value>, key: &str) {
        if let Some(Value::Array(values)) = map.get_mut("values") {
            for value in values {
                if let Value::String(text) = value {
                    *text = self.label_value(key, text);
                }
            }
        }
        if let Some(Value::String(text)) = map.get_mut("value") {
            *text = self.label_value(key, text);
        }
        map.insert("key".to_owned(), self.label_key(key).into());
    }

    fn label_key(&mut self, key: &str) -> String {
        if is_known(key) { key.to_owned() } else { self.text("label", key) }
    }

    /// Values of known labels are names of objects, or say something about the machine.
    fn label_value(&mut self, key: &str, value: &str) -> String {
        if let Some(new) = self.of.get(value) {
            return new.clone();
        }
        let own = !is_known(key) || key.starts_with("app.kubernetes.io/") || key == "eks.amazonaws.com/nodegroup";
        if own && !value.is_empty() { self.text("value", value) } else { value.to_owned() }
    }
}

/// Labels whose meaning is Kubernetes', Karpenter's or the cloud's.
fn is_known(key: &str) -> bool {
    let domain = key.split_once('/').map_or("", |(domain, _)| domain);
    ["kubernetes.io", "k8s.io", "karpenter.sh", "k8s.aws", "amazonaws.com", "eksctl.io"].iter().any(|d| domain.ends_with(d))
        || ["pod-template-hash", "controller-revision-hash", "pod-template-generation", "k8s-app"].contains(&key)
}

/// A node's addresses: one of its own, and its name.
fn addresses(node: &mut Value, names: &mut Names) {
    let n = names.next("address");
    let name = node.str_at("metadata.name").unwrap_or_default().to_owned();
    let ip = format!("10.{}.{}.{}", n / 65_536, n / 256 % 256, n % 256);
    let list = json!([{"type": "InternalIP", "address": ip}, {"type": "Hostname", "address": name}]);
    node.set("status.addresses", list);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::{Ahead, Choices, adopt, plan};
    use crate::session::{Request, Scenario, Session, Validation};
    use crate::{Era, SimTime};

    /// Numbers for names change nothing of a plan.
    #[test]
    fn the_plan_is_the_same_without_names() {
        for era in [Era::V1alpha5, Era::V1] {
            let mut session = Session::new(Scenario::lab(era, 7)).unwrap();
            let doc = json!({
                "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "secret-project", "namespace": "default"},
                "spec": {"replicas": 4, "selector": {"matchLabels": {"team": "secret-team"}}, "template": {
                    "metadata": {"labels": {"team": "secret-team"}},
                    "spec": {
                        "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone",
                            "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchLabels": {"team": "secret-team"}}}],
                        "containers": [{"name": "secret-c", "image": "secret/image:1", "resources": {"requests": {"cpu": "1"}}}],
                    },
                }},
            });
            session.request("", Request::Apply { doc, dry_run: false, validation: Validation::Strict }).unwrap();
            let until: SimTime = session.now() + 1_000;
            session.advance_to(until);
            let mut named = Dump::default();
            for object in session.snapshot().store.all().filter(|o| !o.kind.is_internal()) {
                named.add("x", object.doc.clone()).unwrap();
            }
            named.drop_secrets();
            let mut nameless = named.clone();
            nameless.anonymise();
            let text: String = nameless.objects.iter().map(|(k, v)| format!("{k} {v}")).collect();
            let node = session.snapshot().store.list(Kind::Node).next().unwrap().meta.name.clone();
            for secret in ["secret", &node] {
                assert!(!text.contains(secret), "{secret}: {}", &text[text.find(secret).unwrap().saturating_sub(200)..]);
            }
            assert_eq!(nameless.objects.len(), named.objects.len());
            let choices = Choices { at_ms: session.snapshot().unix_ms(), seed: 7, region: None, types: None, prices: None };
            let (one, two) =
                (plan(&adopt(named, &choices), Ahead::default()), plan(&adopt(nameless, &choices), Ahead::default()));
            let gist = |p: &crate::cluster::Plan| {
                let launches = p.actions.iter().flat_map(|a| &a.launches);
                (p.before, p.after, launches.map(|l| (l.pods.len(), l.funnel.clone(), l.cheapest.clone())).collect::<Vec<_>>())
            };
            assert_eq!(gist(&one), gist(&two), "{era:?}");
            assert_eq!(one.actions.len(), two.actions.len());
            assert!(!one.actions.is_empty());
        }
    }
}
