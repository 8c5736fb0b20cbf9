//! The namespace controller: a namespace under deletion takes everything in it along, then goes.
//!
//! Source: kubernetes pkg/controller/namespace/deletion/namespaced_resources_deleter.go, v1.28. It also gives each new
//! namespace its default service account and the cluster's root certificate, as two other controllers do in reality.

use super::support::{create, delete, patch};
use crate::actor::{Actor, Intent, View};
use crate::kernel::{SimTime, Timers};
use crate::store::{Change, Op};
use objects::json;
use objects::{DocExt, Kind, Object, ObjectKey, Value};

const REACTION_MS: u64 = 100;
/// Content that is still terminating is looked at again.
const RETRY_MS: u64 = 500;

#[derive(Clone, Debug, Default)]
pub struct Namespaces {
    due: Timers<String>,
}

impl Actor for Namespaces {
    fn name(&self) -> &'static str {
        "namespace"
    }

    fn observe(&mut self, change: &Change, view: &View<'_>) {
        if change.kind() != Kind::Namespace {
            return;
        }
        match change.op {
            Op::Deleted => self.due.cancel(&change.object.meta.name),
            _ => self.due.sooner(change.object.meta.name.clone(), view.now + REACTION_MS),
        }
    }

    fn wake_at(&self) -> Option<SimTime> {
        self.due.next()
    }

    fn act(&mut self, view: &View<'_>) -> Vec<Intent> {
        let mut out = Vec::new();
        while let Some(name) = self.due.pop_due(view.now) {
            if let Some(namespace) = view.store.cluster(Kind::Namespace, &name) {
                if !namespace.meta.is_deleting() {
                    populate(namespace, view, &mut out);
                } else if !self.empty(namespace, view, &mut out) {
                    self.due.sooner(name, view.now + RETRY_MS);
                }
            }
        }
        out
    }
}

impl Namespaces {
    /// One pass of deletion; true when nothing was left and the namespace has been released.
    fn empty(&self, namespace: &Object, view: &View<'_>, out: &mut Vec<Intent>) -> bool {
        let name = &namespace.meta.name;
        let mut left = false;
        for kind in Kind::ALL.iter().copied().filter(|k| k.namespaced()) {
            for object in view.store.list(kind).filter(|o| &o.meta.namespace == name) {
                left = true;
                if !object.meta.is_deleting() {
                    out.push(delete(object.key(), None, "its namespace is being deleted"));
                }
            }
        }
        if left {
            if namespace.doc.str_at("status.phase") != Some("Terminating") {
                out.push(patch(namespace.key(), json!({"status": {"phase": "Terminating"}}), "under deletion"));
            }
            return false;
        }
        let release = json!({"metadata": {"finalizers": Value::Null}, "spec": {"finalizers": Value::Null}});
        out.push(patch(namespace.key(), release, "nothing is left in it"));
        true
    }
}

fn populate(namespace: &Object, view: &View<'_>, out: &mut Vec<Intent>) {
    let name = &namespace.meta.name;
    let meta = |n: &str| json!({"name": n, "namespace": name});
    let missing = |kind: Kind, n: &str| view.store.get(&ObjectKey::new(kind, name, n)).is_none();
    if missing(Kind::ServiceAccount, "default") {
        let doc = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta("default")});
        out.push(create(doc, "every namespace has one"));
    }
    if missing(Kind::ConfigMap, "kube-root-ca.crt") {
        let certificate = "-----BEGIN CERTIFICATE-----\n(simulated)\n-----END CERTIFICATE-----\n";
        let mut meta = meta("kube-root-ca.crt");
        let text = "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such \
                    as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across \
                    distributions of Kubernetes clusters.";
        meta.set("annotations", json!({"kubernetes.io/description": text}));
        let doc = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"ca.crt": certificate}});
        out.push(create(doc, "every namespace has one"));
    }
}
