//! What a Karpenter that was built from a checkout with the kwok provider writes when it starts. Source: a recorded start of
//! 1.14.1; its controllers in the order in which they came up there.

use super::context::Cx;
use super::messages;
use crate::actor::{Action, Intent};
use objects::typed::Phase;
use objects::{DocExt, Kind, Object, ObjectKey, Value, json};

/// `controller group/Kind workers sources`: a source is a kind with its package, `-` a channel.
const CONTROLLERS: &str = "\
provisioner - 1 -
disruption.queue - 100 -
eviction-queue - 100 -
provisioner.trigger.pod /Pod 10 v1.Pod
disruption - 1 -
nodepool.hash karpenter.sh/NodePool 10 v1.NodePool
provisioner.trigger.node /Node 10 v1.Node
state.daemonset apps/DaemonSet 10 v1.DaemonSet
nodeclaim.expiration karpenter.sh/NodeClaim 1 v1.NodeClaim
state.pod /Pod 10 v1.Pod
state.node /Node 10 v1.Node
state.nodeclaim karpenter.sh/NodeClaim 10 v1.NodeClaim
state.nodepool karpenter.sh/NodePool 10 v1.NodePool
node.termination /Node 100 v1.Node
state.pricing - 1 -
nodepool.registrationhealth karpenter.sh/NodePool 10 v1alpha1.KWOKNodeClass v1.NodePool
nodepool.readiness karpenter.sh/NodePool 10 v1alpha1.KWOKNodeClass v1.NodePool
nodepool.validation karpenter.sh/NodePool 10 v1.NodePool
nodepool.counter karpenter.sh/NodePool 10 v1.NodePool
nodeclaim.consistency karpenter.sh/NodeClaim 10 v1.Node v1.NodeClaim
nodeclaim.podevents /Pod 1 v1.Pod
nodeclaim.garbagecollection - 1 -
nodeclaim.lifecycle karpenter.sh/NodeClaim 1000 v1.Node v1.NodeClaim
nodeclaim.hydration karpenter.sh/NodeClaim 1000 v1.NodeClaim
nodeclaim.disruption karpenter.sh/NodeClaim 10 v1alpha1.KWOKNodeClass v1.NodeClaim v1.NodePool v1.Pod
metrics.pod /Pod 1 v1.Pod
node.hydration /Node 1000 v1.NodeClaim v1.Node
metrics.node - 1 -
metrics.nodepool karpenter.sh/NodePool 1 v1.NodePool
operatorpkg.nodepool.status karpenter.sh/NodePool 10 v1.NodePool
operatorpkg.nodeclaim.status karpenter.sh/NodeClaim 10 v1.NodeClaim
operatorpkg.node.status /Node 10 v1.Node";

const METRICS_PORT: u16 = 20_800;
const LEASE: &str = "karpenter-leader-election";
/// A process that came up no longer ago than this is new.
const FRESH_MS: i64 = 5_000;
const METRICS: &str = "controller.controller-runtime.metrics";

pub fn announce(cx: &mut Cx<'_, '_>) {
    metrics("", cx);
    let health = format!("[::]:{}", METRICS_PORT + 1);
    say("", "controller", "starting server", vec![("name", "health probe".into()), ("addr", health.into())], cx);
    let rows = || CONTROLLERS.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    for row in rows() {
        let [name, of, workers, sources @ ..] = row.as_slice() else { continue };
        for source in sources {
            let mut fields = about(name, of);
            fields.push(("source", source_text(name, source, cx).into()));
            say("", "controller", "Starting EventSource", fields, cx);
        }
        if *of == "-" {
            begin(name, of, workers, cx);
        }
    }
    // Those that watch kinds begin when their caches are filled.
    for row in rows() {
        if let [name, of, workers, ..] = row.as_slice()
            && *of != "-"
        {
            begin(name, of, workers, cx);
        }
    }
}

fn metrics(pod: &str, cx: &mut Cx<'_, '_>) {
    say(pod, "", "Unable to read vcs.revision from binary", Vec::new(), cx);
    say(pod, METRICS, "Starting metrics server", Vec::new(), cx);
    let address = format!(":{METRICS_PORT}");
    say(pod, METRICS, "Serving metrics server", vec![("bindAddress", address.into()), ("secure", false.into())], cx);
}

fn begin(name: &str, of: &str, workers: &str, cx: &mut Cx<'_, '_>) {
    say("", "controller", "Starting Controller", about(name, of), cx);
    let mut fields = about(name, of);
    fields.push(("worker count", json!(workers.parse::<u32>().unwrap_or(1))));
    say("", "controller", "Starting workers", fields, cx);
}

fn about(name: &str, of: &str) -> Vec<(&'static str, Value)> {
    let mut fields = vec![("controller", Value::from(name))];
    if let Some((group, kind)) = of.split_once('/') {
        fields.extend([("controllerGroup", group.into()), ("controllerKind", kind.into())]);
    }
    fields
}

fn source_text(name: &str, source: &str, cx: &Cx<'_, '_>) -> String {
    match source {
        "-" => format!("channel source: 0x{}", cx.view.stream("channel", name).hex(12)),
        kind => format!("kind source: *{kind}"),
    }
}

fn say(pod: &str, logger: &str, message: &str, fields: Vec<(&'static str, Value)>, cx: &mut Cx<'_, '_>) {
    let line = messages::plain_line(cx.view, pod, logger, message, fields);
    cx.out.push(Intent::new(Action::Log(line), "controller log"));
}

/// Whether a change brings up a process of Karpenter.
pub fn starts(old: Option<&Object>, pod: &Object) -> bool {
    let runs = |p: &Object| p.pod().is_some_and(|p| p.phase == Phase::Running);
    let karpenters = pod.meta.labels.get("app.kubernetes.io/name").is_some_and(|n| n == "karpenter");
    karpenters && runs(pod) && !old.is_some_and(runs)
}

/// A replica that waits for the lease comes as far as its metrics. One that was there before another leader has said so.
pub fn replica(namespace: &str, name: &str, cx: &mut Cx<'_, '_>) {
    let lease = cx.view.store.get(&ObjectKey::new(Kind::Lease, namespace, LEASE));
    let holder = lease.and_then(|l| l.doc.str_at("spec.holderIdentity")).unwrap_or_default();
    let first = lease.is_some_and(|l| l.doc.int_at("spec.leaseTransitions") == Some(0));
    let pod = cx.view.store.get(&ObjectKey::new(Kind::Pod, namespace, name)).and_then(|p| p.pod());
    let since = pod.and_then(|p| p.ready_since_ms).unwrap_or(0);
    let fresh = first || cx.view.unix_ms().saturating_sub(since) <= FRESH_MS;
    if fresh && namespace == cx.view.profile.karpenter_namespace && !holder.starts_with(&format!("{name}_")) {
        metrics(&format!("{namespace}/{name}"), cx);
    }
}
