//! The DaemonSet controller: one pod on each node that the template allows.
//!
//! Source: kubernetes pkg/controller/daemon/{daemon_controller,update}.go and util/daemonset_util.go, v1.28. Pods name
//! their node by affinity and are placed by the scheduler.

use super::super::support::{
    delete, event, generated_name, next_due, note_change, note_controller, patch, scaled, template_hash,
};
use super::pods::{from_template, is_available, is_ready, owned_by};
use super::replicaset::differs;
use crate::actor::{Action, Actor, Intent, View};
use crate::kernel::{SimTime, Timers};
use crate::store::{Change, Op};
use objects::collections::Order as _;
use objects::collections::VecMap;
use objects::json;
use objects::typed::{Taint, Toleration, untolerated};
use objects::{DocExt, Kind, Object, ObjectKey, Value};
use std::sync::Arc;

const COMPONENT: &str = "daemonset-controller";
const REACTION_MS: u64 = 20;
const HASH: &str = "controller-revision-hash";

#[derive(Clone, Debug, Default)]
pub struct DaemonSetController {
    due: Timers<ObjectKey>,
    drawn: VecMap<String, u64>,
}

impl Actor for DaemonSetController {
    fn name(&self) -> &'static str {
        "daemonset"
    }

    fn observe(&mut self, change: &Change, view: &View<'_>) {
        let at = view.now + REACTION_MS;
        match change.kind() {
            Kind::DaemonSet => {
                note_change(&mut self.due, change, at);
                if change.op == Op::Deleted {
                    self.drawn.remove(&change.object.meta.uid);
                }
            }
            Kind::Node => {
                let same = |o: &Arc<Object>| {
                    o.meta.labels == change.object.meta.labels
                        && o.node().map(|n| &n.taints) == change.object.node().map(|n| &n.taints)
                };
                if change.op != Op::Modified || !change.old.as_ref().is_some_and(same) {
                    for set in view.store.list(Kind::DaemonSet) {
                        self.due.sooner(set.key(), at);
                    }
                }
            }
            Kind::Pod => note_controller(&mut self.due, &change.object, Kind::DaemonSet, at),
            _ => {}
        }
    }

    fn wake_at(&self) -> Option<SimTime> {
        self.due.next()
    }

    fn act(&mut self, view: &View<'_>) -> Vec<Intent> {
        let mut out = Vec::new();
        while let Some(set) = next_due(&mut self.due, view) {
            if !set.meta.is_deleting() {
                self.sync(set, view, &mut out);
            }
        }
        out
    }
}

impl DaemonSetController {
    fn sync(&mut self, set: &Arc<Object>, view: &View<'_>, out: &mut Vec<Intent>) {
        let hash = template_hash(set.doc.at("spec.template"));
        let mut on_node: VecMap<String, Vec<&Arc<Object>>> = VecMap::new();
        for pod in owned_by(view, set) {
            if let Some(node) = target_node(pod) {
                on_node.entry(node).or_default().push(pod);
            }
        }
        let tolerations = daemon_tolerations(set);
        let min_ready_s = set.doc.int_at("spec.minReadySeconds").unwrap_or(0);
        let (mut desired, mut current, mut misplaced, mut ready, mut available, mut updated) = (0, 0, 0, 0, 0, 0);
        let mut outdated: Vec<&Arc<Object>> = Vec::new();
        for node in view.store.list(Kind::Node) {
            let (run, keep) = should_run(set, node, &tolerations);
            let mut pods = on_node.remove(&node.meta.name).unwrap_or_default();
            pods.order_by(|a, b| (a.meta.created_ms, &a.meta.name).cmp(&(b.meta.created_ms, &b.meta.name)));
            // Failed pods are replaced; finished ones of a DaemonSet count as failed.
            let (dead, alive): (Vec<_>, Vec<_>) =
                pods.into_iter().partition(|p| p.pod().is_some_and(|p| p.is_terminal()) && !p.meta.is_deleting());
            for pod in dead {
                out.push(delete(pod.key(), None, "a daemon that ended"));
            }
            match (run, keep, alive.split_first()) {
                (true, _, None) => self.create(set, node, &tolerations, &hash, view, out),
                (_, true, Some((_, more))) => {
                    for pod in more.iter().filter(|p| !p.meta.is_deleting()) {
                        self.remove(set, pod, "one per node", out);
                    }
                }
                (false, false, Some(_)) => {
                    for pod in alive.iter().filter(|p| !p.meta.is_deleting()) {
                        self.remove(set, pod, "the node no longer admits it", out);
                    }
                }
                _ => {}
            }
            match (run, alive.first()) {
                (true, first) => {
                    desired += 1;
                    if let Some(pod) = first {
                        current += 1;
                        ready += i64::from(is_ready(pod));
                        available += i64::from(is_available(pod, min_ready_s, view.unix_ms()));
                        let fresh = pod.meta.labels.get(HASH) == Some(&hash);
                        updated += i64::from(fresh);
                        if !fresh && !pod.meta.is_deleting() {
                            outdated.push(pod);
                        }
                    }
                }
                (false, Some(_)) => misplaced += 1,
                _ => {}
            }
        }
        if set.doc.str_at("spec.updateStrategy.type") != Some("OnDelete") {
            let limit = set.doc.at("spec.updateStrategy.rollingUpdate.maxUnavailable");
            let limit = if limit.is_null() { 1 } else { scaled(limit, desired, true).unwrap_or(1).max(1) };
            let room = usize::try_from(limit - (desired - available)).unwrap_or(0);
            for pod in outdated.into_iter().take(room) {
                self.remove(set, pod, "an old template", out);
            }
        }
        let optional = |n: i64| if n == 0 { Value::Null } else { n.into() };
        let status = json!({
            "desiredNumberScheduled": desired, "currentNumberScheduled": current, "numberMisscheduled": misplaced,
            "numberReady": ready, "numberAvailable": optional(available), "numberUnavailable": optional(desired - available),
            "updatedNumberScheduled": optional(updated), "observedGeneration": set.meta.generation,
        });
        if differs(set.doc.at("status"), &status) {
            out.push(patch(set.key(), json!({"status": status}), "status of the daemons"));
        }
    }

    fn create(
        &mut self,
        set: &Arc<Object>,
        node: &Object,
        tolerations: &[Value],
        hash: &str,
        view: &View<'_>,
        out: &mut Vec<Intent>,
    ) {
        let prefix = format!("{}-", set.meta.name);
        let drawn = self.drawn.entry(set.meta.uid.clone()).or_insert(0);
        let name = loop {
            let name = generated_name(view, "pod-name", &set.meta.uid, *drawn, &prefix);
            *drawn += 1;
            if view.store.get(&ObjectKey::new(Kind::Pod, &set.meta.namespace, &name)).is_none() {
                break name;
            }
        };
        let mut doc = from_template(set, &name, &prefix);
        if let Value::Object(labels) = doc.slot("metadata.labels") {
            labels.insert(HASH.to_owned(), hash.into());
            labels.insert("pod-template-generation".to_owned(), set.meta.generation.max(1).to_string().into());
        }
        doc.set("spec.tolerations", tolerations.to_vec());
        pin_to(&mut doc, &node.meta.name);
        out.push(Intent::new(Action::Create(doc), "a node without this daemon"));
        out.push(event(&set.key(), COMPONENT, "SuccessfulCreate", format!("Created pod: {name}")));
    }

    fn remove(&self, set: &Arc<Object>, pod: &Object, why: &'static str, out: &mut Vec<Intent>) {
        out.push(delete(pod.key(), None, why));
        out.push(event(&set.key(), COMPONENT, "SuccessfulDelete", format!("Deleted pod: {}", pod.meta.name)));
    }
}

/// The node that a daemon pod is meant for: where it is bound, else the one its affinity names.
pub(in super::super) fn target_node(pod: &Object) -> Option<String> {
    if let Some(node) = pod.doc.str_at("spec.nodeName").filter(|n| !n.is_empty()) {
        return Some(node.to_owned());
    }
    let required = pod.doc.at("spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution");
    required.list_at("nodeSelectorTerms").iter().find_map(|t| {
        let field = t.list_at("matchFields").iter().find(|f| f.str_at("key") == Some("metadata.name"))?;
        field.list_at("values").first()?.as_str().map(str::to_owned)
    })
}

/// Adds `metadata.name In [node]` to every required node affinity term, making one where there is none.
fn pin_to(doc: &mut Value, node: &str) {
    let fields = json!([{"key": "metadata.name", "operator": "In", "values": [node]}]);
    let slot = doc.slot("spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms");
    match slot.as_array_mut().filter(|terms| !terms.is_empty()) {
        Some(terms) => terms.iter_mut().for_each(|t| t.set("matchFields", fields.clone())),
        None => *slot = json!([{"matchFields": fields}]),
    }
}

/// The template's tolerations and those that every daemon gets.
fn daemon_tolerations(set: &Object) -> Vec<Value> {
    let mut all = set.doc.list_at("spec.template.spec.tolerations").to_vec();
    let mut add = |key: &str, effect: &str| {
        let toleration = json!({"effect": effect, "key": key, "operator": "Exists"});
        if !all.contains(&toleration) {
            all.push(toleration);
        }
    };
    add("node.kubernetes.io/not-ready", "NoExecute");
    add("node.kubernetes.io/unreachable", "NoExecute");
    for key in ["disk-pressure", "memory-pressure", "pid-pressure", "unschedulable"] {
        add(&format!("node.kubernetes.io/{key}"), "NoSchedule");
    }
    if set.doc.bool_at("spec.template.spec.hostNetwork") == Some(true) {
        add("node.kubernetes.io/network-unavailable", "NoSchedule");
    }
    all
}

/// (start a pod there, leave one that is there).
fn should_run(set: &Object, node: &Object, tolerations: &[Value]) -> (bool, bool) {
    let Some((spec, facts)) = set.workload().map(|w| &w.template).zip(node.node()) else {
        return (false, false);
    };
    let labels = &node.meta.labels;
    let selected = spec.node_selector.iter().all(|(k, v)| labels.get(k) == Some(v));
    let required = &spec.affinity.node_required;
    let affine = required.is_empty() || required.iter().any(|t| t.expressions.iter().all(|e| e.matches(labels)));
    if !selected || !affine {
        return (false, false);
    }
    let tolerations = Toleration::read_list(tolerations);
    let evicting: Vec<Taint> = facts.taints.iter().filter(|t| t.effect == "NoExecute").cloned().collect();
    (untolerated(&facts.taints, &tolerations, false).is_none(), untolerated(&evicting, &tolerations, false).is_none())
}
