use super::act::scale;
use super::{clear, inflate, namespace, node, until_running, until_usable};
use crate::api::eventually;
use crate::control_plane::{Cluster, Part};
use crate::proxy::Proxy;
use engine::Era;
use engine::cluster::{Detail, Live, Options};
use nodewright_cli::observe::picture;
use objects::{Kind, Value, json};
use std::time::Duration;

fn options(kubeconfig: &str) -> Options {
    Options { kubeconfig: Some(kubeconfig.to_owned()), ..Options::default() }
}

fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

pub fn without_karpenter(cluster: &mut Cluster) {
    let observed = engine::cluster::observe(&options(&cluster.kubeconfig)).unwrap();
    assert_eq!(observed.notes, ["the server has no Karpenter API: neither NodePools nor Provisioners"]);
    let (picture, _) = picture(&options(&cluster.kubeconfig), now_ms()).unwrap_or_else(|f| panic!("{}", f.message));
    assert!(picture.starts_with("0 nodes "), "{picture}");
}

fn pool(name: &str) -> Value {
    json!({
        "apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": {"name": name},
        "spec": {"template": {"spec": {
            "nodeClassRef": {"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": "default"},
            "requirements": [{"key": "kubernetes.io/arch", "operator": "In", "values": ["amd64"]}]}}}
    })
}

pub fn everything(cluster: &mut Cluster) {
    cluster.install_karpenter_crds().unwrap();
    cluster.apply(&namespace("observed"));
    for name in ["observed-a", "observed-b"] {
        cluster.create(&node(name)).unwrap();
        until_usable(cluster, name);
    }
    cluster.create(&pool("observed")).unwrap();
    cluster.create(&inflate("observed", 5)).unwrap();
    until_running(cluster, "observed", 5);

    let observed = engine::cluster::observe(&options(&cluster.kubeconfig)).unwrap();
    assert_eq!(observed.era, Era::V1);
    let names = |kind| observed.store.list(kind).map(|o| o.meta.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(Kind::Node), ["observed-a", "observed-b"]);
    assert_eq!(names(Kind::NodePool), ["observed"]);
    assert_eq!(observed.store.list(Kind::Pod).filter(|p| p.meta.namespace == "observed").count(), 5);

    let (picture, notes) = picture(&options(&cluster.kubeconfig), now_ms()).unwrap_or_else(|f| panic!("{}", f.message));
    let lines: Vec<&str> = picture.lines().collect();
    assert!(lines[0].starts_with("2 nodes (         5/7840m) 63.8% cpu"), "{picture}");
    assert!(lines[0].ends_with("$0.472/hour | $344.560/month"), "{picture}");
    assert_eq!(lines[1], "5 pods (0 pending 5 running 5 bound)", "{picture}");
    for name in ["observed-a", "observed-b"] {
        let row = lines.iter().find(|l| l.starts_with(name)).unwrap_or_else(|| panic!("no {name}: {picture}"));
        assert!(row.contains("m5.xlarge/$0.2360 On-Demand - Ready"), "{row}");
    }
    assert!(notes.is_empty(), "{notes:?}");
}

/// After [`everything`]: rights are given one by one, and what is missing is said, not fatal.
pub fn in_part(cluster: &mut Cluster) {
    let somebody = cluster.kubeconfig_of("somebody").unwrap();
    let refused = picture(&options(&somebody), now_ms()).unwrap_err();
    let forbidden = |resource: &str, group: &str| {
        format!(
            "{resource} is forbidden: User \"somebody\" cannot list resource \"{}\" in API group \"{group}\" at the cluster scope",
            resource.split('.').next().unwrap()
        )
    };
    assert_eq!(refused.message, format!("cannot read the cluster: {}", forbidden("nodes", "")));
    assert_eq!(refused.exit, 3);

    let role = |resources: &[&str]| {
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "somebody"},
            "rules": [{"apiGroups": ["", "karpenter.sh"], "verbs": ["list"], "resources": resources}]})
    };
    cluster.apply(&role(&["nodes"]));
    cluster.apply(
        &json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "somebody"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "somebody"}],
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "somebody"}}),
    );
    // The server learns of a role a moment after it is written.
    let observed = eventually("somebody may list nodes", 20, || engine::cluster::observe(&options(&somebody)).ok());
    assert_eq!(observed.store.count(Kind::Node), 2);
    assert_eq!(observed.store.count(Kind::Pod), 0);
    let note = |resource: &str, group: &str| {
        format!("no permission to list {resource}: {} (grant the verb list on it to see them)", forbidden(resource, group))
    };
    let of_nodepools = note("nodepools.karpenter.sh", "karpenter.sh");
    assert!(observed.notes.contains(&note("pods", "")), "{:#?}", observed.notes);
    assert!(observed.notes.contains(&of_nodepools), "{:#?}", observed.notes);

    cluster.apply(&role(&["nodes", "pods", "nodepools"]));
    let observed = eventually("somebody may list NodePools", 20, || {
        let observed = engine::cluster::observe(&options(&somebody)).unwrap();
        (observed.store.count(Kind::NodePool) == 1).then_some(observed)
    });
    assert!(observed.store.count(Kind::Pod) >= 5);
    assert!(!observed.notes.contains(&of_nodepools), "{:#?}", observed.notes);

    clear(cluster, "observed", &["observed-a", "observed-b"]);
    cluster.delete(Kind::NodePool, "", "observed").unwrap();
}

/// The picture and its notes, when they are so.
fn until(live: &mut Live, what: &str, is: impl Fn(&str, &[String]) -> bool) {
    eventually(what, 120, || {
        live.wait(Duration::from_millis(50), now_ms);
        let (snapshot, notes) = live.snapshot(now_ms());
        is(&shell::node_viewer(&snapshot), &notes).then_some(())
    });
}

/// The picture says of the node that it has so many pods, and there is nothing that is not current.
fn until_pods(live: &mut Live, node: &str, pods: usize) {
    let cell = format!(" ({pods}/58 pods) ");
    until(live, &format!("{node} with {pods} pods"), |picture, notes| {
        notes.is_empty() && picture.lines().any(|l| l.starts_with(node) && l.contains(&cell))
    });
}

fn not_current(notes: &[String], of: &str) -> bool {
    notes.iter().any(|n| n.starts_with("not current since ") && n.contains(of))
}

/// What happens is seen: pods that come and go, through watches that expire and a server that is away for a time.
pub fn follows(cluster: &mut Cluster) {
    cluster.install_karpenter_crds().unwrap();
    cluster.apply(&namespace("followed"));
    cluster.create(&node("followed-a")).unwrap();
    until_usable(cluster, "followed-a");
    cluster.create(&inflate("followed", 2)).unwrap();
    until_running(cluster, "followed", 2);

    let folder = std::path::Path::new(&cluster.kubeconfig).parent().unwrap();
    let proxy = Proxy::start(&cluster.kubeconfig, folder).unwrap();
    let mut live = Live::begin(&options(&proxy.kubeconfig), Detail::Picture).unwrap();
    until_pods(&mut live, "followed-a", 2);
    scale(cluster, "followed", 3);
    until_pods(&mut live, "followed-a", 3);
    proxy.expire_watches();
    scale(cluster, "followed", 1);
    until(&mut live, "that watches expired", |_, notes| not_current(notes, "too old resource version: 1 (2)"));
    until_pods(&mut live, "followed-a", 1);
    drop(live);

    let mut live = Live::begin(&options(&cluster.kubeconfig), Detail::Picture).unwrap();
    until_pods(&mut live, "followed-a", 1);
    cluster.kill(Part::ApiServer);
    until(&mut live, "that the server is away", |picture, notes| {
        not_current(notes, "nodes") && picture.contains("followed-a ") && picture.contains(" (1/58 pods) ")
    });
    cluster.run(Part::ApiServer).unwrap();
    scale(cluster, "followed", 2);
    until_pods(&mut live, "followed-a", 2);
    clear(cluster, "followed", &["followed-a"]);
    until(&mut live, "that the node is gone", |picture, _| !picture.contains("followed-a"));
}
