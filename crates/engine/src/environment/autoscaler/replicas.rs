//! How many pods a measurement asks for.
//! Source: kubernetes pkg/controller/podautoscaler/{replica_calculator,metrics/utilization}.go, v1.35, whose ratios of
//! floating-point numbers are kept here as two integers.

/// One pod that the autoscaler's target selects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pod {
    /// On its way out, or failed: not counted.
    Ignored,
    /// Not yet ready, or measured too early.
    Unready {
        request: i64,
    },
    /// No measurement.
    Missing {
        request: i64,
    },
    Measured {
        request: i64,
        usage: i64,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Percent of what the pods request.
    Utilization(i64),
    /// An average over the pods.
    Average(i64),
}

/// By how many thousandths the ratio may be off before anything is done.
#[derive(Clone, Copy, Debug)]
pub struct Tolerance {
    pub down: i64,
    pub up: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proposal {
    pub replicas: i64,
    /// Percent of the requests, where that is the target.
    pub utilization: Option<i64>,
    pub average: i64,
}

/// The usage now over the usage wanted.
#[derive(Clone, Copy, Debug)]
struct Ratio {
    is: i64,
    wanted: i64,
}

impl Ratio {
    fn within(self, t: Tolerance) -> bool {
        let (is, wanted) = (self.is.saturating_mul(1000), self.wanted);
        wanted.saturating_mul(1000 - t.down) <= is && is <= wanted.saturating_mul(1000 + t.up)
    }

    fn over(self) -> bool {
        self.is > self.wanted
    }

    fn under(self) -> bool {
        self.is < self.wanted
    }

    /// The ratio of `n`, rounded up.
    fn of(self, n: i64) -> i64 {
        let product = self.is.saturating_mul(n);
        product.div_euclid(self.wanted) + i64::from(product.rem_euclid(self.wanted) != 0)
    }
}

/// The ratio over (request, usage) pairs, with the percentage and the average.
fn ratio(samples: &[(i64, i64)], target: Target) -> Option<(Ratio, Option<i64>, i64)> {
    let total: i64 = samples.iter().map(|(_, usage)| usage).sum();
    let average = total.checked_div(i64::try_from(samples.len()).ok()?)?;
    match target {
        Target::Utilization(wanted) => {
            let requests: i64 = samples.iter().map(|(request, _)| request).sum();
            let percent = total.saturating_mul(100).checked_div(requests)?;
            Some((Ratio { is: percent, wanted: wanted.max(1) }, Some(percent), average))
        }
        Target::Average(wanted) => Some((Ratio { is: average, wanted: wanted.max(1) }, None, average)),
    }
}

/// The replicas that `pods` ask for; the error is the controller's.
pub fn propose(pods: &[Pod], current: i64, target: Target, tolerance: Tolerance) -> Result<Proposal, String> {
    if pods.is_empty() {
        return Err("no pods returned by selector while calculating replica count".to_owned());
    }
    let mut samples: Vec<(i64, i64)> = pods
        .iter()
        .filter_map(|p| if let Pod::Measured { request, usage } = p { Some((*request, *usage)) } else { None })
        .collect();
    if samples.is_empty() {
        return Err("did not receive metrics for targeted pods (pods might be unready)".to_owned());
    }
    let none = || "no metrics returned matched known pods".to_owned();
    let (now, utilization, average) = ratio(&samples, target).ok_or_else(none)?;
    let proposal = |replicas| Ok(Proposal { replicas, utilization, average });
    let unready: Vec<i64> =
        pods.iter().filter_map(|p| if let Pod::Unready { request } = p { Some(*request) } else { None }).collect();
    let missing: Vec<i64> =
        pods.iter().filter_map(|p| if let Pod::Missing { request } = p { Some(*request) } else { None }).collect();
    let grows_with_unready = !unready.is_empty() && now.over();
    if !grows_with_unready && missing.is_empty() {
        let ready = i64::try_from(samples.len()).unwrap_or(i64::MAX);
        return proposal(if now.within(tolerance) { current } else { now.of(ready) });
    }
    for request in missing {
        // Towards fewer pods those without measurement count as busy, towards more as idle.
        if now.under() {
            let usage = match target {
                Target::Utilization(wanted) => request.saturating_mul(wanted.max(100)) / 100,
                Target::Average(wanted) => wanted,
            };
            samples.push((request, usage));
        } else if now.over() {
            samples.push((request, 0));
        }
    }
    if grows_with_unready {
        samples.extend(unready.into_iter().map(|request| (request, 0)));
    }
    let (new, ..) = ratio(&samples, target).ok_or_else(none)?;
    if new.within(tolerance) || (now.under() && new.over()) || (now.over() && new.under()) {
        return proposal(current);
    }
    let replicas = new.of(i64::try_from(samples.len()).unwrap_or(i64::MAX));
    let turns = (new.under() && replicas > current) || (new.over() && replicas < current);
    proposal(if turns { current } else { replicas })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENTH: Tolerance = Tolerance { down: 100, up: 100 };

    fn check(pods: &[Pod], current: i64, target: Target, want: Result<i64, &str>) {
        let got = propose(pods, current, target, TENTH).map(|p| p.replicas);
        assert_eq!(got, want.map_err(str::to_owned), "{pods:?} {target:?}");
    }

    /// Cases with the figures of the controller's own tests, `replica_calculator_test.go`.
    #[test]
    fn asks_for_what_the_controller_asks_for() {
        let pods = |usages: &[i64]| usages.iter().map(|u| Pod::Measured { request: 1000, usage: *u }).collect::<Vec<_>>();
        let percent = Target::Utilization;
        check(&pods(&[300, 500, 700]), 3, percent(30), Ok(5));
        check(&pods(&[100, 300, 500]), 3, percent(50), Ok(2));
        // Within a tenth of the target nothing is done.
        check(&pods(&[1010, 1030, 1020]), 3, percent(100), Ok(3));
        check(&pods(&[500, 500, 500]), 3, Target::Average(300), Ok(5));
        let with = |mut list: Vec<Pod>, more: &[Pod]| {
            list.extend(more);
            list
        };
        let missing = Pod::Missing { request: 1000 };
        let unready = Pod::Unready { request: 1000 };
        // A pod without measurement counts as idle on the way up and as full on the way down.
        check(&with(pods(&[1000]), &[missing]), 2, percent(50), Ok(2));
        check(&with(pods(&[100, 100]), &[missing]), 3, percent(50), Ok(3));
        check(&with(pods(&[1000, 1000]), &[missing]), 3, percent(21), Ok(10));
        // So does one that is not ready yet, on the way up.
        check(&with(pods(&[500, 700]), &[unready]), 3, percent(30), Ok(4));
        check(&with(pods(&[100]), &[unready, unready]), 3, percent(30), Ok(1));
        check(&[], 1, percent(50), Err("no pods returned by selector while calculating replica count"));
        check(&[unready], 1, percent(50), Err("did not receive metrics for targeted pods (pods might be unready)"));
        check(&with(pods(&[600]), &[Pod::Ignored]), 1, percent(30), Ok(2));
    }
}
