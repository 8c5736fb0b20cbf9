//! Policy `Balanced`: a move must save at least half as large a share of the pool's cost as it disturbs of the pool's
//! pods. Source: kubernetes-sigs/karpenter pkg/controllers/disruption/{balanced,types}.go v1.14.1.

use super::Command;
use super::candidate::{Candidate, Moves};
use crate::scheduling::cluster::Cluster;
use crate::scheduling::labels;
use objects::collections::VecMap;
use objects::typed::ConsolidationPolicy;

/// A share of the savings counts `K` times as much as the same share of disturbance.
pub const K: i128 = 2;

/// Per pool: price of its nodes (micro-dollars per hour) and what disturbing all of them would cost.
pub type Totals = VecMap<String, (i64, i64)>;

/// Shares as (part, whole).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Score {
    pub pool: String,
    pub savings: (i128, i128),
    pub disruption: (i128, i128),
}

/// The totals over every node of every pool, candidate or not. `priced` names the nodes whose price counts where it is not
/// all of them: Karpenter falls back on its candidates while it has not added up what the cluster costs.
pub fn totals(cluster: &Cluster, priced: Option<&[usize]>) -> Totals {
    let mut all = Totals::new();
    for ((i, node), moves) in cluster.nodes.iter().enumerate().zip(Moves::by_node(cluster)) {
        let label = |key: &str| node.labels.get(key).map(String::as_str);
        let Some(pool) = label(cluster.rules.pool_label()) else { continue };
        let t = label(labels::INSTANCE_TYPE).and_then(|t| cluster.types.named(t));
        let t = t.filter(|_| priced.is_none_or(|p| p.contains(&i)));
        let price = t.and_then(|(_, t)| t.price_micro(label(labels::CAPACITY_TYPE)?, label(labels::ZONE)?));
        let total = all.entry(pool.to_owned()).or_default();
        total.0 = total.0.saturating_add(price.unwrap_or(0));
        total.1 = total.1.saturating_add(moves.reschedule_cost);
    }
    all
}

/// The scores of the command's Balanced pools; pools with another policy are not scored.
pub fn scores(cluster: &Cluster, totals: &Totals, command: &Command) -> Vec<Score> {
    let before = command.price_before_micro();
    let savings = before.saturating_sub(command.price_after_micro(cluster));
    let mut by_pool: VecMap<&str, (i64, i64)> = VecMap::new();
    for c in &command.candidates {
        let sum = by_pool.entry(&c.pool).or_default();
        sum.0 = sum.0.saturating_add(c.price_micro);
        sum.1 = sum.1.saturating_add(c.reschedule_cost);
    }
    let is_shared = by_pool.len() > 1 && before > 0;
    let balanced = by_pool.into_iter().filter(|(pool, _)| is_balanced(cluster, pool));
    balanced
        .map(|(pool, (price, cost))| {
            // A move over several pools saves for each as much as that pool's nodes cost of all that go.
            let (part, whole) = if is_shared { (i128::from(price), i128::from(before)) } else { (1, 1) };
            score(pool, totals, (i128::from(savings) * part, whole), cost)
        })
        .collect()
}

/// Whether every Balanced pool of the command gains enough.
pub fn approves(cluster: &Cluster, totals: &Totals, command: &Command) -> bool {
    scores(cluster, totals, command).iter().all(Score::is_enough)
}

/// Whether even deleting the candidate without a replacement could gain enough.
pub fn could_pass(cluster: &Cluster, totals: &Totals, c: &Candidate) -> bool {
    let has_price = totals.get(&c.pool).is_some_and(|t| t.0 > 0);
    !is_balanced(cluster, &c.pool)
        || !has_price
        || score(&c.pool, totals, (i128::from(c.price_micro), 1), c.reschedule_cost).is_enough()
}

fn is_balanced(cluster: &Cluster, pool: &str) -> bool {
    cluster.pool(pool).is_some_and(|p| p.policy == ConsolidationPolicy::Balanced)
}

fn score(pool: &str, totals: &Totals, savings: (i128, i128), cost: i64) -> Score {
    let (price, disruption) = totals.get(pool).copied().unwrap_or_default();
    if price <= 0 || disruption <= 0 {
        // Nothing to compare with: the score is zero.
        return Score { pool: pool.to_owned(), savings: (0, 1), disruption: (1, 1) };
    }
    Score {
        pool: pool.to_owned(),
        savings: (savings.0, savings.1.saturating_mul(i128::from(price))),
        disruption: (i128::from(cost), i128::from(disruption)),
    }
}

impl Score {
    pub fn is_enough(&self) -> bool {
        let (saved, cost) = (self.savings, self.disruption);
        saved.0 > 0 && K.saturating_mul(saved.0).saturating_mul(cost.1) >= cost.0.saturating_mul(saved.1)
    }

    /// As the event has it: `score 2.40 >= threshold 0.50 (k: 2, savings 80.0%, disruption 33.3%)`.
    pub fn text(&self) -> String {
        let (saved, cost) = (self.savings, self.disruption);
        let ratio = hundredths(saved.0.saturating_mul(cost.1), saved.1.saturating_mul(cost.0), 100);
        let share = |(part, whole): (i128, i128)| hundredths(part, whole, 1000);
        format!(
            "score {}.{:02} >= threshold 0.50 (k: {K}, savings {}.{}%, disruption {}.{}%)",
            ratio / 100,
            ratio % 100,
            share(saved) / 10,
            share(saved) % 10,
            share(cost) / 10,
            share(cost) % 10
        )
    }
}

/// `part / whole` in units of `1 / scale`, rounded to the nearest; 0 for what is negative.
fn hundredths(part: i128, whole: i128, scale: i128) -> i128 {
    if part <= 0 || whole <= 0 { 0 } else { (part.saturating_mul(scale).saturating_mul(2) + whole) / whole.saturating_mul(2) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_the_share_is_enough() {
        let check = |savings, disruption, enough, text: &str| {
            let s = Score { pool: "default".to_owned(), savings, disruption };
            assert_eq!((s.is_enough(), s.text().as_str()), (enough, text));
        };
        check((80, 100), (1, 3), true, "score 2.40 >= threshold 0.50 (k: 2, savings 80.0%, disruption 33.3%)");
        check((1, 4), (1, 2), true, "score 0.50 >= threshold 0.50 (k: 2, savings 25.0%, disruption 50.0%)");
        check((24, 100), (1, 2), false, "score 0.48 >= threshold 0.50 (k: 2, savings 24.0%, disruption 50.0%)");
        check((-1, 4), (1, 2), false, "score 0.00 >= threshold 0.50 (k: 2, savings 0.0%, disruption 50.0%)");
    }
}
