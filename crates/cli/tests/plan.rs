//! `nodewright plan` on dumps of simulated clusters, through the program.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test")]

#[cfg(feature = "kube")]
#[path = "../../engine/tests/api_server/mod.rs"]
#[allow(dead_code, reason = "each test file uses its part")]
mod api_server;

use engine::session::{Request, Scenario, Session, Validation};
use engine::{Era, SimTime};
use objects::{DocExt, Kind, ObjectKey, Value, json};
use std::process::Command;

struct Cluster {
    session: Session,
}

impl Cluster {
    fn new(era: Era) -> Cluster {
        Cluster { session: Session::new(Scenario::lab(era, 7)).unwrap() }
    }

    fn pass(mut self, seconds: u64) -> Cluster {
        let until: SimTime = self.session.now() + seconds * 1000;
        self.session.advance_to(until);
        self
    }

    fn apply(mut self, doc: Value) -> Cluster {
        self.session.request("", Request::Apply { doc, dry_run: false, validation: Validation::Strict }).unwrap();
        self
    }

    fn scale(mut self, replicas: i64) -> Cluster {
        let key = ObjectKey::new(Kind::Deployment, "default", "web");
        self.session.request("", Request::Scale { key, replicas, dry_run: false }).unwrap();
        self
    }

    fn items(&self) -> Vec<Value> {
        let snapshot = self.session.snapshot();
        snapshot.store.all().filter(|o| !o.kind.is_internal()).map(|o| o.doc.clone()).collect()
    }

    /// The objects as a List in a file of this name.
    fn dump(&self, name: &str) -> String {
        write(name, &json!({"apiVersion": "v1", "kind": "List", "items": self.items()}).to_string())
    }

    fn at(&self) -> String {
        objects::time::rfc3339(self.session.snapshot().unix_ms())
    }
}

fn write(name: &str, text: &str) -> String {
    let path = std::env::temp_dir().join(format!("nodewright-plan-{}-{name}", std::process::id()));
    std::fs::write(&path, text).unwrap();
    path.to_string_lossy().into_owned()
}

fn web(replicas: i64) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "default"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "c", "image": "i", "resources": {"requests": {"cpu": "1"}}}]},
        }},
    })
}

/// Standard output, standard error and exit status.
fn plan(args: &[&str]) -> (String, String, Option<i32>) {
    let out = Command::new(env!("CARGO_BIN_EXE_nodewright")).arg("plan").args(args).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (text(out.stdout), text(out.stderr), out.status.code())
}

#[test]
fn pods_that_wait_and_nodes_that_go() {
    for era in [Era::V1alpha5, Era::V1] {
        let cluster = Cluster::new(era).apply(web(5)).pass(1);
        let file = cluster.dump(&format!("wait-{}.json", era.as_str()));
        let (out, notes, exit) = plan(&["--from", &file, "--at", &cluster.at(), "--seed", "7"]);
        assert_eq!((notes.as_str(), exit), ("", Some(10)), "{out}");
        assert!(out.contains("\n1. +") && out.contains(" provision a default node for 5 pods\n"), "{out}");
        assert!(out.contains("Stays:\n") && out.contains("not Karpenter's: node group ng1\n"), "{out}");

        let cluster = cluster.pass(240).scale(0).pass(5);
        let file = cluster.dump(&format!("empty-{}.json", era.as_str()));
        let (out, _, exit) = plan(&["--from", &file, "--at", &cluster.at(), "-o", "json"]);
        assert_eq!(exit, Some(10), "{out}");
        let v: Value = serde_json::from_str(&out).unwrap();
        let action = &v.list_at("actions")[0];
        assert_eq!((action.str_at("kind"), action.str_at("reason")), (Some("remove"), Some("emptiness")), "{out}");
        assert_eq!(action.int_at("savesMicroPerHour"), action.list_at("nodes")[0].int_at("priceMicroPerHour"));
        assert_eq!((v.int_at("before.nodes"), v.int_at("after.nodes"), v.bool_at("atRest")), (Some(3), Some(2), Some(true)));
    }
}

#[test]
fn nothing_to_do_is_no_failure() {
    let cluster = Cluster::new(Era::V1);
    let file = cluster.dump("rest.json");
    let (out, notes, exit) = plan(&["--from", &file, "--at", &cluster.at()]);
    assert_eq!((notes.as_str(), exit), ("", Some(0)), "{out}");
    let first = format!("{} (Karpenter v1, ap-northeast-2): 2 nodes, $0.2360/h, ", cluster.at());
    assert!(out.starts_with(&first) && out.contains("\nNothing to do.\n"), "{out}");
    assert!(out.ends_with("\nThe cluster rests: 2 nodes, $0.2360/h\n"), "{out}");
    let (yaml, _, exit) = plan(&["--from", &file, "--at", &cluster.at(), "-o", "yaml"]);
    assert_eq!(exit, Some(0));
    let v = objects::yaml::parse(&yaml).documents.pop().unwrap().value;
    assert_eq!(v.list_at("actions").len(), 0, "{yaml}");
    assert_eq!(v.list_at("stays").len(), 2, "{yaml}");
}

#[test]
fn a_folder_and_a_list_are_the_same_dump() {
    let cluster = Cluster::new(Era::V1).apply(web(3)).pass(1);
    let list = cluster.dump("same.json");
    let folder = std::env::temp_dir().join(format!("nodewright-plan-{}-folder", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (nodes, rest): (Vec<Value>, Vec<Value>) = cluster.items().into_iter().partition(|d| d.str_at("kind") == Some("Node"));
    std::fs::write(folder.join("a.json"), json!({"apiVersion": "v1", "kind": "NodeList", "items": nodes}).to_string()).unwrap();
    let yaml: Vec<String> = rest.iter().map(objects::yaml::to_yaml).collect();
    std::fs::write(folder.join("b.yaml"), yaml.join("---\n")).unwrap();
    let one = plan(&["--from", &list, "--at", &cluster.at()]);
    let two = plan(&["--from", &folder.to_string_lossy(), "--at", &cluster.at()]);
    assert_eq!(one, two);
}

#[test]
fn changed_manifests_make_a_difference() {
    let cluster = Cluster::new(Era::V1).apply(web(3)).pass(240);
    let file = cluster.dump("changed.json");
    let more = write("more.yaml", &objects::yaml::to_yaml(&web(9)));
    let (out, _, exit) = plan(&["--from", &file, "--at", &cluster.at(), "-f", &more]);
    assert_eq!(exit, Some(10), "{out}");
    assert!(
        out.starts_with(
            "deployment.apps/web configured\n\nThe difference to the plan without them:\n  + provision a default node for "
        ),
        "{out}"
    );
    let (out, _, exit) = plan(&["--from", &file, "--at", &cluster.at(), "-f", &more, "-o", "json"]);
    let v: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(exit, Some(10));
    assert!(v.int_at("difference.savesMicroPerHour").unwrap() < 0, "{out}");
    assert_eq!((v.list_at("before.actions").len(), v.list_at("difference.gone").len()), (0, 0), "{out}");

    // The same as it is: no difference.
    let same = write("same.yaml", &objects::yaml::to_yaml(&web(3)));
    let (out, _, exit) = plan(&["--from", &file, "--at", &cluster.at(), "-f", &same]);
    assert_eq!(exit, Some(0), "{out}");
    assert!(out.contains("deployment.apps/web unchanged\n") && out.contains("  no action is another\n"), "{out}");
}

#[test]
fn bad_input_says_what_is_wrong() {
    let check = |args: &[&str], want: &str, status: i32| {
        let (out, why, exit) = plan(args);
        assert_eq!((out.as_str(), exit), ("", Some(status)), "{why}");
        assert!(why.starts_with(&format!("nodewright: {want}")), "{why}");
    };
    let broken = write("broken.json", "{\"kind\": ");
    check(&["--from", &broken], &format!("{broken}: not JSON: EOF while parsing a value at line 1 column 9"), 1);
    let empty = write("empty.json", "{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": []}");
    check(
        &["--from", &empty],
        "no Node among the 0 objects that were read: take the dump with `kubectl get -A -o json nodes,pods",
        1,
    );
    let other = write("other.yaml", "hello: world\n");
    check(&["--from", &other], &format!("{other}: not a Kubernetes object, apiVersion is missing"), 1);
    check(&["--from", "/no/such/file"], "/no/such/file: ", 2);
    let cluster = Cluster::new(Era::V1);
    let file = cluster.dump("good.json");
    check(&["--from", &file, "--at", "noon"], "--at \"noon\" is no time", 2);
    check(&["--from", &file, "--horizon", "soon"], "--horizon \"soon\" is no duration", 2);
    let wrong = write("wrong.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\nspec: {replica: 3}\n");
    check(&["--from", &file, "-f", &wrong], &format!("{wrong}: "), 1);
    let old = write("old.yaml", "apiVersion: karpenter.sh/v1alpha5\nkind: Provisioner\nmetadata: {name: x}\n");
    check(
        &["--from", &file, "-f", &old],
        &format!("{old}: no kind \"Provisioner\" of \"karpenter.sh/v1alpha5\" in a cluster of version v1"),
        1,
    );
}

#[test]
fn an_exported_cluster_goes_on() {
    for era in [Era::V1alpha5, Era::V1] {
        let cluster = Cluster::new(era).apply(web(3)).pass(240);
        let file = cluster.dump(&format!("export-{}.json", era.as_str()));
        let run = |args: &[&str]| {
            let out = Command::new(env!("CARGO_BIN_EXE_nodewright")).args(args).output().unwrap();
            (String::from_utf8(out.stdout).unwrap(), String::from_utf8(out.stderr).unwrap(), out.status.code())
        };
        let (text, notes, exit) = run(&["export", "--from", &file, "--at", &cluster.at(), "--seed", "7"]);
        assert_eq!((notes.as_str(), exit), ("", Some(0)));
        let scenario = write(&format!("{}.yaml", era.as_str()), &text);
        let script = write(
            "script.sh",
            "kubectl scale deployment web --replicas 9\nsleep 180\nkubectl get pods -l app=web --no-headers | grep -c Running\n",
        );
        let (out, why, exit) = run(&["run", "--scenario", &scenario, &script]);
        assert_eq!(exit, Some(0), "{why}{out}");
        assert!(out.trim_end().ends_with('9'), "{out}");
        let (_, why, exit) = run(&["run", "--scenario", &scenario, "--seed", "3", &script]);
        assert_eq!(exit, Some(2), "{why}");
    }
}

/// The same cluster behind an API server, of which not all may be read.
#[cfg(feature = "kube")]
#[test]
fn a_live_cluster_is_read_as_far_as_one_may() {
    use api_server::{list, serve, status};
    let cluster = Cluster::new(Era::V1).apply(web(5)).pass(1);
    let items = cluster.items();
    let served = items.clone();
    let kubeconfig = serve("plan", move |path| {
        let resource = path.split('?').next().unwrap_or_default().rsplit('/').next().unwrap_or_default().to_owned();
        let known = Kind::ALL.iter().find(|k| k.info().plural == resource && k.served_in(Era::V1));
        match known {
            Some(Kind::PodDisruptionBudget) => status(403, "Forbidden"),
            Some(kind) => {
                let of: Vec<Value> = served.iter().filter(|d| d.str_at("kind") == Some(kind.name())).cloned().collect();
                list(&of, "")
            }
            None => status(404, "NotFound"),
        }
    });
    let (out, notes, exit) = plan(&["--kubeconfig", &kubeconfig, "--at", &cluster.at(), "--seed", "7"]);
    assert_eq!(exit, Some(10), "{notes}{out}");
    assert!(notes.contains("note: no permission to list poddisruptionbudgets.policy: Forbidden here"), "{notes}");
    assert!(out.contains(" provision a default node for 5 pods\n"), "{out}");
    let (_, why, exit) = plan(&["--kubeconfig", &kubeconfig, "--from", "x"]);
    assert_eq!(exit, Some(2), "{why}");
}
