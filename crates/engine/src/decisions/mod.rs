//! Why: every decision and refusal as data. Views turn them into sentences; nothing here is prose.

use crate::SimTime;
use objects::{Kind, ObjectKey};

/// Most decisions kept; the oldest go first.
pub const DECISIONS: usize = 5_000;

/// One decision or refusal, with what it was about and what it was based on.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    pub at: SimTime,
    pub about: ObjectKey,
    pub what: What,
}

impl Decision {
    /// The kernel held an actor back that would not come to rest.
    pub fn stuck(at: SimTime, actor: &str, message: String) -> Decision {
        Decision { at, about: ObjectKey::cluster(Kind::Namespace, actor), what: What::Abandoned { method: "kernel", message } }
    }
}

/// What was decided.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// A claim was opened for pods: how the candidate types narrowed, what was chosen and what else was cheapest.
    Launch {
        pool: String,
        pods: Vec<String>,
        /// (stage, number of types left): all, requirements, resources, offerings, limits.
        funnel: Vec<(&'static str, usize)>,
        /// Cheapest remaining (type, micro-USD per hour), at most five.
        cheapest: Vec<(String, i64)>,
        /// Requests of the pods and DaemonSets together, milli-CPU.
        cpu_milli: i64,
        daemon_cpu_milli: i64,
    },
    /// What the fleet gave, out of how many candidates.
    Fleet {
        instance_type: String,
        zone: String,
        capacity_type: String,
        price_micro: i64,
        candidates: usize,
        strategy: &'static str,
    },
    /// A pod cannot be placed: Karpenter's own words, per pool.
    Unschedulable { message: String },
    /// A disruption command.
    Disrupt {
        method: &'static str,
        action: &'static str,
        nodes: Vec<String>,
        replacement_types: Vec<String>,
        price_before_micro: i64,
        price_after_micro: i64,
    },
    /// A node was considered and stays: the method asked and Karpenter's own words.
    Keep { method: &'static str, message: String },
    /// A command was given up between decision and execution.
    Abandoned { method: &'static str, message: String },
    /// kube-scheduler bound a pod to another node than Karpenter had planned it onto. `planned` is the node, or the claim
    /// where no node of it is there.
    Diverged { planned: String, node: String, why: Divergence },
}

/// Why a plan was not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Divergence {
    /// The planned claim or node is gone or going.
    Gone,
    /// It has not joined yet, and kube-scheduler does not wait for nodes.
    NotJoined,
    /// It is there, but not ready or tainted.
    NotReady,
    /// Others took its room first.
    NoRoom,
    /// It would have done; the other one scored higher.
    Preferred,
}
