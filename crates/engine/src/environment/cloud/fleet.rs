//! EC2 CreateFleet (type instant, one instance): chooses a pool and answers after its latency.
//!
//! The real choice is opaque. The model: `lowest-price` takes the cheapest override, equal prices in a drawn order;
//! `price-capacity-optimized` the catalogue's rule (the cheapest deep pool). A pool whose spare capacity is
//! [`EMPTY_BELOW`] or less has none to give: it answers InsufficientInstanceCapacity, and the next best is tried.
//! Latency: 2.0-3.5 s while a launch template has to be made, 1.2-2.5 s later.

use super::HELD;
use super::machine::{node_dns_name, region_of};
use crate::actor::{Action, Actor, Intent, View};
use crate::environment::support::patch;
use crate::kernel::{SimTime, Timers};
use crate::store::{Change, Op};
use catalog::{Pool, price_capacity_optimized};
use objects::collections::{VecMap, VecSet};
use objects::json;
use objects::{DocExt, Kind, Object, Value};
use std::sync::Arc;

/// Of a thousand: about one pool in fifty to a hundred has nothing left.
const EMPTY_BELOW: u32 = 5;
const NO_CAPACITY: &str = "InsufficientInstanceCapacity";

#[derive(Clone, Debug, Default)]
pub struct Fleet {
    due: Timers<String>,
    /// Launch templates that exist, by what makes them differ.
    templates: VecSet<String>,
    addresses: VecMap<String, String>,
}

impl Actor for Fleet {
    fn name(&self) -> &'static str {
        "ec2-fleet"
    }

    fn observe(&mut self, change: &Change, view: &View<'_>) {
        let object = &change.object;
        match (change.kind(), change.op) {
            (Kind::FleetRequest, Op::Added) if object.doc.at("status.instanceId").is_null() => {
                let spec = object.doc.at("spec");
                let parts = ["imageFamily", "template", "nodeLabels", "taints", "kubelet"];
                let template: String = parts.iter().map(|part| spec.at(part).to_string()).collect();
                let new = self.templates.insert(template);
                let mut stream = view.stream("fleet-latency", &object.meta.name);
                let ms = if new { stream.between(2_000, 3_500) } else { stream.between(1_200, 2_500) };
                self.due.set(object.meta.name.clone(), view.now + ms);
            }
            (Kind::FleetRequest, Op::Deleted) => self.due.cancel(&object.meta.name),
            (Kind::Instance, Op::Deleted) => self.addresses.retain(|_, id| id != &object.meta.name),
            (Kind::Instance, _) => {
                if let Some(ip) = object.doc.str_at("spec.privateIP") {
                    self.addresses.insert(ip.to_owned(), object.meta.name.clone());
                }
            }
            (Kind::Pod, op) => {
                // Pods draw from the same subnets.
                if let Some(ip) = object.doc.str_at("status.podIP").filter(|ip| !ip.is_empty()) {
                    let node = object.pod().map(|p| p.spec.host_network).unwrap_or(false);
                    if op == Op::Deleted && self.addresses.get(ip) == Some(&object.meta.uid) {
                        self.addresses.remove(ip);
                    } else if op != Op::Deleted && !node {
                        self.addresses.entry(ip.to_owned()).or_insert_with(|| object.meta.uid.clone());
                    }
                }
            }
            _ => {}
        }
    }

    fn wake_at(&self) -> Option<SimTime> {
        self.due.next()
    }

    fn act(&mut self, view: &View<'_>) -> Vec<Intent> {
        let mut out = Vec::new();
        while let Some(name) = self.due.pop_due(view.now) {
            if let Some(request) = view.store.cluster(Kind::FleetRequest, &name) {
                self.answer(request, view, &mut out);
            }
        }
        out
    }
}

struct Override {
    instance_type: String,
    zone: String,
    price_micro: i64,
}

impl Fleet {
    fn answer(&mut self, request: &Arc<Object>, view: &View<'_>, out: &mut Vec<Intent>) {
        if let Some(fault) = super::fault("launch-errors", view) {
            let errors = json!([{"code": fault.doc.at("spec.code").clone(), "message": "The request could not be carried out."}]);
            out.push(patch(request.key(), json!({"status": {"errors": errors}}), "CreateFleet fails"));
            return;
        }
        let spec = request.doc.at("spec");
        let overrides: Vec<Override> = spec.list_at("overrides").iter().filter_map(read_override).collect();
        let spot = spec.str_at("capacityType") == Some("spot");
        let (chosen, errors) = self.choose(request, overrides, spot, view);
        let Some(chosen) = chosen else {
            out.push(patch(request.key(), json!({"status": {"errors": errors}}), "no pool has capacity"));
            return;
        };
        let id = self.new_id(&request.meta.name, view);
        let ip = self.private_ip(&chosen.zone, &id, view);
        let node = node_dns_name(region_of(&chosen.zone), &ip);
        let on_demand = view.market.on_demand_micro(&chosen.instance_type).unwrap_or(chosen.price_micro);
        let mut instance = json!({
            "apiVersion": "cloud.nodewright/v1", "kind": "Instance",
            "metadata": {"name": id, "finalizers": [HELD]},
            "spec": {
                "instanceType": chosen.instance_type, "zone": chosen.zone,
                "capacityType": if spot { "spot" } else { "on-demand" }, "priceMicro": chosen.price_micro,
                "onDemandMicro": on_demand, "claim": spec.at("claim").clone(),
                "providerID": format!("aws:///{}/{id}", chosen.zone), "privateIP": ip, "nodeName": node,
                "nodeLabels": spec.at("nodeLabels").clone(), "taints": spec.at("taints").clone(),
                "startupTaints": spec.at("startupTaints").clone(), "imageFamily": spec.at("imageFamily").clone(),
                "template": spec.at("template").clone(),
            },
            "status": {"state": "pending"},
        });
        for settings in ["kubelet", "interfaces"] {
            if !spec.at(settings).is_null() {
                instance.set(&format!("spec.{settings}"), spec.at(settings).clone());
            }
        }
        out.push(Intent::new(Action::Create(instance), "the fleet gives one instance"));
        out.push(patch(
            request.key(),
            json!({"status": {
                "instanceId": id, "instanceType": chosen.instance_type, "zone": chosen.zone,
                "priceMicro": chosen.price_micro, "errors": errors,
            }}),
            "the fleet's answer",
        ));
    }

    /// The pool that gives the instance, and the errors of those that were tried before it.
    fn choose(&self, request: &Object, mut left: Vec<Override>, spot: bool, view: &View<'_>) -> (Option<Override>, Vec<Value>) {
        let capacity_optimized = spot && request.doc.str_at("spec.strategy") != Some("lowest-price");
        let mut order = view.stream("fleet-order", &request.meta.name);
        let mut errors = Vec::new();
        while !left.is_empty() {
            let bands: Vec<u8> = left.iter().map(|o| band(o, view)).collect();
            let pools: Vec<Pool<'_>> = left
                .iter()
                .zip(&bands)
                .map(|(o, band)| Pool {
                    instance_type: &o.instance_type,
                    zone: &o.zone,
                    price_micro: u64::try_from(o.price_micro).unwrap_or(0),
                    band: *band,
                })
                .collect();
            let index = if capacity_optimized {
                price_capacity_optimized(view.seed, &pools)
            } else {
                let lowest = pools.iter().map(|p| p.price_micro).min();
                let cheapest: Vec<usize> = (0..pools.len()).filter(|i| pools.get(*i).map(|p| p.price_micro) == lowest).collect();
                cheapest.get(usize::try_from(order.below(cheapest.len() as u64)).unwrap_or(0)).copied()
            };
            let Some(index) = index else {
                break;
            };
            let depth = pools.get(index).map_or(0, |p| catalog::depth(view.seed, p.zone, p.instance_type, p.band));
            let tried = left.swap_remove(index);
            // On-demand capacity of the modelled regions is taken to be there, unless a fault takes it away.
            let capacity_type = if spot { "spot" } else { "on-demand" };
            let given = super::has_capacity(capacity_type, &tried.instance_type, &tried.zone, view);
            if given && (!spot || depth > EMPTY_BELOW) {
                return (Some(tried), errors);
            }
            let message = match spot {
                true => "There is no Spot capacity available that matches your request.".to_owned(),
                false => format!(
                    "We currently do not have sufficient {} capacity in the Availability Zone you requested ({}).",
                    tried.instance_type, tried.zone
                ),
            };
            errors.push(json!({
                "code": NO_CAPACITY, "instanceType": tried.instance_type, "zone": tried.zone, "message": message,
            }));
        }
        (None, errors)
    }

    fn new_id(&self, request: &str, view: &View<'_>) -> String {
        let mut stream = view.stream("instance-id", request);
        loop {
            let id = format!("i-0{}", stream.hex(16));
            if view.store.cluster(Kind::Instance, &id).is_none() {
                return id;
            }
        }
    }

    /// A free address of the zone's subnet: 192.168.0.0/19, .32., .64., ... by the zone's letter.
    fn private_ip(&mut self, zone: &str, id: &str, view: &View<'_>) -> String {
        let letter = zone.bytes().last().unwrap_or(b'a').saturating_sub(b'a').min(7);
        let base = u64::from(letter) * 32;
        let mut stream = view.stream("private-ip", id);
        let mut ip = String::new();
        for _ in 0..64 {
            ip = format!("192.168.{}.{}", base + stream.below(32), stream.between(4, 254));
            if !self.addresses.contains_key(&ip) {
                break;
            }
        }
        self.addresses.insert(ip.clone(), id.to_owned());
        ip
    }
}

/// How often the type is interrupted; the middle of the bands where the market does not know it.
fn band(o: &Override, view: &View<'_>) -> u8 {
    view.market.sold(&o.instance_type).map_or(2, |t| t.band)
}

fn read_override(v: &Value) -> Option<Override> {
    Some(Override {
        instance_type: v.str_at("instanceType")?.to_owned(),
        zone: v.str_at("zone")?.to_owned(),
        price_micro: v.int_at("priceMicro")?,
    })
}
