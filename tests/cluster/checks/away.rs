//! The machine of the control plane dies, but for its store, and comes back while a node is being replaced: when the replacement has
//! no node yet, and while the old node drains.

use super::act::{Acting, pool, scale};
use super::drifting;
use super::injected::{done, once, powerful};
use super::{clear, inflate, namespace, running, until_running};
use crate::api::eventually;
use crate::control_plane::{Cluster, Part};
use crate::kubelet::STOPS_AFTER;
use engine::cluster::FleetKind;
use objects::{DocExt, Kind, Value, json};
use std::time::Duration;

/// Claims and nodes are made of this process alone, or by an installed Karpenter.
pub fn alone(cluster: &mut Cluster) {
    let name = "away";
    cluster.install_karpenter_crds().unwrap();
    cluster.apply(&namespace(name));
    cluster.apply(&pool());
    cluster.create(&inflate(name, 0)).unwrap();
    let _ = cluster.delete(Kind::Lease, "kube-system", "nodewright-act");
    let acting = replaced(cluster, name, "default", FleetKind::Kwok);
    scale(cluster, name, 0);
    for claim in cluster.list(Kind::NodeClaim) {
        let _ = cluster.delete(Kind::NodeClaim, "", claim.str_at("metadata.name").unwrap());
    }
    super::act::until_types(cluster, &[]);
    acting.into_iter().for_each(stop);
    clear(cluster, name, &[]);
    cluster.delete(Kind::NodePool, "", "default").unwrap();
}

pub fn beside(cluster: &mut Cluster) {
    let name = "abroad";
    drifting::prepare(cluster, name);
    let acting = replaced(cluster, name, name, FleetKind::NodeClaim);
    drifting::disrupts_nothing(cluster, name);
    drifting::tidy(cluster, name);
    acting.into_iter().for_each(stop);
}

/// One that could not renew its Lease in time has stopped by itself.
fn stop(acting: Acting) {
    let code = acting.stop();
    assert!(matches!(code, Some(0 | 4)), "{code:?}");
}

/// Those that outlive an API server look again after up to a minute, which would be most of the time that this takes.
const DIES: [Part; 3] = [Part::ApiServer, Part::ControllerManager, Part::Scheduler];

fn away(cluster: &mut Cluster) {
    DIES.into_iter().for_each(|part| cluster.kill(part));
    std::thread::sleep(Duration::from_secs(3));
    DIES.into_iter().for_each(|part| cluster.run(part).unwrap());
    eventually("claims are served again", 30, || cluster.serves(Kind::NodeClaim).then_some(()));
}

fn name_of(doc: &Value) -> String {
    doc.str_at("metadata.name").unwrap_or_default().to_owned()
}

fn claims(cluster: &Cluster, generation: &str) -> Vec<Value> {
    let mut claims = cluster.list(Kind::NodeClaim);
    claims.retain(|c| c.at("metadata.labels").field("generation").as_str().unwrap_or("1") == generation);
    claims
}

/// Three pods on a node that is replaced twice. Gives the two processes that have acted, one of them may have waited only.
fn replaced(cluster: &mut Cluster, name: &str, pool: &str, fleet: FleetKind) -> [Acting; 2] {
    // Pods that controllers and scheduler have not made or placed yet are missing on the new node, which would be replaced by a
    // smaller one.
    cluster.patch(Kind::NodePool, "", pool, &json!({"spec": {"disruption": {"consolidateAfter": "60s"}}})).unwrap();
    let begin = |cluster: &Cluster, word: &str| {
        let user = format!("{name}-{word}");
        let kubeconfig = powerful(cluster, &user);
        let more = match fleet {
            // Long enough for a server to be away before the node is there.
            FleetKind::Kwok => vec!["boot=4000".to_owned()],
            FleetKind::NodeClaim => vec!["fleet=nodeclaim".to_owned()],
        };
        Acting::begin(cluster, &kubeconfig, &user, &user, &more)
    };
    let one = begin(cluster, "one");
    one.until_leads();
    let two = begin(cluster, "two");
    eventually("the other waits", 30, || two.has("waits for the Lease").then_some(()));
    // Long enough for it to be away while they stop.
    let slow = json!({"spec": {"replicas": 3, "template": {"metadata": {"annotations": {STOPS_AFTER: "6"}},
        "spec": {"terminationGracePeriodSeconds": 30}}}});
    cluster.patch(Kind::Deployment, name, name, &slow).unwrap();
    let mut pods: Vec<String> = until_running(cluster, name, 3).iter().map(name_of).collect();
    pods.sort();
    eventually("the claim is initialised", 60, || claims(cluster, "1").first().filter(|c| is_true(c, "Initialized")).map(drop));

    let generation = |n: &str| json!({"spec": {"template": {"metadata": {"labels": {"generation": n}}}}});
    cluster.patch(Kind::NodePool, "", pool, &generation("2")).unwrap();
    // What Karpenter's kwok provider launches while the server is away never joins, so that its node has to be there.
    let is_there = |c: &Value| fleet == FleetKind::Kwok || c.str_at("status.nodeName").is_some();
    eventually("a replacement is made", 120, || claims(cluster, "2").iter().any(is_there).then_some(()));
    away(cluster);
    let first = name_of(&claims(cluster, "1")[0]);
    until_going(cluster, &first);
    assert!(claims(cluster, "2").iter().any(|c| is_true(c, "Initialized")), "the old node went before its replacement was there");
    eventually("the old claim is gone", 120, || cluster.get(Kind::NodeClaim, "", &first).is_none().then_some(()));
    let mut moved: Vec<String> = until_running(cluster, name, 3).iter().map(name_of).collect();
    moved.sort();
    assert!(pods.iter().all(|p| !moved.contains(p)));

    let second = name_of(&eventually("one node is left", 60, || match &claims(cluster, "2")[..] {
        [one] if cluster.list(Kind::NodeClaim).len() == 1 => Some(one.clone()),
        _ => None,
    }));
    cluster.patch(Kind::NodePool, "", pool, &generation("3")).unwrap();
    until_going(cluster, &second);
    eventually("a pod stops", 60, || {
        (running(cluster, name).iter().filter(|p| moved.contains(&name_of(p))).count() < 3).then_some(())
    });
    assert!(claims(cluster, "3").iter().any(|c| is_true(c, "Initialized")), "the old node went before its replacement was there");
    away(cluster);
    eventually("the old claim is gone", 120, || cluster.get(Kind::NodeClaim, "", &second).is_none().then_some(()));
    until_running(cluster, name, 3);
    eventually("one node is left", 120, || {
        let one = matches!(&claims(cluster, "3")[..], [one] if is_true(one, "Initialized"));
        (one && cluster.list(Kind::NodeClaim).len() == 1).then_some(())
    });

    let mut acted = cluster.requests_of(name);
    // Karpenter evicts pods again while its own watches stand still.
    acted.retain(|r| r.user == format!("{name}-one") || r.user == format!("{name}-two"));
    once(done(&acted, "delete", "nodeclaims", ""), "deleted");
    // Who takes over decides anew, and makes another replacement where the first has no node yet.
    let made = done(&acted, "create", "nodeclaims", "").len();
    let most = if two.has("\"leads\"") { 5 } else { 3 };
    assert!((3..=most).contains(&made), "{made} claims for a node that is replaced twice");
    if fleet == FleetKind::Kwok {
        assert_eq!(done(&acted, "create", "nodes", "").len(), made, "a node for each claim");
        once(done(&acted, "create", "pods", "eviction"), "evicted");
    }
    [one, two]
}

fn until_going(cluster: &Cluster, claim: &str) {
    eventually(&format!("{claim} goes"), 120, || {
        let claim = cluster.get(Kind::NodeClaim, "", claim);
        claim.is_none_or(|c| c.str_at("metadata.deletionTimestamp").is_some()).then_some(())
    });
}

fn is_true(doc: &Value, condition: &str) -> bool {
    let is = |c: &Value| c.str_at("type") == Some(condition) && c.str_at("status") == Some("True");
    doc.list_at("status.conditions").iter().any(is)
}
