//! A cluster of the environment alone, for tests: no Karpenter, and the loop in its plainest form.

use super::Environment;
use crate::actor::{Action, Actor as _, View};
use crate::pricing::Market;
use crate::profile::Profile;
use crate::store::{Store, exec};
use crate::{Era, SimTime};
use objects::{DocExt, Kind, Object, ObjectKey, Value, json};
use std::sync::{Arc, OnceLock};

pub struct Lab {
    pub store: Store,
    market: Arc<Market>,
    profile: Profile,
    pub now: SimTime,
    seed: u64,
    env: Environment,
}

/// Seoul's market, built once for each era: tests make many labs.
fn market(era: Era) -> Arc<Market> {
    static MARKETS: [OnceLock<Arc<Market>>; 2] = [OnceLock::new(), OnceLock::new()];
    MARKETS[usize::from(era == Era::V1)].get_or_init(|| Arc::new(Market::build("ap-northeast-2", era).unwrap())).clone()
}

/// Nanoseconds that this thread has run as Linux counts them, whatever else the machine does; 0 elsewhere.
fn cpu_ns() -> u128 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0)
}

const EPOCH_MS: i64 = 1_690_340_400_000;

impl Lab {
    pub fn new(era: Era, seed: u64) -> Lab {
        let profile = Profile::of(era);
        let mut env = Environment::new(&profile);
        env.equip(crate::environment::Acts::whole());
        let mut lab = Lab { store: Store::default(), market: market(era), profile, now: SimTime::ZERO, seed, env };
        for (name, value) in [("system-node-critical", 2_000_001_000), ("system-cluster-critical", 2_000_000_000), ("high", 1000)]
        {
            lab.create(json!({
                "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name}, "value": value,
            }));
        }
        lab
    }

    /// Calls `f` with the environment and the view of this instant.
    pub fn with<T>(&mut self, f: impl FnOnce(&mut Environment, &View<'_>) -> T) -> T {
        let Lab { store, market, profile, now, seed, env } = self;
        f(env, &View { store, market, profile, now: *now, epoch_ms: EPOCH_MS, seed: *seed })
    }

    fn write(&mut self, action: &Action) -> Result<(), objects::ApiError> {
        let before = self.store.revision();
        let ctx = exec::Context { now: self.now, epoch_ms: EPOCH_MS, seed: self.seed, profile: &self.profile };
        let done = exec::execute(&mut self.store, &ctx, action);
        let changes: Vec<_> = self.store.changes_since(before).into_iter().flatten().cloned().collect();
        self.with(|env, view| {
            for change in changes {
                env.actors_mut().into_iter().for_each(|a| a.observe(&change, view));
            }
        });
        done
    }

    /// Carries an action out and tells the scheduler alone; returns what that took the scheduler, see [`cpu_ns`].
    pub fn tell_scheduler(&mut self, action: &Action) -> u128 {
        let before = self.store.revision();
        let ctx = exec::Context { now: self.now, epoch_ms: EPOCH_MS, seed: self.seed, profile: &self.profile };
        exec::execute(&mut self.store, &ctx, action).unwrap();
        let changes: Vec<_> = self.store.changes_since(before).into_iter().flatten().cloned().collect();
        self.with(|env, view| {
            let began = cpu_ns();
            changes.iter().for_each(|change| env.scheduler.observe(change, view));
            cpu_ns() - began
        })
    }

    /// One step of the scheduler, and what it took.
    pub fn scheduler_step(&mut self) -> (Vec<Action>, u128) {
        self.now = self.now + 4;
        self.with(|env, view| {
            let began = cpu_ns();
            let intents = env.scheduler.act(view);
            let took = cpu_ns() - began;
            (intents.into_iter().map(|i| i.action).collect(), took)
        })
    }

    pub fn act(&mut self, action: Action) {
        self.write(&action).unwrap();
    }

    pub fn create(&mut self, doc: Value) {
        self.act(Action::Create(doc));
    }

    pub fn patch(&mut self, kind: Kind, name: &str, patch: Value) {
        self.act(Action::Patch { key: ObjectKey::new(kind, "default", name), patch });
    }

    pub fn delete(&mut self, kind: Kind, name: &str) {
        self.act(Action::Delete { key: ObjectKey::new(kind, "default", name), grace_s: None });
    }

    pub fn run_s(&mut self, seconds: u64) {
        self.run_ms(seconds * 1000);
    }

    pub fn run_ms(&mut self, ms: u64) {
        let end = self.now + ms;
        loop {
            let due = self.env.actors_mut().iter().enumerate().filter_map(|(i, a)| Some((a.wake_at()?, i))).min();
            let Some((at, index)) = due.filter(|(at, _)| *at <= end) else {
                break;
            };
            self.now = self.now.max(at);
            let intents = self.with(|env, view| env.actors_mut().into_iter().nth(index).map(|a| a.act(view))).unwrap();
            for intent in intents {
                if let Err(error) = self.write(&intent.action) {
                    self.with(|env, view| {
                        let actor = env.actors_mut().into_iter().nth(index);
                        actor.into_iter().for_each(|a| a.refused(&intent, &error, view));
                    });
                    panic!("{:?} was refused: {error}", intent.action);
                }
            }
        }
        self.now = end;
    }

    /// A node without a cloud behind it, ready at once.
    pub fn node(&mut self, name: &str, zone: &str, cpu: &str) {
        self.create(json!({
            "apiVersion": "v1", "kind": "Node",
            "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, "topology.kubernetes.io/zone": zone}},
            "status": {
                "allocatable": {"cpu": cpu, "memory": "16Gi", "pods": "58"},
                "addresses": [{"type": "InternalIP", "address": "192.168.1.10"}],
                "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2023-07-26T03:00:00Z"}],
            },
        }));
    }

    pub fn deployment(&mut self, name: &str, replicas: i64, spec: Value) {
        let mut pod = json!({
            "terminationGracePeriodSeconds": 0,
            "containers": [{"name": name, "image": "pause:3.7", "resources": {"requests": {"cpu": "1"}}}],
        });
        objects::patch::merge(&mut pod, &spec);
        self.create(json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "default"},
            "spec": {
                "replicas": replicas, "selector": {"matchLabels": {"app": name}},
                "template": {"metadata": {"labels": {"app": name}}, "spec": pod},
            },
        }));
    }

    /// (pod, node) of the pods of an app, by name; the node is empty while a pod is pending.
    pub fn placed(&self, app: &str) -> Vec<(Arc<Object>, String)> {
        let of = |p: &&Arc<Object>| p.meta.labels.get("app").is_some_and(|a| a == app);
        let node = |p: &Arc<Object>| p.pod().map(|p| p.node_name.clone()).unwrap_or_default();
        self.store.list(Kind::Pod).filter(of).map(|p| (p.clone(), node(p))).collect()
    }

    /// Pods of an app by node, most first.
    pub fn split(&self, app: &str) -> Vec<usize> {
        let mut counts: objects::collections::VecMap<String, usize> = Default::default();
        for node in self.store.list(Kind::Node) {
            counts.insert(node.meta.name.clone(), 0);
        }
        for (_, node) in self.placed(app) {
            *counts.entry(node).or_insert(0) += 1;
        }
        let mut list: Vec<usize> = counts.into_values().collect();
        list.sort_unstable_by(|a, b| b.cmp(a));
        list
    }

    /// Messages of the events with a reason, in the order of their first occurrence.
    pub fn said(&self, reason: &str) -> Vec<String> {
        let mut found: Vec<(u64, String)> = self
            .store
            .list(Kind::Event)
            .filter(|e| e.doc.str_at("reason") == Some(reason))
            .map(|e| (e.meta.resource_version, e.doc.str_at("message").unwrap_or_default().to_owned()))
            .collect();
        found.sort();
        found.into_iter().map(|(_, m)| m).collect()
    }

    pub fn get(&self, kind: Kind, name: &str) -> Option<&Arc<Object>> {
        self.store.get(&ObjectKey::new(kind, "default", name))
    }
}
