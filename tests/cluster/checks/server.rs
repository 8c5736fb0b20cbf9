use super::{inflate, namespace, node, until_running, until_usable};
use crate::api::{Refused, eventually};
use crate::control_plane::Cluster;
use engine::session::Request;
use engine::{Scenario, Session};
use objects::{DocExt, Kind, ObjectKey, Validation, Value, json, yaml};

/// Documents that users send, right and wrong, one after the other.
const SENT: &str = include_str!("sent.yaml");
/// What stands in front of five drawn letters.
const DRAWN: &str = "kube-api-access-";

/// Each document is sent to both servers: they store the same, defaults and all, or refuse with the same words.
pub fn answers(cluster: &mut Cluster) {
    cluster.install_karpenter_crds().unwrap();
    let stream = yaml::parse(SENT);
    assert_eq!(stream.error, None);
    let mut session = Session::new(Scenario::kwok(&[], None, 1, 1_790_000_000_000, 60_000)).unwrap();
    let (mut accepted, mut refused, mut differences) = (0, 0, Vec::new());
    for document in stream.documents {
        let doc = document.value;
        let real = cluster.try_create(&doc);
        let request = Request::Create { doc: doc.clone(), dry_run: true, validation: Validation::Strict };
        let ours = session.request("create", request);
        let name = doc.str_at("metadata.name").unwrap_or_default();
        match (&real, &ours) {
            (Ok(real), Ok(ours)) => {
                accepted += 1;
                let ours = &ours.object.as_ref().expect("what was made").doc;
                for part in ["spec", "status", "metadata.labels", "metadata.annotations"] {
                    let (real, ours) = (without_chance(real.at(part)), without_chance(ours.at(part)));
                    if real != ours {
                        differences.push(format!("{name}: {part} is {real} and here {ours}"));
                    }
                }
            }
            (Err(real), Err(ours)) => {
                refused += 1;
                if (real.code, &real.message) != (ours.reason.code(), &ours.message) {
                    differences.push(format!(
                        "{name}: {} {}\n  and here {} {}",
                        real.code,
                        real.message,
                        ours.reason.code(),
                        ours.message
                    ));
                }
            }
            (Ok(_), Err(ours)) => differences.push(format!("{name}: is accepted, and refused here: {}", ours.message)),
            (Err(real), Ok(_)) => differences.push(format!("{name}: is accepted here only: {}", real.message)),
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(accepted > 6 && refused > 10, "{accepted} accepted, {refused} refused");
}

/// A document's text without the drawn letters in the name of the volume that every pod gets.
fn without_chance(doc: &Value) -> String {
    let text = doc.to_string();
    let mut parts = text.split(DRAWN);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str(DRAWN);
        out.push_str(part.trim_start_matches(|c: char| c.is_ascii_alphanumeric()));
    }
    out
}

/// What the Eviction API and preconditions say, in the words and codes that the engine and clients go by.
pub fn refusals(cluster: &mut Cluster) {
    cluster.apply(&namespace("refusals"));
    cluster.create(&node("refusals-a")).unwrap();
    until_usable(cluster, "refusals-a");
    cluster.create(&inflate("refusals", 2)).unwrap();
    let pods = until_running(cluster, "refusals", 2);
    let budget = json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "all", "namespace": "refusals"},
        "spec": {"minAvailable": 2, "selector": {"matchLabels": {"app": "refusals"}}}});
    cluster.create(&budget).unwrap();
    eventually("the budget counts its pods", 30, || {
        (cluster.get(Kind::PodDisruptionBudget, "refusals", "all")?.int_at("status.currentHealthy") == Some(2)).then_some(())
    });
    let pod = pods[0].str_at("metadata.name").unwrap();
    let refused = cluster.evict("refusals", pod).unwrap_err();
    assert_eq!(refused, evicted_in_the_simulation(cluster));

    // Two writers of one version: the second is told.
    let mut read = cluster.get(Kind::Deployment, "refusals", "refusals").unwrap();
    cluster.patch(Kind::Deployment, "refusals", "refusals", &json!({"metadata": {"labels": {"by": "another"}}})).unwrap();
    read.set("spec.replicas", 0);
    let conflict = cluster.replace(&read).unwrap_err();
    let words = "Operation cannot be fulfilled on deployments.apps \"refusals\": the object has been modified; please apply your \
                 changes to the latest version and try again";
    assert_eq!(conflict, Refused { code: 409, message: words.to_owned() });

    cluster.delete(Kind::PodDisruptionBudget, "refusals", "all").unwrap();
    super::clear(cluster, "refusals", &["refusals-a"]);
}

/// The same pods, node and budget as data, and the same eviction. The pods have lost their owner, which is not there.
fn evicted_in_the_simulation(cluster: &Cluster) -> Refused {
    let mut pods = cluster.list(Kind::Pod);
    pods.retain(|p| p.str_at("metadata.namespace") == Some("refusals"));
    pods.iter_mut().for_each(|p| p.remove_at("metadata.ownerReferences"));
    let first = pods[0].str_at("metadata.name").unwrap().to_owned();
    let mut docs = vec![namespace("refusals"), cluster.get(Kind::Node, "", "refusals-a").unwrap()];
    docs.push(cluster.get(Kind::PodDisruptionBudget, "refusals", "all").unwrap());
    docs.extend(pods);
    let mut session = Session::new(Scenario::kwok(&docs, None, 1, 1_790_000_000_000, 60_000)).unwrap();
    let pod = ObjectKey::new(Kind::Pod, "refusals", &first);
    let error = session.request("evict", Request::Evict { pod, grace_s: None, dry_run: false }).unwrap_err();
    Refused { code: error.reason.code(), message: error.message }
}
