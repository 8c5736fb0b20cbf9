//! What a process that acts tells Prometheus and a kubelet's probes, beside what it writes down.

use super::act::{Acting, pool, scale, until_types};
use super::{clear, inflate, namespace, until_running};
use crate::api::eventually;
use crate::control_plane::{Cluster, ask, free_port};
use objects::{DocExt, Kind, Value};
use std::collections::BTreeMap;

/// The samples of a scrape by name and labels.
fn scrape(port: u16) -> BTreeMap<String, f64> {
    let (code, text) = ask(port, "/metrics").expect("it answers");
    assert_eq!(code, 200, "{text}");
    let samples = text.lines().filter(|l| !l.starts_with('#')).filter_map(|l| l.rsplit_once(' '));
    samples.map(|(name, value)| (name.to_owned(), value.parse().expect("a number"))).collect()
}

/// The sum over all labels of a metric, of those samples that have `label`.
fn sum(samples: &BTreeMap<String, f64>, name: &str, label: &str) -> f64 {
    let of = |key: &&String| key.split('{').next() == Some(name) && key.contains(label);
    samples.iter().filter(|(key, _)| of(key)).map(|(_, value)| value).sum()
}

fn count(records: &[Value], is: impl Fn(&Value) -> bool) -> f64 {
    records.iter().filter(|r| is(r)).count() as f64
}

/// Writes that were done.
fn done(records: &[Value], verb: &str, kind: &str) -> f64 {
    let is = |r: &Value, field: &str, want: &str| r.str_at(field) == Some(want);
    count(records, |r| is(r, "record", "write") && is(r, "state", "done") && is(r, "verb", verb) && is(r, "kind", kind))
}

/// Decisions with these fields.
fn decided(records: &[Value], fields: &[(&str, &str)]) -> f64 {
    count(records, |r| fields.iter().all(|(field, want)| r.at("decision").str_at(field) == Some(want)))
}

/// 0 -> 12 -> 7 -> 0: the counters say what the records say.
pub fn told(cluster: &mut Cluster) {
    cluster.install_karpenter_crds().unwrap();
    cluster.apply(&namespace("metrics"));
    cluster.apply(&pool());
    cluster.create(&inflate("metrics", 0)).unwrap();
    let first = Acting::start(cluster, "before");
    first.until_leads();
    let (port, health) = (free_port(), free_port());
    let acting = Acting::start_with(cluster, "told", &[format!("metrics={port}"), format!("health={health}")]);
    // Ready before it leads, so that a second replica is no rollout that never ends.
    let is = |path: &str, want: u16| ask(health, path).is_some_and(|(code, _)| code == want).then_some(());
    eventually("it is alive", 60, || is("/healthz", 200));
    eventually("it is ready", 60, || is("/readyz", 200));
    eventually("it waits", 60, || acting.has("waits for the Lease").then_some(()));
    assert_eq!(sum(&scrape(port), "karpenter_nodeclaims_created_total", ""), 0.0);
    assert_eq!(first.stop(), Some(0));
    acting.until_leads();

    let xlarge = "m5.xlarge";
    scale(cluster, "metrics", 12);
    until_running(cluster, "metrics", 12);
    until_types(cluster, &[xlarge; 4]);
    let nodes = cluster.list(Kind::Node).len() as f64;
    let spent: f64 = acting.records().iter().filter_map(|r| r.at("decision").int_at("priceMicro")).sum::<i64>() as f64 / 1e6;
    eventually("the gauges show four nodes", 60, || {
        let now = scrape(port);
        let is = |name: &str, label: &str, want: f64| (sum(&now, name, label) - want).abs() < 1e-9;
        (is("karpenter_nodepools_usage", "resource_type=\"cpu\"", 16.0)
            && is("karpenter_nodepools_cost_total", "nodepool=\"default\"", spent)
            && is("karpenter_cluster_state_node_count", "", nodes)
            && is("karpenter_cluster_state_synced", "", 1.0))
        .then_some(())
    });
    scale(cluster, "metrics", 7);
    until_types(cluster, &["c5.large", xlarge, xlarge]);
    until_running(cluster, "metrics", 7);
    scale(cluster, "metrics", 0);
    until_types(cluster, &[]);
    eventually("the gauges show none", 60, || {
        let now = scrape(port);
        (sum(&now, "karpenter_nodepools_usage", "") == 0.0 && sum(&now, "karpenter_nodepools_cost_total", "") == 0.0)
            .then_some(())
    });
    // What it has done is in both, a moment after it is done.
    eventually("the counters are those of the records", 30, || {
        let (now, records) = (scrape(port), acting.records());
        let same = |name: &str, label: &str, want: f64| sum(&now, name, label) == want;
        let claims = done(&records, "create", "NodeClaim");
        let methods = [
            ("emptiness", "consolidation_type=\"empty\""),
            ("multi-consolidation", "consolidation_type=\"multi\""),
            ("single-consolidation", "consolidation_type=\"single\""),
        ];
        let decisions = |name: &str| {
            methods.iter().all(|(method, label)| {
                ["delete", "replace"].iter().all(|action| {
                    let of = now.iter().filter(|(k, _)| k.contains(label) && k.contains(&format!("decision=\"{action}\"")));
                    let counted: f64 = of.filter(|(k, _)| k.split('{').next() == Some(name)).map(|(_, v)| v).sum();
                    counted == decided(&records, &[("what", "disrupt"), ("method", method), ("action", action)])
                })
            })
        };
        (claims > 4.0
            && decided(&records, &[("what", "launch")]) == claims
            && same("karpenter_nodeclaims_created_total", "", claims)
            && same("karpenter_nodeclaims_created_total", "reason=\"provisioned\"", 4.0)
            && same("karpenter_nodes_created_total", "nodepool=\"default\"", claims)
            && same("karpenter_nodeclaims_terminated_total", "capacity_type=\"on-demand\"", claims)
            && same("karpenter_nodes_terminated_total", "zone=\"ap-northeast-2", claims)
            && same("karpenter_nodes_drained_total", "", claims)
            && same("karpenter_nodeclaims_disrupted_total", "", done(&records, "delete", "NodeClaim"))
            && same("karpenter_pods_eviction_requests_total", "code=\"200\"", done(&records, "evict", "Pod"))
            && same("karpenter_pods_drained_total", "", done(&records, "evict", "Pod"))
            && same("karpenter_nodeclaims_termination_duration_seconds_count", "", claims)
            && decisions("karpenter_voluntary_disruption_decisions_total")
            && decisions("karpenter_voluntary_disruption_decisions_by_nodepool_total"))
        .then_some(())
    });
    assert_eq!(acting.stop(), Some(0));
    clear(cluster, "metrics", &[]);
    cluster.delete(Kind::NodePool, "", "default").unwrap();
}
