//! What one region offers at one date: zones, types, prices, and offerings (zone and capacity type).

use crate::decode::{RegionData, RegionRow};
use crate::{CapacityType, CatalogError, Era, Pool, TypeFacts, depth, spot_price_micro};
use std::sync::Arc;

/// An availability zone. Letters are mapped to ids per account in older regions; these are one account's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    /// `ap-northeast-2a`
    pub name: String,
    /// `apne2-az1`; empty where it is not known.
    pub id: String,
}

/// Where an on-demand price comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PriceSource {
    /// A published price list: Karpenter's table of 2026-07 or a snapshot of 2024-04.
    List,
    /// The 2024-04 snapshot, scaled by a price cut seen since in us-east-1.
    ListWithCut,
    /// us-east-1's price times the region's usual ratio for sibling families (`DATA.md` has the error).
    Estimate,
}

/// Where a type's spot savings come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SavingsSource {
    /// The published value of this type in this region.
    Published,
    /// The region's median of the family.
    Family,
    /// The region's median of category and architecture.
    Category,
    /// us-east-1's published value of the type.
    UsEast1,
    /// The region's median of all types.
    Region,
}

/// One way to buy a type: in a zone, on demand or spot. Prices in micro-USD per hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offering {
    pub zone: String,
    pub zone_id: String,
    pub capacity_type: CapacityType,
    pub price_micro: u64,
}

/// A type as a region sells it.
#[derive(Clone, Debug)]
pub struct RegionType {
    pub facts: Arc<TypeFacts>,
    /// List price, micro-USD per hour; None where no price is known: Karpenter would not offer the type then.
    pub on_demand_micro: Option<u64>,
    pub price_source: Option<PriceSource>,
    /// Zones that sell it, as indices into [`Region::zones`].
    pub zones: Vec<usize>,
    /// Spot savings against on demand, in percent; None where the type is not sold as spot or has no price.
    pub savings_pct: Option<u8>,
    pub savings_source: Option<SavingsSource>,
    /// Interruption band: 0 to 4 for below 5 %, 5-10, 10-15, 15-20, above 20 % of instances interrupted in a month.
    pub band: u8,
    /// Every offering with a price: by zone, on demand before spot. Spot prices are the synthetic model's.
    pub offerings: Vec<Offering>,
}

/// One region at one date.
#[derive(Clone, Debug)]
pub struct Region {
    pub name: String,
    pub era: Era,
    pub zones: Vec<Zone>,
    /// In catalogue order; only types offered in some zone.
    pub types: Vec<RegionType>,
}

impl RegionType {
    /// The price of an offering, micro-USD per hour.
    pub fn price_micro(&self, capacity_type: CapacityType, zone: &str) -> Option<u64> {
        self.offerings.iter().find(|o| o.capacity_type == capacity_type && o.zone == zone).map(|o| o.price_micro)
    }

    /// The spot pools of this type.
    pub fn spot_pools(&self) -> impl Iterator<Item = Pool<'_>> {
        self.offerings.iter().filter(|o| o.capacity_type == CapacityType::Spot).map(|o| Pool {
            instance_type: &self.facts.name,
            zone: &o.zone,
            price_micro: o.price_micro,
            band: self.band,
        })
    }

    /// Spare spot capacity of this type in `zone` under the session's seed, see [`depth`].
    pub fn depth(&self, seed: u64, zone: &str) -> u32 {
        depth(seed, zone, &self.facts.name, self.band)
    }
}

impl Region {
    pub fn get(&self, instance_type: &str) -> Option<&RegionType> {
        self.types.iter().find(|t| t.facts.name == instance_type)
    }

    pub fn zone(&self, name: &str) -> Option<&Zone> {
        self.zones.iter().find(|z| z.name == name)
    }
}

pub(crate) fn build(
    data: &RegionData,
    era: Era,
    facts: impl Fn(&RegionRow) -> Option<Arc<TypeFacts>>,
) -> Result<Region, CatalogError> {
    let used = data.rows.iter().fold(0u32, |mask, row| mask | row.at(era).zones);
    let letters: Vec<(u32, &String)> =
        data.zone_ids.iter().filter(|(bit, _)| used >> *bit & 1 == 1).map(|(b, i)| (*b, i)).collect();
    if letters.is_empty() {
        return Err(CatalogError::NoOfferings { name: data.name.clone(), era });
    }
    let zone_name = |bit: u32| format!("{}{}", data.name, char::from(b'a' + (bit % 26) as u8));
    let zones: Vec<Zone> = letters.iter().map(|(bit, id)| Zone { name: zone_name(*bit), id: (*id).clone() }).collect();
    let mut types = Vec::new();
    for row in data.rows.iter().filter(|row| row.at(era).zones != 0) {
        let Some(facts) = facts(row) else { continue };
        let here = row.at(era);
        let sold_in: Vec<usize> =
            letters.iter().enumerate().filter(|(_, (bit, _))| here.zones >> bit & 1 == 1).map(|(i, _)| i).collect();
        let savings = here.savings.filter(|_| facts.spot && row.usd_micro.is_some());
        let mut offerings = Vec::new();
        for zone in sold_in.iter().filter_map(|i| zones.get(*i)) {
            let Some(on_demand) = row.usd_micro else { continue };
            let mut offer = |capacity_type, price_micro| {
                offerings.push(Offering { zone: zone.name.clone(), zone_id: zone.id.clone(), capacity_type, price_micro });
            };
            if facts.on_demand {
                offer(CapacityType::OnDemand, on_demand);
            }
            if let Some((pct, _)) = savings {
                offer(CapacityType::Spot, spot_price_micro(on_demand, pct, &zone.name, &facts.name, facts.bare_metal));
            }
        }
        types.push(RegionType {
            on_demand_micro: row.usd_micro,
            price_source: row.source,
            zones: sold_in,
            savings_pct: savings.map(|(pct, _)| pct),
            savings_source: savings.map(|(_, source)| source),
            band: here.band,
            offerings,
            facts,
        });
    }
    Ok(Region { name: data.name.clone(), era, zones, types })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Catalog;

    fn seoul(era: Era) -> Region {
        Catalog::embedded().region("ap-northeast-2", era).expect("Seoul")
    }

    #[test]
    fn zones_have_their_ids() {
        for (era, types) in [(Era::Era2023, 500), (Era::Era2026, 800)] {
            let region = seoul(era);
            let zones: Vec<_> = region.zones.iter().map(|z| format!("{} {}", z.name, z.id)).collect();
            let expect = ["a apne2-az1", "b apne2-az2", "c apne2-az3", "d apne2-az4"];
            assert_eq!(zones, expect.map(|z| format!("ap-northeast-2{z}")));
            assert!((types - 150..types + 150).contains(&region.types.len()), "{}", region.types.len());
        }
    }

    #[test]
    fn lab_prices_and_offerings_are_the_recorded_ones() {
        let region = seoul(Era::Era2023);
        for (name, micro, zones) in [
            ("c5.large", 96_000, "abcd"),
            ("m5.large", 118_000, "abcd"),
            ("m5.xlarge", 236_000, "abcd"),
            ("r3.2xlarge", 798_000, "ac"),
            ("t3.medium", 52_000, "abcd"),
        ] {
            let found = region.get(name).expect(name);
            assert_eq!(found.on_demand_micro, Some(micro), "{name}");
            let sold: Vec<_> = found.zones.iter().filter_map(|i| region.zones.get(*i)).map(|z| z.name.clone()).collect();
            let expect: Vec<_> = zones.chars().map(|c| format!("ap-northeast-2{c}")).collect();
            assert_eq!(sold, expect, "{name}");
            assert_eq!(found.offerings.len(), zones.len() * 2, "{name}");
            for zone in &sold {
                let spot = found.price_micro(CapacityType::Spot, zone).expect(name);
                assert!(spot * 10 >= micro && spot <= micro, "{name} {zone} {spot}");
            }
        }
        assert_eq!(region.get("r3.2xlarge").and_then(|t| t.savings_pct), Some(82));
        assert!(region.get("m9g.large").is_none());
    }
}
