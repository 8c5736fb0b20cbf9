//! EC2 facts: instance types, zones, prices by region, and the spot market model.
//!
//! `Catalog::embedded()` holds all types and the regions `ap-northeast-2` and `us-east-1`; the files of the other
//! regions lie in `packed/` and are added with [`Catalog::add_region`]. `DATA.md` says where each value comes from,
//! what is real, what is an estimate and what is a synthetic model (spot prices and pool depths).
//!
//! Order: types keep the catalogue's order (families together, sizes rising), which stands in for the order in which
//! EC2's `DescribeInstanceTypes` returns them; the real order is not documented. Zones are in order of their letter.

mod decode;
mod error;
mod facts;
mod labels;
#[cfg(feature = "pack")]
pub mod pack;
mod region;
mod shape;
mod spot;

pub use error::CatalogError;
pub use facts::{Accelerator, Gpu, TypeFacts};
pub use labels::label_keys;
pub use region::{Offering, PriceSource, Region, RegionType, SavingsSource, Zone};
pub use shape::{NodeShape, Resources};
pub use spot::{DEEP_AT, Pool, depth, interruption_ppb_per_hour, price_capacity_optimized, spot_price_micro};

use decode::RegionRow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Which snapshot of EC2 a region is seen at. `Era2023` is the world of Karpenter v1alpha5 (0.29 to 0.31), `Era2026`
/// that of Karpenter v1 (1.14).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Era {
    Era2023,
    Era2026,
}

impl Era {
    /// Month of the offerings used, `YYYY-MM`.
    pub fn snapshot(self) -> &'static str {
        match self {
            Era::Era2023 => "2023-09",
            Era::Era2026 => "2026-08",
        }
    }
}

/// How an instance is bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CapacityType {
    OnDemand,
    Spot,
}

impl CapacityType {
    /// The value of label `karpenter.sh/capacity-type`.
    pub fn as_str(self) -> &'static str {
        match self {
            CapacityType::OnDemand => "on-demand",
            CapacityType::Spot => "spot",
        }
    }
}

/// All instance types, and the regions loaded so far.
#[derive(Clone, Debug)]
pub struct Catalog {
    types: Vec<Arc<TypeFacts>>,
    by_name: BTreeMap<String, usize>,
    regions: BTreeMap<String, decode::RegionData>,
}

const CATALOGUE: &str = include_str!("../packed/catalogue.txt");
const EMBEDDED_REGIONS: [(&str, &str); 2] = [
    ("packed/region-ap-northeast-2.txt", include_str!("../packed/region-ap-northeast-2.txt")),
    ("packed/region-us-east-1.txt", include_str!("../packed/region-us-east-1.txt")),
];

impl Catalog {
    /// The catalogue that is built into the binary.
    #[expect(clippy::expect_used, reason = "committed text that a test decodes in full; there is no user input here")]
    pub fn embedded() -> Catalog {
        let mut catalog = Catalog::parse(CATALOGUE).expect("embedded catalogue");
        for (file, text) in EMBEDDED_REGIONS {
            catalog.add_region(file, text).expect("embedded region");
        }
        catalog
    }

    /// Reads packed catalogue text; no region is loaded yet.
    pub fn parse(text: &str) -> Result<Catalog, CatalogError> {
        let types: Vec<_> = decode::catalogue(text)?.into_iter().map(Arc::new).collect();
        let mut by_name = BTreeMap::new();
        by_name.extend(types.iter().enumerate().map(|(i, t)| (t.name.clone(), i)));
        Ok(Catalog { types, by_name, regions: BTreeMap::new() })
    }

    /// Loads packed region text (a later call for the same region replaces it) and returns the region's name.
    /// `file` only names the text in errors. On an error the catalogue is unchanged.
    pub fn add_region(&mut self, file: &str, text: &str) -> Result<String, CatalogError> {
        let data = decode::region(file, text, self.types.len())?;
        let name = data.name.clone();
        self.regions.insert(name.clone(), data);
        Ok(name)
    }

    /// Names of the loaded regions, sorted.
    pub fn region_names(&self) -> Vec<&str> {
        self.regions.keys().map(String::as_str).collect()
    }

    /// All types of every region and date, in catalogue order.
    pub fn types(&self) -> &[Arc<TypeFacts>] {
        &self.types
    }

    pub fn get(&self, name: &str) -> Option<&Arc<TypeFacts>> {
        self.types.get(*self.by_name.get(name)?)
    }

    /// What EC2 offered in a region at the era's date: zones, and the types with their prices and offerings.
    pub fn region(&self, name: &str, era: Era) -> Result<Region, CatalogError> {
        let Some(data) = self.regions.get(name) else {
            let known = self.region_names().into_iter().map(str::to_owned).collect();
            return Err(CatalogError::UnknownRegion { name: name.to_owned(), known });
        };
        let facts = |row: &RegionRow| self.types.get(row.type_index).cloned();
        region::build(data, era, facts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn embedded_catalogue_reads_in_full() {
        let catalog = Catalog::embedded();
        assert_eq!(catalog.types().len(), 1_385);
        assert_eq!(catalog.region_names(), ["ap-northeast-2", "us-east-1"]);
        assert!(catalog.get("r3.2xlarge").is_some());
        assert!(catalog.get("r3.3xlarge").is_none());
    }

    #[test]
    fn unknown_regions_are_named_with_what_is_there() {
        let error = Catalog::embedded().region("eu-north-7", Era::Era2023).expect_err("unknown region");
        assert_eq!(error.to_string(), "no data for region `eu-north-7`; loaded regions: ap-northeast-2, us-east-1");
    }
}
