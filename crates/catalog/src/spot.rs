//! The spot market MODEL. AWS publishes neither pool depths nor its choice, and a history of prices per zone was not to
//! be had, so this file is synthetic; only the savings and interruption bands that it starts from are real.
//!
//! Price: on-demand price less the region's savings, spread between zones by a factor drawn from the pool's name.
//! Depth: how much spare capacity a pool has, drawn from the session's seed and weighted by the interruption band.

/// Depth from which `price-capacity-optimized` considers a pool.
pub const DEEP_AT: u32 = 250;

/// Largest possible depth per interruption band (below 5 %, 5-10, 10-15, 15-20, above 20 % interrupted per month).
/// With [`DEEP_AT`] 75, 69, 62, 50 and 17 % of the pools of a band are deep.
const MAX_DEPTH: [u32; 5] = [1_000, 800, 650, 500, 300];

/// One (type, zone) pool that a fleet request may draw from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool<'a> {
    pub instance_type: &'a str,
    pub zone: &'a str,
    /// USD/1,000,000 an hour.
    pub price_micro: u64,
    /// 0 to 4, see [`crate::RegionType::band`].
    pub band: u8,
}

/// Spare capacity of a pool, in `0..1000`, drawn from `seed`: the same for the whole session. A model.
pub fn depth(seed: u64, zone: &str, instance_type: &str, band: u8) -> u32 {
    let max = MAX_DEPTH.get(usize::from(band)).copied().unwrap_or(DEEP_AT);
    let hash = hash(&[&seed.to_le_bytes(), b"depth", zone.as_bytes(), b"/", instance_type.as_bytes()]);
    // The upper 32 bits, scaled to 0..max.
    u32::try_from(((hash >> 32) * u64::from(max)) >> 32).unwrap_or(0)
}

/// Index of the pool that EC2 Fleet's `price-capacity-optimized` takes in this model: the cheapest deep pool; where none
/// is deep, the deepest. Ties go to the deeper pool, then to the earlier in the slice. None for no pools.
pub fn price_capacity_optimized(seed: u64, pools: &[Pool<'_>]) -> Option<usize> {
    let depths: Vec<u32> = pools.iter().map(|p| depth(seed, p.zone, p.instance_type, p.band)).collect();
    let any_deep = depths.iter().any(|d| *d >= DEEP_AT);
    let ranked = pools.iter().zip(depths).enumerate().filter(|(_, (_, d))| !any_deep || *d >= DEEP_AT);
    ranked
        .min_by_key(|(_, (pool, d))| {
            let (price, shallow) = (pool.price_micro, u32::MAX - *d);
            if any_deep { (price, u64::from(shallow)) } else { (u64::from(shallow), price) }
        })
        .map(|(i, _)| i)
}

/// Interruptions of one running instance, in 1e-9 per hour: -ln(1 - p) / 730 for a monthly share p of 2.5, 7.5, 12.5,
/// 17.5 and 25 % (the middle of each band). A model.
pub fn interruption_ppb_per_hour(band: u8) -> u64 {
    const PPB: [u64; 5] = [34_682, 106_797, 182_920, 263_523, 394_085];
    PPB.get(usize::from(band)).copied().unwrap_or(394_085)
}

/// sqrt(3) and one, in 1/2^60.
const SQRT3_Q60: i128 = 1_996_918_623_117_814_388;
const ONE_Q60: i128 = 1 << 60;

/// Synthetic spot price in micro-USD per hour, in steps of 100 as EC2 prints four decimals.
///
/// od x (1 - savings) x exp(s x (u - 2) x sqrt 3), at least a tenth of the on-demand price and at most all of it;
/// u is the sum of four uniform draws from the pool's name, s is 0.10, for bare metal 0.20 (real zones of a region differ
/// by 0.08 to 0.13 in the logarithm, bare metal by 0.20). Integers only, so that every platform agrees.
pub fn spot_price_micro(on_demand_micro: u64, savings_pct: u8, zone: &str, instance_type: &str, bare_metal: bool) -> u64 {
    let hash = hash(&[zone.as_bytes(), b"/", instance_type.as_bytes()]);
    let draws: u64 = (0..4).map(|lane| (hash >> (16 * lane)) & 0xffff).sum();
    let tenths: i128 = if bare_metal { 2 } else { 1 };
    let exponent = tenths * (i128::from(draws) - 2 * 65_536) * SQRT3_Q60 / (10 * 65_536);
    let on_demand = i128::from(on_demand_micro);
    let kept = 100 - i128::from(savings_pct.min(100));
    // on-demand price below 2^40, the factor below 2^61: the product fits.
    let price = ((on_demand * kept * exp_q60(exponent)) >> 60).clamp(on_demand * 10, on_demand * 100);
    // `price` is in hundredths of a micro-dollar; round to steps of 100 micro-dollars.
    u64::try_from((price + 5_000) / 10_000 * 100).unwrap_or(0)
}

/// exp(x) for |x| <= 1, both in 1/2^60, by its series.
fn exp_q60(x: i128) -> i128 {
    let (mut term, mut sum) = (ONE_Q60, ONE_Q60);
    for n in 1..24 {
        term = ((term * x) >> 60) / n;
        sum += term;
    }
    sum
}

/// FNV-1a over the parts, finished with splitmix64.
fn hash(parts: &[&[u8]]) -> u64 {
    let mut h: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in parts.iter().flat_map(|p| p.iter()) {
        h = (h ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    h = (h ^ (h >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    h = (h ^ (h >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    h ^ (h >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CapacityType, Catalog, Era};

    #[test]
    fn prices_are_the_golden_ones() {
        let catalog = Catalog::embedded();
        let regions: Vec<_> =
            ["ap-northeast-2", "us-east-1"].map(|r| catalog.region(r, Era::Era2026).expect(r)).into_iter().collect();
        let mut rows = 0;
        for line in include_str!("../tests/data/spot-prices-golden.csv").lines().skip(1) {
            let cells: Vec<_> = line.split(',').collect();
            let (zone, name) = (cells[0], cells[1]);
            let region = regions.iter().find(|r| zone.starts_with(&r.name)).expect(zone);
            let found = region.get(name).expect(name);
            let price = found.price_micro(CapacityType::Spot, zone).expect(line);
            let usd: u64 = cells[2].replace('.', "").parse::<u64>().expect(line) * 100;
            let decimals = cells[2].split_once('.').map_or(0, |(_, d)| d.len());
            assert_eq!(decimals, 4, "{line}");
            assert_eq!(price, usd, "{line}");
            assert_eq!(found.savings_pct.map(|s| s.to_string()).as_deref(), Some(cells[3]), "{line}");
            assert_eq!(found.band.to_string(), cells[4], "{line}");
            rows += 1;
        }
        assert_eq!(rows, 8_606);
    }

    #[test]
    fn depth_follows_the_band() {
        let deep = |band| (0..2_000).filter(|seed| depth(*seed, "z", "t", band) >= DEEP_AT).count();
        let shares: Vec<_> = (0..5).map(|band| deep(band) / 20).collect();
        for (share, expect) in shares.iter().zip([75, 69, 62, 50, 17]) {
            assert!(share.abs_diff(expect) <= 4, "{shares:?}");
        }
        assert_ne!(depth(1, "a", "m5.large", 0), depth(2, "a", "m5.large", 0));
    }

    #[test]
    fn the_cheapest_deep_pool_wins_and_else_the_deepest() {
        let pool = |instance_type, price_micro, band| Pool { instance_type, zone: "z", price_micro, band };
        let pools = [pool("a", 1, 4), pool("b", 2, 0), pool("c", 3, 0)];
        for seed in 0..200 {
            let d: Vec<_> = pools.iter().map(|p| depth(seed, p.zone, p.instance_type, p.band)).collect();
            let expect = d.iter().position(|d| *d >= DEEP_AT).or_else(|| (0..3).max_by_key(|i| d[*i]));
            assert_eq!(price_capacity_optimized(seed, &pools), expect, "{d:?}");
        }
        assert_eq!(price_capacity_optimized(1, &[]), None);
    }
}
