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
use objects::collections::Entry;
use objects::collections::VecMap;
use objects::json;
use objects::typed::Taint;
use objects::{DocExt, Era, Kind, Object, Value};
use std::sync::Arc;

/// Nodes are looked at every 5 s.
const MONITOR_MS: u64 = 5_000;
/// A changed condition is turned into a taint at once.
const TAINT_MS: u64 = 120;

/// From an evicting taint to the deletion of pods that do not tolerate it.
const EVICT_MS: u64 = 100;

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
    /// Pods that do not tolerate a NoExecute taint have to go.
    Evict,
}

#[derive(Clone, Debug, Default)]
pub struct NodeLifecycle {
    due: Timers<(String, Duty)>,
    /// Since when a node has had each of its evicting taints.
    evicting: VecMap<String, VecMap<(String, String), SimTime>>,
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
                self.note_taints(&change.object, view);
                self.due.set((name, Duty::Taints), view.now + TAINT_MS);
            }
            (Kind::Node, Op::Deleted) => {
                for duty in [Duty::Announce, Duty::Taints, Duty::Silence, Duty::Evict] {
                    self.due.cancel(&(name.clone(), duty));
                }
                self.evicting.remove(&name);
                self.due.set((name, Duty::Bury), pass);
            }
            (Kind::Node, Op::Modified) => {
                self.note_taints(&change.object, view);
                self.due.sooner((name, Duty::Taints), view.now + TAINT_MS);
            }
            (Kind::Pod, Op::Added | Op::Modified) => {
                let node = change.object.pod().map(|p| p.node_name.as_str()).unwrap_or_default();
                if self.evicting.contains_key(node) {
                    self.due.sooner((node.to_owned(), Duty::Evict), view.now + EVICT_MS);
                }
            }
            (Kind::Instance, op) => {
                let node = change.object.doc.str_at("spec.nodeName").unwrap_or_default();
                let status = change.object.doc.at("status");
                let down = status.str_at("state") == Some("shutting-down") || status.str_at("kubelet") == Some("down");
                let gone = op == Op::Deleted || down;
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
                Duty::Evict => self.evict(node, view, &mut out),
                Duty::Bury => {}
            }
        }
        out
    }
}

impl NodeLifecycle {
    fn note_taints(&mut self, node: &Object, view: &View<'_>) {
        let name = &node.meta.name;
        let taints = node.node().map(|n| n.taints.as_slice()).unwrap_or_default();
        let now: Vec<(String, String)> =
            taints.iter().filter(|t| t.effect == "NoExecute").map(|t| (t.key.clone(), t.value.clone())).collect();
        if now.is_empty() {
            self.evicting.remove(name);
            self.due.cancel(&(name.clone(), Duty::Evict));
            return;
        }
        let known = self.evicting.entry(name.clone()).or_default();
        known.retain(|t, _| now.contains(t));
        for taint in now {
            if let Entry::Vacant(slot) = known.entry(taint) {
                slot.insert(view.now);
                self.due.sooner((name.clone(), Duty::Evict), view.now + EVICT_MS);
            }
        }
    }

    /// Deletes the pods that tolerate an evicting taint not at all, or no longer.
    fn evict(&mut self, node: &Object, view: &View<'_>, out: &mut Vec<Intent>) {
        let Some(taints) = self.evicting.get(&node.meta.name) else {
            return;
        };
        let mut next: Option<SimTime> = None;
        for pod in view.store.pods_on(&node.meta.name).filter(|p| !p.meta.is_deleting()) {
            let Some(p) = pod.pod().filter(|p| !p.is_static() && !p.is_terminal()) else {
                continue;
            };
            let until = taints.iter().filter_map(|((key, value), since)| {
                let taint = Taint::new(key, value, "NoExecute");
                let fitting: Vec<_> = p.spec.tolerations.iter().filter(|t| t.tolerates(&taint)).collect();
                if fitting.is_empty() {
                    return Some(*since);
                }
                let shortest = fitting.iter().filter_map(|t| t.seconds).min()?;
                Some(*since + u64::try_from(shortest).unwrap_or(0).saturating_mul(1000))
            });
            match until.min() {
                Some(at) if at <= view.now => {
                    let component = if view.era() == Era::V1 { "taint-eviction-controller" } else { "taint-controller" };
                    let text = format!("Marking for deletion Pod {}/{}", pod.meta.namespace, pod.meta.name);
                    out.push(event(&pod.key(), component, "TaintManagerEviction", text));
                    out.push(delete(pod.key(), None, "it does not tolerate a taint of its node"));
                }
                Some(at) => next = Some(next.map_or(at, |n| n.min(at))),
                None => {}
            }
        }
        if let Some(at) = next {
            self.due.sooner((node.meta.name.clone(), Duty::Evict), at);
        }
    }

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
    // A node without conditions, as one that kwok has not seen yet, is no worse than a ready one.
    let (down, unknown) = (ready == "False", ready == "Unknown");
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
