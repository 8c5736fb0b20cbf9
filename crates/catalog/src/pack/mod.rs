//! The generator: packs the source tables of `data/` into the files of `packed/` (feature `pack`; `cargo xtask catalog`
//! writes them, a test compares the committed ones). `DATA.md` describes the format.
//!
//! Left out of the packed catalogue, as derivable or unused: family, size, category, generation, flex, max_pods,
//! ec2_archs, network_performance, ebs_baseline_mbps, usd_us_east_1.

mod savings;
mod table;

use crate::CatalogError;
use savings::Savings;
use std::collections::{BTreeMap, BTreeSet};
use table::{Table, micro};

/// The source tables, by the names of their files in `data/`.
#[derive(Clone, Copy, Debug)]
pub struct Sources<'a> {
    pub instance_types: &'a str,
    pub on_demand_prices: &'a str,
    pub zones: &'a str,
    pub offerings_2023_09: &'a str,
    pub offerings_2026_08: &'a str,
    pub spot_savings_2024_04: &'a str,
    pub spot_advisor_2021_02: &'a str,
    pub spot_advisor_2025_06: &'a str,
}

const INTEGERS: [&str; 16] = [
    "clock_mhz",
    "vcpu",
    "memory_mib",
    "gpu_count",
    "gpu_memory_mib",
    "accel_count",
    "neuron_cores",
    "local_nvme_gb",
    "instance_storage_gb",
    "network_baseline_mbps",
    "network_peak_mbps",
    "ebs_bandwidth_mbps",
    "max_enis",
    "ipv4_per_eni",
    "branch_enis",
    "efa_max",
];
const WORDS: [&str; 9] = [
    "arch",
    "cpu_manufacturer",
    "hypervisor",
    "gpu_name",
    "gpu_manufacturer",
    "accel_kind",
    "accel_name",
    "accel_manufacturer",
    "usage_classes",
];
const FLAGS: [&str; 7] = [
    "bare_metal",
    "burstable",
    "current_generation",
    "encryption_in_transit",
    "nitro_enclaves",
    "karpenter_v0_31",
    "karpenter_v1_14",
];

/// All packed files: name within `packed/` and text.
pub fn pack(sources: &Sources<'_>) -> Result<BTreeMap<String, String>, CatalogError> {
    let types = Table::read("instance-types.csv", sources.instance_types)?;
    let names: Vec<&str> = types.column("name")?;
    let mut files = BTreeMap::from([("catalogue.txt".to_owned(), catalogue(&types, &names)?)]);

    let prices = Table::read("on-demand-prices.csv", sources.on_demand_prices)?;
    let zones = Table::read("zones.csv", sources.zones)?;
    let old = Table::read("offerings-2023-09.csv", sources.offerings_2023_09)?;
    let new = Table::read("offerings-2026-08.csv", sources.offerings_2026_08)?;
    let savings_old = Savings::read("spot-savings-2024-04.csv", sources.spot_savings_2024_04, &types)?;
    let savings_first = Savings::read("spot-advisor-2021-02.csv", sources.spot_advisor_2021_02, &types)?;
    let savings_new = Savings::read("spot-advisor-2025-06.csv", sources.spot_advisor_2025_06, &types)?;

    let offered: BTreeSet<&str> = new.column("region")?.into_iter().chain(old.column("region")?).collect();
    let priced: BTreeSet<&str> = prices.column("region")?.into_iter().collect();
    for region in offered.intersection(&priced) {
        let price = prices.of_region(region, &["usd_per_hour", "source"])?;
        let zones_old = old.of_region(region, &["zones"])?;
        let zones_new = new.of_region(region, &["zones"])?;
        let kept: Vec<(usize, &str)> = names
            .iter()
            .enumerate()
            .filter(|(_, n)| zones_old.contains_key(*n) || zones_new.contains_key(*n))
            .map(|(i, n)| (i, *n))
            .collect();
        let mut columns: Vec<(&str, Vec<Option<u64>>)> = Vec::new();
        let mut next = 0;
        let mut skip = |i: usize| {
            let gap = i - next;
            next = i + 1;
            Some(gap as u64)
        };
        columns.push(("skip", kept.iter().map(|(i, _)| skip(*i)).collect()));
        let mut column = |name, value: &dyn Fn(&str) -> Result<Option<u64>, CatalogError>| {
            let values: Result<Vec<_>, _> = kept.iter().map(|(_, n)| value(n)).collect();
            columns.push((name, values?));
            Ok::<(), CatalogError>(())
        };
        let price_cell = |n: &str, k: usize| price.get(n).and_then(|cells| cells.get(k).copied());
        column("usd_micro", &|n| price_cell(n, 0).map(|usd| micro("on-demand-prices.csv", usd)).transpose())?;
        column("source", &|n| Ok(price_cell(n, 1).map(source_code)))?;
        let mask = |zones: &BTreeMap<&str, Vec<&str>>, n: &str| zones.get(n).and_then(|c| c.first().map(|z| letters(z)));
        column("zones_2023_09", &|n| Ok(mask(&zones_old, n)))?;
        column("zones_2026_08", &|n| Ok(mask(&zones_new, n)))?;
        column("savings_2024_04", &|n| Ok(savings_old.resolve(region, n).map(|s| s.pct)))?;
        column("from_2024_04", &|n| Ok(savings_old.resolve(region, n).map(|s| s.source)))?;
        column("savings_2025_06", &|n| Ok(savings_new.resolve(region, n).map(|s| s.pct)))?;
        column("from_2025_06", &|n| Ok(savings_new.resolve(region, n).map(|s| s.source)))?;
        let band = |n: &str| savings_new.resolve(region, n).map(|s| s.band);
        let earlier = |n: &str| savings_first.published(region, n).map(|(_, band)| band);
        column("band_2023_09", &|n| Ok(band(n).map(|b| earlier(n).map_or(b, |e| band_between(e, b)))))?;
        column("band_2025_06", &|n| Ok(band(n)))?;

        let ids = zones.rows_where("region", region)?;
        let ids: Vec<String> = ids
            .iter()
            .filter_map(|row| Some(format!("{}={}", zones.cell(row, "zone")?.strip_prefix(region)?, zones.cell(row, "zone_id")?)))
            .collect();
        let mut text = format!("ec2-region 1 {region} {}\nzones {}\n", kept.len(), ids.join(" "));
        for (name, values) in columns {
            text.push_str(&format!("{name} {}\n", encode(&values)));
        }
        files.insert(format!("data/{region}.txt"), text);
    }
    Ok(files)
}

/// Interruption band of September 2023 between those published for February 2021 (31 months before) and June 2025
/// (21 months after), by distance, rounded half up.
fn band_between(first: u64, last: u64) -> u64 {
    (2 * (21 * first + 31 * last) + 52) / (2 * 52)
}

fn catalogue(types: &Table<'_>, names: &[&str]) -> Result<String, CatalogError> {
    let mut text = format!("ec2-catalogue 1 {}\nnames {}\n", names.len(), encode_names(names));
    for column in INTEGERS {
        let values: Result<Vec<_>, _> = types.column(column)?.into_iter().map(|v| types.integer(column, v)).collect();
        text.push_str(&format!("{column} {}\n", encode(&values?)));
    }
    for column in WORDS {
        let cells = types.column(column)?;
        let words: BTreeSet<&str> = cells.iter().copied().filter(|w| !w.is_empty()).collect();
        let index = |w: &str| words.iter().position(|d| *d == w).map(|i| i as u64);
        let dictionary: Vec<&str> = words.iter().copied().collect();
        let values: Vec<_> = cells.iter().map(|w| index(w)).collect();
        text.push_str(&format!("{column} {} {}\n", dictionary.join("|"), encode(&values)));
    }
    let mut bits = vec![0u64; names.len()];
    for (k, flag) in FLAGS.iter().enumerate() {
        for (value, cell) in bits.iter_mut().zip(types.column(flag)?) {
            *value |= u64::from(cell == "1") << k;
        }
    }
    let bits: Vec<_> = bits.into_iter().map(Some).collect();
    text.push_str(&format!("flags {} {}\n", FLAGS.join(","), encode(&bits)));
    Ok(text)
}

fn encode_names(names: &[&str]) -> String {
    let mut text = String::new();
    let mut last = "";
    for name in names {
        let (family, size) = name.split_once('.').unwrap_or((name, ""));
        let size = size.strip_suffix("xlarge").map_or(size.to_owned(), |n| format!("{n}_"));
        match (family == last, last) {
            (true, _) => text.push_str(&format!(",{size}")),
            (false, "") => text.push_str(&format!("{family}:{size}")),
            (false, _) => text.push_str(&format!(";{family}:{size}")),
        }
        last = family;
    }
    text
}

/// Base 36, `-` for none, runs of three or more as `value*count`.
fn encode(values: &[Option<u64>]) -> String {
    let mut tokens = Vec::new();
    for run in values.chunk_by(|a, b| a == b) {
        let value = run.first().copied().flatten().map_or("-".to_owned(), base36);
        match run.len() {
            n @ 0..3 => tokens.extend(std::iter::repeat_n(value, n)),
            n => tokens.push(format!("{value}*{}", base36(n as u64))),
        }
    }
    tokens.join(" ")
}

fn base36(mut n: u64) -> String {
    let mut digits = Vec::new();
    loop {
        digits.extend(char::from_digit((n % 36) as u32, 36));
        n /= 36;
        if n == 0 {
            return digits.into_iter().rev().collect();
        }
    }
}

/// "acd" as bits, `a` lowest.
fn letters(zones: &str) -> u64 {
    zones.bytes().filter(u8::is_ascii_lowercase).fold(0, |mask, b| mask | 1 << (b - b'a'))
}

/// The packed code of a price's source, see `PriceSource`.
fn source_code(source: &str) -> u64 {
    match source {
        s if s.starts_with("est-") => 2,
        s if s.ends_with("+cut") => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Catalog, Era};
    use std::path::Path;

    fn packed() -> BTreeMap<String, String> {
        pack(&Sources {
            instance_types: include_str!("../../data/instance-types.csv"),
            on_demand_prices: include_str!("../../data/on-demand-prices.csv"),
            zones: include_str!("../../data/zones.csv"),
            offerings_2023_09: include_str!("../../data/offerings-2023-09.csv"),
            offerings_2026_08: include_str!("../../data/offerings-2026-08.csv"),
            spot_savings_2024_04: include_str!("../../data/spot-savings-2024-04.csv"),
            spot_advisor_2021_02: include_str!("../../data/spot-advisor-2021-02.csv"),
            spot_advisor_2025_06: include_str!("../../data/spot-advisor-2025-06.csv"),
        })
        .expect("source tables")
    }

    #[test]
    fn committed_files_are_what_the_generator_writes() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("packed");
        let mut committed = BTreeMap::new();
        let entries = [folder.clone(), folder.join("data")].map(|f| std::fs::read_dir(f).expect("packed/"));
        for entry in entries.into_iter().flatten() {
            let path = entry.expect("entry").path();
            if path.is_file() {
                let name = path.strip_prefix(&folder).ok().and_then(|n| n.to_str()).unwrap_or_default().to_owned();
                committed.insert(name, std::fs::read_to_string(&path).expect("packed file"));
            }
        }
        let fresh = packed();
        assert_eq!(committed.keys().collect::<Vec<_>>(), fresh.keys().collect::<Vec<_>>());
        for (name, text) in &fresh {
            assert!(committed.get(name) == Some(text), "packed/{name} is out of date: run `cargo xtask catalog`");
        }
    }

    #[test]
    fn every_region_reads_and_agrees_with_its_tables() {
        let files = packed();
        let mut catalog = Catalog::parse(&files["catalogue.txt"]).expect("catalogue");
        for (name, text) in files.iter().filter(|(name, _)| name.starts_with("data/")) {
            catalog.add_region(name, text).expect(name);
        }
        let price_rows = include_str!("../../data/on-demand-prices.csv").lines().skip(1);
        let prices: BTreeMap<(&str, &str), u64> = price_rows
            .map(|l| l.split(',').collect::<Vec<_>>())
            .map(|c| ((c[0], c[1]), micro("prices", c[2]).expect("price")))
            .collect();
        for (era, table) in [
            (Era::Era2023, include_str!("../../data/offerings-2023-09.csv")),
            (Era::Era2026, include_str!("../../data/offerings-2026-08.csv")),
        ] {
            let regions: BTreeMap<_, _> =
                catalog.region_names().into_iter().filter_map(|n| Some((n, catalog.region(n, era).ok()?))).collect();
            let mut rows = 0;
            for line in table.lines().skip(1) {
                let cells: Vec<_> = line.split(',').collect();
                let Some(region) = regions.get(cells[0]) else { continue };
                let found = region.get(cells[1]).expect(line);
                let zones: Vec<_> = found.zones.iter().map(|i| region.zones[*i].name.clone()).collect();
                let expect: Vec<_> = cells[2].chars().map(|c| format!("{}{c}", cells[0])).collect();
                assert_eq!(zones, expect, "{line}");
                assert_eq!(found.on_demand_micro, prices.get(&(cells[0], cells[1])).copied(), "{line}");
                rows += 1;
            }
            assert!(rows > 9_000, "{rows}");
        }
    }

    #[test]
    fn runs_and_empty_cells_are_written_short() {
        let values = [Some(35), Some(36), Some(36), Some(36), None, None, None, None];
        assert_eq!(encode(&values), "z 10*3 -*4");
        assert_eq!(encode_names(&["m5.large", "m5.xlarge", "m5.2xlarge", "t3.micro"]), "m5:large,_,2_;t3:micro");
    }
}
