//! Answers that a server gives when it has trouble, and deaths between a write and its answer, while nodes come and go.

use super::act::{Acting, pool, scale, until_types};
use super::{clear, inflate, namespace, running, until_running};
use crate::api::eventually;
use crate::audit::Request;
use crate::control_plane::Cluster;
use crate::kubelet::STOPS_AFTER;
use crate::proxy::{Fate, Proxy, Rule, status};
use engine::cluster::{NAMESPACE, Verb};
use objects::{DocExt, Kind, Value, json};

const BUDGET: &str = "Cannot evict pod as it would violate the pod's disruption budget.";
/// Of API priority and fairness: no Status, and a time to wait.
pub const BUSY: &str = "Too many requests, please try again later.\n";

/// A kubeconfig for a user who may do everything, and whose requests are written down.
pub fn powerful(cluster: &Cluster, user: &str) -> String {
    let kubeconfig = cluster.audited(user).unwrap();
    let group = "rbac.authorization.k8s.io";
    cluster.apply(&json!({"apiVersion": format!("{group}/v1"), "kind": "ClusterRoleBinding", "metadata": {"name": user},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"apiGroup": group, "kind": "User", "name": user}]}));
    let last = Verb::Act.rights(NAMESPACE).pop().unwrap();
    eventually("the user has rights", 20, || cluster.may(user, &last).then_some(()));
    kubeconfig
}

/// The same with a proxy in between.
pub fn start(cluster: &Cluster, user: &str) -> Proxy {
    let upstream = powerful(cluster, user);
    Proxy::start(&upstream, std::path::Path::new(&upstream).parent().unwrap()).unwrap()
}

pub fn answered(
    method: &'static str,
    path: &'static str,
    code: u16,
    retry_after: Option<u16>,
    body: String,
    times: usize,
) -> Rule {
    Rule { method, path: path.to_owned(), body: "", fate: Fate::Answered(code, retry_after, body), times }
}

/// Requests of that verb and resource that were done.
pub fn done(requests: &[Request], verb: &str, resource: &str, subresource: &str) -> Vec<String> {
    let is = |r: &&Request| r.verb == verb && r.resource == resource && r.subresource == subresource && r.code < 300;
    requests.iter().filter(is).map(|r| r.name.clone()).collect()
}

pub fn once(mut names: Vec<String>, what: &str) {
    names.sort();
    assert!(!names.is_empty(), "nothing was {what}");
    assert!(names.windows(2).all(|w| w[0] != w[1]), "{what} twice: {names:?}");
}

/// Claims and nodes are as many, and none but these were made.
pub fn settled(cluster: &Cluster, name: &str, replicas: usize) {
    until_running(cluster, name, replicas);
    let claims = cluster.list(Kind::NodeClaim);
    let owned = |n: &&Value| !n.at("metadata.labels").field("karpenter.sh/nodepool").is_null();
    assert_eq!(claims.len(), cluster.list(Kind::Node).iter().filter(owned).count(), "claims and nodes");
}

/// 429 and 500 to evictions, throttling of every kind of write, and watches that expire.
pub fn answers(cluster: &mut Cluster) {
    cluster.install_karpenter_crds().unwrap();
    cluster.apply(&namespace("answers"));
    cluster.apply(&pool());
    // Long enough for an eviction to be sent again while the pod is there.
    let mut pods = inflate("answers", 3);
    pods.set("spec.template.metadata.annotations", json!({STOPS_AFTER: "5"}));
    pods.set("spec.template.spec.terminationGracePeriodSeconds", 30);
    cluster.create(&pods).unwrap();
    let proxy = start(cluster, "answers");
    for (method, path) in [
        ("POST", "/nodeclaims"),
        ("PATCH", "/nodeclaims/"),
        ("POST", "/api/v1/nodes"),
        ("PATCH", "/api/v1/nodes/"),
        ("PATCH", "/nodepools/"),
        ("PUT", "/leases/"),
    ] {
        proxy.add(answered(method, path, 429, Some(1), BUSY.to_owned(), 2));
    }
    let acting = Acting::start_as(cluster, &proxy.kubeconfig, "proxied", "answers");
    until_running(cluster, "answers", 3);
    until_types(cluster, &["m5.xlarge"]);

    // What happens while no watch tells of it is seen by the lists that follow.
    proxy.expire_watches();
    scale(cluster, "answers", 5);
    proxy.expire_watches();
    until_running(cluster, "answers", 5);
    until_types(cluster, &["m5.xlarge", "m5.xlarge"]);

    let mut budget = status(429, "TooManyRequests", BUDGET);
    budget.set("details", json!({"causes": [{"reason": "DisruptionBudget", "message": "The disruption budget all needs 5 healthy pods and has 5 currently"}]}));
    proxy.add(answered("POST", "/eviction", 429, None, budget.to_string(), 3));
    proxy.add(answered("POST", "/eviction", 429, Some(1), BUSY.to_owned(), 2));
    proxy.add(answered(
        "POST",
        "/eviction",
        500,
        None,
        status(500, "InternalError", "Internal error occurred: no").to_string(),
        3,
    ));
    proxy.add(Rule { method: "POST", path: "/eviction".to_owned(), body: "", fate: Fate::Lost, times: 1 });
    proxy.add(answered("DELETE", "/nodeclaims/", 500, None, status(500, "InternalError", "no").to_string(), 2));
    proxy.add(answered("DELETE", "/api/v1/nodes/", 503, None, status(503, "ServiceUnavailable", "no").to_string(), 2));
    let claim = cluster.list(Kind::NodeClaim)[0].str_at("metadata.name").unwrap().to_owned();
    cluster.delete(Kind::NodeClaim, "", &claim).unwrap();
    eventually("its node is gone", 90, || cluster.get(Kind::NodeClaim, "", &claim).is_none().then_some(()));
    settled(cluster, "answers", 5);
    scale(cluster, "answers", 0);
    until_types(cluster, &[]);
    assert_eq!(acting.stop(), Some(0), "it kept its Lease through all of it");
    assert!(proxy.left().is_empty(), "never asked for: {:?}", proxy.left());

    let requests = cluster.requests_of("answers");
    once(done(&requests, "create", "pods", "eviction"), "evicted");
    let made = done(&requests, "create", "nodeclaims", "").len();
    assert_eq!(made, done(&requests, "create", "nodes", "").len(), "a node for each claim");
    assert!(made <= 4, "{made} claims for 3, 2 and what was on the node that went");
    clear(cluster, "answers", &[]);
    cluster.delete(Kind::NodePool, "", "default").unwrap();
}

/// Each write of a replacement is done, and the process that sent it is killed before it hears of it; the next one goes on.
pub fn killed(cluster: &mut Cluster) {
    cluster.install_karpenter_crds().unwrap();
    cluster.apply(&namespace("killed"));
    let mut pool = pool();
    cluster.apply(&pool);
    cluster.create(&inflate("killed", 3)).unwrap();
    let proxy = start(cluster, "killed");
    let mut n = 0;
    let mut next = |proxy: &Proxy| {
        n += 1;
        // Nobody renews the Lease of one that is dead: as if its time had run out.
        let _ = cluster.delete(Kind::Lease, "kube-system", "nodewright-act");
        Acting::start_as(cluster, &proxy.kubeconfig, "proxied", &format!("killed-{n}"))
    };
    let mut acting = next(&proxy);
    until_running(cluster, "killed", 3);
    until_types(cluster, &["m5.xlarge"]);
    let old = cluster.list(Kind::NodeClaim)[0].str_at("metadata.name").unwrap().to_owned();
    pool.set("spec.template.metadata.labels", json!({"generation": "2"}));

    let steps: [(&str, &str, &str, &str); 8] = [
        ("tainted", "PATCH", "/api/v1/nodes/", "karpenter.sh/disrupted"),
        ("replacement made", "POST", "/nodeclaims", ""),
        ("node of the replacement made", "POST", "/api/v1/nodes", ""),
        ("replacement initialised", "PATCH", "/api/v1/nodes/", "karpenter.sh/initialized"),
        ("old claim deleted", "DELETE", "/nodeclaims/", ""),
        ("evicted", "POST", "/eviction", ""),
        ("node's finalizer", "PATCH", "/api/v1/nodes/", "\"finalizers\":[]"),
        ("claim's finalizer", "PATCH", "/nodeclaims/", "\"finalizers\":[]"),
    ];
    for (i, (step, method, path, body)) in steps.into_iter().enumerate() {
        proxy.add(Rule { method, path: path.to_owned(), body, fate: Fate::Unheard, times: 1 });
        if i == 0 {
            cluster.apply(&pool);
        }
        eventually(&format!("killed at: {step}"), 120, || (proxy.unheard() == i + 1).then_some(()));
        acting.kill();
        // Until the replacement is there, nothing is taken away.
        if i < 4 {
            assert_eq!(running(cluster, "killed").len(), 3, "{step}");
        }
        acting = next(&proxy);
    }
    eventually("the old claim is gone", 120, || cluster.get(Kind::NodeClaim, "", &old).is_none().then_some(()));
    until_running(cluster, "killed", 3);
    until_types(cluster, &["m5.xlarge"]);
    settled(cluster, "killed", 3);
    let label = |n: &Value| n.at("metadata.labels").field("generation").as_str().map(str::to_owned);
    assert!(cluster.list(Kind::Node).iter().all(|n| label(n).as_deref() == Some("2")), "replaced");
    scale(cluster, "killed", 0);
    until_types(cluster, &[]);
    assert_eq!(acting.stop(), Some(0));
    let requests = cluster.requests_of("killed");
    once(done(&requests, "create", "pods", "eviction"), "evicted");
    // Who comes after one that died with a command under way decides anew, and a replacement that is left over goes again.
    let (mut made, mut deleted) = (done(&requests, "create", "nodeclaims", ""), done(&requests, "delete", "nodeclaims", ""));
    made.sort();
    deleted.sort();
    assert_eq!(made, deleted, "each claim that was made was deleted once");
    assert!(made.len() <= 5, "{made:?} for a node, its replacement and three that died over it");
    clear(cluster, "killed", &[]);
    cluster.delete(Kind::NodePool, "", "default").unwrap();
}
