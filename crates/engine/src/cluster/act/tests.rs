//! Karpenter's controllers beside a simulated API server instead of inside it must do the same.

use super::deputy::{Answer, Choices, Deputy, Said};
use super::own::FleetKind;
use super::warrant::{Step, Warrant};
use crate::Action;
use crate::Era;
use crate::decisions::{Decision, What};
use crate::session::{PatchStyle, Request, Scenario, Session, Validation, World};
use crate::store::{Op, exec};
use objects::collections::VecSet;
use objects::{ApiError, DocExt, Kind, ObjectKey, Value, json};

const BASE_MS: i64 = 1_790_000_000_000;
const BOOT_MS: u64 = 5_000;
const STEP_MS: u64 = 50;

fn node(zone: &str) -> Value {
    let name = format!("base-{zone}");
    json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": {"name": name, "labels": {
            "kubernetes.io/hostname": name, "kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux",
            "node.kubernetes.io/instance-type": "m5.large", "topology.kubernetes.io/region": "ap-northeast-2",
            "topology.kubernetes.io/zone": format!("ap-northeast-2{zone}")}},
        "spec": {"taints": [{"key": "base", "effect": "NoSchedule"}]},
        "status": {
            "capacity": {"cpu": "2", "memory": "8Gi", "pods": "29"},
            "allocatable": {"cpu": "1930m", "memory": "7Gi", "pods": "29"}}
    })
}

fn pool() -> Value {
    json!({
        "apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": {"name": "default"},
        "spec": {
            "disruption": {"consolidationPolicy": "WhenEmptyOrUnderutilized", "consolidateAfter": "0s", "budgets": [{"nodes": "100%"}]},
            "template": {"spec": {
                "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "default"},
                "requirements": [
                    {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["on-demand"]},
                    {"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["c5.large", "m5.large", "m5.xlarge"]}]}}}
    })
}

fn inflate() -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "inflate", "namespace": "default"},
        "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "inflate"}}, "template": {
            "metadata": {"labels": {"app": "inflate"}},
            "spec": {"terminationGracePeriodSeconds": 0, "containers": [
                {"name": "inflate", "image": "pause:3.7", "resources": {"requests": {"cpu": "1"}}}]}}}
    })
}

/// A cluster without Karpenter, and a deputy that looks after it from outside.
struct Bench {
    world: World,
    deputy: Deputy,
    seen: u64,
    decisions: Vec<Decision>,
    lines: Vec<String>,
    /// What is refused, once each: the kind of write and the error.
    faults: Vec<(&'static str, ApiError)>,
    /// A saved plan, and how it ended.
    warrant: Option<Warrant>,
    ended: Option<Result<(), String>>,
}

impl Bench {
    fn new() -> Bench {
        let manifests = [node("a"), node("b"), node("c"), pool(), inflate()];
        let session = Session::new(Scenario::kwok(&manifests, None, 1, BASE_MS, 60_000)).unwrap();
        let world = session.world().clone();
        let docs: Vec<(Kind, Value)> =
            world.cluster.store.all().filter(|o| !o.kind.is_internal()).map(|o| (o.kind, o.doc.clone())).collect();
        let served: VecSet<Kind> = Kind::ALL.iter().copied().filter(|k| *k != Kind::EC2NodeClass && !k.is_internal()).collect();
        let choices = Choices {
            at_ms: world.cluster.view().unix_ms(),
            seed: 7,
            region: None,
            fleet: FleetKind::Kwok,
            types: None,
            boot_ms: Some(BOOT_MS),
            identity: "test".to_owned(),
            served,
        };
        let (deputy, notes) = Deputy::new(docs, Era::V1, &choices);
        assert_eq!(notes, Vec::<String>::new());
        let seen = world.cluster.store.revision();
        Bench { world, deputy, seen, decisions: Vec::new(), lines: Vec::new(), faults: Vec::new(), warrant: None, ended: None }
    }

    fn show(&mut self) {
        let changes: Vec<_> = self.world.cluster.store.changes_since(self.seen).unwrap().cloned().collect();
        self.seen = self.world.cluster.store.revision();
        for change in changes.iter().filter(|c| !c.kind().is_internal()) {
            match change.op {
                Op::Deleted => self.deputy.lose(&change.key(), &change.object.meta.uid),
                _ => self.deputy.see(change.kind(), change.object.doc.clone()),
            }
        }
    }

    fn carry_out(&mut self, action: &Action) -> Result<Answer, ApiError> {
        let word = match action {
            Action::Create(_) => "create",
            Action::Patch { patch, .. } if !patch.at("status.providerID").is_null() => "launched",
            Action::Patch { .. } => "patch",
            Action::Delete { .. } => "delete",
            _ => "other",
        };
        if let Some(at) = self.faults.iter().position(|(w, _)| *w == word) {
            return Err(self.faults.remove(at).1);
        }
        self.world.internal(|store, ctx| exec::execute(store, ctx, action))?;
        let key = super::deputy::key_of(action);
        Ok(match key.map(|key| self.world.cluster.store.get(&key).cloned()) {
            Some(Some(object)) => Answer::Object(object.doc.clone()),
            Some(None) => Answer::Gone,
            None => Answer::Done,
        })
    }

    fn run(&mut self, ms: u64) {
        let end = self.world.now() + ms;
        while self.world.now() < end {
            let next = self.world.now() + STEP_MS;
            self.world.run_to(next);
            self.show();
            let now_ms = self.world.cluster.view().unix_ms();
            while self.ended.is_none() {
                self.ended = self.warrant.as_mut().and_then(|w| w.ended(&self.deputy, now_ms));
                let turn = match &mut self.warrant {
                    Some(warrant) => warrant.turn(&mut self.deputy, now_ms),
                    None => self.deputy.turn(now_ms),
                };
                let Some(turn) = turn.filter(|_| self.ended.is_none()) else { break };
                for intent in &turn.intents {
                    let answer = self.carry_out(&intent.action);
                    self.deputy.answered(&turn, intent, answer);
                }
                self.show();
            }
            for said in self.deputy.take_said() {
                match said {
                    Said::Decision(decision) => self.decisions.push(decision),
                    Said::Log(line) => self.lines.push(line.text),
                }
            }
        }
    }

    fn scale(&mut self, replicas: i64) {
        let key = ObjectKey::new(Kind::Deployment, "default", "inflate");
        self.world.request(&Request::Scale { key, replicas, dry_run: false }).unwrap();
    }

    fn types(&self) -> Vec<String> {
        types(&self.world)
    }
}

fn types(world: &World) -> Vec<String> {
    let nodes = world.cluster.store.list(Kind::Node).filter(|n| !n.meta.name.starts_with("base-"));
    let mut types: Vec<String> = nodes.filter_map(|n| n.meta.labels.get("node.kubernetes.io/instance-type").cloned()).collect();
    types.sort();
    types
}

/// Decisions in words that two runs share.
fn gist(decisions: &[Decision]) -> Vec<String> {
    let one = |d: &Decision| match &d.what {
        // How many types there are at all depends on the zones in use.
        What::Launch { pool, pods, funnel, cheapest, .. } => {
            Some(format!("launch {pool} {} {:?} {cheapest:?}", pods.len(), funnel.get(1..)))
        }
        What::Fleet { instance_type, capacity_type, .. } => Some(format!("fleet {instance_type} {capacity_type}")),
        What::Disrupt { method, action, nodes, replacement_types, .. } => {
            Some(format!("{method} {action} {} {replacement_types:?}", nodes.len()))
        }
        _ => None,
    };
    decisions.iter().filter_map(one).collect()
}

/// The same steps in one simulation: what Karpenter decides in it, and the types of its nodes after each step.
fn simulated(seed: u64, steps: &[(i64, u64)]) -> (Vec<String>, Vec<Vec<String>>) {
    let mut session = Session::new(Scenario::lab(Era::V1, seed)).unwrap();
    let (dry_run, validation) = (false, Validation::Strict);
    let key = ObjectKey::cluster(Kind::NodePool, "default");
    let patch = json!({"spec": pool().at("spec")});
    session.request("", Request::Patch { key, patch, style: PatchStyle::Merge, dry_run }).unwrap();
    session.request("", Request::Apply { doc: inflate(), dry_run, validation }).unwrap();
    let mut after = Vec::new();
    for (replicas, seconds) in steps {
        let key = ObjectKey::new(Kind::Deployment, "default", "inflate");
        session.request("", Request::Scale { key, replicas: *replicas, dry_run }).unwrap();
        session.advance_to(session.now() + seconds * 1000);
        let owned = |n: &&std::sync::Arc<objects::Object>| n.meta.labels.contains_key("karpenter.sh/nodepool");
        let store = &session.world().cluster.store;
        let label = |n: &std::sync::Arc<objects::Object>| n.meta.labels.get("node.kubernetes.io/instance-type").cloned();
        let mut types: Vec<String> = store.list(Kind::Node).filter(owned).filter_map(label).collect();
        types.sort();
        after.push(types);
    }
    let decisions: Vec<Decision> = session.world().decisions.share().iter().map(|d| (**d).clone()).collect();
    (gist(&decisions), after)
}

const STEPS: [(i64, u64); 5] = [(5, 120), (0, 200), (12, 120), (7, 240), (0, 200)];

/// Which of equal pods a ReplicaSet gives up is drawn, and what is consolidated follows from it: one of some simulations that
/// draw differently has to be the same to the last decision, and all end with the same nodes.
#[test]
fn from_outside_it_decides_as_inside() {
    let mut bench = Bench::new();
    let mut after = Vec::new();
    for (replicas, seconds) in STEPS {
        bench.scale(replicas);
        bench.run(seconds * 1000);
        after.push(bench.types());
    }
    let decisions = gist(&bench.decisions);
    let mut simulations = (1..=24).map(|seed| simulated(seed, &STEPS)).inspect(|(_, types)| assert_eq!(types, &after));
    assert!(simulations.any(|(inside, _)| inside == decisions), "{decisions:#?}");
    assert_eq!(bench.world.cluster.store.count(Kind::NodeClaim), 0);
    assert_eq!(bench.deputy.store().count(Kind::Instance), 0, "no machine is left behind");
    assert!(bench.lines.iter().any(|l| l.contains("disrupting node(s)")), "{:?}", bench.lines);
}

#[test]
fn it_signs_what_it_makes_and_keeps_its_hashes_apart() {
    let mut bench = Bench::new();
    bench.scale(2);
    bench.run(60_000);
    let claim = bench.world.cluster.store.list(Kind::NodeClaim).next().unwrap().clone();
    let node = bench.world.cluster.store.list(Kind::Node).find(|n| !n.meta.name.starts_with("base-")).unwrap().clone();
    for object in [&claim, &node] {
        assert_eq!(object.meta.annotations.get(super::own::MADE_BY).map(String::as_str), Some("test"));
    }
    assert_eq!(node.meta.annotations.get("kwok.x-k8s.io/node").map(String::as_str), Some("fake"));
}

#[test]
fn what_is_refused_is_tried_again() {
    for (word, reason) in [
        ("create", objects::Reason::Forbidden),
        ("patch", objects::Reason::Conflict),
        ("patch", objects::Reason::NotFound),
        ("delete", objects::Reason::Conflict),
    ] {
        let mut bench = Bench::new();
        bench.scale(5);
        bench.run(2_000);
        bench.faults.push((word, ApiError::new(reason, "not now")));
        bench.run(120_000);
        bench.scale(0);
        bench.run(240_000);
        assert_eq!(bench.faults, [], "{word}: never asked for");
        assert_eq!(bench.types(), Vec::<String>::new(), "{word} {reason:?}");
        assert_eq!(bench.world.cluster.store.count(Kind::NodeClaim), 0, "{word} {reason:?}");
    }
}

/// What the fleet has answered is kept until the claim shows it: no claim gets two machines.
#[test]
fn a_launch_whose_record_is_refused_is_not_done_again() {
    for reason in [objects::Reason::Forbidden, objects::Reason::Conflict] {
        let mut bench = Bench::new();
        bench.scale(5);
        bench.faults.push(("launched", ApiError::new(reason, "not now")));
        bench.run(60_000);
        assert_eq!(bench.faults, [], "never asked for");
        assert_eq!(bench.types(), ["m5.xlarge", "m5.xlarge"], "{reason:?}");
        assert_eq!(bench.deputy.store().count(Kind::Instance), 2, "{reason:?}");
        assert_eq!(bench.deputy.store().count(Kind::FleetRequest), 0, "{reason:?}");
    }
}

/// A process that is killed leaves nothing that the next one does not take up.
#[test]
fn another_process_goes_on_where_the_first_was_killed() {
    for after_ms in [1_200, 2_000, 3_000, 4_500, 7_000, 9_000, 12_000] {
        let mut bench = Bench::new();
        bench.scale(5);
        bench.run(after_ms);
        bench.succeed();
        bench.run(120_000);
        assert_eq!(bench.types(), ["m5.xlarge", "m5.xlarge"], "killed after {after_ms}");
        assert_eq!(bench.world.cluster.store.count(Kind::NodeClaim), 2, "killed after {after_ms}");
        bench.scale(0);
        bench.run(after_ms * 2);
        bench.succeed();
        bench.run(240_000);
        assert_eq!(bench.types(), Vec::<String>::new(), "killed after {after_ms}");
    }
}

impl Bench {
    /// The deputy is gone with all that it knew; another one begins.
    fn succeed(&mut self) {
        let store = &self.world.cluster.store;
        let docs: Vec<(Kind, Value)> = store.all().filter(|o| !o.kind.is_internal()).map(|o| (o.kind, o.doc.clone())).collect();
        let served: VecSet<Kind> = Kind::ALL.iter().copied().filter(|k| *k != Kind::EC2NodeClass && !k.is_internal()).collect();
        let at_ms = self.world.cluster.view().unix_ms();
        let identity = "other".to_owned();
        let (fleet, types) = (FleetKind::Kwok, None);
        let choices = Choices { at_ms, seed: 99, region: None, fleet, types, boot_ms: Some(BOOT_MS), identity, served };
        self.deputy = Deputy::new(docs, Era::V1, &choices).0;
        self.seen = self.world.cluster.store.revision();
    }
}

#[test]
fn older_news_is_no_news() {
    let mut bench = Bench::new();
    let key = ObjectKey::cluster(Kind::NodePool, "default");
    let doc = bench.world.cluster.store.get(&key).unwrap().doc.clone();
    let mut newer = doc.clone();
    newer.set("metadata.resourceVersion", "900000");
    newer.set("spec.weight", 7);
    bench.deputy.see(Kind::NodePool, newer);
    bench.deputy.see(Kind::NodePool, doc);
    assert_eq!(bench.deputy.store().get(&key).unwrap().doc.int_at("spec.weight"), Some(7));
    bench.deputy.lose(&key, "another");
    assert!(bench.deputy.store().get(&key).is_some(), "another object of that name went");
    bench.deputy.only(Kind::NodePool, &VecSet::new());
    assert!(bench.deputy.store().get(&key).is_none());
    assert_eq!(bench.deputy.version(&key), None);
}

/// Where another Karpenter makes the machines, claims are asked for, and nothing that it does itself.
#[test]
fn beside_another_karpenter_it_only_decides() {
    let mut bench = Bench::new();
    let one_of = |key: &str, values: &[&str]| json!({"key": key, "operator": "In", "values": values});
    let mut pool = pool();
    pool.set("spec.limits", json!({"cpu": "0"}));
    pool.set("metadata.uid", "p");
    let of = json!({"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": "default"});
    pool.set("spec.template.spec.nodeClassRef", of);
    let requirements =
        json!([one_of("karpenter.sh/capacity-type", &["on-demand"]), one_of("karpenter.kwok.sh/instance-cpu", &["2", "4", "8"])]);
    pool.set("spec.template.spec.requirements", requirements);
    let class = json!({"apiVersion": "karpenter.kwok.sh/v1alpha1", "kind": "KWOKNodeClass", "metadata": {"name": "default", "uid": "k"},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]}});
    bench.scale(5);
    bench.world.run_to(bench.world.now() + 2_000);
    let store = &bench.world.cluster.store;
    let mut docs: Vec<(Kind, Value)> = store.all().filter(|o| !o.kind.is_internal()).map(|o| (o.kind, o.doc.clone())).collect();
    docs.retain(|(kind, _)| *kind != Kind::NodePool);
    docs.extend([(Kind::NodePool, pool), (Kind::KWOKNodeClass, class)]);
    let served: VecSet<Kind> = Kind::ALL.iter().copied().filter(|k| *k != Kind::EC2NodeClass && !k.is_internal()).collect();
    let at_ms = bench.world.cluster.view().unix_ms();
    let (identity, fleet, types) = ("test".to_owned(), FleetKind::NodeClaim, None);
    let choices = Choices { at_ms, seed: 7, region: None, fleet, types, boot_ms: None, identity, served };
    let (mut deputy, _) = Deputy::new(docs, Era::V1, &choices);
    let mut made = Vec::new();
    for step in 0..200 {
        while let Some(turn) = deputy.turn(at_ms + step * 100) {
            for intent in &turn.intents {
                match &intent.action {
                    Action::Create(doc) if doc.str_at("kind") == Some("NodeClaim") => {
                        let mut doc = doc.clone();
                        doc.set("metadata.uid", format!("c{}", made.len()));
                        super::own::write(&mut doc, Era::V1, FleetKind::NodeClaim);
                        made.push(doc.clone());
                        deputy.answered(&turn, intent, Ok(Answer::Object(doc)));
                    }
                    Action::Patch { key, .. } => assert_eq!(key.kind, Kind::NodeClaim, "{intent:?}"),
                    Action::Event(_) => {}
                    other => panic!("{other:?}"),
                }
            }
        }
    }
    // It knows its own claims by the label that it gave them, and makes no more for the same pods.
    assert_eq!(made.len(), 1, "{made:#?}");
    for claim in &made {
        assert_eq!(claim.at("metadata.labels").field("nodewright.dev/nodepool").as_str(), Some("default"));
        assert!(!claim.to_string().contains("karpenter.sh/nodepool\""), "{claim}");
    }
    assert_eq!(deputy.store().count(Kind::FleetRequest), 0);
    assert_eq!(deputy.store().count(Kind::Instance), 0);
}

impl Bench {
    /// What is planned for the cluster as it is now becomes all that may be done; gives how many actions that are.
    fn allow_what_is_planned(&mut self) -> usize {
        let mut dump = crate::cluster::Dump::default();
        for object in self.world.cluster.store.all().filter(|o| !o.kind.is_internal()) {
            dump.add("test", object.doc.clone()).unwrap();
        }
        let at_ms = self.world.cluster.view().unix_ms();
        let choices = crate::cluster::Choices { at_ms, seed: 3, region: None, types: None, prices: None };
        let plan = crate::cluster::plan(&crate::cluster::adopt(dump, &choices), crate::cluster::Ahead::default());
        let steps = Step::all(&plan, |a| format!("{:?}", a.reason));
        let count = steps.len();
        self.succeed();
        self.warrant = Some(Warrant::new(steps));
        self.ended = None;
        count
    }

    /// Time passes and nobody looks after the cluster.
    fn unattended(&mut self, ms: u64) {
        self.world.run_to(self.world.now() + ms);
        self.show();
    }
}

#[test]
fn a_saved_plan_is_carried_out_and_ends() {
    let mut bench = Bench::new();
    for (replicas, nodes) in [(5, 2), (12, 4), (7, 3), (0, 0)] {
        bench.scale(replicas);
        bench.unattended(2_000);
        let count = bench.allow_what_is_planned();
        assert!(count > 0, "{replicas}");
        bench.run(900_000);
        assert_eq!(bench.ended, Some(Ok(())), "{replicas}: {count} actions; {:#?}", gist(&bench.decisions));
        assert_eq!(bench.types().len(), nodes, "{replicas}: {:?}", bench.types());
        bench.decisions.clear();
    }
    assert_eq!(bench.world.cluster.store.count(Kind::NodeClaim), 0);
}

/// A decision that the plan does not hold leaves nothing at the server.
#[test]
fn nothing_is_done_beside_a_saved_plan() {
    let mut bench = Bench::new();
    bench.scale(5);
    bench.unattended(2_000);
    bench.allow_what_is_planned();
    // Another number of pods waits than when it was made.
    bench.scale(9);
    bench.unattended(1_000);
    bench.run(30_000);
    let Some(Err(why)) = &bench.ended else { panic!("{:?}", bench.ended) };
    assert!(
        why.starts_with(
            "the plan has no claim of the pool default for 3 pods. 0 of 2 actions of the plan were carried out, not: "
        ),
        "{why}"
    );
    assert_eq!(bench.world.cluster.store.count(Kind::NodeClaim), 0);
    assert_eq!(gist(&bench.decisions), Vec::<String>::new());
}

/// What comes up while a plan is carried out waits; what was begun comes to its end.
#[test]
fn a_saved_plan_ends_with_what_was_begun() {
    let mut bench = Bench::new();
    bench.scale(5);
    bench.unattended(2_000);
    bench.allow_what_is_planned();
    bench.run(1_500);
    assert_eq!(bench.world.cluster.store.count(Kind::NodeClaim), 2);
    bench.scale(12);
    bench.run(120_000);
    assert_eq!(bench.ended, Some(Ok(())));
    assert_eq!(bench.types(), ["m5.xlarge", "m5.xlarge"]);
    let claims = bench.world.cluster.store.list(Kind::NodeClaim);
    assert!(claims.filter_map(|c| c.claim()).all(|c| c.initialized), "both came up");
}

/// A plan of nodes that are not there is not begun.
#[test]
fn a_plan_of_another_cluster_is_refused() {
    let bench = Bench::new();
    let step = Step {
        title: "remove 1 node".to_owned(),
        reason: Some("emptiness".to_owned()),
        nodes: vec!["elsewhere".to_owned()],
        ..Step::default()
    };
    let objection = Warrant::new(vec![step]).objection(bench.deputy.store());
    assert_eq!(objection.as_deref(), Some("the plan is of another cluster or another time: there is no node elsewhere"));
}
