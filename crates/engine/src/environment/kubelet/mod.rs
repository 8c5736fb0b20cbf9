//! The kubelets: they start the pods bound to their nodes, report them, and stop them.
//!
//! Source: kubernetes pkg/kubelet/{kubelet,kubelet_pods,status/status_manager}.go and kuberuntime, v1.27 and v1.35.
//!
//! What is modelled: the first pull of an image on a node takes 1-3 s, later starts are sub-second; readiness probes
//! hold a pod unready for their initial delay; a stopping container exits 0.1-0.4 s after SIGTERM, unless its command
//! is a bare shell or `sleep`, which as process 1 ignore SIGTERM and take the whole grace period; a `preStop` sleep is
//! waited for. What is not: leases and heartbeats (nothing is written while nothing changes), crashes, probes that fail,
//! init containers (they end at once). A container that ends by itself says so by the pod annotation
//! `nodewright.dev/run-seconds`.

mod status;
mod texts;

use super::cloud::is_running;
use super::kwok;
use super::support::{delete, event, patch, warning};
use crate::actor::{Actor, Intent, View};
use crate::kernel::{SimTime, Timers};
use crate::store::{Change, Op};
use objects::collections::VecMap;
use objects::json;
use objects::typed::Phase;
use objects::{DocExt, Kind, Object, ObjectKey, Value};
use std::sync::Arc;

pub(super) const COMPONENT: &str = "kubelet";
pub(super) const RUN_SECONDS: &str = "nodewright.dev/run-seconds";
/// A pod that waits for the network or for its node looks again after this.
const RETRY_MS: u64 = 500;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Admit,
    Pull,
    Start,
    Ready,
    End,
    Stop,
}

type Name = (String, String);

#[derive(Clone, Debug, Default)]
pub struct Kubelets {
    due: Timers<(Name, Step)>,
    /// When an image is complete on a node.
    images: VecMap<(String, String), SimTime>,
    /// Images that a pod is waiting for, with the time since which it does.
    pulling: VecMap<Name, VecMap<String, SimTime>>,
    /// Addresses in use, by the pod or instance that has them.
    addresses: VecMap<String, String>,
}

impl Actor for Kubelets {
    fn name(&self) -> &'static str {
        "kubelet"
    }

    fn observe(&mut self, change: &Change, view: &View<'_>) {
        let object = &change.object;
        match (change.kind(), change.op) {
            (Kind::Node, Op::Added) => {
                for pod in view.store.pods_on(&object.meta.name) {
                    self.pod_changed(None, pod, view);
                }
            }
            (Kind::Node, Op::Deleted) => self.images.retain(|(node, _), _| node != &object.meta.name),
            (Kind::Instance, Op::Deleted) => self.addresses.retain(|_, owner| owner != &object.meta.name),
            (Kind::Instance, _) => {
                let silent = |o: &Object| o.doc.str_at("status.kubelet") == Some("down");
                if change.old.as_deref().is_some_and(silent) && !silent(object) {
                    self.resume(object.doc.str_at("spec.nodeName").unwrap_or_default(), view);
                }
                if let Some(ip) = object.doc.str_at("spec.privateIP") {
                    self.addresses.insert(ip.to_owned(), object.meta.name.clone());
                }
            }
            (Kind::Pod, Op::Deleted) => {
                let name = (object.meta.namespace.clone(), object.meta.name.clone());
                self.pulling.remove(&name);
                for step in [Step::Admit, Step::Pull, Step::Start, Step::Ready, Step::End, Step::Stop] {
                    self.due.cancel(&(name.clone(), step));
                }
                if let Some(ip) = object.doc.str_at("status.podIP")
                    && self.addresses.get(ip) == Some(&object.meta.uid)
                {
                    self.addresses.remove(ip);
                }
            }
            (Kind::Pod, _) => self.pod_changed(change.old.as_deref(), object, view),
            _ => {}
        }
    }

    fn wake_at(&self) -> Option<SimTime> {
        self.due.next()
    }

    fn act(&mut self, view: &View<'_>) -> Vec<Intent> {
        let mut out = Vec::new();
        while let Some((name, step)) = self.due.pop_due(view.now) {
            let Some(pod) = view.store.get(&ObjectKey::new(Kind::Pod, &name.0, &name.1)) else {
                continue;
            };
            let node = pod.pod().map(|p| p.node_name.clone()).unwrap_or_default();
            // A kubelet without its instance does nothing any more; its pods are the collectors' business.
            let Some(node) = view.store.cluster(Kind::Node, &node).filter(|n| is_running(n, view)) else {
                continue;
            };
            self.step(step, name, pod, node, view, &mut out);
        }
        out
    }
}

impl Kubelets {
    /// A kubelet that was silent lists its pods anew.
    fn resume(&mut self, node: &str, view: &View<'_>) {
        for pod in view.store.pods_on(node) {
            self.pod_changed(None, pod, view);
            if pod.pod().is_some_and(|p| p.phase == Phase::Running && !p.ready) && !pod.meta.is_deleting() {
                self.due.sooner(((pod.meta.namespace.clone(), pod.meta.name.clone()), Step::Ready), view.now + 1_000);
            }
        }
    }

    fn pod_changed(&mut self, old: Option<&Object>, pod: &Object, view: &View<'_>) {
        let Some(p) = pod.pod().filter(|p| p.is_bound()) else {
            return;
        };
        if view.store.cluster(Kind::Node, &p.node_name).is_some_and(|n| kwok::plays(n, view)) {
            return;
        }
        let name = (pod.meta.namespace.clone(), pod.meta.name.clone());
        if pod.meta.is_deleting() {
            let asked_again = old.is_some_and(|o| o.meta.deleted_ms != pod.meta.deleted_ms);
            if old.is_none() || asked_again {
                for step in [Step::Admit, Step::Pull, Step::Start, Step::Ready, Step::End] {
                    self.due.cancel(&(name.clone(), step));
                }
                self.due.sooner((name, Step::Stop), view.now + self.stop_ms(pod, view));
            }
            return;
        }
        let newly_bound = old.and_then(Object::pod).is_none_or(|o| !o.is_bound());
        if newly_bound && p.phase == Phase::Pending {
            let mut stream = view.stream("kubelet-admit", &pod.meta.uid);
            self.due.sooner((name, Step::Admit), view.now + stream.between(8, 40));
        }
    }

    /// From the deletion to the report that everything has stopped.
    fn stop_ms(&self, pod: &Object, view: &View<'_>) -> u64 {
        let grace_ms = u64::try_from(pod.doc.int_at("metadata.deletionGracePeriodSeconds").unwrap_or(0)).unwrap_or(0) * 1000;
        let running = pod.doc.list_at("status.containerStatuses").iter().any(|c| !c.at("state.running").is_null());
        let exit = view.stream("container-exit", &pod.meta.uid).between(120, 420);
        if !running {
            return exit;
        }
        let slowest =
            pod.doc.list_at("spec.containers").iter().map(|c| pre_stop_ms(c) + if ignores_term(c) { grace_ms } else { exit });
        slowest.max().unwrap_or(exit).min(grace_ms.max(exit)) + 100
    }

    fn step(&mut self, step: Step, name: Name, pod: &Arc<Object>, node: &Arc<Object>, view: &View<'_>, out: &mut Vec<Intent>) {
        match step {
            Step::Admit => self.admit(name, pod, node, view, out),
            Step::Pull => self.pull(name, pod, node, view, out),
            Step::Start => self.start(name, pod, node, view, out),
            Step::Ready => {
                out.push(patch(pod.key(), json!({"status": status::running(pod, view, true)}), "the readiness probe passed"));
            }
            Step::End => {
                out.push(patch(pod.key(), json!({"status": status::ended(pod, view)}), "the containers ended"));
            }
            Step::Stop => {
                if pod.doc.list_at("status.containerStatuses").iter().any(|c| !c.at("state.running").is_null()) {
                    for c in pod.pod().map(|p| p.spec.container_names.as_slice()).unwrap_or_default() {
                        out.push(event(&pod.key(), COMPONENT, "Killing", format!("Stopping container {c}")));
                    }
                }
                out.push(delete(pod.key(), Some(0), "its containers have stopped"));
            }
        }
    }

    fn admit(&mut self, name: Name, pod: &Arc<Object>, node: &Arc<Object>, view: &View<'_>, out: &mut Vec<Intent>) {
        let (Some(p), Some(n)) = (pod.pod(), node.node()) else {
            return;
        };
        if let Some(rejected) = status::rejected(pod, node, view) {
            let reason = rejected.str_at("reason").unwrap_or_default().to_owned();
            out.push(warning(&pod.key(), COMPONENT, &reason, rejected.str_at("message").unwrap_or_default().to_owned()));
            out.push(patch(pod.key(), json!({"status": rejected}), "the node has no room"));
            return;
        }
        if pod.doc.at("status.startTime").is_null() {
            out.push(patch(pod.key(), json!({"status": status::creating(pod, node, view)}), "the kubelet has seen it"));
        }
        if !p.spec.host_network && !n.ready {
            self.due.set((name, Step::Admit), view.now + RETRY_MS);
            return;
        }
        let sandbox = view.stream("sandbox", &pod.meta.uid).between(250, 600);
        self.due.set((name, Step::Pull), view.now + sandbox);
    }

    fn pull(&mut self, name: Name, pod: &Arc<Object>, node: &Arc<Object>, view: &View<'_>, out: &mut Vec<Intent>) {
        let images = pod.pod().map(|p| p.spec.images.as_slice()).unwrap_or_default();
        let mut ready_at = view.now;
        let mut waiting = VecMap::new();
        for image in images {
            let slot = (node.meta.name.clone(), image.clone());
            let known = self.images.get(&slot).copied();
            if known.is_some_and(|t| t <= view.now) {
                out.push(event(&pod.key(), COMPONENT, "Pulled", texts::present(view.era(), image)));
                continue;
            }
            out.push(event(&pod.key(), COMPONENT, "Pulling", format!("Pulling image \"{image}\"")));
            let at = known.unwrap_or_else(|| {
                let ms = view.stream("image-pull", &format!("{}/{image}", node.meta.name)).between(1_000, 3_000);
                view.now + ms
            });
            self.images.insert(slot, at);
            waiting.insert(image.clone(), view.now);
            ready_at = ready_at.max(at);
        }
        let create = view.stream("container-create", &pod.meta.uid).between(60, 180);
        self.due.set((name.clone(), Step::Start), ready_at + create);
        self.pulling.insert(name, waiting);
    }

    fn start(&mut self, name: Name, pod: &Arc<Object>, node: &Arc<Object>, view: &View<'_>, out: &mut Vec<Intent>) {
        let Some(p) = pod.pod() else {
            return;
        };
        let waited = self.pulling.remove(&name).unwrap_or_default();
        for (container, image) in p.spec.container_names.iter().zip(&p.spec.images) {
            if let Some(since) = waited.get(image) {
                let done = self.images.get(&(node.meta.name.clone(), image.clone())).copied().unwrap_or(view.now);
                out.push(event(&pod.key(), COMPONENT, "Pulled", texts::pulled(view.era(), image, done.since(*since))));
            }
            out.push(event(&pod.key(), COMPONENT, "Created", texts::created(view.era(), container)));
            out.push(event(&pod.key(), COMPONENT, "Started", texts::started(view.era(), container)));
        }
        let address = self.address(pod, node, view);
        let delay_s = pod.doc.list_at("spec.containers").iter().filter(|c| !c.at("readinessProbe").is_null());
        let delay_s = delay_s.map(|c| c.int_at("readinessProbe.initialDelaySeconds").unwrap_or(0)).max();
        let mut status = status::running(pod, view, delay_s.is_none());
        status.set("podIP", address.clone());
        status.set("podIPs", json!([{"ip": address}]));
        out.push(patch(pod.key(), json!({"status": status}), "its containers run"));
        if let Some(s) = delay_s {
            let probe = view.stream("readiness", &pod.meta.uid).between(200, 1_200);
            self.due.set((name.clone(), Step::Ready), view.now + u64::try_from(s).unwrap_or(0) * 1000 + probe);
        }
        let runs_s = pod.meta.annotations.get(RUN_SECONDS).and_then(|s| s.parse::<u64>().ok());
        if let Some(s) = runs_s.filter(|_| pod.doc.str_at("spec.restartPolicy").is_some_and(|r| r != "Always")) {
            self.due.set((name, Step::End), view.now + s.saturating_mul(1000));
        }
    }

    /// The node's own address on its network, else a free one of the node's subnet, as the VPC CNI assigns them.
    fn address(&mut self, pod: &Object, node: &Object, view: &View<'_>) -> String {
        let host = node.node().map(|n| n.internal_ip.clone()).unwrap_or_default();
        if pod.pod().is_some_and(|p| p.spec.host_network) {
            return host;
        }
        let octets: Vec<u64> = host.split('.').filter_map(|o| o.parse().ok()).collect();
        let [a, b, c, _] = octets.as_slice() else {
            return String::new();
        };
        let base = c / 32 * 32;
        let mut stream = view.stream("pod-ip", &pod.meta.uid);
        let mut ip = String::new();
        for _ in 0..64 {
            ip = format!("{a}.{b}.{}.{}", base + stream.below(32), stream.between(4, 254));
            if !self.addresses.contains_key(&ip) {
                break;
            }
        }
        self.addresses.insert(ip.clone(), pod.meta.uid.clone());
        ip
    }
}

/// Shells and `sleep` as process 1 install no handler, and the kernel drops the signal.
fn ignores_term(container: &Value) -> bool {
    let command = container.list_at("command").first().and_then(Value::as_str).unwrap_or_default();
    let name = command.rsplit('/').next().unwrap_or_default();
    ["sleep", "sh", "bash", "ash", "tail"].contains(&name)
}

/// `preStop: {sleep: {seconds: n}}` or an exec of `sleep n`.
fn pre_stop_ms(container: &Value) -> u64 {
    let hook = container.at("lifecycle.preStop");
    let by_exec = || {
        let words: Vec<&str> =
            hook.list_at("exec.command").iter().filter_map(Value::as_str).flat_map(|w| w.split_whitespace()).collect();
        let at = words.iter().position(|w| *w == "sleep" || w.ends_with("/sleep"))?;
        words.get(at + 1)?.parse::<i64>().ok()
    };
    let seconds = hook.int_at("sleep.seconds").or_else(by_exec).unwrap_or(0);
    u64::try_from(seconds).unwrap_or(0).saturating_mul(1000)
}
