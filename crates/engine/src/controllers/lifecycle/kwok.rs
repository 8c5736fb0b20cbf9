//! Launch with the kwok provider: there is no cloud to ask. The provider takes the cheapest offering that the claim allows,
//! gives the claim what its node will be, and creates the node itself, after the delay that the node class asks for.
//! Source: kubernetes-sigs/karpenter kwok/cloudprovider/cloudprovider.go and kwok/utils/randomname.go, v1.14.1.

use super::super::context::Cx;
use super::super::messages::{Say, quantities};
use super::super::names::{CAPACITY_TYPE, INSTANCE_TYPE, UNREGISTERED, ZONE};
use super::super::state::State;
use super::launch::{Step, end, failed_again, insufficient, single_values};
use super::{Pass, initialize};
use crate::SimTime;
use crate::scheduling::{InstanceType, Offering, Requirements, labels};
use objects::collections::VecMap;
use objects::selector::Operator;
use objects::{DocExt, Kind, Object, Resources, Value, json};

pub const PROVIDER_ID: &str = "kwok://";
/// On nodes: kwok plays them.
const PLAYED: (&str, &str) = ("kwok.x-k8s.io/node", "fake");
/// Calls from the claim to what is known of its launch, of which the node is the first.
const CALLS: u64 = 2;
/// From the launch to the node where the class asks for no delay.
const CREATE_MS: u64 = 30;
/// From the launch until the claim says so: recorded were 190 to 280 ms.
const PATCH_MS: u64 = 190;

pub fn launch(pass: &mut Pass<'_>, failures: &mut VecMap<String, u32>, state: &mut State, cx: &mut Cx<'_, '_>) -> Step {
    if pass.conditions.is_true(cx.names.launched) {
        return Step::Launched;
    }
    initialize(&mut pass.conditions, cx.era(), cx.names.launched);
    match create(pass, state, cx) {
        Ok(()) => {
            failures.remove(&pass.claim.meta.name);
        }
        Err(Refusal::Failed(error)) => failed_again(&error, failures, pass, cx),
        Err(Refusal::Insufficient(error)) => insufficient(&error, pass, cx),
        Err(Refusal::ClassNotReady(error)) => end(&error, pass, cx),
    }
    Step::Launched
}

enum Refusal {
    Failed(String),
    Insufficient(String),
    ClassNotReady(String),
}

fn create(pass: &mut Pass<'_>, state: &mut State, cx: &mut Cx<'_, '_>) -> Result<(), Refusal> {
    let claim = pass.claim;
    let typed = claim.claim().ok_or_else(|| Refusal::Failed("the claim cannot be read".to_owned()))?;
    let (t, offering) = choose(claim, cx).map_err(|why| Refusal::Failed(format!("translating nodeclaim to node, {why}")))?;
    let Some(class) = cx.view.store.cluster(cx.names.node_class, &typed.node_class) else {
        let missing = format!("{} {:?} not found", cx.names.node_class.resource(), typed.node_class);
        return Err(Refusal::Insufficient(format!("resolving node class from nodeclaim, {missing}")));
    };
    if let Some(ready) = class.condition("Ready").filter(|c| c.str_at("status") == Some("False")) {
        let message = ready.str_at("message").unwrap_or_default();
        return Err(Refusal::ClassNotReady(format!("NodeClassNotReady, {message}")));
    }
    let delay = class.doc.str_at("spec.nodeRegistrationDelay").and_then(objects::duration::parse_go_ms);
    let node = node(claim, &t, &offering, state.next_node(), cx);
    let text = |path: &str| node.str_at(path).unwrap_or_default().to_owned();
    let provider_id = text("spec.providerID");
    let allocatable = Resources::read(node.at("status.allocatable"));
    pass.patch.set("metadata.labels", node.at("metadata.labels").clone());
    pass.patch.set("metadata.annotations", node.at("metadata.annotations").clone());
    pass.patch.set("status.providerID", provider_id.as_str());
    pass.patch.set("status.capacity", node.at("status.capacity").clone());
    pass.patch.set("status.allocatable", node.at("status.allocatable").clone());
    pass.provider_id = provider_id;
    pass.conditions.set_true(cx.names.launched);
    cx.log(Say::Launched {
        claim: pass.reference(cx),
        instance_type: &t.name,
        zone: &offering.zone,
        capacity_type: &offering.capacity_type,
        allocatable: &allocatable,
    });
    let delay_ms = delay.and_then(|ms| u64::try_from(ms).ok()).unwrap_or(0);
    // The workers of several claims wait for one server: it creates one node, and takes what is said of it, after the other.
    let turn_ms = CALLS * cx.view.call_ms();
    let last = state.boots().map(|(_, at)| at + turn_ms).max().filter(|_| turn_ms > 0);
    let at = (cx.view.now + CREATE_MS + delay_ms).max(last.unwrap_or(SimTime::ZERO));
    pass.late_ms = (at.since(cx.view.now + delay_ms) + turn_ms).max(PATCH_MS);
    state.boot(at, node);
    Ok(())
}

/// The cheapest available offering of the claim's types; of types at one price the first, of their offerings any.
fn choose(claim: &Object, cx: &Cx<'_, '_>) -> Result<(InstanceType, Offering), String> {
    let asked = claim.claim().map(|c| c.requirements.as_slice()).unwrap_or_default();
    let types = asked.iter().find(|r| r.key == INSTANCE_TYPE).filter(|r| r.operator == Operator::In);
    let types = types.ok_or("instance type requirement not found")?;
    let requirements = Requirements::of_expressions(asked);
    let table = cx.view.market.types();
    let mut best: Option<(i64, &InstanceType)> = None;
    for name in &types.values {
        let (_, t) = table.named(name).ok_or_else(|| format!("instance type not found (instance-type={name})"))?;
        let price = t.cheapest_micro(&requirements);
        if best.is_none_or(|(least, _)| price < least) && price < i64::MAX {
            best = Some((price, t));
        }
    }
    let (price, t) = best.ok_or("no offering is compatible with the requirements")?;
    let equal: Vec<&Offering> = t.compatible(&requirements).filter(|o| o.price_micro == price).collect();
    let at = cx.view.stream("kwok-offering", &claim.meta.uid).below(equal.len() as u64);
    let offering = usize::try_from(at).ok().and_then(|i| equal.get(i)).ok_or("no offering")?;
    Ok((t.clone(), (*offering).clone()))
}

/// The node as the provider creates it, with the taint that the API server adds to every node that is not ready.
fn node(claim: &Object, t: &InstanceType, offering: &Offering, number: u64, cx: &Cx<'_, '_>) -> Value {
    let name = name(claim, number, cx);
    let mut node_labels = claim.meta.labels.clone();
    node_labels.extend(single_values(claim));
    node_labels.insert(INSTANCE_TYPE.to_owned(), t.name.to_string());
    node_labels.extend(t.requirements.iter().filter_map(|r| Some((r.key.to_string(), r.single()?.to_string()))));
    let dollars = format!("{}.{:06}", offering.price_micro / 1_000_000, offering.price_micro % 1_000_000);
    for (key, value) in [
        (ZONE, &*offering.zone),
        (CAPACITY_TYPE, &*offering.capacity_type),
        ("eks-node-viewer/instance-price", dollars.as_str()),
        ("kwok-partition", "a"),
        (labels::HOSTNAME, claim.meta.name.as_str()),
        PLAYED,
    ] {
        node_labels.insert(key.to_owned(), value.to_owned());
    }
    let mut annotations = claim.meta.annotations.clone();
    annotations.insert(PLAYED.0.to_owned(), PLAYED.1.to_owned());
    let requests = claim.claim().map(|c| c.requests.clone()).unwrap_or_default();
    let mut allocatable = requests.clone();
    allocatable.0.extend(t.allocatable.0.clone());
    json!({
        "apiVersion": "v1", "kind": Kind::Node.name(),
        "metadata": {"name": name, "labels": node_labels, "annotations": annotations},
        "spec": {
            "providerID": format!("{PROVIDER_ID}{name}"),
            "taints": [
                {"key": UNREGISTERED, "effect": "NoExecute"},
                {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"},
            ],
        },
        "status": {
            "capacity": quantities(&requests), "allocatable": quantities(&allocatable), "phase": "Pending",
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 0}},
        },
    })
}

/// `kwok-default-znzff-whimseyrattle-1-ginebdqyra-4091832885`: a silly name, its number in this process, and two draws.
fn name(claim: &Object, number: u64, cx: &Cx<'_, '_>) -> String {
    const FIRST: [&str; 16] = [
        "amber", "brisk", "cobalt", "dusty", "elder", "fern", "gentle", "hollow", "ivory", "jolly", "kelp", "lunar", "mossy",
        "nimble", "opal", "pine",
    ];
    const LAST: [&str; 16] = [
        "badger", "canyon", "drifter", "ember", "fiddle", "grove", "heron", "island", "juniper", "kettle", "lantern", "meadow",
        "nettle", "otter", "pebble", "raven",
    ];
    const LETTERS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let mut stream = cx.view.stream("kwok-node", &claim.meta.uid);
    let mut word = |list: &[&'static str; 16]| {
        let at = usize::try_from(stream.below(16)).unwrap_or(0);
        list.get(at).copied().unwrap_or_default()
    };
    let silly = format!("{}{}", word(&FIRST), word(&LAST));
    let drawn: String =
        (0..10).filter_map(|_| LETTERS.get(usize::try_from(stream.below(36)).unwrap_or(0)).map(|b| char::from(*b))).collect();
    format!("kwok-{}-{silly}-{number}-{drawn}-{}", claim.meta.name, stream.below(1 << 32))
}
