//! What the cluster is like now: as Karpenter's, looked at again every ten seconds and not at every change.

use super::super::deputy::Deputy;
use super::*;
use crate::controllers::{CAPACITY_TYPE, INSTANCE_TYPE, Names, ZONE};
use objects::collections::VecSet;
use objects::quantity::Quantity;
use objects::{DocExt, Kind, Object, Value};

/// How often it is looked at.
pub const PERIOD_MS: i64 = 10_000;

/// A metric with the values of its labels.
pub type Series = (&'static str, Vec<String>);

impl Metrics {
    /// Shows the cluster as the deputy knows it; `synced` says that nothing is being listed anew.
    pub(in crate::cluster::act) fn show(&self, deputy: &Deputy, synced: bool, shown: &mut VecSet<Series>) {
        let names = deputy.names();
        let store = deputy.store();
        let mut now: Vec<(Series, f64)> = vec![
            ((NODE_COUNT.0, Vec::new()), count(deputy, names) as f64),
            ((SYNCED.0, Vec::new()), if synced { 1.0 } else { 0.0 }),
        ];
        for pool in store.list(names.pool) {
            let of = |name: &str| vec![name.to_owned()];
            now.push(((COST.0, of(&pool.meta.name)), cost(deputy, names, &pool.meta.name)));
            let usage = (&USAGE, pool.doc.at("status.resources"));
            let limit = (&LIMIT, pool.doc.at(if names.pool == Kind::NodePool { "spec.limits" } else { "spec.limits.resources" }));
            for (family, resources) in [usage, limit] {
                for (resource, amount) in resources.as_object().into_iter().flatten() {
                    let label = resource.to_lowercase().replace('-', "_");
                    now.push(((family.0, vec![label, pool.meta.name.clone()]), number(resource, amount)));
                }
            }
        }
        for (series, value) in &now {
            if let Some(gauge) = self.gauge(series) {
                gauge.set(*value);
            }
        }
        let kept: VecSet<Series> = now.into_iter().map(|(series, _)| series).collect();
        for (family, labels) in shown.iter().filter(|s| !kept.contains(*s)) {
            let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
            if let Some(gauge) = self.gauges.get(family) {
                let _ = gauge.remove_label_values(&labels);
            }
        }
        *shown = kept;
    }

    fn gauge(&self, (family, labels): &Series) -> Option<prometheus::Gauge> {
        let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
        self.gauges.get(family)?.get_metric_with_label_values(&labels).ok()
    }
}

/// Nodes, and claims that have a machine and no node yet.
fn count(deputy: &Deputy, names: &Names) -> usize {
    let nodes = deputy.store().list(Kind::Node).map(|n| match n.node().map_or("", |n| &n.provider_id) {
        "" => n.meta.name.clone(),
        id => id.to_owned(),
    });
    let claims = deputy.store().list(names.claim).filter_map(|c| Some(c.claim()?.provider_id.clone()));
    nodes.chain(claims.filter(|id| !id.is_empty())).collect::<VecSet<String>>().len()
}

/// Dollars an hour of the pool's claims, as far as their prices are known.
fn cost(deputy: &Deputy, names: &Names, pool: &str) -> f64 {
    let price = |claim: &Object| {
        let label = |key: &str| claim.meta.labels.get(key).map_or("", String::as_str);
        (label(names.pool_label) == pool)
            .then(|| deputy.price_micro(label(INSTANCE_TYPE), label(ZONE), label(CAPACITY_TYPE)))
            .flatten()
    };
    let micro: i64 = deputy.store().list(names.claim).filter_map(|c| price(c)).sum();
    micro as f64 / 1e6
}

/// CPU in cores and anything else as it is.
fn number(resource: &str, amount: &Value) -> f64 {
    let text = amount.as_str().map_or_else(|| amount.to_string(), str::to_owned);
    let Ok(quantity) = Quantity::parse(&text) else { return 0.0 };
    if resource == "cpu" { quantity.milli() as f64 / 1000.0 } else { quantity.value() as f64 }
}
