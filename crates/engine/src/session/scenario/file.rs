//! Scenarios as files: a cluster that was read, which goes on as a simulation.
//!
//! `{v: 1, scenario: observed, era, seed, region, at, objects: [...]}`: the objects as an API server shows them, `at` the
//! time at which they were read.

use super::{KWOK, LAB_REGION, LAB_SEED, OBSERVED, Scenario};
use crate::Era;
use crate::cluster::{Adopted, Choices, Dump, adopt};
use crate::session::Session;
use objects::{ApiError, DocExt, Provider, Reason, Value, json, time, yaml};
use std::sync::Arc;

const VERSION: i64 = 1;

impl Scenario {
    /// The cluster of a dump.
    pub fn observed(dump: Dump, choices: &Choices) -> Scenario {
        Scenario {
            id: OBSERVED.to_owned(),
            seed: choices.seed,
            era: dump.era(),
            provider: Provider::Aws,
            region: choices.region.clone().unwrap_or_default(),
            epoch_ms: choices.at_ms,
            docs: dump.objects.into_values().collect(),
            prices: None,
            node_group: false,
            settle_ms: 0,
        }
    }

    /// The scenario as a file.
    ///
    /// # Errors
    /// Only a cluster that was read has a file; what is built in has a name.
    pub fn to_file(&self) -> Result<Value, ApiError> {
        if self.id != OBSERVED {
            return Err(bad(format!("scenario \"{}\" is built in: name it instead", self.id)));
        }
        let mut file = json!({
            "v": VERSION, "scenario": OBSERVED, "era": self.era.as_str(), "seed": self.seed.to_string(),
            "at": time::rfc3339(self.epoch_ms), "objects": self.docs,
        });
        if !self.region.is_empty() {
            file.set("region", self.region.as_str());
        }
        Ok(file)
    }

    /// Reads what [`Scenario::to_file`] gives.
    ///
    /// # Errors
    /// A file of another form, with the field that is wrong.
    pub fn from_file(file: &Value) -> Result<Scenario, ApiError> {
        match file.int_at("v") {
            Some(VERSION) => {}
            Some(v) => return Err(bad(format!("v: {v} comes from another release, this one reads {VERSION}"))),
            None => return Err(bad("not a scenario: v is missing".to_owned())),
        }
        if file.str_at("scenario") != Some(OBSERVED) {
            return Err(bad(format!("scenario: must be \"{OBSERVED}\"")));
        }
        let seed = file.at("seed");
        let seed =
            seed.as_u64().or_else(|| seed.as_str()?.parse().ok()).ok_or_else(|| bad("seed: not a whole number".to_owned()))?;
        let at = file.str_at("at").and_then(time::parse_rfc3339).ok_or_else(|| bad("at: not a time".to_owned()))?;
        let mut dump = Dump::default();
        for (n, doc) in file.list_at("objects").iter().enumerate() {
            dump.add(&format!("objects[{n}]"), doc.clone()).map_err(|e| bad(e.to_string()))?;
        }
        dump.check().map_err(|e| bad(e.to_string()))?;
        let era = file.str_at("era").and_then(Era::parse).ok_or_else(|| bad("era: neither v1alpha5 nor v1".to_owned()))?;
        if era != dump.era() {
            return Err(bad(format!("era: {}, but the objects are of {}", era.as_str(), dump.era().as_str())));
        }
        Ok(Scenario::observed(
            dump,
            &Choices { at_ms: at, seed, region: file.str_at("region").map(str::to_owned), types: None, prices: None },
        ))
    }
}

impl Session {
    /// A session of the text of such a file, JSON of any size or YAML, and notes on what was missing. `prices` are a region
    /// that is not built in, and its packed text. A list is an instance types file of Karpenter's kwok provider: a cluster of that
    /// provider, which sells them.
    ///
    /// # Errors
    /// A text that is neither, or no such file, with what is wrong in it.
    pub fn open(text: &str, prices: Option<(String, Arc<str>)>) -> Result<(Session, Vec<String>), ApiError> {
        if text.trim_start().starts_with('[') {
            let kwok = Scenario::named(KWOK, Era::V1, LAB_SEED, LAB_REGION)?;
            return Ok((Session::new(Scenario { prices: Some(text.into()), ..kwok })?, Vec::new()));
        }
        let file: Value = if text.trim_start().starts_with('{') {
            serde_json::from_str(text).map_err(|e| bad(format!("not JSON: {e}")))?
        } else {
            let mut stream = yaml::parse(text);
            if let Some(error) = stream.error {
                return Err(bad(error.to_string()));
            }
            stream.documents.pop().map(|d| d.value).unwrap_or_default()
        };
        Session::within(Scenario::from_file(&file)?, prices)
    }

    /// A session of a cluster that was read, and notes on what was missing. It is not [`Session::new`], so that programs
    /// which read no clusters do not carry what that takes.
    ///
    /// # Errors
    /// Another scenario than [`Scenario::observed`].
    pub fn of_cluster(scenario: Scenario) -> Result<(Session, Vec<String>), ApiError> {
        Session::within(scenario, None)
    }

    fn within(mut scenario: Scenario, prices: Option<(String, Arc<str>)>) -> Result<(Session, Vec<String>), ApiError> {
        if scenario.id != OBSERVED {
            return Err(bad(format!("scenario \"{}\" is not of a cluster that was read", scenario.id)));
        }
        let mut dump = Dump::default();
        for doc in &scenario.docs {
            dump.add(&scenario.id, doc.clone()).map_err(|e| bad(e.to_string()))?;
        }
        let region = Some(scenario.region.clone()).filter(|r| !r.is_empty());
        let Adopted { world, region, notes } =
            adopt(dump, &Choices { at_ms: scenario.epoch_ms, seed: scenario.seed, region, types: None, prices: prices.clone() });
        scenario.prices = prices.filter(|(of, _)| *of == region).map(|(_, packed)| packed);
        scenario.region = region;
        Ok((Session::of(scenario, world), notes))
    }
}

fn bad(message: String) -> ApiError {
    ApiError::new(Reason::BadRequest, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use objects::Kind;

    fn dump(session: &Session) -> Dump {
        let mut dump = Dump::default();
        for object in session.snapshot().store.all().filter(|o| !o.kind.is_internal()) {
            dump.add("x", object.doc.clone()).unwrap();
        }
        dump
    }

    #[test]
    fn a_cluster_goes_on_from_its_file() {
        for era in [Era::V1alpha5, Era::V1] {
            let session = Session::new(Scenario::lab(era, 7)).unwrap();
            let at_ms = session.snapshot().unix_ms();
            let scenario =
                Scenario::observed(dump(&session), &Choices { at_ms, seed: 7, region: None, types: None, prices: None });
            let text = yaml::to_yaml(&scenario.to_file().unwrap());
            let read = yaml::parse(&text).documents.pop().unwrap().value;
            assert_eq!(Scenario::from_file(&read).as_ref(), Ok(&scenario));
            let (mut again, notes) = Session::of_cluster(scenario).unwrap();
            assert_eq!(notes, Vec::<String>::new());
            assert_eq!((again.snapshot().unix_ms(), again.snapshot().elapsed_ms()), (at_ms, 0));
            again.advance_to(again.now() + 600_000);
            assert_eq!(again.snapshot().store.count(Kind::Node), 2);
            assert!(again.snapshot().store.list(Kind::Pod).all(|p| p.pod().is_some_and(|p| p.ready)));
            assert!(again.share(None).unwrap_err().message.contains("send its file"));
        }
    }

    #[test]
    fn a_list_of_types_is_a_cluster_that_sells_them() {
        let types = r#" [{"name": "tiny", "architecture": "amd64", "operatingSystems": ["linux"],
            "resources": {"cpu": "2", "memory": "4Gi", "pods": "20"}, "offerings": [{"Price": 0.01, "Available": true, "Requirements": [
                {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["on-demand"]},
                {"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["zone-a"]}]}]}]"#;
        let (session, notes) = Session::open(types, None).unwrap();
        let names: Vec<String> = session.market().types().iter().map(|t| t.name.to_string()).collect();
        assert_eq!((names.join(","), notes.len(), session.scenario().id.as_str()), ("tiny".to_owned(), 0, KWOK));
        let why = Session::open("[{}]", None).unwrap_err().message;
        assert_eq!(why, "instance types: [0]: name is missing");
    }

    #[test]
    fn files_of_another_form_say_what_is_wrong() {
        let check = |file: Value, want: &str| {
            assert_eq!(Scenario::from_file(&file).unwrap_err().message, want);
        };
        check(json!({}), "not a scenario: v is missing");
        check(json!({"v": 2}), "v: 2 comes from another release, this one reads 1");
        check(json!({"v": 1, "scenario": "lab"}), "scenario: must be \"observed\"");
        check(json!({"v": 1, "scenario": "observed", "seed": 1, "at": "noon"}), "at: not a time");
        assert!(Scenario::lab(Era::V1, 1).to_file().is_err());
    }
}
