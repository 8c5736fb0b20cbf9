//! Random sessions: whatever people do, the invariants hold and the log alone gives the same world again.

use super::*;
use crate::Era;
use objects::json;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Deed {
    Apply { name: u8, replicas: u8, cpu_milli: u16, grace_s: u8 },
    Scale { name: u8, replicas: u8 },
    Delete { name: u8 },
    Budget { name: u8, min_available: u8 },
    Cordon { node: u8, on: bool },
    Evict { pod: u8 },
    DeletePod { pod: u8 },
    DeleteNode { node: u8 },
    DeletePool,
    Interrupt { node: u8 },
    Advance { ms: u32 },
    Undo,
    Redo,
    Seek { back_ms: u32 },
    Reset,
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        3 => (0..3u8, 0..8u8, prop_oneof![Just(0u16), 100..4000u16], 0..40u8)
            .prop_map(|(name, replicas, cpu_milli, grace_s)| Deed::Apply { name, replicas, cpu_milli, grace_s }),
        3 => (0..3u8, 0..12u8).prop_map(|(name, replicas)| Deed::Scale { name, replicas }),
        1 => (0..3u8).prop_map(|name| Deed::Delete { name }),
        1 => (0..3u8, 0..4u8).prop_map(|(name, min_available)| Deed::Budget { name, min_available }),
        1 => (any::<u8>(), any::<bool>()).prop_map(|(node, on)| Deed::Cordon { node, on }),
        1 => any::<u8>().prop_map(|pod| Deed::Evict { pod }),
        1 => any::<u8>().prop_map(|pod| Deed::DeletePod { pod }),
        1 => any::<u8>().prop_map(|node| Deed::DeleteNode { node }),
        1 => Just(Deed::DeletePool),
        1 => any::<u8>().prop_map(|node| Deed::Interrupt { node }),
        6 => (0..120_000u32).prop_map(|ms| Deed::Advance { ms }),
        1 => Just(Deed::Undo),
        1 => Just(Deed::Redo),
        1 => (0..200_000u32).prop_map(|back_ms| Deed::Seek { back_ms }),
        1 => Just(Deed::Reset),
    ]
}

fn pick(session: &Session, kind: Kind, index: u8) -> Option<ObjectKey> {
    let store = &session.world().cluster.store;
    store.list(kind).nth(usize::from(index) % store.count(kind).max(1)).map(|o| o.key())
}

/// The request of a deed; `None` for what moves time, or where there is nothing to do it to.
fn request_of(session: &Session, deed: &Deed) -> Option<Request> {
    let (dry_run, validation) = (false, Validation::Strict);
    let deployment = |name: &u8| ObjectKey::new(Kind::Deployment, "default", &format!("app-{name}"));
    let apply = |doc| Request::Apply { doc, dry_run, validation };
    Some(match deed {
        Deed::Apply { name, replicas, cpu_milli, grace_s } => apply(json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": format!("app-{name}")},
            "spec": {
                "replicas": replicas, "selector": {"matchLabels": {"app": format!("app-{name}")}},
                "template": {
                    "metadata": {"labels": {"app": format!("app-{name}")}},
                    "spec": {
                        "terminationGracePeriodSeconds": grace_s,
                        "containers": [{"name": "c", "image": "pause", "resources": {"requests": {"cpu": format!("{cpu_milli}m")}}}],
                    },
                },
            },
        })),
        Deed::Budget { name, min_available } => apply(json!({
            "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": format!("app-{name}")},
            "spec": {"minAvailable": min_available, "selector": {"matchLabels": {"app": format!("app-{name}")}}},
        })),
        Deed::Scale { name, replicas } => Request::Scale { key: deployment(name), replicas: i64::from(*replicas), dry_run },
        Deed::Delete { name } => Request::Delete { key: deployment(name), grace_s: None, dry_run },
        Deed::Cordon { node, on } => Request::Patch {
            key: pick(session, Kind::Node, *node)?,
            patch: json!({"spec": {"unschedulable": if *on { Value::Bool(true) } else { Value::Null }}}),
            style: PatchStyle::Strategic,
            dry_run,
        },
        Deed::Evict { pod } => Request::Evict { pod: pick(session, Kind::Pod, *pod)?, grace_s: None, dry_run },
        Deed::DeletePod { pod } => Request::Delete { key: pick(session, Kind::Pod, *pod)?, grace_s: None, dry_run },
        Deed::DeleteNode { node } => Request::Delete { key: pick(session, Kind::Node, *node)?, grace_s: None, dry_run },
        Deed::DeletePool => {
            Request::Delete { key: pick(session, Kind::pool(session.scenario().era), 0)?, grace_s: None, dry_run }
        }
        Deed::Interrupt { node } => Request::InterruptSpot { node: pick(session, Kind::Node, *node)?.name },
        Deed::Advance { .. } | Deed::Undo | Deed::Redo | Deed::Seek { .. } | Deed::Reset => return None,
    })
}

fn perform(session: &mut Session, deed: &Deed) {
    match deed {
        Deed::Advance { ms } => session.advance_to(session.now() + u64::from(*ms)),
        Deed::Undo => drop(session.undo()),
        Deed::Redo => drop(session.redo()),
        Deed::Seek { back_ms } => session.seek(session.now() - u64::from(*back_ms)),
        Deed::Reset => session.reset(),
        _ => {
            if let Some(request) = request_of(session, deed) {
                let before = session.snapshot().store.revision();
                session.begin_line();
                if session.request("line", request).is_err() {
                    assert!(session.snapshot().store.revision() >= before);
                }
            }
        }
    }
}

thread_local! {
    static STARTS: [Session; 2] =
        [Era::V1alpha5, Era::V1].map(|era| Session::new(Scenario::lab(era, 11)).expect("the lab starts"));
}

fn started(era_b: bool) -> Session {
    STARTS.with(|starts| starts[usize::from(era_b)].clone())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn invariants_hold_and_records_replay(era_b: bool, deeds in proptest::collection::vec(deed(), 1..25), percent in 0..100u8) {
        let mut session = started(era_b);
        for deed in &deeds {
            perform(&mut session, deed);
            prop_assert_eq!(check_invariants(session.world()), Vec::<String>::new(), "after {:?}", deed);
            prop_assert!(session.applied() <= session.history().len());
        }
        session.present();
        session.advance_to(session.now());
        let record = session.share(None).expect("short sessions can be shared");
        let mut replay = Replay::on(started(era_b), &record).expect("own records are read");
        while replay.advance(usize::MAX) == Advance::Working {}
        prop_assert!(replay.refused.is_empty(), "{:?}", replay.refused);
        prop_assert_eq!(replay.session.snapshot().hash, session.snapshot().hash);

        // The past that checkpoints lead to is the one that a shorter record gives.
        let past_ms = session.now().since(session.start()) * u64::from(percent) / 100;
        let mut shorter = record.clone();
        shorter["now"] = past_ms.into();
        if let Some(log) = shorter["log"].as_array_mut() {
            log.retain(|entry| entry[0].as_u64().is_some_and(|ms| ms <= past_ms));
        }
        let mut replay = Replay::on(started(era_b), &shorter).expect("own records are read");
        while replay.advance(usize::MAX) == Advance::Working {}
        session.seek(session.start() + past_ms);
        prop_assert_eq!(session.snapshot().hash, replay.session.snapshot().hash, "at {} ms", past_ms);
    }

    #[test]
    fn the_past_is_what_was_seen(era_b: bool, deeds in proptest::collection::vec(deed(), 1..15), cut in 0..15usize) {
        let mut session = started(era_b);
        let mut seen = Vec::new();
        for deed in deeds.iter().filter(|d| !matches!(d, Deed::Undo | Deed::Redo | Deed::Seek { .. } | Deed::Reset)) {
            perform(&mut session, deed);
            session.advance_to(session.now() + 1);
            seen.push((session.now(), session.snapshot().hash));
            // A request at the very time that was seen would be part of it.
            session.advance_to(session.now() + 1);
        }
        if let Some((time, hash)) = seen.get(cut % seen.len().max(1)) {
            session.seek(*time);
            prop_assert_eq!(session.snapshot().hash, *hash);
        }
    }
}
