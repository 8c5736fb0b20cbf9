//! Drift of both eras, from the change to the node's end.

use super::super::testing::*;
use objects::{DocExt, Era, Kind, Value, json};

const GATE: [(&str, &str); 1] = [("featureGates.driftEnabled", "true")];

fn pool(era: Era) -> Value {
    match era {
        Era::V1alpha5 => json!({"providerRef": {"name": "default"}, "labels": {"team": "a"}}),
        Era::V1 => json!({
            "disruption": {"consolidateAfter": "Never", "consolidationPolicy": "WhenEmpty", "budgets": [{"nodes": "100%"}]},
            "template": {"metadata": {"labels": {"team": "a"}}, "spec": {
                "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "default"}}},
        }),
    }
}

/// The reason of the drift condition after `edit`, within six minutes.
fn check(era: Era, edit: impl Fn(&mut Lab), want: Option<&str>) {
    let mut lab = Lab::one_node(era, if era == Era::V1alpha5 { &GATE } else { &[] }, pool(era), json!({}));
    let kind = super::drift::condition(era);
    assert!(lab.claim().unwrap().condition(kind).is_none(), "nothing has changed yet");
    // The pod keeps the node, so that the condition can be read.
    let guard = if era == Era::V1 { "karpenter.sh/do-not-disrupt" } else { "karpenter.sh/do-not-evict" };
    lab.create(pod("guard", NODE, json!({"metadata.annotations": {guard: "true"}})));
    edit(&mut lab);
    lab.run(360_000);
    let claim = lab.claim().expect("a pod keeps the node");
    assert_eq!(claim.condition(kind).and_then(|c| c.str_at("reason")), want, "{era:?} {}", lab.log_text());
}

#[test]
fn reasons() {
    let (a, b) = (Era::V1alpha5, Era::V1);
    check(
        a,
        |lab| lab.patch(Kind::Provisioner, "default", json!({"spec": {"labels": {"team": "b"}}})),
        Some("ProvisionerDrifted"),
    );
    check(
        b,
        |lab| lab.patch(Kind::NodePool, "default", json!({"spec": {"template": {"metadata": {"labels": {"team": "b"}}}}})),
        Some("NodePoolDrifted"),
    );
    check(
        b,
        |lab| lab.patch(Kind::NodePool, "default", json!({"spec": {"template": {"spec": {"expireAfter": "24h"}}}})),
        Some("NodePoolDrifted"),
    );
    check(a, |lab| lab.patch(Kind::Provisioner, "default", json!({"spec": {"weight": 5}})), None);
    check(
        b,
        |lab| lab.patch(Kind::NodePool, "default", json!({"spec": {"weight": 5, "disruption": {"budgets": [{"nodes": "1"}]}}})),
        None,
    );
    // Requirements are not hashed: they drift what they no longer allow, and only that.
    let arch = |values: &[&str]| json!([{"key": "kubernetes.io/arch", "operator": "In", "values": values}]);
    for (values, want) in [(&["arm64"][..], Some("RequirementsDrifted")), (&["arm64", "amd64"], None)] {
        check(a, |lab| lab.patch(Kind::Provisioner, "default", json!({"spec": {"requirements": arch(values)}})), want);
        check(
            b,
            |lab| lab.patch(Kind::NodePool, "default", json!({"spec": {"template": {"spec": {"requirements": arch(values)}}}})),
            want,
        );
    }
    check(a, |lab| lab.patch(Kind::AWSNodeTemplate, "default", json!({"spec": {"userData": "echo"}})), Some("NodeTemplateDrift"));
    check(b, |lab| lab.patch(Kind::EC2NodeClass, "default", json!({"spec": {"userData": "echo"}})), Some("NodeClassDrift"));
    check(
        b,
        |lab| lab.patch(Kind::EC2NodeClass, "default", json!({"spec": {"subnetSelectorTerms": [{"tags": {"a": "b"}}]}})),
        None,
    );
}

#[test]
fn the_cloud_drifts_what_is_launched_otherwise_today() {
    let template = json!({"images": {"amd64": "ami-0old"}, "securityGroups": ["sg-0old"]});
    for (edit, want) in [
        (json!({"template": {"images": template.at("images").clone()}}), "AMIDrift"),
        (json!({"template": {"securityGroups": template.at("securityGroups").clone()}}), "SecurityGroupDrift"),
        (json!({"zone": "ap-northeast-2z"}), "SubnetDrift"),
    ] {
        for era in [Era::V1alpha5, Era::V1] {
            check(
                era,
                |lab| {
                    lab.patch(Kind::Instance, "i-0a1b2c3d4e5f60718", json!({"spec": edit}));
                    // Something has to make the controller look before its five minutes are over.
                    lab.patch(Kind::Node, NODE, json!({"metadata": {"labels": {"looked": "at"}}}));
                    if era == Era::V1 {
                        lab.patch(Kind::NodePool, "default", json!({"spec": {"weight": 7}}));
                    }
                },
                Some(want),
            );
        }
    }
}

#[test]
fn without_its_gate_0_31_knows_no_drift() {
    let mut lab = Lab::one_node(Era::V1alpha5, &[], pool(Era::V1alpha5), json!({}));
    lab.patch(Kind::Provisioner, "default", json!({"spec": {"labels": {"team": "b"}}}));
    lab.run(400_000);
    assert!(lab.claim().unwrap().condition("MachineDrifted").is_none());
    assert!(lab.get(Kind::Provisioner, "default").unwrap().meta.annotations.is_empty());
    // From the moment that it is on, machines are compared with the pool of that moment.
    lab.patch_in(
        "karpenter",
        Kind::ConfigMap,
        "karpenter-global-settings",
        json!({"data": {"featureGates.driftEnabled": "true"}}),
    );
    lab.patch(Kind::Provisioner, "default", json!({"spec": {"weight": 1}}));
    lab.run(20_000);
    assert!(lab.claim().unwrap().condition("MachineDrifted").is_none());
    lab.create(pod("guard", NODE, json!({"metadata.annotations": {"karpenter.sh/do-not-evict": "true"}})));
    lab.patch(Kind::Provisioner, "default", json!({"spec": {"labels": {"team": "c"}}}));
    lab.run(20_000);
    assert!(lab.claim().unwrap().condition_is_true("MachineDrifted"));
    assert!(lab.log_text().contains("DEBUG controller.machine.disruption marking machine as drifted {\"commit\": \"34d50bf-dirty\", \"machine\": \"default-7xk4p\", \"provisioner\": \"default\"}"), "{}", lab.log_text());
    lab.patch(Kind::Provisioner, "default", json!({"spec": {"labels": {"team": "b"}}}));
    lab.run(20_000);
    assert!(lab.claim().unwrap().condition("MachineDrifted").is_none());
    assert!(lab.log_text().contains("removing drifted status condition from machine "), "{}", lab.log_text());
}

#[test]
fn a_drifted_empty_node_goes_at_once() {
    for (era, line) in [
        (
            Era::V1alpha5,
            "deprovisioning via drift delete, terminating 1 machines ip-192-168-3-77.ap-northeast-2.compute.internal/m5.xlarge/on-demand",
        ),
        (Era::V1, "delete: nodepools=[default]: [ip-192-168-3-77.ap-northeast-2.compute.internal] (savings: $0.24)"),
    ] {
        let mut lab = Lab::one_node(era, if era == Era::V1alpha5 { &GATE } else { &[] }, pool(era), json!({}));
        lab.delete(Kind::Pod, "app");
        let edit = json!({"spec": match era {
            Era::V1alpha5 => json!({"labels": {"team": "b"}}),
            Era::V1 => json!({"template": {"metadata": {"labels": {"team": "b"}}}}),
        }});
        lab.patch(super::super::names::Names::of(era).pool, "default", edit);
        let from = lab.now;
        // The poll, and no validation wait after it.
        lab.run(11_000);
        assert!(lab.log_text().contains(line), "{}", lab.log_text());
        assert!(lab.claim().is_none_or(|c| c.meta.is_deleting()), "{era:?} at {} s", lab.now.since(from) / 1000);
    }
}

#[test]
fn a_drifted_node_waits_for_its_replacement() {
    for era in [Era::V1alpha5, Era::V1] {
        let mut lab = Lab::one_node(era, if era == Era::V1alpha5 { &GATE } else { &[] }, pool(era), json!({}));
        let edit = json!({"spec": match era {
            Era::V1alpha5 => json!({"labels": {"team": "b"}}),
            Era::V1 => json!({"template": {"metadata": {"labels": {"team": "b"}}}}),
        }});
        lab.patch(super::super::names::Names::of(era).pool, "default", edit);
        lab.run(12_000);
        assert_eq!(lab.requested().len(), 1, "{}", lab.log_text());
        assert!(!lab.claim().unwrap().meta.is_deleting());
        let text = match era {
            Era::V1alpha5 => "deprovisioning via drift replace, terminating 1 machines",
            Era::V1 => "-> [1 replacement]",
        };
        assert!(lab.log_text().contains(text), "{}", lab.log_text());
        if era == Era::V1 {
            assert!(lab.log_text().contains("\"command\":\"Drifted/"), "{}", lab.log_text());
            assert!(lab.claim().unwrap().condition("DisruptionReason").is_some_and(|c| c.str_at("reason") == Some("Drifted")));
        }
    }
}

#[test]
fn a_budget_of_zero_stops_drift_in_1_14() {
    let mut spec = pool(Era::V1);
    spec.set("disruption.budgets", json!([{"nodes": "0", "reasons": ["Drifted"]}]));
    let mut lab = Lab::one_node(Era::V1, &[], spec, json!({}));
    lab.patch(Kind::NodePool, "default", json!({"spec": {"template": {"metadata": {"labels": {"team": "b"}}}}}));
    lab.run(60_000);
    assert!(lab.claim().unwrap().condition_is_true("Drifted") && lab.requested().is_empty());
    assert!(lab.said("NodePool DisruptionBlocked: No allowed disruptions for disruption reason Drifted due to blocking budget"));
}

/// Drift is of the eventual class: where a grace period bounds the drain, pods that forbid evictions do not stop it.
#[test]
fn guarded_pods_stop_drift_unless_a_grace_period_ends_it() {
    for (extra, goes) in [(json!({}), false), (json!({"spec.terminationGracePeriod": "300s"}), true)] {
        let mut lab = Lab::one_node(Era::V1, &[], pool(Era::V1), extra);
        lab.create(pod("guard", NODE, json!({"metadata.annotations": {"karpenter.sh/do-not-disrupt": "true"}})));
        lab.patch(Kind::NodePool, "default", json!({"spec": {"template": {"metadata": {"labels": {"team": "b"}}}}}));
        lab.run(30_000);
        assert_eq!(!lab.requested().is_empty(), goes, "{}", lab.log_text());
        let blocked = "Node DisruptionBlocked: Pod has \"karpenter.sh/do-not-disrupt\" annotation (Pod=default/guard)";
        assert!(lab.said(blocked), "{:?}", lab.events);
    }
}
