//! A plan made from what an API server shows must be what the simulator then really does.

use super::*;
use crate::cluster::{Choices, Dump, adopt};
use crate::controllers::closed;
use crate::session::{PatchStyle, Request, Scenario, Session, Validation};
use objects::{DocExt, ObjectKey, Value, json};

/// What people do to a session.
#[derive(Clone, Debug)]
enum Deed {
    Run(i64),
    Scale(i64),
    Apply(Value),
    /// Patches the pool.
    Pool(Value),
    /// Annotates the first node of Karpenter's, or the first pod on it.
    Node(&'static str),
    Pod(&'static str),
    Wait(u64),
}
use Deed::*;

fn inflate(replicas: i64) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "inflate", "namespace": "default"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "inflate"}}, "template": {
            "metadata": {"labels": {"app": "inflate"}},
            "spec": {"terminationGracePeriodSeconds": 0, "containers": [
                {"name": "inflate", "image": "pause:3.7", "resources": {"requests": {"cpu": "1"}}}]},
        }},
    })
}

fn pdb(min_available: i64) -> Deed {
    Apply(json!({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "keep", "namespace": "default"},
        "spec": {"minAvailable": min_available, "selector": {"matchLabels": {"app": "inflate"}}},
    }))
}

/// Makes the pool buy three types on demand and consolidate, and fills four nodes.
fn consolidating(era: Era) -> [Deed; 3] {
    let requirements = json!([
        {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["on-demand"]},
        {"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["c5.large", "m5.large", "m5.xlarge"]},
    ]);
    let pool = match era {
        Era::V1alpha5 => json!({"spec": {
            "ttlSecondsAfterEmpty": null, "consolidation": {"enabled": true}, "requirements": requirements}}),
        Era::V1 => json!({"spec": {
            "disruption": {
                "consolidationPolicy": "WhenEmptyOrUnderutilized", "consolidateAfter": "30s", "budgets": [{"nodes": "100%"}]},
            "template": {"spec": {"requirements": requirements}}}}),
    };
    [Pool(pool), Run(12), Wait(400)]
}

fn after_consolidating(era: Era, deeds: impl IntoIterator<Item = Deed>) -> Vec<Deed> {
    consolidating(era).into_iter().chain(deeds).collect()
}

fn session(era: Era, seed: u64, deeds: &[Deed]) -> Session {
    let mut session = Session::new(Scenario::lab(era, seed)).unwrap();
    let (dry_run, validation) = (false, Validation::Strict);
    let apply = |doc: Value| Request::Apply { doc, dry_run, validation };
    for deed in deeds {
        let store = session.world().cluster.store.clone();
        let of_inflate = |n: &Object| store.pods_on(&n.meta.name).find(|p| p.meta.name.starts_with("inflate")).cloned();
        let claimed = || store.list(Kind::Node).find(|n| claim_of(&store, era, n).is_some() && of_inflate(n).is_some()).unwrap();
        let annotate = |key: ObjectKey, annotation: &str| {
            let patch = json!({"metadata": {"annotations": {annotation: "true"}}});
            Request::Patch { key, patch, style: PatchStyle::Merge, dry_run }
        };
        let request = match deed {
            Wait(s) => {
                session.advance_to(session.now() + s * 1000);
                continue;
            }
            Run(replicas) => apply(inflate(*replicas)),
            Scale(replicas) => {
                Request::Scale { key: ObjectKey::new(Kind::Deployment, "default", "inflate"), replicas: *replicas, dry_run }
            }
            Apply(doc) => apply(doc.clone()),
            Pool(patch) => Request::Patch {
                key: ObjectKey::cluster(Kind::pool(era), "default"),
                patch: patch.clone(),
                style: PatchStyle::Merge,
                dry_run,
            },
            Node(annotation) => annotate(claimed().key(), annotation),
            Pod(annotation) => annotate(of_inflate(claimed()).unwrap().key(), annotation),
        };
        session.request("", request).unwrap();
    }
    session
}

/// What an API server shows of the session, with hashes as another Karpenter would have written them.
fn dump(session: &Session) -> Dump {
    let foreign = |doc: &Value| {
        let mut doc = doc.clone();
        if let Some(map) = doc.slot("metadata.annotations").as_object_mut() {
            for (key, value) in map.iter_mut().filter(|(key, _)| key.ends_with("-hash")) {
                *value = format!("other-{key}-{}", value.as_str().unwrap_or_default()).into();
            }
        }
        doc
    };
    let store = &session.world().cluster.store;
    let items: Vec<Value> = store.all().filter(|o| !o.kind.is_internal()).map(|o| foreign(&o.doc)).collect();
    let mut dump = Dump::default();
    dump.add("dump.json", json!({"apiVersion": "v1", "kind": "List", "items": items})).unwrap();
    dump
}

fn adopted(session: &Session) -> Adopted {
    let choices =
        Choices { at_ms: session.snapshot().unix_ms(), seed: session.scenario().seed, region: None, types: None, prices: None };
    adopt(dump(session), &choices)
}

/// What two plans of one cluster must share: names that are drawn later may differ.
fn gist(plan: &Plan, known: &Session) -> Vec<String> {
    let store = &known.world().cluster.store;
    let node = |name: &str| if store.cluster(Kind::Node, name).is_some() { name.to_owned() } else { "new".to_owned() };
    let pod = |name: &str| {
        let (namespace, name) = name.split_once('/').unwrap();
        let known = store.get(&ObjectKey::new(Kind::Pod, namespace, name)).is_some();
        if known { name.to_owned() } else { "new".to_owned() }
    };
    let sorted = |mut list: Vec<String>| {
        list.sort();
        list.join(" ")
    };
    let one = |a: &Action| {
        let launches = a.launches.iter().map(|l| {
            let pods = sorted(l.pods.iter().map(|p| pod(p)).collect());
            let given = l.given.as_ref().map(|m| format!("{} {} {}", m.instance_type, m.capacity_type, m.price_micro));
            format!("[{} {pods} {:?} {:?} {given:?}]", l.pool, l.funnel, l.cheapest)
        });
        format!(
            "{:?} {} + {} - {} saves {} {:?}",
            a.reason,
            sorted(a.nodes.iter().map(|m| node(&m.node)).collect()),
            sorted(launches.collect()),
            sorted(a.evictions.iter().map(|e| pod(&e.pod)).collect()),
            a.saves_micro,
            a.done
        )
    };
    plan.actions.iter().map(one).collect()
}

/// The plan of the moment, and that it is what happens.
fn check(era: Era, deeds: &[Deed]) -> (Plan, Adopted) {
    let mut last = None;
    for seed in [7, 196] {
        let session = session(era, seed, deeds);
        let adopted = adopted(&session);
        let planned = plan(&adopted, Ahead::default());
        let real = run(&mut session.world().clone(), Ahead::default());
        assert_eq!(gist(&planned, &session), gist(&real, &session), "{era:?} {seed} {deeds:?}");
        assert_eq!((planned.before, planned.after), (real.before, real.after), "{era:?} {seed} {deeds:?}");
        let names = |p: &Plan| p.stays.iter().map(|s| s.machine.clone()).collect::<Vec<_>>();
        assert_eq!(names(&planned), names(&real), "{era:?} {seed} {deeds:?}");
        assert_eq!(planned.at_ms, session.snapshot().unix_ms());
        last = Some((planned, adopted));
    }
    last.unwrap()
}

fn reasons(plan: &Plan) -> Vec<&'static str> {
    let word = |a: &Action| match a.reason {
        Reason::Provisioning => "provisioning",
        Reason::Disruption(method) => method,
        Reason::Removal(why) => why,
    };
    plan.actions.iter().map(word).collect()
}

#[test]
fn a_cluster_at_rest_has_nothing_to_do() {
    for era in [Era::V1alpha5, Era::V1] {
        let (plan, adopted) = check(era, &[]);
        assert_eq!(adopted.notes, Vec::<String>::new());
        assert_eq!(adopted.region, "ap-northeast-2");
        assert_eq!((plan.actions.len(), plan.stays.len(), plan.pending.len()), (0, 2, 0));
        assert_eq!(plan.rest, Rest::Reached { after_ms: 0 });
        assert!(plan.stays.iter().all(|s| s.why == ["not Karpenter's: node group ng1"]), "{:?}", plan.stays);
        let (plan, _) = check(era, &[Run(4), Wait(240)]);
        assert_eq!(reasons(&plan), Vec::<&str>::new(), "{:?}", plan.actions);
    }
}

#[test]
fn pods_that_wait_get_nodes() {
    for era in [Era::V1alpha5, Era::V1] {
        for wait in [0, 1] {
            let (plan, _) = check(era, &[Run(5), Wait(wait)]);
            let [action] = plan.actions.as_slice() else { panic!("{:?}", plan.actions) };
            assert_eq!(action.reason, Reason::Provisioning);
            assert_eq!(action.launches[0].pods.len(), 5);
            assert!(action.saves_micro < 0 && action.done == Done::Yes, "{action:?}");
            assert_eq!((plan.before.nodes, plan.after.nodes, plan.after.pending), (2, 3, 0));
        }
    }
}

#[test]
fn nodes_that_come_up_already_are_waited_for() {
    for era in [Era::V1alpha5, Era::V1] {
        for wait in [10, 25, 45] {
            let session = session(era, 7, &[Run(5), Wait(wait)]);
            let plan = plan(&adopted(&session), Ahead::default());
            assert_eq!(reasons(&plan), Vec::<&str>::new(), "{era:?} {wait} {:?}", plan.actions);
            assert_eq!((plan.after.nodes, plan.after.pending), (3, 0), "{era:?} {wait}");
        }
    }
}

#[test]
fn empty_nodes_go() {
    for era in [Era::V1alpha5, Era::V1] {
        let (plan, _) = check(era, &[Run(5), Wait(240), Scale(0), Wait(5)]);
        let [action] = plan.actions.as_slice() else { panic!("{:?}", plan.actions) };
        assert_eq!(action.reason, Reason::Disruption("emptiness"));
        assert_eq!((plan.before.nodes, plan.after.nodes), (3, 2));
        assert!(action.saves_micro > 0 && action.evictions.is_empty(), "{action:?}");
    }
}

#[test]
fn nodes_are_consolidated() {
    for era in [Era::V1alpha5, Era::V1] {
        let (plan, _) = check(era, &after_consolidating(era, [Scale(7), Wait(2)]));
        assert!(reasons(&plan).iter().any(|r| r.ends_with("consolidation")), "{era:?} {:?}", plan.actions);
        assert!(plan.after.price_micro < plan.before.price_micro);
        assert!(plan.actions.iter().any(|a| !a.evictions.is_empty()), "{:?}", plan.actions);
    }
}

#[test]
fn it_looks_no_further_once_enough_pods_have_moved() {
    let session = session(Era::V1, 7, &after_consolidating(Era::V1, [Scale(7), Wait(2)]));
    let whole = plan(&adopted(&session), Ahead::default());
    let part = plan(&adopted(&session), Ahead { moves: 1, ..Ahead::default() });
    let Rest::Moves { pods, .. } = part.rest else { panic!("{:?}", part.rest) };
    assert_eq!(pods, part.actions.iter().map(|a| a.evictions.len()).sum::<usize>());
    assert!(pods >= 1 && matches!(whole.rest, Rest::Reached { .. }), "{:?}", whole.rest);
    // What has begun is seen through.
    assert_eq!(part.actions[0], whole.actions[0]);
    assert_eq!(part.actions[0].done, Done::Yes);
}

#[test]
fn what_drifts_is_replaced_and_nothing_else() {
    let (plan, _) = check(
        Era::V1,
        &[Run(5), Wait(240), Pool(json!({"spec": {"template": {"metadata": {"labels": {"team": "blue"}}}}})), Wait(1)],
    );
    assert_eq!(reasons(&plan), ["drift"], "{:?}", plan.actions);
    assert_eq!((plan.actions[0].launches.len(), plan.actions[0].evictions.len()), (1, 5), "{:?}", plan.actions);
}

#[test]
fn expired_machines_are_replaced() {
    let (plan, _) = check(Era::V1alpha5, &[Run(3), Wait(1900), Pool(json!({"spec": {"ttlSecondsUntilExpired": 1800}})), Wait(1)]);
    assert_eq!(reasons(&plan)[0], "expiration", "{:?}", plan.actions);
}

/// The first of Karpenter's nodes that stay and have something in the way, or the first at all.
fn kept(plan: &Plan) -> &Stay {
    let all = || plan.stays.iter().filter(|s| !s.machine.pool.is_empty());
    all().find(|s| !s.blockers.is_empty()).or_else(|| all().next()).unwrap()
}

#[test]
fn budgets_of_pods_block_by_name() {
    for era in [Era::V1alpha5, Era::V1] {
        let (plan, _) = check(era, &after_consolidating(era, [pdb(7), Scale(7), Wait(2)]));
        assert_eq!(reasons(&plan), Vec::<&str>::new(), "{era:?} {:?}", plan.actions);
        let blocked =
            |b: &Blocker| matches!(b, Blocker::Pdb { pdb, pod } if pdb == "default/keep" && pod.starts_with("default/inflate"));
        assert!(kept(&plan).blockers.iter().any(blocked), "{:?}", kept(&plan));
    }
}

#[test]
fn annotations_block() {
    let annotation = |plan: &Plan| {
        kept(plan).blockers.iter().find_map(|b| match b {
            Blocker::Annotation { annotation, pod } => Some((*annotation, pod.is_some())),
            _ => None,
        })
    };
    for (era, deed, want) in [
        (Era::V1, Node("karpenter.sh/do-not-disrupt"), ("karpenter.sh/do-not-disrupt", false)),
        (Era::V1, Pod("karpenter.sh/do-not-disrupt"), ("karpenter.sh/do-not-disrupt", true)),
        (Era::V1alpha5, Pod("karpenter.sh/do-not-evict"), ("karpenter.sh/do-not-evict", true)),
        (Era::V1alpha5, Node("karpenter.sh/do-not-consolidate"), ("karpenter.sh/do-not-consolidate", false)),
    ] {
        let (plan, _) = check(era, &after_consolidating(era, [Scale(7), Wait(2), deed]));
        assert_eq!(annotation(&plan), Some(want), "{era:?} {:?}", plan.stays);
    }
}

#[test]
fn closed_budgets_of_pools_say_when_they_open() {
    let budgets = json!({"spec": {"disruption": {"budgets": [{"nodes": "0", "schedule": "0 0 * * *", "duration": "12h"}]}}});
    let (plan, _) = check(Era::V1, &[Run(5), Wait(240), Pool(budgets), Scale(0), Wait(60)]);
    assert_eq!(reasons(&plan), Vec::<&str>::new(), "{:?}", plan.actions);
    let [Blocker::Budget { pool, reason, closed }] = kept(&plan).blockers.as_slice() else { panic!("{:?}", plan.stays) };
    assert_eq!((pool.as_str(), *reason, closed.most), ("default", "Empty", 0));
    assert_eq!(closed.opens_ms.map(objects::time::rfc3339).as_deref(), Some("2026-08-25T12:00:00Z"));
}

#[test]
fn what_is_not_there_is_said_and_made_up_for() {
    let session = session(
        Era::V1,
        7,
        &[Run(5), Wait(240), Pool(json!({"spec": {"template": {"metadata": {"labels": {"a": "b"}}}}})), Wait(1)],
    );
    let whole = plan(&adopted(&session), Ahead::default());
    let mut dump = dump(&session);
    let kept = [Kind::Node, Kind::Pod, Kind::NodePool, Kind::NodeClaim];
    dump.objects.retain(|key, _| kept.contains(&key.kind));
    let choices = Choices { at_ms: session.snapshot().unix_ms(), seed: 7, region: None, types: None, prices: None };
    let part = adopt(dump, &choices);
    // Nodes are not removed for want of their owners, and pods that are evicted come back.
    let plan = plan(&part, Ahead::default());
    assert_eq!(reasons(&plan), reasons(&whole), "{:?}", plan.actions);
    assert_eq!(plan.after, whole.after);
    for said in [
        "no DaemonSet was read",
        "no PodDisruptionBudget was read",
        "EC2NodeClass default not read",
        "controllers that were not read",
    ] {
        assert!(part.notes.iter().any(|n| n.starts_with(said)), "{said}: {:?}", part.notes);
    }
}

#[test]
fn a_closed_pool_is_what_the_controller_goes_by() {
    // The sentence and the controller's rule must not part.
    let pool = |nodes: &str| {
        Object::from_doc(
            Kind::NodePool,
            json!({"metadata": {"name": "x"}, "spec": {"disruption": {"budgets": [{"nodes": nodes}]}}}),
        )
    };
    assert!(closed(&pool("10%"), 10, 1, "Empty", 0).is_some());
    assert!(closed(&pool("10%"), 11, 1, "Empty", 0).is_none());
}
