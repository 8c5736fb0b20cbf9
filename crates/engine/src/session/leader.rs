//! Which Karpenter pod works: the replicas elect a leader by a Lease, and only the leader reconciles.
//! Source: karpenter pkg/operator/operator.go v0.29.2 and v1.14.1; client-go tools/leaderelection v0.27 (the lease is
//! given back by a process that ends in good order, and the others try every two seconds).

use crate::SimTime;
use crate::kernel::Stream;
use crate::profile::Profile;
use crate::store::{Store, exec};
use objects::typed::Phase;
use objects::{Kind, Object, ObjectKey, json};

/// Annotation of Karpenter's namespace while its pods stand idle.
pub const HELD: &str = "nodewright.dev/idle";
const LEASE: &str = "karpenter-leader-election";

/// How often a replica without the lease tries to get it.
const RETRY_MS: u64 = 2_000;

/// The elected pod. It stays the leader while it runs and is ready.
#[derive(Clone, Debug, Default)]
pub struct Leader {
    key: Option<ObjectKey>,
    uid: String,
    /// `namespace/name`, kept after the pod has gone.
    pod: String,
    since: SimTime,
    /// When the lease was given back.
    free_since: SimTime,
    seen_revision: u64,
    terms: u32,
    /// The process runs outside the cluster: no pod of it leads.
    outside: bool,
}

impl Leader {
    /// Looks at Karpenter's pods; true where a new leader has taken over, which starts from its caches.
    pub fn elect(&mut self, store: &Store, profile: &Profile, now: SimTime) -> bool {
        if self.outside {
            return false;
        }
        let revision = store.kind_revision(Kind::Pod).max(store.kind_revision(Kind::Namespace));
        if revision == self.seen_revision {
            return false;
        }
        self.seen_revision = revision;
        let namespace = store.get(&ObjectKey::cluster(Kind::Namespace, profile.karpenter_namespace));
        let held = namespace.is_some_and(|n| n.meta.annotations.contains_key(HELD));
        let leader = self.key.as_ref().filter(|_| !held).and_then(|k| store.get(k));
        if leader.is_some_and(|p| p.meta.uid == self.uid && works(p)) {
            return false;
        }
        if self.key.take().is_some() {
            self.free_since = now;
        }
        let next = store
            .list(Kind::Pod)
            .filter(|_| !held)
            .filter(|p| p.meta.namespace == profile.karpenter_namespace && is_karpenter(p) && works(p))
            .min_by_key(|p| (p.pod().and_then(|p| p.ready_since_ms), p.meta.name.clone()));
        match next {
            Some(pod) => {
                self.key = Some(pod.key());
                self.uid = pod.meta.uid.clone();
                self.pod = pod.key().to_string();
                // Who comes to a free lease takes it at once; who has waited for it finds out at its next try.
                self.since = if now > self.free_since || self.terms == 0 { now } else { now + RETRY_MS };
                self.terms += 1;
                true
            }
            None => false,
        }
    }

    /// Writes the leader into Karpenter's Lease. Renewals, which change nothing but a time every two seconds, are left
    /// out.
    pub fn sign(&self, store: &mut Store, ctx: &exec::Context<'_>) {
        let Some(pod) = &self.key else { return };
        let namespace = ctx.profile.karpenter_namespace;
        let identity = Stream::fork(ctx.seed, "leader", &self.uid).uuid();
        let now = objects::time::micro_time(ctx.unix_ms());
        let spec = json!({
            "holderIdentity": format!("{}_{identity}", pod.name), "leaseDurationSeconds": 15,
            "leaseTransitions": self.terms.saturating_sub(1), "acquireTime": now, "renewTime": now,
        });
        let key = ObjectKey::new(Kind::Lease, namespace, LEASE);
        // Neither can be refused: the object is there, or its name is free.
        let _ = if store.get(&key).is_some() {
            exec::patch(store, ctx, &key, &json!({ "spec": spec }))
        } else {
            let metadata = json!({"name": LEASE, "namespace": namespace});
            let doc = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec});
            exec::create(store, ctx, doc)
        };
    }

    pub fn is_running(&self) -> bool {
        self.outside || self.key.is_some()
    }

    /// From now on the leader is a process outside the cluster, whatever pods there are.
    pub fn go_outside(&mut self) {
        *self = Leader { outside: true, ..Leader::default() };
    }

    /// `namespace/name` of the leader, or of the last one.
    pub fn pod(&self) -> &str {
        &self.pod
    }

    /// When the leader begins to work.
    pub fn since(&self) -> SimTime {
        self.since
    }
}

fn is_karpenter(pod: &Object) -> bool {
    pod.meta.labels.get("app.kubernetes.io/name").is_some_and(|n| n == "karpenter")
}

fn works(pod: &Object) -> bool {
    !pod.meta.is_deleting() && pod.pod().is_some_and(|p| p.phase == Phase::Running && p.ready)
}
