//! The engine as the autoscaler of a real server with the API of Karpenter 0.29 to 0.31. Its definitions are minimal ones: names,
//! scopes and a status of its own, any fields.

use super::act::{Acting, gist, scale, scale_for};
use super::rights::definition;
use super::{clear, inflate, namespace, until_running};
use crate::api::eventually;
use crate::control_plane::Cluster;
use engine::session::{PatchStyle, Request, Validation};
use engine::{Era, Scenario, Session};
use objects::{DocExt, Kind, ObjectKey, Value, json};

const NAME: &str = "alpha";
const POOL_LABEL: &str = "karpenter.sh/provisioner-name";
const KINDS: [Kind; 3] = [Kind::Provisioner, Kind::Machine, Kind::AWSNodeTemplate];
const XLARGE: &str = "m5.xlarge";

/// Where its nodes go when they are empty, and then by consolidation: how many pods, for how long a simulation of it runs, and
/// which nodes there are in the end.
const EMPTY: [(i64, u64, &[&str]); 2] = [(5, 120, &[XLARGE; 2]), (0, 200, &[])];
const CONSOLIDATED: [(i64, u64, &[&str]); 2] = [(12, 120, &[XLARGE; 4]), (7, 240, &["c5.large", XLARGE, XLARGE])];

fn provisioner() -> Value {
    let one_of = |key: &str, values: &[&str]| json!({"key": key, "operator": "In", "values": values});
    json!({
        "apiVersion": "karpenter.sh/v1alpha5", "kind": "Provisioner", "metadata": {"name": "default"},
        "spec": {
            "providerRef": {"name": "default"}, "ttlSecondsAfterEmpty": 10,
            "requirements": [
                one_of("kubernetes.io/os", &["linux"]), one_of("kubernetes.io/arch", &["amd64"]),
                one_of("karpenter.sh/capacity-type", &["on-demand"]),
                one_of("node.kubernetes.io/instance-type", &["c5.large", "m5.large", XLARGE])]}
    })
}

/// What makes the provisioner consolidate instead.
fn consolidating() -> Value {
    json!({"spec": {"ttlSecondsAfterEmpty": null, "consolidation": {"enabled": true}}})
}

/// What one simulation decides.
fn simulated(seed: u64) -> Vec<String> {
    let mut session = Session::new(Scenario::lab(Era::V1alpha5, seed)).unwrap();
    let (dry_run, validation) = (false, Validation::Strict);
    let patch = |session: &mut Session, patch: Value| {
        let key = ObjectKey::cluster(Kind::Provisioner, "default");
        session.request("", Request::Patch { key, patch, style: PatchStyle::Merge, dry_run }).unwrap();
    };
    patch(&mut session, json!({"spec": provisioner().at("spec")}));
    let mut doc = inflate(NAME, 0);
    doc.set("metadata.namespace", "default");
    session.request("", Request::Apply { doc, dry_run, validation }).unwrap();
    for (i, (replicas, seconds, _)) in EMPTY.iter().chain(&CONSOLIDATED).enumerate() {
        if i == EMPTY.len() {
            patch(&mut session, consolidating());
        }
        let key = ObjectKey::new(Kind::Deployment, "default", NAME);
        session.request("", Request::Scale { key, replicas: *replicas, dry_run }).unwrap();
        session.advance_to(session.now() + seconds * 1000);
    }
    let decisions = session.world().decisions.share();
    decisions.iter().filter_map(|d| gist(&engine::cluster::decision(d))).collect()
}

fn until_types(cluster: &Cluster, want: &[&str]) {
    let label = |n: &Value, key: &str| n.at("metadata.labels").field(key).as_str().map(str::to_owned);
    eventually(&format!("the nodes are {want:?}"), 150, || {
        let nodes = cluster.list(Kind::Node);
        let owned = nodes.iter().filter(|n| label(n, POOL_LABEL).is_some());
        let mut types: Vec<String> = owned.filter_map(|n| label(n, "node.kubernetes.io/instance-type")).collect();
        types.sort();
        (types == want && cluster.list(Kind::Machine).len() == want.len()).then_some(())
    });
}

/// 0 -> 5 -> 0 with `ttlSecondsAfterEmpty`, 0 -> 12 -> 7 with consolidation.
pub fn lab(cluster: &mut Cluster) {
    // A server that has both eras' kinds is one of the newer.
    for name in ["nodepools.karpenter.sh", "nodeclaims.karpenter.sh"] {
        if cluster.defines(name) {
            cluster.undefine(name);
        }
    }
    for kind in KINDS {
        let info = kind.info();
        cluster.define(&definition(info.group, info.version, info.kind, info.plural));
    }
    cluster.apply(&namespace(NAME));
    let class = json!({"apiVersion": "karpenter.k8s.aws/v1alpha1", "kind": "AWSNodeTemplate", "metadata": {"name": "default"},
        "spec": {"subnetSelector": {"karpenter.sh/discovery": "a"}, "securityGroupSelector": {"karpenter.sh/discovery": "a"}}});
    cluster.apply(&class);
    cluster.create(&provisioner()).unwrap();
    cluster.create(&inflate(NAME, 0)).unwrap();
    let acting = Acting::start(cluster, NAME);
    acting.until_leads();
    for (i, (replicas, _, nodes)) in EMPTY.iter().chain(&CONSOLIDATED).enumerate() {
        if i == EMPTY.len() {
            cluster.patch(Kind::Provisioner, "", "default", &consolidating()).unwrap();
        }
        scale_for(&acting, cluster, NAME, *replicas);
        until_running(cluster, NAME, usize::try_from(*replicas).unwrap());
        until_types(cluster, nodes);
    }
    let decisions = acting.decisions();
    scale(cluster, NAME, 0);
    for machine in cluster.list(Kind::Machine) {
        cluster.delete(Kind::Machine, "", machine.str_at("metadata.name").unwrap()).unwrap();
    }
    until_types(cluster, &[]);
    assert_eq!(acting.stop(), Some(0));
    // Which pods go at 12 -> 7 is drawn, and what is consolidated follows from it.
    let same = (1..=40).find(|seed| simulated(*seed) == decisions);
    assert!(same.is_some(), "no simulation decides so: {decisions:#?}, but {:#?}", simulated(1));
    clear(cluster, NAME, &[]);
    for kind in KINDS {
        cluster.undefine(&format!("{}.{}", kind.info().plural, kind.info().group));
    }
}
