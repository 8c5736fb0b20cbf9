use super::super::wire::Known;
use super::*;
use crate::actor::{Action, EventNote, Intent};
use crate::cluster::act::deputy::Version;
use crate::controllers::Names;
use crate::decisions::{Decision, What};
use crate::store::Store;
use crate::{Era, SimTime};
use objects::{Kind, ObjectKey, Value, json};

/// Names, kinds, labels and help as Karpenter 1.14.1 has them; `karpenter-1.14.1.txt` is the list of its source.
#[test]
fn names_are_karpenters() {
    let recorded: Vec<&str> = include_str!("karpenter-1.14.1.txt").lines().filter(|l| !l.starts_with('#')).collect();
    let of = |kind: &str, Family(name, help, labels): &Family, buckets: &[f64]| {
        let buckets: Vec<String> = buckets.iter().map(f64::to_string).collect();
        [name, kind, &labels.join(","), &buckets.join(","), help].join("\t")
    };
    let counters = COUNTERS.iter().map(|f| of("counter", f, &[]));
    let gauges = GAUGES.iter().map(|f| of("gauge", f, &[]));
    let histograms = HISTOGRAMS.iter().map(|(f, buckets)| of("histogram", f, buckets));
    for line in counters.chain(gauges).chain(histograms) {
        assert!(recorded.contains(&line.as_str()), "not Karpenter's: {line}");
    }
}

fn text(metrics: &Metrics) -> Vec<String> {
    let text = String::from_utf8(metrics.text()).unwrap();
    text.lines().filter(|l| !l.starts_with('#') && !l.contains("_bucket")).map(str::to_owned).collect()
}

fn claim(extra: Value) -> Value {
    let mut doc = json!({"kind": "NodeClaim", "apiVersion": "karpenter.sh/v1", "metadata": {
        "name": "a", "finalizers": ["karpenter.sh/termination"], "deletionTimestamp": "2026-08-25T05:00:00Z",
        "labels": {"karpenter.sh/nodepool": "p", "karpenter.sh/capacity-type": "spot", "topology.kubernetes.io/zone": "z"}}});
    objects::patch::merge(&mut doc, &extra);
    doc
}

fn check(action: Action, why: &'static str, before: Option<Value>, reason: Option<&str>, want: &[&str]) {
    let metrics = Metrics::new().unwrap();
    let version = Version { uid: "u".to_owned(), resource: "1".to_owned() };
    let known = before.map(|doc| Known { version, doc });
    let now = objects::time::parse_rfc3339("2026-08-25T05:00:03Z").unwrap();
    metrics.written(&Intent::new(action, why), known.as_ref(), Names::of(Era::V1), reason, now);
    assert_eq!(text(&metrics), want, "{why}");
}

#[test]
fn each_write_counts_what_it_did() {
    let created = r#"karpenter_nodeclaims_created_total{min_values_relaxed="false",nodepool="p",reason=""#;
    check(Action::Create(claim(json!({}))), "", None, None, &[&format!("{created}provisioned\"}} 1")]);
    check(Action::Create(claim(json!({}))), "", None, Some("drifted"), &[&format!("{created}drifted\"}} 1")]);
    let key = ObjectKey::cluster(Kind::NodeClaim, "a");
    let patch = |patch: Value| Action::Patch { key: key.clone(), patch };
    check(
        patch(json!({"metadata": {"finalizers": []}})),
        "",
        Some(claim(json!({}))),
        None,
        &[
            r#"karpenter_nodeclaims_terminated_total{capacity_type="spot",nodepool="p",zone="z"} 1"#,
            r#"karpenter_nodeclaims_termination_duration_seconds_sum{nodepool="p"} 3"#,
            r#"karpenter_nodeclaims_termination_duration_seconds_count{nodepool="p"} 1"#,
        ],
    );
    let becomes = |kind: &str| patch(json!({"status": {"conditions": [{"type": kind, "status": "True"}]}}));
    let was = |kind: &str| Some(claim(json!({"status": {"conditions": [{"type": kind, "status": "True"}]}})));
    let (registered, drained) =
        (r#"karpenter_nodes_created_total{nodepool="p",zone="z"} 1"#, r#"karpenter_nodes_drained_total{nodepool="p"} 1"#);
    check(becomes("Registered"), "", was("Launched"), None, &[registered]);
    check(becomes("Registered"), "", was("Registered"), None, &[]);
    check(becomes("Drained"), "", was("Registered"), None, &[drained]);
    let node = json!({"metadata": {"finalizers": ["karpenter.sh/termination"], "creationTimestamp": "2026-08-25T04:59:00Z",
        "labels": {"karpenter.sh/nodepool": "p", "topology.kubernetes.io/zone": "z"}}});
    check(
        Action::Patch { key: ObjectKey::cluster(Kind::Node, "n"), patch: json!({"metadata": {"finalizers": null}}) },
        "",
        Some(node),
        None,
        &[
            r#"karpenter_nodes_lifetime_duration_seconds_sum{nodepool="p"} 63"#,
            r#"karpenter_nodes_lifetime_duration_seconds_count{nodepool="p"} 1"#,
            r#"karpenter_nodes_terminated_total{nodepool="p",zone="z"} 1"#,
        ],
    );
}

#[test]
fn a_command_says_its_reason_while_it_is_carried_out() {
    let event = |reason: &str, message: &str| {
        let (about, component) = (ObjectKey::cluster(Kind::Node, "n"), "karpenter".to_owned());
        let (reason, message) = (reason.to_owned(), message.to_owned());
        Intent::new(Action::Event(EventNote { about, warning: false, reason, message, component, dedupe_ms: 0 }), "")
    };
    let intents = [event("Other", "Not: this"), event("DisruptionTerminating", "Disrupting Node: Empty")];
    assert_eq!(terminating(&intents), Some("Empty"));
    assert_eq!(terminating(&intents[..1]), None);
}

#[test]
fn claims_that_go_say_why() {
    for (why, before, want) in [
        ("disruption command", json!({}), "underutilized"),
        ("the claim has expired", json!({}), "expired"),
        ("its instance no longer exists", json!({}), "garbage_collected"),
        ("the claim did not come up in time", json!({}), "launch_timeout"),
        (
            "the claim did not come up in time",
            json!({"status": {"conditions": [{"type": "Launched", "status": "True"}]}}),
            "registration_timeout",
        ),
        ("nothing can be launched for the claim", json!({}), "insufficient_capacity"),
        ("its node is being deleted", json!({}), ""),
    ] {
        let action = Action::Delete { key: ObjectKey::cluster(Kind::NodeClaim, "a"), grace_s: None };
        let line = format!("karpenter_nodeclaims_disrupted_total{{capacity_type=\"spot\",nodepool=\"p\",reason=\"{want}\"}} 1");
        let want = [line.as_str()];
        let command = (why == "disruption command").then_some("Underutilized");
        check(action, why, Some(claim(before)), command, if line.contains("reason=\"\"") { &[] } else { &want });
    }
}

#[test]
fn a_command_counts_once_and_once_for_each_of_its_pools() {
    let metrics = Metrics::new().unwrap();
    let mut store = Store::default();
    for (name, pool) in [("a", "p"), ("b", "p"), ("c", "q")] {
        let doc =
            json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": {"karpenter.sh/nodepool": pool}}});
        store.put(Kind::Node, doc, SimTime::ZERO);
    }
    let what = What::Disrupt {
        method: "multi-consolidation",
        action: "replace",
        nodes: ["a", "b", "c"].map(str::to_owned).to_vec(),
        replacement_types: Vec::new(),
        price_before_micro: 0,
        price_after_micro: 0,
    };
    let decision = Decision { at: SimTime::ZERO, about: ObjectKey::cluster(Kind::Node, "a"), what };
    assert_eq!(metrics.decided(&decision, &store, Names::of(Era::V1)), Some("underutilized"));
    let by_pool = "karpenter_voluntary_disruption_decisions_by_nodepool_total{consolidation_type=\"multi\",decision=\"replace\"";
    assert_eq!(
        text(&metrics),
        [
            format!("{by_pool},nodepool=\"p\",reason=\"underutilized\"}} 1"),
            format!("{by_pool},nodepool=\"q\",reason=\"underutilized\"}} 1"),
            "karpenter_voluntary_disruption_decisions_total{consolidation_type=\"multi\",decision=\"replace\",reason=\"underutilized\"} 1"
                .to_owned(),
        ]
    );
}

#[test]
fn evictions_are_counted_by_answer_and_reason() {
    let metrics = Metrics::new().unwrap();
    [200, 429, 429].into_iter().for_each(|code| metrics.asked_to_evict(code));
    metrics.evicted("Evicted pod: Empty");
    assert_eq!(
        text(&metrics),
        [
            "karpenter_pods_drained_total{reason=\"Empty\"} 1",
            "karpenter_pods_eviction_requests_total{code=\"200\"} 1",
            "karpenter_pods_eviction_requests_total{code=\"429\"} 2",
        ]
    );
}
