//! What drifts beside the real Karpenter, which carries the replacements out: as a simulation decides, and though the process that
//! decides is killed at each step of it.

use super::act::{Acting, gist, scale};
use super::injected::{done, once, powerful, start};
use super::nodeclaim::{beginning, made, pool};
use super::{clear, inflate, namespace, running, until_running};
use crate::api::eventually;
use crate::control_plane::{Cluster, Part};
use crate::proxy::{Fate, Rule, status};
use engine::cluster::decision;
use engine::session::{PatchStyle, Request};
use objects::{DocExt, Kind, ObjectKey, Value, json};
use std::time::Duration;

/// What the name of the user ends with as whom the installed Karpenter works, beside those who act.
const KARPENTER: &str = "-karpenter";
const THEIR_LEASE: &str = "karpenter-leader-election";
const CPU: &str = "karpenter.kwok.sh/instance-cpu";

/// What the template of the pool is told.
fn labelled(generation: &str) -> Value {
    json!({"spec": {"template": {"metadata": {"labels": {"generation": generation}}}}})
}

/// Karpenter at work with its requests written down, a pool that it leaves alone, and a Deployment.
pub fn prepare(cluster: &mut Cluster, name: &str) {
    cluster.install_karpenter_crds().unwrap();
    cluster.apply(&namespace(name));
    cluster.apply(&json!({"apiVersion": "karpenter.kwok.sh/v1alpha1", "kind": "KWOKNodeClass", "metadata": {"name": "default"}}));
    let mut pool = pool(name);
    pool.set("spec.limits", json!({"cpu": "0"}));
    cluster.create(&pool).unwrap();
    cluster.create(&inflate(name, 0)).unwrap();
    let kubeconfig = powerful(cluster, &format!("{name}{KARPENTER}"));
    cluster.run_karpenter_as(&kubeconfig).unwrap();
    // It is told not to elect, so that it outlives an API server that is away.
    let later = jiff::Timestamp::now() + Duration::from_secs(3_600);
    cluster.apply(&json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {"name": THEIR_LEASE, "namespace": "kube-system"},
        "spec": {"holderIdentity": "karpenter", "leaseDurationSeconds": 15, "renewTime": format!("{later:.6}")}}));
    eventually("the pool is ready", 30, || {
        let pool = cluster.get(Kind::NodePool, "", name)?;
        is_true(&pool, "Ready").then_some(())
    });
    let _ = cluster.delete(Kind::Lease, "kube-system", "nodewright-act");
}

/// Karpenter deletes no claim of which the process that acts has not said so: its provider deletes each once more when the node has
/// gone.
pub fn disrupts_nothing(cluster: &Cluster, name: &str) {
    let requests = cluster.requests_of(name);
    let (theirs, ours): (Vec<_>, Vec<_>) = requests
        .iter()
        .enumerate()
        .filter(|(_, r)| r.verb == "delete" && r.resource == "nodeclaims")
        .partition(|(_, r)| r.user.ends_with(KARPENTER));
    for (at, theirs) in theirs {
        let asked = ours.iter().any(|(before, r)| *before < at && r.name == theirs.name);
        assert!(asked, "Karpenter has deleted {} by itself", theirs.name);
    }
    let log = cluster.log_of(Part::Karpenter);
    let said = log.lines().filter(|l| l.contains("disrupting node(s)") && l.contains(&format!("\"{name}-")));
    assert_eq!(said.collect::<Vec<_>>(), Vec::<&str>::new(), "Karpenter disrupts by itself");
}

/// Takes away what [`prepare`] and the check have made, all of it sooner than as empty nodes. Somebody has to act still.
pub fn tidy(cluster: &mut Cluster, name: &str) {
    scale(cluster, name, 0);
    for claim in cluster.list(Kind::NodeClaim) {
        let _ = cluster.delete(Kind::NodeClaim, "", claim.str_at("metadata.name").unwrap());
    }
    eventually("no node and no claim is left", 60, || (made(cluster) == (0, 0)).then_some(()));
    clear(cluster, name, &[]);
    cluster.delete(Kind::NodePool, "", name).unwrap();
    cluster.stop(Part::Karpenter);
    cluster.delete(Kind::Lease, "kube-system", THEIR_LEASE).unwrap();
}

fn is_true(doc: &Value, condition: &str) -> bool {
    let is = |c: &Value| c.str_at("type") == Some(condition) && c.str_at("status") == Some("True");
    doc.list_at("status.conditions").iter().any(is)
}

fn name_of(doc: &Value) -> String {
    doc.str_at("metadata.name").unwrap_or_default().to_owned()
}

fn label(doc: &Value, key: &str) -> String {
    doc.at("metadata.labels").field(key).as_str().unwrap_or_default().to_owned()
}

/// Waits until there are so many nodes, each with its claim initialised and this label.
fn until_replaced(cluster: &Cluster, count: usize, key: &str, value: &str) {
    eventually(&format!("{count} nodes with {key}={value}"), 120, || {
        let nodes = cluster.list(Kind::Node);
        let ours = nodes.iter().filter(|n| !label(n, "nodewright.dev/nodepool").is_empty());
        let claims = cluster.list(Kind::NodeClaim);
        (made(cluster) == (count, count)
            && ours.into_iter().all(|n| label(n, key) == value)
            && claims.iter().all(|c| is_true(c, "Initialized")))
        .then_some(())
    });
}

const NAME: &str = "drifting";

/// A change of the cluster, and for how long a simulation of it runs.
enum Change {
    Scale(i64),
    Pool(Value),
}

fn changes() -> [(Change, u64); 3] {
    let fours = json!({"key": CPU, "operator": "In", "values": ["4"]});
    let mut requirements = pool(NAME).list_at("spec.template.spec.requirements").to_vec();
    requirements.retain(|r| r.str_at("key") != Some(CPU));
    requirements.push(fours);
    [
        (Change::Scale(5), 90),
        (Change::Pool(labelled("2")), 150),
        (Change::Pool(json!({"spec": {"template": {"spec": {"requirements": requirements}}}})), 150),
    ]
}

/// What a simulation that begins with this cluster decides.
fn simulated(cluster: &Cluster) -> Vec<String> {
    let mut world = beginning(cluster);
    let dry_run = false;
    for (change, seconds) in changes() {
        let request = match change {
            Change::Scale(replicas) => Request::Scale { key: ObjectKey::new(Kind::Deployment, NAME, NAME), replicas, dry_run },
            Change::Pool(patch) => {
                Request::Patch { key: ObjectKey::cluster(Kind::NodePool, NAME), patch, style: PatchStyle::Merge, dry_run }
            }
        };
        world.request(&request).unwrap();
        world.run_to(world.now() + seconds * 1000);
    }
    world.decisions.share().iter().filter_map(|d| gist(&decision(d))).filter(|d| !d.starts_with("fleet ")).collect()
}

/// A label of the template, which changes its hash, and a requirement, which the node does not meet any more.
pub fn replaced(cluster: &mut Cluster) {
    prepare(cluster, NAME);
    let simulated = simulated(cluster);
    let user = format!("{NAME}-act");
    let kubeconfig = powerful(cluster, &user);
    let acting = Acting::start_beside(cluster, &kubeconfig, &user, NAME);
    acting.until_leads();
    let mut expected = [(1, CPU, "8"), (1, "generation", "2"), (2, CPU, "4")].into_iter();
    for (change, _) in changes() {
        match change {
            Change::Scale(replicas) => scale(cluster, NAME, replicas),
            Change::Pool(patch) => drop(cluster.patch(Kind::NodePool, "", NAME, &patch).unwrap()),
        }
        let (count, key, value) = expected.next().unwrap();
        until_replaced(cluster, count, key, value);
        until_running(cluster, NAME, 5);
    }
    assert_eq!(acting.decisions(), simulated);
    assert_eq!(simulated.iter().filter(|d| d.starts_with("drift replace 1 ")).count(), 2, "{simulated:?}");
    disrupts_nothing(cluster, NAME);
    tidy(cluster, NAME);
    assert_eq!(acting.stop(), Some(0));
}

const KILLED: &str = "claimless";

/// Each write of a replacement is done, and the process that sent it is killed before it hears of it; then while a budget keeps
/// Karpenter from draining.
pub fn killed(cluster: &mut Cluster) {
    prepare(cluster, KILLED);
    let (ours, theirs) = (format!("{KILLED}-act"), format!("{KILLED}{KARPENTER}"));
    let proxy = start(cluster, &ours);
    let mut n = 0;
    let mut next = |cluster: &Cluster| {
        n += 1;
        // Nobody renews the Lease of one that is dead: as if its time had run out.
        let _ = cluster.delete(Kind::Lease, "kube-system", "nodewright-act");
        Acting::start_beside(cluster, &proxy.kubeconfig, "proxied", &format!("{KILLED}-{n}"))
    };
    let mut acting = next(cluster);
    acting.until_leads();
    scale(cluster, KILLED, 3);
    let mut first: Vec<String> = until_running(cluster, KILLED, 3).iter().map(name_of).collect();
    first.sort();
    until_replaced(cluster, 1, CPU, "4");
    let old = name_of(&cluster.list(Kind::NodeClaim)[0]);
    let untouched = |cluster: &Cluster, step: &str| {
        let mut now: Vec<String> = running(cluster, KILLED).iter().map(name_of).collect();
        now.sort();
        assert_eq!(now, first, "{step}");
    };
    let successor = |cluster: &Cluster| {
        cluster.list(Kind::NodeClaim).into_iter().any(|c| label(&c, "generation") == "2" && is_true(&c, "Initialized"))
    };

    let steps: [(&str, &str, &str); 4] = [
        ("PATCH", "/nodeclaims/", "\"Drifted\""),
        ("PATCH", "/api/v1/nodes/", "nodewright.dev/disrupted"),
        ("PATCH", "/nodeclaims/", "DisruptionReason"),
        ("POST", "/nodeclaims", ""),
    ];
    for (i, (method, path, body)) in steps.into_iter().enumerate() {
        let step = format!("{method} {path} {body}");
        proxy.add(Rule { method, path: path.to_owned(), body, fate: Fate::Unheard, times: 1 });
        if i == 0 {
            cluster.patch(Kind::NodePool, "", KILLED, &labelled("2")).unwrap();
        }
        eventually(&format!("killed at: {step}"), 120, || (proxy.unheard() == i + 1).then_some(()));
        acting.kill();
        untouched(cluster, &step);
        assert!(
            cluster.get(Kind::NodeClaim, "", &old).is_some_and(|c| c.str_at("metadata.deletionTimestamp").is_none()),
            "{step}"
        );
        acting = next(cluster);
    }
    // The deletion is held back until a budget is there that lets nobody go, which would have kept it from being decided.
    let path = format!("/nodeclaims/{old}");
    let busy = Fate::Answered(503, None, status(503, "ServiceUnavailable", "not now").to_string());
    proxy.add(Rule { method: "DELETE", path: path.clone(), body: "", fate: busy, times: 1_000 });
    eventually("the old claim is to be deleted", 120, || acting.has("no answer: 503").then_some(()));
    assert!(successor(cluster), "its replacement is not there yet");
    untouched(cluster, "about to delete");
    let budget = json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "all", "namespace": KILLED},
        "spec": {"maxUnavailable": 0, "selector": {"matchLabels": {"app": KILLED}}}});
    cluster.create(&budget).unwrap();
    eventually("the budget counts its pods", 30, || {
        cluster.get(Kind::PodDisruptionBudget, KILLED, "all")?.int_at("status.expectedPods").filter(|n| *n == 3)
    });
    proxy.clear();
    proxy.add(Rule { method: "DELETE", path, body: "", fate: Fate::Unheard, times: 1 });
    eventually("killed at: old claim deleted", 120, || (proxy.unheard() == 5).then_some(()));
    acting.kill();
    let evictions = |cluster: &Cluster, refused: bool| {
        let of = |r: &&crate::audit::Request| r.subresource == "eviction" && (r.code == 429) == refused;
        cluster.requests_of(&theirs).iter().filter(of).count()
    };
    acting = next(cluster);
    acting.until_leads();
    eventually("the budget refuses evictions", 60, || (evictions(cluster, true) >= 5).then_some(()));
    acting.kill();
    acting = next(cluster);
    acting.until_leads();
    untouched(cluster, "drains");
    assert_eq!(evictions(cluster, false), 0, "evicted against the budget");
    assert!(successor(cluster), "the replacement went before the old node");
    cluster.delete(Kind::PodDisruptionBudget, KILLED, "all").unwrap();
    eventually("the old claim is gone", 120, || cluster.get(Kind::NodeClaim, "", &old).is_none().then_some(()));
    until_replaced(cluster, 1, "generation", "2");
    until_running(cluster, KILLED, 3);

    let last = name_of(&cluster.list(Kind::NodeClaim)[0]);
    let ours = cluster.requests_of(&ours);
    let (mut made, mut deleted) = (done(&ours, "create", "nodeclaims", ""), done(&ours, "delete", "nodeclaims", ""));
    once(deleted.clone(), "deleted");
    made.retain(|claim| *claim != last);
    made.sort();
    deleted.sort();
    assert_eq!(made, deleted, "each claim but the last was deleted, once");
    assert!(made.len() <= 4, "{made:?} for a node and what died over it");
    once(done(&cluster.requests_of(&theirs), "create", "pods", "eviction"), "evicted");
    disrupts_nothing(cluster, KILLED);
    tidy(cluster, KILLED);
    assert_eq!(acting.stop(), Some(0));
}
