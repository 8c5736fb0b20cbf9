//! EC2 facts: instance types, zones, prices by region, and the spot market model.
//!
//! `Catalog::embedded()` holds all types and, natively, every region of [`REGIONS`]; built for wasm it holds the lab's
//! region alone, and whoever needs another one fetches its file of `packed/data/` and adds it with
//! [`Catalog::add_region`]. `DATA.md` says where each value comes from, what is real, what is an estimate and what is a
//! synthetic model (spot prices and pool depths).
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
    /// Regions that are read when they are asked for: name and packed text.
    built_in: &'static [(&'static str, &'static str)],
}

const CATALOGUE: &str = include_str!("../packed/catalogue.txt");

macro_rules! regions {
    ($($name:literal)*) => {
        /// Names of the regions that have a file in `packed/data/`, sorted.
        pub const REGIONS: &[&str] = &[$($name),*];
        #[cfg(not(target_family = "wasm"))]
        const BUILT_IN: &[(&str, &str)] = &[$(($name, include_str!(concat!("../packed/data/", $name, ".txt")))),*];
    };
}
regions! {
    "af-south-1" "ap-east-1" "ap-northeast-1" "ap-northeast-2" "ap-northeast-3" "ap-south-1" "ap-south-2"
    "ap-southeast-1" "ap-southeast-2" "ap-southeast-3" "ap-southeast-4" "ca-central-1" "ca-west-1" "eu-central-1"
    "eu-central-2" "eu-north-1" "eu-south-1" "eu-south-2" "eu-west-1" "eu-west-2" "eu-west-3" "il-central-1"
    "me-central-1" "me-south-1" "sa-east-1" "us-east-1" "us-east-2" "us-west-1" "us-west-2"
}
/// A page fetches what it needs beyond this.
#[cfg(target_family = "wasm")]
const BUILT_IN: &[(&str, &str)] = &[("ap-northeast-2", include_str!("../packed/data/ap-northeast-2.txt"))];

impl Catalog {
    /// The catalogue that is built into the binary.
    #[expect(clippy::expect_used, reason = "committed text that a test decodes in full; there is no user input here")]
    pub fn embedded() -> Catalog {
        let catalog = Catalog::parse(CATALOGUE).expect("embedded catalogue");
        Catalog { built_in: BUILT_IN, ..catalog }
    }

    /// Reads packed catalogue text; no region is loaded yet.
    pub fn parse(text: &str) -> Result<Catalog, CatalogError> {
        let types: Vec<_> = decode::catalogue(text)?.into_iter().map(Arc::new).collect();
        let mut by_name = BTreeMap::new();
        by_name.extend(types.iter().enumerate().map(|(i, t)| (t.name.clone(), i)));
        Ok(Catalog { types, by_name, regions: BTreeMap::new(), built_in: &[] })
    }

    /// Loads packed region text (a later call for the same region replaces it) and returns the region's name.
    /// `file` only names the text in errors. On an error the catalogue is unchanged.
    pub fn add_region(&mut self, file: &str, text: &str) -> Result<String, CatalogError> {
        let data = decode::region(file, text, self.types.len())?;
        let name = data.name.clone();
        self.regions.insert(name.clone(), data);
        Ok(name)
    }

    /// Names of the regions that are there, sorted.
    pub fn region_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.built_in.iter().map(|(name, _)| *name).collect();
        for name in self.regions.keys() {
            if let Err(at) = names.binary_search(&name.as_str()) {
                names.insert(at, name);
            }
        }
        names
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
        let facts = |row: &RegionRow| self.types.get(row.type_index).cloned();
        if let Some(data) = self.regions.get(name) {
            return region::build(data, era, facts);
        }
        let Some((_, text)) = self.built_in.iter().find(|(built_in, _)| *built_in == name) else {
            let known = self.region_names().into_iter().map(str::to_owned).collect();
            return Err(CatalogError::UnknownRegion { name: name.to_owned(), known });
        };
        region::build(&decode::region(name, text, self.types.len())?, era, facts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_region_reads_in_full_at_both_dates() {
        let catalog = Catalog::embedded();
        assert_eq!(catalog.types().len(), 1_385);
        assert!(catalog.get("r3.2xlarge").is_some());
        assert!(catalog.get("r3.3xlarge").is_none());
        assert_eq!(catalog.region_names(), REGIONS);
        for name in REGIONS {
            let now = catalog.region(name, Era::Era2026).expect(name);
            assert!((2..=6).contains(&now.zones.len()), "{name} {}", now.zones.len());
            let base = now.get("m5.large").expect(name);
            assert!(base.on_demand_micro.is_some_and(|p| (90_000..200_000).contains(&p)), "{name}");
            match catalog.region(name, Era::Era2023) {
                Ok(then) => assert!(then.types.len() < now.types.len(), "{name}"),
                Err(error) => assert!(matches!(error, CatalogError::NoOfferings { .. }), "{error}"),
            }
        }
    }

    #[test]
    fn a_fetched_region_replaces_the_built_in_one() {
        let text = BUILT_IN.iter().find(|(name, _)| *name == "us-west-1").expect("us-west-1").1;
        let mut catalog = Catalog::parse(CATALOGUE).expect("catalogue");
        assert!(matches!(catalog.region("us-west-1", Era::Era2023), Err(CatalogError::UnknownRegion { .. })));
        assert_eq!(catalog.add_region("fetched", text), Ok("us-west-1".to_owned()));
        let (fetched, built_in) =
            (catalog.region("us-west-1", Era::Era2023), Catalog::embedded().region("us-west-1", Era::Era2023));
        assert_eq!(fetched.expect("fetched").types.len(), built_in.expect("built in").types.len());
        assert_eq!(catalog.region_names(), ["us-west-1"]);
    }

    #[test]
    fn unknown_regions_are_named_with_what_is_there() {
        let error = Catalog::embedded().region("eu-north-7", Era::Era2023).expect_err("unknown region");
        let known = REGIONS.join(", ");
        assert_eq!(error.to_string(), format!("no data for region `eu-north-7`; loaded regions: {known}"));
        let error = Catalog::embedded().region("ca-west-1", Era::Era2023).expect_err("a region of 2024");
        assert_eq!(error.to_string(), "region `ca-west-1` has no recorded offerings of 2023-09; choose another region");
    }
}
