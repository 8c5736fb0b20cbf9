//! Turns a scenario into a store, as a cluster of the era would hold it: workloads become pods, nodes and claims are
//! filled in from the catalogue, and what an API server and its controllers would add is added.
//!
//! Pods, DaemonSets and the owners of workloads take UIDs from one counter in the order of the documents: ties in the
//! scheduler's queue go by them. Annotations: `oracle/placement: "n1=3,n2=1"` on a workload binds its first pods,
//! `oracle/age` (Go duration) on a pod, workload or node, `oracle/initialized: "false"`, `oracle/deleting: "true"` and
//! `oracle/last-pod-event` on a node.

use crate::catalogue::Catalogue;
use crate::scenario::Scenario;
use crate::{Fault, era_a, node};
use engine::store::Store;
use engine::{Era, SimTime};
use objects::collections::VecSet;
use objects::{DocExt, Kind, Value, duration, json, time};

pub const PLACEMENT: &str = "oracle/placement";
pub const AGE: &str = "oracle/age";
pub const INITIALIZED: &str = "oracle/initialized";
pub const DELETING: &str = "oracle/deleting";
pub const POD_EVENT: &str = "oracle/last-pod-event";
/// Where the annotations of the format begin; none of them reaches the store.
pub const PREFIX: &str = "oracle/";

/// A store and the claims that are being removed.
pub struct Expanded {
    pub store: Store,
    pub marked: VecSet<String>,
}

pub(crate) struct Expansion<'a> {
    pub era: Era,
    pub now_ms: i64,
    pub catalogue: &'a Catalogue,
    pub pools: Vec<&'a Value>,
    pub out: Expanded,
    /// Claims that the scenario writes out.
    pub given: VecSet<&'a str>,
    uids: u32,
}

/// Faults name the object.
pub fn expand(scenario: &Scenario, catalogue: &Catalogue, era: Era) -> Result<Expanded, Fault> {
    let objects: Vec<(Kind, Value)> = match era {
        Era::V1 => scenario.objects.clone(),
        Era::V1alpha5 => scenario.objects.iter().map(|(k, o)| (*k, era_a::relabelled(*k, o))).collect(),
    };
    let of_kind = |wanted: Kind| objects.iter().filter(move |(k, _)| *k == wanted).map(|(_, o)| o);
    let mut e = Expansion {
        era,
        now_ms: scenario.now_ms,
        catalogue,
        pools: of_kind(Kind::NodePool).collect(),
        out: Expanded { store: Store::default(), marked: VecSet::new() },
        given: of_kind(Kind::NodeClaim).map(name_of).collect(),
        uids: 0,
    };
    if of_kind(Kind::Namespace).next().is_none() {
        e.put(Kind::Namespace, json!({"metadata": {"name": "default", "labels": {"kubernetes.io/metadata.name": "default"}}}));
    }
    for (kind, o) in &objects {
        e.object(*kind, o).map_err(|f| f.at(&format!("{} {}", kind.name(), name_of(o))))?;
    }
    e.count_budgets()?;
    if era == Era::V1alpha5 {
        era_a::mark_empty(&mut e.out.store, e.now_ms);
    }
    Ok(e.out)
}

pub(crate) fn name_of(o: &Value) -> &str {
    o.str_at("metadata.name").unwrap_or_default()
}

/// An annotation, whose key may have dots.
pub(crate) fn annotation<'o>(o: &'o Value, key: &str) -> Option<&'o str> {
    o.at("metadata.annotations").field(key).as_str()
}

/// Drops the format's own annotations.
pub(crate) fn without_own(o: &mut Value) {
    if let Some(map) = o.slot("metadata.annotations").as_object_mut() {
        map.retain(|k, _| !k.starts_with(PREFIX));
    }
}

impl Expansion<'_> {
    pub fn put(&mut self, kind: Kind, doc: Value) {
        self.out.store.put(kind, doc, SimTime::ZERO);
    }

    fn object(&mut self, kind: Kind, o: &Value) -> Result<(), Fault> {
        match kind {
            Kind::NodePool if self.era == Era::V1alpha5 => self.put(Kind::Provisioner, era_a::provisioner(o)),
            Kind::NodePool => self.pool(o),
            Kind::NodeClaim if self.era == Era::V1alpha5 => self.put(Kind::Machine, era_a::machine(o)),
            Kind::Node => node::expand(self, o)?,
            Kind::Deployment => self.workload(o, "ReplicaSet")?,
            Kind::StatefulSet => self.workload(o, "StatefulSet")?,
            Kind::Pod => self.pod(o.clone(), annotation(o, AGE))?,
            Kind::DaemonSet => {
                let mut o = o.clone();
                let uid = self.uid();
                o.set("metadata.uid", uid);
                default_namespace(&mut o, "kube-system");
                self.put(kind, o);
            }
            Kind::PodDisruptionBudget | Kind::PersistentVolumeClaim => {
                let mut o = o.clone();
                default_namespace(&mut o, "default");
                self.put(kind, o);
            }
            _ => self.put(kind, o.clone()),
        }
        Ok(())
    }

    fn uid(&mut self) -> String {
        self.uids += 1;
        format!("00000000-0000-4000-8000-{:012x}", self.uids)
    }

    /// The timestamp of an age, or of `default_min` minutes ago.
    pub fn born(&self, age: Option<&str>, default_min: i64) -> Result<String, Fault> {
        let ms = match age {
            None => default_min * 60_000,
            Some(text) => {
                let bad = || Fault(format!("annotation {AGE} {text:?} is no duration: write 90s, 30m or 1h30m"));
                duration::parse_go_ms(text).ok_or_else(bad)?
            }
        };
        Ok(time::rfc3339(self.now_ms.saturating_sub(ms)))
    }

    fn pool(&mut self, o: &Value) {
        let mut o = o.clone();
        let defaults = [
            ("spec.disruption.consolidateAfter", json!("0s")),
            ("spec.disruption.consolidationPolicy", json!("WhenEmptyOrUnderutilized")),
            ("spec.template.spec.expireAfter", json!("720h")),
            ("spec.template.spec.nodeClassRef", json!({"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "default"})),
        ];
        for (path, value) in defaults {
            if o.at(path).is_null() {
                o.set(path, value);
            }
        }
        if o.list_at("spec.disruption.budgets").is_empty() {
            o.set("spec.disruption.budgets", json!([{"nodes": "10%"}]));
        }
        self.put(Kind::NodePool, o);
    }

    fn workload(&mut self, o: &Value, kind: &str) -> Result<(), Fault> {
        let name = name_of(o);
        let replicas = o.int_at("spec.replicas").unwrap_or(1);
        let nodes = placement(annotation(o, PLACEMENT).unwrap_or_default())?;
        if i64::try_from(nodes.len()).is_ok_and(|n| n > replicas) {
            return Err(Fault(format!("{PLACEMENT} names {} pods, replicas is {replicas}", nodes.len())));
        }
        let (owner, suffix) = (self.uid(), if kind == "ReplicaSet" { "-rs" } else { "" });
        let mut nodes = nodes.into_iter();
        for i in 0..replicas {
            let mut pod = o.at("spec.template").clone();
            pod.set("metadata.name", format!("{name}-{i}"));
            if let Some(namespace) = o.str_at("metadata.namespace") {
                pod.set("metadata.namespace", namespace);
            }
            let by = json!([{"apiVersion": "apps/v1", "kind": kind, "name": format!("{name}{suffix}"), "uid": owner, "controller": true}]);
            pod.set("metadata.ownerReferences", by);
            if let Some(node) = nodes.next() {
                pod.set("spec.nodeName", node);
            }
            let age = annotation(o, AGE).or_else(|| annotation(o.at("spec.template"), AGE));
            self.pod(pod, age)?;
        }
        Ok(())
    }

    fn pod(&mut self, mut pod: Value, age: Option<&str>) -> Result<(), Fault> {
        default_namespace(&mut pod, "default");
        let bound = pod.str_at("spec.nodeName").is_some_and(|n| !n.is_empty());
        let created = self.born(age, if bound { 30 } else { 1 })?;
        let mut conditions = pod.list_at("status.conditions").to_vec();
        if bound {
            let phase = pod.str_at("status.phase").filter(|p| !p.is_empty()).unwrap_or("Running").to_owned();
            conditions.push(json!({"type": "PodScheduled", "status": "True"}));
            if phase == "Running" {
                conditions.push(json!({"type": "Ready", "status": "True"}));
            }
            pod.set("status.phase", phase);
            pod.set("status.startTime", created.as_str());
        } else {
            conditions.push(json!({"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}));
            pod.set("status.phase", "Pending");
        }
        pod.set("status.conditions", conditions);
        let uid = self.uid();
        pod.set("metadata.uid", uid);
        pod.set("metadata.creationTimestamp", created);
        without_own(&mut pod);
        self.put(Kind::Pod, pod);
        Ok(())
    }

    /// `status.disruptionsAllowed` as the disruption controller of Kubernetes would count it, where it is not given.
    fn count_budgets(&mut self) -> Result<(), Fault> {
        let budgets: Vec<_> = self.out.store.list(Kind::PodDisruptionBudget).cloned().collect();
        for b in budgets {
            let given = |path: &str| b.doc.int_at(path).is_some_and(|n| n != 0);
            let Some(pdb) = b.pdb().filter(|_| !given("status.expectedPods") && !given("status.disruptionsAllowed")) else {
                continue;
            };
            let covers = |p: &objects::Object| {
                p.meta.namespace == b.meta.namespace && pdb.selector.as_ref().is_some_and(|s| s.matches(&p.meta.labels))
            };
            let covered: Vec<bool> =
                self.out.store.list(Kind::Pod).filter(|p| covers(p)).map(|p| p.pod().is_some_and(|p| p.ready)).collect();
            let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
            let expected = count(covered.len());
            let scaled = |v: &str| {
                let bad = |_| Fault(format!("PodDisruptionBudget {}: {v:?} is neither a number nor a percentage", b.meta.name));
                match v.strip_suffix('%') {
                    Some(p) => {
                        p.parse::<i64>().map(|p| (p.saturating_mul(expected).saturating_add(99)).div_euclid(100)).map_err(bad)
                    }
                    None => v.parse().map_err(bad),
                }
            };
            let healthy = count(covered.iter().filter(|r| **r).count());
            let desired = match (&pdb.min_available, &pdb.max_unavailable) {
                (Some(m), _) => scaled(m)?,
                (None, Some(m)) => expected - scaled(m)?,
                (None, None) => 0,
            };
            let mut doc = b.doc.clone();
            doc.set("status.expectedPods", expected);
            doc.set("status.currentHealthy", healthy);
            doc.set("status.desiredHealthy", desired);
            doc.set("status.disruptionsAllowed", (healthy - desired).max(0));
            self.put(Kind::PodDisruptionBudget, doc);
        }
        Ok(())
    }
}

/// The node of each bound pod: `n1=3,n2` is n1 three times, then n2.
fn placement(text: &str) -> Result<Vec<String>, Fault> {
    const MOST: usize = 100_000;
    let mut nodes = Vec::new();
    for part in text.split(',').map(str::trim).filter(|p| !p.is_empty()) {
        let (node, n) = part.split_once('=').unwrap_or((part, "1"));
        let bad = || Fault(format!("{PLACEMENT} {text:?}: {n:?} is no number of pods"));
        let n: usize = n.parse().ok().filter(|n| *n <= MOST).ok_or_else(bad)?;
        nodes.extend(std::iter::repeat_n(node.to_owned(), n));
    }
    Ok(nodes)
}

fn default_namespace(o: &mut Value, namespace: &str) {
    if o.str_at("metadata.namespace").is_none_or(str::is_empty) {
        o.set("metadata.namespace", namespace);
    }
}
