//! eks-node-viewer's numbers as rows: the header, the pods line, one row per node, oldest first.

use crate::fleet::Capacity;
use crate::{age_ms, format};
use engine::Snapshot;
use engine::totals::{self, Totals};

/// How full, in eks-node-viewer's three grades: over 90 %, over 60 %, less. Full is good there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grade {
    Good,
    Ok,
    Bad,
}

impl Grade {
    pub fn of(permille: i64) -> Grade {
        if permille > 900 {
            Grade::Good
        } else if permille > 600 {
            Grade::Ok
        } else {
            Grade::Bad
        }
    }

    pub fn token(self) -> &'static str {
        match self {
            Grade::Good => "good",
            Grade::Ok => "ok",
            Grade::Bad => "bad",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    pub nodes: usize,
    /// `2450m`.
    pub used: String,
    pub allocatable: String,
    pub permille: i64,
    pub grade: Grade,
    pub rate_micro: i64,
    pub pods: usize,
    pub pending: usize,
    pub running: usize,
    pub bound: usize,
}

impl Header {
    /// `2450m/3860m`.
    pub fn fraction(&self) -> String {
        format!("{}/{}", self.used, self.allocatable)
    }

    /// `9 pods (0 pending 9 running 9 bound)`, as eks-node-viewer prints it.
    pub fn pods_line(&self) -> String {
        format!("{} pods ({} pending {} running {} bound)", self.pods, self.pending, self.running, self.bound)
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub name: String,
    pub short: String,
    pub permille: i64,
    pub cpu_milli: i64,
    pub allocatable_milli: i64,
    pub pods: usize,
    pub max_pods: i64,
    pub instance_type: String,
    pub zone: String,
    pub price_micro: Option<i64>,
    pub capacity: Capacity,
    pub cordoned: bool,
    pub deleting: bool,
    pub ready: bool,
    /// `20s`: since it became ready, or since it was made while it is not.
    pub age: String,
}

impl Row {
    /// `-`, `Cordoned`, `Deleting` or `Cordoned/Deleting`.
    pub fn fate(&self) -> &'static str {
        match (self.cordoned, self.deleting) {
            (false, false) => "-",
            (true, false) => "Cordoned",
            (false, true) => "Deleting",
            (true, true) => "Cordoned/Deleting",
        }
    }

    /// `Ready` or `NotReady/20s`.
    pub fn readiness(&self) -> String {
        if self.ready { "Ready".to_owned() } else { format!("NotReady/{}", self.age) }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct NodeRows {
    pub header: Header,
    pub rows: Vec<Row>,
}

impl NodeRows {
    pub fn of(snapshot: &Snapshot, t: &Totals) -> NodeRows {
        let permille = format::permille(t.requested.cpu(), t.allocatable.cpu());
        let header = Header {
            nodes: t.nodes.len(),
            used: format::cpu(t.requested.cpu()),
            allocatable: format::cpu(t.allocatable.cpu()),
            permille,
            grade: Grade::of(permille),
            rate_micro: t.rate_micro,
            pods: t.pods,
            pending: t.pending,
            running: t.running,
            bound: t.bound,
        };
        let rows = t.nodes.iter().filter_map(|n| {
            let typed = n.node.node()?;
            let label = |key: &str| n.node.meta.labels.get(key).cloned().unwrap_or_default();
            Some(Row {
                name: n.node.meta.name.clone(),
                short: format::short_node(&n.node.meta.name).to_owned(),
                permille: format::permille(n.requested.cpu(), n.allocatable.cpu()),
                cpu_milli: n.requested.cpu(),
                allocatable_milli: n.allocatable.cpu(),
                pods: n.pods,
                max_pods: n.allocatable.get("pods"),
                instance_type: label("node.kubernetes.io/instance-type"),
                zone: label("topology.kubernetes.io/zone"),
                price_micro: n.price_micro,
                capacity: Capacity::of(totals::capacity_type(&n.node)),
                cordoned: totals::cordoned(&n.node),
                deleting: n.node.meta.is_deleting(),
                ready: typed.ready,
                age: if typed.ready { String::new() } else { format::age(age_ms(snapshot, n.node.meta.created_ms)) },
            })
        });
        NodeRows { header, rows: rows.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn header_and_rows() {
        let snapshot = sample::snapshot();
        let view = NodeRows::of(&snapshot, &totals::totals(&snapshot));
        let h = &view.header;
        let mut text =
            format!("{} nodes {} {}% {:?}\n{}\n", h.nodes, h.fraction(), format::percent1(h.permille), h.grade, h.pods_line());
        for r in &view.rows {
            text += &format!("{} {} {} {} {}\n", r.short, r.instance_type, r.capacity.word(), r.fate(), r.readiness());
        }
        assert_eq!(
            text,
            "2 nodes 2025m/9840m 20.6% Bad\n4 pods (2 pending 2 running 3 bound)\n\
             1-10 m5.large On-Demand - Ready\n3-91 r3.2xlarge Spot Cordoned NotReady/60s\n"
        );
    }

    #[test]
    fn grades() {
        for (permille, want) in [(901, Grade::Good), (900, Grade::Ok), (601, Grade::Ok), (600, Grade::Bad), (0, Grade::Bad)] {
            assert_eq!(Grade::of(permille), want);
        }
    }
}
