//! Disruption budgets of NodePools: numbers that look like percentages, schedules, windows that never open.

use super::surroundings::PoolAt;
use crate::code::{BUDGET_NEVER_APPLIES, BUDGET_NEVER_OPENS, BUDGET_NUMBER, BUDGET_SCHEDULE};
use crate::finding::{Finding, Fix};
use crate::{Around, say};
use engine::controllers::{Schedule, is_open};
use objects::typed::Budget;

/// A plain number of nodes from here on is taken for a forgotten percent sign.
const LARGE: i64 = 10;
/// How many windows of a schedule are looked at.
const WINDOWS: usize = 400;

/// A budget that allows nothing while it is active.
struct Closed {
    schedule: Option<Schedule>,
    duration_ms: i64,
}

impl Closed {
    fn at(&self, now_ms: i64) -> bool {
        self.schedule.as_ref().is_none_or(|s| is_open(s, self.duration_ms, now_ms))
    }
}

pub(super) fn check(at: &PoolAt<'_>, around: &Around<'_>, out: &mut Vec<Finding>) {
    let Some(read) = at.read else { return };
    let lang = around.lang;
    let mut closed: Vec<(usize, Closed)> = Vec::new();
    for (i, budget) in at.pool.budgets.iter().enumerate() {
        let path = format!("spec.disruption.budgets[{i}]");
        let nodes = format!("{path}.nodes");
        if let Ok(n) = budget.nodes.parse::<i64>()
            && n >= LARGE
        {
            let message = say!(
                lang,
                "`{n}`은 퍼센트가 아니라 노드 개수예요. `{n}%`를 쓰려던 것인가요?",
                "`{n}` is a number of nodes, not a percentage; did you mean `{n}%`?"
            );
            let mut finding = read.finding(&BUDGET_NUMBER, &nodes, read.place_of_value(&nodes), message);
            if let Some(range) = read.scalar(&nodes).filter(|_| n <= 100) {
                finding.fixes.push(Fix::replace(
                    say!(lang, "`{n}%`로 바꾸기", "Change it to `{n}%`"),
                    range,
                    format!("\"{n}%\""),
                ));
            }
            out.push(finding);
        }
        let schedule = budget.schedule.as_deref().map(Schedule::parse);
        let at = format!("{path}.schedule");
        match &schedule {
            Some(Err(why)) => {
                let message = say!(
                    lang,
                    "읽을 수 없는 일정이에요: {why}. 이런 예산이 있으면 이 풀의 노드는 하나도 중단되지 않아요",
                    "this schedule cannot be read: {why}; a pool with such a budget disrupts nothing"
                );
                out.push(read.finding(&BUDGET_SCHEDULE, &at, read.place_of_value(&at), message));
                continue;
            }
            Some(Ok(s)) if s.next(around.now_ms).is_none() => {
                let message = lang.pick(
                    "이런 날은 오지 않아서 예산이 한 번도 적용되지 않아요",
                    "such a day never comes: the budget never applies",
                );
                out.push(read.finding(&BUDGET_NEVER_APPLIES, &at, read.place_of_value(&at), message.to_owned()));
                continue;
            }
            _ => {}
        }
        if is_none(budget) && budget.reasons.is_empty() {
            let schedule = schedule.and_then(Result::ok);
            closed.push((i, Closed { schedule, duration_ms: budget.duration_ms.unwrap_or(0) }));
        }
    }
    if let Some((first, _)) = closed.first()
        && !opens(&closed, around.now_ms)
    {
        let path = format!("spec.disruption.budgets[{first}]");
        let message = lang.pick(
            "중단을 0개로 막는 시간이 끊이지 않아서, 이 풀의 노드는 통합도 드리프트 교체도 되지 않아요",
            "no disruption is allowed at any time: nodes of this pool are neither consolidated nor replaced for drift",
        );
        out.push(read.finding(&BUDGET_NEVER_OPENS, &path, read.place(&format!("{path}.nodes")), message.to_owned()));
    }
}

fn is_none(budget: &Budget) -> bool {
    let number = budget.nodes.trim_end_matches('%');
    !number.is_empty() && number.chars().all(|c| c == '0')
}

/// Whether there is an instant at which none of them is active: then some window has just ended.
fn opens(closed: &[(usize, Closed)], now_ms: i64) -> bool {
    let free = |t: i64| closed.iter().all(|(_, c)| !c.at(t));
    if free(now_ms) {
        return true;
    }
    for (_, c) in closed {
        let Some(schedule) = &c.schedule else { continue };
        let mut at = now_ms.saturating_sub(c.duration_ms);
        for _ in 0..WINDOWS {
            let Some(start) = schedule.next(at) else { break };
            if free(start.saturating_add(c.duration_ms)) {
                return true;
            }
            at = start;
        }
    }
    false
}
