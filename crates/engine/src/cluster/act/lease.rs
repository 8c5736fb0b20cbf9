//! One process at a time: a Lease says which. As client-go elects: whoever wants it watches for the holder's term in which it does
//! not renew it, by its own clock, and every write names the version that was read.
//! Source: kubernetes/client-go tools/leaderelection/leaderelection.go, v0.35 (15 s, 10 s, 2 s).

use super::wire::{Failure, Hands, value};
use kube::api::{DynamicObject, PostParams};
use objects::{DocExt, Kind, Value, json};
use std::time::Duration;

pub const NAME: &str = "nodewright-act";
const TERM_MS: i64 = 15_000;
/// A holder that has not been able to renew it for so long stops, before others may begin.
const DEADLINE_MS: i64 = 10_000;
pub const RETRY: Duration = Duration::from_millis(2_000);

pub struct Lease {
    namespace: String,
    clock: fn() -> i64,
    /// The version of the other holder's Lease that was seen last, and when it was seen first.
    watched: Option<(String, i64)>,
    renewed_ms: i64,
}

/// How an attempt ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Attempt {
    Held,
    /// Somebody else holds it.
    Others(String),
    /// The server does not answer.
    Unknown(String),
}

impl Lease {
    pub fn new(namespace: &str, clock: fn() -> i64) -> Lease {
        Lease { namespace: namespace.to_owned(), clock, watched: None, renewed_ms: 0 }
    }

    /// Whether nobody else can hold it now.
    pub fn is_held(&self) -> bool {
        self.renewed_ms > 0 && (self.clock)() - self.renewed_ms < DEADLINE_MS
    }

    /// Takes or renews it.
    pub async fn attempt(&mut self, hands: &Hands) -> Attempt {
        let now = (self.clock)();
        let mut done = self.write(hands, now).await;
        // Somebody was quicker: who has it now? It may be this process still, where they wrote something else.
        if matches!(&done, Err(Failure::Refused(e)) if e.reason.code() == 409) {
            done = self.write(hands, now).await;
        }
        match done {
            Ok(None) => {
                self.renewed_ms = now;
                Attempt::Held
            }
            Ok(Some(holder)) => {
                self.renewed_ms = 0;
                Attempt::Others(holder)
            }
            Err(Failure::Refused(e)) => Attempt::Unknown(e.message),
            Err(Failure::Unanswered { message, .. }) => Attempt::Unknown(message),
        }
    }

    /// The other holder, where there is one.
    async fn write(&mut self, hands: &Hands, now: i64) -> Result<Option<String>, Failure> {
        let api = hands.api(Kind::Lease, &self.namespace);
        let there = api.get_opt(NAME).await.map_err(super::wire::failure)?.map(value);
        let holder = there.as_ref().and_then(|l| l.str_at("spec.holderIdentity")).unwrap_or_default().to_owned();
        let others = !holder.is_empty() && holder != hands.identity;
        if others
            && let Some(lease) = &there
            && !self.has_run_out(lease, now)
        {
            return Ok(Some(holder));
        }
        let time = objects::time::micro_time(now);
        let mut lease = there.clone().unwrap_or_else(|| {
            json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": NAME, "namespace": self.namespace}})
        });
        if holder != hands.identity {
            let transitions = lease.int_at("spec.leaseTransitions").map_or(0, |n| n.saturating_add(1));
            lease.set("spec.acquireTime", time.as_str());
            lease.set("spec.leaseTransitions", transitions);
        }
        lease.set("spec.holderIdentity", hands.identity.as_str());
        lease.set("spec.leaseDurationSeconds", TERM_MS / 1000);
        lease.set("spec.renewTime", time);
        self.send(hands, lease, there.is_some()).await.map(|()| None)
    }

    async fn send(&self, hands: &Hands, lease: Value, replaces: bool) -> Result<(), Failure> {
        let api = hands.api(Kind::Lease, &self.namespace);
        let Ok(object) = serde_json::from_value::<DynamicObject>(lease) else { return Ok(()) };
        let params = PostParams::default();
        let done = if replaces { api.replace(NAME, &params, &object).await } else { api.create(&params, &object).await };
        done.map(|_| ()).map_err(super::wire::failure)
    }

    /// By this process's clock alone: the holder's may be another. How long its term is, the holder says.
    fn has_run_out(&mut self, lease: &Value, now: i64) -> bool {
        let version = lease.str_at("metadata.resourceVersion").unwrap_or_default().to_owned();
        match &self.watched {
            Some((seen, since)) if *seen == version => now.saturating_sub(*since) > term_ms(lease),
            _ => {
                self.watched = Some((version, now));
                false
            }
        }
    }

    /// Gives it back, so that the next one need not wait.
    pub async fn release(&mut self, hands: &Hands) {
        if !self.is_held() {
            return;
        }
        self.renewed_ms = 0;
        let api = hands.api(Kind::Lease, &self.namespace);
        let Ok(Some(there)) = api.get_opt(NAME).await else { return };
        let mut lease = value(there);
        if lease.str_at("spec.holderIdentity") == Some(hands.identity.as_str()) {
            lease.set("spec.holderIdentity", "");
            lease.set("spec.leaseDurationSeconds", 1);
            // It runs out by itself where this fails.
            let _ = self.send(hands, lease, true).await;
        }
    }
}

/// How long whoever wrote the Lease may go without renewing it.
fn term_ms(lease: &Value) -> i64 {
    let stated = lease.int_at("spec.leaseDurationSeconds").filter(|s| *s > 0);
    stated.map_or(TERM_MS, |s| s.saturating_mul(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When the Lease has run out for one who looks every two seconds and sees it unchanged from `from` on.
    fn runs_out(lease: &mut Lease, doc: &Value, from: i64) -> i64 {
        (from..from + 200_000).step_by(2_000).find(|now| lease.has_run_out(doc, *now)).unwrap() - from
    }

    #[test]
    fn a_dead_holder_s_term_is_waited_out_and_no_longer() {
        let doc = |version: &str, spec: Value| json!({"metadata": {"resourceVersion": version}, "spec": spec});
        for (spec, want) in [
            (json!({"leaseDurationSeconds": 15}), 16_000),
            (json!({"leaseDurationSeconds": 60}), 62_000),
            (json!({"leaseDurationSeconds": 1}), 2_000),
            // Not said, or nonsense: this process's own.
            (json!({}), 16_000),
            (json!({"leaseDurationSeconds": -5}), 16_000),
        ] {
            let mut lease = Lease::new("n", || 0);
            assert_eq!(runs_out(&mut lease, &doc("1", spec.clone()), 1_000), want, "{spec}");
            // Renewed: from the beginning.
            assert_eq!(runs_out(&mut lease, &doc("2", spec.clone()), 500_000), want, "{spec}");
        }
    }
}
