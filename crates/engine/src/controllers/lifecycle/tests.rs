//! From a launched claim to an initialized node, with the kubelet played by the test.

use super::super::testing::*;
use objects::{DocExt, Era, Kind, json};

#[test]
fn a_machine_registers_and_initializes() {
    let mut lab = Lab::new(Era::V1alpha5);
    lab.create(instance());
    lab.create(launched(Era::V1alpha5));
    lab.run(5_000);
    let machine = lab.get(Kind::Machine, "default-7xk4p").unwrap();
    let reason = machine.condition("MachineRegistered").and_then(|c| c.str_at("reason"));
    assert_eq!(reason, Some("NodeNotFound"));
    lab.create(joined(Era::V1alpha5));
    lab.run(5_000);
    let node = lab.get(Kind::Node, NODE).unwrap();
    assert_eq!(node.meta.labels.get("karpenter.sh/registered").map(String::as_str), Some("true"));
    assert_eq!(node.meta.labels.get("type").map(String::as_str), Some("karpenter"));
    assert_eq!(node.meta.finalizers, ["karpenter.sh/termination"]);
    assert_eq!(node.meta.owners.iter().map(|o| o.kind.as_str()).collect::<Vec<_>>(), ["Machine"]);
    let machine = lab.get(Kind::Machine, "default-7xk4p").unwrap();
    assert!(machine.condition_is_true("MachineRegistered") && !machine.condition_is_true("MachineInitialized"));
    lab.patch(Kind::Node, NODE, ready());
    lab.run(5_000);
    let machine = lab.get(Kind::Machine, "default-7xk4p").unwrap();
    assert!(machine.condition_is_true("MachineInitialized") && machine.condition_is_true("Ready"));
    assert_eq!(machine.claim().unwrap().node_name, NODE);
    let c = format!(
        r#"{{"commit": "34d50bf-dirty", "machine": "default-7xk4p", "provisioner": "default", "provider-id": "{PROVIDER_ID}", "node": "{NODE}"}}"#
    );
    let want = ["registered", "initialized"].map(|w| format!("DEBUG controller.machine.lifecycle {w} machine {c}")).join("\n");
    assert_eq!(lab.log_text(), want);
}

#[test]
fn a_node_claim_loses_its_unregistered_taint() {
    let mut lab = Lab::new(Era::V1);
    lab.create(instance());
    lab.create(launched(Era::V1));
    lab.run(2_000);
    lab.create(joined(Era::V1));
    lab.run(3_000);
    let node = lab.get(Kind::Node, NODE).unwrap();
    let taints: Vec<&str> = node.node().unwrap().taints.iter().map(|t| t.key.as_str()).collect();
    assert_eq!(taints, ["node.kubernetes.io/not-ready"]);
    lab.patch(Kind::Node, NODE, ready());
    lab.run(3_000);
    let claim = lab.get(Kind::NodeClaim, "default-7xk4p").unwrap();
    assert!(claim.condition_is_true("Ready"));
    let transitions: Vec<&String> = lab.events.iter().filter(|e| e.contains("transitioned")).collect();
    let want = ["Registered", "Initialized", "Ready"]
        .map(|k| format!("NodeClaim {k}: Status condition transitioned, Type: {k}, Status: Unknown -> True, Reason: {k}"));
    assert_eq!(transitions, want.iter().collect::<Vec<_>>());
}

#[test]
fn startup_taints_and_missing_devices_hold_initialization_back() {
    for (change, want) in [
        (
            json!({"spec": {"startupTaints": [{"key": "cni", "value": "wait", "effect": "NoSchedule"}]}}),
            "StartupTaint \"cni=wait:NoSchedule\" still exists",
        ),
        (
            json!({"spec": {"resources": {"requests": {"nvidia.com/gpu": "1"}}}}),
            "Resource \"nvidia.com/gpu\" was requested but not registered",
        ),
    ] {
        let mut lab = Lab::new(Era::V1alpha5);
        lab.create(instance());
        lab.create(launched(Era::V1alpha5));
        lab.patch(Kind::Machine, "default-7xk4p", change);
        lab.run(2_000);
        lab.create(joined(Era::V1alpha5));
        lab.run(3_000);
        let kept = lab.get(Kind::Node, NODE).unwrap().doc.list_at("spec.taints").to_vec();
        let mut patch = ready();
        patch.set("spec.taints", kept.into_iter().filter(|t| t.str_at("key") == Some("cni")).collect::<Vec<_>>());
        lab.patch(Kind::Node, NODE, patch);
        lab.run(3_000);
        let machine = lab.get(Kind::Machine, "default-7xk4p").unwrap();
        assert_eq!(machine.condition("MachineInitialized").and_then(|c| c.str_at("message")), Some(want));
    }
}

#[test]
fn a_machine_that_never_registers_is_deleted_after_fifteen_minutes() {
    let mut lab = Lab::new(Era::V1alpha5);
    lab.create(instance());
    lab.create(launched(Era::V1alpha5));
    lab.run(899_000);
    assert!(lab.get(Kind::Machine, "default-7xk4p").is_some());
    lab.run(3_000);
    assert!(lab.get(Kind::Machine, "default-7xk4p").is_none());
    assert!(lab.log_text().contains("terminating machine due to registration ttl"), "{}", lab.log_text());
    assert!(lab.log_text().contains(r#""ttl": "15m0s"}"#), "{}", lab.log_text());
}
