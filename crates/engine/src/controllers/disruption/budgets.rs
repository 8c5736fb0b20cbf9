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
