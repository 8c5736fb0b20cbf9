//! How fast the number of pods may change: stabilisation windows and scaling policies.
//! Source: kubernetes pkg/controller/podautoscaler/horizontal.go and pkg/apis/autoscaling/v2/defaults.go, v1.35.

use crate::kernel::SimTime;
use objects::{DocExt, Value};

/// `--horizontal-pod-autoscaler-downscale-stabilization`
const DOWN_WINDOW_S: i64 = 300;

/// What the controller remembers of one autoscaler.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    recommendations: Vec<(i64, SimTime)>,
    ups: Vec<(i64, SimTime)>,
    downs: Vec<(i64, SimTime)>,
}

/// A number of replicas, and the conditions that tell how it came about: (type, status, reason, message).
#[derive(Debug, PartialEq, Eq)]
pub struct Settled {
    pub replicas: i64,
    pub conditions: [(&'static str, &'static str, &'static str, &'static str); 2],
}

#[derive(Clone, Copy, Debug)]
pub struct Ask {
    pub current: i64,
    pub desired: i64,
    pub min: i64,
    pub max: i64,
}

const READY: (&str, &str, &str, &str) = ("AbleToScale", "True", "ReadyForNewScale", "recommended size matches current size");
const DOWN_STABILIZED: &str = "recent recommendations were higher than current one, applying the highest recent recommendation";
const UP_STABILIZED: &str = "recent recommendations were lower than current one, applying the lowest recent recommendation";

impl Memory {
    /// The controller takes the replicas it finds at first for a recommendation.
    pub fn begin(&mut self, current: i64, now: SimTime) {
        if self.recommendations.is_empty() {
            self.recommendations.push((current, now));
        }
    }

    /// What of `ask` may happen now under `behavior` (`spec.behavior` with its defaults, null where it has none).
    pub fn settle(&mut self, ask: Ask, behavior: &Value, now: SimTime) -> Settled {
        let (stable, able) = self.stabilize(ask, behavior, now);
        let (replicas, reason, message) = match behavior.is_object() {
            true => self.by_policies(Ask { desired: stable, ..ask }, behavior, now),
            false => by_rules(Ask { desired: stable, ..ask }),
        };
        let limited = if replicas == stable { "False" } else { "True" };
        Settled { replicas, conditions: [able, ("ScalingLimited", limited, reason, message)] }
    }

    fn stabilize(
        &mut self,
        ask: Ask,
        behavior: &Value,
        now: SimTime,
    ) -> (i64, (&'static str, &'static str, &'static str, &'static str)) {
        let window = |path: &str, default: i64| u64::try_from(behavior.int_at(path).unwrap_or(default)).unwrap_or(0) * 1000;
        let up_ms = window("scaleUp.stabilizationWindowSeconds", 0);
        let down_ms = window("scaleDown.stabilizationWindowSeconds", DOWN_WINDOW_S);
        let within = |t: SimTime, ms: u64| now.since(t) < ms;
        let (mut up, mut down) = (ask.desired, ask.desired);
        for (n, t) in &self.recommendations {
            if within(*t, up_ms) {
                up = up.min(*n);
            }
            if within(*t, down_ms) {
                down = down.max(*n);
            }
        }
        // Between the two limits the present number stays.
        let stable = if behavior.is_object() { ask.current.max(up).min(down) } else { down };
        self.recommendations.retain(|(_, t)| within(*t, up_ms.max(down_ms)));
        self.recommendations.push((ask.desired, now));
        let able = if stable == ask.desired {
            READY
        } else if behavior.is_object() && ask.desired >= ask.current {
            ("AbleToScale", "True", "ScaleUpStabilized", UP_STABILIZED)
        } else {
            ("AbleToScale", "True", "ScaleDownStabilized", DOWN_STABILIZED)
        };
        (stable, able)
    }

    fn by_policies(&self, ask: Ask, behavior: &Value, now: SimTime) -> (i64, &'static str, &'static str) {
        if ask.desired > ask.current {
            let limit = self.limit(ask.current, behavior.at("scaleUp"), true, now).max(ask.current);
            let (most, reason, message) =
                if ask.max > limit { (limit, "ScaleUpLimit", TOO_FAST) } else { (ask.max, "TooManyReplicas", TOO_MANY) };
            if ask.desired > most {
                return (most, reason, message);
            }
        } else if ask.desired < ask.current {
            let limit = self.limit(ask.current, behavior.at("scaleDown"), false, now).min(ask.current);
            let (least, reason, message) =
                if ask.min < limit { (limit, "ScaleDownLimit", TOO_FAST_DOWN) } else { (ask.min, "TooFewReplicas", TOO_FEW) };
            if ask.desired < least {
                return (least, reason, message);
            }
        }
        (ask.desired, "DesiredWithinRange", IN_RANGE)
    }

    /// The farthest that the policies of one direction allow.
    fn limit(&self, current: i64, rules: &Value, up: bool, now: SimTime) -> i64 {
        let select = rules.str_at("selectPolicy").unwrap_or("Max");
        if select == "Disabled" {
            return current;
        }
        let changed = |events: &[(i64, SimTime)], ms: u64| -> i64 {
            events.iter().filter(|(_, t)| now.since(*t) < ms).map(|(n, _)| n).sum()
        };
        let proposals = rules.list_at("policies").iter().map(|policy| {
            let ms = u64::try_from(policy.int_at("periodSeconds").unwrap_or(15)).unwrap_or(0) * 1000;
            let start = current - changed(&self.ups, ms) + changed(&self.downs, ms);
            let value = policy.int_at("value").unwrap_or(0);
            match (policy.str_at("type") == Some("Percent"), up) {
                (false, true) => start + value,
                (false, false) => start - value,
                (true, true) => (start * (100 + value)).div_euclid(100) + i64::from((start * (100 + value)).rem_euclid(100) != 0),
                (true, false) => (start * (100 - value)) / 100,
            }
        });
        // The most change is the greatest number on the way up and the least on the way down.
        let most = if (select == "Min") != up { proposals.max() } else { proposals.min() };
        most.unwrap_or(current)
    }

    /// Remembers a change that was made.
    pub fn scaled(&mut self, from: i64, to: i64, behavior: &Value, now: SimTime) {
        if !behavior.is_object() {
            return;
        }
        let (events, rules) =
            if to > from { (&mut self.ups, behavior.at("scaleUp")) } else { (&mut self.downs, behavior.at("scaleDown")) };
        let longest = rules.list_at("policies").iter().filter_map(|p| p.int_at("periodSeconds")).max().unwrap_or(0);
        let longest_ms = u64::try_from(longest).unwrap_or(0) * 1000;
        events.retain(|(_, t)| now.since(*t) <= longest_ms);
        events.push(((to - from).abs(), now));
    }
}

const TOO_FAST: &str = "the desired replica count is increasing faster than the maximum scale rate";
const TOO_FAST_DOWN: &str = "the desired replica count is decreasing faster than the maximum scale rate";
const TOO_MANY: &str = "the desired replica count is more than the maximum replica count";
const TOO_FEW: &str = "the desired replica count is less than the minimum replica count";
const IN_RANGE: &str = "the desired count is within the acceptable range";

/// Without `spec.behavior`: at most twice the pods, or four, at a time.
fn by_rules(ask: Ask) -> (i64, &'static str, &'static str) {
    let limit = (2 * ask.current).max(4);
    let (most, reason, message) =
        if ask.max > limit { (limit, "ScaleUpLimit", TOO_FAST) } else { (ask.max, "TooManyReplicas", TOO_MANY) };
    if ask.desired < ask.min {
        (ask.min, "TooFewReplicas", TOO_FEW)
    } else if ask.desired > most {
        (most, reason, message)
    } else {
        (ask.desired, "DesiredWithinRange", IN_RANGE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use objects::{Kind, json};

    fn at(s: u64) -> SimTime {
        SimTime::ZERO + s * 1000
    }

    #[test]
    fn goes_up_by_twice_and_down_after_five_minutes() {
        let mut memory = Memory::default();
        memory.begin(2, at(0));
        let mut check = |s: u64, current: i64, desired: i64, want: i64, reason: &str| {
            let settled = memory.settle(Ask { current, desired, min: 1, max: 20 }, &Value::Null, at(s));
            assert_eq!((settled.replicas, settled.conditions.map(|c| c.2).join(" ").as_str()), (want, reason), "{s} s");
        };
        check(15, 2, 12, 4, "ReadyForNewScale ScaleUpLimit");
        check(30, 4, 12, 8, "ReadyForNewScale ScaleUpLimit");
        check(45, 8, 30, 16, "ReadyForNewScale ScaleUpLimit");
        check(60, 16, 30, 20, "ReadyForNewScale TooManyReplicas");
        check(75, 20, 3, 20, "ScaleDownStabilized TooManyReplicas");
        check(359, 20, 3, 20, "ScaleDownStabilized TooManyReplicas");
        check(375, 20, 0, 3, "ScaleDownStabilized DesiredWithinRange");
        check(700, 3, 0, 1, "ReadyForNewScale TooFewReplicas");
    }

    #[test]
    fn policies_bound_a_period() {
        let mut hpa = json!({"spec": {"behavior": {
            "scaleUp": {"policies": [{"type": "Pods", "value": 2, "periodSeconds": 60}]},
            "scaleDown": {"stabilizationWindowSeconds": 0, "policies": [{"type": "Percent", "value": 50, "periodSeconds": 60}]},
        }}});
        objects::default_fields(Kind::HorizontalPodAutoscaler, &mut hpa);
        let behavior = hpa.at("spec.behavior").clone();
        let mut memory = Memory::default();
        memory.begin(2, at(0));
        let mut check = |s: u64, current: i64, desired: i64, want: i64, reason: &str| {
            let settled = memory.settle(Ask { current, desired, min: 1, max: 20 }, &behavior, at(s));
            assert_eq!((settled.replicas, settled.conditions[1].2), (want, reason), "{s} s");
            if want != current {
                memory.scaled(current, want, &behavior, at(s));
            }
        };
        check(15, 2, 9, 4, "ScaleUpLimit");
        check(30, 4, 9, 4, "ScaleUpLimit");
        check(75, 4, 9, 6, "ScaleUpLimit");
        check(150, 6, 1, 3, "ScaleDownLimit");
        check(165, 3, 1, 3, "ScaleDownLimit");
        check(210, 3, 1, 1, "DesiredWithinRange");
    }
}
