//! Launch: what may be bought for a claim is asked of the fleet; its answer becomes the claim's labels and status, or the
//! claim's end where capacity is short. The call blocks the real worker; here a `FleetRequest` stands for the call.
//! Sources: machine/lifecycle/launch.go v0.29.2, nodeclaim/lifecycle/launch.go v1.14.1; aws/karpenter-provider-aws
//! pkg/cloudprovider/cloudprovider.go and pkg/providers/instance/instance.go v0.31.4, v1.14.1.

use super::super::context::Cx;
use super::super::messages::{Say, quantities};
use super::super::names::{CAPACITY_TYPE, ON_DEMAND, SPOT, ZONE};
use super::super::state::State;
use super::super::{hashes, input, node_class, offers, settings};
use super::{Pass, initialize};
use crate::actor::Action;
use crate::decisions::What;
use objects::collections::{VecMap, VecSet};
use objects::{DocExt, Era, Kind, ObjectKey, Value, json};

/// Fleet error codes that mean an offering is out of capacity. Source: pkg/errors/errors.go.
const CAPACITY_CODES: [&str; 6] = [
    "InsufficientInstanceCapacity",
    "MaxSpotInstanceCountExceeded",
    "VcpuLimitExceeded",
    "UnfulfillableCapacity",
    "Unsupported",
    "InsufficientFreeAddressesInSubnet",
];
const CAPACITY_CODES_V1: [&str; 2] = ["MaxFleetCountExceeded", "ReservationCapacityExceeded"];
/// Failed launches are tried again after a second, doubling to a minute.
const RETRY_MS: u64 = 1_000;
const RETRY_MAX_MS: u64 = 60_000;
/// Fewer types than this with spot allowed and on-demand chosen earn a warning.
const FLEXIBLE: usize = 5;

/// How far a launch has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Launched,
    /// The fleet has not answered: nothing else happens to the claim.
    Waiting,
}

pub fn reconcile(pass: &mut Pass<'_>, failures: &mut VecMap<String, u32>, state: &mut State, cx: &mut Cx<'_, '_>) -> Step {
    if pass.conditions.is_true(cx.names.launched) {
        return Step::Launched;
    }
    let name = pass.claim.meta.name.clone();
    let key = ObjectKey::cluster(Kind::FleetRequest, &name);
    let Some(request) = cx.view.store.get(&key).cloned() else {
        ask(pass, state, cx);
        return Step::Waiting;
    };
    let status = request.doc.at("status");
    let errors = status.list_at("errors");
    if status.str_at("instanceId").is_none() && errors.is_empty() {
        return Step::Waiting;
    }
    initialize(&mut pass.conditions, cx.era(), cx.names.launched);
    cx.delete(key, "the fleet has answered");
    let short = exclude(errors, request.doc.str_at("spec.capacityType").unwrap_or_default(), pass, state, cx);
    match status.str_at("instanceId") {
        Some(_) => {
            failures.remove(&name);
            launched(&request.doc, pass, cx);
        }
        None if short => {
            insufficient(
                &format!("creating instance, insufficient capacity, with fleet error(s), {}", combined(errors)),
                pass,
                cx,
            );
        }
        None => {
            let error = format!("creating instance, with fleet error(s), {}", combined(errors));
            failed_again(&error, failures, pass, cx);
        }
    }
    Step::Launched
}

/// Sends the request, or ends the claim where nothing can be bought for it.
fn ask(pass: &mut Pass<'_>, state: &mut State, cx: &mut Cx<'_, '_>) {
    let claim = pass.claim;
    let class = claim.claim().map_or("", |c| c.node_class.as_str());
    let Some(class) = cx.view.store.cluster(cx.names.node_class, class) else {
        let kind = cx.names.node_class;
        let error = format!("resolving node class, {} {class:?} not found", kind.resource());
        match cx.era() {
            Era::V1alpha5 => {
                let error = format!("getting AWSNodeTemplate, {} {class:?} not found", kind.resource());
                failed(&error, RETRY_MAX_MS.ilog2(), pass, cx);
            }
            Era::V1 => end(&error, pass, cx),
        }
        return;
    };
    let class = class.clone();
    let kubelet = input::kubelet_of_claim(claim, cx.view);
    let types = input::types(cx.view, state, &kubelet);
    let funnel = match offers::for_claim(claim, &types.table, types.block(&kubelet), &settings::rules(cx.view)) {
        Ok(offers) => offers,
        Err(error) => return insufficient(&error, pass, cx),
    };
    if funnel.capacity_type == ON_DEMAND && funnel.spot_allowed && funnel.types < FLEXIBLE {
        cx.log(Say::NotFlexible { claim: pass.reference(cx), types: funnel.types });
    }
    // An instance needs a subnet that the class selects.
    let subnets = class.doc.list_at("status.subnets");
    let reachable = |o: &&offers::Override| subnets.is_empty() || subnets.iter().any(|s| s.str_at("zone") == Some(&o.zone));
    let overrides: Vec<Value> = funnel
        .overrides
        .iter()
        .filter(reachable)
        .map(|o| json!({"instanceType": o.instance_type, "zone": o.zone, "priceMicro": o.price_micro}))
        .collect();
    if overrides.is_empty() {
        return insufficient("no capacity offerings are currently available given the constraints", pass, cx);
    }
    let strategy = if funnel.capacity_type == SPOT { "price-capacity-optimized" } else { "lowest-price" };
    let mut labels: VecMap<String, String> = single_values(claim);
    labels.extend(claim.meta.labels.clone());
    labels.insert(CAPACITY_TYPE.to_owned(), funnel.capacity_type.to_owned());
    let settings_doc = input::kubelet_doc(claim.doc.at("spec.kubelet"), Some(&class), cx.era());
    let (reserved, bound_pods) = settings::interfaces(cx.view);
    let mut doc = json!({
        "apiVersion": Kind::FleetRequest.api_version(), "kind": Kind::FleetRequest.name(),
        "metadata": {"name": claim.meta.name},
        "spec": {
            "claim": claim.meta.name, "strategy": strategy, "capacityType": funnel.capacity_type, "overrides": overrides,
            "nodeLabels": labels, "taints": claim.doc.list_at("spec.taints"),
            "startupTaints": claim.doc.list_at("spec.startupTaints"), "imageFamily": node_class::family(&class),
            "template": node_class::launch_template(&class, cx),
        },
    });
    if !settings_doc.is_null() {
        doc.set("spec.kubelet", settings_doc.clone());
    }
    if (reserved, bound_pods) != (0, true) {
        doc.set("spec.interfaces", json!({"reserved": reserved, "boundPods": bound_pods}));
    }
    cx.push(Action::Create(doc), "launch an instance for the claim");
}

/// Labels from requirements that leave one value.
pub(super) fn single_values(claim: &objects::Object) -> VecMap<String, String> {
    let requirements = claim.claim().map(|c| c.requirements.as_slice()).unwrap_or_default();
    requirements
        .iter()
        .filter(|r| r.operator == objects::selector::Operator::In)
        .filter_map(|r| match r.values.as_slice() {
            [value] => Some((r.key.clone(), value.clone())),
            _ => None,
        })
        .collect()
}

/// Takes offerings out that the fleet had none of. True where all errors are of that sort.
fn exclude(errors: &[Value], capacity_type: &str, pass: &Pass<'_>, state: &mut State, cx: &mut Cx<'_, '_>) -> bool {
    let is_short = |e: &&Value| {
        let code = e.str_at("code").unwrap_or_default();
        CAPACITY_CODES.contains(&code) || (cx.era() == Era::V1 && CAPACITY_CODES_V1.contains(&code))
    };
    let short: Vec<Value> = errors.iter().filter(is_short).cloned().collect();
    let all = short.len() == errors.len();
    for e in short {
        let text = |f: &str| e.str_at(f).unwrap_or_default();
        let (instance_type, zone) = (text("instanceType"), text("zone"));
        cx.log(Say::RemovingOffering { claim: pass.reference(cx), reason: text("code"), instance_type, zone, capacity_type });
        state.set_unavailable(capacity_type, instance_type, zone, cx.view.now);
    }
    all
}

/// Equal errors once, in order of text (the real order is a map's).
fn combined(errors: &[Value]) -> String {
    let text = |e: &Value| format!("{}: {}", e.str_at("code").unwrap_or_default(), e.str_at("message").unwrap_or_default());
    errors.iter().map(text).collect::<VecSet<String>>().into_iter().collect::<Vec<_>>().join("; ")
}

fn launched(request: &Value, pass: &mut Pass<'_>, cx: &mut Cx<'_, '_>) {
    let claim = pass.claim;
    let text = |path: &str| request.str_at(path).unwrap_or_default().to_owned();
    let (instance_type, zone, id) = (text("status.instanceType"), text("status.zone"), text("status.instanceId"));
    let capacity_type = text("spec.capacityType");
    let plain = cx.view.market.types().named(&instance_type);
    let found = plain.map(|(_, t)| cx.view.market.shaped(t, &input::kubelet_of_claim(claim, cx.view), cx.era()));
    let mut labels: VecMap<String, String> = VecMap::new();
    if let Some(found) = &found {
        labels.extend(found.requirements.iter().filter_map(|r| Some((r.key.to_string(), r.single()?.to_string()))));
    }
    labels.insert(ZONE.to_owned(), zone.clone());
    labels.insert(CAPACITY_TYPE.to_owned(), capacity_type.clone());
    labels.extend(single_values(claim));
    labels.extend(claim.meta.labels.clone());
    let provider_id = format!("aws:///{zone}/{id}");
    let (capacity, allocatable) = found.map(|t| (t.capacity, t.allocatable)).unwrap_or_default();
    let nonzero = |mut r: objects::Resources| {
        r.0.retain(|_, amount| *amount != 0);
        r
    };
    let (capacity, allocatable) = (nonzero(capacity), nonzero(allocatable));
    pass.patch.set("metadata.labels", json!(labels));
    pass.patch.set("status.providerID", provider_id.as_str());
    pass.patch.set("status.capacity", quantities(&capacity));
    pass.patch.set("status.allocatable", quantities(&allocatable));
    if cx.era() == Era::V1 {
        let arch = labels.get("kubernetes.io/arch").map_or("amd64", String::as_str);
        pass.patch.set("status.imageID", text(&format!("spec.template.images.{arch}")));
    }
    let class = claim.claim().and_then(|c| cx.view.store.cluster(cx.names.node_class, &c.node_class));
    let inherited = class.map(|c| hashes::inherited(c, hashes::class_keys(cx.era()), cx.view)).unwrap_or_default();
    if !inherited.is_empty() {
        pass.patch.set("metadata.annotations", hashes::annotated(inherited));
    }
    pass.provider_id = provider_id;
    pass.conditions.set_true(cx.names.launched);
    cx.log(Say::Launched {
        claim: pass.reference(cx),
        instance_type: &instance_type,
        zone: &zone,
        capacity_type: &capacity_type,
        allocatable: &allocatable,
    });
    let candidates: VecSet<&str> = request.list_at("spec.overrides").iter().filter_map(|o| o.str_at("instanceType")).collect();
    let strategy =
        if request.str_at("spec.strategy") == Some("lowest-price") { "lowest-price" } else { "price-capacity-optimized" };
    let what = What::Fleet {
        price_micro: request.int_at("status.priceMicro").unwrap_or(0),
        candidates: candidates.len(),
        instance_type,
        zone,
        capacity_type,
        strategy,
    };
    cx.decide(claim.key(), what);
}

/// No capacity: the claim is deleted; its pods come back with the next trigger, with fewer offerings to choose from.
pub(super) fn insufficient(error: &str, pass: &mut Pass<'_>, cx: &mut Cx<'_, '_>) {
    let claim = pass.claim;
    let message = format!("{} {} event: {}", claim.kind.name(), claim.meta.name, shortened(error));
    cx.warn(claim.key(), "InsufficientCapacityError", message);
    end(error, pass, cx);
}

pub(super) fn end(error: &str, pass: &mut Pass<'_>, cx: &mut Cx<'_, '_>) {
    cx.log(Say::LaunchFailed { claim: pass.reference(cx), error });
    // The finalizer has to be there before the deletion, as it is on the real object by now.
    cx.delete(pass.claim.key(), "nothing can be launched for the claim");
    pass.gone = true;
}

/// As much of an error as conditions and events show.
fn shortened(error: &str) -> String {
    if error.len() < 300 { error.to_owned() } else { error.chars().take(300).chain("...".chars()).collect() }
}

/// A failure beside those that this claim's launch has had.
pub(super) fn failed_again(error: &str, failures: &mut VecMap<String, u32>, pass: &mut Pass<'_>, cx: &mut Cx<'_, '_>) {
    let count = failures.entry(pass.claim.meta.name.clone()).and_modify(|n| *n = n.saturating_add(1)).or_insert(0);
    failed(error, *count, pass, cx);
}

fn failed(error: &str, failures: u32, pass: &mut Pass<'_>, cx: &mut Cx<'_, '_>) {
    let shown = shortened(error);
    let error = match cx.era() {
        Era::V1alpha5 => format!("creating machine, {error}"),
        Era::V1 => format!("launching nodeclaim, {error}"),
    };
    pass.conditions.set_waiting(cx.names.launched, "LaunchFailed", &shown);
    cx.log(Say::ReconcilerError { claim: pass.reference(cx), error: &error });
    pass.wake(cx.view.now + RETRY_MS.saturating_mul(1u64 << failures.min(16)).min(RETRY_MAX_MS));
}
