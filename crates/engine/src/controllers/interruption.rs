//! Interruption: the cloud's notices about instances, read from a queue where one is configured, and in 1.14 failed status
//! checks, read from the cloud itself. A notice that an instance will go deletes its claim; what its pods need comes from
//! the next provisioning round, not from here. Source: aws/karpenter-provider-aws pkg/controllers/interruption/** and
//! pkg/providers/instancestatus v0.29.2 and v1.14.1.

use super::context::{Cx, DEDUPE_MS};
use super::messages::Say;
use super::names::{SPOT, TERMINATION_TIMESTAMP};
use super::state::State;
use crate::SimTime;
use crate::actor::View;
use crate::store::Change;
use objects::{DocExt, Era, Kind, Object, ObjectKey, json};

/// What a notice is about. An `Instance` carries the time of each in `status.notices`, a spot interruption in
/// `status.interruption`; changes of its state are notices too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Notice {
    SpotInterruption,
    Rebalance,
    ScheduledChange,
    Stopped,
    Terminated,
    /// Failed status checks (1.14): of the instance, and of the host below it.
    InstanceStatus,
    SystemStatus,
}

/// Through the event bus and the queue into the controller.
const BUS_MS: u64 = 1_000;
/// Status checks are asked for every minute, and believed when they have failed for two.
const STATUS_PERIOD_MS: u64 = 60_000;
const STATUS_FAILED_MS: u64 = 120_000;

impl Notice {
    const ALL: [Notice; 7] = [
        Notice::SpotInterruption,
        Notice::Rebalance,
        Notice::ScheduledChange,
        Notice::Stopped,
        Notice::Terminated,
        Notice::InstanceStatus,
        Notice::SystemStatus,
    ];

    fn is_on(self, instance: &Object) -> bool {
        let noted = |name: &str| !instance.doc.at("status.notices").field(name).is_null();
        let state = instance.doc.str_at("status.state").unwrap_or_default();
        match self {
            Notice::SpotInterruption => instance.doc.at("status.interruption").is_object(),
            Notice::Rebalance => noted("rebalance"),
            Notice::ScheduledChange => noted("scheduled-change"),
            Notice::Stopped => matches!(state, "stopping" | "stopped"),
            Notice::Terminated => matches!(state, "shutting-down" | "terminated"),
            Notice::InstanceStatus => noted("instance-status"),
            Notice::SystemStatus => noted("system-status"),
        }
    }

    fn is_status_check(self) -> bool {
        matches!(self, Notice::InstanceStatus | Notice::SystemStatus)
    }

    /// As the log names it.
    pub fn kind(self, era: Era) -> &'static str {
        match (self, era) {
            (Notice::SpotInterruption, Era::V1alpha5) => "SpotInterruptionKind",
            (Notice::Rebalance, Era::V1alpha5) => "RebalanceRecommendationKind",
            (Notice::ScheduledChange, Era::V1alpha5) => "ScheduledChangeKind",
            (_, Era::V1alpha5) => "StateChangeKind",
            (Notice::SpotInterruption, _) => "spot_interrupted",
            (Notice::Rebalance, _) => "rebalance_recommendation",
            (Notice::ScheduledChange, _) => "scheduled_change",
            (Notice::Stopped, _) => "instance_stopped",
            (Notice::Terminated, _) => "instance_terminated",
            (Notice::InstanceStatus, _) => "instance_status",
            (Notice::SystemStatus, _) => "system_status",
        }
    }

    /// The event's reason and message about `noun`, whether it warns.
    fn event(self, era: Era, noun: &str) -> (&'static str, String, bool) {
        let old = era == Era::V1alpha5;
        let is = |word: &str| if old { format!("{noun} is {word}") } else { format!("Instance is {word}") };
        let of = |a: &str, what: &str, end: &str| match old {
            true => format!("{a} {what} was triggered for the {}", noun.to_lowercase()),
            false => format!(
                "{}{} was triggered{end}",
                what.get(..1).unwrap_or_default().to_uppercase(),
                what.get(1..).unwrap_or_default()
            ),
        };
        match self {
            Notice::SpotInterruption => ("SpotInterrupted", of("A", "spot interruption warning", ""), true),
            Notice::Rebalance => ("SpotRebalanceRecommendation", of("A", "spot rebalance recommendation", ""), false),
            Notice::Stopped => (if old { "Stopping" } else { "InstanceStopping" }, is("stopping"), true),
            Notice::Terminated => (if old { "Terminating" } else { "InstanceTerminating" }, is("terminating"), true),
            _ if old => ("Unhealthy", of("An", "unhealthy warning", ""), true),
            _ => ("InstanceUnhealthy", "An unhealthy warning was triggered for the instance".to_owned(), true),
        }
    }
}

/// The notices that a change of an instance brings, and when the controller reads them.
pub fn noticed(change: &Change, view: &View<'_>) -> Vec<(Notice, SimTime)> {
    let era = view.era();
    let new = |n: &Notice| n.is_on(&change.object) && !change.old.as_deref().is_some_and(|o| n.is_on(o));
    let known = |n: &Notice| era == Era::V1 || !n.is_status_check();
    let read = |n: Notice| match n {
        Notice::InstanceStatus | Notice::SystemStatus => {
            let phase = view.stream("status-poll", "phase").below(STATUS_PERIOD_MS);
            let believed = (change.at + STATUS_FAILED_MS).ms();
            SimTime((believed - phase.min(believed)).div_ceil(STATUS_PERIOD_MS) * STATUS_PERIOD_MS + phase)
        }
        Notice::SpotInterruption => change.at + super::WATCH_MS,
        _ => change.at + BUS_MS,
    };
    Notice::ALL.into_iter().filter(new).filter(known).map(|n| (n, read(n))).collect()
}

pub fn reconcile(name: &str, notice: Notice, state: &mut State, cx: &mut Cx<'_, '_>) -> Option<SimTime> {
    let era = cx.era();
    let queue = super::settings::interruption_queue(cx.view);
    if queue.is_none() && !notice.is_status_check() {
        return None;
    }
    let of_instance = |id: &str| id.rsplit('/').next() == Some(name);
    let claim = cx.view.store.list(cx.names.claim).find(|c| c.claim().is_some_and(|c| of_instance(&c.provider_id)))?.clone();
    let node = cx.view.store.list(Kind::Node).find(|n| n.node().is_some_and(|n| of_instance(&n.provider_id)));
    let node_name = node.map_or("", |n| n.meta.name.as_str());
    let mut about: Vec<ObjectKey> = node.map(|n| n.key()).into_iter().collect();
    about.push(claim.key());
    for key in &about {
        let (reason, text, warning) = notice.event(era, key.kind.name());
        tell(key, warning, reason, &text, cx);
    }
    if notice == Notice::SpotInterruption {
        let label = |key: &str| claim.meta.labels.get(key).map_or("", String::as_str);
        let (instance_type, zone) = (label(super::names::INSTANCE_TYPE), label(super::names::ZONE));
        if !instance_type.is_empty() && !zone.is_empty() {
            state.set_unavailable(SPOT, instance_type, zone, cx.view.now);
        }
    }
    if notice == Notice::Rebalance {
        return None;
    }
    let forced = notice.is_status_check();
    if forced && !claim.meta.annotations.contains_key(TERMINATION_TIMESTAMP) {
        let time = cx.view.timestamp();
        cx.patch(
            claim.key(),
            json!({"metadata": {"annotations": {TERMINATION_TIMESTAMP: time}}}),
            "a broken instance goes by force",
        );
    }
    if claim.meta.is_deleting() {
        return None;
    }
    for key in &about {
        let noun = key.kind.name();
        let noun = if era == Era::V1alpha5 { noun.to_lowercase() } else { noun.to_owned() };
        tell(key, true, "TerminatingOnInterruption", &format!("Interruption triggered termination for the {noun}"), cx);
    }
    cx.delete(claim.key(), "the cloud takes its instance away");
    let action = if forced { "ForcefulTermination" } else { "CordonAndDrain" };
    cx.log(Say::Interrupted {
        queue: queue.unwrap_or_default(),
        kind: notice.kind(era),
        claim: &claim.meta.name,
        action,
        node: node_name,
    });
    None
}

/// 0.29 puts the object in front of its words: `Machine default-x event: ...`.
fn tell(about: &ObjectKey, warning: bool, reason: &str, text: &str, cx: &mut Cx<'_, '_>) {
    let message = match cx.era() {
        Era::V1alpha5 => format!("{} {} event: {text}", about.kind.name(), about.name),
        Era::V1 => text.to_owned(),
    };
    cx.event_with(about.clone(), warning, reason, message, DEDUPE_MS);
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use objects::{Era, Kind, Value, json};

    const ID: &str = "i-0a1b2c3d4e5f60718";

    fn lab(era: Era, queue: bool) -> Lab {
        let pool = match era {
            Era::V1alpha5 => json!({"providerRef": {"name": "default"}}),
            Era::V1 => json!({"disruption": {"consolidateAfter": "Never"}, "template": {"spec": {
                "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "default"}}}}),
        };
        let name = if era == Era::V1 { "INTERRUPTION_QUEUE" } else { "aws.interruptionQueueName" };
        Lab::one_node(era, &[(name, if queue { "myeks" } else { "" })], pool, json!({}))
    }

    /// What a notice does: the log line's kind and action, or `None` where nothing is deleted, and the node's event.
    fn check(era: Era, status: Value, wait_ms: u64, want: Option<(&str, &str)>, event: &str) {
        let mut lab = lab(era, true);
        lab.patch(Kind::Instance, ID, json!({"status": status}));
        lab.run(wait_ms);
        let line = match (era, want) {
            (_, None) => "initiating delete".to_owned(),
            (Era::V1alpha5, Some((kind, action))) => format!(
                "INFO controller.interruption initiating delete for machine from interruption message {{\"commit\": \"34d50bf-dirty\", \
                 \"queue\": \"myeks\", \"messageKind\": \"{kind}\", \"machine\": \"default-7xk4p\", \
                 \"action\": \"{action}\", \"node\": \"{NODE}\"}}"
            ),
            (Era::V1, Some((kind, action))) => format!(
                "\"messageKind\":\"{kind}\",\"NodeClaim\":{{\"name\":\"default-7xk4p\"}},\"action\":\"{action}\",\"Node\":{{\"name\":\"{NODE}\"}}}}"
            ),
        };
        assert_eq!(lab.log_text().contains(&line), want.is_some(), "{line}\n{}", lab.log_text());
        assert!(lab.said(event), "{event}\n{:?}", lab.events);
        assert_eq!(lab.claim().is_none_or(|c| c.meta.is_deleting()), want.is_some());
        let about = if era == Era::V1 { "for the Node" } else { "for the node" };
        assert_eq!(
            lab.events.iter().any(|e| e.starts_with("Node TerminatingOnInterruption") && e.ends_with(about)),
            want.is_some()
        );
    }

    #[test]
    fn messages_of_0_29() {
        let drain = |kind: &'static str| Some((kind, "CordonAndDrain"));
        let event = |reason: &str, words: &str| format!("Node {reason}: Node {NODE} event: {words}");
        let a = Era::V1alpha5;
        check(
            a,
            json!({"interruption": {"action": "terminate"}}),
            900,
            drain("SpotInterruptionKind"),
            &event("SpotInterrupted", "A spot interruption warning was triggered for the node"),
        );
        check(
            a,
            json!({"notices": {"rebalance": 1}}),
            9_000,
            None,
            &event("SpotRebalanceRecommendation", "A spot rebalance recommendation was triggered for the node"),
        );
        check(
            a,
            json!({"notices": {"scheduled-change": 1}}),
            2_000,
            drain("ScheduledChangeKind"),
            &event("Unhealthy", "An unhealthy warning was triggered for the node"),
        );
        check(a, json!({"state": "stopping"}), 2_000, drain("StateChangeKind"), &event("Stopping", "Node is stopping"));
        check(
            a,
            json!({"state": "shutting-down"}),
            2_000,
            drain("StateChangeKind"),
            &event("Terminating", "Node is terminating"),
        );
    }

    #[test]
    fn messages_of_1_14() {
        let drain = |kind: &'static str| Some((kind, "CordonAndDrain"));
        let b = Era::V1;
        check(
            b,
            json!({"interruption": {"action": "terminate"}}),
            900,
            drain("spot_interrupted"),
            "Node SpotInterrupted: Spot interruption warning was triggered",
        );
        check(
            b,
            json!({"notices": {"rebalance": 1}}),
            9_000,
            None,
            "Node SpotRebalanceRecommendation: Spot rebalance recommendation was triggered",
        );
        check(
            b,
            json!({"notices": {"scheduled-change": 1}}),
            2_000,
            drain("scheduled_change"),
            "NodeClaim InstanceUnhealthy: An unhealthy warning was triggered for the instance",
        );
        check(
            b,
            json!({"state": "stopped"}),
            2_000,
            drain("instance_stopped"),
            "NodeClaim InstanceStopping: Instance is stopping",
        );
        check(
            b,
            json!({"state": "terminated"}),
            2_000,
            drain("instance_terminated"),
            "NodeClaim InstanceTerminating: Instance is terminating",
        );
        for (notice, kind) in [("instance-status", "instance_status"), ("system-status", "system_status")] {
            // Two minutes of failure, and the next of the minutely looks.
            check(
                b,
                json!({"notices": {notice: 1}}),
                181_000,
                Some((kind, "ForcefulTermination")),
                "NodeClaim InstanceUnhealthy: An unhealthy warning was triggered for the instance",
            );
        }
    }

    #[test]
    fn a_failed_check_is_believed_after_two_minutes() {
        let mut lab = lab(Era::V1, false);
        lab.patch(Kind::Instance, ID, json!({"status": {"notices": {"system-status": 1}}}));
        lab.run(119_000);
        assert!(lab.claim().is_some_and(|c| !c.meta.is_deleting()));
        lab.run(62_000);
        assert!(lab.claim().is_none_or(|c| c.meta.annotations.contains_key("karpenter.sh/nodeclaim-termination-timestamp")));
        assert!(lab.log_text().contains("ForcefulTermination"), "status checks need no queue: {}", lab.log_text());
    }

    #[test]
    fn without_a_queue_nobody_reads_notices() {
        for era in [Era::V1alpha5, Era::V1] {
            let mut lab = lab(era, false);
            lab.patch(
                Kind::Instance,
                ID,
                json!({"status": {"interruption": {"action": "terminate"}, "notices": {"scheduled-change": 1}}}),
            );
            lab.run(10_000);
            assert!(lab.claim().is_some_and(|c| !c.meta.is_deleting()) && !lab.log_text().contains("interruption"));
        }
    }

    /// The offering of a spot instance that is taken back is out for three minutes.
    #[test]
    fn a_spot_notice_takes_the_offering_out() {
        let mut lab = lab(Era::V1, true);
        let offering = ("spot".to_owned(), "m5.xlarge".to_owned(), "ap-northeast-2a".to_owned());
        lab.patch(Kind::Instance, ID, json!({"status": {"interruption": {"action": "terminate"}}}));
        lab.run(1_000);
        assert!(lab.karpenter.state.unavailable(lab.now).contains(&offering));
        lab.run(180_000);
        assert!(!lab.karpenter.state.unavailable(lab.now).contains(&offering));
    }
}
