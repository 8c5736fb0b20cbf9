//! Writes against a small store, told as action and answer.

use super::*;
use crate::actor::EventNote;
use objects::{DocExt, Era, Value, json};

const EPOCH_MS: i64 = 1_690_347_600_000;

struct Server {
    store: Store,
    profile: Profile,
    now: SimTime,
}

impl Server {
    fn new() -> Server {
        Server { store: Store::default(), profile: Profile::of(Era::V1alpha5), now: SimTime::ZERO }
    }

    fn with(docs: &[Value]) -> Server {
        let mut server = Server::new();
        for doc in docs {
            server.check(Action::Create(doc.clone()), "ok");
        }
        server
    }

    /// Executes an action; `want` is `ok` or the refusal.
    fn check(&mut self, action: Action, want: &str) {
        let ctx = Context { now: self.now, epoch_ms: EPOCH_MS, seed: 1, profile: &self.profile };
        let before = self.store.hash();
        match execute(&mut self.store, &ctx, &action) {
            Ok(()) => assert_eq!("ok", want, "{action:?}"),
            Err(error) => {
                assert_eq!(error.message, want, "{action:?}");
                assert_eq!(self.store.hash(), before, "a refusal writes nothing");
            }
        }
    }

    fn doc(&self, key: &ObjectKey) -> Value {
        self.store.get(key).map(|o| o.doc.clone()).unwrap_or_default()
    }
}

fn pod(name: &str, node: &str, phase: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default", "labels": {"app": "web"}},
        "spec": {"nodeName": node, "containers": [{"name": "c", "image": "i", "resources": {"requests": {"cpu": "1"}}}]},
        "status": {"phase": phase, "conditions": [{"type": "Ready", "status": if phase == "Running" {"True"} else {"False"}}]},
    })
}

fn pod_key(name: &str) -> ObjectKey {
    ObjectKey::new(Kind::Pod, "default", name)
}

fn budget(name: &str, allowed: i64) -> Value {
    json!({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": name, "namespace": "default"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}},
        "status": {"disruptionsAllowed": allowed, "currentHealthy": 1, "desiredHealthy": 1, "observedGeneration": 1},
    })
}

fn delete_of(key: ObjectKey, grace_s: Option<i64>) -> Action {
    Action::Delete { key, grace_s }
}

#[test]
fn created_objects_get_what_the_server_writes() {
    let mut server = Server::new();
    server.check(
        Action::Create(json!({
            "apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": {"name": "web", "uid": "mine", "resourceVersion": "7", "generation": 9},
            "spec": {"replicas": 1},
        })),
        "ok",
    );
    let doc = server.doc(&ObjectKey::new(Kind::ReplicaSet, "default", "web"));
    assert_eq!(doc.str_at("metadata.namespace"), Some("default"));
    assert_eq!(doc.str_at("metadata.creationTimestamp"), Some("2023-07-26T05:00:00Z"));
    assert_eq!((doc.int_at("metadata.generation"), doc.str_at("metadata.resourceVersion")), (Some(1), Some("1")));
    assert_eq!(doc.str_at("metadata.uid").map(str::len), Some(36));
    let again = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "web"}});
    server.check(Action::Create(again), "replicasets.apps \"web\" already exists");
    let unknown = json!({"apiVersion": "v9", "kind": "ReplicaSet", "metadata": {"name": "web"}});
    server.check(Action::Create(unknown), "the server could not find the requested resource");
}

#[test]
fn generated_names_end_in_five_letters_and_differ() {
    let mut server = Server::new();
    for _ in 0..50 {
        let mut doc = pod("", "", "Pending");
        doc.set("metadata", json!({"generateName": "web-", "namespace": "default"}));
        server.check(Action::Create(doc), "ok");
    }
    assert_eq!(server.store.count(Kind::Pod), 50);
    assert!(server.store.list(Kind::Pod).all(|p| p.meta.name.len() == 9 && p.meta.name.starts_with("web-")));
}

#[test]
fn pods_are_admitted_with_priority_and_tolerations() {
    let class = json!({"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "high"}, "value": 7});
    let mut server = Server::with(&[class]);
    let mut doc = pod("a", "", "Pending");
    doc.set("spec.priorityClassName", "high");
    server.check(Action::Create(doc.clone()), "ok");
    let stored = server.doc(&pod_key("a"));
    assert_eq!(stored.int_at("spec.priority"), Some(7));
    let tolerated: Vec<_> = stored.list_at("spec.tolerations").iter().filter_map(|t| t.str_at("key")).collect();
    assert_eq!(tolerated, ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]);
    assert_eq!(stored.str_at("status.qosClass"), Some("Burstable"));
    doc.set("metadata.name", "b");
    doc.set("spec.priorityClassName", "none");
    server.check(Action::Create(doc), "pods \"b\" is forbidden: no PriorityClass with name none was found");
}

#[test]
fn patches_bump_generations_only_for_specs_and_skip_what_changes_nothing() {
    let rs = ObjectKey::new(Kind::ReplicaSet, "default", "web");
    let deploy = ObjectKey::new(Kind::Deployment, "default", "web");
    let new = |kind: &str| json!({"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "web"}, "spec": {"replicas": 1}});
    let mut server = Server::with(&[new("ReplicaSet"), new("Deployment")]);
    for (key, patch, generation, revision) in [
        (&rs, json!({"status": {"replicas": 1}}), 1, 3),
        (&rs, json!({"status": {"replicas": 1}}), 1, 3),
        (&rs, json!({"metadata": {"annotations": {"a": "b"}}}), 1, 4),
        (&rs, json!({"spec": {"replicas": 2}}), 2, 5),
        (&rs, json!({"metadata": {"annotations": {"a": null}}}), 2, 6),
        (&deploy, json!({"metadata": {"annotations": {"a": "b"}}}), 2, 7),
        (&deploy, json!({"metadata": {"uid": "x", "generation": 40, "labels": {}}}), 2, 7),
    ] {
        server.check(Action::Patch { key: key.clone(), patch: patch.clone() }, "ok");
        let doc = server.doc(key);
        assert_eq!((doc.int_at("metadata.generation"), server.store.revision()), (Some(generation), revision), "{patch}");
    }
    server.check(
        Action::Patch { key: rs.clone(), patch: json!({"metadata": {"resourceVersion": "1"}, "spec": {"replicas": 5}}) },
        "Operation cannot be fulfilled on replicasets.apps \"web\": the object has been modified; please apply your changes \
         to the latest version and try again",
    );
}

#[test]
fn finalizers_hold_objects_until_the_last_one_goes() {
    let node = ObjectKey::cluster(Kind::Node, "n");
    let mut server = Server::with(&[
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n", "finalizers": ["karpenter.sh/termination"]}}),
    ]);
    server.check(delete_of(node.clone(), None), "ok");
    assert_eq!(server.doc(&node).str_at("metadata.deletionTimestamp"), Some("2023-07-26T05:00:00Z"));
    let revision = server.store.revision();
    server.check(delete_of(node.clone(), None), "ok");
    assert_eq!(server.store.revision(), revision, "a second deletion changes nothing");
    server.check(Action::Patch { key: node.clone(), patch: json!({"metadata": {"finalizers": []}}) }, "ok");
    assert!(server.store.get(&node).is_none());
    server.check(delete_of(node, None), "nodes \"n\" not found");
}

#[test]
fn pods_wait_for_their_kubelet() {
    for (node, phase, grace, deadline) in [
        ("n", "Running", None, Some("2023-07-26T05:00:30Z")),
        ("n", "Running", Some(5), Some("2023-07-26T05:00:05Z")),
        ("n", "Running", Some(0), None),
        ("", "Pending", None, None),
        ("n", "Succeeded", None, None),
        ("n", "Running", Some(-3), Some("2023-07-26T05:00:01Z")),
    ] {
        let mut server = Server::with(&[pod("a", node, phase)]);
        server.check(delete_of(pod_key("a"), grace), "ok");
        assert_eq!(server.doc(&pod_key("a")).str_at("metadata.deletionTimestamp"), deadline, "{node} {phase} {grace:?}");
    }
    let mut server = Server::with(&[pod("a", "n", "Running")]);
    server.check(delete_of(pod_key("a"), None), "ok");
    server.now = SimTime::secs(10);
    server.check(delete_of(pod_key("a"), Some(60)), "ok");
    assert_eq!(server.doc(&pod_key("a")).int_at("metadata.deletionGracePeriodSeconds"), Some(30));
    server.check(delete_of(pod_key("a"), Some(3)), "ok");
    assert_eq!(server.doc(&pod_key("a")).str_at("metadata.deletionTimestamp"), Some("2023-07-26T05:00:03Z"));
    server.check(delete_of(pod_key("a"), Some(0)), "ok");
    assert!(server.store.get(&pod_key("a")).is_none());
}

#[test]
fn evictions_ask_the_budgets() {
    const REFUSED: &str = "Cannot evict pod as it would violate the pod's disruption budget.";
    let evict = |name: &str| Action::Evict { pod: pod_key(name), grace_s: None };
    let mut server =
        Server::with(&[pod("a", "n", "Running"), pod("b", "n", "Running"), pod("c", "n", "Pending"), budget("p", 1)]);
    server.check(evict("c"), "ok");
    server.check(evict("a"), "ok");
    let pdb = server.doc(&ObjectKey::new(Kind::PodDisruptionBudget, "default", "p"));
    assert_eq!(pdb.int_at("status.disruptionsAllowed"), Some(0));
    assert_eq!(pdb.at("status.disruptedPods"), &json!({"a": "2023-07-26T05:00:00Z"}));
    let target = server.doc(&pod_key("a"));
    assert!(target.list_at("status.conditions").iter().any(|c| c.str_at("reason") == Some("EvictionByEvictionAPI")));
    server.check(evict("b"), REFUSED);
    server.check(Action::Create(budget("q", 1)), "ok");
    server.check(evict("b"), "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.");
    server.check(evict("z"), "pods \"z\" not found");
}

#[test]
fn pods_are_bound_once() {
    let bind = |name: &str, node: &str| Action::Bind { pod: pod_key(name), node: node.to_owned() };
    let mut server = Server::with(&[pod("a", "", "Pending")]);
    server.check(bind("a", "n"), "ok");
    assert_eq!(server.store.pods_on("n").count(), 1);
    server.check(bind("a", "m"), "Operation cannot be fulfilled on pods/binding \"a\": pod a is already assigned to node \"n\"");
    server.check(delete_of(pod_key("a"), None), "ok");
    server.check(
        bind("a", "m"),
        "Operation cannot be fulfilled on pods/binding \"a\": pod a is being deleted, cannot be assigned to a host",
    );
}

#[test]
fn equal_events_are_counted() {
    let note = |message: &str, dedupe_ms: u64| {
        Action::Event(EventNote {
            about: pod_key("a"),
            warning: true,
            reason: "FailedScheduling".to_owned(),
            message: message.to_owned(),
            component: "default-scheduler".to_owned(),
            dedupe_ms,
        })
    };
    let mut server = Server::with(&[pod("a", "", "Pending")]);
    server.check(note("x", 0), "ok");
    server.now = SimTime::secs(90);
    server.check(note("x", 0), "ok");
    server.check(note("x", 120_000), "ok");
    server.check(note("y", 120_000), "ok");
    let events: Vec<_> = server.store.list(Kind::Event).collect();
    assert_eq!(events.iter().map(|e| e.doc.int_at("count").unwrap_or(0)).collect::<Vec<_>>(), [2, 1]);
    let first = &events[0].doc;
    assert_eq!(first.str_at("firstTimestamp"), Some("2023-07-26T05:00:00Z"));
    assert_eq!(first.str_at("lastTimestamp"), Some("2023-07-26T05:01:30Z"));
    let (name, stamp) = events[0].meta.name.split_once('.').unwrap();
    assert_eq!((name, stamp.len()), ("a", 16));
    assert!(u64::from_str_radix(stamp, 16).is_ok());
    assert_eq!(first.str_at("involvedObject.uid"), server.doc(&pod_key("a")).str_at("metadata.uid"));
}

#[test]
fn the_tenth_message_about_an_object_stands_for_the_rest() {
    let mut server = Server::with(&[pod("a", "", "Pending")]);
    let say = |server: &mut Server, n: usize| {
        let note = EventNote {
            about: pod_key("a"),
            warning: false,
            reason: "Killing".to_owned(),
            message: format!("Stopping container {n}"),
            component: "kubelet".to_owned(),
            dedupe_ms: 0,
        };
        server.check(Action::Event(note), "ok");
    };
    (0..12).for_each(|n| say(&mut server, n));
    let combined = |server: &Server| {
        let all: Vec<_> = server.store.list(Kind::Event).cloned().collect();
        let one = all.iter().find(|e| e.doc.int_at("count") != Some(1) || e.doc.str_at("message").unwrap().starts_with('('));
        (all.len(), one.map(|e| (e.key(), e.doc.str_at("message").unwrap().to_owned(), e.doc.int_at("count").unwrap())))
    };
    let (count, one) = combined(&server);
    let (key, message, times) = one.unwrap();
    assert_eq!((count, times, message.as_str()), (10, 3, "(combined from similar events): Stopping container 11"));
    // Its hour may be over before the ten minutes without another are.
    server.check(Action::Delete { key: key.clone(), grace_s: None }, "ok");
    say(&mut server, 12);
    assert_eq!(combined(&server).1, Some((key, "(combined from similar events): Stopping container 12".to_owned(), 1)));
}
