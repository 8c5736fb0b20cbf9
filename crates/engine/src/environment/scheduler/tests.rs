//! Where pods go, and what is said where they cannot go.

use crate::Era;
use crate::environment::testing::Lab;
use objects::{DocExt, Kind, Value, json};

const NO_VICTIMS: &str = "No preemption victims found for incoming pod";
const NOT_HELPFUL: &str = "Preemption is not helpful for scheduling";

/// One pod of `spec` against nodes a (z1), b (z2), c (z3, tainted, labelled disk=ssd): the message, or where it went.
fn check(era: Era, spec: Value, want: &str) {
    let mut lab = Lab::new(era, 1);
    lab.node("a", "z1", "1930m");
    lab.node("b", "z2", "1930m");
    lab.node("c", "z3", "3920m");
    lab.patch(
        Kind::Node,
        "c",
        json!({"metadata": {"labels": {"disk": "ssd"}}, "spec": {"taints": [{"key": "team", "value": "x", "effect": "NoSchedule"}]}}),
    );
    lab.deployment("web", 1, spec);
    lab.run_s(1);
    let placed = lab.placed("web");
    let got = match lab.said("FailedScheduling").into_iter().next() {
        Some(said) => {
            let condition = placed[0].0.condition("PodScheduled").unwrap().clone();
            assert_eq!(condition.str_at("message"), Some(said.as_str()), "condition and event agree");
            assert_eq!(condition.str_at("reason"), Some("Unschedulable"));
            said
        }
        None => placed[0].1.clone(),
    };
    assert_eq!(got, want);
}

#[test]
fn messages_of_1_27() {
    let fail = |filter: &str, preempt: &str| {
        format!("0/3 nodes are available: {filter}. preemption: 0/3 nodes are available: {preempt}..")
    };
    let tolerate = json!([{"key": "team", "operator": "Exists"}]);
    let cpu = |n: &str| json!([{"name": "web", "image": "x", "resources": {"requests": {"cpu": n}}}]);
    for (spec, want) in [
        (
            json!({"containers": cpu("2")}),
            fail("1 node(s) had untolerated taint {team: x}, 2 Insufficient cpu", &format!("1 {NOT_HELPFUL}, 2 {NO_VICTIMS}")),
        ),
        (json!({"containers": cpu("2"), "tolerations": tolerate}), "c".to_owned()),
        (json!({"containers": cpu("5"), "tolerations": tolerate}), fail("3 Insufficient cpu", &format!("3 {NO_VICTIMS}"))),
        (
            json!({"nodeSelector": {"disk": "nvme"}, "tolerations": tolerate}),
            fail("3 node(s) didn't match Pod's node affinity/selector", &format!("3 {NOT_HELPFUL}")),
        ),
        (json!({"nodeSelector": {"disk": "ssd"}, "tolerations": tolerate}), "c".to_owned()),
        (
            json!({"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]}),
            "0/3 nodes are available: persistentvolumeclaim \"data\" not found. preemption: 0/3 nodes are available: 3 \
             Preemption is not helpful for scheduling.."
                .to_owned(),
        ),
    ] {
        check(Era::V1alpha5, spec, &want);
    }
}

#[test]
fn messages_of_1_35() {
    let fail = |filter: &str, preempt: &str| {
        format!("0/3 nodes are available: {filter}. no new claims to deallocate, preemption: 0/3 nodes are available: {preempt}.")
    };
    let cpu = |n: &str| json!({"containers": [{"name": "web", "image": "x", "resources": {"requests": {"cpu": n}}}]});
    check(Era::V1, json!({"nodeSelector": {"topology.kubernetes.io/zone": "z1"}, "containers": cpu("1900m")["containers"]}), "a");
    // More than a whole node has: hopeless, which 1.35 knows.
    check(Era::V1, cpu("2"), &fail("1 node(s) had untolerated taint(s), 2 Insufficient cpu", &format!("3 {NOT_HELPFUL}")));
}

#[test]
fn a_full_node_is_told_by_all_its_shortages() {
    let mut lab = Lab::new(Era::V1alpha5, 1);
    lab.node("a", "z1", "2");
    lab.patch(Kind::Node, "a", json!({"status": {"allocatable": {"pods": "0"}}}));
    let request = json!({"cpu": "3", "memory": "17Gi"});
    lab.deployment("web", 1, json!({"containers": [{"name": "web", "image": "x", "resources": {"requests": request}}]}));
    lab.run_s(1);
    let said = lab.said("FailedScheduling");
    assert!(
        said[0].starts_with("0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory, 1 Too many pods. "),
        "{said:?}"
    );
}

#[test]
fn without_nodes() {
    let mut lab = Lab::new(Era::V1alpha5, 1);
    lab.deployment("web", 1, json!({}));
    lab.run_s(1);
    assert_eq!(lab.said("FailedScheduling"), ["no nodes available to schedule pods"]);
}

/// The sorted split of `n` pods of `spec` over a, b (z1), c (z2).
fn split(n: i64, spec: Value) -> (Vec<usize>, Vec<String>) {
    let mut lab = Lab::new(Era::V1alpha5, 1);
    for (name, zone) in [("a", "z1"), ("b", "z1"), ("c", "z2")] {
        lab.node(name, zone, "15890m");
    }
    lab.deployment("web", n, spec);
    lab.run_s(2);
    (lab.split("web"), lab.said("FailedScheduling"))
}

#[test]
fn spread_and_affinity_between_pods() {
    let selector = json!({"matchLabels": {"app": "web"}});
    let spread = |key: &str, skew: i64| {
        json!({"topologySpreadConstraints": [
            {"maxSkew": skew, "topologyKey": key, "whenUnsatisfiable": "DoNotSchedule", "labelSelector": selector},
        ]})
    };
    let (got, _) = split(8, spread("topology.kubernetes.io/zone", 1));
    assert_eq!(got[0], 4, "four in the zone of one node: {got:?}");
    let term = json!([{"labelSelector": selector, "topologyKey": "kubernetes.io/hostname"}]);
    let required = "requiredDuringSchedulingIgnoredDuringExecution";
    let (got, said) = split(5, json!({"affinity": {"podAntiAffinity": {required: term}}}));
    // The two that stay behind are counted under the empty node name.
    assert_eq!(got, [2, 1, 1, 1]);
    assert!(said[0].starts_with("0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules. "), "{said:?}");
    let (got, said) = split(5, json!({"affinity": {"podAffinity": {required: term}}}));
    assert_eq!((got, said.len()), (vec![5, 0, 0], 0), "the first may go anywhere, the others follow");
}

#[test]
fn a_more_important_pod_takes_the_place_of_another() {
    let mut lab = Lab::new(Era::V1alpha5, 1);
    lab.node("a", "z1", "2");
    lab.deployment("low", 2, json!({}));
    lab.run_s(6);
    assert_eq!(lab.split("low"), [2]);
    lab.deployment("vip", 1, json!({"priorityClassName": "high"}));
    lab.run_s(12);
    assert_eq!(lab.placed("vip")[0].1, "a");
    assert_eq!(lab.placed("low").iter().filter(|(_, n)| n == "a").count(), 1);
    assert_eq!(lab.said("Preempted"), ["Preempted by a pod on node a"]);
}

#[test]
fn a_node_that_opens_takes_waiting_pods_by_the_eras_rules() {
    for (era, retried) in [(Era::V1alpha5, 1), (Era::V1, 2)] {
        let mut lab = Lab::new(era, 1);
        lab.node("small", "z1", "500m");
        lab.deployment("web", 1, json!({}));
        lab.run_s(4);
        // A node that is not ready yet: 1.27 does not even try, 1.35 does, as the request would fit.
        lab.create(json!({
            "apiVersion": "v1", "kind": "Node", "metadata": {"name": "big"},
            "spec": {"taints": [{"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}]},
            "status": {"allocatable": {"cpu": "4", "memory": "8Gi", "pods": "9"}, "conditions": [{"type": "Ready", "status": "False"}]},
        }));
        lab.run_s(3);
        assert_eq!(lab.said("FailedScheduling").len(), retried, "{era:?}");
        let up = json!([{"type": "Ready", "status": "True", "lastTransitionTime": "2023-07-26T03:01:00Z"}]);
        lab.patch(Kind::Node, "big", json!({"status": {"conditions": up}}));
        lab.run_s(3);
        assert_eq!(lab.placed("web")[0].1, "big", "{era:?}");
    }
}

#[test]
fn hundreds_of_pods_are_spread_evenly() {
    let mut lab = Lab::new(Era::V1, 1);
    for i in 0..24 {
        lab.node(&format!("n{i:02}"), ["z1", "z2", "z3"][i % 3], "15890m");
        lab.patch(Kind::Node, &format!("n{i:02}"), json!({"status": {"allocatable": {"pods": "110", "memory": "64Gi"}}}));
    }
    lab.deployment(
        "web",
        480,
        json!({"containers": [{"name": "web", "image": "x", "resources": {"requests": {"cpu": "250m"}}}]}),
    );
    lab.run_s(12);
    assert_eq!(lab.split("web"), vec![20; 24]);
}

#[test]
fn large_clusters_are_searched_in_part() {
    for (nodes, want) in [(1, 1), (99, 99), (100, 100), (150, 100), (1000, 420), (5000, 500), (6000, 300)] {
        assert_eq!(super::enough(nodes), want, "{nodes}");
    }
}

/// Pods of four kinds onto `n_nodes` nodes in three zones, without the other actors: pods bound, and pods a second of
/// processor time.
fn rate(n_nodes: usize, n_pods: usize) -> (usize, u128) {
    let mut lab = Lab::new(Era::V1, 1);
    let mut took = 0;
    for i in 0..n_nodes {
        let name = format!("n{i:04}");
        let node = json!({
            "apiVersion": "v1", "kind": "Node",
            "metadata": {"name": name, "labels": {
                "kubernetes.io/hostname": name, "topology.kubernetes.io/zone": ["z1", "z2", "z3"][i % 3],
            }},
            "status": {"allocatable": {"cpu": "15890m", "memory": "57691Mi", "pods": "110"}},
        });
        lab.tell_scheduler(&crate::Action::Create(node));
    }
    for app in 0..4 {
        let app = format!("app{app}");
        let spec = json!({"selector": {"app": app}, "ports": [{"port": 80}]});
        let service =
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": app, "namespace": "default"}, "spec": spec});
        lab.tell_scheduler(&crate::Action::Create(service));
    }
    for i in 0..n_pods {
        let cpu = ["100m", "250m", "500m", "1"][i % 4];
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": format!("p{}", i * 7919 % n_pods), "namespace": "default", "labels": {"app": format!("app{}", i % 4)}},
            "spec": {"containers": [{"name": "c", "image": "x", "resources": {"requests": {"cpu": cpu, "memory": "128Mi"}}}]},
            "status": {"phase": "Pending"},
        });
        took += lab.tell_scheduler(&crate::Action::Create(pod));
    }
    for _ in 0..n_pods {
        let (actions, step) = lab.scheduler_step();
        took += step;
        for action in actions {
            took += lab.tell_scheduler(&action);
        }
    }
    let bound = lab.store.list(Kind::Pod).filter(|p| p.pod().unwrap().is_bound()).count();
    (bound, bound as u128 * 1_000_000_000 / took.max(1))
}

#[test]
fn a_thousand_nodes_are_filled() {
    let (bound, _) = rate(1000, 600);
    assert_eq!(bound, 600);
}

/// `cargo test --release -p nodewright-engine --lib scheduler_rate -- --ignored --nocapture`
#[test]
#[ignore = "a measurement of this machine"]
fn scheduler_rate() {
    for n_pods in [5_000, 10_000, 20_000] {
        let (bound, rate) = rate(1000, n_pods);
        println!("{n_pods} pods on 1000 nodes: {bound} bound, {rate} pods/s");
        assert!(bound == n_pods && (cfg!(debug_assertions) || rate >= 10_000));
    }
}
