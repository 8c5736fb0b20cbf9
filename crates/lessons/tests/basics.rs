//! The first lesson on hand-made clusters: every check is false when its step begins, true once the cluster and what was
//! seen are as the step wants them, and false on the wrong paths.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "helpers of tests")]

use engine::decisions::{Decision, What};
use engine::logs::{Level, LogLine};
use engine::pricing::{Entry, Ledger};
use engine::profile::Profile;
use engine::session::Seen;
use engine::{Era, SimTime, Snapshot, Store};
use nodewright_lessons::{Lang, LessonRun, Reference, Repair, StepState, load};
use objects::{Kind, ObjectKey, Value, json};
use std::sync::Arc;

struct World {
    now: SimTime,
    store: Store,
    ledger: Ledger,
    decisions: Vec<Arc<Decision>>,
}

impl World {
    /// The start of the lab.
    fn new() -> World {
        let mut w = World { now: SimTime::secs(60), store: Store::default(), ledger: Ledger::default(), decisions: Vec::new() };
        for name in ["base-a", "base-b"] {
            w.node(name, "m5.large", json!({"eks.amazonaws.com/capacityType": "ON_DEMAND"}), 118_000);
        }
        w.put(Kind::Provisioner, json!({"metadata": {"name": "default"}, "spec": {"ttlSecondsAfterEmpty": 30}}));
        w.put(Kind::AWSNodeTemplate, json!({"metadata": {"name": "default"}}));
        w
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot {
            now: self.now,
            start: SimTime::ZERO,
            epoch_ms: 1_690_000_000_000,
            profile: Profile::of(Era::V1alpha5),
            region: "ap-northeast-2".to_owned(),
            seed: 1,
            store: self.store.clone(),
            ledger: Arc::new(self.ledger.clone()),
            logs: Arc::default(),
            decisions: Arc::new(self.decisions.clone()),
            hash: 0,
        }
    }

    fn put(&mut self, kind: Kind, doc: Value) {
        self.store.put(kind, doc, self.now);
    }

    fn remove(&mut self, kind: Kind, namespace: &str, name: &str) {
        self.store.remove(&ObjectKey::new(kind, namespace, name), self.now).unwrap();
    }

    fn node(&mut self, name: &str, instance_type: &str, mut labels: Value, price_micro: i64) {
        labels["node.kubernetes.io/instance-type"] = instance_type.into();
        let ready = json!({"conditions": [{"type": "Ready", "status": "True"}]});
        self.put(Kind::Node, json!({"metadata": {"name": name, "labels": labels}, "status": ready}));
        self.ledger.open(Entry {
            node: name.to_owned(),
            instance_type: instance_type.to_owned(),
            capacity_type: "on-demand".to_owned(),
            price_micro,
            on_demand_micro: price_micro,
            from: self.now,
            until: None,
        });
    }

    fn remove_node(&mut self, name: &str) {
        self.remove(Kind::Node, "", name);
        self.ledger.close(name, self.now);
    }

    fn deployment(&mut self, replicas: i64) {
        self.deployment_in("default", replicas);
    }

    fn deployment_in(&mut self, namespace: &str, replicas: i64) {
        let containers = json!([{"name": "inflate", "resources": {"requests": {"cpu": "1"}}}]);
        let spec = json!({"replicas": replicas, "template": {"spec": {"containers": containers}}});
        self.put(Kind::Deployment, json!({"metadata": {"name": "inflate", "namespace": namespace}, "spec": spec}));
    }

    /// Pods `from..to` on a node, running and ready.
    fn pods(&mut self, range: std::ops::Range<usize>, node: &str) {
        for i in range {
            let meta = json!({"name": format!("inflate-{i}"), "namespace": "default", "labels": {"app": "inflate"}});
            let status = json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]});
            self.put(Kind::Pod, json!({"metadata": meta, "spec": {"nodeName": node}, "status": status}));
        }
    }

    fn remove_pods(&mut self, range: std::ops::Range<usize>) {
        for i in range {
            self.remove(Kind::Pod, "default", &format!("inflate-{i}"));
        }
    }

    fn disrupt(&mut self, method: &'static str) {
        let what = What::Disrupt {
            method,
            action: "delete",
            nodes: Vec::new(),
            replacement_types: Vec::new(),
            price_before_micro: 0,
            price_after_micro: 0,
        };
        self.decisions.push(Arc::new(Decision { at: self.now, about: ObjectKey::cluster(Kind::Node, "x"), what }));
    }

    fn wait(&mut self, s: u64) {
        self.now = self.now + s * 1000;
    }
}

fn listed(kind: Kind, names: &[&str], selector: &str, labels: &[&str]) -> Seen {
    let own = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect();
    Seen::Listed { kind, names: own(names), selector: selector.to_owned(), labels: own(labels) }
}

fn log(message: &str) -> Seen {
    Seen::Log(Arc::new(LogLine {
        at: SimTime::ZERO,
        pod: "karpenter/karpenter-0".to_owned(),
        container: "controller".to_owned(),
        level: Level::Info,
        logger: "controller.deprovisioning".to_owned(),
        message: message.to_owned(),
        fields: Vec::new(),
        text: format!("2023-07-26T05:10:01.204Z\tINFO\tcontroller.deprovisioning\t{message}"),
    }))
}

fn karpenter(capacity: &str) -> Value {
    json!({"karpenter.sh/provisioner-name": "default", "karpenter.sh/capacity-type": capacity, "type": "karpenter"})
}

fn passed(run: &LessonRun, w: &World) -> bool {
    run.evaluate(&w.snapshot(), Lang::Ko).is_passed()
}

/// The text of the success card in both languages, and on to the next step, which must be open.
fn go_on(run: &mut LessonRun, w: &World) -> (String, String) {
    let card = |lang| match run.evaluate(&w.snapshot(), lang) {
        StepState::Passed { success } => success,
        StepState::Open { parts, .. } => panic!("step {} is open: {parts:?}", run.step_number()),
    };
    let cards = (card(Lang::Ko), card(Lang::En));
    if run.next(&w.snapshot()) {
        assert!(!passed(run, w), "step {} is passed at its entry", run.step_number());
    }
    cards
}

fn hints(run: &LessonRun, w: &World) -> Vec<(String, Option<Repair>)> {
    match run.evaluate(&w.snapshot(), Lang::En) {
        StepState::Open { mistakes, .. } => mistakes.into_iter().map(|m| (m.hint, m.repair)).collect(),
        StepState::Passed { .. } => Vec::new(),
    }
}

fn start() -> (LessonRun, World) {
    let w = World::new();
    let run = LessonRun::start(Arc::new(load("karpenter-basics-v1alpha5").unwrap()), &w.snapshot());
    (run, w)
}

/// A run that has come to a step over the cluster as it is then.
fn at(step: usize, w: &World) -> LessonRun {
    let (mut run, _) = start();
    run.go_to(step, &w.snapshot());
    run
}

#[test]
fn the_whole_way() {
    let (mut run, mut w) = start();
    assert!(!passed(&run, &w));
    run.observe(listed(Kind::Node, &["base-a", "base-b"], "", &[]));
    assert!(!passed(&run, &w));
    run.observe(listed(Kind::Provisioner, &["default"], "", &[]));
    assert!(go_on(&mut run, &w).1.contains("$0.2360"));

    w.deployment(0);
    go_on(&mut run, &w);

    w.wait(10);
    w.deployment(5);
    w.pods(0..5, "");
    assert!(!passed(&run, &w));
    w.wait(41);
    w.node("spot-a", "r3.2xlarge", karpenter("spot"), 200_000);
    w.pods(0..5, "spot-a");
    let (ko, en) = go_on(&mut run, &w);
    assert!(ko.contains("41초") && en.contains("from $0.2360 to $0.4360"), "{ko} {en}");

    run.observe(listed(Kind::Node, &["base-a", "base-b", "spot-a"], "", &["karpenter.sh/capacity-type"]));
    go_on(&mut run, &w);

    w.remove(Kind::Deployment, "default", "inflate");
    w.remove_pods(0..5);
    w.wait(35);
    w.disrupt("emptiness");
    assert!(!passed(&run, &w));
    w.remove_node("spot-a");
    assert!(go_on(&mut run, &w).0.contains("35초 뒤"));

    run.observe(log("deprovisioning via emptiness delete, terminating 1 machines spot-a/r3.2xlarge/spot"));
    go_on(&mut run, &w);

    w.remove(Kind::Provisioner, "", "default");
    go_on(&mut run, &w);

    w.put(Kind::Provisioner, provisioner());
    go_on(&mut run, &w);

    w.deployment(0);
    go_on(&mut run, &w);

    w.deployment(12);
    for (i, name) in ["od-a", "od-b", "od-c", "od-d"].into_iter().enumerate() {
        w.node(name, "m5.xlarge", karpenter("on-demand"), 236_000);
        assert!(!passed(&run, &w));
        w.pods(i * 3..i * 3 + 3, name);
    }
    go_on(&mut run, &w);

    run.observe(listed(Kind::Node, &["od-a", "od-b", "od-c", "od-d"], "type=karpenter", &[]));
    go_on(&mut run, &w);

    w.wait(1);
    w.deployment(7);
    w.remove_pods(7..12);
    w.wait(25);
    w.disrupt("consolidation");
    w.node("od-e", "c5.large", karpenter("on-demand"), 96_000);
    assert!(!passed(&run, &w));
    w.remove_node("od-c");
    assert!(!passed(&run, &w));
    w.wait(10);
    w.remove_node("od-d");
    w.pods(6..7, "od-e");
    let (_, en) = go_on(&mut run, &w);
    assert!(en.contains("32 %") && en.contains("from $1.1800 to $0.8040") && en.contains("35 s"), "{en}");

    run.observe(log("deprovisioning via consolidation replace, terminating 2 machines od-c/m5.xlarge/on-demand"));
    go_on(&mut run, &w);

    w.remove(Kind::Deployment, "default", "inflate");
    w.remove_pods(0..7);
    assert!(!passed(&run, &w));
    for name in ["od-a", "od-b", "od-e"] {
        w.remove_node(name);
    }
    go_on(&mut run, &w);
    assert!(run.is_finished());
}

fn provisioner() -> Value {
    json!({"metadata": {"name": "default"}, "spec": {
        "consolidation": {"enabled": true}, "labels": {"type": "karpenter"},
        "requirements": [
            {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["on-demand"]},
            {"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["m5.xlarge", "c5.large", "m5.large"]},
        ],
    }})
}

#[test]
fn wrong_paths_stay_open() {
    // Another namespace, other replicas, another request.
    let mut w = World::new();
    let run = at(1, &w);
    w.deployment_in("test", 0);
    assert!(!passed(&run, &w));
    assert!(hints(&run, &w).iter().any(|(h, _)| h.contains("namespace other than default")));
    w.deployment(3);
    assert!(!passed(&run, &w));

    // Five pods on on-demand nodes.
    let mut w = World::new();
    let run = at(2, &w);
    w.node("od", "m5.2xlarge", karpenter("on-demand"), 1);
    w.pods(0..5, "od");
    assert!(!passed(&run, &w));

    // Only the node goes, or only the Deployment.
    let mut w = World::new();
    w.deployment(5);
    w.node("spot-a", "r3.2xlarge", karpenter("spot"), 1);
    let run = at(4, &w);
    w.remove_node("spot-a");
    assert!(!passed(&run, &w));
    w.node("spot-b", "r3.2xlarge", karpenter("spot"), 1);
    w.remove(Kind::Deployment, "default", "inflate");
    assert!(!passed(&run, &w));
    assert!(hints(&run, &w).iter().any(|(h, _)| h.contains("30 seconds after the node is empty")));

    // A Provisioner with one of each thing wrong.
    for (path, value) in [
        ("/spec/consolidation/enabled", json!(false)),
        ("/spec/labels/type", json!("other")),
        ("/spec/requirements/0/values", json!(["on-demand", "spot"])),
        ("/spec/requirements/1/values", json!(["c5.large"])),
    ] {
        let mut w = World::new();
        let run = at(7, &w);
        let mut doc = provisioner();
        *doc.pointer_mut(path).unwrap() = value;
        w.put(Kind::Provisioner, doc);
        assert!(!passed(&run, &w), "{path}");
    }

    // Three nodes and a lower rate, but by hand; or with one still cordoned.
    let mut w = World::new();
    w.deployment(12);
    for name in ["od-a", "od-b", "od-c", "od-d"] {
        w.node(name, "m5.xlarge", karpenter("on-demand"), 236_000);
    }
    let run = at(11, &w);
    w.deployment(7);
    w.pods(0..7, "od-a");
    w.remove_node("od-d");
    assert!(!passed(&run, &w));
    w.disrupt("consolidation");
    assert!(passed(&run, &w));
    let node = w.store.cluster(Kind::Node, "od-a").unwrap().doc.clone();
    let mut cordoned = node.clone();
    cordoned["spec"]["unschedulable"] = true.into();
    w.put(Kind::Node, cordoned);
    assert!(!passed(&run, &w));

    // Listing other nodes, or seeing another log line, is not enough.
    let w = World::new();
    let mut run = at(10, &w);
    run.observe(listed(Kind::Node, &["a", "b", "c"], "type=karpenter", &[]));
    run.observe(listed(Kind::Node, &["a", "b", "c", "d"], "", &[]));
    assert!(!passed(&run, &w));
    let mut run = at(12, &w);
    run.observe(log("deprovisioning via emptiness delete, terminating 1 machines"));
    assert!(!passed(&run, &w));
}

#[test]
fn what_was_seen_one_step_earlier_counts_where_it_should() {
    let w = World::new();
    let mut run = at(11, &w);
    run.observe(log("deprovisioning via consolidation replace, terminating 2 machines"));
    run.next(&w.snapshot());
    assert!(passed(&run, &w));
    // Two steps earlier does not.
    let mut run = at(10, &w);
    run.observe(log("deprovisioning via consolidation replace, terminating 2 machines"));
    run.next(&w.snapshot());
    run.next(&w.snapshot());
    assert!(!passed(&run, &w));
}

#[test]
fn errors_are_explained() {
    let w = World::new();
    for (step, stderr, repair) in [
        (1, "Error from server (BadRequest): quantities must match the regular expression '^..'", Some(Repair::StripRemarks)),
        (
            1,
            "error: error parsing STDIN: error converting YAML to JSON: yaml: line 4: found character that cannot start any token",
            None,
        ),
        (
            2,
            "error: unknown flag: --replica\nSee 'kubectl scale --help' for usage.",
            Some(Repair::Command("kubectl scale deployment inflate --replicas 5".to_owned())),
        ),
        (
            7,
            "denied the request: validation failed: expected exactly one, got both: spec.consolidation.enabled, spec.ttlSecondsAfterEmpty",
            None,
        ),
    ] {
        let mut run = at(step, &w);
        let before = hints(&run, &w).len();
        run.failed(1, stderr);
        let after = hints(&run, &w);
        assert!(after.len() > before, "{stderr}");
        assert_eq!(after.first().and_then(|(_, r)| r.clone()), repair, "{stderr}");
        run.succeeded();
        assert_eq!(hints(&run, &w).len(), before);
    }
    let mut run = at(12, &w);
    run.failed(1, "");
    assert_eq!(hints(&run, &w).len(), 1);
}

#[test]
fn the_right_answer_passes_a_step() {
    let w = World::new();
    let mut run = at(3, &w);
    assert!(!run.answer(0));
    assert!(!passed(&run, &w));
    assert!(run.answer(1));
    assert!(passed(&run, &w));
}

#[test]
fn counts_are_shown() {
    let mut w = World::new();
    let run = at(2, &w);
    w.node("spot-a", "r3.2xlarge", karpenter("spot"), 1);
    w.pods(0..3, "spot-a");
    let StepState::Open { parts, .. } = run.evaluate(&w.snapshot(), Lang::Ko) else { panic!("passed") };
    assert_eq!(parts.iter().map(|p| p.counts).collect::<Vec<_>>(), [Some((3, 5)), Some((3, 5))]);
}

#[test]
fn the_file_is_complete() {
    for (id, _) in nodewright_lessons::LESSONS {
        let lesson = load(id).unwrap();
        assert_eq!(lesson.id, id);
        assert_eq!(lesson.steps.len(), 14);
        let mut known = vec!["rate_before", "rate_after", "total_cost", "elapsed_min", "saved_percent"];
        for step in &lesson.steps {
            known.extend(step.measures.iter().map(|m| m.name.as_str()));
            for lang in [Lang::Ko, Lang::En] {
                for name in step.success.placeholders(lang) {
                    assert!(known.contains(&name), "{}: {name}", step.id);
                }
            }
            let mut pair = [step.success.placeholders(Lang::Ko), step.success.placeholders(Lang::En)];
            pair.iter_mut().for_each(|p| p.sort_unstable());
            assert_eq!(pair[0], pair[1], "{}", step.id);
            assert!(step.reference.iter().any(|r| matches!(r, Reference::WaitPassed { .. })), "{}", step.id);
            assert!(!step.hint_command.is_empty() && !step.commands.is_empty() && !step.observe.is_empty());
            // Korean texts are Korean: some Hangul in each.
            for text in [&step.title, &step.goal, &step.success].into_iter().chain(&step.hints) {
                assert!(text.ko.chars().any(|c| ('가'..='힣').contains(&c)), "{}", text.ko);
                assert!(!text.en.chars().any(|c| ('가'..='힣').contains(&c)), "{}", text.en);
            }
        }
    }
}

#[test]
fn mistakes_of_authors_name_their_place() {
    let file = include_str!("../data/karpenter-basics-v1alpha5.yaml");
    for (from, to, want) in [
        ("listed: {kind: provisioners}", "lusted: {kind: provisioners}", "steps[0].checks[1].lusted is no check"),
        ("listed: {kind: provisioners}", "listed: {kind: nodepools}", "names no kind of this era: `nodepools`"),
        ("en: Look around}", "xx: Look around}", "steps[0].title has no `en`"),
        ("since: previous", "since: ever", "is neither step, previous nor lesson: `ever`"),
        ("era: v1alpha5", "era: v9", "era is neither v1alpha5 nor v1"),
    ] {
        let error = nodewright_lessons::parse(&file.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error.contains(want), "{error}");
    }
}
