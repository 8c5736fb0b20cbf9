//! The lab from end to end on a session: scale out, empty, consolidate, clean up.

#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene should fail")]

use nodewright_engine::session::{LAB_SEED, Request, Scenario, Session, Validation};
use nodewright_engine::{Era, Snapshot};
use objects::collections::VecMap;
use objects::{DocExt, Kind, ObjectKey, Value, json};

struct Lab {
    session: Session,
    era: Era,
}

fn inflate() -> ObjectKey {
    ObjectKey::new(Kind::Deployment, "default", "inflate")
}

impl Lab {
    fn new(era: Era, seed: u64) -> Lab {
        let mut lab = Lab { session: Session::new(Scenario::lab(era, seed)).unwrap(), era };
        lab.deploy();
        lab
    }

    fn apply(&mut self, doc: Value) {
        self.session.request("apply", Request::Apply { doc, dry_run: false, validation: Validation::Strict }).unwrap();
    }

    fn deploy(&mut self) {
        self.apply(json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "inflate", "namespace": "default"},
            "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "inflate"}},
                     "template": {"metadata": {"labels": {"app": "inflate"}}, "spec": {
                         "terminationGracePeriodSeconds": 0,
                         "containers": [{"name": "inflate", "image": "public.ecr.aws/eks-distro/kubernetes/pause:3.7",
                                         "resources": {"requests": {"cpu": "1"}}}]}}},
        }));
        self.pass(1_000);
    }

    fn pass(&mut self, ms: u64) {
        let until = self.session.now() + ms;
        self.session.advance_to(until);
    }

    fn scale(&mut self, replicas: i64) {
        self.session.request("scale", Request::Scale { key: inflate(), replicas, dry_run: false }).unwrap();
    }

    fn delete(&mut self, key: ObjectKey) {
        self.session.request("delete", Request::Delete { key, grace_s: None, dry_run: false }).unwrap();
    }

    fn pool(&self) -> ObjectKey {
        ObjectKey::cluster(if self.era == Era::V1 { Kind::NodePool } else { Kind::Provisioner }, "default")
    }

    /// The lab's second pool: on-demand, three types, consolidation.
    fn consolidating(&mut self, budget: &str) {
        self.delete(self.pool());
        self.pass(2_000);
        let requirements = json!([
            {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["on-demand"]},
            {"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["c5.large", "m5.large", "m5.xlarge"]},
        ]);
        self.apply(match self.era {
            Era::V1alpha5 => json!({
                "apiVersion": "karpenter.sh/v1alpha5", "kind": "Provisioner", "metadata": {"name": "default"},
                "spec": {"consolidation": {"enabled": true}, "labels": {"type": "karpenter"}, "providerRef": {"name": "default"},
                         "limits": {"resources": {"cpu": 1000, "memory": "1000Gi"}}, "requirements": requirements},
            }),
            Era::V1 => json!({
                "apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": {"name": "default"},
                "spec": {"disruption": {"consolidationPolicy": "WhenEmptyOrUnderutilized", "consolidateAfter": "0s",
                                        "budgets": [{"nodes": budget}]},
                         "template": {"metadata": {"labels": {"type": "karpenter"}}, "spec": {"requirements": requirements,
                             "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "default"}}}},
            }),
        });
        self.pass(1_000);
    }

    fn snapshot(&self) -> std::sync::Arc<Snapshot> {
        self.session.snapshot()
    }

    /// Karpenter's nodes by instance type, in order of type.
    fn types(&self) -> Vec<String> {
        let snapshot = self.snapshot();
        let label = if self.era == Era::V1 { "karpenter.sh/nodepool" } else { "karpenter.sh/provisioner-name" };
        let mut types: Vec<String> = snapshot
            .store
            .list(Kind::Node)
            .filter(|n| n.meta.labels.contains_key(label))
            .filter_map(|n| n.meta.labels.get("node.kubernetes.io/instance-type").cloned())
            .collect();
        types.sort();
        types
    }

    fn running(&self) -> usize {
        let snapshot = self.snapshot();
        let inflate = |p: &&std::sync::Arc<objects::Object>| p.meta.labels.get("app").map(String::as_str) == Some("inflate");
        snapshot.store.list(Kind::Pod).filter(inflate).filter(|p| p.pod().is_some_and(|p| p.ready)).count()
    }

    fn log(&self) -> Vec<String> {
        self.snapshot().logs.iter().map(|l| l.text.clone()).collect()
    }

    fn dump(&self) -> String {
        let decisions: Vec<String> = self.snapshot().decisions.iter().map(|d| format!("{} {:?}", d.at, d.what)).collect();
        format!("{}\n{}", self.log().join("\n"), decisions.join("\n"))
    }
}

/// What is left after `--replicas k` on four full m5.xlarge.
fn end_state(k: i64) -> Vec<&'static str> {
    let full = usize::try_from(k / 3).unwrap();
    let (small, more) = match k % 3 {
        0 => (0, 0),
        1 => (1, 0),
        _ => (0, 1),
    };
    let mut types = vec!["c5.large"; small];
    types.extend(vec!["m5.xlarge"; full + more]);
    types
}

#[test]
fn five_pods_get_one_spot_node_and_it_goes_when_empty() {
    for seed in 0..4 {
        let mut lab = Lab::new(Era::V1alpha5, seed);
        lab.pass(seed * 1_700);
        lab.scale(5);
        lab.pass(90_000);
        assert_eq!((lab.running(), lab.types().len()), (5, 1), "{}", lab.dump());
        let log = lab.log();
        let count = |needle: &str| log.iter().filter(|l| l.contains(needle)).count();
        assert_eq!(count("found provisionable pod(s)"), 1, "{}", lab.dump());
        assert_eq!(count("created machine"), 1);
        assert_eq!(count(r#""requests": {"cpu":"5125m","pods":"7"}"#), 1);
        assert_eq!(count(r#""capacity-type": "spot""#), 1);
        let began = lab.session.now();
        lab.delete(inflate());
        while !lab.types().is_empty() {
            assert!(lab.session.now().since(began) < 60_000, "{}", lab.dump());
            lab.pass(100);
        }
        let took = lab.session.now().since(began);
        assert!((30_000..=45_500).contains(&took), "seed {seed}: {took} ms");
        lab.pass(1_000);
        let tail: Vec<String> =
            lab.log().iter().rev().take(4).rev().map(|l| l.split('\t').nth(3).unwrap_or_default().to_owned()).collect();
        assert!(tail[0].starts_with("deprovisioning via emptiness delete, terminating 1 machines"), "{tail:?}");
        assert_eq!(tail[1..], ["cordoned node", "deleted node", "deleted machine"]);
    }
}

#[test]
fn the_labs_seed_gives_the_labs_type() {
    let mut lab = Lab::new(Era::V1alpha5, LAB_SEED);
    lab.scale(5);
    lab.pass(90_000);
    assert_eq!(lab.types(), ["r3.2xlarge"], "{}", lab.dump());
}

#[test]
fn twelve_shrink_to_seven_on_three_nodes_whatever_goes() {
    let mut splits: VecMap<Vec<usize>, usize> = VecMap::new();
    for seed in 0..5 {
        let mut lab = Lab::new(Era::V1alpha5, seed);
        lab.consolidating("100%");
        lab.scale(12);
        lab.pass(90_000);
        assert_eq!(lab.running(), 12, "{}", lab.dump());
        assert_eq!(lab.types(), ["m5.xlarge"; 4], "{}", lab.dump());
        let before = lab.log().len();
        lab.scale(7);
        lab.pass(1_000);
        let snapshot = lab.snapshot();
        let mut split: Vec<usize> = snapshot
            .store
            .list(Kind::Node)
            .map(|n| snapshot.store.pods_on(&n.meta.name).filter(|p| p.meta.name.starts_with("inflate")).count())
            .collect();
        split.sort();
        *splits.entry(split).or_default() += 1;
        lab.pass(300_000);
        assert_eq!(lab.running(), 7, "seed {seed}\n{}", lab.dump());
        assert_eq!(lab.types(), ["c5.large", "m5.xlarge", "m5.xlarge"], "seed {seed}\n{}", lab.dump());
        // Command, created, launched, registered, initialized, then cordoned and both deletions for each node.
        let lines = lab.log().split_off(before);
        if lines.iter().any(|l| l.contains("consolidation replace, terminating 2 machines")) {
            assert_eq!(lines.len(), 11, "seed {seed}\n{}", lines.join("\n"));
        }
        lab.delete(inflate());
        lab.pass(120_000);
        assert!(lab.types().is_empty(), "seed {seed}\n{}", lab.dump());
    }
    assert!(splits.len() > 1, "the seeds draw different victims: {splits:?}");
}

#[test]
fn every_number_of_replicas_has_one_end_state() {
    for k in 0..=12 {
        let mut lab = Lab::new(Era::V1alpha5, 3);
        lab.consolidating("100%");
        lab.scale(12);
        lab.pass(90_000);
        lab.scale(k);
        lab.pass(400_000);
        assert_eq!(lab.types(), end_state(k), "k {k}\n{}", lab.dump());
        assert_eq!(lab.running(), usize::try_from(k).unwrap());
    }
}

#[test]
fn a_deleted_provisioner_takes_its_nodes_along() {
    let mut lab = Lab::new(Era::V1alpha5, 2);
    lab.scale(5);
    lab.pass(90_000);
    lab.delete(lab.pool());
    lab.pass(60_000);
    assert!(lab.types().is_empty(), "{}", lab.dump());
    assert_eq!(lab.running(), 0);
}

#[test]
fn era_b_runs_the_lab_too() {
    let mut lab = Lab::new(Era::V1, 1);
    lab.scale(5);
    lab.pass(90_000);
    assert_eq!((lab.running(), lab.types().len()), (5, 1), "{}", lab.dump());
    lab.scale(0);
    let began = lab.session.now();
    while !lab.types().is_empty() {
        assert!(lab.session.now().since(began) < 180_000, "{}", lab.dump());
        lab.pass(500);
    }
    // 30 s, up to 10 s to the poll, 15 s of validation, 5 s of draining, then the instance has to be gone.
    let took = lab.session.now().since(began);
    assert!((50_000..=130_000).contains(&took), "{took} ms\n{}", lab.dump());
    for budget in ["100%", "10%"] {
        lab.consolidating(budget);
        lab.scale(12);
        lab.pass(120_000);
        assert_eq!((lab.running(), lab.types()), (12, vec!["m5.xlarge".to_owned(); 4]), "{}", lab.dump());
        lab.scale(7);
        lab.pass(600_000);
        assert_eq!(lab.types(), ["c5.large", "m5.xlarge", "m5.xlarge"], "{}", lab.dump());
        lab.scale(0);
        lab.pass(500_000);
        assert!(lab.types().is_empty(), "{}", lab.dump());
    }
    assert!(lab.snapshot().store.list(Kind::NodePool).all(|p| p.doc.int_at("status.nodes") == Some(0)));
}
