//! Beside the real Karpenter: the same cluster is given to `nodewright plan` and to Karpenter, and both must come to the same
//! commands. The states are files in `tests/cluster/beside`; `docs/plan.md` tells what they say and what differs.
//!
//! Karpenter makes each state, with every disruption held back by a budget of 0, and is stopped. What the state is about then
//! happens, the plan is made, and Karpenter is started again.

use super::namespace;
use crate::api::eventually;
use crate::control_plane::{Cluster, Part};
use engine::cluster::{Ahead, Choices, Done, Launch, Options, Plan, Reason, adopt, read, run};
use objects::{DocExt, Kind, Value, json, yaml};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

/// What a pool is where its state says nothing else: twelve types, so that a choice is left and nothing is too large.
const REQUIREMENTS: [(&str, &[&str]); 4] = [
    ("kubernetes.io/os", &["linux"]),
    ("kubernetes.io/arch", &["amd64"]),
    ("karpenter.sh/capacity-type", &["on-demand"]),
    ("karpenter.kwok.sh/instance-cpu", &["2", "4", "8"]),
];
/// A poll of the disruption loop, the wait before a command, and some time to carry it out.
const QUIET: Duration = Duration::from_secs(32);
const PATIENCE: Duration = Duration::from_secs(100);

/// One state. Its name is also that of its pool and its namespace.
struct State {
    name: String,
    group: String,
    doc: Value,
}

pub fn karpenter(cluster: &mut Cluster) {
    cluster.install_karpenter_crds().unwrap();
    cluster.apply(&json!({"apiVersion": "karpenter.kwok.sh/v1alpha1", "kind": "KWOKNodeClass", "metadata": {"name": "default"}}));
    let mut groups: BTreeMap<String, Vec<State>> = BTreeMap::new();
    for state in states() {
        groups.entry(state.group.clone()).or_default().push(state);
    }
    let mut wrong = Vec::new();
    for states in groups.values() {
        let start = Instant::now();
        wrong.extend(together(cluster, states));
        let names: Vec<&str> = states.iter().map(|s| s.name.as_str()).collect();
        println!("  {} ({} s)", names.join(", "), start.elapsed().as_secs());
    }
    cluster.stop(Part::Karpenter);
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn states() -> Vec<State> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cluster/beside");
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    let one = |file: std::path::PathBuf| {
        let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
        let stream = yaml::parse(&std::fs::read_to_string(&file).unwrap());
        assert!(stream.error.is_none(), "{name}: {:?}", stream.error);
        let doc = stream.documents[0].value.clone();
        let group = doc.str_at("group").map_or_else(|| format!("alone: {name}"), str::to_owned);
        State { name, group, doc }
    };
    files.into_iter().map(one).collect()
}

/// What each of the states says, planned and done, and where they differ.
fn together(cluster: &mut Cluster, states: &[State]) -> Vec<String> {
    start_karpenter(cluster);
    for state in states {
        cluster.apply(&namespace(&state.name));
        cluster.create(&state.pool(Some(json!([{"nodes": "0"}])))).unwrap();
    }
    let steps = states.iter().map(|s| s.doc.list_at("given").len()).max().unwrap_or(0);
    for step in 0..steps {
        for (state, given) in states.iter().filter_map(|s| Some((s, s.doc.list_at("given").get(step)?))) {
            given.as_array().unwrap().iter().for_each(|one| state.change(cluster, one));
        }
        until_settled(cluster, states, true);
    }
    until_known(cluster);
    if states.iter().any(|s| s.doc.at("given").to_string().contains("\"pool\"")) {
        // A changed template is found out by two controllers, one after the other.
        std::thread::sleep(Duration::from_secs(3));
    }
    cluster.stop(Part::Karpenter);
    for state in states {
        cluster
            .patch(Kind::NodePool, "", &state.name, &json!({"spec": {"disruption": state.pool(None).at("spec.disruption")}}))
            .unwrap();
        state.doc.list_at("then").iter().for_each(|one| state.change(cluster, one));
    }
    until_settled(cluster, states, false);

    let before: Vec<String> = cluster.list(Kind::NodeClaim).iter().map(name_of).collect();
    let pools: BTreeMap<String, String> = cluster.list(Kind::Node).iter().map(|n| (name_of(n), pool_of(n))).collect();
    let plan = planned(cluster);
    let wanted: BTreeMap<&str, Vec<String>> = states.iter().map(|s| (s.name.as_str(), of_plan(&plan, &s.name))).collect();
    let from = cluster.log_of(Part::Karpenter).len();
    start_karpenter(cluster);
    let done = act(cluster, states, &before, &pools, from, &wanted);

    let mut wrong = Vec::new();
    for state in states {
        let expect: Vec<&str> = state.doc.list_at("expect").iter().filter_map(Value::as_str).collect();
        let (ours, theirs) = (comparable(&wanted[state.name.as_str()]), comparable(&done[&state.name]));
        let kinds: Vec<String> = theirs.iter().map(|c| c.split(':').next().unwrap().to_owned()).collect();
        if kinds != expect {
            wrong.push(format!("{}: Karpenter did {theirs:?}, and not {expect:?}", state.name));
        }
        if ours != theirs {
            wrong.push(format!("{}: planned {ours:?}, Karpenter did {theirs:?}", state.name));
        }
        wrong.extend(blocked(cluster, state, &plan, &pools));
    }
    clear(cluster, states);
    wrong
}

fn start_karpenter(cluster: &mut Cluster) {
    if !cluster.is_running(Part::Karpenter) {
        cluster.run_karpenter(None).unwrap();
    }
}

fn name_of(doc: &Value) -> String {
    doc.str_at("metadata.name").unwrap_or_default().to_owned()
}

fn pool_of(doc: &Value) -> String {
    doc.at("metadata.labels").field("karpenter.sh/nodepool").as_str().unwrap_or_default().to_owned()
}

fn reason_of(doc: &Value) -> &str {
    doc.str_at("reason").unwrap_or_default()
}

/// Writes `patch` over `doc`, field by field; nothing where there is none.
fn merge(doc: &mut Value, patch: &Value) {
    if patch.is_null() {
        return;
    }
    let Value::Object(fields) = patch else {
        *doc = patch.clone();
        return;
    };
    if !doc.is_object() {
        *doc = json!({});
    }
    for (key, value) in fields {
        merge(&mut doc[key], value);
    }
}

impl State {
    /// Its pool, with these budgets or its own. Only its own pods go there.
    fn pool(&self, budgets: Option<Value>) -> Value {
        let mut requirements: BTreeMap<String, Value> =
            REQUIREMENTS.iter().map(|(key, values)| ((*key).to_owned(), json!(values))).collect();
        for (key, values) in self.doc.at("requirements").as_object().into_iter().flatten() {
            requirements.insert(key.clone(), values.clone());
        }
        let requirements: Vec<Value> =
            requirements.iter().map(|(key, values)| json!({"key": key, "operator": "In", "values": values})).collect();
        let mut pool = json!({
            "apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": {"name": self.name},
            "spec": {
                "disruption": {
                    "consolidationPolicy": "WhenEmptyOrUnderutilized", "consolidateAfter": "0s", "budgets": [{"nodes": "100%"}]},
                "template": {"spec": {
                    "nodeClassRef": {"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": "default"},
                    "taints": [{"key": "state", "value": self.name, "effect": "NoSchedule"}],
                    "expireAfter": "Never", "requirements": requirements}}}
        });
        merge(&mut pool, self.doc.at("pool"));
        if let Some(budgets) = budgets {
            pool.set("spec.disruption.budgets", budgets);
        }
        pool
    }

    /// Something that happens: to a deployment, to the pool, to the nodes, or a document of the state's namespace.
    fn change(&self, cluster: &Cluster, what: &Value) {
        if let Some(name) = what.str_at("deployment") {
            let replicas = what.int_at("replicas");
            if cluster.get(Kind::Deployment, &self.name, name).is_some() {
                cluster.patch(Kind::Deployment, &self.name, name, &json!({"spec": {"replicas": replicas}})).unwrap();
            } else {
                cluster.create(&self.deployment(name, what)).unwrap();
            }
        } else if !what.at("pool").is_null() {
            cluster.patch(Kind::NodePool, "", &self.name, what.at("pool")).unwrap();
        } else if !what.at("nodes").is_null() {
            for node in cluster.list(Kind::Node).iter().filter(|n| pool_of(n) == self.name) {
                cluster.patch(Kind::Node, "", &name_of(node), what.at("nodes")).unwrap();
            }
        } else {
            let mut doc = what.clone();
            doc.set("metadata.namespace", self.name.as_str());
            cluster.create(&doc).unwrap();
        }
    }

    fn deployment(&self, name: &str, what: &Value) -> Value {
        let mut requests = json!({"cpu": what.at("cpu")});
        if let Some(memory) = what.str_at("memory") {
            requests.set("memory", memory);
        }
        let mut spec = json!({
            "terminationGracePeriodSeconds": 0, "nodeSelector": {"karpenter.sh/nodepool": self.name},
            "tolerations": [{"key": "state", "operator": "Equal", "value": self.name}],
            "containers": [{"name": "c", "image": "pause", "resources": {"requests": requests}}],
        });
        merge(&mut spec, what.at("spec"));
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": self.name},
            "spec": {"replicas": what.at("replicas"), "selector": {"matchLabels": {"app": name}}, "template": {
                "metadata": {"labels": {"app": name}, "annotations": what.at("annotations")}, "spec": spec}}
        })
    }
}

/// Waits until the pods are as many as asked for and each of them runs, or, unless `all` have to, was refused by the
/// scheduler, and until the budgets have counted theirs.
fn until_settled(cluster: &Cluster, states: &[State], all: bool) {
    let of = |doc: &Value| states.iter().any(|s| doc.str_at("metadata.namespace") == Some(s.name.as_str()));
    eventually("the pods are as asked for", 90, || {
        let pods: Vec<Value> = cluster.list(Kind::Pod).into_iter().filter(of).collect();
        let refused = |p: &Value| p.list_at("status.conditions").iter().any(|c| reason_of(c) == "Unschedulable");
        let settled = |p: &Value| {
            p.str_at("metadata.deletionTimestamp").is_none()
                && (p.str_at("status.phase") == Some("Running") || !all && refused(p))
        };
        let asked: i64 = cluster.list(Kind::Deployment).iter().filter(|d| of(d)).filter_map(|d| d.int_at("spec.replicas")).sum();
        let counted = |b: &Value| b.at("status.observedGeneration") == b.at("metadata.generation");
        let budgets = cluster.list(Kind::PodDisruptionBudget).iter().filter(|b| of(b)).all(counted);
        (budgets && pods.iter().all(settled) && i64::try_from(pods.len()) == Ok(asked)).then_some(())
    });
}

/// Waits until Karpenter has initialized every claim, and until its conditions say so.
fn until_known(cluster: &Cluster) {
    let is = |c: &Value, kind: &str| {
        c.list_at("status.conditions").iter().any(|c| c.str_at("type") == Some(kind) && c.str_at("status") == Some("True"))
    };
    eventually("every claim is initialized", 60, || {
        cluster.list(Kind::NodeClaim).iter().all(|c| is(c, "Initialized") && is(c, "Ready")).then_some(())
    });
}

fn planned(cluster: &Cluster) -> Plan {
    let options = Options { kubeconfig: Some(cluster.kubeconfig.clone()), ..Options::default() };
    let dump = read(&options).unwrap();
    let choices = Choices { at_ms: jiff::Timestamp::now().as_millisecond(), ..Choices::default() };
    run(&mut adopt(dump, &choices).world, Ahead { horizon_ms: 600_000, ..Ahead::default() })
}

/// The commands for a pool, one a line: what is done, and what with.
fn of_plan(plan: &Plan, pool: &str) -> Vec<String> {
    let mut commands = Vec::new();
    for action in &plan.actions {
        let nodes: Vec<&str> = action.nodes.iter().filter(|m| m.pool == pool).map(|m| m.node.as_str()).collect();
        let launches: Vec<&Launch> = action.launches.iter().filter(|l| l.pool == pool).collect();
        if nodes.is_empty() && launches.is_empty() || matches!(action.done, Done::Abandoned(_)) {
            continue;
        }
        let made: Vec<String> = launches.iter().map(|l| launched(l)).collect();
        match action.reason {
            Reason::Provisioning => commands.extend(made.into_iter().map(|m| format!("provision: {m}"))),
            Reason::Removal(why) => commands.push(format!("remove {why}: {}", nodes.join(" "))),
            Reason::Disruption(method) => {
                let reason = match method {
                    "emptiness" => "Empty",
                    "drift" => "Drifted",
                    _ => "Underutilized",
                };
                commands.push(disrupted(reason, nodes.into_iter().map(str::to_owned).collect(), &made));
            }
        }
    }
    commands
}

fn launched(l: &Launch) -> String {
    let given = l.given.as_ref().map(|m| format!("{} {}", m.instance_type, m.capacity_type)).unwrap_or_default();
    let left = l.funnel.last().map_or(0, |(_, n)| *n);
    format!("{given} of {left} types")
}

/// What is the same of two runs. Karpenter makes the claims of a round side by side, and which of two equal nodes goes first is
/// drawn. Consolidation also leaves types out that cost as much as what they replace, which a plan's stages do not count.
fn comparable(commands: &[String]) -> Vec<String> {
    let one = |c: &String| match c.split_once(" of ").filter(|_| c.starts_with("replace Underutilized")) {
        Some((without_types, _)) => without_types.to_owned(),
        None => c.clone(),
    };
    let mut all: Vec<String> = commands.iter().map(one).collect();
    all.sort();
    all
}

fn disrupted(reason: &str, mut nodes: Vec<String>, made: &[String]) -> String {
    nodes.sort();
    match made {
        [] => format!("delete {reason} {}: {}", nodes.len(), nodes.join(" ")),
        made => format!("replace {reason} {} {}: {} -> {}", nodes.len(), made.len(), nodes.join(" "), made.join(", ")),
    }
}

/// What Karpenter did, by pool: its log tells the commands and their order, the claims what was made.
fn act(
    cluster: &Cluster,
    states: &[State],
    before: &[String],
    pools: &BTreeMap<String, String>,
    from: usize,
    wanted: &BTreeMap<&str, Vec<String>>,
) -> BTreeMap<String, Vec<String>> {
    let start = Instant::now();
    // Where something might still be disrupted that is not to be, Karpenter gets the time to do it.
    let waits = states.iter().any(|s| wanted[s.name.as_str()].is_empty() && !s.doc.list_at("given").is_empty());
    let least = if waits { QUIET } else { Duration::from_secs(8) };
    let (mut claims, mut last, mut since) = (BTreeMap::new(), BTreeMap::new(), start);
    loop {
        for claim in cluster.list(Kind::NodeClaim).into_iter().filter(|c| !before.contains(&name_of(c))) {
            claims.insert(name_of(&claim), claim);
        }
        let now = commands(&cluster.log_of(Part::Karpenter)[from..], states, &claims, pools);
        if now != last {
            (last, since) = (now, Instant::now());
        }
        let enough = wanted.iter().all(|(pool, commands)| last[*pool].len() >= commands.len());
        let quiet = since.elapsed() > Duration::from_secs(4) && start.elapsed() > least;
        if enough && quiet || start.elapsed() > PATIENCE {
            return last;
        }
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// A command that replacements are awaited for: the pool, how many, the reason, the nodes and what was made so far.
type Open = (String, usize, String, Vec<String>, Vec<String>);

fn commands(
    log: &str,
    states: &[State],
    claims: &BTreeMap<String, Value>,
    pools: &BTreeMap<String, String>,
) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, Vec<String>> = states.iter().map(|s| (s.name.clone(), Vec::new())).collect();
    let mut open: Vec<Open> = Vec::new();
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    for line in lines {
        match line.str_at("message") {
            Some("disrupting node(s)") => {
                let reason = line.str_at("command").and_then(|c| c.split('/').next()).unwrap_or_default().to_owned();
                let names = line.list_at("disrupted-nodes").iter().filter_map(|n| n.str_at("Node.name").map(str::to_owned));
                let mut by_pool: BTreeMap<String, Vec<String>> = BTreeMap::new();
                for name in names {
                    by_pool.entry(pools.get(&name).cloned().unwrap_or_default()).or_default().push(name);
                }
                let made = line.list_at("replacement-nodes").len();
                for (pool, names) in by_pool {
                    match made {
                        0 => all.entry(pool).or_default().push(disrupted(&reason, names, &[])),
                        made => open.push((pool, made, reason.clone(), names, Vec::new())),
                    }
                }
            }
            Some("created nodeclaim") => {
                let Some(claim) = line.str_at("NodeClaim.name").and_then(|name| claims.get(name)) else { continue };
                let (pool, made) = (pool_of(claim), made(claim));
                let Some(at) = open.iter().position(|(p, ..)| *p == pool) else {
                    all.entry(pool).or_default().push(format!("provision: {made}"));
                    continue;
                };
                open[at].4.push(made);
                if open[at].4.len() == open[at].1 {
                    let (pool, _, reason, names, made) = open.remove(at);
                    all.entry(pool).or_default().push(disrupted(&reason, names, &made));
                }
            }
            _ => {}
        }
    }
    all
}

/// A claim as [`launched`] has it.
fn made(claim: &Value) -> String {
    let label = |key: &str| claim.at("metadata.labels").field(key).as_str().unwrap_or_default().to_owned();
    let types = claim.list_at("spec.requirements").iter().find(|r| r.str_at("key") == Some("node.kubernetes.io/instance-type"));
    let types = types.map_or(0, |r| r.list_at("values").len());
    format!("{} {} of {types} types", label("node.kubernetes.io/instance-type"), label("karpenter.sh/capacity-type"))
}

/// Whether both say what keeps the state's nodes, where it tells that they are kept.
fn blocked(cluster: &Cluster, state: &State, plan: &Plan, pools: &BTreeMap<String, String>) -> Vec<String> {
    let mut wrong = Vec::new();
    if let Some(want) = state.doc.str_at("blocked.karpenter") {
        let about = |e: &Value| {
            let name = e.str_at("involvedObject.name").unwrap_or_default();
            name == state.name || pools.get(name) == Some(&state.name)
        };
        let said: Vec<String> = cluster
            .list(Kind::Event)
            .iter()
            .filter(|e| about(e))
            .filter_map(|e| e.str_at("message").map(str::to_owned))
            .collect();
        if !said.iter().any(|m| m.contains(want)) {
            wrong.push(format!("{}: Karpenter did not say {want:?} but {said:?}", state.name));
        }
    }
    if let Some(want) = state.doc.str_at("blocked.plan") {
        let stays = plan.stays.iter().filter(|s| s.machine.pool == state.name);
        let said: Vec<String> =
            stays.flat_map(|s| s.why.iter().cloned().chain(s.blockers.iter().map(nodewright_cli::plan::blocker))).collect();
        if !said.iter().any(|m| m.contains(want)) {
            wrong.push(format!("{}: the plan does not say {want:?} but {said:?}", state.name));
        }
    }
    wrong
}

/// Takes the pools and all that is on their nodes away, while Karpenter works.
fn clear(cluster: &Cluster, states: &[State]) {
    for state in states {
        for kind in [Kind::PodDisruptionBudget, Kind::Deployment] {
            for doc in cluster.list(kind).iter().filter(|d| d.str_at("metadata.namespace") == Some(state.name.as_str())) {
                cluster.delete(kind, &state.name, &name_of(doc)).unwrap();
            }
        }
        cluster.delete(Kind::NodePool, "", &state.name).unwrap();
    }
    eventually("the pools' nodes are gone", 90, || {
        let gone = |kind| cluster.list(kind).iter().all(|d| !states.iter().any(|s| pool_of(d) == s.name));
        (gone(Kind::NodeClaim) && gone(Kind::Node)).then_some(())
    });
}
