//! A real cluster as a [`Snapshot`], so that what draws the simulation draws it too.

use super::Observed;
use crate::pricing::{Entry, Ledger, catalog_era};
use crate::profile::Profile;
use crate::{Era, SimTime, Snapshot, Store, totals};
use catalog::{CapacityType, Catalog, Region};
use objects::{Kind, Object};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

impl Observed {
    /// The instant that was read, `unix_ms` being the time of reading. Each node costs what the catalogue knows of its
    /// instance type, zone and capacity type; a node without a price has none in the ledger either. Also gives one
    /// sentence for each region or type without a price.
    pub fn snapshot(&self, unix_ms: i64) -> (Snapshot, Vec<String>) {
        snapshot(&self.store, unix_ms, &mut Prices::of(self.era))
    }
}

/// What is in the store at this time, with these prices.
pub(super) fn snapshot(store: &Store, unix_ms: i64, prices: &mut Prices) -> (Snapshot, Vec<String>) {
    let mut ledger = Ledger::default();
    for node in store.list(Kind::Node) {
        if let Some(entry) = prices.entry(node) {
            ledger.open(entry);
        }
    }
    let snapshot = Snapshot {
        now: SimTime::ZERO,
        start: SimTime::ZERO,
        epoch_ms: unix_ms,
        profile: Profile::of(prices.era),
        region: prices.region().to_owned(),
        seed: 0,
        store: store.clone(),
        ledger: Arc::new(ledger),
        logs: Arc::default(),
        decisions: Arc::default(),
        hash: store.hash(),
    };
    (snapshot, prices.take_notes().into_iter().collect())
}

/// What instance types cost, as far as it has been asked.
pub(super) struct Prices {
    pub era: Era,
    catalog: Catalog,
    /// Regions by name, or why the catalogue has nothing.
    regions: BTreeMap<String, Result<Region, String>>,
    notes: BTreeSet<String>,
}

impl Prices {
    pub fn of(era: Era) -> Prices {
        Prices { era, catalog: Catalog::embedded(), regions: BTreeMap::new(), notes: BTreeSet::new() }
    }

    /// Whose prices they are: the first region that was asked about.
    pub fn region(&self) -> &str {
        self.regions.keys().next().map_or("", String::as_str)
    }

    /// One sentence for each that has no price, of those that were asked for since this was called last.
    pub fn take_notes(&mut self) -> BTreeSet<String> {
        std::mem::take(&mut self.notes)
    }

    /// What a node costs from now on.
    pub fn entry(&mut self, node: &Object) -> Option<Entry> {
        let label = |key: &str| node.meta.labels.get(key).map(String::as_str).filter(|v| !v.is_empty());
        let name = &node.meta.name;
        let Some(instance_type) = label("node.kubernetes.io/instance-type") else {
            self.notes.insert(format!("no price for node {name}: it has no label node.kubernetes.io/instance-type"));
            return None;
        };
        let (Some(region), Some(zone)) = (label("topology.kubernetes.io/region"), label("topology.kubernetes.io/zone")) else {
            self.notes.insert(format!("no price for node {name}: it has no labels topology.kubernetes.io/region and zone"));
            return None;
        };
        let Prices { era, catalog, regions, notes } = self;
        let read = || catalog.region(region, catalog_era(*era)).map_err(|error| format!("no prices of {region}: {error}"));
        let known = match regions.entry(region.to_owned()).or_insert_with(read) {
            Ok(known) => known,
            Err(note) => {
                notes.insert(note.clone());
                return None;
            }
        };
        let sold = known.types.iter().find(|t| &*t.facts.name == instance_type);
        let capacity_type = totals::capacity_type(node);
        let signed = |micro: u64| i64::try_from(micro).ok();
        // The list price is the same in every zone of a region.
        let listed = sold.and_then(|t| t.on_demand_micro).and_then(signed);
        let price = match capacity_type == CapacityType::Spot.as_str() {
            true => sold.and_then(|t| t.price_micro(CapacityType::Spot, zone)).and_then(signed),
            false => listed,
        };
        let Some(price_micro) = price else {
            let kind = if capacity_type.is_empty() { CapacityType::OnDemand.as_str() } else { capacity_type };
            notes.insert(format!("no {kind} price of {instance_type} in {zone}"));
            return None;
        };
        Some(Entry {
            node: name.clone(),
            instance_type: instance_type.to_owned(),
            capacity_type: capacity_type.to_owned(),
            price_micro,
            on_demand_micro: listed.unwrap_or(price_micro),
            from: SimTime::ZERO,
            until: None,
        })
    }
}
