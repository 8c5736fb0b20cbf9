//! Random workloads while the cloud misbehaves: capacity is out, launches fail, nodes never join, instances are taken
//! back, kubelets fall silent. Karpenter's rules hold after every step, and when it is over nothing is left behind.

use super::witness::{Witness, leftovers};
use super::*;
use crate::Era;
use objects::collections::VecSet;
use objects::{DocExt, json};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Deed {
    Run { app: u8, replicas: u8, cpu_milli: u16 },
    Drop { app: u8 },
    Interrupt { node: u8 },
    Cloud { what: CloudWhat, node: u8, offering: u8 },
    Delete { node: u8 },
    Advance { ms: u32 },
}

const FAULTS: [CloudWhat; 3] = [CloudWhat::NoCapacity, CloudWhat::LaunchErrors, CloudWhat::LostBoots];

fn deed() -> impl Strategy<Value = Deed> {
    let what = prop_oneof![
        Just(CloudWhat::Rebalance),
        Just(CloudWhat::ScheduledChange),
        Just(CloudWhat::InstanceStatus),
        Just(CloudWhat::SystemStatus),
        Just(CloudWhat::Terminate),
        Just(CloudWhat::KubeletDown),
        Just(CloudWhat::KubeletUp),
        Just(CloudWhat::NoCapacity),
        Just(CloudWhat::NoCapacity),
        Just(CloudWhat::LaunchErrors),
        Just(CloudWhat::LostBoots),
    ];
    prop_oneof![
        4 => (0..3u8, 0..9u8, 200..3500u16).prop_map(|(app, replicas, cpu_milli)| Deed::Run { app, replicas, cpu_milli }),
        1 => (0..3u8).prop_map(|app| Deed::Drop { app }),
        1 => any::<u8>().prop_map(|node| Deed::Interrupt { node }),
        4 => (what, any::<u8>(), any::<u8>()).prop_map(|(what, node, offering)| Deed::Cloud { what, node, offering }),
        1 => any::<u8>().prop_map(|node| Deed::Delete { node }),
        6 => (0..200_000u32).prop_map(|ms| Deed::Advance { ms }),
    ]
}

/// Karpenter's nodes; the two of the managed group are left alone, since Karpenter itself runs there.
fn node(session: &Session, index: u8) -> Option<String> {
    let mine =
        |n: &&Arc<Object>| n.meta.labels.keys().any(|k| k == "karpenter.sh/nodepool" || k == "karpenter.sh/provisioner-name");
    let nodes: Vec<String> = session.world().cluster.store.list(Kind::Node).filter(mine).map(|n| n.meta.name.clone()).collect();
    nodes.get(usize::from(index) % nodes.len().max(1)).cloned()
}

/// A request; `None` for what moves time, and where there is nothing to do it to.
fn request_of(session: &Session, deed: &Deed) -> Option<Request> {
    let (dry_run, validation) = (false, Validation::Strict);
    Some(match deed {
        Deed::Run { app, replicas, cpu_milli } => {
            let labels = json!({"app": format!("app-{app}")});
            let requests = json!({"requests": {"cpu": format!("{cpu_milli}m")}});
            Request::Apply {
                doc: json!({
                    "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": format!("app-{app}")},
                    "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": {
                        "metadata": {"labels": labels},
                        "spec": {"terminationGracePeriodSeconds": 5, "containers": [{"name": "c", "image": "pause", "resources": requests}]}}},
                }),
                dry_run,
                validation,
            }
        }
        Deed::Drop { app } => {
            Request::Delete { key: ObjectKey::new(Kind::Deployment, "default", &format!("app-{app}")), grace_s: None, dry_run }
        }
        Deed::Interrupt { node: n } => Request::InterruptSpot { node: node(session, *n)? },
        Deed::Cloud { what, node: n, offering } => {
            let fault = what.is_fault();
            let some = |name: &str, bit: u8| if offering & bit == 0 { String::new() } else { name.to_owned() };
            // A fault that is on goes off.
            let on =
                !session.world().cluster.store.list(Kind::CloudFault).any(|f| f.doc.str_at("spec.what") == Some(what.name()));
            Request::Cloud(CloudEvent {
                what: *what,
                node: if fault { String::new() } else { node(session, *n)? },
                capacity_type: some("spot", 1),
                instance_type: some("m5.large", 4),
                zone: some("ap-northeast-2a", 2),
                code: some("UnauthorizedOperation", 8),
                on,
            })
        }
        Deed::Delete { node: n } => {
            Request::Delete { key: ObjectKey::cluster(Kind::Node, &node(session, *n)?), grace_s: None, dry_run }
        }
        Deed::Advance { .. } => return None,
    })
}

fn perform(session: &mut Session, deed: &Deed) {
    if let Deed::Advance { ms } = deed {
        return session.advance_to(session.now() + u64::from(*ms));
    }
    if let Some(request) = request_of(session, deed) {
        session.begin_line();
        drop(session.request("line", request));
    }
}

/// Switches every fault off and lets kubelets speak again.
fn make_up(session: &mut Session) {
    let store = session.world().cluster.store.clone();
    for fault in store.list(Kind::CloudFault) {
        let text = |field: &str| fault.doc.at("spec").str_at(field).unwrap_or_default().to_owned();
        let what = FAULTS.into_iter().find(|w| w.name() == text("what")).expect("a known fault");
        let event = CloudEvent {
            what,
            node: String::new(),
            capacity_type: text("capacityType"),
            instance_type: text("instanceType"),
            zone: text("zone"),
            code: String::new(),
            on: false,
        };
        session.request("off", Request::Cloud(event)).expect("a fault that is on goes off");
    }
    for node in store.list(Kind::Node) {
        let doc = json!({"cloud": "kubelet-up", "node": node.meta.name});
        drop(session.request("up", Request::Cloud(CloudEvent::read(&doc).expect("well formed"))));
    }
}

/// Pools with and without consolidation, beside each other's sessions.
fn with_pool(mut session: Session, era: Era, consolidating: bool) -> Session {
    let patch = match (era, consolidating) {
        (_, false) => return session,
        (Era::V1alpha5, true) => json!({"spec": {"ttlSecondsAfterEmpty": null, "consolidation": {"enabled": true}}}),
        (Era::V1, true) => json!({"spec": {"disruption": {
            "consolidationPolicy": "WhenEmptyOrUnderutilized", "consolidateAfter": "0s", "budgets": [{"nodes": "100%"}]}}}),
    };
    let key = ObjectKey::cluster(Kind::pool(era), "default");
    session.request("pool", Request::Patch { key, patch, style: PatchStyle::Merge, dry_run: false }).expect("the pool is there");
    session
}

thread_local! {
    static STARTS: [Session; 2] =
        [Era::V1alpha5, Era::V1].map(|era| Session::new(Scenario::lab(era, 12)).expect("the lab starts"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rules_hold_whatever_the_cloud_does(era_b: bool, consolidating: bool, deeds in proptest::collection::vec(deed(), 4..22)) {
        let era = if era_b { Era::V1 } else { Era::V1alpha5 };
        let start = STARTS.with(|starts| starts[usize::from(era_b)].clone());
        let mut session = with_pool(start, era, consolidating);
        let mut witness = Witness::new(session.world());
        for deed in &deeds {
            perform(&mut session, deed);
            witness.watch(session.world());
            prop_assert_eq!(&witness.broken, &Vec::<String>::new(), "after {:?}", deed);
            prop_assert_eq!(check_invariants(session.world()), Vec::<String>::new(), "after {:?}", deed);
        }
        make_up(&mut session);
        // Longer than the registration timeout, the commands' timeouts, and a round of garbage collection.
        for _ in 0..40 {
            session.advance_to(session.now() + 60_000);
            witness.watch(session.world());
        }
        prop_assert_eq!(&witness.broken, &Vec::<String>::new(), "while it settles");
        prop_assert_eq!(leftovers(session.world()), Vec::<String>::new());
        let pending: VecSet<String> = session.world().cluster.store.list(Kind::Pod)
            .filter(|p| p.meta.namespace == "default" && !p.pod().is_some_and(|p| p.ready))
            .map(|p| p.key().to_string()).collect();
        prop_assert!(pending.is_empty(), "{pending:?} wait in vain");
    }
}
