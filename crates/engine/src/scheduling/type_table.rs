//! The instance types of a region as a table, and which of them still fit a claim: each question is answered as a set
//! of bits, and answers about single requirements are kept.

use super::instance_type::InstanceType;
use super::labels;
use super::requirements::{Requirement, Requirements};
use super::type_set::TypeSet;
use objects::Resources;
use objects::collections::Order as _;
use objects::collections::{VecMap, VecSet};
use std::sync::Arc;

/// The types once, and once more for each kind of kubelet settings that a pool has: blocks of equal length, the plain
/// types first, each in order of name.
#[derive(Clone, Debug, Default)]
pub struct TypeTable {
    types: Vec<InstanceType>,
    by_name: VecMap<Arc<str>, usize>,
}

impl TypeTable {
    /// Types are put in order of name.
    pub fn new(mut types: Vec<InstanceType>) -> TypeTable {
        types.order_by(|a, b| a.name.cmp(&b.name));
        let by_name = types.iter().enumerate().map(|(i, t)| (t.name.clone(), i)).collect();
        TypeTable { types, by_name }
    }

    /// Adds a block: every plain type as `shape` makes it.
    pub fn push_block(&mut self, shape: impl Fn(&InstanceType) -> InstanceType) {
        let block: Vec<InstanceType> = self.block(0).map(shape).collect();
        self.types.extend(block);
    }

    /// The types of a block, in order of name.
    pub fn block(&self, n: usize) -> impl Iterator<Item = &InstanceType> {
        let size = self.by_name.len();
        self.types.iter().skip(n * size).take(size)
    }

    /// Their numbers.
    pub fn members(&self, block: usize) -> TypeSet {
        let size = self.by_name.len();
        TypeSet::of(self.types.len(), block * size..(block + 1) * size)
    }

    /// The plain type of the same name.
    pub fn plain(&self, i: usize) -> usize {
        i % self.by_name.len().max(1)
    }

    pub fn get(&self, i: usize) -> Option<&InstanceType> {
        self.types.get(i)
    }

    /// The plain type of that name.
    pub fn named(&self, name: &str) -> Option<(usize, &InstanceType)> {
        let i = *self.by_name.get(name)?;
        Some((i, self.types.get(i)?))
    }

    pub fn iter(&self) -> impl Iterator<Item = &InstanceType> {
        self.types.iter()
    }

    pub fn len(&self) -> usize {
        self.types.len()
    }

    pub fn is_empty(&self) -> bool {
        self.types.is_empty()
    }

    /// Members by cheapest allowed offering, then name.
    pub fn by_price(&self, members: &TypeSet, requirements: &Requirements) -> Vec<usize> {
        let mut priced: Vec<(i64, usize)> =
            members.iter().map(|i| (self.types.get(i).map_or(i64::MAX, |t| t.cheapest_micro(requirements)), i)).collect();
        priced.order();
        priced.into_iter().map(|(_, i)| i).collect()
    }

    /// Per resource the largest capacity among the members.
    pub fn largest(&self, members: &TypeSet) -> Resources {
        let mut most = Resources::default();
        for t in members.iter().filter_map(|i| self.types.get(i)) {
            most.raise_to(&t.capacity);
        }
        most
    }

    /// `Ok` with how many of the first types are enough for every `minValues`, or the keys that lack values with how
    /// many they have.
    pub fn satisfies_min_values(&self, order: &[usize], requirements: &Requirements) -> Result<usize, VecMap<String, u32>> {
        let asked: Vec<(&Arc<str>, u32)> = requirements.iter().filter_map(|r| Some((&r.key, r.min_values?))).collect();
        let mut seen: VecMap<&str, VecSet<&Arc<str>>> = VecMap::new();
        // Without any type the reason is another one.
        if asked.is_empty() || order.is_empty() {
            return Ok(0);
        }
        let lacks = |seen: &VecMap<&str, VecSet<&Arc<str>>>| -> VecMap<String, u32> {
            let count = |key: &str| seen.get(key).map_or(0, |v| u32::try_from(v.len()).unwrap_or(u32::MAX));
            asked.iter().filter(|(k, n)| count(k) < *n).map(|(k, _)| (k.to_string(), count(k))).collect()
        };
        for (n, t) in order.iter().filter_map(|i| self.types.get(*i)).enumerate() {
            for (key, _) in &asked {
                if let Some(r) = t.requirements.get(key) {
                    seen.entry(key).or_default().extend(r.values());
                }
            }
            if lacks(&seen).is_empty() {
                return Ok(n + 1);
            }
        }
        Err(lacks(&seen))
    }
}

/// Karpenter's words for keys that lack values.
pub fn min_values_text(keys: &VecMap<String, u32>) -> String {
    let names: Vec<&str> = keys.keys().map(String::as_str).collect();
    format!("minValues requirement is not met for label(s) (label(s)=[{}])", names.join(" "))
}

/// Why no type is left, as which single and paired conditions some type met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filtered {
    pub compatible: bool,
    pub fits: bool,
    pub offered: bool,
    pub compatible_and_fits: bool,
    pub compatible_and_offered: bool,
    pub fits_and_offered: bool,
}

impl Filtered {
    /// Notes what the members of three sets met; returns those that met all.
    pub fn note(&mut self, compatible: &TypeSet, fits: &TypeSet, offered: &TypeSet) -> TypeSet {
        self.compatible |= !compatible.is_empty();
        self.fits |= !fits.is_empty();
        self.offered |= !offered.is_empty();
        self.compatible_and_fits |= !compatible.and(fits).without(offered).is_empty();
        self.compatible_and_offered |= !compatible.and(offered).without(fits).is_empty();
        self.fits_and_offered |= !fits.and(offered).without(compatible).is_empty();
        compatible.and(fits).and(offered)
    }

    /// Karpenter's words. `cpu_milli` is the request that `typo` remarks on where it is a million CPUs or more.
    pub fn reason(&self) -> &'static str {
        match (self.compatible, self.fits, self.offered) {
            (false, false, false) => {
                "no instance type met the scheduling requirements or had enough resources or had a required offering"
            }
            (false, false, true) => "no instance type met the scheduling requirements or had enough resources",
            (false, true, false) => "no instance type met the scheduling requirements or had a required offering",
            (true, false, false) => "no instance type had enough resources or had a required offering",
            (false, true, true) => "no instance type met all requirements",
            (true, false, true) => "no instance type has enough resources",
            (true, true, false) => "no instance type has the required offering",
            (true, true, true) if self.compatible_and_fits => {
                "no instance type which met the scheduling requirements and had enough resources, had a required offering"
            }
            (true, true, true) if self.fits_and_offered => {
                "no instance type which had enough resources and the required offering met the scheduling requirements"
            }
            (true, true, true) if self.compatible_and_offered => {
                "no instance type which met the scheduling requirements and the required offering had the required resources"
            }
            (true, true, true) => "no instance type met the requirements/resources/offering tuple",
        }
    }

    /// The remark behind a reason for requests that look like a mistyped suffix.
    pub fn remark(&self, cpu_milli: i64) -> &'static str {
        if self.compatible && !self.fits && self.offered && cpu_milli >= 1_000_000_000 {
            " (CPU request >= 1 Million, m vs M typo?)"
        } else {
            ""
        }
    }
}

/// Answers about single requirements, kept over the claims and pods of a round.
#[derive(Debug, Default)]
pub struct TypeFilter {
    compatible: VecMap<Arc<Requirement>, TypeSet>,
    offered: VecMap<[Option<Arc<Requirement>>; 3], TypeSet>,
}

impl TypeFilter {
    /// Types whose label values intersect all requirements.
    pub fn compatible(&mut self, table: &TypeTable, requirements: &Requirements) -> TypeSet {
        let mut set = TypeSet::full(table.len());
        for r in requirements.iter().filter(|r| &*r.key != labels::HOSTNAME) {
            let answer = self.compatible.entry(r.clone()).or_insert_with(|| {
                let alone: Requirements = [(**r).clone()].into_iter().collect();
                let fits = |t: &InstanceType| t.requirements.intersects(&alone);
                TypeSet::of(table.len(), table.iter().enumerate().filter(|(_, t)| fits(t)).map(|(i, _)| i))
            });
            set.keep(answer);
        }
        set
    }

    /// Types with an available offering that the requirements allow.
    pub fn offered(&mut self, table: &TypeTable, requirements: &Requirements) -> TypeSet {
        let key = [labels::ZONE, labels::CAPACITY_TYPE, labels::RESERVATION_ID].map(|k| requirements.get(k).cloned());
        let answer = self.offered.entry(key).or_insert_with(|| {
            let has = |t: &InstanceType| t.compatible(requirements).next().is_some();
            TypeSet::of(table.len(), table.iter().enumerate().filter(|(_, t)| has(t)).map(|(i, _)| i))
        });
        answer.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_words() {
        let of = |list: &[usize]| TypeSet::of(3, list.iter().copied());
        let check = |c: &[usize], f: &[usize], o: &[usize], words: &str| {
            let mut filtered = Filtered::default();
            assert!(filtered.note(&of(c), &of(f), &of(o)).is_empty());
            assert_eq!(filtered.reason(), words);
        };
        check(
            &[],
            &[],
            &[],
            "no instance type met the scheduling requirements or had enough resources or had a required offering",
        );
        check(&[], &[], &[0], "no instance type met the scheduling requirements or had enough resources");
        check(&[], &[0], &[], "no instance type met the scheduling requirements or had a required offering");
        check(&[0], &[], &[], "no instance type had enough resources or had a required offering");
        check(&[], &[0], &[0], "no instance type met all requirements");
        check(&[0], &[], &[0], "no instance type has enough resources");
        check(&[0], &[0], &[], "no instance type has the required offering");
        check(
            &[0, 1],
            &[0, 1],
            &[2],
            "no instance type which met the scheduling requirements and had enough resources, had a required offering",
        );
        check(
            &[2],
            &[0],
            &[0],
            "no instance type which had enough resources and the required offering met the scheduling requirements",
        );
        check(
            &[0],
            &[2],
            &[0],
            "no instance type which met the scheduling requirements and the required offering had the required resources",
        );
        check(&[0], &[1], &[2], "no instance type met the requirements/resources/offering tuple");
    }

    #[test]
    fn a_million_cpus_are_remarked_on() {
        let f = Filtered { compatible: true, offered: true, ..Filtered::default() };
        assert_eq!(f.remark(1_000_000_000), " (CPU request >= 1 Million, m vs M typo?)");
        assert_eq!(f.remark(999_999_999), "");
    }
}
