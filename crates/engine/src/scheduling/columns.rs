//! Amounts of instance types by resource, prepared for "which types have at least so much".

use super::type_set::TypeSet;
use super::type_table::TypeTable;
use objects::Resources;
use objects::collections::Order as _;

/// One resource.
#[derive(Debug)]
struct Column {
    /// The different amounts, ascending.
    amounts: Vec<i64>,
    /// Beside each amount the types that have at least that much.
    at_least: Vec<TypeSet>,
}

#[derive(Debug)]
pub struct Columns {
    columns: Vec<Column>,
    /// Types of which some amount is negative hold nothing at all.
    sound: TypeSet,
}

impl Columns {
    /// `of` names the amounts of a type that count.
    pub fn new<'t>(table: &'t TypeTable, names: &[String], of: impl Fn(usize) -> Option<&'t Resources>) -> Columns {
        let all = 0..table.len();
        let is_sound = |i: &usize| of(*i).is_some_and(|r| r.0.values().all(|v| *v >= 0));
        let column = |name: &String| {
            let mut rows: Vec<(i64, usize)> = all.clone().map(|i| (of(i).map_or(0, |r| r.get(name)), i)).collect();
            rows.order();
            let (mut amounts, mut at_least): (Vec<i64>, Vec<TypeSet>) = (Vec::new(), Vec::new());
            let mut set = TypeSet::empty(table.len());
            for (amount, i) in rows.into_iter().rev() {
                set.insert(i);
                if amounts.last() == Some(&amount) {
                    if let Some(last) = at_least.last_mut() {
                        last.insert(i);
                    }
                } else {
                    amounts.push(amount);
                    at_least.push(set.clone());
                }
            }
            amounts.reverse();
            at_least.reverse();
            Column { amounts, at_least }
        };
        Columns { columns: names.iter().map(column).collect(), sound: TypeSet::of(table.len(), all.clone().filter(is_sound)) }
    }

    /// Keeps the types that have what is asked of every resource.
    pub fn keep(&self, set: &mut TypeSet, asked: impl Iterator<Item = i64>) {
        set.keep(&self.sound);
        for (column, asked) in self.columns.iter().zip(asked) {
            column.keep(set, asked);
        }
    }

    /// As [`Self::keep`], but what is not asked for may be short.
    pub fn keep_positive(&self, set: &mut TypeSet, asked: &[i64]) {
        for (column, asked) in self.columns.iter().zip(asked).filter(|(_, asked)| **asked > 0) {
            column.keep(set, *asked);
        }
    }

    /// The types that have more than `most` of a resource.
    pub fn above(&self, resource: usize, most: i64) -> Option<&TypeSet> {
        let column = self.columns.get(resource)?;
        column.at_least.get(column.amounts.partition_point(|a| *a <= most))
    }

    /// The most that any member has of a resource; `None` for the empty set.
    pub fn most(&self, resource: usize, set: &TypeSet) -> Option<i64> {
        let column = self.columns.get(resource)?;
        let n = column.at_least.partition_point(|types| types.meets(set));
        column.amounts.get(n.checked_sub(1)?).copied()
    }
}

impl Column {
    fn keep(&self, set: &mut TypeSet, asked: i64) {
        match self.at_least.get(self.amounts.partition_point(|a| *a < asked)) {
            Some(types) => set.keep(types),
            None => set.clear(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheduling::testing;

    #[test]
    fn thresholds() {
        let table = TypeTable::new(testing::types());
        let names = ["cpu".to_owned(), "memory".to_owned()];
        let columns = Columns::new(&table, &names, |i| table.get(i).map(|t| &t.allocatable));
        let check = |cpu: i64, mib: i64, left: &[&str]| {
            let mut set = table.members(0);
            columns.keep(&mut set, [cpu, mib << 20].into_iter());
            assert_eq!(set.iter().map(|i| &*table.get(i).unwrap().name).collect::<Vec<_>>(), left);
        };
        check(0, 0, &["c5.2xlarge", "c5.large", "c5.xlarge", "m5.large", "m5.xlarge"]);
        check(1931, 0, &["c5.2xlarge", "c5.xlarge", "m5.xlarge"]);
        check(3920, 6585, &["c5.2xlarge", "m5.xlarge"]);
        check(7911, 0, &[]);
        let small = TypeSet::of(table.len(), [1, 3]);
        assert_eq!((columns.most(0, &small), columns.most(0, &TypeSet::empty(5))), (Some(1930), None));
        assert_eq!(columns.above(0, 3920).map(TypeSet::len), Some(1));
        assert!(columns.above(0, 7910).is_none());
    }
}
