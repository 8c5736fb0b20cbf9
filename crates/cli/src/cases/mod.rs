//! `nodewright kubectl-cases`: a run recorded on a real cluster, played on the simulated one and compared.

mod normal;
mod order;
mod past;
mod run;
mod sequence;
mod server;
mod table;

pub use normal::normal;
pub use sequence::Recording;

use crate::Failure;
use run::Cluster;
use sequence::What;
use shell::Ran;
use std::path::{Path, PathBuf};

/// What to run.
#[derive(Clone, Debug)]
pub struct Choices {
    pub sequence: PathBuf,
    pub cases: PathBuf,
    /// Files named in commands; `manifests` beside the sequence where left out.
    pub manifests: Option<PathBuf>,
    /// Report only cases whose name begins so (`a05`, `d`).
    pub only: Option<String>,
    /// Print both sides of cases that differ, as they are compared.
    pub full: bool,
}

/// One recorded command beside what it gives here.
#[derive(Clone, Debug)]
pub struct Case {
    /// The file's name without `.txt`.
    pub name: String,
    pub recorded: Recording,
    pub here: Ran,
}

impl Case {
    /// The first difference after normalisation.
    pub fn difference(&self) -> Option<String> {
        let (r, h) = (&self.recorded, &self.here);
        if r.exit != h.exit {
            let said = h.stderr.lines().chain(h.stdout.lines()).next().unwrap_or_default();
            return Some(format!("exit status is {}, recorded {}: {said}", h.exit, r.exit));
        }
        let watch = r.command.contains(" -w") || r.command.contains(" --watch");
        first("stdout", &r.stdout, &h.stdout, watch).or_else(|| first("stderr", &r.stderr, &h.stderr, false))
    }

    /// Both outputs as they are compared.
    fn sides(&self) -> String {
        let (r, h) = (&self.recorded, &self.here);
        let side = |out: &str, err: &str| format!("{}\n{}", normal(out), normal(err));
        format!("\n--- recorded\n{}\n--- here\n{}\n---", side(&r.stdout, &r.stderr), side(&h.stdout, &h.stderr))
    }

    pub fn passes(&self) -> bool {
        self.difference().is_none()
    }
}

/// The text without the lines that a watch repeats.
fn once(text: String, watch: bool) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    if watch {
        lines.dedup();
    }
    lines.join("\n")
}

fn first(stream: &str, recorded: &str, here: &str, watch: bool) -> Option<String> {
    let (want, got) = (once(normal(recorded), watch), once(normal(here), watch));
    if want == got {
        return None;
    }
    let (want, got): (Vec<&str>, Vec<&str>) = (want.split('\n').collect(), got.split('\n').collect());
    let at = (0..want.len().max(got.len())).find(|i| want.get(*i) != got.get(*i)).unwrap_or(0);
    let show = |lines: &[&str]| lines.get(at).map_or("nothing".to_owned(), |l| format!("{l:?}"));
    Some(format!("{stream} line {}: {}, recorded {}", at + 1, show(&got), show(&want)))
}

/// Plays the sequence and gives its cases in order. Sets of which nothing is wanted are not played.
pub fn play(choices: &Choices) -> Result<Vec<Case>, Failure> {
    let text = read(&choices.sequence)?;
    let in_file = |f: Failure| Failure { message: format!("{}: {}", choices.sequence.display(), f.message), ..f };
    let mut steps = sequence::parse(&text).map_err(in_file)?;
    let recordings = sequence::recordings(&choices.cases)?;
    sequence::fill(&mut steps, &recordings);
    let manifests = manifests(choices)?;
    let only = choices.only.as_deref().unwrap_or_default();
    // Set b goes on where a ends.
    let wanted = |set: char| match only.chars().next() {
        None => true,
        Some(first) => set == first || set == 'a' && first == 'b',
    };
    let mut out = Vec::new();
    let mut cluster: Option<Cluster> = None;
    let mut set = None;
    for step in steps.iter().filter(|s| wanted(s.set)) {
        if set != Some(step.set) {
            set = Some(step.set);
            if let Some(fresh) = Cluster::of_set(step.set, &manifests)? {
                cluster = Some(fresh);
            }
            if let Some(cluster) = &mut cluster {
                cluster.begin(step.set);
            }
        }
        let Some(cluster) = &mut cluster else {
            return Err(Failure::usage("set b goes on with the cluster of set a, which the sequence lacks"));
        };
        let What::Command { file, command } = &step.what else {
            cluster.play(step);
            continue;
        };
        let name = file.trim_end_matches(".txt");
        let recorded = recordings.iter().find(|(known, _)| known == file);
        let recorded = recorded.map(|(_, recording)| recording);
        if let Some((began, _)) = recorded.and_then(Recording::timing) {
            cluster.wait_until_recorded(began);
        }
        let call_ms = recorded.and_then(Recording::call_ms).unwrap_or(run::CALL_MS);
        let here = cluster.run_within(command, recorded.and_then(Recording::client), call_ms);
        let mut add = |name: &str, recorded: &Recording, here: Ran| {
            if name.starts_with(only) {
                out.push(Case { name: name.to_owned(), recorded: recorded.clone(), here });
            }
        };
        if let Some(recorded) = recorded {
            add(name, recorded, here);
        }
        // What another client said at the same moment.
        for (file, recorded) in recordings.iter().filter(|(known, _)| sequence::variant_of(known) == Some(name)) {
            let here = cluster.repeat(&recorded.command, recorded.client());
            add(file.trim_end_matches(".txt"), recorded, here);
        }
    }
    Ok(out)
}

/// The report: a line a case, and the sum; the status is 1 where a case differs.
pub fn run(choices: &Choices) -> Result<(String, u8), Failure> {
    let cases = play(choices)?;
    let mut text = String::new();
    let (mut passed, mut failed) = (0, 0);
    for case in &cases {
        let line = match case.difference() {
            None => {
                passed += 1;
                format!("ok {}", case.name)
            }
            Some(difference) => {
                failed += 1;
                let sides = if choices.full { case.sides() } else { String::new() };
                format!("differs {}: {difference}{sides}", case.name)
            }
        };
        text.push_str(&line);
        text.push('\n');
    }
    text.push_str(&format!("{passed} passed, {failed} failed\n"));
    Ok((text, u8::from(failed > 0)))
}

fn manifests(choices: &Choices) -> Result<Vec<(String, String)>, Failure> {
    let beside = choices.sequence.parent().unwrap_or(Path::new(".")).join("manifests");
    let folder = choices.manifests.as_ref().unwrap_or(&beside);
    let fail = |error: std::io::Error| Failure::usage(format!("{}: {error}", folder.display()));
    let mut out = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        if entry.path().is_file() {
            out.push((entry.file_name().to_string_lossy().into_owned(), read(&entry.path())?));
        }
    }
    out.sort();
    Ok(out)
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
}
