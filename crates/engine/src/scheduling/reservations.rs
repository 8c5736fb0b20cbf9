//! Reserved capacity is finite: every claim holds each reservation that it could launch into, until it is narrowed.
//! Source: kubernetes-sigs/karpenter pkg/controllers/provisioning/scheduling/{reservationmanager,nodeclaim}.go v1.14.1.

use super::requirements::Requirements;
use super::type_set::TypeSet;
use super::type_table::TypeTable;
use objects::collections::{VecMap, VecSet};
use std::sync::Arc;

/// Ids of reservations.
pub type Wanted = VecSet<Arc<str>>;

#[derive(Clone, Debug, Default)]
pub struct Reservations {
    free: VecMap<Arc<str>, u32>,
    /// A pod that could have had reserved capacity waits for it rather than take other capacity.
    strict: bool,
}

impl Reservations {
    pub fn new(table: &TypeTable, strict: bool) -> Reservations {
        let mut free: VecMap<Arc<str>, u32> = VecMap::new();
        for (id, n) in table.iter().flat_map(|t| &t.offerings).filter_map(|o| o.reservation.as_ref()) {
            let least = free.get(id).copied().unwrap_or(u32::MAX).min(*n);
            free.insert(id.clone(), least);
        }
        Reservations { free, strict }
    }

    /// The same for a round of another kind.
    pub fn again(&self, strict: bool) -> Reservations {
        Reservations { free: self.free.clone(), strict }
    }

    pub fn is_empty(&self) -> bool {
        self.free.is_empty()
    }

    /// What a claim that holds `held` would hold with these types and requirements, or why it may not.
    pub fn want(
        &self,
        held: &Wanted,
        table: &TypeTable,
        types: &TypeSet,
        requirements: &Requirements,
    ) -> Result<Wanted, &'static str> {
        if self.free.is_empty() {
            return Ok(Wanted::default());
        }
        let mut possible = false;
        let mut wanted = Wanted::default();
        for t in types.iter().filter_map(|i| table.get(i)) {
            for (id, _) in t.compatible(requirements).filter_map(|o| o.reservation.as_ref()) {
                possible = true;
                if held.contains(id) || self.free.get(id).is_some_and(|n| *n > 0) {
                    wanted.insert(id.clone());
                }
            }
        }
        match (self.strict && wanted.is_empty(), possible, held.is_empty()) {
            (true, true, _) => {
                Err("one or more instance types with compatible reserved offerings are available, but could not be reserved")
            }
            (true, false, false) => {
                Err("satisfying updated nodeclaim constraints would remove all compatible reserved offering options")
            }
            _ => Ok(wanted),
        }
    }

    /// Takes what a claim holds now and gives back what it held before and no longer does.
    pub fn change(&mut self, before: &Wanted, now: &Wanted) {
        for id in now.difference(before) {
            if let Some(n) = self.free.get_mut(id) {
                *n = n.saturating_sub(1);
            }
        }
        for id in before.difference(now) {
            if let Some(n) = self.free.get_mut(id) {
                *n = n.saturating_add(1);
            }
        }
    }
}
