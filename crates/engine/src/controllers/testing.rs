//! A cluster for tests: the store, Karpenter, and nobody else unless the test plays them.

use super::Karpenter;
use crate::SimTime;
use crate::actor::{Action, Actor, View};
use crate::decisions::What;
use crate::pricing::Market;
use crate::profile::Profile;
use crate::store::{Store, exec};
use objects::{DocExt, Era, Kind, Object, ObjectKey, Value, json};
use std::sync::Arc;

pub struct Lab {
    pub store: Store,
    pub market: Market,
    pub profile: Profile,
    pub now: SimTime,
    pub karpenter: Karpenter,
    /// (milliseconds, the line without its time).
    pub logs: Vec<(u64, String)>,
    pub decisions: Vec<What>,
    pub events: Vec<String>,
}

const EPOCH_MS: i64 = 1_690_000_000_000;

impl Lab {
    pub fn new(era: Era) -> Lab {
        let profile = Profile::of(era);
        let mut lab = Lab {
            store: Store::default(),
            market: Market::default(),
            now: SimTime::secs(1),
            karpenter: {
                let mut karpenter = Karpenter::new(&profile);
                karpenter.equip(super::Busy::whole());
                karpenter
            },
            profile,
            logs: Vec::new(),
            decisions: Vec::new(),
            events: Vec::new(),
        };
        // Past the lines of the start.
        lab.run(0);
        lab.logs.clear();
        lab
    }

    pub fn view(&self) -> View<'_> {
        View { store: &self.store, market: &self.market, profile: &self.profile, now: self.now, epoch_ms: EPOCH_MS, seed: 7 }
    }

    /// Does what the API server does, and shows Karpenter the changes.
    pub fn execute(&mut self, action: &Action) -> Result<(), objects::ApiError> {
        let before = self.store.revision();
        let profile = self.profile.clone();
        let ctx = exec::Context { now: self.now, epoch_ms: EPOCH_MS, seed: 7, profile: &profile };
        let result = exec::execute(&mut self.store, &ctx, action);
        let changes: Vec<_> = self.store.changes_since(before).map(|c| c.cloned().collect()).unwrap_or_default();
        for change in changes {
            let mut karpenter = self.karpenter.clone();
            karpenter.observe(&change, &self.view());
            self.karpenter = karpenter;
        }
        result
    }

    pub fn create(&mut self, doc: Value) {
        let text = doc.to_string();
        self.execute(&Action::Create(doc)).unwrap_or_else(|e| panic!("{e}: {text}"));
    }

    pub fn patch(&mut self, kind: Kind, name: &str, patch: Value) {
        self.execute(&Action::Patch { key: ObjectKey::new(kind, "default", name), patch }).unwrap();
    }

    pub fn patch_in(&mut self, namespace: &str, kind: Kind, name: &str, patch: Value) {
        self.execute(&Action::Patch { key: ObjectKey::new(kind, namespace, name), patch }).unwrap();
    }

    /// Karpenter's settings as its era keeps them.
    pub fn settings(&mut self, list: &[(&str, &str)]) {
        self.create(match self.profile.era {
            Era::V1alpha5 => {
                let data = Value::Object(objects::json::map(list.iter().map(|(k, v)| ((*k).to_owned(), Value::from(*v)))));
                json!({"apiVersion": "v1", "kind": "ConfigMap", "data": data,
                       "metadata": {"name": "karpenter-global-settings", "namespace": "karpenter"}})
            }
            Era::V1 => {
                let env: Vec<Value> = list.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
                json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "karpenter", "namespace": "karpenter"},
                       "spec": {"template": {"spec": {"containers": [{"name": "controller", "env": env}]}}}})
            }
        });
    }

    pub fn delete(&mut self, kind: Kind, name: &str) {
        self.execute(&Action::Delete { key: ObjectKey::new(kind, "default", name), grace_s: Some(0) }).unwrap();
    }

    pub fn get(&self, kind: Kind, name: &str) -> Option<&Arc<Object>> {
        self.store.get(&ObjectKey::new(kind, "default", name))
    }

    /// Runs Karpenter until `ms` milliseconds from now.
    pub fn run(&mut self, ms: u64) {
        let until = self.now + ms;
        for _ in 0..100_000 {
            match self.karpenter.wake_at().filter(|t| *t <= until) {
                Some(t) => self.now = self.now.max(t),
                None => {
                    self.now = until;
                    return;
                }
            }
            let mut karpenter = self.karpenter.clone();
            let intents = karpenter.act(&self.view());
            self.karpenter = karpenter;
            for intent in intents {
                match &intent.action {
                    Action::Log(line) => {
                        let text = line.text.replace('\t', " ");
                        let text = match self.profile.era {
                            Era::V1alpha5 => text.split_once(' ').map_or(text.as_str(), |(_, rest)| rest).to_owned(),
                            Era::V1 => text,
                        };
                        self.logs.push((self.now.ms(), text));
                    }
                    Action::Decide(d) => self.decisions.push(d.what.clone()),
                    action => {
                        if let Action::Event(note) = action {
                            self.events.push(format!("{} {}: {}", note.about.kind.name(), note.reason, note.message));
                        }
                        if let Err(error) = self.execute(action) {
                            let mut karpenter = self.karpenter.clone();
                            karpenter.refused(&intent, &error, &self.view());
                            self.karpenter = karpenter;
                        }
                    }
                }
            }
        }
        panic!("Karpenter does not come to rest at {}", self.now);
    }

    /// A pool and its node class with one initialized on-demand m5.xlarge and one pod `app` on it. `settings` are
    /// Karpenter's, `pool` the pool's specification, `claim` what else stands in the claim.
    pub fn one_node(era: Era, settings: &[(&str, &str)], pool: Value, claim_extra: Value) -> Lab {
        let names = super::names::Names::of(era);
        let mut lab = Lab::new(era);
        lab.market = Market::build("ap-northeast-2", era).unwrap();
        lab.settings(settings);
        let object = |kind: Kind, spec: Value| json!({"apiVersion": kind.api_version(), "kind": kind.name(), "metadata": {"name": "default"}, "spec": spec});
        let class = match era {
            Era::V1alpha5 => json!({}),
            Era::V1 => json!({"amiSelectorTerms": [{"alias": "al2023@latest"}], "role": "r"}),
        };
        lab.create(object(names.node_class, class));
        lab.create(object(names.pool, pool));
        lab.run(500);
        let mut instance = instance();
        instance.set("spec.capacityType", "on-demand");
        lab.create(instance);
        let mut claim = launched(era);
        let labels = claim.slot("metadata.labels").as_object_mut().unwrap();
        for (key, value) in [
            ("karpenter.sh/capacity-type", "on-demand"),
            ("node.kubernetes.io/instance-type", "m5.xlarge"),
            ("topology.kubernetes.io/zone", "ap-northeast-2a"),
            ("kubernetes.io/os", "linux"),
            ("kubernetes.io/arch", "amd64"),
        ] {
            labels.insert(key.to_owned(), value.into());
        }
        // What the pool and the class had written on them when the claim was made.
        for kind in [names.pool, names.node_class] {
            for (key, value) in &lab.get(kind, "default").unwrap().meta.annotations {
                claim.slot("metadata").as_object_mut().unwrap().entry("annotations").or_insert(json!({}));
                claim.slot("metadata.annotations").as_object_mut().unwrap().insert(key.clone(), value.as_str().into());
            }
        }
        match era {
            Era::V1alpha5 => claim.set("spec.machineTemplateRef", json!({"name": "default"})),
            Era::V1 => {
                claim.set("spec.nodeClassRef", json!({"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "default"}))
            }
        }
        for (path, value) in claim_extra.as_object().into_iter().flatten() {
            claim.set(path, value.clone());
        }
        lab.create(claim);
        lab.run(1_500);
        lab.create(joined(era));
        lab.run(1_500);
        lab.patch(Kind::Node, NODE, ready());
        lab.create(pod("app", NODE, json!({})));
        lab.run(2_000);
        lab
    }

    pub fn claim(&self) -> Option<&Arc<Object>> {
        self.get(super::names::Names::of(self.profile.era).claim, "default-7xk4p")
    }

    /// The claims that Karpenter has asked the fleet for.
    pub fn requested(&self) -> Vec<String> {
        self.store.list(Kind::FleetRequest).map(|r| r.meta.name.clone()).collect()
    }

    pub fn said(&self, event: &str) -> bool {
        self.events.iter().any(|e| e == event)
    }

    pub fn log_text(&self) -> String {
        self.logs.iter().map(|(_, l)| l.as_str()).collect::<Vec<_>>().join("\n")
    }
}

pub const PROVIDER_ID: &str = "aws:///ap-northeast-2a/i-0a1b2c3d4e5f60718";
pub const NODE: &str = "ip-192-168-3-77.ap-northeast-2.compute.internal";

/// An instance, as the fleet makes it.
pub fn instance() -> Value {
    json!({
        "apiVersion": "cloud.nodewright/v1", "kind": "Instance", "metadata": {"name": "i-0a1b2c3d4e5f60718"},
        "spec": {"instanceType": "m5.xlarge", "zone": "ap-northeast-2a", "capacityType": "spot", "claim": "default-7xk4p",
                 "providerID": PROVIDER_ID, "nodeName": NODE},
        "status": {"state": "running"},
    })
}

/// A claim that is launched, in the era's form.
pub fn launched(era: Era) -> Value {
    let names = super::names::Names::of(era);
    let mut doc = json!({
        "apiVersion": names.claim.api_version(), "kind": names.claim.name(),
        "metadata": {"name": "default-7xk4p", "finalizers": ["karpenter.sh/termination"],
                     "labels": {"type": "karpenter", "karpenter.sh/capacity-type": "spot"}},
        "spec": {"resources": {"requests": {"cpu": "1125m", "pods": "3"}}, "taints": [], "startupTaints": []},
        "status": {"providerID": PROVIDER_ID, "conditions": [
            {"type": names.launched, "status": "True", "lastTransitionTime": "2023-07-22T04:26:41Z"},
        ]},
    });
    doc.slot("metadata.labels").as_object_mut().unwrap().insert(names.pool_label.to_owned(), "default".into());
    doc
}

/// A node that has just joined.
pub fn joined(era: Era) -> Value {
    let mut taints = vec![json!({"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"})];
    if era == Era::V1 {
        taints.push(json!({"key": "karpenter.sh/unregistered", "effect": "NoExecute"}));
    }
    json!({
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE, "labels": {"kubernetes.io/hostname": NODE}},
        "spec": {"providerID": PROVIDER_ID, "taints": taints},
        "status": {"allocatable": {"cpu": "3920m", "memory": "14162Mi", "pods": "58"},
                   "capacity": {"cpu": "4", "memory": "15155Mi", "pods": "58"},
                   "conditions": [{"type": "Ready", "status": "False"}]},
    })
}

/// The patch of a kubelet whose network is up.
pub fn ready() -> Value {
    json!({"spec": {"taints": []}, "status": {"conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2023-07-22T04:27:00Z"}]}})
}

pub fn pod(name: &str, node: &str, extra: Value) -> Value {
    let mut doc = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default", "labels": {"app": "inflate"}},
        "spec": {"nodeName": node, "terminationGracePeriodSeconds": 0,
                 "containers": [{"name": "c", "resources": {"requests": {"cpu": "1"}}}]},
        "status": {"phase": "Running"},
    });
    for (path, value) in extra.as_object().into_iter().flatten() {
        doc.set(path, value.clone());
    }
    doc
}
