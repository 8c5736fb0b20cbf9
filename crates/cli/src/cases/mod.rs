//! `nodewright kubectl-cases`: a run recorded on a real cluster, played on the simulated one and compared.

mod normal;
mod run;
mod sequence;

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
}

/// One recorded command beside what it gives here.
#[derive(Clone, Debug)]
pub struct Case {
    /// The file's name without `.txt`.
    pub name: String,
    pub recorded: Recording,
    pub here: Ran,
    /// Why it is not compared.
    pub left_out: Option<&'static str>,
}

const OLDER: &str = "recorded with an older kubectl than the one simulated";

impl Case {
    /// The first difference after normalisation.
    pub fn difference(&self) -> Option<String> {
        let (r, h) = (&self.recorded, &self.here);
        if r.exit != h.exit {
            let said = h.stderr.lines().chain(h.stdout.lines()).next().unwrap_or_default();
            return Some(format!("exit status is {}, recorded {}: {said}", h.exit, r.exit));
        }
        first("stdout", &r.stdout, &h.stdout).or_else(|| first("stderr", &r.stderr, &h.stderr))
    }

    pub fn passes(&self) -> bool {
        self.left_out.is_none() && self.difference().is_none()
    }
}

fn first(stream: &str, recorded: &str, here: &str) -> Option<String> {
    let (want, got) = (normal(recorded), normal(here));
    if want == got {
        return None;
    }
    let (want, got): (Vec<&str>, Vec<&str>) = (want.lines().collect(), got.lines().collect());
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
        }
        let Some(cluster) = &mut cluster else {
            return Err(Failure::usage("set b goes on with the cluster of set a, which the sequence lacks"));
        };
        let output = cluster.play(step);
        let (Some(here), What::Command { file, .. }) = (output, &step.what) else { continue };
        let Some((_, recorded)) = recordings.iter().find(|(name, _)| name == file) else { continue };
        let name = file.trim_end_matches(".txt").to_owned();
        if !name.starts_with(only) {
            continue;
        }
        let left_out = (!recorded.is_current()).then_some(OLDER);
        out.push(Case { name, recorded: recorded.clone(), here, left_out });
    }
    Ok(out)
}

/// The report: a line a case, and the sum; the status is 1 where a case differs.
pub fn run(choices: &Choices) -> Result<(String, u8), Failure> {
    let cases = play(choices)?;
    let mut text = String::new();
    let (mut passed, mut failed, mut left_out) = (0, 0, 0);
    for case in &cases {
        let line = match (case.left_out, case.difference()) {
            (Some(why), _) => {
                left_out += 1;
                format!("not compared {}: {why}", case.name)
            }
            (None, None) => {
                passed += 1;
                format!("ok {}", case.name)
            }
            (None, Some(difference)) => {
                failed += 1;
                format!("differs {}: {difference}", case.name)
            }
        };
        text.push_str(&line);
        text.push('\n');
    }
    if left_out > 0 {
        text.push_str(&format!("{left_out} not compared\n"));
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
