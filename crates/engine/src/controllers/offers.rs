//! What may be bought for a claim: the types that satisfy it, without exotic ones, without spot dearer than on-demand,
//! cheapest first, sixty at most, in every zone that sells them.
//! Source: aws/karpenter-provider-aws pkg/providers/instance/instance.go v0.31.4 and v1.14.1.

use super::names::{CAPACITY_TYPE, ON_DEMAND, SPOT};
use crate::scheduling::type_table::min_values_text;
use crate::scheduling::{InstanceType, MinValues, Requirements, Rules, TypeTable};
use objects::collections::Order as _;
use objects::{Era, Object};

/// Most types in one request to the fleet.
const MAX_TYPES: usize = 60;
/// Resources of types that are taken only where nothing else is left.
const EXOTIC: [&str; 4] = ["nvidia.com/gpu", "amd.com/gpu", "aws.amazon.com/neuron", "habana.ai/gaudi"];

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    pub instance_type: String,
    pub zone: String,
    pub price_micro: i64,
}

/// A request to the fleet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offers {
    pub capacity_type: &'static str,
    pub spot_allowed: bool,
    pub types: usize,
    /// By price of the type, then zone.
    pub overrides: Vec<Override>,
}

/// From the types of a block; `Err` is Karpenter's text for having nothing to ask for.
pub fn for_claim(claim: &Object, table: &TypeTable, block: usize, rules: &Rules) -> Result<Offers, String> {
    let era = rules.era;
    let typed = claim.claim().ok_or("the claim cannot be read")?;
    let requirements = Requirements::of_expressions(&typed.requirements);
    let candidate = |t: &&InstanceType| {
        t.requirements.intersects(&requirements)
            && typed.requests.fits(&t.allocatable)
            && t.compatible(&requirements).next().is_some()
    };
    let all: Vec<&InstanceType> = table.block(block).filter(candidate).collect();
    if all.is_empty() {
        return Err("all requested instance types were unavailable during launch".to_owned());
    }
    let plain: Vec<&InstanceType> = all.iter().copied().filter(|t| !is_exotic(t)).collect();
    let types = if plain.is_empty() { all } else { plain };
    let spot_allowed = requirements.allows(CAPACITY_TYPE, SPOT);
    let sells = |t: &InstanceType, capacity_type: &str| t.compatible(&requirements).any(|o| &*o.capacity_type == capacity_type);
    let mixed = spot_allowed
        && requirements.allows(CAPACITY_TYPE, ON_DEMAND)
        && !requirements.has_min_values()
        && types.iter().any(|t| sells(t, SPOT))
        && types.iter().any(|t| sells(t, ON_DEMAND));
    let price = |t: &InstanceType, capacity_type: &str| {
        t.compatible(&requirements).filter(|o| &*o.capacity_type == capacity_type).map(|o| o.price_micro).min()
    };
    // Spot that costs more than the cheapest on-demand is no bargain: 0.31 leaves the type out, 1.14 the offering.
    let ceiling = types.iter().filter_map(|t| price(t, ON_DEMAND)).min().filter(|_| mixed);
    let usable =
        |o_price: i64, capacity_type: &str| era == Era::V1alpha5 || capacity_type != SPOT || ceiling.is_none_or(|c| o_price <= c);
    let mut kept: Vec<(i64, &InstanceType)> = types
        .into_iter()
        .filter_map(|t| {
            let offers = t.compatible(&requirements).filter(|o| usable(o.price_micro, &o.capacity_type));
            let cheapest = offers.map(|o| o.price_micro).min()?;
            let in_reach = era == Era::V1 || ceiling.is_none_or(|c| cheapest <= c);
            in_reach.then_some((cheapest, t))
        })
        .collect();
    kept.order_by(|a, b| (a.0, &a.1.name).cmp(&(b.0, &b.1.name)));
    kept.truncate(MAX_TYPES);
    if rules.min_values == MinValues::Strict && requirements.has_min_values() {
        let order: Vec<usize> = kept.iter().filter_map(|(_, t)| Some(table.named(&t.name)?.0)).collect();
        let checked = table.satisfies_min_values(&order, &requirements);
        checked.map_err(|keys| {
            format!(
                "truncating instance types based on the passed-in requirements, validating minValues, {}",
                min_values_text(&keys)
            )
        })?;
    }
    let capacity_type = if spot_allowed && kept.iter().any(|(_, t)| sells(t, SPOT)) { SPOT } else { ON_DEMAND };
    let overrides: Vec<Override> = kept
        .iter()
        .flat_map(|(_, t)| {
            let mut offers: Vec<Override> = t
                .compatible(&requirements)
                .filter(|o| &*o.capacity_type == capacity_type && usable(o.price_micro, capacity_type))
                .map(|o| Override { instance_type: t.name.to_string(), zone: o.zone.to_string(), price_micro: o.price_micro })
                .collect();
            offers.order_by(|a, b| a.zone.cmp(&b.zone));
            offers
        })
        .collect();
    if overrides.is_empty() {
        return Err("no capacity offerings are currently available given the constraints".to_owned());
    }
    Ok(Offers { capacity_type, spot_allowed, types: kept.len(), overrides })
}

fn is_exotic(t: &InstanceType) -> bool {
    t.name.contains("metal") || EXOTIC.iter().any(|r| t.capacity.get(r) > 0)
}
