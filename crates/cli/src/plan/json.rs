//! A plan for programs. Money is in micro-dollars per hour, time in milliseconds after the cluster was read.

use super::{Report, text};
use engine::cluster::{Action, Blocker, Done, Launch, Machine, Plan, Reason, Rest, Sum};
use objects::time::rfc3339;
use objects::{DocExt, Value, json};

pub fn report(report: &Report) -> Value {
    let mut v = plan(&report.plan);
    v.set("region", report.region.as_str());
    v.set("notes", report.notes.clone());
    v
}

pub fn plan(plan: &Plan) -> Value {
    let (stopped_by, after_ms) = match plan.rest {
        Rest::Reached { after_ms } => (None, after_ms),
        Rest::Horizon { after_ms } => (Some("horizon"), after_ms),
        Rest::Moves { after_ms, .. } => (Some("moves"), after_ms),
    };
    let stay = |s: &engine::cluster::Stay| {
        let mut v = machine(&s.machine);
        v.set("why", s.why.clone());
        v.set("blockers", s.blockers.iter().map(blocker).collect::<Vec<_>>());
        v
    };
    json!({
        "at": rfc3339(plan.at_ms), "era": plan.era.as_str(), "before": sum(plan.before), "after": sum(plan.after),
        "atRest": stopped_by.is_none(), "stoppedBy": stopped_by, "afterMs": after_ms, "underWay": plan.under_way,
        "actions": plan.actions.iter().map(action).collect::<Vec<_>>(),
        "stays": plan.stays.iter().map(stay).collect::<Vec<_>>(),
        "pending": plan.pending.iter().map(|p| json!({"pod": p.pod, "why": p.why})).collect::<Vec<_>>(),
    })
}

fn sum(s: Sum) -> Value {
    json!({"nodes": s.nodes, "priceMicroPerHour": s.price_micro, "pods": s.pods, "pendingPods": s.pending})
}

fn action(a: &Action) -> Value {
    let (kind, reason) = match (&a.reason, a.launches.is_empty()) {
        (Reason::Provisioning, _) => ("provision", "pods wait for a node"),
        (Reason::Disruption(method), true) => ("remove", *method),
        (Reason::Disruption(method), false) => ("replace", *method),
        (Reason::Removal(why), _) => ("remove", *why),
    };
    let mut v = json!({
        "afterMs": a.after_ms, "kind": kind, "reason": reason, "title": text::title(a),
        "nodes": a.nodes.iter().map(machine).collect::<Vec<_>>(),
        "launches": a.launches.iter().map(launch).collect::<Vec<_>>(),
        "evictions": a.evictions.iter().map(|e| json!({"afterMs": e.after_ms, "pod": e.pod, "node": e.node})).collect::<Vec<_>>(),
        "savesMicroPerHour": a.saves_micro,
        "blockers": a.blockers.iter().map(blocker).collect::<Vec<_>>(),
        "done": a.done == Done::Yes,
    });
    if let Done::Abandoned(words) = &a.done {
        v.set("abandoned", words.as_str());
    }
    v
}

fn launch(l: &Launch) -> Value {
    json!({
        "claim": l.claim, "nodePool": l.pool, "pods": l.pods,
        "types": l.funnel.iter().map(|(stage, left)| json!({"stage": stage, "left": left})).collect::<Vec<_>>(),
        "cheapest": l.cheapest.iter().map(|(name, micro)| json!({"type": name, "priceMicroPerHour": micro})).collect::<Vec<_>>(),
        "given": l.given.as_ref().map(machine),
    })
}

fn machine(m: &Machine) -> Value {
    json!({
        "node": m.node, "nodePool": m.pool, "instanceType": m.instance_type, "zone": m.zone, "capacityType": m.capacity_type,
        "priceMicroPerHour": m.price_micro,
    })
}

fn blocker(b: &Blocker) -> Value {
    let mut v = match b {
        Blocker::Pdb { pdb, pod } => json!({"kind": "PodDisruptionBudget", "names": [pdb], "pod": pod}),
        Blocker::Pdbs { pdbs, pod } => json!({"kind": "PodDisruptionBudget", "names": pdbs, "pod": pod}),
        Blocker::Annotation { annotation, pod } => json!({"kind": "Annotation", "names": [annotation], "pod": pod}),
        Blocker::Budget { pool, reason, closed } => json!({
            "kind": "Budget", "names": [pool], "reason": reason, "nodes": closed.budget.nodes, "schedule": closed.budget.schedule,
            "opens": closed.opens_ms.map(rfc3339),
        }),
    };
    v.set("text", text::blocker(b));
    v
}
