//! The node lifecycle controllers: they announce nodes, turn conditions into taints, notice nodes whose kubelet fell
//! silent, evict from them, and remove nodes whose instance is gone.
//!
//! Source: kubernetes pkg/controller/nodelifecycle/node_lifecycle_controller.go, pkg/controller/tainteviction and
//! staging/src/k8s.io/cloud-provider/controllers/nodelifecycle, v1.28.

use super::cloud::{instance_of, is_running};
use super::support::{delete, event, patch};
use crate::actor::{Actor, Intent, View};
use crate::kernel::{SimTime, Timers};
use crate::store::{Change, Op};
use objects::typed::Taint;
use objects::{DocExt, Era, Kind, Object, Value};
use serde_json::json;
use std::sync::Arc;

/// Nodes are looked at every 5 s.
const MONITOR_MS: u64 = 5_000;
/// A changed condition is turned into a taint at once.
const TAINT_MS: u64 = 120;

const NOT_READY: &str = "node.kubernetes.io/not-ready";
const UNREACHABLE: &str = "node.kubernetes.io/unreachable";
const UNSCHEDULABLE: &str = "node.kubernetes.io/unschedulable";

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Duty {
    Announce,
    Bury,
    Taints,
    /// The kubelet has been silent for the grace period.
    Silence,
    Evict,
}

#[derive(Clone, Debug, Default)]
pub struct NodeLifecycle {
    due: Timers<(String, Duty)>,
}

impl Actor for NodeLifecycle {
    fn name(&self) -> &'static str {
        "node-lifecycle"
    }

    fn observe(&mut self, change: &Change, view: &View<'_>) {
        let name = change.object.meta.name.clone();
        let pass = SimTime((view.now.0 / MONITOR_MS + 1) * MONITOR_MS);
        match (change.kind(), change.op) {
            (Kind::Node, Op::Added) => {
                self.due.set((name.clone(), Duty::Announce), pass);
                self.due.set((name, Duty::Taints), view.now + TAINT_MS);
            }
            (Kind::Node, Op::Deleted) => {
                for duty in [Duty::Announce, Duty::Taints, Duty::Silence, Duty::Evict] {
                    self.due.cancel(&(name.clone(), duty));
                }
                self.due.set((name, Duty::Bury), pass);
            }
            (Kind::Node, Op::Modified) => self.due.sooner((name, Duty::Taints), view.now + TAINT_MS),
            (Kind::Instance, op) => {
                let node = change.object.doc.str_at("spec.nodeName").unwrap_or_default();
                let gone = op == Op::Deleted || change.object.doc.str_at("status.state") == Some("shutting-down");
                if gone && !node.is_empty() && view.store.cluster(Kind::Node, node).is_some() {
                    // node-monitor-grace-period: 40 s, since 1.32 50 s.
                    let grace = if view.era() == Era::V1 { 50_000 } else { 40_000 };
                    let at = SimTime((view.now + grace).0.div_ceil(MONITOR_MS) * MONITOR_MS);
                    self.due.sooner((node.to_owned(), Duty::Silence), at);
                }
            }
            _ => {}
        }
    }

    fn wake_at(&self) -> Option<SimTime> {
        self.due.next()
    }

    fn act(&mut self, view: &View<'_>) -> Vec<Intent> {
        let mut out = Vec::new();
        while let Some((name, duty)) = self.due.pop_due(view.now) {
            let key = objects::ObjectKey::cluster(Kind::Node, &name);
            if duty == Duty::Bury {
                if view.store.get(&key).is_none() {
                    let text = format!("Node {name} event: Removing Node {name} from Controller");
                    out.push(event(&key, "node-controller", "RemovingNode", text));
                }
                continue;
            }
            let Some(node) = view.store.get(&key) else {
                continue;
            };
            match duty {
                Duty::Announce => {
                    let text = format!("Node {name} event: Registered Node {name} in Controller");
                    out.push(event(&key, "node-controller", "RegisteredNode", text));
                }
                Duty::Taints => out.extend(taint(node, view)),
                Duty::Silence => self.silence(node, view, &mut out),
                Duty::Evict => evict(node, view, &mut out),
                Duty::Bury => {}
            }
        }
        out
    }
}

impl NodeLifecycle {
    /// The instance behind a silent node decides: gone means the node object goes, otherwise the node is Unknown.
    fn silence(&mut self, node: &Arc<Object>, view: &View<'_>, out: &mut Vec<Intent>) {
        if is_running(node, view) {
            return;
        }
        let name = &node.meta.name;
        let unknown = node.condition("Ready").and_then(|c| c.str_at("status")) == Some("Unknown");
        if !unknown {
            let conditions: Vec<Value> = node.doc.list_at("status.conditions").iter().map(|c| to_unknown(c, view)).collect();
            out.push(patch(node.key(), json!({"status": {"conditions": conditions}}), "the kubelet is silent"));
            let text = format!("Node {name} status is now: NodeNotReady");
            out.push(event(&node.key(), "node-controller", "NodeNotReady", text));
            self.due.set((name.clone(), Duty::Evict), view.now + 300_000);
        }
        let state = instance_of(node, view).and_then(|i| i.doc.str_at("status.state").map(str::to_owned));
        if !node.meta.is_deleting() && unknown && state.is_none_or(|s| s == "terminated") {
            let text = format!("Deleting node {name} because it does not exist in the cloud provider");
            out.push(event(&node.key(), "cloud-node-lifecycle-controller", "DeletingNode", text));
            out.push(delete(node.key(), None, "its instance does not exist"));
            return;
        }
        self.due.set((name.clone(), Duty::Silence), view.now + MONITOR_MS);
    }
}

fn to_unknown(condition: &Value, view: &View<'_>) -> Value {
    let mut c = condition.clone();
    c.set("status", "Unknown");
    c.set("reason", "NodeStatusUnknown");
    c.set("message", "Kubelet stopped posting node status.");
    c.set("lastTransitionTime", view.timestamp());
    c
}

/// Brings the condition taints in line: NoSchedule for what is so, NoExecute for not-ready and unreachable.
fn taint(node: &Object, view: &View<'_>) -> Option<Intent> {
    let facts = node.node()?;
    let ready = node.condition("Ready").and_then(|c| c.str_at("status")).unwrap_or("");
    let mut wanted: Vec<Taint> = Vec::new();
    let (down, unknown) = (ready == "False" || ready.is_empty(), ready == "Unknown");
    for (on, key, effect) in [
        (down, NOT_READY, "NoSchedule"),
        (unknown, UNREACHABLE, "NoSchedule"),
        (facts.unschedulable, UNSCHEDULABLE, "NoSchedule"),
        (down && was_ready(node), NOT_READY, "NoExecute"),
        (unknown, UNREACHABLE, "NoExecute"),
    ] {
        if on {
            wanted.push(Taint::new(key, "", effect));
        }
    }
    let ours = |t: &Value| {
        let key = t.str_at("key").unwrap_or_default();
        [NOT_READY, UNREACHABLE, UNSCHEDULABLE].contains(&key)
    };
    let is = |t: &Value, w: &Taint| t.str_at("key") == Some(&w.key) && t.str_at("effect") == Some(&w.effect);
    let before = node.doc.list_at("spec.taints");
    let mut after: Vec<Value> = before.iter().filter(|t| !ours(t) || wanted.iter().any(|w| is(t, w))).cloned().collect();
    for w in wanted.iter().filter(|w| !before.iter().any(|t| is(t, w))) {
        let mut t = json!({"effect": w.effect, "key": w.key});
        // Taints that evict, and the one of a cordon, carry their time.
        if w.effect == "NoExecute" || w.key == UNSCHEDULABLE {
            t.set("timeAdded", view.timestamp());
        }
        after.push(t);
    }
    if after == before {
        return None;
    }
    let taints = if after.is_empty() { Value::Null } else { after.into() };
    Some(patch(node.key(), json!({"spec": {"taints": taints}}), "taints follow conditions"))
}

/// A node that has never been ready is only closed for scheduling.
fn was_ready(node: &Object) -> bool {
    let since = node.condition("Ready").and_then(|c| c.str_at("lastTransitionTime")).and_then(objects::time::parse_rfc3339);
    since.is_some_and(|t| t > node.meta.created_ms)
}

/// Five minutes unreachable: pods without a longer toleration are deleted (and stay until their node is gone).
fn evict(node: &Object, view: &View<'_>, out: &mut Vec<Intent>) {
    let taint = Taint::new(UNREACHABLE, "", "NoExecute");
    for pod in view.store.pods_on(&node.meta.name).filter(|p| !p.meta.is_deleting()) {
        let for_ever = |p: &objects::typed::Pod| p.spec.tolerations.iter().any(|t| t.tolerates(&taint) && t.seconds.is_none());
        if !pod.pod().is_some_and(for_ever) {
            let text = format!("Marking for deletion Pod {}/{}", pod.meta.namespace, pod.meta.name);
            out.push(event(&pod.key(), "taint-eviction-controller", "TaintManagerEviction", text));
            out.push(delete(pod.key(), None, "its node is unreachable"));
        }
    }
}
