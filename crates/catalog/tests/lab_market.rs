//! The spot market as the introductory lab meets it: five pods of one CPU, the v1alpha5 default Provisioner, spot, Seoul.
//!
//! No type is favoured by name: the answer follows from prices, depths and the seed alone.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

use nodewright_catalog::{Catalog, Era, NodeShape, Pool, Region, RegionType, price_capacity_optimized};
use std::collections::BTreeMap;

/// Letters of the zones in which the lab's cluster has subnets.
const SUBNETS: &str = "abc";

fn seoul() -> Region {
    Catalog::embedded().region("ap-northeast-2", Era::Era2023).expect("Seoul")
}

/// Types that the defaulted Provisioner allows and that hold 5 x 1000m beside 125m of DaemonSets, cheapest spot price
/// first, at most 60 as Karpenter hands to the fleet.
fn candidates<'a>(region: &'a Region, zones: &str) -> Vec<&'a RegionType> {
    let fits = |t: &RegionType| t.facts.allocatable(Era::Era2023, &NodeShape::default()).cpu_milli >= 5_125;
    let allowed = |t: &RegionType| {
        let facts = &t.facts;
        let category = facts.category.as_deref().is_some_and(|c| ["c", "m", "r"].contains(&c));
        category && facts.generation.is_some_and(|g| g > 2) && facts.arch == "amd64" && facts.gpu.is_none()
    };
    let cheapest = |t: &RegionType| pools(t, zones).map(|p| p.price_micro).min();
    let mut found: Vec<_> =
        region.types.iter().filter(|t| allowed(t) && fits(t)).filter_map(|t| Some((cheapest(t)?, &t.facts.name, t))).collect();
    found.sort_by_key(|(price, name, _)| (*price, *name));
    found.into_iter().map(|(_, _, t)| t).take(60).collect()
}

fn pools<'a>(t: &'a RegionType, zones: &str) -> impl Iterator<Item = Pool<'a>> {
    t.spot_pools().filter(|p| p.zone.ends_with(|c| zones.contains(c)))
}

/// Seeds of `0..4000` by the type that the fleet answers with.
fn answers(region: &Region, zones: &str) -> BTreeMap<String, Vec<u64>> {
    let types = candidates(region, zones);
    assert_eq!(types.len(), 60);
    let rank = types.iter().position(|t| t.facts.name == "r3.2xlarge").expect("r3.2xlarge");
    assert!(rank < 10, "r3.2xlarge is number {rank}");
    let all: Vec<Pool<'_>> = types.iter().flat_map(|t| pools(t, zones)).collect();
    let mut found: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for seed in 0..4_000 {
        let pool = all[price_capacity_optimized(seed, &all).expect("a pool")];
        found.entry(pool.instance_type.to_owned()).or_default().push(seed);
        let r3_elsewhere = pool.instance_type == "r3.2xlarge" && !pool.zone.ends_with(['a', 'c']);
        assert!(!r3_elsewhere, "{pool:?}");
    }
    found
}

#[test]
fn r3_is_cheap_but_only_some_seeds_choose_it() {
    let region = seoul();
    let found = answers(&region, SUBNETS);
    for (name, seeds) in &found {
        println!("{name}: {} of 4000 seeds, first {:?}", seeds.len(), &seeds[..seeds.len().min(12)]);
    }
    let r3 = found.get("r3.2xlarge").cloned().unwrap_or_default();
    assert!((4..400).contains(&r3.len()), "{} of 4000 seeds give r3.2xlarge", r3.len());
    assert!(found.len() > 5, "{found:?}");
    // The introductory scenario is seeded with the first of these.
    assert_eq!(r3.first(), Some(&196));
}
