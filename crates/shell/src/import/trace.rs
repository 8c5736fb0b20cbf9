//! A trace as its file says it.

use objects::{DocExt, Kind, Value};
use rmpv::Value as Packed;
use std::collections::BTreeSet;

const VERSION: u64 = 2;
/// Deeper ones are no trace.
const DEPTH: usize = 200;

#[derive(Debug, Default)]
pub struct Trace {
    /// In the order of their time.
    pub events: Vec<Event>,
    /// How long pods ran that ended, in seconds, by the kind (`batch/v1.Job`) and `namespace/name` of their owner.
    pub lifetimes: Vec<(String, String, Vec<i64>)>,
}

/// What changed at one time.
#[derive(Debug)]
pub struct Event {
    /// Unix seconds.
    pub ts: i64,
    pub applied: Vec<Value>,
    pub deleted: Vec<Value>,
}

impl Trace {
    /// Names of the objects of a kind that the trace makes.
    pub fn applied(&self, kind: Kind) -> BTreeSet<&str> {
        let docs = self.events.iter().flat_map(|e| &e.applied).filter(|d| super::kind_of(d) == Some(kind));
        docs.filter_map(|d| d.str_at("metadata.name")).collect()
    }
}

/// Reads a trace.
///
/// # Errors
/// Where the bytes are no trace, or one of another version.
pub fn read(bytes: &[u8]) -> Result<Trace, String> {
    let packed = rmpv::decode::read_value_with_max_depth(&mut &*bytes, DEPTH)
        .map_err(|e| format!("no SimKube trace: no msgpack ({e})"))?;
    let version = field(&packed, "version").and_then(Packed::as_u64);
    match version {
        Some(VERSION) => {}
        Some(other) => return Err(format!("a SimKube trace of version {other}; only version {VERSION} is read")),
        None => return Err("no SimKube trace: it has no version".to_owned()),
    }
    let list = field(&packed, "events").and_then(Packed::as_array).ok_or("no SimKube trace: it has no events")?;
    let mut events = Vec::new();
    for (i, event) in list.iter().enumerate() {
        let ts = field(event, "ts").and_then(Packed::as_i64).ok_or_else(|| format!("events[{i}].ts: no time"))?;
        let docs = |name: &str| -> Result<Vec<Value>, String> {
            let all = field(event, name).and_then(Packed::as_array).map(Vec::as_slice).unwrap_or_default();
            all.iter()
                .enumerate()
                .map(|(n, packed)| {
                    let doc = json(packed).filter(|d| d.str_at("kind").is_some() && d.str_at("metadata.name").is_some());
                    doc.ok_or_else(|| format!("events[{i}].{name}[{n}]: no object"))
                })
                .collect()
        };
        events.push(Event { ts, applied: docs("applied_objs")?, deleted: docs("deleted_objs")? });
    }
    events.sort_by_key(|e| e.ts);
    let lifetimes = field(&packed, "pod_lifecycles").and_then(Packed::as_map).map(|m| m.iter().filter_map(lifetimes).collect());
    Ok(Trace { events, lifetimes: lifetimes.unwrap_or_default() })
}

fn field<'p>(of: &'p Packed, name: &str) -> Option<&'p Packed> {
    of.as_map()?.iter().find(|(key, _)| key.as_str() == Some(name)).map(|(_, value)| value)
}

/// `{(kind, name): {hash: [{Finished: [start, end]}, ...]}}`.
fn lifetimes((key, of): &(Packed, Packed)) -> Option<(String, String, Vec<i64>)> {
    let [kind, name] = key.as_array()?.as_slice() else { return None };
    let mut all = Vec::new();
    for one in of.as_map()?.iter().filter_map(|(_, list)| list.as_array()).flatten() {
        if let Some([start, end]) = field(one, "Finished").and_then(Packed::as_array).map(Vec::as_slice) {
            all.push(end.as_i64()?.saturating_sub(start.as_i64()?).max(1));
        }
    }
    Some((kind.as_str()?.to_owned(), name.as_str()?.to_owned(), all))
}

/// What JSON can say; nothing for keys that are no text.
fn json(packed: &Packed) -> Option<Value> {
    Some(match packed {
        Packed::Nil => Value::Null,
        Packed::Boolean(b) => Value::Bool(*b),
        Packed::Integer(n) => n.as_i64().map_or_else(|| n.as_u64().map(Value::from), |n| Some(Value::from(n)))?,
        Packed::F32(f) => Value::from(f64::from(*f)),
        Packed::F64(f) => Value::from(*f),
        Packed::String(s) => Value::from(s.as_str()?),
        Packed::Array(all) => Value::Array(all.iter().map(json).collect::<Option<_>>()?),
        Packed::Map(all) => {
            let pairs = all.iter().map(|(k, v)| Some((k.as_str()?.to_owned(), json(v)?)));
            Value::Object(pairs.collect::<Option<_>>()?)
        }
        Packed::Binary(_) | Packed::Ext(..) => return None,
    })
}
