//! Claims, their volumes and the pods that use them.

use crate::Era;
use crate::environment::testing::Lab;
use objects::{DocExt, Kind, Value, json};

/// Nodes a (z1), b (z2), c (z3), a class of each kind and a claim of `class`.
fn lab(class: &str) -> Lab {
    let mut lab = Lab::new(Era::V1alpha5, 5);
    for (name, zone) in [("a", "z1"), ("b", "z2"), ("c", "z3")] {
        lab.node(name, zone, "4");
    }
    let zones = json!([{"matchLabelExpressions": [{"key": "topology.ebs.csi.aws.com/zone", "values": ["z2"]}]}]);
    for (name, mode, provisioner, topologies) in [
        ("now", "Immediate", "ebs.csi.aws.com", Value::Null),
        ("late", "WaitForFirstConsumer", "ebs.csi.aws.com", Value::Null),
        ("late-z2", "WaitForFirstConsumer", "ebs.csi.aws.com", zones),
        ("local", "WaitForFirstConsumer", "kubernetes.io/no-provisioner", Value::Null),
    ] {
        lab.create(json!({
            "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name},
            "provisioner": provisioner, "volumeBindingMode": mode, "reclaimPolicy": "Delete", "allowedTopologies": topologies,
        }));
    }
    let class = if class.is_empty() { Value::Null } else { class.into() };
    lab.create(json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data", "namespace": "default"},
        "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": class, "resources": {"requests": {"storage": "8Gi"}}},
        "status": {"phase": "Pending"},
    }));
    lab
}

fn volume(lab: &mut Lab, name: &str, zone: &str, size: &str) {
    lab.create(json!({
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name},
        "spec": {
            "capacity": {"storage": size}, "accessModes": ["ReadWriteOnce"], "storageClassName": "local",
            "persistentVolumeReclaimPolicy": "Retain",
            "nodeAffinity": {"required": {"nodeSelectorTerms": [
                {"matchExpressions": [{"key": "topology.kubernetes.io/zone", "operator": "In", "values": [zone]}]},
            ]}},
        },
    }));
}

fn user(zone: Option<&str>) -> Value {
    let mut spec = json!({"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]});
    if let Some(zone) = zone {
        spec.set("nodeSelector", json!({"topology.kubernetes.io/zone": zone}));
    }
    spec
}

fn text(lab: &Lab, kind: Kind, name: &str, path: &str) -> String {
    lab.get(kind, name).and_then(|o| o.doc.str_at(path).map(str::to_owned)).unwrap_or_default()
}

fn volumes(lab: &Lab) -> Vec<(String, String)> {
    let zone = |d: &Value| {
        let terms = d.list_at("spec.nodeAffinity.required.nodeSelectorTerms");
        terms[0].list_at("matchExpressions")[0].list_at("values")[0].as_str().unwrap().to_owned()
    };
    lab.store.list(Kind::PersistentVolume).map(|v| (zone(&v.doc), v.doc.str_at("status.phase").unwrap().to_owned())).collect()
}

#[test]
fn a_late_class_makes_the_volume_where_the_pod_goes_and_keeps_the_pod_there() {
    let mut lab = lab("late");
    lab.run_s(1);
    assert_eq!(lab.said("WaitForFirstConsumer"), ["waiting for first consumer to be created before binding"]);
    lab.deployment("web", 1, user(Some("z2")));
    lab.run_s(1);
    assert_eq!(lab.placed("web")[0].1, "", "the pod is bound when its volume is");
    lab.run_s(4);
    assert_eq!(lab.placed("web")[0].1, "b");
    assert_eq!(volumes(&lab), [("z2".to_owned(), "Bound".to_owned())]);
    assert_eq!(text(&lab, Kind::PersistentVolumeClaim, "data", "status.phase"), "Bound");
    assert!(lab.said("ProvisioningSucceeded")[0].starts_with("Successfully provisioned volume pvc-"));
    // Another pod with the claim is tied to the zone, and one that must not go there goes nowhere.
    lab.deployment("same", 1, user(None));
    lab.deployment("other", 1, user(Some("z1")));
    lab.run_s(2);
    assert_eq!(lab.placed("same")[0].1, "b");
    let said = lab.said("FailedScheduling");
    let want = "0/3 nodes are available: 1 node(s) had volume node affinity conflict, 2 node(s) didn't match Pod's node \
                affinity/selector. ";
    assert!(said[0].starts_with(want), "{said:?}");
    lab.delete(Kind::PersistentVolumeClaim, "data");
    lab.run_s(1);
    assert_eq!(volumes(&lab), []);
}

#[test]
fn room_is_kept_while_a_volume_is_made() {
    let mut lab = lab("late");
    lab.deployment("web", 1, user(Some("z2")));
    lab.deployment("fill", 4, json!({"nodeSelector": {"topology.kubernetes.io/zone": "z2"}}));
    lab.run_s(6);
    assert_eq!(lab.placed("web")[0].1, "b");
    assert_eq!(lab.placed("fill").iter().filter(|(_, n)| n == "b").count(), 3, "four CPUs: one is taken");
}

#[test]
fn an_immediate_class_binds_without_a_pod_and_a_pod_waits_for_it() {
    let mut lab = lab("now");
    lab.deployment("web", 1, user(None));
    lab.run_s(1);
    let said = lab.said("FailedScheduling");
    let want = "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/3 nodes are \
                available: 3 Preemption is not helpful for scheduling..";
    assert_eq!(said, [want]);
    lab.run_s(8);
    let zone = volumes(&lab)[0].0.clone();
    let node = lab.placed("web")[0].1.clone();
    assert_eq!(lab.store.cluster(Kind::Node, &node).unwrap().meta.labels["topology.kubernetes.io/zone"], zone);
}

#[test]
fn classes_say_where_and_whether_volumes_are_made() {
    for (class, existing, want) in [
        ("late-z2", None, "b"),
        // Nothing makes a volume of this class: the one that is there decides, and a small one does not do.
        ("local", Some(("z3", "10Gi")), "c"),
        ("local", Some(("z3", "5Gi")), ""),
        ("local", None, ""),
        ("nowhere", None, ""),
    ] {
        let mut lab = lab(class);
        if let Some((zone, size)) = existing {
            volume(&mut lab, "disk", zone, size);
        }
        lab.deployment("web", 1, user(None));
        lab.run_s(6);
        assert_eq!(lab.placed("web")[0].1, want, "{class} {existing:?} {:?}", lab.said("FailedScheduling"));
    }
}

#[test]
fn a_claim_without_a_class_has_the_default_one() {
    let mut lab = lab("");
    lab.run_s(1);
    let said = "no persistent volumes available for this claim and no storage class is set";
    assert_eq!(lab.said("FailedBinding"), [said]);
    let default = json!({"metadata": {"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}});
    lab.patch(Kind::StorageClass, "now", default);
    lab.run_s(5);
    assert_eq!(text(&lab, Kind::PersistentVolumeClaim, "data", "spec.storageClassName"), "now");
    assert_eq!(text(&lab, Kind::PersistentVolumeClaim, "data", "status.phase"), "Bound");
}
