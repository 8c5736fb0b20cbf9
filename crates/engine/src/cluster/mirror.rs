//! A cluster as somebody else watches it: what is told of it, one text after the other, becomes a [`Snapshot`].
//!
//! A text is JSON: `at` (Unix milliseconds), `whole` (all that is not in it is gone), `era`, `region`, `notes` (one sentence
//! each), `put`, objects as `{doc}` and for a node with a price `cost: {type, capacityType, priceMicro, onDemandMicro}`, and
//! `gone`, objects as `{apiVersion, kind, namespace, name}`.

use crate::pricing::{Entry, Ledger};
use crate::profile::Profile;
use crate::{Era, SimTime, Snapshot, Store};
use objects::collections::VecSet;
use objects::{DocExt, Kind, ObjectKey, Value};
use std::sync::Arc;

/// What has been told of a cluster.
#[derive(Debug)]
pub struct Mirror {
    store: Store,
    ledger: Arc<Ledger>,
    era: Era,
    region: String,
    notes: Vec<String>,
    /// Unix milliseconds of the first text and of the last.
    time: Option<(i64, i64)>,
}

/// What a text says, read as a whole before any of it counts.
struct Told {
    put: Vec<(Kind, Value, Option<Cost>)>,
    gone: Vec<ObjectKey>,
}

struct Cost {
    instance_type: String,
    capacity_type: String,
    price_micro: i64,
    on_demand_micro: i64,
}

impl Default for Mirror {
    fn default() -> Mirror {
        // Nobody asks what was before.
        let store = Store::remembering(1);
        Mirror { store, ledger: Arc::default(), era: Era::V1, region: String::new(), notes: Vec::new(), time: None }
    }
}

impl Mirror {
    /// # Errors
    /// A text that is not of the form above; the mirror is as it was.
    pub fn hear(&mut self, text: &str) -> Result<(), String> {
        let text: Value = serde_json::from_str(text).map_err(|e| e.to_string())?;
        let at = text.int_at("at").ok_or("at: no time")?;
        let era = text.str_at("era").and_then(Era::parse).ok_or("era: unknown")?;
        let told = read(&text)?;

        let (began, before) = self.time.unwrap_or((at, at));
        // The clock of the one who watches may be set back.
        let at = at.max(before);
        self.time = Some((began, at));
        self.era = era;
        self.region = text.str_at("region").unwrap_or_default().to_owned();
        self.notes = text.list_at("notes").iter().filter_map(Value::as_str).map(str::to_owned).collect();
        self.apply(told, text.bool_at("whole").unwrap_or(false), SimTime(at.abs_diff(began)));
        Ok(())
    }

    fn apply(&mut self, mut told: Told, whole: bool, now: SimTime) {
        if whole {
            let named: VecSet<ObjectKey> = told.put.iter().map(|(kind, doc, _)| ObjectKey::of(*kind, doc)).collect();
            told.gone = self.store.all().map(|o| o.key()).filter(|key| !named.contains(key)).collect();
        }
        for key in told.gone {
            if key.kind == Kind::Node && self.ledger.price_of(&key.name).is_some() {
                Arc::make_mut(&mut self.ledger).close(&key.name, now);
            }
            self.store.remove(&key, now);
        }
        for (kind, doc, cost) in told.put {
            if kind == Kind::Node {
                self.price(&ObjectKey::of(kind, &doc).name, cost, now);
            }
            self.store.put(kind, doc, now);
        }
    }

    /// Notes what a node costs from now on, where that is something else than until now.
    fn price(&mut self, node: &str, cost: Option<Cost>, now: SimTime) {
        let known = self.ledger.live().find(|e| e.node == node);
        let same = |e: &Entry, c: &Cost| {
            (&e.instance_type, &e.capacity_type, e.price_micro, e.on_demand_micro)
                == (&c.instance_type, &c.capacity_type, c.price_micro, c.on_demand_micro)
        };
        if known.zip(cost.as_ref()).is_some_and(|(e, c)| same(e, c)) || (known.is_none() && cost.is_none()) {
            return;
        }
        let was_known = known.is_some();
        let ledger = Arc::make_mut(&mut self.ledger);
        if was_known {
            ledger.close(node, now);
        }
        if let Some(Cost { instance_type, capacity_type, price_micro, on_demand_micro }) = cost {
            let node = node.to_owned();
            ledger.open(Entry { node, instance_type, capacity_type, price_micro, on_demand_micro, from: now, until: None });
        }
    }

    /// What stands in the way of a current and whole picture, one sentence each.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The cluster as it was told last. Time begins with the first text.
    pub fn snapshot(&self) -> Snapshot {
        let (began, at) = self.time.unwrap_or_default();
        Snapshot {
            now: SimTime(at.abs_diff(began)),
            start: SimTime::ZERO,
            epoch_ms: began,
            profile: Profile::of(self.era),
            region: self.region.clone(),
            seed: 0,
            store: self.store.clone(),
            ledger: Arc::clone(&self.ledger),
            logs: Arc::default(),
            decisions: Arc::default(),
            hash: self.store.hash(),
        }
    }
}

fn read(text: &Value) -> Result<Told, String> {
    let mut told = Told { put: Vec::new(), gone: Vec::new() };
    for (i, one) in text.list_at("put").iter().enumerate() {
        let doc = one.at("doc");
        let kind = kind_of(doc).filter(|_| doc.str_at("metadata.name").is_some_and(|n| !n.is_empty()));
        let kind = kind.ok_or_else(|| format!("put[{i}]: no object"))?;
        let text = |field: &str| one.str_at(field).unwrap_or_default().to_owned();
        let cost = one.int_at("cost.priceMicro").map(|price_micro| Cost {
            instance_type: text("cost.type"),
            capacity_type: text("cost.capacityType"),
            price_micro,
            on_demand_micro: one.int_at("cost.onDemandMicro").unwrap_or(price_micro),
        });
        told.put.push((kind, doc.clone(), cost));
    }
    for (i, one) in text.list_at("gone").iter().enumerate() {
        let kind = kind_of(one).ok_or_else(|| format!("gone[{i}]: no object"))?;
        let text = |field: &str| one.str_at(field).unwrap_or_default();
        told.gone.push(ObjectKey::new(kind, text("namespace"), text("name")));
    }
    Ok(told)
}

fn kind_of(one: &Value) -> Option<Kind> {
    Kind::of(one.str_at("apiVersion")?, one.str_at("kind")?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use objects::json;

    fn node(name: &str, price: i64) -> Value {
        json!({"doc": {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}},
            "cost": {"type": "m5.large", "capacityType": "on-demand", "priceMicro": price, "onDemandMicro": price}})
    }

    fn text(at: i64, whole: bool, put: Value, gone: Value) -> String {
        json!({"at": at, "whole": whole, "era": "v1", "region": "r", "notes": ["n"], "put": put, "gone": gone}).to_string()
    }

    #[test]
    fn texts_add_up_to_a_picture_and_its_cost() {
        let mut mirror = Mirror::default();
        let pod = json!({"doc": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "d"},
            "spec": {"nodeName": "a"}}});
        mirror.hear(&text(1_000, true, json!([node("a", 100), node("b", 50), pod]), json!([]))).unwrap();
        let first = mirror.snapshot();
        assert_eq!((first.unix_ms(), first.ledger.rate_micro(), first.store.count(Kind::Pod)), (1_000, 150, 1));
        mirror.hear(&text(3_601_000, false, json!([]), json!([{"apiVersion": "v1", "kind": "Node", "name": "b"}]))).unwrap();
        let second = mirror.snapshot();
        assert_eq!((second.elapsed_ms(), second.ledger.rate_micro()), (3_600_000, 100));
        assert_eq!((second.store.count(Kind::Node), second.ledger.total_micro(second.now)), (1, 150));
        // Who was away for a time hears all of it again; what was paid before stays.
        mirror.hear(&text(3_700_000, true, json!([node("a", 100), node("c", 7)]), json!([]))).unwrap();
        let third = mirror.snapshot();
        assert_eq!((third.ledger.rate_micro(), third.store.count(Kind::Pod)), (107, 0));
        assert_eq!(third.ledger.entries.len(), 3);
        assert_eq!(mirror.notes(), ["n"]);
    }

    #[test]
    fn what_cannot_be_read_changes_nothing() {
        let mut mirror = Mirror::default();
        mirror.hear(&text(1_000, true, json!([node("a", 100)]), json!([]))).unwrap();
        let check = |mirror: &mut Mirror, text: &str, why: &str| {
            let before = mirror.snapshot();
            assert!(mirror.hear(text).unwrap_err().starts_with(why), "{text}");
            let after = mirror.snapshot();
            assert_eq!((before.hash, before.now, before.ledger.rate_micro()), (after.hash, after.now, after.ledger.rate_micro()));
        };
        check(&mut mirror, "{", "EOF");
        check(&mut mirror, "{}", "at: no time");
        check(&mut mirror, r#"{"at": 2000, "era": "v9"}"#, "era: unknown");
        check(
            &mut mirror,
            &text(2_000, true, json!([node("b", 1), {"doc": {"kind": "Widget"}}]), json!([])),
            "put[1]: no object",
        );
        check(&mut mirror, &text(2_000, true, json!([node("", 1)]), json!([])), "put[0]: no object");
        check(&mut mirror, &text(2_000, false, json!([]), json!([{"name": "a"}])), "gone[0]: no object");
    }

    #[test]
    fn a_clock_that_is_set_back_stands_still() {
        let mut mirror = Mirror::default();
        mirror.hear(&text(5_000, true, json!([]), json!([]))).unwrap();
        mirror.hear(&text(9_000, false, json!([]), json!([]))).unwrap();
        mirror.hear(&text(2_000, false, json!([]), json!([]))).unwrap();
        assert_eq!(mirror.snapshot().unix_ms(), 9_000);
    }
}
