//! The engine as the autoscaler of a real cluster, in a process of its own.

use super::{clear, inflate, namespace, until_running};
use crate::api::eventually;
use crate::control_plane::{Cluster, Part};
use anyhow::{Result, bail};
use engine::cluster::{FleetKind, Options, Settings};
use engine::session::{PatchStyle, Request, Validation};
use engine::{Era, Scenario, Session};
use nodewright_cli::act::{Choices, Form};
use nodewright_cli::plan::read::Source;
use objects::{DocExt, Kind, ObjectKey, Value, json};
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The first argument of a process that acts; then kubeconfig, context, name, file of records, and what differs from the
/// usual as `KEY=VALUE`.
const ACT: &str = "act";
const BOOT_MS: u64 = 1_000;

pub fn arguments() -> Option<Vec<String>> {
    let all: Vec<String> = std::env::args().skip(1).collect();
    (all.first().is_some_and(|first| first == ACT)).then(|| all[1..].to_vec())
}

fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

pub fn process(arguments: &[String]) -> Result<()> {
    let [kubeconfig, context, identity, audit, more @ ..] = arguments else {
        bail!("act KUBECONFIG CONTEXT IDENTITY RECORDS [KEY=VALUE]...")
    };
    let mut choices = choices(kubeconfig, context, identity, audit);
    for one in more {
        match one.split_once('=') {
            Some(("metrics", port)) => choices.metrics_port = port.parse()?,
            Some(("health", port)) => choices.health_port = port.parse()?,
            Some(("plan", path)) => choices.plan = Some(Source { name: path.to_owned(), text: std::fs::read_to_string(path)? }),
            Some(("boot", ms)) => choices.settings.boot_ms = Some(ms.parse()?),
            Some(("fleet", "nodeclaim")) => choices.settings.fleet = FleetKind::NodeClaim,
            _ => bail!("{one}"),
        }
    }
    match nodewright_cli::act::run(&choices, now_ms()) {
        Ok(_) => Ok(()),
        Err(failure) => {
            eprintln!("{}", failure.message);
            std::process::exit(failure.exit.into())
        }
    }
}

fn choices(kubeconfig: &str, context: &str, identity: &str, audit: &str) -> Choices {
    let settings = Settings {
        cluster: Options { context: Some(context.to_owned()), kubeconfig: Some(kubeconfig.to_owned()) },
        region: Some("ap-northeast-2".to_owned()),
        fleet: FleetKind::Kwok,
        types: None,
        boot_ms: Some(BOOT_MS),
        budget: 100,
        namespace: "kube-system".to_owned(),
        identity: identity.to_owned(),
        seed: now_ms().unsigned_abs(),
        plan: None,
        clock: now_ms,
    };
    Choices { settings, plan: None, form: Form::Text, yes: true, audit: Some(audit.to_owned()), metrics_port: 0, health_port: 0 }
}

/// What a user is told for whom it does not begin.
pub fn refused(kubeconfig: &str, user: &str, fleet: FleetKind) -> String {
    let mut choices = choices(kubeconfig, user, user, "/dev/null");
    choices.settings.fleet = fleet;
    let failure = nodewright_cli::act::run(&choices, now_ms()).unwrap_err();
    assert_eq!(failure.exit, 1, "{}", failure.message);
    failure.message
}

/// A process that acts, and what it writes down. It ends with its check, however that ends: it would keep its Lease.
pub struct Acting {
    child: Child,
    audit: String,
}

impl Acting {
    pub fn start(cluster: &Cluster, identity: &str) -> Acting {
        Acting::start_as(cluster, &cluster.kubeconfig, "admin", identity)
    }

    /// With something that differs from the usual.
    pub fn start_with(cluster: &Cluster, identity: &str, more: &[String]) -> Acting {
        Acting::begin(cluster, &cluster.kubeconfig, "admin", identity, more)
    }

    /// As the user of a kubeconfig, beside another Karpenter.
    pub fn start_beside(cluster: &Cluster, kubeconfig: &str, user: &str, identity: &str) -> Acting {
        Acting::begin(cluster, kubeconfig, user, identity, &["fleet=nodeclaim".to_owned()])
    }

    /// As the user of a kubeconfig.
    pub fn start_as(cluster: &Cluster, kubeconfig: &str, user: &str, identity: &str) -> Acting {
        Acting::begin(cluster, kubeconfig, user, identity, &[])
    }

    pub fn begin(cluster: &Cluster, kubeconfig: &str, user: &str, identity: &str, more: &[String]) -> Acting {
        let audit = format!("{}.{identity}.jsonl", cluster.kubeconfig);
        let me = std::env::current_exe().expect("this program");
        let mut command = Command::new(me);
        command.args([ACT, kubeconfig, user, identity, &audit]).args(more).stderr(Stdio::piped());
        Acting { child: command.spawn().expect("it starts"), audit }
    }

    pub fn records(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.audit).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    pub fn has(&self, text: &str) -> bool {
        std::fs::read_to_string(&self.audit).unwrap_or_default().contains(text)
    }

    pub fn until_leads(&self) {
        eventually("it leads", 60, || self.has("\"leads\"").then_some(()));
    }

    /// What it decided, in words that two runs share.
    pub fn decisions(&self) -> Vec<String> {
        self.records().iter().filter(|r| r.str_at("record") == Some("decision")).filter_map(|r| gist(r.at("decision"))).collect()
    }

    /// Asks it to stop; how it ended.
    pub fn stop(mut self) -> Option<i32> {
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        self.child.wait().expect("it ends").code()
    }

    /// Waits until it ends by itself with an error; what it says of it.
    pub fn fails(self) -> String {
        let (code, said) = self.ends();
        assert_eq!(code, Some(1), "{said}");
        said
    }

    /// Waits until it ends by itself: how, and what it says.
    pub fn ends(mut self) -> (Option<i32>, String) {
        let mut said = String::new();
        self.child.stderr.take().expect("its output").read_to_string(&mut said).expect("text");
        (self.child.wait().expect("it ends").code(), said)
    }

    /// Sends it a signal: `STOP`, `CONT`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(sent.is_ok_and(|s| s.success()), "{name}");
    }

    pub fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }
}

impl Drop for Acting {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn gist(decision: &Value) -> Option<String> {
    let text = |field: &str| decision.str_at(field).unwrap_or_default();
    let names = |field: &str| decision.list_at(field).iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ");
    match text("what") {
        "launch" => Some(format!("launch for {} pods, cheapest {}", decision.list_at("pods").len(), decision.at("cheapest"))),
        "fleet" => Some(format!("fleet {} {}", text("instanceType"), text("capacityType"))),
        "disrupt" => Some(format!(
            "{} {} {} [{}]",
            text("method"),
            text("action"),
            decision.list_at("nodes").len(),
            names("replacementTypes")
        )),
        _ => None,
    }
}

pub fn pool() -> Value {
    json!({
        "apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": {"name": "default"},
        "spec": {
            "disruption": {"consolidationPolicy": "WhenEmptyOrUnderutilized", "consolidateAfter": "0s", "budgets": [{"nodes": "100%"}]},
            "template": {"spec": {
                "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "default"},
                "requirements": [
                    {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["on-demand"]},
                    {"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["c5.large", "m5.large", "m5.xlarge"]}]}}}
    })
}

/// Types of the nodes of the pool, sorted.
fn types(cluster: &Cluster) -> Vec<String> {
    let label = |n: &Value, key: &str| n.at("metadata.labels").field(key).as_str().map(str::to_owned);
    let owned = |n: &Value| label(n, "karpenter.sh/nodepool").is_some();
    let mut types: Vec<String> = cluster
        .list(Kind::Node)
        .iter()
        .filter(|n| owned(n))
        .filter_map(|n| label(n, "node.kubernetes.io/instance-type"))
        .collect();
    types.sort();
    types
}

pub fn until_types(cluster: &Cluster, want: &[&str]) {
    eventually(&format!("the nodes are {want:?}"), 150, || {
        (types(cluster) == want && cluster.list(Kind::NodeClaim).len() == want.len()).then_some(())
    });
}

pub fn scale(cluster: &Cluster, name: &str, replicas: i64) {
    cluster.patch(Kind::Deployment, name, name, &json!({"spec": {"replicas": replicas}})).unwrap();
}

/// What one simulation decides in the lab.
fn simulated(seed: u64) -> Vec<String> {
    let mut session = Session::new(Scenario::lab(Era::V1, seed)).unwrap();
    let (dry_run, validation) = (false, Validation::Strict);
    let patch = json!({"spec": pool().at("spec")});
    let key = ObjectKey::cluster(Kind::NodePool, "default");
    session.request("", Request::Patch { key, patch, style: PatchStyle::Merge, dry_run }).unwrap();
    let mut doc = inflate("lab", 0);
    doc.set("metadata.namespace", "default");
    session.request("", Request::Apply { doc, dry_run, validation }).unwrap();
    for (replicas, seconds) in [(5, 120), (0, 200), (12, 120), (7, 240), (0, 200)] {
        let key = ObjectKey::new(Kind::Deployment, "default", "lab");
        session.request("", Request::Scale { key, replicas, dry_run }).unwrap();
        session.advance_to(session.now() + seconds * 1000);
    }
    let decisions = session.world().decisions.share();
    decisions.iter().filter_map(|d| gist(&engine::cluster::decision(d))).collect()
}

/// Scales for a process that acts. To none while it stands still, so that it sees all nodes empty at once, as in the simulation: how
/// long pods take to stop here depends on what else this machine does.
pub fn scale_for(acting: &Acting, cluster: &Cluster, name: &str, replicas: i64) {
    if replicas > 0 {
        return scale(cluster, name, replicas);
    }
    acting.signal("STOP");
    scale(cluster, name, 0);
    let is_of = |p: &Value| p.str_at("metadata.namespace") == Some(name);
    eventually(&format!("no pod of {name} is there"), 60, || (!cluster.list(Kind::Pod).iter().any(is_of)).then_some(()));
    acting.signal("CONT");
}

/// 0 -> 5 -> 0, 0 -> 12 -> 7 -> 0.
pub fn lab(cluster: &mut Cluster) {
    cluster.install_karpenter_crds().unwrap();
    cluster.apply(&namespace("lab"));
    cluster.apply(&pool());
    cluster.create(&inflate("lab", 0)).unwrap();
    let acting = Acting::start(cluster, "lab");
    acting.until_leads();
    let xlarge = "m5.xlarge";
    for (replicas, nodes) in [
        (5, &[xlarge, xlarge][..]),
        (0, &[]),
        (12, &[xlarge, xlarge, xlarge, xlarge]),
        (7, &["c5.large", xlarge, xlarge]),
        (0, &[]),
    ] {
        scale_for(&acting, cluster, "lab", replicas);
        until_running(cluster, "lab", usize::try_from(replicas).unwrap());
        until_types(cluster, nodes);
    }
    let decisions = acting.decisions();
    assert_eq!(acting.stop(), Some(0));
    // Which pods go at 12 -> 7 is drawn, and what is consolidated follows from it.
    assert!((1..=40).any(|seed| simulated(seed) == decisions), "no simulation decides so: {decisions:#?}");
    clear(cluster, "lab", &[]);
}

/// The process is killed, and the server is away, while nodes come and go.
pub fn faults(cluster: &mut Cluster) {
    cluster.install_karpenter_crds().unwrap();
    cluster.apply(&namespace("faults"));
    cluster.apply(&pool());
    cluster.create(&inflate("faults", 5)).unwrap();
    let first = Acting::start(cluster, "first");
    // Its claims are there, and no machine has joined.
    eventually("it has made claims", 90, || (cluster.list(Kind::NodeClaim).len() == 2).then_some(()));
    first.kill();
    let second = Acting::start(cluster, "second");
    until_running(cluster, "faults", 5);
    until_types(cluster, &["m5.xlarge", "m5.xlarge"]);

    cluster.kill(Part::ApiServer);
    std::thread::sleep(Duration::from_secs(3));
    cluster.run(Part::ApiServer).unwrap();
    // It has gone on, or has stopped because it could not renew its Lease.
    let third = Acting::start(cluster, "third");
    scale(cluster, "faults", 0);
    eventually("a node is about to go", 90, || {
        let tainted = |n: &Value| n.list_at("spec.taints").iter().any(|t| t.str_at("key") == Some("karpenter.sh/disrupted"));
        cluster.list(Kind::Node).iter().any(tainted).then_some(())
    });
    second.kill();
    until_types(cluster, &[]);
    assert_eq!(third.stop(), Some(0));
    clear(cluster, "faults", &[]);
}

/// Two processes: one waits until the other has gone. Beside another autoscaler there is none.
pub fn leaders(cluster: &mut Cluster) {
    cluster.install_karpenter_crds().unwrap();
    cluster.apply(&pool());
    let one = Acting::start(cluster, "one");
    one.until_leads();
    let two = Acting::start(cluster, "two");
    eventually("the other waits", 30, || two.has("waits for the Lease, which one holds").then_some(()));
    assert_eq!(one.stop(), Some(0));
    two.until_leads();
    assert_eq!(two.stop(), Some(0));

    cluster.apply(&namespace("karpenter"));
    let mut karpenter = inflate("karpenter", 1);
    karpenter.set("metadata.labels", json!({"app.kubernetes.io/name": "karpenter"}));
    cluster.create(&karpenter).unwrap();
    let mut refused = Acting::start(cluster, "refused");
    assert_eq!(refused.child.wait().unwrap().code(), Some(1));
    clear(cluster, "karpenter", &[]);
    cluster.delete(Kind::NodePool, "", "default").unwrap();
}

/// What would be done now, saved in a file.
fn saved(cluster: &Cluster, name: &str) -> String {
    let mut choices = choices(&cluster.kubeconfig, "admin", name, "/dev/null");
    (choices.yes, choices.form) = (false, Form::Json);
    let (text, exit) = nodewright_cli::act::run(&choices, now_ms()).unwrap();
    assert_eq!(exit, 10, "there is something to do: {text}");
    let path = format!("{}.{name}.json", cluster.kubeconfig);
    std::fs::write(&path, text).unwrap();
    path
}

/// A saved plan is carried out, and nothing else; one that does not fit any more writes nothing.
pub fn planned(cluster: &mut Cluster) {
    cluster.install_karpenter_crds().unwrap();
    cluster.apply(&namespace("planned"));
    cluster.apply(&pool());
    cluster.create(&inflate("planned", 5)).unwrap();
    let until_waiting = |cluster: &Cluster, pods: usize| {
        let refused = |p: &&Value| p.list_at("status.conditions").iter().any(|c| c.str_at("reason") == Some("Unschedulable"));
        eventually("the pods wait", 60, || {
            let pods_there = cluster.list(Kind::Pod);
            let waiting = pods_there.iter().filter(|p| p.str_at("metadata.namespace") == Some("planned")).filter(refused);
            (waiting.count() == pods).then_some(())
        });
    };
    until_waiting(cluster, 5);
    let plan = saved(cluster, "up");
    let acting = Acting::start_with(cluster, "up", &[format!("plan={plan}")]);
    assert_eq!(acting.ends(), (Some(0), String::new()));
    until_running(cluster, "planned", 5);
    until_types(cluster, &["m5.xlarge", "m5.xlarge"]);

    // Made for nodes without pods, and three wait when it is to be carried out.
    scale(cluster, "planned", 0);
    eventually("the pods are gone", 60, || {
        let of = |p: &Value| p.str_at("metadata.namespace") == Some("planned");
        (!cluster.list(Kind::Pod).iter().any(of)).then_some(())
    });
    let plan = saved(cluster, "down");
    scale(cluster, "planned", 9);
    until_waiting(cluster, 3);
    let acting = Acting::start_with(cluster, "stale", &[format!("plan={plan}")]);
    let (code, said) = acting.ends();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("the plan has no claim of the pool default for 3 pods. 0 of "), "{said}");
    until_types(cluster, &["m5.xlarge", "m5.xlarge"]);

    scale(cluster, "planned", 0);
    let acting = Acting::start_with(cluster, "down", &[format!("plan={plan}")]);
    assert_eq!(acting.ends(), (Some(0), String::new()));
    until_types(cluster, &[]);
    clear(cluster, "planned", &[]);
    cluster.delete(Kind::NodePool, "", "default").unwrap();
}
