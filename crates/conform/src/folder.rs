//! Cases on disk: a folder that holds scenarios (or has them in `scenarios`), or one scenario, with the recorded decisions
//! beside them and a folder `catalog` beside or above.

use crate::catalogue::Catalogue;
use crate::compare::{Verdict, verdict, words_differ};
use crate::decide::Case;
use crate::scenario::Scenario;
use crate::{Fault, era_a};
use engine::Era;
use objects::collections::VecMap;
use objects::{DocExt, Value};
use std::path::{Path, PathBuf};

/// What became of one case.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub name: String,
    pub area: String,
    /// `None`: there is nothing recorded to compare with.
    pub verdict: Option<Verdict>,
    /// Why it was not run or not compared.
    pub note: String,
    /// The engine's decision; `None` where it was not run.
    pub decision: Option<Value>,
    /// Where the recorded words about a pod are others.
    pub words: Option<String>,
}

/// The engine whose decisions the era is compared with.
pub fn engine_name(era: Era) -> &'static str {
    match era {
        Era::V1 => "karpenter-v1.14.1",
        Era::V1alpha5 => "karpenter-v0.31.4",
    }
}

/// Scenario files of a path, in order of name.
///
/// Errors: the path does not exist or holds no scenario.
pub fn scenarios(path: &Path) -> Result<Vec<PathBuf>, Fault> {
    let shown = path.display();
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    if !path.is_dir() {
        return Err(Fault(format!("{shown}: no such file or folder: name a folder of scenarios or one NAME.yaml")));
    }
    let inner = path.join("scenarios");
    let folder = if inner.is_dir() { inner.as_path() } else { path };
    let entries = std::fs::read_dir(folder).map_err(|e| Fault(format!("{}: {e}", folder.display())))?;
    let mut files: Vec<PathBuf> =
        entries.filter_map(|e| Some(e.ok()?.path())).filter(|p| p.extension().is_some_and(|e| e == "yaml")).collect();
    files.sort();
    if files.is_empty() {
        return Err(Fault(format!("{shown}: no scenario (NAME.yaml) in this folder or in {shown}/scenarios")));
    }
    Ok(files)
}

/// Runs cases of one era, reading each catalogue once.
#[derive(Debug)]
pub struct Runner {
    era: Era,
    /// Runs cases without a recorded decision too.
    pub run_all: bool,
    catalogues: VecMap<PathBuf, Value>,
}

impl Runner {
    pub fn new(era: Era) -> Runner {
        Runner { era, run_all: false, catalogues: VecMap::new() }
    }

    /// Runs the scenario of a file. Faults name the file.
    pub fn run(&mut self, file: &Path) -> Result<Outcome, Fault> {
        let place = file.display().to_string();
        let scenario = Scenario::read(&read(file)?).map_err(|f| f.at(&place))?;
        let stem = file.file_stem().and_then(|s| s.to_str()).unwrap_or_default();
        if stem != scenario.name {
            return Err(Fault(format!(
                "{place}: metadata.name of the header is {:?}: it must be the file's {stem:?}",
                scenario.name
            )));
        }
        let engine = engine_name(self.era);
        let recorded_file = file.with_file_name(format!("{stem}.{engine}.json"));
        let recorded = if recorded_file.is_file() { Some(json_of(&recorded_file)?) } else { None };
        let mut outcome = Outcome {
            name: scenario.name.clone(),
            area: scenario.area.clone(),
            verdict: None,
            note: String::new(),
            decision: None,
            words: None,
        };
        if let Some(why) = self.unfit(&scenario, recorded.is_some()) {
            outcome.note = why;
            return Ok(outcome);
        }
        let catalogue = Catalogue::of(self.catalogue(file, &scenario.catalogue)?, &scenario).map_err(|f| f.at(&place))?;
        let decision = Case::new(&scenario, &catalogue, self.era).map_err(|f| f.at(&place))?.decide();
        match &recorded {
            Some(recorded) => {
                outcome.verdict = Some(verdict(recorded, &decision.outcome));
                outcome.words = words_differ(&decision.words, recorded);
            }
            None => outcome.note = format!("no decision of {engine} is recorded"),
        }
        outcome.decision = Some(decision.outcome);
        Ok(outcome)
    }

    /// Why a scenario is not run.
    fn unfit(&self, scenario: &Scenario, is_recorded: bool) -> Option<String> {
        let engine = engine_name(self.era);
        if is_recorded {
            return None;
        }
        if !scenario.engines.is_empty() && !scenario.engines.iter().any(|e| e == engine) {
            return Some(format!("not for {engine}"));
        }
        if !self.run_all {
            return Some(format!("no decision of {engine} is recorded"));
        }
        if self.era == Era::V1alpha5 { era_a::untranslatable(scenario) } else { None }
    }

    fn catalogue(&mut self, file: &Path, name: &str) -> Result<&Value, Fault> {
        let asked = format!("{name}.json");
        let folders: Vec<PathBuf> = file.ancestors().skip(1).take(4).map(|f| f.join("catalog")).collect();
        let found = folders.iter().map(|f| f.join(&asked)).find(|p| p.is_file());
        let path = found.ok_or_else(|| {
            Fault(format!("{}: catalogue {asked:?} is in no folder `catalog` beside or above the scenario", file.display()))
        })?;
        if !self.catalogues.contains_key(&path) {
            self.catalogues.insert(path.clone(), json_of(&path)?);
        }
        self.catalogues.get(&path).ok_or_else(|| Fault(format!("{}: cannot be kept", path.display())))
    }
}

/// Writes a decision as `FOLDER/NAME.json`.
pub fn emit(folder: &Path, name: &str, decision: &Value) -> Result<(), Fault> {
    std::fs::create_dir_all(folder).map_err(|e| Fault(format!("{}: {e}", folder.display())))?;
    let file = folder.join(format!("{name}.json"));
    std::fs::write(&file, format!("{decision}\n")).map_err(|e| Fault(format!("{}: {e}", file.display())))
}

fn read(file: &Path) -> Result<String, Fault> {
    std::fs::read_to_string(file).map_err(|e| Fault(format!("{}: {e}", file.display())))
}

fn json_of(file: &Path) -> Result<Value, Fault> {
    let value: Value = serde_json::from_str(&read(file)?).map_err(|e| Fault(format!("{}: {e}", file.display())))?;
    if value.as_object().is_none() {
        return Err(Fault(format!("{}: a JSON object is expected", file.display())));
    }
    // Recorded texts are compared with the engine's own.
    debug_assert!(value.str_at("engine").is_none_or(|e| e.starts_with("karpenter-")));
    Ok(value)
}
