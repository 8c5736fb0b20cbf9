//! What a decision and a write count.

use super::super::wire::Known;
use super::*;
use crate::actor::{Action, Intent};
use crate::controllers::{CAPACITY_TYPE, FINALIZER, Names, ZONE};
use crate::decisions::{Decision, What};
use crate::store::Store;
use objects::collections::VecSet;
use objects::time::parse_rfc3339;
use objects::{DocExt, Kind, Value};

const RELAXED: &str = "karpenter.sh/nodeclaim-min-values-relaxed";
/// The reason of claims that pods have asked for.
const PROVISIONED: &str = "provisioned";

/// Reason and consolidation type of a method of disruption.
fn method(id: &str) -> (&'static str, &'static str) {
    match id {
        "emptiness" | "empty-consolidation" => ("empty", "empty"),
        "multi-consolidation" => ("underutilized", "multi"),
        "single-consolidation" => ("underutilized", "single"),
        "expiration" => ("expired", ""),
        _ => ("drifted", ""),
    }
}

impl Metrics {
    /// Counts a decision. Gives the reason of the claims that are made for it, where it is one of disruption.
    pub(in crate::cluster::act) fn decided(&self, decision: &Decision, store: &Store, names: &Names) -> Option<&'static str> {
        let What::Disrupt { method: id, action, nodes, .. } = &decision.what else { return None };
        let (reason, kind) = method(id);
        self.inc(&DECISIONS, &[action, reason, kind]);
        let pool = |name: &String| store.cluster(Kind::Node, name)?.meta.labels.get(names.pool_label).cloned();
        let pools: VecSet<String> = nodes.iter().filter_map(pool).collect();
        pools.iter().for_each(|pool| self.inc(&DECISIONS_BY_POOL, &[pool, action, reason, kind]));
        Some(reason)
    }

    /// Counts a write that was done. `known` is its object before, `reason` that of the disruption that it is part of.
    pub(in crate::cluster::act) fn written(
        &self,
        intent: &Intent,
        known: Option<&Known>,
        names: &Names,
        reason: Option<&str>,
        now_ms: i64,
    ) {
        let before = known.map_or(&Value::Null, |k| &k.doc);
        match &intent.action {
            Action::Create(doc) if doc.str_at("kind") == Some(names.claim.name()) => {
                let relaxed = doc.at("metadata.annotations").field(RELAXED).as_str().unwrap_or("false");
                self.inc(&CLAIMS_CREATED, &[reason.unwrap_or(PROVISIONED), label(doc, names.pool_label), relaxed]);
            }
            Action::Delete { key, .. } if key.kind == names.claim => {
                if let Some(reason) = disrupted(before, &intent.why, reason, names) {
                    self.inc(&CLAIMS_DISRUPTED, &[&reason, label(before, names.pool_label), label(before, CAPACITY_TYPE)]);
                }
            }
            Action::Patch { key, patch } if key.kind == names.claim => self.claim(before, patch, names, now_ms),
            Action::Patch { key, patch } if key.kind == Kind::Node && finalized(before, patch) => {
                let pool = label(before, names.pool_label);
                self.inc(&NODES_TERMINATED, &[pool, label(before, ZONE)]);
                self.observe_seconds(&NODE_LIFETIME, &[pool], age_ms(before, "metadata.creationTimestamp", now_ms));
            }
            _ => {}
        }
    }

    fn claim(&self, before: &Value, patch: &Value, names: &Names, now_ms: i64) {
        let pool = label(before, names.pool_label);
        let becomes = |kind: &str| is_true(patch, kind) && !is_true(before, kind);
        if becomes(names.registered) {
            self.inc(&NODES_CREATED, &[pool, label(before, ZONE)]);
        }
        if becomes("Drained") {
            self.inc(&NODES_DRAINED, &[pool]);
        }
        if finalized(before, patch) {
            self.inc(&CLAIMS_TERMINATED, &[pool, label(before, CAPACITY_TYPE), label(before, ZONE)]);
            self.observe_seconds(&CLAIM_TERMINATION, &[pool], age_ms(before, "metadata.deletionTimestamp", now_ms));
        }
    }

    /// Counts an answer of the Eviction API: 200 where it said yes, as Karpenter has it.
    pub(in crate::cluster::act) fn asked_to_evict(&self, code: u16) {
        self.inc(&EVICTIONS, &[&code.to_string()]);
    }

    /// Counts a pod that was told to go; its event says why.
    pub(in crate::cluster::act) fn evicted(&self, message: &str) {
        self.inc(&PODS_DRAINED, &[message.strip_prefix("Evicted pod: ").unwrap_or_default()]);
    }
}

fn label<'d>(doc: &'d Value, key: &str) -> &'d str {
    doc.at("metadata.labels").field(key).as_str().unwrap_or_default()
}

fn is_true(doc: &Value, kind: &str) -> bool {
    let conditions = doc.list_at("status.conditions");
    conditions.iter().any(|c| c.str_at("type") == Some(kind) && c.str_at("status") == Some("True"))
}

/// Why the nodes of a command go that is carried out among the intents, as its events tell.
pub fn terminating(intents: &[Intent]) -> Option<&str> {
    intents.iter().find_map(|intent| match &intent.action {
        Action::Event(note) if note.reason == "DisruptionTerminating" => note.message.rsplit(": ").next(),
        _ => None,
    })
}

/// Whether the patch takes Karpenter's finalizer away.
fn finalized(before: &Value, patch: &Value) -> bool {
    let has = |doc: &Value| doc.list_at("metadata.finalizers").iter().any(|f| f.as_str() == Some(FINALIZER));
    patch.at("metadata").as_object().is_some_and(|m| m.contains_key("finalizers")) && has(before) && !has(patch)
}

fn age_ms(doc: &Value, since: &str, now_ms: i64) -> i64 {
    let since = doc.str_at(since).and_then(parse_rfc3339).unwrap_or(now_ms);
    now_ms.saturating_sub(since).max(0)
}

/// Why a claim is deleted, in the words of the counter; `None` where Karpenter does not count it: claims that others have asked
/// to go, and those of a static pool with too many.
fn disrupted(claim: &Value, why: &str, reason: Option<&str>, names: &Names) -> Option<String> {
    let reason = match why {
        "disruption command" => reason?,
        "the claim has expired" => "expired",
        "the node is unhealthy" => "unhealthy",
        "its instance no longer exists" => "garbage_collected",
        "nothing can be launched for the claim" => "insufficient_capacity",
        "the claim did not come up in time" if is_true(claim, names.launched) => "registration_timeout",
        "the claim did not come up in time" => "launch_timeout",
        other => match other.strip_prefix("deprovisioning via ")? {
            "emptiness" => "empty",
            "expiration" => "expired",
            "drift" => "drifted",
            _ => "underutilized",
        },
    };
    Some(reason.to_lowercase())
}
