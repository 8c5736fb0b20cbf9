//! What the pods of a trace need to run in another cluster: without what was left behind there, and for as long as they ran.

use super::trace::Trace;
use super::{ENDING, Named, kind_of, template_path};
use objects::{DocExt, Kind, Value, json};
use std::collections::BTreeSet;

const RUN_SECONDS: &str = "nodewright.dev/run-seconds";

/// What the trace brings with it, and what its pods rely on.
pub struct Lent {
    /// `Kind namespace/name` of all that the trace makes.
    made: BTreeSet<String>,
    named: Named,
    lifetimes: Vec<(String, String, i64)>,
}

impl Lent {
    pub fn of(trace: &Trace) -> Lent {
        let made = trace.events.iter().flat_map(|e| &e.applied).map(|d| key(d.str_at("kind"), d, d.str_at("metadata.name")));
        let mut named = Named::new();
        for kind in [Kind::PriorityClass, Kind::PersistentVolumeClaim, Kind::ServiceAccount] {
            named.insert(kind, trace.applied(kind).into_iter().map(str::to_owned).collect());
        }
        let median = |all: &Vec<i64>| {
            let mut all = all.clone();
            all.sort_unstable();
            all.get(all.len() / 2).copied()
        };
        let lifetimes = trace.lifetimes.iter().filter_map(|(k, n, all)| Some((k.clone(), n.clone(), median(all)?))).collect();
        Lent { made: made.collect(), named, lifetimes }
    }

    pub fn notes(&self) -> Vec<String> {
        match self.lifetimes.is_empty() {
            true => Vec::new(),
            false => vec![
                "pods of Jobs and CronJobs, and pods of their own, run for the median of what the trace says of their owner"
                    .to_owned(),
            ],
        }
    }

    pub fn is_made_by_another(&self, doc: &Value) -> bool {
        let owners = doc.list_at("metadata.ownerReferences").iter().filter(|o| o.bool_at("controller").unwrap_or(false));
        owners.into_iter().any(|o| self.made.contains(&key(o.str_at("kind"), doc, o.str_at("name"))))
    }

    /// The document as it can be applied elsewhere.
    pub fn clean(&self, doc: &Value) -> Value {
        let mut doc = doc.clone();
        doc.remove_at("status");
        for field in [
            "uid",
            "resourceVersion",
            "generation",
            "creationTimestamp",
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
            "managedFields",
            "selfLink",
            "ownerReferences",
            "finalizers",
        ] {
            doc.remove_at(&format!("metadata.{field}"));
        }
        let Some((kind, path)) = kind_of(&doc).and_then(|k| Some((k, template_path(k)?))) else { return doc };
        let within = |rest: &str| if path.is_empty() { rest.to_owned() } else { format!("{path}.{rest}") };
        doc.remove_at(&within("metadata.creationTimestamp"));
        let spec = self.pod_spec(doc.at(&within("spec")));
        doc.set(&within("spec"), spec);
        if let Some(seconds) = self.lifetime(&doc).filter(|_| ENDING.contains(&kind)) {
            let place = within("metadata.annotations");
            let mut annotations = doc.at(&place).as_object().cloned().unwrap_or_default();
            annotations.insert(RUN_SECONDS.to_owned(), Value::from(seconds.to_string()));
            doc.set(&place, Value::Object(annotations));
        }
        doc
    }

    fn lifetime(&self, doc: &Value) -> Option<i64> {
        let gvk = format!("{}.{}", doc.str_at("apiVersion")?, doc.str_at("kind")?);
        let name = format!("{}/{}", doc.str_at("metadata.namespace").unwrap_or_default(), doc.str_at("metadata.name")?);
        self.lifetimes.iter().find(|(k, n, _)| *k == gvk && *n == name).map(|(.., seconds)| *seconds)
    }

    fn has(&self, kind: Kind, name: Option<&str>) -> bool {
        name.is_some_and(|n| self.named.get(&kind).is_some_and(|all| all.contains(n)))
    }

    /// A pod's spec without its place, its account, and the class and volumes that the trace does not bring.
    fn pod_spec(&self, spec: &Value) -> Value {
        let mut spec = spec.clone();
        for field in ["nodeName", "imagePullSecrets", "priority", "preemptionPolicy"] {
            spec.remove_at(field);
        }
        if !self.has(Kind::ServiceAccount, spec.str_at("serviceAccountName")) {
            spec.remove_at("serviceAccountName");
            spec.remove_at("serviceAccount");
        }
        let class = spec.str_at("priorityClassName");
        if !class.is_some_and(|c| c.starts_with("system-")) && !self.has(Kind::PriorityClass, class) {
            spec.remove_at("priorityClassName");
        }
        let stays = |v: &&Value| match v.str_at("persistentVolumeClaim.claimName") {
            Some(claim) => self.has(Kind::PersistentVolumeClaim, Some(claim)),
            None => ["secret", "projected", "configMap", "csi"].iter().all(|source| v.at(source).is_null()),
        };
        let volumes: Vec<Value> = spec.list_at("volumes").iter().filter(stays).cloned().collect();
        let names: BTreeSet<String> = volumes.iter().filter_map(|v| v.str_at("name").map(str::to_owned)).collect();
        for list in ["containers", "initContainers"] {
            let with_mounts = |c: &Value| {
                let mut c = c.clone();
                for field in ["volumeMounts", "volumeDevices"] {
                    let there = |m: &&Value| m.str_at("name").is_some_and(|n| names.contains(n));
                    let mounts: Vec<Value> = c.list_at(field).iter().filter(there).cloned().collect();
                    set_or_remove(&mut c, field, mounts);
                }
                for field in ["env", "envFrom"] {
                    c.remove_at(field);
                }
                c
            };
            let containers: Vec<Value> = spec.list_at(list).iter().map(with_mounts).collect();
            set_or_remove(&mut spec, list, containers);
        }
        set_or_remove(&mut spec, "volumes", volumes);
        spec
    }
}

fn set_or_remove(doc: &mut Value, field: &str, all: Vec<Value>) {
    match all.is_empty() {
        true => doc.remove_at(field),
        false => doc.set(field, json!(all)),
    }
}

fn key(kind: Option<&str>, of: &Value, name: Option<&str>) -> String {
    let namespace = of.str_at("metadata.namespace").unwrap_or_default();
    format!("{} {namespace}/{}", kind.unwrap_or_default(), name.unwrap_or_default())
}
