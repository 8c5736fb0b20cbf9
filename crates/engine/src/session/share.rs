//! Share records: a session as the scenario it began with and the requests that were made.
//!
//! `{v, era, seed, region, start, now, title?, log: [[ms, {line?, ...request}]]}`, times in milliseconds since the user's
//! session began. An entry with a `line` begins a line; those without belong to the line before. The request is one of
//! `{create|apply|replace: doc, validation?}`, `{patch: key, style, with}`, `{scale: key, replicas}`,
//! `{delete|evict: key, grace?}`, `{interrupt: node}` and `{cloud: what, ...}` (see [`CloudEvent`]), with keys written
//! `Kind/namespace/name`.

use super::{Advance, CloudEvent, LogEntry, OBSERVED, PatchStyle, Request, Scenario, Session};
use crate::{Era, SimTime};
use objects::{Api, ApiError, DocExt, Kind, ObjectKey, Reason, Validation, Value, json};
use std::collections::VecDeque;

pub const SHARE_VERSION: i64 = 1;
/// Bounds of a record: entries, documents among them, bytes of one string and of the whole, and simulated time.
pub const MAX_SHARED_ENTRIES: usize = 500;
pub const MAX_SHARED_DOCS: usize = 200;
const MAX_STRING: usize = 64 * 1024;
const MAX_RECORD: usize = 512 * 1024;
const MAX_MS: u64 = 7 * 24 * 3_600_000;

/// A record that is being played: work in slices, with progress.
#[derive(Clone, Debug)]
pub struct Replay {
    pub session: Session,
    pub title: Option<String>,
    /// Requests that were refused this time (another version may know more or less), with the server's words.
    pub refused: Vec<(LogEntry, ApiError)>,
    pending: VecDeque<LogEntry>,
    until: SimTime,
}

impl Session {
    /// The record that gives this session again, the present included.
    pub fn share(&self, title: Option<&str>) -> Result<Value, ApiError> {
        let entries = self.history();
        if entries.len() > MAX_SHARED_ENTRIES {
            return Err(bad(format!(
                "this session has {} changes, a record holds at most {MAX_SHARED_ENTRIES}: reset it to share a shorter one",
                entries.len()
            )));
        }
        let mut group = 0;
        let log: Vec<Value> = entries
            .iter()
            .map(|entry| {
                let mut request = write_request(&entry.request);
                if entry.group != group {
                    request.set("line", entry.line.as_str());
                }
                group = entry.group;
                json!([entry.at.since(self.start()), request])
            })
            .collect();
        let scenario = self.scenario();
        if scenario.id == OBSERVED {
            return Err(bad("a cluster that was read does not fit into a link: send its file".to_owned()));
        }
        let mut record = json!({
            "v": SHARE_VERSION, "era": scenario.era.as_str(), "seed": scenario.seed.to_string(), "region": scenario.region,
            "start": scenario.id, "now": self.present_time().since(self.start()), "log": log,
        });
        if let Some(title) = title {
            record.set("title", title);
        }
        let size = record.to_string().len();
        if size > MAX_RECORD {
            return Err(bad(format!("the record would be {size} bytes long, at most {MAX_RECORD} are possible")));
        }
        Ok(record)
    }

    /// Plays a record to its end.
    pub fn from_share(record: &Value) -> Result<Replay, ApiError> {
        let mut replay = Replay::new(record)?;
        while replay.advance(usize::MAX) == Advance::Working {}
        Ok(replay)
    }
}

impl Replay {
    /// Reads a record and starts its session; nothing is played yet.
    pub fn new(record: &Value) -> Result<Replay, ApiError> {
        check_size(record)?;
        Replay::on(Session::new(read_scenario(record)?)?, record)
    }

    /// Reads the log of a record onto a session that has just begun, of the scenario that the record names.
    pub(super) fn on(session: Session, record: &Value) -> Result<Replay, ApiError> {
        let log = record.list_at("log");
        if log.len() > MAX_SHARED_ENTRIES {
            return Err(bad(format!("log: {} entries, at most {MAX_SHARED_ENTRIES} are accepted", log.len())));
        }
        let start = session.start();
        let (mut last_ms, mut group, mut line, mut docs) = (0, 0, String::new(), 0);
        let mut pending = VecDeque::new();
        for (index, entry) in log.iter().enumerate() {
            let place = format!("log[{index}]");
            let parts = entry.as_array().map_or(&[][..], Vec::as_slice);
            let [at, request] = parts else { return Err(bad(format!("{place}: not of the form [ms, request]"))) };
            let at = at.as_u64().filter(|ms| *ms >= last_ms && *ms <= MAX_MS);
            let ms = at.ok_or_else(|| bad(format!("{place}: the time must be {last_ms} to {MAX_MS} ms")))?;
            last_ms = ms;
            if let Some(text) = request.str_at("line") {
                line = text.to_owned();
                group += 1;
            }
            let request = read_request(request, session.scenario().api()).map_err(|why| bad(format!("{place}: {why}")))?;
            docs += usize::from(request.document().is_some());
            pending.push_back(LogEntry { at: start + ms, line: line.clone(), request, group });
        }
        if docs > MAX_SHARED_DOCS {
            return Err(bad(format!("log: {docs} documents, at most {MAX_SHARED_DOCS} are accepted")));
        }
        let now = record.at("now").as_u64().unwrap_or(last_ms);
        if now < last_ms || now > MAX_MS {
            return Err(bad(format!("now: the time must be {last_ms} to {MAX_MS} ms")));
        }
        let title = record.str_at("title").map(str::to_owned);
        Ok(Replay { session, title, refused: Vec::new(), pending, until: start + now })
    }

    /// Plays on, at most `max_steps` actor runs.
    pub fn advance(&mut self, max_steps: usize) -> Advance {
        let target = self.pending.front().map_or(self.until, |e| e.at);
        if self.session.advance(target, max_steps) == Advance::Working {
            return Advance::Working;
        }
        let Some(entry) = self.pending.pop_front() else { return Advance::Reached };
        if self.session.history().last().is_none_or(|e| e.group != entry.group) {
            self.session.begin_line();
        }
        if let Err(error) = self.session.request(&entry.line, entry.request.clone()) {
            self.refused.push((entry, error));
        }
        Advance::Working
    }

    /// Milliseconds of the session played so far, and in all.
    pub fn progress(&self) -> (u64, u64) {
        let start = self.session.start();
        (self.session.now().since(start), self.until.since(start))
    }
}

fn bad(message: String) -> ApiError {
    ApiError::new(Reason::BadRequest, message)
}

fn check_size(record: &Value) -> Result<(), ApiError> {
    let size = record.to_string().len();
    if size > MAX_RECORD {
        return Err(bad(format!("the record is {size} bytes long, at most {MAX_RECORD} are accepted")));
    }
    if let Some(length) = longest_string(record).filter(|n| *n > MAX_STRING) {
        return Err(bad(format!("a text in the record is {length} bytes long, at most {MAX_STRING} are accepted")));
    }
    Ok(())
}

fn longest_string(value: &Value) -> Option<usize> {
    match value {
        Value::String(text) => Some(text.len()),
        Value::Array(list) => list.iter().filter_map(longest_string).max(),
        Value::Object(map) => map.iter().flat_map(|(k, v)| [Some(k.len()), longest_string(v)]).flatten().max(),
        _ => None,
    }
}

fn read_scenario(record: &Value) -> Result<Scenario, ApiError> {
    if !record.is_object() {
        return Err(bad("the record is not a JSON object".to_owned()));
    }
    match record.int_at("v") {
        Some(SHARE_VERSION) => {}
        Some(v) if v > SHARE_VERSION => {
            return Err(bad(format!("the record has version {v} and comes from a newer release than this one")));
        }
        _ => return Err(bad(format!("v: the version is missing, expected {SHARE_VERSION}"))),
    }
    let era = record.str_at("era").unwrap_or_default();
    let era = Era::parse(era).ok_or_else(|| bad(format!("era: \"{era}\" is neither v1alpha5 nor v1")))?;
    let seed = record.at("seed");
    let seed = seed.as_u64().or_else(|| seed.as_str().and_then(|s| s.parse().ok()));
    let seed = seed.ok_or_else(|| bad("seed: not a whole number".to_owned()))?;
    let region = record.str_at("region").unwrap_or(super::LAB_REGION);
    Scenario::named(record.str_at("start").unwrap_or_default(), era, seed, region)
}

fn write_key(key: &ObjectKey) -> String {
    format!("{}/{}/{}", key.kind.name(), key.namespace, key.name)
}

fn read_key(text: &str, api: Api) -> Result<ObjectKey, String> {
    let mut parts = text.splitn(3, '/');
    let (Some(kind), Some(namespace), Some(name)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(format!("\"{text}\" is not of the form Kind/namespace/name"));
    };
    let found = Kind::ALL.iter().find(|k| k.name() == kind && k.served_in(api));
    let kind = found.ok_or_else(|| format!("kind \"{kind}\" is unknown in era {}", api.era.as_str()))?;
    Ok(ObjectKey::new(*kind, namespace, name))
}

const STYLES: [(&str, PatchStyle); 3] =
    [("merge", PatchStyle::Merge), ("strategic", PatchStyle::Strategic), ("json", PatchStyle::Json)];
const VALIDATIONS: [(&str, Validation); 3] =
    [("strict", Validation::Strict), ("warn", Validation::Warn), ("ignore", Validation::Ignore)];

fn write_request(request: &Request) -> Value {
    let document = |verb: &str, doc: &Value, validation: &Validation| {
        let mut out = json!({ verb: doc });
        if let Some((name, _)) = VALIDATIONS.iter().find(|(_, v)| v == validation && *v != Validation::Strict) {
            out.set("validation", *name);
        }
        out
    };
    let graceful = |verb: &str, key: &ObjectKey, grace_s: &Option<i64>| {
        let mut out = json!({ verb: write_key(key) });
        if let Some(grace_s) = grace_s {
            out.set("grace", *grace_s);
        }
        out
    };
    match request {
        Request::Create { doc, validation, .. } => document("create", doc, validation),
        Request::Apply { doc, validation, .. } => document("apply", doc, validation),
        Request::Replace { doc, validation, .. } => document("replace", doc, validation),
        Request::Patch { key, patch, style, .. } => {
            let style = STYLES.iter().find(|(_, s)| s == style).map_or("merge", |(name, _)| name);
            json!({"patch": write_key(key), "style": style, "with": patch})
        }
        Request::Scale { key, replicas, .. } => json!({"scale": write_key(key), "replicas": replicas}),
        Request::Delete { key, grace_s, .. } => graceful("delete", key, grace_s),
        Request::Evict { pod, grace_s, .. } => graceful("evict", pod, grace_s),
        Request::InterruptSpot { node } => json!({"interrupt": node}),
        Request::Cloud(event) => event.write(),
    }
}

fn read_request(value: &Value, api: Api) -> Result<Request, String> {
    const VERBS: [&str; 9] = ["create", "apply", "replace", "patch", "scale", "delete", "evict", "interrupt", "cloud"];
    let given: Vec<&&str> = VERBS.iter().filter(|v| value.get(**v).is_some()).collect();
    let [verb] = given.as_slice() else {
        return Err(format!("expected exactly one of {}", VERBS.join(", ")));
    };
    let dry_run = false;
    let what = value.at(verb);
    let key = || read_key(what.as_str().unwrap_or_default(), api);
    let grace_s = value.int_at("grace");
    let validation = match value.str_at("validation") {
        None => Validation::Strict,
        Some(name) => VALIDATIONS.iter().find(|(n, _)| *n == name).map(|(_, v)| *v).ok_or("validation is unknown")?,
    };
    let doc = || if what.is_object() { Ok(what.clone()) } else { Err(format!("{verb}: the document is no object")) };
    Ok(match **verb {
        "create" => Request::Create { doc: doc()?, dry_run, validation },
        "apply" => Request::Apply { doc: doc()?, dry_run, validation },
        "replace" => Request::Replace { doc: doc()?, dry_run, validation },
        "patch" => {
            let style = value.str_at("style").unwrap_or("merge");
            let style = STYLES.iter().find(|(n, _)| *n == style).map(|(_, s)| *s).ok_or("style is unknown")?;
            Request::Patch { key: key()?, patch: value.at("with").clone(), style, dry_run }
        }
        "scale" => {
            let replicas = value.int_at("replicas").ok_or("replicas is missing")?;
            Request::Scale { key: key()?, replicas, dry_run }
        }
        "delete" => Request::Delete { key: key()?, grace_s, dry_run },
        "evict" => Request::Evict { pod: key()?, grace_s, dry_run },
        "cloud" => Request::Cloud(CloudEvent::read(value)?),
        _ => Request::InterruptSpot { node: what.as_str().ok_or("interrupt: the node's name is missing")?.to_owned() },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(record: Value, want: &str) {
        match Replay::new(&record) {
            Err(error) => assert_eq!(error.message, want),
            Ok(_) => assert_eq!("accepted", want),
        }
    }

    fn with(log: Value) -> Value {
        json!({"v": 1, "era": "v1alpha5", "seed": 1, "start": "karpenter-basics", "log": log})
    }

    #[test]
    fn damaged_records_are_refused_with_a_place() {
        check(json!([]), "the record is not a JSON object");
        check(json!({}), "v: the version is missing, expected 1");
        check(json!({"v": 9}), "the record has version 9 and comes from a newer release than this one");
        check(json!({"v": 1, "era": "v2"}), "era: \"v2\" is neither v1alpha5 nor v1");
        check(json!({"v": 1, "era": "v1", "seed": -1}), "seed: not a whole number");
        check(
            json!({"v": 1, "era": "v1", "seed": 1, "start": "x"}),
            "scenario \"x\" is unknown: choose one of karpenter-basics, playground, karpenter-bare, kwok",
        );
        check(with(json!([7])), "log[0]: not of the form [ms, request]");
        check(with(json!([[5, {"interrupt": "n"}], [4, {"interrupt": "n"}]])), "log[1]: the time must be 5 to 604800000 ms");
        check(with(json!([[5, {"scale": "Deployment/default/x"}]])), "log[0]: replicas is missing");
        check(
            with(json!([[5, {"scale": "NodePool//x", "replicas": 1}]])),
            "log[0]: kind \"NodePool\" is unknown in era v1alpha5",
        );
        check(with(json!([[5, {"delete": "Instance//x"}]])), "log[0]: kind \"Instance\" is unknown in era v1alpha5");
        check(with(json!([[5, {"apply": "x"}]])), "log[0]: apply: the document is no object");
        check(
            with(json!([[5, {}]])),
            "log[0]: expected exactly one of create, apply, replace, patch, scale, delete, evict, interrupt, cloud",
        );
        check(
            with(json!([[5, {"interrupt": "x".repeat(70_000)}]])),
            "a text in the record is 70000 bytes long, at most 65536 are accepted",
        );
        check(with(Value::Array(vec![json!([1, {"interrupt": "n"}]); 501])), "log: 501 entries, at most 500 are accepted");
    }

    #[test]
    fn requests_survive_being_written_and_read() {
        let pod = ObjectKey::new(Kind::Pod, "default", "p");
        let node = ObjectKey::cluster(Kind::Node, "n");
        let (doc, dry_run) = (json!({"apiVersion": "v1", "kind": "Pod"}), false);
        for request in [
            Request::Create { doc: doc.clone(), dry_run, validation: Validation::Warn },
            Request::Apply { doc: doc.clone(), dry_run, validation: Validation::Strict },
            Request::Replace { doc, dry_run, validation: Validation::Ignore },
            Request::Patch { key: node, patch: json!({"a": null}), style: PatchStyle::Strategic, dry_run },
            Request::Scale { key: ObjectKey::new(Kind::Deployment, "default", "d"), replicas: 3, dry_run },
            Request::Delete { key: pod.clone(), grace_s: Some(0), dry_run },
            Request::Evict { pod, grace_s: None, dry_run },
            Request::InterruptSpot { node: "n".to_owned() },
            Request::Cloud(CloudEvent::read(&json!({"cloud": "terminate", "node": "n"})).unwrap()),
            Request::Cloud(
                CloudEvent::read(&json!({"cloud": "no-capacity", "capacityType": "spot", "zone": "z", "on": false})).unwrap(),
            ),
        ] {
            assert_eq!(read_request(&write_request(&request), Era::V1.into()).as_ref(), Ok(&request));
        }
    }
}
