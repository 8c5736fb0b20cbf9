//! Objects in short: what cases write about pools, pods and nodes, as documents.
//!
//! Keys of nodes have short names (`zone`, `type`, `ct`, `arch`, `os`, `host`, `pool`), expressions are words
//! (`zone In a,b`, `cpu Gt 4`, `type Exists min=2`).

use engine::Era;
use objects::{DocExt, Kind, Value, json};

/// The era's words and the region's zones.
#[derive(Clone, Copy)]
pub struct Short {
    pub era: Era,
    pub region: &'static str,
}

impl Short {
    pub fn key(&self, short: &str) -> String {
        match short {
            "zone" => "topology.kubernetes.io/zone",
            "type" => "node.kubernetes.io/instance-type",
            "ct" => "karpenter.sh/capacity-type",
            "arch" => "kubernetes.io/arch",
            "os" => "kubernetes.io/os",
            "host" => "kubernetes.io/hostname",
            "pool" => self.pool_label(),
            "family" => "karpenter.k8s.aws/instance-family",
            "category" => "karpenter.k8s.aws/instance-category",
            "generation" => "karpenter.k8s.aws/instance-generation",
            "size" => "karpenter.k8s.aws/instance-size",
            "cpus" => "karpenter.k8s.aws/instance-cpu",
            other => other,
        }
        .to_owned()
    }

    pub fn pool_label(&self) -> &'static str {
        match self.era {
            Era::V1alpha5 => "karpenter.sh/provisioner-name",
            Era::V1 => "karpenter.sh/nodepool",
        }
    }

    fn value(&self, short: &str, value: &str) -> String {
        if short == "zone" && value.len() == 1 { format!("{}{value}", self.region) } else { value.to_owned() }
    }

    /// `zone In a,b min=2` as a requirement.
    pub fn expression(&self, text: &str) -> Value {
        let mut words = text.split_whitespace();
        let (short, operator) = (words.next().unwrap_or_default(), words.next().unwrap_or("Exists"));
        let mut e = json!({"key": self.key(short), "operator": operator});
        for word in words {
            match word.strip_prefix("min=") {
                Some(n) => e.set("minValues", n.parse::<i64>().unwrap()),
                None => e.set("values", word.split(',').map(|v| Value::from(self.value(short, v))).collect::<Vec<_>>()),
            }
        }
        e
    }

    fn expressions(&self, list: &Value) -> Vec<Value> {
        texts(list).iter().map(|t| self.expression(t)).collect()
    }

    pub fn labels(&self, map: &Value) -> Value {
        let of = |(k, v): (&String, &Value)| (self.key(k), Value::from(self.value(k, &plain(v))));
        Value::Object(map.as_object().into_iter().flatten().map(of).collect())
    }

    /// A Provisioner or NodePool. Keys: `types`, `ct`, `zones`, `need` (expressions), `labels`, `anno`, `taints`,
    /// `startup`, `limits`, `weight`, `kubelet`; `empty` (seconds), `consolidate`, `after`, `expire` (seconds),
    /// `budgets`, `policy`, `grace`, `replicas`; `spec` is merged over the result.
    pub fn pool(&self, name: &str, v: &Value) -> Value {
        let mut need = self.expressions(v.at("need"));
        for (key, short) in [("types", "type"), ("zones", "zone")] {
            if !v.at(key).is_null() {
                need.push(self.expression(&format!("{short} In {}", texts(v.at(key)).join(","))));
            }
        }
        if v.at("ct") != "any" {
            let kinds = texts(v.at("ct"));
            let kinds = if kinds.is_empty() { "on-demand".to_owned() } else { kinds.join(",") };
            need.push(self.expression(&format!("ct In {kinds}")));
        }
        let taints = |key: &str| texts(v.at(key)).iter().map(|t| taint(t)).collect::<Vec<_>>();
        let mut doc = match self.era {
            Era::V1alpha5 => {
                let mut spec = json!({"requirements": need, "providerRef": {"name": "default"}});
                for (from, to) in [
                    ("labels", "labels"),
                    ("anno", "annotations"),
                    ("limits", "limits.resources"),
                    ("weight", "weight"),
                    ("kubelet", "kubeletConfiguration"),
                    ("empty", "ttlSecondsAfterEmpty"),
                    ("expire", "ttlSecondsUntilExpired"),
                    ("consolidate", "consolidation.enabled"),
                ] {
                    if !v.at(from).is_null() {
                        spec.set(to, v.at(from).clone());
                    }
                }
                spec.set("taints", taints("taints"));
                spec.set("startupTaints", taints("startup"));
                json!({"spec": spec})
            }
            Era::V1 => {
                let mut doc = json!({"spec": {
                    "template": {"spec": {
                        "requirements": need, "taints": taints("taints"), "startupTaints": taints("startup"),
                        "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "default"},
                    }},
                    "disruption": {"consolidateAfter": "Never"},
                }});
                for (from, to) in [
                    ("labels", "spec.template.metadata.labels"),
                    ("anno", "spec.template.metadata.annotations"),
                    ("limits", "spec.limits"),
                    ("weight", "spec.weight"),
                    ("replicas", "spec.replicas"),
                    ("grace", "spec.template.spec.terminationGracePeriod"),
                    ("budgets", "spec.disruption.budgets"),
                ] {
                    if !v.at(from).is_null() {
                        doc.set(to, v.at(from).clone());
                    }
                }
                if let Some(s) = v.int_at("expire") {
                    doc.set("spec.template.spec.expireAfter", format!("{s}s"));
                }
                if let Some(s) = v.int_at("empty") {
                    doc.set("spec.disruption.consolidateAfter", format!("{s}s"));
                    doc.set("spec.disruption.consolidationPolicy", "WhenEmpty");
                }
                if v.at("consolidate") == true {
                    doc.set("spec.disruption.consolidateAfter", "0s");
                }
                for (from, to) in [("after", "consolidateAfter"), ("policy", "consolidationPolicy")] {
                    if !v.at(from).is_null() {
                        doc.set(&format!("spec.disruption.{to}"), v.at(from).clone());
                    }
                }
                doc
            }
        };
        head(&mut doc, Kind::pool(self.era), name);
        over(doc.slot("spec"), v.at("spec"));
        doc
    }

    /// A pod's labels, annotations and spec. Keys: `cpu`, `mem`, `requests`, `limits`, `init` (requests of init
    /// containers), `node` (selector), `need` (terms of expressions), `prefer` (`[weight, expressions]`), `near`, `apart`,
    /// `nearish`, `apartish` (`zone app=web`), `spread` (`zone 1 soft min=2`), `tol`, `anno`, `labels`, `priority`,
    /// `grace`, `ports`, `pvc`; `spec` is merged over the result.
    pub fn template(&self, app: &str, v: &Value) -> Value {
        let mut requests = v.at("requests").clone();
        for (short, key) in [("cpu", "cpu"), ("mem", "memory"), ("gpu", "nvidia.com/gpu")] {
            if !v.at(short).is_null() {
                // Keys of this map hold dots; it is written entry by entry.
                put(&mut requests, key, v.at(short).clone());
            }
        }
        let mut resources = json!({});
        let mut limits = v.at("limits").clone();
        if !v.at("gpu").is_null() {
            put(&mut limits, "nvidia.com/gpu", v.at("gpu").clone());
        }
        for (key, list) in [("requests", &requests), ("limits", &limits)] {
            if list.is_object() {
                resources.set(key, list.clone());
            }
        }
        let mut container =
            json!({"name": "app", "image": "public.ecr.aws/eks-distro/kubernetes/pause:3.7", "resources": resources});
        let ports: Vec<Value> = v.list_at("ports").iter().map(|p| json!({"containerPort": p, "hostPort": p})).collect();
        if !ports.is_empty() {
            container.set("ports", ports);
        }
        let mut spec = json!({"containers": [container], "terminationGracePeriodSeconds": v.int_at("grace").unwrap_or(0)});
        let inits: Vec<Value> = v
            .list_at("init")
            .iter()
            .enumerate()
            .map(|(i, r)| json!({"name": format!("init-{i}"), "image": "pause", "resources": {"requests": r}}))
            .collect();
        if !inits.is_empty() {
            spec.set("initContainers", inits);
        }
        if !v.at("node").is_null() {
            spec.set("nodeSelector", self.labels(v.at("node")));
        }
        let term = |list: &Value| json!({"matchExpressions": self.expressions(list)});
        if !v.at("need").is_null() {
            let terms: Vec<Value> = v.list_at("need").iter().map(term).collect();
            spec.set("affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms", terms);
        }
        let weighted = |p: &Value| json!({"weight": p.get(0), "preference": term(p.get(1).unwrap())});
        if !v.at("prefer").is_null() {
            let terms: Vec<Value> = v.list_at("prefer").iter().map(weighted).collect();
            spec.set("affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution", terms);
        }
        for (from, kind, hard) in [
            ("near", "podAffinity", true),
            ("apart", "podAntiAffinity", true),
            ("nearish", "podAffinity", false),
            ("apartish", "podAntiAffinity", false),
        ] {
            let terms: Vec<Value> = texts(v.at(from)).iter().map(|t| self.pod_term(t)).collect();
            if terms.is_empty() {
                continue;
            }
            match hard {
                true => spec.set(&format!("affinity.{kind}.requiredDuringSchedulingIgnoredDuringExecution"), terms),
                false => {
                    let n = terms.len();
                    let soft: Vec<Value> =
                        terms.into_iter().enumerate().map(|(i, t)| json!({"weight": 1 + n - i, "podAffinityTerm": t})).collect();
                    spec.set(&format!("affinity.{kind}.preferredDuringSchedulingIgnoredDuringExecution"), soft);
                }
            }
        }
        let spread: Vec<Value> = texts(v.at("spread")).iter().map(|t| self.spread(t, app)).collect();
        if !spread.is_empty() {
            spec.set("topologySpreadConstraints", spread);
        }
        let tolerations: Vec<Value> = texts(v.at("tol")).iter().map(|t| toleration(t)).collect();
        if !tolerations.is_empty() {
            spec.set("tolerations", tolerations);
        }
        if let Some(class) = v.str_at("priority") {
            spec.set("priorityClassName", class);
        }
        if let Some(claim) = v.str_at("pvc") {
            spec.set("volumes", json!([{"name": "data", "persistentVolumeClaim": {"claimName": claim}}]));
        }
        over(&mut spec, v.at("spec"));
        let mut labels = json!({"app": app});
        over(&mut labels, v.at("labels"));
        let mut meta = json!({"labels": labels});
        if !v.at("anno").is_null() {
            meta.set("annotations", v.at("anno").clone());
        }
        json!({"metadata": meta, "spec": spec})
    }

    fn pod_term(&self, text: &str) -> Value {
        let mut words = text.split_whitespace();
        let key = self.key(words.next().unwrap_or_default());
        let mut term = json!({"topologyKey": key});
        let mut labels = json!({});
        for word in words {
            let (k, v) = word.split_once('=').unwrap();
            match k {
                "ns" => term.set("namespaces", json!([v])),
                _ => put(&mut labels, k, v.into()),
            }
        }
        term.set("labelSelector.matchLabels", labels);
        term
    }

    fn spread(&self, text: &str, app: &str) -> Value {
        let mut words = text.split_whitespace();
        let key = self.key(words.next().unwrap_or_default());
        let skew: i64 = words.next().unwrap().parse().unwrap();
        let mut c = json!({
            "topologyKey": key, "maxSkew": skew, "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": {"matchLabels": {"app": app}},
        });
        for word in words {
            match word.split_once('=') {
                None => c.set("whenUnsatisfiable", "ScheduleAnyway"),
                Some(("min", n)) => c.set("minDomains", n.parse::<i64>().unwrap()),
                Some(("affinity", p)) => c.set("nodeAffinityPolicy", p),
                Some(("taints", p)) => c.set("nodeTaintsPolicy", p),
                Some(("keys", k)) => c.set("matchLabelKeys", json!([k])),
                Some((k, v)) => c.set("labelSelector.matchLabels", json!({k: v})),
            }
        }
        c
    }

    /// A workload of `kind` (Deployment, StatefulSet, DaemonSet, Job), or a bare pod.
    pub fn workload(&self, kind: Kind, name: &str, replicas: i64, v: &Value) -> Value {
        let template = self.template(name, v);
        let mut doc = match kind {
            Kind::Pod => template,
            Kind::Job => json!({"spec": {"parallelism": replicas, "completions": replicas, "template": template}}),
            _ => json!({"spec": {"selector": {"matchLabels": {"app": name}}, "template": template}}),
        };
        match kind {
            Kind::Deployment => {
                doc.set("spec.replicas", replicas);
                doc.set("spec.strategy", json!({"type": "Recreate"}));
            }
            Kind::StatefulSet => {
                doc.set("spec.replicas", replicas);
                doc.set("spec.serviceName", name);
                doc.set("spec.podManagementPolicy", "Parallel");
            }
            Kind::Job => doc.set("spec.template.spec.restartPolicy", "Never"),
            _ => {}
        }
        head(&mut doc, kind, name);
        if let Some(ns) = v.str_at("ns") {
            doc.set("metadata.namespace", ns);
        }
        doc
    }

    /// A claim for one node: `type`, `zone`, `ct`, `pool`, `cpu` (requests), `startup`, `taints`, `labels`, `anno`.
    pub fn claim(&self, name: &str, v: &Value) -> Value {
        let text = |key: &str, or: &str| v.str_at(key).unwrap_or(or).to_owned();
        let mut need = vec![
            self.expression(&format!("type In {}", text("type", "m5.xlarge"))),
            self.expression(&format!("ct In {}", text("ct", "on-demand"))),
        ];
        if let Some(zone) = v.str_at("zone") {
            need.push(self.expression(&format!("zone In {zone}")));
        }
        let mut labels = self.labels(v.at("labels"));
        if !labels.is_object() {
            labels = json!({});
        }
        put(&mut labels, self.pool_label(), text("pool", "default").into());
        let taints = |key: &str| texts(v.at(key)).iter().map(|t| taint(t)).collect::<Vec<_>>();
        let mut doc = json!({
            "metadata": {"labels": labels},
            "spec": {"requirements": need, "taints": taints("taints"), "startupTaints": taints("startup"),
                     "resources": {"requests": {"cpu": v.at("cpu")}}},
        });
        match self.era {
            Era::V1alpha5 => doc.set("spec.machineTemplateRef", json!({"name": "default"})),
            Era::V1 => {
                doc.set("spec.nodeClassRef", json!({"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "default"}))
            }
        }
        if !v.at("anno").is_null() {
            doc.set("metadata.annotations", v.at("anno").clone());
        }
        if let Some(grace) = v.str_at("grace") {
            doc.set("spec.terminationGracePeriod", grace);
        }
        if let Some(expire) = v.str_at("expire") {
            doc.set("spec.expireAfter", expire);
        }
        if v.at("cpu").is_null() {
            doc.set("spec.resources", json!({}));
        }
        head(&mut doc, Kind::claim(self.era), name);
        doc
    }
}

pub fn head(doc: &mut Value, kind: Kind, name: &str) {
    doc.set("apiVersion", kind.api_version());
    doc.set("kind", kind.name());
    doc.set("metadata.name", name);
}

fn over(doc: &mut Value, patch: &Value) {
    if !patch.is_null() {
        objects::patch::merge(doc, patch);
    }
}

fn put(map: &mut Value, key: &str, value: Value) {
    if !map.is_object() {
        *map = json!({});
    }
    map.as_object_mut().unwrap().insert(key.to_owned(), value);
}

pub fn plain(v: &Value) -> String {
    v.as_str().map_or_else(|| v.to_string(), str::to_owned)
}

/// A text or a list of texts.
pub fn texts(v: &Value) -> Vec<String> {
    match v {
        Value::Null => vec![],
        Value::Array(list) => list.iter().map(plain).collect(),
        one => vec![plain(one)],
    }
}

/// `key=value:Effect`, `key:Effect`.
pub fn taint(text: &str) -> Value {
    let (head, effect) = text.rsplit_once(':').unwrap_or((text, "NoSchedule"));
    let (key, value) = head.split_once('=').unwrap_or((head, ""));
    let mut t = json!({"key": key, "effect": effect});
    if !value.is_empty() {
        t.set("value", value);
    }
    t
}

/// `*`, `key`, `key=value`, each with `:Effect` or without.
fn toleration(text: &str) -> Value {
    if text == "*" {
        return json!({"operator": "Exists"});
    }
    let (head, effect) = text.rsplit_once(':').unwrap_or((text, ""));
    let mut t = match head.split_once('=') {
        Some((k, v)) => json!({"key": k, "operator": "Equal", "value": v}),
        None => json!({"key": head, "operator": "Exists"}),
    };
    if !effect.is_empty() {
        t.set("effect", effect);
    }
    t
}
