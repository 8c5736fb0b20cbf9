//! Leaders that die, stand still or are thrown out while they work, and who comes after them.

use super::act::{Acting, pool, scale, until_types};
use super::injected::{BUSY, answered, done, powerful, start};
use super::{clear, inflate, namespace, until_running};
use crate::api::eventually;
use crate::audit::Request;
use crate::control_plane::Cluster;
use crate::proxy::{Fate, Rule};
use objects::{DocExt, Kind, Value, json};
use std::time::{Duration, Instant};

const NAME: &str = "leading";
const LEASE: (&str, &str) = ("kube-system", "nodewright-act");
/// Seconds: for how long a Lease holds, and what it may take to notice that it does not any more, by two that look every two
/// seconds at what is renewed every two seconds.
const TERM: f64 = 15.0;
const NOTICED: f64 = 4.0;
/// What a busy machine adds.
const SLACK: f64 = 4.0;

fn lease(cluster: &Cluster) -> Value {
    cluster.get(Kind::Lease, LEASE.0, LEASE.1).expect("the Lease")
}

fn seconds(lease: &Value, field: &str) -> f64 {
    let time: jiff::Timestamp = lease.at("spec").str_at(field).expect("a time").parse().expect("a time");
    time.as_millisecond() as f64 / 1e3
}

/// What a user has changed, of whatever kind.
fn writes(cluster: &Cluster, user: &str) -> Vec<Request> {
    let mut requests = cluster.requests_of(user);
    requests.retain(|r| !["get", "list", "watch"].contains(&r.verb.as_str()) && r.resource != "selfsubjectaccessreviews");
    requests
}

fn claims_made(cluster: &Cluster, user: &str) -> usize {
    done(&cluster.requests_of(user), "create", "nodeclaims", "").len()
}

/// Waits until `next` leads after one that has not given the Lease back. The term is waited out, and no longer.
fn succeeds(cluster: &Cluster, next: &Acting, user: &str, dead: &Value) {
    next.until_leads();
    let taken = lease(cluster);
    let waited = seconds(&taken, "acquireTime") - seconds(dead, "renewTime");
    assert!((TERM..TERM + NOTICED + SLACK).contains(&waited), "{user} waited {waited} s");
    let first = writes(cluster, user).into_iter().next().expect("it has taken the Lease");
    assert_eq!((first.verb.as_str(), first.resource.as_str()), ("update", "leases"), "{user} wrote before it led");
}

/// Until its requests for claims are answered with 429, one after the other.
fn held_back(acting: &Acting, what: &str) {
    eventually(what, 60, || acting.has("no answer: 429").then_some(()));
}

pub fn lost(cluster: &mut Cluster) {
    cluster.install_karpenter_crds().unwrap();
    cluster.apply(&namespace(NAME));
    cluster.apply(&pool());
    cluster.create(&inflate(NAME, 0)).unwrap();
    let proxies = ["leading-one", "leading-two", "leading-three"].map(|user| start(cluster, user));
    let begin = |at: usize, user: &str| Acting::start_as(cluster, &proxies[at].kubeconfig, "proxied", user);
    let _ = cluster.delete(Kind::Lease, LEASE.0, LEASE.1);

    // Dead while it holds the Lease, with a claim made that it has not heard of.
    let one = begin(0, "leading-one");
    one.until_leads();
    let two = begin(1, "leading-two");
    eventually("two waits", 60, || two.has("waits for the Lease, which leading-one holds").then_some(()));
    proxies[0].add(Rule { method: "POST", path: "/nodeclaims".to_owned(), body: "", fate: Fate::Unheard, times: 1 });
    scale(cluster, NAME, 3);
    eventually("a claim is made", 60, || (proxies[0].unheard() == 1).then_some(()));
    one.kill();
    let dead = lease(cluster);
    succeeds(cluster, &two, "leading-two", &dead);
    until_running(cluster, NAME, 3);
    until_types(cluster, &["m5.xlarge"]);
    assert_eq!((claims_made(cluster, "leading-one"), claims_made(cluster, "leading-two")), (1, 0), "a claim for the same pods");

    // Stands still in the middle of a write, for longer than its term, and wakes up where another one leads.
    let three = begin(2, "leading-three");
    eventually("three waits", 60, || three.has("waits for the Lease, which leading-two holds").then_some(()));
    proxies[1].add(answered("POST", "/nodeclaims", 429, Some(1), BUSY.to_owned(), 1_000));
    scale(cluster, NAME, 6);
    held_back(&two, "two may not make its claim");
    two.signal("STOP");
    proxies[1].clear();
    // What was on its way has arrived.
    std::thread::sleep(Duration::from_secs(1));
    let (written, stopped) = (writes(cluster, "leading-two").len(), lease(cluster));
    succeeds(cluster, &three, "leading-three", &stopped);
    until_running(cluster, NAME, 6);
    two.signal("CONT");
    let (code, said) = two.ends();
    assert_eq!(code, Some(4), "{said}");
    assert_eq!(said.trim(), "another process leads: the Lease was lost");
    let after = writes(cluster, "leading-two").split_off(written);
    assert!(after.is_empty(), "written by one that led no more: {after:#?}");
    assert_eq!(claims_made(cluster, "leading-three"), 1);

    // Somebody writes something else into the Lease between its reading and its renewal: it goes on.
    proxies[2].add(answered("PUT", "/leases/", 409, None, crate::proxy::status(409, "Conflict", "modified").to_string(), 1));
    eventually("the conflict is told", 20, || proxies[2].left().is_empty().then_some(()));
    // Thrown out in the middle of a write that is tried again and again.
    const TRIES: usize = 1_000;
    proxies[2].add(answered("POST", "/nodeclaims", 429, Some(1), BUSY.to_owned(), TRIES));
    scale(cluster, NAME, 9);
    held_back(&three, "three may not make its claim");
    let now = format!("{:.6}", jiff::Timestamp::now());
    let theirs = json!({"spec": {"holderIdentity": "somebody", "renewTime": now}});
    cluster.patch(Kind::Lease, LEASE.0, LEASE.1, &theirs).unwrap();
    let (thrown, left) = (Instant::now(), proxies[2].left()[0].times);
    let (code, said) = three.ends();
    assert_eq!(code, Some(4), "{said}");
    // It looks every second or two, and one attempt may have been on its way.
    assert!(thrown.elapsed().as_secs_f64() < 2.0 + SLACK, "noticed after {:?}", thrown.elapsed());
    let tried = left - proxies[2].left()[0].times;
    assert!(tried <= 1, "it tried to write {tried} times after it had lost the Lease");
    assert_eq!(lease(cluster).str_at("spec.holderIdentity"), Some("somebody"), "what is another's is not given back");

    // Nobody renews what somebody took.
    let _ = cluster.delete(Kind::Lease, LEASE.0, LEASE.1);
    let four = Acting::start_as(cluster, &powerful(cluster, "leading-four"), "leading-four", "leading-four");
    until_running(cluster, NAME, 9);
    scale(cluster, NAME, 0);
    // Sooner than as empty nodes.
    for claim in cluster.list(Kind::NodeClaim) {
        cluster.delete(Kind::NodeClaim, "", claim.str_at("metadata.name").unwrap()).unwrap();
    }
    until_types(cluster, &[]);
    assert_eq!(four.stop(), Some(0));
    clear(cluster, NAME, &[]);
    cluster.delete(Kind::NodePool, "", "default").unwrap();
}
