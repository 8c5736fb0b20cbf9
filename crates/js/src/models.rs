//! View models as JSON: the names of the fields are those of the structs, in camel case.

use engine::Snapshot;
use engine::logs::Level;
use engine::totals::totals;
use objects::{Value, json};
use view::{CostSeries, FleetMap, Lang, LogRows, NodeRows, Overview, PodSquare};

pub const NAMES: [&str; 7] = ["nodes", "map", "cost", "logs", "events", "why", "overview"];

/// The model of a name; `None` where there is none of that name.
pub fn of(s: &Snapshot, name: &str) -> Option<Value> {
    let t = totals(s);
    Some(match name {
        "nodes" => nodes(&NodeRows::of(s, &t)),
        "map" => map(&FleetMap::of(s, &t)),
        "cost" => cost(&CostSeries::of(s, s.now)),
        "logs" => LogRows::of(s, "", Level::Debug).rows.iter().map(|(_, l)| Value::from(l.text.clone())).collect(),
        "events" => view::events::rows(s, "")
            .iter()
            .map(|e| {
                json!({"lastMs": e.last_ms, "warning": e.warning, "reason": e.reason, "object": e.object,
                    "message": e.message, "count": e.count, "component": e.component})
            })
            .collect(),
        "why" => {
            let (ko, en) = (view::why::rows(s, Lang::Ko), view::why::rows(s, Lang::En));
            ko.iter()
                .zip(&en)
                .map(|(ko, en)| json!({"kind": en.token, "text": {"ko": ko.sentence, "en": en.sentence}, "raw": en.raw, "nodes": en.nodes}))
                .collect()
        }
        "overview" => {
            let o = Overview::of(&t);
            json!({"nodes": o.nodes, "nodesReady": o.nodes_ready, "podsRunning": o.pods_running, "podsPending": o.pods_pending,
                "rateMicro": o.rate_micro})
        }
        _ => return None,
    })
}

fn nodes(view: &NodeRows) -> Value {
    let h = &view.header;
    let rows: Vec<Value> = view
        .rows
        .iter()
        .map(|r| {
            json!({"name": r.name, "type": r.instance_type, "zone": r.zone, "capacity": r.capacity.word(), "ready": r.ready,
                "cordoned": r.cordoned, "deleting": r.deleting, "priceMicro": r.price_micro, "requestedMilli": r.cpu_milli,
                "allocatableMilli": r.allocatable_milli, "pods": r.pods, "maxPods": r.max_pods})
        })
        .collect();
    json!({"nodes": h.nodes, "used": h.used, "allocatable": h.allocatable, "permille": h.permille, "rateMicro": h.rate_micro,
        "pods": {"all": h.pods, "pending": h.pending, "running": h.running, "bound": h.bound}, "rows": rows})
}

fn map(view: &FleetMap) -> Value {
    let pod = |p: &PodSquare| json!({"name": p.name, "namespace": p.namespace, "state": p.state.token()});
    let nodes: Vec<Value> = view
        .nodes
        .iter()
        .map(|n| {
            let pods: Vec<Value> = n.upper.iter().chain(&n.lower).map(pod).collect();
            json!({"name": n.name, "type": n.instance_type, "capacity": n.capacity.word(), "pods": pods})
        })
        .collect();
    let launching: Vec<Value> = view.launching.iter().map(|l| json!({"claim": l.claim, "type": l.instance_type})).collect();
    json!({"nodes": nodes, "launching": launching, "pending": view.pending.iter().map(pod).collect::<Vec<_>>()})
}

fn cost(view: &CostSeries) -> Value {
    let steps: Vec<Value> = view
        .steps
        .iter()
        .map(|s| {
            json!({"fromMs": s.from.since(view.from), "onDemandMicro": s.on_demand_micro, "spotMicro": s.spot_micro,
                "nodesOnDemand": s.nodes_on_demand, "nodesSpot": s.nodes_spot})
        })
        .collect();
    json!({"rateMicro": view.rate_micro, "spentMicro": view.spent_micro, "steps": steps})
}
