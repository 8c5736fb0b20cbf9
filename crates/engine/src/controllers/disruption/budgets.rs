//! How many nodes of a pool may be disrupted at once. Sources: kubernetes-sigs/karpenter pkg/apis/v1/nodepool.go and
//! pkg/controllers/disruption/helpers.go v1.14.1.

use super::super::context::{Cx, DEDUPE_BUDGET_MS};
use super::super::state::{State, node_of, pool_name};
use super::cron::{Schedule, is_open};
use objects::collections::VecMap;
use objects::typed::Budget;

/// Used where a pool names no budgets at all.
const DEFAULT: &str = "10%";

/// Nodes that a budget allows of `nodes`; `None` while it is not active. `Err` for what cannot be read.
fn allowed(budget: &Budget, nodes: i64, now_ms: i64) -> Result<Option<i64>, String> {
    if let Some(schedule) = &budget.schedule {
        let parsed = Schedule::parse(schedule).map_err(|e| format!("invariant violated, invalid cron, {e}"))?;
        if !is_open(&parsed, budget.duration_ms.unwrap_or(0), now_ms) {
            return Ok(None);
        }
    }
    let bad = || format!("invalid value for IntOrString: {}", budget.nodes);
    let n = match budget.nodes.strip_suffix('%') {
        Some(percent) => {
            let percent: i64 = percent.parse().map_err(|_| bad())?;
            percent.saturating_mul(nodes).saturating_add(99) / 100
        }
        None => budget.nodes.parse().map_err(|_| bad())?,
    };
    Ok(Some(n))
}

/// The least of the active budgets that apply to `reason`; unlimited where none does. Unreadable ones block.
fn of_pool(budgets: &[Budget], nodes: i64, reason: &str, now_ms: i64) -> (i64, Vec<String>) {
    let mut least = i64::from(i32::MAX);
    let mut errors = Vec::new();
    for budget in budgets {
        let n = match allowed(budget, nodes, now_ms) {
            Ok(Some(n)) => n,
            Ok(None) => continue,
            Err(error) => {
                errors.push(error);
                0
            }
        };
        if budget.reasons.is_empty() || budget.reasons.iter().any(|r| r == reason) {
            least = least.min(n);
        }
    }
    (least, errors)
}

fn budgets(pool: &objects::Object) -> Vec<Budget> {
    let list = pool.pool().map(|p| p.budgets.clone()).unwrap_or_default();
    if list.is_empty() {
        return vec![Budget { nodes: DEFAULT.to_owned(), reasons: Vec::new(), schedule: None, duration_ms: None }];
    }
    list
}

/// Why a pool lets no node go for some reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    pub budget: Budget,
    /// Nodes that the budget allows, all of them taken.
    pub most: i64,
    pub disrupting: i64,
    /// Unix milliseconds at which budgets leave room again; `None` where no time does, but an end of what is under way may.
    pub opens_ms: Option<i64>,
}

/// The budget of `pool` that forbids to disrupt one more of its `nodes` for `reason` while `disrupting` of them are.
pub fn closed(pool: &objects::Object, nodes: i64, disrupting: i64, reason: &str, now_ms: i64) -> Option<Closed> {
    let all = budgets(pool);
    let tightest = |at: i64| {
        let applies = |b: &&Budget| b.reasons.is_empty() || b.reasons.iter().any(|r| r == reason);
        // Unreadable ones block.
        let most = |b: &Budget| allowed(b, nodes, at).unwrap_or(Some(0));
        all.iter().filter(applies).filter_map(|b| Some((most(b)?, b))).min_by_key(|(most, _)| *most)
    };
    let (most, budget) = tightest(now_ms).filter(|(most, _)| *most <= disrupting)?;
    let mut at = now_ms;
    // Windows that follow each other at once are one.
    let opens_ms = (0..WINDOWS).find_map(|_| {
        at = tightest(at).and_then(|(_, b)| end(b, at))?;
        tightest(at).is_none_or(|(most, _)| most > disrupting).then_some(at)
    });
    Some(Closed { budget: budget.clone(), most, disrupting, opens_ms })
}

/// Windows in a row after which a pool counts as closed for ever.
const WINDOWS: usize = 1_000;

/// The end of the window that a scheduled budget is in at `at`.
fn end(budget: &Budget, at: i64) -> Option<i64> {
    let schedule = Schedule::parse(budget.schedule.as_ref()?).ok()?;
    let length = budget.duration_ms.unwrap_or(0);
    let mut start = schedule.next(at.saturating_sub(length)).filter(|start| *start <= at)?;
    // The last window that has opened by now ends last.
    while let Some(next) = schedule.next(start).filter(|next| *next <= at) {
        start = next;
    }
    start.checked_add(length)
}

/// By pool: nodes that may still be disrupted for `reason` now.
pub fn mapping(reason: &str, state: &State, cx: &mut Cx<'_, '_>) -> VecMap<String, i64> {
    let store = cx.view.store;
    let mut total: VecMap<&str, i64> = VecMap::new();
    let mut disrupting: VecMap<&str, i64> = VecMap::new();
    for claim in store.list(cx.names.claim) {
        let Some(node) = node_of(store, claim).filter(|_| claim.claim().is_some_and(|c| c.initialized)) else {
            continue;
        };
        if claim.condition_is_true("InstanceTerminating") {
            continue;
        }
        let pool = pool_name(claim, cx.names);
        *total.entry(pool).or_default() += 1;
        if !node.node().is_some_and(|n| n.ready) || state.is_marked(claim, Some(node)) {
            *disrupting.entry(pool).or_default() += 1;
        }
    }
    let now_ms = cx.view.unix_ms();
    let mut result = VecMap::new();
    let mut blocked = Vec::new();
    for pool in store.list(cx.names.pool) {
        let name = pool.meta.name.as_str();
        let nodes = total.get(name).copied().unwrap_or(0);
        let (most, errors) = of_pool(&budgets(pool), nodes, reason, now_ms);
        // One budget that cannot be read blocks every reason, whatever reasons it names.
        let most = if errors.is_empty() { most } else { 0 };
        result.insert(name.to_owned(), (most - disrupting.get(name).copied().unwrap_or(0)).max(0));
        if nodes != 0 && most == 0 {
            blocked.push(pool.key());
        }
    }
    for pool in blocked {
        let message = format!("No allowed disruptions for disruption reason {reason} due to blocking budget");
        cx.event_with(pool, false, "DisruptionBlocked", message, DEDUPE_BUDGET_MS);
    }
    result
}

/// What is wrong with the budgets of all pools, in one text.
pub fn errors(cx: &Cx<'_, '_>) -> String {
    let now_ms = cx.view.unix_ms();
    let mut text = String::new();
    for pool in cx.view.store.list(cx.names.pool) {
        let (_, errors) = of_pool(&budgets(pool), 100, "", now_ms);
        if let Some(error) = errors.first() {
            text.push_str(&format!("invalid disruption budgets in nodepool {}, {error}", pool.meta.name));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(list: &[(&str, &[&str])], nodes: i64, reason: &str, want: i64) {
        let budgets: Vec<Budget> = list
            .iter()
            .map(|(nodes, reasons)| Budget {
                nodes: (*nodes).to_owned(),
                reasons: reasons.iter().map(|r| (*r).to_owned()).collect(),
                schedule: None,
                duration_ms: None,
            })
            .collect();
        assert_eq!(of_pool(&budgets, nodes, reason, 0).0, want, "{list:?} of {nodes}");
    }

    #[test]
    fn a_closed_pool_says_when_it_opens() {
        use objects::time::{parse_rfc3339, rfc3339};
        let check = |budgets: objects::Value, reason: &str, now: &str, want: Option<(&str, i64, Option<&str>)>| {
            let doc = objects::json!({"metadata": {"name": "default"}, "spec": {"disruption": {"budgets": budgets}}});
            let pool = objects::Object::from_doc(objects::Kind::NodePool, doc);
            let found = closed(&pool, 10, 1, reason, parse_rfc3339(now).unwrap());
            let found = found.map(|c| (c.budget.nodes, c.most, c.opens_ms.map(rfc3339)));
            assert_eq!(found.as_ref().map(|(n, m, o)| (n.as_str(), *m, o.as_deref())), want, "{budgets} at {now}");
        };
        let json = |text: &str| objects::yaml::parse(text).documents.pop().unwrap().value;
        let day = json("[{nodes: '0', schedule: '0 9 * * *', duration: 8h}, {nodes: '50%'}]");
        check(day.clone(), "Empty", "2026-08-25T12:00:00Z", Some(("0", 0, Some("2026-08-25T17:00:00Z"))));
        check(day, "Empty", "2026-08-25T18:00:00Z", None);
        check(json("[{nodes: '1'}]"), "Empty", "2026-08-25T12:00:00Z", Some(("1", 1, None)));
        check(json("[{nodes: '0', reasons: [Drifted]}]"), "Empty", "2026-08-25T12:00:00Z", None);
        check(json("[{nodes: '0', reasons: [Drifted]}]"), "Drifted", "2026-08-25T12:00:00Z", Some(("0", 0, None)));
        // Two windows that touch are one; the default budget is a tenth.
        let shifts =
            json("[{nodes: '0', schedule: '0 9 * * *', duration: 8h}, {nodes: '0', schedule: '0 17 * * *', duration: 2h}]");
        check(shifts, "Empty", "2026-08-25T12:00:00Z", Some(("0", 0, Some("2026-08-25T19:00:00Z"))));
        check(json("[]"), "Empty", "2026-08-25T12:00:00Z", Some(("10%", 1, None)));
    }

    #[test]
    fn percentages_round_up_and_the_least_wins() {
        check(&[("10%", &[])], 1, "Empty", 1);
        check(&[("10%", &[])], 10, "Empty", 1);
        check(&[("10%", &[])], 11, "Empty", 2);
        check(&[("0", &[])], 4, "Empty", 0);
        check(&[("0%", &[])], 4, "Empty", 0);
        check(&[("100%", &[]), ("2", &["Underutilized"])], 4, "Empty", 4);
        check(&[("100%", &[]), ("2", &["Underutilized"])], 4, "Underutilized", 2);
        check(&[("1", &["Drifted"])], 4, "Empty", i64::from(i32::MAX));
        check(&[("nope", &[])], 4, "Empty", 0);
    }
}
