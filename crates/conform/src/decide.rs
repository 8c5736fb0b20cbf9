//! The engine's decision on a scenario, in the form of a recorded outcome.

use crate::Fault;
use crate::catalogue::Catalogue;
use crate::category::category;
use crate::expand::{Expanded, expand};
use crate::scenario::{Mode, Scenario};
use engine::actor::View;
use engine::controllers::{Finding, Listed, survey};
use engine::pricing::Market;
use engine::profile::Profile;
use engine::scheduling::consolidation::candidate::ONE_POD;
use engine::scheduling::input::{Source, read};
use engine::scheduling::{Cluster, MinValues, PlannedClaim, Preferences, Round, Rules, labels, solve};
use engine::{Era, SimTime};
use objects::collections::VecMap;
use objects::{DocExt, Kind, Value, json};
use std::sync::Arc;

/// The recorded decisions name a reservation by the label of the cloud that they were made with.
const RESERVATION: &str = "karpenter.test.sh/reservation-id";

/// A scenario as the engine sees it.
pub struct Case<'a> {
    pub scenario: &'a Scenario,
    pub catalogue: &'a Catalogue,
    pub cluster: Cluster,
    pub expanded: Expanded,
}

/// A decision and its words: what the engine says about pods without a place.
pub struct Decision {
    /// As a recorded outcome: `{"hourlyPrice", "provision"}` or `{"consolidate"}`, normalized.
    pub outcome: Value,
    /// By what they are about, as the recorded files name it: `error/POD`, `single node/NODE`.
    pub words: VecMap<String, String>,
}

impl<'a> Case<'a> {
    pub fn new(scenario: &'a Scenario, catalogue: &'a Catalogue, era: Era) -> Result<Case<'a>, Fault> {
        let expanded = expand(scenario, catalogue, era)?;
        let cluster = read(&Source {
            store: &expanded.store,
            rules: rules(scenario, era),
            types: Arc::new(catalogue.types()),
            blocks: VecMap::new(),
            now_ms: scenario.now_ms,
            marked: &expanded.marked,
        });
        Ok(Case { scenario, catalogue, cluster, expanded })
    }

    pub fn decide(&self) -> Decision {
        let (mut outcome, words) = match self.scenario.mode {
            Mode::Provision => self.provision(),
            Mode::Consolidate => self.consolidate(),
        };
        crate::compare::normalize(&mut outcome);
        Decision { outcome, words }
    }

    fn provision(&self) -> (Value, VecMap<String, String>) {
        let c = &self.cluster;
        let plan = solve(c, &Round::default());
        let mut price = 0.0;
        let mut claims = Vec::new();
        let mut seen = vec![false; c.pods.len()];
        let mut see = |pods: &[usize]| {
            for p in pods {
                if let Some(slot) = seen.get_mut(*p) {
                    *slot = true;
                }
            }
        };
        for claim in &plan.claims {
            see(&claim.pods);
            let shown = self.claim(claim);
            price += shown.at("launch.price").as_f64().unwrap_or(0.0);
            claims.push(shown);
        }
        plan.existing.iter().for_each(|(_, pods)| see(pods));
        let mut errors: VecMap<String, String> = VecMap::new();
        let mut words = VecMap::new();
        for (p, text) in &plan.errors {
            see(&[*p]);
            errors.insert(self.pod(*p), category(text));
            words.insert(format!("error/{}", self.pod(*p)), text.clone());
        }
        for (i, pod) in c.pods.iter().enumerate().filter(|(i, _)| seen.get(*i) == Some(&false)) {
            let object = self.expanded.store.get(&objects::ObjectKey::new(Kind::Pod, &pod.namespace, &pod.name));
            if object.and_then(|o| o.pod()).is_some_and(|p| !p.is_bound()) {
                errors.insert(self.pod(i), "ignored".to_owned());
            }
        }
        let provision = json!({"newNodeClaims": claims, "existingNodes": self.existing(&plan.existing), "podErrors": errors});
        (json!({"hourlyPrice": number(rounded(price)), "provision": provision}), words)
    }

    fn consolidate(&self) -> (Value, VecMap<String, String>) {
        let profile = Profile::of(self.cluster.rules.era);
        let view = View {
            store: &self.expanded.store,
            market: &Market::default(),
            profile: &profile,
            now: SimTime::ZERO,
            epoch_ms: self.scenario.now_ms,
            seed: 0,
        };
        let findings = survey(&view, &self.cluster, &self.expanded.marked);
        let by = findings.iter().find(|f| f.command.is_some()).map_or("none", |f| f.method);
        let mut result = json!({"decidedBy": by});
        let mut words = VecMap::new();
        for f in &findings {
            result.set(f.method, self.method(f));
            let kept = f.kept.iter().map(|(node, why)| (format!("{} node/{node}", f.method), format!("Unconsolidatable: {why}")));
            words.extend(kept);
        }
        (json!({"hourlyPrice": 0, "consolidate": result}), words)
    }

    fn method(&self, f: &Finding) -> Value {
        let v1 = self.cluster.rules.is_v1();
        let candidate = |c: &Listed| {
            let price = micro(c.price_micro);
            let cost = dollars_of(c.cost) / dollars_of(ONE_POD);
            let mut shown = json!({
                "node": c.node, "nodePool": c.pool, "instanceType": c.instance_type, "zone": c.zone,
                "capacityType": c.capacity_type, "price": number(price), "disruptionCost": number(rounded(cost)),
            });
            let ratio = rounded(price / cost);
            if v1 && ratio != 0.0 {
                shown.set("savingsRatio", number(ratio));
            }
            shown
        };
        let mut shown = json!({"candidates": f.candidates.iter().map(candidate).collect::<Vec<_>>(), "command": null});
        if v1 && !f.candidates.is_empty() {
            shown.set("budgets", json!(f.budgets));
        }
        let Some((nodes, command)) = &f.command else { return shown };
        let going: i64 = f.candidates.iter().filter(|c| nodes.contains(&c.node)).map(|c| c.price_micro).sum();
        let coming = command.as_ref().map_or(0, |c| c.price_after_micro(&self.cluster));
        let replacement = command.as_ref().and_then(|c| c.replacement.as_ref());
        let mut text = json!({
            "decision": if replacement.is_some() { "replace" } else { "delete" },
            "candidates": nodes, "savings": number(rounded(micro(going - coming))),
        });
        if let Some(r) = replacement {
            text.set("replacement", self.claim(r));
        }
        let existing = command.as_ref().map(|c| self.existing(&c.plan.existing)).unwrap_or_default();
        if !existing.is_empty() {
            text.set("podsToExistingNodes", existing);
        }
        shown.set("command", text);
        shown
    }

    fn claim(&self, p: &PlannedClaim) -> Value {
        let (rules, types) = (&self.cluster.rules, &self.cluster.types);
        let kept = p.kept_types(types, rules).unwrap_or_default();
        let mut list: Vec<(f64, &str)> = Vec::new();
        let mut launch: Option<(u8, f64, &str, &str, &str)> = None;
        for t in kept.iter().filter_map(|i| types.get(*i)) {
            let mut best = -1.0;
            for o in t.compatible(&p.requirements) {
                let id = o.reservation.as_ref().map(|(id, _)| &**id);
                let price = self.catalogue.price(&t.name, &o.zone, &o.capacity_type, id);
                if best < 0.0 || price < best {
                    best = price;
                }
                let rank = match &*o.capacity_type {
                    labels::RESERVED => 0,
                    labels::SPOT => 1,
                    _ => 2,
                };
                let offer = (rank, price, &*t.name, &*o.zone, &*o.capacity_type);
                if launch.is_none_or(|l| offer < l) {
                    launch = Some(offer);
                }
            }
            list.push((best, &t.name));
        }
        list.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(b.1)));
        let mut requirements = p.expressions(types, rules);
        requirements.retain(|e| e.key != labels::INSTANCE_TYPE || e.min_values.is_some());
        let requirement = |e: &objects::selector::Expression| {
            let key = if e.key == labels::RESERVATION_ID { RESERVATION } else { &e.key };
            let mut v = json!({"key": key, "operator": e.operator.as_str()});
            if !e.values.is_empty() && e.key != labels::INSTANCE_TYPE {
                let mut values = e.values.clone();
                values.sort();
                v.set("values", json!(values));
            }
            if let Some(n) = e.min_values {
                v.set("minValues", n);
            }
            v
        };
        let mut shown = json!({
            "nodePool": p.pool, "pods": self.pods(&p.pods), "requests": p.requests.0,
            "requirements": requirements.iter().map(requirement).collect::<Vec<_>>(),
            "instanceTypes": list.iter().map(|(price, name)| format!("{name}@{}", go_g(*price))).collect::<Vec<_>>(),
            "launch": null,
        });
        if let Some((_, price, name, zone, kind)) = launch {
            shown.set("launch", json!({"instanceType": name, "zone": zone, "capacityType": kind, "price": number(price)}));
        }
        if p.min_values_relaxed {
            shown.set("minValuesRelaxed", true);
        }
        shown
    }

    fn existing(&self, list: &[(usize, Vec<usize>)]) -> Vec<Value> {
        let name = |n: usize| self.cluster.nodes.get(n).map_or("", |n| n.name.as_str());
        list.iter().map(|(n, pods)| json!({"node": name(*n), "pods": self.pods(pods)})).collect()
    }

    fn pods(&self, pods: &[usize]) -> Vec<String> {
        pods.iter().map(|p| self.pod(*p)).collect()
    }

    /// The pod's name, with its namespace where that is not `default`.
    fn pod(&self, p: usize) -> String {
        self.cluster.pods.get(p).map_or_else(String::new, |p| if p.namespace == "default" { p.name.clone() } else { p.id() })
    }
}

fn rules(scenario: &Scenario, era: Era) -> Rules {
    let options = scenario.spec.at("options");
    let mut rules = Rules::latest(era);
    if options.str_at("preferencePolicy") == Some("Ignore") {
        rules.preferences = Preferences::Ignore;
    }
    if options.str_at("minValuesPolicy") == Some("BestEffort") {
        rules.min_values = MinValues::BestEffort;
    }
    rules.spot_to_spot = options.bool_at("spotToSpotConsolidation").unwrap_or(false);
    rules.reserved_capacity = options.bool_at("reservedCapacity").unwrap_or(rules.reserved_capacity);
    rules
}

#[expect(clippy::cast_precision_loss, reason = "recorded outcomes have dollars as floating point numbers of six digits")]
fn dollars_of(n: i64) -> f64 {
    n as f64
}

fn micro(n: i64) -> f64 {
    dollars_of(n) / 1e6
}

fn rounded(x: f64) -> f64 {
    (x * 1e6).round() / 1e6
}

/// As Go writes it: whole numbers without a point.
fn number(x: f64) -> Value {
    const EXACT: f64 = 9e15;
    if x.fract() == 0.0 && x.abs() < EXACT {
        #[expect(clippy::cast_possible_truncation, reason = "a whole number within the range was asked for")]
        return Value::from(x as i64);
    }
    Value::from(x)
}

/// A price as Go's `%g` writes it: with an exponent below a ten-thousandth.
fn go_g(x: f64) -> String {
    const SMALL: f64 = 1e-4;
    if x == 0.0 || x.abs() >= SMALL {
        return x.to_string();
    }
    let text = format!("{x:e}");
    match text.split_once("e-") {
        Some((digits, exponent)) => format!("{digits}e-{exponent:0>2}"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_go_writes_them() {
        for (x, want) in [(0.00001, "1e-05"), (0.0001, "0.0001"), (0.000025, "2.5e-05"), (1.0, "1"), (-1.0, "-1"), (0.0, "0")] {
            assert_eq!(go_g(x), want);
        }
        assert_eq!((number(3.0).to_string(), number(0.064).to_string()), ("3".to_owned(), "0.064".to_owned()));
    }
}
