//! The manifests under `deploy/rbac` grant what each verb asks for, all of it and nothing else: the API server's audit log
//! tells what was asked.

use super::act::{Acting, scale, until_types};
use super::{clear, inflate, namespace, node, until_running, until_usable};
use crate::api::eventually;
use crate::audit::Request;
use crate::control_plane::Cluster;
use crate::proxy::{Fate, Proxy, Rule, status};
use engine::cluster::{Detail, FleetKind, Live, NAMESPACE, Options, Right, Verb};
use objects::{DocExt, Kind, Value, json, yaml};
use std::path::Path;
use std::time::Duration;

/// Kinds of the other era, which this server has not.
pub const ABSENT: [&str; 3] = ["provisioners", "machines", "awsnodetemplates"];
/// Of AWS, which this server has for a while only.
pub const OF_AWS: &str = "ec2nodeclasses";

/// What the manifests bind their roles to.
pub fn account(verb: &str) -> String {
    format!("system:serviceaccount:{NAMESPACE}:nodewright-{verb}")
}

fn options(kubeconfig: &str) -> Options {
    Options { kubeconfig: Some(kubeconfig.to_owned()), ..Options::default() }
}

/// Applies the manifest as it is.
pub fn grant(cluster: &Cluster, verb: Verb) {
    let stream = yaml::parse(&verb.manifest(NAMESPACE));
    assert_eq!(stream.error, None);
    stream.documents.iter().for_each(|d| drop(cluster.apply(&d.value)));
}

/// A role of these rights and its binding to a user of the same name.
fn role(name: &str, rights: &[&Right], in_namespace: Option<&str>) -> [Value; 2] {
    const GROUP: &str = "rbac.authorization.k8s.io";
    let (kind, binding) = if in_namespace.is_some() { ("Role", "RoleBinding") } else { ("ClusterRole", "ClusterRoleBinding") };
    let rule = |r: &&Right| {
        let resource = if r.subresource.is_empty() { r.resource.clone() } else { format!("{}/{}", r.resource, r.subresource) };
        let names: Vec<&str> = if r.name.is_empty() { Vec::new() } else { vec![&r.name] };
        json!({"apiGroups": [r.group], "resources": [resource], "resourceNames": names, "verbs": [r.verb]})
    };
    let metadata = in_namespace.map_or(json!({"name": name}), |ns| json!({"name": name, "namespace": ns}));
    [
        json!({"apiVersion": format!("{GROUP}/v1"), "kind": kind, "metadata": metadata,
            "rules": rights.iter().map(rule).collect::<Vec<_>>()}),
        json!({"apiVersion": format!("{GROUP}/v1"), "kind": binding, "metadata": metadata,
            "roleRef": {"apiGroup": GROUP, "kind": kind, "name": name},
            "subjects": [{"apiGroup": GROUP, "kind": "User", "name": name}]}),
    ]
}

/// A user for each right of the verb, who has all the others; with their kubeconfigs.
pub fn users_without(cluster: &Cluster, word: &str, verb: Verb) -> Vec<(Right, String)> {
    let rights = verb.rights(NAMESPACE);
    let mut out = Vec::new();
    for (i, without) in rights.iter().enumerate() {
        let user = format!("without-{word}-{i}");
        let others = |namespace: &str| -> Vec<&Right> {
            rights.iter().enumerate().filter(|(j, r)| *j != i && r.namespace == namespace).map(|(_, r)| r).collect()
        };
        role(&user, &others(""), None).iter().for_each(|doc| drop(cluster.create(doc).unwrap()));
        let local = others(NAMESPACE);
        if !local.is_empty() {
            role(&user, &local, Some(NAMESPACE)).iter().for_each(|doc| drop(cluster.create(doc).unwrap()));
        }
        out.push((without.clone(), cluster.audited(&user).unwrap()));
    }
    // The server learns of roles and bindings in their order, a moment after they are written.
    let last = format!("without-{word}-{}", rights.len() - 1);
    for namespace in ["", NAMESPACE] {
        if let Some(right) = rights.iter().rev().skip(1).find(|r| r.namespace == namespace) {
            eventually("the last user has rights", 20, || cluster.may(&last, right).then_some(()));
        }
    }
    out
}

pub fn forget_users(cluster: &Cluster, users: &[(Right, String)], word: &str) {
    for i in 0..users.len() {
        let name = format!("without-{word}-{i}");
        for (namespace, kinds) in [("", ["ClusterRoleBinding", "ClusterRole"]), (NAMESPACE, ["RoleBinding", "Role"])] {
            kinds.iter().for_each(|kind| cluster.delete_role(kind, namespace, &name));
        }
    }
}

fn covers(right: &Right, request: &Request) -> bool {
    let is = |right: &str, asked: &str| right.is_empty() || right == asked;
    (&right.verb, &right.group, &right.resource, &right.subresource)
        == (&request.verb, &request.group, &request.resource, &request.subresource)
        && is(&right.name, &request.name)
        && is(&right.namespace, &request.namespace)
}

/// Nothing was refused, and each of the manifest's rights was asked for, but for those that may be `unasked`.
pub fn enough(cluster: &Cluster, user: &str, verb: Verb, unasked: impl Fn(&Right) -> bool) {
    let requests = cluster.requests_of(user);
    let refused: Vec<&Request> = requests.iter().filter(|r| r.code == 403).collect();
    assert!(refused.is_empty(), "{verb:?} was refused {refused:#?}");
    let rights = verb.rights(NAMESPACE);
    let unused = rights.iter().filter(|right| !unasked(right) && !requests.iter().any(|r| covers(right, r)));
    let unused: Vec<String> = unused.map(Right::to_string).collect();
    assert!(unused.is_empty(), "{verb:?} has not asked for {unused:#?}");
}

/// Given a kubeconfig: the notes, or why nothing could be read.
type Reads<'a> = &'a dyn Fn(&str) -> Result<Vec<String>, String>;

/// The notes of one who watches.
fn watched(kubeconfig: &str) -> Result<Vec<String>, String> {
    let mut live = Live::begin(&options(kubeconfig), Detail::Picture).map_err(|e| nodewright_cli::observe::failure(e).message)?;
    eventually("all is read", 60, || {
        live.wait(Duration::from_millis(100), || 0);
        live.is_complete().then_some(())
    });
    // Watches come after lists; where none is refused, nothing tells so.
    for _ in 0..50 {
        live.wait(Duration::from_millis(100), || 0);
        if live.snapshot(0).1.iter().any(|n| n.contains("no permission")) {
            break;
        }
    }
    Ok(live.snapshot(0).1)
}

/// Without one right, all else is shown and the lack of it told.
pub fn reading(cluster: &mut Cluster) {
    cluster.install_karpenter_crds().unwrap();
    cluster.create(&node("rights-a")).unwrap();
    until_usable(cluster, "rights-a");
    let plan = |kubeconfig: &str| nodewright_cli::plan::live(&options(kubeconfig)).map(|d| d.notes).map_err(|f| f.message);
    let verbs: [(&str, Verb, Reads); 2] = [("observe", Verb::Observe, &watched), ("plan", Verb::Plan, &plan)];
    for (word, verb, run) in verbs {
        grant(cluster, verb);
        let kubeconfig = cluster.audited(&account(word)).unwrap();
        let last = verb.rights(NAMESPACE).pop().unwrap();
        eventually("the manifest has come into force", 20, || cluster.may(&account(word), &last).then_some(()));
        let notes = run(&kubeconfig).unwrap();
        assert!(!notes.iter().any(|n| n.contains("no permission")), "{word}: {notes:#?}");
        // What the server has not is not watched.
        let absent = |right: &Right| ABSENT.contains(&right.resource.as_str()) || right.resource == OF_AWS;
        let unasked = |right: &Right| right.verb == "watch" && absent(right);
        enough(cluster, &account(word), verb, unasked);

        let users = users_without(cluster, word, verb);
        for (right, kubeconfig) in &users {
            let resource = format!("{}{}{}", right.resource, if right.group.is_empty() { "" } else { "." }, right.group);
            match run(kubeconfig) {
                Ok(notes) if unasked(right) => {
                    assert!(!notes.iter().any(|n| n.contains("no permission")), "{word} without {right}: {notes:#?}");
                }
                Ok(notes) => {
                    let lacks: Vec<&String> = notes.iter().filter(|n| n.contains("no permission")).collect();
                    let [lack] = lacks[..] else { panic!("{word} without {right}: {notes:#?}") };
                    assert!(lack.starts_with(&format!("no permission to {} {resource}: ", right.verb)), "{right}: {lack}");
                }
                Err(message) => {
                    assert_eq!((resource.as_str(), right.verb.as_str()), ("nodes", "list"), "{word}: {message}");
                    assert!(message.contains("cannot list resource \"nodes\""), "{message}");
                }
            }
        }
        forget_users(cluster, &users, word);
    }
    cluster.delete(Kind::Node, "", "rights-a").unwrap();
}

/// A definition that takes any fields, with a status of its own.
pub fn definition(group: &str, version: &str, kind: &str, plural: &str) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.{group}")},
        "spec": {"group": group, "scope": "Cluster", "names": {"kind": kind, "plural": plural, "singular": kind.to_lowercase()},
            "versions": [{"name": version, "served": true, "storage": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]}
    })
}

fn class(name: &str) -> Value {
    json!({"apiVersion": "karpenter.k8s.aws/v1", "kind": "EC2NodeClass", "metadata": {"name": name},
        "spec": {"amiSelectorTerms": [{"alias": "al2023@latest"}], "role": "node"}})
}

/// All that act does: nodes come, are replaced though a budget lets one pod go at a time, and go; and it does not begin where one
/// right is missing.
pub fn acting(cluster: &mut Cluster) {
    cluster.install_karpenter_crds().unwrap();
    cluster.define(&definition("karpenter.k8s.aws", "v1", "EC2NodeClass", OF_AWS));
    cluster.apply(&class("default"));
    without_one(cluster, "act", Verb::Act, FleetKind::Kwok);

    grant(cluster, Verb::Act);
    let user = account("act");
    let kubeconfig = cluster.audited(&user).unwrap();
    let last = Verb::Act.rights(NAMESPACE).pop().unwrap();
    eventually("the manifest has come into force", 20, || cluster.may(&user, &last).then_some(()));
    cluster.apply(&namespace("rights"));
    let mut pool = super::act::pool();
    pool.set("spec.template.spec.terminationGracePeriod", "3s");
    cluster.apply(&pool);
    cluster.create(&inflate("rights", 5)).unwrap();
    // The Lease is there from other checks; it is made anew.
    let _ = cluster.delete(Kind::Lease, NAMESPACE, "nodewright-act");
    // As if somebody else had changed each of these just before it: it reads them again.
    let proxy = Proxy::start(&kubeconfig, Path::new(&kubeconfig).parent().unwrap()).unwrap();
    for path in ["/api/v1/nodes/", "/nodeclaims/", "/nodepools/", "/ec2nodeclasses/"] {
        let fate = Fate::Answered(409, None, status(409, "Conflict", "the object has been modified").to_string());
        proxy.add(Rule { method: "PATCH", path: path.to_owned(), body: "", fate, times: 1 });
    }
    let act = Acting::start_as(cluster, &proxy.kubeconfig, "proxied", "rights");
    until_running(cluster, "rights", 5);
    until_types(cluster, &["m5.xlarge", "m5.xlarge"]);

    let budget = json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "all", "namespace": "rights"},
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"app": "rights"}}}});
    cluster.create(&budget).unwrap();
    let claim = cluster.list(Kind::NodeClaim)[0].str_at("metadata.name").unwrap().to_owned();
    cluster.delete(Kind::NodeClaim, "", &claim).unwrap();
    eventually("its node is gone", 60, || cluster.get(Kind::NodeClaim, "", &claim).is_none().then_some(()));
    until_running(cluster, "rights", 5);
    cluster.delete(Kind::PodDisruptionBudget, "rights", "all").unwrap();
    scale(cluster, "rights", 0);
    until_types(cluster, &[]);
    // The same is said of the pool twice, and counted on the event.
    for (name, word) in [("none", "False"), ("default", "True"), ("none", "False"), ("default", "True")] {
        let class = json!({"spec": {"template": {"spec": {"nodeClassRef": {"name": name}}}}});
        cluster.patch(Kind::NodePool, "", "default", &class).unwrap();
        eventually(&format!("the pool's readiness is {word}"), 20, || {
            let pool = cluster.get(Kind::NodePool, "", "default")?;
            let is_ready = |c: &Value| c.str_at("type") == Some("Ready") && c.str_at("status") == Some(word);
            pool.list_at("status.conditions").iter().any(is_ready).then_some(())
        });
    }
    assert_eq!(act.stop(), Some(0));
    // Of kinds of the other era no more is asked than whether they are there.
    let unasked = |right: &Right| ABSENT.contains(&right.resource.as_str()) && right.verb != "list";
    enough(cluster, &user, Verb::Act, unasked);
    clear(cluster, "rights", &[]);
    cluster.delete(Kind::NodePool, "", "default").unwrap();
    cluster.undefine("ec2nodeclasses.karpenter.k8s.aws");
}

/// A user without one right is told which, and nothing is written.
pub fn without_one(cluster: &Cluster, word: &str, verb: Verb, fleet: FleetKind) {
    let users = users_without(cluster, word, verb);
    let needed = |right: &Right| right.verb == "list" || !ABSENT.contains(&right.resource.as_str());
    for (i, (right, kubeconfig)) in users.iter().enumerate() {
        let user = format!("without-{word}-{i}");
        if !needed(right) {
            continue;
        }
        let refused = super::act::refused(kubeconfig, &user, fleet);
        let option = if fleet == FleetKind::NodeClaim { " --fleet nodeclaim" } else { "" };
        let lack = format!(
            "cannot act on this cluster: no permission to {right} (`nodewright rbac act{option} --namespace kube-system` "
        );
        assert!(refused.starts_with(&lack), "without {right}: {refused}");
    }
    let reads = ["get", "list", "watch"];
    let mut written = cluster.requests_of(&format!("without-{word}-"));
    written.retain(|r| !reads.contains(&r.verb.as_str()) && r.resource != "selfsubjectaccessreviews");
    assert!(written.is_empty(), "{written:#?}");
    forget_users(cluster, &users, word);
}
