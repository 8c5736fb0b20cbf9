//! `cargo xtask catalog`: packs the catalogue's source tables.

use anyhow::{Context, Result};
use std::path::Path;

pub fn write() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/catalog");
    let read = |name: &str| {
        let path = root.join("data").join(name);
        std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))
    };
    let (types, prices, zones) = (read("instance-types.csv")?, read("on-demand-prices.csv")?, read("zones.csv")?);
    let (old, new) = (read("offerings-2023-09.csv")?, read("offerings-2026-08.csv")?);
    let (savings, advisor) = (read("spot-savings-2024-04.csv")?, read("spot-advisor-2025-06.csv")?);
    let first = read("spot-advisor-2021-02.csv")?;
    let files = catalog::pack::pack(&catalog::pack::Sources {
        instance_types: &types,
        on_demand_prices: &prices,
        zones: &zones,
        offerings_2023_09: &old,
        offerings_2026_08: &new,
        spot_savings_2024_04: &savings,
        spot_advisor_2021_02: &first,
        spot_advisor_2025_06: &advisor,
    })?;
    let folder = root.join("packed");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).context("clear packed/")?;
    }
    std::fs::create_dir_all(folder.join("data")).context("create packed/data/")?;
    for (name, text) in &files {
        std::fs::write(folder.join(name), text).with_context(|| format!("write packed/{name}"))?;
    }
    println!("{} files, {} bytes in {}", files.len(), files.values().map(String::len).sum::<usize>(), folder.display());
    Ok(())
}
