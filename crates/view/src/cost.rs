//! What the cluster cost over time: piecewise constant rates, never smoothed.

use engine::{SimTime, Snapshot};
use objects::collections::Order as _;

/// The rate from `from` until the next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    pub from: SimTime,
    pub on_demand_micro: i64,
    pub spot_micro: i64,
    /// The same nodes, all at on-demand prices.
    pub all_on_demand_micro: i64,
    pub nodes_on_demand: u32,
    pub nodes_spot: u32,
}

impl Step {
    pub fn rate_micro(&self) -> i64 {
        self.on_demand_micro.saturating_add(self.spot_micro)
    }

    pub fn nodes(&self) -> u32 {
        self.nodes_on_demand.saturating_add(self.nodes_spot)
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct CostSeries {
    /// At most [`MAX_STEPS`]; the first is at or before the start of the session.
    pub steps: Vec<Step>,
    pub from: SimTime,
    pub until: SimTime,
    pub rate_micro: i64,
    /// Since the session began.
    pub spent_micro: i64,
    /// What the same hours would have cost on demand.
    pub spent_on_demand_micro: i64,
}

/// A chart is a few hundred pixels wide; more steps than that cannot be seen. Beyond it the extremes of each slot
/// are kept.
pub const MAX_STEPS: usize = 1200;

impl CostSeries {
    /// `until` is the right edge of the chart (the present, rounded up by the caller as it likes).
    pub fn of(snapshot: &Snapshot, until: SimTime) -> CostSeries {
        let start = snapshot.start;
        let all: Vec<Step> = snapshot
            .ledger
            .series
            .iter()
            .map(|p| Step {
                from: p.at,
                on_demand_micro: p.on_demand_micro,
                spot_micro: p.spot_micro,
                all_on_demand_micro: p.on_demand_micro.saturating_add(p.spot_at_on_demand_micro),
                nodes_on_demand: p.nodes_on_demand,
                nodes_spot: p.nodes_spot,
            })
            .collect();
        let first = all.partition_point(|s| s.from <= start).saturating_sub(1);
        let mut steps: Vec<Step> = all.into_iter().skip(first).collect();
        if let Some(s) = steps.first_mut() {
            s.from = s.from.max(start);
        }
        let spent = |rate: fn(&Step) -> i64| integrate(&steps, snapshot.now, rate);
        CostSeries {
            rate_micro: snapshot.ledger.rate_micro(),
            spent_micro: spent(Step::rate_micro),
            spent_on_demand_micro: spent(|s| s.all_on_demand_micro),
            steps: thin(steps),
            from: start,
            until: until.max(snapshot.now),
        }
    }

    /// The step in force at a time.
    pub fn at(&self, t: SimTime) -> Option<&Step> {
        self.steps.get(self.steps.partition_point(|s| s.from <= t).checked_sub(1)?)
    }

    /// Parts per thousand saved against on-demand prices so far.
    pub fn saved_permille(&self) -> i64 {
        crate::format::permille(self.spent_on_demand_micro.saturating_sub(self.spent_micro), self.spent_on_demand_micro)
    }

    /// Rows of the table twin and of the CSV: seconds since the start, nodes, micro-dollars per hour.
    pub fn csv(&self) -> String {
        let mut out = String::from("seconds,on_demand_nodes,spot_nodes,on_demand_usd_per_hour,spot_usd_per_hour\n");
        for s in &self.steps {
            let usd = |m: i64| format!("{}.{:06}", m / 1_000_000, m % 1_000_000);
            out += &format!(
                "{}.{:03},{},{},{},{}\n",
                s.from.since(self.from) / 1000,
                s.from.since(self.from) % 1000,
                s.nodes_on_demand,
                s.nodes_spot,
                usd(s.on_demand_micro),
                usd(s.spot_micro)
            );
        }
        out
    }
}

fn integrate(steps: &[Step], now: SimTime, rate: fn(&Step) -> i64) -> i64 {
    let mut sum: i128 = 0;
    for (i, s) in steps.iter().enumerate() {
        let end = steps.get(i + 1).map_or(now, |n| n.from.min(now));
        sum += i128::from(rate(s)) * i128::from(end.since(s.from));
    }
    i64::try_from(sum / 3_600_000).unwrap_or(i64::MAX)
}

/// Keeps the lowest, the highest and the last step of each slot, so that edges and peaks stay where they are.
fn thin(steps: Vec<Step>) -> Vec<Step> {
    if steps.len() <= MAX_STEPS {
        return steps;
    }
    let slot = steps.len().div_ceil(MAX_STEPS / 3);
    let mut out = Vec::with_capacity(MAX_STEPS);
    for chunk in steps.chunks(slot) {
        let mut keep: Vec<Step> =
            [chunk.iter().min_by_key(|s| s.rate_micro()), chunk.iter().max_by_key(|s| s.rate_micro()), chunk.last()]
                .into_iter()
                .flatten()
                .copied()
                .collect();
        keep.order_by_key(|s| s.from);
        keep.dedup();
        out.extend(keep);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn steps_sums_and_csv() {
        let snapshot = sample::snapshot();
        let c = CostSeries::of(&snapshot, SimTime::secs(300));
        assert_eq!(c.until, SimTime::secs(300));
        assert_eq!(c.at(SimTime::secs(59)).map(Step::rate_micro), Some(236_000));
        assert_eq!(c.at(SimTime::secs(60)).map(Step::rate_micro), Some(475_000));
        // one minute at 0.236 and one at 0.475
        assert_eq!(c.spent_micro, (236_000 + 475_000) / 60);
        assert_eq!(c.spent_on_demand_micro, (236_000 + 1_034_000) / 60);
        assert_eq!(c.saved_permille(), 440);
        assert_eq!(c.csv().lines().nth(2), Some("60.000,2,1,0.236000,0.239000"));
    }

    #[test]
    fn long_series_keep_their_peaks() {
        let step = |i: u64, micro: i64| Step {
            from: SimTime(i),
            on_demand_micro: micro,
            spot_micro: 0,
            all_on_demand_micro: micro,
            nodes_on_demand: 1,
            nodes_spot: 0,
        };
        let steps: Vec<Step> = (0..10_000).map(|i| step(i, if i == 7_777 { 9 } else { 1 })).collect();
        let thinned = thin(steps);
        assert!(thinned.len() <= MAX_STEPS);
        assert!(thinned.iter().any(|s| s.from == SimTime(7_777) && s.on_demand_micro == 9));
        assert_eq!(thinned.last().map(|s| s.from), Some(SimTime(9_999)));
    }
}
