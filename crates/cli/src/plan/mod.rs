//! `nodewright plan`: what Karpenter would do to a cluster now, and why the rest stays, without writing anything.

mod changed;
mod json;
pub mod read;
#[cfg(feature = "kube")]
pub mod saved;
mod text;

use crate::Failure;
use engine::cluster::{self, Adopted, Ahead, Dump, Plan};
use engine::session::World;
use objects::{Value, yaml};
use read::Source;
pub use text::{blocker, title};

/// Nothing to do, and something.
pub const IDLE: u8 = 0;
pub const BUSY: u8 = 10;

#[derive(Clone, Debug)]
pub struct Choices {
    /// When the cluster was as it was read, Unix milliseconds.
    pub at_ms: i64,
    pub seed: u64,
    pub region: Option<String>,
    /// The text of an instance types file of Karpenter's kwok provider.
    pub types: Option<String>,
    pub ahead: Ahead,
}

impl Choices {
    pub fn adoption(&self) -> cluster::Choices {
        let Choices { at_ms, seed, region, types, .. } = self.clone();
        cluster::Choices { at_ms, seed, region, types, prices: None }
    }
}

/// A plan, and with changed manifests the one that they lead to.
#[derive(Debug)]
pub struct Report {
    pub region: String,
    pub notes: Vec<String>,
    pub plan: Plan,
    /// Where manifests were changed: the plan without them, and what the apply said of each.
    pub before: Option<(Plan, Vec<String>)>,
}

/// Reads dumps together into one, for a plan or with all that is in them.
pub fn dump(sources: &[Source], to_plan: bool) -> Result<Dump, Failure> {
    let mut dump = Dump::default();
    for source in sources {
        let documents = if to_plan { read::lean_documents(source)? } else { read::documents(source)? };
        for (place, doc) in documents {
            dump.add(&place, doc).map_err(wrong)?;
        }
    }
    dump.check().map_err(wrong)?;
    Ok(dump)
}

/// Reads the cluster of a kubeconfig.
#[cfg(feature = "kube")]
pub fn live(options: &cluster::Options) -> Result<Dump, Failure> {
    // Unlike a dump it may have no nodes: it said so itself.
    cluster::read(options).map_err(crate::observe::failure)
}

fn wrong(error: impl std::fmt::Display) -> Failure {
    Failure { message: error.to_string(), exit: 1 }
}

/// The plan of the dump, or with `changed` manifests the one of the cluster after they are applied.
pub fn run(dump: Dump, changed: &[Source], choices: &Choices) -> Result<Report, Failure> {
    let Adopted { mut world, region, notes } = cluster::adopt(dump, &choices.adoption());
    if changed.is_empty() {
        return Ok(Report { region, notes, plan: last(world, choices), before: None });
    }
    let mut docs = Vec::new();
    for source in changed {
        docs.extend(read::documents(source)?);
    }
    let mut before = world.clone();
    let verdicts = changed::apply(&mut world, &docs)?;
    let before = cluster::run(&mut before, choices.ahead);
    Ok(Report { region, notes, plan: last(world, choices), before: Some((before, verdicts)) })
}

/// The plan after which the program ends. The world is left to that end: to take one of thousands of objects apart piece by
/// piece takes as long as an eighth of the plan.
fn last(world: World, choices: &Choices) -> Plan {
    cluster::run(&mut std::mem::ManuallyDrop::new(world), choices.ahead)
}

impl Report {
    pub fn exit(&self) -> u8 {
        if self.plan.actions.is_empty() { IDLE } else { BUSY }
    }

    pub fn text(&self) -> String {
        match &self.before {
            Some((before, verdicts)) => changed::text(self, before, verdicts),
            None => text::report(self),
        }
    }

    pub fn json(&self) -> Value {
        match &self.before {
            Some((before, verdicts)) => changed::json(self, before, verdicts),
            None => json::report(self),
        }
    }

    pub fn yaml(&self) -> String {
        yaml::to_yaml(&self.json())
    }
}

/// The latest time that a dump can be of: that at which its files were written, or that of what happened last in it.
pub fn time_of(dump: &Dump, written_ms: i64) -> i64 {
    dump.newest_ms().map_or(written_ms, |newest| newest.max(written_ms))
}
