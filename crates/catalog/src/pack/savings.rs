//! Spot savings of every type in every region: the published value where there is one, else a median of its kind.

use super::table::Table;
use crate::CatalogError;
use std::collections::BTreeMap;

/// Published savings of one date, with the groups that medians are taken over.
pub(super) struct Savings<'a> {
    published: BTreeMap<(&'a str, &'a str), (u64, u64)>,
    groups: BTreeMap<(&'a str, Group<'a>), Vec<(u64, u64)>>,
    kinds: BTreeMap<&'a str, [Group<'a>; 2]>,
    spot: Vec<&'a str>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Group<'a> {
    Family(&'a str),
    Category(&'a str, &'a str),
    Region,
}

/// Savings in percent, interruption band, and the packed code of where they come from (see `SavingsSource`).
pub(super) struct Resolved {
    pub pct: u64,
    pub band: u64,
    pub source: u64,
}

impl<'a> Savings<'a> {
    /// Savings below zero (one published row) count as none. A table without bands gives band 0.
    pub fn read(file: &'static str, text: &'a str, types: &Table<'a>) -> Result<Savings<'a>, CatalogError> {
        let table = Table::read(file, text)?;
        let (mut kinds, mut spot) = (BTreeMap::new(), Vec::new());
        for row in &types.rows {
            let cell = |column| types.cell(row, column).unwrap_or_default();
            kinds.insert(cell("name"), [Group::Family(cell("family")), Group::Category(cell("category"), cell("arch"))]);
            if cell("usage_classes").split('+').any(|u| u == "spot") {
                spot.push(cell("name"));
            }
        }
        spot.sort_unstable();
        let (mut published, mut groups) = (BTreeMap::new(), BTreeMap::<_, Vec<_>>::new());
        for row in &table.rows {
            let cell = |column| table.cell(row, column).unwrap_or_default();
            let (region, name) = (cell("region"), cell("name"));
            let pct = cell("savings_pct");
            let pct = if pct.starts_with('-') { 0 } else { table.integer("savings_pct", pct)?.unwrap_or(0) };
            let band = table.integer("interruption_band", cell("interruption_band"))?.unwrap_or(0);
            published.insert((region, name), (pct, band));
            let [family, category] = kinds.get(name).copied().unwrap_or([Group::Region; 2]);
            for group in [family, category, Group::Region] {
                groups.entry((region, group)).or_default().push((pct, band));
            }
        }
        Ok(Savings { published, groups, kinds, spot })
    }

    /// The published savings and band of a type, if there are any.
    pub fn published(&self, region: &str, name: &str) -> Option<(u64, u64)> {
        self.published.get(&(region, name)).copied()
    }

    /// None for types that are not sold as spot.
    pub fn resolve(&self, region: &str, name: &str) -> Option<Resolved> {
        self.spot.binary_search(&name).ok()?;
        let [family, category] = self.kinds.get(name).copied()?;
        let found = |value: Option<(u64, u64)>, source| value.map(|(pct, band)| Resolved { pct, band, source });
        found(self.published(region, name), 0)
            .or_else(|| found(self.median(region, family), 1))
            .or_else(|| found(self.median(region, category), 2))
            .or_else(|| found(self.published("us-east-1", name), 3))
            .or_else(|| found(self.median(region, Group::Region), 4))
    }

    /// Lower medians of savings and of bands, each by itself.
    fn median(&self, region: &str, group: Group<'_>) -> Option<(u64, u64)> {
        let values = self.groups.get(&(region, group))?;
        let lower = |mut column: Vec<u64>| {
            column.sort_unstable();
            column.get((column.len().checked_sub(1)?) / 2).copied()
        };
        Some((lower(values.iter().map(|v| v.0).collect())?, lower(values.iter().map(|v| v.1).collect())?))
    }
}
