//! Interruption: the cloud's notices, read from a queue where one is configured. A spot notice takes the offering out for
//! three minutes and deletes the claim; the replacement comes from the next provisioning round, not from here.
//! Source: aws/karpenter-provider-aws pkg/controllers/interruption/{controller,events}.go v0.29.2 and v1.14.1.

use super::context::Cx;
use super::messages::Say;
use super::state::{State, claim_of};
use crate::SimTime;
use crate::store::Change;
use objects::{DocExt, Era, Kind, Object, ObjectKey};

/// Whether this change of an instance is one that the queue carries a message about.
pub fn noticed(change: &Change) -> bool {
    let notice = |o: &Object| o.doc.at("status.interruption").is_object();
    notice(&change.object) && !change.old.as_deref().is_some_and(notice)
}

pub fn reconcile(name: &str, state: &mut State, cx: &mut Cx<'_, '_>) -> Option<SimTime> {
    let queue = super::settings::interruption_queue(cx.view)?;
    let instance = cx.view.store.cluster(Kind::Instance, name)?;
    let text = |path: &str| instance.doc.str_at(path).unwrap_or_default().to_owned();
    if text("spec.capacityType") == super::names::SPOT {
        state.set_unavailable(super::names::SPOT, &text("spec.instanceType"), &text("spec.zone"), cx.view.now);
    }
    let id = text("spec.providerID");
    let node = cx.view.store.list(Kind::Node).find(|n| n.node().is_some_and(|n| n.provider_id == id));
    let claim = match node {
        Some(node) => claim_of(cx.view.store, cx.names, node),
        None => cx.view.store.list(cx.names.claim).find(|c| c.claim().is_some_and(|c| c.provider_id == id)),
    }?;
    let node_name = node.map_or("", |n| n.meta.name.as_str());
    let mut about: Vec<ObjectKey> = node.map(|n| n.key()).into_iter().collect();
    about.push(claim.key());
    for key in &about {
        let text = match cx.era() {
            Era::V1alpha5 => format!("A spot interruption warning was triggered for the {}", noun(key)),
            Era::V1 => "Spot interruption warning was triggered".to_owned(),
        };
        tell(key, true, "SpotInterrupted", &text, cx);
    }
    if claim.meta.is_deleting() {
        return None;
    }
    for key in &about {
        let message = match cx.era() {
            Era::V1alpha5 => format!("Interruption triggered termination for the {}", noun(key)),
            Era::V1 => format!("Interruption triggered termination for the {}", key.kind.name()),
        };
        tell(key, true, "TerminatingOnInterruption", &message, cx);
    }
    cx.delete(claim.key(), "the cloud reclaims its instance");
    cx.log(Say::Interrupted { queue, claim: &claim.meta.name, node: node_name });
    None
}

fn noun(key: &ObjectKey) -> &'static str {
    match key.kind {
        Kind::Machine => "machine",
        _ => "node",
    }
}

/// 0.29 puts the object in front of its words: `Machine default-x event: ...`.
fn tell(about: &ObjectKey, warning: bool, reason: &str, text: &str, cx: &mut Cx<'_, '_>) {
    let message = match cx.era() {
        Era::V1alpha5 => format!("{} {} event: {text}", about.kind.name(), about.name),
        Era::V1 => text.to_owned(),
    };
    cx.event_with(about.clone(), warning, reason, message, super::context::DEDUPE_MS);
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use objects::{Era, Kind, json};

    fn check(queue: &str, gone: bool) {
        let mut lab = Lab::new(Era::V1alpha5);
        lab.create(json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"aws.interruptionQueueName": queue},
                          "metadata": {"name": "karpenter-global-settings", "namespace": "karpenter"}}));
        lab.create(instance());
        lab.create(launched(Era::V1alpha5));
        lab.run(1_500);
        lab.create(joined(Era::V1alpha5));
        lab.run(2_000);
        lab.patch(Kind::Instance, "i-0a1b2c3d4e5f60718", json!({"status": {"interruption": {"action": "terminate"}}}));
        lab.run(3_000);
        assert_eq!(lab.get(Kind::Machine, "default-7xk4p").is_none(), gone, "{}", lab.log_text());
        let line = format!(
            "INFO controller.interruption initiating delete for machine from interruption message {{\"commit\": \"34d50bf-dirty\", \
             \"queue\": \"{queue}\", \"messageKind\": \"SpotInterruptionKind\", \"machine\": \"default-7xk4p\", \
             \"action\": \"CordonAndDrain\", \"node\": \"{NODE}\"}}"
        );
        assert_eq!(lab.log_text().contains(&line), gone, "{}", lab.log_text());
        let event = format!("Node SpotInterrupted: Node {NODE} event: A spot interruption warning was triggered for the node");
        assert_eq!(lab.events.contains(&event), gone, "{:?}", lab.events);
    }

    #[test]
    fn notices_are_heeded_where_a_queue_is_configured() {
        check("myeks", true);
        check("", false);
    }
}
