//! Plays the steps on simulated clusters, in simulated time.

use super::sequence::{Step, What};
use super::{past, server};
use crate::Failure;
use engine::{Scenario, Session, SimTime};
use objects::{Value, yaml};
use shell::{Options, Ran, Shell};

/// A command that nothing ends is left after this, as by Ctrl+C.
const LEAVE_MS: u64 = 120_000;
/// A `wait until` looks this often, and gives up after this long.
const LOOK_MS: u64 = 500;
const GIVE_UP_MS: u64 = 300_000;
/// How long a call of kubectl takes whose time is not recorded: the median of those that are.
pub const CALL_MS: u64 = 130;

const SEED: u64 = 6;

/// A cluster with a shell in front of it, and the manifests in its home.
pub struct Cluster {
    session: Session,
    shell: Shell,
    /// When the session's cluster had settled.
    begin: SimTime,
    /// What a recorded time is ahead of the session's, in milliseconds.
    ahead_ms: Option<i64>,
}

impl Cluster {
    /// The cluster on which a set begins; `None` where it goes on with the one before.
    pub fn of_set(set: char, manifests: &[(String, String)]) -> Result<Option<Cluster>, Failure> {
        // When the past of the recorded clusters begins, or else the set, and how old they were.
        let (start_ms, age_ms) = match set {
            // 2026-11-23T20:50:00Z, T21:02:30Z and T21:40:26Z
            'a' => (1_795_467_000_000, 20 * 60_000),
            'b' => return Ok(None),
            'c' => (1_795_467_750_000, 32 * 60_000),
            _ => (1_795_470_026_000, 0),
        };
        let base = manifests.iter().find(|(name, _)| name == "base.yaml");
        let (_, text) = base.ok_or_else(|| Failure::usage("the manifests lack base.yaml, on which every set begins"))?;
        let stream = yaml::parse(text);
        if let Some(error) = stream.error {
            return Err(Failure::usage(format!("base.yaml: {error}")));
        }
        let docs: Vec<Value> = stream.documents.into_iter().map(|d| d.value).filter(|v| !v.is_null()).collect();
        let types = manifests.iter().find(|(name, _)| name == "instance-types.json").map(|(_, text)| text.as_str().into());
        let mut scenario = Scenario::kwok(&docs, types, SEED, start_ms, age_ms);
        server::complete(&mut scenario, set);
        let session = Session::new(scenario).map_err(|e| Failure::usage(format!("base.yaml: {}", e.message)))?;
        let options = Options { utc_offset_min: 0, zone: "UTC".to_owned(), ..Options::script() };
        let mut shell = Shell::new(options);
        for (name, text) in manifests {
            shell.write_file(name, text).map_err(|why| Failure::usage(format!("{name}: {why}")))?;
        }
        let begin = session.now();
        let mut cluster = Cluster { session, shell, begin, ahead_ms: None };
        for line in server::HOME {
            cluster.run(line, None);
        }
        for (path, text) in server::kubeconfigs() {
            cluster.shell.write_file(path, &text).map_err(|why| Failure::usage(format!("{path}: {why}")))?;
        }
        Ok(Some(cluster))
    }

    /// Plays what the cluster had been through when the set began.
    pub fn begin(&mut self, set: char) {
        past::play(set, self);
    }

    pub fn wait_until(&mut self, elapsed_ms: u64) {
        self.wait_until_time(self.begin + elapsed_ms);
    }

    /// Waits until what was recorded at that time began. The first such time is now.
    pub fn wait_until_recorded(&mut self, unix_ms: i64) {
        let now = i64::try_from(self.session.now().ms()).unwrap_or(i64::MAX);
        let ahead_ms = *self.ahead_ms.get_or_insert(unix_ms.saturating_sub(now));
        self.wait_until_time(SimTime(u64::try_from(unix_ms.saturating_sub(ahead_ms)).unwrap_or(0)));
    }

    fn wait_until_time(&mut self, at: SimTime) {
        if at > self.session.now() {
            self.session.advance_to(at);
        }
    }

    /// Lets Karpenter's pods work, or stand idle.
    pub fn set_karpenter(&mut self, works: bool) {
        let request = if works { Scenario::release_karpenter() } else { Scenario::hold_karpenter() };
        // The namespace may have been deleted by then; without it there is nothing to start.
        let _ = self.session.request("karpenter.sh", request);
    }

    /// Plays one step.
    pub fn play(&mut self, step: &Step) {
        match &step.what {
            What::Command { command, .. } => {
                self.run(command, None);
            }
            What::Setup(command) if command == "karpenter.sh" => self.set_karpenter(true),
            What::Setup(command) => {
                self.run(command, None);
            }
            What::Sleep(ms) => self.session.advance_to(self.session.now() + *ms),
            What::Until(command) => {
                let limit = self.session.now() + GIVE_UP_MS;
                while self.run(command, None).exit != 0 && self.session.now() < limit {
                    self.session.advance_to(self.session.now() + LOOK_MS);
                }
            }
        }
    }

    /// Runs a command by the kubectl of that minor version.
    pub fn run(&mut self, command: &str, client: Option<u32>) -> Ran {
        self.run_within(command, client, CALL_MS)
    }

    /// Runs a command that changes nothing once more, in no time.
    pub fn repeat(&mut self, command: &str, client: Option<u32>) -> Ran {
        self.run_within(command, client, 0)
    }

    pub fn run_within(&mut self, command: &str, client: Option<u32>, call_ms: u64) -> Ran {
        self.shell.set_kubectl(client, call_ms);
        let unfinished = || Ran { exit: 2, stderr: "bash: syntax error: unexpected end of file\n".to_owned(), ..Ran::default() };
        self.shell.run(command, &mut self.session, LEAVE_MS).unwrap_or_else(unfinished)
    }
}
