//! Turns a scenario into a store, as a cluster of the era would hold it.

use engine::store::Store;
use engine::{Era, SimTime};
use objects::collections::VecMap;
use objects::{DocExt, Kind, Value, json, time};

/// The scenario's objects in a store, and the names of nodes that are being removed.
pub struct Expanded {
    pub store: Store,
    pub marked: Vec<String>,
    pub now_ms: i64,
}

struct Expansion<'a> {
    era: Era,
    now_ms: i64,
    types: VecMap<&'a str, &'a Value>,
    store: Store,
    uids: u32,
    marked: Vec<String>,
}

pub fn expand(scenario: &Value, types: &[Value], era: Era) -> Expanded {
    let now = scenario.str_at("now").unwrap_or("2026-01-01T12:00:00Z");
    let mut e = Expansion {
        era,
        now_ms: time::parse_rfc3339(now).unwrap(),
        types: types.iter().map(|t| (t.str_at("name").unwrap(), t)).collect(),
        store: Store::default(),
        uids: 0,
        marked: Vec::new(),
    };
    let text = scenario.at("objects").to_string();
    let text = if era == Era::V1 {
        text
    } else {
        text.replace("karpenter.sh/nodepool", "karpenter.sh/provisioner-name")
            .replace("karpenter.sh/do-not-disrupt", "karpenter.sh/do-not-evict")
    };
    let objects: Vec<Value> = serde_json::from_str(&text).unwrap();
    let pools: Vec<&Value> = objects.iter().filter(|o| o.str_at("kind") == Some("NodePool")).collect();
    if objects.iter().all(|o| o.str_at("kind") != Some("Namespace")) {
        e.put(Kind::Namespace, json!({"metadata": {"name": "default", "labels": {"kubernetes.io/metadata.name": "default"}}}));
    }
    for o in &objects {
        match o.str_at("kind").unwrap() {
            "NodePool" => e.pool(o),
            "Node" => e.node(o, &pools),
            "Deployment" => e.workload(o, "ReplicaSet"),
            "StatefulSet" => e.workload(o, "StatefulSet"),
            "Pod" => e.pod(o.clone(), o),
            "Namespace" => e.put(Kind::Namespace, o.clone()),
            "DaemonSet" => {
                e.uid();
                e.in_namespace(Kind::DaemonSet, o, "kube-system");
            }
            "PodDisruptionBudget" => e.in_namespace(Kind::PodDisruptionBudget, o, "default"),
            "PersistentVolumeClaim" => e.in_namespace(Kind::PersistentVolumeClaim, o, "default"),
            "PersistentVolume" => e.put(Kind::PersistentVolume, o.clone()),
            "StorageClass" => e.put(Kind::StorageClass, o.clone()),
            other => panic!("{other} in {}", scenario.at("name")),
        }
    }
    e.count_budgets();
    Expanded { store: e.store, marked: e.marked, now_ms: e.now_ms }
}

impl Expansion<'_> {
    fn put(&mut self, kind: Kind, doc: Value) {
        self.store.put(kind, doc, SimTime::ZERO);
    }

    fn in_namespace(&mut self, kind: Kind, o: &Value, default: &str) {
        let mut o = o.clone();
        if o.str_at("metadata.namespace").is_none() {
            o.set("metadata.namespace", default);
        }
        self.put(kind, o);
    }

    fn uid(&mut self) -> String {
        self.uids += 1;
        format!("00000000-0000-4000-8000-{:012x}", self.uids)
    }

    fn ago(&self, o: &Value, default_min: i64) -> String {
        let age = o.at("metadata.annotations").field("scenario/age").as_str();
        let ms = age.map_or(default_min * 60_000, |a| objects::duration::parse_go_ms(a).unwrap());
        time::rfc3339(self.now_ms - ms)
    }

    fn pool(&mut self, o: &Value) {
        if self.era == Era::V1 {
            let mut o = o.clone();
            if o.at("spec.disruption.consolidateAfter").is_null() {
                o.set("spec.disruption.consolidateAfter", "0s");
            }
            if o.at("spec.template.spec.nodeClassRef").is_null() {
                o.set(
                    "spec.template.spec.nodeClassRef",
                    json!({"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "default"}),
                );
            }
            return self.put(Kind::NodePool, o);
        }
        let (t, d) = (o.at("spec.template.spec"), o.at("spec.disruption"));
        let mut spec = json!({
            "labels": o.at("spec.template.metadata.labels"),
            "taints": t.at("taints"), "startupTaints": t.at("startupTaints"), "requirements": t.at("requirements"),
            "limits": {"resources": o.at("spec.limits")},
            "weight": o.at("spec.weight"), "providerRef": {"name": "default"},
        });
        let after = d.str_at("consolidateAfter").unwrap_or("0s");
        if d.str_at("consolidationPolicy") == Some("WhenEmpty") {
            if let Some(ms) = objects::duration::parse_go_ms(after) {
                spec.set("ttlSecondsAfterEmpty", ms / 1000);
            }
        } else if after == "0s" {
            spec.set("consolidation.enabled", true);
        }
        self.put(Kind::Provisioner, json!({"metadata": {"name": o.str_at("metadata.name")}, "spec": spec}));
    }

    fn workload(&mut self, o: &Value, kind: &str) {
        let name = o.str_at("metadata.name").unwrap();
        let placement = o.at("metadata.annotations").field("scenario/placement").as_str().unwrap_or_default();
        let mut nodes = Vec::new();
        for part in placement.split(',').filter(|p| !p.is_empty()) {
            let (node, n) = part.trim().split_once('=').unwrap_or((part.trim(), "1"));
            nodes.extend(std::iter::repeat_n(node.to_owned(), n.parse().unwrap()));
        }
        let (owner, suffix) = (self.uid(), if kind == "ReplicaSet" { "-rs" } else { "" });
        for i in 0..o.int_at("spec.replicas").unwrap_or(1) {
            let mut pod = o.at("spec.template").clone();
            pod.set("metadata.name", format!("{name}-{i}"));
            if let Some(namespace) = o.str_at("metadata.namespace") {
                pod.set("metadata.namespace", namespace);
            }
            let by = json!([{"kind": kind, "name": format!("{name}{suffix}"), "uid": owner, "controller": true}]);
            pod.set("metadata.ownerReferences", by);
            if let Some(node) = nodes.get(usize::try_from(i).unwrap()) {
                pod.set("spec.nodeName", node.as_str());
            }
            self.pod(pod, o);
        }
    }

    /// A pod, aged as `aged` says.
    fn pod(&mut self, mut pod: Value, aged: &Value) {
        if pod.str_at("metadata.namespace").is_none() {
            pod.set("metadata.namespace", "default");
        }
        let bound = pod.str_at("spec.nodeName").is_some();
        let condition = |kind: &str, status: &str| json!({"type": kind, "status": status, "reason": "Unschedulable"});
        let (phase, conditions) = match pod.str_at("status.phase") {
            _ if !bound => ("Pending".to_owned(), json!([condition("PodScheduled", "False")])),
            Some(phase) if phase != "Running" => (phase.to_owned(), json!([condition("PodScheduled", "True")])),
            _ => ("Running".to_owned(), json!([condition("PodScheduled", "True"), condition("Ready", "True")])),
        };
        pod.set("metadata.uid", self.uid());
        pod.set("metadata.creationTimestamp", self.ago(aged, if bound { 30 } else { 1 }));
        pod.set("status.phase", phase);
        pod.set("status.conditions", conditions);
        self.put(Kind::Pod, pod);
    }

    fn node(&mut self, o: &Value, pools: &[&Value]) {
        let mut node = o.clone();
        let name = o.str_at("metadata.name").unwrap().to_owned();
        let says = |key: &str| o.at("metadata.annotations").field(key).as_str().map(str::to_owned);
        let mut labels = o.strings_at("metadata.labels");
        let mut default = |k: &str, v: &str| {
            labels.entry(k.to_owned()).or_insert_with(|| v.to_owned());
        };
        default("kubernetes.io/hostname", &name);
        let label = if self.era == Era::V1 { "karpenter.sh/nodepool" } else { "karpenter.sh/provisioner-name" };
        let owner = o.at("metadata.labels").field(label).as_str();
        let pool = owner.and_then(|p| pools.iter().find(|x| x.str_at("metadata.name") == Some(p)));
        let initialized = says("scenario/initialized").as_deref() != Some("false");
        let mut taints = o.list_at("spec.taints").to_vec();
        if owner.is_some() {
            default("karpenter.sh/registered", "true");
            if initialized {
                default("karpenter.sh/initialized", "true");
            }
            for (k, v) in pool.map(|p| p.strings_at("spec.template.metadata.labels")).unwrap_or_default() {
                default(&k, &v);
            }
            for t in pool.map_or(&[][..], |p| p.list_at("spec.template.spec.taints")) {
                if !taints.contains(t) {
                    taints.push(t.clone());
                }
            }
        }
        let t = o.at("metadata.labels").field("node.kubernetes.io/instance-type").as_str().and_then(|t| self.types.get(t));
        let mut capacity = o.at("status.capacity").clone();
        let mut allocatable = o.at("status.allocatable").clone();
        if let Some(t) = t {
            for (k, v) in t.strings_at("labels") {
                default(&k, &v);
            }
            let typed = engine::scheduling::InstanceType::read(t).unwrap();
            let list = |r: &objects::Resources| {
                let one = |(k, v): (&String, &i64)| (k.clone(), json!(engine::scheduling::text::quantity(k, *v)));
                Value::Object(r.0.iter().filter(|(_, v)| **v != 0).map(one).collect())
            };
            if capacity.is_null() {
                capacity = list(&typed.capacity);
            }
            if allocatable.is_null() {
                allocatable = list(&typed.allocatable);
            }
        }
        if o.bool_at("spec.unschedulable") == Some(true) {
            taints.push(json!({"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}));
        }
        let id = format!("fake:///{name}");
        let created = self.ago(o, 60);
        node.set("spec.providerID", id.as_str());
        node.set("spec.taints", taints);
        node.set("metadata.labels", json!(labels));
        node.set("metadata.creationTimestamp", created.as_str());
        node.set("status.capacity", if capacity.is_null() { allocatable.clone() } else { capacity.clone() });
        node.set("status.allocatable", if allocatable.is_null() { capacity.clone() } else { allocatable.clone() });
        if o.list_at("status.conditions").is_empty() {
            node.set("status.conditions", json!([{"type": "Ready", "status": "True"}]));
        }
        if owner.is_some() {
            self.claim(&name, &node, pool.unwrap_or(&&Value::Null), initialized, says("scenario/last-pod-event"));
        }
        if says("scenario/deleting").as_deref() == Some("true") {
            self.marked.push(name);
        }
        self.put(Kind::Node, node);
    }

    fn claim(&mut self, name: &str, node: &Value, pool: &Value, initialized: bool, event: Option<String>) {
        let created = node.str_at("metadata.creationTimestamp").unwrap();
        let up_ms = time::parse_rfc3339(created).unwrap() + 60_000;
        let since = event.as_deref().and_then(time::parse_rfc3339).unwrap_or(up_ms);
        let (v1, at) = (self.era == Era::V1, time::rfc3339(up_ms));
        let condition = |kind: &str| {
            let kind = if v1 { kind.to_owned() } else { format!("Machine{kind}") };
            json!({"type": kind, "status": "True", "lastTransitionTime": at})
        };
        let mut conditions = vec![condition("Launched"), condition("Registered")];
        if initialized {
            conditions.push(condition("Initialized"));
            let after = pool.str_at("spec.disruption.consolidateAfter").unwrap_or("0s");
            if v1 && objects::duration::parse_go_ms(after).is_some_and(|ms| self.now_ms - since >= ms) {
                conditions.push(json!({"type": "Consolidatable", "status": "True"}));
            }
        }
        let mut labels = node.strings_at("metadata.labels");
        labels.retain(|k, _| {
            !["kubernetes.io/hostname", "karpenter.sh/registered", "karpenter.sh/initialized"].contains(&k.as_str())
        });
        let t = pool.at("spec.template.spec");
        let claim = json!({
            "metadata": {"name": name, "labels": labels, "creationTimestamp": created},
            "spec": {"taints": t.at("taints"), "startupTaints": t.at("startupTaints")},
            "status": {
                "providerID": node.str_at("spec.providerID"), "nodeName": name, "conditions": conditions,
                "capacity": node.at("status.capacity"), "allocatable": node.at("status.allocatable"), "lastPodEventTime": event,
            },
        });
        self.put(Kind::claim(self.era), claim);
    }

    /// `status.disruptionsAllowed` as the disruption controller of Kubernetes would count it.
    fn count_budgets(&mut self) {
        let budgets: Vec<_> = self.store.list(Kind::PodDisruptionBudget).cloned().collect();
        for b in budgets {
            let pdb = b.pdb().unwrap();
            let covered: Vec<bool> = self
                .store
                .list(Kind::Pod)
                .filter(|p| {
                    p.meta.namespace == b.meta.namespace && pdb.selector.as_ref().is_some_and(|s| s.matches(&p.meta.labels))
                })
                .map(|p| p.pod().unwrap().ready)
                .collect();
            let expected = i64::try_from(covered.len()).unwrap();
            let scaled = |v: &str| match v.strip_suffix('%') {
                Some(p) => (p.parse::<i64>().unwrap() * expected + 99) / 100,
                None => v.parse().unwrap(),
            };
            let healthy = i64::try_from(covered.iter().filter(|r| **r).count()).unwrap();
            let desired = match (&pdb.min_available, &pdb.max_unavailable) {
                (Some(m), _) => scaled(m),
                (None, Some(m)) => expected - scaled(m),
                (None, None) => 0,
            };
            let mut doc = b.doc.clone();
            doc.set("status.disruptionsAllowed", (healthy - desired).max(0));
            self.put(Kind::PodDisruptionBudget, doc);
        }
    }
}
