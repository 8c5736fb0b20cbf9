//! Instances from boot to end: pending, running, the Node that its kubelet registers, ready, shutting down, terminated.
//!
//! Boot times are a fit to public logs of Amazon Linux nodes: registration N(23, 2.5) s after the launch, ready N(16, 5) s
//! after that, 30-60 s together; Bottlerocket about 7 s sooner. Deleting an Instance is TerminateInstances: it is shown
//! as shutting-down for 30-60 s and then goes. A spot interruption notice (`status.interruption.terminateMs`) ends the
//! instance at that time whatever became of its node.

use super::machine::resources;
use super::{HELD, node_doc};
use crate::actor::{Action, Actor, Intent, View};
use crate::environment::support::{delete, event, patch, warning};
use crate::kernel::{SimTime, Timers};
use crate::pricing::Kubelet;
use crate::store::{Change, Op};
use objects::json;
use objects::typed::Phase;
use objects::{ApiError, DocExt, Kind, Object, ObjectKey};
use std::sync::Arc;

/// How often a kubelet without a network looks whether it has one now.
const NETWORK_MS: u64 = 500;
/// Before a kubelet whose report was refused tries again.
const REPORT_MS: u64 = 1_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Adopt,
    Run,
    Register,
    Ready,
    Reclaim,
    Terminated,
}

const STEPS: [Step; 6] = [Step::Adopt, Step::Run, Step::Register, Step::Ready, Step::Reclaim, Step::Terminated];

#[derive(Clone, Debug, Default)]
pub struct Instances {
    due: Timers<(String, Step)>,
    /// Machines take so long to join and to end, in place of what EC2's take.
    fixed_ms: Option<u64>,
}

/// Milliseconds from launch to registration and from registration to ready.
pub(super) fn boot_ms(view: &View<'_>, id: &str, image_family: &str) -> (u64, u64) {
    let mut stream = view.stream("boot", id);
    let mut register = stream.bell(23_000, 2_500);
    let mut ready = stream.bell(16_000, 5_000);
    let (mut least, mut most) = (30_000, 60_000);
    if image_family.eq_ignore_ascii_case("Bottlerocket") {
        // A smaller system starts sooner.
        register = register.saturating_sub(5_000);
        ready = ready.saturating_sub(2_000);
        (least, most) = (23_000, 53_000);
    }
    register = register.clamp(10_000, 40_000);
    ready = ready.clamp(least - register.min(least), most - register);
    (register, ready.max(3_000))
}

impl Actor for Instances {
    fn name(&self) -> &'static str {
        "ec2-instances"
    }

    fn observe(&mut self, change: &Change, view: &View<'_>) {
        let object = &change.object;
        if change.kind() != Kind::Instance {
            return;
        }
        let id = object.meta.name.clone();
        if change.op == Op::Deleted {
            for step in STEPS {
                self.due.cancel(&(id.clone(), step));
            }
            return;
        }
        if change.op == Op::Added {
            let (register, _) = self.boot_ms(view, object);
            if !object.meta.finalizers.iter().any(|f| f == HELD) {
                self.due.set((id.clone(), Step::Adopt), view.now);
            }
            // Planted as running: it was launched before the simulation began.
            let running = object.doc.str_at("status.state") == Some("running");
            if !running {
                self.due.set((id.clone(), Step::Run), view.now + register / 2);
            }
            self.due.set((id.clone(), Step::Register), view.now + if running { 1 } else { register });
        }
        if object.meta.is_deleting() && change.old.as_ref().is_none_or(|o| !o.meta.is_deleting()) {
            for step in [Step::Run, Step::Register, Step::Ready, Step::Reclaim] {
                self.due.cancel(&(id.clone(), step));
            }
            let ms = self.fixed_ms.unwrap_or_else(|| view.stream("termination", &id).between(30_000, 60_000));
            self.due.set((id.clone(), Step::Terminated), view.now + ms);
            // The state is written at once, in the same instant.
            self.due.set((id, Step::Adopt), view.now);
            return;
        }
        let silent = |o: &Object| o.doc.str_at("status.kubelet") == Some("down");
        if change.old.as_deref().is_some_and(silent) && !silent(object) {
            self.due.set((id.clone(), Step::Ready), view.now + 1_000);
        }
        if let Some(at) = object.doc.at("status.interruption.terminateMs").as_u64() {
            self.due.sooner((id, Step::Reclaim), SimTime(at));
        }
    }

    fn wake_at(&self) -> Option<SimTime> {
        self.due.next()
    }

    fn act(&mut self, view: &View<'_>) -> Vec<Intent> {
        let mut out = Vec::new();
        while let Some((id, step)) = self.due.pop_due(view.now) {
            if let Some(instance) = view.store.cluster(Kind::Instance, &id) {
                self.step(instance, step, view, &mut out);
            }
        }
        out
    }

    /// A server that would not have the node, or its report, is asked again.
    fn refused(&mut self, intent: &Intent, _error: &ApiError, view: &View<'_>) {
        if let Some(id) = machine(&intent.action, view) {
            let step = if matches!(intent.action, Action::Create(_)) { Step::Register } else { Step::Ready };
            self.due.sooner((id, step), view.now + REPORT_MS);
        }
    }
}

/// The instance behind the node that an action is about.
fn machine(action: &Action, view: &View<'_>) -> Option<String> {
    let id = match action {
        Action::Create(doc) => doc.str_at("spec.providerID")?,
        Action::Patch { key, .. } => &view.store.get(key)?.node()?.provider_id,
        _ => return None,
    };
    super::instance_id(id).map(str::to_owned)
}

impl Instances {
    /// Machines join `fixed_ms` after their launch and end so long after they are told to; as EC2's do where it is left out.
    pub fn joining_after(fixed_ms: Option<u64>) -> Instances {
        Instances { fixed_ms, ..Instances::default() }
    }

    fn boot_ms(&self, view: &View<'_>, instance: &Object) -> (u64, u64) {
        let family = instance.doc.str_at("spec.imageFamily").unwrap_or_default();
        self.fixed_ms.map_or_else(|| boot_ms(view, &instance.meta.name, family), |ms| (ms, 1))
    }

    fn step(&mut self, instance: &Arc<Object>, step: Step, view: &View<'_>, out: &mut Vec<Intent>) {
        let id = &instance.meta.name;
        let state = |s: &str, why: &'static str| patch(instance.key(), json!({"status": {"state": s}}), why);
        match step {
            Step::Adopt if instance.meta.is_deleting() => out.push(state("shutting-down", "TerminateInstances")),
            Step::Adopt => {
                let mut finalizers = instance.meta.finalizers.clone();
                finalizers.push(HELD.to_owned());
                out.push(patch(instance.key(), json!({"metadata": {"finalizers": finalizers}}), "seen through its end"));
            }
            Step::Run => out.push(state("running", "booted")),
            Step::Register => self.register(instance, view, out),
            Step::Ready => self.ready(instance, view, out),
            Step::Reclaim => out.push(delete(instance.key(), None, "the spot market takes it back")),
            Step::Terminated => {
                let kept: Vec<&String> = instance.meta.finalizers.iter().filter(|f| *f != HELD).collect();
                let gone = json!({"metadata": {"finalizers": kept}, "status": {"state": "terminated"}});
                out.push(patch(ObjectKey::cluster(Kind::Instance, id), gone, "terminated"));
            }
        }
    }

    /// The kubelet registers its node, not ready yet. A node that is there already (a planted one) is left alone.
    fn register(&mut self, instance: &Arc<Object>, view: &View<'_>, out: &mut Vec<Intent>) {
        let id = &instance.meta.name;
        if super::fault("lost-boots", view).is_some() {
            return;
        }
        let name = node_doc::node_name(instance);
        let key = ObjectKey::cluster(Kind::Node, &name);
        if instance.doc.str_at("spec.nodeName") != Some(&name) {
            out.push(patch(instance.key(), json!({"spec": {"nodeName": name}}), "named by its address"));
        }
        if view.store.get(&key).is_none() {
            let sold = view.market.sold(instance.doc.str_at("spec.instanceType").unwrap_or_default());
            let Some(facts) = sold.map(|t| &t.facts) else {
                let text = "the market does not know this instance type; no node can come of it".to_owned();
                out.push(warning(&instance.key(), "ec2", "UnknownInstanceType", text));
                return;
            };
            let sizes = resources(facts, kubelet(instance, view), view.era());
            out.push(Intent::new(Action::Create(node_doc::new_node(instance, facts, sizes, view)), "the kubelet registers"));
            for (reason, text) in node_doc::start_events(&name) {
                out.push(event(&key, "kubelet", reason, text));
            }
        }
        let running = instance.doc.str_at("status.state") == Some("running");
        let (register, ready) = self.boot_ms(view, instance);
        // A planted instance finished booting long ago and only waits for its network.
        let planted = running && view.now.since(view.sim_time(instance.meta.created_ms)) < register / 2;
        if !running {
            out.push(patch(instance.key(), json!({"status": {"state": "running"}}), "booted"));
        }
        self.due.set((id.clone(), Step::Ready), view.now + if planted { 1_000 } else { ready });
    }

    /// Ready as soon as the CNI's pod runs on the node, not before.
    fn ready(&mut self, instance: &Arc<Object>, view: &View<'_>, out: &mut Vec<Intent>) {
        let name = node_doc::node_name(instance);
        let Some(node) = view.store.cluster(Kind::Node, &name) else {
            return;
        };
        if node.node().is_some_and(|n| n.ready) {
            return;
        }
        if !has_network(&name, view) {
            self.due.set((instance.meta.name.clone(), Step::Ready), view.now + NETWORK_MS);
            return;
        }
        let conditions = node_doc::conditions(true, view, node.doc.list_at("status.conditions"));
        out.push(patch(node.key(), json!({"status": {"conditions": conditions}}), "the network is up"));
        out.push(event(&node.key(), "kubelet", "NodeReady", format!("Node {name} status is now: NodeReady")));
    }
}

/// The settings that the launch gave the node.
fn kubelet(instance: &Object, view: &View<'_>) -> Kubelet {
    let spec = instance.doc.at("spec");
    let family = spec.str_at("imageFamily").unwrap_or_default();
    let reserved = spec.int_at("interfaces.reserved").and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
    let bound_pods = spec.bool_at("interfaces.boundPods").unwrap_or(true);
    Kubelet::read(spec.at("kubelet"), family, view.era()).with_interfaces(reserved, bound_pods)
}

/// The aws-node pod runs here; a cluster without that DaemonSet has some other network, up at once.
fn has_network(node: &str, view: &View<'_>) -> bool {
    let is_cni = |o: &Object| o.meta.labels.get("k8s-app").is_some_and(|a| a == "aws-node");
    let by_template =
        |o: &Arc<Object>| o.workload().is_some_and(|w| w.template_labels.get("k8s-app").is_some_and(|a| a == "aws-node"));
    if !view.store.list(Kind::DaemonSet).any(by_template) {
        return true;
    }
    view.store.pods_on(node).any(|p| is_cni(p) && p.pod().is_some_and(|p| p.phase == Phase::Running))
}
