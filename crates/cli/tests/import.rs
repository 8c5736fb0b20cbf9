//! Traces of SimKube: what becomes of them, and that it plays.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use nodewright_cli::lab::Lab;
use nodewright_cli::replay::{Choices, replay_telling};
use nodewright_cli::report;
use objects::{DocExt, Era, Value, json};
use rmpv::Value as Packed;
use shell::import::script;

fn packed(v: &Value) -> Packed {
    match v {
        Value::Null => Packed::Nil,
        Value::Bool(b) => Packed::from(*b),
        Value::Number(n) => Packed::from(n.as_i64().unwrap()),
        Value::String(s) => Packed::from(s.as_str()),
        Value::Array(all) => Packed::Array(all.iter().map(packed).collect()),
        Value::Object(map) => Packed::Map(map.iter().map(|(k, v)| (Packed::from(k.as_str()), packed(v))).collect()),
    }
}

/// The bytes of a trace; lifetimes are owner's kind, its name, and how long its pods ran.
fn file(events: &Value, lifetimes: &[(&str, &str, &[i64])]) -> Vec<u8> {
    let ran =
        |s: &i64| Packed::Map(vec![(Packed::from("Finished"), Packed::from(vec![Packed::from(1_000), Packed::from(1_000 + s)]))]);
    let one = |(kind, name, all): &(&str, &str, &[i64])| {
        let key = Packed::from(vec![Packed::from(*kind), Packed::from(*name)]);
        (key, Packed::Map(vec![(Packed::from(2_151_974_655_102_796_215_u64), Packed::Array(all.iter().map(ran).collect()))]))
    };
    let whole = Packed::Map(vec![
        (Packed::from("version"), Packed::from(2)),
        (Packed::from("config"), packed(&json!({"trackedObjects": {}}))),
        (Packed::from("events"), packed(events)),
        (Packed::from("index"), packed(&json!({}))),
        (Packed::from("pod_lifecycles"), Packed::Map(lifetimes.iter().map(one).collect())),
    ]);
    let mut bytes = Vec::new();
    rmpv::encode::write_value(&mut bytes, &whole).unwrap();
    bytes
}

fn template(cpu: &str) -> Value {
    json!({"metadata": {"creationTimestamp": null, "labels": {"app": "web"}}, "spec": {
        "nodeName": "old-node", "serviceAccountName": "web", "priority": 7, "priorityClassName": "gold",
        "containers": [{"name": "c", "image": "pause", "env": [{"name": "KEY", "value": "secret"}],
            "resources": {"requests": {"cpu": cpu}},
            "volumeMounts": [{"name": "token", "mountPath": "/t"}, {"name": "tmp", "mountPath": "/tmp"}]}],
        "volumes": [{"name": "token", "projected": {"sources": []}}, {"name": "tmp", "emptyDir": {}}]}})
}

fn web(replicas: i64) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop", "uid": "u"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "template": template("1")},
        "status": {"replicas": 1}})
}

fn job() -> Value {
    let mut template = template("500m");
    template.set("spec.restartPolicy", "Never");
    json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "sum", "namespace": "shop"}, "spec": {"template": template}})
}

/// What is left behind, what is made by others, and kinds that nobody knows.
fn others() -> Value {
    json!([
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "hidden"}},
        {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "web-1", "namespace": "shop",
            "ownerReferences": [{"kind": "Deployment", "name": "web", "controller": true}]}},
        {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w", "namespace": "odd"}},
    ])
}

fn shop() -> Vec<u8> {
    let mut first = others().as_array().cloned().unwrap();
    first.push(web(2));
    file(
        &json!([
            {"ts": 1_000, "applied_objs": first, "deleted_objs": []},
            {"ts": 1_120, "applied_objs": [web(5), job()], "deleted_objs": []},
            {"ts": 1_300, "applied_objs": [], "deleted_objs": [web(5)]},
        ]),
        &[("batch/v1.Job", "shop/sum", &[90, 30, 60])],
    )
}

#[test]
fn a_trace_becomes_a_script() {
    let imported = script(&shop(), Era::V1).unwrap();
    let text = &imported.script;
    let notes = [
        "left out: 1 of kind ReplicaSet (made by an owner that is in the trace)",
        "left out: 1 of kind Secret (no such kind here)",
        "left out: 1 of kind Widget (no such kind here)",
        "pods of Jobs and CronJobs, and pods of their own, run for the median of what the trace says of their owner",
    ];
    assert_eq!(imported.notes, notes);
    let head = format!(
        "# From a SimKube trace: 3 times something changed, within 300 s from 1970-01-01T00:16:40Z on.\n# {}\n\
         kubectl create namespace shop\nkubectl apply --server-side --force-conflicts -f - <<'EOF'\napiVersion: apps/v1\n",
        notes.join("\n# ")
    );
    assert!(text.starts_with(&head), "{text}");
    let lines: Vec<&str> = text.lines().filter(|l| l.starts_with("sleep") || l.starts_with("kubectl delete")).collect();
    let delete = "kubectl delete deployments.apps web -n shop --ignore-not-found --wait=false";
    assert_eq!(lines, ["sleep 120", "sleep 180", delete]);
    let (_, text) = text.split_once("kubectl").unwrap();
    for gone in ["old-node", "serviceAccount", "gold", "secret", "token", "uid", "status", "Widget"] {
        assert!(!text.contains(gone), "{gone} in {text}");
    }
    assert!(text.contains("name: tmp") && text.contains("nodewright.dev/run-seconds: \"60\""), "{text}");
}

#[test]
fn the_script_plays_on_a_simulated_cluster() {
    let script = script(&shop(), Era::V1).unwrap().script;
    let script = script.replace("sleep 180\n", "sleep 170\nkubectl get deploy,job -n shop\nsleep 10\n")
        + "sleep 60\nkubectl get pods -n shop\n";
    let lab = Lab::parse("shop.sh", &script).unwrap();
    let choices = Choices { era: Some(Era::V1), ..Choices::default() };
    let replay = replay_telling(&lab, &choices, &mut |_| ()).unwrap();
    let printed = report::text(&replay);
    assert_eq!(replay.exit(), 0, "{printed}");
    let has = |words: &[&str]| printed.lines().any(|l| l.split_whitespace().zip(words).all(|(a, b)| a == *b));
    assert!(has(&["deployment.apps/web", "5/5"]), "{printed}");
    assert!(has(&["job.batch/sum", "Complete", "1/1"]), "{printed}");
    let (_, end) = printed.rsplit_once("kubectl get pods -n shop").unwrap();
    assert!(end.contains("sum-") && end.contains("Completed") && !end.contains("web-"), "{end}");
}

#[test]
fn what_is_no_trace_is_said() {
    let check = |bytes: &[u8], want: &str| {
        let why = script(bytes, Era::V1).unwrap_err();
        assert!(why.starts_with(want), "{why}");
    };
    check(b"", "no SimKube trace: no msgpack (");
    check(b"hello", "no SimKube trace: it has no version");
    let mut old = Vec::new();
    rmpv::encode::write_value(&mut old, &Packed::Map(vec![(Packed::from("version"), Packed::from(1))])).unwrap();
    check(&old, "a SimKube trace of version 1; only version 2 is read");
    check(&file(&json!([{"applied_objs": []}]), &[]), "events[0].ts: no time");
    check(&file(&json!([{"ts": 1, "applied_objs": [{"kind": "Pod"}]}]), &[]), "events[0].applied_objs[0]: no object");
    let whole = shop();
    for cut in [1, 10, whole.len() / 2, whole.len() - 1] {
        check(&whole[..cut], "");
    }
}
