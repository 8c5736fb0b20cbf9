//! The environment's actors together: from a person's change to what runs where.

use super::testing::Lab;
use crate::Era;
use objects::collections::VecSet;
use objects::{DocExt, Kind, json};

#[test]
fn a_deployment_becomes_running_pods() {
    let mut lab = Lab::new(Era::V1alpha5, 1);
    for (name, zone) in [("a", "z1"), ("b", "z2"), ("c", "z3"), ("d", "z1")] {
        lab.node(name, zone, "3920m");
    }
    lab.deployment("inflate", 12, json!({}));
    lab.run_ms(110);
    assert_eq!(lab.said("ScalingReplicaSet").len(), 1, "acted on within 0.11 s");
    lab.run_ms(300);
    assert_eq!(lab.split("inflate"), [3, 3, 3, 3], "spread by the cluster's defaults");
    lab.run_s(6);
    let status = lab.get(Kind::Deployment, "inflate").unwrap().doc.at("status").clone();
    for (field, want) in [("replicas", 12), ("readyReplicas", 12), ("availableReplicas", 12), ("updatedReplicas", 12)] {
        assert_eq!(status.int_at(field), Some(want), "{field}");
    }
    assert!(status.at("unavailableReplicas").is_null());
    let conditions: Vec<_> =
        status.list_at("conditions").iter().map(|c| (c.str_at("type").unwrap(), c.str_at("reason").unwrap())).collect();
    assert_eq!(conditions, [("Available", "MinimumReplicasAvailable"), ("Progressing", "NewReplicaSetAvailable")]);
    let (pod, _) = &lab.placed("inflate")[0];
    assert_eq!(pod.doc.str_at("status.phase"), Some("Running"));
    assert!(pod.doc.str_at("status.podIP").is_some_and(|ip| ip.starts_with("192.168.")));
    let reasons: VecSet<String> = lab
        .store
        .list(Kind::Event)
        .filter(|e| e.doc.str_at("involvedObject.name") == Some(&pod.meta.name))
        .map(|e| e.doc.str_at("reason").unwrap().to_owned())
        .collect();
    let want = ["Created", "Pulled", "Pulling", "Scheduled", "Started"];
    assert_eq!(reasons.iter().map(String::as_str).collect::<Vec<_>>(), want);
}

#[test]
fn the_eras_word_scaling_differently() {
    for (era, made, scaled) in [
        (Era::V1alpha5, "Scaled up replica set R to 2", "Scaled up replica set R to 5 from 2"),
        (Era::V1, "Scaled up replica set R from 0 to 2", "Scaled up replica set R from 2 to 5"),
    ] {
        let mut lab = Lab::new(era, 1);
        lab.deployment("web", 2, json!({}));
        lab.run_s(1);
        lab.patch(Kind::Deployment, "web", json!({"spec": {"replicas": 5}}));
        lab.run_s(1);
        let set = lab.store.list(Kind::ReplicaSet).next().unwrap().meta.name.clone();
        let said: Vec<String> = lab.said("ScalingReplicaSet").iter().map(|m| m.replace(&set, "R")).collect();
        assert_eq!(said, [made, scaled]);
        assert_eq!(lab.placed("web").len(), 5);
    }
}

#[test]
fn scale_down_splits_vary_with_the_seed() {
    let mut splits = VecSet::new();
    for seed in 0..24 {
        let mut lab = Lab::new(Era::V1alpha5, seed);
        for name in ["a", "b", "c", "d"] {
            lab.node(name, "z1", "3920m");
        }
        lab.deployment("inflate", 12, json!({}));
        lab.run_s(8);
        assert_eq!(lab.split("inflate"), [3, 3, 3, 3]);
        lab.patch(Kind::Deployment, "inflate", json!({"spec": {"replicas": 7}}));
        lab.run_s(3);
        let split = lab.split("inflate");
        assert_eq!(split.iter().sum::<usize>(), 7);
        splits.insert(split);
    }
    assert!(splits.len() >= 2, "{splits:?}");
    assert!(splits.contains(&vec![2, 2, 2, 1]) || splits.contains(&vec![3, 2, 1, 1]), "{splits:?}");
}

#[test]
fn a_new_template_rolls_without_losing_availability() {
    let mut lab = Lab::new(Era::V1alpha5, 3);
    lab.node("a", "z1", "16");
    lab.deployment("web", 4, json!({}));
    lab.run_s(6);
    lab.patch(
        Kind::Deployment,
        "web",
        json!({"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "pause:3.8"}]}}}}),
    );
    for _ in 0..200 {
        lab.run_ms(50);
        let ready = lab.placed("web").iter().filter(|(p, _)| p.pod().unwrap().ready && !p.meta.is_deleting()).count();
        assert!(ready >= 3, "maxUnavailable 25% of 4 is 1");
        assert!(lab.placed("web").len() <= 6, "maxSurge 25% of 4 is 1");
    }
    let images: VecSet<String> = lab.placed("web").iter().flat_map(|(p, _)| p.pod().unwrap().spec.images.clone()).collect();
    assert_eq!(images, VecSet::from(["pause:3.8".to_owned()]));
    assert_eq!(lab.store.count(Kind::ReplicaSet), 2);
    let d = lab.get(Kind::Deployment, "web").unwrap();
    assert_eq!(d.meta.annotations.get("deployment.kubernetes.io/revision").map(String::as_str), Some("2"));
    // Back again: the old ReplicaSet gets the next revision.
    lab.patch(
        Kind::Deployment,
        "web",
        json!({"spec": {"template": {"spec": {"containers": [
            {"name": "web", "image": "pause:3.7", "resources": {"requests": {"cpu": "1"}}},
        ]}}}}),
    );
    lab.run_s(10);
    assert_eq!(lab.store.count(Kind::ReplicaSet), 2);
    let d = lab.get(Kind::Deployment, "web").unwrap();
    assert_eq!(d.meta.annotations.get("deployment.kubernetes.io/revision").map(String::as_str), Some("3"));
}

#[test]
fn deleting_a_deployment_takes_its_pods_along() {
    let mut lab = Lab::new(Era::V1alpha5, 3);
    lab.node("a", "z1", "16");
    lab.deployment("web", 4, json!({}));
    lab.run_s(6);
    lab.delete(Kind::Deployment, "web");
    lab.run_ms(300);
    assert_eq!((lab.store.count(Kind::ReplicaSet), lab.placed("web").len()), (0, 0));
}

#[test]
fn a_pod_with_grace_exits_on_term_or_takes_its_time() {
    for (command, at_least_ms, at_most_ms) in [(json!(null), 100, 1_000), (json!(["sleep", "1d"]), 20_000, 21_000)] {
        let mut lab = Lab::new(Era::V1alpha5, 3);
        lab.node("a", "z1", "16");
        let spec =
            json!({"terminationGracePeriodSeconds": 20, "containers": [{"name": "web", "image": "x:1", "command": command}]});
        lab.deployment("web", 1, spec);
        lab.run_s(6);
        lab.patch(Kind::Deployment, "web", json!({"spec": {"replicas": 0}}));
        lab.run_ms(100 + at_least_ms);
        assert_eq!(lab.placed("web").len(), 1, "still there");
        lab.run_ms(at_most_ms - at_least_ms + 300);
        assert_eq!(lab.placed("web").len(), 0);
        assert_eq!(lab.said("Killing"), ["Stopping container web"]);
    }
}

#[test]
fn daemons_run_on_every_node_and_count_as_overhead() {
    let mut lab = Lab::new(Era::V1alpha5, 3);
    lab.node("a", "z1", "1930m");
    for (name, cpu) in [("aws-node", "25m"), ("kube-proxy", "100m")] {
        lab.create(json!({
            "apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": name, "namespace": "default"},
            "spec": {"selector": {"matchLabels": {"app": name}}, "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"hostNetwork": true, "priorityClassName": "system-node-critical", "tolerations": [{"operator": "Exists"}],
                    "containers": [{"name": name, "image": name, "resources": {"requests": {"cpu": cpu}}}]},
            }},
        }));
    }
    lab.run_s(5);
    lab.node("b", "z1", "1930m");
    lab.run_s(5);
    for name in ["aws-node", "kube-proxy"] {
        assert_eq!(lab.split(name), [1, 1]);
        assert_eq!(lab.get(Kind::DaemonSet, name).unwrap().doc.int_at("status.numberReady"), Some(2));
    }
    // 1805m are left on each: one pod of one CPU.
    lab.deployment("inflate", 3, json!({}));
    lab.run_s(2);
    assert_eq!(lab.placed("inflate").iter().filter(|(_, n)| !n.is_empty()).count(), 2);
    let said = lab.said("FailedScheduling");
    let want = "0/2 nodes are available: 2 Insufficient cpu. preemption: 0/2 nodes are available: 2 No preemption victims \
                found for incoming pod..";
    assert_eq!(said, [want]);
}

#[test]
fn budgets_count_what_may_go() {
    for (spec, want) in [
        (json!({"minAvailable": 3}), (4, 3, 1)),
        (json!({"minAvailable": "50%"}), (4, 2, 2)),
        (json!({"maxUnavailable": 1}), (4, 3, 1)),
        (json!({"maxUnavailable": "30%"}), (4, 2, 2)),
        (json!({"minAvailable": 9}), (4, 9, 0)),
    ] {
        let mut lab = Lab::new(Era::V1, 3);
        lab.node("a", "z1", "16");
        lab.deployment("web", 4, json!({}));
        let mut budget = json!({
            "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "web", "namespace": "default"},
            "spec": {"selector": {"matchLabels": {"app": "web"}}},
        });
        objects::patch::merge(&mut budget, &json!({"spec": spec}));
        lab.create(budget);
        lab.run_s(6);
        let status = lab.get(Kind::PodDisruptionBudget, "web").unwrap().doc.at("status").clone();
        let n = |f: &str| status.int_at(f).unwrap();
        assert_eq!((n("expectedPods"), n("desiredHealthy"), n("disruptionsAllowed")), want, "{spec}");
        assert_eq!(n("currentHealthy"), 4);
    }
}

#[test]
fn a_namespace_takes_everything_along() {
    let mut lab = Lab::new(Era::V1alpha5, 3);
    lab.node("a", "z1", "16");
    lab.create(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}}));
    lab.deployment("web", 2, json!({}));
    lab.run_s(6);
    assert!(lab.get(Kind::ServiceAccount, "default").is_some());
    lab.delete(Kind::Namespace, "default");
    lab.run_s(3);
    assert_eq!(lab.store.count(Kind::Namespace), 0);
    assert_eq!((lab.store.count(Kind::Pod), lab.store.count(Kind::Deployment), lab.store.count(Kind::ReplicaSet)), (0, 0, 0));
}

#[test]
fn evicting_taints_evict_by_toleration() {
    let mut lab = Lab::new(Era::V1alpha5, 3);
    lab.node("a", "z1", "16");
    lab.deployment("web", 1, json!({}));
    let two = json!({"tolerations": [{"key": "team", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 20}]});
    lab.deployment("patient", 1, two);
    let ever = json!({"tolerations": [{"key": "team", "operator": "Exists"}]});
    lab.deployment("settled", 1, ever);
    lab.run_s(6);
    lab.patch(Kind::Node, "a", json!({"spec": {"taints": [{"key": "team", "value": "x", "effect": "NoExecute"}]}}));
    let bound = |lab: &Lab, app: &str| lab.placed(app)[0].1 == "a";
    lab.run_s(2);
    assert_eq!((bound(&lab, "web"), bound(&lab, "patient"), bound(&lab, "settled")), (false, true, true));
    lab.run_s(20);
    // The replacement tolerates the taint again, for another 20 s that are over at once: it goes in circles, as in reality.
    assert!(lab.said("TaintManagerEviction").len() >= 2);
    assert!(bound(&lab, "settled"));
}

#[test]
fn ordinals_come_and_go_in_order() {
    let mut lab = Lab::new(Era::V1alpha5, 3);
    lab.node("a", "z1", "16");
    lab.create(json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db", "namespace": "default"},
        "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "db"}}, "template": {
            "metadata": {"labels": {"app": "db"}}, "spec": {"containers": [{"name": "db", "image": "x"}]},
        }},
    }));
    lab.run_ms(500);
    assert_eq!(lab.placed("db").len(), 1, "the next waits until the first is ready");
    lab.run_s(10);
    let names: Vec<String> = lab.placed("db").iter().map(|(p, _)| p.meta.name.clone()).collect();
    assert_eq!(names, ["db-0", "db-1", "db-2"]);
    lab.patch(Kind::StatefulSet, "db", json!({"spec": {"replicas": 1}}));
    lab.run_s(4);
    assert_eq!(lab.placed("db").len(), 1);
    assert_eq!(lab.said("SuccessfulDelete")[0], "delete Pod db-2 in StatefulSet db successful");
}

#[test]
fn a_job_ends_when_its_pods_have_succeeded() {
    let mut lab = Lab::new(Era::V1alpha5, 3);
    lab.node("a", "z1", "16");
    lab.create(json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "sum", "namespace": "default"},
        "spec": {"completions": 3, "parallelism": 2, "template": {
            "metadata": {"labels": {"app": "sum"}, "annotations": {"nodewright.dev/run-seconds": "5"}},
            "spec": {"restartPolicy": "Never", "containers": [{"name": "sum", "image": "x"}]},
        }},
    }));
    lab.run_s(5);
    assert_eq!(lab.placed("sum").len(), 2);
    lab.run_s(25);
    let job = lab.get(Kind::Job, "sum").unwrap();
    assert_eq!(job.doc.int_at("status.succeeded"), Some(3));
    assert!(job.condition_is_true("Complete"));
}

#[test]
fn ephemeral_volumes_get_claims() {
    let mut lab = Lab::new(Era::V1, 1);
    let volume = json!([{"name": "tmp", "ephemeral": {"volumeClaimTemplate": {"spec": {"accessModes": ["ReadWriteOnce"]}}}}]);
    lab.deployment("web", 1, json!({"volumes": volume}));
    lab.run_s(2);
    let pod = lab.placed("web").first().map(|(p, _)| p.meta.name.clone()).unwrap();
    assert!(lab.get(Kind::PersistentVolumeClaim, &format!("{pod}-tmp")).is_some());
}
