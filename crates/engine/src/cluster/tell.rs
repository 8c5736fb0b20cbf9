//! Tells a [`Mirror`](super::Mirror) of a cluster that is watched: all of it first, then what has changed.

use super::Live;
use super::live::Copy;
use crate::Era;
use crate::pricing::Entry;
use objects::collections::{VecMap, VecSet};
use objects::{DocExt, Kind, Object, ObjectKey, Value, json};

/// What its listeners have been told.
#[derive(Debug, Default)]
pub struct Teller {
    /// The revision, and whose prices.
    told: Option<(u64, Era)>,
}

impl Teller {
    /// All of the cluster as it is known, for one who has heard nothing.
    pub fn whole(live: &mut Live, unix_ms: i64) -> String {
        text(&mut live.copy, unix_ms, None)
    }

    /// What has changed since this was asked last.
    pub fn changes(&mut self, live: &mut Live, unix_ms: i64) -> String {
        self.changes_of(&mut live.copy, unix_ms)
    }

    fn changes_of(&mut self, copy: &mut Copy, unix_ms: i64) -> String {
        // Another era has other prices: then all nodes are told again.
        let since = self.told.filter(|(_, era)| *era == copy.prices.era);
        let keys = since.and_then(|(revision, _)| {
            let changes = copy.store.changes_since(revision)?;
            Some(changes.map(|c| c.key()).collect::<VecSet<ObjectKey>>())
        });
        self.told = Some((copy.store.revision(), copy.prices.era));
        text(copy, unix_ms, keys)
    }
}

/// The text about these objects, or about all.
fn text(copy: &mut Copy, unix_ms: i64, keys: Option<VecSet<ObjectKey>>) -> String {
    let mut costs: VecMap<&str, Entry> = VecMap::new();
    for node in copy.store.list(Kind::Node) {
        if let Some(entry) = copy.prices.entry(node) {
            costs.insert(&node.meta.name, entry);
        }
    }
    let put = |object: &Object| {
        let mut one = json!({"doc": object.doc});
        if let Some(e) = costs.get(object.meta.name.as_str()).filter(|_| object.kind == Kind::Node) {
            let cost = json!({"type": e.instance_type, "capacityType": e.capacity_type, "priceMicro": e.price_micro,
                "onDemandMicro": e.on_demand_micro});
            one.set("cost", cost);
        }
        one
    };
    let (mut there, mut gone): (Vec<Value>, Vec<Value>) = (Vec::new(), Vec::new());
    match &keys {
        None => there.extend(copy.store.all().map(|o| put(o))),
        Some(keys) => {
            for key in keys.iter() {
                match copy.store.get(key) {
                    Some(object) => there.push(put(object)),
                    None => gone.push(json!({"apiVersion": key.kind.api_version(), "kind": key.kind.name(),
                        "namespace": key.namespace, "name": key.name})),
                }
            }
        }
    }
    let mut notes = copy.notes();
    notes.extend(copy.prices.take_notes());
    json!({"at": unix_ms, "whole": keys.is_none(), "era": copy.prices.era.as_str(), "region": copy.prices.region(),
        "notes": notes, "put": there, "gone": gone})
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::keep::shown;
    use crate::cluster::watch::News;
    use crate::cluster::{Detail, Mirror};
    use crate::kernel::Stream;

    fn node(name: &str, instance_type: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": {
            "node.kubernetes.io/instance-type": instance_type, "topology.kubernetes.io/region": "ap-northeast-2",
            "topology.kubernetes.io/zone": "ap-northeast-2a"}}, "status": {"images": [{}]}})
    }

    fn pod(name: &str, node: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "d"}, "spec": {"nodeName": node}})
    }

    fn hear(copy: &mut Copy, kind: Kind, mut doc: Value) {
        shown(kind, &mut doc);
        copy.hear(News::Object(kind, doc), 0);
    }

    /// The mirror holds what the copy holds, and what it costs.
    fn check(mirror: &Mirror, copy: &mut Copy) {
        let seen = mirror.snapshot();
        let docs = |store: &crate::Store| {
            let doc = |o: &std::sync::Arc<Object>| {
                let mut doc = o.doc.clone();
                doc.set("metadata.resourceVersion", "");
                doc
            };
            store.all().map(doc).collect::<Vec<_>>()
        };
        assert_eq!(docs(&seen.store), docs(&copy.store));
        let nodes = copy.store.list(Kind::Node);
        let rate: i64 = nodes.filter_map(|n| copy.prices.entry(n)).map(|e| e.price_micro).sum();
        assert_eq!(seen.ledger.rate_micro(), rate);
    }

    #[test]
    fn a_mirror_that_hears_every_change_is_the_copy() {
        let mut copy = Copy::new(Detail::Page);
        let (mut teller, mut mirror) = (Teller::default(), Mirror::default());
        let mut draw = Stream::fork(7, "tell", "");
        for step in 0..300 {
            let name = format!("n{}", draw.below(6));
            match draw.below(5) {
                0 => hear(&mut copy, Kind::Node, node(&name, ["m5.large", "c5.xlarge", "none"][draw.below(3) as usize])),
                1 => copy.hear(News::Gone(Kind::Node, node(&name, "")), 0),
                2 | 3 => hear(&mut copy, Kind::Pod, pod(&format!("p{}", draw.below(20)), &name)),
                _ => copy.hear(News::Gone(Kind::Pod, pod(&format!("p{}", draw.below(20)), "")), 0),
            }
            if draw.below(3) == 0 {
                mirror.hear(&teller.changes_of(&mut copy, 1_000 + step)).unwrap();
                check(&mirror, &mut copy);
            }
        }
        let mut late = Mirror::default();
        late.hear(&text(&mut copy, 9_000, None)).unwrap();
        check(&late, &mut copy);
        assert!(copy.store.count(Kind::Node) > 0 && copy.store.count(Kind::Pod) > 0);
        assert!(late.notes().iter().any(|n| n == "no on-demand price of none in ap-northeast-2a"), "{:?}", late.notes());
        assert_eq!(late.snapshot().region, "ap-northeast-2");
    }
}
