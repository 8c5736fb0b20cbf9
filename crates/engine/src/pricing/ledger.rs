//! What the cluster costs: node-hours times list price, in integer micro-dollars.

use crate::SimTime;
use crate::scheduling::labels;
use crate::store::{Change, Op, Store};
use objects::collections::VecMap;
use objects::{DocExt, Kind};

/// The rate from one moment on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CostPoint {
    pub at: SimTime,
    pub nodes_on_demand: u32,
    pub nodes_spot: u32,
    /// Micro-dollars per hour.
    pub on_demand_micro: i64,
    pub spot_micro: i64,
    /// What the spot nodes would cost on demand.
    pub spot_at_on_demand_micro: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub node: String,
    pub instance_type: String,
    pub capacity_type: String,
    pub price_micro: i64,
    pub on_demand_micro: i64,
    pub from: SimTime,
    pub until: Option<SimTime>,
}

/// Every node that was, with its price and its time as a Node object.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    pub entries: Vec<Entry>,
    live: VecMap<String, usize>,
    pub series: Vec<CostPoint>,
    /// When the user's session began; totals count from here.
    pub start: SimTime,
}

/// Micro-dollars of dollars with six decimals.
fn micro(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').filter(|(_, f)| f.len() == 6)?;
    whole.parse::<i64>().ok()?.checked_mul(1_000_000)?.checked_add(fraction.parse().ok()?)
}

const MS_PER_HOUR: i128 = 3_600_000;

impl Ledger {
    /// Whether [`Ledger::observe`] has to see the change.
    pub fn concerns(change: &Change) -> bool {
        change.kind() == Kind::Node && change.op != Op::Modified
    }

    /// Follows nodes that come and go. The price is that of the instance behind `spec.providerID`; of a node without one
    /// what its label for eks-node-viewer says.
    pub fn observe(&mut self, change: &Change, store: &Store) {
        let node = &change.object;
        match change.op {
            Op::Deleted => self.close(&node.meta.name, change.at),
            Op::Modified => {}
            Op::Added => {
                let provider_id = node.doc.str_at("spec.providerID").unwrap_or_default();
                let id = provider_id.rsplit('/').next().unwrap_or_default();
                let instance = store.cluster(Kind::Instance, id);
                let spec = instance.map_or(&objects::Value::Null, |i| i.doc.at("spec"));
                let label = |key: &str| node.meta.labels.get(key).map_or("", String::as_str);
                let price = spec.int_at("priceMicro").or_else(|| micro(label("eks-node-viewer/instance-price"))).unwrap_or(0);
                self.open(Entry {
                    node: node.meta.name.clone(),
                    instance_type: spec.str_at("instanceType").unwrap_or(label(labels::INSTANCE_TYPE)).to_owned(),
                    capacity_type: spec.str_at("capacityType").unwrap_or(label(labels::CAPACITY_TYPE)).to_owned(),
                    price_micro: price,
                    on_demand_micro: spec.int_at("onDemandMicro").unwrap_or(price),
                    from: change.at,
                    until: None,
                });
            }
        }
    }

    pub fn open(&mut self, entry: Entry) {
        let at = entry.from;
        self.live.insert(entry.node.clone(), self.entries.len());
        self.entries.push(entry);
        self.mark(at);
    }

    pub fn close(&mut self, node: &str, at: SimTime) {
        if let Some(entry) = self.live.remove(node).and_then(|i| self.entries.get_mut(i)) {
            entry.until = Some(at);
            self.mark(at);
        }
    }

    pub fn live(&self) -> impl Iterator<Item = &Entry> {
        self.live.values().filter_map(|i| self.entries.get(*i))
    }

    /// Micro-dollars per hour of a node that exists now.
    pub fn price_of(&self, node: &str) -> Option<i64> {
        self.live.get(node).and_then(|i| self.entries.get(*i)).map(|e| e.price_micro)
    }

    /// Micro-dollars per hour of all nodes that exist now.
    pub fn rate_micro(&self) -> i64 {
        self.live().map(|e| e.price_micro).sum()
    }

    /// Micro-dollars from the session's start to `now`: one division at the end, so nothing is lost to rounding on the way.
    pub fn total_micro(&self, now: SimTime) -> i64 {
        let micro_ms: i128 = self
            .entries
            .iter()
            .map(|e| i128::from(e.price_micro) * i128::from(e.until.unwrap_or(now).min(now).since(e.from.max(self.start))))
            .sum();
        i64::try_from(micro_ms / MS_PER_HOUR).unwrap_or(i64::MAX)
    }

    fn mark(&mut self, at: SimTime) {
        let mut point = CostPoint { at, ..CostPoint::default() };
        for e in self.live.values().filter_map(|i| self.entries.get(*i)) {
            if e.capacity_type == "spot" {
                point.nodes_spot += 1;
                point.spot_micro += e.price_micro;
                point.spot_at_on_demand_micro += e.on_demand_micro;
            } else {
                point.nodes_on_demand += 1;
                point.on_demand_micro += e.price_micro;
            }
        }
        match self.series.last_mut() {
            Some(last) if last.at == at => *last = point,
            _ => self.series.push(point),
        }
    }
}
