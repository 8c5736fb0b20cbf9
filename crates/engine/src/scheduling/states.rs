//! What can be asked of a node, by number: every set of requirements that comes up in a round, without the host name,
//! with the types that meet it. Most claims of a round are in one of few such states.

use super::instance_type::InstanceType;
use super::labels;
use super::requirements::Requirements;
use super::type_set::TypeSet;
use super::type_table::{TypeFilter, TypeTable};
use objects::Era;
use objects::collections::Order as _;
use objects::collections::VecMap;

#[derive(Debug)]
pub struct State {
    pub requirements: Requirements,
    /// Types that the requirements allow and that are sold within them; made when first asked for.
    usable: Option<TypeSet>,
    /// All types by cheapest allowed offering, then name.
    by_price: Option<Vec<usize>>,
}

#[derive(Debug)]
pub struct States<'a> {
    era: Era,
    pub table: &'a TypeTable,
    pub filter: TypeFilter,
    list: Vec<State>,
    /// Numbers of claims' states and of nodes' states: a claim may leave well-known labels open, a node may not.
    numbers: [VecMap<Requirements, u32>; 2],
    is_node: Vec<bool>,
}

impl<'a> States<'a> {
    pub fn new(era: Era, table: &'a TypeTable) -> States<'a> {
        States {
            era,
            table,
            filter: TypeFilter::default(),
            list: Vec::new(),
            numbers: [VecMap::new(), VecMap::new()],
            is_node: Vec::new(),
        }
    }

    pub fn len(&self) -> usize {
        self.list.len()
    }

    pub fn number(&mut self, mut requirements: Requirements, is_node: bool) -> u32 {
        if requirements.has(labels::HOSTNAME) {
            requirements.remove(labels::HOSTNAME);
        }
        let [of_claims, of_nodes] = &mut self.numbers;
        let numbers = if is_node { of_nodes } else { of_claims };
        if let Some(n) = numbers.get(&requirements) {
            return *n;
        }
        let n = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        numbers.insert(requirements.clone(), n);
        self.list.push(State { requirements, usable: None, by_price: None });
        self.is_node.push(is_node);
        n
    }

    pub fn get(&self, n: u32) -> Option<&State> {
        self.list.get(n as usize)
    }

    /// The era whose well-known labels may be open in that state.
    pub fn allowance(&self, n: u32) -> Option<Era> {
        self.is_node.get(n as usize).is_none_or(|is_node| !is_node).then_some(self.era)
    }

    /// The state with each of `more` added in turn, or `None` where one is incompatible with what is there by then.
    pub fn narrowed(&mut self, n: u32, more: &[&Requirements]) -> Option<u32> {
        let allowed = self.allowance(n);
        if more.iter().all(|r| r.is_empty()) {
            return Some(n);
        }
        let mut all = self.get(n)?.requirements.clone();
        for r in more {
            if !all.compatible(r, allowed) {
                return None;
            }
            all.add_all(r);
        }
        Some(self.number(all, allowed.is_none()))
    }

    pub fn usable(&mut self, n: u32) -> Option<&TypeSet> {
        let (table, filter) = (self.table, &mut self.filter);
        let state = self.list.get_mut(n as usize)?;
        let requirements = &state.requirements;
        Some(state.usable.get_or_insert_with(|| {
            let mut set = filter.compatible(table, requirements);
            set.keep(&filter.offered(table, requirements));
            set
        }))
    }

    /// Members by cheapest offering that the state allows, then name.
    pub fn by_price(&mut self, n: u32, members: &TypeSet) -> Vec<usize> {
        let table = self.table;
        let Some(state) = self.list.get_mut(n as usize) else { return Vec::new() };
        let requirements = &state.requirements;
        let all = state.by_price.get_or_insert_with(|| {
            let price = |(i, t): (usize, &InstanceType)| (t.cheapest_micro(requirements), i);
            let mut priced: Vec<(i64, usize)> = table.iter().enumerate().map(price).collect();
            priced.order();
            priced.into_iter().map(|(_, i)| i).collect()
        });
        all.iter().copied().filter(|i| members.contains(*i)).collect()
    }
}
