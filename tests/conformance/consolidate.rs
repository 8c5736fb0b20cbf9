//! What each consolidation method decides on a scenario. Which nodes are candidates and how many a budget lets go is
//! the disruption controller's business; here it is restated for the recorded situations only.

use super::compare;
use engine::Era;
use engine::scheduling::Cluster;
use engine::scheduling::consolidation::{Candidate, Command, balanced, candidate, first_n, in_turn, single, sort};
use engine::store::Store;
use objects::collections::{VecMap, VecSet};
use objects::typed::ConsolidationPolicy;
use objects::{DocExt, Kind, Object, Value, json};

pub struct Case<'a> {
    pub cluster: &'a Cluster,
    pub store: &'a Store,
    pub now_ms: i64,
}

/// `decidedBy`, `emptiness`, `multi` and `single` in the recorded short form, and the words about single nodes.
pub fn decide(case: &Case<'_>) -> (Value, VecMap<String, String>) {
    let empty = case.emptiness();
    let multi = case.multi();
    let (one, words) = case.single();
    let by = [("emptiness", &empty), ("multi", &multi), ("single", &one)].into_iter().find(|(_, c)| c.is_some());
    let text = |c: &Option<Command>| c.as_ref().map_or("no-op".to_owned(), |c| case.text(c));
    let shape = json!({
        "decidedBy": by.map_or("none", |(name, _)| name),
        "emptiness": text(&empty), "multi": text(&multi), "single": text(&one),
    });
    (shape, words)
}

impl Case<'_> {
    fn v1(&self) -> bool {
        self.cluster.rules.era == Era::V1
    }

    fn pool(&self, name: &str) -> Option<&Object> {
        self.store.cluster(Kind::pool(self.cluster.rules.era), name).map(|o| &**o)
    }

    /// Nodes that could go for some reason, in order of name.
    fn candidates(&self) -> Vec<Candidate> {
        let c = self.cluster;
        let able = |i: &usize| {
            let n = &c.nodes[*i];
            let Some(node) = self.store.cluster(Kind::Node, &n.name) else { return false };
            let kept = if self.v1() { "karpenter.sh/do-not-disrupt" } else { "karpenter.sh/do-not-consolidate" };
            let annotations = &node.meta.annotations;
            // The era's own translation of the annotation that keeps a node.
            let kept = annotations.get(kept).or_else(|| annotations.get("karpenter.sh/do-not-evict"));
            n.claim.is_some() && n.initialized && !n.deleting && kept.is_none_or(|v| v != "true")
        };
        let all: Vec<usize> = (0..c.nodes.len()).filter(able).collect();
        let made = all.into_iter().filter_map(|i| Candidate::new(c, i, None));
        made.filter(|c| self.pool(&c.pool).is_some() && (!self.v1() || !self.is_blocked(c))).collect()
    }

    /// A pod that may not be evicted, by annotation or budget.
    fn is_blocked(&self, c: &Candidate) -> bool {
        let budgets: Vec<_> = self.store.list(Kind::PodDisruptionBudget).collect();
        self.store.pods_on(&c.name).any(|p| {
            let says = |key: &str| p.meta.annotations.get(key).is_some_and(|v| v == "true");
            let covered = budgets.iter().any(|b| {
                let pdb = b.pdb().unwrap();
                let selects = pdb.selector.as_ref().is_some_and(|s| s.matches(&p.meta.labels));
                selects && b.meta.namespace == p.meta.namespace && pdb.disruptions_allowed == 0
            });
            says("karpenter.sh/do-not-disrupt") || says("karpenter.sh/do-not-evict") || covered
        })
    }

    fn is_consolidatable(&self, c: &Candidate) -> bool {
        let claim = self.store.cluster(Kind::claim(self.cluster.rules.era), &c.name).unwrap();
        !self.v1() || claim.condition_is_true("Consolidatable")
    }

    fn is_empty(&self, c: &Candidate) -> bool {
        if self.v1() { c.reschedule_cost == candidate::ONE_POD } else { c.pods == 0 }
    }

    /// Candidates of multi- and single-node consolidation, sorted.
    fn underused(&self) -> Vec<Candidate> {
        let fits = |c: &Candidate| {
            let pool = self.pool(&c.pool).unwrap().pool().unwrap();
            if self.v1() {
                pool.policy != ConsolidationPolicy::WhenEmpty
                    && pool.consolidate_after_ms.is_some()
                    && !self.is_empty(c)
                    && self.is_consolidatable(c)
            } else {
                pool.policy == ConsolidationPolicy::WhenEmptyOrUnderutilized && !self.is_blocked(c)
            }
        };
        let mut all: Vec<Candidate> = self.candidates().into_iter().filter(fits).collect();
        sort(self.cluster, &mut all);
        all
    }

    /// How many nodes each pool lets go for a reason (era v1; before, any number).
    fn budgets(&self, reason: &str) -> VecMap<String, i64> {
        let mut allowed = VecMap::new();
        for pool in self.store.list(Kind::pool(self.cluster.rules.era)) {
            let name = &pool.meta.name;
            let label = self.cluster.rules.pool_label();
            let of_pool =
                || self.cluster.nodes.iter().filter(|n| n.labels.get(label) == Some(name) && n.initialized && n.claim.is_some());
            let (all, going) = (of_pool().count() as i64, of_pool().filter(|n| !n.ready || n.deleting).count() as i64);
            let mut least = i64::from(i32::MAX);
            let mut budgets = pool.pool().unwrap().budgets.clone();
            if budgets.is_empty() && self.v1() {
                budgets.push(objects::typed::Budget { nodes: "10%".into(), reasons: vec![], schedule: None, duration_ms: None });
            }
            for b in budgets.iter().filter(|b| b.reasons.is_empty() || b.reasons.iter().any(|r| r == reason)) {
                if b.schedule.as_deref().is_some_and(|s| !is_open(s, b.duration_ms.unwrap_or(0), self.now_ms)) {
                    continue;
                }
                let n = match b.nodes.strip_suffix('%') {
                    Some(p) => (p.parse::<i64>().unwrap() * all + 99) / 100,
                    None => b.nodes.parse().unwrap(),
                };
                least = least.min(n);
            }
            allowed.insert(name.clone(), if self.v1() { (least - going).max(0) } else { i64::MAX });
        }
        allowed
    }

    fn emptiness(&self) -> Option<Command> {
        let mut budgets = self.budgets("Empty");
        let goes = |c: &Candidate| {
            let pool = self.pool(&c.pool).unwrap().pool().unwrap();
            if self.v1() {
                return pool.consolidate_after_ms.is_some() && self.is_empty(c) && self.is_consolidatable(c);
            }
            let claim = self.store.cluster(Kind::Machine, &c.name).unwrap();
            let event = claim.doc.str_at("status.lastPodEventTime").and_then(objects::time::parse_rfc3339);
            let since = event.unwrap_or(claim.meta.created_ms + 60_000);
            let by_ttl = pool.policy == ConsolidationPolicy::WhenEmpty
                && pool.consolidate_after_ms.is_some_and(|ms| self.now_ms >= since + ms);
            c.pods == 0 && (by_ttl || (pool.policy == ConsolidationPolicy::WhenEmptyOrUnderutilized && !self.is_blocked(c)))
        };
        let mut all: Vec<Candidate> = self.candidates().into_iter().filter(goes).collect();
        sort(self.cluster, &mut all);
        all.retain(|c| take(&mut budgets, &c.pool));
        (!all.is_empty()).then(|| Command { candidates: all, plan: Default::default(), replacement: None })
    }

    fn multi(&self) -> Option<Command> {
        let mut budgets = self.budgets("Underutilized");
        let mut all = self.underused();
        all.retain(|c| take(&mut budgets, &c.pool));
        let totals = balanced::totals(self.cluster);
        first_n(self.cluster, &all, &|c| balanced::approves(self.cluster, &totals, c))
    }

    fn single(&self) -> (Option<Command>, VecMap<String, String>) {
        let budgets = self.budgets("Underutilized");
        let mut words = VecMap::new();
        let mut all = self.underused();
        if self.v1() {
            all = in_turn(all, &VecSet::new());
        }
        let totals = balanced::totals(self.cluster);
        for c in all.iter().filter(|c| budgets.get(&c.pool).is_some_and(|n| *n > 0)) {
            if !balanced::could_pass(self.cluster, &totals, c) {
                continue;
            }
            match single(self.cluster, c) {
                Ok(command) if balanced::approves(self.cluster, &totals, &command) => return (Some(command), words),
                Ok(_) => {}
                Err(why) => {
                    words.insert(c.name.clone(), why);
                }
            }
        }
        (None, words)
    }

    fn text(&self, command: &Command) -> String {
        let kind = |c: &Candidate| {
            let name = &self.cluster.types.get(c.instance_type).unwrap().name;
            format!("{}/{name}/{}", c.pool, c.capacity_type)
        };
        let mut gone: Vec<String> = command.candidates.iter().map(kind).collect();
        gone.sort();
        let gone = compare::run_length(&gone).join(", ");
        match &command.replacement {
            None => format!("delete [{gone}]"),
            Some(r) => format!("replace [{gone}] -> {}", compare::shape_of_claim(&compare::claim(self.cluster, r))),
        }
    }
}

fn take(budgets: &mut VecMap<String, i64>, pool: &str) -> bool {
    let left = budgets.get_mut(pool).unwrap();
    let any = *left > 0;
    *left -= i64::from(any);
    any
}

/// Schedules of the recorded situations are `minute hour * * days`, days by name.
fn is_open(schedule: &str, duration_ms: i64, now_ms: i64) -> bool {
    let fields: Vec<&str> = schedule.split(' ').collect();
    let [minute, hour, "*", "*", days] = fields[..] else { panic!("{schedule}") };
    let day = now_ms.div_euclid(86_400_000);
    (0..2).any(|back| {
        let start =
            (day - back) * 86_400_000 + hour.parse::<i64>().unwrap() * 3_600_000 + minute.parse::<i64>().unwrap() * 60_000;
        let weekday = (day - back + 4).rem_euclid(7);
        let number = |d: &str| ["sun", "mon", "tue", "wed", "thu", "fri", "sat"].iter().position(|n| *n == d).unwrap() as i64;
        let on = days == "*"
            || days.split(',').any(|d| match d.split_once('-') {
                Some((a, b)) => (number(a)..=number(b)).contains(&weekday),
                None => number(d) == weekday,
            });
        on && (start..=start + duration_ms).contains(&now_ms)
    })
}
