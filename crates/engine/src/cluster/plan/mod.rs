//! What Karpenter would do to a cluster now, until nothing is left to do: its controllers run on the adopted world, and what
//! they decide is written down. Why the rest stays comes from the same records and from what stands in the way at the end.

mod blockers;
mod stays;
mod watch;

use super::Adopted;
use crate::Era;
use crate::session::World;
use crate::store::Store;
use objects::{Kind, Object};
use watch::Watch;

pub use blockers::Blocker;

/// How far to look ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ahead {
    pub horizon_ms: u64,
    /// Pods that move. What Karpenter would do after so many of them have moved says little about a real cluster, in which
    /// other things happen meanwhile, and in a large one it would go on for hours.
    pub moves: usize,
}

impl Default for Ahead {
    fn default() -> Ahead {
        Ahead { horizon_ms: 2 * 3_600_000, moves: 500 }
    }
}

/// After this without a decision the cluster is at rest: consolidation looks again every five minutes even where nothing
/// changed, and what it finds waits for its validation.
const QUIET_MS: u64 = 300_000 + 30_000;

/// What would be done, in order, and what would not.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// When the cluster was as it was read, Unix milliseconds.
    pub at_ms: i64,
    pub era: Era,
    pub before: Sum,
    pub after: Sum,
    /// What was going on already when the cluster was read, one sentence each.
    pub under_way: Vec<String>,
    pub actions: Vec<Action>,
    /// The nodes that are still there at the end, by name.
    pub stays: Vec<Stay>,
    /// The pods that still wait for a node at the end.
    pub pending: Vec<Pending>,
    pub rest: Rest,
}

/// The cluster in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    pub nodes: usize,
    /// Micro-dollars per hour.
    pub price_micro: i64,
    pub pods: usize,
    pub pending: usize,
}

/// How the plan ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// Nothing was decided for so long that nothing will be by itself.
    Reached { after_ms: u64 },
    /// There was still something going on when the time was over that the plan looks ahead.
    Horizon { after_ms: u64 },
    /// So many pods have moved that it looks no further.
    Moves { after_ms: u64, pods: usize },
}

/// What an action is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Pods wait for a node.
    Provisioning,
    /// A disruption method: `emptiness`, `consolidation`, `drift`, `expiration`.
    Disruption(&'static str),
    /// A claim goes without a command: it has expired, or its machine is gone.
    Removal(&'static str),
}

/// One decision and what comes of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    /// Milliseconds after the cluster was read.
    pub after_ms: u64,
    pub reason: Reason,
    /// The nodes that go.
    pub nodes: Vec<Machine>,
    /// What comes, in place of them or for pods that wait.
    pub launches: Vec<Launch>,
    /// In the order in which they happen.
    pub evictions: Vec<Eviction>,
    /// Micro-dollars per hour that are paid less from then on; negative where more is paid. As far as it is decided.
    pub saves_micro: i64,
    /// What keeps it from being done, at the end of the plan.
    pub blockers: Vec<Blocker>,
    pub done: Done,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    Yes,
    /// Not at the end of the plan.
    NotYet,
    /// Given up, with Karpenter's words.
    Abandoned(String),
}

/// A node, and what it costs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    pub node: String,
    /// The pool that it belongs to; empty where it is not Karpenter's.
    pub pool: String,
    pub instance_type: String,
    pub zone: String,
    pub capacity_type: String,
    /// Micro-dollars per hour; 0 where it is not known.
    pub price_micro: i64,
}

/// A claim that is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Launch {
    pub claim: String,
    pub pool: String,
    /// `namespace/name` of the pods that it is made for.
    pub pods: Vec<String>,
    /// How the instance types narrow: stage and how many are left.
    pub funnel: Vec<(&'static str, usize)>,
    /// Cheapest types that are left, micro-dollars per hour.
    pub cheapest: Vec<(String, i64)>,
    /// What the cloud gives for it, as modelled.
    pub given: Option<Machine>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Eviction {
    pub after_ms: u64,
    /// `namespace/name`.
    pub pod: String,
    pub node: String,
}

/// A node that is still there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stay {
    pub machine: Machine,
    /// The sentences that say why, Karpenter's own where it has any.
    pub why: Vec<String>,
    pub blockers: Vec<Blocker>,
}

/// A pod without a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    pub pod: String,
    pub why: String,
}

/// Runs the adopted cluster until it rests, or as far as it is to look ahead, and writes down what happens. The adopted world
/// is left as it is.
pub fn plan(adopted: &Adopted, ahead: Ahead) -> Plan {
    run(&mut adopted.world.clone(), ahead)
}

/// The same of a world that something may have been changed in, which is moved to the plan's end.
pub fn run(world: &mut World, ahead: Ahead) -> Plan {
    let start = world.now();
    let end = start + ahead.horizon_ms;
    let quiet = quiet_ms(&world.cluster.store, world.cluster.profile.era, ahead.horizon_ms);
    let before = sum(world);
    world.be_brief();
    let mut watch = Watch::new(world);
    let mut until = start + quiet;
    let rest = 'run: loop {
        while world.step(until.min(end)) {
            let decided = watch.see(world);
            world.cluster.store.forget_changes(world.cluster.store.revision());
            if decided {
                until = world.now() + quiet;
            }
            // What was begun is seen through, unless something else begins meanwhile.
            if watch.moves() >= ahead.moves && (decided || !is_busy(world)) {
                break 'run Rest::Moves { after_ms: world.now().since(start), pods: watch.moves() };
            }
        }
        let after_ms = world.now().since(start);
        if world.now() >= end {
            break Rest::Horizon { after_ms };
        }
        if !is_busy(world) {
            break Rest::Reached { after_ms: watch.last_ms() };
        }
        until = world.now() + quiet;
    };
    let (under_way, actions) = watch.finish(world);
    let view = world.cluster.view();
    Plan {
        at_ms: view.unix_ms_of(start),
        era: view.era(),
        before,
        after: sum(world),
        under_way,
        stays: stays::stays(world, start),
        pending: stays::pending(world),
        actions,
        rest,
    }
}

/// Pools that wait for nodes to be quiet for some time are waited for.
pub(super) fn quiet_ms(store: &Store, era: Era, horizon_ms: u64) -> u64 {
    let waits = store.list(Kind::pool(era)).filter_map(|p| u64::try_from(p.pool()?.consolidate_after_ms?).ok());
    QUIET_MS + waits.filter(|ms| *ms < horizon_ms).max().unwrap_or(0)
}

/// Something comes up or goes away.
fn is_busy(world: &World) -> bool {
    let store = &world.cluster.store;
    let claims = store.list(Kind::claim(world.cluster.profile.era));
    let mut claims = claims.filter(|c| c.meta.is_deleting() || !c.claim().is_some_and(|c| c.initialized));
    claims.next().is_some() || store.list(Kind::Node).any(|n| n.meta.is_deleting())
}

fn sum(world: &World) -> Sum {
    let store = &world.cluster.store;
    let counted = || store.list(Kind::Pod).filter(|p| crate::totals::counts(p));
    Sum {
        nodes: store.count(Kind::Node),
        price_micro: world.ledger.rate_micro(),
        pods: counted().count(),
        pending: counted().filter(|p| waits(p)).count(),
    }
}

/// A pod that has no node yet and is not one of a node's own.
fn waits(pod: &Object) -> bool {
    pod.pod().is_some_and(|p| !p.is_bound() && !p.is_daemon() && !p.is_terminal()) && !pod.meta.is_deleting()
}

/// The claim of a node, by its provider ID.
fn claim_of<'s>(store: &'s Store, era: Era, node: &Object) -> Option<&'s std::sync::Arc<Object>> {
    let id = node.node().map(|n| n.provider_id.as_str()).filter(|id| !id.is_empty())?;
    store.with_provider_id(Kind::claim(era), id).next()
}

fn machine(world: &World, node: &Object) -> Machine {
    let label = |key: &str| node.meta.labels.get(key).cloned().unwrap_or_default();
    let pool = if world.cluster.profile.era == Era::V1 { "karpenter.sh/nodepool" } else { "karpenter.sh/provisioner-name" };
    Machine {
        node: node.meta.name.clone(),
        pool: label(pool),
        instance_type: label("node.kubernetes.io/instance-type"),
        zone: label("topology.kubernetes.io/zone"),
        capacity_type: crate::totals::capacity_type(node).to_owned(),
        price_micro: world.ledger.price_of(&node.meta.name).unwrap_or(0),
    }
}

#[cfg(test)]
mod tests;
