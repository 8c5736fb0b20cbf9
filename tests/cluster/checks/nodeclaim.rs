//! The real Karpenter carries out what another process decides: it launches the claims that `act` makes, and takes away those
//! that it deletes.

use super::act::{Acting, gist, scale};
use super::rights::{ABSENT, account, definition, enough, grant, without_one};
use super::{clear, inflate, namespace, until_running};
use crate::api::eventually;
use crate::control_plane::{Cluster, Part};
use crate::proxy::{Fate, Proxy, Rule, status};
use engine::cluster::{Choices, FleetKind, Options, Right, Verb, adopt, decision, read, take_over_all};
use engine::session::{Request, World};
use objects::{DocExt, Kind, ObjectKey, Value, json};
use std::path::Path;
use std::time::Duration;

const NAME: &str = "claims";
/// How many pods, and for how long a simulation of it runs: out, in to fewer, and away.
const STEPS: [(i64, u64); 3] = [(5, 90), (2, 150), (0, 90)];

/// A pool of small and middling nodes, which the installed Karpenter may launch from.
pub fn pool(name: &str) -> Value {
    let one_of = |key: &str, values: &[&str]| json!({"key": key, "operator": "In", "values": values});
    json!({
        "apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": {"name": name},
        "spec": {
            "disruption": {"consolidationPolicy": "WhenEmptyOrUnderutilized", "consolidateAfter": "0s", "budgets": [{"nodes": "100%"}]},
            "template": {"spec": {
                "nodeClassRef": {"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": "default"},
                "expireAfter": "Never",
                "requirements": [
                    one_of("kubernetes.io/os", &["linux"]), one_of("kubernetes.io/arch", &["amd64"]),
                    one_of("karpenter.sh/capacity-type", &["on-demand"]),
                    one_of("karpenter.kwok.sh/instance-cpu", &["2", "4", "8"])]}}}
    })
}

/// A simulation that begins with this cluster, as this fleet sees it.
pub fn beginning(cluster: &Cluster) -> World {
    let options = Options { kubeconfig: Some(cluster.kubeconfig.clone()), ..Options::default() };
    let mut dump = read(&options).unwrap();
    take_over_all(&mut dump);
    let choices = Choices { at_ms: jiff::Timestamp::now().as_millisecond(), ..Choices::default() };
    adopt(dump, &choices).world
}

/// What a simulation that begins with this cluster decides.
fn simulated(cluster: &Cluster) -> Vec<String> {
    let mut world = beginning(cluster);
    for (replicas, seconds) in STEPS {
        let key = ObjectKey::new(Kind::Deployment, NAME, NAME);
        world.request(&Request::Scale { key, replicas, dry_run: false }).unwrap();
        world.run_to(world.now() + seconds * 1000);
    }
    world.decisions.share().iter().filter_map(|d| gist(&decision(d))).filter(|d| !d.starts_with("fleet ")).collect()
}

/// Nodes and claims that were made for the pool: how many, and whether the installed Karpenter might take them for its own.
pub fn made(cluster: &Cluster) -> (usize, usize) {
    let labels = |doc: &Value, key: &str| !doc.at("metadata.labels").field(key).is_null();
    let count = |kind: Kind| {
        let all: Vec<Value> = cluster.list(kind).into_iter().filter(|d| labels(d, "nodewright.dev/nodepool")).collect();
        assert!(!all.iter().any(|d| labels(d, "karpenter.sh/nodepool")), "{all:?}");
        all.len()
    };
    (count(Kind::Node), count(Kind::NodeClaim))
}

pub fn carried_out(cluster: &mut Cluster) {
    cluster.install_karpenter_crds().unwrap();
    // As on a cluster with both providers' kinds.
    cluster.define(&definition("karpenter.k8s.aws", "v1", "EC2NodeClass", "ec2nodeclasses"));
    without_one(cluster, "nodeclaim", Verb::ActNodeClaim, FleetKind::NodeClaim);
    cluster.apply(&namespace(NAME));
    cluster.apply(&json!({"apiVersion": "karpenter.kwok.sh/v1alpha1", "kind": "KWOKNodeClass", "metadata": {"name": "default"}}));
    cluster.create(&pool(NAME)).unwrap();
    cluster.create(&inflate(NAME, 0)).unwrap();
    let admin = cluster.kubeconfig.clone();
    // There is nobody to carry claims out; then somebody who would make some himself.
    let refused = |cluster: &Cluster, identity: &str, want: &str| {
        let said = Acting::start_beside(cluster, &admin, "admin", identity).fails();
        assert!(said.contains(want), "{said}");
    };
    refused(cluster, "alone", "no Karpenter is at work");
    cluster.run_elected_karpenter().unwrap();
    eventually("Karpenter holds its Lease", 60, || {
        let lease = cluster.get(Kind::Lease, "kube-system", "karpenter-leader-election")?;
        lease.str_at("spec.holderIdentity").filter(|h| !h.is_empty()).map(drop)
    });
    refused(cluster, "unpaused", "would launch nodes of the NodePool claims itself");
    cluster.patch(Kind::NodePool, "", NAME, &json!({"spec": {"limits": {"cpu": "0"}}})).unwrap();
    eventually("the pool is ready", 30, || {
        let pool = cluster.get(Kind::NodePool, "", NAME)?;
        let is_ready = |c: &Value| c.str_at("type") == Some("Ready") && c.str_at("status") == Some("True");
        pool.list_at("status.conditions").iter().any(is_ready).then_some(())
    });
    let simulated = simulated(cluster);

    grant(cluster, Verb::ActNodeClaim);
    let user = account("nodeclaim");
    let kubeconfig = cluster.audited(&user).unwrap();
    let last = Verb::ActNodeClaim.rights("kube-system").pop().unwrap();
    eventually("the manifest has come into force", 20, || cluster.may(&user, &last).then_some(()));
    // The Lease is there from other checks; it is made anew.
    let _ = cluster.delete(Kind::Lease, "kube-system", "nodewright-act");
    let proxy = Proxy::start(&kubeconfig, Path::new(&kubeconfig).parent().unwrap()).unwrap();
    for path in ["/api/v1/nodes/", "/nodeclaims/"] {
        let fate = Fate::Answered(409, None, status(409, "Conflict", "the object has been modified").to_string());
        proxy.add(Rule { method: "PATCH", path: path.to_owned(), body: "", fate, times: 1 });
    }
    let acting = Acting::start_beside(cluster, &proxy.kubeconfig, "proxied", "beside");
    acting.until_leads();
    for (replicas, _) in STEPS {
        scale(cluster, NAME, replicas);
        until_running(cluster, NAME, usize::try_from(replicas).unwrap());
        let nodes = usize::from(replicas > 0);
        eventually(&format!("{nodes} nodes for {replicas} pods"), 120, || {
            let initialized = |c: &Value| {
                let is = |c: &Value| c.str_at("type") == Some("Initialized") && c.str_at("status") == Some("True");
                c.list_at("status.conditions").iter().any(is)
            };
            let enough = |c: &Value| c.str_at("spec.resources.requests.cpu").is_some_and(|cpu| cpu == replicas.to_string());
            let claims = cluster.list(Kind::NodeClaim);
            (made(cluster) == (nodes, nodes) && claims.iter().all(|c| initialized(c) && enough(c))).then_some(())
        });
        until_running(cluster, NAME, usize::try_from(replicas).unwrap());
    }
    assert_eq!(acting.decisions(), simulated);
    assert!(simulated.iter().any(|d| d.contains(" replace ")), "{simulated:?}");
    // The same is said of the pool twice, and counted on the event.
    let mut names = ["none", "default"].into_iter().cycle();
    eventually("an event is counted", 90, || {
        let class = json!({"spec": {"template": {"spec": {"nodeClassRef": {"name": names.next()}}}}});
        cluster.patch(Kind::NodePool, "", NAME, &class).unwrap();
        std::thread::sleep(Duration::from_secs(2));
        cluster.requests_of(&user).iter().any(|r| r.verb == "patch" && r.resource == "events").then_some(())
    });
    // Two would make nodes for the same pods.
    cluster.patch(Kind::NodePool, "", NAME, &json!({"spec": {"limits": {"cpu": "1000"}}})).unwrap();
    let said = acting.fails();
    assert!(said.contains("would launch nodes of the NodePool claims itself"), "{said}");
    let unasked = |right: &Right| ABSENT.contains(&right.resource.as_str()) && right.verb != "list";
    enough(cluster, &user, Verb::ActNodeClaim, unasked);
    cluster.undefine("ec2nodeclasses.karpenter.k8s.aws");
    clear(cluster, NAME, &[]);
    cluster.delete(Kind::NodePool, "", NAME).unwrap();
    cluster.stop(Part::Karpenter);
    cluster.delete(Kind::Lease, "kube-system", "karpenter-leader-election").unwrap();
}
