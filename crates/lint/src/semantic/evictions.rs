//! PodDisruptionBudgets that let nobody go.

use super::surroundings::{BudgetAt, Surroundings, WorkloadAt};
use crate::code::{PDB_ALLOWS_NONE, PDB_MATCHES_NOTHING};
use crate::document::Read;
use crate::finding::Finding;
use crate::{Around, say};
use objects::Kind;

pub(super) fn check(all: &Surroundings<'_>, around: &Around<'_>, out: &mut Vec<Finding>) {
    for budget in &all.budgets {
        let matched: Vec<&WorkloadAt<'_>> = all.workloads.iter().filter(|w| matches(budget, w)).collect();
        for workload in &matched {
            // Told where it can be changed: at the budget, or at the workload where only that is a document.
            let Some(read) = budget.read.or(workload.read) else { continue };
            none_allowed(budget, workload, read, around, out);
        }
        let Some(read) = budget.read.filter(|_| matched.is_empty() && !all.workloads.is_empty()) else { continue };
        let path = "spec.selector";
        let namespace = &budget.namespace;
        let message = say!(
            around.lang,
            "{namespace} 네임스페이스에 이 셀렉터와 맞는 워크로드가 없어요",
            "no workload of namespace {namespace} has pods that this selector matches"
        );
        out.push(read.finding(&PDB_MATCHES_NOTHING, path, read.place(path), message));
    }
}

fn matches(budget: &BudgetAt<'_>, workload: &WorkloadAt<'_>) -> bool {
    let makes_pods = workload.kind != Kind::DaemonSet;
    let selector = budget.pdb.selector.as_ref();
    makes_pods && workload.namespace == budget.namespace && selector.is_some_and(|s| s.matches(&workload.labels))
}

fn none_allowed(budget: &BudgetAt<'_>, workload: &WorkloadAt<'_>, read: &Read<'_>, around: &Around<'_>, out: &mut Vec<Finding>) {
    let replicas = workload.replicas;
    let (field, text) = match (&budget.pdb.max_unavailable, &budget.pdb.min_available) {
        (Some(text), _) => ("maxUnavailable", text),
        (None, Some(text)) => ("minAvailable", text),
        (None, None) => return,
    };
    // Percentages are rounded up on both sides.
    let count = match text.strip_suffix('%') {
        Some(percent) => percent.parse::<i64>().ok().map(|p| p.saturating_mul(replicas).saturating_add(99) / 100),
        None => text.parse::<i64>().ok(),
    };
    let Some(count) = count else { return };
    let blocked = if field == "maxUnavailable" { count <= 0 } else { count >= replicas };
    if !blocked || replicas < 1 {
        return;
    }
    let (kind, name, own) = (workload.kind.name(), &workload.name, &budget.name);
    let message = say!(
        around.lang,
        "PDB {own}: `{field}: {text}`이고 {kind} {name}의 파드가 {replicas}개라서, 아무 파드도 축출할 수 없어요. 드레인과 통합이 막힙니다",
        "budget {own}: with `{field}: {text}` and {replicas} pods of {kind} {name} none may be evicted; drains and consolidation stop here"
    );
    let path = if budget.read.is_some() { format!("spec.{field}") } else { "spec.replicas".to_owned() };
    out.push(read.finding(&PDB_ALLOWS_NONE, &path, read.place_of_value(&path), message));
}
