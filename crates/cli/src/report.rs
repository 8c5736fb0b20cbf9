//! A replay as text or as JSON.

use crate::replay::{Entry, Replay};
use engine::{Session, totals};
use objects::{DocExt, Value, json};

/// The transcript as a terminal shows it, times in front.
pub fn text(replay: &Replay) -> String {
    let mut out = String::new();
    for entry in &replay.transcript {
        let at = format!("[{}.{}s]", entry.t_ms / 1000, entry.t_ms % 1000 / 100);
        for (i, line) in entry.cmd.lines().enumerate() {
            let prompt = if i == 0 { format!("{at:>9} $ ") } else { format!("{:>9} > ", "") };
            out.push_str(&format!("{prompt}{line}\n"));
        }
        out.push_str(&entry.output);
        if !entry.output.is_empty() && !entry.output.ends_with('\n') {
            out.push('\n');
        }
        for hint in entry.hints.lines() {
            out.push_str(&format!("# {hint}\n"));
        }
        if entry.followed {
            out.push_str("^C\n");
        }
    }
    out
}

/// What did not come out as it should, for standard error.
pub fn faults(replay: &Replay, name: &str) -> String {
    replay.faults.iter().map(|f| format!("{name}:{}: {}\n", f.line, f.message)).collect()
}

/// Micro-dollars as a JSON number of dollars.
fn usd(micro: i64) -> Value {
    let sign = if micro < 0 { "-" } else { "" };
    let micro = micro.unsigned_abs();
    serde_json::from_str(&format!("{sign}{}.{:06}", micro / 1_000_000, micro % 1_000_000)).unwrap_or(Value::Null)
}

/// One command: `{"t_ms", "cmd", "exit", "stdout", "stderr"}`.
pub fn record(e: &Entry) -> Value {
    json!({"t_ms": e.t_ms, "cmd": e.cmd, "exit": e.exit, "stdout": e.stdout, "stderr": e.stderr})
}

/// The end: `{"snapshot": {...}, "hash": "..."}`.
pub fn end(replay: &Replay) -> Value {
    let hash = format!("{:016x}", replay.session.snapshot().hash);
    json!({"snapshot": state(&replay.session), "hash": hash})
}

/// `{"transcript": [...], "snapshot": {...}, "hash": "..."}`.
pub fn json(replay: &Replay) -> Value {
    let mut all = end(replay);
    all.set("transcript", replay.transcript.iter().map(record).collect::<Vec<_>>());
    all
}

/// The cluster at the end.
pub fn state(session: &Session) -> Value {
    let snapshot = session.snapshot();
    let t = totals::totals(&snapshot);
    let nodes: Vec<Value> = t
        .nodes
        .iter()
        .map(|n| {
            let o = &n.node;
            let label = |key: &str| o.meta.labels.get(key).cloned().unwrap_or_default();
            let managed =
                ["karpenter.sh/provisioner-name", "karpenter.sh/nodepool"].iter().any(|k| o.meta.labels.contains_key(*k));
            json!({
                "name": o.meta.name,
                "type": label("node.kubernetes.io/instance-type"),
                "zone": label("topology.kubernetes.io/zone"),
                "capacity_type": totals::capacity_type(o),
                "ready": o.node().is_some_and(|t| t.ready),
                "schedulable": o.doc.bool_at("spec.unschedulable") != Some(true) && !totals::cordoned(o),
                "managed": managed,
                "usd_per_hour": n.price_micro.map_or(Value::Null, usd),
                "pods": n.pods,
            })
        })
        .collect();
    json!({
        "t_ms": snapshot.elapsed_ms(),
        "nodes": nodes,
        "pods": {"running": t.running, "pending": t.pending},
        "usd_per_hour": usd(t.rate_micro),
        "usd_total": usd(snapshot.ledger.total_micro(snapshot.now)),
    })
}

#[cfg(test)]
mod tests {
    use super::usd;

    #[test]
    fn money_keeps_its_micro_dollars() {
        for (micro, want) in [(236_000, "0.236"), (1, "0.000001"), (0, "0.0"), (-1_500_000, "-1.5")] {
            assert_eq!(usd(micro).to_string().parse::<f64>().unwrap(), want.parse::<f64>().unwrap());
        }
    }
}
