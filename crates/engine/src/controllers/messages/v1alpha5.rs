//! Karpenter 0.29.2's log lines. Sources: kubernetes-sigs/karpenter pkg/controllers/** and aws/karpenter pkg/** at
//! v0.29.2: every Info, Debug, Warn and Error call. Field order is the order of the `With` calls.

use super::{By, ClaimRef, Say, Worded, five, go_duration, quantities};
use crate::logs::Level::{Debug, Error, Info, Warn};

pub fn logger(by: By) -> String {
    let name = match by {
        By::Provisioner => "provisioner",
        By::Disruption | By::Queue => "deprovisioning",
        By::Lifecycle => "machine.lifecycle",
        By::ClaimDisruption | By::Expiration | By::Health | By::StaticProvisioning | By::StaticDeprovisioning => {
            "machine.disruption"
        }
        By::NodeTermination => "termination",
        By::Eviction => "eviction",
        By::ClaimTermination => "machine.termination",
        By::GarbageCollection => "machine.garbagecollection",
        By::Interruption => "interruption",
        By::Pricing => "pricing",
        By::Plain => return "controller".to_owned(),
    };
    format!("controller.{name}")
}

/// `machine` and `provisioner`, as every line of the machine controllers begins.
fn machine(w: Worded, claim: &ClaimRef<'_>) -> Worded {
    w.field("machine", claim.name).field("provisioner", claim.pool)
}

pub fn word(by: By, say: &Say<'_>) -> Option<Worded> {
    use Say::*;
    let w = match say {
        Starting { controller } => Worded::new(Info, *controller, "starting controller"),
        Discovered { message, field, value } => Worded::new(Debug, By::Plain, *message).field(field, *value),
        PricesUpdated { spot: false, types, .. } => {
            Worded::new(Info, By::Pricing, "updated on-demand pricing").field("instance-type-count", *types)
        }
        PricesUpdated { types, offerings, .. } => {
            Worded::new(Info, By::Pricing, "updated spot pricing with instance types and offerings")
                .field("instance-type-count", *types)
                .field("offering-count", *offerings)
        }
        WaitingOnSync => Worded::new(Debug, by, "waiting on cluster sync"),
        FoundPods { pods, .. } => Worded::new(Info, By::Provisioner, "found provisionable pod(s)").field("pods", pods.len()),
        ComputedNew { claims, pods } => Worded::new(Info, By::Provisioner, "computed new machine(s) to fit pod(s)")
            .field("machines", *claims)
            .field("pods", *pods),
        ComputedUnready { nodes, pods } => {
            Worded::new(Info, By::Provisioner, format!("computed {nodes} unready node(s) will fit {pods} pod(s)"))
        }
        CreatedClaim { pool, requests, types, .. } => Worded::new(Info, by, "created machine")
            .field("provisioner", *pool)
            .field("requests", quantities(requests))
            .field("instance-types", five(types)),
        CannotSchedule { pod, error } => {
            Worded::new(Error, By::Provisioner, format!("Could not schedule pod, {error}")).field("pod", *pod)
        }
        Relaxed { pod, text } => {
            let text = format!("relaxing soft constraints for pod since it previously failed to schedule, {text}");
            Worded::new(Debug, By::Provisioner, text).field("pod", *pod)
        }
        IgnoringPod { pod, error } => Worded::new(Debug, by, format!("ignoring pod, {error}")).field("pod", *pod),
        PreferredAntiAffinity { pods } => {
            let text = format!("pod {} has a preferred Anti-Affinity which can prevent consolidation", five(pods));
            Worded::new(Info, By::Provisioner, text)
        }
        PreferredSpread { pods } => {
            let text = format!("pod {} has a preferred TopologySpreadConstraint which can prevent consolidation", five(pods));
            Worded::new(Info, By::Provisioner, text)
        }
        NoPools => Worded::new(Error, By::Provisioner, "creating scheduler, no provisioners found"),
        PoolNotReady { .. }
        | StaticProvisioning { .. }
        | StaticDeprovisioning { .. }
        | NodeLimitReached { .. }
        | DeletingUnhealthy { .. }
        | AnnotatedUnhealthy { .. } => return None,
        LimitsExclude { pool, excluded, of } => {
            let text =
                format!("{excluded} out of {of} instance types were excluded because they would breach provisioner limits");
            Worded::new(Debug, By::Provisioner, text).field("provisioner", *pool)
        }
        CannotCreate { error } => Worded::new(Error, by, format!("launching machine, {error}")),
        Launched { claim, instance_type, zone, capacity_type, allocatable } => {
            machine(Worded::new(Info, By::Lifecycle, "launched machine"), claim)
                .field("provider-id", claim.provider_id)
                .field("instance-type", *instance_type)
                .field("zone", *zone)
                .field("capacity-type", *capacity_type)
                .field("allocatable", quantities(allocatable))
        }
        LaunchFailed { claim, error } => machine(Worded::new(Error, By::Lifecycle, *error), claim),
        ReconcilerError { claim, error } => Worded::new(Error, By::Plain, "Reconciler error")
            .field("controller", "machine.lifecycle")
            .field("controllerGroup", "karpenter.sh")
            .field("controllerKind", "Machine")
            .field("Machine", objects::json!({"name": claim.name}))
            .field("namespace", "")
            .field("name", claim.name)
            .field("error", *error),
        NotFlexible { claim, types } => {
            let text = format!(
                "at least 5 instance types are recommended when flexible to spot but requesting on-demand, \
                 the current provisioning request only has {types} instance type options"
            );
            machine(Worded::new(Warn, By::Lifecycle, text), claim)
        }
        RemovingOffering { claim, reason, instance_type, zone, capacity_type } => {
            machine(Worded::new(Debug, By::Lifecycle, "removing offering from offerings"), claim)
                .field("reason", *reason)
                .field("instance-type", *instance_type)
                .field("zone", *zone)
                .field("capacity-type", *capacity_type)
                .field("ttl", "3m0s")
        }
        Registered { claim } => machine(Worded::new(Debug, By::Lifecycle, "registered machine"), claim)
            .field("provider-id", claim.provider_id)
            .field("node", claim.node),
        Initialized { claim, .. } => machine(Worded::new(Debug, By::Lifecycle, "initialized machine"), claim)
            .field("provider-id", claim.provider_id)
            .field("node", claim.node),
        Timeout { claim, timeout_ms, .. } => {
            machine(Worded::new(Debug, By::Lifecycle, "terminating machine due to registration ttl"), claim)
                .field("ttl", go_duration(*timeout_ms))
        }
        MarkingEmpty { claim } => machine(Worded::new(Debug, By::ClaimDisruption, "marking machine as empty"), claim),
        NotEmpty { claim, why } => {
            let text = format!("removing emptiness status condition from {why}");
            machine(Worded::new(Debug, By::ClaimDisruption, text), claim)
        }
        MarkingExpired { claim } => machine(Worded::new(Debug, By::ClaimDisruption, "marking machine as expired"), claim),
        MarkingDrifted { claim } => machine(Worded::new(Debug, By::ClaimDisruption, "marking machine as drifted"), claim),
        NotDrifted { claim, why } => machine(Worded::new(Debug, By::ClaimDisruption, format!("removing {why}")), claim),
        CannotTerminate { claim, what, error } => {
            let text = format!("cannot terminate {what} machine since scheduling simulation failed to schedule all pods {error}");
            Worded::new(Debug, By::Disruption, text).field("machine", claim.name).field("node", claim.node)
        }
        MarkingConsolidatable { .. } | NotConsolidatable { .. } => return None,
        Disrupting { method, command, .. } => Worded::new(Info, By::Disruption, format!("deprovisioning via {method} {command}")),
        TriggeringExpiration { ttl_ms, delay_ms } => {
            Worded::new(Info, By::Disruption, "triggering termination for expired node after TTL")
                .field("ttl", go_duration(*ttl_ms))
                .field("delay", go_duration(*delay_ms))
        }
        Abandoned { text, command } => Worded::new(
            Debug,
            By::Disruption,
            format!("abandoning {text} consolidation attempt due to pod churn, command is no longer valid, {command}"),
        ),
        DisruptionFailed { error } => Worded::new(Error, By::Disruption, *error),
        BudgetErrors { .. } | QueueFailed { .. } => return None,
        WaitingOnDeletion { error } => Worded::new(Error, By::Disruption, format!("Waiting on machine deletion, {error}")),
        Cordoned { node, .. } => Worded::new(Info, By::NodeTermination, "cordoned node").field("node", *node),
        DeletedNode { node, .. } => Worded::new(Info, By::NodeTermination, "deleted node").field("node", *node),
        EvictionFailed { error } => Worded::new(Error, By::Eviction, format!("evicting pod, {error}")),
        DeletedClaim { claim } => Worded::new(Info, By::ClaimTermination, "deleted machine")
            .field("machine", claim.name)
            .field("node", claim.node)
            .field("provisioner", claim.pool)
            .field("provider-id", claim.provider_id),
        Annotated { .. } | Expiring { .. } => return None,
        Garbage { claim } => {
            Worded::new(Debug, By::GarbageCollection, "garbage collecting machine with no cloudprovider representation")
                .field("provisioner", claim.pool)
                .field("machine", claim.name)
                .field("provider-id", claim.provider_id)
        }
        GarbageInstance { provider_id } => Worded::new(Debug, By::GarbageCollection, "garbage collected cloudprovider machine")
            .field("provider-id", *provider_id),
        Interrupted { queue, kind, claim, action, node } => {
            Worded::new(Info, By::Interruption, "initiating delete for machine from interruption message")
                .field("queue", *queue)
                .field("messageKind", *kind)
                .field("machine", *claim)
                .field("action", *action)
                .field("node", *node)
        }
    };
    Some(w)
}
