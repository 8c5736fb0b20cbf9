//! What must hold of Karpenter's decisions and of what follows from them, watched change by change and decision by
//! decision. It knows the cluster from the change log alone, and the decisions from the record and the controller log.

use super::world::World;
use crate::decisions::What;
use crate::logs::Level;
use crate::store::{Change, Op};
use crate::{Era, SimTime};
use objects::collections::VecMap;
use objects::{DocExt, Kind, Object};
use std::sync::Arc;

/// Consolidation and emptiness of era B wait so long between decision and execution.
const POLL_MS: u64 = 10_000;
/// Era A gives a command this long.
const COMMAND_MS: u64 = 600_000;

#[derive(Clone, Debug, Default)]
struct Claim {
    provider_id: String,
    initialized: bool,
    deleting: bool,
    replacement: bool,
}

/// Sees a world at times of the test's choosing, and what happened since.
pub struct Witness {
    revision: u64,
    decisions: usize,
    logs: usize,
    claims: VecMap<String, Claim>,
    /// Claim by provider id, provider id by node.
    nodes: VecMap<String, String>,
    /// Node of each pod that would move.
    pods: VecMap<String, String>,
    /// Era A: the nodes of the last command.
    command: Option<(SimTime, Vec<String>)>,
    pub broken: Vec<String>,
}

impl Witness {
    pub fn new(world: &World) -> Witness {
        let mut witness = Witness {
            revision: world.cluster.store.revision(),
            decisions: world.decisions.total(),
            logs: world.logs.total(),
            claims: VecMap::new(),
            nodes: VecMap::new(),
            pods: VecMap::new(),
            command: None,
            broken: Vec::new(),
        };
        for object in world.cluster.store.all() {
            witness.see(object, Op::Added, world.cluster.profile.era);
        }
        witness
    }

    /// Reads everything since the last call.
    pub fn watch(&mut self, world: &World) {
        let era = world.cluster.profile.era;
        let changes: Vec<Arc<Change>> =
            world.cluster.store.changes_since(self.revision).map(|c| c.cloned().collect()).unwrap_or_default();
        self.revision = world.cluster.store.revision();
        let new = world.decisions.total() - self.decisions;
        let decisions: Vec<_> = world.decisions.share().iter().rev().take(new).rev().cloned().collect();
        self.decisions = world.decisions.total();
        let mut changes = changes.into_iter().peekable();
        for decision in decisions {
            while let Some(change) = changes.next_if(|c| c.at < decision.at) {
                self.see(&change.object, change.op, era);
            }
            let before = self.judge(decision.at, &decision.what, era);
            if before.is_empty() {
                self.note(decision.at, &decision.what, era);
                continue;
            }
            // What happened at the very instant may have come before the decision.
            while let Some(change) = changes.next_if(|c| c.at <= decision.at) {
                self.see(&change.object, change.op, era);
            }
            let after = self.judge(decision.at, &decision.what, era);
            if !after.is_empty() {
                self.broken.extend(before);
            }
            self.note(decision.at, &decision.what, era);
        }
        for change in changes {
            self.see(&change.object, change.op, era);
        }
        let new = world.logs.total() - self.logs;
        self.logs = world.logs.total();
        for line in world.logs.share().iter().rev().take(new) {
            let quiet = ["registered machine", "initialized machine"].iter().any(|m| line.message == *m);
            if era == Era::V1alpha5 && line.level == Level::Info && quiet {
                self.broken.push(format!("era A says at INFO: {}", line.text));
            }
        }
    }

    fn see(&mut self, object: &Object, op: Op, era: Era) {
        let name = object.meta.name.clone();
        let gone = op == Op::Deleted;
        match object.kind {
            kind if kind == Kind::claim(era) && gone => {
                self.claims.remove(&name);
            }
            kind if kind == Kind::claim(era) => {
                let Some(typed) = object.claim() else { return };
                let claim = self.claims.entry(name).or_default();
                claim.provider_id.clone_from(&typed.provider_id);
                claim.initialized = typed.initialized;
                claim.deleting = object.meta.is_deleting();
            }
            Kind::Node if gone => {
                self.nodes.remove(&name);
            }
            Kind::Node => {
                let id = object.node().map(|n| n.provider_id.clone()).unwrap_or_default();
                self.nodes.insert(name, id);
            }
            Kind::Pod => {
                let key = object.key().to_string();
                let Some(pod) = object.pod() else { return };
                let moves =
                    pod.is_bound() && !pod.is_daemon() && !pod.is_static() && !pod.is_terminal() && !object.meta.is_deleting();
                if moves && !gone {
                    self.pods.insert(key, pod.node_name.clone());
                } else {
                    self.pods.remove(&key);
                }
            }
            _ => {}
        }
    }

    fn claim_of(&self, node: &str) -> Option<(&String, &Claim)> {
        let id = self.nodes.get(node)?;
        self.claims.iter().find(|(_, c)| c.provider_id == *id && !id.is_empty())
    }

    /// The sentences that a decision breaks in the cluster as it is known now.
    fn judge(&self, at: SimTime, what: &What, era: Era) -> Vec<String> {
        let mut broken = Vec::new();
        match what {
            // A round never runs while a claim has no instance. Claims of one round are made at the same instant, and
            // so are those of a static pool, which no pods ask for.
            What::Launch { pods, .. } if !pods.is_empty() => {
                let open = self.claims.iter().find(|(_, c)| c.provider_id.is_empty() && !c.deleting && !c.replacement);
                if let Some((name, _)) = open {
                    broken.push(format!("at {at} a round ran while {name} had no instance"));
                }
            }
            What::Disrupt { method, action, nodes, price_before_micro, price_after_micro, .. } => {
                for node in nodes {
                    match self.claim_of(node) {
                        None => broken.push(format!("at {at} {method} took {node}, which has no claim")),
                        Some((claim, c)) if !c.initialized => {
                            broken.push(format!("at {at} {method} took {claim}, which is not initialized"));
                        }
                        Some(_) => {}
                    }
                    let occupied = self.pods.values().any(|n| n == node);
                    if matches!(*method, "emptiness" | "empty-consolidation") && occupied {
                        broken.push(format!("at {at} {method} took {node}, which has pods"));
                    }
                }
                let consolidates = matches!(*method, "multi-consolidation" | "single-consolidation");
                if consolidates && *action == "replace" && price_after_micro >= price_before_micro {
                    broken.push(format!("at {at} {method} replaces {price_before_micro} by {price_after_micro}"));
                }
                // Era A waits for its command to end.
                if let (Era::V1alpha5, Some((since, last))) = (era, &self.command) {
                    let under_way = last.iter().any(|n| self.claim_of(n).is_some_and(|(_, c)| c.deleting));
                    if under_way && at.since(*since) < COMMAND_MS - POLL_MS {
                        broken.push(format!("at {at} {method} began while the command of {since} removed {last:?}"));
                    }
                }
            }
            _ => {}
        }
        broken
    }

    fn note(&mut self, at: SimTime, what: &What, era: Era) {
        match what {
            What::Disrupt { nodes, .. } if era == Era::V1alpha5 => self.command = Some((at, nodes.clone())),
            What::Abandoned { .. } => self.command = None,
            _ => {}
        }
    }
}

/// What must hold once nothing has gone wrong for long: nothing is left over from what was given up.
pub fn leftovers(world: &World) -> Vec<String> {
    let store = &world.cluster.store;
    let era = world.cluster.profile.era;
    let mut broken = Vec::new();
    let known = |id: &str| store.list(Kind::claim(era)).any(|c| c.claim().is_some_and(|c| c.provider_id == id));
    for instance in store.list(Kind::Instance) {
        let id = instance.doc.str_at("spec.providerID").unwrap_or_default();
        let claimed = instance.doc.str_at("spec.claim").is_some_and(|c| !c.is_empty());
        let runs = matches!(instance.doc.str_at("status.state"), Some("pending" | "running"));
        if claimed && runs && !known(id) {
            broken.push(format!("instance {} is nobody's", instance.meta.name));
        }
    }
    for claim in store.list(Kind::claim(era)) {
        let name = &claim.meta.name;
        let Some(typed) = claim.claim() else { continue };
        let instance = typed.provider_id.rsplit('/').next().and_then(|id| store.cluster(Kind::Instance, id));
        if !claim.meta.is_deleting() && (!typed.launched || !typed.initialized || instance.is_none()) {
            broken.push(format!("{name} has not come up: {}", claim.doc.at("status.conditions")));
        }
        let node = store.cluster(Kind::Node, &typed.node_name);
        let disrupted =
            node.is_some_and(|n| n.node().is_some_and(|n| n.taints.iter().any(|t| t.key == "karpenter.sh/disrupted")));
        if disrupted && !claim.meta.is_deleting() && !claim.condition_is_true("DisruptionReason") {
            broken.push(format!("the node of {name} is tainted, but no command works on it"));
        }
    }
    broken
}
