//! Karpenter 1.14.1's log lines, compared with a recorded controller log. Sources: kubernetes-sigs/karpenter
//! pkg/controllers/** and aws/karpenter-provider-aws pkg/controllers/** at v1.14.1.

use super::{By, ClaimRef, Say, Worded, five, go_duration, names, quantities};
use crate::logs::Level::{Debug, Error, Info};
use objects::{Era, Value, json};

pub fn controller(by: By) -> &'static str {
    match by {
        By::Provisioner => "provisioner",
        By::Disruption => "disruption",
        By::Queue => "disruption.queue",
        By::Lifecycle | By::ClaimTermination => "nodeclaim.lifecycle",
        By::ClaimDisruption => "nodeclaim.disruption",
        By::Expiration => "nodeclaim.expiration",
        By::NodeTermination => "node.termination",
        By::Health => "node.health",
        By::StaticProvisioning => "static.provisioning",
        By::StaticDeprovisioning => "static.deprovisioning",
        By::Eviction => "eviction-queue",
        By::GarbageCollection => "nodeclaim.garbagecollection",
        By::Interruption => "interruption",
        By::Pricing => "providers.pricing",
        By::Plain => "",
    }
}

fn named(name: &str) -> Value {
    json!({"name": name})
}

/// A line about a claim that its own controller writes.
fn claim(level: crate::logs::Level, by: By, message: &str, c: &ClaimRef<'_>) -> Worded {
    let mut w = Worded::new(level, by, message);
    w.object = Some((names(Era::V1).claim.name(), c.name.to_owned()));
    w
}

fn node(message: &str, name: &str, claim: &str) -> Worded {
    let mut w = Worded::new(Info, By::NodeTermination, message);
    w.object = Some(("Node", name.to_owned()));
    if claim.is_empty() { w } else { w.field("NodeClaim", named(claim)) }
}

fn pool(by: By, message: &str, name: &str) -> Worded {
    let mut w = Worded::new(Info, by, message);
    w.object = Some(("NodePool", name.to_owned()));
    w
}

pub fn word(by: By, say: &Say<'_>) -> Option<Worded> {
    use Say::*;
    let w = match say {
        Starting { controller: by } => Worded::new(Info, By::Plain, "Starting Controller").field("controller", controller(*by)),
        Discovered { .. } => return None,
        PricesUpdated { spot: false, types, .. } => {
            Worded::new(Debug, By::Pricing, "updated on-demand pricing").field("instance-type-count", *types)
        }
        PricesUpdated { types, offerings, .. } => {
            Worded::new(Debug, By::Pricing, "updated spot pricing with instance types and offerings")
                .field("instance-type-count", *types)
                .field("offering-count", *offerings)
        }
        WaitingOnSync => Worded::new(Debug, by, "waiting on cluster sync"),
        FoundPods { pods, duration_us } => Worded::new(Info, By::Provisioner, "found provisionable pod(s)")
            .field("Pods", five(pods))
            .field("duration", micros(*duration_us)),
        ComputedNew { claims, pods } => Worded::new(Info, By::Provisioner, "computed new nodeclaim(s) to fit pod(s)")
            .field("nodeclaims", *claims)
            .field("pods", *pods),
        ComputedUnready { nodes, pods } => Worded::new(Info, By::Provisioner, "computed unready node(s) will fit pod(s)")
            .field("nodes", *nodes)
            .field("pods", *pods),
        CreatedClaim { pool, claim, requests, types } => Worded::new(Info, by, "created nodeclaim")
            .field("NodePool", named(pool))
            .field("NodeClaim", named(claim))
            .field("requests", if requests.0.is_empty() { Value::Null } else { quantities(requests) })
            .field("instance-types", five(types)),
        CannotSchedule { pod, error } => {
            let (namespace, name) = pod.split_once('/').unwrap_or(("", pod));
            Worded::new(Error, By::Provisioner, "could not schedule pod")
                .field("Pod", json!({"name": name, "namespace": namespace}))
                .field("error", *error)
        }
        Relaxed { pod, .. } => {
            Worded::new(Debug, By::Provisioner, "relaxing soft constraints for pod since it previously failed to schedule")
                .field("Pod", *pod)
        }
        IgnoringPod { pod, .. } => Worded::new(Debug, by, "ignoring pod").field("Pod", *pod),
        PreferredAntiAffinity { pods } => {
            let text = "pod(s) have a preferred Anti-Affinity which can prevent consolidation";
            Worded::new(Info, By::Provisioner, text).field("pods", five(pods))
        }
        PreferredSpread { pods } => {
            let text = "pod(s) have a preferred TopologySpreadConstraint which can prevent consolidation";
            Worded::new(Info, By::Provisioner, text).field("pods", five(pods))
        }
        NoPools => Worded::new(Info, By::Provisioner, "no dynamic nodepools found"),
        StaticProvisioning { pool: name, current, desired, count } => {
            pool(By::StaticProvisioning, "provisioning nodeclaims to satisfy replica count", name)
                .field("current", *current)
                .field("desired", *desired)
                .field("provision-count", *count)
        }
        StaticDeprovisioning { pool: name, current, desired, count } => {
            pool(By::StaticDeprovisioning, "deprovisioning nodeclaims to satisfy replica count", name)
                .field("current", *current)
                .field("desired", *desired)
                .field("deprovision-count", *count)
        }
        NodeLimitReached { pool: name } => pool(By::StaticProvisioning, "nodepool node limit reached", name),
        DeletingUnhealthy { node: n, claim } => Worded { by: By::Health, ..node("deleting unhealthy node", n, claim) },
        AnnotatedUnhealthy { node: n, claim, time } => Worded { by: By::Health, ..node("annotated nodeclaim", n, claim) }
            .field(super::super::names::TERMINATION_TIMESTAMP, *time),
        PoolNotReady { pool } => {
            Worded::new(Error, By::Provisioner, "ignoring nodepool, not ready").field("NodePool", named(pool))
        }
        LimitsExclude { pool, .. } => {
            Worded::new(Debug, By::Provisioner, "instance type(s) were excluded because they would breach limits")
                .field("NodePool", named(pool))
        }
        CannotCreate { error } => Worded::new(Error, by, "failed creating nodeclaim").field("error", *error),
        Launched { claim: c, instance_type, zone, capacity_type, allocatable } => {
            claim(Info, By::Lifecycle, "launched nodeclaim", c)
                .field("provider-id", c.provider_id)
                .field("instance-type", *instance_type)
                .field("zone", *zone)
                .field("capacity-type", *capacity_type)
                .field("allocatable", quantities(allocatable))
        }
        LaunchFailed { claim: c, error } => claim(Error, By::Lifecycle, "failed launching nodeclaim", c).field("error", *error),
        ReconcilerError { claim: c, error } => claim(Error, By::Lifecycle, "Reconciler error", c).field("error", *error),
        NotFlexible { claim: c, .. } => claim(Debug, By::Lifecycle, "failed while checking on-demand fallback", c),
        RemovingOffering { claim: c, .. } => claim(Debug, By::Lifecycle, "removing offering from offerings", c),
        Registered { claim: c } => {
            claim(Info, By::Lifecycle, "registered nodeclaim", c).field("provider-id", c.provider_id).field("Node", named(c.node))
        }
        Initialized { claim: c, allocatable } => {
            let w = claim(Info, By::Lifecycle, "initialized nodeclaim", c).field("provider-id", c.provider_id);
            let w = if c.node.is_empty() { w } else { w.field("Node", named(c.node)) };
            w.field("allocatable", quantities(allocatable))
        }
        Timeout { claim: c, reason, timeout_ms } => claim(Debug, By::Lifecycle, "terminating due to timeout", c)
            .field("timeout", go_duration(*timeout_ms))
            .field("reason", *reason),
        // Said at DEBUG, which is hidden.
        MarkingDrifted { .. } | NotDrifted { .. } | CannotTerminate { .. } => return None,
        MarkingEmpty { .. } | NotEmpty { .. } | MarkingExpired { .. } | TriggeringExpiration { .. } => return None,
        MarkingConsolidatable { claim: c } => claim(Debug, By::ClaimDisruption, "marking consolidatable", c),
        NotConsolidatable { claim: c, why } => {
            claim(Debug, By::ClaimDisruption, "removing consolidatable status condition", c).field("reason", *why)
        }
        Disrupting { command, decision, nodes, replacements, pods, .. } => {
            let disrupted: Vec<Value> = nodes
                .iter()
                .map(|n| {
                    json!({"Node": named(&n.node), "NodeClaim": named(&n.claim),
                           "capacity-type": n.capacity_type, "instance-type": n.instance_type})
                })
                .collect();
            let new: Vec<Value> =
                replacements.iter().map(|(ct, types)| json!({"capacity-type": ct, "instance-types": types})).collect();
            Worded::new(Info, By::Disruption, "disrupting node(s)")
                .field("command", *command)
                .field("decision", *decision)
                .field("disrupted-node-count", nodes.len())
                .field("replacement-node-count", replacements.len())
                .field("pod-count", *pods)
                .field("disrupted-nodes", disrupted)
                .field("replacement-nodes", new)
        }
        Abandoned { text, .. } => {
            let text = format!("abandoning {text} consolidation attempt due to pod churn, command is no longer valid");
            Worded::new(Debug, By::Disruption, text)
        }
        DisruptionFailed { error } => Worded::new(Error, By::Disruption, "Reconciler error").field("error", *error),
        BudgetErrors { error } => Worded::new(Error, By::Disruption, "detected disruption budget errors").field("error", *error),
        QueueFailed { error } => {
            Worded::new(Error, By::Queue, "failed terminating nodes while executing a disruption command").field("error", *error)
        }
        WaitingOnDeletion { .. } => return None,
        Cordoned { node: n, claim } => node("tainted node", n, claim)
            .field("taint.Key", super::super::names::DISRUPTED)
            .field("taint.Value", "")
            .field("taint.Effect", "NoSchedule"),
        DeletedNode { node: n, claim } => node("deleted node", n, claim),
        EvictionFailed { error } => Worded::new(Error, By::Eviction, "Reconciler error").field("error", *error),
        DeletedClaim { claim: c } => {
            let w = claim(Info, By::Lifecycle, "deleted nodeclaim", c);
            let w = if c.provider_id.is_empty() { w } else { w.field("provider-id", c.provider_id) };
            if c.node.is_empty() { w } else { w.field("Node", named(c.node)) }
        }
        Annotated { claim: c, time } => {
            let w = claim(Info, By::Lifecycle, "annotated nodeclaim", c).field("provider-id", c.provider_id);
            let w = if c.node.is_empty() { w } else { w.field("Node", named(c.node)) };
            w.field(super::super::names::TERMINATION_TIMESTAMP, *time)
        }
        Garbage { claim: c } => {
            claim(Debug, By::GarbageCollection, "garbage collecting nodeclaim with no cloudprovider representation", c)
        }
        GarbageInstance { provider_id } => Worded::new(Debug, By::GarbageCollection, "garbage collected cloudprovider instance")
            .field("provider-id", *provider_id),
        Expiring { claim: c } => claim(Debug, By::Expiration, "deleting expired nodeclaim", c),
        Interrupted { queue, kind, claim, action, node } => {
            let w = Worded::new(Info, By::Interruption, "initiating delete from interruption message");
            // Status checks come from no queue.
            let w = if queue.is_empty() || *action != "CordonAndDrain" { w } else { w.field("queue", *queue) };
            let w = w.field("messageKind", *kind).field("NodeClaim", named(claim)).field("action", *action);
            if node.is_empty() { w } else { w.field("Node", named(node)) }
        }
    };
    Some(w)
}

/// Microseconds as Go prints a duration below a second: `1.714ms`, `870µs`.
fn micros(us: u64) -> String {
    if us < 1000 {
        return format!("{us}µs");
    }
    let fraction = format!(".{:03}", us % 1000);
    format!("{}{}ms", us / 1000, fraction.trim_end_matches('0').trim_end_matches('.'))
}
