//! The instance types and offerings of one region at one time, as scheduling, consolidation and the fleet see them.

use super::Kubelet;
use crate::scheduling::labels;
use crate::scheduling::{InstanceType, Offering, OfferingKey, Requirement, TypeTable};
use catalog::{Catalog, CatalogError, Region, RegionType};
use objects::Era;
use objects::collections::{VecMap, VecSet};
use std::sync::Arc;

/// A market without types is what a default one is; [`Market::build`] makes a real one.
#[derive(Clone, Debug, Default)]
pub struct Market {
    region: Option<Arc<Region>>,
    by_name: VecMap<String, usize>,
    types: Arc<TypeTable>,
}

/// Three zones with a subnet each, as cluster templates for EKS lay out a VPC; EKS itself asks for two at least.
const SUBNETS: usize = 3;

impl Market {
    /// The region's offerings at the era's date, with nodes shaped by default settings.
    pub fn build(region: &str, era: Era) -> Result<Market, CatalogError> {
        Market::load(region, era, None)
    }

    /// The same, with the packed text of the region where it is not built in.
    pub fn load(region: &str, era: Era, packed: Option<&str>) -> Result<Market, CatalogError> {
        let mut catalog = Catalog::embedded();
        if let Some(text) = packed {
            catalog.add_region(region, text)?;
        }
        Market::of(catalog.region(region, catalog_era(era))?, era)
    }

    /// The market of a region that is loaded already. The account's VPC has a private subnet in each of the first
    /// [`SUBNETS`] zones, and Karpenter sees only offerings where a subnet is.
    pub fn of(region: Region, era: Era) -> Result<Market, CatalogError> {
        let zones: Vec<String> = region.zones.iter().take(SUBNETS).map(|z| z.name.clone()).collect();
        Ok(Market::within(region, era, &zones))
    }

    /// The same for an account with a subnet in each of `zones`, as far as the region has them.
    pub fn within(mut region: Region, era: Era, zones: &[String]) -> Market {
        let has = |name: &str| zones.iter().any(|zone| zone == name);
        let kept: Vec<usize> = (0..region.zones.len()).filter(|i| region.zones.get(*i).is_some_and(|z| has(&z.name))).collect();
        for t in &mut region.types {
            t.zones = t.zones.iter().filter_map(|zone| kept.iter().position(|k| k == zone)).collect();
            t.offerings.retain(|o| has(&o.zone));
        }
        region.zones.retain(|z| has(&z.name));
        region.types.retain(|t| !t.zones.is_empty());
        let types = region.types.iter().filter(|t| t.facts.listed(catalog_era(era))).map(|t| instance_type(&region, t, era));
        let types = Arc::new(TypeTable::new(types.collect()));
        let by_name = region.types.iter().enumerate().map(|(i, t)| (t.facts.name.clone(), i)).collect();
        Market { region: Some(Arc::new(region)), by_name, types }
    }

    /// Adds what runs although the catalogue does not sell it: types, and offerings of types, that nobody can buy.
    pub fn also_runs(&mut self, seen: impl IntoIterator<Item = InstanceType>) {
        let mut types: VecMap<Arc<str>, InstanceType> = self.types.iter().map(|t| (t.name.clone(), t.clone())).collect();
        for mut t in seen {
            t.offerings.iter_mut().for_each(|o| o.available = false);
            match types.get_mut(&t.name) {
                None => {
                    types.insert(t.name.clone(), t);
                }
                Some(known) => {
                    t.offerings.retain(|o| known.price_micro(&o.capacity_type, &o.zone).is_none());
                    known.offerings.append(&mut t.offerings);
                }
            }
        }
        self.types = Arc::new(TypeTable::new(types.into_values().collect()));
    }

    /// A market of these types alone, in no region.
    pub(super) fn of_types(types: Vec<InstanceType>) -> Market {
        Market { types: Arc::new(TypeTable::new(types)), ..Market::default() }
    }

    /// Types as Karpenter sees them, in order of name.
    pub fn types(&self) -> &Arc<TypeTable> {
        &self.types
    }

    /// The same with some offerings marked as unavailable, and with a block for each of the kubelet settings.
    pub fn types_as(&self, gone: &VecSet<OfferingKey>, kubelets: &[Kubelet], era: Era) -> Arc<TypeTable> {
        if gone.is_empty() && kubelets.is_empty() {
            return self.types.clone();
        }
        let hidden = |t: &InstanceType| {
            let mut t = t.clone();
            t.hide(gone);
            t
        };
        let mut table = TypeTable::new(self.types.iter().map(hidden).collect());
        for kubelet in kubelets {
            table.push_block(|t| self.shaped(t, kubelet, era));
        }
        Arc::new(table)
    }

    /// The type as nodes with the kubelet settings are.
    pub fn shaped(&self, t: &InstanceType, kubelet: &Kubelet, era: Era) -> InstanceType {
        match self.sold(&t.name) {
            Some(sold) if !kubelet.is_plain() => kubelet.shaped(t, &sold.facts, era),
            _ => t.clone(),
        }
    }

    /// What the catalogue knows of the region; `None` for an empty market.
    pub fn region(&self) -> Option<&Region> {
        self.region.as_deref()
    }

    /// Names of the zones that have a subnet.
    pub fn zones(&self) -> impl Iterator<Item = &str> {
        self.region.iter().flat_map(|r| &r.zones).map(|z| z.name.as_str())
    }

    /// What the catalogue knows of a type here.
    pub fn sold(&self, instance_type: &str) -> Option<&RegionType> {
        self.region.as_ref()?.types.get(*self.by_name.get(instance_type)?)
    }

    /// List price, micro-dollars per hour.
    pub fn on_demand_micro(&self, instance_type: &str) -> Option<i64> {
        i64::try_from(self.sold(instance_type)?.on_demand_micro?).ok()
    }

    /// Modelled spot price in a zone, micro-dollars per hour.
    pub fn spot_micro(&self, instance_type: &str, zone: &str) -> Option<i64> {
        let price = self.sold(instance_type)?.price_micro(catalog::CapacityType::Spot, zone)?;
        i64::try_from(price).ok()
    }

    /// Price of an offering, micro-dollars per hour; capacity types as in Karpenter's label.
    pub fn price_micro(&self, instance_type: &str, zone: &str, capacity_type: &str) -> Option<i64> {
        if capacity_type == labels::SPOT { self.spot_micro(instance_type, zone) } else { self.on_demand_micro(instance_type) }
    }
}

/// The catalogue's snapshot of an API era.
pub fn catalog_era(era: Era) -> catalog::Era {
    match era {
        Era::V1alpha5 => catalog::Era::Era2023,
        Era::V1 => catalog::Era::Era2026,
    }
}

fn instance_type(region: &Region, t: &RegionType, era: Era) -> InstanceType {
    let at = catalog_era(era);
    let facts = &t.facts;
    let own = facts.labels(at);
    let mut requirements: Vec<Requirement> = own.iter().map(|(key, value)| Requirement::is_in(key, [value])).collect();
    let lacking = catalog::label_keys(at).iter().filter(|k| !own.iter().any(|(key, _)| key == *k));
    requirements.extend(lacking.map(|k| Requirement::absent(k)));
    requirements.push(Requirement::is_in(labels::REGION, [&region.name]));
    let (capacity, overhead) = Kubelet::default().sizes(facts, era);
    let offering = |o: &catalog::Offering| {
        let price = i64::try_from(o.price_micro).unwrap_or(i64::MAX);
        Offering::new(&o.zone, o.capacity_type.as_str(), price)
    };
    InstanceType::new(&facts.name, requirements, capacity, overhead, t.offerings.iter().map(offering).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seoul_as_karpenter_sees_it() {
        let market = Market::build("ap-northeast-2", Era::V1alpha5).unwrap();
        assert_eq!(market.zones().count(), SUBNETS);
        assert_eq!(market.on_demand_micro("m5.xlarge"), Some(236_000));
        let spot = market.spot_micro("m5.xlarge", "ap-northeast-2a").unwrap();
        assert_eq!(market.price_micro("m5.xlarge", "ap-northeast-2a", "spot"), Some(spot));
        let (_, t) = market.types().named("m5.xlarge").unwrap();
        assert_eq!((t.allocatable.cpu(), t.allocatable.memory() >> 20, t.allocatable.get("pods")), (3920, 14162, 58));
        assert!(t.requirements.get("karpenter.k8s.aws/instance-gpu-name").unwrap().is_empty());
        assert!(t.offerings.iter().all(|o| &*o.zone != "ap-northeast-2d"), "no subnet there");

        let key = |zone: &str| ("spot".to_owned(), "m5.xlarge".to_owned(), zone.to_owned());
        let gone: VecSet<OfferingKey> = market.zones().map(key).collect();
        let left = market.types_as(&gone, &[], Era::V1alpha5);
        assert_eq!(left.named("m5.xlarge").unwrap().1.cheapest_micro(&Default::default()), 236_000);
        assert!(matches!(Market::build("eu-nowhere-1", Era::V1), Err(CatalogError::UnknownRegion { .. })));
    }
}
