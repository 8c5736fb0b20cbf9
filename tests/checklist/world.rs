//! Cases about a whole cluster: requests as people make them, simulated time, and what is there afterwards.
//!
//! The cluster is the lab's: two managed nodes (cordoned at first, so that pods need others) and Karpenter with a node
//! class and no pool. `env=NAME=VALUE` in a heading is a setting of Karpenter's. `$n1` stands for the name of the node that a case calls n1, `@n1` for its claim, `%web` for the
//! first pod of web.

use super::case::{Case, duration, value};
use super::shorthand::Short;
use engine::session::{CloudEvent, Request, Validation, World};
use engine::store::exec;
use engine::{Era, Scenario, Session};
use objects::collections::VecMap;
use objects::{DocExt, Kind, Object, ObjectKey, Value, json};
use std::cell::RefCell;
use std::sync::Arc;

pub type Done = Result<(), String>;

pub struct Lab {
    pub world: World,
    pub short: Short,
    /// Claims and nodes by the names that the case gives them.
    claims: VecMap<String, String>,
    nodes: VecMap<String, String>,
    /// Log lines before the case began.
    skip: usize,
}

thread_local! {
    /// By era, seed and Karpenter's environment.
    static STARTS: RefCell<VecMap<(char, u64, String), World>> = RefCell::default();
}

const REGION: &str = "ap-northeast-2";

fn start(case: &Case) -> World {
    let seed: u64 = case.option("seed").map_or(1, |s| s.parse().unwrap());
    let env = case.option("env").unwrap_or_default();
    STARTS.with(|starts| {
        let key = (case.era, seed, env.to_owned());
        if let Some(world) = starts.borrow().get(&key) {
            return world.clone();
        }
        let e = era_of(case.era);
        let mut scenario = Scenario::named("karpenter-basics", e, seed, REGION).unwrap();
        scenario.docs.retain(|d| d.str_at("kind") != Some(Kind::pool(e).name()));
        if let Some((name, value)) = env.split_once('=') {
            scenario.docs.iter_mut().for_each(|d| set_env(d, name, value));
        }
        let mut world = Session::new(scenario).unwrap().world().clone();
        let nodes: Vec<ObjectKey> = world.cluster.store.list(Kind::Node).map(|n| n.key()).collect();
        for key in nodes {
            let patch = json!({"spec": {"unschedulable": true}});
            world.request(&Request::Patch { key, patch, style: engine::session::PatchStyle::Merge, dry_run: false }).unwrap();
        }
        let until = world.now() + 1_000;
        world.run_to(until);
        starts.borrow_mut().insert(key, world.clone());
        world
    })
}

/// Writes a setting where the era keeps it: into the global settings or Karpenter's Deployment.
fn set_env(doc: &mut Value, name: &str, value: &str) {
    if doc.str_at("metadata.name") == Some("karpenter-global-settings") {
        if let Some(data) = doc.slot("data").as_object_mut() {
            data.insert(name.to_owned(), value.into());
        }
        return;
    }
    if doc.str_at("kind") != Some("Deployment") || doc.str_at("metadata.name") != Some("karpenter") {
        return;
    }
    let containers = doc.slot("spec.template.spec.containers").as_array_mut().unwrap();
    for c in containers {
        let mut env = c.list_at("env").to_vec();
        env.retain(|e| e.str_at("name") != Some(name));
        env.push(json!({"name": name, "value": value}));
        c.set("env", env);
    }
}

pub fn era_of(era: char) -> Era {
    if era == 'a' { Era::V1alpha5 } else { Era::V1 }
}

pub fn run(case: &Case) -> Done {
    let world = start(case);
    let mut lab = Lab {
        skip: world.logs.share().len(),
        short: Short { era: era_of(case.era), region: REGION },
        claims: VecMap::new(),
        nodes: VecMap::new(),
        world,
    };
    let base: Vec<String> = lab.world.cluster.store.list(Kind::Node).map(|n| n.meta.name.clone()).collect();
    for (i, name) in base.into_iter().enumerate() {
        lab.nodes.insert(format!("base{}", i + 1), name);
    }
    for (line, step) in &case.steps {
        lab.step(step).map_err(|e| format!("line {line}: {step}\n  {e}\n{}", lab.dump()))?;
    }
    Ok(())
}

pub fn ensure(ok: bool, why: impl FnOnce() -> String) -> Done {
    if ok { Ok(()) } else { Err(why()) }
}

pub fn split(text: &str) -> (&str, &str) {
    let (a, b) = text.split_once(' ').unwrap_or((text, ""));
    (a, b.trim())
}

impl Lab {
    pub fn era(&self) -> Era {
        self.short.era
    }

    pub fn store(&self) -> &engine::Store {
        &self.world.cluster.store
    }

    fn pass(&mut self, ms: u64) {
        let until = self.world.now() + ms;
        self.world.run_to(until);
    }

    /// Names in the place of `$n1`, `@n1` and `%web`.
    fn fill(&self, text: &str) -> String {
        let mut out = text.to_owned();
        for (alias, name) in &self.nodes {
            out = replace_word(&out, &format!("${alias}"), name);
        }
        for (alias, name) in &self.claims {
            out = replace_word(&out, &format!("@{alias}"), name);
        }
        while let Some(at) = out.find('%').filter(|at| out[at + 1..].starts_with(|c: char| c.is_ascii_lowercase())) {
            let word: String = out[at + 1..].chars().take_while(|c| c.is_ascii_alphanumeric() || "-.".contains(*c)).collect();
            let (app, n) = word.split_once('.').unwrap_or((&word, "0"));
            let pods = self.pods(app);
            let pod = n.parse::<usize>().ok().and_then(|n| pods.get(n)).map_or("none".to_owned(), |p| p.meta.name.clone());
            out.replace_range(at..=at + word.len(), &pod);
        }
        out
    }

    pub fn pods(&self, app: &str) -> Vec<&Arc<Object>> {
        let named = |p: &&Arc<Object>| p.meta.labels.get("app").is_some_and(|a| a == app);
        self.store().list(Kind::Pod).filter(named).collect()
    }

    pub fn karpenter_nodes(&self) -> Vec<&Arc<Object>> {
        self.store().list(Kind::Node).filter(|n| n.meta.labels.contains_key(self.short.pool_label())).collect()
    }

    pub fn log(&self) -> Vec<String> {
        self.world.logs.share().iter().skip(self.skip).map(|l| l.text.replace('\t', " ")).collect()
    }

    pub fn events(&self) -> Vec<String> {
        let text = |e: &Arc<Object>| {
            let of = |path: &str| e.doc.str_at(path).unwrap_or_default().to_owned();
            format!("{}/{} {} {}", of("involvedObject.kind"), of("involvedObject.name"), of("reason"), of("message"))
        };
        self.store().list(Kind::Event).map(text).collect()
    }

    /// The nodes, the last log lines and events, where the environment asks for them.
    fn dump(&self) -> String {
        if std::env::var_os("CHECKLIST_DUMP").is_none() {
            return String::new();
        }
        let nodes: Vec<String> = self
            .karpenter_nodes()
            .iter()
            .map(|n| {
                let kind = n.meta.labels.get("node.kubernetes.io/instance-type").cloned().unwrap_or_default();
                let pods: Vec<&str> = self.store().pods_on(&n.meta.name).map(|p| p.meta.name.as_str()).collect();
                format!("  {} {kind} {}", n.meta.name, pods.join(" "))
            })
            .collect();
        let log = self.log();
        let tail = log.len().saturating_sub(25);
        let events: Vec<String> = self.events().into_iter().filter(|e| !e.contains("Pull") && !e.contains("Created")).collect();
        let tail_events = events.len().saturating_sub(25);
        let decisions: Vec<String> = self.world.decisions.share().iter().map(|d| format!("{} {:?}", d.about, d.what)).collect();
        let tail_decisions = decisions.len().saturating_sub(12);
        [nodes.as_slice(), &log[tail..], &events[tail_events..], &decisions[tail_decisions..]].concat().join("\n")
    }

    fn kind(&self, text: &str) -> Result<Kind, String> {
        match text {
            "pool" => Ok(Kind::pool(self.era())),
            "claim" => Ok(Kind::claim(self.era())),
            "class" => Ok(Kind::node_class(self.era())),
            "fleet" => Ok(Kind::FleetRequest),
            "instance" => Ok(Kind::Instance),
            other => Kind::parse(other, self.era()).ok_or_else(|| format!("no kind {other}")),
        }
    }

    /// `KIND NAME` or `KIND NAMESPACE/NAME`; a node may go by its alias.
    pub fn key(&self, kind: &str, name: &str) -> Result<ObjectKey, String> {
        let kind = self.kind(kind)?;
        let name = match kind {
            Kind::Node => self.nodes.get(name).map_or(name, String::as_str),
            Kind::NodeClaim | Kind::Machine | Kind::FleetRequest => self.claims.get(name).map_or(name, String::as_str),
            Kind::Instance => &self.instance(name)?,
            _ => name,
        };
        if !kind.namespaced() {
            return Ok(ObjectKey::cluster(kind, name));
        }
        let (ns, name) = name.split_once('/').unwrap_or(("default", name));
        Ok(ObjectKey::new(kind, ns, name))
    }

    fn request(&mut self, request: &Request) -> Done {
        self.world.request(request).map(|_| ()).map_err(|e| e.message)
    }

    fn apply(&mut self, doc: Value) -> Done {
        self.request(&Request::Apply { doc, dry_run: false, validation: Validation::Strict })
    }

    fn force(&mut self, key: &ObjectKey, patch: &Value) -> Done {
        self.world.internal(|store, ctx| exec::patch(store, ctx, key, patch).map(|_| ())).map_err(|e| e.message)
    }

    fn cordon(&mut self, key: ObjectKey, on: bool) -> Done {
        let patch = json!({"spec": {"unschedulable": if on { Value::Bool(true) } else { Value::Null }}});
        self.request(&Request::Patch { key, patch, style: engine::session::PatchStyle::Merge, dry_run: false })
    }

    fn step(&mut self, text: &str) -> Done {
        let filled = self.fill(text);
        let (verb, rest) = split(&filled);
        let (name, tail) = split(rest);
        match verb {
            "pool" => self.apply(self.short.pool(name, &value(tail)?)),
            "deploy" | "sts" | "job" | "ds" | "pod" => self.workload(verb, name, tail),
            // A budget over an app's pods: `pdb web {minAvailable: 1}`.
            "pdb" => {
                let mut doc = json!({"spec": value(tail)?});
                doc.set("spec.selector", json!({"matchLabels": {"app": name.split('.').next()}}));
                super::shorthand::head(&mut doc, Kind::PodDisruptionBudget, name);
                self.apply(doc)
            }
            "node" => {
                self.claim(name, tail)?;
                self.until(180_000, &format!("is claim {name} status.conditions[type={}].status \"True\"", self.initialized()))?;
                self.alias(name, name)
            }
            "claim" => self.claim(name, tail),
            // Several nodes at once: `fleet 3 {type: m5.large}` makes n1, n2 and n3.
            "fleet" => {
                let n: usize = name.parse().map_err(|_| "no number")?;
                for i in 1..=n {
                    self.claim(&format!("n{i}"), tail)?;
                }
                for i in 1..=n {
                    self.until(
                        180_000,
                        &format!("is claim n{i} status.conditions[type={}].status \"True\"", self.initialized()),
                    )?;
                    self.alias(&format!("n{i}"), &format!("n{i}"))?;
                }
                Ok(())
            }
            // Calls the node of an app's first pod by a name.
            "alias" => {
                let pods = self.pods(tail);
                let node = pods.iter().find_map(|p| p.pod().map(|p| p.node_name.clone()).filter(|n| !n.is_empty()));
                let node = node.ok_or_else(|| format!("no pod of {tail} is bound"))?;
                let claims = self.store().list(Kind::claim(self.era()));
                let claim = claims.into_iter().find(|c| c.claim().is_some_and(|c| c.node_name == node));
                if let Some(claim) = claim.map(|c| c.meta.name.clone()) {
                    self.claims.insert(name.to_owned(), claim);
                }
                self.nodes.insert(name.to_owned(), node);
                Ok(())
            }
            // Calls the claim that is neither known nor the base's by a name.
            "newclaim" => {
                let known = |n: &str| self.claims.values().any(|c| c == n);
                let found =
                    self.store().list(Kind::claim(self.era())).find(|c| !known(&c.meta.name)).map(|c| c.meta.name.clone());
                let found = found.ok_or("no new claim")?;
                self.claims.insert(name.to_owned(), found.clone());
                Ok(())
            }
            "renode" => self.alias(name, name),
            "scale" => {
                let replicas = tail.parse().map_err(|_| "no number")?;
                let (kind, name) = name.split_once('/').unwrap_or(("deploy", name));
                self.request(&Request::Scale { key: self.key(kind, name)?, replicas, dry_run: false })
            }
            "delete" => self.request(&Request::Delete { key: self.key(name, tail)?, grace_s: None, dry_run: false }),
            "kill" => self.request(&Request::Delete { key: self.key(name, tail)?, grace_s: Some(0), dry_run: false }),
            "evict" => self.request(&Request::Evict { pod: self.key("pod", name)?, grace_s: None, dry_run: false }),
            "interrupt" => {
                let node = self.key("node", name)?.name;
                self.request(&Request::InterruptSpot { node })
            }
            // What goes wrong in the cloud: `cloud {cloud: scheduled-change, node: $n1}`.
            "cloud" => self.request(&Request::Cloud(CloudEvent::read(&value(rest)?)?)),
            // The instance behind a node ends without a word.
            "lose" => {
                let id = self.instance(name)?;
                let key = ObjectKey::cluster(Kind::Instance, &id);
                self.world.internal(|store, ctx| exec::delete(store, ctx, &key, None).map(|_| ())).map_err(|e| e.message)
            }
            "cordon" => self.cordon(self.key("node", name)?, true),
            "uncordon" => self.cordon(self.key("node", name)?, false),
            "patch" => {
                let (name_, patch) = split(tail);
                let (key, patch) = (self.key(name, name_)?, value(patch)?);
                self.request(&Request::Patch { key, patch, style: engine::session::PatchStyle::Merge, dry_run: false })
            }
            // What only the cluster itself writes: a kubelet's status, the cloud's records.
            "force" => {
                let (name_, patch) = split(tail);
                let (key, patch) = (self.key(name, name_)?, value(patch)?);
                self.force(&key, &patch)
            }
            "apply" => {
                let doc = value(rest)?;
                self.apply(doc)
            }
            "wait" => {
                self.pass(duration(rest)?);
                Ok(())
            }
            "until" => self.until(duration(name)?, tail),
            "hold" => {
                let end = self.world.now() + duration(name)?;
                while self.world.now() < end {
                    self.pass(1_000);
                    self.expect(tail)?;
                }
                Ok(())
            }
            _ => self.expect(&filled),
        }
    }

    /// The instance of a claim.
    fn instance(&self, claim: &str) -> Result<String, String> {
        let key = self.key("claim", claim)?;
        let id = self.store().get(&key).and_then(|c| c.claim().map(|c| c.provider_id.clone())).unwrap_or_default();
        id.rsplit('/').next().filter(|id| !id.is_empty()).map(str::to_owned).ok_or_else(|| format!("{claim} has no instance"))
    }

    fn initialized(&self) -> &'static str {
        if self.era() == Era::V1 { "Initialized" } else { "MachineInitialized" }
    }

    fn claim(&mut self, name: &str, tail: &str) -> Done {
        let doc = self.short.claim(name, &value(tail)?);
        self.claims.insert(name.to_owned(), name.to_owned());
        self.request(&Request::Create { doc, dry_run: false, validation: Validation::Strict })
    }

    fn alias(&mut self, alias: &str, claim: &str) -> Done {
        let key = self.key("claim", claim)?;
        let node = self.store().get(&key).and_then(|c| c.claim().map(|c| c.node_name.clone())).unwrap_or_default();
        ensure(!node.is_empty(), || format!("claim {claim} has no node"))?;
        self.nodes.insert(alias.to_owned(), node);
        Ok(())
    }

    /// A workload; `at: n1` keeps all other nodes closed until its pods are bound.
    fn workload(&mut self, verb: &str, name: &str, tail: &str) -> Done {
        let kind = match verb {
            "deploy" => Kind::Deployment,
            "sts" => Kind::StatefulSet,
            "job" => Kind::Job,
            "ds" => Kind::DaemonSet,
            _ => Kind::Pod,
        };
        let (replicas, map) = match kind {
            Kind::Pod | Kind::DaemonSet => (1, tail),
            _ => {
                let (n, map) = split(tail);
                (n.parse::<i64>().map_err(|_| format!("no number: {n}"))?, map)
            }
        };
        let v = value(map)?;
        let doc = self.short.workload(kind, name, replicas, &v);
        let Some(on) = v.str_at("at").map(str::to_owned) else { return self.apply(doc) };
        let target = self.key("node", &on)?;
        let open = |n: &Arc<Object>| !n.doc.bool_at("spec.unschedulable").unwrap_or(false);
        let others: Vec<ObjectKey> =
            self.store().list(Kind::Node).filter(|n| open(n) && n.meta.name != target.name).map(|n| n.key()).collect();
        for key in &others {
            self.cordon(key.clone(), true)?;
        }
        self.apply(doc)?;
        self.until(20_000, &format!("onnode {name} {on} {replicas}"))?;
        for key in others {
            self.cordon(key, false)?;
        }
        self.until(10_000, &format!("ready {name} {replicas}"))
    }

    fn until(&mut self, ms: u64, expectation: &str) -> Done {
        let end = self.world.now() + ms;
        loop {
            match self.expect(expectation) {
                Ok(()) => return Ok(()),
                Err(why) if self.world.now() >= end => return Err(why),
                Err(_) => self.pass(500),
            }
        }
    }
}

fn replace_word(text: &str, word: &str, by: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(word) {
        let after = at + word.len();
        let ends = rest[after..].chars().next().is_none_or(|c| !c.is_ascii_alphanumeric());
        out.push_str(&rest[..at]);
        out.push_str(if ends { by } else { word });
        rest = &rest[after..];
    }
    out + rest
}
