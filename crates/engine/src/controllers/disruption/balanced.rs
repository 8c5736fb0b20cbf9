//! The score that Balanced pools (1.14) ask of a command: its share of the pool's cost saved, over its share of the pool's
//! pods disturbed, at least one half. Source: kubernetes-sigs/karpenter pkg/controllers/disruption/balanced.go v1.14.1.

use super::picture::Picture;
use crate::scheduling::consolidation::Command;
use objects::typed::ConsolidationPolicy;
use std::collections::BTreeMap;

/// Price and disruption cost of all nodes of each Balanced pool.
#[derive(Debug, Default)]
pub struct Totals(BTreeMap<String, (i128, i128)>);

impl Totals {
    pub fn of(picture: &Picture) -> Totals {
        let mut totals: BTreeMap<String, (i128, i128)> = BTreeMap::new();
        for subject in &picture.subjects {
            let balanced = subject.pool.pool().is_some_and(|p| p.policy == ConsolidationPolicy::Balanced);
            if let (true, Some(c)) = (balanced, &subject.candidate) {
                let slot = totals.entry(subject.pool.meta.name.clone()).or_default();
                slot.0 += i128::from(c.price_micro);
                slot.1 += i128::from(c.reschedule_cost);
            }
        }
        Totals(totals)
    }

    /// Whether every Balanced pool in the command is content; the savings are split by the price of what goes.
    pub fn approve(&self, command: &Command, price_after_micro: i64) -> bool {
        let before = i128::from(command.price_before_micro());
        let saved = before - i128::from(price_after_micro);
        let mut parts: BTreeMap<&str, (i128, i128)> = BTreeMap::new();
        for c in &command.candidates {
            let slot = parts.entry(c.pool.as_str()).or_default();
            slot.0 += i128::from(c.price_micro);
            slot.1 += i128::from(c.reschedule_cost);
        }
        parts.iter().all(|(pool, (price, disruption))| match self.0.get(*pool) {
            None => true,
            Some((cost, all)) => {
                // (saved * price / before) / cost  >=  (disruption / all) / 2, without dividing.
                saved > 0 && saved * price * all * 2 >= disruption * cost * before.max(1)
            }
        })
    }
}
